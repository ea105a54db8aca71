//! What one network adds to the server that all stand-ins share.

use have_a_hug::clock::Clock;
use jiff::Timestamp;
use serde::Serialize;

use crate::{
    call::{Answer, Call},
    person::Person,
};

/// A post that an account made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Post {
    /// The network's id: a number on X and Mastodon, an `at://` URI on Bluesky.
    pub id: String,
    /// The author's stable id.
    pub author: String,
    /// The text as it was sent.
    pub text: String,
    /// When it arrived.
    pub at: Timestamp,
}

/// A private message that an account sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Message {
    /// The network's id.
    pub id: String,
    /// The sender's stable id.
    pub from: String,
    /// The recipient's stable id. On Mastodon it is empty if the text mentions nobody, and has
    /// several ids with commas between them if it mentions several people.
    pub to: String,
    /// The text as it was sent.
    pub text: String,
    /// When it arrived.
    pub at: Timestamp,
}

/// What is true of one network, and known without asking it.
pub struct Facts {
    /// What people call it: `Bluesky`.
    pub title: &'static str,
    /// What hug.toml calls it: `bluesky`.
    pub name: &'static str,
    /// The part of the path by which a request to post is recognised, for
    /// [`StandIn::fail_next`](crate::StandIn::fail_next).
    pub post_route: &'static str,
    /// The lines below `[[account]]` in hug.toml for Amber's account on a stand-in at that address.
    pub settings: fn(url: &str) -> String,
    /// The secrets of Amber's account, by the names of their environment variables.
    pub secrets: fn() -> Vec<(&'static str, String)>,
    /// The handle that a person has there.
    pub handle_of: fn(&Person) -> String,
}

/// One network: its accounts, its followers, and its answers.
///
/// "The creator" below is the account that was added first.
pub trait Backend: Send + 'static {
    /// An account that belongs to a creator, not to a follower.
    type Account
    where
        Self: Sized;

    /// An empty network that is served at `url`.
    fn new(url: &str, clock: Clock) -> Self
    where
        Self: Sized;

    /// The time by the network's clock.
    fn now(&self) -> Timestamp;

    /// Does what a request asks, and answers it.
    fn answer(&mut self, call: &Call) -> Answer;

    /// A refusal with that status, in the network's words.
    fn failure(&self, status: u16) -> Answer;

    /// A refusal because of a rate limit that ends in `for_seconds` seconds.
    fn rate_limited(&self, for_seconds: i64) -> Answer;

    /// Adds an account.
    fn add_account(&mut self, account: Self::Account)
    where
        Self: Sized;

    /// Whether someone has this person's id or handle.
    fn has(&self, person: &Person) -> bool;

    /// `person` follows the creator, as the newest follower.
    fn follow(&mut self, person: Person);

    /// The follower with that handle leaves the creator; `false` if there is none.
    fn unfollow(&mut self, handle: &str) -> bool;

    /// The account with that handle is suspended or deactivated: counted, but not listed.
    fn hide(&mut self, handle: &str);

    /// How many follow the creator, as the network counts them.
    fn follower_count(&self) -> u64;

    /// The posts that accounts made, oldest first.
    fn posts(&self) -> Vec<Post>;

    /// The private messages that accounts sent, oldest first.
    fn messages(&self) -> Vec<Message>;

    /// The network's facts.
    fn facts() -> &'static Facts
    where
        Self: Sized;

    /// The sandbox's creator, Amber Lane.
    fn amber() -> Self::Account
    where
        Self: Sized;
}
