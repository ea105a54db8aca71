//! Records as items of the table: their version, and hugs that a later version wrote.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use promise::{
    account::UserId,
    earlier::HugV1,
    hug::{Hug, HugKey},
};
use serde::Serialize;
use serde_dynamo::aws_sdk_dynamodb_1::to_item;

use super::{
    error::{Call, LedgerError},
    keys::{VERSION, hug_key, number, text},
};

pub(super) type Item = HashMap<String, AttributeValue>;

/// A hug that this version of the program cannot read, because a later one wrote it. It is left as it is, it
/// counts as given, and it stops nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnreadableHug {
    /// Which hug it is.
    pub key: HugKey,
    /// Who gets it, as far as can be read.
    pub follower: Option<UserId>,
    /// What cannot be read.
    pub why: String,
}

impl UnreadableHug {
    /// The hug of that item; else what can be read of it, or nothing where even its keys cannot be read.
    pub(super) fn or_hug(call: &Call, item: Item) -> Result<Hug, Option<Self>> {
        let text = |name: &str| item.get(name).and_then(|value| value.as_s().ok()).cloned();
        let key = hug_key(
            &text("pk").unwrap_or_default(),
            &text("sk").unwrap_or_default(),
        );
        let follower = item.get("follower").and_then(|value| value.as_m().ok());
        let follower = follower.and_then(|follower| follower.get("id")?.as_s().ok().cloned());
        parse_hug(call, item).map_err(|error| {
            tracing::warn!(%error, "a hug that cannot be read is left as it is");
            let key = key.ok()?;
            Some(Self {
                key,
                follower: follower.map(UserId::from),
                why: error.why,
            })
        })
    }
}

/// The hug of an item of any version.
pub(super) fn parse_hug(call: &Call, item: Item) -> Result<Hug, LedgerError> {
    if version_of(&item) > 1 {
        return call.parse(item);
    }
    let old: HugV1 = call.parse(item)?;
    Ok(old.into())
}

/// A record as the table's item with those keys.
pub(super) fn item(
    call: &Call,
    record: &impl Serialize,
    pk: &str,
    sk: &str,
) -> Result<Item, LedgerError> {
    let mut item: Item = to_item(record).map_err(|error| call.bug(error))?;
    item.insert("pk".into(), text(pk));
    item.insert("sk".into(), text(sk));
    let version = version_of(&item).max(VERSION);
    item.insert("version".into(), number(version));
    Ok(item)
}

/// The version of an item's form; an item of the first version has none.
pub(super) fn version_of(item: &Item) -> u64 {
    let version = item.get("version").and_then(|version| version.as_n().ok());
    version
        .and_then(|version| version.parse().ok())
        .unwrap_or(1)
}
