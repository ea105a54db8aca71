//! One hug for one milestone, for the right person, and nothing lost.

use std::{sync::LazyLock, time::Duration};

use have_a_hug::{
    by_hand::{Step, by_hand},
    check::{Check, CheckOutcome},
    ledger::{HandleChange, LedgerFailure, Recording},
};
use promise::{
    channel::Channel,
    evidence::Certainty,
    hug::{Hug, Status},
    record::AccountRecord,
    video::VideoId,
};
use serde_json::json;
use stand_ins::{Fault, Person};
use tests::{
    body,
    proxy::{Proxy, Trouble},
    settings,
};

use crate::world::{STEP, World, X, named, only, settings_of};

fn recording<'a>(
    before: Option<&'a AccountRecord>,
    after: &'a AccountRecord,
    hugs: &'a [Hug],
) -> Recording<'a> {
    static NOTHING: LazyLock<HandleChange> = LazyLock::new(HandleChange::default);
    Recording {
        before,
        after,
        hugs,
        passed_over: &[],
        handle: &NOTHING,
        glance: have_a_hug::ledger::GlanceChange::Remove,
    }
}

#[tokio::test]
async fn a_milestone_that_has_a_hug_is_not_owed_again_wherever_the_mark_is() {
    let mut world = World::<X>::with_followers(599).await;
    world.check().await;
    world.fans(1);
    world.check().await;
    let (hug, account) = (world.hug(600).await, world.account().await);
    // A person can have edited the table like this.
    let mut lower = account.clone();
    lower.promised_up_to = 599;
    lower.revision += 1;
    let ledger = &world.stack.deps.ledger;
    let edited = ledger.record_check(recording(Some(&account), &lower, &[]));
    edited.await.unwrap();
    let check = world.check().await;
    assert_eq!((check.promised_up_to, check.hugs.len()), (Some(600), 0));
    assert_eq!(world.hug(600).await, hug);
}

#[tokio::test]
async fn number_600_is_invited_once() {
    let mut world = World::<X>::with_followers(598).await;
    let arrivals = world.fans(3);
    let check = world.check().await;
    assert_eq!(check.outcome, CheckOutcome::Milestones);
    let hug = world.hug(600).await;
    // 601 followers: number 600 is the second newest.
    assert_eq!(named(&hug), arrivals[1]);
    assert_eq!(hug.evidence.position, 1);
    assert_eq!(
        (hug.evidence.count_before, hug.evidence.count_after),
        (598, 601)
    );
    assert_eq!(hug.status, Status::Invited);
    assert_eq!(world.posts().len(), 1);
    let post = &world.posts()[0];
    assert_eq!(hug.invitation.reference(), Some(post.id.as_str()));
    assert_eq!(hug.invitation.words.unwrap().text, post.text);
}

#[tokio::test]
async fn milestones_behind_the_first_check_are_not_paid_back() {
    let mut world = World::<X>::unseen(950, "").await;
    assert_eq!(world.check().await.outcome, CheckOutcome::Baseline);
    world.fans(30);
    assert_eq!(world.check().await.outcome, CheckOutcome::NoMilestone);
    world.fans(20);
    world.check().await;
    assert_eq!(world.milestones().await, [1000]);
}

#[tokio::test]
async fn a_burst_owes_every_milestone_it_passed() {
    let mut world = World::<X>::with_followers(595).await;
    let arrivals = world.fans(210);
    world.check().await;
    for (milestone, place) in [(600, 4), (700, 104), (800, 204)] {
        assert_eq!(named(&world.hug(milestone).await), arrivals[place]);
        assert_eq!(world.invitations_to(milestone), 1);
    }
}

#[tokio::test]
async fn after_a_burst_over_more_milestones_than_one_check_may_owe_the_next_check_owes_the_rest() {
    let mut world = World::<X>::with_followers(599).await;
    let arrivals = world.fans(4_600);
    assert_eq!(world.check().await.outcome, CheckOutcome::Unconfirmed);
    world.check().await;
    assert_eq!(world.hugs().await.len(), 45);
    assert_eq!(world.promised_up_to().await, 5_000);
    world.check().await;
    let hugs = world.hugs().await;
    assert_eq!(hugs.len(), 46);
    assert_eq!(named(&hugs[45]), arrivals[4_500]);
    assert_eq!(world.posts().len(), 46);
}

#[tokio::test]
async fn a_dip_and_a_second_climb_owe_no_second_song() {
    let mut world = World::<X>::with_followers(599).await;
    let arrivals = world.fans(2);
    world.check().await;
    for handle in &arrivals {
        world.network.unfollow(handle);
    }
    assert_eq!(world.check().await.followers, Some(599));
    assert_eq!(world.promised_up_to().await, 601, "the mark never falls");
    world.fans(5);
    assert_eq!(world.check().await.outcome, CheckOutcome::NoMilestone);
    assert_eq!(world.posts().len(), 1);
}

#[tokio::test]
async fn a_bot_is_passed_over_for_the_next_newer_follower() {
    let mut world = World::<X>::with_followers(599).await;
    let bot = world.bot();
    let fan = world.fan();
    world.check().await;
    let hug = world.hug(600).await;
    assert_eq!(named(&hug), fan);
    assert_eq!(hug.evidence.position, 1);
    assert_eq!(
        world.passed_over(hug.milestone.number()).await[0].handle,
        bot
    );
    assert!(
        world.passed_over(hug.milestone.number()).await[0]
            .reasons
            .contains(&"no picture".to_owned())
    );
}

#[tokio::test]
async fn a_milestone_waits_until_someone_genuine_comes() {
    let mut world = World::<X>::with_followers(599).await;
    world.bot();
    let check = world.check().await;
    assert_eq!(check.outcome, CheckOutcome::Waiting);
    assert_eq!(world.promised_up_to().await, 599);
    assert!(world.hugs().await.is_empty());
    let fan = world.fan();
    world.check().await;
    assert_eq!(named(&world.hug(600).await), fan);
}

#[tokio::test]
async fn milestones_before_the_one_that_waits_are_owed_at_once() {
    let mut world = World::<X>::with_followers(599).await;
    world.fans(100);
    world.bot();
    let check = world.check().await;
    assert_eq!(check.hugs.len(), 1);
    assert_eq!(check.waiting.unwrap().milestone.number(), 700);
    assert_eq!(world.promised_up_to().await, 699);
    let fan = world.fan();
    world.check().await;
    assert_eq!(named(&world.hug(700).await), fan);
    assert_eq!(world.invitations_to(600), 1);
}

#[tokio::test]
async fn nobody_gets_a_second_hug() {
    let mut world = World::<X>::with_followers(599).await;
    let lucky = world.fan();
    world.check().await;
    // She leaves and comes back just as number 700 is crossed.
    world.fans(99);
    world.network.unfollow(&lucky);
    world.fan();
    let n: u64 = lucky.trim_start_matches("fan").parse().unwrap();
    world.network.follow(Person::fan(n, world.clock.now()));
    let next = world.fan();
    world.check().await;
    let hug = world.hug(700).await;
    assert_eq!(
        world.passed_over(hug.milestone.number()).await[0].handle,
        lucky
    );
    assert_eq!(
        world.passed_over(hug.milestone.number()).await[0].reasons,
        ["already has the hug for 600"]
    );
    assert_eq!(named(&hug), next);
}

#[tokio::test]
async fn whom_the_creator_vouches_for_is_genuine_and_screening_can_be_off() {
    let mut world = World::<X>::with(599, "always = [\"@HotChat00001\"]").await;
    let bot = world.bot();
    world.check().await;
    assert_eq!(named(&world.hug(600).await), bot);

    let mut world = World::<X>::with(599, "screen = false").await;
    let bot = world.bot();
    world.check().await;
    assert_eq!(named(&world.hug(600).await), bot);
}

#[tokio::test]
async fn after_an_empty_list_the_milestone_waits_and_if_the_list_stays_empty_the_creator_decides() {
    let empty = || body(200, "application/json", r#"{"meta":{"result_count":0}}"#);
    for (followers, came, why) in [
        (580, 22, "the list of followers ended after 0 of 602"),
        (
            597,
            5,
            "the list of followers contains none of the followers who were in it before",
        ),
    ] {
        let mut world = World::<X>::with_followers(followers).await;
        let arrivals = world.fans(came);
        let six_hundredth = &arrivals[usize::try_from(599 - followers).unwrap()];
        world.network.fail_next("/followers", empty());
        let waiting = world.check().await.waiting.unwrap();
        assert_eq!(waiting.why.as_deref(), Some(why));
        world.check().await;
        assert_eq!(named(&world.hug(600).await), six_hundredth);

        let mut world = World::<X>::with_followers(followers).await;
        world.fans(came);
        for _ in 0..13 {
            assert!(world.hugs().await.is_empty());
            world.network.fail_next("/followers", empty());
            world.check().await;
        }
        let hug = world.hug(600).await;
        assert_eq!((hug.status, hug.follower), (Status::Held, None));
        assert_eq!(hug.reason.as_deref(), Some(why));
        assert!(hug.news.unwrap().contains("--for HANDLE"));
        assert!(world.posts().is_empty());
    }
}

#[tokio::test]
async fn pages_that_are_short_because_they_hide_someone_are_read_on() {
    let mut world = World::<X>::with_followers(599).await;
    let arrivals = world.fans(4);
    world.network.hide(&arrivals[3]);
    world.check().await;
    // 603 are counted, 602 listed: position 3 of the list is number 599, who was there before.
    let hug = world.hug(600).await;
    assert_eq!(named(&hug), arrivals[0]);
    assert_eq!(hug.evidence.position, 3);
    assert_eq!(hug.evidence.certainty, Certainty::Likely);
    assert_eq!(hug.evidence.arrivals.unwrap().came, 3);
}

#[tokio::test]
async fn where_the_count_moves_while_the_list_is_read_nothing_is_certain() {
    let mut world = World::<X>::with_followers(598).await;
    world.fans(2);
    let url = world.network.url().to_owned();
    let (x, late) = (world.network.clone(), Person::fan(9_999, world.clock.now()));
    let proxy = Proxy::before(&url, move |number, _| {
        if number == 2 {
            x.follow(late.clone());
        }
        Trouble::None
    })
    .await;
    world.move_to(&proxy.url);
    world.check().await;
    let hug = world.hug(600).await;
    assert_eq!(hug.evidence.count_after, 600);
    assert_eq!(hug.evidence.certainty, Certainty::Likely);
}

#[tokio::test]
async fn a_milestone_that_count_and_list_agree_on_is_certain() {
    let mut world = World::<X>::with_followers(598).await;
    let arrivals = world.fans(3);
    world.check().await;
    let hug = world.hug(600).await;
    assert_eq!(named(&hug), arrivals[1]);
    assert_eq!(hug.evidence.certainty, Certainty::Certain);
    let arrivals = hug.evidence.arrivals.unwrap();
    assert_eq!((arrivals.since_count, arrivals.came), (598, 3));
}

#[tokio::test]
async fn a_newcomer_who_is_hidden_makes_nobody_of_old_standing_number_600() {
    let mut world = World::<X>::with_followers(599).await;
    let hidden = world.fan();
    world.network.hide(&hidden);
    let check = world.check().await;
    assert_eq!(check.outcome, CheckOutcome::Waiting);
    let next = world.fan();
    world.check().await;
    assert_eq!(named(&world.hug(600).await), next);
}

#[tokio::test]
async fn where_nothing_was_remembered_the_place_decides_and_is_only_likely() {
    let mut world = World::<X>::with_followers(500).await;
    let arrivals = world.fans(120);
    world.check().await;
    let hug = world.hug(600).await;
    assert_eq!(named(&hug), arrivals[99]);
    assert_eq!(hug.evidence.certainty, Certainty::Likely);
    assert_eq!(hug.evidence.arrivals, None);
}

#[tokio::test]
async fn a_list_that_cannot_be_read_near_a_milestone_stops_no_check() {
    let mut world = World::<X>::with_followers(589).await;
    world.fans(8);
    world.network.fail_next("/followers", Fault::Status(503));
    assert_eq!(world.check().await.followers, Some(597));
    let arrivals = world.fans(3);
    world.check().await;
    assert_eq!(named(&world.hug(600).await), arrivals[2]);
}

#[tokio::test]
async fn two_checks_at_once_owe_one_hug() {
    let mut world = World::<X>::with_followers(599).await;
    world.fans(3);
    world.clock.advance(STEP);
    let (a, b) = tokio::join!(world.check_now(), world.check_now());
    let mut outcomes = [a.outcome, b.outcome];
    outcomes.sort_by_key(|outcome| *outcome == CheckOutcome::NoMilestone);
    assert_eq!(
        outcomes,
        [CheckOutcome::Milestones, CheckOutcome::NoMilestone]
    );
    world.stack.deliver().await.unwrap();
    assert_eq!(world.posts().len(), 1);
}

#[tokio::test]
async fn the_ledger_itself_takes_no_second_hug_for_a_milestone_and_no_second_baseline() {
    let mut world = World::<X>::with_followers(599).await;
    world.fan();
    world.check().await;
    let ledger = &world.stack.deps.ledger;
    let account = world.account().await;
    let mut after = account.clone();
    after.revision += 1;
    after.promised_up_to = 9_000;
    let again = [world.hug(600).await];
    let second_hug = ledger
        .record_check(recording(Some(&account), &after, &again))
        .await;
    assert_eq!(second_hug.unwrap_err().failure, LedgerFailure::LostRace);
    let second_baseline = ledger.record_check(recording(None, &after, &[])).await;
    assert_eq!(
        second_baseline.unwrap_err().failure,
        LedgerFailure::LostRace
    );
    assert_eq!(world.promised_up_to().await, 600, "all or nothing");
}

#[tokio::test]
async fn a_check_that_was_overtaken_does_not_bring_the_mark_down() {
    let mut world = World::<X>::with_followers(610).await;
    world.fan();
    let slow = Fault::Slow(Duration::from_millis(500));
    world.network.fail_next("GET /2/users", slow);
    let overtaking = async {
        // The slow one has its count once X has seen its request.
        while world.network.requests().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        for n in 9_000..9_040 {
            world.network.follow(Person::fan(n, world.clock.now()));
        }
        world.check_now().await
    };
    world.network.clear_requests();
    let (overtaken, overtaking) = tokio::join!(world.check_now(), overtaking);
    assert_eq!(overtaking.promised_up_to, Some(651));
    assert_eq!(overtaken.followers, Some(611));
    assert_eq!(overtaken.promised_up_to, Some(651));
    assert_eq!(world.promised_up_to().await, 651);
}

#[tokio::test]
async fn if_the_followers_cannot_be_read_the_mark_stays_and_the_next_check_tries_again() {
    let mut world = World::<X>::with_followers(599).await;
    let fan = world.fan();
    world.network.fail_next("/followers", Fault::Status(503));
    let error = world.failing_check().await;
    assert!(
        error.contains("reading the newest followers failed for x:amber: 503"),
        "{error}"
    );
    assert_eq!(world.promised_up_to().await, 599);
    world.check().await;
    assert_eq!(named(&world.hug(600).await), fan);
}

#[tokio::test]
async fn a_changed_plan_does_not_open_the_past_again() {
    let mut world = World::<X>::with_followers(640).await;
    world.fans(10);
    world.check().await;
    let denser = settings_of::<X>(world.network.url(), "");
    world.change_settings(&denser.replace("step = 100", "step = 10"));
    assert_eq!(world.check().await.outcome, CheckOutcome::NoMilestone);
    world.fans(10);
    world.check().await;
    assert_eq!(world.milestones().await, [660]);
}

#[tokio::test]
async fn a_new_handle_is_the_same_account() {
    let mut world = World::<X>::with_followers(599).await;
    world.network.rename("amber", "amberlane");
    world.fan();
    world.check().await;
    assert_eq!(
        world.invitations_to(600),
        1,
        "found by its id under the old handle"
    );

    let url = world.network.url().to_owned();
    world.change_settings(&settings("x", "amberlane", &url, ""));
    world.fans(100);
    assert_eq!(
        world.check().await.outcome,
        CheckOutcome::Milestones,
        "no new baseline"
    );
    assert_eq!(world.invitations_to(700), 1);
}

#[tokio::test]
async fn a_hug_that_is_under_way_when_the_handle_changes_is_delivered() {
    let mut world = World::<X>::with_followers(599).await;
    world.fan();
    world
        .network
        .fail_next("POST /2/tweets", Fault::Status(401));
    world.check().await;
    assert!(world.posts().is_empty());
    world.network.rename("amber", "amberlane");
    let url = world.network.url().to_owned();
    world.change_settings(&settings("x", "amberlane", &url, ""));
    world.check().await;
    world.check().await;
    assert_eq!(world.invitations_to(600), 1);
}

#[tokio::test]
async fn a_dry_run_decides_but_writes_nothing() {
    let mut world = World::<X>::with_followers(599).await;
    let fan = world.fan();
    let check = only(
        world
            .stack
            .round(json!({ "dry_run": true }))
            .await
            .unwrap()
            .summary,
    );
    assert_eq!(named(&check.hugs[0]), fan);
    assert!(world.hugs().await.is_empty());
    assert_eq!(world.promised_up_to().await, 599);
    assert!(world.posts().is_empty());
}

/// What a check would do now, without writing or sending anything.
async fn dry_run(world: &mut World<X>) -> Check {
    let round = world.stack.round(json!({ "dry_run": true })).await;
    only(round.unwrap().summary)
}

#[tokio::test]
async fn a_dry_run_shows_the_words_of_an_invitation_and_of_a_song_that_are_tried_again() {
    let mut world = World::<X>::with_followers(599).await;
    let fan = world.fan();
    world
        .network
        .fail_next("POST /2/tweets", Fault::Status(503));
    world.check().await;
    assert!(world.posts().is_empty());
    world.clock.advance(Duration::from_mins(30));
    let shown = dry_run(&mut world).await.would_say;
    assert!(world.posts().is_empty());
    world.check().await;
    let sent = world.posts().remove(0);
    assert_eq!((shown.len(), &shown[0].text), (1, &sent.text));

    let invitation = sent.id;
    world.network.answer(&fan, "@amber the sea", &invitation);
    world.check().await;
    let key = world.hug(600).await.key();
    let song = Step::Song {
        video: VideoId::from_id("AAAAAAAAAAA").unwrap(),
        title: None,
    };
    let (deps, now) = (&world.stack.deps, world.clock.now());
    let given = by_hand(&deps.ledger, &deps.settings, &key, &song, now);
    given.await.unwrap();
    world
        .network
        .fail_next("POST /2/tweets", Fault::Status(503));
    world.stack.deliver_only().await.unwrap();
    world.clock.advance(Duration::from_mins(30));
    let shown = dry_run(&mut world).await.would_say;
    assert_eq!(world.posts().len(), 1);
    world.check().await;
    let sent = world.posts().pop().unwrap();
    assert_eq!((shown.len(), &shown[0].text), (1, &sent.text));
    assert_eq!(shown[0].channel, Channel::Reply);
}

#[tokio::test]
async fn a_rate_limit_is_remembered_and_nothing_is_asked_before_it_ends() {
    let mut world = World::<X>::with_followers(599).await;
    world.fan();
    world
        .network
        .fail_next("GET /2/users", Fault::RateLimited { for_seconds: 900 });
    let limited = world.check().await;
    assert_eq!(limited.outcome, CheckOutcome::RateLimited);
    world.requests();
    for _ in 0..2 {
        assert_eq!(world.check().await.retry_at, limited.retry_at);
    }
    assert_eq!(world.requests(), Vec::<String>::new());
    assert_eq!(world.check().await.outcome, CheckOutcome::Milestones);
}

#[tokio::test]
async fn a_rate_limit_that_is_to_last_for_years_is_believed_for_a_day() {
    let mut world = World::<X>::with_followers(599).await;
    let for_seconds = 10 * 365 * 24 * 60 * 60;
    world
        .network
        .fail_next("GET /2/users", Fault::RateLimited { for_seconds });
    world.check().await;
    world.fan();
    world.clock.advance(Duration::from_hours(24));
    assert_eq!(world.check().await.outcome, CheckOutcome::Milestones);
}

#[tokio::test]
async fn a_rate_limit_before_the_very_first_answer_is_remembered_too() {
    let mut world = World::<X>::unseen(598, "").await;
    world
        .network
        .fail_next("GET /2/users", Fault::RateLimited { for_seconds: 900 });
    assert_eq!(world.check().await.outcome, CheckOutcome::RateLimited);
    world.requests();
    assert_eq!(world.check().await.outcome, CheckOutcome::RateLimited);
    assert!(world.requests().is_empty());
}

#[tokio::test]
async fn the_last_request_that_a_limit_allows_is_the_last_one_made() {
    let mut world = World::<X>::unseen(500, "").await;
    world
        .network
        .set_limit("GET /2/users/by/username/:username", 1);
    assert!(world.check().await.retry_at.is_some());
    world.requests();
    assert_eq!(world.check().await.outcome, CheckOutcome::RateLimited);
    assert!(world.requests().is_empty());
}
