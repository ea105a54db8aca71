//! `hug watch`, and what it means for other commands on the same folder.

use std::fs;

use crate::command_line::{CommandLine, Watch, eventually};

#[tokio::test]
async fn a_folder_that_cannot_be_used_or_is_in_use_is_reported() {
    let cli = CommandLine::with_followers(598).await;
    fs::write(cli.folder.path().join("file"), "").unwrap();
    let output = cli.run(&["check", "--state", "file"]).await.refusal();
    assert!(
        output.contains("choose another folder with --state"),
        "{output}"
    );

    let watch = Watch::start(&cli);
    eventually(|| !cli.x.requests().is_empty()).await;
    let output = cli.run(&["check"]).await.refusal();
    assert!(
        output.contains("another hug is at work on .hug"),
        "{output}"
    );
    assert_eq!(
        cli.status().await["accounts"][0]["followers"],
        598,
        "status can look all the same"
    );
    drop(watch);
}

#[cfg(unix)]
#[tokio::test]
async fn an_interrupted_watch_ends_cleanly() {
    let cli = CommandLine::with_followers(598).await;
    let watch = Watch::start(&cli);
    eventually(|| !cli.x.requests().is_empty()).await;
    assert_eq!(watch.interrupt().await, Some(0));
}

/// A watch over 599 followers that has looked once.
async fn watching() -> (CommandLine, Watch) {
    let cli = CommandLine::with_followers(599).await;
    let watch = Watch::start(&cli);
    eventually(|| watch.has_printed("counted from here on")).await;
    (cli, watch)
}

#[tokio::test]
async fn a_watch_reports_that_the_ledger_cannot_be_read_for_now_and_goes_on_when_it_can() {
    let (cli, watch) = watching().await;
    let ledger = cli.state().join("ledger.sqlite");
    let other = rusqlite::Connection::open(ledger).unwrap();
    let rename = |from: &str, to: &str| {
        let patient = std::time::Duration::from_secs(30);
        other.busy_timeout(patient).unwrap();
        other
            .execute(&format!("ALTER TABLE \"{from}\" RENAME TO \"{to}\""), [])
            .unwrap();
    };
    rename("have-a-hug", "away");
    eventually(|| {
        watch
            .has_printed("could not be checked: reading the handle of x@amber in the ledger failed")
    })
    .await;
    cli.fans(1_000, 1);
    rename("away", "have-a-hug");
    eventually(|| watch.has_printed("600 invited: announce")).await;
    assert_eq!(cli.x.posts().len(), 1);
    drop(watch);
}

#[tokio::test]
async fn a_watch_reports_that_its_position_in_the_stream_cannot_be_kept_and_goes_on_when_it_can() {
    let (cli, watch) = watching().await;
    let in_the_way = cli.state().join("stream-position.new");
    fs::create_dir(&in_the_way).unwrap();
    cli.fans(1_000, 1);
    eventually(|| {
        watch.has_printed("this round was cut short: keeping the position in the stream")
    })
    .await;
    fs::remove_dir(&in_the_way).unwrap();
    // The position is kept before the next hug is handed over.
    cli.fans(2_000, 100);
    eventually(|| watch.has_printed("700 invited: announce")).await;
    assert_eq!(cli.x.posts().len(), 2);
    drop(watch);
}
