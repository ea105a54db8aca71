//! What a request may ask for, and the pages of its answer.

use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::{Map, Value, json};

use super::refusals::{about, refusal};
use crate::call::{Answer, Call};

/// The values of a parameter, with commas between them or repeated.
pub(super) fn values<'a>(call: &'a Call, name: &'a str) -> Vec<&'a str> {
    let all = call.parameters(name).flat_map(|value| value.split(','));
    all.map(str::trim).filter(|it| !it.is_empty()).collect()
}

/// The parts that a request asks for. Each must be in `known`, a list of names with spaces between them.
pub(super) fn parts<'a>(call: &'a Call, known: &str) -> Result<Vec<&'a str>, Answer> {
    let parts = values(call, "part");
    if parts.is_empty() {
        let message = "Required parameter: part";
        return Err(refusal(400, "global", "required", message));
    }
    for part in &parts {
        if !known.split(' ').any(|it| it == *part) {
            return Err(about("part", 400, "unknownPart", &format!("'{part}'")));
        }
    }
    Ok(parts)
}

/// A page of a list.
pub(super) struct Page<T> {
    pub(super) items: Vec<T>,
    start: usize,
    size: usize,
    total: usize,
}

impl<T> Page<T> {
    /// Cuts the page that a request asks for out of a list.
    pub(super) fn cut(call: &Call, all: Vec<T>) -> Result<Self, Answer> {
        let size = size(call)?;
        let start = start(call)?;
        let total = all.len();
        let items = all.into_iter().skip(start).take(size).collect();
        Ok(Self {
            items,
            start,
            size,
            total,
        })
    }

    /// The body of an answer with these items of that kind.
    pub(super) fn answer(&self, kind: &str, items: &[Value]) -> Answer {
        let mut body = Map::new();
        body.insert(
            "kind".to_owned(),
            json!(format!("youtube#{kind}ListResponse")),
        );
        body.insert("etag".to_owned(), json!(etag(&format!("{items:?}"))));
        if self.start + self.size < self.total {
            body.insert(
                "nextPageToken".to_owned(),
                json!(token(self.start + self.size)),
            );
        }
        if self.start > 0 {
            let before = self.start.saturating_sub(self.size);
            body.insert("prevPageToken".to_owned(), json!(token(before)));
        }
        body.insert("items".to_owned(), json!(items));
        body.insert(
            "pageInfo".to_owned(),
            json!({"totalResults": self.total, "resultsPerPage": self.size}),
        );
        Answer::ok(&Value::Object(body))
    }
}

fn size(call: &Call) -> Result<usize, Answer> {
    const DEFAULT: usize = 5;
    const MAX: usize = 50;
    let Some(text) = call.parameter("maxResults") else {
        return Ok(DEFAULT);
    };
    text.parse()
        .ok()
        .filter(|size| *size <= MAX)
        .ok_or_else(|| {
            let message =
                format!("Invalid value '{text}'. Values must be within the range: [0, {MAX}]");
            about("maxResults", 400, "invalidParameter", &message)
        })
}

fn start(call: &Call) -> Result<usize, Answer> {
    let Some(text) = call.parameter("pageToken").filter(|it| !it.is_empty()) else {
        return Ok(0);
    };
    let number = text.strip_prefix("EAA").and_then(|it| it.parse().ok());
    number.ok_or_else(|| {
        let message = "The request specifies an invalid page token.";
        about("pageToken", 400, "invalidPageToken", message)
    })
}

fn token(start: usize) -> String {
    format!("EAA{start:06}")
}

/// A mark that changes with what it marks.
pub(super) fn etag(text: &str) -> String {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}
