//! What is different for an account on Bluesky: everybody can read it, and only a login can write.

use std::process::Command;

use have_a_hug::clock::Clock;
use stand_ins::{Person, bluesky};
use tests::settings;

use crate::command_line::{CommandLine, Watch, eventually};

/// Amber on Bluesky with this number of followers.
async fn amber(followers: u64) -> (CommandLine, bluesky::Bluesky) {
    let cli = CommandLine::with_followers(0).await;
    let sky = bluesky::Bluesky::start(Clock::system()).await.unwrap();
    sky.add_account(bluesky::Account::amber());
    follow(&sky, 1, followers);
    let appview = format!("appview = \"{}\"", sky.url());
    cli.write(&settings(
        "bluesky",
        "amber.bsky.social",
        sky.url(),
        &appview,
    ));
    (cli, sky)
}

fn follow(sky: &bluesky::Bluesky, from: u64, n: u64) {
    for n in from..from + n {
        sky.follow(Person::fan(n, Clock::system().now()));
    }
}

fn with_password(command: &mut Command, password: &str) {
    command.env("BLUESKY_APP_PASSWORD", password);
}

/// A command with the right password, or with a wrong one.
async fn run(cli: &CommandLine, arguments: &[&str], right: bool) -> String {
    let account = bluesky::Account::amber();
    let password = if right {
        &account.app_password
    } else {
        "wrong-pass-word-here"
    };
    let mut command = cli.command(arguments);
    with_password(&mut command, password);
    cli.run_command(command).await.success()
}

const NO_LOGIN: &str = "the login does not work: ";

#[tokio::test]
async fn a_wrong_password_is_found_by_a_dry_run_and_at_the_start_of_a_watch_before_any_milestone() {
    let (cli, _sky) = amber(598).await;
    run(&cli, &["check"], true).await;
    let output = run(&cli, &["check"], false).await;
    assert!(
        !output.contains(NO_LOGIN),
        "the login is not tried again so soon: {output}"
    );
    let output = run(&cli, &["check", "--dry-run"], false).await;
    assert!(output.contains(NO_LOGIN), "{output}");
    let watch = Watch::start_with(&cli, |command| {
        with_password(command, "wrong-pass-word-here");
    });
    eventually(|| watch.has_printed(NO_LOGIN)).await;
    drop(watch);
    let status = cli.run(&["status"]).await.success();
    assert!(status.contains(NO_LOGIN), "{status}");
}

#[tokio::test]
async fn the_reference_is_the_networks_own_id_and_the_url_is_a_page_for_a_person() {
    let (cli, sky) = amber(599).await;
    run(&cli, &["check"], true).await;
    follow(&sky, 1_000, 1);
    run(&cli, &["check"], true).await;
    let status = cli.status().await;
    let invitation = &status["hugs"][0]["invitation"];
    let reference = invitation["reference"].as_str().unwrap();
    let key = reference
        .strip_prefix("at://")
        .unwrap()
        .rsplit('/')
        .next()
        .unwrap();
    let url = invitation["url"].as_str().unwrap();
    assert!(url.starts_with("https://bsky.app/profile/"), "{url}");
    assert!(url.ends_with(&format!("/post/{key}")), "{url}");
}
