//! Requests of one account: they are sent, their failures are classified by what the program does next, and
//! no error quotes a secret.

use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use promise::{
    account::AccountName,
    follower::Recipient,
    letter::Letter,
    rules::Rules,
    untrusted::{MAX_REASON, one_line},
};
use reqwest::{RequestBuilder, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;

use super::{Failure, NetworkError};
use crate::{
    clock::Clock,
    http::{self, Response, SendError},
    secret::Credentials,
};

/// What a client needs: the account, its secrets and its server.
#[derive(Clone, Copy)]
pub struct Connection<'a> {
    /// The account.
    pub account: &'a AccountName,
    /// The server in hug.toml, if it names one.
    pub server: Option<&'a str>,
    /// The AppView in hug.toml, if it names one.
    pub appview: Option<&'a str>,
    /// The account's secrets.
    pub credentials: &'a Credentials,
    /// The one HTTP client of this program.
    pub http: &'a reqwest::Client,
    /// The time.
    pub clock: &'a Clock,
}

impl Connection<'_> {
    /// The server to write to, and to read from where the network has no AppView.
    pub fn server(&self, rules: &Rules) -> String {
        rules.server(&self.account.handle, self.server)
    }
}

/// How to read the responses of one network.
pub(crate) struct Dialect {
    /// Why a request was not carried out. The client decides 408, 5xx, and a 429 that is not a cap by the status
    /// alone, because these mean the same on every network.
    pub refusal: fn(&Response) -> Refusal,
    /// Whether a 429 is not a rate limit but a cap on what was paid for.
    pub is_capped: fn(&Response) -> bool,
    /// When a used-up rate limit opens again, as the response says.
    pub reset: fn(&Response) -> Option<Timestamp>,
    /// How long a rate limit lasts where the response does not say.
    pub window: SignedDuration,
    /// The header with the number of requests that the rate limit has left.
    pub remaining: &'static str,
    /// Whether the refusal of a write means that an earlier try was carried out.
    pub done_already: fn(&Response) -> bool,
}

/// Why a request was not carried out.
pub(crate) struct Refusal {
    /// [`Failure::Refused`] means: if this is the response to the sending of a letter, the network refuses that
    /// letter and not the account.
    pub failure: Failure,
    /// The network's own words.
    pub why: String,
}

/// The requests of one account.
pub(crate) struct Client {
    pub account: AccountName,
    pub http: reqwest::Client,
    secrets: Vec<SecretString>,
    clock: Clock,
    dialect: &'static Dialect,
    /// Until when the network asked not to be read, as its latest response says.
    blocked_until: Mutex<Option<Timestamp>>,
}

impl Client {
    pub(crate) fn new(connection: &Connection<'_>, dialect: &'static Dialect) -> Self {
        Self {
            account: connection.account.clone(),
            http: connection.http.clone(),
            secrets: connection.credentials.values().cloned().collect(),
            clock: connection.clock.clone(),
            dialect,
            blocked_until: Mutex::default(),
        }
    }

    /// Begins an attempt. `what` names it in every error: "reading the followers".
    pub(crate) fn attempt(&self, what: &'static str) -> Attempt<'_> {
        Attempt { client: self, what }
    }

    pub(crate) fn blocked_until(&self) -> Option<Timestamp> {
        *self.lock()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Timestamp>> {
        // A time is whole even if a thread panicked while it held the lock.
        self.blocked_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// When a block ends, if the network says so and the time is in the future. It is at most 32 days from now: no
    /// billing cycle is longer, and a wrong time must not stop an account for ever.
    fn end_of_block(&self, announced: Option<Timestamp>, response: &Response) -> Option<Timestamp> {
        let now = self.clock.now();
        let end = announced.or_else(|| self.retry_after(response));
        let end = end.filter(|end| *end > now)?;
        Some(end.min(now + SignedDuration::from_hours(32 * 24)))
    }

    fn retry_after(&self, response: &Response) -> Option<Timestamp> {
        let seconds = SignedDuration::from_secs(response.number("retry-after")?);
        self.clock.now().checked_add(seconds).ok()
    }

    /// When a used-up rate limit opens again: the time in the response if it lies ahead, else after the
    /// network's usual window. A day at the most: no limit is longer, and a wrong clock of a network must
    /// not silence an account for ever.
    fn reset(&self, response: &Response) -> Timestamp {
        let now = self.clock.now();
        let announced = (self.dialect.reset)(response).or_else(|| self.retry_after(response));
        let announced = announced.filter(|time| *time > now);
        announced
            .unwrap_or(now + self.dialect.window)
            .min(now + SignedDuration::from_hours(24))
    }

    /// What a server answered, short and on one line. It is left out where it quotes a secret, or what
    /// was made from one for the request (an OAuth header, a JWT), as a gateway's error page may.
    fn redacted(&self, foreign: &str) -> String {
        let lower = foreign.to_lowercase();
        let quotes = |secret: &SecretString| {
            let secret = secret.expose_secret();
            let forms = [secret.to_owned(), http::percent_encoded(secret)];
            forms
                .iter()
                .any(|form| lower.contains(&form.to_lowercase()))
        };
        if self.secrets.iter().any(quotes)
            || ["oauth_", "eyJ"].iter().any(|part| foreign.contains(part))
        {
            return "(an answer that quotes a secret, and is not shown)".to_owned();
        }
        one_line(foreign, MAX_REASON)
    }
}

/// One thing that is attempted for an account, in one request or several.
#[derive(Clone, Copy)]
pub(crate) struct Attempt<'a> {
    client: &'a Client,
    what: &'static str,
}

impl Attempt<'_> {
    /// Reads something, and fails unless the response is a success.
    pub(crate) async fn read(&self, request: RequestBuilder) -> Result<Response, NetworkError> {
        self.accept(self.ask(request).await?)
    }

    /// Does something. Without a response it may have been done, and after an error of the server too.
    pub(crate) async fn write(&self, request: RequestBuilder) -> Result<Response, NetworkError> {
        self.accept_written(self.exchange(request, Failure::OutcomeUnknown).await?)
    }

    /// Reads something, and returns a response of any status. A rate limit is remembered:
    /// [`Client::blocked_until`].
    pub(crate) async fn ask(&self, request: RequestBuilder) -> Result<Response, NetworkError> {
        let response = self.exchange(request, Failure::TryAgain).await?;
        if self.is_rate_limit(&response) {
            *self.client.lock() = Some(self.client.reset(&response));
        }
        Ok(response)
    }

    /// Sends a request, and returns a response of any status. `if_lost` is the failure where the request was
    /// sent and no response arrived.
    pub(crate) async fn exchange(
        &self,
        request: RequestBuilder,
        if_lost: Failure,
    ) -> Result<Response, NetworkError> {
        http::send(request).await.map_err(|error| match error {
            SendError::NotSent(why) => self.error(Failure::TryAgain, why),
            SendError::NoResponse(why) => self.error(if_lost, why),
        })
    }

    /// The response to a read, if it is a success.
    pub(crate) fn accept(&self, response: Response) -> Result<Response, NetworkError> {
        if response.status.is_success() {
            Ok(response)
        } else {
            Err(self.refusal(&response))
        }
    }

    /// The response to the sending of a letter, if it is a success. The outcome is unknown after 408 or 5xx, because
    /// these do not say that nothing was done.
    pub(crate) fn accept_written(&self, response: Response) -> Result<Response, NetworkError> {
        if response.status.is_success() {
            return Ok(response);
        }
        let mut refusal = self.refusal_of_letter(&response);
        if response.status.is_server_error() || response.status == StatusCode::REQUEST_TIMEOUT {
            refusal.failure = Failure::OutcomeUnknown;
        } else if (self.client.dialect.done_already)(&response) {
            refusal.failure = Failure::SentBefore;
        }
        Err(refusal)
    }

    /// Remembers whether this response used up the rate limit. A limit of an earlier response is over: the
    /// network has answered.
    pub(crate) fn note_limit(&self, response: &Response) {
        let used_up = response.number(self.client.dialect.remaining) == Some(0);
        let until = used_up.then(|| self.client.reset(response));
        *self.client.lock() = until;
    }

    fn is_rate_limit(&self, response: &Response) -> bool {
        response.status == StatusCode::TOO_MANY_REQUESTS
            && !(self.client.dialect.is_capped)(response)
    }

    /// The error for a response to a request that did not send a letter. It is never [`Failure::Refused`].
    pub(crate) fn refusal(&self, response: &Response) -> NetworkError {
        let mut refusal = self.refusal_of_letter(response);
        if refusal.failure == Failure::Refused {
            refusal.failure = Failure::Blocked { until: None };
        }
        refusal
    }

    /// The error for a response to the sending of a letter.
    pub(crate) fn refusal_of_letter(&self, response: &Response) -> NetworkError {
        let Refusal { failure, why } = (self.client.dialect.refusal)(response);
        let failure = match (response.status, failure) {
            _ if self.is_rate_limit(response) => Failure::WaitUntil(self.client.reset(response)),
            (StatusCode::REQUEST_TIMEOUT, _) => Failure::TryAgain,
            (status, _) if status.is_server_error() => Failure::TryAgain,
            (_, Failure::Blocked { until }) => Failure::Blocked {
                until: self.client.end_of_block(until, response),
            },
            (_, failure) => failure,
        };
        // X answers 200 for an account that does not exist; the reason is in the body.
        let why = if response.status.is_success() {
            why
        } else {
            format!("{}: {why}", response.status)
        };
        self.error(failure, why)
    }

    /// Reads the body of a response.
    pub(crate) fn parse<T: DeserializeOwned>(
        &self,
        response: &Response,
    ) -> Result<T, NetworkError> {
        self.parse_or(response, Failure::TryAgain)
    }

    /// Reads the reference to what was sent. The network accepted the request, so an unreadable body does not
    /// mean that nothing was sent.
    pub(crate) fn parse_sent<T: DeserializeOwned>(
        &self,
        response: &Response,
    ) -> Result<T, NetworkError> {
        self.parse_or(response, Failure::OutcomeUnknown)
    }

    fn parse_or<T: DeserializeOwned>(
        &self,
        response: &Response,
        failure: Failure,
    ) -> Result<T, NetworkError> {
        response.json().map_err(|why| self.error(failure, why))
    }

    /// The recipient of a letter; an error where it names nobody.
    pub(crate) fn recipient<'l>(&self, letter: &Letter<'l>) -> Result<&'l Recipient, NetworkError> {
        let nobody = || self.blocked("the letter has no recipient");
        letter.to.ok_or_else(nobody)
    }

    /// Nobody has the handle in the settings.
    pub(crate) fn no_such_account(&self) -> NetworkError {
        let handle = &self.client.account.handle;
        self.blocked(format!(
            "there is no account with the handle {handle}: see `handle` in hug.toml"
        ))
    }

    /// A failure of this attempt that lasts until someone acts.
    pub(crate) fn blocked(&self, why: impl Into<String>) -> NetworkError {
        self.error(Failure::Blocked { until: None }, why)
    }

    /// A failure of this attempt. Every reason is redacted, also one of this program: it may quote an address or a header.
    pub(crate) fn error(&self, failure: Failure, why: impl Into<String>) -> NetworkError {
        NetworkError {
            failure,
            account: self.client.account.clone(),
            attempted: self.what,
            why: self.client.redacted(&why.into()),
        }
    }
}

#[cfg(any(test, fuzzing))]
impl Attempt<'_> {
    /// Panics unless the refusal of any response is readable and no wait ends in the past.
    pub(crate) fn assert_refusal(&self, response: &Response) {
        assert_ne!(self.refusal(response).failure, Failure::Refused);
        let refusal = self.refusal_of_letter(response);
        refusal.assert_readable();
        if let Failure::WaitUntil(until) | Failure::Blocked { until: Some(until) } = refusal.failure
        {
            assert!(until > self.client.clock.now());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIALECT: Dialect = Dialect {
        refusal: |_| Refusal {
            failure: Failure::Refused,
            why: "no".to_owned(),
        },
        is_capped: |response| response.text("capped").is_some(),
        reset: |response| response.unix_time("reset"),
        window: SignedDuration::from_mins(15),
        remaining: "remaining",
        done_already: |response| response.text("done").is_some(),
    };

    fn client(secret: &str) -> Client {
        let key = SecretString::from(secret);
        Client::new(
            &Connection {
                account: &"x:amber".parse().unwrap(),
                server: None,
                appview: None,
                credentials: &Credentials::from_iter([("API_KEY", key)]),
                http: &http::client().unwrap(),
                clock: &Clock::by_hand(Timestamp::UNIX_EPOCH),
            },
            &DIALECT,
        )
    }

    #[test]
    fn an_answer_that_quotes_a_secret_plainly_or_in_a_url_is_not_shown() {
        let client = client("k/e+y");
        for quoting in [
            "key k/e+y",
            "bad k%2Fe%2By!",
            "bad k%2fe%2by, or K/E+Y",
            "oauth_token=\"7\"",
            "token eyJhbGci",
        ] {
            let why = client
                .attempt("reading")
                .error(Failure::Refused, quoting)
                .why;
            assert!(why.starts_with("(an answer"), "{quoting}");
        }
        let shown = client.attempt("reading").error(Failure::Refused, "no key");
        assert_eq!(shown.why, "no key");
    }

    #[test]
    fn a_rate_limit_ends_when_the_network_says_or_after_its_window_and_within_a_day() {
        let client = client("key");
        for (head, minutes) in [
            ("429\nreset: 600\n\n", 10),
            ("429\nretry-after: 60\n\n", 1),
            ("429\n\n", 15),
            ("429\nreset: -600\n\n", 15),
            ("429\nreset: 99999999999\n\n", 24 * 60),
            ("429\nretry-after: 9223372036854775807\n\n", 15),
        ] {
            let end = Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minutes);
            assert_eq!(
                client.reset(&Response::read(head.as_bytes())),
                end,
                "{head}"
            );
        }
    }

    #[test]
    fn a_rate_limit_is_over_when_the_network_answers_again() {
        let client = client("key");
        let note = |head: &str| {
            let response = Response::read(head.as_bytes());
            client.attempt("reading").note_limit(&response);
            client.blocked_until().is_some()
        };
        assert!(note("200\nremaining: 0\n\n"));
        assert!(!note("200\nremaining: 9\n\n"));
        assert!(note("200\nremaining: 0\n\n"));
        assert!(!note("200\n\n"));
    }

    #[test]
    fn a_refused_write_may_have_been_done_after_an_error_of_the_server_or_where_the_network_says_so()
     {
        let client = client("key");
        let failure = |head: &str| {
            let response = Response::read(head.as_bytes());
            let accepted = client.attempt("sending").accept_written(response);
            accepted.err().map(|error| error.failure)
        };
        assert_eq!(failure("201\n\n"), None);
        assert_eq!(failure("400\n\n"), Some(Failure::Refused));
        for head in ["500\n\n", "408\n\n"] {
            assert_eq!(failure(head), Some(Failure::OutcomeUnknown), "{head}");
        }
        assert_eq!(failure("403\ndone: yes\n\n"), Some(Failure::SentBefore));
    }

    #[test]
    fn only_a_response_to_the_sending_of_a_letter_refuses_the_letter() {
        let client = client("key");
        let attempt = client.attempt("sending");
        let response = || Response::read(b"400\n\n");
        let letter = attempt.accept_written(response()).err().unwrap();
        assert_eq!(letter.failure, Failure::Refused);
        let read = attempt.accept(response()).err().unwrap();
        assert_eq!(read.failure, Failure::Blocked { until: None });
    }

    #[test]
    fn a_429_is_a_rate_limit_unless_it_is_a_cap() {
        let client = client("key");
        let failure = |head: &[u8]| {
            client
                .attempt("reading")
                .refusal(&Response::read(head))
                .failure
        };
        let end = Timestamp::UNIX_EPOCH + SignedDuration::from_mins(15);
        assert_eq!(failure(b"429\n\n"), Failure::WaitUntil(end));
        assert_eq!(
            failure(b"429\ncapped: yes\n\n"),
            Failure::Blocked { until: None }
        );
    }

    #[test]
    fn a_block_ends_when_the_network_says_but_within_32_days() {
        let client = client("key");
        let end = |announced: Option<i64>, head: &[u8]| {
            let announced = announced.map(|second| Timestamp::from_second(second).unwrap());
            let end = client.end_of_block(announced, &Response::read(head));
            end.map(Timestamp::as_second)
        };
        assert_eq!(end(Some(600), b"403\n\n"), Some(600));
        assert_eq!(end(Some(-600), b"403\n\n"), None);
        assert_eq!(end(None, b"403\nretry-after: 60\n\n"), Some(60));
        assert_eq!(end(None, b"403\n\n"), None);
        assert_eq!(
            end(Some(99_999_999_999), b"403\n\n"),
            Some(32 * 24 * 60 * 60)
        );
    }
}
