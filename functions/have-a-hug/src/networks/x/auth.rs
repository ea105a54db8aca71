//! What proves to X who asks: OAuth 1.0a, or the app's bearer token.

use reqwest::Method;
use secrecy::{ExposeSecret, SecretString};

use super::rules::{ACCESS_SECRET, ACCESS_TOKEN, API_KEY, API_SECRET, BEARER_TOKEN};
use crate::secret::Credentials;

/// The secrets of an account on X.
pub(super) enum Keys {
    /// OAuth 1.0a user context: enough for everything.
    User(UserKeys),
    /// The app's bearer token: enough to read counts and followers. `None` where there is not even that.
    App(Option<SecretString>),
}

/// The four keys of OAuth 1.0a; they do not expire.
pub(super) struct UserKeys {
    api_key: SecretString,
    api_secret: SecretString,
    access_token: SecretString,
    access_secret: SecretString,
}

impl Keys {
    /// The best that the credentials allow.
    pub(super) fn from(credentials: &Credentials) -> Self {
        let user = || {
            let get = |key| credentials.get(key).cloned();
            Some(UserKeys {
                api_key: get(API_KEY)?,
                api_secret: get(API_SECRET)?,
                access_token: get(ACCESS_TOKEN)?,
                access_secret: get(ACCESS_SECRET)?,
            })
        };
        let app = || Self::App(credentials.get(BEARER_TOKEN).cloned());
        user().map_or_else(app, Self::User)
    }

    /// The `Authorization` header of a request.
    pub(super) fn authorization(
        &self,
        method: &Method,
        url: &str,
        query: &[(&str, &str)],
    ) -> String {
        match self {
            Self::App(token) => {
                let token = token.as_ref().map_or("", ExposeSecret::expose_secret);
                format!("Bearer {token}")
            }
            Self::User(keys) => {
                let client = oauth1_request::Credentials::new(
                    keys.api_key.expose_secret(),
                    keys.api_secret.expose_secret(),
                );
                let token = oauth1_request::Credentials::new(
                    keys.access_token.expose_secret(),
                    keys.access_secret.expose_secret(),
                );
                let mut builder =
                    oauth1_request::Builder::<_, _>::new(client, oauth1_request::HMAC_SHA1);
                builder.token(token);
                let parameters = oauth1_request::ParameterList::new(query.to_vec());
                builder.authorize(method.as_str(), url, &parameters)
            }
        }
    }
}

impl UserKeys {
    /// The id of the account that they write for: an access token begins with it.
    pub(super) fn owner(&self) -> Option<&str> {
        let (owner, _) = self.access_token.expose_secret().split_once('-')?;
        owner.chars().all(|c| c.is_ascii_digit()).then_some(owner)
    }
}
