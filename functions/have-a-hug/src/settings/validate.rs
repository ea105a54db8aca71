//! From hug.toml and the secrets to [`Settings`], with all mistakes at once.

use std::{collections::HashSet, fmt, io::ErrorKind, path::Path};

use promise::{
    account::{AccountName, NetworkName},
    channel::Channel,
    milestone::{MAX_MILESTONE, Plan},
    rules::{Rules, SecretRule},
    screening::Screening,
    template::Template,
};
use toml::Spanned;

use super::{
    Account, Settings, SettingsError,
    file::{RawAccount, RawSettings, RawTexts, line_of, plain_handle, syntax_mistake},
    secrets::{Secrets, find, secret_name},
};
use crate::{
    networks,
    secret::{Credentials, is_allowed_server},
};

impl Settings {
    /// Reads the file at `path`, and the secrets that its accounts need from `secrets`.
    ///
    /// # Errors
    ///
    /// Every mistake at once, or why the file cannot be read.
    pub fn load(path: &Path, secrets: Secrets<'_>) -> Result<Self, SettingsError> {
        let file = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| {
            // Only where there is no file yet: a copy must not overwrite what someone wrote.
            let help = match error.kind() {
                ErrorKind::NotFound => {
                    format!(
                        "copy hug.example.toml to {file} and set your handle, or name the file that you have: --settings FILE"
                    )
                }
                ErrorKind::InvalidData => "save it as plain text in UTF-8".to_owned(),
                _ => format!("see what {file} is, and who may read it"),
            };
            SettingsError {
                mistakes: vec![format!("it cannot be read: {error}; {help}")],
                file: file.clone(),
            }
        })?;
        Self::parse(&text, &file, secrets)
    }

    /// Reads settings from their text; `file` is what errors call it.
    ///
    /// # Errors
    ///
    /// Every mistake at once; those that keep the file from being read as TOML at all, one at a time.
    pub fn parse(text: &str, file: &str, secrets: Secrets<'_>) -> Result<Self, SettingsError> {
        let fail = |mistakes| SettingsError {
            file: file.to_owned(),
            mistakes,
        };
        let raw: RawSettings =
            toml::from_str(text).map_err(|error| fail(vec![syntax_mistake(text, &error)]))?;
        let mut validator = Validator {
            text,
            secrets,
            mistakes: Vec::new(),
            needs: Vec::new(),
        };
        match validator.settings(raw) {
            Some(settings) if validator.mistakes.is_empty() => Ok(settings),
            _ => Err(fail(validator.mistakes)),
        }
    }
}

/// Goes on after a mistake, to find all of them.
struct Validator<'a> {
    text: &'a str,
    secrets: Secrets<'a>,
    mistakes: Vec<String>,
    needs: Vec<String>,
}

impl Validator<'_> {
    fn mistake<T>(&mut self, at: &Spanned<T>, field: &str, what: impl fmt::Display) {
        let line = line_of(self.text, at.span().start);
        self.mistakes.push(format!("line {line}, {field}: {what}"));
    }

    fn settings(&mut self, raw: RawSettings) -> Option<Settings> {
        let first = self.number(&raw.plan.first, "plan.first");
        let step = self.number(&raw.plan.step, "plan.step");
        if raw.account.is_empty() {
            let what =
                "no account is named; add [[account]] with network = \"x\" and handle = \"you\"";
            self.mistakes.push(what.to_owned());
        }
        let networks: Vec<Option<NetworkName>> = raw
            .account
            .iter()
            .map(|account| account.get_ref().network.get_ref().parse().ok())
            .collect();
        let (mut names, mut users) = (HashSet::new(), HashSet::new());
        let mut accounts = Vec::new();
        for account in raw.account {
            let is_alone = |network| {
                let same = networks.iter().filter(|other| **other == Some(network));
                same.count() == 1
            };
            if let Some(read) = self.account(account.get_ref(), is_alone) {
                if !names.insert(read.name.clone()) | !users.insert(user_at(&read)) {
                    let what = format!("{} is here a second time; leave one out", read.name);
                    self.mistake(&account, "account", what);
                }
                accounts.push(read);
            }
        }
        let texts = self.texts(&raw.texts, &accounts);
        Some(Settings {
            plan: Plan::new(first?, step?)?,
            accounts,
            needs: std::mem::take(&mut self.needs),
            texts,
        })
    }

    fn number(&mut self, raw: &Spanned<i64>, field: &str) -> Option<u64> {
        let number = u64::try_from(*raw.get_ref())
            .ok()
            .filter(|n| (1..=MAX_MILESTONE).contains(n));
        if number.is_none() {
            let what = format!(
                "{} is not a number of followers; write 1 to {MAX_MILESTONE}",
                raw.get_ref()
            );
            self.mistake(raw, field, what);
        }
        number
    }

    fn account(
        &mut self,
        raw: &RawAccount,
        is_alone: impl Fn(NetworkName) -> bool,
    ) -> Option<Account> {
        let network: NetworkName = match raw.network.get_ref().parse() {
            Ok(network) => network,
            Err(what) => {
                self.mistake(&raw.network, "account.network", what);
                return None;
            }
        };
        let rules = networks::rules(network);
        let name = AccountName {
            network,
            handle: self.handle(rules, raw),
        };
        let contact = self.contact(rules, raw);
        let server = self.address(raw.server.as_ref(), "account.server");
        let appview = self.address(raw.appview.as_ref(), "account.appview");
        if let Some(appview) = &raw.appview
            && rules.default_appview.is_none()
        {
            let what = format!("{} has none; leave it out", rules.title);
            self.mistake(appview, "account.appview", what);
        }
        if let Some(creator) = &raw.creator
            && creator.get_ref().trim().is_empty()
        {
            let what = "it is empty; write the name that signs, or leave this line out";
            self.mistake(creator, "account.creator", what);
        }
        let mut account = Account {
            creator: raw.creator.as_ref().map(|name| name.get_ref().clone()),
            contact,
            server,
            appview,
            screening: Screening {
                screen: raw.screen.unwrap_or(true),
                always: raw.always.clone(),
            },
            credentials: Credentials::default(),
            name,
        };
        account.credentials = self.credentials(&account, raw, is_alone(network));
        Some(account)
    }

    fn handle(&mut self, rules: &Rules, raw: &RawAccount) -> String {
        let handle = plain_handle(raw.handle.get_ref());
        if !(rules.handle.is_valid)(&handle) {
            let what = format!(
                "\"{handle}\" is not a valid handle on {}; one looks like \"{}\"",
                rules.title, rules.handle.example
            );
            self.mistake(&raw.handle, "account.handle", what);
        }
        if !rules.handle.names_its_server || handle.contains('@') {
            return handle;
        }
        let Some(server) = &raw.server else {
            let what = format!(
                "\"{handle}\" does not say on which server; write it like \"{}\", or add server = \"https://…\"",
                rules.handle.example
            );
            self.mistake(&raw.handle, "account.handle", what);
            return handle;
        };
        let host = server.get_ref().trim_end_matches('/').split_once("://");
        let host = host.map_or("", |(_, host)| host).to_lowercase();
        format!("{handle}@{host}")
    }

    /// An address without a slash at its end.
    fn address(&mut self, raw: Option<&Spanned<String>>, field: &str) -> Option<String> {
        let raw = raw?;
        if !is_allowed_server(raw.get_ref()) {
            let what =
                "write an address such as https://example.com (http:// only on this computer)";
            self.mistake(raw, field, what);
        }
        Some(raw.get_ref().trim_end_matches('/').to_owned())
    }

    /// The channels in order, with `draft` at the end whether it was written or not.
    fn contact(&mut self, rules: &Rules, raw: &RawAccount) -> Vec<Channel> {
        const FIELD: &str = "account.contact";
        let Some(list) = &raw.contact else {
            return rules.default_contact.to_vec();
        };
        if list.get_ref().is_empty() {
            let what = "name at least one channel; [\"draft\"] sends nothing by itself";
            self.mistake(list, FIELD, what);
        }
        let mut channels = Vec::new();
        for word in list.get_ref() {
            match word.get_ref().parse() {
                Ok(channel) if channels.contains(&channel) => {
                    let what = format!("\"{channel}\" is here twice; leave one out");
                    self.mistake(word, FIELD, what);
                }
                Ok(Channel::Message) if rules.message.is_err() => {
                    let what = rules.message.err().unwrap_or_default();
                    self.mistake(word, FIELD, what);
                }
                Ok(channel) => channels.push(channel),
                Err(what) => self.mistake(word, FIELD, what),
            }
        }
        let draft = channels
            .iter()
            .position(|channel| *channel == Channel::Draft);
        match draft {
            None => channels.push(Channel::Draft),
            Some(at) if at + 1 < channels.len() => {
                let what = "\"draft\" never fails, so nothing after it is tried; put it last";
                self.mistake(list, FIELD, what);
            }
            Some(_) => {}
        }
        channels
    }

    /// The secrets of an account, found by their names; notes which ones it needs and which are missing.
    fn credentials(&mut self, account: &Account, raw: &RawAccount, is_alone: bool) -> Credentials {
        let Rules {
            secrets_to_send: to_send,
            secrets_to_read: to_read,
            ..
        } = account.rules();
        // The secrets of the app may serve many accounts; every other secret belongs to one.
        let shared = |rule: &SecretRule| is_alone || rule.of_the_app;
        let name = |rule: &SecretRule| secret_name(&account.name, rule.key, shared(rule));
        let mut found = Vec::new();
        for rule in to_send.iter().chain(*to_read) {
            let Some(secret) = find(self.secrets, &account.name, rule, shared(rule)) else {
                continue;
            };
            if secret.is_odd {
                self.mistakes.push(format!(
                    "the secret {} has a space or a character that no key has; copy it again",
                    secret.name
                ));
            }
            found.push((rule.key, secret.value));
        }
        let credentials = Credentials::from_iter(found);
        let (sends, can_read) = (account.sends(), credentials.include(to_read));
        let needed = if sends { to_send } else { to_read };
        for name in needed.iter().map(name) {
            // Accounts of one network share some.
            if !self.needs.contains(&name) {
                self.needs.push(name);
            }
        }
        if credentials.include(to_send) || (!sends && can_read) {
            return credentials;
        }
        let names = |rules: &[&SecretRule]| {
            let names: Vec<String> = rules.iter().map(|rule| name(rule)).collect();
            names.join(", ")
        };
        let missing: Vec<&SecretRule> = to_send
            .iter()
            .filter(|rule| credentials.get(rule.key).is_none())
            .collect();
        let to_read = names(&to_read.iter().collect::<Vec<_>>());
        let instead = match (to_read.as_str(), can_read) {
            ("", _) => "or set contact = [\"draft\"], which needs none".to_owned(),
            (to_read, true) => format!(
                "{to_read} is there, but it can only read: with it alone set contact = [\"draft\"]"
            ),
            (to_read, false) => {
                format!("or set {to_read} and contact = [\"draft\"], which only reads")
            }
        };
        let what = format!(
            "secrets of {} are missing: {}; set them (README.md says where they come from), {instead}",
            account.name,
            names(&missing),
        );
        self.mistake(&raw.handle, "account.handle", what);
        credentials
    }

    fn texts(&mut self, raw: &RawTexts, accounts: &[Account]) -> Vec<(Channel, Template)> {
        let networks: HashSet<NetworkName> = accounts
            .iter()
            .map(|account| account.name.network)
            .collect();
        let all = [
            (Channel::Announce, &raw.announce),
            (Channel::Mention, &raw.mention),
            (Channel::Message, &raw.message),
            (Channel::Draft, &raw.draft),
        ];
        let mut texts = Vec::new();
        for (channel, text) in all {
            let Some(text) = text else { continue };
            let checked = text.get_ref().parse::<Template>().and_then(|template| {
                networks
                    .iter()
                    .try_for_each(|network| template.check(networks::rules(*network), channel))?;
                Ok(template)
            });
            match checked {
                Ok(template) => texts.push((channel, template)),
                Err(what) => self.mistake(text, &format!("texts.{channel}"), what),
            }
        }
        texts
    }
}

/// What distinguishes two accounts: where a handle names its server, the server can have a second name, so
/// that two handles mean one account.
fn user_at(account: &Account) -> (NetworkName, String, String) {
    let AccountName { network, handle } = &account.name;
    let user = handle.split('@').next().unwrap_or_default().to_owned();
    let default = || (account.rules().default_server)(handle);
    (
        *network,
        user,
        account.server.clone().unwrap_or_else(default),
    )
}
