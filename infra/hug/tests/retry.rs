//! `hug retry`.

use serde_json::Value;
use stand_ins::Fault;

use crate::{
    command_line::CommandLine,
    situations::{stuck, to_send},
};

fn statuses(status: &Value) -> Vec<(u64, &str)> {
    let hugs = status["hugs"].as_array().unwrap();
    hugs.iter()
        .map(|hug| {
            (
                hug["milestone"].as_u64().unwrap(),
                hug["status"].as_str().unwrap(),
            )
        })
        .collect()
}

#[tokio::test]
async fn status_says_of_a_stuck_hug_what_happened_since_when_and_what_helps_and_a_retry_sends_it() {
    let cli = stuck().await;
    let status = cli.status().await;
    let hug = &status["hugs"][0];
    let trouble = &hug["trouble"];
    assert!(
        trouble["what"]
            .as_str()
            .unwrap()
            .contains("401 Unauthorized"),
        "{trouble}"
    );
    assert_eq!(trouble["since"], hug["reached_at"]);
    assert!(
        trouble["next_try"].as_str().unwrap() >= hug["reached_at"].as_str().unwrap(),
        "{trouble}"
    );
    let helps = trouble["helps"].as_str().unwrap();
    assert!(
        helps.contains("`hug retry 600 --account x:amber`"),
        "{helps}"
    );

    let output = cli.run(&["retry"]).await;
    let (output, failed) = (output.stdout(), !output.0.status.success());
    assert!(
        output.contains(
            "the hug for 600 was inviting (sending the invitation failed for x:amber: 401"
        ),
        "{output}"
    );
    assert!(
        !failed && output.contains("600 invited: announce"),
        "{output}"
    );
    assert_eq!(cli.x.posts().len(), 1);
    assert_eq!(cli.status().await["hugs"][0]["trouble"], Value::Null);

    cli.x.clear_requests();
    let again = cli.run(&["retry"]).await.stdout();
    assert!(again.contains("No hug goes back to work"), "{again}");
    for (milestone, why) in [
        (
            "600",
            "retrying the hug for 600 of x:amber failed: it is invited already",
        ),
        ("650", "there is no hug for 650; there are: x:amber 600"),
        ("0", "\"0\" is not a number of followers"),
    ] {
        let ended = cli.run(&["retry", milestone]).await;
        assert!(!ended.0.status.success());
        assert!(ended.stderr().contains(why), "{}", ended.stderr());
    }
    let output = cli.run(&["retry", "--account", "x:bea"]).await.refusal();
    assert!(
        output.contains("the settings do not name the account x:bea"),
        "{output}"
    );
    assert!(
        cli.x.requests().is_empty(),
        "nobody was asked for any of it"
    );
}

#[tokio::test]
async fn a_hug_that_may_have_arrived_is_not_changed_by_a_retry() {
    let cli = CommandLine::with_followers(599).await;
    cli.run(&["check"]).await;
    cli.fans(1_000, 1);
    cli.x.fail_next("POST /2/tweets", Fault::AnswerLost);
    cli.run(&["check"]).await;
    let trouble = cli.status().await["hugs"][0]["trouble"].clone();
    assert!(trouble["helps"].as_str().unwrap().starts_with("wait"));
    let output = cli.run(&["retry", "600"]).await.refusal();
    assert!(
        output.contains("retrying the hug for 600 of x:amber failed: it is under way"),
        "{output}"
    );
    let output = cli.run(&["retry"]).await;
    assert!(output.0.status.success());
    assert!(
        output.stdout().contains("not changed: it is under way"),
        "{}",
        output.stdout()
    );
    assert_eq!(cli.x.posts().len(), 1);
}

#[tokio::test]
async fn of_two_hugs_that_wait_for_the_creator_a_retry_with_a_milestone_sends_only_that_one() {
    let cli = to_send().await;
    let output = cli.run(&["retry", "700"]).await.success();
    assert!(output.contains("700 invited: announce"), "{output}");
    assert_eq!(
        statuses(&cli.status().await),
        [(600, "to_send"), (700, "invited")]
    );
    assert_eq!(cli.x.posts().len(), 1);
    cli.run(&["retry", "--account", "x:amber"]).await.success();
    assert_eq!(
        statuses(&cli.status().await),
        [(600, "invited"), (700, "invited")]
    );
    assert_eq!(cli.x.posts().len(), 2);
}

#[tokio::test]
async fn a_retry_of_one_hug_is_refused_with_the_reason_where_it_makes_no_sense() {
    let cli = CommandLine::with_followers(599).await;
    let refusal = async |milestone: &str| cli.run(&["retry", milestone]).await.refusal();
    assert_eq!(
        refusal("600").await,
        "hug: there is no hug for 600; there are none yet\n"
    );
    cli.run(&["check"]).await;
    cli.fans(1_000, 1);
    cli.run(&["check"]).await;
    cli.x.clear_requests();
    assert_eq!(
        refusal("600").await,
        "hug: retrying the hug for 600 of x:amber failed: it is invited already\n"
    );
    assert_eq!(
        refusal("650").await,
        "hug: there is no hug for 650; there are: x:amber 600\n"
    );
    assert!(cli.x.requests().is_empty(), "X was not asked for any of it");
}
