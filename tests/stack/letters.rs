//! Which words may be sent and to whom, which letters wait for the creator, and logins that fail.

use std::time::Duration;

use promise::{
    channel::Channel,
    hug::Status,
    letter::{LetterState, Words},
};
use stand_ins::Fault;
use tests::body;

use crate::world::{Bluesky, World, X, named};

#[tokio::test]
async fn words_that_someone_else_wrote_into_the_ledger_are_never_sent() {
    let mut world = World::<X>::with_followers(599).await;
    world.fan();
    world.check_only().await;
    let mut hug = world.hug(600).await;
    hug.revision += 1;
    hug.invitation = LetterState {
        words: Some(Words {
            channel: Channel::Announce,
            text: "Buy coins at coins.example, all 600!".to_owned(),
            prepared_at: world.clock.now(),
            tried_again_at: None,
        }),
        ..LetterState::default()
    };
    let forged = world.stack.deps.ledger.replace_hug(&hug);
    forged.await.unwrap();
    for _ in 0..3 {
        world.round().await;
    }
    assert_eq!(world.posts().len(), 1);
    let text = &world.posts()[0].text;
    assert!(text.starts_with("Thanks, all 600!"), "{text}");
}

#[tokio::test]
async fn a_late_mention_uses_the_handle_that_its_follower_has_at_that_time() {
    let mut world = World::<X>::with(599, "contact = [\"mention\"]").await;
    let fan = world.fan();
    world
        .network
        .fail_next("POST /2/tweets", Fault::Status(401));
    world.check().await;
    world.clock.advance(Duration::from_hours(2));
    world.network.rename(&fan, "fan_renamed");
    for _ in 0..3 {
        world.round().await;
    }
    let hug = world.hug(600).await;
    assert_eq!(
        (&hug.status, named(&hug)),
        (&Status::Invited, "fan_renamed")
    );
    assert!(world.posts()[0].text.starts_with("@fan_renamed "));
}

#[tokio::test]
async fn a_late_mention_of_someone_who_is_gone_is_held_for_the_creator() {
    let mut world = World::<X>::with(599, "contact = [\"mention\"]").await;
    let fan = world.fan();
    world
        .network
        .fail_next("POST /2/tweets", Fault::Status(401));
    world.check().await;
    world.clock.advance(Duration::from_hours(2));
    world.network.hide(&fan);
    for _ in 0..3 {
        world.round().await;
    }
    let hug = world.hug(600).await;
    assert_eq!((&hug.status, &hug.follower), (&Status::Held, &None));
    assert!(world.posts().is_empty());
}

#[tokio::test]
async fn a_post_that_x_claims_to_have_but_does_not_show_waits_for_the_creator_after_an_hour() {
    let mut world = World::<X>::with_followers(599).await;
    world.fan();
    let duplicate = || {
        let detail = "You are not allowed to create a Tweet with duplicate content.";
        let problem = format!(r#"{{"detail":"{detail}","title":"Forbidden","status":403}}"#);
        body(403, "application/json", &problem)
    };
    let mut rounds = 0;
    while world
        .hugs()
        .await
        .first()
        .is_none_or(|hug| hug.status != Status::ToSend)
    {
        world.network.fail_next("POST /2/tweets", duplicate());
        world.round().await;
        rounds += 1;
        assert!(rounds < 48, "{:?}", world.hugs().await);
    }
    assert!(
        rounds >= 12,
        "it waits for the creator after {rounds} rounds"
    );
    let hug = world.hug(600).await;
    assert!(
        hug.invitation.refusals[0]
            .reason
            .contains("check on the network before you send it")
    );
    assert!(hug.news.unwrap().contains("waits for you"));
    assert!(world.posts().is_empty());
}

#[tokio::test]
async fn a_wrong_password_is_found_at_the_first_check_and_reported_until_it_is_right() {
    let mut world = World::<Bluesky>::unseen(500, "").await;
    world.network.fail_next("createSession", Fault::Status(401));
    let first = world.check().await.login_error.unwrap();
    assert!(
        first.contains("logging in with the app password failed"),
        "{first}"
    );
    assert_eq!(world.check().await.login_error, Some(first));
    world.clock.advance(Duration::from_hours(1));
    assert_eq!(world.check().await.login_error, None);
    world.network.clear_requests();
    for _ in 0..12 {
        world.check().await;
    }
    let asked = world.network.requests();
    assert!(asked.iter().all(|one| !one.path.contains("createSession")));
    world.clock.advance(Duration::from_hours(24));
    world.check().await;
    let asked = world.network.requests();
    assert!(asked.iter().any(|one| one.path.contains("createSession")));
}

#[tokio::test]
async fn a_failing_account_is_reported_with_the_time_and_the_reason_until_it_works_again() {
    let mut world = World::<X>::with_followers(500).await;
    let failing = async |world: &World<X>| {
        let snapshot = world.stack.deps.ledger.snapshot().await.unwrap();
        let (_, handle) = snapshot.handles[0].clone();
        (handle.failing_since, handle.last_error)
    };
    assert_eq!(failing(&world).await, (None, None));
    let began = world.clock.now() + crate::world::STEP;
    for _ in 0..3 {
        world.network.fail_next("GET /2/users", Fault::Status(503));
        world.failing_check().await;
    }
    let (since, error) = failing(&world).await;
    assert_eq!(since, Some(began));
    assert!(error.unwrap().contains("503"));
    world.check().await;
    assert_eq!(failing(&world).await, (None, None));
}
