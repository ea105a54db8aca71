//! Requests to AWS without the SDK's client for the service.
//!
//! Such a client is large, and this program needs one or two of its calls. So the request is made here: signed with the
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
use reqwest::{Client, Method};

use crate::http::{self, Response, SendError};

/// A service of AWS in one region.
#[derive(Clone)]
pub(crate) struct Service {
    name: &'static str,
    /// The region.
    pub region: String,
    /// Another address for all services, without a slash at its end: an emulator's.
    pub endpoint: Option<String>,
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
    pub(crate) fn new(
        name: &'static str,
        aws: &SdkConfig,
        http: Client,
    ) -> Result<Self, &'static str> {
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
}
