//! Mastodon's JSON.

use jiff::Timestamp;
use promise::{
    channel::Channel,
    follower::Follower,
    letter::{Letter, Receipt},
};
use reqwest::StatusCode;
use serde::{Deserialize, Deserializer, de::IgnoredAny};
use serde_json::Value;

use super::html;
use crate::network::{LOOKBACK, Profile, machine_made, text_if_plain};

/// To whom the server shows it: an announcement to everyone, and a reply to those who see the answer. Anything else is
/// shown only to those it names.
pub(super) fn visibility(letter: &Letter<'_>) -> &'static str {
    match letter.channel {
        Channel::Announce => "public",
        Channel::Reply => {
            let answer = letter.reply_to;
            visibility_of_reply(answer.and_then(|answer| answer.reply_key.as_deref()))
        }
        Channel::Mention | Channel::Message | Channel::Draft => "direct",
    }
}

/// The visibility of a reply to a status with that one. In public it stays out of the lists of what is new, as replies of
/// programs should. Where the answer's is not known, the reply is not shown to more people than it must be.
fn visibility_of_reply(answer: Option<&str>) -> &'static str {
    match answer {
        Some("public" | "unlisted") => "unlisted",
        Some("private") => "private",
        _ => "direct",
    }
}

/// A count as a server writes it; one that hides it writes -1.
pub(super) fn count(written: Option<i64>) -> Option<u64> {
    written.and_then(|number| u64::try_from(number).ok())
}

pub(super) fn some_text(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.trim().is_empty())
}

/// A number on most servers; some make longer ids with letters.
pub(super) fn id<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let plain = |id: &str| {
        id.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    machine_made(from, "the id", 64, plain)
}

#[derive(Debug, Deserialize)]
pub(super) struct Account {
    #[serde(deserialize_with = "id")]
    pub id: String,
    pub username: String,
    /// With `@` and the server at its end, unless that is the server that answers.
    pub acct: String,
    pub display_name: Option<String>,
    pub note: Option<String>,
    pub avatar: Option<String>,
    pub created_at: Option<String>,
    pub followers_count: Option<i64>,
    pub following_count: Option<i64>,
    pub statuses_count: Option<i64>,
    pub bot: Option<bool>,
    pub group: Option<bool>,
    pub suspended: Option<bool>,
    pub limited: Option<bool>,
    pub memorial: Option<bool>,
    pub moved: Option<Moved>,
    pub hide_collections: Option<bool>,
}

/// An account with its count.
#[derive(Deserialize)]
pub(super) struct Counted {
    #[serde(deserialize_with = "id")]
    id: String,
    username: String,
    acct: String,
    display_name: Option<String>,
    followers_count: Option<i64>,
    suspended: Option<bool>,
    moved: Option<IgnoredAny>,
}

impl Counted {
    /// `None` where the account is of another server, is not in use, or hides its count.
    pub(super) fn profile(self, domain: &str) -> Option<Profile> {
        let is_here = !self.acct.contains('@') && self.moved.is_none();
        let in_use = is_here && self.suspended != Some(true);
        Some(Profile {
            followers: count(self.followers_count).filter(|_| in_use)?,
            name: some_text(self.display_name).unwrap_or(self.username),
            id: format!("{}@{domain}", self.id).into(),
        })
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct Moved {
    pub acct: Option<String>,
}

impl Account {
    pub(super) fn into_follower(self) -> Follower {
        Follower {
            // A group reposts automatically what others write.
            marked_as_bot: self.bot == Some(true) || self.group == Some(true),
            restricted: self.suspended == Some(true) || self.limited == Some(true),
            left: self.moved.is_some() || self.memorial == Some(true),
            has_picture: self.avatar.map(|url| !url.ends_with("/missing.png")),
            posts: count(self.statuses_count),
            followers: count(self.followers_count),
            following: count(self.following_count),
            created_at: self.created_at.and_then(|time| time.parse().ok()),
            name: some_text(self.display_name),
            bio: some_text(self.note.map(|note| html::plain(&note).trim().to_owned())),
            id: self.id.into(),
            handle: self.acct,
        }
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct Notification {
    #[serde(rename = "type")]
    pub kind: String,
    pub created_at: Timestamp,
    /// Absent in notifications of the server itself.
    pub account: Option<Account>,
}

/// A status that the account wrote.
#[derive(Debug, Deserialize)]
pub(super) struct Status {
    #[serde(deserialize_with = "id")]
    pub id: String,
    #[serde(default, deserialize_with = "text_if_plain")]
    url: Option<String>,
    pub created_at: Timestamp,
    pub content: Option<String>,
    pub visibility: Option<String>,
    pub mentions: Option<Vec<Mention>>,
    pub reblog: Option<IgnoredAny>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Mention {
    pub id: String,
}

/// Whether a browser can open it.
#[expect(clippy::ptr_arg, reason = "it filters an Option<String>")]
pub(super) fn is_page(url: &String) -> bool {
    url.starts_with("https://") || url.starts_with("http://")
}

impl From<Status> for Receipt {
    fn from(status: Status) -> Self {
        Self {
            reference: status.id,
            url: status.url.filter(is_page),
            reply_key: None,
        }
    }
}

impl Status {
    pub(super) fn is(&self, letter: &Letter<'_>) -> bool {
        self.created_at >= letter.prepared_at - LOOKBACK
            && self.reblog.is_none()
            // A server may narrow "public", for example for an account that it has limited.
            && (self.visibility.as_deref() == Some("direct")) == (visibility(letter) == "direct")
            && html::same_words(letter.text, self.content.as_deref().unwrap_or_default())
    }
}

#[derive(Deserialize)]
pub(super) struct Application {
    pub scopes: Option<Vec<String>>,
}

/// Whether a scope allows what another one allows: `write` covers `write:statuses`.
pub(super) fn covers(scope: &str, needed: &str) -> bool {
    let rest = needed.strip_prefix(scope);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
}

/// Either version of a server's description of itself.
#[derive(Deserialize)]
pub(super) struct Instance {
    configuration: Option<Configuration>,
    /// The field of forks, which had it before Mastodon did.
    max_toot_chars: Option<usize>,
}

#[derive(Deserialize)]
struct Configuration {
    statuses: Option<StatusLimits>,
}

#[derive(Deserialize)]
struct StatusLimits {
    max_characters: Option<usize>,
}

impl Instance {
    pub(super) fn max_characters(&self) -> Option<usize> {
        let statuses = self
            .configuration
            .as_ref()
            .and_then(|configuration| configuration.statuses.as_ref());
        statuses
            .and_then(|limits| limits.max_characters)
            .or(self.max_toot_chars)
    }
}

/// `{"error": …}`; on forks the value need not be a string.
#[derive(Default, Deserialize)]
pub(super) struct Problem {
    #[serde(default)]
    error: Value,
    error_description: Option<String>,
}

impl Problem {
    /// Whether the response is in Mastodon's own form.
    pub(super) fn is_mastodons(&self) -> bool {
        !self.error.is_null()
    }

    /// The error, where it is one word of OAuth 2.0, such as `invalid_grant`.
    pub(super) fn code(&self) -> Option<&str> {
        self.error.as_str()
    }

    /// Whether the server refuses this status, but may accept other statuses of the account: the text is not valid
    /// there, or the status that it replies to is gone.
    pub(super) fn is_about_the_letter(&self, status: StatusCode) -> bool {
        let words = self.words().to_lowercase();
        let says = |parts: &[&str]| parts.iter().any(|part| words.contains(part));
        match status {
            StatusCode::BAD_REQUEST
            | StatusCode::PAYLOAD_TOO_LARGE
            | StatusCode::UNPROCESSABLE_ENTITY => {
                says(&["validation failed", "character limit", "too long"])
            }
            StatusCode::NOT_FOUND => says(&["reply"]),
            _ => false,
        }
    }

    pub(super) fn words(&self) -> String {
        let error = match &self.error {
            Value::Null => "no reason given".to_owned(),
            Value::String(words) => words.clone(),
            other => other.to_string(),
        };
        match &self.error_description {
            Some(more) => format!("{error}: {more}"),
            None => error,
        }
    }
}

#[cfg(test)]
mod tests {
    use promise::{letter::LetterKind, milestone::Milestone};
    use serde_json::json;

    use super::*;

    fn reply<T>(visibility: Option<&str>, with: impl FnOnce(&Letter<'_>) -> T) -> T {
        let answer = Receipt {
            reference: "113".to_owned(),
            url: None,
            reply_key: visibility.map(str::to_owned),
        };
        with(&Letter {
            kind: LetterKind::Song,
            number: 1,
            reply_to: Some(&answer),
            song: None,
            from: &"1@m.example".into(),
            to: None,
            milestone: Milestone::from_number(600).unwrap(),
            reached_at: Timestamp::UNIX_EPOCH,
            channel: Channel::Reply,
            text: "@cleo@far.example Your song",
            prepared_at: Timestamp::UNIX_EPOCH,
        })
    }

    #[test]
    fn a_reply_is_shown_to_those_who_see_the_answer_and_not_to_more() {
        for (answer, shown) in [
            (Some("public"), "unlisted"),
            (Some("unlisted"), "unlisted"),
            (Some("private"), "private"),
            (Some("direct"), "direct"),
            (Some("limited"), "direct"),
            (None, "direct"),
        ] {
            assert_eq!(reply(answer, visibility), shown, "{answer:?}");
        }
    }

    #[test]
    fn a_reply_is_recognised_with_its_visibility() {
        let status = |visibility: &str| -> Status {
            let status = json!({
                "id": "114",
                "created_at": "1970-01-01T00:00:00.000Z",
                "content": "<p>@<span>cleo</span> Your song</p>",
                "visibility": visibility,
            });
            serde_json::from_value(status).unwrap()
        };
        for (answer, shown, is_it) in [
            ("public", "unlisted", true),
            ("private", "private", true),
            ("direct", "direct", true),
            ("public", "direct", false),
            ("direct", "unlisted", false),
        ] {
            let found = reply(Some(answer), |letter| status(shown).is(letter));
            assert_eq!(found, is_it, "{answer} {shown}");
        }
    }

    #[test]
    fn a_reply_to_a_status_that_is_gone_is_refused_and_a_missing_call_is_not() {
        let about_letter = |error: &str| {
            let problem: Problem = serde_json::from_value(json!({ "error": error })).unwrap();
            problem.is_about_the_letter(StatusCode::NOT_FOUND)
        };
        assert!(about_letter(
            "The post you are trying to reply to does not appear to exist."
        ));
        assert!(!about_letter("Record not found"));
    }
}
