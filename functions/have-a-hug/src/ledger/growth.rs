//! How many followed in each hour: the points of a growth curve.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::item::Item;

/// How long every sixth hour's count is kept: so that a year can be compared.
pub(super) const KEPT: SignedDuration = SignedDuration::from_hours(400 * 24);

/// How long the other counts are kept, which are most of what the table holds.
const KEPT_HOURLY: SignedDuration = SignedDuration::from_hours(30 * 24);

/// How many followed in one hour.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Growth {
    /// Followers at a check in that hour.
    pub followers: u64,
    /// When that was: the last time that the account was looked at, as far as the ledger tells. `None` where an earlier
    /// version wrote it.
    pub at: Option<Timestamp>,
    /// When DynamoDB may delete it, in unix seconds: after 400 days for the hours 0, 6, 12 and 18 in UTC, and after 30 days
    /// for the others.
    pub expires_at: i64,
}

impl Growth {
    pub(super) fn at(now: Timestamp, followers: u64) -> Self {
        let is_sixth = now.as_second().div_euclid(60 * 60).rem_euclid(6) == 0;
        let kept = if is_sixth { KEPT } else { KEPT_HOURLY };
        Self {
            followers,
            at: Some(now),
            expires_at: (now + kept).as_second(),
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
    fn every_sixth_hours_count_is_kept_for_a_year_and_the_others_for_a_month() {
        let days = |time: &str| {
            let time: Timestamp = time.parse().unwrap();
            (Growth::at(time, 1).expires_at - time.as_second()) / (24 * 60 * 60)
        };
        assert_eq!(days("2026-11-22T00:59:59Z"), 400);
        assert_eq!(days("2026-11-22T18:00:00Z"), 400);
        assert_eq!(days("2026-11-22T01:00:00Z"), 30);
        assert_eq!(days("2026-11-22T23:59:59Z"), 30);
    }

    #[test]
    fn an_hour_is_written_in_utc_and_sorts_by_time() {
        let time: Timestamp = "2026-11-22T14:59:59Z".parse().unwrap();
        assert_eq!(hour(time), "2026-11-22T14");
    }
}
