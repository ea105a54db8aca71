//! Why this follower: the counts, the position, who was passed over, and how certain it is.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Everything that is needed to check the decision who gets a hug.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// Followers at the check before.
    pub count_before: u64,
    /// Followers at the check that noticed.
    pub count_after: u64,
    /// `count_after - milestone`: the position in the list of followers, newest first, from 0.
    pub position: u64,
    /// Who was passed over: the first hundred of those at that position or newer.
    pub skipped: Vec<Skipped>,
    /// How many more were passed over than `skipped` lists.
    #[serde(default)]
    pub skipped_more: u64,
    /// How certain it is that this is the right follower.
    #[serde(default)]
    pub certainty: Certainty,
    /// Who came since the list was remembered; `None` where it was not remembered.
    #[serde(default)]
    pub arrivals: Option<Arrivals>,
    /// Why the hug names nobody; `None` where it names someone.
    pub note: Option<String>,
}

/// How certain it is that the follower at the milestone's position is the one who crossed it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ArrivalSource {
    /// They are listed above the remembered followers.
    List,
    /// The network notified the account of each follow, with its time.
    Notifications,
}

/// A follower who was passed over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    /// The follower's handle.
    pub handle: String,
    /// Why: the signals that hold, or an earlier hug.
    pub reasons: Vec<String>,
}
