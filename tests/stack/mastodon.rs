//! The same promise on Mastodon, where a private mention reaches one person, and the account's own
//! server is all that is asked.

mod followers;
mod letters;

use std::time::Duration;

use have_a_hug::{
    check::CheckOutcome,
    clock::Clock,
    network::{Failure, Follow},
    settings::{Secrets, Settings},
};
use promise::{channel::Channel, evidence::Certainty, hug::Status};
use stand_ins::{
    Fault, Person,
    mastodon::{Account, Instance, Mark},
    secret,
};

use tests::{body, settings};

use crate::world::{Mastodon, World, named, only};

const HANDLE: &str = "amber@mastodon.example";
const DRAFTS: &str = "contact = [\"draft\"]";
const TOKEN: &str = "sandbox-mastodon-token";
const SCOPES: [&str; 4] = [
    "read:accounts",
    "read:statuses",
    "read:notifications",
    "write:statuses",
];

/// Amber edits hug.toml, or sets her secrets; the table stays.
fn change_settings(world: &mut World<Mastodon>, handle: &str, more: &str, secrets: Secrets<'_>) {
    let text = settings("mastodon", handle, world.network.url(), more);
    let settings = Settings::parse(&text, "hug.toml", secrets).unwrap();
    world.use_settings(settings, &have_a_hug::http::client().unwrap());
}

/// With 599 followers at the first check, and one more since, who crosses the milestone.
async fn crossed(more: &str) -> World<Mastodon> {
    let mut world = World::<Mastodon>::with(599, more).await;
    world.fans(1);
    world
}

#[tokio::test]
async fn an_idle_check_is_one_request_by_the_servers_own_number() {
    let mut world = World::<Mastodon>::unseen(500, "").await;
    world.check().await;
    let first = world.requests();
    assert_eq!(first[0], "GET /api/v1/accounts/lookup");
    // Once a day the check tries whether the token still works.
    assert_eq!(
        first[1..],
        [
            "GET /api/v1/accounts/verify_credentials",
            "GET /api/v1/apps/verify_credentials"
        ]
    );
    for _ in 0..3 {
        world.check().await;
        assert_eq!(world.requests(), ["GET /api/v1/accounts/109876"]);
    }
}

#[tokio::test]
async fn a_milestone_adds_one_page_and_an_invitation_asks_what_it_must_know_once() {
    let mut world = crossed("").await;
    world.requests();
    world.check().await;
    assert_eq!(
        world.requests(),
        [
            "GET /api/v1/accounts/109876",
            "GET /api/v1/accounts/109876/followers",
            "GET /api/v1/accounts/verify_credentials",
            "GET /api/v1/notifications",
            "GET /api/v1/accounts/109876",
            "GET /api/v2/instance",
            "POST /api/v1/statuses",
        ]
    );
    world.fans(100);
    world.check().await;
    let again = world.requests();
    assert_eq!(
        again,
        [
            "GET /api/v1/statuses/112000000000001201/context",
            "GET /api/v1/accounts/109876",
            "GET /api/v1/accounts/109876/followers",
            "POST /api/v1/statuses",
        ],
        "whose the token is and how much fits is known, and the first follower may have answered"
    );
}

#[tokio::test]
async fn a_rate_limit_is_waited_out_until_the_time_that_is_written_out() {
    let mut world = World::<Mastodon>::with(599, "").await;
    world.fans(1);
    let limit = Fault::RateLimited { for_seconds: 720 };
    world.network.fail_next("/followers", limit);
    let check = world.check().await;
    assert_eq!(check.outcome, CheckOutcome::RateLimited);
    let until = world.clock.now() + jiff::SignedDuration::from_secs(720);
    assert_eq!(check.retry_at, Some(until));
    world.requests();
    world.check().await;
    world.check().await;
    assert!(world.requests().is_empty(), "nothing is asked before then");
    world.check().await;
    assert_eq!(world.network.messages().len(), 1);

    // Others write it in seconds, or only say how long.
    let mut world = World::<Mastodon>::with(599, "").await;
    let now = world.clock.now();
    for fault in [
        Fault::Status(429),
        body(429, "text/html", "<h1>Slow down</h1>"),
    ] {
        world.network.fail_next("/accounts/109876", fault);
        let check = world.check().await;
        assert!(
            check.retry_at.unwrap() > now,
            "the usual five minutes: {check:?}"
        );
        world.check().await;
    }
}

#[tokio::test]
async fn what_the_token_allows_is_asked_for_where_the_server_tells() {
    let world = World::<Mastodon>::with(500, "").await;
    let network = world.client();
    let id = network.profile(None).await.unwrap().id;
    let allowed = network.permissions(&id).await.unwrap();
    assert_eq!(allowed.owner.as_ref(), Some(&id));
    assert_eq!(allowed.post, Some(true));
    for (scopes, may) in [(vec!["read"], false), (vec!["read", "write"], true)] {
        world.network.set_token(TOKEN, "amber", &scopes);
        assert_eq!(network.permissions(&id).await.unwrap().post, Some(may));
    }
    // Before 4.3.
    let old = r#"{"name": "Have a Hug", "website": null, "vapid_key": "B"}"#;
    let fault = body(200, "application/json", old);
    world.network.fail_next("/apps/verify_credentials", fault);
    assert_eq!(network.permissions(&id).await.unwrap().post, None);
}

#[tokio::test]
async fn what_only_helps_may_meet_a_rate_limit_and_it_is_obeyed_all_the_same() {
    let mut world = crossed("").await;
    let limit = Fault::RateLimited { for_seconds: 720 };
    world.network.fail_next("/notifications", limit);
    world.requests();
    let check = world.check().await;
    assert_eq!(check.hugs[0].evidence.certainty, Certainty::Likely);
    let until = world.clock.now() + jiff::SignedDuration::from_secs(720);
    assert_eq!(check.retry_at, Some(until));
    let asked = world.requests();
    let counts = asked.iter().filter(|one| one.ends_with("/109876")).count();
    assert_eq!(counts, 1, "no second look at the count: {asked:?}");
    assert_eq!(world.check().await.outcome, CheckOutcome::RateLimited);
    assert!(world.requests().is_empty());
}

#[tokio::test]
async fn the_last_request_of_a_window_is_noticed_before_the_next_is_refused() {
    let mut world = World::<Mastodon>::with(500, "").await;
    // A new window; others use all but one of it.
    world.clock.advance(Duration::from_mins(10));
    let http = have_a_hug::http::client().unwrap();
    for _ in 0..299 {
        let url = format!("{}/api/v2/instance", world.network.url());
        http.get(url).bearer_auth(TOKEN).send().await.unwrap();
    }
    let round = world.stack.round(serde_json::json!({})).await.unwrap();
    let check = only(round.summary);
    let until = world.clock.now() + jiff::SignedDuration::from_mins(5);
    assert_eq!(check.retry_at, Some(until));
}

#[tokio::test]
async fn the_account_must_be_the_one_that_the_settings_name_and_in_use() {
    let mut world = World::<Mastodon>::with(599, "").await;
    world.network.mark("amber", Mark::Moved);
    let reported = world.failing_check().await;
    assert!(
        reported
            .contains("the account has moved to @amber@new.example; put that handle into hug.toml"),
        "{reported}"
    );
    let mut world = World::<Mastodon>::unseen(0, "").await;
    let visitor = Person {
        handle: "amber@elsewhere.example".into(),
        ..Person::fan(1, world.clock.now())
    };
    world.network.follow(visitor);
    for (handle, expected) in [
        (
            "amber@elsewhere.example",
            "it is an account of another server, @amber@elsewhere.example; set server to the account's own",
        ),
        (
            "nobody@mastodon.example",
            "there is no account with the handle nobody@mastodon.example: see `handle` in hug.toml",
        ),
    ] {
        change_settings(&mut world, handle, "", &secret);
        let reported = world.failing_check().await;
        assert!(reported.contains(expected), "{reported}");
    }
    let world = World::<Mastodon>::with(599, "").await;
    world.network.mark("amber", Mark::Suspended);
    let mut world = world;
    assert!(
        world
            .failing_check()
            .await
            .contains("has suspended the account")
    );
    let mut world = World::<Mastodon>::unseen(599, "").await;
    world.network.hide_counts();
    assert!(
        world
            .failing_check()
            .await
            .contains("hides the number of followers")
    );
}

/// A server that answers every request with this status and header.
async fn answering(status: u16, header: (&'static str, String)) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let answer = move || async move {
        let status = axum::http::StatusCode::from_u16(status).unwrap();
        (status, [(header.0, header.1)], "{}")
    };
    let router = axum::Router::new().fallback(answer);
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

/// What a check by that server comes to, in words or as the time to wait for.
async fn look_at(server: &str) -> Result<Option<jiff::Timestamp>, String> {
    let clock = Clock::by_hand("2026-11-22T14:00:00Z".parse().unwrap());
    let text = settings("mastodon", HANDLE, server, "");
    let mut stack = hug::stack::Stack::in_memory(&text, &secret, clock)
        .await
        .unwrap();
    let mut round = stack.round(serde_json::json!({})).await.unwrap();
    match round.summary.accounts.remove(0) {
        check_followers::Checked::Done(check) => Ok(check.retry_at),
        check_followers::Checked::Failed { error, .. }
        | check_followers::Checked::Skipped { why: error, .. } => Err(error),
    }
}

#[tokio::test]
async fn a_server_that_redirects_elsewhere_is_not_followed_but_reported() {
    let there = "https://social.example/api/v1/accounts/lookup?acct=amber".to_owned();
    let reported = look_at(&answering(301, ("location", there)).await).await;
    let reported = reported.unwrap_err();
    assert!(
        reported.contains("301 Moved Permanently: no reason given; it leads to https://social.example: if the account's server is there, set server to that"),
        "{reported}"
    );
}

#[tokio::test]
async fn a_reset_is_understood_in_seconds_and_as_a_wait_too() {
    let at = |text: &str| Ok(Some(text.parse().unwrap()));
    let unix = ("x-ratelimit-reset", "1795356240".to_owned());
    assert_eq!(
        look_at(&answering(429, unix).await).await,
        at("2026-11-22T14:04:00Z")
    );
    let wait = ("retry-after", "90".to_owned());
    assert_eq!(
        look_at(&answering(429, wait).await).await,
        at("2026-11-22T14:01:30Z")
    );
    let written = (
        "x-ratelimit-reset",
        "2026-11-22T14:03:00.000123Z".to_owned(),
    );
    assert_eq!(
        look_at(&answering(429, written).await).await,
        at("2026-11-22T14:03:00.000123Z")
    );
    let odd = ("x-ratelimit-reset", "soon".to_owned());
    assert_eq!(
        look_at(&answering(429, odd).await).await,
        at("2026-11-22T14:05:00Z")
    );
}

/// Run by `infra/stand-ins/clients/mastodon_clients.py mock`, which reads afterwards what has arrived.
#[tokio::test]
#[ignore = "needs mastodon-mock: infra/stand-ins/clients/mastodon_clients.py mock"]
async fn the_promise_is_kept_on_a_server_that_others_wrote() {
    let Ok(url) = std::env::var("MASTODON_MOCK") else {
        println!("not run: MASTODON_MOCK is not set");
        return;
    };
    // It has a clock of its own, which ours stays behind.
    let clock = Clock::by_hand(jiff::Timestamp::now() - jiff::SignedDuration::from_hours(1));
    let secrets = |name: &str| (name == "MASTODON_ACCESS_TOKEN").then(|| "amber-token".to_owned());
    let text = settings("mastodon", "amber", &url, "");
    let mut stack = hug::stack::Stack::in_memory(&text, &secrets, clock.clone())
        .await
        .unwrap();
    let check = async |stack: &mut hug::stack::Stack| {
        clock.advance(Duration::from_mins(5));
        let round = stack.round(serde_json::json!({})).await.unwrap();
        only(round.summary)
    };
    let first = check(&mut stack).await;
    assert_eq!(
        (first.outcome, first.followers),
        (CheckOutcome::Baseline, Some(599))
    );

    let amber = first.id.unwrap();
    let number = amber.as_str().split('@').next().unwrap();
    let http = have_a_hug::http::client().unwrap();
    let follow = http.post(format!("{url}/api/v1/accounts/{number}/follow"));
    let followed = follow.bearer_auth("fan0599-token").send().await.unwrap();
    assert!(followed.status().is_success());
    assert_eq!(check(&mut stack).await.outcome, CheckOutcome::Milestones);
    let hug = stack.deps.ledger.snapshot().await.unwrap().hugs.remove(0);
    assert_eq!(hug.status, Status::Invited, "{:?}", hug.reason);
    assert_eq!(named(&hug), "fan0599");

    let account = stack.deps.settings.accounts[0].name.clone();
    let network = stack.deps.connected(&account).unwrap().network;
    let (mut listed, mut cursor, mut pages) = (Vec::new(), None, 0);
    loop {
        let page = network
            .followers(&amber, 80, cursor.as_ref())
            .await
            .unwrap();
        listed.extend(page.followers.into_iter().map(|who| who.handle));
        pages += 1;
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    listed.sort();
    listed.dedup();
    assert_eq!(listed.len(), 600);
    assert!(pages >= 8, "{pages}");

    let letter = hug.letter(hug.invitation.words.as_ref().unwrap());
    assert_eq!(
        Some(network.send(&letter).await.unwrap()),
        hug.invitation.receipt
    );
    let found = network.find(&letter).await.unwrap();
    assert_eq!(found, hug.invitation.receipt);
    let follows = network
        .follows_since(&amber, hug.reached_at)
        .await
        .unwrap()
        .unwrap();
    let newest: Vec<&str> = follows
        .iter()
        .map(|one| one.follower.handle.as_str())
        .collect();
    assert_eq!(newest.first(), Some(&"fan0599"));
}
