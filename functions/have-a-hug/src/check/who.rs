//! Who has a number that is behind, by the rules of a check. Nothing is written.

use jiff::Timestamp;
use promise::{
    account::UserId,
    arrivals::from_index,
    evidence::Skipped,
    follower::Follower,
    hug::Hug,
    milestone::Milestone,
    record::{AccountRecord, ReadFollowers},
};

use super::{
    newest::Newest,
    outcome::CheckError,
    recipient::{Judged, MAX_DEPTH, Recipients, day, given},
};
use crate::{
    deps::{Connected, Deps},
    ledger::Ledger,
};

/// Where the network bills for each follower, no list is read further down than this: one page on X.
const MAX_BILLED_DEPTH: u64 = 1_000;

/// Who has a number.
#[derive(Debug)]
pub enum Who {
    /// The number has a hug.
    HasHug(Box<Hug>),
    /// The account has not so many followers.
    NotReached {
        /// How many it has.
        followers: u64,
    },
    /// The list is not read so far down.
    TooFarDown {
        /// How many followers the account has.
        followers: u64,
        /// How many of the newest are read at most.
        most: u64,
    },
    /// The network asked not to be read until this time.
    RateLimited {
        /// The time.
        until: Timestamp,
    },
    /// The list of followers was read.
    Listed(Box<Listed>),
}

/// What the list of followers says of a number.
#[derive(Debug)]
pub struct Listed {
    /// How many followers the account has now.
    pub followers: u64,
    /// The position of the number, 0 the newest.
    pub position: u64,
    /// The one who gets the number's hug by the rules of a check; `None` where nobody does.
    pub follower: Option<Follower>,
    /// Those who do not count, at the position and newer than it, oldest first.
    pub skipped: Vec<Skipped>,
    /// How many followers were listed.
    pub read: u64,
}

/// Finds out who has a number.
///
/// # Errors
///
/// Where the network or the ledger cannot be read.
pub async fn who(
    deps: &Deps,
    connected: Connected<'_>,
    milestone: Milestone,
) -> Result<Who, CheckError> {
    let Connected { account, network } = connected;
    let (ledger, now) = (&deps.ledger, deps.clock.now());
    let handle = ledger.handle(&account.name).await?.unwrap_or_default();
    if let Some(id) = &handle.id
        && let Some(hug) = hug_for(ledger, connected, id, milestone).await?
    {
        return Ok(Who::HasHug(hug));
    }
    if let Some(until) = handle.retry_at.filter(|until| *until > now) {
        return Ok(Who::RateLimited { until });
    }
    let profile = network.profile(handle.id.as_ref()).await?;
    let (id, followers) = (&profile.id, profile.followers);
    if handle.id.is_none()
        && let Some(hug) = hug_for(ledger, connected, id, milestone).await?
    {
        return Ok(Who::HasHug(hug));
    }
    let Some(position) = followers.checked_sub(milestone.number()) else {
        return Ok(Who::NotReached { followers });
    };
    let key = account.name.with_id(id);
    let known = ledger.account(&key).await?;
    let record = known
        .unwrap_or_else(|| AccountRecord::first(account.name.clone(), id.clone(), followers, now));
    let rules = account.rules();
    let most = match rules.price_of_followers {
        Some(_) => MAX_BILLED_DEPTH,
        None => MAX_DEPTH,
    };
    let most = most.min(ReadFollowers::left(
        record.read,
        day(now),
        rules.followers_a_day,
    ));
    if position >= most {
        return Ok(Who::TooFarDown { followers, most });
    }
    let mut newest = Newest::new(&account.name, network, id, now);
    let list = newest.down_to(position).await?;
    let (read, candidates) = (list.len() as u64, from_index(list, position));
    let listed = Listed {
        followers,
        position,
        follower: None,
        skipped: Vec::new(),
        read,
    };
    if read <= position {
        return Ok(Who::Listed(Box::new(listed)));
    }
    let given = given(&ledger.hugs(&key).await?, ledger.stops(&key).await?);
    let mut recipients = Recipients::over(connected, &mut newest, given, &record, followers, now);
    let (judged, skipped) = recipients.judge(candidates).await?;
    let follower = match judged {
        Judged::Genuine(follower) => Some(follower),
        Judged::Nobody => None,
    };
    Ok(Who::Listed(Box::new(Listed {
        follower,
        skipped,
        ..listed
    })))
}

/// The hug for that number, if there is one.
async fn hug_for(
    ledger: &Ledger,
    connected: Connected<'_>,
    id: &UserId,
    milestone: Milestone,
) -> Result<Option<Box<Hug>>, CheckError> {
    let hugs = ledger.hugs(&connected.account.name.with_id(id)).await?;
    let mut known = hugs.known.into_iter();
    Ok(known.find(|hug| hug.milestone == milestone).map(Box::new))
}
