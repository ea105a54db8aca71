//! From hug.toml and the secrets to [`Settings`], with all mistakes at once.

use std::{
    collections::{HashMap, HashSet},
    fmt,
    io::ErrorKind,
    path::Path,
};

use promise::{
    account::{AccountName, NetworkName},
    channel::Channel,
    milestone::{MAX_MILESTONE, MAX_MOST_A_DAY, Plan},
    rules::Rules,
    screening::Screening,
    template::Template,
};
use secrecy::SecretString;
use songbook::{
    Words,
    book::{MAX_HEADING, MAX_PROMISE},
};
use toml::Spanned;

use super::{
    Account, NotServed, Settings, SettingsError, SongsSettings, YouTubeSettings,
    file::{
        RawAccount, RawNews, RawPlan, RawSettings, RawSongbook, RawTexts, RawTopics, line_of,
        plain_handle, syntax_mistake,
    },
    secrets::{Names, Secrets, look_up, name_for_all, of_the_app, word_of},
    sends,
};
use crate::{networks, secret::is_allowed_server, youtube::API_KEY};

impl Settings {
    /// Reads the file at `path`, and takes the secrets that its accounts need from `secrets`. A missing secret is not a
    /// mistake: its account is not served, and [`Settings::not_served`] says why.
    ///
    /// # Errors
    ///
    /// Every mistake at once, or why the file cannot be read.
    pub fn load(path: &Path, secrets: Secrets<'_>) -> Result<Self, SettingsError> {
        let (file, text) = read(path)?;
        Self::parse(&text, &file, secrets)
    }

    /// The same, for a table that can have the settings of accounts, too: the file does not have to name one.
    ///
    /// # Errors
    ///
    /// See [`Settings::load`].
    pub fn load_for_table(path: &Path, secrets: Secrets<'_>) -> Result<Self, SettingsError> {
        let (file, text) = read(path)?;
        Self::parse_for_table(&text, &file, secrets)
    }

    /// Reads settings from their text; `file` is what errors call it.
    ///
    /// # Errors
    ///
    /// Every mistake at once; those that keep the file from being read as TOML at all, one at a time.
    pub fn parse(text: &str, file: &str, secrets: Secrets<'_>) -> Result<Self, SettingsError> {
        Self::parse_with(text, file, secrets, Accounts::Here)
    }

    /// The same, for a table that can have the settings of accounts, too: the text does not have to name one.
    ///
    /// # Errors
    ///
    /// See [`Settings::parse`].
    pub fn parse_for_table(
        text: &str,
        file: &str,
        secrets: Secrets<'_>,
    ) -> Result<Self, SettingsError> {
        Self::parse_with(text, file, secrets, Accounts::InTable)
    }

    /// Reads the settings of one account that was taken out of a file with several. If it is not the first of its network
    /// there, its secrets have no short names.
    ///
    /// # Errors
    ///
    /// See [`Settings::parse`].
    pub fn parse_one(
        text: &str,
        file: &str,
        secrets: Secrets<'_>,
        is_first: bool,
    ) -> Result<Self, SettingsError> {
        let accounts = if is_first {
            Accounts::Here
        } else {
            Accounts::Later
        };
        Self::parse_with(text, file, secrets, accounts)
    }

    fn parse_with(
        text: &str,
        file: &str,
        secrets: Secrets<'_>,
        accounts: Accounts,
    ) -> Result<Self, SettingsError> {
        let fail = |mistakes, not_served| SettingsError {
            file: file.to_owned(),
            is_missing: false,
            mistakes,
            not_served,
        };
        let raw: RawSettings = toml::from_str(text)
            .map_err(|error| fail(vec![syntax_mistake(text, &error)], Vec::new()))?;
        let mut validator = Validator {
            text,
            secrets,
            accounts,
            mistakes: Vec::new(),
            warnings: Vec::new(),
            needs: Vec::new(),
        };
        let settings = validator.settings(&raw);
        if validator.mistakes.is_empty() {
            return Ok(settings);
        }
        let not_served = settings.not_served().cloned().collect();
        Err(fail(validator.mistakes, not_served))
    }
}

/// Where accounts can have their settings.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Accounts {
    /// Only in hug.toml, which has to name one.
    Here,
    /// The same, after others of their networks.
    Later,
    /// In the ledger's table, too.
    InTable,
}

/// What errors call the file at `path`, and its text.
fn read(path: &Path) -> Result<(String, String), SettingsError> {
    let file = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|error| {
        let help = match error.kind() {
            ErrorKind::NotFound => {
                "call hug in the folder where you have it; or make it with `hug connect x HANDLE` (or bluesky, mastodon); or name another file: --settings FILE".to_owned()
            }
            ErrorKind::InvalidData => "save it as plain text in UTF-8".to_owned(),
            _ => format!("see what {file} is, and who may read it"),
        };
        let is_missing = error.kind() == ErrorKind::NotFound;
        SettingsError {
            mistakes: vec![if is_missing {
                help
            } else {
                format!("it cannot be read: {error}; {help}")
            }],
            is_missing,
            file: file.clone(),
            not_served: Vec::new(),
        }
    })?;
    Ok((file, text))
}

/// Goes on after a mistake, to find all of them.
struct Validator<'a> {
    text: &'a str,
    secrets: Secrets<'a>,
    accounts: Accounts,
    mistakes: Vec<String>,
    warnings: Vec<String>,
    needs: Vec<String>,
}

/// What all accounts share unless they have their own.
struct Common {
    plan: Plan,
    texts: Vec<(Channel, Template)>,
    songs: Option<SongsSettings>,
    doubtful_words: Vec<String>,
}

impl Validator<'_> {
    fn mistake<T>(&mut self, at: &Spanned<T>, field: &str, what: impl fmt::Display) {
        let line = line_of(self.text, at.span().start);
        self.mistakes.push(format!("line {line}, {field}: {what}"));
    }

    fn settings(&mut self, raw: &RawSettings) -> Settings {
        if raw.account.is_empty() && self.accounts != Accounts::InTable {
            let what =
                "no account is named; add [[account]] with network = \"x\" and handle = \"you\"";
            self.mistakes.push(what.to_owned());
        }
        let named: HashSet<NetworkName> = raw
            .account
            .iter()
            .filter_map(|account| account.get_ref().network.get_ref().parse().ok())
            .collect();
        let named: Vec<NetworkName> = NetworkName::ALL
            .into_iter()
            .filter(|network| named.contains(network))
            .collect();
        let common = Common {
            plan: self.common_plan(raw),
            texts: self.texts(&raw.texts, "texts", &named),
            songs: self.songs(raw.songs.youtube.as_ref(), "songs.youtube"),
            doubtful_words: self.doubtful_words(&raw.topics),
        };
        let news = raw.news.as_ref().and_then(|news| self.news(news));
        let songbook = self.songbook(&raw.songbook);
        let accounts = self.accounts(&raw.account, &common);
        let youtube = YouTubeSettings {
            server: self.address(raw.songs.server.as_ref(), "songs.server"),
            key: self.youtube_key(&accounts),
        };
        if self.accounts == Accounts::InTable {
            self.need_of_the_app();
        }
        // Accounts of one network can need the same secret, and each name is listed once.
        let mut seen = HashSet::new();
        self.needs.retain(|name| seen.insert(name.clone()));
        Settings {
            accounts,
            needs: std::mem::take(&mut self.needs),
            warnings: std::mem::take(&mut self.warnings),
            news,
            youtube,
            songbook,
            of_the_app: NetworkName::ALL
                .into_iter()
                .map(|network| (network, of_the_app(self.secrets, network)))
                .collect(),
        }
    }

    /// Accounts in the table need the secrets of the app on their network. Which networks these are is not known here, so
    /// those count that are there.
    fn need_of_the_app(&mut self) {
        for network in NetworkName::ALL {
            let rules = networks::rules(network);
            let all = rules.secrets_to_send.iter().chain(rules.secrets_to_read);
            let names = all
                .filter(|rule| rule.of_the_app)
                .map(|rule| name_for_all(network, rule));
            let there = names.filter(|name| (self.secrets)(name).is_some());
            self.needs.extend(there);
        }
        if (self.secrets)(API_KEY).is_some() {
            self.needs.push(API_KEY.to_owned());
        }
    }

    fn accounts(&mut self, raw: &[Spanned<RawAccount>], common: &Common) -> Vec<Account> {
        let (mut names, mut users, mut networks) = (HashSet::new(), HashSet::new(), HashSet::new());
        let mut words: HashMap<(NetworkName, String), AccountName> = HashMap::new();
        let mut accounts = Vec::new();
        for at in raw {
            let raw = at.get_ref();
            let network: NetworkName = match raw.network.get_ref().parse() {
                Ok(network) => network,
                Err(what) => {
                    self.mistake(&raw.network, "account.network", what);
                    continue;
                }
            };
            let name = AccountName {
                network,
                handle: self.handle(networks::rules(network), raw),
            };
            let secrets = Names {
                network,
                word: self.word(raw, &name.handle),
                is_first: networks.insert(network) && self.accounts != Accounts::Later,
            };
            let account = self.account(raw, name, &secrets, common);
            if !names.insert(account.name.clone()) | !users.insert(user_at(&account)) {
                let what = format!("{} is here a second time; leave one out", account.name);
                self.mistake(at, "account", what);
            } else if let Some(other) =
                words.insert((network, secrets.word.clone()), account.name.clone())
            {
                let what = format!(
                    "the secrets of {} and {other} have the same names ({}); in one of the two accounts write another word for these names: secrets = \"{}_2\"",
                    account.name,
                    secrets.example(),
                    secrets.word
                );
                self.mistake(at, "account", what);
            }
            accounts.push(account);
        }
        accounts
    }

    /// The plan from which every account takes the numbers that its own plan leaves out.
    fn common_plan(&mut self, raw: &RawSettings) -> Plan {
        self.need_in_plan(raw, "first = 600", |plan| plan.first.as_ref());
        self.need_in_plan(raw, "step = 100", |plan| plan.step.as_ref());
        // The default fills in for a missing number. If an account needs that number, the mistake is reported above.
        self.plan(&raw.plan, "plan", Plan::default())
    }

    /// Reports the first account for which a number is neither in its own plan nor in the common one.
    fn need_in_plan(
        &mut self,
        raw: &RawSettings,
        example: &str,
        number: fn(&RawPlan) -> Option<&Spanned<i64>>,
    ) {
        let mut accounts = raw.account.iter();
        if number(&raw.plan).is_none()
            && let Some(account) =
                accounts.find(|account| number(&account.get_ref().plan).is_none())
        {
            let what = format!(
                "write {example} under [plan] for all accounts, or under [account.plan] for this one"
            );
            self.mistake(account, "plan", what);
        }
    }

    /// A plan in which each number that is left out comes from `common`.
    fn plan(&mut self, raw: &RawPlan, field: &str, common: Plan) -> Plan {
        let mut number = |raw: &Option<Spanned<i64>>, key, max, kind| {
            let raw = raw.as_ref()?;
            let number = u64::try_from(*raw.get_ref()).ok();
            let number = number.filter(|number| (1..=max).contains(number));
            if number.is_none() {
                let what = format!(
                    "{} is not a number of {kind}; write 1 to {max}",
                    raw.get_ref()
                );
                self.mistake(raw, &format!("{field}.{key}"), what);
            }
            number
        };
        let first = number(&raw.first, "first", MAX_MILESTONE, "followers");
        let step = number(&raw.step, "step", MAX_MILESTONE, "followers");
        let most = number(&raw.most_a_day, "most_a_day", MAX_MOST_A_DAY as u64, "hugs");
        let most = most.and_then(|most| usize::try_from(most).ok());
        Plan::new(
            first.unwrap_or(common.first()),
            step.unwrap_or(common.step()),
        )
        .and_then(|plan| plan.with_most_a_day(most.unwrap_or(common.most_a_day())))
        .unwrap_or(common)
    }

    /// The channel on which songs are found.
    fn songs(&mut self, raw: Option<&Spanned<String>>, field: &str) -> Option<SongsSettings> {
        let raw = raw?;
        let channel = raw.get_ref().trim();
        let is_id = channel.len() == 24
            && channel.starts_with("UC")
            && channel
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        if !is_id {
            let what = format!(
                "\"{channel}\" is not the id of a channel; it begins with UC and has 24 characters: YouTube shows it under Settings, Advanced settings"
            );
            self.mistake(raw, field, what);
        }
        Some(SongsSettings {
            channel: channel.to_owned(),
        })
    }

    fn doubtful_words(&mut self, raw: &RawTopics) -> Vec<String> {
        let words = raw.doubtful.iter();
        let mut kept = Vec::new();
        for word in words {
            let text = word.get_ref().trim();
            if text.is_empty() {
                let what = "one of the words is empty; leave it out";
                self.mistake(word, "topics.doubtful", what);
            }
            kept.push(text.to_owned());
        }
        kept
    }

    /// The key of YouTube's API, which is needed where an account has a channel for its songs. Without it the creator
    /// names each song, so a missing key is no mistake.
    fn youtube_key(&mut self, accounts: &[Account]) -> Option<SecretString> {
        if self.accounts == Accounts::InTable
            && let Some(key) = (self.secrets)(API_KEY)
        {
            return Some(key.into());
        }
        let mut active = accounts.iter().filter(|account| account.is_active());
        if !active.any(|account| account.songs.is_some()) {
            return None;
        }
        self.needs.push(API_KEY.to_owned());
        let key = (self.secrets)(API_KEY);
        if key.is_none() {
            self.warnings.push(format!(
                "the secret {API_KEY} is missing, so no song is found on YouTube; set it, or name each song: `hug song`"
            ));
        }
        key.map(SecretString::from)
    }

    fn news(&mut self, raw: &RawNews) -> Option<String> {
        let command = raw.command.get_ref().trim();
        if command.is_empty() {
            let what = "it is empty; write the command that is run for each piece of news, or leave out [news]";
            self.mistake(&raw.command, "news.command", what);
            return None;
        }
        Some(command.to_owned())
    }

    /// What the creator decided about the page.
    fn songbook(&mut self, raw: &RawSongbook) -> Words {
        let (title, promise) = (raw.title.as_ref(), raw.promise.as_ref());
        Words {
            title: self.words_of_page(title, "songbook.title", MAX_HEADING),
            promise: self.words_of_page(promise, "songbook.promise", MAX_PROMISE),
            listed: raw.listed,
            url: self.address(raw.url.as_ref(), "songbook.url"),
        }
    }

    /// Words for the page, on one line.
    fn words_of_page(
        &mut self,
        raw: Option<&Spanned<String>>,
        field: &str,
        max: usize,
    ) -> Option<String> {
        let raw = raw?;
        let words: Vec<&str> = raw.get_ref().split_whitespace().collect();
        let words = words.join(" ");
        let length = words.chars().count();
        if length == 0 {
            let what = "it is empty; write the words, or leave this line out";
            self.mistake(raw, field, what);
        } else if length > max {
            let what = format!("it has {length} characters; {max} have room");
            self.mistake(raw, field, what);
        }
        Some(words)
    }

    fn account(
        &mut self,
        raw: &RawAccount,
        name: AccountName,
        secrets: &Names,
        common: &Common,
    ) -> Account {
        let rules = networks::rules(name.network);
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
        let mut texts = self.texts(&raw.texts, "account.texts", &[name.network]);
        texts.extend(common.texts.iter().cloned());
        let (needs, credentials) = if raw.active == Some(false) {
            (Vec::new(), Err(NotServed::Inactive(name.clone())))
        } else {
            let looked_up = look_up(self.secrets, secrets, &name, sends(&contact));
            self.needs.extend_from_slice(&looked_up.needs);
            self.warnings.extend(looked_up.warnings);
            (looked_up.needs, looked_up.credentials)
        };
        let own_songs = raw.songs.youtube.as_ref();
        let own_songs = self.songs(own_songs, "account.songs.youtube");
        let mut account = Account {
            songs: own_songs.or_else(|| common.songs.clone()),
            doubtful_words: common.doubtful_words.clone(),
            creator: raw.creator.as_ref().map(|name| name.get_ref().clone()),
            plan: self.plan(&raw.plan, "account.plan", common.plan),
            contact,
            server,
            appview,
            screening: self.screening(rules, &name, raw),
            is_enrolled: false,
            needs,
            credentials,
            fingerprint: String::new(),
            texts,
            name,
        };
        account.fingerprint = account.fingerprint_of_settings();
        account
    }

    fn screening(&mut self, rules: &Rules, name: &AccountName, raw: &RawAccount) -> Screening {
        let server = name.handle.split_once('@').map(|(_, server)| server);
        // The network lists a follower of the account's own server without the server's name.
        let own = server.filter(|_| rules.handle.names_its_server);
        let read = |handle: &Spanned<String>| {
            let handle = plain_handle(handle.get_ref());
            let short = own.and_then(|own| handle.strip_suffix(own)?.strip_suffix('@'));
            short.map_or(handle.clone(), str::to_owned)
        };
        let always: Vec<String> = raw.always.iter().map(read).collect();
        let never: Vec<String> = raw.never.iter().map(read).collect();
        for (at, handle) in raw.never.iter().zip(&never) {
            if always.contains(handle) {
                let what = format!("\"{handle}\" is in `always` too; leave one out");
                self.mistake(at, "account.never", what);
            }
        }
        Screening {
            screen: raw.screen.unwrap_or(true),
            always,
            never,
        }
    }

    /// The account's part of the names of its secrets.
    fn word(&mut self, raw: &RawAccount, handle: &str) -> String {
        let Some(word) = &raw.secrets else {
            return word_of(handle);
        };
        let is_allowed = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if word.get_ref().is_empty() || !word.get_ref().chars().all(is_allowed) {
            let what = format!(
                "\"{}\" cannot be a part of a secret's name; write letters, digits and _, such as \"AMBER\"",
                word.get_ref()
            );
            self.mistake(word, "account.secrets", what);
        }
        word_of(word.get_ref())
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

    /// The creator's own words, checked for each network in `named`.
    fn texts(
        &mut self,
        raw: &RawTexts,
        field: &str,
        named: &[NetworkName],
    ) -> Vec<(Channel, Template)> {
        let all = [
            (Channel::Announce, &raw.announce),
            (Channel::Mention, &raw.mention),
            (Channel::Message, &raw.message),
            (Channel::Draft, &raw.draft),
            (Channel::Reply, &raw.song),
        ];
        let mut texts = Vec::new();
        for (channel, text) in all {
            let Some(text) = text else { continue };
            let checked = text.get_ref().parse::<Template>().and_then(|template| {
                named
                    .iter()
                    .try_for_each(|network| template.check(networks::rules(*network), channel))?;
                Ok(template)
            });
            match checked {
                Ok(template) => texts.push((channel, template)),
                Err(what) => {
                    let key = match channel {
                        Channel::Reply => "song",
                        other => other.word(),
                    };
                    self.mistake(text, &format!("{field}.{key}"), what);
                }
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
