//! What a request says, and the refusals of what it says wrong.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::{Answer, Call, Reading};

pub(super) fn needed<'a>(call: &'a Call, name: &str) -> Result<&'a str, Answer> {
    call.parameter(name)
        .filter(|value| !value.is_empty())
        .ok_or_else(|| bad_request(&format!(r#"Error: Params must have the property "{name}""#)))
}

pub(super) fn limit(call: &Call) -> Result<usize, Answer> {
    const DEFAULT: usize = 50;
    let Some(text) = call.parameter("limit") else {
        return Ok(DEFAULT);
    };
    match text.parse() {
        Ok(0) => Err(bad_request("Error: limit can not be less than 1")),
        Ok(limit @ 1..=100) => Ok(limit),
        Ok(_) => Err(bad_request("Error: limit can not be greater than 100")),
        Err(_) => Err(bad_request("Error: limit must be an integer")),
    }
}

pub(super) fn input(call: &Call) -> Result<Value, Answer> {
    call.json()
        .ok_or_else(|| bad_request("Request encoding (Content-Type) must be application/json"))
}

pub(super) fn required<'a>(body: &'a Value, name: &str) -> Result<&'a str, Answer> {
    body.get(name)
        .and_then(Value::as_str)
        .ok_or_else(|| bad_request(&format!(r#"Error: Input must have the property "{name}""#)))
}

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
    reading: &Reading,
    seconds: i64,
    now: Timestamp,
) -> Vec<(&'static str, String)> {
    let mut headers = vec![
        ("ratelimit-limit", reading.limit.to_string()),
        ("ratelimit-remaining", reading.remaining.to_string()),
        ("ratelimit-reset", reading.reset.to_string()),
        ("ratelimit-policy", format!("{};w={seconds}", reading.limit)),
    ];
    if reading.exceeded {
        let wait = (reading.reset - now.as_second()).max(1);
        headers.push(("retry-after", wait.to_string()));
    }
    headers
}
