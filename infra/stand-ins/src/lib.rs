//! Stand-in networks: HTTP servers on this computer that answer as X, Bluesky and Mastodon do.
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
//! Each server also has these routes. Requests to them are not recorded.
//!
//! - `POST /stand-in/follow?n=3&bot=true`: more people follow the creator, genuine ones without `bot`.
//! - `POST /stand-in/unfollow?handle=fan0001`: one of them leaves.
//! - `POST /stand-in/fail?route=/2/tweets&status=503`, or `&rate_limited=60` in seconds: the next request
//!   to that route fails. A body in this request becomes the answer; `&times=3` fails three requests.
//! - `GET /stand-in/sent`: what the accounts posted and sent.
//!
//! # Layout
//!
//! Each file uses only those before it.
//!
//! - `person`: people who follow. `window`: rate limits. `call`: a request and the answer to it.
//!   `fault`: how a stand-in misbehaves.
//! - `backend`: what one network adds. `control`: the routes above. `server`: the HTTP server.
//! - [`x`], [`bluesky`], [`mastodon`]: one network each, with its answers and its facts for the sandbox.
//! - `networks`: all of them together.
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
mod window;

pub mod bluesky;
pub mod mastodon;
pub mod x;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

pub use backend::{Backend, Facts, Message, Post};
pub use call::{Answer, Call};
pub use fault::Fault;
pub use networks::{Networks, secret, secrets};
pub use person::Person;
pub use server::{Seen, StandIn};
