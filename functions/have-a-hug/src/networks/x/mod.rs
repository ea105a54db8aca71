//! X, API v2. Facts and sources: docs/NETWORKS.md.

mod answers;
mod auth;
pub(crate) mod pin;
#[cfg(test)]
mod recordings;
mod rules;
mod typed;
mod wire;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use promise::{
    account::UserId,
    channel::Channel,
    follower::Follower,
    letter::{Letter, Receipt},
};
use reqwest::{Method, StatusCode, header::AUTHORIZATION};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use self::{
    answers::Reading,
    auth::Keys,
    wire::{Account, Counted, Found, List, MessageId, One, PostId, Problem, Sent, User, Written},
};
use super::reply::answered_post;
use crate::{
    http::{Response, with_json, with_query},
    network::{
        Answered, Asked, Cursor, Failure, LOOKBACK, Network, NetworkError, Page, Permissions,
        Profile,
        client::{Attempt, Client, Connection, Dialect, Refusal},
    },
};
pub use rules::RULES;

/// One account on X.
pub struct X {
    client: Client,
    server: String,
    keys: Keys,
}

/// A page of followers has at most this many.
const MAX_PAGE: u64 = 1_000;

/// X lists the newest 3200 posts, a hundred on a page.
const MAX_PAGES_OF_POSTS: usize = 32;

/// What screening looks at.
const FOLLOWER_FIELDS: &str = "created_at,description,profile_image_url,public_metrics";

const DIALECT: Dialect = Dialect {
    refusal,
    is_capped: |response| problem(response).is_about_a_cap(),
    reset,
    window: SignedDuration::from_mins(15),
    remaining: "x-rate-limit-remaining",
    // X refuses the same words twice.
    done_already: |response| problem(response).is_about_a_duplicate(),
};

fn problem(response: &Response) -> Problem {
    response.json().unwrap_or_default()
}

/// X answers 403 both for causes that are not in the letter (a cap, a lock, a daily limit, a suspicion of spam) and
/// for a letter that it refuses. So a refusal is about the account unless X says that it is about the letter.
fn refusal(response: &Response) -> Refusal {
    let problem = problem(response);
    let words = problem.words();
    let until = problem.reset().or_else(|| end_of_day(response));
    let failure = match response.status {
        StatusCode::UNAUTHORIZED | StatusCode::PAYMENT_REQUIRED => Failure::Blocked { until },
        // A response that is not in X's form comes from a proxy or gateway before X.
        _ if words.is_none() => Failure::TryAgain,
        _ if problem.is_about_the_letter() => Failure::Refused,
        _ => Failure::Blocked { until },
    };
    Refusal {
        failure,
        why: words.unwrap_or_else(|| "no reason given".to_owned()),
    }
}

/// When the daily limit ends, if it is used up. X has one for each account and one for each app.
fn end_of_day(response: &Response) -> Option<Timestamp> {
    let ends = ["user", "app"].map(|whose| {
        let used_up = response.number(&format!("x-{whose}-limit-24hour-remaining")) == Some(0);
        let end = || response.unix_time(&format!("x-{whose}-limit-24hour-reset"));
        used_up.then(end).flatten()
    });
    ends.into_iter().flatten().max()
}

fn reset(response: &Response) -> Option<Timestamp> {
    end_of_day(response).or_else(|| response.unix_time("x-rate-limit-reset"))
}

#[async_trait]
impl Network for X {
    async fn profile(&self, id: Option<&UserId>) -> Result<Profile, NetworkError> {
        let attempt = self.client.attempt("reading the follower count");
        let path = match id {
            Some(id) => format!("/2/users/{id}"),
            None => format!("/2/users/by/username/{}", self.client.account.handle),
        };
        let query = [("user.fields", "public_metrics")];
        let response = self.get(attempt, &path, &query).await?;
        if id.is_none() && found(attempt, &response).is_ok_and(|users| users.is_empty()) {
            return Err(attempt.no_such_account());
        }
        let user: User = data(attempt, &response)?;
        let followers = user
            .followers()
            .ok_or_else(|| attempt.error(Failure::TryAgain, "the answer has no followers_count"))?;
        attempt.note_limit(&response);
        Ok(Profile {
            name: user.name.unwrap_or(user.username),
            id: user.id.into(),
            followers,
        })
    }

    async fn counts(&self, ids: &[UserId]) -> Result<Vec<Profile>, NetworkError> {
        let attempt = self.client.attempt("reading the follower counts");
        let ids: Vec<&str> = ids.iter().map(UserId::as_str).collect();
        let ids = ids.join(",");
        let query = [("ids", ids.as_str()), ("user.fields", "public_metrics")];
        let response = self.get(attempt, "/2/users", &query).await?;
        let counted: Counted = attempt.parse(&response)?;
        let accounts = counted.accounts();
        let accounts = accounts.ok_or_else(|| attempt.refusal(&response))?;
        attempt.note_limit(&response);
        Ok(accounts.filter_map(Account::profile).collect())
    }

    /// X counts by app where the app's token asks, and else by user.
    fn limit(&self) -> String {
        match &self.keys {
            Keys::App(Some(_)) => self.server.clone(),
            Keys::App(None) | Keys::User(_) => self.client.account.to_string(),
        }
    }

    async fn followers(
        &self,
        id: &UserId,
        wanted: u64,
        cursor: Option<&Cursor>,
    ) -> Result<Page, NetworkError> {
        // X bills every user that is read, so no more are asked for than are needed.
        let max_results = wanted.clamp(1, MAX_PAGE).to_string();
        let mut query = vec![
            ("max_results", max_results.as_str()),
            ("user.fields", FOLLOWER_FIELDS),
        ];
        query.extend(cursor.map(|Cursor(token)| ("pagination_token", token.as_str())));
        let attempt = self.client.attempt("reading the newest followers");
        let path = format!("/2/users/{id}/followers");
        let response = self.get(attempt, &path, &query).await?;
        let (users, next) = list::<User>(attempt, &response)?;
        let followers: Vec<Follower> = users.into_iter().map(User::into_follower).collect();
        Ok(Page { followers, next })
    }

    async fn profiles(&self, ids: &[UserId]) -> Result<Vec<Follower>, NetworkError> {
        let attempt = self.client.attempt("reading the profiles of followers");
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<&str> = ids.iter().map(UserId::as_str).collect();
        let query = [
            ("ids", ids.join(",")),
            ("user.fields", FOLLOWER_FIELDS.to_owned()),
        ];
        let query = query
            .each_ref()
            .map(|(name, value)| (*name, value.as_str()));
        let response = self.get(attempt, "/2/users", &query).await?;
        found(attempt, &response)
    }

    async fn user(&self, handle: &str) -> Result<Option<Follower>, NetworkError> {
        let attempt = self.client.attempt("looking a handle up");
        let handle = handle.trim_start_matches('@');
        if !(RULES.handle.is_valid)(handle) {
            return Ok(None);
        }
        let path = format!("/2/users/by/username/{handle}");
        let query = [("user.fields", FOLLOWER_FIELDS)];
        let response = self.get(attempt, &path, &query).await?;
        Ok(found(attempt, &response)?.pop())
    }

    async fn send(&self, letter: &Letter<'_>) -> Result<Receipt, NetworkError> {
        let attempt = self.client.attempt(letter.kind.sending());
        self.check_owner(attempt, letter.from)?;
        let mut body = json!({ "text": letter.text });
        if letter.channel == Channel::Reply {
            let post = answered_post(attempt, letter)?;
            body["reply"] = json!({ "in_reply_to_tweet_id": post.reference });
        }
        if letter.channel != Channel::Message {
            let sent: Sent<PostId> = self.post(attempt, "/2/tweets", &body).await?;
            return Ok(self.receipt(letter, sent.data.id, None));
        }
        let to = attempt.recipient(letter)?;
        let path = format!("/2/dm_conversations/with/{}/messages", to.id);
        let sent: Sent<MessageId> = self.post(attempt, &path, &body).await?;
        Ok(self.receipt(letter, sent.data.dm_event_id, sent.data.dm_conversation_id))
    }

    async fn find(&self, letter: &Letter<'_>) -> Result<Option<Receipt>, NetworkError> {
        let attempt = self.client.attempt(letter.kind.looking_up());
        let since = (letter.prepared_at - LOOKBACK).to_string();
        let (path, query) = if letter.channel == Channel::Message {
            let to = attempt.recipient(letter)?;
            let path = format!("/2/dm_conversations/with/{}/dm_events", to.id);
            let fields = (
                "dm_event.fields",
                "created_at,dm_conversation_id,sender_id,text",
            );
            (path, [fields, ("event_types", "MessageCreate")])
        } else {
            let path = format!("/2/users/{}/tweets", letter.from);
            (
                path,
                [
                    ("tweet.fields", "created_at,referenced_tweets"),
                    ("start_time", since.as_str()),
                ],
            )
        };
        let mut cursor: Option<Cursor> = None;
        for _ in 0..MAX_PAGES_OF_POSTS {
            let mut query = vec![("max_results", "100"), query[0], query[1]];
            query.extend(
                cursor
                    .iter()
                    .map(|Cursor(token)| ("pagination_token", token.as_str())),
            );
            let response = self.get(attempt, &path, &query).await?;
            let (written, next) = list::<Written>(attempt, &response)?;
            let too_old = written
                .last()
                .is_some_and(|oldest| !oldest.written_since(letter.prepared_at));
            if let Some(found) = written.into_iter().find(|one| one.is(letter)) {
                return Ok(Some(self.receipt(
                    letter,
                    found.id,
                    found.dm_conversation_id,
                )));
            }
            cursor = next;
            if cursor.is_none() || too_old {
                return Ok(None);
            }
        }
        let why = format!("the list does not end after {MAX_PAGES_OF_POSTS} pages");
        Err(attempt.error(Failure::TryAgain, why))
    }

    async fn answers(&self, id: &UserId, asked: &Asked<'_>) -> Result<Answered, NetworkError> {
        let attempt = self.client.attempt("reading the answers");
        let path = format!("/2/users/{id}/mentions");
        let mut reading = Reading::new(id, asked);
        while let Some(query) = reading.query() {
            let query: Vec<(&str, &str)> = query
                .iter()
                .map(|(name, value)| (*name, value.as_str()))
                .collect();
            let response = self.get(attempt, &path, &query).await?;
            let (posts, next) = list::<Value>(attempt, &response)?;
            reading.take(posts, next);
        }
        Ok(reading.finish())
    }

    /// One user read at most, and X bills the same user once a day. X documents the header only for
    /// OAuth 1.0a on v1.1, so its absence means nothing.
    async fn permissions(&self, _id: &UserId) -> Result<Permissions, NetworkError> {
        let attempt = self.client.attempt("asking whose keys these are");
        if matches!(self.keys, Keys::App(_)) {
            return Ok(Permissions {
                owner: None,
                post: Some(false),
                message: Some(false),
            });
        }
        let response = self.get(attempt, "/2/users/me", &[]).await?;
        let level = response.text("x-access-level");
        let includes = |right: &str| level.map(|level| level.split('-').any(|one| one == right));
        let user: User = data(attempt, &response)?;
        Ok(Permissions {
            owner: Some(user.id.into()),
            post: includes("write"),
            message: includes("directmessages"),
        })
    }

    fn blocked_until(&self) -> Option<Timestamp> {
        self.client.blocked_until()
    }

    fn addresses(&self) -> Vec<String> {
        vec![self.server.clone()]
    }
}

impl X {
    /// An account of the settings, with the keys that were found for it.
    pub fn new(connection: &Connection<'_>) -> Self {
        Self {
            client: Client::new(connection, &DIALECT),
            server: connection.server(&RULES),
            keys: Keys::from(connection.credentials),
        }
    }

    fn receipt(
        &self,
        letter: &Letter<'_>,
        reference: String,
        reply_key: Option<String>,
    ) -> Receipt {
        let posted = letter.channel != Channel::Message;
        let handle = &self.client.account.handle;
        let url = format!("https://x.com/{handle}/status/{reference}");
        Receipt {
            reference,
            url: posted.then_some(url),
            reply_key: reply_key.filter(|_| !posted),
        }
    }

    async fn get(
        &self,
        attempt: Attempt<'_>,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<Response, NetworkError> {
        let url = format!("{}{path}", self.server);
        let authorization = self.keys.authorization(&Method::GET, &url, query);
        let request = self.client.http.get(with_query(url, query));
        attempt
            .read(request.header(AUTHORIZATION, authorization))
            .await
    }

    async fn post<T: DeserializeOwned>(
        &self,
        attempt: Attempt<'_>,
        path: &str,
        body: &Value,
    ) -> Result<T, NetworkError> {
        let url = format!("{}{path}", self.server);
        let authorization = self.keys.authorization(&Method::POST, &url, &[]);
        let request = with_json(self.client.http.post(url), body);
        let response = attempt
            .write(request.header(AUTHORIZATION, authorization))
            .await?;
        attempt.parse_sent(&response)
    }

    /// The keys must be those of the account that made the promise.
    fn check_owner(&self, attempt: Attempt<'_>, id: &UserId) -> Result<(), NetworkError> {
        let Keys::User(keys) = &self.keys else {
            let why = "a bearer token can only read; sending needs the four keys of OAuth 1.0a";
            return Err(attempt.blocked(why));
        };
        match keys.owner() {
            Some(owner) if *id != *owner => {
                let why = format!("the access token writes for the account {owner}, not for {id}");
                Err(attempt.blocked(why))
            }
            _ => Ok(()),
        }
    }
}

/// The one thing that was asked for.
fn data<T: DeserializeOwned>(attempt: Attempt<'_>, response: &Response) -> Result<T, NetworkError> {
    let one: One<T> = attempt.parse(response)?;
    one.data.ok_or_else(|| attempt.refusal(response))
}

/// The people who are on X, of those who were asked for. X names the others under `errors`.
fn found(attempt: Attempt<'_>, response: &Response) -> Result<Vec<Follower>, NetworkError> {
    let found: Found = attempt.parse(response)?;
    let users = found.users().ok_or_else(|| attempt.refusal(response))?;
    Ok(users.into_iter().map(User::into_follower).collect())
}

/// The items of a page, and where the next one starts. X may name someone suspended under `errors` beside
/// the others' data; a page with neither data nor meta is a refusal.
fn list<T: DeserializeOwned>(
    attempt: Attempt<'_>,
    response: &Response,
) -> Result<(Vec<T>, Option<Cursor>), NetworkError> {
    let list: List<T> = attempt.parse(response)?;
    if list.data.is_none() && list.meta.is_none() {
        return Err(attempt.refusal(response));
    }
    let next = list.meta.and_then(|meta| meta.next_token);
    Ok((list.data.unwrap_or_default(), next))
}

#[cfg(any(test, fuzzing))]
impl X {
    /// Parses the response as every type of this client and checks the invariants of each.
    pub(crate) fn take_in(&self, response: &Response) {
        use crate::network::assert_fit_to_keep;

        let attempt = self.client.attempt("reading random input");
        match data::<User>(attempt, response) {
            Ok(user) => assert_fit_to_keep(&user.into_follower()),
            Err(error) => error.assert_readable(),
        }
        match list::<User>(attempt, response) {
            Ok((users, _)) => users
                .into_iter()
                .for_each(|user| assert_fit_to_keep(&user.into_follower())),
            Err(error) => error.assert_readable(),
        }
        match found(attempt, response) {
            Ok(users) => users.iter().for_each(assert_fit_to_keep),
            Err(error) => error.assert_readable(),
        }
        if let Ok((posts, next)) = list::<Value>(attempt, response) {
            answers::assert_invariants(posts, next);
        }
        if let Ok((all, _)) = list::<Written>(attempt, response) {
            all.iter().for_each(Written::assert_invariants);
        }
        match attempt.parse_sent::<Sent<PostId>>(response) {
            Ok(sent) => assert!((1..=20).contains(&sent.data.id.len())),
            Err(error) => error.assert_readable(),
        }
        let _ = attempt.parse_sent::<Sent<MessageId>>(response);
        attempt.assert_refusal(response);
    }
}
