//! The `hug` command: the whole stack in one process, with no AWS, through the same two handlers that Lambda
//! runs; and a creator's hand on any ledger.
//!
//! # Layout
//!
//! Each module uses only modules above it.
//!
//! - [`table`]: DynamoDB's API over a file, by dynoxide. [`place`]: where the ledger is, here or on AWS.
//! - [`event_source_mapping`]: the table's stream to `invite-follower`, by Lambda's rules.
//! - [`stack`]: both functions over that table; [`stack::Stack::round`] is one tick of the schedule.
//! - [`words`], [`trouble`]: what is said of a hug, and what keeps it from its follower.
//! - [`status`], [`report`]: what the ledger holds and what happened, for a person or a program.
//! - [`retry`]: hugs that go back to work. [`doctor`]: everything the promise rests on.
//! - [`watch`]: rounds, one after another. [`sandbox`]: a table and networks for another program, such as
//!   `cargo lambda watch`. [`demo`]: a demo of the whole promise.

pub mod demo;
pub mod doctor;
mod error;
pub mod event_source_mapping;
pub mod place;
pub mod report;
pub mod retry;
pub mod sandbox;
pub mod stack;
pub mod status;
pub mod table;
pub mod trouble;
pub mod watch;
pub mod words;

pub use error::Error;
