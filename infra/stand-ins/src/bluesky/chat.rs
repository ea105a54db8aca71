//! Private messages.

use serde_json::{Value, json};
use unicode_segmentation::UnicodeSegmentation;

use super::{
    ids::{base32, digest, tid},
    parameters::{input, limit, needed, required},
    profile::profile,
    refusals::{Reply, bad_request, not_implemented, refusal},
    state::State,
};
use crate::{
    backend::Message,
    call::{Answer, Call, timestamp},
};

pub(super) const CHAT_PROXY: &str = "did:web:api.bsky.chat#bsky_chat";

impl State {
    /// Refuses a request that does not ask the PDS to forward it to the chat service.
    pub(super) fn proxied_to_chat(&self, call: &Call) -> Result<(), Answer> {
        match call.header("atproto-proxy") {
            Some(CHAT_PROXY) => {}
            Some(other) => {
                return Err(bad_request(&format!(
                    "could not resolve proxy did service: {other}"
                )));
            }
            None => return Err(not_implemented()),
        }
        if self.messages_by_password {
            Ok(())
        } else {
            Err(refusal(400, "InvalidToken", "Bad token method"))
        }
    }

    /// Why `to` accepts no message from `from`; `None` if it does.
    fn refuses_messages(&self, from: &str, to: &str) -> Option<Answer> {
        let Some(actor) = self.visible(to) else {
            return Some(refusal(400, "RecipientNotFound", "recipient not found"));
        };
        if actor.blocks {
            let message = "block between recipient and sender";
            return Some(refusal(400, "BlockedActor", message));
        }
        if actor.person.messages_closed {
            let message = "recipient has disabled incoming messages";
            return Some(refusal(400, "MessagesDisabled", message));
        }
        if !self.accounts.contains(&actor.did) && !self.follows_account(to, from) {
            let message = "recipient requires incoming messages to come from someone they follow";
            return Some(refusal(400, "NotFollowedBySender", message));
        }
        None
    }

    fn other_member(call: &Call, did: &str) -> Result<String, Answer> {
        let members: Vec<&str> = call.parameters("members").collect();
        if members.is_empty() || members.len() > 10 {
            return Err(bad_request(
                "Error: members must have between 1 and 10 elements",
            ));
        }
        if let Some(bad) = members.iter().find(|member| !member.starts_with("did:")) {
            return Err(bad_request(&format!(
                "Error: members must be a valid did: {bad}"
            )));
        }
        let others: Vec<&&str> = members.iter().filter(|member| **member != did).collect();
        match others.as_slice() {
            [other] => Ok((**other).to_owned()),
            _ => Err(bad_request("a conversation has two members here")),
        }
    }

    pub(super) fn get_conversation(&mut self, call: &Call, did: &str) -> Reply {
        let other = Self::other_member(call, did)?;
        match self.refuses_messages(did, &other) {
            Some(refusal) => Err(refusal),
            None => Ok(Answer::ok(
                &json!({"convo": self.conversation_json(did, &other)}),
            )),
        }
    }

    pub(super) fn list_conversations(&mut self, call: &Call, did: &str) -> Reply {
        let limit = limit(call)?;
        let convos: Vec<Value> = self
            .actors
            .keys()
            .filter(|other| *other != did && !self.between(did, other).is_empty())
            .take(limit)
            .map(|other| self.conversation_json(did, other))
            .collect();
        Ok(Answer::ok(&json!({"convos": convos})))
    }

    fn conversation_json(&self, did: &str, other: &str) -> Value {
        let members: Vec<Value> = [did, other]
            .iter()
            .filter_map(|member| self.visible(member))
            .map(profile)
            .collect();
        let mut body = json!({
            "id": conversation(did, other),
            "rev": tid(self.clock.now(), self.serial),
            "members": members,
            "muted": false,
            "status": "accepted",
            "unreadCount": 0,
        });
        if let Some(last) = self.between(did, other).last() {
            body["lastMessage"] = message_json(last);
        }
        body
    }

    fn between(&self, one: &str, other: &str) -> Vec<&Message> {
        let wanted = conversation(one, other);
        self.messages
            .iter()
            .filter(|message| conversation(&message.from, &message.to) == wanted)
            .collect()
    }

    /// The other member of that conversation of `did`.
    fn partner(&self, convo: &str, did: &str) -> Result<String, Answer> {
        self.actors
            .keys()
            .find(|other| conversation(did, other) == convo)
            .cloned()
            .ok_or_else(|| refusal(400, "InvalidConvo", "Convo not found"))
    }

    pub(super) fn get_messages(&mut self, call: &Call, did: &str) -> Reply {
        let limit = limit(call)?;
        let other = self.partner(needed(call, "convoId")?, did)?;
        let all = self.between(did, &other);
        let older = call.parameter("cursor");
        let page: Vec<&&Message> = all
            .iter()
            .rev()
            .filter(|message| older.is_none_or(|id| message.id.as_str() < id))
            .take(limit)
            .collect();
        let shown: Vec<Value> = page.iter().map(|message| message_json(message)).collect();
        let mut body = json!({"messages": shown});
        if let Some(last) = page.last() {
            body["cursor"] = json!(last.id);
        }
        Ok(Answer::ok(&body))
    }

    pub(super) fn send_message(&mut self, call: &Call, did: &str) -> Reply {
        const MAX_GRAPHEMES: usize = 1_000;
        const MAX_BYTES: usize = 10_000;
        let body = input(call)?;
        let to = self.partner(required(&body, "convoId")?, did)?;
        let text = body
            .pointer("/message/text")
            .and_then(Value::as_str)
            .ok_or_else(|| bad_request(r#"Error: Input/message must have the property "text""#))?;
        if text.len() > MAX_BYTES || text.graphemes(true).count() > MAX_GRAPHEMES {
            return Err(bad_request(
                "Error: Input/message/text must not be longer than 1000 graphemes",
            ));
        }
        if let Some(refusal) = self.refuses_messages(did, &to) {
            return Err(refusal);
        }
        let now = self.clock.now();
        let message = Message {
            id: tid(now, self.next_serial()),
            from: did.to_owned(),
            to,
            text: text.to_owned(),
            at: now,
            reply_to: None,
        };
        let shown = message_json(&message);
        self.messages.push(message);
        Ok(Answer::ok(&shown))
    }
}

fn conversation(one: &str, other: &str) -> String {
    let pair = if one < other {
        [one, other]
    } else {
        [other, one]
    };
    base32(&digest(&pair.join(" "))[..9])
}

fn message_json(message: &Message) -> Value {
    json!({
        "$type": "chat.bsky.convo.defs#messageView",
        "id": message.id,
        "rev": message.id,
        "text": message.text,
        "sender": {"did": message.from},
        "sentAt": timestamp(message.at),
    })
}
