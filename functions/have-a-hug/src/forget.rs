//! Erasing from the ledger: all of an account, or a follower.

use jiff::Timestamp;
use promise::{
    account::{AccountId, AccountName, UserId},
    erase::{Person, erase_hug},
    evidence::PassedOver,
    hug::{Hug, HugKey},
    milestone::Milestone,
    unknown::Unknown,
};

use crate::{
    ledger::{
        GlanceChange, HandleChange, Ledger, LedgerError, LedgerFailure, Recording, StoredItem,
    },
    pause::{PauseError, is_paused, pause},
    whole::{WholeAccount, each},
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

/// Erases everything of an account. It is paused first, so that no check or delivery brings a part of it back. The
/// handles are erased last: until then, the same command finds what is left after a crash.
///
/// # Errors
///
/// While a worker is sending one of its hugs; then nothing is erased.
pub async fn forget_account(
    ledger: &Ledger,
    account: &WholeAccount,
    now: Timestamp,
) -> Result<(), ForgetError> {
    let handles = account.known_handles();
    if let Some(id) = &account.id {
        pause(ledger, id, &handles, now).await?;
        end_enrollment(ledger, account).await?;
        erase_hugs(ledger, id).await?;
        let rest = ledger.all_of(id).await?;
        let (itself, others): (Vec<_>, Vec<_>) = rest.into_iter().partition(StoredItem::is_account);
        ledger.delete_all(&others).await?;
        ledger.delete_all(&itself).await?;
    }
    end_enrollment(ledger, account).await?;
    Ok(ledger.delete_all(&account.handles).await?)
}

/// Erases the rows of an account in the roster, so that no round begins with it, and then its settings and its login.
async fn end_enrollment(ledger: &Ledger, account: &WholeAccount) -> Result<(), LedgerError> {
    for name in account.names() {
        ledger.unenroll(&name).await?;
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
    /// The ids and handles of the follower in the records.
    pub person: Person,
    /// The hugs for them.
    pub hugs: Vec<Hug>,
    /// Hugs for others that an earlier version wrote, which name them among those who were passed over.
    pub mentions: Vec<Hug>,
    /// The lists of followers who were passed over that contain the follower.
    pub passed_over: Vec<(StoredItem, PassedOver)>,
    /// Whether the account remembers them as one of its newest followers.
    pub remembered: bool,
    /// Hugs that name them and that this version cannot read.
    pub unreadable: Vec<String>,
    /// Whether the ledger keeps their id because they said stop, and that is to be erased, too.
    pub said_stop: bool,
}

impl FollowerItems {
    fn is_empty(&self) -> bool {
        self.unreadable.is_empty() && !self.can_be_erased()
    }

    /// Whether something of them is in records that this version can change.
    pub fn can_be_erased(&self) -> bool {
        self.remembered
            || !self.hugs.is_empty()
            || !self.mentions.is_empty()
            || !self.passed_over.is_empty()
            || self.said_stop
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
    let (accounts, others) = each(ledger.everything().await?);
    let everyone = people(who, &accounts);
    let mut found = Vec::new();
    for whole in accounts {
        let Some(id) = whole.id else { continue };
        if account.is_some_and(|account| *account != whole.name) {
            continue;
        }
        let scope = id.scope();
        let person = everyone.iter().find(|(of, _)| *of == scope);
        let Some((_, person)) = person else { continue };
        let mut of_person = of_person(id, whole.name, &whole.items, person, entirely);
        let stops = others
            .iter()
            .filter_map(|item| item.stop_for(&of_person.id));
        let said_stop = stops.into_iter().any(|id| person.ids.contains(&id));
        of_person.said_stop = entirely && said_stop;
        if !of_person.is_empty() {
            found.push(of_person);
        }
    }
    Ok(found)
}

/// The follower, for each network or server on which ids are unique.
fn people(who: &Who, accounts: &[WholeAccount]) -> Vec<(String, Person)> {
    let mut people: Vec<(String, Person)> = Vec::new();
    for WholeAccount { id, items, .. } in accounts {
        let Some(id) = id else { continue };
        let scope = id.scope();
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
    let hugs = hugs.flat_map(|hug| {
        let passed = hug.passed.map(|passed| passed.follower);
        let both = hug.follower.into_iter().chain(passed);
        both.map(|one| (one.id, one.handle))
    });
    let passed_over = items.iter().filter_map(StoredItem::passed_over);
    let passed_over = passed_over.flat_map(|list| list.followers);
    hugs.chain(passed_over.map(|one| (one.id, one.handle)))
        .collect()
}

fn of_person(
    id: AccountId,
    name: AccountName,
    items: &[StoredItem],
    person: &Person,
    entirely: bool,
) -> FollowerItems {
    let mut found = FollowerItems {
        id,
        name,
        person: person.clone(),
        hugs: Vec::new(),
        mentions: Vec::new(),
        passed_over: Vec::new(),
        remembered: false,
        unreadable: Vec::new(),
        said_stop: false,
    };
    for item in items {
        if item.is_hug() {
            let named = item
                .texts()
                .iter()
                .any(|text| person.is(&(*text).into(), text));
            match item.hug() {
                Some(hug) if person.is_named_by(&hug) => found.hugs.push(hug),
                Some(hug) if entirely && person.is_erased_in(&hug) => found.hugs.push(hug),
                Some(hug) if person.is_erased_in(&hug) => {}
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
        again(async || erase_one(ledger, &key, found, entirely, now).await).await?;
    }
    for hug in &found.mentions {
        let key = hug.key();
        again(async || erase_mention(ledger, &key, now).await).await?;
    }
    if found.said_stop {
        ledger.forget_stop(&found.id, &found.person.ids).await?;
    }
    for (item, without) in &found.passed_over {
        ledger.replace_passed_over(item, without).await?;
    }
    Ok(())
}

/// Repeats `act` after another process wrote first.
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
    if is_paused(&before) {
        return Err(ForgetError::Paused(before.name));
    }
    let after = found.person.erase_from_account(&before);
    let recording = Recording {
        before: Some(&before),
        after: &after,
        hugs: &[],
        passed_over: &[],
        handle: &HandleChange::default(),
        glance: GlanceChange::Remove,
    };
    Ok(ledger.record_check(recording).await?)
}

/// Erases a person from one hug. If the hug was for them, its account lists it as settled then.
async fn erase_one(
    ledger: &Ledger,
    key: &HugKey,
    found: &FollowerItems,
    entirely: bool,
    now: Timestamp,
) -> Result<(), ForgetError> {
    let Some(hug) = ledger.hug(key).await? else {
        return Ok(());
    };
    PauseError::unless_free(&hug, now)?;
    let Ok(erased) = erase_hug(&hug, &found.person, entirely, now) else {
        return Ok(());
    };
    let Some(mut account) = ledger.account(&key.id).await? else {
        return Ok(ledger.replace_hug(&erased).await?);
    };
    let settled = |milestone: &Milestone| *milestone == key.milestone;
    if erased.status.has_ended() {
        account.unsettled.retain(|milestone| !settled(milestone));
    }
    account.revision += 1;
    Ok(ledger.record_hug_and_account(&account, &erased).await?)
}

/// Writes another follower's hug in today's form, which contains no names of followers who were passed over.
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
