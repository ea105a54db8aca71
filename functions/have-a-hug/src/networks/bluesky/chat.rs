//! Private messages. They go through the PDS to the chat service.

use promise::{
    account::UserId,
    letter::{Letter, Receipt},
};
use reqwest::RequestBuilder;
use serde_json::json;

use super::{
    session::{Pds, Session},
    wire::{Conversation, Message, Messages, xrpc_error},
};
use crate::{
    http::{Response, with_json, with_query},
    network::{NetworkError, client::Attempt},
};

/// Sends the letter as a message.
pub(super) async fn send(
    pds: &Pds,
    attempt: Attempt<'_>,
    letter: &Letter<'_>,
) -> Result<Receipt, NetworkError> {
    let response = ask_for_conversation(pds, attempt, letter).await?;
    // This request sends no message yet, but its response says already if the recipient accepts no messages.
    if !response.status.is_success() {
        return Err(attempt.refusal_of_letter(&response));
    }
    let Conversation { convo } = attempt.parse(&response)?;
    let convo = convo.id;
    let body = json!({ "convoId": convo, "message": { "text": letter.text } });
    let send = |session: &Session| {
        let url = session.url("chat.bsky.convo.sendMessage");
        to_chat(with_json(pds.client.http.post(url), &body))
    };
    let response = pds.write(attempt, letter.from, send).await?;
    let message: Message = attempt.parse_sent(&response)?;
    Ok(receipt(message, convo))
}

fn receipt(message: Message, convo: String) -> Receipt {
    Receipt {
        reference: message.id,
        url: None,
        reply_key: Some(convo),
    }
}

/// The message that an earlier try sent. It is looked up in the conversation, because the chat service has no key
/// that stops a second sending.
pub(super) async fn find(
    pds: &Pds,
    attempt: Attempt<'_>,
    letter: &Letter<'_>,
) -> Result<Option<Receipt>, NetworkError> {
    let response = attempt.accept(ask_for_conversation(pds, attempt, letter).await?)?;
    let Conversation { convo } = attempt.parse(&response)?;
    let convo = convo.id;
    let get = |session: &Session| {
        let url = session.url("chat.bsky.convo.getMessages");
        let query = [("convoId", convo.as_str()), ("limit", "100")];
        to_chat(pds.client.http.get(with_query(url, &query)))
    };
    let response = pds.read(attempt, letter.from, get).await?;
    let Messages { messages } = attempt.parse(&response)?;
    let found = messages.into_iter().find(|message| message.is(letter));
    Ok(found.map(|message| receipt(message, convo)))
}

/// Whether the app password was made with access to messages; `None` where the answer does not say.
pub(super) async fn is_open(
    pds: &Pds,
    attempt: Attempt<'_>,
    id: &UserId,
) -> Result<Option<bool>, NetworkError> {
    let get = |session: &Session| {
        let url = session.url("chat.bsky.convo.listConvos");
        to_chat(pds.client.http.get(with_query(url, &[("limit", "1")])))
    };
    let response = pds.ask(attempt, id, get).await?;
    Ok(match xrpc_error(&response).as_str() {
        _ if response.status.is_success() => Some(true),
        // "Bad token method": the app password was made without access to messages.
        "InvalidToken" => Some(false),
        _ => None,
    })
}

async fn ask_for_conversation(
    pds: &Pds,
    attempt: Attempt<'_>,
    letter: &Letter<'_>,
) -> Result<Response, NetworkError> {
    let to = attempt.recipient(letter)?;
    let get = |session: &Session| {
        let url = session.url("chat.bsky.convo.getConvoForMembers");
        to_chat(
            pds.client
                .http
                .get(with_query(url, &[("members", to.id.as_str())])),
        )
    };
    pds.ask(attempt, letter.from, get).await
}

fn to_chat(request: RequestBuilder) -> RequestBuilder {
    request.header("atproto-proxy", "did:web:api.bsky.chat#bsky_chat")
}
