//! A hug and its life: every step is a function from one state to the next.
//!
//! The ledger writes the next state only if the hug is still as it was read.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    account::{AccountId, AccountName, UserId},
    channel::Channel,
    evidence::Evidence,
    follower::Recipient,
    letter::Letter,
    milestone::Milestone,
};

/// How long a claim keeps other workers away. It is longer than the requests of one invitation can take
/// before the clock is read again (see [`Hug::time_to_send`]).
pub const LEASE: SignedDuration = SignedDuration::from_secs(90);

/// A send begins only with this much left of the lease, because it may take as long to fail.
const MAX_SEND: SignedDuration = SignedDuration::from_secs(45);

/// How long a hug may stay `reached` before a check assumes that its stream record was lost.
const STREAM_PATIENCE: SignedDuration = SignedDuration::from_mins(5);

/// How long a network may take to show a message that it has. Only a look at the messages keeps a second
/// message out. A post has a key of its own (Bluesky, Mastodon), or its words are refused where they are
/// already posted (X).
const MESSAGE_SHOWN_WITHIN: SignedDuration = SignedDuration::from_mins(10);

/// How often a check rearms a stuck hug. With the pauses between them this takes about 22 hours.
pub const MAX_REARMS: u32 = 10;

/// The state of a hug.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Owed and recorded. The stream hands such a hug to `invite-follower`.
    Reached,
    /// Claimed: a worker is sending the invitation, or died while it did.
    Inviting,
    /// The invitation was sent; on the channel `draft` it is ready for the creator's hand.
    Invited,
    /// The follower named a topic.
    TopicChosen,
    /// The song is posted.
    SongPosted,
    /// The follower has the link. Here, have a hug.
    Hugged,
    /// No channel is left, or it failed too often; [`Hug::reason`] says why.
    Undeliverable,
}

impl Status {
    /// Whether the invitation has reached its end, so that no check touches it.
    pub fn is_settled(self) -> bool {
        !matches!(self, Self::Reached | Self::Inviting)
    }
}

impl fmt::Display for Status {
    /// The word in the ledger, which serde writes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

/// Which hug: the account and the number.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    /// Who gets it; `None` where the list of followers did not show it.
    pub follower: Option<Recipient>,
    /// How that was decided.
    pub evidence: Evidence,
    /// The creator's name, as the invitation signs it.
    pub creator: String,
    /// The invitation that is being sent or was sent.
    pub invitation: Option<Invitation>,
    /// Channels that were refused for good, and why.
    #[serde(default)]
    pub refusals: Vec<Refusal>,
    /// The last failure, if there was one.
    pub reason: Option<String>,
    /// How often it was claimed.
    pub attempts: u32,
    /// How often a check rearmed it.
    pub rearmed: u32,
    /// Until when the claim keeps other workers away.
    pub lease_until: Option<Timestamp>,
    /// When the milestone was noticed.
    pub reached_at: Timestamp,
    /// When this was last written.
    pub updated_at: Timestamp,
    /// How often it was written. A worker that read an older revision has lost the race.
    pub revision: u64,
}

/// The message that asks for a topic. It is recorded whole before the first try, so that a second try can
/// send exactly the same message or recognise it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invitation {
    /// How it travels.
    pub channel: Channel,
    /// Its words.
    pub text: String,
    /// When it was composed. It is part of what the network receives, so it never changes.
    pub prepared_at: Timestamp,
    /// When it was sent again, if it was: after an unknown outcome, when the network did not have it.
    #[serde(default)]
    pub tried_again_at: Option<Timestamp>,
    /// The network's id of the post or message; for a draft, the one-tap link.
    pub reference: Option<String>,
    /// When it was sent; `None` before, and for a draft, which is not sent.
    pub sent_at: Option<Timestamp>,
}

/// A channel that was refused for good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// The channel.
    pub channel: Channel,
    /// What the network said.
    pub reason: String,
}

/// Why a hug cannot be claimed or retried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotClaimable {
    /// A worker has claimed it, or it waits; a check rearms it if the worker dies.
    #[error(
        "it is under way or waits for the network until {until}; a check or `hug watch` goes on with it then"
    )]
    InProgress {
        /// When the claim runs out.
        until: Timestamp,
    },
    /// Nothing is left to do.
    #[error("it is {0} already, so there is nothing to send")]
    Settled(Status),
}

impl Invitation {
    /// Time of the latest attempt that may have reached the network.
    pub fn last_tried_at(&self) -> Timestamp {
        self.tried_again_at.unwrap_or(self.prepared_at)
    }

    /// Until when the network may have the letter and not show it.
    pub fn shown_by(&self) -> Timestamp {
        match self.channel {
            Channel::Message => self.last_tried_at() + MESSAGE_SHOWN_WITHIN,
            _ => self.last_tried_at(),
        }
    }
}

impl Hug {
    /// The invitation with those words, as the network is asked to carry it.
    pub fn letter<'a>(&'a self, invitation: &'a Invitation) -> Letter<'a> {
        Letter {
            from: &self.id,
            to: self.follower.as_ref(),
            milestone: self.milestone,
            reached_at: self.reached_at,
            channel: invitation.channel,
            text: &invitation.text,
            prepared_at: invitation.prepared_at,
        }
    }

    /// The channel of words that may be on their way; else the first of `contact` that is not refused, and
    /// that does not need a name where the hug names nobody. `None` where no channel is left.
    pub fn next_channel(&self, contact: &[Channel]) -> Option<Channel> {
        if let Some(invitation) = &self.invitation {
            return Some(invitation.channel);
        }
        let refused = |channel| {
            let mut refusals = self.refusals.iter();
            refusals.any(|refusal| refusal.channel == channel)
        };
        contact.iter().copied().find(|channel| {
            !refused(*channel) && (self.follower.is_some() || !channel.needs_recipient())
        })
    }

    /// Which words go out on that channel: a draft without a name can only become a post, so it has the words
    /// of an announcement.
    pub fn wording(&self, channel: Channel) -> Channel {
        match (channel, &self.follower) {
            (Channel::Draft, None) => Channel::Announce,
            _ => channel,
        }
    }

    /// Its key in the ledger.
    pub fn key(&self) -> HugKey {
        HugKey {
            id: self.account.with_id(&self.id),
            milestone: self.milestone,
        }
    }

    /// `reached → inviting`, also where an earlier claim has expired.
    ///
    /// # Errors
    ///
    /// Where another claim holds, or nothing is left to send.
    pub fn claim(&self, now: Timestamp) -> Result<Self, NotClaimable> {
        match (self.status, self.lease_until) {
            (Status::Inviting, Some(until)) if until > now => {
                Err(NotClaimable::InProgress { until })
            }
            (Status::Reached | Status::Inviting, _) => {
                let mut claimed = self.next(now);
                claimed.status = Status::Inviting;
                claimed.lease_until = Some(now + LEASE);
                claimed.attempts += 1;
                Ok(claimed)
            }
            (settled, _) => Err(NotClaimable::Settled(settled)),
        }
    }

    /// Whether enough of the lease is left to begin a send.
    pub fn time_to_send(&self, now: Timestamp) -> bool {
        self.lease_until
            .is_some_and(|until| until.duration_since(now) >= MAX_SEND)
    }

    /// Keeps the words that are about to be sent.
    pub fn prepare(&self, invitation: Invitation, now: Timestamp) -> Self {
        let mut prepared = self.next(now);
        prepared.invitation = Some(invitation);
        prepared
    }

    /// Notes that the same words are about to be sent again.
    pub fn tried_again(&self, now: Timestamp) -> Self {
        let mut again = self.next(now);
        if let Some(invitation) = &mut again.invitation {
            invitation.tried_again_at = Some(now);
        }
        again
    }

    /// `inviting → invited`: the network has the invitation, or the draft is ready.
    pub fn invited(&self, reference: String, now: Timestamp) -> Self {
        let mut invited = self.next(now);
        invited.status = Status::Invited;
        invited.lease_until = None;
        invited.reason = None;
        if let Some(invitation) = &mut invited.invitation {
            invitation.sent_at = (invitation.channel != Channel::Draft).then_some(now);
            invitation.reference = Some(reference);
        }
        invited
    }

    /// Notes that the network refused the channel for good; the next one is tried under the same claim.
    pub fn refused(&self, channel: Channel, reason: String, now: Timestamp) -> Self {
        let mut refused = self.next(now);
        refused.invitation = None;
        refused.refusals.push(Refusal { channel, reason });
        refused
    }

    /// Nothing was sent, and from `until` on it may be claimed again.
    pub fn postponed(&self, until: Timestamp, reason: String, now: Timestamp) -> Self {
        let mut postponed = self.next(now);
        postponed.invitation = None;
        postponed.lease_until = Some(until);
        postponed.reason = Some(reason);
        postponed
    }

    /// It may have arrived. The words and the claim stay: the next worker asks the network for exactly
    /// these words, once the claim has expired.
    pub fn in_doubt(&self, reason: String, now: Timestamp) -> Self {
        let mut in_doubt = self.next(now);
        in_doubt.reason = Some(reason);
        in_doubt
    }

    /// The same, but not before `until`.
    pub fn in_doubt_until(&self, until: Timestamp, reason: String, now: Timestamp) -> Self {
        let mut in_doubt = self.in_doubt(reason, now);
        in_doubt.lease_until = Some(until);
        in_doubt
    }

    /// `inviting → undeliverable`.
    pub fn undeliverable(&self, reason: String, now: Timestamp) -> Self {
        let mut undeliverable = self.next(now);
        undeliverable.status = Status::Undeliverable;
        undeliverable.lease_until = None;
        undeliverable.reason = Some(reason);
        undeliverable
    }

    /// Puts a stuck hug back to `reached`, so that the stream delivers it once more; after
    /// [`MAX_REARMS`] times it becomes `undeliverable`. `None` while it is not stuck.
    pub fn rearm(&self, now: Timestamp) -> Option<Self> {
        self.stuck_from().filter(|from| now >= *from)?;
        if self.rearmed >= MAX_REARMS {
            let last = self.reason.as_deref().unwrap_or("no delivery reached it");
            let reason =
                format!("given up after {MAX_REARMS} more tries; the last failure: {last}");
            return Some(self.undeliverable(reason, now));
        }
        let mut rearmed = self.next(now);
        rearmed.status = Status::Reached;
        rearmed.lease_until = None;
        rearmed.rearmed += 1;
        Some(rearmed)
    }

    /// From when on a check regards it as stuck; `None` where nothing is left to send.
    fn stuck_from(&self) -> Option<Timestamp> {
        let quiet = self.updated_at + pause_before_rearming(self.rearmed);
        match self.status {
            Status::Reached => Some(quiet + STREAM_PATIENCE),
            Status::Inviting => Some(self.lease_until.map_or(quiet, |until| quiet.max(until))),
            _ => None,
        }
    }

    /// When a check rearms it, if nothing delivers it before; `now` where the next check does. `None` where
    /// nothing is left to send, or it was rearmed as often as it can be.
    pub fn next_try(&self, now: Timestamp) -> Option<Timestamp> {
        let from = self.stuck_from()?;
        (self.rearmed < MAX_REARMS).then_some(from.max(now))
    }

    /// Puts an undelivered hug back to `reached` for a person who has removed the cause. It can be rearmed
    /// as often as a new one; if it was undeliverable, every channel is open again.
    ///
    /// # Errors
    ///
    /// While a claim holds, or if nothing is left to send.
    pub fn retry(&self, now: Timestamp) -> Result<Self, NotClaimable> {
        let mut retried = self.next(now);
        match (self.status, self.lease_until) {
            (Status::Inviting, Some(until)) if until > now => {
                return Err(NotClaimable::InProgress { until });
            }
            (Status::Reached | Status::Inviting, _) => {}
            (Status::Undeliverable, _) => retried.refusals.clear(),
            (settled, _) => return Err(NotClaimable::Settled(settled)),
        }
        retried.status = Status::Reached;
        retried.lease_until = None;
        retried.rearmed = 0;
        Ok(retried)
    }

    fn next(&self, now: Timestamp) -> Self {
        Self {
            updated_at: now,
            revision: self.revision + 1,
            ..self.clone()
        }
    }
}

/// No pause before the first time, then 5 minutes, doubled each time up to 6 hours.
fn pause_before_rearming(rearmed: u32) -> SignedDuration {
    match rearmed {
        0 => SignedDuration::ZERO,
        n => {
            SignedDuration::from_mins(5 * (1 << (n - 1).min(7))).min(SignedDuration::from_hours(6))
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::evidence::Certainty;

    const T0: Timestamp = Timestamp::UNIX_EPOCH;

    pub(crate) fn reached() -> Hug {
        Hug {
            account: "x:amber".parse().unwrap(),
            id: "44196397".into(),
            milestone: Milestone::from_number(600).unwrap(),
            status: Status::Reached,
            follower: None,
            evidence: Evidence {
                count_before: 598,
                count_after: 601,
                position: 1,
                skipped: vec![],
                skipped_more: 0,
                certainty: Certainty::Likely,
                arrivals: None,
                note: None,
            },
            creator: "Amber".into(),
            invitation: None,
            refusals: vec![],
            reason: None,
            attempts: 0,
            rearmed: 0,
            lease_until: None,
            reached_at: T0,
            updated_at: T0,
            revision: 1,
        }
    }

    #[test]
    fn the_next_channel_is_the_first_that_is_not_refused_and_names_nobody_who_is_unknown() {
        let contact = [Channel::Mention, Channel::Announce, Channel::Draft];
        let unknown = reached();
        assert_eq!(unknown.next_channel(&contact), Some(Channel::Announce));
        let mut known = reached();
        known.follower = Some(Recipient {
            id: "7".into(),
            handle: "fan".to_owned(),
            name: None,
        });
        assert_eq!(known.next_channel(&contact), Some(Channel::Mention));
        let refused = known.refused(Channel::Mention, "no".to_owned(), T0);
        assert_eq!(refused.next_channel(&contact), Some(Channel::Announce));
        assert_eq!(refused.next_channel(&[Channel::Mention]), None);
    }

    #[test]
    fn words_that_may_be_on_their_way_keep_their_channel() {
        let on_its_way = reached().prepare(words(Channel::Mention), T0);
        let contact = [Channel::Announce];
        assert_eq!(on_its_way.next_channel(&contact), Some(Channel::Mention));
    }

    #[test]
    fn a_draft_without_a_name_has_the_words_of_an_announcement() {
        assert_eq!(reached().wording(Channel::Draft), Channel::Announce);
        assert_eq!(reached().wording(Channel::Message), Channel::Message);
    }

    #[test]
    fn a_message_may_show_up_for_ten_minutes_after_its_last_try_and_a_post_shows_at_once() {
        let ten = SignedDuration::from_mins(10);
        assert_eq!(words(Channel::Announce).shown_by(), T0);
        assert_eq!(words(Channel::Message).shown_by(), T0 + ten);
        let mut again = words(Channel::Message);
        again.tried_again_at = Some(T0 + ten);
        assert_eq!(again.shown_by(), T0 + ten + ten);
    }

    #[test]
    fn a_retry_puts_back_what_was_given_up_and_nothing_that_is_under_way_or_done() {
        let later = T0 + SignedDuration::from_hours(1);
        let mut given_up = reached()
            .refused(Channel::Announce, "no".into(), T0)
            .undeliverable("no".into(), T0);
        given_up.rearmed = MAX_REARMS;
        let retried = given_up.retry(later).unwrap();
        assert_eq!(
            (retried.status, retried.rearmed, retried.refusals.len()),
            (Status::Reached, 0, 0)
        );
        assert_eq!(retried.revision, given_up.revision + 1);

        let claimed = reached().claim(later).unwrap();
        let until = later + LEASE;
        assert_eq!(
            claimed.retry(later),
            Err(NotClaimable::InProgress { until })
        );
        let in_doubt =
            claimed
                .prepare(announcement(), later)
                .in_doubt_until(later, "?".into(), later);
        let retried = in_doubt.retry(later).unwrap();
        assert_eq!(retried.status, Status::Reached);
        assert!(
            retried.invitation.is_some(),
            "the network must be asked for it first"
        );
        assert_eq!(
            in_doubt.invited("1".into(), later).retry(later),
            Err(NotClaimable::Settled(Status::Invited))
        );
    }

    fn words(channel: Channel) -> Invitation {
        Invitation {
            channel,
            ..announcement()
        }
    }

    fn announcement() -> Invitation {
        Invitation {
            channel: Channel::Announce,
            text: "600!".into(),
            prepared_at: T0,
            tried_again_at: None,
            reference: None,
            sent_at: None,
        }
    }

    #[test]
    fn a_claim_keeps_others_away_until_its_lease_runs_out() {
        let claimed = reached().claim(T0).unwrap();
        let until = T0 + LEASE;
        assert_eq!(claimed.claim(T0), Err(NotClaimable::InProgress { until }));
        assert_eq!(claimed.claim(until).unwrap().attempts, 2);
    }

    #[test]
    fn a_settled_hug_cannot_be_claimed() {
        let claimed = reached().claim(T0).unwrap();
        let invited = claimed.prepare(announcement(), T0).invited("17".into(), T0);
        assert_eq!(
            invited.claim(T0 + LEASE),
            Err(NotClaimable::Settled(Status::Invited))
        );
    }

    #[test]
    fn words_stay_after_an_unknown_outcome_and_go_when_nothing_was_sent() {
        let prepared = reached().claim(T0).unwrap().prepare(announcement(), T0);
        assert!(
            prepared
                .in_doubt("timed out".into(), T0)
                .invitation
                .is_some()
        );
        assert!(
            prepared
                .postponed(T0, "503".into(), T0)
                .invitation
                .is_none()
        );
    }

    #[test]
    fn no_send_begins_at_the_end_of_a_lease() {
        let claimed = reached().claim(T0).unwrap();
        assert!(claimed.time_to_send(T0));
        assert!(!claimed.time_to_send(T0 + LEASE - SignedDuration::from_secs(44)));
    }

    #[test]
    fn a_hug_whose_stream_record_was_lost_is_put_back_to_work() {
        assert_eq!(reached().rearm(T0 + SignedDuration::from_mins(4)), None);
        let again = reached().rearm(T0 + SignedDuration::from_mins(5)).unwrap();
        assert_eq!((again.status, again.rearmed), (Status::Reached, 1));
    }

    #[test]
    fn a_claim_whose_holder_died_is_put_back_to_work_with_its_words() {
        let died = reached().claim(T0).unwrap().prepare(announcement(), T0);
        assert_eq!(died.rearm(T0 + SignedDuration::from_secs(89)), None);
        let again = died.rearm(T0 + LEASE).unwrap();
        assert_eq!(again.status, Status::Reached);
        assert!(again.invitation.is_some());
    }

    #[test]
    fn the_next_try_that_is_announced_is_the_one_that_comes() {
        let mut hug = reached().claim(T0).unwrap().postponed(
            T0 + SignedDuration::from_mins(20),
            "wait".into(),
            T0,
        );
        let mut now = T0;
        for _ in 0..MAX_REARMS {
            let next = hug.next_try(now).unwrap();
            assert_eq!(hug.rearm(next - SignedDuration::from_secs(1)), None);
            assert_eq!(hug.next_try(next + LEASE), Some(next + LEASE), "it is due");
            let again = hug.rearm(next).unwrap();
            let later = again.next_try(next);
            assert!(later.is_none_or(|later| later >= next + STREAM_PATIENCE));
            now = next;
            hug = again.claim(now).unwrap().postponed(now, "down".into(), now);
        }
        assert_eq!(
            hug.next_try(now),
            None,
            "it was rearmed as often as it can be"
        );
        let given_up = hug.rearm(now + SignedDuration::from_hours(6)).unwrap();
        assert_eq!(given_up.next_try(now), None);
        let invited = reached().claim(T0).unwrap().invited("1".into(), T0);
        assert_eq!(invited.next_try(T0), None);
    }

    #[test]
    fn rearms_are_spaced_out_and_end_after_about_a_day() {
        let mut hug = reached()
            .claim(T0)
            .unwrap()
            .postponed(T0, "X is down".into(), T0);
        let mut now = T0;
        let mut rearms = 0;
        loop {
            now += SignedDuration::from_mins(5);
            let Some(again) = hug.rearm(now) else {
                continue;
            };
            if again.status == Status::Undeliverable {
                hug = again;
                break;
            }
            rearms += 1;
            let claimed = again.claim(now).unwrap();
            hug = claimed.postponed(now, "X is down".into(), now);
        }
        assert_eq!(rearms, MAX_REARMS);
        let hours = now.duration_since(T0).as_hours();
        assert!((20..30).contains(&hours), "{hours} hours");
        assert!(hug.reason.unwrap().ends_with("X is down"));
    }
}
