//! The parameters and the body of a request, and the pages of its answer.

use std::{ops::RangeInclusive, str::FromStr};

use serde_json::{Map, Value, json};

use super::refusals::invalid;
use crate::call::{Answer, Call};

/// A part of a list, and the token of the part after it.
pub(super) struct Page<T> {
    pub(super) items: Vec<T>,
    next: Option<String>,
}

impl<T> Page<T> {
    /// Cuts a page of at most `max` items out of `all`, which is newest first. It starts after the item
    /// whose key is `after`.
    pub(super) fn cut(all: Vec<T>, key: fn(&T) -> u64, after: Option<u64>, max: usize) -> Self {
        let older = |item: &T| after.is_none_or(|after| key(item) < after);
        let mut items: Vec<T> = all.into_iter().filter(older).collect();
        let more = items.len() > max;
        items.truncate(max);
        let last = items.last().filter(|_| more).map(key);
        Self {
            next: last.map(|key| format!("{key:016X}N")),
            items,
        }
    }

    pub(super) fn answer(&self, shown: Vec<Value>, mut meta: Map<String, Value>) -> Value {
        meta.insert("result_count".to_owned(), json!(shown.len()));
        if let Some(token) = &self.next {
            meta.insert("next_token".to_owned(), json!(token));
        }
        if shown.is_empty() {
            json!({"meta": meta})
        } else {
            json!({"data": shown, "meta": meta})
        }
    }
}

/// Refuses a parameter that is not in `known`, a list of names with spaces between them.
pub(super) fn known_parameters(call: &Call, known: &str) -> Result<(), Answer> {
    for (name, value) in &call.query {
        if !contains(known, name) {
            let known = known.replace(' ', ",");
            let message = format!("The query parameter [{name}] is not one of [{known}]");
            return Err(invalid(name, value, &message));
        }
    }
    Ok(())
}

fn contains(names: &str, name: &str) -> bool {
    names.split(' ').any(|known| known == name)
}

/// The size of a page.
pub(super) fn max_results(
    call: &Call,
    allowed: RangeInclusive<usize>,
    default: usize,
) -> Result<usize, Answer> {
    let Some(text) = call.parameter("max_results") else {
        return Ok(default);
    };
    let size = text.parse().ok().filter(|size| allowed.contains(size));
    size.ok_or_else(|| {
        let (min, max) = (allowed.start(), allowed.end());
        let message = format!(
            "The `max_results` query parameter value [{text}] is not between {min} and {max}"
        );
        invalid("max_results", text, &message)
    })
}

/// The key of the item after which the page starts, if the request has a page token.
pub(super) fn after(call: &Call) -> Result<Option<u64>, Answer> {
    let key = |token: &str| u64::from_str_radix(token.strip_suffix('N')?, 16).ok();
    call.parameter("pagination_token")
        .map(|token| key(token).ok_or_else(|| invalid_value("pagination_token", token)))
        .transpose()
}

/// A parameter of another type than text.
pub(super) fn parsed<T: FromStr>(call: &Call, name: &str) -> Result<Option<T>, Answer> {
    call.parameter(name)
        .map(|text| text.parse().map_err(|_| invalid_value(name, text)))
        .transpose()
}

fn invalid_value(name: &str, value: &str) -> Answer {
    let message = format!("The `{name}` query parameter value [{value}] is not valid");
    invalid(name, value, &message)
}

/// The fields that the parameters in `names` ask for. Each must be in `known`; both are lists of names
/// with spaces between them.
pub(super) fn fields<'a>(call: &'a Call, names: &str, known: &str) -> Result<Vec<&'a str>, Answer> {
    let mut wanted = Vec::new();
    for (name, value) in call.query.iter().filter(|(name, _)| contains(names, name)) {
        for field in value.split(',') {
            if !contains(known, field) {
                let known = known.replace(' ', ",");
                let message =
                    format!("The `{name}` query parameter value [{field}] is not one of [{known}]");
                return Err(invalid(name, field, &message));
            }
            wanted.push(field);
        }
    }
    Ok(wanted)
}

/// The values of a parameter with commas between them, each of which must be `valid`.
pub(super) fn list<'a>(
    call: &'a Call,
    name: &'a str,
    valid: fn(&str, &str) -> Result<(), Answer>,
) -> Result<Vec<&'a str>, Answer> {
    const MAX_VALUES: usize = 100;
    let Some(text) = call.parameter(name).filter(|text| !text.is_empty()) else {
        let message = format!("The `{name}` query parameter can not be empty");
        return Err(invalid(name, "", &message));
    };
    let values: Vec<&str> = text.split(',').collect();
    if values.len() > MAX_VALUES {
        let count = values.len();
        let message = format!(
            "The number of values in the `{name}` query parameter list [{count}] is not between 1 and {MAX_VALUES}"
        );
        return Err(invalid(name, text, &message));
    }
    values.iter().try_for_each(|value| valid(name, value))?;
    Ok(values)
}

pub(super) fn valid_id(name: &str, value: &str) -> Result<(), Answer> {
    let digit = |byte: u8| byte.is_ascii_digit();
    matches(name, value, digit, 19, "^[0-9]{1,19}$")
}

pub(super) fn valid_name(name: &str, value: &str) -> Result<(), Answer> {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    matches(name, value, word, 15, "^[A-Za-z0-9_]{1,15}$")
}

fn matches(
    name: &str,
    value: &str,
    allowed: fn(u8) -> bool,
    max: usize,
    pattern: &str,
) -> Result<(), Answer> {
    if value.bytes().all(allowed) && (1..=max).contains(&value.len()) {
        return Ok(());
    }
    let message = format!("The `{name}` query parameter value [{value}] does not match {pattern}");
    Err(invalid(name, value, &message))
}

/// The body as JSON, whose fields must be in `known`, a list of names with spaces between them.
pub(super) fn body_of(call: &Call, known: &str) -> Result<Value, Answer> {
    let body = call.json().ok_or_else(|| {
        let message = "Requests with bodies must have content-type of application/json.";
        invalid("body", "", message)
    })?;
    for key in body.as_object().into_iter().flat_map(Map::keys) {
        if !contains(known, key) {
            let message = format!(
                "$.{key}: is not defined in the schema and the schema does not allow additional properties"
            );
            return Err(invalid(key, "", &message));
        }
    }
    Ok(body)
}
