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
        missing.contains("elsewhere.toml does not exist"),
        "{missing}"
    );
    assert!(missing.contains("`hug connect x HANDLE`"), "{missing}");
    let mut without = cli.command(&["check"]);
    without.env_remove("X_ACCESS_TOKEN");
    let output = cli.run_command(without).await.refusal();
    assert!(
        output.contains("a secret is missing for x:amber: X_ACCESS_TOKEN"),
        "{output}"
    );
}

/// Amber's account, which has its secrets, and Bea's, which has none of its own.
fn amber_and_bea(url: &str, more: &str) -> String {
    let amber = settings("x", "amber", url, more);
    format!("{amber}\n[[account]]\nnetwork = \"x\"\nhandle = \"bea\"\nserver = \"{url}\"\n")
}

#[tokio::test]
async fn every_check_reports_an_account_without_its_secrets_and_checks_the_others() {
    let cli = CommandLine::with_followers(598).await;
    cli.write(&amber_and_bea(cli.x.url(), ""));
    for _ in 0..2 {
        let output = cli.run(&["check"]).await.refusal();
        for words in [
            "next milestone 600",
            "x:bea  was skipped: secrets are missing for x:bea: X_BEA_ACCESS_TOKEN, X_BEA_ACCESS_SECRET;",
        ] {
            assert!(
                output.contains(words),
                "expected: {words}\nprinted: {output}"
            );
        }
    }
    let amber = cli.run(&["check", "--account", "x:amber"]).await.success();
    assert!(!amber.contains("x:bea"), "{amber}");
    let bea = cli.run(&["check", "--account", "x:bea"]).await.refusal();
    assert!(bea.contains("X_BEA_ACCESS_TOKEN"), "{bea}");
}

#[tokio::test]
async fn an_account_that_is_not_active_is_shown_and_not_checked() {
    let cli = CommandLine::with_followers(598).await;
    cli.run(&["check"]).await.success();
    cli.write(&settings("x", "amber", cli.x.url(), "active = false"));
    cli.x.clear_requests();
    assert_eq!(cli.run(&["check"]).await.success(), "");
    assert!(cli.x.requests().is_empty());
    let account = &cli.status().await["accounts"][0];
    assert_eq!(
        (&account["account"], &account["next_milestone"]),
        (&"x:amber".into(), &600.into())
    );
    let refusal = cli.run(&["check", "--account", "x:amber"]).await.refusal();
    assert!(refusal.contains("active = false"), "{refusal}");
    let doctor = cli.run(&["doctor"]).await.success();
    assert!(
        doctor.contains("ok      x:amber: x:amber has active = false"),
        "{doctor}"
    );
}

#[tokio::test]
async fn the_settings_name_the_secrets_that_they_need_and_those_that_are_missing() {
    let cli = CommandLine::with_followers(598).await;
    cli.write(&amber_and_bea(cli.x.url(), ""));
    let needed = "X_API_KEY\nX_API_SECRET\nX_ACCESS_TOKEN\nX_ACCESS_SECRET\nX_BEA_ACCESS_TOKEN\nX_BEA_ACCESS_SECRET\n";
    assert_eq!(cli.run(&["settings"]).await.success(), needed);
    let names = needed.trim().replace('\n', ",");
    let all = cli.run(&["settings", "--secrets", &names]).await;
    assert_eq!(all.success(), needed);
    let some = names
        .replace(",X_BEA_ACCESS_TOKEN", "")
        .replace("X_ACCESS_TOKEN", "X_AMBER_ACCESS_TOKEN");
    let ended = cli.run(&["settings", "--secrets", &some]).await;
    assert_eq!(
        ended.stdout(),
        needed.replace("X_ACCESS_TOKEN", "X_AMBER_ACCESS_TOKEN")
    );
    let refusal = ended.refusal();
    assert!(
        refusal.contains("a secret is missing for x:bea: X_BEA_ACCESS_TOKEN;"),
        "{refusal}"
    );
    assert!(!refusal.contains("x:amber"), "{refusal}");
}

#[tokio::test]
async fn what_a_link_in_the_creators_own_words_costs_on_x_is_said() {
    let cli = CommandLine::with_followers(598).await;
    let words = "announce = \"{milestone}! Hear me at amber.example/songs\"";
    let with_link = settings(
        "x",
        "amber",
        cli.x.url(),
        &format!("[account.texts]\n{words}"),
    );
    cli.write(&with_link);
    let notes = cli.run(&["settings"]).await.stderr();
    assert!(
        notes.contains("X bills $0.20 for a post with a link"),
        "{notes}"
    );
    let doctor = cli.run(&["doctor"]).await.success();
    assert!(
        doctor.contains("unsure  costs: the words of `announce`"),
        "{doctor}"
    );
    cli.write(&with_link.replace("amber.example/songs", "the market."));
    assert_eq!(cli.run(&["settings"]).await.stderr(), "");
}

#[tokio::test]
async fn there_is_a_warning_for_an_odd_secret_and_for_a_plain_name_beside_the_accounts_own() {
    let cli = CommandLine::with_followers(598).await;
    let mut odd = cli.command(&["check"]);
    odd.env("X_AMBER_ACCESS_TOKEN", "44196397-odd one");
    let ended = cli.run_command(odd).await;
    let warnings = ended.stderr();
    for words in [
        "hug: warning: X_AMBER_ACCESS_TOKEN and X_ACCESS_TOKEN are both set, and x:amber uses the first",
        "hug: warning: the secret X_AMBER_ACCESS_TOKEN contains a space",
    ] {
        assert!(
            warnings.contains(words),
            "expected: {words}\nprinted: {warnings}"
        );
    }
    let output = ended.refusal();
    assert!(
        output.contains("x:amber  could not be checked: ") && output.contains("401"),
        "{output}"
    );
    assert!(!output.contains("odd one"), "{output}");
}
