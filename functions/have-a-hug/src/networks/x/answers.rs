//! What people answered, found among the posts that mention the account.
//!
//! X bills each post that is read, so one list is read for all letters, and never again what was read before.

use std::cmp::Ordering;

use jiff::Timestamp;
use promise::{account::UserId, answer::Answer, letter::Receipt};
use serde::Deserialize;
use serde_json::Value;

use super::{
    super::words::MAX_ANSWERS,
    typed::{Entities, typed, typed_from},
    wire::id,
};
use crate::network::{Answered, Asked, Cursor};

/// X lists the newest 800 mentions. So many pages of them are more than there are, even if each is short.
const MAX_PAGES: usize = 40;

/// How many posts a page can have.
const MIN_PAGE: u64 = 5;
const MAX_PAGE: u64 = 100;

/// What is asked of a post. A field costs nothing: X bills each post, however much of it is read. `expansions` are not
/// asked for, because they are posts and people of their own.
const FIELDS: &str = "author_id,conversation_id,created_at,in_reply_to_user_id,referenced_tweets,entities,display_text_range,possibly_sensitive";

/// A post that mentions the account. X's documents give some fields two names.
#[derive(Debug, Deserialize)]
pub(super) struct Mention {
    #[serde(deserialize_with = "id")]
    id: String,
    #[serde(deserialize_with = "id")]
    author_id: String,
    #[serde(default)]
    text: String,
    created_at: Timestamp,
    conversation_id: Option<String>,
    in_reply_to_user_id: Option<String>,
    #[serde(default)]
    referenced_tweets: Option<Vec<Reference>>,
    #[serde(default)]
    referenced_posts: Option<Vec<Reference>>,
    #[serde(default)]
    entities: Option<Entities>,
    #[serde(default)]
    display_text_range: Option<Vec<usize>>,
    #[serde(default)]
    possibly_sensitive: Option<bool>,
}

/// Another post that a post refers to.
#[derive(Debug, Deserialize)]
struct Reference {
    #[serde(rename = "type")]
    kind: String,
    id: String,
}

impl Mention {
    fn referenced(&self) -> impl Iterator<Item = &Reference> {
        let lists = [&self.referenced_tweets, &self.referenced_posts];
        lists.into_iter().flatten().flatten()
    }

    fn refers_to(&self, kind: &str, post: &str) -> bool {
        let mut referenced = self.referenced();
        referenced.any(|other| other.kind == kind && other.id == post)
    }

    /// Whether it answers the post with that id: it replies to it, or deeper in its thread, or it quotes it.
    fn answers(&self, post: &str) -> bool {
        self.conversation_id.as_deref() == Some(post)
            || self.refers_to("replied_to", post)
            || self.refers_to("quoted", post)
    }

    /// Where the words begin that its author typed, in the count of the entities. A reply begins with mentions of those
    /// in the thread, which X puts there.
    fn typed_from(&self) -> usize {
        let is_reply = self.in_reply_to_user_id.is_some()
            || self.referenced().any(|other| other.kind == "replied_to");
        match self.display_text_range.as_deref() {
            _ if !is_reply => 0,
            Some([start, ..]) => *start,
            _ => typed_from(&self.text),
        }
    }

    /// The answer to the letter with that reference, which the account `id` wrote.
    fn into_answer(self, to: &str, id: &UserId) -> Answer {
        let start = self.typed_from();
        let entities = self.entities.as_ref();
        // X lets a program reply to a post that mentions the account or quotes it. It does not say whether the mention
        // that X itself puts before a reply counts.
        let names_account = entities.is_some_and(|entities| entities.mention(id, start));
        Answer {
            invites_reply: names_account || self.refers_to("quoted", to),
            text: typed(&self.text, start, entities),
            author: self.author_id.into(),
            to: to.to_owned(),
            post: Receipt {
                url: Some(format!("https://x.com/i/web/status/{}", self.id)),
                reference: self.id.clone(),
                reply_key: None,
            },
            // An edit makes a new id.
            version: self.id,
            at: self.created_at,
            mark: (self.possibly_sensitive == Some(true))
                .then(|| "marked as possibly sensitive".to_owned()),
        }
    }
}

/// The reading of the list of mentions, from the newest back to what was read before.
pub(super) struct Reading<'a> {
    account: &'a UserId,
    asked: &'a Asked<'a>,
    /// `None` where nothing has to be read.
    since: Option<&'a str>,
    state: State,
    pages: usize,
    read: u64,
    newest: Option<String>,
    answers: Vec<Answer>,
}

enum State {
    /// The next page begins here; the first one where there is no cursor.
    Next(Option<Cursor>),
    /// All was read that is new.
    Complete,
    /// The rest may not be read.
    Stopped,
}

impl<'a> Reading<'a> {
    pub(super) fn new(account: &'a UserId, asked: &'a Asked<'a>) -> Self {
        Self {
            account,
            asked,
            since: since(asked),
            state: State::Next(None),
            pages: 0,
            read: 0,
            newest: None,
            answers: Vec::new(),
        }
    }

    /// What to ask for the next page; `None` where no more is read.
    pub(super) fn query(&mut self) -> Option<Vec<(&'static str, String)>> {
        let left = self.asked.most.saturating_sub(self.read);
        let (State::Next(cursor), Some(since)) = (&self.state, self.since) else {
            return None;
        };
        if left < MIN_PAGE || self.pages == MAX_PAGES {
            self.state = State::Stopped;
            return None;
        }
        let max_results = left.min(MAX_PAGE).to_string();
        let mut query = vec![
            ("max_results", max_results),
            ("since_id", since.to_owned()),
            ("tweet.fields", FIELDS.to_owned()),
        ];
        query.extend(
            cursor
                .iter()
                .map(|Cursor(token)| ("pagination_token", token.clone())),
        );
        Some(query)
    }

    /// Takes a page in. A post that cannot be read must not hide the others.
    pub(super) fn take(&mut self, posts: Vec<Value>, next: Option<Cursor>) {
        self.pages += 1;
        self.read += u64::try_from(posts.len()).unwrap_or(u64::MAX);
        self.state = next.map_or(State::Complete, |next| State::Next(Some(next)));
        for post in posts {
            let id = post["id"].as_str().filter(|id| is_id(id));
            if let Some(id) = id
                && self
                    .newest
                    .as_deref()
                    .is_none_or(|newest| is_later(id, newest))
            {
                self.newest = Some(id.to_owned());
            }
            match serde_json::from_value::<Mention>(post) {
                Ok(mention) => self.hear(mention),
                Err(error) => tracing::warn!(%error, "a post that cannot be read is left out"),
            }
        }
    }

    fn hear(&mut self, mention: Mention) {
        let mut letters = self.asked.letters.iter();
        let letter = letters.find(|letter| {
            *letter.follower == *mention.author_id.as_str()
                && mention.answers(&letter.receipt.reference)
        });
        if let Some(letter) = letter
            && self.answers.len() < MAX_ANSWERS
        {
            let answer = mention.into_answer(&letter.receipt.reference, self.account);
            self.answers.push(answer);
        }
    }

    /// What was read. The list is newest first, so where its end was not reached, posts between what was read now and
    /// before were not: then the place does not change, and the next check reads them.
    pub(super) fn finish(self) -> Answered {
        let before = self.asked.up_to.map(str::to_owned);
        let up_to = match (self.state, self.newest) {
            (State::Complete, Some(newest)) => match before {
                Some(before) if is_id(&before) && is_later(&before, &newest) => Some(before),
                _ => Some(newest),
            },
            _ => before,
        };
        Answered {
            answers: self.answers,
            up_to,
            billed: self.read,
        }
    }
}

/// The id after which the list is read: where it was read up to. A letter that was not asked for before may have older
/// answers, so then it is the id of that letter. `None` where there is no letter with an id.
fn since<'a>(asked: &Asked<'a>) -> Option<&'a str> {
    let read = asked.up_to.filter(|up_to| is_id(up_to));
    let ids = asked.letters.iter().filter_map(|letter| {
        let id = letter.receipt.reference.as_str();
        is_id(id).then_some((id, letter.is_new))
    });
    let ids: Vec<(&str, bool)> = ids.collect();
    if ids.is_empty() {
        return None;
    }
    let unread = ids
        .into_iter()
        .filter(|(_, is_new)| *is_new || read.is_none())
        .map(|(id, _)| id);
    unread.chain(read).min_by(|one, other| compare(one, other))
}

fn is_id(text: &str) -> bool {
    (1..=20).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Ids are numbers of 64 bits in decimal, so the longer one is the larger one.
fn compare(one: &str, other: &str) -> Ordering {
    one.len().cmp(&other.len()).then_with(|| one.cmp(other))
}

fn is_later(one: &str, other: &str) -> bool {
    compare(one, other) == Ordering::Greater
}

#[cfg(any(test, fuzzing))]
pub(super) fn assert_invariants(posts: Vec<Value>, next: Option<Cursor>) {
    use super::super::words::fit::{asked, assert_answered, receipt};

    let (to, read) = (receipt("44196397"), posts.len());
    let follower = "44196397".into();
    let asked = asked(&to, &follower);
    let account = "7".into();
    let mut reading = Reading::new(&account, &asked);
    assert!(reading.query().is_some());
    reading.take(posts, next);
    let more = reading.query();
    let answered = reading.finish();
    assert_answered(&answered, &to.reference);
    assert_eq!(usize::try_from(answered.billed), Ok(read));
    assert!(more.is_none() || answered.up_to.is_none());
    assert!(answered.up_to.is_none_or(|up_to| is_id(&up_to)));
}

#[cfg(test)]
mod tests {
    use promise::account::UserId;
    use serde_json::json;

    use super::*;
    use crate::network::AskedLetter;

    const AMBER: &str = "1111111111111111111";
    const CLEO: &str = "2222222222222222222";
    const LETTER: &str = "2080761390344937796";

    fn letter(id: &str) -> Receipt {
        Receipt {
            reference: id.to_owned(),
            url: None,
            reply_key: None,
        }
    }

    fn asked<'a>(
        letters: &'a [(Receipt, bool)],
        follower: &'a UserId,
        up_to: Option<&'a str>,
        most: u64,
    ) -> Asked<'a> {
        let letters = letters.iter().map(|(receipt, is_new)| AskedLetter {
            receipt,
            follower,
            is_new: *is_new,
            is_due: true,
        });
        Asked {
            letters: letters.collect(),
            up_to,
            most,
            thorough: false,
        }
    }

    /// The answers of Cleo to the letter, in one page of these posts.
    fn read(posts: Vec<Value>) -> Answered {
        let (letters, cleo) = ([(letter(LETTER), false)], CLEO.into());
        let asked = asked(&letters, &cleo, None, 100);
        let account = AMBER.into();
        let mut reading = Reading::new(&account, &asked);
        reading.query().unwrap();
        reading.take(posts, None);
        reading.finish()
    }

    fn only(post: Value) -> Answer {
        let mut answered = read(vec![post]);
        assert_eq!(answered.answers.len(), 1, "{answered:?}");
        answered.answers.pop().unwrap()
    }

    /// The sample of `post.reply.create` in X's documents.
    fn sample_reply() -> Value {
        json!({
            "paid_partnership": false,
            "created_at": "2026-08-12T18:00:00.000Z",
            "edit_history_tweet_ids": ["2090000000000000001"],
            "conversation_id": LETTER,
            "in_reply_to_tweet_id": LETTER,
            "in_reply_to_user_id": AMBER,
            "referenced_tweets": [{ "type": "replied_to", "id": LETTER }],
            "display_text_range": [14, 45],
            "text": "@ExampleUser Great post — thanks for sharing!",
            "entities": { "mentions": [{
                "start": 0, "start_str": "0", "end": 12, "end_str": "12",
                "username": "ExampleUser", "id": AMBER,
            }] },
            "author_id": CLEO,
            "possibly_sensitive": false,
            "reply_settings": "everyone",
            "id": "2090000000000000001",
            "lang": "en",
        })
    }

    /// The sample of `post.quote.create`.
    fn sample_quote() -> Value {
        json!({
            "created_at": "2026-08-12T18:05:00.000Z",
            "edit_history_tweet_ids": ["2090000000000000002"],
            "conversation_id": "2090000000000000002",
            "referenced_tweets": [{ "type": "quoted", "id": LETTER }],
            "display_text_range": [0, 29],
            "text": "Adding some context to this. https://t.co/xxxxxxxx",
            "entities": { "urls": [{
                "start": 29, "start_str": "29", "end": 52, "end_str": "52",
                "url": "https://t.co/xxxxxxxx",
                "expanded_url": "https://twitter.com/ExampleUser/status/2080761390344937796",
                "display_url": "x.com/ExampleUser/st…",
            }] },
            "author_id": CLEO,
            "possibly_sensitive": false,
            "id": "2090000000000000002",
            "lang": "en",
        })
    }

    /// The post with the field names of X's OpenAPI document.
    fn renamed(post: Value) -> Value {
        let text = post.to_string();
        let text = text
            .replace("referenced_tweets", "referenced_posts")
            .replace("edit_history_tweet_ids", "edit_history_post_ids");
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn the_documented_reply_and_quote_are_read_in_both_namings() {
        for name in [|post| post, renamed] {
            let reply = only(name(sample_reply()));
            assert_eq!(reply.text, "Great post — thanks for sharing!");
            assert_eq!(reply.author, *CLEO);
            assert_eq!(reply.to, LETTER);
            assert_eq!(reply.version, "2090000000000000001");
            assert_eq!(reply.post.reference, reply.version);
            let page = "https://x.com/i/web/status/2090000000000000001";
            assert_eq!(reply.post.url.as_deref(), Some(page));
            assert_eq!(reply.at.to_string(), "2026-08-12T18:00:00Z");
            assert_eq!(reply.mark, None);
            assert!(!reply.invites_reply, "the mention is X's own");

            let quote = only(name(sample_quote()));
            assert_eq!(quote.text, "Adding some context to this.");
            assert!(quote.invites_reply);
        }
    }

    #[test]
    fn a_mention_that_was_typed_invites_a_reply() {
        let mut post = sample_reply();
        post["text"] = json!("@ExampleUser 💛👩\u{200d}🎤 cats &amp; dogs, @exampleuser!");
        post["display_text_range"] = json!([13, 41]);
        post["entities"]["mentions"] = json!([
            { "start": 0, "end": 12, "username": "ExampleUser", "id": AMBER },
            { "start": 35, "end": 47, "username": "exampleuser", "id": AMBER },
        ]);
        post["possibly_sensitive"] = json!(true);
        let answer = only(post.clone());
        assert_eq!(answer.text, "💛👩\u{200d}🎤 cats & dogs, !");
        assert!(answer.invites_reply);
        assert_eq!(answer.mark.as_deref(), Some("marked as possibly sensitive"));

        // Without a range, only what stands behind the mentions at the beginning was surely typed.
        post.as_object_mut().unwrap().remove("display_text_range");
        assert!(only(post.clone()).invites_reply);
        post["entities"]["mentions"].as_array_mut().unwrap().pop();
        assert!(!only(post).invites_reply);
    }

    #[test]
    fn an_answer_is_deeper_in_the_thread_too_and_other_posts_and_people_are_left_out() {
        let mut deeper = sample_reply();
        deeper["referenced_tweets"][0]["id"] = json!("2090000000000000000");
        assert_eq!(only(deeper).to, LETTER);
        let mut elsewhere = sample_reply();
        elsewhere["conversation_id"] = json!("9");
        elsewhere["referenced_tweets"][0]["id"] = json!("9");
        let mut others = sample_reply();
        others["author_id"] = json!("3");
        let answered = read(vec![elsewhere, others]);
        assert_eq!(answered.answers, []);
        assert_eq!(answered.billed, 2);
        assert_eq!(answered.up_to.as_deref(), Some("2090000000000000001"));
    }

    #[test]
    fn a_post_that_cannot_be_read_hides_no_other() {
        let mut newest = sample_reply();
        newest["id"] = json!("2090000000000000009");
        newest["created_at"] = json!("soon");
        let answered = read(vec![newest, json!(7), sample_reply()]);
        assert_eq!(answered.answers.len(), 1);
        assert_eq!(answered.billed, 3);
        assert_eq!(answered.up_to.as_deref(), Some("2090000000000000009"));
    }

    #[test]
    fn the_list_is_read_from_the_place_before_or_from_a_new_letter() {
        let cleo = CLEO.into();
        let from = |letters: &[(&str, bool)], up_to| {
            let letters: Vec<(Receipt, bool)> = letters
                .iter()
                .map(|(id, is_new)| (letter(id), *is_new))
                .collect();
            since(&asked(&letters, &cleo, up_to, 100)).map(str::to_owned)
        };
        let some = |id: &str| Some(id.to_owned());
        assert_eq!(from(&[("900", false), ("1000", true)], None), some("900"));
        assert_eq!(from(&[("900", false)], Some("1000")), some("1000"));
        assert_eq!(from(&[("900", true)], Some("1000")), some("900"));
        assert_eq!(from(&[("1100", true)], Some("1000")), some("1000"));
        assert_eq!(from(&[("900", false)], Some("?")), some("900"));
        assert_eq!(from(&[("https://x.com/amber", true)], Some("1000")), None);
        assert_eq!(from(&[], Some("1000")), None);
        // Numbers that a float would hold as one.
        let (one, other) = ("18446744073709551614", "18446744073709551615");
        assert_eq!(from(&[(other, false), (one, false)], None), some(one));
    }

    #[test]
    fn pages_are_read_to_the_end_and_no_more_posts_than_may_be() {
        let post = |id: u64| json!({ "id": id.to_string() });
        let (letters, cleo) = ([(letter("9"), false)], CLEO.into());
        let account = AMBER.into();
        let more = || Some(Cursor("more".to_owned()));

        let whole = asked(&letters, &cleo, Some("10"), 100);
        let mut reading = Reading::new(&account, &whole);
        let first = reading.query().unwrap();
        assert_eq!(
            first[..2],
            [
                ("max_results", "100".to_owned()),
                ("since_id", "10".to_owned()),
            ]
        );
        assert_eq!(first.len(), 3);
        reading.take(vec![post(200), post(110)], more());
        let second = reading.query().unwrap();
        assert_eq!(second[0].1, "98");
        assert_eq!(second[3], ("pagination_token", "more".to_owned()));
        reading.take(vec![post(90)], None);
        assert!(reading.query().is_none());
        let answered = reading.finish();
        assert_eq!(
            (answered.up_to.as_deref(), answered.billed),
            (Some("200"), 3)
        );

        // What lies between was not read, so the next check must read it.
        let few = asked(&letters, &cleo, Some("10"), 7);
        let mut reading = Reading::new(&account, &few);
        assert_eq!(reading.query().unwrap()[0].1, "7");
        reading.take(vec![post(200), post(110), post(109)], more());
        assert!(reading.query().is_none(), "a page has five at least");
        let answered = reading.finish();
        assert_eq!(
            (answered.up_to.as_deref(), answered.billed),
            (Some("10"), 3)
        );

        // Nothing new, and a place that lies ahead of what a new letter asks again.
        for (posts, up_to) in [(vec![], "1000"), (vec![post(200)], "1000")] {
            let asked = asked(&letters, &cleo, Some("1000"), 100);
            let mut reading = Reading::new(&account, &asked);
            reading.query().unwrap();
            reading.take(posts, None);
            assert_eq!(reading.finish().up_to.as_deref(), Some(up_to));
        }
        let nothing = asked(&[], &cleo, Some("10"), 100);
        let mut reading = Reading::new(&account, &nothing);
        assert!(reading.query().is_none());
        assert_eq!(reading.finish().up_to.as_deref(), Some("10"));
    }
}
