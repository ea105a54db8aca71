//! HTML that servers write, read as the words that a person sees.

/// The text: tags gone, entities resolved, the end of a line or paragraph a space.
pub(super) fn plain(html: &str) -> String {
    let mut text = String::new();
    let mut rest = html;
    while let Some(at) = rest.find(['<', '&']) {
        let (before, special) = rest.split_at(at);
        text.push_str(before);
        rest = if special.starts_with('<') {
            let (tag, after) = special.split_at(tag_length(special));
            if ends_a_line(tag) {
                text.push(' ');
            }
            after
        } else if let Some((letter, after)) = entity(special) {
            text.push(letter);
            after
        } else {
            text.push('&');
            &special[1..]
        };
    }
    text + rest
}

/// A `>` in a quoted attribute does not end a tag; without any end, all of the rest is the tag.
fn tag_length(html: &str) -> usize {
    let mut quote = None;
    for (at, c) in html.char_indices() {
        match (quote, c) {
            (None, '>') => return at + 1,
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            _ => {}
        }
    }
    html.len()
}

fn ends_a_line(tag: &str) -> bool {
    let name: String = tag
        .trim_start_matches(['<', '/'])
        .chars()
        .take_while(char::is_ascii_alphanumeric)
        .collect();
    let name = name.to_ascii_lowercase();
    ["br", "p", "div", "li", "ul", "ol", "blockquote", "pre"].contains(&name.as_str())
}

fn entity(html: &str) -> Option<(char, &str)> {
    const MAX_LENGTH: usize = 10;
    let end = html
        .bytes()
        .take(MAX_LENGTH)
        .position(|byte| byte == b';')?;
    let letter = match &html[1..end] {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => ' ',
        "lsquo" | "rsquo" => '’',
        "ldquo" | "rdquo" => '”',
        "ndash" | "mdash" => '–',
        "hellip" => '…',
        // An unknown entity is not replaced by the letters of its name.
        name if !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric()) => '\u{fffd}',
        number => {
            let number = number.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)?
        }
    };
    Some((letter, &html[end + 1..]))
}

/// Whether the HTML was made from the words that were sent.
///
/// Servers write a mention without its server, hide parts of a link, and some make other quotes,
/// dashes or pictures of what was written. So letters and digits are compared, in their order.
pub(super) fn same_words(sent: &str, html: &str) -> bool {
    letters(sent) == letters(&plain(html))
}

fn letters(text: &str) -> String {
    let without_server = |word: &str| match word.split_once('@') {
        Some((before, mention)) if !before.ends_with(char::is_alphanumeric) => {
            let (user, server) = mention.split_once('@').unwrap_or((mention, ""));
            // The server's name ends where words go on: "@cleo@other.example's".
            let in_a_name = |c: char| c.is_alphanumeric() || "_.-".contains(c);
            format!("{before}{user}{}", server.trim_start_matches(in_a_name))
        }
        _ => word.to_owned(),
    };
    text.split_whitespace()
        .map(without_server)
        .flat_map(|word| {
            word.chars()
                .filter(|c| c.is_alphanumeric())
                .collect::<Vec<_>>()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_status_is_read_as_a_person_sees_it() {
        let html = r#"<p><span class="h-card"><a href="https://other.example/@cleo" title=">">@<span>cleo</span></a></span> You&#39;re &lt;number&gt; 600 &amp; I&nbsp;sing</p><p>R&B &#x1F49B;<br />now</p>"#;
        let words: Vec<String> = plain(html).split_whitespace().map(str::to_owned).collect();
        assert_eq!(
            words.join(" "),
            "@cleo You're <number> 600 & I sing R&B 💛 now"
        );
    }

    #[test]
    fn words_are_recognised_though_the_server_rewrote_them() {
        let sent = "@cleo@other.example You're number 600! See https://amber.example/songs — Amber";
        let html = r#"<p><a href="https://other.example/@cleo">@<span>cleo</span></a> You’re number 600! See <a href="https://amber.example/songs"><span class="invisible">https://</span><span class="ellipsis">amber.example/so</span><span class="invisible">ngs</span></a> – Amber</p>"#;
        assert!(same_words(sent, html));
        assert!(same_words(
            sent,
            &html.replace("@<span>cleo", "@<span>cleo@other.example")
        ));
        for other in [
            html.replace("600", "700"),
            html.replace("cleo</span>", "clea</span>"),
            html.replace("– Amber", ""),
        ] {
            assert!(!same_words(sent, &other), "{other}");
        }
    }

    #[test]
    fn a_mention_is_recognised_whatever_stands_right_behind_it() {
        for behind in [
            "'s",
            "—you",
            "&you",
            "、あなたは",
            ":",
            ")",
            "\",",
            ". And",
            "’s",
            "",
        ] {
            let sent = format!("Hi (@cleo@other.example{behind} number 600 is yours");
            let escaped = behind.replace('&', "&amp;");
            let html = format!(
                "<p>Hi (<a href=\"/@cleo\">@<span>cleo</span></a>{escaped} number 600 is yours</p>"
            );
            assert!(same_words(&sent, &html), "{behind}");
            let rewritten = html.replace("'s", "&rsquo;s").replace('—', "&mdash;");
            assert!(same_words(&sent, &rewritten), "{behind}");
            assert!(!same_words(&sent, &html.replace("600", "700")), "{behind}");
        }
    }

    proptest! {
        #[test]
        fn any_text_can_be_read(html in "[<>&;#x0-9a-z\"' é💛/]{0,60}") {
            plain(&html);
        }

        #[test]
        fn what_was_escaped_reads_as_it_was(text in "[ -~é💛]{0,60}") {
            let html = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
            prop_assert_eq!(plain(&html), text);
        }
    }
}
