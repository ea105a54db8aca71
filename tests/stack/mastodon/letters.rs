//! How an invitation is sent on Mastodon, and found again.

use super::*;

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
    let words = hug.invitation.words.as_ref().unwrap();
    assert_eq!(words.channel, Channel::Mention);
    assert_eq!(hug.invitation.reference(), Some(sent[0].id.as_str()));
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
    let hug = world.hug(600).await;
    let site = world.stack.deps.settings.accounts[0].site();
    let link = site.link(hug.follower.as_ref(), &hug.invitation.words.unwrap().text);
    let opens = format!(
        "{}/share?text=Hi%20%40fan0600%40other.example",
        world.network.url()
    );
    assert!(link.starts_with(&opens), "{link}");
    assert!(link.ends_with("&visibility=direct"), "{link}");
    assert!(world.network.messages().is_empty());
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
    assert_eq!(hug.invitation.reference(), Some(sent.id.as_str()));
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
    world.clock.advance(Duration::from_hours(13));
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
    world.forget_invitation(&invited).await;
    for _ in 0..6 {
        world.check().await;
    }
    assert_eq!(world.network.messages().len(), 1);
    assert_eq!(
        world.hug(600).await.invitation.receipt,
        invited.invitation.receipt
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
    for reported in [Instance::V2, Instance::V1, Instance::Fork] {
        let mut world = crossed("").await;
        world.network.set_longest(100, reported);
        world.check().await;
        let hug = world.hug(600).await;
        assert_eq!(
            hug.invitation.refusals[0].channel,
            Channel::Mention,
            "{reported:?}"
        );
        let reason = &hug.invitation.refusals[0].reason;
        assert!(
            reason.contains("characters long")
                && reason.contains("takes 100; shorten them under [texts]"),
            "{reason}"
        );
        assert_eq!(hug.invitation.words.unwrap().channel, Channel::Draft);
        assert!(world.network.messages().is_empty());
        let posts = world
            .requests()
            .iter()
            .filter(|one| one.starts_with("POST"))
            .count();
        assert_eq!(posts, 0, "{reported:?}");
    }
    // A server that does not tell is believed to be as most are.
    let mut world = crossed("").await;
    world.network.set_longest(500, Instance::Silent);
    world.check().await;
    assert_eq!(world.network.messages().len(), 1);
}

#[tokio::test]
async fn a_token_of_someone_else_sends_nothing_and_a_revoked_one_is_reported() {
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
            .contains("401 Unauthorized: The access token is invalid; this does not mend itself"),
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
    let text = world.hug(600).await.invitation.words.unwrap().text;
    let at_nobody = serde_json::json!({
        "id": "9", "created_at": world.clock.now(), "content": text, "visibility": "direct", "mentions": [],
    });
    let reported = |answer: String| body(200, "application/json", &answer);
    let listed = format!("[{at_nobody}]");
    world.network.fail_next("109876/statuses", reported(listed));
    world
        .network
        .fail_next("POST /api/v1/statuses", reported(at_nobody.to_string()));
    world.check().await;
    let hug = world.hug(600).await;
    assert_eq!(hug.invitation.refusals[0].channel, Channel::Mention);
    assert_eq!(hug.invitation.words.unwrap().channel, Channel::Draft);
    assert_eq!(hug.status, Status::ToSend);
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
        hug.invitation.refusals[0]
            .reason
            .contains("made no mention of @fan0600@other.example, so it reached nobody"),
        "{}",
        hug.invitation.refusals[0].reason
    );
    assert_eq!(hug.invitation.words.unwrap().channel, Channel::Draft);
}

#[tokio::test]
async fn a_refused_mention_is_drafted_and_error_pages_are_reported_in_a_line() {
    let mut world = crossed("").await;
    let refusal = r#"{"error":"Validation failed: Text contains something"}"#;
    world.network.fail_next(
        "POST /api/v1/statuses",
        body(422, "application/json", refusal),
    );
    world.check().await;
    let hug = world.hug(600).await;
    assert!(
        hug.invitation.refusals[0]
            .reason
            .contains("422 Unprocessable Entity: Validation failed: Text contains something")
    );
    assert_eq!(hug.invitation.words.unwrap().channel, Channel::Draft);

    let mut world = World::<Mastodon>::with(599, "").await;
    for (fault, reported) in [
        (
            Fault::Status(410),
            "410 Gone: The page you were looking for",
        ),
        (
            Fault::Status(502),
            "502 Bad Gateway: no reason given; the next try can work",
        ),
        (Fault::Html, "is not what was expected"),
        (
            body(
                422,
                "application/json",
                r#"{"error":"This method requires an authenticated user"}"#,
            ),
            "this does not mend itself: see",
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
        assert!(
            error.contains(reported),
            "expected: {reported}\nfound: {error}"
        );
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
        world.hug(600).await.invitation.reference(),
        Some(posts[0].id.as_str())
    );
}

#[tokio::test]
async fn an_invitation_of_another_milestone_or_time_is_not_taken_for_this_one() {
    let mut world = crossed("").await;
    world.check().await;
    let hug = world.hug(600).await;
    let mut other = hug.invitation.words.clone().unwrap();
    other.text = other.text.replace("600", "700");
    let find = |words| {
        let letter = hug.letter(words);
        let network = world.client();
        async move {
            let found = network.find(&letter).await.unwrap();
            found.map(|receipt| receipt.reference)
        }
    };
    assert_eq!(find(&other).await, None);
    let mut later = hug.invitation.words.clone().unwrap();
    later.prepared_at += jiff::SignedDuration::from_hours(13);
    assert_eq!(find(&later).await, None);
    // A clock is hours off, here or there.
    let mut hours_off = hug.invitation.words.clone().unwrap();
    hours_off.prepared_at += jiff::SignedDuration::from_hours(11);
    assert!(find(&hours_off).await.is_some());
    assert_eq!(
        find(hug.invitation.words.as_ref().unwrap()).await,
        Some(world.network.messages()[0].id.clone())
    );
}
