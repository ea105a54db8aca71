//! A stand-in for Bluesky: one server plays both the PDS and the AppView.
//!
//! Requests with a token, and everything that is not `app.bsky.*`, count as made at the PDS: they
//! carry `RateLimit-*` headers and refuse a bad token. Reads without a token are the AppView's.

use std::{
    collections::{BTreeMap, HashMap},
    hash::{DefaultHasher, Hash, Hasher},
    io,
    net::SocketAddr,
};

use have_a_hug::clock::Clock;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use unicode_segmentation::UnicodeSegmentation;

use super::{
    Answer, Call, Fault, Message, Network, Person, Post, Reading, Running, Seen, Window, loopback,
    written,
};

const CHAT_PROXY: &str = "did:web:api.bsky.chat#bsky_chat";
const POSTS: &str = "app.bsky.feed.post";
const ACCESS_SECONDS: i64 = 2 * 60 * 60;
const REFRESH_SECONDS: i64 = 90 * 24 * 60 * 60;
const FIVE_MINUTES: i64 = 5 * 60;
const DAY: i64 = 24 * 60 * 60;

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
#[derive(Clone)]
pub struct Bluesky(Running<State>);

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
        Running::start(addr, |url| State::new(url, clock))
            .await
            .map(Self)
    }

    /// Where it is, to be used in place of `https://public.api.bsky.app` and of the PDS.
    pub fn url(&self) -> &str {
        &self.0.url
    }

    /// Adds an account; the first one is the one that [`Bluesky::follow`] and its like are about.
    pub fn add_account(&self, account: Account) {
        self.0.with(|state| state.add_account(account));
    }

    /// `person` follows the first account from now on, as its newest follower.
    pub fn follow(&self, person: Person) {
        self.0.with(|state| state.welcome(person));
    }

    /// `person` follows the account with that handle; nothing happens if there is none.
    pub fn follow_account(&self, handle: &str, person: Person) {
        self.0.with(|state| {
            if let Some(account) = state.id_of(handle) {
                let now = state.clock.now();
                state.follow(&account, person, now);
            }
        });
    }

    /// `person` follows the first account now, with a record that claims an earlier time: it enters
    /// the list there, below the top.
    pub fn follow_backdated(&self, person: Person, at: Timestamp) {
        self.0.with(|state| {
            let account = state.first_account();
            state.follow(&account, person, at);
        });
    }

    /// The follower with that handle leaves the first account.
    pub fn unfollow(&self, handle: &str) {
        self.0.with(|state| state.farewell(handle));
    }

    /// The same as [`Bluesky::deactivate`].
    pub fn hide(&self, handle: &str) {
        self.deactivate(handle);
    }

    /// Whoever has that handle deactivates the account: still counted, no longer listed.
    pub fn deactivate(&self, handle: &str) {
        self.0
            .with(|state| state.change(handle, |actor| actor.standing = Standing::Deactivated));
    }

    /// Bluesky takes the account with that handle down: still counted, no longer listed, and it can
    /// open no session.
    pub fn take_down(&self, handle: &str) {
        self.0
            .with(|state| state.change(handle, |actor| actor.standing = Standing::TakenDown));
    }

    /// Whoever has that handle deletes the account: the list follows at once, the count only at the
    /// next follow or unfollow.
    pub fn delete(&self, handle: &str) {
        self.0.with(|state| state.delete(handle));
    }

    /// Gives someone a new handle; the old one is nobody's afterwards.
    pub fn rename(&self, old: &str, new: &str) {
        self.0.with(|state| state.rename(old, new));
    }

    /// Whoever has that handle blocks the accounts: messages to them are refused.
    pub fn block_messages(&self, handle: &str) {
        self.0
            .with(|state| state.change(handle, |actor| actor.blocks = true));
    }

    /// The app passwords no longer have access to messages, as most of them do not.
    pub fn deny_messages_to_app_passwords(&self) {
        self.0.with(|state| state.messages_by_password = false);
    }

    /// Someone (by handle) mentions the first account. Gives the URI of the post.
    pub fn add_mention(&self, text: &str, from: &str) -> String {
        self.0
            .with(|state| state.add_notice("mention", text, from, None))
    }

    /// Someone (by handle) replies to a post of the first account. Gives the URI of the reply.
    pub fn add_reply(&self, text: &str, from: &str, to_post: &str) -> String {
        self.0
            .with(|state| state.add_notice("reply", text, from, Some(to_post)))
    }

    /// How many follow the first account, as Bluesky counts.
    pub fn follower_count(&self) -> u64 {
        self.0.with(|state| state.follower_count())
    }

    /// The posts that accounts made, oldest first.
    pub fn posts(&self) -> Vec<Post> {
        self.0.with(|state| state.posts())
    }

    /// The record behind an `at://` URI, as it was written.
    pub fn record(&self, uri: &str) -> Option<Value> {
        self.0.with(|state| {
            let record = state.records.get(uri)?;
            Some(record.value.clone())
        })
    }

    /// The messages that accounts sent, oldest first.
    pub fn messages(&self) -> Vec<Message> {
        self.0.with(|state| state.messages())
    }

    /// The next request whose `METHOD /path?query` contains `route` meets that fault; several wait
    /// in order.
    pub fn fail_next(&self, route: &str, fault: Fault) {
        self.0.fail_next(route, fault);
    }

    /// Every request so far.
    pub fn requests(&self) -> Vec<Seen> {
        self.0.requests()
    }

    /// Forgets the requests so far.
    pub fn clear_requests(&self) {
        self.0.clear_requests();
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

#[derive(Clone, Copy, PartialEq, Eq)]
enum Scope {
    Access,
    Refresh,
}

struct Session {
    did: String,
    scope: Scope,
    expires: Timestamp,
}

struct State {
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

// ---- sessions ----

fn tried_identifier(method: &str, call: &Call) -> Option<String> {
    let body = call
        .json()
        .filter(|_| method == "com.atproto.server.createSession")?;
    Some(domain(body.get("identifier")?.as_str()?))
}

impl State {
    /// Counts a login against both limits and gives the tighter one.
    fn count_login(&mut self, identifier: &str, now: Timestamp) -> (Reading, i64) {
        let (short, long) = self.logins.entry(identifier.to_owned()).or_default();
        let short = short.count(now, 30, FIVE_MINUTES);
        let long = long.count(now, 300, DAY);
        match long.remaining < short.remaining || (long.exceeded && !short.exceeded) {
            true => (long, DAY),
            false => (short, FIVE_MINUTES),
        }
    }

    fn create_session(&mut self, call: &Call) -> Reply {
        let body = input(call)?;
        let identifier = required(&body, "identifier")?;
        let password = required(&body, "password")?;
        let wrong = || {
            refusal(
                401,
                "AuthenticationRequired",
                "Invalid identifier or password",
            )
        };
        let did = self.resolve(identifier).ok_or_else(wrong)?;
        if self.passwords.get(&did).map(String::as_str) != Some(password) {
            return Err(wrong());
        }
        if self.standing(&did) == Some(Standing::TakenDown) {
            return Err(refusal(
                401,
                "AccountTakedown",
                "Account has been taken down",
            ));
        }
        Ok(self.open_session(&did))
    }

    fn refresh_session(&mut self, call: &Call) -> Reply {
        let did = self.session(call, Scope::Refresh)?.did.clone();
        if let Some(token) = call.bearer() {
            self.sessions.remove(token);
        }
        Ok(self.open_session(&did))
    }

    fn open_session(&mut self, did: &str) -> Answer {
        let access = self.issue(did, Scope::Access, ACCESS_SECONDS);
        let refresh = self.issue(did, Scope::Refresh, REFRESH_SECONDS);
        let mut body = self.session_json(did);
        body["accessJwt"] = json!(access);
        body["refreshJwt"] = json!(refresh);
        let mut answer = Answer::ok(&body);
        answer.authenticated_as = Some(did.to_owned());
        answer
    }

    fn get_session(&self, did: &str) -> Reply {
        Ok(Answer::ok(&self.session_json(did)))
    }

    fn session_json(&self, did: &str) -> Value {
        let handle = self.handle_of(did);
        json!({
            "did": did,
            "handle": handle,
            "active": true,
            "emailConfirmed": true,
            "emailAuthFactor": false,
            "didDoc": {
                "@context": ["https://www.w3.org/ns/did/v1"],
                "id": did,
                "alsoKnownAs": [format!("at://{handle}")],
                "service": [{
                    "id": "#atproto_pds",
                    "type": "AtprotoPersonalDataServer",
                    "serviceEndpoint": self.url,
                }],
            },
        })
    }

    /// A token that looks like a JWT. It proves nothing by itself: the server knows its own.
    fn issue(&mut self, did: &str, scope: Scope, seconds: i64) -> String {
        let now = self.clock.now();
        let issued = now.as_second();
        let (kind, scope_name) = match scope {
            Scope::Access => ("at+jwt", "com.atproto.appPassPrivileged"),
            Scope::Refresh => ("refresh+jwt", "com.atproto.refresh"),
        };
        let serial = self.next_serial();
        let head = json!({"typ": kind, "alg": "HS256"}).to_string();
        let claims = json!({
            "scope": scope_name, "sub": did, "iat": issued, "exp": issued + seconds,
            "aud": "did:web:stand-in.test", "jti": serial.to_string(),
        })
        .to_string();
        let signature = digest(&format!("{claims} {}", self.url));
        let token = [head.as_bytes(), claims.as_bytes(), &signature]
            .map(base64url)
            .join(".");
        let expires = Timestamp::from_second(issued + seconds).unwrap_or(Timestamp::MAX);
        let session = Session {
            did: did.to_owned(),
            scope,
            expires,
        };
        self.sessions.insert(token.clone(), session);
        token
    }

    fn session(&self, call: &Call, scope: Scope) -> Result<&Session, Answer> {
        let Some(token) = call.bearer() else {
            return Err(refusal(401, "AuthMissing", "Authentication Required"));
        };
        let Some(session) = self.sessions.get(token) else {
            return Err(refusal(400, "InvalidToken", "Token could not be verified"));
        };
        if session.scope != scope {
            return Err(refusal(400, "InvalidToken", "Bad token scope"));
        }
        if self.clock.now() >= session.expires {
            return Err(refusal(400, "ExpiredToken", "Token has expired"));
        }
        match self.standing(&session.did) {
            Some(Standing::TakenDown) => Err(refusal(
                401,
                "AccountTakedown",
                "Account has been taken down",
            )),
            _ => Ok(session),
        }
    }

    fn standing(&self, did: &str) -> Option<Standing> {
        self.actors.get(did).map(|actor| actor.standing)
    }

    fn handle_of(&self, did: &str) -> String {
        self.actors
            .get(did)
            .map(|actor| domain(&actor.person.handle))
            .unwrap_or_default()
    }

    /// The DID behind a handle or a DID.
    fn resolve(&self, actor: &str) -> Option<String> {
        match actor.starts_with("did:") {
            true => self.actors.contains_key(actor).then(|| actor.to_owned()),
            false => self.handles.get(&actor.to_lowercase()).cloned(),
        }
    }

    fn resolve_handle(&self, call: &Call) -> Reply {
        let handle = needed(call, "handle")?;
        match self.resolve(handle) {
            Some(did) => Ok(Answer::ok(&json!({"did": did}))),
            None => Err(bad_request("Unable to resolve handle")),
        }
    }
}

// ---- profiles and followers ----

impl State {
    fn visible(&self, did: &str) -> Option<&Actor> {
        self.actors
            .get(did)
            .filter(|actor| actor.standing == Standing::Active)
    }

    fn get_profile(&self, call: &Call) -> Reply {
        let wanted = needed(call, "actor")?;
        let actor = self.resolve(wanted).and_then(|did| self.actors.get(&did));
        match actor.map(|actor| (actor, actor.standing)) {
            Some((actor, Standing::Active)) => Ok(Answer::ok(&self.detailed(actor))),
            Some((_, Standing::Deactivated)) => {
                Err(refusal(400, "AccountDeactivated", "Account is deactivated"))
            }
            Some((_, Standing::TakenDown)) => Err(refusal(
                400,
                "AccountTakedown",
                "Account has been suspended",
            )),
            Some((_, Standing::Deleted)) | None => Err(bad_request("Profile not found")),
        }
    }

    fn get_profiles(&self, call: &Call) -> Reply {
        const MOST: usize = 25;
        let actors: Vec<&str> = call.parameters("actors").collect();
        if actors.is_empty() {
            return Err(bad_request(
                r#"Error: Params must have the property "actors""#,
            ));
        }
        if actors.len() > MOST {
            return Err(bad_request(
                "Error: actors must not have more than 25 elements",
            ));
        }
        let profiles: Vec<Value> = actors
            .iter()
            .filter_map(|actor| self.resolve(actor))
            .filter_map(|did| self.visible(&did))
            .map(|actor| self.detailed(actor))
            .collect();
        Ok(Answer::ok(&json!({"profiles": profiles})))
    }

    fn detailed(&self, actor: &Actor) -> Value {
        let person = &actor.person;
        let mut shown = profile(actor);
        let (followers, made) = match self.accounts.contains(&actor.did) {
            true => (self.count_of(&actor.did), self.made_by(&actor.did)),
            false => (person.followers, 0),
        };
        shown["followersCount"] = json!(followers);
        shown["followsCount"] = json!(person.following);
        shown["postsCount"] = json!(person.posts + made);
        shown["associated"] =
            json!({"lists": 0, "feedgens": 0, "starterPacks": 0, "labeler": false});
        shown
    }

    fn made_by(&self, did: &str) -> u64 {
        let made = self
            .records
            .values()
            .filter(|record| record.author == did && record.collection == POSTS);
        made.count() as u64
    }

    fn get_followers(&self, call: &Call) -> Reply {
        let limit = limit(call)?;
        let wanted = needed(call, "actor")?;
        let subject = self
            .resolve(wanted)
            .and_then(|did| self.visible(&did))
            .ok_or_else(|| bad_request(&format!("Actor not found: {wanted}")))?;
        let bound = call.parameter("cursor").map(read_cursor).transpose()?;
        let newest_first = self.follows.get(&subject.did).into_iter().flatten().rev();
        let page: Vec<&Follow> = newest_first
            .filter(|follow| bound.is_none_or(|bound| position(follow) < bound))
            .take(limit)
            .collect();
        let followers: Vec<Value> = page
            .iter()
            .filter_map(|follow| self.visible(&follow.follower))
            .map(profile)
            .collect();
        let mut body = json!({"subject": profile(subject), "followers": followers});
        if let Some(last) = page.last() {
            let (millis, serial) = position(last);
            body["cursor"] = json!(format!("{millis}::{serial}"));
        }
        Ok(Answer::ok(&body))
    }

    fn get_author_feed(&self, call: &Call) -> Reply {
        let limit = limit(call)?;
        let wanted = needed(call, "actor")?;
        let author = self
            .resolve(wanted)
            .and_then(|did| self.visible(&did))
            .ok_or_else(|| bad_request("Profile not found"))?;
        let bound = call.parameter("cursor").map(read_cursor).transpose()?;
        let mut posts: Vec<(&String, &Record)> = self
            .records
            .iter()
            .filter(|(_, record)| record.author == author.did && record.collection == POSTS)
            .filter(|(_, it)| bound.is_none_or(|bound| (it.at.as_millisecond(), it.serial) < bound))
            .collect();
        posts.sort_by_key(|(_, record)| std::cmp::Reverse(record.serial));
        posts.truncate(limit);
        let feed: Vec<Value> = posts
            .iter()
            .map(|(uri, record)| json!({"post": post_view(uri, record, author)}))
            .collect();
        let mut body = json!({"feed": feed});
        if let Some((_, last)) = posts.last() {
            body["cursor"] = json!(format!("{}::{}", last.at.as_millisecond(), last.serial));
        }
        Ok(Answer::ok(&body))
    }
}

/// A profile as it stands in lists. What the person has not set is absent.
fn profile(actor: &Actor) -> Value {
    let person = &actor.person;
    let mut shown = Map::new();
    let mut add = |name: &str, value: Value| shown.insert(name.to_owned(), value);
    add("did", json!(actor.did));
    add("handle", json!(domain(&person.handle)));
    add("createdAt", json!(written(person.created_at)));
    add("labels", json!(labels(actor)));
    if !person.name.is_empty() {
        add("displayName", json!(person.name));
    }
    if !person.bio.is_empty() {
        add("description", json!(person.bio));
    }
    if person.picture {
        let did = &actor.did;
        let picture = format!(
            "https://cdn.bsky.app/img/avatar/plain/{did}/{}@jpeg",
            cid(did)
        );
        add("avatar", json!(picture));
    }
    if person.picture || !person.name.is_empty() || !person.bio.is_empty() {
        add("indexedAt", json!(written(person.created_at)));
    }
    Value::Object(shown)
}

fn labels(actor: &Actor) -> Vec<Value> {
    let did = &actor.did;
    let label = json!({
        "src": did,
        "uri": format!("at://{did}/app.bsky.actor.profile/self"),
        "cid": cid(did),
        "val": "bot",
        "cts": written(actor.person.created_at),
    });
    actor.person.bot.then_some(label).into_iter().collect()
}

fn post_view(uri: &str, record: &Record, author: &Actor) -> Value {
    json!({
        "uri": uri,
        "cid": record.cid,
        "author": profile(author),
        "record": record.value,
        "replyCount": 0, "repostCount": 0, "likeCount": 0, "quoteCount": 0,
        "indexedAt": written(record.at),
        "labels": [],
    })
}

fn read_cursor(text: &str) -> Result<(i64, u64), Answer> {
    let pair = |text: &str| {
        let (millis, serial) = text.split_once("::")?;
        Some((millis.parse().ok()?, serial.parse().ok()?))
    };
    pair(text).ok_or_else(internal_error)
}

// ---- records ----

/// Where a write goes, and what it says.
struct Write {
    collection: String,
    rkey: Option<String>,
    value: Value,
    validated: bool,
}

impl State {
    fn put_record(&mut self, call: &Call, did: &str) -> Reply {
        let body = input(call)?;
        let write = self.write(&body, did)?;
        let rkey = required(&body, "rkey")?;
        let uri = format!("at://{did}/{}/{rkey}", write.collection);
        let cid = cid(&write.value.to_string());
        let current = self.records.get(&uri).map(|record| record.cid.as_str());
        if current == Some(cid.as_str()) {
            return Ok(write_answer(&uri, &cid, None, write.validated));
        }
        let expected = match body.get("swapRecord") {
            None => None,
            Some(Value::Null) => Some(None),
            Some(Value::String(cid)) => Some(Some(cid.as_str())),
            Some(_) => return Err(bad_request("Error: Input/swapRecord must be a string")),
        };
        if expected.is_some_and(|expected| expected != current) {
            let found = current.unwrap_or("null");
            let message = format!("Record was at {found}");
            return Err(refusal(400, "InvalidSwap", &message));
        }
        Ok(self.store(uri, cid, did, write))
    }

    fn create_record(&mut self, call: &Call, did: &str) -> Reply {
        let body = input(call)?;
        let write = self.write(&body, did)?;
        let rkey = match &write.rkey {
            Some(rkey) => rkey.clone(),
            None => tid(self.clock.now(), self.next_serial()),
        };
        let uri = format!("at://{did}/{}/{rkey}", write.collection);
        if self.records.contains_key(&uri) {
            return Err(internal_error());
        }
        let cid = cid(&write.value.to_string());
        Ok(self.store(uri, cid, did, write))
    }

    fn delete_record(&mut self, call: &Call, did: &str) -> Reply {
        let body = input(call)?;
        self.own_repo(&body, did)?;
        let (collection, rkey) = (required(&body, "collection")?, required(&body, "rkey")?);
        self.records
            .remove(&format!("at://{did}/{collection}/{rkey}"));
        Ok(Answer::ok(&json!({})))
    }

    fn get_record(&self, call: &Call) -> Reply {
        let repo = needed(call, "repo")?;
        let (collection, rkey) = (needed(call, "collection")?, needed(call, "rkey")?);
        let did = self
            .resolve(repo)
            .ok_or_else(|| bad_request(&format!("Could not find repo: {repo}")))?;
        let uri = format!("at://{did}/{collection}/{rkey}");
        match self.records.get(&uri) {
            Some(record) => Ok(Answer::ok(
                &json!({"uri": uri, "cid": record.cid, "value": record.value}),
            )),
            None => Err(refusal(
                400,
                "RecordNotFound",
                &format!("Could not locate record: {uri}"),
            )),
        }
    }

    fn own_repo(&self, body: &Value, did: &str) -> Result<(), Answer> {
        let repo = required(body, "repo")?;
        match self.resolve(repo) {
            None => Err(bad_request(&format!("Could not find repo: {repo}"))),
            Some(owner) if owner != did => Err(refusal(
                401,
                "AuthenticationRequired",
                "Authentication Required",
            )),
            Some(_) => Ok(()),
        }
    }

    fn write(&self, body: &Value, did: &str) -> Result<Write, Answer> {
        self.own_repo(body, did)?;
        let collection = required(body, "collection")?.to_owned();
        let mut value = body
            .get("record")
            .filter(|record| record.is_object())
            .cloned()
            .ok_or_else(|| bad_request(r#"Error: Input must have the property "record""#))?;
        if value.get("$type").is_none() {
            value["$type"] = json!(collection);
        }
        if value["$type"] != collection {
            let found = &value["$type"];
            let message = format!("Invalid $type: expected {collection}, got {found}");
            return Err(bad_request(&message));
        }
        let rkey = body.get("rkey").and_then(Value::as_str).map(str::to_owned);
        let validated = collection == POSTS && body.get("validate") != Some(&json!(false));
        if validated {
            rkey.as_deref().map_or(Ok(()), valid_tid)?;
            valid_post(&value)?;
        }
        Ok(Write {
            collection,
            rkey,
            value,
            validated,
        })
    }

    fn store(&mut self, uri: String, cid: String, did: &str, write: Write) -> Answer {
        let now = self.clock.now();
        let serial = self.next_serial();
        let answer = write_answer(&uri, &cid, Some(tid(now, serial)), write.validated);
        let record = Record {
            serial,
            collection: write.collection,
            author: did.to_owned(),
            cid,
            value: write.value,
            at: now,
        };
        self.records.insert(uri, record);
        answer
    }
}

fn write_answer(uri: &str, cid_: &str, rev: Option<String>, validated: bool) -> Answer {
    let status = if validated { "valid" } else { "unknown" };
    let mut body = json!({"uri": uri, "cid": cid_, "validationStatus": status});
    if let Some(rev) = rev {
        body["commit"] = json!({"cid": cid(&rev), "rev": rev});
    }
    Answer::ok(&body)
}

fn valid_tid(rkey: &str) -> Result<(), Answer> {
    let sortable = |c: char| matches!(c, '2'..='7' | 'a'..='z');
    let first = rkey.chars().next().is_some_and(|c| sortable(c) && c <= 'j');
    match first && rkey.len() == 13 && rkey.chars().all(sortable) {
        true => Ok(()),
        false => Err(bad_request(&format!(
            "Invalid record key for {POSTS}: {rkey} is not a valid TID"
        ))),
    }
}

fn valid_post(record: &Value) -> Result<(), Answer> {
    const MOST_GRAPHEMES: usize = 300;
    const MOST_BYTES: usize = 3_000;
    let wrong = |what: &str| bad_request(&format!("Invalid {POSTS} record: Record/{what}"));
    let created = record
        .get("createdAt")
        .and_then(Value::as_str)
        .ok_or_else(|| {
            bad_request(&format!(
                r#"Invalid {POSTS} record: Record must have the property "createdAt""#
            ))
        })?;
    if created.parse::<Timestamp>().is_err() {
        return Err(wrong(
            "createdAt must be an valid atproto datetime (both RFC-3339 and ISO-8601)",
        ));
    }
    let text = record.get("text").and_then(Value::as_str).ok_or_else(|| {
        bad_request(&format!(
            r#"Invalid {POSTS} record: Record must have the property "text""#
        ))
    })?;
    if text.len() > MOST_BYTES {
        return Err(wrong("text must not be longer than 3000 characters"));
    }
    if text.graphemes(true).count() > MOST_GRAPHEMES {
        return Err(wrong("text must not be longer than 300 graphemes"));
    }
    Ok(())
}

fn text_of(record: &Value) -> &str {
    record
        .get("text")
        .and_then(Value::as_str)
        .unwrap_or_default()
}

// ---- notifications ----

impl State {
    fn list_notifications(&self, call: &Call, did: &str) -> Reply {
        let limit = limit(call)?;
        let reasons: Vec<&str> = call.parameters("reasons").collect();
        let bound = call.parameter("cursor").map(read_cursor).transpose()?;
        let page: Vec<&Notice> = self
            .notices
            .iter()
            .rev()
            .filter(|it| it.account == did)
            .filter(|it| reasons.is_empty() || reasons.contains(&it.reason))
            .filter(|it| bound.is_none_or(|bound| (it.at.as_millisecond(), it.serial) < bound))
            .take(limit)
            .collect();
        let shown: Vec<Value> = page
            .iter()
            .filter_map(|notice| Some(notification(notice, self.visible(&notice.author)?)))
            .collect();
        let mut body = json!({
            "notifications": shown, "priority": false, "seenAt": written(self.clock.now()),
        });
        if let Some(last) = page.last() {
            body["cursor"] = json!(format!("{}::{}", last.at.as_millisecond(), last.serial));
        }
        Ok(Answer::ok(&body))
    }
}

fn notification(notice: &Notice, author: &Actor) -> Value {
    let mut shown = json!({
        "uri": notice.uri,
        "cid": cid(&notice.uri),
        "author": profile(author),
        "reason": notice.reason,
        "record": notice.record,
        "isRead": false,
        "indexedAt": written(notice.at),
        "labels": [],
    });
    if let Some(subject) = &notice.subject {
        shown["reasonSubject"] = json!(subject);
    }
    shown
}

// ---- messages ----

impl State {
    fn proxied_to_chat(&self, call: &Call) -> Result<(), Answer> {
        match call.header("atproto-proxy") {
            Some(CHAT_PROXY) => {}
            Some(other) => {
                return Err(bad_request(&format!(
                    "could not resolve proxy did service: {other}"
                )));
            }
            None => return Err(not_implemented()),
        }
        match self.messages_by_password {
            true => Ok(()),
            false => Err(refusal(400, "InvalidToken", "Bad token method")),
        }
    }

    /// Why `to` takes no message from `from`.
    fn refuses_messages(&self, from: &str, to: &str) -> Option<Answer> {
        let Some(actor) = self.visible(to) else {
            return Some(refusal(400, "RecipientNotFound", "recipient not found"));
        };
        if actor.blocks {
            let message = "block between recipient and sender";
            return Some(refusal(400, "BlockedActor", message));
        }
        if actor.person.messages_closed {
            let message = "recipient has disabled incoming messages";
            return Some(refusal(400, "MessagesDisabled", message));
        }
        if !self.accounts.contains(&actor.did) && !self.follows_account(to, from) {
            let message = "recipient requires incoming messages to come from someone they follow";
            return Some(refusal(400, "NotFollowedBySender", message));
        }
        None
    }

    fn other_member(call: &Call, did: &str) -> Result<String, Answer> {
        let members: Vec<&str> = call.parameters("members").collect();
        if members.is_empty() || members.len() > 10 {
            return Err(bad_request(
                "Error: members must have between 1 and 10 elements",
            ));
        }
        if let Some(bad) = members.iter().find(|member| !member.starts_with("did:")) {
            return Err(bad_request(&format!(
                "Error: members must be a valid did: {bad}"
            )));
        }
        let others: Vec<&&str> = members.iter().filter(|member| **member != did).collect();
        match others.as_slice() {
            [other] => Ok((**other).to_owned()),
            _ => Err(bad_request("a conversation has two members here")),
        }
    }

    fn get_availability(&self, call: &Call, did: &str) -> Reply {
        let other = Self::other_member(call, did)?;
        if self.visible(&other).is_none() {
            return Err(refusal(400, "RecipientNotFound", "recipient not found"));
        }
        let can_chat = self.refuses_messages(did, &other).is_none();
        let mut body = json!({"canChat": can_chat});
        if can_chat && !self.between(did, &other).is_empty() {
            body["convo"] = self.conversation_json(did, &other);
        }
        Ok(Answer::ok(&body))
    }

    fn get_conversation(&self, call: &Call, did: &str) -> Reply {
        let other = Self::other_member(call, did)?;
        match self.refuses_messages(did, &other) {
            Some(refusal) => Err(refusal),
            None => Ok(Answer::ok(
                &json!({"convo": self.conversation_json(did, &other)}),
            )),
        }
    }

    fn list_conversations(&self, call: &Call, did: &str) -> Reply {
        let limit = limit(call)?;
        let convos: Vec<Value> = self
            .actors
            .keys()
            .filter(|other| *other != did && !self.between(did, other).is_empty())
            .take(limit)
            .map(|other| self.conversation_json(did, other))
            .collect();
        Ok(Answer::ok(&json!({"convos": convos})))
    }

    fn conversation_json(&self, did: &str, other: &str) -> Value {
        let members: Vec<Value> = [did, other]
            .iter()
            .filter_map(|member| self.visible(member))
            .map(profile)
            .collect();
        let mut body = json!({
            "id": conversation(did, other),
            "rev": tid(self.clock.now(), self.serial),
            "members": members,
            "muted": false,
            "status": "accepted",
            "unreadCount": 0,
        });
        if let Some(last) = self.between(did, other).last() {
            body["lastMessage"] = message_json(last);
        }
        body
    }

    fn between(&self, one: &str, other: &str) -> Vec<&Message> {
        let wanted = conversation(one, other);
        self.messages
            .iter()
            .filter(|message| conversation(&message.from, &message.to) == wanted)
            .collect()
    }

    /// The one whom `did` talks to in that conversation.
    fn partner(&self, convo: &str, did: &str) -> Result<String, Answer> {
        self.actors
            .keys()
            .find(|other| conversation(did, other) == convo)
            .cloned()
            .ok_or_else(|| refusal(400, "InvalidConvo", "Convo not found"))
    }

    fn get_messages(&self, call: &Call, did: &str) -> Reply {
        let limit = limit(call)?;
        let other = self.partner(needed(call, "convoId")?, did)?;
        let all = self.between(did, &other);
        let older = call.parameter("cursor");
        let page: Vec<&&Message> = all
            .iter()
            .rev()
            .filter(|message| older.is_none_or(|id| message.id.as_str() < id))
            .take(limit)
            .collect();
        let shown: Vec<Value> = page.iter().map(|message| message_json(message)).collect();
        let mut body = json!({"messages": shown});
        if let Some(last) = page.last() {
            body["cursor"] = json!(last.id);
        }
        Ok(Answer::ok(&body))
    }

    fn send_message(&mut self, call: &Call, did: &str) -> Reply {
        const MOST_GRAPHEMES: usize = 1_000;
        const MOST_BYTES: usize = 10_000;
        let body = input(call)?;
        let to = self.partner(required(&body, "convoId")?, did)?;
        let text = body
            .pointer("/message/text")
            .and_then(Value::as_str)
            .ok_or_else(|| bad_request(r#"Error: Input/message must have the property "text""#))?;
        if text.len() > MOST_BYTES || text.graphemes(true).count() > MOST_GRAPHEMES {
            return Err(bad_request(
                "Error: Input/message/text must not be longer than 1000 graphemes",
            ));
        }
        if let Some(refusal) = self.refuses_messages(did, &to) {
            return Err(refusal);
        }
        let now = self.clock.now();
        let message = Message {
            id: tid(now, self.next_serial()),
            from: did.to_owned(),
            to,
            text: text.to_owned(),
            at: now,
        };
        let shown = message_json(&message);
        self.messages.push(message);
        Ok(Answer::ok(&shown))
    }
}

fn conversation(one: &str, other: &str) -> String {
    let pair = if one < other {
        [one, other]
    } else {
        [other, one]
    };
    base32(&digest(&pair.join(" "))[..9])
}

fn message_json(message: &Message) -> Value {
    json!({
        "$type": "chat.bsky.convo.defs#messageView",
        "id": message.id,
        "rev": message.id,
        "text": message.text,
        "sender": {"did": message.from},
        "sentAt": written(message.at),
    })
}

// ---- parameters and refusals ----

fn needed<'a>(call: &'a Call, name: &str) -> Result<&'a str, Answer> {
    call.parameter(name)
        .filter(|value| !value.is_empty())
        .ok_or_else(|| bad_request(&format!(r#"Error: Params must have the property "{name}""#)))
}

fn limit(call: &Call) -> Result<usize, Answer> {
    const DEFAULT: usize = 50;
    let Some(text) = call.parameter("limit") else {
        return Ok(DEFAULT);
    };
    match text.parse() {
        Ok(0) => Err(bad_request("Error: limit can not be less than 1")),
        Ok(limit @ 1..=100) => Ok(limit),
        Ok(_) => Err(bad_request("Error: limit can not be greater than 100")),
        Err(_) => Err(bad_request("Error: limit must be an integer")),
    }
}

fn input(call: &Call) -> Result<Value, Answer> {
    call.json()
        .ok_or_else(|| bad_request("Request encoding (Content-Type) must be application/json"))
}

fn required<'a>(body: &'a Value, name: &str) -> Result<&'a str, Answer> {
    body.get(name)
        .and_then(Value::as_str)
        .ok_or_else(|| bad_request(&format!(r#"Error: Input must have the property "{name}""#)))
}

fn refusal(status: u16, error: &str, message: &str) -> Answer {
    Answer::json(status, &json!({"error": error, "message": message}))
}

fn bad_request(message: &str) -> Answer {
    refusal(400, "InvalidRequest", message)
}

fn internal_error() -> Answer {
    refusal(500, "InternalServerError", "Internal Server Error")
}

fn not_implemented() -> Answer {
    refusal(501, "MethodNotImplemented", "Method Not Implemented")
}

fn limit_headers(reading: &Reading, seconds: i64, now: Timestamp) -> Vec<(&'static str, String)> {
    let mut headers = vec![
        ("ratelimit-limit", reading.limit.to_string()),
        ("ratelimit-remaining", reading.remaining.to_string()),
        ("ratelimit-reset", reading.reset.to_string()),
        ("ratelimit-policy", format!("{};w={seconds}", reading.limit)),
    ];
    if reading.exceeded {
        let wait = (reading.reset - now.as_second()).max(1);
        headers.push(("retry-after", wait.to_string()));
    }
    headers
}

// ---- names made of hashes ----

/// 32 bytes that only the text decides. No cryptography: it only has to look the part.
fn digest(text: &str) -> [u8; 32] {
    let mut out = [0; 32];
    for (part, chunk) in out.chunks_exact_mut(8).enumerate() {
        let mut hasher = DefaultHasher::new();
        (part, text).hash(&mut hasher);
        chunk.copy_from_slice(&hasher.finish().to_be_bytes());
    }
    out
}

/// A content id in the right form (CIDv1, dag-cbor, sha-256), so that other clients can parse it.
fn cid(text: &str) -> String {
    let mut bytes = vec![0x01, 0x71, 0x12, 0x20];
    bytes.extend(digest(text));
    format!("b{}", base32(&bytes))
}

fn base32(bytes: &[u8]) -> String {
    in_alphabet(bytes, 5, b"abcdefghijklmnopqrstuvwxyz234567")
}

fn base64url(bytes: &[u8]) -> String {
    in_alphabet(
        bytes,
        6,
        b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
    )
}

/// Writes bytes in digits of `bits` bits, without padding.
fn in_alphabet(bytes: &[u8], bits: usize, alphabet: &[u8]) -> String {
    let bit = |at: usize| {
        let byte = bytes.get(at / 8).copied().unwrap_or_default();
        usize::from(byte >> (7 - at % 8) & 1)
    };
    (0..(bytes.len() * 8).div_ceil(bits))
        .map(|digit| (0..bits).fold(0, |value, at| value << 1 | bit(digit * bits + at)))
        .filter_map(|value| alphabet.get(value).copied().map(char::from))
        .collect()
}

/// A timestamp id; the serial in place of the clock id keeps two of one moment apart and in order.
fn tid(at: Timestamp, serial: u64) -> String {
    const SORTABLE: &[u8] = b"234567abcdefghijklmnopqrstuvwxyz";
    let micros = u64::try_from(at.as_microsecond()).unwrap_or_default() + serial / 1024;
    let value = (micros << 10) | (serial % 1024);
    (0..13)
        .rev()
        .map(|digit| (value >> (digit * 5) & 31) as usize)
        .filter_map(|value| SORTABLE.get(value).copied().map(char::from))
        .collect()
}

#[cfg(test)]
mod tests;
