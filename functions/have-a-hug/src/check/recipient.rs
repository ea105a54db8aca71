//! Who gets the hug for a milestone.
//!
//! Number `N` of `c` followers, newest first, is at position `c - N`. Where the top of the list was
//! remembered shortly before, the hug goes to one of those who came since ([`promise::arrivals`]), and the
//! evidence says how well count and list agree. Where the milestone has waited, only those who came since it was
//! last judged are read and judged.

use std::collections::{HashMap, HashSet, VecDeque};

use jiff::Timestamp;
use promise::{
    account::UserId,
    arrivals::{from_index, index_among_arrivals},
    evidence::{Arrivals, Certainty, Evidence, Skipped},
    follower::{Follower, Recipient},
    milestone::Milestone,
    record::{AccountRecord, Pending, ReadFollowers, Remembered},
    unknown::Unknown,
    untrusted::{MAX_HANDLE, one_line},
};

use super::newest::{Arrived, Newest, Since};
use crate::{deps::Connected, ledger::Hugs, network::NetworkError};

/// Where the count rose by more than this since the list was remembered, the position alone decides:
/// reading down to the remembered followers would cost more than a page on X.
const MAX_ARRIVALS: u64 = 900;

/// No follower at this position or further down is read: a milestone further down is held without a name.
pub(super) const MAX_DEPTH: u64 = 6_000;

/// How many requests for profiles one check of one account makes at most; the next check goes on with the rest.
/// At a tenth of a second each that is a sixth of the time that a check has.
const MAX_REQUESTS_FOR_PROFILES: usize = 40;

/// Chooses who gets the hugs of one check, and keeps who has been judged for them.
pub(super) struct Recipients<'a, 'n> {
    connected: Connected<'a>,
    now: Timestamp,
    newest: &'a mut Newest<'n>,
    before: &'a AccountRecord,
    count: u64,
    /// Followers who have a hug, with the reason that this is against another one.
    given: HashMap<UserId, String>,
    /// Who came since a reading of the list.
    since: Option<KnownSince<'a>>,
    /// Why the list does not help now.
    not_now: Option<NotNow>,
    judged: HashMap<UserId, Vec<String>>,
    requests_for_profiles: usize,
}

/// Who came since a reading of the list: the one shortly before the milestone, or the one up to which a waiting
/// milestone was judged.
struct KnownSince<'a> {
    reading: &'a Remembered,
    since: Since,
    /// The waiting milestone, if it is that reading.
    pending: Option<&'a Pending>,
}

/// Who gets the hug for a milestone.
pub(super) enum Choice {
    /// A follower, with those who were passed over.
    Named(Evidence, Recipient, Vec<Skipped>),
    /// Nobody by name, because the list does not show who crossed the milestone: the creator decides.
    Unknown(Evidence),
    /// Nobody genuine yet, or the list could not be read far enough. These were passed over at this check.
    Waits(Pending, Vec<Skipped>, Option<String>),
}

/// Who may get the hug.
enum Candidates {
    /// The follower who crossed the milestone first, and then those who came after.
    Listed(Vec<Follower>),
    /// The list does not show them, for this reason, and will not.
    Unknown(String),
    /// The list does not show them now.
    NotNow(NotNow),
}

/// Why the list does not show now who may get a hug.
#[derive(Clone)]
enum NotNow {
    /// It is shorter than it should be. The creator has to decide if it stays so.
    Short(String),
    /// As many followers were read as are read on a day.
    ReadEnough,
}

/// How far a list of candidates was judged.
pub(super) enum Judged {
    /// This one is genuine.
    Genuine(Follower),
    /// Nobody of those who were judged is.
    Nobody,
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
        given: HashMap<UserId, String>,
        before: &'a AccountRecord,
        count: u64,
        now: Timestamp,
    ) -> Result<Self, NetworkError> {
        let mut one = Self::over(connected, newest, given, before, count, now);
        let pending = before.pending.as_ref();
        let judged = pending.and_then(|pending| Some((pending.judged.as_ref()?, Some(pending))));
        let few = |before: &&Remembered| {
            before.followers < count && count - before.followers <= MAX_ARRIVALS
        };
        let remembered = before.remembered.as_ref().filter(few);
        let Some((reading, pending)) = judged.or_else(|| Some((remembered?, None))) else {
            return Ok(one);
        };
        let depth = count.saturating_sub(reading.followers);
        if one.must_wait(depth) {
            return Ok(one);
        }
        let judged = pending.is_some();
        match one.newest.since(reading, judged, count).await? {
            Arrived::Known(since) => {
                one.since = Some(KnownSince {
                    reading,
                    since,
                    pending,
                });
            }
            Arrived::NobodyListed => {
                let why =
                    "the list of followers contains none of the followers who were in it before";
                one.not_now = Some(NotNow::Short(why.to_owned()));
            }
            Arrived::Unclear => {}
        }
        Ok(one)
    }

    /// The same without a look at who came since the list was remembered.
    pub(super) fn over(
        connected: Connected<'a>,
        newest: &'a mut Newest<'n>,
        given: HashMap<UserId, String>,
        before: &'a AccountRecord,
        count: u64,
        now: Timestamp,
    ) -> Self {
        Self {
            connected,
            now,
            newest,
            before,
            count,
            given,
            since: None,
            not_now: None,
            judged: HashMap::new(),
            requests_for_profiles: 0,
        }
    }

    /// Chooses who gets the hug: if the follower at the position does not count, the next newer one.
    ///
    /// # Errors
    ///
    /// Where the network cannot be read; nothing is decided then.
    pub(super) async fn choose(&mut self, milestone: Milestone) -> Result<Choice, NetworkError> {
        let pending = self.pending(milestone);
        let mut evidence = Evidence {
            count_before: self.before.followers,
            count_after: self.count,
            since: Some(self.before.checked_at),
            position: self.count - milestone.number(),
            passed_over: pending.passed_over,
            certainty: Certainty::Unknown,
            arrivals: self.arrivals(milestone),
            note: None,
            unknown: Unknown::new(),
        };
        let candidates = match self.candidates(milestone, evidence.position).await? {
            Candidates::Listed(candidates) => candidates,
            Candidates::NotNow(NotNow::ReadEnough) => {
                let bound = self.connected.account.rules().followers_a_day;
                let why =
                    format!("{bound} followers a day are read at most; it goes on at 00:00 UTC");
                return Ok(Choice::Waits(pending, Vec::new(), Some(why)));
            }
            Candidates::NotNow(NotNow::Short(why)) if pending.asks_again(self.now) => {
                return Ok(Choice::Waits(pending, Vec::new(), Some(why)));
            }
            Candidates::NotNow(NotNow::Short(why)) | Candidates::Unknown(why) => {
                evidence.note = Some(why);
                return Ok(Choice::Unknown(evidence));
            }
        };
        let certain = self.is_certain(milestone);
        evidence.certainty = if certain {
            Certainty::Certain
        } else {
            Certainty::Likely
        };
        let all = candidates.len();
        let (judged, skipped) = self.judge(candidates).await?;
        evidence.passed_over += skipped.len() as u64;
        match judged {
            Judged::Genuine(follower) => {
                self.given
                    .insert(follower.id.clone(), has_the_hug_for(milestone));
                Ok(Choice::Named(evidence, Recipient::from(&follower), skipped))
            }
            Judged::Nobody => {
                let more = all - skipped.len();
                // Who followed after the list was read is known only by a notification.
                let mut newest_first = skipped.iter().rev();
                let index = newest_first.find_map(|one| self.newest.index_of(&one.id));
                let judged = index.map(|index| {
                    let followers = self.count.saturating_sub(index as u64);
                    let mut judged = self.newest.from(index, followers);
                    if more > 0 {
                        // Those above came since the check before, not since this one.
                        let earlier = pending.judged.as_ref().map(|judged| judged.at);
                        judged.at = earlier.unwrap_or(self.before.checked_at);
                    }
                    judged
                });
                let why = (more > 0).then(|| format!("{more} more are judged at the next check"));
                let pending = Pending {
                    judged: judged.or(pending.judged),
                    certain,
                    passed_over: evidence.passed_over,
                    ..pending
                };
                Ok(Choice::Waits(pending, skipped, why))
            }
        }
    }

    /// What is known of the milestone from earlier checks.
    fn pending(&self, milestone: Milestone) -> Pending {
        let known = self.before.pending.as_ref();
        let known = known.filter(|pending| pending.milestone == milestone);
        known.cloned().unwrap_or(Pending {
            milestone,
            since: self.now,
            judged: None,
            certain: true,
            passed_over: 0,
        })
    }

    /// How far down the list may be read in this check.
    fn depth_left(&self) -> u64 {
        let bound = self.connected.account.rules().followers_a_day;
        ReadFollowers::left(self.before.read, day(self.now), bound)
    }

    /// Notes that the list must not be read that far down today.
    fn must_wait(&mut self, depth: u64) -> bool {
        if depth < self.depth_left() {
            return false;
        }
        self.not_now = Some(NotNow::ReadEnough);
        true
    }

    /// The followers who came since that reading, if it was before this milestone.
    fn known_since(&self, milestone: Milestone) -> Option<&KnownSince<'a>> {
        let known = self.since.as_ref();
        known
            .filter(|known| known.pending.is_some() || known.reading.followers < milestone.number())
    }

    fn is_certain(&self, milestone: Milestone) -> bool {
        self.known_since(milestone).is_some_and(|known| {
            known.since.certain && known.pending.is_none_or(|pending| pending.certain)
        })
    }

    fn arrivals(&self, milestone: Milestone) -> Option<Arrivals> {
        let KnownSince { reading, since, .. } = self.known_since(milestone)?;
        Some(Arrivals {
            since_count: reading.followers,
            since: reading.at,
            came: since.came,
            source: since.source.clone(),
        })
    }

    async fn candidates(
        &mut self,
        milestone: Milestone,
        position: u64,
    ) -> Result<Candidates, NetworkError> {
        if let Some(known) = self.known_since(milestone) {
            let KnownSince { reading, since, .. } = known;
            let newest = &since.followers;
            if milestone.number() <= reading.followers {
                // All up to that reading were judged.
                let all = newest.iter().rev().cloned().collect();
                return Ok(Candidates::Listed(all));
            }
            let rise = self.count.saturating_sub(reading.followers);
            let index = index_among_arrivals(position, rise, since.came);
            return Ok(Candidates::Listed(from_index(newest, index)));
        }
        if self.not_now.is_none() {
            if position >= MAX_DEPTH {
                let why = format!("only the {MAX_DEPTH} newest followers are read");
                return Ok(Candidates::Unknown(why));
            }
            self.must_wait(position);
        }
        if let Some(why) = &self.not_now {
            return Ok(Candidates::NotNow(why.clone()));
        }
        let list = self.newest.down_to(position).await?;
        if list.len() as u64 <= position {
            let why = format!(
                "the list of followers ended after {} of {}",
                list.len(),
                self.count
            );
            return Ok(Candidates::NotNow(NotNow::Short(why)));
        }
        Ok(Candidates::Listed(from_index(list, position)))
    }

    /// Judges followers, oldest first, until one is genuine; those who are not are the second part of the result.
    pub(super) async fn judge(
        &mut self,
        candidates: Vec<Follower>,
    ) -> Result<(Judged, Vec<Skipped>), NetworkError> {
        let mut skipped = Vec::new();
        let mut left = VecDeque::from(candidates);
        while !left.is_empty() {
            let some = self.look_closer(&left).await?;
            if some == 0 {
                break;
            }
            for follower in left.drain(..some) {
                let reasons = match self.given.get(&follower.id) {
                    Some(hug) => vec![hug.clone()],
                    None => self.judged.get(&follower.id).cloned().unwrap_or_default(),
                };
                if reasons.is_empty() {
                    return Ok((Judged::Genuine(follower), skipped));
                }
                skipped.push(Skipped {
                    handle: one_line(&follower.handle, MAX_HANDLE),
                    id: follower.id,
                    reasons,
                });
            }
        }
        Ok((Judged::Nobody, skipped))
    }

    /// Judges the first of those followers, with their profiles where the list does not say enough, and returns
    /// how many were judged: 0 where no more profiles are asked for in this check.
    async fn look_closer(&mut self, left: &VecDeque<Follower>) -> Result<usize, NetworkError> {
        let Connected { account, network } = self.connected;
        let rules = account.rules();
        let room = if self.requests_for_profiles < MAX_REQUESTS_FOR_PROFILES {
            rules.profiles_at_once
        } else {
            0
        };
        let (mut unclear, mut some) = (Vec::new(), 0);
        for follower in left {
            if self.judged.contains_key(&follower.id) {
                some += 1;
                continue;
            }
            let mut reasons: Vec<String> =
                self.given.get(&follower.id).into_iter().cloned().collect();
            if reasons.is_empty() {
                reasons = account.screening.reasons_against(follower, self.now);
            }
            let is_clear = !reasons.is_empty()
                || rules.list_has_profiles
                || !account.screening.judges(follower);
            if is_clear {
                let genuine = reasons.is_empty();
                self.judged.insert(follower.id.clone(), reasons);
                some += 1;
                if genuine {
                    break;
                }
            } else if unclear.len() < room {
                unclear.push(follower.id.clone());
                some += 1;
            } else {
                break;
            }
        }
        if !unclear.is_empty() {
            self.requests_for_profiles += 1;
            let mut profiles: HashMap<UserId, Follower> = network
                .profiles(&unclear)
                .await?
                .into_iter()
                .map(|profile| (profile.id.clone(), profile))
                .collect();
            for id in unclear {
                let reasons = match profiles.remove(&id) {
                    Some(profile) => account.screening.reasons_against(&profile, self.now),
                    None => vec!["has no profile any more".to_owned()],
                };
                self.judged.insert(id, reasons);
            }
        }
        Ok(some)
    }
}

/// The day of a time in UTC, as a network bills.
pub(super) fn day(now: Timestamp) -> jiff::civil::Date {
    jiff::tz::TimeZone::UTC.to_datetime(now).date()
}

/// Those who get no further hug, each with the reason: they have one, had one that was passed on, or said stop.
pub(super) fn given(hugs: &Hugs, stops: HashSet<UserId>) -> HashMap<UserId, String> {
    let known = hugs.known.iter().flat_map(|hug| {
        let passed = hug.passed.as_ref().map(|passed| &passed.follower);
        let both = hug.follower.iter().chain(passed);
        both.map(|one| (one.id.clone(), has_the_hug_for(hug.milestone)))
    });
    let stops = stops.into_iter().map(|id| (id, "said stop".to_owned()));
    let unreadable = hugs.unreadable.iter().filter_map(|hug| {
        let follower = hug.follower.clone()?;
        Some((follower, has_the_hug_for(hug.key.milestone)))
    });
    known.chain(unreadable).chain(stops).collect()
}

fn has_the_hug_for(milestone: Milestone) -> String {
    format!("already has the hug for {milestone}")
}
