//! What Bluesky allows. Sources: the lexicons `app.bsky.feed.post` and `chat.bsky.convo.defs`, and the bots
//! guide at docs.bsky.app, 2026-08.

use promise::{
    account::NetworkName,
    channel::Channel,
    rules::{HandleRules, Limit, Rules, SecretRule, Shape, cut_address},
};
use unicode_segmentation::UnicodeSegmentation;

use crate::http::{percent_encoded, with_query};

/// A handle has at most 253 characters; a post has room for these. The mention is a facet and not the
/// letters, so an address can be cut.
const MAX_ADDRESS: usize = 48;

pub(super) const APP_PASSWORD: &str = "APP_PASSWORD";

/// What Bluesky allows.
pub const RULES: Rules = Rules {
    network: NetworkName::Bluesky,
    title: "Bluesky",
    handle: HandleRules {
        is_valid: |handle| {
            let is_label = |label: &str| {
                !label.is_empty() && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
            };
            handle.len() <= 253 && handle.contains('.') && handle.split('.').all(is_label)
        },
        example: "amber.bsky.social",
        names_its_server: false,
        address,
        max_address: MAX_ADDRESS,
    },
    // A login there says which PDS the account lives on.
    default_server: |_| "https://bsky.social".to_owned(),
    default_appview: Some("https://public.api.bsky.app"),
    measure: |text| text.graphemes(true).count(),
    post: Limit {
        units: 300,
        bytes: 3_000,
    },
    message: Ok(Limit {
        units: 1_000,
        bytes: 10_000,
    }),
    mention_is_private: false,
    replies_need_tag: false,
    default_contact: &[Channel::Announce, Channel::Draft],
    secrets_to_send: &[SecretRule {
        key: APP_PASSWORD,
        of_the_app: false,
        found_at: "bsky.app: Settings, Privacy and security, App passwords; not the password that you log in with",
        shape: Some(Shape {
            fits: |password| {
                let parts: Vec<&str> = password.split('-').collect();
                let fits = |part: &&str| {
                    part.len() == 4 && part.chars().all(|c| c.is_ascii_alphanumeric())
                };
                parts.len() == 4 && parts.iter().all(fits)
            },
            odd: "it does not look like an app password (xxxx-xxxx-xxxx-xxxx), but like the account's main one",
            help: "make an app password in Bluesky's settings, and keep the main one out of here",
        }),
    }],
    secrets_to_read: &[],
    help_to_post: "make an app password with \"allow access to your direct messages\" ticked",
    help_to_message: "make an app password with \"allow access to your direct messages\" ticked",
    list_has_profiles: false,
    profiles_at_once: 25,
    // Reads are free.
    followers_a_day: 60_000,
    profile_url: |_, handle| format!("https://bsky.app/profile/{}", percent_encoded(handle)),
    // An address can contain a handle instead of the DID. Then the at:// URI is not known.
    post_at: |url| {
        let (did, key) = url.split_once("/profile/")?.1.split_once("/post/")?;
        let key = key.split(['?', '#', '/']).next()?;
        did.starts_with("did:")
            .then(|| format!("at://{did}/app.bsky.feed.post/{key}"))
    },
    post_link: |_, text| {
        let page = "https://bsky.app/intent/compose".to_owned();
        with_query(page, &[("text", text)])
    },
    // A link to a conversation needs an id that only the chat service gives out.
    private_link: |_, _, _| None,
    reply_link: |_, _, _| None,
    price_of_a_look: None,
    price_of_followers: None,
    price_of_a_link: None,
};

/// How a follower is addressed in a text.
pub(super) fn address(handle: &str) -> String {
    cut_address(
        handle,
        |c| c.is_ascii_alphanumeric() || ".-".contains(c),
        MAX_ADDRESS,
    )
}
