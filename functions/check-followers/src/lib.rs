//! The scheduled function: an event becomes checks, and the checks a summary that a person can read.
//!
//! [`handle`] takes what the schedule sends, `{}`, or a [`ByHand`] request. The rules are in
//! `have_a_hug::check`. What a round found is a [`Summary`].

mod job;
mod one;
mod pages;
mod places;
mod round;
mod summary;

use std::{panic::AssertUnwindSafe, time::Duration};

use futures::FutureExt;
use have_a_hug::{
    check::{FromRound, Wanted},
    deps::{Deps, Served},
    metrics::CheckCounts,
    settings::NotServed,
};
use jiff::Timestamp;
use lambda_runtime::{Error, LambdaEvent};
use promise::account::AccountName;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use self::summary::{Checked, Summary};
use self::{
    one::{MAX_CHECK, check_one},
    round::round,
    summary::{Found, charted},
};

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
    let chosen = asked.account.as_deref().map(str::parse).transpose()?;
    let found = match &chosen {
        Some(name) => Found {
            accounts: vec![Box::pin(check_alone(deps, name, wanted)).await?],
            ..Found::default()
        },
        None => Box::pin(round(deps, wanted, last_start)).await,
    };
    let mut summary = Summary::of(found, asked.dry_run);
    tracing::info!(
        checked = summary.checked,
        failed = summary.failed,
        skipped = summary.skipped,
        unchanged = summary.unchanged,
        limited = summary.limited,
        "a round of checks"
    );
    if summary.out_of_time > 0 {
        tracing::warn!(
            left = summary.out_of_time,
            "there was not enough time for all accounts; the next round of checks begins with the ones that are left"
        );
    }
    // A dry run is not counted.
    if !asked.dry_run {
        count(deps, &summary, chosen.is_none());
        publish(deps, &summary, last_start).await;
    }
    summary.shorten(deps.settings.accounts.len());
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

/// Checks one account by itself, wherever its settings are.
///
/// # Errors
///
/// No settings name it, or they have switched it off.
async fn check_alone(deps: &Deps, name: &AccountName, wanted: Wanted) -> Result<Checked, Error> {
    let served = match deps.served(name).await {
        Err(why @ (NotServed::Unknown(_) | NotServed::Inactive(_))) => return Err(why.into()),
        served => served,
    };
    let connected = served.as_ref().map(Served::connected);
    let connected = connected.map_err(Clone::clone);
    Ok(check_one(deps, name, connected, wanted, FromRound::default()).await)
}

fn count(deps: &Deps, summary: &Summary, every_account: bool) {
    let now = deps.clock.now();
    let results = &summary.accounts;
    let checks = || results.iter().filter_map(Checked::check);
    let failing = || results.iter().filter(|one| one.is_failing(now));
    // A roster that cannot be read needs a person like an account that cannot be read.
    let roster = usize::from(summary.roster_error.is_some());
    let counts = CheckCounts {
        // A check that met a rate limit did not read the number of followers.
        checked: checks().filter(|check| check.followers.is_some()).count() + summary.unchanged,
        failed: summary.failed + roster,
        reached: checks().map(|check| check.hugs.len()).sum(),
        failing: every_account.then(|| failing().count() + summary.limited_for_long + roster),
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
