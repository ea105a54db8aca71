//! What a check and a delivery work with; made once, used by every event.

use std::{collections::HashMap, sync::Arc};

use promise::account::AccountName;

use crate::{
    clock::Clock,
    ledger::Ledger,
    metrics::Metrics,
    network::Network,
    news::News,
    settings::{Account, Settings},
};

/// What a check and a delivery work with.
pub struct Deps {
    /// What the creator decided.
    pub settings: Settings,
    /// Where promises are recorded.
    pub ledger: Ledger,
    /// The time.
    pub clock: Clock,
    /// Where the functions count what happened: nowhere, unless one on AWS says otherwise.
    pub metrics: Metrics,
    /// Where the creator reads what happened: nowhere, unless one on AWS says otherwise.
    pub news: News,
    /// The network of each account, in the order of the settings.
    networks: Vec<Arc<dyn Network>>,
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
    /// Connects every account of the settings to its network; nothing is sent yet.
    pub fn new(settings: Settings, ledger: Ledger, http: &reqwest::Client, clock: Clock) -> Self {
        let connect = |account: &Account| account.connect(http, &clock);
        Self::with_networks(settings, ledger, connect, clock.clone())
    }

    /// The same over other networks: `connect` returns the one of each account.
    pub fn with_networks(
        settings: Settings,
        ledger: Ledger,
        connect: impl Fn(&Account) -> Arc<dyn Network>,
        clock: Clock,
    ) -> Self {
        let networks = settings.accounts.iter().map(connect).collect();
        let accounts = settings.accounts.iter().enumerate();
        let places = accounts.map(|(place, account)| (account.name.clone(), place));
        Self {
            places: places.collect(),
            settings,
            ledger,
            clock,
            metrics: Metrics::default(),
            news: News::default(),
            networks,
        }
    }

    /// Every account with its network, in the order of the settings.
    pub fn all(&self) -> impl Iterator<Item = Connected<'_>> {
        let pairs = self.settings.accounts.iter().zip(&self.networks);
        pairs.map(|(account, network)| Connected {
            account,
            network: network.as_ref(),
        })
    }

    /// The account of that name with its network; `None` for one that the settings do not name.
    pub fn connected(&self, name: &AccountName) -> Option<Connected<'_>> {
        let place = *self.places.get(name)?;
        Some(Connected {
            account: self.settings.accounts.get(place)?,
            network: self.networks.get(place)?.as_ref(),
        })
    }
}
