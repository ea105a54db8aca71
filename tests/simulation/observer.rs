//! What the ledger holds, read from its stream: to read the whole table after each write would take half of the time.

use std::collections::BTreeMap;

use dynoxide::Database;
use have_a_hug::ledger::Snapshot;
use hug::event_source_mapping::{BATCH, records, sequence_number};
use promise::{hug::Hug, record::AccountRecord};
use serde::de::DeserializeOwned;
use serde_json::Value;

#[derive(Default)]
pub struct Observer {
    read_to: Option<String>,
    accounts: BTreeMap<String, AccountRecord>,
    hugs: BTreeMap<String, Hug>,
}

impl Observer {
    /// The accounts and the hugs, after all that has been written.
    pub fn look(&mut self, database: &Database) -> Snapshot {
        loop {
            let new = records(database, self.read_to.as_deref()).unwrap();
            for record in &new {
                self.read_to = sequence_number(record);
                self.take_in(&record["dynamodb"]);
            }
            if new.len() < BATCH {
                break;
            }
        }
        Snapshot {
            accounts: self.accounts.values().cloned().collect(),
            hugs: self.hugs.values().cloned().collect(),
            ..Snapshot::default()
        }
    }

    fn take_in(&mut self, change: &Value) {
        let key = |name: &str| change["Keys"][name]["S"].as_str().unwrap().to_owned();
        let (pk, sk) = (key("pk"), key("sk"));
        let image = &change["NewImage"];
        if sk == "account" {
            keep(&mut self.accounts, pk, image);
        } else if sk.starts_with("milestone#") {
            keep(&mut self.hugs, format!("{pk} {sk}"), image);
        }
    }
}

/// Takes over what an item is now, or that it is gone.
fn keep<T: DeserializeOwned>(items: &mut BTreeMap<String, T>, key: String, image: &Value) {
    if image.is_null() {
        items.remove(&key);
    } else {
        let item: serde_dynamo::Item = serde_json::from_value(image.clone()).unwrap();
        items.insert(key, serde_dynamo::from_item(item).unwrap());
    }
}
