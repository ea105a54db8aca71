//! The limits on everything public: waves of followers, counts that leap, and decisions of the creator.

use std::time::{Duration, Instant};

use have_a_hug::{
    by_hand::{ByHandError, Step, by_hand},
    check::CheckOutcome,
    settings::Settings,
};
use promise::{
    hug::{HoldCause, Hug, HugKey, Status},
    milestone::Milestone,
};
use serde_json::Value;
use stand_ins::{Fault, Person, secret};

use crate::world::{Bluesky, STEP, TestNetwork, World, X, named, settings_of};

/// A world whose settings leave out `most_a_day`, so that the default limit holds.
async fn braked<N: TestNetwork>(followers: u64) -> World<N> {
    let mut world = World::<N>::with_followers(followers).await;
    let settings = settings_of::<N>(world.network.url(), "");
    let settings = settings.replace("most_a_day = 100\n", "");
    let settings = Settings::parse(&settings, "hug.toml", &secret).unwrap();
    world.use_settings(settings, &have_a_hug::http::client().unwrap());
    world
}

/// How many followers were read since the last call of this function.
fn followers_read<N: TestNetwork>(world: &World<N>) -> u64 {
    let lists = world.network.requests();
    world.network.clear_requests();
    let read = lists.iter().filter_map(|one| {
        let (_, query) = one
            .path
            .split_once("followers?")
            .or(one.path.split_once("getFollowers?"))?;
        let mut parts = query.split('&');
        parts.find_map(|part| {
            part.strip_prefix("max_results=")
                .or(part.strip_prefix("limit="))
        })
    });
    read.map(|number| number.parse::<u64>().unwrap()).sum()
}

async fn step<N: TestNetwork>(
    world: &World<N>,
    number: u64,
    step: Step,
) -> Result<Hug, ByHandError> {
    let deps = &world.stack.deps;
    let key = HugKey {
        id: world.account().await.key(),
        milestone: Milestone::from_number(number).unwrap(),
    };
    by_hand(&deps.ledger, &deps.settings, &key, &step, deps.clock.now()).await
}

fn statuses(hugs: &[Hug], status: &Status) -> Vec<u64> {
    let those = hugs.iter().filter(|hug| hug.status == *status);
    those.map(|hug| hug.milestone.number()).collect()
}

/// A wave: between two checks the count goes from 598 to 5,600. Prints a row of figures after 12 rounds, and returns
/// the world.
async fn wave<N: TestNetwork>(recognised: bool) -> World<N> {
    let mut world = braked::<N>(598).await;
    for n in 1..=5_002 {
        let person = if recognised {
            Person::bot(n, world.clock.now())
        } else {
            Person::fan(100_000 + n, world.clock.now())
        };
        let handle = N::handle_of(&person);
        world.network.follow(Person { handle, ..person });
    }
    world.network.clear_requests();
    let (mut slowest, mut read) = (Duration::ZERO, 0);
    for _ in 0..12 {
        world.clock.advance(STEP);
        let began = Instant::now();
        world.stack.round(Value::Null).await.unwrap();
        slowest = slowest.max(began.elapsed());
        read += followers_read(&world);
    }
    println!(
        "| {} | {} | {} | {} | {:.2} s |",
        N::facts().title,
        if recognised {
            "recognised"
        } else {
            "not recognised"
        },
        world.posts().len(),
        read,
        slowest.as_secs_f64()
    );
    world
}

#[tokio::test]
async fn a_wave_of_bots_that_pass_for_people_makes_three_posts_and_the_rest_is_held() {
    let mut world = wave::<X>(false).await;
    assert_eq!(world.posts().len(), 3);
    let hugs = world.hugs().await;
    assert_eq!(hugs.len(), 51);
    assert_eq!(statuses(&hugs, &Status::Invited), [600, 700, 800]);
    assert_eq!(statuses(&hugs, &Status::Held).len(), 48);
    let news = hugs.iter().filter(|hug| hug.status == Status::Held);
    assert_eq!(news.filter(|hug| hug.news.is_some()).count(), 1, "one mail");
    // The next milestone is held too: it is the fourth within a day; a day later it is not.
    world.fans(100);
    world.check().await;
    assert_eq!(world.hug(5_700).await.status, Status::Held);
    for _ in 0..24 * 12 {
        world.check().await;
    }
    let fan = world.fans(100).remove(99);
    world.check().await;
    let hug = world.hug(5_800).await;
    assert_eq!((&hug.status, named(&hug)), (&Status::Invited, fan.as_str()));
}

#[tokio::test]
async fn a_new_wave_is_told_although_a_hug_of_an_older_one_was_held_again() {
    let mut world = braked::<X>(598).await;
    world.fans(402);
    world.check().await;
    assert_eq!(world.hug(900).await.status, Status::Held);
    world.clock.advance(Duration::from_hours(25));
    let nobody = Step::Approve {
        chosen: Some("nobody_at_all".to_owned()),
    };
    step(&world, 900, nobody).await.unwrap();
    world.check().await;
    let again = world.hug(900).await;
    assert_eq!(
        (again.status, again.hold),
        (Status::Held, Some(HoldCause::MostADay))
    );
    world.fans(400);
    world.check().await;
    let held = world.hug(1_400).await;
    assert_eq!(held.status, Status::Held);
    assert!(
        held.news.is_some(),
        "the creator knows nothing of this wave"
    );
}

#[tokio::test]
async fn a_wave_of_recognised_bots_is_read_once_and_the_next_fan_gets_the_hug() {
    let mut world = wave::<X>(true).await;
    assert!(world.hugs().await.is_empty() && world.posts().is_empty());
    assert_eq!(world.account().await.pending.unwrap().passed_over, 5_001);
    let fan = world.fan();
    world.check().await;
    let hug = world.hug(600).await;
    assert_eq!((&hug.status, named(&hug)), (&Status::Invited, fan.as_str()));
    assert_eq!(hug.evidence.passed_over, 5_001);
    assert!(followers_read(&world) <= 20);
}

#[tokio::test]
async fn a_wave_on_bluesky_is_judged_a_part_at_each_check_and_the_next_fan_gets_the_hug() {
    let mut world = wave::<Bluesky>(true).await;
    assert!(world.posts().is_empty());
    let mut checks = 0;
    while world.account().await.pending.unwrap().passed_over < 5_001 {
        world.check().await;
        checks += 1;
        assert!(checks < 30, "no progress");
    }
    let fan = world.fan();
    world.check().await;
    assert_eq!(named(&world.hug(600).await), fan);
}

#[tokio::test]
async fn a_wave_on_bluesky_that_passes_for_people_makes_three_posts_and_the_rest_is_held() {
    let world = wave::<Bluesky>(false).await;
    assert_eq!(world.posts().len(), 3);
    assert_eq!(statuses(&world.hugs().await, &Status::Held).len(), 48);
}

#[tokio::test]
async fn no_more_followers_are_read_on_a_day_than_the_bound_and_the_next_day_goes_on() {
    let mut world = braked::<X>(5_000).await;
    // Two waves of four thousand on one day: the second is more than what is left of the bound.
    for _ in 0..2 {
        for _ in 0..4_000 {
            world.bot();
        }
        world.check().await;
    }
    let waiting = world.check().await.waiting.unwrap();
    let read = world.account().await.read.unwrap().followers;
    assert!(read <= 6_000, "{read}");
    let why = waiting.why.unwrap();
    assert!(why.contains("it goes on at 00:00 UTC"), "{why}");
    for _ in 0..10 * 12 {
        world.check().await;
    }
    let pending = world.account().await.pending.unwrap();
    assert!(pending.passed_over >= 7_900, "{pending:?}");
}

#[tokio::test]
async fn a_leap_is_believed_only_by_a_check_a_minute_later() {
    let mut world = braked::<X>(598).await;
    world.fans(1_500);
    assert_eq!(world.check_now().await.outcome, CheckOutcome::Unconfirmed);
    assert_eq!(world.check_now().await.outcome, CheckOutcome::Unconfirmed);
    assert_eq!(world.promised_up_to().await, 598);
    assert_eq!(world.check().await.outcome, CheckOutcome::Milestones);
}

#[tokio::test]
async fn hugs_that_waited_for_days_are_not_all_sent_at_once() {
    let mut world = braked::<X>(599).await;
    for tries in [3, 6] {
        world.fans(300);
        for _ in 0..tries {
            world
                .network
                .fail_next("POST /2/tweets", Fault::Status(401));
        }
        world.check().await;
        world.clock.advance(Duration::from_hours(25));
    }
    assert!(world.posts().is_empty());
    for _ in 0..3 {
        world.check().await;
    }
    assert_eq!(world.posts().len(), 3, "three of six");
    let held = statuses(&world.hugs().await, &Status::Held);
    assert_eq!(held.len(), 3);
    let news = world.hugs().await.into_iter();
    let news = news.filter(|hug| hug.status == Status::Held && hug.news.is_some());
    assert_eq!(news.count(), 1, "one message");
    let first = held[0];
    step(&world, first, Step::Approve { chosen: None })
        .await
        .unwrap();
    world.check().await;
    assert_eq!(world.hug(first).await.status, Status::Invited);
}

#[tokio::test]
async fn a_held_hug_is_sent_after_the_creator_approves_it_and_never_after_she_cancels_it() {
    let mut world = braked::<X>(599).await;
    world.fans(501);
    world.check().await;
    let held = statuses(&world.hugs().await, &Status::Held);
    assert_eq!(held, [900, 1_000, 1_100]);
    let approved = step(&world, 900, Step::Approve { chosen: None })
        .await
        .unwrap();
    assert_eq!(approved.hold, Some(HoldCause::MostADay));
    step(&world, 1_000, Step::Cancel).await.unwrap();
    let chosen = Step::Approve {
        chosen: Some("fan0005".to_owned()),
    };
    step(&world, 1_100, chosen).await.unwrap();
    for _ in 0..20 {
        world.round().await;
    }
    assert_eq!(world.hug(900).await.status, Status::Invited);
    assert_eq!(world.hug(1_000).await.status, Status::Cancelled);
    let hug = world.hug(1_100).await;
    assert_eq!((&hug.status, named(&hug)), (&Status::Invited, "fan0005"));
    assert_eq!(world.posts().len(), 5);
}

#[tokio::test]
async fn the_creator_can_choose_somebody_whose_hug_for_another_number_she_cancelled() {
    let mut world = braked::<X>(599).await;
    world.fans(501);
    world.check().await;
    let hug = world.hug(1_100).await;
    let handle = named(&hug).to_owned();
    let chosen = || Step::Approve {
        chosen: Some(handle.clone()),
    };
    step(&world, 1_000, chosen()).await.unwrap();
    world.stack.deliver().await.unwrap();
    assert_eq!(world.hug(1_000).await.status, Status::Held);
    step(&world, 1_100, Step::Cancel).await.unwrap();
    step(&world, 1_000, chosen()).await.unwrap();
    world.stack.deliver().await.unwrap();
    let hug = world.hug(1_000).await;
    assert_eq!((&hug.status, named(&hug)), (&Status::Invited, &*handle));
}

#[tokio::test]
async fn a_hug_is_held_again_if_nobody_has_the_chosen_handle_or_its_owner_has_a_hug_already() {
    let mut world = braked::<X>(599).await;
    let fan = world.fan();
    world.check().await;
    let nobody = Step::Approve {
        chosen: Some("nobody_at_all".to_owned()),
    };
    world.fans(400);
    world.check().await;
    let crossed = world.hug(1_000).await.follower;
    assert!(crossed.is_some());
    for (chosen, why) in [
        (nobody, "nobody has the handle nobody_at_all"),
        (
            Step::Approve {
                chosen: Some(fan.clone()),
            },
            "already has the hug for 600",
        ),
    ] {
        step(&world, 1_000, chosen).await.unwrap();
        world.stack.deliver().await.unwrap();
        let hug = world.hug(1_000).await;
        assert_eq!(hug.status, Status::Held);
        assert_eq!(
            hug.follower, crossed,
            "the hug names its first follower again"
        );
        assert!(hug.reason.unwrap().contains(why));
        assert!(hug.news.unwrap().contains("is held again"));
    }
    assert_eq!(world.invitations_to(1_000), 0);
}

#[tokio::test]
async fn a_number_that_was_crossed_without_a_hug_gets_one_only_for_a_handle_and_only_once() {
    let mut world = braked::<X>(640).await;
    let without = step(&world, 600, Step::Approve { chosen: None }).await;
    assert!(matches!(without, Err(ByHandError::Gone)));
    let to_fan = || Step::Approve {
        chosen: Some("fan0007".to_owned()),
    };
    step(&world, 600, to_fan()).await.unwrap();
    world.check().await;
    let hug = world.hug(600).await;
    assert_eq!((&hug.status, named(&hug)), (&Status::Invited, "fan0007"));
    assert!(step(&world, 600, to_fan()).await.is_err());
    let ahead = step(&world, 700, to_fan()).await;
    assert!(matches!(ahead, Err(ByHandError::NotCrossed(..))));
    let unplanned = step(&world, 610, to_fan()).await;
    assert!(matches!(unplanned, Err(ByHandError::NotPlanned(_))));
}
