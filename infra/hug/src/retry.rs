//! Hugs that are stuck or were given up, put back to work at a person's word and delivered at once.

use std::io::Write;

use have_a_hug::{
    account::AccountName,
    hug::{Hug, NotClaimable},
    ledger::Everything,
    milestone::Milestone,
};
use serde_json::json;

use crate::{Error, stack::Stack, status, watch};

/// Says on `out` what it does with each hug of `account`, or of all, and then does it; with
/// `milestone`, only with that one. Answers whether anything needs a person afterwards.
///
/// # Errors
///
/// Where the one hug that was asked for cannot be put back to work, or the ledger fails.
pub async fn run(
    stack: &mut Stack,
    account: Option<&AccountName>,
    milestone: Option<Milestone>,
    out: &mut impl Write,
) -> Result<bool, Error> {
    if let Some(account) = account
        && stack.deps.settings.account(account).is_none()
    {
        return Err(unknown(stack, account).into());
    }
    let everything = stack.deps.ledger.everything().await?;
    let meant: Vec<(AccountName, &Hug)> = everything
        .hugs
        .iter()
        .map(|hug| (called_now(&everything, hug), hug))
        .filter(|(name, _)| account.is_none_or(|account| account == name))
        .collect();
    let chosen = match milestone {
        Some(milestone) => vec![the_one(&meant, milestone)?],
        None => meant,
    };
    let now = stack.deps.clock.now();
    let mut accounts = Vec::new();
    for (name, hug) in chosen {
        let is = format!("{name}  the hug for {} is {}", hug.milestone, hug.status);
        let refusal = match hug.redrive(now) {
            _ if stack.deps.settings.account(&name).is_none() => unknown(stack, &name),
            Ok(_) => {
                let why = match status::how(hug) {
                    why if why.is_empty() => why,
                    why => format!(" ({why})"),
                };
                writeln!(out, "{is}{why}: it is put back to work")?;
                if !accounts.contains(&name) {
                    accounts.push(name);
                }
                continue;
            }
            Err(NotClaimable::Settled(_)) if milestone.is_none() => continue,
            Err(why) => why.to_string(),
        };
        if milestone.is_some() {
            let what = format!("the hug for {} of {name} cannot be retried", hug.milestone);
            return Err(format!("{what}: {refusal}").into());
        }
        writeln!(out, "{is}: left alone, as {refusal}")?;
    }
    if accounts.is_empty() {
        writeln!(out, "Nothing is put back to work.")?;
        return Ok(false);
    }
    out.flush()?;
    let mut trouble = false;
    // Account by account, so that no other is looked at: X bills each look.
    for account in accounts {
        let event =
            json!({ "account": account.to_string(), "redrive": true, "milestone": milestone });
        let told = watch::round(stack, event).await?;
        for line in &told.lines {
            writeln!(out, "{line}")?;
        }
        trouble |= told.trouble;
    }
    Ok(trouble)
}

/// The account of a hug, by the handle that it has now.
fn called_now(everything: &Everything, hug: &Hug) -> AccountName {
    let id = hug.key().id;
    let known = everything
        .accounts
        .iter()
        .find(|account| account.key() == id);
    known.map_or_else(|| hug.account.clone(), |account| account.account.clone())
}

fn the_one<'a>(
    meant: &[(AccountName, &'a Hug)],
    milestone: Milestone,
) -> Result<(AccountName, &'a Hug), Error> {
    let all = |these: &[&(AccountName, &Hug)], what: &dyn Fn(&AccountName, &Hug) -> String| {
        let each: Vec<String> = these.iter().map(|(name, hug)| what(name, hug)).collect();
        each.join(", ")
    };
    let found: Vec<_> = meant
        .iter()
        .filter(|(_, hug)| hug.milestone == milestone)
        .collect();
    match found.as_slice() {
        [(name, hug)] => Ok((name.clone(), hug)),
        [] => {
            let there = all(&meant.iter().collect::<Vec<_>>(), &|name, hug| {
                format!("{name} {}", hug.milestone)
            });
            let there = if there.is_empty() {
                "there are none yet".to_owned()
            } else {
                format!("there are: {there}")
            };
            Err(format!("there is no hug for {milestone}; {there}").into())
        }
        several => {
            let names = all(several, &|name, _| name.to_string());
            Err(format!(
                "several accounts have a hug for {milestone}; say whose with --account, one of {names}"
            )
            .into())
        }
    }
}

fn unknown(stack: &Stack, account: &AccountName) -> String {
    let all = &stack.deps.settings.accounts;
    let known: Vec<String> = all.iter().map(|one| one.name.to_string()).collect();
    let known = known.join(", ");
    format!("the settings name no account {account}; they name {known}")
}
