//! Refusals in Mastodon's words, and the headers of its rate limit.

use jiff::Timestamp;
use serde_json::json;

use crate::{call::Answer, window::Usage};

/// Requests of one token in [`FIVE_MINUTES`].
pub(super) const MAX_REQUESTS: u32 = 300;

/// The window of the limit, in seconds.
pub(super) const FIVE_MINUTES: i64 = 5 * 60;

/// An answer, or a refusal.
pub(super) type Reply = Result<Answer, Answer>;

pub(super) fn refusal(status: u16, error: &str) -> Answer {
    Answer::json(status, &json!({ "error": error }))
}

pub(super) fn not_found() -> Answer {
    refusal(404, "Record not found")
}

pub(super) fn web_page(status: u16) -> Answer {
    let mut answer = refusal(status, "");
    answer.content_type = "text/html; charset=utf-8";
    answer.body = "<!DOCTYPE html><html><head><title>We're sorry, but something went wrong</title></head><body></body></html>".to_owned();
    answer
}

pub(super) fn limit_headers(usage: &Usage) -> Vec<(&'static str, String)> {
    let reset = Timestamp::from_second(usage.reset).unwrap_or(Timestamp::MAX);
    vec![
        ("x-ratelimit-limit", usage.limit.to_string()),
        ("x-ratelimit-remaining", usage.remaining.to_string()),
        // Mastodon writes a date and time with microseconds, not unix seconds.
        ("x-ratelimit-reset", format!("{reset:.6}")),
    ]
}
