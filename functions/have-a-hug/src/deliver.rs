//! One delivery of an invitation: claim, send, complete.
//!
//! The claim is recorded before anything is sent, and the words with it. After a crash the next worker knows
//! what may have been sent, and asks the network for exactly that.

use jiff::Timestamp;
use promise::{
    account::AccountName,
    channel::Channel,
    hug::{Hug, HugKey, Invitation, NotClaimable, Status},
    record::HandleRecord,
};

use crate::{
    deps::{Connected, Deps},
    ledger::{LedgerError, LedgerFailure},
    network::{Failure, NetworkError},
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
    /// The invitation was sent, or the draft is ready.
    Invited {
        /// How it travelled.
        channel: Channel,
        /// The network's reference to it, or the draft's link.
        reference: String,
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
    /// No channel is left.
    Undeliverable {
        /// Why.
        why: String,
    },
    /// The ledger does not have this hug.
    Gone,
}

/// An invitation that was not sent this time.
#[derive(Clone, Debug, thiserror::Error)]
pub enum DeliverError {
    /// The network failed; nothing was sent.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// The ledger failed.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The settings do not name the account any more.
    #[error(
        "inviting for {0} failed: the settings name no such account; a retry cannot help before they do"
    )]
    UnknownAccount(AccountName),
}

impl DeliverError {
    /// Whether delivering the same record again can work without anyone changing anything.
    pub fn retry_can_help(&self) -> bool {
        match self {
            Self::Network(error) => error.failure.retry_can_help(),
            Self::Ledger(error) => error.failure != LedgerFailure::Final,
            Self::UnknownAccount(_) => false,
        }
    }
}

/// Delivers one hug's invitation, unless that was done or another worker does it.
pub async fn deliver(deps: &Deps, key: &HugKey) -> Delivery {
    let ended = |hug, refused, result| Delivery {
        key: key.clone(),
        hug,
        refused,
        result,
    };
    let hug = match deps.ledger.hug(key).await {
        Ok(Some(hug)) => hug,
        Ok(None) => return ended(None, 0, Ok(DeliveryOutcome::Gone)),
        Err(error) => return ended(None, 0, Err(error.into())),
    };
    let connected = match find_account(deps, &hug).await {
        Ok(connected) => connected,
        Err(error) => return ended(Some(hug), 0, Err(error)),
    };
    let mut one = OneDelivery {
        deps,
        connected,
        // Words that are there before the claim may have been sent.
        may_have_been_sent: hug.invitation.is_some(),
        hug,
        refused: 0,
    };
    let result = match one.run().await {
        Err(DeliverError::Ledger(error)) if error.failure == LedgerFailure::LostRace => {
            Ok(DeliveryOutcome::InProgress)
        }
        result => result,
    };
    ended(Some(one.hug), one.refused, result)
}

/// The hug's account in the settings; under its new name, if its handle has changed since.
async fn find_account<'a>(deps: &'a Deps, hug: &Hug) -> Result<Connected<'a>, DeliverError> {
    if let Some(found) = deps.connected(&hug.account) {
        return Ok(found);
    }
    let renamed = deps.ledger.account(&hug.key().id).await?;
    let found = renamed.and_then(|account| deps.connected(&account.name));
    found.ok_or_else(|| DeliverError::UnknownAccount(hug.account.clone()))
}

struct OneDelivery<'a> {
    deps: &'a Deps,
    connected: Connected<'a>,
    /// The hug as it was last read or written.
    hug: Hug,
    /// Whether an earlier try may have delivered the words of the hug's invitation.
    may_have_been_sent: bool,
    refused: usize,
}

impl OneDelivery<'_> {
    async fn run(&mut self) -> Result<DeliveryOutcome, DeliverError> {
        match self.hug.claim(self.now()) {
            Ok(claimed) => self.write(claimed).await?,
            Err(NotClaimable::Settled(status)) => return Ok(DeliveryOutcome::Settled(status)),
            Err(NotClaimable::InProgress { .. }) => return Ok(DeliveryOutcome::InProgress),
        }
        loop {
            let Some(channel) = self.hug.next_channel(&self.connected.account.contact) else {
                let why = "every channel was refused".to_owned();
                self.write(self.hug.undeliverable(why.clone(), self.now()))
                    .await?;
                return Ok(DeliveryOutcome::Undeliverable { why });
            };
            if let Some(until) = self.send_limit(channel).await? {
                return self.postpone(until, "the network's rate limit").await;
            }
            let error = match self.deliver_by(channel).await {
                Ok(reference) => {
                    self.write(self.hug.invited(reference.clone(), self.now()))
                        .await?;
                    return Ok(DeliveryOutcome::Invited { channel, reference });
                }
                Err(DeliverError::Network(error)) => error,
                Err(error) => return Err(error),
            };
            if error.failure != Failure::Refused {
                return self.not_sent(error).await;
            }
            tracing::info!(account = %self.connected.account.name, milestone = self.hug.milestone.number(), %channel, %error, "refused for good; trying the next channel");
            self.write(self.hug.refused(channel, error.to_string(), self.now()))
                .await?;
            self.refused += 1;
            self.may_have_been_sent = false;
        }
    }

    fn now(&self) -> Timestamp {
        self.deps.clock.now()
    }

    async fn write(&mut self, next: Hug) -> Result<(), LedgerError> {
        self.deps.ledger.replace_hug(&next).await?;
        self.hug = next;
        Ok(())
    }

    /// Until when the network asked for no more posts; a draft asks nothing of it.
    async fn send_limit(&self, channel: Channel) -> Result<Option<Timestamp>, LedgerError> {
        if channel == Channel::Draft {
            return Ok(None);
        }
        let handle = self
            .deps
            .ledger
            .handle(&self.connected.account.name)
            .await?;
        let limit = handle.and_then(|handle| handle.send_retry_at);
        Ok(limit.filter(|until| *until > self.now()))
    }

    /// Delivers the invitation on that channel and returns the reference to it.
    async fn deliver_by(&mut self, channel: Channel) -> Result<String, DeliverError> {
        let invitation = if let Some(invitation) = &self.hug.invitation {
            invitation.clone()
        } else {
            let invitation = self.compose(channel);
            self.write(self.hug.prepare(invitation.clone(), self.now()))
                .await?;
            invitation
        };
        if channel == Channel::Draft {
            let account = self.connected.account;
            let recipient = self.hug.follower.as_ref();
            let rules = account.rules();
            let server = rules.server(&account.name.handle, account.server.as_deref());
            return Ok(rules.draft_link(&server, recipient, &invitation.text));
        }
        if self.may_have_been_sent {
            if let Some(reference) = self.find(&invitation).await? {
                return Ok(reference);
            }
            let until = invitation.shown_by();
            if until > self.now() {
                let why =
                    format!("it is not among the messages, and may show up there until {until}");
                return Err(self.not_now(Failure::OutcomeUnknown, why).into());
            }
            self.write(self.hug.tried_again(self.now())).await?;
        }
        if !self.hug.time_to_send(self.now()) {
            let why = "too little is left of the time that it may take".to_owned();
            return Err(self.not_now(Failure::TryAgain, why).into());
        }
        let letter = self.hug.letter(&invitation);
        let receipt = self.connected.network.send(&letter).await?;
        Ok(receipt.reference)
    }

    fn compose(&self, channel: Channel) -> Invitation {
        let hug = &self.hug;
        let wording = hug.wording(channel);
        let text = self.deps.settings.text(wording).compose(
            self.connected.account.rules(),
            wording,
            hug.milestone,
            hug.follower.as_ref(),
            &hug.creator,
        );
        Invitation {
            channel,
            text,
            prepared_at: self.now(),
            tried_again_at: None,
            reference: None,
            sent_at: None,
        }
    }

    /// Asks the network for the letter. A failure to answer never refuses it: the next channel must not be
    /// tried, because the follower may have this letter.
    async fn find(&self, invitation: &Invitation) -> Result<Option<String>, NetworkError> {
        let letter = self.hug.letter(invitation);
        let found = self.connected.network.find(&letter).await?;
        Ok(found.map(|receipt| receipt.reference))
    }

    fn not_now(&self, failure: Failure, why: String) -> NetworkError {
        NetworkError {
            failure,
            account: self.hug.account.clone(),
            attempted: "sending the invitation",
            why,
        }
    }

    /// Records why it was not sent, or may not have been, and until when to leave it.
    async fn not_sent(&mut self, error: NetworkError) -> Result<DeliveryOutcome, DeliverError> {
        match error.failure {
            Failure::WaitUntil(until) => {
                let limit = HandleRecord {
                    send_retry_at: Some(until),
                    ..HandleRecord::default()
                };
                let name = &self.connected.account.name;
                self.deps.ledger.remember_limit(name, &limit).await?;
                self.postpone(until, &error.to_string()).await
            }
            Failure::OutcomeUnknown => {
                let why = error.to_string();
                // The claim stays: the network has that long to show what it did.
                self.write(self.hug.in_doubt(why.clone(), self.now()))
                    .await?;
                Ok(DeliveryOutcome::InDoubt { why })
            }
            Failure::TryAgain | Failure::Blocked { .. } | Failure::Refused => {
                self.postpone(self.now(), &error.to_string()).await?;
                Err(error.into())
            }
        }
    }

    async fn postpone(
        &mut self,
        until: Timestamp,
        why: &str,
    ) -> Result<DeliveryOutcome, DeliverError> {
        let (why, now) = (why.to_owned(), self.now());
        let postponed = if self.may_have_been_sent {
            self.hug.in_doubt_until(until, why, now)
        } else {
            self.hug.postponed(until, why, now)
        };
        self.write(postponed).await?;
        Ok(DeliveryOutcome::Postponed { until })
    }
}
