//! One known answer, and what it means to the program.

use have_a_hug::network::Failure;

use self::Means::{
    Blocked, BlockedUntil, OutcomeUnknown, Refused, SentBefore, TryAgain, WaitUntil,
};

/// A web page from a proxy or gateway before a network.
pub const PAGE: &str = "<html><body><h1>One moment</h1></body></html>";

/// What an answer means to the program.
#[derive(Clone, Copy, Debug)]
pub enum Means {
    Refused,
    Blocked,
    BlockedUntil(&'static str),
    TryAgain,
    WaitUntil(&'static str),
    OutcomeUnknown,
    SentBefore,
}

impl Means {
    /// The word for this meaning in docs/NETWORKS.md.
    pub fn word(self) -> &'static str {
        match self {
            Refused => "`Refused`",
            Blocked => "`Blocked`",
            BlockedUntil(_) => "`Blocked` until then",
            TryAgain => "`TryAgain`",
            WaitUntil(_) => "`WaitUntil`",
            OutcomeUnknown => "`OutcomeUnknown`",
            SentBefore => "`SentBefore`",
        }
    }

    /// The failure of [`have_a_hug::network::Network::send`].
    pub fn failure(self) -> Failure {
        match self {
            Refused => Failure::Refused,
            Blocked => Failure::Blocked { until: None },
            BlockedUntil(end) => Failure::Blocked {
                until: Some(end.parse().unwrap()),
            },
            TryAgain => Failure::TryAgain,
            WaitUntil(end) => Failure::WaitUntil(end.parse().unwrap()),
            OutcomeUnknown => Failure::OutcomeUnknown,
            SentBefore => Failure::SentBefore,
        }
    }
}

/// One known answer.
pub struct Answer {
    /// The request that gets this answer: a part of `METHOD /path`.
    pub to: &'static str,
    pub status: u16,
    pub header: Option<(&'static str, &'static str)>,
    /// JSON; or a web page, if it begins with `<`.
    pub body: &'static str,
    pub means: Means,
    /// How docs/NETWORKS.md describes it.
    pub shape: &'static str,
    /// Who saw or documented this answer, and when.
    pub source: &'static str,
}
