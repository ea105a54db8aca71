//! The keys of the table's items, written and read back, and the version of their form.
//!
//! | item | pk | sk |
//! | --- | --- | --- |
//! | account | `x#44196397` | `account` |
//! | hug | same | `milestone#0000000600` |
//! | who was passed over for it | same | `passed_over#0000000600#2026-11-22T14:05:00Z` |
//! | growth | same | `count#2026-11-22T14` |
//! | handle | `x@amber` | `signpost` |
//! | settings and login of an account that hug.toml does not name | same | `settings` |
//! | what an account is compared with at a glance | `roster` | `x@amber` |
//! | a rate limit | `roster` | `!https://api.x.com` |
//! | who said stop | `stop#x`, `stop#mastodon@m.example` | the follower's id |

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use promise::{
    account::{AccountId, AccountName},
    hug::HugKey,
    milestone::Milestone,
    mistake::Mistake,
};

pub(super) const ACCOUNT: &str = "account";
pub(super) const HANDLE: &str = "signpost";
pub(super) const SETTINGS: &str = "settings";
pub(super) const MILESTONE: &str = "milestone#";
pub(super) const PASSED_OVER: &str = "passed_over#";
pub(super) const STOP: &str = "stop#";
pub(super) const COUNT: &str = "count#";
pub(super) const ROSTER: &str = "roster";
/// Limits are sorted before all accounts.
pub(super) const LIMIT: &str = "!";

/// The version of the form in which this program writes items. An item without a version is of version 1; one of
/// a later version keeps it. Since version 3 a hug can have a topic and a song, and an account lists the hugs that wait
/// for an answer as unsettled.
pub(super) const VERSION: u64 = 3;

/// The partition key of what is known of a handle: `x@amber`.
pub(super) fn handle_key(name: &AccountName) -> String {
    format!("{}@{}", name.network, name.handle)
}

/// The partition key of those who said stop to any account with that scope ([`AccountId::scope`]).
pub(super) fn stop_key(id: &AccountId) -> String {
    format!("{STOP}{}", id.scope())
}

/// Reads the name back from that key.
pub(super) fn name_of_handle(pk: &str) -> Result<AccountName, Mistake> {
    pk.replacen('@', ":", 1).parse()
}

/// The sort key of a hug.
pub(super) fn hug_sort_key(milestone: Milestone) -> String {
    format!("{MILESTONE}{:010}", milestone.number())
}

/// The sort key of those whom one check passed over for a hug.
pub(super) fn passed_over_sort_key(milestone: Milestone, at: Timestamp) -> String {
    format!("{PASSED_OVER}{:010}#{at}", milestone.number())
}

/// Reads the key of the hug back from these keys.
pub(super) fn hug_of_passed_over(pk: &str, sk: &str) -> Result<HugKey, Mistake> {
    let number = sk.strip_prefix(PASSED_OVER).unwrap_or(sk);
    let number = number.split_once('#').map_or(number, |(number, _)| number);
    hug_key(pk, &format!("{MILESTONE}{number}"))
}

/// The sort key of an hour's count.
pub(super) fn growth_sort_key(hour: &str) -> String {
    format!("{COUNT}{hour}")
}

/// Reads a hug's key back from an item's keys: `x#44196397`, `milestone#0000000600`.
///
/// # Errors
///
/// Which of them is not as this program writes it.
pub fn hug_key(pk: &str, sk: &str) -> Result<HugKey, Mistake> {
    let milestone = sk
        .strip_prefix(MILESTONE)
        .and_then(|number| number.parse().ok())
        .and_then(Milestone::from_number)
        .ok_or_else(|| Mistake::new(format!("\"{sk}\" is not the sort key of a hug")))?;
    Ok(HugKey {
        id: pk.parse()?,
        milestone,
    })
}

pub(super) fn text(value: impl ToString) -> AttributeValue {
    AttributeValue::S(value.to_string())
}

pub(super) fn number(value: u64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hug_of_those_passed_over_is_read_back_from_their_key() {
        let milestone = Milestone::from_number(600).unwrap();
        let sk = passed_over_sort_key(milestone, Timestamp::UNIX_EPOCH);
        let key = hug_of_passed_over("x#7", &sk).unwrap();
        assert_eq!(key, hug_key("x#7", &hug_sort_key(milestone)).unwrap());
    }

    #[test]
    fn a_handle_is_read_back_from_its_key_with_its_server() {
        for text in [
            "x:amber",
            "bluesky:amber.bsky.social",
            "mastodon:amber@m.example",
        ] {
            let name: AccountName = text.parse().unwrap();
            assert_eq!(name_of_handle(&handle_key(&name)), Ok(name));
        }
    }
}
