//! What a creator decided. Every mistake is reported, so a [`Settings`] has none.
//!
//! - `file`: hug.toml as it is written, and what to answer to a syntax error.
//! - `secrets`: the names of secrets, and which were found.
//! - `validate`: from both to [`Settings`], with all mistakes at once.

mod file;
mod secrets;
#[cfg(test)]
mod tests;
mod validate;

use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};

use jiff::Timestamp;
use promise::{
    account::{AccountName, NetworkName, UserId},
    channel::Channel,
    evidence::{Certainty, Evidence},
    follower::Recipient,
    hug::Hug,
    letter::LetterKind,
    milestone::{Milestone, Plan},
    news::Site,
    rules::Rules,
    screening::Screening,
    song::Song,
    song_mark::mark_to_write,
    template::{Facts, Template},
    unknown::Unknown,
    untrusted::{MAX_NAME, one_line},
};

use secrecy::SecretString;
use serde::Serialize;
use songbook::Words;

use crate::{
    clock::Clock,
    network::{Network, client::Connection},
    networks,
    secret::Credentials,
    youtube::YouTube,
};
pub use secrets::{Secrets, environment, name_for_all, rule_of_secret};

/// An error names at most this many accounts.
const MAX_NAMED: usize = 10;

/// Everything a creator has decided.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The accounts, in the order of hug.toml.
    pub accounts: Vec<Account>,
    /// The names of the secrets that are needed to serve them: as few as are enough.
    pub needs: Vec<String>,
    /// What looks wrong but does not stop the program: one sentence each, without the value of a secret.
    pub warnings: Vec<String>,
    /// The command that is run for each piece of news: a line for the shell, not empty.
    pub news: Option<String>,
    /// How YouTube is read.
    pub youtube: YouTubeSettings,
    /// What the page of the songs says in the creator's own words, and who may find it.
    pub songbook: Words,
    /// The secrets of the developer's app on each network: those that need no account's name.
    of_the_app: BTreeMap<NetworkName, Credentials>,
}

/// How YouTube is read.
#[derive(Clone, Debug, Default)]
pub struct YouTubeSettings {
    /// The server, where that is not YouTube's own.
    pub server: Option<String>,
    /// The key of its API, if there is one.
    pub key: Option<SecretString>,
}

impl YouTubeSettings {
    /// The client of YouTube, over this HTTP client. No request is made yet.
    pub fn connect(&self, http: &reqwest::Client) -> YouTube {
        YouTube::new(http, self.server.as_deref(), self.key.clone())
    }
}

/// Words that would go out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Preview {
    /// The number that they are for.
    pub milestone: Milestone,
    /// The channel.
    pub channel: Channel,
    /// The words.
    pub text: String,
}

/// Where the songs of an account are found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SongsSettings {
    /// The id of the channel on YouTube: it begins with `UC`.
    pub channel: String,
}

/// One account and what its creator wants for it.
#[derive(Clone, Debug)]
pub struct Account {
    /// Network and handle.
    pub name: AccountName,
    /// The name that signs invitations; else the display name on the network does.
    pub creator: Option<String>,
    /// Which numbers are its milestones.
    pub plan: Plan,
    /// The channels of an invitation, in the order they are tried; `draft` is always the last.
    pub contact: Vec<Channel>,
    /// The server of its API, where that is not the network's default.
    pub server: Option<String>,
    /// Where it is read, where that is not the network's default.
    pub appview: Option<String>,
    /// Where its songs are found without the creator's command; `None` where the creator names each.
    pub songs: Option<SongsSettings>,
    /// Words that make a topic doubtful, beside those that the filter knows.
    pub doubtful_words: Vec<String>,
    /// How new followers are judged.
    pub screening: Screening,
    /// Whether its settings are in the ledger's table and not in hug.toml.
    pub is_enrolled: bool,
    /// The names of the secrets that it needs: as few as are enough. Empty where it is switched off.
    pub needs: Vec<String>,
    /// The account's secrets, or why it is not served. The reason is never [`NotServed::Unknown`].
    pub credentials: Result<Credentials, NotServed>,
    /// A short text that differs from the one of other settings. The secrets are not in it.
    pub fingerprint: String,
    /// The creator's own words. If a channel is in the list twice, the first entry counts.
    texts: Vec<(Channel, Template)>,
}

/// What is wrong with the settings: every mistake with its line, its field and what would be right.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{file} {}, so nothing was done:{}", what(*.is_missing, .mistakes), list(.mistakes))]
pub struct SettingsError {
    file: String,
    /// Whether there is no such file.
    is_missing: bool,
    /// One sentence each.
    pub mistakes: Vec<String>,
    /// Accounts that would not be served even without the mistakes.
    pub not_served: Vec<NotServed>,
}

/// An account that the settings do not name.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the settings do not name the account {account}; they name {known}")]
pub struct UnknownAccount {
    account: AccountName,
    known: String,
}

/// Why an account is not served, so that it is not checked and nothing is sent for it.
#[derive(Clone, Debug, thiserror::Error)]
pub enum NotServed {
    /// The settings do not name it.
    #[error(transparent)]
    Unknown(#[from] UnknownAccount),
    /// The creator has switched it off.
    #[error("{0} has active = false in the settings, so it is neither checked nor served")]
    Inactive(AccountName),
    /// Without these secrets the account cannot be read, or its channels cannot be used.
    #[error("{} missing for {account}: {}; {help}", secrets_are(.names), .names.join(", "))]
    MissingSecrets {
        /// The account that needs them.
        account: AccountName,
        /// Their names.
        names: Vec<String>,
        /// What to do.
        help: String,
    },
    /// Its settings or its login are in the ledger's table, and cannot be used.
    #[error("{attempted} of {account} failed: {why}")]
    NotUsable {
        /// The account.
        account: AccountName,
        /// What was being attempted: "reading the settings".
        attempted: &'static str,
        /// Why, and what helps.
        why: String,
        /// Whether the same can work later without anyone changing anything.
        retry_can_help: bool,
    },
}

impl NotServed {
    /// Whether the account can be served later without anyone changing anything: only where the ledger or KMS was busy.
    pub fn retry_can_help(&self) -> bool {
        matches!(
            self,
            Self::NotUsable {
                retry_can_help: true,
                ..
            }
        )
    }
}

fn what(is_missing: bool, mistakes: &[String]) -> String {
    match mistakes.len() {
        _ if is_missing => "does not exist".to_owned(),
        1 => "has a mistake".to_owned(),
        several => format!("has {several} mistakes"),
    }
}

fn secrets_are(names: &[String]) -> &'static str {
    match names {
        [_] => "a secret is",
        _ => "secrets are",
    }
}

fn list(mistakes: &[String]) -> String {
    let lines = mistakes.iter().flat_map(|mistake| ["\n  ", mistake]);
    lines.collect()
}

impl Settings {
    /// The account with this name. The search takes time in proportion to the number of accounts.
    ///
    /// # Errors
    ///
    /// Where the settings do not name the account. The error lists the accounts that they name.
    pub fn account(&self, name: &AccountName) -> Result<&Account, UnknownAccount> {
        let found = self.accounts.iter().find(|account| account.name == *name);
        found.ok_or_else(|| self.unknown(name))
    }

    /// The error for a name that is not among the accounts.
    pub(crate) fn unknown(&self, name: &AccountName) -> UnknownAccount {
        UnknownAccount {
            account: name.clone(),
            known: self.names(),
        }
    }

    /// The names of the accounts, in a sentence: the first ten, and how many more.
    pub fn names(&self) -> String {
        let first = self.accounts.iter().take(MAX_NAMED);
        let first: Vec<String> = first.map(|account| account.name.to_string()).collect();
        match self.accounts.len() - first.len() {
            0 if first.is_empty() => "none".to_owned(),
            0 => first.join(", "),
            more => format!("{} and {more} more", first.join(", ")),
        }
    }

    /// The secrets of the developer's app on that network, as far as they were found. They belong to no account.
    pub fn of_the_app(&self, network: NetworkName) -> Credentials {
        self.of_the_app.get(&network).cloned().unwrap_or_default()
    }

    /// Whether another account that is switched on has its songs on the same channel, so that a number alone does not say
    /// whose song a video is. Who else uses the channel of an account whose settings are in the table is not known, so
    /// that counts as shared.
    pub fn shares_channel(&self, account: &Account) -> bool {
        let mut others = self
            .accounts
            .iter()
            .filter(|other| other.name != account.name);
        account.songs.is_some()
            && (account.is_enrolled
                || others.any(|other| {
                    other.is_active() && !other.is_enrolled && other.songs == account.songs
                }))
    }

    /// What the creator writes into the title or the description of a video, so that a check finds it as the song of
    /// that hug; `None` where no channel is read.
    pub fn mark_to_write(&self, account: &Account, milestone: Milestone) -> Option<String> {
        account.songs.as_ref()?;
        let shares = self.shares_channel(account);
        Some(mark_to_write(milestone, account.name.network, shares))
    }

    /// The accounts that are switched on and still not served: one reason for each.
    pub fn not_served(&self) -> impl Iterator<Item = &NotServed> {
        let active = self.accounts.iter().filter(|account| account.is_active());
        active.filter_map(|account| account.credentials.as_ref().err())
    }
}

impl Account {
    /// The text for [`Account::fingerprint`]: 16 hexadecimal digits. Another version of this program may make another one
    /// of the same settings; then each account is checked once more.
    fn fingerprint_of_settings(&self) -> String {
        let contact = (&self.contact, &self.server, &self.appview);
        let words = (&self.creator, &self.texts, &self.doubtful_words);
        let all = (self.plan, contact, words, &self.songs, &self.screening);
        let mut hasher = DefaultHasher::new();
        format!("{all:?}").hash(&mut hasher);
        format!("{:016x}", hasher.finish())
    }

    /// What its network allows.
    pub fn rules(&self) -> &'static Rules {
        networks::rules(self.name.network)
    }

    /// Whether the creator wants it to be checked and served.
    pub fn is_active(&self) -> bool {
        !matches!(self.credentials, Err(NotServed::Inactive(_)))
    }

    /// Whether this program sends anything for it, rather than only drafts.
    pub fn sends(&self) -> bool {
        sends(&self.contact)
    }

    /// The words of an invitation on `channel`, or for [`Channel::Reply`] of the song: the creator's own or the default
    /// ones.
    pub fn text(&self, channel: Channel) -> Template {
        let own = self.texts.iter().find(|(of, _)| *of == channel);
        own.map_or_else(
            || Template::default_for(self.rules(), channel),
            |(_, template)| template.clone(),
        )
    }

    /// What the links in its own words cost, if its network bills for them.
    pub fn price_of_links(&self) -> Option<String> {
        let price = self.rules().price_of_a_link?;
        let posts = [Channel::Announce, Channel::Mention];
        let mut used = self
            .contact
            .iter()
            .filter(|channel| posts.contains(channel));
        let channel = used.find(|channel| self.text(**channel).has_address())?;
        let account = &self.name;
        Some(format!(
            "the words of `{channel}` for {account} have a link in them: {price}"
        ))
    }

    /// The address of the server that its letters are sent to.
    pub fn server(&self) -> String {
        let named = self.server.as_deref();
        self.rules().server(&self.name.handle, named)
    }

    /// Where its network shows its people and posts.
    pub fn site(&self) -> Site {
        networks::site(&self.name, self.server.as_deref())
    }

    /// Whether a letter on `channel` names the follower where others can read it.
    pub fn names_follower(&self, channel: Channel) -> bool {
        match channel {
            Channel::Mention => true,
            Channel::Reply => self.text(channel).names_follower(),
            Channel::Announce | Channel::Message | Channel::Draft => false,
        }
    }

    /// The words of the letter that `hug` is at on `channel`, filled in.
    pub fn compose(&self, channel: Channel, hug: &Hug) -> String {
        let words = match hug.letter_kind() {
            LetterKind::Invitation => channel,
            LetterKind::Song => Channel::Reply,
        };
        let nobody = Recipient::default();
        let link = hug.posted.as_ref().map_or_else(String::new, Song::url);
        let passed = hug.passed.as_ref();
        let facts = Facts {
            milestone: hug.milestone,
            recipient: hug.follower.as_ref().unwrap_or(&nobody),
            creator: &hug.creator,
            // Who got a hug that was passed on came after the milestone was noticed.
            since: passed.map_or(hug.evidence.since, |_| Some(hug.reached_at)),
            reached_at: passed.map_or(hug.reached_at, |passed| passed.at),
            is_next: passed.is_some(),
            link: &link,
        };
        let text = self.text(words).compose(self.rules(), channel, &facts);
        let needs_address = hug.letter_kind() == LetterKind::Song
            && channel == Channel::Draft
            && !self.site().opens_for_one(hug);
        match &hug.follower {
            // The creator's link opens a post for everyone, so the words say for whom they are.
            Some(follower) if needs_address && !self.text(words).names_follower() => {
                format!("{} {text}", (self.rules().handle.address)(&follower.handle))
            }
            _ => text,
        }
    }

    /// The words of the first letter of a hug for that number, as they would go out now, and the channel that they would
    /// take: the first of the account's. `name` signs them unless the settings do. The follower is not known yet.
    pub fn next_words(&self, milestone: Milestone, name: &str, now: Timestamp) -> Option<Preview> {
        let follower = Recipient {
            handle: "follower".to_owned(),
            ..Recipient::default()
        };
        let evidence = Evidence {
            count_before: milestone.number() - 1,
            count_after: milestone.number(),
            since: Some(now),
            position: 0,
            passed_over: 0,
            certainty: Certainty::Unknown,
            arrivals: None,
            note: None,
            unknown: Unknown::new(),
        };
        let creator = self.creator.clone();
        let creator = creator.unwrap_or_else(|| one_line(name, MAX_NAME));
        let (account, id) = (self.name.clone(), UserId::default());
        let hug = Hug::owed(
            account,
            id,
            milestone,
            creator,
            Some(follower),
            evidence,
            now,
        );
        self.words_of(&hug)
    }

    /// The words of the letter that `hug` is at, on the channel that is tried next.
    pub fn words_of(&self, hug: &Hug) -> Option<Preview> {
        let channels = hug.channels(&self.contact, self.rules());
        let channel = hug.letter_state().next_channel(&channels)?;
        Some(Preview {
            milestone: hug.milestone,
            channel,
            text: self.compose(channel, hug),
        })
    }

    /// The client of the account's network, over this HTTP client. No request is made yet.
    ///
    /// # Errors
    ///
    /// Why it is not served.
    pub fn connect(
        &self,
        http: &reqwest::Client,
        clock: &Clock,
    ) -> Result<Arc<dyn Network>, NotServed> {
        let credentials = self.credentials.as_ref().map_err(Clone::clone)?;
        Ok(networks::connect(&Connection {
            account: &self.name,
            server: self.server.as_deref(),
            appview: self.appview.as_deref(),
            credentials,
            http,
            clock,
        }))
    }
}

/// Whether one of these channels sends anything, rather than keeping a draft.
fn sends(contact: &[Channel]) -> bool {
    contact.iter().any(|channel| *channel != Channel::Draft)
}
