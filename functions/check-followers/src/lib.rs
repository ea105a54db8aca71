//! The scheduled function: an event becomes checks, and the checks a summary that a person can read.
//!
//! [`handle`] takes what the schedule sends, `{}`, or a [`ByHand`] request. The rules are in
//! `have_a_hug::check`. What a round found is a [`Summary`].

mod summary;

use std::{future::Future, panic::AssertUnwindSafe, sync::atomic::Ordering, time::Duration};

use futures::{FutureExt, StreamExt, stream};
use have_a_hug::{
    check::{Check, CheckError, Wanted, check},
    deps::Deps,
    ledger::LedgerError,
    metrics::CheckCounts,
    settings::{Account, NotServed},
};
use jiff::Timestamp;
use lambda_runtime::{Error, LambdaEvent};
use promise::account::AccountName;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use self::summary::charted;
pub use self::summary::{Checked, Summary};

/// How many accounts are checked at the same time: a check waits for the network most of its time.
const MAX_CONCURRENT_CHECKS: usize = 16;

/// How long the check of one account may take. A request may take ten seconds, so this is enough for two slow requests
/// and the ledger. The function has 120 seconds (infra/template.yaml), so checks can begin in the first 90 of them.
const MAX_CHECK: Duration = Duration::from_secs(25);

/// No check begins when less of the function's time is left than this: a check and the summary must fit in.
const MIN_TIME_LEFT: Duration = Duration::from_secs(MAX_CHECK.as_secs() + 5);

/// What a person may ask for: `{"account": "x:amber", "dry_run": true}`.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ByHand {
    /// Only this account.
    pub account: Option<String>,
    /// Decide the same, but write nothing.
    #[serde(default)]
    pub dry_run: bool,
    /// Try the logins, whenever they were last tried.
    #[serde(default)]
    pub logins: bool,
}

/// Checks the accounts that the event asks for.
///
/// # Errors
///
/// An event that asks for something unknown. A failing account is not an error: it is in the summary and
/// the log, and the others are checked all the same.
pub async fn handle(event: LambdaEvent<Value>, deps: &Deps) -> Result<Summary, Error> {
    let last_start = last_start(event.context.deadline);
    let asked = parse(event.payload)?;
    let wanted = Wanted {
        dry_run: asked.dry_run,
        login: asked.logins,
    };
    let mut accounts: Vec<_> = chosen(deps, asked.account.as_deref())?
        .into_iter()
        .enumerate()
        .collect();
    let begin = deps.turn.load(Ordering::Relaxed);
    let first = begin.checked_rem(accounts.len()).unwrap_or_default();
    accounts.rotate_left(first);
    let checks = accounts.into_iter().map(|(place, account)| {
        let one = check_one(deps, account, wanted, last_start);
        one.map(move |checked| (place, checked))
    });
    let results = in_order(checks).await;
    let reached = results.iter().filter(|one| !one.is_out_of_time()).count();
    if reached < results.len() {
        let left = results.len() - reached;
        tracing::warn!(
            left,
            "there was not enough time for all accounts; the next round of checks begins with the ones that are left"
        );
    }
    let summary = Summary {
        dry_run: asked.dry_run,
        checked: results.iter().filter(|one| !one.is_skipped()).count(),
        failed: results
            .iter()
            .filter(|one| matches!(one, Checked::Failed { .. }))
            .count(),
        skipped: results.iter().filter(|one| one.is_skipped()).count(),
        accounts: results,
    };
    // A dry run is not counted, and does not change which account the next round begins with.
    if !asked.dry_run {
        if asked.account.is_none() {
            deps.turn.store(first + reached, Ordering::Relaxed);
        }
        count(deps, &summary, asked.account.is_none());
        publish(deps, &summary, last_start).await;
    }
    Ok(summary)
}

/// The time after which no check begins; `None` where the function has no time limit. `deadline` comes from Lambda, in
/// milliseconds since 1970; it is 0 outside Lambda.
fn last_start(deadline: u64) -> Option<Timestamp> {
    let deadline = i64::try_from(deadline).ok().filter(|millis| *millis > 0)?;
    Timestamp::from_millisecond(deadline)
        .ok()?
        .checked_sub(MIN_TIME_LEFT)
        .ok()
}

/// Runs the checks at the same time, so that none waits for a slow one. Returns the results in the order of their
/// places.
async fn in_order<T>(checks: impl Iterator<Item = impl Future<Output = (usize, T)>>) -> Vec<T> {
    let mut results: Vec<(usize, T)> = stream::iter(checks)
        .buffer_unordered(MAX_CONCURRENT_CHECKS)
        .collect()
        .await;
    results.sort_by_key(|(place, _)| *place);
    results.into_iter().map(|(_, result)| result).collect()
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

/// The accounts that are asked for: the one with the name `wanted`, or all that are not switched off.
fn chosen<'a>(deps: &'a Deps, wanted: Option<&str>) -> Result<Vec<&'a Account>, Error> {
    let Some(wanted) = wanted else {
        let accounts = deps.settings.accounts.iter();
        return Ok(accounts.filter(|account| account.is_active()).collect());
    };
    let name: AccountName = wanted.parse()?;
    let account = deps.settings.account(&name)?;
    match &account.credentials {
        Err(why @ NotServed::Inactive(_)) => Err(why.clone().into()),
        _ => Ok(vec![account]),
    }
}

async fn check_one(
    deps: &Deps,
    account: &Account,
    wanted: Wanted,
    last_start: Option<Timestamp>,
) -> Checked {
    let account = &account.name;
    if last_start.is_some_and(|last| deps.clock.now() > last) {
        let why = "no time was left for it; the next round of checks begins with the accounts that are left";
        return Checked::Skipped {
            account: account.clone(),
            why: why.to_owned(),
            retry_can_help: true,
            failing_since: None,
        };
    }
    let connected = match deps.connected(account) {
        Ok(connected) => connected,
        Err(why) => {
            tracing::error!(%account, %why, "not checked; a person has to act");
            return Checked::Skipped {
                failing_since: remember_failure(deps, account, wanted.dry_run, &why.to_string())
                    .await,
                account: account.clone(),
                why: why.to_string(),
                retry_can_help: false,
            };
        }
    };
    match limited(account, Box::pin(check(deps, connected, wanted))).await {
        Ok(check) => {
            log(&check);
            Checked::Done(check)
        }
        Err(Failed {
            error,
            retry_can_help,
        }) => {
            tracing::error!(%account, retry_can_help, error, "check failed");
            Checked::Failed {
                failing_since: remember_failure(deps, account, wanted.dry_run, &error).await,
                account: account.clone(),
                error,
                retry_can_help,
            }
        }
    }
}

/// Records that an account could not be checked. Returns since when it could not; `None` where that is not recorded.
async fn remember_failure(
    deps: &Deps,
    account: &AccountName,
    dry_run: bool,
    error: &str,
) -> Option<Timestamp> {
    if dry_run {
        return None;
    }
    let recorded = deps.ledger.record_failure(account, deps.clock.now(), error);
    let warn =
        |error: &LedgerError| tracing::warn!(%account, %error, "the failure is not recorded");
    recorded.await.inspect_err(warn).ok()
}

/// Why a check failed.
struct Failed {
    error: String,
    retry_can_help: bool,
}

/// Runs a check that may fail, take too long or panic. Each of these becomes a result, so that the checks of other
/// accounts go on.
async fn limited(
    account: &AccountName,
    check: impl Future<Output = Result<Check, CheckError>>,
) -> Result<Box<Check>, Failed> {
    let check = AssertUnwindSafe(check).catch_unwind();
    let failed = |error, retry_can_help| Failed {
        error,
        retry_can_help,
    };
    match tokio::time::timeout(MAX_CHECK, check).await {
        Ok(Ok(checked)) => checked
            .map(Box::new)
            .map_err(|error| failed(error.to_string(), error.retry_can_help())),
        Ok(Err(_)) => Err(failed(
            format!(
                "checking {account} failed because of a defect in this program; the log says where"
            ),
            false,
        )),
        Err(_) => Err(failed(
            format!(
                "checking {account} took longer than {} seconds and was stopped, so that other accounts need not wait; the next check tries again",
                MAX_CHECK.as_secs()
            ),
            true,
        )),
    }
}

fn count(deps: &Deps, summary: &Summary, every_account: bool) {
    let now = deps.clock.now();
    let results = &summary.accounts;
    let checks = || results.iter().filter_map(Checked::check);
    let failing = || results.iter().filter(|one| one.is_failing(now));
    let counts = CheckCounts {
        // A check that met a rate limit did not read the number of followers.
        checked: checks().filter(|check| check.followers.is_some()).count(),
        failed: summary.failed,
        reached: checks().map(|check| check.hugs.len()).sum(),
        failing: every_account.then(|| failing().count()),
        waiting: every_account.then(|| checks().map(|check| check.for_creator.len()).sum()),
    };
    deps.metrics.checks(&counts, now);
    for (account, followers, next) in charted(results) {
        deps.metrics.followers(account, followers, next, now);
    }
}

/// Publishes the songbook if that is due. A failure changes nothing about the checks, and the next round tries again.
async fn publish(deps: &Deps, summary: &Summary, last_start: Option<Timestamp>) {
    let Some(publisher) = &deps.publisher else {
        return;
    };
    let now = deps.clock.now();
    let checks = summary.accounts.iter().filter_map(Checked::check);
    let changed_at = checks.filter_map(|check| check.hug_changed_at).max();
    let in_time = last_start.is_none_or(|last| now <= last);
    if !in_time || !publisher.is_due(now, changed_at) {
        return;
    }
    let publishing = Box::pin(publisher.publish(&deps.ledger, &deps.settings, now));
    let publishing = AssertUnwindSafe(publishing).catch_unwind();
    let why = match tokio::time::timeout(MAX_CHECK, publishing).await {
        Ok(Ok(Ok(published))) => return tracing::info!(?published, "the songbook"),
        Ok(Ok(Err(error))) => error.to_string(),
        Ok(Err(_)) => "of a defect in this program; the log says where".to_owned(),
        Err(_) => format!("it took longer than {} seconds", MAX_CHECK.as_secs()),
    };
    tracing::error!(
        why,
        "the songbook was not published; the next check tries again"
    );
    deps.metrics.songbook_failed(now);
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
            passed_over = evidence.passed_over, status = %hug.status, note = evidence.note, "milestone reached"
        );
    }
    if let Some(waiting) = &check.waiting {
        tracing::info!(
            %account, milestone = waiting.milestone.number(), why = waiting.why,
            passed_over = waiting.skipped.len() as u64 + waiting.skipped_before, "milestone waits"
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

    #[tokio::test(start_paused = true)]
    async fn a_check_that_takes_longer_than_25_seconds_is_stopped_and_can_work_next_time() {
        let account = "x:amber".parse().unwrap();
        let Err(Failed {
            error,
            retry_can_help,
        }) = limited(&account, std::future::pending()).await
        else {
            panic!("it did not fail");
        };
        let words = "checking x:amber took longer than 25 seconds";
        assert!(error.contains(words) && retry_can_help, "{error}");
    }

    #[tokio::test(start_paused = true)]
    async fn no_account_waits_behind_a_slow_one_and_the_results_are_in_the_order_of_the_settings() {
        let (done, slow) = futures::channel::oneshot::channel();
        let done = std::cell::Cell::new(Some(done));
        let slow = std::cell::Cell::new(Some(slow));
        // The first check ends only when the last has begun, and more lie between them than are run at a time.
        let last = 2 * MAX_CONCURRENT_CHECKS;
        let checks = (0..=last).map(|place| {
            let (done, slow) = (&done, &slow);
            async move {
                match place {
                    0 => slow.take().unwrap().await.unwrap(),
                    _ if place == last => done.take().unwrap().send(()).unwrap(),
                    _ => {}
                }
                (place, place)
            }
        });
        let results = tokio::time::timeout(MAX_CHECK, in_order(checks)).await;
        assert_eq!(results.unwrap(), (0..=last).collect::<Vec<_>>());
    }

    #[test]
    fn no_account_is_begun_in_the_last_half_minute_before_lambda_ends_the_function() {
        let deadline = |time: &str| {
            let time: Timestamp = time.parse().unwrap();
            last_start(time.as_millisecond().try_into().unwrap())
        };
        let last = deadline("2026-11-22T14:02:00Z").unwrap();
        assert_eq!(last.to_string(), "2026-11-22T14:01:30Z");
        assert_eq!(last_start(0), None, "the command has no time limit");
        assert_eq!(last_start(u64::MAX), None);
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
            field in "(account|dry_run|logins|redrive|dryrun|detail-type|.{0,10})", text in any::<String>(), yes in any::<bool>(),
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
