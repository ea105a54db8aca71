//! The text of a post: its length as X counts it, its links, its mentions.

use serde_json::{Map, Value, json};
use unicode_segmentation::UnicodeSegmentation;

fn is_link(word: &str) -> bool {
    let word = word.trim_end();
    word.starts_with("https://") || word.starts_with("http://")
}

/// The length as X counts it, without bringing the text into NFC first. It does not share code with the
/// client's own count, so that each checks the other.
pub(super) fn weighted_length(text: &str) -> usize {
    const LINK: usize = 23;
    text.split_inclusive(char::is_whitespace)
        .map(|word| {
            if is_link(word) {
                LINK + word.chars().rev().take_while(|c| c.is_whitespace()).count()
            } else {
                word.graphemes(true).map(weight).sum()
            }
        })
        .sum()
}

fn weight(grapheme: &str) -> usize {
    const EMOJI: usize = 2;
    let emoji = |c: char| matches!(c, '\u{1F000}'..='\u{1FFFF}' | '\u{FE0F}' | '\u{200D}');
    if grapheme.chars().any(emoji) {
        EMOJI
    } else {
        grapheme.chars().map(character_weight).sum()
    }
}

fn character_weight(c: char) -> usize {
    match u32::from(c) {
        0..=4351 | 8192..=8205 | 8208..=8223 | 8242..=8247 => 1,
        _ => 2,
    }
}

pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// A text as X answers it: escaped, with its links shortened; and what the short links stand for.
pub(super) fn shown(text: &str) -> (String, Vec<Value>) {
    let (mut out, mut links) = (String::new(), Vec::new());
    for word in text.split_inclusive(char::is_whitespace) {
        if !is_link(word) {
            out.push_str(&escaped(word));
            continue;
        }
        let link = word.trim_end();
        let short = short_link(link);
        let start = out.chars().count();
        links.push(json!({
            "start": start,
            "end": start + short.len(),
            "url": short,
            "expanded_url": link,
            "display_url": link.split_once("//").map_or(link, |(_, rest)| rest),
        }));
        out.push_str(&short);
        out.push_str(&word[link.len()..]);
    }
    (out, links)
}

fn short_link(link: &str) -> String {
    let sum = link.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |sum, byte| {
        (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("https://t.co/{:010x}", sum & 0xff_ffff_ffff)
}

/// The words in a text that follow one of `signs`, with the byte at which the sign stands.
fn tagged(text: &str, signs: [char; 2], word: fn(char) -> bool) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices(signs) {
        let inside_a_word = text[..at].chars().next_back().is_some_and(word);
        let after = text[at..].chars().skip(1);
        let tag: String = after.take_while(|c| word(*c)).collect();
        if !inside_a_word && !tag.is_empty() {
            found.push((at, tag));
        }
    }
    found
}

fn handles(text: &str) -> Vec<(usize, String)> {
    tagged(text, ['@', '＠'], |c| {
        c.is_ascii_alphanumeric() || c == '_'
    })
}

/// The handles that a text mentions as `@handle`.
pub(super) fn mentioned(text: &str) -> Vec<String> {
    handles(text)
        .into_iter()
        .map(|(_, handle)| handle)
        .collect()
}

pub(super) fn mentions(text: &str, handle: &str) -> bool {
    mentioned(text)
        .iter()
        .any(|mentioned| mentioned.eq_ignore_ascii_case(handle))
}

/// The entities of a text that was [`shown`]; `links` came with it, and `id_of` tells whose a handle is.
pub(super) fn entities(
    shown: &str,
    links: Vec<Value>,
    id_of: impl Fn(&str) -> Option<String>,
) -> Option<Value> {
    let place = |at: usize, tag: &str| {
        let start = shown[..at].chars().count();
        (start, start + 1 + tag.chars().count())
    };
    let mentions: Vec<Value> = handles(shown)
        .iter()
        .filter_map(|(at, handle)| {
            let (start, end) = place(*at, handle);
            let id = id_of(handle)?;
            Some(json!({"start": start, "end": end, "username": handle, "id": id}))
        })
        .collect();
    let letters = |c: char| c.is_alphanumeric() || c == '_';
    let hashtags: Vec<Value> = tagged(shown, ['#', '＃'], letters)
        .iter()
        // Digits alone make no hashtag.
        .filter(|(_, tag)| tag.chars().any(|c| !c.is_numeric()))
        .map(|(at, tag)| {
            let (start, end) = place(*at, tag);
            json!({"start": start, "end": end, "tag": tag})
        })
        .collect();
    let kinds = [
        ("mentions", mentions),
        ("urls", links),
        ("hashtags", hashtags),
    ];
    let there = kinds.into_iter().filter(|(_, list)| !list.is_empty());
    let out: Map<String, Value> = there
        .map(|(kind, list)| (kind.to_owned(), Value::Array(list)))
        .collect();
    (!out.is_empty()).then_some(Value::Object(out))
}
