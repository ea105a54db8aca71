//! Logins and their tokens.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    ids::{base64url, digest, domain},
    parameters::{input, required},
    refusals::{FIVE_MINUTES, Reply, refusal},
    state::{Scope, Session, State},
};
use crate::{
    call::{Answer, Call},
    window::Usage,
};

const ACCESS_SECONDS: i64 = 2 * 60 * 60;
const REFRESH_SECONDS: i64 = 90 * 24 * 60 * 60;
const DAY: i64 = 24 * 60 * 60;

/// The handle or DID that a request tries to log in with.
pub(super) fn login_identifier(method: &str, call: &Call) -> Option<String> {
    let body = call
        .json()
        .filter(|_| method == "com.atproto.server.createSession")?;
    Some(domain(body.get("identifier")?.as_str()?))
}

impl State {
    /// Counts a login against both limits. Returns the tighter one and its seconds.
    pub(super) fn count_login(&mut self, identifier: &str, now: Timestamp) -> (Usage, i64) {
        let (short, long) = self.logins.entry(identifier.to_owned()).or_default();
        let short = short.count(now, 30, FIVE_MINUTES);
        let long = long.count(now, 300, DAY);
        if long.remaining < short.remaining || (long.exceeded && !short.exceeded) {
            (long, DAY)
        } else {
            (short, FIVE_MINUTES)
        }
    }

    pub(super) fn create_session(&mut self, call: &Call) -> Reply {
        let body = input(call)?;
        let identifier = required(&body, "identifier")?;
        let password = required(&body, "password")?;
        let wrong = || {
            refusal(
                401,
                "AuthenticationRequired",
                "Invalid identifier or password",
            )
        };
        let did = self.resolve(identifier).ok_or_else(wrong)?;
        if self.passwords.get(&did).map(String::as_str) != Some(password) {
            return Err(wrong());
        }
        Ok(self.open_session(&did))
    }

    pub(super) fn refresh_session(&mut self, call: &Call) -> Reply {
        let did = self.session(call, Scope::Refresh)?.did.clone();
        if let Some(token) = call.bearer() {
            self.sessions.remove(token);
        }
        Ok(self.open_session(&did))
    }

    fn open_session(&mut self, did: &str) -> Answer {
        let access = self.issue(did, Scope::Access, ACCESS_SECONDS);
        let refresh = self.issue(did, Scope::Refresh, REFRESH_SECONDS);
        let mut body = self.session_json(did);
        body["accessJwt"] = json!(access);
        body["refreshJwt"] = json!(refresh);
        let mut answer = Answer::ok(&body);
        answer.authenticated_as = Some(did.to_owned());
        answer
    }

    fn session_json(&self, did: &str) -> Value {
        let handle = self.handle_of(did);
        json!({
            "did": did,
            "handle": handle,
            "active": true,
            "emailConfirmed": true,
            "emailAuthFactor": false,
            "didDoc": {
                "@context": ["https://www.w3.org/ns/did/v1"],
                "id": did,
                "alsoKnownAs": [format!("at://{handle}")],
                "service": [{
                    "id": "#atproto_pds",
                    "type": "AtprotoPersonalDataServer",
                    "serviceEndpoint": self.url,
                }],
            },
        })
    }

    /// Issues a token that looks like a JWT. Its signature is not checked: the server remembers its tokens.
    fn issue(&mut self, did: &str, scope: Scope, seconds: i64) -> String {
        let now = self.clock.now();
        let issued = now.as_second();
        let (kind, scope_name) = match scope {
            Scope::Access => ("at+jwt", "com.atproto.appPassPrivileged"),
            Scope::Refresh => ("refresh+jwt", "com.atproto.refresh"),
        };
        let serial = self.next_serial();
        let head = json!({"typ": kind, "alg": "HS256"}).to_string();
        let claims = json!({
            "scope": scope_name, "sub": did, "iat": issued, "exp": issued + seconds,
            "aud": "did:web:stand-in.test", "jti": serial.to_string(),
        })
        .to_string();
        let signature = digest(&format!("{claims} {}", self.url));
        let token = [head.as_bytes(), claims.as_bytes(), &signature]
            .map(base64url)
            .join(".");
        let expires = Timestamp::from_second(issued + seconds).unwrap_or(Timestamp::MAX);
        let session = Session {
            did: did.to_owned(),
            scope,
            expires,
        };
        self.sessions.insert(token.clone(), session);
        token
    }

    /// The session of the request's token.
    pub(super) fn session(&self, call: &Call, scope: Scope) -> Result<&Session, Answer> {
        let Some(token) = call.bearer() else {
            return Err(refusal(401, "AuthMissing", "Authentication Required"));
        };
        let Some(session) = self.sessions.get(token) else {
            return Err(refusal(400, "InvalidToken", "Token could not be verified"));
        };
        if session.scope != scope {
            return Err(refusal(400, "InvalidToken", "Bad token scope"));
        }
        if self.clock.now() >= session.expires {
            return Err(refusal(400, "ExpiredToken", "Token has expired"));
        }
        Ok(session)
    }

    fn handle_of(&self, did: &str) -> String {
        self.actors
            .get(did)
            .map(|actor| domain(&actor.person.handle))
            .unwrap_or_default()
    }
}
