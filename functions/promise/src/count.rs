//! Which follower counts are believed.

use jiff::{SignedDuration, Timestamp};

use crate::record::Leap;

/// A count that more than doubled, and rose by more than this number of followers, is believed only if a later
/// reading agrees. The reason: a milestone is promised in public, and the mark never goes down.
const MAX_LEAP: u64 = 1_000;

/// Whether a count rose by so much that one reading is not enough.
fn is_leap(before: u64, count: u64) -> bool {
    count.saturating_sub(before) > before.max(MAX_LEAP)
}

/// How long after the first reading a second one must be to confirm it: a network may answer both from one cache.
const SECOND_LOOK: SignedDuration = SignedDuration::from_mins(1);

/// Whether a count can be believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Belief {
    /// The count can be believed.
    Believed,
    /// The count leapt, and no later reading has agreed yet. The leap is kept for the next check.
    Unconfirmed(Leap),
}

/// Judges a count by the count before it, and by an earlier count that leapt. A leap is believed if a reading at
/// least a minute later agrees.
pub fn believe(before: u64, earlier: Option<&Leap>, count: u64, now: Timestamp) -> Belief {
    if !is_leap(before, count) {
        return Belief::Believed;
    }
    match earlier {
        Some(leap) if now.duration_since(leap.at) < SECOND_LOOK => {
            Belief::Unconfirmed(leap.clone())
        }
        Some(leap) if agree(leap.followers, count) => Belief::Believed,
        _ => Belief::Unconfirmed(Leap {
            followers: count,
            at: now,
        }),
    }
}

/// Whether two readings show the same leap: followers come and go between them, but not half of them.
fn agree(one: u64, other: u64) -> bool {
    one.saturating_mul(2) > other && other.saturating_mul(2) > one
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_leaps_when_it_more_than_doubles_and_by_more_than_a_thousand() {
        for (before, count, leaps) in [
            (598, 1_598, false),
            (598, 1_599, true),
            (5_000, 10_000, false),
            (5_000, 10_001, true),
            (10_001, 3, false),
            (0, u64::MAX, true),
        ] {
            assert_eq!(is_leap(before, count), leaps, "{before} → {count}");
        }
    }

    #[test]
    fn a_leap_is_believed_if_a_reading_a_minute_later_agrees() {
        let t0 = Timestamp::UNIX_EPOCH;
        let after = |seconds| t0 + SignedDuration::from_secs(seconds);
        let leap = |followers, seconds| Leap {
            followers,
            at: after(seconds),
        };
        let first = leap(2_000, 0);
        let believed = |count, seconds| believe(598, Some(&first), count, after(seconds));
        assert_eq!(
            believe(598, None, 2_000, t0),
            Belief::Unconfirmed(first.clone())
        );
        assert_eq!(believed(2_000, 59), Belief::Unconfirmed(first.clone()));
        assert_eq!(believed(2_010, 60), Belief::Believed);
        assert_eq!(believed(4_000, 60), Belief::Unconfirmed(leap(4_000, 60)));
        assert_eq!(believed(600, 60), Belief::Believed, "it did not leap");
    }
}
