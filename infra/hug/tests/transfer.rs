//! `hug export` and `hug import`: from one ledger to another.

use std::{fs, time::Duration};

use have_a_hug::{
    clock::Clock,
    ledger::{HandleChange, LedgerFailure, Recording},
    transfer::{export, import},
};
use hug::{port::Port, stack::Stack, table};
use jiff::Timestamp;
use promise::{
    hug::Status,
    record::{AccountRecord, HandleRecord},
};
use serde_json::json;
use stand_ins::{Fault, Person, secret};
use tests::settings;

use crate::{
    command_line::{CommandLine, Ended},
    ledgers::{items_in, ledger_in, snapshot_of, with},
};

/// Amber with 599 followers. Her account was checked and exported to `amber.jsonl`.
async fn exported() -> CommandLine {
    let cli = CommandLine::with_followers(599).await;
    cli.run(&["check"]).await.success();
    let ended = cli.run(&["export", "amber.jsonl"]).await;
    assert!(
        ended.stderr().contains("items of x:amber"),
        "{}",
        ended.stderr()
    );
    ended.success();
    cli
}

async fn elsewhere(cli: &CommandLine, arguments: &[&str]) -> Ended {
    let mut all = arguments.to_vec();
    all.extend(["--state", "elsewhere"]);
    cli.run(&all).await
}

#[tokio::test]
async fn an_account_goes_on_in_the_other_ledger_without_a_baseline_and_is_not_served_here_any_more()
{
    let cli = exported().await;
    let output = elsewhere(&cli, &["import", "amber.jsonl"]).await.success();
    assert!(output.contains("x:amber  is here now"), "{output}");
    cli.fans(1_000, 1);
    cli.run(&["check"]).await;
    assert_eq!(cli.x.posts().len(), 0, "the source is paused");
    let output = elsewhere(&cli, &["check"]).await.success();
    assert!(
        output.contains("600 goes to Tomasz Mbeki, @fan1000"),
        "{output}"
    );
    assert!(output.contains("600 invited: announce"), "{output}");
    assert!(!output.contains("counted from here on"), "{output}");
    let hug = snapshot_of(&cli.folder.path().join("elsewhere"))
        .await
        .hugs
        .remove(0);
    let arrivals = hug.evidence.arrivals.unwrap();
    assert_eq!(arrivals.came, 1, "the remembered followers were imported");
    cli.run(&["check"]).await;
    assert_eq!(cli.x.posts().len(), 1);
}

#[tokio::test]
async fn only_its_owner_can_read_an_export_and_an_export_that_is_cut_off_is_refused() {
    let cli = exported().await;
    let file = cli.folder.path().join("amber.jsonl");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let text = fs::read_to_string(&file).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let items = items_in(&cli.state()).await;
    let taken = items.iter().filter(|item| !item.is_of_roster());
    assert_eq!(lines.len(), taken.count() + 1);
    fs::write(&file, lines[..lines.len() - 1].join("\n")).unwrap();
    let refusal = elsewhere(&cli, &["import", "amber.jsonl"]).await.refusal();
    assert!(refusal.contains("it is cut off"), "{refusal}");
    let refusal = elsewhere(&cli, &["import", "hug.toml"]).await.refusal();
    assert!(
        refusal.contains("not a file that `hug export` wrote"),
        "{refusal}"
    );
    assert!(!cli.folder.path().join("elsewhere").exists());
}

#[tokio::test]
async fn a_second_import_of_a_file_changes_nothing_and_is_refused_after_the_account_has_changed() {
    let cli = exported().await;
    let other = cli.folder.path().join("elsewhere");
    elsewhere(&cli, &["import", "amber.jsonl"]).await.success();
    let items = items_in(&other).await;
    let output = elsewhere(&cli, &["import", "amber.jsonl"]).await.success();
    assert!(output.contains("x:amber  is here already"), "{output}");
    assert_eq!(items_in(&other).await, items);
    cli.fans(1_000, 1);
    elsewhere(&cli, &["check"]).await.success();
    let items = items_in(&other).await;
    let refusal = elsewhere(&cli, &["import", "amber.jsonl"]).await.refusal();
    assert!(
        refusal.contains("x:amber is not changed here: this ledger serves it already"),
        "{refusal}"
    );
    assert_eq!(items_in(&other).await, items);
}

#[tokio::test]
async fn after_an_interrupted_import_the_account_is_not_served_and_the_same_command_completes_it() {
    let cli = exported().await;
    let other = cli.folder.path().join("elsewhere");
    let account = items_in(&cli.state()).await;
    let account = account.iter().find(|item| item.is_account()).unwrap();
    let ledger = ledger_in(&other).await;
    let paused = HandleChange::from(HandleRecord {
        paused_at: Some(Timestamp::UNIX_EPOCH),
        ..HandleRecord::default()
    });
    let amber = "x:amber".parse().unwrap();
    ledger.change_handle(&amber, &paused).await.unwrap();
    // Interrupted before the account, and after it.
    elsewhere(&cli, &["check"]).await;
    assert_eq!(snapshot_of(&other).await.accounts, []);
    ledger.replace_item(account, None).await.unwrap();
    elsewhere(&cli, &["check"]).await;
    let output = elsewhere(&cli, &["import", "amber.jsonl"]).await.success();
    assert!(output.contains("x:amber  is here now"), "{output}");
    cli.fans(1_000, 1);
    let output = elsewhere(&cli, &["check"]).await.success();
    assert!(output.contains("600 invited: announce"), "{output}");
}

#[tokio::test]
async fn an_import_over_a_baseline_is_refused_and_says_what_helps() {
    let cli = exported().await;
    elsewhere(&cli, &["check"]).await.success();
    let before = items_in(&cli.folder.path().join("elsewhere")).await;
    let refusal = elsewhere(&cli, &["import", "amber.jsonl"]).await.refusal();
    assert!(
        refusal.contains("erase it here first: `hug forget x:amber`"),
        "{refusal}"
    );
    assert_eq!(items_in(&cli.folder.path().join("elsewhere")).await, before);
    elsewhere(&cli, &["forget", "x:amber", "--yes"])
        .await
        .success();
    elsewhere(&cli, &["import", "amber.jsonl"]).await.success();
    let amber = snapshot_of(&cli.folder.path().join("elsewhere"))
        .await
        .accounts
        .remove(0);
    assert_eq!(amber.followers, 599);
}

#[tokio::test]
async fn an_import_back_into_the_same_ledger_ends_the_pause() {
    let cli = exported().await;
    let output = cli.run(&["check"]).await;
    assert!(!output.stdout().contains("598"), "{}", output.stdout());
    cli.run(&["import", "amber.jsonl"]).await.success();
    cli.fans(1_000, 1);
    let output = cli.run(&["check"]).await.success();
    assert!(output.contains("600 invited: announce"), "{output}");
}

#[tokio::test]
async fn an_account_that_comes_back_brings_its_new_hugs_and_an_old_export_does_not_undo_them() {
    let cli = exported().await;
    elsewhere(&cli, &["import", "amber.jsonl"]).await.success();
    cli.fans(1_000, 1);
    elsewhere(&cli, &["check"]).await.success();
    elsewhere(&cli, &["export", "home.jsonl"]).await.success();
    cli.run(&["import", "home.jsonl"]).await.success();
    let there = snapshot_of(&cli.folder.path().join("elsewhere")).await;
    let here = snapshot_of(&cli.state()).await;
    assert_eq!(here.hugs, there.hugs);
    assert_eq!(here.hugs[0].status, Status::Invited);
    let refusal = elsewhere(&cli, &["import", "amber.jsonl"]).await.refusal();
    assert!(refusal.contains("its record here is newer"), "{refusal}");
    cli.fans(2_000, 100);
    let output = cli.run(&["check"]).await.success();
    assert!(output.contains("700 goes to"), "{output}");
    assert_eq!(cli.x.posts().len(), 2);
}

#[tokio::test]
async fn a_follower_who_was_forgotten_in_the_other_ledger_is_gone_here_after_the_account_comes_back()
 {
    let cli = CommandLine::with_followers(598).await;
    cli.run(&["check"]).await.success();
    let bot = Person::bot(7, Clock::system().now());
    cli.fans(900, 1);
    cli.x.follow(bot.clone());
    cli.fans(1_000, 1);
    cli.run(&["check"]).await.success();
    assert_eq!(with(&items_in(&cli.state()).await, &bot.handle).len(), 1);
    cli.run(&["export", "there.jsonl"]).await.success();
    elsewhere(&cli, &["import", "there.jsonl"]).await.success();
    let forget = ["forget", "--yes", "--follower", &bot.handle];
    elsewhere(&cli, &forget).await.success();
    elsewhere(&cli, &["export", "home.jsonl"]).await.success();
    cli.run(&["import", "home.jsonl"]).await.success();
    assert_eq!(
        with(&items_in(&cli.state()).await, &bot.handle),
        [] as [&str; 0]
    );
}

#[tokio::test]
async fn an_account_is_not_exported_while_a_hug_is_being_sent_and_is_not_paused() {
    let cli = CommandLine::with_followers(599).await;
    cli.run(&["check"]).await.success();
    cli.fans(1_000, 1);
    cli.x.fail_next("POST /2/tweets", Fault::AnswerLost);
    cli.run(&["check"]).await;
    let refusal = cli.run(&["export", "amber.jsonl"]).await.refusal();
    assert!(
        refusal.contains("the hug for 600 of x:amber is being sent, until"),
        "{refusal}"
    );
    cli.fans(2_000, 1);
    cli.run(&["check"]).await;
    assert_eq!(snapshot_of(&cli.state()).await.accounts[0].followers, 601);
}

#[tokio::test]
async fn an_export_without_a_pause_leaves_the_account_served_here() {
    let cli = CommandLine::with_followers(599).await;
    cli.run(&["check"]).await.success();
    let copy = cli.run(&["export", "--no-pause"]).await.success();
    assert!(copy.starts_with("{\"have_a_hug_export\":1,"), "{copy}");
    cli.fans(1_000, 1);
    let output = cli.run(&["check"]).await.success();
    assert!(output.contains("600 invited: announce"), "{output}");
    let refusal = cli.run(&["export", "--account", "x:bea"]).await.refusal();
    assert!(
        refusal.contains("the ledger has nothing of x:bea"),
        "{refusal}"
    );
}

#[tokio::test]
async fn a_command_on_a_hug_of_a_paused_account_is_refused_with_the_reason() {
    let cli = CommandLine::with_followers(599).await;
    cli.run(&["check"]).await.success();
    cli.fans(1_000, 1);
    cli.x.fail_next("POST /2/tweets", Fault::Status(401));
    cli.run(&["check"]).await;
    cli.run(&["export", "amber.jsonl"]).await.success();
    for command in [
        &["retry", "600"][..],
        &["cancel", "600"],
        &["forget", "--follower", "fan1000", "--yes"],
    ] {
        let refusal = cli.run(command).await.refusal();
        assert!(refusal.contains("x:amber is paused here"), "{refusal}");
    }
    elsewhere(&cli, &["import", "amber.jsonl"]).await.success();
    let output = elsewhere(&cli, &["retry", "600"]).await.success();
    assert!(output.contains("600 invited: announce"), "{output}");
}

/// A stack in memory for Amber's account on the stand-in of `cli`.
async fn in_memory(cli: &CommandLine, clock: &Clock) -> Stack {
    let settings = settings("x", "amber", cli.x.url(), "");
    let stack = Stack::in_memory(&settings, &secret, clock.clone());
    stack.await.unwrap()
}

async fn round(stack: &mut Stack, clock: &Clock) {
    clock.advance(Duration::from_mins(6));
    stack.round(json!({})).await.unwrap();
}

/// Amber's account in memory, with a clock that begins an hour ago.
async fn amber() -> (CommandLine, Clock, Stack) {
    let cli = CommandLine::with_followers(599).await;
    let clock = Clock::by_hand(Clock::system().now() - Duration::from_hours(1));
    let mut stack = in_memory(&cli, &clock).await;
    round(&mut stack, &clock).await;
    (cli, clock, stack)
}

async fn account(stack: &Stack) -> AccountRecord {
    let mut accounts = stack.deps.ledger.snapshot().await.unwrap().accounts;
    accounts.remove(0)
}

#[tokio::test]
async fn a_letter_that_may_have_arrived_is_looked_up_by_the_other_ledger_and_not_sent_again() {
    let (cli, clock, mut here) = amber().await;
    cli.fans(1_000, 1);
    cli.x.fail_next("POST /2/tweets", Fault::AnswerLost);
    round(&mut here, &clock).await;
    assert_eq!(cli.x.posts().len(), 1);
    clock.advance(Duration::from_mins(2));
    let exported = export(&here.deps.ledger, None, true, clock.now())
        .await
        .unwrap();
    let mut there = in_memory(&cli, &clock).await;
    import(&there.deps.ledger, exported.items, clock.now())
        .await
        .unwrap();
    round(&mut there, &clock).await;
    let hugs = there.deps.ledger.snapshot().await.unwrap().hugs;
    assert_eq!(hugs[0].status, Status::Invited);
    assert_eq!(cli.x.posts().len(), 1);
}

#[tokio::test]
async fn a_hug_that_was_only_reached_is_delivered_by_the_other_ledger_and_not_here() {
    let (cli, clock, mut here) = amber().await;
    cli.fans(1_000, 1);
    let event = lambda_runtime::LambdaEvent::new(json!({}), lambda_runtime::Context::default());
    check_followers::handle(event, &here.deps).await.unwrap();
    let exported = export(&here.deps.ledger, None, true, clock.now())
        .await
        .unwrap();
    here.deliver().await.unwrap();
    assert_eq!(cli.x.posts().len(), 0);
    let mut there = in_memory(&cli, &clock).await;
    import(&there.deps.ledger, exported.items, clock.now())
        .await
        .unwrap();
    there.deliver().await.unwrap();
    assert_eq!(cli.x.posts().len(), 1);
}

#[tokio::test]
async fn a_check_or_a_delivery_that_began_before_an_export_writes_nothing_after_it() {
    let (cli, clock, here) = amber().await;
    cli.fans(1_000, 1);
    let event = lambda_runtime::LambdaEvent::new(json!({}), lambda_runtime::Context::default());
    check_followers::handle(event, &here.deps).await.unwrap();
    let ledger = &here.deps.ledger;
    let before = account(&here).await;
    let hug = ledger.snapshot().await.unwrap().hugs.remove(0);
    export(ledger, None, true, clock.now()).await.unwrap();
    // One check read handle and account before the pause. The other read the handle before it and the account after it.
    for read in [before, account(&here).await] {
        let mut after = read.clone();
        after.revision += 1;
        let recording = Recording {
            before: Some(&read),
            after: &after,
            hugs: &[],
            passed_over: &[],
            handle: &HandleChange::default(),
            glance: have_a_hug::ledger::GlanceChange::Remove,
        };
        let lost = ledger.record_check(recording).await.unwrap_err();
        assert_eq!(lost.failure, LedgerFailure::LostRace);
    }
    let claimed = hug.claim(clock.now()).unwrap();
    let lost = ledger.replace_hug(&claimed).await.unwrap_err();
    assert_eq!(lost.failure, LedgerFailure::LostRace);
}

/// The command with the table behind this port as its table on AWS.
async fn on_aws(cli: &CommandLine, port: &Port, arguments: &[&str]) -> Ended {
    let mut command = cli.command(arguments);
    command
        .env("AWS_ENDPOINT_URL", port.url())
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("AWS_REGION", "eu-central-1")
        .env("AWS_ACCESS_KEY_ID", port.key())
        .env("AWS_SECRET_ACCESS_KEY", "test");
    cli.run_command(command).await
}

#[tokio::test]
async fn from_a_laptop_to_aws_and_back() {
    let cli = exported().await;
    let clock = Clock::by_hand(Clock::system().now());
    let mut aws = in_memory(&cli, &clock).await;
    let port = Port::open(aws.table.database()).await.unwrap();
    let import = ["import", "amber.jsonl", "--table", table::NAME];
    on_aws(&cli, &port, &import).await.success();
    cli.fans(1_000, 1);
    round(&mut aws, &clock).await;
    assert_eq!(cli.x.posts().len(), 1);
    let export = ["export", "home.jsonl", "--table", table::NAME];
    on_aws(&cli, &port, &export).await.success();
    cli.run(&["import", "home.jsonl"]).await.success();
    cli.fans(2_000, 100);
    round(&mut aws, &clock).await;
    assert_eq!(cli.x.posts().len(), 1, "the table on AWS is paused");
    let doctor = ["doctor", "--table", table::NAME];
    let findings = on_aws(&cli, &port, &doctor).await.success();
    assert!(findings.contains("paused since"), "{findings}");
    let output = cli.run(&["check"]).await.success();
    assert!(output.contains("700 goes to"), "{output}");
    assert_eq!(cli.x.posts().len(), 2);
}

#[tokio::test]
async fn from_a_restored_table_into_the_table_of_a_new_stack() {
    let (cli, clock, old) = amber().await;
    // A restored table has another name, no stream, and no expiry of items.
    let client = old.table.client();
    let restored = "restored";
    let described = client.describe_table().table_name(table::NAME).send();
    let described = described.await.unwrap().table.unwrap();
    client
        .create_table()
        .table_name(restored)
        .set_key_schema(described.key_schema)
        .set_attribute_definitions(described.attribute_definitions)
        .billing_mode(aws_sdk_dynamodb::types::BillingMode::PayPerRequest)
        .send()
        .await
        .unwrap();
    let items = client.scan().table_name(table::NAME).send().await.unwrap();
    for item in items.items.unwrap() {
        let put = client.put_item().table_name(restored).set_item(Some(item));
        put.send().await.unwrap();
    }
    let port = Port::open(old.table.database()).await.unwrap();
    let export = ["export", "r.jsonl", "--no-pause", "--table", restored];
    on_aws(&cli, &port, &export).await.success();
    let mut new = in_memory(&cli, &clock).await;
    let port = Port::open(new.table.database()).await.unwrap();
    let import = ["import", "r.jsonl", "--table", table::NAME];
    on_aws(&cli, &port, &import).await.success();
    cli.fans(1_000, 1);
    round(&mut new, &clock).await;
    let hugs = new.deps.ledger.snapshot().await.unwrap().hugs;
    assert_eq!(hugs[0].status, Status::Invited);
    assert_eq!(cli.x.posts().len(), 1);
}
