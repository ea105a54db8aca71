//! What somebody typed, found in the text that X shows of a post.
//!
//! X's text has more than that: a reply begins with mentions that X puts there, links are shortened, a quote or a
//! picture leaves a link at the end, and three characters are escaped.

use promise::account::UserId;
use serde::Deserialize;

use super::super::words::{tidy, without_mentions};

/// A link that is longer than this is left as X shortened it.
const MAX_LINK: usize = 300;

/// What X recognised in a text.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Entities {
    #[serde(default)]
    mentions: Vec<Mentioned>,
    #[serde(default)]
    urls: Vec<Link>,
}

#[derive(Debug, Deserialize)]
struct Mentioned {
    start: usize,
    username: String,
    id: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Link {
    url: String,
    expanded_url: Option<String>,
    display_url: Option<String>,
}

impl Entities {
    /// Whether the account with that id is mentioned at this place or later. Both places are X's, so they are in the same
    /// count whatever it counts.
    pub(super) fn mention(&self, id: &UserId, from: usize) -> bool {
        let mut mentions = self.mentions.iter();
        mentions.any(|one| one.start >= from && one.id.as_deref() == Some(id.as_str()))
    }
}

impl Link {
    /// Whether X puts it at the end of a text for a post that is quoted, or for a picture or video.
    fn stands_for_something(&self) -> bool {
        let display = self.display_url.as_deref().unwrap_or_default();
        let is_picture = ["pic.x.com/", "pic.twitter.com/"]
            .iter()
            .any(|host| display.starts_with(host));
        let expanded = self.expanded_url.as_deref().unwrap_or_default();
        let place = expanded.split_once("://").map_or("", |(_, place)| place);
        let (host, path) = place.split_once('/').unwrap_or((place, ""));
        let host = host
            .trim_start_matches("www.")
            .trim_start_matches("mobile.");
        let is_post = ["x.com", "twitter.com"].contains(&host)
            && path.split('/').any(|segment| segment == "status");
        is_picture || is_post
    }

    /// What the author typed or pasted.
    fn typed(&self) -> &str {
        let is_fit = |url: &&str| {
            let is_link = url.starts_with("https://") || url.starts_with("http://");
            is_link && url.len() <= MAX_LINK && !url.contains(char::is_whitespace)
        };
        let expanded = self.expanded_url.as_deref();
        expanded.filter(is_fit).unwrap_or(&self.url)
    }
}

/// What the author typed: the text without mentions, and without the link that stands for a quoted post or a picture.
/// `from` is where it begins, as X counts.
///
/// A mention is found by its words and not by its place, because X's places are not always those of the text: X
/// escapes the text, and its own examples are off by one.
pub(super) fn typed(text: &str, from: usize, entities: Option<&Entities>) -> String {
    let mut typed = without_implicit(text, from).trim_end();
    let links = entities.map_or(&[][..], |entities| &entities.urls);
    while let Some(before) = links.iter().find_map(|link| {
        let stands_alone =
            |before: &&str| before.is_empty() || before.ends_with(char::is_whitespace);
        let before = typed.strip_suffix(link.url.as_str()).filter(stands_alone)?;
        (!link.url.is_empty() && link.stands_for_something()).then_some(before)
    }) {
        typed = before.trim_end();
    }
    let words = without_mentions(typed, |handle| {
        let length = handle_length(handle);
        let is_mention = entities.is_none_or(|entities| {
            let mut mentions = entities.mentions.iter();
            mentions.any(|one| one.username.eq_ignore_ascii_case(&handle[..length]))
        });
        if is_mention { length } else { 0 }
    });
    let words: Vec<String> = words
        .split_whitespace()
        .map(|word| {
            let link = links.iter().find(|link| link.url == word);
            link.map_or_else(|| unescaped(word), |link| link.typed().to_owned())
        })
        .collect();
    tidy(&words.join(" "))
}

/// Where the words begin after the mentions at the beginning of a reply, in characters: for a reply of which X does not
/// say it.
pub(super) fn typed_from(text: &str) -> usize {
    let typed = without_implicit(text, usize::MAX);
    text.chars().count() - typed.chars().count()
}

/// The text without the mentions that begin before the character number `from`.
fn without_implicit(text: &str, from: usize) -> &str {
    let mut rest = text;
    let mut at = 0;
    while at < from && rest.starts_with('@') {
        let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
        let after = rest[end..].trim_start();
        at += rest.chars().count() - after.chars().count();
        rest = after;
    }
    rest
}

/// How many bytes at the beginning of a text can be a handle of X. A name that goes on with another letter of the Latin
/// script is none; Japanese, for example, goes on right behind a mention.
fn handle_length(text: &str) -> usize {
    let belongs = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let end = text.find(|c| !belongs(c)).unwrap_or(text.len());
    let goes_on = |c: char| "@＠".contains(c) || ('\u{c0}'..='\u{24f}').contains(&c);
    if text[end..].starts_with(goes_on) {
        0
    } else {
        end
    }
}

/// X escapes three characters, and no others.
pub(super) fn unescaped(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn entities(mentions: &[&str], urls: &[(&str, &str, &str)]) -> Entities {
        let mentions: Vec<_> = mentions
            .iter()
            .map(|name| json!({ "start": 0, "end": 6, "username": name }))
            .collect();
        let urls: Vec<_> = urls
            .iter()
            .map(|(url, expanded, display)| {
                json!({ "url": url, "expanded_url": expanded, "display_url": display })
            })
            .collect();
        serde_json::from_value(json!({ "mentions": mentions, "urls": urls })).unwrap()
    }

    #[test]
    fn only_those_are_taken_out_whom_x_says_to_be_mentioned() {
        let known = entities(&["Amber"], &[]);
        let text = "@amber @home with my cat @amber2 @Amberさん";
        assert_eq!(
            typed(text, 0, Some(&known)),
            "@home with my cat @amber2 さん"
        );
        assert_eq!(typed(text, 0, None), "with my cat さん");
        assert_eq!(typed("@gone @amber cats", 12, Some(&known)), "cats");
        assert_eq!(typed("cats @ambér", 0, None), "cats @ambér");
    }

    #[test]
    fn the_link_of_a_quote_or_a_picture_goes_and_other_links_are_as_they_were_pasted() {
        let known = entities(
            &[],
            &[
                (
                    "https://t.co/a",
                    "https://amber.example/cats?a=1&b=&lt;",
                    "amber.example/cats",
                ),
                (
                    "https://t.co/b",
                    "https://x.com/cleo/status/7/photo/1",
                    "pic.x.com/b",
                ),
                (
                    "https://t.co/c",
                    "https://twitter.com/amber/status/7",
                    "twitter.com/amber/sta…",
                ),
                (
                    "https://t.co/d",
                    "https://status.example/status/7",
                    "status.example/status",
                ),
            ],
        );
        for (text, words) in [
            (
                "like https://t.co/a https://t.co/b",
                "like https://amber.example/cats?a=1&b=&lt;",
            ),
            ("cats https://t.co/c https://t.co/b\n", "cats"),
            ("https://t.co/b", ""),
            (
                "cats https://t.co/d",
                "cats https://status.example/status/7",
            ),
            ("cats https://t.co/e", "cats https://t.co/e"),
            ("R&amp;B &lt;3 &amp;lt;", "R&B <3 &lt;"),
        ] {
            assert_eq!(typed(text, 0, Some(&known)), words, "{text}");
        }
    }

    #[test]
    fn the_mentions_before_a_reply_are_counted_in_characters() {
        assert_eq!(typed_from("@amber @bea  cats @amber"), 13);
        assert_eq!(typed_from("cats"), 0);
        assert_eq!(typed_from("@amber"), 6);
        assert_eq!(typed_from(""), 0);
    }

    proptest! {
        #[test]
        fn any_text_can_be_read(text in "[@＠a-c &;lt💛é\n]{0,60}", from in 0usize..70) {
            let known = entities(&["a", "bc"], &[("c", "https://x.com/a/status/1", "")]);
            for entities in [None, Some(&known)] {
                let typed = typed(&text, from, entities);
                prop_assert!(typed.trim() == typed);
            }
            prop_assert!(typed_from(&text) <= text.chars().count());
        }
    }
}
