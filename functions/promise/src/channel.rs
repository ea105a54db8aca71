//! How a letter travels.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::mistake::Mistake;

/// How a letter travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// A post that names nobody and asks the follower to reply.
    Announce,
    /// A post that names the follower.
    Mention,
    /// A private message to the follower.
    Message,
    /// A reply to the follower's own answer; only the song travels so.
    Reply,
    /// Nothing is sent: the words and a one-tap link are kept for the creator's own hand.
    Draft,
}

impl Channel {
    /// The channels of an invitation: what `contact` in hug.toml can name.
    pub const OF_INVITATIONS: [Self; 4] =
        [Self::Announce, Self::Mention, Self::Message, Self::Draft];

    /// The word for it in hug.toml and in records.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Announce => "announce",
            Self::Mention => "mention",
            Self::Message => "message",
            Self::Reply => "reply",
            Self::Draft => "draft",
        }
    }

    /// Whether it writes to one person, so that their name must be known.
    pub fn needs_recipient(self) -> bool {
        matches!(self, Self::Mention | Self::Message)
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for Channel {
    type Err = Mistake;

    fn from_str(text: &str) -> Result<Self, Mistake> {
        let known = Self::OF_INVITATIONS
            .into_iter()
            .find(|channel| channel.word() == text);
        known.ok_or_else(|| {
            Mistake::new(format!(
                "\"{text}\" is not a channel; write \"announce\", \"mention\", \"message\" or \"draft\""
            ))
        })
    }
}
