//! A bucket of S3, to put one file into.
//!
//! AWS's SDK for S3 is large, and this needs one of its hundred calls. So the request is made here: signed with the
//! crate that signs those of the SDK, and sent by the program's one HTTP client.

use std::{error::Error, time::SystemTime};

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
use reqwest::{
    Client,
    header::{CACHE_CONTROL, CONTENT_TYPE},
};

use crate::http::{self, Response, SendError};

/// A bucket of S3, by its name.
pub struct Bucket {
    name: String,
    region: String,
    /// Where it is, without a slash at the end.
    address: String,
    credentials: SharedCredentialsProvider,
    http: Client,
}

/// A file to put into a bucket.
#[derive(Clone, Copy, Debug)]
pub struct File<'a> {
    /// Its name in the bucket: letters, digits, `-`, `.` and `_`.
    pub key: &'a str,
    /// What a browser takes it for.
    pub content_type: &'a str,
    /// How long it may be kept by those who have fetched it.
    pub cache_control: &'a str,
    /// What is in it.
    pub body: &'a str,
}

/// Why a file could not be put: what was attempted, why it failed, and what helps.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct BucketError(String);

impl Bucket {
    /// The bucket of that name, in the region and with the credentials of `aws`. No request is made yet.
    ///
    /// # Errors
    ///
    /// Where `aws` has no region or no credentials.
    pub fn new(name: String, aws: &SdkConfig, http: Client) -> Result<Self, BucketError> {
        let missing = |what| BucketError(format!("there is no {what} for the bucket {name}"));
        let region = aws.region().ok_or_else(|| missing("region"))?.to_string();
        let credentials = aws.credentials_provider();
        let credentials = credentials.ok_or_else(|| missing("set of credentials"))?;
        let address = match aws.endpoint_url() {
            Some(other) => format!("{}/{name}", other.trim_end_matches('/')),
            None => format!("https://{name}.s3.{region}.amazonaws.com"),
        };
        Ok(Self {
            name,
            region,
            address,
            credentials,
            http,
        })
    }

    /// Puts a file in the place of the one with its key.
    ///
    /// # Errors
    ///
    /// Where the request cannot be signed or sent, or S3 refuses it.
    pub async fn put(&self, file: &File<'_>, now: Timestamp) -> Result<(), BucketError> {
        let failed = |why: &str| {
            BucketError(format!(
                "putting {} into the bucket {} failed: {why}",
                file.key, self.name
            ))
        };
        let credentials = self.credentials.provide_credentials().await;
        let credentials = credentials.map_err(|error| failed(&http::error_chain(&error)))?;
        let url = format!("{}/{}", self.address, file.key);
        let headers = [
            (CACHE_CONTROL.as_str(), file.cache_control),
            (CONTENT_TYPE.as_str(), file.content_type),
        ];
        let body = file.body.as_bytes();
        let request = SignableRequest::new(
            "PUT",
            &url,
            headers.iter().copied(),
            SignableBody::Bytes(body),
        );
        let request = request.map_err(|error| failed(&http::error_chain(&error)))?;
        let signature = signature(request, credentials, &self.region, now.into());
        let signature = signature.map_err(|error| failed(&http::error_chain(&*error)))?;
        let signed = signature
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        let request = headers.into_iter().chain(signed).fold(
            self.http.put(&url).body(file.body.to_owned()),
            |request, (name, value)| request.header(name, value),
        );
        match http::send(request).await {
            Ok(response) if response.status.is_success() => Ok(()),
            Ok(response) => Err(failed(&refusal(&response))),
            Err(SendError::NotSent(why) | SendError::NoResponse(why)) => Err(failed(&why)),
        }
    }
}

/// The headers that sign a request to S3: names and values.
fn signature(
    request: SignableRequest<'_>,
    credentials: Credentials,
    region: &str,
    time: SystemTime,
) -> Result<Vec<(String, String)>, Box<dyn Error + Send + Sync>> {
    let mut settings = SigningSettings::default();
    // S3 wants the hash of the body, and takes the path as it is.
    settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    settings.percent_encoding_mode = PercentEncodingMode::Single;
    settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
    let identity = credentials.into();
    let params = SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name("s3")
        .time(time)
        .settings(settings)
        .build()?;
    let (signature, _) = sign(request, &params.into())?.into_parts();
    let headers = signature.headers();
    Ok(headers
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect())
}

/// Why S3 refused a request, and what helps: its answers are XML, with a code and a sentence.
fn refusal(response: &Response) -> String {
    let text = response.body_text();
    let part = |name: &str| {
        let (_, rest) = text.split_once(&format!("<{name}>"))?;
        let (part, _) = rest.split_once(&format!("</{name}>"))?;
        Some(part)
    };
    let why = match (part("Code"), part("Message")) {
        (Some(code), Some(message)) => format!("{code}: {message}"),
        _ => format!("{}: {text}", response.status),
    };
    let why = one_line(&why, MAX_REASON);
    match response.status.as_u16() {
        403 => format!("{why}; the function's role needs s3:PutObject on that file"),
        404 => format!("{why}; `make deploy` makes the bucket"),
        _ => why,
    }
}

#[cfg(test)]
mod tests {
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
        let signed = signature(request.unwrap(), credentials, "us-east-1", time.into()).unwrap();
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

    fn refused(status_and_body: &str) -> String {
        refusal(&Response::read(status_and_body.as_bytes()))
    }

    #[test]
    fn a_refusal_of_s3_is_told_in_its_words_with_what_helps() {
        let denied = "403\n\n<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>";
        assert_eq!(
            refused(denied),
            "AccessDenied: Access Denied; the function's role needs s3:PutObject on that file"
        );
        assert_eq!(
            refused("503\n\nslow\ndown"),
            "503 Service Unavailable: slow down"
        );
    }
}
