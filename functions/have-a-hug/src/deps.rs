//! What a check and a delivery work with; made once, used by every event.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use promise::account::AccountName;

use crate::{
    clock::Clock,
    ledger::{Ledger, RosterPlace},
    looks::Looks,
    metrics::Metrics,
    network::Network,
    news::News,
    publish::Publisher,
    settings::{Account, NotServed, Settings},
    youtube::YouTube,
};

/// What a check and a delivery work with.
pub struct Deps {
    /// What the creator decided.
    pub settings: Settings,
    /// Where promises are recorded.
    pub ledger: Ledger,
    /// The time.
    pub clock: Clock,
    /// Where the functions write their metrics: nowhere by default; on AWS to standard output.
    pub metrics: Metrics,
    /// Where the next round of checks begins in the roster: if a round has no time for all accounts, the next one begins
    /// with the first that was left out. `None` is the beginning.
    pub turn: Mutex<Option<RosterPlace>>,
    /// When this process last looked at each account.
    pub looks: Looks,
    /// Where songs are found and looked up.
    pub youtube: YouTube,
    /// Where news for the creator are published: nowhere by default; on AWS to a topic of SNS.
    pub news: News,
    /// Where the songbook is published, if anywhere: on AWS in a bucket, where the stack has one.
    pub publisher: Option<Publisher>,
    /// The network of each account, in the order of the settings, or why it is not served.
    networks: Vec<Result<Arc<dyn Network>, NotServed>>,
    /// The place of each account in that order.
    places: HashMap<AccountName, usize>,
}

/// An account of the settings with its network.
#[derive(Clone, Copy)]
pub struct Connected<'a> {
    /// What its creator wants for it.
    pub account: &'a Account,
    /// Its network.
    pub network: &'a dyn Network,
}

impl Deps {
    /// Makes the client of each account that is served. No request is made yet.
    pub fn new(settings: Settings, ledger: Ledger, http: &reqwest::Client, clock: Clock) -> Self {
        let connect = |account: &Account| account.connect(http, &clock);
        Self::with_networks(settings, ledger, http, connect, clock.clone())
    }

    /// The same with other networks: `connect` returns the network of an account, or why it is not served.
    pub fn with_networks(
        settings: Settings,
        ledger: Ledger,
        http: &reqwest::Client,
        connect: impl Fn(&Account) -> Result<Arc<dyn Network>, NotServed>,
        clock: Clock,
    ) -> Self {
        let networks = settings.accounts.iter().map(connect).collect();
        let accounts = settings.accounts.iter().enumerate();
        let places = accounts.map(|(place, account)| (account.name.clone(), place));
        Self {
            places: places.collect(),
            youtube: settings.youtube.connect(http),
            settings,
            ledger,
            clock,
            metrics: Metrics::default(),
            turn: Mutex::default(),
            looks: Looks::default(),
            news: News::default(),
            publisher: None,
            networks,
        }
    }

    /// The account of that name with its network.
    ///
    /// # Errors
    ///
    /// Why the account is not served: the settings do not name it, it is switched off, or its secrets are missing.
    pub fn connected(&self, name: &AccountName) -> Result<Connected<'_>, NotServed> {
        let place = self.places.get(name).copied();
        let found = place.and_then(|place| {
            let account = self.settings.accounts.get(place)?;
            Some((account, self.networks.get(place)?))
        });
        let (account, network) = found.ok_or_else(|| self.settings.unknown(name))?;
        let network = network.as_ref().map_err(Clone::clone)?;
        Ok(Connected {
            account,
            network: network.as_ref(),
        })
    }
}
