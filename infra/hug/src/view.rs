//! One hug as a person or a program sees it: its state, why it is not delivered, and what helps.

use have_a_hug::{networks, settings::Account};
use jiff::Timestamp;
use promise::{
    account::{AccountName, UserId},
    channel::Channel,
    erase::is_erased,
    evidence::{Evidence, Skipped},
    hug::{Hug, Status},
    letter::Words,
    milestone::Milestone,
    news::{self, Site, command},
};
use serde::Serialize;

/// One hug: an element of `hugs` in `hug status --json`. A missing value is `null`.
#[derive(Debug, Serialize)]
pub struct HugView {
    /// The account that owes it, as its creator calls it.
    pub account: AccountName,
    /// The number that was crossed.
    pub milestone: Milestone,
    /// The state, as in docs/ARCHITECTURE.md.
    pub status: Status,
    /// Who gets it; `null` where nobody is named.
    pub follower: Option<FollowerView>,
    /// Why this follower.
    pub evidence: Evidence,
    /// Who was passed over. The names are kept for 90 days, and at most the first 100.
    pub passed_over: Vec<Skipped>,
    /// The letter that asks for a topic; `null` before its words are composed.
    pub invitation: Option<LetterView>,
    /// What the follower asked for; always `null`, because this version does not read answers yet.
    pub topic: (),
    /// The song; always `null`, because this version does not send songs yet.
    pub song: (),
    /// The last failure, or why it is held.
    pub reason: Option<String>,
    /// When the milestone was noticed.
    pub reached_at: Timestamp,
    /// What is wrong; `null` where the hug is delivered, or is being delivered as it should be.
    pub trouble: Option<Trouble>,
    /// The record itself.
    #[serde(skip)]
    pub hug: Hug,
}

/// Who gets a hug.
#[derive(Debug, Serialize)]
pub struct FollowerView {
    /// The stable id on the network.
    pub id: UserId,
    /// The handle, without an `@`.
    pub handle: String,
    /// The display name.
    pub name: Option<String>,
    /// The page of the follower.
    pub url: String,
}

/// A letter.
#[derive(Debug, Serialize)]
pub struct LetterView {
    /// How it travels.
    pub channel: Channel,
    /// Its words.
    pub text: String,
    /// The network's own id of it.
    pub reference: Option<String>,
    /// What a person opens: the post; or, while the words wait for the creator, the link that sends them.
    pub url: Option<String>,
    /// When it was sent.
    pub sent_at: Option<Timestamp>,
}

/// Why a hug has not been delivered, when it is tried next, and what helps.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Trouble {
    /// What happened.
    pub what: String,
    /// For a hug that is held or to send: the time of its last change. Else: when the milestone was noticed.
    pub since: Timestamp,
    /// When the program tries the hug next by itself; `null` where it does not.
    pub next_try: Option<Timestamp>,
    /// Whether it waits for the creator's hand.
    pub needs_creator: bool,
    /// What a person can do.
    pub helps: String,
}

impl HugView {
    /// A hug as it is at `now`. `account` is the hug's account in the settings, if they name it.
    pub fn at(
        now: Timestamp,
        mut hug: Hug,
        passed_over: Vec<Skipped>,
        account: Option<&Account>,
    ) -> Self {
        let site = account.map_or_else(|| networks::site(&hug.account, None), Account::site);
        if let (Status::ToSend, None, Some(account)) = (&hug.status, &hug.invitation.words, account)
        {
            // An earlier version gave up without words that the creator could send.
            hug.invitation.words = Some(Words {
                channel: Channel::Draft,
                text: account.compose(Channel::Draft, &hug),
                prepared_at: now,
                tried_again_at: None,
            });
        }
        let follower = hug.follower.as_ref().filter(|one| !is_erased(one));
        let follower = follower.map(|follower| FollowerView {
            id: follower.id.clone(),
            handle: follower.handle.clone(),
            name: follower.name.clone(),
            url: (site.rules.profile_url)(&site.server, &follower.handle),
        });
        Self {
            account: hug.account.clone(),
            milestone: hug.milestone,
            status: hug.status.clone(),
            follower,
            evidence: hug.evidence.clone(),
            passed_over,
            invitation: LetterView::of(&hug, &site),
            topic: (),
            song: (),
            reason: hug.reason.clone(),
            reached_at: hug.reached_at,
            trouble: Trouble::of(&hug, &site, now),
            hug,
        }
    }

    /// Whether it waits for the creator's hand.
    pub fn needs_creator(&self) -> bool {
        self.hug.needs_creator()
    }
}

impl LetterView {
    fn of(hug: &Hug, site: &Site) -> Option<Self> {
        let letter = &hug.invitation;
        let words = letter.words.as_ref()?;
        let receipt = letter.receipt.as_ref();
        let url = if hug.status == Status::ToSend {
            Some(site.link(hug.follower.as_ref(), &words.text))
        } else {
            receipt.and_then(|receipt| receipt.url.clone())
        };
        Some(Self {
            channel: words.channel,
            text: words.text.clone(),
            // If the creator gave an address that does not contain the id, the receipt has the address as reference.
            reference: receipt
                .filter(|receipt| receipt.url.as_ref() != Some(&receipt.reference))
                .map(|receipt| receipt.reference.clone()),
            url,
            sent_at: letter.sent_at,
        })
    }
}

impl Trouble {
    /// What is wrong with a hug; `None` where nothing is wrong.
    fn of(hug: &Hug, site: &Site, now: Timestamp) -> Option<Self> {
        let claimed = hug.invitation.claimed_until(now).is_some();
        let next_try = hug.next_try(now);
        let retry = command("retry", hug);
        let reason = hug.reason.as_deref();
        let (what, helps) = match &hug.status {
            Status::Held if hug.follower.is_none() => (
                reason.unwrap_or("nobody is named"),
                format!(
                    "`hug approve {} --account {} --for HANDLE` says who gets it; {} ends it",
                    hug.milestone,
                    hug.account,
                    command("cancel", hug)
                ),
            ),
            Status::Held => (
                reason.unwrap_or("it is held"),
                format!(
                    "{} sends it; {} ends it",
                    command("approve", hug),
                    command("cancel", hug)
                ),
            ),
            Status::ToSend => (
                "no channel is left for the program: the words wait for you",
                format!(
                    "{}\nThen {}. If a channel works again, {retry}",
                    news::by_hand(hug, site),
                    command("sent", hug)
                ),
            ),
            Status::Reached | Status::Inviting if reason.is_some() && claimed => (
                reason.unwrap_or_default(),
                "wait until then: a check or `hug watch` continues with it".to_owned(),
            ),
            Status::Reached | Status::Inviting if reason.is_some() => (
                reason.unwrap_or_default(),
                format!(
                    "remove the cause; a check or `hug watch` continues with it then, and {retry} at once"
                ),
            ),
            Status::Reached if hug.invitation.rearmed > 0 || next_try == Some(now) => (
                "it is recorded, but nothing has delivered it",
                format!("the next check does, and {retry} at once"),
            ),
            Status::Inviting if !claimed => (
                "it was cut off while it was being sent",
                format!("the next check goes on with it, and {retry} at once"),
            ),
            _ => return None,
        };
        let refusals = hug.invitation.refusals.iter();
        let refused = refusals.map(|refusal| format!("; {}: {}", refusal.channel, refusal.reason));
        Some(Self {
            what: std::iter::once(what.to_owned()).chain(refused).collect(),
            since: match hug.status {
                Status::Held | Status::ToSend => hug.updated_at,
                _ => hug.reached_at,
            },
            next_try,
            needs_creator: hug.needs_creator(),
            helps,
        })
    }
}
