//! The settings and the secrets.

use std::{cell::RefCell, collections::BTreeMap, path::Path};

use have_a_hug::settings::{Account, NotServed, Secrets, Settings, rule_of_secret};
use promise::rules::Shape;

use super::finding::Finding;

const HELP: &str = "then run `hug doctor` again";

/// Looks at hug.toml and the secrets that it needs; there are no settings where they have a mistake.
pub(super) fn look_at_settings(
    path: &Path,
    secrets: Secrets<'_>,
) -> (Vec<Finding>, Option<Settings>) {
    // The settings decide which secrets are needed, so those that they read are examined.
    let taken = RefCell::new(BTreeMap::new());
    let take = |name: &str| {
        let value = secrets(name)?;
        taken.borrow_mut().insert(name.to_owned(), value.clone());
        Some(value)
    };
    let file = path.display();
    let loaded = Settings::load(path, &take);
    let mut findings = Vec::new();
    let not_served: Vec<NotServed> = match &loaded {
        Ok(settings) => {
            let found = format!("it is right, for {}", settings.names());
            findings.push(Finding::ok(file, found));
            let warnings = settings.warnings.iter();
            findings.extend(warnings.map(|warning| {
                Finding::unsure("secrets", warning, "the accounts are served all the same")
            }));
            let prices = settings.accounts.iter().filter_map(Account::price_of_links);
            findings.extend(prices.map(|price| {
                Finding::unsure("costs", price, "take the link out if that is too much")
            }));
            settings.not_served().cloned().collect()
        }
        Err(error) => {
            let mistakes = error.mistakes.iter();
            findings.extend(mistakes.map(|mistake| Finding::wrong(&file, mistake, HELP)));
            error.not_served.clone()
        }
    };
    let not_served = not_served.iter();
    findings.extend(not_served.map(|why| Finding::wrong("accounts", why, HELP)));
    let taken = taken.into_inner();
    findings.extend(
        taken
            .iter()
            .map(|(name, value)| look_at_secret(name, value)),
    );
    (findings, loaded.ok())
}

/// Looks at the shape of a secret; only the network knows whether it is the right one.
fn look_at_secret(name: &str, value: &str) -> Finding {
    let bare = value.trim();
    let quotes = ['"', '\'', '`'];
    if bare.is_empty() {
        Finding::wrong(name, "it is set, but empty", "copy it again")
    } else if bare.starts_with(quotes) || bare.ends_with(quotes) {
        Finding::wrong(name, "it has quotes around it", "take them off")
    } else if bare != value {
        let found = "it has blanks or the end of a line around it, which are ignored here";
        Finding::unsure(name, found, "take them off")
    } else if let Some(shape) = odd_shape(name, value) {
        Finding::unsure(name, shape.odd, shape.help)
    } else {
        Finding::ok(name, "it is there, and looks right")
    }
}

/// The shape that the network's secrets of that name have, if this one does not have it.
fn odd_shape(name: &str, value: &str) -> Option<&'static Shape> {
    let shape = rule_of_secret(name)?.shape.as_ref()?;
    (!(shape.fits)(value)).then_some(shape)
}
