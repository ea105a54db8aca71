//! A stand-in for AWS KMS with one key: what it encrypts it decrypts only with the same key and encryption context, and
//! only for those who have the right.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use axum::{
    Json, Router,
    http::{HeaderMap, StatusCode},
};
use have_a_hug::{http, seal::Seal};
use serde_json::{Value, json};

/// The id of its key.
pub const KEY: &str = "1234abcd-12ab-34cd-56ef-1234567890ab";

/// KMS takes so many bytes at once.
const MAX_PLAINTEXT: usize = 4_096;

/// The stand-in. Clones share one.
#[derive(Clone, Default)]
pub struct Kms {
    /// Its address, without a slash at the end.
    pub url: String,
    inner: Arc<Mutex<Inner>>,
}

#[derive(Default)]
struct Inner {
    /// What was encrypted, and in which context, by ciphertext.
    sealed: BTreeMap<String, (Value, Value)>,
    /// Whoever has this access key id has no right to decrypt.
    without_right: BTreeSet<String>,
    /// The actions that were asked for: `Decrypt`.
    actions: Vec<String>,
    /// What it answers next instead: the status and the kind of the error.
    trouble: Option<(u16, &'static str)>,
}

impl Kms {
    /// Starts it.
    ///
    /// # Panics
    ///
    /// If no port can be opened.
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let kms = Self {
            url: format!("http://{}", listener.local_addr().unwrap()),
            ..Self::default()
        };
        let inner = Arc::clone(&kms.inner);
        let answer = move |headers: HeaderMap, body: String| {
            let answer = inner.lock().unwrap().answer(&headers, &body);
            let (status, answer) = answer.unwrap_or_else(|(status, kind)| {
                (status, json!({ "__type": kind, "message": "no" }))
            });
            async move { (StatusCode::from_u16(status).unwrap(), Json(answer)) }
        };
        tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
        kms
    }

    /// Whoever has this access key id may not decrypt from now on.
    ///
    /// # Panics
    ///
    /// If a request has panicked.
    pub fn take_right_from(&self, access_key: &str) {
        let mut inner = self.inner.lock().unwrap();
        inner.without_right.insert(access_key.to_owned());
    }

    /// The next request fails in this way.
    ///
    /// # Panics
    ///
    /// If a request has panicked.
    pub fn fail_next(&self, status: u16, kind: &'static str) {
        self.inner.lock().unwrap().trouble = Some((status, kind));
    }

    /// The actions that were asked for since the last call of this.
    ///
    /// # Panics
    ///
    /// If a request has panicked.
    pub fn take_actions(&self) -> Vec<String> {
        std::mem::take(&mut self.inner.lock().unwrap().actions)
    }

    /// What seals the logins of that table with its key, for the owner of that access key id.
    ///
    /// # Panics
    ///
    /// If the HTTP client cannot be made.
    pub fn seal(&self, table: &str, access_key: &str) -> Seal {
        self.seal_with(KEY, table, access_key)
    }

    /// The same with another key.
    ///
    /// # Panics
    ///
    /// If the HTTP client cannot be made.
    pub fn seal_with(&self, key: &str, table: &str, access_key: &str) -> Seal {
        let credentials = Credentials::new(access_key, "secret", None, None, "test");
        let aws = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-central-1"))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .endpoint_url(&self.url)
            .build();
        let (key, table) = (key.to_owned(), table.to_owned());
        Seal::new(key, table, &aws, http::client().unwrap()).unwrap()
    }
}

/// The status of a refusal, and its kind.
type Refusal = (u16, &'static str);

impl Inner {
    fn answer(&mut self, headers: &HeaderMap, body: &str) -> Result<(u16, Value), Refusal> {
        let header = |name: &str| headers[name].to_str().unwrap();
        assert_eq!(header("content-type"), "application/x-amz-json-1.1");
        let action = header("x-amz-target")
            .strip_prefix("TrentService.")
            .unwrap();
        self.actions.push(action.to_owned());
        // AWS4-HMAC-SHA256 Credential=AKID/20261122/eu-central-1/kms/aws4_request, …
        let signed = header("authorization").split_once("Credential=").unwrap().1;
        let scope: Vec<&str> = signed.split(['/', ',']).collect();
        assert_eq!(scope[2..5], ["eu-central-1", "kms", "aws4_request"]);
        if let Some(trouble) = self.trouble.take() {
            return Err(trouble);
        }
        let body: Value = serde_json::from_str(body).unwrap();
        let context = body["EncryptionContext"].clone();
        if body["KeyId"] != KEY {
            return Err((400, "NotFoundException"));
        }
        if action == "Encrypt" {
            let plaintext = body["Plaintext"].clone();
            if plaintext.as_str().unwrap().len() / 4 * 3 > MAX_PLAINTEXT + 2 {
                return Err((400, "ValidationException"));
            }
            let ciphertext = format!("c2VhbGVk{:04}", self.sealed.len());
            self.sealed.insert(ciphertext.clone(), (plaintext, context));
            return Ok((200, json!({ "CiphertextBlob": ciphertext, "KeyId": KEY })));
        }
        if self.without_right.contains(scope[0]) {
            return Err((400, "AccessDeniedException"));
        }
        let sealed = self.sealed.get(body["CiphertextBlob"].as_str().unwrap());
        match sealed.filter(|(_, of)| *of == context) {
            Some((plaintext, _)) => Ok((200, json!({ "Plaintext": plaintext, "KeyId": KEY }))),
            None => Err((400, "InvalidCiphertextException")),
        }
    }
}
