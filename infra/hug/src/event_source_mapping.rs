//! From the table's stream to `invite-follower`, by the rules of Lambda's event source mapping: the filter,
//! the order, the checkpoint, finite retries, and a place for what failed.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use aws_lambda_events::{dynamodb::Event, streams::DynamoDbEventResponse};
use dynoxide::{
    Database,
    actions::{
        describe_stream::DescribeStreamRequest, get_records::GetRecordsRequest,
        get_shard_iterator::GetShardIteratorRequest, list_streams::ListStreamsRequest,
    },
};
use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};

use crate::{
    Error, private,
    table::{self, FAILED, POSITION},
};

/// How many records one batch has at most: as in infra/template.yaml.
pub const BATCH: usize = 10;

/// How often a batch is tried again from the same checkpoint: as in infra/template.yaml.
pub const RETRIES: u32 = 3;

/// Reads on where it stopped. Its position is kept in a file, so that a restart neither skips nor repeats a
/// record.
pub struct EventSourceMapping {
    database: Database,
    /// The sequence number of the last record that is done.
    position: Option<String>,
    kept_in: Option<PathBuf>,
    /// The pause before the first retry; each further retry doubles it.
    backoff: Duration,
    /// Records that were given up.
    pub failed: Vec<Value>,
}

impl EventSourceMapping {
    /// A mapping that keeps its position, and what failed, under `state`.
    pub fn open(database: &Database, state: &Path) -> Self {
        let position = fs::read_to_string(state.join(POSITION)).ok();
        Self {
            position: position.filter(|position| !position.is_empty()),
            kept_in: Some(state.to_owned()),
            backoff: Duration::from_secs(1),
            ..Self::in_memory(database)
        }
    }

    /// A mapping that begins at the oldest record and does not pause before retries.
    pub fn in_memory(database: &Database) -> Self {
        Self {
            database: database.clone(),
            position: None,
            kept_in: None,
            backoff: Duration::ZERO,
            failed: Vec::new(),
        }
    }

    /// Hands `handler` every new record, until none is left; returns how many it handed over.
    ///
    /// # Errors
    ///
    /// Where the stream cannot be read or the position cannot be kept. A failing handler is not an error: it
    /// is tried again, and then its record is kept with what failed.
    pub async fn run(
        &mut self,
        mut handler: impl AsyncFnMut(Event) -> DynamoDbEventResponse,
    ) -> Result<usize, Error> {
        let (mut handed_over, mut last_event) = (0, None);
        let mut iterator = iterator(&self.database, self.position.as_deref())?;
        loop {
            let (records, next) = records(&self.database, iterator)?;
            iterator = next;
            let Some(last) = records.last() else {
                self.trim(last_event.as_deref());
                return Ok(handed_over);
            };
            let end = sequence_number(last);
            last_event = last["eventID"].as_str().map(str::to_owned);
            let reached: Vec<Value> = records.into_iter().filter(passes).collect();
            handed_over += reached.len();
            self.deliver(reached, &mut handler).await?;
            self.keep_position(end)?;
        }
    }

    async fn deliver(
        &mut self,
        mut batch: Vec<Value>,
        handler: &mut impl AsyncFnMut(Event) -> DynamoDbEventResponse,
    ) -> Result<(), Error> {
        let mut retries = 0;
        while !batch.is_empty() {
            let event: Event = serde_json::from_value(json!({ "Records": batch }))?;
            let done = checkpoint(&batch, &handler(event).await);
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

    /// How many hugs of the stream were not handed over yet.
    ///
    /// # Errors
    ///
    /// Where the stream cannot be read.
    pub fn waiting(&self) -> Result<usize, Error> {
        let mut iterator = iterator(&self.database, self.position.as_deref())?;
        let mut waiting = 0;
        loop {
            let (records, next) = records(&self.database, iterator)?;
            if records.is_empty() {
                return Ok(waiting);
            }
            iterator = next;
            waiting += records.iter().filter(|record| is_due(record)).count();
        }
    }

    /// Deletes the stream records before the one with this id, because dynoxide never deletes them. The record itself
    /// stays: dynoxide counts the next sequence number from the newest record, and must not use a number twice.
    ///
    /// A failure is only logged, because the next round deletes the same records.
    fn trim(&self, last_event: Option<&str>) {
        let (Some(state), Some(last_event)) = (&self.kept_in, last_event) else {
            return;
        };
        let file = table::file_in(state);
        let trimmed = Connection::open_with_flags(&file, OpenFlags::SQLITE_OPEN_READ_WRITE)
            .and_then(|stream| {
                // The records contain names, so SQLite overwrites them when it deletes them.
                stream.pragma_update(None, "secure_delete", true)?;
                stream.execute(
                    "DELETE FROM _stream_records WHERE table_name = ?1
                     AND id < (SELECT id FROM _stream_records WHERE event_id = ?2)",
                    [table::NAME, last_event],
                )
            });
        if let Err(error) = trimmed {
            tracing::warn!(%error, "old records of the local stream could not be deleted");
        }
    }

    fn keep_position(&mut self, position: Option<String>) -> Result<(), Error> {
        let Some(position) = position else {
            return Ok(());
        };
        if let Some(state) = &self.kept_in {
            // The file is written beside the old one and then renamed: a crash leaves one of both.
            let beside = state.join("stream-position.new");
            let written = private::to_write().truncate(true).open(&beside);
            written
                .and_then(|mut file| file.write_all(position.as_bytes()))
                .and_then(|()| fs::rename(&beside, state.join(POSITION)))
                .map_err(|error| {
                    let why = format!(
                        "keeping the position in the stream, as {}, failed: {error}; the next try can work",
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
            let mut file = private::to_write().append(true).open(state.join(FAILED))?;
            writeln!(file, "{record}")?;
        }
        self.failed.push(record);
        Ok(())
    }
}

/// Where to read on in the table's stream: after a position, or at its oldest record.
///
/// # Errors
///
/// A stream that cannot be read.
pub fn iterator(database: &Database, after: Option<&str>) -> Result<String, Error> {
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
    // dynoxide keeps each stream in one shard.
    let shard = described
        .stream_description
        .shards
        .into_iter()
        .next()
        .ok_or("the table's stream has no shard")?;
    let kind = if after.is_some() {
        "AFTER_SEQUENCE_NUMBER"
    } else {
        "TRIM_HORIZON"
    };
    let iterator = database.get_shard_iterator(GetShardIteratorRequest {
        stream_arn: stream.stream_arn,
        shard_id: shard.shard_id,
        shard_iterator_type: kind.to_owned(),
        sequence_number: after.map(str::to_owned),
    })?;
    Ok(iterator
        .shard_iterator
        .ok_or("the table's stream has no iterator")?)
}

/// The records there, [`BATCH`] at most, and where to read on.
///
/// # Errors
///
/// A stream that cannot be read.
pub fn records(database: &Database, iterator: String) -> Result<(Vec<Value>, String), Error> {
    let got = database.get_records(GetRecordsRequest {
        shard_iterator: iterator,
        limit: Some(BATCH),
    })?;
    let records = got.records.iter().map(serde_json::to_value);
    // Only a shard that is closed has no next iterator, and dynoxide closes none.
    let next = got.next_shard_iterator.ok_or("the table's stream ended")?;
    Ok((records.collect::<Result<_, _>>()?, next))
}

/// The event source mapping's filter: only hugs whose new image is `reached`, has a song that is due, or has news, as in
/// infra/template.yaml.
pub fn passes(record: &Value) -> bool {
    is_due(record) || record["dynamodb"]["NewImage"]["news"]["S"].is_string()
}

fn is_due(record: &Value) -> bool {
    let image = &record["dynamodb"]["NewImage"];
    image["status"]["S"] == "reached" || image["due"]["BOOL"] == true
}

/// A record's position in the stream.
pub fn sequence_number(record: &Value) -> Option<String> {
    Some(record["dynamodb"]["SequenceNumber"].as_str()?.to_owned())
}

/// How many records of the batch are done: those before the first reported one. A number that is not in
/// the batch means, as on Lambda, that the whole batch failed.
pub fn checkpoint(batch: &[Value], response: &DynamoDbEventResponse) -> usize {
    let position = |reported: &str| {
        batch
            .iter()
            .position(|record| sequence_number(record).as_deref() == Some(reported))
            .unwrap_or(0)
    };
    let reported = response
        .batch_item_failures
        .iter()
        .map(|failure| position(failure.item_identifier.as_deref().unwrap_or_default()));
    reported.min().unwrap_or(batch.len())
}
