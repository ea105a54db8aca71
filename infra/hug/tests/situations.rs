//! A creator's folder in situations that several tests begin with.

use have_a_hug::ledger::Ledger;
use hug::table::{self, Table};
use promise::{hug::HugKey, milestone::Milestone};
use stand_ins::Fault;

use crate::command_line::CommandLine;

/// Amber, whose invitation for 600 X has refused, as it does where the keys are wrong.
pub async fn stuck() -> CommandLine {
    let cli = CommandLine::with_followers(599).await;
    cli.run(&["check"]).await;
    cli.fans(1_000, 1);
    cli.x.fail_next("POST /2/tweets", Fault::Status(401));
    let output = cli.run(&["check"]).await.refusal();
    assert!(output.contains("600 not invited yet"), "{output}");
    cli
}

/// Amber, whose hugs for 600 and 700 were given up, as they are after a day of failures.
pub async fn given_up() -> CommandLine {
    let cli = CommandLine::with_followers(599).await;
    cli.run(&["check"]).await;
    cli.fans(1_000, 101);
    for _ in 0..2 {
        cli.x.fail_next("POST /2/tweets", Fault::AnswerLost);
    }
    cli.run(&["check"]).await;
    let state = cli.state();
    let table = Table::open(&state).await.unwrap();
    let ledger = Ledger::new(table.client().clone(), table::NAME);
    for number in [600, 700] {
        let key = HugKey {
            id: "x#44196397".parse().unwrap(),
            milestone: Milestone::from_number(number).unwrap(),
        };
        let mut hug = ledger.hug(&key).await.unwrap().unwrap();
        hug.rearmed = 10;
        let now = "2026-11-22T14:00:00Z".parse().unwrap();
        let why = "given up after 10 more tries; the last failure: sending the invitation failed \
                   for x:amber: 503 Service Unavailable: Service Unavailable";
        let next = hug.undeliverable(why.to_owned(), now);
        ledger.replace_hug(&next).await.unwrap();
    }
    cli
}
