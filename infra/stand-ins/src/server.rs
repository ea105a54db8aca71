//! The HTTP server of a stand-in: it records requests, applies faults, and asks the service for answers.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::{
    Router,
    extract::Request,
    http::{HeaderName, HeaderValue, header::DATE},
    response::Response,
};
use jiff::Timestamp;
use tokio::{net::TcpListener, task::AbortHandle};

use crate::{
    call::{Answer, Call, plain_response},
    fault::{Fault, Faults, endless_response, first_half, no_response, web_page},
    service::Service,
};

/// What answers the requests under `/stand-in/`; `None` for all others.
pub(crate) type Control<S> = fn(&Call, &mut S, &mut Faults) -> Option<Answer>;

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

/// A running server. Clones share one, which stops when the last clone is dropped.
pub(crate) struct Server<S: ?Sized> {
    url: String,
    inner: Shared<S>,
    task: Arc<Task>,
}

/// A service, the faults that wait for it, and the requests that it received.
pub(crate) struct Inner<S: ?Sized> {
    /// How long every answer is held back.
    delay: Duration,
    faults: Faults,
    seen: Vec<Seen>,
    service: S,
}

/// What the server and those who hold it share.
pub(crate) type Shared<S> = Arc<Mutex<Inner<S>>>;

/// The server's task, which ends with this value.
struct Task(AbortHandle);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl<S: ?Sized> Clone for Server<S> {
    fn clone(&self) -> Self {
        Self {
            url: self.url.clone(),
            inner: Arc::clone(&self.inner),
            task: Arc::clone(&self.task),
        }
    }
}

impl<S: Service> Server<S> {
    /// Starts it at a free port of this computer; `make` is given the address.
    pub(crate) async fn start(
        make: impl FnOnce(&str) -> S,
        control: Control<S>,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let inner = Arc::new(Mutex::new(Inner {
            delay: Duration::ZERO,
            faults: Faults::default(),
            seen: Vec::new(),
            service: make(&url),
        }));
        let shared = Arc::clone(&inner);
        let answer = move |request| serve(Arc::clone(&shared), control, request);
        let router = Router::new().fallback(answer);
        let task = tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self {
            url,
            inner,
            task: Arc::new(Task(task.abort_handle())),
        })
    }

    /// The same server, whose service is now known by one of its traits alone.
    pub(crate) fn map<T: ?Sized>(self, widen: fn(Shared<S>) -> Shared<T>) -> Server<T> {
        Server {
            url: self.url,
            inner: widen(self.inner),
            task: self.task,
        }
    }
}

impl<S: ?Sized> Server<S> {
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn fail_next(&self, route: &str, fault: Fault) {
        lock(&self.inner).faults.add(route, fault);
    }

    pub(crate) fn slow_down(&self, delay: Duration) {
        lock(&self.inner).delay = delay;
    }

    pub(crate) fn requests(&self) -> Vec<Seen> {
        lock(&self.inner).seen.clone()
    }

    pub(crate) fn clear_requests(&self) {
        lock(&self.inner).seen.clear();
    }

    /// Uses the service, which answers no request meanwhile.
    pub(crate) fn with<R>(&self, f: impl FnOnce(&mut S) -> R) -> R {
        f(&mut lock(&self.inner).service)
    }
}

impl<S: Service> Inner<S> {
    /// Answers a request, and says how long to hold the answer back.
    fn handle(&mut self, call: &Call, control: Control<S>) -> (Response, Duration) {
        if let Some(answer) = control(call, &mut self.service, &mut self.faults) {
            return (answer.into_response(), Duration::ZERO);
        }
        let fault = self.faults.take(call);
        let wait = match fault {
            Some(Fault::Slow(duration)) => duration,
            _ => self.delay,
        };
        let mut authenticated_as = None;
        let response = match fault {
            None => Some(self.answer(call, &mut authenticated_as).into_response()),
            Some(fault) => self.misbehave(fault, call, &mut authenticated_as),
        };
        let now = self.service.now();
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
        let answer = self.service.answer(call);
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
            Fault::Status(status) => Some(self.service.failure(status).into_response()),
            Fault::RateLimited { for_seconds } => {
                Some(self.service.rate_limited(for_seconds).into_response())
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

async fn serve<S: Service>(inner: Shared<S>, control: Control<S>, request: Request) -> Response {
    const MAX_BODY_BYTES: usize = 4 << 20;
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, MAX_BODY_BYTES).await else {
        return plain_response(413, "text/plain", "the body is too large".into());
    };
    let call = Call::new(parts, body);
    let (response, wait) = lock(&inner).handle(&call, control);
    if !wait.is_zero() {
        tokio::time::sleep(wait).await;
    }
    response
}

fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
