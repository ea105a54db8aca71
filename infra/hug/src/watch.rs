//! Rounds, one after another, until it is interrupted.

use std::{
    collections::HashMap,
    future::Future,
    io::{IsTerminal, Write, stdout},
    time::{Duration, Instant},
};

use have_a_hug::ledger::{LedgerError, LedgerFailure};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::{
    Error,
    report::{AccountReport, Event, Found, Report},
    screen::{self, Screen},
    songbook::Kept,
    stack::Stack,
    words::length,
};

/// How often expired items are deleted. To find them, every item is read.
const BETWEEN_SWEEPS: Duration = Duration::from_hours(24);

/// In a pipe, how often a line says that nothing is new.
const BETWEEN_QUIET_LINES: SignedDuration = SignedDuration::from_hours(1);

/// Makes a round every so often, and prints what is new. Between that a terminal shows one line that is rewritten, and a
/// pipe gets one line an hour. After each round it keeps the page of the songs
/// current, if there is a file for it.
///
/// # Errors
///
/// Where no retry can help. A network that fails, and a ledger that cannot be read or written for now, are
/// reported and tried again.
pub async fn run(
    stack: &mut Stack,
    every: Duration,
    mut songbook: Option<Kept>,
) -> Result<(), Error> {
    let mut interrupted = std::pin::pin!(interruption());
    let mut swept = Instant::now();
    let every_time = SignedDuration::try_from(every)?;
    let mut journal = Journal::begin(
        screen::stdout(),
        stdout().is_terminal(),
        stack.deps.settings.accounts.len(),
        every_time,
        Timestamp::now(),
    )?;
    // The logins are tried at the start, so that a wrong password is found before the milestone.
    let mut logins = true;
    loop {
        if swept.elapsed() >= BETWEEN_SWEEPS {
            swept = Instant::now();
            if let Err(error) = stack.table.sweep() {
                tracing::warn!(%error, "expired items could not be deleted");
            }
        }
        let round = tokio::select! {
            round = stack.round(json!({ "logins": logins })) => Some(round),
            () = &mut interrupted => None,
        };
        let now = Timestamp::now();
        match round {
            None => break,
            Some(Ok(round)) => {
                logins = false;
                journal.report(&Report::of(&round), now)?;
                journal.problem("round", None, now)?;
            }
            Some(Err(error)) if retry_can_help(&error) => {
                let cut = format!("this round was cut short: {error}; the next one tries again");
                journal.problem("round", Some(cut), now)?;
            }
            Some(Err(error)) => return Err(error),
        }
        if let Some(songbook) = &mut songbook {
            let deps = &stack.deps;
            let kept = songbook.keep(&deps.ledger, &deps.settings, deps.clock.now());
            let failed = kept.await.err();
            journal.problem("songbook", failed, now)?;
        }
        journal.quiet(now)?;
        tokio::select! {
            () = tokio::time::sleep(every) => {}
            () = &mut interrupted => break,
        }
    }
    // The next start finds what was cut off: it claims nothing twice and asks before it sends again.
    journal.end()?;
    Ok(())
}

/// What `hug watch` prints: what is new stays, and that nothing is new is said in a line that does not.
struct Journal<W> {
    screen: Screen<W>,
    is_terminal: bool,
    every: SignedDuration,
    /// What was last known of each account, as far as that can be old.
    known: HashMap<String, Known>,
    /// What waits for the creator, as the last round said it.
    sum: Option<String>,
    /// When a line was last written that stays.
    written_at: Timestamp,
    /// Since when nothing is new.
    quiet_since: Timestamp,
}

/// What was last said of an account: it is not said again while it stays the same.
#[derive(Default, PartialEq)]
struct Known {
    failure: Option<String>,
    events: Vec<Event>,
}

impl<W: Write> Journal<W> {
    fn begin(
        mut screen: Screen<W>,
        is_terminal: bool,
        accounts: usize,
        every: SignedDuration,
        now: Timestamp,
    ) -> Result<Self, Error> {
        let accounts = match accounts {
            1 => "1 account".to_owned(),
            n => format!("{n} accounts"),
        };
        let (every_so_often, zone) = (length(every), screen.zone(now));
        writeln!(
            screen,
            "Watching {accounts} every {every_so_often}; Ctrl-C ends. Times: {zone}."
        )?;
        screen.flush()?;
        Ok(Self {
            screen,
            is_terminal,
            every,
            known: HashMap::new(),
            sum: None,
            written_at: now,
            quiet_since: now,
        })
    }

    /// Prints what is new in a round.
    fn report(&mut self, report: &Report, now: Timestamp) -> Result<(), Error> {
        let mut lines: Vec<String> = Vec::new();
        for account in &report.accounts {
            if self.is_new(account) {
                lines.extend(account.lines());
            }
        }
        lines.extend(report.unpublished.iter().cloned());
        let sum = report.sum.clone().filter(|_| report.needs_person);
        if sum != self.sum {
            lines.extend(sum.clone());
            self.sum = sum;
        }
        self.lasting(&lines, now)
    }

    /// Whether a round says something of an account that is not known yet; it is known then.
    fn is_new(&mut self, account: &AccountReport) -> bool {
        let failure = match &account.found {
            Some(Found::Failure(text)) => Some(text.clone()),
            _ => None,
        };
        let has_new_count = matches!(account.found, Some(Found::Count(_)));
        let known = Known {
            failure,
            events: account.events.clone(),
        };
        let before = self.known.get(&account.account);
        let is_new = match before {
            // The first round shows each account once.
            None => true,
            Some(before) => {
                let has_new_event = known.events.iter().any(|one| !before.events.contains(one));
                has_new_count || has_new_event || before.failure != known.failure
            }
        };
        self.known.insert(account.account.clone(), known);
        is_new
    }

    /// Prints a problem of something that is not an account, unless it is the same as before.
    fn problem(&mut self, of: &str, problem: Option<String>, now: Timestamp) -> Result<(), Error> {
        let known = Known {
            failure: problem.clone(),
            events: Vec::new(),
        };
        let before = self.known.insert(of.to_owned(), known);
        let before = before.and_then(|before| before.failure);
        let new = problem.filter(|problem| before.as_ref() != Some(problem));
        self.lasting(new.as_slice(), now)
    }

    /// Prints lines that stay, each with the time.
    fn lasting(&mut self, lines: &[String], now: Timestamp) -> Result<(), Error> {
        for line in lines {
            let time = self.screen.short(now);
            writeln!(self.screen, "{time}  {line}")?;
        }
        if !lines.is_empty() {
            self.written_at = now;
            self.quiet_since = now;
        }
        self.screen.flush()?;
        Ok(())
    }

    /// Says that nothing is new since when: at a terminal in a line that the next one replaces, in a pipe once an hour.
    fn quiet(&mut self, now: Timestamp) -> Result<(), Error> {
        let since = self.screen.short(self.quiet_since);
        if self.is_terminal {
            let (time, next) = (self.screen.short(now), self.screen.short(now + self.every));
            let since = since.trim_start().to_owned();
            let text = format!(
                "{time}  nothing new since {since}; next check {}",
                next.trim_start()
            );
            self.screen.replaceable(&text)?;
        } else if now.duration_since(self.written_at) >= BETWEEN_QUIET_LINES {
            let line = format!("nothing new since {}", since.trim_start());
            let time = self.screen.short(now);
            writeln!(self.screen, "{time}  {line}")?;
            self.screen.flush()?;
            self.written_at = now;
        }
        Ok(())
    }

    fn end(&mut self) -> Result<(), Error> {
        // The terminal has shown the Ctrl-C behind that line.
        self.screen.keep()?;
        writeln!(self.screen, "Ended. `hug watch` goes on from here.")?;
        self.screen.flush()?;
        Ok(())
    }
}

/// Whether a round that failed so can work later with nothing changed here: the ledger's file is busy while
/// another program writes or copies it, and a full disk can have space again.
fn retry_can_help(error: &Error) -> bool {
    match error.downcast_ref::<LedgerError>() {
        Some(error) => error.failure != LedgerFailure::Final,
        None => error.is::<dynoxide::DynoxideError>() || error.is::<std::io::Error>(),
    }
}

/// Ctrl-C, or the signal with which a system ends its services.
pub(crate) async fn interruption() {
    let interrupt = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        let terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate());
        let terminated = async {
            match terminate {
                Ok(mut signal) => {
                    signal.recv().await;
                }
                Err(_) => std::future::pending().await,
            }
        };
        either(interrupt, terminated).await;
    }
    #[cfg(not(unix))]
    let _ = interrupt.await;
}

#[cfg(unix)]
async fn either(interrupt: impl Future, terminated: impl Future) {
    tokio::select! {
        _ = interrupt => {}
        _ = terminated => {}
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;

    fn at(minute: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minute)
    }

    fn journal(is_terminal: bool) -> Journal<Vec<u8>> {
        let screen = Screen::new(Vec::new(), None, TimeZone::UTC);
        Journal::begin(screen, is_terminal, 1, SignedDuration::from_mins(5), at(0)).expect("a Vec")
    }

    fn round(found: Found, events: &[&str]) -> Report {
        let events = events.iter().map(|text| Event {
            text: (*text).to_owned(),
            ..Event::default()
        });
        Report {
            accounts: vec![AccountReport {
                account: "x:amber".to_owned(),
                found: Some(found),
                events: events.collect(),
            }],
            unpublished: Vec::new(),
            sum: None,
            needs_person: false,
        }
    }

    fn nothing() -> Found {
        Found::Nothing("601 followers, no change".to_owned())
    }

    fn printed(journal: Journal<Vec<u8>>) -> String {
        let bytes = journal.screen.into_inner();
        anstream::adapter::strip_str(&String::from_utf8_lossy(&bytes)).to_string()
    }

    #[test]
    fn a_pipe_gets_what_is_new_and_one_line_an_hour() {
        let mut journal = journal(false);
        let waits = "600 waits for a genuine follower";
        for minute in (0..130).step_by(5) {
            let failure = Found::Failure("could not be checked: 503".to_owned());
            let found = match minute {
                0 => Found::Count("601 followers: counted from here on".to_owned()),
                20 | 25 => failure,
                _ => nothing(),
            };
            let events: &[&str] = if minute >= 10 { &[waits] } else { &[] };
            journal
                .report(&round(found, events), at(minute))
                .expect("a Vec");
            journal.quiet(at(minute)).expect("a Vec");
        }
        assert_eq!(
            printed(journal),
            "Watching 1 account every 5 minutes; Ctrl-C ends. Times: UTC.\n\
             \u{20}1 Jan 00:00  x:amber  601 followers: counted from here on\n\
             \u{20}1 Jan 00:10  x:amber  601 followers, no change\n\
             \u{20}1 Jan 00:10    600 waits for a genuine follower\n\
             \u{20}1 Jan 00:20  x:amber  could not be checked: 503\n\
             \u{20}1 Jan 00:20    600 waits for a genuine follower\n\
             \u{20}1 Jan 00:30  x:amber  601 followers, no change\n\
             \u{20}1 Jan 00:30    600 waits for a genuine follower\n\
             \u{20}1 Jan 01:30  nothing new since 1 Jan 00:30\n"
        );
    }

    #[test]
    fn at_a_terminal_the_line_of_a_quiet_round_is_replaced() {
        let mut journal = journal(true);
        journal
            .report(&round(nothing(), &[]), at(0))
            .expect("a Vec");
        journal.quiet(at(0)).expect("a Vec");
        journal
            .report(&round(nothing(), &[]), at(5))
            .expect("a Vec");
        journal.quiet(at(5)).expect("a Vec");
        let shown = printed(journal);
        assert_eq!(shown.lines().count(), 3, "{shown:?}");
        let last = " 1 Jan 00:05  nothing new since 1 Jan 00:00; next check 1 Jan 00:10";
        assert!(shown.ends_with(&format!("\r{last}")), "{shown:?}");
    }
}
