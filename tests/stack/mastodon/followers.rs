//! Who follows on Mastodon: the list, its marks, and the notifications.

use super::*;

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
    let reported = world.failing_check().await;
    assert!(
        reported.contains(&format!(
            "the server names {} for the next page",
            other.url()
        )),
        "{reported}"
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
async fn a_hidden_list_is_distinguished_from_an_empty_one_and_the_milestone_waits_for_its_owner() {
    let mut world = World::<Mastodon>::unseen(599, "").await;
    change_settings(&mut world, HANDLE, DRAFTS, &|_| None);
    world.check().await;
    world.network.hide_collections("amber");
    let fan = world.fans(1).remove(0);
    let reported = world.failing_check().await;
    assert!(
        reported.contains("the account hides its list of followers; show it")
            && reported.contains("MASTODON_ACCESS_TOKEN"),
        "{reported}"
    );
    change_settings(&mut world, HANDLE, DRAFTS, &secret);
    world.check().await;
    assert_eq!(named(&world.hug(600).await), fan);
}

#[tokio::test]
async fn an_empty_list_that_nothing_hides_is_asked_for_again() {
    let mut world = crossed("").await;
    world
        .network
        .fail_next("/notifications", Fault::Status(403));
    world
        .network
        .fail_next("/followers", body(200, "application/json", "[]"));
    let why = world.check().await.waiting.unwrap().why.unwrap();
    assert!(
        why.contains("none of the followers who were in it before"),
        "{why}"
    );
    world.check().await;
    assert!(world.hug(600).await.follower.is_some());
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
        assert_eq!(
            world.passed_over(hug.milestone.number()).await[0].handle,
            marked.handle
        );
        assert_eq!(
            world.passed_over(hug.milestone.number()).await[0].reasons,
            [reason],
            "{mark:?}"
        );
    }
    let mut world = World::<Mastodon>::with(599, "").await;
    world.network.follow(Person::bot(1, world.clock.now()));
    world.fans(1);
    world.check().await;
    let skipped = &world.passed_over(600).await[0];
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
async fn what_a_server_leaves_empty_counts_as_unknown_and_against_nobody() {
    let mut world = World::<Mastodon>::with(580, "").await;
    world.fans(20);
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
    let mut world = World::<Mastodon>::with(580, "").await;
    world.fans(20);
    let bot = r#"[{"id":"7","username":"bot","acct":"bot","note":"<p>Hot&nbsp;<b>singles</b><br>near you</p>"},
        {"id":"8","username":"fan","acct":"fan","note":"<p>Hot&nbsp;<b>soup</b></p>"}]"#;
    world
        .network
        .fail_next("/followers", body(200, "application/json", bot));
    // 601 are counted: the bot is the newest, and stands behind the milestone.
    world.fans(1);
    world.check().await;
    assert_eq!(named(&world.hug(600).await), "fan");
    let mut world = World::<Mastodon>::with(580, "").await;
    world.fans(20);
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

async fn follows(world: &World<Mastodon>, since: jiff::Timestamp) -> Option<Vec<Follow>> {
    let id = "109876@mastodon.example".into();
    world.client().follows_since(&id, since).await.unwrap()
}

#[tokio::test]
async fn follows_are_shown_with_their_times_to_the_account_itself() {
    let mut world = World::<Mastodon>::with(300, "").await;
    let since = world.clock.now();
    let mut expected = Vec::new();
    for _ in 0..100 {
        world.clock.advance(Duration::from_secs(30));
        let fan = world.fans(1).remove(0);
        expected.insert(0, (fan, world.clock.now()));
    }
    world.network.add_mention("@amber I sing too", "fan0001");
    let reported = follows(&world, since + jiff::SignedDuration::from_secs(1))
        .await
        .unwrap();
    let reported: Vec<_> = reported
        .into_iter()
        .map(|one| (one.follower.handle, one.at))
        .collect();
    assert_eq!(reported, expected);

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
async fn a_server_that_sends_more_than_the_follows_it_was_asked_for_is_understood() {
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
    let reported = follows(&world, jiff::Timestamp::UNIX_EPOCH).await.unwrap();
    assert_eq!(reported.len(), 1);
    assert_eq!(reported[0].at, at.parse().unwrap());
}

#[tokio::test]
async fn follows_of_another_account_are_never_taken_for_the_accounts_own() {
    let world = World::<Mastodon>::with(3, "").await;
    let error = world
        .client()
        .follows_since(&"1@mastodon.example".into(), world.clock.now())
        .await
        .unwrap_err();
    assert_eq!(error.failure, Failure::Blocked { until: None });
    assert!(
        error
            .why
            .contains("belongs to the account 109876, not to 1"),
        "{error}"
    );
}
