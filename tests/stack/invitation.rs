//! Claim, send, complete: at most one invitation, whatever happens on the way.

use std::time::Duration;

use promise::{
    channel::Channel,
    hug::{LEASE, Status},
};
use stand_ins::{Fault, Person, x};
use tests::{
    body,
    proxy::{Proxy, Trouble},
    refused_by_x, settings,
};

use crate::world::{AMBER, World, X, only, settings_of};

/// Crosses 600; the request to post meets that fault.
async fn crossing_with(fault: Fault) -> World<X> {
    let mut world = World::<X>::with_followers(599).await;
    world.fan();
    world.network.fail_next("POST /2/tweets", fault);
    world.check().await;
    world
}

/// Time and checks enough for whatever is to be tried again.
async fn settle(world: &mut World<X>) {
    for _ in 0..6 {
        world.check().await;
    }
}

#[tokio::test]
async fn a_post_whose_answer_was_lost_is_looked_up_and_not_made_again() {
    for lost in [Fault::AnswerLost, Fault::Truncated] {
        let mut world = crossing_with(lost.clone()).await;
        assert_eq!(world.hug(600).await.status, Status::Inviting, "{lost:?}");
        settle(&mut world).await;
        let hug = world.hug(600).await;
        assert_eq!(hug.status, Status::Invited);
        assert_eq!(
            hug.invitation.receipt.unwrap().reference,
            world.posts()[0].id
        );
        assert_eq!(world.posts().len(), 1, "{lost:?}");
    }
}

#[tokio::test]
async fn where_the_network_refuses_the_look_up_of_a_post_no_other_channel_is_tried() {
    let mut world = crossing_with(Fault::AnswerLost).await;
    let no = body(
        400,
        "application/json",
        r#"{"title":"Invalid Request","detail":"not this query"}"#,
    );
    world.network.fail_next("/tweets?", no);
    world.check().await;
    let hug = world.hug(600).await;
    assert_eq!(hug.status, Status::Inviting);
    assert!(hug.reason.is_some_and(|why| why.contains("not this query")));
    assert!(
        hug.invitation.refusals.is_empty(),
        "the follower may have the first letter"
    );
    settle(&mut world).await;
    let hug = world.hug(600).await;
    assert_eq!(hug.status, Status::Invited);
    assert_eq!(hug.invitation.words.unwrap().channel, Channel::Announce);
    assert_eq!(world.posts().len(), 1);
}

#[tokio::test]
async fn a_send_does_not_begin_after_a_look_up_that_took_half_of_the_claim() {
    let mut world = crossing_with(Fault::Hangup).await;
    let clock = world.clock.clone();
    let slow = Proxy::before(world.network.url(), move |_, head| {
        if head.contains("/tweets?") {
            clock.advance(Duration::from_secs(46));
        }
        Trouble::None
    })
    .await;
    world.move_to(&slow.url);
    let delivered = &world.whole_round().await.deliveries[0];
    let reason = delivered.result.as_ref().unwrap_err().to_string();
    assert!(reason.contains("too little is left"), "{reason}");
    assert!(delivered.hug.as_ref().unwrap().invitation.sent_at.is_none());
    world.move_back();
    settle(&mut world).await;
    assert_eq!(world.posts().len(), 1);
}

#[tokio::test]
async fn a_post_that_got_no_answer_and_was_not_made_is_made_after_a_look() {
    for lost in [Fault::Hangup, Fault::Status(500)] {
        let mut world = crossing_with(lost.clone()).await;
        assert!(world.posts().is_empty());
        world.requests();
        settle(&mut world).await;
        let requests = world.requests();
        let place = |wanted: String| {
            requests
                .iter()
                .position(|request| *request == wanted)
                .unwrap()
        };
        assert!(place(format!("GET /2/users/{AMBER}/tweets")) < place("POST /2/tweets".into()));
        assert_eq!(world.posts().len(), 1, "{lost:?}");
    }
}

#[tokio::test]
async fn what_x_calls_a_duplicate_is_looked_up() {
    let duplicate = r#"{"title":"Forbidden","status":403,"detail":"You are not allowed to create a Tweet with duplicate content.","type":"about:blank"}"#;
    let fault = body(403, "application/problem+json", duplicate);
    let mut world = crossing_with(fault).await;
    assert_eq!(world.hug(600).await.status, Status::Inviting);
    settle(&mut world).await;
    assert_eq!(world.hug(600).await.status, Status::Invited);
}

#[tokio::test]
async fn a_network_that_is_busy_is_tried_again_at_once_by_the_stream() {
    let mut world = World::<X>::with_followers(599).await;
    world.fan();
    // Refused before it was looked at: nothing can have been posted.
    world
        .network
        .fail_next("POST /2/tweets", Fault::RateLimited { for_seconds: 600 });
    world.check().await;
    let hug = world.hug(600).await;
    assert_eq!(hug.status, Status::Inviting);
    assert!(hug.reason.unwrap().contains("429"));
    world.requests();
    world.check().await;
    assert!(
        !world.requests().contains(&"POST /2/tweets".to_owned()),
        "not before the limit ends"
    );
    settle(&mut world).await;
    assert_eq!(world.invitations_to(600), 1);
}

#[tokio::test]
async fn a_limit_on_posts_holds_back_every_hug_of_the_account() {
    let mut world = World::<X>::with_followers(599).await;
    world.fans(201);
    world
        .network
        .fail_next("POST /2/tweets", Fault::RateLimited { for_seconds: 600 });
    world.check().await;
    let posts = world
        .requests()
        .iter()
        .filter(|request| *request == "POST /2/tweets")
        .count();
    assert_eq!(posts, 1);
    settle(&mut world).await;
    for milestone in [600, 700, 800] {
        assert_eq!(world.invitations_to(milestone), 1);
    }
}

#[tokio::test]
async fn closed_messages_lead_to_the_next_channel() {
    let mut world = World::<X>::with(599, "contact = [\"message\", \"announce\"]").await;
    let mut shy = Person::fan(9_000, world.clock.now());
    shy.messages_closed = true;
    world.network.follow(shy);
    world.check().await;
    let hug = world.hug(600).await;
    assert_eq!(hug.invitation.refusals[0].channel, Channel::Message);
    assert!(
        hug.invitation.refusals[0]
            .reason
            .contains("You do not have permission to DM")
    );
    assert_eq!(hug.invitation.words.unwrap().channel, Channel::Announce);
    assert_eq!(
        (world.network.messages().len(), world.posts().len()),
        (0, 1)
    );
}

#[tokio::test]
async fn a_message_reaches_the_follower_and_is_looked_up_when_its_answer_is_lost() {
    let mut world = World::<X>::with(599, "contact = [\"message\"]").await;
    let fan = world.fan();
    world
        .network
        .fail_next("POST /2/dm_conversations", Fault::AnswerLost);
    world.check().await;
    settle(&mut world).await;
    let messages = world.network.messages();
    assert_eq!(messages.len(), 1);
    assert!(
        messages[0].text.starts_with(&format!("Hi @{fan}!")),
        "{}",
        messages[0].text
    );
    assert!(messages[0].text.contains("\"stop\""));
    assert_eq!(world.hug(600).await.status, Status::Invited);
}

#[tokio::test]
async fn a_message_that_is_nowhere_is_sent_again_only_when_the_network_had_ten_minutes_to_show_it()
{
    let mut world = World::<X>::with(599, "contact = [\"message\"]").await;
    world.fan();
    world
        .network
        .fail_next("POST /2/dm_conversations", Fault::Hangup);
    world.check().await;
    let asked_to_send = |world: &World<X>| {
        let seen = world.network.requests();
        let posts = seen.iter().filter(|one| one.path.ends_with("/messages"));
        posts.filter(|one| one.method == "POST").count()
    };
    assert_eq!(asked_to_send(&world), 1);
    world.check().await;
    assert_eq!(asked_to_send(&world), 1, "looked for five minutes later");
    let reason = world.hug(600).await.reason.unwrap();
    assert!(reason.contains("may show up there until"), "{reason}");
    settle(&mut world).await;
    assert_eq!(asked_to_send(&world), 2);
    assert_eq!(world.network.messages().len(), 1);
    let again = world
        .hug(600)
        .await
        .invitation
        .words
        .unwrap()
        .tried_again_at;
    assert!(again.is_some());
}

#[tokio::test]
async fn a_mention_names_the_follower_and_an_announcement_nobody() {
    let mut world = World::<X>::with(599, "contact = [\"mention\"]").await;
    let fan = world.fan();
    world.check().await;
    assert!(world.posts()[0].text.contains(&format!("@{fan}")));

    let mut world = World::<X>::with_followers(599).await;
    world.fan();
    world.check().await;
    assert!(!world.posts()[0].text.contains('@'));
    assert!(world.network.rule_breaks().is_empty());
}

#[tokio::test]
async fn a_draft_does_not_wait_for_a_rate_limit_on_posts() {
    let mut world = crossing_with(Fault::RateLimited { for_seconds: 3_600 }).await;
    let draft = settings_of::<X>(world.network.url(), "contact = [\"draft\"]");
    world.change_settings(&draft);
    world.fans(100);
    world.check().await;
    assert_eq!(world.hug(600).await.status, Status::Inviting);
    assert_eq!(world.hug(700).await.status, Status::ToSend);
}

#[tokio::test]
async fn a_draft_sends_nothing_and_keeps_the_words_with_a_link() {
    let mut world = World::<X>::with(599, "contact = [\"draft\"]").await;
    world.fan();
    world.check().await;
    let hug = world.hug(600).await;
    let words = hug.invitation.words.clone().unwrap();
    assert_eq!(
        (&hug.status, words.channel, hug.invitation.sent_at),
        (&Status::ToSend, Channel::Draft, None)
    );
    let site = world.stack.deps.settings.accounts[0].site();
    let link = site.link(hug.follower.as_ref(), &words.text);
    let id = hug.follower.unwrap().id;
    assert!(
        link.starts_with(&format!(
            "https://x.com/messages/compose?recipient_id={id}&text=Hi%20%40fan"
        )),
        "{link}"
    );
    assert!(world.posts().is_empty() && world.network.messages().is_empty());
}

#[tokio::test]
async fn every_refused_channel_ends_in_a_draft() {
    let mut world = World::<X>::with_followers(599).await;
    world.fan();
    world.network.fail_next("POST /2/tweets", refused_by_x());
    world.check().await;
    let hug = world.hug(600).await;
    assert_eq!(hug.invitation.words.unwrap().channel, Channel::Draft);
    assert_eq!(hug.invitation.refusals.len(), 1);
}

#[tokio::test]
async fn wrong_keys_lose_nothing_and_are_tried_again_once_they_are_right() {
    let mut world = World::<X>::with_followers(599).await;
    world.fan();
    world
        .network
        .fail_next("POST /2/tweets", Fault::Status(401));
    world.check().await;
    let hug = world.hug(600).await;
    assert_eq!(hug.status, Status::Inviting);
    assert!(hug.reason.unwrap().contains("this does not mend itself"));
    settle(&mut world).await;
    assert_eq!(world.invitations_to(600), 1);
}

#[tokio::test]
async fn the_keys_of_one_account_do_not_post_for_another() {
    let mut world = World::<X>::with_followers(599).await;
    // Bea's followers can be read with Amber's keys, and a post would be Amber's.
    let bea = x::Account {
        id: "55".into(),
        handle: "bea".into(),
        keys: None,
        ..x::Account::amber()
    };
    world.network.add_account(bea);
    let follow = |world: &World<X>, n| {
        world
            .network
            .follow_account("bea", Person::fan(n, world.clock.now()));
    };
    (1..600).for_each(|n| follow(&world, n));
    let url = world.network.url().to_owned();
    world.change_settings(&settings("x", "bea", &url, ""));
    world.check().await;
    follow(&world, 600);
    world.check().await;
    let reason = world.hug(600).await.reason.unwrap();
    assert!(
        reason.contains("the access token writes for the account 44196397, not for 55"),
        "{reason}"
    );
    assert!(world.posts().is_empty());
}

#[tokio::test]
async fn who_dies_between_claim_and_send_is_followed_by_another() {
    let mut world = World::<X>::with_followers(599).await;
    world.fan();
    world.check_only().await;
    let claimed = world.hug(600).await.claim(world.clock.now()).unwrap();
    world.stack.deps.ledger.replace_hug(&claimed).await.unwrap();
    // The stream's own delivery finds it claimed and lets it be.
    world.stack.deliver().await.unwrap();
    assert!(world.posts().is_empty());
    world.clock.advance(Duration::try_from(LEASE).unwrap());
    world.check().await;
    assert_eq!(world.invitations_to(600), 1);
}

#[tokio::test]
async fn two_deliveries_at_once_send_one_invitation() {
    let mut world = World::<X>::with_followers(599).await;
    world.fan();
    world.check_only().await;
    let key = world.hug(600).await.key();
    world.requests();
    let deliver = || have_a_hug::deliver::deliver(&world.stack.deps, &key);
    let (a, b, c) = tokio::join!(deliver(), deliver(), deliver());
    for delivered in [a, b, c] {
        delivered.result.unwrap();
    }
    // X would refuse the same words a second time; here they are not even sent.
    let sent = world
        .requests()
        .into_iter()
        .filter(|request| request == "POST /2/tweets");
    assert_eq!(sent.count(), 1);
}

#[tokio::test]
async fn a_hug_of_an_account_that_cannot_send_for_a_week_is_tried_with_growing_pauses_and_then_sent()
 {
    let mut world = World::<X>::with_followers(599).await;
    world.fan();
    let refuse = |world: &World<X>| {
        let locked = Fault::Status(401);
        world.network.fail_next("POST /2/tweets", locked);
    };
    refuse(&world);
    let mut tries = 0;
    for _ in 0..7 * 24 * 12 {
        let round = world.whole_round().await;
        if !round.deliveries.is_empty() {
            tries += 1;
            refuse(&world);
        }
        let check = only(round.summary);
        let told = check.for_creator.iter().map(|hug| hug.milestone.number());
        assert!(tries < 2 || told.eq([600]), "every check reports it");
    }
    assert!((30..60).contains(&tries), "{tries} tries in a week");
    let hug = world.hug(600).await;
    assert!(hug.needs_creator());
    assert!(
        hug.reason
            .unwrap()
            .contains("sending the invitation failed for x:amber: 401")
    );
    // One more refusal is left for the next try.
    for _ in 0..13 * 12 {
        world.round().await;
    }
    assert_eq!(world.hug(600).await.status, Status::Invited);
    assert_eq!(world.invitations_to(600), 1);
}
