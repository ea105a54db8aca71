//! A creator's account, and the keys of its app.

/// The bearer token of the app. It reads what is public, and is nobody in particular.
pub const SANDBOX_BEARER: &str = "AAAAsAndbOxBearer";

/// The four keys of OAuth 1.0a: the app's and the account's.
#[derive(Clone, PartialEq, Eq)]
pub struct Keys {
    /// The app's key ("consumer key").
    pub api_key: String,
    /// The app's secret.
    pub api_secret: String,
    /// The account's token.
    pub access_token: String,
    /// The account's secret.
    pub access_secret: String,
}

impl Keys {
    /// The keys of the sandbox's account.
    pub fn sandbox() -> Self {
        Self {
            api_key: "sAndbOxApiKey000000000000".to_owned(),
            api_secret: "sAndbOxApiSecret0000000000000000000000000000000000".to_owned(),
            access_token: "44196397-sAndbOxAccessToken".to_owned(),
            access_secret: "sAndbOxAccessSecret00000000000000000000000000".to_owned(),
        }
    }
}

/// A creator's account.
#[derive(Clone, PartialEq, Eq)]
pub struct Account {
    /// The stable id: digits.
    pub id: String,
    /// The handle, without an `@`.
    pub handle: String,
    /// The display name.
    pub name: String,
    /// The keys that sign its requests; an account without keys makes none.
    pub keys: Option<Keys>,
    /// Whether only the account itself can list its followers.
    pub protected: bool,
}

impl Account {
    /// The sandbox's account: Amber Lane, who makes the promise.
    pub fn amber() -> Self {
        Self {
            id: "44196397".to_owned(),
            handle: "amber".to_owned(),
            name: "Amber Lane".to_owned(),
            keys: Some(Keys::sandbox()),
            protected: false,
        }
    }
}
