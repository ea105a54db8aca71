//! One message of a hug on its way to the follower.

use jiff::Timestamp;

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
