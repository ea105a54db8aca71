//! Items as they are in the table, whatever they contain: for what takes, brings or erases all of an account.

use std::{collections::BTreeMap, time::Duration};

use aws_sdk_dynamodb::types::{AttributeValue, DeleteRequest, PutRequest, WriteRequest};
use jiff::Timestamp;
use promise::{
    account::{AccountId, AccountName, UserId},
    evidence::PassedOver,
    hug::Hug,
    record::{AccountRecord, HandleRecord},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{
    EnrolledSettings, Ledger,
    error::{Call, LedgerError},
    item::{Item, item, parse_hug},
    keys::{
        ACCOUNT, HANDLE, MILESTONE, PASSED_OVER, ROSTER, SETTINGS, name_of_handle, number,
        stop_key, text,
    },
    row::ENROLLED,
};

/// DynamoDB takes so many items in one batch.
const BATCH: usize = 25;

/// The field that marks what is paused.
const PAUSED_AT: &str = "paused_at";

/// How often what DynamoDB did not take of a batch is sent again.
const TRIES: u32 = 8;

/// An item as it is in the table. As JSON it has DynamoDB's own form: `{"pk": {"S": "x#44196397"}, …}`.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(into = "Typed", from = "Typed")]
pub struct StoredItem(Item);

type Typed = BTreeMap<String, serde_dynamo::AttributeValue>;

impl From<StoredItem> for Typed {
    fn from(StoredItem(item): StoredItem) -> Self {
        let typed = item.into_iter().map(|(name, value)| (name, value.into()));
        typed.collect()
    }
}

impl From<Typed> for StoredItem {
    fn from(typed: Typed) -> Self {
        let item = typed.into_iter().map(|(name, value)| (name, value.into()));
        Self(item.collect())
    }
}

impl StoredItem {
    fn key(&self, name: &str) -> &str {
        let key = self.0.get(name).and_then(|value| value.as_s().ok());
        key.map_or("", String::as_str)
    }

    pub(super) fn from_item(item: Item) -> Self {
        Self(item)
    }

    pub(super) fn into_item(self) -> Item {
        self.0
    }

    /// Its partition key.
    pub fn pk(&self) -> &str {
        self.key("pk")
    }

    /// Its sort key.
    pub fn sk(&self) -> &str {
        self.key("sk")
    }

    /// How often it was written; `None` where that is not counted.
    pub fn revision(&self) -> Option<u64> {
        self.0.get("revision")?.as_n().ok()?.parse().ok()
    }

    /// Whether it is a hug, readable or not.
    pub fn is_hug(&self) -> bool {
        self.sk().starts_with(MILESTONE)
    }

    /// The hug, if it is one that can be read.
    pub fn hug(&self) -> Option<Hug> {
        let item = self.is_hug().then(|| self.0.clone())?;
        parse_hug(&self.reading(), item).ok()
    }

    /// Whether it is an account, readable or not.
    pub fn is_account(&self) -> bool {
        self.sk() == ACCOUNT
    }

    /// The account, if it is one.
    pub fn account(&self) -> Option<AccountRecord> {
        self.parsed(self.is_account())
    }

    /// What is known of a handle, if it is that.
    pub fn handle(&self) -> Option<(AccountName, HandleRecord)> {
        let name = name_of_handle(self.pk()).ok()?;
        Some((name, self.parsed(self.sk() == HANDLE)?))
    }

    /// Whether it is the settings of an account that hug.toml does not name, and of which.
    pub fn settings_of(&self) -> Option<AccountName> {
        let is_it = self.sk() == SETTINGS;
        is_it.then(|| name_of_handle(self.pk()).ok()).flatten()
    }

    /// The settings of an account that hug.toml does not name, if it is that.
    pub fn settings(&self) -> Option<(AccountName, EnrolledSettings)> {
        let name = self.settings_of()?;
        Some((name, self.parsed(true)?))
    }

    /// Whether it is a row of the roster for an account that hug.toml does not name.
    pub fn is_enrolled(&self) -> bool {
        self.is_of_roster() && self.0.contains_key(ENROLLED)
    }

    /// Whether it is a row of the roster or a rate limit.
    pub fn is_of_roster(&self) -> bool {
        self.pk() == ROSTER
    }

    /// The account of a row of the roster, if it is one.
    pub fn of_roster(&self) -> Option<AccountName> {
        let name = self.is_of_roster().then(|| name_of_handle(self.sk()).ok());
        name.flatten()
    }

    /// Whether it says who was passed over for a hug.
    pub fn is_passed_over(&self) -> bool {
        self.sk().starts_with(PASSED_OVER)
    }

    /// Those who were passed over, if it says that.
    pub fn passed_over(&self) -> Option<PassedOver> {
        self.parsed(self.is_passed_over())
    }

    /// Who said stop, if it says that somebody did to an account with the scope of this one.
    pub fn stop_for(&self, id: &AccountId) -> Option<UserId> {
        (self.pk() == stop_key(id)).then(|| self.sk().into())
    }

    /// Whether it is paused: an account, or what is known of a handle.
    pub fn is_paused(&self) -> bool {
        self.0.contains_key(PAUSED_AT)
    }

    /// The same, paused since then, or not paused.
    #[must_use]
    pub fn paused(&self, since: Option<Timestamp>) -> Self {
        let mut item = self.0.clone();
        match since {
            Some(since) => item.insert(PAUSED_AT.to_owned(), text(since)),
            None => item.remove(PAUSED_AT),
        };
        Self(item)
    }

    /// Every text in it, at any depth.
    pub fn texts(&self) -> Vec<&str> {
        let mut found = Vec::new();
        let mut left: Vec<&AttributeValue> = self.0.values().collect();
        while let Some(value) = left.pop() {
            match value {
                AttributeValue::S(text) => found.push(text.as_str()),
                AttributeValue::L(list) => left.extend(list),
                AttributeValue::M(map) => left.extend(map.values()),
                _ => {}
            }
        }
        found
    }

    fn parsed<T: DeserializeOwned>(&self, is_such: bool) -> Option<T> {
        let item = is_such.then(|| self.0.clone())?;
        self.reading().parse(item).ok()
    }

    fn reading(&self) -> Call {
        self.call("reading an item")
    }

    fn call(&self, attempted: &'static str) -> Call {
        Call {
            attempted,
            about: format!("{} of {}", self.sk(), self.pk()),
        }
    }
}

impl Ledger {
    /// Every item of the table.
    ///
    /// # Errors
    ///
    /// Where DynamoDB fails. The other functions of this file fail in the same case.
    pub async fn everything(&self) -> Result<Vec<StoredItem>, LedgerError> {
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
        let mut items = Vec::new();
        while let Some(item) = pages.next().await {
            items.push(StoredItem(item.map_err(|error| call.sdk(&error))?));
        }
        Ok(items)
    }

    /// Every item of an account.
    ///
    /// # Errors
    ///
    /// See [`Ledger::everything`].
    pub async fn all_of(&self, id: &AccountId) -> Result<Vec<StoredItem>, LedgerError> {
        let call = Call {
            attempted: "reading everything",
            about: id.to_string(),
        };
        let items = self.partition(&call, &id.to_string()).await?;
        Ok(items.into_iter().map(StoredItem).collect())
    }

    /// Every item with that partition key.
    pub(super) async fn partition(&self, call: &Call, pk: &str) -> Result<Vec<Item>, LedgerError> {
        let mut pages = self
            .client
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", text(pk))
            .into_paginator()
            .items()
            .send();
        let mut items = Vec::new();
        while let Some(item) = pages.next().await {
            items.push(item.map_err(|error| call.sdk(&error))?);
        }
        Ok(items)
    }

    /// Marks an account as paused, or for `None` as not paused any more. Who read the account before loses the
    /// race, and nothing is written to it while it is marked. Returns whether there is such an account.
    ///
    /// # Errors
    ///
    /// See [`Ledger::everything`].
    pub async fn mark_paused(
        &self,
        id: &AccountId,
        since: Option<Timestamp>,
    ) -> Result<bool, LedgerError> {
        let call = Call {
            attempted: "pausing",
            about: id.to_string(),
        };
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("pk", text(id))
            .key("sk", text(ACCOUNT))
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(":one", number(1));
        let update = match since {
            Some(since) => update
                .update_expression("SET revision = revision + :one, paused_at = :since")
                .expression_attribute_values(":since", text(since)),
            None => update.update_expression("SET revision = revision + :one REMOVE paused_at"),
        };
        match update.send().await.map_err(|error| call.sdk(&error)) {
            Ok(_) => Ok(true),
            Err(error) if error.failure == super::LedgerFailure::LostRace => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Replaces who was passed over, unless the item has expired meanwhile; for nobody it is deleted.
    ///
    /// # Errors
    ///
    /// See [`Ledger::everything`].
    pub async fn replace_passed_over(
        &self,
        old: &StoredItem,
        new: &PassedOver,
    ) -> Result<(), LedgerError> {
        if new.followers.is_empty() {
            return self.delete(old).await;
        }
        let call = old.call("erasing from");
        let item = item(&call, new, old.pk(), old.sk())?;
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item))
            .condition_expression("attribute_exists(pk)");
        match put.send().await.map_err(|error| call.sdk(&error)) {
            Err(error) if error.failure != super::LedgerFailure::LostRace => Err(error),
            _ => Ok(()),
        }
    }

    /// Deletes an item, if it is still of that revision or is gone already.
    ///
    /// # Errors
    ///
    /// [`LostRace`](super::LedgerFailure::LostRace) where someone has written it meanwhile.
    pub async fn delete(&self, item: &StoredItem) -> Result<(), LedgerError> {
        let call = item.call("erasing");
        let mut delete = self
            .client
            .delete_item()
            .table_name(&self.table)
            .key("pk", text(item.pk()))
            .key("sk", text(item.sk()));
        if let Some(revision) = item.revision() {
            delete = delete
                .condition_expression("attribute_not_exists(pk) OR revision = :seen")
                .expression_attribute_values(":seen", number(revision));
        }
        delete.send().await.map_err(|error| call.sdk(&error))?;
        Ok(())
    }

    /// Deletes items that nobody changes any more, many at once.
    ///
    /// # Errors
    ///
    /// See [`Ledger::everything`].
    pub async fn delete_all(&self, items: &[StoredItem]) -> Result<(), LedgerError> {
        let delete = |item: &StoredItem| {
            let delete = DeleteRequest::builder()
                .key("pk", text(item.pk()))
                .key("sk", text(item.sk()))
                .build();
            let delete = delete.map_err(|error| item.call("erasing").bug(error))?;
            Ok(WriteRequest::builder().delete_request(delete).build())
        };
        let writes: Result<Vec<WriteRequest>, LedgerError> = items.iter().map(delete).collect();
        self.write_batches("erasing", writes?).await
    }

    /// Writes items that nobody else writes meanwhile, many at once.
    ///
    /// # Errors
    ///
    /// See [`Ledger::everything`].
    pub async fn put_all(&self, items: &[StoredItem]) -> Result<(), LedgerError> {
        let put = |item: &StoredItem| {
            let put = PutRequest::builder().set_item(Some(item.0.clone())).build();
            let put = put.map_err(|error| item.call("writing").bug(error))?;
            Ok(WriteRequest::builder().put_request(put).build())
        };
        let writes: Result<Vec<WriteRequest>, LedgerError> = items.iter().map(put).collect();
        self.write_batches("writing", writes?).await
    }

    /// Writes an item in the place of `over`, which has not been written since it was read; for `None` there must
    /// be none.
    ///
    /// # Errors
    ///
    /// [`LostRace`](super::LedgerFailure::LostRace) where that is not so.
    pub async fn replace_item(
        &self,
        item: &StoredItem,
        over: Option<&StoredItem>,
    ) -> Result<(), LedgerError> {
        let call = item.call("writing");
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item.0.clone()));
        let put = match over.map(StoredItem::revision) {
            None => put.condition_expression("attribute_not_exists(pk)"),
            Some(None) => put.condition_expression("attribute_not_exists(revision)"),
            Some(Some(revision)) => put
                .condition_expression("revision = :seen")
                .expression_attribute_values(":seen", number(revision)),
        };
        put.send().await.map_err(|error| call.sdk(&error))?;
        Ok(())
    }

    async fn write_batches(
        &self,
        attempted: &'static str,
        writes: Vec<WriteRequest>,
    ) -> Result<(), LedgerError> {
        let call = Call {
            attempted,
            about: format!("{} items", writes.len()),
        };
        for batch in writes.chunks(BATCH) {
            let mut left = batch.to_vec();
            for tried in 0..TRIES {
                let write = self.client.batch_write_item();
                let answer = write.request_items(&self.table, left).send().await;
                let answer = answer.map_err(|error| call.sdk(&error))?;
                let unprocessed = answer.unprocessed_items.unwrap_or_default();
                left = unprocessed.into_values().flatten().collect();
                if left.is_empty() {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(50) * 2_u32.pow(tried)).await;
            }
            if !left.is_empty() {
                return Err(call.busy(format!("{} items were not taken", left.len())));
            }
        }
        Ok(())
    }
}
