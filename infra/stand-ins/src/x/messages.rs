//! Private messages.

use serde_json::{Map, Value, json};

use super::{
    caller::{Asked, Reply},
    parameters::{Page, after, body_of, fields, max_results, valid_id},
    refusals::{forbidden, invalid},
    state::State,
    text::escaped,
};
use crate::{
    backend::Message,
    call::{Answer, timestamp},
};

const EVENT_FIELDS: &str = "attachments created_at dm_conversation_id entities event_type id participant_ids \
    referenced_posts referenced_tweets sender_id text";

impl State {
    pub(super) fn receive_message(&mut self, text: &str, from: &str) {
        let sender = self.writer(from);
        let account = self.first_account();
        self.add_message(sender, account, text.to_owned());
    }

    pub(super) fn create_message(&mut self, asked: &Asked<'_>) -> Reply {
        const MAX_CHARACTERS: usize = 10_000;
        valid_id("participant_id", &asked.subject)?;
        let body = body_of(asked.call, "attachments text")?;
        let text = body["text"].as_str().unwrap_or_default();
        if text.trim().is_empty() || text.chars().count() > MAX_CHARACTERS {
            return Err(invalid(
                "text",
                text,
                "text is not between 1 and 10000 characters",
            ));
        }
        let open = self
            .users
            .get(&asked.subject)
            .is_some_and(|user| !user.person.hidden && !user.person.messages_closed);
        if !open {
            return Err(forbidden(
                "You do not have permission to DM one or more participants.",
            ));
        }
        let sender = asked.caller.name().to_owned();
        self.record_unasked_message(&sender, &asked.subject);
        let conversation = conversation(&sender, &asked.subject);
        let event = self.add_message(sender, asked.subject.clone(), text.to_owned());
        Ok(Answer::json(
            201,
            &json!({"data": {"dm_conversation_id": conversation, "dm_event_id": event}}),
        ))
    }

    fn record_unasked_message(&mut self, from: &str, to: &str) {
        let wrote_first = self
            .messages
            .iter()
            .any(|sent| sent.message.from == to && sent.message.to == from);
        if !wrote_first {
            let handle = self.handle_of(to);
            self.add_rule_break(format!("unasked message to @{handle}"));
        }
    }

    pub(super) fn message_events(&mut self, asked: &Asked<'_>) -> Reply {
        valid_id("participant_id", &asked.subject)?;
        let max = max_results(asked.call, 1..=100, 100)?;
        let after = after(asked.call)?;
        let mut wanted = fields(asked.call, "dm_event.fields", EVENT_FIELDS)?;
        let expansions = asked.call.parameter("expansions").unwrap_or_default();
        if expansions.split(',').any(|it| it == "sender_id") {
            wanted.push("sender_id");
        }
        let types = asked.call.parameter("event_types");
        let created = types.is_none_or(|types| types.split(',').any(|it| it == "MessageCreate"));
        let between = conversation(asked.caller.name(), &asked.subject);
        let newest_first = self.messages.iter().rev();
        let kept = newest_first
            .filter(|it| created && conversation(&it.message.from, &it.message.to) == between);
        let page = Page::cut(kept.collect(), |it| it.number, after, max);
        let events = page.items.iter().map(|it| event_json(&it.message, &wanted));
        Ok(Answer::ok(&page.answer(events.collect(), Map::new())))
    }
}

fn conversation(one: &str, other: &str) -> String {
    let number = |id: &str| id.parse::<u64>().unwrap_or_default();
    if number(one) <= number(other) {
        format!("{one}-{other}")
    } else {
        format!("{other}-{one}")
    }
}

fn event_json(message: &Message, wanted: &[&str]) -> Value {
    let mut out = Map::new();
    out.insert("id".to_owned(), json!(message.id));
    out.insert("event_type".to_owned(), json!("MessageCreate"));
    out.insert("text".to_owned(), json!(escaped(&message.text)));
    for field in wanted {
        let value = match *field {
            "created_at" => json!(timestamp(message.at)),
            "sender_id" => json!(message.from),
            "dm_conversation_id" => json!(conversation(&message.from, &message.to)),
            _ => continue,
        };
        out.insert((*field).to_owned(), value);
    }
    Value::Object(out)
}
