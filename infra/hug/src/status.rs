//! What the ledger holds, for a person or a program.

use std::collections::HashMap;

use comfy_table::{ContentArrangement, Table, presets::UTF8_FULL_CONDENSED};
use have_a_hug::{
    ledger::{Ledger, LedgerError, Snapshot},
    settings::Settings,
};
use jiff::Timestamp;
use promise::{
    account::{AccountName, UserId},
    channel::Channel,
    hug::Status,
    milestone::Milestone,
};
use serde::Serialize;

use crate::{
    trouble::HugView,
    words::{each, follower, how, refused},
};

/// Every account and every hug: the shape of `hug status --json`.
#[derive(Debug, Default, Serialize)]
pub struct Overview {
    /// The accounts, by name.
    pub accounts: Vec<AccountView>,
    /// The hugs, by account and milestone.
    pub hugs: Vec<HugView>,
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
    /// The next milestone; `null` where the settings do not name the account.
    pub next_milestone: Option<Milestone>,
    /// When the last check was.
    pub checked_at: Option<Timestamp>,
    /// No reading before this time; `null` where nothing is to be waited for.
    pub retry_at: Option<Timestamp>,
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
        let Snapshot {
            accounts,
            hugs,
            handles,
        } = ledger.snapshot().await?;
        let waits: HashMap<&AccountName, Timestamp> = handles
            .iter()
            .filter_map(|(name, handle)| {
                Some((name, handle.retry_at.filter(|until| *until > now)?))
            })
            .collect();
        let retry_at = |name: &AccountName| waits.get(name).copied();
        let plans: HashMap<_, _> = settings
            .into_iter()
            .flat_map(|settings| &settings.accounts)
            .map(|account| (&account.name, account.plan))
            .collect();
        let mut shown: Vec<AccountView> = accounts
            .into_iter()
            .map(|account| AccountView {
                retry_at: retry_at(&account.name),
                next_milestone: plans
                    .get(&account.name)
                    .and_then(|plan| plan.next_after(account.promised_up_to)),
                account: account.name,
                id: Some(account.id),
                followers: Some(account.followers),
                promised_up_to: Some(account.promised_up_to),
                checked_at: Some(account.checked_at),
            })
            .collect();
        // A handle that the network asked to wait for at the very first check has no account yet.
        let unknown = handles.iter().filter(|(_, handle)| handle.id.is_none());
        shown.extend(unknown.map(|(name, _)| AccountView {
            account: name.clone(),
            id: None,
            followers: None,
            promised_up_to: None,
            next_milestone: None,
            checked_at: None,
            retry_at: retry_at(name),
        }));
        Ok(Self {
            accounts: shown,
            hugs: hugs.into_iter().map(|hug| HugView::at(now, hug)).collect(),
        })
    }

    /// Both lists as tables, or a word on why there is nothing yet.
    pub fn tables(&self) -> String {
        if self.accounts.is_empty() {
            return "Nothing has been checked yet; `hug check` does.".to_owned();
        }
        let mut accounts = table([
            "account",
            "followers",
            "next milestone",
            "checked at",
            "wait until",
        ]);
        for account in &self.accounts {
            accounts.add_row([
                account.account.to_string(),
                or_dash(account.followers),
                or_dash(account.next_milestone),
                or_dash(account.checked_at),
                or_dash(account.retry_at),
            ]);
        }
        if self.hugs.is_empty() {
            return format!("{accounts}\nNo milestone has been crossed since the first check.");
        }
        format!("{accounts}\n{}", hugs_table(&self.hugs))
    }
}

/// The hugs as a table, and below it what a person may want to copy: the words of drafts, and what
/// helps where something is in the way.
pub fn hugs_table(hugs: &[HugView]) -> String {
    let mut shown = table(["account", "hug", "for", "status", "how", "passed over"]);
    let mut below = String::new();
    for HugView { hug, trouble } in hugs {
        let draft = hug.invitation.as_ref().filter(|invitation| {
            invitation.channel == Channel::Draft && hug.status == Status::Invited
        });
        let name = format!("{} {}", hug.account, hug.milestone);
        shown.add_row([
            hug.account.to_string(),
            hug.milestone.to_string(),
            follower(hug),
            hug.status.to_string(),
            match (trouble, draft) {
                (Some(_), _) => "see below".to_owned(),
                (None, Some(_)) => "draft, for you to send: see below".to_owned(),
                (None, None) => how(hug),
            },
            each(&hug.evidence.skipped, hug.evidence.skipped_more).join("\n"),
        ]);
        if let Some(trouble) = trouble {
            let next = trouble
                .next_try
                .map_or_else(|| "not by itself".to_owned(), |time| time.to_string());
            below += &format!(
                "\n\n{name}: {}\n  since {}; tried next: {next}\n  {}",
                trouble.what, trouble.since, trouble.helps
            );
        } else if let Some(draft) = draft {
            let link = draft.reference.as_deref().unwrap_or_default();
            below += &format!(
                "\n\n{name}, for you to send to {}:\n  {}\n  {link}",
                follower(hug),
                draft.text
            );
            for refusal in refused(hug) {
                below += &format!("\n  ({refusal})");
            }
        }
    }
    format!("{shown}{below}")
}

fn table<const N: usize>(header: [&str; N]) -> Table {
    let mut table = Table::new();
    table
        .load_style(UTF8_FULL_CONDENSED)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(120)
        .set_header(header);
    table
}

fn or_dash(value: Option<impl ToString>) -> String {
    value.map_or_else(|| "–".to_owned(), |value| value.to_string())
}
