//! The HTTP server of a stand-in: it records requests, applies faults, and asks the network for answers.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderName, HeaderValue, header::DATE},
    response::Response,
};
use have_a_hug::clock::Clock;
use jiff::Timestamp;
use tokio::{net::TcpListener, task::AbortHandle};

use crate::{
    backend::{Backend, Facts, Message, Post},
    call::{Answer, Call, plain_response},
    control::control,
    fault::{Fault, Faults, endless_response, first_half, no_response, web_page},
    person::Person,
};

/// A request that a stand-in received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// When, by the stand-in's clock.
    pub at: Timestamp,
    /// `GET`, `POST`, …
    pub method: String,
    /// The path, with the query.
    pub path: String,
    /// The id of the account whose credentials were accepted, or `app` for X's app bearer; `None`
    /// too if a [`Fault`] answered before the credentials were checked.
    pub authenticated_as: Option<String>,
    /// The status of the answer; 0 if the connection was closed without one.
    pub status: u16,
}

/// A running stand-in. Clones share one server, which stops when the last clone is dropped.
pub struct StandIn<B: ?Sized> {
    url: String,
    facts: &'static Facts,
    inner: Arc<Mutex<Inner<B>>>,
    task: Arc<Task>,
}

/// A network, the faults that wait for it, and the requests that it received.
struct Inner<B: ?Sized> {
    faults: Faults,
    seen: Vec<Seen>,
    backend: B,
}

/// The server's task, which ends with this value.
struct Task(AbortHandle);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl<B: ?Sized> Clone for StandIn<B> {
    fn clone(&self) -> Self {
        Self {
            url: self.url.clone(),
            facts: self.facts,
            inner: Arc::clone(&self.inner),
            task: Arc::clone(&self.task),
        }
    }
}

impl<B: Backend> StandIn<B> {
    /// Starts it, with nobody on it, at a free port of this computer.
    ///
    /// # Errors
    ///
    /// If no port can be opened.
    pub async fn start(clock: Clock) -> io::Result<Self> {
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let inner = Arc::new(Mutex::new(Inner {
            faults: Faults::default(),
            seen: Vec::new(),
            backend: B::new(&url, clock),
        }));
        let router = Router::new()
            .fallback(serve::<B>)
            .with_state(Arc::clone(&inner));
        let task = tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self {
            url,
            facts: B::facts(),
            inner,
            task: Arc::new(Task(task.abort_handle())),
        })
    }

    /// Adds a creator's account. [`StandIn::follow`] and most other methods are about the one that
    /// was added first.
    pub fn add_account(&self, account: B::Account) {
        self.with(|backend| backend.add_account(account));
    }

    /// The same server, as one of several networks.
    pub(crate) fn into_dyn(self) -> StandIn<dyn Backend> {
        StandIn {
            url: self.url,
            facts: self.facts,
            inner: self.inner,
            task: self.task,
        }
    }
}

impl<B: Backend + ?Sized> StandIn<B> {
    /// The address to use in place of the network's own.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The network's facts.
    pub fn facts(&self) -> &'static Facts {
        self.facts
    }

    /// `person` follows the first account, as its newest follower.
    pub fn follow(&self, person: Person) {
        self.with(|backend| backend.follow(person));
    }

    /// The follower with that handle leaves the first account.
    pub fn unfollow(&self, handle: &str) {
        self.with(|backend| backend.unfollow(handle));
    }

    /// The account with that handle is suspended or deactivated: still counted, no longer listed.
    pub fn hide(&self, handle: &str) {
        self.with(|backend| backend.hide(handle));
    }

    /// How many follow the first account, as the network counts them.
    pub fn follower_count(&self) -> u64 {
        self.with(|backend| backend.follower_count())
    }

    /// The posts that accounts made, oldest first.
    pub fn posts(&self) -> Vec<Post> {
        self.with(|backend| backend.posts())
    }

    /// The private messages that accounts sent, oldest first.
    pub fn messages(&self) -> Vec<Message> {
        self.with(|backend| backend.messages())
    }

    /// The next request whose `METHOD /path?query` contains `route` gets that fault. Several faults
    /// for one route are used in the order in which they were added.
    pub fn fail_next(&self, route: &str, fault: Fault) {
        lock(&self.inner).faults.add(route, fault);
    }

    /// Every request so far, except those to `/stand-in/`.
    pub fn requests(&self) -> Vec<Seen> {
        lock(&self.inner).seen.clone()
    }

    /// Forgets the requests so far.
    pub fn clear_requests(&self) {
        lock(&self.inner).seen.clear();
    }

    /// Uses the network, which answers no request meanwhile.
    pub(crate) fn with<R>(&self, f: impl FnOnce(&mut B) -> R) -> R {
        f(&mut lock(&self.inner).backend)
    }
}

impl<B: Backend> Inner<B> {
    /// Answers a request, and says how long to hold the answer back.
    fn handle(&mut self, call: &Call) -> (Response, Duration) {
        if let Some(answer) = control(call, &mut self.backend, &mut self.faults) {
            return (answer.into_response(), Duration::ZERO);
        }
        let fault = self.faults.take(call);
        let wait = match fault {
            Some(Fault::Slow(duration)) => duration,
            _ => Duration::ZERO,
        };
        let mut authenticated_as = None;
        let response = match fault {
            None => Some(self.answer(call, &mut authenticated_as).into_response()),
            Some(fault) => self.misbehave(fault, call, &mut authenticated_as),
        };
        let now = self.backend.now();
        self.seen.push(Seen {
            at: now,
            method: call.method.clone(),
            path: call.target.clone(),
            authenticated_as,
            status: response.as_ref().map_or(0, |it| it.status().as_u16()),
        });
        (response.map_or_else(no_response, |it| dated(it, now)), wait)
    }

    fn answer(&mut self, call: &Call, authenticated_as: &mut Option<String>) -> Answer {
        let answer = self.backend.answer(call);
        authenticated_as.clone_from(&answer.authenticated_as);
        answer
    }

    /// What is sent in place of the answer; `None` if nothing is.
    fn misbehave(
        &mut self,
        fault: Fault,
        call: &Call,
        authenticated_as: &mut Option<String>,
    ) -> Option<Response> {
        match fault {
            Fault::Status(status) => Some(self.backend.failure(status).into_response()),
            Fault::RateLimited { for_seconds } => {
                Some(self.backend.rate_limited(for_seconds).into_response())
            }
            Fault::Html => Some(web_page()),
            Fault::Slow(_) => Some(self.answer(call, authenticated_as).into_response()),
            Fault::Hangup => None,
            Fault::AnswerLost => {
                self.answer(call, authenticated_as);
                None
            }
            Fault::Endless => Some(endless_response()),
            Fault::Truncated => {
                let mut answer = self.answer(call, authenticated_as);
                answer.body = first_half(&answer.body).to_owned();
                Some(answer.into_response())
            }
            Fault::Body {
                status,
                content_type,
                headers,
                body,
            } => {
                let mut response = plain_response(status, &content_type, body.into());
                for (name, value) in headers {
                    if let (Ok(name), Ok(value)) = (name.parse(), HeaderValue::from_str(&value)) {
                        response.headers_mut().insert::<HeaderName>(name, value);
                    }
                }
                Some(response)
            }
        }
    }
}

/// The response with the stand-in's time in its header `date`.
fn dated(mut response: Response, now: Timestamp) -> Response {
    let date = now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    if let Ok(date) = HeaderValue::from_str(&date) {
        response.headers_mut().insert(DATE, date);
    }
    response
}

async fn serve<B: Backend>(
    State(inner): State<Arc<Mutex<Inner<B>>>>,
    request: Request,
) -> Response {
    const MAX_BODY_BYTES: usize = 4 << 20;
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, MAX_BODY_BYTES).await else {
        return plain_response(413, "text/plain", "the body is too large".into());
    };
    let call = Call::new(parts, body);
    let (response, wait) = lock(&inner).handle(&call);
    if !wait.is_zero() {
        tokio::time::sleep(wait).await;
    }
    response
}

fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
