//! Refusals in YouTube's words.

use serde_json::{Value, json};

use crate::call::Answer;

/// An answer, or a refusal.
pub(super) type Reply = Result<Answer, Answer>;

/// A refusal: its status, the reason and its domain, and the message.
pub(super) fn refusal(status: u16, domain: &str, reason: &str, message: &str) -> Answer {
    let error = json!({"message": message, "domain": domain, "reason": reason});
    body(status, message, error)
}

/// A refusal because of a parameter.
pub(super) fn about(parameter: &str, status: u16, reason: &str, message: &str) -> Answer {
    let error = json!({
        "message": message,
        "domain": "youtube.parameter",
        "reason": reason,
        "location": parameter,
        "locationType": "parameter",
    });
    body(status, message, error)
}

fn body(status: u16, message: &str, error: Value) -> Answer {
    let error = json!({"code": status, "message": message, "errors": [error]});
    Answer::json(status, &json!({ "error": error }))
}

/// A refusal by Google's gate before YouTube, which adds a word for the status and details.
fn at_the_gate(status: u16, first: Value, word: &str, reason: &str) -> Answer {
    let message = first["message"].clone();
    let details = json!({
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": reason,
        "domain": "googleapis.com",
        "metadata": {"service": "youtube.googleapis.com"},
    });
    let error = json!({
        "code": status, "message": message, "errors": [first], "status": word, "details": [details],
    });
    Answer::json(status, &json!({ "error": error }))
}

pub(super) fn no_key() -> Answer {
    let message = "Method doesn't allow unregistered callers (callers without established \
                   identity). Please use API Key or other form of API consumer identity to call \
                   this API.";
    refusal(403, "global", "forbidden", message)
}

/// A key that is none; by its older name, or as Google says it today.
pub(super) fn invalid_key(older: bool) -> Answer {
    if older {
        return refusal(400, "usageLimits", "keyInvalid", "Bad Request");
    }
    let message = "API key not valid. Please pass a valid API key.";
    let first = json!({"message": message, "domain": "global", "reason": "badRequest"});
    at_the_gate(400, first, "INVALID_ARGUMENT", "API_KEY_INVALID")
}

pub(super) fn not_switched_on() -> Answer {
    let message = "YouTube Data API v3 has not been used in project 600600600600 before or it is \
                   disabled. Enable it by visiting https://console.developers.google.com/apis/api/youtube.googleapis.com/overview?project=600600600600 \
                   then retry. If you enabled this API recently, wait a few minutes for the action \
                   to propagate to our systems and retry.";
    let first = json!({
        "message": message, "domain": "usageLimits", "reason": "accessNotConfigured",
        "extendedHelp": "https://console.developers.google.com",
    });
    at_the_gate(403, first, "PERMISSION_DENIED", "SERVICE_DISABLED")
}

pub(super) fn quota_exceeded() -> Answer {
    let message = "The request cannot be completed because you have exceeded your \
                   <a href=\"/youtube/v3/getting-started#quota\">quota</a>.";
    refusal(403, "youtube.quota", "quotaExceeded", message)
}

pub(super) fn too_many_requests() -> Answer {
    let message = "Quota exceeded for quota metric 'Queries' and limit 'Queries per minute' of \
                   service 'youtube.googleapis.com' for consumer 'project_number:600600600600'.";
    let first = json!({"message": message, "domain": "global", "reason": "rateLimitExceeded"});
    at_the_gate(429, first, "RESOURCE_EXHAUSTED", "RATE_LIMIT_EXCEEDED")
}
