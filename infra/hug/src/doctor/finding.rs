//! What the doctor found, and what to do about it.

use std::fmt::{self, Display};

/// What is found of one thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is as it should be.
    Ok,
    /// It may be right; a person has to judge.
    Unsure,
    /// It stops the promise from being kept.
    Wrong,
}

/// One thing that was examined, with the verdict on it.
#[derive(Debug)]
pub struct Finding {
    /// The verdict.
    pub verdict: Verdict,
    subject: String,
    found: String,
    help: Option<String>,
}

impl Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = match self.verdict {
            Verdict::Ok => "ok",
            Verdict::Unsure => "unsure",
            Verdict::Wrong => "wrong",
        };
        write!(f, "{verdict:<7} {}: {}", self.subject, self.found)?;
        match &self.help {
            Some(help) => write!(f, " → {help}"),
            None => Ok(()),
        }
    }
}

impl Finding {
    /// It is as it should be.
    pub fn ok(subject: impl Display, found: impl Display) -> Self {
        Self::new(Verdict::Ok, subject, found, None)
    }

    /// It may be right; `help` says what a person can do to know.
    pub fn unsure(subject: impl Display, found: impl Display, help: impl Display) -> Self {
        Self::new(Verdict::Unsure, subject, found, Some(help.to_string()))
    }

    /// It stops the promise from being kept; `help` says what to do.
    pub fn wrong(subject: impl Display, found: impl Display, help: impl Display) -> Self {
        Self::new(Verdict::Wrong, subject, found, Some(help.to_string()))
    }

    fn new(
        verdict: Verdict,
        subject: impl Display,
        found: impl Display,
        help: Option<String>,
    ) -> Self {
        Self {
            verdict,
            subject: subject.to_string(),
            found: found.to_string(),
            help,
        }
    }
}

/// All findings in one line, and the next command.
pub fn sum(findings: &[Finding]) -> String {
    let subjects = |verdict| {
        let of_it = findings.iter().filter(|one| one.verdict == verdict);
        of_it.map(|one| one.subject.as_str()).collect::<Vec<_>>()
    };
    let (wrong, unsure) = (subjects(Verdict::Wrong), subjects(Verdict::Unsure));
    let many = |n, what| match n {
        1 => format!("1 thing is {what}"),
        n => format!("{n} things are {what}"),
    };
    let named = |mut subjects: Vec<&str>| {
        subjects.dedup();
        subjects.join(", ")
    };
    match (wrong.len(), unsure.len()) {
        (0, 0) => "All is right. Next: hug check".to_owned(),
        (0, n) => {
            let (many, named) = (many(n, "unsure"), named(unsure));
            format!("Nothing is wrong. {many}: {named}. Next: hug check")
        }
        (n, _) => {
            let (many, named) = (many(n, "wrong"), named(wrong));
            format!("{many}: {named}. Do what is behind the arrow, then: hug doctor")
        }
    }
}
