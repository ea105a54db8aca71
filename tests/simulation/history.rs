//! What can happen to an account, and how a random history is made from a seed.

use std::fmt;

use promise::{account::NetworkName, channel::Channel};
use proptest::{collection::vec, option, prelude::*};

/// Everything that happens to one account.
#[derive(Clone, Debug)]
pub struct History {
    pub network: NetworkName,
    /// Whether the account is line who follows it, and when.
    pub tells_follows: bool,
    pub contact: Vec<Channel>,
    pub plan: Plan,
    /// Who follows before the first check.
    pub at_first: Vec<Who>,
    /// How many followers a page of the list holds.
    pub page: usize,
    /// Seconds until the network shows what was sent to it.
    pub shown_after: i64,
    pub steps: Vec<Step>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    pub first: u64,
    pub step: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    Fan,
    Bot,
    /// A fan who takes no messages.
    Closed,
}

/// People are picked by a number, modulo those whom it can happen to.
#[derive(Clone, Debug)]
pub enum Step {
    Arrive(Vec<Who>),
    Leave(usize),
    Return(usize),
    /// Deactivated, taken down or suspended: out of the list, still counted.
    Hide(usize),
    /// The same for whoever came last.
    HideNewest,
    Show(usize),
    /// Out of the list; the count notices as its network does.
    Delete(usize),
    /// Follows with a date that puts them so many places below the top of the list.
    Backdate(usize),
    Replan(Plan),
    /// Seconds.
    Pass(i64),
    /// Functions at work side by side; whose turn it is at each call.
    Run(Vec<Job>, Vec<usize>),
}

#[derive(Clone, Debug)]
pub struct Job {
    pub what: What,
    /// By how many seconds its clock is wrong.
    pub skew: i64,
    /// Which of its calls fail, by their number, and how.
    pub faults: Vec<(usize, Fault)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    Check,
    /// The stream's next records.
    Deliver,
    /// Records that were there before, in any order and as often as it pleases.
    Repeat(Vec<usize>),
}

/// What goes wrong with one call, to the ledger or to the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The process dies before it took effect.
    DieBefore,
    /// The process dies after it took effect.
    DieAfter,
    /// It took effect, and the answer is lost.
    AnswerLost,
    /// It never gets there.
    Fail,
    /// DynamoDB throttles; the network's rate limit is used up.
    Busy,
    /// DynamoDB cancels for a conflict; the network refuses.
    Refuse,
    /// It takes that many seconds.
    Slow(i64),
    /// Someone follows just before.
    Follow(Who),
}

/// The kinds of churn that make the network's count and its list disagree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Churn {
    /// Everything that can happen.
    All,
    /// Follows, unfollows and follows again, no more.
    Plain,
}

pub fn history() -> BoxedStrategy<History> {
    prop_oneof![3 => Just(Churn::All), 2 => Just(Churn::Plain)]
        .prop_flat_map(|churn| {
            (
                prop_oneof![
                    4 => Just((NetworkName::X, false)),
                    2 => Just((NetworkName::Bluesky, false)),
                    2 => Just((NetworkName::Bluesky, true)),
                    1 => Just((NetworkName::Mastodon, false)),
                    1 => Just((NetworkName::Mastodon, true)),
                ],
                contact(),
                plan(),
                vec(who(), 0..12),
                1_usize..6,
                0_i64..30,
                (
                    option::weighted(0.2, first_checks()),
                    vec(step(churn), 1..40),
                ),
            )
        })
        .prop_map(
            |(
                (network, tells_follows),
                contact,
                plan,
                at_first,
                page,
                shown_after,
                (first, steps),
            )| {
                History {
                    network,
                    tells_follows,
                    contact: possible_on(network, contact),
                    plan,
                    at_first,
                    page,
                    shown_after,
                    steps: first.into_iter().chain(steps).collect(),
                }
            },
        )
        .boxed()
}

/// The two very first checks at once, and someone follows meanwhile.
fn first_checks() -> BoxedStrategy<Step> {
    let check = |faults| Job {
        what: What::Check,
        skew: 0,
        faults,
    };
    (1_usize..4, vec(0_usize..2, 0..12))
        .prop_map(move |(call, turns)| {
            let follow = vec![(call, Fault::Follow(Who::Fan))];
            Step::Run(vec![check(follow), check(vec![])], turns)
        })
        .boxed()
}

fn contact() -> BoxedStrategy<Vec<Channel>> {
    use Channel::{Announce, Mention, Message};
    prop_oneof![
        2 => Just(vec![Announce]),
        1 => Just(vec![Mention]),
        2 => Just(vec![Message, Announce]),
        1 => Just(vec![Message]),
    ]
    .boxed()
}

/// Mastodon's private messages are mentions.
fn possible_on(network: NetworkName, contact: Vec<Channel>) -> Vec<Channel> {
    let possible = |channel| match (network, channel) {
        (NetworkName::Mastodon, Channel::Message) => Channel::Mention,
        _ => channel,
    };
    contact.into_iter().map(possible).collect()
}

fn plan() -> BoxedStrategy<Plan> {
    (1_u64..14, 1_u64..6)
        .prop_map(|(first, step)| Plan { first, step })
        .boxed()
}

fn who() -> BoxedStrategy<Who> {
    prop_oneof![8 => Just(Who::Fan), 2 => Just(Who::Bot), 1 => Just(Who::Closed)].boxed()
}

fn step(churn: Churn) -> BoxedStrategy<Step> {
    let anyone = || 0_usize..1_000;
    let plain = prop_oneof![
        24 => vec(job(), 1..3).prop_flat_map(|jobs| (Just(jobs), vec(0_usize..4, 0..24)))
            .prop_map(|(jobs, turns)| Step::Run(jobs, turns)),
        10 => vec(who(), 1..5).prop_map(Step::Arrive),
        1 => vec(who(), 5..30).prop_map(Step::Arrive),
        4 => anyone().prop_map(Step::Leave),
        3 => anyone().prop_map(Step::Return),
        6 => (1_i64..400).prop_map(Step::Pass),
        2 => (400_i64..90_000).prop_map(Step::Pass),
        1 => plan().prop_map(Step::Replan),
    ];
    if churn == Churn::Plain {
        return plain.boxed();
    }
    prop_oneof![
        6 => plain,
        1 => prop_oneof![
            anyone().prop_map(Step::Hide),
            anyone().prop_map(Step::Show),
            anyone().prop_map(Step::Delete),
            (0_usize..6).prop_map(Step::Backdate),
        ],
    ]
    .boxed()
}

fn job() -> BoxedStrategy<Job> {
    let what = prop_oneof![
        5 => Just(What::Check),
        4 => Just(What::Deliver),
        1 => vec(0_usize..20, 1..4).prop_map(What::Repeat),
    ];
    let call = prop_oneof![6 => 0_usize..14, 1 => 14_usize..50];
    let faults = prop_oneof![2 => Just(vec![]), 3 => vec((call, fault()), 1..4)];
    (what, option::weighted(0.2, -10_i64..=10), faults)
        .prop_map(|(what, skew, faults)| Job {
            what,
            skew: skew.unwrap_or(0),
            faults,
        })
        .boxed()
}

fn fault() -> BoxedStrategy<Fault> {
    prop_oneof![
        3 => Just(Fault::DieBefore),
        3 => Just(Fault::DieAfter),
        3 => Just(Fault::AnswerLost),
        1 => Just(Fault::Fail),
        1 => Just(Fault::Busy),
        1 => Just(Fault::Refuse),
        1 => (1_i64..10).prop_map(Fault::Slow),
        1 => who().prop_map(Fault::Follow),
    ]
    .boxed()
}

impl History {
    /// Whether nothing happens that hides people from the list or misplaces them in it.
    pub fn is_plain(&self) -> bool {
        let plain = |step: &Step| {
            !matches!(
                step,
                Step::Hide(_)
                    | Step::HideNewest
                    | Step::Show(_)
                    | Step::Delete(_)
                    | Step::Backdate(_)
            )
        };
        let unhurried = |step: &Step| match step {
            Step::Run(jobs, _) => jobs
                .iter()
                .flat_map(|job| &job.faults)
                .all(|(_, fault)| !matches!(fault, Fault::Follow(_))),
            _ => true,
        };
        self.steps.iter().all(|step| plain(step) && unhurried(step))
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, then every {}", self.first, self.step)
    }
}
