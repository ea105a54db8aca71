//! Bluesky: reads at the AppView without a login, writes at the account's own PDS with an app
//! password. Source of the facts: the AT protocol's lexicons, tried on its own server software.

mod chat;
mod record;
mod session;

use std::fmt;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use reqwest::{Client, RequestBuilder, StatusCode};
use serde::{Deserialize, Deserializer};
use serde_json::json;
use tokio::sync::Mutex;

use self::{
    chat::CHAT,
    record::{POSTS, post, record_key},
    session::Session,
};
use super::{
    Allowed, Failure, Letter, Network, NetworkError, Page, Profile,
    line::{Line, json_body, with_query},
    made_by_network, time_if_readable,
};
use crate::{
    clock::Clock,
    follower::{Follower, Recipient},
    http::Answer,
    invitation::Channel,
    settings::{self, Secret},
};

/// Where reads go unless the settings say otherwise.
pub const APPVIEW: &str = "https://public.api.bsky.app";

/// Where logins go unless the settings say otherwise; it tells which PDS an account lives on.
pub const SERVER: &str = "https://bsky.social";

/// The secret of an account on Bluesky; reading needs none.
#[derive(Clone, Debug)]
pub struct Login {
    /// An app password, never the account's own.
    pub app_password: Option<Secret>,
}

/// One account on Bluesky.
pub struct Bluesky {
    line: Line,
    appview: String,
    server: String,
    login: Login,
    session: Mutex<Option<Session>>,
}

impl fmt::Debug for Bluesky {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bluesky({})", self.line.account)
    }
}

/// Reads are free, and hidden accounts make pages short: never ask for fewer than this.
const SMALLEST_PAGE: u64 = 25;
const LARGEST_PAGE: u64 = 100;

/// A look through the notifications turns no more pages than this.
const MOST_PAGES_OF_NOTIFICATIONS: usize = 10;

/// Labels that speak of automation or abuse; most others are a matter of taste or self-chosen.
const BOT_LABELS: [&str; 4] = ["bot", "spam", "!hide", "!takedown"];

#[async_trait]
impl Network for Bluesky {
    async fn profile(&self, id: Option<&str>) -> Result<Profile, NetworkError> {
        let attempted = "reading the follower count";
        let actor = id.unwrap_or(&self.line.account.handle);
        let answer = self
            .read(attempted, "app.bsky.actor.getProfile", &[("actor", actor)])
            .await?;
        let profile: ProfileView = self.line.parse(attempted, &answer)?;
        let followers = profile.followers_count.ok_or_else(|| {
            self.line.error(
                attempted,
                Failure::TryAgain,
                "the answer has no followersCount",
            )
        })?;
        let used_up = answer.number("ratelimit-remaining") == Some(0);
        Ok(Profile {
            name: profile
                .display_name
                .filter(|name| !name.is_empty())
                .unwrap_or(profile.handle),
            id: profile.did,
            followers,
            retry_at: used_up.then(|| self.reset(&answer)),
        })
    }

    async fn followers(
        &self,
        id: &str,
        wanted: u64,
        cursor: Option<&str>,
    ) -> Result<Page, NetworkError> {
        let attempted = "reading the newest followers";
        let limit = wanted.clamp(SMALLEST_PAGE, LARGEST_PAGE).to_string();
        let mut query = vec![("actor", id), ("limit", limit.as_str())];
        query.extend(cursor.map(|cursor| ("cursor", cursor)));
        let answer = self
            .read(attempted, "app.bsky.graph.getFollowers", &query)
            .await?;
        let page: Followers = self.line.parse(attempted, &answer)?;
        Ok(Page {
            followers: page
                .followers
                .into_iter()
                .map(ProfileView::into_follower)
                .collect(),
            next: page.cursor,
        })
    }

    fn lists_in_order_of_arrival(&self) -> bool {
        false
    }

    /// Notifications are in the order in which the network saw the follows, whatever date these
    /// give themselves, and go with the follow.
    async fn follows_since(
        &self,
        id: &str,
        since: Timestamp,
    ) -> Result<Option<Vec<(Follower, Timestamp)>>, NetworkError> {
        let attempted = "reading the notifications of follows";
        if self.login.app_password.is_none() {
            return Ok(None);
        }
        let mut cursor: Option<String> = None;
        let mut follows = Vec::new();
        for _ in 0..MOST_PAGES_OF_NOTIFICATIONS {
            let get = |session: &Session| {
                let mut query = vec![("reasons", "follow"), ("limit", "100")];
                query.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
                let url = session.url("app.bsky.notification.listNotifications");
                self.line.http.get(with_query(url, &query))
            };
            let answer = self.with_session(attempted, id, get).await?;
            if !answer.status.is_success() {
                return Err(self.refusal(attempted, &answer));
            }
            let page: Notifications = self.line.parse(attempted, &answer)?;
            for one in page.notifications {
                if one.indexed_at < since {
                    return Ok(Some(follows));
                }
                // Older servers do not know the filter by reason.
                if one.reason == "follow" {
                    follows.push((one.author.into_follower(), one.indexed_at));
                }
            }
            cursor = page.cursor;
            if cursor.is_none() {
                return Ok(Some(follows));
            }
        }
        // A part of them would be taken for all.
        Ok(None)
    }

    /// The list has no counts; the profile does.
    async fn look_closer(&self, follower: Follower) -> Result<Follower, NetworkError> {
        let attempted = "reading a new follower's profile";
        let query = [("actor", follower.id.as_str())];
        let answer = self
            .read(attempted, "app.bsky.actor.getProfile", &query)
            .await?;
        let profile: ProfileView = self.line.parse(attempted, &answer)?;
        Ok(profile.into_follower())
    }

    async fn send(&self, letter: &Letter<'_>) -> Result<String, NetworkError> {
        let attempted = "sending the invitation";
        if letter.invitation.channel == Channel::Message {
            return self.send_message(attempted, letter).await;
        }
        let body = json!({
            "repo": letter.hug.id,
            "collection": POSTS,
            "rkey": record_key(letter.hug),
            "record": post(letter),
            // Nothing may be there yet, or the very same: then the server does nothing.
            "swapRecord": null,
        });
        let put = |session: &Session| {
            json_body(
                self.line
                    .http
                    .post(session.url("com.atproto.repo.putRecord")),
                &body,
            )
        };
        let answer = self.write(attempted, letter, put).await?;
        let put: Reference = self.line.parse_sent(attempted, &answer)?;
        Ok(put.uri)
    }

    async fn find(&self, letter: &Letter<'_>) -> Result<Option<String>, NetworkError> {
        let attempted = "looking up whether the invitation arrived";
        if letter.invitation.channel == Channel::Message {
            return self.find_message(attempted, letter).await;
        }
        let rkey = record_key(letter.hug);
        let get = |session: &Session| {
            self.line.http.get(with_query(
                session.url("com.atproto.repo.getRecord"),
                &[
                    ("repo", &letter.hug.id),
                    ("collection", POSTS),
                    ("rkey", &rkey),
                ],
            ))
        };
        match self.with_session(attempted, &letter.hug.id, get).await? {
            answer if answer.status.is_success() => {
                Ok(Some(self.line.parse::<Reference>(attempted, &answer)?.uri))
            }
            answer if answer.xrpc_error() == "RecordNotFound" => Ok(None),
            answer => Err(self.refusal(attempted, &answer)),
        }
    }

    /// One login, of the 300 that a day has.
    async fn allowed(&self, id: &str) -> Result<Allowed, NetworkError> {
        let attempted = "asking whether the app password may read messages";
        let session = self.log_in(id).await?;
        let conversations =
            with_query(session.url("chat.bsky.convo.listConvos"), &[("limit", "1")]);
        let request = self.line.http.get(conversations).header(CHAT.0, CHAT.1);
        let answer = self
            .line
            .read(attempted, request.bearer_auth(session.access.expose()))
            .await?;
        let message = match answer.xrpc_error().as_str() {
            _ if answer.status.is_success() => Some(true),
            // "Bad token method": the app password was made without access to messages.
            "InvalidToken" => Some(false),
            _ => None,
        };
        *self.session.lock().await = Some(session);
        Ok(Allowed {
            id: Some(id.to_owned()),
            post: Some(true),
            message,
        })
    }

    fn draft_link(&self, _recipient: Option<&Recipient>, text: &str) -> String {
        with_query(
            "https://bsky.app/intent/compose".to_owned(),
            &[("text", text)],
        )
    }
}

impl Bluesky {
    /// An account of the settings, with the app password that they found for it.
    pub fn new(account: &settings::Account, login: Login, http: &Client, clock: &Clock) -> Self {
        let or = |server: &Option<String>, default: &str| {
            server.clone().unwrap_or_else(|| default.to_owned())
        };
        Self {
            line: Line::new(
                account,
                login.app_password.iter().cloned().collect(),
                http,
                clock,
            ),
            appview: or(&account.appview, APPVIEW),
            server: or(&account.server, SERVER),
            login,
            session: Mutex::new(None),
        }
    }

    async fn read(
        &self,
        attempted: &'static str,
        method: &str,
        query: &[(&str, &str)],
    ) -> Result<Answer, NetworkError> {
        let url = with_query(format!("{}/xrpc/{method}", self.appview), query);
        let answer = self.line.read(attempted, self.line.http.get(url)).await?;
        if answer.status.is_success() {
            Ok(answer)
        } else {
            Err(self.refusal(attempted, &answer))
        }
    }

    /// Like [`Bluesky::with_session`], for what changes something: where the answer does not say
    /// that nothing was done, the outcome is unknown.
    async fn write(
        &self,
        attempted: &'static str,
        letter: &Letter<'_>,
        request: impl Fn(&Session) -> RequestBuilder,
    ) -> Result<Answer, NetworkError> {
        let answer = self
            .with_session(attempted, &letter.hug.id, request)
            .await?;
        if answer.status.is_success() {
            return Ok(answer);
        }
        let mut refusal = self.refusal(attempted, &answer);
        // A swap is invalid where an earlier try has left its post.
        if Line::perhaps_done(&answer) || answer.xrpc_error() == "InvalidSwap" {
            refusal.failure = Failure::OutcomeUnknown;
        }
        Err(refusal)
    }

    fn refusal(&self, attempted: &'static str, answer: &Answer) -> NetworkError {
        let XrpcError { error, message } = answer.json().unwrap_or_default();
        let why = format!(
            "{}: {}",
            answer.status,
            self.line.quote(&format!("{error} {message}"))
        );
        let failure = match (answer.status, error.as_str()) {
            (StatusCode::TOO_MANY_REQUESTS, _) => Failure::WaitUntil(self.reset(answer)),
            // A message that the follower's own settings refuse, not our login.
            (
                _,
                "MessagesDisabled" | "NotFollowedBySender" | "BlockedActor" | "RecipientNotFound",
            ) => Failure::Refused,
            (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN, _)
            | (
                _,
                "AuthMissing" | "InvalidToken" | "ExpiredToken" | "AccountTakedown"
                | "AccountDeactivated",
            ) => Failure::Unauthorized,
            (status, _) if status.is_server_error() => Failure::TryAgain,
            // Whatever names no error comes from something on the way to the server.
            (_, "") => Failure::TryAgain,
            _ => Failure::Refused,
        };
        self.line.error(attempted, failure, &why)
    }

    /// When a used-up limit opens again: what the headers say, else the length of the usual window.
    fn reset(&self, answer: &Answer) -> Timestamp {
        let told = answer
            .unix_time("ratelimit-reset")
            .or_else(|| self.line.retry_after(answer));
        self.line.until(told, SignedDuration::from_mins(5))
    }
}

#[cfg(any(test, fuzzing))]
impl Bluesky {
    /// Takes an answer for each that it could be.
    pub(crate) fn take_in(&self, answer: &Answer) {
        use self::chat::{Conversation, Messages};
        use crate::fuzzing::{assert_fit_to_keep, assert_readable};

        let attempted = "reading nonsense";
        match self.line.parse::<ProfileView>(attempted, answer) {
            Ok(profile) => assert_fit_to_keep(&profile.into_follower()),
            Err(error) => assert_readable(&error),
        }
        match self.line.parse::<Followers>(attempted, answer) {
            Ok(page) => page
                .followers
                .into_iter()
                .for_each(|profile| assert_fit_to_keep(&profile.into_follower())),
            Err(error) => assert_readable(&error),
        }
        match self.tokens(attempted, answer) {
            Ok(tokens) => {
                let session = Session::new(tokens, SERVER);
                assert!(session.pds.starts_with("https://"));
                let bearer = format!("Bearer {}", session.access.expose());
                assert!(reqwest::header::HeaderValue::try_from(bearer).is_ok());
            }
            Err(error) => assert_readable(&error),
        }
        match self.line.parse_sent::<Reference>(attempted, answer) {
            Ok(put) => assert!(put.uri.len() <= 1_024),
            Err(error) => assert_readable(&error),
        }
        let _ = self.line.parse::<Notifications>(attempted, answer);
        let _ = self.line.parse::<Messages>(attempted, answer);
        let _ = self.line.parse::<Conversation>(attempted, answer);
        let refusal = self.refusal(attempted, answer);
        assert_readable(&refusal);
        if let Failure::WaitUntil(until) = refusal.failure {
            assert!(until > self.line.now());
        }
    }
}

impl Answer {
    fn xrpc_error(&self) -> String {
        if self.status.is_success() {
            return String::new();
        }
        self.json::<XrpcError>()
            .map(|error| error.error)
            .unwrap_or_default()
    }
}

/// A DID: the lexicon allows 2048 characters, of which the ones in use take 32 to 260.
fn did<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    made_by_network(from, "the DID", 512, |did| {
        let mut parts = did.splitn(3, ':');
        let named = parts.next() == Some("did") && parts.all(|part| !part.is_empty());
        named && did.matches(':').count() >= 2 && !did.contains(['/', '?', '#'])
    })
}

fn uri<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    made_by_network(from, "the URI", 1_024, |uri| uri.starts_with("at://"))
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct XrpcError {
    error: String,
    message: String,
}

#[derive(Deserialize)]
struct Reference {
    #[serde(deserialize_with = "uri")]
    uri: String,
}

#[derive(Deserialize)]
struct Followers {
    followers: Vec<ProfileView>,
    cursor: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ProfileView {
    #[serde(deserialize_with = "did")]
    did: String,
    handle: String,
    display_name: Option<String>,
    description: Option<String>,
    avatar: Option<String>,
    /// When the account was made; the time of the follow is not told.
    #[serde(default, deserialize_with = "time_if_readable")]
    created_at: Option<Timestamp>,
    followers_count: Option<u64>,
    follows_count: Option<u64>,
    posts_count: Option<u64>,
    #[serde(default)]
    labels: Vec<Label>,
}

#[derive(Deserialize)]
struct Notifications {
    notifications: Vec<Notification>,
    cursor: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Notification {
    reason: String,
    author: ProfileView,
    /// When the network saw it.
    indexed_at: Timestamp,
}

#[derive(Deserialize)]
struct Label {
    val: String,
}

impl ProfileView {
    fn into_follower(self) -> Follower {
        Follower {
            marked_as_bot: self
                .labels
                .iter()
                .any(|label| BOT_LABELS.contains(&label.val.as_str())),
            has_picture: Some(self.avatar.is_some()),
            posts: self.posts_count,
            followers: self.followers_count,
            following: self.follows_count,
            created_at: self.created_at,
            id: self.did,
            handle: self.handle,
            name: self.display_name.filter(|name| !name.is_empty()),
            bio: self.description,
            ..Follower::default()
        }
    }
}
