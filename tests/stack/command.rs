//! The `hug` command as its user runs it: a process, a folder, an exit code.

use std::{
    path::PathBuf,
    process::{Command, Output, Stdio},
    sync::OnceLock,
    time::{Duration, Instant},
};

use have_a_hug::clock::Clock;
use hug::sandbox;
use serde_json::Value;
use stand_ins::{Fault, Person, x};
use tempfile::TempDir;

use crate::world::settings;

/// A binary of this workspace; all are built once, and lie beside the folder of this test.
pub fn binary(name: &str) -> Command {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        let built = Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--workspace", "--bins"])
            .status();
        assert!(built.unwrap().success());
        let test = std::env::current_exe().unwrap();
        test.ancestors().nth(2).unwrap().to_owned()
    });
    let mut command = Command::new(folder.join(name));
    command.env_clear().stdin(Stdio::null());
    command
}

pub fn hug() -> Command {
    let mut command = binary("hug");
    for name in [
        "X_API_KEY",
        "X_API_SECRET",
        "X_ACCESS_TOKEN",
        "X_ACCESS_SECRET",
    ] {
        command.env(name, sandbox::secret(name).unwrap());
    }
    command
}

/// A creator's folder, with her hug.toml in it.
pub struct Desk {
    pub folder: TempDir,
    pub x: x::X,
}

impl Desk {
    pub async fn with_followers(n: u64) -> Self {
        Self::on(Clock::system(), n).await
    }

    /// The same, on an X whose clock is that one.
    pub async fn on(clock: Clock, n: u64) -> Self {
        let x = x::X::start(clock).await.unwrap();
        x.add_account(x::Account::amber());
        let desk = Self {
            folder: TempDir::new().unwrap(),
            x,
        };
        desk.fans(1, n);
        desk.write(&settings("x", "amber", desk.x.url(), ""));
        desk
    }

    pub fn fans(&self, from: u64, n: u64) {
        for n in from..from + n {
            self.x.follow(Person::fan(n, Clock::system().now()));
        }
    }

    pub fn write(&self, settings: &str) {
        std::fs::write(self.folder.path().join("hug.toml"), settings).unwrap();
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = hug();
        command.current_dir(self.folder.path()).args(arguments);
        command
    }

    /// Runs it to its end, without standing in the way of the networks in this process.
    pub async fn run(&self, arguments: &[&str]) -> Ended {
        self.run_command(self.command(arguments)).await
    }

    pub async fn run_command(&self, mut command: Command) -> Ended {
        Ended(
            tokio::task::spawn_blocking(move || command.output().unwrap())
                .await
                .unwrap(),
        )
    }

    pub async fn status(&self) -> Value {
        let ended = self.run(&["status", "--json"]).await;
        assert!(ended.0.status.success(), "{}", ended.stderr());
        serde_json::from_str(&ended.stdout()).unwrap()
    }
}

pub struct Ended(pub Output);

impl Ended {
    pub fn stdout(&self) -> String {
        String::from_utf8_lossy(&self.0.stdout).into_owned()
    }

    pub fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.0.stderr).into_owned()
    }

    /// It failed, and said so on standard error without showing a secret.
    pub fn refusal(&self) -> String {
        assert_eq!(
            self.0.status.code(),
            Some(1),
            "{}{}",
            self.stdout(),
            self.stderr()
        );
        let told = format!("{}{}", self.stdout(), self.stderr());
        assert!(!told.contains("sAndbOx"), "a secret: {told}");
        told
    }
}

#[tokio::test]
async fn a_check_invites_and_status_tells_the_same_in_json() {
    let desk = Desk::with_followers(598).await;
    assert!(
        desk.run(&["check"])
            .await
            .stdout()
            .contains("598 followers: counted from here on; next milestone 600")
    );
    desk.fans(1_000, 3);
    let told = desk.run(&["check", "--account", "x:amber"]).await;
    assert!(told.0.status.success());
    assert!(
        told.stdout().contains("600 goes to @fan1001, position 1"),
        "{}",
        told.stdout()
    );
    assert!(
        told.stdout().contains("600 invited: announce"),
        "{}",
        told.stdout()
    );

    let status = desk.status().await;
    let account = &status["accounts"][0];
    assert_eq!(account["account"], "x:amber");
    assert_eq!(account["id"], crate::world::AMBER);
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
    assert_eq!(hug["invitation"]["reference"], desk.x.posts()[0].id);
    assert_eq!(
        (&hug["attempts"], &hug["reason"]),
        (&1.into(), &Value::Null)
    );
}

#[tokio::test]
async fn a_wrong_hug_toml_is_answered_with_its_line_and_a_remedy_before_anything_is_asked() {
    let desk = Desk::with_followers(598).await;
    let good = settings("x", "amber", desk.x.url(), "");
    for (wrong, told) in [
        (good.replace("[plan]", "[plan"), "line 1"),
        (
            good.replace("step = 100", "step = 0"),
            "line 3, plan.step: 0 is not a number of followers; write 1 to 9999999999",
        ),
        (
            good.replace("handle", "handel"),
            "line 7, handel: unknown field `handel`, expected one of",
        ),
        (
            good.replace("\"amber\"", "\"amber lane\""),
            "line 7, account.handle: \"amber lane\" is not a valid handle on X",
        ),
        (
            good.replace("\"x\"", "\"myspace\""),
            "line 6, account.network: \"myspace\" is not a network that this program knows",
        ),
        (
            format!("{good}contact = [\"fax\"]"),
            "line 10, account.contact: \"fax\" is not a channel; write",
        ),
    ] {
        desk.write(&wrong);
        let refusal = desk.run(&["check"]).await.refusal();
        assert!(
            refusal.contains("hug.toml has a mistake") && refusal.contains(told),
            "expected: {told}\ntold: {refusal}"
        );
    }
    assert!(desk.x.requests().is_empty());
}

#[tokio::test]
async fn no_hug_toml_and_no_secrets_are_answered_with_what_to_do() {
    let desk = Desk::with_followers(598).await;
    let missing = desk
        .run(&["check", "--settings", "elsewhere.toml"])
        .await
        .refusal();
    assert!(
        missing.contains("copy hug.example.toml to elsewhere.toml"),
        "{missing}"
    );
    let mut without = desk.command(&["check"]);
    without.env_remove("X_ACCESS_TOKEN");
    let told = desk.run_command(without).await.refusal();
    assert!(
        told.contains("secrets of x:amber are missing: X_ACCESS_TOKEN"),
        "{told}"
    );
}

#[tokio::test]
async fn a_wrong_secret_is_told_and_loses_nothing() {
    let desk = Desk::with_followers(599).await;
    desk.run(&["check"]).await;
    desk.fans(1_000, 1);
    let mut wrong = desk.command(&["check"]);
    wrong.env("X_ACCESS_SECRET", "not-the-one");
    let told = desk.run_command(wrong).await.refusal();
    assert!(
        told.contains("401 Unauthorized") && told.contains("a retry cannot help"),
        "{told}"
    );
    assert!(!told.contains("not-the-one"));
    assert!(desk.run(&["check"]).await.0.status.success());
    assert_eq!(desk.x.posts().len(), 1);
}

#[tokio::test]
async fn an_account_that_the_settings_do_not_name_is_told() {
    let desk = Desk::with_followers(598).await;
    let told = desk.run(&["check", "--account", "x:bea"]).await.refusal();
    assert!(
        told.contains("the settings name no account x:bea; they name x:amber"),
        "{told}"
    );
    let told = desk.run(&["check", "--account", "bea"]).await.refusal();
    assert!(told.contains("write network:handle"), "{told}");
}

#[tokio::test]
async fn a_dry_run_leaves_no_trace() {
    let desk = Desk::with_followers(598).await;
    let told = desk.run(&["check", "--dry-run"]).await;
    assert!(told.0.status.success());
    assert!(!desk.folder.path().join(".hug").exists());
    desk.run(&["check"]).await;
    let before = desk.status().await["accounts"].clone();
    assert!(desk.run(&["check", "--dry-run"]).await.0.status.success());
    assert_eq!(desk.status().await["accounts"], before);
}

#[tokio::test]
async fn the_words_of_a_draft_and_its_link_stand_in_one_piece_below_the_table() {
    let desk = Desk::with_followers(599).await;
    desk.write(&settings(
        "x",
        "amber",
        desk.x.url(),
        "contact = [\"draft\"]",
    ));
    desk.run(&["check"]).await;
    desk.fans(1_000, 1);
    desk.run(&["check"]).await;
    let told = desk.run(&["status"]).await.stdout();
    let lines: Vec<&str> = told.lines().map(str::trim).collect();
    let at = lines
        .iter()
        .position(|line| *line == "x:amber 600, for you to send to @fan1000:")
        .unwrap_or_else(|| panic!("{told}"));
    assert!(lines[at + 1].contains("number 600"), "{told}");
    assert!(lines[at + 2].starts_with("https://x.com/"), "{told}");
}

#[tokio::test]
async fn a_folder_that_cannot_be_used_or_is_in_use_is_told() {
    let desk = Desk::with_followers(598).await;
    std::fs::write(desk.folder.path().join("file"), "").unwrap();
    let told = desk.run(&["check", "--state", "file"]).await.refusal();
    assert!(
        told.contains("choose another folder with --state"),
        "{told}"
    );

    let watch = Watch::start(&desk);
    eventually(|| !desk.x.requests().is_empty()).await;
    let told = desk.run(&["check"]).await.refusal();
    assert!(told.contains("another hug is at work on .hug"), "{told}");
    assert_eq!(
        desk.status().await["accounts"][0]["followers"],
        598,
        "status can look all the same"
    );
    drop(watch);
}

#[cfg(unix)]
#[tokio::test]
async fn an_interrupted_watch_ends_cleanly() {
    let desk = Desk::with_followers(598).await;
    let mut watch = Watch::start(&desk);
    eventually(|| !desk.x.requests().is_empty()).await;
    watch.signal("INT");
    let code = tokio::task::spawn_blocking(move || watch.0.wait().unwrap())
        .await
        .unwrap();
    assert!(code.success());
}

#[test]
fn a_function_without_its_environment_says_what_is_missing() {
    for function in ["check-followers", "invite-follower"] {
        let told = |environment: &[(&str, &str)]| {
            let mut command = binary(function);
            let ended = Ended(command.envs(environment.iter().copied()).output().unwrap());
            assert!(!ended.0.status.success());
            // Lambda takes the log from standard output.
            ended.stdout()
        };
        let nothing = told(&[]);
        assert!(
            nothing.contains("HUG_TABLE is not set; it is the name of the ledger's table"),
            "{nothing}"
        );
        let table = ("HUG_TABLE", "t");
        assert!(told(&[table]).contains("neither HUG_SETTINGS nor HUG_PARAMETERS is set; set one"));
        let both = [
            table,
            ("HUG_SETTINGS", "hug.toml"),
            ("HUG_PARAMETERS", "/have-a-hug"),
        ];
        assert!(told(&both).contains("both HUG_SETTINGS and HUG_PARAMETERS are set"));
        let missing = [table, ("HUG_SETTINGS", "nowhere.toml")];
        assert!(
            told(&missing).contains("nowhere.toml has a mistake"),
            "{}",
            told(&missing)
        );
    }
}

#[tokio::test]
async fn the_demo_tells_the_same_story_for_the_same_seed() {
    let desk = Desk::with_followers(0).await;
    // The building of the command is no part of the story.
    hug();
    let start = Instant::now();
    let story = desk.run(&["demo", "--seed", "7"]).await;
    assert!(story.0.status.success());
    assert!(start.elapsed() < Duration::from_secs(20));
    assert_eq!(
        story.stdout(),
        desk.run(&["demo", "--seed", "7"]).await.stdout()
    );
    assert_ne!(
        story.stdout(),
        desk.run(&["demo", "--seed", "8"]).await.stdout()
    );
    let told = story.stdout();
    for milestone in ["600", "700", "800", "900"] {
        let invited = |how| told.matches(&format!("{milestone} invited: {how}")).count();
        assert_eq!(invited("announce"), 2, "{milestone} on X and Bluesky");
        assert_eq!(invited("mention"), 1, "{milestone} on Mastodon");
    }
    assert_eq!(told.matches("600 waits for a genuine follower").count(), 3);
    let side_by_side = |line: &str| {
        [
            "x:amber",
            "bluesky:amber.bsky.social",
            "mastodon:amber@mastodon.example",
        ]
        .iter()
        .all(|name| line.contains(name))
    };
    assert_eq!(told.lines().filter(|line| side_by_side(line)).count(), 9);
}

/// A `hug watch` that is killed when this is dropped.
pub struct Watch(pub std::process::Child);

impl Watch {
    fn start(desk: &Desk) -> Self {
        Self::telling(desk, Stdio::null())
    }

    pub fn telling(desk: &Desk, told: impl Into<Stdio>) -> Self {
        let mut command = desk.command(&["watch", "--every", "1s"]);
        Self(command.stdout(told).stderr(Stdio::null()).spawn().unwrap())
    }

    fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    #[cfg(unix)]
    fn signal(&mut self, signal: &str) {
        let pid = self.0.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-s", signal, &pid])
                .status()
                .unwrap()
                .success()
        );
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub async fn eventually(condition: impl Fn() -> bool) {
    eventually_within(Duration::from_secs(30), condition).await;
}

async fn eventually_within(limit: Duration, condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(
            start.elapsed() < limit,
            "it did not come about within {limit:?}"
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Where a `hug watch` is killed around the crossing of 600.
#[derive(Clone, Copy, Debug)]
enum Moment {
    BeforeTheCrossing,
    WhileTheCountIsRead,
    WhileTheFollowersAreRead,
    /// X has the post; nobody knows.
    WhileThePostIsAnswered,
    AfterTheInvitation,
    /// So long after the check that noticed has asked for the count.
    AfterTheCount(Duration),
}

async fn killed_at(moment: Moment) -> Desk {
    let desk = Desk::with_followers(599).await;
    let watch = Watch::start(&desk);
    while desk.status().await["accounts"]
        .as_array()
        .unwrap()
        .is_empty()
    {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let slow = || Fault::Slow(Duration::from_secs(5));
    let asked = |path: &str| {
        desk.x
            .requests()
            .iter()
            .any(|seen| seen.path.contains(path))
    };
    match moment {
        Moment::BeforeTheCrossing => {
            watch.kill();
            desk.fans(1_000, 1);
            return desk;
        }
        Moment::WhileTheCountIsRead => desk.x.fail_next("public_metrics", slow()),
        Moment::WhileTheFollowersAreRead => desk.x.fail_next("/followers", slow()),
        Moment::WhileThePostIsAnswered => desk.x.fail_next("POST /2/tweets", slow()),
        Moment::AfterTheInvitation | Moment::AfterTheCount(_) => {}
    }
    desk.fans(1_000, 1);
    desk.x.clear_requests();
    match moment {
        Moment::BeforeTheCrossing => {}
        Moment::WhileTheCountIsRead | Moment::WhileTheFollowersAreRead => {
            // The fault is used up as soon as the request has come.
            tokio::time::sleep(Duration::from_millis(2_500)).await;
        }
        Moment::WhileThePostIsAnswered => eventually(|| desk.x.posts().len() == 1).await,
        Moment::AfterTheInvitation => {
            eventually(|| desk.x.posts().len() == 1).await;
            tokio::time::sleep(Duration::from_millis(1_200)).await;
        }
        Moment::AfterTheCount(wait) => {
            eventually(|| asked("public_metrics")).await;
            tokio::time::sleep(wait).await;
        }
    }
    watch.kill();
    desk
}

/// Restarts the watch until the hug is invited, and looks at what there is then.
async fn goes_on(moment: Moment) {
    let desk = killed_at(moment).await;
    let watch = Watch::start(&desk);
    let start = Instant::now();
    loop {
        let status = desk.status().await;
        let hugs = status["hugs"].as_array().unwrap();
        if hugs.len() == 1 && hugs[0]["status"] == "invited" {
            assert_eq!(hugs[0]["follower"]["handle"], "fan1000", "{moment:?}");
            assert_eq!(
                hugs[0]["invitation"]["reference"],
                desk.x.posts()[0].id,
                "{moment:?}"
            );
            break;
        }
        // A claim whose holder was killed keeps others away for its lease of 90 seconds.
        assert!(
            start.elapsed() < Duration::from_secs(150),
            "{moment:?}: {status:#}"
        );
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    watch.kill();
    assert_eq!(desk.x.posts().len(), 1, "{moment:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_killed_at_ten_moments_around_a_milestone_goes_on_to_one_hug_and_one_invitation() {
    let after = |millis| Moment::AfterTheCount(Duration::from_millis(millis));
    let moments = [
        Moment::BeforeTheCrossing,
        Moment::WhileTheCountIsRead,
        Moment::WhileTheFollowersAreRead,
        Moment::WhileThePostIsAnswered,
        Moment::AfterTheInvitation,
        after(0),
        after(5),
        after(10),
        after(20),
        after(40),
    ];
    let all: Vec<_> = moments
        .into_iter()
        .map(|moment| tokio::spawn(goes_on(moment)))
        .collect();
    for one in all {
        one.await.unwrap();
    }
}
