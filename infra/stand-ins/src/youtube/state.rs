//! What the stand-in for YouTube knows: channels, videos, and how much of the day's quota is used.

use have_a_hug::clock::Clock;
use jiff::{Timestamp, civil::Date, tz::TimeZone};

use super::{
    refusals::{invalid_key, no_key, not_switched_on, quota_exceeded},
    video::{Privacy, Station, Video},
};
use crate::call::{Answer, Call};

/// The key of the sandbox's project.
pub const SANDBOX_KEY: &str = "sandbox-youtube-key";

/// The units that a project has a day.
const UNITS_A_DAY: u32 = 10_000;

/// A video, and when it was added to the list of uploads.
pub(super) struct Upload {
    pub(super) video: Video,
    pub(super) added_at: Timestamp,
}

/// Everything that the stand-in for YouTube knows.
pub struct State {
    pub(super) clock: Clock,
    pub(super) stations: Vec<Station>,
    pub(super) uploads: Vec<Upload>,
    pub(super) units_a_day: u32,
    /// Whether the project has switched the API on.
    pub(super) switched_on: bool,
    /// Whether an invalid key is refused by the older name.
    pub(super) older_key_errors: bool,
    /// The day in California, and the units used on it.
    day: Date,
    used: u32,
}

impl State {
    pub(super) fn empty(clock: Clock) -> Self {
        Self {
            clock,
            stations: vec![Station::amber()],
            uploads: Vec::new(),
            units_a_day: UNITS_A_DAY,
            switched_on: true,
            older_key_errors: false,
            day: Date::ZERO,
            used: 0,
        }
    }

    /// The units used since midnight in California.
    pub(super) fn used(&mut self) -> u32 {
        // The rule of the United States since 2007, so that no table of time zones is needed.
        let pacific = TimeZone::posix("PST8PDT,M3.2.0,M11.1.0").unwrap_or(TimeZone::UTC);
        let today = pacific.to_datetime(self.clock.now()).date();
        if today != self.day {
            (self.day, self.used) = (today, 0);
        }
        self.used
    }

    /// Lets a request through that has the right key, for one unit: a refusal later costs it all the same.
    pub(super) fn admit(&mut self, call: &Call) -> Result<(), Answer> {
        let key = call.header("x-goog-api-key");
        let key = key.or_else(|| call.parameter("key")).ok_or_else(no_key)?;
        if key != SANDBOX_KEY {
            return Err(invalid_key(self.older_key_errors));
        }
        if !self.switched_on {
            return Err(not_switched_on());
        }
        if self.used() >= self.units_a_day {
            return Err(quota_exceeded());
        }
        self.used += 1;
        Ok(())
    }

    pub(super) fn add(&mut self, video: Video) {
        let before = self.upload(&video.id).map(|it| it.added_at);
        self.remove(&video.id);
        let added_at = before.unwrap_or_else(|| self.clock.now());
        self.uploads.push(Upload { video, added_at });
    }

    pub(super) fn remove(&mut self, id: &str) -> bool {
        let before = self.uploads.len();
        self.uploads.retain(|it| it.video.id != id);
        self.uploads.len() < before
    }

    pub(super) fn upload(&self, id: &str) -> Option<&Upload> {
        self.uploads.iter().find(|it| it.video.id == id)
    }

    pub(super) fn station(&self, id: &str) -> Option<&Station> {
        self.stations.iter().find(|it| it.id == id)
    }

    /// The public videos of a channel, newest first.
    pub(super) fn listed(&self, station: &str) -> Vec<&Upload> {
        let mut listed: Vec<&Upload> = self
            .uploads
            .iter()
            .filter(|it| it.video.channel == station && it.video.privacy == Privacy::Public)
            .collect();
        listed.sort_by_key(|it| std::cmp::Reverse(it.video.published_at));
        listed
    }
}
