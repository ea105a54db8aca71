//! Videos, and the channels that publish them.

use jiff::Timestamp;

/// The id of the channel that every stand-in has: Amber Lane's.
pub const AMBER_CHANNEL: &str = "UCAmberLaneSings00000000";

/// Who may see a video.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Privacy {
    /// Everybody, and it is in the channel's list.
    Public,
    /// Whoever has the link.
    Unlisted,
    /// Only its channel.
    Private,
}

impl Privacy {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Unlisted => "unlisted",
            Self::Private => "private",
        }
    }
}

/// Whether a video is a broadcast.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Live {
    /// It is not, or not any more.
    No,
    /// It is announced (a premiere, for example), and cannot be watched yet.
    Upcoming,
    /// It is on the air.
    Now,
}

impl Live {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::No => "none",
            Self::Upcoming => "upcoming",
            Self::Now => "live",
        }
    }
}

/// A video.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Video {
    /// Its 11 letters, digits, `-` and `_`.
    pub id: String,
    /// The title.
    pub title: String,
    /// The description.
    pub description: String,
    /// When it was published.
    pub published_at: Timestamp,
    /// Who may see it.
    pub privacy: Privacy,
    /// Whether it is a broadcast.
    pub live: Live,
    /// Whether other sites may show it. If not, oEmbed refuses to speak of it.
    pub embeddable: bool,
    /// The id of its channel: `UC` and 22 characters.
    pub channel: String,
}

impl Video {
    /// A public video of Amber's, without a description.
    pub fn by_amber(id: &str, title: &str, published_at: Timestamp) -> Self {
        Self {
            id: id.to_owned(),
            title: title.to_owned(),
            description: String::new(),
            published_at,
            privacy: Privacy::Public,
            live: Live::No,
            embeddable: true,
            channel: AMBER_CHANNEL.to_owned(),
        }
    }
}

/// A channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Station {
    /// `UC` and 22 characters.
    pub id: String,
    /// The handle, without an `@`.
    pub handle: String,
    /// The name.
    pub title: String,
}

impl Station {
    /// Amber Lane's.
    pub fn amber() -> Self {
        Self {
            id: AMBER_CHANNEL.to_owned(),
            handle: "amberlane".to_owned(),
            title: "Amber Lane".to_owned(),
        }
    }

    /// The id of the list of its uploads.
    pub(super) fn uploads(&self) -> String {
        self.id.replacen("UC", "UU", 1)
    }
}
