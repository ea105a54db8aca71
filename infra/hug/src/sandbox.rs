//! A table and networks for another program: `cargo lambda watch`, another language's client, or
//! a person with `curl`.

use std::{
    collections::BTreeMap,
    env,
    io::{Write, stdout},
    path::Path,
    process::Stdio,
    time::Duration,
};

use have_a_hug::{clock::Clock, settings::Settings, youtube::API_KEY};
use promise::account::AccountName;
use stand_ins::{
    Networks, Person, secret, secrets,
    youtube::{AMBER_CHANNEL, SANDBOX_KEY, Video, YouTube},
};
use tokio::process::Command;

use crate::{Error, port::Port, private, stack::Stack, table, watch::interruption};

/// How many follow the creator when the sandbox opens.
const FOLLOWERS: u64 = 598;

/// How often the stream is read.
const BETWEEN_READS: Duration = Duration::from_millis(500);

/// How long an interrupted program may take to end.
const TIME_TO_END: Duration = Duration::from_secs(5);

/// Opens a sandbox and runs `command` in it, or, without one, keeps it open until it is interrupted.
/// Returns the command's exit code.
///
/// # Errors
///
/// Where no port is free, no folder can be made, or the command cannot be started.
pub async fn run(state: &Path, command: &[String]) -> Result<i32, Error> {
    let clock = Clock::system();
    let networks = networks(&clock).await?;
    let youtube = youtube(&clock).await?;
    let settings = networks.settings() + &songs_on(&youtube);
    let mut stack = Stack::in_memory(&settings, &secret_of_sandbox, clock).await?;
    let folder = state.join("sandbox");
    private::make_folder(&folder)?;
    std::fs::write(folder.join("hug.toml"), &settings)?;
    let file = folder.join("hug.toml").canonicalize()?;

    let port = Port::open(stack.table.database()).await?;
    let mut environment = vec![
        ("HUG_TABLE", table::NAME.to_owned()),
        ("HUG_SETTINGS", file.display().to_string()),
        ("AWS_ENDPOINT_URL", port.url().to_owned()),
        ("AWS_REGION", "local".to_owned()),
        ("AWS_ACCESS_KEY_ID", port.key().to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "local".to_owned()),
    ];
    environment.extend(secrets());
    environment.push((API_KEY, SANDBOX_KEY.to_owned()));
    write!(stdout(), "{}", introduction(&networks, &youtube))?;
    if command.is_empty() {
        write!(stdout(), "{}", connecting(&stack.deps.settings))?;
    }

    let deliver = async {
        loop {
            if let Err(error) = stack.deliver().await {
                tracing::error!(%error, "the stream could not be read");
            }
            tokio::time::sleep(BETWEEN_READS).await;
        }
    };
    let end = async {
        if command.is_empty() {
            writeln!(
                stdout(),
                "\nThe environment of a program that is to use all of them, with the table here:\n"
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

/// Opens only the networks and YouTube, prints one line of JSON with their addresses, the settings that lead
/// to the networks and the secrets, and keeps them open until it is interrupted: for functions whose table is
/// elsewhere.
///
/// # Errors
///
/// Where no port is free.
pub async fn networks_only() -> Result<(), Error> {
    let clock = Clock::system();
    let networks = networks(&clock).await?;
    let youtube = youtube(&clock).await?;
    let mut secrets: BTreeMap<_, _> = secrets().into_iter().collect();
    secrets.insert(API_KEY, SANDBOX_KEY.to_owned());
    let mut description = serde_json::json!({
        "settings": networks.settings(),
        "secrets": secrets,
    });
    for network in networks.iter() {
        description[network.facts().name] = network.url().into();
    }
    description["youtube"] = youtube.url().into();
    description["channel"] = AMBER_CHANNEL.into();
    writeln!(stdout(), "{description}")?;
    interruption().await;
    Ok(())
}

/// All stand-in networks, with followers.
async fn networks(clock: &Clock) -> Result<Networks, Error> {
    let networks = Networks::start(clock).await?;
    for n in 0..FOLLOWERS {
        networks.follow(&Person::fan(n, clock.now()));
    }
    Ok(networks)
}

/// A YouTube with one earlier video of Amber's: a channel without videos is not found.
pub(crate) async fn youtube(clock: &Clock) -> Result<YouTube, Error> {
    let youtube = YouTube::start(clock.clone()).await?;
    youtube.add_video(Video::by_amber("helloHello0", "Hello!", clock.now()));
    Ok(youtube)
}

/// The lines of hug.toml that find Amber's songs on that YouTube.
pub(crate) fn songs_on(youtube: &YouTube) -> String {
    let url = youtube.url();
    format!("\n[songs]\nyoutube = \"{AMBER_CHANNEL}\"\nserver = \"{url}\"\n")
}

/// One of the secrets of the stand-in networks and of the stand-in for YouTube, by its name.
pub(crate) fn secret_of_sandbox(name: &str) -> Option<String> {
    if name == API_KEY {
        return Some(SANDBOX_KEY.to_owned());
    }
    secret(name)
}

/// How this program can be called from another folder, as `./hug` cannot.
fn called() -> String {
    let as_it_was = env::args().next().unwrap_or_default();
    let path = env::current_exe().ok().filter(|_| as_it_was.contains('/'));
    path.map_or_else(|| "hug".to_owned(), |path| path.display().to_string())
}

/// How to connect each account from an empty folder, as a creator connects their own.
fn connecting(settings: &Settings) -> String {
    let hug = called();
    let mut text = "\nTo begin as a creator does, open another terminal in an empty folder and connect an account. It asks for the\n\
         secrets that are below the command. Then `hug check`.\n"
        .to_owned();
    for account in &settings.accounts {
        let AccountName { network, handle } = &account.name;
        let option = |name, url: &Option<String>| {
            let url = url.as_ref();
            url.map_or_else(String::new, |url| format!(" --{name} {url}"))
        };
        let server = option("server", &account.server);
        let appview = option("appview", &account.appview);
        text.push_str(&format!(
            "\n  {hug} connect {network} {handle}{server}{appview}\n"
        ));
        for name in &account.needs {
            let value = secret_of_sandbox(name).unwrap_or_default();
            text.push_str(&format!("    {name}: {value}\n"));
        }
    }
    text
}

/// Where they are, and what to try by hand.
fn introduction(networks: &Networks, youtube: &YouTube) -> String {
    let mut text = format!("Stand-in networks, each with {FOLLOWERS} followers:\n");
    for network in networks.iter() {
        let (facts, url) = (network.facts(), network.url());
        let (title, route) = (facts.title, facts.post_route);
        text.push_str(&format!("  {title} at {url}, which posts at {route}\n"));
    }
    let first = networks.first();
    let (url, route) = (first.url(), first.facts().post_route);
    let videos = youtube.url();
    text + &format!(
        "More come with:   curl -X POST '{url}/stand-in/follow?n=3'\n\
         Someone leaves:   curl -X POST '{url}/stand-in/unfollow?handle=fan0001'\n\
         A post fails:     curl -X POST '{url}/stand-in/fail?route={route}&status=503'\n\
         Someone answers:  curl -X POST '{url}/stand-in/answer?handle=fan0001&text=%40amber%20Rain'\n\
         What was sent:    curl {url}/stand-in/sent\n\
         The same works at the other addresses. For fan0001 write the handle that `hug status` shows. Keep the\n\
         tag @amber (%40amber) in an answer on X: without the tag X refuses the song as a reply to this answer, and\n\
         the hug is to_send.\n\
         YouTube is at {videos}.\n\
         A song comes up:  curl -X POST '{videos}/stand-in/video?id=dQw4w9WgXcQ&title=Rain&description=%23hug600x'\n"
    )
}
