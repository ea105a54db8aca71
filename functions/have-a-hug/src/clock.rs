//! The time, handed in: nothing else in this crate asks the system for it.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use jiff::Timestamp;

/// Where the time comes from: the system, or a caller that sets it (demo, tests).
///
/// Clones of a clock that is set by hand share its time.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System,
    Hand(Arc<AtomicI64>),
}

impl Clock {
    /// The machine's own clock.
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that shows `start` until [`Clock::advance`] moves it.
    pub fn by_hand(start: Timestamp) -> Self {
        let millis = start.as_millisecond();
        Self(Source::Hand(Arc::new(AtomicI64::new(millis))))
    }

    /// The time now, in whole seconds: nothing needs a finer one, and every recorded time has the same
    /// width.
    pub fn now(&self) -> Timestamp {
        let seconds = match &self.0 {
            Source::System => Timestamp::now().as_second(),
            Source::Hand(millis) => millis.load(Ordering::SeqCst).div_euclid(1000),
        };
        Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX)
    }

    /// Moves a clock that is set by hand forward; the system's clock stays as it is.
    pub fn advance(&self, by: std::time::Duration) {
        if let Source::Hand(millis) = &self.0 {
            let by = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
            millis.fetch_add(by, Ordering::SeqCst);
        }
    }
}
