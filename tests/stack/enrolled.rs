//! Accounts whose settings are in the table, with a sealed login: who can open it, that their promise is kept, and that
//! nothing is left of them.

use std::time::Duration;

use check_followers::Summary;
use have_a_hug::{
    deps::Deps,
    enrolled::Enrollment,
    forget::forget_account,
    ledger::{EnrolledSettings, Ledger, Row},
    networks,
    seal::{Owner, Seal},
    secret::Credentials,
    settings::{NotServed, Settings},
    transfer, whole,
};
use hug::{stack::Stack, table};
use lambda_runtime::{Context, LambdaEvent};
use promise::{account::AccountName, hug::Status};
use serde_json::json;
use stand_ins::{Fault, secret};
use tests::kms::{KEY, Kms};

use crate::world::{Bluesky, Mastodon, Recorder, TestNetwork, World, X, settings_of};

/// The access key ids of the two functions, or of whoever else asks KMS.
const FUNCTIONS: &str = "AKIDFUNCTIONS";
const STRANGER: &str = "AKIDSTRANGER";

/// Amber is in the table and not in hug.toml.
struct Enrolled<N: TestNetwork> {
    world: World<N>,
    kms: Kms,
    name: AccountName,
}

impl<N: TestNetwork> Enrolled<N> {
    /// With so many followers, before the first check.
    async fn with_followers(n: u64) -> Self {
        let world = World::<N>::unseen(n, "").await;
        let name = world.stack.deps.settings.accounts[0].name.clone();
        let mut enrolled = Self {
            kms: Kms::start().await,
            world,
            name,
        };
        enrolled.restart(FUNCTIONS);
        let seal = enrolled.kms.seal(table::NAME, FUNCTIONS);
        enrolled.put_settings(&enrolled.settings(), &seal).await;
        enrolled
    }

    /// Her settings, as hug.toml would have them.
    fn settings(&self) -> String {
        settings_of::<N>(self.world.network.url(), "")
    }

    /// The functions start anew: their hug.toml names no account, and this is who they are for KMS.
    fn restart(&mut self, access_key: &str) {
        let of_the_app = |name: &str| {
            secret(name).filter(|_| name.ends_with("BEARER_TOKEN") || name.contains("_API_"))
        };
        let settings =
            Settings::parse_for_table("[plan]\nfirst = 1\nstep = 1\n", "hug.toml", &of_the_app);
        let http = have_a_hug::http::client().unwrap();
        self.world.use_settings(settings.unwrap(), &http);
        self.world.stack.deps.seal = Some(self.kms.seal(table::NAME, access_key));
    }

    /// Puts settings into the table, with her login.
    async fn put_settings(&self, settings: &str, seal: &Seal) {
        let read = Settings::parse(settings, "hug.toml", &secret).unwrap();
        let credentials = read.accounts[0].credentials.as_ref().unwrap();
        let login = credentials.of_the_account(networks::rules(self.name.network));
        let deps = self.deps();
        let server = read.accounts[0].server();
        let owner = Owner {
            account: &self.name,
            server: &server,
        };
        let login = seal.close(owner, &login, deps.clock.now()).await;
        self.put(EnrolledSettings {
            settings: settings.to_owned(),
            login: Some(login.unwrap()),
        })
        .await;
    }

    async fn put(&self, kept: EnrolledSettings) {
        let read = Enrollment::read(&self.name, kept.clone(), Credentials::default());
        let row = read.unwrap().row();
        self.deps()
            .ledger
            .enroll(&self.name, &kept, &row)
            .await
            .unwrap();
    }

    fn deps(&self) -> &Deps {
        &self.world.stack.deps
    }

    /// One tick of the schedule, and the deliveries after it.
    async fn round(&mut self) {
        let round = Box::pin(self.world.whole_round()).await;
        assert_eq!((round.summary.checked, round.summary.failed), (1, 0));
        for delivery in round.deliveries {
            delivery.result.unwrap();
        }
    }

    /// Why her login cannot be used.
    async fn refusal(&self) -> NotServed {
        let deps = self.deps();
        let enrolled = deps.enrolled(&self.name).await.unwrap();
        let Err(why) = enrolled.serve(deps, true).await else {
            panic!("the login was opened");
        };
        let words = why.to_string();
        assert!(words.contains(&self.name.to_string()), "{words}");
        why
    }
}

/// Number 600 of an account in the table gets their invitation.
async fn keeps_its_promise<N: TestNetwork>() {
    let mut amber = Enrolled::<N>::with_followers(598).await;
    // The first check tries the login, and the second remembers the newest followers.
    amber.round().await;
    amber.round().await;
    amber.kms.take_actions();
    amber.round().await;
    assert!(amber.kms.take_actions().is_empty(), "nothing happened");
    amber.world.fan();
    amber.round().await;
    assert!(
        amber.kms.take_actions().is_empty(),
        "599 is not a milestone"
    );
    amber.world.fans(2);
    amber.round().await;
    let hug = amber.world.hug(600).await;
    assert_eq!(hug.status, Status::Invited);
    let sent = amber.world.posts().len() + amber.world.network.messages().len();
    assert_eq!(sent, 1);
    // Once for the check, and once for the letter.
    assert_eq!(amber.kms.take_actions(), ["Decrypt", "Decrypt"]);
}

#[tokio::test]
async fn number_600_of_an_account_in_the_table_is_invited_on_x() {
    keeps_its_promise::<X>().await;
}

#[tokio::test]
async fn number_600_of_an_account_in_the_table_is_invited_on_bluesky() {
    keeps_its_promise::<Bluesky>().await;
}

#[tokio::test]
async fn number_600_of_an_account_in_the_table_is_invited_on_mastodon() {
    keeps_its_promise::<Mastodon>().await;
}

/// How often the login is opened in an hour in which number 600 has not answered yet.
async fn opened_while_a_hug_waits<N: TestNetwork>() -> usize {
    let mut amber = Enrolled::<N>::with_followers(598).await;
    amber.round().await;
    amber.round().await;
    amber.world.fans(3);
    amber.round().await;
    assert_eq!(amber.world.hug(600).await.status, Status::Invited);
    amber.kms.take_actions();
    for _ in 0..12 {
        amber.round().await;
    }
    amber.kms.take_actions().len()
}

#[tokio::test]
async fn while_a_hug_waits_for_its_answer_the_login_is_opened_only_where_answers_are_private() {
    assert_eq!(opened_while_a_hug_waits::<X>().await, 0);
    assert_eq!(opened_while_a_hug_waits::<Bluesky>().await, 0);
    assert_eq!(opened_while_a_hug_waits::<Mastodon>().await, 12);
}

#[tokio::test]
async fn a_count_that_has_moved_costs_one_read_more_than_in_hug_toml_that_of_the_settings() {
    let mut amber = Enrolled::<X>::with_followers(3).await;
    amber.round().await;
    amber.world.fan();
    let table = Recorder::attach(&mut amber.world.stack);
    amber.world.check_only().await;
    let asked = [
        "Query",
        "GetItem",
        "GetItem",
        "GetItem",
        "TransactWriteItems",
    ];
    assert_eq!(table.take(), asked);
}

#[tokio::test]
async fn an_account_of_the_table_can_be_checked_alone_and_one_that_nobody_named_cannot() {
    let amber = Enrolled::<X>::with_followers(3).await;
    let check = async |name: &str| {
        let event = LambdaEvent::new(json!({ "account": name }), Context::default());
        check_followers::handle(event, amber.deps()).await
    };
    let summary = check(&amber.name.to_string()).await.unwrap();
    let followers = summary.accounts[0].check().unwrap().followers;
    assert_eq!((summary.checked, followers), (1, Some(3)));
    let error = check("x:nobody").await.unwrap_err().to_string();
    assert!(error.contains("x:nobody"), "{error}");
}

#[tokio::test]
async fn an_account_of_the_table_that_a_rate_limit_hides_for_two_hours_needs_a_person() {
    let mut amber = Enrolled::<X>::with_followers(3).await;
    amber.round().await;
    let limited = Fault::RateLimited {
        for_seconds: 3 * 60 * 60,
    };
    amber.world.network.fail_next("GET /2/users", limited);
    let hidden = |summary: &Summary| (summary.limited, summary.limited_for_long);
    amber.world.round().await;
    assert_eq!(hidden(&amber.world.round().await), (1, 0));
    amber.world.clock.advance(Duration::from_hours(2));
    assert_eq!(hidden(&amber.world.round().await), (1, 1));
    amber.world.clock.advance(Duration::from_hours(1));
    assert_eq!(hidden(&amber.world.round().await), (0, 0));
}

/// The account's row of the roster.
async fn row(ledger: &Ledger, name: &AccountName) -> Row {
    let page = ledger.roster(None).await.unwrap();
    let mut rows = page.rows.into_iter();
    rows.find(|row| row.name == *name).unwrap()
}

/// Reads the count of an account in the table without its login.
async fn is_read_without_its_login<N: TestNetwork>() {
    let amber = Enrolled::<N>::with_followers(7).await;
    let deps = amber.deps();
    amber.kms.take_actions();
    let enrolled = deps.enrolled(&amber.name).await.unwrap();
    let served = enrolled.serve(deps, false).await.unwrap();
    let profile = served.connected().network.profile(None).await.unwrap();
    assert_eq!(profile.followers, 7);
    let row = row(&deps.ledger, &amber.name).await;
    let reader = deps.reader(&amber.name, &row.enrolled.unwrap());
    let counts = reader.counts(&[profile.id]).await.unwrap();
    assert_eq!(counts.len(), 1);
    assert!(amber.kms.take_actions().is_empty());
}

#[tokio::test]
async fn a_count_is_read_without_the_login_of_its_account() {
    is_read_without_its_login::<X>().await;
    is_read_without_its_login::<Bluesky>().await;
    is_read_without_its_login::<Mastodon>().await;
}

#[tokio::test]
async fn a_login_is_opened_only_for_its_account_its_server_and_its_table() {
    let amber = Enrolled::<Bluesky>::with_followers(1).await;
    let kept = amber.deps().ledger.enrolled(&amber.name).await.unwrap();
    let sealed = kept.unwrap().login.unwrap();
    let (rules, now) = (networks::rules(amber.name.network), amber.world.clock.now());
    let seal = amber.kms.seal(table::NAME, FUNCTIONS);
    let account = &amber.name;
    let server = amber.world.network.url();
    let owner = Owner { account, server };
    let own = seal.open(owner, &sealed, rules, now).await.unwrap();
    assert!(own.include(rules.secrets_to_send));
    let bea: AccountName = "bluesky:bea.bsky.social".parse().unwrap();
    let other_table = amber.kms.seal("another-table", FUNCTIONS);
    let elsewhere = "https://evil.example";
    for (seal, account, server) in [
        (&seal, &bea, server),
        (&seal, account, elsewhere),
        (&other_table, account, server),
    ] {
        let owner = Owner { account, server };
        let error = seal.open(owner, &sealed, rules, now).await.unwrap_err();
        let words = error.to_string();
        assert!(
            words.starts_with(&format!(
                "opening the login of {account} failed: InvalidCiphertextException"
            )),
            "{words}"
        );
        assert!(
            words.contains("it was sealed for another account, server or table")
                && !error.retry_can_help,
            "{words}"
        );
    }
}

#[tokio::test]
async fn whoever_changes_the_server_in_the_table_gets_no_login_sent_there() {
    let amber = Enrolled::<Mastodon>::with_followers(1).await;
    let kept = amber.deps().ledger.enrolled(&amber.name).await.unwrap();
    let login = kept.unwrap().login;
    let settings = amber
        .settings()
        .replace(amber.world.network.url(), "http://127.0.0.1:9");
    amber.put(EnrolledSettings { settings, login }).await;
    let words = amber.refusal().await.to_string();
    assert!(words.contains("InvalidCiphertextException"), "{words}");
}

#[tokio::test]
async fn whoever_puts_another_accounts_login_into_the_table_gets_nothing_sent() {
    let amber = Enrolled::<X>::with_followers(1).await;
    let bea: AccountName = "x:bea".parse().unwrap();
    let kept = amber.deps().ledger.enrolled(&amber.name).await.unwrap();
    let login = kept.unwrap().login;
    let settings = amber.settings().replace("\"amber\"", "\"bea\"");
    let bea = Enrolled { name: bea, ..amber };
    bea.put(EnrolledSettings { settings, login }).await;
    let words = bea.refusal().await.to_string();
    assert!(words.contains("InvalidCiphertextException"), "{words}");
}

#[tokio::test]
async fn without_the_right_or_the_key_nothing_is_opened_and_a_busy_kms_is_asked_again() {
    let mut amber = Enrolled::<Mastodon>::with_followers(1).await;
    amber.kms.take_right_from(STRANGER);
    amber.restart(STRANGER);
    let words = amber.refusal().await.to_string();
    assert!(
        words.contains(&format!(
            "the right kms:Decrypt on the key {KEY} is missing"
        )),
        "{words}"
    );

    amber.restart(FUNCTIONS);
    amber.kms.fail_next(400, "ThrottlingException");
    assert!(amber.refusal().await.retry_can_help());
    amber.kms.fail_next(503, "KMSInternalException");
    assert!(amber.refusal().await.retry_can_help());

    amber.world.stack.deps.seal = Some(amber.kms.seal_with("another", table::NAME, FUNCTIONS));
    let why = amber.refusal().await;
    assert!(
        why.to_string().contains("HUG_LOGINS_KEY is another"),
        "{why}"
    );
    assert!(!why.retry_can_help());

    amber.world.stack.deps.seal = None;
    let words = amber.refusal().await.to_string();
    assert!(words.contains("HUG_LOGINS_KEY is not set"), "{words}");
}

#[tokio::test]
async fn a_letter_whose_login_cannot_be_opened_for_a_moment_is_delivered_again() {
    let mut amber = Enrolled::<X>::with_followers(599).await;
    amber.round().await;
    amber.world.fan();
    Box::pin(amber.world.check_only()).await;
    amber.kms.fail_next(500, "DependencyTimeoutException");
    let deliveries = amber.world.stack.deliver().await.unwrap();
    let failed = deliveries[0].result.as_ref().unwrap_err();
    assert!(failed.retry_can_help(), "{failed}");
    assert!(
        deliveries.iter().any(|one| one.result.is_ok()),
        "the stream delivered it again"
    );
    assert_eq!(amber.world.posts().len(), 1);
}

#[tokio::test]
async fn a_login_that_is_too_long_is_refused_before_kms_is_asked() {
    let kms = Kms::start().await;
    let seal = kms.seal("t", FUNCTIONS);
    let long = Credentials::from_iter([("APP_PASSWORD", "p".repeat(4_096).into())]);
    let name = "bluesky:amber.bsky.social".parse().unwrap();
    let now = "2026-11-22T14:00:00Z".parse().unwrap();
    let owner = Owner {
        account: &name,
        server: "https://bsky.social",
    };
    let error = seal.close(owner, &long, now).await.unwrap_err().to_string();
    assert!(
        error.contains("it has 4115 bytes, and KMS takes 4096 at most"),
        "{error}"
    );
    assert!(!error.contains("ppp") && kms.take_actions().is_empty());
}

#[tokio::test]
async fn a_mistake_in_its_settings_stops_only_the_account_itself_and_names_it() {
    let amber = Enrolled::<X>::with_followers(1).await;
    let wrong = |settings: &str| EnrolledSettings {
        settings: settings.to_owned(),
        login: None,
    };
    let settings = amber.settings();
    let two = settings.clone() + "\n[[account]]\nnetwork = \"x\"\nhandle = \"bea\"\n";
    for (settings, words) in [
        (settings.replace("600", "0"), "line 2, plan.first"),
        (two, "must name this account and no other"),
        (
            settings.replace("amber", "bea"),
            "must name this account and no other",
        ),
    ] {
        let kept = wrong(&settings);
        let read = Enrollment::read(&amber.name, kept, Credentials::default());
        let error = read.unwrap_err().to_string();
        assert!(
            error.contains("x:amber") && error.contains(words),
            "{error}"
        );
    }
    let text = amber.settings();
    amber.put(wrong(&text)).await;
    let words = amber.refusal().await.to_string();
    assert!(words.contains("the table has no login of it"), "{words}");
}

#[tokio::test]
async fn an_account_that_only_makes_drafts_needs_no_login() {
    let mut amber = Enrolled::<X>::with_followers(598).await;
    let draft = settings_of::<X>(amber.world.network.url(), "contact = [\"draft\"]\n");
    let kept = EnrolledSettings {
        settings: draft,
        login: None,
    };
    amber.put(kept).await;
    amber.round().await;
    amber.kms.take_actions();
    amber.world.fans(2);
    amber.round().await;
    assert_eq!(amber.world.hug(600).await.status, Status::ToSend);
    assert!(amber.kms.take_actions().is_empty());
}

#[tokio::test]
async fn nothing_of_a_forgotten_account_is_left_in_the_table() {
    let mut amber = Enrolled::<Bluesky>::with_followers(599).await;
    // Also before the first check.
    for followers in [0, 1] {
        let ledger = &amber.deps().ledger;
        let found = whole::find(ledger, &amber.name).await.unwrap().unwrap();
        assert_eq!(found.settings.len(), 1);
        forget_account(ledger, &found, amber.world.clock.now())
            .await
            .unwrap();
        let left = ledger.everything().await.unwrap();
        assert!(left.is_empty(), "{left:?}");
        assert!(matches!(
            amber.deps().enrolled(&amber.name).await,
            Err(NotServed::Unknown(_))
        ));

        let seal = amber.kms.seal(table::NAME, FUNCTIONS);
        amber.put_settings(&amber.settings(), &seal).await;
        amber.round().await;
        amber.world.fans(followers);
        amber.round().await;
    }
}

#[tokio::test]
async fn settings_that_are_put_again_keep_the_mark_and_let_the_next_round_check_the_account() {
    let mut amber = Enrolled::<X>::with_followers(3).await;
    amber.round().await;
    amber.round().await;
    let before = row(&amber.deps().ledger, &amber.name).await;
    assert!(before.glance.is_some() && before.enrolled.is_some());
    let seal = amber.kms.seal(table::NAME, FUNCTIONS);
    amber.put_settings(&amber.settings(), &seal).await;
    let after = row(&amber.deps().ledger, &amber.name).await;
    assert_eq!((after.glance, after.enrolled), (None, before.enrolled));
    assert_eq!(amber.world.promised_up_to().await, 3);
}

#[tokio::test]
async fn an_export_contains_the_settings_and_the_sealed_login_and_an_import_makes_the_row_anew() {
    let mut amber = Enrolled::<X>::with_followers(3).await;
    amber.round().await;
    let now = amber.world.clock.now();
    let ledger = &amber.deps().ledger;
    let export = transfer::export(ledger, Some(&amber.name), true, now).await;
    let items = export.unwrap().items;
    let settings = amber.settings();
    let other = Stack::in_memory(&settings, &secret, amber.world.clock.clone());
    let other = other.await.unwrap();
    let there = Ledger::new(other.table.client().clone(), table::NAME);
    for _ in 0..2 {
        transfer::import(&there, items.clone(), now).await.unwrap();
        let after = row(&there, &amber.name).await;
        let before = row(ledger, &amber.name).await;
        assert_eq!((after.glance, after.enrolled), (None, before.enrolled));
        let kept = there.enrolled(&amber.name).await.unwrap();
        assert_eq!(kept, ledger.enrolled(&amber.name).await.unwrap());
    }
}
