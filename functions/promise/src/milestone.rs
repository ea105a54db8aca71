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

    /// The mark while this milestone waits for a genuine follower: everything below it is decided. The mark
    /// never goes down.
    pub fn mark_while_it_waits(self, mark: u64) -> u64 {
        mark.max(self.0 - 1)
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

/// How many hugs an account may owe in 24 hours where hug.toml does not say it.
pub const DEFAULT_MOST_A_DAY: usize = 3;

/// The greatest number that `most_a_day` can be: a greater number would not limit anything.
pub const MAX_MOST_A_DAY: usize = 100;

/// A check records at most this many new hugs; the next check records the rest. A transaction of DynamoDB has
/// room for 100 items, and each hug can come with one more for those who were passed over.
pub const MAX_OWED: usize = 45;

/// A milestone is near when the count is this close to it, or would reach it with twice the growth since
/// the check before.
const NEAR: u64 = 10;

/// What a check owes for a count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owed {
    /// The milestones that were crossed, smallest first; [`MAX_OWED`] at most.
    pub milestones: Vec<Milestone>,
    /// The mark once each of them has its hug.
    pub mark: u64,
}

/// Which numbers are milestones (`first`, then every `step`), and how many of them may be promised in a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    first: u64,
    step: u64,
    most_a_day: usize,
}

/// Number 600, and every hundredth after it.
impl Default for Plan {
    fn default() -> Self {
        Self {
            first: 600,
            step: 100,
            most_a_day: DEFAULT_MOST_A_DAY,
        }
    }
}

impl Plan {
    /// A plan with [`DEFAULT_MOST_A_DAY`]; `None` unless both are 1 to [`MAX_MILESTONE`].
    pub fn new(first: u64, step: u64) -> Option<Self> {
        let fits = |number| (1..=MAX_MILESTONE).contains(&number);
        (fits(first) && fits(step)).then_some(Self {
            first,
            step,
            most_a_day: DEFAULT_MOST_A_DAY,
        })
    }

    /// The same plan with another `most_a_day`; `None` unless it is 1 to [`MAX_MOST_A_DAY`].
    pub fn with_most_a_day(self, most_a_day: usize) -> Option<Self> {
        (1..=MAX_MOST_A_DAY)
            .contains(&most_a_day)
            .then_some(Self { most_a_day, ..self })
    }

    /// The first milestone, 1 to [`MAX_MILESTONE`].
    pub fn first(self) -> u64 {
        self.first
    }

    /// The distance between two milestones, 1 to [`MAX_MILESTONE`].
    pub fn step(self) -> u64 {
        self.step
    }

    /// How many hugs of one account may go out in 24 hours without the creator's approval, 1 to
    /// [`MAX_MOST_A_DAY`].
    pub fn most_a_day(self) -> usize {
        self.most_a_day
    }

    /// Whether that number is a milestone of the plan.
    pub fn names(self, milestone: Milestone) -> bool {
        self.next_after(milestone.number() - 1) == Some(milestone)
    }

    /// What is owed for `count` where everything up to `mark` is decided.
    pub fn owed(self, mark: u64, count: u64) -> Owed {
        let milestones: Vec<Milestone> = self.crossed(mark, count).take(MAX_OWED).collect();
        let last = milestones.last().map(|last| last.number());
        let more = |last: &u64| {
            let next = self.next_after(*last);
            next.is_some_and(|next| next.number() <= count)
        };
        Owed {
            mark: last.filter(more).unwrap_or(mark.max(count)),
            milestones,
        }
    }

    /// Whether the milestone after `mark` is near for a count that grew by `grew` since the check before.
    pub fn is_near(self, mark: u64, count: u64, grew: u64) -> bool {
        let near = NEAR.max(grew.saturating_mul(2));
        let next = self.next_after(mark);
        next.is_some_and(|next| next.number().saturating_sub(count) <= near)
    }

    /// The milestones in `(mark, count]`, smallest first.
    ///
    /// With `first` 600 and `step` 100, going from 595 to 805 crosses 600, 700 and 800.
    fn crossed(self, mark: u64, count: u64) -> impl Iterator<Item = Milestone> {
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
    fn of_a_burst_over_more_milestones_than_a_check_owes_the_mark_stops_at_the_last_of_them() {
        let plan = Plan::new(600, 100).unwrap();
        let owed = plan.owed(599, 5_150);
        assert_eq!((owed.milestones.len(), owed.mark), (MAX_OWED, 5_000));
        let rest = plan.owed(owed.mark, 5_150);
        assert_eq!((rest.milestones.len(), rest.mark), (1, 5_150));
        let all = plan.owed(599, 5_099);
        assert_eq!((all.milestones.len(), all.mark), (MAX_OWED, 5_099));
    }

    #[test]
    fn where_nothing_was_crossed_the_mark_follows_the_count_up_and_never_down() {
        let plan = Plan::new(600, 100).unwrap();
        assert_eq!(plan.owed(601, 650).mark, 650);
        assert_eq!(plan.owed(650, 601).mark, 650);
    }

    #[test]
    fn a_milestone_is_near_at_ten_or_at_twice_the_growth() {
        let plan = Plan::new(600, 100).unwrap();
        assert!(plan.is_near(590, 590, 0) && !plan.is_near(589, 589, 5));
        assert!(plan.is_near(560, 560, 20) && !plan.is_near(559, 559, 20));
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
    fn a_plan_promises_three_a_day_unless_it_says_another_number_from_1_to_100() {
        let plan = Plan::new(600, 100).unwrap();
        assert_eq!(plan.most_a_day(), 3);
        let brake = |number| plan.with_most_a_day(number).map(Plan::most_a_day);
        assert_eq!([1, 100].map(brake), [Some(1), Some(100)]);
        assert_eq!([0, 101].map(brake), [None, None]);
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
