//! A login by PIN: the account's owner approves the app on a page of X, which shows a number, and nobody needs a web
//! page of their own. Facts and sources: docs/NETWORKS.md, "X", "Login by PIN".

use std::collections::HashMap;

use async_trait::async_trait;
use oauth1_request::{Builder, HMAC_SHA1};
use reqwest::{StatusCode, Url, header::AUTHORIZATION};
use secrecy::{ExposeSecret, SecretString};

use super::{
    DIALECT, RULES, X,
    rules::{ACCESS_SECRET, ACCESS_TOKEN, API_KEY, API_SECRET},
};
use crate::{
    http::{Response, with_query},
    network::{
        Failure, Network, NetworkError,
        approval::{Approval, Approved, by_another},
        client::{Attempt, Client, Connection},
    },
    secret::Credentials,
};

const BEGINNING: &str = "beginning the login by PIN";
const FINISHING: &str = "finishing the login by PIN";

/// How many characters a token and its secret have. X's have 27 to 50; a shorter one could be a part of any answer, and no
/// answer that quotes a secret is shown.
const MIN_TOKEN: usize = 8;
const MAX_TOKEN: usize = 200;

/// Which of the two requests to X was refused.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    Begin,
    Finish,
}

/// A login by PIN that was begun.
pub(crate) struct Pin {
    address: String,
    token: Token,
}

/// A token with its secret: one that asks for an approval, or one that the approval gave.
struct Token {
    token: SecretString,
    secret: SecretString,
}

/// What an approval gave.
struct Granted {
    token: Token,
    user_id: String,
    screen_name: String,
}

/// The app's two keys of OAuth 1.0a.
struct App<'a> {
    key: &'a SecretString,
    secret: &'a SecretString,
}

impl<'a> App<'a> {
    fn of(attempt: Attempt<'_>, credentials: &'a Credentials) -> Result<Self, NetworkError> {
        let get = |name| {
            let missing = || {
                attempt.blocked(format!(
                    "the app's {name} is missing; it is at developer.x.com: your app, \"keys and tokens\""
                ))
            };
            credentials.get(name).ok_or_else(missing)
        };
        Ok(Self {
            key: get(API_KEY)?,
            secret: get(API_SECRET)?,
        })
    }

    /// The request that asks for an approval, or, with the token of one and the PIN, the request that ends it.
    fn request(
        &self,
        client: &Client,
        url: &str,
        approved: Option<(&Token, &str)>,
    ) -> reqwest::RequestBuilder {
        let app =
            oauth1_request::Credentials::new(self.key.expose_secret(), self.secret.expose_secret());
        let mut builder = Builder::<_, _>::new(app, HMAC_SHA1);
        match approved {
            // X shows the number in place of going to a callback.
            None => builder.callback("oob"),
            Some((Token { token, secret }, pin)) => builder
                .token(oauth1_request::Credentials::new(
                    token.expose_secret(),
                    secret.expose_secret(),
                ))
                .verifier(pin),
        };
        let authorization = builder.authorize("POST", url, &());
        let request = client.http.post(url).body("");
        request.header(AUTHORIZATION, authorization)
    }
}

impl Pin {
    /// Asks X for a token that the owner can approve.
    pub(crate) async fn begin(to: &Connection<'_>) -> Result<Self, NetworkError> {
        let client = Client::new(to, &DIALECT);
        let attempt = client.attempt(BEGINNING);
        let server = to.server(&RULES);
        let app = App::of(attempt, to.credentials)?;
        let url = format!("{server}/oauth/request_token");
        let response = attempt.ask(app.request(&client, &url, None)).await?;
        let token = begun(attempt, &response)?;
        let query = [("oauth_token", token.token.expose_secret())];
        Ok(Self {
            address: with_query(format!("{server}/oauth/authorize"), &query),
            token,
        })
    }
}

#[async_trait]
impl Approval for Pin {
    fn address(&self) -> &str {
        &self.address
    }

    fn shown(&self) -> &'static str {
        "the PIN"
    }

    async fn finish(&self, to: &Connection<'_>, typed: &str) -> Result<Approved, NetworkError> {
        let pin = typed.trim();
        if !is_pin(pin) {
            let why = "what was typed is not a PIN, which is a number of about 7 digits; begin anew, and type what X shows";
            return Err(Client::new(to, &DIALECT).attempt(FINISHING).blocked(why));
        }
        // No error quotes these, either.
        let used = to.credentials.clone().with(Credentials::from_iter([
            ("PIN", pin.into()),
            ("REQUEST_TOKEN", self.token.token.clone()),
            ("REQUEST_SECRET", self.token.secret.clone()),
        ]));
        let client = Client::new(
            &Connection {
                credentials: &used,
                ..*to
            },
            &DIALECT,
        );
        let attempt = client.attempt(FINISHING);
        let app = App::of(attempt, to.credentials)?;
        let url = format!("{}/oauth/access_token", to.server(&RULES));
        let request = app.request(&client, &url, Some((&self.token, pin)));
        let response = attempt.ask(request).await?;
        let granted = granted(attempt, &response)?;
        granted.check_handle(attempt, &to.account.handle)?;
        let credentials = Credentials::from_iter([
            (ACCESS_TOKEN, granted.token.token),
            (ACCESS_SECRET, granted.token.secret),
        ]);
        let all = used.clone().with(credentials.clone());
        let account = X::new(&Connection {
            credentials: &all,
            ..*to
        });
        let id = granted.user_id.into();
        // One user read. It is the account itself, which X bills once a day together with its count.
        let may = account.permissions(&id).await?;
        if may.owner.as_ref() != Some(&id) {
            return Err(attempt.blocked("X says that the login belongs to another account"));
        }
        if may.post == Some(false) {
            let why = "the login allows no posts: give the app \"read and write\" at developer.x.com, then begin anew";
            return Err(attempt.blocked(why));
        }
        Ok(Approved {
            id,
            handle: granted.screen_name,
            credentials,
        })
    }
}

/// X says "about 7 digits". A shorter text could be a part of any answer, and then no answer would be shown.
fn is_pin(typed: &str) -> bool {
    (5..=16).contains(&typed.len()) && typed.bytes().all(|byte| byte.is_ascii_digit())
}

/// The token in the response to the beginning.
fn begun(attempt: Attempt<'_>, response: &Response) -> Result<Token, NetworkError> {
    if !response.status.is_success() {
        return Err(refusal(attempt, response, Step::Begin));
    }
    let form = Form::read(response);
    if form.field("oauth_callback_confirmed") != Some("true") {
        return Err(attempt.error(Failure::TryAgain, "X did not confirm the login by PIN"));
    }
    let token = form.token();
    token.ok_or_else(|| attempt.error(Failure::TryAgain, "the answer has no token to approve"))
}

/// What the response to the PIN gives.
fn granted(attempt: Attempt<'_>, response: &Response) -> Result<Granted, NetworkError> {
    if !response.status.is_success() {
        return Err(refusal(attempt, response, Step::Finish));
    }
    let form = Form::read(response);
    let granted = || {
        let user_id = form.field("user_id")?;
        let is_id =
            (1..=20).contains(&user_id.len()) && user_id.bytes().all(|b| b.is_ascii_digit());
        let screen_name = form.field("screen_name")?;
        let is_handle = (RULES.handle.is_valid)(screen_name);
        Some(Granted {
            token: form.token().filter(|_| is_id && is_handle)?,
            user_id: user_id.to_owned(),
            screen_name: screen_name.to_owned(),
        })
    };
    let missing = "the answer has no login, or does not say whose it is; begin anew";
    granted().ok_or_else(|| attempt.error(Failure::TryAgain, missing))
}

impl Granted {
    /// The account that approved must be the one of the connection.
    fn check_handle(&self, attempt: Attempt<'_>, wanted: &str) -> Result<(), NetworkError> {
        if self.screen_name.eq_ignore_ascii_case(wanted) {
            return Ok(());
        }
        Err(attempt.blocked(by_another(&self.screen_name, wanted)))
    }
}

/// Why X refused. X's own words do not say what helps, and some have the word "oauth_" in them, which no error shows.
fn refusal(attempt: Attempt<'_>, response: &Response, step: Step) -> NetworkError {
    let words = response.body_text().to_lowercase();
    let says = |part| words.contains(part);
    let why = match response.status {
        StatusCode::FORBIDDEN if says("callback") => {
            "the app has no callback address, which X wants for a PIN too; set one up at developer.x.com: your app, \"user authentication settings\", with \"read and write\" and any https address"
        }
        StatusCode::UNAUTHORIZED if says("timestamp") => {
            "X says that this computer's clock is wrong; set it, and begin anew"
        }
        StatusCode::UNAUTHORIZED if step == Step::Finish && says("verifier") => {
            "the PIN is wrong, or the approval was used before; begin anew, and type the number that X shows"
        }
        StatusCode::UNAUTHORIZED if step == Step::Finish && says("token") => {
            "the approval was used before, or is too old; begin anew"
        }
        status
            if status == StatusCode::UNAUTHORIZED
                || status == StatusCode::BAD_REQUEST && says("authenticat") =>
        {
            "X does not know the app's keys; compare API_KEY and API_SECRET with \"keys and tokens\" of the app at developer.x.com"
        }
        _ => return attempt.refusal(response),
    };
    attempt.blocked(format!("{}: {why}", response.status))
}

/// An answer that is written as a query is: `oauth_token=…&user_id=…`.
struct Form(HashMap<String, String>);

impl Form {
    fn read(response: &Response) -> Self {
        let address = format!("https://form.invalid/?{}", response.body_text().trim());
        let fields = Url::parse(&address).map(|url| url.query_pairs().into_owned().collect());
        Self(fields.unwrap_or_default())
    }

    fn field(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The token and its secret, if X can have made them: they become parts of an address and of a header.
    fn token(&self) -> Option<Token> {
        let made_by_x = |text: &&str| {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
            (MIN_TOKEN..=MAX_TOKEN).contains(&text.len()) && text.bytes().all(plain)
        };
        Some(Token {
            token: self.field("oauth_token").filter(made_by_x)?.into(),
            secret: self.field("oauth_token_secret").filter(made_by_x)?.into(),
        })
    }
}

/// Returns what takes a response in as that to each step of the login, and checks the invariants.
#[cfg(any(test, fuzzing))]
pub(crate) fn taking_in(to: &Connection<'_>) -> impl Fn(&Response) + Send + Sync + use<> {
    let client = Client::new(to, &DIALECT);
    move |response| {
        match begun(client.attempt(BEGINNING), response) {
            Ok(token) => assert!(token.token.expose_secret().is_ascii()),
            Err(error) => error.assert_readable(),
        }
        let attempt = client.attempt(FINISHING);
        match granted(attempt, response) {
            Ok(granted) => {
                assert!((1..=20).contains(&granted.user_id.len()));
                if let Err(error) = granted.check_handle(attempt, &client.account.handle) {
                    error.assert_readable();
                }
            }
            Err(error) => error.assert_readable(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{clock::Clock, http};

    fn with_client<T>(test: impl FnOnce(&Client) -> T) -> T {
        test(&Client::new(
            &Connection {
                account: &"x:amber".parse().unwrap(),
                server: None,
                appview: None,
                credentials: &Credentials::default(),
                http: &http::client().unwrap(),
                clock: &Clock::by_hand(jiff::Timestamp::UNIX_EPOCH),
            },
            &DIALECT,
        ))
    }

    #[test]
    fn each_refusal_says_what_helps() {
        let callback = "Callback URL not approved for this client application. Approved callback URLs can be adjusted in your application settings";
        let code = |number: u16, message: &str| {
            format!(r#"{{"errors":[{{"code":{number},"message":"{message}"}}]}}"#)
        };
        let verifier = "Error processing your OAuth request: Invalid oauth_verifier parameter";
        for (step, status, body, helps) in [
            (
                Step::Begin,
                401,
                code(32, "Could not authenticate you."),
                "keys and tokens",
            ),
            (
                Step::Begin,
                401,
                code(89, "Invalid or expired token."),
                "keys and tokens",
            ),
            (
                Step::Begin,
                400,
                code(215, "Bad Authentication data."),
                "keys and tokens",
            ),
            (Step::Begin, 403, code(415, callback), "callback address"),
            (
                Step::Begin,
                401,
                code(135, "Timestamp out of bounds."),
                "clock",
            ),
            (Step::Finish, 401, verifier.to_owned(), "the PIN is wrong"),
            (
                Step::Finish,
                401,
                code(89, "Invalid or expired token."),
                "too old",
            ),
            (
                Step::Finish,
                401,
                code(32, "Could not authenticate you."),
                "keys and tokens",
            ),
        ] {
            let response = Response::read(format!("{status}\n\n{body}").as_bytes());
            let error = with_client(|client| refusal(client.attempt(FINISHING), &response, step));
            assert!(error.why.contains(helps), "{error}");
            assert_eq!(error.failure, Failure::Blocked { until: None }, "{error}");
        }
    }

    #[test]
    fn a_page_of_a_gateway_and_a_limit_are_no_fault_of_the_keys() {
        let failure = |response: &str| {
            let response = Response::read(response.as_bytes());
            with_client(|client| begun(client.attempt(BEGINNING), &response).err())
                .map(|error| error.failure)
        };
        let page = "<!DOCTYPE html>";
        assert_eq!(failure(&format!("503\n\n{page}")), Some(Failure::TryAgain));
        assert_eq!(failure(&format!("400\n\n{page}")), Some(Failure::TryAgain));
        assert!(matches!(
            failure("429\nretry-after: 60\n\n{}"),
            Some(Failure::WaitUntil(_))
        ));
    }

    #[test]
    fn only_a_whole_answer_is_taken() {
        let whole = "oauth_token=7-aBcDeF&oauth_token_secret=gHiJkLmN&user_id=7&screen_name=amber";
        let read = |body: &str| {
            let response = Response::read(format!("200\n\n{body}").as_bytes());
            with_client(|client| granted(client.attempt(FINISHING), &response).err())
                .map(|error| error.to_string())
        };
        assert_eq!(read(whole), None);
        for (part, with) in [
            ("7-aBcDeF", "7-a%20cDeF"),
            ("gHiJkLmN", ""),
            ("user_id=7", "user_id=x"),
            ("screen_name=amber", "screen_name=a%0Ab"),
        ] {
            let error = read(&whole.replace(part, with)).unwrap();
            assert!(error.contains("begin anew"), "{error}");
            assert!(
                !error.contains("JkLm") && !error.contains("cDeF"),
                "{error}"
            );
        }
    }
}
