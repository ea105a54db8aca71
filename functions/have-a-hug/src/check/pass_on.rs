//! Who gets a hug that the creator passed on: the next newer genuine follower.

use promise::{
    evidence::{Certainty, Evidence, PassedOver},
    follower::{Follower, Recipient},
    hug::Hug,
    milestone::Milestone,
    news,
    record::ReadFollowers,
    unknown::Unknown,
};

use super::{
    crossing::Look,
    newest::Newest,
    outcome::CheckError,
    recipient::{Judged, MAX_DEPTH, Recipients, day, given},
    stuck::Unsettled,
};

/// How much further down than its number says the follower may stand, because others have left.
const MARGIN: u64 = 20;

/// Most hugs that are passed on in one check: they are written in its transaction, which has room for 100 items.
const MOST_PASSED_ON: usize = 3;

/// What a check decided about hugs that were passed on.
#[derive(Default)]
pub(super) struct PassedOn {
    /// The hugs that have changed.
    pub hugs: Vec<Hug>,
    /// Who was passed over.
    pub passed_over: Vec<(Milestone, PassedOver)>,
}

impl Look<'_> {
    /// Chooses a follower for the unsettled hugs that were passed on. `owed` are the hugs that this check makes. What it
    /// decides is recorded with the rest of the check, so that of two checks at once only one names a follower.
    ///
    /// # Errors
    ///
    /// Where the network or the ledger cannot be read.
    pub(super) async fn pass_on(
        &self,
        newest: &mut Newest<'_>,
        unsettled: &mut Unsettled,
        owed: &[Hug],
    ) -> Result<PassedOn, CheckError> {
        let mut passed_on = PassedOn::default();
        for hug in unsettled.hugs.iter_mut().filter(|hug| hug.is_passed_on()) {
            let decided = [owed, &passed_on.hugs].concat();
            let Some((next, skipped)) = self.next_of(hug, &decided, newest).await? else {
                continue;
            };
            passed_on.passed_over.extend(skipped);
            passed_on.hugs.push(next.clone());
            *hug = next;
            if passed_on.hugs.len() == MOST_PASSED_ON {
                break;
            }
        }
        Ok(passed_on)
    }

    /// The hug for the next newer genuine follower, and who was passed over; or the hug with the reason why nobody is
    /// chosen yet. `None` where it says so already.
    async fn next_of(
        &self,
        hug: &Hug,
        owed: &[Hug],
        newest: &mut Newest<'_>,
    ) -> Result<Option<(Hug, Option<(Milestone, PassedOver)>)>, CheckError> {
        let waits = |why: &str| Ok(hug.waits_for_next(why, self.now).map(|hug| (hug, None)));
        let account = self.connected.account;
        let count = self.profile.followers;
        let position = count.saturating_sub(hug.milestone.number());
        let depth = position + MARGIN;
        let bound = account.rules().followers_a_day;
        let left = ReadFollowers::left(self.before.read, day(self.now), bound);
        if depth >= MAX_DEPTH {
            let why = format!("only the {MAX_DEPTH} newest followers are read");
            let held = hug.nobody(why, self.now);
            let told = news::nobody(&held);
            return Ok(Some((held.with_news(told), None)));
        }
        if depth >= left {
            return waits("no more followers are read today; it goes on at 00:00 UTC");
        }
        let Some(passed) = &hug.passed else {
            return Ok(None);
        };
        let newer = newer_than(&passed.follower, newest, position, depth).await?;
        let mut hugs = self.ledger.hugs(&self.before.key()).await?;
        // Those who get a hug in this check are not in the ledger yet.
        hugs.known.extend_from_slice(owed);
        let stops = self.ledger.stops(&self.before.key()).await?;
        let taken = given(&hugs, stops);
        let mut recipients =
            Recipients::over(self.connected, newest, taken, self.before, count, self.now);
        let (judged, skipped) = recipients.judge(newer).await?;
        let Judged::Genuine(follower) = judged else {
            return waits("nobody who counts has followed since");
        };
        let evidence = Evidence {
            count_before: self.before.followers,
            count_after: count,
            since: hug.evidence.since,
            position: newest
                .index_of(&follower.id)
                .map_or(0, |index| index as u64),
            passed_over: hug.evidence.passed_over + skipped.len() as u64,
            certainty: Certainty::Likely,
            arrivals: None,
            note: Some("the creator passed the hug on to the next follower".to_owned()),
            unknown: Unknown::new(),
        };
        let next = hug.passed_on_to(Recipient::from(&follower), evidence, self.now);
        let told = news::passed_on(&next, &account.site());
        let skipped = self.passed_over(hug.milestone, &skipped);
        Ok(Some((next.with_news(told), skipped)))
    }
}

/// Those who follow since that follower does, oldest first. Where the follower has left, those above the position of
/// the number.
async fn newer_than(
    follower: &Recipient,
    newest: &mut Newest<'_>,
    position: u64,
    depth: u64,
) -> Result<Vec<Follower>, CheckError> {
    let list = newest.down_to(depth).await?.to_vec();
    let own = list.iter().position(|one| one.id == follower.id);
    let position = usize::try_from(position).unwrap_or(usize::MAX);
    let end = own.unwrap_or(position).min(list.len());
    Ok(list.into_iter().take(end).rev().collect())
}
