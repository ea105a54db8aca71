//! What the command says of a hug, in words.

use have_a_hug::settings::Preview;
use promise::{
    channel::Channel,
    erase::is_erased,
    evidence::Skipped,
    hug::{Hug, Status},
    letter::Refusal,
    song::Song,
};

/// Who was passed over, and why: one text for each follower, then how many more. Only a number if `skipped` is empty.
pub fn each(skipped: &[Skipped], more: u64) -> Vec<String> {
    let one = |one: &Skipped| format!("@{} ({})", one.handle, one.reasons.join(", "));
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
        (Some(follower), None) => format!("@{}", follower.handle),
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

/// How the latest letter travelled, or why it has not. Before the song has words, the video itself.
pub fn how(hug: &Hug) -> String {
    let letter = hug.letter_state();
    let is_under_way = matches!(hug.status, Status::Inviting | Status::SongPosted);
    match (&letter.words, &letter.receipt, &hug.reason) {
        (_, _, Some(reason)) => reason.clone(),
        (Some(words), Some(receipt), None) => {
            let place = receipt.url.as_deref().unwrap_or(&receipt.reference);
            format!("{} {place}", words.channel)
        }
        (Some(words), None, None) if letter.sent_at.is_some() => {
            format!("{}, sent by hand", words.channel)
        }
        (Some(words), None, None) if is_under_way => format!("{} (under way)", words.channel),
        (Some(words), None, None) => words.channel.to_string(),
        (None, _, None) if hug.is_passed_on() => {
            "passed on: the next check chooses who gets it".to_owned()
        }
        (None, _, None) => hug.posted.as_ref().map_or_else(String::new, Song::url),
    }
}
