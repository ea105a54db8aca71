//! Stand-in networks: real HTTP servers on this machine that answer as the networks do.
//!
//! They are for the demo, the sandbox and the tests. They imitate what the networks' own documents and
//! sources tell, and are held against clients that others wrote (`infra/stand-ins/clients`); whoever talks
//! to one should not be able to tell it from the network. A stand-in keeps everything in memory, takes
//! the time from the [`Clock`](have_a_hug::clock::Clock) that is handed to it, remembers every request
//! it saw, and can be told to misbehave ([`Fault`]).
//!
//! For a demo by hand each server also listens to
//! `POST /stand-in/follow?n=3&bot=true`, `POST /stand-in/unfollow?handle=fan0001`,
//! `GET /stand-in/sent`, and `POST /stand-in/fail?route=/2/tweets&status=503` (or `&rate_limited=60`,
//! in seconds) for the next request there; these are not counted among the requests.

pub mod bluesky;
pub mod mastodon;
pub mod x;

use std::{
    collections::VecDeque,
    convert::Infallible,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Query, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header, request::Parts},
    response::Response,
};
use futures::stream;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::AbortHandle};

/// Someone on a network who may follow an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// The stable id: digits. Bluesky makes a DID of it ([`bluesky::did`]), unless it already is one.
    pub id: String,
    /// The handle, without an `@` before it. Bluesky adds `.bsky.social` where there is no dot; on
    /// Mastodon one with a server in it (`cleo@other.example`) is from there.
    pub handle: String,
    /// The display name; empty where none was set.
    pub name: String,
    /// What they say of themselves; empty where nothing was said.
    pub bio: String,
    /// Whether there is a picture of their own.
    pub picture: bool,
    /// When their account was made.
    pub created_at: Timestamp,
    /// How many follow them.
    pub followers: u64,
    /// How many they follow.
    pub following: u64,
    /// How many posts they have made.
    pub posts: u64,
    /// Whether they label themselves as a bot. X has no such label.
    pub bot: bool,
    /// Whether they take no messages.
    pub messages_closed: bool,
    /// Suspended or deactivated: stays in the count, leaves the list.
    pub hidden: bool,
}

const FIRST_NAMES: [&str; 23] = [
    "Maya", "Jonas", "Zoë", "Kwame", "Olena", "Søren", "Priya", "Mateo", "Aoife", "Haruka", "Léa",
    "Tomasz", "Noor", "Grace", "Iñigo", "Thandi", "Ben", "Ximena", "Yusuf", "Hanna", "Dmytro",
    "美咲", "Rosa",
];
const LAST_NAMES: [&str; 19] = [
    "Okafor",
    "Lindqvist",
    "Martínez",
    "O'Neil",
    "Kowalska",
    "Tanaka",
    "de Vries",
    "Sharma",
    "Haddad",
    "Novák",
    "Brown",
    "Ó Briain",
    "Mbeki",
    "Schäfer",
    "Rossi",
    "Ivanova",
    "Nguyen",
    "Da Silva",
    "Smith-Jones",
];
const BIOS: [&str; 7] = [
    "I listen to songs on the bus 🚌",
    "",
    "nurse, night shifts, headphones",
    "Dad of two. Guitar, badly & loudly.",
    "she/her · vinyl <3 · cats > dogs",
    "writing a thesis, please send music",
    "Опера і чай",
];

impl Person {
    /// The `n`th genuine fan: always the same for the same `n`, apart from the account's age.
    pub fn fan(n: u64, now: Timestamp) -> Self {
        Self {
            id: (2_000_000_000 + n).to_string(),
            handle: format!("fan{n:04}"),
            name: format!("{} {}", pick(&FIRST_NAMES, n), pick(&LAST_NAMES, n)),
            bio: pick(&BIOS, n).to_owned(),
            picture: true,
            created_at: days_before(now, 500 + n * 37 % 3_000),
            followers: 20 + n * 13 % 400,
            following: 50 + n * 17 % 700,
            posts: 30 + n * 29 % 2_500,
            bot: false,
            messages_closed: false,
            hidden: false,
        }
    }

    /// The `n`th spam bot: hours old, no picture, follows thousands. It does not label itself as one.
    pub fn bot(n: u64, now: Timestamp) -> Self {
        Self {
            id: (1_900_000_000_000_000_000 + n).to_string(),
            handle: format!("hotchat{n:05}"),
            name: format!("{} 💋", pick(&FIRST_NAMES, n)),
            bio: "Hot singles chat right now 👉 link in profile".to_owned(),
            picture: false,
            created_at: days_before(now, 1),
            followers: n % 7,
            following: 4_000 + n * 31 % 3_000,
            posts: 0,
            bot: false,
            messages_closed: false,
            hidden: false,
        }
    }
}

fn pick<'a>(of: &[&'a str], n: u64) -> &'a str {
    let length = of.len() as u64;
    of.get((n % length) as usize).copied().unwrap_or_default()
}

fn days_before(now: Timestamp, days: u64) -> Timestamp {
    let hours = i64::try_from(days * 24).unwrap_or_default();
    now.checked_sub(SignedDuration::from_hours(hours))
        .unwrap_or(Timestamp::MIN)
}

/// How a stand-in misbehaves once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Refuse with this status, in the network's own words; nothing is done.
    Status(u16),
    /// Refuse with 429, and a reset that many seconds ahead; nothing is done.
    RateLimited {
        /// How long the limit lasts, by the stand-in's clock.
        for_seconds: i64,
    },
    /// 200 with a web page, as a proxy or a captive portal answers; nothing is done.
    Html,
    /// Do what was asked, and answer only after this long.
    Slow(Duration),
    /// Close the connection with no answer; nothing is done.
    Hangup,
    /// Do what was asked, then close the connection with no answer.
    AnswerLost,
    /// 200 with more than 40 MB that look like JSON; nothing is done.
    Endless,
    /// Do what was asked, then answer with only the first half of the JSON.
    Truncated,
    /// Answer exactly this; nothing is done.
    Body {
        /// The status.
        status: u16,
        /// The value of `content-type`.
        content_type: String,
        /// The body, as it is.
        body: String,
    },
}

/// A request that a stand-in saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// When, by the stand-in's clock.
    pub at: Timestamp,
    /// `GET`, `POST`, …
    pub method: String,
    /// The path, with the query.
    pub path: String,
    /// The id of the account that proved itself, or `app` for X's app bearer. `None` too where a
    /// [`Fault`] answered before anyone looked.
    pub authenticated_as: Option<String>,
    /// The status answered; 0 where the connection was closed instead.
    pub status: u16,
}

/// A post that an account made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Post {
    /// X and Mastodon: the number; Bluesky: the `at://` URI.
    pub id: String,
    /// The author's stable id.
    pub author: String,
    /// The text as it was sent.
    pub text: String,
    /// When it arrived.
    pub at: Timestamp,
}

/// A private message that an account sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Message {
    /// The network's id of it.
    pub id: String,
    /// The sender's stable id.
    pub from: String,
    /// The recipient's stable id.
    pub to: String,
    /// The text as it was sent.
    pub text: String,
    /// When it arrived.
    pub at: Timestamp,
}

/// What a network adds to the server that all of them share.
trait Network: Send + 'static {
    fn answer(&mut self, call: &Call) -> Answer;
    fn failure(&self, status: u16) -> Answer;
    fn rate_limited(&self, for_seconds: i64) -> Answer;
    fn now(&self) -> Timestamp;

    fn knows(&self, person: &Person) -> bool;
    fn welcome(&mut self, person: Person);
    fn farewell(&mut self, handle: &str) -> bool;
    fn follower_count(&self) -> u64;
    fn posts(&self) -> Vec<Post>;
    fn messages(&self) -> Vec<Message>;
}

/// A request, taken apart.
struct Call {
    method: String,
    host: String,
    path: String,
    target: String,
    query: Vec<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
}

impl Call {
    fn new(parts: Parts, body: Bytes) -> Self {
        let header = |name| {
            parts
                .headers
                .get(name)
                .and_then(|value| value.to_str().ok())
        };
        Self {
            method: parts.method.as_str().to_owned(),
            host: header(header::HOST).unwrap_or_default().to_owned(),
            path: parts.uri.path().to_owned(),
            target: target(&parts.uri),
            query: Query::try_from_uri(&parts.uri)
                .map_or_else(|_| Vec::new(), |Query(pairs)| pairs),
            headers: parts.headers,
            body,
        }
    }

    fn parameter(&self, name: &str) -> Option<&str> {
        self.query
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    fn parameters<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.query
            .iter()
            .filter(move |(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    fn bearer(&self) -> Option<&str> {
        self.header("authorization")?.strip_prefix("Bearer ")
    }

    /// The body, where it is declared as JSON and is an object.
    fn json(&self) -> Option<Value> {
        self.header("content-type")
            .filter(|kind| kind.starts_with("application/json"))?;
        serde_json::from_slice(&self.body)
            .ok()
            .filter(Value::is_object)
    }
}

fn target(uri: &Uri) -> String {
    uri.path_and_query()
        .map_or_else(|| uri.path().to_owned(), ToString::to_string)
}

/// What a network answers, before any fault gets at it.
struct Answer {
    status: u16,
    headers: Vec<(&'static str, String)>,
    content_type: &'static str,
    body: String,
    authenticated_as: Option<String>,
}

impl Answer {
    fn json(status: u16, body: &Value) -> Self {
        Self {
            status,
            headers: Vec::new(),
            content_type: "application/json; charset=utf-8",
            body: body.to_string(),
            authenticated_as: None,
        }
    }

    fn ok(body: &Value) -> Self {
        Self::json(200, body)
    }

    fn into_response(self) -> Response {
        let mut response = plain_response(self.status, self.content_type, self.body.into());
        for (name, value) in self.headers {
            if let Ok(value) = HeaderValue::from_str(&value) {
                response
                    .headers_mut()
                    .append(HeaderName::from_static(name), value);
            }
        }
        response
    }
}

fn plain_response(status: u16, content_type: &str, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if let Ok(kind) = HeaderValue::from_str(content_type) {
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
    }
    response
}

/// A body that fails before its first byte: hyper then closes the connection without having sent
/// the head either.
fn no_response() -> Response {
    let failed = stream::iter([Err::<Bytes, _>(io::Error::other("the stand-in hangs up"))]);
    Response::new(Body::from_stream(failed))
}

fn endless_response() -> Response {
    const PIECE: &str = r#"{"id":"1","username":"again","name":"And again"},"#;
    let head = Bytes::from_static(br#"{"data":["#);
    let piece = Bytes::from(PIECE.repeat(1_310));
    let pieces = std::iter::once(head).chain(std::iter::repeat_n(piece, 700));
    let body = Body::from_stream(stream::iter(pieces.map(Ok::<_, Infallible>)));
    plain_response(200, "application/json; charset=utf-8", body)
}

/// The first half of a body, cut between two characters.
fn first_half(text: &str) -> &str {
    text.get(..text.floor_char_boundary(text.len() / 2))
        .unwrap_or_default()
}

/// A counter of requests that starts again when its time is over, as the networks' limits do.
#[derive(Clone, Copy, Default)]
struct Window {
    opened: Option<Timestamp>,
    used: u32,
}

/// Where a limit stands after a request was counted.
struct Reading {
    limit: u32,
    remaining: u32,
    reset: i64,
    exceeded: bool,
}

impl Window {
    fn count(&mut self, now: Timestamp, limit: u32, seconds: i64) -> Reading {
        let opened = match self.opened {
            Some(opened) if now.as_second() < opened.as_second() + seconds => opened,
            _ => {
                self.used = 0;
                now
            }
        };
        self.opened = Some(opened);
        self.used = self.used.saturating_add(1);
        Reading {
            limit,
            remaining: limit.saturating_sub(self.used),
            reset: opened.as_second() + seconds,
            exceeded: self.used > limit,
        }
    }
}

/// A network with what happens to its requests.
struct Stage<N> {
    network: N,
    faults: VecDeque<(String, Fault)>,
    seen: Vec<Seen>,
}

impl<N: Network> Stage<N> {
    /// Answers, and says how long to hold the answer back.
    fn meet(&mut self, call: &Call) -> (Response, Duration) {
        if call.path.starts_with("/stand-in/") {
            return (self.control(call).into_response(), Duration::ZERO);
        }
        let fault = self.next_fault(call);
        let wait = match fault {
            Some(Fault::Slow(duration)) => duration,
            _ => Duration::ZERO,
        };
        let mut authenticated_as = None;
        let response = match fault {
            None => Some(self.act(call, &mut authenticated_as).into_response()),
            Some(fault) => self.misbehave(fault, call, &mut authenticated_as),
        };
        let now = self.network.now();
        let date = now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
        let response = response.map(|mut response| {
            if let Ok(date) = HeaderValue::from_str(&date) {
                response.headers_mut().insert(header::DATE, date);
            }
            response
        });
        self.seen.push(Seen {
            at: now,
            method: call.method.clone(),
            path: call.target.clone(),
            authenticated_as,
            status: response
                .as_ref()
                .map_or(0, |response| response.status().as_u16()),
        });
        (response.unwrap_or_else(no_response), wait)
    }

    fn next_fault(&mut self, call: &Call) -> Option<Fault> {
        let line = format!("{} {}", call.method, call.target);
        let at = self
            .faults
            .iter()
            .position(|(route, _)| line.contains(route.as_str()))?;
        self.faults.remove(at).map(|(_, fault)| fault)
    }

    fn act(&mut self, call: &Call, authenticated_as: &mut Option<String>) -> Answer {
        let answer = self.network.answer(call);
        authenticated_as.clone_from(&answer.authenticated_as);
        answer
    }

    /// What leaves in place of the answer; `None` is nothing.
    fn misbehave(
        &mut self,
        fault: Fault,
        call: &Call,
        authenticated_as: &mut Option<String>,
    ) -> Option<Response> {
        match fault {
            Fault::Status(status) => Some(self.network.failure(status).into_response()),
            Fault::RateLimited { for_seconds } => {
                Some(self.network.rate_limited(for_seconds).into_response())
            }
            Fault::Html => Some(plain_response(
                200,
                "text/html; charset=utf-8",
                "<!DOCTYPE html><html><body><h1>Welcome</h1>Please sign in.</body></html>".into(),
            )),
            Fault::Slow(_) => Some(self.act(call, authenticated_as).into_response()),
            Fault::Hangup => None,
            Fault::AnswerLost => {
                self.act(call, authenticated_as);
                None
            }
            Fault::Endless => Some(endless_response()),
            Fault::Truncated => {
                let mut answer = self.act(call, authenticated_as);
                answer.body = first_half(&answer.body).to_owned();
                Some(answer.into_response())
            }
            Fault::Body {
                status,
                content_type,
                body,
            } => Some(plain_response(status, &content_type, body.into())),
        }
    }

    fn control(&mut self, call: &Call) -> Answer {
        match (call.method.as_str(), call.path.as_str()) {
            ("POST", "/stand-in/follow") => self.crowd(call),
            ("POST", "/stand-in/unfollow") => {
                let handle = call.parameter("handle").unwrap_or_default();
                match self.network.farewell(handle) {
                    true => Answer::ok(&json!({"followers": self.network.follower_count()})),
                    false => Answer::json(404, &json!({"error": "no follower has that handle"})),
                }
            }
            ("POST", "/stand-in/fail") => self.trouble(call),
            ("GET", "/stand-in/sent") => Answer::ok(&json!({
                "posts": self.network.posts(),
                "messages": self.network.messages(),
            })),
            _ => Answer::json(404, &json!({"error": "follow, unfollow, fail or sent?"})),
        }
    }

    fn trouble(&mut self, call: &Call) -> Answer {
        let number = |name| call.parameter(name).and_then(|text| text.parse().ok());
        let fault = match (number("status"), number("rate_limited")) {
            (Some(status), None) if (400..600).contains(&status) => {
                u16::try_from(status).ok().map(Fault::Status)
            }
            (None, Some(for_seconds)) => Some(Fault::RateLimited { for_seconds }),
            _ => None,
        };
        let (Some(fault), Some(route)) = (fault, call.parameter("route")) else {
            return Answer::json(
                400,
                &json!({"error": "which route, and status=503 or rate_limited=60, in seconds?"}),
            );
        };
        self.faults.push_back((route.to_owned(), fault));
        Answer::ok(&json!({"waiting": self.faults.len()}))
    }

    fn crowd(&mut self, call: &Call) -> Answer {
        let asked = call.parameter("n").map_or(Ok(1), str::parse::<usize>);
        let Some(count) = asked.ok().filter(|count| *count <= 100_000) else {
            return Answer::json(400, &json!({"error": "n is a number up to 100000"}));
        };
        let make = match call.parameter("bot") {
            Some("true") => Person::bot,
            _ => Person::fan,
        };
        let now = self.network.now();
        let strangers: Vec<Person> = (1..)
            .map(|n| make(n, now))
            .filter(|person| !self.network.knows(person))
            .take(count)
            .collect();
        let added: Vec<String> = strangers.iter().map(|who| who.handle.clone()).collect();
        strangers
            .into_iter()
            .for_each(|person| self.network.welcome(person));
        Answer::ok(&json!({"followers": self.network.follower_count(), "added": added}))
    }
}

/// A running stand-in, and what it knows. Clones are the same server; with the last one it ends.
pub struct StandIn<N> {
    url: String,
    stage: Arc<Mutex<Stage<N>>>,
    _server: Arc<Server>,
}

impl<N> Clone for StandIn<N> {
    fn clone(&self) -> Self {
        Self {
            url: self.url.clone(),
            stage: Arc::clone(&self.stage),
            _server: Arc::clone(&self._server),
        }
    }
}

struct Server(AbortHandle);

impl Drop for Server {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl<N> StandIn<N> {
    async fn serve(addr: SocketAddr, network: impl FnOnce(&str) -> N) -> io::Result<Self>
    where
        N: Network,
    {
        let listener = TcpListener::bind(addr).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let stage = Arc::new(Mutex::new(Stage {
            network: network(&url),
            faults: VecDeque::new(),
            seen: Vec::new(),
        }));
        let router = Router::new()
            .fallback(serve::<N>)
            .with_state(Arc::clone(&stage));
        let task = tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self {
            url,
            stage,
            _server: Arc::new(Server(task.abort_handle())),
        })
    }

    fn with<R>(&self, use_it: impl FnOnce(&mut N) -> R) -> R {
        use_it(&mut lock(&self.stage).network)
    }

    /// Where it is, to be used in place of the network's own address.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The next request whose `METHOD /path?query` contains `route` meets that fault; several wait
    /// in order.
    pub fn fail_next(&self, route: &str, fault: Fault) {
        lock(&self.stage)
            .faults
            .push_back((route.to_owned(), fault));
    }

    /// Every request so far.
    pub fn requests(&self) -> Vec<Seen> {
        lock(&self.stage).seen.clone()
    }

    /// Forgets the requests so far.
    pub fn clear_requests(&self) {
        lock(&self.stage).seen.clear();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn serve<N: Network>(
    State(stage): State<Arc<Mutex<Stage<N>>>>,
    request: Request,
) -> Response {
    const MOST: usize = 4 << 20;
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, MOST).await else {
        return plain_response(413, "text/plain", "too much".into());
    };
    let call = Call::new(parts, body);
    let (response, wait) = lock(&stage).meet(&call);
    if !wait.is_zero() {
        tokio::time::sleep(wait).await;
    }
    response
}

fn loopback() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

/// The text of a point in time as the networks write it: with milliseconds.
fn written(at: Timestamp) -> String {
    format!("{at:.3}")
}
