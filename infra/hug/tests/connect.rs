//! `hug connect`: an account in hug.toml, its secrets in a file of the owner's alone, and a login to try them.

use std::{fs, process::Command};

use have_a_hug::clock::Clock;
use stand_ins::{Person, bluesky, secret};

use crate::command_line::{CommandLine, Ended};

const NAMES: [&str; 4] = [
    "X_API_KEY",
    "X_API_SECRET",
    "X_ACCESS_TOKEN",
    "X_ACCESS_SECRET",
];

/// An empty folder, and an X on which 598 people follow Amber.
async fn empty_folder() -> CommandLine {
    let cli = CommandLine::with_followers(598).await;
    fs::remove_file(cli.folder.path().join("hug.toml")).unwrap();
    cli
}

/// The command in that folder, without any secret in the environment, and with these lines piped in.
fn command(cli: &CommandLine, arguments: &[&str], lines: &[&str]) -> Command {
    let file = cli.folder.path().join("typed");
    fs::write(&file, lines.join("\n") + "\n").unwrap();
    let mut command = cli.command(arguments);
    command.stdin(fs::File::open(&file).unwrap());
    for name in NAMES {
        command.env_remove(name);
    }
    command
}

async fn run(cli: &CommandLine, arguments: &[&str], lines: &[&str]) -> Ended {
    let ended = cli.run_command(command(cli, arguments, lines)).await;
    for line in lines {
        let output = ended.stdout() + &ended.stderr();
        assert!(line.is_empty() || !output.contains(line), "{output}");
    }
    ended
}

async fn connect(cli: &CommandLine, handle: &str, lines: &[&str]) -> Ended {
    let arguments = ["connect", "x", handle, "--server", cli.x.url()];
    run(cli, &arguments, lines).await
}

fn secrets() -> [String; 4] {
    NAMES.map(|name| secret(name).unwrap())
}

fn read(cli: &CommandLine, file: &str) -> String {
    fs::read_to_string(cli.folder.path().join(file)).unwrap()
}

#[tokio::test]
async fn an_empty_folder_and_four_secrets_are_enough_for_the_first_check() {
    let cli = empty_folder().await;
    let [key, key_secret, token, token_secret] = secrets();
    let typed = [&*key, &*key_secret, &*token, &*token_secret];
    let output = connect(&cli, "@Amber", &typed).await.success();
    for words in [
        "X_API_KEY, from developer.x.com",
        "hug.toml is made, for x:amber",
        "the login works; 598 followers; the first song goes to number 600",
        "hug check\n",
    ] {
        assert!(output.contains(words), "{output}");
    }
    let file = cli.folder.path().join("hug.secrets");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let kept = fs::read_to_string(&file).unwrap();
    assert!(kept.contains(&format!("\nX_ACCESS_TOKEN={token}\n")));

    let output = run(&cli, &["check"], &[]).await.success();
    assert!(output.contains("598 followers"), "{output}");
    for command in [&["check", "--dry-run"][..], &["doctor"]] {
        run(&cli, command, &[]).await.success();
    }
    assert!(cli.x.posts().is_empty());
    cli.x.clear_requests();
    // Nothing is asked twice.
    let again = connect(&cli, "amber", &[]).await.success();
    assert!(again.starts_with("x:amber: the login works"), "{again}");
}

#[tokio::test]
async fn a_wrong_secret_is_told_and_typed_again_and_nothing_else_is_lost() {
    let cli = empty_folder().await;
    let [key, key_secret, token, token_secret] = secrets();
    // The input ends before the last secret.
    let output = connect(&cli, "amber", &[&key, &key_secret, &token]).await;
    let output = output.refusal();
    assert!(
        output.contains("X_ACCESS_SECRET is still missing"),
        "{output}"
    );
    let output = connect(&cli, "amber", &["mistyped"]).await.refusal();
    for words in [
        "That looks odd: it is not 45 letters and digits",
        "The login of x:amber does not work: reading the follower count failed for x:amber: 401",
        "nothing is lost: run the same command again",
    ] {
        assert!(output.contains(words), "{output}");
    }
    // Enter keeps the first three.
    let typed = ["", "", "", &*token_secret];
    let output = connect(&cli, "amber", &typed).await.success();
    assert!(output.contains("the login works"), "{output}");
    let kept = read(&cli, "hug.secrets");
    assert!(!kept.contains("mistyped") && kept.contains(&key), "{kept}");
}

#[tokio::test]
async fn a_second_account_is_added_below_what_the_creator_wrote() {
    let cli = empty_folder().await;
    let written = "# mine\n[plan]\nfirst = 7\nstep = 7\n\n[[account]]\nnetwork = \"mastodon\"\nhandle = \"amber@m.example\"\nactive = false";
    cli.write(written);
    let bluesky = bluesky::Bluesky::start(Clock::system()).await.unwrap();
    bluesky.add_account(bluesky::Account::amber());
    bluesky.follow(Person::fan(1, Clock::system().now()));
    let url = bluesky.url();
    let arguments = [
        "connect",
        "bluesky",
        "amber.bsky.social",
        "--server",
        url,
        "--appview",
        url,
    ];
    let password = secret("BLUESKY_APP_PASSWORD").unwrap();
    let output = run(&cli, &arguments, &[&password]).await.success();
    assert!(
        output.contains("bluesky:amber.bsky.social is added to hug.toml")
            && output.contains("1 followers; the first song goes to number 7"),
        "{output}"
    );
    let text = read(&cli, "hug.toml");
    let added = text.strip_prefix(written).unwrap();
    assert_eq!(
        added,
        format!(
            "\n\n[[account]]\nnetwork = \"bluesky\"\nhandle = \"amber.bsky.social\"\nserver = \"{url}\"\nappview = \"{url}\"\n"
        )
    );
}

#[tokio::test]
async fn of_two_accounts_on_x_the_second_has_longer_names_and_shares_the_keys_of_the_app() {
    let cli = empty_folder().await;
    let [key, key_secret, token, token_secret] = secrets();
    let typed = [&*key, &*key_secret, &*token, &*token_secret];
    connect(&cli, "amber", &typed).await.success();
    // Amber's token is not Bea's: the network says whose it is, or that nobody is called so.
    let output = connect(&cli, "bea", &[&token, &token_secret]).await;
    let output = output.refusal();
    assert!(
        output.contains("X_BEA_ACCESS_TOKEN, from") && !output.contains("X_API_KEY"),
        "{output}"
    );
    assert!(
        output.contains("X has no account bea, so hug.toml is as it was"),
        "{output}"
    );
    assert!(!read(&cli, "hug.toml").contains("bea"));
}

#[tokio::test]
async fn a_secret_in_the_environment_is_used_and_neither_asked_for_nor_kept() {
    let cli = empty_folder().await;
    let [.., token_secret] = secrets();
    let arguments = ["connect", "x", "amber", "--server", cli.x.url()];
    let mut with_three = command(&cli, &arguments, &[&token_secret]);
    for name in &NAMES[..3] {
        with_three.env(name, secret(name).unwrap());
    }
    cli.run_command(with_three).await.success();
    let kept = read(&cli, "hug.secrets");
    assert!(
        kept.ends_with(&format!("file.\nX_ACCESS_SECRET={token_secret}\n")),
        "{kept}"
    );
    // What is set in the environment wins over the file.
    let mut other = command(&cli, &["doctor"], &[]);
    for name in &NAMES[..3] {
        other.env(name, secret(name).unwrap());
    }
    other.env("X_ACCESS_SECRET", "another");
    let output = cli.run_command(other).await.stdout();
    assert!(output.contains("X_ACCESS_SECRET: it is not 45"), "{output}");
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_of_secrets_that_others_can_read_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let cli = CommandLine::with_followers(598).await;
    let file = cli.folder.path().join("hug.secrets");
    fs::write(&file, "X_API_KEY=hidden\n").unwrap();
    for (mode, refused) in [(0o644, true), (0o640, true), (0o600, false)] {
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
        let ended = cli.run(&["check"]).await;
        let output = ended.stderr();
        let says = output.contains("others on this computer can read hug.secrets")
            && output.contains("chmod 600 hug.secrets");
        assert_eq!(says, refused, "{mode:o}: {output}");
        assert_eq!(ended.0.status.success(), !refused, "{output}");
    }
}

#[tokio::test]
async fn a_line_that_is_not_a_secret_is_named_without_its_words() {
    let cli = empty_folder().await;
    let file = cli.folder.path().join("hug.secrets");
    let [key, ..] = secrets();
    connect(&cli, "amber", &[&key]).await.refusal();
    let text = fs::read_to_string(&file).unwrap() + "\nsAndbOx-hidden\n";
    fs::write(&file, text).unwrap();
    let output = connect(&cli, "amber", &[]).await.refusal();
    assert!(
        output.contains("line 4 of hug.secrets is not a secret; write NAME=value"),
        "{output}"
    );
}

#[tokio::test]
async fn what_cannot_be_connected_is_answered_with_what_to_write() {
    let cli = empty_folder().await;
    for (arguments, words) in [
        (
            ["x", "am ber"],
            "\"am ber\" is not a valid handle on X; one looks like \"amber\"",
        ),
        (["mastodon", "amber"], "does not say on which server"),
    ] {
        let arguments = ["connect", arguments[0], arguments[1]];
        let output = run(&cli, &arguments, &[]).await.refusal();
        assert!(output.contains(words), "{output}");
    }
    cli.write("[plan]\nfirst = 0\n");
    let output = connect(&cli, "amber", &[]).await.refusal();
    assert!(output.contains("hug.toml has"), "{output}");
    assert_eq!(read(&cli, "hug.toml"), "[plan]\nfirst = 0\n");
    assert!(!cli.folder.path().join("hug.secrets").exists());
}
