//! Rounds, one after another, until it is interrupted.

use std::{
    future::Future,
    io::{IsTerminal, Write, stdout},
    time::{Duration, Instant},
};

use have_a_hug::ledger::{LedgerError, LedgerFailure};
use jiff::Timestamp;
use serde_json::json;

use crate::{Error, report::Report, songbook::Kept, stack::Stack};

/// How often expired items are deleted. To find them, every item is read.
const BETWEEN_SWEEPS: Duration = Duration::from_hours(24);

/// Makes a round every so often. On a terminal a quiet round rewrites its one line; in a pipe each round has
/// lines of its own. After each round it keeps the page of the songs current, if there is a file for it.
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
        let mut lines = match round {
            None => break,
            Some(Ok(round)) => {
                logins = false;
                let Report {
                    mut lines,
                    sum,
                    needs_person,
                } = Report::of(&round);
                lines.extend(sum.filter(|_| needs_person));
                lines
            }
            Some(Err(error)) if retry_can_help(&error) => {
                vec![format!(
                    "  this round was cut short: {error}; the next one tries again"
                )]
            }
            Some(Err(error)) => return Err(error),
        };
        if let Some(songbook) = &mut songbook {
            let deps = &stack.deps;
            let kept = songbook.keep(&deps.ledger, &deps.settings, deps.clock.now());
            lines.extend(kept.await.err().map(|failed| format!("  {failed}")));
        }
        print(&lines, every)?;
        tokio::select! {
            () = tokio::time::sleep(every) => {}
            () = &mut interrupted => break,
        }
    }
    // The next start finds what was cut off: it claims nothing twice and asks before it sends again.
    writeln!(stdout(), "\nEnded. `hug watch` goes on from here.")?;
    Ok(())
}

/// Whether a round that failed so can work later with nothing changed here: the ledger's file is busy while
/// another program writes or copies it, and a full disk can have space again.
fn retry_can_help(error: &Error) -> bool {
    match error.downcast_ref::<LedgerError>() {
        Some(error) => error.failure != LedgerFailure::Final,
        None => error.is::<dynoxide::DynoxideError>() || error.is::<std::io::Error>(),
    }
}

fn print(lines: &[String], every: Duration) -> Result<(), Error> {
    let now = Timestamp::now().strftime("%Y-%m-%d %H:%M:%S").to_string();
    let mut out = stdout().lock();
    let eventful = lines.iter().any(|line| line.starts_with("  "));
    match lines {
        [only] if out.is_terminal() && !eventful => {
            write!(
                out,
                "\r\x1b[2K{now}  {only}  (every {} s; Ctrl-C ends)",
                every.as_secs()
            )?;
        }
        lines => {
            if out.is_terminal() {
                write!(out, "\r\x1b[2K")?;
            }
            for line in lines {
                writeln!(out, "{now}  {line}")?;
            }
        }
    }
    out.flush()?;
    Ok(())
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
