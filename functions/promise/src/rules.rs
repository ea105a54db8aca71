//! What a network allows, as data: everything that can be known of it without asking it.
//!
//! The value for each network lies in that network's folder.

use crate::{account::NetworkName, channel::Channel, follower::Recipient, letter::Receipt};

/// What one network allows and asks for.
#[derive(Debug)]
pub struct Rules {
    /// Which network.
    pub network: NetworkName,
    /// Its name in a sentence: `Bluesky`.
    pub title: &'static str,
    /// What its handles look like.
    pub handle: HandleRules,
    /// Where the API is for the account with that handle, unless hug.toml names another `server`.
    pub default_server: fn(handle: &str) -> String,
    /// Where accounts are read, if that is not where they are written: the default of `appview`.
    pub default_appview: Option<&'static str>,
    /// The length of a text as the network counts it.
    pub measure: fn(&str) -> usize,
    /// How long a post may be.
    pub post: Limit,
    /// How long a private message may be; or, where the network has no private messages of its own,
    /// what to write into `contact` instead.
    pub message: Result<Limit, &'static str>,
    /// Whether only those whom a mention names can read it, so that it must name nobody else.
    pub mention_is_private: bool,
    /// Whether a program may reply only to a post that mentions the account by name, so that an announcement asks for
    /// that.
    pub replies_need_tag: bool,
    /// The channels that its rules for automation allow a program that was not asked.
    pub default_contact: &'static [Channel],
    /// The secrets that sending takes.
    pub secrets_to_send: &'static [SecretRule],
    /// The secrets that are enough to read; empty where reading takes none.
    pub secrets_to_read: &'static [SecretRule],
    /// What to do where the secrets do not allow posts.
    pub help_to_post: &'static str,
    /// What to do where the secrets do not allow private messages.
    pub help_to_message: &'static str,
    /// Whether the list of followers has every field that screening uses, so that no profile has to be read.
    pub list_has_profiles: bool,
    /// Most profiles that one request reads.
    pub profiles_at_once: usize,
    /// Most followers of one account that are read in one day, by UTC. Where the network bills for each follower
    /// that is read, this also limits the bill.
    pub followers_a_day: u64,
    /// The address of the page of the person with this handle, for a reader who uses the network at `server`.
    pub profile_url: fn(server: &str, handle: &str) -> String,
    /// The network's own id of the post at that address; `None` where the address does not contain it.
    pub post_at: fn(url: &str) -> Option<String>,
    /// A link that opens the network at `server` with the words of a post filled in.
    pub post_link: fn(server: &str, text: &str) -> String,
    /// A link that opens the network at `server` with a private message to `to` filled in; `None` where the
    /// network has no such link.
    pub private_link: fn(server: &str, to: &Recipient, text: &str) -> Option<String>,
    /// A link that opens the network at `server` with the words of a reply to this post filled in; `None` where the
    /// network has no such link.
    pub reply_link: fn(server: &str, to: &Receipt, text: &str) -> Option<String>,
    /// What a look by `hug doctor` costs, where the network bills for it.
    pub price_of_a_look: Option<&'static str>,
    /// What it costs to read the count and so many followers, where the network bills for each.
    pub price_of_followers: Option<fn(followers: u64) -> String>,
    /// What a link in the words of an invitation costs; `None` where it costs nothing.
    pub price_of_a_link: Option<&'static str>,
}

/// What the handles of a network look like.
#[derive(Debug)]
pub struct HandleRules {
    /// Whether a creator's handle, in lower case and without the first `@`, can be one.
    pub is_valid: fn(&str) -> bool,
    /// A handle to show as an example.
    pub example: &'static str,
    /// Whether a handle ends in `@` and its server, because two servers can have the same name.
    pub names_its_server: bool,
    /// How a follower with that handle is addressed in a text. Handles come from the network, so the
    /// result holds no character that no handle has.
    pub address: fn(handle: &str) -> String,
    /// How many characters an address has at most, without its first `@`.
    pub max_address: usize,
}

/// How long a text may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// In the network's own measure.
    pub units: usize,
    /// In bytes of UTF-8; `usize::MAX` where the network sets no such limit.
    pub bytes: usize,
}

/// One secret that a network gives out.
#[derive(Debug)]
pub struct SecretRule {
    /// The end of its name: `API_KEY` of `X_API_KEY`.
    pub key: &'static str,
    /// Whether it belongs to the developer's app, so that many accounts share it. Every other secret
    /// belongs to one account.
    pub of_the_app: bool,
    /// Where the creator finds it, as a way through the network's pages.
    pub found_at: &'static str,
    /// What it looks like, where the network's secrets have a shape.
    pub shape: Option<Shape>,
}

/// The shape that a network's secrets have.
#[derive(Debug)]
pub struct Shape {
    /// Whether a value has that shape.
    pub fits: fn(&str) -> bool,
    /// What is odd about a value that does not.
    pub odd: &'static str,
    /// What to do then.
    pub help: &'static str,
}

impl Rules {
    /// How long a text on that channel may be. A draft may become a post, so it has a post's limit.
    pub fn limit(&self, channel: Channel) -> Limit {
        match (channel, self.message) {
            (Channel::Message, Ok(limit)) => limit,
            _ => self.post,
        }
    }

    /// By how many units or bytes the text is too long for that channel; 0 where it fits.
    pub fn excess(&self, channel: Channel, text: &str) -> usize {
        self.excess_over(self.limit(channel), text)
    }

    /// By how many units or bytes the text exceeds that limit; 0 where it fits.
    pub fn excess_over(&self, limit: Limit, text: &str) -> usize {
        let units = (self.measure)(text).saturating_sub(limit.units);
        units.max(text.len().saturating_sub(limit.bytes))
    }

    /// Where the API is for the account with that handle: the `server` in hug.toml, if it names one.
    pub fn server(&self, handle: &str, named: Option<&str>) -> String {
        named.map_or_else(|| (self.default_server)(handle), str::to_owned)
    }

    /// A link that opens the network at `server` with the words filled in, so that the creator sends them with one
    /// tap. It opens a private message if `to` is someone and the network has a link for that; else a post.
    pub fn draft_link(&self, server: &str, to: Option<&Recipient>, text: &str) -> String {
        to.and_then(|to| (self.private_link)(server, to, text))
            .unwrap_or_else(|| (self.post_link)(server, text))
    }

    /// Whether the network's rules for automation allow that channel to a program that was not asked.
    pub fn allows(&self, channel: Channel) -> bool {
        channel == Channel::Draft || self.default_contact.contains(&channel)
    }
}

/// The id of a post: the segment after `segment` in the path of `url`, if it consists of digits.
pub fn digits_after(url: &str, segment: &str) -> Option<String> {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let mut segments = path.split('/').skip_while(|one| *one != segment).skip(1);
    let id = segments.next()?;
    let is_id = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit());
    is_id.then(|| id.to_owned())
}

/// `@handle` with the characters that `belongs` accepts, cut to `max` characters with an ellipsis at the
/// end: for networks where the letters alone make no mention.
pub fn cut_address(handle: &str, belongs: fn(char) -> bool, max: usize) -> String {
    let handle: String = handle.chars().filter(|c| belongs(*c)).collect();
    if handle.chars().count() <= max {
        return format!("@{handle}");
    }
    let kept: String = handle.chars().take(max - 1).collect();
    format!("@{kept}…")
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::unknown::Unknown;

    /// The rules of a network that is as plain as can be.
    pub(crate) const SAMPLE: Rules = Rules {
        network: NetworkName::X,
        title: "Sample",
        handle: HandleRules {
            is_valid: |handle| !handle.is_empty(),
            example: "amber",
            names_its_server: false,
            address: |handle| cut_address(handle, |c| c.is_ascii_alphanumeric(), 15),
            max_address: 15,
        },
        default_server: |_| "https://sample.example".to_owned(),
        default_appview: None,
        measure: |text| text.chars().count(),
        post: Limit {
            units: 280,
            bytes: usize::MAX,
        },
        message: Ok(Limit {
            units: 1_000,
            bytes: 1_001,
        }),
        mention_is_private: false,
        replies_need_tag: false,
        default_contact: &[Channel::Announce, Channel::Draft],
        secrets_to_send: &[],
        secrets_to_read: &[],
        help_to_post: "",
        help_to_message: "",
        list_has_profiles: true,
        profiles_at_once: 100,
        followers_a_day: 6_000,
        profile_url: |server, handle| format!("{server}/{handle}"),
        post_at: |url| url.rsplit_once('/').map(|(_, id)| id.to_owned()),
        post_link: |server, text| format!("{server}/post?{text}"),
        private_link: |server, to, text| Some(format!("{server}/to/{}?{text}", to.id)),
        reply_link: |_, _, _| None,
        price_of_a_look: None,
        price_of_followers: None,
        price_of_a_link: None,
    };

    #[test]
    fn a_text_fits_up_to_its_limit_and_a_draft_is_as_short_as_a_post() {
        let text = |length| "a".repeat(length);
        for channel in [Channel::Announce, Channel::Mention, Channel::Draft] {
            assert_eq!(SAMPLE.excess(channel, &text(280)), 0, "{channel}");
            assert_eq!(SAMPLE.excess(channel, &text(283)), 3, "{channel}");
        }
        assert_eq!(SAMPLE.excess(Channel::Message, &text(1_000)), 0);
        assert_eq!(
            SAMPLE.excess(Channel::Message, &"é".repeat(501)),
            1,
            "in bytes"
        );
        let without_messages = Rules {
            message: Err("write \"mention\""),
            ..SAMPLE
        };
        assert_eq!(without_messages.excess(Channel::Message, &text(281)), 1);
    }

    #[test]
    fn a_draft_opens_a_private_message_where_someone_is_named_and_the_network_can() {
        let fan = Recipient {
            id: "7".into(),
            handle: "fan".to_owned(),
            name: None,
            unknown: Unknown::new(),
        };
        assert_eq!(SAMPLE.draft_link("s", Some(&fan), "hi"), "s/to/7?hi");
        assert_eq!(SAMPLE.draft_link("s", None, "hi"), "s/post?hi");
        let without = Rules {
            private_link: |_, _, _| None,
            ..SAMPLE
        };
        assert_eq!(without.draft_link("s", Some(&fan), "hi"), "s/post?hi");
    }

    #[test]
    fn a_long_handle_is_cut_and_says_so() {
        let address = |handle| cut_address(handle, |c| c.is_ascii_alphanumeric(), 5);
        assert_eq!(address("amber"), "@amber");
        assert_eq!(address("am.ber\u{202e}"), "@amber");
        assert_eq!(address("amberlane"), "@ambe…");
    }
}
