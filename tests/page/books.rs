//! Songbooks in every state, each made from the records that lead to it.

use std::collections::HashSet;

use have_a_hug::networks;
use jiff::{SignedDuration, Timestamp};
use promise::{
    account::{AccountName, UserId},
    answer::{TopicSource, Verdict},
    erase::{Person, erase_hug},
    evidence::{ArrivalSource, Arrivals, Certainty, Evidence},
    follower::{Follower, Recipient},
    hug::{Hug, Status},
    letter::Receipt,
    milestone::{MAX_MILESTONE, Milestone, Plan},
    news::Site,
    record::{AccountRecord, Pending},
    song::{Song, SongSource},
    unknown::Unknown,
    video::VideoId,
};
use songbook::{Count, Records, Songbook, Words, page as html};

/// When the pages are written, and when the last check was.
fn now() -> Timestamp {
    "2026-11-22T14:15:00Z".parse().unwrap()
}

fn days_ago(days: i64) -> Timestamp {
    now() - SignedDuration::from_hours(24 * days)
}

/// An account, and what its ledger has.
struct Account {
    name: AccountName,
    creator: &'static str,
    plan: Plan,
    record: Option<AccountRecord>,
    hugs: Vec<Hug>,
    counts: Vec<Count>,
    stopped: HashSet<UserId>,
}

impl Account {
    /// An account that nobody has counted yet, with a song for number 600 and for each hundredth after that.
    fn new(name: &str) -> Self {
        Self {
            name: name.parse().unwrap(),
            creator: "Amber Lane",
            plan: Plan::new(600, 100).unwrap(),
            record: None,
            hugs: Vec::new(),
            counts: Vec::new(),
            stopped: HashSet::new(),
        }
    }

    /// It was counted each hour. Each pair has the days before today and the count then; between two of them the count
    /// changed evenly. The last pair is the last check.
    fn counted(mut self, course: &[(i64, u64)]) -> Self {
        for pair in course.windows(2) {
            let [(from, before), (to, after)] = pair else {
                continue;
            };
            let hours = 24 * (from - to);
            let grown = i64::try_from(*after).unwrap() - i64::try_from(*before).unwrap();
            self.counts.extend((0..hours).map(|hour| Count {
                at: days_ago(*from) + SignedDuration::from_hours(hour),
                followers: before.checked_add_signed(grown * hour / hours).unwrap(),
            }));
        }
        let (days, followers) = *course.last().unwrap();
        let (name, id) = (self.name.clone(), "44196397".into());
        self.record = Some(AccountRecord::first(name, id, followers, days_ago(days)));
        self
    }

    /// Nobody counted from so many days ago until so many days ago.
    fn except(mut self, from: i64, to: i64) -> Self {
        let gap = days_ago(from)..days_ago(to);
        self.counts.retain(|count| !gap.contains(&count.at));
        self
    }

    fn with(mut self, hugs: impl IntoIterator<Item = Hug>) -> Self {
        self.hugs.extend(hugs);
        self
    }

    fn record(&mut self) -> &mut AccountRecord {
        self.record.as_mut().unwrap()
    }

    /// A hug that was reached so many days ago, with that name and handle for its follower.
    fn hug(&self, number: u64, days: i64, name: &str, handle: &str) -> Hug {
        let follower = Follower {
            id: format!("id of {number}").into(),
            handle: handle.to_owned(),
            name: Some(name.to_owned()),
            ..Follower::default()
        };
        let at = days_ago(days);
        let evidence = Evidence {
            count_before: number - 1,
            count_after: number + 1,
            since: Some(at),
            position: 1,
            passed_over: u64::try_from(days % 3).unwrap(),
            certainty: if days % 2 == 0 {
                Certainty::Certain
            } else {
                Certainty::Likely
            },
            arrivals: Some(Arrivals {
                since_count: number - 1,
                since: at,
                came: 2,
                source: ArrivalSource::List,
            }),
            note: None,
            unknown: Unknown::new(),
        };
        Hug::owed(
            self.name.clone(),
            "44196397".into(),
            Milestone::from_number(number).unwrap(),
            self.creator.to_owned(),
            Some(Recipient::from(&follower)),
            evidence,
            at,
        )
    }
}

fn receipt() -> Receipt {
    Receipt {
        reference: "1".to_owned(),
        url: None,
        reply_key: None,
    }
}

/// Its invitation was sent at once.
fn invited(hug: Hug) -> Hug {
    let at = hug.reached_at;
    hug.claim(at).unwrap().delivered(receipt(), at)
}

/// Its follower asked for that song a day later.
fn asked(hug: Hug, topic: &str) -> Hug {
    let at = hug.reached_at + SignedDuration::from_hours(24);
    let mut asked = invited(hug).topic_by_hand(topic.to_owned(), at).unwrap();
    asked.topic.as_mut().unwrap().by = TopicSource::Follower;
    asked
}

/// The hug's song was posted three days after the milestone.
fn posted(hug: Hug, title: Option<&str>) -> Hug {
    let at = hug.reached_at + SignedDuration::from_hours(72);
    let song = Song {
        video: VideoId::from_id("AAAAAAAAAAA").unwrap(),
        title: title.map(str::to_owned),
        by: SongSource::Channel,
        at,
        unknown: Unknown::new(),
    };
    hug.song_posted(song, at).unwrap()
}

/// The follower has the song.
fn sung(hug: Hug, topic: &str, title: &str) -> Hug {
    let posted = posted(asked(hug, topic), Some(title));
    let at = posted.updated_at;
    posted.claim(at).unwrap().delivered(receipt(), at)
}

/// A page, and what must be read on it as text.
pub(crate) struct Page {
    /// A word for its state.
    pub(crate) name: &'static str,
    pub(crate) html: String,
    pub(crate) texts: Vec<String>,
}

fn page(name: &'static str, accounts: &[Account]) -> Page {
    page_with(name, &Words::default(), accounts)
}

fn page_with(name: &'static str, words: &Words, accounts: &[Account]) -> Page {
    let site = |account: &Account| networks::site(&account.name, None);
    let sites: Vec<Site> = accounts.iter().map(site).collect();
    let records = accounts.iter().zip(&sites).map(|(account, site)| Records {
        name: &account.name,
        site,
        creator: Some(account.creator),
        plan: account.plan,
        account: account.record.as_ref(),
        hugs: &account.hugs,
        counts: &account.counts,
        stopped: &account.stopped,
    });
    let book = Songbook::of(words, &records.collect::<Vec<_>>(), 0);
    Page {
        name,
        html: html::render(&book, now()),
        texts: Vec::new(),
    }
}

/// A year in which two songs were asked for and a third number was just reached, on two networks.
pub(crate) fn songbook() -> Page {
    let x = Account::new("x:amber").counted(&[
        (175, 431),
        (167, 439),
        (160, 452),
        (152, 466),
        (144, 476),
        (137, 497),
        (131, 519),
        (125, 538),
        (119, 561),
        (113, 581),
        (108, 601),
        (101, 611),
        (93, 622),
        (79, 640),
        (75, 643),
        (67, 655),
        (59, 669),
        (53, 690),
        (48, 702),
        (42, 701),
        (36, 699),
        (28, 709),
        (20, 717),
        (12, 727),
        (4, 739),
        (0, 743),
    ]);
    let x = x.except(92, 79);
    let heron = x.hug(600, 107, "June Okafor", "june_okafor");
    let heron = sung(
        heron,
        "the bird that my grandfather feeds",
        "The Heron on the Canal",
    );
    let waits = invited(x.hug(700, 49, "nobody", "nobody"));
    let bluesky =
        Account::new("bluesky:amber.bsky.social").counted(&[(20, 571), (1, 600), (0, 602)]);
    let mut bluesky = bluesky.with([]);
    bluesky.record().pending = Some(pending(600, 2));
    let words = Words {
        promise: Some(
            "Number 600 chose the topic of a song that I wrote and sang for them, and so does every hundredth \
             follower after that. I don’t just want to take, I want to give."
                .to_owned(),
        ),
        ..Words::default()
    };
    let mut page = page_with("songbook", &words, &[x.with([heron, waits]), bluesky]);
    page.texts = texts(&[
        "For June Okafor, @june_okafor, who asked for “the bird that my grandfather feeds”",
        "Two accounts were passed over, so the next genuine follower gets this song.",
    ]);
    page
}

fn pending(number: u64, passed_over: u64) -> Pending {
    Pending {
        milestone: Milestone::from_number(number).unwrap(),
        since: days_ago(1),
        judged: None,
        certain: true,
        passed_over,
    }
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

/// An account with that many hugs, one each four days, of which the last three are on their way.
fn with_hugs(count: u64) -> Account {
    let last = 500 + 100 * count;
    let days = i64::try_from(4 * count).unwrap();
    let account = Account::new("x:amber").counted(&[(days, 599), (0, last + 29)]);
    let hug = |at: u64| {
        let ago = days - 1 - i64::try_from(4 * at).unwrap();
        let (name, handle) = (format!("Fan {at}"), format!("fan_{at}"));
        let hug = account.hug(600 + 100 * at, ago, &name, &handle);
        if at + 3 < count {
            sung(
                hug,
                "the sea",
                &format!("Song about the sea, part {}", at + 1),
            )
        } else {
            invited(hug)
        }
    };
    let hugs: Vec<Hug> = (0..count).map(hug).collect();
    account.with(hugs)
}

/// A hug in each state that there is, and a number that waits for a genuine follower.
fn every_status() -> Page {
    let mut account = Account::new("x:amber").counted(&[(200, 590), (0, 2_315)]);
    account.record().pending = Some(pending(2_300, 1));
    let hug = |number: u64| {
        let days = i64::try_from((2_400 - number) / 10).unwrap();
        account.hug(number, days, "Fan", &format!("fan{number}"))
    };
    let with = |status, mut hug: Hug| {
        hug.status = status;
        hug
    };
    let mut doubtful = asked(hug(1_100), "something that a person has to read");
    doubtful.status = Status::Invited;
    doubtful.topic.as_mut().unwrap().verdict = Verdict::Doubtful;
    let hugs = vec![
        with(Status::Reached, hug(600)),
        with(Status::Held, hug(700)),
        with(Status::Inviting, hug(800)),
        with(Status::ToSend, hug(900)),
        invited(hug(1_000)),
        doubtful,
        asked(hug(1_200), "the rain in May"),
        posted(asked(hug(1_300), "a lost umbrella"), Some("Umbrella")),
        with(
            Status::ToSend,
            posted(asked(hug(1_400), "the night bus"), Some("Night Bus")),
        ),
        sung(hug(1_500), "a kite", "The Kite"),
        posted(asked(hug(1_600), "a song whose title nobody knows"), None),
        posted(invited(hug(1_700)), Some("For someone who was silent")),
        with(Status::Declined, invited(hug(1_800))),
        with(Status::Cancelled, hug(1_900)),
        with(Status::Unknown("of a later version".to_owned()), hug(2_000)),
    ];
    let mut page = page("every-status", &[account.with(hugs)]);
    page.texts = texts(&[
        "Waiting for its follower",
        "Waiting for a topic",
        "A song is being written",
        "The Kite",
        "Song number 1600",
        "For follower number 1700",
        "Without a song",
    ]);
    page
}

/// Songs whose followers may not be named any more: one said stop after the song, one said stop before it, one was
/// erased, one said stop to another account.
fn unnamed() -> Page {
    let mut account = Account::new("x:amber").counted(&[(60, 590), (0, 957)]);
    let secret = |number, days| account.hug(number, days, "Secret Name", "secret_handle");
    let song = |hug| sung(hug, "a secret topic", "The Song Stays");
    let mut after = song(secret(600, 50));
    after.status = Status::Declined;
    let mut before = asked(secret(700, 40), "a secret topic");
    before.status = Status::Declined;
    let erased = song(secret(800, 30));
    let person = Person {
        ids: [erased.follower.clone().unwrap().id].into(),
        ..Person::default()
    };
    let erased = erase_hug(&erased, &person, false, now()).unwrap();
    let elsewhere = song(secret(900, 20));
    account.stopped = [elsewhere.follower.clone().unwrap().id].into();
    let page = page(
        "unnamed",
        &[account.with([after, before, erased, elsewhere])],
    );
    Page {
        texts: texts(&["For someone who would rather not be named"]),
        ..page
    }
}

/// What a page would obey if it were not text there.
pub(crate) const HOSTILE: [&str; 9] = [
    "<script>window.ran=1</script>",
    "<img src=https://127.0.0.1:9/ onerror=window.ran=1>",
    "</style><style>*{display:none}</style>",
    "\" onfocus=\"window.ran=1\" autofocus tabindex=\"0",
    "' onclick='window.ran=1",
    "--></bdi></p></li><h1>Gone</h1>",
    "&lt;b&gt; &amp; &#60;",
    "<a href=javascript:window.ran=1>click</a>",
    "{{7*7}} ${7*7} <%= 7 %> ]]>",
];

/// Names, handles, topics and titles, each as hostile as the others, and the creator's own words too.
pub(crate) fn hostile() -> Page {
    let count = u64::try_from(HOSTILE.len()).unwrap();
    let mut account = Account::new("mastodon:amber@example.social");
    account.creator = HOSTILE[0];
    let mut account = account.counted(&[(80, 590), (0, 629 + 100 * (count + 2))]);
    let mut shown: Vec<String> = HOSTILE.map(str::to_owned).into();
    for (at, text) in (0..).zip(HOSTILE) {
        let hug = account.hug(600 + 100 * at, 70, text, &format!("{text}2"));
        account.hugs.push(sung(hug, text, text));
        shown.push(format!("For {text}, @{text}2, who asked for “{text}”"));
    }
    // The longest that a network allows, without a place to break the line.
    let long = "w".repeat(253);
    let hug = account.hug(600 + 100 * count, 40, &long[..100], &long);
    account.hugs.push(sung(hug, &long, &long[..100]));
    // The name is written from right to left, and what follows it is not. The reversing characters are removed.
    let reversed = "\u{202e}שלום 12\u{202c}";
    let hug = account.hug(700 + 100 * count, 30, reversed, "\u{2067}עברית");
    account.hugs.push(sung(hug, "שיר על הים", "الأغنية 7"));
    shown.extend([
        format!("@{long}, who asked for"),
        "For שלום 12, @עברית, who asked for “שיר על הים”. Sung on 26 October 2026.".to_owned(),
    ]);
    let words = Words {
        title: Some(HOSTILE[2].to_owned()),
        promise: Some(HOSTILE[1].to_owned()),
        listed: true,
        url: Some("https://example.com/\"><script>window.ran=1</script>".to_owned()),
    };
    let mut page = page_with("hostile", &words, &[account]);
    page.texts = shown;
    page
}

/// Every state of the page.
pub(crate) fn all() -> Vec<Page> {
    let x = || Account::new("x:amber");
    let mut one_song = x();
    one_song.plan = Plan::new(600, MAX_MILESTONE).unwrap();
    let one_song = one_song.counted(&[(30, 590), (0, 743)]);
    let kite = sung(one_song.hug(600, 20, "Kit", "kit"), "a kite", "The Kite");
    let mut fell = x().counted(&[(83, 590), (60, 650), (0, 571)]);
    fell.record().promised_up_to = 600;
    let waits = invited(fell.hug(600, 79, "nobody", "nobody"));
    let shown = |page: Page, shown: &[&str]| Page {
        texts: texts(shown),
        ..page
    };
    vec![
        songbook(),
        shown(
            page("nothing-counted", &[x()]),
            &["The followers have not been counted yet.", "No song yet."],
        ),
        shown(
            page("one-count", &[x().counted(&[(0, 412)])]),
            &["188", "The curve begins here."],
        ),
        shown(
            page("no-hugs", &[x().counted(&[(83, 520), (0, 571)])]),
            &[
                "29",
                "The first one is for number 600: perhaps that is you.",
            ],
        ),
        shown(
            page("gap", &[x().counted(&[(60, 450), (0, 571)]).except(40, 25)]),
            &["Where the curve is dotted, nobody counted."],
        ),
        shown(
            page("fell-below", &[fell.with([waits])]),
            &["129", "571 are here"],
        ),
        page("next-is-close", &[x().counted(&[(60, 150), (0, 598)])]),
        page("on-the-number", &[x().counted(&[(60, 590), (0, 700)])]),
        page("one-hug", &[with_hugs(1)]),
        page("8-hugs", &[with_hugs(8)]),
        page("9-hugs", &[with_hugs(9)]),
        shown(page("50-hugs", &[with_hugs(50)]), &["30 earlier numbers"]),
        page(
            "millions",
            &[x().counted(&[(120, 1_204_000), (0, 1_712_829)])],
        ),
        page(
            "slow-millions",
            &[x().counted(&[(120, 1_712_415), (0, 1_712_829)])],
        ),
        shown(
            page("plan-exhausted", &[one_song.with([kite])]),
            &["every song of the plan is promised"],
        ),
        shown(
            page(
                "several-accounts",
                &[
                    with_hugs(3),
                    Account::new("bluesky:amber.bsky.social").counted(&[(20, 571), (0, 583)]),
                    Account::new("mastodon:amber@example.social"),
                ],
            ),
            &["On X, @amber", "On Bluesky, @amber.bsky.social"],
        ),
        every_status(),
        unnamed(),
        hostile(),
    ]
}
