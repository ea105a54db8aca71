//! What a post is in the account's repository: its record, and the key that keeps a second one out.

use serde_json::{Value, json};

use crate::{
    hug::Hug,
    invitation::{Channel, address},
    network::{Letter, NetworkName},
};

pub(super) const POSTS: &str = "app.bsky.feed.post";

/// The record of a post: the same for the same letter, to the byte.
pub(super) fn post(letter: &Letter<'_>) -> Value {
    let mut record = json!({
        "$type": POSTS,
        "text": letter.invitation.text,
        "createdAt": letter.invitation.prepared_at.to_string(),
    });
    let named = letter
        .hug
        .follower
        .as_ref()
        .filter(|_| letter.invitation.channel == Channel::Mention);
    let label = named.map(|who| (who, address(NetworkName::Bluesky, who)));
    if let Some((who, label)) = label
        && let Some(start) = letter.invitation.text.find(&label)
    {
        record["facets"] = json!([{
            // Facets count bytes of UTF-8.
            "index": { "byteStart": start, "byteEnd": start + label.len() },
            "features": [{ "$type": "app.bsky.richtext.facet#mention", "did": who.id }],
        }]);
    }
    record
}

/// The key of a hug's post: a TID, as the lexicon demands, and the same for the same hug whatever
/// else changes, so that the network itself keeps a second invitation out.
///
/// A TID is 53 bits of microseconds and 10 bits that tell writers apart, in an alphabet that sorts.
/// The milestone takes the place of the fraction of the second and of the writer, so two hugs of
/// one account never share a key.
pub(super) fn record_key(hug: &Hug) -> String {
    const ALPHABET: &[u8; 32] = b"234567abcdefghijklmnopqrstuvwxyz";
    let number = hug.milestone.number();
    let seconds = u64::try_from(hug.reached_at.as_second()).unwrap_or(0);
    let micros = seconds * 1_000_000 + number % 1_000_000;
    let bits = ((micros & ((1 << 53) - 1)) << 10) | (number / 1_000_000 % 1024);
    let letter = |place: u32| char::from(ALPHABET[(bits >> (5 * place) & 31) as usize]);
    (0..13).rev().map(letter).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use jiff::Timestamp;

    use super::*;
    use crate::{
        follower::Recipient,
        hug::{Invitation, tests::reached},
        milestone::Milestone,
    };

    fn hug(number: u64) -> Hug {
        Hug {
            milestone: Milestone::from_number(number).unwrap(),
            follower: Some(Recipient {
                id: "did:plc:cleo".into(),
                handle: "cleo.test".into(),
                name: None,
            }),
            ..reached()
        }
    }

    #[test]
    fn record_keys_are_tids_that_no_two_hugs_share() {
        let mut seen = HashSet::new();
        for number in (1..2_000).chain((1..200).map(|n| n * 500_000)) {
            let key = record_key(&hug(number));
            assert_eq!(key.len(), 13);
            assert!("234567abcdefghij".contains(&key[..1]), "{key}");
            assert!(seen.insert(key), "{number}");
        }
    }

    #[test]
    fn a_mention_is_marked_by_bytes_and_an_announcement_marks_nobody() {
        let hug = hug(600);
        let record = |channel| {
            let invitation = Invitation {
                channel,
                text: "💛 @cleo.test hello".into(),
                prepared_at: Timestamp::UNIX_EPOCH,
                tried_again_at: None,
                reference: None,
                sent_at: None,
            };
            post(&Letter {
                hug: &hug,
                invitation: &invitation,
            })
        };
        let facet = &record(Channel::Mention)["facets"][0];
        assert_eq!(facet["index"], json!({ "byteStart": 5, "byteEnd": 15 }));
        assert_eq!(facet["features"][0]["did"], "did:plc:cleo");
        assert!(record(Channel::Announce).get("facets").is_none());
    }
}
