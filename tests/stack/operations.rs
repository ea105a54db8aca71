//! What helps when something is wrong: `hug doctor`, `hug retry`, `hug status`, and a watch that goes on.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    process::{Command, Stdio},
};

use aws_sdk_dynamodb::types::StreamSpecification;
use have_a_hug::{clock::Clock, ledger::Ledger};
use hug::{
    retry::Which,
    sandbox,
    table::{self, Table},
};
use jiff::SignedDuration;
use promise::{hug::HugKey, milestone::Milestone};
use serde_json::{Value, json};
use stand_ins::{Fault, Person, bluesky, mastodon, x};

use crate::{
    command::{Desk, Watch, eventually, hug},
    world::{World, settings},
};

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
        let why = "given up after 10 more tries; the last failure: sending the invitation failed \
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
        helps.contains("`hug retry 600 --account x:amber`"),
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
    assert!(again.contains("No hug goes back to work"), "{again}");
    for (milestone, why) in [
        ("600", "it is invited already, so there is nothing to send"),
        ("650", "there is no hug for 650; there are: x:amber 600"),
        ("0", "\"0\" is not a number of followers"),
    ] {
        let ended = desk.run(&["retry", milestone]).await;
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
    let told = desk.run(&["retry", "600"]).await.refusal();
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
    let cells = told.lines().filter(|line| line.starts_with('│'));
    let widest = cells.map(|line| line.chars().count()).max();
    assert!(widest <= Some(120), "{told}");
    let command = "`hug retry 700 --account x:amber`";
    assert!(told.contains(command), "in one piece: {told}");
    assert!(
        told.contains("2026-11-22T14:00:00Z") && told.contains("not by itself"),
        "{told}"
    );
    let trouble = desk.status().await["hugs"][1]["trouble"].clone();
    assert_eq!(trouble["next_try"], Value::Null);
    assert_eq!(trouble["since"], "2026-11-22T14:00:00Z");
    assert_eq!(
        trouble["helps"],
        "remove the cause, then `hug retry 700 --account x:amber`"
    );

    let posted = desk.x.posts().len();
    let told = desk.run(&["retry", "700"]).await;
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
    eventually(|| says("could not be checked: reading the handle of x@amber in the ledger failed"))
        .await;
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
    eventually(|| says("this round was cut short: keeping the position in the stream")).await;
    fs::remove_dir(&in_the_way).unwrap();
    // The position is kept before the next hug is handed over.
    desk.fans(2_000, 100);
    eventually(|| says("700 invited: announce")).await;
    assert_eq!(desk.x.posts().len(), 2);
    drop(watch);
}

#[test]
fn a_reader_who_has_seen_enough_ends_a_sandbox_without_a_panic() {
    let mut command = hug();
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

/// What the doctor says, line by line, and whether it finds nothing wrong.
struct Findings {
    told: String,
    healthy: bool,
}

impl Findings {
    /// One line has that verdict and all these words, and the exit code agrees with the verdicts.
    fn has(&self, verdict: &str, about: &[&str]) {
        let found = self.told.lines().any(|line| {
            line.starts_with(verdict) && about.iter().all(|words| line.contains(words))
        });
        assert!(found, "{verdict} {about:?} is not among\n{}", self.told);
        let wrong = self.told.lines().any(|line| line.starts_with("wrong"));
        assert_eq!(self.healthy, !wrong, "{}", self.told);
    }
}

async fn doctor(desk: &Desk) -> Findings {
    doctor_with(desk, |_| {}).await
}

async fn doctor_with(desk: &Desk, change: impl FnOnce(&mut Command)) -> Findings {
    let mut command = desk.command(&["doctor"]);
    change(&mut command);
    let ended = desk.run_command(command).await;
    let told = ended.stdout();
    assert!(ended.stderr().is_empty(), "{}", ended.stderr());
    // All secrets of the stand-ins begin so.
    for secret in ["sAndbOx", "sandbox-mastodon", "sand-boxa"] {
        assert!(!told.contains(secret), "a secret: {told}");
    }
    Findings {
        told,
        healthy: ended.0.status.success(),
    }
}

/// Every file of the ledger's folder, to the byte.
fn kept(desk: &Desk) -> BTreeMap<String, Vec<u8>> {
    let folder = fs::read_dir(desk.folder.path().join(".hug")).unwrap();
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
    let desk = Desk::with_followers(599).await;
    let before = doctor(&desk).await;
    before.has("ok", &[".hug: nothing is kept there yet"]);
    assert!(!desk.folder.path().join(".hug").exists());

    desk.run(&["check"]).await;
    desk.fans(1_000, 1);
    desk.run(&["check"]).await;
    let (files, posts) = (kept(&desk), desk.x.posts());
    desk.x.clear_requests();
    let findings = doctor(&desk).await;
    for about in [
        "hug.toml: it is right, for x:amber",
        "X_ACCESS_TOKEN: it is there",
        ".hug: no other program is at work on it",
        "table: it can be read: 1 accounts and 1 hugs",
        "stream: every hug in it has been handed over",
        "failed.jsonl: the stream gave up on nothing",
        "this computer's clock: it agrees",
        "x:amber: 600 followers, id 44196397",
        "x:amber: its list of followers can be read",
        "x:amber: its keys are its own",
        "x:amber: its keys may post",
        "x:amber: this look cost $0.021 at most",
    ] {
        findings.has("ok", &[about]);
    }
    assert!(
        findings.healthy && !findings.told.contains("unsure"),
        "{}",
        findings.told
    );
    assert!(!findings.told.contains("hug retry"), "{}", findings.told);
    let asked: Vec<String> = desk
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
    assert_eq!(desk.x.posts(), posts);
    assert_eq!(kept(&desk), files);
}

#[tokio::test]
async fn a_doctor_tells_every_mistake_in_the_settings_and_every_missing_secret() {
    let desk = Desk::with_followers(599).await;
    let wrong = settings("x", "amber", desk.x.url(), "").replace("600", "0");
    desk.write(&wrong.replace("step = 100", "step = -1"));
    let findings = doctor_with(&desk, |command| {
        command.env_remove("X_API_SECRET");
    })
    .await;
    findings.has("wrong", &["hug.toml: line 2, plan.first"]);
    findings.has("wrong", &["hug.toml: line 3, plan.step"]);
    findings.has("wrong", &["hug.toml:", "missing: X_API_SECRET;"]);
    findings.has("unsure", &["networks: not asked"]);
    assert!(desk.x.requests().is_empty());
}

#[tokio::test]
async fn a_doctor_knows_a_secret_that_was_copied_wrongly_without_showing_it() {
    let desk = Desk::with_followers(599).await;
    let key = sandbox::secret("X_API_KEY").unwrap();
    let findings = doctor_with(&desk, |command| {
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
        assert!(!findings.told.contains(secret), "{}", findings.told);
    }
    findings.has(
        "wrong",
        &["x:amber: reading the follower count failed: 401"],
    );
}

#[tokio::test]
async fn a_bearer_token_with_a_channel_that_sends_is_wrong_for_a_doctor_and_right_with_draft() {
    let desk = Desk::with_followers(599).await;
    let only_bearer = |command: &mut Command| {
        command.env_clear().env("X_BEARER_TOKEN", x::SANDBOX_BEARER);
    };
    let findings = doctor_with(&desk, only_bearer).await;
    findings.has("wrong", &["X_BEARER_TOKEN is there, but it can only read"]);
    let draft = settings("x", "amber", desk.x.url(), "contact = [\"draft\"]");
    desk.write(&draft);
    let findings = doctor_with(&desk, only_bearer).await;
    findings.has("ok", &["x:amber: it sends nothing by itself"]);
    assert!(findings.healthy, "{}", findings.told);
}

#[tokio::test]
async fn keys_of_another_account_or_with_too_few_rights_are_wrong_for_a_doctor() {
    let desk = Desk::with_followers(599).await;
    let keys = x::Keys {
        access_token: "777-sAndbOxAccessToken".to_owned(),
        ..x::Keys::sandbox()
    };
    desk.x.add_account(x::Account {
        id: "777".to_owned(),
        handle: "bea".to_owned(),
        keys: Some(keys.clone()),
        ..x::Account::amber()
    });
    let findings = doctor_with(&desk, |command| {
        command.env("X_ACCESS_TOKEN", &keys.access_token);
    })
    .await;
    findings.has(
        "wrong",
        &["x:amber: its keys belong to the account 777, not to 44196397"],
    );

    desk.x.set_access_level(Some("read"));
    let findings = doctor(&desk).await;
    findings.has(
        "wrong",
        &["x:amber: its keys may not post", "\"read and write\""],
    );

    let more = "contact = [\"message\", \"announce\"]";
    desk.write(&settings("x", "amber", desk.x.url(), more));
    desk.x.set_access_level(Some("read-write"));
    let findings = doctor(&desk).await;
    findings.has("ok", &["x:amber: its keys may post"]);
    findings.has("wrong", &["x:amber: its keys may not message"]);
    findings.has(
        "unsure",
        &["`message`", "X's rules do not allow a program unasked"],
    );

    desk.x.set_access_level(None);
    let findings = doctor(&desk).await;
    findings.has(
        "unsure",
        &["x:amber: the network does not say whether its keys may post"],
    );
    assert!(findings.healthy, "{}", findings.told);
}

#[tokio::test]
async fn a_doctor_tells_a_network_that_is_down_a_handle_that_is_not_there_and_a_list_it_cannot_see()
{
    let desk = Desk::with_followers(0).await;
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let nowhere = format!("http://{}", closed.local_addr().unwrap());
    drop(closed);
    desk.write(&settings("x", "amber", &nowhere, ""));
    let findings = doctor(&desk).await;
    findings.has("wrong", &["x:amber:", "cannot be reached: ", "is online"]);

    desk.write(&settings("x", "ambre", desk.x.url(), ""));
    let findings = doctor(&desk).await;
    findings.has(
        "wrong",
        &[
            "x:ambre: reading the follower count failed",
            "whether `handle`",
        ],
    );

    desk.write(&settings("x", "amber", desk.x.url(), ""));
    desk.x.fail_next("public_metrics", Fault::Status(503));
    let findings = doctor(&desk).await;
    findings.has("wrong", &["x:amber:", "503", "this passes by itself"]);

    desk.fans(1, 1);
    desk.x.hide("fan0001");
    let findings = doctor(&desk).await;
    findings.has("unsure", &["x:amber: the list of followers is empty"]);
}

#[tokio::test]
async fn a_doctor_asks_nothing_of_a_network_whose_rate_limit_is_used_up() {
    let desk = Desk::with_followers(599).await;
    let limit = || Fault::RateLimited { for_seconds: 600 };
    desk.x.fail_next("public_metrics", limit());
    let findings = doctor(&desk).await;
    findings.has(
        "unsure",
        &[
            "x:amber: reading the follower count failed: 429",
            "look again at",
        ],
    );
    desk.x.fail_next("public_metrics", limit());
    desk.run(&["check"]).await;
    desk.x.clear_requests();
    let findings = doctor(&desk).await;
    findings.has(
        "unsure",
        &["x:amber: not asked: its rate limit is used up until"],
    );
    assert!(desk.x.requests().is_empty());
}

#[tokio::test]
async fn a_clock_that_is_off_by_more_than_a_minute_is_wrong_for_a_doctor() {
    // Built before the time is taken.
    hug();
    for (verdict, seconds, told) in [
        ("wrong", 90, "s behind what http://127.0.0.1:"),
        ("wrong", -90, "s ahead of what http://127.0.0.1:"),
        ("ok", 40, "it agrees with"),
    ] {
        let there = Clock::system().now() + SignedDuration::from_secs(seconds);
        let desk = Desk::on(Clock::by_hand(there), 599).await;
        let findings = doctor(&desk).await;
        findings.has(verdict, &["this computer's clock", told]);
    }
}

#[tokio::test]
async fn a_doctor_says_who_is_at_work_and_so_does_the_refusal_of_another() {
    let desk = Desk::with_followers(599).await;
    let watch = Watch::telling(&desk, Stdio::null());
    eventually(|| !desk.x.requests().is_empty()).await;
    let who = format!("process {}: ", watch.0.id());
    let findings = doctor(&desk).await;
    findings.has("ok", &[&who, "watch --every 1s is at work on it"]);
    let told = desk.run(&["check"]).await.refusal();
    assert!(told.contains(&who), "{told}");
    drop(watch);
    let findings = doctor(&desk).await;
    findings.has("ok", &["no other program is at work on it"]);
}

#[tokio::test]
async fn a_doctor_tells_what_lies_in_the_stream_and_what_it_gave_up_on() {
    let desk = stuck().await;
    let state = desk.folder.path().join(".hug");
    // As after a crash between the check and the invitation.
    let position = fs::read(state.join("stream-position")).unwrap();
    fs::remove_file(state.join("stream-position")).unwrap();
    let findings = doctor(&desk).await;
    findings.has("unsure", &["stream: 1 hugs wait", "`hug check` sends them"]);
    fs::write(state.join("stream-position"), position).unwrap();

    let keys = json!({ "pk": { "S": "x#44196397" }, "sk": { "S": "milestone#0000000600" } });
    let record = json!({ "dynamodb": { "Keys": keys } });
    fs::write(state.join("failed.jsonl"), format!("{record}\n")).unwrap();
    let findings = doctor(&desk).await;
    findings.has(
        "wrong",
        &[
            "failed.jsonl",
            "gave up 1 times; not delivered yet: x:amber 600 (inviting)",
        ],
    );
    findings.has(
        "unsure",
        &["x:amber 600: inviting since", "401", "tried next at"],
    );
    desk.run(&["retry"]).await;
    let findings = doctor(&desk).await;
    findings.has(
        "unsure",
        &["failed.jsonl", "were sent since", "delete the file"],
    );
    assert!(findings.healthy, "{}", findings.told);
}

#[tokio::test]
async fn a_doctor_tells_a_hug_that_was_given_up_a_table_without_a_stream_and_a_broken_file() {
    let desk = given_up().await;
    let findings = doctor(&desk).await;
    findings.has(
        "wrong",
        &[
            "x:amber 700: undeliverable since 2026-11-22T14:00:00Z",
            "hug retry",
        ],
    );

    let state = desk.folder.path().join(".hug");
    let http = have_a_hug::http::client().unwrap();
    let table = Table::open(&state, &http).await.unwrap();
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
    let findings = doctor(&desk).await;
    findings.has(
        "wrong",
        &["table: it has no stream, so no hug is ever sent"],
    );

    fs::write(state.join("ledger.sqlite"), "no database").unwrap();
    let findings = doctor(&desk).await;
    findings.has("wrong", &[".hug: opening .hug/ledger.sqlite failed"]);

    fs::write(desk.folder.path().join("file"), "").unwrap();
    let findings = doctor_with(&desk, |command| {
        command.args(["--state", "file/state"]);
    })
    .await;
    findings.has(
        "wrong",
        &["file/state: nothing can be written to file", "--state"],
    );
}

#[tokio::test]
async fn a_refused_channel_is_told_with_the_draft_that_took_its_place() {
    let desk = Desk::with_followers(599).await;
    desk.run(&["check"]).await;
    desk.fans(1_000, 1);
    desk.x.fail_next("POST /2/tweets", Fault::Status(403));
    for command in ["check", "status"] {
        let told = desk.run(&[command]).await.stdout();
        assert!(told.contains("announce was refused: "), "{told}");
        assert!(told.contains("403 Forbidden"), "{told}");
    }
}

#[tokio::test]
async fn on_bluesky_a_doctor_logs_in_once_and_knows_what_the_app_password_may_do() {
    let desk = Desk::with_followers(0).await;
    let sky = bluesky::Bluesky::start(Clock::system()).await.unwrap();
    sky.add_account(bluesky::Account::amber());
    sky.follow(Person::fan(1, Clock::system().now()));
    let more = format!(
        "appview = \"{}\"\ncontact = [\"message\", \"mention\"]",
        sky.url()
    );
    desk.write(&settings("bluesky", "amber.bsky.social", sky.url(), &more));
    let with = |password: String| {
        move |command: &mut Command| {
            command.env("BLUESKY_APP_PASSWORD", password);
        }
    };
    let right = bluesky::Account::amber().app_password;
    let findings = doctor_with(&desk, with(right.clone())).await;
    let name = "bluesky:amber.bsky.social";
    findings.has("ok", &["BLUESKY_APP_PASSWORD: it is there"]);
    findings.has("ok", &[name, "its keys may message"]);
    findings.has("unsure", &["`mention`", "Bluesky's rules"]);
    assert!(findings.healthy, "{}", findings.told);
    let seen = sky.requests();
    let logins = seen
        .iter()
        .filter(|one| one.path.contains("createSession"))
        .count();
    assert_eq!(logins, 1);
    assert!(sky.posts().is_empty() && sky.messages().is_empty());

    sky.deny_messages_to_app_passwords();
    let findings = doctor_with(&desk, with(right)).await;
    findings.has(
        "wrong",
        &[name, "its keys may not message", "direct messages"],
    );

    let findings = doctor_with(&desk, with("my-main-password".to_owned())).await;
    findings.has(
        "unsure",
        &["BLUESKY_APP_PASSWORD: it does not look like an app password"],
    );
    findings.has(
        "wrong",
        &[name, "logging in with the app password failed: 401"],
    );
    assert!(!findings.told.contains("my-main-password"));
}

#[tokio::test]
async fn a_retry_of_one_hug_is_refused_with_the_reason_where_it_makes_no_sense() {
    let mut world = World::unseen(599, "").await;
    let refused = async |world: &World, milestone: u64| {
        let which = Which {
            milestone: Milestone::from_number(milestone),
            ..Which::default()
        };
        let (ledger, now) = (&world.stack.deps.ledger, world.clock.now());
        let ended = hug::retry::run(ledger, &which, now, &mut Vec::new()).await;
        ended.unwrap_err().to_string()
    };
    assert_eq!(
        refused(&world, 600).await,
        "there is no hug for 600; there are none yet"
    );
    world.check().await;
    world.fans(1);
    world.check().await;
    world.requests();
    assert_eq!(
        refused(&world, 600).await,
        "the hug for 600 of x:amber cannot be retried: it is invited already, so there is nothing to send"
    );
    assert_eq!(
        refused(&world, 650).await,
        "there is no hug for 650; there are: x:amber 600"
    );
    assert!(world.requests().is_empty(), "X was not asked for any of it");
}

#[tokio::test]
async fn on_mastodon_a_doctor_knows_whether_the_token_may_post() {
    let desk = Desk::with_followers(0).await;
    let herd = mastodon::Mastodon::start(Clock::system()).await.unwrap();
    herd.add_account(mastodon::Account::amber());
    herd.follow(Person::fan(1, Clock::system().now()));
    let name = "mastodon:amber@mastodon.example";
    desk.write(&settings(
        "mastodon",
        "amber@mastodon.example",
        herd.url(),
        "",
    ));
    let token = mastodon::Account::amber().access_token;
    let look = async || {
        let set = |command: &mut Command| {
            command.env("MASTODON_ACCESS_TOKEN", &token);
        };
        doctor_with(&desk, set).await
    };
    let findings = look().await;
    findings.has("ok", &[name, "its keys are its own"]);
    findings.has("ok", &[name, "its keys may post"]);
    assert!(findings.healthy, "{}", findings.told);

    herd.set_token(&token, "amber", &["read"]);
    let findings = look().await;
    findings.has("wrong", &[name, "its keys may not post", "scopes"]);

    herd.set_token(&token, "amber", &["write:statuses"]);
    let findings = look().await;
    findings.has("wrong", &[name, "outside the authorized scopes"]);
    assert!(herd.posts().is_empty() && herd.messages().is_empty());
}

#[tokio::test]
async fn on_mastodon_a_doctor_looks_at_the_server_that_the_handle_names() {
    let desk = Desk::with_followers(0).await;
    // Nobody listens there.
    desk.write(
        "[plan]\nfirst = 600\nstep = 100\n\n[[account]]\nnetwork = \"mastodon\"\nhandle = \"amber@127.0.0.1:1\"\ncontact = [\"draft\"]\n",
    );
    let findings = doctor(&desk).await;
    let told = "https://127.0.0.1:1 cannot be reached";
    findings.has("wrong", &["mastodon:amber@127.0.0.1:1", told]);
}
