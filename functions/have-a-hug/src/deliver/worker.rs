//! A delivery at work: the hug as it was last read or written, and how it is written.

use jiff::Timestamp;
use promise::{channel::Channel, hug::Hug, record::AccountRecord};

use crate::{
    deps::{Connected, Deps},
    ledger::LedgerError,
};

pub(super) struct OneDelivery<'a> {
    pub deps: &'a Deps,
    pub connected: Connected<'a>,
    /// The hug as it was last read or written.
    pub hug: Hug,
    /// Whether an earlier try may have delivered the words of the letter.
    pub may_have_been_sent: bool,
    /// Until when the network asked for no more posts.
    pub send_retry_at: Option<Timestamp>,
    pub refused: usize,
}

impl OneDelivery<'_> {
    pub(super) fn now(&self) -> Timestamp {
        self.deps.clock.now()
    }

    /// The channels of the letter, in the order they are tried.
    pub(super) fn channels(&self) -> Vec<Channel> {
        let account = self.connected.account;
        self.hug.channels(&account.contact, account.rules())
    }

    pub(super) async fn write(&mut self, next: Hug) -> Result<(), LedgerError> {
        self.deps.ledger.replace_hug(&next).await?;
        self.hug = next;
        Ok(())
    }

    /// Writes the hug together with its account, so that a process that decided by the account as it was loses the race.
    pub(super) async fn write_with(
        &mut self,
        account: Option<AccountRecord>,
        next: Hug,
    ) -> Result<(), LedgerError> {
        let Some(account) = account else {
            return self.write(next).await;
        };
        let account = AccountRecord {
            revision: account.revision + 1,
            ..account
        };
        let ledger = &self.deps.ledger;
        ledger.record_hug_and_account(&account, &next).await?;
        self.hug = next;
        Ok(())
    }
}
