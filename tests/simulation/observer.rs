//! What the ledger holds, read from its stream: to read the whole table after each write would take half of the time.

use std::collections::BTreeMap;

use dynoxide::Database;
use have_a_hug::ledger::Snapshot;
use hug::event_source_mapping::{BATCH, iterator, records};
use jiff::Timestamp;
use promise::{hug::Hug, record::AccountRecord};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::network::ID;

#[derive(Default)]
pub struct Observer {
    /// Where to read on in the stream.
    iterator: Option<String>,
    accounts: BTreeMap<String, AccountRecord>,
    hugs: BTreeMap<String, Hug>,
    /// Until when the network asked not to be read, as the ledger says to all accounts.
    pub limited_until: Option<Timestamp>,
}

/// What the ledger has now, and every hug that was written since the last look, in order.
pub struct Seen {
    pub ledger: Snapshot,
    pub changes: Vec<Change>,
    /// The records of the stream since the last look, in order.
    pub records: Vec<Value>,
}

/// One write of a hug.
pub struct Change {
    /// `None` where it is the first.
    pub before: Option<Hug>,
    pub after: Hug,
}

impl Observer {
    /// The accounts and the hugs, after all that has been written.
    pub fn look(&mut self, database: &Database) -> Seen {
        let mut seen = Vec::new();
        loop {
            let here = self.iterator.take();
            let here = here.unwrap_or_else(|| iterator(database, None).unwrap());
            let (new, next) = records(database, here).unwrap();
            self.iterator = Some(next);
            let was_the_rest = new.len() < BATCH;
            seen.extend(new);
            if was_the_rest {
                break;
            }
        }
        let changes = seen
            .iter()
            .filter_map(|record| self.take_in(&record["dynamodb"]));
        let changes = changes.collect();
        let ledger = Snapshot {
            accounts: self.accounts.values().cloned().collect(),
            hugs: self.hugs(),
            ..Snapshot::default()
        };
        Seen {
            ledger,
            changes,
            records: seen,
        }
    }

    /// The account as it was at the last look.
    pub fn account(&self) -> Option<&AccountRecord> {
        self.accounts.values().next()
    }

    /// The hugs as they were at the last look.
    pub fn hugs(&self) -> Vec<Hug> {
        self.hugs.values().cloned().collect()
    }

    fn take_in(&mut self, change: &Value) -> Option<Change> {
        let key = |name: &str| change["Keys"][name]["S"].as_str().unwrap().to_owned();
        let (pk, sk) = (key("pk"), key("sk"));
        let image = &change["NewImage"];
        // The account at which nothing ever happens owes nothing.
        if sk == "account" && pk.ends_with(&format!("#{ID}")) {
            keep(&mut self.accounts, pk, image);
        } else if sk.starts_with("milestone#") {
            let key = format!("{pk} {sk}");
            let before = self.hugs.get(&key).cloned();
            keep(&mut self.hugs, key.clone(), image);
            let after = self.hugs.get(&key).cloned()?;
            return Some(Change { before, after });
        } else if sk.starts_with('!') {
            let until = image["until"]["S"].as_str();
            self.limited_until = until.map(|until| until.parse().unwrap());
        }
        None
    }
}

/// Takes over what an item is now, or that it is gone.
fn keep<T: DeserializeOwned>(items: &mut BTreeMap<String, T>, key: String, image: &Value) {
    if image.is_null() {
        items.remove(&key);
    } else {
        let mut image = image.clone();
        // The keys and the version are no fields of the record; what else is not known stays in it.
        for key in ["pk", "sk", "version"] {
            image.as_object_mut().unwrap().remove(key);
        }
        let item: serde_dynamo::Item = serde_json::from_value(image).unwrap();
        items.insert(key, serde_dynamo::from_item(item).unwrap());
    }
}
