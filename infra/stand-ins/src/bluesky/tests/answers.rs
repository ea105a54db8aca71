//! Threads, quotes, and the replies to them.

use serde_json::{Value, json};

use super::{RKEY, State, next_cursor, post};
use crate::testing::{Outcome, Received, Sandbox, TestError};

/// Amber's letter, by its URI.
async fn letter(sandbox: &Sandbox<State>, token: &str) -> Result<String, TestError> {
    let made = sandbox.put(token, RKEY, &post("Who is 600?")).await?;
    Ok(made.body["uri"].as_str().unwrap_or_default().to_owned())
}

async fn thread(sandbox: &Sandbox<State>, uri: &str, more: &str) -> Result<Received, TestError> {
    let path = format!("app.bsky.feed.getPostThread?uri={uri}{more}");
    sandbox.read(&path).await
}

/// The texts of the replies at that JSON pointer.
fn replies<'a>(thread: &'a Received, at: &str) -> Vec<&'a str> {
    let list = thread.body.pointer(at).and_then(Value::as_array);
    list.into_iter()
        .flatten()
        .filter_map(|it| it.pointer("/post/record/text")?.as_str())
        .collect()
}

#[tokio::test]
async fn a_thread_shows_its_replies_to_anyone_newest_first() -> Outcome {
    let sandbox = Sandbox::<State>::with_fans(2).await?;
    let token = sandbox.token().await?;
    let uri = letter(&sandbox, &token).await?;
    let rain = sandbox.network.answer("fan0001", "rain", &uri);
    sandbox.network.answer("passer.by.example", "cats", &uri);
    let deep = sandbox.network.answer("fan0002", "no, snow", &rain);
    let all = thread(&sandbox, &uri, "").await?;
    assert_eq!(replies(&all, "/thread/replies"), ["cats", "rain"]);
    assert_eq!(replies(&all, "/thread/replies/1/replies"), ["no, snow"]);
    assert_eq!(all.body["thread"]["post"]["replyCount"], 2);
    let record = &all.body["thread"]["replies"][1]["replies"][0]["post"]["record"];
    assert_eq!(record["reply"]["root"]["uri"], json!(uri));
    assert_eq!(record["reply"]["parent"]["uri"], json!(rain));
    let flat = thread(&sandbox, &uri, "&depth=1&parentHeight=0").await?;
    assert_eq!(replies(&flat, "/thread/replies").len(), 2);
    assert!(flat.body["thread"]["replies"][1].get("replies").is_none());
    let up = thread(&sandbox, &deep, "&depth=0").await?;
    let parent = up.body.pointer("/thread/parent/parent/post/uri");
    assert_eq!(parent, Some(&json!(uri)));
    let no_parent = thread(&sandbox, &deep, "&parentHeight=0").await?;
    assert!(no_parent.body["thread"].get("parent").is_none());
    let too_deep = thread(&sandbox, &uri, "&depth=1001").await?;
    assert_eq!(too_deep.error(), (400, "InvalidRequest"));
    Ok(())
}

#[tokio::test]
async fn what_is_gone_or_under_review_is_in_no_thread() -> Outcome {
    let sandbox = Sandbox::<State>::with_fans(3).await?;
    let token = sandbox.token().await?;
    let uri = letter(&sandbox, &token).await?;
    let [rain, cats, _snow] = [(1, "rain"), (2, "cats"), (3, "snow")]
        .map(|(n, text)| sandbox.network.answer(&format!("fan000{n}"), text, &uri));
    sandbox.network.label(&rain, "graphic-media");
    sandbox.network.label(&cats, "needs-review");
    sandbox.network.hide("fan0003");
    let seen = thread(&sandbox, &uri, "").await?;
    assert_eq!(replies(&seen, "/thread/replies"), ["rain"]);
    let labels = seen.body.pointer("/thread/replies/0/post/labels/0/val");
    assert_eq!(labels, Some(&json!("graphic-media")));
    sandbox.network.delete_post(&uri);
    assert_eq!(thread(&sandbox, &uri, "").await?.error(), (400, "NotFound"));
    let orphan = thread(&sandbox, &rain, "").await?;
    assert_eq!(orphan.body["thread"]["parent"]["notFound"], true);
    Ok(())
}

#[tokio::test]
async fn a_hidden_reply_is_named_by_the_gate_and_makes_no_notification() -> Outcome {
    let sandbox = Sandbox::<State>::with_fans(1).await?;
    let token = sandbox.token().await?;
    let uri = letter(&sandbox, &token).await?;
    let rain = sandbox.network.answer("fan0001", "rain", &uri);
    assert!(
        thread(&sandbox, &uri, "")
            .await?
            .body
            .get("threadgate")
            .is_none()
    );
    sandbox.network.hide_reply(&rain);
    let gated = thread(&sandbox, &uri, "").await?;
    let hidden = gated.body.pointer("/threadgate/record/hiddenReplies");
    assert_eq!(hidden, Some(&json!([rain])));
    let in_post = gated.body.pointer("/thread/post/threadgate");
    assert_eq!(in_post, gated.body.get("threadgate"));
    assert_eq!(replies(&gated, "/thread/replies").len(), 1);
    let list = "app.bsky.notification.listNotifications?reasons=reply";
    let told = sandbox.read_as(&token, list).await?;
    assert_eq!(told.body["notifications"], json!([]));
    Ok(())
}

#[tokio::test]
async fn one_notification_tells_of_a_post_by_its_first_reason() -> Outcome {
    let sandbox = Sandbox::<State>::with_fans(1).await?;
    let token = sandbox.token().await?;
    let uri = letter(&sandbox, &token).await?;
    sandbox.network.answer("fan0001", "rain", &uri);
    sandbox.network.quote("fan0001", "cats", &uri);
    sandbox
        .network
        .answer("fan0001", "hey @amber.bsky.social snow", &uri);
    let list =
        "app.bsky.notification.listNotifications?reasons=reply&reasons=quote&reasons=mention";
    let told = sandbox.read_as(&token, list).await?;
    assert_eq!(
        told.each("/notifications", "reason"),
        ["mention", "quote", "reply"]
    );
    Ok(())
}

#[tokio::test]
async fn quotes_are_listed_newest_first_in_pages() -> Outcome {
    let sandbox = Sandbox::<State>::with_fans(2).await?;
    let token = sandbox.token().await?;
    let uri = letter(&sandbox, &token).await?;
    sandbox.network.quote("fan0001", "rain", &uri);
    sandbox.network.quote("fan0002", "cats", &uri);
    let path = format!("app.bsky.feed.getQuotes?uri={uri}&limit=1");
    let first = sandbox.read(&path).await?;
    assert_eq!(first.body["posts"][0]["record"]["text"], "cats");
    let second = format!("{path}&cursor={}", next_cursor(&first));
    let second = sandbox.read(&second).await?;
    assert_eq!(second.body["posts"][0]["record"]["text"], "rain");
    sandbox.network.hide("fan0002");
    let filtered = sandbox.read(&path).await?;
    assert_eq!(filtered.body["posts"], json!([]));
    assert!(
        !next_cursor(&filtered).is_empty(),
        "it is filtered after paging"
    );
    Ok(())
}

#[tokio::test]
async fn an_edit_leaves_the_place_and_changes_the_content_id() -> Outcome {
    let sandbox = Sandbox::<State>::with_fans(1).await?;
    let token = sandbox.token().await?;
    let uri = letter(&sandbox, &token).await?;
    let rain = sandbox.network.answer("fan0001", "rain", &uri);
    let cid = |seen: &Received| seen.body["thread"]["post"]["cid"].clone();
    let before = thread(&sandbox, &rain, "").await?;
    assert_eq!(sandbox.network.edit_post(&rain, "snow"), rain);
    let after = thread(&sandbox, &rain, "").await?;
    assert_eq!(after.body["thread"]["post"]["record"]["text"], "snow");
    assert_ne!(cid(&before), cid(&after));
    Ok(())
}

#[tokio::test]
async fn a_reply_with_a_card_is_kept_and_a_malformed_one_refused() -> Outcome {
    let sandbox = Sandbox::<State>::with_fans(1).await?;
    let token = sandbox.token().await?;
    let uri = letter(&sandbox, &token).await?;
    let rain = sandbox.network.answer("fan0001", "rain", &uri);
    let seen = thread(&sandbox, &rain, "&depth=0").await?;
    let of = |at: &str| seen.body.pointer(at).cloned().unwrap_or_default();
    let parent = json!({"uri": of("/thread/post/uri"), "cid": of("/thread/post/cid")});
    let mut whole = post("Your song: youtu.be/dQw4w9WgXcQ");
    whole["reply"] = json!({"root": of("/thread/post/record/reply/root"), "parent": parent});
    whole["embed"] = json!({
        "$type": "app.bsky.embed.external",
        "external": {"uri": "https://youtu.be/dQw4w9WgXcQ", "title": "Rain", "description": ""},
    });
    whole["facets"] = json!([{
        "index": {"byteStart": 11, "byteEnd": 31},
        "features": [{
            "$type": "app.bsky.richtext.facet#link", "uri": "https://youtu.be/dQw4w9WgXcQ",
        }],
    }]);
    let changes = [
        ("/reply/parent", json!({"uri": rain})),
        (
            "/reply/root/uri",
            json!("https://bsky.app/profile/x/post/y"),
        ),
        ("/reply/root", json!(null)),
        ("/embed/external/title", json!(7)),
        (
            "/embed/external",
            json!({"uri": "https://a.example", "title": "x"}),
        ),
        ("/embed/external/uri", json!("not a link")),
        ("/facets/0/index", json!({"byteStart": 0})),
        ("/facets/0/index/byteEnd", json!(-1)),
        ("/facets/0/features/0/uri", json!("youtu.be")),
        ("/facets", json!("none")),
    ];
    for (at, value) in changes {
        let mut broken = whole.clone();
        if let Some(place) = broken.pointer_mut(at) {
            *place = value;
        }
        let refused = sandbox.put(&token, "3kabcdefghij3", &broken).await?;
        assert_eq!(refused.error(), (400, "InvalidRequest"), "{at}");
    }
    sandbox.network.delete_post(&rain);
    let made = sandbox.put(&token, "3kabcdefghij3", &whole).await?;
    assert_eq!(made.status, 200, "the parent need not exist");
    let posts = sandbox.network.posts();
    assert_eq!(posts.len(), 2, "what others write is not among them");
    assert_eq!(posts[1].reply_to, Some(rain));
    let link = posts[1].link.as_deref();
    assert_eq!(link, Some("https://youtu.be/dQw4w9WgXcQ"));
    Ok(())
}
