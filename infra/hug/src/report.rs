//! A round, in lines that a person reads.

use std::{collections::BTreeMap, iter};

use check_followers::{Checked, Summary};
use have_a_hug::{
    check::{Check, CheckOutcome, Rearmed},
    deliver::{Delivery, DeliveryOutcome},
    settings::Preview,
};
use jiff::Timestamp;
use promise::{
    evidence::{Certainty, Skipped},
    hug::{Hug, Status},
    milestone::Milestone,
    song::Song,
};

use crate::{
    stack::Round,
    status::waits,
    words::{each, follower, how, refused, words_for},
};

/// The result of one round, for a person.
pub struct Report {
    /// What happened: for each account a line that begins with its name, and below it, indented, what
    /// happened to its hugs.
    pub lines: Vec<String>,
    /// The last line: how many accounts were checked, and how many hugs and accounts need a person. `None` where the
    /// lines say everything.
    pub sum: Option<String>,
    /// Whether an account failed or was skipped, or a hug needs a person.
    pub needs_person: bool,
}

impl Report {
    /// The report of a round.
    pub fn of(round: &Round) -> Self {
        let attempts = attempts(&round.deliveries);
        let in_trouble = attempts.iter().any(|attempt| attempt.needs_person);
        let waiting = waiting_for_creator(round);
        let summary = &round.summary;
        let mut lines = lines(summary, &attempts);
        lines.extend(round.unpublished.iter().map(ToString::to_string));
        Self {
            lines,
            sum: sum(summary, waiting),
            needs_person: summary.failed + summary.skipped > 0
                || in_trouble
                || waiting > 0
                || unheard(summary) > 0,
        }
    }
}

/// How many hugs wait for the creator's hand after the round.
fn waiting_for_creator(round: &Round) -> usize {
    let checks = round.summary.accounts.iter().filter_map(Checked::check);
    let mut hugs: BTreeMap<(String, Milestone), bool> = BTreeMap::new();
    let at_check = checks.flat_map(|check| &check.for_creator);
    let delivered = round.deliveries.iter().filter_map(|one| one.hug.as_ref());
    for hug in at_check.chain(delivered) {
        hugs.insert(
            (hug.account.to_string(), hug.milestone),
            hug.needs_creator(),
        );
    }
    hugs.into_values().filter(|needs| *needs).count()
}

/// The last line: how many accounts were checked, and what needs a person. `None` where no account was checked, or
/// where it was one account and nothing needs a person.
fn sum(summary: &Summary, waiting: usize) -> Option<String> {
    let Summary {
        failed, skipped, ..
    } = summary;
    let (accounts, unheard) = (summary.accounts.len(), unheard(summary));
    if accounts == 0 || (accounts == 1 && failed + skipped + waiting + unheard == 0) {
        return None;
    }
    let mut parts = vec![match accounts {
        1 => "1 account".to_owned(),
        n => format!("{n} accounts"),
    }];
    parts.extend((*failed > 0).then(|| format!("{failed} could not be checked")));
    parts.extend((*skipped > 0).then(|| format!("{skipped} skipped")));
    parts.extend((unheard > 0).then(|| format!("answers or songs of {unheard} cannot be read")));
    parts.extend((waiting > 0).then(|| format!("{} for you: see `hug status`", waits(waiting))));
    Some(parts.join("; "))
}

/// Of how many accounts the answers, or the videos of the songs, cannot be read before a person acts.
fn unheard(summary: &Summary) -> usize {
    let checks = summary.accounts.iter().filter_map(Checked::check);
    checks.filter(|check| check.answers_error.is_some()).count()
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
                DeliveryOutcome::Settled(_)
                | DeliveryOutcome::InProgress
                | DeliveryOutcome::Gone
                | DeliveryOutcome::Paused,
            ) => return None,
            Ok(DeliveryOutcome::ToSend | DeliveryOutcome::Held { .. }) | Err(_) => true,
            Ok(_) => false,
        };
        let (milestone, hug) = (delivery.key.milestone, delivery.hug.as_ref());
        let (state, again) = hug.map_or(("not sent yet".to_owned(), None), state);
        let why = match &delivery.result {
            Ok(DeliveryOutcome::ToSend) => "it waits for your hand".to_owned(),
            Ok(_) => hug.map(how).unwrap_or_default(),
            Err(error) => error.to_string(),
        };
        let again = again.map_or_else(String::new, |until| format!("; again from {until} on"));
        let line = format!("  {milestone} {state}: {why}{again}");
        let news = hug.and_then(|hug| hug.news.as_deref());
        let news = news.into_iter().flat_map(str::lines);
        let refused = hug.filter(|hug| hug.news.is_none()).map(refused);
        let more = news
            .map(ToOwned::to_owned)
            .chain(refused.unwrap_or_default());
        let more = more.map(|more| format!("    {more}"));
        Some(Self {
            account: hug.map_or_else(
                || delivery.key.id.to_string(),
                |hug| hug.account.to_string(),
            ),
            milestone,
            lines: iter::once(line).chain(more).collect(),
            needs_person,
        })
    }
}

/// The state of a hug, and from when on a check tries it again.
fn state(hug: &Hug) -> (String, Option<Timestamp>) {
    let letter = hug.letter_state();
    let until = letter.lease_until.or(letter.wait.map(|wait| wait.until));
    match &hug.status {
        Status::Reached => ("not invited yet".to_owned(), None),
        Status::Inviting => ("not invited yet".to_owned(), until),
        Status::SongPosted => ("has a song that is not sent yet".to_owned(), until),
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
        CheckOutcome::Unconfirmed => format!(
            "{moved}: such a leap is believed only if a check at least a minute later agrees"
        ),
        CheckOutcome::Paused => format!(
            "{account}  paused, because its ledger was exported: it is not checked here, and nothing is sent"
        ),
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
        let skipped = check.passed_over.iter();
        let mut skipped = skipped.filter(|(milestone, _)| *milestone == hug.milestone);
        let skipped = skipped.next().map_or(&[][..], |(_, who)| &who.followers);
        lines.push(if hug.status == Status::Held {
            let reason = hug.reason.as_deref().unwrap_or_default();
            let (milestone, follower) = (hug.milestone, follower(hug));
            format!("  {milestone} is held, for {follower}: {reason}{would}")
        } else {
            format!(
                "  {} goes to {}, position {}{}{}{would}",
                hug.milestone,
                follower(hug),
                hug.evidence.position,
                match &hug.evidence.certainty {
                    Certainty::Certain => ", certain",
                    Certainty::Likely => ", likely",
                    _ => "",
                },
                passed_over(skipped, hug.evidence.passed_over),
            )
        });
        if hug.status == Status::Held {
            let news = hug.news.iter().flat_map(|news| news.lines());
            lines.extend(news.map(|news| format!("    {news}")));
        }
    }
    if let Some(waiting) = &check.waiting {
        let all = waiting.skipped.len() as u64 + waiting.skipped_before;
        let why = waiting.why.as_ref();
        let why = why.map_or_else(String::new, |why| format!(" ({why})"));
        lines.push(format!(
            "  {} waits for a genuine follower{why}{}",
            waiting.milestone,
            passed_over(&waiting.skipped, all)
        ));
    }
    for hug in &check.heard {
        let Some(change) = change(hug) else {
            continue;
        };
        lines.push(format!("  {} {change}{would}", hug.milestone));
        let news = hug.news.iter().flat_map(|news| news.lines());
        lines.extend(news.map(|news| format!("    {news}")));
    }
    for Rearmed { milestone, reason } in &check.rearmed {
        let why = reason.iter().map(|why| format!(": {why}"));
        let why: String = why.collect();
        lines.push(format!("  {milestone} was stuck and is tried again{why}"));
    }
    lines.extend(check.would_say.iter().flat_map(would_say));
    if let Some(error) = &check.login_error {
        lines.push(format!("  the login does not work: {error}"));
    }
    if let Some(error) = &check.answers_error {
        lines.push(format!("  answers or songs cannot be read: {error}"));
    }
    lines
}

/// The words that would go out, below a line that says where.
fn would_say(preview: &Preview) -> Vec<String> {
    let title = format!("  {}:", words_for(preview));
    let words = preview.text.lines().map(|line| format!("    {line}"));
    iter::once(title).chain(words).collect()
}

/// What a check changed of an earlier hug; `None` where that is nothing that a person has to know.
fn change(hug: &Hug) -> Option<String> {
    let topic = hug.topic.as_ref().map_or("", |topic| topic.text.as_str());
    Some(match &hug.status {
        Status::SongPosted => {
            let url = hug.posted.as_ref().map(Song::url).unwrap_or_default();
            format!("has its song: {url} goes to {}", follower(hug))
        }
        Status::Reached if hug.is_passed_on() => {
            let reason = hug.reason.as_deref().unwrap_or_default();
            format!("waits for the next follower: {reason}")
        }
        _ if hug.news.is_none() => return None,
        Status::Reached => format!("goes on to {}", follower(hug)),
        Status::Declined => format!("is declined: {} said stop", follower(hug)),
        Status::TopicChosen if !hug.candidates.is_empty() => {
            "has its topic, and you say which video is its song".to_owned()
        }
        Status::TopicChosen => format!("has its topic: {topic}"),
        _ if hug.topic_is_doubtful() => format!("has a topic that you decide about: {topic}"),
        Status::Invited => format!("has had no answer from {} for two weeks", follower(hug)),
        status => format!("is {status}"),
    })
}

/// Who was passed over: at most 10 by name, and how many more.
fn passed_over(skipped: &[Skipped], all: u64) -> String {
    const SHOWN: usize = 10;
    if all == 0 {
        return String::new();
    }
    let shown = &skipped[..skipped.len().min(SHOWN)];
    let more = all.saturating_sub(shown.len() as u64);
    format!("; passed over {}", each(shown, more).join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed() -> Checked {
        Checked::Failed {
            account: "x:amber".parse().expect("a name"),
            error: "no".to_owned(),
            retry_can_help: true,
            failing_since: None,
        }
    }

    fn summary(accounts: Vec<Checked>) -> Summary {
        Summary {
            checked: accounts.len(),
            failed: accounts.len(),
            accounts,
            ..Summary::default()
        }
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
        assert_eq!(
            lines(&summary(vec![failed()]), &invited),
            [
                "x:amber  could not be checked: no",
                "  600 invited: announce 77",
                "x:bea",
                "  600 invited: announce 77",
                "  700 invited: announce 77",
            ]
        );
    }

    #[test]
    fn followers_who_were_passed_over_at_earlier_checks_are_only_counted() {
        let bot = Skipped {
            id: "7".into(),
            handle: "bot".to_owned(),
            reasons: vec!["no picture".to_owned()],
        };
        assert_eq!(passed_over(&[], 0), "");
        assert_eq!(passed_over(&[], 3), "; passed over 3");
        assert_eq!(
            passed_over(&[bot], 3),
            "; passed over @bot (no picture), and 2 more"
        );
    }

    #[test]
    fn the_last_line_says_how_many_accounts_failed_and_how_many_hugs_wait_for_the_creator() {
        let two = summary(vec![failed(), failed()]);
        assert_eq!(
            sum(&two, 1).as_deref(),
            Some("2 accounts; 2 could not be checked; 1 hug waits for you: see `hug status`")
        );
        assert_eq!(sum(&Summary::default(), 0), None);
    }
}
