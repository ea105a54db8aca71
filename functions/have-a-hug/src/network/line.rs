//! One account's line to its network: requests go out over it, and what becomes of them is told in
//! terms of what comes next.

use jiff::{SignedDuration, Timestamp};
use reqwest::{Client, RequestBuilder, StatusCode, header::CONTENT_TYPE};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Failure, Letter, NetworkError};
use crate::{
    account::AccountName,
    clock::Clock,
    follower::Recipient,
    foreign::{LONGEST_REASON, one_line},
    http::{self, Answer, Lost},
    settings::{self, Secret},
};

/// The clocks here and there may differ by this much.
pub(crate) const CLOCK_DRIFT: SignedDuration = SignedDuration::from_mins(2);

/// A letter that may have arrived is looked for among what was written from this long before it on:
/// a clock can be hours off, here or there, and no other letter has its words.
pub(super) const LOOKED_BACK: SignedDuration = SignedDuration::from_hours(12);

pub(super) struct Line {
    pub account: AccountName,
    /// What must never be told, should a server quote a request in its answer.
    pub secrets: Vec<Secret>,
    pub http: Client,
    pub clock: Clock,
}

impl Line {
    pub fn new(
        account: &settings::Account,
        secrets: Vec<Secret>,
        http: &Client,
        clock: &Clock,
    ) -> Self {
        Self {
            account: account.name.clone(),
            secrets,
            http: http.clone(),
            clock: clock.clone(),
        }
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// When a used-up rate limit opens again: the time that the network told, if it lies ahead, else
    /// after the network's `usual` window. A day at the most: no limit of theirs is longer, and a
    /// wrong clock over there must not silence an account for good.
    pub fn until(&self, told: Option<Timestamp>, usual: SignedDuration) -> Timestamp {
        let now = self.now();
        let told = told.filter(|time| *time > now);
        let longest = now + SignedDuration::from_hours(24);
        told.unwrap_or(now + usual).min(longest)
    }

    /// When to come back, as a header says in seconds from now.
    pub fn retry_after(&self, answer: &Answer) -> Option<Timestamp> {
        let wait = SignedDuration::from_secs(answer.number("retry-after")?);
        self.now().checked_add(wait).ok()
    }

    /// Whether something may have been done though the answer is a refusal.
    pub fn perhaps_done(answer: &Answer) -> bool {
        answer.status.is_server_error() || answer.status == StatusCode::REQUEST_TIMEOUT
    }

    /// Whom a letter that names someone is for.
    pub fn recipient<'a>(
        &self,
        attempted: &'static str,
        letter: &Letter<'a>,
    ) -> Result<&'a Recipient, NetworkError> {
        letter
            .hug
            .follower
            .as_ref()
            .ok_or_else(|| self.error(attempted, Failure::Refused, "nobody is named to send it to"))
    }

    /// Asks for something: whatever is lost on the way can be asked again.
    pub async fn read(
        &self,
        attempted: &'static str,
        request: RequestBuilder,
    ) -> Result<Answer, NetworkError> {
        http::ask(request).await.map_err(|lost| match lost {
            Lost::NeverLeft(why) | Lost::NoAnswer(why) => {
                self.error(attempted, Failure::TryAgain, why)
            }
        })
    }

    /// Asks for something to be done: without an answer it may have been.
    pub async fn write(
        &self,
        attempted: &'static str,
        request: RequestBuilder,
    ) -> Result<Answer, NetworkError> {
        http::ask(request).await.map_err(|lost| match lost {
            Lost::NeverLeft(why) => self.error(attempted, Failure::TryAgain, why),
            Lost::NoAnswer(why) => self.error(attempted, Failure::OutcomeUnknown, why),
        })
    }

    /// What was asked for.
    pub fn parse<T: DeserializeOwned>(
        &self,
        attempted: &'static str,
        answer: &Answer,
    ) -> Result<T, NetworkError> {
        answer
            .json()
            .map_err(|why| self.error(attempted, Failure::TryAgain, self.quote(&why)))
    }

    /// The reference to what was done. It was accepted, so an unreadable one is no failure to send.
    pub fn parse_sent<T: DeserializeOwned>(
        &self,
        attempted: &'static str,
        answer: &Answer,
    ) -> Result<T, NetworkError> {
        answer
            .json()
            .map_err(|why| self.error(attempted, Failure::OutcomeUnknown, self.quote(&why)))
    }

    /// What a server said, short and on one line; not at all where it quotes a secret, or what was
    /// made of one for the request (an OAuth header, a JWT), as a gateway's debugging page may.
    pub fn quote(&self, foreign: &str) -> String {
        let encoded = |secret: &Secret| {
            let value = secret.expose();
            let percent = oauth1_request::to_query(
                String::new(),
                &oauth1_request::ParameterList::new([("", value)]),
            );
            foreign.contains(percent.trim_start_matches(['?', '=']))
        };
        let quotes = |secret: &Secret| foreign.contains(secret.expose()) || encoded(secret);
        if self.secrets.iter().any(quotes)
            || ["oauth_", "eyJ"].iter().any(|part| foreign.contains(part))
        {
            return "(an answer that quotes a secret, and is not told)".to_owned();
        }
        one_line(foreign, LONGEST_REASON)
    }

    pub fn error(
        &self,
        attempted: &'static str,
        failure: Failure,
        why: impl Into<String>,
    ) -> NetworkError {
        NetworkError {
            failure,
            account: self.account.clone(),
            attempted,
            why: why.into(),
        }
    }
}

/// An address with its parameters, each encoded.
pub(super) fn with_query(url: String, query: &[(&str, &str)]) -> String {
    if query.is_empty() {
        return url;
    }
    let parameters = oauth1_request::ParameterList::new(query.to_vec());
    oauth1_request::to_query(url, &parameters)
}

pub(super) fn json_body(request: RequestBuilder, body: &Value) -> RequestBuilder {
    request
        .header(CONTENT_TYPE, "application/json")
        .body(body.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_quotes_a_secret_in_any_form_is_not_told() {
        let line = Line {
            account: "x:amber".parse().unwrap(),
            secrets: vec![Secret::new("k/e+y".into())],
            http: http::client().unwrap(),
            clock: Clock::system(),
        };
        for quoting in [
            "key k/e+y",
            "bad k%2Fe%2By!",
            "oauth_token=\"7\"",
            "token eyJhbGci",
        ] {
            assert!(line.quote(quoting).starts_with("(an answer"), "{quoting}");
        }
        assert_eq!(line.quote("no key"), "no key");
    }
}
