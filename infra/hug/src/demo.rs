//! The demo of the whole promise: the real functions, a real table, and the stand-in networks. It tells a story in words,
//! and shows under each scene what the program prints.

use std::{io::Write, time::Duration};

use have_a_hug::{by_hand::Step, clock::Clock};
use jiff::Timestamp;
use promise::{account::AccountName, hug::Hug, milestone::Milestone, video::VideoId};
use serde_json::json;
use stand_ins::{
    Fault, Networks, Person,
    youtube::{Video, YouTube},
};

use crate::{
    Error,
    creator::{self, Which},
    report::{AccountReport, Report},
    sandbox::{secret_of_sandbox, songs_on, youtube},
    screen::{below, is_wide, side_by_side, wrapped},
    stack::Stack,
    words::follower,
};

/// How often the schedule checks, in the demo's own time.
const BETWEEN_CHECKS: Duration = Duration::from_mins(5);

/// How long a reader needs for a character. Most people read 20 to 25 in a second.
const A_CHARACTER: Duration = Duration::from_millis(40);

/// How long the pause after a scene is at most: a slow reader can stop the terminal, and a fast one has to wait.
const MAX_PAUSE: Duration = Duration::from_secs(12);

/// How fast the demo is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// With a pause after each scene, for somebody who reads along.
    Reader,
    /// Without a pause.
    Fast,
}

impl Pace {
    /// How long the pause after a text of so many characters is.
    fn after(self, characters: usize) -> Duration {
        match self {
            Self::Fast => Duration::ZERO,
            Self::Reader => {
                let characters = u32::try_from(characters).unwrap_or(u32::MAX);
                A_CHARACTER.saturating_mul(characters).min(MAX_PAUSE)
            }
        }
    }
}

/// Runs the demo and prints it on `out`, which has `width` columns. Returns the hugs that it made.
///
/// The `seed` picks who follows and how large the burst is; the same seed prints the same.
///
/// # Errors
///
/// Where this computer gives no port, or `out` takes no more.
pub async fn run(
    seed: u64,
    out: &mut impl Write,
    width: Option<usize>,
    pace: Pace,
) -> Result<Vec<Hug>, Error> {
    let mut story = Story::begin(seed, out, width, pace).await?;
    if pace == Pace::Reader {
        story
            .tell(&[
                "(The story goes on by itself. Ctrl-C ends it; `hug demo --fast` does not pause.)",
            ])
            .await?;
    }
    story.tell(&[
        "Amber is a songwriter. On each of three networks 598 people follow her, and she promises:",
        "\"Follower number 600 gets a song about a topic of their choosing, and so does every hundredth after that.\"",
        "This program keeps the promise for her. It checks each account every five minutes. The first check only notes the count: a number that is behind her gets no song.",
    ])
    .await?;
    story.check().await?;

    story.tell(&[
        "A fan follows, and then a bot. The bot is number 600. A bot wants no song, so number 600 waits for the next follower who is a person.",
    ])
    .await?;
    story.fans(1);
    story.bot();
    story.check().await?;

    story.tell(&[
        "The next fan comes. The bot is passed over, and the hug for number 600 goes to this fan. X and Bluesky let no program write to somebody who did not ask for it, so there the program posts an announcement. On Mastodon it writes to the fan in private.",
    ])
    .await?;
    story.fans(1);
    story.check().await?;
    story.invitations().await?;

    let burst = 203 + seed % 5;
    story.tell(&[&format!(
        "A video goes round: {burst} more follow within five minutes, bots among them. The count leaps over 700 and 800 at once. Each number finds its own follower, though hundreds came together.",
    )])
    .await?;
    story.fans(98);
    story.bot();
    story.fans(burst - 99);
    story.check().await?;

    story.tell(&[
        "Nine people unfollow, and the count falls below 800. Then six others come, and it climbs over 800 a second time. Nobody gets a second hug for 800: every number is promised once.",
    ])
    .await?;
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
    story.tell(&[&format!(
        "The next day a hundred more follow. {} has a rate limit and answers nothing for a quarter of an hour. The other networks do not wait for it.",
        limited.facts().title
    )])
    .await?;
    story.fans(100);
    story.check().await?;
    story.check().await?;
    story.tell(&["The quarter of an hour is over. Nothing is lost: the check finds who crossed 900 in the meantime."])
        .await?;
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
    width: Option<usize>,
    pace: Pace,
    /// How many characters were printed since the last pause.
    unread: usize,
}

impl<'a, W: Write> Story<'a, W> {
    async fn begin(
        seed: u64,
        out: &'a mut W,
        width: Option<usize>,
        pace: Pace,
    ) -> Result<Self, Error> {
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
            width,
            pace,
            unread: 0,
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

    /// Prints a text that the reader has not read yet.
    fn print(&mut self, text: &str) -> Result<(), Error> {
        self.unread += text.chars().count();
        writeln!(self.out, "{text}")?;
        Ok(())
    }

    /// Prints a paragraph, each line of which is indented by so much.
    fn paragraph(&mut self, text: &str, indent: usize) -> Result<(), Error> {
        let width = self.width.unwrap_or(usize::MAX);
        let margin = " ".repeat(indent);
        for line in text.lines() {
            for part in wrapped(&format!("{margin}{line}"), width, indent) {
                self.print(&part)?;
            }
        }
        Ok(())
    }

    /// Gives the reader time.
    async fn pause(&mut self) -> Result<(), Error> {
        self.out.flush()?;
        tokio::time::sleep(self.pace.after(std::mem::take(&mut self.unread))).await;
        Ok(())
    }

    /// Tells what happens and why, in paragraphs.
    async fn tell(&mut self, paragraphs: &[&str]) -> Result<(), Error> {
        for paragraph in paragraphs {
            self.print("")?;
            let indent = if paragraph.starts_with('"') { 2 } else { 0 };
            self.paragraph(paragraph, indent)?;
        }
        self.pause().await
    }

    /// One tick of the schedule, shown for each network: side by side if there is room.
    async fn check(&mut self) -> Result<(), Error> {
        self.clock.advance(BETWEEN_CHECKS);
        let round = self.stack.round(json!({})).await?;
        let report = Report::of(&round);
        let (text, margin) = match self.width.filter(|width| is_wide(Some(*width))) {
            Some(width) => (in_columns(&report.accounts, width), ""),
            None => (in_lines(&report.accounts), "  "),
        };
        self.print(&format!("\n{margin}The check at {}:\n", self.clock.now()))?;
        writeln!(self.out, "{text}")?;
        // The accounts say nearly the same, so a reader reads one of them.
        self.unread += text.chars().count() / report.accounts.len().max(1);
        let failed = round.summary.failed + round.summary.skipped;
        if failed > 0 || text.contains("cannot be read") {
            return Err("a stand-in was not to be read or written, so the story ends here".into());
        }
        self.pause().await
    }

    /// The words with which number 600 was invited, once for each way.
    async fn invitations(&mut self) -> Result<(), Error> {
        let posts = self.networks.iter().find_map(|network| {
            let post = network.posts().into_iter().next()?;
            Some((network.facts().title, post.text))
        });
        let messages = self.networks.iter().find_map(|network| {
            let message = network.messages().into_iter().next()?;
            Some((network.facts().title, message.text))
        });
        if let Some((title, words)) = posts {
            self.print(&format!("\nAmber's account posts on {title}:\n"))?;
            self.paragraph(&words, 2)?;
        }
        if let Some((title, words)) = messages {
            self.print(&format!("\nOn {title} only number 600 can read this:\n"))?;
            self.paragraph(&words, 2)?;
        }
        self.pause().await
    }

    /// The followers answer, each on their own network.
    async fn answers(&mut self) -> Result<(), Error> {
        self.tell(&["Somebody else answers the invitations for number 600. The program knows by the network's own id who number 600 is, so nobody can take the song of another."])
            .await?;
        for network in self.accounts() {
            self.answer_as("somebody", network, 600, "Write one about me!")
                .await?;
        }
        self.check().await?;

        self.tell(&[
            "Then number 600 answers, on each network. Their words are the topic of the song.",
        ])
        .await?;
        for (network, wish) in self.accounts().into_iter().zip(WISHES) {
            self.answer(network, 600, wish).await?;
        }
        self.check().await?;

        self.tell(&["Number 700 answers, too: one with a word that Amber may not want to sing, one with a link, and one with \"stop\". About a topic only Amber decides, so the program asks her. \"Stop\" counts at once: the program never writes to that person again."])
            .await?;
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
        self.tell(&["Amber likes the coffee. She does not sing about links; that follower can still name another topic."])
            .await?;
        self.command(700, accounts[0], "topic", "--accept", Step::Accept)
            .await?;
        self.command(700, accounts[1], "topic", "--refuse", Step::Refuse)
            .await
    }

    /// Amber has written the songs for number 600.
    async fn songs(&mut self) -> Result<(), Error> {
        self.tell(&["Amber has recorded the songs for number 600, and puts them on YouTube. Of the first song she says where it is."])
            .await?;
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
        self.tell(&["For the others she writes a mark into the description of the video, such as #hug600bluesky. The next check finds it by itself."])
            .await?;
        for (network, (id, title)) in accounts.iter().zip(SONGS).skip(1) {
            let name = self.name(*network).network;
            let mut video = Video::by_amber(id, title, self.clock.now());
            video.description = format!("For follower number 600. #hug600{}", name.word());
            self.youtube.add_video(video);
        }
        self.check().await?;
        let songs = self.networks.iter().find_map(|network| {
            let post = network.posts().into_iter().last()?;
            Some((network.facts().title, post.text))
        });
        if let Some((title, words)) = songs {
            self.print(&format!(
                "\nEach link arrives below the follower's own answer. On {title}:\n"
            ))?;
            self.paragraph(&words, 2)?;
        }
        self.pause().await
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
        self.print(&format!(
            "\n  $ hug {verb} {number} --account {account} {what}"
        ))?;
        let which = Which {
            account: Some(account),
            milestone: Milestone::from_number(number),
        };
        let Stack { deps, .. } = &self.stack;
        let (ledger, settings, now) = (&deps.ledger, &deps.settings, self.clock.now());
        let mut said = Vec::new();
        creator::run(ledger, settings, &which, &step, now, &mut said).await?;
        let report = Report::of(&self.stack.deliver_only().await?);
        let said = String::from_utf8_lossy(&said).into_owned();
        // What else could be done by hand leads to addresses that are not there.
        for line in said.lines().filter(|line| !line.starts_with(' ')) {
            self.print(&format!("  {line}"))?;
        }
        for event in report.accounts.iter().flat_map(|account| &account.events) {
            self.print(&format!("    {}", event.text))?;
        }
        self.pause().await
    }

    async fn end(mut self) -> Result<Vec<Hug>, Error> {
        let hugs = self.stack.deps.ledger.snapshot().await?.hugs;
        self.print("\nSo far the promise is kept. `hug status` shows where each hug is:")?;
        for account in &self.stack.deps.settings.accounts.clone() {
            self.print(&format!("\n  {}", account.name))?;
            for hug in hugs.iter().filter(|hug| hug.account == account.name) {
                let topic = hug.topic.as_ref();
                let about = topic.map_or_else(String::new, |topic| format!(": {}", topic.text));
                let (milestone, status) = (hug.milestone, &hug.status);
                let whom = follower(hug);
                self.print(&format!("    {milestone} {status}, {whom}{about}"))?;
            }
        }
        self.tell(&["Nothing else was sent, and nothing left this computer: the networks were stand-ins. README.md says how to begin with your own account."])
            .await?;
        Ok(hugs)
    }
}

/// What a check found, account by account. Addresses are left out: they lead nowhere. So are the news for the creator.
fn in_lines(accounts: &[AccountReport]) -> String {
    let one = |report: &AccountReport| {
        let found = report.found.as_ref().map_or("", |found| found.text());
        let events = report.events.iter().map(|event| event.text.as_str());
        let events = below(events, 4);
        format!("  {}\n    {found}{events}", report.account)
    };
    let lines: Vec<String> = accounts.iter().map(one).collect();
    lines.join("\n")
}

/// The same with a column for each account.
fn in_columns(accounts: &[AccountReport], width: usize) -> String {
    let column = (width + 2) / accounts.len().max(1) - 2;
    let one = |report: &AccountReport| {
        let found = report.found.as_ref().map_or("", |found| found.text());
        let events = report.events.iter().map(|event| event.text.as_str());
        let events = below(events, 0);
        format!("{}\n{found}{events}", report.account)
    };
    let texts: Vec<String> = accounts.iter().map(one).collect();
    let texts: Vec<(&str, usize)> = texts.iter().map(|text| (text.as_str(), column)).collect();
    side_by_side(&texts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_has_time_by_the_length_of_the_text_and_a_pipe_waits_for_nothing() {
        assert_eq!(Pace::Reader.after(100), Duration::from_secs(4));
        assert_eq!(Pace::Reader.after(100_000), MAX_PAUSE);
        assert_eq!(Pace::Fast.after(100_000), Duration::ZERO);
    }
}
