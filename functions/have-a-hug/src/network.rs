//! What a network can do for a promise, and what the program does after each kind of failure.

pub mod approval;
pub mod client;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use promise::{
    account::{AccountName, UserId},
    answer::Answer,
    follower::Follower,
    letter::{Letter, Receipt},
};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error},
};
use serde_json::{Value, value::RawValue};

/// How much the clocks of this program and of a network may differ.
pub const CLOCK_DRIFT: SignedDuration = SignedDuration::from_mins(2);

/// How long before its composition a letter is looked for that may have arrived. Clocks can differ by
/// hours, and no other letter has the same words.
pub const LOOKBACK: SignedDuration = SignedDuration::from_hours(12);

/// One account on one network.
#[async_trait]
pub trait Network: Send + Sync {
    /// Who the account is and how many follow it: one request. By `id` where it is known, because a
    /// handle can change; else by the handle in the settings.
    async fn profile(&self, id: Option<&UserId>) -> Result<Profile, NetworkError>;

    /// The same of several accounts that share this account's [`Network::limit`], by their ids, in the network's own order.
    /// At most [`promise::rules::Rules::profiles_at_once`] ids: one request. An account about which the answer says nothing
    /// that can be read is not in the result.
    async fn counts(&self, ids: &[UserId]) -> Result<Vec<Profile>, NetworkError>;

    /// Who counts the requests with which this account is read: the address of the server, or of the app's limit there. It
    /// has the account's own name where the limit is its own. Accounts with the same limit are read together.
    fn limit(&self) -> String;

    /// About `wanted` of the newest followers, or of those after `cursor`: one request.
    async fn followers(
        &self,
        id: &UserId,
        wanted: u64,
        cursor: Option<&Cursor>,
    ) -> Result<Page, NetworkError>;

    /// Whether the list is in the order of arrival. It is not where a network accepts a date that the
    /// follow gives itself: then a new follower can be listed below others.
    fn lists_in_order_of_arrival(&self) -> bool {
        true
    }

    /// Who followed since that time, newest first. `None` where the network does not notify the account of
    /// follows, or where there is no login to ask with.
    async fn follows_since(
        &self,
        _id: &UserId,
        _since: Timestamp,
    ) -> Result<Option<Vec<Follow>>, NetworkError> {
        Ok(None)
    }

    /// The profiles of the people with these ids, with every field that screening uses, in the network's own order.
    /// At most [`promise::rules::Rules::profiles_at_once`] ids, because most networks answer them in one request. A
    /// person who has left the network, or is suspended or deactivated, is not in the result.
    async fn profiles(&self, ids: &[UserId]) -> Result<Vec<Follower>, NetworkError>;

    /// The person who has this handle now; `None` where nobody has it. The handle is written as in a list of
    /// followers, with or without an `@` at the beginning.
    async fn user(&self, handle: &str) -> Result<Option<Follower>, NetworkError>;

    /// Sends a letter.
    ///
    /// To send the same letter again may deliver it twice, unless [`Network::find`] was asked first.
    ///
    /// # Errors
    ///
    /// [`Failure::Refused`] only where the network's answer is about this letter.
    async fn send(&self, letter: &Letter<'_>) -> Result<Receipt, NetworkError>;

    /// The receipt of a letter that an earlier try may have delivered; `None` if it did not.
    ///
    /// # Errors
    ///
    /// Never [`Failure::Refused`].
    async fn find(&self, letter: &Letter<'_>) -> Result<Option<Receipt>, NetworkError>;

    /// What people answered to letters of this account since it was last asked. Other people's posts can be in it, too.
    ///
    /// # Errors
    ///
    /// Where one of the letters cannot be asked about, none is: the next check asks again.
    async fn answers(&self, id: &UserId, asked: &Asked<'_>) -> Result<Answered, NetworkError>;

    /// What the secrets allow, as far as the network says so without anything being sent.
    async fn permissions(&self, id: &UserId) -> Result<Permissions, NetworkError>;

    /// Until when the network asked not to be read, by any of its responses so far; it may lie in the past.
    fn blocked_until(&self) -> Option<Timestamp>;

    /// The addresses that this account is read and written at.
    fn addresses(&self) -> Vec<String>;
}

/// For which letters a check asks for answers.
#[derive(Clone, Debug)]
pub struct Asked<'a> {
    /// The letters: each was sent, and is a post that the network knows.
    pub letters: Vec<AskedLetter<'a>>,
    /// Up to where the network's list of answers was read before; `None` at the first time.
    pub up_to: Option<&'a str>,
    /// At most so many answers are read, because the network bills for each; elsewhere it does not matter.
    pub most: u64,
    /// Whether to look also where answers are seldom: this is so once an hour.
    pub thorough: bool,
}

/// A letter for which a check asks for answers.
#[derive(Clone, Copy, Debug)]
pub struct AskedLetter<'a> {
    /// What the network has of it.
    pub receipt: &'a Receipt,
    /// Whose answer counts.
    pub follower: &'a UserId,
    /// Whether it was not among those that were asked for before.
    pub is_new: bool,
    /// Whether its answers are due. A network that answers each letter by itself is asked only about these; one list of
    /// all answers has those to the others, too.
    pub is_due: bool,
}

/// What a network says about answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answered {
    /// The answers, in any order.
    pub answers: Vec<Answer>,
    /// Up to where the network's list of answers was read; `None` where it has no such list.
    pub up_to: Option<String>,
    /// How many posts the network bills for.
    pub billed: u64,
}

/// An account as its network describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// The stable id.
    pub id: UserId,
    /// The display name, or the handle where there is none.
    pub name: String,
    /// How many follow.
    pub followers: u64,
}

/// A part of the list of followers, newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The page can be short or empty though more follow.
    pub followers: Vec<Follower>,
    /// Where the next page starts; only `None` means that the list has ended.
    pub next: Option<Cursor>,
}

/// A place in a list, as the network writes it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Cursor(pub String);

/// Someone who followed, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Follow {
    /// The follower.
    pub follower: Follower,
    /// When the network saw the follow.
    pub at: Timestamp,
}

/// What an account's secrets allow; `None` where the network does not say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Permissions {
    /// The id of the account that they belong to.
    pub owner: Option<UserId>,
    /// Whether they may post.
    pub post: Option<bool>,
    /// Whether they may read and send private messages.
    pub message: Option<bool>,
}

/// What a failure allows next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// A rate limit: the network answers again from this time on.
    WaitUntil(Timestamp),
    /// Nothing was done; the same request may work later.
    TryAgain,
    /// The network refuses this letter on this channel, but may accept other letters of the account. For example, the
    /// recipient accepts no messages, or the words are too long. Only the sending of a letter fails in this way.
    Refused,
    /// The network refuses all requests of this kind for the account: because of a wrong secret, a missing right, a
    /// spending cap, a locked account or a daily limit. It lasts until a person removes the cause or the time is over.
    Blocked {
        /// When the block ends; `None` where the network does not say it.
        until: Option<Timestamp>,
    },
    /// It may or may not have been done: ask before doing it again.
    OutcomeUnknown,
    /// The network says that it has this letter already. So the letter must be looked up, and not sent again.
    SentBefore,
}

impl Failure {
    /// Whether the same request can work later without anyone changing anything.
    pub fn retry_can_help(self) -> bool {
        !matches!(self, Self::Refused | Self::Blocked { .. })
    }

    fn what_helps(self) -> String {
        match self {
            Self::WaitUntil(time) => format!("the network answers again at {time}"),
            Self::TryAgain => "the next try can work".into(),
            Self::Refused => "this does not mend itself".into(),
            Self::Blocked { until: Some(end) } => {
                format!("this lasts until {end}, unless someone lifts the block before")
            }
            Self::Blocked { until: None } => {
                "this does not mend itself: see what the network says, and the account's secrets and rights".into()
            }
            Self::OutcomeUnknown | Self::SentBefore => {
                "whether it arrived is looked up before anything is sent again".into()
            }
        }
    }
}

/// A request to a network that failed: what was attempted, for which account, and why.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{attempted} failed for {account}: {}; {}", why.trim_end_matches('.'), failure.what_helps())]
pub struct NetworkError {
    /// What it allows next.
    pub failure: Failure,
    /// Which account it was for.
    pub account: AccountName,
    /// What was being attempted: "reading the followers".
    pub attempted: &'static str,
    /// What the network or the connection answered.
    pub why: String,
}

/// Deserializes a machine-made token (an id, a reference, a session token) of at most `max` bytes. It
/// becomes a ledger key, a path or a header, so anything overlong or outside printable ASCII makes the whole
/// response invalid.
pub(crate) fn machine_made<'de, D: Deserializer<'de>>(
    from: D,
    what: &str,
    max: usize,
    is_right: impl Fn(&str) -> bool,
) -> Result<String, D::Error> {
    let text = String::deserialize(from)?;
    let plain = text.len() <= max && text.bytes().all(|byte| byte.is_ascii_graphic());
    if plain && !text.is_empty() && is_right(&text) {
        return Ok(text);
    }
    Err(D::Error::custom(format!(
        "{what} is not one that the network makes"
    )))
}

/// One of several things in an answer; `None` where it cannot be read, which makes the others no less readable.
pub(crate) struct IfReadable<T>(pub Option<T>);

impl<'de, T: DeserializeOwned> Deserialize<'de> for IfReadable<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(from)?;
        Ok(Self(serde_json::from_str(raw.get()).ok()))
    }
}

/// Deserializes a text of the network that is only shown or sent back. A value that is not a plain text becomes
/// `None`, and the rest of the response stays valid.
pub(crate) fn text_if_plain<'de, D: Deserializer<'de>>(
    from: D,
) -> Result<Option<String>, D::Error> {
    const MAX: usize = 1_024;
    let Some(Value::String(text)) = Option::<Value>::deserialize(from)? else {
        return Ok(None);
    };
    let plain = text.len() <= MAX && text.bytes().all(|byte| byte.is_ascii_graphic());
    Ok((plain && !text.is_empty()).then_some(text))
}

/// Deserializes a time from data that a user controls: one that cannot be read becomes `None` and does not
/// make the page invalid.
pub(crate) fn time_if_readable<'de, D: Deserializer<'de>>(
    from: D,
) -> Result<Option<Timestamp>, D::Error> {
    Ok(Option::<String>::deserialize(from)?.and_then(|time| time.parse().ok()))
}

#[cfg(any(test, fuzzing))]
impl NetworkError {
    /// Panics unless the message names the account, on one line of bounded length, without a secret.
    #[allow(clippy::missing_panics_doc, reason = "it is there to panic")]
    pub fn assert_readable(&self) {
        let message = self.to_string();
        assert!(message.contains(&self.account.to_string()));
        assert!(message.chars().count() < 800 && !message.contains(char::is_control));
        assert!(!message.contains("a-secret"));
    }
}

/// Panics unless what a network says of a follower is safe to keep.
#[cfg(any(test, fuzzing))]
pub(crate) fn assert_fit_to_keep(follower: &Follower) {
    let id = follower.id.as_str();
    assert!(!id.is_empty() && id.len() <= 512);
    assert!(id.bytes().all(|byte| byte.is_ascii_graphic()));
    assert!(!id.contains(['#', '/', '?']));
    let kept = promise::follower::Recipient::from(follower);
    for text in [Some(kept.handle), kept.name].into_iter().flatten() {
        assert!(text.len() <= 4 * 254 && !text.contains(char::is_control));
    }
}
