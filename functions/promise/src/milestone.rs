//! Which numbers are milestones, and which of them a count has crossed.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::mistake::Mistake;

/// The greatest number that can be a milestone: the ledger's sort key has ten digits for it.
pub const MAX_MILESTONE: u64 = 9_999_999_999;

/// A number in the plan that an account has crossed: 600, 700, 800 …
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u64", into = "u64")]
pub struct Milestone(u64);

impl Milestone {
    /// The number of followers, 1 to [`MAX_MILESTONE`].
    pub fn number(self) -> u64 {
        self.0
    }

    /// The milestone of that number; `None` outside 1 to [`MAX_MILESTONE`].
    pub fn from_number(number: u64) -> Option<Self> {
        (1..=MAX_MILESTONE)
            .contains(&number)
            .then_some(Self(number))
    }

    /// The number as an ordinal: `600th`, `621st`, `1011th`.
    pub fn ordinal(self) -> String {
        let suffix = match (self.0 % 10, self.0 % 100) {
            (_, 11..=13) => "th",
            (1, _) => "st",
            (2, _) => "nd",
            (3, _) => "rd",
            _ => "th",
        };
        format!("{}{suffix}", self.0)
    }
}

impl fmt::Display for Milestone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl TryFrom<u64> for Milestone {
    type Error = Mistake;

    fn try_from(number: u64) -> Result<Self, Mistake> {
        Self::from_number(number).ok_or_else(|| {
            Mistake::new(format!(
                "{number} is not a number of followers; write 1 to {MAX_MILESTONE}"
            ))
        })
    }
}

impl From<Milestone> for u64 {
    fn from(milestone: Milestone) -> Self {
        milestone.0
    }
}

/// Which numbers are milestones: `first`, then every `step`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    first: u64,
    step: u64,
}

impl Plan {
    /// `None` unless both are 1 to [`MAX_MILESTONE`].
    pub fn new(first: u64, step: u64) -> Option<Self> {
        let fits = |number| (1..=MAX_MILESTONE).contains(&number);
        (fits(first) && fits(step)).then_some(Self { first, step })
    }

    /// The milestones in `(mark, count]`, smallest first.
    ///
    /// With `first` 600 and `step` 100, going from 595 to 805 crosses 600, 700 and 800.
    pub fn crossed(self, mark: u64, count: u64) -> impl Iterator<Item = Milestone> {
        std::iter::successors(self.next_after(mark), move |last| {
            self.next_after(last.number())
        })
        .take_while(move |milestone| milestone.number() <= count)
    }

    /// The smallest milestone greater than `mark`; `None` past [`MAX_MILESTONE`].
    pub fn next_after(self, mark: u64) -> Option<Milestone> {
        let number = match mark.checked_sub(self.first) {
            None => self.first,
            Some(past_first) => {
                let steps = past_first / self.step + 1;
                self.first.checked_add(steps.checked_mul(self.step)?)?
            }
        };
        Milestone::from_number(number)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn numbers(plan: (u64, u64), mark: u64, count: u64) -> Vec<u64> {
        let plan = Plan::new(plan.0, plan.1).unwrap();
        plan.crossed(mark, count).map(Milestone::number).collect()
    }

    #[test]
    fn a_burst_from_595_to_805_crosses_three() {
        assert_eq!(numbers((600, 100), 595, 805), [600, 700, 800]);
    }

    #[test]
    fn the_mark_itself_is_behind_and_the_count_itself_is_crossed() {
        assert_eq!(numbers((600, 100), 600, 700), [700]);
        assert_eq!(numbers((600, 100), 599, 600), [600]);
        assert!(numbers((600, 100), 600, 600).is_empty());
    }

    #[test]
    fn a_falling_count_crosses_nothing() {
        assert!(numbers((600, 100), 700, 650).is_empty());
    }

    #[test]
    fn a_plan_of_zeros_is_refused() {
        assert_eq!(Plan::new(0, 100), None);
        assert_eq!(Plan::new(600, 0), None);
        assert_eq!(Plan::new(MAX_MILESTONE + 1, 1), None);
    }

    #[test]
    fn numbers_as_large_as_they_come_neither_overflow_nor_exceed_ten_digits() {
        assert!(numbers((1, MAX_MILESTONE), 2, u64::MAX).is_empty());
        assert_eq!(numbers((MAX_MILESTONE, 1), 5, u64::MAX), [MAX_MILESTONE]);
        assert!(numbers((1, 1), u64::MAX, u64::MAX).is_empty());
    }

    #[test]
    fn a_number_outside_the_range_is_not_read_as_a_milestone() {
        for text in ["0", "99999999999", "-1", "\"600\""] {
            assert!(serde_json::from_str::<Milestone>(text).is_err(), "{text}");
        }
        let six_hundred: Milestone = serde_json::from_str("600").unwrap();
        assert_eq!(serde_json::to_string(&six_hundred).unwrap(), "600");
    }

    #[test]
    fn ordinals_are_english() {
        let ordinal = |n| Milestone::from_number(n).unwrap().ordinal();
        assert_eq!(
            [600, 621, 642, 663, 711, 712, 713, 1].map(ordinal),
            [
                "600th", "621st", "642nd", "663rd", "711th", "712th", "713th", "1st"
            ]
        );
    }

    proptest! {
        #[test]
        fn crossed_are_exactly_the_numbers_of_the_plan_between_mark_and_count(
            first in 1u64..400, step in 1u64..60, mark in 0u64..900, more in 0u64..300,
        ) {
            let count = mark + more;
            let expected: Vec<u64> = (mark + 1..=count)
                .filter(|n| *n >= first && (n - first) % step == 0)
                .collect();
            prop_assert_eq!(numbers((first, step), mark, count), expected);
        }

        #[test]
        fn two_checks_in_a_row_cross_what_one_would_have(
            mark in 0u64..2000, a in 0u64..500, b in 0u64..500,
        ) {
            let in_one = numbers((600, 100), mark, mark + a + b);
            let mut in_two = numbers((600, 100), mark, mark + a);
            in_two.extend(numbers((600, 100), mark + a, mark + a + b));
            prop_assert_eq!(in_one, in_two);
        }
    }
}
