//! Every file under events/ is fed to the function whose folder it lies in, and must do there what
//! its name says.

use std::{collections::BTreeMap, fs, path::PathBuf};

use check_followers::Summary;
use have_a_hug::by_hand::by_hand;
use lambda_runtime::{Context, LambdaEvent};
use promise::hug::Status;
use serde_json::Value;

use crate::{
    topic::song,
    world::{World, X, named},
};

fn files(function: &str) -> BTreeMap<String, Value> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../events")
        .join(function);
    fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            let situation = path.file_stem().unwrap().to_str().unwrap().to_owned();
            (
                situation,
                serde_json::from_slice(&fs::read(path).unwrap()).unwrap(),
            )
        })
        .collect()
}

async fn check(world: &World<X>, event: Value) -> Result<Summary, String> {
    let event = LambdaEvent::new(event, Context::default());
    check_followers::handle(event, &world.stack.deps)
        .await
        .map_err(|error| error.to_string())
}

#[tokio::test]
async fn check_followers_does_with_each_file_what_its_name_says() {
    for (situation, event) in files("check-followers") {
        let world = World::<X>::unseen(598, "").await;
        let answer = check(&world, event).await;
        let written = !world
            .stack
            .deps
            .ledger
            .snapshot()
            .await
            .unwrap()
            .accounts
            .is_empty();
        match situation.as_str() {
            "schedule" | "by-hand" | "one-account" => {
                assert_eq!(answer.unwrap().checked, 1, "{situation}");
                assert!(written, "{situation}");
            }
            "dry-run" => {
                assert_eq!(answer.unwrap().checked, 1);
                assert!(!written);
            }
            "unknown-account" => {
                let error = answer.unwrap_err();
                assert_eq!(
                    error,
                    "the settings do not name the account x:nobody; they name x:amber"
                );
            }
            "misspelt" => {
                assert!(answer.unwrap_err().contains("unknown field `dryrun`"));
                assert!(!written);
            }
            unknown => panic!("events/check-followers/{unknown}.json is not tested"),
        }
    }
}

/// Both hugs are invited, the follower of the first has answered, and the creator has named the video. Nobody has brought
/// it yet.
async fn post_the_song(world: &mut World<X>) {
    world.stack.deliver().await.unwrap();
    let hug = world.hug(600).await;
    let invitation = hug.invitation.reference().unwrap();
    world.network.answer(named(&hug), "@amber rain", invitation);
    world.check_only().await;
    let deps = &world.stack.deps;
    let song = song("dQw4w9WgXcQ");
    let (key, now) = (hug.key(), world.clock.now());
    let posted = by_hand(&deps.ledger, &deps.settings, &key, &song, now);
    assert_eq!(posted.await.unwrap().status, Status::SongPosted);
}

#[tokio::test]
async fn invite_follower_does_with_each_file_what_its_name_says() {
    for (situation, event) in files("invite-follower") {
        let mut world = World::<X>::with_followers(599).await;
        world.fans(101);
        world.check_only().await;
        let is_about_song = situation.starts_with("song");
        if is_about_song {
            post_the_song(&mut world).await;
        }
        let event = LambdaEvent::new(serde_json::from_value(event).unwrap(), Context::default());
        let response = invite_follower::handle(event, &world.stack.deps)
            .await
            .unwrap();
        assert!(response.batch_item_failures.is_empty(), "{situation}");
        let songs = world.posts().into_iter();
        let songs = songs.filter(|post| post.text.contains("https://youtu.be/dQw4w9WgXcQ"));
        assert_eq!(
            songs.count(),
            usize::from(situation == "song-due"),
            "{situation}"
        );
        let invited = [600, 700].map(|milestone| world.invitations_to(milestone));
        let expected = match situation.as_str() {
            "reached" | "delivered-twice" => [1, 0],
            "two-reached" | "malformed-between-good" | "song-due" | "song-under-way" => [1, 1],
            "already-invited" | "news" | "not-a-hug" | "removed" => [0, 0],
            unknown => panic!("events/invite-follower/{unknown}.json is not tested"),
        };
        assert_eq!(invited, expected, "{situation}");
    }
}
