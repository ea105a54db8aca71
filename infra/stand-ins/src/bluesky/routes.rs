//! The methods of Bluesky's API (XRPC), and what each request must pass before its method answers.

use serde_json::json;

use super::{
    refusals::{FIVE_MINUTES, Reply, limit_headers, not_implemented, refusal},
    session::login_identifier,
    state::{Scope, State},
};
use crate::call::{Answer, Call};

/// Requests in five minutes.
pub(super) const MAX_REQUESTS: u32 = 3_000;

/// Who may call a method, and what answers.
enum Method {
    /// It needs no token of an account.
    Open(fn(&mut State, &Call) -> Reply),
    /// Anyone may read it, from the AppView. A request with a token goes through the PDS, which checks
    /// the token.
    Read(fn(&State, &Call) -> Reply),
    /// It needs the token of an account, whose DID is the last argument.
    Signed(fn(&mut State, &Call, &str) -> Reply),
}

const METHODS: [(&str, &str, Method); 12] = [
    (
        "POST",
        "com.atproto.server.createSession",
        Method::Open(State::create_session),
    ),
    (
        "POST",
        "com.atproto.server.refreshSession",
        Method::Open(State::refresh_session),
    ),
    (
        "GET",
        "com.atproto.repo.getRecord",
        Method::Open(State::get_record),
    ),
    (
        "POST",
        "com.atproto.repo.putRecord",
        Method::Signed(State::put_record),
    ),
    (
        "GET",
        "app.bsky.actor.getProfile",
        Method::Read(State::get_profile),
    ),
    (
        "GET",
        "app.bsky.actor.getProfiles",
        Method::Read(State::get_profiles),
    ),
    (
        "GET",
        "app.bsky.graph.getFollowers",
        Method::Read(State::get_followers),
    ),
    (
        "GET",
        "app.bsky.notification.listNotifications",
        Method::Signed(State::list_notifications),
    ),
    (
        "GET",
        "chat.bsky.convo.getConvoForMembers",
        Method::Signed(State::get_conversation),
    ),
    (
        "GET",
        "chat.bsky.convo.getMessages",
        Method::Signed(State::get_messages),
    ),
    (
        "GET",
        "chat.bsky.convo.listConvos",
        Method::Signed(State::list_conversations),
    ),
    (
        "POST",
        "chat.bsky.convo.sendMessage",
        Method::Signed(State::send_message),
    ),
];

impl State {
    /// Answers a request, or refuses it.
    pub(super) fn respond(&mut self, call: &Call) -> Answer {
        let Some(name) = call.path.strip_prefix("/xrpc/") else {
            return Answer::json(404, &json!({"error": "NotFound", "message": "Not Found"}));
        };
        let at_pds = !name.starts_with("app.bsky.") || call.header("authorization").is_some();
        if !at_pds {
            return self.call(name, call).unwrap_or_else(|refusal| refusal);
        }
        let now = self.clock.now();
        let usage = self.requests.count(now, MAX_REQUESTS, FIVE_MINUTES);
        let (usage, seconds) = match login_identifier(name, call) {
            Some(identifier) => self.count_login(&identifier, now),
            None => (usage, FIVE_MINUTES),
        };
        let mut answer = if usage.exceeded {
            refusal(429, "RateLimitExceeded", "Rate Limit Exceeded")
        } else {
            self.call(name, call).unwrap_or_else(|refusal| refusal)
        };
        answer.headers.extend(limit_headers(&usage, seconds, now));
        answer
    }

    fn call(&mut self, name: &str, call: &Call) -> Reply {
        let Some((verb, _, method)) = METHODS.iter().find(|(_, known, _)| *known == name) else {
            return Err(not_implemented());
        };
        if call.method != *verb {
            let message = format!("Incorrect HTTP method ({})", call.method);
            return Err(refusal(405, "InvalidRequest", &message));
        }
        let (reply, caller) = match method {
            Method::Open(answer) => return answer(self, call),
            Method::Read(answer) => {
                let caller = match call.header("authorization") {
                    Some(_) => Some(self.session(call, Scope::Access)?.did.clone()),
                    None => None,
                };
                (answer(self, call), caller)
            }
            Method::Signed(answer) => {
                let did = self.session(call, Scope::Access)?.did.clone();
                if name.starts_with("chat.bsky.") {
                    self.proxied_to_chat(call)?;
                }
                (answer(self, call, &did), Some(did))
            }
        };
        let with_caller = |mut answer: Answer| {
            answer.authenticated_as = caller.clone();
            answer
        };
        reply.map(with_caller).map_err(with_caller)
    }
}
