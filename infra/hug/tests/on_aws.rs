//! The commands on a ledger on AWS, with `--table`. The table is in this process, at the address that the command takes
//! from the environment for AWS's own.

use std::{process::Command, time::Duration};

use have_a_hug::{
    clock::Clock,
    ledger::{HandleChange, Ledger, LedgerError, LedgerFailure, Recording},
};
use hug::{port::Port, stack::Stack, table};
use jiff::SignedDuration;
use promise::{
    channel::Channel,
    hug::{Hug, Status},
    letter::Words,
    record::AccountRecord,
};
use serde_json::{Value, json};
use stand_ins::{Fault, secret};
use tests::settings;

use crate::command_line::{CommandLine, Ended, hug};

/// A creator with a ledger on AWS.
struct OnAws {
    cli: CommandLine,
    port: Port,
    stack: Stack,
    clock: Clock,
}

impl OnAws {
    /// Amber with 599 followers, who was checked for the first time so long ago.
    async fn checked(ago: SignedDuration) -> Self {
        let cli = CommandLine::with_followers(599).await;
        let clock = Clock::by_hand(Clock::system().now() - ago);
        let settings = settings("x", "amber", cli.x.url(), "");
        let stack = Stack::in_memory(&settings, &secret, clock.clone());
        let stack = stack.await.unwrap();
        let mut amber = Self {
            port: Port::open(stack.table.database()).await.unwrap(),
            stack,
            cli,
            clock,
        };
        amber.round().await;
        amber
    }

    /// The functions run once, five minutes after the last time.
    async fn round(&mut self) {
        self.clock.advance(Duration::from_mins(5));
        self.stack.round(json!({})).await.unwrap();
    }

    /// Someone crosses 600, and the next request to post meets that fault.
    async fn crosses_600_with(&mut self, fault: Fault) {
        self.cli.fans(1_000, 1);
        self.cli.x.fail_next("POST /2/tweets", fault);
        self.round().await;
    }

    /// The same, and the invitation was refused because of a wrong key.
    async fn stuck() -> Self {
        let mut amber = Self::checked(SignedDuration::from_mins(10)).await;
        amber.crosses_600_with(Fault::Status(401)).await;
        assert_eq!(amber.hug().await.status, Status::Inviting);
        amber
    }

    /// No channel is left for the program, so the words wait for the creator.
    async fn waits_for_her_hand(&self) {
        let now = self.clock.now();
        let words = Words {
            channel: Channel::Draft,
            text: "600!".to_owned(),
            prepared_at: now,
            tried_again_at: None,
        };
        let to_send = self.hug().await.to_send(words, now);
        let ledger = &self.stack.deps.ledger;
        ledger.replace_hug(&to_send).await.unwrap();
    }

    /// The only hug in the table.
    async fn hug(&self) -> Hug {
        let mut hugs = self.stack.deps.ledger.snapshot().await.unwrap().hugs;
        assert_eq!(hugs.len(), 1);
        hugs.remove(0)
    }

    /// The milestones that the account lists as unsettled.
    async fn unsettled(&self) -> Vec<u64> {
        let accounts = self.stack.deps.ledger.snapshot().await.unwrap().accounts;
        let unsettled = accounts[0].unsettled.iter();
        unsettled.map(|milestone| milestone.number()).collect()
    }

    /// The command on the table, with no secret of any network, and with neither a region nor credentials of AWS.
    fn bare_command(&self, arguments: &[&str]) -> Command {
        let mut command = hug();
        command
            .env_clear()
            .current_dir(self.cli.folder.path())
            .args(arguments)
            .args(["--table", table::NAME])
            .env("AWS_ENDPOINT_URL", self.port.url())
            // Elsewhere than on EC2 nobody answers there.
            .env("AWS_EC2_METADATA_DISABLED", "true");
        command
    }

    async fn run(&self, arguments: &[&str]) -> Ended {
        let mut command = self.bare_command(arguments);
        command
            .env("AWS_REGION", "eu-central-1")
            .env("AWS_ACCESS_KEY_ID", self.port.key())
            .env("AWS_SECRET_ACCESS_KEY", "test");
        self.cli.run_command(command).await
    }
}

#[tokio::test]
async fn status_shows_the_table_without_the_secrets_of_a_network() {
    let amber = OnAws::stuck().await;
    let status = amber.run(&["status", "--json"]).await.success();
    let status: Value = serde_json::from_str(&status).unwrap();
    let account = &status["accounts"][0];
    assert_eq!(
        (&account["account"], &account["followers"]),
        (&"x:amber".into(), &600.into())
    );
    assert_eq!(account["next_milestone"], 700);
    let hug = &status["hugs"][0];
    assert_eq!(
        (&hug["milestone"], &hug["status"]),
        (&600.into(), &"inviting".into())
    );
    let helps = hug["trouble"]["helps"].as_str().unwrap();
    assert!(helps.contains("hug retry 600"), "{helps}");
    let printed = amber.run(&["status"]).await.success();
    assert!(printed.contains("x:amber 600 is inviting: "), "{printed}");
    assert!(
        !amber.cli.state().exists(),
        "no ledger is made beside hug.toml"
    );
}

#[tokio::test]
async fn a_doctor_finds_nothing_wrong_with_a_table_whose_account_was_checked_of_late() {
    let mut amber = OnAws::checked(SignedDuration::from_mins(30)).await;
    amber.cli.fans(1_000, 1);
    amber.round().await;
    amber.cli.x.clear_requests();
    let findings = amber.run(&["doctor"]).await.success();
    for line in [
        "table: it can be read: 1 account and 1 hug",
        "x:amber: the last check was 20 minutes ago",
    ] {
        let found = findings.lines().find(|found| found.contains(line));
        assert!(
            found.is_some_and(|found| found.starts_with("ok")),
            "{line}: {findings}"
        );
    }
    assert!(amber.cli.x.requests().is_empty(), "no network is asked");
}

#[tokio::test]
async fn a_check_of_long_ago_is_wrong_for_a_doctor_and_so_is_an_account_that_was_never_checked() {
    let amber = OnAws::checked(SignedDuration::from_hours(3)).await;
    let findings = amber.run(&["doctor"]).await.refusal();
    let wrong = |line: &str| line.starts_with("wrong") && line.contains("the last check was 175");
    assert!(findings.lines().any(wrong), "{findings}");
    let handle = "handle = \"bea\"";
    let bea = settings("x", "amber", amber.cli.x.url(), "").replace("handle = \"amber\"", handle);
    amber.cli.write(&bea);
    let findings = amber.run(&["doctor"]).await.refusal();
    let wrong = |line: &str| line.starts_with("wrong") && line.contains("no check has read it yet");
    assert!(findings.lines().any(wrong), "{findings}");
}

#[tokio::test]
async fn a_hug_that_waits_for_the_creator_is_wrong_for_a_doctor_of_a_table_and_a_retry_puts_it_back()
 {
    let amber = OnAws::stuck().await;
    amber.waits_for_her_hand().await;
    let findings = amber.run(&["doctor"]).await.refusal();
    let wrong = |line: &str| {
        line.starts_with("wrong") && line.contains("600: to_send") && line.contains("retry")
    };
    assert!(findings.lines().any(wrong), "{findings}");
    amber.run(&["retry", "600"]).await.success();
    assert_eq!(amber.hug().await.status, Status::Reached);
}

#[tokio::test]
async fn a_sent_for_a_hug_in_a_table_needs_no_secret_of_a_network() {
    let amber = OnAws::stuck().await;
    amber.waits_for_her_hand().await;
    amber.run(&["sent", "600"]).await.success();
    let sent = amber.hug().await;
    assert_eq!(sent.status, Status::Invited);
    assert!(sent.invitation.sent_at.is_some() && sent.invitation.receipt.is_none());
    // The topic, and word that the follower is silent, are still to come.
    assert_eq!(amber.unsettled().await, [600]);
    let refusal = amber.run(&["approve", "600"]).await.refusal();
    assert!(refusal.contains("it is invited already"), "{refusal}");
}

#[tokio::test]
async fn a_retry_puts_a_stuck_hug_back_and_the_stream_delivers_it() {
    let mut amber = OnAws::stuck().await;
    let stuck = amber.hug().await;
    let printed = amber.run(&["retry"]).await.success();
    assert!(printed.contains("x:amber  the hug for 600"), "{printed}");
    let retried = amber.hug().await;
    assert_eq!(retried.status, Status::Reached);
    assert_eq!(retried.revision, stuck.revision + 1);
    assert_eq!(amber.unsettled().await, [600]);
    assert!(
        amber.cli.x.posts().is_empty(),
        "the command itself sends nothing"
    );
    amber.stack.deliver().await.unwrap();
    assert_eq!(amber.hug().await.status, Status::Invited);
    assert_eq!(amber.cli.x.posts().len(), 1);
}

/// Records a check that has read this account and found that all its hugs are settled.
async fn record_as_settled(ledger: &Ledger, read: &AccountRecord) -> Result<(), LedgerError> {
    let mut settled = read.clone();
    settled.unsettled.clear();
    settled.revision += 1;
    let check = Recording {
        before: Some(read),
        after: &settled,
        hugs: &[],
        passed_over: &[],
        handle: &HandleChange::default(),
        glance: have_a_hug::ledger::GlanceChange::Remove,
    };
    ledger.record_check(check).await
}

#[tokio::test]
async fn after_a_retry_the_account_lists_the_hug_as_unsettled_again() {
    let amber = OnAws::stuck().await;
    let ledger = &amber.stack.deps.ledger;
    let account = ledger.snapshot().await.unwrap().accounts.remove(0);
    record_as_settled(ledger, &account).await.unwrap();
    assert!(amber.unsettled().await.is_empty());
    amber.run(&["retry", "600"]).await.success();
    assert_eq!(amber.unsettled().await, [600]);
}

#[tokio::test]
async fn a_check_that_read_the_account_before_a_retry_records_nothing_after_it() {
    let amber = OnAws::stuck().await;
    let ledger = &amber.stack.deps.ledger;
    let read = ledger.snapshot().await.unwrap().accounts.remove(0);
    amber.run(&["retry", "600"]).await.success();
    let lost = record_as_settled(ledger, &read).await.unwrap_err();
    assert_eq!(lost.failure, LedgerFailure::LostRace);
    assert_eq!(amber.unsettled().await, [600]);
}

#[tokio::test]
async fn a_hug_whose_account_the_settings_do_not_name_is_not_changed_by_a_retry() {
    let amber = OnAws::stuck().await;
    let before = amber.hug().await;
    let bea = settings("x", "bea", amber.cli.x.url(), "");
    amber.cli.write(&bea);
    let why = "the settings do not name the account x:amber; they name x:bea";
    let printed = amber.run(&["retry"]).await.success();
    assert!(
        printed.contains(&format!("not changed: {why}")),
        "{printed}"
    );
    let refusal = amber.run(&["retry", "600"]).await.refusal();
    assert!(refusal.contains(why), "{refusal}");
    assert_eq!(amber.hug().await, before);
}

#[tokio::test]
async fn a_retry_of_an_invited_hug_is_refused_and_a_claimed_one_is_not_changed() {
    let mut amber = OnAws::checked(SignedDuration::from_mins(10)).await;
    amber.crosses_600_with(Fault::AnswerLost).await;
    let claimed = amber.hug().await;
    assert!(claimed.invitation.lease_until > Some(Clock::system().now()));
    let printed = amber.run(&["retry"]).await.success();
    assert!(
        printed.contains("not changed: it is under way"),
        "{printed}"
    );
    assert_eq!(amber.hug().await, claimed, "nothing is written");
    let refusal = amber.run(&["retry", "600"]).await.refusal();
    assert!(refusal.contains("it is under way"), "{refusal}");

    for _ in 0..6 {
        amber.round().await;
    }
    let invited = amber.hug().await;
    assert_eq!(invited.status, Status::Invited);
    let refusal = amber.run(&["retry", "600"]).await.refusal();
    assert!(refusal.contains("it is invited already"), "{refusal}");
    assert_eq!(amber.hug().await, invited);
}

#[tokio::test]
async fn region_and_credentials_can_come_from_a_profile() {
    let amber = OnAws::checked(SignedDuration::from_mins(10)).await;
    let file = |name: &str, text: &str| {
        let path = amber.cli.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let key = amber.port.key();
    let credentials =
        format!("[creator]\naws_access_key_id = {key}\naws_secret_access_key = test\n");
    let config = "[profile creator]\nregion = eu-central-1\n";
    let mut command = amber.bare_command(&["status", "--json"]);
    command
        .env(
            "AWS_SHARED_CREDENTIALS_FILE",
            file("credentials", &credentials),
        )
        .env("AWS_CONFIG_FILE", file("config", config))
        .env("AWS_PROFILE", "creator");
    let status = amber.cli.run_command(command).await.success();
    let status: Value = serde_json::from_str(&status).unwrap();
    assert_eq!(status["accounts"][0]["followers"], 599);
}

#[tokio::test]
async fn a_region_that_nobody_chose_is_answered_with_what_to_do() {
    let amber = OnAws::checked(SignedDuration::from_mins(10)).await;
    for command in ["status", "doctor", "retry"] {
        let mut command = amber.bare_command(&[command]);
        command
            .env("AWS_ACCESS_KEY_ID", amber.port.key())
            .env("AWS_SECRET_ACCESS_KEY", "test");
        let refusal = amber.cli.run_command(command).await.refusal();
        assert!(
            refusal.contains("no region is chosen") && refusal.contains("export AWS_REGION="),
            "{refusal}"
        );
    }
}

#[tokio::test]
async fn topic_pass_and_song_for_a_hug_in_a_table_need_no_secret_and_the_functions_bring_the_song()
{
    let mut amber = OnAws::checked(SignedDuration::from_mins(10)).await;
    // YouTube is asked from here; it refuses at once.
    let songs = "[songs]\nserver = \"http://127.0.0.1:1\"";
    amber
        .cli
        .write(&settings("x", "amber", amber.cli.x.url(), songs));
    amber.cli.fans(1_000, 1);
    amber.round().await;
    let post = amber.cli.x.posts()[0].id.clone();
    amber
        .cli
        .x
        .answer("fan1000", "@amber damn good coffee", &post);
    amber.round().await;
    assert!(amber.hug().await.topic_is_doubtful());
    let said = amber.run(&["topic", "600", "--accept"]).await.success();
    assert!(said.contains("has its topic: damn good coffee"), "{said}");
    let why = amber.run(&["pass", "600"]).await.refusal();
    assert!(why.contains("its topic is chosen already"), "{why}");
    let song = ["song", "600", "https://youtu.be/dQw4w9WgXcQ"];
    let said = amber.run(&song).await.success();
    assert!(said.contains("the song for 600 is up"), "{said}");
    assert_eq!(amber.hug().await.status, Status::SongPosted);
    assert_eq!(amber.unsettled().await, [600]);
    amber.stack.deliver().await.unwrap();
    assert_eq!(amber.hug().await.status, Status::Hugged);
    assert!(
        amber.cli.x.posts()[1]
            .text
            .contains("https://youtu.be/dQw4w9WgXcQ")
    );
}
