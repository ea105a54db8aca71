//! The commands on stand-in networks: `hug demo` and `hug sandbox`.

use std::{
    process::Stdio,
    time::{Duration, Instant},
};

use crate::command_line::{CommandLine, hug};

#[tokio::test]
async fn the_demo_tells_the_same_story_for_the_same_seed() {
    let cli = CommandLine::with_followers(0).await;
    let start = Instant::now();
    let story = cli.run(&["demo", "--seed", "7"]).await;
    assert!(story.0.status.success());
    assert!(start.elapsed() < Duration::from_secs(20));
    assert_eq!(
        story.stdout(),
        cli.run(&["demo", "--seed", "7"]).await.stdout()
    );
    assert_ne!(
        story.stdout(),
        cli.run(&["demo", "--seed", "8"]).await.stdout()
    );
    let output = story.stdout();
    for milestone in ["600", "700", "800", "900"] {
        let invited = |how| {
            output
                .matches(&format!("{milestone} invited: {how}"))
                .count()
        };
        assert_eq!(invited("announce"), 2, "{milestone} on X and Bluesky");
        assert_eq!(invited("mention"), 1, "{milestone} on Mastodon");
    }
    assert_eq!(
        output.matches("600 waits for a genuine follower").count(),
        3
    );
    for (words, times) in [
        ("600 has its topic", 3),
        ("700 has a topic that you decide", 2),
        ("600 hugged: reply", 3),
        ("$ hug topic 700 --account x:amber --accept", 1),
        ("$ hug song 600 --account x:amber https://youtu.be/", 1),
        ("Your song is here!", 1),
        ("can read this:", 1),
    ] {
        assert_eq!(output.matches(words).count(), times, "{words}");
    }
}

#[tokio::test]
async fn the_demo_shows_the_accounts_side_by_side_only_where_there_is_room() {
    let cli = CommandLine::with_followers(0).await;
    let names = [
        "x:amber",
        "bluesky:amber.bsky.social",
        "mastodon:amber@mastodon.example",
    ];
    for (columns, in_one_line) in [(80, 0), (120, 13)] {
        let mut demo = cli.command(&["demo"]);
        demo.env("COLUMNS", columns.to_string());
        let output = cli.run_command(demo).await.success();
        let all = |line: &&str| names.iter().all(|name| line.contains(name));
        assert_eq!(output.lines().filter(all).count(), in_one_line);
        for line in output.lines() {
            assert!(line.chars().count() <= columns, "{line}");
        }
    }
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
    let output = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success() && output.is_empty(), "{output}");
}
