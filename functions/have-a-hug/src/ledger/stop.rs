//! Who said stop. They are written to never again, by any account of this ledger on their network.

use std::collections::{BTreeSet, HashSet};

use jiff::Timestamp;
use promise::{
    account::{AccountId, AccountName, UserId},
    hug::Hug,
    milestone::Milestone,
};
use serde::Serialize;

use super::{
    Ledger,
    error::{Call, LedgerError},
    item::item,
    keys::{hug_sort_key, stop_key, text},
    put_if_unchanged,
};
use aws_sdk_dynamodb::types::Put;

/// The item of somebody who said stop; their id is its sort key.
#[derive(Serialize)]
struct Stop<'a> {
    /// To which account.
    account: &'a AccountName,
    /// To which hug.
    milestone: Milestone,
    /// When it was heard.
    at: Timestamp,
}

impl Ledger {
    /// Everyone who said stop to an account on the same network, or on the same server of Mastodon.
    ///
    /// # Errors
    ///
    /// See [`Ledger::handle`].
    pub async fn stops(&self, id: &AccountId) -> Result<HashSet<UserId>, LedgerError> {
        let pk = stop_key(id);
        let call = Call {
            attempted: "reading who said stop",
            about: pk.clone(),
        };
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
        let mut stops = HashSet::new();
        while let Some(item) = pages.next().await {
            let item = item.map_err(|error| call.sdk(&error))?;
            let id = item.get("sk").and_then(|id| id.as_s().ok());
            stops.extend(id.map(|id| UserId::from(id.as_str())));
        }
        Ok(stops)
    }

    /// Whether that follower said stop to an account on the same network, or on the same server of Mastodon.
    ///
    /// # Errors
    ///
    /// See [`Ledger::handle`].
    pub async fn has_said_stop(
        &self,
        id: &AccountId,
        follower: &UserId,
    ) -> Result<bool, LedgerError> {
        let pk = stop_key(id);
        let call = Call {
            attempted: "reading who said stop",
            about: pk.clone(),
        };
        let item = self.item(&call, pk, follower.as_str()).await?;
        Ok(item.is_some())
    }

    /// Erases that those followers said stop.
    ///
    /// # Errors
    ///
    /// Where DynamoDB fails.
    pub async fn forget_stop(
        &self,
        id: &AccountId,
        followers: &BTreeSet<UserId>,
    ) -> Result<(), LedgerError> {
        let pk = stop_key(id);
        let call = Call {
            attempted: "erasing that someone said stop",
            about: pk.clone(),
        };
        for follower in followers {
            self.client
                .delete_item()
                .table_name(&self.table)
                .key("pk", text(&pk))
                .key("sk", text(follower))
                .send()
                .await
                .map_err(|error| call.sdk(&error))?;
        }
        Ok(())
    }

    /// Records a hug whose follower said stop, and that they did, both or neither.
    ///
    /// # Errors
    ///
    /// [`LostRace`](super::LedgerFailure::LostRace) where someone else wrote the hug meanwhile.
    pub async fn record_stop(&self, declined: &Hug, now: Timestamp) -> Result<(), LedgerError> {
        let call = Call {
            attempted: "writing that the follower said stop",
            about: format!("{} for {}", declined.milestone, declined.account),
        };
        let id = declined.key().id;
        let (pk, sk) = (id.to_string(), hug_sort_key(declined.milestone));
        let hug = item(&call, declined, &pk, &sk)?;
        let mut writes = vec![put_if_unchanged(hug, Some(declined.revision - 1))];
        if let Some(follower) = &declined.follower {
            let stop = Stop {
                account: &declined.account,
                milestone: declined.milestone,
                at: now,
            };
            let stop = item(&call, &stop, &stop_key(&id), follower.id.as_str())?;
            writes.push(Put::builder().set_item(Some(stop)));
        }
        self.transact(&call, writes, None).await
    }
}
