//! The `hug` command: the whole stack in one process, with no AWS, through the same two handlers that Lambda
//! runs; and a creator's hand on any ledger.
//!
//! # Layout
//!
//! Each module uses only modules above it.
//!
//! - [`screen`]: what a person reads: width, times, colours. [`private`]: files that only their owner can read. [`secrets_file`]: the secrets of networks. [`dynamodb`]: DynamoDB's API by dynoxide, in this process.
//! - [`table`]: the ledger's table in a file. [`place`]: where the ledger is, here or on AWS. [`port`]: the table for
//!   other programs.
//! - [`event_source_mapping`]: the table's stream to `invite-follower`, by Lambda's rules.
//! - [`news_command`]: the creator's command for news. [`stack`]: both functions over that table;
//!   [`stack::Stack::round`] is one tick of the schedule.
//! - [`words`], [`trouble`], [`view`]: a hug in words; why it is not delivered, and what helps; all of it for a program.
//! - [`songbook`](mod@songbook): the page of the songs in a file. [`status`], [`report`]: what the ledger holds and what happened, for a person or a program.
//! - [`creator`]: the commands that change a hug. [`forget`]: erasing an account or a follower.
//!   [`transfer`]: moving accounts to another ledger. [`doctor`]: tests of everything that the promise needs.
//!   [`who`]: who has a number that is behind.
//! - [`connect`]: a new account, with its secrets. `divided`, [`enroll`]: accounts in the table on AWS, with sealed logins. [`watch`]: rounds, one after another. [`sandbox`]: a table and networks for another program, such as
//!   `cargo lambda watch`. [`demo`]: a demo of the whole promise.

pub mod connect;
pub mod creator;
pub mod demo;
mod divided;
pub mod doctor;
pub mod dynamodb;
pub mod enroll;
mod error;
pub mod event_source_mapping;
pub mod forget;
pub mod news_command;
pub mod place;
pub mod port;
pub mod private;
pub mod report;
pub mod sandbox;
pub mod screen;
pub mod secrets_file;
pub mod songbook;
pub mod stack;
pub mod status;
pub mod table;
pub mod transfer;
pub mod trouble;
pub mod view;
pub mod watch;
pub mod who;
pub mod words;

pub use error::Error;
