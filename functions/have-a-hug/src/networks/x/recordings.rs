//! The answers of the real X, read by our types. They are not in this repository: tweepy's cassettes, a file each with
//! the request, the status and the body, in the folder that `X_RECORDINGS` names.

use std::{collections::BTreeMap, fs};

use serde_json::{Value, json};

use super::{
    answers::Reading,
    wire::{List, Written},
};
use crate::network::{Asked, AskedLetter};

#[test]
#[ignore = "needs recordings: tweepy's cassettes as JSON, in the folder X_RECORDINGS"]
fn what_the_real_x_answered_is_read_without_loss() {
    let Ok(folder) = std::env::var("X_RECORDINGS") else {
        println!("not run: X_RECORDINGS is not set");
        return;
    };
    let mut read = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let recording: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        let uri = recording["request"]["uri"].as_str().unwrap();
        let place = uri.split('?').next().unwrap_or_default();
        let kind = ["/mentions", "/quote_tweets", "/search/recent", "/tweets"]
            .into_iter()
            .find(|end| place.ends_with(end));
        let is_list = recording["body"]["meta"].is_object();
        if let (Some(kind), true) = (kind, is_list) {
            posts(&recording["body"]);
            *read.entry(kind).or_insert(0) += 1;
        }
    }
    for (kind, number) in &read {
        println!("{number:6} {kind}");
    }
    for kind in ["/mentions", "/quote_tweets"] {
        assert!(read.contains_key(kind), "no answer of {kind} at all");
    }
}

/// Reads a page as one of mentions. The recordings have only the fields that X gives unasked, so those that this client
/// asks for are added.
fn posts(body: &Value) {
    let list: List<Written> = serde_json::from_value(body.clone()).unwrap();
    let (written, meta) = (list.data.unwrap(), list.meta.unwrap());
    let next = meta.next_token;
    assert_eq!(
        body["meta"]["next_token"].as_str(),
        next.as_ref().map(|next| next.0.as_str())
    );
    let mut posts = body["data"].as_array().unwrap().clone();
    assert_eq!(body["meta"]["result_count"], json!(posts.len()));
    assert_eq!(written.len(), posts.len());
    for (post, written) in posts.iter_mut().zip(&written) {
        assert_eq!(post["id"], json!(written.id));
        post["author_id"] = json!("2");
        post["created_at"] = json!("2022-10-07T22:43:18.000Z");
        post["conversation_id"] = json!("7");
    }
    let (letter, cleo, amber) = (receipt(), "2".into(), "1".into());
    let asked = Asked {
        letters: vec![AskedLetter {
            receipt: &letter,
            follower: &cleo,
            is_new: true,
            is_due: true,
        }],
        up_to: None,
        most: 1_000,
        thorough: false,
    };
    let mut reading = Reading::new(&amber, &asked);
    reading.query().unwrap();
    reading.take(posts.clone(), None);
    let answered = reading.finish();
    assert_eq!(answered.answers.len(), posts.len());
    if let Some(newest) = body["meta"]["newest_id"].as_str() {
        assert_eq!(answered.up_to.as_deref(), Some(newest));
    }
    for (answer, post) in answered.answers.iter().zip(&posts) {
        assert_eq!(json!(answer.version), post["id"]);
        // A word that is no mention is there still.
        let text = post["text"].as_str().unwrap();
        let mut words = text.split_whitespace();
        let word = words.find(|word| word.chars().all(char::is_alphanumeric));
        assert!(word.is_none_or(|word| answer.text.contains(word)), "{text}");
        assert!(!answer.text.contains("&amp;"), "{text}");
    }
}

fn receipt() -> promise::letter::Receipt {
    promise::letter::Receipt {
        reference: "7".to_owned(),
        url: None,
        reply_key: None,
    }
}
