//! What a round does beside other things: reads a page, counts, checks an account, records.

use std::sync::Arc;

use have_a_hug::{
    check::{Counted, FromRound, Wanted},
    deps::{Connected, Deps, Served},
    ledger::{LedgerError, Limit, RosterPage, RosterPlace},
    network::{Network, NetworkError, Profile},
    networks,
    settings::NotServed,
};
use jiff::Timestamp;
use promise::{
    account::{AccountId, AccountName, UserId},
    glance::Glance,
};

use crate::{one::check_one, summary::Checked};

/// An account of the round.
pub(crate) struct Candidate<'a> {
    /// Its number in the order of the roster, from where the round began.
    pub number: usize,
    pub name: AccountName,
    pub glance: Option<Glance>,
    pub source: Source<'a>,
    /// Where it is read: the place whose rate limit it shares. `None` where it is not served.
    pub place: Option<String>,
}

/// Where the settings of an account are.
pub(crate) enum Source<'a> {
    /// In hug.toml, at that place among its accounts.
    File(usize, Result<Connected<'a>, NotServed>),
    /// In the table. The reader has the secrets of the developer's app alone.
    Roster(Arc<dyn Network>),
}

impl Source<'_> {
    /// The network, where it can be read.
    pub(crate) fn network(&self) -> Option<&dyn Network> {
        match self {
            Self::File(_, connected) => connected.as_ref().ok().map(|connected| connected.network),
            Self::Roster(reader) => Some(reader.as_ref()),
        }
    }
}

/// What is to be done next.
pub(crate) enum Job<'a> {
    Page(Option<RosterPlace>),
    Count(Vec<Candidate<'a>>),
    Check(Box<Candidate<'a>>, Box<FromRound>),
    RecordCounts(Vec<(AccountId, u64)>),
    RecordLimit(Limit),
}

/// What a job ended with.
pub(crate) enum Done<'a> {
    Page(Result<RosterPage, LedgerError>),
    Counted(
        Vec<Candidate<'a>>,
        Result<Vec<Profile>, NetworkError>,
        Option<Timestamp>,
    ),
    Checked(Box<Candidate<'a>>, Box<Checked>, Option<Timestamp>),
    Recorded,
}

impl<'a> Job<'a> {
    pub(crate) async fn run(self, deps: &'a Deps, wanted: Wanted) -> Done<'a> {
        match self {
            Self::Page(after) => Done::Page(deps.ledger.roster(after).await),
            Self::Count(members) => {
                let Some(network) = members.first().and_then(|one| one.source.network()) else {
                    return Done::Counted(members, Ok(Vec::new()), None);
                };
                let ids: Vec<UserId> = members
                    .iter()
                    .filter_map(|one| Some(one.glance.as_ref()?.id.clone()))
                    .collect();
                let counts = network.counts(&ids).await;
                let blocked_until = network.blocked_until();
                Done::Counted(members, counts, blocked_until)
            }
            Self::Check(candidate, from_round) => {
                let (name, from_round) = (&candidate.name, *from_round);
                let served;
                let connected = match &candidate.source {
                    Source::File(_, connected) => connected.clone(),
                    Source::Roster(_) => {
                        served = serve(deps, name, &from_round).await;
                        served.as_ref().map(Served::connected).map_err(Clone::clone)
                    }
                };
                let network = connected.as_ref().ok().map(|connected| connected.network);
                let checked = check_one(deps, name, connected, wanted, from_round).await;
                let blocked_until = network.and_then(Network::blocked_until);
                Done::Checked(candidate, Box::new(checked), blocked_until)
            }
            Self::RecordCounts(counts) => {
                let recorded = deps.ledger.record_counts(&counts, deps.clock.now()).await;
                if let Err(error) = recorded {
                    tracing::warn!(%error, "the hour's counts are not recorded");
                }
                Done::Recorded
            }
            Self::RecordLimit(limit) => {
                if let Err(error) = deps.ledger.record_limit(&limit).await {
                    tracing::warn!(%error, "the rate limit is not recorded");
                }
                Done::Recorded
            }
        }
    }
}

/// An account of the roster, with its login where the check needs it, or where it is not known whether it does.
async fn serve(
    deps: &Deps,
    name: &AccountName,
    from_round: &FromRound,
) -> Result<Served, NotServed> {
    let enrollment = deps.enrolled(name).await?;
    let account = &enrollment.account;
    let needs_login = match (&from_round.glance, &from_round.counted) {
        (Some(glance), Some(Counted { profile, .. })) => {
            // The answer to a private letter is private, too.
            let answers_are_private = networks::rules(name.network).mention_is_private;
            let (followers, now) = (profile.followers, deps.clock.now());
            let (plan, settings) = (account.plan, &account.fingerprint);
            glance.needs_login(plan, settings, answers_are_private, followers, now)
        }
        _ => true,
    };
    enrollment.serve(deps, needs_login).await
}
