//! What helps when something is wrong: `hug doctor`, `hug retry`, `hug status`, and a watch that goes on.

use std::{
    fs::{self, File},
    process::Stdio,
};

use crate::command::{Desk, Watch, eventually};

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
