mod answers;

use std::time::Duration;

use oauth1_request::{Builder, HMAC_SHA1, ParameterList, Token};
use serde_json::{Value, json};

use super::{Account, Keys, SANDBOX_BEARER, State, text::weighted_length};
use crate::{
    person::Person,
    testing::{Outcome, Received, Sandbox, TestError, send, send_json},
};

fn signature(keys: &Keys, method: &str, url: &reqwest::Url) -> String {
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

impl Sandbox<State> {
    fn signed(
        &self,
        keys: &Keys,
        method: &str,
        path: &str,
    ) -> Result<reqwest::RequestBuilder, TestError> {
        let url = format!("{}{path}", self.network.url()).parse()?;
        let signature = signature(keys, method, &url);
        let request = self.http.request(method.parse()?, url);
        Ok(request.header("authorization", signature))
    }

    async fn get_as_amber(&self, path: &str) -> Result<Received, TestError> {
        send(self.signed(&Keys::sandbox(), "GET", path)?).await
    }

    async fn post(&self, path: &str, body: &Value) -> Result<Received, TestError> {
        send_json(self.signed(&Keys::sandbox(), "POST", path)?, body).await
    }

    async fn get_as_app(&self, path: &str) -> Result<Received, TestError> {
        self.get_as(SANDBOX_BEARER, path).await
    }
}

fn handles(page: &Received) -> Vec<&str> {
    page.each("/data", "username")
}

const FOLLOWERS: &str = "/2/users/44196397/followers";

#[tokio::test]
async fn an_account_is_counted_and_only_what_was_asked_for_is_told() -> Outcome {
    let sandbox = Sandbox::<State>::with_fans(3).await?;
    let plain = sandbox.get_as_amber("/2/users/me").await?;
    assert_eq!(
        plain.body,
        json!({"data": {"id": "44196397", "name": "Amber Lane", "username": "amber"}})
    );
    let counted = sandbox
        .get_as_app("/2/users/by/username/AMBER?user.fields=public_metrics")
        .await?;
    assert_eq!(counted.body["data"]["public_metrics"]["followers_count"], 3);
    let many = sandbox
        .get_as_amber("/2/users?ids=44196397,2000000002,5")
        .await?;
    assert_eq!(handles(&many), ["amber", "fan0002"]);
    assert_eq!(many.body["errors"][0]["value"], "5");
    Ok(())
}

#[tokio::test]
async fn a_page_is_short_when_it_hides_someone_but_says_there_is_more() -> Outcome {
    let sandbox = Sandbox::<State>::with_fans(5).await?;
    sandbox.network.hide("fan0004");
    let page = sandbox
        .get_as_amber(&format!("{FOLLOWERS}?max_results=2"))
        .await?;
    assert_eq!(handles(&page), ["fan0005"]);
    assert_eq!(page.body["meta"]["result_count"], 1);
    let token = page.body["meta"]["next_token"].as_str().unwrap_or_default();
    let path = format!("{FOLLOWERS}?max_results=2&pagination_token={token}");
    let page = sandbox.get_as_amber(&path).await?;
    assert_eq!(handles(&page), ["fan0003", "fan0002"]);
    assert_eq!(sandbox.network.follower_count(), 5);
    Ok(())
}

#[tokio::test]
async fn pages_name_everyone_once_though_someone_comes_in_between() -> Outcome {
    let sandbox = Sandbox::<State>::with_fans(7).await?;
    let (mut named, mut token) = (Vec::new(), String::new());
    loop {
        let page = sandbox
            .get_as_amber(&format!("{FOLLOWERS}?max_results=3{token}"))
            .await?;
        named.extend(handles(&page).into_iter().map(str::to_owned));
        sandbox
            .network
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
    let sandbox = Sandbox::<State>::with_fans(3).await?;
    sandbox.network.unfollow("fan0002");
    sandbox.network.follow(Person::fan(1, sandbox.clock.now()));
    let page = sandbox.get_as_amber(FOLLOWERS).await?;
    assert_eq!(handles(&page), ["fan0001", "fan0003"]);
    assert_eq!(sandbox.network.follower_count(), 2);
    Ok(())
}

#[tokio::test]
async fn only_a_right_signature_is_accepted() -> Outcome {
    let sandbox = Sandbox::<State>::with_fans(1).await?;
    let path = "/2/users/me?user.fields=created_at,public_metrics";
    assert_eq!(sandbox.get_as_amber(path).await?.status, 200);
    let mut keys = Keys::sandbox();
    keys.access_secret = "guessed".to_owned();
    let refused = send(sandbox.signed(&keys, "GET", path)?).await?;
    assert_eq!(refused.status, 401);
    assert_eq!(
        refused.body,
        json!({"title": "Unauthorized", "type": "about:blank", "status": 401, "detail": "Unauthorized"})
    );
    let nobody = sandbox.get(path).await?;
    assert_eq!(nobody.status, 401);
    let seen: Vec<_> = sandbox.network.requests();
    assert_eq!(seen[0].authenticated_as.as_deref(), Some("44196397"));
    assert_eq!(
        (seen[1].authenticated_as.as_deref(), seen[1].status),
        (None, 401)
    );
    Ok(())
}

#[tokio::test]
async fn the_apps_bearer_reads_followers_but_is_nobody() -> Outcome {
    let sandbox = Sandbox::<State>::with_fans(2).await?;
    let page = sandbox.get_as_app(FOLLOWERS).await?;
    assert_eq!(handles(&page).len(), 2);
    let refused = sandbox.get_as_app("/2/users/me").await?;
    assert_eq!(refused.status, 403);
    assert_eq!(
        refused.body["type"],
        "https://api.x.com/2/problems/unsupported-authentication"
    );
    Ok(())
}

#[tokio::test]
async fn a_protected_account_shows_its_followers_to_itself_alone() -> Outcome {
    let sandbox = Sandbox::<State>::with_fans(0).await?;
    sandbox.network.add_account(Account {
        id: "77".to_owned(),
        handle: "shy".to_owned(),
        name: "Shy".to_owned(),
        keys: None,
        protected: true,
    });
    sandbox
        .network
        .follow_account("shy", Person::fan(1, sandbox.clock.now()));
    let refused = sandbox.get_as_amber("/2/users/77/followers").await?;
    assert_eq!(refused.body["errors"][0]["title"], "Authorization Error");
    Ok(())
}

#[tokio::test]
async fn a_post_is_made_once_and_refused_the_second_time() -> Outcome {
    let sandbox = Sandbox::<State>::with_fans(0).await?;
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
    assert_eq!(sandbox.network.posts().len(), 1);
    assert_eq!(sandbox.network.posts()[0].text, body["text"]);
    let path = "/2/users/44196397/tweets?max_results=5&start_time=2026-11-22T14:00:00Z&tweet.fields=created_at,author_id";
    let timeline = sandbox.get_as_amber(path).await?;
    assert_eq!(timeline.body["data"][0]["text"], text);
    assert_eq!(
        timeline.body["data"][0]["created_at"],
        "2026-11-22T14:00:00.000Z"
    );
    Ok(())
}

#[tokio::test]
async fn a_text_weighs_what_x_says_it_weighs() -> Outcome {
    let sandbox = Sandbox::<State>::with_fans(0).await?;
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
    let sandbox = Sandbox::<State>::with_fans(2).await?;
    let own = sandbox
        .post("/2/tweets", &json!({"text": "Who is 600?"}))
        .await?;
    let own = own.body["data"]["id"].as_str().unwrap_or_default();
    let summons = sandbox
        .network
        .add_mention("a song about rain please", "fan0001");
    let reply = sandbox.network.add_reply("about trains!", "fan0002", own);
    let stranger = sandbox.network.with(|state| {
        let author = state.id_of("fan0002").unwrap_or_default();
        state.add_post(author, "good morning".to_owned(), None)
    });
    let quote = sandbox.network.quote("fan0002", "or cats", own);
    let mentions = sandbox
        .get_as_amber("/2/users/44196397/mentions?expansions=author_id")
        .await?;
    assert_eq!(mentions.each("/data", "id"), [&quote, &reply, &summons]);
    assert_eq!(
        mentions.body["data"][2]["text"],
        "@amber a song about rain please"
    );
    assert_eq!(mentions.body["includes"]["users"][0]["username"], "fan0001");
    let newer = format!("/2/users/44196397/mentions?since_id={summons}");
    assert_eq!(
        sandbox.get_as_amber(&newer).await?.body["meta"]["result_count"],
        2
    );
    let answer =
        |to: &str| json!({"text": format!("Thanks {to}"), "reply": {"in_reply_to_tweet_id": to}});
    assert_eq!(
        sandbox.post("/2/tweets", &answer(&summons)).await?.status,
        201
    );
    assert_eq!(
        sandbox.post("/2/tweets", &answer(&quote)).await?.status,
        201
    );
    for unasked in [&stranger, &reply] {
        let refused = sandbox.post("/2/tweets", &answer(unasked)).await?;
        assert_eq!(refused.status, 403);
        assert_eq!(
            refused.body["detail"],
            "Reply to this conversation is not allowed because you have not been mentioned or \
             otherwise engaged by the author of the post you are replying to."
        );
    }
    sandbox.network.set_implicit_mentions_summon(true);
    let allowed = sandbox.post("/2/tweets", &answer(&reply)).await?;
    assert_eq!(allowed.status, 201);
    Ok(())
}

#[tokio::test]
async fn what_only_the_rules_forbid_is_done_and_written_down() -> Outcome {
    let sandbox = Sandbox::<State>::with_fans(2).await?;
    sandbox.network.add_mention("hello", "fan0002");
    let asked = json!({"text": "Thank you @fan0002, mail a@b.example"});
    let unasked = json!({"text": "Hello @Fan0001!"});
    assert_eq!(sandbox.post("/2/tweets", &asked).await?.status, 201);
    assert_eq!(sandbox.network.rule_breaks().len(), 0);
    assert_eq!(sandbox.post("/2/tweets", &unasked).await?.status, 201);
    assert_eq!(
        sandbox.network.rule_breaks(),
        ["unasked mention of @Fan0001"]
    );
    Ok(())
}

#[tokio::test]
async fn messages_arrive_and_are_listed_unless_they_are_closed() -> Outcome {
    let sandbox = Sandbox::<State>::with_fans(1).await?;
    let mut closed = Person::fan(2, sandbox.clock.now());
    closed.messages_closed = true;
    sandbox.network.follow(closed);
    let with = "/2/dm_conversations/with";
    let hello = json!({"text": "You are number 600"});
    sandbox.network.add_message("hi!", "fan0001");
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
    let events = sandbox.get_as_amber(&path).await?;
    assert_eq!(events.body["data"][0]["text"], "You are number 600");
    assert_eq!(events.body["data"][0]["event_type"], "MessageCreate");
    assert_eq!(events.body["data"][0]["sender_id"], "44196397");
    assert_eq!(events.body["data"][1]["sender_id"], "2000000001");
    assert_eq!(sandbox.network.messages()[0].to, "2000000001");
    assert_eq!(sandbox.network.rule_breaks().len(), 0);
    Ok(())
}

#[tokio::test]
async fn a_limit_holds_until_the_clock_passes_its_reset() -> Outcome {
    let sandbox = Sandbox::<State>::with_fans(1).await?;
    sandbox.network.set_limit("GET /2/users/:id/followers", 2);
    assert_eq!(
        sandbox
            .get_as_amber(FOLLOWERS)
            .await?
            .header("x-rate-limit-remaining"),
        "1"
    );
    sandbox.get_as_amber(FOLLOWERS).await?;
    let refused = sandbox.get_as_amber(FOLLOWERS).await?;
    assert_eq!(refused.status, 429);
    assert_eq!(refused.body["title"], "Too Many Requests");
    let reset = sandbox.clock.now().as_second() + 900;
    assert_eq!(refused.header("x-rate-limit-reset"), reset.to_string());
    assert_eq!(
        sandbox
            .get_as_amber("/2/users/me")
            .await?
            .header("x-rate-limit-limit"),
        "75"
    );
    sandbox.clock.advance(Duration::from_secs(899));
    assert_eq!(sandbox.get_as_amber(FOLLOWERS).await?.status, 429);
    sandbox.clock.advance(Duration::from_secs(1));
    assert_eq!(sandbox.get_as_amber(FOLLOWERS).await?.status, 200);
    Ok(())
}

#[tokio::test]
async fn what_is_wrong_is_said_as_x_says_it() -> Outcome {
    let sandbox = Sandbox::<State>::with_fans(1).await?;
    let many = sandbox
        .get_as_amber(&format!("{FOLLOWERS}?max_results=1001"))
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
        assert_eq!(sandbox.get_as_amber(path).await?.status, 400, "{path}");
    }
    let nobody = sandbox.get_as_amber("/2/users/by/username/nobody").await?;
    assert_eq!(nobody.status, 200);
    assert_eq!(
        nobody.body["errors"][0]["detail"],
        "Could not find user with username: [nobody]."
    );
    assert!(nobody.body.get("data").is_none());
    assert_eq!(sandbox.get_as_amber("/2/unknown").await?.status, 404);
    Ok(())
}

#[tokio::test]
async fn an_old_handle_is_nobodys() -> Outcome {
    let sandbox = Sandbox::<State>::with_fans(1).await?;
    sandbox.network.rename("amber", "amber_lane");
    let old = sandbox.get_as_amber("/2/users/by/username/amber").await?;
    assert!(old.body.get("errors").is_some());
    assert_eq!(
        sandbox.get_as_amber("/2/users/me").await?.body["data"]["username"],
        "amber_lane"
    );
    Ok(())
}
