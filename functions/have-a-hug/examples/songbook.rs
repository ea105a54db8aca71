//! What the page of the songs costs: its bytes, and the time to make it from the records and to write it, for 3, 50 and
//! 500 hugs with a year of hourly counts.
//!
//! `cargo run --release -p have-a-hug --example songbook`; with a number of hugs behind `--` it prints that page instead:
//! `cargo run -p have-a-hug --example songbook -- 50 > songbook.html`.

use std::{collections::HashSet, env, error::Error, hint::black_box, time::Instant};

use have_a_hug::networks;
use jiff::{SignedDuration, Timestamp};
use promise::{
    account::AccountName,
    answer::{Topic, TopicSource, Verdict},
    evidence::{ArrivalSource, Arrivals, Certainty, Evidence},
    follower::Recipient,
    hug::{Hug, Status},
    milestone::{Milestone, Plan},
    record::AccountRecord,
    song::{Song, SongSource},
    unknown::Unknown,
    video::VideoId,
};
use songbook::{
    Count, Records, Songbook, Words,
    page::{fingerprint, render},
};

/// The page is made so often; the time is the mean.
const TIMES: u32 = 100;

fn main() -> Result<(), Box<dyn Error>> {
    let now: Timestamp = "2026-11-22T14:15:00Z".parse()?;
    if let Some(hugs) = env::args().nth(1) {
        let sample = Sample::with_hugs(hugs.parse()?, now)?;
        print!("{}", render(&sample.book(), now));
        return Ok(());
    }
    println!("| hugs | bytes | from the records | written | fingerprint |");
    println!("| --- | --- | --- | --- | --- |");
    for hugs in [3, 50, 500] {
        let sample = Sample::with_hugs(hugs, now)?;
        let book = sample.book();
        let bytes = render(&book, now).len();
        let read = timed(|| sample.book());
        let written = timed(|| render(&book, now));
        let compared = timed(|| fingerprint(&book));
        println!("| {hugs} | {bytes} | {read} µs | {written} µs | {compared} µs |");
    }
    Ok(())
}

fn timed<T>(mut made: impl FnMut() -> T) -> u128 {
    let start = Instant::now();
    for _ in 0..TIMES {
        black_box(made());
    }
    start.elapsed().as_micros() / u128::from(TIMES)
}

/// The records of an account that was counted each hour for a year.
struct Sample {
    name: AccountName,
    account: AccountRecord,
    hugs: Vec<Hug>,
    counts: Vec<Count>,
}

impl Sample {
    /// Two of three songs can be heard, and the newest hugs wait for a topic and for a song.
    fn with_hugs(hugs: u64, now: Timestamp) -> Result<Self, Box<dyn Error>> {
        let name: AccountName = "x:amber".parse()?;
        let mut id = "44196397".into();
        let hours = 365 * 24;
        let (from, to) = (560, 600 + 100 * hugs - 57);
        let counts = (0..hours).map(|hour: i64| Count {
            at: now - SignedDuration::from_hours(hours - hour),
            followers: from + (to - from) * hour.unsigned_abs() / hours.unsigned_abs(),
        });
        let counts: Vec<Count> = counts.collect();
        let mut all = Vec::new();
        for at in 0..hugs {
            let number = 600 + 100 * at;
            let crossed = counts.iter().find(|count| count.followers >= number);
            let crossed = crossed.map_or(now, |count| count.at);
            let number = Milestone::from_number(number).ok_or("not a milestone")?;
            let follower = Recipient {
                id: at.to_string().into(),
                handle: format!("june_okafor{at}"),
                name: Some("June Okafor".to_owned()),
                unknown: Unknown::new(),
            };
            let mut hug = Hug::owed(
                name.clone(),
                id,
                number,
                "Amber Lane".to_owned(),
                Some(follower),
                evidence(number, crossed),
                crossed,
            );
            hug.status = match hugs - at {
                1 => Status::Invited,
                2 => Status::TopicChosen,
                _ => Status::Hugged,
            };
            hug.topic = Some(topic(crossed)).filter(|_| hug.status != Status::Invited);
            hug.posted = Some(song(crossed)?).filter(|_| hug.status == Status::Hugged);
            id = hug.id.clone();
            all.push(hug);
        }
        let account = AccountRecord {
            name: name.clone(),
            id,
            followers: to,
            promised_up_to: to,
            unsettled: Vec::new(),
            leap: None,
            pending: None,
            read: None,
            answers: None,
            songs_error: None,
            remembered: None,
            checked_at: now,
            revision: 1,
            unknown: Unknown::new(),
        };
        Ok(Self {
            name,
            account,
            hugs: all,
            counts,
        })
    }

    fn book(&self) -> Songbook {
        let site = networks::site(&self.name, None);
        let records = Records {
            name: &self.name,
            site: &site,
            creator: Some("Amber Lane"),
            plan: Plan::default(),
            account: Some(&self.account),
            hugs: &self.hugs,
            counts: &self.counts,
            stopped: &HashSet::new(),
        };
        Songbook::of(&Words::default(), &[records], 0)
    }
}

fn evidence(number: Milestone, crossed: Timestamp) -> Evidence {
    let number = number.number();
    Evidence {
        count_before: number - 1,
        count_after: number + 1,
        since: None,
        position: 1,
        passed_over: 1,
        certainty: Certainty::Certain,
        arrivals: Some(Arrivals {
            since_count: number - 1,
            since: crossed,
            came: 2,
            source: ArrivalSource::List,
        }),
        note: None,
        unknown: Unknown::new(),
    }
}

fn topic(crossed: Timestamp) -> Topic {
    Topic {
        text: "the bird that my grandfather feeds".to_owned(),
        verdict: Verdict::Clean,
        by: TopicSource::Follower,
        doubt: None,
        at: crossed + SignedDuration::from_hours(5),
        unknown: Unknown::new(),
    }
}

fn song(crossed: Timestamp) -> Result<Song, Box<dyn Error>> {
    Ok(Song {
        video: VideoId::from_id("AAAAAAAAAAA").ok_or("not a video")?,
        title: Some("The Heron on the Canal".to_owned()),
        by: SongSource::Creator,
        at: crossed + SignedDuration::from_hours(16 * 24),
        unknown: Unknown::new(),
    })
}
