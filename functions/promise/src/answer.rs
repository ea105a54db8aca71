//! What the follower answered: the answers of one hug, and the topic.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{account::UserId, letter::Receipt, unknown::Unknown};

/// Most answers of one follower that are judged for one hug. After that the creator writes the topic by hand, so that
/// nobody can make the record grow without end.
pub const MAX_JUDGED: usize = 100;

/// For so long after a letter or an answer every check asks for answers; then one check an hour.
const ASKED_AT_EACH_CHECK: SignedDuration = SignedDuration::from_hours(24);

/// For so long answers are asked for at all.
pub const ASKED_FOR: SignedDuration = SignedDuration::from_hours(90 * 24);

/// How long the follower may be silent before the creator is told.
pub const SILENCE: SignedDuration = SignedDuration::from_hours(14 * 24);

/// What somebody wrote under an invitation, as the network shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Who wrote it.
    pub author: UserId,
    /// The reference of the invitation that it answers.
    pub to: String,
    /// The post itself, with what a reply to it needs.
    pub post: Receipt,
    /// What tells this text from every other: the id of the post and, where the network lets a post be edited without a
    /// new id, the edit.
    pub version: String,
    /// What the author typed, without mentions and markup. It is not made safe yet.
    pub text: String,
    /// When it was written.
    pub at: Timestamp,
    /// The network's own mark on it, in words: "marked as sensitive". `None` where there is none.
    pub mark: Option<String>,
    /// Whether the network lets a program reply to it without doubt.
    pub invites_reply: bool,
}

/// What is known of the answers of one hug's follower.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Answers {
    /// Every answer that was judged ([`Answer::version`]), so that none is judged twice.
    pub judged: Vec<String>,
    /// The post to which the song replies: the follower's latest answer, or the latest to which the network lets a
    /// program reply without doubt.
    pub reply_to: Option<Receipt>,
    /// Whether the network lets a program reply to that post without doubt.
    pub invites_reply: bool,
    /// When the latest answer was written.
    pub latest_at: Option<Timestamp>,
    /// When the creator was told that there is no answer.
    pub silence_told_at: Option<Timestamp>,
}

/// What the follower asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Topic {
    /// In the follower's own words, on one line and safe to show; or in the creator's.
    pub text: String,
    /// Whether it counts.
    pub verdict: Verdict,
    /// Who wrote it.
    pub by: TopicSource,
    /// Why it is doubtful; `None` where it is not.
    pub doubt: Option<String>,
    /// When it was written.
    pub at: Timestamp,
    /// Fields that a later version of this program wrote.
    #[serde(flatten)]
    pub unknown: Unknown,
}

/// Whether a topic counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The program has no objection. A later answer replaces it.
    Clean,
    /// The creator has to decide.
    Doubtful,
    /// The creator has accepted it. No answer replaces it.
    Accepted,
    /// The creator has refused it. Only another answer counts.
    Refused,
    /// A word that a later version of this program wrote.
    #[serde(untagged)]
    Other(String),
}

/// Who wrote a topic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TopicSource {
    /// The follower, on the network.
    Follower,
    /// The creator, with the command.
    Creator,
    /// A word that a later version of this program wrote.
    #[serde(untagged)]
    Other(String),
}

/// How a check asks for answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asking {
    /// Every check asks.
    Always,
    /// One check an hour asks.
    Hourly,
    /// No check asks; the creator writes the topic by hand.
    Never,
}

impl Asking {
    /// How often answers are asked for, as long after the last letter or answer.
    pub fn after(quiet: SignedDuration) -> Self {
        if quiet < ASKED_AT_EACH_CHECK {
            Self::Always
        } else if quiet < ASKED_FOR {
            Self::Hourly
        } else {
            Self::Never
        }
    }
}
