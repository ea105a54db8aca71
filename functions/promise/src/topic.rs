//! What a follower's answer means: the topic of a song, or a wish to hear no more.
//!
//! Two mistakes are worse than a question to the creator: to sing for someone who asked to be left alone, and to take
//! the title of a song for such a wish. So only an answer that is nothing but an opt-out ends a hug, and whatever may
//! be one, or may be unfit to sing about, is [`Meaning::Doubtful`]: the creator reads it and decides.

mod phrases;

use std::sync::LazyLock;

use unicode_segmentation::UnicodeSegmentation;

use crate::{
    clean::{folded, is_written_without_spaces, join_letters, objection, words},
    untrusted::plain,
};
use phrases::{
    GO_ON, NOT, NOT_WHAT, OPT_OUTS, PERHAPS, PERHAPS_ALONE, PERHAPS_ANYWHERE, PERHAPS_IN_TWO,
    PERHAPS_WITHOUT_SPACES, POLITE, THANKS,
};

/// How many characters of a topic are kept, as a reader counts them. A post of X has no more.
pub const MAX_TOPIC: usize = 280;

/// How many code points they have together: an emoji can be a row of ten, and a hostile one a row of a million.
const MAX_CODE_POINTS: usize = 8 * MAX_TOPIC;

/// How many code points of an answer are read: X's longest posts have as many, and a wish to be left alone can stand
/// at the end. A server of Mastodon may allow any number.
const MAX_ANSWER: usize = 25_000;

/// In so few words, one such as "stop" can mean the whole of them.
const FEW_WORDS: usize = 4;

/// In so few letters, the same is so where no spaces stand between words.
const FEW_LETTERS: usize = 12;

/// What an answer means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// It has no words: mentions and punctuation only.
    Nothing,
    /// The follower wants to hear no more. It is final.
    Stop,
    /// The creator has to read it.
    Doubtful {
        /// The topic, if it is one.
        topic: String,
        /// Why, for the sentence "Please read it first: …". It never repeats the words.
        why: String,
        /// What that means beside a topic that the follower named before.
        doubt: Doubt,
    },
    /// The topic of the song.
    Topic(String),
}

/// What a doubtful answer means beside a topic that the follower named before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// It may ask to stop, so the creator reads it even where a topic is accepted.
    MayBeStop,
    /// It may be no topic at all, such as thanks, so it changes no topic.
    MayBeNoTopic,
    /// It may be another topic.
    MayBeTopic,
}

/// Reads an answer: its text without markup. `own_words` are the creator's own list of words to be asked about, as
/// [`objection`] takes them.
///
/// The topic is one line of at most [`MAX_TOPIC`] characters, and `…` where more was cut off; it has no character
/// that a terminal obeys, that reverses the text or that cannot be seen. Mentions before it and after it are left
/// out, but not after a word such as "about": in "a song about @lea" the mention is the topic.
pub fn read(text: &str, own_words: &[String]) -> Meaning {
    let answer: String = text.chars().take(MAX_ANSWER).collect();
    let line = visible(&answer);
    let tokens: Vec<&str> = line.split_whitespace().collect();
    let topic = cut(&without_mentions(&tokens).join(" "));
    let said: Vec<&str> = tokens
        .into_iter()
        .filter(|token| !is_mention(token))
        .collect();
    let said = said.join(" ");
    let has_words = |text: &str| text.chars().any(|c| c.is_alphanumeric() && !is_emoji(c));
    // "a song about @lea" has words without the mention, and "@amber" has none.
    if !has_words(&said) {
        return if said.contains(is_emoji) {
            doubtful(topic, &["it has no words".to_owned()], Doubt::MayBeNoTopic)
        } else {
            Meaning::Nothing
        };
    }
    let readings = spoken(&said);
    if readings.iter().any(|said| is_only(said, &AN_OPT_OUT)) {
        return Meaning::Stop;
    }
    let mut why = Vec::new();
    let mut doubt = Doubt::MayBeTopic;
    // The text with its line breaks, because each line can be a sentence.
    if readings.iter().any(|said| may_be_opt_out(said)) || has_opt_out_sentence(&answer) {
        why.push("it may ask you to stop".to_owned());
        doubt = Doubt::MayBeStop;
    } else if readings.iter().any(|said| is_only(said, &THANKS_ALONE)) {
        why.push("it may be no topic yet".to_owned());
        doubt = Doubt::MayBeNoTopic;
    }
    why.extend(objection(&topic, own_words).map(|objection| objection.to_string()));
    if has_link(&topic) {
        why.push("it contains a link".to_owned());
    }
    if why.is_empty() {
        Meaning::Topic(topic)
    } else {
        doubtful(topic, &why, doubt)
    }
}

fn doubtful(topic: String, why: &[String], doubt: Doubt) -> Meaning {
    Meaning::Doubtful {
        topic,
        why: why.join(", and "),
        doubt,
    }
}

/// The characters that can be seen, on one line. What joins two emoji or gives one its colours stays where it does
/// that, and nowhere else: between letters it hides a word from whoever compares it.
fn visible(text: &str) -> String {
    let mut line = String::new();
    let mut before = ' ';
    let mut characters = plain(text).peekable();
    while let Some(c) = characters.next() {
        let c = match c {
            // Braille without a dot looks like a space.
            '\u{2800}' => ' ',
            c => c,
        };
        let next_is_emoji = characters.peek().copied().is_some_and(is_emoji);
        let stays = match c {
            '\u{200d}' => (is_emoji(before) || before == '\u{fe0f}') && next_is_emoji,
            // A digit with it is a keycap.
            '\u{fe0f}' => {
                is_emoji(before) || before.is_ascii_digit() || matches!(before, '#' | '*')
            }
            '\u{fe00}'..='\u{fe0e}' => false,
            _ => true,
        };
        if stays {
            line.push(c);
            before = c;
        }
    }
    // What was removed can have parted accents of one letter, which then carries too many.
    plain(&line).collect()
}

/// The text, cut to [`MAX_TOPIC`] characters.
fn cut(text: &str) -> String {
    let mut topic = String::new();
    let mut code_points = 0;
    for (count, character) in text.graphemes(true).enumerate() {
        code_points += character.chars().count();
        if count == MAX_TOPIC || code_points > MAX_CODE_POINTS {
            topic.truncate(topic.trim_end().len());
            topic.push('…');
            break;
        }
        topic.push_str(character);
    }
    topic
}

/// The words before a mention that belongs to the topic.
const LEADING_ON: [&str; 24] = [
    "about", "and", "by", "for", "from", "is", "like", "my", "of", "on", "to", "with", "auf",
    "für", "mit", "über", "von", "de", "pour", "sur", "a", "para", "por", "sobre",
];

/// The words of an answer without the mentions before and after them.
fn without_mentions<'a>(tokens: &'a [&'a str]) -> &'a [&'a str] {
    let mut rest = tokens;
    while let [first, after @ ..] = rest
        && is_mention(first)
    {
        rest = after;
    }
    while let [before @ .., last] = rest
        && is_mention(last)
        && before
            .last()
            .is_none_or(|word| !LEADING_ON.contains(&word.to_lowercase().as_str()))
    {
        rest = before;
    }
    rest
}

/// Whether it is a mention and nothing else, with the punctuation that can follow one: `@amber,`.
fn is_mention(token: &str) -> bool {
    let token = token.trim_start_matches(['(', '.', ',', '-']);
    let is_of_a_handle =
        |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '-' | '@' | '＠' | '﹫');
    let rest = token.trim_end_matches([',', ':', ';', '!', '?', '.', ')', '…']);
    rest.starts_with(['@', '＠', '﹫']) && rest.chars().all(is_of_a_handle)
}

/// Whether it is an emoji or a symbol that is used like one. Letters in circles and squares are symbols here.
fn is_emoji(c: char) -> bool {
    matches!(c,
        '\u{a9}' | '\u{ae}' | '\u{203c}' | '\u{2049}' | '\u{2122}' | '\u{2139}' | '\u{2190}'..='\u{21ff}'
        | '\u{2300}'..='\u{23ff}' | '\u{24c2}' | '\u{25a0}'..='\u{27bf}' | '\u{2934}' | '\u{2935}'
        | '\u{2b00}'..='\u{2bff}' | '\u{3030}' | '\u{303d}' | '\u{3297}' | '\u{3299}'
        | '\u{1f000}'..='\u{1faff}')
}

/// The words of a text as they compare, and the same with each row of single letters joined: "s t o p" is a word,
/// and in "thank u, I quit" they are two. Emoji are no words, though some of them count as letters.
fn spoken(text: &str) -> [Vec<String>; 2] {
    let no_emoji = text.chars().map(|c| if is_emoji(c) { ' ' } else { c });
    let words = words(&no_emoji.collect::<String>());
    let words: Vec<String> = words.iter().map(|word| squeezed(word)).collect();
    let joined = join_letters(&words);
    [words, joined]
}

/// The word with every row of three or more of a letter made one: `stoooop`.
fn squeezed(word: &str) -> String {
    let letters: Vec<char> = word.chars().collect();
    let rows = letters.chunk_by(|one, next| one == next);
    rows.flat_map(|row| if row.len() > 2 { &row[..1] } else { row })
        .collect()
}

/// Phrases that an answer can consist of: the words of each, and whether the answer needs one like it.
type Phrases = Vec<(Vec<String>, bool)>;

// They are made once: an answer can have a thousand sentences, and each is compared with all of them.
static AN_OPT_OUT: LazyLock<Phrases> = LazyLock::new(|| with_polite(&OPT_OUTS));
static PERHAPS_AN_OPT_OUT: LazyLock<Phrases> = LazyLock::new(|| with_polite(&PERHAPS_ALONE));
static THANKS_ALONE: LazyLock<Phrases> = LazyLock::new(|| {
    let thanks = THANKS.iter().chain(&POLITE);
    thanks.map(|phrase| (words(phrase), true)).collect()
});

fn with_polite(phrases: &[&str]) -> Phrases {
    let needed = phrases.iter().map(|phrase| (words(phrase), true));
    let polite = POLITE.iter().map(|phrase| (words(phrase), false));
    needed.chain(polite).collect()
}

/// Whether the words are these phrases and nothing else, with one that is needed among them.
fn is_only(said: &[String], phrases: &Phrases) -> bool {
    // For each word, whether phrases lead up to it, and whether one that is needed is among them.
    let mut reached = vec![(false, false); said.len() + 1];
    reached[0] = (true, false);
    for at in 0..said.len() {
        let (is_reached, has_needed) = reached[at];
        if !is_reached {
            continue;
        }
        for (phrase, is_needed) in phrases {
            if said[at..].starts_with(phrase) {
                let next = &mut reached[at + phrase.len()];
                *next = (true, next.1 || has_needed || *is_needed);
            }
        }
    }
    reached[said.len()] == (true, true)
}

/// Whether an answer that is no opt-out may be meant as one.
fn may_be_opt_out(said: &[String]) -> bool {
    let has = |phrase: &str| places(said, phrase).next().is_some();
    let means_stop = |phrase: &&str| {
        places(said, phrase).any(|at| {
            let before = at.checked_sub(1).map_or("", |before| said[before].as_str());
            !GO_ON.contains(&before)
        })
    };
    let is_short = said.len() <= FEW_WORDS && PERHAPS.iter().any(means_stop);
    let is_shorter = said.len() <= 2 && PERHAPS_IN_TWO.iter().any(means_stop);
    let letters: String = said.concat();
    let is_short_without_spaces = letters.chars().count() <= FEW_LETTERS
        && letters.contains(is_written_without_spaces)
        && PERHAPS_WITHOUT_SPACES
            .iter()
            .any(|part| letters.contains(part));
    let refuses = || {
        let mut phrases = NOT
            .iter()
            .flat_map(|not| NOT_WHAT.map(|what| format!("{not} {what}")));
        phrases.any(|phrase| has(&phrase))
    };
    is_short
        || is_shorter
        || is_only(said, &PERHAPS_AN_OPT_OUT)
        || is_short_without_spaces
        || PERHAPS_ANYWHERE.iter().any(means_stop)
        || refuses()
}

/// Where that phrase stands among the words.
fn places(said: &[String], phrase: &str) -> impl Iterator<Item = usize> {
    let phrase = words(phrase);
    let windows = said.windows(phrase.len().max(1)).enumerate();
    windows.filter_map(move |(at, part)| (part == phrase).then_some(at))
}

/// Whether one sentence or line of the text would be an opt-out if it stood alone: "Stop. Who are you?"
fn has_opt_out_sentence(text: &str) -> bool {
    let ends = ['.', '!', '?', ';', '\n', '\r', '。', '！', '？', '…'];
    text.split(ends).any(|sentence| {
        let line = visible(sentence);
        let tokens = line.split_whitespace().filter(|token| !is_mention(token));
        let readings = spoken(&tokens.collect::<Vec<_>>().join(" "));
        readings.iter().any(|said| is_only(said, &AN_OPT_OUT))
    })
}

/// The ends of addresses that people write without `https://`.
const ENDS_OF_HOSTS: [&str; 30] = [
    "com", "net", "org", "io", "co", "ly", "gg", "tv", "me", "be", "de", "uk", "fr", "it", "es",
    "nl", "ch", "at", "ru", "jp", "eu", "us", "app", "dev", "link", "xyz", "info", "shop", "site",
    "online",
];

/// Whether it has an address of a page, with or without `https://` before it.
fn has_link(text: &str) -> bool {
    folded(text)
        .split_whitespace()
        .any(|token| token.contains("://") || token.split(['(', '[', '<', '"']).any(is_host))
}

/// Whether it begins with the name of a host: `example.com`, `www.example`, `example.museum/page`.
fn is_host(token: &str) -> bool {
    let is_of_a_host = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-');
    let end = token.find(|c| !is_of_a_host(c)).unwrap_or(token.len());
    let (host, after) = token.split_at(end);
    // A handle such as amber@mastodon.social is no page.
    if after.starts_with('@') {
        return false;
    }
    let labels: Vec<&str> = host.trim_end_matches('.').split('.').collect();
    let [.., before, last] = labels[..] else {
        return false;
    };
    let is_end = last.chars().count() > 1 && last.chars().all(char::is_alphabetic);
    let is_known = ENDS_OF_HOSTS.contains(&last) || after.starts_with('/') || labels[0] == "www";
    !before.is_empty() && is_end && is_known
}

#[cfg(test)]
mod tests;
