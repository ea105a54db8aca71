//! A login that the account's owner approves on the network's own page, on X by PIN and on Mastodon by code.

use std::time::Duration;

use have_a_hug::{
    clock::Clock,
    http,
    network::{
        Failure, NetworkError, Permissions,
        approval::{Approval, Approved},
        client::Connection,
    },
    networks::{begin_approval, connect},
    secret::Credentials,
};
use promise::account::{AccountName, UserId};
use secrecy::{ExposeSecret, SecretString};
use stand_ins::{Fault, Person, StandIn, x::Keys};

use crate::world::{Bluesky, Mastodon, TestNetwork, X};

/// An app that wants the login of Amber's account.
struct App<N: TestNetwork> {
    network: StandIn<N>,
    account: AccountName,
    clock: Clock,
    http: reqwest::Client,
    /// The app's own.
    credentials: Credentials,
}

impl<N: TestNetwork> App<N> {
    async fn of(account: &str, secrets: &[(&'static str, String)]) -> Self {
        let clock = Clock::by_hand("2026-11-22T14:00:00Z".parse().unwrap());
        let network = StandIn::<N>::start(clock.clone()).await.unwrap();
        network.add_account(N::amber());
        network.follow(Person {
            handle: "bert".to_owned(),
            ..Person::fan(2, clock.now())
        });
        let secrets = secrets.iter();
        Self {
            network,
            account: account.parse().unwrap(),
            clock,
            http: http::client().unwrap(),
            credentials: secrets
                .map(|(key, secret)| (*key, SecretString::from(secret.as_str())))
                .collect(),
        }
    }

    fn connection<'a>(&'a self, credentials: &'a Credentials) -> Connection<'a> {
        Connection {
            account: &self.account,
            server: Some(self.network.url()),
            appview: None,
            credentials,
            http: &self.http,
            clock: &self.clock,
        }
    }

    async fn try_begin(&self) -> Result<Option<Box<dyn Approval>>, NetworkError> {
        let begun = begin_approval(&self.connection(&self.credentials)).await;
        begun.inspect_err(|error| self.assert_readable(error))
    }

    async fn begin(&self) -> Box<dyn Approval> {
        self.try_begin().await.unwrap().unwrap()
    }

    async fn finish(&self, approval: &dyn Approval, typed: &str) -> Result<Approved, NetworkError> {
        let to = self.connection(&self.credentials);
        let finished = approval.finish(&to, typed).await;
        finished.inspect_err(|error| self.assert_readable(error))
    }

    /// An error names the account, and quotes nothing of what the app has.
    fn assert_readable(&self, error: &NetworkError) {
        let error = error.to_string();
        assert!(error.contains(&self.account.to_string()), "{error}");
        for secret in self.credentials.values() {
            assert!(!error.contains(secret.expose_secret()), "{error}");
        }
        assert!(!error.contains("oauth_"), "{error}");
    }

    /// What the page at that address shows to who opens it; empty where it shows nothing to type.
    async fn approve(&self, approval: &dyn Approval) -> String {
        let page = self.http.get(approval.address()).send().await.unwrap();
        let page = page.text().await.unwrap();
        let between = |before: &str, after: &str| {
            let (_, rest) = page.split_once(before)?;
            Some(rest.split_once(after)?.0.to_owned())
        };
        between("<code>", "</code>")
            .or_else(|| between("readonly value=\"", "\""))
            .unwrap_or_default()
    }

    /// Whom these credentials belong to, with the app's, and what they allow.
    async fn permissions(&self, credentials: &Credentials) -> (UserId, Permissions) {
        let all = self.credentials.clone().with(credentials.clone());
        let client = connect(&self.connection(&all));
        let id = client.profile(None).await.unwrap().id;
        let permissions = client.permissions(&id).await.unwrap();
        (id, permissions)
    }

    async fn an_approval_gives_a_login_that_posts(&self, keys: &[&str]) {
        let approval = self.begin().await;
        let shown = self.approve(approval.as_ref()).await;
        let approved = self
            .finish(approval.as_ref(), &format!(" {shown}\n"))
            .await
            .unwrap();
        assert_eq!(approved.handle, self.account.handle);
        let mut given = keys
            .iter()
            .filter(|key| approved.credentials.get(key).is_some());
        assert_eq!(given.by_ref().count(), keys.len());
        assert_eq!(approved.credentials.values().count(), keys.len());
        let (id, permissions) = self.permissions(&approved.credentials).await;
        assert_eq!(permissions.owner.as_ref(), Some(&id));
        assert_eq!(approved.id, id);
        assert_eq!(permissions.post, Some(true));
    }

    async fn what_was_typed_wrongly_is_told(&self, wrong: &str, why: &str) {
        let approval = self.begin().await;
        self.approve(approval.as_ref()).await;
        let error = self.finish(approval.as_ref(), wrong).await.unwrap_err();
        assert!(error.why.contains(why), "{error}");
        assert!(!error.to_string().contains(wrong), "{error}");
        assert_eq!(error.failure, Failure::Blocked { until: None });
        let asked = self.network.requests().len();
        for no_secret in ["", "1", "7 digits", "ein PIN"] {
            let error = self.finish(approval.as_ref(), no_secret).await.unwrap_err();
            assert!(error.why.contains("what was typed is not a"), "{error}");
        }
        assert_eq!(self.network.requests().len(), asked);
    }

    async fn an_approval_works_once(&self, why: &str) {
        let approval = self.begin().await;
        let shown = self.approve(approval.as_ref()).await;
        self.finish(approval.as_ref(), &shown).await.unwrap();
        let error = self.finish(approval.as_ref(), &shown).await.unwrap_err();
        assert!(error.why.contains(why), "{error}");
        assert!(!error.to_string().contains(&shown), "{error}");
    }

    /// The answers at these routes quote what the page showed.
    async fn no_error_quotes_a_secret(&self, routes: &[&str]) {
        for route in routes {
            for status in [200, 400, 401, 403, 404, 422, 429, 500] {
                // A server of Mastodon lets one address make 5 apps in 10 minutes.
                self.clock.advance(Duration::from_mins(10));
                let approval = self.begin().await;
                let shown = self.approve(approval.as_ref()).await;
                let wrong = format!(r#"{{"error":"no {shown}","detail":"no {shown}"}}"#);
                for body in [&shown, &wrong] {
                    self.network.fail_next(route, answer(status, body));
                    let error = self.finish(approval.as_ref(), &shown).await.unwrap_err();
                    let error = error.to_string();
                    assert!(!error.contains(&shown), "{route} {status}: {error}");
                }
            }
        }
    }
}

fn answer(status: u16, body: &str) -> Fault {
    Fault::Body {
        status,
        content_type: "application/json; charset=utf-8".to_owned(),
        headers: Vec::new(),
        body: body.to_owned(),
    }
}

async fn on_x() -> App<X> {
    let Keys {
        api_key,
        api_secret,
        ..
    } = Keys::sandbox();
    App::of(
        "x:amber",
        &[("API_KEY", api_key), ("API_SECRET", api_secret)],
    )
    .await
}

async fn on_mastodon() -> App<Mastodon> {
    App::of("mastodon:amber@mastodon.example", &[]).await
}

#[tokio::test]
async fn a_pin_gives_a_login_that_posts() {
    let app = on_x().await;
    app.an_approval_gives_a_login_that_posts(&["ACCESS_TOKEN", "ACCESS_SECRET"])
        .await;
}

#[tokio::test]
async fn a_code_gives_a_login_that_posts() {
    let app = on_mastodon().await;
    app.an_approval_gives_a_login_that_posts(&["ACCESS_TOKEN"])
        .await;
}

#[tokio::test]
async fn bluesky_has_app_passwords_and_no_approval() {
    let app = App::<Bluesky>::of("bluesky:amber.bsky.social", &[]).await;
    assert!(app.try_begin().await.unwrap().is_none());
    assert!(app.network.requests().is_empty());
}

#[tokio::test]
async fn a_wrong_pin_is_told() {
    let app = on_x().await;
    app.what_was_typed_wrongly_is_told("7654321", "401 Unauthorized: the PIN is wrong")
        .await;
}

#[tokio::test]
async fn a_wrong_code_is_told() {
    let app = on_mastodon().await;
    app.what_was_typed_wrongly_is_told("a-code-of-another-app", "the code is wrong")
        .await;
}

#[tokio::test]
async fn a_pin_works_once() {
    on_x().await.an_approval_works_once("was used before").await;
}

#[tokio::test]
async fn a_code_works_once() {
    let app = on_mastodon().await;
    app.an_approval_works_once("was used before").await;
}

#[tokio::test]
async fn a_code_is_too_old_after_ten_minutes() {
    let app = on_mastodon().await;
    let approval = app.begin().await;
    let shown = app.approve(approval.as_ref()).await;
    app.clock.advance(Duration::from_mins(10));
    let error = app.finish(approval.as_ref(), &shown).await.unwrap_err();
    assert!(error.why.contains("older than 10 minutes"), "{error}");
}

#[tokio::test]
async fn another_persons_approval_is_told_with_both_handles() {
    let app = on_x().await;
    app.network.log_in("bert");
    let approval = app.begin().await;
    let shown = app.approve(approval.as_ref()).await;
    let error = app.finish(approval.as_ref(), &shown).await.unwrap_err();
    let why = "@bert approved, and not @amber";
    assert!(error.why.contains(why), "{error}");

    let app = on_mastodon().await;
    app.network.log_in("bert");
    let approval = app.begin().await;
    let shown = app.approve(approval.as_ref()).await;
    let error = app.finish(approval.as_ref(), &shown).await.unwrap_err();
    let why = "@bert@mastodon.example approved, and not @amber@mastodon.example";
    assert!(error.why.contains(why), "{error}");
}

#[tokio::test]
async fn an_error_quotes_no_secret() {
    let app = on_x().await;
    app.no_error_quotes_a_secret(&["/oauth/access_token", "/2/users/me"])
        .await;
    let app = on_mastodon().await;
    app.no_error_quotes_a_secret(&["/oauth/token", "/accounts/verify_credentials"])
        .await;
}

#[tokio::test]
async fn an_app_of_x_that_may_only_read_is_told_before_its_login_is_kept() {
    let app = on_x().await;
    app.network.set_access_level(Some("read"));
    let approval = app.begin().await;
    let shown = app.approve(approval.as_ref()).await;
    let error = app.finish(approval.as_ref(), &shown).await.unwrap_err();
    assert!(error.why.contains("\"read and write\""), "{error}");
}

#[tokio::test]
async fn wrong_keys_of_the_app_are_told_before_anyone_is_asked_to_approve() {
    let mut app = on_x().await;
    let wrong = [("API_SECRET", SecretString::from("a".repeat(50)))];
    app.credentials = app.credentials.with(Credentials::from_iter(wrong));
    let error = app.try_begin().await.err().unwrap();
    assert!(error.why.contains("API_KEY and API_SECRET"), "{error}");
    assert_eq!(app.network.requests()[0].status, 401);

    app.credentials = Credentials::from_iter([("API_KEY", SecretString::from("a".repeat(25)))]);
    let error = app.try_begin().await.err().unwrap();
    assert!(error.why.contains("API_SECRET is missing"), "{error}");
    assert_eq!(app.network.requests().len(), 1);
}

#[tokio::test]
async fn a_server_that_lets_no_more_apps_be_made_is_asked_again_later() {
    let app = on_mastodon().await;
    for _ in 0..5 {
        app.begin().await;
    }
    let error = app.try_begin().await.err().unwrap();
    let later = app.clock.now() + jiff::SignedDuration::from_mins(10);
    assert_eq!(error.failure, Failure::WaitUntil(later), "{error}");
}
