//! Accounts and their followers.

use serde_json::{Value, json};

use super::{
    pages::{before, limit},
    refusals::{Reply, not_found, refusal},
    state::{Actor, DOMAIN, Mark, State},
    text::escaped,
};
use crate::call::{Answer, Call};

pub(super) fn profile_url(actor: &Actor) -> String {
    let server = actor.server().unwrap_or(DOMAIN);
    format!("https://{server}/@{}", actor.username())
}

impl State {
    pub(super) fn account_of(&self, id: &str) -> Reply {
        let actor = self.actors.get(id).ok_or_else(not_found)?;
        Ok(Answer::ok(&self.account_json(actor)))
    }

    /// Several accounts at once, which Mastodon has since 4.3.0. Accounts that are gone are left out.
    pub(super) fn many_accounts(&self, call: &Call) -> Reply {
        const MAX_IDS: usize = 40;
        let ids: Vec<&str> = call.parameters("id[]").collect();
        if ids.len() > MAX_IDS {
            return Err(refusal(422, "Mastodon::ValidationError"));
        }
        let found = ids.iter().filter_map(|id| self.actors.get(*id));
        let shown = found.filter(|actor| !actor.person.hidden);
        let accounts = shown.map(|actor| self.account_json(actor)).collect();
        Ok(Answer::ok(&Value::Array(accounts)))
    }

    pub(super) fn account_json(&self, actor: &Actor) -> Value {
        let who = &actor.person;
        let file = if who.picture {
            "own.png"
        } else {
            "missing.png"
        };
        let avatar = format!("{}/avatars/original/{file}", self.url);
        let header = format!("{}/headers/original/missing.png", self.url);
        let followers = if self.first_account() == who.id {
            self.follows.len() as u64
        } else {
            who.followers
        };
        let url = profile_url(actor);
        let mut body = json!({
            "id": who.id,
            "username": actor.username(),
            "acct": who.handle,
            "display_name": who.name,
            "locked": false,
            "bot": who.bot,
            "discoverable": true,
            "group": actor.is(Mark::Group),
            // Mastodon answers only the day.
            "created_at": format!("{}T00:00:00.000Z", who.created_at.strftime("%Y-%m-%d")),
            "note": format!("<p>{}</p>", escaped(&who.bio)),
            "url": url,
            "uri": url,
            "avatar": avatar,
            "avatar_static": avatar,
            "header": header,
            "header_static": header,
            "followers_count": followers,
            "following_count": who.following,
            "statuses_count": who.posts,
            "last_status_at": null,
            "hide_collections": actor.hides_collections,
            "emojis": [],
            "fields": [],
        });
        if self.hides_counts {
            body["followers_count"] = json!(-1);
        }
        for (mark, name) in [
            (Mark::Limited, "limited"),
            (Mark::Suspended, "suspended"),
            (Mark::Memorial, "memorial"),
        ] {
            // Left out if false.
            if actor.is(mark) {
                body[name] = json!(true);
            }
        }
        if actor.is(Mark::Moved) {
            let mut moved = body.clone();
            moved["id"] = json!(format!("{}9", who.id));
            moved["acct"] = json!(format!("{}@new.example", actor.username()));
            body["moved"] = moved;
        }
        body
    }

    pub(super) fn list_followers(&self, call: &Call, id: &str, viewer: Option<&str>) -> Reply {
        let actor = self.actors.get(id).ok_or_else(not_found)?;
        let closed = actor.hides_collections && viewer != Some(id);
        if closed || id != self.first_account() {
            return Ok(Answer::ok(&json!([])));
        }
        let limit = limit(call, 40);
        let before = before(call);
        let page: Vec<_> = self
            .follows
            .iter()
            .rev()
            .filter(|follow| follow.number < before)
            .take(limit)
            .collect();
        // A page is short, or empty, if some of its accounts are hidden; there is a next page all the same.
        let shown: Vec<Value> = page
            .iter()
            .filter_map(|follow| self.actors.get(&follow.follower))
            .filter(|actor| !actor.person.hidden)
            .map(|actor| self.account_json(actor))
            .collect();
        let next = page.last().filter(|_| page.len() == limit);
        let next = next.map(|follow| follow.number);
        Ok(self.linked(call, &Value::Array(shown), limit, next))
    }
}
