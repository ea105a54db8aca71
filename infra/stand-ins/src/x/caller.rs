//! Who makes a request.

use std::{collections::HashMap, num::NonZeroU64};

use oauth1_request::{Builder, Credentials, HMAC_SHA1, ParameterList};

use super::{
    account::{Keys, SANDBOX_BEARER},
    state::State,
};
use crate::call::{Answer, Call};

/// Whose credentials a request has.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Caller {
    /// The app's, by its bearer token.
    App,
    /// An account's, by its signature. The value is the account's id.
    User(String),
}

impl Caller {
    /// The account's id, or `app`.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::App => "app",
            Self::User(id) => id,
        }
    }

    pub(super) fn is(&self, user: &str) -> bool {
        matches!(self, Self::User(id) if id == user)
    }
}

/// A request whose caller is known.
pub(super) struct Asked<'a> {
    pub(super) call: &'a Call,
    pub(super) caller: Caller,
    /// The part of the path that stands for the route's `:name`.
    pub(super) subject: String,
}

/// An answer, or a refusal.
pub(super) type Reply = Result<Answer, Answer>;

impl State {
    pub(super) fn caller(&self, call: &Call) -> Option<Caller> {
        if let Some(token) = call.bearer() {
            return (token == SANDBOX_BEARER).then_some(Caller::App);
        }
        let fields = oauth_fields(call.header("authorization")?)?;
        let (id, keys) = self.keys.iter().find(|(_, keys)| {
            fields.get("oauth_consumer_key") == Some(&keys.api_key)
                && fields.get("oauth_token") == Some(&keys.access_token)
        })?;
        signed_by(keys, &fields, call).then(|| Caller::User(id.clone()))
    }
}

pub(super) fn oauth_fields(header: &str) -> Option<HashMap<String, String>> {
    let fields = header.strip_prefix("OAuth ")?;
    fields
        .split(',')
        .map(|field| {
            let (name, value) = field.trim().split_once('=')?;
            let value = value.strip_prefix('"')?.strip_suffix('"')?;
            Some((percent_decoded(name), percent_decoded(value)))
        })
        .collect()
}

/// Whether the request has the signature that these keys give it. The keys of an app alone have an empty access token.
pub(super) fn signed_by(keys: &Keys, fields: &HashMap<String, String>, call: &Call) -> bool {
    let field = |name: &str| fields.get(name).map_or("", String::as_str);
    let Ok(timestamp) = field("oauth_timestamp").parse() else {
        return false;
    };
    let app = Credentials::new(keys.api_key.as_str(), keys.api_secret.as_str());
    let token = Credentials::new(keys.access_token.as_str(), keys.access_secret.as_str());
    let given = |name: &str| fields.get(name).map(String::as_str);
    let mut builder = Builder::new(app, HMAC_SHA1);
    builder
        .token(Some(token).filter(|_| !keys.access_token.is_empty()))
        .callback(given("oauth_callback"))
        .verifier(given("oauth_verifier"))
        .nonce(field("oauth_nonce"))
        .timestamp(NonZeroU64::new(timestamp))
        .version(fields.contains_key("oauth_version"));
    let url = format!("http://{}{}", call.host, call.path);
    let expected = builder.authorize(
        &call.method,
        url.as_str(),
        &ParameterList::new(call.query.clone()),
    );
    oauth_fields(&expected).is_some_and(|expected| {
        expected.get("oauth_signature") == fields.get("oauth_signature")
            && field("oauth_signature_method") == "HMAC-SHA1"
            && !field("oauth_nonce").is_empty()
    })
}

pub(super) fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let code = tail
            .get(..2)
            .filter(|_| *first == b'%')
            .and_then(|code| std::str::from_utf8(code).ok())
            .and_then(|code| u8::from_str_radix(code, 16).ok());
        bytes.push(code.unwrap_or(*first));
        rest = match code {
            Some(_) => tail.get(2..).unwrap_or_default(),
            None => tail,
        };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
