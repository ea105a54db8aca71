//! For which hugs one check asks for answers, and which answers a hug has not heard yet.

use jiff::Timestamp;

use crate::{
    answer::{Answer, Asking},
    hug::Hug,
    milestone::Milestone,
    record::AnswersRead,
};

/// Most hugs for which one check asks beside those for which every check asks, so that it ends in time.
const MOST_HOURLY: usize = 20;

/// For which hugs one check asks for answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Round {
    /// Their milestones.
    pub due: Vec<Milestone>,
    /// Whether the check also looks where answers are seldom.
    pub thorough: bool,
    /// See [`AnswersRead::turn`].
    pub turn: usize,
}

impl Round {
    /// The round of a check at `now`, of the hugs that wait for an answer.
    pub fn of(waiting: &[&Hug], known: &AnswersRead, now: Timestamp) -> Self {
        let thorough = known.thorough_is_due(now);
        let (always, hourly): (Vec<&Hug>, Vec<&Hug>) = waiting
            .iter()
            .copied()
            .partition(|hug| hug.asking(now) == Asking::Always);
        let mut due: Vec<Milestone> = always.iter().map(|hug| hug.milestone).collect();
        let mut turn = known.turn;
        if thorough && !hourly.is_empty() {
            let begin = turn % hourly.len();
            let some = hourly.iter().cycle().skip(begin);
            let some = some.take(hourly.len().min(MOST_HOURLY));
            due.extend(some.map(|hug| hug.milestone));
            turn = begin + MOST_HOURLY;
        }
        Self {
            due,
            thorough,
            turn,
        }
    }
}

/// The answers that the hug has not heard yet, oldest first.
pub fn unheard(hug: &Hug, answers: &[Answer]) -> Vec<Answer> {
    let mut unheard: Vec<Answer> = answers
        .iter()
        .filter(|answer| hug.is_unheard(answer))
        .cloned()
        .collect();
    unheard.sort_by(|a, b| (a.at, &a.version).cmp(&(b.at, &b.version)));
    unheard.dedup_by(|a, b| a.version == b.version);
    unheard
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::hug::tests::invited;

    #[test]
    fn a_check_asks_for_new_hugs_and_once_an_hour_for_some_of_the_others_in_turn() {
        let now = Timestamp::UNIX_EPOCH + SignedDuration::from_hours(48);
        let number = |number: u64, hours: i64| {
            let mut hug = invited();
            hug.milestone = Milestone::from_number(number).unwrap();
            hug.invitation.sent_at = Some(now - SignedDuration::from_hours(hours));
            hug
        };
        let new = number(1_000, 1);
        let old: Vec<Hug> = (1..=30).map(|one| number(one, 30)).collect();
        let waiting: Vec<&Hug> = old.iter().chain([&new]).collect();
        let mut known = AnswersRead {
            thorough_at: Some(now),
            ..AnswersRead::default()
        };
        assert_eq!(Round::of(&waiting, &known, now).due, [new.milestone]);
        known.thorough_at = None;
        let mut asked: Vec<Milestone> = Vec::new();
        for _ in 0..2 {
            let round = Round::of(&waiting, &known, now);
            assert_eq!(round.due.len(), 1 + MOST_HOURLY);
            asked.extend(round.due);
            known.turn = round.turn;
        }
        for hug in &waiting {
            assert!(asked.contains(&hug.milestone), "{}", hug.milestone);
        }
    }
}
