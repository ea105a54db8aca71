//! One check of one account: read, decide, then record, all in one transaction.

use jiff::Timestamp;
use serde::Serialize;

use crate::{
    Deps,
    account::{Account, AccountName, Remembered, Signpost, as_text},
    follower::Recipient,
    foreign::{LONGEST_NAME, one_line},
    hug::{Evidence, Hug, HugKey, Skipped, Status},
    ledger::{Kind, LedgerError},
    milestone::{GREATEST, Milestone},
    naming::{Named, Naming},
    network::{Failure, Network, NetworkError, Profile},
    newest::Newest,
    settings,
};

/// A check writes down at most this many milestones; the rest are owed at the next one.
const MOST_MILESTONES: usize = 10;

/// A milestone is near when the count is this close to it, or would be there after twice the growth
/// since the check before.
const NEAR: u64 = 10;

/// A count that more than doubled, and by more than this, is asked for once more before it is
/// believed: what it crosses is promised in public, and the mark never comes back.
const GREATEST_LEAP: u64 = 1_000;

/// How often a check that lost the race against another is decided again.
const MOST_RACES: usize = 4;

/// What a check found and did.
#[derive(Clone, Debug, Serialize)]
pub struct Check {
    /// The account.
    #[serde(with = "as_text")]
    pub account: AccountName,
    /// Its id on the network, once known.
    pub id: Option<String>,
    /// What it came to.
    pub outcome: Outcome,
    /// Followers at the check before.
    pub followers_before: Option<u64>,
    /// Followers now.
    pub followers: Option<u64>,
    /// The mark after this check.
    pub promised_up_to: Option<u64>,
    /// The next number that is a milestone.
    pub next_milestone: Option<Milestone>,
    /// The hugs that are owed from now on.
    pub hugs: Vec<Hug>,
    /// A milestone that waits for a genuine follower.
    pub waiting: Option<Waiting>,
    /// Earlier hugs that were stuck and have been put back to work or given up.
    pub rearmed: Vec<Rearmed>,
    /// No reading before this time.
    pub retry_at: Option<Timestamp>,
}

/// What a check came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The first check: what lies behind is not paid back.
    Baseline,
    /// No milestone was crossed.
    NoMilestone,
    /// At least one was, and is owed now.
    Milestones,
    /// One was, but nobody genuine stands at its place or after it yet.
    Waiting,
    /// The network asked to be left alone until `retry_at`.
    RateLimited,
}

/// A milestone that was crossed by nobody who counts, so far.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Waiting {
    /// The number.
    pub milestone: Milestone,
    /// Who stands there, and why they do not count; the first hundred of them.
    pub skipped: Vec<Skipped>,
    /// How many more stand there than `skipped` lists.
    pub skipped_more: u64,
}

/// A stuck hug that was moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Rearmed {
    /// Its milestone.
    pub milestone: Milestone,
    /// `reached` again, or `undeliverable`.
    pub status: Status,
}

/// A check that failed; the mark has not moved, and the next check tries again.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CheckError {
    /// The network could not be read.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// The ledger could not be read or written.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The one hug that was to be put back to work cannot be.
    #[error("putting the hug for {milestone} back to work was refused for {account}: {why}")]
    NotRedriven {
        /// Whose hug.
        account: AccountName,
        /// Which.
        milestone: Milestone,
        /// What speaks against it.
        why: String,
    },
}

impl CheckError {
    /// Whether the next check can work without anyone changing anything.
    pub fn retry_can_help(&self) -> bool {
        match self {
            Self::Network(error) => error.failure.retry_can_help(),
            Self::Ledger(error) => error.kind != Kind::Final,
            Self::NotRedriven { .. } => false,
        }
    }
}

/// How to look.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ask {
    /// Do all but write.
    pub dry_run: bool,
    /// Put back to work what is not delivered and nobody is at work on, those that were given up
    /// too: someone has removed the cause.
    pub redrive: Option<Redrive>,
}

/// Which hugs to put back to work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Redrive {
    /// Every one that can be.
    All,
    /// This one, or say why not.
    Only(Milestone),
}

impl Redrive {
    fn is_about(self, milestone: Milestone) -> bool {
        match self {
            Self::All => true,
            Self::Only(one) => one == milestone,
        }
    }
}

/// Looks at one account: notices milestones, names who crossed them, writes down what is owed, and
/// puts stuck hugs back to work.
///
/// # Errors
///
/// Where the network or the ledger fails; nothing has been written then.
pub async fn check(
    deps: &Deps,
    account: &settings::Account,
    network: &dyn Network,
    ask: Ask,
) -> Result<Check, CheckError> {
    let one = OneCheck {
        deps,
        account,
        network,
        ask,
        now: deps.clock.now(),
    };
    let mut races = 0;
    loop {
        match one.run().await {
            Err(CheckError::Ledger(error))
                if error.kind == Kind::LostRace && races < MOST_RACES =>
            {
                races += 1;
                tracing::info!(account = %account.name, "another check wrote first; deciding again");
            }
            ended => return ended,
        }
    }
}

struct OneCheck<'a> {
    deps: &'a Deps,
    account: &'a settings::Account,
    network: &'a dyn Network,
    ask: Ask,
    now: Timestamp,
}

impl OneCheck<'_> {
    async fn run(&self) -> Result<Check, CheckError> {
        let signpost = self
            .deps
            .ledger
            .signpost(&self.account.name)
            .await?
            .unwrap_or_default();
        let known = match &signpost.id {
            Some(id) => {
                self.deps
                    .ledger
                    .account(&self.account.name.with_id(id))
                    .await?
            }
            None => None,
        };
        let known = match (known, self.ask.redrive) {
            (Some(known), Some(redrive)) => Some(self.reopen(known, redrive).await?),
            (None, Some(Redrive::Only(milestone))) => {
                return Err(self.not_redriven(milestone, "the account has not been checked yet"));
            }
            (known, _) => known,
        };
        let (rearmed, unsettled) = self.look_after(known.as_ref()).await?;
        let mut check = self.blank(known.as_ref(), rearmed);
        if let Some(until) = signpost.retry_at.filter(|until| *until > self.now) {
            return Ok(check.rate_limited(until));
        }
        let untouched = check.clone();
        let outcome = match self.network.profile(signpost.id.as_deref()).await {
            Ok(profile) => {
                self.decide(&mut check, profile, &signpost, known, unsettled)
                    .await
            }
            Err(error) => Err(error.into()),
        };
        match outcome {
            Ok(()) => Ok(check),
            Err(CheckError::Network(NetworkError {
                failure: Failure::WaitUntil(until),
                ..
            })) => {
                self.remember_rate_limit(until).await?;
                Ok(untouched.rate_limited(until))
            }
            Err(error) => Err(error),
        }
    }

    async fn decide(
        &self,
        check: &mut Check,
        profile: Profile,
        signpost: &Signpost,
        known: Option<Account>,
        unsettled: Vec<Milestone>,
    ) -> Result<(), CheckError> {
        self.check_sense(&profile, signpost)?;
        let key = self.account.name.with_id(&profile.id);
        let (before, unsettled) = match known {
            // Perhaps the new handle of an account that is known under its old one, hugs and all.
            None if signpost.id.is_none() => {
                let before = self.deps.ledger.account(&key).await?;
                let unsettled = before.as_ref().map(|before| before.unsettled.clone());
                (before, unsettled.unwrap_or_default())
            }
            known => (known, unsettled),
        };
        if let Some(before) = &before {
            self.check_leap(before.followers, &profile).await?;
        }
        let mut after = Account {
            account: self.account.name.clone(),
            id: profile.id.clone(),
            followers: profile.followers,
            promised_up_to: before
                .as_ref()
                .map_or(profile.followers, |before| before.promised_up_to),
            unsettled,
            remembered: None,
            checked_at: self.now,
            revision: before.as_ref().map_or(1, |before| before.revision + 1),
        };
        let mut newest = Newest::new(self.account, self.network, &profile);
        check.outcome = match &before {
            None => Outcome::Baseline,
            Some(before) => {
                self.cross(check, before, &mut after, &profile, &mut newest)
                    .await?
            }
        };
        after.remembered = self.remember(before.as_ref(), &after, &mut newest).await;
        let retry_at = newest.retry_at;
        let learned = Signpost {
            id: (signpost.id.as_deref() != Some(&profile.id)).then(|| profile.id.clone()),
            retry_at,
            send_retry_at: None,
        };
        if !self.ask.dry_run {
            let learned = (learned != Signpost::default()).then_some(&learned);
            self.deps
                .ledger
                .record_check(before.as_ref(), &after, &check.hugs, learned)
                .await?;
        }
        check.id = Some(profile.id);
        check.followers_before = before.map(|before| before.followers);
        check.followers = Some(after.followers);
        check.promised_up_to = Some(after.promised_up_to);
        check.next_milestone = self.deps.settings.plan.next_after(after.promised_up_to);
        check.retry_at = retry_at;
        Ok(())
    }

    /// The mark never goes down, so an answer that no network can mean must not move it.
    fn check_sense(&self, profile: &Profile, signpost: &Signpost) -> Result<(), NetworkError> {
        let why = match &signpost.id {
            Some(id) if *id != profile.id => {
                format!("the answer is about the account {}, not {id}", profile.id)
            }
            _ if profile.followers > GREATEST => {
                format!("nobody has {} followers", profile.followers)
            }
            _ => return Ok(()),
        };
        Err(NetworkError {
            failure: Failure::TryAgain,
            account: self.account.name.clone(),
            attempted: "reading the follower count",
            why,
        })
    }

    /// Asks again where the count leapt; one that was wrong for a moment must not move the mark.
    async fn check_leap(&self, before: u64, profile: &Profile) -> Result<(), NetworkError> {
        let leapt = profile.followers.saturating_sub(before) > before.max(GREATEST_LEAP);
        if !leapt || profile.retry_at.is_some() {
            return Ok(());
        }
        let again = self.network.profile(Some(&profile.id)).await?.followers;
        if again.saturating_mul(2) > profile.followers {
            return Ok(());
        }
        Err(NetworkError {
            failure: Failure::TryAgain,
            account: self.account.name.clone(),
            attempted: "reading the follower count",
            why: format!(
                "it was {before}, then {}, and a moment later {again}",
                profile.followers
            ),
        })
    }

    /// Moves the mark of `after` over what was crossed since `before`, and makes the hugs.
    async fn cross(
        &self,
        check: &mut Check,
        before: &Account,
        after: &mut Account,
        profile: &Profile,
        newest: &mut Newest<'_>,
    ) -> Result<Outcome, CheckError> {
        let plan = self.deps.settings.plan;
        let mark = before.promised_up_to;
        let crossed: Vec<Milestone> = plan
            .crossed(mark, profile.followers)
            .take(MOST_MILESTONES)
            .collect();
        let Some(last) = crossed.last().copied() else {
            after.promised_up_to = mark.max(profile.followers);
            return Ok(Outcome::NoMilestone);
        };
        let given = self.deps.ledger.hugs(&after.key()).await?;
        // One that is written down already is not owed a second time, wherever the mark is.
        let owed: Vec<Milestone> = crossed
            .into_iter()
            .filter(|milestone| given.iter().all(|hug| hug.milestone != *milestone))
            .collect();
        let mut naming = Naming::begin(
            newest,
            self.now,
            &given,
            before.remembered.as_ref(),
            profile.followers,
        )
        .await?;
        for milestone in owed {
            match naming
                .name(milestone, before.followers, profile.followers)
                .await?
            {
                Named::Hug(evidence, follower) => {
                    check.hugs.push(self.hug(
                        after.id.clone(),
                        milestone,
                        evidence,
                        follower,
                        &profile.name,
                    ));
                    after.unsettled.push(milestone);
                }
                Named::Nobody(evidence) => {
                    check.waiting = Some(Waiting {
                        milestone,
                        skipped: evidence.skipped,
                        skipped_more: evidence.skipped_more,
                    });
                    break;
                }
            }
        }
        after.promised_up_to = match &check.waiting {
            Some(waiting) => mark.max(waiting.milestone.number() - 1),
            None if plan
                .next_after(last.number())
                .is_some_and(|next| next.number() <= profile.followers) =>
            {
                last.number()
            }
            None => profile.followers,
        };
        Ok(if check.waiting.is_some() && check.hugs.is_empty() {
            Outcome::Waiting
        } else {
            Outcome::Milestones
        })
    }

    /// Who stands at the top of the list, where the next milestone is near: at the crossing, whoever
    /// stands above them has come since. It is read again only when the count has moved, and a
    /// failure to read it stops no check.
    async fn remember(
        &self,
        before: Option<&Account>,
        after: &Account,
        newest: &mut Newest<'_>,
    ) -> Option<Remembered> {
        let kept = before.and_then(|before| before.remembered.clone());
        if after.promised_up_to < after.followers {
            // A milestone waits, or several more are owed: what was known before them still counts.
            return kept;
        }
        let grew = before.map_or(0, |before| after.followers.saturating_sub(before.followers));
        let near = NEAR.max(2 * grew);
        let next = self.deps.settings.plan.next_after(after.promised_up_to)?;
        if next.number().saturating_sub(after.followers) > near {
            return None;
        }
        if kept
            .as_ref()
            .is_some_and(|kept| kept.followers == after.followers)
        {
            return kept;
        }
        let remembered = newest.remember(after.followers, self.now).await;
        remembered.or(kept)
    }

    fn hug(
        &self,
        id: String,
        milestone: Milestone,
        evidence: Evidence,
        follower: Option<Recipient>,
        name: &str,
    ) -> Hug {
        Hug {
            account: self.account.name.clone(),
            id,
            milestone,
            status: Status::Reached,
            follower,
            evidence,
            creator: self
                .account
                .creator
                .clone()
                .unwrap_or_else(|| one_line(name, LONGEST_NAME)),
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

    /// The account with the undelivered hugs among those to look after, written before any of them
    /// is moved, so that a crash in between loses none.
    async fn reopen(&self, known: Account, redrive: Redrive) -> Result<Account, CheckError> {
        let hugs = self.deps.ledger.hugs(&known.key()).await?;
        if let Redrive::Only(milestone) = redrive {
            self.can_be_redriven(milestone, &hugs)?;
        }
        let to_look_after = |hug: &&Hug| {
            let given_up = hug.status == Status::Undeliverable && redrive.is_about(hug.milestone);
            !hug.status.is_settled() || given_up
        };
        let unsettled: Vec<Milestone> = hugs
            .iter()
            .filter(to_look_after)
            .map(|hug| hug.milestone)
            .collect();
        if unsettled == known.unsettled {
            return Ok(known);
        }
        let mut reopened = Account {
            unsettled,
            ..known.clone()
        };
        if !self.ask.dry_run {
            reopened.revision += 1;
            self.deps
                .ledger
                .record_check(Some(&known), &reopened, &[], None)
                .await?;
        }
        Ok(reopened)
    }

    fn can_be_redriven(&self, milestone: Milestone, hugs: &[Hug]) -> Result<(), CheckError> {
        let Some(hug) = hugs.iter().find(|hug| hug.milestone == milestone) else {
            let there: Vec<String> = hugs.iter().map(|hug| hug.milestone.to_string()).collect();
            let why = match there.as_slice() {
                [] => "there is none, and no other yet".to_owned(),
                there => format!("there is none; there are {}", there.join(", ")),
            };
            return Err(self.not_redriven(milestone, why));
        };
        match hug.redrive(self.now) {
            Ok(_) => Ok(()),
            Err(why) => Err(self.not_redriven(milestone, why.to_string())),
        }
    }

    fn not_redriven(&self, milestone: Milestone, why: impl Into<String>) -> CheckError {
        CheckError::NotRedriven {
            account: self.account.name.clone(),
            milestone,
            why: why.into(),
        }
    }

    /// Puts stuck hugs back to work; answers which were moved, and which still need looking after.
    async fn look_after(
        &self,
        known: Option<&Account>,
    ) -> Result<(Vec<Rearmed>, Vec<Milestone>), CheckError> {
        let (mut moved, mut unsettled) = (Vec::new(), Vec::new());
        let Some(known) = known else {
            return Ok((moved, unsettled));
        };
        for milestone in &known.unsettled {
            let key = HugKey {
                id: known.key(),
                milestone: *milestone,
            };
            let Some(hug) = self.deps.ledger.hug(&key).await? else {
                continue;
            };
            let moved_on = match self.ask.redrive {
                Some(redrive) if redrive.is_about(*milestone) => hug.redrive(self.now).ok(),
                _ => hug.rearm(self.now),
            };
            let Some(next) = moved_on else {
                unsettled.extend((!hug.status.is_settled()).then_some(*milestone));
                continue;
            };
            if !self.ask.dry_run {
                match self.deps.ledger.replace_hug(&next).await {
                    // Whoever won is looking after it.
                    Err(error) if error.kind == Kind::LostRace => {
                        unsettled.push(*milestone);
                        continue;
                    }
                    written => written?,
                }
            }
            tracing::warn!(account = %self.account.name, milestone = milestone.number(), status = ?next.status, reason = next.reason, "a stuck hug was moved");
            moved.push(Rearmed {
                milestone: *milestone,
                status: next.status,
            });
            unsettled.extend((!next.status.is_settled()).then_some(*milestone));
        }
        Ok((moved, unsettled))
    }

    async fn remember_rate_limit(&self, until: Timestamp) -> Result<(), LedgerError> {
        if self.ask.dry_run {
            return Ok(());
        }
        let limit = Signpost {
            retry_at: Some(until),
            ..Signpost::default()
        };
        self.deps.ledger.remember(&self.account.name, &limit).await
    }

    /// What is known before the network has been asked.
    fn blank(&self, known: Option<&Account>, rearmed: Vec<Rearmed>) -> Check {
        Check {
            account: self.account.name.clone(),
            id: known.map(|known| known.id.clone()),
            outcome: Outcome::NoMilestone,
            followers_before: known.map(|known| known.followers),
            followers: None,
            promised_up_to: known.map(|known| known.promised_up_to),
            next_milestone: known
                .and_then(|known| self.deps.settings.plan.next_after(known.promised_up_to)),
            hugs: Vec::new(),
            waiting: None,
            rearmed,
            retry_at: None,
        }
    }
}

impl Check {
    fn rate_limited(mut self, until: Timestamp) -> Self {
        self.outcome = Outcome::RateLimited;
        self.retry_at = Some(until);
        self
    }
}
