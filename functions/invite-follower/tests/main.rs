//! The binary of the function, as Lambda runs it.

use std::ops::RangeInclusive;

use serde_json::{Value, json};
use stand_ins::bluesky;
use tests::{
    function::{Aws, Function},
    secrets::Networks,
};

const INVITE_FOLLOWER: Function = Function {
    name: "invite-follower",
    binary: env!("CARGO_BIN_EXE_invite-follower"),
};

/// The creator's id on X; on Bluesky it is a DID made from it.
const AMBER: &str = "44196397";

#[test]
fn a_function_without_its_environment_says_what_is_missing() {
    INVITE_FOLLOWER.assert_says_what_is_missing();
}

#[tokio::test]
async fn the_function_starts_with_the_rights_in_infra_rights_json_and_no_others() {
    INVITE_FOLLOWER.assert_starts_with_its_rights().await;
}

/// An event with the hugs for these milestones on both networks, as the stream hands them over.
fn reached(milestones: RangeInclusive<u64>) -> Value {
    let record = |id: &str, milestone: u64| {
        let image = json!({
            "pk": { "S": id }, "sk": { "S": format!("milestone#{milestone:010}") },
            "status": { "S": "reached" },
        });
        json!({
            "eventID": "1", "eventName": "INSERT", "eventSource": "aws:dynamodb", "awsRegion": "local",
            "dynamodb": {
                "SequenceNumber": milestone.to_string(), "StreamViewType": "NEW_IMAGE",
                "SizeBytes": 1, "ApproximateCreationDateTime": 1_795_000_000, "NewImage": image,
                "Keys": { "pk": { "S": id }, "sk": image["sk"] },
            },
        })
    };
    let on_bluesky = format!("bluesky#{}", bluesky::did(AMBER));
    let records: Vec<Value> = milestones
        .flat_map(|milestone| {
            [
                record(&format!("x#{AMBER}"), milestone),
                record(&on_bluesky, milestone),
            ]
        })
        .collect();
    json!({ "Records": records })
}

#[tokio::test]
async fn the_function_logs_no_secret_at_the_finest_level() {
    let mut networks = Networks::with_followers(1).await;
    let aws = Aws::with(&networks.settings).await;
    aws.check().await;
    networks.fans(8);
    aws.check().await;
    networks.answer_badly();
    let mut log = String::new();
    for _ in 0..4 {
        log += &aws.invoke(&INVITE_FOLLOWER, &reached(2..=9)).await;
    }
    for line in [
        "DEBUG",
        "may have been sent",
        "a person has to act",
        ": sent ",
    ] {
        assert!(log.contains(line), "{line}: {log}");
    }
    assert!(!networks.x.posts().is_empty() && !networks.bluesky.posts().is_empty());
    aws.assert_table_contains_no_secret().await;
}
