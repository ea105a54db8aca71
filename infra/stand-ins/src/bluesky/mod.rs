//! A stand-in for Bluesky: one server is both the PDS and the AppView.
//!
//! Requests with a token, and all methods outside `app.bsky.*`, go to the PDS: their answers have
//! `RateLimit-*` headers, and a bad token is refused. Reads without a token go to the AppView.
//!
//! # Layout
//!
//! Each file uses only those before it.
//!
//! - `ids`: DIDs, handles and other identifiers. `account`: a creator's account. `refusals`, `parameters`:
//!   refusals, and what a request may ask for.
//! - `state`: actors, follows, records, notifications, messages and logins. `schema`: what a post may be.
//!   `written`: posts as people write them.
//! - `session`, `profile`, `record`, `notification`, `thread`, `chat`: what the methods answer. `routes`: the
//!   methods and their limits.
//! - This file: what tests can change and look at.

mod account;
mod chat;
mod ids;
mod notification;
mod parameters;
mod profile;
mod record;
mod refusals;
mod routes;
mod schema;
mod session;
mod state;
#[cfg(test)]
mod tests;
mod thread;
mod written;

use have_a_hug::clock::Clock;
use jiff::Timestamp;
use serde_json::Value;

use crate::{
    backend::{Backend, Facts, Message, Post},
    call::{Answer, Call},
    person::Person,
    service::Service,
    stand_in::StandIn,
    window::Usage,
};
use refusals::{FIVE_MINUTES, limit_headers, refusal};
use routes::MAX_REQUESTS;
use state::{POSTS, Record, text_of};

pub use account::Account;
pub use ids::{did, domain};
pub use state::State;

/// A running stand-in for Bluesky.
pub type Bluesky = StandIn<State>;

impl Bluesky {
    /// `person` is on the network, and follows nobody.
    pub fn join(&self, person: Person) {
        self.with(|state| state.add_actor(person));
    }

    /// `person` follows the first account now, with a record that claims an earlier time: in the list of
    /// followers it is placed by that time, below the newest.
    pub fn follow_backdated(&self, person: Person, at: Timestamp) {
        self.with(|state| {
            let account = state.first_account();
            state.add_follower(&account, person, at);
        });
    }

    /// Gives someone a new handle; afterwards nobody has the old one.
    pub fn rename(&self, old: &str, new: &str) {
        self.with(|state| state.rename(old, new));
    }

    /// Whoever has that handle blocks the accounts, so that messages from them are refused.
    pub fn block_messages(&self, handle: &str) {
        self.with(|state| state.change(handle, |actor| actor.blocks = true));
    }

    /// App passwords no longer give access to private messages, which is the usual case on Bluesky.
    pub fn deny_messages_to_app_passwords(&self) {
        self.with(|state| state.messages_by_password = false);
    }

    /// Someone (by handle) mentions the first account. Returns the URI of the post.
    pub fn add_mention(&self, text: &str, from: &str) -> String {
        self.with(|state| state.mention_account(text, from))
    }

    /// Someone (by handle) replies to a post of the first account. Returns the URI of the reply.
    pub fn add_reply(&self, text: &str, from: &str, to_post: &str) -> String {
        self.with(|state| state.reply_to_post(text, from, to_post))
    }

    /// A moderator labels a post, for example as `porn`. What is labelled `needs-review` is in no list.
    pub fn label(&self, uri: &str, label: &str) {
        self.with(|state| {
            let labels = state.labels.entry(uri.to_owned()).or_default();
            labels.push(label.to_owned());
        });
    }

    /// The creator hides a reply in the thread of one of their posts.
    pub fn hide_reply(&self, uri: &str) {
        self.with(|state| state.hidden_replies.push(uri.to_owned()));
    }

    /// The record with that `at://` URI, as it was written.
    pub fn record(&self, uri: &str) -> Option<Value> {
        self.with(|state| Some(state.records.get(uri)?.value.clone()))
    }
}

static FACTS: Facts = Facts {
    title: "Bluesky",
    name: "bluesky",
    post_route: "putRecord",
    settings: |url| {
        let handle = Account::amber().handle;
        format!(
            "network = \"bluesky\"\nhandle = \"{handle}\"\nserver = \"{url}\"\nappview = \"{url}\"\n"
        )
    },
    secrets: || vec![("BLUESKY_APP_PASSWORD", Account::amber().app_password)],
    handle_of: |person| domain(&person.handle),
};

impl Service for State {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn answer(&mut self, call: &Call) -> Answer {
        self.respond(call)
    }

    fn failure(&self, status: u16) -> Answer {
        let (error, message) = match status {
            400 => ("InvalidRequest", "Invalid Request"),
            401 => ("AuthenticationRequired", "Authentication Required"),
            403 => ("Forbidden", "Forbidden"),
            404 => ("XRPCNotSupported", "XRPCNotSupported"),
            413 => ("PayloadTooLarge", "Payload Too Large"),
            429 => ("RateLimitExceeded", "Rate Limit Exceeded"),
            501 => ("MethodNotImplemented", "Method Not Implemented"),
            502 => ("UpstreamFailure", "Upstream Failure"),
            503 => ("NotEnoughResources", "Not Enough Resources"),
            504 => ("UpstreamTimeout", "Upstream Timeout"),
            _ => ("InternalServerError", "Internal Server Error"),
        };
        refusal(status, error, message)
    }

    fn rate_limited(&self, for_seconds: i64) -> Answer {
        let now = self.now();
        let usage = Usage::exceeded(MAX_REQUESTS, now.as_second() + for_seconds);
        let mut answer = self.failure(429);
        answer.headers = limit_headers(&usage, FIVE_MINUTES, now);
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
        person.id.clone_from(&account.did);
        person.handle = account.handle;
        person.name = account.name;
        let did = self.add_actor(person);
        self.passwords.insert(did.clone(), account.app_password);
        self.accounts.push(did);
    }

    fn has(&self, person: &Person) -> bool {
        self.actors.contains_key(&did(&person.id)) || self.id_of(&person.handle).is_some()
    }

    fn follow(&mut self, person: Person) {
        let (account, now) = (self.first_account(), self.now());
        self.add_follower(&account, person, now);
    }

    fn unfollow(&mut self, handle: &str) -> bool {
        let account = self.first_account();
        self.id_of(handle)
            .is_some_and(|follower| self.remove_follower(&account, &follower))
    }

    fn hide(&mut self, handle: &str) {
        self.change(handle, |actor| actor.person.hidden = true);
    }

    fn follower_count(&self) -> u64 {
        self.count_of(&self.first_account())
    }

    fn posts(&self) -> Vec<Post> {
        let mut records: Vec<(&String, &Record)> = self
            .records
            .iter()
            .filter(|(_, record)| record.collection == POSTS)
            .filter(|(_, record)| self.accounts.contains(&record.author))
            .collect();
        records.sort_by_key(|(_, record)| record.serial);
        records
            .into_iter()
            .map(|(uri, record)| Post {
                id: uri.clone(),
                author: record.author.clone(),
                text: text_of(&record.value).to_owned(),
                at: record.at,
                reply_to: record.parent().map(str::to_owned),
                link: card(&record.value).map(str::to_owned),
                visibility: None,
            })
            .collect()
    }

    fn messages(&self) -> Vec<Message> {
        self.messages.clone()
    }

    fn newest_post(&self) -> Option<String> {
        self.posts().pop().map(|post| post.id)
    }

    fn add_answer(&mut self, from_handle: &str, text: &str, to_post_id: &str) -> String {
        self.reply_to_post(text, from_handle, to_post_id)
    }

    fn add_quote(&mut self, from_handle: &str, text: &str, post_id: &str) -> String {
        self.quote_record(text, from_handle, post_id)
    }

    fn delete_post(&mut self, id: &str) -> bool {
        self.remove_record(id)
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

/// Where the card of a post leads.
fn card(record: &Value) -> Option<&str> {
    record.pointer("/embed/external/uri")?.as_str()
}
