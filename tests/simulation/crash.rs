//! A process crashes at one call to the ledger or to the network, or the answer to that call is lost: at each call in
//! turn, in a check that owes three hugs, in their delivery, and in a second delivery after the answer to the first
//! letter was lost; and later in a check that hears a topic, one that hears stop, one that chooses to whom a hug is passed
//! on, in the delivery of a song and in a second one.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use promise::{account::NetworkName, channel::Channel};

use super::{
    history::{Author, Deed, Fault, History, Job, Plan, Says, Step, What, Which, Who},
    run::live,
};

#[derive(Clone, Copy, Debug)]
enum During {
    Check,
    Delivery,
    SecondDelivery,
    HearingTopic,
    HearingStop,
    PassingOn,
    Song,
    SecondSong,
}

/// The place of the first letter among the calls of a delivery.
const SENDING: usize = 7;

/// The place of a song among the calls of its delivery.
const SENDING_SONG: usize = 5;

#[test]
#[ignore = "slow: more than a thousand crashes"]
fn whichever_call_is_the_last_every_promise_is_kept() {
    let invitations = [During::Check, During::Delivery, During::SecondDelivery];
    let gifts = [
        During::HearingTopic,
        During::HearingStop,
        During::PassingOn,
        During::Song,
        During::SecondSong,
    ];
    let mut cases = Vec::new();
    for (network, channel) in [
        (NetworkName::X, Channel::Announce),
        (NetworkName::X, Channel::Message),
        (NetworkName::Bluesky, Channel::Announce),
        (NetworkName::Bluesky, Channel::Message),
        (NetworkName::Mastodon, Channel::Mention),
    ] {
        // A message is not answered by a post.
        let gifts = gifts.iter().filter(|_| channel != Channel::Message);
        for during in invitations.iter().chain(gifts).copied() {
            for (fault, words) in [
                (Fault::DieBefore, "dies before it"),
                (Fault::DieAfter, "and dies"),
                (Fault::AnswerLost, "the answer is lost"),
            ] {
                cases.push((network, channel, during, fault, words));
            }
        }
    }
    let (next, calls) = (AtomicUsize::new(0), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some((network, channel, during, fault, words)) =
                    cases.get(next.fetch_add(1, Ordering::Relaxed)).copied()
                {
                    let more = every_call(network, channel, during, fault, words);
                    calls.fetch_add(more, Ordering::Relaxed);
                }
            });
        }
    });
    let calls = calls.into_inner();
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
    assert!(
        calls > 4,
        "so few calls: {calls} during {during:?} on {network} by {channel}"
    );
    calls
}

fn job(what: What, faults: &[(usize, Fault)]) -> Step {
    let job = Job {
        what,
        skew: 0,
        faults: faults.to_vec(),
    };
    Step::Run(vec![job], vec![])
}

fn check(faults: &[(usize, Fault)]) -> Step {
    job(What::Check, faults)
}

fn deliver(faults: &[(usize, Fault)]) -> Step {
    job(What::Deliver, faults)
}

/// Which of the three invitations is answered, counted from the last.
const FIRST_LETTER: usize = 2;

/// Three milestones are owed; in the gift's cases one call later.
fn three_are_owed(
    network: NetworkName,
    channel: Channel,
    during: During,
    fault: (usize, Fault),
) -> History {
    let by_hand = |deed| job(What::ByHand(deed, Which::Number(10)), &[]);
    let answer = |says| Step::Answer(Author::Named, says, FIRST_LETTER);
    let arrive = Step::Arrive(vec![Who::Fan, Who::Bot, Who::Fan, Who::Closed, Who::Fan]);
    let mut steps = vec![check(&[]), arrive];
    match during {
        During::Check => steps.push(check(&[fault])),
        During::Delivery => steps.extend([check(&[]), deliver(&[fault])]),
        During::SecondDelivery => steps.extend([
            check(&[]),
            deliver(&[(SENDING, Fault::AnswerLost)]),
            Step::Pass(100),
            check(&[]),
            deliver(&[fault]),
        ]),
        _ => steps.extend([check(&[]), deliver(&[]), deliver(&[])]),
    }
    match during {
        During::Check | During::Delivery | During::SecondDelivery => {}
        During::HearingTopic => steps.extend([answer(Says::Clean), check(&[fault])]),
        During::HearingStop => steps.extend([answer(Says::Stop), check(&[fault])]),
        During::PassingOn => steps.extend([
            by_hand(Deed::Pass),
            Step::Arrive(vec![Who::Fan, Who::Fan]),
            check(&[fault]),
        ]),
        During::Song | During::SecondSong => {
            steps.extend([answer(Says::Clean), check(&[]), deliver(&[])]);
            steps.push(by_hand(Deed::Song(0)));
        }
    }
    match during {
        During::Song => steps.push(deliver(&[fault])),
        During::SecondSong => steps.extend([
            deliver(&[(SENDING_SONG, Fault::AnswerLost)]),
            Step::Pass(100),
            check(&[]),
            deliver(&[fault]),
        ]),
        _ => {}
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
