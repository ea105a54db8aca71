//! Profiles and followers.

use serde_json::{Map, Value, json};

use super::{
    super::{Answer, Call, written},
    Actor, Follow, POSTS, Record, Reply, Standing, State, domain,
    hash::cid,
    parameters::{bad_request, internal_error, limit, needed, refusal},
    position,
};

impl State {
    pub(super) fn visible(&self, did: &str) -> Option<&Actor> {
        self.actors
            .get(did)
            .filter(|actor| actor.standing == Standing::Active)
    }

    pub(super) fn get_profile(&self, call: &Call) -> Reply {
        let wanted = needed(call, "actor")?;
        let actor = self.resolve(wanted).and_then(|did| self.actors.get(&did));
        match actor.map(|actor| (actor, actor.standing)) {
            Some((actor, Standing::Active)) => Ok(Answer::ok(&self.detailed(actor))),
            Some((_, Standing::Deactivated)) => {
                Err(refusal(400, "AccountDeactivated", "Account is deactivated"))
            }
            Some((_, Standing::TakenDown)) => Err(refusal(
                400,
                "AccountTakedown",
                "Account has been suspended",
            )),
            Some((_, Standing::Deleted)) | None => Err(bad_request("Profile not found")),
        }
    }

    pub(super) fn get_profiles(&self, call: &Call) -> Reply {
        const MOST: usize = 25;
        let actors: Vec<&str> = call.parameters("actors").collect();
        if actors.is_empty() {
            return Err(bad_request(
                r#"Error: Params must have the property "actors""#,
            ));
        }
        if actors.len() > MOST {
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
        let (followers, made) = match self.accounts.contains(&actor.did) {
            true => (self.count_of(&actor.did), self.made_by(&actor.did)),
            false => (person.followers, 0),
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
        let bound = call.parameter("cursor").map(read_cursor).transpose()?;
        let newest_first = self.follows.get(&subject.did).into_iter().flatten().rev();
        let page: Vec<&Follow> = newest_first
            .filter(|follow| bound.is_none_or(|bound| position(follow) < bound))
            .take(limit)
            .collect();
        let followers: Vec<Value> = page
            .iter()
            .filter_map(|follow| self.visible(&follow.follower))
            .map(profile)
            .collect();
        let mut body = json!({"subject": profile(subject), "followers": followers});
        if let Some(last) = page.last() {
            let (millis, serial) = position(last);
            body["cursor"] = json!(format!("{millis}::{serial}"));
        }
        Ok(Answer::ok(&body))
    }

    pub(super) fn get_author_feed(&self, call: &Call) -> Reply {
        let limit = limit(call)?;
        let wanted = needed(call, "actor")?;
        let author = self
            .resolve(wanted)
            .and_then(|did| self.visible(&did))
            .ok_or_else(|| bad_request("Profile not found"))?;
        let bound = call.parameter("cursor").map(read_cursor).transpose()?;
        let mut posts: Vec<(&String, &Record)> = self
            .records
            .iter()
            .filter(|(_, record)| record.author == author.did && record.collection == POSTS)
            .filter(|(_, it)| bound.is_none_or(|bound| (it.at.as_millisecond(), it.serial) < bound))
            .collect();
        posts.sort_by_key(|(_, record)| std::cmp::Reverse(record.serial));
        posts.truncate(limit);
        let feed: Vec<Value> = posts
            .iter()
            .map(|(uri, record)| json!({"post": post_view(uri, record, author)}))
            .collect();
        let mut body = json!({"feed": feed});
        if let Some((_, last)) = posts.last() {
            body["cursor"] = json!(format!("{}::{}", last.at.as_millisecond(), last.serial));
        }
        Ok(Answer::ok(&body))
    }
}

/// A profile as it stands in lists. What the person has not set is absent.
pub(super) fn profile(actor: &Actor) -> Value {
    let person = &actor.person;
    let mut shown = Map::new();
    let mut add = |name: &str, value: Value| shown.insert(name.to_owned(), value);
    add("did", json!(actor.did));
    add("handle", json!(domain(&person.handle)));
    add("createdAt", json!(written(person.created_at)));
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
        add("indexedAt", json!(written(person.created_at)));
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
        "cts": written(actor.person.created_at),
    });
    actor.person.bot.then_some(label).into_iter().collect()
}

fn post_view(uri: &str, record: &Record, author: &Actor) -> Value {
    json!({
        "uri": uri,
        "cid": record.cid,
        "author": profile(author),
        "record": record.value,
        "replyCount": 0, "repostCount": 0, "likeCount": 0, "quoteCount": 0,
        "indexedAt": written(record.at),
        "labels": [],
    })
}

pub(super) fn read_cursor(text: &str) -> Result<(i64, u64), Answer> {
    let pair = |text: &str| {
        let (millis, serial) = text.split_once("::")?;
        Some((millis.parse().ok()?, serial.parse().ok()?))
    };
    pair(text).ok_or_else(internal_error)
}
