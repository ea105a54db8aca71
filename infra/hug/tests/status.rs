//! `hug status`, beside the checks that it shows.

use serde_json::{Value, json};
use tests::{refused_by_x, settings};

use crate::command_line::CommandLine;

#[tokio::test]
async fn a_check_invites_and_status_shows_the_same_in_json() {
    let cli = CommandLine::with_followers(598).await;
    assert!(
        cli.run(&["check"])
            .await
            .stdout()
            .contains("598 followers: counted from here on; next milestone 600")
    );
    cli.fans(1_000, 3);
    let output = cli.run(&["check", "--account", "x:amber"]).await;
    assert!(output.0.status.success());
    assert!(
        output.stdout().contains("600 goes to @fan1001, position 1"),
        "{}",
        output.stdout()
    );
    assert!(
        output.stdout().contains("600 invited: announce"),
        "{}",
        output.stdout()
    );

    let status = cli.status().await;
    let account = &status["accounts"][0];
    assert_eq!(account["account"], "x:amber");
    assert_eq!(account["id"], "44196397");
    assert_eq!(
        (
            &account["followers"],
            &account["promised_up_to"],
            &account["next_milestone"]
        ),
        (&601.into(), &601.into(), &700.into())
    );
    assert!(account["checked_at"].is_string() && account["retry_at"].is_null());
    let hug = &status["hugs"][0];
    assert_eq!(
        (&hug["account"], &hug["milestone"], &hug["status"]),
        (&"x:amber".into(), &600.into(), &"invited".into())
    );
    assert_eq!(hug["follower"]["handle"], "fan1001");
    assert_eq!(hug["evidence"]["position"], 1);
    assert_eq!(
        (
            &hug["evidence"]["count_before"],
            &hug["evidence"]["count_after"]
        ),
        (&598.into(), &601.into())
    );
    assert_eq!(hug["invitation"]["channel"], "announce");
    assert_eq!(hug["invitation"]["reference"], cli.x.posts()[0].id);
    assert_eq!(
        (&hug["attempts"], &hug["reason"]),
        (&1.into(), &Value::Null)
    );
}

#[tokio::test]
async fn the_words_of_a_draft_and_its_link_are_printed_whole_below_the_table() {
    let cli = CommandLine::with_followers(599).await;
    cli.write(&settings(
        "x",
        "amber",
        cli.x.url(),
        "contact = [\"draft\"]",
    ));
    cli.run(&["check"]).await;
    cli.fans(1_000, 1);
    cli.run(&["check"]).await;
    let output = cli.run(&["status"]).await.stdout();
    let lines: Vec<&str> = output.lines().map(str::trim).collect();
    let at = lines
        .iter()
        .position(|line| *line == "x:amber 600, for you to send to @fan1000:")
        .unwrap_or_else(|| panic!("{output}"));
    assert!(lines[at + 1].contains("number 600"), "{output}");
    assert!(lines[at + 2].starts_with("https://x.com/"), "{output}");
}

#[tokio::test]
async fn a_refused_channel_is_shown_with_the_draft_that_took_its_place() {
    let cli = CommandLine::with_followers(599).await;
    cli.run(&["check"]).await;
    cli.fans(1_000, 1);
    cli.x.fail_next("POST /2/tweets", refused_by_x());
    for command in ["check", "status"] {
        let output = cli.run(&[command]).await.stdout();
        assert!(output.contains("announce was refused: "), "{output}");
        assert!(output.contains("403 Forbidden"), "{output}");
    }
}

#[tokio::test]
async fn where_nothing_was_checked_yet_status_shows_nothing_and_begins_no_ledger() {
    let cli = CommandLine::with_followers(598).await;
    let status = cli.status().await;
    assert_eq!(
        (&status["accounts"], &status["hugs"]),
        (&json!([]), &json!([]))
    );
    assert!(!cli.state().exists());
}
