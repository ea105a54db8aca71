use std::{error::Error, time::Duration};

use super::{
    super::Fault,
    chat::CHAT_PROXY,
    hash::{base64url, cid},
    record::valid_tid,
    *,
};

type Trouble = Box<dyn Error + Send + Sync>;
type Outcome = Result<(), Trouble>;

struct Told {
    status: u16,
    body: Value,
    headers: HashMap<String, String>,
}

impl Told {
    fn error(&self) -> (u16, &str) {
        (self.status, self.body["error"].as_str().unwrap_or_default())
    }

    fn followers(&self) -> Vec<&str> {
        let list = self.body["followers"].as_array().into_iter().flatten();
        list.filter_map(|it| it["handle"].as_str()?.split('.').next())
            .collect()
    }

    fn cursor(&self) -> &str {
        self.body["cursor"].as_str().unwrap_or_default()
    }
}

struct Sandbox {
    bluesky: Bluesky,
    clock: Clock,
    http: reqwest::Client,
}

const RKEY: &str = "3kabcdefghij2";

impl Sandbox {
    /// Amber with that many fans, the highest number the newest.
    async fn with_fans(fans: u64) -> Result<Self, Trouble> {
        let clock = Clock::by_hand("2026-11-22T14:00:00Z".parse()?);
        let bluesky = Bluesky::start(clock.clone()).await?;
        bluesky.add_account(Account::amber());
        (1..=fans).for_each(|n| bluesky.follow(Person::fan(n, clock.now())));
        Ok(Self {
            bluesky,
            clock,
            http: have_a_hug::http::client()?,
        })
    }

    fn request(&self, method: &str, path: &str) -> Result<reqwest::RequestBuilder, Trouble> {
        let url = format!("{}/xrpc/{path}", self.bluesky.url());
        Ok(self.http.request(method.parse()?, url))
    }

    async fn get(&self, path: &str) -> Result<Told, Trouble> {
        told(self.request("GET", path)?).await
    }

    async fn get_as(&self, token: &str, path: &str) -> Result<Told, Trouble> {
        told(self.request("GET", path)?.bearer_auth(token)).await
    }

    async fn post(&self, token: &str, path: &str, body: &Value) -> Result<Told, Trouble> {
        told(self.posting(token, path, body)?).await
    }

    fn posting(
        &self,
        token: &str,
        path: &str,
        body: &Value,
    ) -> Result<reqwest::RequestBuilder, Trouble> {
        Ok(self
            .request("POST", path)?
            .bearer_auth(token)
            .header("content-type", "application/json")
            .body(body.to_string()))
    }

    async fn log_in(&self, password: &str) -> Result<Told, Trouble> {
        let body = json!({"identifier": "amber.bsky.social", "password": password});
        let request = self
            .request("POST", "com.atproto.server.createSession")?
            .header("content-type", "application/json");
        told(request.body(body.to_string())).await
    }

    async fn token(&self) -> Result<String, Trouble> {
        let session = self.log_in(&Account::amber().app_password).await?;
        Ok(session.body["accessJwt"]
            .as_str()
            .unwrap_or_default()
            .to_owned())
    }

    async fn put(&self, token: &str, rkey: &str, record: &Value) -> Result<Told, Trouble> {
        let body = json!({
            "repo": did("44196397"), "collection": POSTS, "rkey": rkey,
            "record": record, "swapRecord": null,
        });
        self.post(token, "com.atproto.repo.putRecord", &body).await
    }

    async fn chat(&self, token: &str, method: &str, body: Option<&Value>) -> Result<Told, Trouble> {
        let path = format!("chat.bsky.convo.{method}");
        let request = match body {
            Some(body) => self.posting(token, &path, body)?,
            None => self.request("GET", &path)?.bearer_auth(token),
        };
        told(request.header("atproto-proxy", CHAT_PROXY)).await
    }
}

async fn told(request: reqwest::RequestBuilder) -> Result<Told, Trouble> {
    let response = request.send().await?;
    let status = response.status().as_u16();
    let headers = response
        .headers()
        .iter()
        .filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned())))
        .collect();
    let body = serde_json::from_str(&response.text().await?)?;
    Ok(Told {
        status,
        body,
        headers,
    })
}

fn post(text: &str) -> Value {
    json!({"$type": POSTS, "text": text, "createdAt": "2026-11-22T14:00:00.000Z"})
}

const FOLLOWERS: &str = "app.bsky.graph.getFollowers?actor=amber.bsky.social";
const PROFILE: &str = "app.bsky.actor.getProfile?actor";

#[tokio::test]
async fn a_profile_is_read_by_anyone_by_handle_or_did() -> Outcome {
    let sandbox = Sandbox::with_fans(3).await?;
    let by_handle = sandbox.get(&format!("{PROFILE}=amber.bsky.social")).await?;
    let by_did = sandbox
        .get(&format!("{PROFILE}={}", did("44196397")))
        .await?;
    assert_eq!(by_handle.body, by_did.body);
    assert_eq!(by_handle.body["followersCount"], 3);
    assert!(!by_handle.headers.contains_key("ratelimit-limit"));
    let many = format!(
        "app.bsky.actor.getProfiles?actors=fan0001.bsky.social&actors=nobody.test&actors={}",
        did("2000000002")
    );
    assert_eq!(
        sandbox.get(&many).await?.body["profiles"]
            .as_array()
            .map(Vec::len),
        Some(2)
    );
    Ok(())
}

#[tokio::test]
async fn who_set_up_no_profile_has_none_and_a_bot_says_so() -> Outcome {
    let sandbox = Sandbox::with_fans(0).await?;
    let mut blank = Person::fan(1, sandbox.clock.now());
    (blank.name, blank.bio, blank.picture) = (String::new(), String::new(), false);
    blank.bot = true;
    sandbox.bluesky.follow(blank);
    let profile = sandbox
        .get(&format!("{PROFILE}=fan0001.bsky.social"))
        .await?;
    for absent in ["displayName", "description", "avatar", "indexedAt"] {
        assert!(profile.body.get(absent).is_none(), "{absent}");
    }
    assert_eq!(profile.body["labels"][0]["val"], "bot");
    Ok(())
}

#[tokio::test]
async fn an_account_that_is_gone_says_why() -> Outcome {
    let sandbox = Sandbox::with_fans(3).await?;
    sandbox.bluesky.deactivate("fan0001");
    sandbox.bluesky.take_down("fan0002");
    sandbox.bluesky.rename("fan0003", "new.example");
    let wrong = ["fan0001", "fan0002", "fan0003"].map(|it| format!("{PROFILE}={it}.bsky.social"));
    assert_eq!(
        sandbox.get(&wrong[0]).await?.error(),
        (400, "AccountDeactivated")
    );
    assert_eq!(
        sandbox.get(&wrong[1]).await?.error(),
        (400, "AccountTakedown")
    );
    let renamed = sandbox.get(&wrong[2]).await?;
    assert_eq!(renamed.error(), (400, "InvalidRequest"));
    assert_eq!(renamed.body["message"], "Profile not found");
    Ok(())
}

#[tokio::test]
async fn a_page_may_be_short_or_empty_and_only_a_missing_cursor_is_the_end() -> Outcome {
    let sandbox = Sandbox::with_fans(5).await?;
    for hidden in ["fan0005", "fan0003", "fan0002"] {
        sandbox.bluesky.hide(hidden);
    }
    let (mut pages, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = sandbox.get(&format!("{FOLLOWERS}&limit=2{cursor}")).await?;
        pages.push(page.followers().join(" "));
        match page.cursor() {
            "" => break,
            next => cursor = format!("&cursor={next}"),
        }
    }
    assert_eq!(pages, ["fan0004", "", "fan0001", ""]);
    assert_eq!(sandbox.bluesky.follower_count(), 5);
    Ok(())
}

#[tokio::test]
async fn a_backdated_follow_enters_below_the_top_and_a_refollow_at_the_top() -> Outcome {
    let sandbox = Sandbox::with_fans(0).await?;
    for n in 1..=3 {
        sandbox.clock.advance(Duration::from_secs(60));
        sandbox.bluesky.follow(Person::fan(n, sandbox.clock.now()));
    }
    let earlier = "2026-11-22T14:01:30Z".parse()?;
    sandbox
        .bluesky
        .follow_backdated(Person::fan(9, sandbox.clock.now()), earlier);
    let list = sandbox.get(FOLLOWERS).await?;
    assert_eq!(
        list.followers(),
        ["fan0003", "fan0002", "fan0009", "fan0001"]
    );
    sandbox.bluesky.follow(Person::fan(1, sandbox.clock.now()));
    let list = sandbox.get(FOLLOWERS).await?;
    assert_eq!(
        list.followers(),
        ["fan0001", "fan0003", "fan0002", "fan0009"]
    );
    assert_eq!(sandbox.bluesky.follower_count(), 4);
    Ok(())
}

#[tokio::test]
async fn a_deleted_account_stays_counted_until_the_next_follow() -> Outcome {
    let sandbox = Sandbox::with_fans(3).await?;
    sandbox.bluesky.delete("fan0002");
    assert_eq!(
        sandbox.get(FOLLOWERS).await?.followers(),
        ["fan0003", "fan0001"]
    );
    assert_eq!(sandbox.bluesky.follower_count(), 3);
    sandbox.bluesky.unfollow("fan0001");
    assert_eq!(sandbox.bluesky.follower_count(), 1);
    Ok(())
}

#[tokio::test]
async fn a_bad_parameter_is_refused() -> Outcome {
    let sandbox = Sandbox::with_fans(1).await?;
    assert_eq!(
        sandbox
            .get(&format!("{FOLLOWERS}&limit=101"))
            .await?
            .error(),
        (400, "InvalidRequest")
    );
    assert_eq!(
        sandbox.get(&format!("{FOLLOWERS}&cursor=x")).await?.error(),
        (500, "InternalServerError")
    );
    let actors = vec!["actors=amber.bsky.social"; 26].join("&");
    let many = format!("app.bsky.actor.getProfiles?{actors}");
    assert_eq!(sandbox.get(&many).await?.status, 400);
    assert_eq!(
        sandbox.get("app.bsky.feed.unknown").await?.error(),
        (501, "MethodNotImplemented")
    );
    assert_eq!(sandbox.get("com.atproto.repo.putRecord").await?.status, 405);
    Ok(())
}

#[tokio::test]
async fn a_session_opens_expires_and_is_refreshed() -> Outcome {
    let sandbox = Sandbox::with_fans(0).await?;
    let session = sandbox.log_in(&Account::amber().app_password).await?;
    let endpoint = session.body.pointer("/didDoc/service/0/serviceEndpoint");
    assert_eq!(endpoint, Some(&json!(sandbox.bluesky.url())));
    let access = session.body["accessJwt"].as_str().unwrap_or_default();
    let refresh = session.body["refreshJwt"].as_str().unwrap_or_default();
    assert_eq!(access.split('.').count(), 3);
    let whoami = "com.atproto.server.getSession";
    assert_eq!(sandbox.get_as(access, whoami).await?.status, 200);
    assert_eq!(
        sandbox.get_as(refresh, whoami).await?.error(),
        (400, "InvalidToken")
    );
    sandbox.clock.advance(Duration::from_secs(2 * 60 * 60));
    assert_eq!(
        sandbox.get_as(access, whoami).await?.error(),
        (400, "ExpiredToken")
    );
    let renew = || sandbox.request("POST", "com.atproto.server.refreshSession");
    let renewed = told(renew()?.bearer_auth(refresh)).await?;
    let access = renewed.body["accessJwt"].as_str().unwrap_or_default();
    assert_eq!(sandbox.get_as(access, whoami).await?.status, 200);
    assert_eq!(told(renew()?.bearer_auth(refresh)).await?.status, 400);
    Ok(())
}

#[tokio::test]
async fn nobody_writes_without_a_right_token() -> Outcome {
    let sandbox = Sandbox::with_fans(0).await?;
    assert_eq!(
        sandbox.log_in("guess").await?.error(),
        (401, "AuthenticationRequired")
    );
    let unsigned = sandbox
        .request("POST", "com.atproto.repo.putRecord")?
        .body("{}");
    assert_eq!(told(unsigned).await?.error(), (401, "AuthMissing"));
    assert_eq!(
        sandbox.put("garbage", RKEY, &post("x")).await?.error(),
        (400, "InvalidToken")
    );
    let read = format!("{PROFILE}=amber.bsky.social");
    assert_eq!(
        sandbox.get_as("garbage", &read).await?.error(),
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
    sandbox.bluesky.take_down("amber");
    assert_eq!(
        sandbox.put(&token, RKEY, &post("x")).await?.error(),
        (401, "AccountTakedown")
    );
    assert_eq!(sandbox.bluesky.posts().len(), 0);
    Ok(())
}

#[tokio::test]
async fn logins_are_limited_by_five_minutes_and_by_day() -> Outcome {
    let sandbox = Sandbox::with_fans(0).await?;
    for _ in 0..30 {
        assert_eq!(sandbox.log_in("guess").await?.status, 401);
    }
    let refused = sandbox.log_in(&Account::amber().app_password).await?;
    assert_eq!(refused.error(), (429, "RateLimitExceeded"));
    assert_eq!(refused.headers["ratelimit-policy"], "30;w=300");
    assert_eq!(refused.headers["retry-after"], "300");
    for _ in 0..9 {
        sandbox.clock.advance(Duration::from_secs(300));
        for _ in 0..30 {
            sandbox.log_in("guess").await?;
        }
    }
    sandbox.clock.advance(Duration::from_secs(300));
    let refused = sandbox.log_in("guess").await?;
    assert_eq!(refused.headers["ratelimit-policy"], "300;w=86400");
    Ok(())
}

#[tokio::test]
async fn a_record_is_put_once_and_the_very_same_again_changes_nothing() -> Outcome {
    let sandbox = Sandbox::with_fans(0).await?;
    let token = sandbox.token().await?;
    let first = sandbox.put(&token, RKEY, &post("Who is 600?")).await?;
    assert_eq!(
        (first.status, &first.body["validationStatus"]),
        (200, &json!("valid"))
    );
    assert!(first.headers.contains_key("ratelimit-remaining"));
    let again = sandbox.put(&token, RKEY, &post("Who is 600?")).await?;
    assert_eq!(again.status, 200);
    assert_eq!(again.body["cid"], first.body["cid"]);
    assert!(again.body.get("commit").is_none());
    let other = sandbox.put(&token, RKEY, &post("Who is 700?")).await?;
    assert_eq!(other.error(), (400, "InvalidSwap"));
    assert_eq!(sandbox.bluesky.posts().len(), 1);
    assert_eq!(sandbox.bluesky.posts()[0].text, "Who is 600?");
    Ok(())
}

#[tokio::test]
async fn without_a_swap_a_record_is_replaced_and_with_a_wrong_one_it_is_not() -> Outcome {
    let sandbox = Sandbox::with_fans(0).await?;
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
    assert_eq!(sandbox.bluesky.posts()[0].text, "three");
    Ok(())
}

#[tokio::test]
async fn a_record_that_breaks_the_schema_is_refused() -> Outcome {
    let sandbox = Sandbox::with_fans(0).await?;
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
        let told = sandbox.put(&token, rkey, &record).await?;
        assert_eq!(told.error(), (400, "InvalidRequest"), "{rkey} {record}");
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
async fn a_record_is_found_again_and_a_taken_key_crashes_create() -> Outcome {
    let sandbox = Sandbox::with_fans(0).await?;
    let token = sandbox.token().await?;
    let path =
        format!("com.atproto.repo.getRecord?repo=amber.bsky.social&collection={POSTS}&rkey={RKEY}");
    assert_eq!(sandbox.get(&path).await?.error(), (400, "RecordNotFound"));
    sandbox.put(&token, RKEY, &post("hello")).await?;
    assert_eq!(sandbox.get(&path).await?.body["value"], post("hello"));
    let mut body =
        json!({"repo": did("44196397"), "collection": POSTS, "rkey": RKEY, "record": post("x")});
    let create = "com.atproto.repo.createRecord";
    assert_eq!(
        sandbox.post(&token, create, &body).await?.error(),
        (500, "InternalServerError")
    );
    body["rkey"] = Value::Null;
    let made = sandbox.post(&token, create, &body).await?;
    let key = made.body["uri"]
        .as_str()
        .and_then(|uri| uri.rsplit('/').next());
    assert!(key.is_some_and(|key| valid_tid(key).is_ok()));
    let feed = sandbox
        .get("app.bsky.feed.getAuthorFeed?actor=amber.bsky.social")
        .await?;
    assert_eq!(feed.body["feed"][1]["post"]["record"]["text"], "hello");
    Ok(())
}

#[tokio::test]
async fn a_message_goes_through_a_conversation() -> Outcome {
    let sandbox = Sandbox::with_fans(1).await?;
    let token = sandbox.token().await?;
    let fan = did("2000000001");
    let available = sandbox
        .chat(&token, &format!("getConvoAvailability?members={fan}"), None)
        .await?;
    assert_eq!(available.body["canChat"], true);
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
    assert_eq!(sandbox.bluesky.messages()[0].to, fan);
    let unproxied = sandbox
        .post(&token, "chat.bsky.convo.sendMessage", &body)
        .await?;
    assert_eq!(unproxied.error(), (501, "MethodNotImplemented"));
    sandbox.bluesky.deny_messages_to_app_passwords();
    let denied = sandbox.chat(&token, "sendMessage", Some(&body)).await?;
    assert_eq!(denied.error(), (400, "InvalidToken"));
    Ok(())
}

#[tokio::test]
async fn a_message_is_refused_for_its_reason() -> Outcome {
    let sandbox = Sandbox::with_fans(3).await?;
    let token = sandbox.token().await?;
    let mut closed = Person::fan(4, sandbox.clock.now());
    closed.messages_closed = true;
    sandbox.bluesky.follow(closed);
    sandbox.bluesky.unfollow("fan0001");
    sandbox.bluesky.block_messages("fan0002");
    sandbox.bluesky.hide("fan0003");
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
    let sandbox = Sandbox::with_fans(2).await?;
    let token = sandbox.token().await?;
    sandbox.put(&token, RKEY, &post("Who is 600?")).await?;
    let uri = sandbox.bluesky.posts()[0].id.clone();
    sandbox
        .bluesky
        .add_reply("me! trains, please", "fan0002", &uri);
    sandbox
        .bluesky
        .add_mention("hi @amber.bsky.social", "fan0001");
    let list = "app.bsky.notification.listNotifications";
    let answers = sandbox
        .get_as(&token, &format!("{list}?reasons=reply&reasons=mention"))
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
        .get_as(&token, &format!("{list}?reasons=follow"))
        .await?;
    assert_eq!(
        follows.body["notifications"].as_array().map(Vec::len),
        Some(2)
    );
    assert_eq!(sandbox.get(list).await?.error(), (401, "AuthMissing"));
    Ok(())
}

#[tokio::test]
async fn a_lost_answer_is_lost_after_the_deed_and_the_record_can_be_found() -> Outcome {
    let sandbox = Sandbox::with_fans(0).await?;
    let token = sandbox.token().await?;
    sandbox.bluesky.fail_next("putRecord", Fault::Hangup);
    sandbox.bluesky.fail_next("putRecord", Fault::AnswerLost);
    assert!(sandbox.put(&token, RKEY, &post("x")).await.is_err());
    assert_eq!(sandbox.bluesky.posts().len(), 0);
    assert!(sandbox.put(&token, RKEY, &post("x")).await.is_err());
    assert_eq!(sandbox.bluesky.posts().len(), 1);
    assert_eq!(sandbox.put(&token, RKEY, &post("x")).await?.status, 200);
    assert_eq!(sandbox.bluesky.posts().len(), 1);
    sandbox
        .bluesky
        .fail_next("getProfile", Fault::RateLimited { for_seconds: 7 });
    let limited = sandbox.get(&format!("{PROFILE}=amber.bsky.social")).await?;
    assert_eq!(limited.error(), (429, "RateLimitExceeded"));
    assert_eq!(limited.headers["retry-after"], "7");
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
