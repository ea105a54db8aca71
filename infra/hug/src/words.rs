//! What the command says of a hug, in words.

use promise::{
    channel::Channel,
    evidence::Skipped,
    hug::{Hug, Refusal},
};

/// Who was passed over, and why: one text for each.
pub fn each(skipped: &[Skipped], more: u64) -> Vec<String> {
    let one = |one: &Skipped| format!("@{} ({})", one.handle, one.reasons.join(", "));
    let rest = (more > 0).then(|| format!("and {more} more"));
    skipped.iter().map(one).chain(rest).collect()
}

/// Whom a hug is for.
pub fn follower(hug: &Hug) -> String {
    match &hug.follower {
        Some(follower) => format!("@{}", follower.handle),
        None => format!("my {} follower", hug.milestone.ordinal()),
    }
}

/// The channels that were refused, and what the network answered.
pub fn refused(hug: &Hug) -> Vec<String> {
    let one = |one: &Refusal| format!("{} was refused: {}", one.channel, one.reason);
    hug.refusals.iter().map(one).collect()
}

/// How the invitation travelled, or why it has not.
pub fn how(hug: &Hug) -> String {
    match (&hug.invitation, &hug.reason) {
        (Some(invitation), None) if invitation.channel == Channel::Draft => {
            format!(
                "draft, for you to send: {}",
                invitation.reference.as_deref().unwrap_or_default()
            )
        }
        (Some(invitation), None) => {
            format!(
                "{} {}",
                invitation.channel,
                invitation.reference.as_deref().unwrap_or("(under way)")
            )
        }
        (_, Some(reason)) => reason.clone(),
        (None, None) => String::new(),
    }
}
