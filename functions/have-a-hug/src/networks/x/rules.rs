//! What X allows. Sources: docs.x.com (counting characters, developer guidelines, pricing), 2026-08.

use promise::{
    account::NetworkName,
    channel::Channel,
    rules::{HandleRules, Limit, Rules, SecretRule, Shape, cut_address, digits_after},
};

use crate::http::{percent_encoded, with_query};

/// The longest handle.
const MAX_HANDLE: usize = 15;

const KEYS_PAGE: &str = "compare it with \"keys and tokens\" at developer.x.com";

pub(super) const API_KEY: &str = "API_KEY";
pub(super) const API_SECRET: &str = "API_SECRET";
pub(super) const ACCESS_TOKEN: &str = "ACCESS_TOKEN";
pub(super) const ACCESS_SECRET: &str = "ACCESS_SECRET";
pub(super) const BEARER_TOKEN: &str = "BEARER_TOKEN";

/// What X allows.
pub const RULES: Rules = Rules {
    network: NetworkName::X,
    title: "X",
    handle: HandleRules {
        is_valid: |handle| {
            (1..=MAX_HANDLE).contains(&handle.len()) && handle.chars().all(in_handle)
        },
        example: "amber",
        names_its_server: false,
        address: |handle| cut_address(handle, in_handle, MAX_HANDLE),
        max_address: MAX_HANDLE,
    },
    default_server: |_| "https://api.x.com".to_owned(),
    default_appview: None,
    measure: weighted_length,
    post: Limit {
        units: 280,
        bytes: usize::MAX,
    },
    message: Ok(Limit {
        units: 10_000,
        bytes: usize::MAX,
    }),
    mention_is_private: false,
    replies_need_tag: true,
    default_contact: &[Channel::Announce, Channel::Draft],
    secrets_to_send: &[
        SecretRule {
            key: API_KEY,
            of_the_app: true,
            found_at: "developer.x.com: your app, \"keys and tokens\": the API key",
            shape: Some(Shape {
                fits: |key| is_alphanumeric(key, 20, 30),
                odd: "it is not 25 letters and digits, as X's API keys are (a client ID is another thing)",
                help: KEYS_PAGE,
            }),
        },
        SecretRule {
            key: API_SECRET,
            of_the_app: true,
            found_at: "developer.x.com: your app, \"keys and tokens\": the API key secret, shown together with the API key",
            shape: Some(Shape {
                fits: |secret| is_alphanumeric(secret, 40, 60),
                odd: "it is not 50 letters and digits, as X's API secrets are",
                help: KEYS_PAGE,
            }),
        },
        SecretRule {
            key: ACCESS_TOKEN,
            of_the_app: false,
            found_at: "developer.x.com: your app, \"keys and tokens\": the access token; before you make it, give the app \"read and write\"",
            shape: Some(Shape {
                fits: |token| {
                    let id = token.split_once('-').map_or("", |(id, _)| id);
                    !id.is_empty() && id.chars().all(|c| c.is_ascii_digit())
                },
                odd: "it does not begin with the account's number and a dash, as X's access tokens do",
                help: KEYS_PAGE,
            }),
        },
        SecretRule {
            key: ACCESS_SECRET,
            of_the_app: false,
            found_at: "developer.x.com: your app, \"keys and tokens\": the access token secret, shown together with the token",
            shape: Some(Shape {
                fits: |secret| is_alphanumeric(secret, 40, 60),
                odd: "it is not 45 letters and digits, as X's access secrets are",
                help: KEYS_PAGE,
            }),
        },
    ],
    secrets_to_read: &[SecretRule {
        key: BEARER_TOKEN,
        of_the_app: true,
        found_at: "developer.x.com: your app, \"keys and tokens\": the bearer token",
        shape: Some(Shape {
            fits: |token| token.starts_with("AAAA"),
            odd: "it does not begin with AAAA, as X's bearer tokens do",
            help: KEYS_PAGE,
        }),
    }],
    help_to_post: "give the app \"read and write\" at developer.x.com, then make the access token and secret anew",
    help_to_message: "give the app \"read, write and direct messages\" at developer.x.com, then make the access token and secret anew",
    list_has_profiles: true,
    profiles_at_once: 100,
    // At most $6 a day where the app belongs to the account ($0.001 a follower), and $60 where it does not ($0.010).
    followers_a_day: 6_000,
    profile_url: |_, handle| format!("https://x.com/{}", percent_encoded(handle)),
    post_at: |url| digits_after(url, "status"),
    post_link: |_, text| with_query("https://x.com/intent/post".to_owned(), &[("text", text)]),
    private_link: |_, to, text| {
        let page = "https://x.com/messages/compose".to_owned();
        let query = [("recipient_id", to.id.as_str()), ("text", text)];
        Some(with_query(page, &query))
    },
    reply_link: |_, to, text| {
        let page = "https://x.com/intent/tweet".to_owned();
        let query = [("in_reply_to", to.reference.as_str()), ("text", text)];
        Some(with_query(page, &query))
    },
    price_of_a_link: Some("X bills $0.20 for a post with a link, and $0.015 for one without"),
    price_of_a_look: Some(
        "this look cost $0.021 at most: the account, the keys' owner, one follower",
    ),
    price_of_followers: Some(|followers| {
        // In tenths of a cent: the account is 10, a follower 1, or 10 where the app is another's.
        let dollars = |tenths: u64| format!("${}.{:03}", tenths / 1_000, tenths % 1_000);
        let (own, other) = (10 + followers, 10 + 10 * followers);
        format!(
            "this cost {} with an app of your own, {} with another's",
            dollars(own),
            dollars(other)
        )
    }),
};

fn in_handle(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

fn is_alphanumeric(text: &str, min: usize, max: usize) -> bool {
    text.chars().all(|c| c.is_ascii_alphanumeric()) && (min..=max).contains(&text.len())
}

/// X's weighted length, or a little more: most letters 1, all others (emoji, CJK) 2 a code point,
/// and 23 more for anything that X could take for a link.
///
/// Source: twitter-text's configuration 3. It counts an emoji sequence as 2 in all; this counts each of its
/// code points, which errs to the safe side.
fn weighted_length(text: &str) -> usize {
    const LINK: usize = 23;
    let weight = |c: char| match u32::from(c) {
        0..=4351 | 8192..=8205 | 8208..=8223 | 8242..=8247 => 1,
        _ => 2,
    };
    text.split_inclusive(char::is_whitespace)
        .map(|word| {
            let plain: usize = word.chars().map(weight).sum();
            let bare = word.trim();
            let link = bare.contains("://")
                || bare
                    .char_indices()
                    .any(|(at, c)| c == '.' && bare[at + 1..].starts_with(char::is_alphanumeric));
            if link { plain + LINK } else { plain }
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_weighs_what_x_charges_for_it() {
        assert_eq!(weighted_length("a.co b"), 29);
        assert_eq!(weighted_length("Well. Yes..."), 12);
        assert_eq!(weighted_length("歌💛é"), 5);
    }
}
