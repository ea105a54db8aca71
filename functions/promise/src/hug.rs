//! A hug and its life: every step is a function from one state to the next.
//!
//! The ledger writes the next state only if the hug is still as it was read. Each write carries at most one
//! sentence of news for the creator, and the next write removes it.
//!
//! A hug has two letters: first the invitation, then the song. Both go through the same steps, and a step is about
//! the letter that the hug is at ([`Hug::letter_kind`]).
//!
//! - `hug/delivery.rs`: claim, send, complete; waits and refusals.
//! - `hug/answers.rs`: what the follower's answers and their silence do.
//! - `hug/creator.rs`: what the creator does.

mod answers;
mod creator;
mod delivery;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    account::{AccountId, AccountName, UserId},
    answer::{Answers, Asking, Topic, Verdict},
    channel::Channel,
    evidence::{Certainty, Evidence},
    follower::Recipient,
    letter::{Letter, LetterKind, LetterState, Receipt, Words},
    milestone::Milestone,
    record::AccountRecord,
    rules::Rules,
    song::Song,
    unknown::Unknown,
    video::VideoId,
};

pub use self::delivery::LEASE;
pub use crate::status::{HoldCause, NotNow, Status};

/// How long a handle is taken for that of the same person without a look.
const HANDLE_IS_FRESH_FOR: SignedDuration = SignedDuration::from_hours(1);

/// Which hug: the account and the number.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HugKey {
    /// The account that owes it.
    pub id: AccountId,
    /// The number that was crossed.
    pub milestone: Milestone,
}

/// Everything about one gift.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hug {
    /// The account that owes it, as its creator calls it.
    pub account: AccountName,
    /// The same account's id on the network.
    pub id: UserId,
    /// The number that was crossed.
    pub milestone: Milestone,
    /// Its state.
    pub status: Status,
    /// Who gets it; `None` while nobody is named.
    pub follower: Option<Recipient>,
    /// The handle that the creator chose, before the network was asked who that is.
    pub chosen: Option<String>,
    /// How the follower was found.
    pub evidence: Evidence,
    /// The creator's name, as the letters sign it.
    pub creator: String,
    /// The letter that asks for a topic.
    pub invitation: LetterState,
    /// The letter that brings the song.
    pub song: LetterState,
    /// What is known of the follower's answers.
    #[serde(default)]
    pub answers: Answers,
    /// What the follower asked for.
    #[serde(default)]
    pub topic: Option<Topic>,
    /// The song that was posted.
    #[serde(default)]
    pub posted: Option<Song>,
    /// Videos of which the creator has to say which one is the song.
    #[serde(default)]
    pub candidates: Vec<VideoId>,
    /// Whom the hug was for before the creator passed it on.
    #[serde(default)]
    pub passed: Option<Passed>,
    /// Whether this write asks the stream to deliver the song; only that write says so. For the invitation the state
    /// `reached` says it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub due: bool,
    /// Why it was held when it was recorded. It stays after an approval, so that an approved hug does not
    /// count against the plan's limit.
    pub hold: Option<HoldCause>,
    /// The last failure, or why it is held.
    pub reason: Option<String>,
    /// What the creator is to know of the latest write; only that write carries it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub news: Option<String>,
    /// When the milestone was noticed.
    pub reached_at: Timestamp,
    /// When this was last written.
    pub updated_at: Timestamp,
    /// How often it was written. A worker that read an older revision has lost the race.
    pub revision: u64,
    /// Fields that a later version of this program wrote.
    #[serde(flatten)]
    pub unknown: Unknown,
}

/// A follower who did not answer, and to whom the hug does not go any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passed {
    /// The follower.
    pub follower: Recipient,
    /// Where their invitation is; `None` where that is not known.
    pub receipt: Option<Receipt>,
    /// When their invitation was sent.
    #[serde(default)]
    pub sent_at: Option<Timestamp>,
    /// Whether they said stop later.
    #[serde(default)]
    pub said_stop: bool,
    /// When the creator passed the hug on.
    pub at: Timestamp,
    /// Fields that a later version of this program wrote.
    #[serde(flatten)]
    pub unknown: Unknown,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_false(value: &bool) -> bool {
    !value
}

impl Hug {
    /// A hug that is owed since now.
    pub fn owed(
        account: AccountName,
        id: UserId,
        milestone: Milestone,
        creator: String,
        follower: Option<Recipient>,
        evidence: Evidence,
        now: Timestamp,
    ) -> Self {
        Self {
            account,
            id,
            milestone,
            status: Status::Reached,
            follower,
            chosen: None,
            evidence,
            creator,
            invitation: LetterState::default(),
            song: LetterState::default(),
            answers: Answers::default(),
            topic: None,
            posted: None,
            candidates: Vec::new(),
            passed: None,
            due: false,
            hold: None,
            reason: None,
            news: None,
            reached_at: now,
            updated_at: now,
            revision: 1,
            unknown: Unknown::new(),
        }
    }

    /// A hug that the creator decides, for the follower with that handle. It does not count against the plan's limit.
    pub fn owed_by_hand(
        account: &AccountRecord,
        milestone: Milestone,
        creator: String,
        handle: &str,
        now: Timestamp,
    ) -> Self {
        let count = account.followers;
        let evidence = Evidence {
            count_before: count,
            count_after: count,
            since: None,
            position: count.saturating_sub(milestone.number()),
            passed_over: 0,
            certainty: Certainty::Unknown,
            arrivals: None,
            note: Some("the creator chose who gets it".to_owned()),
            unknown: Unknown::new(),
        };
        let (name, id) = (account.name.clone(), account.id.clone());
        let mut hug = Self::owed(name, id, milestone, creator, None, evidence, now);
        hug.chosen = Some(handle.to_owned());
        hug.hold = Some(HoldCause::Nobody);
        hug
    }

    /// The same hug, held before it is recorded.
    pub fn held(mut self, cause: HoldCause, reason: String) -> Self {
        self.status = Status::Held;
        self.hold = Some(cause);
        self.reason = Some(reason);
        self
    }

    /// The same state, with one sentence for the creator. Call it before the state is written.
    pub fn with_news(mut self, news: impl Into<String>) -> Self {
        self.news = Some(news.into());
        self
    }

    /// The same state without news, because another hug carries the same news.
    pub fn without_news(mut self) -> Self {
        self.news = None;
        self
    }

    /// Which letter the hug is at: the invitation until the song is posted.
    pub fn letter_kind(&self) -> LetterKind {
        if self.song_is_posted() {
            LetterKind::Song
        } else {
            LetterKind::Invitation
        }
    }

    fn song_is_posted(&self) -> bool {
        self.posted.is_some()
    }

    /// The letter that the hug is at.
    pub fn letter_state(&self) -> &LetterState {
        match self.letter_kind() {
            LetterKind::Invitation => &self.invitation,
            LetterKind::Song => &self.song,
        }
    }

    fn letter_state_mut(&mut self) -> &mut LetterState {
        match self.letter_kind() {
            LetterKind::Invitation => &mut self.invitation,
            LetterKind::Song => &mut self.song,
        }
    }

    /// The letter that the hug is at with those words, as the network is asked to carry it.
    pub fn letter<'a>(&'a self, words: &'a Words) -> Letter<'a> {
        let is_reply = words.channel == Channel::Reply;
        let after_pass = if self.passed.is_some() { 2 } else { 0 };
        Letter {
            kind: self.letter_kind(),
            from: &self.id,
            to: self.follower.as_ref(),
            milestone: self.milestone,
            reached_at: self.reached_at,
            number: match self.letter_kind() {
                LetterKind::Invitation => after_pass,
                LetterKind::Song => after_pass + 1,
            },
            channel: words.channel,
            text: &words.text,
            prepared_at: words.prepared_at,
            reply_to: self.answers.reply_to.as_ref().filter(|_| is_reply),
            song: self.posted.as_ref(),
        }
    }

    /// The channels of the letter that the hug is at, in the order they are tried. `contact` has those of an
    /// invitation. Where it has only `draft`, the program sends nothing at all. Else a song is a reply to the follower's answer; else it goes where only the follower reads it, if the
    /// invitation went there; else the creator sends it. There is never a second public post.
    pub fn channels(&self, contact: &[Channel], rules: &Rules) -> Vec<Channel> {
        let only_by_hand = contact.iter().all(|channel| *channel == Channel::Draft);
        if self.letter_kind() == LetterKind::Invitation || only_by_hand {
            return contact.to_vec();
        }
        let reply = self.answers.reply_to.as_ref().map(|_| Channel::Reply);
        let invited_by = self.invitation.words.as_ref().map(|words| words.channel);
        let private = invited_by.filter(|channel| match channel {
            Channel::Message => true,
            Channel::Mention => rules.mention_is_private,
            Channel::Announce | Channel::Reply | Channel::Draft => false,
        });
        let channels = reply.into_iter().chain(private);
        channels.chain([Channel::Draft]).collect()
    }

    /// Its key in the ledger.
    pub fn key(&self) -> HugKey {
        HugKey {
            id: self.account.with_id(&self.id),
            milestone: self.milestone,
        }
    }

    /// Whether it waits for the creator's hand: to send the words, to approve it, to decide about a topic or a video,
    /// or to remove what stops the account from sending.
    pub fn needs_creator(&self) -> bool {
        match self.status {
            Status::ToSend | Status::Held => true,
            Status::Reached | Status::Inviting | Status::SongPosted => {
                self.letter_state().is_blocked()
            }
            Status::Invited | Status::TopicChosen => {
                self.topic_is_doubtful() || !self.candidates.is_empty()
            }
            _ => false,
        }
    }

    /// Whether the creator has to decide about the topic.
    pub fn topic_is_doubtful(&self) -> bool {
        let topic = self.topic.as_ref();
        topic.is_some_and(|topic| topic.verdict == Verdict::Doubtful)
    }

    /// Whether no check needs to look at it: nothing is left to send, nothing waits for the creator, and no answer and
    /// no song is waited for.
    pub fn is_settled(&self, now: Timestamp) -> bool {
        match self.status {
            Status::Invited => {
                let is_told = self.answers.silence_told_at.is_some();
                self.asking(now) == Asking::Never && is_told && !self.needs_creator()
            }
            _ => self.status.has_ended(),
        }
    }

    /// Whether the next check has to choose a follower, because the creator passed the hug on.
    pub fn is_passed_on(&self) -> bool {
        let is_open = matches!(self.status, Status::Reached | Status::Inviting);
        self.passed.is_some() && self.follower.is_none() && self.chosen.is_none() && is_open
    }

    /// Whether a handle that was read when its milestone was noticed may belong to someone else by now.
    pub fn handle_may_have_changed(&self, now: Timestamp) -> bool {
        now.duration_since(self.reached_at) > HANDLE_IS_FRESH_FOR
    }

    /// Checks that no worker is sending the letter that the hug is at.
    fn is_free(&self, now: Timestamp) -> Result<(), NotNow> {
        match (&self.status, self.letter_state().claimed_until(now)) {
            (Status::Inviting | Status::SongPosted, Some(until)) => {
                Err(NotNow::InProgress { until })
            }
            _ => Ok(()),
        }
    }

    fn settled_as(&self, status: Status, now: Timestamp) -> Self {
        let mut settled = self.next(now);
        settled.status = status;
        settled.reason = None;
        let letter = settled.letter_state_mut();
        letter.lease_until = None;
        letter.wait = None;
        settled
    }

    fn next(&self, now: Timestamp) -> Self {
        Self {
            news: None,
            due: false,
            updated_at: now,
            revision: self.revision + 1,
            ..self.clone()
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
