//! Erasing from the ledger: all of an account, or a follower.

use jiff::Timestamp;
use promise::{
    account::{AccountId, AccountName, NetworkName, UserId},
    erase::{Person, erase_hug},
    evidence::PassedOver,
    hug::{Hug, HugKey},
    milestone::Milestone,
    record::{AccountRecord, HandleRecord},
    unknown::Unknown,
};

use crate::{
    ledger::{HandleChange, Ledger, LedgerError, LedgerFailure, Recording, StoredItem},
    pause::{PauseError, pause},
};

/// How often something that someone else wrote meanwhile is read and decided again.
const MAX_RACES: usize = 8;

/// Why something was not erased.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ForgetError {
    /// A worker is sending one of the hugs, or the ledger failed.
    #[error(transparent)]
    NotFree(#[from] PauseError),
    /// The ledger failed.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The account is served from another ledger.
    #[error(
        "{0} is paused here, because it is served from another ledger: erase the follower there, and all of the \
         account here with `hug forget {0}`"
    )]
    Paused(AccountName),
}

/// Everything that the ledger has of an account.
#[derive(Clone, Debug)]
pub struct AccountItems {
    /// What its creator calls it.
    pub name: AccountName,
    /// Its ids: none where no check has learned one.
    pub ids: Vec<AccountId>,
    /// Its handles, as far as the ledger knows them.
    pub handles: Vec<(AccountName, HandleRecord)>,
    /// Its other items.
    pub items: Vec<StoredItem>,
    /// What the account is called now, where the name is an earlier one: then only the handle is erased.
    pub called_now: Option<AccountName>,
}

/// Finds everything of the account with that name; `None` where there is nothing.
///
/// # Errors
///
/// Where the ledger fails.
pub async fn find_account(
    ledger: &Ledger,
    name: &AccountName,
) -> Result<Option<AccountItems>, LedgerError> {
    let all = ledger.everything().await?;
    let handles: Vec<_> = all.iter().filter_map(StoredItem::handle).collect();
    let accounts: Vec<AccountRecord> = all.iter().filter_map(StoredItem::account).collect();
    let own = handles.iter().find(|(handle, _)| handle == name);
    let own = own.and_then(|(_, known)| Some(name.with_id(known.id.as_ref()?)));
    let named = accounts.iter().filter(|account| account.name == *name);
    let mut ids: Vec<AccountId> = named.map(AccountRecord::key).collect();
    let mut called_now = None;
    if let Some(own) = own.filter(|own| !ids.contains(own)) {
        // The handle can be an earlier one of an account that has another name now.
        let renamed = accounts.iter().find(|account| account.key() == own);
        called_now = renamed.map(|account| account.name.clone());
        if called_now.is_none() {
            ids.push(own);
        }
    }
    let is_of_it = |handle: &AccountName, known: &HandleRecord| {
        let id = known.id.as_ref().map(|id| handle.with_id(id));
        handle == name || id.is_some_and(|id| ids.contains(&id))
    };
    let handles: Vec<_> = handles
        .into_iter()
        .filter(|(handle, known)| is_of_it(handle, known))
        .collect();
    let pks: Vec<String> = ids.iter().map(ToString::to_string).collect();
    let items: Vec<StoredItem> = all
        .into_iter()
        .filter(|item| pks.iter().any(|pk| pk == item.pk()))
        .collect();
    let found = AccountItems {
        name: name.clone(),
        ids,
        handles,
        items,
        called_now,
    };
    let nothing = found.handles.is_empty() && found.items.is_empty();
    Ok((!nothing).then_some(found))
}

/// Erases everything of an account. It is paused first, so that no check or delivery brings a part of it back. The
/// handles are erased last: until then, the same command finds what is left after a crash.
///
/// # Errors
///
/// While a worker is sending one of its hugs; then nothing is erased.
pub async fn forget_account(
    ledger: &Ledger,
    account: &AccountItems,
    now: Timestamp,
) -> Result<(), ForgetError> {
    for id in &account.ids {
        pause(ledger, id, &account.handles, now).await?;
    }
    for id in &account.ids {
        erase_hugs(ledger, id).await?;
        let (account, others): (Vec<_>, Vec<_>) = ledger
            .all_of(id)
            .await?
            .into_iter()
            .partition(|item| item.account().is_some());
        ledger.delete_all(&others).await?;
        ledger.delete_all(&account).await?;
    }
    for (name, _) in &account.handles {
        ledger.delete_handle(name).await?;
    }
    Ok(())
}

/// Erases the hugs of an account that is paused. A check that was at work can still have put one back to
/// `reached`; then all are read again.
async fn erase_hugs(ledger: &Ledger, id: &AccountId) -> Result<(), LedgerError> {
    let mut races = 0;
    loop {
        let items = ledger.all_of(id).await?;
        let mut lost = None;
        for hug in items.iter().filter(|item| item.is_hug()) {
            match ledger.delete(hug).await {
                Err(error) if error.failure == LedgerFailure::LostRace => lost = Some(error),
                erased => erased?,
            }
        }
        match lost {
            None => return Ok(()),
            Some(error) if races == MAX_RACES => return Err(error),
            Some(_) => races += 1,
        }
    }
}

/// Which follower is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// The one with that handle in the records, without an `@`.
    Handle(String),
    /// The one with that stable id.
    Id(UserId),
}

/// Everything that the ledger has of a follower in one account.
#[derive(Clone, Debug)]
pub struct FollowerItems {
    /// The account.
    pub id: AccountId,
    /// What its creator calls it.
    pub name: AccountName,
    /// Who it is, by what the records say.
    pub person: Person,
    /// The hugs for them.
    pub hugs: Vec<Hug>,
    /// Hugs for others that an earlier version wrote, which name them among those who were passed over.
    pub mentions: Vec<Hug>,
    /// The lists of those who were passed over that name them.
    pub passed_over: Vec<(StoredItem, PassedOver)>,
    /// Whether the account remembers them as one of its newest followers.
    pub remembered: bool,
    /// Hugs that name them and that this version cannot read.
    pub unreadable: Vec<String>,
}

impl FollowerItems {
    fn is_empty(&self) -> bool {
        self.hugs.is_empty()
            && self.mentions.is_empty()
            && self.passed_over.is_empty()
            && self.unreadable.is_empty()
            && !self.remembered
    }
}

/// Finds everything of a follower: first their ids, by the handle that any record has, then all records with those ids.
/// `entirely` also finds hugs that have nothing but the id.
///
/// # Errors
///
/// Where the ledger fails.
pub async fn find_follower(
    ledger: &Ledger,
    who: &Who,
    account: Option<&AccountName>,
    entirely: bool,
) -> Result<Vec<FollowerItems>, LedgerError> {
    let all = ledger.everything().await?;
    let of = |item: &StoredItem| item.pk().parse::<AccountId>().ok();
    let mut ids: Vec<AccountId> = all.iter().filter_map(of).collect();
    ids.sort();
    ids.dedup();
    let mut found = Vec::new();
    let parts: Vec<(AccountId, Vec<StoredItem>)> = ids
        .into_iter()
        .map(|id| {
            let own = all.iter().filter(|item| of(item).as_ref() == Some(&id));
            let own = own.cloned().collect();
            (id, own)
        })
        .collect();
    let all_people = people(who, &parts);
    for (id, items) in parts {
        let Some(name) = name_of(&items) else {
            continue;
        };
        if account.is_some_and(|account| *account != name) {
            continue;
        }
        let scope = scope(&id);
        let person = all_people.iter().find(|(of, _)| *of == scope);
        let Some((_, person)) = person else { continue };
        let of_person = of_person(&id, name, &items, person, entirely);
        if !of_person.is_empty() {
            found.push(of_person);
        }
    }
    Ok(found)
}

/// A network, or one server of it: where an id means one person. On Mastodon the creator's id has the server in it.
type Scope = (NetworkName, String);

fn scope(id: &AccountId) -> Scope {
    let server = id.id.as_str().split_once('@').map_or("", |(_, server)| server);
    (id.network, server.to_owned())
}

/// The person that is meant, in each place where ids mean something.
fn people(who: &Who, parts: &[(AccountId, Vec<StoredItem>)]) -> Vec<(Scope, Person)> {
    let mut people: Vec<(Scope, Person)> = Vec::new();
    for (id, items) in parts {
        let scope = scope(id);
        let at = people.iter().position(|(of, _)| *of == scope);
        let at = at.unwrap_or_else(|| {
            let mut person = Person::default();
            match who {
                Who::Handle(handle) => person.handles.insert(handle.to_lowercase()),
                Who::Id(id) => person.ids.insert(id.clone()),
            };
            people.push((scope, person));
            people.len() - 1
        });
        let person = &mut people[at].1;
        for (id, handle) in named_in(items) {
            match who {
                Who::Handle(meant) if handle.to_lowercase() == meant.to_lowercase() => {
                    person.ids.insert(id);
                }
                Who::Id(meant) if id == *meant && !handle.is_empty() => {
                    person.handles.insert(handle.to_lowercase());
                }
                _ => {}
            }
        }
    }
    people
}

/// Everyone whom these items name.
fn named_in(items: &[StoredItem]) -> Vec<(UserId, String)> {
    let hugs = items.iter().filter_map(StoredItem::hug);
    let hugs = hugs.filter_map(|hug| hug.follower.map(|one| (one.id, one.handle)));
    let passed_over = items.iter().filter_map(StoredItem::passed_over);
    let passed_over = passed_over.flat_map(|list| list.followers);
    hugs.chain(passed_over.map(|one| (one.id, one.handle)))
        .collect()
}

/// What the creator calls the account of these items.
fn name_of(items: &[StoredItem]) -> Option<AccountName> {
    let account = items.iter().find_map(StoredItem::account);
    let hug = || items.iter().find_map(StoredItem::hug);
    account
        .map(|account| account.name)
        .or_else(|| hug().map(|hug| hug.account))
}

fn of_person(
    id: &AccountId,
    name: AccountName,
    items: &[StoredItem],
    person: &Person,
    entirely: bool,
) -> FollowerItems {
    let mut found = FollowerItems {
        id: id.clone(),
        name,
        person: person.clone(),
        hugs: Vec::new(),
        mentions: Vec::new(),
        passed_over: Vec::new(),
        remembered: false,
        unreadable: Vec::new(),
    };
    for item in items {
        if item.is_hug() {
            let named = item.texts().iter().any(|text| person.is(&(*text).into(), text));
            match item.hug() {
                Some(hug) if person.is_named_by(&hug) => found.hugs.push(hug),
                Some(hug) if person.is_erased_in(&hug) => {
                    if entirely {
                        found.hugs.push(hug);
                    }
                }
                Some(hug) if named => found.mentions.push(hug),
                None if named => found.unreadable.push(item.sk().to_owned()),
                _ => {}
            }
        } else if let Some(list) = item.passed_over() {
            if let Some(without) = person.erase_from_passed_over(&list) {
                found.passed_over.push((item.clone(), without));
            }
        } else if let Some(account) = item.account() {
            found.remembered = person.is_remembered_by(&account);
        }
    }
    found
}

/// Erases a follower from the records of one account. The account is written first, so that a check that is at work
/// loses the race and cannot bring the person back. What cannot be read is left as it is.
///
/// # Errors
///
/// While a worker is sending the hug for them.
pub async fn forget_follower(
    ledger: &Ledger,
    found: &FollowerItems,
    entirely: bool,
    now: Timestamp,
) -> Result<(), ForgetError> {
    for hug in found.hugs.iter().chain(&found.mentions) {
        PauseError::unless_free(hug, now)?;
    }
    again(async || erase_from_account(ledger, found).await).await?;
    for hug in &found.hugs {
        let key = hug.key();
        again(async || erase_one(ledger, &key, entirely, now).await).await?;
    }
    for hug in &found.mentions {
        let key = hug.key();
        again(async || erase_mention(ledger, &key, now).await).await?;
    }
    for (item, without) in &found.passed_over {
        ledger.replace_passed_over(item, without).await?;
    }
    Ok(())
}

/// Does it again where someone else wrote first.
async fn again(act: impl AsyncFn() -> Result<(), ForgetError>) -> Result<(), ForgetError> {
    let mut races = 0;
    loop {
        match act().await {
            Err(ForgetError::Ledger(error))
                if error.failure == LedgerFailure::LostRace && races < MAX_RACES =>
            {
                races += 1;
            }
            ended => return ended,
        }
    }
}

async fn erase_from_account(ledger: &Ledger, found: &FollowerItems) -> Result<(), ForgetError> {
    let Some(before) = ledger.account(&found.id).await? else {
        return Ok(());
    };
    if before.unknown.contains_key("paused_at") {
        return Err(ForgetError::Paused(before.name));
    }
    let after = found.person.erase_from_account(&before);
    let recording = Recording {
        before: Some(&before),
        after: &after,
        hugs: &[],
        passed_over: &[],
        handle: &HandleChange::default(),
    };
    Ok(ledger.record_check(recording).await?)
}

/// Erases the follower of one hug. Its account lists it as settled then.
async fn erase_one(
    ledger: &Ledger,
    key: &HugKey,
    entirely: bool,
    now: Timestamp,
) -> Result<(), ForgetError> {
    let Some(hug) = ledger.hug(key).await? else {
        return Ok(());
    };
    PauseError::unless_free(&hug, now)?;
    let Ok(erased) = erase_hug(&hug, entirely, now) else {
        return Ok(());
    };
    let Some(mut account) = ledger.account(&key.id).await? else {
        return Ok(ledger.replace_hug(&erased).await?);
    };
    let settled = |milestone: &Milestone| *milestone == key.milestone;
    account.unsettled.retain(|milestone| !settled(milestone));
    account.revision += 1;
    Ok(ledger.record_by_hand(&account, &erased).await?)
}

/// Writes a hug for someone else anew: the form of today has no names of those who were passed over.
async fn erase_mention(ledger: &Ledger, key: &HugKey, now: Timestamp) -> Result<(), ForgetError> {
    let Some(mut hug) = ledger.hug(key).await? else {
        return Ok(());
    };
    PauseError::unless_free(&hug, now)?;
    hug.unknown = Unknown::new();
    hug.evidence.unknown = Unknown::new();
    hug.news = None;
    hug.revision += 1;
    Ok(ledger.replace_hug(&hug).await?)
}
