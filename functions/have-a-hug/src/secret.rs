//! Secrets of an account, and the servers that they may be sent to.
//!
//! A secret is a [`SecretString`]: it is never printed, and its memory is overwritten when it is dropped.

use std::{collections::BTreeMap, net::IpAddr};

use promise::rules::{Rules, SecretRule};
use secrecy::{ExposeSecret, SecretString};

/// The secrets of one account that were found, by their keys: `API_KEY`.
#[derive(Clone, Debug, Default)]
pub struct Credentials(BTreeMap<&'static str, SecretString>);

impl Credentials {
    /// The secret of that key; `None` where it was not found.
    pub fn get(&self, key: &str) -> Option<&SecretString> {
        self.0.get(key)
    }

    /// Whether all secrets of these rules were found.
    pub fn include(&self, rules: &[SecretRule]) -> bool {
        rules.iter().all(|rule| self.0.contains_key(rule.key))
    }

    /// Those that belong to the account and not to the developer's app: its login.
    pub fn of_the_account(&self, rules: &Rules) -> Self {
        own_rules(rules)
            .filter_map(|rule| Some((rule.key, self.get(rule.key)?.clone())))
            .collect()
    }

    /// Both, where each has other keys.
    #[must_use]
    pub fn with(mut self, more: Self) -> Self {
        self.0.extend(more.0);
        self
    }

    /// Whether these are the same secrets.
    pub fn is(&self, other: &Self) -> bool {
        let both = self.0.iter().zip(&other.0);
        let mut same = both.map(|((key, value), (other, there))| {
            key == other && value.expose_secret() == there.expose_secret()
        });
        self.0.len() == other.0.len() && same.all(|same| same)
    }

    /// As JSON: an object with a text for each key.
    pub(crate) fn to_json(&self) -> SecretString {
        let texts = self.0.iter();
        let texts: BTreeMap<&str, &str> = texts
            .map(|(key, value)| (*key, value.expose_secret()))
            .collect();
        // Texts are always JSON.
        serde_json::to_string(&texts).unwrap_or_default().into()
    }

    /// Reads the login of an account on the network of these rules from JSON. Other keys are left out. `None` where it is
    /// not such an object.
    pub(crate) fn from_json(json: &[u8], rules: &Rules) -> Option<Self> {
        let mut texts: BTreeMap<String, SecretString> =
            serde_json::from_slice::<BTreeMap<String, String>>(json)
                .ok()?
                .into_iter()
                .map(|(key, value)| (key, value.into()))
                .collect();
        let own = own_rules(rules).filter_map(|rule| Some((rule.key, texts.remove(rule.key)?)));
        Some(own.collect())
    }

    /// All of them, for a check that none is printed.
    pub fn values(&self) -> impl Iterator<Item = &SecretString> {
        self.0.values()
    }
}

impl FromIterator<(&'static str, SecretString)> for Credentials {
    fn from_iter<I: IntoIterator<Item = (&'static str, SecretString)>>(found: I) -> Self {
        Self(found.into_iter().collect())
    }
}

/// The rules of the secrets that belong to one account.
fn own_rules(rules: &Rules) -> impl Iterator<Item = &'static SecretRule> + use<> {
    let all = rules.secrets_to_send.iter().chain(rules.secrets_to_read);
    all.filter(|rule| !rule.of_the_app)
}

/// Whether a secret may be sent to that address: over TLS, or within this machine.
pub fn is_allowed_server(server: &str) -> bool {
    let Ok(url) = reqwest::Url::parse(server) else {
        return false;
    };
    let bare = url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    let host = url.host_str().unwrap_or_default();
    let loopback = host == "localhost"
        || host
            .trim_matches(['[', ']'])
            .parse::<IpAddr>()
            .is_ok_and(|ip| ip.is_loopback());
    bare && !host.is_empty() && (url.scheme() == "https" || (url.scheme() == "http" && loopback))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_go_over_tls_or_stay_on_this_computer() {
        for allowed in [
            "https://pds.example",
            "http://127.0.0.1:4000",
            "http://[::1]:1",
            "http://localhost:2583",
        ] {
            assert!(is_allowed_server(allowed), "{allowed}");
        }
        for refused in [
            "http://pds.example",
            "http://127.0.0.1.example",
            "ftp://127.0.0.1",
            "https://u:p@h",
            "x",
            "https://h/?t=1",
        ] {
            assert!(!is_allowed_server(refused), "{refused}");
        }
    }
}
