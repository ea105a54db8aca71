//! The known answers of X.

use super::row::{
    Answer,
    Means::{Blocked, BlockedUntil, OutcomeUnknown, Refused, SentBefore, TryAgain, WaitUntil},
    PAGE,
};

pub const POST: &str = "POST /2/tweets";
pub const DM: &str = "/dm_conversations/with/";

/// The values that most rows have.
const BASE: Answer = Answer {
    to: POST,
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
        body: r#"{"title":"SpendCapReached","detail":"Your enrolled account [1234567890] has reached its billing cycle spend cap. API requests will be blocked until the next cycle begins on 2026-12-12.","reset_date":"2026-12-12","type":"https://api.twitter.com/2/problems/credits"}"#,
        means: BlockedUntil("2026-12-12T00:00:00Z"),
        shape: "`SpendCapReached`, type `…/2/problems/credits`, `reset_date` (a date; its time zone **[U]**)",
        source: "quoted alike by three public repositories, 2026-04 to 2026-07 **[U]**; \"requests will be blocked\": X's pricing page (2026-08)",
        ..BASE
    },
    Answer {
        status: 402,
        body: r#"{"type":"https://api.twitter.com/2/problems/credits","title":"CreditsDepleted","detail":"Your enrolled account does not have any credits to fulfill this request."}"#,
        shape: "`CreditsDepleted`, type `…/2/problems/credits`",
        source: "tryethernal/ethernal#1324 (2026-06: the status); the body in a public log of 2026-05",
        ..BASE
    },
    Answer {
        status: 429,
        body: r#"{"account_id":1234567890,"product_name":"standard-basic","title":"UsageCapExceeded","period":"Monthly","scope":"Product","detail":"Usage cap exceeded: Monthly product cap","type":"https://api.twitter.com/2/problems/usage-capped"}"#,
        shape: "`UsageCapExceeded`, type `…/2/problems/usage-capped`: what was paid for is used up",
        source: "X's OpenAPI document names the type; the body **[U]**",
        ..BASE
    },
    Answer {
        body: r#"{"errors":[{"code":226,"message":"This request looks like it might be automated. To protect our users from spam and other malicious activity, we can't complete this action right now. Please try again later."}]}"#,
        shape: "code 226, \"This request looks like it might be automated\"",
        source: "gorbin/ASNE#103 (2015-11), d60/twikit#392 (2025-10); that v2 sends this form **[U]**",
        ..BASE
    },
    Answer {
        body: r#"{"errors":[{"code":344,"message":"You have reached your daily limit for sending Tweets and messages. Please try again later."}]}"#,
        shape: "code 344, \"You have reached your daily limit for sending Tweets and messages\"",
        source: "trevorhobenshield/twitter-api-client#255 (2025-06); that v2 sends this form **[U]**",
        ..BASE
    },
    Answer {
        body: r#"{"errors":[{"code":326,"message":"To protect our users from spam and other malicious activity, this account is temporarily locked. Please log in to https://twitter.com to unlock your account.","sub_error_code":0,"bounce_location":"https://twitter.com/account/access"}]}"#,
        shape: "code 326, \"this account is temporarily locked\"",
        source: "vladkens/twscrape#227 (2025-01: this body); that v2 sends it **[U]**",
        ..BASE
    },
    Answer {
        body: r#"{"errors":[{"code":64,"message":"Your account is suspended and is not permitted to access this feature."}]}"#,
        shape: "code 64, \"Your account is suspended\"",
        source: "X's list of codes for v1.1; that v2 sends it **[U]**",
        ..BASE
    },
    Answer {
        body: r#"{"detail":"You are not permitted to perform this action.","type":"about:blank","title":"Forbidden","status":403}"#,
        shape: "\"You are not permitted to perform this action.\"",
        source: "joschan21/contentport#49 (2025-08: the words); comes and goes for plain posts, 7 of 19 in a public log of 2026-09; said to come for posts that are too long as well **[U]**",
        ..BASE
    },
    Answer {
        body: r#"{"detail":"Your account is not permitted to access this feature","type":"about:blank","title":"Forbidden","status":403}"#,
        shape: "\"Your account is not permitted to access this feature\"",
        source: "quoted by a public repository, 2026; the form **[U]**",
        ..BASE
    },
    Answer {
        body: r#"{"title":"Forbidden","status":403,"detail":"Your client app is not configured with the appropriate oauth1 app permissions for this endpoint.","type":"https://api.twitter.com/2/problems/oauth1-permissions"}"#,
        shape: "type `…/2/problems/oauth1-permissions`: the app may only read",
        source: "plhery/node-twitter-api-v2#493 (2023-07)",
        ..BASE
    },
    Answer {
        body: r#"{"client_id":"26924600","detail":"When authenticating requests to the Twitter API v2 endpoints, you must use keys and tokens from a Twitter developer App that is attached to a Project. You can create a project via the developer portal.","registration_url":"https://developer.twitter.com/en/docs/projects/overview","title":"Client Forbidden","required_enrollment":"Appropriate Level of API Access","reason":"client-not-enrolled","type":"https://api.twitter.com/2/problems/client-forbidden"}"#,
        shape: "`Client Forbidden`, type `…/2/problems/client-forbidden`",
        source: "geduldig/TwitterAPI#226 (2023-04), xdevplatform/samples#160 (2024-07)",
        ..BASE
    },
    Answer {
        body: r#"{"title":"Unsupported Authentication","detail":"Authenticating with OAuth 2.0 Application-Only is forbidden for this endpoint.  Supported authentication types are [OAuth 1.0a User Context, OAuth 2.0 User Context].","type":"https://api.twitter.com/2/problems/unsupported-authentication","status":403}"#,
        shape: "type `…/2/problems/unsupported-authentication`",
        source: "geduldig/TwitterAPI#228 (2023-06: the words)",
        ..BASE
    },
    Answer {
        body: r#"{"title":"Forbidden","type":"about:blank","status":403,"detail":"Forbidden"}"#,
        shape: "\"Forbidden\" and no more",
        source: "plhery/node-twitter-api-v2#265 (2022-04)",
        ..BASE
    },
    Answer {
        status: 401,
        body: r#"{"title":"Unauthorized","type":"about:blank","status":401,"detail":"Unauthorized"}"#,
        shape: "\"Unauthorized\": a wrong key",
        source: "X's documentation of errors (2026-08)",
        ..BASE
    },
    Answer {
        status: 429,
        header: Some(("x-rate-limit-reset", "1795356600")),
        body: r#"{"title":"Too Many Requests","detail":"Too Many Requests","type":"about:blank","status":429}"#,
        means: WaitUntil("2026-11-22T14:10:00Z"),
        shape: "`x-rate-limit-reset`: a rate limit; without the header 15 minutes",
        source: "X's documentation of rate limits (2026-08)",
        ..BASE
    },
    Answer {
        body: r#"{"detail":"You are not allowed to create a Tweet with duplicate content.","type":"about:blank","title":"Forbidden","status":403}"#,
        means: SentBefore,
        shape: "\"You are not allowed to create a Tweet with duplicate content.\": it is looked up",
        source: "akrherz/iembot#163 (2026-02)",
        ..BASE
    },
    Answer {
        body: r#"{"title":"Forbidden","status":403,"detail":"No such post twice.","type":"https://api.x.com/2/problems/duplicate-rules"}"#,
        means: SentBefore,
        shape: "type `…/2/problems/duplicate-rules`: it is looked up",
        source: "X's OpenAPI document names the type, for rules of a stream; for a post **[U]**",
        ..BASE
    },
    Answer {
        body: r#"{"errors":[{"code":187,"message":"Status is a duplicate."}]}"#,
        means: SentBefore,
        shape: "code 187, \"Status is a duplicate.\": it is looked up",
        source: "edsu/anon#111 (2014-08); that v2 sends this form **[U]**",
        ..BASE
    },
    Answer {
        body: r#"{"detail":"Reply to this conversation is not allowed because you have not been mentioned or otherwise engaged by the author of the post you are replying to.","type":"about:blank","title":"Forbidden","status":403}"#,
        means: Refused,
        shape: "\"Reply to this conversation is not allowed\": nobody asked for this reply",
        source: "quoted alike by several public repositories, 2026 **[U]**; the rule: X's changelog (2026-02-23)",
        ..BASE
    },
    Answer {
        body: r#"{"detail":"You can only reply to or quote posts where you are mentioned or are the author.","type":"https://api.x.com/2/problems/not-authorized-for-resource","title":"Forbidden","status":403}"#,
        means: Refused,
        shape: "\"You can only reply to or quote posts where you are mentioned or are the author.\"",
        source: "quoted by public repositories, 2026 **[U]**",
        ..BASE
    },
    Answer {
        body: r#"{"detail":"You attempted to reply to a Tweet that is deleted or not visible to you.","type":"about:blank","title":"Forbidden","status":403}"#,
        means: Refused,
        shape: "\"You attempted to reply to a Tweet that is deleted or not visible to you.\"",
        source: "quoted by public repositories **[U]**",
        ..BASE
    },
    Answer {
        body: r#"{"errors":[{"code":433,"message":"The original Tweet author restricted who can reply to this Tweet."}]}"#,
        means: Refused,
        shape: "code 433, \"restricted who can reply to this Tweet\"",
        source: "nminaya/grammar-nazi-bot#221 (2021-05: the words and the code)",
        ..BASE
    },
    Answer {
        status: 400,
        body: r#"{"title":"Invalid Request","detail":"Your Tweet text is too long. For more information on how Twitter determines text length see https://github.com/twitter/twitter-text.","type":"about:blank","status":400}"#,
        means: Refused,
        shape: "\"Your Tweet text is too long.\"; with 403 as well",
        source: "quoted by several public repositories, 2023 to 2026; the form **[U]**",
        ..BASE
    },
    Answer {
        status: 400,
        body: r#"{"errors":[{"parameters":{"text":["…"]},"message":"text is not valid"}],"title":"Invalid Request","detail":"One or more parameters to your request was invalid.","type":"https://api.x.com/2/problems/invalid-request"}"#,
        means: Refused,
        shape: "`Invalid Request`, and `errors[].parameters` names `text`",
        source: "X's OpenAPI document (2.167, 2026-08)",
        ..BASE
    },
    Answer {
        status: 400,
        body: r#"{"errors":[{"message":"Requests with bodies must have content-type of application/json."}],"title":"Invalid Request","detail":"One or more parameters to your request was invalid.","type":"https://api.twitter.com/2/problems/invalid-request"}"#,
        shape: "`Invalid Request` that does not name `text`",
        source: "abraham/twitteroauth#1090 (2022-06: the words)",
        ..BASE
    },
    Answer {
        to: DM,
        body: r#"{"detail":"You do not have permission to DM one or more participants.","type":"about:blank","title":"Forbidden","status":403}"#,
        means: Refused,
        shape: "to a message: \"You do not have permission to DM one or more participants.\"",
        source: "seen by several public repositories, one with this status on 2026-05-14",
        ..BASE
    },
    Answer {
        to: DM,
        body: r#"{"detail":"This operation is not permitted.","type":"about:blank","title":"Forbidden","status":403}"#,
        shape: "to a message: \"This operation is not permitted.\"",
        source: "seen by public repositories, 2026-02; nobody knows what it is about **[U]**",
        ..BASE
    },
    Answer {
        body: PAGE,
        means: TryAgain,
        shape: "a web page: not X, but something on the way to it",
        source: "no source needed",
        ..BASE
    },
    Answer {
        status: 404,
        body: "",
        means: TryAgain,
        shape: "nothing at all",
        source: "xdevplatform/docs#395 (2026-09)",
        ..BASE
    },
    Answer {
        status: 503,
        body: r#"{"title":"Service Unavailable","detail":"Service Unavailable","type":"about:blank","status":503}"#,
        means: OutcomeUnknown,
        shape: "any 5xx",
        source: "X's documentation of errors (2026-08)",
        ..BASE
    },
];
