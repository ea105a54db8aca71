//! What `hug doctor` prints, ready to be compared.

use std::process::Command;

use crate::command_line::CommandLine;

/// What the doctor says, line by line, and whether it finds nothing wrong.
pub struct Findings {
    pub output: String,
    pub healthy: bool,
}

impl Findings {
    /// One line has that verdict and all these words, and the exit code agrees with the verdicts.
    pub fn has(&self, verdict: &str, about: &[&str]) {
        let found = self.output.lines().any(|line| {
            line.starts_with(verdict) && about.iter().all(|words| line.contains(words))
        });
        assert!(found, "{verdict} {about:?} is not among\n{}", self.output);
        let wrong = self.output.lines().any(|line| line.starts_with("wrong"));
        assert_eq!(self.healthy, !wrong, "{}", self.output);
    }
}

pub async fn doctor(cli: &CommandLine) -> Findings {
    doctor_with(cli, |_| {}).await
}

pub async fn doctor_with(cli: &CommandLine, change: impl FnOnce(&mut Command)) -> Findings {
    let mut command = cli.command(&["doctor"]);
    change(&mut command);
    let ended = cli.run_command(command).await;
    let output = ended.stdout();
    assert!(ended.stderr().is_empty(), "{}", ended.stderr());
    // All secrets of the stand-ins begin so.
    for secret in ["sAndbOx", "sandbox-mastodon", "sand-boxa"] {
        assert!(!output.contains(secret), "a secret: {output}");
    }
    Findings {
        output,
        healthy: ended.0.status.success(),
    }
}
