//! Rate limits: so many requests in a window of time.

use jiff::Timestamp;

/// Counts the requests of one window. The first request opens it; when its time is over, the next
/// request opens a new one.
#[derive(Clone, Copy, Default)]
pub(crate) struct Window {
    opened: Option<Timestamp>,
    used: u32,
}

/// How much of a limit is used, the request that was just counted included.
pub(crate) struct Usage {
    pub(crate) limit: u32,
    pub(crate) remaining: u32,
    /// When the window ends, in unix seconds.
    pub(crate) reset: i64,
    pub(crate) exceeded: bool,
}

impl Usage {
    /// A limit that is used up until `reset`, in unix seconds.
    pub(crate) fn exceeded(limit: u32, reset: i64) -> Self {
        Self {
            limit,
            remaining: 0,
            reset,
            exceeded: true,
        }
    }
}

impl Window {
    /// Counts one request against a limit of `limit` requests in `seconds` seconds.
    pub(crate) fn count(&mut self, now: Timestamp, limit: u32, seconds: i64) -> Usage {
        let opened = match self.opened {
            Some(opened) if now.as_second() < opened.as_second() + seconds => opened,
            _ => {
                self.used = 0;
                now
            }
        };
        self.opened = Some(opened);
        self.used = self.used.saturating_add(1);
        Usage {
            limit,
            remaining: limit.saturating_sub(self.used),
            reset: opened.as_second() + seconds,
            exceeded: self.used > limit,
        }
    }
}
