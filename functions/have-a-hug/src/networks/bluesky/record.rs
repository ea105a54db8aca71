//! What a post is in the account's repository: its record, and the key that keeps a second one out.

use promise::{channel::Channel, letter::Letter};
use serde_json::{Value, json};

use super::rules::address;

pub(super) const POSTS: &str = "app.bsky.feed.post";

/// The record of a post: the same for the same letter, to the byte. `reply` is what it says of the post that it replies
/// to, if it replies to one.
pub(super) fn post(letter: &Letter<'_>, reply: Option<Value>) -> Value {
    let mut record = json!({
        "$type": POSTS,
        "text": letter.text,
        "createdAt": letter.prepared_at.to_string(),
    });
    let facets: Vec<Value> = [mention(letter), link(letter)]
        .into_iter()
        .flatten()
        .collect();
    if !facets.is_empty() {
        record["facets"] = facets.into();
    }
    if let Some(song) = letter.song {
        // The network makes no card of a link by itself. The lexicon demands both texts, and takes empty ones.
        record["embed"] = json!({
            "$type": "app.bsky.embed.external",
            "external": {
                "uri": song.url(),
                "title": song.title.as_deref().unwrap_or_default(),
                "description": "",
            },
        });
    }
    if let Some(reply) = reply {
        record["reply"] = reply;
    }
    record
}

/// The mark that makes the follower's name a mention, where the letter may name them.
fn mention(letter: &Letter<'_>) -> Option<Value> {
    let names = matches!(letter.channel, Channel::Mention | Channel::Reply);
    let who = letter.to.filter(|_| names)?;
    let feature = json!({ "$type": "app.bsky.richtext.facet#mention", "did": who.id });
    facet(letter.text, &address(&who.handle), feature)
}

/// The mark that makes the address of the song a link.
fn link(letter: &Letter<'_>) -> Option<Value> {
    let url = letter.song?.url();
    let feature = json!({ "$type": "app.bsky.richtext.facet#link", "uri": url });
    facet(letter.text, &url, feature)
}

/// The mark on the first place with those words; `None` where they are not in the text.
fn facet(text: &str, words: &str, feature: Value) -> Option<Value> {
    let start = text.find(words)?;
    Some(json!({
        // Facets count bytes of UTF-8.
        "index": { "byteStart": start, "byteEnd": start + words.len() },
        "features": [feature],
    }))
}

/// The key of a letter's post: a TID, as the lexicon demands. It is the same for the same letter whatever else
/// changes, so the network itself keeps a second one out.
///
/// A TID is 53 bits of microseconds and 10 bits that tell writers apart, in an alphabet that sorts.
/// The milestone replaces the fraction of the second and the writer, so no two hugs of one account share
/// a key. The letters of one hug are a second apart; the first one has the key that it had when a hug had only one.
pub(super) fn record_key(letter: &Letter<'_>) -> String {
    const ALPHABET: &[u8; 32] = b"234567abcdefghijklmnopqrstuvwxyz";
    let number = letter.milestone.number();
    let reached_at = u64::try_from(letter.reached_at.as_second()).unwrap_or(0);
    let seconds = reached_at + u64::from(letter.number);
    let micros = seconds * 1_000_000 + number % 1_000_000;
    let bits = ((micros & ((1 << 53) - 1)) << 10) | (number / 1_000_000 % 1024);
    let letter = |place: u32| char::from(ALPHABET[(bits >> (5 * place) & 31) as usize]);
    (0..13).rev().map(letter).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use jiff::Timestamp;
    use promise::{
        follower::Recipient,
        letter::LetterKind,
        milestone::Milestone,
        song::{Song, SongSource},
        unknown::Unknown,
        video::VideoId,
    };

    use super::*;

    fn cleo() -> Recipient {
        Recipient {
            id: "did:plc:cleo".into(),
            handle: "cleo.test".into(),
            ..Recipient::default()
        }
    }

    /// Calls `with` on a letter to Cleo.
    fn letter<T>(channel: Channel, with: impl FnOnce(Letter<'_>) -> T) -> T {
        with(Letter {
            kind: LetterKind::Invitation,
            number: 0,
            reply_to: None,
            song: None,
            from: &"did:plc:amber".into(),
            to: Some(&cleo()),
            milestone: Milestone::from_number(600).unwrap(),
            reached_at: Timestamp::UNIX_EPOCH,
            channel,
            text: "💛 @cleo.test hello",
            prepared_at: Timestamp::UNIX_EPOCH,
        })
    }

    fn key(milestone: u64, number: u32, reached_at: &str) -> String {
        let milestone = Milestone::from_number(milestone).unwrap();
        let reached_at = reached_at.parse().unwrap();
        letter(Channel::Announce, |letter| {
            record_key(&Letter {
                milestone,
                number,
                reached_at,
                ..letter
            })
        })
    }

    #[test]
    fn record_keys_are_tids_that_no_two_letters_share() {
        let mut seen = HashSet::new();
        for milestone in (1..2_000).chain((1..200).map(|n| n * 500_000)) {
            for number in [0, 1, 2, 50] {
                let key = key(milestone, number, "1970-01-01T00:00:00Z");
                assert_eq!(key.len(), 13);
                assert!("234567abcdefghij".contains(&key[..1]), "{key}");
                assert!(seen.insert(key), "{milestone}, {number}");
            }
        }
        assert_eq!(key(600, u32::MAX, "9999-12-30T00:00:00Z").len(), 13);
    }

    /// A letter may be on its way while the program is replaced by a newer one.
    #[test]
    fn the_first_letter_has_the_key_of_the_earlier_versions() {
        for (milestone, reached_at, earlier) in [
            (600, "2026-11-22T14:00:00Z", "3n2vrme2ams22"),
            (5_000_100, "2026-09-30T00:03:00Z", "3mwp24v3pf627"),
        ] {
            assert_eq!(key(milestone, 0, reached_at), earlier);
        }
    }

    #[test]
    fn a_mention_is_marked_by_bytes_and_an_announcement_marks_nobody() {
        let record = |channel| letter(channel, |letter| post(&letter, None));
        for channel in [Channel::Mention, Channel::Reply] {
            let facet = &record(channel)["facets"][0];
            assert_eq!(facet["index"], json!({ "byteStart": 5, "byteEnd": 15 }));
            assert_eq!(facet["features"][0]["did"], "did:plc:cleo");
        }
        let announcement = record(Channel::Announce);
        let fields: Vec<&String> = announcement.as_object().unwrap().keys().collect();
        assert_eq!(fields, ["$type", "createdAt", "text"]);
    }

    #[test]
    fn a_song_is_a_link_and_a_card_and_the_reply_names_both_posts() {
        let song = |title: Option<&str>| Song {
            video: VideoId::from_id("dQw4w9WgXcQ").unwrap(),
            title: title.map(str::to_owned),
            by: SongSource::Creator,
            at: Timestamp::UNIX_EPOCH,
            unknown: Unknown::new(),
        };
        let record = |text, title| {
            letter(Channel::Reply, |letter| {
                let song = song(title);
                let letter = Letter {
                    text,
                    song: Some(&song),
                    ..letter
                };
                post(&letter, Some(json!({ "parent": 1 })))
            })
        };
        let with_link = record("💛 here: https://youtu.be/dQw4w9WgXcQ!", Some("Cats"));
        let uri = "https://youtu.be/dQw4w9WgXcQ";
        let facets = json!([{
            "index": { "byteStart": 11, "byteEnd": 39 },
            "features": [{ "$type": "app.bsky.richtext.facet#link", "uri": uri }],
        }]);
        assert_eq!(with_link["facets"], facets);
        let external = json!({ "uri": uri, "title": "Cats", "description": "" });
        assert_eq!(with_link["embed"]["external"], external);
        assert_eq!(with_link["reply"], json!({ "parent": 1 }));

        let without_link = record("Your song!", None);
        assert!(without_link.get("facets").is_none());
        assert_eq!(without_link["embed"]["external"]["title"], "");
    }
}
