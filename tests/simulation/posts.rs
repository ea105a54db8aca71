//! What people write under the invitations, and what the network tells of it.

use have_a_hug::network::{Answered, Asked};
use jiff::Timestamp;
use promise::{account::NetworkName, answer::Answer, letter::Receipt};

use super::history::Says;

pub struct Posts {
    network: NetworkName,
    pub all: Vec<Post>,
    /// How many texts were written.
    written: u64,
}

/// One post, with all that it ever said, the oldest first.
pub struct Post {
    pub author: String,
    /// The reference of the invitation that it answers.
    pub to: String,
    is_deleted: bool,
    pub texts: Vec<Text>,
}

#[derive(Clone, Debug)]
pub struct Text {
    /// The id of the post since it says so.
    pub id: String,
    /// What tells this text from every other.
    pub version: String,
    pub says: Says,
    pub words: String,
    /// Its place in the order of all that was written.
    place: u64,
    pub at: Timestamp,
}

impl Post {
    /// What it says now; `None` where it is deleted.
    pub fn shown(&self) -> Option<&Text> {
        self.texts.last().filter(|_| !self.is_deleted)
    }
}

impl Posts {
    pub fn new(network: NetworkName) -> Self {
        Self {
            network,
            all: Vec::new(),
            written: 0,
        }
    }

    /// Somebody writes under the invitation with that reference.
    pub fn write(&mut self, author: String, to: &str, says: Says, now: Timestamp) -> String {
        let text = self.text(says, None, now);
        let line = format!("{author} writes under invitation {to}: {}", text.words);
        self.all.push(Post {
            author,
            to: to.to_owned(),
            is_deleted: false,
            texts: vec![text],
        });
        line
    }

    /// One of the last posts says something else now.
    pub fn edit(&mut self, pick: usize, says: Says, now: Timestamp) -> Option<String> {
        let place = self.one_of_the_last(pick)?;
        // Only on Mastodon it keeps its id.
        let keeps_id = self.network == NetworkName::Mastodon;
        let before = self.all[place].texts.last().filter(|_| keeps_id);
        let id = before.map(|text| text.id.clone());
        let text = self.text(says, id, now);
        let post = &mut self.all[place];
        let line = format!("{} writes instead: {}", post.author, text.words);
        post.texts.push(text);
        Some(line)
    }

    pub fn delete(&mut self, pick: usize) -> Option<String> {
        let place = self.one_of_the_last(pick)?;
        let post = &mut self.all[place];
        post.is_deleted = true;
        let words = &post.texts.last()?.words;
        Some(format!("{} deletes: {words}", post.author))
    }

    fn one_of_the_last(&self, pick: usize) -> Option<usize> {
        let there = (0..self.all.len()).rev();
        let there = there.filter(|post| self.all[*post].shown().is_some());
        let there: Vec<usize> = there.take(8).collect();
        there.get(pick.checked_rem(there.len())?).copied()
    }

    fn text(&mut self, says: Says, id: Option<String>, at: Timestamp) -> Text {
        self.written += 1;
        let place = self.written;
        // The numbers of posts are larger than those of letters, as on X those of answers.
        let new = (1_000_000 + place).to_string();
        Text {
            version: id
                .as_ref()
                .map_or_else(|| new.clone(), |id| format!("{id}@{place}")),
            id: id.unwrap_or(new),
            says,
            words: match says {
                Says::Clean | Says::Marked => format!("a song about boat number {place}"),
                Says::Dirty => format!("a song about example.com/{place}"),
                Says::Stop => "Stop!".to_owned(),
                Says::Nothing => "@amber".to_owned(),
            },
            place,
            at,
        }
    }

    /// Whether the post with that id, as one of its texts had it, is not deleted.
    pub fn is_there(&self, id: &str) -> bool {
        let has_id = |post: &&Post| post.texts.iter().any(|text| text.id == id);
        let mut posts = self.all.iter();
        posts
            .find(has_id)
            .is_some_and(|post| post.shown().is_some())
    }

    /// The post that had that text, and the text.
    pub fn with_version(&self, version: &str) -> Option<(&Post, &Text)> {
        self.all.iter().find_map(|post| {
            let mut texts = post.texts.iter();
            let text = texts.find(|text| text.version == version)?;
            Some((post, text))
        })
    }

    /// Whether that person ever said stop under that invitation.
    pub fn says_stop(&self, author: &str, to: &str) -> bool {
        self.all.iter().any(|post| {
            let stops = |text: &Text| text.says == Says::Stop;
            post.author == author && post.to == to && post.texts.iter().any(stops)
        })
    }

    /// The answers as the network tells them: X in one list of all, of which only the new part is read; the others letter
    /// by letter. What other people wrote is in it too.
    pub fn answers(&self, asked: &Asked<'_>) -> Answered {
        let is_list = self.network == NetworkName::X;
        let letter_of = |post: &Post| {
            let mut letters = asked.letters.iter();
            letters.find(|letter| letter.receipt.reference == post.to && (is_list || letter.is_due))
        };
        let read_to = asked.up_to.map(|up_to| up_to.parse::<u64>().unwrap());
        let all = read_to.is_none() || asked.letters.iter().any(|letter| letter.is_new);
        let since = read_to.filter(|_| !all).unwrap_or(0);
        let shown = self.all.iter().filter_map(|post| {
            let text = post.shown()?;
            let is_read = if is_list {
                text.place > since
            } else {
                letter_of(post).is_some()
            };
            is_read.then_some((post, text))
        });
        let mut shown: Vec<(&Post, &Text)> = shown.collect();
        // The list has the newest first.
        shown.sort_by_key(|(_, text)| std::cmp::Reverse(text.place));
        let most = usize::try_from(asked.most).unwrap_or(usize::MAX);
        let has_all = !is_list || shown.len() <= most;
        if is_list {
            shown.truncate(most);
        }
        let newest = shown.first().map(|(_, text)| text.place);
        let up_to = newest.max(read_to).filter(|_| has_all).or(read_to);
        let answers = shown
            .iter()
            .filter(|(post, _)| letter_of(post).is_some())
            .map(|(post, text)| answer(post, text));
        Answered {
            answers: answers.collect(),
            up_to: up_to.filter(|_| is_list).map(|place| place.to_string()),
            billed: if is_list { shown.len() as u64 } else { 0 },
        }
    }
}

fn answer(post: &Post, text: &Text) -> Answer {
    Answer {
        author: post.author.as_str().into(),
        to: post.to.clone(),
        post: Receipt {
            reference: text.id.clone(),
            url: None,
            reply_key: None,
        },
        version: text.version.clone(),
        text: text.words.clone(),
        at: text.at,
        mark: (text.says == Says::Marked).then(|| "marked as sensitive".to_owned()),
        invites_reply: true,
    }
}
