//! One delivery of a letter, the invitation or the song: claim, send, complete.
//!
//! The claim is recorded before anything is sent, and the words with it. After a crash the next worker knows
//! what may have been sent, and asks the network for exactly that.
//!
//! - This file: the steps of a delivery, and what becomes of a failure.
//! - `outcome`: how a delivery ends. `worker`: the hug while it is delivered. `follower`: to whom the letter goes.

mod follower;
mod outcome;
mod worker;

use promise::{
    brake::Brake,
    channel::Channel,
    hug::{HoldCause, Hug, HugKey, NotNow},
    letter::{LetterKind, Receipt, Wait, WaitCause, Words},
    news,
};

pub use self::outcome::{DeliverError, Delivery, DeliveryOutcome};
use self::{follower::Found, worker::OneDelivery};
use crate::{
    deps::{Deps, Served},
    ledger::{HandleChange, LedgerFailure},
    network::{Failure, NetworkError},
    settings::NotServed,
};

/// How often words that lost the race against a check or another delivery are prepared again.
const MAX_RACES: usize = 4;

/// Delivers the letter that a hug is at, unless that was done or another worker does it.
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
    let served = match find_account(deps, &hug).await {
        Ok(served) => served,
        Err(error) => return ended(Some(hug), 0, Err(error)),
    };
    let connected = served.connected();
    let handle = match deps.ledger.handle(&connected.account.name).await {
        Ok(handle) => handle.unwrap_or_default(),
        Err(error) => return ended(Some(hug), 0, Err(error.into())),
    };
    if handle.paused_at.is_some() {
        return ended(Some(hug), 0, Ok(DeliveryOutcome::Paused));
    }
    let mut one = OneDelivery {
        deps,
        connected,
        // Words that are there before the claim may have been sent.
        may_have_been_sent: hug.letter_state().words.is_some(),
        hug,
        send_retry_at: handle.send_retry_at,
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
async fn find_account(deps: &Deps, hug: &Hug) -> Result<Served, DeliverError> {
    let unknown = match deps.served(&hug.account).await {
        Err(NotServed::Unknown(why)) => NotServed::Unknown(why),
        known => return Ok(known?),
    };
    let renamed = deps.ledger.account(&hug.key().id).await?;
    Ok(deps.served(&renamed.ok_or(unknown)?.name).await?)
}

impl OneDelivery<'_> {
    async fn run(&mut self) -> Result<DeliveryOutcome, DeliverError> {
        match self.hug.claim(self.now()) {
            Ok(claimed) => self.write(claimed).await?,
            Err(NotNow::Settled(status)) => return Ok(DeliveryOutcome::Settled(status)),
            Err(NotNow::Waiting { wait }) => {
                return Ok(DeliveryOutcome::Postponed { until: wait.until });
            }
            Err(_) => return Ok(DeliveryOutcome::InProgress),
        }
        match self.find_follower().await {
            Ok(Found::Named) => {}
            // The follower was invited by hand. A song is not held: it waits for the creator's hand.
            Ok(_) if self.hug.letter_kind() == LetterKind::Song => {
                return self.wait_for_creator().await;
            }
            Ok(Found::NotChosen(why)) => {
                let held = self.hug.not_chosen(why.clone(), self.now());
                let told = news::not_chosen(&held);
                self.write(held.with_news(told)).await?;
                return Ok(DeliveryOutcome::Held { why });
            }
            Ok(Found::Nobody(why)) => return self.hold(why).await,
            Err(DeliverError::Network(error)) => return self.not_sent(error).await,
            Err(error) => return Err(error),
        }
        if self.follower_said_stop().await? {
            return self.decline().await;
        }
        loop {
            let channel = self.hug.letter_state().next_channel(&self.channels());
            let Some(channel) = channel.filter(|channel| *channel != Channel::Draft) else {
                return self.wait_for_creator().await;
            };
            if let Some(until) = self.send_retry_at.filter(|until| *until > self.now()) {
                let wait = Wait {
                    until,
                    cause: WaitCause::RateLimit,
                };
                return self.postpone(wait, "the network's rate limit").await;
            }
            match self.refresh_handle(channel).await {
                Ok(None) => {}
                Ok(Some(why)) => return self.hold(why).await,
                Err(DeliverError::Network(error)) => return self.not_sent(error).await,
                Err(error) => return Err(error),
            }
            if let Some(held) = self.prepare(channel).await? {
                return Ok(held);
            }
            let error = match self.deliver_by(channel).await {
                Ok(Some(receipt)) => {
                    let reference = receipt.reference.clone();
                    let delivered = self.hug.delivered(receipt, self.now());
                    let account = self.connected.account;
                    let draft = account.compose(Channel::Draft, &delivered);
                    let told = news::delivered(&delivered, &account.site(), &draft);
                    self.write(delivered.with_news(told)).await?;
                    let kind = self.hug.letter_kind();
                    return Ok(DeliveryOutcome::Sent {
                        kind,
                        channel,
                        reference,
                    });
                }
                Ok(None) if self.hug.follower.is_none() => {
                    return self.hold("nobody is named".to_owned()).await;
                }
                Ok(None) => continue,
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

    /// Composes the words and records them before they are sent. Where as many invitations went out in 24 hours as the
    /// plan allows, it holds the hug instead. A song makes no new promise, so it is not held. Words that may be out are
    /// left as they are.
    async fn prepare(&mut self, channel: Channel) -> Result<Option<DeliveryOutcome>, DeliverError> {
        if self.hug.letter_state().words.is_some() {
            return Ok(None);
        }
        if self.hug.letter_kind() == LetterKind::Song {
            let prepared = self.hug.prepare(self.compose(channel), self.now());
            self.write(prepared).await?;
            return Ok(None);
        }
        let mut races = 0;
        loop {
            // The account is read before the hugs and written with this one, so that of two deliveries at once the
            // second counts the first.
            let account = self.deps.ledger.account(&self.hug.key().id).await?;
            let hugs = self.deps.ledger.hugs(&self.hug.key().id).await?;
            let brake = Brake {
                hugs: &hugs.known,
                most_a_day: self.connected.account.plan.most_a_day(),
                now: self.now(),
            };
            if !brake.allows_sending(&self.hug) {
                return self.brake(&brake).await.map(Some);
            }
            let prepared = self.hug.prepare(self.compose(channel), self.now());
            match self.write_with(account, prepared).await {
                Err(error) if error.failure == LedgerFailure::LostRace && races < MAX_RACES => {
                    races += 1;
                }
                written => {
                    written?;
                    return Ok(None);
                }
            }
        }
    }

    async fn brake(&mut self, brake: &Brake<'_>) -> Result<DeliveryOutcome, DeliverError> {
        let why = brake.reason();
        let mut held = self.hug.braked(why.clone(), self.now());
        if !brake.is_told(HoldCause::MostADay) {
            let told = news::held(&held, &self.connected.account.site());
            held = held.with_news(told);
        }
        self.write(held).await?;
        Ok(DeliveryOutcome::Held { why })
    }

    /// Delivers the letter on that channel. `None` where words of an earlier try did not arrive and must not
    /// be sent on that channel any more.
    async fn deliver_by(&mut self, channel: Channel) -> Result<Option<Receipt>, DeliverError> {
        let Some(words) = self.hug.letter_state().words.clone() else {
            return Ok(None);
        };
        if self.may_have_been_sent {
            if let Some(receipt) = self.find(&words).await? {
                return Ok(Some(receipt));
            }
            let until = words.shown_by();
            if until > self.now() {
                let why =
                    format!("it is not among the messages, and may show up there until {until}");
                return Err(self.not_now(Failure::OutcomeUnknown, why).into());
            }
            self.may_have_been_sent = false;
            let is_wanted = self.channels().contains(&channel);
            if !is_wanted || self.hug.follower.is_none() {
                self.write(self.hug.without_words(self.now())).await?;
                return Ok(None);
            }
            // Only words that were composed just now are sent, even if someone else wrote the record.
            let text = self.compose(channel).text;
            self.write(self.hug.tried_again(text, self.now())).await?;
        }
        if !self.hug.time_to_send(self.now()) {
            let why = "too little is left of the time that it may take".to_owned();
            return Err(self.not_now(Failure::TryAgain, why).into());
        }
        let words = self.hug.letter_state().words.clone().unwrap_or(words);
        let letter = self.hug.letter(&words);
        Ok(Some(self.connected.network.send(&letter).await?))
    }

    fn compose(&self, channel: Channel) -> Words {
        Words {
            channel,
            text: self.connected.account.compose(channel, &self.hug),
            prepared_at: self.now(),
            tried_again_at: None,
        }
    }

    /// Asks the network for the letter. A failure to answer never refuses it: the next channel must not be
    /// tried, because the follower may have this letter.
    async fn find(&self, words: &Words) -> Result<Option<Receipt>, NetworkError> {
        self.connected.network.find(&self.hug.letter(words)).await
    }

    fn not_now(&self, failure: Failure, why: String) -> NetworkError {
        NetworkError {
            failure,
            account: self.hug.account.clone(),
            attempted: self.hug.letter_kind().sending(),
            why,
        }
    }

    /// Records why it was not sent, or may not have been, and until when to leave it.
    async fn not_sent(&mut self, error: NetworkError) -> Result<DeliveryOutcome, DeliverError> {
        let why = error.to_string();
        let now = self.now();
        let wait = match error.failure {
            Failure::WaitUntil(until) => {
                let name = &self.connected.account.name;
                let limit = HandleChange::send_limit(until);
                self.deps.ledger.change_handle(name, &limit).await?;
                let wait = Wait {
                    until,
                    cause: WaitCause::RateLimit,
                };
                return self.postpone(wait, &why).await;
            }
            Failure::SentBefore if self.hug.letter_state().is_nowhere(self.now()) => {
                return self.leave_to_creator().await;
            }
            Failure::OutcomeUnknown | Failure::SentBefore => {
                // The claim stays: the network has that long to show what it did.
                self.write(self.hug.in_doubt(why.clone(), self.now()))
                    .await?;
                return Ok(DeliveryOutcome::InDoubt { why });
            }
            Failure::Blocked { until } => Wait {
                until: until.unwrap_or(now),
                cause: WaitCause::Blocked,
            },
            Failure::TryAgain | Failure::Refused => Wait {
                until: now,
                cause: WaitCause::Trouble,
            },
        };
        self.postpone(wait, &why).await?;
        Err(error.into())
    }

    /// The follower may have a letter that nobody finds, so no program sends another one.
    async fn leave_to_creator(&mut self) -> Result<DeliveryOutcome, DeliverError> {
        let now = self.now();
        let words = self.hug.letter_state().words.as_ref();
        let channel = words.map_or(Channel::Announce, |words| words.channel);
        let why = "the network says that it has this letter already, and does not show it: check on the network before you send it";
        let refused = self.hug.refused(channel, why.to_owned(), now);
        self.write(refused).await?;
        self.wait_for_creator().await
    }

    async fn wait_for_creator(&mut self) -> Result<DeliveryOutcome, DeliverError> {
        let draft = self.compose(Channel::Draft);
        let to_send = self.hug.to_send(draft, self.now());
        let told = news::to_send(&to_send, &self.connected.account.site());
        self.write(to_send.with_news(told)).await?;
        Ok(DeliveryOutcome::ToSend)
    }

    async fn postpone(&mut self, wait: Wait, why: &str) -> Result<DeliveryOutcome, DeliverError> {
        let (why, now) = (why.to_owned(), self.now());
        let was_blocked = self.hug.letter_state().is_blocked();
        let mut postponed = if self.may_have_been_sent {
            self.hug.in_doubt_and_waits(wait, why, now)
        } else {
            self.hug.postponed(wait, why, now)
        };
        if postponed.letter_state().is_blocked() && !was_blocked {
            let told = news::blocked(&postponed);
            postponed = postponed.with_news(told);
        }
        self.write(postponed).await?;
        Ok(DeliveryOutcome::Postponed { until: wait.until })
    }
}
