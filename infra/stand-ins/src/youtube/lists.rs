//! The lists of the Data API: what is in a channel's uploads, videos by id, channels.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    parameters::{Page, etag, parts, values},
    refusals::{Reply, about},
    state::{State, Upload},
    video::{Privacy, Station},
};
use crate::call::{Answer, Call};

const ITEM_PARTS: &str = "contentDetails id snippet status";
const VIDEO_PARTS: &str = "contentDetails id liveStreamingDetails localizations player recordingDetails snippet statistics \
    status topicDetails";
const CHANNEL_PARTS: &str =
    "brandingSettings contentDetails id localizations snippet statistics status topicDetails";

impl State {
    pub(super) fn list_items(&self, call: &Call) -> Reply {
        let parts = parts(call, ITEM_PARTS)?;
        let Some(playlist) = call.parameter("playlistId") else {
            return Err(no_filter("id, playlistId"));
        };
        let station = self.stations.iter().find(|it| it.uploads() == playlist);
        let station = station.ok_or_else(|| no_playlist(playlist))?;
        let listed = self.listed(&station.id);
        if listed.is_empty() {
            return Err(no_playlist(playlist));
        }
        let numbered: Vec<(usize, &Upload)> = listed.into_iter().enumerate().collect();
        let page = Page::cut(call, numbered)?;
        let shown = page.items.iter();
        let shown: Vec<Value> = shown
            .map(|(position, upload)| item_json(*position, upload, station, &parts))
            .collect();
        Ok(page.answer("playlistItem", &shown))
    }

    pub(super) fn list_videos(&self, call: &Call) -> Reply {
        let parts = parts(call, VIDEO_PARTS)?;
        let ids = values(call, "id");
        if ids.is_empty() {
            return Err(no_filter("chart, id, myRating"));
        }
        // What is private or gone is left out, and that is all that is said of it.
        let found = ids.iter().filter_map(|id| self.upload(id));
        let found = found.filter(|it| it.video.privacy != Privacy::Private);
        let shown: Vec<Value> = found
            .map(|upload| self.video_json(upload, &parts))
            .collect();
        Ok(whole("video", &shown))
    }

    pub(super) fn list_channels(&self, call: &Call) -> Reply {
        let parts = parts(call, CHANNEL_PARTS)?;
        let ids = values(call, "id");
        let handle = call.parameter("forHandle");
        if ids.is_empty() && handle.is_none() {
            return Err(no_filter(
                "categoryId, forHandle, forUsername, id, managedByMe, mine",
            ));
        }
        let handle = handle.map(|it| it.trim_start_matches('@').to_lowercase());
        let asked = |it: &&Station| {
            ids.contains(&it.id.as_str()) || handle.as_deref() == Some(it.handle.as_str())
        };
        let found = self.stations.iter().filter(asked);
        let shown: Vec<Value> = found
            .map(|station| self.channel_json(station, &parts))
            .collect();
        if shown.is_empty() {
            // As on YouTube, the answer has no list then.
            return Ok(Answer::ok(&json!({
                "kind": "youtube#channelListResponse",
                "etag": etag(""),
                "pageInfo": {"totalResults": 0, "resultsPerPage": 5},
            })));
        }
        Ok(whole("channel", &shown))
    }

    fn video_json(&self, upload: &Upload, parts: &[&str]) -> Value {
        let video = &upload.video;
        let title = self.station(&video.channel).map(|it| &it.title);
        let mut out = json!({
            "kind": "youtube#video", "etag": etag(&format!("{video:?}")), "id": video.id,
        });
        for part in parts {
            out[*part] = match *part {
                "snippet" => json!({
                    "publishedAt": seconds(video.published_at),
                    "channelId": video.channel,
                    "title": video.title,
                    "description": video.description,
                    "thumbnails": thumbnails(&video.id),
                    "channelTitle": title,
                    "categoryId": "10",
                    "liveBroadcastContent": video.live.word(),
                    "localized": {"title": video.title, "description": video.description},
                }),
                "status" => json!({
                    "uploadStatus": "processed",
                    "privacyStatus": video.privacy.word(),
                    "license": "youtube",
                    "embeddable": video.embeddable,
                    "publicStatsViewable": true,
                    "madeForKids": false,
                }),
                "contentDetails" => json!({
                    "duration": "PT3M21S", "dimension": "2d", "definition": "hd",
                    "caption": "false", "licensedContent": false, "projection": "rectangular",
                }),
                _ => continue,
            };
        }
        out
    }

    fn channel_json(&self, station: &Station, parts: &[&str]) -> Value {
        let mut out = json!({
            "kind": "youtube#channel", "etag": etag(&format!("{station:?}")), "id": station.id,
        });
        for part in parts {
            out[*part] = match *part {
                "snippet" => json!({
                    "title": station.title,
                    "description": "",
                    "customUrl": format!("@{}", station.handle),
                    "publishedAt": "2019-05-04T10:00:00Z",
                    "thumbnails": {},
                    "localized": {"title": station.title, "description": ""},
                }),
                "contentDetails" => json!({
                    "relatedPlaylists": {"likes": "", "uploads": station.uploads()},
                }),
                "statistics" => json!({
                    "viewCount": "0",
                    "subscriberCount": "600",
                    "hiddenSubscriberCount": false,
                    "videoCount": self.listed(&station.id).len().to_string(),
                }),
                _ => continue,
            };
        }
        out
    }
}

fn item_json(position: usize, upload: &Upload, station: &Station, parts: &[&str]) -> Value {
    let video = &upload.video;
    let playlist = station.uploads();
    let mut out = json!({
        "kind": "youtube#playlistItem",
        "etag": etag(&format!("{video:?} {position}")),
        "id": format!("{playlist}.{}", video.id),
    });
    for part in parts {
        out[*part] = match *part {
            "snippet" => json!({
                "publishedAt": seconds(upload.added_at),
                "channelId": station.id,
                "title": video.title,
                "description": video.description,
                "thumbnails": thumbnails(&video.id),
                "channelTitle": station.title,
                "playlistId": playlist,
                "position": position,
                "resourceId": {"kind": "youtube#video", "videoId": video.id},
                "videoOwnerChannelTitle": station.title,
                "videoOwnerChannelId": station.id,
            }),
            "contentDetails" => json!({
                "videoId": video.id, "videoPublishedAt": seconds(video.published_at),
            }),
            "status" => json!({"privacyStatus": video.privacy.word()}),
            _ => continue,
        };
    }
    out
}

/// A list that fits on one page.
fn whole(kind: &str, items: &[Value]) -> Answer {
    Answer::ok(&json!({
        "kind": format!("youtube#{kind}ListResponse"),
        "etag": etag(&format!("{items:?}")),
        "items": items,
        "pageInfo": {"totalResults": items.len(), "resultsPerPage": items.len()},
    }))
}

fn thumbnails(id: &str) -> Value {
    let url = format!("https://i.ytimg.com/vi/{id}/default.jpg");
    json!({"default": {"url": url, "width": 120, "height": 90}})
}

/// A time as YouTube writes it: in UTC, with seconds.
fn seconds(at: Timestamp) -> String {
    format!("{at:.0}")
}

fn no_filter(expected: &str) -> Answer {
    let message = format!("No filter selected. Expected one of: {expected}");
    about("parameters.", 400, "missingRequiredParameter", &message)
}

fn no_playlist(id: &str) -> Answer {
    let message = format!(
        "The playlist identified with the request's <code>playlistId</code> parameter cannot be found: {id}"
    );
    let mut answer = about("playlistId", 404, "playlistNotFound", &message);
    answer.body = answer
        .body
        .replace("youtube.parameter", "youtube.playlistItem");
    answer
}
