//! One check of one account: read, decide, record.
//!
//! - This file: what a check decides, and how the decision is recorded in one transaction.
//! - `glance`: where a round knows what the count is to be compared with, and the count is the same, nothing else is read
//!   and nothing is written. `outcome`: what a check found and did. `newest`: the newest followers, read only as far down as needed.
//!   `recipient`: who gets the hug for a milestone. `crossing`: which hugs a count owes. `pass_on`: who gets a hug that
//!   the creator passed on. `stuck`: hugs that are put back to work. `answers`, `songs`: what followers answered, and
//!   which songs were posted. `login`: whether the secrets let the account send. `who`: who has a number, for a question.

mod answers;
mod crossing;
mod glance;
mod login;
mod newest;
mod outcome;
mod pass_on;
mod recipient;
mod songs;
mod stuck;
mod who;

use jiff::Timestamp;
use promise::{
    count::{Belief, believe},
    evidence::PassedOver,
    glance::Glance,
    hug::{Hug, Status},
    listening,
    milestone::Milestone,
    record::{AccountRecord, HandleRecord, Leap, ReadFollowers, Remembered},
};

use self::{
    answers::{Heard, Listening},
    crossing::Look,
    glance::{Glanced, glance, glance_after, reject_impossible},
    newest::Newest,
    recipient::day,
    stuck::{Unsettled, rearm_stuck},
};
use crate::{
    deps::{Connected, Deps},
    ledger::{GlanceChange, HandleChange, LedgerError, LedgerFailure, Recording},
    network::{Failure, NetworkError, Profile},
    settings::Preview,
};
pub use glance::{Counted, FromRound};
pub use login::Login;
pub use outcome::{Check, CheckError, CheckOutcome, Rearmed, Waiting};
pub use who::{Listed, Who, who};

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
    wanted: Wanted,
    round: FromRound,
) -> Result<Check, CheckError> {
    let mut one = OneCheck {
        deps,
        connected,
        wanted,
        round,
        now: deps.clock.now(),
    };
    let mut races = 0;
    loop {
        match one.run().await {
            Err(CheckError::Ledger(error))
                if error.failure == LedgerFailure::LostRace && races < MAX_RACES =>
            {
                races += 1;
                // The count is read again, too.
                one.round.glance = None;
                one.round.counted = None;
                tracing::info!(account = %connected.account.name, "another check wrote first; deciding again");
            }
            ended => return ended,
        }
    }
}

/// Options of a check that a person starts; the schedule uses the defaults.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted {
    /// Decide the same, but write nothing.
    pub dry_run: bool,
    /// Try the login, whenever it was last tried.
    pub login: bool,
}

struct OneCheck<'a> {
    deps: &'a Deps,
    connected: Connected<'a>,
    wanted: Wanted,
    round: FromRound,
    now: Timestamp,
}

/// What the ledger contains before the network is asked.
struct Known {
    handle: HandleRecord,
    account: Option<AccountRecord>,
}

/// What a check decided: everything that is recorded, as one value.
struct Decision {
    outcome: CheckOutcome,
    before: Option<AccountRecord>,
    after: AccountRecord,
    /// The count that was read. It is that of `after`, unless it is not believed yet.
    followers: u64,
    hugs: Vec<Hug>,
    /// Hugs that the creator passed on, with who gets them now.
    passed_on: Vec<Hug>,
    passed_over: Vec<(Milestone, PassedOver)>,
    waiting: Option<Waiting>,
    /// What was learned of the handle.
    handle: HandleChange,
    /// What a try of the login said; `None` where it was not tried.
    login: Option<Login>,
    /// The account's display name on the network.
    display_name: String,
    /// What the next round compares the count with; `None` where it checks the account whatever the count is.
    glance: Option<Glance>,
}

impl Decision {
    /// Adds how far answers were read, and why no song can be found, to the account's record.
    fn note_answers(&mut self, heard: &Heard, now: Timestamp) {
        self.after.answers.clone_from(&heard.read);
        self.after.songs_error.clone_from(&heard.songs_error);
        if heard.billed > 0 {
            self.after.read = ReadFollowers::and(self.after.read, day(now), heard.billed);
        }
    }
}

impl OneCheck<'_> {
    async fn run(&self) -> Result<Check, CheckError> {
        let by_hand = self.wanted.dry_run || self.wanted.login;
        let (counted, limited_until) =
            match glance(self.connected, &self.round, by_hand, self.now).await? {
                Glanced::Done(check) => return Ok(*check),
                Glanced::Look(counted) => (counted, None),
                Glanced::Limited(until) => {
                    self.remember_limit(until).await?;
                    (None, Some(until))
                }
            };
        let known = self.read().await?;
        if known.handle.paused_at.is_some() {
            return Ok(self.not_looked(&known, Unsettled::default(), CheckOutcome::Paused, None));
        }
        let mut unsettled = match &known.account {
            Some(account) => {
                rearm_stuck(&self.deps.ledger, account, self.now, self.wanted.dry_run).await?
            }
            None => Unsettled::default(),
        };
        // A count that was read before a limit began can be used.
        let shared = self.round.limit.as_ref().filter(|_| counted.is_none());
        let shared = shared.map(|limit| limit.until);
        let limits = [known.handle.retry_at, shared, limited_until];
        let limits = limits.into_iter().flatten();
        if let Some(until) = limits.filter(|until| *until > self.now).max() {
            return Ok(self.rate_limited(&known, unsettled, until));
        }
        let heard = match &known.account {
            Some(account) => self.hear(account, &mut unsettled).await?,
            None => Heard::default(),
        };
        match self.decide(&known, &mut unsettled, counted).await {
            Ok(mut decision) => {
                decision.login = self.try_login(&known.handle, &decision.after).await;
                decision.note_answers(&heard, self.now);
                let account = self.connected.account;
                let tried = decision.login.as_ref();
                let hugs_due_at = self.hugs_due_at(&decision.after, &unsettled);
                let (after, handle) = (&decision.after, &known.handle);
                decision.glance =
                    glance_after(account, after, handle, tried, hugs_due_at, self.now);
                self.record(&decision).await?;
                Ok(self.done(&known, decision, unsettled, heard))
            }
            Err(CheckError::Network(NetworkError {
                failure: Failure::WaitUntil(until),
                ..
            })) => {
                self.remember_limit(until).await?;
                let mut check = self.rate_limited(&known, unsettled, until);
                check.heard = heard.hugs;
                Ok(check)
            }
            Err(error) => Err(error),
        }
    }

    /// Hears the answers to the unsettled hugs, tells the creator of silence, and finds the songs that were posted.
    async fn hear(
        &self,
        before: &AccountRecord,
        unsettled: &mut Unsettled,
    ) -> Result<Heard, LedgerError> {
        let listening = Listening {
            deps: self.deps,
            connected: self.connected,
            before,
            now: self.now,
            dry_run: self.wanted.dry_run,
        };
        let mut heard = listening.hear(unsettled).await?;
        heard
            .hugs
            .extend(listening.tell_of_silence(unsettled).await?);
        let found = listening.find_songs(unsettled).await?;
        heard.hugs.extend(found.hugs);
        heard.songs_error = found.error;
        Ok(heard)
    }

    async fn read(&self) -> Result<Known, LedgerError> {
        let (ledger, name) = (&self.deps.ledger, &self.connected.account.name);
        let handle = ledger.handle(name).await?.unwrap_or_default();
        let mut account = match &handle.id {
            Some(id) => ledger.account(&name.with_id(id)).await?,
            None => None,
        };
        if let Some(account) = &mut account {
            // The checks since then found the same count, and wrote nothing.
            account.checked_at = account
                .checked_at
                .max(self.round.looked_at.unwrap_or_default());
        }
        Ok(Known { handle, account })
    }

    async fn decide(
        &self,
        known: &Known,
        still: &mut Unsettled,
        counted: Option<Counted>,
    ) -> Result<Decision, CheckError> {
        let Connected { account, network } = self.connected;
        let profile = match counted.filter(|counted| self.can_use(counted)) {
            Some(counted) => counted.profile,
            None => network.profile(known.handle.id.as_ref()).await?,
        };
        reject_impossible(&account.name, &profile, known.handle.id.as_ref())?;
        let mut unsettled = still.milestones(self.now);
        let before = match (&known.account, &known.handle.id) {
            // It may be a new handle of an account that is known under its old one, with its hugs.
            (None, None) => {
                let key = account.name.with_id(&profile.id);
                let before = self.deps.ledger.account(&key).await?;
                unsettled.extend(before.iter().flat_map(|before| &before.unsettled));
                before
            }
            (known, _) => known.clone(),
        };
        let followers = profile.followers;
        let Some(before) = before else {
            return Ok(self.baseline(known, profile).await);
        };
        let leap = before.leap.as_ref();
        if let Belief::Unconfirmed(leap) = believe(before.followers, leap, followers, self.now) {
            return Ok(self.unconfirmed(known, before, leap, &profile));
        }
        let before = self.looked_at_last(before, followers).await?;
        let mut newest = Newest::new(&account.name, network, &profile.id, self.now);
        let look = Look {
            ledger: &self.deps.ledger,
            connected: self.connected,
            before: &before,
            profile: &profile,
            now: self.now,
        };
        let mut crossing = look.cross(&mut newest).await?;
        let passed_on = look.pass_on(&mut newest, still, &crossing.hugs).await?;
        crossing.passed_over.extend(passed_on.passed_over);
        unsettled.extend(crossing.hugs.iter().map(|hug| hug.milestone));
        let kept = before.remembered.as_ref();
        let remembered = self
            .remember(
                kept,
                crossing.mark,
                before.followers,
                followers,
                &mut newest,
            )
            .await;
        let judged = before.pending.as_ref();
        let judged = judged.and_then(|pending| pending.judged.as_ref());
        let readings: Vec<&Remembered> = kept.into_iter().chain(judged).collect();
        let read = newest.read_beside(&readings);
        Ok(Decision {
            outcome: match &crossing {
                crossing if !crossing.hugs.is_empty() => CheckOutcome::Milestones,
                crossing if crossing.waiting.is_some() => CheckOutcome::Waiting,
                _ => CheckOutcome::NoMilestone,
            },
            after: AccountRecord {
                name: account.name.clone(),
                id: profile.id.clone(),
                followers,
                promised_up_to: crossing.mark,
                unsettled,
                leap: None,
                pending: crossing.pending,
                read: ReadFollowers::and(before.read, day(self.now), read).or(before.read),
                answers: before.answers.clone(),
                songs_error: before.songs_error.clone(),
                remembered,
                checked_at: self.now,
                revision: before.revision + 1,
                unknown: before.unknown.clone(),
            },
            before: Some(before),
            followers,
            hugs: crossing.hugs,
            passed_on: passed_on.hugs,
            passed_over: crossing.passed_over,
            waiting: crossing.waiting,
            handle: self.learned(known, &profile),
            login: None,
            glance: None,
            display_name: profile.name,
        })
    }

    /// Whether a count that was read before this check is as good as one that is read now.
    fn can_use(&self, counted: &Counted) -> bool {
        let (plan, followers) = (self.connected.account.plan, counted.profile.followers);
        let glance = self.round.glance.as_ref();
        let reads_the_list = glance.is_none_or(|glance| glance.reads_the_list(plan, followers));
        !reads_the_list || counted.is_fresh(self.now)
    }

    /// From when on a check looks at the hugs of the account, whatever its count is; `None` where all are settled.
    fn hugs_due_at(&self, after: &AccountRecord, unsettled: &Unsettled) -> Option<Timestamp> {
        let hugs = unsettled
            .hugs
            .iter()
            .filter(|hug| !hug.is_settled(self.now));
        let hugs: Vec<&Hug> = hugs.collect();
        let is_known = |milestone| hugs.iter().any(|hug| hug.milestone == milestone);
        if !after.unsettled.iter().all(|milestone| is_known(*milestone)) {
            // It is new, or this version cannot read it.
            return Some(Glance::AT_EACH_CHECK);
        }
        let looks_for_songs = self.connected.account.songs.is_some();
        listening::due_at(&hugs, after.answers.as_ref(), looks_for_songs, self.now)
    }

    /// The account with the time of its last look, where a milestone is crossed and the evidence shows that time. The
    /// checks that found the same count wrote nothing but the hour's count.
    async fn looked_at_last(
        &self,
        mut before: AccountRecord,
        followers: u64,
    ) -> Result<AccountRecord, LedgerError> {
        let plan = self.connected.account.plan;
        let crosses = !plan
            .owed(before.promised_up_to, followers)
            .milestones
            .is_empty();
        if crosses && self.round.looked_at.is_none() {
            let looked_at = self.deps.ledger.looked_at(&before.key()).await?;
            before.checked_at = before.checked_at.max(looked_at.unwrap_or_default());
        }
        Ok(before)
    }

    /// The first check of an account: it owes nothing for what is behind.
    async fn baseline(&self, known: &Known, profile: Profile) -> Decision {
        let Connected { account, network } = self.connected;
        let followers = profile.followers;
        let mut newest = Newest::new(&account.name, network, &profile.id, self.now);
        let remembered = self
            .remember(None, followers, followers, followers, &mut newest)
            .await;
        Decision {
            outcome: CheckOutcome::Baseline,
            before: None,
            handle: self.learned(known, &profile),
            login: None,
            glance: None,
            display_name: profile.name,
            after: AccountRecord {
                read: ReadFollowers::and(None, day(self.now), newest.read_beside(&[])),
                remembered,
                ..AccountRecord::first(account.name.clone(), profile.id, followers, self.now)
            },
            followers,
            hugs: Vec::new(),
            passed_on: Vec::new(),
            passed_over: Vec::new(),
            waiting: None,
        }
    }

    /// Of a count that is not believed yet, only the leap itself is recorded.
    fn unconfirmed(
        &self,
        known: &Known,
        before: AccountRecord,
        leap: Leap,
        profile: &Profile,
    ) -> Decision {
        Decision {
            outcome: CheckOutcome::Unconfirmed,
            after: AccountRecord {
                leap: Some(leap),
                revision: before.revision + 1,
                ..before.clone()
            },
            before: Some(before),
            followers: profile.followers,
            hugs: Vec::new(),
            passed_on: Vec::new(),
            passed_over: Vec::new(),
            waiting: None,
            handle: self.learned(known, profile),
            login: None,
            glance: None,
            display_name: profile.name.clone(),
        }
    }

    fn learned(&self, known: &Known, profile: &Profile) -> HandleChange {
        let blocked_until = self.connected.network.blocked_until();
        HandleChange {
            set: HandleRecord {
                id: (known.handle.id.as_ref() != Some(&profile.id)).then(|| profile.id.clone()),
                retry_at: blocked_until.filter(|until| *until > self.now),
                ..HandleRecord::default()
            },
            clears_failure: known.handle.failing_since.is_some(),
            ..HandleChange::default()
        }
    }

    /// Tries once a day whether the account can log in, so that a wrong secret is found before the milestone.
    async fn try_login(&self, handle: &HandleRecord, account: &AccountRecord) -> Option<Login> {
        let wanted = self.wanted.login || self.wanted.dry_run || handle.login_is_due(self.now);
        if !wanted || !self.connected.account.sends() {
            return None;
        }
        let login = Login::try_once(self.connected, &account.id).await;
        if let Login::Unclear(error) = &login {
            tracing::info!(account = %self.connected.account.name, %error, "the login is tried at the next check");
        }
        Some(login)
    }

    async fn record(&self, decision: &Decision) -> Result<(), LedgerError> {
        if self.wanted.dry_run {
            return Ok(());
        }
        let handle = decision.handle.clone();
        let handle = match &decision.login {
            Some(login) => login.noted_in(handle, self.now),
            None => handle,
        };
        let hugs = [decision.hugs.as_slice(), &decision.passed_on].concat();
        let recording = Recording {
            before: decision.before.as_ref(),
            after: &decision.after,
            hugs: &hugs,
            passed_over: &decision.passed_over,
            handle: &handle,
            glance: match &decision.glance {
                glance @ Some(_) if *glance == self.round.glance => GlanceChange::Keep,
                Some(glance) => GlanceChange::Set(glance),
                None => GlanceChange::Remove,
            },
        };
        self.deps.ledger.record_check(recording).await
    }

    async fn remember_limit(&self, until: Timestamp) -> Result<(), LedgerError> {
        if self.wanted.dry_run {
            return Ok(());
        }
        let name = &self.connected.account.name;
        let limit = HandleChange::read_limit(until);
        self.deps.ledger.change_handle(name, &limit).await
    }

    /// The top of the list, where the next milestone is near: at the crossing, everyone who is listed above
    /// these followers is new. It is read again only when the count has changed, and the check goes on
    /// where it cannot be read.
    async fn remember(
        &self,
        kept: Option<&Remembered>,
        mark: u64,
        before: u64,
        followers: u64,
        newest: &mut Newest<'_>,
    ) -> Option<Remembered> {
        let kept = kept.cloned();
        if mark < followers {
            // A milestone waits, or several more are owed: what was known before them still counts.
            return kept;
        }
        let grew = followers.saturating_sub(before);
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

    fn done(
        &self,
        known: &Known,
        decision: Decision,
        unsettled: Unsettled,
        mut heard: Heard,
    ) -> Check {
        let Decision {
            outcome,
            before,
            after,
            followers,
            hugs,
            passed_over,
            passed_on,
            waiting,
            handle,
            login,
            display_name,
            glance: _,
        } = decision;
        heard.hugs.extend(passed_on);
        let login_error = match login {
            Some(Login::Works) => None,
            Some(Login::Fails(error)) => Some(error),
            Some(Login::Unclear(_)) | None => known.handle.login_error.clone(),
        };
        let due = hugs.iter().chain(&heard.hugs);
        let due = due.filter(|hug| hug.status == Status::Reached || hug.due);
        let due: Vec<&Hug> = due.chain(unsettled.rearmed_hugs()).collect();
        let next_milestone = self.connected.account.plan.next_after(after.promised_up_to);
        let would_say = self.would_say(&due, next_milestone, &display_name);
        let mut for_creator = unsettled.for_creator();
        let answers_error = after.answers_error().map(str::to_owned);
        for_creator.extend(hugs.iter().filter(|hug| hug.needs_creator()).cloned());
        let written = hugs.iter().chain(&heard.hugs).map(|hug| hug.updated_at);
        let hug_changed_at = written.chain(unsettled.changed_at()).max();
        Check {
            account: after.name,
            id: Some(after.id),
            outcome,
            followers_before: before.map(|before| before.followers),
            followers: Some(followers),
            promised_up_to: Some(after.promised_up_to),
            next_milestone,
            hugs,
            passed_over,
            waiting,
            rearmed: unsettled.rearmed,
            heard: heard.hugs,
            for_creator,
            hug_changed_at,
            login_error,
            answers_error,
            succeeded_at: Some(self.now),
            retry_at: handle.set.retry_at,
            would_say,
        }
    }

    /// In a dry run, the words that would go out: for the hugs that would be sent, or else for the next milestone.
    fn would_say(&self, due: &[&Hug], next: Option<Milestone>, display_name: &str) -> Vec<Preview> {
        if !self.wanted.dry_run {
            return Vec::new();
        }
        let account = self.connected.account;
        let words = due.iter().filter_map(|hug| account.words_of(hug));
        let words: Vec<Preview> = words.collect();
        let next = next.filter(|_| words.is_empty());
        let next = next.and_then(|next| account.next_words(next, display_name, self.now));
        words.into_iter().chain(next).collect()
    }

    fn rate_limited(&self, known: &Known, unsettled: Unsettled, until: Timestamp) -> Check {
        self.not_looked(known, unsettled, CheckOutcome::RateLimited, Some(until))
    }

    fn not_looked(
        &self,
        known: &Known,
        unsettled: Unsettled,
        outcome: CheckOutcome,
        retry_at: Option<Timestamp>,
    ) -> Check {
        let account = known.account.as_ref();
        let mark = account.map(|account| account.promised_up_to);
        Check {
            id: account.map(|account| account.id.clone()),
            followers_before: account.map(|account| account.followers),
            promised_up_to: mark,
            next_milestone: mark.and_then(|mark| self.connected.account.plan.next_after(mark)),
            for_creator: unsettled.for_creator(),
            hug_changed_at: unsettled.changed_at(),
            rearmed: unsettled.rearmed,
            answers_error: account
                .and_then(AccountRecord::answers_error)
                .map(str::to_owned),
            login_error: known.handle.login_error.clone(),
            succeeded_at: account.map(|account| account.checked_at),
            retry_at,
            ..Check::ended(self.connected.account.name.clone(), outcome)
        }
    }
}
