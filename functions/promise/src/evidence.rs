//! Why this follower: the counts, the position, who was passed over, and how certain it is.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{account::UserId, milestone::Milestone, unknown::Unknown};

/// Everything that is needed to check the decision who gets a hug.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// Followers at the check before.
    pub count_before: u64,
    /// Followers at the check that noticed.
    pub count_after: u64,
    /// Time of the check before. The milestone was crossed between this time and the hug's `reached_at`.
    /// `None` where the time was not recorded.
    #[serde(default)]
    pub since: Option<Timestamp>,
    /// `count_after - milestone`: the position in the list of followers, newest first, from 0.
    pub position: u64,
    /// How many followers at that position or newer were passed over. Their names are in an item of their own,
    /// which expires ([`PassedOver`]).
    #[serde(default)]
    pub passed_over: u64,
    /// How certain it is that this is the right follower.
    pub certainty: Certainty,
    /// Who came since the list was remembered; `None` where it was not remembered.
    pub arrivals: Option<Arrivals>,
    /// Why the hug names nobody, or that the creator chose the follower; `None` where a check named someone.
    pub note: Option<String>,
    /// Fields that a later version of this program wrote.
    #[serde(flatten)]
    pub unknown: Unknown,
}

impl Evidence {
    /// How sure it is that the follower of the hug for `milestone` crossed it, in words for the creator.
    pub fn how_sure(&self, milestone: Milestone) -> String {
        const PROBABLY: &str = "probably them, or somebody a few places away";
        let missed = milestone.number().saturating_sub(self.count_before);
        match (&self.certainty, &self.arrivals) {
            (Certainty::Certain, _) => "certain that it is them".to_owned(),
            (Certainty::Unknown, _) => "you said whom it is for".to_owned(),
            (_, None) if missed > 1 => {
                format!("{PROBABLY}: the check before was {missed} followers earlier")
            }
            (_, None) => {
                format!("{PROBABLY}: the list of followers was not noted at the check before")
            }
            (_, Some(_)) => format!("{PROBABLY}: the count and the list of followers differ"),
        }
    }
}

/// How certain it is that the follower at the milestone's position is the one who crossed it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Certainty {
    /// Count and list agree: [`Arrivals`] are known, the count rose by exactly as many followers as are
    /// listed above all remembered ones, it did not change while the list was read, and all remembered
    /// followers are still listed.
    Certain,
    /// Count and list differ, or the list was not remembered: the position may be off by the number of
    /// followers that are hidden among the newest.
    #[default]
    Likely,
    /// Nobody is named.
    Unknown,
    /// A word that a later version of this program wrote.
    #[serde(untagged)]
    Other(String),
}

/// Who came between a reading of the list shortly before the milestone and the check that noticed it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arrivals {
    /// How many followed at that reading.
    pub since_count: u64,
    /// When that reading was.
    pub since: Timestamp,
    /// How many new followers came since.
    pub came: u64,
    /// How they are known.
    #[serde(rename = "told_by")]
    pub source: ArrivalSource,
}

/// How arrivals are known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ArrivalSource {
    /// They are listed above the remembered followers.
    List,
    /// The network notified the account of each follow, with its time.
    Notifications,
    /// A word that a later version of this program wrote.
    #[serde(untagged)]
    Other(String),
}

/// Who was passed over for one milestone. This is an item of its own, so that the names of strangers expire while
/// the hug stays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PassedOver {
    /// The first [`MAX_PASSED_OVER`] of those at the milestone's position or newer, oldest first.
    pub followers: Vec<Skipped>,
    /// When the database may delete the item, in unix seconds.
    pub expires_at: i64,
}

/// How many of the followers who were passed over are kept by name. DynamoDB accepts items of at most 400 KB, and a
/// wave of bots can be thousands.
pub const MAX_PASSED_OVER: usize = 100;

/// How long the names of those who were passed over are kept.
const PASSED_OVER_KEPT: SignedDuration = SignedDuration::from_hours(90 * 24);

/// A follower who was passed over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    /// The stable id on the network.
    pub id: UserId,
    /// The follower's handle.
    pub handle: String,
    /// Why: the signals that hold, or an earlier hug.
    pub reasons: Vec<String>,
}

impl PassedOver {
    /// The item for these followers, written at `now`.
    pub fn at(now: Timestamp, followers: &[Skipped]) -> Self {
        Self {
            followers: followers.iter().take(MAX_PASSED_OVER).cloned().collect(),
            expires_at: (now + PASSED_OVER_KEPT).as_second(),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn evidence(certainty: Certainty) -> Evidence {
        Evidence {
            count_before: 598,
            count_after: 601,
            since: None,
            position: 1,
            passed_over: 0,
            certainty,
            arrivals: None,
            note: None,
            unknown: Unknown::new(),
        }
    }

    #[test]
    fn the_first_hundred_followers_who_were_passed_over_are_kept_for_ninety_days() {
        let one = |n: usize| Skipped {
            id: n.to_string().into(),
            handle: format!("bot{n}"),
            reasons: vec!["marked as a bot by the network".to_owned()],
        };
        let all: Vec<Skipped> = (0..120).map(one).collect();
        let kept = PassedOver::at(Timestamp::UNIX_EPOCH, &all);
        assert_eq!(kept.followers, all[..100]);
        assert_eq!(kept.expires_at, 90 * 24 * 60 * 60);
    }
}
