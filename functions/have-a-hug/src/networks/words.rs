//! What somebody typed, found in what a network shows of a post: the words without the mentions in them.

use std::ops::Range;

/// At most so many answers are returned of one question, so that nobody can fill the memory.
pub(super) const MAX_ANSWERS: usize = 200;

/// So many characters of an answer are kept. A topic is far shorter.
const MAX_LENGTH: usize = 5_000;

/// The text on one line, with one space between two words, and no longer than [`MAX_LENGTH`].
pub(super) fn tidy(text: &str) -> String {
    // More than one word is never longer than the text, so a cut text can be split without looking at all of it.
    let mut tidy = String::new();
    for word in text.split_whitespace() {
        if tidy.len() > 4 * MAX_LENGTH {
            break;
        }
        if !tidy.is_empty() {
            tidy.push(' ');
        }
        tidy.push_str(word);
    }
    tidy.chars().take(MAX_LENGTH).collect()
}

/// The text without its mentions.
///
/// `length` says how many bytes of the text after an `@` are the handle that is mentioned; 0 where it mentions nobody.
/// An `@` inside a word is no mention: `cleo@example.com`.
pub(super) fn without_mentions(text: &str, length: impl Fn(&str) -> usize) -> String {
    let mut kept = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['@', '＠']) {
        let (before, mention) = rest.split_at(at);
        kept.push_str(before);
        // Only scripts with spaces between words: the others write a mention right behind a word.
        let in_a_word = |c: char| (c.is_alphanumeric() && c < '\u{1100}') || "_@＠".contains(c);
        let begins = !kept.ends_with(in_a_word);
        let mut letters = mention.chars();
        let sign = letters.next().unwrap_or_default();
        let handle = letters.as_str();
        let end = if begins { length(handle) } else { 0 };
        if let (1.., Some(after)) = (end, handle.get(end..)) {
            rest = without_address_mark(&kept, after);
        } else {
            kept.push(sign);
            rest = handle;
        }
    }
    kept + rest
}

/// The text without the mentions at these places, in bytes. A place that is not one of this text is left as it is.
pub(super) fn without_places(text: &str, mut places: Vec<Range<usize>>) -> String {
    places.sort_by_key(|place| place.start);
    let mut kept = String::new();
    let mut rest = text;
    for place in places {
        // Whatever was cut off lies before the rest.
        let done = text.len() - rest.len();
        let within = |at: usize| at.checked_sub(done);
        let (Some(start), Some(end)) = (within(place.start), within(place.end)) else {
            continue;
        };
        if let (true, Some(before), Some(after)) = (start < end, rest.get(..start), rest.get(end..))
        {
            kept.push_str(before);
            rest = without_address_mark(&kept, after);
        }
    }
    kept + rest
}

/// The words after a mention with which a text begins, without the comma or colon that belongs to the mention:
/// "@amber: cats".
fn without_address_mark<'a>(before: &str, after: &'a str) -> &'a str {
    let bare = after.strip_prefix([',', ':']).unwrap_or(after);
    let begins = before.trim().is_empty() && bare.starts_with(char::is_whitespace);
    if begins { bare } else { after }
}

#[cfg(any(test, fuzzing))]
pub(super) mod fit {
    use promise::{answer::Answer, letter::Receipt};

    use super::{MAX_ANSWERS, MAX_LENGTH};
    use crate::network::{Answered, Asked, AskedLetter};

    /// Panics unless an answer to such a question is safe to judge, and bounded.
    pub(in crate::networks) fn assert_answers(answers: &[Answer], to: &str) {
        assert!(answers.len() <= MAX_ANSWERS);
        for answer in answers {
            assert_eq!(answer.to, to);
            assert!(answer.text.chars().count() <= MAX_LENGTH);
            assert!(answer.text.trim() == answer.text);
            for made in [
                Some(&answer.post.reference),
                Some(&answer.version),
                answer.post.url.as_ref(),
                answer.post.reply_key.as_ref(),
                answer.mark.as_ref(),
            ]
            .into_iter()
            .flatten()
            {
                assert!(!made.is_empty() && made.len() <= 4 * 1_024 && made.is_ascii());
                assert!(!made.contains(char::is_control), "{made:?}");
            }
        }
    }

    /// Panics unless what was read of a network's list of answers makes sense.
    pub(in crate::networks) fn assert_answered(answered: &Answered, to: &str) {
        assert_answers(&answered.answers, to);
        assert!(
            answered
                .up_to
                .as_ref()
                .is_none_or(|up_to| !up_to.is_empty())
        );
    }

    /// A question for the answers of one follower to one letter.
    pub(in crate::networks) fn asked<'a>(
        receipt: &'a Receipt,
        follower: &'a promise::account::UserId,
    ) -> Asked<'a> {
        Asked {
            letters: vec![AskedLetter {
                receipt,
                follower,
                is_new: false,
                is_due: true,
            }],
            up_to: None,
            most: 500,
            thorough: true,
        }
    }

    /// The receipt of a letter with that reference.
    pub(in crate::networks) fn receipt(reference: &str) -> Receipt {
        Receipt {
            reference: reference.to_owned(),
            url: None,
            reply_key: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn word(text: &str) -> usize {
        text.find(|c: char| !c.is_ascii_alphanumeric())
            .unwrap_or(text.len())
    }

    #[test]
    fn mentions_go_and_all_else_stays() {
        for (text, typed) in [
            ("@amber cats", "cats"),
            ("＠amber cats", "cats"),
            ("@amber: cats, please", "cats, please"),
            ("💛@amber, @bea\n cats", "💛, cats"),
            ("cats for (@amber)!", "cats for ()!"),
            ("me@amber.example", "me@amber.example"),
            ("@ home @", "@ home @"),
            ("@@amber", "@@amber"),
            ("@amber", ""),
        ] {
            assert_eq!(tidy(&without_mentions(text, word)), typed, "{text}");
        }
        let nobody = |_: &str| 0;
        assert_eq!(without_mentions("@home cats", nobody), "@home cats");
    }

    #[test]
    fn mentions_at_places_go_where_the_place_is_right() {
        let text = "💛 @amber, cats @bea";
        let without = |places: &[Range<usize>]| tidy(&without_places(text, places.to_vec()));
        assert_eq!(without(&[18..22, 5..11]), "💛 , cats");
        assert_eq!(without(&[5..11, 5..11, 7..12]), "💛 , cats @bea");
        for (start, end) in [(1, 11), (5, 99), (11, 5), (4, 4), (usize::MAX, usize::MAX)] {
            assert_eq!(without(&[start..end, 18..22]), "💛 @amber, cats");
        }
        assert_eq!(
            without_places("@amber: cats @bea", vec![0..6, 13..17]),
            " cats "
        );
    }

    #[test]
    fn a_long_text_is_cut() {
        let long = "la ".repeat(1_000_000);
        assert_eq!(tidy(&long).chars().count(), MAX_LENGTH);
        assert_eq!(tidy(&"歌".repeat(9_000)).chars().count(), MAX_LENGTH);
    }

    proptest! {
        #[test]
        fn any_text_can_be_read(text in "[@＠a-z ,:é💛]{0,60}", length in 0usize..9) {
            let typed = without_mentions(&text, |_| length);
            prop_assert!(typed.len() <= text.len());
        }

        #[test]
        fn any_place_can_be_wrong(text in "[@a ,é💛]{0,20}", places in prop::collection::vec(0usize..40, 0..8)) {
            let ranges: Vec<_> = places.windows(2).map(|two| two[0]..two[1]).collect();
            prop_assert!(without_places(&text, ranges).len() <= text.len());
        }
    }
}
