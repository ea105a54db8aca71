//! Stuck hugs, put back to work by the program itself.

use jiff::Timestamp;
use promise::{hug::HugKey, milestone::Milestone, record::AccountRecord};

use super::outcome::Rearmed;
use crate::ledger::{Ledger, LedgerError, LedgerFailure};

/// What became of the hugs that a check looks after.
#[derive(Default)]
pub(super) struct LookedAfter {
    /// Those that were stuck, and were rearmed or given up.
    pub rearmed: Vec<Rearmed>,
    /// Those that are not settled yet.
    pub unsettled: Vec<Milestone>,
}

/// Rearms the stuck ones among the account's unsettled hugs; in a dry run it writes nothing.
pub(super) async fn look_after(
    ledger: &Ledger,
    account: &AccountRecord,
    now: Timestamp,
    dry_run: bool,
) -> Result<LookedAfter, LedgerError> {
    let mut after = LookedAfter::default();
    for milestone in &account.unsettled {
        let key = HugKey {
            id: account.key(),
            milestone: *milestone,
        };
        let Some(hug) = ledger.hug(&key).await? else {
            continue;
        };
        let Some(next) = hug.rearm(now) else {
            after
                .unsettled
                .extend((!hug.status.is_settled()).then_some(*milestone));
            continue;
        };
        if !dry_run {
            match ledger.replace_hug(&next).await {
                // The worker that won the race looks after it.
                Err(error) if error.failure == LedgerFailure::LostRace => {
                    after.unsettled.push(*milestone);
                    continue;
                }
                written => written?,
            }
            tracing::warn!(account = %account.name, milestone = milestone.number(), status = %next.status, reason = next.reason, "a stuck hug was rearmed or given up");
        }
        after.rearmed.push(Rearmed {
            milestone: *milestone,
            status: next.status,
            reason: next.reason.clone(),
        });
        after
            .unsettled
            .extend((!next.status.is_settled()).then_some(*milestone));
    }
    Ok(after)
}
