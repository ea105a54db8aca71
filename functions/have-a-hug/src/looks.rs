//! When this process last looked at each account: it tells for which accounts the hour's count is due, and how short the
//! time is in which a follower can have come. What is lost with the process, the hourly counts of the ledger tell to the
//! hour.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Mutex, PoisonError},
};

use jiff::Timestamp;
use promise::account::AccountId;

const AN_HOUR: i64 = 60 * 60;

/// When this process last looked at each account. It takes about 30 bytes for each.
#[derive(Debug, Default)]
pub struct Looks(Mutex<HashMap<u64, Look>>);

#[derive(Clone, Copy, Debug)]
struct Look {
    /// In unix seconds.
    at: i64,
    /// The hour of the last count that was recorded, counted from 1970 and shifted by the account's own minutes.
    counted: i64,
}

impl Looks {
    /// When this process last looked at the account.
    pub fn last(&self, id: &AccountId) -> Option<Timestamp> {
        let looks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let look = looks.get(&hash(id))?;
        Timestamp::from_second(look.at).ok()
    }

    /// Notes a look at the account. Returns whether the hour's count is to be recorded: at the first look of this process,
    /// and then once an hour. Each account has its own minute for that, so that the accounts of a large roster do not all
    /// have the same.
    pub fn note(&self, id: &AccountId, now: Timestamp) -> bool {
        let (key, at) = (hash(id), now.as_second());
        let minutes = i64::try_from(key % 60).unwrap_or_default();
        let counted = (at - minutes * 60).div_euclid(AN_HOUR);
        let mut looks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = looks.insert(key, Look { at, counted });
        before.is_none_or(|before| before.counted != counted)
    }
}

/// Two accounts with the same hash would share their entry, and one of them would miss an hour's count. Among 100,000
/// accounts the chance that there are two is below one in a thousand million.
fn hash(id: &AccountId) -> u64 {
    let mut hasher = DefaultHasher::new();
    id.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    #[test]
    fn the_hours_count_of_an_account_is_due_once_an_hour() {
        let looks = Looks::default();
        let id = "x#7".parse().unwrap();
        let after = |minutes| Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minutes);
        assert_eq!(looks.last(&id), None);
        let due = (0..24 * 12).filter(|five| looks.note(&id, after(five * 5)));
        let due = due.count();
        // The first look of the process is one more.
        assert!((24..=25).contains(&due), "{due}");
        assert_eq!(looks.last(&id), Some(after((24 * 12 - 1) * 5)));
    }

    #[test]
    fn the_counts_of_many_accounts_are_spread_over_the_hour() {
        let looks = Looks::default();
        let ids: Vec<AccountId> = (0..1_200)
            .map(|n| format!("x#{n}").parse().unwrap())
            .collect();
        let due = |minutes| {
            let now = Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minutes);
            ids.iter().filter(|id| looks.note(id, now)).count()
        };
        assert_eq!(due(0), 1_200);
        for five in 1..=12 {
            let due = due(five * 5);
            assert!((60..=140).contains(&due), "{due}");
        }
    }
}
