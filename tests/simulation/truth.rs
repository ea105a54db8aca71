//! What is really so on the network: who follows, what it counts and what it lists. It is as its documents and source
//! code say, and as simple as can be.

use std::collections::BTreeSet;

use have_a_hug::network::{Answered, Asked, Cursor, Failure, Follow, Page};
use jiff::Timestamp;
use promise::{
    account::{NetworkName, UserId},
    follower::Follower,
    letter::Letter,
};

use super::{
    history::{Author, Says, Who},
    letters::Letters,
    posts::Posts,
};

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
    /// What it has of the letters that were sent to it.
    pub letters: Letters,
    /// What people wrote under them.
    pub posts: Posts,
    /// Who said stop to another account of this ledger.
    pub stopped_elsewhere: BTreeSet<String>,
    /// How many followers its list has shown.
    pub shown: usize,
    /// Every count that was read, with who was counted then.
    pub readings: Vec<Reading>,
    /// When each request was made, of the functions that run now.
    pub asked_at: Vec<Timestamp>,
    /// Until when it asked these functions not to be read.
    pub limited_until: Option<Timestamp>,
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
            letters: Letters::new(network, shown_after),
            posts: Posts::new(network),
            stopped_elsewhere: BTreeSet::new(),
            shown: 0,
            readings: Vec::new(),
            asked_at: Vec::new(),
            limited_until: None,
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

    /// Sends a letter, unless its recipient takes none, or the post that it replies to is gone.
    pub fn send(&mut self, letter: &Letter<'_>) -> Result<String, (Failure, &'static str)> {
        let takes_messages = letter.to.is_some_and(|to| {
            let person = self.person(to.id.as_str());
            person.is_some_and(|person| person.who != Who::Closed)
        });
        let has_parent = letter
            .reply_to
            .is_none_or(|post| self.posts.is_there(&post.reference));
        self.letters
            .send(letter, self.now, takes_messages, has_parent)
    }

    pub fn find(&self, letter: &Letter<'_>) -> Option<String> {
        self.letters.find(letter, self.now)
    }

    /// The answers to these letters, as the network tells them.
    pub fn answers(&self, asked: &Asked<'_>) -> Answered {
        self.posts.answers(asked)
    }

    /// Somebody writes under one of the last letters, if anyone can see one.
    pub fn answer(&mut self, author: Author, says: Says, pick: usize) -> Option<String> {
        let letters = self.letters.that_can_be_answered();
        let among = letters.len().min(8);
        let back = pick.checked_rem(among)?;
        let letter = &letters[letters.len() - 1 - back];
        let author = match author {
            Author::Named => letter.to.clone()?,
            Author::Another => {
                let person = &self.people[pick.checked_rem(self.people.len())?];
                person.id.clone()
            }
        };
        if !self.has_profile(&author) {
            return None;
        }
        Some(self.posts.write(author, &letter.reference, says, self.now))
    }

    /// Somebody who is on the network says stop to another account of this ledger.
    pub fn stop_elsewhere(&mut self, pick: usize) -> Option<String> {
        let listed = self.listed();
        let id = listed.get(pick.checked_rem(listed.len())?)?;
        self.stopped_elsewhere.insert(id.clone());
        Some(id.clone())
    }
}

/// The number in an id: `fan7` is the eighth person.
fn index(id: &str) -> Option<usize> {
    id.trim_start_matches(char::is_alphabetic).parse().ok()
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
