//! A glance at an account: its count, compared with the one that the last check left behind.

use jiff::{SignedDuration, Timestamp};
use promise::{
    account::{AccountName, UserId},
    glance::Glance,
    milestone::MAX_MILESTONE,
    record::{AccountRecord, HandleRecord},
};

use super::{
    login::Login,
    outcome::{Check, CheckOutcome},
};
use crate::{
    deps::Connected,
    ledger::Limit,
    network::{Failure, NetworkError, Profile},
    settings::Account,
};

/// What a round of checks knows of an account before its check. A check of one account knows nothing.
#[derive(Clone, Debug, Default)]
pub struct FromRound {
    /// What the count is compared with.
    pub glance: Option<Glance>,
    /// What the network answered before; `None` where the check asks.
    pub counted: Option<Counted>,
    /// The rate limit that the account shares with others; it may be over.
    pub limit: Option<Limit>,
    /// When the account was last looked at, as far as this process knows.
    pub looked_at: Option<Timestamp>,
}

/// An answer of the network about an account.
#[derive(Clone, Debug)]
pub struct Counted {
    /// The account with its count.
    pub profile: Profile,
    /// When it was answered.
    pub at: Timestamp,
}

/// How old a count may be that is compared with the list of followers. The count of a crossing is read once more after the
/// list; near a milestone nobody should have come between the two.
const MAX_AGE: SignedDuration = SignedDuration::from_secs(2);

impl Counted {
    /// Whether a check that reads the list of followers can compare it with this count.
    pub(super) fn is_fresh(&self, now: Timestamp) -> bool {
        now.duration_since(self.at) <= MAX_AGE
    }
}

/// What a glance at the count shows.
pub(super) enum Glanced {
    /// There is nothing more to do.
    Done(Box<Check>),
    /// The account is checked, with this answer of the network if it was asked.
    Look(Option<Counted>),
    /// The network asks to wait until then.
    Limited(Timestamp),
}

/// Compares the count with what the last check left behind. A check `by_hand` looks at everything.
///
/// # Errors
///
/// Where the network cannot be read, but for a rate limit.
pub(super) async fn glance(
    connected: Connected<'_>,
    round: &FromRound,
    by_hand: bool,
    now: Timestamp,
) -> Result<Glanced, NetworkError> {
    let Connected { account, network } = connected;
    let glance = round.glance.as_ref();
    let glance = glance.filter(|glance| !by_hand && !glance.is_over(&account.fingerprint, now));
    let Some(glance) = glance else {
        return Ok(Glanced::Look(round.counted.clone()));
    };
    let limit = round.limit.as_ref().filter(|limit| limit.until > now);
    let counted = match (&round.counted, limit) {
        (Some(counted), _) => counted.clone(),
        (None, Some(limit)) => {
            let limited = CheckOutcome::RateLimited;
            return Ok(Glanced::Done(Box::new(Check {
                followers: None,
                succeeded_at: Some(limit.since),
                retry_at: Some(limit.until),
                ..at_a_glance(connected, glance, limited, now)
            })));
        }
        (None, None) => match network.profile(Some(&glance.id)).await {
            Ok(profile) => Counted { profile, at: now },
            Err(NetworkError {
                failure: Failure::WaitUntil(until),
                ..
            }) => return Ok(Glanced::Limited(until)),
            Err(error) => return Err(error),
        },
    };
    reject_impossible(&account.name, &counted.profile, Some(&glance.id))?;
    Ok(if counted.profile.followers == glance.followers {
        let unchanged = CheckOutcome::Unchanged;
        Glanced::Done(Box::new(at_a_glance(connected, glance, unchanged, now)))
    } else {
        Glanced::Look(Some(counted))
    })
}

fn at_a_glance(
    connected: Connected<'_>,
    glance: &Glance,
    outcome: CheckOutcome,
    now: Timestamp,
) -> Check {
    let account = connected.account;
    let blocked_until = connected.network.blocked_until();
    Check {
        id: Some(glance.id.clone()),
        followers_before: Some(glance.followers),
        followers: Some(glance.followers),
        promised_up_to: Some(glance.promised_up_to),
        next_milestone: account.plan.next_after(glance.promised_up_to),
        succeeded_at: Some(now),
        retry_at: blocked_until.filter(|until| *until > now),
        ..Check::ended(account.name.clone(), outcome)
    }
}

/// What the next round compares the count with; `None` where it has more to do than a glance can say.
///
/// `handle` is what was known of the handle before the check, `tried` what a try of the login said, and `hugs_due_at` from
/// when on hugs that wait are looked at.
pub(super) fn glance_after(
    account: &Account,
    after: &AccountRecord,
    handle: &HandleRecord,
    tried: Option<&Login>,
    hugs_due_at: Option<Timestamp>,
    now: Timestamp,
) -> Option<Glance> {
    let mut handle = HandleRecord {
        failing_since: None,
        ..handle.clone()
    };
    match tried {
        Some(Login::Works) => {
            handle.login_error = None;
            handle.login_tried_at = Some(now);
        }
        Some(Login::Fails(error)) => handle.login_error = Some(error.clone()),
        // It is tried again at the next check.
        Some(Login::Unclear(_)) => handle.login_tried_at = None,
        None => {}
    }
    let (plan, sends) = (account.plan, account.sends());
    let fingerprint = account.fingerprint.clone();
    Glance::after(after, &handle, plan, sends, hugs_due_at, fingerprint)
}

/// Rejects answers about another account or with too many followers: the mark never goes down, so they could not be
/// undone.
///
/// # Errors
///
/// Why the answer is not believed.
pub(super) fn reject_impossible(
    account: &AccountName,
    profile: &Profile,
    id: Option<&UserId>,
) -> Result<(), NetworkError> {
    let why = match id {
        Some(id) if *id != profile.id => {
            format!("the answer is about the account {}, not {id}", profile.id)
        }
        _ if profile.followers > MAX_MILESTONE => {
            format!("no account has {} followers", profile.followers)
        }
        _ => return Ok(()),
    };
    Err(NetworkError {
        failure: Failure::TryAgain,
        account: account.clone(),
        attempted: "reading the follower count",
        why,
    })
}
