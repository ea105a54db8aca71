//! Faults: how a stand-in misbehaves when a test or a demo asks it to.

use std::{collections::VecDeque, convert::Infallible, io, time::Duration};

use axum::{
    body::{Body, Bytes},
    response::Response,
};
use futures::stream;

use crate::call::{Call, plain_response};

/// How a stand-in misbehaves, once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The request is refused with this status, in the network's own words. It has no effect.
    Status(u16),
    /// The request is refused with 429 and a reset that many seconds ahead. It has no effect.
    RateLimited {
        /// How long the limit lasts, in seconds of the stand-in's clock.
        for_seconds: i64,
    },
    /// The answer is 200 with a web page, as from a proxy or a captive portal. The request has no
    /// effect.
    Html,
    /// The request takes effect at once; the answer comes only after this long.
    Slow(Duration),
    /// The connection is closed without an answer. The request has no effect.
    Hangup,
    /// The request takes effect; then the connection is closed without an answer.
    AnswerLost,
    /// The answer is 200 with more than 40 MB that look like JSON. The request has no effect.
    Endless,
    /// The request takes effect; the answer is only the first half of the JSON.
    Truncated,
    /// The answer is exactly this. The request has no effect.
    Body {
        /// The HTTP status.
        status: u16,
        /// The value of the header `content-type`.
        content_type: String,
        /// Further headers, by name and value.
        headers: Vec<(String, String)>,
        /// The body, unchanged.
        body: String,
    },
}

/// Faults that wait for a request to their route.
#[derive(Default)]
pub(crate) struct Faults(VecDeque<(String, Fault)>);

impl Faults {
    /// The next request whose `METHOD /path?query` contains `route` gets that fault.
    pub(crate) fn add(&mut self, route: &str, fault: Fault) {
        self.0.push_back((route.to_owned(), fault));
    }

    /// How many wait.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Takes the first fault that waits for this request.
    pub(crate) fn take(&mut self, call: &Call) -> Option<Fault> {
        let line = format!("{} {}", call.method, call.target);
        let is_for_this = |(route, _): &(String, Fault)| line.contains(route.as_str());
        let index = self.0.iter().position(is_for_this)?;
        self.0.remove(index).map(|(_, fault)| fault)
    }
}

pub(crate) fn web_page() -> Response {
    plain_response(
        200,
        "text/html; charset=utf-8",
        "<!DOCTYPE html><html><body><h1>Welcome</h1>Please sign in.</body></html>".into(),
    )
}

/// A body that fails before its first byte, so that hyper closes the connection and does not even
/// send the headers.
pub(crate) fn no_response() -> Response {
    let failed = stream::iter([Err::<Bytes, _>(io::Error::other("the stand-in hangs up"))]);
    Response::new(Body::from_stream(failed))
}

pub(crate) fn endless_response() -> Response {
    const ITEM: &str = r#"{"id":"1","username":"again","name":"And again"},"#;
    let start = Bytes::from_static(br#"{"data":["#);
    let chunk = Bytes::from(ITEM.repeat(1_310));
    let chunks = std::iter::once(start).chain(std::iter::repeat_n(chunk, 700));
    let body = Body::from_stream(stream::iter(chunks.map(Ok::<_, Infallible>)));
    plain_response(200, "application/json; charset=utf-8", body)
}

/// The first half of a body, cut between two characters.
pub(crate) fn first_half(text: &str) -> &str {
    text.get(..text.floor_char_boundary(text.len() / 2))
        .unwrap_or_default()
}
