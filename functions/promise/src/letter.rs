//! One message of a hug on its way to the follower.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{account::UserId, channel::Channel, follower::Recipient, milestone::Milestone};

/// One message of a hug on its way: the same on every try. A draft is not sent, so it is not a letter.
#[derive(Clone, Copy, Debug)]
pub struct Letter<'a> {
    /// The account that sends it, by its stable id.
    pub from: &'a UserId,
    /// Whom the hug is for; `None` where nobody is named, which only an announcement allows.
    pub to: Option<&'a Recipient>,
    /// The milestone of the hug.
    pub milestone: Milestone,
    /// When the milestone was noticed.
    pub reached_at: Timestamp,
    /// How it travels.
    pub channel: Channel,
    /// Its words.
    pub text: &'a str,
    /// When the words were composed.
    pub prepared_at: Timestamp,
}

/// What a network gave for a letter that it took.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The network's own id of the post or message; on Bluesky the `at://` URI of a post.
    pub reference: String,
    /// The address at which a person opens it; `None` for a private message on X and Bluesky, which have
    /// no such address.
    pub url: Option<String>,
    /// What a reply needs besides the reference: the cid of a post on Bluesky, and the id of the
    /// conversation for a private message on X and Bluesky; else `None`.
    pub reply_key: Option<String>,
}
