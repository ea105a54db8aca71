//! The creator: which hug she means, what she says to it, and what is left for her at the end.

use have_a_hug::{by_hand::Step, networks::rules};
use promise::{
    account::NetworkName,
    hug::{Hug, Status},
    letter::LetterKind,
    video::VideoId,
};

use super::{
    history::{Deed, Which},
    truth::Truth,
};

/// The number of a hug that she can do that to, as often as there is one; else of any hug, or one that may have none.
pub fn number(which: Which, deed: Deed, hugs: &[Hug], highest: u64) -> Option<u64> {
    let pick = match which {
        Which::Number(number) => return Some(number),
        Which::Picked(pick) => pick,
    };
    let fitting: Vec<&Hug> = hugs.iter().filter(|hug| fits(deed, hug)).collect();
    let among = if fitting.is_empty() || pick.is_multiple_of(8) {
        hugs.iter().collect()
    } else {
        fitting
    };
    if pick.is_multiple_of(24) {
        return Some(1 + pick as u64 % highest.max(1));
    }
    let hug = among.get(pick.checked_rem(among.len())?)?;
    Some(hug.milestone.number())
}

fn fits(deed: Deed, hug: &Hug) -> bool {
    match deed {
        Deed::Approve | Deed::ApproveFor(_) => hug.status == Status::Held,
        Deed::Cancel | Deed::Retry | Deed::Sent | Deed::SentAt => hug.needs_creator(),
        Deed::Topic | Deed::Pass => hug.status == Status::Invited,
        Deed::Accept | Deed::Refuse => hug.topic.is_some() && hug.posted.is_none(),
        Deed::Song(_) => matches!(hug.status, Status::TopicChosen | Status::SongPosted),
    }
}

/// Her step, and what she says with it: the handle, the topic or the link. An invitation that she says to have posted
/// is there then.
pub fn step(
    deed: Deed,
    number: u64,
    hugs: &[Hug],
    truth: &mut Truth,
) -> Option<(Step, Option<String>)> {
    let hug = hugs.iter().find(|hug| hug.milestone.number() == number);
    let step = match deed {
        Deed::ApproveFor(pick) => {
            let people = &truth.people;
            let chosen = people.get(pick.checked_rem(people.len())?)?.id.clone();
            let with = Some(chosen.clone());
            let chosen = Some(chosen);
            return Some((Step::Approve { chosen }, with));
        }
        Deed::Approve => Step::Approve { chosen: None },
        Deed::Cancel => Step::Cancel,
        Deed::Retry => Step::Retry,
        Deed::Sent => Step::Sent { url: None },
        Deed::SentAt => {
            let url = url_of_post(truth.network, number);
            let is_invitation = hug.is_some_and(|hug| hug.letter_kind() == LetterKind::Invitation);
            if is_invitation {
                let reference = (rules(truth.network).post_at)(&url)?;
                let to = hug.and_then(|hug| Some(hug.follower.as_ref()?.id.to_string()));
                truth.letters.post_by_hand(reference, to);
            }
            Step::Sent { url: Some(url) }
        }
        Deed::Topic => {
            let words = format!("what she heard of number {number}");
            return Some((
                Step::Topic {
                    words: words.clone(),
                },
                Some(words),
            ));
        }
        Deed::Accept => Step::Accept,
        Deed::Refuse => Step::Refuse,
        Deed::Song(which) => {
            let video = VideoId::from_id(&format!("song{which}{number:06}"))?;
            let link = video.watch_url();
            return Some((Step::Song { video, title: None }, Some(link)));
        }
        Deed::Pass => Step::Pass,
    };
    Some((step, None))
}

/// Where she posted it by hand.
fn url_of_post(network: NetworkName, number: u64) -> String {
    match network {
        NetworkName::X => format!("https://x.com/amber/status/{}", 900_000 + number),
        NetworkName::Bluesky => {
            format!("https://bsky.app/profile/did:plc:amber/post/{number}")
        }
        NetworkName::Mastodon => format!("https://m.example/@amber/{}", 900_000 + number),
    }
}

/// What is left for her: words to send, hugs to approve or to end where nobody can have them, topics to decide about,
/// songs to write.
pub fn her_part(hugs: &[Hug], truth: &Truth) -> Vec<(u64, Deed)> {
    let people = &truth.people;
    let can = |id: &str| {
        let has_one = hugs.iter().any(|hug| {
            let passed = hug.passed.as_ref().map(|passed| &passed.follower);
            let mut named = hug.follower.iter().chain(passed);
            named.any(|to| to.id == *id) || hug.chosen.as_deref() == Some(id)
        });
        truth.is_listed(id) && !has_one && !truth.stopped_elsewhere.contains(id)
    };
    let mut left: Vec<usize> = (0..people.len())
        .filter(|one| can(&people[*one].id))
        .collect();
    let mut parts = Vec::new();
    for hug in hugs {
        let deed = match (&hug.status, &hug.follower) {
            (Status::ToSend, _) => Deed::Sent,
            (Status::Held, Some(_)) => Deed::Approve,
            (Status::Held, None) => left.pop().map_or(Deed::Cancel, Deed::ApproveFor),
            (Status::Reached, None) if hug.is_passed_on() => Deed::Cancel,
            (Status::Invited, _) if hug.topic_is_doubtful() => Deed::Accept,
            (Status::Invited, _) => Deed::Topic,
            (Status::TopicChosen, _) => Deed::Song(0),
            _ => continue,
        };
        parts.push((hug.milestone.number(), deed));
    }
    parts
}
