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
    /// The hugs, as they are now. The steps of a check that change a hug replace it here.
    pub hugs: Vec<Hug>,
    /// When the last of those that have been settled since the check before changed.
    pub settled_at: Option<Timestamp>,
    /// The milestones of those that this version cannot read.
    pub unreadable: Vec<Milestone>,
}

impl Unsettled {
    /// Those that wait for the creator's hand.
    pub(super) fn for_creator(&self) -> Vec<Hug> {
        let waiting = self.hugs.iter().filter(|hug| hug.needs_creator());
        waiting.cloned().collect()
    }

    /// Those that were stuck, and are sent again.
    pub(super) fn rearmed_hugs(&self) -> impl Iterator<Item = &Hug> {
        let rearmed = |hug: &&Hug| {
            self.rearmed
                .iter()
                .any(|one| one.milestone == hug.milestone)
        };
        self.hugs.iter().filter(rearmed)
    }

    /// When the last of them changed.
    pub(super) fn changed_at(&self) -> Option<Timestamp> {
        let changed = self.hugs.iter().map(|hug| hug.updated_at);
        changed.chain(self.settled_at).max()
    }

    /// The milestones of all hugs that are still not settled.
    pub(super) fn milestones(&self, now: Timestamp) -> Vec<Milestone> {
        let hugs = self.hugs.iter().filter(|hug| !hug.is_settled(now));
        let known = hugs.map(|hug| hug.milestone);
        known.chain(self.unreadable.iter().copied()).collect()
    }
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
        if !account.unsettled.contains(&milestone) {
            continue;
        }
        if hug.is_settled(now) {
            found.settled_at = found.settled_at.max(Some(hug.updated_at));
            continue;
        }
        let Some(next) = hug.rearm(now) else {
            found.hugs.push(hug);
            continue;
        };
        if !dry_run {
            ledger.replace_hug(&next).await?;
        }
        tracing::warn!(account = %account.name, milestone = milestone.number(), reason = next.reason, dry_run, "a stuck hug is rearmed");
        found.rearmed.push(Rearmed {
            milestone,
            reason: next.reason.clone(),
        });
        found.hugs.push(next);
    }
    let unreadable = hugs.unreadable.into_iter().map(|hug| hug.key.milestone);
    let listed = unreadable.filter(|milestone| account.unsettled.contains(milestone));
    found.unreadable.extend(listed);
    Ok(found)
}
