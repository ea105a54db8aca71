//! Who gets the hug for a milestone.
//!
//! Number `N` of `c` followers, newest first, is at position `c - N`. Where the top of the list was
//! remembered shortly before, the hug goes to one of those who came since ([`promise::arrivals`]), and the
//! evidence says how well count and list agree.

use std::{collections::HashMap, slice};

use jiff::Timestamp;
use promise::{
    account::UserId,
    arrivals::{from_index, index_among_arrivals},
    evidence::{Arrivals, Certainty, Evidence, Skipped},
    follower::{Follower, Recipient},
    hug::Hug,
    milestone::Milestone,
    record::Remembered,
    untrusted::{MAX_HANDLE, one_line},
};

use super::newest::{Newest, Since};
use crate::{deps::Connected, network::NetworkError};

/// No follower at this position or further down is read: a list this long costs ten requests and ten
/// dollars on X. A milestone further down is recorded without a name.
const MAX_POSITION: u64 = 10_000;

/// Where the count rose by more than this since the list was remembered, the position alone decides:
/// reading down to the remembered followers would cost more than a page on X.
const MAX_ARRIVALS: u64 = 900;

/// How many of those passed over are kept with a hug. DynamoDB takes no item above 400 KB, and a wave of
/// bots is thousands.
const MAX_SKIPPED: usize = 100;

/// Chooses who gets the hugs of one check, and keeps who has been judged for them.
pub(super) struct Recipients<'a, 'n> {
    connected: Connected<'a>,
    now: Timestamp,
    newest: &'a mut Newest<'n>,
    /// Followers who have a hug, with the reason that this is against another one.
    given: HashMap<UserId, String>,
    /// Who came since the top of the list was remembered, with what was remembered.
    since: Option<(&'a Remembered, Since)>,
    judged: HashMap<UserId, Vec<String>>,
}

/// Who gets the hug for a milestone.
pub(super) enum Choice {
    /// Someone; or nobody by name, where the list does not show who crossed the milestone.
    Hug(Evidence, Option<Recipient>),
    /// Nobody genuine yet; the evidence says who was passed over.
    Nobody(Evidence),
}

/// Who may get the hug.
enum Candidates {
    /// The follower who crossed the milestone first, and then those who came after.
    Listed(Vec<Follower>),
    /// The list does not show them, for this reason.
    Unknown(String),
}

impl<'a, 'n> Recipients<'a, 'n> {
    /// For an account that has given these hugs already.
    ///
    /// # Errors
    ///
    /// Where the network cannot be read.
    pub(super) async fn begin(
        connected: Connected<'a>,
        newest: &'a mut Newest<'n>,
        hugs: &[Hug],
        before: Option<&'a Remembered>,
        count: u64,
        now: Timestamp,
    ) -> Result<Self, NetworkError> {
        let has_one = |hug: &Hug| {
            let follower = hug.follower.as_ref()?;
            Some((follower.id.clone(), has_the_hug_for(hug.milestone)))
        };
        let few = |before: &&Remembered| {
            before.followers < count && count - before.followers <= MAX_ARRIVALS
        };
        let since = match before.filter(few) {
            Some(before) => newest
                .since(before, count)
                .await?
                .map(|since| (before, since)),
            None => None,
        };
        Ok(Self {
            connected,
            now,
            newest,
            given: hugs.iter().filter_map(has_one).collect(),
            since,
            judged: HashMap::new(),
        })
    }

    /// Chooses who gets the hug: if the follower at the position does not count, the next newer one.
    ///
    /// # Errors
    ///
    /// Where the network cannot be read; nothing is decided then.
    pub(super) async fn choose(
        &mut self,
        milestone: Milestone,
        count_before: u64,
        count_after: u64,
    ) -> Result<Choice, NetworkError> {
        let mut evidence = Evidence {
            count_before,
            count_after,
            position: count_after - milestone.number(),
            skipped: Vec::new(),
            skipped_more: 0,
            certainty: Certainty::Unknown,
            arrivals: self.arrivals(milestone),
            note: None,
        };
        let candidates = match self.candidates(milestone, &evidence).await? {
            Candidates::Listed(candidates) => candidates,
            Candidates::Unknown(why) => {
                evidence.note = Some(why);
                return Ok(Choice::Hug(evidence, None));
            }
        };
        evidence.certainty = match self.known_since(milestone) {
            Some((_, since)) if since.certain => Certainty::Certain,
            _ => Certainty::Likely,
        };
        for follower in candidates {
            let reasons = self.reasons_against(&follower).await?;
            if reasons.is_empty() {
                self.given
                    .insert(follower.id.clone(), has_the_hug_for(milestone));
                return Ok(Choice::Hug(evidence, Some(Recipient::from(&follower))));
            }
            if evidence.skipped.len() < MAX_SKIPPED {
                evidence.skipped.push(Skipped {
                    handle: one_line(&follower.handle, MAX_HANDLE),
                    reasons,
                });
            } else {
                evidence.skipped_more += 1;
            }
        }
        Ok(Choice::Nobody(evidence))
    }

    /// Who came since, if the list was remembered before this milestone was crossed.
    fn known_since(&self, milestone: Milestone) -> Option<&(&'a Remembered, Since)> {
        let known = self.since.as_ref();
        known.filter(|(before, _)| before.followers < milestone.number())
    }

    fn arrivals(&self, milestone: Milestone) -> Option<Arrivals> {
        let (before, since) = self.known_since(milestone)?;
        Some(Arrivals {
            since_count: before.followers,
            since: before.at,
            came: since.came,
            source: since.source,
        })
    }

    async fn candidates(
        &mut self,
        milestone: Milestone,
        evidence: &Evidence,
    ) -> Result<Candidates, NetworkError> {
        let position = evidence.position;
        if let Some((before, since)) = self.known_since(milestone) {
            let rise = evidence.count_after - before.followers;
            let index = index_among_arrivals(position, rise, since.came);
            return Ok(Candidates::Listed(from_index(&since.followers, index)));
        }
        if position >= MAX_POSITION {
            let why = format!("only the {MAX_POSITION} newest followers are read");
            return Ok(Candidates::Unknown(why));
        }
        let list = self.newest.down_to(position).await?;
        if list.len() as u64 <= position {
            let why = format!(
                "the list of followers ended after {} of {}",
                list.len(),
                evidence.count_after
            );
            return Ok(Candidates::Unknown(why));
        }
        Ok(Candidates::Listed(from_index(list, position)))
    }

    async fn reasons_against(&mut self, follower: &Follower) -> Result<Vec<String>, NetworkError> {
        if let Some(hug) = self.given.get(&follower.id) {
            return Ok(vec![hug.clone()]);
        }
        if let Some(reasons) = self.judged.get(&follower.id) {
            return Ok(reasons.clone());
        }
        let Connected { account, network } = self.connected;
        let screening = &account.screening;
        let mut reasons = screening.reasons_against(follower, self.now);
        if reasons.is_empty() && screening.judges(follower) && !account.rules().list_has_profiles {
            let full = network.profiles(slice::from_ref(&follower.id)).await?;
            reasons = match full.first() {
                Some(full) => screening.reasons_against(full, self.now),
                None => vec!["has no profile any more".to_owned()],
            };
        }
        self.judged.insert(follower.id.clone(), reasons.clone());
        Ok(reasons)
    }
}

fn has_the_hug_for(milestone: Milestone) -> String {
    format!("already has the hug for {milestone}")
}
