//! The command in `[news]`: run for each piece of news, with the words in its environment.

use std::{fs, os::unix::fs::PermissionsExt};

use have_a_hug::clock::Clock;
use stand_ins::{Fault, Person};
use tests::settings;

use crate::command_line::{CommandLine, Watch, eventually};

/// Amber with 599 followers, after a check, with this command for news.
async fn with_command(command: &str, more: &str) -> CommandLine {
    let cli = CommandLine::with_followers(599).await;
    let amber = settings("x", "amber", cli.x.url(), more);
    cli.write(&format!("{amber}\n[news]\ncommand = '''{command}'''\n"));
    cli.run(&["check"]).await.success();
    cli
}

/// Writes each piece of news to a file of its own.
const KEEP: &str = r#"printf '%s\n%s' "$HUG_NEWS_SUBJECT" "$HUG_NEWS" > "news-$$""#;

/// The news that the command got, in any order.
fn kept(cli: &CommandLine) -> Vec<String> {
    let files = fs::read_dir(cli.folder.path()).unwrap();
    let paths = files.map(|file| file.unwrap().path());
    let news = paths.filter(|path| path.display().to_string().contains("news-"));
    news.map(|path| fs::read_to_string(path).unwrap()).collect()
}

/// The pieces of news that contain these words.
fn with_words<'a>(news: &'a [String], words: &str) -> Vec<&'a String> {
    news.iter().filter(|text| text.contains(words)).collect()
}

#[tokio::test]
async fn each_text_runs_the_command_once_and_a_name_in_it_is_never_run_as_a_command() {
    let cli = with_command(KEEP, "").await;
    let mut fan = Person::fan(1_000, Clock::system().now());
    fan.name = "$(touch run)'; touch run; \"`touch run`".to_owned();
    cli.x.follow(fan.clone());
    let output = cli.run(&["check"]).await.success();
    let news = kept(&cli);
    assert_eq!(news.len(), 2, "{news:?}");
    for text in &news {
        assert!(
            text.starts_with("Have a Hug: x:amber 600\nx:amber: "),
            "{text}"
        );
        assert!(text.contains(&fan.name), "{text}");
    }
    assert!(!cli.folder.path().join("run").exists());
    assert_eq!(with_words(&news, "The invitation is next").len(), 1);
    assert_eq!(with_words(&news, "only for @fan1000").len(), 1);
    for words in [", @fan1000: certain that it is them", "only for @fan1000"] {
        assert_eq!(output.matches(words).count(), 1, "{words}: {output}");
    }
    cli.run(&["check"]).await.success();
    assert_eq!(kept(&cli).len(), 2);
}

#[tokio::test]
async fn a_wave_of_held_hugs_is_one_piece_of_news_and_each_hug_to_send_is_one() {
    let cli = with_command(KEEP, "contact = [\"draft\"]").await;
    cli.fans(1_000, 501);
    let output = cli.run(&["check"]).await.refusal();
    let news = kept(&cli);
    assert_eq!(with_words(&news, "the hug is held").len(), 1, "{news:?}");
    assert_eq!(with_words(&news, "waits for you. Please send it").len(), 3);
    assert_eq!(news.len(), 3 + 3 + 1, "{news:?}");
    let shown = |words: &str| output.matches(words).count();
    assert_eq!(shown("x:amber: number 900 is @"), 1, "{output}");
    assert_eq!(shown("waits for you. Please send it"), 3, "{output}");
    assert_eq!(shown("`hug sent 700 --account x:amber`"), 1, "{output}");
}

#[tokio::test]
async fn a_command_that_fails_is_reported_in_a_line_and_delays_no_letter() {
    let cli = with_command("no-such-program 2>&1 >&2", "").await;
    cli.fans(1_000, 1);
    let output = cli.run(&["check"]).await.success();
    let line =
        "running the command in [news] for \"Have a Hug: x:amber 600\" failed: exit status: 127: ";
    assert_eq!(output.matches(line).count(), 2, "{output}");
    assert!(output.contains("600 invited: announce"), "{output}");
    assert_eq!(cli.x.posts().len(), 1);
}

#[tokio::test]
async fn a_retry_and_a_watch_run_the_command_too() {
    let cli = with_command(KEEP, "").await;
    cli.fans(1_000, 1);
    cli.x.fail_next("POST /2/tweets", Fault::Status(401));
    cli.run(&["check"]).await.refusal();
    assert_eq!(with_words(&kept(&cli), "cannot be sent").len(), 1);
    cli.run(&["retry"]).await.success();
    assert_eq!(with_words(&kept(&cli), "only for @fan1000").len(), 1);
    let watch = Watch::start(&cli);
    cli.fans(2_000, 100);
    eventually(|| watch.has_printed("700 invited: announce")).await;
    eventually(|| with_words(&kept(&cli), "only for @fan2099").len() == 1).await;
}

#[tokio::test]
async fn the_command_has_the_environment_of_hug_without_the_secrets_of_the_networks() {
    let cli = with_command("env > environment", "").await;
    cli.fans(1_000, 1);
    let mut check = cli.command(&["check"]);
    check.env("DISCORD_WEBHOOK", "https://discord.example/hook");
    check.env("YOUTUBE_API_KEY", "a-key-that-hug.toml-does-not-need");
    cli.run_command(check).await.success();
    let environment = fs::read_to_string(cli.folder.path().join("environment")).unwrap();
    assert!(environment.contains("DISCORD_WEBHOOK="), "{environment}");
    assert!(environment.contains("HUG_NEWS_SUBJECT="), "{environment}");
    assert!(!environment.contains("X_"), "{environment}");
    assert!(!environment.contains("YOUTUBE"), "{environment}");
}

/// Writes its arguments and its standard input to a file and to standard output.
const PROGRAM: &str = "#!/bin/sh\n{ printf '%s\\n' \"$@\"; cat; } | tee -a called.txt\n";

/// The commands of docs/NEWS.md, as they are in hug.toml.
fn documented() -> Vec<String> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/NEWS.md");
    let document = fs::read_to_string(path).unwrap();
    let blocks = document.split("```toml\n").skip(1);
    let ended = blocks.map(|block| block.split_once("```").unwrap().0);
    ended.map(str::to_owned).collect()
}

#[tokio::test]
async fn each_command_in_the_document_passes_the_text_to_its_program() {
    let commands = documented();
    assert_eq!(commands.len(), 6);
    for command in commands {
        let cli = CommandLine::with_followers(599).await;
        cli.write(&(settings("x", "amber", cli.x.url(), "") + &command));
        let programs = cli.folder.path().join("programs");
        fs::create_dir(&programs).unwrap();
        for name in ["curl", "jq", "notify-send", "osascript", "mail", "msmtp"] {
            let program = programs.join(name);
            fs::write(&program, PROGRAM).unwrap();
            fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).unwrap();
        }
        let path = format!("{}:/usr/bin:/bin", programs.display());
        for fans in [0, 1] {
            cli.fans(1_000, fans);
            let mut check = cli.command(&["check"]);
            check
                .env("PATH", &path)
                .env("DISCORD_WEBHOOK", "https://discord.example/hook");
            let output = cli.run_command(check).await.success();
            assert!(!output.contains("[news]"), "{output}");
        }
        let called = fs::read_to_string(cli.folder.path().join("called.txt")).unwrap();
        // The script for osascript reads the environment itself.
        let given = called.contains("only for @fan1000") || called.contains("\\\"$HUG_NEWS\\\"");
        assert!(given, "{command}: {called}");
    }
}
