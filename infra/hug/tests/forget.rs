//! `hug forget`.

use std::{fs, path::Path};

use have_a_hug::{clock::Clock, ledger::StoredItem};
use promise::{account::AccountName, hug::Status, record::AccountRecord};
use serde_json::json;
use stand_ins::{Fault, Person, x};

use crate::{
    command_line::{CommandLine, Watch, eventually},
    ledgers::{items_in, key, ledger_in, snapshot_of, with},
};

/// Amber with a bot, and with fan number 600, who is invited.
async fn invited() -> CommandLine {
    let cli = CommandLine::with_followers(598).await;
    cli.run(&["check"]).await.success();
    cli.x.follow(Person::fan(900, Clock::system().now()));
    cli.x.follow(Person::bot(7, Clock::system().now()));
    cli.fans(1_000, 1);
    cli.run(&["check"]).await.success();
    let hug = ledger_in(&cli.state()).await.hug(&key(600)).await.unwrap();
    assert_eq!(hug.unwrap().follower.unwrap().handle, "fan1000");
    cli
}

fn amber(accounts: &[AccountRecord]) -> &AccountRecord {
    assert_eq!(accounts.len(), 1);
    &accounts[0]
}

#[tokio::test]
async fn an_account_is_erased_with_everything_that_the_ledger_has_of_it_only_after_a_yes() {
    let cli = invited().await;
    let before = items_in(&cli.state()).await.len();
    let refusal = cli.run(&["forget", "x:amber"]).await.refusal();
    assert!(
        refusal.contains("account: 1; hugs: 1; lists of followers who were passed over: 1")
            && refusal.contains("--yes"),
        "{refusal}"
    );
    assert_eq!(items_in(&cli.state()).await.len(), before);
    let output = cli.run(&["forget", "x:amber", "--yes"]).await.success();
    assert!(output.contains("x:amber is erased here"), "{output}");
    assert!(output.contains("the next check begins anew"), "{output}");
    assert_eq!(items_in(&cli.state()).await, []);
    let refusal = cli.run(&["forget", "x:amber", "--yes"]).await.refusal();
    assert!(
        refusal.contains("the ledger has nothing of x:amber"),
        "{refusal}"
    );
    let output = cli.run(&["check"]).await.success();
    assert!(output.contains("counted from here on"), "{output}");
}

#[tokio::test]
async fn a_new_account_with_the_handle_of_an_old_one_is_checked_after_the_old_one_is_forgotten() {
    let cli = invited().await;
    cli.x.rename("amber", "nobody");
    let keys = x::Keys {
        access_token: "77-sAndbOxAccessToken".to_owned(),
        ..x::Keys::sandbox()
    };
    let token = keys.access_token.clone();
    cli.x.add_account(x::Account {
        id: "77".to_owned(),
        keys: Some(keys),
        ..x::Account::amber()
    });
    let follow = |n: u64| {
        let fan = Person::fan(n, Clock::system().now());
        cli.x.follow_account("amber", fan);
    };
    (3_000..3_599).for_each(follow);
    let check = async || {
        let mut command = cli.command(&["check"]);
        command.env("X_ACCESS_TOKEN", &token);
        cli.run_command(command).await
    };
    check().await;
    let ids = async || snapshot_of(&cli.state()).await.accounts[0].id.to_string();
    assert_eq!(
        ids().await,
        "44196397",
        "the handle leads to the old account"
    );
    cli.run(&["forget", "x:amber", "--yes"]).await.success();
    let output = check().await.success();
    assert!(output.contains("counted from here on"), "{output}");
    assert_eq!(ids().await, "77");
    follow(4_000);
    let output = check().await.success();
    assert!(output.contains("600 invited: announce"), "{output}");
}

#[tokio::test]
async fn an_account_is_not_erased_while_one_of_its_hugs_is_being_sent_and_goes_on_as_before() {
    let cli = CommandLine::with_followers(599).await;
    cli.run(&["check"]).await.success();
    cli.fans(1_000, 1);
    // After a lost response the claim of the letter holds for a while.
    cli.x.fail_next("POST /2/tweets", Fault::AnswerLost);
    cli.run(&["check"]).await;
    let before = items_in(&cli.state()).await.len();
    let refusal = cli.run(&["forget", "x:amber", "--yes"]).await.refusal();
    assert!(
        refusal.contains("the hug for 600 of x:amber is being sent, until"),
        "{refusal}"
    );
    assert_eq!(items_in(&cli.state()).await.len(), before);
    let refusal = cli.run(&["forget", "--follower", "fan1000", "--yes"]).await;
    assert!(refusal.refusal().contains("is being sent, until"));
    let snapshot = snapshot_of(&cli.state()).await;
    assert_eq!(snapshot.handles[0].1.paused_at, None);
    cli.fans(2_000, 1);
    cli.run(&["check"]).await;
    assert_eq!(
        amber(&snapshot_of(&cli.state()).await.accounts).followers,
        601
    );
}

#[tokio::test]
async fn a_check_or_a_delivery_that_read_an_account_before_it_was_erased_writes_nothing_afterwards()
{
    let cli = invited().await;
    let ledger = ledger_in(&cli.state()).await;
    let account = amber(&snapshot_of(&cli.state()).await.accounts).clone();
    let hug = ledger.hug(&key(600)).await.unwrap().unwrap();
    cli.run(&["forget", "x:amber", "--yes"]).await.success();
    let mut next = account.clone();
    next.revision += 1;
    let mut later = hug.clone();
    later.revision += 1;
    ledger
        .record_hug_and_account(&next, &later)
        .await
        .unwrap_err();
    ledger.replace_hug(&later).await.unwrap_err();
    assert_eq!(items_in(&cli.state()).await, []);
}

#[tokio::test]
async fn a_watch_makes_a_new_baseline_after_its_account_is_erased() {
    let cli = CommandLine::with_followers(598).await;
    let watch = Watch::start(&cli);
    eventually(|| watch.has_printed("counted from here on")).await;
    cli.run(&["forget", "x:amber", "--yes"]).await.success();
    cli.fans(1_000, 3);
    let state = cli.state();
    let mut followers = 0;
    while followers != 601 {
        let accounts = snapshot_of(&state).await.accounts;
        followers = accounts.first().map_or(0, |account| account.followers);
    }
    let snapshot = snapshot_of(&state).await;
    assert_eq!(snapshot.accounts.len(), 1);
    assert_eq!(snapshot.handles[0].1.paused_at, None);
    drop(watch);
}

#[tokio::test]
async fn only_the_handle_is_erased_where_its_account_has_another_name_now() {
    let cli = invited().await;
    cli.x.rename("amber", "amber_lane");
    cli.write(&tests::settings("x", "amber_lane", cli.x.url(), ""));
    cli.run(&["check"]).await.success();
    let output = cli.run(&["forget", "x:amber", "--yes"]).await.success();
    assert!(
        output.contains("is an earlier handle of x:amber_lane"),
        "{output}"
    );
    let snapshot = snapshot_of(&cli.state()).await;
    let lane: AccountName = "x:amber_lane".parse().unwrap();
    assert_eq!(amber(&snapshot.accounts).name, lane);
    assert_eq!(snapshot.hugs.len(), 1);
    let handles: Vec<_> = snapshot.handles.iter().map(|(name, _)| name).collect();
    assert_eq!(handles, [&lane]);
}

#[tokio::test]
async fn only_the_id_is_left_of_a_forgotten_follower_whose_hug_was_sent_and_they_get_no_second_one()
{
    let cli = invited().await;
    let id = "2000001000";
    let output = cli
        .run(&["forget", "--follower", "@FAN1000", "--yes"])
        .await;
    let output = output.success();
    assert!(
        output.contains("x:amber  the hug for 600 of @fan1000 (id 2000001000), which is invited")
            && output.contains("The post is still on the network"),
        "{output}"
    );
    let items = items_in(&cli.state()).await;
    for word in ["fan1000", &cli.x.posts()[0].text] {
        assert_eq!(with(&items, word), [] as [&str; 0]);
    }
    assert_eq!(with(&items, id), ["x#44196397 milestone#0000000600"]);
    let snapshot = snapshot_of(&cli.state()).await;
    assert_eq!(snapshot.hugs[0].status, Status::Declined);
    let status = cli.run(&["status"]).await.success();
    assert!(!status.contains("fan1000"), "{status}");
    let status = cli.status().await;
    assert_eq!(status["hugs"][0]["follower"], serde_json::Value::Null);

    cli.run(&["check"]).await.success();
    // They leave, and come back as number 700.
    cli.x.unfollow("fan1000");
    cli.fans(2_000, 99);
    cli.fans(1_000, 1);
    cli.run(&["check"]).await.success();
    assert_eq!(cli.x.posts().len(), 1, "number 700 waits for somebody else");
    cli.fans(5_000, 1);
    cli.run(&["check"]).await.success();
    let hug = ledger_in(&cli.state()).await.hug(&key(700)).await.unwrap();
    assert_eq!(hug.unwrap().follower.unwrap().handle, "fan5000");

    let output = cli
        .run(&[
            "forget",
            "--follower",
            "id:2000001000",
            "--entirely",
            "--yes",
        ])
        .await;
    output.success();
    let hug = ledger_in(&cli.state()).await.hug(&key(600)).await.unwrap();
    assert_eq!(hug.unwrap().follower, None);
    assert_eq!(with(&items_in(&cli.state()).await, id), [] as [&str; 0]);
    let refusal = cli.run(&["forget", "--follower", "fan1000", "--yes"]).await;
    let refusal = refusal.refusal();
    assert!(
        refusal.contains("does not contain the handle @fan1000"),
        "{refusal}"
    );
}

#[tokio::test]
async fn a_follower_who_was_passed_over_is_erased_from_that_list_and_from_the_remembered_followers()
{
    let cli = invited().await;
    let bot = Person::bot(7, Clock::system().now());
    let items = items_in(&cli.state()).await;
    assert_eq!(with(&items, &bot.handle).len(), 1);
    let arguments = ["forget", "--follower", &bot.handle, "--yes"];
    let output = cli.run(&arguments).await.success();
    assert!(
        output.contains("lists of followers who were passed over: 1"),
        "{output}"
    );
    let items = items_in(&cli.state()).await;
    assert_eq!(with(&items, &bot.handle), [] as [&str; 0]);
    assert_eq!(with(&items, &bot.id), [] as [&str; 0]);
    let hug = snapshot_of(&cli.state()).await.hugs.remove(0);
    assert_eq!(hug.evidence.passed_over, 1, "their number stays");
}

#[tokio::test]
async fn a_hug_that_was_not_sent_is_never_sent_after_its_follower_is_forgotten() {
    let cli = CommandLine::with_followers(599).await;
    cli.run(&["check"]).await.success();
    cli.fans(1_000, 1);
    cli.x.fail_next("POST /2/tweets", Fault::Status(401));
    cli.run(&["check"]).await.refusal();
    let ended = cli.run(&["forget", "--follower", "fan1000", "--yes"]).await;
    ended.success();
    cli.run(&["check"]).await.success();
    cli.run(&["retry"]).await.success();
    assert_eq!(cli.x.posts().len(), 0);
    let snapshot = snapshot_of(&cli.state()).await;
    assert_eq!(snapshot.accounts[0].unsettled, []);
    assert_eq!(snapshot.hugs.len(), 1);
}

/// The bytes of every file in the folder of the ledger.
fn bytes_of(state: &Path) -> Vec<u8> {
    let files = fs::read_dir(state).unwrap();
    files
        .flat_map(|file| fs::read(file.unwrap().path()).unwrap())
        .collect()
}

#[tokio::test]
async fn after_the_next_round_no_file_of_the_ledger_contains_the_handle_of_a_forgotten_follower() {
    let cli = invited().await;
    let has = |word: &str| {
        let bytes = bytes_of(&cli.state());
        bytes
            .windows(word.len())
            .any(|window| window == word.as_bytes())
    };
    assert!(has("fan1000"));
    cli.run(&["forget", "--follower", "fan1000", "--yes"])
        .await
        .success();
    cli.run(&["check"]).await.success();
    assert!(!has("fan1000"));
}

#[tokio::test]
async fn names_that_an_earlier_version_kept_in_a_hug_for_somebody_else_are_erased() {
    let cli = invited().await;
    let ledger = ledger_in(&cli.state()).await;
    let old = json!({
        "pk": { "S": "x#44196397" }, "sk": { "S": "milestone#0000000500" },
        "account": { "S": "x:amber" }, "id": { "S": "44196397" }, "milestone": { "N": "500" },
        "status": { "S": "invited" }, "creator": { "S": "Amber" }, "reason": { "NULL": true },
        "follower": { "M": { "id": { "S": "5" }, "handle": { "S": "early" }, "name": { "NULL": true } } },
        "evidence": { "M": {
            "count_before": { "N": "499" }, "count_after": { "N": "502" }, "position": { "N": "2" },
            "note": { "NULL": true },
            "skipped": { "L": [{ "M": {
                "handle": { "S": "oldbot" }, "reasons": { "L": [{ "S": "marked" }] },
            } }] },
        } },
        "invitation": { "NULL": true }, "attempts": { "N": "1" }, "rearmed": { "N": "0" },
        "lease_until": { "NULL": true }, "revision": { "N": "3" },
        "reached_at": { "S": "2026-01-01T00:00:00Z" }, "updated_at": { "S": "2026-01-01T00:00:00Z" },
    });
    let old: StoredItem = serde_json::from_value(old).unwrap();
    ledger.put_all(&[old]).await.unwrap();
    let output = cli.run(&["forget", "--follower", "OldBot", "--yes"]).await;
    assert!(
        output
            .success()
            .contains("all followers who were passed over for 500")
    );
    assert_eq!(
        with(&items_in(&cli.state()).await, "oldbot"),
        [] as [&str; 0]
    );
    let hug = ledger.hug(&key(500)).await.unwrap().unwrap();
    assert_eq!((hug.status, hug.evidence.passed_over), (Status::Invited, 1));
    assert_eq!(hug.follower.unwrap().handle, "early");
}

#[tokio::test]
async fn only_the_records_of_the_account_that_is_named_are_searched() {
    let cli = invited().await;
    let refusal = cli
        .run(&[
            "forget",
            "--follower",
            "fan1000",
            "--account",
            "x:bea",
            "--yes",
        ])
        .await
        .refusal();
    assert!(refusal.contains("in the records of x:bea"), "{refusal}");
    let elsewhere = cli
        .run(&["forget", "x:amber", "--yes", "--state", "empty"])
        .await
        .refusal();
    let nobody = cli.run(&["forget", "--follower", "@", "--yes"]).await;
    assert!(
        nobody.stderr().contains("write a handle"),
        "{}",
        nobody.stderr()
    );
    assert!(
        elsewhere.contains("there is no ledger in empty"),
        "{elsewhere}"
    );
    assert!(!cli.folder.path().join("empty").exists());
}
