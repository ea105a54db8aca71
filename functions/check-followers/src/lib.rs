//! The scheduled function: an event becomes checks, and the checks a summary that a person can read.
//!
//! [`handle`] takes what the schedule sends, `{}`, or a [`ByHand`] request. The rules are in
//! `have_a_hug::check`.

use futures::{FutureExt, StreamExt, stream};
use have_a_hug::{
    Deps,
    account::{AccountName, as_text},
    check::{Ask, Check, Redrive, check},
    milestone::Milestone,
    settings::Account,
};
use lambda_runtime::{Error, LambdaEvent};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How many accounts are looked at side by side: each check waits for the network most of its time.
const SIDE_BY_SIDE: usize = 16;

/// What a person may ask for: `{"account": "x:amber", "dry_run": true}`, or `{"redrive": true}`, or
/// `{"account": "x:amber", "redrive": true, "milestone": 600}`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ByHand {
    /// Only this account.
    pub account: Option<String>,
    /// Look and decide, but write nothing.
    #[serde(default)]
    pub dry_run: bool,
    /// Put every undelivered hug back to work, those that were given up too: the cause is gone.
    #[serde(default)]
    pub redrive: bool,
    /// Of these only the one for this number.
    pub milestone: Option<Milestone>,
}

/// What all the checks came to.
#[derive(Debug, Serialize)]
pub struct Summary {
    /// Whether nothing was written because that was asked for.
    pub dry_run: bool,
    /// How many accounts were looked at.
    pub checked: usize,
    /// How many of these could not be.
    pub failed: usize,
    /// Each of them, in the order of the settings.
    pub accounts: Vec<Looked>,
}

/// One account of a [`Summary`].
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Looked {
    /// It was looked at.
    At(Box<Check>),
    /// It could not be; its mark has not moved.
    Failed {
        /// The account.
        #[serde(with = "as_text")]
        account: AccountName,
        /// What was attempted, and why it failed.
        error: String,
        /// Whether the next check can work without anyone changing anything.
        retry_can_help: bool,
    },
}

/// Checks the accounts that the event asks for.
///
/// # Errors
///
/// An event that asks for something that there is not. A failing account is no error: it is told in
/// the summary and the log, and the others are looked at all the same.
pub async fn handle(event: LambdaEvent<Value>, deps: &Deps) -> Result<Summary, Error> {
    let asked = parse(event.payload)?;
    let accounts = chosen(deps, asked.account.as_deref())?;
    let redrive = match (asked.redrive, asked.milestone) {
        (false, None) => None,
        (true, None) => Some(Redrive::All),
        (true, Some(milestone)) if accounts.len() == 1 => Some(Redrive::Only(milestone)),
        (true, Some(milestone)) => {
            let known: Vec<String> = accounts.iter().map(|one| one.name.to_string()).collect();
            let known = known.join(", ");
            return Err(format!(
                "whose hug for {milestone} is not said; name the account too, one of {known}"
            )
            .into());
        }
        (false, Some(milestone)) => {
            return Err(format!(
                "a milestone is named only to put its hug back to work; send {{\"redrive\": true, \"milestone\": {milestone}}}"
            )
            .into());
        }
    };
    let ask = Ask {
        dry_run: asked.dry_run,
        redrive,
    };
    let checks = accounts
        .into_iter()
        .map(|account| look_at(deps, account, ask));
    let looked: Vec<Looked> = stream::iter(checks).buffered(SIDE_BY_SIDE).collect().await;
    let worked: Vec<&Check> = looked
        .iter()
        .filter_map(|one| match one {
            Looked::At(check) => Some(&**check),
            Looked::Failed { .. } => None,
        })
        .collect();
    let failed = looked.len() - worked.len();
    // A dry run reaches no milestone, and a chart has no place for "would have".
    if !ask.dry_run {
        deps.metrics.checks(&worked, failed, deps.clock.now());
    }
    Ok(Summary {
        dry_run: ask.dry_run,
        checked: looked.len(),
        failed,
        accounts: looked,
    })
}

/// A schedule's own event says nothing that matters here, though its `account` is AWS's; any other
/// is taken at its word, so that a misspelt `dry_run` does not check in earnest.
fn parse(payload: Value) -> Result<ByHand, Error> {
    if payload.is_null() || payload.get("detail-type").is_some() {
        return Ok(ByHand::default());
    }
    serde_json::from_value(payload).map_err(|error| {
        format!("the event asks for something unknown: {error}; send {{}} or {{\"account\": \"x:amber\", \"dry_run\": true}}").into()
    })
}

fn chosen<'a>(deps: &'a Deps, wanted: Option<&str>) -> Result<Vec<&'a Account>, Error> {
    let all = &deps.settings.accounts;
    let Some(wanted) = wanted else {
        return Ok(all.iter().collect());
    };
    let name: AccountName = wanted.parse()?;
    match deps.settings.account(&name) {
        Some(account) => Ok(vec![account]),
        None => {
            let known: Vec<String> = all.iter().map(|account| account.name.to_string()).collect();
            Err(format!(
                "the settings name no account {name}; they name {}",
                known.join(", ")
            )
            .into())
        }
    }
}

async fn look_at(deps: &Deps, account: &Account, ask: Ask) -> Looked {
    let name = &account.name;
    let failed = |error: String, retry_can_help| {
        tracing::error!(account = %name, retry_can_help, error, "check failed");
        Looked::Failed {
            account: name.clone(),
            error,
            retry_can_help,
        }
    };
    let Some((account, network)) = deps.account(name) else {
        return failed(format!("{name} has no network"), false);
    };
    // A defect that one account's data brings to light must not keep the others from being served.
    let looked = std::panic::AssertUnwindSafe(check(deps, account, network, ask)).catch_unwind();
    match looked.await {
        Ok(Ok(check)) => {
            tell(&check);
            Looked::At(Box::new(check))
        }
        Ok(Err(error)) => failed(error.to_string(), error.retry_can_help()),
        Err(_) => failed(
            format!("checking {name} met a defect in this program; see the log"),
            false,
        ),
    }
}

fn tell(check: &Check) {
    let account = &check.account;
    tracing::info!(
        %account, outcome = ?check.outcome, followers_before = check.followers_before,
        followers = check.followers, promised_up_to = check.promised_up_to,
        retry_at = check.retry_at.map(tracing::field::display), "checked"
    );
    for hug in &check.hugs {
        let follower = hug
            .follower
            .as_ref()
            .map(|follower| follower.handle.as_str());
        let evidence = &hug.evidence;
        tracing::info!(
            %account, milestone = hug.milestone.number(), follower, position = evidence.position,
            skipped = evidence.skipped.len() as u64 + evidence.skipped_more, note = evidence.note, "milestone reached"
        );
    }
    if let Some(waiting) = &check.waiting {
        tracing::info!(
            %account, milestone = waiting.milestone.number(), skipped = waiting.skipped.len() as u64 + waiting.skipped_more,
            "milestone waits for a genuine follower"
        );
    }
}

/// Takes bytes for an event; panics where one that asks for nothing known is carried out. For the
/// tests of random input and for `make fuzz`.
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub fn take_in(data: &[u8]) {
    let Ok(payload) = serde_json::from_slice::<Value>(data) else {
        return;
    };
    if let Ok(asked) = parse(payload.clone()) {
        let by_schedule = payload.is_null() || payload.get("detail-type").is_some();
        let known = ["account", "dry_run", "redrive"];
        let fields = payload.as_object().into_iter().flatten();
        assert!(
            by_schedule
                || payload.is_array()
                || fields.clone().all(|(name, _)| known.contains(&&**name))
        );
        let _ = asked.account.map(|account| account.parse::<AccountName>());
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn the_schedules_own_event_asks_for_every_account() {
        let event = json!({ "detail-type": "Scheduled Event", "account": "123456789012" });
        assert!(parse(event).unwrap().account.is_none());
        assert!(parse(json!({})).unwrap().account.is_none());
        assert!(parse(Value::Null).unwrap().account.is_none());
    }

    #[test]
    fn a_misspelt_request_is_refused_and_not_carried_out() {
        let error = parse(json!({ "dryrun": true })).unwrap_err().to_string();
        assert!(error.contains("unknown field `dryrun`"), "{error}");
        assert!(parse(json!({ "account": 7 })).is_err());
        assert!(parse(json!("x:amber")).is_err());
    }

    proptest! {
        #[test]
        fn no_event_makes_the_function_panic_or_is_taken_for_another(
            field in "(account|dry_run|redrive|dryrun|detail-type|.{0,10})", text in any::<String>(), yes in any::<bool>(),
            bytes in any::<Vec<u8>>(),
        ) {
            for value in [json!(text), json!(yes), json!(null), json!([text]), json!({ "a": yes })] {
                let event = json!({ &field: value }).to_string();
                take_in(event.as_bytes());
                take_in(value.to_string().as_bytes());
            }
            take_in(&bytes);
        }
    }
}
