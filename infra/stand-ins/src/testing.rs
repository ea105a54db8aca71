//! What the tests of all stand-ins share: a stand-in with a creator and fans, and a client for it.

use std::{collections::HashMap, error::Error};

use have_a_hug::clock::Clock;
use serde_json::Value;

use crate::{backend::Backend, person::Person, stand_in::StandIn};

pub(crate) type TestError = Box<dyn Error + Send + Sync>;
pub(crate) type Outcome = Result<(), TestError>;

/// A running stand-in, and a client that talks to it.
pub(crate) struct Sandbox<B> {
    pub(crate) network: StandIn<B>,
    pub(crate) clock: Clock,
    pub(crate) http: reqwest::Client,
}

impl<B: Backend> Sandbox<B> {
    /// Amber with that many fans; the one with the highest number is the newest.
    pub(crate) async fn with_fans(fans: u64) -> Result<Self, TestError> {
        let clock = Clock::by_hand("2026-11-22T14:00:00Z".parse()?);
        let network = StandIn::<B>::start(clock.clone()).await?;
        network.add_account(B::amber());
        (1..=fans).for_each(|n| network.follow(Person::fan(n, clock.now())));
        Ok(Self {
            network,
            clock,
            http: have_a_hug::http::client()?,
        })
    }

    pub(crate) fn request(
        &self,
        method: &str,
        path: &str,
    ) -> Result<reqwest::RequestBuilder, TestError> {
        let url = format!("{}{path}", self.network.url());
        Ok(self.http.request(method.parse()?, url))
    }

    /// Reads without credentials.
    pub(crate) async fn get(&self, path: &str) -> Result<Received, TestError> {
        send(self.request("GET", path)?).await
    }

    /// Reads with that bearer token.
    pub(crate) async fn get_as(&self, token: &str, path: &str) -> Result<Received, TestError> {
        send(self.request("GET", path)?.bearer_auth(token)).await
    }
}

/// An answer that a client received.
pub(crate) struct Received {
    pub(crate) status: u16,
    /// A text if it is not JSON.
    pub(crate) body: Value,
    headers: HashMap<String, String>,
}

impl Received {
    /// The status and the word `error` of the body.
    pub(crate) fn error(&self) -> (u16, &str) {
        (self.status, self.body["error"].as_str().unwrap_or_default())
    }

    /// The header; empty if there is none.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// One field of each item of the list at the JSON pointer `list`.
    pub(crate) fn each(&self, list: &str, field: &str) -> Vec<&str> {
        let list = self.body.pointer(list).and_then(Value::as_array);
        list.into_iter()
            .flatten()
            .filter_map(|item| item[field].as_str())
            .collect()
    }
}

/// Sends a request with a body in JSON.
pub(crate) async fn send_json(
    request: reqwest::RequestBuilder,
    body: &Value,
) -> Result<Received, TestError> {
    send(with_json(request, body)).await
}

pub(crate) fn with_json(request: reqwest::RequestBuilder, body: &Value) -> reqwest::RequestBuilder {
    request
        .header("content-type", "application/json")
        .body(body.to_string())
}

pub(crate) async fn send(request: reqwest::RequestBuilder) -> Result<Received, TestError> {
    let response = request.send().await?;
    let status = response.status().as_u16();
    let headers = response
        .headers()
        .iter()
        .filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned())))
        .collect();
    let text = response.text().await?;
    Ok(Received {
        status,
        body: serde_json::from_str(&text).unwrap_or(Value::String(text)),
        headers,
    })
}
