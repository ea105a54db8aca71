//! A creator's folder in situations that several tests begin with.

use stand_ins::Fault;
use tests::{refused_by_x, settings};

use crate::command_line::CommandLine;

/// Amber, whose invitation for 600 X has refused, as it does where the keys are wrong.
pub async fn stuck() -> CommandLine {
    let cli = CommandLine::with_followers(599).await;
    cli.run(&["check"]).await;
    cli.fans(1_000, 1);
    cli.x.fail_next("POST /2/tweets", Fault::Status(401));
    let output = cli.run(&["check"]).await.refusal();
    assert!(output.contains("600 not invited yet"), "{output}");
    cli
}

/// Amber, whose hugs for 600 and 700 wait for her, because X refused their announcements.
pub async fn to_send() -> CommandLine {
    let cli = CommandLine::with_followers(599).await;
    cli.run(&["check"]).await;
    cli.fans(1_000, 101);
    for _ in 0..2 {
        cli.x.fail_next("POST /2/tweets", refused_by_x());
    }
    let output = cli.run(&["check"]).await.refusal();
    assert!(output.contains("2 hugs wait for you"), "{output}");
    assert!(cli.x.posts().is_empty());
    cli
}

/// Amber, who sends everything herself, and whose hug for 600 waits for her.
pub async fn draft() -> CommandLine {
    let cli = CommandLine::with_followers(599).await;
    let by_hand = "contact = [\"draft\"]";
    cli.write(&settings("x", "amber", cli.x.url(), by_hand));
    cli.run(&["check"]).await;
    cli.fans(1_000, 1);
    cli.run(&["check"]).await;
    cli
}

/// Amber, whose fourth hug of the day is held.
pub async fn held() -> CommandLine {
    let cli = CommandLine::with_followers(599).await;
    cli.run(&["check"]).await;
    cli.fans(1_000, 301);
    let output = cli.run(&["check"]).await.refusal();
    assert!(output.contains("900 is held"), "{output}");
    cli
}
