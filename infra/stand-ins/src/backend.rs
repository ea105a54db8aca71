//! What one network adds to the server that all stand-ins share.

use have_a_hug::clock::Clock;
use jiff::Timestamp;
use serde::Serialize;

use crate::{person::Person, service::Service};

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
    /// The id of the post that it replies to.
    pub reply_to: Option<String>,
    /// Where its card leads, on a network whose posts carry one (Bluesky).
    pub link: Option<String>,
    /// Who may see it, on a network whose posts say so (Mastodon): `public`, `unlisted` or `private`.
    pub visibility: Option<String>,
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
    /// The id of the post that it replies to; only on Mastodon, where a message is a post.
    pub reply_to: Option<String>,
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
pub trait Backend: Service {
    /// An account that belongs to a creator, not to a follower.
    type Account
    where
        Self: Sized;

    /// An empty network that is served at `url`.
    fn new(url: &str, clock: Clock) -> Self
    where
        Self: Sized;

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

    /// The id of the creator's newest post (on Mastodon also of a private one); `None` if there is none.
    fn newest_post(&self) -> Option<String>;

    /// Someone replies to a post; a stranger if nobody has that handle. Returns the id of the reply.
    fn add_answer(&mut self, from_handle: &str, text: &str, to_post_id: &str) -> String;

    /// Someone quotes a post; a stranger if nobody has that handle. Returns the id of the quote.
    fn add_quote(&mut self, from_handle: &str, text: &str, post_id: &str) -> String;

    /// Deletes anyone's post; `false` if there is none with that id.
    fn delete_post(&mut self, id: &str) -> bool;

    /// Changes the text of anyone's post. Returns its id, which is a new one on X.
    fn edit_post(&mut self, id: &str, new_text: &str) -> String;

    /// The network's facts.
    fn facts() -> &'static Facts
    where
        Self: Sized;

    /// The sandbox's creator, Amber Lane.
    fn amber() -> Self::Account
    where
        Self: Sized;
}
