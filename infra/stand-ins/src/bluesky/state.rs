//! What the stand-in for Bluesky knows: actors, follows, records, notifications, messages, logins.

use std::collections::{BTreeMap, HashMap};

use have_a_hug::clock::Clock;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::ids::{did, domain, tid};
use crate::{backend::Message, call::timestamp, person::Person, window::Window};

/// The collection of posts.
pub(super) const POSTS: &str = "app.bsky.feed.post";

/// Someone on Bluesky: a creator, a follower or a stranger.
pub(super) struct Actor {
    pub(super) did: String,
    pub(super) person: Person,
    /// Whether they block the accounts.
    pub(super) blocks: bool,
}

pub(super) struct Follow {
    pub(super) serial: u64,
    pub(super) follower: String,
    /// The time that decides the position in the list: when it was indexed, or the record's own time if
    /// that is earlier.
    pub(super) sorted_at: Timestamp,
}

impl Follow {
    /// What the list is sorted by, oldest first; also a page's cursor.
    pub(super) fn position(&self) -> (i64, u64) {
        (self.sorted_at.as_millisecond(), self.serial)
    }
}

pub(super) struct Record {
    pub(super) serial: u64,
    pub(super) collection: String,
    pub(super) author: String,
    pub(super) cid: String,
    pub(super) value: Value,
    pub(super) at: Timestamp,
}

pub(super) struct Notification {
    pub(super) serial: u64,
    pub(super) reason: &'static str,
    /// The account that is notified.
    pub(super) account: String,
    pub(super) author: String,
    pub(super) uri: String,
    pub(super) subject: Option<String>,
    pub(super) record: Value,
    pub(super) at: Timestamp,
}

impl Notification {
    /// What the list is sorted by, oldest first; also a page's cursor.
    pub(super) fn position(&self) -> (i64, u64) {
        (self.at.as_millisecond(), self.serial)
    }
}

/// Whose requests a token signs, and until when.
pub(super) struct Session {
    pub(super) did: String,
    pub(super) scope: Scope,
    pub(super) expires: Timestamp,
}

/// What a token is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    Access,
    Refresh,
}

/// Everything that the stand-in for Bluesky knows.
pub struct State {
    pub(super) url: String,
    pub(super) clock: Clock,
    pub(super) actors: HashMap<String, Actor>,
    pub(super) handles: HashMap<String, String>,
    pub(super) accounts: Vec<String>,
    pub(super) passwords: HashMap<String, String>,
    /// Whether a login with an app password gives access to private messages.
    pub(super) messages_by_password: bool,
    pub(super) follows: HashMap<String, Vec<Follow>>,
    /// By their `at://` URI.
    pub(super) records: BTreeMap<String, Record>,
    pub(super) notifications: Vec<Notification>,
    /// What moderators say of a post, by its URI.
    pub(super) labels: HashMap<String, Vec<String>>,
    /// The URIs of the replies that the creator has hidden.
    pub(super) hidden_replies: Vec<String>,
    pub(super) messages: Vec<Message>,
    /// By their token.
    pub(super) sessions: HashMap<String, Session>,
    /// By handle or DID: logins in five minutes and in a day.
    pub(super) logins: HashMap<String, (Window, Window)>,
    pub(super) requests: Window,
    pub(super) serial: u64,
}

impl State {
    pub(super) fn empty(url: &str, clock: Clock) -> Self {
        Self {
            url: url.to_owned(),
            clock,
            actors: HashMap::new(),
            handles: HashMap::new(),
            accounts: Vec::new(),
            passwords: HashMap::new(),
            messages_by_password: true,
            follows: HashMap::new(),
            records: BTreeMap::new(),
            notifications: Vec::new(),
            labels: HashMap::new(),
            hidden_replies: Vec::new(),
            messages: Vec::new(),
            sessions: HashMap::new(),
            logins: HashMap::new(),
            requests: Window::default(),
            serial: 0,
        }
    }

    pub(super) fn next_serial(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }

    pub(super) fn add_actor(&mut self, person: Person) -> String {
        let did = did(&person.id);
        self.handles.insert(domain(&person.handle), did.clone());
        let actor = Actor {
            did: did.clone(),
            person,
            blocks: false,
        };
        self.actors.insert(did.clone(), actor);
        did
    }

    pub(super) fn first_account(&self) -> String {
        self.accounts.first().cloned().unwrap_or_default()
    }

    pub(super) fn id_of(&self, handle: &str) -> Option<String> {
        self.handles.get(&domain(handle)).cloned()
    }

    pub(super) fn change(&mut self, handle: &str, change: impl FnOnce(&mut Actor)) {
        if let Some(actor) = self.id_of(handle).and_then(|did| self.actors.get_mut(&did)) {
            change(actor);
        }
    }

    pub(super) fn rename(&mut self, old: &str, new: &str) {
        if let Some(did) = self.handles.remove(&domain(old)) {
            self.handles.insert(domain(new), did);
            self.change(new, |actor| actor.person.handle = new.to_owned());
        }
    }

    /// `person` follows the account now, with a record that claims the time `claimed`.
    pub(super) fn add_follower(&mut self, account: &str, person: Person, claimed: Timestamp) {
        let now = self.clock.now();
        let serial = self.next_serial();
        let follower = self.add_actor(person);
        self.remove_follower(account, &follower);
        let follow = Follow {
            serial,
            follower: follower.clone(),
            sorted_at: claimed.min(now),
        };
        let follows = self.follows.entry(account.to_owned()).or_default();
        let index = follows.partition_point(|it| it.position() < follow.position());
        follows.insert(index, follow);
        self.notifications.push(Notification {
            serial,
            reason: "follow",
            account: account.to_owned(),
            uri: format!(
                "at://{follower}/app.bsky.graph.follow/{}",
                tid(claimed, serial)
            ),
            author: follower,
            subject: None,
            record: json!({
                "$type": "app.bsky.graph.follow",
                "subject": account,
                "createdAt": timestamp(claimed),
            }),
            at: now,
        });
    }

    pub(super) fn remove_follower(&mut self, account: &str, follower: &str) -> bool {
        let follows = self.follows.entry(account.to_owned()).or_default();
        let before = follows.len();
        follows.retain(|follow| follow.follower != follower);
        if follows.len() == before {
            return false;
        }
        self.notifications.retain(|notification| {
            notification.reason != "follow"
                || notification.author != follower
                || notification.account != account
        });
        true
    }

    pub(super) fn count_of(&self, account: &str) -> u64 {
        self.follows
            .get(account)
            .map_or(0, |follows| follows.len() as u64)
    }

    pub(super) fn follows_account(&self, person: &str, account: &str) -> bool {
        self.follows
            .get(account)
            .is_some_and(|follows| follows.iter().any(|it| it.follower == person))
    }

    /// The actor with that DID, unless deactivated.
    pub(super) fn visible(&self, did: &str) -> Option<&Actor> {
        self.actors.get(did).filter(|actor| !actor.person.hidden)
    }

    /// The DID for a handle or a DID.
    pub(super) fn resolve(&self, actor: &str) -> Option<String> {
        if actor.starts_with("did:") {
            self.actors.contains_key(actor).then(|| actor.to_owned())
        } else {
            self.handles.get(&actor.to_lowercase()).cloned()
        }
    }
}

/// The text of a post's record.
pub(super) fn text_of(record: &Value) -> &str {
    record
        .get("text")
        .and_then(Value::as_str)
        .unwrap_or_default()
}
