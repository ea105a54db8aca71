//! The rights that each function needs on DynamoDB, observed: what its scenarios ask of it must be what
//! `infra/rights.json` lists. What it needs to start is observed in `functions/FUNCTION/tests`. `make validate` compares
//! that file with the roles in `infra/template.yaml`.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use have_a_hug::by_hand::{Step, by_hand};
use promise::{
    hug::{HugKey, Status},
    milestone::Milestone,
};
use serde_json::json;
use stand_ins::Fault;
use tests::{
    function::{listed_rights, rights_of},
    settings,
};

use crate::{
    topic::{invited, song},
    world::{Recorder, World, X},
};

/// The rights of each function, by its name.
type Rights = BTreeMap<String, BTreeSet<String>>;

const CHECK: &str = "check-followers";
const INVITE: &str = "invite-follower";

/// One scenario, whose requests are sorted by the function that made them.
struct Observed<'a> {
    world: World<X>,
    table: Recorder,
    rights: &'a mut Rights,
}

impl<'a> Observed<'a> {
    fn begin(mut world: World<X>, rights: &'a mut Rights) -> Self {
        let table = Recorder::attach(&mut world.stack);
        Self {
            world,
            table,
            rights,
        }
    }

    /// Runs `check-followers`, then `invite-follower` with what it wrote.
    async fn round(&mut self) {
        self.world.check_only().await;
        self.keep(CHECK);
        self.world.stack.deliver().await.unwrap();
        self.keep(INVITE);
    }

    fn keep(&mut self, function: &str) {
        let rights = self.rights.entry(function.to_owned()).or_default();
        for (target, body) in self.table.take_requests() {
            rights.extend(rights_of(&target, &body));
        }
    }
}

/// A baseline, an idle check, a milestone with its invitation, and a check after it.
async fn a_milestone(rights: &mut Rights, more: &str) {
    let mut observed = Observed::begin(World::<X>::unseen(598, more).await, rights);
    observed.round().await;
    observed.round().await;
    observed.world.fans(3);
    observed.round().await;
    observed.round().await;
    let hug = observed.world.hug(600).await;
    assert!(hug.invitation.words.is_some());
}

/// An account at which nothing happens for an hour, so that only its count is recorded.
async fn an_idle_hour(rights: &mut Rights) {
    let mut observed = Observed::begin(World::<X>::with_followers(3).await, rights);
    observed.round().await;
    observed.world.clock.advance(Duration::from_hours(1));
    observed.round().await;
}

/// A network that asks to wait, first whoever reads and then whoever sends; a later check puts the hug back to work.
async fn rate_limits(rights: &mut Rights) {
    let mut observed = Observed::begin(World::<X>::with_followers(599).await, rights);
    let limit = || Fault::RateLimited { for_seconds: 600 };
    observed.world.fan();
    observed.world.network.fail_next("GET /2/users", limit());
    observed.world.network.fail_next("POST /2/tweets", limit());
    for _ in 0..8 {
        observed.round().await;
    }
    assert_eq!(observed.world.invitations_to(600), 1);
}

/// A network that refuses the invitation, loses its answer, or does not take the keys.
async fn failures(rights: &mut Rights) {
    for fault in [
        Fault::Status(400),
        Fault::Status(401),
        Fault::Status(500),
        Fault::AnswerLost,
    ] {
        let mut observed = Observed::begin(World::<X>::with_followers(599).await, rights);
        observed.world.fan();
        observed.world.network.fail_next("POST /2/tweets", fault);
        for _ in 0..6 {
            observed.round().await;
        }
    }
}

/// An account that gets a new handle while its hug is under way.
async fn a_new_handle(rights: &mut Rights) {
    let mut world = World::<X>::with_followers(599).await;
    world.fan();
    world
        .network
        .fail_next("POST /2/tweets", Fault::Status(401));
    world.check().await;
    world.network.rename("amber", "amberlane");
    let url = world.network.url().to_owned();
    world.change_settings(&settings("x", "amberlane", &url, ""));
    let mut observed = Observed::begin(world, rights);
    observed.round().await;
    observed.round().await;
    assert_eq!(observed.world.invitations_to(600), 1);
}

/// A hug whose follower the creator chooses by handle.
async fn a_choice(rights: &mut Rights) {
    let world = World::<X>::with_followers(640).await;
    let deps = &world.stack.deps;
    let key = HugKey {
        id: world.account().await.key(),
        milestone: Milestone::from_number(600).unwrap(),
    };
    let approve = Step::Approve {
        chosen: Some("fan0007".to_owned()),
    };
    by_hand(
        &deps.ledger,
        &deps.settings,
        &key,
        &approve,
        deps.clock.now(),
    )
    .await
    .unwrap();
    let mut observed = Observed::begin(world, rights);
    observed.round().await;
    assert_eq!(observed.world.invitations_to(600), 1);
}

/// A hug whose follower answers with a topic, and gets the song; and one whose follower says stop.
async fn answers(rights: &mut Rights) {
    for answer in ["@amber rain", "@amber stop"] {
        let (world, fan, invitation) = invited::<X>("").await;
        world.network.answer(&fan, answer, &invitation);
        let id = world.account().await.key();
        let mut observed = Observed::begin(world, rights);
        observed.round().await;
        let deps = &observed.world.stack.deps;
        let milestone = Milestone::from_number(600).unwrap();
        let (key, now) = (HugKey { id, milestone }, deps.clock.now());
        let song = song("dQw4w9WgXcQ");
        let posted = by_hand(&deps.ledger, &deps.settings, &key, &song, now).await;
        // The command has rights of its own.
        observed.table.take_requests();
        observed.round().await;
        let status = observed.world.hug(600).await.status;
        let end = posted.map_or(Status::Declined, |_| Status::Hugged);
        assert_eq!(status, end, "{answer}");
    }
}

#[tokio::test]
async fn each_function_uses_the_rights_in_infra_rights_json_and_no_others() {
    let mut observed = Rights::new();
    a_milestone(&mut observed, "").await;
    a_milestone(&mut observed, "contact = [\"draft\"]").await;
    an_idle_hour(&mut observed).await;
    rate_limits(&mut observed).await;
    failures(&mut observed).await;
    a_new_handle(&mut observed).await;
    a_choice(&mut observed).await;
    Box::pin(answers(&mut observed)).await;

    for function in [CHECK, INVITE] {
        let mut listed = listed_rights(function);
        listed.retain(|right| right.starts_with("dynamodb:"));
        assert_eq!(
            observed[function], listed,
            "used by {function}, and listed in infra/rights.json. If the code is right, change that file, and the roles \
             in infra/template.yaml until `make validate` passes."
        );
    }
}

#[test]
fn a_transaction_takes_the_rights_of_what_is_in_it_and_a_decrypted_answer_the_one_to_the_key() {
    let writes = json!({ "TransactItems": [{ "Put": {} }, { "Update": {} }, { "Delete": {} }, { "ConditionCheck": {} }] });
    assert_eq!(
        rights_of("DynamoDB_20120810.TransactWriteItems", &writes),
        ["PutItem", "UpdateItem", "DeleteItem", "ConditionCheckItem"]
            .map(|action| format!("dynamodb:{action}"))
    );
    let read = |decrypted: bool| {
        rights_of(
            "AmazonSSM.GetParametersByPath",
            &json!({ "WithDecryption": decrypted }),
        )
    };
    assert_eq!(read(true), ["ssm:GetParametersByPath", "kms:Decrypt"]);
    assert_eq!(read(false), ["ssm:GetParametersByPath"]);
}
