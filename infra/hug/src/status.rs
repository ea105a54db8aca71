//! What the ledger holds, for a person or a program.

use comfy_table::{ContentArrangement, Table, presets::UTF8_FULL_CONDENSED};
use have_a_hug::{
    hug::{Hug, Refusal, Skipped, Status as Stand},
    invitation::Channel,
    ledger::{Everything, Ledger, LedgerError},
    milestone::{Milestone, Plan},
};
use jiff::Timestamp;
use serde::Serialize;

/// Every account and every hug: the shape of `hug status --json`.
#[derive(Debug, Default, Serialize)]
pub struct Status {
    /// The accounts, by name.
    pub accounts: Vec<AccountStatus>,
    /// The hugs, by account and milestone.
    pub hugs: Vec<HugStatus>,
}

/// One hug, and what keeps it from its follower.
#[derive(Debug, Serialize)]
pub struct HugStatus {
    /// All that the ledger holds of it.
    #[serde(flatten)]
    pub hug: Hug,
    /// `null` where it goes its way.
    pub trouble: Option<Trouble>,
}

/// Why a hug has not been delivered, and what comes next.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Trouble {
    /// What happened.
    pub what: String,
    /// Since when it is given up, or owed.
    pub since: Timestamp,
    /// When a check tries it by itself; `null` where none will.
    pub next_try: Option<Timestamp>,
    /// What a person can do.
    pub helps: String,
}

impl HugStatus {
    /// A hug as it stands now.
    pub fn at(now: Timestamp, hug: Hug) -> Self {
        Self {
            trouble: Trouble::of(&hug, now),
            hug,
        }
    }
}

impl Trouble {
    /// What is wrong with a hug; `None` where it is delivered, or on its way as it should be.
    fn of(hug: &Hug, now: Timestamp) -> Option<Self> {
        let claimed = hug.lease_until.is_some_and(|until| until > now);
        let next_try = hug.next_try(now);
        let why = match (hug.status, &hug.reason) {
            (Stand::Reached | Stand::Inviting | Stand::Undeliverable, Some(reason)) => reason,
            (Stand::Reached, None) if hug.rearmed > 0 || next_try == Some(now) => {
                "it is written down, but nothing has delivered it"
            }
            (Stand::Inviting, None) if !claimed => "it was cut off while it was being sent",
            (Stand::Undeliverable, None) => "no reason was kept",
            _ => return None,
        };
        let retry = format!(
            "hug retry --account {} --milestone {}",
            hug.account, hug.milestone
        );
        let helps = match (hug.status, next_try) {
            (Stand::Undeliverable, _) => format!("remove the cause, then `{retry}`"),
            _ if claimed => "wait: a check or `hug watch` goes on with it then".to_owned(),
            (_, None) => format!("`{retry}`; else the next check gives it up"),
            (_, Some(_)) => format!(
                "remove the cause; a check or `hug watch` goes on with it then, and `{retry}` at once"
            ),
        };
        let refused = hug
            .refusals
            .iter()
            .map(|refusal| format!("; {}: {}", refusal.channel, refusal.reason));
        Some(Self {
            what: std::iter::once(why.to_string()).chain(refused).collect(),
            since: match hug.status {
                Stand::Undeliverable => hug.updated_at,
                _ => hug.reached_at,
            },
            next_try,
            helps,
        })
    }
}

/// One account.
#[derive(Debug, Serialize)]
pub struct AccountStatus {
    /// What its creator calls it: `x:amber`.
    pub account: String,
    /// Its id on the network; `null` before the first check got through.
    pub id: Option<String>,
    /// Followers at the last check.
    pub followers: Option<u64>,
    /// The mark.
    pub promised_up_to: Option<u64>,
    /// The next milestone; `null` where no settings are at hand to say.
    pub next_milestone: Option<Milestone>,
    /// When the last check was.
    pub checked_at: Option<Timestamp>,
    /// No reading before this time; `null` where nothing is to be waited for.
    pub retry_at: Option<Timestamp>,
}

impl Status {
    /// Reads the whole ledger.
    ///
    /// # Errors
    ///
    /// Where it cannot be read.
    pub async fn read(
        ledger: &Ledger,
        plan: Option<Plan>,
        now: Timestamp,
    ) -> Result<Self, LedgerError> {
        let Everything {
            accounts,
            hugs,
            signposts,
        } = ledger.everything().await?;
        let retry_at = |name: &str| {
            let signpost = signposts
                .iter()
                .find(|(key, _)| key.replacen('@', ":", 1) == name)?;
            signpost.1.retry_at.filter(|until| *until > now)
        };
        let mut shown: Vec<AccountStatus> = accounts
            .iter()
            .map(|account| AccountStatus {
                account: account.account.to_string(),
                id: Some(account.id.clone()),
                followers: Some(account.followers),
                promised_up_to: Some(account.promised_up_to),
                next_milestone: plan.and_then(|plan| plan.next_after(account.promised_up_to)),
                checked_at: Some(account.checked_at),
                retry_at: retry_at(&account.account.to_string()),
            })
            .collect();
        // A handle whose very first check was told to wait has no account yet.
        for (key, signpost) in signposts
            .iter()
            .filter(|(_, signpost)| signpost.id.is_none())
        {
            shown.push(AccountStatus {
                account: key.replacen('@', ":", 1),
                id: None,
                followers: None,
                promised_up_to: None,
                next_milestone: None,
                checked_at: None,
                retry_at: signpost.retry_at.filter(|until| *until > now),
            });
        }
        Ok(Self {
            accounts: shown,
            hugs: hugs
                .into_iter()
                .map(|hug| HugStatus::at(now, hug))
                .collect(),
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
                account.account.clone(),
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
pub fn hugs_table(hugs: &[HugStatus]) -> String {
    let mut shown = table(["account", "hug", "for", "status", "how", "passed over"]);
    let mut below = String::new();
    for HugStatus { hug, trouble } in hugs {
        let draft = hug.invitation.as_ref().filter(|invitation| {
            invitation.channel == Channel::Draft && hug.status == Stand::Invited
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

/// Those who were passed over, and why.
pub fn each(skipped: &[Skipped], more: u64) -> Vec<String> {
    let one = |one: &Skipped| format!("@{} ({})", one.handle, one.reasons.join(", "));
    let rest = (more > 0).then(|| format!("and {more} more"));
    skipped.iter().map(one).chain(rest).collect()
}

/// Whom a hug is for.
pub fn follower(hug: &Hug) -> String {
    match &hug.follower {
        Some(follower) => format!("@{}", follower.handle),
        None => format!("my {} follower", hug.milestone.ordinal()),
    }
}

/// The channels that were tried before, and what the network said.
pub fn refused(hug: &Hug) -> Vec<String> {
    let one = |one: &Refusal| format!("{} was refused: {}", one.channel, one.reason);
    hug.refusals.iter().map(one).collect()
}

/// How the invitation travelled, or why it has not.
pub fn how(hug: &Hug) -> String {
    match (&hug.invitation, &hug.reason) {
        (Some(invitation), None) if invitation.channel == Channel::Draft => {
            format!(
                "draft, for you to send: {}",
                invitation.reference.as_deref().unwrap_or_default()
            )
        }
        (Some(invitation), None) => {
            format!(
                "{} {}",
                invitation.channel,
                invitation.reference.as_deref().unwrap_or("(under way)")
            )
        }
        (_, Some(reason)) => reason.clone(),
        (None, None) => String::new(),
    }
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
