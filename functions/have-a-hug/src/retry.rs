//! A person's retry: a hug that was not delivered goes back to work.

use jiff::Timestamp;
use promise::{
    hug::{Hug, HugKey, NotClaimable},
    record::AccountRecord,
};

use crate::ledger::{Ledger, LedgerError, LedgerFailure};

/// How often a retry that lost the race against a worker is decided again.
const MAX_RACES: usize = 4;

/// Why a hug does not go back to work.
#[derive(Clone, Debug, thiserror::Error)]
pub enum RetryError {
    /// It is under way, or nothing is left to send.
    #[error(transparent)]
    NotNow(#[from] NotClaimable),
    /// The ledger does not have it.
    #[error("the ledger does not have it any more")]
    Gone,
    /// The ledger failed.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

/// Puts one hug back to `reached`, so that the stream delivers it; its account looks after it again.
///
/// # Errors
///
/// Where it cannot go back to work; nothing has been written then.
pub async fn retry(ledger: &Ledger, key: &HugKey, now: Timestamp) -> Result<Hug, RetryError> {
    let mut races = 0;
    loop {
        match retry_once(ledger, key, now).await {
            Err(RetryError::Ledger(error))
                if error.failure == LedgerFailure::LostRace && races < MAX_RACES =>
            {
                races += 1;
            }
            ended => return ended,
        }
    }
}

async fn retry_once(ledger: &Ledger, key: &HugKey, now: Timestamp) -> Result<Hug, RetryError> {
    let hug = ledger.hug(key).await?.ok_or(RetryError::Gone)?;
    let next = hug.retry(now)?;
    match ledger.account(&key.id).await? {
        // The account is written with the hug, so that a later check rearms the hug if it gets stuck again.
        Some(account) if !account.unsettled.contains(&key.milestone) => {
            let mut unsettled = account.unsettled.clone();
            unsettled.push(key.milestone);
            let account = AccountRecord {
                unsettled,
                revision: account.revision + 1,
                ..account
            };
            ledger.record_retry(&account, &next).await?;
        }
        _ => ledger.replace_hug(&next).await?,
    }
    Ok(next)
}
