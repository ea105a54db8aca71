//! X, API v2. Source of the facts: docs.x.com and the project's notes on it, 2026-08.

use std::fmt;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use reqwest::{Client, Method, StatusCode, header::AUTHORIZATION};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

use super::{
    Allowed, Failure, Letter, Network, NetworkError, Page, Profile,
    line::{LOOKED_BACK, Line, json_body, with_query},
    made_by_network, time_if_readable,
};
use crate::{
    clock::Clock,
    follower::{Follower, Recipient},
    http::Answer,
    invitation::Channel,
    settings::{self, Secret},
};

/// Where the API is unless the settings say otherwise.
pub const SERVER: &str = "https://api.x.com";

/// The secrets of an account on X.
#[derive(Clone, Debug)]
pub enum Keys {
    /// OAuth 1.0a user context: enough for everything.
    User(UserKeys),
    /// The app's bearer token: enough to read counts and followers.
    Bearer(Secret),
}

/// The four keys of OAuth 1.0a; they do not expire.
#[derive(Clone, Debug)]
pub struct UserKeys {
    /// The app's key.
    pub api_key: Secret,
    /// The app's secret.
    pub api_secret: Secret,
    /// The account's token for that app.
    pub access_token: Secret,
    /// The secret of that token.
    pub access_secret: Secret,
}

impl Keys {
    fn all(&self) -> Vec<Secret> {
        match self {
            Self::Bearer(token) => vec![token.clone()],
            Self::User(keys) => vec![
                keys.api_key.clone(),
                keys.api_secret.clone(),
                keys.access_token.clone(),
                keys.access_secret.clone(),
            ],
        }
    }
}

/// One account on X.
pub struct X {
    line: Line,
    server: String,
    keys: Keys,
}

impl fmt::Debug for X {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "X({})", self.line.account)
    }
}

/// A page of followers has at most this many.
const LARGEST_PAGE: u64 = 1_000;

/// X lists the newest 3200 posts, a hundred on a page.
const MOST_PAGES_OF_POSTS: usize = 32;

/// What screening looks at.
const FOLLOWER_FIELDS: &str = "created_at,description,profile_image_url,public_metrics";

#[async_trait]
impl Network for X {
    async fn profile(&self, id: Option<&str>) -> Result<Profile, NetworkError> {
        let attempted = "reading the follower count";
        let path = match id {
            Some(id) => format!("/2/users/{id}"),
            None => format!("/2/users/by/username/{}", self.line.account.handle),
        };
        let answer = self
            .get(attempted, &path, &[("user.fields", "public_metrics")])
            .await?;
        let user: User = self.data(attempted, &answer)?;
        let followers = user
            .public_metrics
            .as_ref()
            .and_then(|metrics| metrics.followers_count);
        let followers = followers.ok_or_else(|| {
            self.line.error(
                attempted,
                Failure::TryAgain,
                "the answer has no followers_count",
            )
        })?;
        let used_up = answer.number("x-rate-limit-remaining") == Some(0);
        Ok(Profile {
            name: user.name.unwrap_or(user.username),
            id: user.id,
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
        // Every user read has its price, so no more are asked for than are needed.
        let max_results = wanted.clamp(1, LARGEST_PAGE).to_string();
        let mut query = vec![
            ("max_results", max_results.as_str()),
            ("user.fields", FOLLOWER_FIELDS),
        ];
        query.extend(cursor.map(|token| ("pagination_token", token)));
        let attempted = "reading the newest followers";
        let answer = self
            .get(attempted, &format!("/2/users/{id}/followers"), &query)
            .await?;
        let list: List<User> = self.line.parse(attempted, &answer)?;
        // Someone suspended may be named under `errors` beside the others' data; a list with
        // neither data nor meta is no list at all.
        if list.data.is_none() && list.meta.is_none() {
            return Err(self.refusal(attempted, &answer));
        }
        Ok(Page {
            followers: list
                .data
                .unwrap_or_default()
                .into_iter()
                .map(User::into_follower)
                .collect(),
            next: list.meta.and_then(|meta| meta.next_token),
        })
    }

    async fn send(&self, letter: &Letter<'_>) -> Result<String, NetworkError> {
        let attempted = "sending the invitation";
        self.check_sender(attempted, &letter.hug.id)?;
        let body = json!({ "text": letter.invitation.text });
        if letter.invitation.channel != Channel::Message {
            let sent: Sent<PostId> = self.post(attempted, "/2/tweets", &body).await?;
            return Ok(sent.data.id);
        }
        let to = self.line.recipient(attempted, letter)?;
        let path = format!("/2/dm_conversations/with/{}/messages", to.id);
        let sent: Sent<MessageId> = self.post(attempted, &path, &body).await?;
        Ok(sent.data.dm_event_id)
    }

    async fn find(&self, letter: &Letter<'_>) -> Result<Option<String>, NetworkError> {
        let attempted = "looking up whether the invitation arrived";
        let since = (letter.invitation.prepared_at - LOOKED_BACK).to_string();
        let (path, query) = if letter.invitation.channel == Channel::Message {
            let to = self.line.recipient(attempted, letter)?;
            let path = format!("/2/dm_conversations/with/{}/dm_events", to.id);
            let fields = ("dm_event.fields", "created_at,sender_id,text");
            (
                path,
                vec![
                    ("max_results", "100"),
                    ("event_types", "MessageCreate"),
                    fields,
                ],
            )
        } else {
            let path = format!("/2/users/{}/tweets", letter.hug.id);
            (
                path,
                vec![
                    ("max_results", "100"),
                    ("tweet.fields", "created_at"),
                    ("start_time", since.as_str()),
                ],
            )
        };
        let mut cursor: Option<String> = None;
        for _ in 0..MOST_PAGES_OF_POSTS {
            let mut query = query.clone();
            query.extend(cursor.as_deref().map(|token| ("pagination_token", token)));
            let answer = self.get(attempted, &path, &query).await?;
            let page: List<Written> = self.line.parse(attempted, &answer)?;
            if page.data.is_none() && page.meta.is_none() {
                return Err(self.refusal(attempted, &answer));
            }
            let written = page.data.unwrap_or_default();
            let too_old = written
                .last()
                .is_some_and(|oldest| !oldest.written_since(letter.invitation.prepared_at));
            if let Some(found) = written.into_iter().find(|one| one.is(letter)) {
                return Ok(Some(found.id));
            }
            cursor = page.meta.and_then(|meta| meta.next_token);
            if cursor.is_none() || too_old {
                return Ok(None);
            }
        }
        let why = format!("the list goes in circles after {MOST_PAGES_OF_POSTS} pages");
        Err(self.line.error(attempted, Failure::TryAgain, why))
    }

    /// One user read at most, and X bills the same user once a day. X documents the header for
    /// OAuth 1.0a on v1.1 alone, so its absence says nothing.
    async fn allowed(&self, _id: &str) -> Result<Allowed, NetworkError> {
        let attempted = "asking whose keys these are";
        if matches!(self.keys, Keys::Bearer(_)) {
            return Ok(Allowed {
                id: None,
                post: Some(false),
                message: Some(false),
            });
        }
        let answer = self.get(attempted, "/2/users/me", &[]).await?;
        let level = answer.text("x-access-level");
        let includes = |right: &str| level.map(|level| level.split('-').any(|one| one == right));
        let (post, message) = (includes("write"), includes("directmessages"));
        let user: User = self.data(attempted, &answer)?;
        Ok(Allowed {
            id: Some(user.id),
            post,
            message,
        })
    }

    fn draft_link(&self, recipient: Option<&Recipient>, text: &str) -> String {
        let (page, query) = match recipient {
            Some(to) => (
                "messages/compose",
                vec![("recipient_id", to.id.as_str()), ("text", text)],
            ),
            None => ("intent/post", vec![("text", text)]),
        };
        with_query(format!("https://x.com/{page}"), &query)
    }
}

impl X {
    /// An account of the settings, with the keys that they found for it.
    pub fn new(account: &settings::Account, keys: Keys, http: &Client, clock: &Clock) -> Self {
        Self {
            line: Line::new(account, keys.all(), http, clock),
            server: account.server.clone().unwrap_or_else(|| SERVER.to_owned()),
            keys,
        }
    }

    async fn get(
        &self,
        attempted: &'static str,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<Answer, NetworkError> {
        let url = format!("{}{path}", self.server);
        let request = self
            .line
            .http
            .get(with_query(url.clone(), query))
            .header(AUTHORIZATION, self.authorization(Method::GET, &url, query));
        let answer = self.line.read(attempted, request).await?;
        if answer.status.is_success() {
            Ok(answer)
        } else {
            Err(self.refusal(attempted, &answer))
        }
    }

    async fn post<T: for<'de> Deserialize<'de>>(
        &self,
        attempted: &'static str,
        path: &str,
        body: &Value,
    ) -> Result<T, NetworkError> {
        let url = format!("{}{path}", self.server);
        let request = json_body(self.line.http.post(&url), body)
            .header(AUTHORIZATION, self.authorization(Method::POST, &url, &[]));
        let answer = self.line.write(attempted, request).await?;
        if answer.status.is_success() {
            return self.line.parse_sent(attempted, &answer);
        }
        let mut refusal = self.refusal(attempted, &answer);
        if Line::perhaps_done(&answer) || refusal.why.contains("duplicate content") {
            refusal.failure = Failure::OutcomeUnknown;
        }
        Err(refusal)
    }

    fn authorization(&self, method: Method, url: &str, query: &[(&str, &str)]) -> String {
        match &self.keys {
            Keys::Bearer(token) => format!("Bearer {}", token.expose()),
            Keys::User(keys) => {
                let client = oauth1_request::Credentials::new(
                    keys.api_key.expose(),
                    keys.api_secret.expose(),
                );
                let token = oauth1_request::Credentials::new(
                    keys.access_token.expose(),
                    keys.access_secret.expose(),
                );
                let mut builder =
                    oauth1_request::Builder::<_, _>::new(client, oauth1_request::HMAC_SHA1);
                builder.token(token);
                builder.authorize(method.as_str(), url, &parameters(query))
            }
        }
    }

    /// The keys must be those of the account that made the promise: an access token begins with
    /// the id of the account that it writes for.
    fn check_sender(&self, attempted: &'static str, id: &str) -> Result<(), NetworkError> {
        let Keys::User(keys) = &self.keys else {
            let why = "a bearer token can only read; sending needs the four keys of OAuth 1.0a";
            return Err(self.line.error(attempted, Failure::Unauthorized, why));
        };
        match keys.access_token.expose().split_once('-') {
            Some((writes_for, _))
                if writes_for.chars().all(|c| c.is_ascii_digit()) && writes_for != id =>
            {
                let why =
                    format!("the access token writes for the account {writes_for}, not for {id}");
                Err(self.line.error(attempted, Failure::Unauthorized, &why))
            }
            _ => Ok(()),
        }
    }

    fn data<T: for<'de> Deserialize<'de>>(
        &self,
        attempted: &'static str,
        answer: &Answer,
    ) -> Result<T, NetworkError> {
        let one: One<T> = self.line.parse(attempted, answer)?;
        one.data.ok_or_else(|| self.refusal(attempted, answer))
    }

    /// What an answer that is not the wanted one means.
    fn refusal(&self, attempted: &'static str, answer: &Answer) -> NetworkError {
        let problem: Problem = answer.json().unwrap_or_default();
        let words = problem.words();
        let why = words.as_deref().unwrap_or("no reason given");
        let why = self.line.quote(why);
        // What X does not have, it says with a success.
        let why = match answer.status.is_success() {
            true => why,
            false => format!("{}: {why}", answer.status),
        };
        let failure = match answer.status {
            StatusCode::TOO_MANY_REQUESTS => Failure::WaitUntil(self.reset(answer)),
            StatusCode::UNAUTHORIZED | StatusCode::PAYMENT_REQUIRED => Failure::Unauthorized,
            StatusCode::FORBIDDEN if problem.is_about_rights() => Failure::Unauthorized,
            StatusCode::REQUEST_TIMEOUT => Failure::TryAgain,
            status if status.is_server_error() => Failure::TryAgain,
            // Whatever says nothing in X's own way comes from something on the way to X.
            _ if words.is_none() => Failure::TryAgain,
            _ => Failure::Refused,
        };
        self.line.error(attempted, failure, &why)
    }

    /// When a used-up limit opens again: what the header says, else the length of X's window.
    fn reset(&self, answer: &Answer) -> Timestamp {
        let told = answer.unix_time("x-rate-limit-reset");
        self.line.until(told, SignedDuration::from_mins(15))
    }
}

#[cfg(any(test, fuzzing))]
impl X {
    /// Takes an answer for each that it could be.
    pub(crate) fn take_in(&self, answer: &Answer) {
        use crate::fuzzing::{assert_fit_to_keep, assert_readable};

        let attempted = "reading nonsense";
        match self.data::<User>(attempted, answer) {
            Ok(user) => assert_fit_to_keep(&user.into_follower()),
            Err(error) => assert_readable(&error),
        }
        match self.line.parse::<List<User>>(attempted, answer) {
            Ok(list) => list
                .data
                .into_iter()
                .flatten()
                .for_each(|user| assert_fit_to_keep(&user.into_follower())),
            Err(error) => assert_readable(&error),
        }
        if let Ok(list) = self.line.parse::<List<Written>>(attempted, answer) {
            for written in list.data.iter().flatten() {
                let _ = written.written_since(self.line.now());
                let _ = same_words(&written.text, &written.id);
                assert!(same_words(&written.text, &written.text) || written.text.contains('&'));
            }
        }
        match self.line.parse_sent::<Sent<PostId>>(attempted, answer) {
            Ok(sent) => assert!((1..=20).contains(&sent.data.id.len())),
            Err(error) => assert_readable(&error),
        }
        let _ = self.line.parse_sent::<Sent<MessageId>>(attempted, answer);
        let refusal = self.refusal(attempted, answer);
        assert_readable(&refusal);
        if let Failure::WaitUntil(until) = refusal.failure {
            assert!(until > self.line.now());
        }
    }
}

fn parameters<'a>(query: &'a [(&'a str, &'a str)]) -> impl oauth1_request::Request + 'a {
    oauth1_request::ParameterList::new(
        query
            .iter()
            .map(|(name, value)| (*name, *value))
            .collect::<Vec<_>>(),
    )
}

/// X's ids are numbers of 64 bits.
fn id<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let is_right = |id: &str| id.bytes().all(|byte| byte.is_ascii_digit());
    made_by_network(from, "the id", 20, is_right)
}

#[derive(Deserialize)]
struct One<T> {
    data: Option<T>,
}

#[derive(Deserialize)]
struct List<T> {
    data: Option<Vec<T>>,
    meta: Option<Meta>,
}

#[derive(Deserialize)]
struct Meta {
    next_token: Option<String>,
}

#[derive(Deserialize)]
struct Sent<T> {
    data: T,
}

#[derive(Deserialize)]
struct PostId {
    #[serde(deserialize_with = "id")]
    id: String,
}

#[derive(Deserialize)]
struct MessageId {
    #[serde(deserialize_with = "id")]
    dm_event_id: String,
}

#[derive(Deserialize)]
struct User {
    #[serde(deserialize_with = "id")]
    id: String,
    username: String,
    name: Option<String>,
    description: Option<String>,
    #[serde(default, deserialize_with = "time_if_readable")]
    created_at: Option<Timestamp>,
    profile_image_url: Option<String>,
    public_metrics: Option<Metrics>,
}

#[derive(Deserialize)]
struct Metrics {
    followers_count: Option<u64>,
    following_count: Option<u64>,
    // The documentation says one, the answers say the other, or both.
    tweet_count: Option<u64>,
    post_count: Option<u64>,
}

impl User {
    fn into_follower(self) -> Follower {
        let metrics = self.public_metrics.as_ref();
        Follower {
            has_picture: self
                .profile_image_url
                .map(|url| !url.contains("/default_profile")),
            posts: metrics.and_then(|metrics| metrics.tweet_count.or(metrics.post_count)),
            followers: metrics.and_then(|metrics| metrics.followers_count),
            following: metrics.and_then(|metrics| metrics.following_count),
            created_at: self.created_at,
            id: self.id,
            handle: self.username,
            name: self.name,
            bio: self.description,
            // X has no mark for bots among the fields of a user.
            ..Follower::default()
        }
    }
}

/// A post or message of our own.
#[derive(Deserialize)]
struct Written {
    #[serde(deserialize_with = "id")]
    id: String,
    #[serde(default)]
    text: String,
    created_at: Option<Timestamp>,
    sender_id: Option<String>,
}

impl Written {
    fn written_since(&self, time: Timestamp) -> bool {
        self.created_at
            .is_none_or(|written| written >= time - LOOKED_BACK)
    }

    fn is(&self, letter: &Letter<'_>) -> bool {
        self.written_since(letter.invitation.prepared_at)
            && self
                .sender_id
                .as_ref()
                .is_none_or(|sender| *sender == letter.hug.id)
            && same_words(&letter.invitation.text, &self.text)
    }
}

/// Whether X's `text` is what was sent: it escapes three characters and shortens every link.
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
struct Problem {
    title: Option<String>,
    detail: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    #[serde(default)]
    errors: Vec<SingleError>,
}

#[derive(Default, Deserialize)]
struct SingleError {
    message: Option<String>,
    detail: Option<String>,
}

impl Problem {
    fn words(&self) -> Option<String> {
        let first = self.errors.first();
        let from_list = first.and_then(|error| error.detail.as_ref().or(error.message.as_ref()));
        self.detail
            .as_ref()
            .or(from_list)
            .or(self.title.as_ref())
            .cloned()
    }

    /// A 403 about what this app or token may do, rather than about this letter.
    fn is_about_rights(&self) -> bool {
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
    fn a_post_is_recognised_though_x_escapes_it_and_shortens_its_links() {
        assert!(same_words("Rock & roll <3", "Rock &amp; roll &lt;3"));
        assert!(same_words("see amber.com now", "see https://t.co/AbC now"));
        assert!(!same_words("see amber.com now", "see amber.com"));
        assert!(!same_words("number 600", "number 700"));
    }
}
