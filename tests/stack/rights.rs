//! The rights that each function needs on AWS, observed: what its scenarios ask of DynamoDB and of Parameter Store must
//! be what `infra/rights.json` lists. `make validate` compares that file with the roles in `infra/template.yaml`.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    sync::{Arc, Mutex},
};

use axum::{Json, Router, http::HeaderMap};
use serde_json::{Value, json};
use stand_ins::Fault;

use crate::{
    command::binary,
    world::{Counted, World, settings},
};

/// The rights of each function, by its name.
type Rights = BTreeMap<String, BTreeSet<String>>;

const CHECK: &str = "check-followers";
const INVITE: &str = "invite-follower";

/// The rights that one request takes: `DynamoDB_20120810.GetItem` takes `dynamodb:GetItem`, a transaction takes those of
/// the writes in it, and a decrypted answer takes the right to the key.
fn rights_of(target: &str, body: &Value) -> Vec<String> {
    let (service, operation) = match target.split_once('.') {
        Some(("DynamoDB_20120810", operation)) => ("dynamodb", operation),
        Some(("AmazonSSM", operation)) => ("ssm", operation),
        _ => panic!("{target} is a request to a service that this test does not know yet"),
    };
    let mut rights = match operation {
        // {"Put": …}, {"Update": …}, {"Delete": …} or {"ConditionCheck": …}
        "TransactWriteItems" => {
            let writes = body["TransactItems"].as_array().unwrap();
            let kinds = writes
                .iter()
                .flat_map(|one| one.as_object().unwrap().keys());
            kinds.map(|kind| format!("dynamodb:{kind}Item")).collect()
        }
        "TransactGetItems" => vec!["dynamodb:GetItem".to_owned()],
        _ => vec![format!("{service}:{operation}")],
    };
    if body["WithDecryption"] == true {
        rights.push("kms:Decrypt".to_owned());
    }
    rights
}

/// One scenario, whose requests are kept by the function that made them.
struct Observed<'a> {
    world: World,
    table: Counted,
    rights: &'a mut Rights,
}

impl<'a> Observed<'a> {
    fn begin(mut world: World, rights: &'a mut Rights) -> Self {
        let table = Counted::attach(&mut world.stack);
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
    let mut observed = Observed::begin(World::unseen(598, more).await, rights);
    observed.round().await;
    observed.round().await;
    observed.world.fans(3);
    observed.round().await;
    observed.round().await;
    let hug = observed.world.hug(600).await;
    assert!(hug.invitation.unwrap().reference.is_some());
}

/// A network that asks to wait, first whoever reads and then whoever sends; a later check puts the hug back to work.
async fn rate_limits(rights: &mut Rights) {
    let mut observed = Observed::begin(World::with_followers(599).await, rights);
    let limit = || Fault::RateLimited { for_seconds: 600 };
    observed.world.fan();
    observed.world.x.fail_next("GET /2/users", limit());
    observed.world.x.fail_next("POST /2/tweets", limit());
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
        let mut observed = Observed::begin(World::with_followers(599).await, rights);
        observed.world.fan();
        observed.world.x.fail_next("POST /2/tweets", fault);
        for _ in 0..6 {
            observed.round().await;
        }
    }
}

/// An account that gets a new handle while its hug is under way.
async fn a_new_handle(rights: &mut Rights) {
    let mut world = World::with_followers(599).await;
    world.fan();
    world.x.fail_next("POST /2/tweets", Fault::Status(401));
    world.check().await;
    world.x.rename("amber", "amberlane");
    let url = world.x.url().to_owned();
    world.resettle(&settings("x", "amberlane", &url, ""));
    let mut observed = Observed::begin(world, rights);
    observed.round().await;
    observed.round().await;
    assert_eq!(observed.world.invitations_to(600), 1);
}

/// What each function asks of AWS before its first event, from its real binary.
async fn starts(rights: &mut Rights) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&seen);
    let answer = move |headers: HeaderMap, body: String| {
        let target = headers["x-amz-target"].to_str().unwrap().to_owned();
        let body = serde_json::from_str(&body).unwrap();
        kept.lock().unwrap().push((target, body));
        // No parameters: the function says what is missing, and ends.
        async { Json(json!({ "Parameters": [] })) }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
    for function in [CHECK, INVITE] {
        let mut command = binary(function);
        command.envs([
            ("HUG_TABLE", "ledger"),
            ("HUG_PARAMETERS", "/have-a-hug"),
            ("AWS_ENDPOINT_URL", &address),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
        ]);
        let ended = tokio::task::spawn_blocking(move || command.output().unwrap());
        let log = String::from_utf8(ended.await.unwrap().stdout).unwrap();
        assert!(
            log.contains("there is no parameter /have-a-hug/settings"),
            "{log}"
        );
        let rights = rights.entry(function.to_owned()).or_default();
        for (target, body) in seen.lock().unwrap().drain(..) {
            rights.extend(rights_of(&target, &body));
        }
    }
}

#[tokio::test]
async fn each_function_uses_the_rights_in_infra_rights_json_and_no_others() {
    let mut observed = Rights::new();
    a_milestone(&mut observed, "").await;
    a_milestone(&mut observed, "contact = [\"draft\"]").await;
    rate_limits(&mut observed).await;
    failures(&mut observed).await;
    a_new_handle(&mut observed).await;
    starts(&mut observed).await;

    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../infra/rights.json");
    let listed: Rights = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    let missing = |from: &Rights, of: &Rights, what: &str| -> Vec<String> {
        let none = BTreeSet::new();
        let each = of.iter().flat_map(|(function, rights)| {
            let there = from.get(function).unwrap_or(&none);
            rights
                .difference(there)
                .map(move |right| format!("{function} {what} {right}"))
        });
        each.collect()
    };
    let mut wrong = missing(&listed, &observed, "makes a call that is not listed:");
    wrong.extend(missing(
        &observed,
        &listed,
        "makes no call in any scenario for",
    ));
    assert!(
        wrong.is_empty(),
        "{}\nIf the code is right, let infra/rights.json be this, and change the roles in infra/template.yaml \
         until `make validate` passes:\n{}",
        wrong.join("\n"),
        serde_json::to_string_pretty(&observed).unwrap()
    );
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
