//! What a check found and did, and how it can fail.

use jiff::Timestamp;
use promise::{
    account::{AccountName, UserId},
    evidence::{PassedOver, Skipped},
    hug::Hug,
    milestone::Milestone,
};
use serde::Serialize;

use crate::{
    ledger::{LedgerError, LedgerFailure},
    network::NetworkError,
    settings::Preview,
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
    /// Who was passed over for each of them.
    pub passed_over: Vec<(Milestone, PassedOver)>,
    /// A milestone that waits for a genuine follower.
    pub waiting: Option<Waiting>,
    /// Earlier hugs that were stuck, and were rearmed.
    pub rearmed: Vec<Rearmed>,
    /// Earlier hugs that changed because of an answer, of silence or of a video, or because the next follower was chosen
    /// for one that the creator passed on. A hug that changed twice is in it twice.
    pub heard: Vec<Hug>,
    /// Every hug that waits for the creator's hand, those of this check included.
    pub for_creator: Vec<Hug>,
    /// When the last of its hugs changed, of those that are not settled or have been settled since the check before.
    pub hug_changed_at: Option<Timestamp>,
    /// Why the login failed when it was last tried; `None` where it works, or was never tried.
    pub login_error: Option<String>,
    /// Why answers, or the videos of the songs, cannot be read until a person acts; `None` where they can.
    pub answers_error: Option<String>,
    /// Time of the last check that read the account, this check included.
    pub succeeded_at: Option<Timestamp>,
    /// No reading before this time.
    pub retry_at: Option<Timestamp>,
    /// In a dry run, the words that would go out: those of its hugs, or else those of the next milestone.
    pub would_say: Vec<Preview>,
}

impl Check {
    /// A check with that outcome; all its other fields are empty.
    pub fn ended(account: AccountName, outcome: CheckOutcome) -> Self {
        Self {
            account,
            id: None,
            outcome,
            followers_before: None,
            followers: None,
            promised_up_to: None,
            next_milestone: None,
            hugs: Vec::new(),
            passed_over: Vec::new(),
            waiting: None,
            rearmed: Vec::new(),
            heard: Vec::new(),
            for_creator: Vec::new(),
            hug_changed_at: None,
            login_error: None,
            answers_error: None,
            succeeded_at: None,
            retry_at: None,
            would_say: Vec::new(),
        }
    }
}

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckOutcome {
    /// The first check: milestones that are behind are not owed.
    Baseline,
    /// The count is the same, and nothing else was due. So nothing else was read, and nothing was written.
    Unchanged,
    /// No milestone was crossed.
    NoMilestone,
    /// At least one was crossed, and is owed now.
    Milestones,
    /// One was crossed, but nobody genuine is at its position or newer yet.
    Waiting,
    /// The count rose by so much that it is believed only if a later reading agrees.
    Unconfirmed,
    /// The network asked not to be read until `retry_at`.
    RateLimited,
    /// The account is served from another ledger.
    Paused,
}

/// A milestone that was crossed and has no hug yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Waiting {
    /// The number.
    pub milestone: Milestone,
    /// Why the list was not read, or not all of the candidates were judged; `None` where nobody genuine has come yet.
    pub why: Option<String>,
    /// Who was passed over at this check, and why.
    pub skipped: Vec<Skipped>,
    /// How many were passed over at earlier checks.
    pub skipped_before: u64,
}

/// A stuck hug that was put back to work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rearmed {
    /// Its milestone.
    pub milestone: Milestone,
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
