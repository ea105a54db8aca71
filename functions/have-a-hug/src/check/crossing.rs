//! What a count crossed since the check before: which hugs are owed, to whom, and which of them are held.

use jiff::Timestamp;
use promise::{
    brake::Brake,
    evidence::{Evidence, PassedOver, Skipped},
    follower::Recipient,
    hug::{HoldCause, Hug},
    milestone::Milestone,
    news,
    record::{AccountRecord, Pending},
    untrusted::{MAX_NAME, one_line},
};

use super::{
    newest::Newest,
    outcome::{CheckError, Waiting},
    recipient::{Choice, Recipients, given as taken},
};
use crate::{deps::Connected, ledger::Ledger, network::Profile};

/// What a count crossed since the check before.
#[derive(Default)]
pub(super) struct Crossing {
    /// The new mark.
    pub mark: u64,
    pub hugs: Vec<Hug>,
    pub passed_over: Vec<(Milestone, PassedOver)>,
    pub waiting: Option<Waiting>,
    pub pending: Option<Pending>,
}

/// A look at the count of an account that was checked before.
pub(super) struct Look<'a> {
    pub ledger: &'a Ledger,
    pub connected: Connected<'a>,
    pub before: &'a AccountRecord,
    pub profile: &'a Profile,
    pub now: Timestamp,
}

impl Look<'_> {
    /// Moves the mark over what was crossed, and makes the hugs.
    ///
    /// # Errors
    ///
    /// Where the network or the ledger cannot be read.
    pub(super) async fn cross(&self, newest: &mut Newest<'_>) -> Result<Crossing, CheckError> {
        let (before, profile) = (self.before, self.profile);
        let (mark, count) = (before.promised_up_to, profile.followers);
        let plan = self.connected.account.plan;
        let owed = plan.owed(mark, count);
        let mut crossing = Crossing {
            mark: owed.mark,
            ..Crossing::default()
        };
        if owed.milestones.is_empty() {
            // A milestone can wait while the count is below it for a time.
            crossing.pending = before.pending.clone();
            return Ok(crossing);
        }
        let given = self.ledger.hugs(&before.key()).await?;
        // A milestone that has a hug is not owed a second one, wherever the mark is.
        let has_none = |milestone: &Milestone| {
            let mut unreadable = given.unreadable.iter().map(|hug| hug.key.milestone);
            let mut known = given.known.iter().map(|hug| hug.milestone);
            known.all(|one| one != *milestone) && unreadable.all(|one| one != *milestone)
        };
        let brake = Brake {
            hugs: &given.known,
            most_a_day: plan.most_a_day(),
            now: self.now,
        };
        let mut left_today = brake.left();
        let site = self.connected.account.site();
        let stops = self.ledger.stops(&before.key()).await?;
        let taken = taken(&given, stops);
        let mut recipients =
            Recipients::begin(self.connected, newest, taken, before, count, self.now).await?;
        for milestone in owed.milestones.into_iter().filter(has_none) {
            let (hug, skipped) = match recipients.choose(milestone).await? {
                Choice::Named(evidence, follower, skipped) if left_today > 0 => {
                    left_today -= 1;
                    let hug = self.hug(milestone, evidence, Some(follower));
                    let news = news::reached(&hug, &site);
                    (hug.with_news(news), skipped)
                }
                Choice::Named(evidence, follower, skipped) => {
                    let hug = self.hug(milestone, evidence, Some(follower));
                    let held = hug.held(HoldCause::MostADay, brake.reason());
                    let news = news::held(&held, &site);
                    (held.with_news(news), skipped)
                }
                Choice::Unknown(evidence) => {
                    let why = evidence.note.clone().unwrap_or_default();
                    let hug = self.hug(milestone, evidence, None);
                    let held = hug.held(HoldCause::Nobody, why);
                    let news = news::nobody(&held);
                    (held.with_news(news), Vec::new())
                }
                Choice::Waits(pending, skipped, why) => {
                    crossing.mark = milestone.mark_while_it_waits(mark);
                    crossing
                        .passed_over
                        .extend(self.passed_over(milestone, &skipped));
                    crossing.waiting = Some(Waiting {
                        milestone,
                        why,
                        skipped_before: pending.passed_over - skipped.len() as u64,
                        skipped,
                    });
                    crossing.pending = Some(pending);
                    return Ok(crossing);
                }
            };
            crossing
                .passed_over
                .extend(self.passed_over(milestone, &skipped));
            // Only the first held hug of a wave has news.
            let of_this_check = |cause| crossing.hugs.iter().any(|one| one.hold == Some(cause));
            let is_told = |cause| of_this_check(cause) || brake.is_wave_told(cause);
            let is_told = hug.hold.is_some_and(is_told);
            crossing
                .hugs
                .push(if is_told { hug.without_news() } else { hug });
        }
        Ok(crossing)
    }

    /// Those who were passed over for a milestone, as an item of their own; `None` where nobody was.
    pub(super) fn passed_over(
        &self,
        milestone: Milestone,
        skipped: &[Skipped],
    ) -> Option<(Milestone, PassedOver)> {
        (!skipped.is_empty()).then(|| (milestone, PassedOver::at(self.now, skipped)))
    }

    fn hug(&self, milestone: Milestone, evidence: Evidence, follower: Option<Recipient>) -> Hug {
        let account = self.connected.account;
        let creator = account.creator.clone();
        Hug::owed(
            account.name.clone(),
            self.profile.id.clone(),
            milestone,
            creator.unwrap_or_else(|| one_line(&self.profile.name, MAX_NAME)),
            follower,
            evidence,
            self.now,
        )
    }
}
