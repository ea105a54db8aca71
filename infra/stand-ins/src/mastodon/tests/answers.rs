//! Threads, and the replies in them.

use serde_json::{Value, json};

use super::{NOTIFICATIONS, STATUSES, State, token};
use crate::testing::{Outcome, Sandbox, TestError};

impl Sandbox<State> {
    /// Amber posts; the id of the status.
    async fn letter(&self, body: &Value) -> Result<String, TestError> {
        let made = self.post_as(&token(), body, "").await?;
        Ok(made.body["id"].as_str().unwrap_or_default().to_owned())
    }
}

fn context(id: &str) -> String {
    format!("{STATUSES}/{id}/context")
}

#[tokio::test]
async fn a_context_shows_the_thread_and_private_parts_only_to_who_is_in_them() -> Outcome {
    let sandbox = Sandbox::<State>::with_fans(2).await?;
    let letter = sandbox.letter(&json!({"status": "Who is 600?"})).await?;
    let rain = sandbox
        .network
        .answer("fan0001@elsewhere.example", "@amber rain", &letter);
    let snow = sandbox.network.answer("fan0002", "no, snow", &rain);
    let cats = sandbox.network.answer("fan0002", "@amber cats", &letter);
    let seen = sandbox.get(&context(&letter)).await?;
    assert_eq!(seen.each("/descendants", "id"), [&rain, &snow, &cats]);
    let replies = seen.each("/descendants", "in_reply_to_id");
    assert_eq!(replies, [&letter, &rain, &letter]);
    assert_eq!(
        seen.body["descendants"][0]["in_reply_to_account_id"],
        "109876"
    );
    let above = sandbox.get(&context(&snow)).await?;
    assert_eq!(above.each("/ancestors", "id"), [&letter, &rain]);

    let private = json!({"status": "@fan0002 You're number 600!", "visibility": "direct"});
    let private = sandbox.letter(&private).await?;
    let answer = sandbox.network.answer("fan0002", "trains please", &private);
    let nobody = sandbox.get(&context(&private)).await?;
    assert_eq!(nobody.error(), (404, "Record not found"));
    let amber = sandbox.get_as_amber(&context(&private)).await?;
    assert_eq!(amber.each("/descendants", "id"), [&answer]);
    let shown = &amber.body["descendants"][0];
    assert_eq!(shown["visibility"], "direct");
    assert_eq!(shown["mentions"][0]["acct"], "amber");
    let text = shown["content"].as_str().unwrap_or_default();
    assert!(text.ends_with(" trains please</p>"), "{text}");
    Ok(())
}

#[tokio::test]
async fn without_a_token_sixty_are_shown_and_twenty_deep() -> Outcome {
    let sandbox = Sandbox::<State>::with_fans(1).await?;
    let wide = sandbox.letter(&json!({"status": "wide"})).await?;
    (0..70).for_each(|_| drop(sandbox.network.answer("fan0001", "rain", &wide)));
    let deep = sandbox.letter(&json!({"status": "deep"})).await?;
    let mut last = deep.clone();
    for _ in 0..50 {
        last = sandbox.network.answer("fan0001", "rain", &last);
    }
    for (id, list, open, signed) in [
        (&wide, "/descendants", 60, 70),
        (&deep, "/descendants", 20, 50),
        (&last, "/ancestors", 40, 50),
    ] {
        let seen = sandbox.get(&context(id)).await?;
        assert_eq!(seen.each(list, "id").len(), open);
        let seen = sandbox.get_as_amber(&context(id)).await?;
        assert_eq!(seen.each(list, "id").len(), signed);
    }
    Ok(())
}

#[tokio::test]
async fn a_reply_needs_a_parent_that_its_author_can_see() -> Outcome {
    let sandbox = Sandbox::<State>::with_fans(2).await?;
    let letter = sandbox.letter(&json!({"status": "Who is 600?"})).await?;
    let rain = sandbox
        .network
        .answer("fan0001@elsewhere.example", "@amber rain", &letter);
    let reply = |to: &str, visibility: &str| {
        json!({
            "status": "@fan0002 Your song! https://youtu.be/dQw4w9WgXcQ",
            "in_reply_to_id": to, "visibility": visibility,
        })
    };
    sandbox.letter(&reply(&rain, "unlisted")).await?;
    let posts = sandbox.network.posts();
    assert_eq!(posts[1].reply_to, Some(rain.clone()));
    assert_eq!(posts[1].visibility.as_deref(), Some("unlisted"));
    sandbox.letter(&reply(&rain, "direct")).await?;
    let messages = sandbox.network.messages();
    assert_eq!(messages[0].reply_to, Some(rain.clone()));
    sandbox
        .network
        .set_token("other", "fan0001@elsewhere.example", &["write"]);
    sandbox.network.delete_post(&rain);
    let gone = (
        404,
        "The post you are trying to reply to does not appear to exist.",
    );
    let refused = sandbox
        .post_as(&token(), &reply(&rain, "public"), "")
        .await?;
    assert_eq!(refused.error(), gone);
    let unseen = reply(&messages[0].id, "public");
    assert_eq!(sandbox.post_as("other", &unseen, "").await?.error(), gone);
    Ok(())
}

#[tokio::test]
async fn a_reply_without_a_mention_makes_no_notification() -> Outcome {
    let sandbox = Sandbox::<State>::with_fans(2).await?;
    let letter = sandbox.letter(&json!({"status": "Who is 600?"})).await?;
    sandbox.network.answer("fan0002", "rain", &letter);
    let cats = sandbox.network.answer("fan0002", "@amber cats", &letter);
    let quote = sandbox.network.quote("fan0002", "look at this", &letter);
    let path = format!("{NOTIFICATIONS}?types[]=mention&types[]=quote");
    let told = sandbox.get_as_amber(&path).await?;
    assert_eq!(told.each("", "type"), ["quote", "mention"]);
    assert_eq!(told.body[1]["status"]["id"], json!(cats));
    assert_eq!(told.body[0]["status"]["id"], json!(quote));
    let quoted = told.body[0].pointer("/status/quote/quoted_status/id");
    assert_eq!(quoted, Some(&json!(letter)));
    Ok(())
}

#[tokio::test]
async fn an_edit_and_a_warning_are_seen_and_a_deleted_status_leaves_its_replies_alone() -> Outcome {
    let sandbox = Sandbox::<State>::with_fans(2).await?;
    let letter = sandbox.letter(&json!({"status": "Who is 600?"})).await?;
    let rain = sandbox.network.answer("fan0002", "rain", &letter);
    assert_eq!(sandbox.network.edit_post(&rain, "snow"), rain);
    sandbox.network.warn_of(&rain, "weather");
    let seen = sandbox.get(&format!("{STATUSES}/{rain}")).await?;
    assert_eq!(seen.body["content"], "<p>snow</p>");
    assert_eq!(seen.body["edited_at"], "2026-11-22T14:00:00.000Z");
    assert_eq!(seen.body["sensitive"], true);
    assert_eq!(seen.body["spoiler_text"], "weather");
    sandbox.network.delete_post(&letter);
    assert_eq!(sandbox.get(&context(&letter)).await?.status, 404);
    let alone = sandbox.get(&format!("{STATUSES}/{rain}")).await?;
    assert_eq!(alone.body["in_reply_to_id"], Value::Null);
    Ok(())
}
