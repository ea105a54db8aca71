//! The one HTTP client, with one TLS set-up, that talks to the networks and to AWS.
//!
//! The certificate roots are built into the binary: reading the machine's own store took most of
//! the start of an early version (../../../README.md, "What it stands on").

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use reqwest::{
    Client, RequestBuilder, Response, StatusCode,
    header::{CONTENT_TYPE, HeaderMap},
};
use serde::de::DeserializeOwned;

use crate::foreign::{LONGEST_REASON, one_line};

/// The client could not be made.
type Error = Box<dyn std::error::Error + Send + Sync>;

/// The largest answer that is read; a page of 1000 followers is about 1.5 MB.
const LARGEST_ANSWER: usize = 4 * 1024 * 1024;

/// How long a request and its answer may take in all.
const LONGEST_REQUEST: Duration = Duration::from_secs(10);

/// Makes the client. It follows no redirect, so no token is ever carried to another host.
///
/// # Errors
///
/// Where the TLS set-up is refused, which the built-in one is not.
pub fn client() -> Result<Client, Error> {
    let roots = rustls::RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    };
    client_trusting(roots, LONGEST_REQUEST)
}

/// The same client with other certificate roots, and another limit to how long a request and its
/// answer may take: for a server of one's own.
///
/// # Errors
///
/// Where the TLS set-up is refused.
pub fn client_trusting(roots: rustls::RootCertStore, longest: Duration) -> Result<Client, Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(Duration::from_secs(3))
        .timeout(longest)
        .gzip(true)
        .user_agent(concat!("have-a-hug/", env!("CARGO_PKG_VERSION")))
        .build()?)
}

/// What came back, read to its end.
pub(crate) struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    body: Vec<u8>,
}

/// Why nothing readable came back.
pub(crate) enum Lost {
    /// The request never reached the server.
    NeverLeft(String),
    /// The server may have acted on it.
    NoAnswer(String),
}

/// Sends a request and reads its answer, up to [`LARGEST_ANSWER`].
pub(crate) async fn ask(request: RequestBuilder) -> Result<Answer, Lost> {
    let response = request.send().await.map_err(|error| {
        if error.is_connect() || error.is_builder() {
            Lost::NeverLeft(chain(error))
        } else {
            Lost::NoAnswer(chain(error))
        }
    })?;
    let (status, headers) = (response.status(), response.headers().clone());
    let body = read(response).await.map_err(Lost::NoAnswer)?;
    Ok(Answer {
        status,
        headers,
        body,
    })
}

async fn read(mut response: Response) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(chain)? {
        if body.len() + chunk.len() > LARGEST_ANSWER {
            let megabytes = LARGEST_ANSWER / 1024 / 1024;
            return Err(format!("the answer is larger than {megabytes} MB"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// The whole story of an error, of the address only the host: its causes say more than its head.
fn chain(error: reqwest::Error) -> String {
    let host = error.url().and_then(|url| url.host_str());
    let host = host.map_or_else(String::new, |host| format!("{host}: "));
    let error = error.without_url();
    let mut story = format!("{host}{error}");
    let mut cause = std::error::Error::source(&error);
    while let Some(deeper) = cause {
        story = format!("{story}: {deeper}");
        cause = deeper.source();
    }
    one_line(&story, LONGEST_REASON)
}

#[cfg(any(test, fuzzing))]
impl Answer {
    /// An answer from its text: status, headers, a blank line, body. What makes no sense is left out.
    pub fn read(text: &[u8]) -> Self {
        let mut rest = text;
        let mut line = || {
            let end = rest.iter().position(|byte| *byte == b'\n')?;
            let (line, after) = rest.split_at(end);
            rest = after.get(1..)?;
            Some(line)
        };
        let status = line().and_then(|status| StatusCode::from_bytes(status).ok());
        let mut headers = HeaderMap::new();
        while let Some(header) = line().filter(|header| !header.is_empty()) {
            let Some(colon) = header.iter().position(|byte| *byte == b':') else {
                continue;
            };
            let (name, value) = header.split_at(colon);
            if let (Ok(name), Ok(value)) = (name.try_into(), value[1..].try_into()) {
                headers.append::<reqwest::header::HeaderName>(name, value);
            }
        }
        Self {
            status: status.unwrap_or(StatusCode::OK),
            headers,
            body: rest.to_vec(),
        }
    }
}

impl Answer {
    /// The body as JSON.
    ///
    /// # Errors
    ///
    /// What came instead. It may quote what was answered, at any length.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, String> {
        serde_json::from_slice(&self.body).map_err(|error| {
            let kind = self
                .headers
                .get(CONTENT_TYPE)
                .map_or("no content type", |kind| {
                    kind.to_str().unwrap_or("an unreadable content type")
                });
            format!(
                "the answer ({}, {}, {} bytes) is not what was expected: {}",
                self.status,
                one_line(kind, 50),
                self.body.len(),
                error
            )
        })
    }

    /// A time that a header gives in unix seconds.
    pub fn unix_time(&self, header: &str) -> Option<Timestamp> {
        Timestamp::from_second(self.number(header)?).ok()
    }

    /// A number that a header gives.
    pub fn number(&self, header: &str) -> Option<i64> {
        self.text(header)?.parse().ok()
    }

    /// A header.
    pub fn text(&self, header: &str) -> Option<&str> {
        Some(self.headers.get(header)?.to_str().ok()?.trim())
    }
}

/// What time it is by the server at that address, as any of its answers says; `None` where it does
/// not.
///
/// # Errors
///
/// Why the server cannot be reached.
pub async fn time_at(client: &Client, address: &str) -> Result<Option<Timestamp>, String> {
    let answer = ask(client.get(address)).await.map_err(|lost| match lost {
        Lost::NeverLeft(why) | Lost::NoAnswer(why) => why,
    })?;
    let parser = jiff::fmt::rfc2822::DateTimeParser::new();
    let date = answer.text("date");
    Ok(date.and_then(|date| parser.parse_timestamp(date).ok()))
}
