//! What is read and written: one DynamoDB table of accounts and hugs.
//!
//! Every write depends on a revision: of two workers that read the same state, one gets
//! [`LedgerFailure::LostRace`]. Each item has the version of its form, and fields that are not known are
//! written back as they were read. The keys are in `ledger/keys.rs`, the items in `ledger/item.rs`.

mod counts;
mod enrollment;
mod error;
mod growth;
mod handle;
mod item;
mod keys;
mod roster;
mod row;
mod snapshot;
mod stop;
mod stored;

use aws_sdk_dynamodb::{
    Client,
    types::{
        Put, ReturnValue, TransactWriteItem,
        builders::{PutBuilder, UpdateBuilder},
    },
};
use jiff::Timestamp;
use promise::{
    account::{AccountId, AccountName},
    evidence::PassedOver,
    hug::{Hug, HugKey},
    milestone::Milestone,
    record::{AccountRecord, HandleRecord},
};
use serde::de::DeserializeOwned;

use self::{
    error::Call,
    growth::hour,
    item::{Item, item, parse_hug, version_of},
    keys::{
        ACCOUNT, HANDLE, MILESTONE, VERSION, growth_sort_key, handle_key, hug_sort_key, number,
        passed_over_sort_key, text,
    },
};
pub use enrollment::EnrolledSettings;
pub use error::{LedgerError, LedgerFailure};
pub use growth::Growth;
pub use handle::HandleChange;
pub use item::UnreadableHug;
pub use keys::hug_key;
pub use roster::{RosterPage, RosterPlace};
pub use row::{Enrolled, GlanceChange, Limit, Row};
pub use snapshot::Snapshot;
pub use stored::StoredItem;

/// The hugs of an account.
#[derive(Clone, Debug, Default)]
pub struct Hugs {
    /// Smallest milestone first.
    pub known: Vec<Hug>,
    /// Hugs that this version cannot read. They are left as they are.
    pub unreadable: Vec<UnreadableHug>,
}

/// Everything that a check records.
#[derive(Clone, Copy, Debug)]
pub struct Recording<'a> {
    /// The account as it was read; `None` at its first check.
    pub before: Option<&'a AccountRecord>,
    /// The account with its new mark.
    pub after: &'a AccountRecord,
    /// The hugs that are owed since, and those that were passed on. One of revision 1 must not exist yet.
    pub hugs: &'a [Hug],
    /// Who was passed over for which milestone.
    pub passed_over: &'a [(Milestone, PassedOver)],
    /// What was learned of the handle.
    pub handle: &'a HandleChange,
    /// What becomes of the account's row in the roster.
    pub glance: GlanceChange<'a>,
}

/// The table, on DynamoDB or anything that speaks its API.
#[derive(Clone, Debug)]
pub struct Ledger {
    client: Client,
    table: String,
}

impl Ledger {
    /// A ledger in the table of that name.
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self {
            client,
            table: table.into(),
        }
    }

    /// What is known of a handle; `None` before the first check has learned anything.
    ///
    /// # Errors
    ///
    /// Where DynamoDB fails, or the item is not as this program writes it. So it is for every read.
    pub async fn handle(&self, name: &AccountName) -> Result<Option<HandleRecord>, LedgerError> {
        self.get("reading the handle", handle_key(name), HANDLE)
            .await
    }

    /// An account as its last check left it; `None` before the first.
    ///
    /// # Errors
    ///
    /// See [`Ledger::handle`].
    pub async fn account(&self, id: &AccountId) -> Result<Option<AccountRecord>, LedgerError> {
        let call = Call {
            attempted: "reading the account",
            about: id.to_string(),
        };
        let Some(item) = self.item(&call, id.to_string(), ACCOUNT).await? else {
            return Ok(None);
        };
        let is_earlier = version_of(&item) < VERSION;
        let mut account: AccountRecord = call.parse(item)?;
        if is_earlier {
            // Version 1 does not list the hugs that wait for the creator's hand, and version 2 not those that wait for
            // an answer: they counted as done.
            let hugs = self.hugs(id).await?.known.into_iter();
            let unsettled = hugs.filter(|hug| !hug.status.has_ended());
            account.unsettled = unsettled.map(|hug| hug.milestone).collect();
        }
        Ok(Some(account))
    }

    /// One hug; `None` where there is none for that milestone.
    ///
    /// # Errors
    ///
    /// See [`Ledger::handle`].
    pub async fn hug(&self, key: &HugKey) -> Result<Option<Hug>, LedgerError> {
        let (pk, sk) = (key.id.to_string(), hug_sort_key(key.milestone));
        let call = Call {
            attempted: "reading the hug",
            about: format!("{} of {pk}", key.milestone),
        };
        let item = self.item(&call, pk, &sk).await?;
        item.map(|item| parse_hug(&call, item)).transpose()
    }

    /// Every hug of an account, smallest milestone first.
    ///
    /// # Errors
    ///
    /// See [`Ledger::handle`]. A hug that cannot be read is not an error.
    pub async fn hugs(&self, id: &AccountId) -> Result<Hugs, LedgerError> {
        let range = (MILESTONE.to_owned(), format!("{MILESTONE}~"));
        self.query_hugs(id, range).await
    }

    /// The hugs of an account from one milestone to another, both included.
    ///
    /// # Errors
    ///
    /// See [`Ledger::hugs`].
    pub async fn hugs_between(
        &self,
        id: &AccountId,
        first: Milestone,
        last: Milestone,
    ) -> Result<Hugs, LedgerError> {
        let range = (hug_sort_key(first), hug_sort_key(last));
        self.query_hugs(id, range).await
    }

    async fn query_hugs(
        &self,
        id: &AccountId,
        (from, to): (String, String),
    ) -> Result<Hugs, LedgerError> {
        let call = Call {
            attempted: "reading the hugs",
            about: id.to_string(),
        };
        let mut pages = self
            .client
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .key_condition_expression("pk = :pk AND sk BETWEEN :from AND :to")
            .expression_attribute_values(":pk", text(id))
            .expression_attribute_values(":from", text(from))
            .expression_attribute_values(":to", text(to))
            .into_paginator()
            .items()
            .send();
        let mut hugs = Hugs::default();
        while let Some(item) = pages.next().await {
            let item = item.map_err(|error| call.sdk(&error))?;
            match UnreadableHug::or_hug(&call, item) {
                Ok(hug) => hugs.known.push(hug),
                Err(unreadable) => hugs.unreadable.extend(unreadable),
            }
        }
        Ok(hugs)
    }

    /// Records a check, all or nothing: the account with its new mark, the hugs that it now owes, the hour's
    /// count and what was learned of the handle.
    ///
    /// # Errors
    ///
    /// [`LedgerFailure::LostRace`] where another check wrote the account, or one of the hugs, meanwhile.
    pub async fn record_check(&self, check: Recording<'_>) -> Result<(), LedgerError> {
        let Recording {
            before,
            after: account,
            hugs,
            passed_over,
            handle,
            glance,
        } = check;
        let call = Call {
            attempted: "writing the check",
            about: account.name.to_string(),
        };
        let key = account.key().to_string();
        let mut writes = vec![put_if_unchanged(
            item(&call, account, &key, ACCOUNT)?,
            before.map(|account| account.revision),
        )];
        for hug in hugs {
            let item = item(&call, hug, &key, &hug_sort_key(hug.milestone))?;
            let seen = (hug.revision > 1).then(|| hug.revision - 1);
            writes.push(put_if_unchanged(item, seen));
        }
        for (milestone, who) in passed_over {
            let item = item(
                &call,
                who,
                &key,
                &passed_over_sort_key(*milestone, account.checked_at),
            )?;
            writes.push(Put::builder().set_item(Some(item)));
        }
        let this_hour = hour(account.checked_at);
        if before.is_none_or(|before| hour(before.checked_at) != this_hour) {
            let growth = Growth::at(account.checked_at, account.followers);
            writes.push(Put::builder().set_item(Some(item(
                &call,
                &growth,
                &key,
                &growth_sort_key(&this_hour),
            )?)));
        }
        let mut updates = Vec::new();
        updates.extend(glance.update(&self.table, &account.name));
        updates.extend(handle.update(&self.table, &account.name));
        self.transact(&call, writes, updates).await
    }

    /// Records a hug together with its account, both or neither, and lets the next round look at it. A hug of
    /// revision 1 must not exist yet.
    ///
    /// # Errors
    ///
    /// [`LedgerFailure::LostRace`] where someone else wrote one of them meanwhile.
    pub async fn record_hug_and_account(
        &self,
        account: &AccountRecord,
        hug: &Hug,
    ) -> Result<(), LedgerError> {
        let call = Call {
            attempted: "writing the hug",
            about: format!("{} for {}", hug.milestone, hug.account),
        };
        let key = account.key().to_string();
        let account_item = item(&call, account, &key, ACCOUNT)?;
        let hug_item = item(&call, hug, &key, &hug_sort_key(hug.milestone))?;
        let seen = (hug.revision > 1).then(|| hug.revision - 1);
        let writes = vec![
            put_if_unchanged(account_item, Some(account.revision - 1)),
            put_if_unchanged(hug_item, seen),
        ];
        let look = GlanceChange::LookAtHugs.update(&self.table, &account.name);
        self.transact(&call, writes, look.into_iter().collect())
            .await
    }

    async fn transact(
        &self,
        call: &Call,
        puts: Vec<PutBuilder>,
        updates: Vec<UpdateBuilder>,
    ) -> Result<(), LedgerError> {
        let mut writes = Vec::new();
        for put in puts {
            let put = put.table_name(&self.table).build();
            let put = put.map_err(|error| call.bug(error))?;
            writes.push(TransactWriteItem::builder().put(put).build());
        }
        for update in updates {
            let update = update.build().map_err(|error| call.bug(error))?;
            writes.push(TransactWriteItem::builder().update(update).build());
        }
        let transaction = self.client.transact_write_items();
        let sent = transaction.set_transact_items(Some(writes)).send().await;
        sent.map_err(|error| call.transaction(&error))?;
        Ok(())
    }

    /// Writes the next state of a hug, if nobody else has written the hug since it was read.
    ///
    /// # Errors
    ///
    /// [`LedgerFailure::LostRace`] where someone else wrote it meanwhile.
    pub async fn replace_hug(&self, next: &Hug) -> Result<(), LedgerError> {
        let call = Call {
            attempted: "writing the hug",
            about: format!("{} for {}", next.milestone, next.account),
        };
        let key = next.key();
        let item = item(
            &call,
            next,
            &key.id.to_string(),
            &hug_sort_key(key.milestone),
        )?;
        self.client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item))
            .condition_expression("revision = :seen")
            .expression_attribute_values(":seen", number(next.revision - 1))
            .send()
            .await
            .map_err(|error| call.sdk(&error))?;
        Ok(())
    }

    /// Writes what was learned of a handle.
    ///
    /// # Errors
    ///
    /// Where DynamoDB fails.
    pub async fn change_handle(
        &self,
        name: &AccountName,
        change: &HandleChange,
    ) -> Result<(), LedgerError> {
        self.update(name, change).await?;
        Ok(())
    }

    /// Writes the change, and returns what is known of the handle then; `None` where nothing changes.
    async fn update(
        &self,
        name: &AccountName,
        change: &HandleChange,
    ) -> Result<Option<HandleRecord>, LedgerError> {
        let call = Call {
            attempted: "writing the handle",
            about: name.to_string(),
        };
        let Some(update) = change.update(&self.table, name) else {
            return Ok(None);
        };
        let update = update.build().map_err(|error| call.bug(error))?;
        let answer = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(update.key))
            .update_expression(update.update_expression)
            .set_expression_attribute_values(update.expression_attribute_values)
            .return_values(ReturnValue::AllNew)
            .send()
            .await
            .map_err(|error| call.sdk(&error))?;
        let item = answer.attributes;
        item.map(|item| call.parse(item)).transpose()
    }

    /// Records that an account could not be checked, and returns since when that is so.
    ///
    /// # Errors
    ///
    /// Where DynamoDB fails.
    pub async fn record_failure(
        &self,
        name: &AccountName,
        now: Timestamp,
        error: &str,
    ) -> Result<Timestamp, LedgerError> {
        let failed = HandleChange::from(HandleRecord {
            failing_since: Some(now),
            last_error: Some(error.to_owned()),
            ..HandleRecord::default()
        });
        let changed = self.update(name, &failed).await?;
        let since = changed.and_then(|handle| handle.failing_since);
        Ok(since.unwrap_or(now))
    }

    async fn get<T: DeserializeOwned>(
        &self,
        attempted: &'static str,
        pk: String,
        sk: &str,
    ) -> Result<Option<T>, LedgerError> {
        let call = Call {
            attempted,
            about: pk.clone(),
        };
        let item = self.item(&call, pk, sk).await?;
        item.map(|item| call.parse(item)).transpose()
    }

    async fn item(&self, call: &Call, pk: String, sk: &str) -> Result<Option<Item>, LedgerError> {
        let answer = self
            .client
            .get_item()
            .table_name(&self.table)
            .key("pk", text(pk))
            .key("sk", text(sk))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| call.sdk(&error))?;
        Ok(answer.item)
    }
}

/// A put on the condition that the item still has that revision, or, for `None`, does not exist. An account that
/// was paused after it was read is not written.
fn put_if_unchanged(item: Item, revision: Option<u64>) -> PutBuilder {
    let put = Put::builder().set_item(Some(item));
    match revision {
        None => put.condition_expression("attribute_not_exists(pk)"),
        Some(revision) => put
            .condition_expression("revision = :seen AND attribute_not_exists(paused_at)")
            .expression_attribute_values(":seen", number(revision)),
    }
}
