//! The story in fast motion: the real check and invitation, a real table, and an X that is played.

use std::{io::Write, time::Duration};

use have_a_hug::{clock::Clock, hug::Hug};
use jiff::Timestamp;
use serde_json::json;

use crate::{
    Error, sandbox,
    stack::Stack,
    stand_in::{
        Fault, Person,
        x::{Account, X},
    },
    status::{HugStatus, hugs_table},
    watch,
};

const SETTINGS: &str =
    "[plan]\nfirst = 600\nstep = 100\n\n[[account]]\nnetwork = \"x\"\nhandle = \"amber\"\n";

/// How often the schedule looks, in the story's own time.
const BETWEEN_CHECKS: Duration = Duration::from_mins(5);

/// Tells the story on `out`, pausing for `pace` after each scene, and answers the hugs it came to.
///
/// The `seed` picks who follows and how large the burst is; the same seed tells the same story.
///
/// # Errors
///
/// Where this computer gives no port, or `out` takes no more.
pub async fn run(seed: u64, out: &mut impl Write, pace: Duration) -> Result<Vec<Hug>, Error> {
    let mut story = Story::begin(seed, out, pace).await?;
    story.tell("Amber, a songwriter, has 598 followers. She promises: \"Follower number 600 gets a song about a\ntopic of their choosing, and so does every hundredth after that.\"")?;
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
    let newcomers = story.newest_fans(9);
    for handle in newcomers {
        story.x.unfollow(&handle);
    }
    story.check().await?;
    story.fans(6);
    story.check().await?;

    story.tell("A hundred more follow, but X wants to be left alone for a quarter of an hour.")?;
    story.fans(100);
    story
        .x
        .fail_next("GET /2/users", Fault::RateLimited { for_seconds: 900 });
    story.check().await?;
    story.check().await?;
    story.tell("The quarter of an hour is over.")?;
    story.clock.advance(Duration::from_mins(10));
    story.check().await?;

    story.end().await
}

struct Story<'a, W> {
    stack: Stack,
    x: X,
    clock: Clock,
    people: u64,
    bots: u64,
    came: Vec<String>,
    out: &'a mut W,
    pace: Duration,
}

impl<'a, W: Write> Story<'a, W> {
    async fn begin(seed: u64, out: &'a mut W, pace: Duration) -> Result<Self, Error> {
        let start: Timestamp = "2026-11-22T14:00:00Z".parse()?;
        let clock = Clock::by_hand(start);
        let x = X::start(clock.clone()).await?;
        x.add_account(Account::amber());
        let settings = format!("{SETTINGS}server = \"{}\"\n", x.url());
        let stack = Stack::in_memory(&settings, &sandbox::secret, clock.clone()).await?;
        let people = seed % 1_000 * 10_000;
        let mut story = Self {
            stack,
            x,
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
            self.came.push(fan.handle.clone());
            self.x.follow(fan);
        }
    }

    fn bot(&mut self) {
        self.bots += 1;
        self.x.follow(Person::bot(self.bots, self.clock.now()));
    }

    fn newest_fans(&mut self, n: usize) -> Vec<String> {
        self.came.split_off(self.came.len().saturating_sub(n))
    }

    fn tell(&mut self, scene: &str) -> Result<(), Error> {
        writeln!(self.out, "\n{scene}")?;
        Ok(())
    }

    /// One tick of the schedule, told.
    async fn check(&mut self) -> Result<(), Error> {
        self.clock.advance(BETWEEN_CHECKS);
        self.x.clear_requests();
        let told = watch::round(&mut self.stack, json!({})).await?;
        for line in &told.lines {
            writeln!(self.out, "  {line}")?;
        }
        if told.trouble {
            return Err(
                "the stand-in X was not to be read or written, so the story ends here".into(),
            );
        }
        let requests = self.x.requests().len();
        let now = self.clock.now().strftime("%H:%M");
        writeln!(self.out, "    [{now}; requests to X: {requests}]")?;
        self.out.flush()?;
        tokio::time::sleep(self.pace).await;
        Ok(())
    }

    async fn end(self) -> Result<Vec<Hug>, Error> {
        let hugs = self.stack.deps.ledger.everything().await?.hugs;
        let now = self.clock.now();
        let shown: Vec<HugStatus> = hugs
            .iter()
            .map(|hug| HugStatus::at(now, hug.clone()))
            .collect();
        writeln!(self.out, "\nWhat the ledger holds:\n{}", hugs_table(&shown))?;
        writeln!(self.out, "\nWhat Amber's account posted:")?;
        for post in self.x.posts() {
            writeln!(self.out, "\n  {}", post.text)?;
        }
        Ok(hugs)
    }
}
