//! What a network can do for a promise: say who an account is, list its followers, carry an
//! invitation. Each implementation has a file of its own.

pub mod bluesky;
mod line;
pub mod mastodon;
pub mod x;

pub(crate) use line::CLOCK_DRIFT;

use std::{fmt, str::FromStr, sync::Arc};

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, de::Error};

use crate::{
    account::AccountName,
    clock::Clock,
    follower::{Follower, Recipient},
    hug::{Hug, Invitation},
    settings,
};

/// A place with followers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NetworkName {
    /// x.com
    X,
    /// The AT protocol's network: bsky.app and every server that joins it.
    Bluesky,
    /// Mastodon, and every server that speaks its API.
    Mastodon,
}

impl NetworkName {
    /// Every network there is code for.
    pub const ALL: [Self; 3] = [Self::X, Self::Bluesky, Self::Mastodon];
}

impl fmt::Display for NetworkName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::X => "x",
            Self::Bluesky => "bluesky",
            Self::Mastodon => "mastodon",
        })
    }
}

impl FromStr for NetworkName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|network| network.to_string() == text)
            .ok_or_else(|| {
                let known = Self::ALL
                    .map(|network| format!("\"{network}\""))
                    .join(" or ");
                format!("\"{text}\" is no network that this knows; write {known}")
            })
    }
}

/// An account as its network tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// The stable id.
    pub id: String,
    /// The display name, or the handle where there is none.
    pub name: String,
    /// How many follow.
    pub followers: u64,
    /// Set when this answer used up the rate limit: no reading before then.
    pub retry_at: Option<Timestamp>,
}

/// What an account's secrets allow; `None` is what the network does not tell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allowed {
    /// The id of the account that they belong to.
    pub id: Option<String>,
    /// Whether they may post.
    pub post: Option<bool>,
    /// Whether they may read and send private messages.
    pub message: Option<bool>,
}

/// Some followers, newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// May be short or empty though more follow.
    pub followers: Vec<Follower>,
    /// Where the next page starts; only its absence is the end of the list.
    pub next: Option<String>,
}

/// An invitation on its way: to the hug's follower, on any channel but `draft`, which is not sent.
#[derive(Clone, Copy, Debug)]
pub struct Letter<'a> {
    /// The hug it is for, claimed.
    pub hug: &'a Hug,
    /// Its words, the same on every try.
    pub invitation: &'a Invitation,
}

/// One account on one network.
#[async_trait]
pub trait Network: Send + Sync {
    /// Who the account is and how many follow it: one request. By `id` where it is known, for a
    /// handle can change; else by the handle in the settings.
    async fn profile(&self, id: Option<&str>) -> Result<Profile, NetworkError>;

    /// The newest followers, or those after `cursor`: one request for about `wanted` of them.
    async fn followers(
        &self,
        id: &str,
        wanted: u64,
        cursor: Option<&str>,
    ) -> Result<Page, NetworkError>;

    /// Whether the list is in the order in which they came. It is not where a network believes the
    /// date that a follow gives itself: then one can come in below others.
    fn lists_in_order_of_arrival(&self) -> bool {
        true
    }

    /// Who followed since `since`, newest first, with the time of each follow, where the network tells
    /// the account itself; `None` where it does not or where there is no login for it.
    async fn follows_since(
        &self,
        _id: &str,
        _since: Timestamp,
    ) -> Result<Option<Vec<(Follower, Timestamp)>>, NetworkError> {
        Ok(None)
    }

    /// What the list did not tell of a follower who may get a hug.
    async fn look_closer(&self, follower: Follower) -> Result<Follower, NetworkError> {
        Ok(follower)
    }

    /// Sends a letter and answers the network's reference to it.
    ///
    /// Sending the same letter again may deliver it again unless [`Network::find`] is asked first.
    async fn send(&self, letter: &Letter<'_>) -> Result<String, NetworkError>;

    /// The reference of a letter that an earlier try may have delivered; `None` if it did not.
    async fn find(&self, letter: &Letter<'_>) -> Result<Option<String>, NetworkError>;

    /// What the secrets allow to the account of that id, as far as it can be asked without sending
    /// anything to anyone.
    async fn allowed(&self, _id: &str) -> Result<Allowed, NetworkError> {
        Ok(Allowed::default())
    }

    /// A link that opens the network with the words filled in, for a creator's one tap.
    fn draft_link(&self, recipient: Option<&Recipient>, text: &str) -> String;
}

/// Reads a text that a network makes itself, and no person: an id, a reference, a token. It becomes a
/// key in the ledger, a path or a header, so an answer with one that the network cannot have made is
/// no answer.
fn made_by_network<'de, D: Deserializer<'de>>(
    from: D,
    what: &str,
    longest: usize,
    is_right: impl Fn(&str) -> bool,
) -> Result<String, D::Error> {
    let text = String::deserialize(from)?;
    let plain = text.len() <= longest && text.bytes().all(|byte| byte.is_ascii_graphic());
    if plain && !text.is_empty() && is_right(&text) {
        return Ok(text);
    }
    Err(D::Error::custom(format!(
        "{what} is none that the network makes"
    )))
}

/// A time that stands in what a person wrote, by way of a program of their own; `None` if it is none.
fn time_if_readable<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Timestamp>, D::Error> {
    Ok(Option::<String>::deserialize(from)?.and_then(|time| time.parse().ok()))
}

/// What a failure means for what comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// A rate limit: the network answers again from then on.
    WaitUntil(Timestamp),
    /// Nothing was done; the same request may work later.
    TryAgain,
    /// The network will not do this, however often it is asked.
    Refused,
    /// The secrets are wrong, or allow or have paid for too little: a person has to act.
    Unauthorized,
    /// It may or may not have been done: ask before doing it again.
    OutcomeUnknown,
}

impl Failure {
    /// Whether the same request can work later without anyone changing anything.
    pub fn retry_can_help(self) -> bool {
        !matches!(self, Self::Refused | Self::Unauthorized)
    }
}

/// A request to a network that failed: what was attempted, for which account, and why.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{attempted} failed for {account}: {why}; {}", what_helps(.failure))]
pub struct NetworkError {
    /// What it means for what comes next.
    pub failure: Failure,
    /// Which account it was for.
    pub account: AccountName,
    /// What was being attempted: "reading the followers".
    pub attempted: &'static str,
    /// What the network or the connection said.
    pub why: String,
}

fn what_helps(failure: &Failure) -> String {
    match failure {
        Failure::WaitUntil(time) => format!("the network answers again at {time}"),
        Failure::TryAgain => "a retry can help".into(),
        Failure::Refused => "a retry cannot help".into(),
        Failure::Unauthorized => {
            "a retry cannot help before someone mends the account's access".into()
        }
        Failure::OutcomeUnknown => {
            "whether it arrived is looked up before anything is sent again".into()
        }
    }
}

/// The network of one account in the settings, reached through the one HTTP client.
pub fn connect(
    account: &settings::Account,
    http: &reqwest::Client,
    clock: &Clock,
) -> Arc<dyn Network> {
    match &account.login {
        settings::Login::X(keys) => Arc::new(x::X::new(account, keys.clone(), http, clock)),
        settings::Login::Bluesky(login) => {
            Arc::new(bluesky::Bluesky::new(account, login.clone(), http, clock))
        }
        settings::Login::Mastodon(login) => {
            Arc::new(mastodon::Mastodon::new(account, login.clone(), http, clock))
        }
    }
}
