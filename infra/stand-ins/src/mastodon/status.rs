//! What becomes of the words of a status: mentions, HTML, and how long they count.

use jiff::Timestamp;
use unicode_segmentation::UnicodeSegmentation;

pub(super) struct Status {
    pub number: u64,
    pub author: String,
    pub text: String,
    pub visibility: String,
    /// Whom it reaches, by id.
    pub mentions: Vec<String>,
    pub reply_to: Option<String>,
    pub at: Timestamp,
}

/// A mention as the letters make it: `@user` or `@user@server`.
pub(super) struct Mention<'a> {
    pub handle: &'a str,
    start: usize,
}

/// What in the text can be a mention; whether there is such a person is another question.
pub(super) fn mentions(text: &str) -> Vec<Mention<'_>> {
    let mut found = Vec::new();
    let mut behind = 0;
    for (start, _) in text.match_indices('@') {
        let joined = |c: char| c.is_alphanumeric() || "_=/".contains(c);
        if start < behind || text[..start].ends_with(joined) {
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
        behind = end;
        found.push(Mention {
            handle: &text[start + 1..end],
            start,
        });
    }
    found
}

/// Letters, digits and what may stand between them.
fn run<'a>(text: &'a str, between: &str) -> &'a str {
    let end = text.find(|c: char| !(c.is_alphanumeric() || between.contains(c)));
    let run = &text[..end.unwrap_or(text.len())];
    run.trim_end_matches(|c: char| ".-".contains(c))
}

/// How long the text counts: characters as a reader sees them, 23 for a link, of a mention only
/// `@user`.
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

fn links(text: &str) -> Vec<std::ops::Range<usize>> {
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

/// The content as servers tell it. `who` gives the address of a mention's profile, where there is
/// such a person.
pub(super) fn html(text: &str, who: impl Fn(&str) -> Option<String>) -> String {
    let mut marks: Vec<(std::ops::Range<usize>, String)> = links(text)
        .into_iter()
        .map(|link| (link.clone(), anchor(&text[link])))
        .collect();
    for mention in mentions(text) {
        let span = mention.start..mention.start + 1 + mention.handle.len();
        let inside = marks.iter().any(|(link, _)| link.contains(&span.start));
        if let (Some(url), false) = (who(mention.handle), inside) {
            let user = mention.handle.split('@').next().unwrap_or_default();
            let mark = format!(
                r#"<span class="h-card" translate="no"><a href="{url}" class="u-url mention">@<span>{}</span></a></span>"#,
                escaped(user)
            );
            marks.push((span, mark));
        }
    }
    marks.sort_by_key(|(span, _)| span.start);
    let mut html = String::from("<p>");
    let mut at = 0;
    for (span, mark) in marks {
        html.push_str(&escaped(&text[at..span.start]));
        html.push_str(&mark);
        at = span.end;
    }
    html.push_str(&escaped(&text[at..]));
    html.push_str("</p>");
    html.replace("\n\n", "</p><p>").replace('\n', "<br />")
}

/// A link with its beginning and its end out of sight.
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
