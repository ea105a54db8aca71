//! Numbers for CloudWatch's charts and alarms, in its [embedded metric format]: a line of JSON on
//! standard output, which Lambda carries to the log anyway, so that no check waits for one more call.
//!
//! CloudWatch asks $0.30 a month for each metric beyond the first ten, and each pair of a name and a
//! dimension's value is one. So events are counted for the whole stack, and only followers for each account,
//! of as many accounts as fit one chart ([`MAX_CHARTED`]): one creator with one account has exactly ten
//! metrics. An eleventh is written only while the songbook cannot be published, because a metric is billed for the hours in
//! which it is written.
//!
//! [embedded metric format]: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html

use std::{
    io::{self, Write},
    sync::Mutex,
};

use jiff::{Timestamp, Unit};
use promise::{account::AccountName, milestone::Milestone};
use serde_json::{Map, Value, json};

/// The namespace that infra/template.yaml looks in.
const NAMESPACE: &str = "HaveAHug";

/// Accounts after these are counted with the rest, but have no line of their own in the chart.
pub const MAX_CHARTED: usize = 10;

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
    FailingAccounts,
    WaitingForCreator,
    MilestonesReached,
    SecondsToInvitation,
    SongsSent,
    InvitationsFailed,
    SongbooksFailed,
}

impl Metric {
    fn name_and_unit(self) -> (&'static str, &'static str) {
        match self {
            Self::Followers => ("Followers", "Count"),
            Self::NextMilestone => ("NextMilestone", "Count"),
            Self::Checks => ("Checks", "Count"),
            Self::FailedChecks => ("FailedChecks", "Count"),
            Self::FailingAccounts => ("FailingAccounts", "Count"),
            Self::WaitingForCreator => ("WaitingForCreator", "Count"),
            Self::MilestonesReached => ("MilestonesReached", "Count"),
            Self::SecondsToInvitation => ("SecondsToInvitation", "Seconds"),
            Self::SongsSent => ("SongsSent", "Count"),
            Self::InvitationsFailed => ("InvitationsFailed", "Count"),
            Self::SongbooksFailed => ("SongbooksFailed", "Count"),
        }
    }
}

/// The numbers of a round of checks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CheckCounts {
    /// How many accounts had their number of followers read.
    pub checked: usize,
    /// How many checks failed.
    pub failed: usize,
    /// How many hugs these checks recorded.
    pub reached: usize,
    /// How many accounts could not be read for two hours or more, have a login that fails, or have answers that cannot
    /// be read. `None` where only some accounts were asked for.
    pub failing: Option<usize>,
    /// How many hugs wait for the creator's hand; `None` where only some accounts were asked for.
    pub waiting: Option<usize>,
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

    /// A round of checks.
    pub fn checks(&self, counts: &CheckCounts, now: Timestamp) {
        let mut numbers = vec![
            (Metric::Checks, json!(counts.checked)),
            (Metric::FailedChecks, json!(counts.failed)),
        ];
        // CloudWatch bills logs by size, so a rare count is written only when it is not zero. A state is written at
        // each round, because its alarm ends only at a zero.
        let reached = Some(counts.reached).filter(|reached| *reached > 0);
        for (metric, number) in [
            (Metric::FailingAccounts, counts.failing),
            (Metric::WaitingForCreator, counts.waiting),
            (Metric::MilestonesReached, reached),
        ] {
            numbers.extend(number.map(|number| (metric, json!(number))));
        }
        self.write(None, &numbers, now);
    }

    /// How many follow an account, and its next milestone.
    pub fn followers(
        &self,
        account: &AccountName,
        followers: u64,
        next: Option<Milestone>,
        now: Timestamp,
    ) {
        let mut numbers = vec![(Metric::Followers, json!(followers))];
        numbers.extend(next.map(|next| (Metric::NextMilestone, json!(next.number()))));
        self.write(Some(account), &numbers, now);
    }

    /// An invitation was sent for a milestone that was noticed at `reached_at`. CloudWatch counts these values, so there
    /// is no metric for the number of invitations.
    pub fn invited(&self, reached_at: Timestamp, now: Timestamp) {
        let seconds = now
            .since(reached_at)
            .ok()
            .and_then(|span| span.total(Unit::Second).ok())
            .unwrap_or_default();
        self.write(None, &[(Metric::SecondsToInvitation, json!(seconds))], now);
    }

    /// A song was sent, with which the promise is kept.
    pub fn hugged(&self, now: Timestamp) {
        self.write(None, &[(Metric::SongsSent, json!(1))], now);
    }

    /// A letter, an invitation or a song, was not sent at this try; or a piece of news for the creator was not published.
    /// The metric keeps the name that it had before there were songs, so that its history goes on.
    pub fn failed(&self, now: Timestamp) {
        self.write(None, &[(Metric::InvitationsFailed, json!(1))], now);
    }

    /// The songbook was not published at this try.
    pub fn songbook_failed(&self, now: Timestamp) {
        self.write(None, &[(Metric::SongbooksFailed, json!(1))], now);
    }

    fn write(&self, account: Option<&AccountName>, numbers: &[(Metric, Value)], now: Timestamp) {
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
        // One write a line, so that no log line of another thread gets between. A chart that misses a point
        // is not a reason to fail a check, so a closed output is ignored.
        let line = format!("{}\n", Value::Object(line));
        if let Ok(mut out) = out.lock() {
            let _ = out.write_all(line.as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
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

    fn written(write: impl FnOnce(&Metrics)) -> Vec<Value> {
        let lines = Lines::default();
        write(&Metrics::to("amber-test", lines.clone()));
        lines.read()
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
    fn a_round_of_checks_is_one_line_and_so_are_the_followers_of_an_account() {
        let lines = written(|metrics| {
            let counts = CheckCounts {
                checked: 3,
                failed: 2,
                ..CheckCounts::default()
            };
            metrics.checks(&counts, Timestamp::UNIX_EPOCH);
            let (amber, next) = ("x:amber".parse().unwrap(), Milestone::from_number(600));
            metrics.followers(&amber, 598, next, Timestamp::UNIX_EPOCH);
        });
        assert_eq!(lines.len(), 2);
        lines.iter().for_each(assert_embedded);
        assert_eq!(lines[0]["Service"], "amber-test");
        assert_eq!(
            (&lines[0]["Checks"], &lines[0]["FailedChecks"]),
            (&json!(3), &json!(2))
        );
        for left_out in ["MilestonesReached", "FailingAccounts", "WaitingForCreator"] {
            assert!(lines[0].get(left_out).is_none(), "{left_out}");
        }
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
    fn milestones_are_written_when_there_are_any_and_states_at_each_round() {
        let lines = written(|metrics| {
            let counts = CheckCounts {
                checked: 1,
                failed: 0,
                reached: 1,
                failing: Some(2),
                waiting: Some(0),
            };
            metrics.checks(&counts, Timestamp::UNIX_EPOCH);
        });
        assert_embedded(&lines[0]);
        assert_eq!(lines[0]["MilestonesReached"], 1);
        assert_eq!(lines[0]["FailingAccounts"], 2);
        assert_eq!(lines[0]["WaitingForCreator"], 0);
    }

    #[test]
    fn an_invitation_is_timed_from_its_milestone() {
        let reached_at = Timestamp::UNIX_EPOCH;
        let later = reached_at + jiff::SignedDuration::from_millis(2500);
        let lines = written(|metrics| metrics.invited(reached_at, later));
        assert_embedded(&lines[0]);
        assert_eq!(lines[0]["SecondsToInvitation"], 2.5);
    }

    #[test]
    fn a_song_is_counted() {
        let lines = written(|metrics| metrics.hugged(Timestamp::UNIX_EPOCH));
        assert_embedded(&lines[0]);
        assert_eq!(lines[0]["SongsSent"], 1);
    }
}
