//! What a post is in the account's repository: its record, and the key that keeps a second one out.

use jiff::Timestamp;
use promise::{channel::Channel, letter::Letter, milestone::Milestone};
use serde_json::{Value, json};

use super::rules::address;

pub(super) const POSTS: &str = "app.bsky.feed.post";

/// The record of a post: the same for the same letter, to the byte.
pub(super) fn post(letter: &Letter<'_>) -> Value {
    let mut record = json!({
        "$type": POSTS,
        "text": letter.text,
        "createdAt": letter.prepared_at.to_string(),
    });
    let named = letter.to.filter(|_| letter.channel == Channel::Mention);
    let label = named.map(|who| (who, address(&who.handle)));
    if let Some((who, label)) = label
        && let Some(start) = letter.text.find(&label)
    {
        record["facets"] = json!([{
            // Facets count bytes of UTF-8.
            "index": { "byteStart": start, "byteEnd": start + label.len() },
            "features": [{ "$type": "app.bsky.richtext.facet#mention", "did": who.id }],
        }]);
    }
    record
}

/// The key of a hug's post: a TID, as the lexicon demands. It is the same for the same hug whatever else
/// changes, so the network itself keeps a second invitation out.
///
/// A TID is 53 bits of microseconds and 10 bits that tell writers apart, in an alphabet that sorts.
/// The milestone replaces the fraction of the second and the writer, so no two hugs of one account share
/// a key.
pub(super) fn record_key(milestone: Milestone, reached_at: Timestamp) -> String {
    const ALPHABET: &[u8; 32] = b"234567abcdefghijklmnopqrstuvwxyz";
    let number = milestone.number();
    let seconds = u64::try_from(reached_at.as_second()).unwrap_or(0);
    let micros = seconds * 1_000_000 + number % 1_000_000;
    let bits = ((micros & ((1 << 53) - 1)) << 10) | (number / 1_000_000 % 1024);
    let letter = |place: u32| char::from(ALPHABET[(bits >> (5 * place) & 31) as usize]);
    (0..13).rev().map(letter).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use promise::follower::Recipient;

    use super::*;

    fn milestone(number: u64) -> Milestone {
        Milestone::from_number(number).unwrap()
    }

    #[test]
    fn record_keys_are_tids_that_no_two_hugs_share() {
        let mut seen = HashSet::new();
        for number in (1..2_000).chain((1..200).map(|n| n * 500_000)) {
            let key = record_key(milestone(number), Timestamp::UNIX_EPOCH);
            assert_eq!(key.len(), 13);
            assert!("234567abcdefghij".contains(&key[..1]), "{key}");
            assert!(seen.insert(key), "{number}");
        }
    }

    #[test]
    fn a_mention_is_marked_by_bytes_and_an_announcement_marks_nobody() {
        let cleo = Recipient {
            id: "did:plc:cleo".into(),
            handle: "cleo.test".into(),
            ..Recipient::default()
        };
        let record = |channel| {
            post(&Letter {
                from: &"did:plc:amber".into(),
                to: Some(&cleo),
                milestone: milestone(600),
                reached_at: Timestamp::UNIX_EPOCH,
                channel,
                text: "💛 @cleo.test hello",
                prepared_at: Timestamp::UNIX_EPOCH,
            })
        };
        let facet = &record(Channel::Mention)["facets"][0];
        assert_eq!(facet["index"], json!({ "byteStart": 5, "byteEnd": 15 }));
        assert_eq!(facet["features"][0]["did"], "did:plc:cleo");
        assert!(record(Channel::Announce).get("facets").is_none());
    }
}
