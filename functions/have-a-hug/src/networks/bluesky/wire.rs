//! Bluesky's JSON.

use jiff::Timestamp;
use promise::{
    follower::Follower,
    letter::{Letter, Receipt},
};
use secrecy::SecretString;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::{
    http::Response,
    network::{
        Cursor, IfReadable, LOOKBACK, Profile, machine_made, text_if_plain, time_if_readable,
    },
    secret::is_allowed_server,
};

/// Labels of automation or abuse. Most other labels are a matter of taste, or chosen by the account itself.
const BOT_LABELS: [&str; 4] = ["bot", "spam", "!hide", "!takedown"];

/// A DID: the lexicon allows 2048 characters; those in use have 32 to 260.
pub(super) fn did<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    machine_made(from, "the DID", 512, |did| {
        let mut parts = did.splitn(3, ':');
        let named = parts.next() == Some("did") && parts.all(|part| !part.is_empty());
        named && did.matches(':').count() >= 2 && !did.contains(['/', '?', '#'])
    })
}

pub(super) fn uri<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    machine_made(from, "the URI", 1_024, |uri| uri.starts_with("at://"))
}

pub(super) fn id<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    machine_made(from, "the id", 512, |_| true)
}

fn token<'de, D: Deserializer<'de>>(from: D) -> Result<SecretString, D::Error> {
    machine_made(from, "the token", 8_192, |_| true).map(SecretString::from)
}

/// The error that a response names; empty for a success and where it names none.
pub(super) fn xrpc_error(response: &Response) -> String {
    if response.status.is_success() {
        return String::new();
    }
    let error = response.json::<XrpcError>();
    error.map(|error| error.error).unwrap_or_default()
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct XrpcError {
    pub error: String,
    pub message: String,
}

impl XrpcError {
    /// Whether the error says that nobody has the handle or id that was asked for.
    pub(super) fn is_about_nobody(&self) -> bool {
        match self.error.as_str() {
            "AccountDeactivated" | "AccountTakedown" => true,
            "InvalidRequest" => self.message.contains("not found"),
            _ => false,
        }
    }

    /// Whether the network refuses this letter, but may accept other letters of the account: the recipient accepts
    /// no messages from it, or the words are too long.
    pub(super) fn is_about_the_letter(&self) -> bool {
        match self.error.as_str() {
            "MessagesDisabled" | "NotFollowedBySender" | "BlockedActor" | "RecipientNotFound" => {
                true
            }
            // Older services have no error names for these cases, so the messages are compared.
            "InvalidRequest" => [
                "recipient requires incoming messages",
                "recipient has disabled incoming messages",
                "recipient does not exist",
                "text must not be longer than",
            ]
            .iter()
            .any(|words| self.message.contains(words)),
            _ => false,
        }
    }
}

#[derive(Deserialize)]
pub(super) struct Reference {
    #[serde(deserialize_with = "uri")]
    uri: String,
    #[serde(default, deserialize_with = "text_if_plain")]
    cid: Option<String>,
}

impl From<Reference> for Receipt {
    fn from(post: Reference) -> Self {
        Self {
            url: page(&post.uri),
            reply_key: post.cid,
            reference: post.uri,
        }
    }
}

/// The page of a post at bsky.app: it is under the author's DID and the key of the record.
pub(super) fn page(uri: &str) -> Option<String> {
    let parts: Vec<&str> = uri.split('/').collect();
    match parts.as_slice() {
        ["at:", "", did, _, key] => Some(format!("https://bsky.app/profile/{did}/post/{key}")),
        _ => None,
    }
}

/// The answer to a request for the counts of several accounts. One that cannot be read makes no other unreadable.
#[derive(Deserialize)]
pub(super) struct Counted {
    profiles: Vec<IfReadable<Account>>,
}

/// An account with its count.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Account {
    #[serde(deserialize_with = "did")]
    did: String,
    handle: String,
    display_name: Option<String>,
    followers_count: Option<u64>,
}

impl Counted {
    pub(super) fn profiles(self) -> impl Iterator<Item = Profile> {
        let accounts = self.profiles.into_iter();
        accounts.filter_map(|IfReadable(account)| {
            let account = account?;
            let name = account.display_name.filter(|name| !name.is_empty());
            Some(Profile {
                followers: account.followers_count?,
                name: name.unwrap_or(account.handle),
                id: account.did.into(),
            })
        })
    }
}

#[derive(Deserialize)]
pub(super) struct Followers {
    pub followers: Vec<ProfileView>,
    pub cursor: Option<Cursor>,
}

#[derive(Deserialize)]
pub(super) struct Profiles {
    pub profiles: Vec<ProfileView>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ProfileView {
    #[serde(deserialize_with = "did")]
    pub did: String,
    pub handle: String,
    pub display_name: Option<String>,
    description: Option<String>,
    avatar: Option<String>,
    /// When the account was made; the response does not say when it followed.
    #[serde(default, deserialize_with = "time_if_readable")]
    created_at: Option<Timestamp>,
    pub followers_count: Option<u64>,
    follows_count: Option<u64>,
    posts_count: Option<u64>,
    #[serde(default)]
    labels: Vec<Label>,
}

#[derive(Deserialize)]
pub(super) struct Label {
    pub val: String,
}

impl ProfileView {
    pub(super) fn into_follower(self) -> Follower {
        Follower {
            marked_as_bot: self
                .labels
                .iter()
                .any(|label| BOT_LABELS.contains(&label.val.as_str())),
            has_picture: Some(self.avatar.is_some()),
            posts: self.posts_count,
            followers: self.followers_count,
            following: self.follows_count,
            created_at: self.created_at,
            id: self.did.into(),
            handle: self.handle,
            name: self.display_name.filter(|name| !name.is_empty()),
            bio: self.description,
            ..Follower::default()
        }
    }
}

#[derive(Deserialize)]
pub(super) struct Notifications {
    pub notifications: Vec<Notification>,
    pub cursor: Option<Cursor>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Notification {
    pub reason: String,
    pub author: ProfileView,
    /// When the network saw it.
    pub indexed_at: Timestamp,
}

#[derive(Deserialize)]
pub(super) struct Conversation {
    pub convo: ConversationId,
}

#[derive(Deserialize)]
pub(super) struct ConversationId {
    #[serde(deserialize_with = "id")]
    pub id: String,
}

#[derive(Deserialize)]
pub(super) struct Messages {
    pub messages: Vec<Message>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Message {
    #[serde(deserialize_with = "id")]
    pub id: String,
    /// Absent in a message that was deleted.
    #[serde(default)]
    text: String,
    sent_at: Option<Timestamp>,
    sender: Option<Sender>,
}

#[derive(Deserialize)]
struct Sender {
    did: String,
}

impl Message {
    pub(super) fn is(&self, letter: &Letter<'_>) -> bool {
        let ours = self
            .sender
            .as_ref()
            .is_some_and(|sender| *letter.from == *sender.did.as_str());
        let in_time = self
            .sent_at
            .is_none_or(|sent| sent >= letter.prepared_at - LOOKBACK);
        ours && in_time && self.text == letter.text
    }
}

/// The tokens of a login.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Tokens {
    #[serde(deserialize_with = "token")]
    pub access_jwt: SecretString,
    #[serde(deserialize_with = "token")]
    pub refresh_jwt: SecretString,
    #[serde(deserialize_with = "did")]
    pub did: String,
    did_doc: Option<DidDoc>,
}

#[derive(Deserialize)]
struct DidDoc {
    #[serde(default)]
    service: Vec<Service>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Service {
    id: String,
    service_endpoint: Value,
}

impl Tokens {
    /// The PDS that the account lives on. The document is trusted no further than the settings: a login
    /// at a server on the internet does not lead to this machine's own ports.
    pub(super) fn pds(&self, server: &str) -> String {
        let services = self.did_doc.iter().flat_map(|doc| &doc.service);
        services
            .filter(|service| service.id.ends_with("#atproto_pds"))
            .find_map(|service| service.service_endpoint.as_str())
            .map(|pds| pds.trim_end_matches('/'))
            .filter(|pds| {
                is_allowed_server(pds)
                    && (pds.starts_with("https://") || server.starts_with("http://"))
            })
            .unwrap_or(server)
            .to_owned()
    }
}
