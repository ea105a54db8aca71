//! A stand-in for X's API v2.
//!
//! It checks signatures and counts rate limits. Some posts and messages break X's rules for automation
//! although the API accepts them (a mention or a message that the other person did not ask for, a second
//! reply to one post): [`X::rule_breaks`] lists them.
//!
//! # Layout
//!
//! Each file uses only those before it.
//!
//! - `text`: the text of a post. `account`: a creator's account. `refusals`, `parameters`: refusals, and
//!   what a request may ask for.
//! - `state`: users, follows, posts and messages. `written`: posts as people and accounts write them.
//!   `caller`: who makes a request.
//! - `login`, `users`, `posts`, `messages`: what the routes answer. `routes`: the routes and their limits.
//! - This file: what tests can change and look at.

mod account;
mod caller;
mod login;
mod messages;
mod parameters;
mod posts;
mod refusals;
mod routes;
mod state;
#[cfg(test)]
mod tests;
mod text;
mod users;
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
use refusals::{limit_headers, problem};

pub use account::{Account, Keys, SANDBOX_BEARER};
pub use state::State;

/// A running stand-in for X.
pub type X = StandIn<State>;

impl X {
    /// `person` follows the account with that handle, as its newest follower; nothing happens if there
    /// is no such account.
    pub fn follow_account(&self, handle: &str, person: Person) {
        self.with(|state| {
            if let Some(account) = state.id_of(handle) {
                state.add_follower(&account, person);
            }
        });
    }

    /// Gives someone a new handle; afterwards nobody has the old one.
    pub fn rename(&self, old: &str, new: &str) {
        self.with(|state| state.rename(old, new));
    }

    /// What accounts did against X's rules for automation although the API accepted it, in words.
    pub fn rule_breaks(&self) -> Vec<String> {
        self.with(|state| state.rule_breaks.clone())
    }

    /// Changes what the accounts have allowed the app to do: `read`, `read-write`, or
    /// `read-write-directmessages`, which is the default. `None` allows everything, and X does not say
    /// so in its answers.
    pub fn set_access_level(&self, level: Option<&str>) {
        self.with(|state| state.access_level = level.map(str::to_owned));
    }

    /// From now on the person with that handle is logged in on the page where an app is approved; at first it is the first
    /// account.
    pub fn log_in(&self, handle: &str) {
        self.with(|state| state.logged_in = state.id_of(handle));
    }

    /// Changes the limit of the routes whose name, such as `GET /2/users/:id/followers`, ends with
    /// `route`.
    pub fn set_limit(&self, route: &str, limit_per_15_min: u32) {
        self.with(|state| state.limits.push((route.to_owned(), limit_per_15_min)));
    }

    /// Someone (by handle) mentions the first account; `@handle` is put before the text if it does not
    /// mention it. Returns the id of the post.
    pub fn add_mention(&self, text: &str, from: &str) -> String {
        self.with(|state| state.add_mention(text, from))
    }

    /// Someone (by handle) replies to a post of the first account. Returns the id of the reply.
    pub fn add_reply(&self, text: &str, from: &str, to_post: &str) -> String {
        self.with(|state| state.add_reply(text, from, to_post))
    }

    /// Whether a plain reply lets the account reply to it, because of the mention that X puts before its
    /// text. X does not say; here it does not, until this is called with `true`.
    pub fn set_implicit_mentions_summon(&self, summon: bool) {
        self.with(|state| state.implicit_mentions_summon = summon);
    }

    /// Whether answers have the field names of 2026-08-07, `referenced_posts` and
    /// `edit_history_post_ids`, in place of the ones that X's guides still show.
    pub fn set_new_names(&self, new: bool) {
        self.with(|state| state.new_names = new);
    }

    /// Someone (by handle) sends the first account a private message.
    pub fn add_message(&self, text: &str, from: &str) {
        self.with(|state| state.receive_message(text, from));
    }
}

static FACTS: Facts = Facts {
    title: "X",
    name: "x",
    post_route: "/2/tweets",
    settings: |url| {
        let handle = Account::amber().handle;
        format!("network = \"x\"\nhandle = \"{handle}\"\nserver = \"{url}\"\n")
    },
    secrets: || {
        let keys = Keys::sandbox();
        vec![
            ("X_API_KEY", keys.api_key),
            ("X_API_SECRET", keys.api_secret),
            ("X_ACCESS_TOKEN", keys.access_token),
            ("X_ACCESS_SECRET", keys.access_secret),
            ("X_BEARER_TOKEN", SANDBOX_BEARER.to_owned()),
        ]
    },
    handle_of: |person| person.handle.clone(),
};

impl Service for State {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn answer(&mut self, call: &Call) -> Answer {
        self.respond(call)
    }

    fn failure(&self, status: u16) -> Answer {
        let title = match status {
            400 => "Invalid Request",
            401 => "Unauthorized",
            402 => "CreditsDepleted",
            403 => "Forbidden",
            404 => "Not Found",
            429 => "Too Many Requests",
            500 => "Internal Server Error",
            502 => "Bad Gateway",
            503 => "Service Unavailable",
            504 => "Gateway Timeout",
            _ => "Error",
        };
        problem(status, title, title)
    }

    fn rate_limited(&self, for_seconds: i64) -> Answer {
        let reset = self.now().as_second() + for_seconds;
        let mut answer = self.failure(429);
        answer.headers = limit_headers(&Usage::exceeded(300, reset));
        answer
    }
}

impl Backend for State {
    type Account = Account;

    fn new(_url: &str, clock: Clock) -> Self {
        Self::empty(clock)
    }

    fn add_account(&mut self, account: Account) {
        let mut person = Person::fan(0, self.now());
        person.id.clone_from(&account.id);
        person.handle = account.handle;
        person.name = account.name;
        self.add_user(person, account.protected);
        if let Some(keys) = account.keys {
            self.keys.push((account.id.clone(), keys));
        }
        self.accounts.push(account.id);
    }

    fn has(&self, person: &Person) -> bool {
        self.users.contains_key(&person.id) || self.id_of(&person.handle).is_some()
    }

    fn follow(&mut self, person: Person) {
        let account = self.first_account();
        self.add_follower(&account, person);
    }

    fn unfollow(&mut self, handle: &str) -> bool {
        let account = self.first_account();
        let (Some(id), Some(follows)) = (self.id_of(handle), self.follows.get_mut(&account)) else {
            return false;
        };
        let before = follows.len();
        follows.retain(|follow| follow.follower != id);
        follows.len() < before
    }

    fn hide(&mut self, handle: &str) {
        self.change(handle, |user| user.person.hidden = true);
    }

    fn follower_count(&self) -> u64 {
        self.count_of(&self.first_account())
    }

    fn posts(&self) -> Vec<Post> {
        self.posts
            .iter()
            .filter(|posted| self.accounts.contains(&posted.post.author))
            .map(|posted| posted.post.clone())
            .collect()
    }

    fn messages(&self) -> Vec<Message> {
        self.messages
            .iter()
            .filter(|sent| self.accounts.contains(&sent.message.from))
            .map(|sent| sent.message.clone())
            .collect()
    }

    fn newest_post(&self) -> Option<String> {
        self.posts().pop().map(|post| post.id)
    }

    fn add_answer(&mut self, from_handle: &str, text: &str, to_post_id: &str) -> String {
        self.add_reply(text, from_handle, to_post_id)
    }

    fn add_quote(&mut self, from_handle: &str, text: &str, post_id: &str) -> String {
        self.quote_post(text, from_handle, post_id)
    }

    fn delete_post(&mut self, id: &str) -> bool {
        self.remove_post(id)
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
