//! Followers that make no sense, and text in them that tries to mislead.

use super::*;

/// A page of followers as both networks write it.
fn page(ids: &[&str], handle: &str, name: &str) -> String {
    let people: Vec<serde_json::Value> = ids
        .iter()
        .map(|id| {
            json!({
                "id": id, "username": handle, "name": name, "description": name,
                "created_at": "2020-01-01T00:00:00Z", "profile_image_url": "https://pbs.example/a.png",
                "public_metrics": { "followers_count": 5, "following_count": 5, "tweet_count": 5 },
                "did": id, "handle": handle, "displayName": name, "avatar": "https://a.example",
                "createdAt": "2020-01-01T00:00:00Z", "followersCount": 5, "followsCount": 5, "postsCount": 5,
            })
        })
        .collect();
    json!({ "data": people, "meta": {}, "followers": people }).to_string()
}

#[tokio::test]
async fn a_follower_without_an_id_that_the_network_could_give_is_no_follower() {
    let mut world = World::<X>::with_followers(599).await;
    let mut sky = World::<Bluesky>::with(599, "").await;
    let fan = (world.fan(), sky.fans(1).remove(0));
    let long = "7".repeat(3_000);
    for id in [
        "",
        "7#8",
        "7\n8",
        "../../tweets",
        "7/8",
        "7 8",
        "7?a=b",
        "did:plc:a#b",
        "did:plc:\u{1b}",
        "did:",
        &long,
    ] {
        let answer = page(&[id], "cleo", "Cleo");
        world
            .network
            .fail_next("/followers", body(200, "application/json", &answer));
        assert_readable(&world.failing_check().await, "x:amber", &answer);
        sky.network
            .fail_next("getFollowers", body(200, "application/json", &answer));
        assert_readable(&sky.failing_check().await, "bluesky:amber", &answer);
    }
    world.check().await;
    sky.check().await;
    assert_eq!(
        (named(&world.hug(600).await), named(&sky.hug(600).await)),
        (&*fan.0, &*fan.1)
    );
}

#[tokio::test]
async fn what_a_hug_keeps_of_foreign_text_is_short_and_one_line() {
    let nasty = format!(
        "\u{1b}[2J\n{{\"level\":\"INFO\"}}\u{202e}{}",
        "e\u{301}".repeat(100_000)
    );
    let mut world = World::<X>::with_followers(580).await;
    world.fans(20);
    let answer = page(&["7"], &nasty, &nasty);
    world
        .network
        .fail_next("/followers", body(200, "application/json", &answer));
    world.check().await;
    let hug = world.hug(600).await;
    let follower = hug.follower.clone().unwrap();
    assert_eq!(follower.id, "7");
    let kept = serde_json::to_string(&hug).unwrap();
    assert!(kept.len() < 10_000, "{} bytes", kept.len());
    for text in [follower.handle, follower.name.unwrap()] {
        assert!(
            !text.contains(char::is_control) && !text.contains('\u{202e}'),
            "{text:?}"
        );
    }
}

/// What a terminal would obey, or a reader be misled by.
fn assert_plain(line: &str) {
    let tricks = |c: char| c.is_control() || "\u{202e}\u{200b}\u{2028}".contains(c);
    assert!(!line.contains(tricks), "{line:?}");
}

#[tokio::test]
async fn what_the_command_prints_of_foreign_text_is_plain() {
    let nasty = "\u{1b}]0;owned\u{7}\u{9b}2J\r\n\u{202e}\u{200b}\u{2028}hot singles";
    let mut world = World::<X>::with_followers(580).await;
    world.fans(20);
    let bots = page(&["8", "7"], nasty, nasty);
    world
        .network
        .fail_next("/followers", body(200, "application/json", &bots));
    let waits = world.whole_round().await;
    let reported = Report::of(&waits).lines().join("\n");
    assert!(reported.contains("passed over @"), "{reported}");
    reported.lines().for_each(assert_plain);

    let one = page(&["9", "8", "7"], nasty, "\u{1b}[31mCleo");
    world
        .network
        .fail_next("/followers", body(200, "application/json", &one));
    let why = format!("{nasty} Your Tweet text is too long.");
    let refused = json!({ "title": nasty, "detail": why, "type": nasty }).to_string();
    world
        .network
        .fail_next("POST /2/tweets", body(403, "application/json", &refused));
    let reached = world.whole_round().await;
    let reported = Report::of(&reached).lines();
    assert!(
        reported.iter().any(|line| line.contains("600 goes to ")),
        "{reported:?}"
    );
    reported.iter().for_each(|line| assert_plain(line));
    let status = Overview::read(&world.stack.deps.ledger, None, world.clock.now());
    let status = status.await.unwrap();
    status.text(None).lines().for_each(assert_plain);
    let hug = &status.hugs[0];
    assert!(hug.hug.invitation.refusals[0].reason.contains("403") && hug.hug.follower.is_some());
    assert_plain(&hug.hug.invitation.refusals[0].reason);

    world
        .network
        .fail_next("GET /2/users", body(400, "application/json", &refused));
    let failed = world.whole_round().await;
    Report::of(&failed)
        .lines()
        .iter()
        .for_each(|line| assert_plain(line));
}

#[tokio::test]
async fn thousands_of_bots_passed_over_are_counted_and_the_hug_can_be_written() {
    let mut world = World::<X>::with_followers(599).await;
    for _ in 0..3_000 {
        world.bot();
    }
    assert_eq!(world.check().await.outcome, CheckOutcome::Unconfirmed);
    assert_eq!(world.check().await.waiting.unwrap().skipped.len(), 3_000);
    assert_eq!(world.account().await.pending.unwrap().passed_over, 3_000);
    assert_eq!(world.passed_over(600).await.len(), 100);
    let fan = world.fan();
    world.check().await;
    let hug = world.hug(600).await;
    assert_eq!(named(&hug), fan);
    assert_eq!(hug.evidence.passed_over, 3_000);
    assert!(serde_json::to_string(&hug).unwrap().len() < 50_000);
    assert_eq!(world.invitations_to(600), 1);
}

#[tokio::test]
async fn the_same_follower_again_and_again_is_one_follower_and_a_list_without_an_end_is_reported() {
    let mut world = World::<X>::with_followers(599).await;
    world.fans(3);
    // The count is 602. For more than an hour, the list contains only one follower, three times.
    let one = page(&["7", "7", "7"], "cleo", "Cleo");
    for _ in 0..12 {
        world
            .network
            .fail_next("/followers", body(200, "application/json", &one));
        let check = world.check().await;
        let why = check.waiting.unwrap().why.unwrap();
        assert!(
            why.contains("none of the followers who were in it before"),
            "{why}"
        );
    }
    world
        .network
        .fail_next("/followers", body(200, "application/json", &one));
    world.check().await;
    let hug = world.hug(600).await;
    assert_eq!((hug.status, hug.follower), (Status::Held, None));
    assert!(world.posts().is_empty(), "the creator decides");

    let mut world = World::<X>::with_followers(599).await;
    world.fans(3);
    let url = world.network.url().to_owned();
    let proxy = empty_pages_without_end(&url, "/followers?").await;
    world.move_to(&proxy.url);
    let error = world.failing_check().await;
    assert!(error.contains("does not end after 151 pages"), "{error}");
    world.move_back();
    world.check().await;
    assert_eq!(world.invitations_to(600), 1);
}

/// A list at that address that always has one more page, with nobody on it.
async fn empty_pages_without_end(url: &str, list: &'static str) -> Proxy {
    let turns = std::sync::atomic::AtomicUsize::new(0);
    Proxy::before(url, move |_, head| {
        if !head.contains(list) {
            return Trouble::None;
        }
        let turn = turns.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        let page = format!(r#"{{"data":[],"meta":{{"next_token":"page{turn}"}}}}"#);
        Trouble::Instead(answer("200 OK", "content-type: application/json\r\n", page))
    })
    .await
}

#[tokio::test]
async fn a_list_whose_next_page_is_the_same_page_fails_at_once() {
    let mut world = World::<X>::with_followers(599).await;
    world.fans(3);
    for _ in 0..2 {
        let page = r#"{"data":[],"meta":{"next_token":"again"}}"#;
        let page = body(200, "application/json", page);
        world.network.fail_next("/followers?", page);
    }
    let error = world.failing_check().await;
    assert!(error.contains("does not end after 2 pages"), "{error}");
}

#[tokio::test]
async fn a_milestone_too_far_down_the_list_is_held_without_a_name_and_nothing_is_read_for_it() {
    let mut world = World::<X>::with_followers(598).await;
    // The count leapt, so a second reading must agree.
    for _ in 0..2 {
        let count = format!(
            r#"{{"data":{{"id":"{AMBER}","name":"Amber","username":"amber","public_metrics":{{"followers_count":13000}}}}}}"#
        );
        let count = body(200, "application/json", &count);
        world.network.fail_next("GET /2/users", count);
    }
    world.requests();
    world.check_only().await;
    world.check_only().await;
    let hug = world.hug(600).await;
    assert_eq!(hug.status, Status::Held);
    assert_eq!((&hug.follower, hug.evidence.position), (&None, 12_400));
    let note = hug.evidence.note.unwrap();
    assert!(
        note.contains("only the 6000 newest followers are read"),
        "{note}"
    );
    let list = format!("GET /2/users/{AMBER}/followers");
    assert!(!world.requests().contains(&list));
}

#[tokio::test]
async fn a_look_at_posts_that_never_ends_is_reported_and_nothing_is_sent_meanwhile() {
    let mut world = World::<X>::with_followers(599).await;
    world.fan();
    world.network.fail_next("POST /2/tweets", Fault::AnswerLost);
    world.check().await;
    let url = world.network.url().to_owned();
    let proxy = empty_pages_without_end(&url, "/tweets?").await;
    world.move_to(&proxy.url);
    let looking = async {
        for _ in 0..2 {
            world.check().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(8), looking)
        .await
        .unwrap();
    let reason = world.hug(600).await.reason.unwrap();
    assert!(
        reason.contains("x:amber") && reason.contains("does not end after"),
        "{reason}"
    );
    world.move_back();
    for _ in 0..6 {
        world.check().await;
    }
    assert_eq!(world.hug(600).await.status, Status::Invited);
    assert_eq!(world.posts().len(), 1);
}

#[tokio::test]
async fn one_follower_with_a_birthday_that_is_no_date_does_not_hide_the_others() {
    for born in ["yesterday", "2024-13-45T99:00:00Z", "\\u001b", ""] {
        let mut world = World::<X>::with_followers(580).await;
        world.fans(20);
        let answer = page(&["7"], "cleo", "Cleo").replace("2020-01-01T00:00:00Z", born);
        world
            .network
            .fail_next("/followers", body(200, "application/json", &answer));
        world.check().await;
        assert_eq!(named(&world.hug(600).await), "cleo");
    }
    let mut sky = World::<Bluesky>::with(580, "").await;
    let fan = sky.fans(20).remove(19);
    let id = stand_ins::bluesky::did(&Person::fan(600, sky.clock.now()).id);
    let odd = page(&[&id], &fan, "Cleo").replace("2020-01-01T00:00:00Z", "yesterday");
    sky.network
        .fail_next("getFollowers", body(200, "application/json", &odd));
    sky.check().await;
    assert_eq!(named(&sky.hug(600).await), fan);
}
