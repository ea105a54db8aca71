use std::{error::Error, time::Duration};

use oauth1_request::{Builder, HMAC_SHA1, ParameterList, Token};
use serde_json::{Value, json};

use super::{super::Fault, text::weighted_length, *};

type Outcome = Result<(), Box<dyn Error + Send + Sync>>;

struct Told {
    status: u16,
    body: Value,
    headers: HashMap<String, String>,
}

impl Told {
    fn header(&self, name: &str) -> i64 {
        let value = self.headers.get(name);
        value.and_then(|it| it.parse().ok()).unwrap_or(-1)
    }

    fn handles(&self) -> Vec<&str> {
        let users = self.body["data"].as_array().into_iter().flatten();
        users.filter_map(|user| user["username"].as_str()).collect()
    }
}

struct Sandbox {
    x: X,
    clock: Clock,
    http: reqwest::Client,
    keys: Keys,
}

impl Sandbox {
    /// Amber with that many fans, the highest number the newest.
    async fn with_fans(fans: u64) -> Result<Self, Box<dyn Error + Send + Sync>> {
        let clock = Clock::by_hand("2026-11-22T14:00:00Z".parse()?);
        let x = X::start(clock.clone()).await?;
        x.add_account(Account::amber());
        x.set_bearer(SANDBOX_BEARER);
        (1..=fans).for_each(|n| x.follow(Person::fan(n, clock.now())));
        Ok(Self {
            x,
            clock,
            http: have_a_hug::http::client()?,
            keys: Keys::sandbox(),
        })
    }

    fn signature(&self, method: &str, url: &reqwest::Url) -> String {
        let keys = &self.keys;
        let token = Token::from_parts(
            keys.api_key.as_str(),
            keys.api_secret.as_str(),
            keys.access_token.as_str(),
            keys.access_secret.as_str(),
        );
        let query: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        let mut bare = url.clone();
        bare.set_query(None);
        let builder: Builder<'_, _, _, _> = Builder::with_token(token, HMAC_SHA1);
        builder.authorize(method, bare.as_str(), &ParameterList::new(query))
    }

    fn request(
        &self,
        method: &str,
        path: &str,
    ) -> Result<reqwest::RequestBuilder, Box<dyn Error + Send + Sync>> {
        let url: reqwest::Url = format!("{}{path}", self.x.url()).parse()?;
        let signature = self.signature(method, &url);
        let request = self.http.request(method.parse()?, url);
        Ok(request.header("authorization", signature))
    }

    async fn get(&self, path: &str) -> Result<Told, Box<dyn Error + Send + Sync>> {
        told(self.request("GET", path)?).await
    }

    async fn post(&self, path: &str, body: &Value) -> Result<Told, Box<dyn Error + Send + Sync>> {
        told(self.posting(path, body)?).await
    }

    fn posting(
        &self,
        path: &str,
        body: &Value,
    ) -> Result<reqwest::RequestBuilder, Box<dyn Error + Send + Sync>> {
        Ok(self
            .request("POST", path)?
            .header("content-type", "application/json")
            .body(body.to_string()))
    }

    async fn bearer(&self, path: &str) -> Result<Told, Box<dyn Error + Send + Sync>> {
        let request = self.http.get(format!("{}{path}", self.x.url()));
        told(request.header("authorization", format!("Bearer {SANDBOX_BEARER}"))).await
    }
}

async fn told(request: reqwest::RequestBuilder) -> Result<Told, Box<dyn Error + Send + Sync>> {
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

const FOLLOWERS: &str = "/2/users/44196397/followers";

#[tokio::test]
async fn an_account_is_counted_and_only_what_was_asked_for_is_told() -> Outcome {
    let sandbox = Sandbox::with_fans(3).await?;
    let plain = sandbox.get("/2/users/me").await?;
    assert_eq!(
        plain.body,
        json!({"data": {"id": "44196397", "name": "Amber Lane", "username": "amber"}})
    );
    let counted = sandbox
        .bearer("/2/users/by/username/AMBER?user.fields=public_metrics")
        .await?;
    assert_eq!(counted.body["data"]["public_metrics"]["followers_count"], 3);
    let many = sandbox.get("/2/users?ids=44196397,2000000002,5").await?;
    assert_eq!(many.handles(), ["amber", "fan0002"]);
    assert_eq!(many.body["errors"][0]["value"], "5");
    Ok(())
}

#[tokio::test]
async fn a_page_is_short_when_it_hides_someone_but_says_there_is_more() -> Outcome {
    let sandbox = Sandbox::with_fans(5).await?;
    sandbox.x.hide("fan0004");
    let page = sandbox.get(&format!("{FOLLOWERS}?max_results=2")).await?;
    assert_eq!(page.handles(), ["fan0005"]);
    assert_eq!(page.body["meta"]["result_count"], 1);
    let token = page.body["meta"]["next_token"].as_str().unwrap_or_default();
    let path = format!("{FOLLOWERS}?max_results=2&pagination_token={token}");
    assert_eq!(sandbox.get(&path).await?.handles(), ["fan0003", "fan0002"]);
    assert_eq!(sandbox.x.follower_count(), 5);
    Ok(())
}

#[tokio::test]
async fn pages_name_everyone_once_though_someone_comes_in_between() -> Outcome {
    let sandbox = Sandbox::with_fans(7).await?;
    let (mut named, mut token) = (Vec::new(), String::new());
    loop {
        let page = sandbox
            .get(&format!("{FOLLOWERS}?max_results=3{token}"))
            .await?;
        named.extend(page.handles().into_iter().map(str::to_owned));
        sandbox
            .x
            .follow(Person::fan(100 + named.len() as u64, sandbox.clock.now()));
        match page.body["meta"]["next_token"].as_str() {
            Some(next) => token = format!("&pagination_token={next}"),
            None => break,
        }
    }
    let expected: Vec<String> = (1..=7).rev().map(|n| format!("fan{n:04}")).collect();
    assert_eq!(named, expected);
    Ok(())
}

#[tokio::test]
async fn who_follows_again_is_the_newest_and_who_left_is_gone() -> Outcome {
    let sandbox = Sandbox::with_fans(3).await?;
    sandbox.x.unfollow("fan0002");
    sandbox.x.follow(Person::fan(1, sandbox.clock.now()));
    assert_eq!(
        sandbox.get(FOLLOWERS).await?.handles(),
        ["fan0001", "fan0003"]
    );
    assert_eq!(sandbox.x.follower_count(), 2);
    Ok(())
}

#[tokio::test]
async fn only_a_right_signature_is_accepted() -> Outcome {
    let mut sandbox = Sandbox::with_fans(1).await?;
    let path = "/2/users/me?user.fields=created_at,public_metrics";
    assert_eq!(sandbox.get(path).await?.status, 200);
    sandbox.keys.access_secret = "guessed".to_owned();
    let refused = sandbox.get(path).await?;
    assert_eq!(refused.status, 401);
    assert_eq!(
        refused.body,
        json!({"title": "Unauthorized", "type": "about:blank", "status": 401, "detail": "Unauthorized"})
    );
    let nobody = told(sandbox.http.get(format!("{}{path}", sandbox.x.url()))).await?;
    assert_eq!(nobody.status, 401);
    let seen: Vec<_> = sandbox.x.requests();
    assert_eq!(seen[0].authenticated_as.as_deref(), Some("44196397"));
    assert_eq!(
        (seen[1].authenticated_as.as_deref(), seen[1].status),
        (None, 401)
    );
    Ok(())
}

#[tokio::test]
async fn the_apps_bearer_reads_followers_but_is_nobody() -> Outcome {
    let sandbox = Sandbox::with_fans(2).await?;
    assert_eq!(sandbox.bearer(FOLLOWERS).await?.handles().len(), 2);
    let refused = sandbox.bearer("/2/users/me").await?;
    assert_eq!(refused.status, 403);
    assert_eq!(
        refused.body["type"],
        "https://api.x.com/2/problems/unsupported-authentication"
    );
    Ok(())
}

#[tokio::test]
async fn a_protected_account_shows_its_followers_to_itself_alone() -> Outcome {
    let sandbox = Sandbox::with_fans(0).await?;
    sandbox.x.add_account(Account {
        id: "77".to_owned(),
        handle: "shy".to_owned(),
        name: "Shy".to_owned(),
        keys: None,
        protected: true,
    });
    sandbox
        .x
        .follow_account("shy", Person::fan(1, sandbox.clock.now()));
    let refused = sandbox.get("/2/users/77/followers").await?;
    assert_eq!(refused.body["errors"][0]["title"], "Authorization Error");
    Ok(())
}

#[tokio::test]
async fn a_post_is_made_once_and_refused_the_second_time() -> Outcome {
    let sandbox = Sandbox::with_fans(0).await?;
    let body = json!({"text": "Number 600, tell me your topic <3 & a hug https://example.com/a"});
    let made = sandbox.post("/2/tweets", &body).await?;
    assert_eq!(made.status, 201);
    let text = made.body["data"]["text"].as_str().unwrap_or_default();
    assert!(text.contains("&lt;3 &amp; a hug https://t.co/"), "{text}");
    let again = sandbox.post("/2/tweets", &body).await?;
    assert_eq!(again.status, 403);
    assert_eq!(
        again.body["detail"],
        "You are not allowed to create a Tweet with duplicate content."
    );
    assert_eq!(sandbox.x.posts().len(), 1);
    assert_eq!(sandbox.x.posts()[0].text, body["text"]);
    let path = "/2/users/44196397/tweets?max_results=5&start_time=2026-11-22T14:00:00Z&tweet.fields=created_at,author_id";
    let timeline = sandbox.get(path).await?;
    assert_eq!(timeline.body["data"][0]["text"], text);
    assert_eq!(
        timeline.body["data"][0]["created_at"],
        "2026-11-22T14:00:00.000Z"
    );
    Ok(())
}

#[tokio::test]
async fn a_text_weighs_what_x_says_it_weighs() -> Outcome {
    let sandbox = Sandbox::with_fans(0).await?;
    assert_eq!(weighted_length("ab é"), 4);
    assert_eq!(weighted_length("歌"), 2);
    assert_eq!(weighted_length("👩‍👩‍👧‍👦🇩🇪👍🏽"), 6);
    assert_eq!(
        weighted_length("see https://example.com/a/very/long/path/indeed now"),
        31
    );
    let fits = json!({"text": "a".repeat(280)});
    let too_long = json!({"text": "歌".repeat(141)});
    assert_eq!(sandbox.post("/2/tweets", &fits).await?.status, 201);
    assert_eq!(sandbox.post("/2/tweets", &too_long).await?.status, 403);
    Ok(())
}

#[tokio::test]
async fn a_reply_needs_a_summons() -> Outcome {
    let sandbox = Sandbox::with_fans(2).await?;
    let own = sandbox
        .post("/2/tweets", &json!({"text": "Who is 600?"}))
        .await?;
    let own = own.body["data"]["id"].as_str().unwrap_or_default();
    let summons = sandbox.x.add_mention("a song about rain please", "fan0001");
    let reply = sandbox.x.add_reply("about trains!", "fan0002", own);
    let stranger = sandbox.x.with(|state| {
        let author = state.id_of("fan0002").unwrap_or_default();
        state.add_post(author, "good morning".to_owned(), None)
    });
    let mentions = sandbox
        .get("/2/users/44196397/mentions?expansions=author_id")
        .await?;
    assert_eq!(mentions.body["data"][0]["id"], reply);
    assert_eq!(
        mentions.body["data"][1]["text"],
        "@amber a song about rain please"
    );
    assert_eq!(mentions.body["includes"]["users"][0]["username"], "fan0001");
    let newer = format!("/2/users/44196397/mentions?since_id={summons}");
    assert_eq!(sandbox.get(&newer).await?.body["meta"]["result_count"], 1);
    let answer =
        |to: &str| json!({"text": format!("Thanks {to}"), "reply": {"in_reply_to_tweet_id": to}});
    assert_eq!(
        sandbox.post("/2/tweets", &answer(&summons)).await?.status,
        201
    );
    assert_eq!(
        sandbox.post("/2/tweets", &answer(&reply)).await?.status,
        201
    );
    let refused = sandbox.post("/2/tweets", &answer(&stranger)).await?;
    assert_eq!(refused.status, 403);
    let why = refused.body["detail"].as_str().unwrap_or_default();
    assert!(why.starts_with("Reply to this conversation is not allowed because you have not been mentioned or otherwise engaged by the author"), "{why}");
    Ok(())
}

#[tokio::test]
async fn what_only_the_rules_forbid_is_done_and_written_down() -> Outcome {
    let sandbox = Sandbox::with_fans(2).await?;
    sandbox.x.add_mention("hello", "fan0002");
    let asked = json!({"text": "Thank you @fan0002, mail a@b.example"});
    let unasked = json!({"text": "Hello @Fan0001!"});
    assert_eq!(sandbox.post("/2/tweets", &asked).await?.status, 201);
    assert_eq!(sandbox.x.rule_breaks().len(), 0);
    assert_eq!(sandbox.post("/2/tweets", &unasked).await?.status, 201);
    assert_eq!(sandbox.x.rule_breaks(), ["unasked mention of @Fan0001"]);
    Ok(())
}

#[tokio::test]
async fn messages_arrive_and_are_listed_unless_they_are_closed() -> Outcome {
    let sandbox = Sandbox::with_fans(1).await?;
    let mut closed = Person::fan(2, sandbox.clock.now());
    closed.messages_closed = true;
    sandbox.x.follow(closed);
    let with = "/2/dm_conversations/with";
    let hello = json!({"text": "You are number 600"});
    sandbox.x.add_message("hi!", "fan0001");
    let sent = sandbox
        .post(&format!("{with}/2000000001/messages"), &hello)
        .await?;
    assert_eq!(sent.status, 201);
    assert_eq!(
        sent.body["data"]["dm_conversation_id"],
        "44196397-2000000001"
    );
    let refused = sandbox
        .post(&format!("{with}/2000000002/messages"), &hello)
        .await?;
    assert_eq!(refused.status, 403);
    assert_eq!(
        refused.body["detail"],
        "You do not have permission to DM one or more participants."
    );
    let path = format!("{with}/2000000001/dm_events?dm_event.fields=sender_id,created_at");
    let events = sandbox.get(&path).await?;
    assert_eq!(events.body["data"][0]["text"], "You are number 600");
    assert_eq!(events.body["data"][0]["event_type"], "MessageCreate");
    assert_eq!(events.body["data"][0]["sender_id"], "44196397");
    assert_eq!(events.body["data"][1]["sender_id"], "2000000001");
    assert_eq!(sandbox.x.messages()[0].to, "2000000001");
    assert_eq!(sandbox.x.rule_breaks().len(), 0);
    Ok(())
}

#[tokio::test]
async fn a_limit_holds_until_the_clock_passes_its_reset() -> Outcome {
    let sandbox = Sandbox::with_fans(1).await?;
    sandbox.x.set_limit("GET /2/users/:id/followers", 2);
    assert_eq!(
        sandbox
            .get(FOLLOWERS)
            .await?
            .header("x-rate-limit-remaining"),
        1
    );
    sandbox.get(FOLLOWERS).await?;
    let refused = sandbox.get(FOLLOWERS).await?;
    assert_eq!(refused.status, 429);
    assert_eq!(refused.body["title"], "Too Many Requests");
    let reset = sandbox.clock.now().as_second() + 900;
    assert_eq!(refused.header("x-rate-limit-reset"), reset);
    assert_eq!(
        sandbox
            .get("/2/users/me")
            .await?
            .header("x-rate-limit-limit"),
        75
    );
    sandbox.clock.advance(Duration::from_secs(899));
    assert_eq!(sandbox.get(FOLLOWERS).await?.status, 429);
    sandbox.clock.advance(Duration::from_secs(1));
    assert_eq!(sandbox.get(FOLLOWERS).await?.status, 200);
    Ok(())
}

#[tokio::test]
async fn what_is_wrong_is_said_as_x_says_it() -> Outcome {
    let sandbox = Sandbox::with_fans(1).await?;
    let many = sandbox
        .get(&format!("{FOLLOWERS}?max_results=1001"))
        .await?;
    assert_eq!(many.status, 400);
    assert_eq!(
        many.body["errors"][0]["parameters"]["max_results"][0],
        "1001"
    );
    for path in [
        "/2/users/me?user.fields=shoe_size",
        "/2/users/me?color=red",
        "/2/users/amber",
        "/2/users/44196397/followers?pagination_token=x",
        "/2/users?ids=",
    ] {
        assert_eq!(sandbox.get(path).await?.status, 400, "{path}");
    }
    let nobody = sandbox.get("/2/users/by/username/nobody").await?;
    assert_eq!(nobody.status, 200);
    assert_eq!(
        nobody.body["errors"][0]["detail"],
        "Could not find user with username: [nobody]."
    );
    assert!(nobody.body.get("data").is_none());
    assert_eq!(sandbox.get("/2/unknown").await?.status, 404);
    Ok(())
}

#[tokio::test]
async fn an_old_handle_is_nobodys() -> Outcome {
    let sandbox = Sandbox::with_fans(1).await?;
    sandbox.x.rename("amber", "amber_lane");
    let old = sandbox.get("/2/users/by/username/amber").await?;
    assert!(old.body.get("errors").is_some());
    assert_eq!(
        sandbox.get("/2/users/me").await?.body["data"]["username"],
        "amber_lane"
    );
    Ok(())
}

#[tokio::test]
async fn a_lost_answer_is_lost_after_the_deed_and_a_hangup_before() -> Outcome {
    let sandbox = Sandbox::with_fans(0).await?;
    sandbox.x.fail_next("POST /2/tweets", Fault::Hangup);
    sandbox.x.fail_next("POST /2/tweets", Fault::AnswerLost);
    sandbox.x.fail_next("POST /2/tweets", Fault::Truncated);
    let send = |text: &str| sandbox.posting("/2/tweets", &json!({"text": text}));
    assert!(send("one")?.send().await.is_err());
    assert_eq!(sandbox.x.posts().len(), 0);
    assert!(send("two")?.send().await.is_err());
    assert_eq!(sandbox.x.posts().len(), 1);
    let cut = send("three")?.send().await?;
    assert_eq!(cut.status().as_u16(), 201);
    assert!(serde_json::from_str::<Value>(&cut.text().await?).is_err());
    let texts: Vec<String> = sandbox.x.posts().into_iter().map(|it| it.text).collect();
    assert_eq!(texts, ["two", "three"]);
    let statuses: Vec<u16> = sandbox.x.requests().iter().map(|it| it.status).collect();
    assert_eq!(statuses, [0, 0, 201]);
    Ok(())
}

#[tokio::test]
async fn a_hangup_sends_not_a_byte() -> Outcome {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let sandbox = Sandbox::with_fans(0).await?;
    sandbox.x.fail_next("GET /2", Fault::Hangup);
    let addr = sandbox.x.url().trim_start_matches("http://");
    let mut stream = tokio::net::TcpStream::connect(addr).await?;
    stream
        .write_all(b"GET /2/users/me HTTP/1.1\r\nhost: x\r\n\r\n")
        .await?;
    let mut heard = Vec::new();
    stream.read_to_end(&mut heard).await?;
    assert!(heard.is_empty());
    Ok(())
}

#[tokio::test]
async fn faults_come_in_order_and_only_on_their_route() -> Outcome {
    let sandbox = Sandbox::with_fans(1).await?;
    sandbox.x.fail_next("followers", Fault::Status(503));
    sandbox
        .x
        .fail_next("followers", Fault::RateLimited { for_seconds: 60 });
    sandbox.x.fail_next(
        "followers",
        Fault::Body {
            status: 402,
            content_type: "application/json".to_owned(),
            body: r#"{"title":"CreditsDepleted"}"#.to_owned(),
        },
    );
    assert_eq!(sandbox.get("/2/users/me").await?.status, 200);
    let down = sandbox.get(FOLLOWERS).await?;
    assert_eq!(
        (down.status, &down.body["title"]),
        (503, &json!("Service Unavailable"))
    );
    let limited = sandbox.get(FOLLOWERS).await?;
    assert_eq!(limited.status, 429);
    let reset = sandbox.clock.now().as_second() + 60;
    assert_eq!(limited.header("x-rate-limit-reset"), reset);
    assert_eq!(
        sandbox.get(FOLLOWERS).await?.body["title"],
        "CreditsDepleted"
    );
    assert_eq!(sandbox.get(FOLLOWERS).await?.status, 200);
    sandbox.x.fail_next("followers", Fault::Html);
    assert!(sandbox.get(FOLLOWERS).await.is_err());
    Ok(())
}

#[tokio::test]
async fn an_endless_answer_is_more_than_40_mb() -> Outcome {
    let sandbox = Sandbox::with_fans(0).await?;
    sandbox.x.fail_next("me", Fault::Endless);
    let response = sandbox.request("GET", "/2/users/me")?.send().await?;
    assert_eq!(response.status().as_u16(), 200);
    assert!(response.bytes().await?.len() > 40 << 20);
    Ok(())
}

#[tokio::test]
async fn a_slow_answer_is_slow_but_the_deed_is_done() -> Outcome {
    let sandbox = Sandbox::with_fans(0).await?;
    sandbox
        .x
        .fail_next("POST", Fault::Slow(Duration::from_secs(30)));
    let request = sandbox.posting("/2/tweets", &json!({"text": "slow"}))?;
    let sent = request.timeout(Duration::from_millis(200)).send().await;
    assert!(sent.is_err_and(|error| error.is_timeout()));
    assert_eq!(sandbox.x.posts().len(), 1);
    Ok(())
}

#[tokio::test]
async fn a_demo_by_hand_adds_followers_and_reads_what_was_sent() -> Outcome {
    let sandbox = Sandbox::with_fans(2).await?;
    let hand = |method: &str, path: &str| {
        let method = method.parse().unwrap_or_default();
        sandbox
            .http
            .request(method, format!("{}/stand-in/{path}", sandbox.x.url()))
    };
    let more = told(hand("POST", "follow?n=2")).await?;
    assert_eq!(
        more.body,
        json!({"followers": 4, "added": ["fan0003", "fan0004"]})
    );
    told(hand("POST", "follow?bot=true")).await?;
    told(hand("POST", "unfollow?handle=fan0001")).await?;
    assert_eq!(sandbox.x.follower_count(), 4);
    assert_eq!(
        told(hand("POST", "unfollow?handle=nobody")).await?.status,
        404
    );
    sandbox.post("/2/tweets", &json!({"text": "hello"})).await?;
    let sent = told(hand("GET", "sent")).await?;
    assert_eq!(sent.body["posts"][0]["text"], "hello");
    assert_eq!(told(hand("POST", "fail?status=503")).await?.status, 400);
    told(hand("POST", "fail?route=/2/tweets&rate_limited=60")).await?;
    let refused = sandbox.post("/2/tweets", &json!({"text": "again"})).await?;
    assert_eq!(refused.status, 429);
    assert_eq!(sandbox.x.requests().len(), 2);
    Ok(())
}

#[tokio::test]
async fn the_server_ends_with_its_last_handle() -> Outcome {
    let sandbox = Sandbox::with_fans(0).await?;
    let other = sandbox.x.clone();
    let url = sandbox.x.url().to_owned();
    drop(sandbox);
    let http = have_a_hug::http::client()?;
    assert!(http.get(&url).send().await.is_ok());
    drop(other);
    for _ in 0..100 {
        if http.get(&url).send().await.is_err() {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Err("the server still answers".into())
}
