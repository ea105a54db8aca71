//! Several accounts: a failure of one does not stop the others, and each has its own settings.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use check_followers::{Checked, Summary};
use have_a_hug::{
    clock::Clock,
    deps::Deps,
    ledger::Ledger,
    network::{
        Answered, Asked, Cursor, Failure, Network, NetworkError, Page, Permissions, Profile,
    },
    settings::{Account, Settings},
};
use hug::table;
use jiff::Timestamp;
use lambda_runtime::{Context, LambdaEvent};
use promise::{
    account::{AccountName, UserId},
    channel::Channel,
    follower::Follower,
    hug::Status,
    letter::{Letter, Receipt},
};
use serde_json::{Value, json};
use stand_ins::{Person, secret, x};

use crate::world::{World, X, settings_of};

/// One more account in hug.toml, on the stand-in at this address.
fn and(url: &str, handle: &str, more: &str) -> String {
    format!("\n[[account]]\nnetwork = \"x\"\nhandle = \"{handle}\"\nserver = \"{url}\"\n{more}\n")
}

/// Amber's account, and Bea's account, whose own secrets are missing.
async fn amber_and_bea(followers: u64, of_amber: &str, of_bea: &str) -> World<X> {
    let mut world = World::<X>::with_followers(followers).await;
    world.network.add_account(x::Account {
        id: "55".into(),
        handle: "bea".into(),
        keys: None,
        ..x::Account::amber()
    });
    let url = world.network.url().to_owned();
    world.change_settings(&format!(
        "{}{}",
        settings_of::<X>(&url, of_amber),
        and(&url, "bea", of_bea)
    ));
    world
}

async fn check(world: &World<X>, event: Value) -> Summary {
    let event = LambdaEvent::new(event, Context::default());
    let summary = check_followers::handle(event, &world.stack.deps);
    summary.await.unwrap()
}

#[tokio::test]
async fn an_account_without_its_secrets_is_skipped_with_their_names_and_the_others_get_their_hugs()
{
    let mut world = amber_and_bea(599, "", "").await;
    world.fan();
    let summary = world.round().await;
    assert_eq!(
        (summary.checked, summary.failed, summary.skipped),
        (1, 0, 1)
    );
    assert_eq!(summary.accounts[0].check().unwrap().hugs.len(), 1);
    let Checked::Skipped {
        account,
        why,
        retry_can_help,
        ..
    } = &summary.accounts[1]
    else {
        panic!("it was not skipped: {:?}", summary.accounts[1]);
    };
    assert_eq!(
        (account.to_string().as_str(), *retry_can_help),
        ("x:bea", false)
    );
    assert!(
        why.contains("X_BEA_ACCESS_TOKEN, X_BEA_ACCESS_SECRET"),
        "{why}"
    );
    assert_eq!(world.invitations_to(600), 1);
    let alone = check(&world, json!({ "account": "x:amber" })).await;
    assert_eq!((alone.checked, alone.skipped), (1, 0));
}

#[tokio::test]
async fn an_invitation_waits_for_a_secret_that_was_removed_and_is_sent_when_the_secret_is_back() {
    let mut world = World::<X>::with_followers(599).await;
    world.fan();
    world.check_only().await;
    let text = settings_of::<X>(world.network.url(), "");
    let http = have_a_hug::http::client().unwrap();
    world.use_settings(
        Settings::parse(&text, "hug.toml", &|_| None).unwrap(),
        &http,
    );
    let delivery = world.stack.deliver().await.unwrap().remove(0);
    let error = delivery.result.unwrap_err();
    assert!(!error.retry_can_help());
    let words = "secrets are missing for x:amber: X_API_KEY";
    assert!(error.to_string().contains(words), "{error}");
    world.use_settings(Settings::parse(&text, "hug.toml", &secret).unwrap(), &http);
    for _ in 0..12 {
        world.round().await;
    }
    assert_eq!(world.hug(600).await.status, Status::Invited);
    assert_eq!(world.invitations_to(600), 1);
}

#[tokio::test]
async fn an_account_that_is_not_active_is_not_checked_and_its_records_stay() {
    let mut world = amber_and_bea(599, "active = false\n", "contact = [\"draft\"]\n").await;
    world.fan();
    world.network.clear_requests();
    let summary = world.round().await;
    assert_eq!(summary.accounts.len(), 1, "Bea's alone");
    let asked = world.requests();
    assert!(
        asked.iter().all(|request| !request.contains("44196397")),
        "{asked:?}"
    );
    assert_eq!(world.account().await.followers, 599);
    let event = LambdaEvent::new(json!({ "account": "x:amber" }), Context::default());
    let error = check_followers::handle(event, &world.stack.deps).await;
    let error = error.unwrap_err().to_string();
    assert!(error.contains("x:amber has active = false"), "{error}");
}

#[tokio::test]
async fn each_account_has_the_milestones_of_its_own_plan_in_its_own_words() {
    let own = "contact = [\"draft\"]\n[account.plan]\nfirst = 3\n[account.texts]\ndraft = \"Nummer {milestone}, {follower}!\"\n";
    let mut world = amber_and_bea(2, own, "contact = [\"draft\"]\n").await;
    let bea = |world: &World<X>, n| {
        let fan = Person::fan(n, world.clock.now());
        world.network.follow_account("bea", fan);
    };
    (1..3).for_each(|n| bea(&world, n));
    world.round().await;
    let fan = world.fan();
    bea(&world, 3);
    world.round().await;
    let hugs = world.hugs().await;
    assert_eq!(hugs.len(), 1, "Bea's plan begins with 600");
    let invitation = hugs[0].invitation.words.as_ref().unwrap();
    assert_eq!(invitation.channel, Channel::Draft);
    assert_eq!(invitation.text, format!("Nummer 3, @{fan}!"));
}

#[tokio::test]
async fn someone_on_the_never_list_is_passed_over_for_the_next_newer_follower() {
    let mut world = World::<X>::with(599, "never = [\"@FAN0600\"]\n").await;
    let (rival, next) = (world.fan(), world.fan());
    world.check().await;
    let hug = world.hug(600).await;
    assert_eq!(
        (rival.as_str(), crate::world::named(&hug)),
        ("fan0600", next.as_str())
    );
    let passed_over = &world.passed_over(hug.milestone.number()).await[0];
    assert_eq!(passed_over.reasons, ["on the creator's never list"]);
}

/// A network on which the check of each account takes ten seconds and then fails.
struct Slow {
    account: AccountName,
    clock: Clock,
    asked: Arc<Mutex<BTreeSet<AccountName>>>,
}

#[async_trait]
impl Network for Slow {
    async fn profile(&self, _: Option<&UserId>) -> Result<Profile, NetworkError> {
        self.clock.advance(Duration::from_secs(10));
        self.asked.lock().unwrap().insert(self.account.clone());
        Err(NetworkError {
            failure: Failure::TryAgain,
            account: self.account.clone(),
            attempted: "reading",
            why: "it is slow".to_owned(),
        })
    }

    async fn followers(
        &self,
        _: &UserId,
        _: u64,
        _: Option<&Cursor>,
    ) -> Result<Page, NetworkError> {
        unreachable!("its profile cannot be read")
    }

    async fn counts(&self, _: &[UserId]) -> Result<Vec<Profile>, NetworkError> {
        unreachable!("none has a count to compare with")
    }

    fn limit(&self) -> String {
        self.account.to_string()
    }

    async fn profiles(&self, _: &[UserId]) -> Result<Vec<Follower>, NetworkError> {
        unreachable!("its profile cannot be read")
    }

    async fn user(&self, _: &str) -> Result<Option<Follower>, NetworkError> {
        unreachable!("nobody asks")
    }

    async fn send(&self, _: &Letter<'_>) -> Result<Receipt, NetworkError> {
        unreachable!("it owes nothing")
    }

    async fn find(&self, _: &Letter<'_>) -> Result<Option<Receipt>, NetworkError> {
        unreachable!("it owes nothing")
    }

    async fn answers(&self, _: &UserId, _: &Asked<'_>) -> Result<Answered, NetworkError> {
        unreachable!("no hug waits")
    }

    async fn permissions(&self, _: &UserId) -> Result<Permissions, NetworkError> {
        unreachable!("nobody asks")
    }

    fn blocked_until(&self) -> Option<Timestamp> {
        None
    }

    fn addresses(&self) -> Vec<String> {
        Vec::new()
    }
}

#[tokio::test]
async fn accounts_for_which_lambda_leaves_no_time_are_the_first_in_the_next_round() {
    let world = World::<X>::with_followers(1).await;
    let mut text = "[plan]\nfirst = 600\nstep = 100\n".to_owned();
    let names: BTreeSet<String> = (0..200)
        .map(|number| format!("x:creator{number}"))
        .collect();
    for name in &names {
        text += &and(world.network.url(), &name[2..], "contact = [\"draft\"]");
    }
    let settings = Settings::parse(&text, "hug.toml", &|_| Some("secret".to_owned())).unwrap();
    let asked = Arc::new(Mutex::new(BTreeSet::new()));
    let connect = |account: &Account| -> Result<Arc<dyn Network>, _> {
        Ok(Arc::new(Slow {
            account: account.name.clone(),
            clock: world.clock.clone(),
            asked: asked.clone(),
        }))
    };
    let ledger = Ledger::new(world.stack.table.client().clone(), table::NAME);
    let http = have_a_hug::http::client().unwrap();
    let deps = Deps::with_networks(settings, ledger, &http, connect, world.clock.clone());
    let round = async || {
        let mut context = Context::default();
        let deadline = world.clock.now().as_millisecond() + 120_000;
        context.deadline = deadline.try_into().unwrap();
        let event = LambdaEvent::new(json!({}), context);
        let summary = check_followers::handle(event, &deps).await.unwrap();
        let asked: BTreeSet<String> = std::mem::take(&mut *asked.lock().unwrap())
            .iter()
            .map(ToString::to_string)
            .collect();
        let left = summary
            .accounts
            .iter()
            .filter(|one| is_out_of_time(one))
            .count();
        assert_eq!((summary.failed, summary.skipped), (asked.len(), left));
        assert_eq!(summary.out_of_time, left);
        asked
    };
    let mut waiting = names.clone();
    for _ in 0..5 {
        let asked = round().await;
        assert!((9..200).contains(&asked.len()), "{}", asked.len());
        let asks_all_that_wait = waiting.is_subset(&asked);
        assert!(
            asks_all_that_wait || asked.is_subset(&waiting),
            "no account is checked twice before every account is checked once"
        );
        waiting = waiting.difference(&asked).cloned().collect();
    }
    assert!(
        waiting.is_empty(),
        "as many checks begin at once as there is room for, so five rounds are enough: {waiting:?}"
    );
}

fn is_out_of_time(checked: &Checked) -> bool {
    matches!(checked, Checked::Skipped { why, .. } if why.contains("no time was left"))
}
