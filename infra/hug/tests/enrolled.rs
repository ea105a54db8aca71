//! Accounts in the table on AWS: `hug connect --table`, `hug import FILE --table`, and the other commands on them.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    process::{Command, Stdio},
};

use have_a_hug::{
    clock::Clock,
    ledger::{EnrolledSettings, Ledger, Row},
    networks,
    seal::Owner,
    settings::Settings,
};
use hug::{
    port::Port,
    table::{self, Table},
};
use promise::account::AccountName;
use serde_json::Value;
use stand_ins::{Backend, Person, StandIn, bluesky, mastodon, secret, x};
use tempfile::TempDir;
use tests::kms::{KEY, Kms};

use crate::command_line::{Ended, hug};

/// What an agency's hug.toml has for all its accounts.
const SHARED: &str = "[plan]\nfirst = 600\nstep = 100\n\n[topics]\ndoubtful = [\"tin\"]\n";

/// An agency with a stack on AWS, whose hug.toml names no account.
struct Agency {
    folder: TempDir,
    table: Table,
    port: Port,
    kms: Kms,
}

impl Agency {
    async fn new() -> Self {
        let table = Table::in_memory().await.unwrap();
        let agency = Self {
            folder: TempDir::new().unwrap(),
            port: Port::open(table.database()).await.unwrap(),
            table,
            kms: Kms::start().await,
        };
        agency.write("hug.toml", SHARED);
        agency
    }

    fn write(&self, file: &str, text: &str) {
        fs::write(self.folder.path().join(file), text).unwrap();
    }

    /// The command on the table, with the secrets of the agency's app.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = hug();
        for name in ["X_ACCESS_TOKEN", "X_ACCESS_SECRET"] {
            command.env_remove(name);
        }
        command
            .current_dir(self.folder.path())
            .args(arguments)
            .args(["--table", table::NAME])
            .env("X_BEARER_TOKEN", secret("X_BEARER_TOKEN").unwrap())
            .env("HUG_LOGINS_KEY", KEY)
            .env("AWS_ENDPOINT_URL", &self.kms.url)
            .env("AWS_ENDPOINT_URL_DYNAMODB", self.port.url())
            .env("AWS_REGION", "eu-central-1")
            .env("AWS_ACCESS_KEY_ID", self.port.key())
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .env("AWS_EC2_METADATA_DISABLED", "true");
        command
    }

    async fn run(&self, arguments: &[&str]) -> Ended {
        self.run_command(self.command(arguments)).await
    }

    async fn run_command(&self, mut command: Command) -> Ended {
        let output = tokio::task::spawn_blocking(move || command.output().unwrap());
        Ended(output.await.unwrap())
    }

    fn ledger(&self) -> Ledger {
        Ledger::new(self.table.client().clone(), table::NAME)
    }

    async fn kept(&self, name: &AccountName) -> Option<EnrolledSettings> {
        self.ledger().enrolled(name).await.unwrap()
    }

    async fn row(&self, name: &AccountName) -> Option<Row> {
        let rows = self.ledger().roster(None).await.unwrap().rows;
        rows.into_iter().find(|row| row.name == *name)
    }
}

/// A network with Amber and seven followers, and what is typed to connect her.
async fn network<B: Backend>() -> (StandIn<B>, AccountName, Vec<String>) {
    let network = StandIn::<B>::start(Clock::system()).await.unwrap();
    network.add_account(B::amber());
    for n in 1..=7 {
        network.follow(Person::fan(n, Clock::system().now()));
    }
    let lines = (B::facts().settings)(network.url());
    let settings = format!("{SHARED}\n[[account]]\n{lines}");
    let settings = Settings::parse(&settings, "hug.toml", &secret).unwrap();
    let account = &settings.accounts[0];
    let name = account.name.clone();
    let mut arguments: Vec<String> = ["connect", name.network.word(), &name.handle]
        .map(str::to_owned)
        .to_vec();
    let server = account.server.iter().map(|url| ["--server", url]);
    let appview = account.appview.iter().map(|url| ["--appview", url]);
    arguments.extend(server.chain(appview).flatten().map(str::to_owned));
    (network, name, arguments)
}

/// Runs the command. If it prints an address to open, that is opened, and what the page shows is typed.
async fn with_browser(mut command: Command, types: Option<String>) -> Ended {
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    command.stderr(Stdio::piped());
    let (send, receive) = futures::channel::oneshot::channel();
    let (typed, typing) = std::sync::mpsc::channel::<String>();
    let process = tokio::task::spawn_blocking(move || {
        let mut child = command.spawn().unwrap();
        let mut printed = String::new();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let mut send = Some(send);
        let mut line = String::new();
        while lines.read_line(&mut line).unwrap() > 0 {
            if let Some(address) = line.trim().strip_prefix("http")
                && let Some(send) = send.take()
            {
                send.send(format!("http{address}")).unwrap();
                let mut stdin = child.stdin.take().unwrap();
                writeln!(stdin, "{}", typing.recv().unwrap()).unwrap();
            }
            printed.push_str(&line);
            line.clear();
        }
        let mut output = child.wait_with_output().unwrap();
        output.stdout = printed.into_bytes();
        output
    });
    if let Ok(address) = receive.await {
        let page = have_a_hug::http::client().unwrap().get(address).send();
        let page = page.await.unwrap().text().await.unwrap();
        let between = |before: &str, after: &str| {
            let (_, rest) = page.split_once(before)?;
            Some(rest.split_once(after)?.0.to_owned())
        };
        let shown = between("<code>", "</code>").or_else(|| between("readonly value=\"", "\""));
        typed.send(types.or(shown).unwrap()).unwrap();
    }
    Ended(process.await.unwrap())
}

/// Connects Amber, whose owner approves on a page or types a password.
async fn connect<B: Backend>(agency: &Agency) -> (StandIn<B>, AccountName, String) {
    let (network, name, arguments) = network::<B>().await;
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut command = agency.command(&arguments);
    let ended = if name.network.word() == "bluesky" {
        let password = secret("BLUESKY_APP_PASSWORD").unwrap();
        agency.write("typed", &format!("{password}\n"));
        command.stdin(fs::File::open(agency.folder.path().join("typed")).unwrap());
        agency.run_command(command).await
    } else {
        with_browser(command, None).await
    };
    let output = ended.success();
    for (_, value) in stand_ins::secrets() {
        assert!(!output.contains(&value), "{output}");
    }
    (network, name, output)
}

/// The account is in the table, with a login that its key opens and that belongs to it.
async fn is_in_the_table<B: Backend>() {
    let agency = Agency::new().await;
    let (network, name, output) = connect::<B>(&agency).await;
    for words in [
        "the login works; 7 followers; the first song goes to number 600",
        "Next: hug status --table",
        "The next round of checks on AWS begins with it.",
    ] {
        let output = output.replace(env!("CARGO_BIN_EXE_hug"), "hug");
        assert!(output.contains(words), "{output}");
    }
    let kept = agency.kept(&name).await.unwrap();
    let settings = Settings::parse(&kept.settings, "", &|_| None).unwrap();
    let account = settings.account(&name).unwrap();
    assert_eq!(account.doubtful_words, ["tin"]);
    assert_eq!(account.server.as_deref(), Some(network.url()));
    let seal = agency.kms.seal(table::NAME, "AKIDFUNCTIONS");
    let (rules, now) = (networks::rules(name.network), Clock::system().now());
    let owner = Owner {
        account: &name,
        server: network.url(),
    };
    let login = seal
        .open(owner, &kept.login.unwrap(), rules, now)
        .await
        .unwrap();
    for rule in rules.secrets_to_send {
        assert_eq!(
            login.get(rule.key).is_some(),
            !rule.of_the_app,
            "{}",
            rule.key
        );
    }
    let row = agency.row(&name).await.unwrap();
    let enrolled = row.enrolled.unwrap();
    assert!(row.glance.is_none() && enrolled.active);
    assert_eq!(enrolled.server.as_deref(), Some(network.url()));
}

#[tokio::test]
async fn an_account_on_x_is_brought_into_the_table_by_a_pin() {
    is_in_the_table::<x::State>().await;
}

#[tokio::test]
async fn an_account_on_bluesky_is_brought_into_the_table_by_an_app_password() {
    is_in_the_table::<bluesky::State>().await;
}

#[tokio::test]
async fn an_account_on_mastodon_is_brought_into_the_table_by_a_code() {
    is_in_the_table::<mastodon::State>().await;
}

#[tokio::test]
async fn a_login_that_does_not_work_or_cannot_be_sealed_leaves_nothing_in_the_table() {
    let agency = Agency::new().await;
    let (_x, name, arguments) = network::<x::State>().await;
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let ended = with_browser(agency.command(&arguments), Some("1234567".to_owned())).await;
    let output = ended.refusal();
    assert!(
        output.contains("x:amber") && output.contains("the PIN is wrong"),
        "{output}"
    );

    agency.kms.fail_next(400, "AccessDeniedException");
    let output = with_browser(agency.command(&arguments), None)
        .await
        .refusal();
    assert!(
        output.contains("the right kms:Encrypt on the key"),
        "{output}"
    );

    let mut without_key = agency.command(&arguments);
    without_key.env_remove("HUG_LOGINS_KEY");
    let output = agency.run_command(without_key).await.refusal();
    assert!(output.contains("HUG_LOGINS_KEY is not set"), "{output}");
    assert!(agency.kept(&name).await.is_none() && agency.row(&name).await.is_none());
}

#[tokio::test]
async fn secrets_of_the_app_that_are_missing_are_named_before_the_owner_is_asked_for_a_pin() {
    let agency = Agency::new().await;
    let (x, _, arguments) = network::<x::State>().await;
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut command = agency.command(&arguments);
    command.env_remove("X_API_KEY").env_remove("X_BEARER_TOKEN");
    x.clear_requests();
    let ended = agency.run_command(command).await;
    let output = ended.refusal();
    for words in [
        "X_API_KEY is missing; it is at developer.x.com",
        "X_BEARER_TOKEN is missing",
        "put what is missing into hug.secrets, or export it",
    ] {
        assert!(output.contains(words), "{output}");
    }
    assert!(!output.contains("X_API_SECRET"), "{output}");
    assert!(x.requests().is_empty(), "X was asked for an approval");
}

#[tokio::test]
async fn a_file_of_accounts_is_imported_and_a_second_time_only_what_differs() {
    let agency = Agency::new().await;
    let (network, name, _) = network::<bluesky::State>().await;
    let url = network.url();
    let account = |handle: &str, more: &str| {
        format!(
            "\n[[account]]\nnetwork = \"bluesky\"\nhandle = \"{handle}\"\nserver = \"{url}\"\nappview = \"{url}\"\n{more}"
        )
    };
    let file = |more: &str| {
        let amber = account(&name.handle, more);
        let others =
            account("bea.bsky.social", "") + &account("cleo.bsky.social", "contact = [\"fax\"]");
        let again = account(&name.handle, "");
        agency.write("accounts.toml", &format!("{SHARED}{amber}{others}{again}"));
    };
    file("");
    let import = async || {
        let mut command = agency.command(&["import", "accounts.toml"]);
        command.env(
            "BLUESKY_APP_PASSWORD",
            secret("BLUESKY_APP_PASSWORD").unwrap(),
        );
        agency.run_command(command).await.refusal()
    };
    let output = import().await;
    for words in [
        "bluesky:amber.bsky.social  is in the table now",
        "bluesky:bea.bsky.social  is not imported: a secret is missing for bluesky:bea.bsky.social: BLUESKY_BEA_BSKY_SOCIAL_APP_PASSWORD",
        "bluesky:cleo.bsky.social  is not imported: account.contact:",
        "bluesky:amber.bsky.social  is not imported: it is in the file a second time",
    ] {
        assert!(output.contains(words), "{output}");
    }
    let first = agency.kept(&name).await.unwrap();
    let output = import().await;
    let already = "bluesky:amber.bsky.social  is in the table already, as in the file";
    assert!(output.contains(already), "{output}");
    assert_eq!(agency.kept(&name).await.unwrap(), first);

    file("creator = \"Amber\"\n");
    let output = import().await;
    assert!(
        output.contains("bluesky:amber.bsky.social  is in the table now"),
        "{output}"
    );
    let second = agency.kept(&name).await.unwrap();
    assert!(second.settings.contains("creator = \"Amber\"") && second.login == first.login);

    // Without the secret the login stays, and with another one it is sealed anew.
    file("creator = \"Amber Lane\"\n");
    let output = agency.run(&["import", "accounts.toml"]).await.refusal();
    assert!(
        output.contains("bluesky:amber.bsky.social  is in the table now"),
        "{output}"
    );
    assert_eq!(agency.kept(&name).await.unwrap().login, first.login);
    let mut command = agency.command(&["import", "accounts.toml"]);
    command.env("BLUESKY_APP_PASSWORD", "abcd-abcd-abcd-abcd");
    agency.run_command(command).await.refusal();
    assert_ne!(agency.kept(&name).await.unwrap().login, first.login);
}

#[tokio::test]
async fn status_shows_the_account_a_command_names_it_and_forget_erases_it() {
    let agency = Agency::new().await;
    let (_network, name, _) = connect::<bluesky::State>(&agency).await;
    let id = "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa".into();
    let record = promise::record::AccountRecord::first(name.clone(), id, 7, Clock::system().now());
    let check = have_a_hug::ledger::Recording {
        before: None,
        after: &record,
        hugs: &[],
        passed_over: &[],
        handle: &have_a_hug::ledger::HandleChange::default(),
        glance: have_a_hug::ledger::GlanceChange::Remove,
    };
    agency.ledger().record_check(check).await.unwrap();
    let status = agency.run(&["status", "--json"]).await.success();
    let status: Value = serde_json::from_str(&status).unwrap();
    assert_eq!(status["accounts"][0]["account"], name.to_string());
    assert_eq!(status["accounts"][0]["next_milestone"], 600);
    agency.run(&["doctor"]).await.success();
    let output = agency
        .run(&["approve", "600", "--account", &name.to_string()])
        .await
        .refusal();
    assert!(output.contains("there is no hug for 600"), "{output}");

    let forget = ["forget", &name.to_string(), "--yes"];
    let output = agency.run(&forget).await.success();
    assert!(
        output.contains("its settings and its sealed login"),
        "{output}"
    );
    let left = agency.ledger().everything().await.unwrap();
    assert!(left.is_empty(), "{left:?}");
}
