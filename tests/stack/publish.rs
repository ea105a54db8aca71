//! The songbook on AWS: when `check-followers` puts the page into its bucket, and that nothing there spoils a check.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_sigv4::{
    http_request::{
        PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings,
        UriPathNormalizationMode, sign,
    },
    sign::v4::SigningParams,
};
use axum::{
    Router,
    body::Bytes,
    http::{HeaderMap, Method, StatusCode, Uri},
};
use have_a_hug::{bucket::Bucket, http, publish::Publisher};
use jiff::{civil::DateTime, tz::TimeZone};
use lambda_runtime::{Context, LambdaEvent};
use promise::hug::Status;
use serde_json::json;
use stand_ins::Fault;
use tests::function::{listed_rights, rights_of};

use crate::{
    topic::{invited, song, step},
    world::{Recorder, World, X},
};

/// A stand-in for a bucket of S3. It takes files whose request is signed with its credentials.
#[derive(Clone, Default)]
struct Shelf {
    /// The key, the headers and the content of each file that was put.
    files: Arc<Mutex<Vec<(String, HeaderMap, String)>>>,
    /// What it answers instead of taking a file.
    refusal: Arc<Mutex<Option<(StatusCode, &'static str)>>>,
}

const BUCKET: &str = "amber-songbook";

fn credentials() -> Credentials {
    Credentials::new(
        "AKIDLOCAL",
        "local secret",
        Some("local session".to_owned()),
        None,
        "local",
    )
}

impl Shelf {
    /// A bucket in which the songbook of this world is published.
    async fn of(world: &mut World<X>) -> Self {
        let shelf = Self::default();
        let kept = shelf.clone();
        let answer = move |method: Method, uri: Uri, headers: HeaderMap, body: Bytes| {
            let answer = kept.take(&method, &uri, headers, &body);
            async { answer }
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
        publish_at(world, &address);
        shelf
    }

    fn take(
        &self,
        method: &Method,
        uri: &Uri,
        headers: HeaderMap,
        body: &[u8],
    ) -> (StatusCode, String) {
        assert_eq!(method, Method::PUT);
        assert_eq!(
            headers["authorization"],
            authorization(method, uri, &headers, body),
            "the signature is that of what arrived"
        );
        if let Some((status, body)) = *self.refusal.lock().unwrap() {
            return (status, body.to_owned());
        }
        let key = uri.path().strip_prefix(&format!("/{BUCKET}/")).unwrap();
        let text = String::from_utf8(body.to_vec()).unwrap();
        let mut files = self.files.lock().unwrap();
        files.push((key.to_owned(), headers, text));
        (StatusCode::OK, String::new())
    }

    fn refuse(&self, with: Option<(StatusCode, &'static str)>) {
        *self.refusal.lock().unwrap() = with;
    }

    /// The pages that were put since the last call of this.
    fn pages(&self) -> Vec<String> {
        let files = std::mem::take(&mut *self.files.lock().unwrap());
        let pages = files.into_iter().map(|(key, headers, page)| {
            assert_eq!(key, "index.html");
            assert_eq!(headers["content-type"], "text/html; charset=utf-8");
            assert_eq!(headers["cache-control"], "max-age=60");
            page
        });
        pages.collect()
    }

    /// The page that was put since the last call of this, and only that.
    fn page(&self) -> String {
        let mut pages = self.pages();
        assert_eq!(pages.len(), 1, "one page was put");
        pages.remove(0)
    }
}

/// The songbook is published in a bucket at that address from now on, by a new process.
fn publish_at(world: &mut World<X>, address: &str) {
    let aws = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static("eu-central-1"))
        .endpoint_url(address)
        .credentials_provider(SharedCredentialsProvider::new(credentials()))
        .build();
    let bucket = Bucket::new(BUCKET.to_owned(), &aws, http::client().unwrap());
    world.stack.deps.publisher = Some(Publisher::new(bucket.unwrap()));
}

/// The header that S3 would compute of a request that arrived, with the headers that it says are signed.
fn authorization(method: &Method, uri: &Uri, headers: &HeaderMap, body: &[u8]) -> String {
    let text = |name: &str| headers[name].to_str().unwrap();
    let listed = text("authorization").split("SignedHeaders=").nth(1);
    let listed = listed.unwrap().split(',').next().unwrap().split(';');
    // The signer adds the others itself.
    let own: Vec<_> = listed
        .filter(|name| *name != "host" && !name.starts_with("x-amz-"))
        .map(|name| (name, text(name)))
        .collect();
    let url = format!("http://{}{uri}", text("host"));
    let request = SignableRequest::new(
        method.as_str(),
        url,
        own.into_iter(),
        SignableBody::Bytes(body),
    );
    let time = DateTime::strptime("%Y%m%dT%H%M%SZ", text("x-amz-date")).unwrap();
    let mut settings = SigningSettings::default();
    settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    settings.percent_encoding_mode = PercentEncodingMode::Single;
    settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
    let identity = credentials().into();
    let params = SigningParams::builder()
        .identity(&identity)
        .region("eu-central-1")
        .name("s3")
        .time(time.to_zoned(TimeZone::UTC).unwrap().timestamp().into())
        .settings(settings)
        .build();
    let (signature, _) = sign(request.unwrap(), &params.unwrap().into())
        .unwrap()
        .into_parts();
    let mut headers = signature.headers();
    let (_, value) = headers.find(|(name, _)| *name == "authorization").unwrap();
    value.to_owned()
}

/// An event of the schedule, with so much of the function's time left.
fn event(
    world: &World<X>,
    left: Option<Duration>,
    payload: &serde_json::Value,
) -> LambdaEvent<serde_json::Value> {
    let mut context = Context::default();
    if let Some(left) = left {
        let deadline = world.clock.now() + left;
        context.deadline = u64::try_from(deadline.as_millisecond()).unwrap();
    }
    LambdaEvent::new(payload.clone(), context)
}

#[tokio::test]
async fn the_page_is_put_by_the_first_check_of_an_hour_and_by_no_other() {
    let mut world = World::<X>::with_followers(543).await;
    let shelf = Shelf::of(&mut world).await;
    world.check_only().await;
    let page = shelf.page();
    assert!(page.starts_with("<!DOCTYPE html>"), "{page}");
    assert!(page.contains("57 to go"), "{page}");
    // From 14:15 to 14:55.
    for _ in 0..9 {
        world.fan();
        world.check_only().await;
    }
    assert_eq!(shelf.pages().len(), 0);
    world.check_only().await;
    assert!(shelf.page().contains("48 to go"));
    world.check_only().await;
    assert_eq!(shelf.pages().len(), 0);
}

#[tokio::test]
async fn a_hug_that_moves_is_on_the_page_after_the_next_check() {
    let mut world = World::<X>::with_followers(599).await;
    let shelf = Shelf::of(&mut world).await;
    world.check().await;
    shelf.page();
    let fan = world.fan();
    world.check().await;
    let crossed = shelf.page();
    // The invitation went out after that check.
    world.check().await;
    let was_invited = shelf.page();
    assert_ne!(crossed, was_invited);
    assert!(
        !was_invited.contains(&fan),
        "nobody is named before they ask"
    );
    world.check().await;
    assert_eq!(shelf.pages().len(), 0);

    let invitation = world
        .hug(600)
        .await
        .invitation
        .reference()
        .unwrap()
        .to_owned();
    world.network.answer(&fan, "@amber about rain", &invitation);
    world.check().await;
    let asked = shelf.page();
    assert!(
        asked.contains(&fan) && asked.contains("about rain"),
        "{asked}"
    );
    step(&mut world, song("dQw4w9WgXcQ")).await.unwrap();
    assert_eq!(world.hug(600).await.status, Status::Hugged);
    world.check().await;
    let sung = shelf.page();
    assert!(sung.contains("dQw4w9WgXcQ"), "{sung}");
    world.check().await;
    assert_eq!(shelf.pages().len(), 0);
}

#[tokio::test]
async fn a_page_that_would_say_the_same_is_not_put() {
    let mut world = World::<X>::with_followers(543).await;
    let shelf = Shelf::of(&mut world).await;
    world.check_only().await;
    shelf.page();
    // From 14:15 to 16:10 no check can read the account, so there is no new count.
    world
        .network
        .fail_next("GET /2/users", Fault::RateLimited { for_seconds: 7200 });
    for _ in 0..24 {
        world.check_only().await;
    }
    assert_eq!(shelf.pages().len(), 0);
    // The count of 16:15 is on the page of 17:00.
    for _ in 0..10 {
        world.check_only().await;
    }
    shelf.page();
}

#[tokio::test]
async fn a_bucket_that_fails_spoils_no_check_and_the_next_check_tries_again() {
    let mut world = World::<X>::with_followers(543).await;
    let shelf = Shelf::of(&mut world).await;
    let denied = "<Error><Code>AccessDenied</Code><Message>no</Message></Error>";
    for refusal in [
        (StatusCode::FORBIDDEN, denied),
        (StatusCode::NOT_FOUND, ""),
        (StatusCode::SERVICE_UNAVAILABLE, "slow down"),
        (StatusCode::TEMPORARY_REDIRECT, ""),
    ] {
        shelf.refuse(Some(refusal));
        let check = world.check_only().await;
        assert_eq!(check.followers, Some(543));
        assert_eq!(shelf.pages().len(), 0);
    }
    shelf.refuse(None);
    world.check_only().await;
    shelf.page();

    // Nothing listens there.
    publish_at(&mut world, "http://127.0.0.1:9");
    let fan = world.fan();
    let check = world.check_only().await;
    assert_eq!(check.followers, Some(544), "{fan}");
}

#[tokio::test]
async fn a_dry_run_publishes_nothing() {
    let mut world = World::<X>::with_followers(543).await;
    let shelf = Shelf::of(&mut world).await;
    let event = event(&world, None, &json!({ "dry_run": true }));
    check_followers::handle(event, &world.stack.deps)
        .await
        .unwrap();
    assert_eq!(shelf.pages().len(), 0);
}

#[tokio::test]
async fn a_round_that_has_used_up_its_time_leaves_the_page_to_the_next_one() {
    let mut world = World::<X>::with_followers(543).await;
    let shelf = Shelf::of(&mut world).await;
    for (left, pages) in [(29, 0), (31, 1)] {
        let event = event(&world, Some(Duration::from_secs(left)), &json!({}));
        check_followers::handle(event, &world.stack.deps)
            .await
            .unwrap();
        assert_eq!(shelf.pages().len(), pages, "{left} seconds are left");
    }
}

#[tokio::test]
async fn publishing_takes_one_right_more_and_reads_the_ledger_five_times() {
    let (mut world, _, _) = invited::<X>("").await;
    let table = Recorder::attach(&mut world.stack);
    let rights_used = || {
        let requests = table.take_requests().into_iter();
        let rights = requests.flat_map(|(target, body)| rights_of(&target, &body));
        rights.collect::<Vec<String>>()
    };
    world.check_only().await;
    let without = rights_used();
    let shelf = Shelf::of(&mut world).await;
    world.check_only().await;
    shelf.page();
    let with = rights_used();
    // The handle, the account, its hugs, its counts, and who said stop.
    assert_eq!(with.len(), without.len() + 5, "{with:?}");
    let listed = listed_rights("check-followers");
    assert!(with.iter().all(|right| listed.contains(right)), "{with:?}");
    // The bucket asserts that nothing but a PUT arrives.
    let of_bucket = listed.iter().filter(|right| right.starts_with("s3:"));
    assert_eq!(of_bucket.collect::<Vec<_>>(), ["s3:PutObject"]);
}
