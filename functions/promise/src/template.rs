//! The words of a letter, and how they are filled so that they fit a network.

use std::str::FromStr;

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
use unicode_segmentation::UnicodeSegmentation;

use crate::{
    channel::Channel,
    follower::Recipient,
    milestone::{MAX_MILESTONE, Milestone},
    mistake::Mistake,
    rules::{Limit, Rules},
    untrusted::plain,
};

/// Words with placeholders for the milestone, the follower, the creator and the song.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Words(String),
    Milestone,
    Follower,
    Creator,
    When,
    Link,
}

/// What a letter says: whom it is for, and why.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The number that was crossed.
    pub milestone: Milestone,
    /// Who crossed it.
    pub recipient: &'a Recipient,
    /// The creator's name.
    pub creator: &'a str,
    /// Time of the last check before the crossing; `None` where it is not known.
    pub since: Option<Timestamp>,
    /// When the crossing was noticed.
    pub reached_at: Timestamp,
    /// Whether the hug was passed on, so that the follower came after the one who crossed the number.
    pub is_next: bool,
    /// The address of the song; empty in an invitation.
    pub link: &'a str,
}

impl FromStr for Template {
    type Err = Mistake;

    fn from_str(text: &str) -> Result<Self, Mistake> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some(brace) = rest.find(['{', '}']) {
            let (words, placeholder) = rest.split_at(brace);
            pieces.push(Piece::Words(words.to_owned()));
            let end = placeholder.find('}').map_or(placeholder.len(), |at| at + 1);
            let (placeholder, after) = placeholder.split_at(end);
            pieces.push(match placeholder {
                "{milestone}" => Piece::Milestone,
                "{follower}" => Piece::Follower,
                "{creator}" => Piece::Creator,
                "{when}" => Piece::When,
                "{link}" => Piece::Link,
                unknown => {
                    return Err(Mistake::new(format!(
                        "{unknown} is not a placeholder; write {{milestone}}, {{follower}}, {{when}}, {{creator}} or, in the words of the song, {{link}}"
                    )));
                }
            });
            rest = after;
        }
        pieces.push(Piece::Words(rest.to_owned()));
        Ok(Self(pieces))
    }
}

impl Template {
    /// The words of an invitation on this channel where `hug.toml` has none. [`Channel::Reply`] has the words of the
    /// song, which are the same on every channel.
    #[expect(
        clippy::missing_panics_doc,
        reason = "a test parses every default text"
    )]
    pub fn default_for(rules: &Rules, channel: Channel) -> Self {
        let words = match channel {
            Channel::Announce if rules.replies_need_tag => ANNOUNCE_WITH_TAG,
            Channel::Announce => ANNOUNCE,
            Channel::Mention => MENTION,
            Channel::Message => MESSAGE,
            Channel::Draft => DRAFT,
            Channel::Reply if rules.mention_is_private => SONG_WITH_MENTION,
            Channel::Reply => SONG,
        };
        words.parse().expect("a test parses the default words")
    }

    /// Checks a creator's own words for one network and channel.
    ///
    /// # Errors
    ///
    /// What is wrong with them, and what would be right.
    pub fn check(&self, rules: &Rules, channel: Channel) -> Result<(), Mistake> {
        let mistake = |words: &str| Err(Mistake::new(words));
        let words: String = self.fill(|piece| match piece {
            Piece::Words(words) => words.clone(),
            _ => String::new(),
        });
        let says_which = [Piece::Milestone, Piece::Follower];
        if words.trim().is_empty() && self.0.iter().all(|piece| matches!(piece, Piece::Words(_))) {
            return mistake("it is empty; write the words, or leave this line out");
        }
        // X refuses the same words twice, and a look-up would take one post for the other.
        if channel == Channel::Announce && !self.0.iter().any(|piece| says_which.contains(piece)) {
            return mistake(
                "it must say which follower it is for; put {follower} or {milestone} into it",
            );
        }
        if channel == Channel::Announce && words.contains(['@', '\u{ff20}']) {
            return mistake("an announcement mentions nobody; leave out the @");
        }
        if channel.needs_recipient() && !self.0.contains(&Piece::Follower) {
            return mistake("it must say whom it is for; put {follower} into it");
        }
        let has_link = self.0.contains(&Piece::Link);
        if channel == Channel::Reply && !has_link {
            return mistake("it must bring the song; put {link} into it");
        }
        if channel != Channel::Reply && has_link {
            return mistake("an invitation has no song yet; leave out {link}");
        }
        if channel == Channel::Reply && rules.mention_is_private && !self.names_follower() {
            return mistake("it must say whom it is for; put {follower} into it");
        }
        if channel.needs_recipient() && !words.to_lowercase().contains("stop") {
            return mistake("it must say how to opt out; ask for a reply of \"stop\"");
        }
        if rules.mention_is_private && channel.needs_recipient() && words.contains('@') {
            return Err(Mistake::new(format!(
                "on {} everybody who is mentioned can read it; leave out the @",
                rules.title
            )));
        }
        if matches!(channel, Channel::Mention | Channel::Reply) {
            self.check_mention()?;
        }
        let over = rules.excess(channel, &self.widest(rules, channel));
        if over > 0 {
            return Err(Mistake::new(format!(
                "with the longest names it is {over} characters too long for {}; shorten it",
                rules.title
            )));
        }
        Ok(())
    }

    /// A letter directly before or after a handle would make it the handle of someone else.
    fn check_mention(&self) -> Result<(), Mistake> {
        // The texts of the other placeholders begin and end with letters.
        let filled = |from: &[Piece]| -> String {
            let letter = |piece: &Piece| match piece {
                Piece::Words(words) => words.clone(),
                _ => "x".to_owned(),
            };
            from.iter().map(letter).collect()
        };
        let in_a_word = |c: char| c.is_alphanumeric() || "_-.@/=".contains(c);
        let mut places = (0..self.0.len()).filter(|place| self.0[*place] == Piece::Follower);
        let joined = places.any(|place| {
            let (before, after) = (filled(&self.0[..place]), filled(&self.0[place + 1..]));
            before.ends_with(in_a_word) || after.starts_with(in_a_word)
        });
        if joined {
            return Err(Mistake::new(
                "a mention is recognised only between spaces; put a space around {follower}",
            ));
        }
        Ok(())
    }

    /// The finished words. They fit the network and channel whatever the names are, if the template has
    /// passed [`Template::check`]; the default ones pass it.
    pub fn compose(&self, rules: &Rules, channel: Channel, facts: &Facts<'_>) -> String {
        let follower = match channel {
            Channel::Announce if facts.is_next => {
                format!("my next follower after {}", facts.milestone)
            }
            Channel::Announce => format!("my {} follower", facts.milestone.ordinal()),
            _ => (rules.handle.address)(&facts.recipient.handle),
        };
        self.fill(|piece| match piece {
            Piece::Words(words) => words.clone(),
            Piece::Milestone => facts.milestone.to_string(),
            Piece::Follower => follower.clone(),
            Piece::Creator => signature(rules, facts.creator),
            Piece::When => when(facts.since, facts.reached_at),
            Piece::Link => facts.link.to_owned(),
        })
    }

    /// Whether the words name the follower.
    pub fn names_follower(&self) -> bool {
        self.0.contains(&Piece::Follower)
    }

    /// Whether the creator has written a web address into the words.
    pub fn has_address(&self) -> bool {
        let is_address = |word: &str| {
            let mut inner = word.char_indices().filter(|(_, c)| *c == '.');
            word.contains("://")
                || inner.any(|(at, _)| word[at + 1..].starts_with(char::is_alphanumeric))
        };
        self.0.iter().any(|piece| match piece {
            Piece::Words(words) => words.split_whitespace().any(is_address),
            _ => false,
        })
    }

    fn fill(&self, text: impl Fn(&Piece) -> String) -> String {
        self.0.iter().map(text).collect()
    }

    /// The words with every name as long as it can be.
    fn widest(&self, rules: &Rules, channel: Channel) -> String {
        let follower = match channel {
            Channel::Announce => format!("my {MAX_MILESTONE}th follower"),
            _ => format!("@{}", "w".repeat(rules.handle.max_address)),
        };
        self.fill(|piece| match piece {
            Piece::Words(words) => words.clone(),
            Piece::Milestone => MAX_MILESTONE.to_string(),
            Piece::Follower => follower.clone(),
            // A space in the name separates the words before and after it, and each may be a link then.
            Piece::Creator => format!("w {}", "w".repeat(MAX_SIGNATURE - 2)),
            Piece::When => WIDEST_WHEN.to_owned(),
            Piece::Link => "https://youtu.be/wwwwwwwwwww".to_owned(),
        })
    }
}

const ANNOUNCE: &str = "Thank you, all {milestone}! 💛 As promised, {follower}, who came {when}, \
    gets a song on a topic of their choosing. Is it you? Reply with your topic (kind and clean). \
    Have a hug! — {creator}";

/// The same where the network lets a program reply only to a post that mentions the account.
const ANNOUNCE_WITH_TAG: &str = "Thanks, all {milestone}! 💛 As promised, {follower}, who came {when}, \
    gets a song on a topic of their choice. Is it you? Reply with a kind, clean topic, and tag me. \
    Have a hug! — {creator}";

const MENTION: &str = "{follower} You're number {milestone}! 💛 I promised you a song: reply with a \
    topic of your choosing (keep it kind and clean) and I'll post it as a video. No wish? Reply \
    \"stop\" and I won't write again. Have a hug! — {creator}";

const MESSAGE: &str = "Hi {follower}! You're my follower number {milestone}, and I promised that \
    one a song 💛 Reply with a topic of your choosing (keep it kind and clean), and I'll sing it \
    and post it as a video. I don't just want to take, I want to give. If you'd rather not, reply \
    \"stop\" and I won't write again. Have a hug! — {creator}";

const DRAFT: &str = "Hi {follower}! You're number {milestone}, and I promised that one a song 💛 \
    Tell me a topic of your choosing (keep it kind and clean), and I'll post it as a video. \
    Have a hug! — {creator}";

const SONG: &str =
    "Your song is here! 💛 {link} Thank you for following me. Have a hug! — {creator}";

/// The same where a reply reaches only those whom it mentions.
const SONG_WITH_MENTION: &str =
    "{follower} Your song is here! 💛 {link} Thank you for following me. Have a hug! — {creator}";

/// How long a creator's name may be in a text, in the network's own measure.
const MAX_SIGNATURE: usize = 40;

/// A creator's name as an invitation signs it: without what a network would turn into a mention, a tag
/// or a link, without what reverses the text, and short enough.
fn signature(rules: &Rules, name: &str) -> String {
    let mut letters = String::new();
    // First of all, so that accents around such a letter are counted as the ones of the letter before it.
    let name = name.replace(starts_a_tag, "");
    let mut chars = plain(&name).peekable();
    while let Some(c) = chars.next() {
        match c {
            // A dot inside a word turns it into a link.
            '.' | '。' | '．' | '｡' | '․' | '﹒' | '‥'
                if chars.peek().is_some_and(|next| !next.is_whitespace()) =>
            {
                letters.push('·');
            }
            '/' | '／' | '⁄' | '∕' | '\\' => letters.push(' '),
            c => letters.push(c),
        }
    }
    let plain = letters.split_whitespace().collect::<Vec<_>>().join(" ");
    let room = Limit {
        units: MAX_SIGNATURE,
        bytes: 4 * MAX_SIGNATURE,
    };
    if rules.excess_over(room, &plain) == 0 {
        return plain;
    }
    let mut kept = String::new();
    for grapheme in plain.graphemes(true) {
        if rules.excess_over(room, &format!("{kept}{grapheme}…")) > 0 {
            break;
        }
        kept.push_str(grapheme);
    }
    format!("{}…", kept.trim_end())
}

/// The longest text that [`when`] makes.
const WIDEST_WHEN: &str = "between 29 September 23:59 and 30 September 23:59 UTC";

/// When a milestone was crossed, as exactly as two checks can say it. A public post names nobody, so this time is how
/// the follower recognises themselves. Where the time of the check before is not known, the text says only before
/// which time the crossing was.
fn when(since: Option<Timestamp>, reached_at: Timestamp) -> String {
    let in_utc = |time: Timestamp| TimeZone::UTC.to_datetime(time);
    let at = |time: DateTime| time.strftime("%-d %B %H:%M").to_string();
    let to = in_utc(reached_at);
    let Some(from) = since.map(in_utc) else {
        return format!("before {} UTC", at(to));
    };
    if from.date() == to.date() {
        let (day, from, to) = (
            to.strftime("%-d %B"),
            from.strftime("%H:%M"),
            to.strftime("%H:%M"),
        );
        return if from.to_string() == to.to_string() {
            format!("on {day} at {to} UTC")
        } else {
            format!("on {day} between {from} and {to} UTC")
        };
    }
    if from.year() == to.year() {
        return format!("between {} and {} UTC", at(from), at(to));
    }
    let year = |time: DateTime| time.strftime("%-d %B %Y").to_string();
    format!("between {} and {}", year(from), year(to))
}

/// Whether it begins a mention or a tag, in any of its widths: networks treat all widths alike.
fn starts_a_tag(c: char) -> bool {
    matches!(c, '@' | '＠' | '﹫' | '#' | '＃' | '﹟' | '$' | '＄' | '﹩')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{rules::tests::SAMPLE, unknown::Unknown};

    fn milestone(number: u64) -> Milestone {
        Milestone::from_number(number).unwrap()
    }

    fn compose(channel: Channel, number: u64, handle: &str, creator: &str) -> String {
        let recipient = Recipient {
            id: "1".into(),
            handle: handle.into(),
            name: None,
            unknown: Unknown::new(),
        };
        let facts = Facts {
            milestone: milestone(number),
            recipient: &recipient,
            creator,
            since: None,
            reached_at: Timestamp::UNIX_EPOCH,
            is_next: false,
            link: "",
        };
        Template::default_for(&SAMPLE, channel).compose(&SAMPLE, channel, &facts)
    }

    #[test]
    fn the_default_words_parse_and_pass_the_check_that_own_words_must_pass() {
        for channel in Channel::OF_INVITATIONS {
            let checked = Template::default_for(&SAMPLE, channel).check(&SAMPLE, channel);
            assert_eq!(checked, Ok(()), "{channel}");
        }
    }

    #[test]
    fn an_announcement_names_nobody() {
        let text = compose(Channel::Announce, 621, "cleo", "Amber @lane, amber.com");
        assert!(text.contains("my 621st follower"), "{text}");
        assert!(
            !text.contains("cleo") && !text.contains('@') && !text.contains("amber.com"),
            "{text}"
        );
        assert!(text.ends_with("— Amber lane, amber·com"), "{text}");
    }

    #[test]
    fn the_time_of_a_crossing_is_as_exact_as_two_checks_can_say() {
        let time = |text: &str| -> Timestamp { text.parse().unwrap() };
        let to = time("2026-11-22T14:05:00Z");
        for (since, words) in [
            (
                Some("2026-11-22T14:00:00Z"),
                "on 22 November between 14:00 and 14:05 UTC",
            ),
            (
                Some("2026-11-21T23:58:00Z"),
                "between 21 November 23:58 and 22 November 14:05 UTC",
            ),
            (
                Some("2025-12-31T23:58:00Z"),
                "between 31 December 2025 and 22 November 2026",
            ),
            (
                Some("2026-11-22T14:04:59Z"),
                "on 22 November between 14:04 and 14:05 UTC",
            ),
            (Some("2026-11-22T14:05:00Z"), "on 22 November at 14:05 UTC"),
            (None, "before 22 November 14:05 UTC"),
        ] {
            assert_eq!(when(since.map(time), to), words);
            assert!(words.len() <= WIDEST_WHEN.len());
        }
    }

    #[test]
    fn mistakes_in_own_words_are_answered_with_what_would_be_right() {
        let mistake = |text: &str, channel| {
            let checked = text.parse::<Template>();
            let checked = checked.and_then(|words| words.check(&SAMPLE, channel));
            checked.unwrap_err().to_string()
        };
        assert!(
            mistake("Hi {folower}", Channel::Message).contains("{folower} is not a placeholder")
        );
        assert!(
            mistake("Hi {follower", Channel::Message).contains("{follower is not a placeholder")
        );
        assert!(mistake("} Hi", Channel::Message).contains("not a placeholder"));
        assert!(mistake("{follower}, thanks @cleo", Channel::Announce).contains("leave out the @"));
        assert!(
            mistake("Thank you all!", Channel::Announce).contains("put {follower} or {milestone}")
        );
        for empty in ["", " \n"] {
            for channel in [Channel::Announce, Channel::Message, Channel::Draft] {
                assert!(mistake(empty, channel).starts_with("it is empty"));
            }
        }
        assert!(mistake("A song for you, or reply stop", Channel::Mention).contains("{follower}"));
        assert!(mistake("A song for {follower}", Channel::Mention).contains("opt out"));
        let long = format!("{}{{milestone}}", "la ".repeat(94));
        assert!(mistake(&long, Channel::Announce).contains("characters too long for Sample"));
    }

    proptest! {
        #[test]
        fn any_text_parses_or_says_why_not(text in "\\PC*") {
            let _ = text.parse::<Template>().map(|words| words.check(&SAMPLE, Channel::Announce));
        }
    }
}
