//! Why a hug is not where it should be, or waits for the creator, and what helps.

use jiff::Timestamp;
use promise::{
    answer::Asking,
    hug::{Hug, Status},
    letter::LetterKind,
    news::{self, Site, command, command_with},
};
use serde::Serialize;

/// Why a hug has not come further, when it is tried next, and what helps.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Trouble {
    /// What happened.
    pub what: String,
    /// For a hug that waits for the creator or for an answer: since when it waits. Else: when the milestone was noticed.
    pub since: Timestamp,
    /// When the program tries the hug next by itself; `null` where it does not.
    pub next_try: Option<Timestamp>,
    /// Whether it waits for the creator's hand.
    pub needs_creator: bool,
    /// What a person can do.
    pub helps: String,
}

impl Trouble {
    /// What is wrong with a hug, or is to be decided; `None` where nothing is.
    pub(crate) fn of(hug: &Hug, site: &Site, now: Timestamp) -> Option<Self> {
        let found = match &hug.status {
            Status::Held => held(hug),
            Status::ToSend => to_send(hug, site),
            Status::Reached if hug.is_passed_on() => passed_on(hug)?,
            Status::Reached | Status::Inviting | Status::SongPosted => undelivered(hug, now)?,
            Status::Invited | Status::TopicChosen if hug.topic_is_doubtful() => doubtful(hug, site),
            Status::Invited | Status::TopicChosen if !hug.candidates.is_empty() => candidates(hug),
            Status::Invited => unanswered(hug, site, now)?,
            _ => return None,
        };
        let Found { what, since, helps } = found;
        let refusals = hug.letter_state().refusals.iter();
        let refused = refusals.map(|refusal| format!("; {}: {}", refusal.channel, refusal.reason));
        Some(Self {
            what: std::iter::once(what).chain(refused).collect(),
            since,
            next_try: hug.next_try(now),
            needs_creator: hug.needs_creator(),
            helps,
        })
    }
}

impl Trouble {
    /// When it is tried next, as a person says it at `now`; `None` where only a person tries it.
    pub fn next_try_in_words(&self, now: Timestamp) -> Option<String> {
        Some(match self.next_try? {
            time if time <= now => "at the next check".to_owned(),
            time => format!("at {time}"),
        })
    }
}

struct Found {
    what: String,
    since: Timestamp,
    helps: String,
}

fn held(hug: &Hug) -> Found {
    let is_named = hug.follower.is_some();
    let what = match &hug.reason {
        Some(reason) => reason.as_str(),
        None if is_named => "it is held",
        None => "nobody is named",
    };
    let cancel = command("cancel", hug);
    Found {
        what: what.to_owned(),
        since: hug.updated_at,
        helps: if is_named {
            format!("{} sends it; {cancel} ends it", command("approve", hug))
        } else {
            let approve = command_with("approve", hug, "--for HANDLE");
            format!("{approve} says who gets it; {cancel} ends it")
        },
    }
}

fn to_send(hug: &Hug, site: &Site) -> Found {
    let what = match hug.letter_kind() {
        LetterKind::Invitation => "no channel is left for the program: the words wait for you",
        LetterKind::Song => {
            "no channel is left for the program: the words with the link to the song wait for you"
        }
    };
    Found {
        what: what.to_owned(),
        since: hug.updated_at,
        helps: format!(
            "{}\nThen {}. If a channel works again, {}",
            news::by_hand(hug, site),
            command("sent", hug),
            command("retry", hug)
        ),
    }
}

/// A hug that was passed on, and for which a check has found nobody yet.
fn passed_on(hug: &Hug) -> Option<Found> {
    Some(Found {
        what: format!("it was passed on, and {}", hug.reason.as_ref()?),
        since: hug.passed.as_ref()?.at,
        helps: format!("each check looks again; {} ends it", command("cancel", hug)),
    })
}

/// A letter that a program has to send.
fn undelivered(hug: &Hug, now: Timestamp) -> Option<Found> {
    let letter = hug.letter_state();
    let is_claimed = letter.claimed_until(now).is_some();
    let waits_for_stream = hug.status == Status::Reached || hug.due;
    let retry = command("retry", hug);
    let (what, helps) = match &hug.reason {
        Some(reason) if is_claimed => (
            reason.as_str(),
            "wait until then: a check or `hug watch` continues with it".to_owned(),
        ),
        Some(reason) => (
            reason.as_str(),
            format!(
                "remove the cause; a check or `hug watch` continues with it then, and {retry} at once"
            ),
        ),
        None if waits_for_stream && (letter.rearmed > 0 || hug.next_try(now) == Some(now)) => (
            "it is recorded, but nothing has delivered it",
            format!("the next check does, and {retry} at once"),
        ),
        None if !waits_for_stream && !is_claimed => (
            "it was cut off while it was being sent",
            format!("the next check goes on with it, and {retry} at once"),
        ),
        None => return None,
    };
    Some(Found {
        what: what.to_owned(),
        since: match hug.letter_kind() {
            LetterKind::Invitation => hug.reached_at,
            LetterKind::Song => hug.posted.as_ref().map_or(hug.reached_at, |song| song.at),
        },
        helps,
    })
}

fn doubtful(hug: &Hug, site: &Site) -> Found {
    let topic = hug.topic.as_ref();
    let why = topic.and_then(|topic| topic.doubt.as_deref());
    let why = why.map_or_else(String::new, |why| format!(" ({why})"));
    Found {
        what: format!(
            "you decide about the topic{why}: {}",
            topic.map_or("", |topic| topic.text.as_str())
        ),
        since: topic.map_or(hug.updated_at, |topic| topic.at),
        helps: format!(
            "{} makes it the topic; {} does not, and another answer counts\nThe answer is at {}",
            command_with("topic", hug, "--accept"),
            command_with("topic", hug, "--refuse"),
            answer_at(hug, site)
        ),
    }
}

/// Where the follower's answer is; else where the creator writes to them.
fn answer_at(hug: &Hug, site: &Site) -> String {
    let answer = hug.answers.reply_to.as_ref();
    let page = answer.and_then(|answer| answer.url.clone());
    page.unwrap_or_else(|| site.link_to_answer(hug))
}

fn candidates(hug: &Hug) -> Found {
    Found {
        what: news::unclear_videos(hug),
        since: hug.updated_at,
        helps: format!(
            "{} says which video is its song",
            command_with("song", hug, "URL")
        ),
    }
}

/// A hug whose follower is silent, or whose answers no check reads.
fn unanswered(hug: &Hug, site: &Site, now: Timestamp) -> Option<Found> {
    let told_at = hug.answers.silence_told_at;
    let is_silent = told_at.is_some_and(|told_at| hug.answers.latest_at < Some(told_at));
    let is_read = hug.asking(now) != Asking::Never;
    if !is_silent && is_read {
        return None;
    }
    let what = if is_silent {
        "the follower has not answered for two weeks"
    } else {
        "no check reads answers to it: it is a private message, its address is not known, or it is older than 90 days"
    };
    let write = site.link(hug.follower.as_ref(), "");
    let pass = if hug.passed.is_none() {
        let pass = command("pass", hug);
        format!("; {pass} gives it to the next follower")
    } else {
        String::new()
    };
    Some(Found {
        what: what.to_owned(),
        since: hug
            .answers
            .latest_at
            .max(hug.invitation.sent_at)
            .unwrap_or(hug.updated_at),
        helps: format!(
            "write to them by hand: {write}\n{} writes down a topic that you learn elsewhere{pass}",
            command_with("topic", hug, "\"WORDS\"")
        ),
    })
}
