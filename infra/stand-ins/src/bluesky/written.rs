//! What people write: mentions, replies, quotes; and how posts change and go.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    ids::{cid, domain, tid},
    state::{Notification, POSTS, Record, State, text_of},
};
use crate::{call::timestamp, person::Person};

/// How far up a thread an account is told of a reply.
const LEVELS_TOLD: usize = 5;

impl Record {
    /// The URI of the post that it replies to.
    pub(super) fn parent(&self) -> Option<&str> {
        self.value.pointer("/reply/parent/uri")?.as_str()
    }

    /// The URI of the post that it quotes.
    pub(super) fn quoted(&self) -> Option<&str> {
        let embed = self.value.get("embed")?;
        let record = embed.pointer("/record/uri");
        record
            .or_else(|| embed.pointer("/record/record/uri"))?
            .as_str()
    }

    /// What a list of posts is sorted by, oldest first; also a page's cursor.
    pub(super) fn position(&self) -> (i64, u64) {
        (self.at.as_millisecond(), self.serial)
    }
}

impl State {
    /// Someone (by handle) mentions the first account.
    pub(super) fn mention_account(&mut self, text: &str, from: &str) -> String {
        let handle = self.handle_of_account();
        let text = if text.contains(&format!("@{handle}")) {
            text.to_owned()
        } else {
            format!("@{handle} {text}")
        };
        self.publish(from, &text, |record| record)
    }

    /// Someone (by handle) replies to a post.
    pub(super) fn reply_to_post(&mut self, text: &str, from: &str, parent: &str) -> String {
        let parent_reference = self.reference(parent);
        let above = self.records.get(parent);
        let root = above.and_then(|it| it.value.pointer("/reply/root").cloned());
        let root = root.unwrap_or_else(|| parent_reference.clone());
        self.publish(from, text, |mut record| {
            record["reply"] = json!({"root": root, "parent": parent_reference});
            record
        })
    }

    /// Someone (by handle) quotes a post.
    pub(super) fn quote_record(&mut self, text: &str, from: &str, quoted: &str) -> String {
        let reference = self.reference(quoted);
        self.publish(from, text, |mut record| {
            record["embed"] = json!({"$type": "app.bsky.embed.record", "record": reference});
            record
        })
    }

    /// The reference to a record, also to one that is gone.
    fn reference(&self, uri: &str) -> Value {
        let known = self.records.get(uri).map(|it| it.cid.clone());
        json!({"uri": uri, "cid": known.unwrap_or_else(|| cid(uri))})
    }

    fn handle_of_account(&self) -> String {
        let actor = self.actors.get(&self.first_account());
        actor.map_or_else(String::new, |it| domain(&it.person.handle))
    }

    fn publish(&mut self, from: &str, text: &str, finish: impl FnOnce(Value) -> Value) -> String {
        let (now, serial) = (self.clock.now(), self.next_serial());
        let author = self
            .id_of(from)
            .unwrap_or_else(|| self.add_stranger(from, now));
        let uri = format!("at://{author}/{POSTS}/{}", tid(now, serial));
        let mut record = json!({"$type": POSTS, "text": text, "createdAt": timestamp(now)});
        if let Some(facets) = self.mention_facets(text) {
            record["facets"] = facets;
        }
        let value = finish(record);
        let record = Record {
            serial,
            collection: POSTS.to_owned(),
            author,
            cid: cid(&value.to_string()),
            value,
            at: now,
        };
        self.tell_account(&uri, &record);
        self.records.insert(uri.clone(), record);
        uri
    }

    fn add_stranger(&mut self, handle: &str, now: Timestamp) -> String {
        let mut person = Person::fan(0, now);
        person.id = format!("stranger {handle}");
        person.handle = handle.to_owned();
        self.add_actor(person)
    }

    /// The facet that makes a mention of the first account one.
    fn mention_facets(&self, text: &str) -> Option<Value> {
        let mention = format!("@{}", self.handle_of_account());
        let start = text.to_lowercase().find(&mention)?;
        let feature = json!({
            "$type": "app.bsky.richtext.facet#mention", "did": self.first_account(),
        });
        let index = json!({"byteStart": start, "byteEnd": start + mention.len()});
        Some(json!([{"index": index, "features": [feature]}]))
    }

    /// One notification, for the first of its reasons: a mention before a quote before a reply.
    fn tell_account(&mut self, uri: &str, record: &Record) {
        let account = self.first_account();
        let own = |uri: &&str| uri.starts_with(&format!("at://{account}/"));
        let quoted = record.quoted().filter(own);
        let (reason, subject) = if record.value.get("facets").is_some() {
            ("mention", None)
        } else if quoted.is_some() {
            ("quote", quoted)
        } else if self.ancestors(record).into_iter().any(|it| own(&it)) {
            ("reply", record.parent())
        } else {
            return;
        };
        let notification = Notification {
            serial: record.serial,
            reason,
            author: record.author.clone(),
            uri: uri.to_owned(),
            subject: subject.map(str::to_owned),
            record: record.value.clone(),
            at: record.at,
            account,
        };
        self.notifications.push(notification);
    }

    /// The URIs above a post, the nearest first, as far as an account is told of replies.
    fn ancestors<'a>(&'a self, record: &'a Record) -> Vec<&'a str> {
        let mut uris = Vec::new();
        let mut next = record.parent();
        while let Some(uri) = next.filter(|_| uris.len() < LEVELS_TOLD) {
            uris.push(uri);
            next = self.records.get(uri).and_then(Record::parent);
        }
        uris
    }

    /// Deletes a post and what tells of it; `false` if there is none with that URI.
    pub(super) fn remove_record(&mut self, uri: &str) -> bool {
        self.notifications.retain(|it| it.uri != uri);
        self.records.remove(uri).is_some()
    }

    /// Changes a text: the record stays where it is, with another content id.
    pub(super) fn rewrite(&mut self, uri: &str, text: &str) -> String {
        let facets = self.mention_facets(text);
        if let Some(record) = self.records.get_mut(uri)
            && text_of(&record.value) != text
        {
            record.value["text"] = json!(text);
            if let Some(fields) = record.value.as_object_mut() {
                fields.remove("facets");
                fields.extend(facets.map(|it| ("facets".to_owned(), it)));
            }
            record.cid = cid(&record.value.to_string());
        }
        uri.to_owned()
    }
}
