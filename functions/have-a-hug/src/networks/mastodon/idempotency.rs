//! The idempotency key: with the same key, a server returns the status that it has made, and does not make a second
//! one.

use promise::letter::Letter;

/// The key of a letter: the same for every try on one channel. It contains the account's id, because some servers use one
/// key space for all accounts. The first letter of a hug has the key that it had when a hug had only one.
pub(super) fn idempotency_key(letter: &Letter<'_>) -> String {
    let id = letter
        .from
        .as_str()
        .replace(|c: char| !c.is_ascii_alphanumeric(), "-");
    let milestone = letter.milestone;
    let key = format!("have-a-hug-{id}-{milestone}-{}", letter.channel);
    match letter.number {
        0 => key,
        number => format!("{key}-{number}"),
    }
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};
    use promise::{channel::Channel, letter::LetterKind, milestone::Milestone};

    use super::*;

    #[test]
    fn a_key_is_the_same_on_every_try_and_differs_between_hugs_letters_and_channels() {
        let key = |id: &str, milestone, channel, minute, number| {
            idempotency_key(&Letter {
                kind: LetterKind::Invitation,
                number,
                reply_to: None,
                song: None,
                from: &id.into(),
                to: None,
                milestone: Milestone::from_number(milestone).unwrap(),
                reached_at: Timestamp::UNIX_EPOCH,
                channel,
                text: &format!("words of minute {minute}"),
                prepared_at: Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minute),
            })
        };
        let id = "1@bücher.example:80";
        let first = key(id, 600, Channel::Mention, 0, 0);
        assert_eq!(first, key(id, 600, Channel::Mention, 9, 0));
        // A letter may be on its way while the program is replaced by a newer one.
        assert_eq!(first, "have-a-hug-1-b-cher-example-80-600-mention");
        for other in [
            key("2@bücher.example:80", 600, Channel::Mention, 0, 0),
            key(id, 700, Channel::Mention, 0, 0),
            key(id, 600, Channel::Announce, 0, 0),
            key(id, 600, Channel::Mention, 0, 1),
        ] {
            assert_ne!(first, other);
        }
        assert!(
            first.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'),
            "{first}"
        );
    }
}
