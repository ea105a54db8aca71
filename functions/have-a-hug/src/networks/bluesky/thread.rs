//! The answers to a post: the replies to it, and the posts that quote it.

use std::{collections::HashSet, ops::Range};

use jiff::Timestamp;
use promise::{answer::Answer, letter::Receipt};
use serde::Deserialize;
use serde_json::Value;

use super::{
    super::words::{tidy, without_mentions, without_places},
    reply::Place,
    wire::{Label, did, id, page, uri},
};
use crate::network::AskedLetter;

/// A label that says nothing about a post: its author is not shown to people without a login.
const NOT_ABOUT_THE_POST: &str = "!no-unauthenticated";

/// The answer to the question for a post with its replies. Only its parts are read, and each for itself: a reply may be
/// one that is gone, or whose author is blocked.
#[derive(Deserialize)]
pub(super) struct Thread {
    thread: Node,
    threadgate: Option<Value>,
}

/// The post that was asked for. The field `replies` is absent where it is gone.
#[derive(Deserialize)]
struct Node {
    #[serde(default)]
    post: Value,
    #[serde(default)]
    replies: Vec<Value>,
}

/// The answer to the question for the posts that quote one.
#[derive(Deserialize)]
pub(super) struct Quotes {
    #[serde(default)]
    posts: Vec<Value>,
}

/// The answer to the question for posts by their addresses. Those that are gone are left out.
#[derive(Deserialize)]
pub(super) struct Posts {
    posts: Vec<Address>,
}

#[derive(Deserialize)]
struct Address {
    uri: String,
}

impl Posts {
    pub(super) fn has(&self, uri: &str) -> bool {
        self.posts.iter().any(|post| post.uri == uri)
    }
}

/// A post of somebody, with what the network says of it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Post {
    #[serde(deserialize_with = "uri")]
    uri: String,
    #[serde(deserialize_with = "id")]
    cid: String,
    author: Author,
    record: Record,
    /// When the network saw it. The time in the record is what its author wished.
    indexed_at: Timestamp,
    #[serde(default)]
    labels: Vec<Label>,
}

#[derive(Deserialize)]
struct Author {
    #[serde(deserialize_with = "did")]
    did: String,
}

/// What its author wrote.
#[derive(Deserialize)]
struct Record {
    #[serde(default)]
    text: String,
    /// Their form is the author's own affair, so each is read for itself.
    #[serde(default)]
    facets: Value,
    reply: Option<Reply>,
}

#[derive(Deserialize)]
struct Reply {
    root: Root,
}

#[derive(Deserialize)]
struct Root {
    #[serde(deserialize_with = "uri")]
    uri: String,
    #[serde(deserialize_with = "id")]
    cid: String,
}

/// The replies of the letter's follower, without those that the account has hidden: to hide an answer is to refuse it.
pub(super) fn replies(thread: Thread, letter: &AskedLetter<'_>) -> Vec<Answer> {
    let gates = [
        thread.threadgate.as_ref(),
        thread.thread.post.get("threadgate"),
    ];
    let hidden: HashSet<String> = gates
        .into_iter()
        .flatten()
        .filter_map(|gate| gate["record"]["hiddenReplies"].as_array())
        .flatten()
        .filter_map(|uri| uri.as_str().map(str::to_owned))
        .collect();
    let posts = thread.thread.replies.into_iter().filter_map(|mut reply| {
        let post = reply.get_mut("post")?.take();
        let is_hidden = post["uri"].as_str().is_some_and(|uri| hidden.contains(uri));
        (!is_hidden).then_some(post)
    });
    answers(posts, letter)
}

/// The posts of the letter's follower that quote it.
pub(super) fn quotes(quotes: Quotes, letter: &AskedLetter<'_>) -> Vec<Answer> {
    answers(quotes.posts.into_iter(), letter)
}

/// Those that the follower wrote. A post that cannot be read must not hide the others.
fn answers(posts: impl Iterator<Item = Value>, letter: &AskedLetter<'_>) -> Vec<Answer> {
    let is_theirs = |post: &Value| {
        let author = post["author"]["did"].as_str();
        author.is_some_and(|author| *letter.follower == *author)
    };
    let read = |post| match serde_json::from_value::<Post>(post) {
        Ok(post) => Some(post.into_answer(&letter.receipt.reference)),
        Err(error) => {
            tracing::warn!(%error, "a post that cannot be read is left out");
            None
        }
    };
    posts.filter(is_theirs).filter_map(read).collect()
}

impl Post {
    fn into_answer(self, to: &str) -> Answer {
        let (root_uri, root_cid) = match self.record.reply {
            Some(Reply { root }) => (root.uri, root.cid),
            // It begins a thread, as most quotes do.
            None => (self.uri.clone(), self.cid.clone()),
        };
        let place = Place {
            cid: self.cid.clone(),
            root_uri,
            root_cid,
        };
        Answer {
            text: typed(&self.record.text, &self.record.facets),
            author: self.author.did.into(),
            to: to.to_owned(),
            version: format!("{} {}", self.uri, self.cid),
            post: Receipt {
                url: page(&self.uri),
                reply_key: Some(place.key()),
                reference: self.uri,
            },
            at: self.indexed_at,
            mark: mark(&self.labels),
            // Whoever answers has asked for an interaction.
            invites_reply: true,
        }
    }
}

/// What the network or the author has labelled the post as.
fn mark(labels: &[Label]) -> Option<String> {
    const MAX: usize = 3;
    let is_name = |name: &&str| {
        let fits = (1..=64).contains(&name.len());
        fits && name.bytes().all(|byte| byte.is_ascii_graphic()) && *name != NOT_ABOUT_THE_POST
    };
    let names = labels.iter().map(|label| label.val.as_str());
    let names: Vec<&str> = names.filter(is_name).take(MAX).collect();
    (!names.is_empty()).then(|| format!("labelled {}", names.join(", ")))
}

/// What the author typed: the text without mentions, both those that are marked and those that only look like one.
fn typed(text: &str, facets: &Value) -> String {
    let facets = facets.as_array().into_iter().flatten();
    let mentions = facets.filter_map(mentioned).collect();
    tidy(&without_mentions(
        &without_places(text, mentions),
        handle_length,
    ))
}

/// Where a mention stands, in bytes of UTF-8, if this facet is one. The author's client made it, so it may be wrong.
fn mentioned(facet: &Value) -> Option<Range<usize>> {
    let mut features = facet["features"].as_array()?.iter();
    features.find(|feature| feature["$type"] == "app.bsky.richtext.facet#mention")?;
    let at = |name: &str| usize::try_from(facet["index"][name].as_u64()?).ok();
    Some(at("byteStart")?..at("byteEnd")?)
}

/// How many bytes at the beginning of a text are a handle. It is a domain, so it has a dot; a dot or dash at the end is not
/// part of it.
fn handle_length(text: &str) -> usize {
    let belongs = |c: char| c.is_ascii_alphanumeric() || ".-".contains(c);
    let end = text.find(|c| !belongs(c)).unwrap_or(text.len());
    let handle = text[..end].trim_end_matches(['.', '-']);
    if handle.contains('.') {
        handle.len()
    } else {
        0
    }
}

#[cfg(any(test, fuzzing))]
pub(super) fn assert_invariants(response: &crate::http::Response) {
    use super::super::words::fit::{asked, assert_answers, receipt};

    let letter = receipt("at://did:plc:amber/app.bsky.feed.post/3k");
    let follower = "did:plc:amber".into();
    let asked = asked(&letter, &follower);
    if let Ok(thread) = response.json::<Thread>() {
        let answers = replies(thread, &asked.letters[0]);
        answers.iter().for_each(assert_place);
        assert_answers(&answers, &letter.reference);
    }
    if let Ok(found) = response.json::<Quotes>() {
        let answers = quotes(found, &asked.letters[0]);
        assert_answers(&answers, &letter.reference);
    }
    if let Ok(posts) = response.json::<Posts>() {
        let _ = posts.has(&letter.reference);
    }
}

#[cfg(any(test, fuzzing))]
fn assert_place(answer: &Answer) {
    let place = Place::of(&answer.post).map(|place| place.key());
    assert_eq!(place, answer.post.reply_key);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const LETTER: &str = "at://did:plc:amber/app.bsky.feed.post/3letter";

    fn post(key: &str, text: &str) -> Value {
        json!({
            "uri": format!("at://did:plc:cleo/app.bsky.feed.post/{key}"),
            "cid": "bafyanswer",
            "author": { "did": "did:plc:cleo", "handle": "cleo.test", "labels": [] },
            "record": {
                "$type": "app.bsky.feed.post",
                "createdAt": "1970-01-01T00:00:00.000Z",
                "langs": ["en"],
                "text": text,
                "reply": {
                    "root": { "uri": LETTER, "cid": "bafyletter" },
                    "parent": { "uri": LETTER, "cid": "bafyletter" },
                },
            },
            "replyCount": 0,
            "indexedAt": "2026-11-22T14:00:00.000Z",
            "labels": [],
        })
    }

    fn view(post: Value) -> Value {
        json!({ "$type": "app.bsky.feed.defs#threadViewPost", "post": post })
    }

    /// What `read` hears where the letter to did:plc:cleo is asked about.
    fn heard(read: impl FnOnce(&AskedLetter<'_>) -> Vec<Answer>) -> Vec<Answer> {
        let receipt = Receipt {
            reference: LETTER.to_owned(),
            url: None,
            reply_key: None,
        };
        read(&AskedLetter {
            receipt: &receipt,
            follower: &"did:plc:cleo".into(),
            is_new: false,
            is_due: true,
        })
    }

    fn heard_in(thread: Value) -> Vec<Answer> {
        heard(|letter| replies(serde_json::from_value(thread).unwrap(), letter))
    }

    fn thread(replies: &[Value]) -> Value {
        let amber = json!({ "uri": LETTER, "cid": "bafyletter" });
        json!({ "thread": {
            "$type": "app.bsky.feed.defs#threadViewPost", "post": amber, "replies": replies,
        } })
    }

    #[test]
    fn a_reply_is_read_with_what_a_reply_to_it_needs() {
        let mut labelled = post("3a", "Cats, please");
        labelled["labels"] = json!([
            { "src": "did:plc:l", "uri": "at://…", "val": "porn" },
            { "src": "did:plc:l", "uri": "at://…", "val": "!no-unauthenticated" },
        ]);
        let answers = heard_in(thread(&[view(labelled)]));
        let uri = "at://did:plc:cleo/app.bsky.feed.post/3a";
        let expected = Answer {
            author: "did:plc:cleo".into(),
            to: LETTER.to_owned(),
            post: Receipt {
                reference: uri.to_owned(),
                url: Some("https://bsky.app/profile/did:plc:cleo/post/3a".to_owned()),
                reply_key: Some(format!("bafyanswer {LETTER} bafyletter")),
            },
            version: format!("{uri} bafyanswer"),
            text: "Cats, please".to_owned(),
            at: "2026-11-22T14:00:00Z".parse().unwrap(),
            mark: Some("labelled porn".to_owned()),
            invites_reply: true,
        };
        assert_eq!(answers, [expected]);
    }

    #[test]
    fn a_quote_begins_its_own_thread() {
        let mut quote = post("3q", "Cats");
        quote["record"].as_object_mut().unwrap().remove("reply");
        let found = json!({ "uri": LETTER, "posts": [quote] });
        let answers = heard(|letter| quotes(serde_json::from_value(found).unwrap(), letter));
        let key = answers[0].post.reply_key.as_deref();
        let uri = "at://did:plc:cleo/app.bsky.feed.post/3q";
        assert_eq!(key, Some(format!("bafyanswer {uri} bafyanswer").as_str()));
    }

    #[test]
    fn hidden_replies_other_people_and_what_cannot_be_read_are_left_out() {
        let mut others = post("3b", "Dogs");
        others["author"]["did"] = json!("did:plc:dan");
        let mut broken = post("3c", "Rats");
        broken["indexedAt"] = json!("soon");
        let gone = json!({ "$type": "app.bsky.feed.defs#notFoundPost", "uri": "at://x", "notFound": true });
        let all = [
            view(post("3a", "Bats")),
            view(others),
            view(broken),
            gone,
            json!(7),
            view(post("3d", "Cats")),
        ];
        let hidden =
            json!({ "record": { "hiddenReplies": ["at://did:plc:cleo/app.bsky.feed.post/3a"] } });
        let mut at_top = thread(&all);
        at_top["threadgate"] = hidden.clone();
        let mut in_post = thread(&all);
        in_post["thread"]["post"]["threadgate"] = hidden;
        for thread in [at_top, in_post] {
            let answers = heard_in(thread);
            let texts: Vec<&str> = answers.iter().map(|answer| answer.text.as_str()).collect();
            assert_eq!(texts, ["Cats"]);
        }
        let gone = json!({ "thread": { "$type": "app.bsky.feed.defs#notFoundPost", "uri": LETTER, "notFound": true } });
        assert_eq!(heard_in(gone), []);
    }

    #[test]
    fn mentions_are_taken_out_by_bytes_and_by_their_looks() {
        let mention = |start: usize, end: usize| {
            json!({
                "index": { "byteStart": start, "byteEnd": end },
                "features": [{ "$type": "app.bsky.richtext.facet#mention", "did": "did:plc:amber" }],
            })
        };
        let link = json!({
            "index": { "byteStart": 0, "byteEnd": 4 },
            "features": [{ "$type": "app.bsky.richtext.facet#link", "uri": "https://cats.test" }],
        });
        let text = "💛 @ambe… cats";
        assert_eq!(typed(text, &json!([mention(5, 13), link])), "💛 cats");
        // Places in letters, past the end, or none at all.
        for wrong in [
            json!([mention(2, 8)]),
            json!([mention(5, 99)]),
            json!([7]),
            json!("x"),
        ] {
            assert_eq!(typed(text, &wrong), text);
        }
        let none = Value::Null;
        assert_eq!(
            typed("@amber.test: cats at me@home.test", &none),
            "cats at me@home.test"
        );
        assert_eq!(
            typed("@home with cats. @amber.test.", &none),
            "@home with cats. ."
        );
    }

    #[test]
    fn a_post_is_there_if_it_is_among_those_that_were_found() {
        let posts = |json: Value| serde_json::from_value::<Posts>(json).unwrap();
        assert!(posts(json!({ "posts": [{ "uri": LETTER, "cid": "x" }] })).has(LETTER));
        assert!(!posts(json!({ "posts": [] })).has(LETTER));
    }
}
