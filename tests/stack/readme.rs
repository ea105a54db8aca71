//! What README.md says of the project is so.

use std::{collections::BTreeSet, fs, path::PathBuf};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn manifest(folder: &str) -> toml::Table {
    let path = root().join(folder).join("Cargo.toml");
    fs::read_to_string(path).unwrap().parse().unwrap()
}

/// The names in backticks in the first column of the table under "What it stands on".
fn reasoned() -> BTreeSet<String> {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let (_, section) = readme.split_once("## What it stands on").unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    section
        .lines()
        .filter_map(|line| line.strip_prefix('|')?.split('|').next())
        .flat_map(|cell| cell.split('`').skip(1).step_by(2))
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_dependency_has_its_reason_in_the_readme_and_nothing_else_has() {
    let workspace = manifest(".");
    let dependencies = workspace["workspace"]["dependencies"].as_table().unwrap();
    let foreign: BTreeSet<String> = dependencies
        .iter()
        .filter(|(_, how)| how.get("path").is_none())
        .map(|(name, _)| name.clone())
        .collect();
    assert_eq!(reasoned(), foreign);
}

#[test]
fn members_take_their_dependencies_from_the_workspace_and_all_of_these_are_taken() {
    let members = [
        "functions/have-a-hug",
        "functions/check-followers",
        "functions/invite-follower",
        "infra/hug",
        "infra/stand-ins",
        "tests",
    ];
    let mut taken = BTreeSet::new();
    for member in members {
        let manifest = manifest(member);
        for section in ["dependencies", "dev-dependencies"] {
            let Some(dependencies) = manifest.get(section) else {
                continue;
            };
            for (name, how) in dependencies.as_table().unwrap() {
                let from_workspace = how.get("workspace").and_then(toml::Value::as_bool);
                assert_eq!(from_workspace, Some(true), "{member}: {name}");
                taken.insert(name.clone());
            }
        }
    }
    let workspace = manifest(".");
    let named = workspace["workspace"]["dependencies"].as_table().unwrap();
    assert_eq!(taken, named.keys().cloned().collect());
}
