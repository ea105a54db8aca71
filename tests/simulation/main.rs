//! Random histories of an account, each from a seed, run by the real check and the real invitation over the real
//! DynamoDB API. An independent model compares what happens with what was promised.
//!
//! Each file uses only those before it.
//!
//! - `history`: what can happen. `letters`, `posts`, `truth`: what is really so on the network.
//! - `process`: processes that run side by side and crash. `table`, `network`: what they call.
//! - `observer`: what the ledger holds. `said`: what the creator did. `answered`, `songs`, `life`: what must hold of
//!   each hug, write by write. `model`: what else must hold.
//! - `task`: what a job works on. `stream`: how records reach the second function. `creator`: what she does. `run`: one
//!   history. `seed`: a history from a seed.
//! - `past`: histories that once showed a defect. `crash`: a crash at each call in turn. `churn`: how often the right
//!   person is named, for each kind of coming and going.
//!
//! `make simulate HISTORIES=100000`, `FROM=100000` to go on from there, or `SEED=17` for one history
//! with its story.

#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]
#![allow(
    clippy::cast_precision_loss,
    reason = "percentages and rates are for people"
)]
#![allow(unreachable_pub, reason = "nothing uses a test program")]

mod answered;
mod churn;
mod crash;
mod creator;
mod history;
mod letters;
mod life;
mod model;
mod network;
mod observer;
mod past;
mod posts;
mod process;
mod run;
mod said;
mod seed;
mod songs;
mod stream;
mod table;
mod task;
mod truth;

use std::{
    fmt::Write,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Instant,
};

use history::History;
use life::Figures;
use proptest::strategy::ValueTree;
use run::{Broken, Tally, live, run};
use seed::{from_seed, number};

/// How often a history that fails is made smaller, at most.
const MAX_SHRINKS: usize = 600;

/// The smallest history that can be found in which a promise is broken, too.
fn shrink(mut tree: impl ValueTree<Value = History>, broken: Broken) -> (History, Broken) {
    let mut smallest = (tree.current(), broken);
    let mut failed = true;
    for _ in 0..MAX_SHRINKS {
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

fn report(seed: u64, history: &History, broken: &Broken) -> String {
    let mut text = format!("seed {seed}: {}\n", broken.what);
    for line in &broken.story {
        writeln!(text, "  {line}").unwrap();
    }
    writeln!(text, "the history, for a named case:\n{history:?}").unwrap();
    text
}

#[test]
#[ignore = "slow: 2,000 histories take some minutes"]
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
                            *failure.lock().unwrap() = Some(report(seed, &history, &broken));
                        }
                    }
                }
            });
        }
    });
    if let Some(report) = failure.into_inner().unwrap() {
        panic!("{report}");
    }
    let seconds = start.elapsed().as_secs_f64();
    let total = total.into_inner().unwrap();
    println!(
        "{histories} histories, {} steps, {} calls, {} hugs, {} letters in {seconds:.1} s: {:.0} histories and {:.0} steps a second",
        total.steps,
        total.calls,
        total.hugs,
        total.letters,
        histories as f64 / seconds,
        total.steps as f64 / seconds,
    );
    let Figures {
        held,
        approved,
        to_send,
        sent_by_hand,
        blocked,
        cancelled,
        declined,
        forgotten,
        topics,
        songs,
        hugged,
        passed,
        silent,
        news,
    } = total.lives;
    println!(
        "{held} times held, {approved} times approved, {to_send} times to send, {sent_by_hand} sent by hand, {blocked} times blocked, {cancelled} cancelled, {forgotten} erased, {news} news",
    );
    println!(
        "{topics} topics heard, {declined} times stop, {silent} times silence told, {passed} passed on, {songs} songs, {hugged} hugged",
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
