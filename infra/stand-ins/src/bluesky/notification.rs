//! Notifications of follows and mentions.

use serde_json::{Value, json};

use super::{
    super::{Answer, Call, written},
    Actor, Notice, Reply, State,
    hash::cid,
    parameters::limit,
    profile::{profile, read_cursor},
};

impl State {
    pub(super) fn list_notifications(&self, call: &Call, did: &str) -> Reply {
        let limit = limit(call)?;
        let reasons: Vec<&str> = call.parameters("reasons").collect();
        let bound = call.parameter("cursor").map(read_cursor).transpose()?;
        let page: Vec<&Notice> = self
            .notices
            .iter()
            .rev()
            .filter(|it| it.account == did)
            .filter(|it| reasons.is_empty() || reasons.contains(&it.reason))
            .filter(|it| bound.is_none_or(|bound| (it.at.as_millisecond(), it.serial) < bound))
            .take(limit)
            .collect();
        let shown: Vec<Value> = page
            .iter()
            .filter_map(|notice| Some(notification(notice, self.visible(&notice.author)?)))
            .collect();
        let mut body = json!({
            "notifications": shown, "priority": false, "seenAt": written(self.clock.now()),
        });
        if let Some(last) = page.last() {
            body["cursor"] = json!(format!("{}::{}", last.at.as_millisecond(), last.serial));
        }
        Ok(Answer::ok(&body))
    }
}

fn notification(notice: &Notice, author: &Actor) -> Value {
    let mut shown = json!({
        "uri": notice.uri,
        "cid": cid(&notice.uri),
        "author": profile(author),
        "reason": notice.reason,
        "record": notice.record,
        "isRead": false,
        "indexedAt": written(notice.at),
        "labels": [],
    });
    if let Some(subject) = &notice.subject {
        shown["reasonSubject"] = json!(subject);
    }
    shown
}
