//! The known answers of a Mastodon server.

use super::row::{
    Answer,
    Means::{Blocked, OutcomeUnknown, Refused, TryAgain, WaitUntil},
    PAGE,
};

pub const STATUS: &str = "POST /api/v1/statuses";
pub const OWNER: &str = "accounts/verify_credentials";
pub const INSTANCE: &str = "GET /api/v2/instance";

/// The values that most rows have.
const BASE: Answer = Answer {
    to: STATUS,
    status: 403,
    header: None,
    body: "",
    means: Blocked,
    shape: "",
    source: "",
};

/// The rows of the table in docs/NETWORKS.md.
pub const ANSWERS: &[Answer] = &[
    Answer {
        status: 422,
        body: r#"{"error":"Validation failed: Text character limit of 500 exceeded"}"#,
        means: Refused,
        shape: "\"Validation failed: …\": the text is not valid",
        source: "duffn/dumb-password-rules#471 (2023-02), akrherz/iembot#150 (2026-02)",
        ..BASE
    },
    Answer {
        status: 422,
        body: r#"{"error":"The status is over the character limit"}"#,
        means: Refused,
        shape: "other servers: \"character limit\" or \"too long\", with 400, 413 or 422",
        source: "the words of other servers **[U]**",
        ..BASE
    },
    Answer {
        status: 404,
        body: r#"{"error":"The post you are trying to reply to does not appear to exist."}"#,
        means: Refused,
        shape: "`in_reply_not_found`: what it replies to is gone",
        source: "mastodon/mastodon, statuses_controller.rb (2026-11)",
        ..BASE
    },
    Answer {
        status: 422,
        body: r#"{"error":"This method requires an authenticated user"}"#,
        shape: "\"This method requires an authenticated user\"",
        source: "mastodon/documentation, methods/accounts (2026-07)",
        ..BASE
    },
    Answer {
        status: 401,
        body: r#"{"error":"The access token is invalid"}"#,
        shape: "\"The access token is invalid\"",
        source: "mastodon/documentation, methods/accounts (2026-07)",
        ..BASE
    },
    Answer {
        body: r#"{"error":"This action is outside the authorized scopes"}"#,
        shape: "\"This action is outside the authorized scopes\"",
        source: "mastodon/documentation, api/oauth-scopes (2026-07)",
        ..BASE
    },
    Answer {
        body: r#"{"error":"Your login is currently disabled"}"#,
        shape: "\"Your login is currently disabled\", or pending, or without a confirmed address",
        source: "mastodon/documentation, methods/accounts (2026-07)",
        ..BASE
    },
    Answer {
        body: r#"{"error":"This action is not allowed"}"#,
        shape: "\"This action is not allowed\", and any other `error`",
        source: "mastodon/mastodon, config/locales (2026-11)",
        ..BASE
    },
    Answer {
        status: 429,
        header: Some(("x-ratelimit-reset", "2026-11-22T14:10:00.000000Z")),
        body: r#"{"error":"Too many requests"}"#,
        means: WaitUntil("2026-11-22T14:10:00Z"),
        shape: "`x-ratelimit-reset`, else `retry-after`, else 5 minutes; from a proxy too",
        source: "mastodon/documentation, api/rate-limits (2026-07)",
        ..BASE
    },
    Answer {
        body: PAGE,
        means: TryAgain,
        shape: "a web page, or JSON without `error`: not Mastodon, but something on the way to it",
        source: "no source needed",
        ..BASE
    },
    Answer {
        status: 301,
        header: Some(("location", "https://social.example/api/v1/statuses")),
        body: PAGE,
        shape: "any 3xx: the account's server is elsewhere, see `server` in hug.toml",
        source: "no source needed",
        ..BASE
    },
    Answer {
        status: 503,
        body: PAGE,
        means: OutcomeUnknown,
        shape: "any 5xx to a status",
        source: "mastodon/mastodon, public/500.html (2026-11)",
        ..BASE
    },
    Answer {
        to: OWNER,
        status: 404,
        body: PAGE,
        means: TryAgain,
        shape: "to \"whose token\": a web page",
        source: "no source needed",
        ..BASE
    },
    Answer {
        to: OWNER,
        status: 302,
        header: Some(("location", "https://social.example/maintenance")),
        body: PAGE,
        shape: "to \"whose token\": any 3xx",
        source: "no source needed",
        ..BASE
    },
    Answer {
        to: OWNER,
        status: 422,
        body: r#"{"error":"Validation failed: something"}"#,
        shape: "to \"whose token\": any `error`, whatever its words are",
        source: "no source needed",
        ..BASE
    },
    Answer {
        to: INSTANCE,
        status: 410,
        body: PAGE,
        means: TryAgain,
        shape: "to \"longest text\": a web page; with 404 the server has no such document",
        source: "no source needed",
        ..BASE
    },
    Answer {
        to: INSTANCE,
        status: 422,
        body: r#"{"error":"Validation failed: something"}"#,
        shape: "to \"longest text\": any `error`, whatever its words are",
        source: "no source needed",
        ..BASE
    },
];
