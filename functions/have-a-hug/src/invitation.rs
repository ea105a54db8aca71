//! The words of an invitation, fitted to a channel and a network. Pure.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use unicode_segmentation::UnicodeSegmentation;

use crate::{follower::Recipient, foreign::plain, milestone::Milestone, network::NetworkName};

/// How an invitation travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// A post that names nobody and asks the follower to reply.
    Announce,
    /// A post that names the follower.
    Mention,
    /// A private message to the follower.
    Message,
    /// Nothing is sent: the words and a one-tap link are kept for the creator's own hand.
    Draft,
}

impl Channel {
    /// Every channel.
    pub const ALL: [Self; 4] = [Self::Announce, Self::Mention, Self::Message, Self::Draft];

    /// Whether it writes to one person, and so needs to know who.
    pub fn needs_recipient(self) -> bool {
        matches!(self, Self::Mention | Self::Message)
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Announce => "announce",
            Self::Mention => "mention",
            Self::Message => "message",
            Self::Draft => "draft",
        })
    }
}

impl FromStr for Channel {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|channel| channel.to_string() == text)
            .ok_or_else(|| {
                format!("\"{text}\" is no channel; write \"announce\", \"mention\", \"message\" or \"draft\"")
            })
    }
}

/// Words with places for the milestone, the follower and the creator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Words(String),
    Milestone,
    Follower,
    Creator,
}

impl FromStr for Template {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
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
                unknown => {
                    return Err(format!(
                        "{unknown} is no placeholder; there are {{milestone}}, {{follower}} and {{creator}}"
                    ));
                }
            });
            rest = after;
        }
        pieces.push(Piece::Words(rest.to_owned()));
        Ok(Self(pieces))
    }
}

impl Template {
    /// The words that are used where `hug.toml` has none for this channel.
    pub fn default_for(channel: Channel) -> Self {
        let words = match channel {
            Channel::Announce => ANNOUNCE,
            Channel::Mention => MENTION,
            Channel::Message => MESSAGE,
            Channel::Draft => DRAFT,
        };
        words
            .parse()
            .unwrap_or_else(|_| Self(vec![Piece::Words(words.to_owned())]))
    }

    /// What is wrong with words of the creator's own, and what would be right.
    pub fn check(&self, network: NetworkName, channel: Channel) -> Result<(), String> {
        let words: String = self.fill(|piece| match piece {
            Piece::Words(words) => words.clone(),
            _ => String::new(),
        });
        let tells_which = [Piece::Milestone, Piece::Follower];
        if words.trim().is_empty() && self.0.iter().all(|piece| matches!(piece, Piece::Words(_))) {
            return Err("it is empty; write the words, or leave this line out".into());
        }
        // The same words twice are refused as a duplicate by X, and looked up they are each other.
        if channel == Channel::Announce && !self.0.iter().any(|piece| tells_which.contains(piece)) {
            return Err(
                "it must say which follower it is for; put {follower} or {milestone} into it"
                    .into(),
            );
        }
        if channel == Channel::Announce && words.contains(['@', '\u{ff20}']) {
            return Err("an announcement mentions nobody; leave out the @".into());
        }
        if channel.needs_recipient() && !self.0.contains(&Piece::Follower) {
            return Err("it must say whom it is for; put {follower} into it".into());
        }
        if channel.needs_recipient() && !words.to_lowercase().contains("stop") {
            return Err("it must say how to opt out; ask for a reply of \"stop\"".into());
        }
        if network == NetworkName::Mastodon && channel.needs_recipient() && words.contains('@') {
            return Err("on Mastodon whoever is mentioned can read it; leave out the @".into());
        }
        if channel == Channel::Mention {
            self.check_mention()?;
        }
        let over = limit(network, channel).excess(&self.widest(network, channel));
        if over > 0 {
            return Err(format!(
                "with the longest names it is {over} characters too long for {network}; shorten it"
            ));
        }
        Ok(())
    }

    /// The letters alone make a mention: with more of them it is one of someone else.
    fn check_mention(&self) -> Result<(), String> {
        // What the other placeholders stand for begins and ends with letters.
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
            return Err("a mention stands alone; put a space around {follower}".into());
        }
        Ok(())
    }

    /// The finished words. Whatever the names are, they fit the network and channel, as long as
    /// the template passed [`Template::check`] (the default ones do).
    pub fn compose(
        &self,
        network: NetworkName,
        channel: Channel,
        milestone: Milestone,
        recipient: Option<&Recipient>,
        creator: &str,
    ) -> String {
        let follower = match recipient {
            Some(recipient) if channel != Channel::Announce => address(network, recipient),
            _ => format!("my {} follower", milestone.ordinal()),
        };
        self.fill(|piece| match piece {
            Piece::Words(words) => words.clone(),
            Piece::Milestone => milestone.to_string(),
            Piece::Follower => follower.clone(),
            Piece::Creator => signature(network, creator),
        })
    }

    /// Fails unless the finished words fit and, as an announcement, mention nobody.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn assert_fits(&self, network: NetworkName, channel: Channel, text: &str) {
        assert_eq!(limit(network, channel).excess(text), 0, "{text}");
        assert!(
            channel != Channel::Announce || !text.contains(['@', '＠']),
            "{text}"
        );
    }

    fn fill(&self, text: impl Fn(&Piece) -> String) -> String {
        self.0.iter().map(text).collect()
    }

    /// The words with every name as long as [`address`] and [`signature`] let it be.
    fn widest(&self, network: NetworkName, channel: Channel) -> String {
        let follower = match channel {
            Channel::Announce => "my 9999999999th follower".to_owned(),
            _ => format!("@{}", "w".repeat(longest_handle(network))),
        };
        self.fill(|piece| match piece {
            Piece::Words(words) => words.clone(),
            Piece::Milestone => "9999999999".into(),
            Piece::Follower => follower.clone(),
            // A space in it parts what stands before and behind, and each may be a link then.
            Piece::Creator => format!("w {}", "w".repeat(LONGEST_SIGNATURE - 2)),
        })
    }
}

const ANNOUNCE: &str = "Thank you, all {milestone} of you! 💛 A promise is a promise: {follower} \
    gets a song from me on a topic of their choosing, posted as a video. If that's you, reply \
    here with your topic (keep it kind and clean). Have a hug! — {creator}";

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

/// How the follower is addressed: `@handle`, cut short where a network's handles can be longer
/// than a post has room for (Bluesky, where the mention is a facet and not the letters).
pub fn address(network: NetworkName, recipient: &Recipient) -> String {
    let belongs = |c: &char| match network {
        NetworkName::X => c.is_ascii_alphanumeric() || *c == '_',
        NetworkName::Bluesky => c.is_ascii_alphanumeric() || ".-".contains(*c),
        // Servers' names are shown in their own letters.
        NetworkName::Mastodon => c.is_alphanumeric() || "_.-@".contains(*c),
    };
    let handle: String = recipient.handle.chars().filter(belongs).collect();
    let longest = longest_handle(network);
    if network == NetworkName::Mastodon {
        // A shorter handle is somebody else's, and what follows a server would be somebody more.
        let (name, server) = handle.split_once('@').unwrap_or((&handle, ""));
        return match server.split('@').next() {
            Some(server) if !server.is_empty() => format!("@{name}@{server}"),
            _ => format!("@{name}"),
        };
    }
    if handle.chars().count() <= longest {
        return format!("@{handle}");
    }
    let kept: String = handle.chars().take(longest - 1).collect();
    format!("@{kept}…")
}

/// X's handles have at most 15 characters; Bluesky's 253, of which a post shows these. Mastodon's
/// have 30 on its own servers and more on others; the server behind them is not counted.
fn longest_handle(network: NetworkName) -> usize {
    match network {
        NetworkName::X => 15,
        NetworkName::Bluesky => 48,
        NetworkName::Mastodon => 64,
    }
}

/// The most that a creator's name may take of a text, in the network's own measure.
const LONGEST_SIGNATURE: usize = 40;

/// A creator's name as it can be signed: nothing in it that a network would make a mention, a tag
/// or a link of, nothing that turns the text around, and short enough.
fn signature(network: NetworkName, name: &str) -> String {
    let mut letters = String::new();
    let mut chars = plain(name).filter(|c| !starts_a_tag(*c)).peekable();
    while let Some(c) = chars.next() {
        match c {
            // A dot inside a word makes a link of it.
            '.' | '。' | '．' | '｡' | '․' | '﹒' | '‥'
                if chars.peek().is_some_and(|next| !next.is_whitespace()) =>
            {
                letters.push('·')
            }
            '/' | '／' | '⁄' | '∕' | '\\' => letters.push(' '),
            c => letters.push(c),
        }
    }
    let plain = letters.split_whitespace().collect::<Vec<_>>().join(" ");
    let room = Limit {
        units: LONGEST_SIGNATURE,
        bytes: 4 * LONGEST_SIGNATURE,
        ..limit(network, Channel::Announce)
    };
    if room.excess(&plain) == 0 {
        return plain;
    }
    let mut kept = String::new();
    for grapheme in plain.graphemes(true) {
        if room.excess(&format!("{kept}{grapheme}…")) > 0 {
            break;
        }
        kept.push_str(grapheme);
    }
    format!("{}…", kept.trim_end())
}

/// In any width: networks and their clients fold these into one before they look.
fn starts_a_tag(c: char) -> bool {
    matches!(c, '@' | '＠' | '﹫' | '#' | '＃' | '﹟' | '$' | '＄' | '﹩')
}

/// How much a network takes on a channel.
struct Limit {
    units: usize,
    bytes: usize,
    measure: fn(&str) -> usize,
}

impl Limit {
    /// By how many units the text is too long; 0 if it fits.
    fn excess(&self, text: &str) -> usize {
        let units = (self.measure)(text).saturating_sub(self.units);
        units.max(text.len().saturating_sub(self.bytes))
    }
}

/// Sources: X's counting rules (280 weighted, messages 10,000); the Bluesky lexicons
/// `app.bsky.feed.post` (300 graphemes, 3000 bytes) and `chat.bsky.convo.defs` (1000, 10,000).
/// Mastodon's `StatusLengthValidator` (500; a private mention is a post too). A draft is kept as
/// short as a post, for it may become one.
fn limit(network: NetworkName, channel: Channel) -> Limit {
    let (post, message, measure): (_, _, fn(&str) -> usize) = match network {
        NetworkName::X => ((280, usize::MAX), (10_000, usize::MAX), weighted_length),
        NetworkName::Bluesky => ((300, 3_000), (1_000, 10_000), |text| {
            text.graphemes(true).count()
        }),
        NetworkName::Mastodon => ((500, usize::MAX), (500, usize::MAX), mastodon_length),
    };
    let (units, bytes) = if channel == Channel::Message {
        message
    } else {
        post
    };
    Limit {
        units,
        bytes,
        measure,
    }
}

/// X's weighted length, or a little more: most letters 1, all others (emoji, CJK) 2 a code point,
/// and 23 on top for anything that could be taken for a link.
///
/// Source: twitter-text's configuration 3. It counts an emoji sequence as 2 in all; counting its
/// code points errs to the safe side.
fn weighted_length(text: &str) -> usize {
    const LINK: usize = 23;
    let weight = |c: char| match u32::from(c) {
        0..=4351 | 8192..=8205 | 8208..=8223 | 8242..=8247 => 1,
        _ => 2,
    };
    text.split_inclusive(char::is_whitespace)
        .map(|word| {
            let plain: usize = word.chars().map(weight).sum();
            let bare = word.trim();
            let link = bare.contains("://")
                || bare
                    .char_indices()
                    .any(|(at, c)| c == '.' && bare[at + 1..].starts_with(char::is_alphanumeric));
            if link { plain + LINK } else { plain }
        })
        .sum()
}

/// How Mastodon counts: what a reader sees as one character is one, a link is 23 however long, and
/// of a mention the server's name is free.
pub(crate) fn mastodon_length(text: &str) -> usize {
    text.split_inclusive(char::is_whitespace)
        .map(mastodon_word_length)
        .sum()
}

fn mastodon_word_length(word: &str) -> usize {
    const LINK: usize = 23;
    let seen = |text: &str| text.graphemes(true).count();
    let link = ["http://", "https://"]
        .iter()
        .filter_map(|scheme| word.find(scheme))
        .min();
    if let Some(at) = link {
        // Stops behind a link are no part of it.
        let end = word
            .trim_end_matches(|c: char| !c.is_alphanumeric() && c != '/')
            .len();
        return seen(&word[..at]) + LINK + seen(&word[end.max(at)..]);
    }
    let server = word.find('@').and_then(|at| {
        let user = &word[at + 1..];
        let second = user.find(|c: char| !(c.is_alphanumeric() || "_.-".contains(c)))?;
        let server = user[second..].strip_prefix('@')?;
        let end = server.find(|c: char| !(c.is_alphanumeric() || ".-".contains(c)));
        let server = &server[..end.unwrap_or(server.len())];
        Some(format!("@{}", server.trim_end_matches(['.', '-'])))
    });
    seen(word) - server.map_or(0, |server| seen(&server))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn milestone(number: u64) -> Milestone {
        Milestone::from_number(number).unwrap()
    }

    fn recipient(handle: &str) -> Recipient {
        Recipient {
            id: "1".into(),
            handle: handle.into(),
            name: None,
        }
    }

    #[test]
    fn the_default_words_pass_the_check_that_own_words_must_pass() {
        for network in NetworkName::ALL {
            for channel in Channel::ALL {
                let checked = Template::default_for(channel).check(network, channel);
                assert_eq!(checked, Ok(()), "{network} {channel}");
            }
        }
    }

    #[test]
    fn an_announcement_names_nobody() {
        let words = Template::default_for(Channel::Announce);
        let text = words.compose(
            NetworkName::X,
            Channel::Announce,
            milestone(621),
            Some(&recipient("cleo")),
            "Amber @lane, amber.com",
        );
        assert!(text.contains("my 621st follower"), "{text}");
        assert!(
            !text.contains("cleo") && !text.contains('@') && !text.contains("amber.com"),
            "{text}"
        );
        assert!(text.ends_with("— Amber lane, amber·com"), "{text}");
    }

    #[test]
    fn without_a_name_a_draft_addresses_the_place() {
        let words = Template::default_for(Channel::Draft);
        let text = words.compose(
            NetworkName::X,
            Channel::Draft,
            milestone(600),
            None,
            "Amber",
        );
        assert!(text.contains("my 600th follower"), "{text}");
    }

    #[test]
    fn mistakes_in_own_words_are_told_with_what_would_be_right() {
        let mistake = |text: &str, channel| {
            text.parse::<Template>()
                .and_then(|words| words.check(NetworkName::X, channel))
                .unwrap_err()
        };
        assert!(mistake("Hi {folower}", Channel::Message).contains("{folower} is no placeholder"));
        assert!(mistake("Hi {follower", Channel::Message).contains("{follower is no placeholder"));
        assert!(mistake("} Hi", Channel::Message).contains("no placeholder"));
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
        assert!(mistake(&long, Channel::Announce).contains("characters too long"));
    }

    #[test]
    fn words_around_a_name_fit_whether_it_has_a_space_or_not() {
        let text = format!("{{milestone}} {} a.co{{creator}}b.co", "la ".repeat(64));
        let words: Template = text.parse().unwrap();
        let told = words.check(NetworkName::X, Channel::Announce);
        let fits = |creator: &str| {
            let text = words.compose(
                NetworkName::X,
                Channel::Announce,
                milestone(600),
                None,
                creator,
            );
            weighted_length(&text) <= 280
        };
        assert!(fits(&"w".repeat(40)));
        assert!(!fits(&format!("w {}", "w".repeat(38))));
        assert!(told.is_err(), "{told:?}");
    }

    #[test]
    fn a_link_weighs_what_x_charges_for_it() {
        assert_eq!(weighted_length("a.co b"), 29);
        assert_eq!(weighted_length("Well. Yes..."), 12);
        assert_eq!(weighted_length("歌💛é"), 5);
    }

    #[test]
    fn mastodon_counts_a_link_as_23_and_of_a_mention_only_the_user() {
        assert_eq!(mastodon_length("歌💛é"), 3);
        assert_eq!(mastodon_length("a https://a.co b"), 2 + 23 + 2);
        let long = format!("see (https://amber.example/{}), ok", "s".repeat(200));
        assert_eq!(mastodon_length(&long), 5 + 23 + 3 + 2);
        assert_eq!(
            mastodon_length("@cleo@other.example, hi"),
            "@cleo, hi".len()
        );
        assert_eq!(mastodon_length("@cleo@other.example."), "@cleo.".len());
        assert_eq!(mastodon_length("@cleo hi a.b@c"), 14);
        assert_eq!(mastodon_length("amber.com"), 9, "no link without https://");
    }

    #[test]
    fn on_mastodon_the_whole_handle_is_the_address() {
        let remote = format!("{}@bücher.example", "w".repeat(70));
        assert_eq!(
            address(NetworkName::Mastodon, &recipient(&remote)),
            format!("@{remote}")
        );
        assert_eq!(
            address(
                NetworkName::Mastodon,
                &recipient("cleo@a.example @dan@b.example")
            ),
            "@cleo@a.example"
        );
    }

    #[test]
    fn a_mention_must_be_readable_as_one_and_on_mastodon_name_nobody_else() {
        let check = |text: &str, network| {
            text.parse::<Template>()
                .unwrap()
                .check(network, Channel::Mention)
        };
        let told = |text: &str| check(text, NetworkName::Mastodon).unwrap_err();
        for joined in [
            "Hi{follower}, or stop",
            "{follower}-fan, or stop",
            "{follower}: stop, ={follower}",
            "{follower}{milestone} stop",
            "{milestone}{follower} stop",
            "{creator}{follower} stop",
        ] {
            for network in NetworkName::ALL {
                let told = check(joined, network).unwrap_err();
                assert!(told.contains("put a space around {follower}"), "{joined}");
            }
        }
        assert!(told("{follower} ask @amber, or stop").contains("leave out the @"));
        for good in [
            "({follower}), or stop",
            "{follower}! or stop",
            "stop? {follower}",
        ] {
            assert_eq!(check(good, NetworkName::Mastodon), Ok(()), "{good}");
        }
    }

    proptest! {
        #[test]
        fn words_fit_whatever_the_names_are(
            name in "\\PC{0,300}", handle in "[a-z0-9.-]{1,253}", number in 1u64..=9_999_999_999,
            marks in prop::collection::vec("[\u{300}-\u{36f}👩\u{200d}歌]{0,80}", 0..4),
        ) {
            let name = format!("{name}{}", marks.concat());
            for network in NetworkName::ALL {
                for channel in Channel::ALL {
                    // X and Mastodon take mentions by the letters, so handles are not cut there.
                    let longest = if network == NetworkName::Bluesky { 253 } else { longest_handle(network) };
                    let handle = &handle[..handle.len().min(longest)];
                    let text = Template::default_for(channel)
                        .compose(network, channel, milestone(number), Some(&recipient(handle)), &name);
                    prop_assert_eq!(limit(network, channel).excess(&text), 0, "{}", text);
                    let at_signs = text.matches('@').count();
                    prop_assert_eq!(at_signs, usize::from(channel != Channel::Announce), "{}", text);
                }
            }
        }

        #[test]
        fn a_creators_name_makes_no_mention_no_tag_and_no_link(
            name in "[@＠﹫#＃﹟$＄﹩.。．｡․﹒‥/／⁄∕\\\\:hxé \n\t\u{1b}\u{ad}\u{200b}\u{200d}\u{202e}\u{2028}\u{301}👩]{0,60}",
        ) {
            for network in NetworkName::ALL {
                let signed = signature(network, &name);
                prop_assert!(!signed.contains(['@', '＠', '﹫', '#', '＃', '﹟', '$', '＄', '﹩']), "{}", signed);
                prop_assert!(!signed.contains(['/', '／', '⁄', '∕', '\\']), "{}", signed);
                prop_assert!(!signed.contains(|c: char| c.is_control() || "\u{ad}\u{200b}\u{202e}\u{2028}".contains(c)), "{:?}", signed);
                prop_assert!(!signed.contains("\u{301}\u{301}\u{301}\u{301}"), "{}", signed);
                let link = signed.char_indices().any(|(at, c)| {
                    let after = signed[at + c.len_utf8()..].chars().next();
                    ".。．｡․﹒‥".contains(c) && after.is_some_and(|next| !next.is_whitespace() && next != '…')
                });
                prop_assert!(!link, "{}", signed);
            }
        }

        #[test]
        fn a_followers_handle_addresses_them_and_says_nothing_else(handle in any::<String>(), odd in "[@＠a-z.:/#\n\u{202e}\u{301} -]{0,80}") {
            for handle in [handle, odd] {
                for network in NetworkName::ALL {
                    let address = address(network, &recipient(&handle));
                    let (at, rest) = address.split_at(1);
                    prop_assert_eq!(at, "@");
                    let rest = rest.strip_suffix('…').unwrap_or(rest);
                    let one_server = network == NetworkName::Mastodon && rest.matches('@').count() == 1;
                    let rest = if one_server { rest.replacen('@', "", 1) } else { rest.to_owned() };
                    let letter = |c: char| match network {
                        NetworkName::Mastodon => c.is_alphanumeric(),
                        _ => c.is_ascii_alphanumeric(),
                    };
                    prop_assert!(rest.chars().all(|c| letter(c) || "_.-".contains(c)), "{}", address);
                }
            }
        }

        #[test]
        fn any_text_parses_or_says_why_not(text in "\\PC*") {
            let _ = text.parse::<Template>().map(|words| words.check(NetworkName::Bluesky, Channel::Announce));
        }
    }
}
