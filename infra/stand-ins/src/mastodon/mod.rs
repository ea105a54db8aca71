//! A stand-in for a Mastodon server: the one that the creators' accounts are on.
//!
//! Followers are from this server and from others: a handle with a server in it (`cleo@other.example`)
//! is from there. Lists are ordered by the time of the follow. Their pages are addressed by the numbers
//! of the follows, which no answer contains: only the `Link` header leads to the next page.
//!
//! # Layout
//!
//! Each file uses only those before it.
//!
//! - `text`: the text of a status. `account`: a creator's account. `refusals`: refusals.
//! - `state`: actors, follows, statuses, notifications and tokens. `written`: statuses as people and
//!   accounts write them. `pages`: pages of lists.
//! - `login`, `instance`, `accounts`, `statuses`, `thread`, `notifications`: what the routes answer. `routes`: the
//!   routes and their rights.
//! - This file: what tests can change and look at.

mod account;
mod accounts;
mod instance;
mod login;
mod notifications;
mod pages;
mod refusals;
mod routes;
mod state;
mod statuses;
#[cfg(test)]
mod tests;
mod text;
mod thread;
mod written;

use have_a_hug::clock::Clock;
use jiff::Timestamp;

use crate::{
    backend::{Backend, Facts, Message, Post},
    call::{Answer, Call},
    person::Person,
    service::Service,
    stand_in::StandIn,
    window::Usage,
};
use refusals::{MAX_REQUESTS, limit_headers, refusal, web_page};
use state::{DOMAIN, Status, Token};

pub use account::Account;
pub use state::{Instance, Mark, State};

/// A running stand-in for a Mastodon server.
pub type Mastodon = StandIn<State>;

impl Mastodon {
    /// The server says this about whoever has that handle.
    pub fn mark(&self, handle: &str, mark: Mark) {
        self.with(|state| state.change(handle, |actor| actor.marks.push(mark)));
    }

    /// Whoever has that handle shows nobody else whom they follow and who follows them.
    pub fn hide_collections(&self, handle: &str) {
        self.with(|state| state.change(handle, |actor| actor.hides_collections = true));
    }

    /// The server shows nobody's number of followers.
    pub fn hide_counts(&self) {
        self.with(|state| state.hides_counts = true);
    }

    /// Adds or replaces a token of the account with that handle.
    pub fn set_token(&self, token: &str, handle: &str, scopes: &[&str]) {
        self.with(|state| {
            let account = state.id_of(handle).unwrap_or_default();
            let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
            state
                .tokens
                .insert(token.to_owned(), Token { account, scopes });
        });
    }

    /// From now on the person with that handle is logged in on the page where an app is approved; at first it is the first
    /// account.
    pub fn log_in(&self, handle: &str) {
        self.with(|state| state.logged_in = state.id_of(handle));
    }

    /// Sets how many characters a status may have, and which documents say so.
    pub fn set_longest(&self, characters: usize, instance: Instance) {
        self.with(|state| {
            state.max_characters = characters;
            state.instance = instance;
        });
    }

    /// `Link` headers lead to that origin from now on, as behind a proxy that is set up wrongly.
    pub fn link_to(&self, origin: &str) {
        self.with(|state| state.link_origin = origin.to_owned());
    }

    /// The author of a status puts it behind a warning with these words.
    pub fn warn_of(&self, id: &str, spoiler_text: &str) {
        self.with(|state| {
            if let Some(status) = state.statuses.iter_mut().find(|it| it.id() == id) {
                status.sensitive = true;
                status.spoiler_text = spoiler_text.to_owned();
            }
        });
    }

    /// Someone (by handle) mentions the first account, privately. Returns the id of the status.
    pub fn add_mention(&self, text: &str, from: &str) -> String {
        self.with(|state| state.add_mention(text, from))
    }
}

static FACTS: Facts = Facts {
    title: "Mastodon",
    name: "mastodon",
    post_route: "/statuses",
    settings: |url| {
        let handle = Account::amber().handle;
        format!("network = \"mastodon\"\nhandle = \"{handle}@{DOMAIN}\"\nserver = \"{url}\"\n")
    },
    secrets: || vec![("MASTODON_ACCESS_TOKEN", Account::amber().access_token)],
    // Every second person is from another server.
    handle_of: |person| {
        if person.id.ends_with(['0', '2', '4', '6', '8']) {
            person.handle.clone()
        } else {
            format!("{}@elsewhere.example", person.handle)
        }
    },
};

impl Service for State {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn answer(&mut self, call: &Call) -> Answer {
        self.respond(call)
    }

    fn failure(&self, status: u16) -> Answer {
        let error = match status {
            401 => "The access token is invalid",
            403 => "This action is not allowed",
            404 => "Record not found",
            410 => "The page you were looking for doesn't exist here anymore.",
            422 => "Validation failed",
            429 => "Too many requests",
            // The web server before Mastodon answers these, with a page of its own.
            500.. => return web_page(status),
            _ => "Bad request",
        };
        refusal(status, error)
    }

    fn rate_limited(&self, for_seconds: i64) -> Answer {
        let reset = self.now().as_second() + for_seconds;
        let mut answer = self.failure(429);
        answer.headers = limit_headers(&Usage::exceeded(MAX_REQUESTS, reset));
        answer
    }
}

impl Backend for State {
    type Account = Account;

    fn new(url: &str, clock: Clock) -> Self {
        Self::empty(url, clock)
    }

    fn add_account(&mut self, account: Account) {
        let mut person = Person::fan(0, self.now());
        person.id.clone_from(&account.id);
        person.handle = account.handle;
        person.name = account.name;
        self.add_actor(person);
        let scopes = [
            "read:accounts",
            "read:statuses",
            "read:notifications",
            "write:statuses",
        ];
        let token = Token {
            account: account.id.clone(),
            scopes: scopes.map(str::to_owned).to_vec(),
        };
        self.tokens.insert(account.access_token, token);
        self.accounts.push(account.id);
    }

    fn has(&self, person: &Person) -> bool {
        self.actors.contains_key(&person.id) || self.id_of(&person.handle).is_some()
    }

    fn follow(&mut self, person: Person) {
        self.add_follower(person);
    }

    fn unfollow(&mut self, handle: &str) -> bool {
        self.id_of(handle)
            .is_some_and(|follower| self.remove_follower(&follower))
    }

    fn hide(&mut self, handle: &str) {
        self.change(handle, |actor| actor.person.hidden = true);
    }

    fn follower_count(&self) -> u64 {
        self.follows.len() as u64
    }

    /// The statuses that are not private.
    fn posts(&self) -> Vec<Post> {
        self.by_accounts()
            .filter(|status| status.visibility != "direct")
            .map(|status| Post {
                id: status.id(),
                author: status.author.clone(),
                text: status.text.clone(),
                at: status.at,
                reply_to: status.reply_to.clone(),
                link: None,
                visibility: Some(status.visibility.clone()),
            })
            .collect()
    }

    /// The statuses that only those whom they mention can read.
    fn messages(&self) -> Vec<Message> {
        self.by_accounts()
            .filter(|status| status.visibility == "direct")
            .map(|status| Message {
                id: status.id(),
                from: status.author.clone(),
                to: status.mentions.join(","),
                text: status.text.clone(),
                at: status.at,
                reply_to: status.reply_to.clone(),
            })
            .collect()
    }

    fn newest_post(&self) -> Option<String> {
        self.by_accounts().last().map(Status::id)
    }

    fn add_answer(&mut self, from_handle: &str, text: &str, to_post_id: &str) -> String {
        self.add_reply(text, from_handle, to_post_id)
    }

    fn add_quote(&mut self, from_handle: &str, text: &str, post_id: &str) -> String {
        self.add_quoting(text, from_handle, post_id)
    }

    fn delete_post(&mut self, id: &str) -> bool {
        self.remove_status(id)
    }

    fn edit_post(&mut self, id: &str, new_text: &str) -> String {
        self.rewrite(id, new_text)
    }

    fn facts() -> &'static Facts {
        &FACTS
    }

    fn amber() -> Account {
        Account::amber()
    }
}
