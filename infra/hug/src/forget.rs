//! `hug forget`: shows what the ledger has of an account or of a follower, and erases it.

use std::{
    io::{IsTerminal, Write, stdin},
    path::Path,
    time::Duration,
};

use have_a_hug::{
    forget::{FollowerItems, Who, find_follower, forget_account, forget_follower},
    ledger::{Ledger, StoredItem},
    settings::Settings,
    whole::{self, WholeAccount},
};
use jiff::Timestamp;
use promise::account::AccountName;
use rusqlite::{Connection, OpenFlags};

use crate::{Error, table};

/// How many times the ledger is searched again for the person who is erased.
const MAX_LOOKS: usize = 4;

/// How long to wait for another process that writes to the ledger's file.
const MAX_WAIT: Duration = Duration::from_secs(5);

/// The follower that a person means on the command line: a handle, or `id:` and a stable id.
///
/// # Errors
///
/// Where the handle or the id is empty.
pub fn who(text: &str) -> Result<Who, String> {
    let (is_id, word) = match text.strip_prefix("id:") {
        Some(id) => (true, id),
        None => (false, text.trim_start_matches('@')),
    };
    match (is_id, word.trim()) {
        (_, "") => Err("write a handle, such as fan, or an id, such as id:44196397".to_owned()),
        (true, id) => Ok(Who::Id(id.into())),
        (false, handle) => Ok(Who::Handle(handle.to_owned())),
    }
}

/// Asks at the terminal whether to erase what was listed. With `yes` it does not ask.
///
/// # Errors
///
/// Where the answer is not yes, or where standard input is not a terminal.
pub fn confirm(yes: bool, out: &mut impl Write) -> Result<(), Error> {
    if yes {
        return Ok(());
    }
    if !stdin().is_terminal() {
        return Err(
            "nothing was erased, because this cannot be undone; to erase without a question, add --yes".into(),
        );
    }
    write!(out, "This cannot be undone. Erase it? Write yes: ")?;
    out.flush()?;
    let mut answer = String::new();
    stdin().read_line(&mut answer)?;
    if answer.trim() == "yes" {
        Ok(())
    } else {
        Err("nothing was erased".into())
    }
}

/// Erases everything that the ledger has of an account. Before that it prints to `out` what this is, and `confirm` must
/// agree.
///
/// # Errors
///
/// Where the ledger has nothing of the account, where a hug is being sent, or where the ledger fails.
pub async fn account<W: Write>(
    ledger: &Ledger,
    settings: Option<&Settings>,
    name: &AccountName,
    confirm: impl FnOnce(&mut W) -> Result<(), Error>,
    now: Timestamp,
    out: &mut W,
) -> Result<(), Error> {
    let found = whole::find(ledger, name).await?;
    let found = found.ok_or_else(|| format!("the ledger has nothing of {name}"))?;
    writeln!(out, "{}", account_in_words(&found))?;
    confirm(out)?;
    forget_account(ledger, &found, now).await?;
    writeln!(out, "{name} is erased here.")?;
    if settings.is_some_and(|settings| {
        settings
            .account(name)
            .is_ok_and(have_a_hug::settings::Account::is_active)
    }) {
        writeln!(
            out,
            "The settings still name it: the next check begins anew, and owes nothing for the numbers up to its count."
        )?;
    }
    Ok(())
}

fn account_in_words(found: &WholeAccount) -> String {
    let WholeAccount {
        name,
        id,
        items,
        settings,
        ..
    } = found;
    if let Some(called_now) = &found.called_now {
        return format!(
            "{name}  is an earlier handle of {called_now}; only the record of this handle is erased, and {called_now} \
             does not change"
        );
    }
    let handles = found.known_handles();
    let handles: Vec<String> = handles.iter().map(|(name, _)| name.to_string()).collect();
    let count =
        |is_such: fn(&StoredItem) -> bool| items.iter().filter(|item| is_such(item)).count();
    let hugs = count(StoredItem::is_hug);
    let lists = count(StoredItem::is_passed_over);
    let accounts = count(StoredItem::is_account);
    let id = id
        .as_ref()
        .map_or_else(|| "no id".to_owned(), ToString::to_string);
    format!(
        "{name}  ({id}): account: {accounts}; hugs: {hugs}; lists of followers who were passed over: {lists}; records of \
         growth: {}; handles: {}{}",
        items.len() - hugs - lists - accounts,
        handles.join(", "),
        if settings.is_empty() {
            ""
        } else {
            "; its settings and its sealed login"
        }
    )
}

/// Erases a follower from the records of every account, or of the account `of`. Before that it prints to `out` what
/// this is, and `confirm` must agree. With `entirely` the stable id is erased too.
///
/// # Errors
///
/// Where the ledger has nothing of the follower, where their hug is being sent, where a later version wrote a hug that
/// names them, or where the ledger fails.
pub async fn follower<W: Write>(
    ledger: &Ledger,
    who: &Who,
    of: Option<&AccountName>,
    entirely: bool,
    confirm: impl FnOnce(&mut W) -> Result<(), Error>,
    now: Timestamp,
    out: &mut W,
) -> Result<(), Error> {
    let found = find_follower(ledger, who, of, entirely).await?;
    if found.is_empty() {
        let whose = of.map_or_else(String::new, |of| format!(" in the records of {of}"));
        return Err(match who {
            Who::Handle(handle) => format!(
                "the ledger does not contain the handle @{handle}{whose}; if the follower had another handle then, use \
                 their id: --follower id:NUMBER"
            ),
            Who::Id(id) => format!("the ledger does not contain the id {id}{whose}"),
        }
        .into());
    }
    for account in &found {
        for line in follower_in_words(account) {
            writeln!(out, "{line}")?;
        }
    }
    confirm(out)?;
    for account in &found {
        forget_follower(ledger, account, entirely, now).await?;
    }
    look_again(ledger, who, of, entirely, now).await?;
    writeln!(out, "The follower is erased here.")?;
    if !entirely {
        writeln!(
            out,
            "Their hug keeps the network's id, so that they are not invited again; --entirely erases the id too."
        )?;
    }
    for post in found.iter().flat_map(posts) {
        writeln!(
            out,
            "The post is still on the network; delete it there if they want that: {post}"
        )?;
    }
    let unreadable: Vec<String> = found
        .iter()
        .flat_map(|account| {
            account
                .unreadable
                .iter()
                .map(|sk| format!("{} {sk}", account.id))
        })
        .collect();
    if unreadable.is_empty() {
        return Ok(());
    }
    Err(format!(
        "a later version of hug wrote {}; use that version to erase the follower there",
        unreadable.join(", ")
    )
    .into())
}

/// Overwrites what was erased in the file of a local ledger, because SQLite keeps deleted rows in unused space.
/// Prints to `out` which other file can name a person.
///
/// # Errors
///
/// Where `out` fails. If another process keeps writing to the file, `out` says that the file was not overwritten.
pub fn scrub(state: &Path, out: &mut impl Write) -> Result<(), Error> {
    let file = table::file_in(state);
    let opened = Connection::open_with_flags(&file, OpenFlags::SQLITE_OPEN_READ_WRITE);
    let scrubbed = opened.and_then(|ledger| {
        ledger.busy_timeout(MAX_WAIT)?;
        ledger.execute_batch("VACUUM; PRAGMA wal_checkpoint(TRUNCATE);")
    });
    if let Err(error) = scrubbed {
        writeln!(
            out,
            "The file {} still contains what was erased, in unused space: {error}; run `hug forget` again when no `hug \
             watch` runs.",
            file.display()
        )?;
    }
    let failed = state.join(table::FAILED);
    if failed.exists() {
        writeln!(out, "{} can name people too; delete it.", failed.display())?;
    }
    Ok(())
}

fn follower_in_words(found: &FollowerItems) -> Vec<String> {
    let name = &found.name;
    let mut lines = Vec::new();
    for hug in &found.hugs {
        let follower = hug.follower.as_ref();
        let handle = follower
            .map(|one| one.handle.as_str())
            .filter(|handle| !handle.is_empty());
        let id = follower.map_or("", |one| one.id.as_str());
        let handle = handle.or(hug.chosen.as_deref()).map_or_else(
            || "of somebody who was erased".to_owned(),
            |handle| format!("of @{handle}"),
        );
        lines.push(format!(
            "{name}  the hug for {} {handle} (id {id}), which is {}",
            hug.milestone, hug.status
        ));
    }
    let passed_over = found.passed_over.len();
    if passed_over > 0 {
        lines.push(format!(
            "{name}  lists of followers who were passed over: {passed_over}"
        ));
    }
    for hug in &found.mentions {
        lines.push(format!(
            "{name}  the names of all followers who were passed over for {}, which an earlier version kept in the hug",
            hug.milestone
        ));
    }
    if found.remembered {
        lines.push(format!(
            "{name}  their id among the newest followers that the account remembers"
        ));
    }
    if found.said_stop {
        lines.push(format!(
            "{name}  their id among those who said stop: they can be written to again"
        ));
    }
    lines
}

/// Searches again and erases what is found: a check, or the creator in another terminal, can have written the person once
/// more at the same time.
async fn look_again(
    ledger: &Ledger,
    who: &Who,
    of: Option<&AccountName>,
    entirely: bool,
    now: Timestamp,
) -> Result<(), Error> {
    for _ in 0..MAX_LOOKS {
        let found = find_follower(ledger, who, of, entirely).await?;
        let left: Vec<_> = found.iter().filter(|one| one.can_be_erased()).collect();
        if left.is_empty() {
            return Ok(());
        }
        for account in left {
            forget_follower(ledger, account, entirely, now).await?;
        }
    }
    Err("another process writes the follower's name into the ledger again and again; stop that process, then run this command again".into())
}

/// The addresses of the public posts for a follower.
fn posts(found: &FollowerItems) -> Vec<String> {
    let receipts = found.hugs.iter().flat_map(|hug| {
        let letters = [&hug.invitation, &hug.song];
        letters.map(|letter| letter.receipt.clone())
    });
    // A message has no page; its id is nothing that a person can open.
    receipts
        .flatten()
        .filter_map(|receipt| receipt.url)
        .collect()
}
