//! The table's stream as the second function gets it: in batches, again where one fails, and on at last.

use aws_lambda_events::streams::DynamoDbEventResponse;
use hug::event_source_mapping::{RETRIES, checkpoint, passes};
use serde_json::Value;

/// Records in one batch: fewer than on AWS, so that there are several.
const BATCH: usize = 3;

#[derive(Default)]
pub struct Stream {
    /// The records for the second function, as far as the stream was read.
    records: Vec<Value>,
    /// So many of them are done with, as the event source sees it.
    delivered: usize,
    tries: u32,
}

impl Stream {
    /// Takes up what has come out of the table's stream.
    pub fn take_up(&mut self, records: &[Value]) {
        let passed = records.iter().filter(|record| passes(record));
        self.records.extend(passed.cloned());
    }

    /// Whether all was handed over.
    pub fn is_done(&self) -> bool {
        self.delivered >= self.records.len()
    }

    /// The next batch.
    pub fn next_batch(&self) -> Vec<Value> {
        let rest = &self.records[self.delivered..];
        rest[..rest.len().min(BATCH)].to_vec()
    }

    /// Records that were there before, or come later.
    pub fn picked(&self, picks: &[usize]) -> Vec<Value> {
        let picked = picks
            .iter()
            .filter_map(|pick| self.records.get(pick.checked_rem(self.records.len())?));
        picked.cloned().collect()
    }

    /// Whether no other has moved the stream on over this batch.
    fn is_next(&self, batch: &[Value]) -> bool {
        batch
            .first()
            .is_some_and(|first| self.records.get(self.delivered) == Some(first))
    }

    /// Takes the answer to a batch; `None` where the process died.
    pub fn answered(&mut self, batch: &[Value], response: Option<&DynamoDbEventResponse>) {
        if self.is_next(batch) {
            let done = response.map_or(0, |response| checkpoint(batch, response));
            self.advance(batch, done);
        }
    }

    /// Moves on over what is done; what failed too often is passed over, for good.
    fn advance(&mut self, batch: &[Value], done: usize) {
        if done > 0 {
            self.tries = 0;
            self.delivered += done;
        } else if !batch.is_empty() {
            self.tries += 1;
            if self.tries > RETRIES {
                self.advance(batch, 1);
            }
        }
    }
}
