//! How a delivery ends.

use jiff::Timestamp;
use promise::{
    channel::Channel,
    hug::{Hug, HugKey, Status},
    letter::LetterKind,
};

use crate::{
    ledger::{LedgerError, LedgerFailure},
    network::NetworkError,
    settings::NotServed,
};

/// The result of one delivery.
#[derive(Debug)]
pub struct Delivery {
    /// Which hug was to be delivered.
    pub key: HugKey,
    /// The hug after it; `None` where it could not be read, or does not exist.
    pub hug: Option<Hug>,
    /// How many channels were refused for good.
    pub refused: usize,
    /// How it ended.
    pub result: Result<DeliveryOutcome, DeliverError>,
}

/// How a delivery ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeliveryOutcome {
    /// The letter was sent.
    Sent {
        /// Which letter.
        kind: LetterKind,
        /// How it travelled.
        channel: Channel,
        /// The network's id of it.
        reference: String,
    },
    /// No channel is left for a program: the words wait for the creator's hand.
    ToSend,
    /// Nobody can be named: the creator decides.
    Held {
        /// Why.
        why: String,
    },
    /// Nothing was left to send: the record was delivered before.
    Settled(Status),
    /// Another worker has claimed it; if that worker dies, a check rearms the hug.
    InProgress,
    /// The network asked to wait; a check rearms the hug then.
    Postponed {
        /// Until when.
        until: Timestamp,
    },
    /// It may have arrived; a check rearms the hug, and then the network is asked first.
    InDoubt {
        /// What happened to the response.
        why: String,
    },
    /// The account is served from another ledger.
    Paused,
    /// The ledger does not have this hug.
    Gone,
}

/// A letter that was not sent this time.
#[derive(Clone, Debug, thiserror::Error)]
pub enum DeliverError {
    /// The network failed; nothing was sent.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// The ledger failed.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The account is not served.
    #[error("the letter was not sent: {0}")]
    NotServed(#[from] NotServed),
}

impl DeliverError {
    /// Whether delivering the same record again can work without anyone changing anything.
    pub fn retry_can_help(&self) -> bool {
        match self {
            Self::Network(error) => error.failure.retry_can_help(),
            Self::Ledger(error) => error.failure != LedgerFailure::Final,
            Self::NotServed(why) => why.retry_can_help(),
        }
    }
}
