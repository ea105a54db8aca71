//! What an account is called: `x:amber` by its creator, `x#44196397` by its network.

use std::{borrow::Borrow, fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::mistake::Mistake;

/// A place with followers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NetworkName {
    /// x.com
    X,
    /// The AT protocol's network: bsky.app and every server that joins it.
    Bluesky,
    /// Mastodon, and every server that speaks its API.
    Mastodon,
}

impl NetworkName {
    /// Every network that this program knows.
    pub const ALL: [Self; 3] = [Self::X, Self::Bluesky, Self::Mastodon];

    /// The word for it in hug.toml, records and commands.
    pub const fn word(self) -> &'static str {
        match self {
            Self::X => "x",
            Self::Bluesky => "bluesky",
            Self::Mastodon => "mastodon",
        }
    }
}

impl fmt::Display for NetworkName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for NetworkName {
    type Err = Mistake;

    fn from_str(text: &str) -> Result<Self, Mistake> {
        let known = Self::ALL.into_iter().find(|network| network.word() == text);
        known.ok_or_else(|| {
            let words = Self::ALL.map(|network| format!("\"{network}\""));
            Mistake::new(format!(
                "\"{text}\" is not a network that this program knows; write {}",
                words.join(" or ")
            ))
        })
    }
}

/// The stable id that a network gives to a user: X's number, Bluesky's DID, Mastodon's number (with its
/// server for a creator's account: `109876@mastodon.social`). It stays when the handle changes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UserId(String);

impl UserId {
    /// The id as the network writes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for UserId {
    fn from(id: String) -> Self {
        Self(id)
    }
}

impl From<&str> for UserId {
    fn from(id: &str) -> Self {
        Self(id.to_owned())
    }
}

impl Borrow<str> for UserId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl PartialEq<str> for UserId {
    fn eq(&self, id: &str) -> bool {
        self.0 == id
    }
}

impl PartialEq<&str> for UserId {
    fn eq(&self, id: &&str) -> bool {
        self.0 == *id
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a creator calls an account: `x:amber`. A handle can change; [`AccountId`] cannot.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AccountName {
    /// The network it is on.
    pub network: NetworkName,
    /// Its handle there, in lower case and without an `@` before it; on Mastodon with its server.
    pub handle: String,
}

impl AccountName {
    /// The account that its network knows by that id.
    pub fn with_id(&self, id: &UserId) -> AccountId {
        AccountId {
            network: self.network,
            id: id.clone(),
        }
    }
}

impl fmt::Display for AccountName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.network, self.handle)
    }
}

impl From<AccountName> for String {
    fn from(name: AccountName) -> Self {
        name.to_string()
    }
}

impl TryFrom<String> for AccountName {
    type Error = Mistake;

    fn try_from(text: String) -> Result<Self, Mistake> {
        text.parse()
    }
}

impl FromStr for AccountName {
    type Err = Mistake;

    fn from_str(text: &str) -> Result<Self, Mistake> {
        let (network, handle) = text.split_once(':').ok_or_else(|| {
            Mistake::new(format!(
                "\"{text}\" is not the name of an account; write network:handle, such as x:amber"
            ))
        })?;
        Ok(Self {
            network: network.parse()?,
            handle: handle.trim_start_matches('@').to_lowercase(),
        })
    }
}

/// How a network itself identifies an account, also after a change of its handle: the ledger's partition key, `x#44196397`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AccountId {
    /// The network it is on.
    pub network: NetworkName,
    /// Its stable id there.
    pub id: UserId,
}

impl AccountId {
    /// Where an id of a follower means one person: `x`, or on Mastodon the account's server, `mastodon@m.example`. A
    /// creator's id contains the server.
    pub fn scope(&self) -> String {
        let server = self.id.as_str().split_once('@').map(|(_, server)| server);
        match server {
            Some(server) => format!("{}@{server}", self.network),
            None => self.network.to_string(),
        }
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.network, self.id)
    }
}

impl FromStr for AccountId {
    type Err = Mistake;

    fn from_str(text: &str) -> Result<Self, Mistake> {
        let (network, id) = text.split_once('#').ok_or_else(|| {
            Mistake::new(format!(
                "\"{text}\" is not an account's id; write one such as x#44196397"
            ))
        })?;
        Ok(Self {
            network: network.parse()?,
            id: id.into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_id_is_another_person_on_another_server_of_mastodon() {
        let scope = |id: &str| id.parse::<AccountId>().unwrap().scope();
        assert_ne!(scope("mastodon#1@a.example"), scope("mastodon#1@b.example"));
        assert_eq!(scope("mastodon#1@a.example"), scope("mastodon#2@a.example"));
        assert_eq!(scope("x#44196397"), scope("x#7"));
        assert_ne!(scope("x#7"), scope("bluesky#did:plc:7"));
    }
}
