//! The function behind the ledger's stream: records become invitations, and what became of them a
//! batch response.
//!
//! Records are worked in order. At the first failure that a retry can help the batch ends there:
//! its sequence number is reported, and the stream delivers it and everything after it again
//! (`ReportBatchItemFailures`). Whatever no retry can help is told in the log and passed by, so that
//! it holds nobody else up. The rules are in `have_a_hug::invite`.

use aws_lambda_events::dynamodb::{Event, EventRecord};
use have_a_hug::{
    Deps,
    hug::HugKey,
    invite::{Delivery, InviteError, invite},
    ledger::hug_key,
};
use lambda_runtime::{Error, LambdaEvent};
use serde::{Deserialize, Serialize};

/// Which records are to be delivered again: the first that failed, and with it all that follow.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchResponse {
    /// At most one.
    pub batch_item_failures: Vec<BatchItemFailure>,
}

/// A place in the stream.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchItemFailure {
    /// The record's sequence number.
    pub item_identifier: String,
}

/// Works through a batch of stream records.
///
/// # Errors
///
/// None of its own: failures are in the answer.
pub async fn handle(event: LambdaEvent<Event>, deps: &Deps) -> Result<BatchResponse, Error> {
    for record in &event.payload.records {
        if let Retry::From(sequence_number) = process(record, deps).await {
            let failure = BatchItemFailure {
                item_identifier: sequence_number,
            };
            return Ok(BatchResponse {
                batch_item_failures: vec![failure],
            });
        }
    }
    Ok(BatchResponse::default())
}

enum Retry {
    No,
    From(String),
}

async fn process(record: &EventRecord, deps: &Deps) -> Retry {
    let sequence_number = record.change.sequence_number.clone().unwrap_or_default();
    let key = match reached_hug(record) {
        Ok(Some(key)) => key,
        Ok(None) => return Retry::No,
        // Delivered again it would be just as malformed, and hold up all behind it.
        Err(why) => {
            tracing::error!(
                sequence_number,
                why,
                "not a hug as this program writes it; passed by"
            );
            return Retry::No;
        }
    };
    let (account, milestone) = (key.id.to_string(), key.milestone.number());
    let outcome = invite(deps, &key).await;
    if outcome.is_err() {
        deps.metrics.failed(deps.clock.now());
    }
    match outcome {
        Ok(delivery) => {
            tell(&account, milestone, &delivery);
            Retry::No
        }
        Err(error) if error.retry_can_help() => {
            tracing::warn!(account, milestone, %error, "not invited yet; to be delivered again");
            Retry::From(sequence_number)
        }
        Err(error) => {
            tell_failure(&account, milestone, &error);
            Retry::No
        }
    }
}

/// The hug of a record, if it is one that has just been reached (again).
///
/// The event source's filter lets through nothing else; this does not rely on it, for a filter sees
/// only the image and not what happened to it.
fn reached_hug(record: &EventRecord) -> Result<Option<HugKey>, String> {
    if !matches!(record.event_name.as_str(), "INSERT" | "MODIFY") {
        return Ok(None);
    }
    let image = record.change.new_image.clone();
    let Item { pk, sk, status } =
        serde_dynamo::from_item(image).map_err(|error| error.to_string())?;
    if status.as_deref() != Some("reached") {
        return Ok(None);
    }
    hug_key(&pk, &sk).map(Some)
}

/// As much of a record as is needed to tell a hug from the table's other items.
#[derive(Deserialize)]
struct Item {
    pk: String,
    sk: String,
    status: Option<String>,
}

fn tell(account: &str, milestone: u64, delivery: &Delivery) {
    match delivery {
        Delivery::Invited { channel, reference } => {
            tracing::info!(account, milestone, %channel, reference, "invited");
        }
        Delivery::Undeliverable { why } => {
            tracing::error!(account, milestone, why, "undeliverable")
        }
        Delivery::InDoubt { why } => {
            tracing::warn!(account, milestone, why, "may have been invited")
        }
        other => tracing::info!(account, milestone, delivery = ?other, "nothing sent"),
    }
}

fn tell_failure(account: &str, milestone: u64, error: &InviteError) {
    tracing::error!(account, milestone, %error, "not invited; a person has to act");
}

/// Takes bytes for an event of the stream; panics where a record's key is not a hug's. For the tests
/// of random input and for `make fuzz`.
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub fn take_in(data: &[u8]) {
    let Ok(event) = serde_json::from_slice::<Event>(data) else {
        return;
    };
    for record in &event.records {
        if let Ok(Some(key)) = reached_hug(record) {
            assert!((1..=9_999_999_999).contains(&key.milestone.number()));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn attribute() -> impl Strategy<Value = Value> {
        prop_oneof![
            "(x#7|bluesky#did:plc:a|milestone#0*[0-9]{0,12}|reached|.{0,20})"
                .prop_map(|text| json!({ "S": text })),
            any::<String>().prop_map(|number| json!({ "N": number })),
            any::<String>().prop_map(|bytes| json!({ "B": bytes })),
            Just(json!({ "M": { "a": { "L": [{ "NULL": true }] } } })),
            Just(json!({})),
            Just(Value::Null),
            any::<u64>().prop_map(Value::from),
        ]
    }

    proptest! {
        #[test]
        fn no_event_makes_the_function_panic(
            name in "(INSERT|MODIFY|REMOVE|.{0,8})", sequence in any::<Option<String>>(),
            pk in attribute(), sk in attribute(), status in attribute(), bytes in any::<Vec<u8>>(),
        ) {
            let record = json!({
                "eventID": "1", "eventName": name, "eventSource": "aws:dynamodb", "awsRegion": "local",
                "dynamodb": {
                    "SequenceNumber": sequence, "StreamViewType": "NEW_IMAGE", "SizeBytes": 1,
                    "ApproximateCreationDateTime": 1_795_000_000, "Keys": { "pk": pk, "sk": sk },
                    "NewImage": { "pk": pk, "sk": sk, "status": status },
                },
            });
            take_in(json!({ "Records": [record] }).to_string().as_bytes());
            take_in(record.to_string().as_bytes());
            take_in(&bytes);
        }
    }
}
