//! `hug doctor` on the networks and on the rights of the keys.

use std::process::Command;

use have_a_hug::clock::Clock;
use stand_ins::{
    Fault, Person, bluesky, mastodon, x,
    youtube::{AMBER_CHANNEL, SANDBOX_KEY, Video, YouTube},
};
use tests::settings;

use crate::{
    command_line::CommandLine,
    findings::{doctor, doctor_with},
};

#[tokio::test]
async fn a_bearer_token_with_a_channel_that_sends_is_wrong_for_a_doctor_and_right_with_draft() {
    let cli = CommandLine::with_followers(599).await;
    let only_bearer = |command: &mut Command| {
        command.env_clear().env("X_BEARER_TOKEN", x::SANDBOX_BEARER);
    };
    let findings = doctor_with(&cli, only_bearer).await;
    findings.has("wrong", &["X_BEARER_TOKEN is there, but it can only read"]);
    let draft = settings("x", "amber", cli.x.url(), "contact = [\"draft\"]");
    cli.write(&draft);
    let findings = doctor_with(&cli, only_bearer).await;
    findings.has("ok", &["x:amber: it sends nothing by itself"]);
    assert!(findings.healthy, "{}", findings.output);
}

#[tokio::test]
async fn keys_of_another_account_or_with_too_few_rights_are_wrong_for_a_doctor() {
    let cli = CommandLine::with_followers(599).await;
    let keys = x::Keys {
        access_token: "777-sAndbOxAccessToken".to_owned(),
        ..x::Keys::sandbox()
    };
    cli.x.add_account(x::Account {
        id: "777".to_owned(),
        handle: "bea".to_owned(),
        keys: Some(keys.clone()),
        ..x::Account::amber()
    });
    let findings = doctor_with(&cli, |command| {
        command.env("X_ACCESS_TOKEN", &keys.access_token);
    })
    .await;
    findings.has(
        "wrong",
        &["x:amber: its keys belong to the account 777, not to 44196397"],
    );

    cli.x.set_access_level(Some("read"));
    let findings = doctor(&cli).await;
    findings.has(
        "wrong",
        &["x:amber: its keys may not post", "\"read and write\""],
    );

    let more = "contact = [\"message\", \"announce\"]";
    cli.write(&settings("x", "amber", cli.x.url(), more));
    cli.x.set_access_level(Some("read-write"));
    let findings = doctor(&cli).await;
    findings.has("ok", &["x:amber: its keys may post"]);
    findings.has("wrong", &["x:amber: its keys may not message"]);
    findings.has(
        "unsure",
        &["`message`", "X's rules do not allow a program unasked"],
    );

    cli.x.set_access_level(None);
    let findings = doctor(&cli).await;
    findings.has(
        "unsure",
        &["x:amber: the network does not say whether its keys may post"],
    );
    assert!(findings.healthy, "{}", findings.output);
}

#[tokio::test]
async fn a_doctor_reports_a_network_that_is_down_a_handle_that_nobody_has_and_a_list_it_cannot_see()
{
    let cli = CommandLine::with_followers(0).await;
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let nowhere = format!("http://{}", closed.local_addr().unwrap());
    drop(closed);
    cli.write(&settings("x", "amber", &nowhere, ""));
    let findings = doctor(&cli).await;
    findings.has("wrong", &["x:amber:", "cannot be reached: ", "is online"]);

    cli.write(&settings("x", "ambre", cli.x.url(), ""));
    let findings = doctor(&cli).await;
    findings.has(
        "wrong",
        &["x:ambre: reading the follower count failed", "`handle`"],
    );

    cli.write(&settings("x", "amber", cli.x.url(), ""));
    cli.x.fail_next("public_metrics", Fault::Status(503));
    let findings = doctor(&cli).await;
    findings.has("wrong", &["x:amber:", "503", "this passes by itself"]);

    cli.fans(1, 1);
    cli.x.hide("fan0001");
    let findings = doctor(&cli).await;
    findings.has("unsure", &["x:amber: the list of followers is empty"]);
}

#[tokio::test]
async fn a_doctor_asks_nothing_of_a_network_whose_rate_limit_is_used_up() {
    let cli = CommandLine::with_followers(599).await;
    let limit = || Fault::RateLimited { for_seconds: 600 };
    cli.x.fail_next("public_metrics", limit());
    let findings = doctor(&cli).await;
    findings.has(
        "unsure",
        &[
            "x:amber: reading the follower count failed: 429",
            "look again at",
        ],
    );
    cli.x.fail_next("public_metrics", limit());
    cli.run(&["check"]).await;
    cli.x.clear_requests();
    let findings = doctor(&cli).await;
    findings.has(
        "unsure",
        &["x:amber: not asked: its rate limit is used up until"],
    );
    assert!(cli.x.requests().is_empty());
}

#[tokio::test]
async fn on_bluesky_a_doctor_logs_in_once_and_knows_what_the_app_password_may_do() {
    let cli = CommandLine::with_followers(0).await;
    let sky = bluesky::Bluesky::start(Clock::system()).await.unwrap();
    sky.add_account(bluesky::Account::amber());
    sky.follow(Person::fan(1, Clock::system().now()));
    let more = format!(
        "appview = \"{}\"\ncontact = [\"message\", \"mention\"]",
        sky.url()
    );
    cli.write(&settings("bluesky", "amber.bsky.social", sky.url(), &more));
    let with = |password: String| {
        move |command: &mut Command| {
            command.env("BLUESKY_APP_PASSWORD", password);
        }
    };
    let right = bluesky::Account::amber().app_password;
    let findings = doctor_with(&cli, with(right.clone())).await;
    let name = "bluesky:amber.bsky.social";
    findings.has("ok", &["BLUESKY_APP_PASSWORD: it is there"]);
    findings.has("ok", &[name, "its keys may message"]);
    findings.has("unsure", &["`mention`", "Bluesky's rules"]);
    assert!(findings.healthy, "{}", findings.output);
    let seen = sky.requests();
    let logins = seen
        .iter()
        .filter(|one| one.path.contains("createSession"))
        .count();
    assert_eq!(logins, 1);
    assert!(sky.posts().is_empty() && sky.messages().is_empty());

    sky.deny_messages_to_app_passwords();
    let findings = doctor_with(&cli, with(right)).await;
    findings.has(
        "wrong",
        &[name, "its keys may not message", "direct messages"],
    );

    let findings = doctor_with(&cli, with("my-main-password".to_owned())).await;
    findings.has(
        "unsure",
        &["BLUESKY_APP_PASSWORD: it does not look like an app password"],
    );
    findings.has(
        "wrong",
        &[name, "logging in with the app password failed: 401"],
    );
    assert!(!findings.output.contains("my-main-password"));
}

#[tokio::test]
async fn on_mastodon_a_doctor_knows_whether_the_token_may_post() {
    let cli = CommandLine::with_followers(0).await;
    let herd = mastodon::Mastodon::start(Clock::system()).await.unwrap();
    herd.add_account(mastodon::Account::amber());
    herd.follow(Person::fan(1, Clock::system().now()));
    let name = "mastodon:amber@mastodon.example";
    cli.write(&settings(
        "mastodon",
        "amber@mastodon.example",
        herd.url(),
        "",
    ));
    let token = mastodon::Account::amber().access_token;
    let look = async || {
        let set = |command: &mut Command| {
            command.env("MASTODON_ACCESS_TOKEN", &token);
        };
        doctor_with(&cli, set).await
    };
    let findings = look().await;
    findings.has("ok", &[name, "its keys are its own"]);
    findings.has("ok", &[name, "its keys may post"]);
    assert!(findings.healthy, "{}", findings.output);

    herd.set_token(&token, "amber", &["read"]);
    let findings = look().await;
    findings.has("wrong", &[name, "its keys may not post", "scopes"]);

    herd.set_token(&token, "amber", &["write:statuses"]);
    let findings = look().await;
    findings.has("wrong", &[name, "outside the authorized scopes"]);
    assert!(herd.posts().is_empty() && herd.messages().is_empty());
}

#[tokio::test]
async fn on_mastodon_a_doctor_looks_at_the_server_that_the_handle_names() {
    let cli = CommandLine::with_followers(0).await;
    // Nobody listens there.
    cli.write(
        "[plan]\nfirst = 600\nstep = 100\n\n[[account]]\nnetwork = \"mastodon\"\nhandle = \"amber@127.0.0.1:1\"\ncontact = [\"draft\"]\n",
    );
    let findings = doctor(&cli).await;
    let output = "https://127.0.0.1:1 cannot be reached";
    findings.has("wrong", &["mastodon:amber@127.0.0.1:1", output]);
}

#[tokio::test]
async fn a_doctor_reads_the_channel_of_the_songs_once_and_knows_a_missing_and_a_wrong_key() {
    let youtube = YouTube::start(Clock::system()).await.unwrap();
    let cli = CommandLine::with_followers(599).await;
    let songs = format!(
        "\n[songs]\nyoutube = \"{AMBER_CHANNEL}\"\nserver = \"{}\"\n",
        youtube.url()
    );
    cli.write(&settings("x", "amber", cli.x.url(), &songs));
    let findings = doctor(&cli).await;
    findings.has("unsure", &["the secret YOUTUBE_API_KEY is missing"]);
    assert!(youtube.requests().is_empty());

    let with = |key: &'static str| {
        move |command: &mut Command| {
            command.env("YOUTUBE_API_KEY", key);
        }
    };
    youtube.add_video(Video::by_amber(
        "dQw4w9WgXcQ",
        "Rain",
        Clock::system().now(),
    ));
    let findings = doctor_with(&cli, with(SANDBOX_KEY)).await;
    findings.has("ok", &["YouTube, UC", "the newest video is \"Rain\""]);
    assert_eq!(youtube.requests().len(), 1);

    let findings = doctor_with(&cli, with("another-key")).await;
    findings.has("wrong", &["YouTube, UC", "see YOUTUBE_API_KEY and [songs]"]);
    assert!(!findings.output.contains("another-key"));

    youtube.set_units_a_day(0);
    let findings = doctor_with(&cli, with(SANDBOX_KEY)).await;
    findings.has(
        "unsure",
        &["YouTube, UC", "the quota of a key is new at midnight"],
    );
}
