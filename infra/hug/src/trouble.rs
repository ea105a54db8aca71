//! What keeps a hug from its follower, and what helps: the one place that judges hugs.

use jiff::Timestamp;
use promise::hug::{Hug, Status};
use serde::Serialize;

/// One hug, and what keeps it from its follower.
#[derive(Debug, Serialize)]
pub struct HugView {
    /// All that the ledger holds of it.
    #[serde(flatten)]
    pub hug: Hug,
    /// `null` where it is delivered, or on its way as it should be.
    pub trouble: Option<Trouble>,
}

/// Why a hug has not been delivered, when it is tried next, and what helps.
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

impl HugView {
    /// A hug as it is now.
    pub fn at(now: Timestamp, hug: Hug) -> Self {
        Self {
            trouble: Trouble::of(&hug, now),
            hug,
        }
    }
}

impl Trouble {
    /// What is wrong with a hug; `None` where nothing is.
    fn of(hug: &Hug, now: Timestamp) -> Option<Self> {
        let claimed = hug.lease_until.is_some_and(|until| until > now);
        let next_try = hug.next_try(now);
        let why = match (hug.status, &hug.reason) {
            (Status::Reached | Status::Inviting | Status::Undeliverable, Some(reason)) => reason,
            (Status::Reached, None) if hug.rearmed > 0 || next_try == Some(now) => {
                "it is recorded, but nothing has delivered it"
            }
            (Status::Inviting, None) if !claimed => "it was cut off while it was being sent",
            (Status::Undeliverable, None) => "no reason was kept",
            _ => return None,
        };
        let retry = format!("hug retry {} --account {}", hug.milestone, hug.account);
        let helps = match (hug.status, next_try) {
            (Status::Undeliverable, _) => format!("remove the cause, then `{retry}`"),
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
                Status::Undeliverable => hug.updated_at,
                _ => hug.reached_at,
            },
            next_try,
            helps,
        })
    }
}
