//! What the page of the songs costs: its bytes, and the time to make it from the records and to write it, for 3, 50 and
//! 500 hugs with a year of hourly counts.
//!
//! `cargo run --release -p songbook --example bytes`; with a number of hugs behind `--` it prints that page instead:
//! `cargo run -p songbook --example bytes -- 50 > songbook.html`.

#![allow(
    clippy::unwrap_used,
    dead_code,
    reason = "the samples are those of the tests"
)]

#[path = "../src/samples.rs"]
mod samples;

use std::{env, hint::black_box, time::Instant};

use jiff::SignedDuration;
use promise::hug::Status;
use samples::{Sample, days_ago, hug, now, unsung};
use songbook::page::render;

/// Everything is done so often; the time is the mean.
const TIMES: u32 = 100;

fn main() {
    if let Some(hugs) = env::args().nth(1) {
        print!("{}", render(&sample(hugs.parse().unwrap()).book(), now()));
        return;
    }
    println!("| hugs | bytes | from the records | written |");
    println!("| --- | --- | --- | --- |");
    for hugs in [3, 50, 500] {
        let sample = sample(hugs);
        let book = sample.book();
        let bytes = render(&book, now()).len();
        let read = microseconds(|| sample.book());
        let written = microseconds(|| render(&book, now()));
        println!("| {hugs} | {bytes} | {read} µs | {written} µs |");
    }
}

fn microseconds<T>(mut made: impl FnMut() -> T) -> u128 {
    let start = Instant::now();
    for _ in 0..TIMES {
        black_box(made());
    }
    start.elapsed().as_micros() / u128::from(TIMES)
}

/// An account that was counted each hour for a year. The newest hug waits for a topic, the one before for its song; all
/// others can be heard.
fn sample(hugs: u64) -> Sample {
    let mut sample = Sample::counted(543 + 100 * hugs).since(365, 1, 560);
    for at in 0..hugs {
        let number = 600 + 100 * at;
        let mut one = match hugs - at {
            1 => unsung(number, Status::Invited),
            2 => unsung(number, Status::TopicChosen),
            _ => hug(number, Status::Hugged),
        };
        let crossed = sample.counts.iter().find(|count| count.followers >= number);
        one.reached_at = crossed.map_or(days_ago(1), |count| count.at);
        if let Some(song) = &mut one.posted {
            song.at = one.reached_at + SignedDuration::from_hours(16 * 24);
        }
        sample = sample.with(one);
    }
    sample
}
