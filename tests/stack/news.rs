//! News for the creator on AWS: from the stream to a topic.

use std::sync::{Arc, Mutex};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_sdk_dynamodb::config::retry::RetryConfig;
use axum::{Router, http::StatusCode};
use have_a_hug::{aws::OverReqwest, http, ledger::Ledger, news::News, signed::Service};
use hug::table;
use lambda_runtime::{Context, LambdaEvent};
use promise::hug::Status;
use serde_json::{Value, json};
use tests::function::listed_rights;

use crate::world::{AMBER, World, X, stream_event};

/// The fields of a form, with their values.
type Form = Vec<(String, String)>;

/// What was asked of a topic.
#[derive(Clone, Default)]
struct Topic {
    forms: Arc<Mutex<Vec<Form>>>,
    refusing: Arc<Mutex<bool>>,
}

const ARN: &str = "arn:aws:sns:local:000000000000:news";

impl Topic {
    /// A topic of SNS to which the news of this world are published.
    async fn of(world: &mut World<X>) -> Self {
        let topic = Self::default();
        let kept = topic.clone();
        let answer = move |body: String| {
            let answer = kept.take(&body);
            async { answer }
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
        let credentials = Credentials::new("local", "local", None, None, "local");
        let aws = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::from_static("local"))
            .endpoint_url(address)
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .build();
        let sns = Service::new("sns", &aws, http::client().unwrap()).unwrap();
        let clock = world.stack.deps.clock.clone();
        world.stack.deps.news = News::to_topic(sns, ARN.to_owned(), clock);
        topic
    }

    fn take(&self, body: &str) -> (StatusCode, String) {
        if *self.refusing.lock().unwrap() {
            let code =
                "<Type>Sender</Type><Code>AuthorizationError</Code><Message>not this one</Message>";
            let answer = format!("<ErrorResponse><Error>{code}</Error></ErrorResponse>");
            return (StatusCode::FORBIDDEN, answer);
        }
        let url = reqwest::Url::parse(&format!("http://form/?{body}")).unwrap();
        let form = url.query_pairs().into_owned().collect();
        self.forms.lock().unwrap().push(form);
        let result = "<PublishResult><MessageId>1</MessageId></PublishResult>";
        let answer = format!("<PublishResponse>{result}</PublishResponse>");
        (StatusCode::OK, answer)
    }

    fn refuse(&self, refuse: bool) {
        *self.refusing.lock().unwrap() = refuse;
    }

    /// The subject and the text of everything that was published.
    fn published(&self) -> Vec<(String, String)> {
        let forms = self.forms.lock().unwrap();
        let field = |form: &[(String, String)], name: &str| {
            let found = form.iter().find(|(known, _)| known == name);
            found.map(|(_, value)| value.clone()).unwrap()
        };
        let published = forms.iter().map(|form| {
            assert_eq!(field(form, "TopicArn"), ARN);
            (field(form, "Subject"), field(form, "Message"))
        });
        published.collect()
    }

    /// The rights that the requests to the topic need.
    fn rights(&self) -> Vec<String> {
        let forms = self.forms.lock().unwrap();
        let fields = forms.iter().flatten();
        let actions = fields.filter(|(name, _)| name == "Action");
        actions.map(|(_, action)| format!("sns:{action}")).collect()
    }
}

/// A stream record of the hug for `milestone`, with this status and this news.
fn record(number: u64, milestone: u64, status: &str, news: &str) -> Value {
    let image = json!({
        "pk": { "S": format!("x#{AMBER}") }, "sk": { "S": format!("milestone#{milestone:010}") },
        "account": { "S": "x:amber" }, "status": { "S": status }, "news": { "S": news },
    });
    json!({
        "eventID": number.to_string(), "eventName": "MODIFY", "eventSource": "aws:dynamodb", "awsRegion": "local",
        "dynamodb": {
            "SequenceNumber": number.to_string(), "StreamViewType": "NEW_IMAGE", "SizeBytes": 100,
            "ApproximateCreationDateTime": 1_795_000_000,
            "Keys": { "pk": image["pk"], "sk": image["sk"] }, "NewImage": image,
        },
    })
}

/// Passes the records to invite-follower. Returns the sequence numbers that it reports as failed.
async fn handle(world: &World<X>, records: &[Value]) -> Vec<String> {
    let event = LambdaEvent::new(stream_event(records), Context::default());
    let answer = invite_follower::handle(event, &world.stack.deps).await;
    let failures = answer.unwrap().batch_item_failures.into_iter();
    failures.filter_map(|one| one.item_identifier).collect()
}

/// Amber owes 600 and 700, and neither is invited yet.
async fn owing_two() -> World<X> {
    let mut world = World::<X>::with_followers(599).await;
    world.fans(101);
    world.check_only().await;
    world
}

fn news(milestone: u64, text: &str) -> (String, String) {
    (format!("Have a Hug: x:amber {milestone}"), text.to_owned())
}

#[tokio::test]
async fn the_news_of_a_hug_are_published_with_its_account_and_number_and_its_letter_is_sent() {
    let mut world = owing_two().await;
    let topic = Topic::of(&mut world).await;
    let batch = [
        record(1, 600, "reached", "@fan0600 is number 600.\nIt is certain."),
        record(2, 700, "to_send", "Number 700 waits for you."),
    ];
    assert!(handle(&world, &batch).await.is_empty());
    assert_eq!(
        topic.published(),
        [
            news(600, "@fan0600 is number 600.\nIt is certain."),
            news(700, "Number 700 waits for you.")
        ]
    );
    assert_eq!(world.invitations_to(600), 1);
    assert_eq!(
        world.hug(700).await.status,
        Status::Reached,
        "a record whose status is not `reached` sends no letter"
    );
    let mut listed = listed_rights("invite-follower");
    listed.retain(|right| right.starts_with("sns:"));
    assert!(!listed.is_empty());
    assert_eq!(listed, topic.rights().into_iter().collect());
}

#[tokio::test]
async fn news_that_cannot_be_published_delay_no_letter_and_fail_no_batch() {
    let mut world = owing_two().await;
    let topic = Topic::of(&mut world).await;
    topic.refuse(true);
    let batch = [
        record(1, 600, "reached", "600"),
        record(2, 700, "reached", "700"),
    ];
    assert!(handle(&world, &batch).await.is_empty());
    assert_eq!(
        (world.invitations_to(600), world.invitations_to(700)),
        (1, 1)
    );
    assert_eq!(topic.published(), []);
}

#[tokio::test]
async fn the_news_of_a_record_that_is_delivered_again_are_published_once() {
    let mut world = owing_two().await;
    let topic = Topic::of(&mut world).await;
    let batch = [
        record(1, 600, "reached", "600"),
        record(2, 700, "invited", "700"),
    ];
    let table = world.stack.table.client();
    let out_of_reach = table.config().to_builder();
    let out_of_reach = out_of_reach
        .endpoint_url("http://127.0.0.1:9")
        .http_client(OverReqwest(http::client().unwrap()))
        .retry_config(RetryConfig::disabled());
    let out_of_reach = aws_sdk_dynamodb::Client::from_conf(out_of_reach.build());
    let ledger = Ledger::new(table.clone(), table::NAME);
    world.stack.deps.ledger = Ledger::new(out_of_reach, table::NAME);
    assert_eq!(handle(&world, &batch).await, ["1"]);
    assert_eq!(
        topic.published(),
        [news(600, "600")],
        "the news are published although the letter failed"
    );
    world.stack.deps.ledger = ledger;
    assert!(handle(&world, &batch).await.is_empty());
    assert_eq!(topic.published(), [news(600, "600"), news(700, "700")]);
}

#[tokio::test]
async fn a_record_with_news_of_another_type_is_delivered_all_the_same() {
    let mut world = owing_two().await;
    let topic = Topic::of(&mut world).await;
    let mut odd = record(1, 600, "reached", "");
    odd["dynamodb"]["NewImage"]["news"] = json!({ "N": "7" });
    assert!(handle(&world, &[odd]).await.is_empty());
    assert_eq!(world.invitations_to(600), 1);
    assert_eq!(topic.published(), []);
}
