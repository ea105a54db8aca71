//! The newest followers, read page by page and only as far down as needed; and who of them came since the
//! list was remembered.

use std::{collections::HashSet, ops::RangeInclusive};

use jiff::Timestamp;
use promise::{
    account::{AccountName, UserId},
    arrivals::{End, end_of_arrivals, unmoved},
    evidence::ArrivalSource,
    follower::Follower,
    record::Remembered,
};

use crate::network::{CLOCK_DRIFT, Cursor, Failure, Follow, Network, NetworkError, Page};

/// No list of the depth that is read needs more pages; a broken server may never stop sending them.
const MAX_PAGES: usize = 150;

/// How many followers are read to be remembered. X bills for each, and one who stays is enough.
const REMEMBERED: usize = 10;

/// The newest followers, newest first, as far as they were read.
pub(super) struct Newest<'a> {
    account: &'a AccountName,
    network: &'a dyn Network,
    /// The account's id on the network.
    id: &'a UserId,
    now: Timestamp,
    followers: Vec<Follower>,
    ids: HashSet<UserId>,
    cursor: Option<Cursor>,
    pages: usize,
    ended: bool,
}

/// Which followers came since the list was remembered, as far as the list shows it.
pub(super) enum Arrived {
    /// The list shows them.
    Known(Since),
    /// The list was read to its end and contains none of the remembered followers, so it is not believed.
    NobodyListed,
    /// The list does not show where the followers who came since then end.
    Unclear,
}

/// Those who came since the list was remembered, newest first.
pub(super) struct Since {
    pub followers: Vec<Follower>,
    /// How many of them are new; the others left and came back.
    pub came: u64,
    pub source: ArrivalSource,
    /// Whether the count rose by as many and did not change meanwhile, it is clear where they end, and all
    /// remembered followers are still listed.
    pub certain: bool,
}

/// The followers at the top of a list who came since, and whether it is clear where they end.
struct Top {
    followers: Vec<Follower>,
    is_clear: bool,
}

impl<'a> Newest<'a> {
    /// The followers of the account with that id; none of them is read yet.
    pub(super) fn new(
        account: &'a AccountName,
        network: &'a dyn Network,
        id: &'a UserId,
        now: Timestamp,
    ) -> Self {
        Self {
            account,
            network,
            id,
            now,
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
    pub(super) async fn down_to(&mut self, position: u64) -> Result<&[Follower], NetworkError> {
        // Only a missing cursor means that the list has ended, not a short page.
        while !self.ended && self.followers.len() as u64 <= position {
            let wanted = position + 1 - self.followers.len() as u64;
            let cursor = self.cursor.as_ref();
            let Page { followers, next } = self.network.followers(self.id, wanted, cursor).await?;
            self.pages += 1;
            if self.pages > MAX_PAGES || (next.is_some() && next == self.cursor) {
                return Err(NetworkError {
                    failure: Failure::TryAgain,
                    account: self.account.clone(),
                    attempted: "reading the newest followers",
                    why: format!("the list does not end after {} pages", self.pages),
                });
            }
            // Someone who follows between two pages pushes the last follower onto the next page too.
            let ids = &mut self.ids;
            let unseen = followers
                .into_iter()
                .filter(|one| ids.insert(one.id.clone()));
            self.followers.extend(unseen);
            self.ended = next.is_none();
            self.cursor = next;
        }
        Ok(&self.followers)
    }

    /// The top of the list now, for the next check; `None` where it cannot be read.
    pub(super) async fn remember(&mut self, followers: u64) -> Option<Remembered> {
        let read = self.down_to(REMEMBERED as u64 - 1).await.map(|_| ());
        self.if_possible(read)?;
        Some(self.from(0, followers))
    }

    /// The followers at `index` of the list and after it. The first of them was number `followers`.
    pub(super) fn from(&self, index: usize, followers: u64) -> Remembered {
        let newest = self.followers.iter().skip(index).take(REMEMBERED);
        Remembered {
            followers,
            newest: newest.map(|one| one.id.clone()).collect(),
            at: self.now,
        }
    }

    /// How many of the followers that were read are not in `known`.
    pub(super) fn read_beside(&self, known: &[&Remembered]) -> u64 {
        let is_new = |one: &&Follower| known.iter().all(|known| known.is_new(one));
        self.followers.iter().filter(is_new).count() as u64
    }

    /// The index of this follower in the list; 0 is the newest.
    pub(super) fn index_of(&self, id: &UserId) -> Option<usize> {
        self.followers.iter().position(|one| one.id == *id)
    }

    /// Who came since the list was remembered: by the network's notifications where it has them, else by
    /// who is listed above the remembered followers. `judged` is whether the remembered followers are those up to whom a
    /// waiting milestone was judged: they may have come after the time that is remembered with them.
    ///
    /// # Errors
    ///
    /// Where the list cannot be read.
    pub(super) async fn since(
        &mut self,
        before: &Remembered,
        judged: bool,
        count: u64,
    ) -> Result<Arrived, NetworkError> {
        let rise = count.saturating_sub(before.followers);
        let remembered = before.newest.len() as u64;
        self.down_to((rise + remembered).saturating_sub(1)).await?;
        if self.gone(before) > 0 {
            // Followers who came back, or were hidden then, push the others further down.
            self.down_to(rise + 2 * remembered).await?;
        }
        let gone = self.gone(before);
        // Someone who is gone has left, which lowers the count, or is hidden, which does not.
        let likely = rise..=rise + gone;
        let notified = self.notified(before, judged, &likely).await;
        let (top, source) = match notified {
            Some(top) => (Some(top), ArrivalSource::Notifications),
            None => (self.above(before, &likely), ArrivalSource::List),
        };
        let Some(Top {
            followers,
            is_clear,
        }) = top
        else {
            let nobody = self.ended && remembered > 0 && gone == remembered;
            return Ok(if nobody {
                Arrived::NobodyListed
            } else {
                Arrived::Unclear
            });
        };
        let came = followers.iter().filter(|one| before.is_new(one)).count() as u64;
        let in_order =
            source == ArrivalSource::Notifications || self.network.lists_in_order_of_arrival();
        let agree = came == rise && is_clear && gone == 0 && in_order;
        Ok(Arrived::Known(Since {
            followers,
            came,
            source,
            certain: agree && self.count_is_still(count).await,
        }))
    }

    /// How many of the remembered followers are not in the list, as far as it was read.
    fn gone(&self, before: &Remembered) -> u64 {
        let gone = before.newest.iter().filter(|id| !self.ids.contains(*id));
        gone.count() as u64
    }

    /// Whether the count is what it was before the list was read: a follow in between is in one of them and
    /// not in the other.
    async fn count_is_still(&self, count: u64) -> bool {
        let blocked = self.network.blocked_until();
        if blocked.is_some_and(|until| until > self.now) {
            return false;
        }
        let again = self.network.profile(Some(self.id)).await;
        let again = self.if_possible(again);
        again.is_some_and(|again| again.followers == count)
    }

    /// The answer to a question that helps but is not needed: the check goes on without it.
    fn if_possible<T>(&self, answer: Result<T, NetworkError>) -> Option<T> {
        let log = |error: &NetworkError| {
            tracing::info!(account = %self.account, %error, "going on without it");
        };
        answer.inspect_err(log).ok()
    }

    /// Those who are listed above the remembered followers.
    fn above(&self, before: &Remembered, likely: &RangeInclusive<u64>) -> Option<Top> {
        let mut ends = unmoved(&self.followers, before);
        if self.ended && before.newest.len() as u64 >= before.followers {
            // All followers were remembered, and of a few, all may have left and come back.
            ends.push(self.followers.len());
        }
        let End { index, is_clear } = end_of_arrivals(&self.followers, &ends, before, likely)?;
        Some(Top {
            followers: self.followers[..index].to_vec(),
            is_clear,
        })
    }

    /// Those whom the network notified the account of.
    async fn notified(
        &self,
        before: &Remembered,
        judged: bool,
        likely: &RangeInclusive<u64>,
    ) -> Option<Top> {
        let since = before.at - CLOCK_DRIFT;
        let answer = self.network.follows_since(self.id, since).await;
        let follows = self.if_possible(answer)??;
        // The reading that was remembered saw some of those who came at about its time, and all who came
        // before them.
        let seen = |one: &Follow| {
            before.newest.contains(&one.follower.id) && one.at <= before.at + CLOCK_DRIFT
        };
        let seen = follows.iter().enumerate().filter(|(_, one)| seen(one));
        let mut ends: Vec<usize> = seen.map(|(index, _)| index).collect();
        let end = follows.len();
        let mut followers: Vec<Follower> = follows.into_iter().map(|one| one.follower).collect();
        // Of a wave that is judged in several checks, all who are remembered came after that time. One of them alone may
        // have left and come back.
        let has_come = |id: &UserId| followers.iter().any(|one| one.id == *id);
        if judged && ends.is_empty() && before.newest.iter().all(has_come) {
            ends = unmoved(&followers, before);
        }
        ends.push(end);
        let End { index, is_clear } = end_of_arrivals(&followers, &ends, before, likely)?;
        followers.truncate(index);
        Some(Top {
            followers,
            is_clear,
        })
    }
}
