//! `hug who`: who has a number that is behind.

use std::io::Write;

use have_a_hug::{
    check::{Listed, Who, who},
    deps::{Connected, Deps},
    settings::Account,
};
use promise::{
    account::AccountName,
    milestone::Milestone,
    news::Site,
    untrusted::{MAX_NAME, one_line},
};

use crate::{
    Error,
    words::{each, follower},
};

/// Prints who has that number on the account of that name, or on every account that is switched on. Nothing is written
/// to a ledger or a network. Returns whether every account could be asked.
///
/// # Errors
///
/// Where the settings do not name the account, or `out` fails.
pub async fn run(
    deps: &Deps,
    of: Option<&AccountName>,
    milestone: Milestone,
    out: &mut impl Write,
) -> Result<bool, Error> {
    let accounts: Vec<&Account> = if let Some(name) = of {
        vec![deps.settings.account(name)?]
    } else {
        let all = deps.settings.accounts.iter();
        all.filter(|account| account.is_active()).collect()
    };
    let mut all_answered = true;
    for account in accounts {
        let name = &account.name;
        let answered = match deps.connected(name) {
            Ok(connected) => {
                let found = who(deps, connected, milestone).await;
                let lines = |found: Who| lines(connected, milestone, &found);
                found.map(lines).map_err(|error| error.to_string())
            }
            Err(why) => Err(why.to_string()),
        };
        all_answered &= answered.is_ok();
        match answered {
            Ok(lines) => lines.iter().try_for_each(|line| writeln!(out, "{line}"))?,
            Err(why) => writeln!(out, "{name}  could not be asked: {why}")?,
        }
    }
    Ok(all_answered)
}

fn lines(connected: Connected<'_>, milestone: Milestone, who: &Who) -> Vec<String> {
    let (account, name) = (connected.account, &connected.account.name);
    match who {
        Who::HasHug(hug) => vec![format!(
            "{name}  {milestone} has its hug: it is {}, for {}. `hug status` shows it.",
            hug.status,
            follower(hug)
        )],
        Who::NotReached { followers } => vec![format!(
            "{name}  {followers} followers: number {milestone} has not come yet"
        )],
        Who::TooFarDown { followers, most } => vec![format!(
            "{name}  {followers} followers: number {milestone} is further down than the {most} newest, and no more are read now. If you know who it was: `hug approve {milestone} --account {name} --for HANDLE`"
        )],
        Who::RateLimited { until } => vec![format!(
            "{name}  its rate limit is used up: nothing is asked until {until}"
        )],
        Who::Listed(listed) => {
            let mut lines = listed_lines(connected, milestone, listed);
            let price = account.rules().price_of_followers;
            lines.extend(price.map(|price| format!("  {}", price(listed.read))));
            lines
        }
    }
}

fn listed_lines(connected: Connected<'_>, milestone: Milestone, listed: &Listed) -> Vec<String> {
    let Connected { account, .. } = connected;
    let (name, count) = (&account.name, listed.followers);
    if listed.read <= listed.position {
        let read = listed.read;
        return vec![format!(
            "{name}  {count} followers, but the network lists only {read}: the list does not reach number {milestone}"
        )];
    }
    let place = listed.position + 1;
    let place = format!(
        "{name}  {count} followers: number {milestone} is place {place} of the list, the newest first"
    );
    let mut lines = vec![place];
    let Some(follower) = &listed.follower else {
        lines.push("  nobody who counts is there or has come since".to_owned());
        lines.extend(passed_over(listed));
        return lines;
    };
    let Site { rules, server } = account.site();
    let page = (rules.profile_url)(&server, &follower.handle);
    let shown = follower.name.as_ref();
    let shown = shown.map(|name| format!(" ({})", one_line(name, MAX_NAME)));
    let handle = &follower.handle;
    lines.push(format!("  @{handle}{}  {page}", shown.unwrap_or_default()));
    lines.extend(passed_over(listed));
    lines.push(format!(
        "  This is the list of today. For each of the first {milestone} who has left since, the true number {milestone} is one place further down."
    ));
    if account.plan.names(milestone) {
        lines.push(format!(
            "  To give them the hug: `hug approve {milestone} --account {name} --for {handle}`"
        ));
    }
    lines
}

fn passed_over(listed: &Listed) -> Option<String> {
    let skipped = each(&listed.skipped, 0).join(", ");
    (!skipped.is_empty()).then(|| format!("  passed over: {skipped}"))
}
