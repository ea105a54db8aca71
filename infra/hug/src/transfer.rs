//! `hug export` and `hug import`: a file with one item a line.
//!
//! The first line is a header: the form of the file, when it was written, the accounts, and how many items follow. Each
//! other line is an item in DynamoDB's own JSON.

use std::{
    fs::File,
    io::{BufRead, BufReader, Write},
    path::Path,
};

use have_a_hug::{
    ledger::{Ledger, StoredItem},
    transfer::{self, Export, Imported},
};
use jiff::Timestamp;
use promise::account::AccountName;
use serde::{Deserialize, Serialize};

use crate::{Error, private};

/// The form of the file that this program writes and reads.
const FORM: u32 = 1;

/// The first line.
#[derive(Debug, Deserialize, Serialize)]
struct Header {
    /// The form of the file.
    have_a_hug_export: u32,
    /// When the items were read.
    at: Timestamp,
    /// Whether the export paused the accounts.
    paused: bool,
    /// The accounts.
    accounts: Vec<AccountName>,
    /// How many items follow.
    items: usize,
}

/// Writes one account, or all accounts, of the ledger to `out`. Prints to standard error what it did.
///
/// # Errors
///
/// Where the ledger has no such account, where a hug is being sent, or where the ledger or `out` fails.
pub async fn export(
    ledger: &Ledger,
    account: Option<&AccountName>,
    pauses: bool,
    now: Timestamp,
    out: &mut impl Write,
) -> Result<(), Error> {
    let export = transfer::export(ledger, account, pauses, now).await?;
    let names: Vec<String> = export.accounts.iter().map(ToString::to_string).collect();
    let names = names.join(", ");
    write(&export, pauses, now, out).map_err(|error| {
        let paused = if pauses { ", which are paused here," } else { "" };
        format!("writing the export of {names}{paused} failed: {error}; nothing is lost: repeat the command")
    })?;
    eprintln!("{} items of {names}.", export.items.len());
    if export.items.iter().any(|item| item.settings_of().is_some()) {
        eprintln!(
            "Logins are in it as they are in the table, sealed: they open only with the same key, for a table of the same \
             name. Elsewhere `hug connect --table` seals them anew."
        );
    }
    if pauses {
        eprintln!(
            "The accounts are paused here: nothing is checked or sent. `hug import` of this file continues with them in \
             another ledger; or here, which ends the pause."
        );
    } else {
        eprintln!(
            "The accounts are not paused here. Import this file into another ledger only when no program uses this \
             ledger any more: two ledgers for one account invite twice."
        );
    }
    Ok(())
}

/// Like [`export`], to a file that only its owner can read. The file is opened first, so that no account is paused if
/// the file cannot be opened.
///
/// # Errors
///
/// As [`export`].
pub async fn export_to(
    file: &Path,
    ledger: &Ledger,
    account: Option<&AccountName>,
    pauses: bool,
    now: Timestamp,
) -> Result<(), Error> {
    let failed = |error| format!("writing {} failed: {error}", file.display());
    let mut opened = private::to_write().open(file).map_err(failed)?;
    private::close_to_others(file).map_err(failed)?;
    let mut text = Vec::new();
    export(ledger, account, pauses, now, &mut text).await?;
    opened
        .set_len(0)
        .and_then(|()| opened.write_all(&text))
        .and_then(|()| opened.sync_all())
        .map_err(|error| format!("{}; repeat the command", failed(error)))?;
    Ok(())
}

fn write(export: &Export, paused: bool, at: Timestamp, out: &mut impl Write) -> Result<(), Error> {
    let header = Header {
        have_a_hug_export: FORM,
        at,
        paused,
        accounts: export.accounts.clone(),
        items: export.items.len(),
    };
    writeln!(out, "{}", serde_json::to_string(&header)?)?;
    for item in &export.items {
        writeln!(out, "{}", serde_json::to_string(item)?)?;
    }
    out.flush()?;
    Ok(())
}

/// Reads the items of a file that `hug export` wrote.
///
/// # Errors
///
/// Where the file cannot be read, is not such a file, has a form that this version does not know, or is cut off.
pub fn read(file: &Path) -> Result<Vec<StoredItem>, Error> {
    let failed = |why: String| format!("reading {} failed: {why}", file.display());
    let opened = File::open(file).map_err(|error| failed(error.to_string()))?;
    let mut lines = BufReader::new(opened).lines();
    let first = lines.next().transpose();
    let first = first
        .map_err(|error| failed(error.to_string()))?
        .unwrap_or_default();
    let header: Header = serde_json::from_str(&first)
        .map_err(|_| failed("it is not a file that `hug export` wrote; a file that is written as hug.toml is goes into the table on AWS: add --table NAME".to_owned()))?;
    if header.have_a_hug_export != FORM {
        return Err(failed(format!(
            "it is of form {}, and this version of hug reads form {FORM}",
            header.have_a_hug_export
        ))
        .into());
    }
    let mut items: Vec<StoredItem> = Vec::new();
    for line in lines {
        let line = line.map_err(|error| failed(error.to_string()))?;
        let item = serde_json::from_str(&line);
        let number = items.len() + 2;
        let item =
            item.map_err(|error| failed(format!("line {number} is not an item: {error}")))?;
        items.push(item);
    }
    if items.len() != header.items {
        return Err(failed(format!(
            "it has {} items of {}, so it is cut off",
            items.len(),
            header.items
        ))
        .into());
    }
    Ok(items)
}

/// Imports these items into the ledger. Prints one line for each account to `out`.
///
/// # Errors
///
/// Where the ledger has one of the accounts in a state that an import must not replace, or where the ledger fails.
pub async fn import(
    ledger: &Ledger,
    items: Vec<StoredItem>,
    now: Timestamp,
    out: &mut impl Write,
) -> Result<(), Error> {
    for (name, imported) in transfer::import(ledger, items, now).await? {
        let done = match imported {
            Imported::Here => "is here now, and the next check continues with its mark",
            Imported::HereAlready => "is here already, with the same record as in the file",
        };
        writeln!(out, "{name}  {done}")?;
    }
    Ok(())
}
