//! The life of each hug, write by write: which step may follow which, whose permission it needs, what the creator is
//! told of it, and what the network was asked to send meanwhile.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use promise::hug::{HoldCause, Hug, Status};

use super::{history::Deed, observer::Change, truth::Truth};

#[derive(Default)]
pub struct Lives {
    /// What the creator has done to each number, or tried to do.
    said: BTreeMap<u64, Vec<Said>>,
    /// Whom the creator has erased, or tried to.
    forgotten: BTreeSet<String>,
    /// Whether the account's first channel is the creator's own hand.
    pub by_hand_only: bool,
    /// When each hug was owed that the creator had not to approve.
    unapproved: BTreeMap<u64, Timestamp>,
    /// So many of its letters were looked at.
    looked_at: usize,
    pub figures: Figures,
}

/// What the creator did to one hug.
struct Said {
    deed: Deed,
    /// For whom she approved it, if she said so.
    handle: Option<String>,
}

/// How often it came to what.
#[derive(Clone, Copy, Debug, Default)]
pub struct Figures {
    pub held: u64,
    pub approved: u64,
    pub to_send: u64,
    pub sent_by_hand: u64,
    pub blocked: u64,
    pub cancelled: u64,
    pub forgotten: u64,
    pub news: u64,
}

impl Figures {
    /// Adds those of another history.
    pub fn add(&mut self, other: &Self) {
        self.held += other.held;
        self.approved += other.approved;
        self.to_send += other.to_send;
        self.sent_by_hand += other.sent_by_hand;
        self.blocked += other.blocked;
        self.cancelled += other.cancelled;
        self.forgotten += other.forgotten;
        self.news += other.news;
    }
}

impl Lives {
    /// The creator is about to do that. It may fail, so it is a permission and no more.
    pub fn says(&mut self, number: u64, deed: Deed, handle: Option<String>) {
        let said = self.said.entry(number).or_default();
        said.push(Said { deed, handle });
    }

    /// The creator is about to erase them. It may fail.
    pub fn forgets(&mut self, id: String) {
        self.forgotten.insert(id);
    }

    fn is_forgotten(&self, hug: &Hug) -> bool {
        let follower = hug.follower.as_ref().map(|one| one.id.as_str());
        let mut names = follower.into_iter().chain(hug.chosen.as_deref());
        names.any(|name| self.forgotten.contains(name))
    }

    /// Whether the creator may have chosen that person for that number.
    pub fn is_chosen(&self, number: u64, id: &str) -> bool {
        let said = self.said.get(&number).into_iter().flatten();
        said.filter_map(|said| said.handle.as_deref())
            .any(|handle| handle == id)
    }

    /// Whether the creator may have made the hug for that number, or chosen someone for it.
    pub fn has_chosen(&self, number: u64) -> bool {
        let mut said = self.said.get(&number).into_iter().flatten();
        said.any(|said| said.handle.is_some())
    }

    fn has_said(&self, number: u64, is_it: impl Fn(Deed) -> bool) -> bool {
        let mut said = self.said.get(&number).into_iter().flatten();
        said.any(|said| is_it(said.deed))
    }

    /// Looks at one write; `hugs` are all hugs as they are after it and those that came with it.
    pub fn look_at(
        &mut self,
        change: &Change,
        hugs: &[Hug],
        truth: &Truth,
        most_a_day: usize,
    ) -> Result<(), String> {
        let Change { before, after } = change;
        let number = after.milestone.number();
        let from = before.as_ref().map(|before| &before.status);
        let erased = |hug: &Hug| {
            hug.follower
                .as_ref()
                .is_some_and(|one| one.handle.is_empty())
        };
        if before.as_ref().is_some_and(erased) && !erased(after) {
            return Err(format!("the hug for {number} names again who was erased"));
        }
        let may_be_erased = before.as_ref().is_some_and(|before| {
            let is_over = after.status == Status::Declined
                || (before.status == Status::Cancelled && after.status == Status::Cancelled);
            is_over && self.is_forgotten(before)
        });
        if !may_be_erased && !self.may_follow(number, from, after, truth) {
            let from = from.map_or_else(|| "nothing".to_owned(), ToString::to_string);
            return Err(format!(
                "the hug for {number} went from {from} to {}, without a command of the creator",
                after.status
            ));
        }
        if from.is_none() && after.status == Status::Reached && !self.has_chosen(number) {
            self.unapproved.insert(number, after.reached_at);
            self.brake(hugs, truth, after.reached_at, most_a_day)?;
        }
        if after.status == Status::Held {
            self.unapproved.remove(&number);
        }
        self.news(change, hugs)?;
        self.count(from, after);
        Ok(())
    }

    /// Which state may follow which. What the creator decides needs her word.
    fn may_follow(&self, number: u64, from: Option<&Status>, after: &Hug, truth: &Truth) -> bool {
        use Status::{Cancelled, Held, Invited, Inviting, Reached, ToSend};
        let approved = || {
            self.has_said(number, |deed| {
                matches!(deed, Deed::Approve | Deed::ApproveFor(_))
            })
        };
        match (from, &after.status) {
            (None, Reached | Held) | (Some(Reached | Inviting), Inviting | Reached) => true,
            // What heals is waited for.
            (Some(Inviting), ToSend) => self.by_hand_only || truth.refused.contains(&number),
            // Nobody is named, whom the creator chose cannot get it, or as many went out as the plan allows.
            (Some(Inviting), Held) => {
                let by_brake = after.hold == Some(HoldCause::MostADay);
                after.follower.is_none() || self.has_chosen(number) || by_brake
            }
            (Some(Held), Reached) => approved(),
            (Some(ToSend), Reached) => self.has_said(number, |deed| deed == Deed::Retry),
            (Some(Reached | Inviting | ToSend), Invited) => {
                let by_program =
                    from == Some(&Inviting) && truth.invitations().contains_key(&number);
                by_program || self.has_said(number, |deed| deed == Deed::Sent)
            }
            (Some(Reached | Inviting | ToSend | Held | Invited), Cancelled) => {
                self.has_said(number, |deed| deed == Deed::Cancel)
            }
            _ => false,
        }
    }

    /// No more hugs without the creator's approval than the plan allows in 24 hours. One that she cancelled before
    /// anything was sent makes room.
    fn brake(
        &self,
        hugs: &[Hug],
        truth: &Truth,
        now: Timestamp,
        most_a_day: usize,
    ) -> Result<(), String> {
        let cancelled = |number: &u64| {
            let mut hugs = hugs.iter();
            hugs.any(|hug| hug.milestone.number() == *number && hug.status == Status::Cancelled)
        };
        let sent = truth.invitations();
        let today: Vec<&u64> = self
            .unapproved
            .iter()
            .filter(|(_, at)| now.duration_since(**at) < SignedDuration::from_hours(24))
            .map(|(number, _)| number)
            .filter(|number| sent.contains_key(number) || !cancelled(number))
            .collect();
        if today.len() > most_a_day {
            return Err(format!(
                "{today:?} go out within 24 hours, and the creator approved none of them"
            ));
        }
        Ok(())
    }

    /// What the creator is told, once: a milestone that was reached, the first hug of a wave that is held, a hug for
    /// nobody, words to send by hand, a block, an invitation that is out.
    fn news(&mut self, Change { before, after }: &Change, hugs: &[Hug]) -> Result<(), String> {
        let number = after.milestone.number();
        let was = before.as_ref().map(|before| &before.status);
        let expected = match (was, &after.status) {
            (None, Status::Reached) => !self.has_chosen(number),
            (None, Status::Held) => {
                // One message tells of a wave; another one comes once nothing of it is still held.
                let of_the_wave = |other: &&Hug| {
                    let apart = after.reached_at.duration_since(other.reached_at);
                    other.hold == after.hold
                        && other.milestone != after.milestone
                        && apart.abs() < SignedDuration::from_hours(24)
                };
                let mut wave = hugs.iter().filter(of_the_wave);
                // The creator may have decided while the check was at work.
                if wave.clone().any(|other| other.revision > 1) {
                    return Ok(());
                }
                // Hugs of one check are written smallest number first.
                !wave.any(|other| {
                    other.reached_at != after.reached_at || other.milestone < after.milestone
                })
            }
            // The brake at the sending tells of the first of a wave.
            (Some(_), Status::Held) if after.hold == Some(HoldCause::MostADay) => return Ok(()),
            (Some(was), Status::Held | Status::ToSend) => *was != after.status,
            (Some(_), Status::Invited) => after.invitation.receipt.is_some(),
            (Some(_), Status::Inviting) => {
                let was_blocked = before
                    .as_ref()
                    .is_some_and(|was| was.invitation.is_blocked());
                after.invitation.is_blocked() && !was_blocked
            }
            _ => false,
        };
        match (&after.news, expected) {
            (Some(news), true) if news.contains(&number.to_string()) => {
                self.figures.news += 1;
                Ok(())
            }
            (None, false) => Ok(()),
            (news, _) => Err(format!(
                "of {number}, which went from {} to {}, the creator is told {}",
                was.map_or_else(|| "nothing".to_owned(), ToString::to_string),
                after.status,
                if news.is_some() {
                    "a second time"
                } else {
                    "nothing"
                },
            )),
        }
    }

    fn count(&mut self, from: Option<&Status>, after: &Hug) {
        let figures = &mut self.figures;
        let counted = match (from, &after.status) {
            (None | Some(Status::Inviting), Status::Held) => &mut figures.held,
            (Some(Status::Held), Status::Reached) => &mut figures.approved,
            (_, Status::ToSend) => &mut figures.to_send,
            (_, Status::Invited) if after.invitation.receipt.is_none() => &mut figures.sent_by_hand,
            (from, Status::Cancelled) if from != Some(&Status::Cancelled) => &mut figures.cancelled,
            (_, Status::Declined) => &mut figures.forgotten,
            (Some(Status::Inviting), Status::Inviting)
                if after.invitation.is_blocked() && after.invitation.lease_until.is_none() =>
            {
                &mut figures.blocked
            }
            _ => return,
        };
        *counted += 1;
    }

    /// Looks at what the network was asked to send since the last look: only for a hug that is being sent, and to the
    /// person who is named in it.
    pub fn look_at_letters(
        &mut self,
        hugs: &[Hug],
        truth: &Truth,
        most_a_day: usize,
    ) -> Result<(), String> {
        self.brake_on_letters(truth, most_a_day)?;
        for (number, to) in &truth.asked[self.looked_at..] {
            let hug = hugs.iter().find(|hug| hug.milestone.number() == *number);
            let hug = hug.ok_or_else(|| {
                format!("a letter for {number} is sent, and there is no hug for it")
            })?;
            if hug.status != Status::Inviting {
                return Err(format!(
                    "a letter for {number} is sent, which is {}",
                    hug.status
                ));
            }
            let named = hug.follower.as_ref().map(|to| to.id.to_string());
            if named.is_none() || named != *to {
                let name = |id: &Option<String>| id.clone().unwrap_or_else(|| "nobody".to_owned());
                return Err(format!(
                    "the letter for {number} goes to {}, and its hug is for {}",
                    name(to),
                    name(&named)
                ));
            }
        }
        self.looked_at = truth.asked.len();
        Ok(())
    }

    /// No more invitations go out in 24 hours than the plan allows, whenever they were owed, but for those that the
    /// creator approved. Clocks differ by seconds.
    fn brake_on_letters(&self, truth: &Truth, most_a_day: usize) -> Result<(), String> {
        let approved = |number: u64| {
            self.has_said(number, |deed| {
                matches!(deed, Deed::Approve | Deed::ApproveFor(_))
            })
        };
        let first = truth.first_letters();
        let unapproved = || first.iter().filter(|(number, _)| !approved(**number));
        for (_, last) in unapproved() {
            let a_day_before =
                *last - SignedDuration::from_hours(24) + SignedDuration::from_mins(1);
            let day = unapproved().filter(|(_, at)| (a_day_before..=*last).contains(*at));
            let day: Vec<&u64> = day.map(|(number, _)| number).collect();
            if day.len() > most_a_day {
                return Err(format!("the letters for {day:?} went out within 24 hours"));
            }
        }
        Ok(())
    }
}
