//! Whether a topic may contain words that a creator does not want to sing.
//!
//! The filter marks a topic and never refuses it: the creator reads what it marked, and decides. It cannot be a gate,
//! because it errs in both directions. Of the topics beside this file (`clean/topics.txt`, chosen to be hard but
//! for the first group) `INAPPROPRIATE`, which is what counts here, marks:
//!
//! | topics | of | marked |
//! | --- | --- | --- |
//! | everyday ones | 30 | 0 |
//! | clean ones that look dirty | 60 | 28 |
//! | dirty ones in English | 38 | 38 |
//! | dirty ones in other languages | 22 | 16 |
//!
//! Another such list, before this one was written, gave 19 of 60 clean ones, 38 of 38 in English and 13 of 23 in other
//! languages: the filter is dependable where it was made for, and its marks on clean topics depend on how hard these
//! are. At `SEVERE` it would mark none of those 60, and miss more than half of the English ones.
//!
//! So nothing may be claimed of other languages than English, and nothing of what needs a meaning to be seen.
//!
//! The filter is `rustrict`. It builds its tables when the first topic is read, and keeps them: on a computer of 2026
//! that takes 11 ms and 19 MB, and a later topic some microseconds. A process that reads no topic pays nothing but the
//! bytes of its file: 540 KB, or 195 KB when compressed. `cargo run --release -p promise --example filter` measures
//! the time and the memory.

use std::fmt;

use rustrict::{Censor, Type};

/// Why a topic is shown to the creator before it counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Objection {
    /// It has a word from the creator's own list.
    OwnWord,
    /// The filter found something in it.
    BadLanguage,
}

/// What the creator is told; the word itself is never repeated.
impl fmt::Display for Objection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OwnWord => "it has a word from your list",
            Self::BadLanguage => "it may contain bad language",
        })
    }
}

/// What there is to object to in a topic.
///
/// `own_words` are the creator's own, from hug.toml. Each is a word or several in a row, and is found as whole words:
/// `ass` is not in `class`. Case, the accents of Latin letters, width and what stands between the words do not matter,
/// nor what stands between single letters: `b.a.d` and `b a d` are `bad`. Writing without spaces between its words,
/// such as Chinese, and emoji are found anywhere.
pub fn objection(topic: &str, own_words: &[String]) -> Option<Objection> {
    // First the list: it needs no filter.
    if has_own_word(topic, own_words) {
        return Some(Objection::OwnWord);
    }
    let found = Censor::from_str(topic).analyze();
    found
        .is(Type::INAPPROPRIATE)
        .then_some(Objection::BadLanguage)
}

fn has_own_word(topic: &str, own_words: &[String]) -> bool {
    if own_words.is_empty() {
        return false;
    }
    let folded_topic = folded(topic);
    let as_written = words(topic);
    let joined = join_letters(&as_written);
    own_words.iter().any(|own| {
        let own = folded(own.trim());
        let own_in_words = words(&own);
        if own.is_empty() {
            false
        } else if own_in_words.is_empty() || own.contains(is_written_without_spaces) {
            folded_topic.contains(&own)
        } else {
            has_row(&as_written, &own_in_words) || has_row(&joined, &own_in_words)
        }
    })
}

fn has_row(text: &[String], row: &[String]) -> bool {
    text.windows(row.len()).any(|part| part == row)
}

/// The words of a text as they compare: [`folded`], and without what stands between them.
pub(crate) fn words(text: &str) -> Vec<String> {
    let folded = folded(text);
    let words = folded.split(|c: char| !c.is_alphanumeric());
    words
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

/// The words, each row of single letters among them made one: `s`, `t`, `o`, `p` is `stop`.
pub(crate) fn join_letters(words: &[String]) -> Vec<String> {
    let is_letter = |word: &String| word.chars().nth(1).is_none();
    let rows = words.chunk_by(|one, next| is_letter(one) && is_letter(next));
    rows.map(<[String]>::concat).collect()
}

/// A text in lower case and usual width, without accents, apostrophes and what has no width.
pub(crate) fn folded(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xfee0).unwrap_or(c),
            c => c,
        })
        .flat_map(char::to_lowercase)
        .filter(|c| !matches!(c, '\'' | '’' | '‘' | '`' | '´' | 'ʼ' | '\u{300}'..='\u{36f}'))
        .filter(|c| !matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'))
        .map(without_accent)
        .collect()
}

fn without_accent(c: char) -> char {
    match c {
        'à'..='å' | 'ā' | 'ă' | 'ą' => 'a',
        'ç' | 'ć' | 'č' => 'c',
        'è'..='ë' | 'ē' | 'ę' | 'ě' => 'e',
        'ì'..='ï' | 'ī' | 'ı' => 'i',
        'ł' => 'l',
        'ñ' | 'ń' | 'ň' => 'n',
        'ò'..='ö' | 'ø' | 'ō' | 'ő' => 'o',
        'ś' | 'š' | 'ş' | 'ș' => 's',
        'ù'..='ü' | 'ū' | 'ů' | 'ű' => 'u',
        'ý' | 'ÿ' => 'y',
        'ź' | 'ż' | 'ž' => 'z',
        c => c,
    }
}

/// Whether it belongs to Thai, Lao, Khmer, Chinese or Japanese, whose words stand without spaces between them.
pub(crate) fn is_written_without_spaces(c: char) -> bool {
    matches!(c,
        '\u{e00}'..='\u{eff}' | '\u{1780}'..='\u{17ff}' | '\u{3040}'..='\u{30ff}'
        | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{20000}'..='\u{2fa1f}')
}

#[cfg(test)]
mod tests;
