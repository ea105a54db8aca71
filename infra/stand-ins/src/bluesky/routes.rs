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

/// A method by its name, and its HTTP method.
fn method(name: &str) -> Option<(&'static str, Method)> {
    use Method::{Open, Read, Signed};
    Some(match name {
        "com.atproto.server.createSession" => ("POST", Open(State::create_session)),
        "com.atproto.server.refreshSession" => ("POST", Open(State::refresh_session)),
        "com.atproto.repo.getRecord" => ("GET", Open(State::get_record)),
        "com.atproto.repo.putRecord" => ("POST", Signed(State::put_record)),
        "app.bsky.actor.getProfile" => ("GET", Read(State::get_profile)),
        "app.bsky.actor.getProfiles" => ("GET", Read(State::get_profiles)),
        "app.bsky.graph.getFollowers" => ("GET", Read(State::get_followers)),
        "app.bsky.feed.getPostThread" => ("GET", Read(State::get_post_thread)),
        "app.bsky.feed.getPosts" => ("GET", Read(State::get_posts)),
        "app.bsky.feed.getQuotes" => ("GET", Read(State::get_quotes)),
        "app.bsky.notification.listNotifications" => ("GET", Signed(State::list_notifications)),
        "chat.bsky.convo.getConvoForMembers" => ("GET", Signed(State::get_conversation)),
        "chat.bsky.convo.getMessages" => ("GET", Signed(State::get_messages)),
        "chat.bsky.convo.listConvos" => ("GET", Signed(State::list_conversations)),
        "chat.bsky.convo.sendMessage" => ("POST", Signed(State::send_message)),
        _ => return None,
    })
}

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
        let (verb, method) = method(name).ok_or_else(not_implemented)?;
        if call.method != verb {
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
