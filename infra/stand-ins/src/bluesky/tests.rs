mod answers;

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    Account, State,
    chat::CHAT_PROXY,
    did,
    ids::{base32, base64url, cid, tid},
    schema::valid_tid,
    state::POSTS,
};
use crate::{
    fault::Fault,
    person::Person,
    testing::{Outcome, Received, Sandbox, TestError, send, send_json, with_json},
};

const RKEY: &str = "3kabcdefghij2";

impl Sandbox<State> {
    fn method(&self, verb: &str, name: &str) -> Result<reqwest::RequestBuilder, TestError> {
        self.request(verb, &format!("/xrpc/{name}"))
    }

    async fn read(&self, name: &str) -> Result<Received, TestError> {
        self.get(&format!("/xrpc/{name}")).await
    }

    async fn read_as(&self, token: &str, name: &str) -> Result<Received, TestError> {
        self.get_as(token, &format!("/xrpc/{name}")).await
    }

    async fn post(&self, token: &str, name: &str, body: &Value) -> Result<Received, TestError> {
        send_json(self.method("POST", name)?.bearer_auth(token), body).await
    }

    async fn log_in(&self, password: &str) -> Result<Received, TestError> {
        let body = json!({"identifier": "amber.bsky.social", "password": password});
        let request = self.method("POST", "com.atproto.server.createSession")?;
        send_json(request, &body).await
    }

    async fn token(&self) -> Result<String, TestError> {
        let session = self.log_in(&Account::amber().app_password).await?;
        let token = session.body["accessJwt"].as_str();
        Ok(token.unwrap_or_default().to_owned())
    }

    async fn put(&self, token: &str, rkey: &str, record: &Value) -> Result<Received, TestError> {
        let body = json!({
            "repo": did("44196397"), "collection": POSTS, "rkey": rkey,
            "record": record, "swapRecord": null,
        });
        self.post(token, "com.atproto.repo.putRecord", &body).await
    }

    async fn chat(
        &self,
        token: &str,
        method: &str,
        body: Option<&Value>,
    ) -> Result<Received, TestError> {
        let name = format!("chat.bsky.convo.{method}");
        let request = match body {
            Some(body) => with_json(self.method("POST", &name)?, body),
            None => self.method("GET", &name)?,
        };
        send(
            request
                .bearer_auth(token)
                .header("atproto-proxy", CHAT_PROXY),
        )
        .await
    }
}

fn followers(page: &Received) -> Vec<&str> {
    let handles = page.each("/followers", "handle").into_iter();
    handles.filter_map(|it| it.split('.').next()).collect()
}

fn next_cursor(page: &Received) -> &str {
    page.body["cursor"].as_str().unwrap_or_default()
}

fn post(text: &str) -> Value {
    json!({"$type": POSTS, "text": text, "createdAt": "2026-11-22T14:00:00.000Z"})
}

const FOLLOWERS: &str = "app.bsky.graph.getFollowers?actor=amber.bsky.social";
const PROFILE: &str = "app.bsky.actor.getProfile?actor";

#[tokio::test]
async fn a_profile_is_read_by_anyone_by_handle_or_did() -> Outcome {
    let sandbox = Sandbox::<State>::with_fans(3).await?;
    let by_handle = sandbox
        .read(&format!("{PROFILE}=amber.bsky.social"))
        .await?;
    let by_did = sandbox
        .read(&format!("{PROFILE}={}", did("44196397")))
        .await?;
    assert_eq!(by_handle.body, by_did.body);
    assert_eq!(by_handle.body["followersCount"], 3);
    assert!(by_handle.header("ratelimit-limit").is_empty());
    let many = format!(
        "app.bsky.actor.getProfiles?actors=fan0001.bsky.social&actors=nobody.test&actors={}",
        did("2000000002")
    );
    assert_eq!(
        sandbox.read(&many).await?.body["profiles"]
            .as_array()
            .map(Vec::len),
        Some(2)
    );
    Ok(())
}

#[tokio::test]
async fn who_set_up_no_profile_has_none_and_a_bot_says_so() -> Outcome {
    let sandbox = Sandbox::<State>::with_fans(0).await?;
    let mut blank = Person::fan(1, sandbox.clock.now());
    (blank.name, blank.bio, blank.picture) = (String::new(), String::new(), false);
    blank.bot = true;
    sandbox.network.follow(blank);
    let profile = sandbox
        .read(&format!("{PROFILE}=fan0001.bsky.social"))
        .await?;
    for absent in ["displayName", "description", "avatar", "indexedAt"] {
        assert!(profile.body.get(absent).is_none(), "{absent}");
    }
    assert_eq!(profile.body["labels"][0]["val"], "bot");
    Ok(())
}

#[tokio::test]
async fn an_account_that_is_gone_says_why() -> Outcome {
    let sandbox = Sandbox::<State>::with_fans(3).await?;
    sandbox.network.hide("fan0001");
    sandbox.network.rename("fan0002", "new.example");
    let hidden = sandbox
        .read(&format!("{PROFILE}=fan0001.bsky.social"))
        .await?;
    assert_eq!(hidden.error(), (400, "AccountDeactivated"));
    let renamed = sandbox
        .read(&format!("{PROFILE}=fan0002.bsky.social"))
        .await?;
    assert_eq!(renamed.error(), (400, "InvalidRequest"));
    assert_eq!(renamed.body["message"], "Profile not found");
    Ok(())
}

#[tokio::test]
async fn a_page_may_be_short_or_empty_and_only_a_missing_cursor_is_the_end() -> Outcome {
    let sandbox = Sandbox::<State>::with_fans(5).await?;
    for hidden in ["fan0005", "fan0003", "fan0002"] {
        sandbox.network.hide(hidden);
    }
    let (mut pages, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = sandbox
            .read(&format!("{FOLLOWERS}&limit=2{cursor}"))
            .await?;
        pages.push(followers(&page).join(" "));
        match next_cursor(&page) {
            "" => break,
            next => cursor = format!("&cursor={next}"),
        }
    }
    assert_eq!(pages, ["fan0004", "", "fan0001", ""]);
    assert_eq!(sandbox.network.follower_count(), 5);
    Ok(())
}

#[tokio::test]
async fn a_backdated_follow_enters_below_the_top_and_a_refollow_at_the_top() -> Outcome {
    let sandbox = Sandbox::<State>::with_fans(0).await?;
    for n in 1..=3 {
        sandbox.clock.advance(Duration::from_mins(1));
        sandbox.network.follow(Person::fan(n, sandbox.clock.now()));
    }
    let earlier = "2026-11-22T14:01:30Z".parse()?;
    sandbox
        .network
        .follow_backdated(Person::fan(9, sandbox.clock.now()), earlier);
    let list = sandbox.read(FOLLOWERS).await?;
    assert_eq!(
        followers(&list),
        ["fan0003", "fan0002", "fan0009", "fan0001"]
    );
    sandbox.network.follow(Person::fan(1, sandbox.clock.now()));
    let list = sandbox.read(FOLLOWERS).await?;
    assert_eq!(
        followers(&list),
        ["fan0001", "fan0003", "fan0002", "fan0009"]
    );
    assert_eq!(sandbox.network.follower_count(), 4);
    Ok(())
}

#[tokio::test]
async fn a_bad_parameter_is_refused() -> Outcome {
    let sandbox = Sandbox::<State>::with_fans(1).await?;
    assert_eq!(
        sandbox
            .read(&format!("{FOLLOWERS}&limit=101"))
            .await?
            .error(),
        (400, "InvalidRequest")
    );
    assert_eq!(
        sandbox
            .read(&format!("{FOLLOWERS}&cursor=x"))
            .await?
            .error(),
        (500, "InternalServerError")
    );
    let actors = vec!["actors=amber.bsky.social"; 26].join("&");
    let many = format!("app.bsky.actor.getProfiles?{actors}");
    assert_eq!(sandbox.read(&many).await?.status, 400);
    assert_eq!(
        sandbox.read("app.bsky.feed.unknown").await?.error(),
        (501, "MethodNotImplemented")
    );
    assert_eq!(
        sandbox.read("com.atproto.repo.putRecord").await?.status,
        405
    );
    Ok(())
}

#[tokio::test]
async fn a_session_opens_expires_and_is_refreshed() -> Outcome {
    let sandbox = Sandbox::<State>::with_fans(0).await?;
    let session = sandbox.log_in(&Account::amber().app_password).await?;
    let endpoint = session.body.pointer("/didDoc/service/0/serviceEndpoint");
    assert_eq!(endpoint, Some(&json!(sandbox.network.url())));
    let access = session.body["accessJwt"].as_str().unwrap_or_default();
    let refresh = session.body["refreshJwt"].as_str().unwrap_or_default();
    assert_eq!(access.split('.').count(), 3);
    let signed = "app.bsky.notification.listNotifications";
    assert_eq!(sandbox.read_as(access, signed).await?.status, 200);
    assert_eq!(
        sandbox.read_as(refresh, signed).await?.error(),
        (400, "InvalidToken")
    );
    sandbox.clock.advance(Duration::from_hours(2));
    assert_eq!(
        sandbox.read_as(access, signed).await?.error(),
        (400, "ExpiredToken")
    );
    let renew = || sandbox.method("POST", "com.atproto.server.refreshSession");
    let renewed = send(renew()?.bearer_auth(refresh)).await?;
    let access = renewed.body["accessJwt"].as_str().unwrap_or_default();
    assert_eq!(sandbox.read_as(access, signed).await?.status, 200);
    assert_eq!(send(renew()?.bearer_auth(refresh)).await?.status, 400);
    Ok(())
}

#[tokio::test]
async fn nobody_writes_without_a_right_token() -> Outcome {
    let sandbox = Sandbox::<State>::with_fans(0).await?;
    assert_eq!(
        sandbox.log_in("guess").await?.error(),
        (401, "AuthenticationRequired")
    );
    let unsigned = sandbox
        .method("POST", "com.atproto.repo.putRecord")?
        .body("{}");
    assert_eq!(send(unsigned).await?.error(), (401, "AuthMissing"));
    assert_eq!(
        sandbox.put("garbage", RKEY, &post("x")).await?.error(),
        (400, "InvalidToken")
    );
    let read = format!("{PROFILE}=amber.bsky.social");
    assert_eq!(
        sandbox.read_as("garbage", &read).await?.error(),
        (400, "InvalidToken")
    );
    let token = sandbox.token().await?;
    let foreign = json!({"repo": did("5"), "collection": POSTS, "rkey": RKEY, "record": post("x")});
    assert_eq!(
        sandbox
            .post(&token, "com.atproto.repo.putRecord", &foreign)
            .await?
            .status,
        400
    );
    assert_eq!(sandbox.network.posts().len(), 0);
    Ok(())
}

#[tokio::test]
async fn logins_are_limited_by_five_minutes_and_by_day() -> Outcome {
    let sandbox = Sandbox::<State>::with_fans(0).await?;
    for _ in 0..30 {
        assert_eq!(sandbox.log_in("guess").await?.status, 401);
    }
    let refused = sandbox.log_in(&Account::amber().app_password).await?;
    assert_eq!(refused.error(), (429, "RateLimitExceeded"));
    assert_eq!(refused.header("ratelimit-policy"), "30;w=300");
    assert_eq!(refused.header("retry-after"), "300");
    for _ in 0..9 {
        sandbox.clock.advance(Duration::from_mins(5));
        for _ in 0..30 {
            sandbox.log_in("guess").await?;
        }
    }
    sandbox.clock.advance(Duration::from_mins(5));
    let refused = sandbox.log_in("guess").await?;
    assert_eq!(refused.header("ratelimit-policy"), "300;w=86400");
    Ok(())
}

#[tokio::test]
async fn a_record_is_put_once_and_the_very_same_again_changes_nothing() -> Outcome {
    let sandbox = Sandbox::<State>::with_fans(0).await?;
    let token = sandbox.token().await?;
    let first = sandbox.put(&token, RKEY, &post("Who is 600?")).await?;
    assert_eq!(
        (first.status, &first.body["validationStatus"]),
        (200, &json!("valid"))
    );
    assert!(!first.header("ratelimit-remaining").is_empty());
    let again = sandbox.put(&token, RKEY, &post("Who is 600?")).await?;
    assert_eq!(again.status, 200);
    assert_eq!(again.body["cid"], first.body["cid"]);
    assert!(again.body.get("commit").is_none());
    let other = sandbox.put(&token, RKEY, &post("Who is 700?")).await?;
    assert_eq!(other.error(), (400, "InvalidSwap"));
    assert_eq!(sandbox.network.posts().len(), 1);
    assert_eq!(sandbox.network.posts()[0].text, "Who is 600?");
    Ok(())
}

#[tokio::test]
async fn without_a_swap_a_record_is_replaced_and_with_a_wrong_one_it_is_not() -> Outcome {
    let sandbox = Sandbox::<State>::with_fans(0).await?;
    let token = sandbox.token().await?;
    let put = |text: &str, swap: Option<&str>| {
        let mut body = json!({
            "repo": "amber.bsky.social", "collection": POSTS, "rkey": RKEY, "record": post(text),
        });
        if let Some(swap) = swap {
            body["swapRecord"] = json!(swap);
        }
        body
    };
    let path = "com.atproto.repo.putRecord";
    assert_eq!(
        sandbox.post(&token, path, &put("one", None)).await?.status,
        200
    );
    let two = sandbox.post(&token, path, &put("two", None)).await?;
    let wrong = sandbox
        .post(&token, path, &put("three", Some("bafy")))
        .await?;
    assert_eq!(wrong.error(), (400, "InvalidSwap"));
    let right = put("three", two.body["cid"].as_str());
    assert_eq!(sandbox.post(&token, path, &right).await?.status, 200);
    assert_eq!(sandbox.network.posts()[0].text, "three");
    Ok(())
}

#[tokio::test]
async fn a_record_that_breaks_the_schema_is_refused() -> Outcome {
    let sandbox = Sandbox::<State>::with_fans(0).await?;
    let token = sandbox.token().await?;
    let wrong = [
        ("milestone-600", post("x")),
        ("zkabcdefghij2", post("x")),
        (RKEY, json!({"text": "x"})),
        (RKEY, json!({"createdAt": "2026-11-22T14:00:00Z"})),
        (RKEY, json!({"text": "x", "createdAt": "yesterday"})),
        (RKEY, post(&"👩‍👩‍👧‍👦".repeat(301))),
        (RKEY, post(&"👩‍👩‍👧‍👦".repeat(130))),
    ];
    for (rkey, record) in wrong {
        let answer = sandbox.put(&token, rkey, &record).await?;
        assert_eq!(answer.error(), (400, "InvalidRequest"), "{rkey} {record}");
    }
    assert_eq!(
        sandbox
            .put(&token, RKEY, &post(&"歌".repeat(300)))
            .await?
            .status,
        200
    );
    Ok(())
}

#[tokio::test]
async fn a_record_is_found_again() -> Outcome {
    let sandbox = Sandbox::<State>::with_fans(0).await?;
    let token = sandbox.token().await?;
    let path =
        format!("com.atproto.repo.getRecord?repo=amber.bsky.social&collection={POSTS}&rkey={RKEY}");
    assert_eq!(sandbox.read(&path).await?.error(), (400, "RecordNotFound"));
    sandbox.put(&token, RKEY, &post("hello")).await?;
    assert_eq!(sandbox.read(&path).await?.body["value"], post("hello"));
    Ok(())
}

#[tokio::test]
async fn a_message_goes_through_a_conversation() -> Outcome {
    let sandbox = Sandbox::<State>::with_fans(1).await?;
    let token = sandbox.token().await?;
    let fan = did("2000000001");
    let convo = sandbox
        .chat(&token, &format!("getConvoForMembers?members={fan}"), None)
        .await?;
    let id = &convo.body["convo"]["id"];
    let body = json!({"convoId": id, "message": {"text": "You are number 600"}});
    let sent = sandbox.chat(&token, "sendMessage", Some(&body)).await?;
    assert_eq!(
        (sent.status, &sent.body["sender"]["did"]),
        (200, &json!(did("44196397")))
    );
    let path = format!("getMessages?convoId={}", id.as_str().unwrap_or_default());
    let listed = sandbox.chat(&token, &path, None).await?;
    assert_eq!(listed.body["messages"][0]["id"], sent.body["id"]);
    assert_eq!(sandbox.network.messages()[0].to, fan);
    let unproxied = sandbox
        .post(&token, "chat.bsky.convo.sendMessage", &body)
        .await?;
    assert_eq!(unproxied.error(), (501, "MethodNotImplemented"));
    sandbox.network.deny_messages_to_app_passwords();
    let denied = sandbox.chat(&token, "sendMessage", Some(&body)).await?;
    assert_eq!(denied.error(), (400, "InvalidToken"));
    Ok(())
}

#[tokio::test]
async fn a_message_is_refused_for_its_reason() -> Outcome {
    let sandbox = Sandbox::<State>::with_fans(3).await?;
    let token = sandbox.token().await?;
    let mut closed = Person::fan(4, sandbox.clock.now());
    closed.messages_closed = true;
    sandbox.network.follow(closed);
    sandbox.network.unfollow("fan0001");
    sandbox.network.block_messages("fan0002");
    sandbox.network.hide("fan0003");
    let reasons = [
        "NotFollowedBySender",
        "BlockedActor",
        "RecipientNotFound",
        "MessagesDisabled",
    ];
    for (n, reason) in (1..).zip(reasons) {
        let path = format!(
            "getConvoForMembers?members={}",
            did(&format!("200000000{n}"))
        );
        assert_eq!(
            sandbox.chat(&token, &path, None).await?.error(),
            (400, reason)
        );
    }
    Ok(())
}

#[tokio::test]
async fn notifications_tell_of_follows_and_replies_newest_first() -> Outcome {
    let sandbox = Sandbox::<State>::with_fans(2).await?;
    let token = sandbox.token().await?;
    sandbox.put(&token, RKEY, &post("Who is 600?")).await?;
    let uri = sandbox.network.posts()[0].id.clone();
    sandbox
        .network
        .add_reply("me! trains, please", "fan0002", &uri);
    sandbox
        .network
        .add_mention("hi @amber.bsky.social", "fan0001");
    let list = "app.bsky.notification.listNotifications";
    let answers = sandbox
        .read_as(&token, &format!("{list}?reasons=reply&reasons=mention"))
        .await?;
    assert_eq!(answers.body["notifications"][0]["reason"], "mention");
    assert_eq!(
        answers.body["notifications"][1]["reasonSubject"],
        json!(uri)
    );
    assert_eq!(
        answers.body["notifications"][1]["record"]["text"],
        "me! trains, please"
    );
    let follows = sandbox
        .read_as(&token, &format!("{list}?reasons=follow"))
        .await?;
    assert_eq!(
        follows.body["notifications"].as_array().map(Vec::len),
        Some(2)
    );
    assert_eq!(sandbox.read(list).await?.error(), (401, "AuthMissing"));
    Ok(())
}

#[tokio::test]
async fn a_lost_answer_is_lost_after_the_deed_and_the_record_can_be_found() -> Outcome {
    let sandbox = Sandbox::<State>::with_fans(0).await?;
    let token = sandbox.token().await?;
    sandbox.network.fail_next("putRecord", Fault::Hangup);
    sandbox.network.fail_next("putRecord", Fault::AnswerLost);
    assert!(sandbox.put(&token, RKEY, &post("x")).await.is_err());
    assert_eq!(sandbox.network.posts().len(), 0);
    assert!(sandbox.put(&token, RKEY, &post("x")).await.is_err());
    assert_eq!(sandbox.network.posts().len(), 1);
    assert_eq!(sandbox.put(&token, RKEY, &post("x")).await?.status, 200);
    assert_eq!(sandbox.network.posts().len(), 1);
    sandbox
        .network
        .fail_next("getProfile", Fault::RateLimited { for_seconds: 7 });
    let limited = sandbox
        .read(&format!("{PROFILE}=amber.bsky.social"))
        .await?;
    assert_eq!(limited.error(), (429, "RateLimitExceeded"));
    assert_eq!(limited.header("retry-after"), "7");
    Ok(())
}

#[test]
fn made_names_have_the_right_form() {
    assert_eq!(did("7").len(), "did:plc:".len() + 24);
    assert_eq!(did("did:web:x.test"), "did:web:x.test");
    assert!(cid("x").starts_with("bafyrei") && cid("x").len() == 59);
    assert_eq!(base64url(b"any carnal pleas"), "YW55IGNhcm5hbCBwbGVhcw");
    assert_eq!(base32(b"foob"), "mzxw6yq");
    let at = Timestamp::UNIX_EPOCH;
    assert!(valid_tid(&tid(at, 1)).is_ok() && tid(at, 1) < tid(at, 2));
    assert_ne!(tid(at, 1), tid(at, 1025));
}
