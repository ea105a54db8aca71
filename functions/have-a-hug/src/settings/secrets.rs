//! The names of secrets, and which were found.

use std::{collections::HashMap, env};

use promise::{
    account::{AccountName, NetworkName},
    rules::{Rules, SecretRule},
};
use secrecy::SecretString;

use super::NotServed;
use crate::{networks, secret::Credentials};

/// Where secrets come from: from a name such as `X_API_KEY` to its value.
pub type Secrets<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The secrets in the environment. The environment is read only once: a search by the system for each name takes
/// seconds with thousands of accounts.
pub fn environment() -> impl Fn(&str) -> Option<String> {
    let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
        Some((name.into_string().ok()?, value.into_string().ok()?))
    };
    let variables: HashMap<String, String> = env::vars_os().filter_map(text).collect();
    move |name| variables.get(name).cloned()
}

/// The names of one account's secrets.
pub(super) struct Names {
    pub network: NetworkName,
    /// The account's part of the names, such as `AMBER`: made from its handle, or the word in hug.toml.
    pub word: String,
    /// Whether the account is the first of its network in hug.toml. Its names may leave out the account's part.
    pub is_first: bool,
}

impl Names {
    /// The name that only this account uses: `X_AMBER_ACCESS_TOKEN`.
    fn own(&self, rule: &SecretRule) -> String {
        format!("{}{}_{}", prefix(self.network), self.word, rule.key)
    }

    /// The name without the account's part: `X_ACCESS_TOKEN`. The first account may use it. Every account may use it
    /// for a secret of the developer's app, because many accounts share one app.
    fn plain(&self, rule: &SecretRule) -> Option<String> {
        let may = self.is_first || rule.of_the_app;
        may.then(|| name_for_all(self.network, rule))
    }
}

impl Names {
    /// A name that only this account uses, as an example.
    pub(super) fn example(&self) -> String {
        let first = networks::rules(self.network).secrets_to_send.iter();
        let own = first
            .filter(|rule| !rule.of_the_app)
            .map(|rule| self.own(rule));
        own.take(1).collect()
    }
}

/// An account's part of its secrets' names: `A_B_BSKY_SOCIAL` for `a-b.bsky.social`.
pub(super) fn word_of(handle: &str) -> String {
    let upper = |c: char| {
        if c.is_ascii_alphanumeric() {
            c.to_ascii_uppercase()
        } else {
            '_'
        }
    };
    handle.chars().map(upper).collect()
}

/// What was found about the secrets of one account.
pub(super) struct LookedUp {
    pub credentials: Result<Credentials, NotServed>,
    /// The names of the secrets that the account needs: only as many as are enough.
    pub needs: Vec<String>,
    pub warnings: Vec<String>,
}

/// Looks for the secrets of an account. `sends` says whether the account has a channel other than `draft`.
pub(super) fn look_up(
    secrets: Secrets<'_>,
    names: &Names,
    account: &AccountName,
    sends: bool,
) -> LookedUp {
    let Rules {
        secrets_to_send: to_send,
        secrets_to_read: to_read,
        ..
    } = networks::rules(account.network);
    let needed = if sends { to_send } else { to_read };
    let (mut found, mut warnings) = (Vec::new(), Vec::new());
    for rule in to_send.iter().chain(*to_read) {
        let (own, plain) = find(secrets, names, rule);
        if let (Some((own, _)), Some((plain, _))) = (&own, &plain)
            && !rule.of_the_app
        {
            warnings.push(format!(
                "{own} and {plain} are both set, and {account} uses the first; remove the other"
            ));
        }
        let Some((name, value)) = own.or(plain) else {
            continue;
        };
        if !value.chars().all(|c| c.is_ascii_graphic()) {
            warnings.push(format!(
                "the secret {name} contains a space or a character that keys never contain; copy it again"
            ));
        }
        found.push((rule.key, SecretString::from(value)));
    }
    let credentials = Credentials::from_iter(found);
    let is_enough = credentials.include(to_send) || (!sends && credentials.include(to_read));
    let missing = || {
        let missing = needed
            .iter()
            .filter(|rule| credentials.get(rule.key).is_none());
        NotServed::MissingSecrets {
            account: account.clone(),
            names: missing
                .map(|rule| needed_name(secrets, names, rule))
                .collect(),
            help: help(secrets, names, &credentials, sends),
        }
    };
    LookedUp {
        needs: needed
            .iter()
            .map(|rule| needed_name(secrets, names, rule))
            .collect(),
        credentials: if is_enough {
            Ok(credentials)
        } else {
            Err(missing())
        },
        warnings,
    }
}

/// The name of a secret without an account's part: `X_API_KEY`. Every account may use it for a secret of the developer's
/// app.
pub fn name_for_all(network: NetworkName, rule: &SecretRule) -> String {
    format!("{}{}", prefix(network), rule.key)
}

/// The secrets of the developer's app on a network, by the names that every account may use.
pub(super) fn of_the_app(secrets: Secrets<'_>, network: NetworkName) -> Credentials {
    let rules = networks::rules(network);
    let all = rules.secrets_to_send.iter().chain(rules.secrets_to_read);
    let found = all.filter(|rule| rule.of_the_app).filter_map(|rule| {
        let value = secrets(&name_for_all(network, rule))?;
        let value = value.trim();
        (!value.is_empty()).then(|| (rule.key, SecretString::from(value)))
    });
    found.collect()
}

type Found = Option<(String, String)>;

/// The secret of this rule under the account's own name and under the plain name: each with its name, and without
/// blanks around its value.
fn find(secrets: Secrets<'_>, names: &Names, rule: &SecretRule) -> (Found, Found) {
    let find = |name: String| {
        let value = secrets(&name)?.trim().to_owned();
        (!value.is_empty()).then_some((name, value))
    };
    (find(names.own(rule)), names.plain(rule).and_then(find))
}

/// The name under which a secret is asked for: the shortest name that the account may use; but the account's own name
/// if the secret is set only under that.
fn needed_name(secrets: Secrets<'_>, names: &Names, rule: &SecretRule) -> String {
    match find(secrets, names, rule) {
        (Some((own, _)), None) => own,
        _ => names.plain(rule).unwrap_or_else(|| names.own(rule)),
    }
}

fn help(secrets: Secrets<'_>, names: &Names, credentials: &Credentials, sends: bool) -> String {
    const SET: &str = "set what is missing (`hug connect` asks for it)";
    let to_read = networks::rules(names.network).secrets_to_read;
    let names: Vec<String> = to_read
        .iter()
        .map(|rule| needed_name(secrets, names, rule))
        .collect();
    let names = names.join(", ");
    match (sends, names.as_str(), credentials.include(to_read)) {
        (false, ..) => SET.to_owned(),
        (true, "", _) => format!("{SET}, or set contact = [\"draft\"], which needs none"),
        (true, _, true) => format!(
            "{SET}; {names} is there, but it can only read: with it alone, set contact = [\"draft\"]"
        ),
        (true, _, false) => {
            format!("{SET}, or set {names} and contact = [\"draft\"], which sends nothing")
        }
    }
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
