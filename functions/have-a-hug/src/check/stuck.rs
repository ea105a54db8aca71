//! Hugs that are not settled. A check rearms the stuck ones, and lists those that wait for the creator.

use jiff::Timestamp;
use promise::{hug::Hug, milestone::Milestone, record::AccountRecord};

use super::outcome::Rearmed;
use crate::ledger::{Ledger, LedgerError};

/// The hugs of an account that are not settled.
#[derive(Default)]
pub(super) struct Unsettled {
    /// Those that were stuck, and were rearmed.
    pub rearmed: Vec<Rearmed>,
    /// Those that wait for the creator's hand.
    pub for_creator: Vec<Hug>,
    /// The milestones of all hugs that are not settled.
    pub milestones: Vec<Milestone>,
}

/// Rearms the stuck ones among the account's unsettled hugs; in a dry run it writes nothing.
///
/// # Errors
///
/// Where the ledger fails, or where a worker writes one of the hugs at the same time. Then the check is decided again.
pub(super) async fn rearm_stuck(
    ledger: &Ledger,
    account: &AccountRecord,
    now: Timestamp,
    dry_run: bool,
) -> Result<Unsettled, LedgerError> {
    let mut found = Unsettled::default();
    let (first, last) = (
        account.unsettled.iter().min(),
        account.unsettled.iter().max(),
    );
    let (Some(first), Some(last)) = (first, last) else {
        return Ok(found);
    };
    // One query reads all of them, however many wait.
    let hugs = ledger.hugs_between(&account.key(), *first, *last).await?;
    for hug in hugs.known {
        let milestone = hug.milestone;
        if !account.unsettled.contains(&milestone) || hug.status.is_settled() {
            continue;
        }
        found.milestones.push(milestone);
        if hug.needs_creator() {
            found.for_creator.push(hug.clone());
        }
        let Some(next) = hug.rearm(now) else {
            continue;
        };
        if !dry_run {
            ledger.replace_hug(&next).await?;
        }
        tracing::warn!(account = %account.name, milestone = milestone.number(), reason = next.reason, dry_run, "a stuck hug is rearmed");
        found.rearmed.push(Rearmed {
            milestone,
            reason: next.reason,
        });
    }
    let unreadable = hugs.unreadable.into_iter().map(|hug| hug.key.milestone);
    let listed = unreadable.filter(|milestone| account.unsettled.contains(milestone));
    found.milestones.extend(listed);
    Ok(found)
}
