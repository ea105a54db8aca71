//! All items that a ledger has of one account.

use std::collections::{BTreeMap, BTreeSet};

use promise::{
    account::{AccountId, AccountName},
    record::{AccountRecord, HandleRecord},
};

use crate::ledger::{Ledger, LedgerError, StoredItem};

/// All items that a ledger has of one account.
#[derive(Clone, Debug)]
pub struct WholeAccount {
    /// What its creator calls it.
    pub name: AccountName,
    /// The account's id; `None` where no check has read it from the network.
    pub id: Option<AccountId>,
    /// The items of its handles.
    pub handles: Vec<StoredItem>,
    /// Its settings and its login, where they are in the table and not in hug.toml: one item for each handle.
    pub settings: Vec<StoredItem>,
    /// Everything else: the account itself, hugs, growth, who was passed over.
    pub items: Vec<StoredItem>,
    /// The account's name now, where `name` is an earlier one. Then only the item of the earlier handle is here, and
    /// `id` is `None`.
    pub called_now: Option<AccountName>,
}

impl WholeAccount {
    /// An account of which nothing is known but its name.
    fn without_id(name: AccountName) -> Self {
        Self {
            name,
            id: None,
            handles: Vec::new(),
            settings: Vec::new(),
            items: Vec::new(),
            called_now: None,
        }
    }

    /// The names of its handles, and what is known of them.
    pub fn known_handles(&self) -> Vec<(AccountName, HandleRecord)> {
        self.handles.iter().filter_map(StoredItem::handle).collect()
    }

    /// The account itself, unless no check has recorded it.
    pub fn account(&self) -> Option<&StoredItem> {
        self.items.iter().find(|item| item.is_account())
    }

    /// All names under which the ledger has something of it.
    pub fn names(&self) -> BTreeSet<AccountName> {
        let handles = self.known_handles().into_iter().map(|(name, _)| name);
        let settings = self.settings.iter().filter_map(StoredItem::settings_of);
        let all = handles.chain(settings).chain([self.name.clone()]);
        all.collect()
    }

    /// Every item but its rows in the roster, which are made anew in another ledger.
    pub fn all(&self) -> impl Iterator<Item = &StoredItem> {
        let of_handles = self.handles.iter().chain(&self.settings);
        self.items.iter().chain(of_handles)
    }
}

/// Finds all items of the account with this name; `None` where the ledger has none.
///
/// # Errors
///
/// Where the ledger fails.
pub async fn find(
    ledger: &Ledger,
    name: &AccountName,
) -> Result<Option<WholeAccount>, LedgerError> {
    let items = ledger.everything().await?;
    let accounts: Vec<AccountRecord> = items.iter().filter_map(StoredItem::account).collect();
    let handles: Vec<_> = items.iter().filter_map(StoredItem::handle).collect();
    let own = handles.into_iter().find(|(handle, _)| handle == name);
    let own_id = own.as_ref().and_then(|(_, known)| known.id.as_ref());
    let own_id = own_id.map(|id| name.with_id(id));
    let named = accounts.iter().find(|account| account.name == *name);
    let id = named.map(AccountRecord::key).or_else(|| own_id.clone());
    // The name can be an earlier handle of an account that has another name now.
    let is_it = |account: &&AccountRecord| Some(account.key()) == own_id;
    let renamed = accounts.iter().find(is_it).filter(|_| named.is_none());
    if let Some(renamed) = renamed {
        let own = |is_own: &dyn Fn(&StoredItem) -> bool| {
            let own = items.iter().filter(|item| is_own(item));
            own.cloned().collect()
        };
        let is_handle =
            |item: &StoredItem| item.handle().is_some_and(|(handle, _)| handle == *name);
        return Ok(Some(WholeAccount {
            name: name.clone(),
            settings: own(&|item| item.settings_of().as_ref() == Some(name)),
            handles: own(&is_handle),
            called_now: Some(renamed.name.clone()),
            ..WholeAccount::without_id(name.clone())
        }));
    }
    let (accounts, _) = each(items);
    let mut accounts = accounts.into_iter();
    Ok(match id {
        Some(id) => accounts.find(|account| account.id.as_ref() == Some(&id)),
        None => accounts.find(|account| account.name == *name),
    })
}

/// Sorts items into accounts, each with its handles. The second part of the result is the items that belong to none.
pub fn each(items: Vec<StoredItem>) -> (Vec<WholeAccount>, Vec<StoredItem>) {
    #[derive(Default)]
    struct Part {
        handles: Vec<StoredItem>,
        items: Vec<StoredItem>,
    }
    let mut parts: BTreeMap<AccountId, Part> = BTreeMap::new();
    let (mut accounts, mut others) = (Vec::new(), Vec::new());
    let mut enrolled = BTreeSet::new();
    let mut settings = BTreeMap::new();
    for item in items {
        if item.is_of_roster() {
            enrolled.extend(item.of_roster().filter(|_| item.is_enrolled()));
            continue;
        }
        if let Some(name) = item.settings_of() {
            settings.insert(name, item);
            continue;
        }
        match (item.handle(), item.pk().parse::<AccountId>()) {
            (Some((name, known)), _) => match known.id.map(|id| name.with_id(&id)) {
                Some(id) => parts.entry(id).or_default().handles.push(item),
                // No check has learned its id yet.
                None => accounts.push(WholeAccount {
                    handles: vec![item],
                    ..WholeAccount::without_id(name)
                }),
            },
            (None, Ok(id)) => parts.entry(id).or_default().items.push(item),
            (None, Err(_)) => others.push(item),
        }
    }
    for (id, Part { handles, items }) in parts {
        match name_of(&handles, &items) {
            Some(name) => accounts.push(WholeAccount {
                id: Some(id),
                handles,
                items,
                ..WholeAccount::without_id(name)
            }),
            None => others.extend(items),
        }
    }
    for account in &mut accounts {
        let handles = account.known_handles();
        let names = handles.iter().map(|(handle, _)| handle);
        for name in names.chain([&account.name]) {
            account.settings.extend(settings.remove(name));
            enrolled.remove(name);
        }
    }
    // No check has looked at the others yet. A row without settings is what an interrupted command has left.
    enrolled.extend(settings.keys().cloned());
    accounts.extend(enrolled.into_iter().map(|name| WholeAccount {
        settings: settings.remove(&name).into_iter().collect(),
        ..WholeAccount::without_id(name)
    }));
    accounts.sort_by(|a, b| a.name.cmp(&b.name));
    (accounts, others)
}

/// The name of the account that these items belong to.
fn name_of(handles: &[StoredItem], items: &[StoredItem]) -> Option<AccountName> {
    let account = items.iter().find_map(StoredItem::account);
    let handle = || handles.iter().find_map(StoredItem::handle);
    let hug = || items.iter().find_map(StoredItem::hug);
    account
        .map(|account| account.name)
        .or_else(|| Some(handle()?.0))
        .or_else(|| Some(hug()?.account))
}
