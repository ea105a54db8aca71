//! `hug who`: who has a number that is behind.

use have_a_hug::clock::Clock;
use stand_ins::Person;

use crate::command_line::CommandLine;

#[tokio::test]
async fn the_600th_of_640_is_named_before_any_check_and_nothing_is_written_or_sent() {
    let cli = CommandLine::with_followers(640).await;
    let output = cli.run(&["who", "600"]).await.success();
    for words in [
        "x:amber  640 followers: number 600 is place 41 of the list, the newest first",
        "@fan0600 (",
        "https://x.com/fan0600",
        "For each of the first 600 who has left since, the true number 600 is one place further down",
        "`hug approve 600 --account x:amber --for fan0600`",
        "this cost $0.051 with an app of your own, $0.420 with another's",
    ] {
        assert!(output.contains(words), "{words}: {output}");
    }
    assert!(!cli.state().exists());
    let requests = cli.x.requests();
    assert!(requests.iter().all(|seen| seen.method == "GET"));
    assert_eq!(requests.len(), 2, "the count and one page");
    // The number is not in the plan.
    let output = cli.run(&["who", "599"]).await.success();
    assert!(
        output.contains("@fan0599") && !output.contains("approve"),
        "{output}"
    );
}

#[tokio::test]
async fn a_bot_at_the_number_is_passed_over_as_a_check_does_and_so_is_who_has_a_hug() {
    let cli = CommandLine::with_followers(598).await;
    cli.run(&["check"]).await.success();
    cli.fans(1_000, 2);
    cli.run(&["check"]).await.success();
    let output = cli.run(&["who", "600"]).await.success();
    let words = "x:amber  600 has its hug: it is invited, for Noor Schäfer, @fan1001. `hug status` shows it.";
    assert!(output.contains(words), "{output}");
    cli.x.follow(Person::bot(1, Clock::system().now()));
    cli.fans(2_000, 1);
    let output = cli.run(&["who", "601"]).await.success();
    assert!(
        output.contains("@fan2000 (") && output.contains("passed over: @hotchat00001 (name or bio"),
        "{output}"
    );
    let nobody = cli.run(&["who", "602"]).await.success();
    assert!(nobody.contains("@fan2000 ("), "{nobody}");
    cli.x.unfollow("fan2000");
    let nobody = cli.run(&["who", "601"]).await.success();
    assert!(
        nobody.contains("nobody who counts is there or has come since")
            && nobody.contains("passed over: @hotchat00001"),
        "{nobody}"
    );
    // Fan 1001 has a hug already, so 600 less one who left would be theirs no second time.
    cli.x.unfollow("fan1000");
    let output = cli.run(&["who", "599"]).await.success();
    assert!(
        output.contains("passed over: @fan1001 (already has the hug for 600)"),
        "{output}"
    );
}

#[tokio::test]
async fn what_has_not_come_or_is_too_far_down_is_said_and_nothing_is_read_for_it() {
    let cli = CommandLine::with_followers(1_700).await;
    let output = cli.run(&["who", "1800"]).await.success();
    assert!(
        output.contains("1700 followers: number 1800 has not come yet"),
        "{output}"
    );
    let output = cli.run(&["who", "700"]).await.success();
    assert!(
        output.contains("number 700 is further down than the 1000 newest")
            && output.contains("`hug approve 700 --account x:amber --for HANDLE`"),
        "{output}"
    );
    let of_followers = |path: &str| path.contains("/followers");
    let requests = cli.x.requests();
    assert!(!requests.iter().any(|seen| of_followers(&seen.path)));
    let unknown = cli.run(&["who", "600", "--account", "x:bea"]).await;
    assert!(
        unknown
            .refusal()
            .contains("the settings do not name the account x:bea")
    );
}

#[tokio::test]
async fn of_several_accounts_each_is_answered_and_one_that_cannot_be_asked_fails_the_command() {
    let cli = CommandLine::with_followers(640).await;
    let amber = tests::settings("x", "amber", cli.x.url(), "");
    let bea = format!(
        "\n[[account]]\nnetwork = \"x\"\nhandle = \"bea\"\nserver = \"{}\"\n",
        cli.x.url()
    );
    cli.write(&(amber + &bea));
    let output = cli.run(&["who", "600"]).await.refusal();
    assert!(
        output.contains("@fan0600")
            && output.contains("x:bea  could not be asked: secrets are missing for x:bea"),
        "{output}"
    );
    let only = cli.run(&["who", "600", "--account", "x:amber"]).await;
    assert!(!only.success().contains("x:bea"));
}
