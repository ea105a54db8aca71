//! What the stand-in for X knows: users, who follows whom, posts and messages.

use std::collections::HashMap;

use have_a_hug::clock::Clock;

use super::{account::Keys, text::mentions};
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
    pub(super) post: Post,
    pub(super) reply_to: Option<String>,
}

pub(super) struct Sent {
    pub(super) number: u64,
    pub(super) message: Message,
}

/// Everything that the stand-in for X knows.
pub struct State {
    pub(super) clock: Clock,
    pub(super) users: HashMap<String, User>,
    pub(super) handles: HashMap<String, String>,
    pub(super) accounts: Vec<String>,
    pub(super) keys: Vec<(String, Keys)>,
    pub(super) follows: HashMap<String, Vec<Follow>>,
    pub(super) posts: Vec<Posted>,
    pub(super) messages: Vec<Sent>,
    pub(super) windows: HashMap<(&'static str, String), Window>,
    pub(super) limits: Vec<(String, u32)>,
    pub(super) access_level: Option<String>,
    pub(super) rule_breaks: Vec<String>,
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
            follows: HashMap::new(),
            posts: Vec::new(),
            messages: Vec::new(),
            windows: HashMap::new(),
            limits: Vec::new(),
            access_level: Some("read-write-directmessages".to_owned()),
            rule_breaks: Vec::new(),
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

    pub(super) fn add_mention(
        &mut self,
        text: &str,
        from: &str,
        reply_to: Option<String>,
    ) -> String {
        let account = self.first_account();
        let handle = self.handle_of(&account);
        let text = if reply_to.is_some() || mentions(text, &handle) {
            text.to_owned()
        } else {
            format!("@{handle} {text}")
        };
        let author = self.id_of(from).unwrap_or_else(|| self.add_stranger(from));
        self.add_post(author, text, reply_to)
    }

    pub(super) fn receive_message(&mut self, text: &str, from: &str) {
        let sender = self.id_of(from).unwrap_or_else(|| self.add_stranger(from));
        let account = self.first_account();
        self.add_message(sender, account, text.to_owned());
    }

    pub(super) fn add_stranger(&mut self, handle: &str) -> String {
        let mut person = Person::fan(0, self.clock.now());
        person.id = self.next_id().to_string();
        person.handle = handle.to_owned();
        let id = person.id.clone();
        self.add_user(person, false);
        id
    }

    pub(super) fn handle_of(&self, id: &str) -> String {
        self.users
            .get(id)
            .map(|user| user.person.handle.clone())
            .unwrap_or_default()
    }

    pub(super) fn add_post(
        &mut self,
        author: String,
        text: String,
        reply_to: Option<String>,
    ) -> String {
        let number = self.next_id();
        let id = number.to_string();
        let post = Post {
            id: id.clone(),
            author,
            text,
            at: self.clock.now(),
        };
        self.posts.push(Posted {
            number,
            post,
            reply_to,
        });
        id
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
        };
        self.messages.push(Sent { number, message });
        id
    }

    pub(super) fn post(&self, id: &str) -> Option<&Posted> {
        self.posts.iter().find(|posted| posted.post.id == id)
    }

    /// Whether `post` mentions `account`, or replies to one of its posts.
    pub(super) fn addresses(&self, post: &Posted, account: &str) -> bool {
        let replies = post
            .reply_to
            .as_deref()
            .and_then(|id| self.post(id))
            .is_some_and(|parent| parent.post.author == account);
        post.post.author != account
            && (replies || mentions(&post.post.text, &self.handle_of(account)))
    }

    pub(super) fn has_addressed(&self, person: &str, account: &str) -> bool {
        self.posts
            .iter()
            .any(|posted| posted.post.author == person && self.addresses(posted, account))
    }

    /// Records that an account broke one of X's rules for automation.
    pub(super) fn add_rule_break(&mut self, what: String) {
        tracing::warn!("against X's rules for automation: {what}");
        self.rule_breaks.push(what);
    }
}
