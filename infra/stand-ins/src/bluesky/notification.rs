//! Notifications of follows, mentions, quotes and replies.

use serde_json::{Value, json};

use super::{
    ids::cid,
    parameters::{cursor, limit, write_cursor},
    profile::profile,
    refusals::Reply,
    state::{Actor, Notification, State},
};
use crate::call::{Answer, Call, timestamp};

impl State {
    pub(super) fn list_notifications(&mut self, call: &Call, did: &str) -> Reply {
        let limit = limit(call)?;
        let reasons: Vec<&str> = call.parameters("reasons").collect();
        let before = cursor(call)?;
        let page: Vec<&Notification> = self
            .notifications
            .iter()
            .rev()
            .filter(|it| it.account == did)
            .filter(|it| reasons.is_empty() || reasons.contains(&it.reason))
            .filter(|it| before.is_none_or(|before| it.position() < before))
            .take(limit)
            .collect();
        let shown: Vec<Value> = page
            .iter()
            // Replies that the creator has hidden go, and may leave a page short.
            .filter(|it| !self.hidden_replies.contains(&it.uri))
            .filter_map(|it| Some(notification_json(it, self.visible(&it.author)?)))
            .collect();
        let mut body = json!({
            "notifications": shown, "priority": false, "seenAt": timestamp(self.clock.now()),
        });
        if let Some(last) = page.last() {
            body["cursor"] = write_cursor(last.position());
        }
        Ok(Answer::ok(&body))
    }
}

fn notification_json(notification: &Notification, author: &Actor) -> Value {
    let mut shown = json!({
        "uri": notification.uri,
        "cid": cid(&notification.uri),
        "author": profile(author),
        "reason": notification.reason,
        "record": notification.record,
        "isRead": false,
        "indexedAt": timestamp(notification.at),
        "labels": [],
    });
    if let Some(subject) = &notification.subject {
        shown["reasonSubject"] = json!(subject);
    }
    shown
}
