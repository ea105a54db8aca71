//! Many accounts: their counts are read together, and what they cost is counted.

use std::fmt::Write;

use aws_sdk_dynamodb::types::AttributeValue;
use check_followers::{Checked, Summary};
use have_a_hug::{check::CheckOutcome, ledger::RosterPlace, looks::Looks, settings::Settings};
use hug::table;
use promise::hug::Status;
use stand_ins::{
    Fault, Person,
    x::{Account, SANDBOX_BEARER},
};

use crate::world::{Recorder, World, X};

/// As many as one share of 64 has of 100,000.
const MANY: usize = 1_563;

/// So many of them move in five minutes, if a count moves ten times a day.
const MOVED: usize = 66;

/// Accounts on X that all are read with the app's token. They have no followers, and number 600 is their first milestone;
/// for the last it is number 30.
async fn world_of(many: usize) -> World<X> {
    let mut world = World::<X>::with_followers(1).await;
    let url = world.network.url().to_owned();
    let mut text = "[plan]\nfirst = 600\nstep = 100\n".to_owned();
    for n in 0..many {
        let account = Account {
            id: (1_000 + n).to_string(),
            handle: handle(n),
            keys: None,
            ..Account::amber()
        };
        world.network.add_account(account);
        let contact = "contact = [\"draft\"]";
        let name = format!(
            "network = \"x\"\nhandle = \"{}\"\nserver = \"{url}\"",
            handle(n)
        );
        write!(text, "\n[[account]]\n{name}\n{contact}\n").unwrap();
    }
    text += "[account.plan]\nfirst = 30\n";
    for route in ["GET /2/users/by/username/:username", "GET /2/users/:id"] {
        world.network.set_limit(route, 10_000);
    }
    world.use_settings(settings(&text), &have_a_hug::http::client().unwrap());
    world.round().await;
    world.requests();
    world
}

fn handle(n: usize) -> String {
    format!("creator{n}")
}

fn settings(text: &str) -> Settings {
    let secret = |name: &str| (name == "X_BEARER_TOKEN").then(|| SANDBOX_BEARER.to_owned());
    Settings::parse(text, "hug.toml", &secret).unwrap()
}

fn follow(world: &World<X>, account: usize, followers: usize) {
    for follower in 0..followers {
        let fan = Person::fan((account * 1_000 + follower) as u64, world.clock.now());
        world.network.follow_account(&handle(account), fan);
    }
}

fn outcomes(summary: &Summary, wanted: CheckOutcome) -> usize {
    let checks = summary.accounts.iter().filter_map(Checked::check);
    checks.filter(|check| check.outcome == wanted).count()
}

/// How many requests of each kind there were, in the order of the words.
fn counted(requests: &[String]) -> Vec<(String, usize)> {
    let mut kinds: Vec<(String, usize)> = Vec::new();
    let mut sorted: Vec<String> = requests.iter().map(|one| kind(one)).collect();
    sorted.sort_unstable();
    for request in sorted {
        match kinds.last_mut() {
            Some((kind, number)) if *kind == request => *number += 1,
            _ => kinds.push((request, 1)),
        }
    }
    kinds
}

/// The request with `:id` in the place of an account's id.
fn kind(request: &str) -> String {
    let parts = request.split('/');
    let is_id = |part: &str| part.len() >= 4 && part.bytes().all(|byte| byte.is_ascii_digit());
    let parts: Vec<&str> = parts
        .map(|part| if is_id(part) { ":id" } else { part })
        .collect();
    parts.join("/")
}

#[tokio::test]
async fn idle_accounts_share_their_requests_and_those_that_moved_cost_three_calls_of_the_table() {
    let mut world = world_of(MANY).await;
    let table = Recorder::attach(&mut world.stack);
    let calls = |table: &Recorder| {
        let calls = counted(&table.take());
        let batches = |(call, _): &(String, usize)| call != "BatchWriteItem";
        let (others, batches): (Vec<_>, Vec<_>) = calls.into_iter().partition(batches);
        // The hourly counts of a twelfth of the accounts are due, and 25 have room in a batch.
        let batches: usize = batches.iter().map(|(_, number)| number).sum();
        assert!((4..=9).contains(&batches), "{batches}");
        others
    };
    let of = |all: &[(&str, usize)]| -> Vec<(String, usize)> {
        all.iter()
            .map(|(kind, number)| ((*kind).to_owned(), *number))
            .collect()
    };

    let idle = world.round().await;
    assert_eq!(outcomes(&idle, CheckOutcome::Unchanged), MANY);
    assert_eq!(counted(&world.requests()), of(&[("GET /2/users", 16)]));
    assert_eq!(calls(&table), of(&[("Query", 1)]));

    (0..MOVED).for_each(|account| follow(&world, account, 1));
    let moved = world.round().await;
    assert_eq!(outcomes(&moved, CheckOutcome::NoMilestone), MOVED);
    assert_eq!(counted(&world.requests()), of(&[("GET /2/users", 16)]));
    let of_moved = [
        ("GetItem", 2 * MOVED),
        ("Query", 1),
        ("TransactWriteItems", MOVED),
    ];
    assert_eq!(calls(&table), of(&of_moved));

    follow(&world, MANY - 1, 30);
    let crossed = world.round().await;
    assert_eq!(outcomes(&crossed, CheckOutcome::Milestones), 1);
    let of_crossing = [("GET /2/users", 16), ("GET /2/users/:id/followers", 1)];
    assert_eq!(counted(&world.requests()), of(&of_crossing));
    let hug = world.hug(30).await;
    assert_eq!(hug.status, Status::ToSend, "its only channel is the draft");
}

#[tokio::test]
async fn an_account_that_x_does_not_find_among_others_is_checked_by_itself_and_spoils_no_other() {
    let mut world = world_of(60).await;
    world.network.hide(&handle(7));
    follow(&world, 8, 1);
    let summary = world.round().await;
    assert_eq!(outcomes(&summary, CheckOutcome::Unchanged), 58);
    assert_eq!(outcomes(&summary, CheckOutcome::NoMilestone), 1);
    assert_eq!(summary.failed, 1);
    assert!(matches!(&summary.accounts[7], Checked::Failed { .. }));
}

#[tokio::test]
async fn a_rate_limit_of_the_app_stops_all_its_accounts_until_it_is_over() {
    let mut world = world_of(150).await;
    follow(&world, 3, 1);
    world
        .network
        .fail_next("GET /2/users", Fault::RateLimited { for_seconds: 900 });
    let summary = world.round().await;
    // Two requests were under way, and what the other one answered can be used.
    let limited = outcomes(&summary, CheckOutcome::RateLimited);
    assert!(limited == 100 || limited == 50, "{limited}");
    world.requests();
    let summary = world.round().await;
    assert_eq!(outcomes(&summary, CheckOutcome::RateLimited), 150);
    assert_eq!(world.requests(), Vec::<String>::new());
    // Another process knows of it, too: the limit is in the ledger. It lies before all accounts.
    world.stack.deps.looks = Looks::default();
    let middle = RosterPlace::before(&"x:creator1".parse().unwrap());
    *world.stack.deps.turn.lock().unwrap() = Some(middle);
    world.round().await;
    assert_eq!(world.requests(), Vec::<String>::new());
    for _ in 0..2 {
        world.round().await;
    }
    let summary = world.round().await;
    assert_eq!(outcomes(&summary, CheckOutcome::RateLimited), 0);
    let records = world.stack.deps.ledger.snapshot().await.unwrap().accounts;
    assert!(records.iter().any(|record| record.followers == 1));
}

#[tokio::test]
async fn a_roster_of_several_pages_is_read_once_wherever_a_round_begins() {
    let mut world = world_of(10).await;
    let client = world.stack.table.client().clone();
    for account in 0..10 {
        // Rows as large as an item may be, so that a page, which is 1 MB, has two of them.
        let text = |text: String| AttributeValue::S(text);
        client
            .update_item()
            .table_name(table::NAME)
            .key("pk", text("roster".to_owned()))
            .key("sk", text(format!("x@{}", handle(account))))
            .update_expression("SET filler = :filler")
            .expression_attribute_values(":filler", text("x".repeat(390_000)))
            .send()
            .await
            .unwrap();
    }
    let table = Recorder::attach(&mut world.stack);
    let middle = RosterPlace::before(&"x:creator5".parse().unwrap());
    for begin in [None, Some(middle)] {
        *world.stack.deps.turn.lock().unwrap() = begin.clone();
        let summary = world.round().await;
        assert_eq!(outcomes(&summary, CheckOutcome::Unchanged), 10);
        assert_eq!(summary.accounts.len(), 10);
        let pages = table.take().iter().filter(|one| *one == "Query").count();
        assert!(pages >= 4, "{pages} from {begin:?}");
    }
}
