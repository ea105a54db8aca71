//! Moving accounts from one ledger to another, with their marks and hugs, so that the second ledger continues where the
//! first one stopped.

use jiff::Timestamp;
use promise::{account::AccountName, record::HandleRecord};

use crate::{
    enrolled::Enrollment,
    ledger::{EnrolledSettings, HandleChange, Ledger, LedgerError, LedgerFailure, StoredItem},
    pause::{PauseError, pause, resume},
    secret::Credentials,
    whole::{WholeAccount, each},
};

/// Why accounts were not exported or imported.
#[derive(Clone, Debug, thiserror::Error)]
pub enum TransferError {
    /// A worker is sending one of the hugs, or the ledger failed.
    #[error(transparent)]
    NotFree(#[from] PauseError),
    /// The ledger failed.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// There is nothing to take.
    #[error("the ledger has nothing of {0}")]
    Nothing(String),
    /// This ledger has the account, or its handle, in a state that an import must not replace.
    #[error("{account} is not changed here: {why}")]
    CannotImport {
        /// The account in the export.
        account: AccountName,
        /// What this ledger has, and what helps.
        why: String,
    },
}

/// What was read from a ledger for an export.
#[derive(Clone, Debug)]
pub struct Export {
    /// The accounts, by name.
    pub accounts: Vec<AccountName>,
    /// Every item of these accounts, and who said stop to one of them. If all accounts were asked for, also every other
    /// item of the table.
    pub items: Vec<StoredItem>,
}

/// Reads all items of one account, or of all accounts. With `pauses`, each account is paused first, so that its records
/// do not change after they are read.
///
/// # Errors
///
/// Where the ledger does not have the account, or while a hug is being sent. Then no account stays paused that was not
/// paused before. Where the ledger fails, an account can stay paused; the same call goes on.
pub async fn export(
    ledger: &Ledger,
    account: Option<&AccountName>,
    pauses: bool,
    now: Timestamp,
) -> Result<Export, TransferError> {
    if pauses {
        let (accounts, _) = meant(ledger, account).await?;
        let mut paused: Vec<&WholeAccount> = Vec::new();
        for one in &accounts {
            if let Err(error) = pause_whole(ledger, one, now).await {
                for earlier in paused {
                    resume_whole(ledger, earlier).await?;
                }
                return Err(error);
            }
            if !one.handles.iter().any(StoredItem::is_paused) {
                paused.push(one);
            }
        }
    }
    let (accounts, others) = meant(ledger, account).await?;
    let items = accounts.iter().flat_map(WholeAccount::all);
    Ok(Export {
        accounts: accounts.iter().map(|one| one.name.clone()).collect(),
        items: items.chain(&others).cloned().collect(),
    })
}

/// The account with this name. For `None`, all accounts, and every item that belongs to none.
async fn meant(
    ledger: &Ledger,
    account: Option<&AccountName>,
) -> Result<(Vec<WholeAccount>, Vec<StoredItem>), TransferError> {
    let (mut accounts, mut others) = each(ledger.everything().await?);
    if let Some(account) = account {
        accounts.retain(|one| one.name == *account);
        // Who said stop is never written to again, in the other ledger either.
        let ids: Vec<_> = accounts.iter().filter_map(|one| one.id.as_ref()).collect();
        others.retain(|item| ids.iter().any(|id| item.stop_for(id).is_some()));
    }
    if accounts.is_empty() {
        let what = account.map_or_else(|| "any account".to_owned(), ToString::to_string);
        return Err(TransferError::Nothing(what));
    }
    Ok((accounts, others))
}

async fn pause_whole(
    ledger: &Ledger,
    one: &WholeAccount,
    now: Timestamp,
) -> Result<(), TransferError> {
    if let Some(id) = &one.id {
        return Ok(pause(ledger, id, &one.known_handles(), now).await?);
    }
    Ok(mark_handles(ledger, one.names().iter(), now).await?)
}

async fn resume_whole(ledger: &Ledger, one: &WholeAccount) -> Result<(), LedgerError> {
    let handles = one.known_handles();
    match &one.id {
        Some(id) => resume(ledger, id, handles.iter().map(|(name, _)| name)).await,
        None => unmark_handles(ledger, one.names().iter()).await,
    }
}

async fn mark_handles(
    ledger: &Ledger,
    names: impl Iterator<Item = &AccountName>,
    now: Timestamp,
) -> Result<(), LedgerError> {
    let paused = HandleChange::from(HandleRecord {
        paused_at: Some(now),
        ..HandleRecord::default()
    });
    for name in names {
        ledger.change_handle(name, &paused).await?;
    }
    Ok(())
}

async fn unmark_handles(
    ledger: &Ledger,
    names: impl Iterator<Item = &AccountName>,
) -> Result<(), LedgerError> {
    let resumed = HandleChange {
        resumed: true,
        ..HandleChange::default()
    };
    for name in names {
        ledger.change_handle(name, &resumed).await?;
    }
    Ok(())
}

/// The result of an import for one account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Imported {
    /// The account was imported.
    Here,
    /// This ledger had the account already, with the record that is in the export.
    HereAlready,
}

/// What this ledger has of an account that is imported.
struct Target {
    items: Vec<StoredItem>,
    imported: Imported,
}

/// Imports accounts into a ledger, in the state that they had at the export, and not paused. Each account is paused
/// here until all its items are here, so that the same call completes an import that was interrupted.
///
/// # Errors
///
/// Where this ledger already has one of the accounts and its record differs, and the account is not paused here or its
/// record here is newer. Then nothing is changed.
pub async fn import(
    ledger: &Ledger,
    items: Vec<StoredItem>,
    now: Timestamp,
) -> Result<Vec<(AccountName, Imported)>, TransferError> {
    let (accounts, others) = each(items);
    let mut targets = Vec::new();
    for one in &accounts {
        for (name, kept) in one.settings.iter().filter_map(StoredItem::settings) {
            read(&one.name, &name, &kept)?;
        }
        targets.push(compare(ledger, one).await?);
    }
    // First of all who said stop, so that no check names them before.
    for item in &others {
        insert_item(ledger, item).await?;
    }
    let mut imported = Vec::new();
    for (one, target) in accounts.iter().zip(targets) {
        bring_one(ledger, one, &target, now).await?;
        imported.push((one.name.clone(), target.imported));
    }
    Ok(imported)
}

/// Decides whether an account can be imported.
async fn compare(ledger: &Ledger, one: &WholeAccount) -> Result<Target, TransferError> {
    let cannot_import = |why: String| TransferError::CannotImport {
        account: one.name.clone(),
        why,
    };
    let mut handle_is_here = false;
    for (name, known) in one.known_handles() {
        let here = ledger.handle(&name).await?;
        handle_is_here |= here.is_some();
        let here = here.and_then(|here| here.id);
        if let (Some(here), Some(there)) = (&here, &known.id)
            && here != there
        {
            return Err(cannot_import(format!(
                "here the handle {name} belongs to the account {here}, and in the export to {there}; `hug forget \
                 {name}` erases the account that is here"
            )));
        }
    }
    let Some(id) = &one.id else {
        let imported = if handle_is_here {
            Imported::HereAlready
        } else {
            Imported::Here
        };
        return Ok(Target {
            items: Vec::new(),
            imported,
        });
    };
    let items = ledger.all_of(id).await?;
    let here = items.iter().find(|item| item.is_account());
    let (Some(here), Some(there)) = (here, one.account()) else {
        if here.is_some() {
            return Err(cannot_import(
                "this ledger has it, and the export contains only a part of it".to_owned(),
            ));
        }
        return Ok(Target {
            items,
            imported: Imported::Here,
        });
    };
    let same = here.paused(None) == there.paused(None);
    let imported = match (here.is_paused(), same) {
        (false, true) => Imported::HereAlready,
        (false, false) => {
            return Err(cannot_import(format!(
                "this ledger serves it already, and its record differs from the export ({}); to keep it, do nothing; \
                 to replace it with the export, erase it here first: `hug forget {}`",
                revisions(here, there),
                one.name
            )));
        }
        // The account comes back: the ledger here was paused for an export, and the account went on elsewhere or not.
        (true, true) => Imported::Here,
        (true, false) if there.revision() > here.revision() => Imported::Here,
        (true, false) => {
            return Err(cannot_import(format!(
                "its record here is newer ({}); import the newest export",
                revisions(here, there)
            )));
        }
    };
    Ok(Target { items, imported })
}

fn revisions(here: &StoredItem, there: &StoredItem) -> String {
    let written = |item: &StoredItem| item.revision().unwrap_or_default();
    format!(
        "written {} times here, {} times there",
        written(here),
        written(there)
    )
}

/// Imports one account. Its handles and the account itself are written first, and paused. So no check makes a baseline
/// and no delivery begins before all items are here. Then the pause ends.
async fn bring_one(
    ledger: &Ledger,
    one: &WholeAccount,
    target: &Target,
    now: Timestamp,
) -> Result<(), TransferError> {
    let handles = one.known_handles();
    let names = || handles.iter().map(|(name, _)| name);
    let open_handles: Vec<StoredItem> = one.handles.iter().map(|item| item.paused(None)).collect();
    if target.imported == Imported::HereAlready {
        // An earlier import can have been interrupted after the account and before its handles.
        for handle in &open_handles {
            insert_item(ledger, handle).await?;
        }
        enroll(ledger, one, target.imported).await?;
        return Ok(unmark_handles(ledger, names()).await?);
    }
    mark_handles(ledger, names(), now).await?;
    let here = target.items.iter().find(|item| item.is_account());
    let paused = one.account().map(|account| account.paused(Some(now)));
    if let Some(paused) = &paused {
        match ledger.replace_item(paused, here).await {
            Err(error) if error.failure == LedgerFailure::LostRace => {
                if here.is_none() {
                    unmark_handles(ledger, names()).await?;
                }
                return Err(TransferError::CannotImport {
                    account: one.name.clone(),
                    why: "another process wrote it at the same time; repeat the command".to_owned(),
                });
            }
            written => written?,
        }
    }
    let others = one.items.iter().filter(|item| !item.is_account());
    let others: Vec<StoredItem> = others.cloned().collect();
    ledger.put_all(&others).await?;
    let is_there = |item: &StoredItem| one.items.iter().any(|there| there.sk() == item.sk());
    let gone = target.items.iter().filter(|item| !is_there(item));
    let gone: Vec<StoredItem> = gone.cloned().collect();
    ledger.delete_all(&gone).await?;
    if let Some(paused) = &paused {
        ledger
            .replace_item(&paused.paused(None), Some(paused))
            .await?;
    }
    ledger.put_all(&open_handles).await?;
    enroll(ledger, one, target.imported).await
}

/// Puts the settings of an account into the table, and makes its row in the roster. Settings that an account has here
/// already are newer than those in the export, unless the account comes back.
async fn enroll(
    ledger: &Ledger,
    one: &WholeAccount,
    imported: Imported,
) -> Result<(), TransferError> {
    for (name, kept) in one.settings.iter().filter_map(StoredItem::settings) {
        if imported == Imported::HereAlready && ledger.enrolled(&name).await?.is_some() {
            continue;
        }
        let row = read(&one.name, &name, &kept)?.row();
        ledger.enroll(&name, &kept, &row).await?;
    }
    Ok(())
}

/// The settings of an account in the export.
fn read(
    account: &AccountName,
    name: &AccountName,
    kept: &EnrolledSettings,
) -> Result<Enrollment, TransferError> {
    let read = Enrollment::read(name, kept.clone(), Credentials::default());
    read.map_err(|error| TransferError::CannotImport {
        account: account.clone(),
        why: error.to_string(),
    })
}

async fn insert_item(ledger: &Ledger, item: &StoredItem) -> Result<(), LedgerError> {
    match ledger.replace_item(item, None).await {
        Err(error) if error.failure != LedgerFailure::LostRace => Err(error),
        _ => Ok(()),
    }
}
