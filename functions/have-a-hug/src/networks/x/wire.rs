//! X's JSON.

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use promise::{
    channel::Channel,
    follower::Follower,
    letter::{Letter, Receipt},
};
use serde::{Deserialize, Deserializer, de::IgnoredAny};
use serde_json::Value;

use super::typed::unescaped;
use crate::network::{
    Cursor, IfReadable, LOOKBACK, Profile, machine_made, text_if_plain, time_if_readable,
};

/// X's ids are numbers of 64 bits, written in decimal.
pub(super) fn id<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
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

/// The answer to a request for users. It lists the users that X found, and under `errors` those that X did not find.
#[derive(Deserialize)]
pub(super) struct Found {
    data: Option<OneOrMany>,
    #[serde(default)]
    errors: Vec<SingleError>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(Box<User>),
    Many(Vec<User>),
}

impl Found {
    /// The users that X found. `None` where the answer has neither a user nor the statement that nobody was found.
    pub(super) fn users(self) -> Option<Vec<User>> {
        let missing = |error: &SingleError| {
            let kind = error.kind.as_deref().unwrap_or_default();
            kind.ends_with("/resource-not-found")
        };
        match self.data {
            Some(OneOrMany::One(user)) => Some(vec![*user]),
            Some(OneOrMany::Many(users)) => Some(users),
            None if self.errors.is_empty() || !self.errors.iter().all(missing) => None,
            None => Some(Vec::new()),
        }
    }
}

/// The answer to a request for the counts of several accounts. One that cannot be read makes no other unreadable.
#[derive(Deserialize)]
pub(super) struct Counted {
    data: Option<Vec<IfReadable<Account>>>,
    #[serde(default)]
    errors: Vec<IgnoredAny>,
}

impl Counted {
    /// The accounts that X found; `None` where the answer has neither accounts nor errors.
    pub(super) fn accounts(self) -> Option<impl Iterator<Item = Account>> {
        let is_answer = self.data.is_some() || !self.errors.is_empty();
        let accounts = self.data.unwrap_or_default().into_iter();
        is_answer.then(|| accounts.filter_map(|IfReadable(account)| account))
    }
}

/// An account with its count.
#[derive(Deserialize)]
pub(super) struct Account {
    #[serde(deserialize_with = "id")]
    id: String,
    username: String,
    name: Option<String>,
    public_metrics: Option<Followers>,
}

#[derive(Deserialize)]
struct Followers {
    followers_count: Option<u64>,
}

impl Account {
    /// `None` where the count is missing.
    pub(super) fn profile(self) -> Option<Profile> {
        Some(Profile {
            followers: self.public_metrics?.followers_count?,
            name: self.name.unwrap_or(self.username),
            id: self.id.into(),
        })
    }
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
    #[serde(default, deserialize_with = "text_if_plain")]
    pub dm_conversation_id: Option<String>,
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
    #[serde(default, deserialize_with = "text_if_plain")]
    pub dm_conversation_id: Option<String>,
    /// The posts that it replies to or quotes. X's documents give the field two names.
    #[serde(default)]
    referenced_tweets: Vec<Referenced>,
    #[serde(default)]
    referenced_posts: Vec<Referenced>,
}

#[derive(Deserialize)]
struct Referenced {
    #[serde(rename = "type")]
    kind: String,
    id: String,
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
            && same_words(letter.text, &self.text, letter.channel == Channel::Reply)
            && (letter.channel != Channel::Reply || self.replies_to(letter.reply_to))
    }

    /// Two songs have the same words, because X shortens the link. So a reply is also recognised by the post that it
    /// replies to.
    fn replies_to(&self, answer: Option<&Receipt>) -> bool {
        let mut referenced = self.referenced_tweets.iter().chain(&self.referenced_posts);
        answer.is_some_and(|answer| {
            referenced.any(|post| post.kind == "replied_to" && post.id == answer.reference)
        })
    }
}

#[cfg(any(test, fuzzing))]
impl Written {
    pub(super) fn assert_invariants(&self) {
        let _ = self.written_since(Timestamp::UNIX_EPOCH);
        for is_reply in [false, true] {
            let _ = same_words(&self.text, &self.id, is_reply);
            let same = same_words(&self.text, &self.text, is_reply);
            assert!(same || self.text.contains('&'));
        }
    }
}

/// Whether X's `text` is what was sent: X escapes three characters, shortens every link, and puts mentions of the people
/// in the thread before a reply, or leaves out those that are there already.
fn same_words(sent: &str, text: &str, is_reply: bool) -> bool {
    let text = unescaped(text);
    let is_implicit = |word: &&str| is_reply && word.starts_with('@');
    let mut sent = sent.split_whitespace().skip_while(is_implicit);
    let mut text = text.split_whitespace().skip_while(is_implicit);
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
    title: Option<String>,
    detail: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    /// When a spending cap ends: a date. X does not say in which time zone.
    #[serde(default)]
    reset_date: Value,
    #[serde(default)]
    errors: Vec<SingleError>,
}

#[derive(Default, Deserialize)]
pub(super) struct SingleError {
    message: Option<String>,
    detail: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    #[serde(default)]
    parameters: Value,
}

/// How the types of problems end that are about the app, its keys or its credits.
const ABOUT_THE_APP: [&str; 5] = [
    "/credits",
    "/usage-capped",
    "/client-forbidden",
    "/unsupported-authentication",
    "/oauth1-permissions",
];

/// Words of the refusals that are about the letter, in lower case. X has no problem type for these refusals.
const ABOUT_THE_LETTER: [&str; 8] = [
    "you do not have permission to dm one or more participants",
    "cannot send messages to",
    "reply to this conversation is not allowed",
    "only reply to or quote posts where you are mentioned",
    "restricted who can reply to this",
    "reply to a tweet that is deleted or not visible to you",
    "reply to a post that is deleted or not visible to you",
    "text is too long",
];

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

    fn is_of_type(&self, ends: &[&str]) -> bool {
        let kind = self.kind.as_deref().unwrap_or_default();
        ends.iter().any(|end| kind.ends_with(end))
    }

    /// Whether a text of the problem contains one of `words`, which are in lower case.
    fn says(&self, words: &[&str]) -> bool {
        let texts = self.errors.iter();
        let texts = texts.flat_map(|error| [&error.detail, &error.message]);
        let mut texts = texts.chain([&self.detail]).flatten();
        texts.any(|text| {
            let text = text.to_lowercase();
            words.iter().any(|words| text.contains(words))
        })
    }

    /// Whether X refuses this letter, but may accept other letters of the account.
    pub(super) fn is_about_the_letter(&self) -> bool {
        let about_text = |error: &SingleError| error.parameters.get("text").is_some();
        !self.is_of_type(&ABOUT_THE_APP)
            && (self.says(&ABOUT_THE_LETTER) || self.errors.iter().any(about_text))
    }

    /// Whether the account has posted the same words before.
    pub(super) fn is_about_a_duplicate(&self) -> bool {
        self.is_of_type(&["/duplicate-rules"])
            || self.says(&["duplicate content", "status is a duplicate"])
    }

    /// Whether a 429 is about a spending cap. The title is compared too, because X seems to give plain rate limits the
    /// type of a cap (unconfirmed).
    pub(super) fn is_about_a_cap(&self) -> bool {
        let is_rate_limit = self.title.as_deref() == Some("Too Many Requests");
        self.is_of_type(&["/credits", "/usage-capped"]) && !is_rate_limit
    }

    /// When a cap ends, if X says so.
    pub(super) fn reset(&self) -> Option<Timestamp> {
        let text = self.reset_date.as_str()?;
        let midnight = || {
            let date: Date = text.parse().ok()?;
            Some(date.to_zoned(TimeZone::UTC).ok()?.timestamp())
        };
        text.parse().ok().or_else(midnight)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(json: &str) -> Problem {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn the_type_of_a_problem_counts_more_than_its_words() {
        let words = "Your Tweet text is too long.";
        for end in ABOUT_THE_APP {
            let kind = format!("https://api.twitter.com/2/problems{end}");
            let json = format!(r#"{{"type":"{kind}","detail":"{words}"}}"#);
            assert!(!problem(&json).is_about_the_letter(), "{end}");
        }
        let plain = format!(r#"{{"type":"about:blank","detail":"{words}"}}"#);
        assert!(problem(&plain).is_about_the_letter());
    }

    #[test]
    fn the_end_of_a_cap_is_a_date_a_time_or_unknown() {
        let reset = |date: &str| {
            let reset = problem(&format!(r#"{{"reset_date":{date}}}"#)).reset();
            reset.map(|time| time.to_string())
        };
        let midnight = Some("2026-12-12T00:00:00Z".to_owned());
        assert_eq!(reset(r#""2026-12-12""#), midnight);
        assert_eq!(reset(r#""2026-12-12T00:00:00Z""#), midnight);
        for unsaid in ["null", r#""soon""#, "7"] {
            assert_eq!(reset(unsaid), None, "{unsaid}");
        }
    }

    #[test]
    fn a_post_is_recognised_though_x_escapes_it_and_shortens_its_links() {
        let same = |sent, text| same_words(sent, text, false);
        assert!(same("Rock & roll <3", "Rock &amp; roll &lt;3"));
        assert!(same("see amber.com now", "see https://t.co/AbC now"));
        assert!(!same("see amber.com now", "see amber.com"));
        assert!(!same("number 600", "number 700"));
        assert!(!same("number 600", "@cleo number 600"));
    }

    #[test]
    fn a_reply_is_recognised_though_x_puts_mentions_before_it_or_leaves_them_out() {
        let shown = "@cleo @dan Your song: https://t.co/AbC";
        for sent in [
            "Your song: https://youtu.be/dQw4w9WgXcQ",
            "@cleo Your song: https://youtu.be/dQw4w9WgXcQ",
        ] {
            assert!(same_words(sent, shown, true), "{sent}");
        }
        assert!(!same_words(
            "Your poem: https://youtu.be/dQw4w9WgXcQ",
            shown,
            true
        ));
    }

    #[test]
    fn a_reply_that_x_does_not_allow_is_about_the_letter_and_an_unclear_refusal_is_not() {
        let about_letter = |json: &str| problem(json).is_about_the_letter();
        for json in [
            r#"{"type":"about:blank","title":"Forbidden","status":403,"detail":"Reply to this conversation is not allowed because you have not been mentioned or otherwise engaged by the author of the post you are replying to."}"#,
            r#"{"type":"https://api.twitter.com/2/problems/not-authorized-for-resource","title":"Not Authorized","status":403,"detail":"You can only reply to or quote posts where you are mentioned or are the author."}"#,
            r#"{"type":"about:blank","title":"Forbidden","status":403,"detail":"You attempted to reply to a Tweet that is deleted or not visible to you."}"#,
        ] {
            assert!(about_letter(json), "{json}");
        }
        assert!(!about_letter(
            r#"{"type":"about:blank","title":"Forbidden","status":403,"detail":"You are not permitted to perform this action."}"#
        ));
    }
}
