//! What Mastodon allows. Sources: docs.joinmastodon.org and Mastodon's `StatusLengthValidator`, 2026-11.

use promise::{
    account::NetworkName,
    channel::Channel,
    rules::{HandleRules, Limit, Rules, SecretRule, digits_after},
};
use unicode_segmentation::UnicodeSegmentation;

use crate::http::{percent_encoded, with_query};

pub(super) const ACCESS_TOKEN: &str = "ACCESS_TOKEN";

/// A status has at most this many characters, unless its server says otherwise.
pub(super) const MAX_CHARACTERS: usize = 500;

/// What Mastodon allows.
pub const RULES: Rules = Rules {
    network: NetworkName::Mastodon,
    title: "Mastodon",
    handle: HandleRules {
        is_valid,
        example: "amber@mastodon.social",
        names_its_server: true,
        address,
        // Mastodon's own names have up to 30 characters, other servers' more; the server is not counted.
        max_address: 64,
    },
    default_server: |handle| format!("https://{}", domain(handle)),
    default_appview: None,
    measure: length,
    post: Limit {
        units: MAX_CHARACTERS,
        bytes: usize::MAX,
    },
    message: Err(
        "Mastodon's private messages are mentions that only the mentioned can read; write \"mention\"",
    ),
    mention_is_private: true,
    replies_need_tag: false,
    default_contact: &[Channel::Mention, Channel::Draft],
    secrets_to_send: &[SecretRule {
        key: ACCESS_TOKEN,
        of_the_app: false,
        found_at: "your own server: Preferences, Development, New application, with the scopes read:accounts, read:statuses, read:notifications and write:statuses; then open it: \"your access token\"",
        shape: None,
    }],
    secrets_to_read: &[],
    help_to_post: "give the token's application the scopes of docs/COMMANDS.md, \"Secrets\", then take its new token",
    help_to_message: "give the token's application the scopes of docs/COMMANDS.md, \"Secrets\", then take its new token",
    list_has_profiles: true,
    profiles_at_once: 40,
    // Reads are free.
    followers_a_day: 60_000,
    // The account's own server shows every follower. The handle is encoded, so that it cannot change the address.
    profile_url: |server, handle| format!("{server}/{}", encoded_address(handle)),
    // https://server/@name/ID, for an account of the same server.
    post_at: |url| {
        let name = url.split('/').find(|segment| segment.starts_with('@'))?;
        digits_after(url, name)
    },
    post_link: |server, text| with_query(format!("{server}/share"), &[("text", text)]),
    private_link: |server, to, text| {
        // Only people whom the text names can read it, so the text must name the follower.
        let address = address(&to.handle);
        let text = if text.contains(&address) {
            text.to_owned()
        } else {
            format!("{address} {text}")
        };
        let query = [("text", text.as_str()), ("visibility", "direct")];
        Some(with_query(format!("{server}/share"), &query))
    },
    reply_link: |_, _, _| None,
    price_of_a_look: None,
    price_of_followers: None,
    price_of_a_link: None,
};

/// The part of a handle after the `@`: the server, or the domain that it writes handles with.
pub(super) fn domain(handle: &str) -> &str {
    handle.split('@').next_back().unwrap_or_default()
}

/// A handle is valid without its server too: hug.toml may name the server on a line of its own.
fn is_valid(handle: &str) -> bool {
    let (user, server) = handle.split_once('@').unwrap_or((handle, "no.server"));
    let is_in = |text: &str, more: &str| {
        !text.is_empty()
            && text
                .chars()
                .all(|c| c.is_alphanumeric() || more.contains(c))
    };
    is_in(user, "_.-") && server.split('.').all(|label| is_in(label, "-:"))
}

/// The whole handle: a shorter one is somebody else's, and a second `@` after the server would mention
/// somebody more.
fn address(handle: &str) -> String {
    // Names of servers are shown in their own letters.
    let belongs = |c: &char| c.is_alphanumeric() || "_.-@".contains(*c);
    let handle: String = handle.chars().filter(belongs).collect();
    let (name, server) = handle.split_once('@').unwrap_or((&handle, ""));
    match server.split('@').next() {
        Some(server) if !server.is_empty() => format!("@{name}@{server}"),
        _ => format!("@{name}"),
    }
}

/// The address as a part of a path: `@cleo@other.example`.
fn encoded_address(handle: &str) -> String {
    let address = address(handle);
    let parts: Vec<String> = address.split('@').map(percent_encoded).collect();
    parts.join("@")
}

/// How Mastodon counts: what a reader sees as one character is one, a link is 23 however long it is, and
/// the server of a mention is free.
pub(super) fn length(text: &str) -> usize {
    text.split_inclusive(char::is_whitespace)
        .map(word_length)
        .sum()
}

fn word_length(word: &str) -> usize {
    const LINK: usize = 23;
    let seen = |text: &str| text.graphemes(true).count();
    let link = ["http://", "https://"]
        .iter()
        .filter_map(|scheme| word.find(scheme))
        .min();
    if let Some(at) = link {
        // Punctuation after a link is not part of it.
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
    use super::*;

    #[test]
    fn a_link_counts_23_and_of_a_mention_only_the_user_counts() {
        assert_eq!(length("歌💛é"), 3);
        assert_eq!(length("a https://a.co b"), 2 + 23 + 2);
        let long = format!("see (https://amber.example/{}), ok", "s".repeat(200));
        assert_eq!(length(&long), 5 + 23 + 3 + 2);
        assert_eq!(length("@cleo@other.example, hi"), "@cleo, hi".len());
        assert_eq!(length("@cleo@other.example."), "@cleo.".len());
        assert_eq!(length("@cleo hi a.b@c"), 14);
        assert_eq!(length("amber.com"), 9, "no link without https://");
    }

    #[test]
    fn the_whole_handle_is_the_address() {
        let remote = format!("{}@bücher.example", "w".repeat(70));
        assert_eq!(address(&remote), format!("@{remote}"));
        assert_eq!(address("cleo@a.example @dan@b.example"), "@cleo@a.example");
    }
}
