//! What a network, a table or a creator can get wrong: a clear word, and nothing lost.

use std::time::Instant;

use have_a_hug::ledger::Ledger;
use local::stand_in::Fault;

use crate::{
    promise::body,
    world::{World, named},
};

/// A crossing whose check meets the fault fails with these words, and the next check makes it good.
async fn told_and_mended(route: &str, fault: Fault, words: &str) {
    let mut world = World::with_followers(599).await;
    let fan = world.fan();
    world.x.fail_next(route, fault);
    let error = world.failing_check().await;
    assert!(
        error.contains("x:amber") && error.contains(words),
        "expected: {words}\ntold: {error}"
    );
    assert!(world.hugs().await.is_empty());
    world.check().await;
    assert_eq!(named(&world.hug(600).await), fan);
}

#[tokio::test]
async fn html_is_no_answer() {
    told_and_mended("GET /2/users", Fault::Html, "(200 OK, text/html").await;
    told_and_mended("/followers", Fault::Html, "(200 OK, text/html").await;
}

#[tokio::test]
async fn an_answer_of_40_mb_is_not_read_to_its_end() {
    let start = Instant::now();
    told_and_mended(
        "/followers",
        Fault::Endless,
        "the answer is larger than 4 MB",
    )
    .await;
    told_and_mended(
        "GET /2/users",
        Fault::Endless,
        "the answer is larger than 4 MB",
    )
    .await;
    assert!(start.elapsed().as_secs() < 60);
}

#[tokio::test]
async fn a_connection_that_is_cut_or_an_answer_that_breaks_off_is_tried_again() {
    told_and_mended(
        "GET /2/users",
        Fault::Hangup,
        "reading the follower count failed",
    )
    .await;
    told_and_mended("/followers", Fault::Truncated, "a retry can help").await;
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
        let told = if words == "followers_count" {
            "invalid value: integer `-5`"
        } else {
            words
        };
        told_and_mended("GET /2/users", json(answer), told).await;
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed_with_the_keys_in_hand() {
    let mut world = World::with_followers(599).await;
    let elsewhere = local::stand_in::x::X::start(world.clock.clone())
        .await
        .unwrap();
    world
        .x
        .fail_next("GET /2/users", body(302, "text/plain", elsewhere.url()));
    let error = world.failing_check().await;
    assert!(error.contains("302 Found"), "{error}");
    assert!(elsewhere.requests().is_empty());
}

#[tokio::test]
async fn a_handle_that_nobody_has_is_told() {
    let mut world = World::unseen(598, "").await;
    world.x.rename("amber", "someoneelse");
    let error = world.failing_check().await;
    assert!(
        error.contains("Could not find user with username: [amber]"),
        "{error}"
    );
    assert!(error.contains("a retry cannot help"), "{error}");
}

#[tokio::test]
async fn a_network_that_is_down_is_told_and_tried_again() {
    let mut world = World::with_followers(599).await;
    world.fan();
    let url = world.x.url().to_owned();
    let down = crate::world::settings("x", "amber", "http://127.0.0.1:9", "");
    world.resettle(&down);
    let error = world.failing_check().await;
    assert!(
        error.contains("Connection refused") && error.contains("a retry can help"),
        "{error}"
    );
    world.resettle(&crate::world::settings("x", "amber", &url, ""));
    world.check().await;
    assert_eq!(world.invitations_to(600), 1);
}

#[tokio::test]
async fn a_table_that_is_not_there_is_told() {
    let mut world = World::with_followers(599).await;
    world.stack.deps.ledger = Ledger::new(world.stack.table.client().clone(), "another-table");
    let error = world.failing_check().await;
    assert!(
        error.contains("ResourceNotFoundException") && error.contains("HUG_TABLE"),
        "{error}"
    );
    assert!(error.contains("a retry cannot help"), "{error}");
}

#[tokio::test]
async fn one_account_that_fails_stops_no_other() {
    let more = "\n[[account]]\nnetwork = \"bluesky\"\nhandle = \"amber.bsky.social\"\nserver = \"http://127.0.0.1:9\"\nappview = \"http://127.0.0.1:9\"";
    let mut world = World::unseen(598, more).await;
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
    let mut world = World::with_followers(599).await;
    let forged = "{\"title\":\"x\",\"detail\":\"a\\n2026 INFO all is well\\u001b[2J\"}";
    world
        .x
        .fail_next("GET /2/users", body(400, "application/json", forged));
    let error = world.failing_check().await;
    assert!(
        !error.contains('\n') && !error.contains('\u{1b}'),
        "{error:?}"
    );
}
