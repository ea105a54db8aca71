//! What the pages say of the project is true.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// Not the changelog: it names what is gone.
const PAGES: [&str; 15] = [
    "README.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "docs/ARCHITECTURE.md",
    "docs/BENCHMARK.md",
    "docs/COMMANDS.md",
    "docs/DECISIONS.md",
    "docs/MANY.md",
    "docs/NETWORKS.md",
    "docs/NEWS.md",
    "docs/PRIVACY.md",
    "docs/RESTORE.md",
    "docs/SONGBOOK.md",
    "infra/README.md",
    "tests/simulation/README.md",
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn manifest(folder: &str) -> toml::Table {
    let path = root().join(folder).join("Cargo.toml");
    fs::read_to_string(path).unwrap().parse().unwrap()
}

/// The names in backticks in the first column of the table under "What it stands on".
fn reasoned() -> BTreeSet<String> {
    let page = fs::read_to_string(root().join("docs/ARCHITECTURE.md")).unwrap();
    let (_, section) = page.split_once("## What it stands on").unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    section
        .lines()
        .filter_map(|line| line.strip_prefix('|')?.split('|').next())
        .flat_map(|cell| cell.split('`').skip(1).step_by(2))
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_dependency_has_its_reason_in_the_architecture_page_and_nothing_else_has() {
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
        "functions/promise",
        "functions/songbook",
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

/// What a page has in backticks, on one line each.
fn quoted(page: &str) -> Vec<String> {
    let page = fs::read_to_string(root().join(page)).unwrap();
    let quoted = page.split('`').skip(1).step_by(2);
    quoted.map(str::to_owned).collect()
}

/// The text of every Rust file under a folder.
fn code_under(folder: &Path) -> String {
    let mut code = String::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            code.push_str(&code_under(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            code.push_str(&fs::read_to_string(&path).unwrap());
        }
    }
    code
}

#[test]
fn every_file_and_folder_that_a_page_names_exists() {
    let folders = [
        "docs/",
        "events/",
        "functions/",
        "fuzz/",
        "infra/",
        "tests/",
    ];
    let mut named = 0;
    for page in PAGES {
        for path in quoted(page) {
            let ours = folders.iter().any(|folder| path.starts_with(folder));
            // `NAME` and `*` are for the reader to fill in.
            let complete = !path.contains(|c: char| c.is_uppercase() || "* ".contains(c));
            if ours && complete {
                assert!(root().join(&path).exists(), "{page} names {path}");
                named += 1;
            }
        }
    }
    assert!(named > 50, "only {named}");
}

#[test]
fn the_page_about_the_songbook_lists_the_headers_that_it_was_tried_with() {
    let page = fs::read_to_string(root().join("docs/SONGBOOK.md")).unwrap();
    for (name, value) in songbook::page::HEADERS {
        // Every server knows this one.
        if name != "Content-Type" {
            assert!(page.contains(&format!("\n{name}: {value}\n")), "{name}");
        }
    }
}

#[test]
fn every_test_that_the_architecture_page_names_exists() {
    let code = ["functions", "infra", "tests"].map(|folder| code_under(&root().join(folder)));
    let page = fs::read_to_string(root().join("docs/ARCHITECTURE.md")).unwrap();
    let (_, invariants) = page.split_once("## Invariants").unwrap();
    let (invariants, _) = invariants.split_once("\n## ").unwrap();
    let tests = invariants.split('`').skip(1).step_by(2);
    let tests: Vec<&str> = tests.filter(|name| name.matches('_').count() > 3).collect();
    assert!(tests.len() > 25, "{tests:?}");
    for test in tests {
        let definition = format!("fn {test}(");
        assert!(code.iter().any(|code| code.contains(&definition)), "{test}");
    }
}
