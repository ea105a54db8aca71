//! A stand-in for a Mastodon server: the one that the creators' accounts live on.
//!
//! - This file: who is on it and what they do, for tests and demos to set up and look at.
//! - `mastodon/api.rs`: what it answers. `mastodon/status.rs`: what becomes of the words of a status.
//!
//! People follow from here and from elsewhere: whoever's handle has a server in it
//! (`cleo@other.example`) is from there. Lists are ordered by when someone followed, and their pages
//! by the numbers of the follows, which no answer tells: only the `Link` header leads on.

mod api;
mod status;

use std::{collections::HashMap, io, net::SocketAddr};

use have_a_hug::clock::Clock;
use jiff::{SignedDuration, Timestamp};

use super::{Message, Person, Post, StandIn, Window, loopback};
use status::Status;

/// What stands behind the `@` of the handles of this server.
pub const DOMAIN: &str = "mastodon.example";

/// How long the key of a status is remembered.
const KEY_REMEMBERED: SignedDuration = SignedDuration::from_hours(1);

/// A creator's account.
#[derive(Clone, PartialEq, Eq)]
pub struct Account {
    /// The server's number for it.
    pub id: String,
    /// The handle on this server, without it.
    pub handle: String,
    /// The display name.
    pub name: String,
    /// An access token with every scope that is needed.
    pub access_token: String,
}

impl Account {
    /// The sandbox's account: Amber Lane, who makes the promise.
    pub fn amber() -> Self {
        Self {
            id: "109876".to_owned(),
            handle: "amber".to_owned(),
            name: "Amber Lane".to_owned(),
            access_token: "sandbox-mastodon-token".to_owned(),
        }
    }
}

/// What the server says of someone, besides what they say of themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// It passes on what others write.
    Group,
    /// The server's moderators have limited it.
    Limited,
    /// They have suspended it.
    Suspended,
    /// The person has another account now.
    Moved,
    /// The person has died.
    Memorial,
}

/// Which documents tell how long a status may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instance {
    /// As Mastodon has it since version 4.
    V2,
    /// Only the first version of it, as before.
    V1,
    /// Only the first version, in a fork's own field.
    Fork,
    /// None that tells.
    Silent,
}

/// A running stand-in for a Mastodon server. Clones are the same server; with the last one it ends.
pub type Mastodon = StandIn<State>;

impl Mastodon {
    /// Starts it on a free port of this machine.
    ///
    /// # Errors
    /// If no port can be opened.
    pub async fn start(clock: Clock) -> io::Result<Self> {
        Self::start_at(loopback(), clock).await
    }

    /// Starts it on the given address.
    ///
    /// # Errors
    /// If the address is taken.
    pub async fn start_at(addr: SocketAddr, clock: Clock) -> io::Result<Self> {
        StandIn::serve(addr, |url| State::new(url, clock)).await
    }

    /// Adds an account; the first one is the one that [`Mastodon::follow`] and its like are about.
    pub fn add_account(&self, account: Account) {
        self.with(|state| state.add_account(account));
    }

    /// `person` follows the first account from now on, as its newest follower.
    pub fn follow(&self, person: Person) {
        self.with(|state| state.follow(person));
    }

    /// The follower with that handle leaves the first account.
    pub fn unfollow(&self, handle: &str) {
        self.with(|state| state.unfollow(handle));
    }

    /// Whoever has that handle is no longer listed, though still counted.
    pub fn hide(&self, handle: &str) {
        self.with(|state| state.change(handle, |actor| actor.person.hidden = true));
    }

    /// The server says that of whoever has that handle.
    pub fn mark(&self, handle: &str, mark: Mark) {
        self.with(|state| state.change(handle, |actor| actor.marks.push(mark)));
    }

    /// Whoever has that handle shows whom they follow, and who follows them, to nobody else.
    pub fn hide_collections(&self, handle: &str) {
        self.with(|state| state.change(handle, |actor| actor.hides_collections = true));
    }

    /// The server tells no number of followers, of anyone.
    pub fn hide_counts(&self) {
        self.with(|state| state.hides_counts = true);
    }

    /// A token gets other scopes, or is one from now on. It is that of the account with that handle.
    pub fn set_token(&self, token: &str, handle: &str, scopes: &[&str]) {
        self.with(|state| {
            let account = state.id_of(handle).unwrap_or_default();
            let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
            state
                .tokens
                .insert(token.to_owned(), Token { account, scopes });
        });
    }

    /// A status may be so long, and this is where it says so.
    pub fn set_longest(&self, characters: usize, told: Instance) {
        self.with(|state| {
            state.longest = characters;
            state.instance = told;
        });
    }

    /// `Link` headers lead to that origin from now on, as behind a proxy that is set up wrongly.
    pub fn link_to(&self, origin: &str) {
        self.with(|state| state.links_to = origin.to_owned());
    }

    /// Someone (by handle) mentions the first account in a reply or else. Gives the status's id.
    pub fn add_mention(&self, text: &str, from: &str) -> String {
        self.with(|state| state.add_mention(text, from))
    }

    /// The first account clears its notifications.
    pub fn clear_notifications(&self) {
        self.with(|state| state.notifications.clear());
    }

    /// How many follow the first account, as the server counts.
    pub fn follower_count(&self) -> u64 {
        self.with(|state| state.count())
    }

    /// The statuses that accounts showed to everyone, oldest first.
    pub fn posts(&self) -> Vec<Post> {
        self.with(|state| state.posts())
    }

    /// The private mentions that accounts sent, oldest first; `to` is empty where the words
    /// mentioned nobody, and has a comma where they mentioned several.
    pub fn messages(&self) -> Vec<Message> {
        self.with(|state| state.messages())
    }
}

struct Actor {
    person: Person,
    marks: Vec<Mark>,
    hides_collections: bool,
}

impl Actor {
    fn is(&self, mark: Mark) -> bool {
        self.marks.contains(&mark)
    }

    fn username(&self) -> &str {
        let handle = &self.person.handle;
        handle.split('@').next().unwrap_or(handle)
    }

    /// The server that they are on, where that is another one.
    fn server(&self) -> Option<&str> {
        self.person.handle.split_once('@').map(|(_, server)| server)
    }
}

struct Follow {
    number: u64,
    follower: String,
}

struct Token {
    account: String,
    scopes: Vec<String>,
}

struct Notification {
    number: u64,
    kind: &'static str,
    account: String,
    from: String,
    status: Option<String>,
    at: Timestamp,
}

/// What it knows.
pub struct State {
    url: String,
    clock: Clock,
    actors: HashMap<String, Actor>,
    accounts: Vec<String>,
    tokens: HashMap<String, Token>,
    /// Who follows the first account, oldest first.
    follows: Vec<Follow>,
    statuses: Vec<Status>,
    notifications: Vec<Notification>,
    /// By account and key: the status that was made, and when.
    keys: HashMap<(String, String), (String, Timestamp)>,
    requests: HashMap<String, Window>,
    longest: usize,
    instance: Instance,
    links_to: String,
    hides_counts: bool,
    serial: u64,
}

impl State {
    fn new(url: &str, clock: Clock) -> Self {
        Self {
            url: url.to_owned(),
            clock,
            actors: HashMap::new(),
            accounts: Vec::new(),
            tokens: HashMap::new(),
            follows: Vec::new(),
            statuses: Vec::new(),
            notifications: Vec::new(),
            keys: HashMap::new(),
            requests: HashMap::new(),
            longest: 500,
            instance: Instance::V2,
            links_to: url.to_owned(),
            hides_counts: false,
            serial: 0,
        }
    }

    fn next_serial(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }

    fn add_account(&mut self, account: Account) {
        let mut person = Person::fan(0, self.clock.now());
        person.id.clone_from(&account.id);
        person.handle = account.handle;
        person.name = account.name;
        self.add_actor(person);
        let scopes = [
            "read:accounts",
            "read:statuses",
            "read:notifications",
            "write:statuses",
        ];
        let token = Token {
            account: account.id.clone(),
            scopes: scopes.map(str::to_owned).to_vec(),
        };
        self.tokens.insert(account.access_token, token);
        self.accounts.push(account.id);
    }

    fn add_actor(&mut self, person: Person) -> String {
        let id = person.id.clone();
        let actor = Actor {
            person,
            marks: Vec::new(),
            hides_collections: false,
        };
        self.actors.insert(id.clone(), actor);
        id
    }

    fn first_account(&self) -> String {
        self.accounts.first().cloned().unwrap_or_default()
    }

    fn id_of(&self, handle: &str) -> Option<String> {
        let handle = handle.trim_start_matches('@').to_lowercase();
        let here = format!("@{DOMAIN}");
        let handle = handle.strip_suffix(&here).unwrap_or(&handle);
        self.actors
            .iter()
            .find(|(_, actor)| actor.person.handle.to_lowercase() == handle)
            .map(|(id, _)| id.clone())
    }

    fn change(&mut self, handle: &str, change: impl FnOnce(&mut Actor)) {
        if let Some(actor) = self.id_of(handle).and_then(|id| self.actors.get_mut(&id)) {
            change(actor);
        }
    }

    fn follow(&mut self, person: Person) {
        let number = self.next_serial();
        let follower = self.add_actor(person);
        self.unfollow_by_id(&follower);
        self.follows.push(Follow {
            number,
            follower: follower.clone(),
        });
        self.notify("follow", follower, None);
    }

    fn unfollow(&mut self, handle: &str) -> bool {
        self.id_of(handle)
            .is_some_and(|follower| self.unfollow_by_id(&follower))
    }

    /// What told of the follow goes with it.
    fn unfollow_by_id(&mut self, follower: &str) -> bool {
        let before = self.follows.len();
        self.follows.retain(|follow| follow.follower != follower);
        self.notifications
            .retain(|one| one.kind != "follow" || one.from != follower);
        self.follows.len() < before
    }

    fn count(&self) -> u64 {
        self.follows.len() as u64
    }

    fn notify(&mut self, kind: &'static str, from: String, status: Option<String>) {
        let number = self.next_serial();
        self.notifications.push(Notification {
            number,
            kind,
            account: self.first_account(),
            from,
            status,
            at: self.clock.now(),
        });
    }

    fn add_mention(&mut self, text: &str, from: &str) -> String {
        let author = self.id_of(from).unwrap_or_else(|| {
            let mut person = Person::fan(0, self.clock.now());
            person.id = format!("77{}", self.next_serial());
            person.handle = from.to_owned();
            self.add_actor(person)
        });
        let id = self.add_status(&author, text, "direct", None);
        self.notify("mention", author, Some(id.clone()));
        id
    }

    fn add_status(
        &mut self,
        author: &str,
        text: &str,
        visibility: &str,
        reply_to: Option<String>,
    ) -> String {
        // Their numbers carry the time, as Mastodon's do: an older one is smaller.
        let number = 112_000_000_000_000_000 + self.next_serial();
        let mentions = status::mentions(text)
            .iter()
            .filter_map(|mention| self.id_of(mention.handle))
            .collect();
        self.statuses.push(Status {
            number,
            author: author.to_owned(),
            text: text.to_owned(),
            visibility: visibility.to_owned(),
            mentions,
            reply_to,
            at: self.clock.now(),
        });
        number.to_string()
    }

    fn by_accounts(&self) -> impl Iterator<Item = &Status> {
        let ours = |status: &&Status| self.accounts.contains(&status.author);
        self.statuses.iter().filter(ours)
    }

    fn posts(&self) -> Vec<Post> {
        self.by_accounts()
            .filter(|status| status.visibility != "direct")
            .map(|status| Post {
                id: status.number.to_string(),
                author: status.author.clone(),
                text: status.text.clone(),
                at: status.at,
            })
            .collect()
    }

    fn messages(&self) -> Vec<Message> {
        self.by_accounts()
            .filter(|status| status.visibility == "direct")
            .map(|status| Message {
                id: status.number.to_string(),
                from: status.author.clone(),
                to: status.mentions.join(","),
                text: status.text.clone(),
                at: status.at,
            })
            .collect()
    }
}

#[cfg(test)]
mod tests;
