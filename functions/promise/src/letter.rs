//! One message of a hug on its way to the follower: the invitation, and later the song.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    account::UserId, channel::Channel, follower::Recipient, milestone::Milestone, song::Song,
    unknown::Unknown,
};

/// How long a network may take to show a message that it has. A second message is prevented only by
/// reading the messages. A post has a key of its own (Bluesky, Mastodon), or its words are refused where they are
/// already posted (X).
const MESSAGE_SHOWN_WITHIN: SignedDuration = SignedDuration::from_mins(10);

/// One message of a hug on its way, as its network is asked to carry it: the same on every try. A draft is
/// not sent, so it is not a letter.
#[derive(Clone, Copy, Debug)]
pub struct Letter<'a> {
    /// What it is for.
    pub kind: LetterKind,
    /// The account that sends it, by its stable id.
    pub from: &'a UserId,
    /// Whom the hug is for; `None` where nobody is named, which only an announcement allows.
    pub to: Option<&'a Recipient>,
    /// The milestone of the hug.
    pub milestone: Milestone,
    /// When the milestone was noticed.
    pub reached_at: Timestamp,
    /// Which letter of the hug it is, from 0: the invitation, the song; and after the hug was passed on, both again. With
    /// the milestone and `reached_at` it tells every letter of an account from every other.
    pub number: u32,
    /// How it travels.
    pub channel: Channel,
    /// Its words.
    pub text: &'a str,
    /// When the words were composed.
    pub prepared_at: Timestamp,
    /// The post that it replies to; only a [`Channel::Reply`] has one.
    pub reply_to: Option<&'a Receipt>,
    /// The song that it brings; `None` in an invitation.
    pub song: Option<&'a Song>,
}

/// What a letter is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LetterKind {
    /// It asks for a topic.
    Invitation,
    /// It brings the song.
    Song,
}

impl LetterKind {
    /// What is attempted when it is sent.
    pub const fn sending(self) -> &'static str {
        match self {
            Self::Invitation => "sending the invitation",
            Self::Song => "sending the song",
        }
    }

    /// What is attempted when it is looked up.
    pub const fn looking_up(self) -> &'static str {
        match self {
            Self::Invitation => "looking up whether the invitation arrived",
            Self::Song => "looking up whether the song arrived",
        }
    }

    /// The word for it in a sentence.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Invitation => "invitation",
            Self::Song => "song",
        }
    }
}

/// What a network has of a letter that it carried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The network's own id of the post or message; on Bluesky the at:// URI.
    pub reference: String,
    /// What a person opens to see it; `None` where it has no page.
    pub url: Option<String>,
    /// What a reply needs besides the reference, as the network's client writes it: Bluesky's `cid` (of an answer also
    /// the thread's root), Mastodon's visibility of an answer, or a private message's conversation.
    pub reply_key: Option<String>,
}

/// The state of one letter of a hug: its words, its claim, and what its network said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LetterState {
    /// The words that are being sent, were sent, or wait for the creator's hand.
    pub words: Option<Words>,
    /// What the network has of it; `None` before it is sent, and where the creator sent it by hand and did not
    /// say where it is.
    pub receipt: Option<Receipt>,
    /// When it was sent.
    pub sent_at: Option<Timestamp>,
    /// Until when a worker's claim keeps other workers away.
    pub lease_until: Option<Timestamp>,
    /// What it waits for since the last try; a wait is not a claim.
    pub wait: Option<Wait>,
    /// How often it was claimed.
    pub attempts: u32,
    /// How often a check has rearmed it since a person last touched it.
    pub rearmed: u32,
    /// The channels that were refused for good, and why.
    pub refusals: Vec<Refusal>,
    /// Fields that a later version of this program wrote.
    #[serde(flatten)]
    pub unknown: Unknown,
}

/// The words of a letter. They are recorded whole before the first try, so that a second try can recognise
/// them at the network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Words {
    /// The channel on which they are sent.
    pub channel: Channel,
    /// The text.
    pub text: String,
    /// When they were composed. It is part of what the network receives, so it never changes.
    pub prepared_at: Timestamp,
    /// When they were sent again, if they were: after an unknown outcome, when the network did not have them.
    pub tried_again_at: Option<Timestamp>,
}

/// What a letter waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wait {
    /// Nothing is tried before this time, unless the creator says so (see [`WaitCause`]).
    pub until: Timestamp,
    /// Why the letter waits.
    pub cause: WaitCause,
}

/// Why a letter waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WaitCause {
    /// The network's rate limit. Nobody can lift it.
    RateLimit,
    /// The account cannot send: a wrong secret, a missing right, a spending cap or a lock. A person can mend
    /// it, and then lift the wait.
    Blocked,
    /// The network, the ledger or the way to them fails for now.
    Trouble,
}

/// A channel that was refused for good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// The channel.
    pub channel: Channel,
    /// What the network said.
    pub reason: String,
}

impl Words {
    /// Time of the latest try that may have reached the network.
    pub fn last_tried_at(&self) -> Timestamp {
        self.tried_again_at.unwrap_or(self.prepared_at)
    }

    /// Until when the network may have the letter and not show it.
    pub fn shown_by(&self) -> Timestamp {
        match self.channel {
            Channel::Message => self.last_tried_at() + MESSAGE_SHOWN_WITHIN,
            _ => self.last_tried_at(),
        }
    }
}

/// How long a network may take to show a letter that it says to have.
const FOUND_WITHIN: SignedDuration = SignedDuration::from_hours(1);

impl LetterState {
    /// Whether the network does not show words that it says to have: they were looked for, and were composed so long
    /// ago that it should show them.
    pub fn is_nowhere(&self, now: Timestamp) -> bool {
        self.words.as_ref().is_some_and(|words| {
            words.tried_again_at.is_some() && now.duration_since(words.prepared_at) >= FOUND_WITHIN
        })
    }

    /// The channel of words that may have been sent; else the first of `contact` that was not refused.
    /// `None` where no channel is left.
    pub fn next_channel(&self, contact: &[Channel]) -> Option<Channel> {
        if let Some(words) = &self.words {
            return Some(words.channel);
        }
        let refused = |channel: &Channel| {
            let mut refusals = self.refusals.iter();
            refusals.any(|refusal| refusal.channel == *channel)
        };
        contact.iter().copied().find(|channel| !refused(channel))
    }

    /// The network's own id of it, once it has it.
    pub fn reference(&self) -> Option<&str> {
        self.receipt
            .as_ref()
            .map(|receipt| receipt.reference.as_str())
    }

    /// Whether the follower, or everyone, may see it: it was sent, or an unknown outcome left its words.
    pub fn may_be_out(&self) -> bool {
        let words = self.words.as_ref();
        self.sent_at.is_some() || words.is_some_and(|words| words.channel != Channel::Draft)
    }

    /// Until when a worker's claim holds, if it does.
    pub fn claimed_until(&self, now: Timestamp) -> Option<Timestamp> {
        self.lease_until.filter(|until| *until > now)
    }

    /// The wait that is not over yet.
    pub fn waits(&self, now: Timestamp) -> Option<Wait> {
        self.wait.filter(|wait| wait.until > now)
    }

    /// Whether the last try failed for a reason that only a person can remove.
    pub fn is_blocked(&self) -> bool {
        let cause = self.wait.map(|wait| wait.cause);
        cause == Some(WaitCause::Blocked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T0: Timestamp = Timestamp::UNIX_EPOCH;

    fn words(channel: Channel) -> Words {
        Words {
            channel,
            text: "600!".to_owned(),
            prepared_at: T0,
            tried_again_at: None,
        }
    }

    #[test]
    fn the_next_channel_is_the_first_that_was_not_refused() {
        let contact = [Channel::Mention, Channel::Announce, Channel::Draft];
        let mut letter = LetterState::default();
        assert_eq!(letter.next_channel(&contact), Some(Channel::Mention));
        letter.refusals.push(Refusal {
            channel: Channel::Mention,
            reason: "no".to_owned(),
        });
        assert_eq!(letter.next_channel(&contact), Some(Channel::Announce));
        assert_eq!(letter.next_channel(&[Channel::Mention]), None);
    }

    #[test]
    fn words_that_may_be_on_their_way_keep_their_channel() {
        let letter = LetterState {
            words: Some(words(Channel::Mention)),
            ..LetterState::default()
        };
        assert_eq!(
            letter.next_channel(&[Channel::Announce]),
            Some(Channel::Mention)
        );
    }

    #[test]
    fn a_message_may_show_up_for_ten_minutes_after_its_last_try_and_a_post_shows_at_once() {
        let ten = SignedDuration::from_mins(10);
        assert_eq!(words(Channel::Announce).shown_by(), T0);
        assert_eq!(words(Channel::Message).shown_by(), T0 + ten);
        let mut again = words(Channel::Message);
        again.tried_again_at = Some(T0 + ten);
        assert_eq!(again.shown_by(), T0 + ten + ten);
    }
}
