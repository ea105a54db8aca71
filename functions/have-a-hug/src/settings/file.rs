//! hug.toml as it is written, with the place of each value, and what to answer to a syntax error.

use serde::Deserialize;
use toml::Spanned;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawSettings {
    #[serde(default)]
    pub plan: RawPlan,
    #[serde(default)]
    pub account: Vec<Spanned<RawAccount>>,
    #[serde(default)]
    pub texts: RawTexts,
    pub news: Option<RawNews>,
    #[serde(default)]
    pub songs: RawSongs,
    #[serde(default)]
    pub topics: RawTopics,
    #[serde(default)]
    pub songbook: RawSongbook,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawPlan {
    pub first: Option<Spanned<i64>>,
    pub step: Option<Spanned<i64>>,
    pub most_a_day: Option<Spanned<i64>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawAccount {
    pub network: Spanned<String>,
    pub handle: Spanned<String>,
    pub active: Option<bool>,
    pub creator: Option<Spanned<String>>,
    pub contact: Option<Spanned<Vec<Spanned<String>>>>,
    pub server: Option<Spanned<String>>,
    pub appview: Option<Spanned<String>>,
    #[serde(default)]
    pub always: Vec<Spanned<String>>,
    #[serde(default)]
    pub never: Vec<Spanned<String>>,
    pub screen: Option<bool>,
    pub secrets: Option<Spanned<String>>,
    #[serde(default)]
    pub plan: RawPlan,
    #[serde(default)]
    pub texts: RawTexts,
    #[serde(default)]
    pub songs: RawAccountSongs,
}

/// The keys of an account. A key that is written below one of the account's tables belongs to that table, which is an
/// easy mistake.
const KEYS_OF_AN_ACCOUNT: [&str; 11] = [
    "network", "handle", "active", "creator", "contact", "server", "appview", "always", "never",
    "screen", "secrets",
];

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawTexts {
    pub announce: Option<Spanned<String>>,
    pub mention: Option<Spanned<String>>,
    pub message: Option<Spanned<String>>,
    pub draft: Option<Spanned<String>>,
    pub song: Option<Spanned<String>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawSongs {
    pub youtube: Option<Spanned<String>>,
    pub server: Option<Spanned<String>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawAccountSongs {
    pub youtube: Option<Spanned<String>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawTopics {
    #[serde(default)]
    pub doubtful: Vec<Spanned<String>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawSongbook {
    pub title: Option<Spanned<String>>,
    pub promise: Option<Spanned<String>>,
    #[serde(default)]
    pub listed: bool,
    pub url: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawNews {
    pub command: Spanned<String>,
}

/// A handle without the blanks and the `@` around it, in lower case.
pub(super) fn plain_handle(handle: &str) -> String {
    handle.trim().trim_start_matches('@').to_lowercase()
}

/// What to answer where the file is not TOML, or has a wrong field or type.
pub(super) fn syntax_mistake(text: &str, error: &toml::de::Error) -> String {
    let what = error
        .message()
        .replace("u64", "a whole number")
        .replace("i64", "a whole number");
    let Some(span) = error.span() else {
        return what;
    };
    let line = line_of(text, span.start);
    // Only the field's name is shown: its value may be a secret that is in the wrong place.
    let source = text.lines().nth(line - 1).unwrap_or_default();
    if source.trim() == "[account]" {
        return format!("line {line}: write [[account]], with two brackets on each side");
    }
    let right = what_is_right(source, &what);
    match source.split_once('=') {
        Some((field, _)) => format!("line {line}, {}: {what}{right}", field.trim()),
        None => format!("line {line}: {what}{right}"),
    }
}

/// What to write instead. The parser itself says only what it did not expect.
fn what_is_right(source: &str, what: &str) -> &'static str {
    let key = source.split('=').next().unwrap_or_default().trim();
    if what.contains("unknown field") && KEYS_OF_AN_ACCOUNT.contains(&key) {
        "; a line of the account itself must be above [account.plan], [account.texts] and other tables"
    } else if source.contains(['“', '”', '„', '‘', '’']) {
        "; write straight quotes: \"amber\""
    } else if what.contains("expected a sequence") && source.trim_start().starts_with("contact") {
        "; write a list in brackets: [\"announce\"]"
    } else if what.contains("expected a sequence") {
        "; write a list in brackets: [\"amber\"]"
    } else if what.contains("expected a whole number") {
        "; write the number, without quotes"
    } else if what.contains("missing field") {
        "; hug.example.toml shows each"
    } else if what.contains("expected a boolean") {
        "; write true or false, without quotes"
    } else if what.contains("expected a string") {
        "; write it in quotes: \"amber\""
    } else {
        ""
    }
}

/// The line of that byte, from 1.
pub(super) fn line_of(text: &str, offset: usize) -> usize {
    text.as_bytes()
        .iter()
        .take(offset)
        .filter(|byte| **byte == b'\n')
        .count()
        + 1
}
