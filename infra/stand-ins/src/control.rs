//! The routes under `/stand-in/`, by which a person moves a network by hand.

use std::time::Duration;

use serde_json::json;

use crate::{
    backend::Backend,
    call::{Answer, Call},
    fault::{Fault, Faults},
    person::Person,
};

/// Where the paths of these routes begin.
pub(crate) const PREFIX: &str = "/stand-in/";

/// The answer to a request to control the stand-in; `None` if the request is for the network.
pub(crate) fn control<B: Backend + ?Sized>(
    call: &Call,
    backend: &mut B,
    faults: &mut Faults,
) -> Option<Answer> {
    let command = call.path.strip_prefix(PREFIX)?;
    Some(match (call.method.as_str(), command) {
        ("POST", "follow") => follow(call, backend),
        ("POST", "unfollow") => {
            let handle = call.parameter("handle").unwrap_or_default();
            if backend.unfollow(handle) {
                Answer::ok(&json!({"followers": backend.follower_count()}))
            } else {
                Answer::json(404, &json!({"error": "no follower has that handle"}))
            }
        }
        ("POST", "answer") => answer(call, backend),
        ("POST", "delete") => {
            if backend.delete_post(call.parameter("id").unwrap_or_default()) {
                Answer::ok(&json!({}))
            } else {
                Answer::json(404, &json!({"error": "no post has that id"}))
            }
        }
        ("POST", "fail") => fail(call, faults),
        ("GET", "sent") => Answer::ok(&json!({
            "posts": backend.posts(),
            "messages": backend.messages(),
        })),
        _ => Answer::json(
            404,
            &json!({"error": "it is not one of POST follow, POST unfollow, POST answer, POST delete, POST fail, GET sent"}),
        ),
    })
}

/// Lets the next request to a route fail.
pub(crate) fn fail(call: &Call, faults: &mut Faults) -> Answer {
    let number = |name| call.parameter(name).and_then(|text| text.parse().ok());
    let (status, body) = (number("status"), call.text());
    let status = status.and_then(|status| u16::try_from(status).ok());
    let slow = number("slow").and_then(|seconds| u64::try_from(seconds).ok());
    let fault = match (status, number("rate_limited"), slow) {
        (Some(status @ 200..600), None, None) if !body.is_empty() => Some(Fault::Body {
            status,
            content_type: call.header("content-type").unwrap_or_default().to_owned(),
            headers: Vec::new(),
            body,
        }),
        (Some(status @ 400..600), None, None) => Some(Fault::Status(status)),
        (None, Some(for_seconds), None) => Some(Fault::RateLimited { for_seconds }),
        (None, None, Some(seconds)) => Some(Fault::Slow(Duration::from_secs(seconds))),
        _ => None,
    };
    let times = call.parameter("times").map_or(Ok(1), str::parse::<u8>);
    let (Some(fault), Some(route), Ok(times)) = (fault, call.parameter("route"), times) else {
        let error = "write route=PART_OF_PATH and status=503 (a body in this request becomes the answer), or rate_limited=60 or slow=5 in seconds; times=3 repeats it";
        return Answer::json(400, &json!({ "error": error }));
    };
    (0..times).for_each(|_| faults.add(route, fault.clone()));
    Answer::ok(&json!({"waiting": faults.len()}))
}

fn answer<B: Backend + ?Sized>(call: &Call, backend: &mut B) -> Answer {
    let to = call.parameter("to").map(str::to_owned);
    let to = to.or_else(|| backend.newest_post());
    let (Some(handle), Some(text)) = (call.parameter("handle"), call.parameter("text")) else {
        let error = "write handle=fan0001 and text=WORDS; to=ID if it is not for the newest post";
        return Answer::json(400, &json!({ "error": error }));
    };
    let Some(to) = to else {
        return Answer::json(404, &json!({"error": "the creator has posted nothing"}));
    };
    let id = backend.add_answer(handle, text, &to);
    Answer::ok(&json!({"id": id, "to": to}))
}

fn follow<B: Backend + ?Sized>(call: &Call, backend: &mut B) -> Answer {
    const MAX_AT_ONCE: usize = 100_000;
    let count = call.parameter("n").map_or(Ok(1), str::parse::<usize>);
    let Some(count) = count.ok().filter(|count| *count <= MAX_AT_ONCE) else {
        let error = format!("n must be a number up to {MAX_AT_ONCE}");
        return Answer::json(400, &json!({ "error": error }));
    };
    let make = match call.parameter("bot") {
        Some("true") => Person::bot,
        _ => Person::fan,
    };
    let now = backend.now();
    let new: Vec<Person> = (1..)
        .map(|n| make(n, now))
        .filter(|person| !backend.has(person))
        .take(count)
        .collect();
    let added: Vec<String> = new.iter().map(|person| person.handle.clone()).collect();
    new.into_iter().for_each(|person| backend.follow(person));
    Answer::ok(&json!({"followers": backend.follower_count(), "added": added}))
}
