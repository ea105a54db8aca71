//! What a round knows of the places where accounts are read: their rate limits, and whether they answer.

use std::collections::HashMap;

use have_a_hug::ledger::Limit;
use jiff::{SignedDuration, Timestamp};

/// After so many failed checks of accounts that are read at the same place, the round asks there no more, so that a server
/// that does not answer holds up no other account.
pub(crate) const MAX_FAILED: usize = 16;

/// A rate limit that begins so soon after the last one goes on: nothing could be read between them.
const SAME_LIMIT: SignedDuration = SignedDuration::from_mins(10);

/// The places of a round, by [`Network::limit`](have_a_hug::network::Network::limit).
#[derive(Default)]
pub(crate) struct Places {
    limits: HashMap<String, Limit>,
    failed: HashMap<String, usize>,
}

impl Places {
    /// Takes over the limits that the ledger has. One that this round has met can be newer.
    pub(crate) fn know(&mut self, limits: Vec<Limit>) {
        for limit in limits {
            let known = self.limits.get(&limit.of);
            if known.is_none_or(|known| known.until < limit.until) {
                self.limits.insert(limit.of.clone(), limit);
            }
        }
    }

    /// The rate limit that is in force at that place.
    pub(crate) fn limit(&self, place: Option<&str>, now: Timestamp) -> Option<Limit> {
        let limit = self.limits.get(place?);
        limit.filter(|limit| limit.until > now).cloned()
    }

    /// Notes until when nothing may be read at that place. Returns the limit if it is new.
    pub(crate) fn note_limit(
        &mut self,
        place: &str,
        until: Timestamp,
        now: Timestamp,
    ) -> Option<Limit> {
        let known = self.limits.get(place);
        if until <= now || known.is_some_and(|known| known.until >= until) {
            return None;
        }
        let goes_on = known.filter(|known| now.duration_since(known.until) < SAME_LIMIT);
        let limit = Limit {
            since: goes_on.map_or(now, |known| known.since),
            until,
            of: place.to_owned(),
        };
        self.limits.insert(place.to_owned(), limit.clone());
        Some(limit)
    }

    /// Notes that a check of an account at that place has failed.
    pub(crate) fn note_failure(&mut self, place: &str) {
        *self.failed.entry(place.to_owned()).or_default() += 1;
    }

    /// Whether the round asks there no more, because too many checks have failed.
    pub(crate) fn is_silent(&self, place: Option<&str>) -> bool {
        let failed = place.and_then(|place| self.failed.get(place));
        failed.is_some_and(|failed| *failed >= MAX_FAILED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(minutes: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minutes)
    }

    #[test]
    fn a_limit_is_in_force_at_its_place_until_it_is_over() {
        let mut places = Places::default();
        assert!(places.note_limit("x", after(15), after(0)).is_some());
        assert!(places.limit(Some("x"), after(14)).is_some());
        assert_eq!(places.limit(Some("x"), after(15)), None);
        assert_eq!(places.limit(Some("y"), after(14)), None);
        assert_eq!(places.limit(None, after(14)), None);
        assert_eq!(places.note_limit("x", after(15), after(1)), None, "known");
        assert_eq!(places.note_limit("y", after(1), after(1)), None, "over");
    }

    #[test]
    fn a_limit_that_follows_another_one_tells_since_when_nothing_could_be_read() {
        let since = |begins: i64| {
            let mut places = Places::default();
            places.note_limit("x", after(15), after(0)).unwrap();
            let next = places.note_limit("x", after(begins + 15), after(begins));
            next.unwrap().since
        };
        assert_eq!(since(16), after(0));
        assert_eq!(since(25), after(25));
    }

    #[test]
    fn an_older_limit_of_the_ledger_does_not_replace_one_that_the_round_has_met() {
        let limit = |until| Limit {
            of: "x".to_owned(),
            until: after(until),
            since: after(0),
        };
        let mut places = Places::default();
        places.note_limit("x", after(15), after(1));
        places.know(vec![limit(10)]);
        assert!(places.limit(Some("x"), after(14)).is_some());
        places.know(vec![limit(30)]);
        assert!(places.limit(Some("x"), after(29)).is_some());
    }

    #[test]
    fn after_sixteen_failures_a_place_is_asked_no_more() {
        let mut places = Places::default();
        (1..MAX_FAILED).for_each(|_| places.note_failure("x"));
        assert!(!places.is_silent(Some("x")));
        places.note_failure("x");
        assert!(places.is_silent(Some("x")));
        assert!(!places.is_silent(Some("y")) && !places.is_silent(None));
    }
}
