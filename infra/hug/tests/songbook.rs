//! `hug songbook`, and the page that `hug watch` keeps current.

use std::fs;

use crate::command_line::{CommandLine, Watch, eventually};

/// Amber, whose 600th follower is invited by a post and has asked for a song.
async fn with_topic() -> CommandLine {
    let cli = CommandLine::with_followers(599).await;
    cli.run(&["check"]).await.success();
    cli.fans(1_000, 1);
    cli.run(&["check"]).await.success();
    let before = page(&cli).await;
    assert!(before.contains("Waiting for a topic") && !before.contains("fan1000"));
    let post = &cli.x.posts()[0].id;
    cli.x.answer("fan1000", "@amber rain on a tin roof", post);
    cli.run(&["check"]).await.success();
    cli
}

async fn page(cli: &CommandLine) -> String {
    let mut command = cli.command(&["songbook"]);
    // No secret is needed.
    command.env_clear();
    cli.run_command(command).await.success()
}

#[tokio::test]
async fn the_page_needs_no_secret_and_no_ledger_and_names_the_follower_from_their_answer_on() {
    let cli = CommandLine::with_followers(599).await;
    let page_before = page(&cli).await;
    assert!(page_before.contains("The followers have not been counted yet."));
    assert!(!cli.state().exists(), "a look makes no ledger");
    let cli = with_topic().await;
    let page = page(&cli).await;
    for words in [
        "<!DOCTYPE html>",
        "A song is being written",
        "https://x.com/fan1000",
        "rain on a tin roof",
        "<b>100</b> to go",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
}

#[tokio::test]
async fn the_page_goes_to_a_file_beside_a_running_watch_and_a_folder_that_is_missing_is_reported() {
    let cli = with_topic().await;
    let watch = Watch::start(&cli);
    eventually(|| watch.has_printed("followers")).await;
    let ended = cli.run(&["songbook", "--out", "songs.html"]).await;
    assert_eq!(ended.success(), "");
    let file = cli.folder.path().join("songs.html");
    assert!(fs::read_to_string(&file).unwrap().contains("fan1000"));
    let refusal = cli.run(&["songbook", "--out", "no/songs.html"]).await;
    let refusal = refusal.refusal();
    let words = "writing the songbook to no/songs.html failed";
    assert!(refusal.contains(words), "{refusal}");
    drop(watch);
    // Nothing is left of the file that became the page.
    let names = fs::read_dir(cli.folder.path()).unwrap();
    let names: Vec<String> = names
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .filter(|name| name.contains("songs"))
        .collect();
    assert_eq!(names, ["songs.html"]);
}

#[tokio::test]
async fn a_person_who_is_forgotten_leaves_the_page_that_watch_keeps_and_their_song_stays() {
    let cli = with_topic().await;
    cli.run(&[
        "song",
        "600",
        "https://youtu.be/dQw4w9WgXcQ",
        "--title",
        "Rain",
    ])
    .await
    .success();
    let watch = Watch::start_with(&cli, |watch| {
        watch.args(["--songbook", "songs.html"]);
    });
    let file = cli.folder.path().join("songs.html");
    let has = |words: &str| fs::read_to_string(&file).is_ok_and(|page| page.contains(words));
    eventually(|| has("@fan1000")).await;
    assert!(has("watch?v=dQw4w9WgXcQ"));
    cli.run(&["forget", "--follower", "fan1000", "--yes"])
        .await
        .success();
    eventually(|| has("someone who would rather not be named")).await;
    assert!(!has("fan1000") && !has("rain on a tin roof"));
    assert!(has("watch?v=dQw4w9WgXcQ") && has("Rain"));
    drop(watch);
}

#[tokio::test]
async fn a_watch_that_cannot_write_the_page_says_so_and_keeps_the_promise() {
    let cli = CommandLine::with_followers(599).await;
    let watch = Watch::start_with(&cli, |watch| {
        watch.args(["--songbook", "no/songs.html"]);
    });
    eventually(|| watch.has_printed("the songbook no/songs.html was not written")).await;
    cli.fans(1_000, 1);
    eventually(|| watch.has_printed("600 invited")).await;
    fs::create_dir(cli.folder.path().join("no")).unwrap();
    let file = cli.folder.path().join("no/songs.html");
    eventually(|| file.exists()).await;
    drop(watch);
}
