//! A creator's account: what it is called, how the networks know it, and what the ledger keeps of it.

use std::{fmt, str::FromStr};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{follower::Follower, milestone::Milestone, network::NetworkName};

/// What a person calls an account: `x:amber`. A handle can change; [`AccountId`] cannot.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AccountName {
    /// The network it is on.
    pub network: NetworkName,
    /// Its handle there, in lower case and without an `@` before it; on Mastodon with its server.
    pub handle: String,
}

impl AccountName {
    /// The account that its network knows by that id.
    pub fn with_id(&self, id: &str) -> AccountId {
        AccountId {
            network: self.network,
            id: id.to_owned(),
        }
    }
}

impl fmt::Display for AccountName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.network, self.handle)
    }
}

impl FromStr for AccountName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (network, handle) = text.split_once(':').ok_or_else(|| {
            format!("\"{text}\" names no account; write network:handle, such as x:amber")
        })?;
        Ok(Self {
            network: network.parse()?,
            handle: handle.trim_start_matches('@').to_lowercase(),
        })
    }
}

/// How a network itself knows an account, whatever its handle: the ledger's partition key, `x#44196397`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AccountId {
    /// The network it is on.
    pub network: NetworkName,
    /// Its stable id there: X's number, Bluesky's DID, Mastodon's number with its server.
    pub id: String,
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.network, self.id)
    }
}

impl FromStr for AccountId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (network, id) = text
            .split_once('#')
            .ok_or_else(|| format!("\"{text}\" is no account id; one looks like x#44196397"))?;
        Ok(Self {
            network: network.parse()?,
            id: id.to_owned(),
        })
    }
}

/// What the ledger keeps of an account between two checks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// What its creator calls it, as of the last check.
    #[serde(with = "as_text")]
    pub account: AccountName,
    /// Its id on the network.
    pub id: String,
    /// How many followed at the last check.
    pub followers: u64,
    /// The mark: every milestone up to here is owed and written down, or was behind at the first
    /// check. It never goes down.
    pub promised_up_to: u64,
    /// Milestones whose hugs had not reached their end when last looked at: the ones that a check
    /// must look after.
    #[serde(default)]
    pub unsettled: Vec<Milestone>,
    /// Who stood at the top of the list, where the next milestone is near; else `None`.
    #[serde(default)]
    pub remembered: Option<Remembered>,
    /// When the last check was.
    pub checked_at: Timestamp,
    /// Counts the writes; a check that read an older one has lost the race.
    pub revision: u64,
}

impl Account {
    /// Its key in the ledger.
    pub fn key(&self) -> AccountId {
        self.account.with_id(&self.id)
    }
}

/// Who stood at the top of the list of followers shortly before a milestone: whoever stands above
/// them at the crossing has come since.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remembered {
    /// How many followed then.
    pub followers: u64,
    /// The ids of the newest of them, newest first; 25 at most.
    pub newest: Vec<String>,
    /// When it was read.
    pub at: Timestamp,
}

impl Remembered {
    /// Whether someone had not been seen then.
    pub(crate) fn is_new(&self, follower: &Follower) -> bool {
        !self.newest.contains(&follower.id)
    }
}

/// Where a handle points, and until when its network asked to be left alone.
///
/// It is its own item because both must be known before the network is asked for the id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct Signpost {
    /// The account's id on the network, once a check has learned it.
    pub id: Option<String>,
    /// No reading before this time: the network's rate limit.
    pub retry_at: Option<Timestamp>,
    /// No sending before this time: networks limit posts apart from reads.
    pub send_retry_at: Option<Timestamp>,
}

/// (De)serializes what has a text form as that text.
pub mod as_text {
    use std::{fmt::Display, str::FromStr};

    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    /// Writes `value` as its `Display` text.
    pub fn serialize<T: Display, S: Serializer>(value: &T, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(value)
    }

    /// Reads a `T` from its text.
    pub fn deserialize<'de, T, D>(from: D) -> Result<T, D::Error>
    where
        T: FromStr<Err = String>,
        D: Deserializer<'de>,
    {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}
