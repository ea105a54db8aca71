//! A person's retry: a hug that was not delivered goes back to work.

use jiff::Timestamp;
use promise::{
    hug::{Hug, HugKey, NotNow},
    record::AccountRecord,
};

use crate::{
    ledger::{Ledger, LedgerError, LedgerFailure},
    settings::{Settings, UnknownAccount},
};

/// How often a retry that lost the race against a worker is decided again.
const MAX_RACES: usize = 4;

/// Why a hug does not go back to work.
#[derive(Clone, Debug, thiserror::Error)]
pub enum RetryError {
    /// It is under way, or nothing is left to send.
    #[error(transparent)]
    NotNow(#[from] NotNow),
    /// The ledger does not have the hug, or its account.
    #[error("the ledger does not have it any more")]
    Gone,
    /// Nobody would deliver it.
    #[error(transparent)]
    UnknownAccount(#[from] UnknownAccount),
    /// The ledger failed.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

/// Puts one hug back to `reached`, so that the stream delivers it. Its account lists it as
/// unsettled again, so that checks rearm it if it gets stuck.
///
/// # Errors
///
/// Where it cannot go back to work; nothing has been written then.
pub async fn retry(
    ledger: &Ledger,
    settings: &Settings,
    key: &HugKey,
    now: Timestamp,
) -> Result<Hug, RetryError> {
    let mut races = 0;
    loop {
        match retry_once(ledger, settings, key, now).await {
            Err(RetryError::Ledger(error))
                if error.failure == LedgerFailure::LostRace && races < MAX_RACES =>
            {
                races += 1;
            }
            ended => return ended,
        }
    }
}

async fn retry_once(
    ledger: &Ledger,
    settings: &Settings,
    key: &HugKey,
    now: Timestamp,
) -> Result<Hug, RetryError> {
    let hug = ledger.hug(key).await?.ok_or(RetryError::Gone)?;
    let next = hug.retry(now)?;
    let account = ledger.account(&key.id).await?.ok_or(RetryError::Gone)?;
    settings.account(&account.name)?;
    // The account is written with the hug, even where it lists the hug already: a check that gave the hug up
    // a moment ago loses the race then, and cannot record that the hug is settled.
    let mut unsettled = account.unsettled.clone();
    if !unsettled.contains(&key.milestone) {
        unsettled.push(key.milestone);
    }
    let account = AccountRecord {
        unsettled,
        revision: account.revision + 1,
        ..account
    };
    ledger.record_by_hand(&account, &next).await?;
    Ok(next)
}
