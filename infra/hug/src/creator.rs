//! The commands with which the creator changes a hug: retry, approve, cancel, sent, pass, topic, song.

use std::io::Write;

use have_a_hug::{
    by_hand::{ByHandError, Step, by_hand},
    enrolled::with_enrolled,
    ledger::{Ledger, Snapshot},
    settings::Settings,
    youtube::{Seen, YouTube},
};
use jiff::Timestamp;
use promise::{
    account::AccountName,
    hug::{Hug, HugKey, NotNow, Status},
    milestone::Milestone,
    news::{command, command_with},
    song::Song,
    untrusted::{MAX_NAME, one_line},
    video::VideoId,
};

use crate::{
    Error,
    words::{follower, how, length},
};

/// Which hugs a command is for; all of them by default.
#[derive(Clone, Debug, Default)]
pub struct Which {
    /// Only the hugs of this account.
    pub account: Option<AccountName>,
    /// Only the hug for this number.
    pub milestone: Option<Milestone>,
}

/// Parses the address of a letter that the creator has sent by hand.
///
/// # Errors
///
/// Where the text is not an address that begins with `https://`, or has more than 1,024 bytes.
pub fn address(url: &str) -> Result<String, String> {
    let is_address = url.starts_with("https://") && url.bytes().all(|byte| byte.is_ascii_graphic());
    if !is_address || url.len() > 1_024 {
        return Err(format!(
            "\"{url}\" is not a web address; write an address such as https://x.com/amber/status/77"
        ));
    }
    Ok(url.to_owned())
}

/// Does `step` to the hugs that `which` selects, and prints to `out` what it did to each. Returns how many hugs wait
/// for their delivery now; the stream delivers them.
///
/// # Errors
///
/// Where one hug was asked for and the step is not possible for it, or where the ledger fails.
pub async fn run(
    ledger: &Ledger,
    settings: &Settings,
    which: &Which,
    step: &Step,
    now: Timestamp,
    out: &mut impl Write,
) -> Result<usize, Error> {
    let snapshot = ledger.snapshot().await?;
    let settings = &with_enrolled(settings, &snapshot);
    if let Some(account) = &which.account {
        settings.account(account)?;
    }
    let mut taken = 0;
    for (name, key, hug) in chosen(&snapshot, which, step)? {
        let milestone = key.milestone;
        match by_hand(ledger, settings, &key, step, now).await {
            Ok(next) => {
                writeln!(out, "{}", done(&name, hug, &next, step))?;
                if let (Step::Refuse, Ok(account)) = (step, settings.account(&name)) {
                    let link = account.site().link_to_answer(&next);
                    writeln!(out, "  If you want to say why, do it by hand: {link}")?;
                }
                taken += 1;
            }
            Err(ByHandError::Ledger(error)) => return Err(error.into()),
            Err(why) if which.milestone.is_some() => {
                let attempted = attempted(step, milestone, &name);
                let helps = what_helps(step, hug, &why).or_else(|| goes_on(&why, now));
                let helps = helps.map_or_else(String::new, |helps| format!("; {helps}"));
                return Err(format!("{attempted} failed: {why}{helps}").into());
            }
            Err(ByHandError::NotNow(NotNow::Settled(_) | NotNow::Held)) => {}
            Err(why) => {
                let status = hug.map_or_else(String::new, |hug| hug.status.to_string());
                let goes_on = goes_on(&why, now).map(|goes_on| format!("; {goes_on}"));
                let goes_on = goes_on.unwrap_or_default();
                writeln!(
                    out,
                    "{name}  the hug for {milestone} is {status} and is not changed: {why}{goes_on}"
                )?;
            }
        }
    }
    // Only a retry can be for no certain hug.
    if taken == 0 {
        writeln!(out, "No hug goes back to work.")?;
    }
    out.flush()?;
    Ok(if step.delivers() { taken } else { 0 })
}

/// What was attempted, for an error.
fn attempted(step: &Step, milestone: Milestone, name: &AccountName) -> String {
    let hug = format!("the hug for {milestone} of {name}");
    match step {
        Step::Retry => format!("retrying {hug}"),
        Step::Approve { .. } => format!("approving {hug}"),
        Step::Cancel => format!("cancelling {hug}"),
        Step::Sent { .. } => format!("marking {hug} as sent"),
        Step::Pass => format!("passing on {hug}"),
        Step::Topic { .. } | Step::Accept | Step::Refuse => format!("deciding the topic of {hug}"),
        Step::Song { .. } => format!("giving a song to {hug}"),
    }
}

/// In how long the program continues by itself, where it waits.
fn goes_on(why: &ByHandError, now: Timestamp) -> Option<String> {
    let until = match why {
        ByHandError::NotNow(NotNow::InProgress { until }) => *until,
        ByHandError::NotNow(NotNow::Waiting { wait }) => wait.until,
        _ => return None,
    };
    let time = until.duration_since(now);
    time.is_positive()
        .then(|| format!("it goes on in {}", length(time)))
}

/// What the creator can do instead, where the reason does not say it.
fn what_helps(step: &Step, hug: Option<&Hug>, why: &ByHandError) -> Option<String> {
    let ByHandError::NotNow(why) = why else {
        return None;
    };
    let hug = hug?;
    let is_topic = matches!(step, Step::Topic { .. } | Step::Accept | Step::Refuse);
    Some(match (why, &hug.status) {
        (NotNow::NotInvited(Status::ToSend), _) => {
            format!("send the invitation first, then {}", command("sent", hug))
        }
        (NotNow::NotInvited(Status::Held), _) => {
            format!("{} sends the invitation", command("approve", hug))
        }
        (NotNow::NotInvited(_), _) => "`hug status` says what keeps the invitation".to_owned(),
        (NotNow::Settled(_), Status::TopicChosen) if matches!(step, Step::Pass) => format!(
            "the follower has a topic; {} refuses it",
            command_with("topic", hug, "--refuse")
        ),
        (NotNow::Settled(_), Status::SongPosted | Status::ToSend | Status::Hugged) if is_topic => {
            "the song is posted, so the topic stays".to_owned()
        }
        (NotNow::Settled(_), Status::Hugged) if matches!(step, Step::Song { .. }) => {
            "the follower has the link to the song".to_owned()
        }
        _ => return None,
    })
}

/// One line that says what was done.
fn done(name: &AccountName, before: Option<&Hug>, after: &Hug, step: &Step) -> String {
    let milestone = after.milestone;
    match (step, before) {
        (Step::Retry, Some(before)) => {
            let why = match how(before) {
                why if why.is_empty() => why,
                why => format!(" ({why})"),
            };
            format!(
                "{name}  the hug for {milestone} was {}{why}: it goes back to work",
                before.status
            )
        }
        (Step::Retry | Step::Approve { .. }, _) => {
            format!(
                "{name}  the hug for {milestone} goes to {}",
                follower(after)
            )
        }
        (Step::Cancel, _) => format!("{name}  the hug for {milestone} is cancelled"),
        (Step::Sent { .. }, _) => format!(
            "{name}  the hug for {milestone} is {}: you sent it to {}",
            after.status,
            follower(after)
        ),
        (Step::Pass, _) => format!(
            "{name}  the hug for {milestone} is passed on: the next check chooses the next follower who counts"
        ),
        (Step::Topic { .. } | Step::Accept, _) => format!(
            "{name}  the hug for {milestone} has its topic: {}",
            topic(after)
        ),
        (Step::Refuse, _) => format!(
            "{name}  the topic for {milestone} is refused; another answer of {} counts",
            follower(after)
        ),
        (Step::Song { .. }, _) => {
            let url = after.posted.as_ref().map(Song::url).unwrap_or_default();
            format!(
                "{name}  the song for {milestone} is up: {url} goes to {}",
                follower(after)
            )
        }
    }
}

fn topic(hug: &Hug) -> &str {
    hug.topic.as_ref().map_or("", |topic| topic.text.as_str())
}

/// Gives a video to the hug that `which` selects, as [`run`] does a step. YouTube is asked first whether the video is
/// there, and for its title if the creator gives none.
///
/// # Errors
///
/// Where YouTube says that nobody can see such a video, and in the cases of [`run`].
pub async fn give_song(
    ledger: &Ledger,
    settings: &Settings,
    youtube: &YouTube,
    which: &Which,
    (video, title): (VideoId, Option<String>),
    now: Timestamp,
    out: &mut impl Write,
) -> Result<usize, Error> {
    let snapshot = ledger.snapshot().await?;
    if let Some(account) = &which.account {
        with_enrolled(settings, &snapshot).account(account)?;
    }
    let given = Step::Song {
        video: video.clone(),
        title: title.clone(),
    };
    let meant = chosen(&snapshot, which, &given)?;
    let ends = |(_, _, hug): &Meant<'_>| hug.is_none_or(|hug| hug.status.has_ended());
    if meant.iter().all(ends) {
        return run(ledger, settings, which, &given, now, out).await;
    }
    for other in &snapshot.hugs {
        let has_it = other
            .posted
            .as_ref()
            .is_some_and(|song| song.video == video);
        if has_it && meant.iter().all(|(_, key, _)| *key != other.key()) {
            let (account, milestone) = (&other.account, other.milestone);
            writeln!(
                out,
                "The hug for {milestone} of {account} has the same video."
            )?;
        }
    }
    let song = look_up(youtube, video, title, out).await?;
    run(ledger, settings, which, &song, now, out).await
}

/// The step that gives a video to a hug, with the creator's title or else YouTube's.
///
/// # Errors
///
/// Where YouTube says that nobody can see such a video.
pub async fn look_up(
    youtube: &YouTube,
    video: VideoId,
    title: Option<String>,
    out: &mut impl Write,
) -> Result<Step, Error> {
    let own = title.map(|title| one_line(title.trim(), MAX_NAME));
    let own = own.filter(|title| !title.is_empty());
    let title = match youtube.look_up(&video).await {
        Seen::There(title) => own.or(title),
        Seen::Missing => {
            let url = video.watch_url();
            return Err(format!(
                "YouTube has no video at {url} that others can see; make it public or unlisted, or check the link"
            )
            .into());
        }
        Seen::Unknown(why) => {
            writeln!(
                out,
                "The link was not checked, because YouTube was not reached: {why}"
            )?;
            own
        }
    };
    Ok(Step::Song { video, title })
}

type Meant<'a> = (AccountName, HugKey, Option<&'a Hug>);

/// The hugs that `which` selects, each with the name that its account has now.
fn chosen<'a>(snapshot: &'a Snapshot, which: &Which, step: &Step) -> Result<Vec<Meant<'a>>, Error> {
    let hugs = snapshot.hugs.iter();
    let named: Vec<(AccountName, &Hug)> = hugs
        .map(|hug| (name_now(snapshot, hug), hug))
        .filter(|(name, _)| which.account.as_ref().is_none_or(|account| account == name))
        .collect();
    let Some(milestone) = which.milestone else {
        if let (Some(account), true) = (&which.account, named.is_empty()) {
            return Err(format!("{account} has no hug yet").into());
        }
        let all = named.into_iter();
        return Ok(all
            .map(|(name, hug)| (name, hug.key(), Some(hug)))
            .collect());
    };
    let found: Vec<&(AccountName, &Hug)> = named
        .iter()
        .filter(|(_, hug)| hug.milestone == milestone)
        .collect();
    match (found.as_slice(), step) {
        ([(name, hug)], _) => Ok(vec![(name.clone(), hug.key(), Some(hug))]),
        ([], Step::Approve { chosen: Some(_) }) => {
            Ok(vec![without_hug(snapshot, which, milestone)?])
        }
        ([], _) => {
            let hugs = named.iter();
            let there: Vec<String> = hugs
                .map(|(name, hug)| format!("{name} {}", hug.milestone))
                .collect();
            let there = if there.is_empty() {
                "there are none yet".to_owned()
            } else {
                format!("there are: {}", there.join(", "))
            };
            Err(format!("there is no hug for {milestone}; {there}").into())
        }
        (several, _) => {
            let names: Vec<String> = several.iter().map(|(name, _)| name.to_string()).collect();
            Err(format!(
                "several accounts have a hug for {milestone}; choose one with --account: {}",
                names.join(", ")
            )
            .into())
        }
    }
}

/// The key of a hug that does not exist yet, for the account that `which` selects.
fn without_hug<'a>(
    snapshot: &Snapshot,
    which: &Which,
    milestone: Milestone,
) -> Result<Meant<'a>, Error> {
    let accounts = snapshot.accounts.iter();
    let meant = accounts.filter(|account| {
        let wanted = which.account.as_ref();
        wanted.is_none_or(|wanted| *wanted == account.name)
    });
    let meant: Vec<_> = meant.collect();
    match meant.as_slice() {
        [account] => {
            let key = HugKey {
                id: account.key(),
                milestone,
            };
            Ok((account.name.clone(), key, None))
        }
        [] => Err("the ledger has no such account yet; `hug check` makes its first check".into()),
        _ => Err(
            format!("several accounts can owe number {milestone}; choose one with --account")
                .into(),
        ),
    }
}

/// The name of a hug's account, with the account's handle of now.
fn name_now(snapshot: &Snapshot, hug: &Hug) -> AccountName {
    let id = hug.key().id;
    let known = snapshot.accounts.iter().find(|account| account.key() == id);
    known.map_or_else(|| hug.account.clone(), |account| account.name.clone())
}
