//! The `hug` command.

use std::{
    io::{IsTerminal, Write, stdout},
    path::PathBuf,
    process::ExitCode,
    time::Duration,
};

use clap::{Parser, Subcommand};
use have_a_hug::{
    account::AccountName, clock::Clock, http, ledger::Ledger, milestone::Milestone,
    settings::Settings,
};
use hug::{
    Error, demo,
    doctor::{self, Finding, Verdict},
    retry, sandbox,
    stack::Stack,
    status::Status,
    table::{self, Table},
    watch,
};
use jiff::SignedDuration;
use serde_json::json;
use tracing_subscriber::EnvFilter;

/// Keeps a creator's promise: follower number 600 gets a song, and so does every hundredth after.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// What the creator decided.
    #[arg(long, global = true, default_value = "hug.toml", value_name = "FILE")]
    settings: PathBuf,
    /// Where the ledger is kept.
    #[arg(long, global = true, default_value = ".hug", value_name = "DIR")]
    state: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Tell the story in fast motion, on stand-in networks: nothing leaves this computer.
    Demo {
        /// Who follows; the same seed tells the same story.
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// Look at the accounts once, and send the invitations that are owed.
    Check {
        /// Only this account, such as x:amber.
        #[arg(long)]
        account: Option<String>,
        /// Look and decide, but write and send nothing.
        #[arg(long)]
        dry_run: bool,
    },
    /// Look at the accounts again and again.
    Watch {
        /// How often: 90s, 5m, 1h.
        #[arg(long, default_value = "5m", value_parser = interval)]
        every: Duration,
    },
    /// Put hugs that are stuck or were given up back to work, and send them at once.
    Retry {
        /// Only those of this account, such as x:amber.
        #[arg(long)]
        account: Option<AccountName>,
        /// Only the one for this number.
        #[arg(long, value_parser = milestone)]
        milestone: Option<Milestone>,
    },
    /// Look whether all is right: settings, secrets, networks, ledger. Sends and changes nothing.
    Doctor,
    /// Show the accounts and the hugs.
    Status {
        /// As JSON, for a program.
        #[arg(long)]
        json: bool,
    },
    /// Check the settings, and tell which secrets they need.
    Settings {
        /// The secrets that there are, by name; without this, all that are needed.
        #[arg(long, value_delimiter = ',', value_name = "NAMES")]
        secrets: Option<Vec<String>>,
    },
    /// Open a table and stand-in networks for another program, and run it there.
    Sandbox {
        /// Open only the networks, and tell where they are as JSON.
        #[arg(long, conflicts_with = "command")]
        networks_only: bool,
        /// The program and its arguments, after `--`; without one the sandbox stays open.
        #[arg(last = true)]
        command: Vec<String>,
    },
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // What happens is told on standard output; RUST_LOG=info adds the functions' own log.
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("off"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    match run(arguments).await {
        Ok(code) => code,
        // Whoever read the output has seen enough: `hug status | head`.
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("hug: {error}");
            ExitCode::FAILURE
        }
    }
}

fn is_closed_pipe(error: &Error) -> bool {
    let error = error.downcast_ref::<std::io::Error>();
    error.is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}

async fn run(arguments: Arguments) -> Result<ExitCode, Error> {
    let Arguments {
        settings,
        state,
        command,
    } = arguments;
    match command {
        Command::Demo { seed } => {
            // On a terminal someone is reading along.
            let pace = if stdout().is_terminal() {
                Duration::from_millis(700)
            } else {
                Duration::ZERO
            };
            demo::run(seed, &mut stdout(), pace).await?;
        }
        Command::Check { account, dry_run } => {
            let mut stack = match dry_run {
                true => Stack::open_to_look(&settings, &state).await?,
                false => Stack::open(&settings, &state).await?,
            };
            let event = json!({ "account": account, "dry_run": dry_run });
            let told = watch::round(&mut stack, event).await?;
            for line in &told.lines {
                writeln!(stdout(), "{line}")?;
            }
            return Ok(code(told.trouble));
        }
        Command::Watch { every } => {
            let mut stack = Stack::open(&settings, &state).await?;
            watch::run(&mut stack, every).await?;
        }
        Command::Retry { account, milestone } => {
            let mut stack = Stack::open(&settings, &state).await?;
            let trouble =
                retry::run(&mut stack, account.as_ref(), milestone, &mut stdout()).await?;
            return Ok(code(trouble));
        }
        Command::Doctor => {
            let secrets = |name: &str| std::env::var(name).ok();
            let findings = doctor::run(&settings, &state, &secrets, &Clock::system()).await?;
            for finding in &findings {
                writeln!(stdout(), "{finding}")?;
            }
            let wrong = |finding: &Finding| finding.verdict == Verdict::Wrong;
            return Ok(code(findings.iter().any(wrong)));
        }
        Command::Status { json } => {
            let status = read_status(&settings, &state).await?;
            let text = if json {
                serde_json::to_string_pretty(&status)?
            } else {
                status.tables()
            };
            writeln!(stdout(), "{text}")?;
        }
        Command::Settings { secrets } => {
            let there = |name: &str| match &secrets {
                Some(names) => names.iter().any(|known| known == name),
                None => true,
            };
            // The parser itself decides; of a secret it is enough to know that there is one.
            let settings = Settings::load(&settings, &|name| {
                there(name).then(|| "not-needed".to_owned())
            })?;
            for name in &settings.needs {
                writeln!(stdout(), "{name}")?;
            }
        }
        Command::Sandbox {
            networks_only: true,
            ..
        } => sandbox::networks_only().await?,
        Command::Sandbox { command, .. } => {
            let code = sandbox::run(&state, &command).await?;
            return Ok(u8::try_from(code).map_or(ExitCode::FAILURE, ExitCode::from));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn code(trouble: bool) -> ExitCode {
    if trouble {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

/// What is written down can be shown without secrets; only the next milestone needs the settings.
async fn read_status(settings: &std::path::Path, state: &std::path::Path) -> Result<Status, Error> {
    let plan = Settings::load(settings, &|_| Some("not-needed".to_owned()))?.plan;
    if !table::exists(state) {
        return Ok(Status::default());
    }
    let table = Table::read(state, &http::client()?).await?;
    let ledger = Ledger::new(table.client().clone(), table::NAME);
    Ok(Status::read(&ledger, Some(plan), Clock::system().now()).await?)
}

fn milestone(text: &str) -> Result<Milestone, String> {
    let number = text.parse().ok().and_then(Milestone::from_number);
    number.ok_or_else(|| format!("\"{text}\" is no number of followers; write 600"))
}

fn interval(text: &str) -> Result<Duration, String> {
    let parsed: SignedDuration = text
        .parse()
        .map_err(|_| format!("\"{text}\" is no length of time; write 90s, 5m or 1h"))?;
    match Duration::try_from(parsed) {
        Ok(interval) if interval >= Duration::from_secs(1) => Ok(interval),
        _ => Err("it must be at least 1s".to_owned()),
    }
}
