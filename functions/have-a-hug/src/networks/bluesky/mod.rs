//! Bluesky: reads at the AppView without a login, writes at the account's own PDS with an app password.
//! Facts and sources: docs/NETWORKS.md.

mod chat;
mod record;
mod reply;
mod rules;
mod session;
mod thread;
mod wire;

use std::collections::HashSet;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use promise::{
    account::UserId,
    channel::Channel,
    follower::Follower,
    letter::{Letter, Receipt},
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use self::{
    record::{POSTS, post, record_key},
    reply::Place,
    rules::APP_PASSWORD,
    session::{Pds, Session},
    thread::Posts,
    wire::{
        Counted, Followers, Notifications, ProfileView, Profiles, Reference, XrpcError, xrpc_error,
    },
};
use super::{reply::answered_post, words::MAX_ANSWERS};
use crate::{
    http::{Response, with_json, with_query},
    network::{
        Answered, Asked, Cursor, Failure, Follow, Network, NetworkError, Page, Permissions,
        Profile,
        client::{Attempt, Client, Connection, Dialect, Refusal},
    },
};
pub use rules::RULES;

/// One account on Bluesky.
pub struct Bluesky {
    appview: String,
    pds: Pds,
}

/// Reads are free, and hidden accounts make pages short: never ask for fewer than this.
const MIN_PAGE: u64 = 25;
const MAX_PAGE: u64 = 100;

/// No more pages of notifications are read than this.
const MAX_PAGES_OF_NOTIFICATIONS: usize = 10;

const DIALECT: Dialect = Dialect {
    refusal,
    is_capped: |_| false,
    reset: |response| response.unix_time("ratelimit-reset"),
    window: SignedDuration::from_mins(5),
    remaining: "ratelimit-remaining",
    // The swap is invalid where an earlier try has left its post.
    done_already: |response| xrpc_error(response) == "InvalidSwap",
};

fn refusal(response: &Response) -> Refusal {
    let error: XrpcError = response.json().unwrap_or_default();
    let failure = if error.error.is_empty() {
        // A response that names no error comes from something on the way to the server.
        Failure::TryAgain
    } else if error.is_about_the_letter() {
        Failure::Refused
    } else {
        Failure::Blocked { until: None }
    };
    Refusal {
        failure,
        why: format!("{} {}", error.error, error.message),
    }
}

#[async_trait]
impl Network for Bluesky {
    async fn profile(&self, id: Option<&UserId>) -> Result<Profile, NetworkError> {
        let attempt = self.client().attempt("reading the follower count");
        let actor = id.map_or(self.client().account.handle.as_str(), UserId::as_str);
        let query = [("actor", actor)];
        let url = self.appview_url("app.bsky.actor.getProfile", &query);
        let response = attempt.ask(self.client().http.get(url)).await?;
        let error: XrpcError = response.json().unwrap_or_default();
        if id.is_none() && !response.status.is_success() && error.is_about_nobody() {
            return Err(attempt.no_such_account());
        }
        let response = attempt.accept(response)?;
        let profile: ProfileView = attempt.parse(&response)?;
        let followers = profile
            .followers_count
            .ok_or_else(|| attempt.error(Failure::TryAgain, "the answer has no followersCount"))?;
        attempt.note_limit(&response);
        Ok(Profile {
            name: profile
                .display_name
                .filter(|name| !name.is_empty())
                .unwrap_or(profile.handle),
            id: profile.did.into(),
            followers,
        })
    }

    async fn counts(&self, ids: &[UserId]) -> Result<Vec<Profile>, NetworkError> {
        let attempt = self.client().attempt("reading the follower counts");
        let query: Vec<(&str, &str)> = ids.iter().map(|id| ("actors", id.as_str())).collect();
        let response = self
            .read(attempt, "app.bsky.actor.getProfiles", &query)
            .await?;
        let counted: Counted = attempt.parse(&response)?;
        attempt.note_limit(&response);
        Ok(counted.profiles().collect())
    }

    fn limit(&self) -> String {
        self.appview.clone()
    }

    async fn followers(
        &self,
        id: &UserId,
        wanted: u64,
        cursor: Option<&Cursor>,
    ) -> Result<Page, NetworkError> {
        let attempt = self.client().attempt("reading the newest followers");
        let limit = wanted.clamp(MIN_PAGE, MAX_PAGE).to_string();
        let mut query = vec![("actor", id.as_str()), ("limit", limit.as_str())];
        query.extend(cursor.map(|Cursor(cursor)| ("cursor", cursor.as_str())));
        let response = self
            .read(attempt, "app.bsky.graph.getFollowers", &query)
            .await?;
        let page: Followers = attempt.parse(&response)?;
        let followers = page.followers.into_iter().map(ProfileView::into_follower);
        Ok(Page {
            followers: followers.collect(),
            next: page.cursor,
        })
    }

    fn lists_in_order_of_arrival(&self) -> bool {
        false
    }

    /// Notifications are in the order in which the network saw the follows, whatever date these give
    /// themselves, and disappear with the follow.
    async fn follows_since(
        &self,
        id: &UserId,
        since: Timestamp,
    ) -> Result<Option<Vec<Follow>>, NetworkError> {
        let attempt = self
            .client()
            .attempt("reading the notifications of follows");
        if self.pds.app_password.is_none() {
            return Ok(None);
        }
        let mut cursor: Option<Cursor> = None;
        let mut follows = Vec::new();
        for _ in 0..MAX_PAGES_OF_NOTIFICATIONS {
            let get = |session: &Session| {
                let mut query = vec![("reasons", "follow"), ("limit", "100")];
                query.extend(
                    cursor
                        .iter()
                        .map(|Cursor(cursor)| ("cursor", cursor.as_str())),
                );
                let url = session.url("app.bsky.notification.listNotifications");
                self.client().http.get(with_query(url, &query))
            };
            let response = self.pds.read(attempt, id, get).await?;
            let page: Notifications = attempt.parse(&response)?;
            for one in page.notifications {
                if one.indexed_at < since {
                    return Ok(Some(follows));
                }
                // Older servers do not know the filter by reason.
                if one.reason == "follow" {
                    follows.push(Follow {
                        follower: one.author.into_follower(),
                        at: one.indexed_at,
                    });
                }
            }
            cursor = page.cursor;
            if cursor.is_none() {
                return Ok(Some(follows));
            }
        }
        // Give up: a part of the follows would be mistaken for all of them.
        Ok(None)
    }

    /// A list of followers on Bluesky has no counts of posts and followers; the profiles have them.
    async fn profiles(&self, ids: &[UserId]) -> Result<Vec<Follower>, NetworkError> {
        let attempt = self.client().attempt("reading the profiles of followers");
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let query: Vec<(&str, &str)> = ids.iter().map(|id| ("actors", id.as_str())).collect();
        let response = self
            .read(attempt, "app.bsky.actor.getProfiles", &query)
            .await?;
        let found: Profiles = attempt.parse(&response)?;
        let followers = found.profiles.into_iter().map(ProfileView::into_follower);
        Ok(followers.collect())
    }

    async fn user(&self, handle: &str) -> Result<Option<Follower>, NetworkError> {
        let attempt = self.client().attempt("looking a handle up");
        let handle = handle.trim_start_matches('@');
        if !(RULES.handle.is_valid)(&handle.to_lowercase()) {
            return Ok(None);
        }
        let query = [("actor", handle)];
        let url = self.appview_url("app.bsky.actor.getProfile", &query);
        let response = attempt.ask(self.client().http.get(url)).await?;
        let error: XrpcError = response.json().unwrap_or_default();
        if !response.status.is_success() && error.is_about_nobody() {
            return Ok(None);
        }
        let profile: ProfileView = attempt.parse(&attempt.accept(response)?)?;
        Ok(Some(profile.into_follower()))
    }

    async fn send(&self, letter: &Letter<'_>) -> Result<Receipt, NetworkError> {
        let attempt = self.client().attempt(letter.kind.sending());
        if letter.channel == Channel::Message {
            return chat::send(&self.pds, attempt, letter).await;
        }
        let reply = match letter.channel {
            Channel::Reply => Some(self.reply(attempt, letter).await?),
            _ => None,
        };
        let body = json!({
            "repo": letter.from,
            "collection": POSTS,
            "rkey": record_key(letter),
            "record": post(letter, reply),
            // Only where no record has this key yet, or exactly the same one: then the server does nothing.
            "swapRecord": null,
        });
        let put = |session: &Session| {
            let url = session.url("com.atproto.repo.putRecord");
            with_json(self.client().http.post(url), &body)
        };
        let response = self.pds.write(attempt, letter.from, put).await?;
        let put: Reference = attempt.parse_sent(&response)?;
        Ok(put.into())
    }

    async fn find(&self, letter: &Letter<'_>) -> Result<Option<Receipt>, NetworkError> {
        let attempt = self.client().attempt(letter.kind.looking_up());
        if letter.channel == Channel::Message {
            return chat::find(&self.pds, attempt, letter).await;
        }
        let rkey = record_key(letter);
        let query = [
            ("repo", letter.from.as_str()),
            ("collection", POSTS),
            ("rkey", &rkey),
        ];
        let get = |session: &Session| {
            let url = session.url("com.atproto.repo.getRecord");
            self.client().http.get(with_query(url, &query))
        };
        let response = self.pds.ask(attempt, letter.from, get).await?;
        if xrpc_error(&response) == "RecordNotFound" {
            return Ok(None);
        }
        let found: Reference = attempt.parse(&attempt.accept(response)?)?;
        Ok(Some(found.into()))
    }

    /// Quotes are seldom answers, so they are read only in a thorough look.
    async fn answers(&self, _id: &UserId, asked: &Asked<'_>) -> Result<Answered, NetworkError> {
        let attempt = self.client().attempt("reading the answers");
        let mut answers = Vec::new();
        for letter in asked.letters.iter().filter(|letter| letter.is_due) {
            let uri = ("uri", letter.receipt.reference.as_str());
            let query = [uri, ("depth", "1"), ("parentHeight", "0")];
            let found = self.read_if_there(attempt, "app.bsky.feed.getPostThread", &query);
            if let Some(found) = found.await? {
                answers.extend(thread::replies(found, letter));
            }
            if !asked.thorough {
                continue;
            }
            let query = [uri, ("limit", "100")];
            let found = self.read_if_there(attempt, "app.bsky.feed.getQuotes", &query);
            if let Some(found) = found.await? {
                answers.extend(thread::quotes(found, letter));
            }
        }
        // A reply can quote the same post.
        let mut seen = HashSet::new();
        answers.retain(|answer| seen.insert(answer.version.clone()));
        answers.truncate(MAX_ANSWERS);
        Ok(Answered {
            answers,
            ..Answered::default()
        })
    }

    /// One login, of the 300 that an account has a day.
    async fn permissions(&self, id: &UserId) -> Result<Permissions, NetworkError> {
        let attempt = self
            .client()
            .attempt("asking whether the app password may read messages");
        self.pds.forget_session().await;
        let message = chat::is_open(&self.pds, attempt, id).await?;
        Ok(Permissions {
            owner: Some(id.clone()),
            post: Some(true),
            message,
        })
    }

    fn blocked_until(&self) -> Option<Timestamp> {
        self.client().blocked_until()
    }

    fn addresses(&self) -> Vec<String> {
        let mut addresses = vec![self.appview.clone()];
        if self.pds.app_password.is_some() && self.pds.server != self.appview {
            addresses.push(self.pds.server.clone());
        }
        addresses
    }
}

impl Bluesky {
    /// An account of the settings, with the app password that was found for it.
    pub fn new(connection: &Connection<'_>) -> Self {
        let appview = connection.appview.or(RULES.default_appview);
        Self {
            appview: appview.unwrap_or_default().to_owned(),
            pds: Pds::new(
                Client::new(connection, &DIALECT),
                connection.server(&RULES),
                connection.credentials.get(APP_PASSWORD).cloned(),
            ),
        }
    }

    fn client(&self) -> &Client {
        &self.pds.client
    }

    /// Reads at the AppView, which needs no login.
    async fn read(
        &self,
        attempt: Attempt<'_>,
        method: &str,
        query: &[(&str, &str)],
    ) -> Result<Response, NetworkError> {
        let url = self.appview_url(method, query);
        attempt.read(self.client().http.get(url)).await
    }

    /// Reads likewise; `None` where the post that is asked about is gone.
    async fn read_if_there<T: DeserializeOwned>(
        &self,
        attempt: Attempt<'_>,
        method: &str,
        query: &[(&str, &str)],
    ) -> Result<Option<T>, NetworkError> {
        let url = self.appview_url(method, query);
        let response = attempt.ask(self.client().http.get(url)).await?;
        if xrpc_error(&response) == "NotFound" {
            return Ok(None);
        }
        attempt.parse(&attempt.accept(response)?).map(Some)
    }

    /// What the record of a reply says of the answer that it replies to.
    ///
    /// The account's server takes a reply to a post that is gone, and nobody sees it. So it is asked first whether the
    /// answer is there.
    async fn reply(
        &self,
        attempt: Attempt<'_>,
        letter: &Letter<'_>,
    ) -> Result<Value, NetworkError> {
        let answer = answered_post(attempt, letter)?;
        let unknown = || attempt.blocked("the version of the answer was not kept");
        let place = Place::of(answer).ok_or_else(unknown)?;
        let uri = answer.reference.as_str();
        let query = [("uris", uri)];
        let there = self.read(attempt, "app.bsky.feed.getPosts", &query);
        let there = match there.await {
            Ok(response) => attempt.parse::<Posts>(&response)?,
            // Whatever the reason is, nothing was sent, and it says nothing about the letter.
            Err(error) => {
                let failure = match error.failure {
                    wait @ Failure::WaitUntil(_) => wait,
                    _ => Failure::TryAgain,
                };
                return Err(NetworkError { failure, ..error });
            }
        };
        if !there.has(uri) {
            return Err(attempt.error(Failure::Refused, "the answer is not there any more"));
        }
        Ok(place.reply_to(uri))
    }

    fn appview_url(&self, method: &str, query: &[(&str, &str)]) -> String {
        with_query(format!("{}/xrpc/{method}", self.appview), query)
    }
}

#[cfg(any(test, fuzzing))]
impl Bluesky {
    /// Parses the response as every type of this client and checks the invariants of each.
    pub(crate) fn take_in(&self, response: &Response) {
        use self::{
            session::tokens,
            wire::{Conversation, Messages},
        };
        use crate::network::assert_fit_to_keep;

        let attempt = self.client().attempt("reading random input");
        match attempt.parse::<ProfileView>(response) {
            Ok(profile) => assert_fit_to_keep(&profile.into_follower()),
            Err(error) => error.assert_readable(),
        }
        match attempt.parse::<Followers>(response) {
            Ok(page) => page
                .followers
                .into_iter()
                .for_each(|profile| assert_fit_to_keep(&profile.into_follower())),
            Err(error) => error.assert_readable(),
        }
        match attempt.parse::<Profiles>(response) {
            Ok(found) => found
                .profiles
                .into_iter()
                .for_each(|profile| assert_fit_to_keep(&profile.into_follower())),
            Err(error) => error.assert_readable(),
        }
        match tokens(attempt, response) {
            Ok(tokens) => Session::new(tokens, "https://pds.example").assert_usable(),
            Err(error) => error.assert_readable(),
        }
        match attempt.parse_sent::<Reference>(response) {
            Ok(put) => assert!(Receipt::from(put).reference.len() <= 1_024),
            Err(error) => error.assert_readable(),
        }
        thread::assert_invariants(response);
        let _ = attempt.parse::<Notifications>(response);
        let _ = attempt.parse::<Messages>(response);
        let _ = attempt.parse::<Conversation>(response);
        attempt.assert_refusal(response);
    }
}
