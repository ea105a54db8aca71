//! The answers of the real YouTube, read by our types. They are not in this repository: the test data of python-youtube,
//! in the folder that `YOUTUBE_RECORDINGS` names. A file is an answer, or has it as `body` beside its `status`.

use std::{collections::BTreeMap, fs};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    refusal,
    wire::{Items, UploadItem, VideoItem},
};
use crate::http::Response;

#[test]
#[ignore = "needs recordings: python-youtube's test data, in the folder YOUTUBE_RECORDINGS"]
fn what_the_real_youtube_answered_is_read_without_loss() {
    let Ok(folder) = std::env::var("YOUTUBE_RECORDINGS") else {
        println!("not run: YOUTUBE_RECORDINGS is not set");
        return;
    };
    let mut read = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let file = path.file_name().unwrap().to_string_lossy().into_owned();
        let recording: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        let body = recording.get("body").unwrap_or(&recording);
        let kind = body["kind"].as_str().unwrap_or_default();
        let (kind, number) = match kind {
            "youtube#playlistItemListResponse" => ("uploads", uploads(body)),
            "youtube#videoListResponse" => ("videos", videos(body)),
            _ if body.get("error").is_some() => {
                let status = recording["status"].as_u64();
                ("errors", error(&file, status, body))
            }
            // The client asks for nothing else.
            _ => ("files of other kinds, left out", 1),
        };
        *read.entry(kind).or_insert(0) += number;
    }
    for (kind, number) in &read {
        println!("{number:6} {kind}");
    }
    for kind in ["uploads", "videos", "errors"] {
        assert!(read.contains_key(kind), "no {kind} at all");
    }
}

fn answer(status: u64, body: &Value) -> Response {
    Response::read(format!("{status}\n\n{body}").as_bytes())
}

fn items(body: &Value) -> &Vec<Value> {
    let items = body["items"].as_array().unwrap();
    assert!(!items.is_empty());
    items
}

/// Reads a page as one of a channel's uploads. The recordings were asked for the snippet only, so what the client asks
/// for beside it is added where it is not there.
fn uploads(body: &Value) -> usize {
    let mut body = body.clone();
    for item in body["items"].as_array_mut().unwrap() {
        let snippet = item["snippet"].clone();
        let details = json!({
            "videoId": snippet["resourceId"]["videoId"],
            "videoPublishedAt": snippet["publishedAt"],
        });
        let fields = item.as_object_mut().unwrap();
        fields.entry("contentDetails").or_insert(details);
        let public = json!({ "privacyStatus": "public" });
        fields.entry("status").or_insert(public);
    }
    let recorded = items(&body);
    let read: Items<UploadItem> = answer(200, &body).json().unwrap();
    let read = read.items.into_iter().map(UploadItem::into_upload);
    for (read, recorded) in read.zip(recorded) {
        let (snippet, details) = (&recorded["snippet"], &recorded["contentDetails"]);
        if recorded["status"]["privacyStatus"] == "private" {
            assert_eq!(read, None);
            continue;
        }
        let read = read.unwrap();
        assert_eq!(json!(read.video.as_str()), details["videoId"]);
        assert_eq!(json!(read.title), snippet["title"]);
        assert_eq!(json!(read.description), snippet["description"]);
        same_time(read.published_at, &details["videoPublishedAt"]);
    }
    recorded.len()
}

/// Both forms that YouTube has used: with and without thousandths.
fn same_time(read: Option<Timestamp>, recorded: &Value) {
    let seconds = recorded.as_str().unwrap().trim_end_matches('Z');
    let seconds = seconds.trim_end_matches(".000");
    let read = read.unwrap().strftime("%Y-%m-%dT%H:%M:%S").to_string();
    assert_eq!(read, seconds);
}

fn videos(body: &Value) -> usize {
    let recorded = items(body);
    let read: Items<VideoItem> = answer(200, body).json().unwrap();
    assert_eq!(read.items.len(), recorded.len());
    for (read, recorded) in read.items.iter().zip(recorded) {
        let is_private = recorded["status"]["privacyStatus"] == "private";
        let is_to_come = recorded["snippet"]["liveBroadcastContent"] == "upcoming";
        assert_eq!(read.can_be_watched(), !is_private && !is_to_come);
    }
    recorded.len()
}

/// What is refused for good has a reason; an error that says nothing may end by itself.
fn error(file: &str, status: Option<u64>, body: &Value) -> usize {
    let error = &body["error"];
    let status = status.or_else(|| error["code"].as_u64()).unwrap_or(500);
    let (why, heals) = refusal(&answer(status, body));
    println!("       {file}: {why}{}", super::help(heals));
    let reasons = error["errors"].as_array().into_iter().flatten();
    let reasons: Vec<&str> = reasons.filter_map(|one| one["reason"].as_str()).collect();
    assert!(
        reasons.iter().all(|reason| why.contains(reason)),
        "{file}: {why}"
    );
    let is_quota = |reason: &&str| reason.contains("Exceeded") || reason.contains("LimitExceeded");
    let expected = reasons.is_empty() || reasons.iter().any(is_quota) || status >= 500;
    assert_eq!(heals, expected, "{file}: {why}");
    1
}
