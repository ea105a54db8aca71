//! To whom a letter goes: who has the handle that the creator chose, who said stop, and who has another handle now.

use std::slice;

use promise::{
    channel::Channel,
    follower::Recipient,
    hug::{Hug, Status},
    letter::LetterKind,
    news,
};

use super::{
    outcome::{DeliverError, DeliveryOutcome},
    worker::OneDelivery,
};
use crate::ledger::LedgerError;

/// Whether the hug names somebody.
pub(super) enum Found {
    /// The hug names a follower.
    Named,
    /// Nobody who can get the hug has the handle that the creator chose, for this reason.
    NotChosen(String),
    /// The hug names nobody, for this reason.
    Nobody(String),
}

impl OneDelivery<'_> {
    pub(super) async fn follower_said_stop(&self) -> Result<bool, LedgerError> {
        let Some(follower) = &self.hug.follower else {
            return Ok(false);
        };
        let ledger = &self.deps.ledger;
        ledger.has_said_stop(&self.hug.key().id, &follower.id).await
    }

    /// Ends a hug whose follower said stop to another hug of this ledger.
    pub(super) async fn decline(&mut self) -> Result<DeliveryOutcome, DeliverError> {
        if let Some(declined) = self.hug.declined_elsewhere(self.now()) {
            let told = news::declined(&declined, &self.connected.account.site());
            self.write(declined.with_news(told)).await?;
        }
        Ok(DeliveryOutcome::Settled(self.hug.status.clone()))
    }

    /// Asks the network who has the handle that the creator chose, if they chose one. Where words may have
    /// been sent, the hug keeps whom it names.
    pub(super) async fn find_follower(&mut self) -> Result<Found, DeliverError> {
        if self.may_have_been_sent {
            return Ok(Found::Named);
        }
        let Some(handle) = self.hug.chosen.clone() else {
            let why = self.hug.evidence.note.clone();
            let why = why.unwrap_or_else(|| "nobody is named".to_owned());
            let is_named = self.hug.follower.is_some();
            return Ok(if is_named {
                Found::Named
            } else {
                Found::Nobody(why)
            });
        };
        let Some(found) = self.connected.network.user(&handle).await? else {
            return Ok(Found::NotChosen(format!("nobody has the handle {handle}")));
        };
        // A check that decides meanwhile by the hugs as they were loses the race, and sees this one then.
        let account = self.deps.ledger.account(&self.hug.key().id).await?;
        let hugs = self.deps.ledger.hugs(&self.hug.key().id).await?;
        let theirs = |hug: &&Hug| {
            let follower = hug.follower.as_ref();
            let is_other = hug.milestone != self.hug.milestone && hug.status != Status::Cancelled;
            let passed = hug
                .passed
                .as_ref()
                .is_some_and(|one| one.follower.id == found.id);
            passed || (is_other && follower.is_some_and(|one| one.id == found.id))
        };
        let id = self.hug.key().id;
        if self.deps.ledger.has_said_stop(&id, &found.id).await? {
            let why = format!("{handle} has said stop, and is never written to again");
            return Ok(Found::NotChosen(why));
        }
        if self.connected.account.screening.forbids(&found) {
            let why = format!("{handle} is on the never list in hug.toml");
            return Ok(Found::NotChosen(why));
        }
        if let Some(hug) = hugs.known.iter().find(theirs) {
            let why = format!("{handle} already has the hug for {}", hug.milestone);
            return Ok(Found::NotChosen(why));
        }
        let named = self.hug.named(Recipient::from(&found), self.now());
        self.write_with(account, named).await?;
        Ok(Found::Named)
    }

    pub(super) async fn hold(&mut self, why: String) -> Result<DeliveryOutcome, DeliverError> {
        let held = self.hug.nobody(why.clone(), self.now());
        let told = news::nobody(&held);
        self.write(held.with_news(told)).await?;
        Ok(DeliveryOutcome::Held { why })
    }

    /// Before a late letter that names the follower where others can read it, takes over the handle that the follower
    /// has now. Returns why nobody can be named, where the network does not know them any more.
    pub(super) async fn refresh_handle(
        &mut self,
        channel: Channel,
    ) -> Result<Option<String>, DeliverError> {
        let is_late = self.hug.handle_may_have_changed(self.now());
        let begun = self.hug.letter_state().words.is_some();
        let names = self.connected.account.names_follower(channel);
        let follower = match &self.hug.follower {
            Some(follower) if names && is_late && !begun => follower,
            _ => return Ok(None),
        };
        let network = self.connected.network;
        let found = network.profiles(slice::from_ref(&follower.id)).await?;
        let Some(found) = found.first() else {
            if self.hug.letter_kind() == LetterKind::Song {
                // The network refuses the reply, and then the creator has it.
                return Ok(None);
            }
            let handle = &follower.handle;
            return Ok(Some(format!("{handle} is not on the network any more")));
        };
        if found.handle != follower.handle {
            let named = self.hug.named(Recipient::from(found), self.now());
            self.write(named).await?;
        }
        Ok(None)
    }
}
