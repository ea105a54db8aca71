//! The creator's own command, run for each piece of news.

use std::{env, ffi::OsString, process::Stdio, time::Duration};

use async_trait::async_trait;
use have_a_hug::{
    news::{NewsError, Outlet},
    settings::{Settings, rule_of_secret},
    youtube,
};
use promise::untrusted::one_line;
use tokio::{
    io::AsyncReadExt,
    process::{ChildStderr, Command},
    time::timeout,
};

/// How long the command may take, by default.
const MAX_RUN: Duration = Duration::from_secs(30);

/// How long to wait for the error output of a command that failed. The command has written it before it ended.
const MAX_READ: Duration = Duration::from_millis(200);

/// How much of the error output of a failing command is shown, in characters.
const MAX_SHOWN: usize = 200;

/// The command in `[news]`: a line for the shell.
pub struct NewsCommand {
    line: String,
    /// Names of the secrets that the accounts in hug.toml need.
    secrets: Vec<String>,
    /// How long the command may take.
    limit: Duration,
}

impl NewsCommand {
    /// The command in those settings, if they have one.
    pub fn of(settings: &Settings) -> Option<Self> {
        Some(Self {
            line: settings.news.clone()?,
            secrets: settings.needs.clone(),
            limit: MAX_RUN,
        })
    }

    /// The command for a piece of news. Its text is only in the environment: in a command line, the shell could run a
    /// stranger's name as a command.
    fn command(&self, subject: &str, text: &str) -> Command {
        let mut command = shell();
        command
            .arg(&self.line)
            .env("HUG_NEWS", text)
            .env("HUG_NEWS_SUBJECT", subject)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        // The command gets no secret of a network or of YouTube, not even one that hug.toml does not need.
        let is_secret = |name: &OsString| {
            let name = name.to_string_lossy();
            self.secrets.iter().any(|secret| *secret == name)
                || rule_of_secret(&name).is_some()
                || name == youtube::API_KEY
        };
        for (name, _) in env::vars_os().filter(|(name, _)| is_secret(name)) {
            command.env_remove(name);
        }
        command
    }

    async fn run(&self, subject: &str, text: &str) -> Result<(), String> {
        let spawned = self.command(subject, text).spawn();
        let mut child = spawned.map_err(|error| format!("the shell does not start: {error}"))?;
        let ended = timeout(self.limit, child.wait()).await;
        let limit = self.limit.as_secs();
        let ended =
            ended.map_err(|_| format!("it took more than {limit} seconds and was stopped"))?;
        let status = ended.map_err(|error| error.to_string())?;
        if status.success() {
            return Ok(());
        }
        let said = match child.stderr.take() {
            Some(stderr) => first_line(stderr).await,
            None => String::new(),
        };
        Err(format!("{status}: {said}"))
    }
}

#[async_trait]
impl Outlet for NewsCommand {
    async fn publish(&self, subject: &str, text: &str) -> Result<(), NewsError> {
        self.run(subject, text).await.map_err(|why| {
            NewsError(format!(
                "running the command in [news] for \"{subject}\" failed: {why}; try it in a terminal, with some words in HUG_NEWS"
            ))
        })
    }
}

#[cfg(not(windows))]
fn shell() -> Command {
    let mut shell = Command::new("sh");
    shell.arg("-c");
    shell
}

/// `PowerShell`, because cmd.exe replaces variables before it parses the command: it would run what follows an `&` in a
/// name.
#[cfg(windows)]
fn shell() -> Command {
    let mut shell = Command::new("powershell");
    shell.args(["-NoProfile", "-NonInteractive", "-Command"]);
    shell
}

/// The first line of the command's error output. Only one read: a program that the command has started can keep the
/// pipe open.
async fn first_line(mut stderr: ChildStderr) -> String {
    let mut bytes = [0; 1024];
    let read = timeout(MAX_READ, stderr.read(&mut bytes)).await;
    let read = read.ok().and_then(Result::ok).unwrap_or_default();
    let text = String::from_utf8_lossy(bytes.get(..read).unwrap_or_default());
    one_line(text.lines().next().unwrap_or_default(), MAX_SHOWN)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    async fn run(line: &str, limit: Duration) -> Result<(), String> {
        let command = NewsCommand {
            line: line.to_owned(),
            secrets: Vec::new(),
            limit,
        };
        command.run("Have a Hug: x:amber 600", "x:amber: 600").await
    }

    #[tokio::test]
    async fn a_command_that_hangs_is_stopped_and_a_program_that_it_leaves_running_is_not_waited_for()
     {
        let hangs = run("exec sleep 600", Duration::ZERO).await.unwrap_err();
        assert_eq!(hangs, "it took more than 0 seconds and was stopped");
        run("sleep 60 & exit 0", MAX_RUN).await.unwrap();
        let fails = run("sleep 60 & exit 7", MAX_RUN).await.unwrap_err();
        assert_eq!(fails, "exit status: 7: ");
    }

    #[tokio::test]
    async fn the_first_200_characters_of_the_first_line_of_a_failing_commands_error_output_are_shown()
     {
        let words = "printf '%0500d\\nsecond' 0 >&2; exit 1";
        let fails = run(words, MAX_RUN).await.unwrap_err();
        assert_eq!(fails, format!("exit status: 1: {}…", "0".repeat(MAX_SHOWN)));
    }
}
