//! Refusals in Bluesky's words, and the headers of its rate limits.

use jiff::Timestamp;
use serde_json::json;

use crate::{call::Answer, window::Usage};

/// The window of most limits, in seconds.
pub(super) const FIVE_MINUTES: i64 = 5 * 60;

/// An answer, or a refusal.
pub(super) type Reply = Result<Answer, Answer>;

pub(super) fn refusal(status: u16, error: &str, message: &str) -> Answer {
    Answer::json(status, &json!({"error": error, "message": message}))
}

pub(super) fn bad_request(message: &str) -> Answer {
    refusal(400, "InvalidRequest", message)
}

pub(super) fn internal_error() -> Answer {
    refusal(500, "InternalServerError", "Internal Server Error")
}

pub(super) fn not_implemented() -> Answer {
    refusal(501, "MethodNotImplemented", "Method Not Implemented")
}

pub(super) fn limit_headers(
    usage: &Usage,
    seconds: i64,
    now: Timestamp,
) -> Vec<(&'static str, String)> {
    let mut headers = vec![
        ("ratelimit-limit", usage.limit.to_string()),
        ("ratelimit-remaining", usage.remaining.to_string()),
        ("ratelimit-reset", usage.reset.to_string()),
        ("ratelimit-policy", format!("{};w={seconds}", usage.limit)),
    ];
    if usage.exceeded {
        let wait = (usage.reset - now.as_second()).max(1);
        headers.push(("retry-after", wait.to_string()));
    }
    headers
}
