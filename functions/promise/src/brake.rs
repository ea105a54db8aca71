//! The brake on everything public: how many hugs of one account go out in 24 hours without the creator's approval.

use jiff::{SignedDuration, Timestamp};

use crate::{
    channel::Channel,
    hug::Hug,
    letter::Words,
    status::{HoldCause, Status},
};

const A_DAY: SignedDuration = SignedDuration::from_hours(24);

/// The brake of one account, as its hugs are now.
#[derive(Clone, Copy, Debug)]
pub struct Brake<'a> {
    /// Every hug of the account.
    pub hugs: &'a [Hug],
    /// How many the plan allows in 24 hours.
    pub most_a_day: usize,
    /// The time.
    pub now: Timestamp,
}

impl Brake<'_> {
    /// How many more hugs may be owed now without the creator's approval. A hug that
    /// was cancelled before anything was sent does not count, and neither does one that the creator approved.
    pub fn left(&self) -> usize {
        let owed = |hug: &&Hug| {
            let is_over = hug.status == Status::Cancelled && !hug.invitation.may_be_out();
            hug.hold.is_none() && !is_over && self.is_of_today(hug.reached_at)
        };
        self.most_a_day
            .saturating_sub(self.hugs.iter().filter(owed).count())
    }

    /// Whether the invitation of this hug may go out now. Many that were owed on different days may be ready at the
    /// same time, when a network takes letters again.
    pub fn allows_sending(&self, hug: &Hug) -> bool {
        let went_out = |other: &&Hug| {
            let letter = &other.invitation;
            let words = letter.words.as_ref();
            let words = words.filter(|words| words.channel != Channel::Draft);
            let at = letter.sent_at.or(words.map(Words::last_tried_at));
            let by_program = words.is_some() && other.hold.is_none();
            let is_out = by_program && at.is_some_and(|at| self.is_of_today(at));
            // A hug that was passed on has had an invitation before.
            let passed = other.passed.as_ref().and_then(|passed| passed.sent_at);
            is_out || passed.is_some_and(|at| self.is_of_today(at))
        };
        let others = self.hugs.iter();
        let others = others.filter(|other| other.milestone != hug.milestone);
        hug.hold.is_some() || others.filter(went_out).count() < self.most_a_day
    }

    /// Whether a hug is still held that was held for that cause in the last 24 hours, so that the creator knows: one
    /// message tells of the letters of a day.
    pub fn is_told(&self, cause: HoldCause) -> bool {
        self.is_any_held(cause, |hug| hug.updated_at)
    }

    /// Whether such a hug is still held that was reached in the last 24 hours: one message tells of a wave. A hug of an
    /// older wave can be held again, and then its own message told of nothing new.
    pub fn is_wave_told(&self, cause: HoldCause) -> bool {
        self.is_any_held(cause, |hug| hug.reached_at)
    }

    fn is_any_held(&self, cause: HoldCause, since: impl Fn(&Hug) -> Timestamp) -> bool {
        self.hugs.iter().any(|hug| {
            hug.status == Status::Held && hug.hold == Some(cause) && self.is_of_today(since(hug))
        })
    }

    /// Why a hug is held.
    pub fn reason(&self) -> String {
        format!("more than {} hugs in 24 hours", self.most_a_day)
    }

    /// Whether that was in the 24 hours before now. A time in the future counts too, because a clock can be wrong.
    fn is_of_today(&self, time: Timestamp) -> bool {
        self.now.duration_since(time) < A_DAY
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        hug::tests::{invited, reached},
        milestone::Milestone,
    };

    const T0: Timestamp = Timestamp::UNIX_EPOCH;

    fn after(hours: i64) -> Timestamp {
        T0 + SignedDuration::from_hours(hours)
    }

    fn number(number: u64, hug: Hug) -> Hug {
        Hug {
            milestone: Milestone::from_number(number).unwrap(),
            ..hug
        }
    }

    fn brake(hugs: &[Hug], now: Timestamp) -> Brake<'_> {
        Brake {
            hugs,
            most_a_day: 3,
            now,
        }
    }

    #[test]
    fn approved_hugs_and_hugs_cancelled_in_time_do_not_count_among_those_owed_in_24_hours() {
        let held = || reached().held(HoldCause::MostADay, "four".to_owned());
        let cancelled = reached().cancel(T0).unwrap();
        let approved = held().approve(None, T0).unwrap();
        let hugs = [reached(), reached(), cancelled, approved, held()];
        assert_eq!(brake(&hugs, T0).left(), 1);
        assert_eq!(brake(&hugs, after(23)).left(), 1);
        assert_eq!(brake(&hugs, after(24)).left(), 3);
        let out = invited().cancel(T0).unwrap();
        assert_eq!(brake(&[out], T0).left(), 2, "its post is out");
    }

    #[test]
    fn three_go_out_in_24_hours_whenever_they_were_owed() {
        let late = |n: u64| number(n, reached());
        let three: Vec<Hug> = (1..=3).map(|n| number(n, invited())).collect();
        assert!(brake(&three[..2], after(1)).allows_sending(&late(4)));
        assert!(!brake(&three, after(1)).allows_sending(&late(4)));
        assert!(
            !brake(&three, T0 - SignedDuration::from_hours(2)).allows_sending(&late(4)),
            "a clock was wrong"
        );
        assert!(brake(&three, after(24)).allows_sending(&late(4)));
        assert!(
            brake(&three, after(1)).allows_sending(&three[0]),
            "it counts the others"
        );
        let held = late(4).held(HoldCause::MostADay, "four".to_owned());
        let approved = held.approve(None, T0).unwrap();
        assert!(brake(&three, after(1)).allows_sending(&approved));
        let by_hand = |n| number(n, reached().sent_by_hand(None, T0).unwrap());
        let sent: Vec<Hug> = (1..=3).map(by_hand).collect();
        assert!(
            brake(&sent, after(1)).allows_sending(&late(4)),
            "hugs that were sent by hand do not count"
        );
    }

    #[test]
    fn an_invitation_that_was_passed_on_still_counts_as_sent() {
        let passed = |n| number(n, invited()).pass(T0).unwrap();
        let three: Vec<Hug> = (1..=3).map(passed).collect();
        let fourth = number(4, reached());
        assert!(!brake(&three, after(1)).allows_sending(&fourth));
        assert!(brake(&three, after(25)).allows_sending(&fourth));
    }

    #[test]
    fn one_message_tells_of_a_wave_until_nothing_of_it_is_held() {
        let held = reached().held(HoldCause::MostADay, "four".to_owned());
        let hugs = [held.clone()];
        assert!(brake(&hugs, after(1)).is_told(HoldCause::MostADay));
        assert!(!brake(&hugs, after(1)).is_told(HoldCause::Nobody));
        let decided = [held.approve(None, T0).unwrap()];
        assert!(!brake(&decided, after(1)).is_told(HoldCause::MostADay));
    }

    #[test]
    fn a_hug_that_is_held_again_a_day_later_tells_nothing_of_a_new_wave() {
        let again = Hug {
            updated_at: after(30),
            ..reached().held(HoldCause::MostADay, "four".to_owned())
        };
        let hugs = [again];
        assert!(brake(&hugs, after(31)).is_told(HoldCause::MostADay));
        assert!(!brake(&hugs, after(31)).is_wave_told(HoldCause::MostADay));
        assert!(brake(&hugs, after(23)).is_wave_told(HoldCause::MostADay));
    }
}
