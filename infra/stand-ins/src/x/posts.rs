//! Posts, their timelines, and what breaks X's rules for automation.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{
    caller::{Asked, Reply},
    parameters::{Page, after, body_of, fields, max_results, parsed, valid_id},
    refusals::{forbidden, invalid},
    state::{Posted, State},
    text::{entities, mentioned, shown, weighted_length},
    users::USER_FIELDS,
};
use crate::call::{Answer, Call, timestamp};

const MAX_WEIGHT: usize = 280;

const POST_FIELDS: &str = "article attachments author_id card_uri community_id context_annotations \
    conversation_id created_at display_text_range edit_controls edit_history_post_ids \
    edit_history_tweet_ids entities geo id in_reply_to_user_id lang media_metadata \
    non_public_metrics note_post note_tweet organic_metrics possibly_sensitive \
    promoted_metrics public_metrics referenced_posts referenced_tweets reply_settings \
    scopes source text withheld";
const CREATE_FIELDS: &str = "card_uri community_id direct_message_deep_link edit_options for_super_followers_only \
    geo made_with_ai media nullcast paid_partnership poll quote_post_id quote_tweet_id \
    reply reply_settings share_with_followers text";

impl State {
    pub(super) fn create_post(&mut self, asked: &Asked<'_>) -> Reply {
        let body = body_of(asked.call, CREATE_FIELDS)?;
        let text = body["text"].as_str().unwrap_or_default();
        if text.trim().is_empty() {
            return Err(invalid("text", text, "text or media is required"));
        }
        if weighted_length(text) > MAX_WEIGHT {
            return Err(forbidden("You are not permitted to perform this action."));
        }
        let author = asked.caller.name().to_owned();
        self.refuse_duplicate(&author, text)?;
        let reply_to = reply_target(&body);
        if let Some(parent) = &reply_to {
            self.may_reply(&author, parent)?;
        }
        self.record_unasked_mentions(&author, text);
        if let Some(parent) = &reply_to {
            self.record_second_reply(&author, parent);
        }
        let id = self.add_post(author, text.to_owned(), reply_to);
        let made = self
            .post(&id)
            .map(|it| self.post_json(it, &Wanted::default()));
        Ok(Answer::json(201, &json!({"data": made})))
    }

    fn refuse_duplicate(&self, author: &str, text: &str) -> Result<(), Answer> {
        let same = |it: &Posted| it.post.author == author && it.post.text == text;
        if self.posts.iter().any(same) {
            let detail = "You are not allowed to create a Tweet with duplicate content.";
            return Err(forbidden(detail));
        }
        Ok(())
    }

    /// X lets an account reply by program only to its own posts and to posts that summon it.
    fn may_reply(&self, author: &str, parent: &str) -> Result<(), Answer> {
        let Some(parent) = self.post(parent).filter(|it| self.is_seen(it)) else {
            return Err(forbidden(
                "You attempted to reply to a Tweet that is deleted or not visible to you.",
            ));
        };
        if parent.post.author == author || self.summons(parent, author) {
            return Ok(());
        }
        Err(forbidden(
            "Reply to this conversation is not allowed because you have not been mentioned or \
             otherwise engaged by the author of the post you are replying to.",
        ))
    }

    fn record_unasked_mentions(&mut self, author: &str, text: &str) {
        for handle in mentioned(text) {
            let expected = self
                .id_of(&handle)
                .is_some_and(|person| person == author || self.has_addressed(&person, author));
            if !expected {
                self.add_rule_break(format!("unasked mention of @{handle}"));
            }
        }
    }

    /// X allows one reply by program to what a person wrote.
    fn record_second_reply(&mut self, author: &str, parent: &str) {
        let own = self.post(parent).is_some_and(|it| it.post.author == author);
        let first = self.replied.insert((author.to_owned(), parent.to_owned()));
        if !own && !first {
            self.add_rule_break(format!("second reply to the post {parent}"));
        }
    }

    pub(super) fn timeline(&mut self, asked: &Asked<'_>) -> Reply {
        let exclude = asked.call.parameter("exclude").unwrap_or_default();
        let no_replies = exclude.split(',').any(|it| it == "replies");
        self.posts_page(asked, 3_200, |_, posted| {
            let reply = posted.post.reply_to.is_some();
            posted.post.author == asked.subject && !(no_replies && reply)
        })
    }

    pub(super) fn mentions(&mut self, asked: &Asked<'_>) -> Reply {
        self.posts_page(asked, 800, |state, posted| {
            state.addresses(posted, &asked.subject) && state.is_seen(posted)
        })
    }

    /// A page of the newest `reach` posts that belong to a list: X forgets older ones.
    fn posts_page(
        &self,
        asked: &Asked<'_>,
        reach: usize,
        belongs: impl Fn(&Self, &Posted) -> bool,
    ) -> Reply {
        valid_id("id", &asked.subject)?;
        let max = max_results(asked.call, 5..=100, 10)?;
        let after = after(asked.call)?;
        let span = Span::of(asked.call)?;
        let wanted = Wanted::of(asked.call)?;
        let subject = Some(asked.subject.clone());
        if let Err(error) = self.findable("id", &asked.subject, subject) {
            return Ok(Answer::ok(&json!({"errors": [error]})));
        }
        let newest_first = self.posts.iter().rev();
        let reached = newest_first.filter(|it| belongs(self, it)).take(reach);
        let kept = reached.filter(|it| span.holds(it));
        let page = Page::cut(kept.collect(), |it| it.number, after, max);
        let shown = page.items.iter().map(|it| self.post_json(it, &wanted));
        let mut meta = Map::new();
        if let (Some(newest), Some(oldest)) = (page.items.first(), page.items.last()) {
            meta.insert("newest_id".to_owned(), json!(newest.post.id));
            meta.insert("oldest_id".to_owned(), json!(oldest.post.id));
        }
        let mut body = page.answer(shown.collect(), meta);
        let authors: Vec<&str> = page
            .items
            .iter()
            .map(|it| it.post.author.as_str())
            .collect();
        self.include_authors(&mut body, &authors, &wanted, asked);
        Ok(Answer::ok(&body))
    }

    fn post_json(&self, posted: &Posted, wanted: &Wanted<'_>) -> Value {
        let post = &posted.post;
        let (text, links) = shown(&posted.whole());
        let end = text.chars().count();
        let (referenced, versions) = if self.new_names {
            ("referenced_posts", "edit_history_post_ids")
        } else {
            ("referenced_tweets", "edit_history_tweet_ids")
        };
        let mut out = Map::new();
        out.insert("id".to_owned(), json!(post.id));
        out.insert("text".to_owned(), json!(text));
        out.insert(versions.to_owned(), json!(posted.versions));
        let mut add = |name: &str, value: Option<Value>| {
            if let Some(value) = value.filter(|_| wanted.has(name)) {
                out.insert(name.to_owned(), value);
            }
        };
        let range = json!([posted.implicit.chars().count(), end]);
        add("author_id", Some(json!(post.author)));
        add("created_at", Some(json!(timestamp(post.at))));
        add("conversation_id", Some(json!(posted.conversation)));
        add("display_text_range", Some(range));
        add(
            "entities",
            entities(&text, links, |handle| self.id_of(handle)),
        );
        add("lang", Some(json!("en")));
        add(referenced, references(posted));
        add(
            "in_reply_to_user_id",
            posted.replies_to_user.as_ref().map(|id| json!(id)),
        );
        Value::Object(out)
    }

    fn include_authors(
        &self,
        body: &mut Value,
        authors: &[&str],
        wanted: &Wanted<'_>,
        asked: &Asked<'_>,
    ) {
        if !wanted.authors || authors.is_empty() {
            return;
        }
        let mut once = authors.to_vec();
        once.sort_unstable();
        once.dedup();
        let users: Vec<Value> = once
            .iter()
            .filter_map(|id| self.users.get(*id))
            .map(|user| self.user_json(user, &wanted.user_fields, &asked.caller))
            .collect();
        body["includes"] = json!({"users": users});
    }
}

/// What a post replies to and quotes.
fn references(posted: &Posted) -> Option<Value> {
    let kinds = [
        ("replied_to", &posted.post.reply_to),
        ("quoted", &posted.quotes),
    ];
    let there = kinds
        .iter()
        .filter_map(|(kind, id)| Some((kind, id.as_ref()?)));
    let list: Vec<Value> = there
        .map(|(kind, id)| json!({"type": kind, "id": id}))
        .collect();
    (!list.is_empty()).then_some(Value::Array(list))
}

/// Which fields of posts and of their authors a request asks for.
#[derive(Default)]
struct Wanted<'a> {
    fields: Vec<&'a str>,
    user_fields: Vec<&'a str>,
    authors: bool,
}

impl<'a> Wanted<'a> {
    fn of(call: &'a Call) -> Result<Self, Answer> {
        let expansions = call.parameter("expansions").unwrap_or_default();
        Ok(Self {
            fields: fields(call, "tweet.fields post.fields", POST_FIELDS)?,
            user_fields: fields(call, "user.fields", USER_FIELDS)?,
            authors: expansions.split(',').any(|it| it == "author_id"),
        })
    }

    /// Whether it asks for a field, by its new name or by the one before.
    fn has(&self, field: &str) -> bool {
        let before = field.replace("_posts", "_tweets");
        self.fields
            .iter()
            .any(|it| it.replace("_posts", "_tweets") == before)
            || (self.authors && field == "author_id")
    }
}

/// Which part of a timeline a request asks for.
struct Span {
    since: Option<u64>,
    until: Option<u64>,
    start: Option<Timestamp>,
    end: Option<Timestamp>,
}

impl Span {
    fn of(call: &Call) -> Result<Self, Answer> {
        Ok(Self {
            since: parsed(call, "since_id")?,
            until: parsed(call, "until_id")?,
            start: parsed(call, "start_time")?,
            end: parsed(call, "end_time")?,
        })
    }

    fn holds(&self, posted: &Posted) -> bool {
        self.since.is_none_or(|id| posted.number > id)
            && self.until.is_none_or(|id| posted.number < id)
            && self.start.is_none_or(|start| posted.post.at >= start)
            && self.end.is_none_or(|end| posted.post.at < end)
    }
}

fn reply_target(body: &Value) -> Option<String> {
    let reply = body.get("reply")?;
    ["in_reply_to_tweet_id", "in_reply_to_post_id"]
        .iter()
        .find_map(|name| reply.get(name)?.as_str().map(str::to_owned))
}
