//! Mastodon, and the servers that speak its API: everything is asked of the account's own server.
//! Facts and sources: docs/NETWORKS.md. The types are checked against recorded answers of real servers:
//! `infra/stand-ins/clients/mastodon_recordings.py`.
//!
//! A token must allow `read:accounts` for the account and its followers, `read:statuses` to see whether an
//! invitation arrived, `read:notifications` for the times of follows, and `write:statuses` to send. A server
//! refuses a token that does not cover a call, even where the call needs none.
//!
//! Ids are a server's own: every server has an account 1. So the account's id is kept with its server:
//! `109876@mastodon.social`.

pub(crate) mod code;
mod context;
mod html;
mod idempotency;
mod link;
#[cfg(test)]
mod recordings;
mod rules;
mod wire;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use promise::{
    account::UserId,
    channel::Channel,
    follower::Follower,
    letter::{Letter, Receipt},
};
use reqwest::{RequestBuilder, StatusCode, Url, header::LOCATION};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use serde_json::json;
use tokio::sync::OnceCell;

use self::{
    context::Context,
    idempotency::idempotency_key,
    link::next_page,
    rules::{ACCESS_TOKEN, domain},
    wire::{
        Account, Application, Counted, Instance, Notification, Problem, Status, count, covers,
        some_text, visibility,
    },
};
use super::{reply::answered_post, words::MAX_ANSWERS};
use crate::{
    http::{Response, percent_encoded, with_json, with_query},
    network::{
        Answered, Asked, Cursor, Failure, Follow, IfReadable, LOOKBACK, Network, NetworkError,
        Page, Permissions, Profile,
        client::{Attempt, Client, Connection, Dialect, Refusal},
    },
};
pub use rules::RULES;

/// One account on Mastodon.
pub struct Mastodon {
    client: Client,
    server: String,
    /// The part of the handle after the `@`.
    domain: String,
    access_token: Option<SecretString>,
    /// Whose the token is.
    owner: OnceCell<String>,
    /// How many characters a status may have on this server.
    max_characters: OnceCell<usize>,
}

/// Reads are free, and accounts that are gone make pages short: never ask for fewer than this.
const MIN_PAGE: u64 = 40;
const MAX_PAGE: u64 = 80;

/// No more pages of the account's own statuses or notifications are read than this.
const MAX_PAGES: usize = 25;

const DIALECT: Dialect = Dialect {
    refusal,
    is_capped: |_| false,
    reset,
    window: SignedDuration::from_mins(5),
    remaining: "x-ratelimit-remaining",
    // The idempotency key makes the same status succeed twice.
    done_already: |_| false,
};

fn refusal(response: &Response) -> Refusal {
    let problem: Problem = response.json().unwrap_or_default();
    let failure = match response.status {
        status if status.is_redirection() => Failure::Blocked { until: None },
        // A response that is not in Mastodon's form comes from a proxy or gateway before the server.
        _ if !problem.is_mastodons() => Failure::TryAgain,
        status if problem.is_about_the_letter(status) => Failure::Refused,
        _ => Failure::Blocked { until: None },
    };
    let mut why = problem.words();
    if let Some(to) = response
        .text(LOCATION.as_str())
        .and_then(|to| Url::parse(to).ok())
    {
        let to = to.origin().ascii_serialization();
        why = format!(
            "{why}; it leads to {to}: if the account's server is there, set server to that"
        );
    }
    Refusal { failure, why }
}

/// Mastodon writes the time out, and other servers write it in unix seconds.
fn reset(response: &Response) -> Option<Timestamp> {
    let written_out = response.text("x-ratelimit-reset")?.parse().ok();
    written_out.or_else(|| response.unix_time("x-ratelimit-reset"))
}

#[async_trait]
impl Network for Mastodon {
    async fn profile(&self, id: Option<&UserId>) -> Result<Profile, NetworkError> {
        let attempt = self.client.attempt("reading the follower count");
        let url = match id {
            Some(id) => self.url(&format!("/api/v1/accounts/{}", number(id)), &[]),
            None => self.url("/api/v1/accounts/lookup", &[("acct", &self.acct())]),
        };
        let response = attempt.ask(self.signed(self.client.http.get(url))).await?;
        if id.is_none() && says_that_nothing_is_there(&response) {
            return Err(attempt.no_such_account());
        }
        let response = attempt.accept(response)?;
        let account: Account = attempt.parse(&response)?;
        self.check_home(attempt, &account)?;
        let followers = count(account.followers_count).ok_or_else(|| {
            attempt.blocked(
                "the server hides the number of followers; show it in the account's preferences",
            )
        })?;
        attempt.note_limit(&response);
        Ok(Profile {
            id: self.with_server(&account),
            name: some_text(account.display_name).unwrap_or(account.username),
            followers,
        })
    }

    /// The accounts of the answer are checked as [`Network::profile`] checks its one, but for the handle: an account whose
    /// handle has changed is found out by its own check, once a day and at each change of the count.
    async fn counts(&self, ids: &[UserId]) -> Result<Vec<Profile>, NetworkError> {
        let attempt = self.client.attempt("reading the follower counts");
        let query: Vec<(&str, &str)> = ids.iter().map(|id| ("id[]", number(id))).collect();
        let url = self.url("/api/v1/accounts", &query);
        let response = self.get(attempt, &url).await?;
        let accounts: Vec<IfReadable<Counted>> = attempt.parse(&response)?;
        attempt.note_limit(&response);
        let accounts = accounts.into_iter();
        let profile = |IfReadable(account): IfReadable<Counted>| account?.profile(&self.domain);
        Ok(accounts.filter_map(profile).collect())
    }

    fn limit(&self) -> String {
        self.server.clone()
    }

    async fn followers(
        &self,
        id: &UserId,
        wanted: u64,
        cursor: Option<&Cursor>,
    ) -> Result<Page, NetworkError> {
        let attempt = self.client.attempt("reading the newest followers");
        let first = || {
            let path = format!("/api/v1/accounts/{}/followers", number(id));
            let limit = wanted.clamp(MIN_PAGE, MAX_PAGE).to_string();
            self.url(&path, &[("limit", &limit)])
        };
        let (page, next) = self
            .page::<Account>(
                attempt,
                &cursor.map_or_else(first, |Cursor(url)| url.clone()),
            )
            .await?;
        if cursor.is_none() && page.is_empty() && next.is_none() {
            self.check_not_hidden(attempt, id).await?;
        }
        Ok(Page {
            followers: page.into_iter().map(Account::into_follower).collect(),
            next: next.map(Cursor),
        })
    }

    async fn follows_since(
        &self,
        id: &UserId,
        since: Timestamp,
    ) -> Result<Option<Vec<Follow>>, NetworkError> {
        let attempt = self.client.attempt("reading the notifications of follows");
        if self.access_token.is_none() {
            return Ok(None);
        }
        self.check_owner(attempt, id).await?;
        let query = [
            ("types[]", "follow"),
            // A follow counts even if the account's own filters hide its notification.
            ("include_filtered", "true"),
            ("limit", "80"),
        ];
        let mut next = Some(self.url("/api/v1/notifications", &query));
        let mut follows = Vec::new();
        for _ in 0..MAX_PAGES {
            let Some(url) = next else {
                return Ok(Some(follows));
            };
            let response = attempt.ask(self.signed(self.client.http.get(&url))).await?;
            if response.status == StatusCode::FORBIDDEN {
                return Ok(None);
            }
            let response = attempt.accept(response)?;
            let page: Vec<Notification> = attempt.parse(&response)?;
            next = self.next_page(attempt, &url, &response)?;
            for one in page {
                if one.created_at < since {
                    return Ok(Some(follows));
                }
                // Older servers do not know the filter by type.
                if let (true, Some(who)) = (one.kind == "follow", one.account) {
                    follows.push(Follow {
                        follower: who.into_follower(),
                        at: one.created_at,
                    });
                }
            }
        }
        // Give up: a part of the follows would be mistaken for all of them.
        Ok(None)
    }

    async fn profiles(&self, ids: &[UserId]) -> Result<Vec<Follower>, NetworkError> {
        let attempt = self.client.attempt("reading the profiles of followers");
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let query: Vec<(&str, &str)> = ids.iter().map(|id| ("id[]", number(id))).collect();
        let together = self.url("/api/v1/accounts", &query);
        let accounts: Vec<Account> = match self.get_if_there(attempt, &together).await? {
            Some(accounts) => accounts,
            None => self.one_by_one(attempt, ids).await?,
        };
        Ok(accounts.into_iter().map(Account::into_follower).collect())
    }

    async fn user(&self, handle: &str) -> Result<Option<Follower>, NetworkError> {
        let attempt = self.client.attempt("looking a handle up");
        let handle = handle.trim_start_matches('@');
        if !(RULES.handle.is_valid)(&handle.to_lowercase()) {
            return Ok(None);
        }
        let url = self.url("/api/v1/accounts/lookup", &[("acct", handle)]);
        let found: Option<Account> = self.get_if_there(attempt, &url).await?;
        Ok(found.map(Account::into_follower))
    }

    async fn send(&self, letter: &Letter<'_>) -> Result<Receipt, NetworkError> {
        let attempt = self.client.attempt(letter.kind.sending());
        self.check_owner(attempt, letter.from).await?;
        self.check_length(attempt, letter.text).await?;
        let mut body = json!({
            "status": letter.text,
            "visibility": visibility(letter),
        });
        if letter.channel == Channel::Reply {
            body["in_reply_to_id"] = json!(answered_post(attempt, letter)?.reference);
        }
        let request = with_json(
            self.client.http.post(self.url("/api/v1/statuses", &[])),
            &body,
        )
        .header("idempotency-key", idempotency_key(letter));
        let response = attempt.write(self.signed(request)).await?;
        let status: Status = attempt.parse_sent(&response)?;
        check_addressed(attempt, letter, &status)?;
        Ok(status.into())
    }

    /// The server remembers an idempotency key for an hour; the account's own statuses show at any time
    /// whether the letter arrived.
    async fn find(&self, letter: &Letter<'_>) -> Result<Option<Receipt>, NetworkError> {
        let attempt = self.client.attempt(letter.kind.looking_up());
        // The server shows private mentions to nobody else.
        self.check_owner(attempt, letter.from).await?;
        let path = format!("/api/v1/accounts/{}/statuses", number(letter.from));
        let since = letter.prepared_at - LOOKBACK;
        let mut next = Some(self.url(&path, &[("limit", "40"), ("exclude_reblogs", "true")]));
        for _ in 0..MAX_PAGES {
            let Some(url) = next else { return Ok(None) };
            let (statuses, link) = self.page::<Status>(attempt, &url).await?;
            let too_old = statuses.iter().any(|status| status.created_at < since);
            // A status that reached nobody is not a delivery; sent again, it is refused.
            let reached = |status: &Status| check_addressed(attempt, letter, status).is_ok();
            let ours = statuses
                .into_iter()
                .find(|status| status.is(letter) && reached(status));
            if let Some(status) = ours {
                return Ok(Some(status.into()));
            }
            if too_old {
                return Ok(None);
            }
            next = link;
        }
        let why = format!(
            "it is not among the newest statuses, and {MAX_PAGES} pages do not reach back to {since}"
        );
        Err(attempt.error(Failure::TryAgain, why))
    }

    async fn answers(&self, id: &UserId, asked: &Asked<'_>) -> Result<Answered, NetworkError> {
        let attempt = self.client.attempt("reading the answers");
        // The server shows private answers to nobody else. Without a token it shows the public ones.
        if self.access_token.is_some() {
            self.check_owner(attempt, id).await?;
        }
        let mut answers = Vec::new();
        for letter in asked.letters.iter().filter(|letter| letter.is_due) {
            let status = percent_encoded(&letter.receipt.reference);
            let url = self.url(&format!("/api/v1/statuses/{status}/context"), &[]);
            let found: Option<Context> = self.get_if_there(attempt, &url).await?;
            answers.extend(found.into_iter().flat_map(|found| found.answers(letter)));
        }
        answers.truncate(MAX_ANSWERS);
        Ok(Answered {
            answers,
            ..Answered::default()
        })
    }

    async fn permissions(&self, _id: &UserId) -> Result<Permissions, NetworkError> {
        let attempt = self.client.attempt("asking whose token this is");
        if self.access_token.is_none() {
            return Ok(Permissions {
                owner: None,
                post: Some(false),
                message: Some(false),
            });
        }
        let url = self.url("/api/v1/accounts/verify_credentials", &[]);
        let response = self.get(attempt, &url).await?;
        let account: Account = attempt.parse(&response)?;
        Ok(Permissions {
            owner: Some(self.with_server(&account)),
            post: self.may_post().await,
            message: None,
        })
    }

    fn blocked_until(&self) -> Option<Timestamp> {
        self.client.blocked_until()
    }

    fn addresses(&self) -> Vec<String> {
        vec![self.server.clone()]
    }
}

impl Mastodon {
    /// An account of the settings, with the access token that was found for it.
    pub fn new(connection: &Connection<'_>) -> Self {
        Self {
            client: Client::new(connection, &DIALECT),
            server: connection.server(&RULES),
            domain: domain(&connection.account.handle).to_owned(),
            access_token: connection.credentials.get(ACCESS_TOKEN).cloned(),
            owner: OnceCell::new(),
            max_characters: OnceCell::new(),
        }
    }

    fn url(&self, path: &str, query: &[(&str, &str)]) -> String {
        with_query(format!("{}{path}", self.server), query)
    }

    fn username(&self) -> &str {
        let handle = &self.client.account.handle;
        handle.split('@').next().unwrap_or(handle)
    }

    /// The account's id with its server, which makes it unique among all servers.
    fn with_server(&self, account: &Account) -> UserId {
        format!("{}@{}", account.id, self.domain).into()
    }

    /// The name to look the account up by. The domain in a server's handles can differ from its own
    /// (amber@example.com, at social.example.com): then the whole handle is the name.
    fn acct(&self) -> String {
        match self.server.split_once("://") {
            Some((_, host)) if host.eq_ignore_ascii_case(&self.domain) => {
                self.username().to_owned()
            }
            _ => self.client.account.handle.clone(),
        }
    }

    fn signed(&self, request: RequestBuilder) -> RequestBuilder {
        match &self.access_token {
            Some(token) => request.bearer_auth(token.expose_secret()),
            None => request,
        }
    }

    async fn get(&self, attempt: Attempt<'_>, url: &str) -> Result<Response, NetworkError> {
        attempt.read(self.signed(self.client.http.get(url))).await
    }

    /// The value at that address; `None` where the server says that nothing is there.
    async fn get_if_there<T: DeserializeOwned>(
        &self,
        attempt: Attempt<'_>,
        url: &str,
    ) -> Result<Option<T>, NetworkError> {
        let response = attempt.ask(self.signed(self.client.http.get(url))).await?;
        if says_that_nothing_is_there(&response) {
            return Ok(None);
        }
        attempt.parse(&attempt.accept(response)?).map(Some)
    }

    /// Reads accounts one by one: Mastodon before 4.3, and other servers with the same API, cannot read several at
    /// once.
    async fn one_by_one(
        &self,
        attempt: Attempt<'_>,
        ids: &[UserId],
    ) -> Result<Vec<Account>, NetworkError> {
        let mut accounts = Vec::new();
        for id in ids {
            let url = self.url(&format!("/api/v1/accounts/{}", number(id)), &[]);
            accounts.extend(self.get_if_there(attempt, &url).await?);
        }
        Ok(accounts)
    }

    /// One page of a list, and where the next one is.
    async fn page<T: DeserializeOwned>(
        &self,
        attempt: Attempt<'_>,
        url: &str,
    ) -> Result<(Vec<T>, Option<String>), NetworkError> {
        let response = self.get(attempt, url).await?;
        let page = attempt.parse(&response)?;
        Ok((page, self.next_page(attempt, url, &response)?))
    }

    /// The address of the next page, if there is one.
    fn next_page(
        &self,
        attempt: Attempt<'_>,
        url: &str,
        response: &Response,
    ) -> Result<Option<String>, NetworkError> {
        next_page(url, &response.headers).map_err(|to| {
            let why = format!(
                "the server names {to} for the next page, not {}; if the account is on that server, set server to it",
                self.server
            );
            attempt.blocked(why)
        })
    }

    /// The account must be the one in the settings, belong to this server, and be in use.
    fn check_home(&self, attempt: Attempt<'_>, account: &Account) -> Result<(), NetworkError> {
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
                moved.acct.as_deref().unwrap_or("somewhere")
            )
        } else if account.suspended == Some(true) {
            "the server has suspended the account".to_owned()
        } else {
            return Ok(());
        };
        Err(attempt.blocked(why))
    }

    /// An account may hide its list: the list is then empty for everyone but the account itself.
    async fn check_not_hidden(
        &self,
        attempt: Attempt<'_>,
        id: &UserId,
    ) -> Result<(), NetworkError> {
        let url = self.url(&format!("/api/v1/accounts/{}", number(id)), &[]);
        let response = self.get(attempt, &url).await?;
        let account: Account = attempt.parse(&response)?;
        if account.hide_collections != Some(true) || account.followers_count == Some(0) {
            return Ok(());
        }
        let why = match self.access_token {
            Some(_) => {
                "the account hides its list of followers, and the access token is not the account's own"
            }
            None => {
                "the account hides its list of followers; show it in the account's preferences, or set MASTODON_ACCESS_TOKEN to a token of the account with the scope read:accounts"
            }
        };
        Err(attempt.blocked(why))
    }

    /// Whether the token's application may post, and look up whether a post arrived. Servers before 4.3 do
    /// not say.
    async fn may_post(&self) -> Option<bool> {
        let attempt = self.client.attempt("asking what the access token allows");
        let url = self.url("/api/v1/apps/verify_credentials", &[]);
        let response = self.get(attempt, &url).await.ok()?;
        let application: Application = attempt.parse(&response).ok()?;
        let scopes = application.scopes?;
        let may = |what| scopes.iter().any(|scope| covers(scope, what));
        Some(may("write:statuses") && may("read:statuses"))
    }

    /// The token must be that of the account that made the promise.
    async fn check_owner(&self, attempt: Attempt<'_>, id: &UserId) -> Result<(), NetworkError> {
        if self.access_token.is_none() {
            let why = "there is no access token";
            return Err(attempt.blocked(why));
        }
        let ask = || async {
            let url = self.url("/api/v1/accounts/verify_credentials", &[]);
            let response = self.get(attempt, &url).await?;
            let account: Account = attempt.parse(&response)?;
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
        Err(attempt.blocked(why))
    }

    /// Servers set their own limit; [`RULES`] knows only Mastodon's.
    async fn check_length(&self, attempt: Attempt<'_>, text: &str) -> Result<(), NetworkError> {
        let max = self
            .max_characters
            .get_or_try_init(|| self.read_max_characters(attempt))
            .await?;
        let length = rules::length(text);
        if length <= *max {
            return Ok(());
        }
        let why = format!(
            "the words are {length} characters long, and {} takes {max}; shorten them under [texts]",
            self.server
        );
        Err(attempt.error(Failure::Refused, why))
    }

    /// Reads the limit from the instance document; older servers have only its first version.
    async fn read_max_characters(&self, attempt: Attempt<'_>) -> Result<usize, NetworkError> {
        for path in ["/api/v2/instance", "/api/v1/instance"] {
            let url = self.url(path, &[]);
            let response = attempt.ask(self.signed(self.client.http.get(url))).await?;
            // The server has no such document.
            if response.status == StatusCode::NOT_FOUND {
                continue;
            }
            let instance: Instance = attempt.parse(&attempt.accept(response)?)?;
            if let Some(max) = instance.max_characters() {
                return Ok(max);
            }
        }
        Ok(rules::MAX_CHARACTERS)
    }
}

/// A mention that the server did not recognise has reached nobody: the account is gone, or something in
/// the words keeps it from being a mention.
fn check_addressed(
    attempt: Attempt<'_>,
    letter: &Letter<'_>,
    status: &Status,
) -> Result<(), NetworkError> {
    let addresses = letter.channel.needs_recipient() || letter.channel == Channel::Reply;
    let (Some(mentions), true) = (&status.mentions, addresses) else {
        return Ok(());
    };
    let to = attempt.recipient(letter)?;
    if mentions.iter().any(|mention| to.id == *mention.id.as_str()) {
        return Ok(());
    }
    let why = format!(
        "the server made no mention of @{}, so it reached nobody",
        to.handle
    );
    Err(attempt.error(Failure::Refused, why))
}

#[cfg(any(test, fuzzing))]
impl Mastodon {
    /// Parses the response as every type of this client and checks the invariants of each.
    pub(crate) fn take_in(&self, response: &Response) {
        use crate::network::assert_fit_to_keep;

        let attempt = self.client.attempt("reading random input");
        match attempt.parse::<Vec<Account>>(response) {
            Ok(page) => page
                .into_iter()
                .for_each(|account| assert_fit_to_keep(&account.into_follower())),
            Err(error) => error.assert_readable(),
        }
        match attempt.parse::<Account>(response) {
            Ok(account) => {
                if let Err(error) = self.check_home(attempt, &account) {
                    error.assert_readable();
                }
                assert_fit_to_keep(&account.into_follower());
            }
            Err(error) => error.assert_readable(),
        }
        match attempt.parse_sent::<Status>(response) {
            Ok(status) => {
                let content = status.content.unwrap_or_default();
                let _ = html::same_words(&html::plain(&content), &content);
            }
            Err(error) => error.assert_readable(),
        }
        if let Ok(instance) = attempt.parse::<Instance>(response) {
            let _ = instance.max_characters();
        }
        context::assert_invariants(response);
        let _ = attempt.parse::<Vec<Notification>>(response);
        match self.next_page(attempt, "https://amber.example/a", response) {
            Ok(next) => assert!(next.is_none_or(|next| next.starts_with("https://amber.example/"))),
            Err(error) => error.assert_readable(),
        }
        attempt.assert_refusal(response);
    }
}

/// Whether the server itself says that nothing is there, and not a proxy or gateway before it.
fn says_that_nothing_is_there(response: &Response) -> bool {
    let problem = || response.json::<Problem>().unwrap_or_default();
    matches!(response.status, StatusCode::NOT_FOUND | StatusCode::GONE) && problem().is_mastodons()
}

/// The number of `109876@mastodon.social`, which is the id for the server itself.
fn number(id: &UserId) -> &str {
    let id = id.as_str();
    id.split('@').next().unwrap_or(id)
}
