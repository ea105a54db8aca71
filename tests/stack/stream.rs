//! The batch contract, on the handler and on the local event source mapping.

use aws_lambda_events::{
    dynamodb::Event,
    streams::{DynamoDbBatchItemFailure, DynamoDbEventResponse},
};
use hug::event_source_mapping::EventSourceMapping;
use lambda_runtime::{Context, LambdaEvent};
use promise::{channel::Channel, hug::Status, letter::Words};
use serde_json::{Value, json};
use stand_ins::Fault;

use crate::world::{AMBER, World, X, stream_event};

fn reached(sequence_number: &str, milestone: u64) -> Value {
    record(
        sequence_number,
        &format!("milestone#{milestone:010}"),
        "reached",
    )
}

fn record(sequence_number: &str, sk: &str, status: &str) -> Value {
    let pk = format!("x#{AMBER}");
    json!({
        "eventID": sequence_number, "eventName": "INSERT", "eventSource": "aws:dynamodb",
        "awsRegion": "local",
        "dynamodb": {
            "SequenceNumber": sequence_number, "StreamViewType": "NEW_IMAGE", "SizeBytes": 100,
            "ApproximateCreationDateTime": 1_795_000_000,
            "Keys": { "pk": { "S": pk }, "sk": { "S": sk } },
            "NewImage": { "pk": { "S": pk }, "sk": { "S": sk }, "status": { "S": status } },
        },
    })
}

async fn handle(world: &World<X>, records: &[Value]) -> Vec<String> {
    let event = LambdaEvent::new(stream_event(records), Context::default());
    let response = invite_follower::handle(event, &world.stack.deps)
        .await
        .unwrap();
    response
        .batch_item_failures
        .into_iter()
        .filter_map(|failure| failure.item_identifier)
        .collect()
}

/// Amber owes 600, 700 and 800, and none is invited yet.
async fn owing_three() -> World<X> {
    let mut world = World::<X>::with_followers(599).await;
    world.fans(201);
    world.check_only().await;
    world
}

#[tokio::test]
async fn a_batch_stops_at_the_first_failure_that_a_retry_can_help() {
    let world = owing_three().await;
    let batch = [reached("1", 600), reached("2", 700), reached("3", 800)];
    // The second hug was being sent by someone who died, and the look for it finds X busy.
    let hug = world.hug(700).await;
    let words = Words {
        channel: Channel::Announce,
        text: "words that may be under way, for 700 of you".into(),
        prepared_at: world.clock.now(),
        tried_again_at: None,
    };
    let prepared = hug.prepare(words, world.clock.now());
    world
        .stack
        .deps
        .ledger
        .replace_hug(&prepared)
        .await
        .unwrap();
    world.network.fail_next("/tweets?", Fault::Status(503));

    assert_eq!(handle(&world, &batch).await, ["2"]);
    assert_eq!(
        world.posts().len(),
        1,
        "nothing after the checkpoint is sent"
    );
    assert!(
        handle(&world, &batch).await.is_empty(),
        "all of it is delivered again"
    );
    assert_eq!(
        world.posts().len(),
        3,
        "and what was sent before is not sent again"
    );
}

#[tokio::test]
async fn a_malformed_record_is_passed_by_and_those_around_it_are_served() {
    let world = owing_three().await;
    let nonsense = record("2", "milestone#seven", "reached");
    let batch = [reached("1", 600), nonsense, reached("3", 800)];
    assert!(handle(&world, &batch).await.is_empty());
    assert_eq!(
        (world.invitations_to(600), world.invitations_to(800)),
        (1, 1)
    );
}

#[tokio::test]
async fn what_no_retry_can_help_is_passed_by_too() {
    let world = owing_three().await;
    world
        .network
        .fail_next("POST /2/tweets", Fault::Status(401));
    let batch = [reached("1", 600), reached("2", 700)];
    assert!(handle(&world, &batch).await.is_empty());
    assert_eq!(
        (world.invitations_to(600), world.invitations_to(700)),
        (0, 1)
    );
}

#[tokio::test]
async fn records_that_are_no_new_hugs_are_let_be() {
    let world = owing_three().await;
    let mut removed = reached("4", 600);
    removed["eventName"] = json!("REMOVE");
    let batch = [
        record("1", "account", "reached"),
        record("2", "count#2026-11-22T14", ""),
        record("3", "milestone#0000000600", "invited"),
        removed,
        reached("5", 900),
    ];
    assert!(handle(&world, &batch).await.is_empty());
    assert!(world.posts().is_empty());
}

#[tokio::test]
async fn a_record_delivered_twice_invites_once() {
    let world = owing_three().await;
    handle(&world, &[reached("1", 600), reached("1", 600)]).await;
    handle(&world, &[reached("1", 600)]).await;
    assert_eq!(world.invitations_to(600), 1);
}

/// Three hugs on the stream, and a handler to which one of them is poison.
async fn mapping_with_poison(
    world: &World<X>,
    poison: &str,
) -> (EventSourceMapping, Vec<Vec<String>>) {
    let mut mapping = EventSourceMapping::in_memory(world.stack.table.database());
    let batches = std::cell::RefCell::new(Vec::new());
    let handler = async |event: Event| {
        let sort_keys: Vec<String> = event.records.iter().map(sort_key).collect();
        let poisoned = sort_keys.iter().position(|key| key.ends_with(poison));
        let mut response = DynamoDbEventResponse::default();
        if let Some(at) = poisoned {
            let number = event.records[at].change.sequence_number.clone().unwrap();
            let mut failure = DynamoDbBatchItemFailure::default();
            failure.item_identifier = Some(number);
            response.batch_item_failures.push(failure);
        }
        batches.borrow_mut().push(sort_keys);
        response
    };
    mapping.run(handler).await.unwrap();
    (mapping, batches.into_inner())
}

fn sort_key(record: &aws_lambda_events::dynamodb::EventRecord) -> String {
    let keys = serde_json::to_value(&record.change.keys).unwrap();
    keys["sk"]["S"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_poisoned_record_is_retried_then_kept_aside_and_those_after_it_are_served() {
    let world = owing_three().await;
    let (mapping, batches) = mapping_with_poison(&world, "700").await;
    assert_eq!(mapping.failed.len(), 1);
    assert_eq!(
        mapping.failed[0]["dynamodb"]["Keys"]["sk"]["S"],
        "milestone#0000000700"
    );
    // Once with the good one before it, then three retries from the checkpoint on, then without it.
    let sizes: Vec<usize> = batches.iter().map(Vec::len).collect();
    assert_eq!(sizes, [3, 2, 2, 2, 1]);
    assert!(batches[4][0].ends_with("800"));
}

#[tokio::test]
async fn only_reached_hugs_pass_the_filter() {
    let world = owing_three().await;
    let (_, batches) = mapping_with_poison(&world, "none").await;
    assert_eq!(
        batches.len(),
        1,
        "accounts, counts and signposts never reach the function"
    );
    assert!(batches[0].iter().all(|key| key.starts_with("milestone#")));
}

#[tokio::test]
async fn a_hug_that_the_stream_gave_up_comes_back_with_a_later_check() {
    let mut world = owing_three().await;
    let (mapping, _) = mapping_with_poison(&world, "700").await;
    world.stack.mapping = mapping;
    assert_eq!(world.hug(700).await.status, Status::Reached);
    for _ in 0..3 {
        world.check().await;
    }
    assert_eq!(world.invitations_to(700), 1);
}
