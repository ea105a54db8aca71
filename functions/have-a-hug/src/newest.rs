//! The newest followers of an account, read page by page and only as far down as needed; and who of
//! them came since a look shortly before.

use std::{
    cmp::Reverse,
    collections::{HashMap, HashSet},
    ops::RangeInclusive,
};

use jiff::Timestamp;

use crate::{
    account::Remembered,
    follower::Follower,
    hug::ToldBy,
    network::{CLOCK_DRIFT, Failure, Network, NetworkError, Profile},
    settings::Account,
};

/// More pages than any list of that depth needs, for a server that never stops turning them.
const MOST_PAGES: usize = 150;

/// So many are read to be remembered: X bills for each, and one who stays is enough.
const WANTED: u64 = 10;

/// No more than these are remembered, whatever came with the page.
const MOST_REMEMBERED: usize = 25;

/// The newest followers, newest first, as far as they were read.
pub(crate) struct Newest<'a> {
    pub account: &'a Account,
    pub network: &'a dyn Network,
    /// The account's id on the network.
    id: &'a str,
    followers: Vec<Follower>,
    ids: HashSet<String>,
    cursor: Option<String>,
    pages: usize,
    ended: bool,
    /// No request before this time, as far as any answer said so.
    pub retry_at: Option<Timestamp>,
}

/// Those who came since a look, newest first.
pub(crate) struct Since {
    pub followers: Vec<Follower>,
    /// How many of them had not been seen at that look; the others left and came back.
    pub came: u64,
    pub told_by: ToldBy,
    /// Whether the count rose by as many and stood still meanwhile, it is clear where they end, and
    /// nobody is gone of those who were there.
    pub certain: bool,
}

impl<'a> Newest<'a> {
    /// The followers of the account of that profile; nothing of them is read yet.
    pub fn new(account: &'a Account, network: &'a dyn Network, profile: &'a Profile) -> Self {
        Self {
            account,
            network,
            id: &profile.id,
            retry_at: profile.retry_at,
            followers: Vec::new(),
            ids: HashSet::new(),
            cursor: None,
            pages: 0,
            ended: false,
        }
    }

    /// The followers down to `position`, 0 the newest, or as many as the list has.
    ///
    /// # Errors
    ///
    /// Where the network cannot be read.
    pub async fn down_to(&mut self, position: u64) -> Result<&[Follower], NetworkError> {
        // Only a missing cursor says that the list has ended, not a short page.
        while !self.ended && self.followers.len() as u64 <= position {
            let wanted = position + 1 - self.followers.len() as u64;
            let page = self
                .network
                .followers(self.id, wanted, self.cursor.as_deref())
                .await?;
            self.pages += 1;
            if self.pages > MOST_PAGES || (page.next.is_some() && page.next == self.cursor) {
                return Err(NetworkError {
                    failure: Failure::TryAgain,
                    account: self.account.name.clone(),
                    attempted: "reading the newest followers",
                    why: format!("the list goes in circles after {} pages", self.pages),
                });
            }
            // Someone who follows between two pages pushes the last one onto the next page too.
            let ids = &mut self.ids;
            let unseen = page
                .followers
                .into_iter()
                .filter(|one| ids.insert(one.id.clone()));
            self.followers.extend(unseen);
            self.ended = page.next.is_none();
            self.cursor = page.next;
        }
        Ok(&self.followers)
    }

    /// Who stands at the top now, for the next check to remember; `None` where it cannot be read now.
    pub async fn remember(&mut self, followers: u64, at: Timestamp) -> Option<Remembered> {
        let read = self.down_to(WANTED - 1).await.map(|_| ());
        self.told(read)?;
        let newest = self.followers.iter().take(MOST_REMEMBERED);
        Some(Remembered {
            followers,
            newest: newest.map(|one| one.id.clone()).collect(),
            at,
        })
    }

    /// Who came since, by the network's own notifications where it has them, else by who stands
    /// above those who were there; `None` where nobody of them can be found.
    ///
    /// # Errors
    ///
    /// Where the list cannot be read.
    pub async fn since(
        &mut self,
        before: &Remembered,
        count: u64,
    ) -> Result<Option<Since>, NetworkError> {
        let rise = count.saturating_sub(before.followers);
        let remembered = before.newest.len() as u64;
        self.down_to((rise + remembered).saturating_sub(1)).await?;
        if self.gone(before) > 0 {
            // Those who came back, or were hidden then, push the others further down.
            self.down_to(rise + 2 * remembered).await?;
        }
        let gone = self.gone(before);
        // Whoever is gone has left, which the count knows, or is hidden, which it does not.
        let likely = rise..=rise + gone;
        let notified = self.notified(before, &likely).await;
        let told_by = if notified.is_some() {
            ToldBy::Notifications
        } else {
            ToldBy::List
        };
        let Some((followers, clear)) = notified.or_else(|| self.above(before, &likely)) else {
            return Ok(None);
        };
        let came = followers.iter().filter(|one| before.is_new(one)).count() as u64;
        let in_order = told_by == ToldBy::Notifications || self.network.lists_in_order_of_arrival();
        let agree = came == rise && clear && gone == 0 && in_order;
        Ok(Some(Since {
            followers,
            came,
            told_by,
            certain: agree && self.count_stands_at(count).await,
        }))
    }

    /// How many of those remembered are not in the list, as far as it was read.
    fn gone(&self, before: &Remembered) -> u64 {
        let gone = before.newest.iter().filter(|id| !self.ids.contains(*id));
        gone.count() as u64
    }

    /// Whether the count is what it was before the list was read: who follows in between stands in one
    /// and not in the other.
    async fn count_stands_at(&mut self, count: u64) -> bool {
        if self.retry_at.is_some() {
            return false;
        }
        let again = self.network.profile(Some(self.id)).await;
        self.told(again).is_some_and(|again| {
            self.retry_at = again.retry_at;
            again.followers == count
        })
    }

    /// The answer to a question that is a help and no more: nothing fails without it.
    fn told<T>(&mut self, answer: Result<T, NetworkError>) -> Option<T> {
        let answer = answer.inspect_err(|error| {
            tracing::info!(account = %self.account.name, %error, "going on without it");
            if let Failure::WaitUntil(until) = error.failure {
                self.retry_at = Some(until);
            }
        });
        answer.ok()
    }

    /// Those who stand above the remembered, and whether it is clear where they end.
    fn above(
        &self,
        before: &Remembered,
        likely: &RangeInclusive<u64>,
    ) -> Option<(Vec<Follower>, bool)> {
        let mut ends = unmoved(&self.followers, before);
        if self.ended && before.newest.len() as u64 >= before.followers {
            // All were remembered, and of a few, all may have left and come back.
            ends.push(self.followers.len());
        }
        let (end, clear) = end_of_arrivals(&self.followers, &ends, before, likely)?;
        Some((self.followers[..end].to_vec(), clear))
    }

    /// Those whom the network notified of, and whether it is clear where they end.
    async fn notified(
        &mut self,
        before: &Remembered,
        likely: &RangeInclusive<u64>,
    ) -> Option<(Vec<Follower>, bool)> {
        let since = before.at - CLOCK_DRIFT;
        let answer = self.network.follows_since(self.id, since).await;
        let told = self.told(answer)??;
        // Of those who came at about the time of the look, it saw some itself; whoever came before
        // them was there, too.
        let seen = |(one, at): &(Follower, Timestamp)| {
            before.newest.contains(&one.id) && *at <= before.at + CLOCK_DRIFT
        };
        let seen = told.iter().enumerate().filter(|(_, one)| seen(one));
        let mut ends: Vec<usize> = seen.map(|(place, _)| place).collect();
        ends.push(told.len());
        let mut followers: Vec<Follower> = told.into_iter().map(|(one, _)| one).collect();
        let (end, clear) = end_of_arrivals(&followers, &ends, before, likely)?;
        followers.truncate(end);
        Some((followers, clear))
    }
}

/// Where those end who came since, of the places where they may, from the top. It is clear where that is
/// the first of them; else someone left and came back, or clocks differ, and the end that makes them
/// as many as is likely is the best. Of two that are as good it is the one that makes them more:
/// whoever was not remembered and stands above one who was has come since.
fn end_of_arrivals(
    newest: &[Follower],
    ends: &[usize],
    before: &Remembered,
    likely: &RangeInclusive<u64>,
) -> Option<(usize, bool)> {
    let came = |end: usize| {
        let new = newest[..end].iter().filter(|one| before.is_new(one));
        new.count() as u64
    };
    let unlikeliness = |end: &&usize| {
        let came = came(**end);
        let far_off = came.abs_diff(came.clamp(*likely.start(), *likely.end()));
        (far_off, Reverse(came))
    };
    let end = ends.iter().min_by_key(unlikeliness)?;
    Some((*end, Some(end) == ends.first()))
}

/// Where those stand who have not moved since, from the top: they are in their old order, while those
/// who left and came back are above some who were above them.
fn unmoved(list: &[Follower], before: &Remembered) -> Vec<usize> {
    let known: HashMap<&str, usize> = before
        .newest
        .iter()
        .enumerate()
        .map(|(place, id)| (id.as_str(), place))
        .collect();
    let mut places = Vec::new();
    let mut below = usize::MAX;
    for (place, follower) in list.iter().enumerate().rev() {
        match known.get(follower.id.as_str()) {
            Some(was) if *was < below => {
                below = *was;
                places.push(place);
            }
            _ => {}
        }
    }
    places.reverse();
    places
}
