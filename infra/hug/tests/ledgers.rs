//! Opens the ledger in a folder, for tests that read the items in it.

use std::path::Path;

use have_a_hug::ledger::{Ledger, Snapshot, StoredItem};
use hug::table::{self, Table};
use promise::{hug::HugKey, milestone::Milestone};

/// The ledger in this folder.
pub async fn ledger_in(state: &Path) -> Ledger {
    let table = Table::beside(state).await.unwrap();
    Ledger::new(table.client().clone(), table::NAME)
}

pub async fn items_in(state: &Path) -> Vec<StoredItem> {
    ledger_in(state).await.everything().await.unwrap()
}

pub async fn snapshot_of(state: &Path) -> Snapshot {
    ledger_in(state).await.snapshot().await.unwrap()
}

/// The key of Amber's hug for this number.
pub fn key(number: u64) -> HugKey {
    HugKey {
        id: "x#44196397".parse().unwrap(),
        milestone: Milestone::from_number(number).unwrap(),
    }
}

/// The keys of the items that contain this word in any text.
pub fn with(items: &[StoredItem], word: &str) -> Vec<String> {
    let has = |item: &&StoredItem| item.texts().iter().any(|text| text.contains(word));
    let key = |item: &StoredItem| format!("{} {}", item.pk(), item.sk());
    items.iter().filter(has).map(key).collect()
}
