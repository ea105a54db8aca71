//! Hugs that wait for the creator, and the commands for them: `hug sent`, `hug retry`, `hug approve`, `hug cancel`.

use serde_json::Value;
use stand_ins::Person;
use tests::settings;

use crate::{
    command_line::{CommandLine, Watch, eventually},
    situations::{draft, held, to_send},
};

/// The hug of that number, as `hug status --json` shows it.
async fn hug(cli: &CommandLine, milestone: u64) -> Value {
    let status = cli.status().await;
    let hugs = status["hugs"].as_array().unwrap();
    let found = hugs.iter().find(|hug| hug["milestone"] == milestone);
    found.unwrap_or_else(|| panic!("{status}")).clone()
}

#[tokio::test]
async fn every_check_reports_words_that_wait_until_the_creator_says_that_they_are_sent() {
    let cli = draft().await;
    for _ in 0..2 {
        let output = cli.run(&["check"]).await.refusal();
        let sum = "1 hug waits for you: see `hug status`";
        assert!(output.contains(sum), "{output}");
    }
    let url = "https://x.com/amber/status/77";
    let output = cli.run(&["sent", "600", url]).await.success();
    assert!(
        output.contains("the hug for 600 is invited: you sent it to Tomasz Mbeki, @fan1000"),
        "{output}"
    );
    cli.run(&["check"]).await.success();
    let status = cli.run(&["status"]).await.success();
    assert!(!status.contains("for you"), "{status}");
    let hug = hug(&cli, 600).await;
    assert_eq!(hug["status"], "invited");
    assert_eq!(hug["trouble"], Value::Null);
    let invitation = &hug["invitation"];
    assert_eq!(
        (&invitation["channel"], &invitation["url"]),
        (&"draft".into(), &url.into())
    );
    assert!(invitation["sent_at"].is_string());
    assert!(cli.x.posts().is_empty());
    let again = cli.run(&["sent", "600"]).await.refusal();
    assert!(
        again.contains("marking the hug for 600 of x:amber as sent failed: it is invited already"),
        "{again}"
    );
}

#[tokio::test]
async fn the_address_of_what_was_sent_can_be_left_out_and_must_be_a_web_address() {
    let cli = draft().await;
    let wrong = cli.run(&["sent", "600", "my post"]).await;
    assert_eq!(wrong.0.status.code(), Some(2));
    assert!(
        wrong.stderr().contains("\"my post\" is not a web address"),
        "{}",
        wrong.stderr()
    );
    cli.run(&["sent", "600"]).await.success();
    let invitation = &hug(&cli, 600).await["invitation"];
    assert_eq!(invitation["url"], Value::Null);
    assert!(invitation["sent_at"].is_string());
}

#[tokio::test]
async fn after_a_retry_words_that_waited_go_out_on_a_channel_that_works_again() {
    let cli = draft().await;
    let output = cli.run(&["retry", "600"]).await.refusal();
    assert!(
        output.contains("600 to_send: it waits for your hand"),
        "{output}"
    );
    let by_post = settings("x", "amber", cli.x.url(), "contact = [\"announce\"]");
    cli.write(&by_post);
    let output = cli.run(&["retry", "600"]).await.success();
    assert!(output.contains("600 invited: announce"), "{output}");
    assert_eq!(cli.x.posts().len(), 1);
    cli.run(&["check"]).await.success();
}

#[tokio::test]
async fn after_an_announcement_the_creator_reads_which_follower_counts_and_a_link_to_write_to_them()
{
    let cli = CommandLine::with_followers(599).await;
    cli.run(&["check"]).await;
    cli.fans(1_000, 1);
    let output = cli.run(&["check"]).await.success();
    let name = Person::fan(1_000, "2026-11-22T14:00:00Z".parse().unwrap()).name;
    let post = &cli.x.posts()[0];
    for words in [
        format!(
            "the post for number 600 is out: https://x.com/amber/status/{}\n",
            post.id
        ),
        format!(
            "The post names nobody. The hug is only for @fan1000 ({name}), https://x.com/fan1000."
        ),
        "write to them by hand: https://x.com/messages/compose?recipient_id=".to_owned(),
    ] {
        assert_eq!(output.matches(&words).count(), 1, "{words}: {output}");
    }
    assert!(!post.text.contains("fan1000"), "{}", post.text);
}

#[tokio::test]
async fn every_check_reports_a_held_hug_until_it_is_approved_or_cancelled() {
    let cli = held().await;
    assert_eq!(cli.x.posts().len(), 3);
    let output = cli.run(&["check"]).await.refusal();
    assert!(output.contains("1 hug waits for you"), "{output}");
    let waits = hug(&cli, 900).await;
    assert_eq!(
        (&waits["status"], &waits["reason"]),
        (&"held".into(), &"more than 3 hugs in 24 hours".into())
    );
    for command in ["retry", "sent"] {
        let output = cli.run(&[command, "900"]).await.refusal();
        assert!(
            output.contains("it is held; `hug approve` sends it"),
            "{output}"
        );
    }
    let output = cli.run(&["approve", "900"]).await.success();
    assert!(
        output.contains("the hug for 900 goes to Noor Haddad, @fan1300"),
        "{output}"
    );
    assert!(output.contains("900 invited: announce"), "{output}");
    assert_eq!(cli.x.posts().len(), 4);
    cli.run(&["check"]).await.success();
    let again = cli.run(&["approve", "900"]).await.refusal();
    assert!(again.contains("it is invited already"), "{again}");
}

#[tokio::test]
async fn a_cancelled_hug_does_not_wait_for_the_creator_and_is_not_sent() {
    let cli = held().await;
    let output = cli.run(&["cancel", "900"]).await.success();
    assert!(output.contains("the hug for 900 is cancelled"), "{output}");
    cli.run(&["check"]).await.success();
    assert_eq!(hug(&cli, 900).await["status"], "cancelled");
    for command in ["retry", "approve", "sent", "cancel"] {
        let output = cli.run(&[command, "900"]).await.refusal();
        assert!(output.contains("it is cancelled already"), "{output}");
    }
    assert_eq!(cli.x.posts().len(), 3);

    let cli = to_send().await;
    cli.run(&["cancel", "600"]).await.success();
    let output = cli.run(&["check"]).await.refusal();
    assert!(output.contains("1 hug waits for you"), "{output}");
}

#[tokio::test]
async fn the_creator_chooses_the_follower_by_handle_and_with_an_unknown_handle_the_hug_is_held_again()
 {
    let cli = held().await;
    let output = cli
        .run(&["approve", "900", "--for", "@nobody_here"])
        .await
        .refusal();
    assert!(
        output.contains("nobody has the handle nobody_here"),
        "{output}"
    );
    assert!(output.contains("--for HANDLE"), "{output}");
    let held_again = hug(&cli, 900).await;
    assert_eq!(
        held_again["follower"]["handle"], "fan1300",
        "the hug names its first follower again"
    );
    let output = cli
        .run(&["approve", "900", "--for", "fan1000"])
        .await
        .refusal();
    assert!(output.contains("already has the hug for 600"), "{output}");
    cli.run(&["approve", "900", "--for", "@fan1299"])
        .await
        .success();
    let hug = hug(&cli, 900).await;
    assert_eq!(
        (&hug["status"], &hug["follower"]["handle"]),
        (&"invited".into(), &"fan1299".into())
    );
}

#[tokio::test]
async fn a_number_that_was_crossed_without_a_hug_gets_one_only_for_a_follower_whom_the_creator_names()
 {
    let cli = CommandLine::with_followers(650).await;
    cli.run(&["check"]).await;
    for (arguments, why) in [
        (vec!["approve", "600"], "there is no hug for 600"),
        (
            vec!["approve", "700", "--for", "fan1"],
            "number 700 has not been crossed yet",
        ),
        (
            vec!["approve", "620", "--for", "fan1"],
            "620 is not a milestone of the plan",
        ),
    ] {
        let output = cli.run(&arguments).await.refusal();
        assert!(output.contains(why), "{why}: {output}");
    }
    let output = cli
        .run(&["approve", "600", "--for", "fan0600"])
        .await
        .success();
    assert!(output.contains("600 invited: announce"), "{output}");
    assert_eq!(hug(&cli, 600).await["follower"]["handle"], "fan0600");
    assert_eq!(cli.x.posts().len(), 1);
}

#[tokio::test]
async fn beside_a_watch_a_command_changes_the_hug_and_the_watch_delivers_it() {
    let cli = CommandLine::with_followers(599).await;
    let watch = Watch::start(&cli);
    eventually(|| watch.has_printed("counted from here on")).await;
    cli.fans(1_000, 401);
    eventually(|| watch.has_printed("2 hugs wait for you: see `hug status`")).await;
    let output = cli.run(&["approve", "900"]).await.success();
    assert!(
        output.contains("Not sent yet: another `hug` uses this ledger"),
        "{output}"
    );
    eventually(|| watch.has_printed("900 invited: announce")).await;
    eventually(|| watch.has_printed("1 hug waits for you: see `hug status`")).await;
    cli.run(&["cancel", "1000"]).await.success();
    assert_eq!(hug(&cli, 1_000).await["status"], "cancelled");
    assert_eq!(cli.x.posts().len(), 4);
    drop(watch);
    cli.run(&["check"]).await.success();
}

#[tokio::test]
async fn beside_a_watch_words_that_wait_are_noted_as_sent() {
    let cli = CommandLine::with_followers(599).await;
    cli.write(&settings(
        "x",
        "amber",
        cli.x.url(),
        "contact = [\"draft\"]",
    ));
    let watch = Watch::start(&cli);
    eventually(|| watch.has_printed("counted from here on")).await;
    cli.fans(1_000, 1);
    eventually(|| watch.has_printed("600 to_send: it waits for your hand")).await;
    cli.run(&["sent", "600"]).await.success();
    drop(watch);
    assert_eq!(hug(&cli, 600).await["status"], "invited");
}
