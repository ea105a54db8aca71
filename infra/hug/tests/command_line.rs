//! Runs the `hug` command in a folder of its own, with Amber's account on a stand-in for X.

use std::{
    fs::{self, File},
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use have_a_hug::clock::Clock;
use serde_json::Value;
use stand_ins::{Person, secret, x};
use tempfile::TempDir;
use tests::settings;

/// How long a condition may take to come true.
const MAX_WAIT: Duration = Duration::from_secs(30);

/// The command, with an environment that contains only Amber's keys on X and a zone.
pub fn hug() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hug"));
    command.env_clear().env("TZ", "UTC").stdin(Stdio::null());
    for name in [
        "X_API_KEY",
        "X_API_SECRET",
        "X_ACCESS_TOKEN",
        "X_ACCESS_SECRET",
    ] {
        command.env(name, secret(name).unwrap());
    }
    command
}

/// A creator's folder with a hug.toml in it, and the network that it names.
pub struct CommandLine {
    pub folder: TempDir,
    pub x: x::X,
}

impl CommandLine {
    /// So many people follow Amber.
    pub async fn with_followers(n: u64) -> Self {
        Self::with_clock(Clock::system(), n).await
    }

    /// The same, on an X with that clock.
    pub async fn with_clock(clock: Clock, n: u64) -> Self {
        let x = x::X::start(clock).await.unwrap();
        x.add_account(x::Account::amber());
        let cli = Self {
            folder: TempDir::new().unwrap(),
            x,
        };
        cli.fans(1, n);
        cli.write(&settings("x", "amber", cli.x.url(), ""));
        cli
    }

    /// `n` more people follow, whose handles begin with that number: `fan1000`, `fan1001`, …
    pub fn fans(&self, from: u64, n: u64) {
        for n in from..from + n {
            self.x.follow(Person::fan(n, Clock::system().now()));
        }
    }

    /// Writes hug.toml.
    pub fn write(&self, settings: &str) {
        fs::write(self.folder.path().join("hug.toml"), settings).unwrap();
    }

    /// The folder of the ledger.
    pub fn state(&self) -> PathBuf {
        self.folder.path().join(".hug")
    }

    /// The command with these arguments, in this folder.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = hug();
        command.current_dir(self.folder.path()).args(arguments);
        command
    }

    /// Runs it to its end.
    pub async fn run(&self, arguments: &[&str]) -> Ended {
        self.run_command(self.command(arguments)).await
    }

    /// Runs it to its end, on another thread, so that the networks in this process can answer.
    pub async fn run_command(&self, mut command: Command) -> Ended {
        let output = tokio::task::spawn_blocking(move || command.output().unwrap());
        Ended(output.await.unwrap())
    }

    /// What `hug status --json` prints.
    pub async fn status(&self) -> Value {
        let ended = self.run(&["status", "--json"]).await;
        serde_json::from_str(&ended.success()).unwrap()
    }
}

/// A command that has ended.
pub struct Ended(pub Output);

impl Ended {
    pub fn stdout(&self) -> String {
        String::from_utf8_lossy(&self.0.stdout).into_owned()
    }

    pub fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.0.stderr).into_owned()
    }

    /// What it printed; it must have ended with 0.
    pub fn success(&self) -> String {
        assert!(
            self.0.status.success(),
            "{}{}",
            self.stdout(),
            self.stderr()
        );
        self.stdout()
    }

    /// What it printed; it must have ended with 1, and printed no secret.
    pub fn refusal(&self) -> String {
        let output = format!("{}{}", self.stdout(), self.stderr());
        assert_eq!(self.0.status.code(), Some(1), "{output}");
        assert!(!output.contains("sAndbOx"), "a secret: {output}");
        output
    }
}

/// A `hug watch`, which is killed when this is dropped.
pub struct Watch {
    process: Child,
    output: PathBuf,
}

impl Watch {
    /// Starts it. What it prints goes to a file in the creator's folder.
    pub fn start(cli: &CommandLine) -> Self {
        Self::start_with(cli, |_| {})
    }

    /// The same with a change of its environment.
    pub fn start_with(cli: &CommandLine, change: impl FnOnce(&mut Command)) -> Self {
        let output = cli.folder.path().join("watch.txt");
        let mut command = cli.command(&["watch", "--every", "1s"]);
        change(&mut command);
        command
            .stdout(File::create(&output).unwrap())
            .stderr(Stdio::null());
        Self {
            process: command.spawn().unwrap(),
            output,
        }
    }

    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Whether it has printed these words.
    pub fn has_printed(&self, words: &str) -> bool {
        fs::read_to_string(&self.output).unwrap().contains(words)
    }

    /// Kills it with a signal that it cannot catch, and waits until it is gone.
    pub fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Interrupts it, as Ctrl-C does, and waits for its exit code.
    #[cfg(unix)]
    pub async fn interrupt(mut self) -> Option<i32> {
        let pid = self.id().to_string();
        let kill = Command::new("kill").args(["-s", "INT", &pid]).status();
        assert!(kill.unwrap().success());
        let ended = tokio::task::spawn_blocking(move || self.process.wait().unwrap());
        ended.await.unwrap().code()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Waits until a condition is true.
pub async fn eventually(condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < MAX_WAIT, "not within {MAX_WAIT:?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
