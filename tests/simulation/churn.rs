//! How often the right person is named, for each kind of coming and going.

use std::fmt;

use promise::{account::NetworkName, channel::Channel};
use proptest::{collection::vec, prelude::*, strategy::ValueTree};

use super::{
    history::{History, Job, Plan, Step, What, Who},
    run::{Tally, run},
    seed::{from_seed, number},
};

/// What happens beside plain follows and unfollows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Nothing,
    /// Newcomers are hidden soon after they came, and stay in the count: bots that are suspended.
    HiddenNewcomers,
    /// Followers of long standing are deactivated, and some come back.
    HiddenOld,
    Deletions,
    /// People leave and follow again.
    Refollows,
    /// Follows carry an older date, which Bluesky believes.
    Backdated,
    /// Thirty come at once, some of them bots.
    Bursts,
    Everything,
}

impl Kind {
    const ALL: [Self; 8] = [
        Self::Nothing,
        Self::HiddenNewcomers,
        Self::HiddenOld,
        Self::Deletions,
        Self::Refollows,
        Self::Backdated,
        Self::Bursts,
        Self::Everything,
    ];

    /// What it adds to an hour of follows and unfollows, with its weight beside them.
    fn events(self) -> Vec<(u32, BoxedStrategy<Vec<Step>>)> {
        let anyone = || 0_usize..10_000;
        let one =
            |weight, step: BoxedStrategy<Step>| (weight, step.prop_map(|one| vec![one]).boxed());
        match self {
            Self::Nothing => vec![],
            Self::HiddenNewcomers => {
                let comes_and_is_hidden = vec![Step::Arrive(vec![Who::Fan]), Step::HideNewest];
                vec![(10, Just(comes_and_is_hidden).boxed())]
            }
            Self::HiddenOld => vec![
                one(6, anyone().prop_map(Step::Hide).boxed()),
                one(2, anyone().prop_map(Step::Show).boxed()),
            ],
            Self::Deletions => vec![one(6, anyone().prop_map(Step::Delete).boxed())],
            Self::Refollows => {
                let both = (anyone(), anyone());
                let leaves_and_returns =
                    both.prop_map(|(gone, back)| vec![Step::Leave(gone), Step::Return(back)]);
                vec![(10, leaves_and_returns.boxed())]
            }
            Self::Backdated => vec![one(10, (1_usize..9).prop_map(Step::Backdate).boxed())],
            Self::Bursts => {
                let who = prop_oneof![3 => Just(Who::Fan), 1 => Just(Who::Bot)];
                vec![one(2, vec(who, 30).prop_map(Step::Arrive).boxed())]
            }
            Self::Everything => Self::ALL
                .into_iter()
                .filter(|kind| *kind != Self::Everything)
                .flat_map(Self::events)
                .collect(),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nothing => "follows and unfollows",
            Self::HiddenNewcomers => "and newcomers hidden",
            Self::HiddenOld => "and old followers hidden",
            Self::Deletions => "and accounts deleted",
            Self::Refollows => "and follows again",
            Self::Backdated => "and follows backdated",
            Self::Bursts => "and bursts of thirty",
            Self::Everything => "and all of these",
        })
    }
}

/// Half a day of an account that grows by a dozen an hour, looked at every five minutes, with a
/// milestone at every twentieth follower.
fn history(kind: Kind, network: NetworkName, tells_follows: bool) -> BoxedStrategy<History> {
    vec(five_minutes(kind), 140)
        .prop_map(move |rounds| History {
            network,
            tells_follows,
            contact: vec![Channel::Announce],
            plan: Plan {
                first: 60,
                step: 20,
            },
            most_a_day: 100,
            at_first: vec![Who::Fan; 50],
            page: 25,
            shown_after: 0,
            steps: rounds.into_iter().flatten().collect(),
        })
        .boxed()
}

fn five_minutes(kind: Kind) -> BoxedStrategy<Vec<Step>> {
    let who = prop_oneof![9 => Just(Who::Fan), 1 => Just(Who::Bot)];
    let mut events: Vec<(u32, BoxedStrategy<Vec<Step>>)> = vec![
        (100, Just(vec![]).boxed()),
        (
            70,
            vec(who, 1..3)
                .prop_map(|who| vec![Step::Arrive(who)])
                .boxed(),
        ),
        (
            15,
            (0_usize..10_000)
                .prop_map(|pick| vec![Step::Leave(pick)])
                .boxed(),
        ),
    ];
    events.extend(kind.events());
    let events = vec(proptest::strategy::Union::new_weighted(events), 2);
    events
        .prop_map(|events| {
            let check = Job {
                what: What::Check,
                skew: 0,
                faults: vec![],
            };
            let mut steps: Vec<Step> = events.into_iter().flatten().collect();
            steps.push(Step::Pass(300));
            steps.push(Step::Run(vec![check], vec![]));
            steps
        })
        .boxed()
}

#[test]
#[ignore = "slow: 32 half days take half a minute"]
fn the_right_person_is_named_more_often_by_arrival_than_by_place() {
    let histories = number("CHURN").unwrap_or(1);
    let networks = [
        ("x", NetworkName::X, false),
        ("bluesky", NetworkName::Bluesky, false),
        ("bluesky, notified", NetworkName::Bluesky, true),
        ("mastodon, notified", NetworkName::Mastodon, true),
    ];
    println!(
        "| churn | network | hugs | right by place | right by arrival | certain | right of these |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- |");
    for kind in Kind::ALL {
        for (name, network, notified) in networks {
            let mut total = Tally::default();
            for seed in 0..histories {
                let tree = from_seed(history(kind, network, notified), seed);
                match run(&tree.current()) {
                    Ok(tally) => total.add(&tally),
                    Err(broken) => panic!("{kind} on {name}, seed {seed}: {}", broken.what),
                }
            }
            let (all, before) = (total.certain + total.likely, total.by_place);
            println!(
                "| {kind} | {name} | {} | {:.1} % | {:.1} % | {:.1} % | {} |",
                all.sum(),
                before.percent(),
                all.percent(),
                100.0 * total.certain.sum() as f64 / all.sum().max(1) as f64,
                match total.certain.sum() {
                    0 => "–".to_owned(),
                    _ => format!("{:.1} %", total.certain.percent()),
                },
            );
            assert!(all.percent() >= before.percent(), "{kind} on {name}");
        }
    }
}
