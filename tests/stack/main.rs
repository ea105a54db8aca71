//! The whole stack under test: the real handlers over a real DynamoDB API, and networks played over
//! real HTTP. `world.rs` builds it; every other file is about one kind of promise.

#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod bad_input;
mod bluesky;
mod command;
mod cost;
mod events;
mod faults;
mod invitation;
mod mastodon;
mod operations;
mod promise;
mod proxy;
mod readme;
mod rights;
mod secrets;
mod stream;
mod world;
