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
    evidence::Skipped,
    hug::{Hug, Status},
    milestone::Milestone,
    song::Song,
};

use crate::{
    stack::Round,
    status::waits,
    words::{each, follower, how_in_short, page, refused, words_for},
};

/// The result of one round, for a person.
pub struct Report {
    /// What happened to each account.
    pub accounts: Vec<AccountReport>,
    /// News that the creator's own command did not take: a sentence each.
    pub unpublished: Vec<String>,
    /// The last line: how many accounts were checked, and how many hugs and accounts need a person. `None` where the
    /// lines say everything.
    pub sum: Option<String>,
    /// Whether an account failed or was skipped, or a hug needs a person.
    pub needs_person: bool,
}

/// What happened to one account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountReport {
    /// Its name: `x:amber`.
    pub account: String,
    /// What its check found; `None` where it was not checked.
    pub found: Option<Found>,
    /// What happened to its hugs.
    pub events: Vec<Event>,
}

/// What a check found, in a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// Nothing that was not known before.
    Nothing(String),
    /// Another count, or the first.
    Count(String),
    /// It could not be read.
    Failure(String),
}

/// What happened to one hug.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Event {
    /// In one sentence.
    pub text: String,
    /// Where a person sees it.
    pub page: Option<String>,
    /// What the creator should know besides, such as a link: a line each.
    pub more: Vec<String>,
}

impl Report {
    /// The report of a round.
    pub fn of(round: &Round) -> Self {
        let attempts = attempts(&round.deliveries);
        let in_trouble = attempts.iter().any(|attempt| attempt.needs_person);
        let waiting = waiting_for_creator(round);
        let summary = &round.summary;
        Self {
            accounts: accounts(summary, &attempts),
            unpublished: round.unpublished.iter().map(ToString::to_string).collect(),
            sum: sum(summary, waiting),
            needs_person: summary.failed + summary.skipped > 0
                || in_trouble
                || waiting > 0
                || unheard(summary) > 0,
        }
    }

    /// For each account a line that begins with its name, and below it, indented, what happened to its hugs; then the
    /// news that were not taken.
    pub fn lines(&self) -> Vec<String> {
        let accounts = self.accounts.iter().flat_map(AccountReport::lines);
        accounts.chain(self.unpublished.iter().cloned()).collect()
    }
}

impl AccountReport {
    /// A line that begins with its name, and below it, indented, what happened to its hugs.
    pub fn lines(&self) -> Vec<String> {
        let account = &self.account;
        let first = match &self.found {
            Some(found) => format!("{account}  {}", found.text()),
            None => account.clone(),
        };
        iter::once(first)
            .chain(self.events.iter().flat_map(Event::lines))
            .collect()
    }
}

impl Found {
    /// The sentence.
    pub fn text(&self) -> &str {
        match self {
            Self::Nothing(text) | Self::Count(text) | Self::Failure(text) => text,
        }
    }
}

impl Event {
    fn new(text: String) -> Self {
        Self {
            text,
            ..Self::default()
        }
    }

    /// An event that the creator has a message about.
    fn with_news(text: String, hug: &Hug) -> Self {
        let news = hug.news.iter().flat_map(|news| news.lines());
        Self {
            more: news.map(str::to_owned).collect(),
            ..Self::new(text)
        }
    }

    /// Its lines, indented.
    pub fn lines(&self) -> Vec<String> {
        let page = self.page.iter().map(|page| format!(" {page}"));
        let first = format!("  {}{}", self.text, page.collect::<String>());
        let more = self.more.iter().map(|more| format!("    {more}"));
        iter::once(first).chain(more).collect()
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
    event: Event,
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
            Ok(_) => hug.map(how_in_short).unwrap_or_default(),
            Err(error) => error.to_string(),
        };
        let is_delivered = delivery.result.is_ok() && !needs_person;
        let again = match again {
            None => String::new(),
            Some(until) if hug.is_some_and(|hug| until > hug.updated_at) => {
                format!("; the next try is at {until}")
            }
            Some(_) => "; the next check tries it again".to_owned(),
        };
        let news = hug.and_then(|hug| hug.news.as_deref());
        let news = news.into_iter().flat_map(str::lines);
        let refused = hug.filter(|hug| hug.news.is_none()).map(refused);
        let more = news.map(ToOwned::to_owned);
        Some(Self {
            account: hug.map_or_else(
                || delivery.key.id.to_string(),
                |hug| hug.account.to_string(),
            ),
            milestone,
            event: Event {
                text: format!("{milestone} {state}: {why}{again}"),
                page: hug
                    .filter(|_| is_delivered)
                    .and_then(page)
                    .map(str::to_owned),
                more: more.chain(refused.unwrap_or_default()).collect(),
            },
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

fn accounts(summary: &Summary, attempts: &[Attempt]) -> Vec<AccountReport> {
    let attempts_of = |account: &str| {
        let of_it = attempts.iter().filter(|one| one.account == account);
        of_it.map(|one| one.event.clone()).collect::<Vec<_>>()
    };
    let checked = summary.accounts.iter().map(|checked| {
        let (account, found, mut events) = match checked {
            Checked::Done(check) => (&check.account, found(check), events(check, summary.dry_run)),
            Checked::Failed { account, error, .. } => {
                let found = Found::Failure(format!("could not be checked: {error}"));
                (account, found, Vec::new())
            }
            Checked::Skipped { account, why, .. } => {
                let found = Found::Failure(format!("was skipped: {why}"));
                (account, found, Vec::new())
            }
        };
        let account = account.to_string();
        events.extend(attempts_of(&account));
        AccountReport {
            account,
            found: Some(found),
            events,
        }
    });
    let mut reports: Vec<AccountReport> = checked.collect();
    // The stream can bring hugs of accounts that were not checked.
    for Attempt { account, .. } in attempts {
        if reports.iter().all(|report| report.account != *account) {
            reports.push(AccountReport {
                account: account.clone(),
                found: None,
                events: attempts_of(account),
            });
        }
    }
    reports
}

/// What the check found of the account itself.
fn found(check: &Check) -> Found {
    let count =
        |count: Option<u64>| count.map_or_else(|| "?".to_owned(), |count| count.to_string());
    let (before, now) = (count(check.followers_before), count(check.followers));
    let next = match (&check.waiting, check.next_milestone) {
        (Some(waiting), _) => format!("number {} waits", waiting.milestone),
        (None, Some(next)) => format!("next milestone {next}"),
        (None, None) => "no milestone is left in the plan".to_owned(),
    };
    match check.outcome {
        CheckOutcome::Baseline => Found::Count(format!(
            "{now} followers: counted from here on; {next} (numbers up to {now} get no song)"
        )),
        CheckOutcome::RateLimited => {
            let until = check
                .retry_at
                .map_or_else(String::new, |until| format!(" until {until}"));
            Found::Failure(format!("its rate limit is used up: nothing is asked{until}"))
        }
        CheckOutcome::Unconfirmed => Found::Count(format!(
            "{before} → {now} followers: such a leap is believed only if a check at least a minute later agrees"
        )),
        CheckOutcome::Paused => Found::Failure(
            "is paused, because its ledger was exported: it is not checked here, and nothing is sent"
                .to_owned(),
        ),
        CheckOutcome::Unchanged
        | CheckOutcome::NoMilestone
        | CheckOutcome::Milestones
        | CheckOutcome::Waiting
            if before == now =>
        {
            Found::Nothing(format!("{now} followers, no change; {next}"))
        }
        CheckOutcome::Unchanged
        | CheckOutcome::NoMilestone
        | CheckOutcome::Milestones
        | CheckOutcome::Waiting => {
            Found::Count(format!("{before} → {now} followers; {next}"))
        }
    }
}

/// What the check found of the account's hugs.
fn events(check: &Check, dry_run: bool) -> Vec<Event> {
    let would = if dry_run {
        " (dry run: not recorded)"
    } else {
        ""
    };
    let mut events: Vec<Event> = check
        .hugs
        .iter()
        .map(|hug| owed(check, hug, would))
        .collect();
    if let Some(waiting) = &check.waiting {
        let all = waiting.skipped.len() as u64 + waiting.skipped_before;
        let why = waiting.why.as_ref();
        let why = why.map_or_else(String::new, |why| format!(" ({why})"));
        events.push(Event::new(format!(
            "{} waits for a genuine follower{why}{}",
            waiting.milestone,
            passed_over(&waiting.skipped, all)
        )));
    }
    for hug in &check.heard {
        if let Some(change) = change(hug) {
            let text = format!("{} {change}{would}", hug.milestone);
            events.push(Event::with_news(text, hug));
        }
    }
    for Rearmed { milestone, reason } in &check.rearmed {
        let why = reason.iter().map(|why| format!(": {why}"));
        let why: String = why.collect();
        events.push(Event::new(format!(
            "{milestone} was stuck and is tried again{why}{would}"
        )));
    }
    events.extend(check.would_say.iter().map(would_say));
    if let Some(error) = &check.login_error {
        events.push(Event::new(format!("the login does not work: {error}")));
    }
    if let Some(error) = &check.answers_error {
        events.push(Event::new(format!(
            "answers or songs cannot be read: {error}"
        )));
    }
    events
}

/// A hug that is owed since this check: who gets it, and how sure that is.
fn owed(check: &Check, hug: &Hug, would: &str) -> Event {
    let (milestone, follower) = (hug.milestone, follower(hug));
    if hug.status == Status::Held {
        let reason = hug.reason.as_deref().unwrap_or_default();
        let text = format!("{milestone} is held, for {follower}: {reason}{would}");
        return Event::with_news(text, hug);
    }
    let mut skipped = check.passed_over.iter();
    let skipped = skipped.find(|(of, _)| *of == milestone);
    let skipped = skipped.map_or(&[][..], |(_, who)| &who.followers);
    Event::new(format!(
        "{milestone} goes to {follower}: {}{}{would}",
        hug.evidence.how_sure(hug.milestone),
        passed_over(skipped, hug.evidence.passed_over),
    ))
}

/// The words that would go out, below a line that says where.
fn would_say(preview: &Preview) -> Event {
    Event {
        more: preview.text.lines().map(str::to_owned).collect(),
        ..Event::new(format!("{}:", words_for(preview)))
    }
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
            event: Event::new(format!("{milestone} invited: announce")),
            needs_person: false,
        };
        let invited = [("x:bea", 600), ("x:amber", 600), ("x:bea", 700)].map(invited);
        let reports = accounts(&summary(vec![failed()]), &invited);
        let lines: Vec<String> = reports.iter().flat_map(AccountReport::lines).collect();
        assert_eq!(
            lines,
            [
                "x:amber  could not be checked: no",
                "  600 invited: announce",
                "x:bea",
                "  600 invited: announce",
                "  700 invited: announce",
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
