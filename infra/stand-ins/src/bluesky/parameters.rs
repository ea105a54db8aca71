//! The parameters and the body of a request.

use serde_json::Value;

use super::refusals::{bad_request, internal_error};
use crate::call::{Answer, Call};

/// A parameter of the query that must be there.
pub(super) fn needed<'a>(call: &'a Call, name: &str) -> Result<&'a str, Answer> {
    call.parameter(name)
        .filter(|value| !value.is_empty())
        .ok_or_else(|| bad_request(&format!(r#"Error: Params must have the property "{name}""#)))
}

/// The size of a page: 1 to 100, 50 if the request does not say.
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

/// A number from 0 to `max`, or the default if the request does not say.
pub(super) fn number(call: &Call, name: &str, default: usize, max: usize) -> Result<usize, Answer> {
    let Some(text) = call.parameter(name) else {
        return Ok(default);
    };
    match text.parse() {
        Ok(number) if number <= max => Ok(number),
        Ok(_) => Err(bad_request(&format!(
            "Error: {name} can not be greater than {max}"
        ))),
        Err(_) => Err(bad_request(&format!("Error: {name} must be an integer"))),
    }
}

/// The body as JSON.
pub(super) fn input(call: &Call) -> Result<Value, Answer> {
    call.json()
        .ok_or_else(|| bad_request("Request encoding (Content-Type) must be application/json"))
}

/// A text in the body that must be there.
pub(super) fn required<'a>(body: &'a Value, name: &str) -> Result<&'a str, Answer> {
    body.get(name)
        .and_then(Value::as_str)
        .ok_or_else(|| bad_request(&format!(r#"Error: Input must have the property "{name}""#)))
}

/// The request's cursor: a time in milliseconds and a serial.
pub(super) fn cursor(call: &Call) -> Result<Option<(i64, u64)>, Answer> {
    call.parameter("cursor").map(read_cursor).transpose()
}

fn read_cursor(text: &str) -> Result<(i64, u64), Answer> {
    let pair = |text: &str| {
        let (millis, serial) = text.split_once("::")?;
        Some((millis.parse().ok()?, serial.parse().ok()?))
    };
    pair(text).ok_or_else(internal_error)
}

pub(super) fn write_cursor((millis, serial): (i64, u64)) -> Value {
    Value::String(format!("{millis}::{serial}"))
}
