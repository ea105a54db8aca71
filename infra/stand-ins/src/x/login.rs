//! The login by PIN: an app asks for a token, a person approves it on a page that shows a PIN, and the app exchanges
//! token and PIN for the person's keys.

use std::collections::HashMap;

use super::{
    account::Keys,
    caller::{oauth_fields, signed_by},
    state::{Request, State},
};
use crate::call::{Answer, Call};

impl State {
    /// Answers a request to `/oauth/…`; `None` where X has no such route.
    pub(super) fn login(&mut self, call: &Call) -> Option<Answer> {
        let answer = match (call.method.as_str(), call.path.as_str()) {
            ("POST", "/oauth/request_token") => self.request_token(call),
            ("GET", "/oauth/authorize") => Ok(self.authorize(call)),
            ("POST", "/oauth/access_token") => self.access_token(call),
            _ => return None,
        };
        Some(answer.unwrap_or_else(|refusal| refusal))
    }

    fn request_token(&mut self, call: &Call) -> Result<Answer, Answer> {
        let fields = signed_fields(call)?;
        let app = self.app_of(&fields)?;
        let keys = Keys {
            access_token: String::new(),
            access_secret: String::new(),
            ..app
        };
        if !signed_by(&keys, &fields, call) {
            return Err(not_authenticated());
        }
        if fields.get("oauth_callback").map(String::as_str) != Some("oob") {
            return Err(error(
                403,
                415,
                "Callback URL not approved for this client application. Approved callback URLs can be adjusted in your application settings",
            ));
        }
        let number = self.next_id();
        let request = Request {
            token: format!("{number}rEqUeStToKeN"),
            secret: format!("{number}rEqUeStSeCrEt"),
            approved: None,
        };
        let Request { token, secret, .. } = &request;
        let answer = form(&[
            ("oauth_token", token),
            ("oauth_token_secret", secret),
            ("oauth_callback_confirmed", "true"),
        ]);
        self.requests.push(request);
        Ok(answer)
    }

    /// The page on which a person approves. Here to open it is to approve, for whoever is logged in.
    fn authorize(&mut self, call: &Call) -> Answer {
        let token = call.parameter("oauth_token").unwrap_or_default();
        let person = self.logged_in.clone();
        let person = person.unwrap_or_else(|| self.first_account());
        let pin = format!("{:07}", self.next_id() % 10_000_000);
        let mut requests = self.requests.iter_mut();
        let request = requests.find(|it| it.token == token && it.approved.is_none());
        let Some(request) = request else {
            return page(
                403,
                "<p>Whoa there!</p><p>The request token for this page is invalid. It may have already been used, or expired because it is too old.</p>",
            );
        };
        request.approved = Some((person.clone(), pin.clone()));
        let handle = self.handle_of(&person);
        page(
            200,
            &format!(
                "<p>@{handle}, you've granted access to Have a Hug!</p><p>Next, enter this PIN to complete the authorization process:</p><kbd><code>{pin}</code></kbd>"
            ),
        )
    }

    fn access_token(&mut self, call: &Call) -> Result<Answer, Answer> {
        let fields = signed_fields(call)?;
        let app = self.app_of(&fields)?;
        let token = fields.get("oauth_token");
        let place = self.requests.iter().position(|it| Some(&it.token) == token);
        let place = place.ok_or_else(expired)?;
        let Request {
            token,
            secret,
            approved,
        } = &self.requests[place];
        let keys = Keys {
            access_token: token.clone(),
            access_secret: secret.clone(),
            ..app.clone()
        };
        if !signed_by(&keys, &fields, call) {
            return Err(not_authenticated());
        }
        let pin = fields.get("oauth_verifier");
        let Some((person, _)) = approved.clone().filter(|(_, shown)| Some(shown) == pin) else {
            return Err(text(
                401,
                "Error processing your OAuth request: Invalid oauth_verifier parameter",
            ));
        };
        self.requests.remove(place);
        let number = self.next_id();
        let keys = Keys {
            access_token: format!("{person}-{number}aCcEsSToKeN"),
            access_secret: format!("{number:0>45}"),
            ..app
        };
        let answer = form(&[
            ("oauth_token", &keys.access_token),
            ("oauth_token_secret", &keys.access_secret),
            ("user_id", &person),
            ("screen_name", &self.handle_of(&person)),
        ]);
        self.keys.push((person, keys));
        Ok(answer)
    }

    /// The keys of the app that asks: that of the accounts, or of the sandbox.
    fn app_of(&self, fields: &HashMap<String, String>) -> Result<Keys, Answer> {
        let key = fields.get("oauth_consumer_key");
        let known = self.keys.iter().map(|(_, keys)| keys.clone());
        let mut known = known.chain([Keys::sandbox()]);
        let app = known.find(|keys| Some(&keys.api_key) == key);
        app.ok_or_else(not_authenticated)
    }
}

fn signed_fields(call: &Call) -> Result<HashMap<String, String>, Answer> {
    let fields = call.header("authorization").and_then(oauth_fields);
    fields.ok_or_else(|| error(400, 215, "Bad Authentication data."))
}

fn not_authenticated() -> Answer {
    error(401, 32, "Could not authenticate you.")
}

/// The token was exchanged before, or never made.
fn expired() -> Answer {
    error(401, 89, "Invalid or expired token.")
}

fn error(status: u16, code: u16, message: &str) -> Answer {
    let body = serde_json::json!({"errors": [{"code": code, "message": message}]});
    Answer::json(status, &body)
}

fn text(status: u16, body: &str) -> Answer {
    let mut answer = Answer::json(status, &serde_json::Value::Null);
    answer.content_type = "text/html; charset=utf-8";
    body.clone_into(&mut answer.body);
    answer
}

fn page(status: u16, body: &str) -> Answer {
    text(
        status,
        &format!(
            "<!DOCTYPE html><html><head><title>X / Authorize an application</title></head><body>{body}</body></html>"
        ),
    )
}

/// An answer that is written as a query is. No value here needs an escape.
fn form(fields: &[(&str, &str)]) -> Answer {
    let fields = fields.iter().map(|(name, value)| format!("{name}={value}"));
    text(200, &fields.collect::<Vec<_>>().join("&"))
}
