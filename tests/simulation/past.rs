//! Histories in which the simulation once found a defect, in the small form that it found.

use promise::{account::NetworkName, channel::Channel};

use super::{
    history::{Deed, Fault, History, Job, Plan, Step, What, Which, Who},
    run::run,
};

fn keeps_every_promise(network: NetworkName, at_first: usize, steps: Vec<Step>) {
    let history = History {
        network,
        tells_follows: network == NetworkName::Mastodon,
        contact: vec![Channel::Announce],
        plan: Plan { first: 1, step: 1 },
        most_a_day: 100,
        at_first: vec![Who::Fan; at_first],
        page: 1,
        shown_after: 0,
        steps,
    };
    if let Err(broken) = run(&history) {
        panic!("{}\n{}", broken.what, broken.story.join("\n"));
    }
}

fn fans(n: usize) -> Step {
    Step::Arrive(vec![Who::Fan; n])
}

fn check() -> Job {
    Job {
        what: What::Check,
        skew: 0,
        faults: vec![],
    }
}

fn checked() -> Step {
    Step::Run(vec![check()], vec![])
}

#[test]
fn one_who_left_and_came_back_hides_none_of_those_who_came_in_between() {
    // The one who left was the newest of those remembered, and is above newcomers in the list now.
    let steps = vec![checked(), fans(15), Step::Leave(9), Step::Return(0)];
    keeps_every_promise(NetworkName::X, 10, steps);
}

#[test]
fn where_the_count_still_has_deleted_accounts_one_who_came_back_does_not_end_the_arrivals() {
    let steps = vec![
        Step::Delete(0),
        checked(),
        Step::Delete(0),
        fans(4),
        Step::Leave(4),
        fans(2),
        Step::Return(0),
    ];
    keeps_every_promise(NetworkName::Bluesky, 7, steps);
}

#[test]
fn an_arrival_that_is_hidden_behind_one_who_left_is_not_called_certain() {
    let mut dies_afterwards = check();
    dies_afterwards.faults = vec![(4, Fault::DieAfter)];
    let steps = vec![
        fans(2),
        Step::Run(vec![dies_afterwards], vec![]),
        Step::Delete(0),
        fans(5),
        Step::Hide(2),
    ];
    keeps_every_promise(NetworkName::X, 0, steps);
}

#[test]
fn where_follows_can_be_backdated_the_order_of_the_list_is_not_called_certain() {
    let steps = vec![
        fans(4),
        checked(),
        fans(4),
        Step::Backdate(4),
        Step::Backdate(5),
    ];
    keeps_every_promise(NetworkName::Bluesky, 0, steps);
}

#[test]
fn two_who_follow_while_the_list_is_read_shift_nobody_for_certain() {
    let while_reading = |call| Job {
        faults: vec![(call, Fault::Follow(Who::Fan))],
        ..check()
    };
    let steps = vec![
        Step::Run(vec![while_reading(2)], vec![]),
        fans(3),
        Step::Run(vec![while_reading(4)], vec![]),
    ];
    keeps_every_promise(NetworkName::X, 1, steps);
}

#[test]
fn where_few_were_remembered_all_of_them_may_have_left_and_come_back() {
    let steps = vec![checked(), Step::Leave(0), fans(1), Step::Return(0)];
    keeps_every_promise(NetworkName::X, 1, steps);
}

#[test]
fn a_burst_just_before_the_look_is_not_taken_for_newcomers_who_are_hidden() {
    let mut steps = vec![fans(13), checked(), fans(1)];
    for _ in 0..3 {
        steps.extend([fans(1), Step::HideNewest]);
    }
    steps.push(fans(1));
    keeps_every_promise(NetworkName::Mastodon, 0, steps);
}

#[test]
fn one_who_came_back_at_once_is_not_the_end_of_those_who_came_where_another_is_gone() {
    let steps = vec![
        checked(),
        Step::Leave(1),
        fans(2),
        Step::Return(0),
        Step::Leave(3),
        fans(2),
    ];
    keeps_every_promise(NetworkName::Mastodon, 5, steps);
}

#[test]
fn one_who_came_back_at_once_is_not_the_end_of_those_who_came_where_one_of_long_standing_left() {
    let steps = vec![
        checked(),
        Step::Leave(10),
        fans(2),
        Step::Return(0),
        fans(2),
        Step::Leave(0),
    ];
    keeps_every_promise(NetworkName::Mastodon, 15, steps);
}

#[test]
fn whoever_came_before_a_milestone_does_not_get_it_because_a_wave_was_judged_in_two_checks() {
    let history = History {
        network: NetworkName::Bluesky,
        tells_follows: true,
        contact: vec![Channel::Announce],
        plan: Plan { first: 5, step: 20 },
        most_a_day: 100,
        at_first: vec![],
        page: 40,
        shown_after: 0,
        steps: vec![
            checked(),
            Step::Pass(400),
            fans(1),
            Step::Wave(Who::Bot, 1010),
            checked(),
        ],
    };
    if let Err(broken) = run(&history) {
        panic!("{}\n{}", broken.what, broken.story.join("\n"));
    }
}

#[test]
fn a_song_for_someone_whom_nobody_knows_any_more_waits_for_the_creator_and_is_not_held() {
    let by_hand = |deed| {
        let what = What::ByHand(deed, Which::Number(2));
        Step::Run(vec![Job::plain(what)], vec![])
    };
    let steps = vec![
        checked(),
        by_hand(Deed::ApproveFor(0)),
        by_hand(Deed::Sent),
        Step::Delete(0),
        by_hand(Deed::Song(0)),
        Step::Run(vec![Job::plain(What::Deliver)], vec![]),
    ];
    keeps_every_promise(NetworkName::X, 3, steps);
}

#[test]
fn an_erased_follower_is_not_taken_for_a_new_one_although_somebody_else_left() {
    let alone = |what| Step::Run(vec![Job::plain(what)], vec![]);
    let history = History {
        network: NetworkName::X,
        tells_follows: false,
        contact: vec![Channel::Announce],
        plan: Plan { first: 2, step: 5 },
        most_a_day: 100,
        at_first: vec![Who::Fan],
        page: 1,
        shown_after: 0,
        steps: vec![
            checked(),
            fans(5),
            Step::Arrive(vec![Who::Bot, Who::Bot]),
            checked(),
            alone(What::Deliver),
            alone(What::Deliver),
            Step::Leave(34),
            alone(What::Forget(0)),
            checked(),
        ],
    };
    if let Err(broken) = run(&history) {
        panic!("{}\n{}", broken.what, broken.story.join("\n"));
    }
}

#[test]
fn after_the_newest_was_erased_those_who_came_later_are_counted_from_the_right_place() {
    let history = History {
        network: NetworkName::Bluesky,
        tells_follows: true,
        contact: vec![Channel::Announce],
        plan: Plan { first: 3, step: 2 },
        most_a_day: 100,
        at_first: vec![],
        page: 1,
        shown_after: 0,
        steps: vec![
            checked(),
            Step::Arrive(vec![Who::Fan, Who::Fan, Who::Bot]),
            checked(),
            fans(1),
            Step::Pass(121),
            checked(),
            fans(1),
            Step::Run(vec![Job::plain(What::Forget(0))], vec![]),
        ],
    };
    if let Err(broken) = run(&history) {
        panic!("{}\n{}", broken.what, broken.story.join("\n"));
    }
}
