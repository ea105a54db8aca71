//! oEmbed: what YouTube tells of a link to a video, without a key.

use serde_json::json;

use super::{
    state::State,
    video::{Privacy, Station},
};
use crate::call::{Answer, Call};

const HOSTS: [&str; 5] = [
    "youtube.com",
    "www.youtube.com",
    "m.youtube.com",
    "music.youtube.com",
    "www.youtube-nocookie.com",
];

impl State {
    pub(super) fn oembed(&self, call: &Call) -> Answer {
        let url = call.parameter("url").unwrap_or_default();
        let id = match linked(url) {
            Link::Elsewhere => return plain(404, "Not Found"),
            Link::Broken => return plain(400, "Bad Request"),
            Link::Video(id) => id,
        };
        let Some(upload) = self.upload(id) else {
            return plain(404, "Not Found");
        };
        let video = &upload.video;
        if video.privacy == Privacy::Private {
            return plain(403, "Forbidden");
        }
        if !video.embeddable {
            return plain(401, "Unauthorized");
        }
        let station = self.station(&video.channel);
        let handle = station.map(|it: &Station| format!("https://www.youtube.com/@{}", it.handle));
        let frame = format!(
            r#"<iframe width="200" height="113" src="https://www.youtube.com/embed/{id}?feature=oembed" frameborder="0" allowfullscreen title="{}"></iframe>"#,
            video.title.replace('&', "&amp;").replace('"', "&quot;")
        );
        Answer::ok(&json!({
            "title": video.title,
            "author_name": station.map(|it| &it.title),
            "author_url": handle,
            "type": "video",
            "height": 113,
            "width": 200,
            "version": "1.0",
            "provider_name": "YouTube",
            "provider_url": "https://www.youtube.com/",
            "thumbnail_height": 360,
            "thumbnail_width": 480,
            "thumbnail_url": format!("https://i.ytimg.com/vi/{id}/hqdefault.jpg"),
            "html": frame,
        }))
    }
}

/// What an address leads to.
enum Link<'a> {
    Elsewhere,
    Broken,
    Video(&'a str),
}

fn linked(url: &str) -> Link<'_> {
    let rest = url.strip_prefix("https://");
    let Some(rest) = rest.or_else(|| url.strip_prefix("http://")) else {
        return Link::Elsewhere;
    };
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let id = if host == "youtu.be" {
        Some(path)
    } else if HOSTS.contains(&host) {
        id_in(path)
    } else {
        return Link::Elsewhere;
    };
    let id = id.and_then(|it| it.split(['?', '&', '#', '/']).next());
    let letters = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    match id {
        Some(id) if id.len() == 11 && id.chars().all(letters) => Link::Video(id),
        _ => Link::Broken,
    }
}

/// What follows the place at which the id begins.
fn id_in(path: &str) -> Option<&str> {
    if let Some(query) = path.strip_prefix("watch?") {
        return query.split('&').find_map(|it| it.strip_prefix("v="));
    }
    ["shorts/", "live/", "embed/", "v/"]
        .iter()
        .find_map(|before| path.strip_prefix(before))
}

fn plain(status: u16, words: &str) -> Answer {
    let mut answer = Answer::json(status, &json!(null));
    answer.content_type = "text/html; charset=utf-8";
    answer.body = words.to_owned();
    answer
}
