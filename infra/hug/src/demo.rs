//! The demo of the whole promise: the real functions, a real table, and the stand-in networks side by side.

use std::{io::Write, time::Duration};

use comfy_table::{ContentArrangement, Table, presets::UTF8_FULL_CONDENSED};
use have_a_hug::clock::Clock;
use jiff::Timestamp;
use promise::hug::Hug;
use serde_json::json;
use stand_ins::{Fault, Networks, Person, StandIn, secret};

use crate::{
    Error,
    report::Report,
    stack::Stack,
    status::{Overview, hugs_table},
};

/// How often the schedule checks, in the demo's own time.
const BETWEEN_CHECKS: Duration = Duration::from_mins(5);

/// Room for a column for each network.
const WIDTH: u16 = 120;

/// Runs the demo and prints it on `out`, with a pause of `pace` after each scene. Returns the hugs that it
/// made.
///
/// The `seed` picks who follows and how large the burst is; the same seed prints the same.
///
/// # Errors
///
/// Where this computer gives no port, or `out` takes no more.
pub async fn run(seed: u64, out: &mut impl Write, pace: Duration) -> Result<Vec<Hug>, Error> {
    let mut story = Story::begin(seed, out, pace).await?;
    story.tell("Amber, a songwriter, has 598 followers on each of her networks. She promises:\n\"Follower number 600 gets a song about a topic of their choosing, and so does every hundredth after that.\"")?;
    story.check().await?;

    story.tell("A fan follows, then a bot. The bot is number 600.")?;
    story.fans(1);
    story.bot();
    story.check().await?;

    story.tell("The next fan comes.")?;
    story.fans(1);
    story.check().await?;

    let burst = 203 + seed % 5;
    story.tell(&format!(
        "A video goes round: {burst} more follow at once, bots among them."
    ))?;
    story.fans(98);
    story.bot();
    story.fans(burst - 99);
    story.check().await?;

    story.tell("Nine unfollow; six others come. The count climbs over 800 a second time.")?;
    for fan in story.newest_fans(9) {
        story.networks.unfollow(&fan);
    }
    story.check().await?;
    story.fans(6);
    story.check().await?;

    let limited = story.networks.first().clone();
    limited.fail_next("GET ", Fault::RateLimited { for_seconds: 900 });
    story.clock.advance(Duration::from_hours(24));
    story.tell(&format!(
        "The next day a hundred more follow, but {} has a rate limit and answers only after a quarter of an hour.",
        limited.facts().title
    ))?;
    story.fans(100);
    story.check().await?;
    story.check().await?;
    story.tell("The quarter of an hour is over.")?;
    story.clock.advance(Duration::from_mins(10));
    story.check().await?;

    story.end().await
}

struct Story<'a, W> {
    stack: Stack,
    networks: Networks,
    clock: Clock,
    people: u64,
    bots: u64,
    came: Vec<Person>,
    out: &'a mut W,
    pace: Duration,
}

impl<'a, W: Write> Story<'a, W> {
    async fn begin(seed: u64, out: &'a mut W, pace: Duration) -> Result<Self, Error> {
        let start: Timestamp = "2026-11-22T14:00:00Z".parse()?;
        let clock = Clock::by_hand(start);
        let networks = Networks::start(&clock).await?;
        let stack = Stack::in_memory(&networks.settings(), &secret, clock.clone()).await?;
        let people = seed % 1_000 * 10_000;
        let mut story = Self {
            stack,
            networks,
            clock,
            people,
            bots: people,
            came: Vec::new(),
            out,
            pace,
        };
        story.fans(598);
        Ok(story)
    }

    fn fans(&mut self, n: u64) {
        for _ in 0..n {
            self.people += 1;
            let fan = Person::fan(self.people, self.clock.now());
            self.networks.follow(&fan);
            self.came.push(fan);
        }
    }

    fn bot(&mut self) {
        self.bots += 1;
        let bot = Person::bot(self.bots, self.clock.now());
        self.networks.follow(&bot);
    }

    fn newest_fans(&mut self, n: usize) -> Vec<Person> {
        self.came.split_off(self.came.len().saturating_sub(n))
    }

    fn tell(&mut self, scene: &str) -> Result<(), Error> {
        writeln!(self.out, "\n{scene}")?;
        Ok(())
    }

    /// One tick of the schedule, shown in a column for each network.
    async fn check(&mut self) -> Result<(), Error> {
        self.clock.advance(BETWEEN_CHECKS);
        self.networks.iter().for_each(StandIn::clear_requests);
        let round = self.stack.round(json!({})).await?;
        let report = Report::of(&round);
        let requests = self.networks.iter().map(|it| it.requests().len());
        let now = self.clock.now().strftime("%H:%M");
        let mut columns = Table::new();
        columns
            .load_style(UTF8_FULL_CONDENSED)
            .set_content_arrangement(ContentArrangement::DynamicFullWidth)
            .set_width(WIDTH);
        let (mut names, mut cells) = (Vec::new(), Vec::new());
        for ((name, lines), requests) in by_account(&report.lines).into_iter().zip(requests) {
            names.push(name);
            cells.push(format!("{lines}\n[{now}; requests: {requests}]"));
        }
        columns.set_header(names).add_row(cells);
        writeln!(self.out, "{columns}")?;
        if report.needs_person {
            return Err("a stand-in was not to be read or written, so the story ends here".into());
        }
        self.out.flush()?;
        tokio::time::sleep(self.pace).await;
        Ok(())
    }

    async fn end(self) -> Result<Vec<Hug>, Error> {
        let hugs = self.stack.deps.ledger.snapshot().await?.hugs;
        let now = self.clock.now();
        let snapshot = self.stack.deps.ledger.snapshot().await?;
        let overview = Overview::of(snapshot, Some(&self.stack.deps.settings), now);
        let shown = hugs_table(&overview.hugs);
        writeln!(self.out, "\nThe ledger contains:\n{shown}")?;
        for network in self.networks.iter() {
            let (title, posts) = (network.facts().title, network.posts());
            if !posts.is_empty() {
                writeln!(self.out, "\nWhat Amber's account posted on {title}:")?;
            }
            for post in posts {
                writeln!(self.out, "\n  {}", post.text)?;
            }
            let messages = network.messages();
            if !messages.is_empty() {
                let to_whom = "where only the recipient can read it";
                writeln!(self.out, "\nWhat it wrote on {title}, {to_whom}:")?;
            }
            for message in messages {
                writeln!(self.out, "\n  {}", message.text)?;
            }
        }
        Ok(hugs)
    }
}

/// The lines of a round, sorted by account. The news are left out, because their links are too long for a column.
fn by_account(lines: &[String]) -> Vec<(&str, String)> {
    let mut accounts: Vec<(&str, String)> = Vec::new();
    let is_news = |line: &&String| line.starts_with("    ");
    for line in lines.iter().filter(|line| !is_news(line)) {
        if line.starts_with(' ') {
            if let Some((_, text)) = accounts.last_mut() {
                text.push('\n');
                text.push_str(line.trim_start());
            }
        } else {
            let (name, text) = line.split_once("  ").unwrap_or((line, ""));
            accounts.push((name, text.to_owned()));
        }
    }
    accounts
}
