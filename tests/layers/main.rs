//! Which file uses which: no two use each other, and each layer uses only those before it.
//!
//! `make graph` prints the table, and `make graph OF=another/checkout` that of another one.

#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod graph;

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use graph::Graph;

/// The root files of every crate of a checkout: libraries, programs and test programs.
fn roots(checkout: &Path) -> Vec<String> {
    let mut roots = Vec::new();
    for folder in ["functions", "infra", "tests"] {
        let mut inside: Vec<PathBuf> = fs::read_dir(checkout.join(folder))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.is_dir())
            .collect();
        inside.sort();
        for path in inside {
            for root in [
                "src/lib.rs",
                "src/main.rs",
                "lib.rs",
                "main.rs",
                "tests/main.rs",
            ] {
                let file = path.join(root);
                if file.exists() {
                    let file = file.strip_prefix(checkout).unwrap();
                    roots.push(file.display().to_string());
                }
            }
        }
    }
    roots
}

fn here() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A file holds one idea, and so many lines are enough for it and its tests.
const MAX_LINES: usize = 700;

fn graphs(checkout: &Path) -> Vec<Graph> {
    let roots = roots(checkout);
    assert!(roots.len() >= 6, "{roots:?}");
    roots
        .iter()
        .map(|root| Graph::read(checkout, root))
        .collect()
}

/// The layers of each crate that has several, lowest first: a file belongs to the one that lists its path,
/// or the longest beginning of it, and uses only files of its own layer and of those before it.
const LAYERS: [(&str, &[&[&str]]); 4] = [
    (
        "functions/promise/src/",
        &[
            &["mistake", "untrusted", "unknown"],
            &["clean", "milestone", "account", "video"],
            &["follower", "channel", "song", "song_mark", "topic"],
            &["screening", "letter"],
            &["answer", "rules", "record"],
            &["count", "template", "arrivals", "evidence", "glance"],
            &["status"],
            &["hug"],
            &[
                "brake",
                "earlier",
                "erase",
                "listening",
                "naming",
                "news",
                "upload",
            ],
            &["lib"],
        ],
    ),
    (
        "functions/songbook/src/",
        &[
            &["english"],
            &["curve"],
            &["book"],
            &["page/"],
            &["page.rs"],
            &["lib"],
        ],
    ),
    (
        "functions/have-a-hug/src/",
        &[
            &["clock", "http", "secret", "aws", "log", "signed"],
            &["network.rs", "bucket", "seal"],
            &["network/"],
            &["networks/"],
            &["networks.rs", "youtube"],
            &["ledger", "settings"],
            &["looks", "metrics", "news", "songbook"],
            &["publish", "enrolled"],
            &["deps"],
            &["pause", "whole"],
            &["check", "deliver", "by_hand", "forget", "transfer"],
            &["start"],
            &["lib"],
        ],
    ),
    (
        "infra/hug/src/",
        &[
            &["error", "private", "secrets_file", "dynamodb", "screen"],
            &[
                "table",
                "words",
                "trouble",
                "port",
                "news_command",
                "songbook",
            ],
            &["event_source_mapping", "place", "view"],
            &["stack", "status", "songbook"],
            &["report", "creator", "forget", "transfer", "doctor", "who"],
            &["connect", "watch", "divided"],
            &["enroll"],
            &["sandbox"],
            &["demo"],
            &["lib"],
        ],
    ),
];

/// The place of a file's layer among the crate's; `None` where no layer lists it.
fn layer(layers: &[&[&str]], file: &str) -> Option<usize> {
    let lists = |layer: &&[&str]| {
        let beginnings = layer
            .iter()
            .filter(|beginning| file.starts_with(**beginning));
        beginnings.map(|beginning| beginning.len()).max()
    };
    let listed = layers
        .iter()
        .enumerate()
        .filter_map(|(place, layer)| Some((lists(layer)?, place)));
    listed.max().map(|(_, place)| place)
}

#[test]
fn each_layer_uses_only_those_before_it() {
    let mut wrong = Vec::new();
    for graph in graphs(&here()) {
        let Some((folder, layers)) = LAYERS
            .iter()
            .find(|(folder, _)| graph.name == format!("{folder}lib.rs"))
        else {
            continue;
        };
        let place = |file: &str| {
            let file = file.strip_prefix(folder).unwrap();
            layer(layers, file)
                .unwrap_or_else(|| panic!("{folder}{file} belongs to no layer; add it to LAYERS"))
        };
        // Every file belongs to a layer, whether it uses another file or not.
        graph
            .files
            .iter()
            .for_each(|file| assert!(place(file) < layers.len()));
        let upwards = graph
            .arrows
            .iter()
            .filter(|(from, to)| place(from) < place(to));
        wrong.extend(
            upwards.map(|(from, to)| format!("{from} uses {to}, which is in a later layer")),
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_rules_depend_on_no_network_no_table_and_no_runtime() {
    let manifest = fs::read_to_string(here().join("functions/promise/Cargo.toml")).unwrap();
    let manifest: toml::Table = manifest.parse().unwrap();
    let dependencies = manifest["dependencies"].as_table().unwrap();
    let names: Vec<&str> = dependencies.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "jiff",
            "rustrict",
            "serde",
            "serde_json",
            "thiserror",
            "unicode-segmentation"
        ]
    );
}

#[test]
fn the_page_depends_on_no_network_no_table_and_no_runtime() {
    let manifest = fs::read_to_string(here().join("functions/songbook/Cargo.toml")).unwrap();
    let manifest: toml::Table = manifest.parse().unwrap();
    let dependencies = manifest["dependencies"].as_table().unwrap();
    let names: Vec<&str> = dependencies.keys().map(String::as_str).collect();
    assert_eq!(names, ["base64", "jiff", "maud", "promise", "sha2"]);
}

#[test]
fn no_two_files_of_a_crate_use_each_other() {
    let checkout = env::var("OF").ok().filter(|of| !of.is_empty());
    let graphs = graphs(&checkout.as_ref().map_or_else(here, PathBuf::from));
    println!("| crate | files | arrows | files in circles | the largest circle |");
    println!("| --- | --- | --- | --- | --- |");
    for graph in &graphs {
        let (circles, name) = (graph.circles(), &graph.name);
        let (files, arrows) = (graph.files.len(), graph.arrows.len());
        let in_circles: usize = circles.iter().map(Vec::len).sum();
        let largest = circles.iter().map(Vec::len).max().unwrap_or(0);
        println!("| {name} | {files} | {arrows} | {in_circles} | {largest} |");
    }
    let mut circles = Vec::new();
    for graph in &graphs {
        for circle in graph.circles() {
            let within = graph.arrows.iter().filter(|(from, to)| {
                circle.contains(&from.as_str()) && circle.contains(&to.as_str())
            });
            let arrows: Vec<String> = within
                .map(|(from, to)| format!("  {from} uses {to}"))
                .collect();
            circles.push(arrows.join("\n"));
        }
    }
    let circles = circles.join("\n\n");
    println!("{circles}");
    assert!(
        circles.is_empty() || checkout.is_some(),
        "these files use each other:\n{circles}"
    );
}

#[test]
fn no_file_is_longer_than_a_reader_can_hold() {
    for graph in graphs(&here()) {
        for file in &graph.files {
            let text = fs::read_to_string(here().join(file)).unwrap();
            let lines = text.lines().count();
            assert!(lines <= MAX_LINES, "{file} has {lines} lines");
        }
    }
}
