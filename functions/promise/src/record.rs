//! What the ledger keeps of an account between two checks.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    account::{AccountId, AccountName, UserId},
    follower::Follower,
    milestone::Milestone,
};

/// An account as the last check left it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountRecord {
    /// What its creator calls it, as of the last check.
    #[serde(rename = "account")]
    pub name: AccountName,
    /// Its id on the network.
    pub id: UserId,
    /// How many followed at the last check.
    pub followers: u64,
    /// The mark: every milestone up to here has its hug, or was behind at the first check. The mark
    /// never goes down.
    pub promised_up_to: u64,
    /// Milestones whose invitations were not settled at the last check: the next one rearms them if they are stuck.
    #[serde(default)]
    pub unsettled: Vec<Milestone>,
    /// The top of the list of followers, where the next milestone is near; else `None`.
    #[serde(default)]
    pub remembered: Option<Remembered>,
    /// When the last check was.
    pub checked_at: Timestamp,
    /// How often this record was written. A check that read an older revision has lost the race.
    pub revision: u64,
}

impl AccountRecord {
    /// Its key in the ledger.
    pub fn key(&self) -> AccountId {
        self.name.with_id(&self.id)
    }
}

/// The top of the list of followers shortly before a milestone. Everyone who is listed above these
/// followers at the crossing is new.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remembered {
    /// How many followed then.
    pub followers: u64,
    /// The ids of the newest of them, newest first; 25 at most.
    pub newest: Vec<UserId>,
    /// When the list was read.
    pub at: Timestamp,
}

impl Remembered {
    /// Whether this follower was not yet at the top of the list then.
    pub fn is_new(&self, follower: &Follower) -> bool {
        !self.newest.contains(&follower.id)
    }
}

/// What is known of a handle before the network has been asked: whose it is, and until when the
/// network must not be asked.
///
/// It is an item of its own because both are needed before the account's id is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct HandleRecord {
    /// The account's id on the network; `None` before a check has learned it.
    pub id: Option<UserId>,
    /// No reading before this time: the network's rate limit.
    pub retry_at: Option<Timestamp>,
    /// No sending before this time: networks limit posts and reads separately.
    pub send_retry_at: Option<Timestamp>,
}
