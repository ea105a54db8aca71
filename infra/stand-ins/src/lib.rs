//! Stand-in networks: HTTP servers on this computer that answer as X, Bluesky, Mastodon and YouTube do.
//!
//! The demo, the sandbox and the tests run on them. They follow the networks' own documents and source
//! code, and are tried with clients that others wrote (`infra/stand-ins/clients`), which cannot tell
//! them from the network. A stand-in keeps everything in memory, takes the time from the
//! [`Clock`](have_a_hug::clock::Clock) that it is given, records every request, and misbehaves when
//! asked to ([`Fault`]).
//!
//! The simulation in `tests/simulation` has a network of its own, which has neither HTTP nor JSON: it
//! tries the rules of the promise, these try the clients of the networks.
//!
//! # By hand
//!
//! Each network also has these routes. Requests to them are not recorded.
//!
//! - `POST /stand-in/follow?n=3&bot=true`: more people follow the creator, genuine ones without `bot`.
//! - `POST /stand-in/unfollow?handle=fan0001`: one of them leaves.
//! - `POST /stand-in/answer?handle=fan0001&text=%40amber%20Rain`: someone, a follower or not, replies to the account's
//!   newest post or, with `&to=ID`, to another. The text has the tag `@amber` because X lets a program reply only to
//!   a post that tags or quotes the account: without the tag the answer is heard, but the song ends as `to_send`.
//! - `POST /stand-in/delete?id=ID`: the author of a post deletes it.
//! - `POST /stand-in/fail?route=/2/tweets&status=503`, or `&rate_limited=60` in seconds: the next request
//!   to that route fails. A body in this request becomes the answer; `&times=3` fails three requests. With `&slow=5` it
//!   is carried out, and answered five seconds later.
//! - `GET /stand-in/sent`: what the accounts posted and sent.
//!
//! An app is approved on X and Mastodon by `GET /oauth/authorize`, with the parameters that a program's login begins with:
//! the page shows the PIN or the code for the first account, and asks nothing.
//!
//! YouTube has `fail`. With `POST /stand-in/video?id=dQw4w9WgXcQ&title=Rain&description=…` Amber publishes a
//! video; `&remove=true` removes the video.
//!
//! # Layout
//!
//! Each file uses only those before it.
//!
//! - `person`: people who follow. `window`: rate limits. `call`: a request and the answer to it.
//!   `fault`: how a stand-in misbehaves.
//! - `service`: what every stand-in says for itself. `server`: the HTTP server.
//! - `backend`: what one network adds. `control`: the routes above. `stand_in`: a running network.
//! - [`x`], [`bluesky`], [`mastodon`]: one network each, with its answers and its facts for the sandbox.
//! - `networks`: all of them together.
//! - [`youtube`]: videos. It has no followers and no letters, so it is none of the networks.
//!
//! A further network is a folder with a type that implements [`Backend`], its `mod` line here, and a line
//! in the list in `networks`.

mod backend;
mod call;
mod control;
mod fault;
mod networks;
mod person;
mod server;
mod service;
mod stand_in;
mod window;

pub mod bluesky;
pub mod mastodon;
pub mod x;
pub mod youtube;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

pub use backend::{Backend, Facts, Message, Post};
pub use call::{Answer, Call};
pub use fault::Fault;
pub use networks::{Networks, secret, secrets};
pub use person::Person;
pub use server::Seen;
pub use service::Service;
pub use stand_in::StandIn;
