//! The routes under `/stand-in/`, by which a person moves YouTube by hand.

use serde_json::json;

use super::{
    state::State,
    video::{Live, Privacy, Video},
};
use crate::{
    call::{Answer, Call},
    control::{PREFIX, fail},
    fault::Faults,
};

/// The answer to a request to control the stand-in; `None` if the request is for YouTube.
pub(super) fn control(call: &Call, state: &mut State, faults: &mut Faults) -> Option<Answer> {
    let command = call.path.strip_prefix(PREFIX)?;
    Some(match (call.method.as_str(), command) {
        ("POST", "fail") => fail(call, faults),
        ("POST", "video") => change(call, state),
        _ => Answer::json(
            404,
            &json!({"error": "it is not one of POST video, POST fail"}),
        ),
    })
}

/// Amber publishes a video, or it goes again.
fn change(call: &Call, state: &mut State) -> Answer {
    let says = |name: &str, value: &str| call.parameter(name) == Some(value);
    let Some(id) = call.parameter("id") else {
        let error = "write id=ELEVEN_SIGNS and title=WORDS, and if you like description=WORDS, privacy=unlisted or private, live=upcoming, embeddable=false; or id=ELEVEN_SIGNS and remove=true";
        return Answer::json(400, &json!({ "error": error }));
    };
    if says("remove", "true") {
        let status = if state.remove(id) { 200 } else { 404 };
        return Answer::json(status, &json!({ "id": id }));
    }
    let title = call.parameter("title").unwrap_or_default();
    let mut video = Video::by_amber(id, title, state.clock.now());
    video.description = call.parameter("description").unwrap_or_default().to_owned();
    video.embeddable = !says("embeddable", "false");
    if says("privacy", "unlisted") {
        video.privacy = Privacy::Unlisted;
    } else if says("privacy", "private") {
        video.privacy = Privacy::Private;
    }
    if says("live", "upcoming") {
        video.live = Live::Upcoming;
    }
    state.add(video);
    Answer::ok(&json!({ "id": id }))
}
