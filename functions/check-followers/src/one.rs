//! The check of one account, so limited that it stops the check of no other account.

use std::{future::Future, panic::AssertUnwindSafe, time::Duration};

use futures::FutureExt;
use have_a_hug::{
    check::{Check, CheckError, CheckOutcome, FromRound, Wanted, check},
    deps::{Connected, Deps},
    ledger::LedgerError,
    settings::NotServed,
};
use jiff::Timestamp;
use promise::account::AccountName;

use crate::summary::Checked;

/// How long the check of one account may take. A request may take ten seconds, so this is enough for two slow requests
/// and the ledger. The function has 120 seconds (infra/template.yaml), so checks can begin in the first 90 of them.
pub(crate) const MAX_CHECK: Duration = Duration::from_secs(25);

/// Checks one account, and records that it could not be checked.
pub(crate) async fn check_one(
    deps: &Deps,
    account: &AccountName,
    connected: Result<Connected<'_>, NotServed>,
    wanted: Wanted,
    round: FromRound,
) -> Checked {
    let had_glance = round.glance.is_some();
    let connected = match connected {
        Ok(connected) => connected,
        Err(why) => {
            let retry_can_help = why.retry_can_help();
            tracing::error!(%account, retry_can_help, %why, "not checked");
            let why = why.to_string();
            return Checked::Skipped {
                failing_since: remember_failure(deps, account, wanted, had_glance, &why).await,
                account: account.clone(),
                why,
                retry_can_help,
            };
        }
    };
    match limited(account, Box::pin(check(deps, connected, wanted, round))).await {
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
                failing_since: remember_failure(deps, account, wanted, had_glance, &error).await,
                account: account.clone(),
                error,
                retry_can_help,
            }
        }
    }
}

/// Records that an account could not be checked, and lets the next round check it whatever its count is, so that it
/// finds out when that is over. Returns since when the account could not be checked; `None` where that is not recorded.
async fn remember_failure(
    deps: &Deps,
    account: &AccountName,
    wanted: Wanted,
    had_glance: bool,
    error: &str,
) -> Option<Timestamp> {
    if wanted.dry_run {
        return None;
    }
    let warn =
        |error: &LedgerError| tracing::warn!(%account, %error, "the failure is not recorded");
    if had_glance {
        let looked = deps.ledger.look_again(account).await;
        looked.inspect_err(warn).ok()?;
    }
    let recorded = deps.ledger.record_failure(account, deps.clock.now(), error);
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

fn log(check: &Check) {
    if check.outcome == CheckOutcome::Unchanged {
        return;
    }
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

#[cfg(test)]
mod tests {
    use super::*;

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
}
