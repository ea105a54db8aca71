//! The `hug` command: one function for each of its commands.

mod arguments;

use std::{
    collections::HashSet,
    io::{self, IsTerminal, Stdout, Write},
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use anstream::AutoStream;
use clap::Parser;
use have_a_hug::{
    by_hand::Step,
    clock::Clock,
    forget::Who,
    http,
    ledger::{Ledger, Snapshot},
    settings::{Account, Settings},
};
use hug::{
    Error,
    connect::{self, Wanted},
    creator::{self, Which},
    demo::{self, Pace},
    doctor::{self, Finding, Verdict},
    enroll, forget,
    place::{Deliverer, Place, ToWrite},
    report::Report,
    sandbox,
    screen::{self, Screen, stdout},
    secrets_file, songbook,
    stack::{Round, Stack},
    status::Overview,
    table, transfer, watch, who,
};
use jiff::Timestamp;
use promise::{account::AccountName, milestone::Milestone, video::VideoId};
use serde_json::json;
use tracing_subscriber::EnvFilter;

use crate::arguments::{Arguments, Command, Whose};

/// What a person reads.
type Out = Screen<AutoStream<Stdout>>;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // Results go to standard output; RUST_LOG=info adds the functions' own log on standard error.
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("off"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(screen::stderr_has_colors())
        .with_writer(io::stderr)
        .init();
    match run(arguments).await {
        Ok(code) => code,
        // The reader of the output has closed it: `hug status | head`.
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            // Where standard error is closed, the exit code still says it.
            let _ = writeln!(screen::stderr(), "hug: {error}");
            ExitCode::FAILURE
        }
    }
}

fn is_closed_pipe(error: &Error) -> bool {
    let error = error.downcast_ref::<io::Error>();
    error.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

async fn run(arguments: Arguments) -> Result<ExitCode, Error> {
    let settings = arguments.settings();
    let state = arguments.state.clone();
    let state = state.unwrap_or_else(|| settings.with_file_name(table::FOLDER));
    let one =
        async |milestone, whose, what| step(&settings, &state, Some(milestone), whose, what).await;
    match arguments.command {
        Command::Connect { wanted, on_aws } => {
            connect_to(
                &wanted,
                on_aws.table.as_deref(),
                &settings,
                arguments.settings.as_deref(),
            )
            .await
        }
        Command::Demo { seed, fast } => show_demo(seed, fast).await,
        Command::Check { account, dry_run } => check(&settings, &state, account, dry_run).await,
        Command::Watch { every, songbook } => watch_on(&settings, &state, every, songbook).await,
        Command::Retry { milestone, whose } => {
            step(&settings, &state, milestone, whose, Step::Retry).await
        }
        Command::Approve {
            milestone,
            chosen,
            whose,
        } => {
            let chosen = chosen.map(|handle| handle.trim_start_matches('@').to_owned());
            one(milestone, whose, Step::Approve { chosen }).await
        }
        Command::Cancel { milestone, whose } => one(milestone, whose, Step::Cancel).await,
        Command::Sent {
            milestone,
            url,
            whose,
        } => one(milestone, whose, Step::Sent { url }).await,
        Command::Pass { milestone, whose } => one(milestone, whose, Step::Pass).await,
        Command::Topic {
            milestone,
            words,
            accept,
            whose,
            ..
        } => one(milestone, whose, topic(words, accept)).await,
        Command::Song {
            milestone,
            video,
            title,
            whose,
        } => give_song(&settings, &state, milestone, whose, (video, title)).await,
        Command::Forget {
            whole,
            follower,
            entirely,
            account,
            yes,
            on_aws,
        } => {
            let place = on_aws.place(&state);
            match (whole, follower) {
                (Some(name), _) => forget_account(&settings, &place, &name, yes).await,
                (None, Some(who)) => {
                    forget_follower(&place, &who, account.as_ref(), entirely, yes).await
                }
                // The parser lets neither through.
                (None, None) => Ok(ExitCode::SUCCESS),
            }
        }
        Command::Export {
            file,
            account,
            no_pause,
            on_aws,
        } => {
            let place = on_aws.place(&state);
            export(&place, file.as_deref(), account.as_ref(), !no_pause).await
        }
        Command::Import { file, on_aws } => import(&on_aws.place(&state), &file).await,
        Command::Who { milestone, whose } => find(&settings, &state, milestone, whose).await,
        Command::Doctor { on_aws } => look(&settings, &on_aws.place(&state)).await,
        Command::Status { json, on_aws } => {
            show_status(&settings, &on_aws.place(&state), json).await
        }
        Command::Songbook { out, on_aws } => {
            let (place, now) = (on_aws.place(&state), Clock::system().now());
            songbook::run(&settings, &place, out.as_deref(), now).await?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Settings { secrets, roster } => {
            list_secrets(&settings, secrets.as_deref(), roster)
        }
        Command::Sandbox {
            networks_only,
            command,
        } => run_sandbox(&state, networks_only, &command).await,
    }
}

async fn run_sandbox(
    state: &Path,
    networks_only: bool,
    command: &[String],
) -> Result<ExitCode, Error> {
    if networks_only {
        sandbox::networks_only().await?;
        return Ok(ExitCode::SUCCESS);
    }
    let code = sandbox::run(state, command).await?;
    Ok(u8::try_from(code).map_or(ExitCode::FAILURE, ExitCode::from))
}

/// `named` is the file of the settings, where it was named in the arguments.
async fn connect_to(
    wanted: &Wanted,
    table: Option<&str>,
    settings: &Path,
    named: Option<&Path>,
) -> Result<ExitCode, Error> {
    // As it was called, so that the next line can be typed as it is printed: ./hug.
    let mut hug = std::env::args().next().unwrap_or_else(|| "hug".to_owned());
    if let Some(file) = named {
        hug.push_str(&format!(" --settings {}", file.display()));
    }
    match table {
        Some(table) => enroll::connect(wanted, settings, table, &hug, &mut stdout()).await?,
        None => connect::run(wanted, settings, &hug, &mut stdout()).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn show_demo(seed: u64, fast: bool) -> Result<ExitCode, Error> {
    // At a terminal somebody reads along.
    let pace = if !fast && io::stdout().is_terminal() {
        Pace::Reader
    } else {
        Pace::Fast
    };
    demo::run(seed, &mut stdout(), screen::width(), pace).await?;
    Ok(ExitCode::SUCCESS)
}

async fn check(
    settings: &Path,
    state: &Path,
    account: Option<String>,
    dry_run: bool,
) -> Result<ExitCode, Error> {
    let mut stack = if dry_run {
        Stack::open_to_look(settings, state).await?
    } else {
        Stack::open(settings, state).await?
    };
    warn(&stack.deps.settings);
    let event = json!({ "account": account, "dry_run": dry_run });
    let round = stack.round(event).await?;
    print_report(&round)
}

async fn watch_on(
    settings: &Path,
    state: &Path,
    every: Duration,
    songbook: Option<PathBuf>,
) -> Result<ExitCode, Error> {
    let mut stack = Stack::open(settings, state).await?;
    warn(&stack.deps.settings);
    watch::run(&mut stack, every, songbook.map(songbook::Kept::new)).await?;
    Ok(ExitCode::SUCCESS)
}

/// What to do about a topic: write it down, accept it or refuse it.
fn topic(words: Option<String>, accept: bool) -> Step {
    match words {
        Some(words) => Step::Topic { words },
        None if accept => Step::Accept,
        None => Step::Refuse,
    }
}

/// Gives a video to the hug that the command is for.
async fn give_song(
    settings: &Path,
    state: &Path,
    milestone: Milestone,
    whose: Whose,
    song: (VideoId, Option<String>),
) -> Result<ExitCode, Error> {
    let Whose { account, on_aws } = whose;
    let which = Which {
        account,
        milestone: Some(milestone),
    };
    let http = http::client()?;
    let act = async |ledger: &Ledger, settings: &Settings, now| {
        let youtube = settings.youtube.connect(&http);
        creator::give_song(ledger, settings, &youtube, &which, song, now, &mut stdout()).await
    };
    change(settings, &on_aws.place(state), act).await
}

/// Does `step` to the hugs that the command is for.
async fn step(
    settings: &Path,
    state: &Path,
    milestone: Option<Milestone>,
    whose: Whose,
    step: Step,
) -> Result<ExitCode, Error> {
    let Whose { account, on_aws } = whose;
    let which = Which { account, milestone };
    let act = async |ledger: &Ledger, settings: &Settings, now| {
        creator::run(ledger, settings, &which, &step, now, &mut stdout()).await
    };
    change(settings, &on_aws.place(state), act).await
}

/// Changes the ledger with `act`, which returns how many hugs must be delivered now. This process delivers them, unless
/// another process or AWS does. Secrets are needed only where this process delivers.
async fn change(
    settings: &Path,
    place: &Place,
    act: impl AsyncFnOnce(&Ledger, &Settings, Timestamp) -> Result<usize, Error>,
) -> Result<ExitCode, Error> {
    let opened = place.open_to_write().await?;
    let settings = match opened.deliverer {
        Deliverer::Here(..) => Settings::load(settings, &secrets_file::secrets(settings)?)?,
        Deliverer::Other(_) => Settings::load(settings, &|_| None)?,
        Deliverer::Aws => Settings::load_for_table(settings, &|_| None)?,
    };
    let clock = Clock::system();
    if act(&opened.ledger, &settings, clock.now()).await? == 0 {
        return Ok(ExitCode::SUCCESS);
    }
    match opened.deliverer {
        Deliverer::Here(table, state) => {
            let mut stack = Stack::over_table(settings, table, &state, clock)?;
            print_report(&stack.deliver_only().await?)
        }
        Deliverer::Other(taken) => {
            let who = taken.who;
            writeln!(
                stdout(),
                "Not sent yet: another `hug` uses this ledger ({who}). If that is `hug watch`, it sends now; else the next `hug check` does."
            )?;
            Ok(ExitCode::SUCCESS)
        }
        Deliverer::Aws => Ok(ExitCode::SUCCESS),
    }
}

/// Erases an account. This needs no settings and no secrets. If there are settings that still name the account, it
/// prints that.
async fn forget_account(
    settings: &Path,
    place: &Place,
    name: &AccountName,
    yes: bool,
) -> Result<ExitCode, Error> {
    let opened = open_existing(place).await?;
    let settings = Settings::load_for_table(settings, &|_| None).ok();
    let (now, confirm) = (Clock::system().now(), |out: &mut Out| {
        forget::confirm(yes, out)
    });
    let settings = settings.as_ref();
    forget::account(&opened.ledger, settings, name, confirm, now, &mut stdout()).await?;
    scrub(place)
}

async fn forget_follower(
    place: &Place,
    who: &Who,
    of: Option<&AccountName>,
    entirely: bool,
    yes: bool,
) -> Result<ExitCode, Error> {
    let opened = open_existing(place).await?;
    let (now, confirm) = (Clock::system().now(), |out: &mut Out| {
        forget::confirm(yes, out)
    });
    let ledger = &opened.ledger;
    forget::follower(ledger, who, of, entirely, confirm, now, &mut stdout()).await?;
    scrub(place)
}

/// Removes what was erased from the files of a ledger here, too.
fn scrub(place: &Place) -> Result<ExitCode, Error> {
    if let Place::Folder(folder) = place {
        forget::scrub(folder, &mut stdout())?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Exports accounts from the ledger. Messages go to standard error, because the items can go to standard output.
async fn export(
    place: &Place,
    file: Option<&Path>,
    account: Option<&AccountName>,
    pauses: bool,
) -> Result<ExitCode, Error> {
    let opened = open_existing(place).await?;
    let now = Clock::system().now();
    match file {
        Some(file) => transfer::export_to(file, &opened.ledger, account, pauses, now).await?,
        None => transfer::export(&opened.ledger, account, pauses, now, &mut io::stdout()).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn import(place: &Place, file: &Path) -> Result<ExitCode, Error> {
    if let Place::Aws(table) = place
        && enroll::is_file_of_accounts(file)?
    {
        let all = enroll::import(file, table, &mut stdout()).await?;
        return Ok(code(!all));
    }
    let items = transfer::read(file)?;
    let opened = place.open_to_write().await?;
    let now = Clock::system().now();
    transfer::import(&opened.ledger, items, now, &mut stdout()).await?;
    Ok(ExitCode::SUCCESS)
}

/// Opens a ledger to change it, where there is one.
async fn open_existing(place: &Place) -> Result<ToWrite, Error> {
    if let Place::Folder(folder) = place
        && !table::exists(folder)
    {
        return Err(format!("there is no ledger in {}", folder.display()).into());
    }
    place.open_to_write().await
}

fn print_report(round: &Round) -> Result<ExitCode, Error> {
    let report = Report::of(round);
    for line in report.lines().iter().chain(&report.sum) {
        writeln!(stdout(), "{line}")?;
    }
    Ok(code(report.needs_person))
}

async fn look(settings: &Path, place: &Place) -> Result<ExitCode, Error> {
    let clock = Clock::system();
    let findings = match place {
        Place::Folder(state) => {
            doctor::run(settings, state, &secrets_file::secrets(settings)?, &clock).await?
        }
        Place::Aws(_) => doctor::run_on_aws(settings, place, &clock).await?,
    };
    for finding in &findings {
        writeln!(stdout(), "{finding}")?;
    }
    if let Place::Folder(_) = place {
        writeln!(stdout(), "\n{}", doctor::sum(&findings))?;
    }
    let wrong = |finding: &Finding| finding.verdict == Verdict::Wrong;
    Ok(code(findings.iter().any(wrong)))
}

/// Says who has that number. This needs the secrets, because it reads the network.
async fn find(
    settings: &Path,
    state: &Path,
    milestone: Milestone,
    whose: Whose,
) -> Result<ExitCode, Error> {
    let Whose { account, on_aws } = whose;
    let mut deps = Stack::open_to_look(settings, state).await?.deps;
    if let place @ Place::Aws(_) = on_aws.place(state)
        && let Some(ledger) = place.open().await?
    {
        deps.ledger = ledger;
    }
    let answered = who::run(&deps, account.as_ref(), milestone, &mut stdout()).await?;
    Ok(code(!answered))
}

/// Shows accounts and hugs. Secrets are not needed. The settings are: for the next milestones, and for the links and
/// words that wait for the creator.
async fn show_status(settings: &Path, place: &Place, json: bool) -> Result<ExitCode, Error> {
    let settings = match place {
        Place::Folder(_) => Settings::load(settings, &|_| None)?,
        Place::Aws(_) => Settings::load_for_table(settings, &|_| None)?,
    };
    let now = Clock::system().now();
    let snapshot = match place.open().await? {
        Some(ledger) => ledger.snapshot().await?,
        None => Snapshot::default(),
    };
    let overview = Overview::of(snapshot, Some(&settings), now);
    if json {
        let text = serde_json::to_string_pretty(&overview)?;
        writeln!(io::stdout(), "{text}")?;
    } else {
        writeln!(stdout(), "{}", overview.text(screen::width()))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Lists the names of the secrets that the settings need. With `known`, the names of those that exist, it prints to
/// standard error which are missing. No value of a secret is needed.
fn list_secrets(
    settings: &Path,
    known: Option<&[String]>,
    roster: bool,
) -> Result<ExitCode, Error> {
    let names: HashSet<&str> = known
        .iter()
        .flat_map(|names| names.iter().map(String::as_str))
        .collect();
    let secrets = |name: &str| names.contains(name).then(|| "not-needed".to_owned());
    let settings = if roster {
        Settings::load_for_table(settings, &secrets)?
    } else {
        Settings::load(settings, &secrets)?
    };
    for name in &settings.needs {
        writeln!(stdout(), "{name}")?;
    }
    for price in settings.accounts.iter().filter_map(Account::price_of_links) {
        // Where standard error is closed, nobody reads prices.
        let _ = writeln!(screen::stderr(), "hug: note: {price}");
    }
    if known.is_none() {
        return Ok(ExitCode::SUCCESS);
    }
    warn(&settings);
    let missing: Vec<String> = settings.not_served().map(ToString::to_string).collect();
    if missing.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    Err(format!(
        "not every account can be served:\n  {}",
        missing.join("\n  ")
    )
    .into())
}

/// Prints warnings about the settings to standard error, because programs read standard output.
fn warn(settings: &Settings) {
    for warning in &settings.warnings {
        // Where standard error is closed, nobody reads warnings.
        let _ = writeln!(screen::stderr(), "hug: warning: {warning}");
    }
}

fn code(needs_person: bool) -> ExitCode {
    if needs_person {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}
