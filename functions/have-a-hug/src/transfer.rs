//! Taking accounts from one ledger to another, with marks and hugs, so that the other goes on where this one ended.

use jiff::Timestamp;
use promise::{account::AccountName, record::HandleRecord};

use crate::{
    ledger::{HandleChange, Ledger, LedgerError, LedgerFailure, StoredItem},
    pause::{PauseError, pause, resume},
    whole::{WholeAccount, each},
};

/// Why accounts were not taken or brought.
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
    /// The account is here and goes its own way.
    #[error("{account} is not changed here: {why}")]
    NotHere {
        /// Which one.
        account: AccountName,
        /// What is here.
        why: String,
    },
}

/// What was taken from a ledger.
#[derive(Clone, Debug)]
pub struct Taken {
    /// The accounts, by name.
    pub accounts: Vec<AccountName>,
    /// Every item of theirs; and where all accounts were taken, every other item of the table.
    pub items: Vec<StoredItem>,
}

/// Reads everything of one account, or of all. With `pauses` each of them is paused first, so that nothing happens
/// here afterwards that is not among the items.
///
/// # Errors
///
/// Where there is nothing; while a hug is being sent, and then nothing stays paused that was not before.
pub async fn take(
    ledger: &Ledger,
    account: Option<&AccountName>,
    pauses: bool,
    now: Timestamp,
) -> Result<Taken, TransferError> {
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
    Ok(Taken {
        accounts: accounts.iter().map(|one| one.name.clone()).collect(),
        items: items.chain(&others).cloned().collect(),
    })
}

/// The accounts that are meant; and if all are, every other item.
async fn meant(
    ledger: &Ledger,
    account: Option<&AccountName>,
) -> Result<(Vec<WholeAccount>, Vec<StoredItem>), TransferError> {
    let (mut accounts, mut others) = each(ledger.everything().await?);
    if let Some(account) = account {
        accounts.retain(|one| one.name == *account);
        others.clear();
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
    let handles = one.known_handles();
    if let Some(id) = &one.id {
        return Ok(pause(ledger, id, &handles, now).await?);
    }
    let names = handles.iter().map(|(name, _)| name);
    Ok(mark_handles(ledger, names, now).await?)
}

async fn resume_whole(ledger: &Ledger, one: &WholeAccount) -> Result<(), LedgerError> {
    let handles = one.known_handles();
    let names = handles.iter().map(|(name, _)| name);
    match &one.id {
        Some(id) => resume(ledger, id, names).await,
        None => unmark_handles(ledger, names).await,
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

/// What happened to an account that was brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Brought {
    /// It is here now, as it was there.
    Here,
    /// It was here, exactly as it was there.
    HereAlready,
}

/// What a ledger has of an account that is to be brought.
struct Target {
    items: Vec<StoredItem>,
    brought: Brought,
}

/// Brings accounts into a ledger, as they were when they were taken and not paused. Each is paused here until all of it
/// is here, so the same again completes what was interrupted.
///
/// # Errors
///
/// Where an account is here already and is not paused, or newer: then nothing is changed.
pub async fn bring(
    ledger: &Ledger,
    items: Vec<StoredItem>,
    now: Timestamp,
) -> Result<Vec<(AccountName, Brought)>, TransferError> {
    let (accounts, others) = each(items);
    let mut targets = Vec::new();
    for one in &accounts {
        targets.push(compare(ledger, one).await?);
    }
    let mut brought = Vec::new();
    for (one, target) in accounts.iter().zip(targets) {
        bring_one(ledger, one, &target, now).await?;
        brought.push((one.name.clone(), target.brought));
    }
    for item in &others {
        put_if_missing(ledger, item).await?;
    }
    Ok(brought)
}

/// Whether an account can be brought.
async fn compare(ledger: &Ledger, one: &WholeAccount) -> Result<Target, TransferError> {
    let not_here = |why: String| TransferError::NotHere {
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
            return Err(not_here(format!(
                "the handle {name} is that of the account {here} here, and of {there} in the export; `hug forget \
                 {name}` erases the one here"
            )));
        }
    }
    let Some(id) = &one.id else {
        let brought = match handle_is_here {
            true => Brought::HereAlready,
            false => Brought::Here,
        };
        return Ok(Target {
            items: Vec::new(),
            brought,
        });
    };
    let items = ledger.all_of(id).await?;
    let here = items.iter().find(|item| item.is_account());
    let (Some(here), Some(there)) = (here, one.account()) else {
        if here.is_some() {
            return Err(not_here(
                "it is here, and the export has only a part of it".to_owned(),
            ));
        }
        return Ok(Target {
            items,
            brought: Brought::Here,
        });
    };
    let same = here.paused(None) == there.paused(None);
    let brought = match (here.is_paused(), same) {
        (false, true) => Brought::HereAlready,
        (false, false) => {
            return Err(not_here(format!(
                "it is here and at work, and is not as in the export ({}); export it there to bring it here, or \
                 erase it here first: `hug forget {}`",
                revisions(here, there),
                one.name
            )));
        }
        // The export comes home to the ledger that was paused for it, or after the account was elsewhere.
        (true, true) => Brought::Here,
        (true, false) if there.revision() > here.revision() => Brought::Here,
        (true, false) => {
            return Err(not_here(format!(
                "what is here is newer ({}); the newest export brings it back",
                revisions(here, there)
            )));
        }
    };
    Ok(Target { items, brought })
}

fn revisions(here: &StoredItem, there: &StoredItem) -> String {
    let written = |item: &StoredItem| item.revision().unwrap_or_default();
    format!(
        "written {} times here, {} times there",
        written(here),
        written(there)
    )
}

/// Brings one account. Its handles and the account itself come first, paused: so no check makes a baseline meanwhile,
/// and no delivery begins. The pause ends when all is here.
async fn bring_one(
    ledger: &Ledger,
    one: &WholeAccount,
    target: &Target,
    now: Timestamp,
) -> Result<(), TransferError> {
    let handles = one.known_handles();
    let names = || handles.iter().map(|(name, _)| name);
    let open_handles: Vec<StoredItem> = one.handles.iter().map(|item| item.paused(None)).collect();
    if target.brought == Brought::HereAlready {
        // It was interrupted at the very end.
        for handle in &open_handles {
            put_if_missing(ledger, handle).await?;
        }
        return Ok(unmark_handles(ledger, names()).await?);
    }
    mark_handles(ledger, names(), now).await?;
    let here = target.items.iter().find(|item| item.is_account());
    let paused = one.account().map(|account| account.paused(Some(now)));
    if let Some(paused) = &paused {
        match ledger.put_over(paused, here).await {
            Err(error) if error.failure == LedgerFailure::LostRace => {
                if here.is_none() {
                    unmark_handles(ledger, names()).await?;
                }
                return Err(TransferError::NotHere {
                    account: one.name.clone(),
                    why: "someone has written it here meanwhile; do it again".to_owned(),
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
        ledger.put_over(&paused.paused(None), Some(paused)).await?;
    }
    Ok(ledger.put_all(&open_handles).await?)
}

async fn put_if_missing(ledger: &Ledger, item: &StoredItem) -> Result<(), LedgerError> {
    match ledger.put_over(item, None).await {
        Err(error) if error.failure != LedgerFailure::LostRace => Err(error),
        _ => Ok(()),
    }
}
