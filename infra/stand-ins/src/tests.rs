//! What all stand-ins share, tried on Mastodon's.

use std::time::Duration;

use have_a_hug::clock::Clock;
use serde_json::{Value, json};

use crate::{
    Fault, Networks, Person,
    mastodon::{Account, State},
    secret, secrets,
    testing::{Outcome, Sandbox, TestError, send, send_json, with_json},
};

const AMBER: &str = "/api/v1/accounts/109876";
const FOLLOWERS: &str = "/api/v1/accounts/109876/followers";
const STATUSES: &str = "/api/v1/statuses";

fn posting(sandbox: &Sandbox<State>, text: &str) -> Result<reqwest::RequestBuilder, TestError> {
    let request = sandbox
        .request("POST", STATUSES)?
        .bearer_auth(Account::amber().access_token);
    Ok(with_json(request, &json!({ "status": text })))
}

#[tokio::test]
async fn a_lost_answer_is_lost_after_the_deed_and_a_hangup_before() -> Outcome {
    let sandbox = Sandbox::<State>::with_fans(0).await?;
    for fault in [Fault::Hangup, Fault::AnswerLost, Fault::Truncated] {
        sandbox.network.fail_next("POST /api/v1/statuses", fault);
    }
    assert!(posting(&sandbox, "one")?.send().await.is_err());
    assert_eq!(sandbox.network.posts().len(), 0);
    assert!(posting(&sandbox, "two")?.send().await.is_err());
    assert_eq!(sandbox.network.posts().len(), 1);
    let cut = posting(&sandbox, "three")?.send().await?;
    assert_eq!(cut.status().as_u16(), 200);
    assert!(serde_json::from_str::<Value>(&cut.text().await?).is_err());
    let posts = sandbox.network.posts().into_iter();
    assert_eq!(
        posts.map(|it| it.text).collect::<Vec<_>>(),
        ["two", "three"]
    );
    let requests = sandbox.network.requests();
    let statuses: Vec<u16> = requests.iter().map(|it| it.status).collect();
    assert_eq!(statuses, [0, 0, 200]);
    Ok(())
}

#[tokio::test]
async fn a_hangup_sends_not_a_byte() -> Outcome {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let sandbox = Sandbox::<State>::with_fans(0).await?;
    sandbox.network.fail_next("GET /api", Fault::Hangup);
    let addr = sandbox.network.url().trim_start_matches("http://");
    let mut stream = tokio::net::TcpStream::connect(addr).await?;
    stream
        .write_all(b"GET /api/v2/instance HTTP/1.1\r\nhost: mastodon\r\n\r\n")
        .await?;
    let mut received = Vec::new();
    stream.read_to_end(&mut received).await?;
    assert!(received.is_empty());
    Ok(())
}

#[tokio::test]
async fn faults_come_in_order_and_only_on_their_route() -> Outcome {
    let sandbox = Sandbox::<State>::with_fans(1).await?;
    let body = Fault::Body {
        status: 402,
        content_type: "application/json".to_owned(),
        headers: vec![("x-limit".to_owned(), "0".to_owned())],
        body: r#"{"title":"CreditsDepleted"}"#.to_owned(),
    };
    for fault in [
        Fault::Status(404),
        Fault::RateLimited { for_seconds: 60 },
        body,
    ] {
        sandbox.network.fail_next("followers", fault);
    }
    assert_eq!(sandbox.get(AMBER).await?.status, 200);
    let missing = sandbox.get(FOLLOWERS).await?;
    assert_eq!(missing.error(), (404, "Record not found"));
    let limited = sandbox.get(FOLLOWERS).await?;
    assert_eq!(limited.status, 429);
    assert_eq!(
        limited.header("x-ratelimit-reset"),
        "2026-11-22T14:01:00.000000Z"
    );
    let given = sandbox.get(FOLLOWERS).await?;
    assert_eq!(
        (given.status, &given.body["title"]),
        (402, &json!("CreditsDepleted"))
    );
    assert_eq!(given.header("x-limit"), "0");
    assert_eq!(sandbox.get(FOLLOWERS).await?.status, 200);
    sandbox.network.fail_next("followers", Fault::Html);
    let page = sandbox.get(FOLLOWERS).await?;
    assert_eq!(page.status, 200);
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    assert!(page.body.as_str().is_some_and(|it| it.contains("<html>")));
    Ok(())
}

#[tokio::test]
async fn an_endless_answer_is_more_than_40_mb() -> Outcome {
    let sandbox = Sandbox::<State>::with_fans(0).await?;
    sandbox.network.fail_next("accounts", Fault::Endless);
    let response = sandbox.request("GET", AMBER)?.send().await?;
    assert_eq!(response.status().as_u16(), 200);
    assert!(response.bytes().await?.len() > 40 << 20);
    Ok(())
}

#[tokio::test]
async fn a_slow_answer_is_slow_but_the_deed_is_done() -> Outcome {
    let sandbox = Sandbox::<State>::with_fans(0).await?;
    let slow = Fault::Slow(Duration::from_secs(30));
    sandbox.network.fail_next("POST", slow);
    let request = posting(&sandbox, "slow")?.timeout(Duration::from_millis(200));
    assert!(request.send().await.is_err_and(|error| error.is_timeout()));
    assert_eq!(sandbox.network.posts().len(), 1);
    Ok(())
}

#[tokio::test]
async fn a_demo_by_hand_adds_followers_and_reads_what_was_sent() -> Outcome {
    let sandbox = Sandbox::<State>::with_fans(2).await?;
    let by_hand = async |method: &str, path: &str| {
        send(sandbox.request(method, &format!("/stand-in/{path}"))?).await
    };
    let more = by_hand("POST", "follow?n=2").await?;
    assert_eq!(
        more.body,
        json!({"followers": 4, "added": ["fan0003", "fan0004"]})
    );
    by_hand("POST", "follow?bot=true").await?;
    by_hand("POST", "unfollow?handle=fan0001").await?;
    assert_eq!(sandbox.network.follower_count(), 4);
    let nobody = by_hand("POST", "unfollow?handle=nobody").await?;
    assert_eq!(nobody.status, 404);
    send(posting(&sandbox, "hello")?).await?;
    let sent = by_hand("GET", "sent").await?;
    assert_eq!(sent.body["posts"][0]["text"], "hello");
    assert_eq!(by_hand("POST", "fail?status=503").await?.status, 400);
    by_hand("POST", "fail?route=/statuses&rate_limited=60").await?;
    assert_eq!(send(posting(&sandbox, "again")?).await?.status, 429);
    let limit = by_hand("POST", "fail?route=/statuses&rate_limited=60&slow=1").await?;
    assert_eq!(limit.status, 400, "one fault at a time");
    by_hand("POST", "fail?route=/statuses&slow=0").await?;
    assert_eq!(send(posting(&sandbox, "late")?).await?.status, 200);
    let requests = sandbox.network.requests();
    assert_eq!(requests.len(), 3, "those by hand do not count");
    Ok(())
}

#[tokio::test]
async fn a_person_can_give_the_next_requests_any_answer_as_many_times_as_asked() -> Outcome {
    let sandbox = Sandbox::<State>::with_fans(0).await?;
    let fail = "/stand-in/fail?route=/instance&times=2&status=";
    send(sandbox.request("POST", &format!("{fail}403"))?).await?;
    for expected in [403, 403, 200] {
        let instance = sandbox.get("/api/v2/instance").await?;
        assert_eq!(instance.status, expected);
    }
    let answer = json!({"error": "as it was seen"});
    send_json(sandbox.request("POST", &format!("{fail}422"))?, &answer).await?;
    for _ in 0..2 {
        let given = sandbox.get("/api/v2/instance").await?;
        assert_eq!(given.error(), (422, "as it was seen"));
    }
    assert_eq!(sandbox.get("/api/v2/instance").await?.status, 200);
    Ok(())
}

#[tokio::test]
async fn the_server_ends_with_its_last_handle() -> Outcome {
    let sandbox = Sandbox::<State>::with_fans(0).await?;
    let other = sandbox.network.clone();
    let url = sandbox.network.url().to_owned();
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

#[tokio::test]
async fn on_every_network_people_follow_the_creator_and_leave_her() -> Outcome {
    let clock = Clock::by_hand("2026-11-22T14:00:00Z".parse()?);
    let networks = Networks::start(&clock).await?;
    let fans = [1, 2, 3].map(|n| Person::fan(n, clock.now()));
    fans.iter().for_each(|fan| networks.follow(fan));
    networks.unfollow(&fans[0]);
    networks.unfollow(&fans[1]);
    let http = have_a_hug::http::client()?;
    for network in networks.iter() {
        let name = network.facts().name;
        assert_eq!(network.follower_count(), 1, "{name}");
        let url = format!("{}/stand-in/follow?n=3", network.url());
        let more = send(http.post(url)).await?;
        assert_eq!(more.body["followers"], 4, "{name}");
    }
    Ok(())
}

#[tokio::test]
async fn the_settings_name_an_account_on_every_network_and_its_secrets_are_there() -> Outcome {
    let networks = Networks::start(&Clock::system()).await?;
    let settings = networks.settings();
    for network in networks.iter() {
        let account = format!("[[account]]\nnetwork = \"{}\"\n", network.facts().name);
        assert!(settings.contains(&account), "{settings}");
        assert!(settings.contains(network.url()), "{settings}");
        let prefix = format!("{}_", network.facts().name.to_uppercase());
        let mut names = secrets().into_iter().map(|(name, _)| name);
        assert!(names.any(|name| name.starts_with(&prefix)), "{prefix}");
    }
    let token = Account::amber().access_token;
    assert_eq!(secret("MASTODON_ACCESS_TOKEN"), Some(token));
    assert_eq!(secret("ANOTHER"), None);
    Ok(())
}

#[tokio::test]
async fn on_every_network_anyone_answers_the_newest_letter_by_hand() -> Outcome {
    let clock = Clock::by_hand("2026-11-22T14:00:00Z".parse()?);
    let networks = Networks::start(&clock).await?;
    let http = have_a_hug::http::client()?;
    for network in networks.iter() {
        let name = network.facts().name;
        let by_hand = async |path: &str| {
            let url = format!("{}/stand-in/{path}", network.url());
            send(http.post(url)).await
        };
        let nothing = by_hand("answer?handle=fan0001&text=Rain").await?;
        assert_eq!(nothing.status, 404, "{name}");
        assert_eq!(by_hand("answer?text=Rain").await?.status, 400, "{name}");
        let to = network.quote("fan0002", "Who is 600?", "0");
        let path = format!("answer?handle=fan0001&text=Rain&to={to}");
        let answer = by_hand(&path).await?;
        assert_eq!(answer.body["to"], json!(to), "{name}");
        let id = answer.body["id"].as_str().unwrap_or_default();
        assert!(
            network.posts().is_empty(),
            "{name}: the creator wrote nothing"
        );
        let edited = network.edit_post(id, "Snow");
        let delete = format!("delete?id={edited}");
        assert_eq!(by_hand(&delete).await?.status, 200, "{name}");
        assert_eq!(by_hand(&delete).await?.status, 404, "{name}");
    }
    Ok(())
}

#[tokio::test]
async fn an_answer_by_hand_goes_to_the_newest_post() -> Outcome {
    let sandbox = Sandbox::<State>::with_fans(1).await?;
    send(posting(&sandbox, "Who is 600?")?).await?;
    let path = "/stand-in/answer?handle=fan0001&text=%40amber+Rain";
    let answer = send(sandbox.request("POST", path)?).await?;
    assert_eq!(answer.body["to"], json!(sandbox.network.posts()[0].id));
    Ok(())
}
