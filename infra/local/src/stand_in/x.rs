//! A stand-in for X's API v2: the few routes that the project needs, answered as X answers them.
//!
//! Signatures are checked, rate limits counted, and a text that breaks X's rules for automation
//! without being refused by the API (an unasked mention, an unasked message) is written down in
//! [`X::rule_breaks`].

use std::{collections::HashMap, io, net::SocketAddr};

use have_a_hug::clock::Clock;
use jiff::Timestamp;
use oauth1_request::{Builder, HMAC_SHA1, ParameterList, Token};
use serde_json::{Map, Value, json};
use unicode_segmentation::UnicodeSegmentation;

use super::{
    Answer, Call, Fault, Message, Network, Person, Post, Reading, Running, Seen, Window, loopback,
    written,
};

/// The app bearer of the sandbox.
pub const SANDBOX_BEARER: &str = "AAAAsAndbOxBearer";

const WINDOW_SECONDS: i64 = 15 * 60;
const WEIGHT_LIMIT: usize = 280;
const INVALID_REQUEST: &str = "https://api.x.com/2/problems/invalid-request";
const NOT_FOUND: &str = "https://api.x.com/2/problems/resource-not-found";

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
#[derive(Clone)]
pub struct X(Running<State>);

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
        Running::start(addr, |_| State::new(clock)).await.map(Self)
    }

    /// Where it is, to be used in place of `https://api.x.com`.
    pub fn url(&self) -> &str {
        &self.0.url
    }

    /// Adds an account; the first one is the one that [`X::follow`] and its like are about.
    pub fn add_account(&self, account: Account) {
        self.0.with(|state| state.add_account(account));
    }

    /// Sets the token that counts as the app's bearer.
    pub fn set_bearer(&self, token: &str) {
        self.0.with(|state| state.bearer = Some(token.to_owned()));
    }

    /// `person` follows the first account from now on, as its newest follower.
    pub fn follow(&self, person: Person) {
        self.0.with(|state| state.welcome(person));
    }

    /// `person` follows the account with that handle; nothing happens if there is none.
    pub fn follow_account(&self, handle: &str, person: Person) {
        self.0.with(|state| {
            if let Some(account) = state.id_of(handle) {
                state.follow(&account, person);
            }
        });
    }

    /// The follower with that handle leaves the first account.
    pub fn unfollow(&self, handle: &str) {
        self.0.with(|state| state.farewell(handle));
    }

    /// X suspends whoever has that handle: still counted, no longer listed, no longer found.
    pub fn hide(&self, handle: &str) {
        self.0
            .with(|state| state.change(handle, |user| user.person.hidden = true));
    }

    /// Gives someone a new handle; the old one is nobody's afterwards.
    pub fn rename(&self, old: &str, new: &str) {
        self.0.with(|state| state.rename(old, new));
    }

    /// How many follow the first account, as X counts.
    pub fn follower_count(&self) -> u64 {
        self.0.with(|state| state.follower_count())
    }

    /// The posts that accounts made, oldest first.
    pub fn posts(&self) -> Vec<Post> {
        self.0.with(|state| state.posts())
    }

    /// The messages that accounts sent, oldest first.
    pub fn messages(&self) -> Vec<Message> {
        self.0.with(|state| state.messages())
    }

    /// What broke X's rules for automation without being refused, in words.
    pub fn rule_breaks(&self) -> Vec<String> {
        self.0.with(|state| state.rule_breaks.clone())
    }

    /// Changes what the app's users have allowed it: `read`, `read-write`, or the default, which is
    /// `read-write-directmessages`. With `None` everything is allowed, but X does not say so.
    pub fn set_access_level(&self, level: Option<&str>) {
        self.0
            .with(|state| state.access_level = level.map(str::to_owned));
    }

    /// Changes the limit of routes whose name, such as `GET /2/users/:id/followers`, ends so.
    pub fn set_limit(&self, route: &str, limit_per_15_min: u32) {
        self.0
            .with(|state| state.limits.push((route.to_owned(), limit_per_15_min)));
    }

    /// Someone (by handle) mentions the first account: `@handle` is put in front of a text that has
    /// none. Gives the id of the post.
    pub fn add_mention(&self, text: &str, from: &str) -> String {
        self.0.with(|state| state.add_mention(text, from, None))
    }

    /// Someone (by handle) replies to a post of the first account. Gives the id of the reply.
    pub fn add_reply(&self, text: &str, from: &str, to_post: &str) -> String {
        self.0
            .with(|state| state.add_mention(text, from, Some(to_post.to_owned())))
    }

    /// Someone (by handle) writes a private message to the first account.
    pub fn add_message(&self, text: &str, from: &str) {
        self.0.with(|state| state.add_message(text, from));
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

struct State {
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

// ---- who asks, and how often ----

#[derive(Clone, PartialEq, Eq)]
enum Caller {
    App,
    User(String),
}

impl Caller {
    fn name(&self) -> &str {
        match self {
            Self::App => "app",
            Self::User(id) => id,
        }
    }

    fn is(&self, user: &str) -> bool {
        matches!(self, Self::User(id) if id == user)
    }
}

impl State {
    fn caller(&self, call: &Call) -> Option<Caller> {
        if let Some(token) = call.bearer() {
            return (self.bearer.as_deref() == Some(token)).then_some(Caller::App);
        }
        let fields = oauth_fields(call.header("authorization")?)?;
        let (id, keys) = self.keys.iter().find(|(_, keys)| {
            fields.get("oauth_consumer_key") == Some(&keys.api_key)
                && fields.get("oauth_token") == Some(&keys.access_token)
        })?;
        signed_by(keys, &fields, call).then(|| Caller::User(id.clone()))
    }

    fn count(&mut self, route: &Route, caller: &Caller) -> Reading {
        let default = match caller {
            Caller::App => route.app_limit.unwrap_or(route.user_limit),
            Caller::User(_) => route.user_limit,
        };
        let limit = self
            .limits
            .iter()
            .rev()
            .find(|(name, _)| route.name.ends_with(name.as_str()))
            .map_or(default, |(_, limit)| *limit);
        let now = self.clock.now();
        self.windows
            .entry((route.name, caller.name().to_owned()))
            .or_default()
            .count(now, limit, WINDOW_SECONDS)
    }

    fn answer_for(&mut self, route: &Route, asked: &Asked<'_>, reading: &Reading) -> Answer {
        if reading.exceeded {
            return problem(429, "Too Many Requests", "Too Many Requests");
        }
        if asked.caller == Caller::App && route.app_limit.is_none() {
            return unsupported_authentication();
        }
        let right = match route.name {
            name if name.contains("/dm_") => "directmessages",
            name if !name.starts_with("GET ") => "write",
            _ => "read",
        };
        let level = self.access_level.as_deref().unwrap_or(right);
        if matches!(asked.caller, Caller::User(_)) && !level.contains(right) {
            return not_permitted();
        }
        known_parameters(asked.call, route.parameters)
            .and_then(|()| (route.answer)(self, asked))
            .unwrap_or_else(|refusal| refusal)
    }
}

fn oauth_fields(header: &str) -> Option<HashMap<String, String>> {
    let fields = header.strip_prefix("OAuth ")?;
    fields
        .split(',')
        .map(|field| {
            let (name, value) = field.trim().split_once('=')?;
            let value = value.strip_prefix('"')?.strip_suffix('"')?;
            Some((percent_decoded(name), percent_decoded(value)))
        })
        .collect()
}

/// Signs the request again with what the account's owner knows, and compares.
fn signed_by(keys: &Keys, fields: &HashMap<String, String>, call: &Call) -> bool {
    let field = |name: &str| fields.get(name).map_or("", String::as_str);
    let Ok(timestamp) = field("oauth_timestamp").parse() else {
        return false;
    };
    let token = Token::from_parts(
        keys.api_key.as_str(),
        keys.api_secret.as_str(),
        keys.access_token.as_str(),
        keys.access_secret.as_str(),
    );
    let mut builder = Builder::with_token(token, HMAC_SHA1);
    builder
        .nonce(field("oauth_nonce"))
        .timestamp(std::num::NonZeroU64::new(timestamp))
        .version(fields.contains_key("oauth_version"));
    let url = format!("http://{}{}", call.host, call.path);
    let expected = builder.authorize(
        &call.method,
        url.as_str(),
        &ParameterList::new(call.query.clone()),
    );
    oauth_fields(&expected).is_some_and(|expected| {
        expected.get("oauth_signature") == fields.get("oauth_signature")
            && field("oauth_signature_method") == "HMAC-SHA1"
            && !field("oauth_nonce").is_empty()
    })
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let code = tail
            .get(..2)
            .filter(|_| *first == b'%')
            .and_then(|code| std::str::from_utf8(code).ok())
            .and_then(|code| u8::from_str_radix(code, 16).ok());
        bytes.push(code.unwrap_or(*first));
        rest = match code {
            Some(_) => tail.get(2..).unwrap_or_default(),
            None => tail,
        };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn limit_headers(reading: &Reading) -> Vec<(&'static str, String)> {
    vec![
        ("x-rate-limit-limit", reading.limit.to_string()),
        ("x-rate-limit-remaining", reading.remaining.to_string()),
        ("x-rate-limit-reset", reading.reset.to_string()),
    ]
}

// ---- the routes ----

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

// ---- users ----

const USER_FIELDS: &[&str] = &[
    "affiliation",
    "confirmed_email",
    "connection_status",
    "created_at",
    "description",
    "entities",
    "id",
    "is_identity_verified",
    "location",
    "most_recent_post_id",
    "most_recent_tweet_id",
    "name",
    "parody",
    "pinned_post_id",
    "pinned_tweet_id",
    "profile_banner_url",
    "profile_image_url",
    "protected",
    "public_metrics",
    "receives_your_dm",
    "subscribes_to_you",
    "subscription",
    "subscription_type",
    "url",
    "username",
    "verified",
    "verified_followers_count",
    "verified_type",
    "withheld",
];

impl State {
    fn me(&mut self, asked: &Asked<'_>) -> Reply {
        let id = asked.caller.name().to_owned();
        self.one_user(asked, "id", &id, Some(id.clone()))
    }

    fn user_by_name(&mut self, asked: &Asked<'_>) -> Reply {
        valid_name("username", &asked.subject)?;
        self.one_user(
            asked,
            "username",
            &asked.subject,
            self.id_of(&asked.subject),
        )
    }

    fn user_by_id(&mut self, asked: &Asked<'_>) -> Reply {
        valid_id("id", &asked.subject)?;
        self.one_user(asked, "id", &asked.subject, Some(asked.subject.clone()))
    }

    fn users_by_name(&mut self, asked: &Asked<'_>) -> Reply {
        let names = list(asked.call, "usernames", valid_name)?;
        let ids = names.iter().map(|name| self.id_of(name)).collect();
        self.many_users(asked, "usernames", &names, ids)
    }

    fn users_by_id(&mut self, asked: &Asked<'_>) -> Reply {
        let names = list(asked.call, "ids", valid_id)?;
        let ids = names.iter().map(|id| Some((*id).to_owned())).collect();
        self.many_users(asked, "ids", &names, ids)
    }

    fn one_user(
        &self,
        asked: &Asked<'_>,
        parameter: &str,
        value: &str,
        id: Option<String>,
    ) -> Reply {
        let fields = fields(asked.call, &["user.fields"], USER_FIELDS)?;
        Ok(Answer::ok(&match self.findable(parameter, value, id) {
            Ok(user) => json!({"data": self.user_json(user, &fields, &asked.caller)}),
            Err(error) => json!({"errors": [error]}),
        }))
    }

    fn many_users(
        &self,
        asked: &Asked<'_>,
        parameter: &str,
        values: &[&str],
        ids: Vec<Option<String>>,
    ) -> Reply {
        let fields = fields(asked.call, &["user.fields"], USER_FIELDS)?;
        let (mut data, mut errors) = (Vec::new(), Vec::new());
        for (value, id) in values.iter().zip(ids) {
            match self.findable(parameter, value, id) {
                Ok(user) => data.push(self.user_json(user, &fields, &asked.caller)),
                Err(error) => errors.push(error),
            }
        }
        Ok(Answer::ok(&with_errors(data, errors)))
    }

    fn findable(&self, parameter: &str, value: &str, id: Option<String>) -> Result<&User, Value> {
        match id.and_then(|id| self.users.get(&id)) {
            Some(user) if user.person.hidden => Err(missing(
                "user",
                parameter,
                value,
                "Forbidden",
                &format!("User has been suspended: [{value}]."),
            )),
            Some(user) => Ok(user),
            None => Err(missing(
                "user",
                parameter,
                value,
                "Not Found Error",
                &format!("Could not find user with {parameter}: [{value}]."),
            )),
        }
    }

    fn user_json(&self, user: &User, fields: &[&str], caller: &Caller) -> Value {
        let person = &user.person;
        let mut shown = Map::new();
        shown.insert("id".to_owned(), json!(person.id));
        shown.insert("name".to_owned(), json!(person.name));
        shown.insert("username".to_owned(), json!(person.handle));
        for field in fields {
            if let Some(value) = self.user_field(user, field, caller) {
                shown.insert((*field).to_owned(), value);
            }
        }
        Value::Object(shown)
    }

    fn user_field(&self, user: &User, field: &str, caller: &Caller) -> Option<Value> {
        let person = &user.person;
        match field {
            "created_at" => Some(json!(written(person.created_at))),
            "description" => Some(json!(escaped(&person.bio))),
            "profile_image_url" => Some(json!(picture(person))),
            "protected" => Some(json!(user.protected)),
            "public_metrics" => Some(self.metrics(person)),
            "receives_your_dm" if *caller != Caller::App => Some(json!(!person.messages_closed)),
            "url" => Some(json!("")),
            "verified" => Some(json!(false)),
            "verified_type" => Some(json!("none")),
            _ => None,
        }
    }

    /// The number of posts goes by both of its names: older payloads say `tweet_count`, X's own
    /// client does without that but not without `post_count`.
    fn metrics(&self, person: &Person) -> Value {
        let (followers, made) = match self.accounts.contains(&person.id) {
            true => (self.count_of(&person.id), self.made_by(&person.id)),
            false => (person.followers, 0),
        };
        json!({
            "followers_count": followers,
            "following_count": person.following,
            "tweet_count": person.posts + made,
            "post_count": person.posts + made,
            "listed_count": 0,
            "like_count": person.posts * 3,
            "media_count": 0,
        })
    }

    fn made_by(&self, account: &str) -> u64 {
        let made = self.posts.iter().filter(|it| it.post.author == account);
        made.count() as u64
    }

    fn followers(&mut self, asked: &Asked<'_>) -> Reply {
        valid_id("id", &asked.subject)?;
        let most = max_results(asked.call, 1, 1000, 100)?;
        let bound = bound(asked.call)?;
        let fields = fields(asked.call, &["user.fields"], USER_FIELDS)?;
        let subject = Some(asked.subject.clone());
        let user = match self.findable("id", &asked.subject, subject) {
            Ok(user) => user,
            Err(error) => return Ok(Answer::ok(&json!({"errors": [error]}))),
        };
        if user.protected && !asked.caller.is(&asked.subject) {
            return Ok(Answer::ok(
                &json!({"errors": [unauthorized(&asked.subject)]}),
            ));
        }
        let newest_first = self.follows.get(&asked.subject).into_iter().flatten().rev();
        let page = Page::cut(newest_first.collect(), |it| it.serial, bound, most);
        let listed: Vec<Value> = page
            .items
            .iter()
            .filter_map(|follow| self.users.get(&follow.follower))
            .filter(|user| !user.person.hidden)
            .map(|user| self.user_json(user, &fields, &asked.caller))
            .collect();
        Ok(Answer::ok(&page.answer(listed, Map::new())))
    }
}

fn picture(person: &Person) -> String {
    match person.picture {
        true => format!(
            "https://pbs.twimg.com/profile_images/{}/a_normal.jpg",
            person.id
        ),
        false => "https://abs.twimg.com/sticky/default_profile_images/default_profile_normal.png"
            .to_owned(),
    }
}

// ---- posts ----

const POST_FIELDS: &[&str] = &[
    "article",
    "attachments",
    "author_id",
    "card_uri",
    "community_id",
    "context_annotations",
    "conversation_id",
    "created_at",
    "display_text_range",
    "edit_controls",
    "edit_history_post_ids",
    "edit_history_tweet_ids",
    "entities",
    "geo",
    "id",
    "in_reply_to_user_id",
    "lang",
    "media_metadata",
    "non_public_metrics",
    "note_post",
    "note_tweet",
    "organic_metrics",
    "possibly_sensitive",
    "promoted_metrics",
    "public_metrics",
    "referenced_posts",
    "referenced_tweets",
    "reply_settings",
    "scopes",
    "source",
    "text",
    "withheld",
];
const CREATE_FIELDS: &[&str] = &[
    "card_uri",
    "community_id",
    "direct_message_deep_link",
    "edit_options",
    "for_super_followers_only",
    "geo",
    "made_with_ai",
    "media",
    "nullcast",
    "paid_partnership",
    "poll",
    "quote_post_id",
    "quote_tweet_id",
    "reply",
    "reply_settings",
    "share_with_followers",
    "text",
];

impl State {
    fn create_post(&mut self, asked: &Asked<'_>) -> Reply {
        let body = body_of(asked.call, CREATE_FIELDS)?;
        let text = body["text"].as_str().unwrap_or_default();
        if text.trim().is_empty() {
            return Err(invalid("text", text, "text or media is required"));
        }
        if weighted_length(text) > WEIGHT_LIMIT {
            return Err(forbidden("You are not permitted to perform this action."));
        }
        let author = asked.caller.name().to_owned();
        self.not_said_before(&author, text)?;
        let reply_to = reply_target(&body);
        if let Some(parent) = &reply_to {
            self.summoned(&author, parent)?;
        }
        self.note_mentions(&author, text);
        let id = self.add_post(author, text.to_owned(), reply_to);
        Ok(Answer::json(
            201,
            &json!({"data": {
                "id": id, "text": shown(text).0, "edit_history_tweet_ids": [id],
            }}),
        ))
    }

    fn not_said_before(&self, author: &str, text: &str) -> Result<(), Answer> {
        let said = |it: &Posted| it.post.author == author && it.post.text == text;
        match self.posts.iter().any(said) {
            true => Err(forbidden(
                "You are not allowed to create a Tweet with duplicate content.",
            )),
            false => Ok(()),
        }
    }

    fn summoned(&self, author: &str, parent: &str) -> Result<(), Answer> {
        let Some(parent) = self.post(parent) else {
            return Err(forbidden(
                "You attempted to reply to a Tweet that is deleted or not visible to you.",
            ));
        };
        match parent.post.author == author || self.speaks_to(parent, author) {
            true => Ok(()),
            false => Err(forbidden(
                "Reply to this conversation is not allowed because you have not been mentioned or \
                 otherwise engaged by the author of the post you are replying to.",
            )),
        }
    }

    fn note_mentions(&mut self, author: &str, text: &str) {
        for handle in mentioned(text) {
            let asked_for = self
                .id_of(&handle)
                .is_some_and(|person| person == author || self.has_spoken_to(&person, author));
            if !asked_for {
                self.break_rule(format!("unasked mention of @{handle}"));
            }
        }
    }

    fn delete_post(&mut self, asked: &Asked<'_>) -> Reply {
        valid_id("id", &asked.subject)?;
        match self.post(&asked.subject) {
            Some(posted) if !asked.caller.is(&posted.post.author) => {
                return Err(forbidden("You are not authorized to delete this Tweet."));
            }
            Some(_) => self.posts.retain(|it| it.post.id != asked.subject),
            None => {}
        }
        Ok(Answer::ok(&json!({"data": {"deleted": true}})))
    }

    fn post_by_id(&mut self, asked: &Asked<'_>) -> Reply {
        valid_id("id", &asked.subject)?;
        let wanted = Wanted::of(asked.call)?;
        let Some(posted) = self.post(&asked.subject) else {
            let error = missing(
                "tweet",
                "id",
                &asked.subject,
                "Not Found Error",
                &format!("Could not find tweet with id: [{}].", asked.subject),
            );
            return Ok(Answer::ok(&json!({"errors": [error]})));
        };
        let mut body = json!({"data": self.post_json(posted, &wanted)});
        self.include_authors(&mut body, &[posted.post.author.as_str()], &wanted, asked);
        Ok(Answer::ok(&body))
    }

    fn timeline(&mut self, asked: &Asked<'_>) -> Reply {
        let exclude = asked.call.parameter("exclude").unwrap_or_default();
        let no_replies = exclude.split(',').any(|it| it == "replies");
        self.posts_page(asked, |_, posted| {
            posted.post.author == asked.subject && !(no_replies && posted.reply_to.is_some())
        })
    }

    fn mentions(&mut self, asked: &Asked<'_>) -> Reply {
        self.posts_page(asked, |state, posted| {
            state.speaks_to(posted, &asked.subject)
                && state
                    .users
                    .get(&posted.post.author)
                    .is_some_and(|user| !user.person.hidden)
        })
    }

    fn posts_page(&self, asked: &Asked<'_>, belongs: impl Fn(&Self, &Posted) -> bool) -> Reply {
        valid_id("id", &asked.subject)?;
        let most = max_results(asked.call, 5, 100, 10)?;
        let bound = bound(asked.call)?;
        let span = Span::of(asked.call)?;
        let wanted = Wanted::of(asked.call)?;
        let subject = Some(asked.subject.clone());
        if let Err(error) = self.findable("id", &asked.subject, subject) {
            return Ok(Answer::ok(&json!({"errors": [error]})));
        }
        let newest_first = self.posts.iter().rev();
        let kept = newest_first.filter(|it| span.holds(it) && belongs(self, it));
        let page = Page::cut(kept.collect(), |it| it.number, bound, most);
        let shown = page.items.iter().map(|it| self.post_json(it, &wanted));
        let mut meta = Map::new();
        if let (Some(newest), Some(oldest)) = (page.items.first(), page.items.last()) {
            meta.insert("newest_id".to_owned(), json!(newest.post.id));
            meta.insert("oldest_id".to_owned(), json!(oldest.post.id));
        }
        let mut body = page.answer(shown.collect(), meta);
        let authors: Vec<&str> = page
            .items
            .iter()
            .map(|it| it.post.author.as_str())
            .collect();
        self.include_authors(&mut body, &authors, &wanted, asked);
        Ok(Answer::ok(&body))
    }

    fn post_json(&self, posted: &Posted, wanted: &Wanted<'_>) -> Value {
        let post = &posted.post;
        let (text, links) = shown(&post.text);
        let mut out = Map::new();
        out.insert("id".to_owned(), json!(post.id));
        out.insert("text".to_owned(), json!(text));
        out.insert("edit_history_tweet_ids".to_owned(), json!([post.id]));
        let mut add = |name: &str, value: Option<Value>| {
            if let Some(value) = value.filter(|_| wanted.has(name)) {
                out.insert(name.to_owned(), value);
            }
        };
        let parent = posted.reply_to.as_deref();
        let referenced = parent.map(|id| json!([{"type": "replied_to", "id": id}]));
        add("author_id", Some(json!(post.author)));
        add("created_at", Some(json!(written(post.at))));
        add("conversation_id", Some(json!(parent.unwrap_or(&post.id))));
        add(
            "entities",
            (!links.is_empty()).then(|| json!({"urls": links})),
        );
        add("lang", Some(json!("en")));
        add("referenced_tweets", referenced);
        add(
            "in_reply_to_user_id",
            parent
                .and_then(|id| self.post(id))
                .map(|parent| json!(parent.post.author)),
        );
        Value::Object(out)
    }

    fn include_authors(
        &self,
        body: &mut Value,
        authors: &[&str],
        wanted: &Wanted<'_>,
        asked: &Asked<'_>,
    ) {
        if !wanted.authors || authors.is_empty() {
            return;
        }
        let mut once = authors.to_vec();
        once.sort_unstable();
        once.dedup();
        let users: Vec<Value> = once
            .iter()
            .filter_map(|id| self.users.get(*id))
            .map(|user| self.user_json(user, &wanted.user_fields, &asked.caller))
            .collect();
        body["includes"] = json!({"users": users});
    }
}

/// Which parts of posts and of their authors were asked for.
struct Wanted<'a> {
    fields: Vec<&'a str>,
    user_fields: Vec<&'a str>,
    authors: bool,
}

impl<'a> Wanted<'a> {
    fn of(call: &'a Call) -> Result<Self, Answer> {
        let expansions = call.parameter("expansions").unwrap_or_default();
        Ok(Self {
            fields: fields(call, &["tweet.fields", "post.fields"], POST_FIELDS)?,
            user_fields: fields(call, &["user.fields"], USER_FIELDS)?,
            authors: expansions.split(',').any(|it| it == "author_id"),
        })
    }

    fn has(&self, field: &str) -> bool {
        self.fields.contains(&field) || (self.authors && field == "author_id")
    }
}

/// The part of a timeline that was asked for.
struct Span {
    since: Option<u64>,
    until: Option<u64>,
    start: Option<Timestamp>,
    end: Option<Timestamp>,
}

impl Span {
    fn of(call: &Call) -> Result<Self, Answer> {
        Ok(Self {
            since: parsed(call, "since_id")?,
            until: parsed(call, "until_id")?,
            start: parsed(call, "start_time")?,
            end: parsed(call, "end_time")?,
        })
    }

    fn holds(&self, posted: &Posted) -> bool {
        self.since.is_none_or(|id| posted.number > id)
            && self.until.is_none_or(|id| posted.number < id)
            && self.start.is_none_or(|start| posted.post.at >= start)
            && self.end.is_none_or(|end| posted.post.at < end)
    }
}

fn reply_target(body: &Value) -> Option<String> {
    let reply = body.get("reply")?;
    ["in_reply_to_tweet_id", "in_reply_to_post_id"]
        .iter()
        .find_map(|name| reply.get(name)?.as_str().map(str::to_owned))
}

// ---- messages ----

const EVENT_FIELDS: &[&str] = &[
    "attachments",
    "created_at",
    "dm_conversation_id",
    "entities",
    "event_type",
    "id",
    "participant_ids",
    "referenced_posts",
    "referenced_tweets",
    "sender_id",
    "text",
];

impl State {
    fn create_message(&mut self, asked: &Asked<'_>) -> Reply {
        const LONGEST: usize = 10_000;
        valid_id("participant_id", &asked.subject)?;
        let body = body_of(asked.call, &["attachments", "text"])?;
        let text = body["text"].as_str().unwrap_or_default();
        if text.trim().is_empty() || text.chars().count() > LONGEST {
            return Err(invalid(
                "text",
                text,
                "text is not between 1 and 10000 characters",
            ));
        }
        let open = self
            .users
            .get(&asked.subject)
            .is_some_and(|user| !user.person.hidden && !user.person.messages_closed);
        if !open {
            return Err(forbidden(
                "You do not have permission to DM one or more participants.",
            ));
        }
        let sender = asked.caller.name().to_owned();
        self.note_unasked_message(&sender, &asked.subject);
        let conversation = conversation(&sender, &asked.subject);
        let event = self.store_message(sender, asked.subject.clone(), text.to_owned());
        Ok(Answer::json(
            201,
            &json!({"data": {"dm_conversation_id": conversation, "dm_event_id": event}}),
        ))
    }

    fn note_unasked_message(&mut self, from: &str, to: &str) {
        let wrote_first = self
            .messages
            .iter()
            .any(|sent| sent.message.from == to && sent.message.to == from);
        if !wrote_first {
            let handle = self.handle_of(to);
            self.break_rule(format!("unasked message to @{handle}"));
        }
    }

    fn message_events(&mut self, asked: &Asked<'_>) -> Reply {
        valid_id("participant_id", &asked.subject)?;
        let most = max_results(asked.call, 1, 100, 100)?;
        let bound = bound(asked.call)?;
        let mut wanted = fields(asked.call, &["dm_event.fields"], EVENT_FIELDS)?;
        let expansions = asked.call.parameter("expansions").unwrap_or_default();
        if expansions.split(',').any(|it| it == "sender_id") {
            wanted.push("sender_id");
        }
        let types = asked.call.parameter("event_types");
        let created = types.is_none_or(|types| types.split(',').any(|it| it == "MessageCreate"));
        let between = conversation(asked.caller.name(), &asked.subject);
        let newest_first = self.messages.iter().rev();
        let kept = newest_first
            .filter(|it| created && conversation(&it.message.from, &it.message.to) == between);
        let page = Page::cut(kept.collect(), |it| it.number, bound, most);
        let events = page.items.iter().map(|it| event_json(&it.message, &wanted));
        Ok(Answer::ok(&page.answer(events.collect(), Map::new())))
    }
}

fn conversation(one: &str, other: &str) -> String {
    let number = |id: &str| id.parse::<u64>().unwrap_or_default();
    match number(one) <= number(other) {
        true => format!("{one}-{other}"),
        false => format!("{other}-{one}"),
    }
}

fn event_json(message: &Message, wanted: &[&str]) -> Value {
    let mut out = Map::new();
    out.insert("id".to_owned(), json!(message.id));
    out.insert("event_type".to_owned(), json!("MessageCreate"));
    out.insert("text".to_owned(), json!(escaped(&message.text)));
    for field in wanted {
        let value = match *field {
            "created_at" => json!(written(message.at)),
            "sender_id" => json!(message.from),
            "dm_conversation_id" => json!(conversation(&message.from, &message.to)),
            _ => continue,
        };
        out.insert((*field).to_owned(), value);
    }
    Value::Object(out)
}

// ---- pages ----

#[derive(Clone, Copy)]
enum Bound {
    OlderThan(u64),
    NewerThan(u64),
}

impl Bound {
    fn token(self) -> String {
        match self {
            Self::OlderThan(key) => format!("{key:016X}N"),
            Self::NewerThan(key) => format!("{key:016X}P"),
        }
    }

    fn read(token: &str) -> Option<Self> {
        let key = |digits: &str| u64::from_str_radix(digits, 16).ok();
        match token.strip_suffix('N') {
            Some(digits) => key(digits).map(Self::OlderThan),
            None => key(token.strip_suffix('P')?).map(Self::NewerThan),
        }
    }
}

struct Page<T> {
    items: Vec<T>,
    next: Option<String>,
    previous: Option<String>,
}

impl<T> Page<T> {
    /// Cuts a page out of `all`, which is newest first.
    fn cut(all: Vec<T>, key: fn(&T) -> u64, bound: Option<Bound>, most: usize) -> Self {
        let total = all.len();
        let from = match bound {
            None => 0,
            Some(Bound::OlderThan(last)) => all.partition_point(|it| key(it) >= last),
            Some(Bound::NewerThan(first)) => all
                .partition_point(|it| key(it) > first)
                .saturating_sub(most),
        };
        let items: Vec<T> = all.into_iter().skip(from).take(most).collect();
        let more = from + items.len() < total;
        let older = items.last().filter(|_| more).map(key);
        let newer = items.first().filter(|_| from > 0).map(key);
        Self {
            next: older.map(|key| Bound::OlderThan(key).token()),
            previous: newer.map(|key| Bound::NewerThan(key).token()),
            items,
        }
    }

    fn answer(&self, shown: Vec<Value>, mut meta: Map<String, Value>) -> Value {
        meta.insert("result_count".to_owned(), json!(shown.len()));
        if let Some(token) = &self.next {
            meta.insert("next_token".to_owned(), json!(token));
        }
        if let Some(token) = &self.previous {
            meta.insert("previous_token".to_owned(), json!(token));
        }
        match shown.is_empty() {
            true => json!({"meta": meta}),
            false => json!({"data": shown, "meta": meta}),
        }
    }
}

// ---- parameters ----

fn known_parameters(call: &Call, known: &[&str]) -> Result<(), Answer> {
    match call
        .query
        .iter()
        .find(|(name, _)| !known.contains(&name.as_str()))
    {
        None => Ok(()),
        Some((name, value)) => Err(invalid(
            name,
            value,
            &format!(
                "The query parameter [{name}] is not one of [{}]",
                known.join(",")
            ),
        )),
    }
}

fn max_results(call: &Call, least: usize, most: usize, default: usize) -> Result<usize, Answer> {
    let Some(text) = call.parameter("max_results") else {
        return Ok(default);
    };
    text.parse()
        .ok()
        .filter(|count| (least..=most).contains(count))
        .ok_or_else(|| {
            let message = format!(
                "The `max_results` query parameter value [{text}] is not between {least} and {most}"
            );
            invalid("max_results", text, &message)
        })
}

fn bound(call: &Call) -> Result<Option<Bound>, Answer> {
    call.parameter("pagination_token")
        .map(|token| Bound::read(token).ok_or_else(|| invalid_value("pagination_token", token)))
        .transpose()
}

fn parsed<T: std::str::FromStr>(call: &Call, name: &str) -> Result<Option<T>, Answer> {
    call.parameter(name)
        .map(|text| text.parse().map_err(|_| invalid_value(name, text)))
        .transpose()
}

fn invalid_value(name: &str, value: &str) -> Answer {
    let message = format!("The `{name}` query parameter value [{value}] is not valid");
    invalid(name, value, &message)
}

fn fields<'a>(call: &'a Call, names: &[&str], known: &[&str]) -> Result<Vec<&'a str>, Answer> {
    let mut wanted = Vec::new();
    for (name, value) in &call.query {
        if !names.contains(&name.as_str()) {
            continue;
        }
        for field in value.split(',') {
            if !known.contains(&field) {
                let known = known.join(",");
                let message =
                    format!("The `{name}` query parameter value [{field}] is not one of [{known}]");
                return Err(invalid(name, field, &message));
            }
            wanted.push(field);
        }
    }
    Ok(wanted)
}

fn list<'a>(
    call: &'a Call,
    name: &'a str,
    valid: fn(&str, &str) -> Result<(), Answer>,
) -> Result<Vec<&'a str>, Answer> {
    const MOST: usize = 100;
    let Some(text) = call.parameter(name).filter(|text| !text.is_empty()) else {
        let message = format!("The `{name}` query parameter can not be empty");
        return Err(invalid(name, "", &message));
    };
    let values: Vec<&str> = text.split(',').collect();
    if values.len() > MOST {
        let count = values.len();
        let message = format!(
            "The number of values in the `{name}` query parameter list [{count}] is not between 1 and {MOST}"
        );
        return Err(invalid(name, text, &message));
    }
    values.iter().try_for_each(|value| valid(name, value))?;
    Ok(values)
}

fn valid_id(name: &str, value: &str) -> Result<(), Answer> {
    let digits = value.bytes().all(|byte| byte.is_ascii_digit());
    match digits && (1..=19).contains(&value.len()) {
        true => Ok(()),
        false => Err(invalid(
            name,
            value,
            &format!("The `{name}` query parameter value [{value}] does not match ^[0-9]{{1,19}}$"),
        )),
    }
}

fn valid_name(name: &str, value: &str) -> Result<(), Answer> {
    let word = value
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    match word && (1..=15).contains(&value.len()) {
        true => Ok(()),
        false => Err(invalid(
            name,
            value,
            &format!(
                "The `{name}` query parameter value [{value}] does not match ^[A-Za-z0-9_]{{1,15}}$"
            ),
        )),
    }
}

fn body_of(call: &Call, known: &[&str]) -> Result<Value, Answer> {
    let body = call.json().ok_or_else(|| {
        invalid(
            "body",
            "",
            "Requests with bodies must have content-type of application/json.",
        )
    })?;
    let stranger = body
        .as_object()
        .and_then(|object| object.keys().find(|key| !known.contains(&key.as_str())));
    match stranger {
        Some(key) => {
            let message = format!(
                "$.{key}: is not defined in the schema and the schema does not allow additional properties"
            );
            Err(invalid(key, "", &message))
        }
        None => Ok(body),
    }
}

// ---- refusals ----

fn problem(status: u16, title: &str, detail: &str) -> Answer {
    let body = json!({"title": title, "detail": detail, "type": "about:blank", "status": status});
    let mut answer = Answer::json(status, &body);
    answer.content_type = "application/problem+json; charset=utf-8";
    answer
}

fn forbidden(detail: &str) -> Answer {
    problem(403, "Forbidden", detail)
}

fn unsupported_authentication() -> Answer {
    let body = json!({
        "title": "Unsupported Authentication",
        "detail": "Authenticating with OAuth 2.0 Application-Only is forbidden for this endpoint.  \
                   Supported authentication types are [OAuth 1.0a User Context, OAuth 2.0 User \
                   Context].",
        "type": "https://api.x.com/2/problems/unsupported-authentication",
        "status": 403,
    });
    let mut answer = Answer::json(403, &body);
    answer.content_type = "application/problem+json; charset=utf-8";
    answer
}

fn not_permitted() -> Answer {
    let body = json!({
        "title": "Forbidden",
        "detail": "Your client app is not configured with the appropriate oauth1 app permissions for this endpoint.",
        "type": "https://api.twitter.com/2/problems/oauth1-permissions",
        "status": 403,
    });
    let mut answer = Answer::json(403, &body);
    answer.content_type = "application/problem+json; charset=utf-8";
    answer
}

fn invalid(parameter: &str, value: &str, message: &str) -> Answer {
    let body = json!({
        "errors": [{"parameters": {parameter: [value]}, "message": message}],
        "title": "Invalid Request",
        "detail": "One or more parameters to your request was invalid.",
        "type": INVALID_REQUEST,
    });
    Answer::json(400, &body)
}

fn missing(resource: &str, parameter: &str, value: &str, title: &str, detail: &str) -> Value {
    json!({
        "value": value,
        "detail": detail,
        "title": title,
        "resource_type": resource,
        "parameter": parameter,
        "resource_id": value,
        "type": NOT_FOUND,
    })
}

fn unauthorized(id: &str) -> Value {
    json!({
        "value": id,
        "detail": format!("Sorry, you are not authorized to see the user with id: [{id}]."),
        "title": "Authorization Error",
        "resource_type": "user",
        "parameter": "id",
        "resource_id": id,
        "type": "https://api.x.com/2/problems/not-authorized-for-resource",
    })
}

fn with_errors(data: Vec<Value>, errors: Vec<Value>) -> Value {
    match (data.is_empty(), errors.is_empty()) {
        (_, true) => json!({"data": data}),
        (true, false) => json!({"errors": errors}),
        (false, false) => json!({"data": data, "errors": errors}),
    }
}

// ---- texts ----

fn is_link(word: &str) -> bool {
    let word = word.trim_end();
    word.starts_with("https://") || word.starts_with("http://")
}

/// Length as X counts it. Written down apart from the project's own count, so that they check each
/// other; text is not brought into NFC first.
fn weighted_length(text: &str) -> usize {
    const LINK: usize = 23;
    text.split_inclusive(char::is_whitespace)
        .map(|word| match is_link(word) {
            true => LINK + word.chars().rev().take_while(|c| c.is_whitespace()).count(),
            false => word.graphemes(true).map(weight).sum(),
        })
        .sum()
}

fn weight(grapheme: &str) -> usize {
    const EMOJI: usize = 2;
    let emoji = |c: char| matches!(c, '\u{1F000}'..='\u{1FFFF}' | '\u{FE0F}' | '\u{200D}');
    match grapheme.chars().any(emoji) {
        true => EMOJI,
        false => grapheme.chars().map(character_weight).sum(),
    }
}

fn character_weight(c: char) -> usize {
    match u32::from(c) {
        0..=4351 | 8192..=8205 | 8208..=8223 | 8242..=8247 => 1,
        _ => 2,
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// A text as X gives it back: escaped, its links shortened; with the links it stands for.
fn shown(text: &str) -> (String, Vec<Value>) {
    let (mut out, mut links) = (String::new(), Vec::new());
    for word in text.split_inclusive(char::is_whitespace) {
        if !is_link(word) {
            out.push_str(&escaped(word));
            continue;
        }
        let link = word.trim_end();
        let short = short_link(link);
        let start = out.chars().count();
        links.push(json!({
            "start": start,
            "end": start + short.len(),
            "url": short,
            "expanded_url": link,
            "display_url": link.split_once("//").map_or(link, |(_, rest)| rest),
        }));
        out.push_str(&short);
        out.push_str(&word[link.len()..]);
    }
    (out, links)
}

fn short_link(link: &str) -> String {
    let sum = link.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |sum, byte| {
        (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("https://t.co/{:010x}", sum & 0xff_ffff_ffff)
}

/// The handles that stand in a text as `@handle`.
fn mentioned(text: &str) -> Vec<String> {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut handles = Vec::new();
    for (at, _) in text.match_indices(['@', '＠']) {
        let inside_a_word = text[..at].chars().next_back().is_some_and(word);
        let after = text[at..].chars().skip(1);
        let handle: String = after.take_while(|c| word(*c)).collect();
        if !inside_a_word && !handle.is_empty() {
            handles.push(handle);
        }
    }
    handles
}

fn mentions(text: &str, handle: &str) -> bool {
    mentioned(text)
        .iter()
        .any(|mentioned| mentioned.eq_ignore_ascii_case(handle))
}

#[cfg(test)]
mod tests;
