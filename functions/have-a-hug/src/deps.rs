//! What a check and a delivery work with; made once, used by every event.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use promise::account::AccountName;

use crate::{
    clock::Clock,
    enrolled::Enrollment,
    ledger::{Enrolled, Ledger, RosterPlace},
    looks::Looks,
    metrics::Metrics,
    network::{Network, client::Connection},
    networks,
    news::News,
    publish::Publisher,
    seal::Seal,
    settings::{Account, NotServed, Settings},
    youtube::YouTube,
};

/// The network of an account, or why it is not served.
type Reached = Result<Arc<dyn Network>, NotServed>;

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
    /// What opens the logins that are in the table; `None` where there is no key.
    pub seal: Option<Seal>,
    /// The HTTP client for the networks of accounts whose settings are in the table.
    http: reqwest::Client,
    /// The network of each account, in the order of the settings, or why it is not served.
    networks: Vec<Reached>,
    /// The place of each account in that order.
    places: HashMap<AccountName, usize>,
}

/// An account with its network.
#[derive(Clone, Copy)]
pub struct Connected<'a> {
    /// What its creator wants for it.
    pub account: &'a Account,
    /// Its network.
    pub network: &'a dyn Network,
}

/// An account with its network, for as long as they are needed.
pub struct Served {
    /// What its creator wants for it.
    pub account: Account,
    network: Arc<dyn Network>,
}

impl Served {
    /// The two together.
    pub fn connected(&self) -> Connected<'_> {
        Connected {
            account: &self.account,
            network: self.network.as_ref(),
        }
    }
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
            seal: None,
            http: http.clone(),
            networks,
        }
    }

    /// The account of that name with its network.
    ///
    /// # Errors
    ///
    /// Why the account is not served: the settings do not name it, it is switched off, or its secrets are missing.
    pub fn connected(&self, name: &AccountName) -> Result<Connected<'_>, NotServed> {
        let found = self.place(name);
        let (account, network) = found.ok_or_else(|| self.settings.unknown(name))?;
        let network = network.as_ref().map_err(Clone::clone)?;
        Ok(Connected {
            account,
            network: network.as_ref(),
        })
    }

    /// The account of that name in hug.toml, and its network.
    fn place(&self, name: &AccountName) -> Option<(&Account, &Reached)> {
        let place = *self.places.get(name)?;
        Some((
            self.settings.accounts.get(place)?,
            self.networks.get(place)?,
        ))
    }

    /// The settings of an account that hug.toml does not name, read from the table now.
    ///
    /// # Errors
    ///
    /// Why they cannot be used: the table has none, there is a mistake in them, or the ledger fails.
    pub async fn enrolled(&self, name: &AccountName) -> Result<Enrollment, NotServed> {
        Enrollment::find(&self.ledger, &self.settings, name).await
    }

    /// The account of that name with its login, wherever its settings are.
    ///
    /// # Errors
    ///
    /// Why the account is not served.
    pub async fn served(&self, name: &AccountName) -> Result<Served, NotServed> {
        match self.place(name) {
            Some((account, network)) => Ok(Served {
                account: account.clone(),
                network: network.as_ref().map_err(Clone::clone)?.clone(),
            }),
            None => self.enrolled(name).await?.serve(self, true).await,
        }
    }

    /// A client that reads an account whose settings are in the table, with the secrets of the developer's app alone. No
    /// request is made yet.
    pub fn reader(&self, name: &AccountName, row: &Enrolled) -> Arc<dyn Network> {
        networks::connect(&Connection {
            account: name,
            server: row.server.as_deref(),
            appview: row.appview.as_deref(),
            credentials: &self.settings.of_the_app(name.network),
            http: &self.http,
            clock: &self.clock,
        })
    }
}

impl Enrollment {
    /// The account with its network. With `login`, its own login is opened for that, so that letters can be sent and the
    /// login be tried; else the network can be read only, with the secrets of the developer's app.
    ///
    /// # Errors
    ///
    /// Why the account is not served.
    pub async fn serve(&self, deps: &Deps, login: bool) -> Result<Served, NotServed> {
        let account = if login {
            let seal = deps.seal.as_ref();
            self.to_send(seal, deps.clock.now()).await?
        } else {
            self.to_read()?
        };
        Ok(Served {
            network: account.connect(&deps.http, &deps.clock)?,
            account,
        })
    }
}
