//! The text of a post: its length as X counts it, its links, its mentions.

use serde_json::{Value, json};
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

/// The handles that a text mentions as `@handle`.
pub(super) fn mentioned(text: &str) -> Vec<String> {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut handles = Vec::new();
    for (at, _) in text.match_indices(['@', '＠']) {
        let inside_a_word = text[..at].chars().next_back().is_some_and(word);
        let after = text[at..].chars().skip(1);
        let handle: String = after.take_while(|c| word(*c)).collect();
        if !inside_a_word && !handle.is_empty() {
            handles.push(handle);
        }
    }
    handles
}

pub(super) fn mentions(text: &str, handle: &str) -> bool {
    mentioned(text)
        .iter()
        .any(|mentioned| mentioned.eq_ignore_ascii_case(handle))
}
