//! Rounds, one after another, until it is interrupted.

use std::{
    future::Future,
    io::{IsTerminal, Write, stdout},
    time::Duration,
};

use have_a_hug::ledger::{Kind, LedgerError};
use jiff::Timestamp;
use serde_json::Value;

use crate::{Error, report, stack::Stack};

/// What one round came to.
pub struct Told {
    /// What happened, in lines.
    pub lines: Vec<String>,
    /// Whether an account failed or an invitation needs a person.
    pub trouble: bool,
}

/// One round, told.
///
/// # Errors
///
/// See [`Stack::round`].
pub async fn round(stack: &mut Stack, event: Value) -> Result<Told, Error> {
    let before = stack.deps.ledger.everything().await?.hugs;
    let summary = stack.round(event).await?;
    let mut touched = stack.deps.ledger.everything().await?.hugs;
    touched.retain(|hug| !before.contains(hug));
    let lines = report::round(&summary, &touched);
    let now = stack.deps.clock.now();
    let in_trouble = touched.iter().any(|hug| report::is_trouble(hug, now));
    Ok(Told {
        lines,
        trouble: summary.failed > 0 || in_trouble,
    })
}

/// Rounds every so often. On a terminal the state is one line that lives on; in a pipe each round
/// is told in lines of its own, and only rounds in which something happened take more than one.
///
/// # Errors
///
/// Where no retry can help; a network that fails, and a ledger that cannot be read or written for
/// now, are told and tried again.
pub async fn run(stack: &mut Stack, every: Duration) -> Result<(), Error> {
    let mut interrupted = std::pin::pin!(interruption());
    loop {
        let told = tokio::select! {
            told = round(stack, Value::Null) => Some(told),
            () = &mut interrupted => None,
        };
        let lines = match told {
            None => break,
            Some(Ok(told)) => told.lines,
            Some(Err(error)) if retry_can_help(&error) => {
                vec![format!(
                    "  this round was cut short: {error}; the next one tries again"
                )]
            }
            Some(Err(error)) => return Err(error),
        };
        tell(&lines, every)?;
        tokio::select! {
            () = tokio::time::sleep(every) => {}
            () = &mut interrupted => break,
        }
    }
    // Whatever was cut off is found by the next start: it claims nothing twice and asks before it
    // sends again.
    writeln!(stdout(), "\nEnded. `hug watch` goes on from here.")?;
    Ok(())
}

/// Whether a round that ended so can work later with nothing changed here: the ledger's file is
/// busy while something else writes to it or copies it, and a full disk is emptied again.
fn retry_can_help(error: &Error) -> bool {
    match error.downcast_ref::<LedgerError>() {
        Some(error) => error.kind != Kind::Final,
        None => error.is::<dynoxide::DynoxideError>() || error.is::<std::io::Error>(),
    }
}

fn tell(lines: &[String], every: Duration) -> Result<(), Error> {
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
