//! The binary of a function, with AWS around it.

use std::{
    collections::BTreeSet,
    path::Path,
    process::{Command, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Json, Router, http::HeaderMap};
use have_a_hug::{clock::Clock, deps::Deps, http, ledger::Ledger, settings::Settings};
use hug::{
    port::Port,
    table::{self, Table},
};
use lambda_runtime::LambdaEvent;
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;

use crate::{
    proxy::{Proxy, Trouble, answer},
    secrets::{SECRETS, assert_contains_no_secret},
};

/// The binary of a function.
pub struct Function {
    /// The function's name, such as `check-followers`.
    pub name: &'static str,
    /// Where cargo has put its binary: `env!("CARGO_BIN_EXE_check-followers")`.
    pub binary: &'static str,
}

impl Function {
    /// The binary, with an empty environment.
    fn command(&self) -> Command {
        let mut command = Command::new(self.binary);
        command.env_clear().stdin(Stdio::null());
        command
    }

    /// Without a part of its environment the function ends, and its log says what is missing.
    ///
    /// # Panics
    ///
    /// If that is not so.
    pub fn assert_says_what_is_missing(&self) {
        let log = |environment: &[(&str, &str)]| {
            let mut command = self.command();
            let ended = command.envs(environment.iter().copied()).output().unwrap();
            assert!(!ended.status.success());
            // Lambda takes the log from standard output.
            String::from_utf8(ended.stdout).unwrap()
        };
        let table = ("HUG_TABLE", "t");
        let settings = ("HUG_SETTINGS", "hug.toml");
        let parameters = ("HUG_PARAMETERS", "/have-a-hug");
        for (environment, words) in [
            (
                vec![],
                "HUG_TABLE is not set; it is the name of the ledger's table",
            ),
            (
                vec![table],
                "neither HUG_SETTINGS nor HUG_PARAMETERS is set; set one",
            ),
            (
                vec![table, settings, parameters],
                "both HUG_SETTINGS and HUG_PARAMETERS are set",
            ),
            (
                vec![table, ("HUG_SETTINGS", "nowhere.toml")],
                "nowhere.toml does not exist",
            ),
        ] {
            let log = log(&environment);
            assert!(log.contains(words), "expected: {words}\nlogged: {log}");
        }
    }

    /// Asserts that before its first event the function uses all rights in `infra/rights.json` that are not for
    /// DynamoDB, SNS or S3, and no others. The rights for those are compared in `tests/stack/rights.rs`, `news.rs` and
    /// `songbook.rs`.
    ///
    /// # Panics
    ///
    /// If that is not so.
    pub async fn assert_starts_with_its_rights(&self) {
        let seen = Arc::new(Mutex::new(BTreeSet::new()));
        let kept = Arc::clone(&seen);
        let answer = move |headers: HeaderMap, body: String| {
            let target = headers["x-amz-target"].to_str().unwrap();
            let body: Value = serde_json::from_str(&body).unwrap();
            kept.lock().unwrap().extend(rights_of(target, &body));
            // No parameters: the function says what is missing, and ends.
            async { Json(json!({ "Parameters": [] })) }
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
        let mut command = self.command();
        command.envs([
            ("HUG_TABLE", "ledger"),
            ("HUG_PARAMETERS", "/have-a-hug"),
            ("AWS_ENDPOINT_URL", &address),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
        ]);
        let ended = tokio::task::spawn_blocking(move || command.output().unwrap());
        let log = String::from_utf8(ended.await.unwrap().stdout).unwrap();
        assert!(
            log.contains("there is no parameter /have-a-hug/settings"),
            "{log}"
        );
        let mut listed = listed_rights(self.name);
        listed.retain(|right| {
            !right.starts_with("dynamodb:")
                && !right.starts_with("sns:")
                && !right.starts_with("s3:")
        });
        assert_eq!(
            *seen.lock().unwrap(),
            listed,
            "used by {} at its start, and listed in infra/rights.json",
            self.name
        );
    }
}

/// The rights that `infra/rights.json` lists for a function.
///
/// # Panics
///
/// If the file cannot be read or does not name the function.
pub fn listed_rights(function: &str) -> BTreeSet<String> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../infra/rights.json");
    let listed: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    serde_json::from_value(listed[function].clone()).unwrap()
}

/// The rights that one request takes: `DynamoDB_20120810.GetItem` takes `dynamodb:GetItem`, a transaction takes those of
/// the writes in it, and a decrypted answer takes the right to the key.
///
/// # Panics
///
/// If the request is to another service of AWS.
pub fn rights_of(target: &str, body: &Value) -> Vec<String> {
    let (service, operation) = match target.split_once('.') {
        Some(("DynamoDB_20120810", operation)) => ("dynamodb", operation),
        Some(("AmazonSSM", operation)) => ("ssm", operation),
        _ => panic!("{target} is a request to a service that this test does not know yet"),
    };
    let mut rights = match operation {
        // {"Put": …}, {"Update": …}, {"Delete": …} or {"ConditionCheck": …}
        "TransactWriteItems" => {
            let writes = body["TransactItems"].as_array().unwrap();
            let kinds = writes
                .iter()
                .flat_map(|one| one.as_object().unwrap().keys());
            kinds.map(|kind| format!("dynamodb:{kind}Item")).collect()
        }
        "TransactGetItems" => vec!["dynamodb:GetItem".to_owned()],
        _ => vec![format!("{service}:{operation}")],
    };
    if body["WithDecryption"] == true {
        rights.push("kms:Decrypt".to_owned());
    }
    rights
}

/// AWS around a function: its parameters, its table and the API that hands it one event.
pub struct Aws {
    endpoint: Proxy,
    port: Port,
    table: Table,
    settings: String,
}

impl Aws {
    /// Starts it, with that hug.toml and the [`SECRETS`].
    ///
    /// # Panics
    ///
    /// If no port can be opened.
    pub async fn with(settings: &str) -> Self {
        let mut parameters = vec![
            json!({ "Name": "/have-a-hug/settings", "Type": "SecureString", "Value": settings }),
        ];
        for (name, value) in SECRETS {
            let name = format!("/have-a-hug/secrets/{name}");
            parameters.push(json!({ "Name": name, "Type": "SecureString", "Value": value }));
        }
        let body = json!({ "Parameters": parameters }).to_string();
        let parameters = answer(
            "200 OK",
            "content-type: application/x-amz-json-1.1\r\n",
            body,
        );
        let table = Table::in_memory().await.unwrap();
        let port = Port::open(table.database()).await.unwrap();
        let endpoint = Proxy::before(port.url(), move |_, head| {
            if head.contains("AmazonSSM.GetParametersByPath") {
                Trouble::Instead(parameters.clone())
            } else {
                Trouble::None
            }
        })
        .await;
        Self {
            endpoint,
            port,
            table,
            settings: settings.to_owned(),
        }
    }

    /// Runs the binary with `RUST_LOG=trace`, hands it one event, and returns all that it logs until it has answered.
    ///
    /// # Panics
    ///
    /// If the log contains a secret, or there is no answer within 30 seconds.
    pub async fn invoke(&self, function: &Function, event: &Value) -> String {
        let first = answer(
            "200 OK",
            "content-type: application/json\r\nlambda-runtime-aws-request-id: 1\r\nlambda-runtime-deadline-ms: 99999999999999\r\nlambda-runtime-invoked-function-arn: arn:aws:lambda:local:0:function:f\r\n",
            event.to_string(),
        );
        let runtime = Proxy::before("http://127.0.0.1:9", move |number, head| {
            match (number, head.contains("/invocation/next")) {
                (0, true) => Trouble::Instead(first.clone()),
                (_, true) => Trouble::Endless("", "", Duration::from_secs(1)),
                _ => Trouble::Instead(answer("202 Accepted", "", "")),
            }
        })
        .await;
        let mut command = function.command();
        for (name, value) in SECRETS.iter().filter(|(name, _)| name.starts_with("AWS_")) {
            command.env(name, value);
        }
        let mut child = tokio::process::Command::from(command)
            .env("RUST_LOG", "trace")
            .env("NO_COLOR", "1")
            .env("HUG_TABLE", table::NAME)
            .env("HUG_PARAMETERS", "/have-a-hug")
            .env("AWS_ENDPOINT_URL", &self.endpoint.url)
            .env("AWS_REGION", "local")
            .env("AWS_ACCESS_KEY_ID", self.port.key())
            .env(
                "AWS_LAMBDA_RUNTIME_API",
                runtime.url.trim_start_matches("http://"),
            )
            .env("AWS_LAMBDA_FUNCTION_NAME", function.name)
            .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
            .env("AWS_LAMBDA_LOG_GROUP_NAME", "log")
            .env("AWS_LAMBDA_LOG_STREAM_NAME", "log")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let (mut out, mut err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let (mut output, mut errors) = (Vec::new(), Vec::new());
        let answered = async {
            while !runtime.seen().iter().any(|head| head.starts_with("POST")) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            child.kill().await.unwrap();
        };
        let all = async {
            tokio::join!(
                out.read_to_end(&mut output),
                err.read_to_end(&mut errors),
                answered
            )
        };
        let (read, read_errors, ()) = tokio::time::timeout(Duration::from_secs(30), all)
            .await
            .unwrap();
        read.unwrap();
        read_errors.unwrap();
        let log = [output, errors].concat();
        assert_contains_no_secret(&log, function.name);
        String::from_utf8_lossy(&log).into_owned()
    }

    /// Checks the accounts in this process, so that the table has hugs to deliver.
    ///
    /// # Panics
    ///
    /// If no check can be made.
    pub async fn check(&self) {
        let known = |name: &str| SECRETS.iter().find(|(known, _)| *known == name);
        let secrets = |name: &str| known(name).map(|(_, value)| (*value).to_owned());
        let settings = Settings::parse(&self.settings, "hug.toml", &secrets);
        let ledger = Ledger::new(self.table.client().clone(), table::NAME);
        let http = http::client().unwrap();
        let deps = Deps::new(settings.unwrap(), ledger, &http, Clock::system());
        let event = LambdaEvent::new(json!({}), lambda_runtime::Context::default());
        check_followers::handle(event, &deps).await.unwrap();
    }

    /// No item of the table contains a secret.
    ///
    /// # Panics
    ///
    /// If one does.
    pub async fn assert_table_contains_no_secret(&self) {
        let scan = self.table.client().scan().table_name(table::NAME);
        let items = format!("{:?}", scan.send().await.unwrap().items());
        assert_contains_no_secret(items.as_bytes(), "the ledger");
    }
}
