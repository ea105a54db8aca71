//! What the page of the songs shows: read from the ledger. The page itself is made in the crate
//! [`songbook`].
//!
//! Nothing is written, and no secret is needed. For each account this reads what is known of its handle, the account,
//! its hugs and its hourly counts; for each network, who said stop.

use std::collections::{HashMap, HashSet};

use ::songbook::{Count, Records, Songbook};
use jiff::Timestamp;
use promise::{account::UserId, hug::Hug, news::Site, record::AccountRecord};

use crate::{
    ledger::{Ledger, LedgerError},
    settings::{Account, Settings},
};

/// The page shows the first so many accounts of the settings that are switched on. It limits what a page costs to read,
/// where the settings name thousands.
pub const MAX_ACCOUNTS: usize = 20;

/// What the ledger has of one account; of one that was never checked it has nothing.
#[derive(Default)]
struct Stored {
    account: Option<AccountRecord>,
    hugs: Vec<Hug>,
    counts: Vec<Count>,
    /// Where it is listed who said stop.
    scope: Option<String>,
}

/// Reads what the page shows at `now`.
///
/// # Errors
///
/// Where the ledger cannot be read. A hug that this version cannot read is left out.
pub async fn read(
    ledger: &Ledger,
    settings: &Settings,
    now: Timestamp,
) -> Result<Songbook, LedgerError> {
    let (mut all, mut stopped) = (Vec::new(), HashMap::new());
    for account in shown(settings).take(MAX_ACCOUNTS) {
        let handle = ledger.handle(&account.name).await?;
        let mut stored = Stored::default();
        if let Some(id) = handle.and_then(|handle| handle.id) {
            let id = account.name.with_id(&id);
            let scope = id.scope();
            if !stopped.contains_key(&scope) {
                stopped.insert(scope.clone(), ledger.stops(&id).await?);
            }
            let mut record = ledger.account(&id).await?;
            let counts = ledger.counts(&id, now).await?;
            if let (Some(record), Some(newest)) = (&mut record, counts.last()) {
                // A check at which nothing happened writes only the hour's count.
                record.checked_at = record.checked_at.max(newest.at);
            }
            stored = Stored {
                account: record,
                hugs: ledger.hugs(&id).await?.known,
                counts,
                scope: Some(scope),
            };
        }
        all.push((account, stored));
    }
    Ok(book(settings, &all, &stopped))
}

/// What the page shows before there is a ledger.
pub fn unread(settings: &Settings) -> Songbook {
    let accounts = shown(settings).take(MAX_ACCOUNTS);
    let all: Vec<_> = accounts
        .map(|account| (account, Stored::default()))
        .collect();
    book(settings, &all, &HashMap::new())
}

fn shown(settings: &Settings) -> impl Iterator<Item = &Account> {
    let accounts = settings.accounts.iter();
    accounts.filter(|account| account.is_active())
}

fn book(
    settings: &Settings,
    all: &[(&Account, Stored)],
    stopped: &HashMap<String, HashSet<UserId>>,
) -> Songbook {
    let nobody = HashSet::new();
    let sites: Vec<Site> = all.iter().map(|(account, _)| account.site()).collect();
    let records = all.iter().zip(&sites).map(|((account, stored), site)| {
        let scope = stored.scope.as_ref();
        Records {
            name: &account.name,
            site,
            creator: account.creator.as_deref(),
            plan: account.plan,
            account: stored.account.as_ref(),
            hugs: &stored.hugs,
            counts: &stored.counts,
            stopped: scope
                .and_then(|scope| stopped.get(scope))
                .unwrap_or(&nobody),
        }
    });
    let records: Vec<Records<'_>> = records.collect();
    let left_out = shown(settings).count() - all.len();
    Songbook::of(&settings.songbook, &records, left_out)
}
