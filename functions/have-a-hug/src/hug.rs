//! The gift owed for one milestone, and its life. Pure: each step makes the next state of a hug,
//! which the ledger then writes only if the hug is still as it was read.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    account::{AccountId, AccountName, as_text},
    follower::Recipient,
    invitation::Channel,
    milestone::Milestone,
};

/// How long a claim keeps others away. Longer than the longest run of requests that one
/// invitation makes before it looks at the clock again (see [`Hug::time_to_send`]).
pub const LEASE: SignedDuration = SignedDuration::from_secs(90);

/// A send is not begun with less than this left of the lease: it may take this long to fail.
const LONGEST_SEND: SignedDuration = SignedDuration::from_secs(45);

/// How long a hug may lie in `reached` before a check takes its stream record for lost.
const STREAM_PATIENCE: SignedDuration = SignedDuration::from_mins(5);

/// How often a check puts a stuck hug back to work. With the pauses between, this spans
/// about 22 hours.
pub const MOST_REARMED: u32 = 10;

/// Where a hug stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Owed and written down; the stream of these feeds `invite-follower`.
    Reached,
    /// Claimed: someone is sending the invitation, or died while doing so.
    Inviting,
    /// The invitation is out (or, on the channel `draft`, ready for the creator's hand).
    Invited,
    /// The follower named a topic.
    TopicChosen,
    /// The song is up.
    SongPosted,
    /// The follower has the link. Here, have a hug.
    Hugged,
    /// No channel is left, or it failed too often; [`Hug::reason`] says why.
    Undeliverable,
}

impl Status {
    /// Whether the invitation needs no more looking after.
    pub fn is_settled(self) -> bool {
        !matches!(self, Self::Reached | Self::Inviting)
    }
}

/// The word that stands in the ledger.
impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Reached => "reached",
            Self::Inviting => "inviting",
            Self::Invited => "invited",
            Self::TopicChosen => "topic_chosen",
            Self::SongPosted => "song_posted",
            Self::Hugged => "hugged",
            Self::Undeliverable => "undeliverable",
        })
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
    #[serde(with = "as_text")]
    pub account: AccountName,
    /// The same account's id on the network.
    pub id: String,
    /// The number that was crossed.
    pub milestone: Milestone,
    /// Where it stands.
    pub status: Status,
    /// Who gets it; `None` where the list of followers could not tell.
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
    /// Why it is where it is, when that is not the plain way: the last failure.
    pub reason: Option<String>,
    /// How often it was claimed.
    pub attempts: u32,
    /// How often a check put it back to work.
    pub rearmed: u32,
    /// Until when the claim keeps others away.
    pub lease_until: Option<Timestamp>,
    /// When the milestone was noticed.
    pub reached_at: Timestamp,
    /// When this was last written.
    pub updated_at: Timestamp,
    /// Counts the writes; whoever read an older one has lost the race.
    pub revision: u64,
}

/// What anyone needs to check the decision who gets the hug.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// Followers at the check before.
    pub count_before: u64,
    /// Followers at the check that noticed.
    pub count_after: u64,
    /// `count_after - milestone`: the place in the list of followers, newest first, 0 the newest.
    pub position: u64,
    /// Who stood at or after that place and was passed over; the first hundred of them.
    pub skipped: Vec<Skipped>,
    /// How many more were passed over than `skipped` lists.
    #[serde(default)]
    pub skipped_more: u64,
    /// How sure it is who this is.
    #[serde(default)]
    pub certainty: Certainty,
    /// What was known of the list shortly before; `None` where nothing was.
    #[serde(default)]
    pub arrivals: Option<Arrivals>,
    /// Why nobody is named, where nobody is.
    pub note: Option<String>,
}

/// How sure it is that the follower named is the one whose place the milestone is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Certainty {
    /// [`Arrivals`] are known, the count rose by exactly as many as stand above all who were
    /// remembered, it stood still while the list was read, and everyone who was remembered is still
    /// there: count and list tell the same.
    Certain,
    /// Count and list differ, or nothing is known of the list before: the place may be off by as
    /// many as are hidden among the newest.
    #[default]
    Likely,
    /// Nobody is named.
    Unknown,
}

/// Who came between a look at the list shortly before the milestone and the check that noticed it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arrivals {
    /// How many followed at that look.
    pub since_count: u64,
    /// When it was.
    pub since: Timestamp,
    /// How many came since who had not been seen at the top of the list.
    pub came: u64,
    /// Who says so.
    pub told_by: ToldBy,
}

/// Where arrivals are known from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToldBy {
    /// They stand above those who were remembered.
    List,
    /// The network's notifications of follows, with their times.
    Notifications,
}

/// A follower who was passed over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    /// The follower's handle.
    pub handle: String,
    /// Why: the signals that hold, or an earlier hug.
    pub reasons: Vec<String>,
}

/// The message that asks for a topic. Kept whole before the first try, so that a second try can
/// send the very same thing or recognise it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invitation {
    /// How it travels.
    pub channel: Channel,
    /// Its words.
    pub text: String,
    /// When it was worded: part of what the network is told, so it never changes afterwards.
    pub prepared_at: Timestamp,
    /// When it was sent again, if it ever was: after an unknown outcome, once the network had been
    /// asked for it in vain.
    #[serde(default)]
    pub tried_again_at: Option<Timestamp>,
    /// Where it is: the network's id of the post or message; for a draft, the one-tap link.
    pub reference: Option<String>,
    /// When the network had it; `None` before, and for a draft, which is not sent.
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

/// Why a hug can't be claimed, or put back to work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotClaimable {
    /// Someone has it until then; if they die, a check puts it back to work.
    #[error("it is under way or waits for the network until {until}, and goes on by itself")]
    InProgress {
        /// When the claim runs out.
        until: Timestamp,
    },
    /// Nothing is left to do.
    #[error("it is {0} already, so there is nothing to send")]
    Settled(Status),
}

impl Invitation {
    /// When it may have reached the network last.
    pub fn last_tried_at(&self) -> Timestamp {
        self.tried_again_at.unwrap_or(self.prepared_at)
    }
}

impl Hug {
    /// Its key in the ledger.
    pub fn key(&self) -> HugKey {
        HugKey {
            id: self.account.with_id(&self.id),
            milestone: self.milestone,
        }
    }

    /// `reached → inviting`, also out of a claim that has run out.
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
            .is_some_and(|until| until.duration_since(now) >= LONGEST_SEND)
    }

    /// With the words that are about to be sent.
    pub fn prepare(&self, invitation: Invitation, now: Timestamp) -> Self {
        let mut prepared = self.next(now);
        prepared.invitation = Some(invitation);
        prepared
    }

    /// About to be sent once more.
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

    /// The channel is closed for good; the next one is to be tried under the same claim.
    pub fn refused(&self, channel: Channel, reason: String, now: Timestamp) -> Self {
        let mut refused = self.next(now);
        refused.invitation = None;
        refused.refusals.push(Refusal { channel, reason });
        refused
    }

    /// Nothing was sent; from `until` on it may be claimed again.
    pub fn postponed(&self, until: Timestamp, reason: String, now: Timestamp) -> Self {
        let mut postponed = self.next(now);
        postponed.invitation = None;
        postponed.lease_until = Some(until);
        postponed.reason = Some(reason);
        postponed
    }

    /// It may or may not have arrived: the words stay, so that whoever claims it next, from `until`
    /// on, asks the network before sending anything.
    pub fn in_doubt(&self, until: Timestamp, reason: String, now: Timestamp) -> Self {
        let mut in_doubt = self.next(now);
        in_doubt.lease_until = Some(until);
        in_doubt.reason = Some(reason);
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

    /// Puts a stuck hug back to `reached`, which sends it through the stream once more, or gives
    /// it up after [`MOST_REARMED`] times. `None` while it is not stuck.
    pub fn rearm(&self, now: Timestamp) -> Option<Self> {
        self.stuck_from().filter(|from| now >= *from)?;
        if self.rearmed >= MOST_REARMED {
            let last = self.reason.as_deref().unwrap_or("no delivery reached it");
            let reason =
                format!("given up after {MOST_REARMED} new starts; the last failure: {last}");
            return Some(self.undeliverable(reason, now));
        }
        let mut rearmed = self.next(now);
        rearmed.status = Status::Reached;
        rearmed.lease_until = None;
        rearmed.rearmed += 1;
        Some(rearmed)
    }

    /// From when on a check takes it for stuck; `None` where nothing is left to send.
    fn stuck_from(&self) -> Option<Timestamp> {
        let quiet = self.updated_at + pause_before_rearming(self.rearmed);
        match self.status {
            Status::Reached => Some(quiet + STREAM_PATIENCE),
            Status::Inviting => Some(self.lease_until.map_or(quiet, |until| quiet.max(until))),
            _ => None,
        }
    }

    /// When a check puts it back to work by itself, if no delivery comes before: `now` where the
    /// next check does. `None` where that is over, as nothing is left to send or every new start is
    /// used up.
    pub fn next_try(&self, now: Timestamp) -> Option<Timestamp> {
        let from = self.stuck_from()?;
        (self.rearmed < MOST_REARMED).then_some(from.max(now))
    }

    /// Puts an undelivered hug back to `reached`, for a person who has removed the cause: with all
    /// its new starts before it, and, if it was given up, every channel open again.
    ///
    /// # Errors
    ///
    /// While someone is at work on it, or if nothing is left to do.
    pub fn redrive(&self, now: Timestamp) -> Result<Self, NotClaimable> {
        let mut redriven = self.next(now);
        match (self.status, self.lease_until) {
            (Status::Inviting, Some(until)) if until > now => {
                return Err(NotClaimable::InProgress { until });
            }
            (Status::Reached | Status::Inviting, _) => {}
            (Status::Undeliverable, _) => redriven.refusals.clear(),
            (settled, _) => return Err(NotClaimable::Settled(settled)),
        }
        redriven.status = Status::Reached;
        redriven.lease_until = None;
        redriven.rearmed = 0;
        Ok(redriven)
    }

    fn next(&self, now: Timestamp) -> Self {
        Self {
            updated_at: now,
            revision: self.revision + 1,
            ..self.clone()
        }
    }
}

/// Nothing before the first new start, then 5 minutes, doubled each time, 6 hours at most.
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
    fn a_redrive_puts_back_what_was_given_up_and_nothing_that_is_under_way_or_done() {
        let later = T0 + SignedDuration::from_hours(1);
        let mut given_up = reached()
            .refused(Channel::Announce, "no".into(), T0)
            .undeliverable("no".into(), T0);
        given_up.rearmed = MOST_REARMED;
        let redriven = given_up.redrive(later).unwrap();
        assert_eq!(
            (redriven.status, redriven.rearmed, redriven.refusals.len()),
            (Status::Reached, 0, 0)
        );
        assert_eq!(redriven.revision, given_up.revision + 1);

        let claimed = reached().claim(later).unwrap();
        let until = later + LEASE;
        assert_eq!(
            claimed.redrive(later),
            Err(NotClaimable::InProgress { until })
        );
        let in_doubt = claimed
            .prepare(announcement(), later)
            .in_doubt(later, "?".into(), later);
        let redriven = in_doubt.redrive(later).unwrap();
        assert_eq!(redriven.status, Status::Reached);
        assert!(
            redriven.invitation.is_some(),
            "the network must be asked for it first"
        );
        assert_eq!(
            in_doubt.invited("1".into(), later).redrive(later),
            Err(NotClaimable::Settled(Status::Invited))
        );
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
                .in_doubt(T0, "timed out".into(), T0)
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
    fn the_next_try_that_is_told_is_the_one_that_comes() {
        let mut hug = reached().claim(T0).unwrap().postponed(
            T0 + SignedDuration::from_mins(20),
            "wait".into(),
            T0,
        );
        let mut now = T0;
        for _ in 0..MOST_REARMED {
            let next = hug.next_try(now).unwrap();
            assert_eq!(hug.rearm(next - SignedDuration::from_secs(1)), None);
            assert_eq!(hug.next_try(next + LEASE), Some(next + LEASE), "it is due");
            let again = hug.rearm(next).unwrap();
            let later = again.next_try(next);
            assert!(later.is_none_or(|later| later >= next + STREAM_PATIENCE));
            now = next;
            hug = again.claim(now).unwrap().postponed(now, "down".into(), now);
        }
        assert_eq!(hug.next_try(now), None, "every new start is used up");
        let given_up = hug.rearm(now + SignedDuration::from_hours(6)).unwrap();
        assert_eq!(given_up.next_try(now), None);
        let invited = reached().claim(T0).unwrap().invited("1".into(), T0);
        assert_eq!(invited.next_try(T0), None);
    }

    #[test]
    fn new_starts_are_spaced_out_and_end_after_about_a_day() {
        let mut hug = reached()
            .claim(T0)
            .unwrap()
            .postponed(T0, "X is down".into(), T0);
        let mut now = T0;
        let mut new_starts = 0;
        loop {
            now += SignedDuration::from_mins(5);
            let Some(again) = hug.rearm(now) else {
                continue;
            };
            if again.status == Status::Undeliverable {
                hug = again;
                break;
            }
            new_starts += 1;
            let claimed = again.claim(now).unwrap();
            hug = claimed.postponed(now, "X is down".into(), now);
        }
        assert_eq!(new_starts, MOST_REARMED);
        let hours = now.duration_since(T0).as_hours();
        assert!((20..30).contains(&hours), "{hours} hours");
        assert!(hug.reason.unwrap().ends_with("X is down"));
    }
}
