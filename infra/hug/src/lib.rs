//! The whole stack in one process, with no AWS: through the same two handlers that Lambda runs.
//!
//! # Layout
//!
//! - [`table`]: DynamoDB's API over a file, by dynoxide.
//! - [`pump`]: the table's stream to `invite-follower`, by Lambda's rules.
//! - [`stack`]: both functions over that table; [`stack::Stack::round`] is one tick of the schedule.
//! - [`demo`]: the story in fast motion. [`watch`]: rounds, for as long as one likes. [`sandbox`]:
//!   a table and networks for another program, such as `cargo lambda watch`.
//! - [`retry`]: hugs that are stuck or were given up, put back to work.
//! - [`doctor`]: everything it rests on, looked at without touching it.
//! - [`status`] and [`report`]: what there is and what happened, in words.

pub mod demo;
pub mod doctor;
pub mod pump;
pub mod report;
pub mod retry;
pub mod sandbox;
pub mod stack;
pub mod status;
pub mod table;
pub mod watch;

/// What goes wrong here ends the command, with its words.
pub type Error = Box<dyn std::error::Error + Send + Sync>;
