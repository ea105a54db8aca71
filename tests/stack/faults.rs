//! What goes wrong between this program and the parts that it talks to: the ledger call by call, the
//! certificates of a network, answers that never end.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use aws_credential_types::Credentials;
use aws_sdk_dynamodb::config::{
    Region, SharedCredentialsProvider, retry::RetryConfig, timeout::TimeoutConfig,
};
use have_a_hug::{
    by_hand::{Step, by_hand},
    http,
    ledger::Ledger,
};
use hug::{port::Port, table};
use promise::hug::{Hug, Status};
use stand_ins::Fault;
use tests::proxy::{Proxy, Trouble, answer, read_request};
use tokio::net::TcpListener;
use tokio_rustls::{TlsAcceptor, rustls};

use crate::world::{AMBER, World, X, settings_of};

fn refused(status: &str, code: &str) -> Vec<u8> {
    let body = format!(
        r#"{{"__type":"com.amazonaws.dynamodb.v20120810#{code}","message":"a word from the table"}}"#
    );
    answer(status, "content-type: application/x-amz-json-1.0\r\n", body)
}

fn cancelled(reason: &str) -> Vec<u8> {
    let body = format!(
        r#"{{"__type":"com.amazonaws.dynamodb.v20120810#TransactionCanceledException","message":"Transaction cancelled","CancellationReasons":[{{"Code":"{reason}","Message":"busy"}},{{"Code":"None"}}]}}"#
    );
    answer(
        "400 Bad Request",
        "content-type: application/x-amz-json-1.0\r\n",
        body,
    )
}

/// Everything that can happen to one call of the ledger.
fn ledger_troubles() -> Vec<(&'static str, Trouble)> {
    let garbage = answer("200 OK", "content-type: application/json\r\n", "<html>");
    vec![
        ("cut before", Trouble::CutBefore),
        ("cut after", Trouble::CutAfter),
        ("late", Trouble::Late(Duration::from_millis(400))),
        (
            "500",
            Trouble::Instead(refused("500 Internal Server Error", "InternalServerError")),
        ),
        (
            "503 after the effect",
            Trouble::Garbled(answer("503 Service Unavailable", "", "busy")),
        ),
        (
            "throttled",
            Trouble::Instead(refused("400 Bad Request", "ThrottlingException")),
        ),
        (
            "throughput",
            Trouble::Instead(refused(
                "400 Bad Request",
                "ProvisionedThroughputExceededException",
            )),
        ),
        (
            "conflict",
            Trouble::Instead(cancelled("TransactionConflict")),
        ),
        (
            "transaction throttled",
            Trouble::Instead(cancelled("ThrottlingError")),
        ),
        ("garbage", Trouble::Instead(garbage.clone())),
        ("garbage after the effect", Trouble::Garbled(garbage)),
    ]
}

/// A ledger that talks to the table over a proxy, with the configuration that the functions have on
/// AWS; only its waits are shortened, so that nobody waits here.
fn ledger_over(proxy: &Proxy, key: &str, retries: bool) -> Ledger {
    let on_aws = have_a_hug::aws::config(&http::client().unwrap());
    let retry = if retries {
        on_aws
            .retry_config()
            .unwrap()
            .clone()
            .with_initial_backoff(Duration::from_millis(1))
    } else {
        RetryConfig::disabled()
    };
    let config = on_aws
        .into_builder()
        .region(Region::from_static("local"))
        .endpoint_url(&proxy.url)
        .credentials_provider(SharedCredentialsProvider::new(Credentials::new(
            key, "local", None, None, "local",
        )))
        .retry_config(retry)
        .timeout_config(
            TimeoutConfig::builder()
                .operation_attempt_timeout(Duration::from_millis(200))
                .build(),
        )
        .build();
    Ledger::new(have_a_hug::aws::dynamodb(&config), table::NAME)
}

/// What happens to which call from now on.
type Plot = Arc<std::sync::Mutex<Option<(usize, Trouble)>>>;

/// Crossings of one milestone after another, in each of which the next call of the ledger meets
/// `trouble`, until a crossing makes fewer calls. After each come rounds enough for whatever is to be
/// tried again.
async fn every_call_meets(name: &str, trouble: Trouble, retries: bool) {
    let mut world = World::<X>::unseen(598, "").await;
    let every_follower = settings_of::<X>(world.network.url(), "");
    let every_follower = every_follower.replace("step = 100", "step = 1");
    world.change_settings(&every_follower);
    world.check().await;
    world.fan();
    world.check().await;
    let plot = Plot::default();
    let calls = Arc::new(AtomicUsize::new(0));
    let (script, counted) = (Arc::clone(&plot), Arc::clone(&calls));
    let port = Port::open(world.stack.table.database()).await.unwrap();
    let proxy = Proxy::before(port.url(), move |_, _| {
        let call = counted.fetch_add(1, Ordering::SeqCst);
        match &*script.lock().unwrap() {
            Some((n, trouble)) if *n == call => trouble.clone(),
            _ => Trouble::None,
        }
    })
    .await;
    world.stack.deps.ledger = ledger_over(&proxy, port.key(), retries);
    for n in 0.. {
        let at = format!("{name} at call {n}");
        *plot.lock().unwrap() = Some((n, trouble.clone()));
        calls.store(0, Ordering::SeqCst);
        world.fan();
        world.round().await;
        *plot.lock().unwrap() = None;
        let made = calls.load(Ordering::SeqCst);
        let number = 600 + n as u64;
        let invited = |hug: &Hug| hug.milestone.number() == number && hug.status == Status::Invited;
        for _ in 0..5 {
            if world.hugs().await.iter().any(invited) {
                break;
            }
            world.round().await;
        }
        let (hugs, posts) = (world.hugs().await, world.posts());
        assert_eq!(world.promised_up_to().await, number, "{at}");
        assert_eq!(hugs.len(), n + 1, "one hug: {at}");
        assert_eq!(posts.len(), n + 1, "one invitation: {at}");
        let hug = world.hug(number).await;
        assert_eq!(hug.status, Status::Invited, "{at}: {hug:?}");
        let reference = hug.invitation.receipt.map(|receipt| receipt.reference);
        assert_eq!(reference.as_ref(), Some(&posts[n].id), "{at}");
        if made <= n {
            assert!(n > 8, "a crossing makes more calls than {n}");
            return;
        }
    }
}

async fn every_call_meets_every_trouble(retries: bool) {
    for (name, trouble) in ledger_troubles() {
        every_call_meets(name, trouble, retries).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_happens_to_one_call_of_the_ledger_there_is_one_hug_and_one_invitation() {
    every_call_meets_every_trouble(false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sdks_own_retries_of_a_call_that_was_carried_out_invite_nobody_twice() {
    every_call_meets_every_trouble(true).await;
}

/// A certificate authority of the test's own.
struct Authority {
    certificate: rcgen::Certificate,
    issuer: rcgen::Issuer<'static, rcgen::KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut parameters = rcgen::CertificateParams::new(Vec::new()).unwrap();
        parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        parameters.distinguished_name = rcgen::DistinguishedName::new();
        parameters.distinguished_name.push(
            rcgen::DnType::CommonName,
            format!("{:?}", key.public_key_raw()),
        );
        Self {
            certificate: parameters.self_signed(&key).unwrap(),
            issuer: rcgen::Issuer::new(parameters, key),
        }
    }

    /// The program's own client, which trusts this authority and no other.
    fn client(&self) -> reqwest::Client {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(self.certificate.der().clone()).unwrap();
        http::client_trusting(roots, Duration::from_secs(10)).unwrap()
    }

    /// A server on this machine with a certificate for `name`, and how often it got as far as a
    /// request. Each is answered as X answers for Amber.
    async fn server(&self, name: &str, years: std::ops::Range<i32>) -> Secure {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut parameters = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
        parameters.not_before = rcgen::date_time_ymd(years.start, 1, 1);
        parameters.not_after = rcgen::date_time_ymd(years.end, 1, 1);
        let certificate = parameters.signed_by(&key, &self.issuer).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                rustls::pki_types::PrivateKeyDer::Pkcs8(key.serialize_der().into()),
            )
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(tls));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
        let heads = Arc::clone(&seen);
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                let Ok(mut connection) = acceptor.accept(connection).await else {
                    continue;
                };
                let Ok((head, _)) = read_request(&mut connection).await else {
                    continue;
                };
                heads.lock().unwrap().push(head);
                let body = format!(
                    r#"{{"data":{{"id":"{AMBER}","name":"Amber","username":"amber","public_metrics":{{"followers_count":598}}}}}}"#
                );
                let answer = answer("200 OK", "content-type: application/json\r\n", body);
                let _ = tokio::io::AsyncWriteExt::write_all(&mut connection, &answer).await;
            }
        });
        Secure { port, seen }
    }
}

/// A server over TLS, and the heads of the requests that were sent to it.
struct Secure {
    port: u16,
    seen: Arc<std::sync::Mutex<Vec<String>>>,
}

impl Secure {
    fn url(&self) -> String {
        format!("https://localhost:{}", self.port)
    }

    /// What the first check of an account there says, with that client.
    async fn check(&self, http: &reqwest::Client) -> Result<u64, String> {
        let mut world = World::<X>::unseen(0, "").await;
        let settings = settings_of::<X>(&self.url(), "");
        world.change_settings_with(&settings, http);
        let mut summary = world.round().await;
        match summary.accounts.remove(0) {
            check_followers::Checked::Done(check) => Ok(check.followers.unwrap()),
            check_followers::Checked::Failed { error, .. }
            | check_followers::Checked::Skipped { why: error, .. } => Err(error),
        }
    }
}

const VALID: std::ops::Range<i32> = 2020..4000;

#[tokio::test]
async fn a_certificate_of_a_trusted_root_for_the_right_name_and_time_is_taken() {
    let authority = Authority::new();
    let server = authority.server("localhost", VALID).await;
    assert_eq!(server.check(&authority.client()).await, Ok(598));
    assert!(server.seen.lock().unwrap()[0].contains("OAuth "));
}

#[tokio::test]
async fn no_key_is_sent_to_a_server_whose_certificate_is_wrong() {
    let authority = Authority::new();
    let builtin = http::client().unwrap();
    let cases = [
        (
            authority.server("localhost", VALID).await,
            builtin,
            "UnknownIssuer",
        ),
        (
            Authority::new().server("localhost", VALID).await,
            authority.client(),
            "UnknownIssuer",
        ),
        (
            authority.server("localhost", 2020..2021).await,
            authority.client(),
            "expired",
        ),
        (
            authority.server("localhost", 3000..4000).await,
            authority.client(),
            "not valid yet",
        ),
        (
            authority.server("api.x.com", VALID).await,
            authority.client(),
            "not valid for name",
        ),
    ];
    for (server, client, why) in cases {
        let error = server.check(&client).await.unwrap_err();
        assert!(
            error.contains("x:amber") && error.contains("certificate") && error.contains(why),
            "expected: {why}\nsaid: {error}"
        );
        assert_eq!(*server.seen.lock().unwrap(), Vec::<String>::new(), "{why}");
    }
}

#[tokio::test]
async fn no_key_follows_a_redirect_to_another_host() {
    let elsewhere = Proxy::before("http://127.0.0.1:9", |_, _| Trouble::CutBefore).await;
    for status in ["301", "302", "303", "307", "308"] {
        let mut world = World::<X>::with_followers(599).await;
        let head = format!(
            "HTTP/1.1 {status} Elsewhere\r\nlocation: {}/2/tweets\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
            elsewhere.url
        );
        // The second request is for the newest followers, the third is the post.
        for at in [0, 1, 2] {
            world.fan();
            let redirect = head.clone().into_bytes();
            let proxy = Proxy::before(world.network.url(), move |number, _| {
                if number == at {
                    Trouble::Instead(redirect.clone())
                } else {
                    Trouble::None
                }
            })
            .await;
            let url = world.network.url().to_owned();
            let denser = |url: &str| {
                tests::settings("x", "amber", url, "").replace("step = 100", "step = 1")
            };
            world.change_settings(&denser(&proxy.url));
            world.round().await;
            assert!(proxy.seen().len() > at, "{status} at request {at}");
            world.change_settings(&denser(&url));
            for _ in 0..3 {
                world.check().await;
            }
        }
        assert_eq!(elsewhere.seen(), Vec::<String>::new(), "{status}");
        let hugs = world.hugs().await;
        assert!(hugs.iter().all(|hug| hug.status == Status::Invited));
        assert_eq!((hugs.len(), world.posts().len()), (3, 3), "{status}");
    }
}

/// A client that waits no longer than that, and the settings that lead it to the proxy.
fn impatient() -> reqwest::Client {
    http::client_trusting(rustls::RootCertStore::empty(), Duration::from_millis(300)).unwrap()
}

#[tokio::test]
async fn an_answer_that_drips_or_never_ends_is_cut_off_and_nothing_is_lost() {
    let quick = Duration::ZERO;
    let slow = Duration::from_millis(20);
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n";
    for (name, first, piece, pause, why) in [
        ("a body that drips", head, " ", slow, "timed out"),
        (
            "a head that drips",
            "HTTP/1.1 200 OK\r\nx-a: ",
            "a",
            slow,
            "timed out",
        ),
        ("silence", "", "", slow, "timed out"),
        (
            "an endless body",
            head,
            "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
            quick,
            "",
        ),
        (
            "endless headers",
            "HTTP/1.1 200 OK\r\n",
            "x-a: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n",
            quick,
            "",
        ),
    ] {
        let mut world = World::<X>::with_followers(599).await;
        world.fan();
        let url = world.network.url().to_owned();
        // The count, the list, and the post: between these, a second look at the count only helps.
        for at in [0, 1, 3] {
            let proxy = Proxy::before(&url, move |number, _| {
                if number == at {
                    Trouble::Endless(first, piece, pause)
                } else {
                    Trouble::None
                }
            })
            .await;
            let settings = settings_of::<X>(&proxy.url, "");
            world.change_settings_with(&settings, &impatient());
            let started = std::time::Instant::now();
            let summary = serde_json::to_string(&world.round().await).unwrap();
            assert!(started.elapsed() < Duration::from_secs(3), "{name}");
            if at < 3 {
                assert!(
                    summary.contains(why) && summary.contains("x:amber"),
                    "{name}: {summary}"
                );
                assert!(world.hugs().await.is_empty(), "{name}");
            } else {
                let reason = world.hug(600).await.reason.unwrap();
                assert!(
                    reason.contains(why) && reason.contains("x:amber"),
                    "{name}: {reason}"
                );
            }
        }
        world.move_back();
        for _ in 0..3 {
            world.check().await;
        }
        assert_eq!(world.invitations_to(600), 1, "{name}");
    }
}

#[tokio::test]
async fn a_retry_that_lost_the_race_is_decided_again() {
    let mut world = World::<X>::with_followers(599).await;
    world.fan();
    world
        .network
        .fail_next("POST /2/tweets", Fault::Status(401));
    world.check().await;
    let stuck = world.hug(600).await;
    assert_eq!(stuck.status, Status::Inviting);
    let lost = AtomicUsize::new(0);
    let port = Port::open(world.stack.table.database()).await.unwrap();
    let proxy = Proxy::before(port.url(), move |_, head| {
        if head.contains("TransactWriteItems") && lost.fetch_add(1, Ordering::SeqCst) == 0 {
            Trouble::Instead(cancelled("ConditionalCheckFailed"))
        } else {
            Trouble::None
        }
    })
    .await;
    let ledger = ledger_over(&proxy, port.key(), false);
    let settings = &world.stack.deps.settings;
    let retried = by_hand(
        &ledger,
        settings,
        &stuck.key(),
        &Step::Retry,
        world.clock.now(),
    )
    .await;
    assert_eq!(retried.unwrap().status, Status::Reached);
    assert_eq!(world.hug(600).await.status, Status::Reached);
}
