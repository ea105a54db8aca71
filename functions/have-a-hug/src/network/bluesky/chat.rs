//! Private messages. They go through the PDS to the chat service.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer};
use serde_json::json;

use super::{Bluesky, session::Session};
use crate::network::{
    Failure, Letter, NetworkError,
    line::{LOOKED_BACK, json_body, with_query},
    made_by_network,
};

pub(super) const CHAT: (&str, &str) = ("atproto-proxy", "did:web:api.bsky.chat#bsky_chat");

impl Bluesky {
    pub(super) async fn send_message(
        &self,
        attempted: &'static str,
        letter: &Letter<'_>,
    ) -> Result<String, NetworkError> {
        let convo = self.conversation(attempted, letter).await?;
        let body = json!({ "convoId": convo, "message": { "text": letter.invitation.text } });
        let send = |session: &Session| {
            json_body(
                self.line
                    .http
                    .post(session.url("chat.bsky.convo.sendMessage")),
                &body,
            )
            .header(CHAT.0, CHAT.1)
        };
        let answer = self.write(attempted, letter, send).await?;
        let message: Message = self.line.parse_sent(attempted, &answer)?;
        Ok(message.id)
    }

    /// There is no key that makes a message go out only once, so the conversation is read.
    pub(super) async fn find_message(
        &self,
        attempted: &'static str,
        letter: &Letter<'_>,
    ) -> Result<Option<String>, NetworkError> {
        let convo = self.conversation(attempted, letter).await?;
        let get = |session: &Session| {
            self.line
                .http
                .get(with_query(
                    session.url("chat.bsky.convo.getMessages"),
                    &[("convoId", &convo), ("limit", "100")],
                ))
                .header(CHAT.0, CHAT.1)
        };
        let answer = self.with_session(attempted, &letter.hug.id, get).await?;
        if !answer.status.is_success() {
            return Err(self.refusal(attempted, &answer));
        }
        let messages: Messages = self.line.parse(attempted, &answer)?;
        Ok(messages
            .messages
            .into_iter()
            .find(|message| message.is(letter))
            .map(|message| message.id))
    }

    async fn conversation(
        &self,
        attempted: &'static str,
        letter: &Letter<'_>,
    ) -> Result<String, NetworkError> {
        let to = self.line.recipient(attempted, letter)?;
        let get = |session: &Session| {
            self.line
                .http
                .get(with_query(
                    session.url("chat.bsky.convo.getConvoForMembers"),
                    &[("members", &to.id)],
                ))
                .header(CHAT.0, CHAT.1)
        };
        // Nothing is written yet: whatever is lost here can be asked again.
        let answer = self
            .with_session(attempted, &letter.hug.id, get)
            .await
            .map_err(|mut error| {
                if error.failure == Failure::OutcomeUnknown {
                    error.failure = Failure::TryAgain;
                }
                error
            })?;
        if !answer.status.is_success() {
            return Err(self.refusal(attempted, &answer));
        }
        Ok(self
            .line
            .parse::<Conversation>(attempted, &answer)?
            .convo
            .id)
    }
}

fn id<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    made_by_network(from, "the id", 512, |_| true)
}

#[derive(Deserialize)]
pub(super) struct Conversation {
    convo: ConversationId,
}

#[derive(Deserialize)]
struct ConversationId {
    #[serde(deserialize_with = "id")]
    id: String,
}

#[derive(Deserialize)]
pub(super) struct Messages {
    messages: Vec<Message>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Message {
    #[serde(deserialize_with = "id")]
    id: String,
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
    fn is(&self, letter: &Letter<'_>) -> bool {
        let ours = self
            .sender
            .as_ref()
            .is_some_and(|sender| sender.did == letter.hug.id);
        let in_time = self
            .sent_at
            .is_none_or(|sent| sent >= letter.invitation.prepared_at - LOOKED_BACK);
        ours && in_time && self.text == letter.invitation.text
    }
}
