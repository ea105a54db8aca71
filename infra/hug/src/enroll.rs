//! Accounts that hug.toml does not have to name: `hug connect --table` and `hug import FILE --table` put their settings
//! and their sealed logins into the ledger's table on AWS.

use std::{
    collections::HashSet,
    fs,
    io::{ErrorKind, Write},
    path::Path,
};

use futures::{StreamExt, stream};
use have_a_hug::{
    clock::Clock,
    enrolled::Enrollment,
    http,
    ledger::{EnrolledSettings, Ledger},
    network::{Profile, client::Connection},
    networks,
    seal::{Owner, Seal},
    secret::Credentials,
    settings::{Account, NotServed, Secrets, Settings, SettingsError, name_for_all},
};
use promise::account::AccountName;
use secrecy::SecretString;
use toml::Table;

use crate::{
    Error,
    connect::{Tried, Wanted, read_secret, try_login, works},
    divided::Divided,
    place, secrets_file,
};

/// So many accounts are imported at the same time.
const MAX_AT_ONCE: usize = 8;

/// The environment variable with the key that seals logins.
const KEY: &str = "HUG_LOGINS_KEY";

/// The table on AWS, and what seals logins for it.
struct Target {
    ledger: Ledger,
    seal: Seal,
    http: reqwest::Client,
    clock: Clock,
}

/// What was done for an account.
#[derive(Debug, PartialEq, Eq)]
enum Done {
    Put,
    Unchanged,
}

impl Target {
    /// No request is made yet.
    async fn on_aws(table: &str) -> Result<Self, Error> {
        let key = std::env::var(KEY).ok().filter(|key| !key.is_empty());
        let key = key.ok_or_else(|| {
            format!("{KEY} is not set; it is the key that seals logins: export {KEY}=arn:aws:kms:…, which is LoginsKey in the last lines of `make deploy ROSTER=1`")
        })?;
        let (aws, http) = (place::aws().await?, http::client()?);
        Ok(Self {
            ledger: Ledger::new(aws_sdk_dynamodb::Client::new(&aws), table),
            seal: Seal::new(key, table.to_owned(), &aws, http.clone())?,
            http,
            clock: Clock::system(),
        })
    }

    /// Puts an account into the table, unless it is there in the same form. `login` is `None` where it is not at hand:
    /// then the one in the table stays.
    async fn put(
        &self,
        account: &Account,
        settings: String,
        login: Option<&Credentials>,
    ) -> Result<Done, Error> {
        let name = &account.name;
        let before = self.ledger.enrolled(name).await?;
        let sealed = before.as_ref().and_then(|before| before.login.clone());
        let keeps_login = match (login, &sealed) {
            (None, _) => true,
            (Some(login), Some(sealed)) => self.is(account, sealed, login).await,
            (Some(_), None) => false,
        };
        if keeps_login && before.is_some_and(|before| before.settings == settings) {
            return Ok(Done::Unchanged);
        }
        let server = account.server();
        let owner = Owner {
            account: name,
            server: &server,
        };
        let login = match login.filter(|_| !keeps_login) {
            Some(login) => Some(self.seal.close(owner, login, self.clock.now()).await?),
            None => sealed,
        };
        let kept = EnrolledSettings { settings, login };
        let row = Enrollment::read(name, kept.clone(), Credentials::default())?.row();
        self.ledger.enroll(name, &kept, &row).await?;
        Ok(Done::Put)
    }

    /// Whether that is the same login, sealed for the same server. Where nobody may open it here, it is sealed anew.
    async fn is(&self, account: &Account, sealed: &str, login: &Credentials) -> bool {
        let server = account.server();
        let owner = Owner {
            account: &account.name,
            server: &server,
        };
        let now = self.clock.now();
        let opened = self.seal.open(owner, sealed, account.rules(), now).await;
        opened.is_ok_and(|opened| opened.is(login))
    }

    /// Erases what the table has under an earlier handle of the account, so that it is not checked twice. Returns that
    /// handle.
    async fn end_earlier(
        &self,
        name: &AccountName,
        profile: &Profile,
    ) -> Result<Option<AccountName>, Error> {
        let known = self.ledger.account(&name.with_id(&profile.id)).await?;
        let earlier = known.map(|known| known.name).filter(|known| known != name);
        let Some(earlier) = earlier else {
            return Ok(None);
        };
        if self.ledger.enrolled(&earlier).await?.is_none() {
            return Ok(None);
        }
        self.ledger.unenroll(&earlier).await?;
        Ok(Some(earlier))
    }
}

/// Asks for the login of an account, tries it, and puts it into the table with the account's settings. The plan, the
/// words and what else accounts share come from the hug.toml at `settings`; so do the account's own lines, if it has
/// some. `hug` is how the next command begins.
///
/// # Errors
///
/// A mistake in hug.toml, a login that is not given or does not work, or where AWS refuses something. Then nothing is
/// written.
pub async fn connect(
    wanted: &Wanted,
    settings: &Path,
    table: &str,
    hug: &str,
    out: &mut impl Write,
) -> Result<(), Error> {
    let target = Target::on_aws(table).await?;
    let name = wanted.name()?;
    let shared = Settings::load_for_table(settings, &secrets_file::secrets(settings)?)?;
    let text = text_for(wanted, &name, settings)?;
    let kept = EnrolledSettings {
        settings: text.clone(),
        login: None,
    };
    let of_the_app = shared.of_the_app(name.network);
    let mut account = Enrollment::read(&name, kept, of_the_app.clone())?.account;
    let login = ask(&target, &account, &of_the_app, out).await?;
    if account.is_active() {
        account.credentials = Ok(of_the_app.with(login.clone()));
    }
    let profile = match try_login(&account).await? {
        Tried::Works(profile) => profile,
        Tried::Fails(why) => {
            return Err(
                format!("the login of {name} does not work, so nothing is kept: {why}").into(),
            );
        }
        Tried::Nobody => {
            let title = account.rules().title;
            return Err(
                format!("{title} has no account {}, so nothing is kept", name.handle).into(),
            );
        }
        Tried::Unclear(error) => {
            return Err(format!(
                "the login of {name} could not be tried, so nothing is kept: {error}"
            )
            .into());
        }
    };
    target
        .put(&account, text, Some(&login).filter(|_| account.sends()))
        .await?;
    if let Some(earlier) = target.end_earlier(&name, &profile).await? {
        writeln!(
            out,
            "{earlier} is the same account under an earlier handle, and is not checked any more."
        )?;
    }
    let next = format!("{hug} status --table {table}");
    write!(out, "{}", works(&account, &profile, &next))?;
    writeln!(out, "The next round of checks on AWS begins with it.")?;
    if shared.account(&name).is_ok_and(Account::is_active) {
        let shown = settings.display();
        writeln!(
            out,
            "{shown} names {name}, too, and what is written there counts: remove its lines if they are on AWS, or run `make settings`."
        )?;
    }
    Ok(())
}

/// The settings of the account as the table keeps them.
fn text_for(wanted: &Wanted, name: &AccountName, settings: &Path) -> Result<String, Error> {
    let text = fs::read_to_string(settings)?;
    let divided = Divided::read(&text)?;
    let alone = divided.accounts.iter().map(|account| divided.with(account));
    let is_it = |alone: &String| {
        let read = Settings::parse(alone, "", &|_| None);
        read.is_ok_and(|read| read.account(name).is_ok())
    };
    match alone.into_iter().find(is_it) {
        Some(alone) => Ok(alone),
        None => Ok(divided.with(&wanted.lines().parse::<Table>()?)),
    }
}

/// Says which secrets of the developer's app are missing, before anybody is asked for something.
fn need_of_the_app(account: &Account, of_the_app: &Credentials) -> Result<(), Error> {
    let rules = account.rules();
    let all = rules.secrets_to_send.iter().chain(rules.secrets_to_read);
    let missing = all.filter(|rule| rule.of_the_app && of_the_app.get(rule.key).is_none());
    let lines: Vec<String> = missing
        .map(|rule| {
            let name = name_for_all(account.name.network, rule);
            format!("{name} is missing; it is at {}", rule.found_at)
        })
        .collect();
    if lines.is_empty() {
        return Ok(());
    }
    let lines = lines.join("\n");
    Err(format!("{lines}\nput what is missing into hug.secrets, or export it").into())
}

/// Asks for the account's own login: the owner approves it on the network's page, or makes a password for it.
async fn ask(
    target: &Target,
    account: &Account,
    of_the_app: &Credentials,
    out: &mut impl Write,
) -> Result<Credentials, Error> {
    if !account.sends() {
        return Ok(Credentials::default());
    }
    let name = &account.name;
    need_of_the_app(account, of_the_app)?;
    let connection = Connection {
        account: name,
        server: account.server.as_deref(),
        appview: account.appview.as_deref(),
        credentials: of_the_app,
        http: &target.http,
        clock: &target.clock,
    };
    if let Some(approval) = networks::begin_approval(&connection).await? {
        let (address, shown) = (approval.address(), approval.shown());
        writeln!(
            out,
            "Open this address in a browser in which you are logged in as {name}, and approve:\n  {address}\nThen type {shown} that the page shows."
        )?;
        out.flush()?;
        let typed = read_secret(shown)?;
        return Ok(approval.finish(&connection, &typed).await?.credentials);
    }
    let own = account.rules().secrets_to_send.iter();
    let mut login = Vec::new();
    for rule in own.filter(|rule| !rule.of_the_app) {
        let asked = name_for_all(name.network, rule);
        writeln!(out, "{asked} of {name}, from {}", rule.found_at)?;
        out.flush()?;
        let value = read_secret(&asked)?;
        if value.is_empty() {
            return Err(format!("{asked} is still missing, so nothing is kept").into());
        }
        login.push((rule.key, SecretString::from(value)));
    }
    Ok(login.into_iter().collect())
}

/// Puts all accounts of a file into the table. It is written as hug.toml is, and their secrets are where those of a
/// hug.toml are. An account that cannot be imported does not stop the others. Their logins are not tried: the first check
/// does that. Prints a line for each account, and returns whether all are in the table.
///
/// # Errors
///
/// A file that cannot be read, or where AWS cannot be asked.
pub async fn import(file: &Path, table: &str, out: &mut impl Write) -> Result<bool, Error> {
    let target = &Target::on_aws(table).await?;
    let shown = file.display();
    let text =
        fs::read_to_string(file).map_err(|error| format!("reading {shown} failed: {error}"))?;
    let divided =
        Divided::read(&text).map_err(|error| format!("reading {shown} failed: {error}"))?;
    if divided.accounts.is_empty() {
        return Err(format!("{shown} names no account").into());
    }
    let secrets = secrets_file::secrets(file)?;
    let (mut networks, mut names) = (HashSet::new(), HashSet::new());
    let read = divided.accounts.iter().map(|account| {
        let read = one(&divided, account, &secrets, &mut networks)?;
        if !names.insert(read.0.name.clone()) {
            return Err("it is in the file a second time".to_owned());
        }
        Ok(read)
    });
    let read: Vec<Result<(Account, String), String>> = read.collect();
    let put = divided
        .accounts
        .iter()
        .zip(read)
        .map(async |(written, read)| {
            let done = match read {
                Ok((account, text)) => import_one(target, &account, text).await,
                Err(why) => Err(why),
            };
            (name_in(written), done)
        });
    let mut done = stream::iter(put).buffered(MAX_AT_ONCE);
    let mut all = true;
    while let Some((name, done)) = done.next().await {
        match done {
            Ok(Done::Put) => writeln!(out, "{name}  is in the table now")?,
            Ok(Done::Unchanged) => {
                writeln!(out, "{name}  is in the table already, as in the file")?;
            }
            Err(why) => {
                all = false;
                writeln!(out, "{name}  is not imported: {why}")?;
            }
        }
    }
    Ok(all)
}

/// The account as it is called in the file.
fn name_in(written: &Table) -> String {
    let text = |key| {
        written
            .get(key)
            .and_then(|value| value.as_str())
            .unwrap_or("?")
    };
    format!("{}:{}", text("network"), text("handle"))
}

/// One account of the file, and its settings as the table keeps them.
fn one(
    divided: &Divided,
    written: &Table,
    secrets: Secrets<'_>,
    networks: &mut HashSet<String>,
) -> Result<(Account, String), String> {
    let network = written.get("network").and_then(|value| value.as_str());
    let is_first = networks.insert(network.unwrap_or_default().to_owned());
    let text = divided.with(written);
    let read = Settings::parse_one(&text, "", secrets, is_first);
    let mut accounts = read.map_err(|error| without_lines(&error))?.accounts;
    // There is one account, or a mistake.
    Ok((accounts.remove(0), text))
}

/// The mistakes of one account, without their lines, which are not those of the file.
fn without_lines(error: &SettingsError) -> String {
    let what = |mistake: &String| {
        let after = mistake
            .strip_prefix("line ")
            .and_then(|rest| rest.split_once(", "));
        after.map_or(mistake.clone(), |(_, what)| what.to_owned())
    };
    let mistakes: Vec<String> = error.mistakes.iter().map(what).collect();
    mistakes.join("; ")
}

async fn import_one(target: &Target, account: &Account, text: String) -> Result<Done, String> {
    let rules = account.rules();
    let login = match &account.credentials {
        Ok(credentials) if account.sends() => Some(credentials.of_the_account(rules)),
        Ok(_) | Err(NotServed::Inactive(_)) => None,
        Err(missing) => {
            let here = target.ledger.enrolled(&account.name).await;
            let here = here.map_err(|error| error.to_string())?;
            // A login is sealed for one server.
            let stays = here
                .filter(|here| here.login.is_some())
                .is_some_and(|here| {
                    let read = Enrollment::read(&account.name, here, Credentials::default());
                    read.is_ok_and(|read| read.account.server() == account.server())
                });
            if !stays {
                return Err(missing.to_string());
            }
            None
        }
    };
    let put = target.put(account, text, login.as_ref()).await;
    put.map_err(|error| error.to_string())
}

/// Whether a file is one of accounts, and not one that `hug export` wrote.
///
/// # Errors
///
/// Where it cannot be read.
pub fn is_file_of_accounts(file: &Path) -> Result<bool, Error> {
    match fs::read_to_string(file) {
        Ok(text) => Ok(!text.trim_start().starts_with('{')),
        Err(error) if error.kind() == ErrorKind::InvalidData => Ok(false),
        Err(error) => Err(format!("reading {} failed: {error}", file.display()).into()),
    }
}
