//! Who follows, and whom a hug is for.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    account::UserId,
    unknown::Unknown,
    untrusted::{MAX_HANDLE, MAX_NAME, one_line},
};

/// Someone who follows an account; `None` where the network does not say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Follower {
    /// The stable id on the network.
    pub id: UserId,
    /// The handle, without an `@`.
    pub handle: String,
    /// The display name.
    pub name: Option<String>,
    /// Their own description of themselves.
    pub bio: Option<String>,
    /// Whether the network itself marks or labels the account as automated.
    pub marked_as_bot: bool,
    /// Whether the network itself has limited or suspended the account.
    pub restricted: bool,
    /// Whether the network says that nobody uses the account any more: its person has moved to another
    /// one, or has died.
    pub left: bool,
    /// Whether they have a picture of their own.
    pub has_picture: Option<bool>,
    /// How many posts they have made.
    pub posts: Option<u64>,
    /// How many follow them.
    pub followers: Option<u64>,
    /// How many they follow.
    pub following: Option<u64>,
    /// When their account was made.
    pub created_at: Option<Timestamp>,
}

/// Whom a hug is for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recipient {
    /// The stable id on the network.
    pub id: UserId,
    /// The handle, without an `@`.
    pub handle: String,
    /// The display name.
    pub name: Option<String>,
    /// Fields that a later version of this program wrote.
    #[serde(flatten)]
    pub unknown: Unknown,
}

impl From<&Follower> for Recipient {
    fn from(follower: &Follower) -> Self {
        Self {
            id: follower.id.clone(),
            handle: one_line(&follower.handle, MAX_HANDLE),
            name: follower.name.as_ref().map(|name| one_line(name, MAX_NAME)),
            unknown: Unknown::new(),
        }
    }
}
