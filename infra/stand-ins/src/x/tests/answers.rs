//! Answers to a post, and the replies to them.

use serde_json::json;

use super::State;
use crate::testing::{Outcome, Received, Sandbox, TestError};

const ANSWER_FIELDS: &str = "author_id,conversation_id,created_at,in_reply_to_user_id,referenced_tweets,entities,display_text_range";

impl Sandbox<State> {
    /// Amber posts; the id of the post.
    async fn letter(&self, text: &str) -> Result<String, TestError> {
        let made = self.post("/2/tweets", &json!({ "text": text })).await?;
        Ok(made.body["data"]["id"]
            .as_str()
            .unwrap_or_default()
            .to_owned())
    }

    /// Amber replies.
    async fn reply(&self, text: &str, to: &str) -> Result<Received, TestError> {
        let body = json!({"text": text, "reply": {"in_reply_to_tweet_id": to}});
        self.post("/2/tweets", &body).await
    }

    async fn mentions(&self, query: &str) -> Result<Received, TestError> {
        self.get_as_amber(&format!("/2/users/44196397/mentions?{query}"))
            .await
    }
}

#[tokio::test]
async fn a_plain_reply_begins_with_a_mention_that_nobody_typed() -> Outcome {
    let sandbox = Sandbox::<State>::with_fans(1).await?;
    let letter = sandbox.letter("Who is 600?").await?;
    let plain = sandbox
        .network
        .answer("passer_by", "rain & <3 #hug600 #600", &letter);
    let typed = sandbox
        .network
        .answer("fan0001", "Hey @Amber, trains!", &letter);
    let below = sandbox.network.answer("fan0001", "no, cats", &plain);
    let fields = format!("tweet.fields={ANSWER_FIELDS}");
    let list = sandbox.mentions(&fields).await?;
    assert_eq!(list.each("/data", "id"), [&below, &typed, &plain]);
    let [below, typed, plain_json] = [0, 1, 2].map(|at| &list.body["data"][at]);
    assert_eq!(plain_json["text"], "@amber rain &amp; &lt;3 #hug600 #600");
    assert_eq!(plain_json["display_text_range"], json!([7, 36]));
    assert_eq!(
        plain_json["entities"],
        json!({
            "mentions": [{"start": 0, "end": 6, "username": "amber", "id": "44196397"}],
            "hashtags": [{"start": 24, "end": 31, "tag": "hug600"}],
        })
    );
    assert_eq!(plain_json["in_reply_to_user_id"], "44196397");
    assert_eq!(plain_json["conversation_id"], json!(letter));
    let references = json!([{"type": "replied_to", "id": letter}]);
    assert_eq!(plain_json["referenced_tweets"], references);
    assert_eq!(typed["text"], "Hey @Amber, trains!");
    assert_eq!(typed["display_text_range"], json!([0, 19]));
    assert_eq!(typed["entities"]["mentions"][0]["start"], 4);
    assert_eq!(below["text"], "@passer_by @amber no, cats");
    assert_eq!(below["conversation_id"], json!(letter));
    assert_ne!(below["in_reply_to_user_id"], "44196397");
    Ok(())
}

#[tokio::test]
async fn a_quote_ends_with_a_short_link_to_what_it_quotes() -> Outcome {
    let sandbox = Sandbox::<State>::with_fans(1).await?;
    let letter = sandbox.letter("Who is 600?").await?;
    let quote = sandbox
        .network
        .quote("fan0001", "a song about rain", &letter);
    let list = sandbox
        .mentions(&format!("tweet.fields={ANSWER_FIELDS}"))
        .await?;
    let shown = &list.body["data"][0];
    let text = shown["text"].as_str().unwrap_or_default();
    assert!(
        text.starts_with("a song about rain https://t.co/"),
        "{text}"
    );
    assert_eq!(
        shown["entities"]["urls"][0]["expanded_url"],
        json!(format!("https://x.com/amber/status/{letter}"))
    );
    let references = json!([{"type": "quoted", "id": letter}]);
    assert_eq!(shown["referenced_tweets"], references);
    assert_eq!(shown["conversation_id"], json!(quote));
    assert!(shown.get("in_reply_to_user_id").is_none());
    Ok(())
}

#[tokio::test]
async fn only_asked_fields_are_told_by_the_old_names_or_the_new() -> Outcome {
    let sandbox = Sandbox::<State>::with_fans(1).await?;
    let letter = sandbox.letter("Who is 600?").await?;
    let answer = sandbox.network.answer("fan0001", "rain", &letter);
    let bare = sandbox.mentions("").await?;
    assert_eq!(
        bare.body["data"][0],
        json!({"id": answer, "text": "@amber rain", "edit_history_tweet_ids": [answer]})
    );
    sandbox.network.set_new_names(true);
    let references = json!([{"type": "replied_to", "id": letter}]);
    for query in [
        "tweet.fields=referenced_tweets",
        "post.fields=referenced_posts",
    ] {
        let list = sandbox.mentions(query).await?;
        assert_eq!(
            list.body["data"][0],
            json!({
                "id": answer, "text": "@amber rain", "edit_history_post_ids": [answer],
                "referenced_posts": references,
            }),
            "{query}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn mentions_come_in_pages_newest_first_and_reach_back_800() -> Outcome {
    let sandbox = Sandbox::<State>::with_fans(1).await?;
    let mut ids = Vec::new();
    for n in 0..802 {
        let text = format!("song {n}");
        ids.push(sandbox.network.add_mention(&text, "fan0001"));
    }
    ids.reverse();
    let (mut seen, mut token) = (Vec::new(), String::new());
    loop {
        let page = sandbox.mentions(&format!("max_results=100{token}")).await?;
        seen.extend(page.each("/data", "id").into_iter().map(str::to_owned));
        match page.body["meta"]["next_token"].as_str() {
            Some(next) => token = format!("&pagination_token={next}"),
            None => break,
        }
    }
    assert_eq!(seen, ids[..800]);
    let between = format!("since_id={}&until_id={}", ids[3], ids[0]);
    let page = sandbox.mentions(&between).await?;
    assert_eq!(page.each("/data", "id"), [&ids[1], &ids[2]]);
    assert_eq!(page.body["meta"]["newest_id"], json!(ids[1]));
    for (span, count) in [
        ("start_time=2026-11-22T14:00:01Z", 0),
        ("end_time=2026-11-22T14:00:00Z", 0),
        ("start_time=2026-11-22T14:00:00Z", 10),
    ] {
        let page = sandbox.mentions(span).await?;
        assert_eq!(page.body["meta"]["result_count"], count, "{span}");
    }
    for wrong in ["max_results=4", "max_results=101", "since_id=x"] {
        assert_eq!(sandbox.mentions(wrong).await?.status, 400, "{wrong}");
    }
    assert_eq!(
        sandbox.mentions("").await?.header("x-rate-limit-limit"),
        "300"
    );
    let as_app = sandbox.get_as_app("/2/users/44196397/mentions").await?;
    assert_eq!(as_app.header("x-rate-limit-limit"), "450");
    Ok(())
}

#[tokio::test]
async fn a_reply_by_the_account_is_seen_in_its_timeline_as_x_shows_it() -> Outcome {
    let sandbox = Sandbox::<State>::with_fans(1).await?;
    let letter = sandbox.letter("Who is 600?").await?;
    let answer = sandbox.network.answer("fan0001", "@amber rain!", &letter);
    let sent = "Your song: https://youtu.be/dQw4w9WgXcQ";
    let made = sandbox.reply(sent, &answer).await?;
    assert_eq!(made.status, 201);
    let timeline = sandbox
        .get_as_amber("/2/users/44196397/tweets?tweet.fields=entities,conversation_id")
        .await?;
    let shown = &timeline.body["data"][0];
    let text = shown["text"].as_str().unwrap_or_default();
    assert!(
        text.starts_with("@fan0001 Your song: https://t.co/"),
        "{text}"
    );
    assert_eq!(
        shown["entities"]["urls"][0]["expanded_url"],
        "https://youtu.be/dQw4w9WgXcQ"
    );
    assert_eq!(shown["conversation_id"], json!(letter));
    let posts = sandbox.network.posts();
    assert_eq!(
        (posts[1].text.as_str(), &posts[1].reply_to),
        (sent, &Some(answer))
    );
    assert_eq!(posts[0].reply_to, None);
    let own = sandbox.reply("And the next one: 700", &posts[1].id).await?;
    assert_eq!(own.body["data"]["text"], "@fan0001 And the next one: 700");
    Ok(())
}

#[tokio::test]
async fn nobody_replies_to_what_is_deleted_or_hidden() -> Outcome {
    let sandbox = Sandbox::<State>::with_fans(2).await?;
    let letter = sandbox.letter("Who is 600?").await?;
    let deleted = sandbox.network.answer("fan0001", "@amber rain", &letter);
    let hidden = sandbox.network.answer("fan0002", "@amber cats", &letter);
    sandbox.network.delete_post(&deleted);
    sandbox.network.hide("fan0002");
    for gone in [&deleted, &hidden] {
        let refused = sandbox.reply("Your song!", gone).await?;
        assert_eq!(refused.status, 403);
        assert_eq!(
            refused.body["detail"],
            "You attempted to reply to a Tweet that is deleted or not visible to you."
        );
    }
    assert_eq!(sandbox.mentions("").await?.body["meta"]["result_count"], 0);
    Ok(())
}

#[tokio::test]
async fn an_edit_is_a_new_post_with_the_history_of_both() -> Outcome {
    let sandbox = Sandbox::<State>::with_fans(1).await?;
    let letter = sandbox.letter("Who is 600?").await?;
    let first = sandbox.network.answer("fan0001", "rain", &letter);
    let second = sandbox.network.edit_post(&first, "@amber snow");
    let list = sandbox.mentions(&format!("since_id={first}")).await?;
    assert_eq!(
        list.body["data"],
        json!([{
            "id": second, "text": "@amber snow", "edit_history_tweet_ids": [first, second],
        }])
    );
    assert_eq!(sandbox.mentions("").await?.body["meta"]["result_count"], 1);
    assert_eq!(sandbox.reply("Your song!", &first).await?.status, 403);
    assert_eq!(sandbox.reply("Your song!", &second).await?.status, 201);
    Ok(())
}

#[tokio::test]
async fn a_second_reply_to_one_post_is_accepted_and_written_down() -> Outcome {
    let sandbox = Sandbox::<State>::with_fans(1).await?;
    let letter = sandbox.letter("Who is 600?").await?;
    let answer = sandbox.network.answer("fan0001", "@amber rain", &letter);
    for own in ["one", "two"] {
        assert_eq!(sandbox.reply(own, &letter).await?.status, 201);
    }
    assert_eq!(sandbox.reply("thank you", &answer).await?.status, 201);
    assert_eq!(sandbox.network.rule_breaks().len(), 0);
    assert_eq!(sandbox.reply("your song", &answer).await?.status, 201);
    assert_eq!(
        sandbox.network.rule_breaks(),
        [format!("second reply to the post {answer}")]
    );
    Ok(())
}
