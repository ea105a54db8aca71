//! What the ledger keeps of an account between two checks.

use jiff::{SignedDuration, Timestamp, civil::Date};
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
    /// and reports those that wait for the creator's hand.
    #[serde(default)]
    pub unsettled: Vec<Milestone>,
    /// A count that leapt and waits for a later check to agree.
    #[serde(default)]
    pub leap: Option<Leap>,
    /// A milestone that was crossed and has no hug yet.
    #[serde(default)]
    pub pending: Option<Pending>,
    /// How many followers and answers were read on the latest day on which any were.
    #[serde(default)]
    pub read: Option<ReadFollowers>,
    /// How answers were last asked for; `None` where no hug waited for one.
    #[serde(default)]
    pub answers: Option<AnswersRead>,
    /// Why the videos of the songs cannot be read until a person acts; `None` where they can, or where no hug waits for
    /// its song.
    #[serde(default)]
    pub songs_error: Option<String>,
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

/// A count that rose by so much that one reading is not enough to believe it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leap {
    /// How many followed at that reading.
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

/// How long a list that is shorter than it should be is asked again before the creator has to decide.
const SHORT_LIST_WAITS: SignedDuration = SignedDuration::from_hours(1);

impl Pending {
    /// Whether a list of followers that is shorter than it should be is asked again.
    pub fn asks_again(&self, now: Timestamp) -> bool {
        now.duration_since(self.since) < SHORT_LIST_WAITS
    }
}

/// How the answers to an account's hugs were last asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AnswersRead {
    /// When they were last read thoroughly, which is once an hour; `None` before the first time.
    pub thorough_at: Option<Timestamp>,
    /// Up to where the network's list of answers was read, as its client writes it; `None` where it has no such list.
    pub up_to: Option<String>,
    /// The milestones whose hugs waited for an answer then.
    pub of: Vec<Milestone>,
    /// How many of the hugs for which only one check an hour asks were asked for at earlier checks, modulo their number:
    /// a check asks for some, and the next thorough one goes on with the others.
    pub turn: usize,
    /// Why they could not be read; `None` where they could.
    pub error: Option<String>,
}

/// How many followers and answers were read on one day. Networks bill for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadFollowers {
    /// The day, in UTC, as a network bills.
    pub day: Date,
    /// How many followers were read on that day.
    pub followers: u64,
}

impl ReadFollowers {
    /// How many more may be read on that day, where `bound` is how many may be read on a day.
    pub fn left(read: Option<Self>, day: Date, bound: u64) -> u64 {
        bound.saturating_sub(Self::on(read, day))
    }

    /// The number with `more` followers read on that day.
    pub fn and(read: Option<Self>, day: Date, more: u64) -> Option<Self> {
        let followers = Self::on(read, day).saturating_add(more);
        (followers > 0).then_some(Self { day, followers })
    }

    fn on(read: Option<Self>, day: Date) -> u64 {
        let today = read.filter(|read| read.day == day);
        today.map_or(0, |read| read.followers)
    }
}

/// How often answers are read thoroughly.
pub(crate) const THOROUGH_EVERY: SignedDuration = SignedDuration::from_hours(1);

impl AnswersRead {
    /// Whether answers are to be read thoroughly now.
    pub fn thorough_is_due(&self, now: Timestamp) -> bool {
        self.thorough_is_due_at().is_none_or(|due| now >= due)
    }

    /// When answers are to be read thoroughly again; `None` where they never were.
    pub fn thorough_is_due_at(&self) -> Option<Timestamp> {
        self.thorough_at
            .map(|at| at.checked_add(THOROUGH_EVERY).unwrap_or(Timestamp::MAX))
    }
}

impl AccountRecord {
    /// The record of the first check: every number up to `followers` is behind.
    pub fn first(name: AccountName, id: UserId, followers: u64, now: Timestamp) -> Self {
        Self {
            name,
            id,
            followers,
            promised_up_to: followers,
            unsettled: Vec::new(),
            leap: None,
            pending: None,
            read: None,
            answers: None,
            songs_error: None,
            remembered: None,
            checked_at: now,
            revision: 1,
            unknown: Unknown::new(),
        }
    }

    /// Whether the number was crossed: it is behind, or waits for its follower.
    pub fn has_crossed(&self, milestone: Milestone) -> bool {
        let pending = self.pending.as_ref();
        let waits = pending.is_some_and(|pending| pending.milestone == milestone);
        waits || milestone.number() <= self.promised_up_to
    }

    /// Why answers, or the videos of the songs, cannot be read until a person acts; `None` where they can.
    pub fn answers_error(&self) -> Option<&str> {
        let answers = self.answers.as_ref().and_then(|read| read.error.as_deref());
        answers.or(self.songs_error.as_deref())
    }

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

/// How long a login that works is not tried again, and one that does not: networks allow few tries.
const LOGIN_TRIED_EVERY: SignedDuration = SignedDuration::from_hours(24);
const FAILED_LOGIN_TRIED_EVERY: SignedDuration = SignedDuration::from_hours(1);

impl HandleRecord {
    /// Whether the login is to be tried now.
    pub fn login_is_due(&self, now: Timestamp) -> bool {
        self.login_is_due_at().is_none_or(|due| now >= due)
    }

    /// When the login is to be tried again; `None` where it was never tried.
    pub fn login_is_due_at(&self) -> Option<Timestamp> {
        let every = match &self.login_error {
            Some(_) => FAILED_LOGIN_TRIED_EVERY,
            None => LOGIN_TRIED_EVERY,
        };
        self.login_tried_at
            .map(|at| at.checked_add(every).unwrap_or(Timestamp::MAX))
    }
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

    #[test]
    fn a_login_is_tried_once_a_day_and_one_that_fails_every_hour() {
        let now = Timestamp::UNIX_EPOCH;
        let after = |hours| now + SignedDuration::from_hours(hours);
        let mut handle = HandleRecord::default();
        assert!(handle.login_is_due(now), "never tried");
        handle.login_tried_at = Some(now);
        assert!(!handle.login_is_due(after(23)) && handle.login_is_due(after(24)));
        handle.login_error = Some("401".to_owned());
        assert!(!handle.login_is_due(now) && handle.login_is_due(after(1)));
    }

    #[test]
    fn a_short_list_is_asked_again_for_an_hour() {
        let now = Timestamp::UNIX_EPOCH;
        let pending = Pending {
            milestone: Milestone::from_number(600).unwrap(),
            since: now,
            judged: None,
            certain: true,
            passed_over: 0,
        };
        let after = |minutes| now + SignedDuration::from_mins(minutes);
        assert!(pending.asks_again(after(59)) && !pending.asks_again(after(60)));
    }
}
