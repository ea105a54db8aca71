//! A hug and its life: every step is a function from one state to the next.
//!
//! The ledger writes the next state only if the hug is still as it was read. Each write carries at most one
//! sentence of news for the creator, and the next write removes it.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    account::{AccountId, AccountName, UserId},
    channel::Channel,
    evidence::{Certainty, Evidence},
    follower::Recipient,
    letter::{Letter, LetterState, Receipt, Refusal, Wait, WaitCause, Words},
    milestone::Milestone,
    record::AccountRecord,
    unknown::Unknown,
};

pub use crate::status::{HoldCause, NotNow, Status};

/// How long a claim keeps other workers away. It is longer than the requests of one letter can take before the
/// clock is read again (see [`Hug::time_to_send`]).
pub const LEASE: SignedDuration = SignedDuration::from_secs(90);

/// A send begins only with this much left of the lease, because it may take as long to fail.
const MAX_SEND: SignedDuration = SignedDuration::from_secs(45);

/// How long a hug may stay `reached` before a check assumes that its stream record was lost.
const STREAM_PATIENCE: SignedDuration = SignedDuration::from_mins(5);

/// How long a handle is taken for that of the same person without a look.
const HANDLE_IS_FRESH_FOR: SignedDuration = SignedDuration::from_hours(1);

/// The longest pause before a stuck hug is rearmed.
const MAX_PAUSE: SignedDuration = SignedDuration::from_hours(6);

/// Which hug: the account and the number.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HugKey {
    /// The account that owes it.
    pub id: AccountId,
    /// The number that was crossed.
    pub milestone: Milestone,
}

/// Everything about one gift.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hug {
    /// The account that owes it, as its creator calls it.
    pub account: AccountName,
    /// The same account's id on the network.
    pub id: UserId,
    /// The number that was crossed.
    pub milestone: Milestone,
    /// Its state.
    pub status: Status,
    /// Who gets it; `None` while nobody is named.
    pub follower: Option<Recipient>,
    /// The handle that the creator chose, before the network was asked who that is.
    pub chosen: Option<String>,
    /// How the follower was found.
    pub evidence: Evidence,
    /// The creator's name, as the letters sign it.
    pub creator: String,
    /// The letter that asks for a topic.
    pub invitation: LetterState,
    /// The letter that brings the song.
    pub song: LetterState,
    /// Why it was held when it was recorded. It stays after an approval, so that an approved hug does not
    /// count against the plan's limit.
    pub hold: Option<HoldCause>,
    /// The last failure, or why it is held.
    pub reason: Option<String>,
    /// What the creator is to know of the latest write; only that write carries it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub news: Option<String>,
    /// When the milestone was noticed.
    pub reached_at: Timestamp,
    /// When this was last written.
    pub updated_at: Timestamp,
    /// How often it was written. A worker that read an older revision has lost the race.
    pub revision: u64,
    /// Fields that a later version of this program wrote.
    #[serde(flatten)]
    pub unknown: Unknown,
}

impl Hug {
    /// A hug that is owed since now.
    pub fn owed(
        account: AccountName,
        id: UserId,
        milestone: Milestone,
        creator: String,
        follower: Option<Recipient>,
        evidence: Evidence,
        now: Timestamp,
    ) -> Self {
        Self {
            account,
            id,
            milestone,
            status: Status::Reached,
            follower,
            chosen: None,
            evidence,
            creator,
            invitation: LetterState::default(),
            song: LetterState::default(),
            hold: None,
            reason: None,
            news: None,
            reached_at: now,
            updated_at: now,
            revision: 1,
            unknown: Unknown::new(),
        }
    }

    /// A hug that the creator decides, for the follower with that handle. It does not count against the plan's limit.
    pub fn owed_by_hand(
        account: &AccountRecord,
        milestone: Milestone,
        creator: String,
        handle: &str,
        now: Timestamp,
    ) -> Self {
        let count = account.followers;
        let evidence = Evidence {
            count_before: count,
            count_after: count,
            since: None,
            position: count.saturating_sub(milestone.number()),
            passed_over: 0,
            certainty: Certainty::Unknown,
            arrivals: None,
            note: Some("the creator chose who gets it".to_owned()),
            unknown: Unknown::new(),
        };
        let (name, id) = (account.name.clone(), account.id.clone());
        let mut hug = Self::owed(name, id, milestone, creator, None, evidence, now);
        hug.chosen = Some(handle.to_owned());
        hug.hold = Some(HoldCause::Nobody);
        hug
    }

    /// The same hug, held before it is recorded.
    pub fn held(mut self, cause: HoldCause, reason: String) -> Self {
        self.status = Status::Held;
        self.hold = Some(cause);
        self.reason = Some(reason);
        self
    }

    /// The same state, with one sentence for the creator. Call it before the state is written.
    pub fn with_news(mut self, news: impl Into<String>) -> Self {
        self.news = Some(news.into());
        self
    }

    /// The same state without news, because another hug carries the same news.
    pub fn without_news(mut self) -> Self {
        self.news = None;
        self
    }

    /// The invitation with those words, as the network is asked to carry it.
    pub fn letter<'a>(&'a self, words: &'a Words) -> Letter<'a> {
        Letter {
            from: &self.id,
            to: self.follower.as_ref(),
            milestone: self.milestone,
            reached_at: self.reached_at,
            channel: words.channel,
            text: &words.text,
            prepared_at: words.prepared_at,
        }
    }

    /// Its key in the ledger.
    pub fn key(&self) -> HugKey {
        HugKey {
            id: self.account.with_id(&self.id),
            milestone: self.milestone,
        }
    }

    /// Whether it waits for the creator's hand: to send the words, to approve it, or to remove what
    /// stops the account from sending.
    pub fn needs_creator(&self) -> bool {
        match self.status {
            Status::ToSend | Status::Held => true,
            Status::Reached | Status::Inviting => self.invitation.is_blocked(),
            _ => false,
        }
    }

    /// Whether a handle that was read when its milestone was noticed may belong to someone else by now.
    pub fn handle_may_have_changed(&self, now: Timestamp) -> bool {
        now.duration_since(self.reached_at) > HANDLE_IS_FRESH_FOR
    }

    /// `reached → inviting`, also where an earlier claim has expired.
    ///
    /// # Errors
    ///
    /// Where another claim holds, a wait is not over, or nothing is left to send.
    pub fn claim(&self, now: Timestamp) -> Result<Self, NotNow> {
        self.is_free(now)?;
        match &self.status {
            Status::Inviting => {
                if let Some(wait) = self.invitation.waits(now) {
                    return Err(NotNow::Waiting { wait });
                }
            }
            Status::Reached => {}
            Status::Held => return Err(NotNow::Held),
            settled => return Err(NotNow::Settled(settled.clone())),
        }
        let mut claimed = self.next(now);
        claimed.status = Status::Inviting;
        claimed.invitation.lease_until = Some(now + LEASE);
        claimed.invitation.attempts += 1;
        Ok(claimed)
    }

    /// Whether enough of the lease is left to begin a send.
    pub fn time_to_send(&self, now: Timestamp) -> bool {
        let lease = self.invitation.lease_until;
        lease.is_some_and(|until| until.duration_since(now) >= MAX_SEND)
    }

    /// The network knows who has the handle that the creator chose.
    pub fn named(&self, follower: Recipient, now: Timestamp) -> Self {
        let mut named = self.next(now);
        named.follower = Some(follower);
        named.chosen = None;
        named
    }

    /// `inviting → held`: nobody who can get the hug has the handle that the creator chose. The hug keeps the
    /// follower that it named before.
    pub fn not_chosen(&self, reason: String, now: Timestamp) -> Self {
        let cause = self.hold.unwrap_or(HoldCause::Nobody);
        let mut held = self.next(now).held(cause, reason);
        held.chosen = None;
        held.invitation.lease_until = None;
        held
    }

    /// `inviting → held`: nobody can be named.
    pub fn nobody(&self, reason: String, now: Timestamp) -> Self {
        let mut held = self.next(now).held(HoldCause::Nobody, reason);
        held.follower = None;
        held.chosen = None;
        held.invitation.lease_until = None;
        held
    }

    /// Keeps the words that are about to be sent.
    pub fn prepare(&self, words: Words, now: Timestamp) -> Self {
        let mut prepared = self.next(now);
        prepared.invitation.words = Some(words);
        prepared
    }

    /// Notes that words are about to be sent again: as this program composes them now, which is as they were
    /// unless the settings have changed or someone else wrote the record.
    pub fn tried_again(&self, text: String, now: Timestamp) -> Self {
        let mut again = self.next(now);
        if let Some(words) = &mut again.invitation.words {
            words.text = text;
            words.tried_again_at = Some(now);
        }
        again
    }

    /// Forgets words that did not arrive, so that another channel can be chosen.
    pub fn without_words(&self, now: Timestamp) -> Self {
        let mut without = self.next(now);
        without.invitation.words = None;
        without
    }

    /// `inviting → invited`: the network has the invitation.
    pub fn invited(&self, receipt: Receipt, now: Timestamp) -> Self {
        let mut invited = self.settled_as(Status::Invited, now);
        invited.invitation.sent_at = Some(now);
        invited.invitation.receipt = Some(receipt);
        invited
    }

    /// `inviting → to_send`: no channel is left for a program, so these words wait for the creator's hand.
    pub fn to_send(&self, words: Words, now: Timestamp) -> Self {
        let mut to_send = self.settled_as(Status::ToSend, now);
        to_send.invitation.words = Some(words);
        to_send
    }

    /// Notes that the network refused the channel for good; the next one is tried under the same claim.
    pub fn refused(&self, channel: Channel, reason: String, now: Timestamp) -> Self {
        let mut refused = self.next(now);
        refused.invitation.words = None;
        refused
            .invitation
            .refusals
            .push(Refusal { channel, reason });
        refused
    }

    /// The invitation was not sent, and the hug waits.
    pub fn postponed(&self, wait: Wait, reason: String, now: Timestamp) -> Self {
        let mut postponed = self.in_doubt_and_waits(wait, reason, now);
        postponed.invitation.words = None;
        postponed
    }

    /// The invitation may have arrived, and the hug waits. The words stay, because the next worker asks the
    /// network for exactly these words.
    pub fn in_doubt_and_waits(&self, wait: Wait, reason: String, now: Timestamp) -> Self {
        let mut waits = self.next(now);
        waits.invitation.lease_until = None;
        waits.invitation.wait = Some(wait);
        waits.reason = Some(reason);
        waits
    }

    /// The invitation may have arrived. The claim stays, so that the network has time to show it.
    pub fn in_doubt(&self, reason: String, now: Timestamp) -> Self {
        let mut in_doubt = self.next(now);
        in_doubt.invitation.wait = None;
        in_doubt.reason = Some(reason);
        in_doubt
    }

    /// Puts a stuck hug back to `reached`, so that the stream delivers it once more, with growing pauses
    /// and without a limit on the number of times. `None` while it is not stuck.
    pub fn rearm(&self, now: Timestamp) -> Option<Self> {
        self.stuck_from().filter(|from| now >= *from)?;
        let mut rearmed = self.next(now);
        rearmed.status = Status::Reached;
        rearmed.invitation.lease_until = None;
        rearmed.invitation.rearmed = self.invitation.rearmed.saturating_add(1);
        Some(rearmed)
    }

    /// From when on a check regards it as stuck; `None` where nothing is left for a program to send.
    fn stuck_from(&self) -> Option<Timestamp> {
        let LetterState {
            rearmed,
            lease_until,
            wait,
            ..
        } = &self.invitation;
        let quiet = self.updated_at + pause_before_rearming(*rearmed);
        match self.status {
            Status::Reached => Some(quiet + STREAM_PATIENCE),
            Status::Inviting => {
                let wait = wait.map(|wait| wait.until);
                [*lease_until, wait, Some(quiet)]
                    .into_iter()
                    .flatten()
                    .max()
            }
            _ => None,
        }
    }

    /// When a check rearms it, if nothing delivers it before; `now` where the next check does. `None` where
    /// nothing is left for a program to send.
    pub fn next_try(&self, now: Timestamp) -> Option<Timestamp> {
        Some(self.stuck_from()?.max(now))
    }

    /// Puts an undelivered hug back to `reached` for a person who has removed the cause. One that waits for
    /// the creator's hand tries every channel again.
    ///
    /// # Errors
    ///
    /// While a claim holds or a rate limit lasts, while it is held, or if nothing is left to send.
    pub fn retry(&self, now: Timestamp) -> Result<Self, NotNow> {
        self.is_free(now)?;
        let mut retried = self.next(now);
        match (&self.status, self.invitation.waits(now)) {
            (_, Some(wait)) if wait.cause == WaitCause::RateLimit => {
                return Err(NotNow::Waiting { wait });
            }
            (Status::Reached | Status::Inviting, _) => {}
            (Status::ToSend, _) => {
                retried.invitation.refusals.clear();
                retried.invitation.words = None;
            }
            (Status::Held, _) => return Err(NotNow::Held),
            (settled, _) => return Err(NotNow::Settled(settled.clone())),
        }
        retried.status = Status::Reached;
        retried.invitation.lease_until = None;
        retried.invitation.wait = None;
        retried.invitation.rearmed = 0;
        Ok(retried)
    }

    /// `held → reached`: the creator approves it for the follower that it names, or for the one with the
    /// handle `chosen`.
    ///
    /// # Errors
    ///
    /// Where it is not held, or would be for nobody.
    pub fn approve(&self, chosen: Option<String>, now: Timestamp) -> Result<Self, NotNow> {
        if self.status != Status::Held {
            return Err(NotNow::Settled(self.status.clone()));
        }
        if chosen.is_none() && self.follower.is_none() {
            return Err(NotNow::Nobody);
        }
        let mut approved = self.next(now);
        approved.status = Status::Reached;
        approved.reason = None;
        approved.chosen = chosen;
        Ok(approved)
    }

    /// `inviting → held`: as many went out in 24 hours as the plan allows.
    pub fn braked(&self, reason: String, now: Timestamp) -> Self {
        let mut held = self.next(now).held(HoldCause::MostADay, reason);
        held.invitation.lease_until = None;
        held
    }

    /// Ends it for the creator, wherever it is in its life.
    ///
    /// # Errors
    ///
    /// While a claim holds, or where it has ended.
    pub fn cancel(&self, now: Timestamp) -> Result<Self, NotNow> {
        self.is_free(now)?;
        match &self.status {
            ended
            @ (Status::Hugged | Status::Declined | Status::Cancelled | Status::Unknown(_)) => {
                Err(NotNow::Settled(ended.clone()))
            }
            _ => Ok(self.settled_as(Status::Cancelled, now)),
        }
    }

    /// `→ invited`: the creator has sent the invitation by hand; `receipt` says where it is, if they said so.
    ///
    /// # Errors
    ///
    /// While a claim holds, while it is held, or where the invitation was sent.
    pub fn sent_by_hand(&self, receipt: Option<Receipt>, now: Timestamp) -> Result<Self, NotNow> {
        self.is_free(now)?;
        match &self.status {
            Status::ToSend | Status::Reached | Status::Inviting => {}
            Status::Held => return Err(NotNow::Held),
            settled => return Err(NotNow::Settled(settled.clone())),
        }
        let mut sent = self.settled_as(Status::Invited, now);
        let words = sent.invitation.words.get_or_insert(Words {
            channel: Channel::Draft,
            text: String::new(),
            prepared_at: now,
            tried_again_at: None,
        });
        words.channel = Channel::Draft;
        sent.invitation.sent_at = Some(now);
        sent.invitation.receipt = receipt;
        Ok(sent)
    }

    fn is_free(&self, now: Timestamp) -> Result<(), NotNow> {
        match (&self.status, self.invitation.claimed_until(now)) {
            (Status::Inviting, Some(until)) => Err(NotNow::InProgress { until }),
            _ => Ok(()),
        }
    }

    fn settled_as(&self, status: Status, now: Timestamp) -> Self {
        let mut settled = self.next(now);
        settled.status = status;
        settled.reason = None;
        settled.invitation.lease_until = None;
        settled.invitation.wait = None;
        settled
    }

    fn next(&self, now: Timestamp) -> Self {
        Self {
            news: None,
            updated_at: now,
            revision: self.revision + 1,
            ..self.clone()
        }
    }
}

/// No pause before the first time, then 5 minutes, doubled each time up to [`MAX_PAUSE`].
fn pause_before_rearming(rearmed: u32) -> SignedDuration {
    match rearmed {
        0 => SignedDuration::ZERO,
        n => SignedDuration::from_mins(5 * (1 << (n - 1).min(7))).min(MAX_PAUSE),
    }
}

#[cfg(test)]
pub(crate) mod tests;
