//! The page of the songs in a file.

use std::{
    fs::{self, File},
    io::{self, IsTerminal, Write, stdout},
    path::{Path, PathBuf},
};

use ::songbook::{Songbook, page};
use have_a_hug::{ledger::Ledger, settings::Settings, songbook as records};
use jiff::{SignedDuration, Timestamp};

use crate::{Error, place::Place};

/// A page on which no hug has changed is written again after this time at the earliest.
const AT_MOST_EVERY: SignedDuration = SignedDuration::from_hours(1);

/// Writes the page to that file, or to standard output. The settings are needed for the accounts, the plan and the
/// creator's own words; secrets are not. There may be no ledger yet.
///
/// # Errors
///
/// A mistake in the settings, a ledger that cannot be read, or a file that cannot be written.
pub async fn run(
    settings: &Path,
    place: &Place,
    file: Option<&Path>,
    now: Timestamp,
) -> Result<(), Error> {
    let settings = Settings::load(settings, &|_| None)?;
    let book = match place.open().await? {
        Some(ledger) => records::read(&ledger, &settings, now).await?,
        None => records::unread(&settings),
    };
    match file {
        Some(file) => {
            let name = file.display();
            write(file, &book, now)
                .map_err(|error| format!("writing the songbook to {name} failed: {error}"))?;
            // Not in a pipe: cron sends a mail for each line.
            if stdout().is_terminal() {
                writeln!(stdout(), "{name} is written. Open it in your browser.")?;
            }
        }
        None => stdout().write_all(page::render(&book, now).as_bytes())?,
    }
    Ok(())
}

/// Writes the page to that file. A reader of the file sees the old page or the new one, and never a part.
fn write(file: &Path, book: &Songbook, now: Timestamp) -> io::Result<()> {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let new = file.with_file_name(format!(".{name}.{}", std::process::id()));
    let written = File::create(&new).and_then(|mut to| {
        to.write_all(page::render(book, now).as_bytes())?;
        to.sync_all()
    });
    let moved = written.and_then(|()| fs::rename(&new, file));
    if moved.is_err() {
        // The error that is told is the first one.
        let _ = fs::remove_file(&new);
    }
    moved
}

/// A page that is kept current in a file.
pub struct Kept {
    file: PathBuf,
    last: Option<(Timestamp, Songbook)>,
}

impl Kept {
    /// A page in that file, which is written at the first chance.
    pub fn new(file: PathBuf) -> Self {
        Self { file, last: None }
    }

    /// Writes the page if a hug has changed since it was written; and once an hour if anything else has changed.
    ///
    /// # Errors
    ///
    /// One sentence for the creator. The next call tries again.
    pub async fn keep(
        &mut self,
        ledger: &Ledger,
        settings: &Settings,
        now: Timestamp,
    ) -> Result<(), String> {
        let failed = |what: String| {
            let file = self.file.display();
            format!("the songbook {file} was not written: {what}; the next round tries again")
        };
        let book = records::read(ledger, settings, now).await;
        let book = book.map_err(|error| failed(error.to_string()))?;
        if let Some((at, last)) = &self.last {
            let is_due = now.duration_since(*at) >= AT_MOST_EVERY;
            if *last == book || (!is_due && last.has_the_hugs_of(&book)) {
                return Ok(());
            }
        }
        write(&self.file, &book, now).map_err(|error| failed(error.to_string()))?;
        self.last = Some((now, book));
        Ok(())
    }
}
