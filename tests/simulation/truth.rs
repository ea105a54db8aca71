//! What is really so on the network: who follows, what it counts, what it lists, and what it has of the letters that
//! were sent to it. It is as its documents and source code say, and as simple as can be.

use std::collections::{BTreeMap, BTreeSet};

use have_a_hug::network::{Cursor, Failure, Follow, Page};
use jiff::{SignedDuration, Timestamp};
use promise::{
    account::{NetworkName, UserId},
    channel::Channel,
    follower::Follower,
    letter::Letter,
};

use super::history::{Obstacle, Who};

/// What is really so.
pub struct Truth {
    pub network: NetworkName,
    pub now: Timestamp,
    pub people: Vec<Person>,
    /// In the order of the list, oldest first.
    follows: Vec<Following>,
    /// Deleted accounts that the count has not noticed yet.
    ghosts: Vec<Following>,
    next_arrival: u64,
    pub page: usize,
    shown_after: SignedDuration,
    pub kept: Vec<Kept>,
    /// Why it accepts no letters, and until when.
    obstacle: Option<(Obstacle, Timestamp)>,
    /// How many followers its list has shown.
    pub shown: usize,
    /// Every letter that it was asked to send: for which milestone and for whom.
    pub asked: Vec<(u64, Option<String>)>,
    /// The milestones for which a letter was refused for a reason that is about the letter, or not taken a second time.
    pub refused: BTreeSet<u64>,
    /// Every letter that it did not refuse, kept or not.
    asked_to_send: Vec<(u64, Channel, Timestamp)>,
    /// What it was asked to do that nobody should have asked.
    pub complaints: Vec<String>,
    /// Every count that was read, with who was counted then.
    pub readings: Vec<Reading>,
}

#[derive(Clone, Debug)]
pub struct Person {
    pub id: String,
    pub who: Who,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Shown,
    Hidden,
    Deleted,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Following {
    person: usize,
    /// When it came, in the order of all follows.
    arrival: u64,
    /// Where the list puts it.
    listed: u64,
    at: Timestamp,
}

/// What the network has of us: one that its recipient, or everyone, can read.
#[derive(Clone, Debug)]
pub struct Kept {
    pub milestone: u64,
    channel: Channel,
    to: Option<String>,
    text: String,
    reached_at: Timestamp,
    prepared_at: Timestamp,
    at: Timestamp,
}

/// A count that was read, and whom it counted.
#[derive(Clone, Debug)]
pub struct Reading {
    pub at: Timestamp,
    pub count: u64,
    /// Ids of all who were counted, the newest first by when they really came.
    pub counted: Vec<String>,
    /// Their places in the order of all follows.
    pub arrivals: Vec<u64>,
}

impl Truth {
    pub fn new(network: NetworkName, page: usize, shown_after: i64) -> Self {
        Self {
            network,
            now: "2026-11-22T14:00:00Z".parse().unwrap(),
            people: Vec::new(),
            follows: Vec::new(),
            ghosts: Vec::new(),
            next_arrival: 0,
            page,
            shown_after: SignedDuration::from_secs(shown_after),
            kept: Vec::new(),
            obstacle: None,
            shown: 0,
            asked: Vec::new(),
            refused: BTreeSet::new(),
            asked_to_send: Vec::new(),
            complaints: Vec::new(),
            readings: Vec::new(),
        }
    }

    pub fn count(&self) -> u64 {
        (self.follows.len() + self.ghosts.len()) as u64
    }

    /// Someone new follows; answers the line for the story, as all of these do.
    pub fn arrive(&mut self, who: Who) -> String {
        let id = format!("{who:?}{}", self.people.len()).to_lowercase();
        self.people.push(Person {
            id,
            who,
            state: State::Shown,
        });
        self.follow(self.people.len() - 1, 0)
    }

    /// Many follow at once.
    pub fn wave(&mut self, who: Who, n: usize) -> String {
        for _ in 0..n {
            self.arrive(who);
        }
        format!("{n} of the kind {who:?} follow: {} followers", self.count())
    }

    /// It accepts no letters for so many seconds.
    pub fn obstruct(&mut self, why: Obstacle, seconds: i64) -> String {
        self.obstacle = Some((why, self.now + SignedDuration::from_secs(seconds)));
        format!("for {seconds} s the network accepts no letters: {why:?}")
    }

    /// It takes letters again.
    pub fn heal(&mut self) {
        self.obstacle = None;
    }

    fn follow(&mut self, person: usize, places_below_the_top: usize) -> String {
        self.ghosts.clear();
        self.next_arrival += 1;
        let arrival = self.next_arrival;
        // Only Bluesky believes the date that a follow gives itself.
        let places_below_the_top = match self.network {
            NetworkName::Bluesky => places_below_the_top,
            _ => 0,
        };
        let below = self.follows.len().saturating_sub(places_below_the_top);
        let listed = match self.follows.get(below) {
            // Just before the one above it, after everyone else.
            Some(above) => above.listed - 1,
            None => arrival * 1_000,
        };
        self.follows.insert(
            below,
            Following {
                person,
                arrival,
                listed,
                at: self.now,
            },
        );
        format!(
            "{} follows{}: {} followers",
            self.people[person].id,
            if places_below_the_top == 0 {
                String::new()
            } else {
                format!(", {places_below_the_top} places below the top")
            },
            self.count()
        )
    }

    pub fn backdate(&mut self, places: usize) -> String {
        let id = format!("fan{}", self.people.len());
        self.people.push(Person {
            id,
            who: Who::Fan,
            state: State::Shown,
        });
        self.follow(self.people.len() - 1, places)
    }

    pub fn leave(&mut self, pick: usize) -> Option<String> {
        if self.follows.is_empty() {
            return None;
        }
        self.ghosts.clear();
        let gone = self.follows.remove(pick % self.follows.len());
        Some(format!(
            "{} unfollows: {} followers",
            self.people[gone.person].id,
            self.count()
        ))
    }

    /// Someone who left follows again.
    pub fn come_back(&mut self, pick: usize) -> Option<String> {
        let gone: Vec<usize> = (0..self.people.len())
            .filter(|person| self.people[*person].state == State::Shown)
            .filter(|person| self.follows.iter().all(|follow| follow.person != *person))
            .collect();
        let person = *gone.get(pick.checked_rem(gone.len())?)?;
        Some(self.follow(person, 0))
    }

    pub fn hide(&mut self, pick: usize) -> Option<String> {
        self.turn(pick, State::Shown, State::Hidden, "is hidden")
    }

    pub fn show(&mut self, pick: usize) -> Option<String> {
        self.turn(pick, State::Hidden, State::Shown, "is there again")
    }

    fn turn(&mut self, pick: usize, from: State, to: State, verb: &str) -> Option<String> {
        let such: Vec<usize> = self
            .follows
            .iter()
            .map(|follow| follow.person)
            .filter(|person| self.people[*person].state == from)
            .collect();
        // `usize::MAX` is whoever came last.
        let place = if pick == usize::MAX {
            such.len().checked_sub(1)?
        } else {
            pick.checked_rem(such.len())?
        };
        let person = such[place];
        self.people[person].state = to;
        let count = self.count();
        Some(format!(
            "{} {verb}: {count} followers",
            self.people[person].id
        ))
    }

    pub fn delete(&mut self, pick: usize) -> Option<String> {
        if self.follows.is_empty() {
            return None;
        }
        let gone = self.follows.remove(pick % self.follows.len());
        self.people[gone.person].state = State::Deleted;
        if self.network == NetworkName::Bluesky {
            self.ghosts.push(gone);
        }
        Some(format!(
            "{}'s account is deleted: {} followers",
            self.people[gone.person].id,
            self.count()
        ))
    }

    pub fn person(&self, id: &str) -> Option<&Person> {
        self.people.get(index(id)?).filter(|person| person.id == id)
    }

    /// Whether the network shows who they are.
    pub fn has_profile(&self, id: &str) -> bool {
        self.person(id)
            .is_some_and(|person| person.state == State::Shown)
    }

    /// Whether the list shows them.
    pub fn is_listed(&self, id: &str) -> bool {
        let shown = |index: &usize| {
            self.people[*index].id == id && self.people[*index].state == State::Shown
        };
        let known = index(id)
            .filter(|index| *index < self.people.len())
            .filter(shown);
        known.is_some_and(|person| self.follows.iter().any(|follow| follow.person == person))
    }

    /// Whether the list puts them below someone who came before them.
    pub fn is_backdated(&self, id: &str) -> bool {
        let theirs = |follow: &&Following| self.people[follow.person].id == id;
        self.follows.iter().find(theirs).is_some_and(|theirs| {
            let above = self
                .follows
                .iter()
                .filter(|other| other.listed > theirs.listed);
            above
                .into_iter()
                .any(|other| other.arrival < theirs.arrival)
        })
    }

    /// How many invitations there are for each milestone.
    pub fn invitations(&self) -> BTreeMap<u64, usize> {
        let mut each = BTreeMap::new();
        for kept in &self.kept {
            *each.entry(kept.milestone).or_default() += 1;
        }
        each
    }

    /// When the first letter for each milestone arrived.
    pub fn first_letters(&self) -> BTreeMap<u64, Timestamp> {
        let mut first = BTreeMap::new();
        for kept in &self.kept {
            first.entry(kept.milestone).or_insert(kept.at);
        }
        first
    }

    /// Who is counted now, the newest first by when they really came.
    pub fn who_is_counted(&self) -> Reading {
        let mut counted: Vec<&Following> = self.follows.iter().chain(&self.ghosts).collect();
        counted.sort_by_key(|follow| std::cmp::Reverse(follow.arrival));
        let id = |follow: &&Following| self.people[follow.person].id.clone();
        Reading {
            at: self.now,
            count: self.count(),
            counted: counted.iter().map(id).collect(),
            arrivals: counted.iter().map(|follow| follow.arrival).collect(),
        }
    }

    /// The ids of all whom the list shows, in its order, the newest first.
    pub fn listed(&self) -> Vec<String> {
        let people = self
            .follows
            .iter()
            .rev()
            .map(|follow| &self.people[follow.person]);
        people
            .filter(|person| person.state == State::Shown)
            .map(|person| person.id.clone())
            .collect()
    }

    pub fn read_count(&mut self) -> u64 {
        let reading = self.who_is_counted();
        let count = reading.count;
        self.readings.push(reading);
        count
    }

    /// A page of the list: hidden accounts are left out after it was cut.
    pub fn list(&mut self, cursor: Option<&Cursor>) -> Page {
        let before = cursor.map_or(u64::MAX, |Cursor(listed)| listed.parse().unwrap());
        let mut rest = self
            .follows
            .iter()
            .rev()
            .filter(|follow| follow.listed < before);
        let page: Vec<&Following> = rest.by_ref().take(self.page).collect();
        let next = rest
            .next()
            .and(page.last())
            .map(|last| Cursor(last.listed.to_string()));
        let shown = page
            .into_iter()
            .map(|follow| &self.people[follow.person])
            .filter(|person| person.state == State::Shown);
        let followers: Vec<Follower> = shown.map(Person::follower).collect();
        self.shown += followers.len();
        Page { followers, next }
    }

    /// The profiles of those who are not hidden or gone. A handle is the same as an id here.
    pub fn profiles(&self, ids: &[UserId]) -> Vec<Follower> {
        let people = ids.iter().filter_map(|id| self.person(id.as_str()));
        people
            .filter(|person| self.has_profile(&person.id))
            .map(Person::follower)
            .collect()
    }

    /// Who followed since, the newest first, by when it really was.
    pub fn notifications(&self, since: Timestamp) -> Vec<Follow> {
        let mut recent: Vec<&Following> = self
            .follows
            .iter()
            .filter(|follow| follow.at >= since)
            .filter(|follow| self.people[follow.person].state == State::Shown)
            .collect();
        recent.sort_by_key(|follow| std::cmp::Reverse(follow.arrival));
        recent
            .into_iter()
            .map(|follow| Follow {
                follower: self.people[follow.person].follower(),
                at: follow.at,
            })
            .collect()
    }

    pub fn send(&mut self, letter: &Letter<'_>) -> Result<String, (Failure, &'static str)> {
        let kept = Kept {
            milestone: letter.milestone.number(),
            channel: letter.channel,
            to: letter.to.map(|to| to.id.to_string()),
            text: letter.text.to_owned(),
            reached_at: letter.reached_at,
            prepared_at: letter.prepared_at,
            at: self.now,
        };
        self.asked.push((kept.milestone, kept.to.clone()));
        match self.obstacle.filter(|(_, until)| *until > self.now) {
            Some((Obstacle::Refusal, _)) => return Err((Failure::Refused, "not such a letter")),
            Some((Obstacle::Blocked, _)) => {
                return Err((Failure::Blocked { until: None }, "the account is locked"));
            }
            Some((Obstacle::BlockedUntil, until)) => {
                let until = Some(until);
                return Err((Failure::Blocked { until }, "the cap is reached"));
            }
            None => {}
        }
        if kept.channel == Channel::Message {
            let closed = |id: &String| {
                self.person(id)
                    .is_none_or(|person| person.who == Who::Closed)
            };
            if kept.to.as_ref().is_none_or(closed) {
                return Err((Failure::Refused, "they take no messages"));
            }
        }
        self.complain_of(&kept);
        if kept.channel != Channel::Message
            && let Some(there) = self.same_post(&kept)
        {
            let other = &self.kept[there];
            return match self.network {
                NetworkName::Bluesky if other.prepared_at == kept.prepared_at => {
                    Ok(there.to_string())
                }
                NetworkName::Mastodon => Ok(there.to_string()),
                NetworkName::Bluesky => Err((Failure::SentBefore, "invalid swap")),
                NetworkName::X => Err((Failure::SentBefore, "the same words again")),
            };
        }
        self.kept.push(kept);
        Ok((self.kept.len() - 1).to_string())
    }

    /// The network keeps a second post out by itself; the program must not lean on that. A claim
    /// lasts 90 seconds, of which a send may take half, and clocks differ by 20.
    fn complain_of(&mut self, kept: &Kept) {
        let (number, now) = (kept.milestone, self.now);
        let same =
            |asked: &&(u64, Channel, Timestamp)| (asked.0, asked.1) == (number, kept.channel);
        let last = self.asked_to_send.iter().rev().find(same);
        if let Some((.., at)) = last
            && now < *at + SignedDuration::from_secs(20)
        {
            let complaint = format!("two are sending the invitation for {number} at the same time");
            self.complaints.push(complaint);
        }
        let shown = |there: &Kept| there.at + self.shown_after(there);
        let there = self.kept.iter().find(|there| {
            there.milestone == number
                && there.channel == kept.channel
                && there.text == kept.text
                && shown(there) + SignedDuration::from_secs(45) <= now
        });
        if there.is_some() {
            self.complaints.push(format!(
                "the invitation for {number} is sent again though the network shows it"
            ));
        }
        self.asked_to_send.push((number, kept.channel, now));
    }

    /// What the network takes for the same post: Bluesky by its key, X by its words, Mastodon by a key
    /// that it forgets after an hour.
    fn same_post(&self, new: &Kept) -> Option<usize> {
        self.kept.iter().position(|there| {
            let same = match self.network {
                NetworkName::Bluesky => there.key() == new.key(),
                NetworkName::X => there.text == new.text,
                NetworkName::Mastodon => {
                    there.milestone == new.milestone
                        && there.channel == new.channel
                        && new.at < there.at + SignedDuration::from_hours(1)
                }
            };
            same && there.channel != Channel::Message
        })
    }

    /// Messages may take several minutes.
    fn shown_after(&self, kept: &Kept) -> SignedDuration {
        match kept.channel {
            Channel::Message => self.shown_after * 18,
            _ => self.shown_after,
        }
    }

    pub fn find(&self, letter: &Letter<'_>) -> Option<String> {
        let to = letter.to.map(|to| to.id.as_str());
        // A Bluesky post is asked for by its key, and is there at once.
        let by_key = self.network == NetworkName::Bluesky && letter.channel != Channel::Message;
        let found = |kept: &&Kept| {
            if by_key {
                return kept.channel != Channel::Message
                    && kept.key() == (letter.milestone.number(), letter.reached_at);
            }
            kept.channel == letter.channel
                && kept.text == letter.text
                && (kept.channel != Channel::Message || kept.to.as_deref() == to)
                && kept.at + self.shown_after(kept) <= self.now
        };
        let place = self.kept.iter().position(|kept| found(&kept))?;
        Some(place.to_string())
    }
}

/// The number in an id: `fan7` is the eighth person.
fn index(id: &str) -> Option<usize> {
    id.trim_start_matches(char::is_alphabetic).parse().ok()
}

impl Kept {
    /// What the key of a post on Bluesky is made of.
    fn key(&self) -> (u64, Timestamp) {
        (self.milestone, self.reached_at)
    }
}

impl Person {
    fn follower(&self) -> Follower {
        Follower {
            id: self.id.as_str().into(),
            handle: self.id.clone(),
            marked_as_bot: self.who == Who::Bot,
            ..Follower::default()
        }
    }
}
