//! Whether an account's secrets let it send, tried before there is something to send.

use jiff::Timestamp;
use promise::account::UserId;

use crate::{
    deps::Connected,
    ledger::HandleChange,
    network::{Failure, Permissions},
};

/// The result of a try.
pub(super) enum Login {
    Works,
    /// The login fails, for this reason.
    Fails(String),
}

impl Login {
    /// Asks the network what the secrets allow; `None` where it does not answer now.
    pub(super) async fn try_once(connected: Connected<'_>, id: &UserId) -> Option<Self> {
        let Connected { account, network } = connected;
        let name = &account.name;
        match network.permissions(id).await {
            Ok(Permissions {
                owner: Some(owner), ..
            }) if owner != *id => Some(Self::Fails(format!(
                "the secrets of {name} belong to another account, {owner}"
            ))),
            Ok(Permissions {
                post: Some(false), ..
            }) => Some(Self::Fails(format!(
                "the secrets of {name} do not allow posts; {}",
                account.rules().help_to_post
            ))),
            Ok(_) => Some(Self::Works),
            Err(error) if matches!(error.failure, Failure::Blocked { .. }) => {
                Some(Self::Fails(error.to_string()))
            }
            Err(error) => {
                tracing::info!(account = %name, %error, "the login is tried at the next check");
                None
            }
        }
    }

    /// The change of the handle record, with this result added.
    pub(super) fn noted_in(&self, mut change: HandleChange, now: Timestamp) -> HandleChange {
        change.set.login_tried_at = Some(now);
        match self {
            Self::Works => change.login_works = true,
            Self::Fails(error) => change.set.login_error = Some(error.clone()),
        }
        change
    }
}
