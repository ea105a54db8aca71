//! Everything that the promise depends on, examined without sending or changing anything: a line for each
//! finding, and what to do about it.

mod finding;
mod ledger;
mod network;
mod settings;
mod songs;

use std::path::Path;

use have_a_hug::{
    clock::Clock,
    http,
    settings::{Account, NotServed, Secrets, Settings},
};

use self::{
    ledger::{look_at_folder, look_at_table},
    network::{CLOCK, OneAccount},
    settings::look_at_settings,
    songs::look_at_songs,
};
use crate::{Error, place::Place};
pub use finding::{Finding, Verdict, sum};

/// Looks at the settings in that file, the secrets, the ledger under `state` and each network.
///
/// # Errors
///
/// Where the HTTP client cannot be made; every other failure is a finding.
pub async fn run(
    settings: &Path,
    state: &Path,
    secrets: Secrets<'_>,
    clock: &Clock,
) -> Result<Vec<Finding>, Error> {
    let http = http::client()?;
    let (mut findings, settings) = look_at_settings(settings, secrets);
    let ledger = look_at_folder(state, clock.now()).await;
    findings.extend(ledger.findings);
    let Some(settings) = settings else {
        let found = "not asked, because the settings have a mistake";
        let help = "correct the settings and the secrets first";
        findings.push(Finding::unsure("networks", found, help));
        return Ok(findings);
    };
    let mut agreeing = Vec::new();
    for account in &settings.accounts {
        let network = match account.connect(&http, clock) {
            Ok(network) => network,
            Err(why @ NotServed::Inactive(_)) => {
                findings.push(Finding::ok(&account.name, why));
                continue;
            }
            // The findings about the settings report this already.
            Err(_) => continue,
        };
        let one = OneAccount {
            account,
            network: network.as_ref(),
            http: &http,
            now: clock.now(),
        };
        let (found, clocks) = one.look(&ledger.snapshot).await;
        findings.extend(found);
        agreeing.extend(clocks);
    }
    agreeing.dedup();
    if !agreeing.is_empty() {
        let found = format!("it agrees with {}", agreeing.join(", "));
        findings.push(Finding::ok(CLOCK, found));
    }
    findings.extend(look_at_songs(&settings, &http, clock.now()).await);
    Ok(findings)
}

/// Looks at the ledger on AWS alone, which needs no secrets of networks: its hugs, and when each account of
/// the settings was checked.
///
/// # Errors
///
/// A mistake in the settings, or where AWS cannot be asked.
pub async fn run_on_aws(
    settings: &Path,
    place: &Place,
    clock: &Clock,
) -> Result<Vec<Finding>, Error> {
    let settings = Settings::load_for_table(settings, &|_| None)?;
    let accounts = settings.accounts.into_iter();
    let accounts = accounts.filter(Account::is_active);
    let accounts = accounts.map(|account| account.name);
    let accounts: Vec<_> = accounts.collect();
    look_at_table(place, &accounts, clock.now()).await
}
