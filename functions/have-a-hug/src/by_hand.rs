//! What a person does to a hug: retry, approve, cancel, sent, pass, topic, song.

use jiff::Timestamp;
use promise::{
    account::AccountName,
    hug::{Hug, HugKey, NotNow},
    letter::Receipt,
    milestone::Milestone,
    record::AccountRecord,
    song::{Song, SongSource},
    unknown::Unknown,
    video::VideoId,
};

use crate::{
    ledger::{Ledger, LedgerError, LedgerFailure},
    networks,
    pause::is_paused,
    settings::{Account, NotServed, Settings},
};

/// How often a step is decided again after another process wrote the records first.
const MAX_RACES: usize = 4;

/// What a person does to a hug.
#[derive(Clone, Debug)]
pub enum Step {
    /// The hug is tried again, because a person has removed the cause of its trouble.
    Retry,
    /// A hug that was held is sent. If the ledger has no hug for the milestone, a handle makes one.
    Approve {
        /// The handle of the follower whom the creator chose, without an `@`; `None` for the follower whom the
        /// hug names.
        chosen: Option<String>,
    },
    /// The hug ends, and nothing more is sent.
    Cancel,
    /// The creator has sent the letter by hand.
    Sent {
        /// The address of what was sent, if the creator gave it.
        url: Option<String>,
    },
    /// The hug goes to the next newer follower.
    Pass,
    /// The creator writes the topic down.
    Topic {
        /// The words, on one line.
        words: String,
    },
    /// The creator accepts the follower's topic.
    Accept,
    /// The creator refuses the follower's topic.
    Refuse,
    /// The song is up.
    Song {
        /// The video.
        video: VideoId,
        /// Its title, if it is known.
        title: Option<String>,
    },
}

/// Why a step was not taken.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ByHandError {
    /// The hug does not allow it now.
    #[error(transparent)]
    NotNow(#[from] NotNow),
    /// The ledger does not have the hug, or its account.
    #[error("the ledger has no such hug")]
    Gone,
    /// A number that nobody has crossed yet.
    #[error("number {0} has not been crossed yet: the hugs up to number {1} are decided")]
    NotCrossed(Milestone, u64),
    /// The plan has no such number.
    #[error("{0} is not a milestone of the plan in hug.toml")]
    NotPlanned(Milestone),
    /// The account is served from another ledger.
    #[error("{0} is paused here, because it is served from another ledger: do it there")]
    Paused(AccountName),
    /// Nobody would deliver it.
    #[error(transparent)]
    NotServed(#[from] NotServed),
    /// The ledger failed.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

impl Step {
    /// Whether the hug is delivered after this step, so that its account must be served.
    pub fn delivers(&self) -> bool {
        matches!(self, Self::Retry | Self::Approve { .. } | Self::Song { .. })
    }

    fn of(&self, hug: &Hug, now: Timestamp) -> Result<Hug, NotNow> {
        match self {
            Self::Retry => hug.retry(now),
            Self::Approve { chosen } => hug.approve(chosen.clone(), now),
            Self::Cancel => hug.cancel(now),
            Self::Sent { url } => {
                let receipt = url.as_deref().map(|url| receipt(hug, url));
                hug.sent_by_hand(receipt, now)
            }
            Self::Pass => hug.pass(now),
            Self::Topic { words } => hug.topic_by_hand(words.clone(), now),
            Self::Accept => hug.accept(now),
            Self::Refuse => hug.refuse(now),
            Self::Song { video, title } => {
                let song = Song {
                    video: video.clone(),
                    title: title.clone(),
                    by: SongSource::Creator,
                    at: now,
                    unknown: Unknown::new(),
                };
                hug.song_posted(song, now)
            }
        }
    }
}

/// The receipt for a post or message at `url`. If the address does not contain the network's id, the address itself is
/// the reference.
fn receipt(hug: &Hug, url: &str) -> Receipt {
    let rules = networks::rules(hug.account.network);
    Receipt {
        reference: (rules.post_at)(url).unwrap_or_else(|| url.to_owned()),
        url: Some(url.to_owned()),
        reply_key: None,
    }
}

/// Does `step` to one hug, and returns the hug as it is then. The account lists the hug as unsettled again unless the
/// step settles it, so that checks rearm the hug if it gets stuck.
///
/// # Errors
///
/// Where the step is not possible. Then nothing is written, unless the ledger failed without saying whether it wrote.
pub async fn by_hand(
    ledger: &Ledger,
    settings: &Settings,
    key: &HugKey,
    step: &Step,
    now: Timestamp,
) -> Result<Hug, ByHandError> {
    let mut races = 0;
    loop {
        match once(ledger, settings, key, step, now).await {
            Err(ByHandError::Ledger(error))
                if error.failure == LedgerFailure::LostRace && races < MAX_RACES =>
            {
                races += 1;
            }
            ended => return ended,
        }
    }
}

async fn once(
    ledger: &Ledger,
    settings: &Settings,
    key: &HugKey,
    step: &Step,
    now: Timestamp,
) -> Result<Hug, ByHandError> {
    let hug = ledger.hug(key).await?;
    let account = ledger.account(&key.id).await?.ok_or(ByHandError::Gone)?;
    if is_paused(&account) {
        return Err(ByHandError::Paused(account.name));
    }
    let served = settings.account(&account.name).map_err(NotServed::from);
    let next = match (hug, step) {
        (Some(hug), _) => step.of(&hug, now)?,
        (
            None,
            Step::Approve {
                chosen: Some(handle),
            },
        ) => owed_by_hand(served.clone()?, &account, key.milestone, handle, now)?,
        (None, _) => return Err(ByHandError::Gone),
    };
    if step.delivers() {
        served?;
    }
    // The account is written with the hug, even where it lists the hug already. Then a check that read the hug a
    // moment ago loses the race, and cannot record that the hug is settled.
    let mut unsettled = account.unsettled.clone();
    unsettled.retain(|milestone| *milestone != key.milestone);
    if !next.is_settled(now) {
        unsettled.push(key.milestone);
    }
    let account = AccountRecord {
        unsettled,
        revision: account.revision + 1,
        ..account
    };
    ledger.record_hug_and_account(&account, &next).await?;
    Ok(next)
}

/// A new hug for a milestone that was crossed and has none, for the follower with this handle.
fn owed_by_hand(
    account: &Account,
    record: &AccountRecord,
    milestone: Milestone,
    handle: &str,
    now: Timestamp,
) -> Result<Hug, ByHandError> {
    if !record.has_crossed(milestone) {
        return Err(ByHandError::NotCrossed(milestone, record.promised_up_to));
    }
    if !account.plan.names(milestone) {
        return Err(ByHandError::NotPlanned(milestone));
    }
    let creator = account.creator.clone();
    let creator = creator.unwrap_or_else(|| record.name.handle.clone());
    Ok(Hug::owed_by_hand(record, milestone, creator, handle, now))
}
