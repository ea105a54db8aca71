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
            .filter(|status| status.shows(viewer))
            .take(limit)
            .collect();
        let next = page.last().filter(|_| page.len() == limit);
        let next = next.map(|status| status.number);
        let shown = page.iter().map(|status| self.status_json(status)).collect();
        Ok(self.linked(call, &Value::Array(shown), limit, next))
    }

    pub(super) fn one_status(&self, id: &str, viewer: Option<&str>) -> Reply {
        let status = self.visible(id, viewer)?;
        Ok(Answer::ok(&self.status_json(status)))
    }

    pub(super) fn visible(&self, id: &str, viewer: Option<&str>) -> Result<&Status, Answer> {
        let status = self.status(id).filter(|status| status.shows(viewer));
        status.ok_or_else(not_found)
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
        let parent = field("in_reply_to_id").filter(|id| !id.is_empty());
        if let Some(parent) = &parent
            && self.visible(parent, Some(account)).is_err()
        {
            let error = "The post you are trying to reply to does not appear to exist.";
            return Err(refusal(404, error));
        }
        let id = self.add_status(account, &text, &visibility, parent);
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
        let id = status.id();
        let replies = self.statuses.iter();
        let replies = replies.filter(|it| it.reply_to.as_ref() == Some(&id));
        let replies = replies.count();
        let mut shown = json!({
            "id": id,
            "created_at": timestamp(status.at),
            "in_reply_to_id": status.reply_to,
            "in_reply_to_account_id": status.reply_to_account,
            "sensitive": status.sensitive,
            "spoiler_text": status.spoiler_text,
            "edited_at": status.edited_at.map(timestamp),
            "visibility": status.visibility,
            "language": "en",
            "uri": url,
            "url": url,
            "replies_count": replies,
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
        });
        if let Some(quoted) = status.quotes.as_deref().and_then(|id| self.status(id)) {
            shown["quote"] = json!({
                "state": "accepted", "quoted_status": self.status_json(quoted),
            });
        }
        shown
    }
}

/// A field of the body, which may be JSON or a form.
fn field(call: &Call, name: &str) -> Option<String> {
    if let Some(body) = call.json() {
        return body.get(name)?.as_str().map(str::to_owned);
    }
    let mut fields = call.form().into_iter();
    fields.find_map(|(key, value)| (key == name).then_some(value))
}
