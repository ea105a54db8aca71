//! The folder of the ledger: where it is, and who can read it.

use std::{fs, path::Path};

use crate::command_line::{CommandLine, Ended};

async fn check_in(cli: &CommandLine, folder: &Path, arguments: &[&str]) -> Ended {
    let mut command = cli.command(&["check"]);
    command.current_dir(folder).args(arguments);
    cli.run_command(command).await
}

#[tokio::test]
async fn the_ledger_is_beside_the_settings_wherever_the_command_is_called() {
    let cli = CommandLine::with_followers(598).await;
    cli.run(&["check"]).await.success();
    assert!(cli.state().join("ledger.sqlite").exists());
    let elsewhere = tempfile::TempDir::new().unwrap();
    let settings = cli.folder.path().join("hug.toml");
    let by_argument = ["--settings", settings.to_str().unwrap()];
    let by_argument = check_in(&cli, elsewhere.path(), &by_argument);
    let mut command = cli.command(&["check"]);
    command
        .current_dir(elsewhere.path())
        .env("HUG_SETTINGS", &settings);
    for ended in [by_argument.await, cli.run_command(command).await] {
        let output = ended.success();
        assert!(
            !output.contains("counted from here on"),
            "a second baseline: {output}"
        );
    }
    assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 0);
    // The command line wins over the environment.
    let mut command = cli.command(&["status", "--settings", "missing.toml"]);
    command.env("HUG_SETTINGS", &settings);
    let output = cli.run_command(command).await.refusal();
    assert!(output.contains("missing.toml"), "{output}");
}

#[cfg(unix)]
mod permissions {
    use std::{
        fs::{self, Permissions},
        os::unix::{
            fs::{MetadataExt, PermissionsExt},
            process::CommandExt,
        },
        path::Path,
        process::Command,
    };

    use hug::table::Table;

    use crate::command_line::{CommandLine, hug};

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    /// The files in a folder, each with its mode.
    fn modes(folder: &Path) -> Vec<(String, u32)> {
        let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap());
        let mut modes: Vec<_> = files
            .map(|file| (file.file_name().into_string().unwrap(), mode(&file.path())))
            .collect();
        modes.sort();
        modes
    }

    fn assert_closed(folder: &Path, expected: &[&str]) {
        let modes = modes(folder);
        let names: Vec<&str> = modes.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, expected);
        for (name, mode) in &modes {
            assert_eq!(*mode, 0o600, "{name} has {mode:o}");
        }
    }

    /// The command under a umask with which new files are open to everybody.
    fn with_open_umask(cli: &CommandLine, arguments: &str) -> Command {
        let inner = hug();
        let mut command = Command::new("/bin/sh");
        command.env_clear().envs(
            inner
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        );
        let program = inner.get_program().to_str().unwrap().to_owned();
        command
            .current_dir(cli.folder.path())
            .args(["-c", &format!("umask 0; exec {program} {arguments}")]);
        command
    }

    const IN_USE: [&str; 5] = [
        "ledger.sqlite",
        "ledger.sqlite-shm",
        "ledger.sqlite-wal",
        "lock",
        "stream-position",
    ];

    #[tokio::test]
    async fn only_the_owner_can_read_the_folder_and_its_files() {
        let cli = CommandLine::with_followers(598).await;
        let check = with_open_umask(&cli, "check");
        cli.run_command(check).await.success();
        assert_eq!(mode(&cli.state()), 0o700);
        // SQLite makes two more files while the ledger is open.
        let table = Table::beside(&cli.state()).await.unwrap();
        assert_closed(&cli.state(), &IN_USE);
        drop(table);
        let sandbox = with_open_umask(&cli, "sandbox --state new/.hug -- true");
        cli.run_command(sandbox).await.success();
        assert_eq!(mode(&cli.folder.path().join("new/.hug/sandbox")), 0o700);
    }

    #[tokio::test]
    async fn a_folder_that_an_earlier_version_left_open_to_others_is_closed_to_them_at_the_next_command()
     {
        let cli = CommandLine::with_followers(598).await;
        cli.run(&["check"]).await.success();
        let table = Table::beside(&cli.state()).await.unwrap();
        fs::write(cli.state().join("failed.jsonl"), "").unwrap();
        for (name, _) in modes(&cli.state()) {
            fs::set_permissions(cli.state().join(name), Permissions::from_mode(0o666)).unwrap();
        }
        fs::set_permissions(cli.state(), Permissions::from_mode(0o755)).unwrap();
        cli.status().await;
        assert_eq!(mode(&cli.state()), 0o700);
        let mut all = vec!["failed.jsonl"];
        all.extend(IN_USE);
        assert_closed(&cli.state(), &all);
        drop(table);
    }

    /// Only root can try what another user of the computer can do.
    #[tokio::test]
    async fn a_ledger_that_another_user_made_and_can_change_is_not_used() {
        let cli = CommandLine::with_followers(598).await;
        if fs::metadata(cli.folder.path()).unwrap().uid() != 0 {
            println!("left out: the tests do not run as root");
            return;
        }
        let state = cli.state();
        fs::create_dir(&state).unwrap();
        fs::write(state.join("ledger.sqlite"), "").unwrap();
        for open in [cli.folder.path(), &state] {
            fs::set_permissions(open, Permissions::from_mode(0o777)).unwrap();
        }
        let settings = cli.folder.path().join("hug.toml");
        for file in [&state.join("ledger.sqlite"), &settings] {
            fs::set_permissions(file, Permissions::from_mode(0o666)).unwrap();
        }
        let mut check = hug();
        check.uid(65_534).arg("--settings").arg(&settings);
        let output = check.arg("check").output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success(), "{said}");
        assert!(said.contains("belongs to another user"), "{said}");
        assert_eq!(fs::read(state.join("ledger.sqlite")).unwrap(), b"");
    }

    #[tokio::test]
    async fn in_a_folder_with_another_name_only_the_ledger_is_closed_to_others() {
        let cli = CommandLine::with_followers(598).await;
        let folder = cli.folder.path().join("shared");
        fs::create_dir(&folder).unwrap();
        fs::set_permissions(&folder, Permissions::from_mode(0o755)).unwrap();
        let check = with_open_umask(&cli, "check --state shared");
        cli.run_command(check).await.success();
        assert_eq!(mode(&folder), 0o755);
        assert_closed(&folder, &["ledger.sqlite", "lock", "stream-position"]);
    }
}
