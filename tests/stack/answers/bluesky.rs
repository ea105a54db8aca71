//! The known answers of Bluesky.

use super::row::{
    Answer,
    Means::{Blocked, OutcomeUnknown, Refused, SentBefore, TryAgain, WaitUntil},
    PAGE,
};

pub const PUT: &str = "putRecord";
pub const LOGIN: &str = "createSession";
pub const CONVERSATION: &str = "getConvoForMembers";
pub const MESSAGE: &str = "sendMessage";

/// The values that most rows have.
const BASE: Answer = Answer {
    to: PUT,
    status: 400,
    header: None,
    body: "",
    means: Blocked,
    shape: "",
    source: "",
};

/// The rows of the table in docs/NETWORKS.md.
pub const ANSWERS: &[Answer] = &[
    Answer {
        body: r#"{"error":"InvalidSwap","message":"Record was at bafyreib2"}"#,
        means: SentBefore,
        shape: "to a post: `InvalidSwap`: an earlier try left its post, which is looked up",
        source: "tried with PDS 0.5.35",
        ..BASE
    },
    Answer {
        body: r#"{"error":"InvalidRequest","message":"Invalid app.bsky.feed.post record: Record/text must not be longer than 300 graphemes"}"#,
        means: Refused,
        shape: "to a post: `InvalidRequest`, \"text must not be longer than 300 graphemes\"",
        source: "tried with PDS 0.5.35",
        ..BASE
    },
    Answer {
        body: r#"{"error":"InvalidRequest","message":"Could not find repo: did:plc:amber"}"#,
        shape: "to a post: any other `InvalidRequest`",
        source: "bluesky-social/atproto (2026-08)",
        ..BASE
    },
    Answer {
        body: r#"{"error":"AccountDeactivated","message":"Account is deactivated"}"#,
        shape: "to a post: `AccountDeactivated`, or a name that is not known",
        source: "bluesky-social/atproto (2026-08)",
        ..BASE
    },
    Answer {
        status: 401,
        body: r#"{"error":"AccountTakedown","message":"Account has been taken down"}"#,
        shape: "to a post: `AccountTakedown`",
        source: "bluesky-social/atproto (2026-08)",
        ..BASE
    },
    Answer {
        status: 429,
        header: Some(("ratelimit-reset", "1795356600")),
        body: r#"{"error":"RateLimitExceeded","message":"Rate Limit Exceeded"}"#,
        means: WaitUntil("2026-11-22T14:10:00Z"),
        shape: "`RateLimitExceeded`, `ratelimit-reset`, else `retry-after`, else 5 minutes",
        source: "bluesky-social/bsky-docs, rate limits (2026-04)",
        ..BASE
    },
    Answer {
        status: 403,
        body: PAGE,
        means: TryAgain,
        shape: "a web page, or JSON without `error`",
        source: "no source needed",
        ..BASE
    },
    Answer {
        status: 502,
        body: r#"{"error":"UpstreamFailure","message":"Upstream Failure"}"#,
        means: OutcomeUnknown,
        shape: "any 5xx to a post or a message",
        source: "bluesky-social/atproto (2026-08)",
        ..BASE
    },
    Answer {
        to: LOGIN,
        status: 401,
        body: r#"{"error":"AuthenticationRequired","message":"Invalid identifier or password"}"#,
        shape: "to the login: `AuthenticationRequired`",
        source: "tried with PDS 0.5.35",
        ..BASE
    },
    Answer {
        to: LOGIN,
        body: r#"{"error":"InvalidRequest","message":"Error: identifier must be a string"}"#,
        shape: "to the login: any other name",
        source: "bluesky-social/atproto (2026-08)",
        ..BASE
    },
    Answer {
        to: LOGIN,
        status: 429,
        header: Some(("ratelimit-reset", "1795356600")),
        body: r#"{"error":"RateLimitExceeded","message":"Rate Limit Exceeded"}"#,
        means: WaitUntil("2026-11-22T14:10:00Z"),
        shape: "to the login: a limit of the login alone, which stops no reading",
        source: "bluesky-social/bsky-docs#183 (2024-09)",
    },
    Answer {
        to: LOGIN,
        status: 404,
        body: PAGE,
        means: TryAgain,
        shape: "to the login: a web page",
        source: "no source needed",
        ..BASE
    },
    Answer {
        to: CONVERSATION,
        body: r#"{"error":"MessagesDisabled","message":"recipient has disabled incoming messages"}"#,
        means: Refused,
        shape: "to the conversation: `MessagesDisabled`",
        source: "lexicon chat.bsky.convo.getConvoForMembers (2026-08)",
        ..BASE
    },
    Answer {
        to: CONVERSATION,
        body: r#"{"error":"NotFollowedBySender","message":"recipient requires incoming messages to come from someone they follow"}"#,
        means: Refused,
        shape: "to the conversation: `NotFollowedBySender`",
        source: "lexicon chat.bsky.convo.getConvoForMembers (2026-08)",
        ..BASE
    },
    Answer {
        to: CONVERSATION,
        body: r#"{"error":"InvalidRequest","message":"recipient requires incoming messages to come from someone they follow"}"#,
        means: Refused,
        shape: "to the conversation: older, `InvalidRequest` with the same words",
        source: "quoted by several public repositories **[U]**",
        ..BASE
    },
    Answer {
        to: CONVERSATION,
        body: r#"{"error":"BlockedActor","message":"block between recipient and sender"}"#,
        means: Refused,
        shape: "to the conversation: `BlockedActor`, `RecipientNotFound`",
        source: "lexicon chat.bsky.convo.getConvoForMembers (2026-08)",
        ..BASE
    },
    Answer {
        to: CONVERSATION,
        body: r#"{"error":"InvalidToken","message":"Bad token method"}"#,
        shape: "to the conversation: `InvalidToken`, \"Bad token method\": the app password gives no access to messages",
        source: "bluesky-social/atproto (2026-08)",
        ..BASE
    },
    Answer {
        to: CONVERSATION,
        status: 403,
        body: r#"{"error":"AccountSuspended","message":"Account is suspended"}"#,
        shape: "to the conversation: `AccountSuspended`, or a name that is not known",
        source: "lexicon chat.bsky.convo.getConvoForMembers (2026-08)",
        ..BASE
    },
    Answer {
        to: MESSAGE,
        body: r#"{"error":"MessagesDisabled","message":"recipient has disabled incoming messages"}"#,
        means: Refused,
        shape: "to a message: the names of the conversation",
        source: "**[U]**",
        ..BASE
    },
];
