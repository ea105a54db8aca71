//! Hugs that are stuck or were given up go back to work when a person says so.

use std::io::Write;

use have_a_hug::{
    ledger::{Ledger, Snapshot},
    retry::{RetryError, retry},
    settings::Settings,
};
use jiff::Timestamp;
use promise::{
    account::AccountName,
    hug::{Hug, NotClaimable},
    milestone::Milestone,
};

use crate::{Error, words::how};

/// Which hugs a person means.
#[derive(Clone, Debug, Default)]
pub struct Which {
    /// Only those of this account.
    pub account: Option<AccountName>,
    /// Only the one for this number.
    pub milestone: Option<Milestone>,
}

/// Puts the hugs of the settings' accounts back to work that can go, and says on `out` what it does with
/// each. Returns how many went back to work; the stream delivers them.
///
/// # Errors
///
/// Where the one hug that was asked for cannot go back to work, or the ledger fails.
pub async fn run(
    ledger: &Ledger,
    settings: &Settings,
    which: &Which,
    now: Timestamp,
    out: &mut impl Write,
) -> Result<usize, Error> {
    if let Some(account) = &which.account {
        settings.account(account)?;
    }
    let snapshot = ledger.snapshot().await?;
    let mut back_at_work = 0;
    for (name, hug) in chosen(&snapshot, which)? {
        let is = format!("{name}  the hug for {} is {}", hug.milestone, hug.status);
        match retry(ledger, settings, &hug.key(), now).await {
            Ok(_) => {
                let why = match how(hug) {
                    why if why.is_empty() => why,
                    why => format!(" ({why})"),
                };
                writeln!(out, "{is}{why}: it goes back to work")?;
                back_at_work += 1;
            }
            Err(RetryError::Ledger(error)) => return Err(error.into()),
            Err(why) if which.milestone.is_some() => {
                let what = format!("the hug for {} of {name} cannot be retried", hug.milestone);
                return Err(format!("{what}: {why}").into());
            }
            Err(RetryError::NotNow(NotClaimable::Settled(_))) => {}
            Err(why) => writeln!(out, "{is}: not changed: {why}")?,
        }
    }
    if back_at_work == 0 {
        writeln!(out, "No hug goes back to work.")?;
    }
    out.flush()?;
    Ok(back_at_work)
}

/// The hugs that are meant, each with the name that its account has now.
fn chosen<'a>(snapshot: &'a Snapshot, which: &Which) -> Result<Vec<(AccountName, &'a Hug)>, Error> {
    let hugs = snapshot.hugs.iter();
    let named: Vec<(AccountName, &Hug)> = hugs
        .map(|hug| (name_now(snapshot, hug), hug))
        .filter(|(name, _)| which.account.as_ref().is_none_or(|account| account == name))
        .collect();
    if let (Some(account), true) = (&which.account, named.is_empty()) {
        return Err(format!("{account} has no hug yet").into());
    }
    match which.milestone {
        Some(milestone) => Ok(vec![the_one(&named, milestone)?]),
        None => Ok(named),
    }
}

/// The name of a hug's account, by the handle that it has now.
fn name_now(snapshot: &Snapshot, hug: &Hug) -> AccountName {
    let id = hug.key().id;
    let known = snapshot.accounts.iter().find(|account| account.key() == id);
    known.map_or_else(|| hug.account.clone(), |account| account.name.clone())
}

fn the_one<'a>(
    named: &[(AccountName, &'a Hug)],
    milestone: Milestone,
) -> Result<(AccountName, &'a Hug), Error> {
    let found: Vec<_> = named
        .iter()
        .filter(|(_, hug)| hug.milestone == milestone)
        .collect();
    match found.as_slice() {
        [(name, hug)] => Ok((name.clone(), hug)),
        [] => {
            let hugs = named.iter();
            let there: Vec<String> = hugs
                .map(|(name, hug)| format!("{name} {}", hug.milestone))
                .collect();
            let there = if there.is_empty() {
                "there are none yet".to_owned()
            } else {
                format!("there are: {}", there.join(", "))
            };
            Err(format!("there is no hug for {milestone}; {there}").into())
        }
        several => {
            let names: Vec<String> = several.iter().map(|(name, _)| name.to_string()).collect();
            Err(format!(
                "several accounts have a hug for {milestone}; say whose with --account, one of {}",
                names.join(", ")
            )
            .into())
        }
    }
}
