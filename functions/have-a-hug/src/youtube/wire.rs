//! YouTube's JSON.

use jiff::Timestamp;
use promise::{untrusted::one_line, upload::Upload, video::VideoId};
use serde::Deserialize;

use crate::network::time_if_readable;

/// How many characters of a title are kept: YouTube allows 100.
pub(super) const MAX_TITLE: usize = 100;

/// A page of a list.
#[derive(Deserialize)]
pub(super) struct Items<T> {
    #[serde(default = "Vec::new")]
    pub items: Vec<T>,
}

impl<T> Default for Items<T> {
    fn default() -> Self {
        Self { items: Vec::new() }
    }
}

/// An entry of the list of a channel's uploads.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct UploadItem {
    snippet: Snippet,
    content_details: Option<ContentDetails>,
    status: Option<Status>,
}

/// A video.
#[derive(Deserialize)]
pub(super) struct VideoItem {
    snippet: Option<Snippet>,
    status: Option<Status>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Snippet {
    title: String,
    description: String,
    live_broadcast_content: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ContentDetails {
    video_id: Option<String>,
    /// When the video was published; the snippet only says when it was added to the list.
    #[serde(default, deserialize_with = "time_if_readable")]
    video_published_at: Option<Timestamp>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    privacy_status: Option<String>,
}

impl Status {
    fn is_private(&self) -> bool {
        self.privacy_status.as_deref() == Some("private")
    }
}

impl UploadItem {
    /// The video, if it is one that others may see.
    pub(super) fn into_upload(self) -> Option<Upload> {
        let details = self.content_details?;
        if self.status.is_some_and(|status| status.is_private()) {
            return None;
        }
        Some(Upload {
            video: VideoId::from_id(&details.video_id?)?,
            title: one_line(&self.snippet.title, MAX_TITLE),
            description: self.snippet.description,
            published_at: details.video_published_at,
        })
    }
}

impl VideoItem {
    /// Whether everyone can watch it now. A premiere that is still to come is in the list like any other video.
    pub(super) fn can_be_watched(&self) -> bool {
        let live = self.snippet.as_ref();
        let live = live.and_then(|snippet| snippet.live_broadcast_content.as_deref());
        let is_private = self.status.as_ref().is_some_and(Status::is_private);
        !is_private && live != Some("upcoming")
    }
}

/// The answer of oEmbed.
#[derive(Deserialize)]
pub(super) struct OEmbed {
    pub title: String,
}

/// An error of the API.
#[derive(Default, Deserialize)]
pub(super) struct Problem {
    #[serde(default)]
    error: ProblemBody,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ProblemBody {
    message: String,
    errors: Vec<SingleError>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct SingleError {
    reason: String,
}

impl Problem {
    pub(super) fn is_empty(&self) -> bool {
        self.error.message.is_empty() && self.error.errors.is_empty()
    }

    /// Whether the project has asked too often.
    pub(super) fn is_about_quota(&self) -> bool {
        let quota = ["quotaExceeded", "rateLimitExceeded", "dailyLimitExceeded"];
        let mut errors = self.error.errors.iter();
        errors.any(|error| quota.contains(&error.reason.as_str()))
    }

    pub(super) fn words(&self) -> String {
        let reasons = self.error.errors.iter().map(|error| error.reason.as_str());
        let reasons: Vec<&str> = reasons.collect();
        match (self.is_empty(), reasons.as_slice()) {
            (true, _) => "no reason given".to_owned(),
            (false, []) => self.error.message.clone(),
            (false, reasons) => format!("{} ({})", self.error.message, reasons.join(", ")),
        }
    }
}
