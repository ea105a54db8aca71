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

use std::sync::Arc;

use promise::{
    account::AccountName, channel::Channel, milestone::Plan, rules::Rules, screening::Screening,
    template::Template,
};

use crate::{
    clock::Clock,
    network::{Network, client::Connection},
    networks,
    secret::Credentials,
};
pub use secrets::{Secrets, rule_of_secret};

/// Everything a creator has decided.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Which numbers are milestones.
    pub plan: Plan,
    /// Whose followers are counted.
    pub accounts: Vec<Account>,
    /// The names of the secrets that are needed to serve them: as few as are enough.
    pub needs: Vec<String>,
    texts: Vec<(Channel, Template)>,
}

/// One account and what its creator wants for it.
#[derive(Clone, Debug)]
pub struct Account {
    /// Network and handle.
    pub name: AccountName,
    /// The name that signs invitations; else the display name on the network does.
    pub creator: Option<String>,
    /// The channels of an invitation, in the order they are tried; `draft` is always the last.
    pub contact: Vec<Channel>,
    /// The server of its API, where that is not the network's default.
    pub server: Option<String>,
    /// Where it is read, where that is not the network's default.
    pub appview: Option<String>,
    /// How new followers are judged.
    pub screening: Screening,
    /// Its secrets.
    pub credentials: Credentials,
}

/// What is wrong with the settings: every mistake with its line, its field and what would be right.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{file} has {}, so nothing was done:{}", count(.mistakes), list(.mistakes))]
pub struct SettingsError {
    file: String,
    /// One sentence each.
    pub mistakes: Vec<String>,
}

/// An account that the settings do not name.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the settings name no account {account}; they name {}", .known.join(", "))]
pub struct UnknownAccount {
    account: AccountName,
    known: Vec<String>,
}

fn count(mistakes: &[String]) -> String {
    match mistakes.len() {
        1 => "a mistake".to_owned(),
        several => format!("{several} mistakes"),
    }
}

fn list(mistakes: &[String]) -> String {
    let lines = mistakes.iter().flat_map(|mistake| ["\n  ", mistake]);
    lines.collect()
}

impl Settings {
    /// The words of an invitation on `channel`: the creator's own or the default ones.
    pub fn text(&self, channel: Channel) -> Template {
        let own = self.texts.iter().find(|(of, _)| *of == channel);
        own.map_or_else(
            || Template::default_for(channel),
            |(_, template)| template.clone(),
        )
    }

    /// The account of that name.
    ///
    /// # Errors
    ///
    /// Where the settings do not name it: which ones they name.
    pub fn account(&self, name: &AccountName) -> Result<&Account, UnknownAccount> {
        let found = self.accounts.iter().find(|account| account.name == *name);
        found.ok_or_else(|| UnknownAccount {
            account: name.clone(),
            known: self.names(),
        })
    }

    /// The names of all accounts.
    pub fn names(&self) -> Vec<String> {
        let names = self.accounts.iter().map(|account| account.name.to_string());
        names.collect()
    }
}

impl Account {
    /// What its network allows.
    pub fn rules(&self) -> &'static Rules {
        networks::rules(self.name.network)
    }

    /// Whether this program sends anything for it, rather than only drafts.
    pub fn sends(&self) -> bool {
        self.contact
            .iter()
            .any(|channel| *channel != Channel::Draft)
    }

    /// Its network, reached through the one HTTP client; nothing is sent yet.
    pub fn connect(&self, http: &reqwest::Client, clock: &Clock) -> Arc<dyn Network> {
        networks::connect(&Connection {
            account: &self.name,
            server: self.server.as_deref(),
            appview: self.appview.as_deref(),
            credentials: &self.credentials,
            http,
            clock,
        })
    }
}
