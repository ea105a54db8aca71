//! Every known answer of a network, as it was seen, and what it means to the program. The rows are those of the
//! tables in docs/NETWORKS.md, "Known answers". A row that is only here or only there makes a test fail.

mod bluesky;
mod mastodon;
mod row;
mod x;

use have_a_hug::{
    by_hand::{Step, by_hand},
    network::{Failure, Network},
    settings::Settings,
};
use promise::{
    channel::Channel,
    follower::Recipient,
    hug::Status,
    letter::{Letter, LetterKind},
    milestone::Milestone,
};
use stand_ins::{Fault, Person, StandIn, secret};

use self::row::{Answer, Means};
use crate::world::{Bluesky, Mastodon, TestNetwork, World, X, settings_of};

/// The rows of docs/NETWORKS.md for a network's answers.
fn documented(answers: &[Answer]) -> Vec<String> {
    let row = |one: &Answer| {
        let means = one.means.word();
        format!(
            "| {} | {} | {means} | {} |",
            one.status, one.shape, one.source
        )
    };
    answers.iter().map(row).collect()
}

#[test]
fn the_document_has_the_same_answers_in_the_same_words() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/NETWORKS.md");
    let document = std::fs::read_to_string(path).unwrap();
    let (_, known) = document.split_once("\n## Known answers\n").unwrap();
    let known = known.split("\n## ").next().unwrap();
    for (network, answers) in [
        ("X", x::ANSWERS),
        ("Bluesky", bluesky::ANSWERS),
        ("Mastodon", mastodon::ANSWERS),
    ] {
        let (_, section) = known.split_once(&format!("\n### {network}\n")).unwrap();
        let section = section.split("\n### ").next().unwrap();
        let is_answer = |line: &&str| line.starts_with('|') && line[2..3].parse::<u8>().is_ok();
        let rows: Vec<&str> = section.lines().filter(is_answer).collect();
        let expected = documented(answers);
        assert_eq!(rows, expected, "write these rows:\n{}", expected.join("\n"));
    }
}

fn fault(answer: &Answer) -> Fault {
    let kind = if answer.body.starts_with('<') {
        "text/html; charset=utf-8"
    } else {
        "application/json; charset=utf-8"
    };
    let header = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    Fault::Body {
        status: answer.status,
        content_type: kind.to_owned(),
        headers: answer.header.map(header).into_iter().collect(),
        body: answer.body.to_owned(),
    }
}

/// Sends a letter to a network that gives each of these answers, and asserts that the answer means what the table says.
async fn each_is_taken_for_what_the_table_says<N: TestNetwork>(answers: &[Answer]) {
    let clock = have_a_hug::clock::Clock::by_hand("2026-11-22T14:00:00Z".parse().unwrap());
    let network = StandIn::<N>::start(clock.clone()).await.unwrap();
    network.add_account(N::amber());
    network.follow(Person::fan(1, clock.now()));
    let settings = settings_of::<N>(network.url(), "");
    let settings = Settings::parse(&settings, "hug.toml", &secret).unwrap();
    let http = have_a_hug::http::client().unwrap();
    for (number, answer) in answers.iter().enumerate() {
        // A new client has not logged in yet, and knows nothing of the server.
        let client = settings.accounts[0].connect(&http, &clock).unwrap();
        let id = client.profile(None).await.unwrap().id;
        let page = client.followers(&id, 1, None).await.unwrap();
        let to = Recipient::from(&page.followers[0]);
        let channel = match answer.to {
            x::DM | bluesky::CONVERSATION | bluesky::MESSAGE => Channel::Message,
            mastodon::STATUS | mastodon::OWNER | mastodon::INSTANCE => Channel::Mention,
            _ => Channel::Announce,
        };
        let text = format!("@{} letter {number}", to.handle);
        let letter = Letter {
            kind: LetterKind::Invitation,
            number: 0,
            reply_to: None,
            song: None,
            from: &id,
            to: Some(&to),
            milestone: Milestone::from_number(600 + number as u64).unwrap(),
            reached_at: clock.now(),
            channel,
            text: &text,
            prepared_at: clock.now(),
        };
        network.fail_next(answer.to, fault(answer));
        let error = client.send(&letter).await.unwrap_err();
        assert_eq!(
            error.failure,
            answer.means.failure(),
            "{}: {error}",
            answer.shape
        );
        assert_eq!(
            client.blocked_until(),
            None,
            "no limit on reading: {}",
            answer.shape
        );
        never_refuses_a_look(client.as_ref(), &letter, &network, answer).await;
        assert!(client.send(&letter).await.is_ok(), "then: {}", answer.shape);
    }
}

/// Asserts that the same answer to a look-up of the letter does not refuse the letter.
async fn never_refuses_a_look<N: TestNetwork>(
    client: &dyn Network,
    letter: &Letter<'_>,
    network: &StandIn<N>,
    answer: &Answer,
) {
    let route = match letter.channel {
        Channel::Message if answer.to == x::DM => "/dm_events",
        Channel::Message => "getMessages",
        _ => match answer.to {
            x::POST => "/tweets",
            bluesky::PUT | bluesky::LOGIN => "getRecord",
            _ => "/109876/statuses",
        },
    };
    network.fail_next(route, fault(answer));
    if let Err(error) = client.find(letter).await {
        assert_ne!(error.failure, Failure::Refused, "{}: {error}", answer.shape);
    }
}

#[tokio::test]
async fn every_known_answer_of_x_is_taken_for_what_the_table_says() {
    each_is_taken_for_what_the_table_says::<X>(x::ANSWERS).await;
}

#[tokio::test]
async fn every_known_answer_of_bluesky_is_taken_for_what_the_table_says() {
    each_is_taken_for_what_the_table_says::<Bluesky>(bluesky::ANSWERS).await;
}

#[tokio::test]
async fn every_known_answer_of_a_mastodon_server_is_taken_for_what_the_table_says() {
    each_is_taken_for_what_the_table_says::<Mastodon>(mastodon::ANSWERS).await;
}

#[tokio::test]
async fn after_each_answer_that_blocks_the_account_the_channel_stays_open_and_a_retry_sends_the_post()
 {
    let blocks = x::ANSWERS.iter().filter(|one| {
        one.to == x::POST && matches!(one.means, Means::Blocked | Means::BlockedUntil(_))
    });
    for answer in blocks {
        let mut world = World::<X>::with_followers(599).await;
        world.fan();
        world.network.fail_next(answer.to, fault(answer));
        world.check().await;
        let hug = world.hug(600).await;
        assert!(hug.invitation.refusals.is_empty(), "{}", answer.shape);
        assert_eq!(hug.status, Status::Inviting, "{}", answer.shape);
        assert!(world.posts().is_empty());
        assert!(hug.needs_creator(), "{}", answer.shape);
        let deps = &world.stack.deps;
        let (key, now) = (hug.key(), deps.clock.now());
        let retry = by_hand(&deps.ledger, &deps.settings, &key, &Step::Retry, now);
        retry.await.unwrap();
        world.stack.deliver().await.unwrap();
        assert_eq!(world.invitations_to(600), 1, "{}", answer.shape);
    }
}
