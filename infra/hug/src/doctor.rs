//! Everything that the promise rests on, looked at without sending or changing anything: a line for
//! each finding, and what to do about it.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    fmt::{self, Display},
    fs::{self, OpenOptions},
    path::Path,
};

use dynoxide::actions::describe_table::DescribeTableRequest;
use have_a_hug::{
    account::AccountName,
    clock::Clock,
    http,
    invitation::Channel,
    ledger::{Everything, Ledger, hug_key},
    network::{self, Failure, Network, NetworkError, NetworkName, bluesky, mastodon, x},
    settings::{self, Login, Secrets, Settings, default_contact},
};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::{
    Error,
    pump::{FAILED, Pump},
    status::HugStatus,
    table::{self, Table},
};

/// A clock that is off by more spoils X's signatures and the claims on hugs.
const MOST_OFF: SignedDuration = SignedDuration::from_secs(60);

/// How it stands with one thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is as it should be.
    Ok,
    /// It may be right; a person has to judge.
    Unsure,
    /// It keeps the promise from being kept.
    Wrong,
}

/// One thing that was looked at.
#[derive(Debug)]
pub struct Finding {
    /// How it stands.
    pub verdict: Verdict,
    subject: String,
    found: String,
    help: Option<String>,
}

impl Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = match self.verdict {
            Verdict::Ok => "ok",
            Verdict::Unsure => "unsure",
            Verdict::Wrong => "wrong",
        };
        write!(f, "{verdict:<7} {}: {}", self.subject, self.found)?;
        match &self.help {
            Some(help) => write!(f, " → {help}"),
            None => Ok(()),
        }
    }
}

/// Looks at the settings in that file, the secrets, the ledger under `state` and each network.
///
/// # Errors
///
/// Where there is no HTTP client to look with; whatever else fails is a finding.
pub async fn run(
    settings: &Path,
    state: &Path,
    secrets: Secrets<'_>,
    clock: &Clock,
) -> Result<Vec<Finding>, Error> {
    let http = http::client()?;
    let mut report = Report::default();
    let settings = look_at_settings(&mut report, settings, secrets);
    let ledger = look_at_state(&mut report, state, &http, clock.now()).await;
    let Some(settings) = settings else {
        let found = "not asked, as the settings are not right";
        report.unsure("networks", found, "mend the settings and the secrets first");
        return Ok(report.findings);
    };
    for account in &settings.accounts {
        let network = network::connect(account, &http, clock);
        let one = OneAccount {
            account,
            network: network.as_ref(),
            http: &http,
            now: clock.now(),
        };
        one.look(&mut report, &ledger).await;
    }
    Ok(report.findings)
}

#[derive(Default)]
struct Report {
    findings: Vec<Finding>,
}

impl Report {
    fn ok(&mut self, subject: impl Display, found: impl Display) {
        self.findings.push(Finding {
            verdict: Verdict::Ok,
            subject: subject.to_string(),
            found: found.to_string(),
            help: None,
        });
    }

    fn unsure(&mut self, subject: impl Display, found: impl Display, help: impl Display) {
        self.findings.push(Finding {
            verdict: Verdict::Unsure,
            subject: subject.to_string(),
            found: found.to_string(),
            help: Some(help.to_string()),
        });
    }

    fn wrong(&mut self, subject: impl Display, found: impl Display, help: impl Display) {
        self.unsure(subject, found, help);
        if let Some(last) = self.findings.last_mut() {
            last.verdict = Verdict::Wrong;
        }
    }
}

// ---- the settings and the secrets ----

fn look_at_settings(report: &mut Report, path: &Path, secrets: Secrets<'_>) -> Option<Settings> {
    // The parser decides which secrets count, so those that it takes are those to look at.
    let taken = RefCell::new(BTreeMap::new());
    let take = |name: &str| {
        let value = secrets(name)?;
        taken.borrow_mut().insert(name.to_owned(), value.clone());
        Some(value)
    };
    let file = path.display();
    let loaded = Settings::load(path, &take);
    match &loaded {
        Ok(settings) => {
            let names: Vec<String> = settings
                .accounts
                .iter()
                .map(|account| account.name.to_string())
                .collect();
            report.ok(&file, format!("it is right, for {}", names.join(", ")));
        }
        Err(error) => {
            for mistake in &error.mistakes {
                report.wrong(&file, mistake, "then look again with `hug doctor`");
            }
        }
    }
    for (name, value) in &taken.into_inner() {
        look_at_secret(report, name, value);
    }
    loaded.ok()
}

/// A secret's look; whether it is the right one, only the network can tell.
fn look_at_secret(report: &mut Report, name: &str, value: &str) {
    let bare = value.trim();
    let quotes = ['"', '\'', '`'];
    if bare.is_empty() {
        report.wrong(name, "it is set, but empty", "copy it again")
    } else if bare.starts_with(quotes) || bare.ends_with(quotes) {
        report.wrong(name, "it has quotes around it", "take them off")
    } else if bare != value {
        let found = "it has blanks or a line's end around it, which are left out here";
        report.unsure(name, found, "take them off")
    } else if let Some((found, help)) = odd_shape(name, value) {
        report.unsure(name, found, help)
    } else {
        report.ok(name, "it is there, and looks like one")
    }
}

/// What is odd about a secret that is not of the shape that its network gives out, and what to do.
fn odd_shape(name: &str, value: &str) -> Option<(&'static str, &'static str)> {
    let plain = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric());
    let long =
        |lengths: std::ops::RangeInclusive<usize>| plain(value) && lengths.contains(&value.len());
    let is = |network: &str, key: &str| name.starts_with(network) && name.ends_with(key);
    if is("BLUESKY_", "_APP_PASSWORD") {
        let parts: Vec<&str> = value.split('-').collect();
        let right = parts.len() == 4 && parts.iter().all(|part| part.len() == 4 && plain(part));
        let odd = (
            "it does not look like an app password (xxxx-xxxx-xxxx-xxxx), but like the account's main one",
            "make an app password in Bluesky's settings, and keep the main one out of here",
        );
        return (!right).then_some(odd);
    }
    let (right, odd) = if is("X_", "_ACCESS_TOKEN") {
        let id = value.split_once('-').map_or("", |(id, _)| id);
        let right = !id.is_empty() && id.chars().all(|c| c.is_ascii_digit());
        let odd = "it does not begin with the account's number and a dash, as X's access tokens do";
        (right, odd)
    } else if is("X_", "_API_KEY") {
        let odd =
            "it is not 25 letters and digits, as X's API keys are (a client ID is another thing)";
        (long(20..=30), odd)
    } else if is("X_", "_API_SECRET") {
        (
            long(40..=60),
            "it is not 50 letters and digits, as X's API secrets are",
        )
    } else if is("X_", "_ACCESS_SECRET") {
        (
            long(40..=60),
            "it is not 45 letters and digits, as X's access secrets are",
        )
    } else if is("X_", "_BEARER_TOKEN") {
        (
            value.starts_with("AAAA"),
            "it does not begin with AAAA, as X's bearer tokens do",
        )
    } else {
        return None;
    };
    let help = "compare it with \"keys and tokens\" at developer.x.com";
    (!right).then_some((odd, help))
}

// ---- the ledger ----

/// Answers what the ledger holds, as far as it can be read.
async fn look_at_state(
    report: &mut Report,
    state: &Path,
    http: &reqwest::Client,
    now: Timestamp,
) -> Everything {
    let folder = state.display();
    if !table::exists(state) {
        // The last ancestor of a relative path is empty, and stands for the folder we are in.
        let here = |folder: &Path| folder.as_os_str().is_empty() || folder.exists();
        let there = state.ancestors().find(|folder| here(folder));
        let there = there.unwrap_or_else(|| Path::new("."));
        // Whether something can be written there, only writing tells.
        let there = if there.as_os_str().is_empty() {
            Path::new(".")
        } else {
            there
        };
        let probe = there.join(format!(".hug-doctor-{}", std::process::id()));
        match fs::File::create_new(&probe).and_then(|_| fs::remove_file(&probe)) {
            Ok(()) => report.ok(folder, "nothing is kept there yet; the first check begins"),
            Err(error) => {
                let found = format!("nothing can be written to {}: {error}", there.display());
                report.wrong(
                    folder,
                    found,
                    "mend its rights, or choose another with --state",
                );
            }
        }
        return Everything::default();
    }
    let file = table::file_in(state);
    if let Err(error) = OpenOptions::new().write(true).open(&file) {
        let found = format!("{} cannot be written: {error}", file.display());
        report.wrong(
            &folder,
            found,
            "mend its rights, or choose another with --state",
        );
    }
    let at_work = table::at_work(state);
    match &at_work {
        Ok(Some(who)) => report.ok(&folder, format!("{who} is at work on it")),
        Ok(None) => report.ok(&folder, "nobody is at work on it"),
        Err(error) => {
            let found = format!("whether someone is at work on it cannot be told: {error}");
            report.unsure(&folder, found, "see who owns its file `lock`");
        }
    }
    let at_work = matches!(at_work, Ok(Some(_)));
    let looked = look_at_table(report, state, http, at_work, now).await;
    looked.unwrap_or_else(|error| {
        let help = "look again; if it stays so, bring back a copy of the folder";
        report.wrong(folder, error, help);
        Everything::default()
    })
}

async fn look_at_table(
    report: &mut Report,
    state: &Path,
    http: &reqwest::Client,
    at_work: bool,
    now: Timestamp,
) -> Result<Everything, Error> {
    let database = table::database_in(state)?;
    let described = database.describe_table(DescribeTableRequest {
        table_name: table::NAME.to_owned(),
    });
    let stream = described?.table.stream_specification;
    if stream.is_none_or(|stream| !stream.stream_enabled) {
        let found = "it has no stream, so no hug is ever sent";
        report.wrong(
            "table",
            found,
            "move the folder away; the next check begins anew",
        );
        return Ok(Everything::default());
    }
    let table = Table::read(state, http).await?;
    let ledger = Ledger::new(table.client().clone(), table::NAME);
    let everything = ledger.everything().await?;
    report.ok(
        "table",
        format!(
            "it is there with its stream, {} accounts and {} hugs",
            everything.accounts.len(),
            everything.hugs.len()
        ),
    );
    match Pump::open(&database, state).waiting()? {
        0 => report.ok("stream", "every hug in it has been handed over"),
        n if at_work => report.ok("stream", format!("{n} hugs wait; they are being worked on")),
        n => {
            let found = format!("{n} hugs wait, and nobody is at work");
            report.unsure("stream", found, "`hug check` sends them");
        }
    }
    look_at_failed(report, state, &everything)?;
    for hug in &everything.hugs {
        let shown = HugStatus::at(now, hug.clone());
        let Some(trouble) = shown.trouble else {
            continue;
        };
        let subject = format!("{} {}", hug.account, hug.milestone);
        let found = format!("{} since {}: {}", hug.status, trouble.since, trouble.what);
        match trouble.next_try {
            Some(time) => {
                let help = format!("{} (tried next at {time})", trouble.helps);
                report.unsure(subject, found, help);
            }
            None => report.wrong(subject, found, trouble.helps),
        }
    }
    Ok(everything)
}

/// What the stream gave up on lies in a file; the hugs themselves go on by the ledger's rules.
fn look_at_failed(report: &mut Report, state: &Path, everything: &Everything) -> Result<(), Error> {
    let file = state.join(FAILED);
    let text = match fs::read_to_string(&file) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            report.ok(FAILED, "the stream gave up on nothing");
            return Ok(());
        }
        read => read.map_err(|error| format!("reading {} failed: {error}", file.display()))?,
    };
    let mut undelivered = Vec::new();
    for line in text.lines() {
        let record: Value = serde_json::from_str(line).unwrap_or_default();
        let keys = &record["dynamodb"]["Keys"];
        let key = |name: &str| keys[name]["S"].as_str().unwrap_or_default();
        let hug = hug_key(key("pk"), key("sk"))
            .ok()
            .and_then(|key| everything.hugs.iter().find(|hug| hug.key() == key));
        let name = match hug {
            Some(hug) if hug.redrive(Timestamp::MAX).is_err() => continue,
            Some(hug) => format!("{} {} ({})", hug.account, hug.milestone, hug.status),
            None => "one that is no hug of this ledger".to_owned(),
        };
        if !undelivered.contains(&name) {
            undelivered.push(name);
        }
    }
    let given_up = text.lines().count();
    if undelivered.is_empty() {
        let found =
            format!("the stream gave up {given_up} times; all of these hugs went out since");
        report.unsure(FAILED, found, "delete the file");
    } else {
        let found = format!(
            "the stream gave up {given_up} times; not delivered yet: {}",
            undelivered.join(", ")
        );
        report.wrong(
            FAILED,
            found,
            "remove the cause, then `hug retry`, then delete the file",
        );
    }
    Ok(())
}

// ---- one account and its network ----

struct OneAccount<'a> {
    account: &'a settings::Account,
    network: &'a dyn Network,
    http: &'a reqwest::Client,
    now: Timestamp,
}

impl OneAccount<'_> {
    async fn look(&self, report: &mut Report, ledger: &Everything) {
        let name = &self.account.name;
        self.look_at_channels(report);
        if let Some(until) = wait_until(ledger, name).filter(|until| *until > self.now) {
            let found = format!("not asked: its rate limit is used up until {until}");
            report.unsure(name, found, "look again then");
            return;
        }
        let mut reached = true;
        for address in self.addresses() {
            reached &= self.look_at_clock(report, &address).await;
        }
        if !reached {
            return;
        }
        let profile = match self.network.profile(None).await {
            Ok(profile) => profile,
            Err(error) => return failed(report, name, &error),
        };
        let (count, id) = (profile.followers, &profile.id);
        report.ok(name, format!("{count} followers, id {id}"));
        if let Some(until) = profile.retry_at {
            let found = "its rate limit is used up now, so the rest was not asked";
            report.unsure(name, found, format!("look again at {until}"));
            return;
        }
        match self.network.followers(id, 1, None).await {
            Ok(page) if page.followers.is_empty() && count > 0 => {
                let found =
                    "the list of followers is empty: hidden from these secrets, or the newest are";
                report.unsure(name, found, "invitations will name nobody while it is");
            }
            Ok(_) => report.ok(name, "its list of followers can be read"),
            Err(error) => failed(report, name, &error),
        }
        self.look_at_rights(report, id).await;
        if name.network == NetworkName::X {
            let found = "this look cost $0.021 at most: the account, the keys' owner, one follower";
            report.ok(name, found);
        }
    }

    fn look_at_channels(&self, report: &mut Report) {
        let network = self.account.name.network;
        let usual = default_contact(network);
        for channel in &self.account.contact {
            if usual.contains(channel) || *channel == Channel::Draft {
                continue;
            }
            let found = format!(
                "`{channel}` is among its channels, which {network}'s rules do not allow a program unasked"
            );
            let help = format!("keep it only if {network} has allowed it to you");
            report.unsure(&self.account.name, found, help);
        }
    }

    /// Where the network is read and written.
    fn addresses(&self) -> Vec<String> {
        let told_or =
            |told: &Option<String>, usual: &str| told.as_deref().unwrap_or(usual).to_owned();
        let account = self.account;
        let mut all = match &account.login {
            Login::X(_) => vec![told_or(&account.server, x::SERVER)],
            Login::Bluesky(login) => {
                let writes = login.app_password.is_some();
                let pds = writes.then(|| told_or(&account.server, bluesky::SERVER));
                let reads = told_or(&account.appview, bluesky::APPVIEW);
                std::iter::once(reads).chain(pds).collect()
            }
            Login::Mastodon(_) => vec![mastodon::server(account)],
        };
        all.dedup();
        all
    }

    /// Whether the network could be reached.
    async fn look_at_clock(&self, report: &mut Report, address: &str) -> bool {
        let told = match http::time_at(self.http, address).await {
            Err(why) => {
                let found = format!("{address} cannot be reached: {why}");
                let help = "see whether this computer is online, and `server` in the settings";
                report.wrong(&self.account.name, found, help);
                return false;
            }
            Ok(told) => told,
        };
        let here = "this computer's clock";
        match told.map(|there| self.now.duration_since(there)) {
            Some(ahead) if ahead.abs() > MOST_OFF => {
                let (seconds, side) = (ahead.abs().as_secs(), side(ahead));
                let found = format!("it is {seconds} s {side} what {address} says");
                let help = "set it; X refuses signatures of another time, and what was sent is looked for by its time";
                report.wrong(here, found, help);
            }
            Some(_) => report.ok(here, format!("it agrees with {address}")),
            None => {
                let found = format!("{address} does not say what time it is");
                report.unsure(here, found, "see whether it is set right");
            }
        }
        true
    }

    async fn look_at_rights(&self, report: &mut Report, id: &str) {
        let name = &self.account.name;
        let contact = &self.account.contact;
        let sends = contact.iter().any(|channel| *channel != Channel::Draft);
        if !sends {
            report.ok(name, "it sends nothing by itself (contact = [\"draft\"])");
            return;
        }
        let allowed = match self.network.allowed(id).await {
            Ok(allowed) => allowed,
            Err(error) => return failed(report, name, &error),
        };
        match &allowed.id {
            Some(owner) if owner != id => {
                let found = format!("its keys belong to the account {owner}, not to {id}");
                let help = "make new ones while logged in as the account of the settings";
                return report.wrong(name, found, help);
            }
            Some(_) => report.ok(name, "its keys are its own"),
            None => {}
        }
        let needed = [
            ("post", contact.iter().any(is_post), allowed.post),
            (
                "message",
                contact.contains(&Channel::Message),
                allowed.message,
            ),
        ];
        for (what, needed, may) in needed {
            match may {
                _ if !needed => {}
                Some(true) => report.ok(name, format!("its keys may {what}")),
                Some(false) => {
                    let found = format!("its keys may not {what}");
                    report.wrong(name, found, right_to(what, name.network));
                }
                None => {
                    let found = format!("whether its keys may {what} is not told");
                    report.unsure(name, found, right_to(what, name.network));
                }
            }
        }
    }
}

fn is_post(channel: &Channel) -> bool {
    matches!(channel, Channel::Announce | Channel::Mention)
}

fn right_to(what: &str, network: NetworkName) -> &'static str {
    match (network, what) {
        (NetworkName::X, "post") => {
            "give the app \"read and write\" at developer.x.com, then make the access token and secret anew"
        }
        (NetworkName::X, _) => {
            "give the app \"read, write and direct messages\" at developer.x.com, then make the access token and secret anew"
        }
        (NetworkName::Mastodon, _) => {
            "give the token's application the scopes of README.md, then take its new token"
        }
        (NetworkName::Bluesky, _) => {
            "make an app password with \"allow access to your direct messages\" ticked"
        }
    }
}

/// A network that answered otherwise than it should.
fn failed(report: &mut Report, name: &AccountName, error: &NetworkError) {
    let found = format!("{} failed: {}", error.attempted, error.why);
    match error.failure {
        Failure::WaitUntil(until) => report.unsure(name, found, format!("look again at {until}")),
        Failure::TryAgain | Failure::OutcomeUnknown => {
            report.wrong(name, found, "look again in a while; this passes by itself");
        }
        Failure::Unauthorized => {
            let help = "mend the account's secrets, or what they may do at the network";
            report.wrong(name, found, help);
        }
        Failure::Refused => {
            report.wrong(
                name,
                found,
                "see to what it says, and whether `handle` and `server` in the settings are right",
            );
        }
    }
}

fn wait_until(ledger: &Everything, name: &AccountName) -> Option<Timestamp> {
    let key = format!("{}@{}", name.network, name.handle);
    let signpost = ledger.signposts.iter().find(|(of, _)| *of == key)?;
    signpost.1.retry_at
}

fn side(ahead: SignedDuration) -> &'static str {
    if ahead.is_positive() {
        "ahead of"
    } else {
        "behind"
    }
}
