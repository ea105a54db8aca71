//! What the command says of a hug, in words.

use promise::{
    erase::is_erased,
    evidence::Skipped,
    hug::{Hug, Status},
    letter::Refusal,
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

/// The channels that were refused, and what the network answered.
pub fn refused(hug: &Hug) -> Vec<String> {
    let one = |one: &Refusal| format!("{} was refused: {}", one.channel, one.reason);
    hug.invitation.refusals.iter().map(one).collect()
}

/// How the invitation travelled, or why it has not.
pub fn how(hug: &Hug) -> String {
    let letter = &hug.invitation;
    match (&letter.words, &letter.receipt, &hug.reason) {
        (_, _, Some(reason)) => reason.clone(),
        (Some(words), Some(receipt), None) => {
            let place = receipt.url.as_deref().unwrap_or(&receipt.reference);
            format!("{} {place}", words.channel)
        }
        (Some(words), None, None) if letter.sent_at.is_some() => {
            format!("{}, sent by hand", words.channel)
        }
        (Some(words), None, None) if hug.status == Status::Inviting => {
            format!("{} (under way)", words.channel)
        }
        (Some(words), None, None) => words.channel.to_string(),
        (None, _, None) => String::new(),
    }
}
