//! One invitation: claim, send, complete.
//!
//! The claim is written before anything is sent, and the words with it, so that whoever comes after
//! a crash knows what may have been sent and can ask the network for exactly that.

use jiff::{SignedDuration, Timestamp};

use crate::{
    Deps,
    account::Signpost,
    hug::{Hug, HugKey, Invitation, NotClaimable, Status},
    invitation::Channel,
    ledger::{Kind, LedgerError},
    network::{Failure, Letter, Network, NetworkError},
    settings,
};

/// What became of a hug that was to be delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// The invitation is out, or the draft ready.
    Invited {
        /// How it travelled.
        channel: Channel,
        /// The network's reference to it, or the draft's link.
        reference: String,
    },
    /// There was nothing left to do: a repeated delivery.
    Settled(Status),
    /// Someone else has it; if they die, a check puts it back to work.
    InProgress,
    /// The network asked to wait; a check puts it back to work then.
    Postponed {
        /// Until when.
        until: Timestamp,
    },
    /// It may have arrived; a check puts it back to work, and then the network is asked first.
    InDoubt {
        /// What happened to the answer.
        why: String,
    },
    /// No channel is left.
    Undeliverable {
        /// What each of them said.
        why: String,
    },
    /// The ledger has no such hug (any more).
    Gone,
}

/// An invitation that did not get out this time.
#[derive(Clone, Debug, thiserror::Error)]
pub enum InviteError {
    /// The network failed; nothing was sent.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// The ledger failed.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The settings no longer name the account.
    #[error(
        "inviting for {0} failed: the settings name no such account; a retry cannot help before they do"
    )]
    UnknownAccount(String),
}

impl InviteError {
    /// Whether delivering the same record again can work without anyone changing anything.
    pub fn retry_can_help(&self) -> bool {
        match self {
            Self::Network(error) => error.failure.retry_can_help(),
            Self::Ledger(error) => error.kind != Kind::Final,
            Self::UnknownAccount(_) => false,
        }
    }
}

/// Delivers one hug's invitation, unless someone has done so or is doing so.
///
/// # Errors
///
/// Where the ledger fails, or the network refuses in a way that concerns more than this hug.
pub async fn invite(deps: &Deps, key: &HugKey) -> Result<Delivery, InviteError> {
    let Some(hug) = deps.ledger.hug(key).await? else {
        return Ok(Delivery::Gone);
    };
    let Some((account, network)) = find_account(deps, &hug).await? else {
        return Err(InviteError::UnknownAccount(hug.account.to_string()));
    };
    let claimed = match hug.claim(deps.clock.now()) {
        Ok(claimed) => claimed,
        Err(NotClaimable::Settled(status)) => return Ok(Delivery::Settled(status)),
        Err(NotClaimable::InProgress { .. }) => return Ok(Delivery::InProgress),
    };
    let delivered = async {
        deps.ledger.replace_hug(&claimed).await?;
        deliver(deps, account, network, claimed).await
    };
    match delivered.await {
        Err(InviteError::Ledger(error)) if error.kind == Kind::LostRace => Ok(Delivery::InProgress),
        ended => ended,
    }
}

/// The hug's account in the settings; under its newer name, if its handle has changed since.
async fn find_account<'a>(
    deps: &'a Deps,
    hug: &Hug,
) -> Result<Option<(&'a settings::Account, &'a dyn Network)>, LedgerError> {
    if let Some(found) = deps.account(&hug.account) {
        return Ok(Some(found));
    }
    let renamed = deps.ledger.account(&hug.key().id).await?;
    Ok(renamed.and_then(|account| deps.account(&account.account)))
}

async fn deliver(
    deps: &Deps,
    account: &settings::Account,
    network: &dyn Network,
    claimed: Hug,
) -> Result<Delivery, InviteError> {
    // Words that are there already were there before this claim: they may have been sent.
    let mut may_have_been_sent = claimed.invitation.is_some();
    let mut hug = claimed;
    loop {
        let Some(channel) = channel_for(account, &hug) else {
            let why = "every channel was refused".to_owned();
            let undeliverable = hug.undeliverable(why.clone(), deps.clock.now());
            deps.ledger.replace_hug(&undeliverable).await?;
            deps.metrics.undeliverable(deps.clock.now());
            return Ok(Delivery::Undeliverable { why });
        };
        if let Some(until) = send_limit(deps, account, channel).await? {
            return postpone(
                deps,
                &hug,
                until,
                "the network's rate limit",
                may_have_been_sent,
            )
            .await;
        }
        if hug.invitation.is_none() {
            hug = hug.prepare(words(deps, &hug, channel), deps.clock.now());
            deps.ledger.replace_hug(&hug).await?;
        }
        let sent = if channel == Channel::Draft {
            let text = hug.invitation.as_ref().map_or("", |words| &words.text);
            Ok(network.draft_link(hug.follower.as_ref(), text))
        } else {
            send_once(deps, network, &mut hug, may_have_been_sent).await?
        };
        let error = match sent {
            Ok(reference) => {
                let invited = hug.invited(reference.clone(), deps.clock.now());
                deps.ledger.replace_hug(&invited).await?;
                deps.metrics.invited(&invited, deps.clock.now());
                return Ok(Delivery::Invited { channel, reference });
            }
            Err(error) => error,
        };
        match error.failure {
            Failure::Refused => {
                tracing::info!(account = %account.name, milestone = hug.milestone.number(), %channel, %error, "refused for good; trying the next channel");
                hug = hug.refused(channel, error.to_string(), deps.clock.now());
                deps.ledger.replace_hug(&hug).await?;
                deps.metrics.refused(deps.clock.now());
                may_have_been_sent = false;
            }
            _ => return not_sent(deps, account, &hug, error, may_have_been_sent).await,
        }
    }
}

/// The channel of the words that may be under way, else the first that is neither refused nor
/// unfit for a hug without a name.
fn channel_for(account: &settings::Account, hug: &Hug) -> Option<Channel> {
    if let Some(invitation) = &hug.invitation {
        return Some(invitation.channel);
    }
    account.contact.iter().copied().find(|channel| {
        let refused = hug
            .refusals
            .iter()
            .any(|refusal| refusal.channel == *channel);
        !refused && (hug.follower.is_some() || !channel.needs_recipient())
    })
}

fn words(deps: &Deps, hug: &Hug, channel: Channel) -> Invitation {
    // A draft that addresses nobody can only become a post, so it says what an announcement says.
    let wording = match (channel, &hug.follower) {
        (Channel::Draft, None) => Channel::Announce,
        _ => channel,
    };
    let text = deps.settings.text(wording).compose(
        hug.account.network,
        wording,
        hug.milestone,
        hug.follower.as_ref(),
        &hug.creator,
    );
    Invitation {
        channel,
        text,
        prepared_at: deps.clock.now(),
        tried_again_at: None,
        reference: None,
        sent_at: None,
    }
}

/// Until when the network asked for no more posts; a draft asks nothing of it.
async fn send_limit(
    deps: &Deps,
    account: &settings::Account,
    channel: Channel,
) -> Result<Option<Timestamp>, LedgerError> {
    if channel == Channel::Draft {
        return Ok(None);
    }
    let signpost = deps
        .ledger
        .signpost(&account.name)
        .await?
        .unwrap_or_default();
    Ok(signpost
        .send_retry_at
        .filter(|until| *until > deps.clock.now()))
}

/// How long a network may take to show a message that it has: nothing but the look at the messages
/// keeps a second one out. A post has its key (Bluesky, Mastodon), or is refused where its words are
/// there already (X).
const MESSAGE_SHOWN_WITHIN: SignedDuration = SignedDuration::from_mins(10);

/// Sends the hug's letter, unless the network says that an earlier try delivered it.
async fn send_once(
    deps: &Deps,
    network: &dyn Network,
    hug: &mut Hug,
    may_have_been_sent: bool,
) -> Result<Result<String, NetworkError>, LedgerError> {
    if may_have_been_sent {
        match find(network, hug).await {
            Ok(None) => {}
            Ok(Some(reference)) => return Ok(Ok(reference)),
            Err(error) => return Ok(Err(error)),
        }
        if let Some(until) = hug.invitation.as_ref().map(shown_by)
            && until > deps.clock.now()
        {
            let why = format!("it is not among the messages, and may show up there until {until}");
            return Ok(Err(not_now(hug, Failure::OutcomeUnknown, &why)));
        }
        *hug = hug.tried_again(deps.clock.now());
        deps.ledger.replace_hug(hug).await?;
    }
    if !hug.time_to_send(deps.clock.now()) {
        let why = "too little was left of the time it may take";
        return Ok(Err(not_now(hug, Failure::TryAgain, why)));
    }
    Ok(match letter(hug) {
        Some(letter) => network.send(&letter).await,
        None => Err(not_now(hug, Failure::TryAgain, "it has no words yet")),
    })
}

/// Until when a letter that the network does not show may be there all the same.
fn shown_by(invitation: &Invitation) -> Timestamp {
    match invitation.channel {
        Channel::Message => invitation.last_tried_at() + MESSAGE_SHOWN_WITHIN,
        _ => invitation.last_tried_at(),
    }
}

fn letter(hug: &Hug) -> Option<Letter<'_>> {
    let invitation = hug.invitation.as_ref()?;
    Some(Letter { hug, invitation })
}

fn not_now(hug: &Hug, failure: Failure, why: &str) -> NetworkError {
    NetworkError {
        failure,
        account: hug.account.clone(),
        attempted: "sending the invitation",
        why: why.to_owned(),
    }
}

/// Asks the network for a letter. Where it refuses to tell, the next channel must not be tried, as
/// it would be after a refused letter: the follower may have this one.
async fn find(network: &dyn Network, hug: &Hug) -> Result<Option<String>, NetworkError> {
    let Some(letter) = letter(hug) else {
        return Ok(None);
    };
    network.find(&letter).await.map_err(|mut error| {
        if error.failure == Failure::Refused {
            error.failure = Failure::Unauthorized;
        }
        error
    })
}

/// Writes down why it was not sent, or may not have been, and until when to leave it.
async fn not_sent(
    deps: &Deps,
    account: &settings::Account,
    hug: &Hug,
    error: NetworkError,
    may_have_been_sent: bool,
) -> Result<Delivery, InviteError> {
    let now = deps.clock.now();
    match error.failure {
        Failure::WaitUntil(until) => {
            let limit = Signpost {
                send_retry_at: Some(until),
                ..Signpost::default()
            };
            deps.ledger.remember(&account.name, &limit).await?;
            postpone(deps, hug, until, &error.to_string(), may_have_been_sent).await
        }
        Failure::OutcomeUnknown => {
            let why = error.to_string();
            // The lease stays: the network gets that long to show what it did.
            let until = hug
                .lease_until
                .unwrap_or(now + SignedDuration::from_mins(1));
            deps.ledger
                .replace_hug(&hug.in_doubt(until, why.clone(), now))
                .await?;
            Ok(Delivery::InDoubt { why })
        }
        Failure::TryAgain | Failure::Unauthorized | Failure::Refused => {
            postpone(deps, hug, now, &error.to_string(), may_have_been_sent).await?;
            Err(error.into())
        }
    }
}

async fn postpone(
    deps: &Deps,
    hug: &Hug,
    until: Timestamp,
    why: &str,
    may_have_been_sent: bool,
) -> Result<Delivery, InviteError> {
    let now = deps.clock.now();
    let postponed = if may_have_been_sent {
        hug.in_doubt(until, why.to_owned(), now)
    } else {
        hug.postponed(until, why.to_owned(), now)
    };
    deps.ledger.replace_hug(&postponed).await?;
    Ok(Delivery::Postponed { until })
}
