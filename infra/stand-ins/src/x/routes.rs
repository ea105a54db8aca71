//! The routes of X's API, and what each request must pass before its route answers.

use super::{
    caller::{Asked, Caller, Reply, percent_decoded},
    parameters::known_parameters,
    refusals::{limit_headers, not_permitted, problem, unsupported_authentication},
    state::State,
};
use crate::{
    call::{Answer, Call},
    window::Usage,
};

const WINDOW_SECONDS: i64 = 15 * 60;

const USER_PARAMETERS: &str = "user.fields tweet.fields post.fields expansions";
const FOLLOWER_PARAMETERS: &str =
    "max_results pagination_token user.fields tweet.fields post.fields expansions";
const TIMELINE_PARAMETERS: &str = "max_results pagination_token since_id until_id start_time end_time exclude \
    tweet.fields post.fields user.fields expansions media.fields place.fields poll.fields";
const EVENT_PARAMETERS: &str = "max_results pagination_token event_types dm_event.fields tweet.fields post.fields \
    user.fields expansions media.fields";

const ROUTES: [Route; 11] = [
    Route {
        name: "GET /2/users/me",
        user_limit: 75,
        app_limit: None,
        parameters: USER_PARAMETERS,
        answer: State::me,
    },
    Route {
        name: "GET /2/users/by/username/:username",
        user_limit: 300,
        app_limit: Some(300),
        parameters: USER_PARAMETERS,
        answer: State::user_by_name,
    },
    Route {
        name: "GET /2/users/by",
        user_limit: 300,
        app_limit: Some(300),
        parameters: "usernames user.fields tweet.fields post.fields expansions",
        answer: State::users_by_name,
    },
    Route {
        name: "GET /2/users",
        user_limit: 300,
        app_limit: Some(300),
        parameters: "ids user.fields tweet.fields post.fields expansions",
        answer: State::users_by_id,
    },
    Route {
        name: "GET /2/users/:id",
        user_limit: 300,
        app_limit: Some(300),
        parameters: USER_PARAMETERS,
        answer: State::user_by_id,
    },
    Route {
        name: "GET /2/users/:id/followers",
        user_limit: 300,
        app_limit: Some(300),
        parameters: FOLLOWER_PARAMETERS,
        answer: State::followers,
    },
    Route {
        name: "GET /2/users/:id/tweets",
        user_limit: 900,
        app_limit: Some(10_000),
        parameters: TIMELINE_PARAMETERS,
        answer: State::timeline,
    },
    Route {
        name: "GET /2/users/:id/mentions",
        user_limit: 300,
        app_limit: Some(450),
        parameters: TIMELINE_PARAMETERS,
        answer: State::mentions,
    },
    Route {
        name: "POST /2/tweets",
        user_limit: 100,
        app_limit: None,
        parameters: "",
        answer: State::create_post,
    },
    Route {
        name: "POST /2/dm_conversations/with/:id/messages",
        user_limit: 15,
        app_limit: None,
        parameters: "",
        answer: State::create_message,
    },
    Route {
        name: "GET /2/dm_conversations/with/:id/dm_events",
        user_limit: 15,
        app_limit: None,
        parameters: EVENT_PARAMETERS,
        answer: State::message_events,
    },
];

/// One route, and who may use it how often.
struct Route {
    /// The method and the path, in which `:name` stands for any one part.
    name: &'static str,
    /// Requests of one account in 15 minutes.
    user_limit: u32,
    /// Requests of the app in 15 minutes; `None` if the route needs an account.
    app_limit: Option<u32>,
    /// The names of its parameters, with spaces between them.
    parameters: &'static str,
    answer: fn(&mut State, &Asked<'_>) -> Reply,
}

/// The part of the call's path that stands for the route's `:name` (empty if it has none); `None` if
/// the call is for another route.
fn captured(route: &str, call: &Call) -> Option<String> {
    let (method, pattern) = route.split_once(' ')?;
    let mut subject = String::new();
    let (mut parts, mut segments) = (pattern.split('/'), call.path.split('/'));
    loop {
        match (parts.next(), segments.next()) {
            (None, None) => return (method == call.method).then_some(subject),
            (Some(part), Some(segment)) if part.starts_with(':') && !segment.is_empty() => {
                subject = percent_decoded(segment);
            }
            (Some(part), Some(segment)) if part == segment => {}
            _ => return None,
        }
    }
}

impl State {
    /// Answers a request, or refuses it.
    pub(super) fn respond(&mut self, call: &Call) -> Answer {
        if let Some(answer) = self.login(call) {
            return answer;
        }
        let Some((route, subject)) = ROUTES
            .iter()
            .find_map(|route| Some((route, captured(route.name, call)?)))
        else {
            return problem(404, "Not Found", "Not Found");
        };
        let Some(caller) = self.caller(call) else {
            return problem(401, "Unauthorized", "Unauthorized");
        };
        let usage = self.count(route, &caller);
        let asked = Asked {
            call,
            caller,
            subject,
        };
        let mut answer = self
            .answer_by(route, &asked, &usage)
            .unwrap_or_else(|refusal| refusal);
        answer.headers = limit_headers(&usage);
        if let (Caller::User(_), Some(level)) = (&asked.caller, &self.access_level) {
            answer.headers.push(("x-access-level", level.clone()));
        }
        answer.authenticated_as = Some(asked.caller.name().to_owned());
        answer
    }

    fn count(&mut self, route: &Route, caller: &Caller) -> Usage {
        let default = match caller {
            Caller::App => route.app_limit.unwrap_or(route.user_limit),
            Caller::User(_) => route.user_limit,
        };
        let limit = self
            .limits
            .iter()
            .rev()
            .find(|(name, _)| route.name.ends_with(name.as_str()))
            .map_or(default, |(_, limit)| *limit);
        let now = self.clock.now();
        self.windows
            .entry((route.name, caller.name().to_owned()))
            .or_default()
            .count(now, limit, WINDOW_SECONDS)
    }

    fn answer_by(&mut self, route: &Route, asked: &Asked<'_>, usage: &Usage) -> Reply {
        if usage.exceeded {
            return Err(problem(429, "Too Many Requests", "Too Many Requests"));
        }
        if asked.caller == Caller::App && route.app_limit.is_none() {
            return Err(unsupported_authentication());
        }
        let right = match route.name {
            name if name.contains("/dm_") => "directmessages",
            name if !name.starts_with("GET ") => "write",
            _ => "read",
        };
        let level = self.access_level.as_deref().unwrap_or(right);
        if matches!(asked.caller, Caller::User(_)) && !level.contains(right) {
            return Err(not_permitted());
        }
        known_parameters(asked.call, route.parameters)?;
        (route.answer)(self, asked)
    }
}
