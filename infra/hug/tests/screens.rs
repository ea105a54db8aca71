//! What the command prints, compared with files: the help, `status`, `doctor` and `check`, and the sample in README.md.
//!
//! After a change of the words: `SNAPSHOTS=overwrite cargo test -p hug screens`, then read the difference.

use std::{fs, io::Write, path::Path, time::Duration};

use have_a_hug::clock::Clock;
use hug::{report::Report, screen::Screen, stack::Stack, status::Overview};
use jiff::{Timestamp, tz::TimeZone};
use serde_json::json;
use snapbox::{Data, assert_data_eq};
use stand_ins::{Fault, Networks, Person, StandIn, secret};

use crate::command_line::CommandLine;

/// The text is what the file of that name has.
fn is_as_in(name: &str, text: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/screens");
    let file = folder.join(format!("{name}.txt"));
    assert_data_eq!(text.to_owned(), Data::read_from(&file, None).raw());
}

/// The text as a screen with so many columns shows it, to a reader in Berlin.
fn shown(text: &str, columns: usize) -> String {
    let mut bytes = Vec::new();
    let zone = TimeZone::get("Europe/Berlin").unwrap();
    writeln!(Screen::new(&mut bytes, Some(columns), zone), "{text}").unwrap();
    let shown = String::from_utf8(bytes).unwrap();
    anstream::adapter::strip_str(&shown).to_string()
}

/// Amber on every network, with a clock that is moved by hand.
struct Scene {
    clock: Clock,
    networks: Networks,
    stack: Stack,
    people: u64,
}

impl Scene {
    /// So many people follow her, and a check has noted it.
    async fn with_followers(n: u64) -> Self {
        let start: Timestamp = "2026-11-22T14:00:00Z".parse().unwrap();
        let clock = Clock::by_hand(start);
        let networks = Networks::start(&clock).await.unwrap();
        let settings = networks.settings();
        let stack = Stack::in_memory(&settings, &secret, clock.clone());
        let stack = stack.await.unwrap();
        let mut scene = Self {
            clock,
            networks,
            stack,
            people: 0,
        };
        scene.fans(n);
        scene.check().await;
        scene
    }

    fn fans(&mut self, n: u64) {
        for _ in 0..n {
            self.people += 1;
            self.networks
                .follow(&Person::fan(self.people, self.clock.now()));
        }
    }

    /// A check five minutes later, and what it prints.
    async fn check(&mut self) -> String {
        self.clock.advance(Duration::from_mins(5));
        let report = Report::of(&self.stack.round(json!({})).await.unwrap());
        let mut lines = report.lines();
        lines.extend(report.sum);
        // A port has five digits everywhere, but not the same ones.
        let text = lines.join("\n");
        let urls = self.networks.iter().map(StandIn::url);
        urls.fold(text, |text, url| {
            text.replace(url, "http://127.0.0.1:12345")
        })
    }

    /// What `hug status` prints now, narrow and wide.
    async fn status_is_as_in(&self, name: &str) {
        let deps = &self.stack.deps;
        let snapshot = deps.ledger.snapshot().await.unwrap();
        let overview = Overview::of(snapshot, Some(&deps.settings), self.clock.now());
        for columns in [80, 120] {
            let shown = shown(&overview.text(Some(columns)), columns);
            is_as_in(&format!("{name}-{columns}"), &shown);
        }
    }
}

#[tokio::test]
async fn the_help_of_every_command() {
    let cli = CommandLine::with_followers(0).await;
    let help = async |arguments: &[&str]| {
        let mut command = cli.command(arguments);
        command.env("COLUMNS", "80").arg("--help");
        cli.run_command(command).await.success()
    };
    let all = help(&[]).await;
    is_as_in("help", &all);
    let commands = all
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.strip_prefix("  ")?.split_once(' '))
        .map(|(name, _)| name)
        .filter(|name| !name.is_empty() && *name != "help");
    for command in commands {
        is_as_in(&format!("help-{command}"), &help(&[command]).await);
    }
}

#[tokio::test]
async fn the_status_before_the_first_check() {
    let cli = CommandLine::with_followers(598).await;
    is_as_in("status-empty", &cli.run(&["status"]).await.success());
}

#[tokio::test]
async fn checks_and_status_from_a_quiet_day_to_a_song_that_waits() {
    let mut scene = Scene::with_followers(598).await;
    scene.status_is_as_in("status-quiet").await;

    // A milestone that a bot has crossed.
    scene.fans(1);
    scene.networks.follow(&Person::bot(1, scene.clock.now()));
    let waits = scene.check().await;
    is_as_in("check-waiting", &shown(&waits, 80));
    scene.status_is_as_in("status-waiting").await;

    // It goes to the next follower; X refuses the words, and a network is down.
    scene.fans(101);
    let x = scene.networks.first();
    x.fail_next("POST /2/tweets", tests::refused_by_x());
    let last = scene.networks.iter().last().unwrap();
    last.fail_next("/api/v1/accounts/", Fault::Status(503));
    let full = scene.check().await;
    is_as_in("check-full", &shown(&full, 80));
    scene.status_is_as_in("status-full").await;
    let quiet = scene.check().await;
    is_as_in("check-quiet", &shown(&quiet, 80));
}

#[tokio::test]
async fn the_doctor_where_all_is_well_and_where_a_secret_is_missing() {
    let cli = CommandLine::with_followers(598).await;
    // Words of her own: the default ones have the time in them.
    let words =
        "[account.texts]\nannounce = \"Number {milestone}, is it you? Then reply with a topic.\"";
    cli.write(&tests::settings("x", "amber", cli.x.url(), words));
    for (name, columns, without) in [
        ("doctor-80", 80, "NOTHING"),
        ("doctor-120", 120, "NOTHING"),
        ("doctor-wrong-80", 80, "X_ACCESS_SECRET"),
    ] {
        let mut doctor = cli.command(&["doctor"]);
        doctor
            .env("COLUMNS", columns.to_string())
            .env_remove(without);
        let printed = cli.run_command(doctor).await.stdout();
        let printed = printed.replace(cli.x.url(), "http://127.0.0.1:12345");
        is_as_in(name, &printed);
    }
}

#[tokio::test]
async fn the_samples_in_the_readme_are_what_the_program_prints() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let readme = fs::read_to_string(root.join("README.md")).unwrap();
    let cli = CommandLine::with_followers(0).await;
    let mut samples = 0;
    for part in readme.split("<!-- printed by: hug ").skip(1) {
        let (command, rest) = part.split_once(" -->\n```\n").unwrap();
        let (sample, _) = rest.split_once("```\n").unwrap();
        let mut command = cli.command(&command.split(' ').collect::<Vec<_>>());
        command.env("COLUMNS", "80");
        let printed = cli.run_command(command).await.success();
        assert!(printed.contains(sample), "{sample}\nis not in\n{printed}");
        samples += 1;
    }
    assert!(samples > 0, "README.md has no sample");
}

#[tokio::test]
async fn there_are_colors_only_where_they_are_wanted_and_a_log_in_a_file_has_none() {
    let cli = CommandLine::with_followers(598).await;
    let printed = async |variables: &[(&str, &str)]| {
        let mut check = cli.command(&["check"]);
        check.envs(variables.iter().copied());
        let ended = cli.run_command(check).await;
        (ended.stdout(), ended.stderr())
    };
    let (pipe, log) = printed(&[("RUST_LOG", "info")]).await;
    assert!(log.contains("INFO"), "{log}");
    assert!(
        !pipe.contains('\u{1b}') && !log.contains('\u{1b}'),
        "{pipe}{log}"
    );
    let (colored, _) = printed(&[("CLICOLOR_FORCE", "1")]).await;
    assert!(colored.contains("\u{1b}[1mx:amber\u{1b}[0m"), "{colored}");
    let (plain, _) = printed(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]).await;
    assert!(!plain.contains('\u{1b}'), "{plain}");
}
