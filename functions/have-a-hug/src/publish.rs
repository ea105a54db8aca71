//! The songbook on AWS: its page is read, rendered, and put into a bucket.
//!
//! It is put when a page of this hour is missing, or when a hug has changed since the last one; and only if it differs
//! from the last one in more than the time at which it was written. What was put last is known to the process that did
//! it, and nowhere else. So a new process puts the page once, even if it is the same.

use std::sync::{Mutex, MutexGuard, PoisonError};

use ::songbook::{Songbook, page};
use jiff::Timestamp;

use crate::{
    bucket::{Bucket, BucketError, File},
    ledger::{Ledger, LedgerError},
    settings::Settings,
    songbook,
};

/// The page's name in its bucket.
const PAGE: &str = "index.html";

/// Publishes the songbook.
pub struct Publisher {
    bucket: Bucket,
    last: Mutex<Option<Last>>,
}

/// What was published last.
struct Last {
    /// When it was read from the ledger.
    read_at: Timestamp,
    songbook: Songbook,
}

/// What a publishing did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Published {
    /// The page was put.
    Written,
    /// The page is the same as before, and was left as it is.
    Unchanged,
}

/// Why the songbook could not be published.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// The ledger could not be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The page could not be put.
    #[error(transparent)]
    Bucket(#[from] BucketError),
}

impl Publisher {
    /// A publisher that has published nothing yet.
    pub fn new(bucket: Bucket) -> Self {
        Self {
            bucket,
            last: Mutex::default(),
        }
    }

    /// Whether a page is due at `now`, where the last change of a hug was at `changed_at`.
    ///
    /// Once an hour, because there is a new count then, and because all counts are read: those of 400 days are about a
    /// megabyte. The clock has seconds, so a change in the second of the last reading may have come after it.
    pub fn is_due(&self, now: Timestamp, changed_at: Option<Timestamp>) -> bool {
        let hour = |time: Timestamp| time.as_second().div_euclid(60 * 60);
        self.last().as_ref().is_none_or(|last| {
            hour(last.read_at) != hour(now)
                || changed_at.is_some_and(|changed_at| changed_at >= last.read_at)
        })
    }

    /// Publishes the page as the ledger is at `now`. Where that fails, a page stays due.
    ///
    /// # Errors
    ///
    /// Where the ledger cannot be read, or the page cannot be put.
    pub async fn publish(
        &self,
        ledger: &Ledger,
        settings: &Settings,
        now: Timestamp,
    ) -> Result<Published, PublishError> {
        let songbook = songbook::read(ledger, settings, now).await?;
        let unchanged = self
            .last()
            .as_ref()
            .is_some_and(|last| last.songbook == songbook);
        if !unchanged {
            let file = File {
                key: PAGE,
                content_type: "text/html; charset=utf-8",
                // Not longer than the distribution keeps it: infra/template.yaml.
                cache_control: "max-age=60",
                body: &page::render(&songbook, now),
            };
            self.bucket.put(&file, now).await?;
        }
        *self.last() = Some(Last {
            read_at: now,
            songbook,
        });
        Ok(if unchanged {
            Published::Unchanged
        } else {
            Published::Written
        })
    }

    fn last(&self) -> MutexGuard<'_, Option<Last>> {
        // A panic of another thread cannot leave it half changed, because it is replaced in one step.
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
