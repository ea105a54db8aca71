//! The arguments of the `hug` command.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use clap::{ArgGroup, Args, Parser, Subcommand};
use have_a_hug::forget::Who;
use hug::{connect::Wanted, creator::address, forget, place::Place};
use jiff::SignedDuration;
use promise::{
    account::AccountName, milestone::Milestone, topic::MAX_TOPIC, untrusted::one_line,
    video::VideoId,
};

/// Keeps a creator's promise: follower number 600 gets a song, and so does every hundredth after.
#[derive(Parser)]
#[command(version, max_term_width = 100)]
pub(crate) struct Arguments {
    /// The file with the settings; by default the file that `HUG_SETTINGS` names, or else hug.toml.
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) settings: Option<PathBuf>,
    /// The folder of the ledger; by default .hug beside the settings.
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) state: Option<PathBuf>,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Connect an account: put it into hug.toml, ask for its secrets, and try them. With --table, put it into the table on
    /// AWS, with its login sealed.
    Connect {
        #[command(flatten)]
        wanted: Wanted,
        #[command(flatten)]
        on_aws: OnAws,
    },
    /// Show a demo of the whole promise, on stand-in networks: nothing leaves this computer.
    Demo {
        /// Decides who follows; the same seed prints the same.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Without pauses for reading. In a pipe there are none.
        #[arg(long)]
        fast: bool,
    },
    /// Look at the accounts once, and send the invitations that are owed.
    Check {
        /// Only this account, such as x:amber.
        #[arg(long)]
        account: Option<String>,
        /// Look and decide, but write and send nothing.
        #[arg(long)]
        dry_run: bool,
    },
    /// Look at the accounts again and again.
    Watch {
        /// How often: 90s, 5m, 1h.
        #[arg(long, default_value = "5m", value_parser = interval)]
        every: Duration,
        /// Keep the page of the songs current in this file.
        #[arg(long, value_name = "FILE")]
        songbook: Option<PathBuf>,
    },
    /// Try hugs again at once that are stuck or wait for you.
    Retry {
        /// Only the hug for this number.
        #[arg(value_parser = milestone)]
        milestone: Option<Milestone>,
        #[command(flatten)]
        whose: Whose,
    },
    /// Send a hug that is held. With --for, make a hug for a number that was crossed without one.
    Approve {
        /// The hug for this number.
        #[arg(value_parser = milestone)]
        milestone: Milestone,
        /// The handle of the follower who gets the hug.
        #[arg(long = "for", value_name = "HANDLE")]
        chosen: Option<String>,
        #[command(flatten)]
        whose: Whose,
    },
    /// End a hug: nothing more is sent for it.
    Cancel {
        /// The hug for this number.
        #[arg(value_parser = milestone)]
        milestone: Milestone,
        #[command(flatten)]
        whose: Whose,
    },
    /// Say that you have sent an invitation or a song yourself.
    Sent {
        /// The hug for this number.
        #[arg(value_parser = milestone)]
        milestone: Milestone,
        /// The address of your post, if it has one.
        #[arg(value_parser = address)]
        url: Option<String>,
        #[command(flatten)]
        whose: Whose,
    },
    /// Give the hug of a follower who does not answer to the next follower who counts. The next check chooses them.
    Pass {
        /// The hug for this number.
        #[arg(value_parser = milestone)]
        milestone: Milestone,
        #[command(flatten)]
        whose: Whose,
    },
    /// Write down a follower's topic, or decide about the one that they named. Until the song is posted.
    #[command(
        group = ArgGroup::new("what").required(true),
        override_usage = "hug topic [OPTIONS] <MILESTONE> <\"WORDS\"|--accept|--refuse>"
    )]
    Topic {
        /// The hug for this number.
        #[arg(value_parser = milestone)]
        milestone: Milestone,
        /// The topic in quotes, if you know it from somewhere else. No later answer replaces it.
        #[arg(group = "what", value_parser = words)]
        words: Option<String>,
        /// Accept the topic that the follower named. No later answer replaces it.
        #[arg(long, group = "what")]
        accept: bool,
        /// Refuse it: the hug waits for another answer of the follower. They are not told.
        #[arg(long, group = "what")]
        refuse: bool,
        #[command(flatten)]
        whose: Whose,
    },
    /// Say that the song is on YouTube. The follower gets the link, as a reply to their answer if possible.
    Song {
        /// The hug for this number.
        #[arg(value_parser = milestone)]
        milestone: Milestone,
        /// The link to the video. Until the follower has it, the command with another link replaces it.
        #[arg(value_name = "URL", value_parser = VideoId::from_url)]
        video: VideoId,
        /// Its title, if not YouTube's.
        #[arg(long)]
        title: Option<String>,
        #[command(flatten)]
        whose: Whose,
    },
    /// Erase an account or a follower from the ledger.
    #[command(group = ArgGroup::new("whom").required(true))]
    Forget {
        /// Erase everything of this account of yours, such as x:amber.
        #[arg(group = "whom", value_name = "ACCOUNT")]
        whole: Option<AccountName>,
        /// Erase this follower: HANDLE, or id:NUMBER. Their hug stays, without name and words; nothing more is sent.
        #[arg(long, group = "whom", value_name = "HANDLE", value_parser = forget::who)]
        follower: Option<Who>,
        /// With --follower: erase the network's id too. Then they can be invited again.
        #[arg(long, requires = "follower")]
        entirely: bool,
        /// With --follower: only in the records of this account.
        #[arg(long, requires = "follower", value_name = "ACCOUNT")]
        account: Option<AccountName>,
        /// Erase without a question.
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        on_aws: OnAws,
    },
    /// Write accounts to a file that `hug import` reads, and pause them here.
    Export {
        /// The file; if none is given, standard output.
        file: Option<PathBuf>,
        /// Only this account, such as x:amber.
        #[arg(long)]
        account: Option<AccountName>,
        /// Do not pause the accounts here: for a backup, or from a table that no program uses.
        #[arg(long)]
        no_pause: bool,
        #[command(flatten)]
        on_aws: OnAws,
    },
    /// Read accounts from a file of `hug export` into the ledger, which then continues with them. With --table, the file can
    /// be written as hug.toml is: then its accounts are put into the table, with their logins sealed.
    Import {
        /// A file of `hug export`; with --table also one that is written as hug.toml is.
        file: PathBuf,
        #[command(flatten)]
        on_aws: OnAws,
    },
    /// Say who has a number that is behind, and who would be passed over. Sends and changes nothing.
    Who {
        /// The number.
        #[arg(value_parser = milestone)]
        milestone: Milestone,
        #[command(flatten)]
        whose: Whose,
    },
    /// Look whether all is right: settings, secrets, networks, ledger. Sends and changes nothing.
    Doctor {
        #[command(flatten)]
        on_aws: OnAws,
    },
    /// Show the accounts and the hugs.
    Status {
        /// As JSON, for a program.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        on_aws: OnAws,
    },
    /// Write the page that shows the promise and its songs, to share it. docs/SONGBOOK.md says what it shows.
    Songbook {
        /// The file; if none is given, standard output.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        #[command(flatten)]
        on_aws: OnAws,
    },
    /// Check the settings, and list the secrets that they need.
    Settings {
        /// For scripts: the names of the secrets that exist. The command then says which are missing, and ends with 1 if one is.
        #[arg(long, value_delimiter = ',', value_name = "NAMES")]
        secrets: Option<Vec<String>>,
        /// For a table that has accounts of its own: the settings do not have to name one.
        #[arg(long)]
        roster: bool,
    },
    /// Open a table and stand-in networks for another program, and run it there.
    Sandbox {
        /// For scripts: open only the networks, and print where they are as JSON.
        #[arg(long, conflicts_with = "command")]
        networks_only: bool,
        /// The program and its arguments, after `--`; without one the sandbox stays open.
        #[arg(last = true)]
        command: Vec<String>,
    },
}

impl Arguments {
    /// The file of the settings.
    pub(crate) fn settings(&self) -> PathBuf {
        let in_environment = || std::env::var_os("HUG_SETTINGS").filter(|file| !file.is_empty());
        let given = self.settings.clone();
        let chosen = given.or_else(|| in_environment().map(PathBuf::from));
        chosen.unwrap_or_else(|| "hug.toml".into())
    }
}

/// Whose hug a command is for.
#[derive(Args)]
pub(crate) struct Whose {
    /// Only hugs of this account, such as x:amber.
    #[arg(long)]
    pub(crate) account: Option<AccountName>,
    #[command(flatten)]
    pub(crate) on_aws: OnAws,
}

#[derive(Args)]
pub(crate) struct OnAws {
    /// Use the ledger on AWS, in the table with this name, and not the one here.
    #[arg(long, value_name = "NAME")]
    pub(crate) table: Option<String>,
}

impl OnAws {
    pub(crate) fn place(self, state: &Path) -> Place {
        let here = || Place::Folder(state.to_owned());
        self.table.map_or_else(here, Place::Aws)
    }
}

fn milestone(text: &str) -> Result<Milestone, String> {
    let number = text.parse().ok().and_then(Milestone::from_number);
    number.ok_or_else(|| format!("\"{text}\" is not a number of followers; write 600"))
}

/// The words of a topic on one line.
fn words(text: &str) -> Result<String, String> {
    let words = one_line(text.trim(), MAX_TOPIC);
    if words.is_empty() {
        return Err("the topic is empty; write it in quotes: \"rain on a tin roof\"".to_owned());
    }
    Ok(words)
}

fn interval(text: &str) -> Result<Duration, String> {
    let parsed: SignedDuration = text
        .parse()
        .map_err(|_| format!("\"{text}\" is not a length of time; write 90s, 5m or 1h"))?;
    match Duration::try_from(parsed) {
        Ok(interval) if interval >= Duration::from_secs(1) => Ok(interval),
        _ => Err("it must be at least 1s".to_owned()),
    }
}
