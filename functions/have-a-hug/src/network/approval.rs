//! A login that a person gives to an app on the network's own page, so that nobody hands over a password.
//!
//! It has two steps, because the person acts between them: [`begin_approval`](crate::networks::begin_approval) asks for
//! an address that they open, and [`Approval::finish`] exchanges what the page shows them for the account's secrets.

use async_trait::async_trait;
use promise::account::UserId;

use super::{NetworkError, client::Connection};
use crate::secret::Credentials;

/// An approval that was begun. It lasts some minutes, and only in this process.
#[async_trait]
pub trait Approval: Send + Sync {
    /// The address that the person opens in a browser in which they are logged in as the account. It is not a secret.
    fn address(&self) -> &str;

    /// What the page shows after the approval, for a prompt: "the PIN".
    fn shown(&self) -> &'static str;

    /// Exchanges what the page showed for the account's secrets, and tries them. `to` is the connection that this was
    /// begun with. After an error begin anew: the network need not accept a second try.
    ///
    /// # Errors
    ///
    /// What was typed is wrong, was used before or is too old; another account approved; the login allows no posts.
    async fn finish(&self, to: &Connection<'_>, typed: &str) -> Result<Approved, NetworkError>;
}

/// The login of one account. The network said that it belongs to the account and that it allows posts, as far as it says
/// such things.
#[derive(Clone, Debug)]
pub struct Approved {
    /// The stable id of the account, as [`Permissions::owner`](super::Permissions::owner) has it.
    pub id: UserId,
    /// Its handle as the network writes it: the one of the connection, but for capital letters and Mastodon's server.
    pub handle: String,
    /// The account's own secrets, by their keys in [`Rules`](promise::rules::Rules). The app's are not among them.
    pub credentials: Credentials,
}

/// Why a login is not taken that another account than the wanted one has approved.
pub(crate) fn by_another(approved: &str, wanted: &str) -> String {
    format!(
        "@{approved} approved, and not @{wanted}; begin anew, and open the address where you are logged in as @{wanted}"
    )
}
