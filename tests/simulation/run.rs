//! Runs one history, from its first check until nothing is under way, and checks it against the model.

use std::{cell::RefCell, future::Future, iter::repeat_n, pin::Pin, sync::Arc};

use aws_lambda_events::streams::DynamoDbEventResponse;
use check_followers::{Checked, Summary};
use dynoxide::Database;
use have_a_hug::{
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
use lambda_runtime::{Context, LambdaEvent};
use promise::{account::AccountName, account::NetworkName};
use serde_json::{Value, json};

use super::{
    history::{History, Job, Plan, Step, What, Who},
    model::{Model, Score},
    network::SimulatedNetwork,
    observer::Observer,
    process::Scheduler,
    table::client,
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

/// Records in one batch: fewer than on AWS, so that there are several.
const BATCH: usize = 3;

enum Answer {
    Checked(Summary),
    Delivered(DynamoDbEventResponse),
}

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
            settings: settings(history, history.plan),
            model: RefCell::default(),
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
            "{} with {count} followers; a hug for {}; by {:?}; a page holds {}; shown after {} s{}",
            history.network,
            history.plan,
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
        self.scheduler.tell(format!("{} at work", names(jobs)));
        self.read_stream();
        if jobs.iter().any(|job| matches!(job.what, What::Check)) {
            let truth = &self.scheduler.shared().truth;
            self.model.borrow_mut().expect(truth, self.plan);
        }
        let batches: Vec<Vec<Value>> = jobs
            .iter()
            .map(|job| match &job.what {
                What::Check => Vec::new(),
                What::Deliver => self.next_batch(),
                What::Repeat(picks) => picks
                    .iter()
                    .filter_map(|pick| self.records.get(pick.checked_rem(self.records.len())?))
                    .cloned()
                    .collect(),
            })
            .collect();
        let start = |number: usize, clock: Clock| {
            let (what, deps) = (jobs[number].what.clone(), self.deps(clock));
            let event = json!({ "Records": batches[number] });
            Box::pin(act(what, event, deps)) as Pin<Box<dyn Future<Output = Answer>>>
        };
        let look = || {
            let ledger = self.observer.borrow_mut().look(&self.database);
            let truth = &self.scheduler.shared().truth;
            self.model
                .borrow_mut()
                .look(&ledger, truth, self.plan, self.strict)
        };
        let ended = self.scheduler.run(jobs, turns, start, look)?;
        for ((job, batch), answer) in jobs.iter().zip(&batches).zip(ended) {
            let is_the_stream = matches!(job.what, What::Deliver);
            match answer {
                Some(Answer::Checked(summary)) => self.read_summary(&summary)?,
                Some(Answer::Delivered(response)) if is_the_stream && self.is_next(batch) => {
                    self.advance(batch, checkpoint(batch, &response));
                }
                None if is_the_stream && self.is_next(batch) => self.advance(batch, 0),
                _ => {}
            }
        }
        Ok(())
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
        // A check owes ten milestones at most, and the first may wait for the end of a rate limit.
        let most_owed = self
            .model
            .borrow()
            .highest()
            .max(self.scheduler.shared().truth.count());
        let checks_to_catch_up = usize::try_from(most_owed / 10).unwrap() + 1;
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
            self.read_stream();
            while self.delivered < self.records.len() {
                self.work(&[quiet(What::Deliver)], &[])?;
                self.read_stream();
            }
        }
        let everything = self.observer.borrow_mut().look(&self.database);
        let ledger = Ledger::new(client(&self.database, None), table::NAME);
        let there = at_once(ledger.snapshot()).unwrap();
        if (&there.accounts, &there.hugs) != (&everything.accounts, &everything.hugs) {
            return Err("the stream shows something else than the table".to_owned());
        }
        let shared = self.scheduler.shared();
        self.model
            .borrow()
            .look_when_quiet(&everything, &shared.truth, self.tells_follows)
    }
}

async fn act(what: What, event: Value, deps: Deps) -> Answer {
    match what {
        What::Check => {
            let event = LambdaEvent::new(json!({}), Context::default());
            Answer::Checked(check_followers::handle(event, &deps).await.unwrap())
        }
        What::Deliver | What::Repeat(_) => {
            let event =
                LambdaEvent::new(serde_json::from_value(event).unwrap(), Context::default());
            Answer::Delivered(invite_follower::handle(event, &deps).await.unwrap())
        }
    }
}

fn settings(history: &History, plan: Plan) -> Settings {
    let contact: Vec<String> = history
        .contact
        .iter()
        .map(|one| format!("\"{one}\""))
        .collect();
    let text = format!(
        "[plan]\nfirst = {}\nstep = {}\n[[account]]\nnetwork = \"{}\"\nhandle = \"{}\"\ncontact = [{}]\n",
        plan.first,
        plan.step,
        history.network,
        handle(history.network),
        contact.join(", ")
    );
    Settings::parse(&text, "hug.toml", &|_| Some("secret".to_owned())).unwrap()
}

fn handle(network: NetworkName) -> &'static str {
    rules(network).handle.example
}

fn names(jobs: &[Job]) -> String {
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
