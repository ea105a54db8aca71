//! Mastodon, and the servers that speak its API: everything is asked of the account's own server.
//! Source of the facts: docs.joinmastodon.org and Mastodon's source, 2026-11; its types are held
//! against the answers of real servers (infra/stand-ins/clients/mastodon_recordings.py).
//!
//! What a token must allow: `read:accounts` for the account and its followers, `read:statuses` to
//! see whether an invitation arrived, `read:notifications` for the times of follows, and
//! `write:statuses` to send. A token is refused even where nobody would need one, if it does not
//! cover the call.
//!
//! An id is a server's own, and every server has an account 1. So the account's is kept with its
//! server: `109876@mastodon.social`.

mod html;
#[cfg(test)]
mod recordings;

use std::fmt;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use reqwest::{
    Client, StatusCode, Url,
    header::{LINK, LOCATION},
};
use serde::{Deserialize, Deserializer, de::IgnoredAny};
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use super::{
    Allowed, Failure, Letter, Network, NetworkError, Page, Profile,
    line::{LOOKED_BACK, Line, json_body, with_query},
    made_by_network,
};
use crate::{
    clock::Clock,
    follower::{Follower, Recipient},
    http::Answer,
    invitation::{Channel, mastodon_length},
    settings::{self, Secret},
};

/// Where an account lives: where the settings say, else at the server that its handle names.
pub fn server(account: &settings::Account) -> String {
    let of_handle = || format!("https://{}", domain(account));
    account.server.clone().unwrap_or_else(of_handle)
}

/// What stands behind the `@` of the handle.
fn domain(account: &settings::Account) -> &str {
    let handle = &account.name.handle;
    handle.split('@').next_back().unwrap_or_default()
}

/// The secret of an account on Mastodon; reading a list that is not hidden needs none.
#[derive(Clone, Debug)]
pub struct Login {
    /// An access token of the account itself.
    pub access_token: Option<Secret>,
}

/// One account on Mastodon.
pub struct Mastodon {
    line: Line,
    server: String,
    /// What stands behind the `@` of the handle.
    domain: String,
    login: Login,
    /// Whose the token is.
    owner: OnceCell<String>,
    /// How long a status may be on this server.
    longest: OnceCell<usize>,
}

impl fmt::Debug for Mastodon {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mastodon({})", self.line.account)
    }
}

/// Reads are free, and accounts that are gone make pages short: never ask for fewer than this.
const SMALLEST_PAGE: u64 = 40;
const LARGEST_PAGE: u64 = 80;

/// What a server that does not tell takes: Mastodon's own limit.
const USUAL_LONGEST: usize = 500;

/// A look through one's own statuses or notifications turns no more pages than this.
const MOST_PAGES: usize = 25;

#[async_trait]
impl Network for Mastodon {
    async fn profile(&self, id: Option<&str>) -> Result<Profile, NetworkError> {
        let attempted = "reading the follower count";
        let url = match id {
            Some(id) => self.url(&format!("/api/v1/accounts/{}", number(id)), &[]),
            None => self.url("/api/v1/accounts/lookup", &[("acct", &self.acct())]),
        };
        let answer = self.get(attempted, &url).await?;
        let account: Account = self.line.parse(attempted, &answer)?;
        self.check_home(attempted, &account)?;
        let followers = count(account.followers_count).ok_or_else(|| {
            let why =
                "the server hides the number of followers; show it in the account's preferences";
            self.line.error(attempted, Failure::Refused, why)
        })?;
        let used_up = answer.number("x-ratelimit-remaining") == Some(0);
        Ok(Profile {
            id: format!("{}@{}", account.id, self.domain),
            name: some_text(account.display_name).unwrap_or(account.username),
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
        let first = || {
            let path = format!("/api/v1/accounts/{}/followers", number(id));
            let limit = wanted.clamp(SMALLEST_PAGE, LARGEST_PAGE).to_string();
            self.url(&path, &[("limit", &limit)])
        };
        let (page, next) = self
            .page::<Account>(attempted, &cursor.map_or_else(first, str::to_owned))
            .await?;
        if cursor.is_none() && page.is_empty() && next.is_none() {
            self.check_not_hidden(attempted, id).await?;
        }
        Ok(Page {
            followers: page.into_iter().map(Account::into_follower).collect(),
            next,
        })
    }

    async fn follows_since(
        &self,
        id: &str,
        since: Timestamp,
    ) -> Result<Option<Vec<(Follower, Timestamp)>>, NetworkError> {
        let attempted = "reading the notifications of follows";
        if self.login.access_token.is_none() {
            return Ok(None);
        }
        self.check_owner(attempted, id).await?;
        let query = [
            ("types[]", "follow"),
            // Those that the account's own filters hold back are follows all the same.
            ("include_filtered", "true"),
            ("limit", "80"),
        ];
        let mut next = Some(self.url("/api/v1/notifications", &query));
        let mut follows = Vec::new();
        for _ in 0..MOST_PAGES {
            let Some(url) = next else {
                return Ok(Some(follows));
            };
            let answer = self.ask(attempted, &url).await?;
            if answer.status == StatusCode::FORBIDDEN {
                return Ok(None);
            }
            let answer = self.accepted(attempted, answer)?;
            let page: Vec<Notification> = self.line.parse(attempted, &answer)?;
            next = self.next_page(attempted, &url, &answer)?;
            for one in page {
                if one.created_at < since {
                    return Ok(Some(follows));
                }
                // Older servers do not know the filter by type.
                if let (true, Some(who)) = (one.kind == "follow", one.account) {
                    follows.push((who.into_follower(), one.created_at));
                }
            }
        }
        // A part of them would be taken for all.
        Ok(None)
    }

    async fn send(&self, letter: &Letter<'_>) -> Result<String, NetworkError> {
        let attempted = "sending the invitation";
        self.check_owner(attempted, &letter.hug.id).await?;
        self.check_length(attempted, &letter.invitation.text)
            .await?;
        let body = json!({
            "status": letter.invitation.text,
            "visibility": visibility(letter.invitation.channel),
        });
        let request = json_body(
            self.line.http.post(self.url("/api/v1/statuses", &[])),
            &body,
        )
        .header("idempotency-key", idempotency_key(letter));
        let answer = self.line.write(attempted, self.signed(request)).await?;
        if !answer.status.is_success() {
            let mut refusal = self.refusal(attempted, &answer);
            if Line::perhaps_done(&answer) {
                refusal.failure = Failure::OutcomeUnknown;
            }
            return Err(refusal);
        }
        let status: Status = self.line.parse_sent(attempted, &answer)?;
        self.check_addressed(attempted, letter, &status)?;
        Ok(status.id)
    }

    /// The server remembers a key for an hour, and a look at the account's own statuses tells at
    /// any time.
    async fn find(&self, letter: &Letter<'_>) -> Result<Option<String>, NetworkError> {
        let attempted = "looking up whether the invitation arrived";
        // To anyone else private mentions are not shown.
        self.check_owner(attempted, &letter.hug.id).await?;
        let path = format!("/api/v1/accounts/{}/statuses", number(&letter.hug.id));
        let since = letter.invitation.prepared_at - LOOKED_BACK;
        let mut next = Some(self.url(&path, &[("limit", "40"), ("exclude_reblogs", "true")]));
        for _ in 0..MOST_PAGES {
            let Some(url) = next else { return Ok(None) };
            let (statuses, link) = self.page::<Status>(attempted, &url).await?;
            let too_old = statuses.iter().any(|status| status.created_at < since);
            // One that reached nobody is no delivery; sent again, it is refused.
            let reached = |status: &Status| self.check_addressed(attempted, letter, status).is_ok();
            let ours = statuses
                .into_iter()
                .find(|status| status.is(letter) && reached(status));
            if let Some(status) = ours {
                return Ok(Some(status.id));
            }
            if too_old {
                return Ok(None);
            }
            next = link;
        }
        let why = format!(
            "it is not among the newest statuses, and {MOST_PAGES} pages do not reach back to {since}"
        );
        Err(self.line.error(attempted, Failure::TryAgain, why))
    }

    async fn allowed(&self, _id: &str) -> Result<Allowed, NetworkError> {
        let attempted = "asking whose token this is";
        if self.login.access_token.is_none() {
            return Ok(Allowed {
                id: None,
                post: Some(false),
                message: Some(false),
            });
        }
        let url = self.url("/api/v1/accounts/verify_credentials", &[]);
        let answer = self.get(attempted, &url).await?;
        let account: Account = self.line.parse(attempted, &answer)?;
        Ok(Allowed {
            id: Some(format!("{}@{}", account.id, self.domain)),
            post: self.may_post().await,
            message: None,
        })
    }

    fn draft_link(&self, recipient: Option<&Recipient>, text: &str) -> String {
        let mut query = vec![("text", text)];
        query.extend(recipient.map(|_| ("visibility", "direct")));
        self.url("/share", &query)
    }
}

impl Mastodon {
    /// An account of the settings, with the access token that they found for it.
    pub fn new(account: &settings::Account, login: Login, http: &Client, clock: &Clock) -> Self {
        Self {
            line: Line::new(
                account,
                login.access_token.iter().cloned().collect(),
                http,
                clock,
            ),
            server: server(account),
            domain: domain(account).to_owned(),
            login,
            owner: OnceCell::new(),
            longest: OnceCell::new(),
        }
    }

    fn url(&self, path: &str, query: &[(&str, &str)]) -> String {
        with_query(format!("{}{path}", self.server), query)
    }

    fn username(&self) -> &str {
        let handle = &self.line.account.handle;
        handle.split('@').next().unwrap_or(handle)
    }

    /// What to look the account up by. A server need not answer under the name that stands in its
    /// handles (amber@example.com, at social.example.com): then the handle's own counts.
    fn acct(&self) -> String {
        match self.server.split_once("://") {
            Some((_, host)) if host.eq_ignore_ascii_case(&self.domain) => {
                self.username().to_owned()
            }
            _ => self.line.account.handle.clone(),
        }
    }

    fn signed(&self, request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
        match &self.login.access_token {
            Some(token) => request.bearer_auth(token.expose()),
            None => request,
        }
    }

    async fn ask(&self, attempted: &'static str, url: &str) -> Result<Answer, NetworkError> {
        let request = self.signed(self.line.http.get(url));
        self.line.read(attempted, request).await
    }

    async fn get(&self, attempted: &'static str, url: &str) -> Result<Answer, NetworkError> {
        let answer = self.ask(attempted, url).await?;
        self.accepted(attempted, answer)
    }

    fn accepted(&self, attempted: &'static str, answer: Answer) -> Result<Answer, NetworkError> {
        if answer.status.is_success() {
            Ok(answer)
        } else {
            Err(self.refusal(attempted, &answer))
        }
    }

    /// One page of a list, and where the next one is.
    async fn page<T: for<'de> Deserialize<'de>>(
        &self,
        attempted: &'static str,
        url: &str,
    ) -> Result<(Vec<T>, Option<String>), NetworkError> {
        let answer = self.get(attempted, url).await?;
        let page = self.line.parse(attempted, &answer)?;
        Ok((page, self.next_page(attempted, url, &answer)?))
    }

    /// Where the next page is: what the `Link` header says, and nothing else, for a list is ordered
    /// by ids that it does not show. It must lie on the same server, or the token would go elsewhere.
    fn next_page(
        &self,
        attempted: &'static str,
        url: &str,
        answer: &Answer,
    ) -> Result<Option<String>, NetworkError> {
        let headers = answer.headers.get_all(LINK).iter();
        let Some(link) = headers
            .filter_map(|value| value.to_str().ok())
            .find_map(|value| link_to("next", value))
        else {
            return Ok(None);
        };
        let here = Url::parse(url).ok();
        let next = here.as_ref().and_then(|here| here.join(link).ok());
        match (here, next) {
            (Some(here), Some(next)) if here.origin() == next.origin() => Ok(Some(next.into())),
            (_, next) => {
                let to = next.map_or_else(
                    || "nowhere".to_owned(),
                    |next| next.origin().ascii_serialization(),
                );
                let why = format!(
                    "the next page is said to be at {to}, not at {}; if the account's server is there, set server to that",
                    self.server
                );
                Err(self.line.error(attempted, Failure::Refused, why))
            }
        }
    }

    /// The account must be the one that the settings name, live on this server, and be in use.
    fn check_home(&self, attempted: &'static str, account: &Account) -> Result<(), NetworkError> {
        let why = if account.acct.contains('@') {
            format!(
                "to {} it is an account of another server, @{}; set server to the account's own",
                self.server, account.acct
            )
        } else if !account.username.eq_ignore_ascii_case(self.username()) {
            format!(
                "under its id the server knows @{}; put the right handle and server into hug.toml",
                account.username
            )
        } else if let Some(moved) = &account.moved {
            format!(
                "the account has moved to @{}; put that handle into hug.toml",
                self.line
                    .quote(moved.acct.as_deref().unwrap_or("somewhere"))
            )
        } else if account.suspended == Some(true) {
            "the server has suspended the account".to_owned()
        } else {
            return Ok(());
        };
        Err(self.line.error(attempted, Failure::Refused, why))
    }

    /// An account may hide its list, which is empty then to all but itself.
    async fn check_not_hidden(
        &self,
        attempted: &'static str,
        id: &str,
    ) -> Result<(), NetworkError> {
        let url = self.url(&format!("/api/v1/accounts/{}", number(id)), &[]);
        let answer = self.get(attempted, &url).await?;
        let account: Account = self.line.parse(attempted, &answer)?;
        if account.hide_collections != Some(true) || account.followers_count == Some(0) {
            return Ok(());
        }
        let why = match self.login.access_token {
            Some(_) => {
                "the account hides its list of followers, and the access token is not the account's own"
            }
            None => {
                "the account hides its list of followers; show it in the account's preferences, or set MASTODON_ACCESS_TOKEN to a token of the account with the scope read:accounts"
            }
        };
        Err(self.line.error(attempted, Failure::Unauthorized, why))
    }

    /// Whether the token's application may post, and look whether a post arrived; servers before 4.3
    /// do not say.
    async fn may_post(&self) -> Option<bool> {
        let attempted = "asking what the access token allows";
        let url = self.url("/api/v1/apps/verify_credentials", &[]);
        let answer = self.get(attempted, &url).await.ok()?;
        let application: Application = self.line.parse(attempted, &answer).ok()?;
        let scopes = application.scopes?;
        let may = |what: &str| {
            let whole = |scope: &String| what == scope || what.starts_with(&format!("{scope}:"));
            scopes.iter().any(whole)
        };
        Some(may("write:statuses") && may("read:statuses"))
    }

    /// The token must be that of the account that made the promise.
    async fn check_owner(&self, attempted: &'static str, id: &str) -> Result<(), NetworkError> {
        if self.login.access_token.is_none() {
            let why = "there is no access token";
            return Err(self.line.error(attempted, Failure::Unauthorized, why));
        }
        let ask = || async {
            let url = self.url("/api/v1/accounts/verify_credentials", &[]);
            let answer = self.get(attempted, &url).await?;
            let account: Account = self.line.parse(attempted, &answer)?;
            Ok(account.id)
        };
        let owner = self.owner.get_or_try_init(ask).await?;
        if owner == number(id) {
            return Ok(());
        }
        let why = format!(
            "the access token belongs to the account {owner}, not to {}",
            number(id)
        );
        Err(self.line.error(attempted, Failure::Unauthorized, why))
    }

    /// Servers set their own limit; [`Template::check`](crate::invitation::Template::check) knows
    /// only Mastodon's.
    async fn check_length(&self, attempted: &'static str, text: &str) -> Result<(), NetworkError> {
        let longest = self
            .longest
            .get_or_try_init(|| self.read_longest(attempted))
            .await?;
        let length = mastodon_length(text);
        if length <= *longest {
            return Ok(());
        }
        let why = format!(
            "the words are {length} characters long, and {} takes {longest}; shorten them under [texts]",
            self.server
        );
        Err(self.line.error(attempted, Failure::Refused, why))
    }

    /// From the instance document, of which older servers have only the first version.
    async fn read_longest(&self, attempted: &'static str) -> Result<usize, NetworkError> {
        for path in ["/api/v2/instance", "/api/v1/instance"] {
            match self.get(attempted, &self.url(path, &[])).await {
                Ok(answer) => {
                    let instance: Instance = self.line.parse(attempted, &answer)?;
                    if let Some(longest) = instance.longest() {
                        return Ok(longest);
                    }
                }
                // It has no such document.
                Err(error) if error.failure == Failure::Refused => {}
                Err(error) => return Err(error),
            }
        }
        Ok(USUAL_LONGEST)
    }

    /// A mention that the server did not take for one has reached nobody: the account is gone, or
    /// something in the words keeps it from being read as a mention.
    fn check_addressed(
        &self,
        attempted: &'static str,
        letter: &Letter<'_>,
        status: &Status,
    ) -> Result<(), NetworkError> {
        let (Some(mentions), true) = (
            &status.mentions,
            letter.invitation.channel.needs_recipient(),
        ) else {
            return Ok(());
        };
        let to = self.line.recipient(attempted, letter)?;
        if mentions.iter().any(|mention| mention.id == to.id) {
            return Ok(());
        }
        let why = format!(
            "the server made no mention of @{}, so it reached nobody",
            to.handle
        );
        Err(self.line.error(attempted, Failure::Refused, why))
    }

    /// What an answer that is not the wanted one means.
    fn refusal(&self, attempted: &'static str, answer: &Answer) -> NetworkError {
        let problem: Problem = answer.json().unwrap_or_default();
        let mut why = format!("{}: {}", answer.status, self.line.quote(&problem.words()));
        if let Some(to) = answer.headers.get(LOCATION).and_then(|to| to.to_str().ok())
            && let Ok(to) = Url::parse(to)
        {
            let to = to.origin().ascii_serialization();
            why = format!(
                "{why}; it leads to {to}: if the account's server is there, set server to that"
            );
        }
        let needs_a_person = why.contains("requires an authenticated user");
        let failure = match answer.status {
            StatusCode::TOO_MANY_REQUESTS => Failure::WaitUntil(self.reset(answer)),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Failure::Unauthorized,
            StatusCode::UNPROCESSABLE_ENTITY if needs_a_person => Failure::Unauthorized,
            StatusCode::REQUEST_TIMEOUT => Failure::TryAgain,
            status if status.is_server_error() => Failure::TryAgain,
            _ => Failure::Refused,
        };
        self.line.error(attempted, failure, why)
    }

    /// When a used-up limit opens again: Mastodon writes the time out, others in unix seconds, and
    /// a proxy before either only says how long.
    fn reset(&self, answer: &Answer) -> Timestamp {
        let header = answer.headers.get("x-ratelimit-reset");
        let told = header
            .and_then(|value| value.to_str().ok()?.trim().parse().ok())
            .or_else(|| answer.unix_time("x-ratelimit-reset"))
            .or_else(|| self.line.retry_after(answer));
        self.line.until(told, SignedDuration::from_mins(5))
    }
}

#[cfg(any(test, fuzzing))]
impl Mastodon {
    /// Takes an answer for each that it could be.
    pub(crate) fn take_in(&self, answer: &Answer) {
        use crate::fuzzing::{assert_fit_to_keep, assert_readable};

        let attempted = "reading nonsense";
        match self.line.parse::<Vec<Account>>(attempted, answer) {
            Ok(page) => page
                .into_iter()
                .for_each(|account| assert_fit_to_keep(&account.into_follower())),
            Err(error) => assert_readable(&error),
        }
        match self.line.parse::<Account>(attempted, answer) {
            Ok(account) => {
                if let Err(error) = self.check_home(attempted, &account) {
                    assert_readable(&error);
                }
                assert_fit_to_keep(&account.into_follower());
            }
            Err(error) => assert_readable(&error),
        }
        match self.line.parse_sent::<Status>(attempted, answer) {
            Ok(status) => {
                let content = status.content.unwrap_or_default();
                let _ = html::same_words(&html::plain(&content), &content);
            }
            Err(error) => assert_readable(&error),
        }
        if let Ok(instance) = self.line.parse::<Instance>(attempted, answer) {
            let _ = instance.longest();
        }
        let _ = self.line.parse::<Vec<Notification>>(attempted, answer);
        match self.next_page(attempted, "https://amber.example/a", answer) {
            Ok(next) => assert!(next.is_none_or(|next| next.starts_with("https://amber.example/"))),
            Err(error) => assert_readable(&error),
        }
        let refusal = self.refusal(attempted, answer);
        assert_readable(&refusal);
        if let Failure::WaitUntil(until) = refusal.failure {
            assert!(until > self.line.now());
        }
    }
}

/// The number of `109876@mastodon.social`, which the server itself uses.
fn number(id: &str) -> &str {
    id.split('@').next().unwrap_or(id)
}

/// Whom the server shows it to: an announcement everyone, anything else only whom it names.
fn visibility(channel: Channel) -> &'static str {
    match channel {
        Channel::Announce => "public",
        Channel::Mention | Channel::Message | Channel::Draft => "direct",
    }
}

/// The same for the same hug on the same channel, whatever else changes. It names the account too:
/// some servers keep all their accounts' keys in one drawer.
fn idempotency_key(letter: &Letter<'_>) -> String {
    let id = letter
        .hug
        .id
        .replace(|c: char| !c.is_ascii_alphanumeric(), "-");
    let milestone = letter.hug.milestone.number();
    format!("have-a-hug-{id}-{milestone}-{}", letter.invitation.channel)
}

/// The target of the link with that relation in a `Link` header (RFC 8288).
fn link_to<'a>(relation: &str, header: &'a str) -> Option<&'a str> {
    let mut rest = header;
    while let Some((_, link)) = rest.split_once('<') {
        let (target, after) = link.split_once('>')?;
        // The next link begins behind a comma; none of the relations has one.
        let end = after.find('<').unwrap_or(after.len());
        let (parameters, next) = after.split_at(end);
        let related = parameters.split([';', ',']).any(|parameter| {
            parameter.split_once('=').is_some_and(|(name, value)| {
                name.trim().eq_ignore_ascii_case("rel")
                    && value
                        .trim()
                        .trim_matches('"')
                        .split_whitespace()
                        .any(|one| one.eq_ignore_ascii_case(relation))
            })
        });
        if related {
            return Some(target);
        }
        rest = next;
    }
    None
}

/// Servers that hide a number say -1.
fn count(told: Option<i64>) -> Option<u64> {
    told.and_then(|number| u64::try_from(number).ok())
}

fn some_text(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.trim().is_empty())
}

/// Numbers on most servers; some make longer ones, with letters.
fn id<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let plain = |id: &str| {
        id.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    made_by_network(from, "the id", 64, plain)
}

#[derive(Debug, Deserialize)]
struct Account {
    #[serde(deserialize_with = "id")]
    id: String,
    username: String,
    /// With the server behind an `@`, unless it is the one that answers.
    acct: String,
    display_name: Option<String>,
    note: Option<String>,
    avatar: Option<String>,
    created_at: Option<String>,
    followers_count: Option<i64>,
    following_count: Option<i64>,
    statuses_count: Option<i64>,
    bot: Option<bool>,
    group: Option<bool>,
    suspended: Option<bool>,
    limited: Option<bool>,
    memorial: Option<bool>,
    moved: Option<Moved>,
    hide_collections: Option<bool>,
}

#[derive(Debug, Deserialize)]
struct Moved {
    acct: Option<String>,
}

impl Account {
    fn into_follower(self) -> Follower {
        Follower {
            // A group passes on what others write, on its own.
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
            id: self.id,
            handle: self.acct,
        }
    }
}

#[derive(Debug, Deserialize)]
struct Notification {
    #[serde(rename = "type")]
    kind: String,
    created_at: Timestamp,
    /// Absent in what the server itself has to say.
    account: Option<Account>,
}

/// A status of our own.
#[derive(Debug, Deserialize)]
struct Status {
    #[serde(deserialize_with = "id")]
    id: String,
    created_at: Timestamp,
    content: Option<String>,
    visibility: Option<String>,
    mentions: Option<Vec<Mention>>,
    reblog: Option<IgnoredAny>,
}

#[derive(Debug, Deserialize)]
struct Mention {
    id: String,
}

impl Status {
    fn is(&self, letter: &Letter<'_>) -> bool {
        self.created_at >= letter.invitation.prepared_at - LOOKED_BACK
            && self.reblog.is_none()
            // A server may make less of "public", such as for an account that it has limited.
            && (self.visibility.as_deref() == Some("direct")) == (visibility(letter.invitation.channel) == "direct")
            && html::same_words(&letter.invitation.text, self.content.as_deref().unwrap_or_default())
    }
}

#[derive(Deserialize)]
struct Application {
    scopes: Option<Vec<String>>,
}

/// Either version of a server's description of itself.
#[derive(Deserialize)]
struct Instance {
    configuration: Option<Configuration>,
    /// Where forks had it before Mastodon told it at all.
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
    fn longest(&self) -> Option<usize> {
        let statuses = self
            .configuration
            .as_ref()
            .and_then(|told| told.statuses.as_ref());
        statuses
            .and_then(|told| told.max_characters)
            .or(self.max_toot_chars)
    }
}

/// `{"error": …}`, on forks with more than a word in it.
#[derive(Default, Deserialize)]
struct Problem {
    #[serde(default)]
    error: Value,
    error_description: Option<String>,
}

impl Problem {
    fn words(&self) -> String {
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
    use super::*;
    use crate::{
        hug::{Hug, Invitation, tests::reached},
        milestone::Milestone,
    };

    #[test]
    fn the_next_page_is_found_in_any_order_and_spelling_of_a_link_header() {
        for header in [
            r#"<https://m.example/a?limit=80&max_id=7>; rel="next", <https://m.example/a?min_id=9>; rel="prev""#,
            r#"<https://m.example/a?min_id=9,8>; rel="prev", <https://m.example/a?limit=80&max_id=7>; rel="next""#,
            "<https://m.example/a?limit=80&max_id=7>;title=more ; REL=Next",
            r#"<https://m.example/a?limit=80&max_id=7>; rel="last next""#,
        ] {
            let next = Some("https://m.example/a?limit=80&max_id=7");
            assert_eq!(link_to("next", header), next, "{header}");
        }
        for header in [
            "",
            "next",
            "<https://m.example/a?rel=next",
            r#"<https://m.example/a?rel=next>; rel="prev""#,
            r#"<https://m.example/a>; title="next""#,
        ] {
            assert_eq!(link_to("next", header), None, "{header}");
        }
    }

    #[test]
    fn a_key_is_the_same_on_every_try_and_of_one_hug_and_channel_alone() {
        let key = |id: &str, number, channel, minute| {
            let hug = Hug {
                id: id.into(),
                milestone: Milestone::from_number(number).unwrap(),
                ..reached()
            };
            let prepared_at = Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minute);
            let invitation = Invitation {
                channel,
                text: format!("words of minute {minute}"),
                prepared_at,
                tried_again_at: None,
                reference: None,
                sent_at: None,
            };
            idempotency_key(&Letter {
                hug: &hug,
                invitation: &invitation,
            })
        };
        let first = key("1@bücher.example:80", 600, Channel::Mention, 0);
        assert_eq!(first, key("1@bücher.example:80", 600, Channel::Mention, 9));
        for other in [
            key("2@bücher.example:80", 600, Channel::Mention, 0),
            key("1@bücher.example:80", 700, Channel::Mention, 0),
            key("1@bücher.example:80", 600, Channel::Announce, 0),
        ] {
            assert_ne!(first, other);
        }
        assert!(
            first.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'),
            "{first}"
        );
    }
}
