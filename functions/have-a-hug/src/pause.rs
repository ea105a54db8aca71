//! Pausing an account, so that none of its records changes after they are read.
//!
//! The order of the writes makes this safe while checks and deliveries run. First each handle is marked as paused: a
//! check or delivery that begins later stops when it reads the mark. Then the account, and each hug that could be sent,
//! is written with a new revision. A process that read one of them before loses the race. A process that reads one of
//! them later reads the handle's mark before it writes. No check writes an account with the mark.

use jiff::Timestamp;
use promise::{
    account::{AccountId, AccountName},
    hug::{Hug, Status},
    milestone::Milestone,
    record::{AccountRecord, HandleRecord},
};

use crate::ledger::{HandleChange, Ledger, LedgerError, LedgerFailure};

/// How often a hug is read again after another process wrote it first.
const MAX_RACES: usize = 8;

/// Why an account was not paused.
#[derive(Clone, Debug, thiserror::Error)]
pub enum PauseError {
    /// A worker is sending the invitation for a hug. The account is not paused by this call.
    #[error(
        "the hug for {milestone} of {account} is being sent, until {until} at the latest; repeat the command then"
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
    /// Checks that no worker has a claim on this hug.
    ///
    /// # Errors
    ///
    /// [`PauseError::AtWork`] while a claim holds.
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

/// Pauses an account with all its handles. Until [`resume`], the account is not checked and nothing is sent for it. A
/// check or delivery that began before cannot write to it.
///
/// # Errors
///
/// [`PauseError::AtWork`] while a worker's claim on a hug holds. Then the account is not paused, unless it was paused
/// before. [`PauseError::Ledger`] where the ledger fails. Then the account can be paused, and the same call completes
/// the pause.
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
    // No check can write to the account now, so what was removed here stays removed.
    for (name, _) in handles {
        ledger.look_again(name).await?;
    }
    let ended = take_from_workers(ledger, id, now).await;
    let was_paused = handles.iter().any(|(_, known)| known.paused_at.is_some());
    if matches!(ended, Err(PauseError::AtWork { .. })) && !was_paused {
        let names = handles.iter().map(|(name, _)| name);
        resume(ledger, id, names).await?;
    }
    ended
}

/// Whether an account is paused. The mark is not a field of [`AccountRecord`], so that only [`Ledger::mark_paused`]
/// writes it; it is read among the unknown fields.
pub fn is_paused(account: &AccountRecord) -> bool {
    account.unknown.contains_key("paused_at")
}

/// Ends the pause of an account and of these handles.
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

/// Writes each hug that a worker could claim with a new revision, so that a worker who has read it cannot claim it.
async fn take_from_workers(
    ledger: &Ledger,
    id: &AccountId,
    now: Timestamp,
) -> Result<(), PauseError> {
    for hug in ledger.hugs(id).await?.known {
        let mut races = 0;
        let mut current = Some(hug);
        while let Some(hug) = current {
            if !matches!(
                hug.status,
                Status::Reached | Status::Inviting | Status::SongPosted
            ) {
                break;
            }
            PauseError::unless_free(&hug, now)?;
            let key = hug.key();
            let next = Hug {
                revision: hug.revision + 1,
                news: None,
                due: false,
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
