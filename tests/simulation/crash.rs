//! Each call to the ledger or to the network may be the last that a process makes, or its answer may be
//! lost: every one of them in turn, in a check that owes three hugs, in their delivery, and in a second
//! delivery after the answer to the first letter was lost.

use promise::{account::NetworkName, channel::Channel};

use super::{
    history::{History, Job, Peril, Plan, Step, What, Who},
    run::live,
};

#[derive(Clone, Copy)]
enum During {
    Check,
    Delivery,
    SecondDelivery,
}

/// The place of the first letter among the calls of a delivery.
const SENDING: usize = 4;

#[test]
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
            for (peril, told) in [
                (Peril::DieBefore, "dies before it"),
                (Peril::DieAfter, "and dies"),
                (Peril::AnswerLost, "the answer is lost"),
            ] {
                calls += every_call(network, channel, during, peril, told);
            }
        }
    }
    println!("{calls} calls, each the last one of a process");
}

/// Lets the peril befall one call after another; answers how many there are.
fn every_call(
    network: NetworkName,
    channel: Channel,
    during: During,
    peril: Peril,
    told: &str,
) -> usize {
    let befallen = |call| {
        let history = three_are_owed(network, channel, during, (call, peril));
        let (ended, story) = live(&history);
        if let Err(broken) = ended {
            panic!("{broken}\n{}", story.join("\n"));
        }
        story.iter().filter(|line| line.contains(told)).count()
    };
    let before = befallen(usize::MAX);
    let calls = (0..).take_while(|call| befallen(*call) > before).count();
    assert!(calls > 4, "so few calls: {calls}");
    calls
}

fn three_are_owed(
    network: NetworkName,
    channel: Channel,
    during: During,
    peril: (usize, Peril),
) -> History {
    let job = |of: What, perils: &[(usize, Peril)]| {
        let job = Job {
            what: of,
            skew: 0,
            perils: perils.to_vec(),
        };
        Step::Run(vec![job], vec![])
    };
    let arrive = Step::Arrive(vec![Who::Fan, Who::Bot, Who::Fan, Who::Closed, Who::Fan]);
    let mut steps = vec![job(What::Check, &[]), arrive];
    match during {
        During::Check => steps.push(job(What::Check, &[peril])),
        During::Delivery => {
            steps.push(job(What::Check, &[]));
            steps.push(job(What::Deliver, &[peril]));
        }
        During::SecondDelivery => {
            steps.push(job(What::Check, &[]));
            steps.push(job(What::Deliver, &[(SENDING, Peril::AnswerLost)]));
            steps.push(Step::Pass(100));
            steps.push(job(What::Check, &[]));
            steps.push(job(What::Deliver, &[peril]));
        }
    }
    History {
        network,
        tells_follows: network != NetworkName::X,
        contact: vec![channel, Channel::Draft],
        plan: Plan { first: 10, step: 2 },
        at_first: vec![Who::Fan; 9],
        page: 5,
        shown_after: 10,
        steps,
    }
}
