//! The routes of Mastodon's API, and the rights that each request needs.

use serde_json::json;

use super::{
    refusals::{FIVE_MINUTES, MAX_REQUESTS, Reply, limit_headers, not_found, refusal},
    state::{State, Token},
};
use crate::call::{Answer, Call};

impl State {
    /// Answers a request, or refuses it.
    pub(super) fn respond(&mut self, call: &Call) -> Answer {
        let now = self.clock.now();
        // Mastodon counts requests without a token by their address, and here all come from one.
        let token = call.bearer().unwrap_or("no token").to_owned();
        let window = self.requests.entry(token).or_default();
        let usage = window.count(now, MAX_REQUESTS, FIVE_MINUTES);
        let mut answer = if usage.exceeded {
            refusal(429, "Too many requests")
        } else {
            self.route(call).unwrap_or_else(|refusal| refusal)
        };
        answer.headers.extend(limit_headers(&usage));
        let token = call.bearer().and_then(|token| self.tokens.get(token));
        answer.authenticated_as = token.map(|token| token.account.clone());
        answer
    }

    fn route(&mut self, call: &Call) -> Reply {
        let parts: Vec<&str> = call.path.trim_matches('/').split('/').collect();
        match (call.method.as_str(), parts.as_slice()) {
            ("POST", ["api", "v1", "apps"]) => self.create_app(call),
            ("GET", ["oauth", "authorize"]) => Ok(self.authorize(call)),
            ("POST", ["oauth", "token"]) => self.create_token(call),
            ("GET", ["api", "v2", "instance"]) => self.instance_v2(),
            ("GET", ["api", "v1", "instance"]) => Ok(self.instance_v1()),
            ("GET", ["api", "v1", "apps", "verify_credentials"]) => {
                let token = self.token(call)?;
                Ok(Answer::ok(&json!({
                    "id": "7",
                    "name": "Have a Hug",
                    "website": null,
                    "scopes": token.scopes,
                })))
            }
            ("GET", ["api", "v1", "accounts", "verify_credentials"]) => {
                let id = self.token_with(call, "read:accounts")?.account.clone();
                self.account_of(&id)
            }
            ("GET", ["api", "v1", "accounts", "lookup"]) => {
                self.optional_token(call, "read:accounts")?;
                let acct = call.parameter("acct").unwrap_or_default();
                let id = self.id_of(acct).ok_or_else(not_found)?;
                self.account_of(&id)
            }
            ("GET", ["api", "v1", "accounts"]) => {
                self.optional_token(call, "read:accounts")?;
                self.many_accounts(call)
            }
            ("GET", ["api", "v1", "accounts", id]) => {
                self.optional_token(call, "read:accounts")?;
                self.account_of(id)
            }
            ("GET", ["api", "v1", "accounts", id, "followers"]) => {
                let viewer = self.optional_token(call, "read:accounts")?;
                self.list_followers(call, id, viewer.map(|token| token.account.as_str()))
            }
            ("GET", ["api", "v1", "accounts", id, "statuses"]) => {
                let viewer = self.optional_token(call, "read:statuses")?;
                self.list_statuses(call, id, viewer.map(|token| token.account.as_str()))
            }
            ("GET", ["api", "v1", "statuses", id]) => {
                let viewer = self.optional_token(call, "read:statuses")?;
                self.one_status(id, viewer.map(|token| token.account.as_str()))
            }
            ("GET", ["api", "v1", "statuses", id, "context"]) => {
                let viewer = self.optional_token(call, "read:statuses")?;
                self.context_of(id, viewer.map(|token| token.account.as_str()))
            }
            ("GET", ["api", "v1", "notifications"]) => {
                let id = self.token_with(call, "read:notifications")?.account.clone();
                self.list_notifications(call, &id)
            }
            ("POST", ["api", "v1", "statuses"]) => {
                let id = self.token_with(call, "write:statuses")?.account.clone();
                self.post_status(call, &id)
            }
            _ => Err(not_found()),
        }
    }

    /// The token, if there is one. A token without the scope is refused, even where no token is needed.
    fn optional_token(&self, call: &Call, scope: &str) -> Result<Option<&Token>, Answer> {
        match call.header("authorization") {
            None => Ok(None),
            Some(_) => self.token_with(call, scope).map(Some),
        }
    }

    /// The token, which must have the scope.
    fn token_with(&self, call: &Call, scope: &str) -> Result<&Token, Answer> {
        let token = self.token(call)?;
        let family = scope.split(':').next().unwrap_or(scope);
        let covers = |one: &String| one == scope || one == family;
        if token.scopes.iter().any(covers) {
            Ok(token)
        } else {
            Err(refusal(403, "This action is outside the authorized scopes"))
        }
    }

    fn token(&self, call: &Call) -> Result<&Token, Answer> {
        call.bearer()
            .and_then(|token| self.tokens.get(token))
            .ok_or_else(|| refusal(401, "The access token is invalid"))
    }
}
