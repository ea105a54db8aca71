//! `hug doctor` on the settings, the secrets, the clock and the ledger here.

use std::{collections::BTreeMap, fs};

use aws_sdk_dynamodb::types::StreamSpecification;
use have_a_hug::clock::Clock;
use hug::table::{self, Table};
use jiff::SignedDuration;
use serde_json::json;
use tests::settings;

use crate::{
    command_line::{CommandLine, Watch, eventually},
    findings::{doctor, doctor_with},
    situations::{stuck, to_send},
};

/// Every file of the ledger's folder, to the byte.
fn kept(cli: &CommandLine) -> BTreeMap<String, Vec<u8>> {
    let folder = fs::read_dir(cli.state()).unwrap();
    folder
        .map(|entry| entry.unwrap())
        .map(|entry| {
            let name = entry.file_name().into_string().unwrap();
            (name, fs::read(entry.path()).unwrap())
        })
        .collect()
}

#[tokio::test]
async fn a_doctor_finds_nothing_wrong_where_all_is_right_and_changes_and_sends_nothing() {
    let cli = CommandLine::with_followers(599).await;
    let before = doctor(&cli).await;
    before.has("ok", &[".hug: nothing is kept there yet"]);
    assert!(!cli.state().exists());

    cli.run(&["check"]).await;
    cli.fans(1_000, 1);
    cli.run(&["check"]).await;
    let (files, posts) = (kept(&cli), cli.x.posts());
    cli.x.clear_requests();
    let findings = doctor(&cli).await;
    for about in [
        "hug.toml: it is right, for x:amber",
        "X_ACCESS_TOKEN: it is there",
        ".hug: no other program is at work on it",
        "table: it can be read: 1 account and 1 hug",
        "stream: every hug in it has been handed over",
        "failed.jsonl: the stream gave up on nothing",
        "this computer's clock: it agrees",
        "x:amber: 600 followers, https://x.com/amber",
        "x:amber: its list of followers can be read",
        "x:amber: its keys are its own",
        "x:amber: its keys may post",
        "x:amber: for 700 it would send this by announce: Thanks, all 700!",
        "x:amber: this look cost $0.021 at most",
    ] {
        findings.has("ok", &[about]);
    }
    assert!(
        findings.healthy
            && !findings.output.contains("unsure")
            && findings
                .output
                .ends_with("\n\nAll is right. Next: hug check\n"),
        "{}",
        findings.output
    );
    assert!(
        !findings.output.contains("hug retry"),
        "{}",
        findings.output
    );
    let asked: Vec<String> = cli
        .x
        .requests()
        .iter()
        .map(|seen| {
            let path = seen.path.split("&user").next().unwrap();
            format!("{} {path}", seen.method)
        })
        .collect();
    assert_eq!(
        asked,
        [
            "GET /",
            "GET /2/users/by/username/amber?user.fields=public_metrics",
            "GET /2/users/44196397/followers?max_results=1",
            "GET /2/users/me",
        ]
    );
    assert_eq!(cli.x.posts(), posts);
    assert_eq!(kept(&cli), files);
}

#[tokio::test]
async fn a_doctor_reports_every_mistake_in_the_settings_and_every_missing_secret() {
    let cli = CommandLine::with_followers(599).await;
    let wrong = settings("x", "amber", cli.x.url(), "").replace("600", "0");
    cli.write(&wrong.replace("step = 100", "step = -1"));
    let findings = doctor_with(&cli, |command| {
        command.env_remove("X_API_SECRET");
    })
    .await;
    findings.has("wrong", &["hug.toml: line 2, plan.first"]);
    findings.has("wrong", &["hug.toml: line 3, plan.step"]);
    findings.has(
        "wrong",
        &["accounts: a secret is missing for x:amber: X_API_SECRET;"],
    );
    findings.has("unsure", &["networks: not asked"]);
    let sum =
        "\n3 things are wrong: hug.toml, accounts. Do what is behind the arrow, then: hug doctor\n";
    assert!(findings.output.ends_with(sum), "{}", findings.output);
    assert!(cli.x.requests().is_empty());
}

#[tokio::test]
async fn a_doctor_knows_a_secret_that_was_copied_wrongly_without_showing_it() {
    let cli = CommandLine::with_followers(599).await;
    let key = stand_ins::secret("X_API_KEY").unwrap();
    let findings = doctor_with(&cli, |command| {
        command
            .env("X_API_KEY", format!("\"{key}\""))
            .env("X_ACCESS_TOKEN", "another-thing")
            .env("X_API_SECRET", "short")
            .env("X_ACCESS_SECRET", format!("{} \n", "s".repeat(45)));
    })
    .await;
    findings.has("wrong", &["X_API_KEY: it has quotes around it"]);
    findings.has(
        "unsure",
        &["X_ACCESS_TOKEN: it does not begin with the account's number"],
    );
    findings.has("unsure", &["X_API_SECRET: it is not 50 letters and digits"]);
    findings.has("unsure", &["X_ACCESS_SECRET: it has blanks"]);
    for secret in ["another-thing", "short", "ssss"] {
        assert!(!findings.output.contains(secret), "{}", findings.output);
    }
    findings.has(
        "wrong",
        &["x:amber: reading the follower count failed: 401"],
    );
}

#[tokio::test]
async fn a_clock_that_is_off_by_more_than_a_minute_is_wrong_for_a_doctor() {
    for (verdict, seconds, words) in [
        ("wrong", 90, "s behind what http://127.0.0.1:"),
        ("wrong", -90, "s ahead of what http://127.0.0.1:"),
        ("ok", 40, "it agrees with"),
    ] {
        let there = Clock::system().now() + SignedDuration::from_secs(seconds);
        let cli = CommandLine::with_clock(Clock::by_hand(there), 599).await;
        let findings = doctor(&cli).await;
        findings.has(verdict, &["this computer's clock", words]);
    }
}

#[tokio::test]
async fn a_doctor_says_who_is_at_work_and_so_does_the_refusal_of_another() {
    let cli = CommandLine::with_followers(599).await;
    let watch = Watch::start(&cli);
    eventually(|| !cli.x.requests().is_empty()).await;
    let who = format!("process {}: ", watch.id());
    let findings = doctor(&cli).await;
    findings.has("ok", &[&who, "watch --every 1s is at work on it"]);
    let output = cli.run(&["check"]).await.refusal();
    assert!(output.contains(&who), "{output}");
    drop(watch);
    let findings = doctor(&cli).await;
    findings.has("ok", &["no other program is at work on it"]);
}

#[tokio::test]
async fn a_doctor_reports_what_waits_in_the_stream_and_what_the_stream_gave_up_on() {
    let cli = stuck().await;
    let state = cli.state();
    let keys = json!({ "pk": { "S": "x#44196397" }, "sk": { "S": "milestone#0000000600" } });
    let record = json!({ "dynamodb": { "Keys": keys } });
    fs::write(state.join("failed.jsonl"), format!("{record}\n")).unwrap();
    let findings = doctor(&cli).await;
    findings.has(
        "wrong",
        &[
            "failed.jsonl",
            "gave up 1 times; not delivered yet: x:amber 600 (inviting)",
        ],
    );
    findings.has(
        "wrong",
        &["x:amber 600: inviting since", "401", "tried next at"],
    );
    // As after a crash between the write and the invitation: the process that had to deliver has ended.
    let other = Table::open(&state).await.unwrap();
    cli.run(&["retry"]).await.success();
    drop(other);
    // A program that another test starts inherits this process's open files for a moment, and with them the lock.
    eventually(|| table::at_work(&state).unwrap().is_none()).await;
    let findings = doctor(&cli).await;
    findings.has("unsure", &["stream: 1 hugs wait", "`hug check` sends them"]);
    cli.run(&["check"]).await.success();
    let findings = doctor(&cli).await;
    findings.has("ok", &["stream: every hug in it has been handed over"]);
    findings.has(
        "unsure",
        &["failed.jsonl", "were sent since", "delete the file"],
    );
    assert!(
        findings.healthy
            && findings
                .output
                .contains("\nNothing is wrong. 1 thing is unsure: failed.jsonl. Next: hug check\n"),
        "{}",
        findings.output
    );
}

#[tokio::test]
async fn a_doctor_reports_a_hug_that_waits_for_the_creator_a_table_without_a_stream_and_a_broken_file()
 {
    let cli = to_send().await;
    let findings = doctor(&cli).await;
    findings.has(
        "wrong",
        &[
            "x:amber 700: to_send since ",
            "`hug sent 700 --account x:amber`",
        ],
    );

    let state = cli.state();
    let table = Table::open(&state).await.unwrap();
    let off = StreamSpecification::builder().stream_enabled(false);
    table
        .client()
        .update_table()
        .table_name(table::NAME)
        .stream_specification(off.build().unwrap())
        .send()
        .await
        .unwrap();
    drop(table);
    let findings = doctor(&cli).await;
    findings.has(
        "wrong",
        &["table: it has no stream, so no hug is ever sent"],
    );

    fs::write(state.join("ledger.sqlite"), "no database").unwrap();
    let findings = doctor(&cli).await;
    findings.has("wrong", &[".hug: opening .hug/ledger.sqlite failed"]);

    fs::write(cli.folder.path().join("file"), "").unwrap();
    let findings = doctor_with(&cli, |command| {
        command.args(["--state", "file/state"]);
    })
    .await;
    findings.has(
        "wrong",
        &["file/state: nothing can be written to file", "--state"],
    );
}
