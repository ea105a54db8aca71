//! A process crashes at one call to the ledger or to the network, or the answer to that call is lost: at each call in
//! turn, in a check that owes three hugs, in their delivery, and in a second delivery after the answer to the first
//! letter was lost.

use promise::{account::NetworkName, channel::Channel};

use super::{
    history::{Fault, History, Job, Plan, Step, What, Who},
    run::live,
};

#[derive(Clone, Copy)]
enum During {
    Check,
    Delivery,
    SecondDelivery,
}

/// The place of the first letter among the calls of a delivery.
const SENDING: usize = 6;

#[test]
#[ignore = "slow: 585 crashes take half a minute"]
fn whichever_call_is_the_last_every_promise_is_kept() {
    let mut calls = 0;
    for (network, channel) in [
        (NetworkName::X, Channel::Announce),
        (NetworkName::X, Channel::Message),
        (NetworkName::Bluesky, Channel::Announce),
        (NetworkName::Bluesky, Channel::Message),
        (NetworkName::Mastodon, Channel::Mention),
    ] {
        for during in [During::Check, During::Delivery, During::SecondDelivery] {
            for (fault, words) in [
                (Fault::DieBefore, "dies before it"),
                (Fault::DieAfter, "and dies"),
                (Fault::AnswerLost, "the answer is lost"),
            ] {
                calls += every_call(network, channel, during, fault, words);
            }
        }
    }
    println!("{calls} calls, each the last one of a process");
}

/// Lets one call after another fail so; `words` are how the story says it. Returns how many calls there are.
fn every_call(
    network: NetworkName,
    channel: Channel,
    during: During,
    fault: Fault,
    words: &str,
) -> usize {
    let failures = |call| {
        let history = three_are_owed(network, channel, during, (call, fault));
        let (ended, story) = live(&history);
        if let Err(broken) = ended {
            panic!("{broken}\n{}", story.join("\n"));
        }
        story.iter().filter(|line| line.contains(words)).count()
    };
    let before = failures(usize::MAX);
    let calls = (0..usize::MAX)
        .take_while(|call| failures(*call) > before)
        .count();
    assert!(calls > 4, "so few calls: {calls}");
    calls
}

fn three_are_owed(
    network: NetworkName,
    channel: Channel,
    during: During,
    fault: (usize, Fault),
) -> History {
    let job = |of: What, faults: &[(usize, Fault)]| {
        let job = Job {
            what: of,
            skew: 0,
            faults: faults.to_vec(),
        };
        Step::Run(vec![job], vec![])
    };
    let arrive = Step::Arrive(vec![Who::Fan, Who::Bot, Who::Fan, Who::Closed, Who::Fan]);
    let mut steps = vec![job(What::Check, &[]), arrive];
    match during {
        During::Check => steps.push(job(What::Check, &[fault])),
        During::Delivery => {
            steps.push(job(What::Check, &[]));
            steps.push(job(What::Deliver, &[fault]));
        }
        During::SecondDelivery => {
            steps.push(job(What::Check, &[]));
            steps.push(job(What::Deliver, &[(SENDING, Fault::AnswerLost)]));
            steps.push(Step::Pass(100));
            steps.push(job(What::Check, &[]));
            steps.push(job(What::Deliver, &[fault]));
        }
    }
    History {
        network,
        tells_follows: network != NetworkName::X,
        contact: vec![channel, Channel::Draft],
        plan: Plan { first: 10, step: 2 },
        most_a_day: 100,
        at_first: vec![Who::Fan; 9],
        page: 5,
        shown_after: 10,
        steps,
    }
}
