//! A stand-in for Bluesky: one server plays both the PDS and the AppView.
//!
//! Requests with a token, and everything that is not `app.bsky.*`, count as made at the PDS: they
//! carry `RateLimit-*` headers and refuse a bad token. Reads without a token are the AppView's.
//!
//! - This file: who is on it and what they do, for tests and demos to set up and look at; which
//!   call goes where.
//! - `bluesky/`: what it answers, a file for each of the network's own name spaces.

mod chat;
mod hash;
mod notification;
mod parameters;
mod profile;
mod record;
mod session;

use std::{
    collections::{BTreeMap, HashMap},
    io,
    net::SocketAddr,
};

use have_a_hug::clock::Clock;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    Answer, Call, Message, Network, Person, Post, Reading, StandIn, Window, loopback, written,
};
use hash::{base32, digest, tid};
use parameters::{limit_headers, not_implemented, refusal};
use record::text_of;
use session::{Scope, Session, tried_identifier};

const POSTS: &str = "app.bsky.feed.post";
const FIVE_MINUTES: i64 = 5 * 60;

/// A creator's account.
#[derive(Clone, PartialEq, Eq)]
pub struct Account {
    /// The DID.
    pub did: String,
    /// The handle, a domain name.
    pub handle: String,
    /// The display name.
    pub name: String,
    /// The app password that opens a session; it may also read and send messages.
    pub app_password: String,
}

impl Account {
    /// The sandbox's account: Amber Lane, who makes the promise.
    pub fn amber() -> Self {
        Self {
            did: did("44196397"),
            handle: "amber.bsky.social".to_owned(),
            name: "Amber Lane".to_owned(),
            app_password: "sand-boxa-pppa-sswd".to_owned(),
        }
    }
}

/// The DID that a [`Person`]'s id stands for here: `did:plc:` and 24 characters made from it, or the
/// id itself if it is a DID.
pub fn did(id: &str) -> String {
    match id.starts_with("did:") {
        true => id.to_owned(),
        false => format!("did:plc:{}", base32(&digest(id)[..15])),
    }
}

/// The handle that a [`Person`]'s handle stands for here: a domain name, below `bsky.social` unless
/// it already is one.
pub fn domain(handle: &str) -> String {
    match handle.contains('.') {
        true => handle.to_lowercase(),
        false => format!("{}.bsky.social", handle.to_lowercase()),
    }
}

/// A running stand-in for Bluesky. Clones are the same server; with the last one it ends.
pub type Bluesky = StandIn<State>;

impl Bluesky {
    /// Starts it on a free port of this machine.
    ///
    /// # Errors
    /// If no port can be opened.
    pub async fn start(clock: Clock) -> io::Result<Self> {
        Self::start_at(loopback(), clock).await
    }

    /// Starts it on the given address.
    ///
    /// # Errors
    /// If the address is taken.
    pub async fn start_at(addr: SocketAddr, clock: Clock) -> io::Result<Self> {
        StandIn::serve(addr, |url| State::new(url, clock)).await
    }

    /// Adds an account; the first one is the one that [`Bluesky::follow`] and its like are about.
    pub fn add_account(&self, account: Account) {
        self.with(|state| state.add_account(account));
    }

    /// `person` follows the first account from now on, as its newest follower.
    pub fn follow(&self, person: Person) {
        self.with(|state| state.welcome(person));
    }

    /// `person` follows the account with that handle; nothing happens if there is none.
    pub fn follow_account(&self, handle: &str, person: Person) {
        self.with(|state| {
            if let Some(account) = state.id_of(handle) {
                let now = state.clock.now();
                state.follow(&account, person, now);
            }
        });
    }

    /// `person` follows the first account now, with a record that claims an earlier time: it enters
    /// the list there, below the top.
    pub fn follow_backdated(&self, person: Person, at: Timestamp) {
        self.with(|state| {
            let account = state.first_account();
            state.follow(&account, person, at);
        });
    }

    /// The follower with that handle leaves the first account.
    pub fn unfollow(&self, handle: &str) {
        self.with(|state| state.farewell(handle));
    }

    /// The same as [`Bluesky::deactivate`].
    pub fn hide(&self, handle: &str) {
        self.deactivate(handle);
    }

    /// Whoever has that handle deactivates the account: still counted, no longer listed.
    pub fn deactivate(&self, handle: &str) {
        self.with(|state| state.change(handle, |actor| actor.standing = Standing::Deactivated));
    }

    /// Bluesky takes the account with that handle down: still counted, no longer listed, and it can
    /// open no session.
    pub fn take_down(&self, handle: &str) {
        self.with(|state| state.change(handle, |actor| actor.standing = Standing::TakenDown));
    }

    /// Whoever has that handle deletes the account: the list follows at once, the count only at the
    /// next follow or unfollow.
    pub fn delete(&self, handle: &str) {
        self.with(|state| state.delete(handle));
    }

    /// Gives someone a new handle; the old one is nobody's afterwards.
    pub fn rename(&self, old: &str, new: &str) {
        self.with(|state| state.rename(old, new));
    }

    /// Whoever has that handle blocks the accounts: messages to them are refused.
    pub fn block_messages(&self, handle: &str) {
        self.with(|state| state.change(handle, |actor| actor.blocks = true));
    }

    /// The app passwords no longer have access to messages, as most of them do not.
    pub fn deny_messages_to_app_passwords(&self) {
        self.with(|state| state.messages_by_password = false);
    }

    /// Someone (by handle) mentions the first account. Gives the URI of the post.
    pub fn add_mention(&self, text: &str, from: &str) -> String {
        self.with(|state| state.add_notice("mention", text, from, None))
    }

    /// Someone (by handle) replies to a post of the first account. Gives the URI of the reply.
    pub fn add_reply(&self, text: &str, from: &str, to_post: &str) -> String {
        self.with(|state| state.add_notice("reply", text, from, Some(to_post)))
    }

    /// How many follow the first account, as Bluesky counts.
    pub fn follower_count(&self) -> u64 {
        self.with(|state| state.follower_count())
    }

    /// The posts that accounts made, oldest first.
    pub fn posts(&self) -> Vec<Post> {
        self.with(|state| state.posts())
    }

    /// The record behind an `at://` URI, as it was written.
    pub fn record(&self, uri: &str) -> Option<Value> {
        self.with(|state| {
            let record = state.records.get(uri)?;
            Some(record.value.clone())
        })
    }

    /// The messages that accounts sent, oldest first.
    pub fn messages(&self) -> Vec<Message> {
        self.with(|state| state.messages())
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    Active,
    Deactivated,
    TakenDown,
    Deleted,
}

struct Actor {
    did: String,
    person: Person,
    standing: Standing,
    blocks: bool,
}

#[derive(Clone)]
struct Follow {
    serial: u64,
    follower: String,
    sorted_at: Timestamp,
}

struct Record {
    serial: u64,
    collection: String,
    author: String,
    cid: String,
    value: Value,
    at: Timestamp,
}

struct Notice {
    serial: u64,
    reason: &'static str,
    account: String,
    author: String,
    uri: String,
    subject: Option<String>,
    record: Value,
    at: Timestamp,
}

/// What it knows.
pub struct State {
    url: String,
    clock: Clock,
    actors: HashMap<String, Actor>,
    handles: HashMap<String, String>,
    accounts: Vec<String>,
    passwords: HashMap<String, String>,
    messages_by_password: bool,
    follows: HashMap<String, Vec<Follow>>,
    counts: HashMap<String, u64>,
    records: BTreeMap<String, Record>,
    notices: Vec<Notice>,
    messages: Vec<Message>,
    sessions: HashMap<String, Session>,
    logins: HashMap<String, (Window, Window)>,
    requests: Window,
    serial: u64,
}

impl State {
    fn new(url: &str, clock: Clock) -> Self {
        Self {
            url: url.to_owned(),
            clock,
            actors: HashMap::new(),
            handles: HashMap::new(),
            accounts: Vec::new(),
            passwords: HashMap::new(),
            messages_by_password: true,
            follows: HashMap::new(),
            counts: HashMap::new(),
            records: BTreeMap::new(),
            notices: Vec::new(),
            messages: Vec::new(),
            sessions: HashMap::new(),
            logins: HashMap::new(),
            requests: Window::default(),
            serial: 0,
        }
    }

    fn next_serial(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }

    fn add_account(&mut self, account: Account) {
        let mut person = Person::fan(0, self.clock.now());
        person.id.clone_from(&account.did);
        person.handle = account.handle;
        person.name = account.name;
        let did = self.add_actor(person);
        self.passwords.insert(did.clone(), account.app_password);
        self.accounts.push(did);
    }

    fn add_actor(&mut self, person: Person) -> String {
        let did = did(&person.id);
        self.handles.insert(domain(&person.handle), did.clone());
        let standing = match person.hidden {
            true => Standing::Deactivated,
            false => Standing::Active,
        };
        let actor = Actor {
            did: did.clone(),
            person,
            standing,
            blocks: false,
        };
        self.actors.insert(did.clone(), actor);
        did
    }

    fn first_account(&self) -> String {
        self.accounts.first().cloned().unwrap_or_default()
    }

    fn id_of(&self, handle: &str) -> Option<String> {
        self.handles.get(&domain(handle)).cloned()
    }

    fn change(&mut self, handle: &str, change: impl FnOnce(&mut Actor)) {
        if let Some(actor) = self.id_of(handle).and_then(|did| self.actors.get_mut(&did)) {
            change(actor);
        }
    }

    fn rename(&mut self, old: &str, new: &str) {
        if let Some(did) = self.handles.remove(&domain(old)) {
            self.handles.insert(domain(new), did);
            self.change(new, |actor| actor.person.handle = new.to_owned());
        }
    }

    fn delete(&mut self, handle: &str) {
        let Some(did) = self.handles.remove(&domain(handle)) else {
            return;
        };
        if let Some(actor) = self.actors.get_mut(&did) {
            actor.standing = Standing::Deleted;
        }
        for follows in self.follows.values_mut() {
            follows.retain(|follow| follow.follower != did);
        }
    }

    fn follow(&mut self, account: &str, person: Person, claimed: Timestamp) {
        let now = self.clock.now();
        let serial = self.next_serial();
        let follower = self.add_actor(person);
        self.unfollow(account, &follower);
        let follow = Follow {
            serial,
            follower: follower.clone(),
            sorted_at: claimed.min(now),
        };
        let follows = self.follows.entry(account.to_owned()).or_default();
        let at = follows.partition_point(|it| position(it) < position(&follow));
        follows.insert(at, follow);
        self.counts.insert(account.to_owned(), follows.len() as u64);
        self.notices.push(Notice {
            serial,
            reason: "follow",
            account: account.to_owned(),
            uri: format!(
                "at://{follower}/app.bsky.graph.follow/{}",
                tid(claimed, serial)
            ),
            author: follower,
            subject: None,
            record: json!({
                "$type": "app.bsky.graph.follow",
                "subject": account,
                "createdAt": written(claimed),
            }),
            at: now,
        });
    }

    fn unfollow(&mut self, account: &str, follower: &str) -> bool {
        let follows = self.follows.entry(account.to_owned()).or_default();
        let before = follows.len();
        follows.retain(|follow| follow.follower != follower);
        if follows.len() == before {
            return false;
        }
        self.counts.insert(account.to_owned(), follows.len() as u64);
        self.notices.retain(|notice| {
            notice.reason != "follow" || notice.author != follower || notice.account != account
        });
        true
    }

    fn count_of(&self, account: &str) -> u64 {
        self.counts.get(account).copied().unwrap_or_default()
    }

    fn follows_account(&self, person: &str, account: &str) -> bool {
        self.follows
            .get(account)
            .is_some_and(|follows| follows.iter().any(|it| it.follower == person))
    }

    fn add_notice(
        &mut self,
        reason: &'static str,
        text: &str,
        from: &str,
        subject: Option<&str>,
    ) -> String {
        let (now, serial, account) = (self.clock.now(), self.next_serial(), self.first_account());
        let author = self.id_of(from).unwrap_or_else(|| {
            let mut person = Person::fan(0, now);
            person.id = format!("stranger {from}");
            person.handle = from.to_owned();
            self.add_actor(person)
        });
        let uri = format!("at://{author}/{POSTS}/{}", tid(now, serial));
        let mut record = json!({"$type": POSTS, "text": text, "createdAt": written(now)});
        if let Some(parent) = subject {
            let cid = self.records.get(parent).map(|it| it.cid.clone());
            let reference = json!({"uri": parent, "cid": cid});
            record["reply"] = json!({"root": reference, "parent": reference});
        }
        self.notices.push(Notice {
            serial,
            reason,
            account,
            author,
            uri: uri.clone(),
            subject: subject.map(str::to_owned),
            record,
            at: now,
        });
        uri
    }
}

/// Where a follow stands in the list, oldest first.
fn position(follow: &Follow) -> (i64, u64) {
    (follow.sorted_at.as_millisecond(), follow.serial)
}

impl Network for State {
    fn answer(&mut self, call: &Call) -> Answer {
        let Some(method) = call.path.strip_prefix("/xrpc/") else {
            return Answer::json(404, &json!({"error": "NotFound", "message": "Not Found"}));
        };
        let at_pds = !method.starts_with("app.bsky.") || call.header("authorization").is_some();
        if !at_pds {
            return self.act(method, call).unwrap_or_else(|refusal| refusal);
        }
        let now = self.clock.now();
        let mut reading = (self.requests.count(now, 3_000, FIVE_MINUTES), FIVE_MINUTES);
        let tried = tried_identifier(method, call);
        if let Some(identifier) = &tried {
            reading = self.count_login(identifier, now);
        }
        let mut answer = match reading.0.exceeded {
            true => refusal(429, "RateLimitExceeded", "Rate Limit Exceeded"),
            false => self.act(method, call).unwrap_or_else(|refusal| refusal),
        };
        answer
            .headers
            .extend(limit_headers(&reading.0, reading.1, now));
        answer
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
        let now = self.clock.now();
        let reading = Reading {
            limit: 3_000,
            remaining: 0,
            reset: now.as_second() + for_seconds,
            exceeded: true,
        };
        let mut answer = self.failure(429);
        answer.headers = limit_headers(&reading, FIVE_MINUTES, now);
        answer
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn knows(&self, person: &Person) -> bool {
        self.actors.contains_key(&did(&person.id)) || self.id_of(&person.handle).is_some()
    }

    fn welcome(&mut self, person: Person) {
        let (account, now) = (self.first_account(), self.clock.now());
        self.follow(&account, person, now);
    }

    fn farewell(&mut self, handle: &str) -> bool {
        let account = self.first_account();
        self.id_of(handle)
            .is_some_and(|follower| self.unfollow(&account, &follower))
    }

    fn follower_count(&self) -> u64 {
        self.count_of(&self.first_account())
    }

    fn posts(&self) -> Vec<Post> {
        let mut records: Vec<(&String, &Record)> = self
            .records
            .iter()
            .filter(|(_, record)| record.collection == POSTS)
            .collect();
        records.sort_by_key(|(_, record)| record.serial);
        records
            .into_iter()
            .map(|(uri, record)| Post {
                id: uri.clone(),
                author: record.author.clone(),
                text: text_of(&record.value).to_owned(),
                at: record.at,
            })
            .collect()
    }

    fn messages(&self) -> Vec<Message> {
        self.messages.clone()
    }
}

impl State {
    fn act(&mut self, method: &str, call: &Call) -> Reply {
        match (call.method.as_str(), method) {
            ("POST", "com.atproto.server.createSession") => self.create_session(call),
            ("POST", "com.atproto.server.refreshSession") => self.refresh_session(call),
            ("GET", "com.atproto.identity.resolveHandle") => self.resolve_handle(call),
            ("GET", "com.atproto.repo.getRecord") => self.get_record(call),
            ("GET", name) if READS.contains(&name) => self.read(name, call),
            ("GET" | "POST", name) if SIGNED.contains(&(call.method.as_str(), name)) => {
                self.signed(name, call)
            }
            (_, name) if known(name) => Err(refusal(
                405,
                "InvalidRequest",
                &format!("Incorrect HTTP method ({})", call.method),
            )),
            _ => Err(not_implemented()),
        }
    }

    /// Reads that the AppView answers to anyone; with a token they go through the PDS, which looks
    /// at the token.
    fn read(&self, method: &str, call: &Call) -> Reply {
        let viewer = match call.header("authorization") {
            Some(_) => Some(self.session(call, Scope::Access)?.did.clone()),
            None => None,
        };
        let mut answer = match method {
            "app.bsky.actor.getProfile" => self.get_profile(call),
            "app.bsky.actor.getProfiles" => self.get_profiles(call),
            "app.bsky.graph.getFollowers" => self.get_followers(call),
            _ => self.get_author_feed(call),
        }?;
        answer.authenticated_as = viewer;
        Ok(answer)
    }

    fn signed(&mut self, method: &str, call: &Call) -> Reply {
        let did = self.session(call, Scope::Access)?.did.clone();
        if method.starts_with("chat.bsky.") {
            self.proxied_to_chat(call)?;
        }
        let reply = match method {
            "com.atproto.server.getSession" => self.get_session(&did),
            "com.atproto.repo.putRecord" => self.put_record(call, &did),
            "com.atproto.repo.createRecord" => self.create_record(call, &did),
            "com.atproto.repo.deleteRecord" => self.delete_record(call, &did),
            "app.bsky.notification.listNotifications" => self.list_notifications(call, &did),
            "chat.bsky.convo.getConvoAvailability" => self.get_availability(call, &did),
            "chat.bsky.convo.getConvoForMembers" => self.get_conversation(call, &did),
            "chat.bsky.convo.getMessages" => self.get_messages(call, &did),
            "chat.bsky.convo.listConvos" => self.list_conversations(call, &did),
            _ => self.send_message(call, &did),
        };
        let with_name = |mut answer: Answer| {
            answer.authenticated_as = Some(did.clone());
            answer
        };
        reply.map(with_name).map_err(with_name)
    }
}

type Reply = Result<Answer, Answer>;

const READS: [&str; 4] = [
    "app.bsky.actor.getProfile",
    "app.bsky.actor.getProfiles",
    "app.bsky.graph.getFollowers",
    "app.bsky.feed.getAuthorFeed",
];
const SIGNED: [(&str, &str); 10] = [
    ("GET", "com.atproto.server.getSession"),
    ("POST", "com.atproto.repo.putRecord"),
    ("POST", "com.atproto.repo.createRecord"),
    ("POST", "com.atproto.repo.deleteRecord"),
    ("GET", "app.bsky.notification.listNotifications"),
    ("GET", "chat.bsky.convo.getConvoAvailability"),
    ("GET", "chat.bsky.convo.getConvoForMembers"),
    ("GET", "chat.bsky.convo.getMessages"),
    ("GET", "chat.bsky.convo.listConvos"),
    ("POST", "chat.bsky.convo.sendMessage"),
];
const OPEN: [&str; 4] = [
    "com.atproto.server.createSession",
    "com.atproto.server.refreshSession",
    "com.atproto.identity.resolveHandle",
    "com.atproto.repo.getRecord",
];

fn known(method: &str) -> bool {
    READS.contains(&method)
        || OPEN.contains(&method)
        || SIGNED.iter().any(|(_, name)| *name == method)
}

#[cfg(test)]
mod tests;
