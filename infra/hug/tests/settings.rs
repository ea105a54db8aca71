//! Mistakes in hug.toml and missing secrets. The mistakes themselves are tested in `functions/have-a-hug/src/settings`.

use tests::settings;

use crate::command_line::CommandLine;

#[tokio::test]
async fn a_wrong_hug_toml_is_answered_with_its_line_and_a_remedy_before_anything_is_asked() {
    let cli = CommandLine::with_followers(598).await;
    let good = settings("x", "amber", cli.x.url(), "");
    for (wrong, words) in [
        (good.replace("[plan]", "[plan"), "line 1"),
        (
            good.replace("\"amber\"", "\"amber lane\""),
            "line 7, account.handle: \"amber lane\" is not a valid handle on X",
        ),
    ] {
        cli.write(&wrong);
        let refusal = cli.run(&["check"]).await.refusal();
        assert!(
            refusal.contains("hug.toml has a mistake") && refusal.contains(words),
            "expected: {words}\nprinted: {refusal}"
        );
    }
    assert!(cli.x.requests().is_empty());
}

#[tokio::test]
async fn no_hug_toml_and_no_secrets_are_answered_with_what_to_do() {
    let cli = CommandLine::with_followers(598).await;
    let missing = cli
        .run(&["check", "--settings", "elsewhere.toml"])
        .await
        .refusal();
    assert!(
        missing.contains("copy hug.example.toml to elsewhere.toml"),
        "{missing}"
    );
    let mut without = cli.command(&["check"]);
    without.env_remove("X_ACCESS_TOKEN");
    let output = cli.run_command(without).await.refusal();
    assert!(
        output.contains("secrets of x:amber are missing: X_ACCESS_TOKEN"),
        "{output}"
    );
}
