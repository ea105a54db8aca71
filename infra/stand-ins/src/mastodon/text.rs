//! The text of a status: its mentions, its length as Mastodon counts it, its HTML.

use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation;

/// A possible mention: `@user` or `@user@server`.
pub(super) struct Mention<'a> {
    pub(super) handle: &'a str,
    start: usize,
}

/// The possible mentions in a text. Whether such a person exists is not checked here.
pub(super) fn mentions(text: &str) -> Vec<Mention<'_>> {
    let mut found = Vec::new();
    let mut end_of_last = 0;
    for (start, _) in text.match_indices('@') {
        let joined = |c: char| c.is_alphanumeric() || "_=/".contains(c);
        if start < end_of_last || text[..start].ends_with(joined) {
            continue;
        }
        let user = run(&text[start + 1..], "_.-");
        if user.is_empty() {
            continue;
        }
        let mut end = start + 1 + user.len();
        if let Some(server) = text[end..].strip_prefix('@').map(|rest| run(rest, ".-"))
            && !server.is_empty()
        {
            end += 1 + server.len();
        }
        end_of_last = end;
        found.push(Mention {
            handle: &text[start + 1..end],
            start,
        });
    }
    found
}

/// The name at the start of `text`: letters, digits and, between them, the characters in `between`.
fn run<'a>(text: &'a str, between: &str) -> &'a str {
    let end = text.find(|c: char| !(c.is_alphanumeric() || between.contains(c)));
    let run = &text[..end.unwrap_or(text.len())];
    run.trim_end_matches(|c: char| ".-".contains(c))
}

/// The length as Mastodon counts it: in graphemes, 23 for a link, and without the server of a mention.
pub(super) fn length(text: &str) -> usize {
    let mut counted = String::new();
    let mut rest = text;
    while let Some(link) = links(rest).first() {
        counted.push_str(&rest[..link.start]);
        counted.push_str(&"x".repeat(23));
        rest = &rest[link.end..];
    }
    counted.push_str(rest);
    let free: usize = mentions(&counted)
        .iter()
        .filter_map(|mention| mention.handle.split_once('@'))
        .map(|(_, server)| 1 + server.graphemes(true).count())
        .sum();
    counted.graphemes(true).count() - free
}

fn links(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(offset) = text[at..].find("http") {
        let start = at + offset;
        let word = text[start..].split_whitespace().next().unwrap_or_default();
        let link = word.trim_end_matches([',', '.', ')', '!', '?', ';', ':']);
        at = start + 4;
        if link.starts_with("http://") || link.starts_with("https://") {
            at = start + link.len();
            found.push(start..at);
        }
    }
    found
}

/// The text as HTML. `profile` gives the URL of the profile for a handle, if there is such a person.
pub(super) fn html(text: &str, profile: impl Fn(&str) -> Option<String>) -> String {
    let mut elements: Vec<(Range<usize>, String)> = links(text)
        .into_iter()
        .map(|link| (link.clone(), anchor(&text[link])))
        .collect();
    for mention in mentions(text) {
        let span = mention.start..mention.start + 1 + mention.handle.len();
        let inside = elements.iter().any(|(link, _)| link.contains(&span.start));
        if let (Some(url), false) = (profile(mention.handle), inside) {
            let user = mention.handle.split('@').next().unwrap_or_default();
            let element = format!(
                r#"<span class="h-card" translate="no"><a href="{url}" class="u-url mention">@<span>{}</span></a></span>"#,
                escaped(user)
            );
            elements.push((span, element));
        }
    }
    elements.sort_by_key(|(span, _)| span.start);
    let mut html = String::from("<p>");
    let mut at = 0;
    for (span, element) in elements {
        html.push_str(&escaped(&text[at..span.start]));
        html.push_str(&element);
        at = span.end;
    }
    html.push_str(&escaped(&text[at..]));
    html.push_str("</p>");
    html.replace("\n\n", "</p><p>").replace('\n', "<br />")
}

/// A link as Mastodon shows it: without its scheme and without what follows 30 characters.
fn anchor(url: &str) -> String {
    const SHOWN: usize = 30;
    let (scheme, rest) = url.split_at(url.find("//").map_or(0, |at| at + 2));
    let cut = rest
        .char_indices()
        .nth(SHOWN)
        .map_or(rest.len(), |(at, _)| at);
    let (shown, hidden) = rest.split_at(cut);
    let class = if hidden.is_empty() { "" } else { "ellipsis" };
    format!(
        r#"<a href="{}" target="_blank" rel="nofollow noopener"><span class="invisible">{scheme}</span><span class="{class}">{}</span><span class="invisible">{}</span></a>"#,
        escaped(url),
        escaped(shown),
        escaped(hidden)
    )
}

pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}
