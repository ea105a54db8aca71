//! What the stand-in for X knows: users, who follows whom, posts and messages.

use std::collections::{HashMap, HashSet};

use have_a_hug::clock::Clock;

use super::account::Keys;
use crate::{
    backend::{Message, Post},
    person::Person,
    window::Window,
};

pub(super) struct User {
    pub(super) person: Person,
    pub(super) protected: bool,
}

pub(super) struct Follow {
    pub(super) serial: u64,
    pub(super) follower: String,
}

pub(super) struct Posted {
    pub(super) number: u64,
    /// Its text is as it was sent.
    pub(super) post: Post,
    /// What X puts before the text of a reply: `@amber `, or nothing.
    pub(super) implicit: String,
    /// The id of the first post of the thread.
    pub(super) conversation: String,
    /// Whose post it replies to.
    pub(super) replies_to_user: Option<String>,
    /// The id of the post that it quotes.
    pub(super) quotes: Option<String>,
    /// The ids that it has had, oldest first.
    pub(super) versions: Vec<String>,
}

pub(super) struct Sent {
    pub(super) number: u64,
    pub(super) message: Message,
}

/// A token that an app asked for, which a person has to approve.
pub(super) struct Request {
    pub(super) token: String,
    pub(super) secret: String,
    /// Who approved it, and the PIN that the page showed.
    pub(super) approved: Option<(String, String)>,
}

/// Everything that the stand-in for X knows.
pub struct State {
    pub(super) clock: Clock,
    pub(super) users: HashMap<String, User>,
    pub(super) handles: HashMap<String, String>,
    pub(super) accounts: Vec<String>,
    pub(super) keys: Vec<(String, Keys)>,
    /// The tokens that apps asked for, and have not exchanged yet.
    pub(super) requests: Vec<Request>,
    /// The id of who is logged in where an app is approved; `None` for the first account.
    pub(super) logged_in: Option<String>,
    pub(super) follows: HashMap<String, Vec<Follow>>,
    pub(super) posts: Vec<Posted>,
    pub(super) messages: Vec<Sent>,
    pub(super) windows: HashMap<(&'static str, String), Window>,
    pub(super) limits: Vec<(String, u32)>,
    pub(super) access_level: Option<String>,
    pub(super) rule_breaks: Vec<String>,
    /// Which account has replied to which post.
    pub(super) replied: HashSet<(String, String)>,
    /// Whether the mention that X puts before a plain reply lets the account reply to it.
    pub(super) implicit_mentions_summon: bool,
    /// Whether fields have the names of 2026-08-07 (`referenced_posts`).
    pub(super) new_names: bool,
    pub(super) last_number: u64,
}

impl State {
    pub(super) fn empty(clock: Clock) -> Self {
        Self {
            clock,
            users: HashMap::new(),
            handles: HashMap::new(),
            accounts: Vec::new(),
            keys: Vec::new(),
            requests: Vec::new(),
            logged_in: None,
            follows: HashMap::new(),
            posts: Vec::new(),
            messages: Vec::new(),
            windows: HashMap::new(),
            limits: Vec::new(),
            access_level: Some("read-write-directmessages".to_owned()),
            rule_breaks: Vec::new(),
            replied: HashSet::new(),
            implicit_mentions_summon: false,
            new_names: false,
            last_number: 0,
        }
    }

    /// A new id, made as X makes them: it grows with time, and no two are equal.
    pub(super) fn next_id(&mut self) -> u64 {
        const EPOCH_MILLIS: i64 = 1_288_834_974_657;
        let since = self.clock.now().as_millisecond() - EPOCH_MILLIS;
        let by_time = u64::try_from(since).unwrap_or_default() << 22;
        self.last_number = by_time.max(self.last_number + 1);
        self.last_number
    }

    pub(super) fn add_user(&mut self, person: Person, protected: bool) {
        self.handles
            .insert(person.handle.to_lowercase(), person.id.clone());
        self.users
            .insert(person.id.clone(), User { person, protected });
    }

    pub(super) fn first_account(&self) -> String {
        self.accounts.first().cloned().unwrap_or_default()
    }

    pub(super) fn id_of(&self, handle: &str) -> Option<String> {
        self.handles.get(&handle.to_lowercase()).cloned()
    }

    pub(super) fn change(&mut self, handle: &str, change: impl FnOnce(&mut User)) {
        if let Some(user) = self.id_of(handle).and_then(|id| self.users.get_mut(&id)) {
            change(user);
        }
    }

    pub(super) fn rename(&mut self, old: &str, new: &str) {
        if let Some(id) = self.handles.remove(&old.to_lowercase()) {
            self.handles.insert(new.to_lowercase(), id);
            self.change(new, |user| user.person.handle = new.to_owned());
        }
    }

    /// Adds `person` as the account's newest follower.
    pub(super) fn add_follower(&mut self, account: &str, person: Person) {
        let follow = Follow {
            serial: self.next_id(),
            follower: person.id.clone(),
        };
        self.add_user(person, false);
        let follows = self.follows.entry(account.to_owned()).or_default();
        follows.retain(|earlier| earlier.follower != follow.follower);
        follows.push(follow);
    }

    pub(super) fn count_of(&self, account: &str) -> u64 {
        self.follows
            .get(account)
            .map_or(0, |follows| follows.len() as u64)
    }

    pub(super) fn handle_of(&self, id: &str) -> String {
        self.users
            .get(id)
            .map(|user| user.person.handle.clone())
            .unwrap_or_default()
    }

    pub(super) fn add_message(&mut self, from: String, to: String, text: String) -> String {
        let number = self.next_id();
        let id = number.to_string();
        let message = Message {
            id: id.clone(),
            from,
            to,
            text,
            at: self.clock.now(),
            reply_to: None,
        };
        self.messages.push(Sent { number, message });
        id
    }

    /// Records that an account broke one of X's rules for automation.
    pub(super) fn add_rule_break(&mut self, what: String) {
        tracing::warn!("against X's rules for automation: {what}");
        self.rule_breaks.push(what);
    }
}
