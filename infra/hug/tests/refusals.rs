//! Refusals by X that are about the account, not about the announcement. The announcement waits, the creator gets news,
//! and it is sent once. The sources of the answers are in docs/NETWORKS.md.

use futures::future::join_all;
use serde_json::Value;
use tests::body;

use crate::command_line::CommandLine;

/// The spending cap is reached, and ends at a date in the far future.
const CAP: &str = r#"{"title":"SpendCapReached","detail":"Your enrolled account [1234567890] has reached its billing cycle spend cap. API requests will be blocked until the next cycle begins on 2100-01-01.","reset_date":"2100-01-01","type":"https://api.twitter.com/2/problems/credits"}"#;

const ANSWERS: [&str; 6] = [
    CAP,
    r#"{"errors":[{"code":226,"message":"This request looks like it might be automated. To protect our users from spam and other malicious activity, we can't complete this action right now. Please try again later."}]}"#,
    r#"{"errors":[{"code":344,"message":"You have reached your daily limit for sending Tweets and messages. Please try again later."}]}"#,
    r#"{"errors":[{"code":326,"message":"To protect our users from spam and other malicious activity, this account is temporarily locked. Please log in to https://twitter.com to unlock your account.","sub_error_code":0,"bounce_location":"https://twitter.com/account/access"}]}"#,
    r#"{"detail":"You are not permitted to perform this action.","type":"about:blank","title":"Forbidden","status":403}"#,
    r#"{"detail":"Your account is not permitted to access this feature","type":"about:blank","title":"Forbidden","status":403}"#,
];

/// Number 600 is crossed. X gives this answer at the first tries, and then accepts the post.
async fn waits_and_goes_out_once(answer: &str) {
    let cli = CommandLine::with_followers(599).await;
    cli.run(&["check"]).await;
    cli.fans(1_000, 1);
    cli.x
        .fail_next("POST /2/tweets", body(403, "application/json", answer));
    let output = cli.run(&["check"]).await.refusal();
    let news = "x:amber: the invitation for number 600 cannot be sent: ";
    assert_eq!(output.matches(news).count(), 1, "{output}");
    let helps = "Remove the cause, then `hug retry 600 --account x:amber`";
    assert_eq!(output.matches(helps).count(), 1, "{output}");
    // Not every check asks X again.
    if answer != CAP {
        cli.x
            .fail_next("POST /2/tweets", body(403, "application/json", answer));
    }
    for _ in 0..2 {
        let output = cli.run(&["check"]).await.refusal();
        assert!(output.contains("1 hug waits for you"), "{output}");
    }
    let status = cli.status().await;
    let hug = &status["hugs"][0];
    assert_eq!(
        (&hug["status"], &hug["invitation"]),
        (&"inviting".into(), &Value::Null)
    );
    assert_eq!(hug["trouble"]["needs_creator"], true);
    let output = cli.run(&["status"]).await.success();
    assert!(output.starts_with("1 hug waits for you:"), "{output}");
    assert!(
        !output.contains("announce: "),
        "no channel was refused: {output}"
    );
    assert!(cli.x.posts().is_empty());

    let output = cli.run(&["retry"]).await.success();
    assert!(output.contains("600 invited: announce"), "{output}");
    cli.run(&["check"]).await.success();
    assert_eq!(cli.x.posts().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_each_of_six_refusals_the_announcement_waits_and_a_retry_posts_it_once() {
    join_all(ANSWERS.map(waits_and_goes_out_once)).await;
}
