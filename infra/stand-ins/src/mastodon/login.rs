//! The login by code: an app is made, a person approves it on a page that shows a code, and the app exchanges the code for
//! a token.

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::{
    refusals::{Reply, limit_headers, refusal},
    state::{App, Grant, State, Token},
};
use crate::call::{Answer, Call};

/// How long a code is valid: Doorkeeper's default, which Mastodon does not change.
const CODE_LASTS: SignedDuration = SignedDuration::from_mins(10);

/// How many apps one address can make in [`TEN_MINUTES`].
const MAX_APPS: u32 = 5;
const TEN_MINUTES: i64 = 10 * 60;

impl State {
    pub(super) fn create_app(&mut self, call: &Call) -> Reply {
        let now = self.clock.now();
        let usage = self.new_apps.count(now, MAX_APPS, TEN_MINUTES);
        if usage.exceeded {
            let mut answer = refusal(429, "Too many requests");
            answer.headers = limit_headers(&usage);
            return Err(answer);
        }
        let field = fields(call);
        let redirect_uri = field("redirect_uris").unwrap_or_default();
        if field("client_name").is_none_or(|name| name.trim().is_empty()) {
            return Err(refusal(
                422,
                "Validation failed: Application name can't be blank",
            ));
        }
        if !redirect_uri.contains(':') {
            return Err(refusal(
                422,
                "Validation failed: Redirect URI must be an absolute URI.",
            ));
        }
        let scopes = words(&field("scopes").unwrap_or_else(|| "read".to_owned()));
        let is_known = |scope: &String| {
            let family = scope.split(':').next().unwrap_or_default();
            ["read", "write", "follow", "push", "profile"].contains(&family)
        };
        if !scopes.iter().all(is_known) {
            return Err(refusal(
                422,
                "Validation failed: Scopes doesn't match configured on the server.",
            ));
        }
        let number = self.next_serial();
        let app = App {
            client_id: format!("client-id-{number:0>33}"),
            client_secret: format!("client-secret-{number:0>29}"),
            redirect_uri,
            scopes,
        };
        let answer = Answer::ok(&json!({
            "id": number.to_string(),
            "name": field("client_name"),
            "website": null,
            "scopes": app.scopes,
            "redirect_uri": app.redirect_uri,
            "redirect_uris": [app.redirect_uri],
            "client_id": app.client_id,
            "client_secret": app.client_secret,
            "client_secret_expires_at": 0,
        }));
        self.apps.push(app);
        Ok(answer)
    }

    /// The page on which a person approves. Here to open it is to approve, for whoever is logged in.
    pub(super) fn authorize(&mut self, call: &Call) -> Answer {
        let parameter = |name| call.parameter(name).unwrap_or_default();
        let scopes = words(call.parameter("scope").unwrap_or("read"));
        let app = self.app(parameter("client_id")).filter(|app| {
            parameter("response_type") == "code"
                && app.redirect_uri == parameter("redirect_uri")
                && scopes.iter().all(|scope| app.scopes.contains(scope))
        });
        let Some(app) = app else {
            return page(400, "<h1>An error has occurred</h1>");
        };
        let (client_id, redirect_uri) = (app.client_id.clone(), app.redirect_uri.clone());
        let account = self.logged_in.clone();
        let account = account.unwrap_or_else(|| self.first_account());
        let code = format!("authorization-code-{:0>24}", self.next_serial());
        let shown = page(
            200,
            &format!(
                "<p class=\"hint\">Copy this authorization code and paste it to the application.</p><input type=\"text\" class=\"oauth-code\" readonly value=\"{code}\">"
            ),
        );
        self.grants.push(Grant {
            code,
            client_id,
            redirect_uri,
            account,
            scopes,
            at: self.clock.now(),
        });
        shown
    }

    pub(super) fn create_token(&mut self, call: &Call) -> Reply {
        let field = fields(call);
        let get = |name| field(name).unwrap_or_default();
        let app = self.app(&get("client_id"));
        if app.is_none_or(|app| app.client_secret != get("client_secret")) {
            return Err(oauth_error(
                401,
                "invalid_client",
                "Client authentication failed due to unknown client, no client authentication included, or unsupported authentication method.",
            ));
        }
        if get("grant_type") != "authorization_code" {
            return Err(oauth_error(
                400,
                "unsupported_grant_type",
                "The authorization grant type is not supported by the authorization server.",
            ));
        }
        let now = self.clock.now();
        let place = self.grants.iter().position(|grant| {
            grant.code == get("code")
                && grant.client_id == get("client_id")
                && grant.redirect_uri == get("redirect_uri")
                && now < grant.at + CODE_LASTS
        });
        let Some(place) = place else {
            return Err(oauth_error(
                400,
                "invalid_grant",
                "The provided authorization grant is invalid, expired, revoked, does not match the redirection URI used in the authorization request, or was issued to another client.",
            ));
        };
        let grant = self.grants.remove(place);
        let token = format!("access-token-{:0>30}", self.next_serial());
        let answer = Answer::ok(&json!({
            "access_token": token,
            "token_type": "Bearer",
            "scope": grant.scopes.join(" "),
            "created_at": now.as_second(),
        }));
        let granted = Token {
            account: grant.account,
            scopes: grant.scopes,
        };
        self.tokens.insert(token, granted);
        Ok(answer)
    }

    fn app(&self, client_id: &str) -> Option<&App> {
        self.apps.iter().find(|app| app.client_id == client_id)
    }
}

/// The fields of a body, which may be a form or JSON.
fn fields(call: &Call) -> impl Fn(&str) -> Option<String> {
    let (form, json) = (call.form(), call.json());
    move |name| match &json {
        Some(json) => json[name].as_str().map(str::to_owned),
        None => form
            .iter()
            .find_map(|(key, value)| (key == name).then(|| value.clone())),
    }
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

fn oauth_error(status: u16, error: &str, description: &str) -> Answer {
    Answer::json(
        status,
        &json!({"error": error, "error_description": description}),
    )
}

fn page(status: u16, body: &str) -> Answer {
    let mut answer = Answer::json(status, &Value::Null);
    answer.content_type = "text/html; charset=utf-8";
    answer.body = format!(
        "<!DOCTYPE html><html><head><title>Authorization required</title></head><body>{body}</body></html>"
    );
    answer
}
