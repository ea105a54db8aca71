//! `hug status`, and the checks that it shows. The first tests are about what programs may rely on.

use serde_json::{Value, json};
use tests::{refused_by_x, settings};

use crate::{
    command_line::CommandLine,
    situations::{draft, to_send},
};

/// The names of the fields of an object; `null` counts, a missing one does not.
fn fields(value: &Value) -> Vec<&str> {
    let fields = value.as_object().unwrap().keys();
    fields.map(String::as_str).collect()
}

/// Every field of `names` is there.
fn has_fields(value: &Value, names: &[&str]) {
    let there = fields(value);
    for name in names {
        assert!(there.contains(name), "{name} is missing: {value}");
    }
}

const OF_A_HUG: [&str; 9] = [
    "account",
    "milestone",
    "status",
    "follower",
    "evidence",
    "invitation",
    "topic",
    "song",
    "reason",
];

const OF_AN_ACCOUNT: [&str; 9] = [
    "account",
    "id",
    "followers",
    "promised_up_to",
    "next_milestone",
    "checked_at",
    "retry_at",
    "failing_since",
    "last_error",
];

#[tokio::test]
async fn a_check_invites_and_status_shows_the_same_in_json() {
    let cli = CommandLine::with_followers(598).await;
    let output = cli.run(&["check"]).await.success();
    let baseline = "598 followers: counted from here on; next milestone 600";
    assert!(output.contains(baseline), "{output}");
    cli.fans(1_000, 3);
    let output = cli.run(&["check", "--account", "x:amber"]).await.success();
    for words in [
        "598 → 601 followers",
        "600 goes to Noor Schäfer, @fan1001: certain that it is them",
        "600 invited: announce",
    ] {
        assert!(output.contains(words), "{words}: {output}");
    }

    let status = cli.status().await;
    let account = &status["accounts"][0];
    has_fields(account, &OF_AN_ACCOUNT);
    assert!(account["checked_at"].is_string());
    for (field, expected) in [
        ("account", json!("x:amber")),
        ("id", json!("44196397")),
        ("followers", json!(601)),
        ("promised_up_to", json!(601)),
        ("next_milestone", json!(700)),
        ("retry_at", Value::Null),
        ("failing_since", Value::Null),
        ("last_error", Value::Null),
    ] {
        assert_eq!(account[field], expected, "{field}");
    }

    let hug = &status["hugs"][0];
    has_fields(hug, &OF_A_HUG);
    for (field, expected) in [
        ("account", json!("x:amber")),
        ("milestone", json!(600)),
        ("status", json!("invited")),
        ("topic", Value::Null),
        ("song", Value::Null),
        ("reason", Value::Null),
    ] {
        assert_eq!(hug[field], expected, "{field}");
    }
    let follower = &hug["follower"];
    has_fields(follower, &["id", "handle", "name"]);
    assert!(follower["id"].is_string() && follower["name"].is_string());
    assert_eq!(follower["handle"], "fan1001");
    let evidence = &hug["evidence"];
    assert_eq!(evidence["position"], 1);
    assert_eq!(
        (&evidence["count_before"], &evidence["count_after"]),
        (&json!(598), &json!(601))
    );
    let post = &cli.x.posts()[0];
    let invitation = &hug["invitation"];
    for (field, expected) in [
        ("channel", json!("announce")),
        ("text", json!(post.text)),
        ("reference", json!(post.id)),
        (
            "url",
            json!(format!("https://x.com/amber/status/{}", post.id)),
        ),
    ] {
        assert_eq!(invitation[field], expected, "{field}");
    }
    assert!(invitation["sent_at"].is_string());
}

#[tokio::test]
async fn words_that_wait_for_the_creator_are_shown_as_not_sent_with_the_link_that_sends_them() {
    let cli = draft().await;
    let status = cli.status().await;
    let hug = &status["hugs"][0];
    has_fields(hug, &OF_A_HUG);
    assert_eq!(hug["status"], "to_send");
    let invitation = &hug["invitation"];
    assert_eq!(invitation["channel"], "draft");
    assert_eq!(
        (&invitation["reference"], &invitation["sent_at"]),
        (&Value::Null, &Value::Null)
    );
    assert!(invitation["text"].as_str().unwrap().contains("600"));
    let link = invitation["url"].as_str().unwrap();
    assert!(link.starts_with("https://x.com/"), "{link}");
}

#[tokio::test]
async fn an_account_that_could_never_be_checked_is_listed_with_the_time_and_the_reason() {
    let cli = CommandLine::with_followers(598).await;
    let amber = settings("x", "amber", cli.x.url(), "");
    let bea = format!(
        "[[account]]\nnetwork = \"x\"\nhandle = \"bea\"\nserver = \"{}\"\n",
        cli.x.url()
    );
    cli.write(&format!("{amber}\n{bea}"));
    let output = cli.run(&["check"]).await.refusal();
    let sum = "2 accounts; 1 skipped\n";
    assert!(output.ends_with(sum), "{output}");
    let first = cli.status().await["accounts"][1].clone();
    has_fields(&first, &OF_AN_ACCOUNT);
    assert_eq!(first["account"], "x:bea");
    for field in [
        "id",
        "followers",
        "promised_up_to",
        "next_milestone",
        "checked_at",
    ] {
        assert_eq!(first[field], Value::Null, "{field}");
    }
    let error = first["last_error"].as_str().unwrap();
    assert!(error.contains("X_BEA_ACCESS_TOKEN"), "{error}");

    // Now it has secrets, and X does not know it.
    let mut check = cli.command(&["check"]);
    check
        .env("X_BEA_ACCESS_TOKEN", "1-token")
        .env("X_BEA_ACCESS_SECRET", "secret");
    let output = cli.run_command(check).await.refusal();
    let sum = "2 accounts; 1 could not be checked\n";
    assert!(output.ends_with(sum), "{output}");
    let second = cli.status().await["accounts"][1].clone();
    assert_eq!(second["failing_since"], first["failing_since"]);
    assert_ne!(second["last_error"], first["last_error"]);
    let shown = cli.run(&["status"]).await.success();
    let line = "x:bea\n  not checked yet\n  could not be checked since ";
    assert!(shown.contains(line), "{shown}");
}

#[tokio::test]
async fn status_begins_with_the_hugs_that_wait_for_the_creator() {
    let cli = to_send().await;
    let output = cli.run(&["status"]).await.success();
    assert!(output.starts_with("2 hugs wait for you:\n"), "{output}");
    let (waiting, hugs) = output.split_at(output.find("x:amber\n  700 followers").unwrap());
    for words in [
        "x:amber 700 is to_send: no channel is left for the program",
        "announce: ",
        "Your Tweet text is too long; this does not mend itself",
        "send it to @fan1100",
        "https://x.com/fan1100",
        "https://x.com/messages/compose?recipient_id=",
        "`hug sent 700 --account x:amber`",
        "`hug retry 700 --account x:amber`",
    ] {
        assert!(waiting.contains(words), "{words}: {output}");
    }
    assert!(waiting.contains("tried next: not by itself"), "{output}");
    let once = "x:amber 700 to_send, for Hanna Da Silva, @fan1100\n  see above\n";
    assert!(hugs.ends_with(once), "{output}");
    let trouble = cli.status().await["hugs"][1]["trouble"].clone();
    assert_eq!(trouble["next_try"], Value::Null);
    assert_eq!(trouble["needs_creator"], true);
}

#[tokio::test]
async fn a_refused_channel_is_shown_with_the_words_that_wait_for_the_creator() {
    let cli = CommandLine::with_followers(599).await;
    cli.run(&["check"]).await;
    cli.fans(1_000, 1);
    cli.x.fail_next("POST /2/tweets", refused_by_x());
    let output = cli.run(&["check"]).await.refusal();
    assert!(output.contains("announce was refused: "), "{output}");
    assert!(output.contains("403 Forbidden"), "{output}");
    let output = cli.run(&["status"]).await.success();
    assert!(output.contains("announce: "), "{output}");
    assert!(output.contains("403 Forbidden"), "{output}");
}

#[tokio::test]
async fn before_the_first_check_status_lists_the_accounts_of_hug_toml_and_makes_no_ledger() {
    let cli = CommandLine::with_followers(598).await;
    let status = cli.status().await;
    assert_eq!(status["hugs"], json!([]));
    assert_eq!(status["accounts"][0]["account"], "x:amber");
    assert_eq!(status["accounts"][0]["followers"], Value::Null);
    assert!(!cli.state().exists());
    let output = cli.run(&["status"]).await.success();
    assert!(output.contains("Nothing has been checked yet"), "{output}");
}
