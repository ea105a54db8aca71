//! Statuses as they are written: replies, quotes, edits, deletions, and who may read one.

use super::{
    state::{State, Status},
    text,
};
use crate::person::Person;

impl Status {
    /// The id, as it is written.
    pub(super) fn id(&self) -> String {
        self.number.to_string()
    }

    /// Whether `viewer` may read it; `None` is anyone without a token.
    pub(super) fn shows(&self, viewer: Option<&str>) -> bool {
        let open = matches!(self.visibility.as_str(), "public" | "unlisted");
        let involved = |viewer: &str| {
            self.author == viewer || self.mentions.iter().any(|mentioned| mentioned == viewer)
        };
        open || viewer.is_some_and(involved)
    }
}

impl State {
    /// Someone (by handle) mentions the first account, privately.
    pub(super) fn add_mention(&mut self, text: &str, from: &str) -> String {
        let author = self.writer(from);
        let id = self.add_status(&author, text, "direct", None);
        self.notify("mention", author, Some(id.clone()));
        id
    }

    /// Someone (by handle) replies to a status, as visibly as that is.
    pub(super) fn add_reply(&mut self, text: &str, from: &str, parent: &str) -> String {
        let author = self.writer(from);
        let visibility = self.status(parent).map(|it| it.visibility.clone());
        let visibility = visibility.unwrap_or_else(|| "public".to_owned());
        // Without the mention a private reply reaches nobody.
        let text = if visibility == "direct" && !self.mentions_account(text) {
            format!("@{} {text}", self.handle_of_account())
        } else {
            text.to_owned()
        };
        let id = self.add_status(&author, &text, &visibility, Some(parent.to_owned()));
        if self.mentions_account(&text) {
            self.notify("mention", author, Some(id.clone()));
        }
        id
    }

    /// Someone (by handle) quotes a status.
    pub(super) fn add_quoting(&mut self, text: &str, from: &str, quoted: &str) -> String {
        let author = self.writer(from);
        let id = self.add_status(&author, text, "public", None);
        if let Some(status) = self.statuses.iter_mut().find(|it| it.id() == id) {
            status.quotes = Some(quoted.to_owned());
        }
        self.notify("quote", author, Some(id.clone()));
        id
    }

    fn handle_of_account(&self) -> String {
        let actor = self.actors.get(&self.first_account());
        actor.map_or_else(String::new, |it| it.person.handle.clone())
    }

    fn mentions_account(&self, text: &str) -> bool {
        self.mentioned(text).contains(&self.first_account())
    }

    /// The ids of the actors whom a text mentions.
    fn mentioned(&self, text: &str) -> Vec<String> {
        text::mentions(text)
            .iter()
            .filter_map(|mention| self.id_of(mention.handle))
            .collect()
    }

    /// The id of whoever has that handle. If nobody has it, it is a stranger's from now on.
    fn writer(&mut self, handle: &str) -> String {
        self.id_of(handle).unwrap_or_else(|| {
            let mut person = Person::fan(0, self.clock.now());
            person.id = format!("77{}", self.next_serial());
            person.handle = handle.to_owned();
            self.add_actor(person)
        })
    }

    pub(super) fn add_status(
        &mut self,
        author: &str,
        text: &str,
        visibility: &str,
        reply_to: Option<String>,
    ) -> String {
        // As on Mastodon, an older status has a smaller number.
        let number = 112_000_000_000_000_000 + self.next_serial();
        let parent = reply_to.as_deref().and_then(|id| self.status(id));
        let reply_to_account = parent.and_then(|parent| match &parent.reply_to {
            Some(_) if parent.author == author => parent.reply_to_account.clone(),
            _ => Some(parent.author.clone()),
        });
        self.statuses.push(Status {
            number,
            author: author.to_owned(),
            text: text.to_owned(),
            visibility: visibility.to_owned(),
            mentions: self.mentioned(text),
            reply_to,
            reply_to_account,
            quotes: None,
            sensitive: false,
            spoiler_text: String::new(),
            at: self.clock.now(),
            edited_at: None,
        });
        number.to_string()
    }

    pub(super) fn status(&self, id: &str) -> Option<&Status> {
        self.statuses.iter().find(|status| status.id() == id)
    }

    /// Deletes a status; `false` if there is none with that id. Replies to it reply to nothing afterwards.
    pub(super) fn remove_status(&mut self, id: &str) -> bool {
        let before = self.statuses.len();
        self.statuses.retain(|status| status.id() != id);
        self.notifications
            .retain(|one| one.status.as_deref() != Some(id));
        for status in &mut self.statuses {
            if status.reply_to.as_deref() == Some(id) {
                status.reply_to = None;
            }
        }
        self.statuses.len() < before
    }

    /// Changes a text; the id stays.
    pub(super) fn rewrite(&mut self, id: &str, text: &str) -> String {
        let (now, mentions) = (self.clock.now(), self.mentioned(text));
        if let Some(status) = self.statuses.iter_mut().find(|it| it.id() == id) {
            status.text = text.to_owned();
            status.mentions = mentions;
            status.edited_at = Some(now);
        }
        id.to_owned()
    }
}
