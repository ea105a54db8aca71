//! Threads and quotes, which anyone may read.

use serde_json::{Value, json};

use super::{
    ids::cid,
    parameters::{cursor, limit, needed, number, write_cursor},
    profile::profile,
    refusals::{Reply, refusal},
    state::{POSTS, Record, State},
};
use crate::call::{Answer, Call, timestamp};

/// The label of a post that waits for a moderator: lists leave it out.
const UNDER_REVIEW: &str = "needs-review";

impl State {
    pub(super) fn get_post_thread(&self, call: &Call) -> Reply {
        let uri = needed(call, "uri")?;
        let depth = number(call, "depth", 6, 1_000)?;
        let height = number(call, "parentHeight", 80, 1_000)?;
        let (uri, record) = self
            .shown_record(uri)
            .ok_or_else(|| refusal(400, "NotFound", &format!("Post not found: {uri}")))?;
        let mut thread = self.thread_json(uri, record, depth);
        if let Some(parent) = self.parent_json(record, height) {
            thread["parent"] = parent;
        }
        let mut body = json!({ "thread": thread });
        let root = record.value.pointer("/reply/root/uri");
        let root = root.and_then(Value::as_str).unwrap_or(uri);
        if let Some(gate) = self.gate_json(root) {
            body["threadgate"] = gate;
        }
        Ok(Answer::ok(&body))
    }

    /// Those of the posts that are there.
    pub(super) fn get_posts(&self, call: &Call) -> Reply {
        const MAX: usize = 25;
        let uris: Vec<&str> = call.parameters("uris").collect();
        if uris.is_empty() || uris.len() > MAX {
            let error = format!("Error: uris must have 1 to {MAX} elements");
            return Err(refusal(400, "InvalidRequest", &error));
        }
        let found = uris.iter().filter_map(|uri| self.shown_record(uri));
        let posts: Vec<Value> = found.map(|(uri, it)| self.post_json(uri, it)).collect();
        Ok(Answer::ok(&json!({ "posts": posts })))
    }

    pub(super) fn get_quotes(&self, call: &Call) -> Reply {
        let uri = needed(call, "uri")?;
        let limit = limit(call)?;
        let before = cursor(call)?;
        let quotes = |it: &(&String, &Record)| it.1.quoted() == Some(uri);
        let page: Vec<(&String, &Record)> = self
            .newest_first(quotes)
            .into_iter()
            .filter(|(_, it)| before.is_none_or(|before| it.position() < before))
            .take(limit)
            .collect();
        let posts: Vec<Value> = page
            .iter()
            .filter(|(uri, it)| self.is_listed(uri, it))
            .map(|(uri, it)| self.post_json(uri, it))
            .collect();
        let mut body = json!({"uri": uri, "posts": posts});
        if let Some((_, last)) = page.last() {
            body["cursor"] = write_cursor(last.position());
        }
        Ok(Answer::ok(&body))
    }

    fn newest_first(
        &self,
        belongs: impl Fn(&(&String, &Record)) -> bool,
    ) -> Vec<(&String, &Record)> {
        let posts = self.records.iter().filter(|(_, it)| it.collection == POSTS);
        let mut posts: Vec<(&String, &Record)> = posts.filter(belongs).collect();
        posts.sort_by_key(|(_, it)| std::cmp::Reverse(it.position()));
        posts
    }

    /// The post with that URI, unless its author is gone.
    fn shown_record(&self, uri: &str) -> Option<(&str, &Record)> {
        let (uri, record) = self.records.get_key_value(uri)?;
        self.visible(&record.author)?;
        Some((uri, record))
    }

    /// Whether lists name a post.
    fn is_listed(&self, uri: &str, record: &Record) -> bool {
        let labels = self.labels.get(uri).into_iter().flatten();
        self.visible(&record.author).is_some() && !labels.into_iter().any(|it| it == UNDER_REVIEW)
    }

    fn thread_json(&self, uri: &str, record: &Record, depth: usize) -> Value {
        let mut thread = json!({
            "$type": "app.bsky.feed.defs#threadViewPost",
            "post": self.post_json(uri, record),
            "threadContext": {},
        });
        if depth > 0 {
            let below = |it: &(&String, &Record)| it.1.parent() == Some(uri);
            let replies: Vec<Value> = self
                .newest_first(below)
                .into_iter()
                .filter(|(uri, it)| self.is_listed(uri, it))
                .map(|(uri, it)| self.thread_json(uri, it, depth - 1))
                .collect();
            thread["replies"] = json!(replies);
        }
        thread
    }

    fn parent_json(&self, record: &Record, height: usize) -> Option<Value> {
        let parent = record.parent().filter(|_| height > 0)?;
        let Some((uri, above)) = self.shown_record(parent) else {
            return Some(json!({
                "$type": "app.bsky.feed.defs#notFoundPost", "uri": parent, "notFound": true,
            }));
        };
        let mut shown = self.thread_json(uri, above, 0);
        if let Some(next) = self.parent_json(above, height - 1) {
            shown["parent"] = next;
        }
        Some(shown)
    }

    fn gate_json(&self, root: &str) -> Option<Value> {
        let hidden: Vec<&String> = self
            .hidden_replies
            .iter()
            .filter(|uri| self.root_of(uri) == Some(root))
            .collect();
        let uri = root.replace(POSTS, "app.bsky.feed.threadgate");
        let record = json!({
            "$type": "app.bsky.feed.threadgate",
            "post": root,
            "createdAt": timestamp(self.clock.now()),
            "hiddenReplies": hidden,
        });
        (!hidden.is_empty())
            .then(|| json!({"uri": uri, "cid": cid(&uri), "record": record, "lists": []}))
    }

    fn root_of(&self, uri: &str) -> Option<&str> {
        let record = self.records.get(uri)?;
        record.value.pointer("/reply/root/uri")?.as_str()
    }

    fn post_json(&self, uri: &str, record: &Record) -> Value {
        let count = |belongs: &dyn Fn(&Record) -> bool| {
            self.records.values().filter(|it| belongs(it)).count()
        };
        let author = self.actors.get(&record.author);
        let labels = self.labels.get(uri).into_iter().flatten();
        let labels: Vec<Value> = labels
            .map(|label| {
                json!({
                    "src": "did:plc:ar7c4by46qjdydhdevvrndac",
                    "uri": uri,
                    "cid": record.cid,
                    "val": label,
                    "cts": timestamp(record.at),
                })
            })
            .collect();
        let mut post = json!({
            "uri": uri,
            "cid": record.cid,
            "author": author.map(profile),
            "record": record.value,
            "bookmarkCount": 0,
            "replyCount": count(&|it| it.parent() == Some(uri)),
            "repostCount": 0,
            "likeCount": 0,
            "quoteCount": count(&|it| it.quoted() == Some(uri)),
            "indexedAt": timestamp(record.at),
            "labels": labels,
        });
        if let Some(gate) = self.gate_json(uri) {
            post["threadgate"] = gate;
        }
        if let Some(embed) = self.embed_json(record) {
            post["embed"] = embed;
        }
        post
    }

    /// A card, or the post that is quoted, as a post shows it.
    fn embed_json(&self, record: &Record) -> Option<Value> {
        let embed = record.value.get("embed")?;
        match embed.get("$type")?.as_str()? {
            "app.bsky.embed.external" => Some(json!({
                "$type": "app.bsky.embed.external#view",
                "external": embed["external"],
            })),
            "app.bsky.embed.record" => {
                let uri = embed.pointer("/record/uri")?.as_str()?;
                let shown = match self.shown_record(uri) {
                    Some((uri, quoted)) => json!({
                        "$type": "app.bsky.embed.record#viewRecord",
                        "uri": uri,
                        "cid": quoted.cid,
                        "author": self.actors.get(&quoted.author).map(profile),
                        "value": quoted.value,
                        "labels": [],
                        "indexedAt": timestamp(quoted.at),
                        "embeds": [],
                    }),
                    None => json!({
                        "$type": "app.bsky.embed.record#viewNotFound", "uri": uri, "notFound": true,
                    }),
                };
                Some(json!({ "$type": "app.bsky.embed.record#view", "record": shown }))
            }
            _ => None,
        }
    }
}
