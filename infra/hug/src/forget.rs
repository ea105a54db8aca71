//! `hug forget`: what the ledger has of an account or of a follower, in words, and its end.

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
use promise::{account::AccountName, letter::Receipt};
use rusqlite::{Connection, OpenFlags};

use crate::{Error, table};

/// How often the ledger is looked through again for someone who is erased.
const MAX_LOOKS: usize = 4;

/// How long a process that writes to the ledger's file is waited for.
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

/// Asks at a terminal whether to erase what was listed; `yes` answers it beforehand.
///
/// # Errors
///
/// Where the answer is not yes, or nobody can be asked.
pub fn confirm(yes: bool, out: &mut impl Write) -> Result<(), Error> {
    if yes {
        return Ok(());
    }
    if !stdin().is_terminal() {
        return Err(
            "nothing was erased: it cannot be undone; say that you mean it with --yes".into(),
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

/// Erases everything of an account, after it has said on `out` what that is and `confirm` has agreed.
///
/// # Errors
///
/// Where the ledger has nothing of it, where a hug is being sent, or where the ledger fails.
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
            "The settings still name it: the next check begins anew with it, and what is behind then is not owed."
        )?;
    }
    Ok(())
}

fn account_in_words(found: &WholeAccount) -> String {
    let WholeAccount {
        name, id, items, ..
    } = found;
    if let Some(called_now) = &found.called_now {
        return format!(
            "{name}  is an earlier handle of {called_now}, which is left as it is; only what is known of the handle \
             is erased"
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
        "{name}  ({id}): {accounts} account, {hugs} hugs, {lists} lists of followers who were passed over, {} hours of \
         growth, and what is known of the handles {}",
        items.len() - hugs - lists - accounts,
        handles.join(", ")
    )
}

/// Erases a follower from the accounts that have records of them, after it has said on `out` what that is and
/// `confirm` has agreed. `entirely` erases the stable id too.
///
/// # Errors
///
/// Where the ledger has nothing of them, where their hug is being sent, where a record cannot be read, or where the
/// ledger fails.
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
                "the ledger names nobody @{handle}{whose}; a follower with another handle now is found by id: \
                 --follower id:NUMBER"
            ),
            Who::Id(id) => format!("the ledger names nobody with the id {id}{whose}"),
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
    writeln!(out, "They are erased here.")?;
    if !entirely {
        writeln!(
            out,
            "Hugs keep the network's id, so that nobody writes to them again; --entirely erases that too."
        )?;
    }
    for post in found.iter().flat_map(posts) {
        writeln!(
            out,
            "What was posted is still on the network; delete it there if they want that: {post}"
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
        "a later version of hug wrote {}; use that version to erase them there",
        unreadable.join(", ")
    )
    .into())
}

/// Overwrites what was erased in the file of a local ledger, where the space of deleted rows would keep it; and says on
/// `out` what else can name a person.
///
/// # Errors
///
/// Where `out` fails. While another process writes, the file is left as it is, and that is said.
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
            "The file {} still has it in unused space: {error}; do it again when no `hug watch` runs.",
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
            "{name}  {passed_over} lists of followers who were passed over"
        ));
    }
    for hug in &found.mentions {
        lines.push(format!(
            "{name}  those who were passed over for {}, as an earlier version kept them: all of their names",
            hug.milestone
        ));
    }
    if found.remembered {
        lines.push(format!(
            "{name}  the newest followers that the last checks remember"
        ));
    }
    lines
}

/// A check, or the creator in another terminal, can have named them once more meanwhile.
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
    Err("someone else writes their name into the ledger again and again; end that, then run this command again".into())
}

/// Where the posts for a follower are.
fn posts(found: &FollowerItems) -> Vec<String> {
    let receipts = found.hugs.iter().flat_map(|hug| {
        let letters = [&hug.invitation, &hug.song];
        letters.map(|letter| letter.receipt.clone())
    });
    let place = |Receipt { url, reference, .. }| url.unwrap_or(reference);
    receipts.flatten().map(place).collect()
}
