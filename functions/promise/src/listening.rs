//! For which hugs one check asks for answers, which answers a hug has not heard yet, and when a check looks at hugs that
//! wait.

use jiff::Timestamp;

use crate::{
    answer::{Answer, Asking},
    glance::Glance,
    hug::{Hug, Status},
    milestone::Milestone,
    record::{AnswersRead, THOROUGH_EVERY},
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

/// From when on a check looks at these hugs, whatever the count is; `None` where there are none. `known` is how their
/// answers were last asked for, and `looks_for_songs` is whether checks look for songs on a channel.
///
/// A hug that has waited longer than a day for its answer or its song, and for nobody's decision, is looked at once an
/// hour.
pub fn due_at(
    hugs: &[&Hug],
    known: Option<&AnswersRead>,
    looks_for_songs: bool,
    now: Timestamp,
) -> Option<Timestamp> {
    let is_quiet = |hug: &&Hug| match hug.status {
        Status::Invited => true,
        Status::TopicChosen => !looks_for_songs,
        _ => false,
    };
    let waits_long =
        |hug: &&Hug| is_quiet(hug) && !hug.needs_creator() && hug.asking(now) != Asking::Always;
    let is_asked = |hug: &&Hug| hug.asking(now) == Asking::Hourly;
    Some(match hugs {
        [] => return None,
        hugs if !hugs.iter().all(waits_long) => Glance::AT_EACH_CHECK,
        hugs if hugs.iter().any(is_asked) => known
            .and_then(AnswersRead::thorough_is_due_at)
            .unwrap_or(Glance::AT_EACH_CHECK),
        _ => now.checked_add(THOROUGH_EVERY).unwrap_or(Timestamp::MAX),
    })
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

    #[test]
    fn hugs_that_wait_longer_than_a_day_are_looked_at_once_an_hour_and_all_others_at_each_check() {
        let now = Timestamp::UNIX_EPOCH + SignedDuration::from_hours(48);
        let sent = |hours: i64| {
            let mut hug = invited();
            hug.invitation.sent_at = Some(now - SignedDuration::from_hours(hours));
            hug
        };
        let known = AnswersRead {
            thorough_at: Some(now - SignedDuration::from_mins(5)),
            ..AnswersRead::default()
        };
        let due = |hugs: &[&Hug]| due_at(hugs, Some(&known), false, now);
        let in_an_hour = now + SignedDuration::from_mins(55);
        assert_eq!(due(&[]), None);
        assert_eq!(due(&[&sent(25), &sent(30)]), Some(in_an_hour));
        assert_eq!(due(&[&sent(25), &sent(23)]), Some(Glance::AT_EACH_CHECK));
        let with_topic = sent(25).topic_by_hand("rain".to_owned(), now).unwrap();
        assert_eq!(due(&[&with_topic]), Some(in_an_hour));
        let looks_for_songs = due_at(&[&with_topic], Some(&known), true, now);
        assert_eq!(looks_for_songs, Some(Glance::AT_EACH_CHECK));
        let never_asked = due_at(&[&sent(25)], None, false, now);
        assert_eq!(never_asked, Some(Glance::AT_EACH_CHECK));
        let mut unasked = sent(25);
        unasked.invitation.receipt = None;
        assert_eq!(
            due(&[&unasked]),
            Some(now + SignedDuration::from_hours(1)),
            "no answer to it can be read, and its creator is told when it has waited for long"
        );
        for busy in [
            Status::Reached,
            Status::ToSend,
            Status::Held,
            Status::SongPosted,
        ] {
            let hug = Hug {
                status: busy.clone(),
                ..sent(25)
            };
            assert_eq!(due(&[&hug]), Some(Glance::AT_EACH_CHECK), "{busy}");
        }
    }
}
