//! `hug connect`: an account in hug.toml, its secrets in the file beside it, and a login to try them.

use std::{
    fs::{self, OpenOptions},
    io::{self, BufRead, ErrorKind, IsTerminal, Write, stdin},
    path::{Path, PathBuf},
};

use clap::Args;
use have_a_hug::{
    check::Login,
    clock::Clock,
    deps::Connected,
    http,
    network::{Failure, Network, NetworkError, Profile},
    settings::{Account, Secrets, Settings, environment, rule_of_secret},
};
use promise::account::{AccountName, NetworkName};

use crate::{Error, secrets_file};

/// What a new hug.toml is made from.
const EXAMPLE: &str = include_str!("../../../hug.example.toml");

/// The account that the example begins with. A test makes a file for each network.
const EXAMPLE_ACCOUNT: &str =
    "network = \"x\"\nhandle = \"amber\"                   # without the @\n";

/// Its channels. An account without the line has those that the rules of its network allow.
const EXAMPLE_CONTACT: &str = "\ncontact = [";

/// How often the secrets are asked for, the first time included.
const MAX_ROUNDS: usize = 3;

/// The account to connect, as it was typed.
#[derive(Args, Clone, Debug)]
pub struct Wanted {
    /// x, bluesky or mastodon.
    pub network: NetworkName,
    /// The handle of the account, such as amber, amber.bsky.social or amber@mastodon.social.
    pub handle: String,
    /// The address of its server, if it is not the network's own: an https address, or one on this computer.
    #[arg(long, value_name = "URL")]
    pub server: Option<String>,
    /// Where Bluesky is read, if not at its public server.
    #[arg(long, value_name = "URL")]
    pub appview: Option<String>,
}

impl Wanted {
    /// The account's lines in hug.toml.
    pub(crate) fn lines(&self) -> String {
        // JSON escapes what TOML does, in the same way.
        let line = |key: &str, value: &str| format!("{key} = {}\n", serde_json::json!(value));
        let more = |key, value: &Option<String>| value.as_ref().map(|value| line(key, value));
        let handle = self.handle.trim().trim_start_matches('@').to_lowercase();
        let mut lines = line("network", self.network.word()) + &line("handle", &handle);
        lines.extend(more("server", &self.server));
        lines.extend(more("appview", &self.appview));
        lines
    }

    /// The account's name, if its lines are right.
    pub(crate) fn name(&self) -> Result<AccountName, Error> {
        let alone = format!("[plan]\nfirst = 1\nstep = 1\n[[account]]\n{}", self.lines());
        match Settings::parse(&alone, "", &|_| None) {
            // There is one account, or a mistake.
            Ok(mut settings) => Ok(settings.accounts.remove(0).name),
            Err(error) => {
                // The lines are not in a file yet, so their numbers help nobody.
                let what = |mistake: &String| match mistake.split_once(": ") {
                    Some((_, what)) => what.to_owned(),
                    None => mistake.clone(),
                };
                let mistakes: Vec<String> = error.mistakes.iter().map(what).collect();
                Err(mistakes.join("; ").into())
            }
        }
    }
}

/// hug.toml with the account in it.
struct SettingsFile {
    path: PathBuf,
    account: AccountName,
    /// The whole text, with the account.
    text: String,
    /// What the file does not have yet.
    added: Option<String>,
    is_new: bool,
}

impl SettingsFile {
    /// Nothing is written yet.
    fn with(wanted: &Wanted, path: &Path) -> Result<Self, Error> {
        let account = wanted.name()?;
        let read = match fs::read_to_string(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            read => {
                Some(read.map_err(|error| format!("reading {} failed: {error}", path.display()))?)
            }
        };
        let is_new = read.is_none();
        let mut file = Self {
            path: path.to_owned(),
            account,
            text: read.unwrap_or_else(|| made_for(wanted)),
            added: None,
            is_new,
        };
        if is_new {
            file.added = Some(file.text.clone());
        } else if file.settings(&|_| None)?.account(&file.account).is_err() {
            let end = if file.text.ends_with('\n') { "" } else { "\n" };
            let added = format!("{end}\n[[account]]\n{}", wanted.lines());
            file.text.push_str(&added);
            file.added = Some(added);
        }
        Ok(file)
    }

    fn settings(&self, secrets: Secrets<'_>) -> Result<Settings, Error> {
        let shown = self.path.display().to_string();
        Ok(Settings::parse(&self.text, &shown, secrets)?)
    }

    /// The account, with the secrets that are there now.
    fn account(&self) -> Result<Account, Error> {
        let settings = self.settings(&secrets_file::secrets(&self.path)?)?;
        Ok(settings.account(&self.account)?.clone())
    }

    /// Makes or extends the file, and says so. Nothing that is in it is changed.
    fn write(&mut self, out: &mut impl Write) -> Result<(), Error> {
        let Some(added) = self.added.take() else {
            return Ok(());
        };
        let shown = self.path.display();
        let mut options = OpenOptions::new();
        let options = if self.is_new {
            options.write(true).create_new(true)
        } else {
            options.append(true)
        };
        let opened = options.open(&self.path);
        let written = opened.and_then(|mut file| file.write_all(added.as_bytes()));
        written.map_err(|error| format!("writing {shown} failed: {error}"))?;
        let account = &self.account;
        if self.is_new {
            let look = "It explains each line: look at your plan and your words in it.";
            writeln!(out, "{shown} is made, for {account}. {look}")?;
        } else {
            writeln!(out, "{account} is added to {shown}.")?;
        }
        Ok(())
    }
}

/// A new hug.toml: the example, with the account in it.
fn made_for(wanted: &Wanted) -> String {
    EXAMPLE
        .replacen(EXAMPLE_ACCOUNT, &wanted.lines(), 1)
        .replacen(EXAMPLE_CONTACT, "\n# contact = [", 1)
}

/// Puts the account into hug.toml, asks for its secrets, keeps them, and tries the login. `hug` is how the next command
/// begins.
///
/// # Errors
///
/// A mistake in hug.toml, an account that the network does not have, secrets that are missing or wrong, or a file that
/// cannot be written. The secrets that were typed are kept all the same.
pub async fn run(
    wanted: &Wanted,
    settings: &Path,
    hug: &str,
    out: &mut impl Write,
) -> Result<(), Error> {
    let mut file = SettingsFile::with(wanted, settings)?;
    let name = file.account.clone();
    let mut wrong = None;
    for _ in 0..MAX_ROUNDS {
        let typed = ask(&file.account()?, settings, wrong.is_some(), out)?;
        if wrong.is_some() && typed == 0 {
            break;
        }
        let account = file.account()?;
        match try_login(&account).await? {
            Tried::Works(profile) => {
                file.write(out)?;
                let next = format!("{hug} check");
                return Ok(write!(out, "{}", works(&account, &profile, &next))?);
            }
            Tried::Nobody => {
                let rules = account.rules();
                return Err(format!(
                    "{} has no account {}, so hug.toml is as it was; look at the handle (one looks like \"{}\") and try again",
                    rules.title, name.handle, rules.handle.example
                )
                .into());
            }
            Tried::Unclear(error) => {
                file.write(out)?;
                return Err(format!(
                    "the login of {name} could not be tried: {error}; nothing is lost: `{hug} doctor` tries it again"
                )
                .into());
            }
            Tried::Fails(why) => {
                file.write(out)?;
                writeln!(out, "The login of {name} does not work: {why}")?;
                wrong = Some(why);
            }
        }
    }
    Err(format!(
        "{name} is not connected yet, because its login does not work; nothing is lost: run the same command again, and type what was wrong"
    )
    .into())
}

/// Asks for the secrets that are missing, or, `again`, for all of them; keeps each at once, and returns how many.
fn ask(
    account: &Account,
    settings: &Path,
    again: bool,
    out: &mut impl Write,
) -> Result<usize, Error> {
    let (set, kept) = (environment(), secrets_file::secrets(settings)?);
    let is_set = |name: &str| set(name).is_some_and(|value| !value.trim().is_empty());
    let is_missing = |name: &str| kept(name).is_none_or(|value| value.trim().is_empty());
    let (mut introduced, mut typed) = (false, 0);
    for name in &account.needs {
        if is_set(name) {
            if again {
                writeln!(out, "{name} is set in the environment: correct it there.")?;
            }
            continue;
        }
        if !again && !is_missing(name) {
            continue;
        }
        if !introduced {
            let file = secrets_file::beside(settings);
            let file = file.display();
            if again {
                writeln!(out, "Type again what was wrong; Enter keeps what is there.")?;
            } else {
                let (name, network) = (&account.name, account.rules().title);
                let kept = format!(
                    "What you type is not shown, and is kept in {file}, which only you can read."
                );
                writeln!(out, "{name} needs secrets from {network}. {kept}")?;
            }
            introduced = true;
        }
        let rule = rule_of_secret(name);
        if let Some(rule) = rule.filter(|_| !again) {
            writeln!(out, "\n{name}, from {}", rule.found_at)?;
        }
        let value = read_secret(name)?;
        if value.is_empty() && again {
            continue;
        }
        if value.is_empty() {
            return Err(format!(
                "{name} is still missing; what you typed before is kept: run the same command again"
            )
            .into());
        }
        if let Some(shape) = rule.and_then(|rule| rule.shape.as_ref())
            && !(shape.fits)(&value)
        {
            writeln!(out, "  That looks odd: {}; {}.", shape.odd, shape.help)?;
        }
        secrets_file::keep(settings, name, &value)?;
        typed += 1;
    }
    Ok(typed)
}

/// A line from the terminal, which does not show it, or from a pipe; empty where there is none.
pub(crate) fn read_secret(name: &str) -> io::Result<String> {
    if !stdin().is_terminal() {
        let mut line = String::new();
        stdin().lock().read_line(&mut line)?;
        return Ok(line.trim().to_owned());
    }
    match rpassword::prompt_password(format!("{name} (not shown): ")) {
        // Ctrl-D
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(String::new()),
        read => Ok(read?.trim().to_owned()),
    }
}

/// What a try of the login showed.
pub(crate) enum Tried {
    /// The account is there, and its secrets allow what it needs.
    Works(Profile),
    /// The secrets do not fit, for this reason.
    Fails(String),
    /// The network has no such account.
    Nobody,
    /// The network does not answer now.
    Unclear(NetworkError),
}

/// Reads the account and asks what its secrets allow. Nothing is sent.
pub(crate) async fn try_login(account: &Account) -> Result<Tried, Error> {
    let network = account.connect(&http::client()?, &Clock::system())?;
    let network = network.as_ref();
    let profile = match network.profile(None).await {
        Ok(profile) => profile,
        Err(error) => return Ok(why_no_profile(account, network, error).await),
    };
    if !account.sends() {
        return Ok(Tried::Works(profile));
    }
    let connected = Connected { account, network };
    Ok(match Login::try_once(connected, &profile.id).await {
        Login::Works => Tried::Works(profile),
        Login::Fails(why) => Tried::Fails(why),
        Login::Unclear(error) => Tried::Unclear(error),
    })
}

/// A handle that nobody has is refused in the same way as wrong secrets are, so the network is asked who has it.
async fn why_no_profile(account: &Account, network: &dyn Network, error: NetworkError) -> Tried {
    if !matches!(error.failure, Failure::Blocked { .. }) {
        return Tried::Unclear(error);
    }
    match network.user(&account.name.handle).await {
        Ok(None) => Tried::Nobody,
        _ => Tried::Fails(error.to_string()),
    }
}

/// What to say where all is right; `next` is the next command.
pub(crate) fn works(account: &Account, profile: &Profile, next: &str) -> String {
    let count = profile.followers;
    let first = account.plan.next_after(count);
    let first = first.map_or_else(
        || "no milestone is left in the plan".to_owned(),
        |first| format!("the first song goes to number {first}"),
    );
    let price = account.rules().price_of_a_look;
    let price = price.map_or_else(String::new, |price| format!(" ({price})"));
    let name = &account.name;
    let login = if account.sends() {
        "the login works"
    } else {
        "it can be read"
    };
    format!("{name}: {login}; {count} followers; {first}{price}.\nNext: {next}\n")
}

#[cfg(test)]
mod tests {
    use have_a_hug::networks;

    use super::*;

    #[test]
    fn a_new_file_has_the_account_alone_with_the_channels_that_its_network_allows() {
        for network in NetworkName::ALL {
            let rules = networks::rules(network);
            let wanted = Wanted {
                network,
                handle: format!("@{}", rules.handle.example),
                server: Some("https://server.example".to_owned()),
                appview: None,
            };
            let settings = Settings::parse(&made_for(&wanted), "hug.toml", &|_| None).unwrap();
            let [account] = settings.accounts.as_slice() else {
                panic!("{network}: {:?}", settings.accounts);
            };
            assert_eq!(account.name, wanted.name().unwrap());
            assert_eq!(account.contact, rules.default_contact, "{network}");
            assert_eq!(account.server.as_deref(), Some("https://server.example"));
            assert_eq!(account.plan.first(), 600);
        }
    }
}
