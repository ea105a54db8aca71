//! Sealing the login of an account, so that it can be kept in the ledger's table: AWS KMS encrypts it, and decrypts it
//! only for the same account, server and table, with the same key. So whoever can write the table, but has no right to the
//! key, can have no login used for another account, or sent to another server.
//!
//! A login is small, so KMS encrypts it itself, and no cryptography happens here. What it is bound to is KMS's encryption
//! context: KMS does not keep it, but refuses to decrypt with another one.

use aws_config::SdkConfig;
use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use promise::{
    account::AccountName,
    rules::Rules,
    untrusted::{MAX_REASON, one_line},
};
use reqwest::{Client, Method};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::json;

use crate::{
    http::Response,
    secret::Credentials,
    signed::{Request, Service},
};

/// KMS encrypts at most so many bytes at once.
const MAX_LOGIN: usize = 4_096;

/// What seals and opens the logins of one table.
#[derive(Clone)]
pub struct Seal {
    /// The id, ARN or alias of the key in KMS.
    key: String,
    /// The ledger's table.
    table: String,
    address: String,
    kms: Service,
}

/// What a login is bound to.
#[derive(Clone, Copy, Debug)]
pub struct Owner<'a> {
    /// Whose it is.
    pub account: &'a AccountName,
    /// The address of the server that it is for.
    pub server: &'a str,
}

/// Why a login was not sealed or not opened.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{attempted} of {account} failed: {why}")]
pub struct SealError {
    /// What was being attempted: "opening the login".
    pub attempted: &'static str,
    /// Whose login.
    pub account: AccountName,
    /// Why, and what helps.
    pub why: String,
    /// Whether the same call can work later without anyone changing anything.
    pub retry_can_help: bool,
}

/// KMS's answer, or its refusal.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Answer {
    ciphertext_blob: Option<String>,
    plaintext: Option<String>,
    #[serde(rename = "__type")]
    kind: Option<String>,
    message: Option<String>,
    #[serde(rename = "message")]
    message_in_lower_case: Option<String>,
}

impl Seal {
    /// With this key, for the logins of this table. No request is made yet.
    ///
    /// # Errors
    ///
    /// Where `aws` has no region or no credentials.
    pub fn new(key: String, table: String, aws: &SdkConfig, http: Client) -> Result<Self, String> {
        let kms = Service::new("kms", aws, http);
        let kms = kms.map_err(|what| format!("there is no {what} for the key {key}"))?;
        let address = kms.address("kms");
        Ok(Self {
            key,
            table,
            address: address + "/",
            kms,
        })
    }

    /// Seals the login of an account: those of its secrets that belong to no developer's app. The result is Base64.
    ///
    /// # Errors
    ///
    /// A login of more than 4,096 bytes, or what KMS answers.
    pub async fn close(
        &self,
        owner: Owner<'_>,
        login: &Credentials,
        now: Timestamp,
    ) -> Result<String, SealError> {
        let attempt = Attempt {
            owner,
            what: "sealing the login",
        };
        let login = login.to_json();
        let length = login.expose_secret().len();
        if length > MAX_LOGIN {
            let why = format!(
                "it has {length} bytes, and KMS takes {MAX_LOGIN} at most; look whether its secrets were copied right"
            );
            return Err(attempt.failed(why, false));
        }
        let plaintext = SecretString::from(STANDARD.encode(login.expose_secret()));
        let answer = self
            .ask(
                attempt,
                "Encrypt",
                ("Plaintext", plaintext.expose_secret()),
                now,
            )
            .await?;
        answer.ciphertext_blob.ok_or_else(|| attempt.odd())
    }

    /// Opens what [`Seal::close`] sealed for this account, which is on the network of these rules.
    ///
    /// # Errors
    ///
    /// What KMS answers: it was sealed for another account, server or table or with another key, or the right to open it is
    /// missing.
    pub async fn open(
        &self,
        owner: Owner<'_>,
        sealed: &str,
        rules: &Rules,
        now: Timestamp,
    ) -> Result<Credentials, SealError> {
        let attempt = Attempt {
            owner,
            what: "opening the login",
        };
        let answer = self
            .ask(attempt, "Decrypt", ("CiphertextBlob", sealed), now)
            .await?;
        let login = answer.plaintext.map(SecretString::from);
        let login = login.and_then(|login| STANDARD.decode(login.expose_secret()).ok());
        let login = login.and_then(|login| Credentials::from_json(&login, rules));
        login.ok_or_else(|| attempt.odd())
    }

    /// One call of KMS, with one field of its own.
    async fn ask(
        &self,
        attempt: Attempt<'_>,
        action: &str,
        (name, value): (&str, &str),
        now: Timestamp,
    ) -> Result<Answer, SealError> {
        let body = json!({
            name: value,
            "KeyId": self.key,
            "EncryptionContext": {
                "account": attempt.owner.account.to_string(),
                "server": attempt.owner.server,
                "table": self.table,
            },
        });
        let request = Request {
            method: Method::POST,
            url: &self.address,
            headers: &[
                ("content-type", "application/x-amz-json-1.1"),
                ("x-amz-target", &format!("TrentService.{action}")),
            ],
            body: &body.to_string(),
        };
        let response = self.kms.send(&request, now).await;
        let response = response.map_err(|why| attempt.failed(why, true))?;
        // A body that cannot be read is not quoted: it can be a login.
        let answer = response.json::<Answer>();
        if response.status.is_success() {
            return answer.map_err(|_| attempt.odd());
        }
        let (why, retry_can_help) = self.refusal(&response, answer.unwrap_or_default(), action);
        Err(attempt.failed(why, retry_can_help))
    }

    /// Why KMS refused, what helps, and whether a retry does.
    fn refusal(&self, response: &Response, answer: Answer, action: &str) -> (String, bool) {
        let kind = answer.kind.unwrap_or_default();
        // `com.amazonaws.kms#NotFoundException` in some answers.
        let kind = kind.rsplit('#').next().unwrap_or_default();
        let Self { key, table, .. } = self;
        let (helps, retry_can_help) = match kind {
            "InvalidCiphertextException" | "IncorrectKeyException" => (
                format!(
                    "it was sealed for another account, server or table or with another key, or it was changed; `hug connect --table {table}` seals it anew"
                ),
                false,
            ),
            "AccessDeniedException" => (
                format!("the right kms:{action} on the key {key} is missing"),
                false,
            ),
            "NotFoundException" => (
                format!("HUG_LOGINS_KEY is {key}: see the key's id and the region"),
                false,
            ),
            "DisabledException" | "KMSInvalidStateException" => (
                format!("enable the key {key}, or cancel its deletion"),
                false,
            ),
            "ThrottlingException"
            | "LimitExceededException"
            | "KMSInternalException"
            | "DependencyTimeoutException"
            | "KeyUnavailableException" => ("the next try can work".to_owned(), true),
            _ if response.status.is_server_error() => ("the next try can work".to_owned(), true),
            _ => (format!("see the key {key} and the rights to it"), false),
        };
        let message = answer.message.or(answer.message_in_lower_case);
        let said = match (kind, message) {
            ("", _) => response.status.to_string(),
            (kind, None) => kind.to_owned(),
            (kind, Some(message)) => one_line(&format!("{kind}: {message}"), MAX_REASON),
        };
        (format!("{said}; {helps}"), retry_can_help)
    }
}

/// What is attempted, for errors.
#[derive(Clone, Copy)]
struct Attempt<'a> {
    owner: Owner<'a>,
    what: &'static str,
}

impl Attempt<'_> {
    fn failed(self, why: String, retry_can_help: bool) -> SealError {
        SealError {
            attempted: self.what,
            account: self.owner.account.clone(),
            why,
            retry_can_help,
        }
    }

    fn odd(self) -> SealError {
        let why = "what KMS answered is not a login that this program sealed; `hug connect` seals it anew";
        self.failed(why.to_owned(), false)
    }
}
