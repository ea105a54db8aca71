//! Numbers for CloudWatch's charts and alarms, in its [embedded metric format]: a line of JSON on
//! standard output, which Lambda carries to the log anyway, so that no check waits for one more call.
//!
//! CloudWatch asks $0.30 a month for each metric beyond the first ten, and each pair of a name and a
//! dimension's value is one. So what happens is counted for the whole stack, and only followers are
//! told for each account, of as many accounts as fit one chart ([`MOST_CHARTED`]): one creator with
//! one account has exactly ten metrics.
//!
//! [embedded metric format]: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html

use std::{
    io::{self, Write},
    sync::Mutex,
};

use jiff::{Timestamp, Unit};
use serde_json::{Map, Value, json};

use crate::{
    account::AccountName,
    check::Check,
    hug::{Hug, Status},
};

/// The namespace that infra/template.yaml looks in.
const NAMESPACE: &str = "HaveAHug";

/// Accounts beyond these are counted with the rest, but have no line of their own in the chart.
pub const MOST_CHARTED: usize = 10;

/// Where the numbers go, if anywhere.
#[derive(Default)]
pub struct Metrics(Option<Sink>);

struct Sink {
    /// The stack that the numbers are about.
    service: String,
    out: Mutex<Box<dyn Write + Send>>,
}

/// What is counted or measured.
#[derive(Clone, Copy)]
enum Metric {
    Followers,
    NextMilestone,
    Checks,
    FailedChecks,
    MilestonesReached,
    InvitationsSent,
    InvitationsRefused,
    InvitationsFailed,
    HugsUndeliverable,
    SecondsToInvitation,
}

impl Metric {
    fn name_and_unit(self) -> (&'static str, &'static str) {
        match self {
            Self::Followers => ("Followers", "Count"),
            Self::NextMilestone => ("NextMilestone", "Count"),
            Self::Checks => ("Checks", "Count"),
            Self::FailedChecks => ("FailedChecks", "Count"),
            Self::MilestonesReached => ("MilestonesReached", "Count"),
            Self::InvitationsSent => ("InvitationsSent", "Count"),
            Self::InvitationsRefused => ("InvitationsRefused", "Count"),
            Self::InvitationsFailed => ("InvitationsFailed", "Count"),
            Self::HugsUndeliverable => ("HugsUndeliverable", "Count"),
            Self::SecondsToInvitation => ("SecondsToInvitation", "Seconds"),
        }
    }
}

impl Metrics {
    /// Numbers about the stack of that name, on standard output.
    pub fn on_standard_output(service: &str) -> Self {
        Self::to(service, io::stdout())
    }

    fn to(service: &str, out: impl Write + Send + 'static) -> Self {
        Self(Some(Sink {
            service: service.to_owned(),
            out: Mutex::new(Box::new(out)),
        }))
    }

    /// A round of checks: those that worked, and how many did not.
    pub fn checks(&self, checks: &[&Check], failed: usize, now: Timestamp) {
        let reached: usize = checks.iter().map(|check| check.hugs.len()).sum();
        let given_up = checks
            .iter()
            .flat_map(|check| &check.rearmed)
            .filter(|hug| hug.status == Status::Undeliverable)
            .count();
        let mut numbers = vec![
            (Metric::Checks, count(checks.len() + failed)),
            (Metric::FailedChecks, count(failed)),
        ];
        // What seldom happens is told when it does: a log line's price is its length.
        for (metric, number) in [
            (Metric::MilestonesReached, reached),
            (Metric::HugsUndeliverable, given_up),
        ] {
            numbers.extend((number > 0).then(|| (metric, count(number))));
        }
        self.tell(None, &numbers, now);
        for check in checks.iter().take(MOST_CHARTED) {
            let Some(followers) = check.followers else {
                continue;
            };
            let mut numbers = vec![(Metric::Followers, json!(followers))];
            if let Some(next) = check.next_milestone {
                numbers.push((Metric::NextMilestone, json!(next.number())));
            }
            self.tell(Some(&check.account), &numbers, now);
        }
    }

    /// An invitation is out, and this long after its milestone was noticed.
    pub fn invited(&self, hug: &Hug, now: Timestamp) {
        let seconds = now
            .since(hug.reached_at)
            .ok()
            .and_then(|span| span.total(Unit::Second).ok())
            .unwrap_or_default();
        let numbers = [
            (Metric::InvitationsSent, json!(1)),
            (Metric::SecondsToInvitation, json!(seconds)),
        ];
        self.tell(None, &numbers, now);
    }

    /// A channel was refused for good.
    pub fn refused(&self, now: Timestamp) {
        self.tell(None, &[(Metric::InvitationsRefused, json!(1))], now);
    }

    /// An invitation did not get out this time.
    pub fn failed(&self, now: Timestamp) {
        self.tell(None, &[(Metric::InvitationsFailed, json!(1))], now);
    }

    /// No channel is left for a hug.
    pub fn undeliverable(&self, now: Timestamp) {
        self.tell(None, &[(Metric::HugsUndeliverable, json!(1))], now);
    }

    fn tell(&self, account: Option<&AccountName>, numbers: &[(Metric, Value)], now: Timestamp) {
        let Some(Sink { service, out }) = &self.0 else {
            return;
        };
        let mut dimensions = vec!["Service"];
        dimensions.extend(account.map(|_| "Account"));
        let metrics: Vec<Value> = numbers
            .iter()
            .map(|(metric, _)| {
                let (name, unit) = metric.name_and_unit();
                json!({ "Name": name, "Unit": unit })
            })
            .collect();
        let mut line = Map::new();
        line.insert(
            "_aws".to_owned(),
            json!({
                "Timestamp": now.as_millisecond(),
                "CloudWatchMetrics": [{ "Namespace": NAMESPACE, "Dimensions": [dimensions], "Metrics": metrics }],
            }),
        );
        line.insert("Service".to_owned(), json!(service));
        if let Some(account) = account {
            line.insert("Account".to_owned(), json!(account.to_string()));
        }
        for (metric, number) in numbers {
            line.insert(metric.name_and_unit().0.to_owned(), number.clone());
        }
        // One write a line: a log line of another thread must not fall into it. A chart that misses
        // a point is no reason to fail a check, so a closed output is passed over.
        let line = format!("{}\n", Value::Object(line));
        if let Ok(mut out) = out.lock() {
            let _ = out.write_all(line.as_bytes());
        }
    }
}

fn count(number: usize) -> Value {
    json!(number)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{check::Outcome, hug::tests::reached, milestone::Milestone};

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Lines {
        fn read(&self) -> Vec<Value> {
            let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
            let parse = |line| serde_json::from_str(line).unwrap();
            text.lines().map(parse).collect()
        }
    }

    fn told(tell: impl FnOnce(&Metrics)) -> Vec<Value> {
        let lines = Lines::default();
        tell(&Metrics::to("amber-test", lines.clone()));
        lines.read()
    }

    fn check(handle: &str) -> Check {
        Check {
            account: format!("x:{handle}").parse().unwrap(),
            id: Some("1".into()),
            outcome: Outcome::NoMilestone,
            followers_before: Some(597),
            followers: Some(598),
            promised_up_to: Some(598),
            next_milestone: Milestone::from_number(600),
            hugs: vec![],
            waiting: None,
            rearmed: vec![],
            retry_at: None,
        }
    }

    /// The format's specification: what CloudWatch needs to find a line's metrics.
    fn assert_embedded(line: &Value) {
        let directive = &line["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(directive["Namespace"], "HaveAHug");
        assert!(line["_aws"]["Timestamp"].is_i64(), "{line}");
        for dimension in directive["Dimensions"][0].as_array().unwrap() {
            assert!(line[dimension.as_str().unwrap()].is_string(), "{line}");
        }
        for metric in directive["Metrics"].as_array().unwrap() {
            assert!(line[metric["Name"].as_str().unwrap()].is_number(), "{line}");
        }
    }

    #[test]
    fn a_round_of_checks_is_one_line_and_one_for_each_account() {
        let amber = check("amber");
        let lines = told(|metrics| metrics.checks(&[&amber], 2, Timestamp::UNIX_EPOCH));
        assert_eq!(lines.len(), 2);
        lines.iter().for_each(assert_embedded);
        assert_eq!(lines[0]["Service"], "amber-test");
        assert_eq!(
            (&lines[0]["Checks"], &lines[0]["FailedChecks"]),
            (&json!(3), &json!(2))
        );
        assert!(lines[0].get("MilestonesReached").is_none());
        assert_eq!(
            lines[1]["_aws"]["CloudWatchMetrics"][0]["Dimensions"],
            json!([["Service", "Account"]])
        );
        assert_eq!(lines[1]["Account"], "x:amber");
        assert_eq!(
            (&lines[1]["Followers"], &lines[1]["NextMilestone"]),
            (&json!(598), &json!(600))
        );
    }

    #[test]
    fn milestones_and_hugs_given_up_are_counted_when_there_are_any() {
        let mut amber = check("amber");
        amber.hugs = vec![reached()];
        amber.rearmed = [Status::Undeliverable, Status::Reached]
            .map(|status| crate::check::Rearmed {
                milestone: Milestone::from_number(500).unwrap(),
                status,
            })
            .to_vec();
        let lines = told(|metrics| metrics.checks(&[&amber], 0, Timestamp::UNIX_EPOCH));
        assert_embedded(&lines[0]);
        assert_eq!(lines[0]["MilestonesReached"], 1);
        assert_eq!(lines[0]["HugsUndeliverable"], 1);
    }

    #[test]
    fn many_accounts_do_not_make_many_metrics() {
        let many: Vec<Check> = (0..1000).map(|n| check(&format!("a{n}"))).collect();
        let many: Vec<&Check> = many.iter().collect();
        let lines = told(|metrics| metrics.checks(&many, 0, Timestamp::UNIX_EPOCH));
        assert_eq!(lines.len(), 1 + MOST_CHARTED);
        assert_eq!(lines[0]["Checks"], 1000);
    }

    #[test]
    fn an_account_that_could_not_be_read_draws_no_zero() {
        let mut limited = check("amber");
        limited.followers = None;
        let lines = told(|metrics| metrics.checks(&[&limited], 0, Timestamp::UNIX_EPOCH));
        assert_eq!(lines.len(), 1);
    }

    #[test]
    fn an_invitation_is_timed_from_its_milestone() {
        let hug = reached();
        let later = hug.reached_at + jiff::SignedDuration::from_millis(2500);
        let lines = told(|metrics| metrics.invited(&hug, later));
        assert_embedded(&lines[0]);
        assert_eq!(lines[0]["InvitationsSent"], 1);
        assert_eq!(lines[0]["SecondsToInvitation"], 2.5);
    }
}
