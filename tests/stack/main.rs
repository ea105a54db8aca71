//! The whole stack under test: the real handlers over a real DynamoDB API, and stand-in networks over real HTTP.
//! `world.rs` builds it; every other file is about one kind of promise.

#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]
#![allow(unreachable_pub, reason = "nothing uses a test program")]

mod accounts;
mod answers;
mod approval;
mod bad_input;
mod bluesky;
mod brake;
mod cost;
mod earlier;
mod enrolled;
mod events;
mod faults;
mod heard;
mod invitation;
mod letters;
mod many;
mod mastodon;
mod news;
mod pages;
mod profiles;
mod promise;
mod publish;
mod rights;
mod songbook;
mod stream;
mod topic;
mod world;
