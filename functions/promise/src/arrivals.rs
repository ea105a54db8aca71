//! Who came between two readings of the list of followers.
//!
//! Number `N` of `c` followers, newest first, is at position `c - N`. That holds where count and list
//! agree, and they do not always: the list hides some followers that the count includes, and some networks
//! list a follow at an old position. So the newest followers are remembered shortly before a milestone, and
//! these functions find who came since.

use std::{cmp::Reverse, collections::HashMap, ops::RangeInclusive};

use crate::{follower::Follower, record::Remembered};

/// Where the new arrivals stop in a list that is newest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End {
    /// How many followers of the list came since.
    pub index: usize,
    /// Whether the choice was unambiguous: the first candidate won. Otherwise someone left and came
    /// back, or clocks differ.
    pub is_clear: bool,
}

/// Chooses, from the candidate indices `ends` (ascending), where the new arrivals stop.
///
/// The candidate whose number of arrivals is closest to `likely` wins; on a tie, the one with more
/// arrivals, because a follower who was not remembered, but is listed above one who was, is new.
/// `None` without candidates.
pub fn end_of_arrivals(
    newest: &[Follower],
    ends: &[usize],
    before: &Remembered,
    likely: &RangeInclusive<u64>,
) -> Option<End> {
    let came = |end: usize| {
        let new = newest[..end].iter().filter(|one| before.is_new(one));
        new.count() as u64
    };
    let unlikeliness = |end: &&usize| {
        let came = came(**end);
        let far_off = came.abs_diff(came.clamp(*likely.start(), *likely.end()));
        (far_off, Reverse(came))
    };
    let index = *ends.iter().min_by_key(unlikeliness)?;
    Some(End {
        index,
        is_clear: Some(&index) == ends.first(),
    })
}

/// Indices of the remembered followers that kept their relative order since, ascending.
///
/// Someone who left and came back is listed above a follower who used to be above them, and is left out.
pub fn unmoved(list: &[Follower], before: &Remembered) -> Vec<usize> {
    let known: HashMap<&str, usize> = before
        .newest
        .iter()
        .enumerate()
        .map(|(place, id)| (id.as_str(), place))
        .collect();
    let mut indices = Vec::new();
    let mut below = usize::MAX;
    for (index, follower) in list.iter().enumerate().rev() {
        match known.get(follower.id.as_str()) {
            Some(was) if *was < below => {
                below = *was;
                indices.push(index);
            }
            _ => {}
        }
    }
    indices.reverse();
    indices
}

/// Index of the milestone's follower among the arrivals, newest first, where the count rose by `rise` and
/// `came` arrivals are listed.
///
/// `rise - came` arrivals are counted but not listed. They are assumed to be spread evenly, so a
/// proportional share of them is above `position`.
pub fn index_among_arrivals(position: u64, rise: u64, came: u64) -> u64 {
    let unseen = rise.saturating_sub(came);
    let above = (unseen * (position + 1) + rise / 2) / rise.max(1);
    position.saturating_sub(above)
}

/// The followers at that index of a list and above it, oldest first. An index below the end of the list
/// means its last follower.
pub fn from_index(newest: &[Follower], index: u64) -> Vec<Follower> {
    let index = usize::try_from(index).unwrap_or(usize::MAX);
    let end = index.saturating_add(1).min(newest.len());
    newest[..end].iter().rev().cloned().collect()
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    fn list(ids: &[&str]) -> Vec<Follower> {
        let follower = |id: &&str| Follower {
            id: (*id).into(),
            ..Follower::default()
        };
        ids.iter().map(follower).collect()
    }

    fn remembered(ids: &[&str]) -> Remembered {
        Remembered {
            followers: 10,
            newest: ids.iter().map(|id| (*id).into()).collect(),
            at: Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn among_arrivals_the_index_moves_up_by_the_share_of_those_unseen() {
        // All are seen: number N is where it always is.
        assert_eq!(index_among_arrivals(3, 5, 5), 3);
        // More came than the count rose: some of the old ones left, which moves nobody here.
        assert_eq!(index_among_arrivals(3, 5, 7), 3);
        // One of five is hidden: at the top it hardly moves the index, at the end it does.
        assert_eq!(index_among_arrivals(0, 5, 4), 0);
        assert_eq!(index_among_arrivals(4, 5, 4), 3);
    }

    #[test]
    fn the_arrivals_end_at_the_first_remembered_follower() {
        let (now, before) = (list(&["d", "c", "b", "a"]), remembered(&["b", "a"]));
        let ends = unmoved(&now, &before);
        assert_eq!(ends, [2, 3]);
        let end = end_of_arrivals(&now, &ends, &before, &(2..=2));
        assert_eq!(
            end,
            Some(End {
                index: 2,
                is_clear: true
            })
        );
    }

    #[test]
    fn a_follower_who_left_and_came_back_is_not_the_end_of_the_arrivals() {
        let (now, before) = (list(&["a", "d", "c", "b"]), remembered(&["b", "a"]));
        assert_eq!(unmoved(&now, &before), [3]);
    }

    #[test]
    fn where_nobody_is_remembered_there_is_no_end() {
        let now = list(&["b", "a"]);
        assert_eq!(end_of_arrivals(&now, &[], &remembered(&[]), &(0..=2)), None);
    }

    #[test]
    fn from_an_index_the_oldest_comes_first_and_no_index_is_below_the_end() {
        let ids = |index| -> Vec<String> {
            let from = from_index(&list(&["c", "b", "a"]), index);
            from.iter().map(|one| one.id.to_string()).collect()
        };
        assert_eq!(ids(1), ["b", "c"]);
        assert_eq!(ids(9), ["a", "b", "c"]);
    }
}
