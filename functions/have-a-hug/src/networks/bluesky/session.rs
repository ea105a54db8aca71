//! The account's own server (PDS), and the login that writing takes: made with the app password, kept,
//! refreshed, and made anew.

use promise::account::UserId;
use reqwest::{RequestBuilder, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use tokio::sync::Mutex;

use super::wire::{Tokens, xrpc_error};
use crate::{
    http::{Response, with_json},
    network::{
        Failure, NetworkError,
        client::{Attempt, Client},
    },
};

/// The account's own server.
pub(super) struct Pds {
    pub client: Client,
    pub server: String,
    pub app_password: Option<SecretString>,
    session: Mutex<Option<Session>>,
}

/// A login that is under way.
pub(super) struct Session {
    access: SecretString,
    refresh: SecretString,
    pds: String,
}

impl Session {
    pub(super) fn new(tokens: Tokens, server: &str) -> Self {
        Self {
            pds: tokens.pds(server),
            access: tokens.access_jwt,
            refresh: tokens.refresh_jwt,
        }
    }

    pub(super) fn url(&self, method: &str) -> String {
        format!("{}/xrpc/{method}", self.pds)
    }
}

impl Pds {
    pub(super) fn new(client: Client, server: String, app_password: Option<SecretString>) -> Self {
        Self {
            client,
            server,
            app_password,
            session: Mutex::default(),
        }
    }

    /// Reads something with the login of the account `id`.
    pub(super) async fn read(
        &self,
        attempt: Attempt<'_>,
        id: &UserId,
        request: impl Fn(&Session) -> RequestBuilder,
    ) -> Result<Response, NetworkError> {
        attempt.accept(self.ask(attempt, id, request).await?)
    }

    /// The same, and returns a response of any status.
    pub(super) async fn ask(
        &self,
        attempt: Attempt<'_>,
        id: &UserId,
        request: impl Fn(&Session) -> RequestBuilder,
    ) -> Result<Response, NetworkError> {
        self.exchange(attempt, id, request, Failure::TryAgain).await
    }

    /// Sends a letter with the login of the account `id`: without a response it may have arrived.
    pub(super) async fn write(
        &self,
        attempt: Attempt<'_>,
        id: &UserId,
        request: impl Fn(&Session) -> RequestBuilder,
    ) -> Result<Response, NetworkError> {
        let response = self.exchange(attempt, id, request, Failure::OutcomeUnknown);
        attempt.accept_written(response.await?)
    }

    /// Logs in where there is no session, and once more where the server no longer takes its token.
    async fn exchange(
        &self,
        attempt: Attempt<'_>,
        id: &UserId,
        request: impl Fn(&Session) -> RequestBuilder,
        if_lost: Failure,
    ) -> Result<Response, NetworkError> {
        let mut kept = self.session.lock().await;
        let mut fresh = false;
        loop {
            let session = if let Some(session) = kept.take() {
                session
            } else {
                fresh = true;
                self.log_in(id).await?
            };
            let signed = request(&session).bearer_auth(session.access.expose_secret());
            let response = attempt.exchange(signed, if_lost).await;
            let stale = response.as_ref().is_ok_and(|response| {
                matches!(
                    xrpc_error(response).as_str(),
                    "ExpiredToken" | "InvalidToken"
                )
            });
            if stale && !fresh {
                *kept = self.refresh(session).await?;
                fresh = kept.is_some();
                continue;
            }
            *kept = Some(session);
            return response;
        }
    }

    /// Ends the session here, so that the next request logs in anew.
    pub(super) async fn forget_session(&self) {
        *self.session.lock().await = None;
    }

    /// A session for the account that made the promise, and no other.
    async fn log_in(&self, id: &UserId) -> Result<Session, NetworkError> {
        let attempt = self.client.attempt("logging in with the app password");
        let Some(password) = &self.app_password else {
            return Err(attempt.blocked("the app password is missing"));
        };
        let url = format!("{}/xrpc/com.atproto.server.createSession", self.server);
        let body = json!({ "identifier": id, "password": password.expose_secret() });
        let request = with_json(self.client.http.post(url), &body);
        let response = attempt.exchange(request, Failure::TryAgain).await?;
        let tokens = tokens(attempt, &attempt.accept(response)?)?;
        if *id != *tokens.did.as_str() {
            let why = format!("the app password belongs to {}, not to {id}", tokens.did);
            return Err(attempt.blocked(why));
        }
        Ok(Session::new(tokens, &self.server))
    }

    /// A new token for an old session; `None` where a new login is needed instead.
    async fn refresh(&self, session: Session) -> Result<Option<Session>, NetworkError> {
        let attempt = self.client.attempt("refreshing the login");
        let url = session.url("com.atproto.server.refreshSession");
        let request = self.client.http.post(url);
        let request = request.bearer_auth(session.refresh.expose_secret());
        let response = attempt.exchange(request, Failure::TryAgain).await?;
        if matches!(
            response.status,
            StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED
        ) {
            return Ok(None);
        }
        let tokens = tokens(attempt, &attempt.accept(response)?)?;
        Ok(Some(Session::new(tokens, &self.server)))
    }
}

/// The tokens of a login. The response is never quoted, not even a malformed one: tokens are secrets.
pub(super) fn tokens(attempt: Attempt<'_>, response: &Response) -> Result<Tokens, NetworkError> {
    response.json().map_err(|_| {
        let why = format!("the answer ({}) holds no login", response.status);
        attempt.error(Failure::TryAgain, why)
    })
}

#[cfg(any(test, fuzzing))]
impl Session {
    pub(super) fn assert_usable(&self) {
        assert!(self.pds.starts_with("https://"));
        let bearer = format!("Bearer {}", self.access.expose_secret());
        assert!(reqwest::header::HeaderValue::try_from(bearer).is_ok());
    }
}
