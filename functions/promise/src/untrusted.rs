//! Text that others wrote, made safe to keep, log and print.
//!
//! A name can hold line breaks that forge a line of the log, escape sequences that a terminal obeys,
//! characters that reverse the text, and a megabyte of accents. Such text is cleaned and never
//! refused: nobody is passed over for an odd name.

/// How many characters of a handle are kept: Bluesky's longest has 253, X's 15.
pub const MAX_HANDLE: usize = 253;

/// How many characters of a display name are kept: the networks allow about half as many.
pub const MAX_NAME: usize = 100;

/// How many characters of an explanation are kept.
pub const MAX_REASON: usize = 400;

/// How many accents one letter may carry. No language needs more than three.
const MAX_ACCENTS: usize = 3;

/// The text on one line, cut to `max` characters; an ellipsis follows where something was cut off.
pub fn one_line(text: &str, max: usize) -> String {
    let mut plain = plain(text);
    let mut line: String = plain.by_ref().take(max).collect();
    if plain.next().is_some() {
        line.push('…');
    }
    line
}

/// The characters of a text without those that break the line, move a cursor, are invisible or reverse
/// the text, and with no more accents on a letter than a language needs.
pub fn plain(text: &str) -> impl Iterator<Item = char> {
    let mut accents = 0;
    text.chars().filter_map(move |c| {
        accents = match c {
            c if is_accent(c) => accents + 1,
            // It is removed, so what follows it joins the letter before it.
            c if is_invisible(c) => accents,
            _ => 0,
        };
        if c.is_whitespace() || c.is_control() {
            Some(' ')
        } else {
            (accents <= MAX_ACCENTS && !is_invisible(c)).then_some(c)
        }
    })
}

/// Whether it is a mark that combines with the letter before it.
fn is_accent(c: char) -> bool {
    matches!(c,
        '\u{300}'..='\u{36f}' | '\u{483}'..='\u{489}' | '\u{1ab0}'..='\u{1aff}'
        | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}')
}

/// Whether it reorders text or has no width. The joiner inside emoji and the selector of an emoji's
/// style are not among them: without these an emoji falls apart.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}' | '\u{200c}' | '\u{200e}' | '\u{200f}'
        | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
        | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_with_tricks_in_it_becomes_a_plain_one() {
        let nasty = "Am\u{1b}[31mber\r\n2026 INFO all is well\u{202e}\u{2028}x";
        assert_eq!(one_line(nasty, 100), "Am [31mber  2026 INFO all is well x");
        assert_eq!(
            one_line("e\u{301}\u{301}\u{301}\u{301}\u{301}", 100),
            "e\u{301}\u{301}\u{301}"
        );
        assert_eq!(
            one_line("e\u{301}\u{301}\u{200b}\u{301}\u{301}", 100),
            "e\u{301}\u{301}\u{301}"
        );
        assert_eq!(
            one_line("Zoë Ngũgĩ 美咲 👩\u{200d}🎤 ❤\u{fe0f}", 100),
            "Zoë Ngũgĩ 美咲 👩\u{200d}🎤 ❤\u{fe0f}"
        );
        assert_eq!(one_line("abcdef", 3), "abc…");
        assert_eq!(one_line("abc", 3), "abc");
    }

    proptest! {
        #[test]
        fn whatever_was_written_is_one_short_line(text in any::<String>(), max in 0usize..50) {
            let line = one_line(&text, max);
            prop_assert!(line.chars().count() <= max + 1);
            prop_assert!(!line.contains(|c: char| c.is_control() || is_invisible(c) || (c.is_whitespace() && c != ' ')));
        }
    }
}
