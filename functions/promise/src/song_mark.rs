//! The mark that tells for which hug a video is: `#hug600` in its title or description.
//!
//! A creator publishes many videos, and many say "600" or "600 followers!" without being anybody's song. So only
//! words count that nobody writes by accident, as "closes #12" does where programmers work.

use crate::{account::NetworkName, milestone::Milestone};

/// How clearly a video says for which hug it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// It names the number and the network: `#hug600x`.
    Exact,
    /// It names the number alone: `#hug600`, `follower 600`, `600th follower`. Where two accounts of one creator
    /// reach the same number, it can mean either.
    Number,
}

/// The mark of that hug in a video's title or description; `None` where the video says nothing of it, or names
/// the same number of another network.
pub fn marks(
    title: &str,
    description: &str,
    network: NetworkName,
    milestone: Milestone,
) -> Option<Mark> {
    let found = [title, description].map(|text| Found::read(text, network, milestone));
    let any = |which: fn(&Found) -> bool| found.iter().any(which);
    if any(|found| found.this_network) {
        Some(Mark::Exact)
    } else if any(|found| found.other_network) {
        // "#hug600mastodon, for follower 600": the number is Mastodon's.
        None
    } else {
        any(|found| found.number).then_some(Mark::Number)
    }
}

/// The mark that the creator is told to write. Where several accounts share a channel, it names the network too.
pub fn mark_to_write(milestone: Milestone, network: NetworkName, shares_channel: bool) -> String {
    let network = if shares_channel { network.word() } else { "" };
    format!("#hug{milestone}{network}")
}

/// Which marks of one number a text has.
#[derive(Default)]
struct Found {
    this_network: bool,
    other_network: bool,
    number: bool,
}

impl Found {
    fn read(text: &str, network: NetworkName, milestone: Milestone) -> Self {
        let number = milestone.to_string();
        let ordinal = milestone.ordinal();
        // What follows the number in its ordinal: `th`.
        let suffix = ordinal.strip_prefix(&number).unwrap_or_default();
        let text: Vec<char> = text.chars().flat_map(folded).collect();
        let mut found = Self::default();
        let mut at = 0;
        while at < text.len() {
            let starts_here = at == 0 || !belongs_to_a_word(text[at - 1]);
            let rest = &text[at..];
            if starts_here && rest[0].is_ascii_digit() {
                let (digits, after) = number_at(rest);
                let is_it = digits == number;
                found.number |= is_it && after_word(after, suffix).is_some_and(follower_follows);
                // Past its last digit, so that "1,600th" is not read again from "600th" on.
                at = text.len() - after.len();
                continue;
            }
            // A user's name is not a mark: "@follower 600".
            let is_mention = at > 0 && text[at - 1] == '@';
            if starts_here && !is_mention {
                if let Some(after) = after_word(rest, "#hug") {
                    found.hashtag(after, &number, network);
                }
                if let Some(after) = after_word(rest, "follower").and_then(skip_number_word) {
                    let (digits, after) = number_at(after);
                    found.number |= digits == number && number_ends(after);
                }
            }
            at += 1;
        }
        found
    }

    /// Reads what follows `#hug`.
    fn hashtag(&mut self, after: &[char], number: &str, network: NetworkName) {
        let tag: String = after
            .iter()
            .take_while(|c| belongs_to_a_word(**c))
            .collect();
        let Some(word) = tag.strip_prefix(number) else {
            return;
        };
        // A separator would end the hashtag, so "#hug600,000" is 600,000.
        if word.is_empty() {
            self.number |= number_at(after).0 == number;
        } else {
            self.this_network |= word == network.word();
            let mut others = NetworkName::ALL.iter().filter(|other| **other != network);
            self.other_network |= others.any(|other| word == other.word());
        }
    }
}

/// A character in lower case, and of usual width.
fn folded(c: char) -> impl Iterator<Item = char> {
    let c = match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xfee0).unwrap_or(c),
        c => c,
    };
    c.to_lowercase()
}

/// Whether it is part of a word or a number, so that neither ends before it.
fn belongs_to_a_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// What follows that word at the beginning of the text.
fn after_word<'a>(text: &'a [char], word: &str) -> Option<&'a [char]> {
    let mut rest = text;
    for expected in word.chars() {
        let (first, after) = rest.split_first()?;
        rest = (*first == expected).then_some(after)?;
    }
    Some(rest)
}

/// The digits of the number at the beginning of the text, without what separates its thousands, and what follows it.
fn number_at(text: &[char]) -> (String, &[char]) {
    let digits = |text: &[char]| text.iter().take_while(|c| c.is_ascii_digit()).count();
    let length = digits(text);
    let (first, mut rest) = text.split_at(length);
    let mut number: String = first.iter().collect();
    if (1..=3).contains(&length) {
        while let [
            ',' | '.' | ' ' | '\'' | '’' | '\u{a0}' | '\u{2009}' | '\u{202f}',
            group @ ..,
        ] = rest
            && digits(group) == 3
        {
            number.extend(&group[..3]);
            rest = &group[3..];
        }
    }
    (number, rest)
}

/// Whether the number that ends before this text is whole: `600` in `600!`, but not in `600k`, `600.5`, `600-650`
/// or `600+`.
fn number_ends(after: &[char]) -> bool {
    match after {
        [] => true,
        ['%' | '+', ..] => false,
        ['.' | ',' | '-' | '–' | '/', next, ..] => !next.is_ascii_digit(),
        [next, ..] => !belongs_to_a_word(*next),
    }
}

/// Whether the word `follower` comes next.
fn follower_follows(text: &[char]) -> bool {
    let rest = skip_spaces(text);
    let ends = |after: &[char]| after.first().is_none_or(|c| !belongs_to_a_word(*c));
    rest.len() < text.len() && after_word(rest, "follower").is_some_and(ends)
}

/// What follows the ` #`, ` number ` or ` no. ` between the word `follower` and its number; `None` where something
/// else stands there.
fn skip_number_word(text: &[char]) -> Option<&[char]> {
    let mut rest = skip_spaces(text);
    let words = ["number", "no.", "no", "nr.", "nr", "num.", "num", "n°", "№"];
    if let Some(after) = words.iter().find_map(|word| after_word(rest, word)) {
        rest = skip_spaces(after);
    }
    rest = after_word(rest, "#").unwrap_or(rest);
    (rest.len() < text.len()).then_some(rest)
}

/// The text without the spaces at its beginning. A line break is no space: "… new follower", and a list that begins
/// with 600.
fn skip_spaces(text: &[char]) -> &[char] {
    let spaces = text
        .iter()
        .take_while(|c| matches!(c, ' ' | '\t' | '\u{a0}'))
        .count();
    &text[spaces..]
}

#[cfg(test)]
mod tests {
    use NetworkName::{Bluesky, Mastodon, X};
    use proptest::{prelude::*, sample::select};

    use super::*;

    fn milestone(number: u64) -> Milestone {
        Milestone::from_number(number).unwrap()
    }

    fn in_title(title: &str, number: u64) -> Option<Mark> {
        marks(title, "A song.", X, milestone(number))
    }

    #[test]
    fn words_that_name_the_follower_are_a_mark() {
        for title in [
            "#hug600",
            "Song: Cats (#hug600)",
            "#HUG600!",
            "＃ｈｕｇ６００",
            "follower 600",
            "A song for Follower 600",
            "FOLLOWER #600: cats",
            "follower  #600.",
            "follower number 600",
            "Follower No. 600",
            "follower no.600",
            "follower no 600",
            "follower nr. 600",
            "follower number #600",
            "follower № 600",
            "for follower\u{a0}600, with love",
            "for my 600th follower",
            "600TH FOLLOWER",
            "my 600th follower's song",
            "follower 600's song",
            "2026: the 600th  follower",
        ] {
            assert_eq!(in_title(title, 600), Some(Mark::Number), "{title}");
            let in_description = marks("A song", &format!("Hi!\n{title}\nBye"), X, milestone(600));
            assert_eq!(in_description, Some(Mark::Number), "{title}");
        }
    }

    #[test]
    fn words_that_anyone_writes_are_no_mark() {
        for title in [
            "600",
            "#600",
            "600 followers!",
            "600 follower",
            "followers 600",
            "Thanks to all followers #600",
            "6000th follower",
            "1600th follower",
            "1,600th follower",
            "1.600th follower",
            "600,000th follower",
            "600st follower",
            "600 th follower",
            "600thfollower",
            "600th followers",
            "600th followership",
            "the 600th day",
            "#hug6000",
            "#hug1600",
            "#hug0600",
            "#hug600,000",
            "#hug600k",
            "#hug600_1",
            "#hug 600",
            "#hugs600",
            "hug600",
            "page#hug600",
            "follower600",
            "@follower 600",
            "unfollower 600",
            "follower 6000",
            "follower 1600",
            "follower 600,000",
            "follower 600 000",
            "follower 600.5",
            "follower 600k",
            "follower 600+",
            "follower 600%",
            "follower 600-650",
            "follower of 600",
            "follower\n600 songs",
            "follower note 600",
        ] {
            assert_eq!(in_title(title, 600), None, "{title}");
        }
    }

    #[test]
    fn a_thousand_may_be_written_with_a_separator() {
        for title in [
            "1,000th follower",
            "1000th follower",
            "1.000th follower",
            "1 000th follower",
            "1\u{202f}000th follower",
            "1'000th follower",
            "follower 1,000",
            "follower #1000",
            "#hug1000",
        ] {
            assert_eq!(in_title(title, 1_000), Some(Mark::Number), "{title}");
        }
        assert_eq!(
            in_title("follower 1,234,567", 1_234_567),
            Some(Mark::Number)
        );
        assert_eq!(in_title("follower 1,23,4567", 1_234_567), None);
    }

    #[test]
    fn each_number_has_its_own_ordinal() {
        for (title, number) in [
            ("my 621st follower", 621),
            ("my 622nd follower", 622),
            ("my 623rd follower", 623),
            ("my 611th follower", 611),
            ("my 1st follower", 1),
        ] {
            assert_eq!(in_title(title, number), Some(Mark::Number), "{title}");
            assert_eq!(in_title(title, number + 100), None, "{title}");
        }
    }

    #[test]
    fn a_mark_with_a_network_is_for_that_network_alone() {
        let for_each =
            |title| [X, Bluesky, Mastodon].map(|network| marks(title, "", network, milestone(600)));
        assert_eq!(for_each("#hug600x"), [Some(Mark::Exact), None, None]);
        assert_eq!(for_each("#Hug600Bluesky"), [None, Some(Mark::Exact), None]);
        assert_eq!(for_each("#hug600mastodon"), [None, None, Some(Mark::Exact)]);
        assert_eq!(for_each("#hug600xx"), [None, None, None]);
        assert_eq!(
            for_each("#hug600x #hug600mastodon"),
            [Some(Mark::Exact), None, Some(Mark::Exact)]
        );
        assert_eq!(
            for_each("#hug600mastodon: a song for follower 600"),
            [None, None, Some(Mark::Exact)],
            "the number is that of the network that is named"
        );
        assert_eq!(
            for_each("#hug700mastodon and #hug600"),
            [Some(Mark::Number); 3],
            "another number says nothing about this one"
        );
    }

    #[test]
    fn the_mark_to_write_names_the_network_where_a_channel_is_shared() {
        assert_eq!(mark_to_write(milestone(600), Bluesky, false), "#hug600");
        assert_eq!(
            mark_to_write(milestone(600), Bluesky, true),
            "#hug600bluesky"
        );
        assert_eq!(mark_to_write(milestone(600), X, true), "#hug600x");
    }

    proptest! {
        #[test]
        fn the_mark_to_write_is_found_between_any_words(
            number in 1u64..10_000, network in select(&NetworkName::ALL[..]), shares in any::<bool>(),
            before in "([a-z]{1,9} ){0,3}", after in "( [a-z]{1,9}){0,3}",
        ) {
            let mark = mark_to_write(milestone(number), network, shares);
            let text = format!("{before}{mark}{after}");
            let expected = Some(if shares { Mark::Exact } else { Mark::Number });
            prop_assert_eq!(marks(&text, "", network, milestone(number)), expected);
            prop_assert_eq!(marks("", &text, network, milestone(number)), expected);
            prop_assert_eq!(marks(&text, &text, network, milestone(number + 1)), None);
        }

        #[test]
        fn no_text_without_the_number_has_its_mark(
            text in any::<String>(), near in "(#hug|follower |follower no\\. )?[0-57-9]{0,4}(th)?( follower)?[x#.,@ ]{0,3}",
        ) {
            let text = format!("{}{near}", text.replace(['6', '６'], ""));
            prop_assert_eq!(marks(&text, &near, X, milestone(600)), None);
        }
    }
}
