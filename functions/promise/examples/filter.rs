//! What the filter for topics costs: the time of its first call and of later ones, the memory that stays, and the
//! time of the longest topics and answers.
//!
//! `cargo run --release -p promise --example filter`, on Linux, which tells a process how much memory it has.

use std::{fs, time::Instant};

use promise::{clean::objection, topic::read};

fn main() {
    let before = resident();
    for call in ["first", "second", "third"] {
        let start = Instant::now();
        let found = objection("the day my dog learned to swim", &[]);
        println!("{call} call: {:?}, found {found:?}", start.elapsed());
    }
    let after = resident();
    println!("resident: {before} KB before, {after} KB after");
    // As long as a topic can be, and as hard as the filter's matches overlap.
    for text in ["a s s h 0 l e ", "ⓕuⓒk", "\u{301}e"] {
        let long: String = text.chars().cycle().take(2_240).collect();
        let start = Instant::now();
        objection(&long, &[]);
        println!("a long topic of {text:?}: {:?}", start.elapsed());
    }
    // An answer of another server can be as long as it likes.
    for text in ["a.", "stop ", "don't ", "@a ", "👩\u{200d}"] {
        let start = Instant::now();
        read(&text.repeat(25_000), &[]);
        println!("a long answer of {text:?}: {:?}", start.elapsed());
    }
}

/// The kilobytes of memory that the process has; 0 where the system does not say.
fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    number.and_then(|number| number.parse().ok()).unwrap_or(0)
}
