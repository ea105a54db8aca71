//! What the ledger keeps of an account between two checks.

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

use crate::{
    account::{AccountId, AccountName, UserId},
    follower::Follower,
    milestone::Milestone,
    unknown::Unknown,
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
    /// Milestones whose hugs were not settled at the last check: the next one rearms them if they are stuck,
    /// and tells of those that wait for the creator's hand.
    #[serde(default)]
    pub unsettled: Vec<Milestone>,
    /// A count that leapt and waits for a later check to agree.
    #[serde(default)]
    pub leap: Option<Leap>,
    /// A milestone that was crossed and has no hug yet.
    #[serde(default)]
    pub pending: Option<Pending>,
    /// How many followers were read on the latest day on which any were.
    #[serde(default)]
    pub read: Option<ReadFollowers>,
    /// The top of the list of followers, where the next milestone is near; else `None`.
    #[serde(default)]
    pub remembered: Option<Remembered>,
    /// When the last check was.
    pub checked_at: Timestamp,
    /// How often this record was written. A check that read an older revision has lost the race.
    pub revision: u64,
    /// Fields that a later version of this program wrote.
    #[serde(flatten)]
    pub unknown: Unknown,
}

/// A count that rose by so much that one look is not enough to believe it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leap {
    /// How many followed at that look.
    pub followers: u64,
    /// When it was.
    pub at: Timestamp,
}

/// A milestone that was crossed and has no hug yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    /// The number.
    pub milestone: Milestone,
    /// When it was first seen to be crossed.
    pub since: Timestamp,
    /// How far its followers were judged: the newest of them. Only those who are listed above are read and
    /// judged at the next check. `None` where nobody was judged yet.
    pub judged: Option<Remembered>,
    /// Whether it is certain that those judged are the ones who came since the milestone.
    pub certain: bool,
    /// How many were passed over.
    pub passed_over: u64,
}

/// How many followers were read on one day. Networks bill for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadFollowers {
    /// The day, in UTC, as a network bills.
    pub day: Date,
    /// How many.
    pub followers: u64,
}

impl ReadFollowers {
    /// How many more may be read on that day, where `bound` is how many may be read on a day.
    pub fn left(read: Option<Self>, day: Date, bound: u64) -> u64 {
        bound.saturating_sub(Self::on(read, day))
    }

    /// The same with so many more read on that day.
    pub fn and(read: Option<Self>, day: Date, more: u64) -> Option<Self> {
        let followers = Self::on(read, day).saturating_add(more);
        (followers > 0).then_some(Self { day, followers })
    }

    fn on(read: Option<Self>, day: Date) -> u64 {
        let today = read.filter(|read| read.day == day);
        today.map_or(0, |read| read.followers)
    }
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
    /// How many followed then, up to the newest of them.
    pub followers: u64,
    /// The ids of the newest of them, newest first; 10 at most.
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
#[serde(default)]
pub struct HandleRecord {
    /// The account's id on the network; `None` before a check has learned it.
    pub id: Option<UserId>,
    /// No reading before this time: the network's rate limit.
    pub retry_at: Option<Timestamp>,
    /// No sending before this time: networks limit posts and reads separately.
    pub send_retry_at: Option<Timestamp>,
    /// Since when every check of it has failed; `None` while they succeed.
    pub failing_since: Option<Timestamp>,
    /// What the last check that failed said; `None` while they succeed.
    pub last_error: Option<String>,
    /// When the login was last tried.
    pub login_tried_at: Option<Timestamp>,
    /// Why it failed then; `None` where it works.
    pub login_error: Option<String>,
    /// Since when this account is served from another ledger, so that nothing is done for it here.
    pub paused_at: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn a_new_day_has_the_whole_number_of_reads_again() {
        let (today, tomorrow) = (date(2026, 11, 22), date(2026, 11, 23));
        let read = ReadFollowers::and(None, today, 5_000);
        let read = ReadFollowers::and(read, today, 400);
        assert_eq!(ReadFollowers::left(read, today, 6_000), 600);
        assert_eq!(ReadFollowers::left(read, tomorrow, 6_000), 6_000);
        let read = ReadFollowers::and(read, tomorrow, 7);
        assert_eq!(ReadFollowers::left(read, tomorrow, 6_000), 5_993);
        assert_eq!(ReadFollowers::and(None, today, 0), None);
    }
}
