//! What the page of the songs shows of a whole stack, and what it costs to read.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, PutRequest, WriteRequest};
use have_a_hug::{
    by_hand::Step,
    settings::Settings,
    songbook::{MAX_ACCOUNTS, read, unread},
};
use hug::table;
use jiff::{SignedDuration, Timestamp};
use songbook::{Songbook, page::render};

use crate::{
    topic::{invited, song, step},
    world::{Mastodon, Recorder, TestNetwork, World, X},
};

async fn book<N: TestNetwork>(world: &World<N>) -> Songbook {
    let deps = &world.stack.deps;
    let book = read(&deps.ledger, &deps.settings, world.clock.now()).await;
    book.unwrap()
}

async fn page<N: TestNetwork>(world: &World<N>) -> String {
    render(&book(world).await, world.clock.now())
}

async fn is_named_from_the_answer_on<N: TestNetwork>() {
    let (mut world, fan, invitation) = invited::<N>("").await;
    let linked = format!("<bdi>@{fan}</bdi>");
    assert!(!page(&world).await.contains(&fan));
    let answer = "@amber rain on a tin roof";
    world.network.answer(&fan, answer, &invitation);
    world.check().await;
    let with_topic = page(&world).await;
    assert!(with_topic.contains(&linked) && with_topic.contains("rain on a tin roof"));
    assert!(!with_topic.contains("youtube.com/watch"));
    step(&mut world, song("dQw4w9WgXcQ")).await.unwrap();
    let sung = page(&world).await;
    assert!(sung.contains(&linked) && sung.contains("youtube.com/watch?v=dQw4w9WgXcQ"));
}

#[tokio::test]
async fn a_follower_is_named_from_their_answer_on_and_the_song_can_be_heard_once_it_is_posted() {
    is_named_from_the_answer_on::<X>().await;
    is_named_from_the_answer_on::<Mastodon>().await;
}

#[tokio::test]
async fn who_says_stop_after_a_topic_leaves_the_page() {
    let (mut world, fan, invitation) = invited::<X>("").await;
    world.network.answer(&fan, "@amber rain", &invitation);
    world.check().await;
    assert!(page(&world).await.contains(&fan));
    world.network.answer(&fan, "@amber stop", &invitation);
    world.check().await;
    let page = page(&world).await;
    assert!(
        !page.contains(&fan) && page.contains("Without a song"),
        "{page}"
    );
}

#[tokio::test]
async fn who_was_passed_over_is_counted_and_not_named_nor_who_has_not_answered() {
    let mut world = World::<X>::with_followers(599).await;
    let bot = world.bot();
    world.check().await;
    let waits = page(&world).await;
    assert!(waits.contains("One account was passed over") && !waits.contains(&bot));
    let fan = world.fan();
    world.check().await;
    let words = "rain".to_owned();
    step(&mut world, Step::Topic { words }).await.unwrap();
    let by_hand = page(&world).await;
    assert!(by_hand.contains("For follower number 600") && !by_hand.contains(&fan));
    let post = world.posts().remove(0).id;
    world.network.answer(&fan, "@amber rain, please", &post);
    world.check().await;
    let page = page(&world).await;
    assert!(page.contains(&fan) && page.contains("One account was passed over"));
    assert!(!page.contains(&bot));
}

#[tokio::test]
async fn the_page_is_read_with_rights_that_a_check_has_and_nothing_is_written() {
    let (mut world, ..) = invited::<X>("").await;
    let table = Recorder::attach(&mut world.stack);
    book(&world).await;
    // The handle, who said stop, the account, the hugs, the counts.
    assert_eq!(
        table.take(),
        ["GetItem", "Query", "GetItem", "Query", "Query"]
    );
}

/// A count as the ledger keeps it, in a table of that name.
async fn count_each_hour(world: &World<X>, from: Timestamp, hours: i64) {
    let id = world.account().await.key();
    let client = world.stack.table.client();
    let text = |value: String| AttributeValue::S(value);
    let number = |value: i64| AttributeValue::N(value.to_string());
    let item = |hour: i64| {
        let at = from + SignedDuration::from_hours(hour);
        HashMap::from([
            ("pk".to_owned(), text(id.to_string())),
            (
                "sk".to_owned(),
                text(at.strftime("count#%Y-%m-%dT%H").to_string()),
            ),
            ("followers".to_owned(), number(9_000_000_000 + hour)),
            ("expires_at".to_owned(), number(at.as_second())),
            ("version".to_owned(), number(3)),
        ])
    };
    let put = |hour| {
        let put = PutRequest::builder().set_item(Some(item(hour))).build();
        WriteRequest::builder().put_request(put.unwrap()).build()
    };
    let all: Vec<WriteRequest> = (0..hours).map(put).collect();
    for some in all.chunks(25) {
        let batch = client.batch_write_item();
        let batch = batch.request_items(table::NAME, some.to_vec());
        batch.send().await.unwrap();
    }
}

#[tokio::test]
async fn the_counts_of_a_page_are_at_most_those_of_400_days_and_cost_at_most_125_read_units() {
    const KEPT: i64 = 400 * 24;
    const DAY: i64 = 24;
    let mut world = World::<X>::with_followers(599).await;
    let now = world.clock.now();
    // DynamoDB deletes what has expired only days later.
    let from = now - SignedDuration::from_hours(KEPT + DAY);
    count_each_hour(&world, from, 2 * DAY).await;
    let id = world.account().await.key();
    let table = Recorder::attach(&mut world.stack);
    let counts = world.stack.deps.ledger.counts(&id, now).await.unwrap();
    let oldest = now - SignedDuration::from_hours(KEPT + 1);
    assert!(counts.iter().all(|count| count.at > oldest), "{counts:?}");
    // Those of a day 400 days ago, and that of the check.
    assert_eq!(counts.len(), 24 + 1);
    assert!(counts.is_sorted_by_key(|count| count.at));
    for (_, body) in table.take_requests() {
        // Half the price: a count may be a few seconds old.
        assert_ne!(body["ConsistentRead"], true, "{body}");
    }
    // A unit is 4 KB, and half a unit where the read is not consistent. An item is as large as its names and values, and a
    // number takes a byte for two digits and one more; the longest id that a network gives out is Bluesky's.
    let id = "bluesky#did:plc:".len() + 24;
    let item = [
        "pk",
        "sk",
        "count#2026-11-22T14",
        "followers",
        "expires_at",
        "version",
    ];
    let item = id + item.map(str::len).iter().sum::<usize>() + 6 + 6 + 2;
    let (hours, page) = (400 * 24 + 1, 1 << 20);
    let bytes = hours * item;
    println!("{hours} counts of {item} bytes");
    assert!(bytes < page, "one page of a query");
    assert!(bytes.div_ceil(2 * 4096) <= 125);
}

#[tokio::test]
async fn of_many_accounts_the_first_are_shown_and_the_others_are_counted() {
    let mut text = "[plan]\nfirst = 600\nstep = 100\n".to_owned();
    let switched_off = 1;
    for n in 0..MAX_ACCOUNTS + 2 + switched_off {
        text += &format!("[[account]]\nnetwork = \"x\"\nhandle = \"amber{n}\"\n");
        if n == 0 {
            text += "active = false\n";
        }
    }
    let settings = Settings::parse(&text, "hug.toml", &|_| None).unwrap();
    let page = render(&unread(&settings), Timestamp::UNIX_EPOCH);
    assert_eq!(page.matches("<section").count(), MAX_ACCOUNTS);
    assert!(page.contains("Two more accounts are not shown."));
    assert!(!page.contains("<bdi>@amber0</bdi>") && page.contains("<bdi>@amber1</bdi>"));
}
