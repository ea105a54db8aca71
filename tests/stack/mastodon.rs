//! The same promise on Mastodon, where a private mention reaches one person, and the account's own
//! server is all that is asked.

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
async fn number_600_is_mentioned_once_where_only_they_can_read_it() {
    let mut world = World::<Mastodon>::with(598, "").await;
    let arrivals = world.fans(3);
    world.check().await;
    world.check().await;
    let hug = world.hug(600).await;
    assert_eq!(named(&hug), arrivals[1]);
    assert!(arrivals[1].ends_with("@other.example"), "{}", arrivals[1]);
    let sent = world.network.messages();
    assert_eq!(sent.len(), 1);
    assert_eq!(hug.follower.as_ref().unwrap().id, sent[0].to.as_str());
    assert!(
        sent[0]
            .text
            .starts_with(&format!("@{} You're number 600!", arrivals[1])),
        "{}",
        sent[0].text
    );
    let invitation = hug.invitation.unwrap();
    assert_eq!(invitation.channel, Channel::Mention);
    assert_eq!(invitation.reference.as_ref(), Some(&sent[0].id));
    assert!(
        world.network.posts().is_empty(),
        "nothing that all can read"
    );
}

#[tokio::test]
async fn someone_of_the_same_server_is_mentioned_by_their_short_handle() {
    let mut world = World::<Mastodon>::with(598, "").await;
    let arrivals = world.fans(2);
    world.network.unfollow(&arrivals[1]);
    let local = world.fans(1).remove(0);
    assert!(!local.contains('@'));
    world.check().await;
    let seen = world.network.requests();
    let page = seen.iter().find(|one| one.path.contains("/followers"));
    assert!(
        page.unwrap().path.ends_with("?limit=40"),
        "pages come short"
    );
    let sent = world.network.messages();
    assert_eq!(
        world.hug(600).await.follower.unwrap().id,
        sent[0].to.as_str()
    );
    assert!(
        sent[0].text.starts_with(&format!("@{local} ")),
        "{}",
        sent[0].text
    );
}

#[tokio::test]
async fn an_idle_check_is_one_request_by_the_servers_own_number() {
    let mut world = World::<Mastodon>::unseen(500, "").await;
    world.check().await;
    assert_eq!(world.requests(), ["GET /api/v1/accounts/lookup"]);
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
        again.len(),
        3,
        "whose the token is and how much fits is known: {again:?}"
    );
}

#[tokio::test]
async fn reads_need_no_token_and_a_draft_opens_the_servers_own_page() {
    let mut world = World::<Mastodon>::unseen(599, "").await;
    change_settings(&mut world, HANDLE, DRAFTS, &|_| None);
    world.check().await;
    world.fans(1);
    world.check().await;
    let seen = world.network.requests();
    assert!(
        seen.iter().all(|one| one.authenticated_as.is_none()),
        "{seen:?}"
    );
    let reference = world.hug(600).await.invitation.unwrap().reference.unwrap();
    let opens = format!(
        "{}/share?text=Hi%20%40fan0600%40other.example",
        world.network.url()
    );
    assert!(reference.starts_with(&opens), "{reference}");
    assert!(reference.ends_with("&visibility=direct"), "{reference}");
    assert!(world.network.messages().is_empty());
}

#[tokio::test]
async fn pages_are_turned_by_the_link_alone_also_where_they_are_empty() {
    let mut world = World::<Mastodon>::with(599, "").await;
    let arrivals = world.fans(220);
    for handle in &arrivals[40..] {
        world.network.hide(handle);
    }
    world.network.clear_requests();
    // 819 are counted, of whom the 180 newest are not listed: two whole pages are empty.
    world.check().await;
    let hug = world.hug(600).await;
    assert_eq!(hug.evidence.position, 219);
    assert_eq!(named(&hug), arrivals[0]);
    let seen = world.network.requests();
    let pages: Vec<&str> = seen
        .iter()
        .map(|one| one.path.as_str())
        .filter(|path| path.contains("/followers"))
        .collect();
    assert!(pages.len() >= 3, "{pages:?}");
    assert!(!pages[0].contains("max_id"), "{pages:?}");
    for page in &pages[1..] {
        let (_, id) = page.split_once("max_id=").unwrap();
        assert!(
            id.parse::<u64>().unwrap() < 10_000,
            "no account has such an id: {page}"
        );
    }
}

#[tokio::test]
async fn a_link_that_leads_to_another_server_is_not_followed_with_the_token() {
    let mut world = World::<Mastodon>::with(599, "").await;
    let other = stand_ins::mastodon::Mastodon::start(world.clock.clone())
        .await
        .unwrap();
    world.network.link_to(other.url());
    world.fans(100);
    let told = world.failing_check().await;
    assert!(
        told.contains(&format!("the next page is said to be at {}", other.url())),
        "{told}"
    );
    assert!(other.requests().is_empty());
    world.network.link_to(world.network.url());
    world.check().await;
    assert!(
        world.hug(600).await.follower.is_some(),
        "and nothing is lost"
    );
}

#[tokio::test]
async fn a_hidden_list_is_read_by_its_owner() {
    let mut world = crossed("").await;
    world.network.hide_collections("amber");
    world.check().await;
    assert!(world.hug(600).await.follower.is_some());
}

#[tokio::test]
async fn a_hidden_list_is_told_from_an_empty_one_and_the_milestone_waits_for_its_owner() {
    let mut world = World::<Mastodon>::unseen(599, "").await;
    change_settings(&mut world, HANDLE, DRAFTS, &|_| None);
    world.check().await;
    world.network.hide_collections("amber");
    let fan = world.fans(1).remove(0);
    let told = world.failing_check().await;
    assert!(
        told.contains("the account hides its list of followers; show it")
            && told.contains("MASTODON_ACCESS_TOKEN"),
        "{told}"
    );
    change_settings(&mut world, HANDLE, DRAFTS, &secret);
    world.check().await;
    assert_eq!(named(&world.hug(600).await), fan);
}

#[tokio::test]
async fn an_empty_list_that_nothing_hides_is_a_list_that_ended() {
    let mut world = crossed("").await;
    world
        .network
        .fail_next("/notifications", Fault::Status(403));
    world
        .network
        .fail_next("/followers", body(200, "application/json", "[]"));
    world.check().await;
    let hug = world.hug(600).await;
    assert_eq!(hug.follower, None);
    let note = hug.evidence.note.unwrap();
    assert_eq!(note, "the list of followers ended after 0 of 600");
}

#[tokio::test]
async fn a_mention_whose_answer_was_lost_is_made_once_within_the_hour() {
    for lost in [
        Fault::AnswerLost,
        Fault::Truncated,
        Fault::Hangup,
        Fault::Status(500),
        Fault::Status(503),
    ] {
        let mut world = crossed("").await;
        world
            .network
            .fail_next("POST /api/v1/statuses", lost.clone());
        world.check().await;
        assert_eq!(world.hug(600).await.status, Status::Inviting, "{lost:?}");
        for _ in 0..6 {
            world.check().await;
        }
        assert_eq!(world.hug(600).await.status, Status::Invited, "{lost:?}");
        assert_eq!(world.network.messages().len(), 1, "{lost:?}");
    }
}

#[tokio::test]
async fn a_mention_whose_answer_was_lost_is_found_among_many_after_the_key_is_forgotten() {
    let mut world = crossed("").await;
    world
        .network
        .fail_next("POST /api/v1/statuses", Fault::AnswerLost);
    world.check().await;
    let sent = world.network.messages().remove(0);
    // She has written more than one page since, some of it to the same person.
    let http = have_a_hug::http::client().unwrap();
    for n in 0..90 {
        let body = serde_json::json!({
            "status": format!("@{} line {n}", named(&world.hug(600).await)),
            "visibility": "direct",
        });
        let post = http
            .post(format!("{}/api/v1/statuses", world.network.url()))
            .bearer_auth(TOKEN)
            .header("content-type", "application/json")
            .body(body.to_string());
        assert!(post.send().await.unwrap().status().is_success());
    }
    world.clock.advance(Duration::from_hours(2));
    world.requests();
    for _ in 0..6 {
        world.check().await;
    }
    let hug = world.hug(600).await;
    assert_eq!(hug.status, Status::Invited);
    assert_eq!(hug.invitation.unwrap().reference, Some(sent.id));
    assert_eq!(world.network.messages().len(), 91);
    let looks = world
        .requests()
        .iter()
        .filter(|one| one.ends_with("/109876/statuses"))
        .count();
    assert_eq!(looks, 3, "40 on a page");
}

#[tokio::test]
async fn the_look_at_the_own_statuses_goes_no_further_back_than_the_invitation() {
    let mut world = World::<Mastodon>::with(599, "").await;
    let http = have_a_hug::http::client().unwrap();
    for n in 0..90 {
        let post = http
            .post(format!("{}/api/v1/statuses", world.network.url()))
            .bearer_auth(TOKEN)
            .header("content-type", "application/json")
            .body(format!(r#"{{"status":"an earlier line {n}"}}"#));
        assert!(post.send().await.unwrap().status().is_success());
    }
    world.clock.advance(Duration::from_secs(13 * 60 * 60));
    world.fans(1);
    world
        .network
        .fail_next("POST /api/v1/statuses", Fault::Hangup);
    world.check().await;
    world.requests();
    for _ in 0..3 {
        world.check().await;
    }
    assert_eq!(world.network.messages().len(), 1);
    let asked = world.requests();
    let looks = asked.iter().filter(|one| one.ends_with("/109876/statuses"));
    assert_eq!(looks.count(), 1);
}

#[tokio::test]
async fn the_servers_own_memory_keeps_a_second_mention_out_even_where_the_ledger_forgot_the_first()
{
    let mut world = crossed("").await;
    world.check().await;
    let invited = world.hug(600).await;
    let mut forgotten = invited.clone();
    forgotten.status = Status::Reached;
    forgotten.invitation = None;
    forgotten.revision += 1;
    world
        .stack
        .deps
        .ledger
        .replace_hug(&forgotten)
        .await
        .unwrap();
    for _ in 0..6 {
        world.check().await;
    }
    assert_eq!(world.network.messages().len(), 1);
    assert_eq!(
        world.hug(600).await.invitation.unwrap().reference,
        invited.invitation.unwrap().reference
    );
}

#[tokio::test]
async fn a_look_at_the_own_statuses_that_is_refused_sends_nothing() {
    let mut world = crossed("").await;
    world
        .network
        .fail_next("POST /api/v1/statuses", Fault::AnswerLost);
    world.check().await;
    let without = ["read:accounts", "read:notifications", "write:statuses"];
    world.network.set_token(TOKEN, "amber", &without);
    world.clock.advance(Duration::from_hours(2));
    world.check().await;
    let hug = world.hug(600).await;
    assert!(
        hug.reason.as_ref().unwrap().contains(
            "looking up whether the invitation arrived failed for mastodon:amber@mastodon.example: 403 Forbidden: This action is outside the authorized scopes"
        ),
        "{:?}",
        hug.reason
    );
    world.network.set_token(TOKEN, "amber", &SCOPES);
    for _ in 0..20 {
        world.check().await;
    }
    assert_eq!(world.hug(600).await.status, Status::Invited);
    assert_eq!(world.network.messages().len(), 1);
}

#[tokio::test]
async fn words_that_are_too_long_for_the_server_are_not_sent_but_drafted() {
    for told in [Instance::V2, Instance::V1, Instance::Fork] {
        let mut world = crossed("").await;
        world.network.set_longest(100, told);
        world.check().await;
        let hug = world.hug(600).await;
        assert_eq!(hug.refusals[0].channel, Channel::Mention, "{told:?}");
        let reason = &hug.refusals[0].reason;
        assert!(
            reason.contains("characters long")
                && reason.contains("takes 100; shorten them under [texts]"),
            "{reason}"
        );
        assert_eq!(hug.invitation.unwrap().channel, Channel::Draft);
        assert!(world.network.messages().is_empty());
        let posts = world
            .requests()
            .iter()
            .filter(|one| one.starts_with("POST"))
            .count();
        assert_eq!(posts, 0, "{told:?}");
    }
    // A server that does not tell is believed to be as most are.
    let mut world = crossed("").await;
    world.network.set_longest(500, Instance::Silent);
    world.check().await;
    assert_eq!(world.network.messages().len(), 1);
}

#[tokio::test]
async fn whoever_the_server_marks_is_passed_over_with_the_reason() {
    let restricted = "limited or suspended by the network";
    let left = "has moved to another account, or is kept in memory";
    for (mark, reason) in [
        (None, "marked as a bot by the network"),
        (Some(Mark::Group), "marked as a bot by the network"),
        (Some(Mark::Limited), restricted),
        (Some(Mark::Suspended), restricted),
        (Some(Mark::Moved), left),
        (Some(Mark::Memorial), left),
    ] {
        let mut world = World::<Mastodon>::with(599, "").await;
        let marked = Person {
            bot: mark.is_none(),
            ..Person::fan(9_000, world.clock.now())
        };
        world.network.follow(marked.clone());
        if let Some(mark) = mark {
            world.network.mark(&marked.handle, mark);
        }
        let fan = world.fans(1).remove(0);
        world.check().await;
        let hug = world.hug(600).await;
        assert_eq!(named(&hug), fan, "{mark:?}");
        assert_eq!(hug.evidence.skipped[0].handle, marked.handle);
        assert_eq!(hug.evidence.skipped[0].reasons, [reason], "{mark:?}");
    }
    let mut world = World::<Mastodon>::with(599, "").await;
    world.network.follow(Person::bot(1, world.clock.now()));
    world.fans(1);
    world.check().await;
    let skipped = &world.hug(600).await.evidence.skipped[0];
    assert!(
        skipped
            .reasons
            .contains(&"name or bio advertises like a bot".to_owned())
    );
    assert!(
        skipped.reasons.contains(&"no picture".to_owned()),
        "{:?}",
        skipped.reasons
    );
}

#[tokio::test]
async fn what_a_server_leaves_empty_is_not_told_and_speaks_against_nobody() {
    let mut world = World::<Mastodon>::with(599, "").await;
    world.fans(1);
    world
        .network
        .fail_next("/notifications", Fault::Status(403));
    let blank = r#"[{"id":"7","username":"cleo","acct":"cleo@other.example","display_name":null,"note":null,
        "avatar":null,"created_at":null,"followers_count":-1,"following_count":null,"statuses_count":null,
        "bot":null,"group":null,"suspended":null,"limited":null,"memorial":null,"moved":null}]"#;
    world
        .network
        .fail_next("/followers", body(200, "application/json", blank));
    world.check().await;
    assert_eq!(named(&world.hug(600).await), "cleo@other.example");
}

#[tokio::test]
async fn an_advertisement_is_seen_through_its_html() {
    let mut world = crossed("").await;
    world
        .network
        .fail_next("/notifications", Fault::Status(403));
    let bot = r#"[{"id":"7","username":"bot","acct":"bot","note":"<p>Hot&nbsp;<b>singles</b><br>near you</p>"},
        {"id":"8","username":"fan","acct":"fan","note":"<p>Hot&nbsp;<b>soup</b></p>"}]"#;
    world
        .network
        .fail_next("/followers", body(200, "application/json", bot));
    // 601 are counted: the bot is the newest, and stands behind the milestone.
    world.fans(1);
    world.check().await;
    assert_eq!(named(&world.hug(600).await), "fan");
    let mut world = crossed("").await;
    world
        .network
        .fail_next("/notifications", Fault::Status(403));
    world
        .network
        .fail_next("/followers", body(200, "application/json", bot));
    let waiting = world.check().await.waiting.unwrap();
    assert_eq!(
        waiting.skipped[0].reasons,
        ["name or bio advertises like a bot"]
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
async fn who_came_just_before_the_look_is_none_of_those_who_came_since() {
    let mut world = World::<Mastodon>::with(500, "").await;
    world.fans(98);
    // No time passes between the last of them and the look, and clocks differ.
    world.stack.round(serde_json::json!({})).await.unwrap();
    let arrivals = world.fans(3);
    world.check().await;
    let hug = world.hug(600).await;
    assert_eq!(named(&hug), arrivals[1]);
    assert_eq!(hug.evidence.certainty, Certainty::Certain);
    assert_eq!(hug.evidence.arrivals.unwrap().came, 3);
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
    let told = world.failing_check().await;
    assert!(
        told.contains("the account has moved to @amber@new.example; put that handle into hug.toml"),
        "{told}"
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
        ("nobody@mastodon.example", "404 Not Found: Record not found"),
    ] {
        change_settings(&mut world, handle, "", &secret);
        let told = world.failing_check().await;
        assert!(told.contains(expected), "{told}");
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

#[tokio::test]
async fn a_token_of_someone_else_sends_nothing_and_a_revoked_one_is_told() {
    let mut world = crossed("").await;
    world.network.add_account(Account {
        id: "4711".into(),
        handle: "bea".into(),
        name: "Bea".into(),
        access_token: "beas".into(),
    });
    world.network.set_token(TOKEN, "bea", &SCOPES);
    world.check().await;
    let reason = world.hug(600).await.reason.unwrap();
    assert!(
        reason.contains("the access token belongs to the account 4711, not to 109876"),
        "{reason}"
    );
    assert!(world.network.messages().is_empty());

    let mut world = crossed("").await;
    // Once for the notifications, which are done without, and once for the invitation.
    for _ in 0..2 {
        world
            .network
            .fail_next("verify_credentials", Fault::Status(401));
    }
    world.check().await;
    let hug = world.hug(600).await;
    assert!(
        hug.reason
            .as_ref()
            .unwrap()
            .contains("401 Unauthorized: The access token is invalid; a retry cannot help before"),
        "{:?}",
        hug.reason
    );
    for _ in 0..3 {
        world.check().await;
    }
    assert_eq!(world.network.messages().len(), 1);
}

#[tokio::test]
async fn one_that_reached_nobody_is_drafted_though_its_answer_was_lost() {
    let mut world = crossed("").await;
    world
        .network
        .fail_next("POST /api/v1/statuses", Fault::AnswerLost);
    world.check().await;
    let text = world.hug(600).await.invitation.unwrap().text;
    let at_nobody = serde_json::json!({
        "id": "9", "created_at": world.clock.now(), "content": text, "visibility": "direct", "mentions": [],
    });
    let told = |answer: String| body(200, "application/json", &answer);
    let listed = format!("[{at_nobody}]");
    world.network.fail_next("109876/statuses", told(listed));
    world
        .network
        .fail_next("POST /api/v1/statuses", told(at_nobody.to_string()));
    world.check().await;
    let hug = world.hug(600).await;
    assert_eq!(hug.refusals[0].channel, Channel::Mention);
    assert_eq!(hug.invitation.unwrap().channel, Channel::Draft);
    assert_eq!(hug.status, Status::Invited);
}

#[tokio::test]
async fn a_mention_that_the_server_does_not_take_for_one_reached_nobody_and_is_drafted() {
    let mut world = crossed("").await;
    let at_nobody =
        r#"{"id":"9","created_at":"2026-11-22T14:00:00.000Z","content":"","mentions":[]}"#;
    world.network.fail_next(
        "POST /api/v1/statuses",
        body(200, "application/json", at_nobody),
    );
    world.check().await;
    let hug = world.hug(600).await;
    assert!(
        hug.refusals[0]
            .reason
            .contains("made no mention of @fan0600@other.example, so it reached nobody"),
        "{}",
        hug.refusals[0].reason
    );
    assert_eq!(hug.invitation.unwrap().channel, Channel::Draft);
}

#[tokio::test]
async fn a_refused_mention_is_drafted_and_error_pages_are_told_in_a_line() {
    let mut world = crossed("").await;
    let refusal = r#"{"error":"Validation failed: Text contains something"}"#;
    world.network.fail_next(
        "POST /api/v1/statuses",
        body(422, "application/json", refusal),
    );
    world.check().await;
    let hug = world.hug(600).await;
    assert!(
        hug.refusals[0]
            .reason
            .contains("422 Unprocessable Entity: Validation failed: Text contains something")
    );
    assert_eq!(hug.invitation.unwrap().channel, Channel::Draft);

    let mut world = World::<Mastodon>::with(599, "").await;
    for (fault, told) in [
        (
            Fault::Status(410),
            "410 Gone: The page you were looking for",
        ),
        (
            Fault::Status(502),
            "502 Bad Gateway: no reason given; a retry can help",
        ),
        (Fault::Html, "is not what was expected"),
        (
            body(
                422,
                "application/json",
                r#"{"error":"This method requires an authenticated user"}"#,
            ),
            "a retry cannot help before someone fixes",
        ),
        (
            body(
                400,
                "application/json",
                r#"{"error":{"id":["is invalid"]}}"#,
            ),
            r#"400 Bad Request: {"id":["is invalid"]}"#,
        ),
    ] {
        world.network.fail_next("/accounts/109876", fault);
        let error = world.failing_check().await;
        assert!(error.contains(told), "expected: {told}\ntold: {error}");
    }
}

#[tokio::test]
async fn an_announcement_is_public_and_is_found_again() {
    let mut world = crossed("contact = [\"announce\"]").await;
    world
        .network
        .fail_next("POST /api/v1/statuses", Fault::AnswerLost);
    world.check().await;
    world.clock.advance(Duration::from_hours(2));
    for _ in 0..6 {
        world.check().await;
    }
    let posts = world.network.posts();
    assert_eq!(posts.len(), 1);
    assert!(
        posts[0].text.contains("my 600th follower"),
        "{}",
        posts[0].text
    );
    assert_eq!(
        world.hug(600).await.invitation.unwrap().reference,
        Some(posts[0].id.clone())
    );
}

async fn follows(world: &World<Mastodon>, since: jiff::Timestamp) -> Option<Vec<Follow>> {
    let id = "109876@mastodon.example".into();
    world.client().follows_since(&id, since).await.unwrap()
}

#[tokio::test]
async fn follows_are_told_with_their_times_to_the_account_itself() {
    let mut world = World::<Mastodon>::with(300, "").await;
    let since = world.clock.now();
    let mut expected = Vec::new();
    for _ in 0..100 {
        world.clock.advance(Duration::from_secs(30));
        let fan = world.fans(1).remove(0);
        expected.insert(0, (fan, world.clock.now()));
    }
    world.network.add_mention("@amber I sing too", "fan0001");
    let told = follows(&world, since + jiff::SignedDuration::from_secs(1))
        .await
        .unwrap();
    let told: Vec<_> = told
        .into_iter()
        .map(|one| (one.follower.handle, one.at))
        .collect();
    assert_eq!(told, expected);

    world.network.set_token(TOKEN, "amber", &["read:accounts"]);
    assert!(
        follows(&world, since).await.is_none(),
        "the scope is missing"
    );
    world.network.set_token(TOKEN, "amber", &SCOPES);
    let all = follows(&world, jiff::Timestamp::UNIX_EPOCH).await;
    assert_eq!(all.unwrap().len(), 400, "six pages of notifications");
    world.fans(2_000);
    let part = follows(&world, since).await;
    assert!(part.is_none(), "a part of them is not all of them");
}

#[tokio::test]
async fn a_server_that_tells_more_than_the_follows_it_was_asked_for_is_understood() {
    let world = World::<Mastodon>::with(3, "").await;
    let who = r#"{"id":"7","username":"cleo","acct":"cleo"}"#;
    let at = "2026-11-22T14:01:00.000Z";
    let all = format!(
        r#"[{{"id":"3","type":"mention","created_at":"{at}","account":{who}}},
            {{"id":"2","type":"moderation_warning","created_at":"{at}","account":null}},
            {{"id":"1","type":"follow","created_at":"{at}","account":{who}}}]"#
    );
    world
        .network
        .fail_next("/notifications", body(200, "application/json", &all));
    let told = follows(&world, jiff::Timestamp::UNIX_EPOCH).await.unwrap();
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].at, at.parse().unwrap());
}

#[tokio::test]
async fn follows_of_another_account_are_never_taken_for_the_accounts_own() {
    let world = World::<Mastodon>::with(3, "").await;
    let error = world
        .client()
        .follows_since(&"1@mastodon.example".into(), world.clock.now())
        .await
        .unwrap_err();
    assert_eq!(error.failure, Failure::Unauthorized);
    assert!(
        error
            .why
            .contains("belongs to the account 109876, not to 1"),
        "{error}"
    );
}

#[tokio::test]
async fn an_invitation_of_another_milestone_or_time_is_not_taken_for_this_one() {
    let mut world = crossed("").await;
    world.check().await;
    let hug = world.hug(600).await;
    let mut other = hug.invitation.clone().unwrap();
    other.text = other.text.replace("600", "700");
    let find = |invitation| {
        let letter = hug.letter(invitation);
        let network = world.client();
        async move { network.find(&letter).await.unwrap() }
    };
    assert_eq!(find(&other).await, None);
    let mut later = hug.invitation.clone().unwrap();
    later.prepared_at += jiff::SignedDuration::from_hours(13);
    assert_eq!(find(&later).await, None);
    // A clock is hours off, here or there.
    let mut hours_off = hug.invitation.clone().unwrap();
    hours_off.prepared_at += jiff::SignedDuration::from_hours(11);
    assert!(find(&hours_off).await.is_some());
    assert_eq!(
        find(hug.invitation.as_ref().unwrap()).await,
        Some(world.network.messages()[0].id.clone())
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
        check_followers::Looked::At(check) => Ok(check.retry_at),
        check_followers::Looked::Failed { error, .. } => Err(error),
    }
}

#[tokio::test]
async fn a_server_that_leads_elsewhere_is_not_followed_but_told() {
    let there = "https://social.example/api/v1/accounts/lookup?acct=amber".to_owned();
    let told = look_at(&answering(301, ("location", there)).await).await;
    let told = told.unwrap_err();
    assert!(
        told.contains("301 Moved Permanently: no reason given; it leads to https://social.example: if the account's server is there, set server to that"),
        "{told}"
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
    let url = std::env::var("MASTODON_MOCK").unwrap();
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
    let network = stack.deps.served(&account).unwrap().network;
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

    let invitation = hug.invitation.as_ref().unwrap();
    let letter = hug.letter(invitation);
    assert_eq!(
        Some(network.send(&letter).await.unwrap()),
        invitation.reference
    );
    assert_eq!(network.find(&letter).await.unwrap(), invitation.reference);
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
