//! A video at YouTube, found in a link as a person copies it.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{mistake::Mistake, untrusted::one_line};

/// How many characters the id of a video has.
const LENGTH: usize = 11;

/// How many characters of a wrong link are repeated to its author.
const SHOWN: usize = 100;

/// Where YouTube shows its videos, beside `youtu.be`.
const HOSTS: [&str; 6] = [
    "youtube.com",
    "www.youtube.com",
    "m.youtube.com",
    "music.youtube.com",
    "youtube-nocookie.com",
    "www.youtube-nocookie.com",
];

/// What stands before the id of a video in the path of a link, beside `watch`.
const BEFORE_ID: [&str; 4] = ["shorts", "live", "embed", "v"];

/// The first parts of a path that leads to a channel; a handle such as `@amber` leads there too.
const CHANNELS: [&str; 3] = ["channel", "c", "user"];

/// The id that YouTube gave to a video: 11 characters of `0-9`, `A-Z`, `a-z`, `_` and `-`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct VideoId(String);

impl VideoId {
    /// The id as YouTube writes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The video of that id, if it can be one.
    pub fn from_id(id: &str) -> Option<Self> {
        let fits = id.len() == LENGTH && id.bytes().all(is_of_an_id);
        fits.then(|| Self(id.to_owned()))
    }

    /// The video that a link leads to. What else a link says (who shared it, at which second it starts, the
    /// list it stands in) is dropped.
    ///
    /// An id alone is taken too, but only if no word is written like it: `bittersweet` has 11 letters as well.
    ///
    /// # Errors
    ///
    /// What the text is instead, and what would be right.
    pub fn from_url(url: &str) -> Result<Self, Mistake> {
        let url = url.trim();
        let mistake = |what: &str| {
            Mistake::new(format!(
                "\"{}\" {what}; write the link of the video itself, such as https://youtu.be/dQw4w9WgXcQ",
                one_line(url, SHOWN)
            ))
        };
        if let Some(video) = Self::from_id(url).filter(|_| is_no_word(url)) {
            return Ok(video);
        }
        let (host, path, query) = parts(url).ok_or_else(|| mistake("is not a link"))?;
        let mut path = path.split('/').filter(|part| !part.is_empty());
        let first = path.next().unwrap_or_default();
        let id = match host.as_str() {
            "youtu.be" | "www.youtu.be" => first,
            host if !HOSTS.contains(&host) => {
                return Err(mistake("does not lead to YouTube"));
            }
            _ => match first {
                "watch" => match (parameter(query, "v"), parameter(query, "list")) {
                    (Some(id), _) => id,
                    (None, Some(_)) => return Err(mistake("is a playlist")),
                    (None, None) => return Err(mistake("does not say which video")),
                },
                "playlist" => return Err(mistake("is a playlist")),
                "clip" => return Err(mistake("is a clip of a video")),
                _ if first.starts_with('@') || CHANNELS.contains(&first) => {
                    return Err(mistake("is a channel"));
                }
                _ if BEFORE_ID.contains(&first) => match path.next().unwrap_or_default() {
                    // It has as many characters as an id.
                    "videoseries" => return Err(mistake("is a playlist")),
                    "live_stream" => return Err(mistake("is a channel")),
                    id => id,
                },
                _ => return Err(mistake("is not a link to a video")),
            },
        };
        // An old form of a link has its parameters behind the id without a question mark.
        let id = id.split('&').next().unwrap_or_default();
        match id {
            "" => Err(mistake("does not say which video")),
            id => Self::from_id(id).ok_or_else(|| {
                mistake("has no id of a video, which is 11 letters, digits, \"_\" or \"-\"")
            }),
        }
    }

    /// The shortest link to the video.
    pub fn watch_url(&self) -> String {
        format!("https://youtu.be/{}", self.0)
    }
}

/// The host in lower case, the path and the parameters of a link; `None` where the text is none.
fn parts(url: &str) -> Option<(String, &str, &str)> {
    let rest = match url.split_once("://") {
        Some((scheme, rest)) => {
            let is_web = ["http", "https"]
                .iter()
                .any(|web| scheme.eq_ignore_ascii_case(web));
            is_web.then_some(rest)?
        }
        None => url.trim_start_matches("//"),
    };
    let rest = rest.split('#').next().unwrap_or_default();
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (host, path) = place.split_once('/').unwrap_or((place, ""));
    let is_host = host.contains('.') && !host.contains(char::is_whitespace);
    is_host.then(|| (host.to_ascii_lowercase(), path, query))
}

/// The value of the first parameter of that name. A link copied from the source of a page has `&amp;` between two.
fn parameter<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    let mut pairs = query.split(['&', ';']).filter_map(|pair| {
        let (key, value) = pair.split_once('=')?;
        (key == name).then_some(value)
    });
    pairs.find(|value| !value.is_empty())
}

fn is_of_an_id(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

/// Whether nobody writes a word like this: it has a digit or an underscore, or a capital letter after a small one.
fn is_no_word(text: &str) -> bool {
    let has_small_before_capital = text
        .as_bytes()
        .windows(2)
        .any(|two| two[0].is_ascii_lowercase() && two[1].is_ascii_uppercase());
    has_small_before_capital
        || text
            .bytes()
            .any(|byte| byte.is_ascii_digit() || byte == b'_')
}

impl FromStr for VideoId {
    type Err = Mistake;

    fn from_str(text: &str) -> Result<Self, Mistake> {
        Self::from_url(text)
    }
}

impl TryFrom<String> for VideoId {
    type Error = Mistake;

    fn try_from(id: String) -> Result<Self, Mistake> {
        Self::from_id(&id).ok_or_else(|| {
            Mistake::new(format!(
                "\"{}\" is not the id of a video, which is 11 letters, digits, \"_\" or \"-\"",
                one_line(&id, SHOWN)
            ))
        })
    }
}

impl From<VideoId> for String {
    fn from(video: VideoId) -> Self {
        video.0
    }
}

impl fmt::Display for VideoId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ID: &str = "dQw4w9WgXcQ";

    fn refusal(url: &str) -> String {
        VideoId::from_url(url).unwrap_err().to_string()
    }

    #[test]
    fn each_form_of_a_link_leads_to_its_video() {
        let links = [
            "https://youtu.be/ID",
            "http://youtu.be/ID",
            "//youtu.be/ID",
            "youtu.be/ID",
            "HTTPS://YouTu.Be/ID/",
            "https://youtu.be/ID?si=AbCdEf123&t=42",
            "https://www.youtube.com/watch?v=ID",
            "youtube.com/watch?v=ID",
            "https://m.youtube.com/watch?v=ID&feature=share",
            "https://music.youtube.com/watch?v=ID&list=RDAMVM",
            "https://www.youtube.com/watch?app=desktop&list=PL0123456789&v=ID&t=1m2s#comments",
            "https://www.youtube.com/watch?list=PL0123456789&amp;v=ID",
            "https://www.youtube.com/watch/?v=ID",
            "https://www.youtube.com/shorts/ID",
            "https://youtube.com/shorts/ID?feature=share",
            "https://www.youtube.com/live/ID?si=x",
            "https://www.youtube.com/embed/ID?rel=0",
            "https://www.youtube-nocookie.com/embed/ID",
            "https://youtube-nocookie.com/embed/ID",
            "https://www.youtube.com/v/ID&hl=en",
            "  https://youtu.be/ID\n",
            "ID",
        ];
        for link in links {
            let video: VideoId = link.replace("ID", ID).parse().unwrap();
            assert_eq!(video.as_str(), ID, "{link}");
        }
    }

    #[test]
    fn a_link_to_something_else_is_refused_with_what_it_is_and_what_would_be_right() {
        for (link, what) in [
            (
                "https://www.youtube.com/playlist?list=PL0123456789",
                "is a playlist",
            ),
            (
                "https://www.youtube.com/watch?list=PL0123456789",
                "is a playlist",
            ),
            (
                "https://www.youtube.com/embed/videoseries?list=PL0",
                "is a playlist",
            ),
            (
                "https://www.youtube.com/embed/live_stream?channel=UC0",
                "is a channel",
            ),
            ("https://www.youtube.com/@amber", "is a channel"),
            ("https://www.youtube.com/@amber/videos", "is a channel"),
            (
                "https://www.youtube.com/channel/UC0123456789",
                "is a channel",
            ),
            ("https://www.youtube.com/c/amber", "is a channel"),
            ("https://www.youtube.com/user/amber", "is a channel"),
            (
                "https://www.youtube.com/clip/UgkxAbc",
                "is a clip of a video",
            ),
            (
                "https://www.youtube.com/feed/subscriptions",
                "is not a link to a video",
            ),
            ("https://www.youtube.com", "is not a link to a video"),
            ("https://www.youtube.com/watch", "does not say which video"),
            (
                "https://www.youtube.com/watch?v=",
                "does not say which video",
            ),
            ("https://youtu.be/", "does not say which video"),
            (
                "https://www.youtube.com/shorts/",
                "does not say which video",
            ),
            ("https://youtu.be/dQw4w9WgXc", "has no id of a video"),
            ("https://youtu.be/dQw4w9WgXcQQ", "has no id of a video"),
            ("https://youtu.be/dQw4w9WgXc%", "has no id of a video"),
            ("https://vimeo.com/dQw4w9WgXcQ", "does not lead to YouTube"),
            (
                "https://youtube.com.example/watch?v=dQw4w9WgXcQ",
                "does not lead to YouTube",
            ),
            (
                "https://youtu.be@example.com/dQw4w9WgXcQ",
                "does not lead to YouTube",
            ),
            (
                "https://notyoutube.com/watch?v=dQw4w9WgXcQ",
                "does not lead to YouTube",
            ),
            ("ftp://youtu.be/dQw4w9WgXcQ", "is not a link"),
            ("my new song", "is not a link"),
            ("", "is not a link"),
        ] {
            let refusal = refusal(link);
            assert!(refusal.contains(what), "{link}: {refusal}");
            assert!(refusal.contains("such as https://youtu.be/"), "{refusal}");
        }
    }

    #[test]
    fn an_id_alone_is_taken_unless_it_could_be_a_word() {
        for id in ["dQw4w9WgXcQ", "abcdefgh_ij", "abcdefgHijk"] {
            assert_eq!(VideoId::from_url(id).unwrap().as_str(), id);
        }
        for word in ["bittersweet", "Bittersweet", "BITTERSWEET", "well-behave"] {
            assert!(refusal(word).contains("is not a link"), "{word}");
        }
        let by_link = VideoId::from_url("https://youtu.be/bittersweet").unwrap();
        assert_eq!(by_link.as_str(), "bittersweet");
    }

    #[test]
    fn what_is_sent_is_the_short_link_and_nothing_else() {
        let link = "https://www.youtube.com/watch?v=dQw4w9WgXcQ&list=PL0&si=who-shared-it&t=4";
        let video = VideoId::from_url(link).unwrap();
        assert_eq!(video.watch_url(), "https://youtu.be/dQw4w9WgXcQ");
    }

    #[test]
    fn a_record_keeps_the_id_alone_and_takes_no_other_text_for_one() {
        let video = VideoId::from_id(ID).unwrap();
        let kept = serde_json::to_string(&video).unwrap();
        assert_eq!(kept, "\"dQw4w9WgXcQ\"");
        assert_eq!(serde_json::from_str::<VideoId>(&kept).unwrap(), video);
        for text in [
            "\"\"",
            "\"https://youtu.be/dQw4w9WgXcQ\"",
            "\"dQw4w9WgXc\\n\"",
            "7",
        ] {
            assert!(serde_json::from_str::<VideoId>(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_written_is_a_video_or_a_mistake_on_one_line(
            text in any::<String>(),
            form in "(https?://)?(www\\.|m\\.)?(youtu\\.be|youtube\\.com)/(watch\\?(v=)?|shorts/|embed/|v/|@)?\\PC{0,14}",
        ) {
            for text in [text, form] {
                match VideoId::from_url(&text) {
                    Ok(video) => prop_assert!(text.contains(video.as_str())),
                    Err(mistake) => {
                        let words = mistake.to_string();
                        prop_assert!(!words.contains(char::is_control) && words.chars().count() < 300);
                    }
                }
            }
        }

        #[test]
        fn each_id_is_found_again_in_the_link_to_its_video(id in "[0-9A-Za-z_-]{11}") {
            let video = VideoId::from_id(&id).unwrap();
            prop_assert_eq!(&VideoId::from_url(&video.watch_url()).unwrap(), &video);
            let long = format!("https://www.youtube.com/watch?list=PL0&v={id}&t=3");
            prop_assert_eq!(VideoId::from_url(&long).unwrap(), video);
        }
    }
}
