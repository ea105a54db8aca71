//! Reads records that earlier versions of this program wrote, and returns records of today's form.
//!
//! An item of version 1 has no field `version`. Its hug had only one letter, and the letter's claim and refusals
//! were fields of the hug. A draft had the status `invited`; a hug that was given up had `undeliverable`.

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use crate::{
    account::{AccountName, UserId},
    channel::Channel,
    evidence::{Arrivals, Certainty, Evidence},
    follower::Recipient,
    hug::{Hug, LEASE, Status},
    letter::{LetterState, Receipt, Refusal, Wait, WaitCause, Words},
    milestone::Milestone,
    unknown::Unknown,
};

/// A hug of version 1.
#[derive(Debug, Deserialize)]
pub struct HugV1 {
    account: AccountName,
    id: UserId,
    milestone: Milestone,
    status: String,
    follower: Option<Recipient>,
    evidence: EvidenceV1,
    creator: String,
    invitation: Option<InvitationV1>,
    #[serde(default)]
    refusals: Vec<Refusal>,
    reason: Option<String>,
    attempts: u32,
    rearmed: u32,
    lease_until: Option<Timestamp>,
    reached_at: Timestamp,
    updated_at: Timestamp,
    revision: u64,
    #[serde(flatten)]
    unknown: Unknown,
}

#[derive(Debug, Deserialize)]
struct EvidenceV1 {
    count_before: u64,
    count_after: u64,
    position: u64,
    /// Only their number is read: since version 2 their names are in items that expire.
    skipped: Vec<serde_json::Value>,
    #[serde(default)]
    skipped_more: u64,
    #[serde(default)]
    certainty: Certainty,
    #[serde(default)]
    arrivals: Option<Arrivals>,
    note: Option<String>,
}

#[derive(Debug, Deserialize)]
struct InvitationV1 {
    channel: Channel,
    text: String,
    prepared_at: Timestamp,
    #[serde(default)]
    tried_again_at: Option<Timestamp>,
    reference: Option<String>,
    sent_at: Option<Timestamp>,
}

impl From<HugV1> for Hug {
    fn from(old: HugV1) -> Self {
        let was_draft = old
            .invitation
            .as_ref()
            .is_some_and(|invitation| invitation.channel == Channel::Draft);
        let status = match old.status.as_str() {
            "reached" => Status::Reached,
            "inviting" => Status::Inviting,
            // The program never sent a draft, and the record does not say whether the creator sent it by hand.
            "invited" if was_draft => Status::ToSend,
            "invited" => Status::Invited,
            "undeliverable" => Status::ToSend,
            word => Status::Unknown(word.to_owned()),
        };
        // Until version 2 a wait was a long lease.
        let is_wait =
            |until: &Timestamp| *until > old.updated_at + LEASE + SignedDuration::from_secs(1);
        let wait = old.lease_until.filter(is_wait).map(|until| Wait {
            until,
            cause: WaitCause::RateLimit,
        });
        let invitation = LetterState {
            lease_until: old.lease_until.filter(|_| wait.is_none()),
            wait,
            attempts: old.attempts,
            rearmed: old.rearmed,
            refusals: old.refusals,
            ..old.invitation.map(LetterState::from).unwrap_or_default()
        };
        let EvidenceV1 {
            count_before,
            count_after,
            position,
            skipped,
            skipped_more,
            certainty,
            arrivals,
            note,
        } = old.evidence;
        let evidence = Evidence {
            count_before,
            count_after,
            since: None,
            position,
            passed_over: skipped.len() as u64 + skipped_more,
            certainty,
            arrivals,
            note,
            unknown: Unknown::new(),
        };
        let reached_at = old.reached_at;
        let owed = Self::owed(
            old.account,
            old.id,
            old.milestone,
            old.creator,
            old.follower,
            evidence,
            reached_at,
        );
        Self {
            status,
            invitation,
            reason: old.reason,
            updated_at: old.updated_at,
            revision: old.revision,
            unknown: old.unknown,
            ..owed
        }
    }
}

impl From<InvitationV1> for LetterState {
    fn from(old: InvitationV1) -> Self {
        // The reference of a draft was its link. Since version 2 the link is made when the draft is shown.
        let reference = old.reference.filter(|_| old.channel != Channel::Draft);
        Self {
            receipt: reference.map(|reference| Receipt {
                reference,
                url: None,
                reply_key: None,
            }),
            sent_at: old.sent_at,
            words: Some(Words {
                channel: old.channel,
                text: old.text,
                prepared_at: old.prepared_at,
                tried_again_at: old.tried_again_at,
            }),
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn hug(status: &str, invitation: Value, lease_until: Value) -> Hug {
        let old = json!({
            "account": "x:amber", "id": "44196397", "milestone": 600, "status": status,
            "follower": { "id": "7", "handle": "fan", "name": null },
            "evidence": {
                "count_before": 598, "count_after": 601, "position": 1, "note": null,
                "skipped": [{ "handle": "bot", "reasons": ["marked"] }], "skipped_more": 2,
            },
            "creator": "Amber", "invitation": invitation,
            "refusals": [{ "channel": "announce", "reason": "403" }], "reason": null,
            "attempts": 1, "rearmed": 2, "lease_until": lease_until,
            "reached_at": "2026-11-22T14:00:00Z", "updated_at": "2026-11-22T14:00:05Z", "revision": 4,
        });
        let old: HugV1 = serde_json::from_value(old).unwrap();
        old.into()
    }

    fn invitation(channel: &str, sent_at: Option<&str>) -> Value {
        json!({
            "channel": channel, "text": "600!", "prepared_at": "2026-11-22T14:00:01Z",
            "reference": "https://x.com/intent", "sent_at": sent_at,
        })
    }

    #[test]
    fn a_draft_that_was_called_invited_waits_for_the_creators_hand_with_its_words() {
        let draft = hug("invited", invitation("draft", None), Value::Null);
        assert_eq!(draft.status, Status::ToSend);
        let LetterState {
            words,
            receipt,
            sent_at,
            refusals,
            ..
        } = draft.invitation;
        assert_eq!(words.unwrap().text, "600!");
        assert_eq!((receipt, sent_at, refusals.len()), (None, None, 1));
    }

    #[test]
    fn a_hug_that_was_given_up_waits_for_the_creators_hand() {
        let given_up = hug("undeliverable", Value::Null, Value::Null);
        assert_eq!(given_up.status, Status::ToSend);
        assert_eq!(given_up.evidence.passed_over, 3);
    }

    #[test]
    fn an_invitation_that_was_sent_stays_sent() {
        let sent = invitation("announce", Some("2026-11-22T14:00:05Z"));
        let sent = hug("invited", sent, Value::Null);
        assert_eq!(sent.status, Status::Invited);
        assert!(sent.invitation.sent_at.is_some() && sent.invitation.receipt.is_some());
    }

    #[test]
    fn a_lease_longer_than_a_claim_was_a_rate_limit() {
        let limited = hug("inviting", Value::Null, json!("2026-11-22T15:00:00Z"));
        let wait = limited.invitation.wait.unwrap();
        assert_eq!(wait.until, "2026-11-22T15:00:00Z".parse().unwrap());
        assert_eq!(limited.invitation.lease_until, None);
        let claimed = hug("inviting", Value::Null, json!("2026-11-22T14:01:35Z"));
        assert!(claimed.invitation.lease_until.is_some() && claimed.invitation.wait.is_none());
    }
}
