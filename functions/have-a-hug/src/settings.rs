//! `hug.toml` and the secrets, parsed once, at start: what comes out of here is right, or nothing does.

use std::{collections::HashSet, fmt, io::ErrorKind, path::Path};

use serde::{Deserialize, Deserializer};
use toml::Spanned;

use crate::{
    account::AccountName,
    follower::Screening,
    invitation::{Channel, Template},
    milestone::{GREATEST, Plan},
    network::{NetworkName, bluesky, mastodon, x},
};

/// Everything a creator has decided.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Which numbers are milestones.
    pub plan: Plan,
    /// Whose followers are counted.
    pub accounts: Vec<Account>,
    /// The names of the secrets that it takes to serve them, as few as will do.
    pub needs: Vec<String>,
    texts: Vec<(Channel, Template)>,
}

/// One account and what its creator wants for it.
#[derive(Clone, Debug)]
pub struct Account {
    /// Network and handle.
    pub name: AccountName,
    /// How invitations are signed; else by the display name on the network.
    pub creator: Option<String>,
    /// The channels of an invitation, in the order they are tried; `draft` is always the last.
    pub contact: Vec<Channel>,
    /// The API it talks to, where that is not the network's usual one.
    pub server: Option<String>,
    /// Where Bluesky is read, where that is not the public AppView.
    pub appview: Option<String>,
    /// How new followers are judged.
    pub screening: Screening,
    /// Its secrets.
    pub login: Login,
}

impl Account {
    /// A user of a Mastodon server, whose handle can be written with one name of it or another.
    fn user_at(&self) -> Option<(String, String)> {
        let (user, _) = self.name.handle.split_once('@')?;
        Some((user.to_owned(), mastodon::server(self)))
    }
}

/// The secrets of an account, as its network wants them.
#[derive(Clone, Debug)]
pub enum Login {
    /// X
    X(x::Keys),
    /// Bluesky
    Bluesky(bluesky::Login),
    /// Mastodon
    Mastodon(mastodon::Login),
}

/// A text that is never shown.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    pub(crate) fn new(text: String) -> Self {
        Self(text)
    }

    /// The text itself, for the one place that sends it.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

/// What is wrong with the settings: every mistake with its line, its field and what would be right.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{file} is not right, so nothing was done:{}", list(.mistakes))]
pub struct SettingsError {
    file: String,
    /// One sentence each.
    pub mistakes: Vec<String>,
}

fn list(mistakes: &[String]) -> String {
    mistakes
        .iter()
        .map(|mistake| format!("\n  {mistake}"))
        .collect()
}

/// Where secrets come from: a name such as `X_API_KEY` to its value.
pub type Secrets<'a> = &'a dyn Fn(&str) -> Option<String>;

impl Settings {
    /// Reads the file at `path`, and the secrets that its accounts need from `secrets`.
    ///
    /// # Errors
    ///
    /// Every mistake at once, or why the file cannot be read.
    pub fn load(path: &Path, secrets: Secrets<'_>) -> Result<Self, SettingsError> {
        let file = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| {
            // Only where there is none yet: a copy must not overwrite what someone wrote.
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
        let written: Written =
            toml::from_str(text).map_err(|error| fail(vec![syntax_mistake(text, &error)]))?;
        let mut reader = Reader {
            text,
            secrets,
            mistakes: Vec::new(),
            needs: Vec::new(),
        };
        let settings = reader.read(written);
        match settings {
            Some(settings) if reader.mistakes.is_empty() => Ok(settings),
            _ => Err(fail(reader.mistakes)),
        }
    }

    /// The words of an invitation on `channel`: the creator's own or the default ones.
    pub fn text(&self, channel: Channel) -> Template {
        let own = self.texts.iter().find(|(of, _)| *of == channel);
        own.map_or_else(
            || Template::default_for(channel),
            |(_, template)| template.clone(),
        )
    }

    /// The account of that name.
    pub fn account(&self, name: &AccountName) -> Option<&Account> {
        self.accounts.iter().find(|account| account.name == *name)
    }
}

/// Whether a token may be sent there: over TLS, or within this machine.
pub fn is_allowed_server(server: &str) -> bool {
    let Ok(url) = reqwest::Url::parse(server) else {
        return false;
    };
    let bare = url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    let host = url.host_str().unwrap_or_default();
    let loopback = host == "localhost"
        || host
            .trim_matches(['[', ']'])
            .parse::<std::net::IpAddr>()
            .is_ok_and(|ip| ip.is_loopback());
    bare && !host.is_empty() && (url.scheme() == "https" || (url.scheme() == "http" && loopback))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    plan: WrittenPlan,
    #[serde(default)]
    account: Vec<Spanned<WrittenAccount>>,
    #[serde(default)]
    texts: WrittenTexts,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenPlan {
    first: Spanned<i64>,
    step: Spanned<i64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenAccount {
    network: Spanned<String>,
    handle: Spanned<String>,
    creator: Option<Spanned<String>>,
    contact: Option<Spanned<Vec<Spanned<String>>>>,
    server: Option<Spanned<String>>,
    appview: Option<Spanned<String>>,
    #[serde(default, deserialize_with = "handles")]
    always: Vec<String>,
    screen: Option<bool>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenTexts {
    announce: Option<Spanned<String>>,
    mention: Option<Spanned<String>>,
    message: Option<Spanned<String>>,
    draft: Option<Spanned<String>>,
}

fn handles<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    Ok(Vec::<String>::deserialize(from)?
        .iter()
        .map(|handle| plain_handle(handle))
        .collect())
}

fn plain_handle(handle: &str) -> String {
    handle.trim().trim_start_matches('@').to_lowercase()
}

fn syntax_mistake(text: &str, error: &toml::de::Error) -> String {
    let what = error
        .message()
        .replace("u64", "a whole number")
        .replace("i64", "a whole number");
    let Some(span) = error.span() else {
        return what;
    };
    let line = line_of(text, span.start);
    // The field's name only: whatever stands behind it may have been meant to be a secret.
    let source = text.lines().nth(line - 1).unwrap_or_default();
    let right = what_is_right(source, &what);
    match source.split_once('=') {
        Some((field, _)) => format!("line {line}, {}: {what}{right}", field.trim()),
        None => format!("line {line}: {what}{right}"),
    }
}

/// The parser says what it did not expect; this, what to write.
fn what_is_right(source: &str, what: &str) -> &'static str {
    if source.contains(['“', '”', '„', '‘', '’']) {
        "; write straight quotes: \"amber\""
    } else if source.trim() == "[account]" {
        "; begin each account with [[account]], in double brackets"
    } else if what.contains("expected a sequence") && source.trim_start().starts_with("contact") {
        "; write a list in brackets: [\"announce\"]"
    } else if what.contains("expected a sequence") {
        "; write a list in brackets: [\"amber\"]"
    } else if what.contains("expected a whole number") {
        "; write the number, without quotes"
    } else if what.contains("missing field") {
        "; hug.example.toml shows each"
    } else if what.contains("expected a boolean") {
        "; write true or false, without quotes"
    } else if what.contains("expected a string") {
        "; write it in quotes: \"amber\""
    } else {
        ""
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    text.as_bytes()
        .iter()
        .take(offset)
        .filter(|byte| **byte == b'\n')
        .count()
        + 1
}

/// Reads on after a mistake, to tell all of them.
struct Reader<'a> {
    text: &'a str,
    secrets: Secrets<'a>,
    mistakes: Vec<String>,
    needs: Vec<String>,
}

impl Reader<'_> {
    fn mistake<T>(&mut self, at: &Spanned<T>, field: &str, what: impl fmt::Display) {
        let line = line_of(self.text, at.span().start);
        self.mistakes.push(format!("line {line}, {field}: {what}"));
    }

    fn read(&mut self, written: Written) -> Option<Settings> {
        let first = self.number(&written.plan.first, "plan.first");
        let step = self.number(&written.plan.step, "plan.step");
        if written.account.is_empty() {
            let what =
                "no account is named; add [[account]] with network = \"x\" and handle = \"you\"";
            self.mistakes.push(what.to_owned());
        }
        let networks: Vec<Option<NetworkName>> = written
            .account
            .iter()
            .map(|account| account.get_ref().network.get_ref().parse().ok())
            .collect();
        let (mut seen, mut users) = (HashSet::new(), HashSet::new());
        let mut accounts = Vec::new();
        for account in written.account {
            let alone = |network| {
                networks
                    .iter()
                    .filter(|other| **other == Some(network))
                    .count()
                    == 1
            };
            if let Some(read) = self.account(account.get_ref(), alone) {
                let same_user = read.user_at().is_some_and(|user| !users.insert(user));
                if !seen.insert(read.name.clone()) || same_user {
                    let what = format!("{} stands here a second time; leave one out", read.name);
                    self.mistake(&account, "account", what);
                }
                accounts.push(read);
            }
        }
        let texts = self.texts(&written.texts, &accounts);
        Some(Settings {
            plan: Plan::new(first?, step?)?,
            accounts,
            needs: std::mem::take(&mut self.needs),
            texts,
        })
    }

    fn number(&mut self, written: &Spanned<i64>, field: &str) -> Option<u64> {
        let number = u64::try_from(*written.get_ref())
            .ok()
            .filter(|n| (1..=GREATEST).contains(n));
        if number.is_none() {
            let what = format!(
                "{} is no number of followers; write 1 to {GREATEST}",
                written.get_ref()
            );
            self.mistake(written, field, what);
        }
        number
    }

    fn account(
        &mut self,
        written: &WrittenAccount,
        alone: impl Fn(NetworkName) -> bool,
    ) -> Option<Account> {
        let network: NetworkName = match written.network.get_ref().parse() {
            Ok(network) => network,
            Err(what) => {
                self.mistake::<String>(&written.network, "account.network", what);
                return None;
            }
        };
        let mut handle = plain_handle(written.handle.get_ref());
        if let Err(what) = check_handle(network, &handle) {
            self.mistake(&written.handle, "account.handle", what);
        }
        if network == NetworkName::Mastodon && !handle.contains('@') {
            handle = self.on_its_server(&handle, written);
        }
        let name = AccountName { network, handle };
        let contact = self.contact(network, written);
        for (server, field) in [
            (&written.server, "account.server"),
            (&written.appview, "account.appview"),
        ] {
            let Some(server) = server else { continue };
            if !is_allowed_server(server.get_ref()) {
                let what =
                    "write an address such as https://example.com (http:// only on this computer)";
                self.mistake(server, field, what);
            }
        }
        if let Some(appview) = &written.appview
            && network != NetworkName::Bluesky
        {
            self.mistake(
                appview,
                "account.appview",
                "only Bluesky has one; leave it out",
            );
        }
        if let Some(creator) = &written.creator
            && creator.get_ref().trim().is_empty()
        {
            let what = "it is empty; write the name that signs, or leave this line out";
            self.mistake(creator, "account.creator", what);
        }
        let login = match network {
            NetworkName::X => self.x_login(&name, written, &contact, alone(network)),
            NetworkName::Bluesky => self
                .sole_secret(&name, written, &contact, "APP_PASSWORD", alone(network))
                .map(|app_password| Login::Bluesky(bluesky::Login { app_password })),
            NetworkName::Mastodon => self
                .sole_secret(&name, written, &contact, "ACCESS_TOKEN", alone(network))
                .map(|access_token| Login::Mastodon(mastodon::Login { access_token })),
        };
        let address = |server: &Option<Spanned<String>>| {
            server
                .as_ref()
                .map(|server| server.get_ref().trim_end_matches('/').to_owned())
        };
        Some(Account {
            creator: written
                .creator
                .as_ref()
                .map(|creator| creator.get_ref().clone()),
            contact,
            server: address(&written.server),
            appview: address(&written.appview),
            screening: Screening {
                screen: written.screen.unwrap_or(true),
                always: written.always.clone(),
            },
            login: login?,
            name,
        })
    }

    /// A handle on Mastodon with the server that it has none of: two servers each have an `amber`.
    fn on_its_server(&mut self, handle: &str, written: &WrittenAccount) -> String {
        let Some(server) = &written.server else {
            let what = format!(
                "\"{handle}\" does not say on which server; write \"{handle}@mastodon.social\", or add server = \"https://mastodon.social\""
            );
            self.mistake(&written.handle, "account.handle", what);
            return handle.to_owned();
        };
        let host = server.get_ref().trim_end_matches('/').split_once("://");
        format!(
            "{handle}@{}",
            host.map_or("", |(_, host)| host).to_lowercase()
        )
    }

    /// The channels in order, with `draft` at the end whether it was written or not.
    fn contact(&mut self, network: NetworkName, written: &WrittenAccount) -> Vec<Channel> {
        let Some(list) = &written.contact else {
            return default_contact(network);
        };
        if list.get_ref().is_empty() {
            let what = "name at least one channel; [\"draft\"] sends nothing by itself";
            self.mistake(list, "account.contact", what);
        }
        let mut channels = Vec::new();
        for word in list.get_ref() {
            match word.get_ref().parse() {
                Ok(channel) if channels.contains(&channel) => {
                    self.mistake(
                        word,
                        "account.contact",
                        format!("\"{channel}\" stands twice; leave one out"),
                    );
                }
                Ok(Channel::Message) if network == NetworkName::Mastodon => {
                    let what = "Mastodon's private messages are mentions that only the mentioned can read; write \"mention\"";
                    self.mistake(word, "account.contact", what);
                }
                Ok(channel) => channels.push(channel),
                Err(what) => self.mistake::<String>(word, "account.contact", what),
            }
        }
        match channels
            .iter()
            .position(|channel| *channel == Channel::Draft)
        {
            None => channels.push(Channel::Draft),
            Some(at) if at + 1 < channels.len() => {
                self.mistake(
                    list,
                    "account.contact",
                    "\"draft\" never fails, so nothing after it is tried; put it last",
                );
            }
            Some(_) => {}
        }
        channels
    }

    fn x_login(
        &mut self,
        name: &AccountName,
        written: &WrittenAccount,
        contact: &[Channel],
        alone: bool,
    ) -> Option<Login> {
        let names = ["API_KEY", "API_SECRET", "ACCESS_TOKEN", "ACCESS_SECRET"];
        // The app's own keys may serve many accounts; a token writes for one.
        let user = names.map(|key| self.secret(name, key, alone || key.starts_with("API_")));
        let bearer = self.secret(name, "BEARER_TOKEN", true);
        let sends = contact.iter().any(|channel| *channel != Channel::Draft);
        if sends {
            let full = |key: &&str| secret_name(name, key, alone || key.starts_with("API_"));
            self.need(names.iter().map(full));
        } else {
            self.need([secret_name(name, "BEARER_TOKEN", true)]);
        }
        if let [
            Some(api_key),
            Some(api_secret),
            Some(access_token),
            Some(access_secret),
        ] = user
        {
            return Some(Login::X(x::Keys::User(x::UserKeys {
                api_key,
                api_secret,
                access_token,
                access_secret,
            })));
        }
        if let (Some(bearer), false) = (&bearer, sends) {
            return Some(Login::X(x::Keys::Bearer(bearer.clone())));
        }
        let missing: Vec<String> = names
            .into_iter()
            .zip(&user)
            .filter(|(_, secret)| secret.is_none())
            .map(|(key, _)| secret_name(name, key, alone || key.starts_with("API_")))
            .collect();
        let bearer_token = secret_name(name, "BEARER_TOKEN", true);
        let instead = match bearer {
            Some(_) => format!(
                "{bearer_token} is there, but it can only read: with it alone set contact = [\"draft\"]"
            ),
            None => format!("or set {bearer_token} and contact = [\"draft\"], which only reads"),
        };
        let what = format!(
            "the secrets of {name} are missing: {}; set them (README.md says where they come from), {instead}",
            missing.join(", "),
        );
        self.mistake(&written.handle, "account.handle", what);
        None
    }

    /// The one secret of a network that can be read without any; `None` is a mistake.
    fn sole_secret(
        &mut self,
        name: &AccountName,
        written: &WrittenAccount,
        contact: &[Channel],
        key: &str,
        alone: bool,
    ) -> Option<Option<Secret>> {
        let secret = self.secret(name, key, alone);
        let sends = contact.iter().any(|channel| *channel != Channel::Draft);
        if sends {
            self.need([secret_name(name, key, alone)]);
        }
        if secret.is_none() && sends {
            let what = format!(
                "the secret of {name} is missing: {}; set it, or contact = [\"draft\"], which needs none",
                secret_name(name, key, alone),
            );
            self.mistake(&written.handle, "account.handle", what);
            return None;
        }
        Some(secret)
    }

    /// Accounts of one network share some.
    fn need(&mut self, names: impl IntoIterator<Item = String>) {
        for name in names {
            if !self.needs.contains(&name) {
                self.needs.push(name);
            }
        }
    }

    /// The secret of this account, or, where `shared`, the one of the whole network.
    fn secret(&mut self, account: &AccountName, key: &str, shared: bool) -> Option<Secret> {
        let own = secret_name(account, key, false);
        let name = if (self.secrets)(&own).is_none() && shared {
            secret_name(account, key, true)
        } else {
            own
        };
        let value = (self.secrets)(&name)?.trim().to_owned();
        if value.is_empty() {
            return None;
        }
        if !value.chars().all(|c| c.is_ascii_graphic()) {
            self.mistakes.push(format!(
                "the secret {name} has a space or a character that no key has; copy it again"
            ));
        }
        Some(Secret(value))
    }

    fn texts(&mut self, written: &WrittenTexts, accounts: &[Account]) -> Vec<(Channel, Template)> {
        let networks: HashSet<NetworkName> = accounts
            .iter()
            .map(|account| account.name.network)
            .collect();
        let all = [
            (Channel::Announce, &written.announce),
            (Channel::Mention, &written.mention),
            (Channel::Message, &written.message),
            (Channel::Draft, &written.draft),
        ];
        let mut texts = Vec::new();
        for (channel, text) in all {
            let Some(text) = text else { continue };
            let checked = text.get_ref().parse::<Template>().and_then(|template| {
                networks
                    .iter()
                    .try_for_each(|network| template.check(*network, channel))?;
                Ok(template)
            });
            match checked {
                Ok(template) => texts.push((channel, template)),
                Err(what) => self.mistake::<String>(text, &format!("texts.{channel}"), what),
            }
        }
        texts
    }
}

/// What a network's rules for automation allow without being asked first; README.md, "The rules of
/// the networks", says where each stands.
pub fn default_contact(network: NetworkName) -> Vec<Channel> {
    match network {
        NetworkName::X | NetworkName::Bluesky => vec![Channel::Announce, Channel::Draft],
        NetworkName::Mastodon => vec![Channel::Mention, Channel::Draft],
    }
}

fn check_handle(network: NetworkName, handle: &str) -> Result<(), String> {
    let (right, example) = match network {
        NetworkName::X => (
            (1..=15).contains(&handle.len())
                && handle
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || c == '_'),
            "amber",
        ),
        NetworkName::Bluesky => (
            handle.len() <= 253
                && handle.split('.').count() > 1
                && handle.split('.').all(|label| {
                    !label.is_empty()
                        && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
                }),
            "amber.bsky.social",
        ),
        NetworkName::Mastodon => {
            let (user, server) = handle.split_once('@').unwrap_or((handle, "no.server"));
            let is_in = |text: &str, more: &str| {
                !text.is_empty()
                    && text
                        .chars()
                        .all(|c| c.is_alphanumeric() || more.contains(c))
            };
            (
                is_in(user, "_.-") && server.split('.').all(|label| is_in(label, "-:")),
                "amber@mastodon.social",
            )
        }
    };
    if right {
        Ok(())
    } else {
        Err(format!(
            "\"{handle}\" is no handle on {network}; one looks like \"{example}\""
        ))
    }
}

/// `X_API_KEY` for all accounts of a network, `X_AMBER_API_KEY` for one.
fn secret_name(account: &AccountName, key: &str, shared: bool) -> String {
    let network = account.network.to_string().to_uppercase();
    if shared {
        return format!("{network}_{key}");
    }
    let handle: String = account
        .handle
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() {
                c.to_ascii_uppercase()
            } else {
                '_'
            }
        })
        .collect();
    format!("{network}_{handle}_{key}")
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
        let told = Settings::parse(MASTODON, "hug.toml", &none)
            .unwrap_err()
            .to_string();
        assert!(
            told.contains("missing: MASTODON_ACCESS_TOKEN; set it, or contact"),
            "{told}"
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
        let example = include_str!("../../../hug.example.toml");
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
    fn a_mistake_is_told_with_its_line_its_field_and_what_would_be_right() {
        let cases = [
            (
                GOOD.replace("600", "0"),
                "line 2, plan.first: 0 is no number of followers; write 1 to",
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
                "line 6, account.network: \"y\" is no network that this knows; write \"x\" or \"bluesky\"",
            ),
            (
                GOOD.replace("@Amber", "am ber"),
                "line 7, account.handle: \"am ber\" is no handle on x",
            ),
            (
                format!("{GOOD}contact = [\"dm\"]"),
                "line 8, account.contact: \"dm\" is no channel; write \"announce\"",
            ),
            (
                format!("{GOOD}server = \"http://example.com\""),
                "line 8, account.server: write an address such as https",
            ),
            (
                format!("{GOOD}appview = \"https://a.example\""),
                "line 8, account.appview: only Bluesky has one",
            ),
            (
                MASTODON.replace("@mastodon.social", ""),
                "line 7, account.handle: \"amber\" does not say on which server; write \"amber@mastodon.social\", or add server = ",
            ),
            (
                MASTODON.replace("Amber@", "am ber@"),
                "line 7, account.handle: \"am ber@mastodon.social\" is no handle on mastodon; one looks like \"amber@mastodon.social\"",
            ),
            (
                MASTODON.replace("@mastodon.social", "@a@b"),
                "line 7, account.handle: \"amber@a@b\" is no handle on mastodon",
            ),
            (
                format!("{MASTODON}contact = [\"message\"]"),
                "line 8, account.contact: Mastodon's private messages are mentions that only the mentioned can read; write \"mention\"",
            ),
            (
                format!("{GOOD}[texts]\nannounce = \"{{nmae}}\""),
                "line 9, texts.announce: {nmae} is no placeholder",
            ),
            (
                format!("{GOOD}[texts]\nannounce = \"\""),
                "line 9, texts.announce: it is empty; write the words",
            ),
            (
                format!("{GOOD}\n[[account]]\nnetwork = \"x\"\nhandle = \"amber\""),
                "x:amber stands here a second time",
            ),
            (
                format!(
                    "{MASTODON}server = \"https://m.example\"\n\n[[account]]\nnetwork = \"mastodon\"\nhandle = \"amber\"\nserver = \"https://m.example/\""
                ),
                "line 10, account: mastodon:amber@m.example stands here a second time",
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
            let told = mistake(&text);
            assert!(
                told.contains(expected),
                "expected: {expected}\ntold: {told}"
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
        let told = Settings::parse(GOOD, "hug.toml", &some)
            .unwrap_err()
            .to_string();
        assert!(
            told.contains("missing: X_API_SECRET, X_ACCESS_TOKEN, X_ACCESS_SECRET;"),
            "{told}"
        );
    }

    #[test]
    fn a_bearer_token_is_enough_to_read_but_not_to_announce() {
        let bearer = |name: &str| (name == "X_BEARER_TOKEN").then(|| "b".to_owned());
        let drafts = format!("{GOOD}contact = [\"draft\"]\n");
        let settings = Settings::parse(&drafts, "hug.toml", &bearer).unwrap();
        assert!(matches!(
            settings.accounts[0].login,
            Login::X(x::Keys::Bearer(_))
        ));
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
            let told = Settings::parse(&many, "hug.toml", &all_but_one)
                .unwrap_err()
                .to_string();
            assert!(told.contains(left_out), "{left_out}: {told}");
        }
    }

    #[test]
    fn of_two_accounts_none_may_write_with_the_others_token() {
        let two = format!("{GOOD}\n[[account]]\nnetwork = \"x\"\nhandle = \"bea\"\n");
        let shared = |name: &str| {
            (!name.contains("AMBER") && !name.contains("BEA_")).then(|| "s".to_owned())
        };
        let told = Settings::parse(&two, "hug.toml", &shared)
            .unwrap_err()
            .to_string();
        assert!(
            told.contains("X_AMBER_ACCESS_TOKEN, X_AMBER_ACCESS_SECRET;"),
            "{told}"
        );
        assert!(
            !told.contains("API_KEY,"),
            "the app's keys are shared: {told}"
        );
    }

    #[test]
    fn no_secret_is_ever_shown() {
        let settings = parse(GOOD).unwrap();
        assert!(!format!("{settings:?}").contains("secret-"));
        let odd = |_: &str| Some("se cret".to_owned());
        let told = Settings::parse(GOOD, "hug.toml", &odd)
            .unwrap_err()
            .to_string();
        assert!(
            told.contains("X_AMBER_API_KEY has a space") && !told.contains("se cret"),
            "{told}"
        );
    }

    #[test]
    fn tokens_go_over_tls_or_stay_on_this_computer() {
        for allowed in [
            "https://pds.example",
            "http://127.0.0.1:4000",
            "http://[::1]:1",
            "http://localhost:2583",
        ] {
            assert!(is_allowed_server(allowed), "{allowed}");
        }
        for refused in [
            "http://pds.example",
            "http://127.0.0.1.example",
            "ftp://127.0.0.1",
            "https://u:p@h",
            "x",
            "https://h/?t=1",
        ] {
            assert!(!is_allowed_server(refused), "{refused}");
        }
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
