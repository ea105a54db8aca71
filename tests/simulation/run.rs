//! Runs one history, from its first check until nothing is under way, and checks it against the model.

use std::{cell::RefCell, future::Future, iter::repeat_n, pin::Pin, sync::Arc};

use check_followers::{Checked, Summary};
use dynoxide::Database;
use have_a_hug::{
    by_hand,
    clock::Clock,
    deps::Deps,
    ledger::Ledger,
    network::Network,
    networks::rules,
    settings::{Account, NotServed, Settings},
};
use hug::{
    event_source_mapping::{
        BATCH as STREAM_BATCH, RETRIES, checkpoint, passes, records, sequence_number,
    },
    table,
};
use promise::{
    account::{AccountName, NetworkName},
    channel::Channel,
    hug::{Hug, HugKey, Status},
    milestone::Milestone,
};
use serde_json::Value;

use super::{
    history::{Deed, History, Job, Plan, Step, What, Which, Who},
    life::Figures,
    model::{Model, Score},
    network::{ID, SimulatedNetwork},
    observer::Observer,
    process::Scheduler,
    table::client,
    task::{Answer, Task, act},
    truth::Truth,
};

/// A promise that was broken, and the story of how.
#[derive(Debug)]
pub struct Broken {
    pub what: String,
    pub story: Vec<String>,
}

/// The figures of a history that broke no promise.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    pub steps: u64,
    pub calls: u64,
    pub hugs: u64,
    pub invitations: u64,
    pub certain: Score,
    pub likely: Score,
    pub by_place: Score,
    pub lives: Figures,
}

impl Tally {
    /// Adds those of another history.
    pub fn add(&mut self, other: &Self) {
        self.steps += other.steps;
        self.calls += other.calls;
        self.hugs += other.hugs;
        self.invitations += other.invitations;
        self.certain = self.certain + other.certain;
        self.likely = self.likely + other.likely;
        self.by_place = self.by_place + other.by_place;
        self.lives.add(&other.lives);
    }
}

/// Runs a history. Returns its figures, or the promise that it broke, with its story.
pub fn run(history: &History) -> Result<Tally, Broken> {
    let (ended, story) = live(history);
    ended.map_err(|what| Broken { what, story })
}

/// The same, with the story in any case.
pub fn live(history: &History) -> (Result<Tally, String>, Vec<String>) {
    let mut world = World::new(history);
    let ended = world.begin_to_end(history).map(|()| world.tally(history));
    let story = std::mem::take(&mut world.scheduler.shared().story);
    (ended, story)
}

struct World {
    scheduler: Scheduler,
    database: Database,
    /// What the functions see of the table.
    ledger: Ledger,
    /// What the model sees of it.
    observer: RefCell<Observer>,
    account: AccountName,
    plan: Plan,
    most_a_day: usize,
    settings: Settings,
    model: RefCell<Model>,
    strict: bool,
    tells_follows: bool,
    /// The stream's records for the second function, as far as it was read.
    records: Vec<Value>,
    read_to: Option<String>,
    /// So many of them are done with, as the event source sees it.
    delivered: usize,
    tries: u32,
}

/// The program remembers no more followers than these.
const MAX_REMEMBERED: usize = 10;

/// Records in one batch: fewer than on AWS, so that there are several.
const BATCH: usize = 3;

impl World {
    fn tally(&self, history: &History) -> Tally {
        let (shared, model) = (self.scheduler.shared(), self.model.borrow());
        Tally {
            steps: history.steps.len() as u64,
            calls: shared.calls,
            hugs: model.hugs(),
            invitations: shared.truth.kept.len() as u64,
            certain: model.certain,
            likely: model.likely,
            by_place: model.by_place,
            lives: model.lives.figures,
        }
    }

    fn new(history: &History) -> Self {
        let truth = Truth::new(history.network, history.page, history.shown_after);
        let scheduler = Scheduler::new(truth);
        let database = Database::memory().unwrap();
        let plain = client(&database, None);
        at_once(table::create(&plain)).unwrap();
        let ledger = |client| Ledger::new(client, table::NAME);
        Self {
            ledger: ledger(client(&database, Some(scheduler.clone()))),
            observer: RefCell::default(),
            scheduler,
            database,
            account: format!("{}:{}", history.network, handle(history.network))
                .parse()
                .unwrap(),
            plan: history.plan,
            most_a_day: history.most_a_day,
            settings: settings(history, history.plan),
            model: {
                let mut model = Model::default();
                model.lives.by_hand_only = history.contact.first() == Some(&Channel::Draft);
                RefCell::new(model)
            },
            strict: history.is_plain(),
            tells_follows: history.tells_follows,
            records: Vec::new(),
            read_to: None,
            delivered: 0,
            tries: 0,
        }
    }

    fn begin_to_end(&mut self, history: &History) -> Result<(), String> {
        for who in &history.at_first {
            self.scheduler.shared().truth.arrive(*who);
        }
        let count = self.scheduler.shared().truth.count();
        self.scheduler.tell(format!(
            "{} with {count} followers; a hug for {}, {} a day; by {:?}; a page holds {}; shown after {} s{}",
            history.network,
            history.plan,
            history.most_a_day,
            history.contact,
            history.page,
            history.shown_after,
            if history.tells_follows {
                "; follows are notified"
            } else {
                ""
            },
        ));
        for step in &history.steps {
            self.step(history, step)?;
        }
        self.quiet()
    }

    fn step(&mut self, history: &History, step: &Step) -> Result<(), String> {
        let line = {
            let truth = &mut self.scheduler.shared().truth;
            match step {
                Step::Arrive(who) => {
                    let lines: Vec<String> = who.iter().map(|who| truth.arrive(*who)).collect();
                    Some(lines.join("; "))
                }
                Step::Wave(who, n) => Some(truth.wave(*who, *n)),
                Step::Leave(pick) => truth.leave(*pick),
                Step::Return(pick) => truth.come_back(*pick),
                Step::Hide(pick) => truth.hide(*pick),
                Step::HideNewest => truth.hide(usize::MAX),
                Step::Show(pick) => truth.show(*pick),
                Step::Delete(pick) => truth.delete(*pick),
                Step::Backdate(places) => Some(truth.backdate(*places)),
                Step::Replan(plan) => {
                    self.plan = *plan;
                    self.settings = settings(history, *plan);
                    self.model.borrow_mut().replan(*plan);
                    Some(format!("the plan is now: a hug for {plan}"))
                }
                Step::Obstruct(why, seconds) => Some(truth.obstruct(*why, *seconds)),
                Step::Pass(seconds) => Some(format!("{seconds} s pass")),
                Step::Run(..) => None,
            }
        };
        if let Some(line) = line {
            self.scheduler.tell(line);
        }
        match step {
            Step::Pass(seconds) => self.scheduler.pass(*seconds),
            Step::Run(jobs, turns) => {
                self.work(jobs, turns)?;
            }
            _ => {}
        }
        Ok(())
    }

    /// Lets functions run side by side, and takes from their answers what AWS would.
    fn work(&mut self, jobs: &[Job], turns: &[usize]) -> Result<(), String> {
        self.scheduler.tell(format!("{} at work", at_work(jobs)));
        self.read_stream();
        if jobs.iter().any(|job| matches!(job.what, What::Check)) {
            let truth = &self.scheduler.shared().truth;
            self.model.borrow_mut().expect(truth, self.plan);
        }
        let tasks: Vec<Task> = jobs.iter().map(|job| self.task(&job.what)).collect();
        let start = |number: usize, clock: Clock| {
            let (task, deps) = (tasks[number].clone(), self.deps(clock));
            Box::pin(act(task, deps)) as Pin<Box<dyn Future<Output = Answer>>>
        };
        let look = || {
            let seen = self.observer.borrow_mut().look(&self.database);
            let truth = &self.scheduler.shared().truth;
            let plan = (self.plan, self.most_a_day);
            self.model
                .borrow_mut()
                .look(&seen, truth, plan, self.strict)
        };
        let may_read = self.may_read(jobs);
        let ended = self.scheduler.run(jobs, turns, start, look)?;
        if let Some(most) = may_read
            && self.scheduler.shared().truth.shown > most
        {
            return Err("followers below those who were judged are read again".to_owned());
        }
        for ((job, task), answer) in jobs.iter().zip(&tasks).zip(ended) {
            let batch = match task {
                Task::Deliver(batch) if job.what == What::Deliver && self.is_next(batch) => batch,
                _ => &Vec::new(),
            };
            match answer {
                Some(Answer::Checked(summary)) => self.read_summary(&summary)?,
                Some(Answer::Delivered(response)) => {
                    self.advance(batch, checkpoint(batch, &response));
                }
                Some(Answer::Stepped(stepped)) => self.scheduler.tell(match stepped {
                    Some(Ok(hug)) => format!("  news: {} is {}", hug.milestone, hug.status),
                    Some(Err(why)) => format!("  news: {why}"),
                    None => "  there is nothing to do".to_owned(),
                }),
                Some(Answer::Forgot(Err(why))) => {
                    self.scheduler.tell(format!("  news: {why}"));
                }
                Some(Answer::Forgot(Ok(()))) => self.look_when_forgotten(task)?,
                None => self.advance(batch, 0),
            }
        }
        Ok(())
    }

    /// Whoever was erased is in none of those hugs by their handle. (It is their id too here, and that stays.)
    fn look_when_forgotten(&self, task: &Task) -> Result<(), String> {
        let Task::Forget(Some((id, theirs))) = task else {
            return Ok(());
        };
        let hugs = self.observer.borrow().hugs();
        let mut left = hugs.iter().filter(|hug| names(hug, id));
        match left.find(|hug| theirs.contains(&hug.milestone.number())) {
            Some(hug) => Err(format!(
                "{id} was erased, and the hug for {} names them",
                hug.milestone
            )),
            None => Ok(()),
        }
    }

    /// What that job works on. What the creator decides, the model hears first.
    fn task(&self, what: &What) -> Task {
        match what {
            What::Check => Task::Check,
            What::Deliver => Task::Deliver(self.next_batch()),
            What::Repeat(picks) => {
                let picked = picks
                    .iter()
                    .filter_map(|pick| self.records.get(pick.checked_rem(self.records.len())?));
                Task::Deliver(picked.cloned().collect())
            }
            What::Forget(pick) => {
                let hugs = self.observer.borrow().hugs();
                let named: Vec<String> = hugs
                    .iter()
                    .filter_map(|hug| Some(hug.follower.as_ref()?.id.to_string()))
                    .collect();
                let Some(pick) = pick.checked_rem(named.len()) else {
                    return Task::Forget(None);
                };
                let id = named[pick].clone();
                self.model.borrow_mut().lives.forgets(id.clone());
                let theirs = hugs.iter().filter(|hug| names(hug, &id));
                let theirs = theirs.map(|hug| hug.milestone.number()).collect();
                Task::Forget(Some((id, theirs)))
            }
            What::ByHand(deed, which) => Task::ByHand(self.step_by_hand(*deed, *which)),
        }
    }

    fn step_by_hand(&self, deed: Deed, which: Which) -> Option<(HugKey, by_hand::Step)> {
        let number = match which {
            Which::Number(number) => number,
            Which::Picked(pick) => self.picked(pick)?,
        };
        let shared = self.scheduler.shared();
        let people = &shared.truth.people;
        let handle = match deed {
            Deed::ApproveFor(pick) => Some(people.get(pick.checked_rem(people.len())?)?.id.clone()),
            _ => None,
        };
        self.model
            .borrow_mut()
            .lives
            .says(number, deed, handle.clone());
        let step = match deed {
            Deed::Approve | Deed::ApproveFor(_) => by_hand::Step::Approve { chosen: handle },
            Deed::Cancel => by_hand::Step::Cancel,
            Deed::Retry => by_hand::Step::Retry,
            Deed::Sent => by_hand::Step::Sent { url: None },
        };
        let key = HugKey {
            id: self.account.with_id(&ID.into()),
            milestone: Milestone::from_number(number)?,
        };
        Some((key, step))
    }

    /// The number of a hug that waits for the creator's hand, as often as there is one; else of any hug, or one that
    /// may have none.
    fn picked(&self, pick: usize) -> Option<u64> {
        let hugs = self.observer.borrow().hugs();
        let waiting: Vec<&Hug> = hugs.iter().filter(|hug| hug.needs_creator()).collect();
        let among = if waiting.is_empty() || pick.is_multiple_of(8) {
            hugs.iter().collect()
        } else {
            waiting
        };
        if pick.is_multiple_of(24) {
            return Some(1 + pick as u64 % self.model.borrow().highest().max(1));
        }
        let hug = among.get(pick.checked_rem(among.len())?)?;
        Some(hug.milestone.number())
    }

    /// How many followers the network may have shown after that job, where a milestone waits and it is clear: those
    /// who came since, those who are remembered, twice, and the rest of a page at the end of each.
    fn may_read(&self, jobs: &[Job]) -> Option<usize> {
        let [job] = jobs else { return None };
        if job.what != What::Check || !job.faults.is_empty() || !self.strict {
            return None;
        }
        let truth = &self.scheduler.shared().truth;
        let came = self
            .model
            .borrow()
            .came_since_judged(&truth.who_is_counted())?;
        Some(truth.shown + came + 2 * (MAX_REMEMBERED + truth.page))
    }

    /// Takes up what has come out of the table's stream for the second function.
    fn read_stream(&mut self) {
        loop {
            let new = records(&self.database, self.read_to.as_deref()).unwrap();
            let Some(last) = new.last() else { break };
            self.read_to = sequence_number(last);
            let few = new.len() < STREAM_BATCH;
            self.records.extend(new.into_iter().filter(passes));
            if few {
                break;
            }
        }
    }

    /// The stream's next batch.
    fn next_batch(&self) -> Vec<Value> {
        let rest = &self.records[self.delivered..];
        rest[..rest.len().min(BATCH)].to_vec()
    }

    /// Whether no other has moved the stream on over this batch.
    fn is_next(&self, batch: &[Value]) -> bool {
        batch
            .first()
            .is_some_and(|first| self.records.get(self.delivered) == Some(first))
    }

    /// Moves the stream on over what is done; what failed too often is passed over, for good.
    fn advance(&mut self, batch: &[Value], done: usize) {
        if done > 0 {
            self.tries = 0;
            self.delivered += done;
        } else if !batch.is_empty() {
            self.tries += 1;
            if self.tries > RETRIES {
                self.advance(batch, 1);
            }
        }
    }

    fn read_summary(&self, summary: &Summary) -> Result<(), String> {
        for looked in &summary.accounts {
            match looked {
                Checked::Failed { error, .. } | Checked::Skipped { why: error, .. } => {
                    self.scheduler.tell(format!("  the check says: {error}"));
                    if error.contains("a defect in this program") {
                        return Err("a check panicked".to_owned());
                    }
                }
                Checked::Done(check) => {
                    let followers = check.followers.map_or(0, |followers| followers);
                    let outcome = &check.outcome;
                    self.scheduler.tell(format!(
                        "  the check says: {outcome:?}, {followers} followers"
                    ));
                }
            }
        }
        Ok(())
    }

    fn deps(&self, clock: Clock) -> Deps {
        let connect = |_: &Account| -> Result<Arc<dyn Network>, NotServed> {
            Ok(Arc::new(SimulatedNetwork {
                scheduler: self.scheduler.clone(),
                account: self.account.clone(),
                tells_follows: self.tells_follows,
            }))
        };
        Deps::with_networks(self.settings.clone(), self.ledger.clone(), connect, clock)
    }

    /// Nothing fails any more, for long enough that all that is owed can be given; first as many
    /// follow as it takes to be where the account was at its best.
    fn quiet(&mut self) -> Result<(), String> {
        self.scheduler.tell("from here on nothing fails".to_owned());
        let quiet = |what| Job {
            what,
            skew: 0,
            faults: Vec::new(),
        };
        self.scheduler.shared().truth.heal();
        // A check owes 45 milestones at most, and judges 1,000 profiles; the first may wait for the end of a rate limit.
        let most_owed = self
            .model
            .borrow()
            .highest()
            .max(self.scheduler.shared().truth.count());
        let milestones = most_owed / self.plan.step;
        let checks_to_catch_up = usize::try_from(milestones / 45 + most_owed / 1_000).unwrap() + 1;
        let pauses = [60, 400, 900, 25_000, 25_000, 25_000];
        for pause in pauses
            .into_iter()
            .chain(repeat_n(25_000, checks_to_catch_up))
        {
            self.scheduler.pass(pause);
            if pause < 25_000 {
                let line = self.scheduler.shared().truth.arrive(Who::Fan);
                self.scheduler.tell(line);
            }
            loop {
                let truth = &mut self.scheduler.shared().truth;
                if truth.count() >= self.model.borrow().highest() {
                    break;
                }
                truth.arrive(Who::Fan);
            }
            self.work(&[quiet(What::Check)], &[])?;
            self.deliver_all()?;
        }
        self.look_when_quiet()?;
        // The creator does her part, and nothing is left.
        for _ in 0..3 {
            for (number, deed) in self.her_part() {
                self.work(&[quiet(What::ByHand(deed, Which::Number(number)))], &[])?;
                self.deliver_all()?;
            }
        }
        self.look_when_quiet()?;
        match self.her_part().first() {
            Some((number, deed)) => Err(format!(
                "the creator did {deed:?} for {number}, and it waits for her still"
            )),
            None => Ok(()),
        }
    }

    fn deliver_all(&mut self) -> Result<(), String> {
        self.read_stream();
        while self.delivered < self.records.len() {
            let job = Job {
                what: What::Deliver,
                skew: 0,
                faults: Vec::new(),
            };
            self.work(&[job], &[])?;
            self.read_stream();
        }
        Ok(())
    }

    /// What is left for the creator to do: words to send, and hugs to approve, or to end where nobody can have them.
    fn her_part(&self) -> Vec<(u64, Deed)> {
        let hugs = self.observer.borrow().hugs();
        let shared = self.scheduler.shared();
        let people = &shared.truth.people;
        let can = |id: &str| {
            let has_one = hugs.iter().any(|hug| {
                let named = hug.follower.as_ref().is_some_and(|to| to.id == *id);
                named || hug.chosen.as_deref() == Some(id)
            });
            shared.truth.is_listed(id) && !has_one
        };
        let mut left: Vec<usize> = (0..people.len())
            .filter(|one| can(&people[*one].id))
            .collect();
        let mut parts = Vec::new();
        for hug in &hugs {
            let deed = match (&hug.status, &hug.follower) {
                (Status::ToSend, _) => Deed::Sent,
                (Status::Held, Some(_)) => Deed::Approve,
                (Status::Held, None) => left.pop().map_or(Deed::Cancel, Deed::ApproveFor),
                _ => continue,
            };
            parts.push((hug.milestone.number(), deed));
        }
        parts
    }

    fn look_when_quiet(&self) -> Result<(), String> {
        let everything = self.observer.borrow_mut().look(&self.database);
        let ledger = Ledger::new(client(&self.database, None), table::NAME);
        let there = at_once(ledger.snapshot()).unwrap();
        let seen = &everything.ledger;
        if (&there.accounts, &there.hugs) != (&seen.accounts, &seen.hugs) {
            return Err("the stream shows something else than the table".to_owned());
        }
        let shared = self.scheduler.shared();
        self.model
            .borrow()
            .look_when_quiet(&everything, &shared.truth, self.tells_follows)
    }
}

fn settings(history: &History, plan: Plan) -> Settings {
    let contact: Vec<String> = history
        .contact
        .iter()
        .map(|one| format!("\"{one}\""))
        .collect();
    let text = format!(
        "[plan]\nfirst = {}\nstep = {}\nmost_a_day = {}\n[[account]]\nnetwork = \"{}\"\nhandle = \"{}\"\ncontact = [{}]\n",
        plan.first,
        plan.step,
        history.most_a_day,
        history.network,
        handle(history.network),
        contact.join(", ")
    );
    Settings::parse(&text, "hug.toml", &|_| Some("secret".to_owned())).unwrap()
}

fn handle(network: NetworkName) -> &'static str {
    rules(network).handle.example
}

/// Whether a hug has the handle of that follower.
fn names(hug: &Hug, id: &str) -> bool {
    let follower = hug.follower.as_ref().filter(|one| one.id == *id);
    follower.is_some_and(|one| !one.handle.is_empty()) || hug.chosen.as_deref() == Some(id)
}

fn at_work(jobs: &[Job]) -> String {
    let each: Vec<String> = jobs
        .iter()
        .map(|job| format!("{:?}", job.what).to_lowercase())
        .collect();
    each.join(" and ")
}

/// The answer of what never has to wait.
fn at_once<T>(future: impl Future<Output = T>) -> T {
    futures::executor::block_on(future)
}
