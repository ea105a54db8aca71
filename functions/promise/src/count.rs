//! Which follower counts are believed.

/// A count that more than doubled, and by more than this, is read once more before it is believed: a
/// milestone is promised in public, and the mark never goes down.
pub const MAX_LEAP: u64 = 1_000;

/// Whether a count rose by so much that it must be read once more.
pub fn is_leap(before: u64, count: u64) -> bool {
    count.saturating_sub(before) > before.max(MAX_LEAP)
}

/// Whether the second reading agrees with a count that leapt: followers leave too, but not half of them.
pub fn is_confirmed(count: u64, again: u64) -> bool {
    again.saturating_mul(2) > count
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
    fn a_second_reading_confirms_unless_half_are_gone() {
        assert!(is_confirmed(2_000, 1_001));
        assert!(!is_confirmed(2_000, 1_000));
    }
}
