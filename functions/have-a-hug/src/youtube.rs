//! YouTube: whether a video is there, and which videos a channel has uploaded. Facts and sources: docs/NETWORKS.md.
//!
//! A video is looked up without a key, by oEmbed. The uploads of a channel are read with an API key, in a header, so that
//! no address contains it. Each request costs one unit of the 10,000 that a project has a day.

#[cfg(test)]
mod recordings;
mod wire;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use jiff::{SignedDuration, Timestamp};
use promise::{
    untrusted::{MAX_REASON, one_line},
    upload::Upload,
    video::VideoId,
};
use reqwest::{RequestBuilder, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;

use self::wire::{Items, MAX_TITLE, OEmbed, Problem, UploadItem, VideoItem};
use crate::http::{self, Response, SendError, with_query};

/// The name of the secret with the API key.
pub const API_KEY: &str = "YOUTUBE_API_KEY";

const API: &str = "https://www.googleapis.com";
const SITE: &str = "https://www.youtube.com";

/// How long the list of a channel's uploads serves all accounts that share the channel.
const LIST_IS_FRESH_FOR: SignedDuration = SignedDuration::from_secs(60);

/// The newest uploads that one request reads.
const NEWEST: &str = "50";

/// YouTube, as the program uses it.
pub struct YouTube {
    http: reqwest::Client,
    /// The addresses of the API and of the site.
    api: String,
    site: String,
    key: Option<SecretString>,
    /// The uploads of each channel, and when they were read.
    lists: Mutex<HashMap<String, List>>,
}

/// The uploads of a channel, and when they were read.
type List = (Timestamp, Arc<Vec<Upload>>);

/// What YouTube says of one video.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// It is there. The title is known unless the video may not be embedded.
    There(Option<String>),
    /// There is no such video, or nobody else may see it.
    Missing,
    /// YouTube cannot be asked now, for this reason.
    Unknown(String),
}

/// A request to YouTube that failed: what was attempted, and why.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{attempted} failed: {why}{}", help(*.can_heal))]
pub struct YouTubeError {
    /// What was being attempted.
    pub attempted: &'static str,
    /// What YouTube or the connection answered.
    pub why: String,
    /// Whether a later request can work without anyone changing anything.
    pub can_heal: bool,
    /// Whether YouTube says that there is no such list.
    nothing_is_there: bool,
}

fn help(can_heal: bool) -> &'static str {
    if can_heal {
        "; the next check tries again"
    } else {
        "; check `[songs]` in hug.toml and YOUTUBE_API_KEY, or name the video by hand: `hug song`"
    }
}

impl YouTube {
    /// YouTube, or another server with the same API. Nothing is asked yet.
    pub fn new(http: &reqwest::Client, server: Option<&str>, key: Option<SecretString>) -> Self {
        Self {
            http: http.clone(),
            api: server.unwrap_or(API).to_owned(),
            site: server.unwrap_or(SITE).to_owned(),
            key,
            lists: Mutex::default(),
        }
    }

    /// Whether a video is there, and its title. This needs no key, and costs nothing.
    pub async fn look_up(&self, video: &VideoId) -> Seen {
        let watch = format!("https://www.youtube.com/watch?v={video}");
        let query = [("format", "json"), ("url", watch.as_str())];
        let url = with_query(format!("{}/oembed", self.site), &query);
        let response = match http::send(self.http.get(url)).await {
            Ok(response) => response,
            Err(SendError::NotSent(why) | SendError::NoResponse(why)) => return Seen::Unknown(why),
        };
        match response.status {
            // Recorded once: 200 with the words "Forbidden" for a private video.
            StatusCode::OK => match response.json::<OEmbed>() {
                Ok(found) => Seen::There(Some(one_line(&found.title, MAX_TITLE))),
                Err(why) => Seen::Unknown(one_line(&why, MAX_REASON)),
            },
            // Its owner has switched embedding off.
            StatusCode::UNAUTHORIZED => Seen::There(None),
            StatusCode::NOT_FOUND | StatusCode::BAD_REQUEST | StatusCode::FORBIDDEN => {
                Seen::Missing
            }
            other => Seen::Unknown(format!("YouTube answers {other}")),
        }
    }

    /// The newest uploads of a channel, newest first: one unit, once for all accounts that share the channel.
    ///
    /// # Errors
    ///
    /// Where YouTube cannot be read.
    pub async fn uploads(
        &self,
        channel: &str,
        now: Timestamp,
    ) -> Result<Arc<Vec<Upload>>, YouTubeError> {
        if let Some((at, uploads)) = self.lists().get(channel)
            && now.duration_since(*at).abs() < LIST_IS_FRESH_FOR
        {
            return Ok(Arc::clone(uploads));
        }
        // The list of a channel's uploads has the channel's id with another beginning. YouTube does not document it; all
        // programs rely on it.
        let list = format!("UU{}", channel.strip_prefix("UC").unwrap_or(channel));
        let query = [
            ("part", "snippet,contentDetails,status"),
            ("playlistId", list.as_str()),
            ("maxResults", NEWEST),
        ];
        let what = "reading the videos of your channel";
        // A channel without public videos may have no such list.
        let items = match self
            .get::<Items<UploadItem>>(what, "playlistItems", &query)
            .await
        {
            Err(error) if error.nothing_is_there => Items::default(),
            items => items?,
        };
        let uploads = items.items.into_iter().filter_map(UploadItem::into_upload);
        let uploads = Arc::new(uploads.collect());
        self.lists()
            .insert(channel.to_owned(), (now, Arc::clone(&uploads)));
        Ok(uploads)
    }

    /// Whether everyone can watch the video now: it is public or unlisted, and its premiere is over. One unit.
    ///
    /// # Errors
    ///
    /// Where YouTube cannot be read.
    pub async fn can_be_watched(&self, video: &VideoId) -> Result<bool, YouTubeError> {
        let query = [("part", "snippet,status"), ("id", video.as_str())];
        let what = "looking at a video of your channel";
        let items: Items<VideoItem> = self.get(what, "videos", &query).await?;
        Ok(items.items.iter().any(VideoItem::can_be_watched))
    }

    async fn get<T: DeserializeOwned>(
        &self,
        attempted: &'static str,
        method: &str,
        query: &[(&str, &str)],
    ) -> Result<T, YouTubeError> {
        let failed = |why: String, can_heal| YouTubeError {
            attempted,
            why: self.redacted(&why),
            can_heal,
            nothing_is_there: false,
        };
        let Some(key) = &self.key else {
            return Err(failed(format!("the secret {API_KEY} is missing"), false));
        };
        let url = with_query(format!("{}/youtube/v3/{method}", self.api), query);
        let request: RequestBuilder = self.http.get(url);
        let request = request.header("x-goog-api-key", key.expose_secret());
        let response = http::send(request).await.map_err(|error| match error {
            SendError::NotSent(why) | SendError::NoResponse(why) => failed(why, true),
        })?;
        if !response.status.is_success() {
            let (why, can_heal) = refusal(&response);
            return Err(YouTubeError {
                nothing_is_there: response.status == StatusCode::NOT_FOUND,
                ..failed(why, can_heal)
            });
        }
        response.json().map_err(|why| failed(why, true))
    }

    /// What a server answered, short and on one line; left out where it quotes the key.
    fn redacted(&self, foreign: &str) -> String {
        let quotes = |key: &SecretString| foreign.contains(key.expose_secret());
        if self.key.as_ref().is_some_and(quotes) {
            return "(an answer that quotes a secret, and is not shown)".to_owned();
        }
        one_line(foreign, MAX_REASON)
    }

    fn lists(&self) -> MutexGuard<'_, HashMap<String, List>> {
        // A list is whole even if a thread panicked while it held the lock.
        self.lists.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why YouTube refused, and whether that ends by itself: a used-up quota does, at midnight in California.
fn refusal(response: &Response) -> (String, bool) {
    let problem: Problem = response.json().unwrap_or_default();
    let heals = problem.is_about_quota()
        || response.status.is_server_error()
        || response.status == StatusCode::TOO_MANY_REQUESTS
        || problem.is_empty();
    (format!("{}: {}", response.status, problem.words()), heals)
}

#[cfg(any(test, fuzzing))]
impl YouTube {
    /// Parses the response as every type of this client and checks the invariants of each.
    #[allow(clippy::missing_panics_doc, reason = "it is there to panic")]
    pub(crate) fn take_in(response: &Response) {
        if let Ok(items) = response.json::<Items<UploadItem>>() {
            for upload in items.items.into_iter().filter_map(UploadItem::into_upload) {
                assert!(upload.title.chars().count() <= MAX_TITLE + 1);
                assert!(!upload.title.contains(char::is_control));
            }
        }
        if let Ok(items) = response.json::<Items<VideoItem>>() {
            let _ = items.items.iter().any(VideoItem::can_be_watched);
        }
        let _ = response.json::<OEmbed>();
        let (why, _) = refusal(response);
        assert!(!one_line(&why, MAX_REASON).contains(char::is_control));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_used_up_quota_ends_by_itself_and_a_wrong_key_does_not() {
        let heals = |answer: &str| refusal(&Response::read(answer.as_bytes())).1;
        assert!(heals(
            r#"403

{"error":{"code":403,"message":"quota","errors":[{"reason":"quotaExceeded","domain":"youtube.quota"}]}}"#
        ));
        assert!(!heals(
            r#"400

{"error":{"code":400,"message":"API key not valid.","errors":[{"reason":"badRequest"}],"status":"INVALID_ARGUMENT","details":[{"reason":"API_KEY_INVALID"}]}}"#
        ));
        assert!(!heals(
            r#"403

{"error":{"code":403,"message":"not used before","errors":[{"reason":"accessNotConfigured"}]}}"#
        ));
        assert!(heals("503\n\n<html>"));
        assert!(heals("429\n\n{}"));
    }
}
