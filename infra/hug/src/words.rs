//! What the command says of a hug, in words.

use have_a_hug::settings::Preview;
use jiff::SignedDuration;
use promise::{
    channel::Channel,
    erase::is_erased,
    evidence::Skipped,
    hug::{Hug, Status},
    letter::Refusal,
    song::Song,
};

/// Who was passed over, and the first two reasons why: one text for each follower, then how many more. Only a number if `skipped` is empty.
pub fn each(skipped: &[Skipped], more: u64) -> Vec<String> {
    let one = |one: &Skipped| match one.reasons.as_slice() {
        [first, second, .., _] => format!("@{} ({first}, {second}…)", one.handle),
        few => format!("@{} ({})", one.handle, few.join(", ")),
    };
    let rest = match (more, skipped) {
        (0, _) => None,
        (all, []) => Some(all.to_string()),
        (more, _) => Some(format!("and {more} more")),
    };
    skipped.iter().map(one).chain(rest).collect()
}

/// Whom a hug is for.
pub fn follower(hug: &Hug) -> String {
    match (&hug.follower, &hug.chosen) {
        (Some(follower), _) if is_erased(follower) => "somebody who was erased".to_owned(),
        (_, Some(handle)) => format!("@{handle}, whom you chose"),
        (Some(follower), None) => match &follower.name {
            Some(name) if *name != follower.handle => format!("{name}, @{}", follower.handle),
            _ => format!("@{}", follower.handle),
        },
        (None, None) => "nobody yet".to_owned(),
    }
}

/// The channels of the latest letter that were refused, and what the network answered.
pub fn refused(hug: &Hug) -> Vec<String> {
    let one = |one: &Refusal| format!("{} was refused: {}", one.channel, one.reason);
    hug.letter_state().refusals.iter().map(one).collect()
}

/// What words that would go out are for, and where they would go.
pub fn words_for(preview: &Preview) -> String {
    let number = preview.milestone;
    match preview.channel {
        Channel::Draft => format!("for {number} you would get these words to send"),
        channel => format!("for {number} it would send this by {channel}"),
    }
}

/// How the latest letter travelled, and where it is; or why it has not travelled.
pub fn how(hug: &Hug) -> String {
    match page(hug) {
        Some(url) => format!("{} {url}", how_in_short(hug)),
        None => how_in_short(hug),
    }
}

/// Where a person sees the latest letter. A message has no page: its id is nothing that a person can open.
pub fn page(hug: &Hug) -> Option<&str> {
    let letter = hug.letter_state();
    let receipt = letter.receipt.as_ref().filter(|_| hug.reason.is_none());
    letter.words.as_ref().and(receipt)?.url.as_deref()
}

/// How the latest letter travelled, or why it has not. Before the song has words, the video itself.
pub fn how_in_short(hug: &Hug) -> String {
    let letter = hug.letter_state();
    let is_under_way = matches!(hug.status, Status::Inviting | Status::SongPosted);
    match (&letter.words, &hug.reason) {
        (_, Some(reason)) => reason.clone(),
        (Some(words), None) if letter.receipt.is_some() => words.channel.to_string(),
        (Some(words), None) if letter.sent_at.is_some() => {
            format!("{}, sent by hand", words.channel)
        }
        (Some(words), None) if is_under_way => format!("{} (under way)", words.channel),
        (Some(words), None) => words.channel.to_string(),
        (None, None) if hug.is_passed_on() => {
            "passed on: the next check chooses who gets it".to_owned()
        }
        (None, None) => hug.posted.as_ref().map_or_else(String::new, Song::url),
    }
}

/// A length of time in its largest whole unit: `40 seconds`, `5 minutes`, `1 hour`.
pub fn length(time: SignedDuration) -> String {
    const UNITS: [(i64, &str); 4] = [
        (86_400, "day"),
        (3_600, "hour"),
        (60, "minute"),
        (1, "second"),
    ];
    let seconds = time.as_secs().max(0);
    // Ninety seconds are said as seconds: a minute would be wrong by half.
    let unit = UNITS
        .into_iter()
        .find(|(unit, _)| seconds >= 2 * unit || (seconds >= *unit && seconds % unit == 0));
    let (unit, word) = unit.unwrap_or((1, "second"));
    match seconds / unit {
        1 => format!("1 {word}"),
        n => format!("{n} {word}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_of_time_is_said_in_its_largest_unit() {
        for (seconds, words) in [
            (0, "0 seconds"),
            (1, "1 second"),
            (90, "90 seconds"),
            (300, "5 minutes"),
            (3_600, "1 hour"),
            (5_400, "90 minutes"),
            (100_000, "27 hours"),
            (200_000, "2 days"),
        ] {
            assert_eq!(length(SignedDuration::from_secs(seconds)), words);
        }
    }
}
