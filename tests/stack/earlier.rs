//! Ledgers of other versions. A ledger that commit 41147fd wrote is read, and its hugs are delivered or wait for the
//! creator. What a later version writes is kept.

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use have_a_hug::{
    by_hand::{Step, by_hand},
    check::CheckOutcome,
};
use hug::{status::Overview, table};
use promise::{channel::Channel, hug::Status};
use serde_json::{Value, json};

use crate::world::{STEP, World, X, named, only};

/// The ledger as commit 41147fd left it at 19:20 on 23 November 2026: an item on each line.
const LEDGER: &str = include_str!("ledger_of_version_1.jsonl");

async fn put(world: &World<X>, item: &Value) {
    let item = serde_dynamo::to_item(item).unwrap();
    let put = world.stack.table.client().put_item();
    put.table_name(table::NAME)
        .set_item(Some(item))
        .send()
        .await
        .unwrap();
}

async fn get(world: &World<X>, sk: &str) -> Value {
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let get = world.stack.table.client().get_item();
    let item = get
        .table_name(table::NAME)
        .key("pk", text("x#44196397"))
        .key("sk", text(sk))
        .send()
        .await
        .unwrap()
        .item;
    serde_dynamo::from_item(item.unwrap()).unwrap()
}

/// The same account with the same followers, and the old ledger.
async fn old_ledger() -> World<X> {
    let mut world = World::<X>::unseen(1_100, "").await;
    world.bot();
    for line in LEDGER.lines() {
        put(&world, &serde_json::from_str(line).unwrap()).await;
    }
    // Until five minutes before the rate limit ends.
    world.clock.advance(Duration::from_mins(31 * 60 + 10));
    world
}

#[tokio::test]
async fn a_ledger_of_version_1_is_read_and_each_hug_goes_on_from_where_it_was() {
    let mut world = old_ledger().await;
    let status = |hugs: &[promise::hug::Hug]| -> Vec<String> {
        hugs.iter().map(|hug| hug.status.to_string()).collect()
    };
    let read = world.hugs().await;
    assert_eq!(
        status(&read),
        [
            "invited", "to_send", "to_send", "inviting", "inviting", "reached"
        ]
    );
    let check = only(world.round().await);
    assert_eq!(check.outcome, CheckOutcome::NoMilestone, "no new baseline");
    assert_eq!(check.promised_up_to, Some(1_101));
    let waits: Vec<u64> = check
        .for_creator
        .iter()
        .map(|hug| hug.milestone.number())
        .collect();
    assert_eq!(waits, [700, 800], "hugs that counted as done are reported");
    for _ in 0..6 {
        world.round().await;
    }
    assert_eq!(
        status(&world.hugs().await),
        [
            "invited", "to_send", "to_send", "invited", "invited", "invited"
        ]
    );
    for (milestone, posts) in [
        (600, 0),
        (700, 0),
        (800, 0),
        (900, 1),
        (1_000, 1),
        (1_100, 1),
    ] {
        assert_eq!(world.invitations_to(milestone), posts, "{milestone}");
    }
    world.fans(100);
    world.check().await;
    assert_eq!(world.hug(1_200).await.status, Status::Invited);
}

#[tokio::test]
async fn hugs_that_an_old_ledger_gave_up_or_drafted_are_ended_by_the_creators_commands() {
    let mut world = old_ledger().await;
    world.check().await;
    let deps = &world.stack.deps;
    let overview = Overview::read(&deps.ledger, Some(&deps.settings), deps.clock.now());
    let overview = overview.await.unwrap();
    let given_up = &overview.hugs[1];
    let words = given_up.invitation.as_ref().unwrap();
    assert_eq!(words.channel, Channel::Draft);
    assert!(
        words.text.contains("@fan0699")
            && words.url.as_ref().unwrap().starts_with("https://x.com/")
    );
    let (now, key) = (deps.clock.now(), overview.hugs[2].hug.key());
    let sent = Step::Sent { url: None };
    by_hand(&deps.ledger, &deps.settings, &key, &sent, now)
        .await
        .unwrap();
    let key = given_up.hug.key();
    by_hand(&deps.ledger, &deps.settings, &key, &Step::Retry, now)
        .await
        .unwrap();
    world.clock.advance(STEP * 3);
    world.check().await;
    assert_eq!(world.hug(800).await.status, Status::Invited);
    let hug = world.hug(700).await;
    assert_eq!((&hug.status, named(&hug)), (&Status::Invited, "fan0699"));
    assert_eq!(
        (world.invitations_to(700), world.invitations_to(800)),
        (1, 0)
    );
}

#[tokio::test]
async fn fields_and_statuses_of_a_later_version_are_kept_and_stop_nothing() {
    let mut world = World::<X>::with_followers(599).await;
    world.fan();
    world.check_only().await;
    let mut hug = get(&world, "milestone#0000000600").await;
    hug["version"] = json!(4);
    hug["mood"] = json!("glad");
    hug["invitation"]["font"] = json!({ "name": "round", "size": 12 });
    hug["evidence"]["certainty"] = json!("sworn");
    put(&world, &with_key(hug, "milestone#0000000600")).await;
    let mut account = get(&world, "account").await;
    account["colour"] = json!("yellow");
    put(&world, &with_key(account, "account")).await;
    world.round().await;
    assert_eq!(world.invitations_to(600), 1);
    let hug = get(&world, "milestone#0000000600").await;
    assert_eq!(hug["status"], "invited");
    assert_eq!((&hug["version"], &hug["mood"]), (&json!(4), &json!("glad")));
    assert_eq!(hug["invitation"]["font"]["size"], 12);
    assert_eq!(hug["evidence"]["certainty"], "sworn");
    assert_eq!(get(&world, "account").await["colour"], "yellow");
    assert_eq!(get(&world, "account").await["version"], 3);
}

#[tokio::test]
async fn a_hug_that_cannot_be_read_counts_as_given_is_reported_and_does_not_change() {
    let mut world = World::<X>::with_followers(599).await;
    let fan = world.fan();
    world.check().await;
    let mut hug = get(&world, "milestone#0000000600").await;
    hug["version"] = json!(9);
    hug["invitation"] = json!("sung");
    let hug = with_key(hug, "milestone#0000000600");
    put(&world, &hug).await;
    let mut sung = hug.clone();
    sung["sk"] = json!("milestone#0000000700");
    sung["status"] = json!("singing");
    put(&world, &sung).await;
    world.fans(200);
    world.check().await;
    assert_eq!(world.milestones().await, [800]);
    assert_ne!(named(&world.hug(800).await), fan);
    assert_eq!(get(&world, "milestone#0000000600").await, hug);
    let overview = Overview::read(&world.stack.deps.ledger, None, world.clock.now());
    let overview = overview.await.unwrap();
    assert_eq!(overview.unreadable.len(), 2);
    assert!(
        overview
            .text(None)
            .contains("A later version of this program wrote")
    );
}

fn with_key(mut item: Value, sk: &str) -> Value {
    item["pk"] = json!("x#44196397");
    item["sk"] = json!(sk);
    item
}
