//! What the page shows: a [`Songbook`], made from the records.
//!
//! A [`Songbook`] has no place for what must not be shown. A person is in it only together with the topic that they
//! asked for, and only if they neither said stop nor were erased. Of those who were passed over it has the number, and a
//! video only once its song is posted. It has no words of letters, no errors and no claims.

#[cfg(test)]
mod tests;

use std::collections::HashSet;

use jiff::{Timestamp, civil::Date};
use promise::{
    account::{AccountName, UserId},
    evidence::{Certainty, Evidence},
    hug::{Hug, Status},
    milestone::{Milestone, Plan},
    naming::Naming,
    news::Site,
    record::AccountRecord,
    song::Song,
    topic::MAX_TOPIC,
    untrusted::{MAX_HANDLE, MAX_NAME, one_line},
    video::VideoId,
};

use crate::{
    curve::{Count, Curve, pace},
    english::{date, every, figures},
};

/// How many characters of a song's title are shown: YouTube allows a hundred.
const MAX_TITLE: usize = 100;

/// How many characters the creator's own heading can have.
pub const MAX_HEADING: usize = 100;

/// How many characters the creator's own words for the promise can have.
pub const MAX_PROMISE: usize = 600;

/// What the creator decided about the page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Words {
    /// The heading; else the plan says it: "Every hundredth follower gets a song."
    pub title: Option<String>,
    /// The promise below the heading; else the plan says it.
    pub promise: Option<String>,
    /// Whether search engines may list the page.
    pub listed: bool,
    /// The address of the page, for cards in other places.
    pub url: Option<String>,
}

/// What is known of one account.
#[derive(Clone, Copy, Debug)]
pub struct Records<'a> {
    /// Network and handle, as its creator calls it today.
    pub name: &'a AccountName,
    /// Where its network shows people.
    pub site: &'a Site,
    /// The creator's name, if the settings have one.
    pub creator: Option<&'a str>,
    /// Which numbers are milestones.
    pub plan: Plan,
    /// The account as its last check left it; `None` before the first.
    pub account: Option<&'a AccountRecord>,
    /// Its hugs, in any order.
    pub hugs: &'a [Hug],
    /// Its hourly counts, in any order.
    pub counts: &'a [Count],
    /// Who said stop to an account on the same network.
    pub stopped: &'a HashSet<UserId>,
}

/// Everything that the page shows, except for when it is written. Two that are equal make the same page.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Songbook {
    pub(crate) creator: String,
    pub(crate) title: String,
    pub(crate) promise: String,
    pub(crate) listed: bool,
    pub(crate) url: Option<String>,
    pub(crate) shelves: Vec<Shelf>,
    pub(crate) left_out: usize,
}

/// One account.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Shelf {
    /// The network's name in a sentence.
    pub(crate) network: &'static str,
    /// With the `@` before it.
    pub(crate) handle: String,
    /// The page of the account.
    pub(crate) url: String,
    /// How many follow; `None` before the first check.
    pub(crate) followers: Option<u64>,
    /// The number that gets the next song; `None` where there is no greater number.
    pub(crate) next: Option<Milestone>,
    /// The number of the plan before it, or 0.
    pub(crate) before_next: u64,
    /// When the next number may be reached.
    pub(crate) pace: Option<String>,
    pub(crate) curve: Option<Curve>,
    /// The greatest number first.
    pub(crate) entries: Vec<Entry>,
}

/// One number and its song.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Entry {
    pub(crate) number: Milestone,
    pub(crate) reached_at: Timestamp,
    pub(crate) state: State,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum State {
    /// It was crossed, and nobody is invited yet.
    Crossed {
        /// How many were passed over, where it waits for a genuine follower.
        passed_over: u64,
    },
    /// Somebody was invited, who has not named a topic yet.
    Invited { on: Date, found: Option<Found> },
    /// The creator writes the song.
    Asked { by: Whom },
    /// The song can be heard.
    Sung {
        by: Whom,
        video: VideoId,
        title: Option<String>,
        on: Date,
    },
    /// It ends without a song. Why is nobody's business.
    Ended,
}

/// Whose song it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Whom {
    /// They asked for it.
    Asker(Box<Asker>),
    /// They said stop or were erased.
    Unnamed,
    /// They were given a song and never asked for one.
    Silent,
}

/// A person who may be named: they asked for a song.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Asker {
    pub(crate) name: Option<String>,
    /// With the `@` before it.
    pub(crate) handle: String,
    /// Their page on the network.
    pub(crate) url: String,
    /// What they asked for, in their words.
    pub(crate) topic: String,
    pub(crate) found: Option<Found>,
}

/// How it was found who crossed a number.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Found {
    pub(crate) before: u64,
    pub(crate) after: u64,
    /// The place in the list of followers, newest first, from 0. Only for someone who is named, because it tells who
    /// they are.
    pub(crate) position: Option<u64>,
    /// How many came since the list was read before; `None` where that is not known.
    pub(crate) came: Option<u64>,
    pub(crate) passed_over: u64,
    pub(crate) certain: bool,
}

impl Songbook {
    /// The songbook of these accounts, in this order. `left_out` is how many accounts there are besides.
    pub fn of(words: &Words, accounts: &[Records<'_>], left_out: usize) -> Self {
        let plan = accounts.first().map(|first| first.plan);
        let same = |plan: &Plan| {
            let numbers = |plan: Plan| (plan.first(), plan.step());
            let mut accounts = accounts.iter();
            accounts.all(|account| numbers(account.plan) == numbers(*plan))
        };
        let plan = plan.filter(same);
        let own = |words: &Option<String>, max| {
            let words = words.as_deref().map(|words| one_line(words.trim(), max));
            words.filter(|words| !words.is_empty())
        };
        Self {
            creator: creator(accounts),
            title: own(&words.title, MAX_HEADING).unwrap_or_else(|| title(plan)),
            promise: own(&words.promise, MAX_PROMISE).unwrap_or_else(|| promise(plan)),
            listed: words.listed,
            url: words.url.clone(),
            shelves: accounts.iter().map(Shelf::of).collect(),
            left_out,
        }
    }

    /// Whether both show the same hugs in the same state, whatever the counts are.
    pub fn has_the_hugs_of(&self, other: &Self) -> bool {
        let hugs = |book: &Self| {
            let shelves = book.shelves.iter();
            let hugs = shelves.map(|shelf| (shelf.url.clone(), shelf.entries.clone()));
            hugs.collect::<Vec<_>>()
        };
        hugs(self) == hugs(other)
    }
}

/// The creator's name: as in the settings; else as the last hug signs; else the handle.
fn creator(accounts: &[Records<'_>]) -> String {
    let set = accounts.iter().find_map(|account| account.creator);
    let hugs = accounts.iter().flat_map(|account| account.hugs);
    let latest = hugs.max_by_key(|hug| hug.reached_at);
    let signed = set.or(latest.map(|hug| hug.creator.as_str()));
    let signed = signed.map(|name| one_line(name.trim(), MAX_NAME));
    let handle = || accounts.first().map(|account| at(&account.name.handle));
    let named = signed.filter(|name| !name.is_empty()).or_else(handle);
    named.unwrap_or_default()
}

fn at(handle: &str) -> String {
    format!("@{}", one_line(handle, MAX_HANDLE))
}

fn title(plan: Option<Plan>) -> String {
    plan.map_or_else(
        || "My followers get songs.".to_owned(),
        |plan| format!("{} gets a song.", every(plan.step())),
    )
}

fn promise(plan: Option<Plan>) -> String {
    let Some(plan) = plan else {
        return "The follower at each of the numbers below chooses the topic of a song.".to_owned();
    };
    let every = every(plan.step());
    let then = every.replacen("Every", "every", 1);
    format!(
        "Number {} gets a song on a topic of their choosing, and so does {then} after that.",
        figures(plan.first())
    )
}

impl Shelf {
    fn of(records: &Records<'_>) -> Self {
        let Records {
            name, site, plan, ..
        } = records;
        let pending = records.account.and_then(|account| account.pending.as_ref());
        let mut entries: Vec<Entry> = records
            .hugs
            .iter()
            .map(|hug| Entry::of(hug, records))
            .collect();
        entries.extend(pending.map(|pending| Entry {
            number: pending.milestone,
            reached_at: pending.since,
            state: State::Crossed {
                passed_over: pending.passed_over,
            },
        }));
        // A number that waits has no hug; if a later version wrote both, the hug says more.
        entries.sort_by_key(|entry| std::cmp::Reverse(entry.number));
        entries.dedup_by_key(|entry| entry.number);
        let mark = records.account.map_or(0, |account| account.promised_up_to);
        let waits = pending.map_or(0, |pending| pending.milestone.number());
        let next = plan.next_after(mark.max(waits));
        let is_first = next.is_some_and(|next| next.number() == plan.first());
        let before = next.filter(|_| !is_first).map(Milestone::number);
        let counts = counts(records);
        Self {
            network: site.rules.title,
            handle: at(&name.handle),
            url: (site.rules.profile_url)(&site.server, &name.handle),
            followers: records.account.map(|account| account.followers),
            next,
            before_next: before.map_or(0, |next| next.saturating_sub(plan.step())),
            pace: next.and_then(|next| pace(&counts, next.number())),
            curve: Curve::through(&counts),
            entries,
        }
    }
}

/// The counts in the order of time. The last is that of the last check, which is newer than that of its hour.
fn counts(records: &Records<'_>) -> Vec<Count> {
    let Some(account) = records.account else {
        return Vec::new();
    };
    let now = Count {
        at: account.checked_at,
        followers: account.followers,
    };
    let earlier = records.counts.iter().filter(|count| count.at < now.at);
    let mut counts: Vec<Count> = earlier.copied().collect();
    counts.sort_by_key(|count| count.at);
    counts.push(now);
    counts
}

impl Entry {
    fn of(hug: &Hug, records: &Records<'_>) -> Self {
        Self {
            number: hug.milestone,
            reached_at: hug.reached_at,
            state: State::of(hug, records),
        }
    }

    pub(crate) fn is_sung(&self) -> bool {
        matches!(self.state, State::Sung { .. })
    }

    /// Whether a song is still to come, as far as anyone knows.
    pub(crate) fn is_open(&self) -> bool {
        !self.is_sung() && self.state != State::Ended
    }
}

impl State {
    fn of(hug: &Hug, records: &Records<'_>) -> Self {
        let by = || Whom::of(hug, records);
        match (&hug.status, &hug.posted) {
            (
                Status::SongPosted | Status::Hugged | Status::ToSend | Status::Declined,
                Some(song),
            ) => Self::sung(song, by()),
            (Status::Declined | Status::Cancelled, _) => Self::Ended,
            (Status::TopicChosen | Status::SongPosted | Status::Hugged, _) => {
                Self::Asked { by: by() }
            }
            (Status::Invited, _) => Self::Invited {
                on: date(hug.invitation.sent_at.unwrap_or(hug.reached_at)),
                found: Found::of(hug).map(|found| Found {
                    position: None,
                    ..found
                }),
            },
            (
                Status::Reached
                | Status::Held
                | Status::Inviting
                | Status::ToSend
                | Status::Unknown(_),
                _,
            ) => Self::Crossed { passed_over: 0 },
        }
    }

    fn sung(song: &Song, by: Whom) -> Self {
        let title = song.title.as_deref().map(str::trim);
        let title = title.filter(|title| !title.is_empty());
        Self::Sung {
            by,
            video: song.video.clone(),
            title: title.map(|title| one_line(title, MAX_TITLE)),
            on: date(song.at),
        }
    }
}

impl Whom {
    fn of(hug: &Hug, records: &Records<'_>) -> Self {
        let (follower, topic) = match Naming::of(hug, records.stopped) {
            Naming::Named { follower, topic } => (follower, topic),
            Naming::Unnamed => return Self::Unnamed,
            Naming::Silent => return Self::Silent,
        };
        let Records { site, .. } = records;
        let name = follower.name.as_deref().map(str::trim);
        let name = name.filter(|name| !name.is_empty() && *name != follower.handle);
        Self::Asker(Box::new(Asker {
            name: name.map(|name| one_line(name, MAX_NAME)),
            handle: at(&follower.handle),
            url: (site.rules.profile_url)(&site.server, &follower.handle),
            topic: one_line(&topic.text, MAX_TOPIC),
            found: Found::of(hug),
        }))
    }
}

impl Found {
    /// How the follower of a hug was found; `None` if not by a count: the creator chose them, or passed the hug on.
    fn of(hug: &Hug) -> Option<Self> {
        let Evidence {
            count_before: before,
            count_after: after,
            position,
            passed_over,
            certainty,
            arrivals,
            ..
        } = &hug.evidence;
        let by_count = matches!(certainty, Certainty::Certain | Certainty::Likely);
        let is_found = by_count && hug.passed.is_none() && hug.chosen.is_none();
        is_found.then(|| Self {
            before: *before,
            after: *after,
            position: Some(*position),
            came: arrivals.as_ref().map(|arrivals| arrivals.came),
            passed_over: *passed_over,
            certain: *certainty == Certainty::Certain,
        })
    }
}
