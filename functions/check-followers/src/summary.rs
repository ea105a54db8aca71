//! What a round of checks found, as a person reads it, and which of its accounts need one.

use have_a_hug::{
    check::{Check, CheckOutcome},
    ledger::LedgerError,
    metrics::MAX_CHARTED,
};
use jiff::{SignedDuration, Timestamp};
use promise::{account::AccountName, milestone::Milestone};
use serde::Serialize;

/// How long an account may stay unread before it counts as failing and raises an alarm.
pub(crate) const FAILING_AFTER: SignedDuration = SignedDuration::from_hours(2);

/// How many accounts of the roster a summary lists. Each takes up to some KB of the 6 MB that Lambda's answer may have.
const MAX_LISTED: usize = 1_000;

/// What a round found.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// The accounts of hug.toml in its order, then those of the roster at which something happened.
    pub accounts: Vec<Checked>,
    /// How many accounts of the roster had the same count as before.
    pub unchanged: usize,
    /// How many accounts of the roster could not be read because of a rate limit.
    pub limited: usize,
    /// How many of these could not be read for so long that a person has to know.
    pub limited_for_long: usize,
    /// How many accounts were left out because the time was over, as far as the roster was read.
    pub out_of_time: usize,
    /// Why the roster could not be read to its end.
    pub roster_error: Option<LedgerError>,
}

/// The results of all the checks.
#[derive(Debug, Default, Serialize)]
pub struct Summary {
    /// Whether nothing was written because that was asked for.
    pub dry_run: bool,
    /// How many accounts were checked, the failed ones and those of `unchanged` included.
    pub checked: usize,
    /// How many of these checks failed.
    pub failed: usize,
    /// How many accounts were asked for and not checked.
    pub skipped: usize,
    /// How many accounts of the roster were looked at and had the same count as before.
    pub unchanged: usize,
    /// How many more accounts of the roster could not be read because of a rate limit.
    pub limited: usize,
    /// How many of the `limited` could not be read for so long that a person has to know.
    pub limited_for_long: usize,
    /// How many accounts were left out because the time was over, as far as the roster was read.
    pub out_of_time: usize,
    /// Every account of hug.toml that was asked for, in its order, and then at most 1,000 accounts of the roster: those at
    /// which something happened.
    pub accounts: Vec<Checked>,
    /// Why the roster could not be read to its end.
    pub roster_error: Option<String>,
}

impl Summary {
    /// What a round found. The counts are those of all its accounts.
    pub(crate) fn of(found: Found, dry_run: bool) -> Self {
        let count = |is_counted: fn(&Checked) -> bool| {
            found.accounts.iter().filter(|one| is_counted(one)).count()
        };
        Self {
            dry_run,
            checked: count(|one| !one.is_skipped()) + found.unchanged,
            failed: count(|one| matches!(one, Checked::Failed { .. })),
            skipped: count(Checked::is_skipped),
            unchanged: found.unchanged,
            limited: found.limited,
            limited_for_long: found.limited_for_long,
            out_of_time: found.out_of_time,
            accounts: found.accounts,
            roster_error: found.roster_error.map(|error| error.to_string()),
        }
    }

    /// Leaves out what would make the summary longer than Lambda's answer may be: accounts of the roster after the first
    /// thousand. `configured` is how many accounts of hug.toml it has at most. All accounts are in the counts.
    pub(crate) fn shorten(&mut self, configured: usize) {
        self.accounts.truncate(configured + MAX_LISTED);
    }
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
        /// Since when all its checks have failed; `None` where that was not recorded, as in a dry run.
        failing_since: Option<Timestamp>,
    },
    /// It was not checked; its mark has not moved.
    Skipped {
        /// The account.
        account: AccountName,
        /// Why, and what helps.
        why: String,
        /// Whether a later check can work without anyone changing anything.
        retry_can_help: bool,
        /// Since when it could not be checked. `None` where only the time was over, or where this was not recorded, as
        /// in a dry run.
        failing_since: Option<Timestamp>,
    },
}

impl Checked {
    /// The check, if it worked.
    pub fn check(&self) -> Option<&Check> {
        match self {
            Self::Done(check) => Some(check),
            Self::Failed { .. } | Self::Skipped { .. } => None,
        }
    }

    pub(crate) fn is_skipped(&self) -> bool {
        matches!(self, Self::Skipped { .. })
    }

    /// Since when no check of the account has read it, if the last check did not.
    fn without_success_since(&self) -> Option<Timestamp> {
        match self {
            Self::Done(check) if check.outcome == CheckOutcome::RateLimited => check.succeeded_at,
            // A paused account is not read, and that is not a failure.
            Self::Done(_) => None,
            Self::Failed { failing_since, .. } | Self::Skipped { failing_since, .. } => {
                *failing_since
            }
        }
    }

    /// Whether a person has to act: the account could not be read for long, or a check read it and its login fails, so
    /// that the next letter could not be sent, or the answers to its letters cannot be read.
    pub(crate) fn is_failing(&self, now: Timestamp) -> bool {
        let since = self.without_success_since();
        let reads = self.check();
        let reads = reads.filter(|check| check.outcome != CheckOutcome::Paused);
        since.is_some_and(|since| now.duration_since(since) >= FAILING_AFTER)
            || reads
                .is_some_and(|check| check.login_error.is_some() || check.answers_error.is_some())
    }
}

/// The counts that are charted. The same accounts are charted at every check, whether they could be read or
/// not; CloudWatch bills for each.
pub(crate) fn charted(results: &[Checked]) -> Vec<(&AccountName, u64, Option<Milestone>)> {
    let checks = results.iter().take(MAX_CHARTED).filter_map(Checked::check);
    let charted =
        checks.filter_map(|check| Some((&check.account, check.followers?, check.next_milestone)));
    charted.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(followers: Option<u64>) -> Checked {
        Checked::Done(Box::new(Check {
            followers_before: Some(7),
            followers,
            promised_up_to: Some(7),
            ..Check::ended("x:amber".parse().unwrap(), CheckOutcome::NoMilestone)
        }))
    }

    #[test]
    fn many_accounts_do_not_make_many_metrics() {
        let results: Vec<Checked> = (0..=MAX_CHARTED).map(|_| checked(Some(8))).collect();
        assert_eq!(charted(&results).len(), MAX_CHARTED);
    }

    #[test]
    fn a_summary_lists_every_account_of_hug_toml_and_the_first_thousand_of_the_roster() {
        let found = Found {
            accounts: (0..MAX_LISTED + 7).map(|_| checked(Some(8))).collect(),
            ..Found::default()
        };
        let mut summary = Summary::of(found, false);
        summary.shorten(2);
        assert_eq!(summary.accounts.len(), 2 + MAX_LISTED);
        assert_eq!(summary.checked, MAX_LISTED + 7, "all are counted");
    }

    #[test]
    fn a_paused_account_does_not_count_as_failing() {
        let since = |outcome| {
            let Checked::Done(mut check) = checked(None) else {
                panic!("it was not checked");
            };
            check.outcome = outcome;
            check.succeeded_at = Some(Timestamp::UNIX_EPOCH);
            Checked::Done(check).without_success_since()
        };
        assert_eq!(since(CheckOutcome::Paused), None);
        assert_eq!(
            since(CheckOutcome::RateLimited),
            Some(Timestamp::UNIX_EPOCH)
        );
    }

    #[test]
    fn an_account_whose_login_fails_or_whose_answers_cannot_be_read_counts_as_failing() {
        let with = |change: fn(&mut Check)| {
            let Checked::Done(mut check) = checked(Some(8)) else {
                panic!("it was not checked");
            };
            change(&mut check);
            Checked::Done(check).is_failing(Timestamp::UNIX_EPOCH)
        };
        assert!(!with(|_| ()));
        assert!(with(|check| check.login_error = Some("401".to_owned())));
        assert!(with(|check| check.answers_error = Some("403".to_owned())));
        assert!(
            !with(|check| {
                check.answers_error = Some("403".to_owned());
                check.outcome = CheckOutcome::Paused;
            }),
            "another ledger asks for its answers"
        );
    }

    #[test]
    fn an_account_that_could_not_be_read_draws_no_zero() {
        let account = "x:amber".parse().unwrap();
        let failed = Checked::Failed {
            account,
            error: "no".to_owned(),
            retry_can_help: true,
            failing_since: None,
        };
        let results = [checked(None), failed, checked(Some(8))];
        assert_eq!(charted(&results), [(&"x:amber".parse().unwrap(), 8, None)]);
    }
}
