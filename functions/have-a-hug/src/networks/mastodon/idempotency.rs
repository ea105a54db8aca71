//! The idempotency key: with the same key, a server returns the status that it has made, and does not make a second
//! one.

use promise::letter::Letter;

/// The key of a letter: the same for every try of one hug on one channel. It contains the account's id, because some
/// servers use one key space for all accounts.
pub(super) fn idempotency_key(letter: &Letter<'_>) -> String {
    let id = letter
        .from
        .as_str()
        .replace(|c: char| !c.is_ascii_alphanumeric(), "-");
    let milestone = letter.milestone;
    format!("have-a-hug-{id}-{milestone}-{}", letter.channel)
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};
    use promise::{channel::Channel, milestone::Milestone};

    use super::*;

    #[test]
    fn a_key_is_the_same_on_every_try_and_differs_between_hugs_and_channels() {
        let key = |id: &str, number, channel, minute| {
            idempotency_key(&Letter {
                from: &id.into(),
                to: None,
                milestone: Milestone::from_number(number).unwrap(),
                reached_at: Timestamp::UNIX_EPOCH,
                channel,
                text: &format!("words of minute {minute}"),
                prepared_at: Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minute),
            })
        };
        let first = key("1@bücher.example:80", 600, Channel::Mention, 0);
        assert_eq!(first, key("1@bücher.example:80", 600, Channel::Mention, 9));
        for other in [
            key("2@bücher.example:80", 600, Channel::Mention, 0),
            key("1@bücher.example:80", 700, Channel::Mention, 0),
            key("1@bücher.example:80", 600, Channel::Announce, 0),
        ] {
            assert_ne!(first, other);
        }
        assert!(
            first.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'),
            "{first}"
        );
    }
}
