//! Runs one history, from its first check until nothing is under way, and checks it against the model.

use std::{
    cell::RefCell,
    future::Future,
    iter::repeat_n,
    pin::Pin,
    sync::{Arc, LazyLock, Mutex},
};

use aws_sdk_dynamodb::types::AttributeValue;
use check_followers::{Checked, Summary};
use dynoxide::Database;
use have_a_hug::{
    by_hand::Step as StepByHand,
    check::CheckOutcome,
    clock::Clock,
    deps::Deps,
    ledger::Ledger,
    network::Network,
    networks::rules,
    settings::{Account, NotServed, Settings},
};
use hug::table;
use jiff::{SignedDuration, Timestamp};
use promise::{
    account::{AccountName, NetworkName},
    channel::Channel,
    hug::{Hug, HugKey},
    milestone::Milestone,
    record::AccountRecord,
};

use super::{
    answered::{Answered, CLOCKS},
    creator,
    history::{Deed, History, Job, Plan, Step, What, Which, Who},
    life::Figures,
    model::{Model, Score},
    network::{ID, SimulatedNetwork},
    observer::{Observer, Seen},
    process::Scheduler,
    stream::Stream,
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
    pub letters: u64,
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
        self.letters += other.letters;
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
    stream: RefCell<Stream>,
    /// When the last check ended that may have read the answers.
    checked_at: Option<Timestamp>,
}

/// Held, to send, invited, a topic, a song, to send: no hug needs more of her rounds at the end.
const HER_ROUNDS: usize = 7;

/// The program remembers no more followers than these.
const MAX_REMEMBERED: usize = 10;

/// Nothing is asked over it here.
static HTTP: LazyLock<reqwest::Client> = LazyLock::new(|| have_a_hug::http::client().unwrap());

/// An answer is heard by the first check this long after another one, and a little more, because clocks differ.
const AN_HOUR: SignedDuration = SignedDuration::from_secs(3_640);

impl World {
    fn tally(&self, history: &History) -> Tally {
        let (shared, model) = (self.scheduler.shared(), self.model.borrow());
        Tally {
            steps: history.steps.len() as u64,
            calls: shared.calls,
            hugs: model.hugs(),
            letters: shared.truth.letters.kept.len() as u64,
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
            stream: RefCell::default(),
            checked_at: None,
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
                Step::Obstruct(why, seconds) => {
                    Some(truth.letters.obstruct(*why, *seconds, truth.now))
                }
                Step::Answer(author, says, pick) => truth.answer(*author, *says, *pick),
                Step::Edit(pick, says) => truth.posts.edit(*pick, *says, truth.now),
                Step::DeleteAnswer(pick) => truth.posts.delete(*pick),
                Step::StopElsewhere(pick) => {
                    let id = truth.stop_elsewhere(*pick);
                    id.map(|id| {
                        self.write_stop(&id);
                        format!("{id} says stop to another account")
                    })
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
        self.scheduler.tell(format!("{} at work", at_work(jobs)));
        let began = self.scheduler.now();
        let limited_until = self.observer.borrow().limited_until;
        self.scheduler.shared().truth.asked_at.clear();
        self.scheduler.shared().truth.limited_until = None;
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
            let seen = self.look();
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
        self.look_at_limits(jobs, limited_until)?;
        for ((job, task), answer) in jobs.iter().zip(&tasks).zip(ended) {
            let batch = match task {
                Task::Deliver(batch) if job.what == What::Deliver => batch.as_slice(),
                _ => &[],
            };
            match answer {
                Some(Answer::Checked(summary)) => {
                    let has_looked = self.read_summary(&summary)?;
                    let is_alone = jobs.len() == 1 && job.faults.is_empty();
                    if has_looked && is_alone {
                        self.look_when_checked(began)?;
                    }
                }
                Some(Answer::Delivered(response)) => {
                    self.stream.get_mut().answered(batch, Some(&response));
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
                None => self.stream.get_mut().answered(batch, None),
            }
        }
        if jobs.iter().any(|job| job.what == What::Check) {
            self.checked_at = Some(self.scheduler.now());
        }
        Ok(())
    }

    /// What was written since the last look, which the second function gets, too.
    fn look(&self) -> Seen {
        let seen = self.observer.borrow_mut().look(&self.database);
        self.stream.borrow_mut().take_up(&seen.records);
        seen
    }

    /// A rate limit that one account met is written down, and obeyed by both. `known` is the one that was written down
    /// before these jobs.
    fn look_at_limits(&self, jobs: &[Job], known: Option<Timestamp>) -> Result<(), String> {
        let truth = &self.scheduler.shared().truth;
        let are_clear = jobs
            .iter()
            .all(|job| job.what == What::Check && job.faults.is_empty());
        let is_asked = |until: &Timestamp| truth.asked_at.iter().any(|at| *at + CLOCKS < *until);
        if let Some(until) = known.filter(|until| are_clear && is_asked(until)) {
            return Err(format!(
                "the network is asked, which wants to be left alone until {until}"
            ));
        }
        let only_this_failed = match jobs {
            [job] => job.what == What::Check && job.faults.len() == 1,
            _ => false,
        };
        let written = self.observer.borrow().limited_until;
        match truth.limited_until {
            Some(until) if only_this_failed && written < Some(until) => Err(format!(
                "the network wants to be left alone until {until}, and this is not written down"
            )),
            _ => Ok(()),
        }
    }

    /// After a check that began then, beside which nothing ran and in which nothing failed: the count is written down,
    /// and what had to be heard is heard.
    fn look_when_checked(&self, began: Timestamp) -> Result<(), String> {
        let last = self.checked_at;
        let thorough = last.is_none_or(|last| began.duration_since(last) >= AN_HOUR);
        let observer = self.observer.borrow();
        let truth = &self.scheduler.shared().truth;
        let count = truth.count();
        // A count that leapt is believed at a later check.
        let account = observer.account().filter(|account| account.leap.is_none());
        if let Some(account) = account.filter(|account| account.followers != count) {
            return Err(format!(
                "{count} follow, and after the check the ledger says {}",
                account.followers
            ));
        }
        Answered::look_when_checked(&observer.hugs(), truth, began, thorough)
    }

    /// Another account of this ledger writes down that someone said stop.
    fn write_stop(&self, id: &str) {
        let text = |text: String| AttributeValue::S(text);
        let key = self.account.with_id(&ID.into());
        let put = client(&self.database, None)
            .put_item()
            .table_name(table::NAME)
            .item("pk", text(format!("stop#{}", key.scope())))
            .item("sk", text(id.to_owned()));
        at_once(put.send()).unwrap();
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
            What::Deliver => Task::Deliver(self.stream.borrow().next_batch()),
            What::Repeat(picks) => Task::Deliver(self.stream.borrow().picked(picks)),
            What::Forget(pick) => {
                let hugs = self.observer.borrow().hugs();
                let named = hugs.iter().flat_map(|hug| {
                    let passed = hug.passed.as_ref().map(|passed| &passed.follower);
                    hug.follower.iter().chain(passed)
                });
                let named: Vec<String> = named.map(|one| one.id.to_string()).collect();
                let Some(pick) = pick.checked_rem(named.len()) else {
                    return Task::Forget(None);
                };
                let id = named[pick].clone();
                self.model.borrow_mut().lives.said.forgets(id.clone());
                let theirs = hugs.iter().filter(|hug| names(hug, &id));
                let theirs = theirs.map(|hug| hug.milestone.number()).collect();
                Task::Forget(Some((id, theirs)))
            }
            What::ByHand(deed, which) => Task::ByHand(self.step_by_hand(*deed, *which)),
        }
    }

    fn step_by_hand(&self, deed: Deed, which: Which) -> Option<(HugKey, StepByHand)> {
        let hugs = self.observer.borrow().hugs();
        let number = creator::number(which, deed, &hugs, self.model.borrow().highest())?;
        let truth = &mut self.scheduler.shared().truth;
        let (step, with) = creator::step(deed, number, &hugs, truth)?;
        self.model.borrow_mut().lives.said.says(number, deed, with);
        let key = HugKey {
            id: self.account.with_id(&ID.into()),
            milestone: Milestone::from_number(number)?,
        };
        Some((key, step))
    }

    /// How many followers the network may have shown after that job, where a milestone waits and it is clear: those
    /// who came since, those who are remembered, twice, and the rest of a page at the end of each.
    fn may_read(&self, jobs: &[Job]) -> Option<usize> {
        let [job] = jobs else { return None };
        if job.what != What::Check || !job.faults.is_empty() || !self.strict {
            return None;
        }
        // For a hug that is passed on, the list is read down to where its first follower stands.
        let hugs = self.observer.borrow().hugs();
        if hugs.iter().any(Hug::is_passed_on) {
            return None;
        }
        let truth = &self.scheduler.shared().truth;
        let came = self
            .model
            .borrow()
            .came_since_judged(&truth.who_is_counted())?;
        Some(truth.shown + came + 2 * (MAX_REMEMBERED + truth.page))
    }

    /// Whether it looked at the account.
    fn read_summary(&self, summary: &Summary) -> Result<bool, String> {
        let mut has_looked = false;
        for looked in &summary.accounts {
            match looked {
                Checked::Failed { error, .. } | Checked::Skipped { why: error, .. } => {
                    self.scheduler.tell(format!("  the check says: {error}"));
                    if error.contains("a defect in this program") {
                        return Err("a check panicked".to_owned());
                    }
                }
                Checked::Done(check) if check.account != self.account => {}
                Checked::Done(check) => {
                    let followers = check.followers.map_or(0, |followers| followers);
                    let outcome = &check.outcome;
                    has_looked = *outcome != CheckOutcome::RateLimited;
                    self.scheduler.tell(format!(
                        "  the check says: {outcome:?}, {followers} followers"
                    ));
                }
            }
        }
        Ok(has_looked)
    }

    fn deps(&self, clock: Clock) -> Deps {
        let connect = |account: &Account| -> Result<Arc<dyn Network>, NotServed> {
            Ok(Arc::new(SimulatedNetwork {
                scheduler: self.scheduler.clone(),
                account: account.name.clone(),
                is_quiet: account.name != self.account,
                tells_follows: self.tells_follows,
                blocked_until: Mutex::default(),
            }))
        };
        let (settings, ledger) = (self.settings.clone(), self.ledger.clone());
        Deps::with_networks(settings, ledger, &HTTP, connect, clock)
    }

    /// Nothing fails any more, for long enough that all that is owed can be given; first as many
    /// follow as it takes to be where the account was at its best.
    fn quiet(&mut self) -> Result<(), String> {
        self.scheduler.tell("from here on nothing fails".to_owned());
        self.scheduler.shared().truth.letters.heal();
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
            self.work(&[Job::plain(What::Check)], &[])?;
            self.deliver_all()?;
        }
        // Where the list is shorter than it should be, a milestone waits for an hour, and then the next one begins to wait.
        loop {
            let before = self.observer.borrow().hugs().len();
            self.scheduler.pass(25_000);
            self.work(&[Job::plain(What::Check)], &[])?;
            self.deliver_all()?;
            if self.observer.borrow().hugs().len() == before {
                break;
            }
        }
        self.look_when_quiet()?;
        // The creator does her part, and nothing is left.
        for _ in 0..HER_ROUNDS {
            for (number, deed) in self.her_part() {
                let what = What::ByHand(deed, Which::Number(number));
                self.work(&[Job::plain(what)], &[])?;
                self.deliver_all()?;
            }
        }
        self.work(&[Job::plain(What::Check)], &[])?;
        self.look_when_quiet()?;
        match self.her_part().first() {
            Some((number, deed)) => Err(format!(
                "the creator did {deed:?} for {number}, and it waits for her still"
            )),
            None => Ok(()),
        }
    }

    fn her_part(&self) -> Vec<(u64, Deed)> {
        let hugs = self.observer.borrow().hugs();
        creator::her_part(&hugs, &self.scheduler.shared().truth)
    }

    fn deliver_all(&mut self) -> Result<(), String> {
        while !self.stream.borrow().is_done() {
            self.work(&[Job::plain(What::Deliver)], &[])?;
        }
        Ok(())
    }

    fn look_when_quiet(&self) -> Result<(), String> {
        let everything = self.look();
        let ledger = Ledger::new(client(&self.database, None), table::NAME);
        let there = at_once(ledger.snapshot()).unwrap();
        let seen = &everything.ledger;
        // What tells when an account was looked at is in the hourly counts, which the observer does not read.
        let accounts = |all: &[AccountRecord]| -> Vec<AccountRecord> {
            let without_time = |account: &AccountRecord| AccountRecord {
                checked_at: Timestamp::UNIX_EPOCH,
                ..account.clone()
            };
            let followed = all.iter().filter(|account| account.id == *ID);
            followed.map(without_time).collect()
        };
        if (accounts(&there.accounts), &there.hugs) != (accounts(&seen.accounts), &seen.hugs) {
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
        "[plan]\nfirst = {}\nstep = {}\nmost_a_day = {}\n[[account]]\nnetwork = \"{}\"\nhandle = \"{}\"\ncontact = [{}]\n\
         [[account]]\nnetwork = \"{}\"\nhandle = \"{}\"\ncontact = [\"draft\"]\n\
         [account.plan]\nfirst = 1000000\n",
        plan.first,
        plan.step,
        history.most_a_day,
        history.network,
        handle(history.network),
        contact.join(", "),
        history.network,
        // It comes after the account in every order.
        format_args!("z{}", handle(history.network)),
    );
    Settings::parse(&text, "hug.toml", &|_| Some("secret".to_owned())).unwrap()
}

fn handle(network: NetworkName) -> &'static str {
    rules(network).handle.example
}

/// Whether a hug has the handle of that follower.
fn names(hug: &Hug, id: &str) -> bool {
    let passed = hug.passed.as_ref().map(|passed| &passed.follower);
    let mut named = hug.follower.iter().chain(passed);
    named.any(|one| one.id == *id && !one.handle.is_empty()) || hug.chosen.as_deref() == Some(id)
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
