//! Who crossed a milestone: number `N` of `c` followers, newest first, stands at position `c - N`.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;

use crate::{
    follower::{Follower, Recipient},
    foreign::{LONGEST_HANDLE, one_line},
    hug::{Evidence, Hug, Skipped},
    milestone::Milestone,
    network::{Failure, Network, NetworkError},
    settings::Account,
};

/// No follower further down the list than this is read: a list this long costs ten requests and
/// ten dollars on X. A milestone below it is recorded without a name.
const DEEPEST_POSITION: u64 = 10_000;

/// More pages than any list of that depth needs, for a server that never stops turning them.
const MOST_PAGES: usize = 150;

/// How many of those passed over are kept with a hug: DynamoDB takes no item above 400 KB, and a
/// wave of bots is thousands.
const MOST_LISTED: usize = 100;

/// Who gets the hugs of one check: the newest followers, read as far down as needed, and who of
/// them has been judged.
pub(crate) struct Naming<'a> {
    account: &'a Account,
    network: &'a dyn Network,
    /// The account's id on the network.
    id: &'a str,
    now: Timestamp,
    /// Followers who have a hug, with what is said of it.
    given: HashMap<String, String>,
    newest: Newest,
    judged: HashMap<String, Vec<String>>,
}

/// The newest followers, as far as they were read.
#[derive(Default)]
struct Newest {
    followers: Vec<Follower>,
    ids: HashSet<String>,
    cursor: Option<String>,
    pages: usize,
    ended: bool,
}

/// Whom a milestone belongs to.
pub(crate) enum Named {
    /// Someone, or, where the list cannot tell, the nameless follower who crossed it.
    Hug(Evidence, Option<Recipient>),
    /// Nobody who counts, so far; the evidence says who stands there.
    Nobody(Evidence),
}

impl<'a> Naming<'a> {
    /// For an account that has given these hugs already.
    pub fn new(
        account: &'a Account,
        network: &'a dyn Network,
        id: &'a str,
        now: Timestamp,
        hugs: &[Hug],
    ) -> Self {
        let has_one = |hug: &Hug| {
            let follower = hug.follower.as_ref()?;
            Some((follower.id.clone(), has_the_hug_for(hug.milestone)))
        };
        Self {
            account,
            network,
            id,
            now,
            given: hugs.iter().filter_map(has_one).collect(),
            newest: Newest::default(),
            judged: HashMap::new(),
        }
    }

    /// Names who gets the hug: if whoever stands at the place does not count, the next newer one.
    ///
    /// # Errors
    ///
    /// Where the network cannot be read; nothing is decided then.
    pub async fn name(
        &mut self,
        milestone: Milestone,
        count_before: u64,
        count_after: u64,
    ) -> Result<Named, NetworkError> {
        let position = count_after - milestone.number();
        let mut evidence = Evidence {
            count_before,
            count_after,
            position,
            skipped: Vec::new(),
            skipped_more: 0,
            note: None,
        };
        if position >= DEEPEST_POSITION {
            evidence.note = Some(format!(
                "only the {DEEPEST_POSITION} newest followers are read"
            ));
            return Ok(Named::Hug(evidence, None));
        }
        self.read_to(position).await?;
        let read = self.newest.followers.len();
        let Some(place) = usize::try_from(position).ok().filter(|place| *place < read) else {
            evidence.note = Some(format!(
                "the list of followers ended after {read} of {count_after}"
            ));
            return Ok(Named::Hug(evidence, None));
        };
        for place in (0..=place).rev() {
            let follower = self.newest.followers[place].clone();
            let reasons = self.reasons_against(&follower).await?;
            if reasons.is_empty() {
                self.given
                    .insert(follower.id.clone(), has_the_hug_for(milestone));
                return Ok(Named::Hug(evidence, Some(Recipient::from(&follower))));
            }
            if evidence.skipped.len() < MOST_LISTED {
                evidence.skipped.push(Skipped {
                    handle: one_line(&follower.handle, LONGEST_HANDLE),
                    reasons,
                });
            } else {
                evidence.skipped_more += 1;
            }
        }
        Ok(Named::Nobody(evidence))
    }

    async fn reasons_against(&mut self, follower: &Follower) -> Result<Vec<String>, NetworkError> {
        if let Some(hug) = self.given.get(&follower.id) {
            return Ok(vec![hug.clone()]);
        }
        if let Some(reasons) = self.judged.get(&follower.id) {
            return Ok(reasons.clone());
        }
        let screening = &self.account.screening;
        let mut reasons = screening.reasons_against(follower, self.now);
        if reasons.is_empty() && screening.judges(follower) {
            let closer = self.network.look_closer(follower.clone()).await?;
            reasons = screening.reasons_against(&closer, self.now);
        }
        self.judged.insert(follower.id.clone(), reasons.clone());
        Ok(reasons)
    }

    /// Reads pages until someone stands at `position` or the list has ended: only a missing
    /// cursor says so, not a short page.
    async fn read_to(&mut self, position: u64) -> Result<(), NetworkError> {
        let newest = &mut self.newest;
        while !newest.ended && newest.followers.len() as u64 <= position {
            let wanted = position + 1 - newest.followers.len() as u64;
            let page = self
                .network
                .followers(self.id, wanted, newest.cursor.as_deref())
                .await?;
            newest.pages += 1;
            if newest.pages > MOST_PAGES || (page.next.is_some() && page.next == newest.cursor) {
                return Err(NetworkError {
                    failure: Failure::TryAgain,
                    account: self.account.name.clone(),
                    attempted: "reading the newest followers",
                    why: format!("the list goes in circles after {} pages", newest.pages),
                });
            }
            // Someone who follows between two pages pushes the last one onto the next page too.
            let ids = &mut newest.ids;
            let unseen = page
                .followers
                .into_iter()
                .filter(|one| ids.insert(one.id.clone()));
            newest.followers.extend(unseen);
            newest.ended = page.next.is_none();
            newest.cursor = page.next;
        }
        Ok(())
    }
}

fn has_the_hug_for(milestone: Milestone) -> String {
    format!("already has the hug for {milestone}")
}
