mod answers;

use std::time::Duration;

use serde_json::{Value, json};

use super::{Account, Instance, Mark, State};
use crate::{
    fault::Fault,
    person::Person,
    testing::{Outcome, Received, Sandbox, TestError, send, send_json},
};

const AMBER: &str = "/api/v1/accounts/109876";
const FOLLOWERS: &str = "/api/v1/accounts/109876/followers";
const STATUSES: &str = "/api/v1/statuses";
const NOTIFICATIONS: &str = "/api/v1/notifications";

fn token() -> String {
    Account::amber().access_token
}

impl Sandbox<State> {
    async fn get_as_amber(&self, path: &str) -> Result<Received, TestError> {
        self.get_as(&token(), path).await
    }

    async fn post_as(&self, token: &str, body: &Value, key: &str) -> Result<Received, TestError> {
        let request = self.request("POST", STATUSES)?.bearer_auth(token);
        send_json(request.header("idempotency-key", key), body).await
    }

    async fn mention_as(&self, token: &str, text: &str) -> Result<Received, TestError> {
        let body = json!({"status": text, "visibility": "direct"});
        self.post_as(token, &body, "").await
    }

    async fn mention(&self, text: &str) -> Result<Received, TestError> {
        self.mention_as(&token(), text).await
    }
}

/// The path of the next page, from the `Link` header.
fn next(page: &Received) -> Option<&str> {
    let mut links = page.header("link").split(", ");
    let link = links.find(|link| link.contains("next"))?;
    let url = link.split(['<', '>']).nth(1)?;
    url.find("/api").map(|at| &url[at..])
}

#[tokio::test]
async fn up_to_40_accounts_are_read_at_once_and_accounts_that_are_gone_are_left_out() -> Outcome {
    let sandbox = Sandbox::<State>::with_fans(2).await?;
    let listed = sandbox.get(FOLLOWERS).await?;
    let ids = listed.each("", "id").join("&id[]=");
    let batch = format!("/api/v1/accounts?id[]={ids}&id[]=0");
    let found = sandbox.get(&batch).await?;
    assert_eq!(found.body, listed.body);
    sandbox.network.hide("fan0001");
    let found = sandbox.get(&batch).await?;
    assert_eq!(found.each("", "username"), ["fan0002"]);
    let many = format!("/api/v1/accounts?id[]=0{}", "&id[]=1".repeat(40));
    let refused = sandbox.get(&many).await?;
    assert_eq!(refused.error(), (422, "Mastodon::ValidationError"));
    Ok(())
}

#[tokio::test]
async fn an_account_is_looked_up_by_anyone_with_or_without_its_server() -> Outcome {
    let sandbox = Sandbox::<State>::with_fans(3).await?;
    let by_id = sandbox.get(AMBER).await?;
    for acct in ["amber", "@Amber", "amber@mastodon.example"] {
        let found = sandbox
            .get(&format!("/api/v1/accounts/lookup?acct={acct}"))
            .await?;
        assert_eq!(found.body, by_id.body, "{acct}");
    }
    assert_eq!(by_id.body["followers_count"], 3);
    assert_eq!(by_id.body["acct"], "amber");
    let nobody = sandbox.get("/api/v1/accounts/lookup?acct=nobody").await?;
    assert_eq!(nobody.error(), (404, "Record not found"));
    assert_eq!(sandbox.get("/api/v1/nothing").await?.status, 404);
    Ok(())
}

#[tokio::test]
async fn people_say_where_they_are_from_and_the_server_what_it_thinks_of_them() -> Outcome {
    let sandbox = Sandbox::<State>::with_fans(2).await?;
    let mut cleo = Person::fan(9, sandbox.clock.now());
    cleo.handle = "cleo@other.example".to_owned();
    (cleo.picture, cleo.bio) = (false, "cats > dogs".to_owned());
    sandbox.network.follow(cleo);
    for mark in [Mark::Limited, Mark::Group, Mark::Moved, Mark::Memorial] {
        sandbox.network.mark("cleo@other.example", mark);
    }
    let list = sandbox.get(FOLLOWERS).await?;
    let shown = &list.body[0];
    assert_eq!(
        (&shown["username"], &shown["acct"]),
        (&json!("cleo"), &json!("cleo@other.example"))
    );
    assert_eq!(shown["url"], "https://other.example/@cleo");
    assert_eq!(shown["note"], "<p>cats &gt; dogs</p>");
    assert!(
        shown["avatar"]
            .as_str()
            .is_some_and(|url| url.ends_with("/missing.png"))
    );
    assert_eq!(shown["moved"]["acct"], "cleo@new.example");
    for mark in ["limited", "group", "memorial"] {
        assert_eq!(shown[mark], true, "{mark}");
    }
    assert!(
        list.body[1].get("limited").is_none(),
        "sent only where it is true"
    );
    assert!(
        shown["created_at"]
            .as_str()
            .is_some_and(|time| time.ends_with("T00:00:00.000Z"))
    );
    Ok(())
}

#[tokio::test]
async fn the_newest_follower_is_the_first_and_only_the_link_leads_on() -> Outcome {
    let sandbox = Sandbox::<State>::with_fans(5).await?;
    let mut seen = Vec::new();
    let mut path = format!("{FOLLOWERS}?limit=2");
    loop {
        let page = sandbox.get(&path).await?;
        seen.push(page.each("", "acct").join(" "));
        match next(&page) {
            Some(next) => path = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(seen, ["fan0005 fan0004", "fan0003 fan0002", "fan0001"]);
    // The id of an account leads nowhere in a list that is ordered by follows.
    let by_account = sandbox
        .get(&format!("{FOLLOWERS}?limit=2&max_id=2000000003"))
        .await?;
    assert_eq!(by_account.each("", "acct"), ["fan0005", "fan0004"]);
    Ok(())
}

#[tokio::test]
async fn a_page_may_be_short_or_empty_and_only_a_missing_link_is_the_end() -> Outcome {
    let sandbox = Sandbox::<State>::with_fans(5).await?;
    for hidden in ["fan0005", "fan0003", "fan0002"] {
        sandbox.network.hide(hidden);
    }
    let first = sandbox.get(&format!("{FOLLOWERS}?limit=2")).await?;
    assert_eq!(first.each("", "acct"), ["fan0004"]);
    let second = sandbox.get(next(&first).unwrap_or_default()).await?;
    assert_eq!(second.each("", "acct"), Vec::<&str>::new());
    let third = sandbox.get(next(&second).unwrap_or_default()).await?;
    assert_eq!(third.each("", "acct"), ["fan0001"]);
    assert_eq!(next(&third), None);
    assert_eq!(
        sandbox.network.follower_count(),
        5,
        "they stay in the count"
    );
    Ok(())
}

#[tokio::test]
async fn an_unfollow_lowers_count_and_list_and_a_refollow_is_the_newest() -> Outcome {
    let sandbox = Sandbox::<State>::with_fans(3).await?;
    sandbox.network.unfollow("fan0001");
    assert_eq!(sandbox.network.follower_count(), 2);
    let follows = sandbox.get_as_amber(NOTIFICATIONS).await?;
    assert_eq!(
        follows.body.as_array().map(Vec::len),
        Some(2),
        "an unfollow makes no notification, and hides none"
    );
    sandbox.network.follow(Person::fan(1, sandbox.clock.now()));
    sandbox.network.follow(Person::fan(2, sandbox.clock.now()));
    let list = sandbox.get(FOLLOWERS).await?;
    assert_eq!(list.each("", "acct"), ["fan0002", "fan0001", "fan0003"]);
    Ok(())
}

#[tokio::test]
async fn a_hidden_list_is_empty_to_all_but_its_owner() -> Outcome {
    let sandbox = Sandbox::<State>::with_fans(3).await?;
    sandbox.network.hide_collections("amber");
    let hidden = sandbox.get(FOLLOWERS).await?;
    assert_eq!((hidden.status, &hidden.body), (200, &json!([])));
    assert_eq!(hidden.header("link"), "");
    assert_eq!(sandbox.get(AMBER).await?.body["hide_collections"], true);
    assert_eq!(
        sandbox
            .get_as_amber(FOLLOWERS)
            .await?
            .each("", "acct")
            .len(),
        3
    );
    Ok(())
}

#[tokio::test]
async fn a_token_is_refused_where_it_does_not_cover_the_call_even_if_nobody_needs_one() -> Outcome {
    let sandbox = Sandbox::<State>::with_fans(1).await?;
    assert_eq!(
        sandbox.get_as("guessed", AMBER).await?.error(),
        (401, "The access token is invalid")
    );
    let outside = (403, "This action is outside the authorized scopes");
    sandbox
        .network
        .set_token("narrow", "amber", &["read:statuses"]);
    for path in [
        AMBER,
        FOLLOWERS,
        NOTIFICATIONS,
        "/api/v1/accounts/verify_credentials",
    ] {
        assert_eq!(
            sandbox.get_as("narrow", path).await?.error(),
            outside,
            "{path}"
        );
    }
    assert_eq!(
        sandbox
            .get_as("narrow", &format!("{AMBER}/statuses"))
            .await?
            .status,
        200
    );
    assert_eq!(
        sandbox.mention_as("narrow", "@fan0001 hi").await?.error(),
        outside
    );
    sandbox
        .network
        .set_token("narrow", "amber", &["read", "write"]);
    assert_eq!(
        sandbox.get_as("narrow", NOTIFICATIONS).await?.status,
        200,
        "a family covers its own"
    );
    assert_eq!(
        sandbox.mention_as("narrow", "@fan0001 hi").await?.status,
        200
    );
    assert_eq!(
        sandbox
            .get("/api/v1/accounts/verify_credentials")
            .await?
            .status,
        401
    );
    Ok(())
}

#[tokio::test]
async fn a_private_mention_is_there_for_its_author_and_whom_it_names() -> Outcome {
    let sandbox = Sandbox::<State>::with_fans(2).await?;
    let made = sandbox
        .mention("@fan0002 & <you>, see https://amber.example/a?b=1&c=2\nnow")
        .await?;
    assert_eq!(made.status, 200);
    let mentions = &made.body["mentions"];
    assert_eq!(
        (&mentions[0]["acct"], &mentions[1]),
        (&json!("fan0002"), &Value::Null)
    );
    let content = made.body["content"].as_str().unwrap_or_default();
    for part in [
        "<p><span class=\"h-card\"",
        "@<span>fan0002</span></a></span> &amp; &lt;you&gt;, see <a href=\"https://amber.example/a?b=1&amp;c=2\"",
        "<span class=\"invisible\">https://</span>",
        "</a><br />now</p>",
    ] {
        assert!(content.contains(part), "{part}: {content}");
    }
    sandbox.network.set_token("fans", "fan0002", &["read"]);
    sandbox.network.set_token("others", "fan0001", &["read"]);
    let statuses = format!("{AMBER}/statuses");
    assert_eq!(sandbox.get(&statuses).await?.body, json!([]));
    let own = sandbox.get_as_amber(&statuses).await?;
    assert_eq!(own.body, json!([made.body]));
    assert_eq!(sandbox.get_as("fans", &statuses).await?.body, own.body);
    assert_eq!(sandbox.get_as("others", &statuses).await?.body, json!([]));
    let sent = sandbox.network.messages();
    assert_eq!((sent.len(), sent[0].to.as_str()), (1, "2000000002"));
    Ok(())
}

#[tokio::test]
async fn letters_that_name_nobody_here_are_no_mention() -> Outcome {
    let sandbox = Sandbox::<State>::with_fans(2).await?;
    let mut cleo = Person::fan(9, sandbox.clock.now());
    cleo.handle = "cleo@other.example".to_owned();
    sandbox.network.follow(cleo);
    for (text, mentioned) in [
        ("@nobody hi", ""),
        ("mail fan0001@fan0002 and a/@fan0001", ""),
        ("@cleo hi", ""),
        (
            "@cleo@other.example. And @fan0001, too",
            "2000000009,2000000001",
        ),
        ("(@fan0002@mastodon.example)", "2000000002"),
        ("https://x.example/@fan0001", ""),
    ] {
        sandbox.mention(text).await?;
        let sent = sandbox.network.messages();
        assert_eq!(
            sent.last().map(|one| one.to.as_str()),
            Some(mentioned),
            "{text}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn a_key_makes_one_status_for_an_hour_and_for_its_account_only() -> Outcome {
    let sandbox = Sandbox::<State>::with_fans(1).await?;
    let body = json!({"status": "Number 600!"});
    let id = async |token: &str, key: &str| {
        let made = sandbox.post_as(token, &body, key).await?;
        Ok::<_, TestError>(made.body["id"].clone())
    };
    let amber = &token();
    let first = id(amber, "k").await?;
    sandbox.clock.advance(Duration::from_mins(59));
    assert_eq!(id(amber, "k").await?, first);
    assert_ne!(id(amber, "other").await?, first);
    sandbox.network.set_token("fans", "fan0001", &["write"]);
    assert_ne!(id("fans", "k").await?, first);
    sandbox.clock.advance(Duration::from_mins(2));
    assert_ne!(id(amber, "k").await?, first, "it is forgotten");
    Ok(())
}

#[tokio::test]
async fn a_status_that_cannot_be_is_refused_with_the_reason() -> Outcome {
    let sandbox = Sandbox::<State>::with_fans(1).await?;
    let too_long = (
        422,
        "Validation failed: Text character limit of 500 exceeded",
    );
    assert_eq!(sandbox.mention(&"a".repeat(501)).await?.error(), too_long);
    let just_fits = format!("@fan0001@elsewhere.example {}", "👩‍🎤".repeat(491));
    assert_eq!(
        sandbox.mention(&just_fits).await?.status,
        200,
        "of a mention the server is free"
    );
    let link = format!("https://amber.example/{}", "s".repeat(600));
    assert_eq!(
        sandbox
            .mention(&format!("{link} {}", "a".repeat(476)))
            .await?
            .status,
        200
    );
    assert_eq!(
        sandbox
            .mention(&format!("{link} {}", "a".repeat(477)))
            .await?
            .error(),
        too_long
    );
    assert_eq!(
        sandbox.mention(" ").await?.error(),
        (422, "Validation failed: Text can't be blank")
    );
    let odd = json!({"status": "a", "visibility": "secret"});
    assert_eq!(sandbox.post_as(&token(), &odd, "").await?.status, 422);
    sandbox.network.set_longest(20, Instance::V2);
    assert_eq!(
        sandbox.mention(&"a".repeat(21)).await?.error(),
        (
            422,
            "Validation failed: Text character limit of 20 exceeded"
        )
    );
    sandbox.network.mark("amber", Mark::Moved);
    assert_eq!(sandbox.mention("a").await?.status, 403);
    Ok(())
}

#[tokio::test]
async fn a_form_is_taken_like_json() -> Outcome {
    let sandbox = Sandbox::<State>::with_fans(1).await?;
    let request = sandbox
        .request("POST", STATUSES)?
        .bearer_auth(token())
        .header("content-type", "application/x-www-form-urlencoded")
        .body("status=%40fan0001+%26+all&visibility=direct");
    assert_eq!(send(request).await?.status, 200);
    assert_eq!(sandbox.network.messages()[0].text, "@fan0001 & all");
    Ok(())
}

#[tokio::test]
async fn how_long_a_status_may_be_is_told_as_the_versions_and_forks_tell_it() -> Outcome {
    let sandbox = Sandbox::<State>::with_fans(0).await?;
    let at = |page: &Received| page.body["configuration"]["statuses"]["max_characters"].clone();
    for (kind, v2, v1, fork) in [
        (Instance::V2, json!(700), json!(700), Value::Null),
        (Instance::V1, Value::Null, json!(700), Value::Null),
        (Instance::Fork, Value::Null, Value::Null, json!(700)),
        (Instance::Silent, Value::Null, Value::Null, Value::Null),
    ] {
        sandbox.network.set_longest(700, kind);
        let second = sandbox.get("/api/v2/instance").await?;
        let first = sandbox.get("/api/v1/instance").await?;
        assert_eq!((at(&second), at(&first)), (v2, v1), "{kind:?}");
        assert_eq!(first.body["max_toot_chars"], fork, "{kind:?}");
        assert_eq!(second.status, if kind == Instance::V2 { 200 } else { 404 });
    }
    Ok(())
}

#[tokio::test]
async fn notifications_tell_who_followed_and_when_newest_first() -> Outcome {
    let sandbox = Sandbox::<State>::with_fans(0).await?;
    for n in 1..=3 {
        sandbox.clock.advance(Duration::from_mins(1));
        sandbox.network.follow(Person::fan(n, sandbox.clock.now()));
    }
    let reply = sandbox
        .network
        .add_mention("@amber a song about rain", "fan0002");
    let all = sandbox.get_as_amber(NOTIFICATIONS).await?;
    assert_eq!(
        all.each("", "type"),
        ["mention", "follow", "follow", "follow"]
    );
    assert_eq!(all.body[0]["status"]["id"], reply.as_str());
    assert_eq!(all.body[0]["status"]["mentions"][0]["acct"], "amber");
    let path = format!("{NOTIFICATIONS}?types[]=follow&limit=2");
    let first = sandbox.get_as_amber(&path).await?;
    assert_eq!(
        first.each("", "created_at"),
        ["2026-11-22T14:03:00.000Z", "2026-11-22T14:02:00.000Z"]
    );
    let second = sandbox
        .get_as_amber(next(&first).unwrap_or_default())
        .await?;
    assert_eq!(second.each("", "type"), ["follow"], "the filter stays");
    let third = sandbox
        .get_as_amber(next(&second).unwrap_or_default())
        .await?;
    assert_eq!((third.each("", "id").len(), next(&third)), (0, None));
    Ok(())
}

#[tokio::test]
async fn three_hundred_requests_in_five_minutes_a_token_and_the_reset_is_written_out() -> Outcome {
    let sandbox = Sandbox::<State>::with_fans(0).await?;
    let first = sandbox.get_as_amber(AMBER).await?;
    assert_eq!(first.header("x-ratelimit-limit"), "300");
    assert_eq!(first.header("x-ratelimit-remaining"), "299");
    assert_eq!(
        first.header("x-ratelimit-reset"),
        "2026-11-22T14:05:00.000000Z"
    );
    for _ in 0..299 {
        assert_eq!(sandbox.get_as_amber(AMBER).await?.status, 200);
    }
    let over = sandbox.get_as_amber(AMBER).await?;
    assert_eq!(over.error(), (429, "Too many requests"));
    assert_eq!(
        sandbox.get(AMBER).await?.status,
        200,
        "who has no token is counted apart"
    );
    sandbox.clock.advance(Duration::from_mins(5));
    assert_eq!(sandbox.get_as_amber(AMBER).await?.status, 200);
    Ok(())
}

#[tokio::test]
async fn faults_speak_the_servers_words_or_those_of_what_stands_before_it() -> Outcome {
    let sandbox = Sandbox::<State>::with_fans(0).await?;
    for status in [401, 403, 404, 410, 422] {
        sandbox.network.fail_next("109876", Fault::Status(status));
        let answer = sandbox.get(AMBER).await?;
        assert_eq!(answer.status, status);
        assert!(!answer.error().1.is_empty(), "{status}");
    }
    sandbox.network.fail_next("109876", Fault::Status(502));
    let page = sandbox.get(AMBER).await?;
    assert_eq!(page.status, 502);
    assert!(
        page.body
            .as_str()
            .is_some_and(|text| text.contains("<html>"))
    );
    sandbox
        .network
        .fail_next("109876", Fault::RateLimited { for_seconds: 60 });
    let limited = sandbox.get(AMBER).await?;
    assert_eq!(limited.status, 429);
    assert_eq!(
        limited.header("x-ratelimit-reset"),
        "2026-11-22T14:01:00.000000Z"
    );
    sandbox.network.fail_next("POST", Fault::AnswerLost);
    assert!(sandbox.mention("a").await.is_err());
    assert_eq!(
        sandbox.network.messages().len(),
        1,
        "it was done all the same"
    );
    Ok(())
}

#[tokio::test]
async fn links_lead_astray_where_they_are_told_to() -> Outcome {
    let sandbox = Sandbox::<State>::with_fans(50).await?;
    sandbox.network.link_to("https://proxy.example");
    let page = sandbox.get(FOLLOWERS).await?;
    assert!(
        page.header("link")
            .starts_with("<https://proxy.example/api/v1/accounts/")
    );
    Ok(())
}
