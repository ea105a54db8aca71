//! The demo of the whole promise: the real functions, a real table, and the stand-in networks side by side.

use std::{io::Write, time::Duration};

use comfy_table::{ContentArrangement, Table, presets::UTF8_FULL_CONDENSED};
use have_a_hug::{by_hand::Step, clock::Clock};
use jiff::Timestamp;
use promise::{account::AccountName, hug::Hug, milestone::Milestone, video::VideoId};
use serde_json::json;
use stand_ins::{
    Fault, Networks, Person, StandIn,
    youtube::{Video, YouTube},
};

use crate::{
    Error,
    creator::{self, Which},
    report::Report,
    sandbox::{secret_of_sandbox, songs_on, youtube},
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

    story.answers().await?;

    let limited = story.networks.first().clone();
    // Not the first request of a check, which may be for answers: the one for the count.
    limited.fail_next(
        "?user.fields=public_metrics",
        Fault::RateLimited { for_seconds: 900 },
    );
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

    story.songs().await?;
    story.end().await
}

/// What number 600 wishes for, on each network.
const WISHES: [&str; 3] = [
    "rain on a tin roof",
    "my grandmother's handwriting",
    "the last bus home",
];

/// The songs for number 600: the video's id and its title.
const SONGS: [(&str, &str); 3] = [
    ("rainOnATin0", "Rain on a Tin Roof"),
    ("grandmother", "In Her Hand"),
    ("lastBusHome", "The Last Bus Home"),
];

struct Story<'a, W> {
    stack: Stack,
    networks: Networks,
    youtube: YouTube,
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
        let youtube = youtube(&clock).await?;
        let settings = networks.settings() + &songs_on(&youtube);
        let stack = Stack::in_memory(&settings, &secret_of_sandbox, clock.clone()).await?;
        let people = seed % 1_000 * 10_000;
        let mut story = Self {
            stack,
            networks,
            youtube,
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
        let failed = round.summary.failed + round.summary.skipped;
        if failed > 0
            || report
                .lines
                .iter()
                .any(|line| line.contains("cannot be read"))
        {
            return Err("a stand-in was not to be read or written, so the story ends here".into());
        }
        self.out.flush()?;
        tokio::time::sleep(self.pace).await;
        Ok(())
    }

    /// The followers answer, each on their own network.
    async fn answers(&mut self) -> Result<(), Error> {
        self.tell("Someone else answers the invitations for number 600. Only number 600 counts.")?;
        for network in self.accounts() {
            self.answer_as("somebody", network, 600, "Write one about me!")
                .await?;
        }
        self.check().await?;

        self.tell("Then number 600 answers, on each network.")?;
        for (network, wish) in self.accounts().into_iter().zip(WISHES) {
            self.answer(network, 600, wish).await?;
        }
        self.check().await?;

        self.tell(
            "Number 700 answers, too: on one network with a word that Amber should read first, on one with a link, and on one with \"stop\".",
        )?;
        let answers = [
            "the damn good coffee of my dad",
            "https://example.org/buy",
            "stop",
        ];
        let accounts = self.accounts();
        for (network, answer) in accounts.iter().zip(answers) {
            self.answer(*network, 700, answer).await?;
        }
        self.check().await?;
        self.tell("Amber likes the coffee, and does not sing about links. Whoever says stop is left alone for ever.")?;
        self.command(700, accounts[0], "topic", "--accept", Step::Accept)
            .await?;
        self.command(700, accounts[1], "topic", "--refuse", Step::Refuse)
            .await
    }

    /// Amber has written the songs for number 600.
    async fn songs(&mut self) -> Result<(), Error> {
        self.tell("Amber has recorded the songs for number 600. She names the first one by hand.")?;
        let accounts = self.accounts();
        for (id, title) in SONGS {
            let video = Video::by_amber(id, title, self.clock.now());
            self.youtube.add_video(video);
        }
        let url = format!("https://youtu.be/{}", SONGS[0].0);
        let youtube = &self.stack.deps.youtube;
        let video = VideoId::from_url(&url)?;
        let song = creator::look_up(youtube, video, None, &mut *self.out).await?;
        self.command(600, accounts[0], "song", &url, song).await?;

        self.tell("For the others she writes a mark into the description of the video, and the next check finds it.")?;
        for (network, (id, title)) in accounts.iter().zip(SONGS).skip(1) {
            let name = self.name(*network).network;
            let mut video = Video::by_amber(id, title, self.clock.now());
            video.description = format!("For follower number 600. #hug600{}", name.word());
            self.youtube.add_video(video);
        }
        self.check().await
    }

    /// The places of the accounts in the settings, which are those of their networks.
    fn accounts(&self) -> Vec<usize> {
        (0..self.networks.iter().count()).collect()
    }

    /// The account at that place in the settings.
    fn name(&self, place: usize) -> AccountName {
        self.stack.deps.settings.accounts[place].name.clone()
    }

    /// The follower who has the hug for that number answers its invitation.
    async fn answer(&self, place: usize, number: u64, text: &str) -> Result<(), Error> {
        let hug = self.hug(place, number).await?;
        let handle = hug.follower.map(|follower| follower.handle);
        self.answer_as(&handle.unwrap_or_default(), place, number, text)
            .await
    }

    async fn answer_as(
        &self,
        handle: &str,
        place: usize,
        number: u64,
        text: &str,
    ) -> Result<(), Error> {
        let hug = self.hug(place, number).await?;
        let rules = self.stack.deps.settings.accounts[place].rules();
        // As the announcement asks where a program may reply to nothing else.
        let text = if rules.replies_need_tag {
            format!("@{} {text}", hug.account.handle)
        } else {
            text.to_owned()
        };
        let post = hug.invitation.reference().unwrap_or_default();
        if let Some(network) = self.networks.iter().nth(place) {
            network.answer(handle, &text, post);
        }
        Ok(())
    }

    async fn hug(&self, place: usize, number: u64) -> Result<Hug, Error> {
        let name = self.name(place);
        let hugs = self.stack.deps.ledger.snapshot().await?.hugs;
        let found = hugs
            .into_iter()
            .find(|hug| hug.account == name && hug.milestone.number() == number);
        found.ok_or_else(|| format!("{name} has no hug for {number}").into())
    }

    /// One command of Amber's, as she types it, and what it prints.
    async fn command(
        &mut self,
        number: u64,
        place: usize,
        verb: &str,
        what: &str,
        step: Step,
    ) -> Result<(), Error> {
        let account = self.name(place);
        writeln!(
            self.out,
            "\n$ hug {verb} {number} --account {account} {what}"
        )?;
        let which = Which {
            account: Some(account),
            milestone: Milestone::from_number(number),
        };
        let Stack { deps, .. } = &self.stack;
        let (ledger, settings, now) = (&deps.ledger, &deps.settings, self.clock.now());
        creator::run(ledger, settings, &which, &step, now, &mut *self.out).await?;
        let report = Report::of(&self.stack.deliver_only().await?);
        for line in report.lines.iter().filter(|line| !is_news(line)) {
            writeln!(self.out, "{line}")?;
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

fn is_news(line: &str) -> bool {
    line.starts_with("    ")
}

/// The lines of a round, sorted by account. The news are left out, because their links are too long for a column.
fn by_account(lines: &[String]) -> Vec<(&str, String)> {
    let mut accounts: Vec<(&str, String)> = Vec::new();
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
