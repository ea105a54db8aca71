//! Reading people by their ids and handles, and the receipts of sent letters.

use std::sync::Arc;

use have_a_hug::{
    clock::Clock,
    network::{Failure, Network},
    settings::Settings,
};
use promise::{
    account::UserId,
    channel::Channel,
    follower::{Follower, Recipient},
    letter::{Letter, LetterKind, Receipt},
    milestone::Milestone,
    rules::Rules,
};
use serde_json::json;
use stand_ins::{Fault, Person, StandIn, secret};
use tests::body;

use crate::world::{Bluesky, Mastodon, TestNetwork, World, X, named, settings_of};

/// Amber's account on a network, and a client for it.
struct Connected<N: TestNetwork> {
    network: StandIn<N>,
    client: Arc<dyn Network>,
    rules: &'static Rules,
    clock: Clock,
    amber: UserId,
}

impl<N: TestNetwork> Connected<N> {
    async fn with_fans(fans: u64) -> Self {
        let clock = Clock::by_hand("2026-11-22T14:00:00Z".parse().unwrap());
        let network = StandIn::<N>::start(clock.clone()).await.unwrap();
        network.add_account(N::amber());
        for n in 1..=fans {
            let fan = Person::fan(n, clock.now());
            let handle = N::handle_of(&fan);
            network.follow(Person { handle, ..fan });
        }
        let settings = settings_of::<N>(network.url(), "");
        let settings = Settings::parse(&settings, "hug.toml", &secret).unwrap();
        let account = &settings.accounts[0];
        let http = have_a_hug::http::client().unwrap();
        let client = account.connect(&http, &clock).unwrap();
        let amber = client.profile(None).await.unwrap().id;
        network.clear_requests();
        Self {
            network,
            client,
            rules: account.rules(),
            clock,
            amber,
        }
    }

    async fn listed(&self) -> Vec<Follower> {
        let page = self.client.followers(&self.amber, 100, None).await.unwrap();
        self.network.clear_requests();
        page.followers
    }

    fn asked(&self) -> usize {
        let asked = self.network.requests().len();
        self.network.clear_requests();
        asked
    }

    async fn a_batch_is_one_request_and_leaves_out_who_is_gone(&self) {
        let listed = self.listed().await;
        assert!(listed.len() > 2);
        let gone = &listed[1];
        self.network.hide(&gone.handle);
        let mut ids: Vec<UserId> = listed.iter().map(|one| one.id.clone()).collect();
        let mut found = self.client.profiles(&ids).await.unwrap();
        assert_eq!(self.asked(), 1);
        ids.retain(|id| *id != gone.id);
        let mut known: Vec<UserId> = found.iter().map(|one| one.id.clone()).collect();
        ids.sort();
        known.sort();
        assert_eq!(known, ids);
        assert!(
            found
                .iter()
                .all(|one| one.followers.is_some() && one.posts.is_some())
        );
        if self.rules.list_has_profiles {
            found.sort_by(|one, other| one.id.cmp(&other.id));
            let mut listed = listed.clone();
            listed.retain(|one| one.id != gone.id);
            listed.sort_by(|one, other| one.id.cmp(&other.id));
            assert_eq!(found, listed, "the list has every field of a profile");
        }
        let nobody = self.client.profiles(std::slice::from_ref(&gone.id)).await;
        assert_eq!(nobody.unwrap(), []);
        self.network.clear_requests();
        assert_eq!(self.client.profiles(&[]).await.unwrap(), []);
        assert_eq!(self.asked(), 0);
    }

    async fn no_more_than_the_rules_say_fit_into_a_request(&self) {
        let listed = self.listed().await;
        let ids: Vec<UserId> = listed.iter().map(|one| one.id.clone()).collect();
        let at_once = self.rules.profiles_at_once;
        let found = self.client.profiles(&ids[..at_once.min(ids.len())]).await;
        assert_eq!(found.unwrap().len(), at_once.min(ids.len()));
        let mut too_many = ids.clone();
        too_many.extend((0..at_once).map(|n| UserId::from(format!("{}{n}", 9_000))));
        let error = self
            .client
            .profiles(&too_many[..=at_once])
            .await
            .unwrap_err();
        assert_eq!(error.failure, Failure::Blocked { until: None }, "{error}");
    }

    async fn a_handle_leads_to_who_has_it_now(&self) {
        let listed = self.listed().await;
        let fan = &listed[0];
        for handle in [fan.handle.clone(), format!("@{}", fan.handle)] {
            let found = self.client.user(&handle).await.unwrap().unwrap();
            assert_eq!((&found.id, &found.handle), (&fan.id, &fan.handle));
            assert!(found.posts.is_some());
        }
        assert_eq!(self.asked(), 2);
        let nobody = self.rules.handle.example.replace("amber", "nobody");
        assert_eq!(self.client.user(&nobody).await.unwrap(), None);
        self.network.clear_requests();
        for odd in ["no handle", "a/b?c", ""] {
            assert_eq!(self.client.user(odd).await.unwrap(), None, "{odd}");
        }
        assert_eq!(self.asked(), 0, "these handles are not valid");
    }

    /// Sends a letter on this channel, and looks it up.
    async fn receipt(&self, channel: Channel) -> Receipt {
        let to = Recipient::from(&self.listed().await[0]);
        let text = format!("@{} here, have a hug", to.handle);
        let letter = Letter {
            kind: LetterKind::Invitation,
            number: 0,
            reply_to: None,
            song: None,
            from: &self.amber,
            to: Some(&to),
            milestone: Milestone::from_number(600).unwrap(),
            reached_at: self.clock.now(),
            channel,
            text: &text,
            prepared_at: self.clock.now(),
        };
        let receipt = self.client.send(&letter).await.unwrap();
        let found = self.client.find(&letter).await.unwrap();
        assert_eq!(found.as_ref(), Some(&receipt), "a look-up finds the same");
        receipt
    }
}

async fn people_are_known_by_id_and_handle<N: TestNetwork>() {
    let connected = Connected::<N>::with_fans(5).await;
    connected.a_handle_leads_to_who_has_it_now().await;
    connected
        .a_batch_is_one_request_and_leaves_out_who_is_gone()
        .await;
    let many = Connected::<N>::with_fans(100).await;
    many.no_more_than_the_rules_say_fit_into_a_request().await;
}

#[tokio::test]
async fn on_x_people_are_known_by_id_and_handle() {
    people_are_known_by_id_and_handle::<X>().await;
}

#[tokio::test]
async fn on_bluesky_people_are_known_by_id_and_handle() {
    people_are_known_by_id_and_handle::<Bluesky>().await;
}

#[tokio::test]
async fn on_mastodon_people_are_known_by_id_and_handle() {
    people_are_known_by_id_and_handle::<Mastodon>().await;
}

#[tokio::test]
async fn after_a_rename_the_id_finds_the_person_and_the_old_handle_finds_nobody() {
    let x = Connected::<X>::with_fans(1).await;
    let fan = x.listed().await.remove(0);
    x.network.rename(&fan.handle, "renamed");
    let now = x
        .client
        .profiles(std::slice::from_ref(&fan.id))
        .await
        .unwrap();
    assert_eq!(now[0].handle, "renamed");
    assert_eq!(x.client.user(&fan.handle).await.unwrap(), None);
}

#[tokio::test]
async fn a_failed_look_up_of_a_handle_is_an_error_and_does_not_mean_that_nobody_has_it() {
    let x = Connected::<X>::with_fans(1).await;
    let forbidden = r#"{"errors":[{"value":"fan0001","detail":"Sorry, you are not authorized to see the user.","title":"Authorization Error","resource_type":"user","parameter":"username","type":"https://api.x.com/2/problems/not-authorized-for-resource"}]}"#;
    x.network
        .fail_next("/by/username/", body(200, "application/json", forbidden));
    assert!(x.client.user("fan0001").await.is_err());
    let mastodon = Connected::<Mastodon>::with_fans(1).await;
    let page = body(404, "text/html", "<h1>Not found</h1>");
    mastodon.network.fail_next("/lookup", page);
    let error = mastodon.client.user("fan0001@other.example").await;
    assert_eq!(error.unwrap_err().failure, Failure::TryAgain);
    let bluesky = Connected::<Bluesky>::with_fans(1).await;
    bluesky.network.fail_next("getProfile", Fault::Status(400));
    assert!(bluesky.client.user("fan0001.bsky.social").await.is_err());
}

#[tokio::test]
async fn from_a_mastodon_server_without_batches_profiles_are_read_one_by_one() {
    let old = Connected::<Mastodon>::with_fans(3).await;
    let ids: Vec<UserId> = old.listed().await.into_iter().map(|one| one.id).collect();
    old.network
        .fail_next("GET /api/v1/accounts?", Fault::Status(404));
    let gone = format!("GET /api/v1/accounts/{}", ids[1]);
    old.network.fail_next(&gone, Fault::Status(410));
    let found = old.client.profiles(&ids).await.unwrap();
    let found: Vec<&UserId> = found.iter().map(|one| &one.id).collect();
    assert_eq!(found, [&ids[0], &ids[2]]);
    assert_eq!(old.asked(), 4);
}

#[tokio::test]
async fn a_candidate_without_a_profile_is_passed_over_and_the_check_goes_on() {
    let mut world = World::<Bluesky>::with_followers(599).await;
    let gone = world.fan();
    let next = world.fan();
    let did = stand_ins::bluesky::did(&Person::fan(601, world.clock.now()).id);
    let profile = json!({ "did": did, "handle": next, "postsCount": 7, "followersCount": 7 });
    let one = json!({ "profiles": [profile] }).to_string();
    let one = body(200, "application/json", &one);
    world.network.fail_next("getProfiles", one);
    world.check().await;
    let hug = world.hug(600).await;
    assert_eq!(named(&hug), next);
    let passed_over = &world.passed_over(600).await[0];
    assert_eq!(passed_over.handle, gone);
    assert_eq!(passed_over.reasons, ["has no profile any more"]);
}

#[tokio::test]
async fn a_receipt_has_the_address_of_the_post_and_the_key_for_a_reply() {
    let x = Connected::<X>::with_fans(1).await;
    let post = x.receipt(Channel::Announce).await;
    let page = format!("https://x.com/amber/status/{}", post.reference);
    assert_eq!((post.url, post.reply_key), (Some(page), None));
    let message = x.receipt(Channel::Message).await;
    assert_eq!(message.url, None);
    assert!(message.reply_key.is_some_and(|id| id.contains("44196397")));

    let bluesky = Connected::<Bluesky>::with_fans(1).await;
    let post = bluesky.receipt(Channel::Announce).await;
    let key = post.reference.rsplit('/').next().unwrap();
    let page = format!("https://bsky.app/profile/{}/post/{key}", bluesky.amber);
    assert_eq!(post.url, Some(page));
    assert!(post.reply_key.is_some_and(|cid| cid.starts_with("bafy")));
    let message = bluesky.receipt(Channel::Message).await;
    assert_eq!(message.url, None);
    assert!(message.reply_key.is_some());

    let mastodon = Connected::<Mastodon>::with_fans(1).await;
    let status = mastodon.receipt(Channel::Mention).await;
    let page = format!("https://mastodon.example/@amber/{}", status.reference);
    assert_eq!((status.url, status.reply_key), (Some(page), None));
}
