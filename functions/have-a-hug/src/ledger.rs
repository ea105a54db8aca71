//! What is read and written: one DynamoDB table of accounts and hugs.
//!
//! Every write depends on a revision: of two workers that read the same state, one gets
//! [`LedgerFailure::LostRace`]. The keys are in `ledger/keys.rs`.

mod error;
mod growth;
mod keys;

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    Client,
    types::{
        AttributeValue, Put, TransactWriteItem, Update,
        builders::{PutBuilder, UpdateBuilder},
    },
};
use promise::{
    account::{AccountId, AccountName},
    hug::{Hug, HugKey},
    record::{AccountRecord, HandleRecord},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_dynamo::aws_sdk_dynamodb_1::to_item;

use self::{
    error::Call,
    growth::hour,
    keys::{ACCOUNT, HANDLE, MILESTONE, growth_sort_key, handle_key, hug_sort_key, name_of_handle},
};
pub use error::{LedgerError, LedgerFailure};
pub use growth::Growth;
pub use keys::hug_key;

type Item = HashMap<String, AttributeValue>;

/// Everything in the table.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// Every account, by name.
    pub accounts: Vec<AccountRecord>,
    /// Every hug, by account and milestone.
    pub hugs: Vec<Hug>,
    /// What is known of every handle.
    pub handles: Vec<(AccountName, HandleRecord)>,
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
        self.get("reading the account", id.to_string(), ACCOUNT)
            .await
    }

    /// One hug; `None` where there is none for that milestone.
    ///
    /// # Errors
    ///
    /// See [`Ledger::handle`].
    pub async fn hug(&self, key: &HugKey) -> Result<Option<Hug>, LedgerError> {
        self.get("reading the hug", key.id.to_string(), &hug_sort_key(key))
            .await
    }

    /// Every hug of an account, smallest milestone first.
    ///
    /// # Errors
    ///
    /// See [`Ledger::handle`].
    pub async fn hugs(&self, id: &AccountId) -> Result<Vec<Hug>, LedgerError> {
        let call = Call {
            attempted: "reading the hugs",
            about: id.to_string(),
        };
        let mut pages = self
            .client
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .key_condition_expression("pk = :pk AND begins_with(sk, :milestone)")
            .expression_attribute_values(":pk", text(id))
            .expression_attribute_values(":milestone", text(MILESTONE))
            .into_paginator()
            .items()
            .send();
        let mut hugs = Vec::new();
        while let Some(item) = pages.next().await {
            hugs.push(call.parse(item.map_err(|error| call.sdk(&error))?)?);
        }
        Ok(hugs)
    }

    /// Records a check, all or nothing: the account with its new mark, the hugs that it now owes, the hour's
    /// count and what was learned of the handle.
    ///
    /// # Errors
    ///
    /// [`LedgerFailure::LostRace`] where another check wrote the account, or one of the hugs, meanwhile.
    pub async fn record_check(
        &self,
        before: Option<&AccountRecord>,
        account: &AccountRecord,
        hugs: &[Hug],
        learned: Option<&HandleRecord>,
    ) -> Result<(), LedgerError> {
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
            let item = item(&call, hug, &key, &hug_sort_key(&hug.key()))?;
            writes.push(put_if_unchanged(item, None));
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
        let learned = learned.map(|learned| self.update_handle(&account.name, learned));
        self.transact(&call, writes, learned).await
    }

    /// Records that a hug goes back to work: the hug, and its account that lists the hug as unsettled, both
    /// or neither.
    ///
    /// # Errors
    ///
    /// [`LedgerFailure::LostRace`] where someone else wrote one of them meanwhile.
    pub async fn record_retry(
        &self,
        account: &AccountRecord,
        hug: &Hug,
    ) -> Result<(), LedgerError> {
        let call = Call {
            attempted: "writing the retry",
            about: format!("{} for {}", hug.milestone, hug.account),
        };
        let key = account.key().to_string();
        let account_item = item(&call, account, &key, ACCOUNT)?;
        let hug_item = item(&call, hug, &key, &hug_sort_key(&hug.key()))?;
        let writes = vec![
            put_if_unchanged(account_item, Some(account.revision - 1)),
            put_if_unchanged(hug_item, Some(hug.revision - 1)),
        ];
        self.transact(&call, writes, None).await
    }

    async fn transact(
        &self,
        call: &Call,
        puts: Vec<PutBuilder>,
        update: Option<UpdateBuilder>,
    ) -> Result<(), LedgerError> {
        let mut writes = Vec::new();
        for put in puts {
            let put = put.table_name(&self.table).build();
            let put = put.map_err(|error| call.bug(error))?;
            writes.push(TransactWriteItem::builder().put(put).build());
        }
        if let Some(update) = update {
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
        let item = item(&call, next, &key.id.to_string(), &hug_sort_key(&key))?;
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

    /// Remembers until when a network asked not to be read, or not to be sent to.
    ///
    /// # Errors
    ///
    /// Where DynamoDB fails.
    pub async fn remember_limit(
        &self,
        name: &AccountName,
        limit: &HandleRecord,
    ) -> Result<(), LedgerError> {
        let call = Call {
            attempted: "writing the rate limit",
            about: name.to_string(),
        };
        let update = self
            .update_handle(name, limit)
            .build()
            .map_err(|error| call.bug(error))?;
        self.client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(update.key))
            .update_expression(update.update_expression)
            .set_expression_attribute_values(update.expression_attribute_values)
            .send()
            .await
            .map_err(|error| call.sdk(&error))?;
        Ok(())
    }

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
        let mut pages = self
            .client
            .scan()
            .table_name(&self.table)
            .consistent_read(true)
            .into_paginator()
            .items()
            .send();
        let mut all = Snapshot::default();
        while let Some(item) = pages.next().await {
            let item = item.map_err(|error| call.sdk(&error))?;
            let key = |name: &str| {
                item.get(name)
                    .and_then(|value| value.as_s().ok())
                    .cloned()
                    .unwrap_or_default()
            };
            match key("sk").as_str() {
                ACCOUNT => all.accounts.push(call.parse(item)?),
                HANDLE => {
                    let pk = key("pk");
                    match name_of_handle(&pk) {
                        Ok(name) => all.handles.push((name, call.parse(item)?)),
                        Err(why) => {
                            tracing::warn!(pk, %why, "a handle that cannot be read is left out");
                        }
                    }
                }
                sk if sk.starts_with(MILESTONE) => all.hugs.push(call.parse(item)?),
                _ => {}
            }
        }
        all.accounts.sort_by(|a, b| a.name.cmp(&b.name));
        all.hugs
            .sort_by(|a, b| (&a.account, a.milestone).cmp(&(&b.account, b.milestone)));
        Ok(all)
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
        answer.item.map(|item| call.parse(item)).transpose()
    }

    /// An update of those fields that are not `None`. The rest stays as it is, because checks and
    /// deliveries write to the same item side by side.
    fn update_handle(&self, name: &AccountName, fields: &HandleRecord) -> UpdateBuilder {
        let mut update = Update::builder()
            .table_name(&self.table)
            .key("pk", text(handle_key(name)))
            .key("sk", text(HANDLE));
        let mut sets = Vec::new();
        let known = [
            ("id", fields.id.as_ref().map(ToString::to_string)),
            ("retry_at", fields.retry_at.map(|time| time.to_string())),
            (
                "send_retry_at",
                fields.send_retry_at.map(|time| time.to_string()),
            ),
        ];
        for (field, value) in known {
            if let Some(value) = value {
                sets.push(format!("{field} = :{field}"));
                update = update.expression_attribute_values(format!(":{field}"), text(value));
            }
        }
        update.update_expression(format!("SET {}", sets.join(", ")))
    }
}

/// A put on the condition that the item still has that revision, or, for `None`, does not exist.
fn put_if_unchanged(item: Item, revision: Option<u64>) -> PutBuilder {
    let put = Put::builder().set_item(Some(item));
    match revision {
        None => put.condition_expression("attribute_not_exists(pk)"),
        Some(revision) => put
            .condition_expression("revision = :seen")
            .expression_attribute_values(":seen", number(revision)),
    }
}

/// A record as the table's item with those keys.
fn item(call: &Call, record: &impl Serialize, pk: &str, sk: &str) -> Result<Item, LedgerError> {
    let mut item: Item = to_item(record).map_err(|error| call.bug(error))?;
    item.insert("pk".into(), text(pk));
    item.insert("sk".into(), text(sk));
    Ok(item)
}

fn text(value: impl ToString) -> AttributeValue {
    AttributeValue::S(value.to_string())
}

fn number(value: u64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}
