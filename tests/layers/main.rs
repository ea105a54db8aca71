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
            for root in ["src/lib.rs", "src/main.rs", "main.rs", "tests/main.rs"] {
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

fn graphs(checkout: &Path) -> Vec<Graph> {
    let roots = roots(checkout);
    assert!(roots.len() >= 6, "{roots:?}");
    roots
        .iter()
        .map(|root| Graph::read(checkout, root))
        .collect()
}

#[test]
fn no_two_files_of_a_crate_use_each_other() {
    let checkout = env::var("OF").ok().filter(|of| !of.is_empty());
    let graphs = graphs(&checkout.as_ref().map_or_else(here, PathBuf::from));
    println!("| crate | files | lines of code | arrows | files in circles | the largest circle |");
    println!("| --- | --- | --- | --- | --- | --- |");
    for graph in &graphs {
        let circles = graph.circles();
        let in_circles: usize = circles.iter().map(Vec::len).sum();
        let largest = circles.iter().map(Vec::len).max().unwrap_or(0);
        let lines: usize = graph.files.values().sum();
        println!(
            "| {} | {} | {lines} | {} | {in_circles} | {largest} |",
            graph.name,
            graph.files.len(),
            graph.arrows.len(),
        );
    }
    let total: usize = graphs.iter().flat_map(|graph| graph.files.values()).sum();
    println!("{total} lines of code in all\n");
    for circle in graphs.iter().flat_map(Graph::circles) {
        println!("a circle: {}", circle.join(", "));
    }
    let circles: usize = graphs.iter().map(|graph| graph.circles().len()).sum();
    assert!(
        circles == 0 || checkout.is_some(),
        "files use each other; the arrows are printed by `make graph`"
    );
}
