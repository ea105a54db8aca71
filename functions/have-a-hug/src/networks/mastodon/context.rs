//! The answers to a status: everything below it in its thread.

use jiff::Timestamp;
use promise::{answer::Answer, letter::Receipt};
use serde::Deserialize;
use serde_json::Value;

use super::{
    super::words::{tidy, without_mentions},
    html,
    wire::{id, is_page},
};
use crate::network::{AskedLetter, text_if_plain};

/// What is above a status in its thread, which is not read, and below it.
#[derive(Deserialize)]
pub(super) struct Context {
    descendants: Vec<Value>,
}

/// A status of somebody.
#[derive(Debug, Deserialize)]
pub(super) struct Reply {
    #[serde(deserialize_with = "id")]
    id: String,
    account: Author,
    content: Option<String>,
    created_at: Timestamp,
    /// `None` where it was never edited.
    #[serde(default)]
    edited_at: Option<Timestamp>,
    #[serde(default, deserialize_with = "text_if_plain")]
    url: Option<String>,
    #[serde(default, deserialize_with = "text_if_plain")]
    visibility: Option<String>,
    mentions: Option<Vec<Mentioned>>,
    sensitive: Option<bool>,
    spoiler_text: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Author {
    #[serde(deserialize_with = "id")]
    id: String,
}

#[derive(Debug, Deserialize)]
struct Mentioned {
    username: String,
}

impl Context {
    /// The statuses of the letter's follower, also those deeper in the thread. One that cannot be read must not hide the
    /// others.
    pub(super) fn answers(self, letter: &AskedLetter<'_>) -> Vec<Answer> {
        let is_theirs = |status: &Value| {
            let author = status["account"]["id"].as_str();
            author.is_some_and(|author| *letter.follower == *author)
        };
        let read = |status| match serde_json::from_value::<Reply>(status) {
            Ok(reply) => Some(reply.into_answer(&letter.receipt.reference)),
            Err(error) => {
                tracing::warn!(%error, "a status that cannot be read is left out");
                None
            }
        };
        let theirs = self.descendants.into_iter().filter(is_theirs);
        theirs.filter_map(read).collect()
    }
}

impl Reply {
    pub(super) fn into_answer(self, to: &str) -> Answer {
        let content = html::plain(self.content.as_deref().unwrap_or_default());
        let mentions = self.mentions.as_deref();
        let words = without_mentions(&content, |text| handle_length(text, mentions));
        let has_warning = self
            .spoiler_text
            .is_some_and(|text| !text.trim().is_empty());
        Answer {
            text: tidy(&words),
            author: self.account.id.into(),
            to: to.to_owned(),
            // An edit keeps the id.
            version: match self.edited_at {
                Some(edited_at) => format!("{} {edited_at}", self.id),
                None => self.id.clone(),
            },
            post: Receipt {
                reference: self.id,
                url: self.url.filter(is_page),
                reply_key: self.visibility,
            },
            at: self.edited_at.unwrap_or(self.created_at),
            mark: (self.sensitive == Some(true) || has_warning)
                .then(|| "marked as sensitive".to_owned()),
            // Whoever answers has asked for an interaction.
            invites_reply: true,
        }
    }
}

/// How many bytes at the beginning of a text mention somebody: `amber`, or `amber@server.example`. Without the server's
/// own list of mentions every word that can be a name is one.
fn handle_length(text: &str, mentions: Option<&[Mentioned]>) -> usize {
    let in_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let name = match mentions {
        Some(mentions) => mentions
            .iter()
            .map(|one| one.username.as_str())
            .filter(|name| {
                let begins = text.get(..name.len());
                let begins = begins.is_some_and(|begin| begin.eq_ignore_ascii_case(name));
                // A dot or dash can be in a name, but not at its end.
                let goes_on = |rest: &str| rest.trim_start_matches(['.', '-']).starts_with(in_name);
                begins && !goes_on(&text[name.len()..])
            })
            .map(str::len)
            .max()
            .unwrap_or(0),
        None => text.find(|c| !in_name(c)).unwrap_or(text.len()),
    };
    let server = text[name..].strip_prefix('@').filter(|_| name > 0);
    name + server.map_or(0, |server| {
        let in_server = |c: char| c.is_alphanumeric() || ".-".contains(c);
        let end = server.find(|c| !in_server(c)).unwrap_or(server.len());
        let server = server[..end].trim_end_matches(['.', '-']);
        if server.is_empty() {
            0
        } else {
            1 + server.len()
        }
    })
}

#[cfg(any(test, fuzzing))]
pub(super) fn assert_invariants(response: &crate::http::Response) {
    use super::super::words::fit::{asked, assert_answers, receipt};

    let letter = receipt("112");
    let follower = "7".into();
    let asked = asked(&letter, &follower);
    if let Ok(context) = response.json::<Context>() {
        let answers = context.answers(&asked.letters[0]);
        assert_answers(&answers, &letter.reference);
    }
    if let Ok(reply) = response.json::<Reply>() {
        assert_answers(&[reply.into_answer(&letter.reference)], &letter.reference);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn status(content: &str) -> Value {
        json!({
            "id": "113",
            "created_at": "2026-11-22T14:00:00.000Z",
            "in_reply_to_id": "112",
            "in_reply_to_account_id": "1",
            "sensitive": false,
            "spoiler_text": "",
            "visibility": "direct",
            "url": "https://far.example/@cleo/113",
            "edited_at": null,
            "content": content,
            "account": { "id": "7", "username": "cleo", "acct": "cleo@far.example" },
            "mentions": [
                { "id": "1", "username": "amber", "acct": "amber", "url": "https://m.example/@amber" },
                { "id": "2", "username": "bea.b", "acct": "bea.b@far.example", "url": "https://far.example/@bea.b" },
            ],
        })
    }

    fn heard(descendants: &[Value]) -> Vec<Answer> {
        let receipt = Receipt {
            reference: "112".to_owned(),
            url: None,
            reply_key: None,
        };
        let letter = AskedLetter {
            receipt: &receipt,
            follower: &"7".into(),
            is_new: false,
            is_due: true,
        };
        let context = json!({ "ancestors": [], "descendants": descendants });
        let context: Context = serde_json::from_value(context).unwrap();
        context.answers(&letter)
    }

    const HTML: &str = r#"<p><span class="h-card"><a href="https://m.example/@amber" class="u-url mention">@<span>amber</span></a></span> Cats &amp; dogs</p><p>please</p>"#;

    #[test]
    fn an_answer_is_read_without_mentions_and_markup() {
        let expected = Answer {
            author: "7".into(),
            to: "112".to_owned(),
            post: Receipt {
                reference: "113".to_owned(),
                url: Some("https://far.example/@cleo/113".to_owned()),
                reply_key: Some("direct".to_owned()),
            },
            version: "113".to_owned(),
            text: "Cats & dogs please".to_owned(),
            at: "2026-11-22T14:00:00Z".parse().unwrap(),
            mark: None,
            invites_reply: true,
        };
        assert_eq!(heard(&[status(HTML)]), [expected]);
    }

    #[test]
    fn an_edit_is_another_version_and_a_warning_is_a_mark() {
        let mut edited = status(HTML);
        edited["edited_at"] = json!("2026-11-22T15:00:00.000Z");
        edited["spoiler_text"] = json!("rats");
        let mut sensitive = status(HTML);
        sensitive["sensitive"] = json!(true);
        let answers = heard(&[edited, sensitive]);
        assert_eq!(answers[0].version, "113 2026-11-22T15:00:00Z");
        for answer in answers {
            assert_eq!(answer.mark.as_deref(), Some("marked as sensitive"));
        }
    }

    #[test]
    fn other_people_and_what_cannot_be_read_are_left_out() {
        let mut others = status(HTML);
        others["account"]["id"] = json!("8");
        let mut broken = status(HTML);
        broken["created_at"] = json!("soon");
        assert_eq!(heard(&[others, broken, json!(7), status(HTML)]).len(), 1);
    }

    #[test]
    fn only_those_are_taken_out_who_are_mentioned() {
        let text = |content: &str| heard(&[status(content)]).pop().unwrap().text;
        for (content, words) in [
            ("<p>@amber: cats</p>", "cats"),
            ("<p>@Amber@m.example. Cats</p>", ". Cats"),
            (
                "<p>@bea.b@far.example cats @home @amber2 @bea.bee</p>",
                "cats @home @amber2 @bea.bee",
            ),
            (
                "<p>cats@amber @amber-2 @amber-</p>",
                "cats@amber @amber-2 -",
            ),
            ("<p>@amberさん 猫</p>", "さん 猫"),
            ("", ""),
        ] {
            assert_eq!(text(content), words, "{content}");
        }
        let mut unsaid = status("<p>@cleo @dan@far.example cats</p>");
        unsaid.as_object_mut().unwrap().remove("mentions");
        assert_eq!(heard(&[unsaid])[0].text, "cats");
    }
}
