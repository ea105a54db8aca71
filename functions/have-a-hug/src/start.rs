//! How a function starts: from its environment to what it works with.

use std::{collections::HashMap, env, path::Path};

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;

use crate::{
    aws,
    bucket::Bucket,
    clock::Clock,
    deps::Deps,
    http,
    ledger::Ledger,
    metrics::Metrics,
    news::News,
    publish::Publisher,
    seal::Seal,
    settings::{self, Settings},
    signed::Service,
};

/// Why a function cannot start.
type StartError = Box<dyn std::error::Error + Send + Sync>;

/// Reads `HUG_TABLE` (the ledger's name), the settings and the secrets, and makes the clients.
///
/// The settings come from either `HUG_SETTINGS`, the path of `hug.toml`, with the secrets in the
/// environment; or `HUG_PARAMETERS`, the prefix of AWS parameters such as `/have-a-hug`, where
/// `/have-a-hug/settings` is the text of `hug.toml` and `/have-a-hug/secrets/X_API_KEY` a secret.
///
/// If `HUG_NEWS_TOPIC` is set, news are published to the topic of SNS with this ARN. If
/// `HUG_SONGBOOK_BUCKET` is set, the songbook is published in the bucket of S3 with this name. If `HUG_LOGINS_KEY` is
/// set, accounts can have their settings in the table, with a login that this key of KMS opens; then hug.toml does not have
/// to name one.
///
/// # Errors
///
/// A variable that is missing, parameters that cannot be read, or a mistake in the settings. A missing secret is not an
/// error: every check and every delivery of its account says so, and the other accounts are served.
pub async fn from_environment() -> Result<Deps, StartError> {
    let table = variable("HUG_TABLE").ok_or(
        "the environment variable HUG_TABLE is not set; it is the name of the ledger's table",
    )?;
    let http = http::client()?;
    let aws = aws::config(&http);
    let key = variable("HUG_LOGINS_KEY");
    let clock = Clock::system();
    let (settings, metrics) = match (variable("HUG_SETTINGS"), variable("HUG_PARAMETERS")) {
        (Some(path), None) => {
            let (path, secrets) = (Path::new(&path), settings::environment());
            let settings = match &key {
                None => Settings::load(path, &secrets)?,
                Some(_) => Settings::load_for_table(path, &secrets)?,
            };
            (settings, Metrics::default())
        }
        (None, Some(prefix)) => {
            let prefix = prefix.trim_end_matches('/');
            // Stack and prefix are of one name, which the alarms look for: infra/template.yaml.
            let metrics = Metrics::on_standard_output(prefix.trim_start_matches('/'));
            let ssm = Service::new("ssm", &aws, http.clone());
            let ssm = ssm.map_err(|what| format!("there is no {what} for Parameter Store"))?;
            let parameters = Parameters::read(&ssm, prefix, clock.now()).await?;
            (parameters.settings(key.is_some())?, metrics)
        }
        (None, None) => {
            return Err("neither HUG_SETTINGS nor HUG_PARAMETERS is set; set one: the path of hug.toml, or the prefix of the AWS parameters".into());
        }
        (Some(_), Some(_)) => {
            return Err(
                "both HUG_SETTINGS and HUG_PARAMETERS are set, and they may disagree; unset one"
                    .into(),
            );
        }
    };
    let ledger = Ledger::new(aws::dynamodb(&aws), table.clone());
    for warning in &settings.warnings {
        tracing::warn!(warning, "the settings look wrong");
    }
    let mut deps = Deps::new(settings, ledger, &http, clock.clone());
    deps.metrics = metrics;
    if let Some(topic) = variable("HUG_NEWS_TOPIC") {
        let sns = Service::new("sns", &aws, http.clone());
        let sns = sns.map_err(|what| format!("there is no {what} for the topic {topic}"))?;
        deps.news = News::to_topic(sns, topic, clock);
    }
    if let Some(name) = variable("HUG_SONGBOOK_BUCKET") {
        deps.publisher = Some(Publisher::new(Bucket::new(name, &aws, http.clone())?));
    }
    if let Some(key) = key {
        deps.seal = Some(Seal::new(key, table, &aws, http)?);
    }
    Ok(deps)
}

fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// The parameters under a prefix in AWS Systems Manager's Parameter Store, by full name, decrypted.
struct Parameters {
    prefix: String,
    region: String,
    values: HashMap<String, String>,
}

/// One page of parameters, as Parameter Store answers.
#[derive(Deserialize)]
struct Page {
    #[serde(rename = "Parameters", default)]
    parameters: Vec<Parameter>,
    #[serde(rename = "NextToken")]
    next: Option<String>,
}

#[derive(Deserialize)]
struct Parameter {
    #[serde(rename = "Name")]
    name: String,
    #[serde(rename = "Value")]
    value: String,
}

impl Parameters {
    async fn read(ssm: &Service, prefix: &str, now: Timestamp) -> Result<Self, StartError> {
        let region = &ssm.region;
        let failed = |why: &str| {
            format!(
                "reading the parameters under {prefix} in {region} failed: {why}; the prefix must begin with a slash, and the function's role needs ssm:GetParametersByPath and kms:Decrypt there"
            )
        };
        let headers = [
            ("content-type", "application/x-amz-json-1.1"),
            ("x-amz-target", "AmazonSSM.GetParametersByPath"),
        ];
        let mut request =
            json!({ "Path": prefix, "Recursive": true, "WithDecryption": true, "MaxResults": 10 });
        let mut values = HashMap::new();
        loop {
            let page = ssm.post(&headers, &request.to_string(), now).await;
            let page = page.map_err(|why| failed(&why))?.json::<Page>();
            // Why it cannot be read is left out: that may quote a secret.
            let page = page.map_err(|_| failed("the answer is not what was expected"))?;
            values.extend(page.parameters.into_iter().map(|it| (it.name, it.value)));
            let Some(next) = page.next else {
                break;
            };
            request["NextToken"] = json!(next);
        }
        Ok(Self {
            prefix: prefix.to_owned(),
            region: region.to_owned(),
            values,
        })
    }

    /// The settings. With `for_table`, they do not have to name an account, because the table can have the settings of some.
    fn settings(&self, for_table: bool) -> Result<Settings, StartError> {
        let Self {
            prefix,
            region,
            values,
        } = self;
        let text = values.get(&format!("{prefix}/settings")).ok_or_else(|| {
            format!("there is no parameter {prefix}/settings in {region}, so it is unknown whose followers to count; upload hug.toml with `make settings`")
        })?;
        let secrets = |name: &str| values.get(&format!("{prefix}/secrets/{name}")).cloned();
        let file = format!("the parameter {prefix}/settings in {region}");
        let read = if for_table {
            Settings::parse_for_table(text, &file, &secrets)
        } else {
            Settings::parse(text, &file, &secrets)
        };
        read.map_err(|error| {
            format!("{error}\n  upload a corrected hug.toml with `make settings`").into()
        })
    }
}

#[cfg(test)]
mod tests {
    use aws_config::{BehaviorVersion, Region, SdkConfig};
    use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::*;

    /// What is read from a Parameter Store that has this first page, and the second one for who names its token.
    async fn read(first: &str, second: &str) -> Result<Parameters, StartError> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let credentials = Credentials::new("local", "local", None, None, "local");
        let aws = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::from_static("eu-central-1"))
            .endpoint_url(format!("http://{}", listener.local_addr().unwrap()))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .build();
        let ssm = Service::new("ssm", &aws, http::client().unwrap()).unwrap();
        let serve = async {
            loop {
                let (mut connection, _) = listener.accept().await.unwrap();
                let mut request = String::new();
                while !request.ends_with('}') {
                    let mut part = [0; 4096];
                    let length = connection.read(&mut part).await.unwrap();
                    request += std::str::from_utf8(&part[..length]).unwrap();
                }
                assert!(request.contains("x-amz-target: AmazonSSM.GetParametersByPath\r\n"));
                let asks_for_second = request.contains("\"NextToken\":\"more\"");
                let page = if asks_for_second { second } else { first };
                let head = format!("connection: close\r\ncontent-length: {}", page.len());
                let answer = format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n{page}");
                connection.write_all(answer.as_bytes()).await.unwrap();
            }
        };
        tokio::select! {
            parameters = Parameters::read(&ssm, "/have-a-hug", Timestamp::UNIX_EPOCH) => parameters,
            () = serve => unreachable!("it serves until the end"),
        }
    }

    #[tokio::test]
    async fn every_page_of_parameters_is_read() {
        let first = r#"{"Parameters":[{"Name":"/have-a-hug/a","Value":"1","Type":"String"}],"NextToken":"more"}"#;
        let second = r#"{"Parameters":[{"Name":"/have-a-hug/b","Value":"2"}]}"#;
        let read = read(first, second).await.unwrap();
        let mut values: Vec<_> = read.values.into_iter().collect();
        values.sort();
        let expected = [("/have-a-hug/a", "1"), ("/have-a-hug/b", "2")];
        assert_eq!(values, expected.map(|(a, b)| (a.to_owned(), b.to_owned())));
    }

    #[tokio::test]
    async fn parameters_that_cannot_be_understood_are_not_quoted() {
        let page =
            r#"{"Parameters":[{"Name":"/have-a-hug/a","Value":["hidden"]}],"hidden":"hidden"}"#;
        let message = read(page, page).await.err().unwrap().to_string();
        assert!(
            message.contains("reading the parameters under /have-a-hug in eu-central-1 failed")
        );
        assert!(!message.contains("hidden"), "{message}");
    }

    fn parameters(values: &[(&str, &str)]) -> Parameters {
        let pair =
            |(name, value): &(&str, &str)| (format!("/have-a-hug/{name}"), (*value).to_owned());
        Parameters {
            prefix: "/have-a-hug".into(),
            region: "eu-central-1".into(),
            values: values.iter().map(pair).collect(),
        }
    }

    const SETTINGS: &str =
        "[plan]\nfirst = 600\nstep = 100\n\n[[account]]\nnetwork = \"x\"\nhandle = \"amber\"\n";

    #[test]
    fn settings_and_secrets_are_found_by_their_names_under_the_prefix() {
        let all = parameters(&[
            ("settings", SETTINGS),
            ("secrets/X_API_KEY", "a"),
            ("secrets/X_API_SECRET", "b"),
            ("secrets/X_ACCESS_TOKEN", "c"),
            ("secrets/X_ACCESS_SECRET", "d"),
        ]);
        assert_eq!(all.settings(false).unwrap().accounts.len(), 1);
    }

    #[test]
    fn missing_settings_are_told_with_their_name_their_region_and_what_to_do() {
        let message = parameters(&[("secrets/X_API_KEY", "a")])
            .settings(false)
            .unwrap_err()
            .to_string();
        for word in ["/have-a-hug/settings", "eu-central-1", "make settings"] {
            assert!(message.contains(word), "{message}");
        }
    }

    #[test]
    fn a_missing_secret_stops_only_its_account_and_is_named_without_the_value_of_another() {
        let two =
            format!("{SETTINGS}\n[[account]]\nnetwork = \"bluesky\"\nhandle = \"bea.test\"\n");
        let all = parameters(&[
            ("settings", &two),
            ("secrets/X_API_KEY", "hidden"),
            ("secrets/BLUESKY_APP_PASSWORD", "hidden"),
        ]);
        let settings = all.settings(false).unwrap();
        assert!(settings.accounts[1].credentials.is_ok());
        let why = settings.accounts[0]
            .credentials
            .as_ref()
            .unwrap_err()
            .to_string();
        assert!(
            why.contains("x:amber") && why.contains("X_API_SECRET"),
            "{why}"
        );
        assert!(!why.contains("hidden"), "{why}");
    }

    #[test]
    fn a_mistake_names_the_parameter_its_region_and_what_to_do() {
        let wrong = SETTINGS.replace("600", "0");
        let message = parameters(&[("settings", &wrong)])
            .settings(false)
            .unwrap_err()
            .to_string();
        for word in [
            "/have-a-hug/settings in eu-central-1",
            "line 2, plan.first",
            "make settings",
        ] {
            assert!(message.contains(word), "{message}");
        }
    }
}
