//! The promise, and every rule of it: *follower number 600 gets a song, and so does every hundredth
//! after that.*
//!
//! # Layout
//!
//! Start with [`check`](mod@check), one look at one account, and [`invite`](mod@invite), one
//! invitation; all else serves these two.
//!
//! - Who crossed a milestone: `naming`, the rule of the position; `newest`, the list and who is new on it.
//! - Pure rules: [`milestone`] (which numbers were crossed), [`follower`] (who counts as genuine),
//!   [`hug`] (a gift's life), [`invitation`] (the words).
//! - What is kept: [`account`] and [`hug`] are what the [`ledger`] reads and writes, each write on
//!   the condition that nobody else wrote in between.
//! - What is asked: [`network`] is what X, Bluesky and Mastodon can do, [`http`] the one client for
//!   them and for AWS ([`aws`]).
//! - What is counted for CloudWatch: [`metrics`].
//! - What others wrote: `foreign` makes their text fit to be kept and shown.
//! - What a creator decides: [`settings`]; how a function gets there: [`start`].
//! - The time comes from a [`clock`] that is handed in.
//!
//! The functions around this crate translate events; they hold no rule of their own.

pub mod account;
pub mod aws;
pub mod check;
pub mod clock;
pub mod follower;
mod foreign;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
#[allow(clippy::unwrap_used, missing_docs, reason = "it is there to fail")]
pub mod fuzzing;
pub mod http;
pub mod hug;
pub mod invitation;
pub mod invite;
pub mod ledger;
pub mod metrics;
pub mod milestone;
mod naming;
pub mod network;
mod newest;
pub mod settings;
pub mod start;

use std::{collections::HashMap, sync::Arc};

use account::AccountName;
use clock::Clock;
use ledger::Ledger;
use metrics::Metrics;
use network::Network;
use settings::Settings;

/// What a check and an invitation work with; made once, lent to every event.
pub struct Deps {
    /// What the creator decided.
    pub settings: Settings,
    /// Where promises are written down.
    pub ledger: Ledger,
    /// The time.
    pub clock: Clock,
    /// Where what happened is counted: nowhere, unless a function on AWS says otherwise.
    pub metrics: Metrics,
    networks: HashMap<AccountName, Arc<dyn Network>>,
}

impl Deps {
    /// Connects every account of the settings to its network; nothing is sent yet.
    pub fn new(settings: Settings, ledger: Ledger, http: &reqwest::Client, clock: Clock) -> Self {
        let connect = |account: &settings::Account| {
            (
                account.name.clone(),
                network::connect(account, http, &clock),
            )
        };
        let networks = settings.accounts.iter().map(connect).collect();
        Self::over(settings, ledger, networks, clock)
    }

    /// The same with the networks handed in, as the simulation does.
    pub fn over(
        settings: Settings,
        ledger: Ledger,
        networks: HashMap<AccountName, Arc<dyn Network>>,
        clock: Clock,
    ) -> Self {
        Self {
            settings,
            ledger,
            clock,
            metrics: Metrics::default(),
            networks,
        }
    }

    /// An account of the settings with its network; `None` for one that they do not name.
    pub fn account(&self, name: &AccountName) -> Option<(&settings::Account, &dyn Network)> {
        let account = self.settings.account(name)?;
        let network = self.networks.get(name)?;
        Some((account, network.as_ref()))
    }
}
