//! A round of checks: every account of hug.toml and of the roster, read together as far as networks allow.
//!
//! The roster is read page by page. An account whose count can be compared with that of its last check waits until there
//! are enough of them to be read with one request; those whose count is the same are done, unless something else is due.
//! Every other account is checked by itself. A rate limit stops every account that shares it, and no other.

use std::{
    collections::{BTreeMap, HashMap, HashSet, VecDeque},
    sync::Arc,
};

use futures::{StreamExt, stream::FuturesUnordered};
use have_a_hug::{
    check::{CheckOutcome, Counted, FromRound, Wanted},
    deps::Deps,
    ledger::{Enrolled, LedgerError, RosterPage, RosterPlace},
    network::{Failure, Network, NetworkError, Profile},
    networks,
    settings::Account,
};
use jiff::Timestamp;
use promise::{
    account::{AccountId, AccountName, NetworkName, UserId},
    glance::Glance,
};

use crate::{
    job::{Candidate, Done, Job, Source},
    pages::Pages,
    places::{MAX_FAILED, Places},
    summary::{Checked, FAILING_AFTER, Found},
};

/// How many requests, checks and pages are under way at the same time: each waits for a network most of its time.
const MAX_CONCURRENT_JOBS: usize = 64;

/// So many hourly counts are recorded together.
const COUNTS_AT_ONCE: usize = 100;

/// Runs a round. No request begins after `last_start`.
pub(crate) async fn round(deps: &Deps, wanted: Wanted, last_start: Option<Timestamp>) -> Found {
    let begin = lock(deps).clone();
    let mut round = Round::new(deps, wanted, last_start, begin.clone());
    if begin.is_some() {
        round.read_limits().await;
    }
    let mut running = FuturesUnordered::new();
    loop {
        while running.len() < MAX_CONCURRENT_JOBS
            && let Some(job) = round.next_job(running.is_empty())
        {
            running.push(job.run(deps, wanted));
        }
        match running.next().await {
            Some(done) => round.take(done),
            None => break,
        }
    }
    // A dry run does not change with which account the next round begins.
    if !wanted.dry_run {
        *lock(deps) = round.next_begin(begin);
    }
    round.finish()
}

fn lock(deps: &Deps) -> std::sync::MutexGuard<'_, Option<RosterPlace>> {
    // A place is whole even if a thread panicked while it held the lock.
    deps.turn
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// The state of a round.
struct Round<'a> {
    deps: &'a Deps,
    wanted: Wanted,
    last_start: Option<Timestamp>,
    /// The active accounts of hug.toml, in the order of the roster, with their places in hug.toml.
    configured: BTreeMap<RosterPlace, (usize, &'a Account)>,
    pages: Pages,
    /// What waits for its turn.
    ready: VecDeque<Job<'a>>,
    /// Accounts that are read together, until there are enough of them.
    groups: HashMap<(NetworkName, String), Vec<Candidate<'a>>>,
    /// The clients for the accounts of the roster, by what tells them apart.
    readers: HashMap<ReaderKey, Arc<dyn Network>>,
    places: Places,
    counts: Vec<(AccountId, u64)>,
    numbered: usize,
    /// The first account that was left out and was not left out by a limit that was in force before: its number and place.
    left_out: Option<(usize, Option<RosterPlace>)>,
    /// Whether an account was left out by a limit that was in force when the round began.
    waits_for_limit: bool,
    results: Vec<(usize, Checked)>,
    found: Found,
}

/// A network, a server and where it is read.
type ReaderKey = (NetworkName, String, Option<String>);

impl<'a> Round<'a> {
    fn new(
        deps: &'a Deps,
        wanted: Wanted,
        last_start: Option<Timestamp>,
        begin: Option<RosterPlace>,
    ) -> Self {
        let accounts = deps.settings.accounts.iter().enumerate();
        let active = accounts.filter(|(_, account)| account.is_active());
        Self {
            deps,
            wanted,
            last_start,
            configured: active
                .map(|(index, account)| (RosterPlace::of(&account.name), (index, account)))
                .collect(),
            pages: Pages::from(begin),
            ready: VecDeque::new(),
            groups: HashMap::new(),
            readers: HashMap::new(),
            places: Places::default(),
            counts: Vec::new(),
            numbered: 0,
            left_out: None,
            waits_for_limit: false,
            results: Vec::new(),
            found: Found::default(),
        }
    }

    /// Reads the limits, which lie at the beginning of the roster, for a round that begins behind them.
    async fn read_limits(&mut self) {
        match self.deps.ledger.limits().await {
            Ok(limits) => self.places.know(limits),
            Err(error) => tracing::warn!(%error, "the rate limits are not known yet"),
        }
    }

    fn is_late(&self) -> bool {
        let now = self.deps.clock.now();
        self.last_start.is_some_and(|last| now > last)
    }

    /// What is to be done next; `None` where nothing is, before something else has ended. `is_last` says that nothing else
    /// is under way.
    fn next_job(&mut self, is_last: bool) -> Option<Job<'a>> {
        if self.pages.is_wanted() && self.ready.len() < MAX_CONCURRENT_JOBS {
            return Some(Job::Page(self.pages.next()));
        }
        while let Some(job) = self.ready.pop_front() {
            if let Some(job) = self.unless_left_out(job) {
                return Some(job);
            }
        }
        let are_last = is_last && !self.counts.is_empty();
        are_last.then(|| Job::RecordCounts(std::mem::take(&mut self.counts)))
    }

    /// The job, unless there is no time for it or its place does not answer. Then its accounts are left out.
    fn unless_left_out(&mut self, job: Job<'a>) -> Option<Job<'a>> {
        let (now, late) = (self.deps.clock.now(), self.is_late());
        match job {
            Job::Count(members) => {
                let place = members.first().and_then(|one| one.place.as_deref());
                let limit = self.places.limit(place, now);
                if late || limit.is_some() || self.places.is_silent(place) {
                    for one in members {
                        self.alone(one, None);
                    }
                    return None;
                }
                Some(Job::Count(members))
            }
            Job::Check(candidate, _) if late => {
                self.found.out_of_time += 1;
                self.leave_out(*candidate, out_of_time);
                None
            }
            Job::Check(candidate, _) if self.places.is_silent(candidate.place.as_deref()) => {
                self.leave_out(*candidate, not_asked);
                None
            }
            Job::Check(candidate, mut from_round) => {
                from_round.limit = self.places.limit(candidate.place.as_deref(), now);
                let is_of_roster = matches!(candidate.source, Source::Roster(_));
                let glance = candidate.glance.as_ref();
                let needs_the_count_alone = from_round.counted.is_none()
                    && glance.is_some_and(|glance| !glance.is_due(now));
                if let Some(limit) = &from_round.limit
                    && is_of_roster
                    && needs_the_count_alone
                {
                    self.found.limited += 1;
                    if now.duration_since(limit.since) >= FAILING_AFTER {
                        self.found.limited_for_long += 1;
                    }
                    if !self.waits_for_limit {
                        self.note_left_out(&candidate);
                    }
                    return None;
                }
                Some(Job::Check(candidate, from_round))
            }
            other => Some(other),
        }
    }

    fn leave_out(&mut self, candidate: Candidate<'a>, why: fn(AccountName) -> Checked) {
        self.note_left_out(&candidate);
        let checked = why(candidate.name.clone());
        self.result(candidate, checked);
    }

    fn note_left_out(&mut self, candidate: &Candidate<'a>) {
        let first = self.left_out.as_ref().map(|(number, _)| *number);
        if first.is_none_or(|first| candidate.number < first) {
            let before = RosterPlace::before(&candidate.name);
            self.left_out = Some((candidate.number, Some(before)));
        }
    }

    fn take(&mut self, done: Done<'a>) {
        match done {
            Done::Page(page) => self.take_page(page),
            Done::Counted(members, counts, blocked_until) => {
                self.take_counts(members, counts, blocked_until);
            }
            Done::Checked(candidate, checked, blocked_until) => {
                self.note_limit(candidate.place.as_deref(), blocked_until);
                self.take_checked(*candidate, *checked);
            }
            Done::Recorded => {}
        }
        if self.pages.have_ended() {
            // No more accounts come that could be read with these.
            let groups = std::mem::take(&mut self.groups);
            groups.into_values().for_each(|group| self.count(group));
        }
    }

    fn take_page(&mut self, page: Result<RosterPage, LedgerError>) {
        let page = page.unwrap_or_else(|error| {
            // The accounts of hug.toml are checked all the same.
            tracing::error!(%error, "the roster is not read");
            self.found.roster_error = Some(error);
            RosterPage::default()
        });
        self.places.know(page.limits);
        let part = self.pages.read(page.next);
        let mut rows: BTreeMap<RosterPlace, _> = BTreeMap::new();
        for row in page.rows {
            let place = RosterPlace::of(&row.name);
            if part.has(&place) {
                rows.insert(place, (row.name, row.glance, row.enrolled));
            }
        }
        for (place, (_, account)) in &self.configured {
            if part.has(place) {
                // An account without a row is new.
                let row = || (account.name.clone(), None, None);
                rows.entry(place.clone()).or_insert_with(row);
            }
        }
        for (place, (name, glance, enrolled)) in rows {
            let configured = self.configured.get(&place).copied();
            self.candidate(name, glance, enrolled, configured);
        }
        if self.pages.is_wanted() && self.is_late() {
            // How many more the roster has is not known.
            self.found.out_of_time += 1;
            let place = self.pages.end();
            self.left_out.get_or_insert((self.numbered, place));
        }
    }

    /// Decides how an account is looked at.
    fn candidate(
        &mut self,
        name: AccountName,
        glance: Option<Glance>,
        enrolled: Option<Enrolled>,
        configured: Option<(usize, &'a Account)>,
    ) {
        let source = match (configured, enrolled) {
            (Some((index, account)), _) => Source::File(index, self.deps.connected(&account.name)),
            (None, Some(enrolled)) if enrolled.active => {
                Source::Roster(self.reader(&name, enrolled))
            }
            // An account that hug.toml does not name any more, or that is switched off.
            _ => return,
        };
        let place = source.network().map(Network::limit);
        // Whether the count alone is enough is decided when it is known.
        let by_hand = self.wanted.dry_run || self.wanted.login;
        let can_be_counted = glance.is_some() && !by_hand;
        let candidate = Candidate {
            number: self.numbered,
            name,
            glance,
            source,
            place,
        };
        self.numbered += 1;
        let now = self.deps.clock.now();
        let limited = self.places.limit(candidate.place.as_deref(), now);
        match candidate.place.clone() {
            Some(place) if can_be_counted && limited.is_none() => {
                let network = candidate.name.network;
                let group = self.groups.entry((network, place)).or_default();
                group.push(candidate);
                if group.len() >= networks::rules(network).profiles_at_once {
                    let group = std::mem::take(group);
                    self.count(group);
                }
            }
            _ => {
                self.waits_for_limit |= limited.is_some();
                self.alone(candidate, None);
            }
        }
    }

    /// The client that reads accounts of the roster at the place of this one.
    fn reader(&mut self, name: &AccountName, enrolled: Enrolled) -> Arc<dyn Network> {
        let server = networks::rules(name.network).server(&name.handle, enrolled.server.as_deref());
        let key = (name.network, server, enrolled.appview.clone());
        let reader = self.readers.entry(key);
        reader
            .or_insert_with(|| self.deps.reader(name, &enrolled))
            .clone()
    }

    /// Reads the counts of these accounts together. An account of hug.toml that is left alone is read by its check; one of
    /// the table is not, because its check would open its login for that.
    fn count(&mut self, mut group: Vec<Candidate<'a>>) {
        match group.as_slice() {
            [] => {}
            [one] if matches!(one.source, Source::File(..)) => {
                group.drain(..).for_each(|one| self.alone(one, None));
            }
            _ => self.ready.push_back(Job::Count(group)),
        }
    }

    /// Has an account checked by itself. One that was counted is checked next, while its count is fresh.
    fn alone(&mut self, candidate: Candidate<'a>, counted: Option<Counted>) {
        let is_counted = counted.is_some();
        let id = candidate.glance.as_ref().map(|glance| &glance.id);
        let looked_at = id.and_then(|id| self.deps.looks.last(&candidate.name.with_id(id)));
        let from_round = FromRound {
            glance: candidate.glance.clone(),
            looked_at,
            counted,
            limit: None,
        };
        let job = Job::Check(Box::new(candidate), Box::new(from_round));
        if is_counted {
            self.ready.push_front(job);
        } else {
            self.ready.push_back(job);
        }
    }

    fn take_counts(
        &mut self,
        members: Vec<Candidate<'a>>,
        counts: Result<Vec<Profile>, NetworkError>,
        blocked_until: Option<Timestamp>,
    ) {
        let place = members.first().and_then(|one| one.place.as_deref());
        self.note_limit(place, blocked_until);
        let mut counts: HashMap<UserId, Profile> = match counts {
            Ok(counts) => counts
                .into_iter()
                .map(|profile| (profile.id.clone(), profile))
                .collect(),
            Err(error) => {
                if !matches!(error.failure, Failure::WaitUntil(_)) {
                    tracing::warn!(%error, accounts = members.len(), "each is read by itself");
                }
                HashMap::new()
            }
        };
        let at = self.deps.clock.now();
        for one in members {
            let id = one.glance.as_ref().map(|glance| &glance.id);
            let profile = id.and_then(|id| counts.remove(id));
            if self.is_unchanged(&one, profile.as_ref()) {
                self.found.unchanged += 1;
            } else {
                self.alone(one, profile.map(|profile| Counted { profile, at }));
            }
        }
    }

    /// Whether an account of the roster is done, because its count is the same and nothing else is due. (Those of hug.toml
    /// are listed one by one, so each has its check, which finds the same.)
    fn is_unchanged(&mut self, one: &Candidate<'a>, profile: Option<&Profile>) -> bool {
        let (Source::Roster(_), Some(glance), Some(profile)) = (&one.source, &one.glance, profile)
        else {
            return false;
        };
        // Whoever changes its settings removes the glance, so they need not be compared.
        let is_due = glance.is_due(self.deps.clock.now());
        let is_unchanged = profile.followers == glance.followers && !is_due;
        if is_unchanged {
            self.note_look(one.name.with_id(&glance.id), glance.followers);
        }
        is_unchanged
    }

    /// Notes that nothing happened at an account, and its count if the hour's is due.
    fn note_look(&mut self, id: AccountId, followers: u64) {
        if self.deps.looks.note(&id, self.deps.clock.now()) {
            self.counts.push((id, followers));
        }
        if self.counts.len() >= COUNTS_AT_ONCE {
            // They must not pile up until all accounts are read.
            let counts = std::mem::take(&mut self.counts);
            self.ready.push_back(Job::RecordCounts(counts));
        }
    }

    fn take_checked(&mut self, candidate: Candidate<'a>, checked: Checked) {
        match &checked {
            Checked::Done(check) => {
                if let (Some(id), Some(followers)) = (&check.id, check.followers) {
                    let id = check.account.with_id(id);
                    if check.outcome == CheckOutcome::Unchanged {
                        self.note_look(id, followers);
                    } else {
                        // The check itself has recorded the count.
                        self.deps.looks.note(&id, self.deps.clock.now());
                    }
                }
            }
            Checked::Failed {
                retry_can_help: true,
                ..
            } => {
                if let Some(place) = &candidate.place {
                    self.places.note_failure(place);
                }
            }
            Checked::Failed { .. } | Checked::Skipped { .. } => {}
        }
        self.result(candidate, checked);
    }

    fn result(&mut self, candidate: Candidate<'a>, checked: Checked) {
        match candidate.source {
            Source::File(index, _) => self.results.push((index, checked)),
            Source::Roster(_) => self.results.push((usize::MAX, checked)),
        }
    }

    /// Notes until when nothing may be read at that place, and has a new limit recorded.
    fn note_limit(&mut self, place: Option<&str>, until: Option<Timestamp>) {
        let (Some(place), Some(until)) = (place, until) else {
            return;
        };
        let now = self.deps.clock.now();
        let limit = self.places.note_limit(place, until, now);
        if let Some(limit) = limit.filter(|_| !self.wanted.dry_run) {
            self.ready.push_back(Job::RecordLimit(limit));
        }
    }

    /// Where the next round begins: with the first account that was left out. While a limit is in force, the place at
    /// which it stopped an earlier round stays.
    fn next_begin(&self, begin: Option<RosterPlace>) -> Option<RosterPlace> {
        match &self.left_out {
            Some((_, place)) => place.clone(),
            None => begin.filter(|_| self.waits_for_limit),
        }
    }

    fn finish(mut self) -> Found {
        let seen: HashSet<usize> = self.results.iter().map(|(index, _)| *index).collect();
        for (index, account) in self.configured.into_values() {
            if !seen.contains(&index) {
                self.found.out_of_time += 1;
                self.results
                    .push((index, out_of_time(account.name.clone())));
            }
        }
        self.results.sort_by_key(|(index, _)| *index);
        let accounts = self.results.into_iter().map(|(_, checked)| checked);
        self.found.accounts = accounts.collect();
        self.found
    }
}

fn out_of_time(account: AccountName) -> Checked {
    let why =
        "no time was left for it; the next round of checks begins with the accounts that are left";
    Checked::Skipped {
        account,
        why: why.to_owned(),
        retry_can_help: true,
        failing_since: None,
    }
}

fn not_asked(account: AccountName) -> Checked {
    let why = format!(
        "it was not asked for, because {MAX_FAILED} checks of accounts that are read at the same place had failed in this round; the next round tries again"
    );
    Checked::Skipped {
        account,
        why,
        retry_can_help: true,
        failing_since: None,
    }
}
