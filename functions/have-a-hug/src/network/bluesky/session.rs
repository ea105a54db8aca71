//! The login that writing takes: made with the app password, kept, refreshed, and made anew.

use reqwest::{RequestBuilder, StatusCode};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

use super::{Bluesky, did};
use crate::{
    http::Answer,
    network::{Failure, NetworkError, line::json_body, made_by_network},
    settings::{Secret, is_allowed_server},
};

impl Bluesky {
    /// Sends what `request` makes of the session, logging in first where there is none, and once
    /// more where the server no longer takes its token.
    pub(super) async fn with_session(
        &self,
        attempted: &'static str,
        did: &str,
        request: impl Fn(&Session) -> RequestBuilder,
    ) -> Result<Answer, NetworkError> {
        let mut kept = self.session.lock().await;
        let mut fresh = false;
        loop {
            let session = match kept.take() {
                Some(session) => session,
                None => {
                    fresh = true;
                    self.log_in(did).await?
                }
            };
            let signed = request(&session).bearer_auth(session.access.expose());
            let answer = self.line.write(attempted, signed).await;
            let stale = answer.as_ref().is_ok_and(|answer| {
                matches!(
                    answer.xrpc_error().as_str(),
                    "ExpiredToken" | "InvalidToken"
                )
            });
            if stale && !fresh {
                *kept = self.refresh(session).await?;
                fresh = kept.is_some();
                continue;
            }
            *kept = Some(session);
            return answer;
        }
    }

    /// A session for the account that made the promise, and no other.
    pub(super) async fn log_in(&self, did: &str) -> Result<Session, NetworkError> {
        let attempted = "logging in with the app password";
        let Some(password) = &self.login.app_password else {
            return Err(self.line.error(
                attempted,
                Failure::Unauthorized,
                "there is no app password",
            ));
        };
        let url = format!("{}/xrpc/com.atproto.server.createSession", self.server);
        let body = json!({ "identifier": did, "password": password.expose() });
        let answer = self
            .line
            .read(attempted, json_body(self.line.http.post(url), &body))
            .await?;
        if !answer.status.is_success() {
            return Err(self.refusal(attempted, &answer));
        }
        let tokens = self.tokens(attempted, &answer)?;
        if tokens.did != did {
            let why = format!("the app password belongs to {}, not to {did}", tokens.did);
            return Err(self.line.error(attempted, Failure::Unauthorized, &why));
        }
        Ok(Session::new(tokens, &self.server))
    }

    /// A new token for an old session; `None` where a new login is needed instead.
    async fn refresh(&self, session: Session) -> Result<Option<Session>, NetworkError> {
        let attempted = "refreshing the login";
        let url = session.url("com.atproto.server.refreshSession");
        let request = self
            .line
            .http
            .post(url)
            .bearer_auth(session.refresh.expose());
        let answer = self.line.read(attempted, request).await?;
        match answer.status {
            status if status.is_success() => {
                let tokens = self.tokens(attempted, &answer)?;
                Ok(Some(Session::new(tokens, &self.server)))
            }
            StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED => Ok(None),
            _ => Err(self.refusal(attempted, &answer)),
        }
    }

    /// The tokens of a login. Whatever shape an answer has, its words are not told: they are secrets.
    pub(super) fn tokens(
        &self,
        attempted: &'static str,
        answer: &Answer,
    ) -> Result<Tokens, NetworkError> {
        answer.json().map_err(|_| {
            let why = format!("the answer ({}) holds no login", answer.status);
            self.line.error(attempted, Failure::TryAgain, why)
        })
    }
}

/// A login that is under way.
pub(super) struct Session {
    pub access: Secret,
    refresh: Secret,
    pub pds: String,
}

impl Session {
    pub fn new(tokens: Tokens, server: &str) -> Self {
        Self {
            pds: tokens.pds(server),
            access: tokens.access_jwt,
            refresh: tokens.refresh_jwt,
        }
    }

    pub fn url(&self, method: &str) -> String {
        format!("{}/xrpc/{method}", self.pds)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Tokens {
    #[serde(deserialize_with = "token")]
    access_jwt: Secret,
    #[serde(deserialize_with = "token")]
    refresh_jwt: Secret,
    #[serde(deserialize_with = "did")]
    did: String,
    did_doc: Option<DidDoc>,
}

#[derive(Deserialize)]
struct DidDoc {
    #[serde(default)]
    service: Vec<Service>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Service {
    id: String,
    service_endpoint: Value,
}

impl Tokens {
    /// The PDS that the account lives on. The document is believed only as far as the settings
    /// are: a login at a server out in the world does not lead to this machine's own ports.
    fn pds(&self, server: &str) -> String {
        let services = self.did_doc.iter().flat_map(|doc| &doc.service);
        services
            .filter(|service| service.id.ends_with("#atproto_pds"))
            .find_map(|service| service.service_endpoint.as_str())
            .map(|pds| pds.trim_end_matches('/'))
            .filter(|pds| {
                is_allowed_server(pds)
                    && (pds.starts_with("https://") || server.starts_with("http://"))
            })
            .unwrap_or(server)
            .to_owned()
    }
}

fn token<'de, D: Deserializer<'de>>(from: D) -> Result<Secret, D::Error> {
    made_by_network(from, "the token", 8_192, |_| true).map(Secret::new)
}
