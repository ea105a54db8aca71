//! Everything in the table, read at once: for a person who looks.

use std::collections::HashMap;

use jiff::Timestamp;
use promise::{
    account::AccountName,
    evidence::PassedOver,
    hug::{Hug, HugKey},
    record::{AccountRecord, HandleRecord},
};

use super::{
    EnrolledSettings, Ledger,
    error::{Call, LedgerError},
    growth,
    item::UnreadableHug,
    keys::{
        ACCOUNT, COUNT, HANDLE, MILESTONE, PASSED_OVER, SETTINGS, hug_of_passed_over,
        name_of_handle,
    },
};

/// Everything in the table.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// Every account, by name, as of its last check or look.
    pub accounts: Vec<AccountRecord>,
    /// Every hug, by account and milestone.
    pub hugs: Vec<Hug>,
    /// Hugs that this version cannot read.
    pub unreadable: Vec<UnreadableHug>,
    /// Who was passed over for which milestone.
    pub passed_over: Vec<(HugKey, PassedOver)>,
    /// What is known of every handle.
    pub handles: Vec<(AccountName, HandleRecord)>,
    /// The settings of every account that hug.toml does not have to name.
    pub enrolled: Vec<(AccountName, EnrolledSettings)>,
}

impl Ledger {
    /// Reads the whole table, item by item.
    ///
    /// # Errors
    ///
    /// See [`Ledger::handle`].
    pub async fn snapshot(&self) -> Result<Snapshot, LedgerError> {
        let call = Call {
            attempted: "reading everything",
            about: self.table.clone(),
        };
        let mut all = Snapshot::default();
        let mut looked: HashMap<String, Timestamp> = HashMap::new();
        for stored in self.everything().await? {
            let (pk, sk) = (stored.pk().to_owned(), stored.sk().to_owned());
            let item = stored.into_item();
            match sk.as_str() {
                ACCOUNT => all.accounts.push(call.parse(item)?),
                HANDLE => match name_of_handle(&pk) {
                    Ok(name) => all.handles.push((name, call.parse(item)?)),
                    Err(why) => {
                        tracing::warn!(pk, %why, "a handle that cannot be read is left out");
                    }
                },
                SETTINGS => match name_of_handle(&pk) {
                    Ok(name) => all.enrolled.push((name, call.parse(item)?)),
                    Err(why) => {
                        tracing::warn!(pk, %why, "settings that cannot be read are left out");
                    }
                },
                sk if sk.starts_with(MILESTONE) => match UnreadableHug::or_hug(&call, item) {
                    Ok(hug) => all.hugs.push(hug),
                    Err(unreadable) => all.unreadable.extend(unreadable),
                },
                sk if sk.starts_with(PASSED_OVER) => {
                    if let Ok(key) = hug_of_passed_over(&pk, sk) {
                        all.passed_over.push((key, call.parse(item)?));
                    }
                }
                sk if sk.starts_with(COUNT) => {
                    let looked_at = growth::looked_at(&item);
                    let newest = looked.entry(pk).or_default();
                    *newest = looked_at.unwrap_or_default().max(*newest);
                }
                _ => {}
            }
        }
        for account in &mut all.accounts {
            // A check at which nothing happened writes only the hour's count.
            let looked_at = looked.get(&account.key().to_string());
            account.checked_at = account
                .checked_at
                .max(looked_at.copied().unwrap_or_default());
        }
        all.accounts.sort_by(|a, b| a.name.cmp(&b.name));
        all.hugs
            .sort_by(|a, b| (&a.account, a.milestone).cmp(&(&b.account, b.milestone)));
        Ok(all)
    }
}
