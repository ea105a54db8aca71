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
                    format!("copy hug.example.toml to {file} and set your handle")
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

/// What tells two accounts apart: where a handle names its server, the server can have a second name, so
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GOOD: &str =
        "[plan]\nfirst = 600\nstep = 100\n\n[[account]]\nnetwork = \"x\"\nhandle = \"@Amber\"\n";

    const MASTODON: &str = "[plan]\nfirst = 600\nstep = 100\n\n[[account]]\nnetwork = \"mastodon\"\nhandle = \"@Amber@mastodon.social\"\n";

    fn all_secrets(name: &str) -> Option<String> {
        Some(format!("secret-{name}"))
    }

    fn parse(text: &str) -> Result<Settings, SettingsError> {
        Settings::parse(text, "hug.toml", &all_secrets)
    }

    fn mistake(text: &str) -> String {
        parse(text).unwrap_err().to_string()
    }

    #[test]
    fn the_shortest_settings_get_what_the_networks_rules_allow() {
        let settings = parse(GOOD).unwrap();
        let account = &settings.accounts[0];
        assert_eq!(account.name.to_string(), "x:amber");
        assert_eq!(account.contact, [Channel::Announce, Channel::Draft]);
        assert!(account.screening.screen);
    }

    #[test]
    fn a_mastodon_account_is_known_by_its_server_and_mentions_by_default() {
        let account = |text: &str| parse(text).unwrap().accounts.remove(0);
        let whole = account(MASTODON);
        assert_eq!(whole.name.to_string(), "mastodon:amber@mastodon.social");
        assert_eq!(whole.contact, [Channel::Mention, Channel::Draft]);
        assert_eq!(whole.server, None, "it follows from the handle");
        let apart = MASTODON.replace("@mastodon.social", "");
        let apart = account(&format!("{apart}server = \"https://Mastodon.social/\""));
        assert_eq!(apart.name, whole.name);
        let elsewhere = account(&format!("{MASTODON}server = \"https://web.example\""));
        assert_eq!(
            elsewhere.name, whole.name,
            "its handle may have another name"
        );
    }

    #[test]
    fn a_mastodon_account_needs_its_token_unless_it_only_drafts() {
        let none = |_: &str| None;
        let message = Settings::parse(MASTODON, "hug.toml", &none)
            .unwrap_err()
            .to_string();
        assert!(
            message.contains("missing: MASTODON_ACCESS_TOKEN; set them"),
            "{message}"
        );
        let drafts = format!("{MASTODON}contact = [\"draft\"]\n");
        assert!(Settings::parse(&drafts, "hug.toml", &none).is_ok());
        let two = format!(
            "{MASTODON}\n[[account]]\nnetwork = \"mastodon\"\nhandle = \"bea@b.example\"\n"
        );
        assert_eq!(
            parse(&two).unwrap().needs,
            [
                "MASTODON_AMBER_MASTODON_SOCIAL_ACCESS_TOKEN",
                "MASTODON_BEA_B_EXAMPLE_ACCESS_TOKEN"
            ]
        );
    }

    #[test]
    fn the_example_is_right_as_it_stands_and_with_every_remark_made_a_setting() {
        let example = include_str!("../../../../hug.example.toml");
        assert_eq!(parse(example).unwrap().accounts.len(), 1);
        let is_setting = |line: &str| {
            line.starts_with('[')
                || line
                    .split_once(" = ")
                    .is_some_and(|(key, _)| !key.contains(' '))
        };
        let uncommented: Vec<&str> = example
            .lines()
            .map(|line| {
                line.strip_prefix("# ")
                    .filter(|rest| is_setting(rest))
                    .unwrap_or(line)
            })
            .collect();
        let text = uncommented
            .join("\n")
            .replace("https://…", "https://appview.example");
        let settings = parse(&text).unwrap();
        let networks: Vec<NetworkName> = settings
            .accounts
            .iter()
            .map(|account| account.name.network)
            .collect();
        assert_eq!(networks, NetworkName::ALL);
        assert_eq!(settings.texts.len(), 2);
        assert!(settings.accounts[1].appview.is_some());
        assert!(settings.accounts[2].server.is_some());
    }

    #[test]
    fn draft_is_always_the_last_channel() {
        let settings = parse(&format!("{GOOD}contact = [\"message\"]\n")).unwrap();
        assert_eq!(
            settings.accounts[0].contact,
            [Channel::Message, Channel::Draft]
        );
        let text = mistake(&format!("{GOOD}contact = [\"draft\", \"message\"]\n"));
        assert!(
            text.contains("line 8, account.contact") && text.contains("put it last"),
            "{text}"
        );
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "it is a table")]
    fn a_mistake_is_told_with_its_line_its_field_and_what_would_be_right() {
        let cases = [
            (
                GOOD.replace("600", "0"),
                "line 2, plan.first: 0 is not a number of followers; write 1 to",
            ),
            (
                GOOD.replace("600", "\"600\""),
                "line 2, first: invalid type: string \"600\", expected a whole number; write the number, without quotes",
            ),
            (
                GOOD.replace("step", "stpe"),
                "line 3, stpe: unknown field `stpe`, expected `first` or `step`",
            ),
            (
                GOOD.replace("\"x\"", "\"y\""),
                "line 6, account.network: \"y\" is not a network that this program knows; write \"x\" or \"bluesky\"",
            ),
            (
                GOOD.replace("@Amber", "am ber"),
                "line 7, account.handle: \"am ber\" is not a valid handle on X",
            ),
            (
                format!("{GOOD}contact = [\"dm\"]"),
                "line 8, account.contact: \"dm\" is not a channel; write \"announce\"",
            ),
            (
                format!("{GOOD}server = \"http://example.com\""),
                "line 8, account.server: write an address such as https",
            ),
            (
                format!("{GOOD}appview = \"https://a.example\""),
                "line 8, account.appview: X has none; leave it out",
            ),
            (
                MASTODON.replace("@mastodon.social", ""),
                "line 7, account.handle: \"amber\" does not say on which server; write it like \"amber@mastodon.social\", or add server = ",
            ),
            (
                MASTODON.replace("Amber@", "am ber@"),
                "line 7, account.handle: \"am ber@mastodon.social\" is not a valid handle on Mastodon; one looks like \"amber@mastodon.social\"",
            ),
            (
                MASTODON.replace("@mastodon.social", "@a@b"),
                "line 7, account.handle: \"amber@a@b\" is not a valid handle on Mastodon",
            ),
            (
                format!("{MASTODON}contact = [\"message\"]"),
                "line 8, account.contact: Mastodon's private messages are mentions that only the mentioned can read; write \"mention\"",
            ),
            (
                format!("{GOOD}[texts]\nannounce = \"{{nmae}}\""),
                "line 9, texts.announce: {nmae} is not a placeholder",
            ),
            (
                format!("{GOOD}[texts]\nannounce = \"\""),
                "line 9, texts.announce: it is empty; write the words",
            ),
            (
                format!("{GOOD}\n[[account]]\nnetwork = \"x\"\nhandle = \"amber\""),
                "x:amber is here a second time",
            ),
            (
                format!(
                    "{MASTODON}server = \"https://m.example\"\n\n[[account]]\nnetwork = \"mastodon\"\nhandle = \"amber\"\nserver = \"https://m.example/\""
                ),
                "line 10, account: mastodon:amber@m.example is here a second time",
            ),
            (GOOD.replace("[plan]", "[plan"), "line 1"),
            (
                GOOD.replace("[[account]]", "[account]"),
                "line 5: invalid type: map, expected a sequence; begin each account with [[account]]",
            ),
            (
                format!("{GOOD}contact = \"draft\""),
                "line 8, contact: invalid type: string \"draft\", expected a sequence; write a list in brackets: [\"announce\"]",
            ),
            (
                format!("{GOOD}creator = \" \""),
                "line 8, account.creator: it is empty; write the name",
            ),
            (
                format!("{GOOD}contact = []"),
                "line 8, account.contact: name at least one channel",
            ),
            (
                format!("{GOOD}screen = \"no\""),
                "expected a boolean; write true or false",
            ),
            (
                GOOD.replace("@Amber", "7").replace("\"7\"", "7"),
                "line 7, handle: invalid type: integer `7`, expected a string; write it in quotes",
            ),
            (GOOD.replace("\"x\"", "“x”"), "; write straight quotes"),
            (
                "[plan]\nfirst = 1\nstep = 1".into(),
                "no account is named; add [[account]]",
            ),
        ];
        for (text, expected) in cases {
            let message = mistake(&text);
            assert!(
                message.contains(expected),
                "expected: {expected}\ntold: {message}"
            );
        }
    }

    #[test]
    fn all_mistakes_are_told_at_once() {
        let text = GOOD
            .replace("600", "0")
            .replace("100", "-1")
            .replace("\"x\"", "\"y\"");
        assert_eq!(parse(&text).unwrap_err().mistakes.len(), 3);
    }

    #[test]
    fn missing_secrets_are_named() {
        let some = |name: &str| (name == "X_API_KEY").then(|| "k".to_owned());
        let message = Settings::parse(GOOD, "hug.toml", &some)
            .unwrap_err()
            .to_string();
        assert!(
            message.contains("missing: X_API_SECRET, X_ACCESS_TOKEN, X_ACCESS_SECRET;"),
            "{message}"
        );
    }

    #[test]
    fn a_bearer_token_is_enough_to_read_but_not_to_announce() {
        let bearer = |name: &str| (name == "X_BEARER_TOKEN").then(|| "b".to_owned());
        let drafts = format!("{GOOD}contact = [\"draft\"]\n");
        let settings = Settings::parse(&drafts, "hug.toml", &bearer).unwrap();
        let credentials = &settings.accounts[0].credentials;
        assert!(credentials.get("BEARER_TOKEN").is_some() && credentials.get("API_KEY").is_none());
        assert!(Settings::parse(GOOD, "hug.toml", &bearer).is_err());
    }

    #[test]
    fn the_secrets_that_are_needed_are_told_by_name_and_with_them_nothing_is_missing() {
        let needs = |text: &str| parse(text).unwrap().needs;
        assert_eq!(
            needs(GOOD),
            [
                "X_API_KEY",
                "X_API_SECRET",
                "X_ACCESS_TOKEN",
                "X_ACCESS_SECRET"
            ]
        );
        assert_eq!(
            needs(&format!("{GOOD}contact = [\"draft\"]\n")),
            ["X_BEARER_TOKEN"]
        );
        let many = format!(
            "{GOOD}\n[[account]]\nnetwork = \"x\"\nhandle = \"bea\"\n\n[[account]]\nnetwork = \"bluesky\"\nhandle = \"cleo.test\"\n"
        );
        let names = needs(&many);
        assert_eq!(
            names,
            [
                "X_API_KEY",
                "X_API_SECRET",
                "X_AMBER_ACCESS_TOKEN",
                "X_AMBER_ACCESS_SECRET",
                "X_BEA_ACCESS_TOKEN",
                "X_BEA_ACCESS_SECRET",
                "BLUESKY_APP_PASSWORD"
            ]
        );
        for left_out in &names {
            let all_but_one = |name: &str| {
                (names.iter().any(|known| known == name) && name != left_out)
                    .then(|| "s".to_owned())
            };
            let message = Settings::parse(&many, "hug.toml", &all_but_one)
                .unwrap_err()
                .to_string();
            assert!(message.contains(left_out), "{left_out}: {message}");
        }
    }

    #[test]
    fn of_two_accounts_none_may_write_with_the_others_token() {
        let two = format!("{GOOD}\n[[account]]\nnetwork = \"x\"\nhandle = \"bea\"\n");
        let shared = |name: &str| {
            (!name.contains("AMBER") && !name.contains("BEA_")).then(|| "s".to_owned())
        };
        let message = Settings::parse(&two, "hug.toml", &shared)
            .unwrap_err()
            .to_string();
        assert!(
            message.contains("X_AMBER_ACCESS_TOKEN, X_AMBER_ACCESS_SECRET;"),
            "{message}"
        );
        assert!(
            !message.contains("API_KEY,"),
            "the app's keys are shared: {message}"
        );
    }

    #[test]
    fn no_secret_is_ever_shown() {
        let settings = parse(GOOD).unwrap();
        assert!(!format!("{settings:?}").contains("secret-"));
        let odd = |_: &str| Some("se cret".to_owned());
        let message = Settings::parse(GOOD, "hug.toml", &odd)
            .unwrap_err()
            .to_string();
        assert!(
            message.contains("X_AMBER_API_KEY has a space") && !message.contains("se cret"),
            "{message}"
        );
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC*", number in any::<i64>()) {
            let _ = parse(&text);
            let _ = parse(&GOOD.replace("600", &number.to_string()));
            let _ = parse(&format!("{GOOD}creator = \"{}\"", text.escape_default()));
        }
    }
}
