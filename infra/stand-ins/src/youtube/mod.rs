//! A stand-in for YouTube's Data API v3 and its oEmbed.
//!
//! It is none of the networks: nobody follows there, and no letters are sent. Amber's channel is there from
//! the start, without videos. The list of a channel's uploads has the public videos only, newest first; a
//! list with nothing in it is not found. Whether YouTube does either is not documented.
//!
//! # Layout
//!
//! Each file uses only those before it.
//!
//! - `video`: videos and channels. `refusals`: refusals. `state`: what there is, and the quota.
//! - `parameters`: what a request may ask for. `lists`, `oembed`: what the routes answer. `by_hand`: the
//!   routes under `/stand-in/`.
//! - This file: the routes, and what tests can change and look at.

mod by_hand;
mod lists;
mod oembed;
mod parameters;
mod refusals;
mod state;
#[cfg(test)]
mod tests;
mod video;

use std::io;

use have_a_hug::clock::Clock;
use jiff::Timestamp;

use crate::{
    call::{Answer, Call},
    fault::Fault,
    server::{Seen, Server},
    service::Service,
};
use by_hand::control;
use refusals::{refusal, too_many_requests};

pub use state::{SANDBOX_KEY, State};
pub use video::{AMBER_CHANNEL, Live, Privacy, Station, Video};

/// A running stand-in for YouTube. Clones share one server, which stops when the last clone is dropped.
#[derive(Clone)]
pub struct YouTube(Server<State>);

impl YouTube {
    /// Starts it at a free port of this computer.
    ///
    /// # Errors
    ///
    /// If no port can be opened.
    pub async fn start(clock: Clock) -> io::Result<Self> {
        let server = Server::start(|_| State::empty(clock), control);
        server.await.map(Self)
    }

    /// The address to use in place of `https://youtube.googleapis.com` and `https://www.youtube.com`.
    pub fn url(&self) -> &str {
        self.0.url()
    }

    /// Adds a channel besides Amber's.
    pub fn add_channel(&self, channel: Station) {
        self.0.with(|state| state.stations.push(channel));
    }

    /// Adds a video, or replaces the one with its id.
    pub fn add_video(&self, video: Video) {
        self.0.with(|state| state.add(video));
    }

    /// The video with that id is deleted.
    pub fn remove_video(&self, id: &str) {
        self.0.with(|state| state.remove(id));
    }

    /// How many units the project has used since midnight in California.
    pub fn units_used(&self) -> u32 {
        self.0.with(State::used)
    }

    /// Sets how many units the project has a day; 10,000 otherwise.
    pub fn set_units_a_day(&self, units: u32) {
        self.0.with(|state| state.units_a_day = units);
    }

    /// Whether the project has the API switched on, which it has at the start.
    pub fn set_switched_on(&self, on: bool) {
        self.0.with(|state| state.switched_on = on);
    }

    /// Whether a wrong key is refused as `keyInvalid`, as it once was, or as `badRequest` with
    /// `API_KEY_INVALID` among the details.
    pub fn set_older_key_errors(&self, older: bool) {
        self.0.with(|state| state.older_key_errors = older);
    }

    /// The next request whose `METHOD /path?query` contains `route` gets that fault.
    pub fn fail_next(&self, route: &str, fault: Fault) {
        self.0.fail_next(route, fault);
    }

    /// Every request so far, except those to `/stand-in/`.
    pub fn requests(&self) -> Vec<Seen> {
        self.0.requests()
    }

    /// Forgets the requests so far.
    pub fn clear_requests(&self) {
        self.0.clear_requests();
    }
}

impl Service for State {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn answer(&mut self, call: &Call) -> Answer {
        if call.method == "GET" && call.path == "/oembed" {
            return self.oembed(call);
        }
        let list = match (call.method.as_str(), call.path.as_str()) {
            ("GET", "/youtube/v3/playlistItems") => Self::list_items,
            ("GET", "/youtube/v3/videos") => Self::list_videos,
            ("GET", "/youtube/v3/channels") => Self::list_channels,
            _ => return self.failure(404),
        };
        if let Err(refused) = self.admit(call) {
            return refused;
        }
        let mut answer = list(self, call).unwrap_or_else(|refused| refused);
        answer.authenticated_as = Some("app".to_owned());
        answer
    }

    fn failure(&self, status: u16) -> Answer {
        let (reason, message) = match status {
            400 => ("badRequest", "Bad Request"),
            401 => ("authError", "Invalid Credentials"),
            403 => ("forbidden", "Forbidden"),
            404 => ("notFound", "Not Found"),
            429 => return too_many_requests(),
            503 => ("backendError", "The service is currently unavailable."),
            _ => ("backendError", "Internal error encountered."),
        };
        refusal(status, "global", reason, message)
    }

    fn rate_limited(&self, _for_seconds: i64) -> Answer {
        // YouTube does not say how long the limit lasts.
        too_many_requests()
    }
}
