//! What a network, a table or a creator can get wrong: a clear word, and nothing lost.

mod followers;

use std::time::{Duration, Instant};

use aws_sdk_dynamodb::types::AttributeValue;
use have_a_hug::{check::CheckOutcome, ledger::Ledger};
use hug::{report::Report, status::Overview, table};
use promise::hug::Status;
use serde_json::json;
use stand_ins::{Fault, Person};
use tests::{
    body,
    proxy::{Proxy, Trouble, answer},
    settings,
};

use crate::world::{AMBER, Bluesky, World, X, named, settings_of};

/// A crossing whose check meets the fault fails with these words, and the next check makes it good.
async fn reported_and_tried_again(route: &str, fault: Fault, words: &str) {
    let mut world = World::<X>::with_followers(599).await;
    let fan = world.fan();
    world.network.fail_next(route, fault);
    let error = world.failing_check().await;
    assert!(
        error.contains("x:amber") && error.contains(words),
        "expected: {words}\nfound: {error}"
    );
    assert!(world.hugs().await.is_empty());
    world.check().await;
    assert_eq!(named(&world.hug(600).await), fan);
}

#[tokio::test]
async fn html_is_no_answer() {
    reported_and_tried_again("GET /2/users", Fault::Html, "(200 OK, text/html").await;
    reported_and_tried_again("/followers", Fault::Html, "(200 OK, text/html").await;
}

#[tokio::test]
async fn an_answer_of_40_mb_is_not_read_to_its_end() {
    let start = Instant::now();
    reported_and_tried_again(
        "/followers",
        Fault::Endless,
        "the answer is larger than 4 MB",
    )
    .await;
    reported_and_tried_again(
        "GET /2/users",
        Fault::Endless,
        "the answer is larger than 4 MB",
    )
    .await;
    assert!(start.elapsed().as_secs() < 60);
}

#[tokio::test]
async fn a_connection_that_is_cut_or_an_answer_that_breaks_off_is_tried_again() {
    reported_and_tried_again(
        "GET /2/users",
        Fault::Hangup,
        "reading the follower count failed",
    )
    .await;
    reported_and_tried_again("/followers", Fault::Truncated, "the next try can work").await;
}

#[tokio::test]
async fn numbers_and_shapes_that_make_no_sense_are_refused() {
    let json = |text: &str| body(200, "application/json", text);
    for (answer, words) in [
        (
            r#"{"data":{"id":"1","username":"a","public_metrics":{"followers_count":-5}}}"#,
            "followers_count",
        ),
        (
            r#"{"data":{"id":"1","username":"a","public_metrics":{"followers_count":1e99}}}"#,
            "not what was expected",
        ),
        (
            r#"{"data":{"id":"1","username":"a","public_metrics":{}}}"#,
            "no followers_count",
        ),
        (
            r#"{"data":{"id":"1","username":"a"}}"#,
            "no followers_count",
        ),
        (r#"{"data":[]}"#, "not what was expected"),
        ("", "not what was expected"),
        ("null", "not what was expected"),
        (&"[".repeat(100_000), "not what was expected"),
    ] {
        let reported = if words == "followers_count" {
            "invalid value: integer `-5`"
        } else {
            words
        };
        reported_and_tried_again("GET /2/users", json(answer), reported).await;
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed_with_the_keys_in_hand() {
    let mut world = World::<X>::with_followers(599).await;
    let elsewhere = stand_ins::x::X::start(world.clock.clone()).await.unwrap();
    world
        .network
        .fail_next("GET /2/users", body(302, "text/plain", elsewhere.url()));
    let error = world.failing_check().await;
    assert!(error.contains("302 Found"), "{error}");
    assert!(elsewhere.requests().is_empty());
}

#[tokio::test]
async fn a_handle_that_nobody_has_is_reported() {
    let mut world = World::<X>::unseen(598, "").await;
    world.network.rename("amber", "someoneelse");
    let error = world.failing_check().await;
    assert!(
        error.contains("there is no account with the handle amber: see `handle` in hug.toml"),
        "{error}"
    );
    assert!(error.contains("this does not mend itself"), "{error}");
}

#[tokio::test]
async fn a_network_that_is_down_is_reported_and_tried_again() {
    let mut world = World::<X>::with_followers(599).await;
    world.fan();
    world.move_to("http://127.0.0.1:9");
    let error = world.failing_check().await;
    assert!(
        error.contains("Connection refused") && error.contains("the next try can work"),
        "{error}"
    );
    world.move_back();
    world.check().await;
    assert_eq!(world.invitations_to(600), 1);
}

#[tokio::test]
async fn a_table_that_is_not_there_is_reported() {
    let mut world = World::<X>::with_followers(599).await;
    world.stack.deps.ledger = Ledger::new(world.stack.table.client().clone(), "another-table");
    let error = world.failing_check().await;
    assert!(
        error.contains("ResourceNotFoundException") && error.contains("HUG_TABLE"),
        "{error}"
    );
    assert!(error.contains("this does not mend itself"), "{error}");
}

#[tokio::test]
async fn one_account_that_fails_stops_no_other() {
    let more = "\n[[account]]\nnetwork = \"bluesky\"\nhandle = \"amber.bsky.social\"\nserver = \"http://127.0.0.1:9\"\nappview = \"http://127.0.0.1:9\"";
    let mut world = World::<X>::unseen(598, more).await;
    let summary = world.round().await;
    assert_eq!((summary.checked, summary.failed), (2, 1));
    let text = serde_json::to_value(&summary).unwrap();
    assert_eq!(text["accounts"][0]["followers"], 598);
    assert_eq!(text["accounts"][1]["account"], "bluesky:amber.bsky.social");
    assert!(
        text["accounts"][1]["error"]
            .as_str()
            .unwrap()
            .contains("Connection refused")
    );
}

#[tokio::test]
async fn foreign_text_forges_no_line_of_an_error() {
    let mut world = World::<X>::with_followers(599).await;
    let forged = "{\"title\":\"x\",\"detail\":\"a\\n2026 INFO all is well\\u001b[2J\"}";
    world
        .network
        .fail_next("GET /2/users", body(400, "application/json", forged));
    let error = world.failing_check().await;
    assert!(
        !error.contains('\n') && !error.contains('\u{1b}'),
        "{error:?}"
    );
}

/// What no network should answer, whatever was asked.
fn nonsense() -> Vec<String> {
    let long = "A".repeat(1_000_000);
    vec![
        String::new(),
        "null".into(),
        "7".into(),
        "[]".into(),
        "{}".into(),
        "{".into(),
        format!("\"{long}\""),
        format!("{{\"data\":\"{long}\"}}"),
        "\u{feff}{}".into(),
        "{\"a\":\"\\ud800\"}".into(),
        "[".repeat(100_000),
        "{\"data\":".repeat(100_000),
        "{\"data\":null,\"meta\":null,\"errors\":null,\"followers\":null,\"cursor\":null}".into(),
        "{\"data\":{},\"meta\":[],\"errors\":{},\"followers\":{},\"cursor\":[]}".into(),
        "{\"data\":[{}],\"followers\":[{}]}".into(),
        "{\"data\":{\"id\":7,\"username\":[]},\"did\":7,\"handle\":[],\"uri\":7}".into(),
        "{\"data\":1e400,\"did\":1e400,\"accessJwt\":1e400,\"uri\":1e400}".into(),
        "{\"did\":\"a\",\"did\":\"b\",\"data\":{},\"data\":{}}".into(),
    ]
}

/// A profile with each count that no account can have.
fn impossible_counts() -> impl Iterator<Item = String> {
    [
        "-1",
        "1e400",
        "601.5",
        "6e2",
        "true",
        "\"601\"",
        "[601]",
        "10000000000",
        "9223372036854775808",
        "18446744073709551615",
        "18446744073709551616",
        "601,\"followers_count\":602,\"followersCount\":602",
    ]
    .into_iter()
    .map(|count| {
        format!(
            r#"{{"did":"did:plc:amber","handle":"amber.bsky.social","followersCount":{count},
               "data":{{"id":"{AMBER}","username":"amber","public_metrics":{{"followers_count":{count}}}}}}}"#
        )
    })
}

/// An error that a person can read: it names the account, and is neither long nor more than a line.
fn assert_readable(error: &str, account: &str, answer: &str) {
    let answer: String = answer.chars().take(200).collect();
    assert!(error.contains(account), "{answer}: {error}");
    assert!(error.len() < 1_000, "{answer}: {} bytes", error.len());
    assert!(!error.contains(char::is_control), "{answer}: {error:?}");
}

#[tokio::test]
async fn no_answer_to_a_read_moves_the_mark_unless_it_makes_sense() {
    let mut world = World::<X>::with_followers(599).await;
    let fan = world.fan();
    for route in ["GET /2/users", "/followers"] {
        let counts = impossible_counts().filter(|_| route != "/followers");
        for answer in nonsense().into_iter().chain(counts) {
            world
                .network
                .fail_next(route, body(200, "application/json", &answer));
            assert_readable(&world.failing_check().await, "x:amber", &answer);
            assert!(world.hugs().await.is_empty());
            assert_eq!(world.promised_up_to().await, 599);
        }
    }
    world.check().await;
    assert_eq!(named(&world.hug(600).await), fan);

    let mut sky = World::<Bluesky>::with(599, "").await;
    let fan = sky.fans(1).remove(0);
    for route in ["getProfile", "getFollowers"] {
        let counts = impossible_counts().filter(|_| route != "getFollowers");
        for answer in nonsense().into_iter().chain(counts) {
            sky.network
                .fail_next(route, body(200, "application/json", &answer));
            assert_readable(&sky.failing_check().await, "bluesky:amber", &answer);
            assert!(sky.hugs().await.is_empty());
        }
    }
    sky.check().await;
    assert_eq!(named(&sky.hug(600).await), fan);
}

#[tokio::test]
async fn a_first_answer_that_makes_no_sense_sets_no_baseline() {
    let mut world = World::<X>::unseen(598, "").await;
    for answer in impossible_counts() {
        world
            .network
            .fail_next("GET /2/users", body(200, "application/json", &answer));
        assert_readable(&world.failing_check().await, "x:amber", &answer);
    }
    assert_eq!(world.check().await.promised_up_to, Some(598));
}

#[tokio::test]
async fn a_count_that_leapt_does_not_move_the_mark_while_a_rate_limit_stops_a_second_reading() {
    let mut world = World::<X>::with_followers(598).await;
    let leapt = format!(
        r#"{{"data":{{"id":"{AMBER}","name":"Amber","username":"amber","public_metrics":{{"followers_count":5000}}}}}}"#
    );
    let answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-rate-limit-remaining: 0\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{leapt}",
        leapt.len()
    );
    let proxy = Proxy::before(world.network.url(), move |number, _| match number {
        0 => Trouble::Instead(answer.clone().into_bytes()),
        _ => Trouble::None,
    })
    .await;
    world.move_to(&proxy.url);
    assert_eq!(world.check().await.outcome, CheckOutcome::Unconfirmed);
    assert_eq!(world.check().await.outcome, CheckOutcome::RateLimited);
    assert_eq!(world.promised_up_to().await, 598);
    assert_eq!(proxy.seen().len(), 1);
    world.clock.advance(Duration::from_mins(15));
    assert_eq!(world.check().await.promised_up_to, Some(598));
    assert!(world.hugs().await.is_empty());
}

#[tokio::test]
async fn a_status_shows_everything_else_where_one_handle_record_cannot_be_read() {
    let mut world = World::<X>::with_followers(598).await;
    world.check().await;
    let put = world.stack.table.client().put_item();
    let key = |text: &str| AttributeValue::S(text.to_owned());
    let put = put.table_name(table::NAME).item("pk", key("?@am ber"));
    put.item("sk", key("signpost")).send().await.unwrap();
    let snapshot = world.stack.deps.ledger.snapshot().await.unwrap();
    assert_eq!((snapshot.accounts.len(), snapshot.handles.len()), (1, 1));
}

#[tokio::test]
async fn a_count_of_another_account_is_refused() {
    let mut world = World::<X>::with_followers(598).await;
    world.check().await;
    let before = world.account().await;
    let other = r#"{"data":{"id":"7","name":"Bea","username":"bea","public_metrics":{"followers_count":700}}}"#;
    let answer = body(200, "application/json", other);
    world.network.fail_next("GET /2/users", answer);
    let error = world.failing_check().await;
    assert!(
        error.contains(&format!("the answer is about the account 7, not {AMBER}")),
        "{error}"
    );
    assert_eq!(world.account().await, before);
    assert_eq!(world.check().await.promised_up_to, Some(598));
}

#[tokio::test]
async fn no_answer_to_a_post_makes_a_second_one_or_loses_the_first() {
    let long = "9".repeat(1_000_000);
    let references = [
        format!(r#"{{"data":{{"id":"{long}"}},"uri":"at://{long}"}}"#),
        r#"{"data":{"id":""},"uri":""}"#.to_owned(),
        r#"{"data":{"id":"7\n8"},"uri":"at://a\nb"}"#.to_owned(),
    ];
    let mut world = World::<X>::with_followers(599).await;
    let every_follower = settings_of::<X>(world.network.url(), "");
    world.change_settings(&every_follower.replace("step = 100", "step = 1"));
    let mut number = 599;
    for route in ["POST /2/tweets", "/tweets?"] {
        for answer in nonsense().into_iter().chain(references.clone()) {
            number += 1;
            world.fan();
            // The look for a post happens only where its answer was lost.
            if route == "/tweets?" {
                world.network.fail_next("POST /2/tweets", Fault::AnswerLost);
            }
            world
                .network
                .fail_next(route, body(200, "application/json", &answer));
            world.check().await;
            let reason = world.hug(number).await.reason.unwrap();
            assert_readable(&reason, "x:amber", &answer);
            for _ in 0..6 {
                if world.hug(number).await.status == Status::Invited {
                    break;
                }
                world.check().await;
            }
            let hug = world.hug(number).await;
            assert_eq!(hug.status, Status::Invited, "{hug:?}");
            assert_eq!(world.invitations_to(number), 1);
        }
    }
}

#[tokio::test]
async fn no_answer_to_a_login_or_a_put_makes_a_second_post_or_loses_the_first() {
    let long = "9".repeat(1_000_000);
    let tokens = [
        r#"{"did":"did:plc:44196397","accessJwt":"a\nb","refreshJwt":"c"}"#.to_owned(),
        format!(r#"{{"did":"did:plc:44196397","accessJwt":"{long}","refreshJwt":"c"}}"#),
        r#"{"did":"did:plc:44196397","accessJwt":"","refreshJwt":""}"#.to_owned(),
        format!(r#"{{"uri":"at://{long}"}}"#),
        r#"{"uri":""}"#.to_owned(),
        r#"{"uri":"at://a\u001b[2Jb\nc"}"#.to_owned(),
    ];
    for route in ["createSession", "putRecord", "getRecord"] {
        let mut sky = World::<Bluesky>::with(599, "").await;
        let every_follower = settings_of::<Bluesky>(sky.network.url(), "");
        let every_follower = every_follower.replace("step = 100", "step = 1");
        let mut number = 599;
        for answer in nonsense().into_iter().chain(tokens.clone()) {
            number += 1;
            sky.fans(1);
            // A new start, so that there is no session yet.
            sky.change_settings(&every_follower);
            if route == "getRecord" {
                sky.network.fail_next("putRecord", Fault::AnswerLost);
            }
            sky.network
                .fail_next(route, body(200, "application/json", &answer));
            sky.check().await;
            let met = sky.hug(number).await;
            if let Some(reason) = met.reason {
                assert_readable(&reason, "bluesky:amber", &answer);
            }
            for _ in 0..6 {
                if sky.hug(number).await.status == Status::Invited {
                    break;
                }
                sky.check().await;
            }
            let hug = sky.hug(number).await;
            assert_eq!(hug.status, Status::Invited, "{hug:?}");
            assert_eq!(sky.invitations_to(number), 1);
            let text = format!("all {number}!");
            let posts = sky.posts();
            let post = posts.iter().find(|post| post.text.contains(&text)).unwrap();
            let reference = hug.invitation.receipt.map(|receipt| receipt.reference);
            assert_eq!(
                reference.as_ref(),
                Some(&post.id),
                "{route} {}",
                &answer[..answer.len().min(200)]
            );
        }
    }
}

/// A bomb: 64 MB of spaces, which gzip makes 64 kB of.
fn bomb() -> Vec<u8> {
    let made = std::process::Command::new("sh")
        .args(["-c", "head -c 67108864 /dev/zero | tr '\\0' ' ' | gzip -9"])
        .output()
        .unwrap();
    assert!(made.stdout.len() < 100_000 && made.stdout.len() > 10_000);
    made.stdout
}

#[tokio::test]
async fn malformed_heads_and_bodies_are_reported_and_a_good_answer_afterwards_works() {
    let json = "content-type: application/json\r\n";
    let limits = |remaining: &str, reset: &str| {
        format!(
            "{json}x-rate-limit-remaining: {remaining}\r\nx-rate-limit-reset: {reset}\r\nretry-after: {reset}\r\nratelimit-reset: {reset}\r\n"
        )
    };
    let strange_type = format!("content-type: {}\r\n", "text/\u{7f}\t\"; ".repeat(300));
    let huge = "9".repeat(400);
    let mut answers = vec![
        answer(
            "200 OK",
            &format!("{json}content-encoding: gzip\r\n"),
            bomb(),
        ),
        answer(
            "200 OK",
            &format!("{json}content-encoding: gzip\r\n"),
            "not gzip",
        ),
        answer("200 OK", &strange_type, "{"),
        answer("200 OK", "content-type: \u{ff}\u{fe}\r\n", "{"),
        answer("200 OK", json, b"{\"data\":\"\xff\xfe\"}"),
        b"HTTP/1.1 999 ?\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".to_vec(),
        b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999999\r\n\r\n{}".to_vec(),
        b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{}".to_vec(),
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nfffffffffffffffffff\r\n".to_vec(),
        b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n"
            .to_vec(),
        b"\x16\x03\x01\x02\x00\x01".to_vec(),
        b"SSH-2.0-OpenSSH_9.9\r\n".to_vec(),
    ];
    for reset in [
        "",
        "soon",
        "-1",
        "0",
        "1e9",
        "9223372036854775807",
        huge.as_str(),
        "\u{7}",
    ] {
        answers.push(answer("429 Too Many Requests", &limits("0", reset), "{}"));
        answers.push(answer(
            "503 Service Unavailable",
            &limits("-1", reset),
            "{}",
        ));
    }
    let mut world = World::<X>::with_followers(599).await;
    let mut sky = World::<Bluesky>::with(599, "").await;
    world.fan();
    sky.fans(1);
    let (x, bluesky) = (world.network.url().to_owned(), sky.network.url().to_owned());
    let on_bluesky = |url: &str| {
        settings(
            "bluesky",
            "amber.bsky.social",
            &bluesky,
            &format!("appview = \"{url}\""),
        )
    };
    for bytes in answers {
        let foolish = bytes.clone();
        let first = move |number, _: &str| {
            if number == 0 {
                Trouble::Instead(foolish.clone())
            } else {
                Trouble::None
            }
        };
        let reported = String::from_utf8_lossy(&bytes).into_owned();
        let proxy = Proxy::before(&x, first.clone()).await;
        world.move_to(&proxy.url);
        let survived = serde_json::to_value(world.round().await).unwrap();
        assert_survived(&survived, "x:amber", &reported);
        if bytes.len() > 10_000 && reported.contains("content-encoding: gzip") {
            let error = survived["accounts"][0]["error"].as_str().unwrap();
            assert!(error.contains("larger than 4 MB"), "{error}");
        }
        assert!(world.hugs().await.is_empty());
        let proxy = Proxy::before(&bluesky, first).await;
        sky.change_settings(&on_bluesky(&proxy.url));
        assert_survived(
            &serde_json::to_value(sky.round().await).unwrap(),
            "bluesky:amber",
            &reported,
        );
        assert!(sky.hugs().await.is_empty());
        // No limit lasts longer than a day.
        world.clock.advance(Duration::from_hours(24));
        sky.clock.advance(Duration::from_hours(24));
    }
    world.change_settings(&settings("x", "amber", &x, ""));
    sky.change_settings(&on_bluesky(&bluesky));
    for _ in 0..2 {
        world.check().await;
        sky.check().await;
    }
    assert_eq!((world.posts().len(), sky.network.posts().len()), (1, 1));
}

/// The check failed in words, or waits for a limit that ends.
fn assert_survived(summary: &serde_json::Value, account: &str, answer: &str) {
    let looked = &summary["accounts"][0];
    match looked["error"].as_str() {
        Some(error) => assert_readable(error, account, answer),
        None => assert_eq!(looked["outcome"], "rate_limited", "{answer}: {looked}"),
    }
}

#[tokio::test]
async fn a_count_that_is_wrong_for_a_moment_opens_no_milestone() {
    let mut world = World::<X>::with_followers(598).await;
    let wrong = r#"{"data":{"id":"44196397","name":"Amber","username":"amber","public_metrics":{"followers_count":10000000}}}"#;
    world
        .network
        .fail_next("/2/users/", body(200, "application/json", wrong));
    let check = world.check().await;
    assert_eq!(check.outcome, CheckOutcome::Unconfirmed);
    assert_eq!(
        (check.followers, check.promised_up_to),
        (Some(10_000_000), Some(598))
    );
    world.fans(2);
    world.check().await;
    assert_eq!(world.hugs().await.len(), 1);
    assert_eq!(world.promised_up_to().await, 600);
}
