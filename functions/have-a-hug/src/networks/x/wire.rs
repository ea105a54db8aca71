//! X's JSON.

use jiff::Timestamp;
use promise::{follower::Follower, letter::Letter};
use serde::{Deserialize, Deserializer};

use crate::network::{Cursor, LOOKBACK, machine_made, time_if_readable};

/// X's ids are numbers of 64 bits, written in decimal.
fn id<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let is_right = |id: &str| id.bytes().all(|byte| byte.is_ascii_digit());
    machine_made(from, "the id", 20, is_right)
}

#[derive(Deserialize)]
pub(super) struct One<T> {
    pub data: Option<T>,
}

#[derive(Deserialize)]
pub(super) struct List<T> {
    pub data: Option<Vec<T>>,
    pub meta: Option<Meta>,
}

#[derive(Deserialize)]
pub(super) struct Meta {
    pub next_token: Option<Cursor>,
}

#[derive(Deserialize)]
pub(super) struct Sent<T> {
    pub data: T,
}

#[derive(Deserialize)]
pub(super) struct PostId {
    #[serde(deserialize_with = "id")]
    pub id: String,
}

#[derive(Deserialize)]
pub(super) struct MessageId {
    #[serde(deserialize_with = "id")]
    pub dm_event_id: String,
}

#[derive(Deserialize)]
pub(super) struct User {
    #[serde(deserialize_with = "id")]
    pub id: String,
    pub username: String,
    pub name: Option<String>,
    description: Option<String>,
    #[serde(default, deserialize_with = "time_if_readable")]
    created_at: Option<Timestamp>,
    profile_image_url: Option<String>,
    public_metrics: Option<Metrics>,
}

#[derive(Deserialize)]
#[expect(clippy::struct_field_names, reason = "X calls them so")]
struct Metrics {
    followers_count: Option<u64>,
    following_count: Option<u64>,
    // The documentation says one, the answers say the other, or both.
    tweet_count: Option<u64>,
    post_count: Option<u64>,
}

impl User {
    pub(super) fn followers(&self) -> Option<u64> {
        self.public_metrics.as_ref()?.followers_count
    }

    pub(super) fn into_follower(self) -> Follower {
        let metrics = self.public_metrics.as_ref();
        Follower {
            has_picture: self
                .profile_image_url
                .map(|url| !url.contains("/default_profile")),
            posts: metrics.and_then(|metrics| metrics.tweet_count.or(metrics.post_count)),
            followers: metrics.and_then(|metrics| metrics.followers_count),
            following: metrics.and_then(|metrics| metrics.following_count),
            created_at: self.created_at,
            id: self.id.into(),
            handle: self.username,
            name: self.name,
            bio: self.description,
            // X has no mark for bots among the fields of a user.
            ..Follower::default()
        }
    }
}

/// A post or message that the account wrote.
#[derive(Deserialize)]
pub(super) struct Written {
    #[serde(deserialize_with = "id")]
    pub id: String,
    #[serde(default)]
    text: String,
    created_at: Option<Timestamp>,
    sender_id: Option<String>,
}

impl Written {
    pub(super) fn written_since(&self, time: Timestamp) -> bool {
        self.created_at
            .is_none_or(|written| written >= time - LOOKBACK)
    }

    pub(super) fn is(&self, letter: &Letter<'_>) -> bool {
        self.written_since(letter.prepared_at)
            && self
                .sender_id
                .as_ref()
                .is_none_or(|sender| *letter.from == *sender.as_str())
            && same_words(letter.text, &self.text)
    }
}

#[cfg(any(test, fuzzing))]
impl Written {
    pub(super) fn assert_invariants(&self) {
        let _ = self.written_since(Timestamp::UNIX_EPOCH);
        let _ = same_words(&self.text, &self.id);
        assert!(same_words(&self.text, &self.text) || self.text.contains('&'));
    }
}

/// Whether X's `text` is what was sent: X escapes three characters and shortens every link.
fn same_words(sent: &str, text: &str) -> bool {
    let text = text
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&");
    let (mut sent, mut text) = (sent.split_whitespace(), text.split_whitespace());
    loop {
        match (sent.next(), text.next()) {
            (None, None) => return true,
            (Some(ours), Some(theirs)) if ours == theirs => {}
            (Some(ours), Some(theirs)) if ours.contains('.') && theirs.contains("//t.co/") => {}
            _ => return false,
        }
    }
}

/// X's two shapes of an error: a problem object, or a list of errors.
#[derive(Default, Deserialize)]
pub(super) struct Problem {
    pub title: Option<String>,
    detail: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    #[serde(default)]
    errors: Vec<SingleError>,
}

#[derive(Default, Deserialize)]
pub(super) struct SingleError {
    message: Option<String>,
    detail: Option<String>,
}

impl Problem {
    pub(super) fn words(&self) -> Option<String> {
        let first = self.errors.first();
        let from_list = first.and_then(|error| error.detail.as_ref().or(error.message.as_ref()));
        self.detail
            .as_ref()
            .or(from_list)
            .or(self.title.as_ref())
            .cloned()
    }

    /// Whether a 403 is about the rights of the app or token, and not about this letter.
    pub(super) fn is_about_rights(&self) -> bool {
        let kind = self.kind.as_deref().unwrap_or_default();
        let words = self.words().unwrap_or_default();
        [
            "unsupported-authentication",
            "client-forbidden",
            "oauth1-permissions",
        ]
        .iter()
        .any(|right| kind.ends_with(right))
            || words.contains("oauth1 app permissions")
            || words.contains("suspended")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_403_is_about_the_apps_rights_or_about_the_letter() {
        let is_about_rights = |problem: &str| {
            let problem: Problem = serde_json::from_str(problem).unwrap();
            problem.is_about_rights()
        };
        for rights in [
            "oauth1-permissions",
            "client-forbidden",
            "unsupported-authentication",
        ] {
            let kind = format!("https://api.twitter.com/2/problems/{rights}");
            assert!(
                is_about_rights(&format!(r#"{{"type":"{kind}","detail":"no"}}"#)),
                "{rights}"
            );
        }
        assert!(is_about_rights(
            r#"{"detail":"Your client app is not configured with the appropriate oauth1 app permissions for this endpoint."}"#
        ));
        assert!(!is_about_rights(
            r#"{"type":"about:blank","detail":"You are not allowed to create a Tweet with duplicate content."}"#
        ));
    }

    #[test]
    fn a_post_is_recognised_though_x_escapes_it_and_shortens_its_links() {
        assert!(same_words("Rock & roll <3", "Rock &amp; roll &lt;3"));
        assert!(same_words("see amber.com now", "see https://t.co/AbC now"));
        assert!(!same_words("see amber.com now", "see amber.com"));
        assert!(!same_words("number 600", "number 700"));
    }
}
