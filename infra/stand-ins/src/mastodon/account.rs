//! A creator's account.

/// A creator's account.
#[derive(Clone, PartialEq, Eq)]
pub struct Account {
    /// The server's id for it: digits.
    pub id: String,
    /// The handle, without the server.
    pub handle: String,
    /// The display name.
    pub name: String,
    /// An access token with every scope that Have a Hug needs.
    pub access_token: String,
}

impl Account {
    /// The sandbox's account: Amber Lane, who makes the promise.
    pub fn amber() -> Self {
        Self {
            id: "109876".to_owned(),
            handle: "amber".to_owned(),
            name: "Amber Lane".to_owned(),
            access_token: "sandbox-mastodon-token".to_owned(),
        }
    }
}
