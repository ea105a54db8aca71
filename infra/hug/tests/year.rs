//! Which files, rows and times grow when checks run for a long time.

use std::{
    env, fs,
    path::Path,
    time::{Duration, Instant},
};

use have_a_hug::{clock::Clock, settings::Settings};
use hug::stack::Stack;
use serde_json::json;
use stand_ins::secret;
use tests::settings;

use crate::command_line::CommandLine;

/// The size of the files in a folder, in KB.
fn kilobytes(folder: &Path) -> u64 {
    let files = fs::read_dir(folder).unwrap();
    let sizes = files.map(|file| file.unwrap().metadata().unwrap().len());
    sizes.sum::<u64>() / 1024
}

/// How many rows a table of the database has.
fn rows(state: &Path, table: &str) -> u64 {
    let database = rusqlite::Connection::open(state.join("ledger.sqlite")).unwrap();
    let count = format!("SELECT COUNT(*) FROM \"{table}\"");
    database.query_row(&count, [], |row| row.get(0)).unwrap()
}

/// Amber's account, its ledger and its stack.
struct Ledger {
    cli: CommandLine,
    clock: Clock,
    stack: Stack,
}

impl Ledger {
    async fn new() -> Self {
        let clock = Clock::by_hand("2026-11-22T14:00:00Z".parse().unwrap());
        let cli = CommandLine::with_clock(clock.clone(), 598).await;
        let settings = settings("x", "amber", cli.x.url(), "");
        let settings = Settings::parse(&settings, "hug.toml", &secret).unwrap();
        let state = cli.state();
        let stack = Stack::open_with(settings, &state, clock.clone());
        Self {
            stack: stack.await.unwrap(),
            cli,
            clock,
        }
    }

    /// A round, five minutes after the last one. Returns how long it took.
    async fn round(&mut self) -> Duration {
        self.clock.advance(Duration::from_mins(5));
        let start = Instant::now();
        self.stack.round(json!({})).await.unwrap();
        let spent = start.elapsed();
        self.cli.x.clear_requests();
        spent
    }
}

fn milliseconds(spent: Duration, rounds: u32) -> f64 {
    spent.as_secs_f64() * 1000.0 / f64::from(rounds)
}

/// `make year` sets ROUNDS to 105,120, which is a year at five minutes. With few rounds, the test shows everything
/// except the speed.
#[tokio::test]
async fn a_year_of_checks_keeps_the_stream_short() {
    let rounds = env::var("ROUNDS").map_or(200, |rounds| rounds.parse().unwrap());
    let mut old = Ledger::new().await;
    let state = old.cli.state();
    let step = (rounds / 20).max(1);
    let mut spent = Duration::ZERO;
    println!("rounds  ms a round  KB in .hug  items  records in the stream");
    for round in 1..=rounds {
        // Someone follows every four hours, so that a milestone is crossed every 17 days.
        if round % 50 == 0 {
            old.cli.fans(10_000 + u64::from(round), 1);
        }
        spent += old.round().await;
        let stream = rows(&state, "_stream_records");
        assert_eq!(
            stream, 1,
            "the newest record stays, for its sequence number"
        );
        if round % step == 0 {
            println!(
                "{round:>6}  {:>10.2}  {:>10}  {:>5}  {stream:>5}",
                milliseconds(spent, step),
                kilobytes(&state),
                rows(&state, "have-a-hug"),
            );
            spent = Duration::ZERO;
        }
    }
    let hugs = old.stack.deps.ledger.snapshot().await.unwrap().hugs;
    assert_eq!(hugs.len() as u64, (598 + u64::from(rounds) / 50) / 100 - 5);
    assert_eq!(old.cli.x.posts().len(), hugs.len());

    // The rounds alternate, so that other work of this computer slows down both ledgers.
    let mut new = Ledger::new().await;
    let (mut on_old, mut on_new) = (Duration::ZERO, Duration::ZERO);
    for _ in 0..step {
        on_new += new.round().await;
        on_old += old.round().await;
    }
    println!(
        "{step} rounds in turns: {:.2} ms on the old ledger, {:.2} ms on a new one",
        milliseconds(on_old, step),
        milliseconds(on_new, step)
    );
}
