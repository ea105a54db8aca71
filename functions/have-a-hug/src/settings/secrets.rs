//! The names of secrets, and which were found.

use promise::{
    account::{AccountName, NetworkName},
    rules::SecretRule,
};
use secrecy::SecretString;

use crate::networks;

/// Where secrets come from: from a name such as `X_API_KEY` to its value.
pub type Secrets<'a> = &'a dyn Fn(&str) -> Option<String>;

/// A secret that was found.
pub(super) struct Found {
    /// Its name.
    pub name: String,
    /// Its value, without blanks around it.
    pub value: SecretString,
    /// Whether it has a blank or another character that no secret has.
    pub is_odd: bool,
}

/// Looks for the secret of this account; where `shared`, the one of the whole network will do.
pub(super) fn find(
    secrets: Secrets<'_>,
    account: &AccountName,
    rule: &SecretRule,
    shared: bool,
) -> Option<Found> {
    let own = secret_name(account, rule.key, false);
    let name = if secrets(&own).is_none() && shared {
        secret_name(account, rule.key, true)
    } else {
        own
    };
    let value = secrets(&name)?.trim().to_owned();
    (!value.is_empty()).then(|| Found {
        name,
        is_odd: !value.chars().all(|c| c.is_ascii_graphic()),
        value: value.into(),
    })
}

/// `X_API_KEY` for all accounts of a network, `X_AMBER_API_KEY` for one.
pub(super) fn secret_name(account: &AccountName, key: &str, shared: bool) -> String {
    let network = prefix(account.network);
    if shared {
        return format!("{network}{key}");
    }
    let upper = |c: char| {
        if c.is_ascii_alphanumeric() {
            c.to_ascii_uppercase()
        } else {
            '_'
        }
    };
    let handle: String = account.handle.chars().map(upper).collect();
    format!("{network}{handle}_{key}")
}

/// The rule of the secret with that name; `None` for a name that no network's secret has.
pub fn rule_of_secret(name: &str) -> Option<&'static SecretRule> {
    NetworkName::ALL.into_iter().find_map(|network| {
        let key = name.strip_prefix(&prefix(network))?;
        let rules = networks::rules(network);
        let mut all = rules.secrets_to_send.iter().chain(rules.secrets_to_read);
        all.find(|rule| key == rule.key || key.ends_with(&format!("_{}", rule.key)))
    })
}

fn prefix(network: NetworkName) -> String {
    format!("{}_", network.word().to_uppercase())
}
