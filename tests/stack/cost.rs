//! What a check and a delivery cost: the requests to the network and to the table, counted, and what X and YouTube ask
//! for them.

use std::time::Duration;

use have_a_hug::{
    by_hand::Step,
    check::{Counted, FromRound, Wanted, check},
    network::Profile,
};
use promise::hug::Status;
use serde_json::Value;
use stand_ins::{Fault, Person, youtube::Video};
use tests::refused_by_x;

use crate::{
    topic::{invited, song, step, waits_for_song},
    world::{AMBER, Bluesky, Recorder, TestNetwork, World, X},
};

fn count(asked: &[String], operation: &str) -> usize {
    asked.iter().filter(|one| *one == operation).count()
}

#[tokio::test]
async fn an_idle_check_is_one_request_to_the_network_and_one_to_the_table_and_once_an_hour_a_write()
{
    let mut world = World::<X>::with_followers(500).await;
    let table = Recorder::attach(&mut world.stack);
    world.requests();
    for _ in 0..12 {
        world.check_only().await;
    }
    assert_eq!(world.requests(), vec![format!("GET /2/users/{AMBER}"); 12]);
    let asked = table.take();
    assert_eq!(count(&asked, "Query"), 12, "{asked:?}");
    assert_eq!(
        count(&asked, "BatchWriteItem"),
        1,
        "the hour's count: {asked:?}"
    );
    assert_eq!(asked.len(), 13);
}

#[tokio::test]
async fn a_count_that_has_moved_is_recorded_with_one_transaction() {
    let mut world = World::<X>::with_followers(500).await;
    world.fans(20);
    let table = Recorder::attach(&mut world.stack);
    world.requests();
    world.check_only().await;
    assert_eq!(world.requests(), [format!("GET /2/users/{AMBER}")]);
    assert_eq!(
        table.take(),
        ["Query", "GetItem", "GetItem", "TransactWriteItems"]
    );
}

/// The roster; the handle and the account; the hugs, and who said stop; the check.
const CALLS_OF_A_CROSSING: [&str; 6] = [
    "Query",
    "GetItem",
    "GetItem",
    "Query",
    "Query",
    "TransactWriteItems",
];

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
    assert_eq!(table.take(), CALLS_OF_A_CROSSING);
    world.requests();
    world.stack.deliver().await.unwrap();
    assert_eq!(world.requests(), ["POST /2/tweets"]);
    let asked = table.take();
    println!("an invitation asks the table: {asked:?}");
    assert_eq!(
        count(&asked, "GetItem"),
        4,
        "the hug, the handle, whether the follower said stop, the account: {asked:?}"
    );
    assert_eq!(count(&asked, "Query"), 1, "what went out today: {asked:?}");
    assert_eq!(count(&asked, "PutItem"), 2, "claim, complete: {asked:?}");
    assert_eq!(
        count(&asked, "TransactWriteItems"),
        1,
        "the words, with the account: {asked:?}"
    );
    assert_eq!(asked.len(), 8);
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
async fn a_count_that_is_older_than_two_seconds_is_read_again_where_it_is_compared_with_the_list() {
    let world = World::<X>::with_followers(590).await;
    let deps = &world.stack.deps;
    let rows = deps.ledger.roster(None).await.unwrap().rows;
    let glance = rows.into_iter().find_map(|row| row.glance).unwrap();
    let profile = format!("GET /2/users/{AMBER}");
    let list = format!("{profile}/followers");
    let name = &deps.settings.accounts[0].name;
    // 550 is not near 600.
    for (followers, seconds, asked) in [
        (591, 2, vec![&list]),
        (592, 3, vec![&profile, &list]),
        (550, 3, vec![]),
    ] {
        let connected = deps.connected(name).unwrap();
        let counted = connected.network.profile(Some(&glance.id)).await.unwrap();
        let counted = Counted {
            profile: Profile {
                followers,
                ..counted
            },
            at: world.clock.now(),
        };
        world.clock.advance(Duration::from_secs(seconds));
        world.requests();
        let round = FromRound {
            glance: Some(glance.clone()),
            counted: Some(counted),
            ..FromRound::default()
        };
        let wanted = Wanted::default();
        Box::pin(check(deps, connected, wanted, round))
            .await
            .unwrap();
        let asked: Vec<String> = asked.into_iter().cloned().collect();
        assert_eq!(world.requests(), asked, "{followers}");
    }
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
    assert_eq!(table.take(), CALLS_OF_A_CROSSING);
    world.stack.deliver().await.unwrap();
    assert_eq!(world.requests().len(), 3);
    // Eight for each invitation: the brake counts what went out.
    assert_eq!(table.take().len(), 24);
}

/// The cost of what happened since the last count.
#[derive(Debug, Default, PartialEq, Eq)]
struct Cost {
    /// Requests to the network.
    requests: Vec<String>,
    /// Calls of the table.
    table: Vec<String>,
    /// Half read units: each read is of fewer than 4 KB, and costs a whole unit where it is consistent.
    half_reads: usize,
    /// Write units: one for each KB, and double in a transaction.
    writes: usize,
    /// Followers and answers for which X asks $0.001 each.
    billed: u64,
}

/// Counts the cost of each stage of a hug.
struct Meter {
    table: Recorder,
    billed: u64,
}

impl Meter {
    async fn attach<N: TestNetwork>(world: &mut World<N>) -> Self {
        let table = Recorder::attach(&mut world.stack);
        let billed = billed(world).await;
        table.take();
        world.requests();
        Self { table, billed }
    }

    async fn read<N: TestNetwork>(&mut self, world: &World<N>) -> Cost {
        let mut cost = Cost {
            requests: world.requests(),
            ..Cost::default()
        };
        for (target, body) in self.table.take_requests() {
            let call = target.rsplit('.').next().unwrap().to_owned();
            match call.as_str() {
                // A look of the test itself.
                "Scan" => continue,
                "GetItem" | "Query" => {
                    let is_consistent = body["ConsistentRead"] == true;
                    let is_of_roster = body["ExpressionAttributeValues"][":pk"]["S"] == "roster";
                    assert!(is_consistent || is_of_roster, "{body}");
                    cost.half_reads += if is_consistent { 2 } else { 1 };
                }
                "BatchWriteItem" => cost.writes += hourly_counts(&body),
                "PutItem" => cost.writes += kilobytes(&body["Item"]),
                "TransactWriteItems" => {
                    // An update is of an item of the roster or of a handle, which is small.
                    let items = body["TransactItems"].as_array().unwrap().iter();
                    cost.writes += items
                        .map(|one| 2 * kilobytes(&one["Put"]["Item"]))
                        .sum::<usize>();
                }
                other => panic!("{other} is not counted"),
            }
            cost.table.push(call);
        }
        let now = billed(world).await;
        // The table is read for this count, too.
        self.table.take();
        cost.billed = now - self.billed;
        self.billed = now;
        cost
    }
}

async fn billed<N: TestNetwork>(world: &World<N>) -> u64 {
    let read = world.account().await.read;
    read.map_or(0, |read| read.followers)
}

/// How many hourly counts a batch writes: one unit each.
fn hourly_counts(batch: &Value) -> usize {
    let tables = batch["RequestItems"].as_object().unwrap().values();
    let puts = tables.flat_map(|puts| puts.as_array().unwrap());
    let items = puts.map(|put| &put["PutRequest"]["Item"]);
    items.map(kilobytes).sum()
}

/// How many write units an item takes.
fn kilobytes(item: &Value) -> usize {
    attributes(item).div_ceil(1024).max(1)
}

/// How many bytes attributes take, as DynamoDB counts them: the names and the values.
fn attributes(map: &Value) -> usize {
    let all = map.as_object().into_iter().flatten();
    all.map(|(name, value)| name.len() + size(value)).sum()
}

fn size(value: &Value) -> usize {
    let Some((kind, value)) = value.as_object().and_then(|one| one.iter().next()) else {
        return 0;
    };
    match (kind.as_str(), value) {
        ("S", Value::String(text)) => text.len(),
        ("N", Value::String(digits)) => digits.len().div_ceil(2) + 1,
        ("M", map) => 3 + map.as_object().map_or(0, serde_json::Map::len) + attributes(map),
        ("L", Value::Array(list)) => 3 + list.iter().map(|one| 1 + size(one)).sum::<usize>(),
        _ => 1,
    }
}

#[tokio::test]
async fn a_hug_that_has_ended_costs_later_checks_nothing() {
    let idle = |cost: &Cost| {
        assert_eq!(cost.requests, [format!("GET /2/users/{AMBER}")]);
        assert_eq!(cost.table[0], "Query");
        let hour_begins = cost
            .table
            .get(1)
            .is_some_and(|call| call == "BatchWriteItem");
        let writes = usize::from(hour_begins);
        assert_eq!(cost.table.len(), 1 + writes, "{cost:?}");
        assert_eq!((cost.half_reads, cost.writes, cost.billed), (1, writes, 0));
    };
    let mut without = World::<X>::with_followers(500).await;
    let mut meter = Meter::attach(&mut without).await;
    without.check().await;
    idle(&meter.read(&without).await);

    for end in ["hugged", "declined", "cancelled"] {
        let (mut world, fan, invitation) = invited::<X>("").await;
        match end {
            "hugged" => {
                world.network.answer(&fan, "@amber rain", &invitation);
                world.check().await;
                step(&mut world, song("dQw4w9WgXcQ")).await.unwrap();
            }
            "declined" => {
                world.network.answer(&fan, "@amber stop", &invitation);
            }
            _ => {
                step(&mut world, Step::Cancel).await.unwrap();
            }
        }
        // The first check finds out that it has ended.
        world.check().await;
        let mut meter = Meter::attach(&mut world).await;
        world.check().await;
        idle(&meter.read(&world).await);
        assert_eq!(world.hug(600).await.status.to_string(), end);
    }
}

#[tokio::test]
async fn while_a_hug_waits_for_its_answer_a_check_asks_once_more_and_x_asks_for_mentions_only() {
    let (mut world, fan, invitation) = invited::<X>("").await;
    let mut meter = Meter::attach(&mut world).await;
    world.check().await;
    let quiet = meter.read(&world).await;
    let profile = format!("GET /2/users/{AMBER}");
    let mentions = format!("{profile}/mentions");
    assert_eq!(quiet.requests, [mentions.clone(), profile.clone()]);
    assert_eq!(
        quiet.table,
        ["Query", "GetItem", "GetItem", "Query", "TransactWriteItems"]
    );
    assert_eq!((quiet.half_reads, quiet.writes), (7, 2));
    assert_eq!(quiet.billed, 0, "an empty page is free");

    // X bills each mention once, whoever wrote it.
    let stranger = world.fan();
    world.check().await;
    meter.read(&world).await;
    world.network.answer(&stranger, "@amber me!", &invitation);
    world.network.answer(&fan, "@amber rain", &invitation);
    world.check().await;
    let heard = meter.read(&world).await;
    assert_eq!(heard.billed, 2);
    // The hug with the topic is written, and nothing else.
    assert_eq!(count(&heard.table, "PutItem"), 1, "{heard:?}");
    assert_eq!((heard.half_reads, heard.writes), (7, 4), "{heard:?}");
    world.stack.deliver().await.unwrap();
    meter.read(&world).await;

    // It still listens, because a later answer replaces the topic; after a day once an hour.
    world.check().await;
    let after = meter.read(&world).await;
    assert_eq!((after.requests.len(), after.billed), (2, 0));
    world.clock.advance(Duration::from_hours(24));
    world.check().await;
    meter.read(&world).await;
    for _ in 0..12 {
        world.check().await;
    }
    let hour = meter.read(&world).await;
    assert_eq!(count(&hour.requests, &mentions), 1, "{hour:?}");
    assert_eq!(count(&hour.requests, &profile), 12, "{hour:?}");
    // The roster each time, and once the hugs; the account with its row and the hour's count.
    assert_eq!(count(&hour.table, "Query"), 13, "{hour:?}");
    assert_eq!(count(&hour.table, "TransactWriteItems"), 1, "{hour:?}");
    assert_eq!(
        (hour.half_reads, hour.writes, hour.billed),
        (18, 5, 0),
        "{hour:?}"
    );
}

#[tokio::test]
async fn a_song_is_one_post_and_the_table_is_asked_as_often_as_for_an_invitation_without_the_brake()
{
    let (mut world, fan, invitation) = invited::<X>("").await;
    world.network.answer(&fan, "@amber rain", &invitation);
    world.check().await;
    let mut meter = Meter::attach(&mut world).await;
    // What the creator's command itself does is in the cost.
    step(&mut world, song("dQw4w9WgXcQ")).await.unwrap();
    let cost = meter.read(&world).await;
    assert_eq!(world.hug(600).await.status, Status::Hugged);
    // With the link it is $0.010, because the follower has mentioned the account: a post of one's own would be $0.200.
    assert_eq!(cost.requests, ["POST /2/tweets"]);
    assert_eq!(count(&cost.table, "GetItem"), 5, "{cost:?}");
    assert_eq!(count(&cost.table, "Query"), 0, "{cost:?}");
    assert_eq!(count(&cost.table, "TransactWriteItems"), 1, "{cost:?}");
    assert_eq!(
        count(&cost.table, "PutItem"),
        3,
        "claim, words, complete: {cost:?}"
    );
    // Two KB a hug, and one for the account that is written with it by the command.
    assert_eq!((cost.half_reads, cost.writes, cost.billed), (10, 14, 0));
}

#[tokio::test]
async fn what_a_hug_asks_of_the_table_from_its_milestone_to_its_song() {
    let mut world = World::<X>::with_followers(598).await;
    let fan = world.fans(3).remove(1);
    let mut meter = Meter::attach(&mut world).await;
    world.check().await;
    let invited = meter.read(&world).await;
    let hug = world.hug(600).await;
    let invitation = hug.invitation.reference().unwrap();
    world.network.answer(&fan, "@amber rain", invitation);
    world.check().await;
    let heard = meter.read(&world).await;
    step(&mut world, song("dQw4w9WgXcQ")).await.unwrap();
    let sung = meter.read(&world).await;
    world.check().await;
    let settled = meter.read(&world).await;
    assert_eq!(world.hug(600).await.status, Status::Hugged);
    let units = |cost: &Cost| (cost.half_reads, cost.writes);
    let all = [&invited, &heard, &sung, &settled].map(units);
    assert_eq!(all, [(19, 17), (7, 4), (10, 14), (7, 4)]);
}

#[tokio::test]
async fn a_song_that_is_looked_for_is_a_unit_of_youtube_a_check_and_one_more_when_it_is_there() {
    let (mut world, youtube) = waits_for_song().await;
    let mut meter = Meter::attach(&mut world).await;
    let used = youtube.units_used();
    for _ in 0..12 {
        world.check().await;
    }
    assert_eq!(youtube.units_used() - used, 12);
    let hour = meter.read(&world).await;
    assert_eq!(count(&hour.table, "Query"), 24, "{hour:?}");
    assert_eq!(count(&hour.table, "PutItem"), 0, "{hour:?}");
    let video = Video::by_amber("dQw4w9WgXcQ", "Rain #hug600", world.clock.now());
    youtube.add_video(video);
    let used = youtube.units_used();
    world.check().await;
    assert_eq!(youtube.units_used() - used, 2);
    assert_eq!(world.hug(600).await.status, Status::Hugged);
    let used = youtube.units_used();
    world.check().await;
    assert_eq!(youtube.units_used(), used, "no hug waits for a song");
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
