//! A table and networks for another program: `cargo lambda watch`, another language's client, a hand
//! with `curl`.

use std::{
    collections::HashMap,
    io::{Write, stdout},
    path::Path,
    process::Stdio,
    time::Duration,
};

use have_a_hug::clock::Clock;
use tokio::process::Command;

use crate::{Error, stack::Stack, table, watch::interruption};
use stand_ins::{Person, bluesky, mastodon, x};

/// How many follow the creator when the sandbox opens.
const FOLLOWERS: u64 = 598;

/// How often the stream is looked at.
const BETWEEN_LOOKS: Duration = Duration::from_millis(500);

/// How long an interrupted program may take to end.
const TIME_TO_END: Duration = Duration::from_secs(5);

/// The secrets of the stand-ins' creator, by the names that a real creator gives theirs.
fn secrets() -> [(&'static str, String); 7] {
    let keys = x::Keys::sandbox();
    [
        ("X_API_KEY", keys.api_key),
        ("X_API_SECRET", keys.api_secret),
        ("X_ACCESS_TOKEN", keys.access_token),
        ("X_ACCESS_SECRET", keys.access_secret),
        ("X_BEARER_TOKEN", x::SANDBOX_BEARER.to_owned()),
        (
            "BLUESKY_APP_PASSWORD",
            bluesky::Account::amber().app_password,
        ),
        (
            "MASTODON_ACCESS_TOKEN",
            mastodon::Account::amber().access_token,
        ),
    ]
}

/// One of them.
pub fn secret(name: &str) -> Option<String> {
    let known = secrets().into_iter().find(|(known, _)| *known == name);
    known.map(|(_, value)| value)
}

/// Opens a sandbox and runs `command` in it, or, without one, keeps it open until it is interrupted.
/// Answers the command's exit code.
///
/// # Errors
///
/// Where no port or folder can be had, or the command cannot be started.
pub async fn run(state: &Path, command: &[String]) -> Result<i32, Error> {
    let clock = Clock::system();
    let networks = Networks::open(&clock).await?;
    let settings = networks.settings();
    let mut stack = Stack::in_memory(&settings, &secret, clock).await?;
    let folder = state.join("sandbox");
    std::fs::create_dir_all(&folder)?;
    std::fs::write(folder.join("hug.toml"), &settings)?;
    let file = folder.join("hug.toml").canonicalize()?;

    let mut environment = vec![
        ("HUG_TABLE", table::NAME.to_owned()),
        ("HUG_SETTINGS", file.display().to_string()),
        ("AWS_ENDPOINT_URL", stack.table.endpoint().to_owned()),
        ("AWS_REGION", "local".to_owned()),
        ("AWS_ACCESS_KEY_ID", "local".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "local".to_owned()),
    ];
    environment.extend(secrets());
    writeln!(
        stdout(),
        "A stand-in X at {x}, Bluesky at {} and Mastodon at {}, with {FOLLOWERS} followers each.\n\
         More come with:   curl -X POST '{x}/stand-in/follow?n=3'\n\
         Someone leaves:   curl -X POST '{x}/stand-in/unfollow?handle=fan0001'\n\
         A post fails:     curl -X POST '{x}/stand-in/fail?route=/2/tweets&status=503'\n\
         What was sent:    curl {x}/stand-in/sent\n\
         The same works at the other addresses (they post at putRecord and /statuses).",
        networks.bluesky.url(),
        networks.mastodon.url(),
        x = networks.x.url(),
    )?;

    let deliver = async {
        loop {
            if let Err(error) = stack.deliver().await {
                tracing::error!(%error, "the stream could not be read");
            }
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
    };
    let end = async {
        if command.is_empty() {
            writeln!(
                stdout(),
                "\nThe environment of a program that is to use them:\n"
            )?;
            for (name, value) in &environment {
                writeln!(stdout(), "export {name}={value}")?;
            }
            interruption().await;
            return Ok(0);
        }
        let [program, arguments @ ..] = command else {
            return Ok(0);
        };
        let mut child = Command::new(program)
            .args(arguments)
            .envs(environment.clone())
            .stdin(Stdio::inherit())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| format!("starting {program} failed: {error}"))?;
        let status = tokio::select! {
            ended = child.wait() => ended?,
            // A terminal's Ctrl-C has reached the program too: it is given the time to end.
            () = interruption() => tokio::time::timeout(TIME_TO_END, child.wait()).await??,
        };
        Ok(status.code().unwrap_or(1))
    };
    tokio::select! {
        code = end => code,
        () = deliver => Ok(1),
    }
}

/// Opens the networks alone, tells as one line of JSON where they are, what settings lead there and
/// with which secrets, and keeps them open until it is interrupted: for functions whose table is elsewhere.
///
/// # Errors
///
/// Where no port can be had.
pub async fn networks_only() -> Result<(), Error> {
    let networks = Networks::open(&Clock::system()).await?;
    let told = serde_json::json!({
        "x": networks.x.url(),
        "bluesky": networks.bluesky.url(),
        "mastodon": networks.mastodon.url(),
        "settings": networks.settings(),
        "secrets": HashMap::from(secrets()),
    });
    writeln!(stdout(), "{told}")?;
    interruption().await;
    Ok(())
}

/// All of them, with the creator on each and nobody else yet.
pub(crate) struct Networks {
    pub x: x::X,
    pub bluesky: bluesky::Bluesky,
    pub mastodon: mastodon::Mastodon,
}

impl Networks {
    pub async fn start(clock: &Clock) -> Result<Self, Error> {
        let networks = Self {
            x: x::X::start(clock.clone()).await?,
            bluesky: bluesky::Bluesky::start(clock.clone()).await?,
            mastodon: mastodon::Mastodon::start(clock.clone()).await?,
        };
        networks.x.add_account(x::Account::amber());
        networks.x.set_bearer(x::SANDBOX_BEARER);
        networks.bluesky.add_account(bluesky::Account::amber());
        networks.mastodon.add_account(mastodon::Account::amber());
        Ok(networks)
    }

    async fn open(clock: &Clock) -> Result<Self, Error> {
        let networks = Self::start(clock).await?;
        for n in 0..FOLLOWERS {
            networks.follow(&Person::fan(n, clock.now()));
        }
        Ok(networks)
    }

    /// Someone follows the creator on all of them.
    pub fn follow(&self, person: &Person) {
        self.x.follow(person.clone());
        self.bluesky.follow(person.clone());
        let handle = on_mastodon(person);
        self.mastodon.follow(Person {
            handle,
            ..person.clone()
        });
    }

    /// They leave her on all of them.
    pub fn unfollow(&self, person: &Person) {
        self.x.unfollow(&person.handle);
        self.bluesky.unfollow(&person.handle);
        self.mastodon.unfollow(&on_mastodon(person));
    }

    /// A hug.toml that leads to them.
    pub fn settings(&self) -> String {
        let (x, bluesky, mastodon) = (self.x.url(), self.bluesky.url(), self.mastodon.url());
        let domain = mastodon::DOMAIN;
        format!(
            r#"[plan]
first = 600
step = 100

[[account]]
network = "x"
handle = "amber"
server = "{x}"

[[account]]
network = "bluesky"
handle = "amber.bsky.social"
server = "{bluesky}"
appview = "{bluesky}"

[[account]]
network = "mastodon"
handle = "amber@{domain}"
server = "{mastodon}"
"#
        )
    }
}

/// Every second one has their account on another server.
fn on_mastodon(person: &Person) -> String {
    if person.id.ends_with(['0', '2', '4', '6', '8']) {
        return person.handle.clone();
    }
    format!("{}@elsewhere.example", person.handle)
}
