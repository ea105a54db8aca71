//! The function behind the ledger's stream. It sends a letter or news for the creator for each record, and reports
//! the result as a batch response.
//!
//! Records are worked in order. At the first failure that a retry can help the batch ends: its sequence
//! number is reported, and the stream delivers it and everything after it again
//! (`ReportBatchItemFailures`). Failures that no retry can help are logged and passed over, so that they
//! do not delay the others. The rules are in `have_a_hug::deliver`.
//!
//! The news of a batch are published after its letters, so that they delay no letter. News that cannot be published are
//! logged and counted, and the batch goes on.

use aws_lambda_events::{
    dynamodb::{Event, EventRecord},
    streams::{DynamoDbBatchItemFailure, DynamoDbEventResponse},
};
use futures::future::join_all;
use have_a_hug::{
    deliver::{Delivery, DeliveryOutcome, deliver},
    deps::Deps,
    ledger::hug_key,
    news::NewsError,
};
use lambda_runtime::{Error, LambdaEvent};
use promise::{hug::HugKey, letter::LetterKind};
use serde_dynamo::AttributeValue;

/// The result of a batch of records.
#[derive(Debug, Default)]
pub struct Batch {
    /// Which records the stream must deliver again: the first that failed, and with it all that follow.
    pub response: DynamoDbEventResponse,
    /// Every delivery, in order.
    pub deliveries: Vec<Delivery>,
    /// The news that could not be published.
    pub unpublished: Vec<NewsError>,
}

/// Works through a batch of stream records.
///
/// # Errors
///
/// None of its own: failures are in the response.
pub async fn handle(
    event: LambdaEvent<Event>,
    deps: &Deps,
) -> Result<DynamoDbEventResponse, Error> {
    Ok(handle_batch(event.payload, deps).await.response)
}

/// The same, with the result of each delivery.
pub async fn handle_batch(event: Event, deps: &Deps) -> Batch {
    let mut batch = Batch::default();
    let mut news = Vec::new();
    for record in &event.records {
        let sequence_number = record.change.sequence_number.as_deref().unwrap_or_default();
        let work = match work_of(record) {
            Ok(Some(work)) => work,
            Ok(None) => continue,
            // Delivered again it would be just as malformed, and hold up all records after it.
            Err(why) => {
                tracing::error!(
                    sequence_number,
                    why,
                    "not a hug as this program writes it; passed over"
                );
                continue;
            }
        };
        // The news are published even if the letter fails: after the last retry the stream drops the record, and the
        // news would be lost.
        news.extend(work.news);
        if !work.is_due {
            continue;
        }
        let delivery = Box::pin(deliver(deps, &work.key)).await;
        log(&delivery);
        count(deps, &delivery);
        let again = matches!(&delivery.result, Err(error) if error.retry_can_help());
        batch.deliveries.push(delivery);
        if again {
            let mut failure = DynamoDbBatchItemFailure::default();
            failure.item_identifier = Some(sequence_number.to_owned());
            batch.response.batch_item_failures.push(failure);
            break;
        }
    }
    let published = join_all(news.iter().map(|one| publish(deps, one))).await;
    batch.unpublished = published.into_iter().filter_map(Result::err).collect();
    batch
}

/// What a record asks for.
struct Work {
    key: HugKey,
    /// Whether a letter must be sent: the hug is in the state `reached`, or its song is due.
    is_due: bool,
    news: Option<NewsOfHug>,
}

/// The news in a hug's record.
struct NewsOfHug {
    /// The same at every delivery of the record, so that the news are published once.
    id: String,
    subject: String,
    text: String,
}

/// What a record asks for; `None` if that is nothing.
///
/// The event source's filter lets nothing else through. This does not rely on it, because a filter sees only
/// the image and not what happened to it.
fn work_of(record: &EventRecord) -> Result<Option<Work>, String> {
    if !matches!(record.event_name.as_str(), "INSERT" | "MODIFY") {
        return Ok(None);
    }
    let image = &record.change.new_image;
    let text = |name: &str| match image.get(name) {
        Some(AttributeValue::S(text)) if !text.is_empty() => Some(text.as_str()),
        _ => None,
    };
    let is_due =
        text("status") == Some("reached") || image.get("due") == Some(&AttributeValue::Bool(true));
    let news = text("news");
    if !is_due && news.is_none() {
        return Ok(None);
    }
    let (pk, sk) = text("pk").zip(text("sk")).ok_or("it has no key")?;
    let key = hug_key(pk, sk).map_err(|error| error.to_string())?;
    let news = news.map(|news| {
        let account = text("account").map_or_else(|| key.id.to_string(), str::to_owned);
        let sequence_number = record.change.sequence_number.as_deref().unwrap_or_default();
        NewsOfHug {
            id: format!("{pk} {sk} {sequence_number}"),
            subject: format!("Have a Hug: {account} {}", key.milestone.number()),
            text: news.to_owned(),
        }
    });
    Ok(Some(Work { key, is_due, news }))
}

async fn publish(deps: &Deps, news: &NewsOfHug) -> Result<(), NewsError> {
    let NewsOfHug { id, subject, text } = news;
    let published = deps.news.publish(id, subject, text).await;
    published.inspect_err(|error| {
        tracing::error!(subject, text, %error, "the creator does not have this news");
        deps.metrics.failed(deps.clock.now());
    })
}

fn log(delivery: &Delivery) {
    let account = delivery.key.id.to_string();
    let milestone = delivery.key.milestone.number();
    match &delivery.result {
        Ok(DeliveryOutcome::Sent {
            kind,
            channel,
            reference,
        }) => {
            let letter = kind.word();
            tracing::info!(account, milestone, letter, %channel, reference, "sent");
        }
        Ok(DeliveryOutcome::ToSend) => {
            tracing::error!(
                account,
                milestone,
                "no channel is left; it waits for the creator's hand"
            );
        }
        Ok(DeliveryOutcome::Held { why }) => {
            tracing::error!(account, milestone, why, "held; the creator has to decide");
        }
        Ok(DeliveryOutcome::InDoubt { why }) => {
            tracing::warn!(account, milestone, why, "may have been sent");
        }
        Ok(outcome) => tracing::info!(account, milestone, ?outcome, "nothing sent"),
        Err(error) if error.retry_can_help() => {
            tracing::warn!(account, milestone, %error, "not sent yet; to be delivered again");
        }
        Err(error) => {
            tracing::error!(account, milestone, %error, "not sent; a person has to act");
        }
    }
}

fn count(deps: &Deps, delivery: &Delivery) {
    let now = deps.clock.now();
    match (&delivery.result, &delivery.hug) {
        (Ok(DeliveryOutcome::Sent { kind, .. }), Some(hug)) => match kind {
            LetterKind::Invitation => deps.metrics.invited(hug.reached_at, now),
            LetterKind::Song => deps.metrics.hugged(now),
        },
        (Err(_), _) => deps.metrics.failed(now),
        _ => {}
    }
}

/// Fuzz entry point: takes bytes as an event of the stream, and panics if a record's key is not a hug's.
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub fn take_in(data: &[u8]) {
    let Ok(event) = serde_json::from_slice::<Event>(data) else {
        return;
    };
    for record in &event.records {
        if let Ok(Some(work)) = work_of(record) {
            assert!((1..=9_999_999_999).contains(&work.key.milestone.number()));
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
            pk in attribute(), sk in attribute(), status in attribute(), news in attribute(),
            bytes in any::<Vec<u8>>(),
        ) {
            let record = json!({
                "eventID": "1", "eventName": name, "eventSource": "aws:dynamodb", "awsRegion": "local",
                "dynamodb": {
                    "SequenceNumber": sequence, "StreamViewType": "NEW_IMAGE", "SizeBytes": 1,
                    "ApproximateCreationDateTime": 1_795_000_000, "Keys": { "pk": pk, "sk": sk },
                    "NewImage": { "pk": pk, "sk": sk, "status": status, "news": news },
                },
            });
            take_in(json!({ "Records": [record] }).to_string().as_bytes());
            take_in(record.to_string().as_bytes());
            take_in(&bytes);
        }
    }
}
