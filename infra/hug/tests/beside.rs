//! Commands that work while another process uses the ledger.

use std::{
    collections::HashMap,
    env,
    path::Path,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use aws_sdk_dynamodb::types::AttributeValue;
use hug::table::{self, Table};
use stand_ins::Fault;
use tokio::{runtime::Handle, task::spawn_blocking};

use crate::command_line::{CommandLine, Watch, eventually};

#[tokio::test]
async fn a_retry_beside_a_watch_needs_no_secret_and_says_that_the_watch_delivers() {
    let cli = CommandLine::with_followers(599).await;
    let watch = Watch::start(&cli);
    eventually(|| watch.has_printed("counted from here on")).await;
    cli.x.fail_next("POST /2/tweets", Fault::Status(401));
    cli.fans(1_000, 1);
    eventually(|| watch.has_printed("600 not invited yet")).await;
    let mut retry = cli.command(&["retry", "600"]);
    for secret in ["KEY", "SECRET"] {
        retry.env_remove(format!("X_API_{secret}"));
    }
    let output = cli.run_command(retry).await.success();
    assert!(output.contains("it goes back to work"), "{output}");
    let process = format!("process {}: ", watch.id());
    assert!(
        output.contains("Not sent yet: another `hug` uses this ledger")
            && output.contains(&process),
        "{output}"
    );
    eventually(|| watch.has_printed("600 invited: announce")).await;
    assert_eq!(cli.x.posts().len(), 1);
}

#[tokio::test]
async fn a_dry_run_works_beside_a_watch_and_a_second_check_does_not() {
    let cli = CommandLine::with_followers(598).await;
    let watch = Watch::start(&cli);
    eventually(|| watch.has_printed("counted from here on")).await;
    cli.run(&["check", "--dry-run"]).await.success();
    let output = cli.run(&["check"]).await.refusal();
    assert!(
        output.contains("`hug status`, `hug doctor` and the commands on a hug work beside it"),
        "{output}"
    );
    assert!(!output.contains("--state"), "{output}");
    drop(watch);
}

/// How many times each process writes.
const WRITES: u64 = 300;

/// The folder in which the test program writes when it is started as the second process.
const WRITES_IN: &str = "TEST_WRITES_IN";

/// Adds 1 to the same number again and again, in a transaction with a condition, as the ledger writes. Returns the time
/// of the slowest write.
async fn write(state: &Path) -> Duration {
    let table = Table::beside(state).await.unwrap();
    let mut slowest = Duration::ZERO;
    for _ in 0..WRITES {
        let start = Instant::now();
        let key = || AttributeValue::S("counter".into());
        let update = table.client().update_item();
        update
            .table_name(table::NAME)
            .key("pk", key())
            .key("sk", key())
            .update_expression("ADD written :one")
            .condition_expression("attribute_not_exists(written) OR written >= :one")
            .expression_attribute_values(":one", AttributeValue::N("1".into()))
            .send()
            .await
            .unwrap();
        slowest = slowest.max(start.elapsed());
    }
    slowest
}

#[tokio::test]
async fn the_second_process_of_the_next_test_writes() {
    if let Some(state) = env::var_os(WRITES_IN) {
        println!("slowest: {:?}", write(Path::new(&state)).await);
    }
}

/// Opens the ledger as `hug status` does, reads it and closes it, until `written`. Returns how many times.
async fn look(state: &Path, written: &AtomicBool) -> u64 {
    let mut looks = 0;
    while !written.load(Ordering::SeqCst) {
        items(state).await;
        looks += 1;
    }
    looks
}

async fn items(state: &Path) -> Vec<HashMap<String, AttributeValue>> {
    let table = Table::beside(state).await.unwrap();
    let scan = table.client().scan().table_name(table::NAME);
    scan.send().await.unwrap().items.unwrap()
}

#[tokio::test]
async fn no_write_fails_while_two_processes_write_and_others_read_without_a_pause() {
    let cli = CommandLine::with_followers(598).await;
    cli.run(&["check"]).await.success();
    let mut second = Command::new(env::current_exe().unwrap());
    second
        .args(["the_second_process_of_the_next_test_writes", "--nocapture"])
        .env(WRITES_IN, cli.state());
    let second = spawn_blocking(move || second.output().unwrap());
    let written = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = (0..2)
        .map(|_| {
            let (state, written) = (cli.state(), Arc::clone(&written));
            spawn_blocking(move || Handle::current().block_on(look(&state, &written)))
        })
        .collect();
    let state = cli.state();
    let first = spawn_blocking(move || Handle::current().block_on(write(&state)));
    let (first, second) = (first.await.unwrap(), second.await.unwrap());
    written.store(true, Ordering::SeqCst);
    let output = String::from_utf8_lossy(&second.stdout);
    assert!(second.status.success(), "{output}");
    for reader in readers {
        let looks = reader.await.unwrap();
        assert!(looks > 0);
        println!("looks: {looks}");
    }
    println!("the slowest write took {first:?}; of the second process: {output}");
    let items = items(&cli.state()).await;
    let counter = items.iter().find_map(|item| item.get("written"));
    let number = counter.unwrap().as_n().unwrap();
    assert_eq!(number, &(2 * WRITES).to_string(), "no write is lost");
}
