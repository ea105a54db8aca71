//! Random histories of an account, each from a seed, through the real check and the real invitation
//! over the real DynamoDB API; an independent model looks on and says which promise was broken.
//!
//! - `history`: what may happen, and how it is made up.
//! - `run`: one history; `process`: processes that run side by side and die; `table`, `network`: what
//!   they reach.
//! - `model`: what must hold; `observer`: what it sees of the ledger.
//! - `past`: histories that once showed a defect.
//! - `crash`: each call, one after another, as the last that a process makes.
//! - `churn`: how often the right person is named, for each kind of coming and going.
//!
//! `make simulate HISTORIES=100000`, `FROM=100000` to go on from there, or `SEED=17` for one history
//! with its story.

#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod churn;
mod crash;
mod history;
mod model;
mod network;
mod observer;
mod past;
mod process;
mod run;
mod table;

use std::{
    env,
    fmt::Write,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Instant,
};

use history::History;
use proptest::{
    strategy::{Strategy, ValueTree},
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use run::{Broken, Tally, live, run};

/// A history that fails is made smaller at most this often.
const MOST_SHRINKS: usize = 600;

/// What a seed makes of a strategy.
fn from_seed<T: std::fmt::Debug>(
    strategy: impl Strategy<Value = T>,
    seed: u64,
) -> impl ValueTree<Value = T> {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    strategy.new_tree(&mut runner).unwrap()
}

/// The smallest history that can be found in which a promise is broken, too.
fn shrink(mut tree: impl ValueTree<Value = History>, broken: Broken) -> (History, Broken) {
    let mut smallest = (tree.current(), broken);
    let mut failed = true;
    for _ in 0..MOST_SHRINKS {
        let moved = if failed {
            tree.simplify()
        } else {
            tree.complicate()
        };
        if !moved {
            break;
        }
        let history = tree.current();
        failed = match run(&history) {
            Ok(_) => false,
            Err(broken) => {
                smallest = (history, broken);
                true
            }
        };
    }
    smallest
}

fn told(seed: u64, history: &History, broken: &Broken) -> String {
    let mut text = format!("seed {seed}: {}\n", broken.what);
    for line in &broken.story {
        writeln!(text, "  {line}").unwrap();
    }
    writeln!(text, "the history, for a named case:\n{history:?}").unwrap();
    text
}

fn number(name: &str) -> Option<u64> {
    let text = env::var(name).ok().filter(|text| !text.is_empty())?;
    Some(text.parse().expect("a number"))
}

#[test]
fn whatever_happens_every_promise_is_kept_once_and_to_the_right_person() {
    let first = number("SEED");
    let histories = first.map_or_else(|| number("HISTORIES").unwrap_or(2_000), |_| 1);
    let from = first.or_else(|| number("FROM")).unwrap_or(0);
    let (next, end) = (AtomicU64::new(from), from + histories);
    let total = Mutex::new(Tally::default());
    let found = AtomicBool::new(false);
    let failure = Mutex::new(None);
    let start = Instant::now();
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while !found.load(Ordering::Relaxed) {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= end {
                        break;
                    }
                    if seed > from && seed.is_multiple_of(5_000) {
                        let minutes = start.elapsed().as_secs() / 60;
                        println!("at seed {seed} after {minutes} minutes");
                    }
                    let tree = from_seed(history::history(), seed);
                    let (ended, story) = live(&tree.current());
                    if first.is_some() {
                        println!("{}", story.join("\n"));
                    }
                    match ended {
                        Ok(tally) => total.lock().unwrap().add(&tally),
                        // The others stop; one story is enough.
                        Err(_) if found.swap(true, Ordering::Relaxed) => {}
                        Err(what) => {
                            println!("seed {seed}: {what}; making the history smaller");
                            let broken = Broken { what, story };
                            let (history, broken) = shrink(tree, broken);
                            *failure.lock().unwrap() = Some(told(seed, &history, &broken));
                        }
                    }
                }
            });
        }
    });
    if let Some(told) = failure.into_inner().unwrap() {
        panic!("{told}");
    }
    let seconds = start.elapsed().as_secs_f64();
    let total = total.into_inner().unwrap();
    println!(
        "{histories} histories, {} steps, {} calls, {} hugs, {} invitations in {seconds:.1} s: {:.0} histories and {:.0} steps a second",
        total.steps,
        total.calls,
        total.hugs,
        total.invitations,
        histories as f64 / seconds,
        total.steps as f64 / seconds,
    );
    println!(
        "the right person was named in {} of {} cases called certain, and in {} of {} others",
        total.certain.right,
        total.certain.sum(),
        total.likely.right,
        total.likely.sum(),
    );
    // Where nothing is called certain, nothing certain is ever wrong.
    let enough = histories < 1_000 || total.certain.sum() * 3 > total.hugs;
    assert!(enough, "hardly anything was called certain");
}

impl Tally {
    fn add(&mut self, other: &Self) {
        self.steps += other.steps;
        self.calls += other.calls;
        self.hugs += other.hugs;
        self.invitations += other.invitations;
        self.certain = self.certain + other.certain;
        self.likely = self.likely + other.likely;
        self.by_place = self.by_place + other.by_place;
    }
}
