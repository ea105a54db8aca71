//! Stuck hugs, put back to work by the program itself.

use jiff::Timestamp;
use promise::{hug::HugKey, milestone::Milestone, record::AccountRecord};

use super::outcome::Rearmed;
use crate::ledger::{Ledger, LedgerError};

/// The hugs of an account that were not settled.
#[derive(Default)]
pub(super) struct Unsettled {
    /// Those that were stuck, and were rearmed or given up.
    pub rearmed: Vec<Rearmed>,
    /// Those that are still not settled.
    pub milestones: Vec<Milestone>,
}

/// Rearms the stuck ones among the account's unsettled hugs; in a dry run it writes nothing.
///
/// # Errors
///
/// Where the ledger fails, or a worker writes one of the hugs meanwhile: then the check is decided again.
pub(super) async fn rearm_stuck(
    ledger: &Ledger,
    account: &AccountRecord,
    now: Timestamp,
    dry_run: bool,
) -> Result<Unsettled, LedgerError> {
    let mut found = Unsettled::default();
    for milestone in &account.unsettled {
        let key = HugKey {
            id: account.key(),
            milestone: *milestone,
        };
        let Some(hug) = ledger.hug(&key).await? else {
            continue;
        };
        let mut status = hug.status;
        if let Some(next) = hug.rearm(now) {
            if !dry_run {
                ledger.replace_hug(&next).await?;
            }
            tracing::warn!(account = %account.name, milestone = milestone.number(), status = %next.status, reason = next.reason, dry_run, "a stuck hug is rearmed or given up");
            status = next.status;
            found.rearmed.push(Rearmed {
                milestone: *milestone,
                status,
                reason: next.reason,
            });
        }
        if !status.is_settled() {
            found.milestones.push(*milestone);
        }
    }
    Ok(found)
}
