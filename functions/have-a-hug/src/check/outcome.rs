//! What a check found and did, and how it can fail.

use jiff::Timestamp;
use promise::{
    account::{AccountName, UserId},
    evidence::Skipped,
    hug::{Hug, Status},
    milestone::Milestone,
};
use serde::Serialize;

use crate::{
    ledger::{LedgerError, LedgerFailure},
    network::NetworkError,
};

/// What a check found and did.
#[derive(Clone, Debug, Serialize)]
pub struct Check {
    /// The account.
    pub account: AccountName,
    /// Its id on the network, once known.
    pub id: Option<UserId>,
    /// How it ended.
    pub outcome: CheckOutcome,
    /// Followers at the check before.
    pub followers_before: Option<u64>,
    /// Followers now.
    pub followers: Option<u64>,
    /// The mark after this check.
    pub promised_up_to: Option<u64>,
    /// The next number that is a milestone.
    pub next_milestone: Option<Milestone>,
    /// The hugs that are owed since this check.
    pub hugs: Vec<Hug>,
    /// A milestone that waits for a genuine follower.
    pub waiting: Option<Waiting>,
    /// Earlier hugs that were stuck, and were rearmed or given up.
    pub rearmed: Vec<Rearmed>,
    /// No reading before this time.
    pub retry_at: Option<Timestamp>,
}

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckOutcome {
    /// The first check: milestones that are behind are not owed.
    Baseline,
    /// No milestone was crossed.
    NoMilestone,
    /// At least one was crossed, and is owed now.
    Milestones,
    /// One was crossed, but nobody genuine is at its position or newer yet.
    Waiting,
    /// The network asked not to be read until `retry_at`.
    RateLimited,
}

/// A milestone that was crossed, so far by nobody who counts as genuine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Waiting {
    /// The number.
    pub milestone: Milestone,
    /// Who was passed over, and why; the first hundred of them.
    pub skipped: Vec<Skipped>,
    /// How many more were passed over than `skipped` lists.
    pub skipped_more: u64,
}

/// A stuck hug that was moved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rearmed {
    /// Its milestone.
    pub milestone: Milestone,
    /// `reached` again, or `undeliverable`.
    pub status: Status,
    /// What kept it from its follower, as far as is known.
    pub reason: Option<String>,
}

/// A check that failed. The mark has not moved, and the next check tries again.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CheckError {
    /// The network could not be read.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// The ledger could not be read or written.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

impl CheckError {
    /// Whether the next check can work without anyone changing anything.
    pub fn retry_can_help(&self) -> bool {
        match self {
            Self::Network(error) => error.failure.retry_can_help(),
            Self::Ledger(error) => error.failure != LedgerFailure::Final,
        }
    }
}
