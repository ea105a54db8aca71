//! Who asks, and how often.

use std::collections::HashMap;

use oauth1_request::{Builder, HMAC_SHA1, ParameterList, Token};

use super::{
    super::{Answer, Call, Reading},
    Asked, Keys, Route, State,
    parameters::known_parameters,
    refusals::{not_permitted, problem, unsupported_authentication},
};

const WINDOW_SECONDS: i64 = 15 * 60;

#[derive(Clone, PartialEq, Eq)]
pub(super) enum Caller {
    App,
    User(String),
}

impl Caller {
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

impl State {
    pub(super) fn caller(&self, call: &Call) -> Option<Caller> {
        if let Some(token) = call.bearer() {
            return (self.bearer.as_deref() == Some(token)).then_some(Caller::App);
        }
        let fields = oauth_fields(call.header("authorization")?)?;
        let (id, keys) = self.keys.iter().find(|(_, keys)| {
            fields.get("oauth_consumer_key") == Some(&keys.api_key)
                && fields.get("oauth_token") == Some(&keys.access_token)
        })?;
        signed_by(keys, &fields, call).then(|| Caller::User(id.clone()))
    }

    pub(super) fn count(&mut self, route: &Route, caller: &Caller) -> Reading {
        let default = match caller {
            Caller::App => route.app_limit.unwrap_or(route.user_limit),
            Caller::User(_) => route.user_limit,
        };
        let limit = self
            .limits
            .iter()
            .rev()
            .find(|(name, _)| route.name.ends_with(name.as_str()))
            .map_or(default, |(_, limit)| *limit);
        let now = self.clock.now();
        self.windows
            .entry((route.name, caller.name().to_owned()))
            .or_default()
            .count(now, limit, WINDOW_SECONDS)
    }

    pub(super) fn answer_for(
        &mut self,
        route: &Route,
        asked: &Asked<'_>,
        reading: &Reading,
    ) -> Answer {
        if reading.exceeded {
            return problem(429, "Too Many Requests", "Too Many Requests");
        }
        if asked.caller == Caller::App && route.app_limit.is_none() {
            return unsupported_authentication();
        }
        let right = match route.name {
            name if name.contains("/dm_") => "directmessages",
            name if !name.starts_with("GET ") => "write",
            _ => "read",
        };
        let level = self.access_level.as_deref().unwrap_or(right);
        if matches!(asked.caller, Caller::User(_)) && !level.contains(right) {
            return not_permitted();
        }
        known_parameters(asked.call, route.parameters)
            .and_then(|()| (route.answer)(self, asked))
            .unwrap_or_else(|refusal| refusal)
    }
}

fn oauth_fields(header: &str) -> Option<HashMap<String, String>> {
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

/// Signs the request again with what the account's owner knows, and compares.
fn signed_by(keys: &Keys, fields: &HashMap<String, String>, call: &Call) -> bool {
    let field = |name: &str| fields.get(name).map_or("", String::as_str);
    let Ok(timestamp) = field("oauth_timestamp").parse() else {
        return false;
    };
    let token = Token::from_parts(
        keys.api_key.as_str(),
        keys.api_secret.as_str(),
        keys.access_token.as_str(),
        keys.access_secret.as_str(),
    );
    let mut builder = Builder::with_token(token, HMAC_SHA1);
    builder
        .nonce(field("oauth_nonce"))
        .timestamp(std::num::NonZeroU64::new(timestamp))
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

pub(super) fn limit_headers(reading: &Reading) -> Vec<(&'static str, String)> {
    vec![
        ("x-rate-limit-limit", reading.limit.to_string()),
        ("x-rate-limit-remaining", reading.remaining.to_string()),
        ("x-rate-limit-reset", reading.reset.to_string()),
    ]
}
