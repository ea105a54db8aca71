//! Notifications of follows, mentions and quotes.

use serde_json::{Value, json};

use super::{
    pages::{before, limit},
    refusals::Reply,
    state::{Notification, State},
};
use crate::call::{Call, timestamp};

impl State {
    pub(super) fn list_notifications(&self, call: &Call, id: &str) -> Reply {
        let limit = limit(call, 40);
        let before = before(call);
        let kinds: Vec<&str> = call.parameters("types[]").collect();
        let page: Vec<&Notification> = self
            .notifications
            .iter()
            .rev()
            .filter(|one| one.account == id && one.number < before)
            .filter(|one| kinds.is_empty() || kinds.contains(&one.kind))
            .take(limit)
            .collect();
        let shown = page.iter().filter_map(|one| self.notification_json(one));
        let shown = Value::Array(shown.collect());
        // There is a next page however short this one is.
        let next = page.last().map(|one| one.number);
        Ok(self.linked(call, &shown, limit, next))
    }

    fn notification_json(&self, one: &Notification) -> Option<Value> {
        let from = self.actors.get(&one.from)?;
        let mut body = json!({
            "id": one.number.to_string(),
            "type": one.kind,
            "created_at": timestamp(one.at),
            "account": self.account_json(from),
        });
        if let Some(id) = &one.status {
            body["status"] = self.status_json(self.status(id)?);
        }
        Some(body)
    }
}
