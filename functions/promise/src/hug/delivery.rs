//! The delivery of a letter: claim, send, complete; waits and refusals.

use jiff::{SignedDuration, Timestamp};

use super::{HoldCause, Hug, NotNow, Status};
use crate::{
    channel::Channel,
    evidence::Evidence,
    follower::Recipient,
    letter::{LetterKind, LetterState, Receipt, Refusal, Wait, Words},
};

/// How long a claim keeps other workers away. It is longer than the requests of one letter can take before the
/// clock is read again (see [`Hug::time_to_send`]).
pub const LEASE: SignedDuration = SignedDuration::from_secs(90);

/// A send begins only with this much left of the lease, because it may take as long to fail.
const MAX_SEND: SignedDuration = SignedDuration::from_secs(45);

/// How long a hug may stay `reached` before a check assumes that its stream record was lost.
pub(super) const STREAM_PATIENCE: SignedDuration = SignedDuration::from_mins(5);

/// The longest pause before a stuck hug is rearmed.
const MAX_PAUSE: SignedDuration = SignedDuration::from_hours(6);

impl Hug {
    /// `reached → inviting`; a posted song stays `song_posted`. Also where an earlier claim has expired.
    ///
    /// # Errors
    ///
    /// Where another claim holds, a wait is not over, the next check has to choose a follower, or nothing is left to
    /// send.
    pub fn claim(&self, now: Timestamp) -> Result<Self, NotNow> {
        self.is_free(now)?;
        match &self.status {
            _ if self.is_passed_on() => return Err(NotNow::PassedOn),
            Status::Inviting | Status::SongPosted => {
                if let Some(wait) = self.letter_state().waits(now) {
                    return Err(NotNow::Waiting { wait });
                }
            }
            Status::Reached => {}
            Status::Held => return Err(NotNow::Held),
            settled => return Err(NotNow::Settled(settled.clone())),
        }
        let mut claimed = self.next(now);
        if claimed.letter_kind() == LetterKind::Invitation {
            claimed.status = Status::Inviting;
        }
        let letter = claimed.letter_state_mut();
        letter.lease_until = Some(now + LEASE);
        letter.attempts += 1;
        Ok(claimed)
    }

    /// Whether enough of the lease is left to begin a send.
    pub fn time_to_send(&self, now: Timestamp) -> bool {
        let lease = self.letter_state().lease_until;
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
        held.letter_state_mut().lease_until = None;
        held
    }

    /// `inviting → held`: nobody can be named.
    pub fn nobody(&self, reason: String, now: Timestamp) -> Self {
        let mut held = self.next(now).held(HoldCause::Nobody, reason);
        held.follower = None;
        held.chosen = None;
        held.letter_state_mut().lease_until = None;
        held
    }

    /// `inviting → held`: as many went out in 24 hours as the plan allows.
    pub fn braked(&self, reason: String, now: Timestamp) -> Self {
        let mut held = self.next(now).held(HoldCause::MostADay, reason);
        held.letter_state_mut().lease_until = None;
        held
    }

    /// Keeps the words that are about to be sent.
    pub fn prepare(&self, words: Words, now: Timestamp) -> Self {
        let mut prepared = self.next(now);
        prepared.letter_state_mut().words = Some(words);
        prepared
    }

    /// Notes that words are about to be sent again: as this program composes them now, which is as they were
    /// unless the settings have changed or someone else wrote the record.
    pub fn tried_again(&self, text: String, now: Timestamp) -> Self {
        let mut again = self.next(now);
        if let Some(words) = &mut again.letter_state_mut().words {
            words.text = text;
            words.tried_again_at = Some(now);
        }
        again
    }

    /// Forgets words that did not arrive, so that another channel can be chosen.
    pub fn without_words(&self, now: Timestamp) -> Self {
        let mut without = self.next(now);
        without.letter_state_mut().words = None;
        without
    }

    /// `inviting → invited`, `song_posted → hugged`: the network has the letter.
    pub fn delivered(&self, receipt: Receipt, now: Timestamp) -> Self {
        let mut delivered = self.settled_as(self.status_after_letter(), now);
        let letter = delivered.letter_state_mut();
        letter.sent_at = Some(now);
        letter.receipt = Some(receipt);
        delivered
    }

    /// The state after the letter that the hug is at.
    pub(super) fn status_after_letter(&self) -> Status {
        match self.letter_kind() {
            LetterKind::Invitation => Status::Invited,
            LetterKind::Song => Status::Hugged,
        }
    }

    /// The state in which the letter that the hug is at is delivered.
    pub(super) fn status_before_letter(&self) -> Status {
        match self.letter_kind() {
            LetterKind::Invitation => Status::Reached,
            LetterKind::Song => Status::SongPosted,
        }
    }

    /// The same state, and the stream is asked to deliver the letter that the hug is at.
    pub(super) fn asking_the_stream(mut self) -> Self {
        self.status = self.status_before_letter();
        self.due = self.letter_kind() == LetterKind::Song;
        self
    }

    /// The next check has chosen the follower to whom the hug is passed on.
    pub fn passed_on_to(&self, follower: Recipient, evidence: Evidence, now: Timestamp) -> Self {
        let mut next = self.next(now).asking_the_stream();
        next.follower = Some(follower);
        next.evidence = evidence;
        next.reason = None;
        next
    }

    /// The check looked for a follower to whom the hug is passed on, and found none yet, for this reason. `None` where
    /// the hug says so already.
    pub fn waits_for_next(&self, reason: &str, now: Timestamp) -> Option<Self> {
        if self.reason.as_deref() == Some(reason) {
            return None;
        }
        let mut next = self.next(now);
        next.reason = Some(reason.to_owned());
        Some(next)
    }

    /// `→ to_send`: no channel is left for a program, so these words wait for the creator's hand.
    pub fn to_send(&self, words: Words, now: Timestamp) -> Self {
        let mut to_send = self.settled_as(Status::ToSend, now);
        to_send.letter_state_mut().words = Some(words);
        to_send
    }

    /// Notes that the network refused the channel for good; the next one is tried under the same claim.
    pub fn refused(&self, channel: Channel, reason: String, now: Timestamp) -> Self {
        let mut refused = self.next(now);
        refused.letter_state_mut().words = None;
        let refusals = &mut refused.letter_state_mut().refusals;
        refusals.push(Refusal { channel, reason });
        refused
    }

    /// The letter was not sent, and the hug waits.
    pub fn postponed(&self, wait: Wait, reason: String, now: Timestamp) -> Self {
        let mut postponed = self.in_doubt_and_waits(wait, reason, now);
        postponed.letter_state_mut().words = None;
        postponed
    }

    /// The letter may have arrived, and the hug waits. The words stay, because the next worker asks the
    /// network for exactly these words.
    pub fn in_doubt_and_waits(&self, wait: Wait, reason: String, now: Timestamp) -> Self {
        let mut waits = self.next(now);
        waits.letter_state_mut().lease_until = None;
        waits.letter_state_mut().wait = Some(wait);
        waits.reason = Some(reason);
        waits
    }

    /// The letter may have arrived. The claim stays, so that the network has time to show it.
    pub fn in_doubt(&self, reason: String, now: Timestamp) -> Self {
        let mut in_doubt = self.next(now);
        in_doubt.letter_state_mut().wait = None;
        in_doubt.reason = Some(reason);
        in_doubt
    }

    /// Asks the stream once more to deliver a stuck hug, with growing pauses and without a limit on the number of
    /// times: an invitation goes back to `reached`. `None` while it is not stuck.
    pub fn rearm(&self, now: Timestamp) -> Option<Self> {
        self.stuck_from().filter(|from| now >= *from)?;
        let mut rearmed = self.next(now).asking_the_stream();
        let letter = rearmed.letter_state_mut();
        letter.lease_until = None;
        letter.rearmed = letter.rearmed.saturating_add(1);
        Some(rearmed)
    }

    /// From when on a check regards it as stuck; `None` where nothing is left for a program to send, or where the check
    /// itself has to choose a follower.
    fn stuck_from(&self) -> Option<Timestamp> {
        let LetterState {
            rearmed,
            lease_until,
            wait,
            ..
        } = self.letter_state();
        let quiet = self.updated_at + pause_before_rearming(*rearmed);
        match self.status {
            _ if self.is_passed_on() => None,
            Status::SongPosted if self.due => Some(quiet + STREAM_PATIENCE),
            Status::Reached => Some(quiet + STREAM_PATIENCE),
            Status::Inviting | Status::SongPosted => {
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
}

/// No pause before the first time, then 5 minutes, doubled each time up to [`MAX_PAUSE`].
fn pause_before_rearming(rearmed: u32) -> SignedDuration {
    match rearmed {
        0 => SignedDuration::ZERO,
        n => SignedDuration::from_mins(5 * (1 << (n - 1).min(7))).min(MAX_PAUSE),
    }
}
