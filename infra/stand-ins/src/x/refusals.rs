//! Refusals in X's words, and the headers of its rate limits.

use serde_json::{Value, json};

use crate::{call::Answer, window::Usage};

const INVALID_REQUEST: &str = "https://api.x.com/2/problems/invalid-request";
const NOT_FOUND: &str = "https://api.x.com/2/problems/resource-not-found";

pub(super) fn problem(status: u16, title: &str, detail: &str) -> Answer {
    let body = json!({"title": title, "detail": detail, "type": "about:blank", "status": status});
    problem_json(status, &body)
}

fn problem_json(status: u16, body: &Value) -> Answer {
    let mut answer = Answer::json(status, body);
    answer.content_type = "application/problem+json; charset=utf-8";
    answer
}

pub(super) fn forbidden(detail: &str) -> Answer {
    problem(403, "Forbidden", detail)
}

pub(super) fn unsupported_authentication() -> Answer {
    let body = json!({
        "title": "Unsupported Authentication",
        "detail": "Authenticating with OAuth 2.0 Application-Only is forbidden for this endpoint.  \
                   Supported authentication types are [OAuth 1.0a User Context, OAuth 2.0 User \
                   Context].",
        "type": "https://api.x.com/2/problems/unsupported-authentication",
        "status": 403,
    });
    problem_json(403, &body)
}

pub(super) fn not_permitted() -> Answer {
    let body = json!({
        "title": "Forbidden",
        "detail": "Your client app is not configured with the appropriate oauth1 app permissions for this endpoint.",
        "type": "https://api.twitter.com/2/problems/oauth1-permissions",
        "status": 403,
    });
    problem_json(403, &body)
}

pub(super) fn invalid(parameter: &str, value: &str, message: &str) -> Answer {
    let body = json!({
        "errors": [{"parameters": {parameter: [value]}, "message": message}],
        "title": "Invalid Request",
        "detail": "One or more parameters to your request was invalid.",
        "type": INVALID_REQUEST,
    });
    Answer::json(400, &body)
}

/// The error for a user who is not there or not shown.
pub(super) fn missing_user(parameter: &str, value: &str, title: &str, detail: &str) -> Value {
    json!({
        "value": value,
        "detail": detail,
        "title": title,
        "resource_type": "user",
        "parameter": parameter,
        "resource_id": value,
        "type": NOT_FOUND,
    })
}

pub(super) fn unauthorized(id: &str) -> Value {
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

pub(super) fn with_errors(data: Vec<Value>, errors: Vec<Value>) -> Value {
    match (data.is_empty(), errors.is_empty()) {
        (_, true) => json!({"data": data}),
        (true, false) => json!({"errors": errors}),
        (false, false) => json!({"data": data, "errors": errors}),
    }
}

pub(super) fn limit_headers(usage: &Usage) -> Vec<(&'static str, String)> {
    vec![
        ("x-rate-limit-limit", usage.limit.to_string()),
        ("x-rate-limit-remaining", usage.remaining.to_string()),
        ("x-rate-limit-reset", usage.reset.to_string()),
    ]
}
