//! The one HTTP client, with one TLS set-up, that talks to the networks and to AWS.
//!
//! The certificate roots are built into the binary: reading the machine's own store took most of
//! the start of an early version (../../../docs/ARCHITECTURE.md, "What it stands on").

use std::{env, error::Error, path::Path, sync::Arc, time::Duration};

use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use promise::untrusted::{MAX_REASON, one_line};
use reqwest::{
    Client, NoProxy, Proxy, RequestBuilder, StatusCode,
    header::{CONTENT_TYPE, HeaderMap},
};
use rustls::pki_types::{CertificateDer, pem::PemObject};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// The client could not be made.
type ClientError = Box<dyn Error + Send + Sync>;

/// The largest response that is read, in bytes; a page of 1000 followers is about 1.5 MB.
const MAX_RESPONSE: usize = 4 * 1024 * 1024;

/// How long a request and its response may take together.
const MAX_DURATION: Duration = Duration::from_secs(10);

/// Everything but the unreserved characters of RFC 3986, which OAuth 1.0a signs the same way.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Makes the client. It follows no redirect, so that no token is sent to another host. It uses the proxy in
/// `HTTPS_PROXY`, `HTTP_PROXY` or `ALL_PROXY`, but never for this computer itself. It trusts the root certificates in
/// the binary, and also those in the PEM file that `SSL_CERT_FILE` names.
///
/// # Errors
///
/// Where one of these variables is not the address of a proxy, or `SSL_CERT_FILE` cannot be read.
pub fn client() -> Result<Client, ClientError> {
    let mut roots = rustls::RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    };
    if let Some(file) = env::var_os("SSL_CERT_FILE").filter(|file| !file.is_empty()) {
        roots.roots.extend(roots_in(Path::new(&file))?.roots);
    }
    client_trusting(roots, MAX_DURATION)
}

/// The root certificates in a PEM file. They are needed where a proxy opens TLS connections, or where a server has a
/// private certificate authority.
fn roots_in(file: &Path) -> Result<rustls::RootCertStore, ClientError> {
    let failed = |why: &dyn std::fmt::Display| {
        format!(
            "reading the certificates in {}, which SSL_CERT_FILE names, failed: {why}; correct the variable, or unset it",
            file.display()
        )
    };
    let certificates = CertificateDer::pem_file_iter(file)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| failed(&error))?;
    let mut roots = rustls::RootCertStore::empty();
    // A system's bundle can contain certificates that rustls rejects, and the rest of the bundle is enough.
    let (taken, _) = roots.add_parsable_certificates(certificates);
    if taken == 0 {
        return Err(failed(&"there is no certificate in it").into());
    }
    Ok(roots)
}

/// The same client with other certificate roots, and another limit to how long a request and its
/// response may take together: for a server of your own.
///
/// # Errors
///
/// Where the TLS set-up is refused, or a proxy's address in the environment.
pub fn client_trusting(roots: rustls::RootCertStore, max: Duration) -> Result<Client, ClientError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let builder = proxies()?
        .into_iter()
        .fold(Client::builder(), reqwest::ClientBuilder::proxy);
    Ok(builder
        .tls_backend_preconfigured(tls)
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(Duration::from_secs(3))
        .timeout(max)
        .gzip(true)
        .user_agent(concat!("have-a-hug/", env!("CARGO_PKG_VERSION")))
        .build()?)
}

type MakeProxy = fn(String) -> reqwest::Result<Proxy>;

/// The proxies that the environment names. Requests to this computer use no proxy: the ledger of `hug sandbox` and the
/// stand-in networks are here. A proxy could not reach them, and could read what is sent to the ledger.
fn proxies() -> Result<Vec<Proxy>, ClientError> {
    let variable = |name: &str| {
        let set = env::var(name.to_lowercase())
            .or_else(|_| env::var(name))
            .ok();
        set.filter(|value| !value.is_empty())
    };
    let direct = variable("NO_PROXY").unwrap_or_default() + ",localhost,127.0.0.1,::1";
    let kinds: [(_, MakeProxy); 3] = [
        ("HTTPS_PROXY", Proxy::https),
        ("HTTP_PROXY", Proxy::http),
        ("ALL_PROXY", Proxy::all),
    ];
    let mut proxies = Vec::new();
    for (name, proxy) in kinds {
        let Some(address) = variable(name) else {
            continue;
        };
        // The address can contain a password, so the error does not show it.
        let proxy = proxy(address).map_err(|_| {
            format!(
                "the value of {name} is not a valid proxy address; write http://HOST:PORT, or unset it"
            )
        })?;
        proxies.push(proxy.no_proxy(NoProxy::from_string(&direct)));
    }
    Ok(proxies)
}

/// A response, read to its end.
pub(crate) struct Response {
    pub status: StatusCode,
    pub headers: HeaderMap,
    body: Vec<u8>,
}

/// Why there is no response.
pub(crate) enum SendError {
    /// The request did not reach the server.
    NotSent(String),
    /// The server may have acted on the request.
    NoResponse(String),
}

/// Sends a request and reads its response, up to [`MAX_RESPONSE`].
pub(crate) async fn send(request: RequestBuilder) -> Result<Response, SendError> {
    let response = request.send().await.map_err(|error| {
        if error.is_connect() || error.is_builder() {
            SendError::NotSent(reason(error))
        } else {
            SendError::NoResponse(reason(error))
        }
    })?;
    let (status, headers) = (response.status(), response.headers().clone());
    let body = read(response).await.map_err(SendError::NoResponse)?;
    Ok(Response {
        status,
        headers,
        body,
    })
}

async fn read(mut response: reqwest::Response) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(reason)? {
        if body.len() + chunk.len() > MAX_RESPONSE {
            let megabytes = MAX_RESPONSE / 1024 / 1024;
            return Err(format!("the answer is larger than {megabytes} MB"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// The error with its sources. The URL is reduced to its host, because it may contain secrets.
fn reason(error: reqwest::Error) -> String {
    let host = error.url().and_then(|url| url.host_str());
    let host = host.map_or_else(String::new, |host| format!("{host}: "));
    let chain = error_chain(&error.without_url());
    one_line(&format!("{host}{chain}"), MAX_REASON)
}

/// An error with its sources, which say more than the error alone. It uses the display form: the debug
/// form of an SDK's error holds the response, and a response may hold secrets.
pub fn error_chain(error: &(dyn Error + 'static)) -> String {
    let mut chain = error.to_string();
    let mut source = error.source();
    while let Some(deeper) = source {
        chain = format!("{chain}: {deeper}");
        source = deeper.source();
    }
    chain
}

/// An address with its parameters, each percent-encoded.
pub(crate) fn with_query(url: String, query: &[(&str, &str)]) -> String {
    let mut address = url;
    for (number, (name, value)) in query.iter().enumerate() {
        address.push(if number == 0 { '?' } else { '&' });
        address.push_str(&percent_encoded(name));
        address.push('=');
        address.push_str(&percent_encoded(value));
    }
    address
}

/// The text with every character encoded but letters, digits, `-`, `.`, `_` and `~`.
pub(crate) fn percent_encoded(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// The request with that JSON as its body.
pub(crate) fn with_json(request: RequestBuilder, body: &Value) -> RequestBuilder {
    request
        .header(CONTENT_TYPE, "application/json")
        .body(body.to_string())
}

#[cfg(any(test, fuzzing))]
impl Response {
    /// A response from its text: status, headers, a blank line, body. Parts that are not valid are left out.
    pub(crate) fn read(text: &[u8]) -> Self {
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

impl Response {
    /// The body as JSON.
    ///
    /// # Errors
    ///
    /// What came instead. It may quote the response, at any length.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T, String> {
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

    /// The body as text.
    pub(crate) fn body_text(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }

    /// A time that a header gives in unix seconds.
    pub(crate) fn unix_time(&self, header: &str) -> Option<Timestamp> {
        Timestamp::from_second(self.number(header)?).ok()
    }

    /// A number that a header gives.
    pub(crate) fn number(&self, header: &str) -> Option<i64> {
        self.text(header)?.parse().ok()
    }

    /// A header.
    pub(crate) fn text(&self, header: &str) -> Option<&str> {
        Some(self.headers.get(header)?.to_str().ok()?.trim())
    }
}

/// The time by the clock of the server at that address; `None` where its response does not say.
///
/// # Errors
///
/// Why the server cannot be reached.
pub async fn time_at(client: &Client, address: &str) -> Result<Option<Timestamp>, String> {
    let response = send(client.get(address))
        .await
        .map_err(|error| match error {
            SendError::NotSent(why) | SendError::NoResponse(why) => why,
        })?;
    let parser = jiff::fmt::rfc2822::DateTimeParser::new();
    let date = response.text("date");
    Ok(date.and_then(|date| parser.parse_timestamp(date).ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_encoded_as_oauth_signs_them() {
        let address = with_query(
            "https://x.example/a".into(),
            &[("q", "a b&c=d/é~"), ("n", "1")],
        );
        assert_eq!(address, "https://x.example/a?q=a%20b%26c%3Dd%2F%C3%A9~&n=1");
        assert_eq!(
            with_query("https://x.example".into(), &[]),
            "https://x.example"
        );
    }
}
