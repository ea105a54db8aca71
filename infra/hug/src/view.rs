//! One hug as a person or a program sees it: its state, its letters, its topic and its song.

use have_a_hug::{networks, settings::Account};
use jiff::Timestamp;
use promise::{
    account::{AccountName, UserId},
    answer::Topic,
    channel::Channel,
    erase::is_erased,
    evidence::{Evidence, Skipped},
    follower::Recipient,
    hug::{Hug, Status},
    letter::{LetterKind, Words},
    milestone::Milestone,
    news::Site,
};
use serde::Serialize;

use crate::trouble::Trouble;

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
    /// What the follower asked for; `null` before they have answered.
    pub topic: Option<Topic>,
    /// The song; `null` before it is posted.
    pub song: Option<SongView>,
    /// The mark that the creator writes into the title or the description of the video; `null` where no song is waited
    /// for, or no channel is read.
    pub mark: Option<String>,
    /// Whom the hug was for before the creator passed it on; `null` where that did not happen.
    pub passed: Option<FollowerView>,
    /// The last failure, or why it is held.
    pub reason: Option<String>,
    /// When the milestone was noticed.
    pub reached_at: Timestamp,
    /// What is wrong; `null` where the hug is delivered, or is being delivered as it should be.
    pub trouble: Option<Trouble>,
    /// When it was looked at.
    #[serde(skip)]
    pub seen_at: Timestamp,
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

/// A song: the video, and how its link came to the follower.
#[derive(Debug, Serialize)]
pub struct SongView {
    /// The address of the video.
    pub url: String,
    /// Its title; `null` where it is not known.
    pub title: Option<String>,
    /// How the letter travels; `null` before its words are composed.
    pub channel: Option<Channel>,
    /// Its words.
    pub text: Option<String>,
    /// The network's own id of it.
    pub reference: Option<String>,
    /// What a person opens: the reply; or, while the words wait for the creator, the link that sends them.
    pub letter_url: Option<String>,
    /// When it was sent.
    pub sent_at: Option<Timestamp>,
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
        let has_no_words = hug.posted.is_none() && hug.invitation.words.is_none();
        if let (Status::ToSend, true, Some(account)) = (&hug.status, has_no_words, account) {
            // An earlier version gave up without words that the creator could send.
            hug.invitation.words = Some(Words {
                channel: Channel::Draft,
                text: account.compose(Channel::Draft, &hug),
                prepared_at: now,
                tried_again_at: None,
            });
        }
        let view = |follower: &Recipient| FollowerView {
            id: follower.id.clone(),
            handle: follower.handle.clone(),
            name: follower.name.clone(),
            url: (site.rules.profile_url)(&site.server, &follower.handle),
        };
        let shown = |follower: &&Recipient| !is_erased(follower);
        let passed = hug.passed.as_ref().map(|passed| &passed.follower);
        Self {
            account: hug.account.clone(),
            milestone: hug.milestone,
            status: hug.status.clone(),
            follower: hug.follower.as_ref().filter(shown).map(view),
            evidence: hug.evidence.clone(),
            passed_over,
            invitation: LetterView::of(&hug, LetterKind::Invitation, &site),
            topic: hug.topic.clone(),
            song: SongView::of(&hug, &site),
            mark: None,
            passed: passed.filter(shown).map(view),
            reason: hug.reason.clone(),
            reached_at: hug.reached_at,
            trouble: Trouble::of(&hug, &site, now),
            seen_at: now,
            hug,
        }
    }

    /// Whether it waits for the creator's hand.
    pub fn needs_creator(&self) -> bool {
        self.hug.needs_creator()
    }
}

impl LetterView {
    /// The letter of that kind; `None` before its words are composed.
    fn of(hug: &Hug, kind: LetterKind, site: &Site) -> Option<Self> {
        let letter = match kind {
            LetterKind::Invitation => &hug.invitation,
            LetterKind::Song => &hug.song,
        };
        let words = letter.words.as_ref()?;
        let receipt = letter.receipt.as_ref();
        let waits = hug.status == Status::ToSend && hug.letter_kind() == kind;
        let url = if waits {
            Some(site.link_by_hand(hug, &words.text))
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

impl SongView {
    /// The song of the hug; `None` before it is posted.
    fn of(hug: &Hug, site: &Site) -> Option<Self> {
        let posted = hug.posted.as_ref()?;
        let mut song = Self {
            url: posted.url(),
            title: posted.title.clone(),
            channel: None,
            text: None,
            reference: None,
            letter_url: None,
            sent_at: None,
        };
        if let Some(letter) = LetterView::of(hug, LetterKind::Song, site) {
            song.channel = Some(letter.channel);
            song.text = Some(letter.text);
            song.reference = letter.reference;
            song.letter_url = letter.url;
            song.sent_at = letter.sent_at;
        }
        Some(song)
    }
}
