//! The keys of the table's items, written and read back.
//!
//! | item | pk | sk |
//! | --- | --- | --- |
//! | account | `x#44196397` | `account` |
//! | hug | same | `milestone#0000000600` |
//! | growth | same | `count#2026-11-22T14` |
//! | handle | `x@amber` | `signpost` |

use promise::{account::AccountName, hug::HugKey, milestone::Milestone, mistake::Mistake};

pub(super) const ACCOUNT: &str = "account";
pub(super) const HANDLE: &str = "signpost";
pub(super) const MILESTONE: &str = "milestone#";

/// The partition key of what is known of a handle: `x@amber`.
pub(super) fn handle_key(name: &AccountName) -> String {
    format!("{}@{}", name.network, name.handle)
}

/// Reads the name back from that key.
pub(super) fn name_of_handle(pk: &str) -> Result<AccountName, Mistake> {
    pk.replacen('@', ":", 1).parse()
}

/// The sort key of a hug.
pub(super) fn hug_sort_key(key: &HugKey) -> String {
    format!("{MILESTONE}{:010}", key.milestone.number())
}

/// The sort key of an hour's count.
pub(super) fn growth_sort_key(hour: &str) -> String {
    format!("count#{hour}")
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

#[cfg(test)]
mod tests {
    use super::*;

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
