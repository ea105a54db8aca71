//! A login by code: the account's owner approves an app of this program on a page of their server, which shows a code.
//! Every server has its own apps, so this program makes one there first. Facts and sources: docs/NETWORKS.md, "Mastodon",
//! "Login by code".

use async_trait::async_trait;
use reqwest::header::CONTENT_TYPE;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer};

use super::{
    DIALECT, RULES,
    rules::{ACCESS_TOKEN, domain},
    wire::{Account, Problem, covers},
};
use crate::{
    http::{Response, with_query},
    network::{
        Failure, NetworkError,
        approval::{Approval, Approved, by_another},
        client::{Attempt, Client, Connection},
        machine_made,
    },
    secret::Credentials,
};

const BEGINNING: &str = "beginning the login by code";
const FINISHING: &str = "finishing the login by code";

/// What this program does with a token: see the [module](super).
const SCOPES: [&str; 4] = [
    "read:accounts",
    "read:statuses",
    "read:notifications",
    "write:statuses",
];

/// The server shows the code, and goes nowhere.
const SHOW_THE_CODE: &str = "urn:ietf:wg:oauth:2.0:oob";

/// How many characters a code and a secret have. Mastodon's have 43; a shorter one could be a part of any answer, and no
/// answer that quotes a secret is shown.
const MIN_SECRET: usize = 8;
const MAX_SECRET: usize = 2_048;

/// A login by code that was begun.
pub(crate) struct Code {
    address: String,
    app: App,
}

/// An app, as its server knows it.
#[derive(Deserialize)]
struct App {
    #[serde(deserialize_with = "secret")]
    client_id: SecretString,
    #[serde(deserialize_with = "secret")]
    client_secret: SecretString,
}

/// What an approval gave.
#[derive(Deserialize)]
struct Granted {
    #[serde(deserialize_with = "secret")]
    access_token: SecretString,
    /// A server that leaves it out has granted what was asked for.
    scope: Option<String>,
}

fn secret<'de, D: Deserializer<'de>>(from: D) -> Result<SecretString, D::Error> {
    let is_long = |text: &str| text.len() >= MIN_SECRET;
    machine_made(from, "the secret", MAX_SECRET, is_long).map(SecretString::from)
}

impl Code {
    /// Makes an app on the account's server. A server lets one address make 5 apps in 10 minutes.
    pub(crate) async fn begin(to: &Connection<'_>) -> Result<Self, NetworkError> {
        let client = Client::new(to, &DIALECT);
        let attempt = client.attempt(BEGINNING);
        let server = to.server(&RULES);
        let scopes = SCOPES.join(" ");
        let app = [
            ("client_name", "Have a Hug"),
            ("redirect_uris", SHOW_THE_CODE),
            ("scopes", &scopes),
        ];
        let request = client.http.post(format!("{server}/api/v1/apps"));
        let response = attempt.ask(with_form(request, &app)).await?;
        let app = begun(attempt, &response)?;
        let query = [
            ("response_type", "code"),
            ("client_id", app.client_id.expose_secret()),
            ("redirect_uri", SHOW_THE_CODE),
            ("scope", &scopes),
        ];
        Ok(Self {
            address: with_query(format!("{server}/oauth/authorize"), &query),
            app,
        })
    }
}

#[async_trait]
impl Approval for Code {
    fn address(&self) -> &str {
        &self.address
    }

    fn shown(&self) -> &'static str {
        "the code"
    }

    async fn finish(&self, to: &Connection<'_>, typed: &str) -> Result<Approved, NetworkError> {
        let code = typed.trim();
        if !is_code(code) {
            let why = "what was typed is not a code; begin anew, and copy the whole code that the server shows";
            return Err(Client::new(to, &DIALECT).attempt(FINISHING).blocked(why));
        }
        // No error quotes these, either.
        let used = to.credentials.clone().with(Credentials::from_iter([
            ("CODE", code.into()),
            ("CLIENT_ID", self.app.client_id.clone()),
            ("CLIENT_SECRET", self.app.client_secret.clone()),
        ]));
        let client = client_with(to, &used);
        let attempt = client.attempt(FINISHING);
        let server = to.server(&RULES);
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("client_id", self.app.client_id.expose_secret()),
            ("client_secret", self.app.client_secret.expose_secret()),
            ("redirect_uri", SHOW_THE_CODE),
        ];
        let request = client.http.post(format!("{server}/oauth/token"));
        let response = attempt.ask(with_form(request, &fields)).await?;
        let granted = granted(attempt, &response)?;
        let token = granted.access_token;
        let credentials = Credentials::from_iter([(ACCESS_TOKEN, token.clone())]);
        let client = client_with(to, &used.with(credentials.clone()));
        let attempt = client.attempt(FINISHING);
        let whose = format!("{server}/api/v1/accounts/verify_credentials");
        let request = client.http.get(whose).bearer_auth(token.expose_secret());
        let account: Account = attempt.parse(&attempt.read(request).await?)?;
        check_handle(attempt, &account, &to.account.handle)?;
        let domain = domain(&to.account.handle);
        Ok(Approved {
            id: format!("{}@{domain}", account.id).into(),
            handle: format!("{}@{domain}", account.username),
            credentials,
        })
    }
}

fn client_with(to: &Connection<'_>, credentials: &Credentials) -> Client {
    Client::new(&Connection { credentials, ..*to }, &DIALECT)
}

/// The request with these fields as its body, which is a form.
fn with_form(request: reqwest::RequestBuilder, fields: &[(&str, &str)]) -> reqwest::RequestBuilder {
    let body = with_query(String::new(), fields);
    request
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(body.trim_start_matches('?').to_owned())
}

fn is_code(typed: &str) -> bool {
    (MIN_SECRET..=MAX_SECRET).contains(&typed.len())
        && typed.bytes().all(|byte| byte.is_ascii_graphic())
}

/// The app in the response to the beginning.
fn begun(attempt: Attempt<'_>, response: &Response) -> Result<App, NetworkError> {
    if !response.status.is_success() {
        return Err(attempt.refusal(response));
    }
    // The reason of the parser can quote a secret.
    let unread = |_| attempt.error(Failure::TryAgain, "the answer has no app in it");
    response.json().map_err(unread)
}

/// The token in the response to the code, if it allows enough.
fn granted(attempt: Attempt<'_>, response: &Response) -> Result<Granted, NetworkError> {
    if !response.status.is_success() {
        return Err(refusal(attempt, response));
    }
    let unread = |_| attempt.error(Failure::TryAgain, "the answer has no token; begin anew");
    let granted: Granted = response.json().map_err(unread)?;
    if let Some(scope) = &granted.scope {
        let missing = |needed: &&&str| !scope.split_whitespace().any(|one| covers(one, needed));
        let missing: Vec<&str> = SCOPES.iter().filter(missing).copied().collect();
        if !missing.is_empty() {
            let why = format!(
                "the server did not grant {}; the approval is of no use without",
                missing.join(", ")
            );
            return Err(attempt.blocked(why));
        }
    }
    Ok(granted)
}

/// Why the server gave no token.
fn refusal(attempt: Attempt<'_>, response: &Response) -> NetworkError {
    let problem: Problem = response.json().unwrap_or_default();
    let why = match problem.code() {
        Some("invalid_grant") => {
            "the code is wrong, was used before, or is older than 10 minutes; begin anew, and copy the whole code that the server shows"
        }
        Some("invalid_client") => "the server does not know this app any more; begin anew",
        _ => return attempt.refusal(response),
    };
    attempt.blocked(format!("{}: {why}", response.status))
}

/// The account that approved must be the one of the connection.
fn check_handle(attempt: Attempt<'_>, account: &Account, wanted: &str) -> Result<(), NetworkError> {
    let name = wanted.split('@').next().unwrap_or(wanted);
    if account.username.eq_ignore_ascii_case(name) {
        return Ok(());
    }
    let approved = format!("{}@{}", account.username, domain(wanted));
    Err(attempt.blocked(by_another(&approved, wanted)))
}

/// Returns what takes a response in as that to each step of the login, and checks the invariants.
#[cfg(any(test, fuzzing))]
pub(crate) fn taking_in(to: &Connection<'_>) -> impl Fn(&Response) + Send + Sync + use<> {
    let client = Client::new(to, &DIALECT);
    move |response| {
        match begun(client.attempt(BEGINNING), response) {
            Ok(app) => assert!(app.client_id.expose_secret().is_ascii()),
            Err(error) => error.assert_readable(),
        }
        let attempt = client.attempt(FINISHING);
        match granted(attempt, response) {
            Ok(granted) => assert!(granted.access_token.expose_secret().is_ascii()),
            Err(error) => error.assert_readable(),
        }
        if let Ok(account) = response.json::<Account>()
            && let Err(error) = check_handle(attempt, &account, &client.account.handle)
        {
            error.assert_readable();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{clock::Clock, http};

    fn failed(status: u16, body: &str) -> Option<NetworkError> {
        let client = Client::new(
            &Connection {
                account: &"mastodon:amber@m.example".parse().unwrap(),
                server: None,
                appview: None,
                credentials: &Credentials::default(),
                http: &http::client().unwrap(),
                clock: &Clock::by_hand(jiff::Timestamp::UNIX_EPOCH),
            },
            &DIALECT,
        );
        let response = Response::read(format!("{status}\n\n{body}").as_bytes());
        granted(client.attempt(FINISHING), &response).err()
    }

    fn with_scope(scope: &str) -> String {
        format!(r#"{{"access_token":"aBcDeFgHiJkLmN","token_type":"Bearer","scope":"{scope}"}}"#)
    }

    #[test]
    fn a_token_with_the_scopes_or_with_those_that_cover_them_is_taken() {
        for scope in [
            SCOPES.join(" ").as_str(),
            "read write follow",
            "push read write:statuses",
        ] {
            assert!(failed(200, &with_scope(scope)).is_none(), "{scope}");
        }
        assert!(failed(200, r#"{"access_token":"aBcDeFgHiJkLmN"}"#).is_none());
    }

    #[test]
    fn a_token_with_fewer_scopes_is_refused_with_what_is_missing() {
        for (scope, missing) in [
            ("read", "did not grant write:statuses;"),
            (
                "",
                "read:accounts, read:statuses, read:notifications, write:statuses",
            ),
            (
                "read:accounts read:statuses write",
                "did not grant read:notifications;",
            ),
            ("reader write", "read:accounts"),
        ] {
            let error = failed(200, &with_scope(scope)).unwrap();
            assert!(error.why.contains(missing), "{error}");
            assert_eq!(error.failure, Failure::Blocked { until: None });
        }
    }

    #[test]
    fn an_answer_that_cannot_be_read_is_not_quoted() {
        for body in [
            r#""aBcDeFgHiJkLmN""#,
            r#"{"access_token":["aBcDeFgHiJkLmN"]}"#,
            r#"{"access_token":"aBcDeFgHiJkLmN","scope":["read"]}"#,
            r#"{"access_token":"short"}"#,
            "",
        ] {
            let error = failed(200, body).unwrap().to_string();
            assert!(error.contains("the answer has no token"), "{error}");
            assert!(
                !error.contains("aBcDeF") && !error.contains("short"),
                "{error}"
            );
        }
    }
}
