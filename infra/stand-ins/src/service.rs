//! What every stand-in says for itself, whether people follow someone on it or not.

use jiff::Timestamp;

use crate::call::{Answer, Call};

/// Something that answers requests as another's server does.
pub trait Service: Send + 'static {
    /// The time by its clock.
    fn now(&self) -> Timestamp;

    /// Does what a request asks, and answers it.
    fn answer(&mut self, call: &Call) -> Answer;

    /// A refusal with that status, in its own words.
    fn failure(&self, status: u16) -> Answer;

    /// A refusal because of a rate limit that ends in `for_seconds` seconds.
    fn rate_limited(&self, for_seconds: i64) -> Answer;
}
