//! The ledger: its folder or its table on AWS, and what it says of accounts and hugs.

use std::{
    fs::{self, OpenOptions},
    path::Path,
};

use dynoxide::actions::describe_table::DescribeTableRequest;
use have_a_hug::ledger::{Ledger, Snapshot, hug_key};
use jiff::{SignedDuration, Timestamp};
use promise::{account::AccountName, hug::Hug, record::AccountRecord};
use serde_json::Value;

use super::finding::Finding;
use crate::{
    Error,
    event_source_mapping::EventSourceMapping,
    place::Place,
    table::{self, FAILED, Table},
    view::HugView,
};

/// On AWS an account is checked once an hour or more often (`CheckRate` in infra/template.yaml).
const MAX_BETWEEN_CHECKS: SignedDuration = SignedDuration::from_hours(2);

/// What helps where the folder cannot be written and contains no ledger yet.
const OTHER_FOLDER: &str = "change its permissions, or choose another folder with --state";

/// What was found of a ledger, and what it holds as far as it can be read.
#[derive(Default)]
pub(super) struct LedgerFindings {
    pub findings: Vec<Finding>,
    pub snapshot: Snapshot,
}

/// Looks at the ledger in that folder.
pub(super) async fn look_at_folder(folder: &Path, now: Timestamp) -> LedgerFindings {
    if !table::exists(folder) {
        return LedgerFindings {
            findings: vec![look_at_new_folder(folder)],
            snapshot: Snapshot::default(),
        };
    }
    let shown = folder.display();
    let mut findings = Vec::new();
    let file = table::file_in(folder);
    if let Err(error) = OpenOptions::new().write(true).open(&file) {
        let found = format!("{} cannot be written: {error}", file.display());
        let help = "change its permissions, or make room on the disk";
        findings.push(Finding::wrong(&shown, found, help));
    }
    let at_work = table::at_work(folder);
    findings.push(match &at_work {
        Ok(Some(who)) => Finding::ok(&shown, format!("{who} is at work on it")),
        Ok(None) => Finding::ok(&shown, "no other program is at work on it"),
        Err(error) => {
            let found = format!("whether a program is at work on it cannot be seen: {error}");
            Finding::unsure(&shown, found, "see who owns its file `lock`")
        }
    });
    let at_work = matches!(at_work, Ok(Some(_)));
    let looked = look_at_local_table(folder, at_work, now).await;
    let looked = looked.unwrap_or_else(|error| {
        let help = "look again; if it stays so, bring back a copy of the folder";
        LedgerFindings {
            findings: vec![Finding::wrong(shown, error, help)],
            snapshot: Snapshot::default(),
        }
    });
    findings.extend(looked.findings);
    LedgerFindings { findings, ..looked }
}

/// Whether the first check can make the folder: only writing shows it.
fn look_at_new_folder(folder: &Path) -> Finding {
    // The last ancestor of a relative path is empty, and means the current folder.
    let exists = |folder: &&Path| folder.as_os_str().is_empty() || folder.exists();
    let nearest = folder.ancestors().find(exists);
    let nearest = nearest.filter(|folder| !folder.as_os_str().is_empty());
    let nearest = nearest.unwrap_or_else(|| Path::new("."));
    let probe = nearest.join(format!(".hug-doctor-{}", std::process::id()));
    let folder = folder.display();
    match fs::File::create_new(&probe).and_then(|_| fs::remove_file(&probe)) {
        Ok(()) => Finding::ok(folder, "nothing is kept there yet; the first check begins"),
        Err(error) => {
            let found = format!("nothing can be written to {}: {error}", nearest.display());
            Finding::wrong(folder, found, OTHER_FOLDER)
        }
    }
}

async fn look_at_local_table(
    folder: &Path,
    at_work: bool,
    now: Timestamp,
) -> Result<LedgerFindings, Error> {
    let database = table::database_in(folder)?;
    let described = database.describe_table(DescribeTableRequest {
        table_name: table::NAME.to_owned(),
    });
    let stream = described?.table.stream_specification;
    if stream.is_none_or(|stream| !stream.stream_enabled) {
        let found = "it has no stream, so no hug is ever sent";
        let help = "move the folder away; the next check begins anew";
        return Ok(LedgerFindings {
            findings: vec![Finding::wrong("table", found, help)],
            snapshot: Snapshot::default(),
        });
    }
    let table = Table::beside(folder).await?;
    let ledger = Ledger::new(table.client().clone(), table::NAME);
    let snapshot = ledger.snapshot().await?;
    let waiting = EventSourceMapping::open(&database, folder).waiting()?;
    let mut findings = vec![look_at_size(&snapshot), look_at_stream(waiting, at_work)];
    findings.push(look_at_failed(folder, &snapshot)?);
    findings.extend(look_at_answers(&snapshot));
    findings.extend(look_at_hugs(&snapshot, now));
    Ok(LedgerFindings { findings, snapshot })
}

/// Looks at the ledger in the table of that name on AWS, for those accounts.
///
/// # Errors
///
/// Where AWS cannot be asked.
pub(super) async fn look_at_table(
    place: &Place,
    accounts: &[AccountName],
    now: Timestamp,
) -> Result<Vec<Finding>, Error> {
    let snapshot = match place.open().await? {
        Some(ledger) => ledger.snapshot().await?,
        None => Snapshot::default(),
    };
    let mut findings = vec![look_at_size(&snapshot)];
    let (named, enrolled) = (accounts.iter(), snapshot.enrolled.iter());
    let enrolled = enrolled.map(|(name, _)| name);
    let accounts = named.chain(enrolled.filter(|name| !accounts.contains(name)));
    findings.extend(accounts.map(|name| {
        let mut handles = snapshot.handles.iter();
        let handle = handles.find(|(handle, _)| handle == name);
        if let Some(since) = handle.and_then(|(_, known)| known.paused_at) {
            let found = format!("paused since {since}, because its ledger was exported");
            let help = "remove it from the settings here; or end the pause with `hug import`, if no other ledger serves it";
            return Finding::unsure(name, found, help);
        }
        let record = snapshot.accounts.iter().find(|record| record.name == *name);
        look_at_last_check(name, record, now)
    }));
    findings.extend(look_at_answers(&snapshot));
    findings.extend(look_at_hugs(&snapshot, now));
    Ok(findings)
}

fn look_at_size(snapshot: &Snapshot) -> Finding {
    let accounts = match snapshot.accounts.len() {
        1 => "1 account".to_owned(),
        n => format!("{n} accounts"),
    };
    let hugs = match snapshot.hugs.len() {
        1 => "1 hug".to_owned(),
        n => format!("{n} hugs"),
    };
    let found = format!("it can be read: {accounts} and {hugs}");
    Finding::ok("table", found)
}

fn look_at_last_check(
    name: &AccountName,
    record: Option<&AccountRecord>,
    now: Timestamp,
) -> Finding {
    let Some(record) = record else {
        let help = "wait for the first check, or make one; the log says why one fails";
        return Finding::wrong(name, "no check has read it yet", help);
    };
    let ago = now.duration_since(record.checked_at);
    let found = format!("the last check was {} minutes ago", ago.as_mins());
    if ago < MAX_BETWEEN_CHECKS {
        Finding::ok(name, found)
    } else {
        Finding::wrong(name, found, "see the schedule, and the log")
    }
}

fn look_at_stream(waiting: usize, at_work: bool) -> Finding {
    match waiting {
        0 => Finding::ok("stream", "every hug in it has been handed over"),
        n if at_work => Finding::ok("stream", format!("{n} hugs wait; they are being worked on")),
        n => {
            let found = format!("{n} hugs wait, and no program is at work");
            Finding::unsure("stream", found, "`hug check` sends them")
        }
    }
}

/// Looks at the accounts whose answers, or whose songs, could not be read at the last check.
fn look_at_answers(snapshot: &Snapshot) -> Vec<Finding> {
    let answers = |account: &AccountRecord| {
        let error = account.answers.as_ref()?.error.as_ref()?;
        let found = format!("answers cannot be read: {error}");
        let help = "give its secrets the rights that docs/COMMANDS.md lists under \"Secrets\"; the next check reads them";
        Some(Finding::wrong(&account.name, found, help))
    };
    let songs = |account: &AccountRecord| {
        let error = account.songs_error.as_ref()?;
        let found = format!("no song was found at the last check: {error}");
        Some(Finding::wrong(
            &account.name,
            found,
            "the next check tries again",
        ))
    };
    let accounts = snapshot.accounts.iter();
    accounts
        .flat_map(|account| answers(account).into_iter().chain(songs(account)))
        .collect()
}

/// Looks at the hugs that are in trouble.
fn look_at_hugs(snapshot: &Snapshot, now: Timestamp) -> Vec<Finding> {
    let one = |hug: &Hug| {
        let HugView { hug, trouble, .. } = HugView::at(now, hug.clone(), Vec::new(), None);
        let trouble = trouble?;
        let subject = format!("{} {}", hug.account, hug.milestone);
        let found = format!("{} since {}: {}", hug.status, trouble.since, trouble.what);
        // A finding is printed in one line.
        let helps = trouble.helps.replace('\n', " ");
        let help = match trouble.next_try_in_words(now) {
            Some(next) => format!("{helps} (tried next {next})"),
            None => helps,
        };
        Some(if trouble.needs_creator {
            Finding::wrong(subject, found, help)
        } else {
            Finding::unsure(subject, found, help)
        })
    };
    snapshot.hugs.iter().filter_map(one).collect()
}

/// Looks at the file of records that the stream gave up on; their hugs may have been delivered since.
fn look_at_failed(folder: &Path, snapshot: &Snapshot) -> Result<Finding, Error> {
    let file = folder.join(FAILED);
    let text = match fs::read_to_string(&file) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Ok(Finding::ok(FAILED, "the stream gave up on nothing"));
        }
        read => read.map_err(|error| format!("reading {} failed: {error}", file.display()))?,
    };
    let mut undelivered = Vec::new();
    for line in text.lines() {
        let record: Value = serde_json::from_str(line).unwrap_or_default();
        let keys = &record["dynamodb"]["Keys"];
        let key = |name: &str| keys[name]["S"].as_str().unwrap_or_default();
        let hug = hug_key(key("pk"), key("sk"))
            .ok()
            .and_then(|key| snapshot.hugs.iter().find(|hug| hug.key() == key));
        let name = match hug {
            Some(hug) if hug.retry(Timestamp::MAX).is_err() => continue,
            Some(hug) => format!("{} {} ({})", hug.account, hug.milestone, hug.status),
            None => "one that is not a hug of this ledger".to_owned(),
        };
        if !undelivered.contains(&name) {
            undelivered.push(name);
        }
    }
    let given_up = text.lines().count();
    Ok(if undelivered.is_empty() {
        let found =
            format!("the stream gave up {given_up} times; all of these hugs were sent since");
        Finding::unsure(FAILED, found, "delete the file")
    } else {
        let found = format!(
            "the stream gave up {given_up} times; not delivered yet: {}",
            undelivered.join(", ")
        );
        let help = "remove the cause, then `hug retry`, then delete the file";
        Finding::wrong(FAILED, found, help)
    })
}
