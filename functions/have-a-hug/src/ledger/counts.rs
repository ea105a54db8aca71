//! The hourly counts of an account, read for the page of the songs.

use jiff::Timestamp;
use promise::account::AccountId;
use songbook::Count;

use super::{
    Ledger,
    error::{Call, LedgerError},
    growth::{KEPT, hour, looked_at},
    item::Item,
    keys::{COUNT, growth_sort_key, text},
};

impl Ledger {
    /// When the account was last looked at, as its newest hourly count tells; `None` where there is none.
    ///
    /// # Errors
    ///
    /// See [`Ledger::handle`].
    pub async fn looked_at(&self, id: &AccountId) -> Result<Option<Timestamp>, LedgerError> {
        let call = Call {
            attempted: "reading the newest count",
            about: id.to_string(),
        };
        let page = self
            .client
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .key_condition_expression("pk = :pk AND begins_with(sk, :count)")
            .expression_attribute_values(":pk", text(id))
            .expression_attribute_values(":count", text(COUNT))
            .scan_index_forward(false)
            .limit(1)
            .send()
            .await
            .map_err(|error| call.sdk(&error))?;
        Ok(page.items().first().and_then(looked_at))
    }

    /// How many followed an account in each hour of the last 30 days, and in every sixth hour of the last 400, the oldest
    /// first.
    ///
    /// These are at most 2,201 counts of about 130 bytes, and 9,601 where an earlier version wrote them: one page of a query
    /// or two. A count may be a few seconds old
    /// (an eventually consistent read), which costs half.
    ///
    /// # Errors
    ///
    /// See [`Ledger::handle`].
    pub async fn counts(&self, id: &AccountId, now: Timestamp) -> Result<Vec<Count>, LedgerError> {
        let call = Call {
            attempted: "reading the counts",
            about: id.to_string(),
        };
        let mut pages = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("pk = :pk AND sk BETWEEN :from AND :to")
            .projection_expression("sk, followers")
            .expression_attribute_values(":pk", text(id))
            .expression_attribute_values(":from", text(growth_sort_key(&hour(now - KEPT))))
            .expression_attribute_values(":to", text(format!("{COUNT}~")))
            .into_paginator()
            .items()
            .send();
        let mut counts = Vec::new();
        while let Some(item) = pages.next().await {
            let item = item.map_err(|error| call.sdk(&error))?;
            counts.extend(count(&item));
        }
        Ok(counts)
    }
}

/// The count of an item; `None` where the item is not as this program writes it.
fn count(item: &Item) -> Option<Count> {
    let hour = item.get("sk")?.as_s().ok()?.strip_prefix(COUNT)?;
    Some(Count {
        at: format!("{hour}:00:00Z").parse().ok()?,
        followers: item.get("followers")?.as_n().ok()?.parse().ok()?,
    })
}
