//! Processes that run side by side: at each call that one makes, another may run, or the process may crash.

use std::{
    future::{Future, pending},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::{Arc, LazyLock, Mutex, MutexGuard},
    task::{Context, Poll, Waker},
    time::Duration,
};

use have_a_hug::clock::Clock;
use jiff::{SignedDuration, Timestamp};
use tokio::runtime::Runtime;

use super::{
    history::{Fault, Job},
    truth::Truth,
};

/// More than any run takes.
const MAX_TURNS: usize = 100_000;

/// Where the time limits of the program are kept. The runtime is never polled, so no timer ends: time passes by hand here.
static TIMERS: LazyLock<Runtime> = LazyLock::new(|| {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_time().build().unwrap()
});

/// Decides whose turn it is. It holds what all processes share: the network, the true time, the story so far.
#[derive(Clone)]
pub struct Scheduler(Arc<Mutex<Shared>>);

pub struct Shared {
    pub truth: Truth,
    pub story: Vec<String>,
    /// Calls made, in all.
    pub calls: u64,
    /// Something was written or sent since the model last looked.
    pub changed: bool,
    running: Vec<Running>,
    /// Whose turn it is, among those that run.
    turn: usize,
}

struct Running {
    name: String,
    clock: Clock,
    calls: usize,
    faults: Vec<(usize, Fault)>,
    dead: bool,
}

impl Scheduler {
    pub fn new(truth: Truth) -> Self {
        Self(Arc::new(Mutex::new(Shared {
            truth,
            story: Vec::new(),
            calls: 0,
            changed: false,
            running: Vec::new(),
            turn: 0,
        })))
    }

    pub fn shared(&self) -> MutexGuard<'_, Shared> {
        self.0.lock().unwrap()
    }

    pub fn tell(&self, line: String) {
        self.shared().story.push(line);
    }

    pub fn now(&self) -> Timestamp {
        self.shared().truth.now
    }

    /// Lets time pass, for the network and for every process.
    pub fn pass(&self, seconds: i64) {
        let mut shared = self.shared();
        shared.truth.now += SignedDuration::from_secs(seconds);
        for process in &shared.running {
            let seconds = Duration::from_secs(seconds.unsigned_abs());
            process.clock.advance(seconds);
        }
    }

    /// A clock as a process has it that starts now.
    pub fn clock(&self, skew: i64) -> Clock {
        Clock::by_hand(self.now() + SignedDuration::from_secs(skew))
    }

    /// One call of the process whose turn it is: lets the others run first, then acts, unless
    /// it fails.
    pub async fn call<T>(
        &self,
        story: String,
        act: impl FnOnce() -> T,
        failed: impl FnOnce(Fault) -> T,
    ) -> T {
        let turn = self.shared().turn;
        Pause(false).await;
        let fault = self.begin(turn);
        let done = |what: &str| {
            let mut shared = self.shared();
            let name = shared.running[turn].name.clone();
            shared.story.push(format!("  {name}: {story}{what}"));
        };
        match fault {
            None => {
                done("");
                act()
            }
            Some(Fault::DieBefore) => {
                done(": dies before it");
                self.die(turn).await
            }
            Some(Fault::DieAfter) => {
                done(": and dies");
                act();
                self.die(turn).await
            }
            Some(Fault::AnswerLost) => {
                done(": the answer is lost");
                act();
                failed(Fault::AnswerLost)
            }
            Some(Fault::Slow(seconds)) => {
                done(&format!(", {seconds} s later"));
                self.pass(seconds);
                Pause(false).await;
                act()
            }
            Some(Fault::Follow(who)) => {
                let line = self.shared().truth.arrive(who);
                self.tell(format!("  meanwhile {line}"));
                done("");
                act()
            }
            Some(fault @ (Fault::Fail | Fault::Busy | Fault::Refuse)) => {
                done(&format!(": {fault:?}").to_lowercase());
                failed(fault)
            }
        }
    }

    fn begin(&self, turn: usize) -> Option<Fault> {
        let mut shared = self.shared();
        shared.calls += 1;
        let process = &mut shared.running[turn];
        let number = process.calls;
        process.calls += 1;
        let due = |(at, _): &&(usize, Fault)| *at == number;
        process.faults.iter().find(due).map(|(_, fault)| *fault)
    }

    async fn die<T>(&self, turn: usize) -> T {
        self.shared().running[turn].dead = true;
        pending().await
    }

    /// Runs the jobs to their end, or their death, in the order of `turns` as long as these last;
    /// returns what each returned. Whenever one has changed anything, `look` is called.
    pub fn run<'a, T>(
        &self,
        jobs: &[Job],
        turns: &[usize],
        mut start: impl FnMut(usize, Clock) -> Pin<Box<dyn Future<Output = T> + 'a>>,
        mut look: impl FnMut() -> Result<(), String>,
    ) -> Result<Vec<Option<T>>, String> {
        let _timers = TIMERS.enter();
        let mut futures = Vec::new();
        for (number, job) in jobs.iter().enumerate() {
            let clock = self.clock(job.skew);
            let letter = char::from(b'A' + u8::try_from(number).unwrap());
            self.shared().running.push(Running {
                name: format!("{:?} {letter}", job.what).to_lowercase(),
                clock: clock.clone(),
                calls: 0,
                faults: job.faults.clone(),
                dead: false,
            });
            futures.push(Some(start(number, clock)));
        }
        let mut ended: Vec<Option<T>> = jobs.iter().map(|_| None).collect();
        let mut turns = turns.iter().copied();
        let mut context = Context::from_waker(Waker::noop());
        for _ in 0..MAX_TURNS {
            let alive: Vec<usize> = (0..futures.len())
                .filter(|one| futures[*one].is_some())
                .collect();
            if alive.is_empty() {
                self.shared().running.clear();
                return Ok(ended);
            }
            let turn = alive[turns.next().unwrap_or(0) % alive.len()];
            self.shared().turn = turn;
            let future = futures[turn].as_mut().unwrap();
            let polled = catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(&mut context)));
            match polled {
                Ok(Poll::Ready(value)) => {
                    ended[turn] = Some(value);
                    futures[turn] = None;
                }
                Ok(Poll::Pending) if self.shared().running[turn].dead => futures[turn] = None,
                Ok(Poll::Pending) => {}
                Err(_) => return Err("the program panicked".to_owned()),
            }
            if std::mem::take(&mut self.shared().changed) {
                look()?;
            }
        }
        Err("the functions do not come to an end".to_owned())
    }
}

/// Pending once.
struct Pause(bool);

impl Future for Pause {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.0, true) {
            return Poll::Ready(());
        }
        // Futures in a set are polled again only if they ask for it.
        context.waker().wake_by_ref();
        Poll::Pending
    }
}
