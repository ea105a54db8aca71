//! No secret leaves the program but to the one server that it is for: not into a log at its finest level, not onto a
//! terminal, not into the ledger, whatever a network answers.

use std::{fs, path::Path};

use tempfile::TempDir;
use tests::secrets::{Networks, SECRETS, assert_contains_no_secret, secret};

use crate::command_line::hug;

/// Every file under a folder, read to its end.
fn bytes_under(folder: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        bytes.extend(if path.is_dir() {
            bytes_under(&path)
        } else {
            fs::read(path).unwrap()
        });
    }
    bytes
}

#[tokio::test]
async fn the_hug_command_prints_no_secret_at_the_finest_log_level() {
    let mut networks = Networks::with_followers(1).await;
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("hug.toml"), &networks.settings).unwrap();
    let run = async |arguments: &[&str], with_secrets: &dyn Fn(&str) -> String| {
        let mut command = hug();
        command
            .current_dir(folder.path())
            .args(arguments)
            .env("RUST_LOG", "trace")
            .env("NO_COLOR", "1");
        for (name, _) in SECRETS {
            command.env(name, with_secrets(name));
        }
        let output = tokio::task::spawn_blocking(move || command.output().unwrap())
            .await
            .unwrap();
        let output = [output.stdout, output.stderr].concat();
        assert_contains_no_secret(&output, &format!("hug {}", arguments.join(" ")));
        String::from_utf8_lossy(&output).into_owned()
    };
    run(&["check"], &secret).await;
    networks.fans(4);
    networks.refuse_reads();
    run(&["check"], &secret).await;
    networks.answer_badly();
    let output = run(&["check"], &secret).await;
    assert!(
        output.contains("checked account=x:amber"),
        "it is as talkative as can be: {output}"
    );
    for _ in 0..2 {
        networks.fans(3);
        run(&["check"], &secret).await;
    }
    // A secret that is mistaken for another is a secret all the same.
    networks.fans(1);
    let mixed_up = |name: &str| match name {
        "X_API_KEY" => secret("X_API_SECRET"),
        "X_API_SECRET" => secret("X_API_KEY"),
        "BLUESKY_APP_PASSWORD" => secret("X_ACCESS_SECRET"),
        name => secret(name),
    };
    run(&["check"], &mixed_up).await;
    run(&["status"], &secret).await;
    let status = run(&["status", "--json"], &secret).await;
    assert!(
        status.contains("\"invited\"") && status.contains("\"reason\""),
        "{status}"
    );
    assert_contains_no_secret(&bytes_under(&folder.path().join(".hug")), "the state");
}
