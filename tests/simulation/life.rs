//! The life of each hug, write by write: which step may follow which, whose permission it needs, what the creator is
//! told of it, and what the network was asked to send meanwhile.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use promise::{
    channel::Channel,
    hug::{HoldCause, Hug, Status},
    letter::{LetterKind, LetterState},
};

use super::{
    answered::{Answered, has_new_topic, is_told_of_silence},
    history::Deed,
    letters::AskedToSend,
    observer::Change,
    said::Commands,
    songs,
    truth::Truth,
};

#[derive(Default)]
pub struct Lives {
    /// What the creator has done, or tried to do.
    pub said: Commands,
    pub answered: Answered,
    /// Whether the account's first channel is the creator's own hand.
    pub by_hand_only: bool,
    /// When each hug was owed that the creator had not to approve.
    unapproved: BTreeMap<u64, Timestamp>,
    /// So many of its letters were looked at.
    looked_at: usize,
    /// Who said stop to a hug, and was heard.
    stopped: BTreeSet<String>,
    pub figures: Figures,
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
    pub declined: u64,
    pub forgotten: u64,
    pub topics: u64,
    pub songs: u64,
    pub hugged: u64,
    pub passed: u64,
    pub silent: u64,
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
        self.declined += other.declined;
        self.forgotten += other.forgotten;
        self.topics += other.topics;
        self.songs += other.songs;
        self.hugged += other.hugged;
        self.passed += other.passed;
        self.silent += other.silent;
        self.news += other.news;
    }
}

impl Lives {
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
        let is_erased = before.as_ref().is_some_and(|before| {
            let is_over = after.status == Status::Declined
                || (before.status.has_ended() && after.status == before.status);
            is_over && self.said.is_forgotten(before) && (erased(after) || after.follower.is_none())
        });
        // Whoever had it before it was passed on is erased, and it goes on.
        let is_same = before.as_ref().is_some_and(|before| {
            let passed = before.passed.as_ref().map(|passed| &passed.follower);
            let was_named = passed.is_some_and(|first| self.said.forgets_id(first.id.as_str()));
            was_named && (&before.status, &before.follower) == (&after.status, &after.follower)
        });
        if !is_erased && !is_same && !self.may_follow(change, truth) {
            let from = from.map_or_else(|| "nothing".to_owned(), ToString::to_string);
            return Err(format!(
                "the hug for {number} went from {from} to {}, without a command of the creator",
                after.status
            ));
        }
        let is_passed = is_passed_on(change);
        if is_passed {
            Self::look_at_pass(change)?;
        }
        if !is_erased && !is_passed {
            self.answered.look_at(change, &self.said, truth)?;
            songs::look_at(change, &self.said)?;
            if self.answered.is_back(before.as_ref(), after) {
                return Err(format!("the topic of {number} was refused, and is back"));
            }
        }
        if !is_erased
            && after.status == Status::Declined
            && let Some(follower) = &after.follower
        {
            self.stopped.insert(follower.id.to_string());
        }
        if from.is_none() && after.status == Status::Reached && !self.said.has_chosen(number) {
            self.unapproved.insert(number, after.reached_at);
            self.brake(hugs, truth, after.reached_at, most_a_day)?;
        }
        if after.status == Status::Held {
            self.unapproved.remove(&number);
        }
        self.news(change, hugs, is_erased)?;
        self.count(change, is_erased);
        Ok(())
    }

    /// Which state may follow which. What the creator decides needs her word.
    fn may_follow(&self, change: &Change, truth: &Truth) -> bool {
        use Status::{
            Cancelled, Declined, Held, Hugged, Invited, Inviting, Reached, SongPosted, ToSend,
            TopicChosen,
        };
        let Change { before, after } = change;
        let number = after.milestone.number();
        let says = |deed: Deed| self.said.has_said(number, |said| said == deed);
        let has_sent = || self.said.has_sent(number);
        let Some(before) = before else {
            return matches!(after.status, Reached | Held);
        };
        let kind = before.letter_kind();
        let letter = (number, letter_number(before));
        let is_song = kind == LetterKind::Song;
        match (&before.status, &after.status) {
            (Reached | Inviting, Inviting | Reached) => !is_song,
            // What heals is waited for.
            (Inviting, ToSend) => {
                !is_song && (self.by_hand_only || truth.letters.has_refused(letter))
            }
            (SongPosted, ToSend) => {
                let is_by_hand = self.by_hand_only || songs::is_by_hand(before, truth.network);
                is_by_hand || truth.letters.has_refused(letter)
            }
            // Nobody is named, whom the creator chose cannot get it, or as many went out as the plan allows.
            (Inviting, Held) => {
                let by_brake = after.hold == Some(HoldCause::MostADay);
                !is_song && (after.follower.is_none() || self.said.has_chosen(number) || by_brake)
            }
            // The check finds nobody to whom it can be passed on.
            (Reached, Held) => before.is_passed_on() && after.follower.is_none(),
            (Held, Reached) => !is_song && self.said.has_approved(number),
            (ToSend, Reached) => !is_song && says(Deed::Retry),
            (Reached | Inviting | ToSend, Invited) => {
                let by_program = before.status == Inviting && truth.letters.has(letter);
                let is_for_someone = after.follower.is_some() || after.chosen.is_some();
                !is_song && is_for_someone && (by_program || has_sent())
            }
            // What decides between these is looked at with the answers.
            (Invited | TopicChosen, Invited | TopicChosen) | (SongPosted, SongPosted) => true,
            (Invited, Reached) => is_passed_on(change) && says(Deed::Pass),
            (Invited | TopicChosen, SongPosted) => after.posted.is_some(),
            (ToSend, SongPosted) => {
                let gives = |deed| matches!(deed, Deed::Song(_));
                is_song && (says(Deed::Retry) || self.said.has_said(number, gives))
            }
            // A later answer, under which the song is to be sent by hand.
            (ToSend, ToSend) => is_song,
            (SongPosted | ToSend, Hugged) => {
                let by_program = before.status == SongPosted && truth.letters.has(letter);
                is_song && (by_program || has_sent())
            }
            (before_status, Declined) if !before_status.has_ended() => {
                Self::has_said_stop(before, truth)
            }
            (before_status, Cancelled) if !before_status.has_ended() => says(Deed::Cancel),
            _ => false,
        }
    }

    /// Whether its follower said stop, under its invitation or to another account.
    fn has_said_stop(hug: &Hug, truth: &Truth) -> bool {
        let Some(follower) = &hug.follower else {
            return false;
        };
        let id = follower.id.as_str();
        let under = hug.invitation.reference();
        truth.stopped_elsewhere.contains(id)
            || under.is_some_and(|under| truth.posts.says_stop(id, under))
    }

    /// A hug is passed on once, and nothing of the first follower's goes to the next.
    fn look_at_pass(Change { before, after }: &Change) -> Result<(), String> {
        let number = after.milestone.number();
        let Some(before) = before else {
            return Err(format!("{number} begins as passed on"));
        };
        let passed = after.passed.as_ref().map(|passed| &passed.follower);
        let is_clear = after.follower.is_none()
            && after.topic.is_none()
            && after.answers == promise::answer::Answers::default()
            && after.invitation == LetterState::default();
        if before.passed.is_some() || passed != before.follower.as_ref() || !is_clear {
            return Err(format!("{number} is passed on, and is not new"));
        }
        Ok(())
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
        let sent = truth.letters.counts();
        let today: Vec<&u64> = self
            .unapproved
            .iter()
            .filter(|(_, at)| now.duration_since(**at) < SignedDuration::from_hours(24))
            .map(|(number, _)| number)
            .filter(|number| sent.contains_key(&(**number, 0)) || !cancelled(number))
            .collect();
        if today.len() > most_a_day {
            return Err(format!(
                "{today:?} go out within 24 hours, and the creator approved none of them"
            ));
        }
        Ok(())
    }

    /// What the creator is told, once: a milestone that was reached, the first hug of a wave that is held, a hug for
    /// nobody, words to send by hand, a block, a letter that is out, a topic, a stop, silence, to whom a hug is passed on.
    fn news(&mut self, change: &Change, hugs: &[Hug], is_erased: bool) -> Result<(), String> {
        let Change { before, after } = change;
        let number = after.milestone.number();
        let was = before.as_ref().map(|before| &before.status);
        let expected = match (was, &after.status) {
            (None, Status::Reached) => !self.said.has_chosen(number),
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
            _ if is_erased => false,
            _ if has_new_topic(change) || is_told_of_silence(change) => true,
            (Some(was), Status::Held | Status::ToSend | Status::Declined) => *was != after.status,
            (Some(was), Status::Invited | Status::Hugged) if is_letter_out(was, after) => {
                let words = sent_letter(after).words.as_ref();
                words.is_some_and(|words| words.channel != Channel::Draft)
            }
            (Some(_), Status::Inviting | Status::SongPosted) => {
                let was_blocked = before
                    .as_ref()
                    .is_some_and(|was| was.letter_state().is_blocked());
                after.letter_state().is_blocked() && !was_blocked
            }
            (Some(Status::Reached), Status::Reached) => {
                let was_open = before.as_ref().is_some_and(Hug::is_passed_on);
                was_open && after.follower.is_some()
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

    fn count(&mut self, change: &Change, is_erased: bool) {
        let Change { before, after } = change;
        let from = before.as_ref().map(|before| &before.status);
        let figures = &mut self.figures;
        figures.topics += u64::from(has_new_topic(change));
        figures.silent += u64::from(is_told_of_silence(change));
        let by_hand = |letter: &LetterState| {
            let words = letter.words.as_ref();
            words.is_some_and(|words| words.channel == Channel::Draft)
        };
        let counted = match (from, &after.status) {
            _ if is_erased => &mut figures.forgotten,
            (None | Some(Status::Inviting), Status::Held) => &mut figures.held,
            (Some(Status::Held), Status::Reached) => &mut figures.approved,
            (Some(Status::Invited), Status::Reached) => &mut figures.passed,
            (from, Status::ToSend) if from != Some(&Status::ToSend) => &mut figures.to_send,
            (Some(from), Status::Invited)
                if is_letter_out(from, after) && by_hand(&after.invitation) =>
            {
                &mut figures.sent_by_hand
            }
            (Some(Status::Invited | Status::TopicChosen), Status::SongPosted) => &mut figures.songs,
            (_, Status::Hugged) => &mut figures.hugged,
            (_, Status::Cancelled) => &mut figures.cancelled,
            (_, Status::Declined) => &mut figures.declined,
            (
                Some(Status::Inviting | Status::SongPosted),
                Status::Inviting | Status::SongPosted,
            ) if after.letter_state().is_blocked()
                && after.letter_state().lease_until.is_none() =>
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
        for letter in &truth.letters.asked[self.looked_at..] {
            let AskedToSend {
                milestone: number,
                kind,
                to,
                ..
            } = letter;
            let hug = hugs.iter().find(|hug| hug.milestone.number() == *number);
            let hug = hug.ok_or_else(|| {
                format!("a letter for {number} is sent, and there is no hug for it")
            })?;
            let status = match kind {
                LetterKind::Invitation => Status::Inviting,
                LetterKind::Song => Status::SongPosted,
            };
            if hug.status != status || letter.number != letter_number(hug) {
                return Err(format!(
                    "letter {} for {number} is sent, which is {}",
                    letter.number, hug.status
                ));
            }
            if let Some(to) = to
                && (self.stopped.contains(to) || truth.stopped_elsewhere.contains(to))
            {
                return Err(format!("{to} said stop, and gets a letter for {number}"));
            }
            if *kind == LetterKind::Song {
                songs::look_at_letter(letter, hug, truth)?;
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
        self.looked_at = truth.letters.asked.len();
        Ok(())
    }

    /// No more invitations go out in 24 hours than the plan allows, whenever they were owed, but for those that the
    /// creator approved. Clocks differ by seconds.
    fn brake_on_letters(&self, truth: &Truth, most_a_day: usize) -> Result<(), String> {
        let first = truth.letters.first_invitations();
        let unapproved = || {
            let mut each = first.iter();
            std::iter::from_fn(move || each.find(|(number, _)| !self.said.has_approved(**number)))
        };
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

/// Whether the hug is passed on in this write.
pub fn is_passed_on(Change { before, after }: &Change) -> bool {
    let was = before.as_ref().and_then(|before| before.passed.as_ref());
    was.is_none() && after.passed.is_some()
}

/// Which letter of its hug it is at: the invitation and the song, and after it was passed on both again.
pub fn letter_number(hug: &Hug) -> u32 {
    let first = if hug.passed.is_some() { 2 } else { 0 };
    match hug.letter_kind() {
        LetterKind::Invitation => first,
        LetterKind::Song => first + 1,
    }
}

/// Whether a hug that was in that state has its letter since this write.
fn is_letter_out(was: &Status, after: &Hug) -> bool {
    match after.status {
        Status::Invited => !matches!(was, Status::Invited | Status::TopicChosen),
        Status::Hugged => *was != Status::Hugged,
        _ => false,
    }
}

fn sent_letter(hug: &Hug) -> &LetterState {
    match hug.status {
        Status::Hugged => &hug.song,
        _ => &hug.invitation,
    }
}
