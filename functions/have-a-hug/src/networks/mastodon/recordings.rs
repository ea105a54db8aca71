//! The answers of real servers, read by our types. They are not in this repository:
//! `infra/stand-ins/clients/mastodon_recordings.py` fetches them, and runs this on them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use reqwest::Url;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::{
    context::Reply,
    html,
    link::link_to,
    wire::{Account, Instance, Notification, Problem, Status},
};

/// One answer with what was asked.
#[derive(Deserialize)]
struct Recording {
    file: String,
    method: String,
    url: String,
    /// The text of the status that was sent, if one was.
    sent: Option<String>,
    status: u16,
    link: Option<String>,
    reset: Option<String>,
    body: Value,
}

/// How many there were of each kind, and what is wrong.
#[derive(Default)]
struct Tally {
    read: BTreeMap<&'static str, usize>,
    wrong: Vec<String>,
}

impl Tally {
    fn count(&mut self, kind: &'static str, of: &Recording, result: Result<(), String>) {
        *self.read.entry(kind).or_default() += 1;
        if let Err(why) = result {
            self.wrong.push(format!(
                "{kind} in {}, {} {}: {why}",
                of.file, of.method, of.url
            ));
        }
    }
}

#[test]
#[ignore = "needs recordings: infra/stand-ins/clients/mastodon_recordings.py"]
fn what_real_servers_answered_is_read_without_loss() {
    let Ok(file) = std::env::var("MASTODON_RECORDINGS") else {
        println!("not run: MASTODON_RECORDINGS is not set");
        return;
    };
    let recordings: Vec<Recording> = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    let mut tally = Tally::default();
    for one in &recordings {
        tally.count("answers", one, Ok(()));
        every_object(&one.body, &mut |object| entity(one, object, &mut tally));
        headers(one, &mut tally);
        whole(one, &mut tally);
    }
    for (kind, number) in &tally.read {
        println!("{number:6} {kind}");
    }
    let wrong = &tally.wrong;
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
    for kind in [
        "accounts",
        "notifications",
        "statuses",
        "links to a next page",
        "words that were sent",
    ] {
        assert!(tally.read.contains_key(kind), "no {kind} at all");
    }
}

fn every_object(value: &Value, visit: &mut impl FnMut(&Value)) {
    match value {
        Value::Array(list) => list.iter().for_each(|one| every_object(one, visit)),
        Value::Object(fields) => {
            visit(value);
            fields.values().for_each(|one| every_object(one, visit));
        }
        _ => {}
    }
}

/// Counts the object if this client reads its kind, which the documented fields identify.
fn entity(of: &Recording, object: &Value, tally: &mut Tally) {
    let has = |field: &str| object.get(field).is_some();
    if has("acct") && has("note") {
        tally.count("accounts", of, account(object));
    }
    if has("visibility") && has("content") && has("account") {
        tally.count("statuses", of, status(object));
        tally.count("statuses as answers", of, answer(object));
    }
    let notified = of.url.contains("/api/v1/notifications");
    if notified && has("type") && has("created_at") && has("id") && !has("acct") {
        tally.count("notifications", of, notification(object));
    }
}

fn read<T: DeserializeOwned>(object: &Value) -> Result<T, String> {
    serde_json::from_value(object.clone()).map_err(|error| error.to_string())
}

/// Compares every field that this client needs with the recording.
fn same(object: &Value, fields: &[(&str, Value)]) -> Result<(), String> {
    let null = Value::Null;
    for (field, ours) in fields {
        let theirs = object.get(field).unwrap_or(&null);
        // This client treats `false` and an absent field alike.
        let nothing = theirs.is_null() && (ours.is_null() || *ours == Value::Bool(false));
        if ours != theirs && !nothing {
            return Err(format!("{field} is {theirs}, read as {ours}"));
        }
    }
    Ok(())
}

fn account(object: &Value) -> Result<(), String> {
    let account: Account = read(object)?;
    same(
        object,
        &[
            ("id", json!(account.id)),
            ("username", json!(account.username)),
            ("acct", json!(account.acct)),
            ("display_name", json!(account.display_name)),
            ("note", json!(account.note)),
            ("avatar", json!(account.avatar)),
            ("created_at", json!(account.created_at)),
            ("followers_count", json!(account.followers_count)),
            ("following_count", json!(account.following_count)),
            ("statuses_count", json!(account.statuses_count)),
            ("bot", json!(account.bot)),
            ("group", json!(account.group)),
            ("suspended", json!(account.suspended)),
            ("limited", json!(account.limited)),
            ("memorial", json!(account.memorial)),
            ("hide_collections", json!(account.hide_collections)),
        ],
    )?;
    if account.moved.is_some() != object.get("moved").is_some_and(|moved| !moved.is_null()) {
        return Err("moved".into());
    }
    let (note, counts) = (
        account.note.clone(),
        [
            account.followers_count,
            account.following_count,
            account.statuses_count,
        ],
    );
    let follower = account.into_follower();
    if follower.created_at.is_none() {
        return Err(format!(
            "created_at is not a time: {}",
            object["created_at"]
        ));
    }
    let kept = [follower.followers, follower.following, follower.posts];
    if counts
        .iter()
        .zip(kept)
        .any(|(recorded, kept)| recorded.is_some_and(|n| n >= 0) != kept.is_some())
    {
        return Err(format!("of the numbers {counts:?} there is {kept:?}"));
    }
    if follower.has_picture.is_none() {
        return Err("no picture, and not none".into());
    }
    let bio = follower.bio.unwrap_or_default();
    let has_tags = ["<p", "</", "<br", "<a ", "<span"]
        .iter()
        .any(|tag| bio.contains(tag));
    if has_tags || (bio.is_empty() != html::plain(&note.unwrap_or_default()).trim().is_empty()) {
        return Err(format!("the note reads as {bio:?}"));
    }
    Ok(())
}

fn status(object: &Value) -> Result<(), String> {
    let status: Status = read(object)?;
    same(
        object,
        &[
            ("id", json!(status.id)),
            ("content", json!(status.content)),
            ("visibility", json!(status.visibility)),
        ],
    )?;
    same_time(object, status.created_at)?;
    let ids = |mentions: &Value| -> Vec<Value> {
        let list = mentions.as_array().into_iter().flatten();
        list.map(|mention| mention["id"].clone()).collect()
    };
    let ours = status.mentions.ok_or("no mentions")?;
    let ours: Vec<Value> = ours.into_iter().map(|mention| json!(mention.id)).collect();
    if ours != ids(&object["mentions"]) {
        return Err(format!("mentions are {}", object["mentions"]));
    }
    if status.reblog.is_some() == object["reblog"].is_null() {
        return Err("reblog".into());
    }
    Ok(())
}

fn answer(object: &Value) -> Result<(), String> {
    let reply: Reply = read(object)?;
    let answer = reply.into_answer("7");
    same(
        object,
        &[
            ("id", json!(answer.post.reference)),
            ("visibility", json!(answer.post.reply_key)),
        ],
    )?;
    same(&object["account"], &[("id", json!(answer.author))])?;
    same_time(object, answer.at)?;
    let is_marked = object["sensitive"] == true
        || object["spoiler_text"]
            .as_str()
            .is_some_and(|text| !text.trim().is_empty());
    if is_marked != answer.mark.is_some() {
        return Err(format!("the mark is {:?}", answer.mark));
    }
    let is_edited = object["edited_at"].is_string();
    if is_edited != answer.version.contains(' ') {
        return Err(format!("the version is {}", answer.version));
    }
    // Whoever is mentioned is not named any more.
    let mentions = object["mentions"].as_array().into_iter().flatten();
    let mut names = mentions.filter_map(|mention| mention["username"].as_str());
    let words: Vec<&str> = answer.text.split(' ').collect();
    match names.find(|name| words.contains(&format!("@{name}").as_str())) {
        Some(name) => Err(format!("@{name} is left in {:?}", answer.text)),
        None => Ok(()),
    }
}

fn notification(object: &Value) -> Result<(), String> {
    let notification: Notification = read(object)?;
    same(object, &[("type", json!(notification.kind))])?;
    same_time(object, notification.created_at)?;
    match (notification.account, object.get("account")) {
        (Some(ours), Some(theirs)) if ours.id == theirs["id"] => Ok(()),
        (None, None | Some(Value::Null)) => Ok(()),
        (_, theirs) => Err(format!("account is {theirs:?}")),
    }
}

fn same_time(object: &Value, ours: Timestamp) -> Result<(), String> {
    let recorded = object["created_at"].as_str().unwrap_or_default();
    match recorded.parse::<Timestamp>() {
        Ok(theirs) if theirs == ours => Ok(()),
        _ => Err(format!("created_at is {recorded:?}, read as {ours}")),
    }
}

fn headers(of: &Recording, tally: &mut Tally) {
    if let Some(link) = &of.link {
        let has_next = link.contains("rel=\"next\"");
        let next = link_to("next", link);
        let is_url = next.is_none_or(|next| Url::parse(next).is_ok());
        if has_next {
            let right = next.is_some_and(|next| link.contains(&format!("<{next}>; rel=\"next\"")));
            let result = (right && is_url).then_some(()).ok_or(link.clone());
            tally.count("links to a next page", of, result);
        } else if next.is_some() {
            tally.count("links to no next page", of, Err(link.clone()));
        }
    }
    if let Some(reset) = &of.reset {
        let time = reset.parse::<Timestamp>().map(|_| ());
        tally.count("resets of limits", of, time.map_err(|_| reset.clone()));
    }
}

/// What an answer as a whole is for.
fn whole(of: &Recording, tally: &mut Tally) {
    let path = of
        .url
        .split('?')
        .next()
        .unwrap_or_default()
        .trim_end_matches('/');
    let version = ["/api/v1/instance", "/api/v2/instance"];
    if of.status == 200 && version.iter().any(|end| path.ends_with(end)) {
        // Version 2 of Mastodon did not have this field: then the usual limit applies.
        match read::<Instance>(&of.body).map(|instance| instance.max_characters()) {
            Ok(Some(1..)) => tally.count("instance documents", of, Ok(())),
            Ok(None)
                if of.body["version"]
                    .as_str()
                    .is_some_and(|version| version.starts_with("2.")) =>
            {
                tally.count("instance documents without a limit", of, Ok(()));
            }
            other => tally.count("instance documents", of, Err(format!("{other:?}"))),
        }
    }
    if of.status >= 400 && of.body.is_object() {
        let words = read::<Problem>(&of.body).map(|problem| problem.words());
        let result = match words {
            Ok(words) if words != "no reason given" => Ok(()),
            other => Err(format!("{other:?}")),
        };
        tally.count("refusals", of, result);
    }
    let posted = of.method == "POST" && path.ends_with("/api/v1/statuses") && of.status == 200;
    if let (Some(sent), true, Some(content)) = (&of.sent, posted, of.body["content"].as_str()) {
        // Mastodon puts what is quoted before the words; an invitation quotes nothing.
        if content.contains("quote-inline") {
            return tally.count("statuses that quote", of, Ok(()));
        }
        let recognised = html::same_words(sent, content);
        let result = recognised
            .then_some(())
            .ok_or_else(|| format!("{sent:?} became {content:?}"));
        tally.count("words that were sent", of, result);
    }
}
