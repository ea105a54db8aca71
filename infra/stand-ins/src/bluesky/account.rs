//! A creator's account.

use super::ids::did;

/// A creator's account.
#[derive(Clone, PartialEq, Eq)]
pub struct Account {
    /// The DID.
    pub did: String,
    /// The handle, a domain name.
    pub handle: String,
    /// The display name.
    pub name: String,
    /// The app password to log in with. It may also read and send private messages.
    pub app_password: String,
}

impl Account {
    /// The sandbox's account: Amber Lane, who makes the promise.
    pub fn amber() -> Self {
        Self {
            did: did("44196397"),
            handle: "amber.bsky.social".to_owned(),
            name: "Amber Lane".to_owned(),
            app_password: "sand-boxa-pppa-sswd".to_owned(),
        }
    }
}
