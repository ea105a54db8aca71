//! A running network: its server, and what tests and demos do to it.

use std::{io, time::Duration};

use have_a_hug::clock::Clock;

use crate::{
    backend::{Backend, Facts, Message, Post},
    control::control,
    fault::Fault,
    person::Person,
    server::{Seen, Server},
};

/// A running stand-in. Clones share one server, which stops when the last clone is dropped.
pub struct StandIn<B: ?Sized> {
    facts: &'static Facts,
    server: Server<B>,
}

impl<B: ?Sized> Clone for StandIn<B> {
    fn clone(&self) -> Self {
        Self {
            facts: self.facts,
            server: self.server.clone(),
        }
    }
}

impl<B: Backend> StandIn<B> {
    /// Starts it, with nobody on it, at a free port of this computer.
    ///
    /// # Errors
    ///
    /// If no port can be opened.
    pub async fn start(clock: Clock) -> io::Result<Self> {
        Ok(Self {
            facts: B::facts(),
            server: Server::start(|url| B::new(url, clock), control).await?,
        })
    }

    /// Adds a creator's account. [`StandIn::follow`] and most other methods are about the one that
    /// was added first.
    pub fn add_account(&self, account: B::Account) {
        self.with(|backend| backend.add_account(account));
    }

    /// The same server, as one of several networks.
    pub(crate) fn into_dyn(self) -> StandIn<dyn Backend> {
        StandIn {
            facts: self.facts,
            server: self.server.map(|inner| inner),
        }
    }
}

impl<B: Backend + ?Sized> StandIn<B> {
    /// The address to use in place of the network's own.
    pub fn url(&self) -> &str {
        self.server.url()
    }

    /// The network's facts.
    pub fn facts(&self) -> &'static Facts {
        self.facts
    }

    /// `person` follows the first account, as its newest follower.
    pub fn follow(&self, person: Person) {
        self.with(|backend| backend.follow(person));
    }

    /// The follower with that handle leaves the first account.
    pub fn unfollow(&self, handle: &str) {
        self.with(|backend| backend.unfollow(handle));
    }

    /// The account with that handle is suspended or deactivated: still counted, no longer listed.
    pub fn hide(&self, handle: &str) {
        self.with(|backend| backend.hide(handle));
    }

    /// How many follow the first account, as the network counts them.
    pub fn follower_count(&self) -> u64 {
        self.with(|backend| backend.follower_count())
    }

    /// The posts that accounts made, oldest first.
    pub fn posts(&self) -> Vec<Post> {
        self.with(|backend| backend.posts())
    }

    /// The private messages that accounts sent, oldest first.
    pub fn messages(&self) -> Vec<Message> {
        self.with(|backend| backend.messages())
    }

    /// Someone, who need not be a follower, replies to a post. A reply to a private status is private
    /// and mentions the creator. Returns the network's id for the reply.
    pub fn answer(&self, from_handle: &str, text: &str, to_post_id: &str) -> String {
        self.with(|backend| backend.add_answer(from_handle, text, to_post_id))
    }

    /// Someone, who need not be a follower, quotes a post. Returns the network's id for the quote.
    pub fn quote(&self, from_handle: &str, text: &str, post_id: &str) -> String {
        self.with(|backend| backend.add_quote(from_handle, text, post_id))
    }

    /// Anyone's post is deleted by its author.
    pub fn delete_post(&self, id: &str) {
        self.with(|backend| backend.delete_post(id));
    }

    /// The author of a post changes its text. Returns its id, which is a new one on X.
    pub fn edit_post(&self, id: &str, new_text: &str) -> String {
        self.with(|backend| backend.edit_post(id, new_text))
    }

    /// The next request whose `METHOD /path?query` contains `route` gets that fault. Several faults
    /// for one route are used in the order in which they were added.
    pub fn fail_next(&self, route: &str, fault: Fault) {
        self.server.fail_next(route, fault);
    }

    /// Every answer from now on is held back this long, as if the server were far away.
    pub fn slow_down(&self, delay: Duration) {
        self.server.slow_down(delay);
    }

    /// Every request so far, except those to `/stand-in/`.
    pub fn requests(&self) -> Vec<Seen> {
        self.server.requests()
    }

    /// Forgets the requests so far.
    pub fn clear_requests(&self) {
        self.server.clear_requests();
    }

    /// Uses the network, which answers no request meanwhile.
    pub(crate) fn with<R>(&self, f: impl FnOnce(&mut B) -> R) -> R {
        self.server.with(f)
    }
}
