//! Statuses: posts, and private mentions.

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::{
    accounts::profile_url,
    pages::{before, limit},
    refusals::{Reply, not_found, refusal},
    state::{Mark, State, Status},
    text,
};
use crate::call::{Answer, Call, timestamp};

/// How long an idempotency key is remembered.
const KEY_REMEMBERED: SignedDuration = SignedDuration::from_hours(1);

impl State {
    pub(super) fn list_statuses(&self, call: &Call, id: &str, viewer: Option<&str>) -> Reply {
        self.actors.get(id).ok_or_else(not_found)?;
        let limit = limit(call, 20);
        let before = before(call);
        let page: Vec<&Status> = self
            .statuses
            .iter()
            .rev()
            .filter(|status| status.author == id && status.number < before)
            .filter(|status| shows(status, viewer))
            .take(limit)
            .collect();
        let next = page.last().filter(|_| page.len() == limit);
        let next = next.map(|status| status.number);
        let shown = page.iter().map(|status| self.status_json(status)).collect();
        Ok(self.linked(call, &Value::Array(shown), limit, next))
    }

    fn visible(&self, id: &str, viewer: Option<&str>) -> Result<&Status, Answer> {
        self.statuses
            .iter()
            .find(|status| status.number.to_string() == id && shows(status, viewer))
            .ok_or_else(not_found)
    }

    pub(super) fn post_status(&mut self, call: &Call, account: &str) -> Reply {
        let actor = self.actors.get(account).ok_or_else(not_found)?;
        if actor.is(Mark::Moved) || actor.is(Mark::Suspended) {
            return Err(refusal(403, "Your login is currently disabled"));
        }
        let now = self.clock.now();
        let key = call.header("idempotency-key").unwrap_or_default();
        let key = (account.to_owned(), key.to_owned());
        if let Some((id, made_at)) = self.keys.get(&key)
            && now < *made_at + KEY_REMEMBERED
        {
            let status = self.visible(id, Some(account))?;
            return Ok(Answer::ok(&self.status_json(status)));
        }
        let field = |name| field(call, name);
        let text = field("status").unwrap_or_default();
        if text.trim().is_empty() {
            return Err(refusal(422, "Validation failed: Text can't be blank"));
        }
        if text::length(&text) > self.max_characters {
            let error = format!(
                "Validation failed: Text character limit of {} exceeded",
                self.max_characters
            );
            return Err(refusal(422, &error));
        }
        let visibility = field("visibility").unwrap_or_else(|| "public".to_owned());
        if !["public", "unlisted", "private", "direct"].contains(&visibility.as_str()) {
            let error = format!("'{visibility}' is not a valid visibility");
            return Err(refusal(422, &error));
        }
        let id = self.add_status(account, &text, &visibility, field("in_reply_to_id"));
        if !key.1.is_empty() {
            self.keys.insert(key, (id.clone(), now));
        }
        let status = self.visible(&id, Some(account))?;
        Ok(Answer::ok(&self.status_json(status)))
    }

    pub(super) fn status_json(&self, status: &Status) -> Value {
        let author = self.actors.get(&status.author);
        let profile = |handle: &str| {
            let actor = self.actors.get(&self.id_of(handle)?)?;
            Some(profile_url(actor))
        };
        let url = author.map(|author| format!("{}/{}", profile_url(author), status.number));
        let mentions: Vec<Value> = status
            .mentions
            .iter()
            .filter_map(|id| self.actors.get(id))
            .map(|actor| {
                json!({
                    "id": actor.person.id,
                    "username": actor.username(),
                    "acct": actor.person.handle,
                    "url": profile_url(actor),
                })
            })
            .collect();
        json!({
            "id": status.number.to_string(),
            "created_at": timestamp(status.at),
            "in_reply_to_id": status.reply_to,
            "in_reply_to_account_id": null,
            "sensitive": false,
            "spoiler_text": "",
            "visibility": status.visibility,
            "language": "en",
            "uri": url,
            "url": url,
            "replies_count": 0,
            "reblogs_count": 0,
            "favourites_count": 0,
            "content": text::html(&status.text, profile),
            "reblog": null,
            "account": author.map(|author| self.account_json(author)),
            "media_attachments": [],
            "mentions": mentions,
            "tags": [],
            "emojis": [],
            "card": null,
            "poll": null,
        })
    }
}

/// Whether `viewer` may read a status; `None` is anyone without a token.
fn shows(status: &Status, viewer: Option<&str>) -> bool {
    let open = matches!(status.visibility.as_str(), "public" | "unlisted");
    let involved = |viewer: &str| {
        status.author == viewer || status.mentions.iter().any(|mentioned| mentioned == viewer)
    };
    open || viewer.is_some_and(involved)
}

/// A field of the body, which may be JSON or a form.
fn field(call: &Call, name: &str) -> Option<String> {
    if let Some(body) = call.json() {
        return body.get(name)?.as_str().map(str::to_owned);
    }
    let mut fields = call.form().into_iter();
    fields.find_map(|(key, value)| (key == name).then_some(value))
}
