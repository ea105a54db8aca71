//! Pausing an account, so that what is read of it afterwards is the last word.
//!
//! The order makes it safe beside checks and deliveries that are at work. First each handle is marked: whoever begins
//! afterwards stops there. Then the account, and each hug that could be sent, is written: whoever read it before
//! loses the race, and whoever reads it afterwards reads the handle's mark before the account or the claim is written.
//! An account with the mark is not written by any check.

use jiff::Timestamp;
use promise::{
    account::{AccountId, AccountName},
    hug::{Hug, Status},
    milestone::Milestone,
    record::{AccountRecord, HandleRecord},
};

use crate::ledger::{HandleChange, Ledger, LedgerError, LedgerFailure};

/// How often a hug that someone else wrote meanwhile is read again.
const MAX_RACES: usize = 8;

/// Why an account was not paused.
#[derive(Clone, Debug, thiserror::Error)]
pub enum PauseError {
    /// A worker is sending the invitation for a hug. Nothing has changed then.
    #[error(
        "the hug for {milestone} of {account} is being sent until {until} at the latest; do it again then"
    )]
    AtWork {
        /// The hug's account.
        account: AccountName,
        /// Its milestone.
        milestone: Milestone,
        /// When the worker's claim ends.
        until: Timestamp,
    },
    /// The ledger failed.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

impl PauseError {
    /// A worker's claim on that hug, if one holds.
    ///
    /// # Errors
    ///
    /// [`PauseError::AtWork`] where it does.
    pub fn unless_free(hug: &Hug, now: Timestamp) -> Result<(), Self> {
        let letters = [&hug.invitation, &hug.song];
        let claim = letters.iter().find_map(|letter| letter.claimed_until(now));
        match claim {
            Some(until) => Err(Self::AtWork {
                account: hug.account.clone(),
                milestone: hug.milestone,
                until,
            }),
            None => Ok(()),
        }
    }
}

/// Pauses an account with all its handles. It is not checked and nothing is sent for it until [`resume`], and no
/// check or delivery that began before can write to it.
///
/// # Errors
///
/// [`PauseError::AtWork`] while a worker's claim on a hug holds; then the account is as it was.
pub async fn pause(
    ledger: &Ledger,
    id: &AccountId,
    handles: &[(AccountName, HandleRecord)],
    now: Timestamp,
) -> Result<(), PauseError> {
    let paused = HandleChange::from(HandleRecord {
        paused_at: Some(now),
        ..HandleRecord::default()
    });
    for (name, _) in handles {
        ledger.change_handle(name, &paused).await?;
    }
    ledger.mark_paused(id, Some(now)).await?;
    let ended = take_from_workers(ledger, id, now).await;
    let was_paused = handles.iter().any(|(_, known)| known.paused_at.is_some());
    if matches!(ended, Err(PauseError::AtWork { .. })) && !was_paused {
        let names = handles.iter().map(|(name, _)| name);
        resume(ledger, id, names).await?;
    }
    ended
}

/// Whether an account is paused. Its item has the mark among the fields that the record does not name, because only
/// [`Ledger::mark_paused`] writes it.
pub fn is_paused(account: &AccountRecord) -> bool {
    account.unknown.contains_key("paused_at")
}

/// Ends the pause of an account.
///
/// # Errors
///
/// Where DynamoDB fails.
pub async fn resume(
    ledger: &Ledger,
    id: &AccountId,
    handles: impl IntoIterator<Item = &AccountName>,
) -> Result<(), LedgerError> {
    ledger.mark_paused(id, None).await?;
    let resumed = HandleChange {
        resumed: true,
        ..HandleChange::default()
    };
    for name in handles {
        ledger.change_handle(name, &resumed).await?;
    }
    Ok(())
}

/// Writes each hug that a worker could claim, so that one who has read it cannot.
async fn take_from_workers(
    ledger: &Ledger,
    id: &AccountId,
    now: Timestamp,
) -> Result<(), PauseError> {
    for hug in ledger.hugs(id).await?.known {
        let mut races = 0;
        let mut current = Some(hug);
        while let Some(hug) = current {
            if !matches!(hug.status, Status::Reached | Status::Inviting) {
                break;
            }
            PauseError::unless_free(&hug, now)?;
            let key = hug.key();
            let next = Hug {
                revision: hug.revision + 1,
                news: None,
                ..hug
            };
            match ledger.replace_hug(&next).await {
                Err(error) if error.failure == LedgerFailure::LostRace && races < MAX_RACES => {
                    races += 1;
                    current = ledger.hug(&key).await?;
                }
                written => {
                    written?;
                    break;
                }
            }
        }
    }
    Ok(())
}
