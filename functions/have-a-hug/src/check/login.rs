//! Whether an account's secrets let it send, tried before there is something to send.

use jiff::Timestamp;
use promise::account::UserId;

use crate::{
    deps::Connected,
    ledger::HandleChange,
    network::{Failure, NetworkError, Permissions},
};

/// The result of a try.
#[derive(Debug)]
pub enum Login {
    /// The secrets let the account send.
    Works,
    /// They do not, for this reason.
    Fails(String),
    /// The network does not answer now.
    Unclear(NetworkError),
}

impl Login {
    /// Asks the network what the secrets of the account with that id allow. Nothing is sent.
    pub async fn try_once(connected: Connected<'_>, id: &UserId) -> Self {
        let Connected { account, network } = connected;
        let name = &account.name;
        match network.permissions(id).await {
            Ok(Permissions {
                owner: Some(owner), ..
            }) if owner != *id => Self::Fails(format!(
                "the secrets of {name} belong to another account, {owner}"
            )),
            Ok(Permissions {
                post: Some(false), ..
            }) => Self::Fails(format!(
                "the secrets of {name} do not allow posts; {}",
                account.rules().help_to_post
            )),
            Ok(_) => Self::Works,
            Err(error) if matches!(error.failure, Failure::Blocked { .. }) => {
                Self::Fails(error.to_string())
            }
            Err(error) => Self::Unclear(error),
        }
    }

    /// The change of the handle record, with this result added.
    pub(super) fn noted_in(&self, mut change: HandleChange, now: Timestamp) -> HandleChange {
        match self {
            Self::Works => change.login_works = true,
            Self::Fails(error) => change.set.login_error = Some(error.clone()),
            // It is tried again at the next check.
            Self::Unclear(_) => return change,
        }
        change.set.login_tried_at = Some(now);
        change
    }
}
