//! All stand-ins together, with one creator on each: what the sandbox and the demo run on.

use std::io;

use futures::future::BoxFuture;
use have_a_hug::clock::Clock;

use crate::{
    backend::{Backend, Facts},
    bluesky, mastodon,
    person::Person,
    stand_in::StandIn,
    x,
};

/// A network that starts.
type Starting = BoxFuture<'static, io::Result<StandIn<dyn Backend>>>;

/// Every network that there is a stand-in for.
const ALL: &[Entry] = &[
    Entry::of::<x::State>(),
    Entry::of::<bluesky::State>(),
    Entry::of::<mastodon::State>(),
];

/// What can be done with a network before it runs.
struct Entry {
    facts: fn() -> &'static Facts,
    start: fn(Clock) -> Starting,
}

impl Entry {
    const fn of<B: Backend>() -> Self {
        Self {
            facts: B::facts,
            start: |clock| Box::pin(start_with_amber::<B>(clock)),
        }
    }
}

async fn start_with_amber<B: Backend>(clock: Clock) -> io::Result<StandIn<dyn Backend>> {
    let network = StandIn::<B>::start(clock).await?;
    network.add_account(B::amber());
    Ok(network.into_dyn())
}

/// The secrets of the creator on all networks, by the names of their environment variables.
pub fn secrets() -> Vec<(&'static str, String)> {
    let facts = ALL.iter().map(|network| (network.facts)());
    facts.flat_map(|facts| (facts.secrets)()).collect()
}

/// One of the [`secrets`], by its name.
pub fn secret(name: &str) -> Option<String> {
    let mut secrets = secrets().into_iter();
    secrets.find_map(|(known, value)| (known == name).then_some(value))
}

/// All networks, running, with the creator Amber Lane on each.
pub struct Networks(Vec<StandIn<dyn Backend>>);

impl Networks {
    /// Starts them, each at a free port of this computer. Nobody follows the creator yet.
    ///
    /// # Errors
    ///
    /// If no port can be opened.
    pub async fn start(clock: &Clock) -> io::Result<Self> {
        let mut running = Vec::new();
        for network in ALL {
            running.push((network.start)(clock.clone()).await?);
        }
        Ok(Self(running))
    }

    /// Each of them, in the order of the accounts in [`Networks::settings`].
    pub fn iter(&self) -> impl Iterator<Item = &StandIn<dyn Backend>> {
        self.0.iter()
    }

    /// One of them, as an example.
    pub fn first(&self) -> &StandIn<dyn Backend> {
        // `ALL` is not empty.
        &self.0[0]
    }

    /// `person` follows the creator on all of them.
    pub fn follow(&self, person: &Person) {
        for network in &self.0 {
            let handle = (network.facts().handle_of)(person);
            let person = person.clone();
            network.follow(Person { handle, ..person });
        }
    }

    /// `person` leaves the creator on all of them.
    pub fn unfollow(&self, person: &Person) {
        for network in &self.0 {
            network.unfollow(&(network.facts().handle_of)(person));
        }
    }

    /// A hug.toml with the creator's account on each of them.
    pub fn settings(&self) -> String {
        let accounts = self
            .iter()
            .map(|it| format!("\n[[account]]\n{}", (it.facts().settings)(it.url())));
        format!(
            "[plan]\nfirst = 600\nstep = 100\n{}",
            accounts.collect::<String>()
        )
    }
}
