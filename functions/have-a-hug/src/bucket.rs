//! A bucket of S3, to put one file into.

use aws_config::SdkConfig;
use jiff::Timestamp;
use reqwest::{
    Client, Method,
    header::{CACHE_CONTROL, CONTENT_TYPE},
};

use crate::{
    http::Response,
    signed::{self, Request, Service},
};

/// A bucket of S3, by its name.
pub struct Bucket {
    name: String,
    /// Where it is, without a slash at the end.
    address: String,
    s3: Service,
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
        let s3 = Service::new("s3", aws, http);
        let s3 =
            s3.map_err(|what| BucketError(format!("there is no {what} for the bucket {name}")))?;
        let address = match &s3.endpoint {
            Some(other) => format!("{other}/{name}"),
            None => s3.address(&format!("{name}.s3")),
        };
        Ok(Self { name, address, s3 })
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
        let request = Request {
            method: Method::PUT,
            url: &format!("{}/{}", self.address, file.key),
            headers: &[
                (CACHE_CONTROL.as_str(), file.cache_control),
                (CONTENT_TYPE.as_str(), file.content_type),
            ],
            body: file.body,
        };
        match self.s3.send(&request, now).await {
            Ok(response) if response.status.is_success() => Ok(()),
            Ok(response) => Err(failed(&refusal(&response))),
            Err(why) => Err(failed(&why)),
        }
    }
}

/// Why S3 refused a request, and what helps.
fn refusal(response: &Response) -> String {
    let why = signed::refusal(response);
    match response.status.as_u16() {
        403 => format!("{why}; the function's role needs s3:PutObject on that file"),
        404 => format!("{why}; `make deploy` makes the bucket"),
        _ => why,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
