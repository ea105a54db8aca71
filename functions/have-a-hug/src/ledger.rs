//! What is read and written: one DynamoDB table of accounts and hugs.
//!
//! | item | pk | sk |
//! | --- | --- | --- |
//! | [`Account`] | `x#44196397` | `account` |
//! | [`Hug`] | same | `milestone#0000000600` |
//! | [`Growth`] | same | `count#2026-11-22T14`, expires |
//! | [`Signpost`] | `x@amber` | `signpost` |
//!
//! Every write is conditional on a revision: of two that read the same state, one loses and is told so.

mod dynamodb;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    account::{Account, Signpost},
    hug::Hug,
};
pub use dynamodb::{Ledger, hug_key};

/// How many followed in one hour: a point of the growth curve.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Growth {
    /// Followers at the first check of that hour.
    pub followers: u64,
    /// When DynamoDB may delete it, in unix seconds: 400 days later, so a year can be compared.
    pub expires_at: i64,
}

impl Growth {
    pub(crate) fn at(now: Timestamp, followers: u64) -> Self {
        const KEPT_SECONDS: i64 = 400 * 24 * 60 * 60;
        Self {
            followers,
            expires_at: now.as_second() + KEPT_SECONDS,
        }
    }

    /// The hour as it stands in the sort key: `2026-11-22T14`.
    pub(crate) fn hour(now: Timestamp) -> String {
        now.to_string()
            .chars()
            .take("2026-11-22T14".len())
            .collect()
    }
}

/// All that the table holds, for `hug status`.
#[derive(Clone, Debug, Default)]
pub struct Everything {
    /// Every account, with where its handle points.
    pub accounts: Vec<Account>,
    /// Every hug, by account and milestone.
    pub hugs: Vec<Hug>,
    /// Every signpost with its key, such as `x@amber`.
    pub signposts: Vec<(String, Signpost)>,
}

/// What a failure of the ledger means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Someone else wrote first: read again and decide again.
    LostRace,
    /// DynamoDB is busy or out of reach; the same call can work later.
    TryAgain,
    /// No retry helps: a person has to act.
    Final,
}

/// A call to the ledger that failed.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{attempted} of {about} in the ledger failed: {why}; {}", what_helps(*.kind))]
pub struct LedgerError {
    /// What it means.
    pub kind: Kind,
    /// What was being attempted.
    pub attempted: &'static str,
    /// The account or item it was about.
    pub about: String,
    /// What DynamoDB or the connection said.
    pub why: String,
}

fn what_helps(kind: Kind) -> &'static str {
    match kind {
        Kind::LostRace => "it is read again and decided again",
        Kind::TryAgain => "a retry can help",
        Kind::Final => "a retry cannot help",
    }
}
