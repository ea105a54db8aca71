//! The scheduled function: an event becomes checks, and the checks a summary that a person can read.
//!
//! [`handle`] takes what the schedule sends, `{}`, or a [`ByHand`] request. The rules are in
//! `have_a_hug::check`.

use std::panic::AssertUnwindSafe;

use futures::{FutureExt, StreamExt, stream};
use have_a_hug::{
    check::{Check, check},
    deps::{Connected, Deps},
    metrics::{CheckCounts, MAX_CHARTED},
};
use lambda_runtime::{Error, LambdaEvent};
use promise::{account::AccountName, milestone::Milestone};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How many accounts are checked at the same time: a check waits for the network most of its time.
const MAX_CONCURRENT_CHECKS: usize = 16;

/// What a person may ask for: `{"account": "x:amber", "dry_run": true}`.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ByHand {
    /// Only this account.
    pub account: Option<String>,
    /// Decide the same, but write nothing.
    #[serde(default)]
    pub dry_run: bool,
}

/// The results of all the checks.
#[derive(Debug, Default, Serialize)]
pub struct Summary {
    /// Whether nothing was written because that was asked for.
    pub dry_run: bool,
    /// How many accounts were checked, the failed ones included.
    pub checked: usize,
    /// How many of these checks failed.
    pub failed: usize,
    /// Each of them, in the order of the settings.
    pub accounts: Vec<Checked>,
}

/// One account of a [`Summary`].
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Checked {
    /// What its check found and did.
    Done(Box<Check>),
    /// It could not be checked; its mark has not moved.
    Failed {
        /// The account.
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
/// An event that asks for something unknown. A failing account is not an error: it is in the summary and
/// the log, and the others are checked all the same.
pub async fn handle(event: LambdaEvent<Value>, deps: &Deps) -> Result<Summary, Error> {
    let asked = parse(event.payload)?;
    let accounts = chosen(deps, asked.account.as_deref())?;
    let checks = accounts
        .into_iter()
        .map(|connected| check_one(deps, connected, asked.dry_run));
    let results: Vec<Checked> = stream::iter(checks)
        .buffered(MAX_CONCURRENT_CHECKS)
        .collect()
        .await;
    let failed = results.iter().filter(|one| one.check().is_none()).count();
    // Dry runs are not counted.
    if !asked.dry_run {
        count(deps, &results, failed, asked.account.is_none());
    }
    Ok(Summary {
        dry_run: asked.dry_run,
        checked: results.len(),
        failed,
        accounts: results,
    })
}

impl Checked {
    /// The check, if it did not fail.
    pub fn check(&self) -> Option<&Check> {
        match self {
            Self::Done(check) => Some(check),
            Self::Failed { .. } => None,
        }
    }
}

/// EventBridge's own event has an unrelated `account` (the AWS account), so events with `detail-type`
/// mean `{}`. All others are parsed strictly: a misspelt `dry_run` must not cause a real check.
fn parse(payload: Value) -> Result<ByHand, Error> {
    if payload.is_null() || payload.get("detail-type").is_some() {
        return Ok(ByHand::default());
    }
    serde_json::from_value(payload).map_err(|error| {
        format!("the event asks for something unknown: {error}; send {{}} or {{\"account\": \"x:amber\", \"dry_run\": true}}").into()
    })
}

fn chosen<'a>(deps: &'a Deps, wanted: Option<&str>) -> Result<Vec<Connected<'a>>, Error> {
    let Some(wanted) = wanted else {
        return Ok(deps.all().collect());
    };
    let name: AccountName = wanted.parse()?;
    deps.settings.account(&name)?;
    Ok(deps.connected(&name).into_iter().collect())
}

async fn check_one(deps: &Deps, connected: Connected<'_>, dry_run: bool) -> Checked {
    let account = &connected.account.name;
    // A defect that one account's data triggers must not stop the checks of the others.
    let results = AssertUnwindSafe(check(deps, connected, dry_run)).catch_unwind();
    let (error, retry_can_help) = match results.await {
        Ok(Ok(check)) => {
            log(&check);
            return Checked::Done(Box::new(check));
        }
        Ok(Err(error)) => (error.to_string(), error.retry_can_help()),
        Err(_) => (
            format!("checking {account} met a defect in this program; see the log"),
            false,
        ),
    };
    tracing::error!(%account, retry_can_help, error, "check failed");
    Checked::Failed {
        account: account.clone(),
        error,
        retry_can_help,
    }
}

fn count(deps: &Deps, results: &[Checked], failed: usize, every_account: bool) {
    let now = deps.clock.now();
    let checks = || results.iter().filter_map(Checked::check);
    let counts = CheckCounts {
        // A look that the network put off found nothing.
        checked: checks().filter(|check| check.followers.is_some()).count(),
        failed,
        reached: checks().map(|check| check.hugs.len()).sum(),
        failing: every_account.then_some(0),
        waiting: every_account.then_some(0),
    };
    deps.metrics.checks(&counts, now);
    for (account, followers, next) in charted(results) {
        deps.metrics.followers(account, followers, next, now);
    }
}

/// The counts that are charted. The same accounts are charted at every check, whether they could be read or
/// not; CloudWatch bills for each.
fn charted(results: &[Checked]) -> Vec<(&AccountName, u64, Option<Milestone>)> {
    let checks = results.iter().take(MAX_CHARTED).filter_map(Checked::check);
    let charted =
        checks.filter_map(|check| Some((&check.account, check.followers?, check.next_milestone)));
    charted.collect()
}

fn log(check: &Check) {
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

/// Fuzz entry point: takes bytes as an event, and panics if one with an unknown field is carried out.
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub fn take_in(data: &[u8]) {
    let Ok(payload) = serde_json::from_slice::<Value>(data) else {
        return;
    };
    if let Ok(asked) = parse(payload.clone()) {
        let by_schedule = payload.is_null() || payload.get("detail-type").is_some();
        let known = serde_json::to_value(ByHand::default()).unwrap_or_default();
        let mut fields = payload.as_object().into_iter().flatten();
        assert!(
            by_schedule || payload.is_array() || fields.all(|(name, _)| known.get(name).is_some())
        );
        let _ = asked.account.map(|account| account.parse::<AccountName>());
    }
}

#[cfg(test)]
mod tests {
    use have_a_hug::check::CheckOutcome;
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

    fn checked(followers: Option<u64>) -> Checked {
        Checked::Done(Box::new(Check {
            account: "x:amber".parse().unwrap(),
            id: None,
            outcome: CheckOutcome::NoMilestone,
            followers_before: Some(7),
            followers,
            promised_up_to: Some(7),
            next_milestone: None,
            hugs: Vec::new(),
            waiting: None,
            rearmed: Vec::new(),
            retry_at: None,
        }))
    }

    #[test]
    fn many_accounts_do_not_make_many_metrics() {
        let results: Vec<Checked> = (0..=MAX_CHARTED).map(|_| checked(Some(8))).collect();
        assert_eq!(charted(&results).len(), MAX_CHARTED);
    }

    #[test]
    fn an_account_that_could_not_be_read_draws_no_zero() {
        let account = "x:amber".parse().unwrap();
        let failed = Checked::Failed {
            account,
            error: "no".to_owned(),
            retry_can_help: true,
        };
        let results = [checked(None), failed, checked(Some(8))];
        assert_eq!(charted(&results), [(&"x:amber".parse().unwrap(), 8, None)]);
    }

    #[test]
    fn every_event_by_hand_of_this_repository_is_taken_in() {
        let events = concat!(env!("CARGO_MANIFEST_DIR"), "/../../events/check-followers");
        for file in std::fs::read_dir(events).unwrap() {
            take_in(&std::fs::read(file.unwrap().path()).unwrap());
        }
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
