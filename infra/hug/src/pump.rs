//! From the table's stream to `invite-follower`, by the rules that Lambda's event source mapping keeps:
//! the filter, the order, the checkpoint, finite retries, and a place for what failed.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use aws_lambda_events::dynamodb::Event;
use dynoxide::{
    Database,
    actions::{
        describe_stream::DescribeStreamRequest, get_records::GetRecordsRequest,
        get_shard_iterator::GetShardIteratorRequest, list_streams::ListStreamsRequest,
    },
};
use invite_follower::BatchResponse;
use lambda_runtime::{Context, LambdaEvent};
use serde_json::{Value, json};

use crate::{Error, table};

/// Records in one batch, retries of one checkpoint: as in infra/template.yaml.
pub const BATCH: usize = 10;
const RETRIES: u32 = 3;

/// Reads on where it stopped; the place is kept in a file, so that a restart neither skips nor repeats.
pub struct Pump {
    database: Database,
    /// The last sequence number that is done with.
    position: Option<String>,
    kept_in: Option<PathBuf>,
    /// The pause before a first retry; each further one doubles it.
    backoff: Duration,
    /// Records that were given up, when there is no file for them.
    pub failed: Vec<Value>,
}

impl Pump {
    /// A pump that keeps its place, and what failed, under `state`.
    pub fn open(database: &Database, state: &Path) -> Self {
        let position = fs::read_to_string(state.join(POSITION)).ok();
        Self {
            position: position.filter(|position| !position.is_empty()),
            kept_in: Some(state.to_owned()),
            backoff: Duration::from_secs(1),
            ..Self::in_memory(database)
        }
    }

    /// A pump that begins at the oldest record and does not pause before retries.
    pub fn in_memory(database: &Database) -> Self {
        Self {
            database: database.clone(),
            position: None,
            kept_in: None,
            backoff: Duration::ZERO,
            failed: Vec::new(),
        }
    }

    /// Hands `handler` every record that has come, until none is left; answers how many were handed
    /// over.
    ///
    /// # Errors
    ///
    /// Where the stream cannot be read or the place cannot be kept. A failing handler is no error:
    /// it is retried, and then its record is put with what failed.
    pub async fn run(
        &mut self,
        handler: impl AsyncFn(LambdaEvent<Event>) -> Result<BatchResponse, lambda_runtime::Error>,
    ) -> Result<usize, Error> {
        let mut handed_over = 0;
        loop {
            let records = records(&self.database, self.position.as_deref())?;
            let Some(last) = records.last() else {
                return Ok(handed_over);
            };
            let end = sequence_number(last);
            let reached: Vec<Value> = records.into_iter().filter(passes).collect();
            handed_over += reached.len();
            self.deliver(reached, &handler).await?;
            self.keep_position(end)?;
        }
    }

    async fn deliver(
        &mut self,
        mut batch: Vec<Value>,
        handler: &impl AsyncFn(LambdaEvent<Event>) -> Result<BatchResponse, lambda_runtime::Error>,
    ) -> Result<(), Error> {
        let mut retries = 0;
        while !batch.is_empty() {
            let event: Event = serde_json::from_value(json!({ "Records": batch }))?;
            let done = match handler(LambdaEvent::new(event, Context::default())).await {
                Ok(response) => checkpoint(&batch, &response),
                Err(error) => {
                    tracing::error!(%error, "invite-follower failed as a whole");
                    0
                }
            };
            if done > 0 {
                retries = 0;
            }
            let last_done = batch.drain(..done).next_back();
            self.keep_position(last_done.as_ref().and_then(sequence_number))?;
            if batch.is_empty() {
                return Ok(());
            }
            if retries == RETRIES {
                let given_up = batch.remove(0);
                let passed = sequence_number(&given_up);
                self.give_up(given_up)?;
                self.keep_position(passed)?;
                retries = 0;
            } else {
                tokio::time::sleep(self.backoff * 2_u32.pow(retries)).await;
                retries += 1;
            }
        }
        Ok(())
    }

    /// How many hugs have come that were not handed over yet.
    ///
    /// # Errors
    ///
    /// Where the stream cannot be read.
    pub fn waiting(&self) -> Result<usize, Error> {
        let mut place = self.position.clone();
        let mut waiting = 0;
        loop {
            let records = records(&self.database, place.as_deref())?;
            let Some(last) = records.last() else {
                return Ok(waiting);
            };
            place = sequence_number(last);
            waiting += records.iter().filter(|record| passes(record)).count();
        }
    }

    fn keep_position(&mut self, position: Option<String>) -> Result<(), Error> {
        let Some(position) = position else {
            return Ok(());
        };
        if let Some(state) = &self.kept_in {
            // Written beside and moved into place: a crash leaves the old place or the new one.
            let beside = state.join("stream-position.new");
            fs::write(&beside, &position)
                .and_then(|()| fs::rename(&beside, state.join(POSITION)))
                .map_err(|error| {
                    let why = format!(
                        "keeping the place in the stream, as {}, failed: {error}; a retry can help",
                        beside.display()
                    );
                    io::Error::new(error.kind(), why)
                })?;
        }
        self.position = Some(position);
        Ok(())
    }

    fn give_up(&mut self, record: Value) -> Result<(), Error> {
        tracing::error!(
            sequence_number = sequence_number(&record),
            "given up after {RETRIES} retries"
        );
        if let Some(state) = &self.kept_in {
            let mut file = OpenOptions::new()
                .create(true)
                .append(true)
                .open(state.join(FAILED))?;
            writeln!(file, "{record}")?;
        }
        self.failed.push(record);
        Ok(())
    }
}

/// The table's next records, ten at most: those after a place in the stream, or its oldest.
///
/// # Errors
///
/// A stream that cannot be read.
pub fn records(database: &Database, after: Option<&str>) -> Result<Vec<Value>, Error> {
    let streams = database.list_streams(ListStreamsRequest {
        table_name: Some(table::NAME.to_owned()),
        ..Default::default()
    })?;
    let stream = streams
        .streams
        .into_iter()
        .next()
        .ok_or("the table has no stream")?;
    let described = database.describe_stream(DescribeStreamRequest {
        stream_arn: stream.stream_arn.clone(),
        ..Default::default()
    })?;
    let mut records = Vec::new();
    for shard in described.stream_description.shards {
        let kind = if after.is_some() {
            "AFTER_SEQUENCE_NUMBER"
        } else {
            "TRIM_HORIZON"
        };
        let iterator = database.get_shard_iterator(GetShardIteratorRequest {
            stream_arn: stream.stream_arn.clone(),
            shard_id: shard.shard_id,
            shard_iterator_type: kind.to_owned(),
            sequence_number: after.map(str::to_owned),
        })?;
        let got = database.get_records(GetRecordsRequest {
            shard_iterator: iterator.shard_iterator.unwrap_or_default(),
            limit: Some(BATCH),
        })?;
        for record in &got.records {
            records.push(serde_json::to_value(record)?);
        }
    }
    Ok(records)
}

const POSITION: &str = "stream-position";

/// The file of records that were given up, a line each.
pub const FAILED: &str = "failed.jsonl";

/// The event source mapping's filter: only hugs whose new image is `reached`.
pub fn passes(record: &Value) -> bool {
    record["dynamodb"]["NewImage"]["status"]["S"] == "reached"
}

/// A record's place in the stream.
pub fn sequence_number(record: &Value) -> Option<String> {
    Some(record["dynamodb"]["SequenceNumber"].as_str()?.to_owned())
}

/// How many records of the batch are done with: those before the first reported one. A number that
/// is not in the batch means, as on Lambda, that the whole batch failed.
pub fn checkpoint(batch: &[Value], response: &BatchResponse) -> usize {
    let position = |reported: &str| {
        batch
            .iter()
            .position(|record| sequence_number(record).as_deref() == Some(reported))
            .unwrap_or(0)
    };
    let reported = response
        .batch_item_failures
        .iter()
        .map(|failure| position(&failure.item_identifier));
    reported.min().unwrap_or(batch.len())
}
