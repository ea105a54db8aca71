//! The same promise on Bluesky, where a post has a key and is put once by the network itself.

use std::time::Duration;

use promise::{
    channel::Channel,
    evidence::{ArrivalSource, Certainty},
    hug::Status,
};
use stand_ins::{Fault, Person, bluesky};

use crate::world::{Bluesky, World, named};

#[tokio::test]
async fn number_600_is_invited_once_by_a_post_that_names_nobody() {
    let mut world = World::<Bluesky>::with(598, "").await;
    let arrivals = world.fans(3);
    world.check().await;
    let hug = world.hug(600).await;
    assert_eq!(named(&hug), arrivals[1]);
    let posts = world.network.posts();
    assert_eq!(posts.len(), 1);
    let reference = hug.invitation.receipt.unwrap().reference;
    let record = world.network.record(&reference).unwrap();
    assert_eq!(record["text"], posts[0].text);
    assert!(record.get("facets").is_none());
}

#[tokio::test]
async fn reads_need_no_login_and_an_idle_check_is_one_request() {
    let mut world = World::<Bluesky>::with(500, "").await;
    world.network.clear_requests();
    world.check().await;
    let seen = world.network.requests();
    assert_eq!(seen.len(), 1);
    assert!(
        seen[0]
            .path
            .starts_with("/xrpc/app.bsky.actor.getProfile?actor=did%3Aplc%3A"),
        "{}",
        seen[0].path
    );
    assert_eq!(seen[0].authenticated_as, None);
}

#[tokio::test]
async fn pages_that_are_empty_but_have_a_cursor_are_read_on() {
    let mut world = World::<Bluesky>::with(599, "").await;
    let arrivals = world.fans(120);
    for handle in &arrivals[20..] {
        world.network.hide(handle);
    }
    world.check().await;
    // 719 are counted: position 119 of a list whose 100 newest are hidden.
    assert_eq!(world.hug(600).await.evidence.position, 119);
    assert!(world.hug(600).await.follower.is_some());
}

#[tokio::test]
async fn a_follower_whose_profile_gives_them_away_is_passed_over() {
    let mut world = World::<Bluesky>::with(599, "").await;
    let bot = Person::bot(1, world.clock.now());
    world.network.follow(bot);
    let fan = world.fans(1).remove(0);
    world.check().await;
    let hug = world.hug(600).await;
    assert_eq!(named(&hug), fan);
    assert_eq!(hug.evidence.passed_over, 1);

    let mut world = World::<Bluesky>::with(599, "").await;
    let labelled = Person {
        bot: true,
        ..Person::fan(9_000, world.clock.now())
    };
    world.network.follow(labelled);
    let fan = world.fans(1).remove(0);
    world.check().await;
    assert_eq!(named(&world.hug(600).await), fan);
}

#[tokio::test]
async fn a_post_whose_answer_was_lost_is_made_once() {
    for lost in [
        Fault::AnswerLost,
        Fault::Truncated,
        Fault::Hangup,
        Fault::Status(500),
    ] {
        let mut world = World::<Bluesky>::with(599, "").await;
        world.fans(1);
        world.network.fail_next("putRecord", lost.clone());
        world.check().await;
        assert_eq!(world.hug(600).await.status, Status::Inviting, "{lost:?}");
        for _ in 0..6 {
            world.check().await;
        }
        assert_eq!(world.hug(600).await.status, Status::Invited, "{lost:?}");
        assert_eq!(world.network.posts().len(), 1, "{lost:?}");
    }
}

#[tokio::test]
async fn the_networks_own_key_keeps_a_second_post_out_even_where_the_ledger_forgot_the_first() {
    let mut world = World::<Bluesky>::with(599, "").await;
    world.fans(1);
    world.check().await;
    let invited = world.hug(600).await;
    let reference = invited.invitation.receipt.clone().unwrap().reference;
    let record = world.network.record(&reference);
    world.forget_invitation(&invited).await;
    for _ in 0..6 {
        world.check().await;
    }
    assert_eq!(world.network.posts().len(), 1);
    assert_eq!(
        world.network.record(&reference),
        record,
        "not put anew over the first"
    );
    let again = world.hug(600).await;
    assert_eq!(again.status, Status::Invited);
    assert_eq!(again.invitation.reference(), Some(reference.as_str()));
}

#[tokio::test]
async fn a_session_that_has_run_out_is_refreshed_and_one_login_serves_for_months() {
    let mut world = World::<Bluesky>::with(599, "").await;
    world.fans(1);
    world.check().await;
    // Access tokens last two hours.
    world.clock.advance(Duration::from_hours(3));
    world.fans(100);
    world.check().await;
    world.check().await;
    assert_eq!(world.hug(700).await.status, Status::Invited);
    let logins = world
        .network
        .requests()
        .iter()
        .filter(|seen| seen.path.contains("createSession"))
        .count();
    assert_eq!(logins, 1);
}

#[tokio::test]
async fn a_message_goes_to_a_follower_who_takes_them_and_else_the_next_channel_is_tried() {
    let mut world = World::<Bluesky>::with(599, "contact = [\"message\", \"mention\"]").await;
    let fan = world.fans(1).remove(0);
    world.network.block_messages(&fan);
    world.check().await;
    let hug = world.hug(600).await;
    assert_eq!(hug.invitation.refusals[0].channel, Channel::Message);
    let words = hug.invitation.words.as_ref().unwrap();
    assert_eq!(words.channel, Channel::Mention);
    let record = world
        .network
        .record(&hug.invitation.receipt.clone().unwrap().reference)
        .unwrap();
    let facet = &record["facets"][0];
    let text = record["text"].as_str().unwrap();
    let byte = |which: &str| usize::try_from(facet["index"][which].as_u64().unwrap()).unwrap();
    assert_eq!(&text[byte("byteStart")..byte("byteEnd")], format!("@{fan}"));
    assert_eq!(
        facet["features"][0]["did"],
        hug.follower.unwrap().id.as_str()
    );
}

#[tokio::test]
async fn wrong_app_passwords_and_those_of_others_are_told_and_nothing_is_lost() {
    let mut world = World::<Bluesky>::with(599, "").await;
    world.fans(1);
    // New processes of the functions start, and have to log in again.
    world.move_back();
    // Once for the notifications, which are done without, and once for the invitation.
    world.network.fail_next("createSession", Fault::Status(401));
    world.network.fail_next("createSession", Fault::Status(401));
    world.check().await;
    let hug = world.hug(600).await;
    assert!(
        hug.reason.unwrap().starts_with(
            "logging in with the app password failed for bluesky:amber.bsky.social: 401"
        )
    );
    for _ in 0..3 {
        world.check().await;
    }
    assert_eq!(world.network.posts().len(), 1);
}

#[tokio::test]
async fn a_login_that_turns_out_to_be_someone_elses_posts_nothing() {
    let mut world = World::<Bluesky>::with(599, "").await;
    world.fans(1);
    world.move_back();
    let tokens = r#"{"accessJwt":"a.b.c","refreshJwt":"d.e.f","did":"did:plc:someoneelse","handle":"other.test"}"#;
    let theirs = tests::body(200, "application/json", tokens);
    world.network.fail_next("createSession", theirs.clone());
    world.network.fail_next("createSession", theirs);
    world.network.clear_requests();
    world.check().await;
    let reason = world.hug(600).await.reason.unwrap();
    assert!(
        reason.contains("the app password belongs to did:plc:someoneelse, not to did:plc:"),
        "{reason}"
    );
    let puts = world
        .network
        .requests()
        .into_iter()
        .filter(|seen| seen.path.contains("putRecord"));
    assert_eq!(puts.count(), 0);
}

#[tokio::test]
async fn a_new_handle_is_the_same_account() {
    let mut world = World::<Bluesky>::with(599, "").await;
    world.network.rename("amber.bsky.social", "amber.example");
    world.fans(1);
    world.check().await;
    assert_eq!(world.network.posts().len(), 1);
    assert!(world.hug(600).await.id.as_str().starts_with("did:plc:"));
    assert_eq!(world.network.follower_count(), 600);
}

#[tokio::test]
async fn a_follow_with_an_old_date_still_came_when_the_network_told_of_it() {
    let mut world = World::<Bluesky>::with(598, "").await;
    world.fans(1);
    let backdated = Person::fan(9_000, world.clock.now());
    let years_ago = "2024-02-29T12:00:00Z".parse().unwrap();
    world.network.follow_backdated(backdated.clone(), years_ago);
    world.fans(1);
    world.check().await;
    let hug = world.hug(600).await;
    assert_eq!(named(&hug), bluesky::domain(&backdated.handle));
    assert_eq!(hug.evidence.certainty, Certainty::Certain);
}

#[tokio::test]
async fn without_notifications_nothing_is_certain_for_the_list_believes_what_follows_say() {
    let mut world = World::<Bluesky>::with(598, "").await;
    let arrivals = world.fans(3);
    world
        .network
        .fail_next("listNotifications", Fault::Status(502));
    world.check().await;
    let hug = world.hug(600).await;
    assert_eq!(named(&hug), arrivals[1]);
    assert_eq!(hug.evidence.certainty, Certainty::Likely);
    assert_eq!(hug.evidence.arrivals.unwrap().source, ArrivalSource::List);
}
