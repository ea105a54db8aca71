//! How many followed in each hour: the points of a growth curve.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::item::Item;

/// How long the counts are kept: so that a year can be compared.
pub(super) const KEPT: SignedDuration = SignedDuration::from_hours(400 * 24);

/// How many followed in one hour.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Growth {
    /// Followers at a check in that hour.
    pub followers: u64,
    /// When that was: the last time that the account was looked at, as far as the ledger tells. `None` where an earlier
    /// version wrote it.
    pub at: Option<Timestamp>,
    /// When DynamoDB may delete it, in unix seconds: after 400 days.
    pub expires_at: i64,
}

impl Growth {
    pub(super) fn at(now: Timestamp, followers: u64) -> Self {
        Self {
            followers,
            at: Some(now),
            expires_at: (now + KEPT).as_second(),
        }
    }
}

/// When the account of an hourly count was looked at.
pub(super) fn looked_at(item: &Item) -> Option<Timestamp> {
    item.get("at")?.as_s().ok()?.parse().ok()
}

/// The hour of a time as the sort key has it: `2026-11-22T14`.
pub(super) fn hour(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_is_written_in_utc_and_sorts_by_time() {
        let time: Timestamp = "2026-11-22T14:59:59Z".parse().unwrap();
        assert_eq!(hour(time), "2026-11-22T14");
    }
}
