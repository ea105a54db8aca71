//! Every network there is, listed once.
//!
//! What is true of only one network is in its folder: its client, its [`Rules`], its JSON. A new network is
//! a folder, a line here, and a variant of [`NetworkName`].

pub mod bluesky;
pub mod mastodon;
mod reply;
mod words;
pub mod x;

use std::sync::Arc;

use promise::{
    account::{AccountName, NetworkName},
    news::Site,
    rules::Rules,
};

use crate::network::{Network, NetworkError, approval::Approval, client::Connection};

/// How an account is connected to its network.
type Connect = fn(&Connection<'_>) -> Arc<dyn Network>;

fn entry(network: NetworkName) -> (&'static Rules, Connect) {
    match network {
        NetworkName::X => (&x::RULES, |to| Arc::new(x::X::new(to))),
        NetworkName::Bluesky => (&bluesky::RULES, |to| Arc::new(bluesky::Bluesky::new(to))),
        NetworkName::Mastodon => (&mastodon::RULES, |to| Arc::new(mastodon::Mastodon::new(to))),
    }
}

/// What a network allows.
pub fn rules(network: NetworkName) -> &'static Rules {
    let (rules, _) = entry(network);
    rules
}

/// The network of one account; nothing is sent yet.
pub fn connect(to: &Connection<'_>) -> Arc<dyn Network> {
    let (_, connect) = entry(to.account.network);
    connect(to)
}

/// Begins a login that the account's owner approves on the network's own page; `None` on Bluesky, where the owner makes
/// an app password instead. It needs the app's own secrets among the credentials (`of_the_app` in the [`Rules`]).
///
/// # Errors
///
/// The network does not let this app ask: its keys are wrong, or its settings do not allow it.
pub async fn begin_approval(
    to: &Connection<'_>,
) -> Result<Option<Box<dyn Approval>>, NetworkError> {
    Ok(match to.account.network {
        NetworkName::X => Some(Box::new(x::pin::Pin::begin(to).await?)),
        NetworkName::Bluesky => None,
        NetworkName::Mastodon => Some(Box::new(mastodon::code::Code::begin(to).await?)),
    })
}

/// Where the network shows people and posts to the account. `server` is the server in hug.toml, if it names one.
pub fn site(account: &AccountName, server: Option<&str>) -> Site {
    let rules = rules(account.network);
    Site {
        rules,
        server: rules.server(&account.handle, server),
    }
}

#[cfg(test)]
mod tests {
    use promise::{
        channel::Channel,
        follower::Recipient,
        milestone::Milestone,
        template::{Facts, Template},
    };
    use proptest::prelude::*;

    use super::*;

    fn compose(
        words: &Template,
        network: NetworkName,
        channel: Channel,
        (number, handle, creator): (u64, &str, &str),
    ) -> String {
        let recipient = Recipient {
            id: "1".into(),
            handle: handle.into(),
            ..Recipient::default()
        };
        let facts = Facts {
            milestone: Milestone::from_number(number).unwrap(),
            recipient: &recipient,
            creator,
            since: Some("2026-09-29T23:58:00Z".parse().unwrap()),
            reached_at: "2026-09-30T00:03:00Z".parse().unwrap(),
            is_next: false,
            link: "",
        };
        words.compose(rules(network), channel, &facts)
    }

    #[test]
    fn each_network_has_its_own_rules_and_its_example_is_a_valid_handle() {
        for network in NetworkName::ALL {
            let rules = rules(network);
            assert_eq!(rules.network, network);
            assert!((rules.handle.is_valid)(rules.handle.example), "{network}");
            assert_eq!(
                rules.default_contact.last(),
                Some(&Channel::Draft),
                "{network}"
            );
        }
    }

    #[test]
    fn the_id_of_a_post_is_read_from_its_address_where_the_address_contains_it() {
        let at = |network, url: &str| (rules(network).post_at)(url);
        for (network, url, id) in [
            (
                NetworkName::X,
                "https://x.com/amber/status/77?s=20",
                Some("77"),
            ),
            (
                NetworkName::X,
                "https://x.com/i/web/status/77/photo/1",
                Some("77"),
            ),
            (NetworkName::X, "https://x.com/amber", None),
            (
                NetworkName::Bluesky,
                "https://bsky.app/profile/did:plc:abc/post/3kx",
                Some("at://did:plc:abc/app.bsky.feed.post/3kx"),
            ),
            (
                NetworkName::Bluesky,
                "https://bsky.app/profile/amber.example/post/3kx",
                None,
            ),
            (
                NetworkName::Mastodon,
                "https://m.example/@amber/112",
                Some("112"),
            ),
            (NetworkName::Mastodon, "https://m.example/about", None),
        ] {
            assert_eq!(at(network, url).as_deref(), id, "{url}");
        }
    }

    #[test]
    fn links_lead_only_to_the_network() {
        let links = |network, server: &str, handle: &str| {
            let rules = rules(network);
            let to = Recipient {
                id: "1".into(),
                handle: handle.into(),
                ..Recipient::default()
            };
            (
                (rules.profile_url)(server, handle),
                (rules.post_link)(server, "a & b"),
                (rules.private_link)(server, &to, "a & b"),
            )
        };
        assert_eq!(
            links(NetworkName::X, "https://api.x.com", "cleo"),
            (
                "https://x.com/cleo".to_owned(),
                "https://x.com/intent/post?text=a%20%26%20b".to_owned(),
                Some("https://x.com/messages/compose?recipient_id=1&text=a%20%26%20b".to_owned()),
            )
        );
        assert_eq!(
            links(NetworkName::Bluesky, "https://bsky.social", "cleo.test"),
            (
                "https://bsky.app/profile/cleo.test".to_owned(),
                "https://bsky.app/intent/compose?text=a%20%26%20b".to_owned(),
                None,
            )
        );
        assert_eq!(
            links(NetworkName::Mastodon, "https://m.example", "cleo@far.example"),
            (
                "https://m.example/@cleo@far.example".to_owned(),
                "https://m.example/share?text=a%20%26%20b".to_owned(),
                Some("https://m.example/share?text=%40cleo%40far.example%20a%20%26%20b&visibility=direct".to_owned()),
            )
        );
        for network in NetworkName::ALL {
            let (profile, ..) = links(network, "https://m.example", "../a?b#c\u{202e}/é");
            let path = profile.strip_prefix("https://").unwrap();
            assert!(!path.contains(['?', '#']) && path.is_ascii(), "{profile}");
            assert!(path.matches('/').count() <= 2, "{profile}");
        }
    }

    #[test]
    fn the_default_words_pass_the_check_that_own_words_must_pass() {
        for network in NetworkName::ALL {
            for channel in Channel::OF_INVITATIONS {
                let checked =
                    Template::default_for(rules(network), channel).check(rules(network), channel);
                assert_eq!(checked, Ok(()), "{network} {channel}");
            }
        }
    }

    #[test]
    fn words_around_a_name_fit_whether_it_has_a_space_or_not() {
        let rules = rules(NetworkName::X);
        let text = format!("{{milestone}} {} a.co{{creator}}b.co", "la ".repeat(64));
        let words: Template = text.parse().unwrap();
        let fits = |creator: &str| {
            let facts = (600, "fan", creator);
            let text = compose(&words, NetworkName::X, Channel::Announce, facts);
            rules.excess(Channel::Announce, &text) == 0
        };
        assert!(fits(&"w".repeat(40)));
        assert!(!fits(&format!("w {}", "w".repeat(38))));
        assert!(words.check(rules, Channel::Announce).is_err());
    }

    #[test]
    fn a_mention_must_be_readable_as_one_and_on_mastodon_name_nobody_else() {
        let check = |text: &str, network| {
            let words: Template = text.parse().unwrap();
            words.check(rules(network), Channel::Mention)
        };
        for joined in [
            "Hi{follower}, or stop",
            "{follower}-fan, or stop",
            "{follower}: stop, ={follower}",
            "{follower}{milestone} stop",
            "{milestone}{follower} stop",
            "{creator}{follower} stop",
        ] {
            for network in NetworkName::ALL {
                let mistake = check(joined, network).unwrap_err().to_string();
                assert!(
                    mistake.contains("put a space around {follower}"),
                    "{joined}"
                );
            }
        }
        let other = check("{follower} ask @amber, or stop", NetworkName::Mastodon);
        assert!(other.unwrap_err().to_string().contains("leave out the @"));
        for good in [
            "({follower}), or stop",
            "{follower}! or stop",
            "stop? {follower}",
        ] {
            assert_eq!(check(good, NetworkName::Mastodon), Ok(()), "{good}");
        }
    }

    proptest! {
        #[test]
        fn words_fit_whatever_the_names_are(
            name in "\\PC{0,300}", handle in "[a-z0-9.-]{1,253}", number in 1u64..=9_999_999_999,
            marks in prop::collection::vec("[\u{300}-\u{36f}👩\u{200d}歌]{0,80}", 0..4),
        ) {
            let name = format!("{name}{}", marks.concat());
            for network in NetworkName::ALL {
                let rules = rules(network);
                for channel in Channel::OF_INVITATIONS {
                    // X and Mastodon recognise a mention by its letters, so handles are not cut there.
                    let max = if network == NetworkName::Bluesky { 253 } else { rules.handle.max_address };
                    let handle = &handle[..handle.len().min(max)];
                    let words = Template::default_for(rules, channel);
                    let text = compose(&words, network, channel, (number, handle, &name));
                    prop_assert_eq!(rules.excess(channel, &text), 0, "{}", text);
                    let at_signs = text.matches('@').count();
                    prop_assert_eq!(at_signs, usize::from(channel != Channel::Announce), "{}", text);
                }
            }
        }

        #[test]
        fn a_creators_name_makes_no_mention_no_tag_and_no_link(
            name in "[@＠﹫#＃﹟$＄﹩.。．｡․﹒‥/／⁄∕\\\\:hxé \n\t\u{1b}\u{ad}\u{200b}\u{200d}\u{202e}\u{2028}\u{301}👩]{0,60}",
        ) {
            for network in NetworkName::ALL {
                let words: Template = "{milestone}{creator}".parse().unwrap();
                let text = compose(&words, network, Channel::Announce, (1, "fan", &name));
                let signed = text.strip_prefix('1').unwrap();
                prop_assert!(!signed.contains(['@', '＠', '﹫', '#', '＃', '﹟', '$', '＄', '﹩']), "{}", signed);
                prop_assert!(!signed.contains(['/', '／', '⁄', '∕', '\\']), "{}", signed);
                prop_assert!(!signed.contains(|c: char| c.is_control() || "\u{ad}\u{200b}\u{202e}\u{2028}".contains(c)), "{:?}", signed);
                prop_assert!(!signed.contains("\u{301}\u{301}\u{301}\u{301}"), "{}", signed);
                let link = signed.char_indices().any(|(at, c)| {
                    let after = signed[at + c.len_utf8()..].chars().next();
                    ".。．｡․﹒‥".contains(c) && after.is_some_and(|next| !next.is_whitespace() && next != '…')
                });
                prop_assert!(!link, "{}", signed);
            }
        }

        #[test]
        fn a_followers_handle_addresses_them_and_says_nothing_else(handle in any::<String>(), odd in "[@＠a-z.:/#\n\u{202e}\u{301} -]{0,80}") {
            for handle in [handle, odd] {
                for rules in NetworkName::ALL.map(rules) {
                    let address = (rules.handle.address)(&handle);
                    let (at, rest) = address.split_at(1);
                    prop_assert_eq!(at, "@");
                    let rest = rest.strip_suffix('…').unwrap_or(rest);
                    let one_server = rules.handle.names_its_server && rest.matches('@').count() == 1;
                    let rest = if one_server { rest.replacen('@', "", 1) } else { rest.to_owned() };
                    let letter = |c: char| if rules.handle.names_its_server { c.is_alphanumeric() } else { c.is_ascii_alphanumeric() };
                    prop_assert!(rest.chars().all(|c| letter(c) || "_.-".contains(c)), "{}", address);
                }
            }
        }
    }
}
