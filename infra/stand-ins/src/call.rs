//! A request in its parts, and the answer to it.

use axum::{
    body::{Body, Bytes},
    extract::Query,
    http::{
        HeaderMap, HeaderName, HeaderValue, StatusCode, Uri,
        header::{CONTENT_TYPE, HOST},
        request::Parts,
    },
    response::Response,
};
use jiff::Timestamp;
use serde_json::Value;

/// A request in its parts.
pub struct Call {
    pub(crate) method: String,
    pub(crate) host: String,
    pub(crate) path: String,
    /// The path with the query.
    pub(crate) target: String,
    /// The query's parameters, decoded, in order.
    pub(crate) query: Vec<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
}

impl Call {
    pub(crate) fn new(parts: Parts, body: Bytes) -> Self {
        let uri = &parts.uri;
        let host = parts.headers.get(HOST).and_then(|it| it.to_str().ok());
        Self {
            method: parts.method.as_str().to_owned(),
            host: host.unwrap_or_default().to_owned(),
            path: uri.path().to_owned(),
            target: uri
                .path_and_query()
                .map_or_else(|| uri.path().to_owned(), ToString::to_string),
            query: pairs(uri),
            headers: parts.headers,
            body,
        }
    }

    /// The first value of a parameter of the query.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.query
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// Every value of a parameter of the query.
    pub(crate) fn parameters<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.query
            .iter()
            .filter(move |(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The bearer token.
    pub(crate) fn bearer(&self) -> Option<&str> {
        self.header("authorization")?.strip_prefix("Bearer ")
    }

    /// The body, if the headers say that it is JSON and it is an object.
    pub(crate) fn json(&self) -> Option<Value> {
        self.header("content-type")
            .filter(|kind| kind.starts_with("application/json"))?;
        serde_json::from_slice(&self.body)
            .ok()
            .filter(Value::is_object)
    }

    /// The body as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The fields of a body that is an HTML form.
    pub(crate) fn form(&self) -> Vec<(String, String)> {
        // A form is encoded as a query is.
        let form = format!("/?{}", String::from_utf8_lossy(&self.body));
        form.parse().map_or_else(|_| Vec::new(), |uri| pairs(&uri))
    }
}

fn pairs(uri: &Uri) -> Vec<(String, String)> {
    Query::try_from_uri(uri).map_or_else(|_| Vec::new(), |Query(pairs)| pairs)
}

/// What a network answers, before a fault changes it.
pub struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) content_type: &'static str,
    pub(crate) body: String,
    /// See [`Seen::authenticated_as`](crate::Seen::authenticated_as).
    pub(crate) authenticated_as: Option<String>,
}

impl Answer {
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self {
            status,
            headers: Vec::new(),
            content_type: "application/json; charset=utf-8",
            body: body.to_string(),
            authenticated_as: None,
        }
    }

    pub(crate) fn ok(body: &Value) -> Self {
        Self::json(200, body)
    }

    pub(crate) fn into_response(self) -> Response {
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

pub(crate) fn plain_response(status: u16, content_type: &str, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if let Ok(kind) = HeaderValue::from_str(content_type) {
        response.headers_mut().insert(CONTENT_TYPE, kind);
    }
    response
}

/// A time as the networks write it: in UTC, with milliseconds.
pub(crate) fn timestamp(at: Timestamp) -> String {
    format!("{at:.3}")
}
