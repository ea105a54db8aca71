//! What the ledger holds, for a person or a program.

use std::{
    collections::{BTreeMap, HashMap},
    iter,
};

use have_a_hug::{
    enrolled::with_enrolled,
    ledger::{Ledger, LedgerError, Snapshot},
    settings::{Account, Settings},
};
use jiff::Timestamp;
use promise::{
    account::{AccountName, UserId},
    hug::{Hug, HugKey, Status},
    milestone::{Milestone, Plan},
    news::command_with,
    record::{AccountRecord, HandleRecord},
};
use serde::Serialize;

use crate::{
    screen::{below, is_wide, padded},
    trouble::Trouble,
    view::HugView,
    words::{each, follower, how},
};

/// Every account and every hug: the shape of `hug status --json`.
#[derive(Debug, Default, Serialize)]
pub struct Overview {
    /// The accounts, by name: those of the settings, and those that only the ledger has.
    pub accounts: Vec<AccountView>,
    /// The hugs, by account and milestone.
    pub hugs: Vec<HugView>,
    /// Hugs that a later version of this program wrote and this one cannot read: the account, the number and the
    /// reason, as in `x#44196397 600: REASON`.
    pub unreadable: Vec<String>,
}

/// One account.
#[derive(Debug, Serialize)]
pub struct AccountView {
    /// What its creator calls it: `x:amber`.
    pub account: AccountName,
    /// Its id on the network; `null` before the first check got through.
    pub id: Option<UserId>,
    /// Followers at the last check.
    pub followers: Option<u64>,
    /// The mark.
    pub promised_up_to: Option<u64>,
    /// The next milestone; `null` where no settings are at hand to say.
    pub next_milestone: Option<Milestone>,
    /// A milestone that was crossed and has no hug yet.
    pub waiting: Option<WaitingView>,
    /// Time of the last check that succeeded.
    pub checked_at: Option<Timestamp>,
    /// No reading before this time; `null` where nothing is to be waited for.
    pub retry_at: Option<Timestamp>,
    /// Since when every check has failed; `null` while checks succeed.
    pub failing_since: Option<Timestamp>,
    /// The error of the last check that failed; `null` while checks succeed.
    pub last_error: Option<String>,
    /// Why the login failed at its last try; `null` where the login works or was never tried.
    pub login_error: Option<String>,
    /// Why answers, or the videos of the songs, cannot be read until a person acts; `null` where they can.
    pub answers_error: Option<String>,
    /// Since when the account is served from another ledger; `null` where it is served from this one.
    pub paused_at: Option<Timestamp>,
}

/// A milestone that was crossed and waits for a genuine follower.
#[derive(Debug, Serialize)]
pub struct WaitingView {
    /// The number.
    pub milestone: Milestone,
    /// Since when.
    pub since: Timestamp,
    /// How many were passed over.
    pub passed_over: u64,
}

impl Overview {
    /// Reads the whole ledger.
    ///
    /// # Errors
    ///
    /// Where it cannot be read.
    pub async fn read(
        ledger: &Ledger,
        settings: Option<&Settings>,
        now: Timestamp,
    ) -> Result<Self, LedgerError> {
        Ok(Self::of(ledger.snapshot().await?, settings, now))
    }

    /// The overview of a snapshot of the ledger.
    pub fn of(snapshot: Snapshot, settings: Option<&Settings>, now: Timestamp) -> Self {
        let settings = settings.map(|settings| with_enrolled(settings, &snapshot));
        let settings = settings.as_ref();
        let Snapshot {
            accounts,
            hugs,
            unreadable,
            passed_over,
            handles,
            ..
        } = snapshot;
        let named = settings.into_iter().flat_map(|settings| &settings.accounts);
        let named: HashMap<&AccountName, &Account> =
            named.map(|account| (&account.name, account)).collect();
        let mut skipped: HashMap<HugKey, Vec<_>> = HashMap::new();
        for (key, who) in passed_over {
            skipped.entry(key).or_default().extend(who.followers);
        }
        // A hug has the account's name at its time. The handle can have changed since then.
        let names: HashMap<_, _> = accounts
            .iter()
            .map(|account| (account.key(), account.name.clone()))
            .collect();
        let view = |hug: Hug| {
            let key = hug.key();
            let name = names.get(&key.id).unwrap_or(&hug.account);
            let account = named.get(name).copied();
            let skipped = skipped.remove(&key).unwrap_or_default();
            let waits_for_song = hug.status == Status::TopicChosen;
            let mark = settings
                .zip(account.filter(|_| waits_for_song))
                .and_then(|(settings, account)| settings.mark_to_write(account, hug.milestone));
            HugView {
                mark,
                ..HugView::at(now, hug, skipped, account)
            }
        };
        let hugs = hugs.into_iter().map(view).collect();
        let unreadable = unreadable.into_iter().map(|hug| {
            let (account, milestone) = (hug.key.id, hug.key.milestone);
            format!("{account} {milestone}: {}", hug.why)
        });
        Self {
            hugs,
            unreadable: unreadable.collect(),
            accounts: account_views(accounts, handles, &named, now),
        }
    }

    /// The hugs that wait for the creator, then the songs to write, then accounts and hugs; or a sentence if nothing was
    /// checked yet. `width` is how many columns the screen has: if they are enough, accounts and hugs are tables.
    pub fn text(&self, width: Option<usize>) -> String {
        if self.accounts.iter().all(AccountView::is_new) {
            return "Nothing has been checked yet; run `hug check`.".to_owned();
        }
        let accounts = if is_wide(width) {
            account_table(&self.accounts)
        } else {
            account_list(&self.accounts)
        };
        let mut text = self.for_creator() + &self.songs_to_write() + &accounts;
        let waits = |account: &AccountView| account.waiting.is_some();
        if !self.hugs.is_empty() {
            text += &format!("\n{}", hugs_text(&self.hugs, width));
        } else if !self.accounts.iter().any(waits) {
            text += "\nNo milestone has been crossed since the first check.\n";
        }
        for unreadable in &self.unreadable {
            text += &format!("\nA later version of this program wrote {unreadable}");
        }
        text.trim_end().to_owned()
    }

    /// The hugs that wait for the creator, each with what to do; an empty text if no hug waits.
    fn for_creator(&self) -> String {
        let waiting = self.hugs.iter().filter(|hug| hug.needs_creator());
        let waiting: Vec<String> = waiting.filter_map(trouble).collect();
        match waiting.len() {
            0 => String::new(),
            n => format!("{} for you:\n\n{}\n\n", waits(n), waiting.join("\n\n")),
        }
    }

    /// The songs that wait to be written; an empty text if none does.
    fn songs_to_write(&self) -> String {
        let hugs = self.hugs.iter();
        let songs = hugs.filter(|view| view.status == Status::TopicChosen);
        let songs: Vec<String> = songs.map(song_to_write).collect();
        if songs.is_empty() {
            return String::new();
        }
        format!("Songs to write:\n\n{}\n\n", songs.join("\n\n"))
    }
}

/// A song to write: for whom, about what, and how the program learns that it is up.
fn song_to_write(view: &HugView) -> String {
    let HugView { hug, mark, .. } = view;
    let topic = hug.topic.as_ref().map_or("", |topic| topic.text.as_str());
    let (account, milestone) = (&view.account, view.milestone);
    let mark = mark.as_ref().map_or_else(String::new, |mark| {
        format!(", or write {mark} into the title or the description of the video")
    });
    format!(
        "{account} {milestone}, for {}: {topic}\n  when it is up: {}{mark}",
        follower(hug),
        command_with("song", hug, "URL")
    )
}

/// Why a hug is not delivered, and what helps; `None` where nothing is wrong.
fn trouble(view: &HugView) -> Option<String> {
    let (account, milestone, status) = (&view.account, view.milestone, &view.status);
    let trouble = view.trouble.as_ref()?;
    let Trouble {
        what, since, helps, ..
    } = trouble;
    let next = trouble.next_try_in_words(view.seen_at);
    let next = next.unwrap_or_else(|| "not by itself".to_owned());
    let helps = helps.replace('\n', "\n  ");
    Some(format!(
        "{account} {milestone} is {status}: {what}\n  since {since}; tried next: {next}\n  {helps}"
    ))
}

/// `1 hug waits`, `3 hugs wait`.
pub fn waits(hugs: usize) -> String {
    match hugs {
        1 => "1 hug waits".to_owned(),
        n => format!("{n} hugs wait"),
    }
}

fn account_views(
    accounts: Vec<AccountRecord>,
    handles: Vec<(AccountName, HandleRecord)>,
    named: &HashMap<&AccountName, &Account>,
    now: Timestamp,
) -> Vec<AccountView> {
    let records = accounts.into_iter();
    let mut records: HashMap<_, _> = records
        .map(|account| (account.name.clone(), account))
        .collect();
    let handles: BTreeMap<AccountName, HandleRecord> = handles.into_iter().collect();
    let new_handles = handles.iter().filter(|(_, handle)| handle.id.is_none());
    let mut names: Vec<AccountName> = records
        .keys()
        .chain(named.keys().copied())
        .chain(new_handles.map(|(name, _)| name))
        .cloned()
        .collect();
    names.sort();
    names.dedup();
    names
        .into_iter()
        .map(|name| {
            let record = records.remove(&name);
            let handle = handles.get(&name).cloned().unwrap_or_default();
            let plan = named.get(&name).map(|account| account.plan);
            AccountView::of(name, record, handle, plan, now)
        })
        .collect()
}

impl AccountView {
    fn of(
        account: AccountName,
        record: Option<AccountRecord>,
        handle: HandleRecord,
        plan: Option<Plan>,
        now: Timestamp,
    ) -> Self {
        let mark = record.as_ref().map(|record| record.promised_up_to);
        let pending = record.as_ref().and_then(|record| record.pending.as_ref());
        Self {
            account,
            answers_error: record
                .as_ref()
                .and_then(AccountRecord::answers_error)
                .map(str::to_owned),
            waiting: pending.map(|pending| WaitingView {
                milestone: pending.milestone,
                since: pending.since,
                passed_over: pending.passed_over,
            }),
            followers: record.as_ref().map(|record| record.followers),
            checked_at: record.as_ref().map(|record| record.checked_at),
            id: record.map(|record| record.id),
            next_milestone: plan.and_then(|plan| plan.next_after(mark?)),
            promised_up_to: mark,
            retry_at: handle.retry_at.filter(|until| *until > now),
            failing_since: handle.failing_since,
            last_error: handle.last_error,
            login_error: handle.login_error,
            paused_at: handle.paused_at,
        }
    }

    fn is_new(&self) -> bool {
        self.id.is_none() && self.failing_since.is_none() && self.retry_at.is_none()
    }

    /// What a person should know about the account, one sentence each.
    fn remarks(&self) -> Vec<String> {
        let mut remarks = Vec::new();
        if let Some(WaitingView {
            milestone,
            since,
            passed_over,
        }) = &self.waiting
        {
            remarks.push(format!(
                "number {milestone} was crossed and has waited for a genuine follower since {since}; passed over: {passed_over}"
            ));
        }
        if let Some(until) = self.retry_at {
            remarks.push(format!(
                "the network's rate limit is used up: it is read again from {until} on"
            ));
        }
        if let (Some(since), Some(error)) = (self.failing_since, &self.last_error) {
            remarks.push(format!("could not be checked since {since}: {error}"));
        }
        if let Some(error) = &self.login_error {
            remarks.push(format!("the login does not work: {error}"));
        }
        if let Some(error) = &self.answers_error {
            remarks.push(format!("answers or songs cannot be read: {error}"));
        }
        if let Some(since) = self.paused_at {
            remarks.push(format!(
                "paused since {since}, because its ledger was exported; `hug import` of the newest export ends the pause"
            ));
        }
        remarks
    }
}

/// The accounts, one below the other, each with what a person should know about it.
fn account_list(accounts: &[AccountView]) -> String {
    let one = |view: &AccountView| {
        let next = match (&view.waiting, view.next_milestone) {
            (Some(waiting), _) => format!("; number {} waits", waiting.milestone),
            (None, Some(next)) => format!("; next milestone {next}"),
            (None, None) => String::new(),
        };
        let found = match (view.followers, view.checked_at) {
            (Some(followers), Some(time)) => {
                format!("{followers} followers{next}; checked {time}")
            }
            _ => "not checked yet".to_owned(),
        };
        let remarks = view.remarks();
        let remarks = below(remarks.iter().map(String::as_str), 2);
        format!("{}\n  {found}{remarks}\n", view.account)
    };
    accounts.iter().map(one).collect()
}

/// The accounts as a table. The time is last, because its length depends on the reader's zone.
fn account_table(accounts: &[AccountView]) -> String {
    let header = ["account", "followers", "next milestone", "checked"].map(str::to_owned);
    let row = |view: &AccountView| {
        [
            view.account.to_string(),
            or_dash(view.followers),
            match &view.waiting {
                Some(waiting) => format!("{} waits", waiting.milestone),
                None => or_dash(view.next_milestone),
            },
            or_dash(view.checked_at),
        ]
    };
    let rows: Vec<[String; 4]> = iter::once(header).chain(accounts.iter().map(row)).collect();
    let remarks = accounts.iter().map(AccountView::remarks);
    table(&rows, iter::once(Vec::new()).chain(remarks))
}

/// The hugs, each with its follower, its state and who was passed over; then what helps for the hugs in trouble that do
/// not wait for the creator.
pub fn hugs_text(hugs: &[HugView], width: Option<usize>) -> String {
    let facts = |view: &HugView| {
        let trouble = view.trouble.as_ref();
        let how = match trouble {
            None => how(&view.hug),
            Some(_) if view.needs_creator() => "see above".to_owned(),
            Some(_) => "see below".to_owned(),
        };
        let listed = view.passed_over.len() as u64;
        let more = view.hug.evidence.passed_over.saturating_sub(listed);
        let passed_over = each(&view.passed_over, more).join(", ");
        let passed_over = (!passed_over.is_empty()).then(|| format!("passed over: {passed_over}"));
        let how = (!how.is_empty()).then_some(how);
        how.into_iter().chain(passed_over).collect::<Vec<_>>()
    };
    let mut shown = if is_wide(width) {
        let header = ["account", "number", "state", "for"].map(str::to_owned);
        let row = |view: &HugView| {
            [
                view.account.to_string(),
                view.milestone.to_string(),
                view.status.to_string(),
                follower(&view.hug),
            ]
        };
        let rows: Vec<[String; 4]> = iter::once(header).chain(hugs.iter().map(row)).collect();
        table(&rows, iter::once(Vec::new()).chain(hugs.iter().map(facts)))
    } else {
        let one = |view: &HugView| {
            let (account, milestone, status) = (&view.account, view.milestone, &view.status);
            let facts = facts(view);
            let facts = below(facts.iter().map(String::as_str), 2);
            let follower = follower(&view.hug);
            format!("{account} {milestone} {status}, for {follower}{facts}\n")
        };
        hugs.iter().map(one).collect()
    };
    for view in hugs.iter().filter(|view| !view.needs_creator()) {
        shown.extend(trouble(view).map(|trouble| format!("\n{trouble}\n")));
    }
    shown
}

/// Rows of cells below each other, and below each row its own lines, indented. The last cell of a row has no limit.
fn table<const N: usize>(rows: &[[String; N]], facts: impl Iterator<Item = Vec<String>>) -> String {
    let widths: Vec<usize> = (0..N)
        .map(|at| {
            let cells = rows.iter().map(|row| row[at].chars().count());
            cells.max().unwrap_or_default()
        })
        .collect();
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(&widths);
        let cells: Vec<String> = cells.map(|(cell, width)| padded(cell, *width)).collect();
        cells.join("  ").trim_end().to_owned()
    };
    let with_facts = rows.iter().zip(facts).map(|(row, facts)| {
        let facts = below(facts.iter().map(String::as_str), 2);
        format!("{}{facts}\n", line(row))
    });
    with_facts.collect()
}

fn or_dash(value: Option<impl ToString>) -> String {
    value.map_or_else(|| "–".to_owned(), |value| value.to_string())
}
