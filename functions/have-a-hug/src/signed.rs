//! Requests to AWS without the SDK's client for the service.
//!
//! Such a client is large, and this program needs one or two of its calls. So the request is made here: signed with the
//! crate that signs those of the SDK, and sent by the program's one HTTP client.

use std::{
    error::Error,
    time::{Duration, SystemTime},
};

use aws_config::SdkConfig;
use aws_credential_types::{
    Credentials,
    provider::{ProvideCredentials, SharedCredentialsProvider},
};
use aws_sigv4::{
    http_request::{
        PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings,
        UriPathNormalizationMode, sign,
    },
    sign::v4::SigningParams,
};
use jiff::Timestamp;
use promise::untrusted::{MAX_REASON, one_line};
use reqwest::{Client, Method};
use serde::Deserialize;

use crate::http::{self, Response, SendError};

/// How often a request is made at most while the service does not answer, or is too busy.
const MAX_ATTEMPTS: u32 = 4;

/// How long one attempt may take. Four of them, and the waits between them, end before Lambda gives a start up.
const MAX_ATTEMPT: Duration = Duration::from_secs(2);

/// How long the first wait before another attempt is; each wait is twice as long as the one before.
const FIRST_WAIT: Duration = Duration::from_millis(100);

/// A service of AWS in one region.
#[derive(Clone)]
pub struct Service {
    name: &'static str,
    /// The region, such as `eu-central-1`.
    pub(crate) region: String,
    /// Another address for all services, without a slash at its end: an emulator's.
    pub(crate) endpoint: Option<String>,
    credentials: SharedCredentialsProvider,
    http: Client,
}

/// A request to a service.
pub(crate) struct Request<'a> {
    pub method: Method,
    pub url: &'a str,
    /// The headers that are signed. The host is added.
    pub headers: &'a [(&'a str, &'a str)],
    pub body: &'a str,
}

impl Service {
    /// The service of that name, in the region and with the credentials of `aws`. No request is made yet.
    ///
    /// # Errors
    ///
    /// What `aws` does not have: a region or credentials.
    pub fn new(name: &'static str, aws: &SdkConfig, http: Client) -> Result<Self, &'static str> {
        Ok(Self {
            name,
            region: aws.region().ok_or("region")?.to_string(),
            endpoint: aws
                .endpoint_url()
                .map(|address| address.trim_end_matches('/').to_owned()),
            credentials: aws.credentials_provider().ok_or("set of credentials")?,
            http,
        })
    }

    /// Where the service is, without a slash at the end. `host` is the first part of its address at AWS: `ssm`, or
    /// `BUCKET.s3`.
    pub(crate) fn address(&self, host: &str) -> String {
        let region = &self.region;
        let endpoint = self.endpoint.clone();
        endpoint.unwrap_or_else(|| format!("https://{host}.{region}.{}", domain(region)))
    }

    /// Posts `body` to the address of the service. While the service does not answer, or is too busy, it tries up to
    /// [`MAX_ATTEMPTS`] times.
    ///
    /// # Errors
    ///
    /// Why there is no answer, or why the service refused, in its words.
    pub(crate) async fn post(
        &self,
        headers: &[(&str, &str)],
        body: &str,
        now: Timestamp,
    ) -> Result<Response, String> {
        let request = Request {
            method: Method::POST,
            url: &format!("{}/", self.address(self.name)),
            headers,
            body,
        };
        let mut attempt = 0;
        loop {
            let sent = tokio::time::timeout(MAX_ATTEMPT, self.send(&request, now)).await;
            let (why, can_help) = match sent {
                Ok(Ok(response)) if response.status.is_success() => return Ok(response),
                Ok(Ok(response)) => (refusal(&response), is_busy(&response)),
                Ok(Err(why)) => (why, true),
                Err(_) => (
                    format!(
                        "there is no answer within {} seconds",
                        MAX_ATTEMPT.as_secs()
                    ),
                    true,
                ),
            };
            attempt += 1;
            if !can_help || attempt == MAX_ATTEMPTS {
                return Err(why);
            }
            tokio::time::sleep(FIRST_WAIT * 2_u32.pow(attempt - 1)).await;
        }
    }

    /// Signs a request and sends it.
    ///
    /// # Errors
    ///
    /// Why there is no response. The same request can work later.
    pub(crate) async fn send(
        &self,
        request: &Request<'_>,
        now: Timestamp,
    ) -> Result<Response, String> {
        let Request {
            method, url, body, ..
        } = request;
        let headers = request.headers.iter().copied();
        let credentials = self.credentials.provide_credentials().await;
        let credentials = credentials.map_err(|error| http::error_chain(&error))?;
        let signable = SignableRequest::new(
            method.as_str(),
            *url,
            headers.clone(),
            SignableBody::Bytes(body.as_bytes()),
        );
        let signable = signable.map_err(|error| http::error_chain(&error))?;
        let signature = signature(self.name, &self.region, signable, credentials, now.into());
        let signature = signature.map_err(|error| http::error_chain(&*error))?;
        let signature = signature
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        let request = headers.chain(signature).fold(
            self.http
                .request(method.clone(), *url)
                .body((*body).to_owned()),
            |request, (name, value)| request.header(name, value),
        );
        http::send(request).await.map_err(|error| match error {
            SendError::NotSent(why) | SendError::NoResponse(why) => why,
        })
    }
}

/// The headers that sign a request: names and values.
fn signature(
    service: &str,
    region: &str,
    request: SignableRequest<'_>,
    credentials: Credentials,
    time: SystemTime,
) -> Result<Vec<(String, String)>, Box<dyn Error + Send + Sync>> {
    let mut settings = SigningSettings::default();
    // S3 wants the hash of the body, and takes the path as it is; for other services neither makes a difference.
    settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    settings.percent_encoding_mode = PercentEncodingMode::Single;
    settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
    let identity = credentials.into();
    let params = SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name(service)
        .time(time)
        .settings(settings)
        .build()?;
    let (signature, _) = sign(request, &params.into())?.into_parts();
    let headers = signature.headers();
    Ok(headers
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect())
}

/// The domain of the services in a region: AWS has separate ones in China, in the European sovereign cloud, and for
/// governments.
fn domain(region: &str) -> &'static str {
    let begins = |prefixes: &[&str]| prefixes.iter().any(|prefix| region.starts_with(prefix));
    match region {
        _ if begins(&["cn-"]) => "amazonaws.com.cn",
        _ if begins(&["eusc-"]) => "amazonaws.eu",
        _ if begins(&["us-iso-"]) => "c2s.ic.gov",
        _ if begins(&["us-isob-"]) => "sc2s.sgov.gov",
        _ if begins(&["us-isof-", "eu-isof-"]) => "csp.hci.ic.gov",
        _ if begins(&["eu-isoe-"]) => "cloud.adc-e.uk",
        _ => "amazonaws.com",
    }
}

/// Whether the same request may be answered a moment later.
fn is_busy(response: &Response) -> bool {
    let status = response.status;
    status.is_server_error()
        || status.as_u16() == 429
        || ["Throttling", "TooManyRequests"]
            .iter()
            .any(|word| response.body_text().contains(word))
}

/// Why a service refused a request: its code and its sentence, which are in JSON or XML.
pub(crate) fn refusal(response: &Response) -> String {
    /// The refusal of a service that speaks JSON.
    #[derive(Deserialize)]
    struct Refusal {
        #[serde(rename = "__type")]
        code: String,
        #[serde(alias = "Message", default)]
        message: String,
    }
    let text = response.body_text();
    let part = |name: &str| {
        let (_, rest) = text.split_once(&format!("<{name}>"))?;
        let (part, _) = rest.split_once(&format!("</{name}>"))?;
        Some(part)
    };
    let why = match (
        part("Code"),
        part("Message"),
        response.json::<Refusal>().ok(),
    ) {
        (Some(code), Some(message), _) => format!("{code}: {message}"),
        (_, _, Some(Refusal { code, message })) => {
            let code = code.rsplit('#').next().unwrap_or_default();
            format!("{code}: {message}")
        }
        _ => format!("{}: {text}", response.status),
    };
    one_line(&why, MAX_REASON)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use aws_sdk_dynamodb::config::endpoint::{DefaultResolver, Params, ResolveEndpoint};
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::*;

    /// AWS's own [example] of a PUT, with the signature that it has there.
    ///
    /// [example]: https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
    #[test]
    fn a_request_is_signed_as_in_the_example_of_aws() {
        let headers = [
            ("date", "Fri, 24 May 2013 00:00:00 GMT"),
            ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
        ];
        let request = SignableRequest::new(
            "PUT",
            "https://examplebucket.s3.amazonaws.com/test%24file.text",
            headers.into_iter(),
            SignableBody::Bytes(b"Welcome to Amazon S3."),
        );
        let credentials = Credentials::from_keys(
            "AKIAIOSFODNN7EXAMPLE",
            "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            None,
        );
        let time: Timestamp = "2013-05-24T00:00:00Z".parse().unwrap();
        let request = request.unwrap();
        let signed = signature("s3", "us-east-1", request, credentials, time.into()).unwrap();
        let (_, authorization) = signed
            .iter()
            .find(|(name, _)| name == "authorization")
            .unwrap();
        assert!(
            authorization.ends_with(
                "SignedHeaders=date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class, \
                 Signature=98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"
            ),
            "{authorization}"
        );
    }

    #[tokio::test]
    async fn the_domain_of_a_region_is_the_one_that_the_sdk_uses() {
        let regions = [
            "eu-central-1",
            "us-east-1",
            "mx-central-1",
            "us-gov-west-1",
            "cn-north-1",
            "eusc-de-east-1",
            "us-iso-east-1",
            "us-isob-east-1",
            "us-isof-south-1",
            "eu-isoe-west-1",
        ];
        let resolver = DefaultResolver::new();
        for region in regions {
            let params = Params::builder().region(region.to_owned()).build().unwrap();
            let resolver: &dyn ResolveEndpoint = &resolver;
            let endpoint = resolver.resolve_endpoint(&params).await.unwrap();
            let expected = format!("https://dynamodb.{region}.{}", domain(region));
            assert_eq!(endpoint.url(), expected);
        }
    }

    /// What a service of AWS answers to a request that it answered `answers` before; how often it was asked.
    async fn asked(answers: &'static [&'static str]) -> (Result<(), String>, usize) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let count = AtomicUsize::new(0);
        let serve = async {
            loop {
                let (mut connection, _) = listener.accept().await.unwrap();
                let _ = connection.read(&mut [0; 4096]).await.unwrap();
                let number = count.fetch_add(1, Ordering::SeqCst);
                let answer = answers[number.min(answers.len() - 1)];
                let (status, body) = answer.split_once('\n').unwrap();
                let answer = format!(
                    "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
                    body.len()
                );
                connection.write_all(answer.as_bytes()).await.unwrap();
            }
        };
        let service = Service {
            name: "ssm",
            region: "us-east-1".to_owned(),
            endpoint: Some(address),
            credentials: SharedCredentialsProvider::new(Credentials::from_keys("id", "key", None)),
            http: http::client().unwrap(),
        };
        let post = service.post(&[], "{}", Timestamp::UNIX_EPOCH);
        let result = tokio::select! {
            result = post => result.map(drop),
            () = serve => unreachable!("it serves until the end"),
        };
        (result, count.into_inner())
    }

    const THROTTLED: &str =
        "400 Bad Request\n{\"__type\":\"ThrottlingException\",\"message\":\"Rate exceeded\"}";
    const DENIED: &str = "400 Bad Request\n{\"__type\":\"com.amazon#AccessDeniedException\",\"Message\":\"you are not allowed\"}";

    #[tokio::test]
    async fn a_busy_service_is_asked_again_and_a_refusal_is_final() {
        let answered = asked(&[THROTTLED, "503 Service Unavailable\n", "200 OK\n{}"]).await;
        assert_eq!(answered, (Ok(()), 3));
        let denied = "AccessDeniedException: you are not allowed".to_owned();
        assert_eq!(asked(&[DENIED]).await, (Err(denied), 1));
    }

    #[tokio::test]
    async fn a_service_that_stays_busy_is_asked_four_times() {
        let busy = "ThrottlingException: Rate exceeded".to_owned();
        assert_eq!(asked(&[THROTTLED]).await, (Err(busy), 4));
    }
}
