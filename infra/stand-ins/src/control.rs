//! The routes under `/stand-in/`, by which a person moves a network by hand.

use serde_json::json;

use crate::{
    backend::Backend,
    call::{Answer, Call},
    fault::{Fault, Faults},
    person::Person,
};

const PREFIX: &str = "/stand-in/";

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
        ("POST", "fail") => fail(call, faults),
        ("GET", "sent") => Answer::ok(&json!({
            "posts": backend.posts(),
            "messages": backend.messages(),
        })),
        _ => Answer::json(
            404,
            &json!({"error": "it is not one of POST follow, POST unfollow, POST fail, GET sent"}),
        ),
    })
}

fn fail(call: &Call, faults: &mut Faults) -> Answer {
    let number = |name| call.parameter(name).and_then(|text| text.parse().ok());
    let fault = match (number("status"), number("rate_limited")) {
        (Some(status), None) if (400..600).contains(&status) => {
            u16::try_from(status).ok().map(Fault::Status)
        }
        (None, Some(for_seconds)) => Some(Fault::RateLimited { for_seconds }),
        _ => None,
    };
    let (Some(fault), Some(route)) = (fault, call.parameter("route")) else {
        let error = "write route=PART_OF_PATH and status=503, or rate_limited=60 in seconds";
        return Answer::json(400, &json!({ "error": error }));
    };
    faults.add(route, fault);
    Answer::ok(&json!({"waiting": faults.len()}))
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
