//! One check of one account: read, decide, record.
//!
//! - This file: what a check decides, and how the decision is recorded in one transaction.
//! - `outcome`: what a check found and did. `newest`: the newest followers, read only as far down as needed.
//!   `recipient`: who gets the hug for a milestone. `stuck`: hugs that are put back to work.

mod newest;
mod outcome;
mod recipient;
mod stuck;

use jiff::Timestamp;
use promise::{
    count::{is_confirmed, is_leap},
    evidence::Evidence,
    follower::Recipient,
    hug::{Hug, Status},
    milestone::{MAX_MILESTONE, Milestone},
    record::{AccountRecord, HandleRecord, Remembered},
    untrusted::{MAX_NAME, one_line},
};

use self::{
    newest::Newest,
    recipient::{Choice, Recipients},
    stuck::{Unsettled, rearm_stuck},
};
use crate::{
    deps::{Connected, Deps},
    ledger::{LedgerError, LedgerFailure},
    network::{Failure, NetworkError, Profile},
};
pub use outcome::{Check, CheckError, CheckOutcome, Rearmed, Waiting};

/// How often a check that lost the race against another one is decided again.
const MAX_RACES: usize = 4;

/// Checks one account: finds the milestones that were crossed, decides who crossed them, records what is
/// owed, and rearms stuck hugs. A dry run decides the same and writes nothing.
///
/// # Errors
///
/// Where the network or the ledger fails; nothing has been recorded then.
pub async fn check(
    deps: &Deps,
    connected: Connected<'_>,
    dry_run: bool,
) -> Result<Check, CheckError> {
    let one = OneCheck {
        deps,
        connected,
        dry_run,
        now: deps.clock.now(),
    };
    let mut races = 0;
    loop {
        match one.run().await {
            Err(CheckError::Ledger(error))
                if error.failure == LedgerFailure::LostRace && races < MAX_RACES =>
            {
                races += 1;
                tracing::info!(account = %connected.account.name, "another check wrote first; deciding again");
            }
            ended => return ended,
        }
    }
}

struct OneCheck<'a> {
    deps: &'a Deps,
    connected: Connected<'a>,
    dry_run: bool,
    now: Timestamp,
}

/// What the ledger contains before the network is asked.
struct Known {
    handle: HandleRecord,
    account: Option<AccountRecord>,
}

/// What a check decided: everything that is recorded, as one value.
struct Decision {
    before: Option<AccountRecord>,
    after: AccountRecord,
    hugs: Vec<Hug>,
    waiting: Option<Waiting>,
    /// What was learned of the handle; `None` fields stay as they are.
    learned: HandleRecord,
}

/// What a count crossed since the check before.
struct Crossing {
    /// The new mark.
    mark: u64,
    hugs: Vec<Hug>,
    waiting: Option<Waiting>,
}

impl OneCheck<'_> {
    async fn run(&self) -> Result<Check, CheckError> {
        let known = self.read().await?;
        let Unsettled {
            rearmed,
            milestones: unsettled,
        } = match &known.account {
            Some(account) => {
                rearm_stuck(&self.deps.ledger, account, self.now, self.dry_run).await?
            }
            None => Unsettled::default(),
        };
        if let Some(until) = known.handle.retry_at.filter(|until| *until > self.now) {
            return Ok(self.rate_limited(&known, rearmed, until));
        }
        match self.decide(&known, unsettled).await {
            Ok(decision) => {
                self.record(&decision).await?;
                Ok(self.done(decision, rearmed))
            }
            Err(CheckError::Network(NetworkError {
                failure: Failure::WaitUntil(until),
                ..
            })) => {
                self.remember_limit(until).await?;
                Ok(self.rate_limited(&known, rearmed, until))
            }
            Err(error) => Err(error),
        }
    }

    async fn read(&self) -> Result<Known, LedgerError> {
        let (ledger, name) = (&self.deps.ledger, &self.connected.account.name);
        let handle = ledger.handle(name).await?.unwrap_or_default();
        let account = match &handle.id {
            Some(id) => ledger.account(&name.with_id(id)).await?,
            None => None,
        };
        Ok(Known { handle, account })
    }

    async fn decide(
        &self,
        known: &Known,
        unsettled: Vec<Milestone>,
    ) -> Result<Decision, CheckError> {
        let Connected { account, network } = self.connected;
        let profile = network.profile(known.handle.id.as_ref()).await?;
        self.reject_impossible(&profile, &known.handle)?;
        let (before, mut unsettled) = match (&known.account, &known.handle.id) {
            // It may be a new handle of an account that is known under its old one, with its hugs.
            (None, None) => {
                let key = account.name.with_id(&profile.id);
                let before = self.deps.ledger.account(&key).await?;
                let unsettled = before.as_ref().map(|before| before.unsettled.clone());
                (before, unsettled.unwrap_or_default())
            }
            (known, _) => (known.clone(), unsettled),
        };
        if let Some(before) = &before {
            self.confirm_leap(before.followers, &profile).await?;
        }
        let mut newest = Newest::new(&account.name, network, &profile.id, self.now);
        let crossing = match &before {
            None => Crossing {
                mark: profile.followers,
                hugs: Vec::new(),
                waiting: None,
            },
            Some(before) => self.cross(before, &profile, &mut newest).await?,
        };
        unsettled.extend(crossing.hugs.iter().map(|hug| hug.milestone));
        let remembered = self
            .remember(
                before.as_ref(),
                crossing.mark,
                profile.followers,
                &mut newest,
            )
            .await;
        let learned = HandleRecord {
            id: (known.handle.id.as_ref() != Some(&profile.id)).then(|| profile.id.clone()),
            retry_at: network.blocked_until().filter(|until| *until > self.now),
            send_retry_at: None,
        };
        Ok(Decision {
            after: AccountRecord {
                name: account.name.clone(),
                id: profile.id,
                followers: profile.followers,
                promised_up_to: crossing.mark,
                unsettled,
                remembered,
                checked_at: self.now,
                revision: before.as_ref().map_or(1, |before| before.revision + 1),
            },
            before,
            hugs: crossing.hugs,
            waiting: crossing.waiting,
            learned,
        })
    }

    async fn record(&self, decision: &Decision) -> Result<(), LedgerError> {
        if self.dry_run {
            return Ok(());
        }
        let Decision {
            before,
            after,
            hugs,
            learned,
            ..
        } = decision;
        let learned = (*learned != HandleRecord::default()).then_some(learned);
        let ledger = &self.deps.ledger;
        ledger
            .record_check(before.as_ref(), after, hugs, learned)
            .await
    }

    async fn remember_limit(&self, until: Timestamp) -> Result<(), LedgerError> {
        if self.dry_run {
            return Ok(());
        }
        let limit = HandleRecord {
            retry_at: Some(until),
            ..HandleRecord::default()
        };
        let name = &self.connected.account.name;
        self.deps.ledger.remember_limit(name, &limit).await
    }

    /// Rejects answers about another account or with too many followers: the mark never goes down, so they
    /// could not be undone.
    fn reject_impossible(
        &self,
        profile: &Profile,
        handle: &HandleRecord,
    ) -> Result<(), NetworkError> {
        let why = match &handle.id {
            Some(id) if *id != profile.id => {
                format!("the answer is about the account {}, not {id}", profile.id)
            }
            _ if profile.followers > MAX_MILESTONE => {
                format!("no account has {} followers", profile.followers)
            }
            _ => return Ok(()),
        };
        Err(self.not_believed(Failure::TryAgain, why))
    }

    /// Reads a count that leapt once more: one that was wrong for a moment must not move the mark. Where the
    /// rate limit is used up, the check waits.
    async fn confirm_leap(&self, before: u64, profile: &Profile) -> Result<(), NetworkError> {
        let (network, count) = (self.connected.network, profile.followers);
        if !is_leap(before, count) {
            return Ok(());
        }
        let blocked = network.blocked_until();
        if let Some(until) = blocked.filter(|until| *until > self.now) {
            let why = format!("it was {before}, then {count}, and cannot be read once more now");
            return Err(self.not_believed(Failure::WaitUntil(until), why));
        }
        let again = network.profile(Some(&profile.id)).await?.followers;
        if is_confirmed(count, again) {
            return Ok(());
        }
        let why = format!("it was {before}, then {count}, and a moment later {again}");
        Err(self.not_believed(Failure::TryAgain, why))
    }

    fn not_believed(&self, failure: Failure, why: String) -> NetworkError {
        NetworkError {
            failure,
            account: self.connected.account.name.clone(),
            attempted: "reading the follower count",
            why,
        }
    }

    /// Moves the mark over what was crossed since `before`, and makes the hugs.
    async fn cross(
        &self,
        before: &AccountRecord,
        profile: &Profile,
        newest: &mut Newest<'_>,
    ) -> Result<Crossing, CheckError> {
        let (mark, count) = (before.promised_up_to, profile.followers);
        let owed = self.connected.account.plan.owed(mark, count);
        if owed.milestones.is_empty() {
            return Ok(Crossing {
                mark: owed.mark,
                hugs: Vec::new(),
                waiting: None,
            });
        }
        let given = self.deps.ledger.hugs(&before.key()).await?;
        // A milestone that has a hug is not owed a second one, wherever the mark is.
        let has_none = |milestone: &Milestone| given.iter().all(|hug| hug.milestone != *milestone);
        let mut recipients = Recipients::begin(
            self.connected,
            newest,
            &given,
            before.remembered.as_ref(),
            count,
            self.now,
        )
        .await?;
        let mut hugs = Vec::new();
        for milestone in owed.milestones.into_iter().filter(has_none) {
            match recipients
                .choose(milestone, before.followers, count)
                .await?
            {
                Choice::Hug(evidence, follower) => {
                    hugs.push(self.hug(profile, milestone, evidence, follower));
                }
                Choice::Nobody(evidence) => {
                    return Ok(Crossing {
                        mark: milestone.mark_while_it_waits(mark),
                        hugs,
                        waiting: Some(Waiting {
                            milestone,
                            skipped: evidence.skipped,
                            skipped_more: evidence.skipped_more,
                        }),
                    });
                }
            }
        }
        Ok(Crossing {
            mark: owed.mark,
            hugs,
            waiting: None,
        })
    }

    /// The top of the list, where the next milestone is near: at the crossing, everyone who is listed above
    /// these followers is new. It is read again only when the count has changed, and the check goes on
    /// where it cannot be read.
    async fn remember(
        &self,
        before: Option<&AccountRecord>,
        mark: u64,
        followers: u64,
        newest: &mut Newest<'_>,
    ) -> Option<Remembered> {
        let kept = before.and_then(|before| before.remembered.clone());
        if mark < followers {
            // A milestone waits, or several more are owed: what was known before them still counts.
            return kept;
        }
        let grew = before.map_or(0, |before| followers.saturating_sub(before.followers));
        if !self.connected.account.plan.is_near(mark, followers, grew) {
            return None;
        }
        if kept
            .as_ref()
            .is_some_and(|kept| kept.followers == followers)
        {
            return kept;
        }
        newest.remember(followers).await.or(kept)
    }

    fn hug(
        &self,
        profile: &Profile,
        milestone: Milestone,
        evidence: Evidence,
        follower: Option<Recipient>,
    ) -> Hug {
        let account = self.connected.account;
        let creator = account.creator.clone();
        Hug {
            account: account.name.clone(),
            id: profile.id.clone(),
            milestone,
            status: Status::Reached,
            follower,
            evidence,
            creator: creator.unwrap_or_else(|| one_line(&profile.name, MAX_NAME)),
            invitation: None,
            refusals: Vec::new(),
            reason: None,
            attempts: 0,
            rearmed: 0,
            lease_until: None,
            reached_at: self.now,
            updated_at: self.now,
            revision: 1,
        }
    }

    fn done(&self, decision: Decision, rearmed: Vec<Rearmed>) -> Check {
        let Decision {
            before,
            after,
            hugs,
            waiting,
            learned,
        } = decision;
        let outcome = match (&before, &waiting) {
            (None, _) => CheckOutcome::Baseline,
            (Some(_), _) if !hugs.is_empty() => CheckOutcome::Milestones,
            (Some(_), Some(_)) => CheckOutcome::Waiting,
            (Some(_), None) => CheckOutcome::NoMilestone,
        };
        Check {
            account: after.name,
            id: Some(after.id),
            outcome,
            followers_before: before.map(|before| before.followers),
            followers: Some(after.followers),
            promised_up_to: Some(after.promised_up_to),
            next_milestone: self.connected.account.plan.next_after(after.promised_up_to),
            hugs,
            waiting,
            rearmed,
            retry_at: learned.retry_at,
        }
    }

    fn rate_limited(&self, known: &Known, rearmed: Vec<Rearmed>, until: Timestamp) -> Check {
        let account = known.account.as_ref();
        let mark = account.map(|account| account.promised_up_to);
        Check {
            account: self.connected.account.name.clone(),
            id: account.map(|account| account.id.clone()),
            outcome: CheckOutcome::RateLimited,
            followers_before: account.map(|account| account.followers),
            followers: None,
            promised_up_to: mark,
            next_milestone: mark.and_then(|mark| self.connected.account.plan.next_after(mark)),
            hugs: Vec::new(),
            waiting: None,
            rearmed,
            retry_at: Some(until),
        }
    }
}
