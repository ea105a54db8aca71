//! A round, in lines that a person reads.

use std::{collections::BTreeMap, iter};

use check_followers::{Checked, Summary};
use have_a_hug::{
    check::{Check, CheckOutcome, Rearmed},
    deliver::{Delivery, DeliveryOutcome},
};
use jiff::Timestamp;
use promise::{
    evidence::{Certainty, Skipped},
    hug::{Hug, Status},
    milestone::Milestone,
};

use crate::{
    stack::Round,
    words::{each, follower, how, refused},
};

/// The result of one round, for a person.
pub struct Report {
    /// What happened: for each account a line that begins with its name, and below it, indented, what
    /// happened to its hugs.
    pub lines: Vec<String>,
    /// Whether an account failed or an invitation needs a person.
    pub needs_person: bool,
}

impl Report {
    /// The report of a round.
    pub fn of(round: &Round) -> Self {
        let attempts = attempts(&round.deliveries);
        let in_trouble = attempts.iter().any(|attempt| attempt.needs_person);
        let checks = round.summary.accounts.iter().filter_map(Checked::check);
        let gave_up = |moved: &Rearmed| moved.status == Status::Undeliverable;
        let gave_up = checks.flat_map(|check| &check.rearmed).any(gave_up);
        Self {
            lines: lines(&round.summary, &attempts),
            needs_person: round.summary.failed + round.summary.skipped > 0 || in_trouble || gave_up,
        }
    }
}

/// What became of one hug, for a person.
struct Attempt {
    account: String,
    milestone: Milestone,
    lines: Vec<String>,
    needs_person: bool,
}

impl Attempt {
    /// `None` where there was nothing to do.
    fn of(delivery: &Delivery) -> Option<Self> {
        let needs_person = match &delivery.result {
            Ok(
                DeliveryOutcome::Settled(_) | DeliveryOutcome::InProgress | DeliveryOutcome::Gone,
            ) => return None,
            Ok(DeliveryOutcome::Undeliverable { .. }) | Err(_) => true,
            Ok(_) => false,
        };
        let (milestone, hug) = (delivery.key.milestone, delivery.hug.as_ref());
        let (state, again) = hug.map_or((NOT_YET.to_owned(), None), state);
        let why = match &delivery.result {
            Ok(_) => hug.map(how).unwrap_or_default(),
            Err(error) => error.to_string(),
        };
        let again = again.map_or_else(String::new, |until| format!("; again from {until} on"));
        let refused = hug.map(refused).unwrap_or_default();
        let refused = refused.into_iter().map(|why| format!("    {why}"));
        let line = format!("  {milestone} {state}: {why}{again}");
        Some(Self {
            account: hug.map_or_else(
                || delivery.key.id.to_string(),
                |hug| hug.account.to_string(),
            ),
            milestone,
            lines: iter::once(line).chain(refused).collect(),
            needs_person,
        })
    }
}

const NOT_YET: &str = "not invited yet";

/// The state of a hug, and from when on a check tries it again.
fn state(hug: &Hug) -> (String, Option<Timestamp>) {
    match hug.status {
        Status::Reached => (NOT_YET.to_owned(), None),
        Status::Inviting => (NOT_YET.to_owned(), hug.lease_until),
        settled => (settled.to_string(), None),
    }
}

/// The last attempt at each hug, by account and milestone.
fn attempts(deliveries: &[Delivery]) -> Vec<Attempt> {
    let mut last = BTreeMap::new();
    for attempt in deliveries.iter().filter_map(Attempt::of) {
        last.insert((attempt.account.clone(), attempt.milestone), attempt);
    }
    last.into_values().collect()
}

fn lines(summary: &Summary, attempts: &[Attempt]) -> Vec<String> {
    let (mut lines, mut names) = (Vec::new(), Vec::new());
    let invitations = |account: &str| -> Vec<String> {
        let of_it = attempts.iter().filter(|one| one.account == account);
        of_it.flat_map(|one| one.lines.clone()).collect()
    };
    for looked in &summary.accounts {
        let account = match looked {
            Checked::Done(check) => {
                lines.extend(one_check(check, summary.dry_run));
                check.account.to_string()
            }
            Checked::Failed { account, error, .. } => {
                lines.push(format!("{account}  could not be checked: {error}"));
                account.to_string()
            }
            Checked::Skipped { account, why, .. } => {
                lines.push(format!("{account}  was skipped: {why}"));
                account.to_string()
            }
        };
        lines.extend(invitations(&account));
        names.push(account);
    }
    // The stream can bring hugs of accounts that were not checked.
    for Attempt { account, .. } in attempts {
        if !names.contains(account) {
            lines.push(account.clone());
            lines.extend(invitations(account));
            names.push(account.clone());
        }
    }
    lines
}

fn one_check(check: &Check, dry_run: bool) -> Vec<String> {
    let account = &check.account;
    let count =
        |count: Option<u64>| count.map_or_else(|| "?".to_owned(), |count| count.to_string());
    let now = count(check.followers);
    let next = match check.next_milestone {
        Some(next) => format!("next milestone {next}"),
        None => "no milestone is left in the plan".to_owned(),
    };
    let moved = format!(
        "{account}  {} → {now} followers",
        count(check.followers_before)
    );
    let mut lines = vec![match check.outcome {
        CheckOutcome::Baseline => {
            format!("{account}  {now} followers: counted from here on; {next}")
        }
        CheckOutcome::RateLimited => {
            let until = check
                .retry_at
                .map_or_else(String::new, |until| format!(" until {until}"));
            format!("{account}  its rate limit is used up: nothing is asked{until}")
        }
        CheckOutcome::NoMilestone | CheckOutcome::Milestones | CheckOutcome::Waiting => {
            format!("{moved}; {next}")
        }
    }];
    let would = if dry_run {
        " (dry run: not recorded)"
    } else {
        ""
    };
    for hug in &check.hugs {
        let note = hug
            .evidence
            .note
            .as_ref()
            .map_or_else(String::new, |note| format!(" ({note})"));
        lines.push(format!(
            "  {} goes to {}{note}, position {}{}{}{would}",
            hug.milestone,
            follower(hug),
            hug.evidence.position,
            match hug.evidence.certainty {
                Certainty::Certain => ", certain",
                Certainty::Likely => ", likely",
                Certainty::Unknown => "",
            },
            passed_over(&hug.evidence.skipped, hug.evidence.skipped_more),
        ));
    }
    if let Some(waiting) = &check.waiting {
        lines.push(format!(
            "  {} waits for a genuine follower{}",
            waiting.milestone,
            passed_over(&waiting.skipped, waiting.skipped_more)
        ));
    }
    for moved in &check.rearmed {
        let now = match moved.status {
            Status::Reached => "is rearmed".to_owned(),
            other => format!("is {other} now"),
        };
        let why = moved.reason.iter().map(|why| format!(": {why}"));
        let why: String = why.collect();
        lines.push(format!("  {} was stuck and {now}{why}", moved.milestone));
    }
    lines
}

fn passed_over(skipped: &[Skipped], more: u64) -> String {
    if skipped.is_empty() {
        return String::new();
    }
    format!("; passed over {}", each(skipped, more).join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hug_that_a_check_gives_up_needs_a_person_who_reads_why() {
        let check = |status, reason: &str| Check {
            account: "x:amber".parse().expect("a name"),
            id: None,
            outcome: CheckOutcome::NoMilestone,
            followers_before: Some(620),
            followers: Some(620),
            promised_up_to: Some(620),
            next_milestone: Milestone::from_number(700),
            hugs: Vec::new(),
            waiting: None,
            rearmed: vec![Rearmed {
                milestone: Milestone::from_number(600).expect("a milestone"),
                status,
                reason: Some(reason.to_owned()),
            }],
            retry_at: None,
        };
        let report = |check| {
            Report::of(&Round {
                summary: Summary {
                    dry_run: false,
                    checked: 1,
                    failed: 0,
                    skipped: 0,
                    accounts: vec![Checked::Done(Box::new(check))],
                },
                deliveries: Vec::new(),
            })
        };
        let given_up = report(check(Status::Undeliverable, "the key is wrong"));
        assert!(given_up.needs_person);
        assert_eq!(
            given_up.lines[1],
            "  600 was stuck and is undeliverable now: the key is wrong"
        );
        let rearmed = report(check(Status::Reached, "the key is wrong"));
        assert!(!rearmed.needs_person);
    }

    #[test]
    fn each_accounts_invitations_are_below_its_name_whether_it_was_checked_or_not() {
        let invited = |(account, milestone): (&str, u64)| Attempt {
            account: account.to_owned(),
            milestone: Milestone::from_number(milestone).expect("a milestone"),
            lines: vec![format!("  {milestone} invited: announce 77")],
            needs_person: false,
        };
        let invited = [("x:bea", 600), ("x:amber", 600), ("x:bea", 700)].map(invited);
        let failed = Checked::Failed {
            account: "x:amber".parse().expect("a name"),
            error: "no".to_owned(),
            retry_can_help: true,
        };
        let summary = Summary {
            dry_run: false,
            checked: 1,
            failed: 1,
            skipped: 0,
            accounts: vec![failed],
        };
        assert_eq!(
            lines(&summary, &invited),
            [
                "x:amber  could not be checked: no",
                "  600 invited: announce 77",
                "x:bea",
                "  600 invited: announce 77",
                "  700 invited: announce 77",
            ]
        );
    }
}
