//! Who crossed a milestone: number `N` of `c` followers, newest first, stands at position `c - N`.
//!
//! That holds where count and list tell the same. The list hides some whom the count counts, and puts
//! some in old places, so where the top of the list was remembered shortly before, the hug goes to
//! one of those who came since, and the evidence says how well the two agree.

use std::collections::HashMap;

use jiff::Timestamp;

use crate::{
    account::Remembered,
    follower::{Follower, Recipient},
    foreign::{LONGEST_HANDLE, one_line},
    hug::{Arrivals, Certainty, Evidence, Hug, Skipped},
    milestone::Milestone,
    network::NetworkError,
    newest::{Newest, Since},
};

/// No follower further down the list than this is read: a list this long costs ten requests and
/// ten dollars on X. A milestone below it is recorded without a name.
const DEEPEST_POSITION: u64 = 10_000;

/// Where the count rose by more than this since the list was remembered, the place alone decides:
/// reading down to those remembered would cost more than a page on X.
const MOST_ARRIVALS: u64 = 900;

/// How many of those passed over are kept with a hug: DynamoDB takes no item above 400 KB, and a
/// wave of bots is thousands.
const MOST_LISTED: usize = 100;

/// Who gets the hugs of one check, and who has been judged for them.
pub(crate) struct Naming<'a, 'n> {
    now: Timestamp,
    /// Followers who have a hug, with what is said of it.
    given: HashMap<String, String>,
    newest: &'a mut Newest<'n>,
    /// Who came since the top of the list was remembered, with what was known then.
    since: Option<(&'a Remembered, Since)>,
    judged: HashMap<String, Vec<String>>,
}

/// Whom a milestone belongs to.
pub(crate) enum Named {
    /// Someone, or, where the list cannot tell, the nameless follower who crossed it.
    Hug(Evidence, Option<Recipient>),
    /// Nobody who counts, so far; the evidence says who stands there.
    Nobody(Evidence),
}

impl<'a, 'n> Naming<'a, 'n> {
    /// For an account that has given these hugs already.
    ///
    /// # Errors
    ///
    /// Where the network cannot be read.
    pub async fn begin(
        newest: &'a mut Newest<'n>,
        now: Timestamp,
        hugs: &[Hug],
        before: Option<&'a Remembered>,
        count: u64,
    ) -> Result<Self, NetworkError> {
        let has_one = |hug: &Hug| {
            let follower = hug.follower.as_ref()?;
            Some((follower.id.clone(), has_the_hug_for(hug.milestone)))
        };
        let few = |before: &&Remembered| {
            before.followers < count && count - before.followers <= MOST_ARRIVALS
        };
        let since = match before.filter(few) {
            Some(before) => newest
                .since(before, count)
                .await?
                .map(|since| (before, since)),
            None => None,
        };
        Ok(Self {
            now,
            given: hugs.iter().filter_map(has_one).collect(),
            newest,
            since,
            judged: HashMap::new(),
        })
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
        let mut evidence = Evidence {
            count_before,
            count_after,
            position: count_after - milestone.number(),
            skipped: Vec::new(),
            skipped_more: 0,
            certainty: Certainty::Unknown,
            arrivals: None,
            note: None,
        };
        let candidates = match self.candidates(&mut evidence, milestone).await? {
            Ok(candidates) => candidates,
            Err(why) => {
                evidence.note = Some(why);
                return Ok(Named::Hug(evidence, None));
            }
        };
        for follower in candidates {
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

    /// Who may have the hug, the rightful one first and then whoever came after; or why the list
    /// cannot tell.
    async fn candidates(
        &mut self,
        evidence: &mut Evidence,
        milestone: Milestone,
    ) -> Result<Result<Vec<Follower>, String>, NetworkError> {
        let position = evidence.position;
        let known = self
            .since
            .as_ref()
            .filter(|(before, _)| before.followers < milestone.number());
        if let Some((before, since)) = known {
            let rise = evidence.count_after - before.followers;
            evidence.certainty = if since.certain {
                Certainty::Certain
            } else {
                Certainty::Likely
            };
            evidence.arrivals = Some(Arrivals {
                since_count: before.followers,
                since: before.at,
                came: since.came,
                told_by: since.told_by,
            });
            let place = place_among_arrivals(position, rise, since.came);
            return Ok(Ok(from_place(&since.followers, place)));
        }
        if position >= DEEPEST_POSITION {
            let why = format!("only the {DEEPEST_POSITION} newest followers are read");
            return Ok(Err(why));
        }
        let list = self.newest.down_to(position).await?;
        if list.len() as u64 <= position {
            let why = format!(
                "the list of followers ended after {} of {}",
                list.len(),
                evidence.count_after
            );
            return Ok(Err(why));
        }
        evidence.certainty = Certainty::Likely;
        Ok(Ok(from_place(list, position)))
    }

    async fn reasons_against(&mut self, follower: &Follower) -> Result<Vec<String>, NetworkError> {
        if let Some(hug) = self.given.get(&follower.id) {
            return Ok(vec![hug.clone()]);
        }
        if let Some(reasons) = self.judged.get(&follower.id) {
            return Ok(reasons.clone());
        }
        let screening = &self.newest.account.screening;
        let mut reasons = screening.reasons_against(follower, self.now);
        if reasons.is_empty() && screening.judges(follower) {
            let closer = self.newest.network.look_closer(follower.clone()).await?;
            reasons = screening.reasons_against(&closer, self.now);
        }
        self.judged.insert(follower.id.clone(), reasons.clone());
        Ok(reasons)
    }
}

/// Those from the place upwards, the oldest of them first; nobody stands below the list's end.
fn from_place(newest: &[Follower], place: u64) -> Vec<Follower> {
    let place = usize::try_from(place).unwrap_or(usize::MAX);
    let end = place.saturating_add(1).min(newest.len());
    newest[..end].iter().rev().cloned().collect()
}

/// The place among those who came, where the count rose by `rise`. Of those whom the count knows and
/// the list hides, as many are taken to stand above the place as its share of all places is.
fn place_among_arrivals(position: u64, rise: u64, came: u64) -> u64 {
    let unseen = rise.saturating_sub(came);
    let above = (unseen * (position + 1) + rise / 2) / rise.max(1);
    position.saturating_sub(above)
}

fn has_the_hug_for(milestone: Milestone) -> String {
    format!("already has the hug for {milestone}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn among_arrivals_the_place_moves_up_by_the_share_of_those_unseen() {
        // All are seen: number N stands where it always does.
        assert_eq!(place_among_arrivals(3, 5, 5), 3);
        // More came than the count rose: some of the old ones left, which moves nobody here.
        assert_eq!(place_among_arrivals(3, 5, 7), 3);
        // One of five is hidden: at the top of them it hardly moves the place, at the end it does.
        assert_eq!(place_among_arrivals(0, 5, 4), 0);
        assert_eq!(place_among_arrivals(4, 5, 4), 3);
    }
}
