//! What the stand-in for Mastodon knows: actors, follows, statuses, notifications, tokens.

use std::collections::HashMap;

use have_a_hug::clock::Clock;
use jiff::Timestamp;

use crate::{person::Person, window::Window};

/// The server's own domain, which follows the second `@` of its handles.
pub(super) const DOMAIN: &str = "mastodon.example";

/// What the server says about someone, apart from their profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// The account is a group, which passes on what others write.
    Group,
    /// The server's moderators have limited the account.
    Limited,
    /// The server's moderators have suspended the account.
    Suspended,
    /// The person has another account now.
    Moved,
    /// The person has died.
    Memorial,
}

/// Which of the instance documents says how long a status may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instance {
    /// Both versions, as in Mastodon since version 4.
    V2,
    /// Only version 1, as in Mastodon before 4.
    V1,
    /// Only version 1, in the field of some forks.
    Fork,
    /// None.
    Silent,
}

/// Someone on this server or another: a creator, a follower or a stranger.
pub(super) struct Actor {
    pub(super) person: Person,
    pub(super) marks: Vec<Mark>,
    pub(super) hides_collections: bool,
}

impl Actor {
    pub(super) fn is(&self, mark: Mark) -> bool {
        self.marks.contains(&mark)
    }

    pub(super) fn username(&self) -> &str {
        let handle = &self.person.handle;
        handle.split('@').next().unwrap_or(handle)
    }

    /// The actor's server; `None` for this one.
    pub(super) fn server(&self) -> Option<&str> {
        self.person.handle.split_once('@').map(|(_, server)| server)
    }
}

pub(super) struct Follow {
    pub(super) number: u64,
    pub(super) follower: String,
}

pub(super) struct Token {
    pub(super) account: String,
    pub(super) scopes: Vec<String>,
}

/// An app that was made by a request.
pub(super) struct App {
    pub(super) client_id: String,
    pub(super) client_secret: String,
    pub(super) redirect_uri: String,
    pub(super) scopes: Vec<String>,
}

/// A code that the page showed after an approval.
pub(super) struct Grant {
    pub(super) code: String,
    pub(super) client_id: String,
    pub(super) redirect_uri: String,
    pub(super) account: String,
    pub(super) scopes: Vec<String>,
    pub(super) at: Timestamp,
}

pub(super) struct Status {
    pub(super) number: u64,
    pub(super) author: String,
    pub(super) text: String,
    pub(super) visibility: String,
    /// The ids of the actors whom it mentions.
    pub(super) mentions: Vec<String>,
    pub(super) reply_to: Option<String>,
    /// Whose status it replies to, as Mastodon says it: a reply to oneself says whom the first of these
    /// replies was to.
    pub(super) reply_to_account: Option<String>,
    /// The id of the status that it quotes.
    pub(super) quotes: Option<String>,
    /// Whether it is hidden behind a warning, and the words of the warning.
    pub(super) sensitive: bool,
    pub(super) spoiler_text: String,
    pub(super) at: Timestamp,
    pub(super) edited_at: Option<Timestamp>,
}

pub(super) struct Notification {
    pub(super) number: u64,
    pub(super) kind: &'static str,
    pub(super) account: String,
    pub(super) from: String,
    pub(super) status: Option<String>,
    pub(super) at: Timestamp,
}

/// Everything that the stand-in for Mastodon knows.
pub struct State {
    pub(super) url: String,
    pub(super) clock: Clock,
    pub(super) actors: HashMap<String, Actor>,
    pub(super) accounts: Vec<String>,
    pub(super) tokens: HashMap<String, Token>,
    pub(super) apps: Vec<App>,
    /// The codes that were shown, and not exchanged yet.
    pub(super) grants: Vec<Grant>,
    /// How many apps were made lately.
    pub(super) new_apps: Window,
    /// The id of who is logged in where an app is approved; `None` for the first account.
    pub(super) logged_in: Option<String>,
    /// Who follows the first account, oldest first.
    pub(super) follows: Vec<Follow>,
    pub(super) statuses: Vec<Status>,
    pub(super) notifications: Vec<Notification>,
    /// Idempotency keys. By account and key: the id of the status, and when it was made.
    pub(super) keys: HashMap<(String, String), (String, Timestamp)>,
    /// By token.
    pub(super) requests: HashMap<String, Window>,
    /// The longest status, in characters.
    pub(super) max_characters: usize,
    pub(super) instance: Instance,
    /// The origin of the URLs in `Link` headers.
    pub(super) link_origin: String,
    pub(super) hides_counts: bool,
    pub(super) serial: u64,
}

impl State {
    pub(super) fn empty(url: &str, clock: Clock) -> Self {
        Self {
            url: url.to_owned(),
            clock,
            actors: HashMap::new(),
            accounts: Vec::new(),
            tokens: HashMap::new(),
            apps: Vec::new(),
            grants: Vec::new(),
            new_apps: Window::default(),
            logged_in: None,
            follows: Vec::new(),
            statuses: Vec::new(),
            notifications: Vec::new(),
            keys: HashMap::new(),
            requests: HashMap::new(),
            max_characters: 500,
            instance: Instance::V2,
            link_origin: url.to_owned(),
            hides_counts: false,
            serial: 0,
        }
    }

    pub(super) fn next_serial(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }

    pub(super) fn add_actor(&mut self, person: Person) -> String {
        let id = person.id.clone();
        let actor = Actor {
            person,
            marks: Vec::new(),
            hides_collections: false,
        };
        self.actors.insert(id.clone(), actor);
        id
    }

    pub(super) fn first_account(&self) -> String {
        self.accounts.first().cloned().unwrap_or_default()
    }

    pub(super) fn id_of(&self, handle: &str) -> Option<String> {
        let handle = handle.trim_start_matches('@').to_lowercase();
        let here = format!("@{DOMAIN}");
        let handle = handle.strip_suffix(&here).unwrap_or(&handle);
        self.actors
            .iter()
            .find(|(_, actor)| actor.person.handle.to_lowercase() == handle)
            .map(|(id, _)| id.clone())
    }

    pub(super) fn change(&mut self, handle: &str, change: impl FnOnce(&mut Actor)) {
        if let Some(actor) = self.id_of(handle).and_then(|id| self.actors.get_mut(&id)) {
            change(actor);
        }
    }

    pub(super) fn add_follower(&mut self, person: Person) {
        let number = self.next_serial();
        let follower = self.add_actor(person);
        self.remove_follower(&follower);
        self.follows.push(Follow {
            number,
            follower: follower.clone(),
        });
        self.notify("follow", follower, None);
    }

    /// Removes a follow and its notification; `false` if there is none.
    pub(super) fn remove_follower(&mut self, follower: &str) -> bool {
        let before = self.follows.len();
        self.follows.retain(|follow| follow.follower != follower);
        self.notifications
            .retain(|one| one.kind != "follow" || one.from != follower);
        self.follows.len() < before
    }

    pub(super) fn notify(&mut self, kind: &'static str, from: String, status: Option<String>) {
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

    /// The statuses that the accounts made.
    pub(super) fn by_accounts(&self) -> impl Iterator<Item = &Status> {
        let ours = |status: &&Status| self.accounts.contains(&status.author);
        self.statuses.iter().filter(ours)
    }
}
