//! `hug check`.

use crate::command_line::CommandLine;

#[tokio::test]
async fn a_wrong_secret_is_reported_and_loses_nothing() {
    let cli = CommandLine::with_followers(599).await;
    cli.run(&["check"]).await;
    cli.fans(1_000, 1);
    let mut wrong = cli.command(&["check"]);
    wrong.env("X_ACCESS_SECRET", "not-the-one");
    let output = cli.run_command(wrong).await.refusal();
    assert!(
        output.contains("401 Unauthorized") && output.contains("this does not mend itself"),
        "{output}"
    );
    assert!(!output.contains("not-the-one"));
    assert!(cli.run(&["check"]).await.0.status.success());
    assert_eq!(cli.x.posts().len(), 1);
}

#[tokio::test]
async fn an_account_that_the_settings_do_not_name_is_refused() {
    let cli = CommandLine::with_followers(598).await;
    let output = cli.run(&["check", "--account", "x:bea"]).await.refusal();
    assert!(
        output.contains("the settings do not name the account x:bea; they name x:amber"),
        "{output}"
    );
    let output = cli.run(&["check", "--account", "bea"]).await.refusal();
    assert!(output.contains("write network:handle"), "{output}");
}

#[tokio::test]
async fn requests_to_this_computer_do_not_use_a_proxy() {
    let cli = CommandLine::with_followers(599).await;
    for proxy in ["HTTP_PROXY", "https_proxy", "ALL_PROXY"] {
        let mut command = cli.command(&["check"]);
        command.env(proxy, "http://127.0.0.1:9");
        cli.run_command(command).await.success();
    }
    let mut wrong = cli.command(&["check"]);
    wrong.env("HTTP_PROXY", "http://amber:secret@[");
    let output = cli.run_command(wrong).await.refusal();
    assert!(
        output.contains("the value of HTTP_PROXY is not a valid proxy address"),
        "{output}"
    );
    assert!(!output.contains("secret"), "{output}");
}

#[tokio::test]
async fn a_dry_run_shows_the_very_words_that_the_next_check_sends() {
    let cli = CommandLine::with_followers(598).await;
    let dry = async || cli.run(&["check", "--dry-run"]).await.success();
    let next = dry().await;
    assert!(
        next.contains("  for 600 it would send this by announce:\n    Thanks, all 600!"),
        "{next}"
    );
    cli.run(&["check"]).await.success();
    cli.fans(1_000, 2);
    let shown = dry().await;
    assert!(cli.x.posts().is_empty());
    let real = cli.run(&["check"]).await.success();
    assert!(!real.contains("it would send"), "{real}");
    let sent = cli.x.posts().remove(0).text;
    // The words name the minute of the check, which may have passed.
    let (before, after) = (
        sent.split(", who").next().unwrap(),
        "gets a song on a topic",
    );
    assert!(
        shown.contains(&format!("    {before}")) && shown.contains(after),
        "{shown}\n{sent}"
    );
    cli.write(&tests::settings(
        "x",
        "amber",
        cli.x.url(),
        "contact = [\"draft\"]",
    ));
    let draft = dry().await;
    assert!(
        draft.contains("  for 700 you would get these words to send:\n    Hi @follower!"),
        "{draft}"
    );
}

#[tokio::test]
async fn a_dry_run_leaves_no_trace() {
    let cli = CommandLine::with_followers(598).await;
    let output = cli.run(&["check", "--dry-run"]).await;
    assert!(output.0.status.success());
    assert!(!cli.folder.path().join(".hug").exists());
    cli.run(&["check"]).await;
    let before = cli.status().await["accounts"].clone();
    assert!(cli.run(&["check", "--dry-run"]).await.0.status.success());
    assert_eq!(cli.status().await["accounts"], before);
}
