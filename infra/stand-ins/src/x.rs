//! A stand-in for X's API v2: the few routes that the project needs, answered as X answers them.
//!
//! Signatures are checked, rate limits counted, and a text that breaks X's rules for automation
//! without being refused by the API (an unasked mention, an unasked message) is written down in
//! [`X::rule_breaks`].
//!
//! - This file: who is on it and what they do, for tests and demos to set up and look at; its
//!   routes.
//! - `x/`: who asks, and what they are answered about users, posts and messages.

mod caller;
mod messages;
mod parameters;
mod posts;
mod refusals;
mod text;
mod users;

use std::{collections::HashMap, io, net::SocketAddr};

use have_a_hug::clock::Clock;
use jiff::Timestamp;

use super::{Answer, Call, Message, Network, Person, Post, Reading, StandIn, Window, loopback};
use caller::{Caller, limit_headers, percent_decoded};
use refusals::problem;
use text::mentions;

/// The app bearer of the sandbox.
pub const SANDBOX_BEARER: &str = "AAAAsAndbOxBearer";

/// The four keys of OAuth 1.0a: the app's and the account's.
#[derive(Clone, PartialEq, Eq)]
pub struct Keys {
    /// The app's key ("consumer key").
    pub api_key: String,
    /// The app's secret.
    pub api_secret: String,
    /// The account's token.
    pub access_token: String,
    /// The account's secret.
    pub access_secret: String,
}

impl Keys {
    /// The keys of the sandbox's account.
    pub fn sandbox() -> Self {
        Self {
            api_key: "sAndbOxApiKey000000000000".to_owned(),
            api_secret: "sAndbOxApiSecret0000000000000000000000000000000000".to_owned(),
            access_token: "44196397-sAndbOxAccessToken".to_owned(),
            access_secret: "sAndbOxAccessSecret00000000000000000000000000".to_owned(),
        }
    }
}

/// A creator's account.
#[derive(Clone, PartialEq, Eq)]
pub struct Account {
    /// The stable id: digits.
    pub id: String,
    /// The handle, without an `@`.
    pub handle: String,
    /// The display name.
    pub name: String,
    /// The keys that speak for it; without them it can only be looked at.
    pub keys: Option<Keys>,
    /// A protected account shows its followers to nobody but itself.
    pub protected: bool,
}

impl Account {
    /// The sandbox's account: Amber Lane, who makes the promise.
    pub fn amber() -> Self {
        Self {
            id: "44196397".to_owned(),
            handle: "amber".to_owned(),
            name: "Amber Lane".to_owned(),
            keys: Some(Keys::sandbox()),
            protected: false,
        }
    }
}

/// A running stand-in for X. Clones are the same server; with the last one it ends.
pub type X = StandIn<State>;

impl X {
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
        StandIn::serve(addr, |_| State::new(clock)).await
    }

    /// Adds an account; the first one is the one that [`X::follow`] and its like are about.
    pub fn add_account(&self, account: Account) {
        self.with(|state| state.add_account(account));
    }

    /// Sets the token that counts as the app's bearer.
    pub fn set_bearer(&self, token: &str) {
        self.with(|state| state.bearer = Some(token.to_owned()));
    }

    /// `person` follows the first account from now on, as its newest follower.
    pub fn follow(&self, person: Person) {
        self.with(|state| state.welcome(person));
    }

    /// `person` follows the account with that handle; nothing happens if there is none.
    pub fn follow_account(&self, handle: &str, person: Person) {
        self.with(|state| {
            if let Some(account) = state.id_of(handle) {
                state.follow(&account, person);
            }
        });
    }

    /// The follower with that handle leaves the first account.
    pub fn unfollow(&self, handle: &str) {
        self.with(|state| state.farewell(handle));
    }

    /// X suspends whoever has that handle: still counted, no longer listed, no longer found.
    pub fn hide(&self, handle: &str) {
        self.with(|state| state.change(handle, |user| user.person.hidden = true));
    }

    /// Gives someone a new handle; the old one is nobody's afterwards.
    pub fn rename(&self, old: &str, new: &str) {
        self.with(|state| state.rename(old, new));
    }

    /// How many follow the first account, as X counts.
    pub fn follower_count(&self) -> u64 {
        self.with(|state| state.follower_count())
    }

    /// The posts that accounts made, oldest first.
    pub fn posts(&self) -> Vec<Post> {
        self.with(|state| state.posts())
    }

    /// The messages that accounts sent, oldest first.
    pub fn messages(&self) -> Vec<Message> {
        self.with(|state| state.messages())
    }

    /// What broke X's rules for automation without being refused, in words.
    pub fn rule_breaks(&self) -> Vec<String> {
        self.with(|state| state.rule_breaks.clone())
    }

    /// Changes what the app's users have allowed it: `read`, `read-write`, or the default, which is
    /// `read-write-directmessages`. With `None` everything is allowed, but X does not say so.
    pub fn set_access_level(&self, level: Option<&str>) {
        self.with(|state| state.access_level = level.map(str::to_owned));
    }

    /// Changes the limit of routes whose name, such as `GET /2/users/:id/followers`, ends so.
    pub fn set_limit(&self, route: &str, limit_per_15_min: u32) {
        self.with(|state| state.limits.push((route.to_owned(), limit_per_15_min)));
    }

    /// Someone (by handle) mentions the first account: `@handle` is put in front of a text that has
    /// none. Gives the id of the post.
    pub fn add_mention(&self, text: &str, from: &str) -> String {
        self.with(|state| state.add_mention(text, from, None))
    }

    /// Someone (by handle) replies to a post of the first account. Gives the id of the reply.
    pub fn add_reply(&self, text: &str, from: &str, to_post: &str) -> String {
        self.with(|state| state.add_mention(text, from, Some(to_post.to_owned())))
    }

    /// Someone (by handle) writes a private message to the first account.
    pub fn add_message(&self, text: &str, from: &str) {
        self.with(|state| state.add_message(text, from));
    }
}

struct User {
    person: Person,
    protected: bool,
}

#[derive(Clone)]
struct Follow {
    serial: u64,
    follower: String,
}

struct Posted {
    number: u64,
    post: Post,
    reply_to: Option<String>,
}

struct Sent {
    number: u64,
    message: Message,
}

/// What it knows.
pub struct State {
    clock: Clock,
    users: HashMap<String, User>,
    handles: HashMap<String, String>,
    accounts: Vec<String>,
    keys: Vec<(String, Keys)>,
    bearer: Option<String>,
    follows: HashMap<String, Vec<Follow>>,
    posts: Vec<Posted>,
    messages: Vec<Sent>,
    windows: HashMap<(&'static str, String), Window>,
    limits: Vec<(String, u32)>,
    access_level: Option<String>,
    rule_breaks: Vec<String>,
    last_number: u64,
}

impl State {
    fn new(clock: Clock) -> Self {
        Self {
            clock,
            users: HashMap::new(),
            handles: HashMap::new(),
            accounts: Vec::new(),
            keys: Vec::new(),
            bearer: None,
            follows: HashMap::new(),
            posts: Vec::new(),
            messages: Vec::new(),
            windows: HashMap::new(),
            limits: Vec::new(),
            access_level: Some("read-write-directmessages".to_owned()),
            rule_breaks: Vec::new(),
            last_number: 0,
        }
    }

    /// An id as X makes them: it grows with time, and two are never equal.
    fn number(&mut self) -> u64 {
        const EPOCH_MILLIS: i64 = 1_288_834_974_657;
        let since = self.clock.now().as_millisecond() - EPOCH_MILLIS;
        let by_time = u64::try_from(since).unwrap_or_default() << 22;
        self.last_number = by_time.max(self.last_number + 1);
        self.last_number
    }

    fn add_account(&mut self, account: Account) {
        let mut person = Person::fan(0, self.clock.now());
        person.id.clone_from(&account.id);
        person.handle = account.handle;
        person.name = account.name;
        self.add_user(person, account.protected);
        if let Some(keys) = account.keys {
            self.keys.push((account.id.clone(), keys));
        }
        self.accounts.push(account.id);
    }

    fn add_user(&mut self, person: Person, protected: bool) {
        self.handles
            .insert(person.handle.to_lowercase(), person.id.clone());
        self.users
            .insert(person.id.clone(), User { person, protected });
    }

    fn first_account(&self) -> String {
        self.accounts.first().cloned().unwrap_or_default()
    }

    fn id_of(&self, handle: &str) -> Option<String> {
        self.handles.get(&handle.to_lowercase()).cloned()
    }

    fn change(&mut self, handle: &str, change: impl FnOnce(&mut User)) {
        if let Some(user) = self.id_of(handle).and_then(|id| self.users.get_mut(&id)) {
            change(user);
        }
    }

    fn rename(&mut self, old: &str, new: &str) {
        if let Some(id) = self.handles.remove(&old.to_lowercase()) {
            self.handles.insert(new.to_lowercase(), id);
            self.change(new, |user| user.person.handle = new.to_owned());
        }
    }

    fn follow(&mut self, account: &str, person: Person) {
        let follow = Follow {
            serial: self.number(),
            follower: person.id.clone(),
        };
        self.add_user(person, false);
        let follows = self.follows.entry(account.to_owned()).or_default();
        follows.retain(|earlier| earlier.follower != follow.follower);
        follows.push(follow);
    }

    fn count_of(&self, account: &str) -> u64 {
        self.follows
            .get(account)
            .map_or(0, |follows| follows.len() as u64)
    }

    fn add_mention(&mut self, text: &str, from: &str, reply_to: Option<String>) -> String {
        let account = self.first_account();
        let handle = self.handle_of(&account);
        let text = match reply_to.is_some() || mentions(text, &handle) {
            true => text.to_owned(),
            false => format!("@{handle} {text}"),
        };
        let author = self.id_of(from).unwrap_or_else(|| self.stranger(from));
        self.add_post(author, text, reply_to)
    }

    fn add_message(&mut self, text: &str, from: &str) {
        let sender = self.id_of(from).unwrap_or_else(|| self.stranger(from));
        let account = self.first_account();
        self.store_message(sender, account, text.to_owned());
    }

    fn stranger(&mut self, handle: &str) -> String {
        let mut person = Person::fan(0, self.clock.now());
        person.id = self.number().to_string();
        person.handle = handle.to_owned();
        let id = person.id.clone();
        self.add_user(person, false);
        id
    }

    fn handle_of(&self, id: &str) -> String {
        self.users
            .get(id)
            .map(|user| user.person.handle.clone())
            .unwrap_or_default()
    }

    fn add_post(&mut self, author: String, text: String, reply_to: Option<String>) -> String {
        let number = self.number();
        let id = number.to_string();
        let post = Post {
            id: id.clone(),
            author,
            text,
            at: self.clock.now(),
        };
        self.posts.push(Posted {
            number,
            post,
            reply_to,
        });
        id
    }

    fn store_message(&mut self, from: String, to: String, text: String) -> String {
        let number = self.number();
        let id = number.to_string();
        let message = Message {
            id: id.clone(),
            from,
            to,
            text,
            at: self.clock.now(),
        };
        self.messages.push(Sent { number, message });
        id
    }

    fn post(&self, id: &str) -> Option<&Posted> {
        self.posts.iter().find(|posted| posted.post.id == id)
    }

    /// Whether `post` speaks to `account`: it names it, or replies to one of its posts.
    fn speaks_to(&self, post: &Posted, account: &str) -> bool {
        let replies = post
            .reply_to
            .as_deref()
            .and_then(|id| self.post(id))
            .is_some_and(|parent| parent.post.author == account);
        post.post.author != account
            && (replies || mentions(&post.post.text, &self.handle_of(account)))
    }

    fn has_spoken_to(&self, person: &str, account: &str) -> bool {
        self.posts
            .iter()
            .any(|posted| posted.post.author == person && self.speaks_to(posted, account))
    }

    fn break_rule(&mut self, what: String) {
        tracing::warn!("against X's rules for automation: {what}");
        self.rule_breaks.push(what);
    }
}

impl Network for State {
    fn answer(&mut self, call: &Call) -> Answer {
        let Some((route, subject)) = ROUTES
            .iter()
            .find_map(|route| Some((route, captured(route.name, call)?)))
        else {
            return problem(404, "Not Found", "Not Found");
        };
        let Some(caller) = self.caller(call) else {
            return problem(401, "Unauthorized", "Unauthorized");
        };
        let reading = self.count(route, &caller);
        let asked = Asked {
            call,
            caller,
            subject,
        };
        let mut answer = self.answer_for(route, &asked, &reading);
        answer.headers = limit_headers(&reading);
        if let (Caller::User(_), Some(level)) = (&asked.caller, &self.access_level) {
            answer.headers.push(("x-access-level", level.clone()));
        }
        answer.authenticated_as = Some(asked.caller.name().to_owned());
        answer
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
        let mut answer = self.failure(429);
        answer.headers = limit_headers(&Reading {
            limit: 300,
            remaining: 0,
            reset: self.clock.now().as_second() + for_seconds,
            exceeded: true,
        });
        answer
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn knows(&self, person: &Person) -> bool {
        self.users.contains_key(&person.id) || self.id_of(&person.handle).is_some()
    }

    fn welcome(&mut self, person: Person) {
        let account = self.first_account();
        self.follow(&account, person);
    }

    fn farewell(&mut self, handle: &str) -> bool {
        let account = self.first_account();
        let (Some(id), Some(follows)) = (self.id_of(handle), self.follows.get_mut(&account)) else {
            return false;
        };
        let before = follows.len();
        follows.retain(|follow| follow.follower != id);
        follows.len() < before
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
}

struct Asked<'a> {
    call: &'a Call,
    caller: Caller,
    /// What stood in the path in place of the route's `:name`.
    subject: String,
}

type Reply = Result<Answer, Answer>;

struct Route {
    name: &'static str,
    user_limit: u32,
    /// `None`: the app's bearer is not enough.
    app_limit: Option<u32>,
    parameters: &'static [&'static str],
    answer: fn(&mut State, &Asked<'_>) -> Reply,
}

/// What the route's `:name` stands for in this call; `None` if the route is another.
fn captured(route: &str, call: &Call) -> Option<String> {
    let (method, pattern) = route.split_once(' ')?;
    let mut subject = String::new();
    let (mut parts, mut segments) = (pattern.split('/'), call.path.split('/'));
    loop {
        match (parts.next(), segments.next()) {
            (None, None) => return (method == call.method).then_some(subject),
            (Some(part), Some(segment)) if part.starts_with(':') && !segment.is_empty() => {
                subject = percent_decoded(segment);
            }
            (Some(part), Some(segment)) if part == segment => {}
            _ => return None,
        }
    }
}

const USER_PARAMETERS: &[&str] = &["user.fields", "tweet.fields", "post.fields", "expansions"];
const FOLLOWER_PARAMETERS: &[&str] = &[
    "max_results",
    "pagination_token",
    "user.fields",
    "tweet.fields",
    "post.fields",
    "expansions",
];
const POST_PARAMETERS: &[&str] = &[
    "tweet.fields",
    "post.fields",
    "user.fields",
    "expansions",
    "media.fields",
    "place.fields",
    "poll.fields",
];
const TIMELINE_PARAMETERS: &[&str] = &[
    "max_results",
    "pagination_token",
    "since_id",
    "until_id",
    "start_time",
    "end_time",
    "exclude",
    "tweet.fields",
    "post.fields",
    "user.fields",
    "expansions",
    "media.fields",
    "place.fields",
    "poll.fields",
];
const EVENT_PARAMETERS: &[&str] = &[
    "max_results",
    "pagination_token",
    "event_types",
    "dm_event.fields",
    "tweet.fields",
    "post.fields",
    "user.fields",
    "expansions",
    "media.fields",
];

const ROUTES: [Route; 13] = [
    Route {
        name: "GET /2/users/me",
        user_limit: 75,
        app_limit: None,
        parameters: USER_PARAMETERS,
        answer: State::me,
    },
    Route {
        name: "GET /2/users/by/username/:username",
        user_limit: 300,
        app_limit: Some(300),
        parameters: USER_PARAMETERS,
        answer: State::user_by_name,
    },
    Route {
        name: "GET /2/users/by",
        user_limit: 300,
        app_limit: Some(300),
        parameters: &[
            "usernames",
            "user.fields",
            "tweet.fields",
            "post.fields",
            "expansions",
        ],
        answer: State::users_by_name,
    },
    Route {
        name: "GET /2/users",
        user_limit: 300,
        app_limit: Some(300),
        parameters: &[
            "ids",
            "user.fields",
            "tweet.fields",
            "post.fields",
            "expansions",
        ],
        answer: State::users_by_id,
    },
    Route {
        name: "GET /2/users/:id",
        user_limit: 300,
        app_limit: Some(300),
        parameters: USER_PARAMETERS,
        answer: State::user_by_id,
    },
    Route {
        name: "GET /2/users/:id/followers",
        user_limit: 300,
        app_limit: Some(300),
        parameters: FOLLOWER_PARAMETERS,
        answer: State::followers,
    },
    Route {
        name: "GET /2/users/:id/tweets",
        user_limit: 900,
        app_limit: Some(10_000),
        parameters: TIMELINE_PARAMETERS,
        answer: State::timeline,
    },
    Route {
        name: "GET /2/users/:id/mentions",
        user_limit: 300,
        app_limit: Some(450),
        parameters: TIMELINE_PARAMETERS,
        answer: State::mentions,
    },
    Route {
        name: "POST /2/tweets",
        user_limit: 100,
        app_limit: None,
        parameters: &[],
        answer: State::create_post,
    },
    Route {
        name: "GET /2/tweets/:id",
        user_limit: 900,
        app_limit: Some(450),
        parameters: POST_PARAMETERS,
        answer: State::post_by_id,
    },
    Route {
        name: "DELETE /2/tweets/:id",
        user_limit: 50,
        app_limit: None,
        parameters: &[],
        answer: State::delete_post,
    },
    Route {
        name: "POST /2/dm_conversations/with/:id/messages",
        user_limit: 15,
        app_limit: None,
        parameters: &[],
        answer: State::create_message,
    },
    Route {
        name: "GET /2/dm_conversations/with/:id/dm_events",
        user_limit: 15,
        app_limit: None,
        parameters: EVENT_PARAMETERS,
        answer: State::message_events,
    },
];

#[cfg(test)]
mod tests;
