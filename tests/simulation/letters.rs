//! What the network has of the letters that were sent to it, and of those that the creator sent by hand.

use std::collections::{BTreeMap, BTreeSet};

use have_a_hug::network::Failure;
use jiff::{SignedDuration, Timestamp};
use promise::{
    account::NetworkName,
    channel::Channel,
    letter::{Letter, LetterKind},
};

use super::history::Obstacle;

pub struct Letters {
    network: NetworkName,
    shown_after: SignedDuration,
    pub kept: Vec<Kept>,
    /// Invitations that the creator posted by hand and gave the address of.
    by_hand: Vec<Post>,
    /// Why it accepts no letters, and until when.
    obstacle: Option<(Obstacle, Timestamp)>,
    /// Every letter that it was asked to send.
    pub asked: Vec<AskedToSend>,
    /// The letters that were refused for a reason that is about the letter, or not taken a second time.
    refused: BTreeSet<LetterKey>,
    /// Every letter that it did not refuse, kept or not.
    tried: Vec<(LetterKey, Channel, Timestamp)>,
    /// What it was asked to do that nobody should have asked.
    pub complaints: Vec<String>,
}

/// Which letter: the milestone, and the number of the letter among those of its hug.
pub type LetterKey = (u64, u32);

/// What the network has of us: one that its recipient, or everyone, can read.
#[derive(Clone, Debug)]
pub struct Kept {
    pub milestone: u64,
    pub kind: LetterKind,
    /// Which letter of its hug it is.
    number: u32,
    channel: Channel,
    to: Option<String>,
    pub text: String,
    reached_at: Timestamp,
    prepared_at: Timestamp,
    at: Timestamp,
}

/// A letter that the network was asked to send.
#[derive(Clone, Debug)]
pub struct AskedToSend {
    pub milestone: u64,
    pub kind: LetterKind,
    pub number: u32,
    pub channel: Channel,
    pub to: Option<String>,
    pub text: String,
    /// The post that it replies to.
    pub reply_to: Option<String>,
}

/// An invitation that people can answer.
#[derive(Clone, Debug)]
pub struct Post {
    pub reference: String,
    pub to: Option<String>,
}

impl Letters {
    pub fn new(network: NetworkName, shown_after: i64) -> Self {
        Self {
            network,
            shown_after: SignedDuration::from_secs(shown_after),
            kept: Vec::new(),
            by_hand: Vec::new(),
            obstacle: None,
            asked: Vec::new(),
            refused: BTreeSet::new(),
            tried: Vec::new(),
            complaints: Vec::new(),
        }
    }

    /// It accepts no letters for so many seconds.
    pub fn obstruct(&mut self, why: Obstacle, seconds: i64, now: Timestamp) -> String {
        self.obstacle = Some((why, now + SignedDuration::from_secs(seconds)));
        format!("for {seconds} s the network accepts no letters: {why:?}")
    }

    /// It takes letters again.
    pub fn heal(&mut self) {
        self.obstacle = None;
    }

    /// How many there are of each letter.
    pub fn counts(&self) -> BTreeMap<LetterKey, usize> {
        let mut each = BTreeMap::new();
        for kept in &self.kept {
            *each.entry((kept.milestone, kept.number)).or_default() += 1;
        }
        each
    }

    /// Whether it has that letter.
    pub fn has(&self, letter: LetterKey) -> bool {
        let mut kept = self.kept.iter();
        kept.any(|kept| (kept.milestone, kept.number) == letter)
    }

    /// Whether it refused that letter, on any channel.
    pub fn has_refused(&self, letter: LetterKey) -> bool {
        self.refused.contains(&letter)
    }

    pub fn refuse(&mut self, letter: &Letter<'_>) {
        self.refused.insert(key(letter));
    }

    /// The first song that it has for that milestone.
    pub fn song(&self, milestone: u64) -> Option<&Kept> {
        let mut kept = self.kept.iter();
        kept.find(|kept| (kept.milestone, kept.kind) == (milestone, LetterKind::Song))
    }

    /// When the first invitation for each milestone arrived.
    pub fn first_invitations(&self) -> BTreeMap<u64, Timestamp> {
        let mut first = BTreeMap::new();
        for kept in &self.kept {
            if kept.kind == LetterKind::Invitation {
                first.entry(kept.milestone).or_insert(kept.at);
            }
        }
        first
    }

    /// The invitations that can be answered where others see it, in the order in which they came.
    pub fn that_can_be_answered(&self) -> Vec<Post> {
        let kept = self.kept.iter().enumerate();
        let kept = kept.filter(|(_, kept)| {
            kept.kind == LetterKind::Invitation && kept.channel != Channel::Message
        });
        let kept = kept.map(|(place, kept)| Post {
            reference: place.to_string(),
            to: kept.to.clone(),
        });
        kept.chain(self.by_hand.iter().cloned()).collect()
    }

    /// The creator posts an invitation by hand.
    pub fn post_by_hand(&mut self, reference: String, to: Option<String>) {
        self.by_hand.push(Post { reference, to });
    }

    pub fn send(
        &mut self,
        letter: &Letter<'_>,
        now: Timestamp,
        takes_messages: bool,
        has_parent: bool,
    ) -> Result<String, (Failure, &'static str)> {
        let kept = Kept {
            milestone: letter.milestone.number(),
            kind: letter.kind,
            number: letter.number,
            channel: letter.channel,
            to: letter.to.map(|to| to.id.to_string()),
            text: letter.text.to_owned(),
            reached_at: letter.reached_at,
            prepared_at: letter.prepared_at,
            at: now,
        };
        self.asked.push(AskedToSend {
            milestone: kept.milestone,
            kind: kept.kind,
            number: kept.number,
            channel: kept.channel,
            to: kept.to.clone(),
            text: kept.text.clone(),
            reply_to: letter.reply_to.map(|post| post.reference.clone()),
        });
        match self.obstacle.filter(|(_, until)| *until > now) {
            Some((Obstacle::Refusal, _)) => return Err((Failure::Refused, "not such a letter")),
            Some((Obstacle::Blocked, _)) => {
                return Err((Failure::Blocked { until: None }, "the account is locked"));
            }
            Some((Obstacle::BlockedUntil, until)) => {
                let until = Some(until);
                return Err((Failure::Blocked { until }, "the cap is reached"));
            }
            None => {}
        }
        if kept.channel == Channel::Message && !takes_messages {
            return Err((Failure::Refused, "they take no messages"));
        }
        if !has_parent {
            return Err((Failure::Refused, "the post is deleted"));
        }
        self.complain_of(&kept);
        if kept.channel != Channel::Message
            && let Some(there) = self.same_post(&kept)
        {
            let other = &self.kept[there];
            return match self.network {
                NetworkName::Bluesky if other.prepared_at == kept.prepared_at => {
                    Ok(there.to_string())
                }
                NetworkName::Mastodon => Ok(there.to_string()),
                NetworkName::Bluesky => Err((Failure::SentBefore, "invalid swap")),
                NetworkName::X => Err((Failure::SentBefore, "the same words again")),
            };
        }
        self.kept.push(kept);
        Ok((self.kept.len() - 1).to_string())
    }

    /// The network keeps a second post out by itself; the program must not lean on that. A claim
    /// lasts 90 seconds, of which a send may take half, and clocks differ by 20.
    fn complain_of(&mut self, kept: &Kept) {
        let (letter, now) = ((kept.milestone, kept.number), kept.at);
        let what = format!("{} for {}", kept.kind.word(), kept.milestone);
        let same =
            |tried: &&(LetterKey, Channel, Timestamp)| (tried.0, tried.1) == (letter, kept.channel);
        let last = self.tried.iter().rev().find(same);
        if let Some((.., at)) = last
            && now < *at + SignedDuration::from_secs(20)
        {
            let complaint = format!("two are sending the {what} at the same time");
            self.complaints.push(complaint);
        }
        let shown = |there: &Kept| there.at + self.shown_after(there);
        let there = self.kept.iter().find(|there| {
            (there.milestone, there.number) == letter
                && there.channel == kept.channel
                && there.text == kept.text
                && shown(there) + SignedDuration::from_secs(45) <= now
        });
        if there.is_some() {
            let complaint = format!("the {what} is sent again though the network shows it");
            self.complaints.push(complaint);
        }
        self.tried.push((letter, kept.channel, now));
    }

    /// What the network takes for the same post: Bluesky by its key, X by its words, Mastodon by a key
    /// that it forgets after an hour.
    fn same_post(&self, new: &Kept) -> Option<usize> {
        self.kept.iter().position(|there| {
            let same = match self.network {
                NetworkName::Bluesky => there.key() == new.key(),
                NetworkName::X => there.text == new.text,
                NetworkName::Mastodon => {
                    (there.milestone, there.number) == (new.milestone, new.number)
                        && there.channel == new.channel
                        && new.at < there.at + SignedDuration::from_hours(1)
                }
            };
            same && there.channel != Channel::Message
        })
    }

    /// Messages may take several minutes.
    fn shown_after(&self, kept: &Kept) -> SignedDuration {
        match kept.channel {
            Channel::Message => self.shown_after * 18,
            _ => self.shown_after,
        }
    }

    pub fn find(&self, letter: &Letter<'_>, now: Timestamp) -> Option<String> {
        let to = letter.to.map(|to| to.id.as_str());
        // A Bluesky post is asked for by its key, and is there at once.
        let by_key = self.network == NetworkName::Bluesky && letter.channel != Channel::Message;
        let found = |kept: &&Kept| {
            if by_key {
                let key = (letter.milestone.number(), letter.number, letter.reached_at);
                return kept.channel != Channel::Message && kept.key() == key;
            }
            kept.channel == letter.channel
                && kept.text == letter.text
                && (kept.channel != Channel::Message || kept.to.as_deref() == to)
                && kept.at + self.shown_after(kept) <= now
        };
        let place = self.kept.iter().position(|kept| found(&kept))?;
        Some(place.to_string())
    }
}

impl Kept {
    /// What the key of a post on Bluesky is made of.
    fn key(&self) -> (u64, u32, Timestamp) {
        (self.milestone, self.number, self.reached_at)
    }
}

fn key(letter: &Letter<'_>) -> LetterKey {
    (letter.milestone.number(), letter.number)
}
