//! One creator, her followers on one network, and the stack that keeps her promise, with the time in the test's hand.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use check_followers::{Checked, Summary};
use have_a_hug::{
    check::Check, clock::Clock, deps::Deps, ledger::Ledger, network::Network, settings::Settings,
};
use hug::{
    stack::{Round, Stack},
    table,
};
use lambda_runtime::{Context, LambdaEvent};
use promise::{
    evidence::Skipped,
    hug::{Hug, Status},
    letter::LetterState,
    record::AccountRecord,
};
use serde_json::{Value, json};
use stand_ins::{Backend, Person, Post, StandIn, secret};

pub use stand_ins::{bluesky::State as Bluesky, mastodon::State as Mastodon, x::State as X};

/// Amber's id on X.
pub const AMBER: &str = "44196397";

/// The time between two rounds.
pub const STEP: Duration = Duration::from_mins(5);

/// A network that the stack is tried on.
pub trait TestNetwork: Backend + Sized {
    /// The handle that a person has there.
    fn handle_of(person: &Person) -> String {
        (Self::facts().handle_of)(person)
    }
}

impl TestNetwork for X {}

impl TestNetwork for Bluesky {}

impl TestNetwork for Mastodon {
    /// Every second person is from another server.
    fn handle_of(person: &Person) -> String {
        if person.id.ends_with(['0', '2', '4', '6', '8']) {
            format!("{}@other.example", person.handle)
        } else {
            person.handle.clone()
        }
    }
}

/// Amber Lane's account on one network, and the stack that keeps her promise.
pub struct World<N: TestNetwork> {
    pub clock: Clock,
    pub stack: Stack,
    pub network: StandIn<N>,
    people: u64,
    bots: u64,
}

impl<N: TestNetwork> World<N> {
    /// With so many followers, after the first check.
    pub async fn with_followers(n: u64) -> Self {
        Self::with(n, "").await
    }

    /// The same, with `more` lines for her account in hug.toml.
    pub async fn with(n: u64, more: &str) -> Self {
        let mut world = Self::unseen(n, more).await;
        world.check().await;
        world
    }

    /// The same, before the first check.
    pub async fn unseen(n: u64, more: &str) -> Self {
        let clock = Clock::by_hand("2026-11-22T14:00:00Z".parse().unwrap());
        let network = StandIn::<N>::start(clock.clone()).await.unwrap();
        network.add_account(N::amber());
        let settings = settings_of::<N>(network.url(), more);
        let stack = Stack::in_memory(&settings, &secret, clock.clone());
        let mut world = Self {
            stack: stack.await.unwrap(),
            clock,
            network,
            people: 0,
            bots: 0,
        };
        world.fans(n);
        world
    }

    /// She edits hug.toml; the table stays.
    pub fn change_settings(&mut self, settings: &str) {
        self.change_settings_with(settings, &have_a_hug::http::client().unwrap());
    }

    /// The same, with an HTTP client of the test.
    pub fn change_settings_with(&mut self, settings: &str, http: &reqwest::Client) {
        let settings = Settings::parse(settings, "hug.toml", &secret).unwrap();
        self.use_settings(settings, http);
    }

    /// The functions start anew, with these settings.
    pub fn use_settings(&mut self, settings: Settings, http: &reqwest::Client) {
        let ledger = Ledger::new(self.stack.table.client().clone(), table::NAME);
        self.stack.deps = Deps::new(settings, ledger, http, self.clock.clone());
    }

    /// The functions start anew, and reach the network at that address.
    pub fn move_to(&mut self, url: &str) {
        self.change_settings(&settings_of::<N>(url, ""));
    }

    /// The functions start anew, and reach the network at its own address.
    pub fn move_back(&mut self) {
        let url = self.network.url().to_owned();
        self.move_to(&url);
    }

    /// New genuine followers. Returns their handles, oldest first.
    pub fn fans(&mut self, n: u64) -> Vec<String> {
        (0..n).map(|_| self.fan()).collect()
    }

    /// One new genuine follower.
    pub fn fan(&mut self) -> String {
        self.people += 1;
        let fan = Person::fan(self.people, self.clock.now());
        let handle = N::handle_of(&fan);
        self.network.follow(Person {
            handle: handle.clone(),
            ..fan
        });
        handle
    }

    /// One new bot.
    pub fn bot(&mut self) -> String {
        self.bots += 1;
        let bot = Person::bot(self.bots, self.clock.now());
        let handle = N::handle_of(&bot);
        self.network.follow(bot);
        handle
    }

    /// One tick of the schedule, five minutes after the last, and the deliveries after it.
    pub async fn whole_round(&mut self) -> Round {
        self.clock.advance(STEP);
        self.stack.round(json!({})).await.unwrap()
    }

    /// What the checks of a round found.
    pub async fn round(&mut self) -> Summary {
        self.whole_round().await.summary
    }

    /// A round whose check of Amber must work.
    pub async fn check(&mut self) -> Check {
        only(self.round().await)
    }

    /// A round whose check of Amber must fail. Returns the error.
    pub async fn failing_check(&mut self) -> String {
        match self.round().await.accounts.remove(0) {
            Checked::Failed { error, .. } | Checked::Skipped { why: error, .. } => error,
            Checked::Done(check) => panic!("it worked: {check:?}"),
        }
    }

    /// A check five minutes after the last, without deliveries.
    pub async fn check_only(&mut self) -> Check {
        self.clock.advance(STEP);
        self.check_now().await
    }

    /// A check at the time that it is, without deliveries.
    pub async fn check_now(&self) -> Check {
        let event = LambdaEvent::new(json!({}), Context::default());
        let summary = check_followers::handle(event, &self.stack.deps).await;
        only(summary.unwrap())
    }

    /// Every hug in the ledger, by milestone.
    pub async fn hugs(&self) -> Vec<Hug> {
        self.stack.deps.ledger.snapshot().await.unwrap().hugs
    }

    /// The milestones of all hugs.
    pub async fn milestones(&self) -> Vec<u64> {
        let hugs = self.hugs().await;
        hugs.iter().map(|hug| hug.milestone.number()).collect()
    }

    /// The hug for that milestone.
    pub async fn hug(&self, milestone: u64) -> Hug {
        let hugs = self.hugs().await;
        hugs.into_iter()
            .find(|hug| hug.milestone.number() == milestone)
            .unwrap()
    }

    /// Who was passed over for this milestone.
    pub async fn passed_over(&self, milestone: u64) -> Vec<Skipped> {
        let snapshot = self.stack.deps.ledger.snapshot().await.unwrap();
        let all = snapshot.passed_over.into_iter();
        all.filter(|(key, _)| key.milestone.number() == milestone)
            .flat_map(|(_, who)| who.followers)
            .collect()
    }

    /// Sets a hug back to `reached` without its invitation, as if the ledger had lost everything since the crossing.
    pub async fn forget_invitation(&self, invited: &Hug) {
        let mut forgotten = invited.clone();
        forgotten.status = Status::Reached;
        forgotten.invitation = LetterState::default();
        forgotten.revision += 1;
        let written = self.stack.deps.ledger.replace_hug(&forgotten);
        written.await.unwrap();
    }

    /// What the ledger keeps of Amber's account.
    pub async fn account(&self) -> AccountRecord {
        let mut accounts = self.stack.deps.ledger.snapshot().await.unwrap().accounts;
        accounts.remove(0)
    }

    /// Her mark.
    pub async fn promised_up_to(&self) -> u64 {
        self.account().await.promised_up_to
    }

    /// The network, as the functions see it.
    pub fn client(&self) -> &dyn Network {
        let account = &self.stack.deps.settings.accounts[0];
        self.stack.deps.connected(&account.name).unwrap().network
    }

    /// What Amber's account posted, oldest first.
    pub fn posts(&self) -> Vec<Post> {
        self.network.posts()
    }

    /// How many of her posts name a milestone: more than one would be a second invitation.
    pub fn invitations_to(&self, milestone: u64) -> usize {
        let number = milestone.to_string();
        let names_it = |post: &&Post| {
            let mut numbers = post.text.split(|c: char| !c.is_ascii_digit());
            numbers.any(|one| one == number)
        };
        self.posts().iter().filter(names_it).count()
    }

    /// The requests to the network since the last call of this, as `METHOD /path` without the query.
    pub fn requests(&self) -> Vec<String> {
        let seen = self.network.requests();
        self.network.clear_requests();
        let path = |path: &str| path.split('?').next().unwrap_or_default().to_owned();
        seen.iter()
            .map(|one| format!("{} {}", one.method, path(&one.path)))
            .collect()
    }
}

/// A hug.toml with Amber's account on a stand-in at that address, and `more` lines for her account.
pub fn settings_of<N: TestNetwork>(url: &str, more: &str) -> String {
    let account = (N::facts().settings)(url);
    // The greatest `most_a_day`, so that only the tests in `brake.rs` meet the limit.
    format!("[plan]\nfirst = 600\nstep = 100\nmost_a_day = 100\n\n[[account]]\n{account}{more}\n")
}

/// The check of the only account, which must have worked.
pub fn only(mut summary: Summary) -> Check {
    assert_eq!(summary.accounts.len(), 1);
    match summary.accounts.remove(0) {
        Checked::Done(check) => *check,
        Checked::Failed { error, .. } | Checked::Skipped { why: error, .. } => panic!("{error}"),
    }
}

/// The handle of the follower that a hug is for.
pub fn named(hug: &Hug) -> &str {
    hug.follower
        .as_ref()
        .map_or("nobody", |follower| &follower.handle)
}

/// Records the requests of a ledger to DynamoDB: the target and the body of each.
#[derive(Clone, Debug, Default)]
pub struct Recorder(Arc<Mutex<Vec<(String, Value)>>>);

impl Recorder {
    /// Records the requests of the stack's ledger from now on.
    pub fn attach(stack: &mut Stack) -> Self {
        let recorder = Self::default();
        let config = stack
            .table
            .client()
            .config()
            .to_builder()
            .interceptor(recorder.clone())
            .build();
        let client = aws_sdk_dynamodb::Client::from_conf(config);
        stack.deps.ledger = Ledger::new(client, table::NAME);
        recorder
    }

    /// The operations since the last call of this, such as `GetItem`.
    pub fn take(&self) -> Vec<String> {
        let operation = |target: &str| target.rsplit('.').next().unwrap_or_default().to_owned();
        let requests = self.take_requests();
        requests
            .iter()
            .map(|(target, _)| operation(target))
            .collect()
    }

    /// The requests since the last call of this: the target, such as `DynamoDB_20120810.GetItem`, and the body.
    pub fn take_requests(&self) -> Vec<(String, Value)> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

impl aws_sdk_dynamodb::config::Intercept for Recorder {
    fn name(&self) -> &'static str {
        "recorder"
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
