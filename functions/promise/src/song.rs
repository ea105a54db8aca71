//! The song of a hug: the video, and where it was found.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{unknown::Unknown, video::VideoId};

/// The video of a hug's song.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Song {
    /// YouTube's id of the video.
    pub video: VideoId,
    /// Its title, on one line and safe to show; `None` where it is not known.
    pub title: Option<String>,
    /// Who named the video.
    pub by: SongSource,
    /// When.
    pub at: Timestamp,
    /// Fields that a later version of this program wrote.
    #[serde(flatten)]
    pub unknown: Unknown,
}

/// Who named the video of a song.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SongSource {
    /// The creator, with the command.
    Creator,
    /// The mark in its title or description, on the creator's channel.
    Channel,
    /// A word that a later version of this program wrote.
    #[serde(untagged)]
    Other(String),
}

impl Song {
    /// The address that the follower gets.
    pub fn url(&self) -> String {
        self.video.watch_url()
    }
}
