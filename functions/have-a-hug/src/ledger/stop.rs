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
        let items = self.partition(&call, &pk).await?;
        let ids = items.iter().filter_map(|item| item.get("sk")?.as_s().ok());
        Ok(ids.map(|id| UserId::from(id.as_str())).collect())
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

    /// Records a hug, and that this follower said stop to it, both or neither.
    ///
    /// # Errors
    ///
    /// [`LostRace`](super::LedgerFailure::LostRace) where someone else wrote the hug meanwhile.
    pub async fn record_stop(
        &self,
        hug: &Hug,
        follower: &UserId,
        now: Timestamp,
    ) -> Result<(), LedgerError> {
        let call = Call {
            attempted: "writing that the follower said stop",
            about: format!("{} for {}", hug.milestone, hug.account),
        };
        let id = hug.key().id;
        let (pk, sk) = (id.to_string(), hug_sort_key(hug.milestone));
        let stop = Stop {
            account: &hug.account,
            milestone: hug.milestone,
            at: now,
        };
        let stop = item(&call, &stop, &stop_key(&id), follower.as_str())?;
        let hug_item = item(&call, hug, &pk, &sk)?;
        let writes = vec![
            put_if_unchanged(hug_item, Some(hug.revision - 1)),
            Put::builder().set_item(Some(stop)),
        ];
        self.transact(&call, writes, Vec::new()).await
    }
}
