//! What helps when something is wrong: `hug doctor`, `hug retry`, `hug status`, and a watch that goes on.

use std::{
    fs::{self, File},
    process::Stdio,
};

use have_a_hug::{hug::HugKey, ledger::Ledger, milestone::Milestone};
use local::{
    stand_in::Fault,
    table::{self, Table},
};
use serde_json::Value;

use crate::command::{Desk, Watch, eventually};

/// Amber, whose invitation for 600 X has refused, as it does where the keys are wrong.
async fn stuck() -> Desk {
    let desk = Desk::with_followers(599).await;
    desk.run(&["check"]).await;
    desk.fans(1_000, 1);
    desk.x.fail_next("POST /2/tweets", Fault::Status(401));
    let told = desk.run(&["check"]).await.refusal();
    assert!(told.contains("600 not invited yet"), "{told}");
    desk
}

/// Amber, whose hugs for 600 and 700 were given up, as they are after a day of failures.
async fn given_up() -> Desk {
    let desk = Desk::with_followers(599).await;
    desk.run(&["check"]).await;
    desk.fans(1_000, 101);
    for _ in 0..2 {
        desk.x.fail_next("POST /2/tweets", Fault::AnswerLost);
    }
    desk.run(&["check"]).await;
    let http = have_a_hug::http::client().unwrap();
    let state = desk.folder.path().join(".hug");
    let table = Table::open(&state, &http).await.unwrap();
    let ledger = Ledger::new(table.client().clone(), table::NAME);
    for number in [600, 700] {
        let key = HugKey {
            id: "x#44196397".parse().unwrap(),
            milestone: Milestone::from_number(number).unwrap(),
        };
        let mut hug = ledger.hug(&key).await.unwrap().unwrap();
        hug.rearmed = 10;
        let now = "2026-11-22T14:00:00Z".parse().unwrap();
        let why = "given up after 10 new starts; the last failure: sending the invitation failed \
                   for x:amber: 503 Service Unavailable: Service Unavailable";
        let next = hug.undeliverable(why.to_owned(), now);
        ledger.replace_hug(&next).await.unwrap();
    }
    desk
}

fn statuses(status: &Value) -> Vec<(u64, &str)> {
    let hugs = status["hugs"].as_array().unwrap();
    hugs.iter()
        .map(|hug| {
            (
                hug["milestone"].as_u64().unwrap(),
                hug["status"].as_str().unwrap(),
            )
        })
        .collect()
}

#[tokio::test]
async fn a_stuck_hug_tells_what_happened_since_when_and_what_helps_and_a_retry_sends_it() {
    let desk = stuck().await;
    let status = desk.status().await;
    let hug = &status["hugs"][0];
    let trouble = &hug["trouble"];
    assert!(
        trouble["what"]
            .as_str()
            .unwrap()
            .contains("401 Unauthorized"),
        "{trouble}"
    );
    assert_eq!(trouble["since"], hug["reached_at"]);
    assert!(
        trouble["next_try"].as_str().unwrap() >= hug["updated_at"].as_str().unwrap(),
        "{trouble}"
    );
    let helps = trouble["helps"].as_str().unwrap();
    assert!(
        helps.contains("`hug retry --account x:amber --milestone 600`"),
        "{helps}"
    );

    let told = desk.run(&["retry"]).await;
    let (told, failed) = (told.stdout(), !told.0.status.success());
    assert!(
        told.contains(
            "the hug for 600 is inviting (sending the invitation failed for x:amber: 401"
        ),
        "{told}"
    );
    assert!(!failed && told.contains("600 invited: announce"), "{told}");
    assert_eq!(desk.x.posts().len(), 1);
    assert_eq!(desk.status().await["hugs"][0]["trouble"], Value::Null);

    desk.x.clear_requests();
    let again = desk.run(&["retry"]).await.stdout();
    assert!(again.contains("Nothing is put back to work"), "{again}");
    for (milestone, why) in [
        ("600", "it is invited already, so there is nothing to send"),
        ("650", "there is no hug for 650; there are: x:amber 600"),
        ("0", "\"0\" is no number of followers"),
    ] {
        let ended = desk.run(&["retry", "--milestone", milestone]).await;
        assert!(!ended.0.status.success());
        assert!(ended.stderr().contains(why), "{}", ended.stderr());
    }
    let told = desk.run(&["retry", "--account", "x:bea"]).await.refusal();
    assert!(
        told.contains("the settings name no account x:bea"),
        "{told}"
    );
    assert!(
        desk.x.requests().is_empty(),
        "nobody was asked for any of it"
    );
}

#[tokio::test]
async fn a_hug_that_may_have_arrived_is_left_alone_by_a_retry() {
    let desk = Desk::with_followers(599).await;
    desk.run(&["check"]).await;
    desk.fans(1_000, 1);
    desk.x.fail_next("POST /2/tweets", Fault::AnswerLost);
    desk.run(&["check"]).await;
    let trouble = desk.status().await["hugs"][0]["trouble"].clone();
    assert!(trouble["helps"].as_str().unwrap().starts_with("wait"));
    let told = desk.run(&["retry", "--milestone", "600"]).await.refusal();
    assert!(
        told.contains("the hug for 600 of x:amber cannot be retried: it is under way"),
        "{told}"
    );
    let told = desk.run(&["retry"]).await;
    assert!(told.0.status.success());
    assert!(
        told.stdout().contains("left alone, as it is under way"),
        "{}",
        told.stdout()
    );
    assert_eq!(desk.x.posts().len(), 1);
}

#[tokio::test]
async fn of_two_hugs_that_were_given_up_a_retry_with_a_milestone_sends_only_that_one() {
    let desk = given_up().await;
    let told = desk.run(&["status"]).await.stdout();
    let widest = told.lines().map(|line| line.chars().count()).max();
    assert!(widest <= Some(120), "{told}");
    assert!(
        told.contains("2026-11-22T14:00:00Z") && told.contains("not by itself"),
        "{told}"
    );
    let trouble = desk.status().await["hugs"][1]["trouble"].clone();
    assert_eq!(trouble["next_try"], Value::Null);
    assert_eq!(trouble["since"], "2026-11-22T14:00:00Z");
    assert_eq!(
        trouble["helps"],
        "remove the cause, then `hug retry --account x:amber --milestone 700`"
    );

    let posted = desk.x.posts().len();
    let told = desk.run(&["retry", "--milestone", "700"]).await;
    assert!(
        told.0.status.success(),
        "{}{}",
        told.stdout(),
        told.stderr()
    );
    let status = desk.status().await;
    assert_eq!(
        statuses(&status),
        [(600, "undeliverable"), (700, "invited")]
    );
    let told = desk.run(&["retry", "--account", "x:amber"]).await;
    assert!(
        told.0.status.success(),
        "{}{}",
        told.stdout(),
        told.stderr()
    );
    assert_eq!(
        statuses(&desk.status().await),
        [(600, "invited"), (700, "invited")]
    );
    assert_eq!(desk.x.posts().len(), posted, "both had arrived before");
}

/// A watch over 599 followers that has looked once, and what it says.
async fn watching() -> (Desk, Watch, impl Fn(&str) -> bool) {
    let desk = Desk::with_followers(599).await;
    let told = desk.folder.path().join("told");
    let watch = Watch::telling(&desk, File::create(&told).unwrap());
    let says = move |words: &str| fs::read_to_string(&told).unwrap().contains(words);
    eventually(|| says("counted from here on")).await;
    (desk, watch, says)
}

#[tokio::test]
async fn a_watch_tells_that_the_ledger_cannot_be_read_for_now_and_goes_on_when_it_can() {
    let (desk, watch, says) = watching().await;
    let ledger = desk.folder.path().join(".hug/ledger.sqlite");
    let other = rusqlite::Connection::open(ledger).unwrap();
    let rename = |from: &str, to: &str| {
        let patient = std::time::Duration::from_secs(30);
        other.busy_timeout(patient).unwrap();
        other
            .execute(&format!("ALTER TABLE \"{from}\" RENAME TO \"{to}\""), [])
            .unwrap();
    };
    rename("have-a-hug", "away");
    eventually(|| says("this round was cut short: reading everything of have-a-hug")).await;
    desk.fans(1_000, 1);
    rename("away", "have-a-hug");
    eventually(|| says("600 invited: announce")).await;
    assert_eq!(desk.x.posts().len(), 1);
    drop(watch);
}

#[tokio::test]
async fn a_watch_tells_that_its_place_in_the_stream_cannot_be_kept_and_goes_on_when_it_can() {
    let (desk, watch, says) = watching().await;
    let in_the_way = desk.folder.path().join(".hug/stream-position.new");
    fs::create_dir(&in_the_way).unwrap();
    desk.fans(1_000, 1);
    eventually(|| says("this round was cut short: keeping the place in the stream")).await;
    fs::remove_dir(&in_the_way).unwrap();
    // The place is kept before the next hug is handed over.
    desk.fans(2_000, 100);
    eventually(|| says("700 invited: announce")).await;
    assert_eq!(desk.x.posts().len(), 2);
    drop(watch);
}

#[test]
fn a_reader_who_has_seen_enough_ends_a_sandbox_without_a_panic() {
    let mut command = crate::command::hug();
    let folder = tempfile::TempDir::new().unwrap();
    let mut sandbox = command
        .args(["sandbox", "--networks-only"])
        .current_dir(folder.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(sandbox.stdout.take());
    let ended = sandbox.wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success() && told.is_empty(), "{told}");
}
