//! Posts as they are written: replies, quotes, edits, deletions, and whom a post addresses.

use super::{
    state::{Posted, State},
    text::{mentioned, mentions},
};
use crate::{backend::Post, person::Person};

impl Posted {
    /// The text with what X puts before it.
    pub(super) fn whole(&self) -> String {
        format!("{}{}", self.implicit, self.post.text)
    }
}

impl State {
    /// Someone (by handle) mentions the first account.
    pub(super) fn add_mention(&mut self, text: &str, from: &str) -> String {
        let handle = self.handle_of(&self.first_account());
        let text = if mentions(text, &handle) {
            text.to_owned()
        } else {
            format!("@{handle} {text}")
        };
        let author = self.writer(from);
        self.add_post(author, text, None)
    }

    /// Someone (by handle) replies to a post.
    pub(super) fn add_reply(&mut self, text: &str, from: &str, to_post: &str) -> String {
        let author = self.writer(from);
        self.add_post(author, text.to_owned(), Some(to_post.to_owned()))
    }

    /// Someone (by handle) quotes a post. As on X, the text ends with a link to it.
    pub(super) fn quote_post(&mut self, text: &str, from: &str, quoted: &str) -> String {
        let author = self.writer(from);
        let text = self.with_quote(text, quoted);
        let id = self.add_post(author, text, None);
        if let Some(posted) = self.posts.iter_mut().find(|it| it.post.id == id) {
            posted.quotes = Some(quoted.to_owned());
        }
        id
    }

    fn with_quote(&self, text: &str, quoted: &str) -> String {
        let author = self.post(quoted).map(|it| self.handle_of(&it.post.author));
        let handle = author.unwrap_or_default();
        format!("{text} https://x.com/{handle}/status/{quoted}")
    }

    /// The id of whoever has that handle. If nobody has it, it is a stranger's from now on.
    pub(super) fn writer(&mut self, handle: &str) -> String {
        self.id_of(handle).unwrap_or_else(|| {
            let mut person = Person::fan(0, self.clock.now());
            person.id = self.next_id().to_string();
            person.handle = handle.to_owned();
            let id = person.id.clone();
            self.add_user(person, false);
            id
        })
    }

    pub(super) fn add_post(
        &mut self,
        author: String,
        text: String,
        reply_to: Option<String>,
    ) -> String {
        let number = self.next_id();
        let id = number.to_string();
        let parent = reply_to.as_deref().and_then(|id| self.post(id));
        let implicit = parent.map_or_else(String::new, |it| self.implicit(&author, &text, it));
        let conversation = match (parent, &reply_to) {
            (Some(parent), _) => parent.conversation.clone(),
            (None, Some(gone)) => gone.clone(),
            (None, None) => id.clone(),
        };
        let replies_to_user = parent.map(|it| it.post.author.clone());
        let post = Post {
            id: id.clone(),
            author,
            text,
            at: self.clock.now(),
            reply_to,
            link: None,
            visibility: None,
        };
        self.posts.push(Posted {
            number,
            post,
            implicit,
            conversation,
            replies_to_user,
            quotes: None,
            versions: vec![id.clone()],
        });
        id
    }

    /// The mentions that X puts before a reply: of the author replied to and of whom that author
    /// mentions, without those whom the text itself mentions.
    fn implicit(&self, author: &str, text: &str, parent: &Posted) -> String {
        let mut named = vec![self.handle_of(&parent.post.author)];
        named.extend(mentioned(&parent.whole()));
        let mut before = String::new();
        for handle in named {
            let Some(person) = self.id_of(&handle) else {
                continue;
            };
            if person != author && !mentions(text, &handle) && !mentions(&before, &handle) {
                before.push_str(&format!("@{} ", self.handle_of(&person)));
            }
        }
        before
    }

    /// Deletes a post; `false` if there is none with that id.
    pub(super) fn remove_post(&mut self, id: &str) -> bool {
        let before = self.posts.len();
        self.posts.retain(|it| it.post.id != id);
        self.posts.len() < before
    }

    /// Changes a text as X does: the post goes, and a new one with another id and the history of both
    /// is there. Nothing happens if there is no such post.
    pub(super) fn rewrite(&mut self, id: &str, text: &str) -> String {
        let Some(at) = self.posts.iter().position(|it| it.post.id == id) else {
            return id.to_owned();
        };
        let mut posted = self.posts.remove(at);
        posted.number = self.next_id();
        let new = posted.number.to_string();
        let quoted = posted.quotes.as_deref();
        let text = quoted.map_or_else(|| text.to_owned(), |it| self.with_quote(text, it));
        let parent = posted.post.reply_to.as_deref().and_then(|it| self.post(it));
        if let Some(parent) = parent {
            posted.implicit = self.implicit(&posted.post.author, &text, parent);
        }
        posted.post.text = text;
        posted.post.id.clone_from(&new);
        posted.post.at = self.clock.now();
        posted.versions.push(new.clone());
        self.posts.push(posted);
        new
    }

    pub(super) fn post(&self, id: &str) -> Option<&Posted> {
        self.posts.iter().find(|posted| posted.post.id == id)
    }

    /// Whether the author is there, and not suspended.
    pub(super) fn is_seen(&self, posted: &Posted) -> bool {
        let author = self.users.get(&posted.post.author);
        author.is_some_and(|user| !user.person.hidden)
    }

    fn quotes_account(&self, posted: &Posted, account: &str) -> bool {
        let quoted = posted.quotes.as_deref().and_then(|id| self.post(id));
        quoted.is_some_and(|quoted| quoted.post.author == account)
    }

    /// Whether a post is among the mentions of `account`: it mentions it, be it only because it replies
    /// to it, or quotes it.
    pub(super) fn addresses(&self, posted: &Posted, account: &str) -> bool {
        posted.post.author != account
            && (mentions(&posted.whole(), &self.handle_of(account))
                || posted.replies_to_user.as_deref() == Some(account)
                || self.quotes_account(posted, account))
    }

    /// Whether the post lets `account` reply to it: its author has typed the mention, or quotes a post
    /// of the account.
    pub(super) fn summons(&self, posted: &Posted, account: &str) -> bool {
        mentions(&posted.post.text, &self.handle_of(account))
            || self.quotes_account(posted, account)
            || (self.implicit_mentions_summon && self.addresses(posted, account))
    }

    pub(super) fn has_addressed(&self, person: &str, account: &str) -> bool {
        self.posts
            .iter()
            .any(|posted| posted.post.author == person && self.addresses(posted, account))
    }
}
