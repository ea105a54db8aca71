//! What a check costs: the requests to the network and to the table, counted.

use stand_ins::{Fault, Person};
use tests::refused_by_x;

use crate::world::{AMBER, Bluesky, Recorder, World, X};

fn count(asked: &[String], operation: &str) -> usize {
    asked.iter().filter(|one| *one == operation).count()
}

#[tokio::test]
async fn an_idle_check_is_one_request_to_the_network_and_three_to_the_table() {
    let mut world = World::<X>::with_followers(500).await;
    world.fans(20);
    let table = Recorder::attach(&mut world.stack);
    world.requests();
    world.check_only().await;
    assert_eq!(world.requests(), [format!("GET /2/users/{AMBER}")]);
    assert_eq!(table.take(), ["GetItem", "GetItem", "TransactWriteItems"]);
}

#[tokio::test]
async fn a_milestone_adds_one_page_of_followers_and_a_second_look_at_the_count() {
    let mut world = World::<X>::with_followers(598).await;
    world.fans(3);
    let table = Recorder::attach(&mut world.stack);
    world.network.clear_requests();
    world.check_only().await;
    let seen = world.network.requests();
    assert_eq!(seen.len(), 3);
    assert_eq!(seen[2].path, seen[0].path);
    // Three came since ten were remembered, and only those thirteen are read.
    assert!(
        seen[1]
            .path
            .starts_with(&format!("/2/users/{AMBER}/followers?max_results=13&")),
        "{}",
        seen[1].path
    );
    assert_eq!(
        table.take(),
        ["GetItem", "GetItem", "Query", "TransactWriteItems"]
    );
    world.requests();
    world.stack.deliver().await.unwrap();
    assert_eq!(world.requests(), ["POST /2/tweets"]);
    let asked = table.take();
    println!("an invitation asks the table: {asked:?}");
    assert_eq!(count(&asked, "GetItem"), 3, "{asked:?}");
    assert_eq!(count(&asked, "Query"), 1, "what went out today: {asked:?}");
    assert_eq!(count(&asked, "PutItem"), 2, "claim, complete: {asked:?}");
    assert_eq!(
        count(&asked, "TransactWriteItems"),
        1,
        "the words, with the account: {asked:?}"
    );
    assert_eq!(asked.len(), 7);
}

#[tokio::test]
async fn near_a_milestone_the_newest_ten_are_read_when_the_count_has_moved_and_only_then() {
    let mut world = World::<X>::with_followers(589).await;
    let profile = format!("GET /2/users/{AMBER}");
    let list = format!("{profile}/followers");
    world.requests();
    world.check_only().await;
    assert_eq!(world.requests(), [profile.as_str()], "589 is not near 600");
    world.fan();
    world.check_only().await;
    assert!(world.network.requests()[1].path.contains("max_results=10&"));
    assert_eq!(world.requests(), [profile.clone(), list.clone()]);
    world.check_only().await;
    assert_eq!(world.requests(), [profile.as_str()], "nobody came or went");
    world.fan();
    world.check_only().await;
    assert_eq!(world.requests(), [profile, list]);
}

#[tokio::test]
async fn a_burst_of_three_reads_the_list_once() {
    let mut world = World::<X>::with_followers(595).await;
    world.fans(210);
    let table = Recorder::attach(&mut world.stack);
    world.requests();
    world.check_only().await;
    let list = format!("GET /2/users/{AMBER}/followers");
    let asked = world.requests();
    let pages = asked.iter().filter(|one| **one == list).count();
    assert_eq!((pages, asked.len()), (1, 3), "{asked:?}");
    assert_eq!(
        table.take(),
        ["GetItem", "GetItem", "Query", "TransactWriteItems"]
    );
    world.stack.deliver().await.unwrap();
    assert_eq!(world.requests().len(), 3);
    // Seven for each invitation: the brake counts what went out.
    assert_eq!(table.take().len(), 21);
}

#[tokio::test]
async fn a_settled_hug_costs_later_checks_nothing() {
    let mut world = World::<X>::with_followers(599).await;
    world.fan();
    world.check().await;
    world.check().await;
    let table = Recorder::attach(&mut world.stack);
    world.check_only().await;
    assert_eq!(table.take(), ["GetItem", "GetItem", "TransactWriteItems"]);
}

#[tokio::test]
async fn the_profile_of_a_follower_is_read_once_for_all_milestones_of_a_check() {
    let mut world = World::<Bluesky>::with(599, "").await;
    let denser = crate::world::settings_of::<Bluesky>(world.network.url(), "");
    world.change_settings(&denser.replace("step = 100", "step = 1"));
    // Only their profiles show that they are bots; the list leaves out the fields that say so.
    for n in 1..=2 {
        world.network.follow(Person {
            picture: true,
            bio: String::new(),
            ..Person::bot(n, world.clock.now())
        });
    }
    world.fan();
    world.network.clear_requests();
    world.check_only().await;
    let asked = world.network.requests();
    let queries = asked
        .iter()
        .filter_map(|one| one.path.split_once("getProfiles?"));
    let mut profiles: Vec<&str> = queries.flat_map(|(_, query)| query.split('&')).collect();
    let all = profiles.len();
    profiles.sort_unstable();
    profiles.dedup();
    assert!(all >= 3, "{asked:?}");
    assert_eq!(profiles.len(), all, "{profiles:?}");
}

#[tokio::test]
async fn after_a_refusal_no_look_up_is_made_for_the_next_channel() {
    let mut world = World::<X>::with(599, "contact = [\"mention\", \"announce\"]").await;
    world.fan();
    world.network.fail_next("POST /2/tweets", Fault::Hangup);
    world.check().await;
    world.network.fail_next("POST /2/tweets", refused_by_x());
    world.requests();
    for _ in 0..3 {
        world.check().await;
    }
    let asked = world.requests();
    assert_eq!(count(&asked, "POST /2/tweets"), 2, "{asked:?}");
    assert_eq!(
        count(&asked, &format!("GET /2/users/{AMBER}/tweets")),
        1,
        "{asked:?}"
    );
}
