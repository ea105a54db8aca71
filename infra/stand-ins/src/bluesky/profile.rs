//! Profiles and followers.

use serde_json::{Map, Value, json};

use super::{
    ids::{cid, domain},
    parameters::{cursor, limit, needed, write_cursor},
    refusals::{Reply, bad_request, refusal},
    state::{Actor, Follow, POSTS, State},
};
use crate::call::{Answer, Call, timestamp};

impl State {
    pub(super) fn get_profile(&self, call: &Call) -> Reply {
        let wanted = needed(call, "actor")?;
        let actor = self.resolve(wanted).and_then(|did| self.actors.get(&did));
        match actor {
            None => Err(bad_request("Profile not found")),
            Some(actor) if actor.person.hidden => {
                Err(refusal(400, "AccountDeactivated", "Account is deactivated"))
            }
            Some(actor) => Ok(Answer::ok(&self.detailed(actor))),
        }
    }

    pub(super) fn get_profiles(&self, call: &Call) -> Reply {
        const MAX_ACTORS: usize = 25;
        let actors: Vec<&str> = call.parameters("actors").collect();
        if actors.is_empty() {
            return Err(bad_request(
                r#"Error: Params must have the property "actors""#,
            ));
        }
        if actors.len() > MAX_ACTORS {
            return Err(bad_request(
                "Error: actors must not have more than 25 elements",
            ));
        }
        let profiles: Vec<Value> = actors
            .iter()
            .filter_map(|actor| self.resolve(actor))
            .filter_map(|did| self.visible(&did))
            .map(|actor| self.detailed(actor))
            .collect();
        Ok(Answer::ok(&json!({"profiles": profiles})))
    }

    fn detailed(&self, actor: &Actor) -> Value {
        let person = &actor.person;
        let mut shown = profile(actor);
        let (followers, made) = if self.accounts.contains(&actor.did) {
            (self.count_of(&actor.did), self.made_by(&actor.did))
        } else {
            (person.followers, 0)
        };
        shown["followersCount"] = json!(followers);
        shown["followsCount"] = json!(person.following);
        shown["postsCount"] = json!(person.posts + made);
        shown["associated"] =
            json!({"lists": 0, "feedgens": 0, "starterPacks": 0, "labeler": false});
        shown
    }

    fn made_by(&self, did: &str) -> u64 {
        let made = self
            .records
            .values()
            .filter(|record| record.author == did && record.collection == POSTS);
        made.count() as u64
    }

    pub(super) fn get_followers(&self, call: &Call) -> Reply {
        let limit = limit(call)?;
        let wanted = needed(call, "actor")?;
        let subject = self
            .resolve(wanted)
            .and_then(|did| self.visible(&did))
            .ok_or_else(|| bad_request(&format!("Actor not found: {wanted}")))?;
        let before = cursor(call)?;
        let newest_first = self.follows.get(&subject.did).into_iter().flatten().rev();
        let page: Vec<&Follow> = newest_first
            .filter(|follow| before.is_none_or(|before| follow.position() < before))
            .take(limit)
            .collect();
        let followers: Vec<Value> = page
            .iter()
            .filter_map(|follow| self.visible(&follow.follower))
            .map(profile)
            .collect();
        let mut body = json!({"subject": profile(subject), "followers": followers});
        if let Some(last) = page.last() {
            body["cursor"] = write_cursor(last.position());
        }
        Ok(Answer::ok(&body))
    }
}

/// A profile as lists show it. What the person has not set is left out.
pub(super) fn profile(actor: &Actor) -> Value {
    let person = &actor.person;
    let mut shown = Map::new();
    let mut add = |name: &str, value: Value| shown.insert(name.to_owned(), value);
    add("did", json!(actor.did));
    add("handle", json!(domain(&person.handle)));
    add("createdAt", json!(timestamp(person.created_at)));
    add("labels", json!(labels(actor)));
    if !person.name.is_empty() {
        add("displayName", json!(person.name));
    }
    if !person.bio.is_empty() {
        add("description", json!(person.bio));
    }
    if person.picture {
        let did = &actor.did;
        let picture = format!(
            "https://cdn.bsky.app/img/avatar/plain/{did}/{}@jpeg",
            cid(did)
        );
        add("avatar", json!(picture));
    }
    if person.picture || !person.name.is_empty() || !person.bio.is_empty() {
        add("indexedAt", json!(timestamp(person.created_at)));
    }
    Value::Object(shown)
}

fn labels(actor: &Actor) -> Vec<Value> {
    let did = &actor.did;
    let label = json!({
        "src": did,
        "uri": format!("at://{did}/app.bsky.actor.profile/self"),
        "cid": cid(did),
        "val": "bot",
        "cts": timestamp(actor.person.created_at),
    });
    actor.person.bot.then_some(label).into_iter().collect()
}
