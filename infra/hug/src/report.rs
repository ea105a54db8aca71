//! A round, in lines that a person reads.

use check_followers::{Looked, Summary};
use have_a_hug::check::{Check, CheckOutcome};
use jiff::Timestamp;
use promise::{
    evidence::{Certainty, Skipped},
    hug::{Hug, Status},
};

use crate::{
    stack::Round,
    words::{each, follower, how, refused},
};

/// What one round came to, for a person.
pub struct Report {
    /// What happened: for each account a line that begins with its name, and below it, indented, what
    /// happened to its hugs.
    pub lines: Vec<String>,
    /// Whether an account failed or an invitation needs a person.
    pub needs_person: bool,
}

impl Report {
    /// The report of a round that ended at that time.
    pub fn of(round: &Round, now: Timestamp) -> Self {
        let hugs = delivered(round);
        let in_trouble = hugs.iter().any(|hug| is_trouble(hug, now));
        Self {
            lines: lines(&round.summary, &hugs),
            needs_person: round.summary.failed > 0 || in_trouble,
        }
    }
}

/// Each hug that was to be delivered, as its last delivery left it.
fn delivered(round: &Round) -> Vec<&Hug> {
    let mut hugs: Vec<&Hug> = Vec::new();
    for hug in round.deliveries.iter().filter_map(|one| one.hug.as_ref()) {
        hugs.retain(|earlier| earlier.key() != hug.key());
        hugs.push(hug);
    }
    hugs.sort_by_key(|hug| (hug.account.to_string(), hug.milestone));
    hugs
}

fn lines(summary: &Summary, hugs: &[&Hug]) -> Vec<String> {
    let (mut lines, mut names) = (Vec::new(), Vec::new());
    for looked in &summary.accounts {
        let account = match looked {
            Looked::At(check) => {
                lines.extend(one_check(check, summary.dry_run));
                check.account.to_string()
            }
            Looked::Failed { account, error, .. } => {
                lines.push(format!("{account}  could not be checked: {error}"));
                account.to_string()
            }
        };
        lines.extend(invitations(hugs, &account));
        names.push(account);
    }
    // The stream can bring hugs of accounts that were not checked, too.
    for hug in hugs {
        let account = hug.account.to_string();
        if names.contains(&account) {
            continue;
        }
        let more = invitations(hugs, &account);
        if !more.is_empty() {
            lines.push(account.clone());
            lines.extend(more);
        }
        names.push(account);
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
        " (dry run: not written down)"
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
        lines.push(format!("  {} was stuck and {now}", moved.milestone));
    }
    lines
}

fn passed_over(skipped: &[Skipped], more: u64) -> String {
    if skipped.is_empty() {
        return String::new();
    }
    format!("; passed over {}", each(skipped, more).join(", "))
}

fn invitations(hugs: &[&Hug], account: &str) -> Vec<String> {
    hugs.iter()
        .filter(|hug| hug.attempts > 0 && hug.account.to_string() == account)
        .flat_map(|hug| {
            let (state, again) = match (hug.status, hug.lease_until) {
                (Status::Inviting, until) => ("not invited yet".to_owned(), until),
                (other, _) => (other.to_string(), None),
            };
            let again = again.map_or_else(String::new, |until| format!("; again from {until} on"));
            let line = format!("  {} {state}: {}{again}", hug.milestone, how(hug));
            let why = refused(hug).into_iter().map(|why| format!("    {why}"));
            std::iter::once(line).chain(why)
        })
        .collect()
}

/// Whether a person has to look at a hug: it was given up, or failed and does not wait for a set time.
fn is_trouble(hug: &Hug, now: Timestamp) -> bool {
    match hug.status {
        Status::Undeliverable => true,
        Status::Inviting => {
            hug.reason.is_some() && hug.lease_until.is_none_or(|until| until <= now)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_accounts_invitations_are_below_its_name_whether_it_was_checked_or_not() {
        let invited = |account: &str, milestone: u64| -> Result<Hug, serde_json::Error> {
            serde_json::from_value(json!({
                "account": account, "id": "1", "milestone": milestone, "status": "invited",
                "follower": null, "creator": "Amber", "attempts": 1, "rearmed": 0, "revision": 4,
                "evidence": {"count_before": 1, "count_after": 2, "position": 0, "skipped": [], "note": null},
                "invitation": {
                    "channel": "announce", "text": "…", "prepared_at": "2026-11-22T14:00:00Z",
                    "reference": "77", "sent_at": null,
                },
                "reason": null, "lease_until": null,
                "reached_at": "2026-11-22T14:00:00Z", "updated_at": "2026-11-22T14:00:00Z",
            }))
        };
        let invited = [("x:bea", 600), ("x:amber", 600), ("x:bea", 700)]
            .map(|(account, milestone)| invited(account, milestone).expect("a hug"));
        let invited: Vec<&Hug> = invited.iter().collect();
        let failed = Looked::Failed {
            account: "x:amber".parse().expect("a name"),
            error: "no".to_owned(),
            retry_can_help: true,
        };
        let summary = Summary {
            dry_run: false,
            checked: 1,
            failed: 1,
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
