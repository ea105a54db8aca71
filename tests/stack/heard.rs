//! Which answers are heard: whose, which of several, how late, and on which network in which form.

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use have_a_hug::{by_hand::Step, transfer};
use hug::table;
use promise::{answer::Asking, hug::Status};
use stand_ins::Fault;

use crate::{
    topic::{invited, song, step},
    world::{Bluesky, Mastodon, TestNetwork, World, X},
};

async fn topic<N: TestNetwork>(world: &World<N>) -> Option<String> {
    world.hug(600).await.topic.map(|topic| topic.text)
}

#[tokio::test]
async fn answers_on_x_are_read_under_both_names_of_its_fields() {
    for new in [false, true] {
        let (mut world, fan, invitation) = invited::<X>("").await;
        world.network.set_new_names(new);
        world.network.answer(&fan, "@amber the sea", &invitation);
        world.check().await;
        assert_eq!(topic(&world).await.as_deref(), Some("the sea"), "{new}");
    }
}

async fn quoted<N: TestNetwork>() {
    let (mut world, fan, invitation) = invited::<N>("contact = [\"announce\"]\n").await;
    world.network.quote(&fan, "the moon", &invitation);
    // Bluesky is asked for quotes once an hour.
    for _ in 0..13 {
        world.check().await;
    }
    assert_eq!(topic(&world).await.as_deref(), Some("the moon"));
    step(&mut world, song("dQw4w9WgXcQ")).await.unwrap();
    assert_eq!(world.hug(600).await.status, Status::Hugged);
}

#[tokio::test]
async fn a_quote_of_the_invitation_is_an_answer() {
    quoted::<X>().await;
    quoted::<Bluesky>().await;
}

#[tokio::test]
async fn an_edited_answer_counts_as_a_later_one() {
    async fn edited<N: TestNetwork>() {
        let (mut world, fan, invitation) = invited::<N>("").await;
        let answer = world.network.answer(&fan, "@amber the see", &invitation);
        world.check().await;
        world.clock.advance(Duration::from_mins(1));
        world.network.edit_post(&answer, "@amber the sea");
        world.check().await;
        assert_eq!(topic(&world).await.as_deref(), Some("the sea"));
        assert_eq!(world.hug(600).await.answers.judged.len(), 2);
    }
    edited::<X>().await;
    edited::<Bluesky>().await;
    edited::<Mastodon>().await;
}

#[tokio::test]
async fn an_answer_that_the_creator_has_hidden_on_bluesky_is_not_heard() {
    let (mut world, fan, invitation) = invited::<Bluesky>("").await;
    let answer = world.network.answer(&fan, "the sea", &invitation);
    world.network.hide_reply(&answer);
    world.check().await;
    assert_eq!(topic(&world).await, None);
    let other = world.network.answer(&fan, "the moon", &invitation);
    world.network.label(&other, "porn");
    world.check().await;
    let doubt = world.hug(600).await.topic.unwrap().doubt.unwrap();
    assert!(doubt.contains("porn"), "{doubt}");
}

#[tokio::test]
async fn answers_are_asked_for_at_each_check_for_a_day_and_then_once_an_hour() {
    let (mut world, _, _) = invited::<X>("").await;
    let asked = async |world: &mut World<X>, checks: usize| {
        world.requests();
        for _ in 0..checks {
            world.check().await;
        }
        let requests = world.requests();
        requests
            .iter()
            .filter(|one| one.ends_with("/mentions"))
            .count()
    };
    assert_eq!(asked(&mut world, 12).await, 12);
    world.clock.advance(Duration::from_hours(24));
    assert_eq!(asked(&mut world, 24).await, 2);
    world.clock.advance(Duration::from_hours(90 * 24));
    assert_eq!(asked(&mut world, 24).await, 0);
    let now = world.clock.now();
    assert_eq!(world.hug(600).await.asking(now), Asking::Never);
    assert!(world.account().await.unsettled.is_empty());
    let words = "the sea".to_owned();
    step(&mut world, Step::Topic { words }).await.unwrap();
    assert_eq!(world.hug(600).await.status, Status::TopicChosen);
}

#[tokio::test]
async fn no_answer_on_x_is_passed_over_when_another_hug_begins_to_wait() {
    let (mut world, fan, invitation) = invited::<X>("").await;
    let mut second = world.fans(100).pop().unwrap();
    // The response to the second invitation is lost, and its follower answers before the program knows of it.
    world.network.fail_next("POST /2/tweets", Fault::AnswerLost);
    world.check().await;
    let posts = world.posts();
    let hug = world.hug(700).await;
    if let Some(follower) = hug.follower {
        second = follower.handle;
    }
    world
        .network
        .answer(&second, "@amber the moon", &posts[1].id);
    world.network.answer(&fan, "@amber the sea", &invitation);
    for _ in 0..4 {
        world.round().await;
    }
    assert_eq!(world.hug(700).await.topic.unwrap().text, "the moon");
    assert_eq!(topic(&world).await.as_deref(), Some("the sea"));
}

#[tokio::test]
async fn a_network_that_cannot_be_asked_for_answers_is_asked_again_and_the_count_goes_on() {
    let (mut world, fan, invitation) = invited::<X>("").await;
    world.network.answer(&fan, "@amber the sea", &invitation);
    world.network.fail_next("/mentions", Fault::Status(503));
    world.fans(100);
    let check = world.check().await;
    assert_eq!(check.hugs.len(), 1, "number 700 is noticed");
    assert_eq!(check.answers_error, None, "it heals by itself");
    assert_eq!(topic(&world).await, None);
    world.check().await;
    assert_eq!(topic(&world).await.as_deref(), Some("the sea"));
    world.network.fail_next("/mentions", Fault::Status(403));
    let check = world.check().await;
    let error = check.answers_error.unwrap();
    assert!(
        error.contains("reading the answers failed for x:amber"),
        "{error}"
    );
    assert_eq!(world.check().await.answers_error, None);
}

#[tokio::test]
async fn hugs_that_an_earlier_version_invited_are_heard() {
    let (mut world, fan, invitation) = invited::<X>("").await;
    world.check().await;
    // Version 2 counted an invited hug as settled.
    let client = world.stack.table.client().clone();
    let account = world.account().await.key();
    client
        .update_item()
        .table_name(table::NAME)
        .key("pk", AttributeValue::S(account.to_string()))
        .key("sk", AttributeValue::S("account".to_owned()))
        .update_expression("SET version = :two, unsettled = :none REMOVE answers")
        .expression_attribute_values(":two", AttributeValue::N("2".to_owned()))
        .expression_attribute_values(":none", AttributeValue::L(Vec::new()))
        .send()
        .await
        .unwrap();
    world.network.answer(&fan, "@amber the sea", &invitation);
    world.check().await;
    assert_eq!(topic(&world).await.as_deref(), Some("the sea"));
}

#[tokio::test]
async fn who_said_stop_is_exported_with_the_account() {
    let (mut world, fan, invitation) = invited::<X>("").await;
    world.network.answer(&fan, "@amber stop", &invitation);
    world.check().await;
    let ledger = &world.stack.deps.ledger;
    let account = world.account().await;
    let now = world.clock.now();
    let export = transfer::export(ledger, Some(&account.name), false, now);
    let items = export.await.unwrap().items;
    let stops = items
        .iter()
        .filter_map(|item| item.stop_for(&account.key()));
    assert_eq!(stops.count(), 1);
}
