//! What the replies of all networks have in common.

use promise::letter::{Letter, Receipt};

use crate::network::{NetworkError, client::Attempt};

/// The post that a reply answers; an error where the letter has none.
pub(super) fn answered_post<'l>(
    attempt: Attempt<'_>,
    letter: &Letter<'l>,
) -> Result<&'l Receipt, NetworkError> {
    let nothing = || attempt.blocked("the letter has no post to reply to");
    letter.reply_to.ok_or_else(nothing)
}
