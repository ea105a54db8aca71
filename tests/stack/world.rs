//! One creator, her followers and the stack that keeps her promise, with the time in the test's hand.

use std::{
    ops::{Deref, DerefMut},
    sync::Arc,
    time::Duration,
};

use check_followers::{Looked, Summary};
use have_a_hug::{
    check::Check,
    clock::Clock,
    deps::Deps,
    ledger::Ledger,
    network::Network,
    settings::{Secrets, Settings},
};
use hug::{
    sandbox,
    stack::{Round, Stack},
    table,
};
use promise::hug::Hug;
use serde_json::{Value, json};
use stand_ins::{Person, Post, Seen, bluesky, mastodon, x};

pub const AMBER: &str = "44196397";

/// The schedule's step.
pub const STEP: Duration = Duration::from_mins(5);

/// The stack that keeps Amber's promise on one network.
pub struct Keeper {
    pub clock: Clock,
    pub stack: Stack,
}

impl Keeper {
    async fn new(clock: Clock, settings: &str) -> Self {
        let stack = Stack::in_memory(settings, &sandbox::secret, clock.clone())
            .await
            .unwrap();
        Self { clock, stack }
    }

    /// The creator edits hug.toml; the table stays.
    pub fn resettle(&mut self, settings: &str) {
        self.resettle_over(settings, &have_a_hug::http::client().unwrap());
    }

    /// The same, with a client of the test's own.
    pub fn resettle_over(&mut self, settings: &str, http: &reqwest::Client) {
        let settings = Settings::parse(settings, "hug.toml", &sandbox::secret).unwrap();
        self.settle(settings, http);
    }

    fn settle(&mut self, settings: Settings, http: &reqwest::Client) {
        let ledger = Ledger::new(self.stack.table.client().clone(), table::NAME);
        self.stack.deps = Deps::new(settings, ledger, http, self.clock.clone());
    }

    /// One tick of the schedule, five minutes after the last.
    pub async fn round(&mut self) -> Summary {
        self.whole_round().await.summary
    }

    /// The same, with its deliveries.
    pub async fn whole_round(&mut self) -> Round {
        self.clock.advance(STEP);
        self.stack.round(json!({})).await.unwrap()
    }

    /// A tick that must work, and what it saw of Amber.
    pub async fn check(&mut self) -> Check {
        only(self.round().await)
    }

    /// A tick that must fail, and what it says.
    pub async fn failing_check(&mut self) -> String {
        match self.round().await.accounts.remove(0) {
            Looked::Failed { error, .. } => error,
            Looked::At(check) => panic!("it worked: {check:?}"),
        }
    }

    /// A tick without its invitations: `check-followers` alone.
    pub async fn check_only(&mut self) -> Check {
        self.clock.advance(STEP);
        let event = lambda_runtime::LambdaEvent::new(json!({}), Default::default());
        only(
            check_followers::handle(event, &self.stack.deps)
                .await
                .unwrap(),
        )
    }

    pub async fn hugs(&self) -> Vec<Hug> {
        self.stack.deps.ledger.snapshot().await.unwrap().hugs
    }

    pub async fn hug(&self, milestone: u64) -> Hug {
        let hugs = self.hugs().await;
        hugs.into_iter()
            .find(|hug| hug.milestone.number() == milestone)
            .unwrap()
    }

    pub async fn promised_up_to(&self) -> u64 {
        self.stack.deps.ledger.snapshot().await.unwrap().accounts[0].promised_up_to
    }

    /// The network of the account, as the functions see it.
    pub fn network(&self) -> &dyn Network {
        let account = &self.stack.deps.settings.accounts[0];
        self.stack.deps.served(&account.name).unwrap().network
    }
}

/// Amber on X.
pub struct World {
    keeper: Keeper,
    pub x: x::X,
    people: u64,
    bots: u64,
}

impl World {
    /// Amber on X, with that many followers, looked at once.
    pub async fn with_followers(n: u64) -> Self {
        Self::with(n, "").await
    }

    /// The same, with more lines for her account in hug.toml.
    pub async fn with(n: u64, more: &str) -> Self {
        let mut world = Self::unseen(n, more).await;
        world.check().await;
        world
    }

    /// Amber before the first check.
    pub async fn unseen(n: u64, more: &str) -> Self {
        let clock = Clock::by_hand("2026-11-22T14:00:00Z".parse().unwrap());
        let x = x::X::start(clock.clone()).await.unwrap();
        x.add_account(x::Account::amber());
        let settings = settings("x", "amber", x.url(), more);
        let mut world = Self {
            keeper: Keeper::new(clock, &settings).await,
            x,
            people: 0,
            bots: 0,
        };
        world.fans(n);
        world
    }

    /// New genuine followers; answers their handles, oldest first.
    pub fn fans(&mut self, n: u64) -> Vec<String> {
        let fan = |world: &mut Self| {
            world.people += 1;
            let fan = Person::fan(world.people, world.clock.now());
            world.x.follow(fan.clone());
            fan.handle
        };
        (0..n).map(|_| fan(self)).collect()
    }

    /// One new genuine follower.
    pub fn fan(&mut self) -> String {
        self.fans(1).remove(0)
    }

    /// One new bot.
    pub fn bot(&mut self) -> String {
        self.bots += 1;
        let bot = Person::bot(self.bots, self.clock.now());
        self.x.follow(bot.clone());
        bot.handle
    }

    /// What Amber's account posted, oldest first.
    pub fn posts(&self) -> Vec<Post> {
        self.x.posts()
    }

    /// How often her posts name a milestone: more than once would be a second invitation.
    pub fn invitations_to(&self, milestone: u64) -> usize {
        let number = format!(" {milestone} ");
        self.posts()
            .iter()
            .filter(|post| post.text.contains(&number))
            .count()
    }

    /// The requests to X since the last look, as `METHOD /path` without the query.
    pub fn requests(&self) -> Vec<String> {
        let seen = self.x.requests();
        self.x.clear_requests();
        plain(&seen)
    }
}

/// `METHOD /path` of each, without the query.
fn plain(seen: &[Seen]) -> Vec<String> {
    let path = |path: &str| path.split('?').next().unwrap_or_default().to_owned();
    seen.iter()
        .map(|one| format!("{} {}", one.method, path(&one.path)))
        .collect()
}

/// The one account's check of a round in which it worked.
pub fn only(mut summary: Summary) -> Check {
    assert_eq!(summary.accounts.len(), 1);
    match summary.accounts.remove(0) {
        Looked::At(check) => *check,
        Looked::Failed { error, .. } => panic!("{error}"),
    }
}

/// A hug.toml with one account.
pub fn settings(network: &str, handle: &str, server: &str, more: &str) -> String {
    format!(
        "[plan]\nfirst = 600\nstep = 100\n\n[[account]]\nnetwork = \"{network}\"\nhandle = \"{handle}\"\nserver = \"{server}\"\n{more}\n"
    )
}

/// The handle of the follower that a hug is for.
pub fn named(hug: &Hug) -> &str {
    hug.follower
        .as_ref()
        .map_or("nobody", |follower| &follower.handle)
}

/// Amber on Bluesky.
pub struct Sky {
    keeper: Keeper,
    pub bluesky: bluesky::Bluesky,
    people: u64,
}

impl Sky {
    pub async fn with(n: u64, more: &str) -> Self {
        let clock = Clock::by_hand("2026-11-22T14:00:00Z".parse().unwrap());
        let bluesky = bluesky::Bluesky::start(clock.clone()).await.unwrap();
        bluesky.add_account(bluesky::Account::amber());
        let more = format!("appview = \"{}\"\n{more}", bluesky.url());
        let settings = settings("bluesky", "amber.bsky.social", bluesky.url(), &more);
        let mut sky = Self {
            keeper: Keeper::new(clock, &settings).await,
            bluesky,
            people: 0,
        };
        sky.fans(n);
        sky.check().await;
        sky
    }

    pub fn fans(&mut self, n: u64) -> Vec<String> {
        let fan = |sky: &mut Self| {
            sky.people += 1;
            let fan = Person::fan(sky.people, sky.clock.now());
            sky.bluesky.follow(fan.clone());
            bluesky::domain(&fan.handle)
        };
        (0..n).map(|_| fan(self)).collect()
    }
}

/// Amber on Mastodon.
pub struct Herd {
    keeper: Keeper,
    pub mastodon: mastodon::Mastodon,
    people: u64,
}

impl Herd {
    /// With that many followers, looked at once; `more` are lines for her account in hug.toml.
    pub async fn with(n: u64, more: &str) -> Self {
        let mut herd = Self::unseen(n, more).await;
        herd.check().await;
        herd
    }

    /// Before the first check.
    pub async fn unseen(n: u64, more: &str) -> Self {
        let clock = Clock::by_hand("2026-11-22T14:00:00Z".parse().unwrap());
        let mastodon = mastodon::Mastodon::start(clock.clone()).await.unwrap();
        mastodon.add_account(mastodon::Account::amber());
        let settings = settings("mastodon", "amber@mastodon.example", mastodon.url(), more);
        let mut herd = Self {
            keeper: Keeper::new(clock, &settings).await,
            mastodon,
            people: 0,
        };
        herd.fans(n);
        herd
    }

    /// She edits hug.toml, or sets her secrets; the table stays.
    pub fn resettle(&mut self, handle: &str, more: &str, secrets: Secrets<'_>) {
        let settings = settings("mastodon", handle, self.mastodon.url(), more);
        let settings = Settings::parse(&settings, "hug.toml", secrets).unwrap();
        self.settle(settings, &have_a_hug::http::client().unwrap());
    }

    /// New genuine followers, every second from another server; answers their handles, oldest first.
    pub fn fans(&mut self, n: u64) -> Vec<String> {
        let fan = |herd: &mut Self| {
            herd.people += 1;
            let mut fan = Person::fan(herd.people, herd.clock.now());
            if herd.people.is_multiple_of(2) {
                fan.handle = format!("{}@other.example", fan.handle);
            }
            herd.mastodon.follow(fan.clone());
            fan.handle
        };
        (0..n).map(|_| fan(self)).collect()
    }

    /// The requests since the last look, as `METHOD /path` without the query.
    pub fn requests(&self) -> Vec<String> {
        let seen = self.mastodon.requests();
        self.mastodon.clear_requests();
        plain(&seen)
    }
}

impl Deref for World {
    type Target = Keeper;

    fn deref(&self) -> &Keeper {
        &self.keeper
    }
}

impl DerefMut for World {
    fn deref_mut(&mut self) -> &mut Keeper {
        &mut self.keeper
    }
}

impl Deref for Sky {
    type Target = Keeper;

    fn deref(&self) -> &Keeper {
        &self.keeper
    }
}

impl DerefMut for Sky {
    fn deref_mut(&mut self) -> &mut Keeper {
        &mut self.keeper
    }
}

impl Deref for Herd {
    type Target = Keeper;

    fn deref(&self) -> &Keeper {
        &self.keeper
    }
}

impl DerefMut for Herd {
    fn deref_mut(&mut self) -> &mut Keeper {
        &mut self.keeper
    }
}

/// Keeps what the ledger asks of DynamoDB: each request's target and body.
#[derive(Clone, Debug, Default)]
pub struct Counted(Arc<std::sync::Mutex<Vec<(String, Value)>>>);

impl Counted {
    /// Lets the stack's ledger be counted from now on.
    pub fn attach(stack: &mut Stack) -> Self {
        let counted = Self::default();
        let config = stack
            .table
            .client()
            .config()
            .to_builder()
            .interceptor(counted.clone())
            .build();
        let client = aws_sdk_dynamodb::Client::from_conf(config);
        stack.deps.ledger = Ledger::new(client, table::NAME);
        counted
    }

    /// The operations that were asked for since the last look, such as `GetItem`.
    pub fn take(&self) -> Vec<String> {
        let operation = |target: &str| target.rsplit('.').next().unwrap_or_default().to_owned();
        let requests = self.take_requests();
        requests
            .iter()
            .map(|(target, _)| operation(target))
            .collect()
    }

    /// The requests since the last look: the target, such as `DynamoDB_20120810.GetItem`, and the body.
    pub fn take_requests(&self) -> Vec<(String, Value)> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

impl aws_sdk_dynamodb::config::Intercept for Counted {
    fn name(&self) -> &'static str {
        "counted"
    }

    fn read_before_transmit(
        &self,
        context: &aws_sdk_dynamodb::config::interceptors::BeforeTransmitInterceptorContextRef<'_>,
        _: &aws_sdk_dynamodb::config::RuntimeComponents,
        _: &mut aws_sdk_dynamodb::config::ConfigBag,
    ) -> Result<(), aws_sdk_dynamodb::error::BoxError> {
        let request = context.request();
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let body = serde_json::from_slice(request.body().bytes().unwrap_or_default())?;
        self.0.lock().unwrap().push((target.to_owned(), body));
        Ok(())
    }
}

/// An event as DynamoDB's stream would hand it over.
pub fn stream_event(records: &[Value]) -> aws_lambda_events::dynamodb::Event {
    serde_json::from_value(json!({ "Records": records })).unwrap()
}
