//! The states of a hug, and why it cannot go from one to another now.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::letter::{Wait, WaitCause};

/// The state of a hug.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Owed and recorded. The stream hands such a hug to `invite-follower`.
    Reached,
    /// More than the plan allows in a day, or nobody can be named. Nothing is sent before the creator
    /// approves.
    Held,
    /// Claimed: a worker is sending the invitation, or it waits for the next try.
    Inviting,
    /// No channel is left for a program: the words of the invitation or of the song wait for the creator's hand.
    ToSend,
    /// The invitation was sent.
    Invited,
    /// The follower named a topic, and the creator writes the song.
    TopicChosen,
    /// The song is posted: a worker brings it to the follower, or it waits for the next try.
    SongPosted,
    /// The follower has the link. Here, have a hug.
    Hugged,
    /// The follower said stop.
    Declined,
    /// The creator ended it.
    Cancelled,
    /// A state that a later version of this program wrote. Nothing is done with such a hug.
    #[serde(untagged)]
    Unknown(String),
}

impl Status {
    /// Whether nothing more happens to the hug, as far as this program knows.
    pub fn has_ended(&self) -> bool {
        matches!(
            self,
            Self::Hugged | Self::Declined | Self::Cancelled | Self::Unknown(_)
        )
    }
}

impl fmt::Display for Status {
    /// The word in the ledger, which serde writes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(word) => f.write_str(word),
            known => known.serialize(f),
        }
    }
}

/// Why a hug is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HoldCause {
    /// The account owes more hugs in 24 hours than its plan allows.
    MostADay,
    /// Nobody can be named.
    Nobody,
}

/// Why a step cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotNow {
    /// A worker has claimed it; a check rearms it if the worker dies.
    #[error(
        "it is under way until {until} at the latest; a check or `hug watch` continues with it then"
    )]
    InProgress {
        /// When the claim runs out.
        until: Timestamp,
    },
    /// It waits.
    #[error("{}", wait_in_words(wait))]
    Waiting {
        /// For what, and until when.
        wait: Wait,
    },
    /// It is held.
    #[error("it is held; `hug approve` sends it, and `hug cancel` ends it")]
    Held,
    /// Nobody is named.
    #[error("nobody is named; say whom it is for: `hug approve` with `--for HANDLE`")]
    Nobody,
    /// The invitation comes first.
    #[error("it is {0}: the follower is not invited yet")]
    NotInvited(Status),
    /// There is no topic that could be accepted or refused.
    #[error("it has no topic to decide about; `hug topic` with the words writes one down")]
    NoTopic,
    /// The creator passed it on, and nobody is chosen yet.
    #[error("it was passed on, and the next check chooses who gets it")]
    PassedOn,
    /// It was passed on before.
    #[error("it was passed on once, and that is enough; `hug cancel` ends it")]
    PassedBefore,
    /// The song with another link may have arrived.
    #[error(
        "the follower may have the link already; `hug check` finds out, then repeat the command"
    )]
    MayBeOut,
    /// Nothing is left to do.
    #[error("{}", already(.0))]
    Settled(Status),
}

fn already(status: &Status) -> String {
    match status {
        Status::TopicChosen => "its topic is chosen already".to_owned(),
        Status::SongPosted => "its song is posted already".to_owned(),
        Status::ToSend => "its words wait for your hand already".to_owned(),
        other => format!("it is {other} already"),
    }
}

fn wait_in_words(wait: &Wait) -> String {
    let until = wait.until;
    match wait.cause {
        WaitCause::RateLimit => {
            format!("the network's rate limit lasts until {until}, and nobody can lift it")
        }
        WaitCause::Blocked => {
            format!("the account cannot send until {until}; `hug retry` tries it at once")
        }
        WaitCause::Trouble => format!("it waits until {until}; `hug retry` tries it at once"),
    }
}
