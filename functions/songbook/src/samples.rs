//! Records for this crate's tests and its example, which is why they name the crate as others do.

use std::collections::HashSet;

use jiff::{SignedDuration, Timestamp};
use promise::{
    account::{AccountName, NetworkName, UserId},
    answer::{Topic, TopicSource, Verdict},
    channel::Channel,
    evidence::{Certainty, Evidence},
    follower::Recipient,
    hug::{Hug, Status},
    milestone::{Milestone, Plan},
    news::Site,
    record::AccountRecord,
    rules::{HandleRules, Limit, Rules},
    song::{Song, SongSource},
    unknown::Unknown,
    video::VideoId,
};

use songbook::{Count, Records, Songbook, Words};

pub(crate) const NOW: &str = "2026-11-22T14:15:00Z";

static RULES: Rules = Rules {
    network: NetworkName::X,
    title: "X",
    handle: HandleRules {
        is_valid: |_| true,
        example: "amber",
        names_its_server: false,
        address: |handle| format!("@{handle}"),
        max_address: 15,
    },
    default_server: |_| "https://x.example".to_owned(),
    default_appview: None,
    measure: |text| text.chars().count(),
    post: Limit {
        units: 280,
        bytes: usize::MAX,
    },
    message: Err("none"),
    mention_is_private: false,
    replies_need_tag: false,
    default_contact: &[Channel::Draft],
    secrets_to_send: &[],
    secrets_to_read: &[],
    help_to_post: "",
    help_to_message: "",
    list_has_profiles: true,
    profiles_at_once: 100,
    followers_a_day: 6_000,
    // The networks' own functions encode every character that a handle does not have.
    profile_url: |server, handle| {
        let known = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
        let handle: String = handle.chars().filter(|c| known(*c)).collect();
        format!("{server}/{handle}")
    },
    post_at: |_| None,
    post_link: |_, _| String::new(),
    private_link: |_, _, _| None,
    reply_link: |_, _, _| None,
    price_of_a_look: None,
    price_of_followers: None,
    price_of_a_link: None,
};

pub(crate) fn now() -> Timestamp {
    NOW.parse().unwrap()
}

pub(crate) fn days_ago(days: i64) -> Timestamp {
    now() - SignedDuration::from_hours(24 * days)
}

/// The records of one account, to be changed by a test.
pub(crate) struct Sample {
    pub(crate) name: AccountName,
    pub(crate) site: Site,
    pub(crate) plan: Plan,
    pub(crate) account: Option<AccountRecord>,
    pub(crate) hugs: Vec<Hug>,
    pub(crate) counts: Vec<Count>,
    pub(crate) stopped: HashSet<UserId>,
    pub(crate) words: Words,
}

impl Sample {
    /// An account that was checked now and has so many followers, with everything up to there decided.
    pub(crate) fn counted(followers: u64) -> Self {
        let name: AccountName = "x:amber".parse().unwrap();
        let account = AccountRecord::first(name.clone(), "44196397".into(), followers, now());
        Self {
            name,
            site: Site {
                rules: &RULES,
                server: "https://x.example".to_owned(),
            },
            plan: Plan::default(),
            account: Some(account),
            hugs: Vec::new(),
            counts: Vec::new(),
            stopped: HashSet::new(),
            words: Words::default(),
        }
    }

    /// The same with a count every so many hours, which rise evenly from `from` on.
    pub(crate) fn since(mut self, days: i64, every_hours: i64, from: u64) -> Self {
        let to = self
            .account
            .as_ref()
            .map_or(from, |account| account.followers);
        let steps = 24 * days / every_hours;
        self.counts = (0..steps)
            .map(|step| Count {
                at: days_ago(days) + SignedDuration::from_hours(step * every_hours),
                followers: from + (to - from) * step.unsigned_abs() / steps.unsigned_abs(),
            })
            .collect();
        self
    }

    /// The same with this hug.
    pub(crate) fn with(mut self, hug: Hug) -> Self {
        self.hugs.push(hug);
        self
    }

    pub(crate) fn records(&self) -> Records<'_> {
        Records {
            name: &self.name,
            site: &self.site,
            creator: Some("Amber Lane"),
            plan: self.plan,
            account: self.account.as_ref(),
            hugs: &self.hugs,
            counts: &self.counts,
            stopped: &self.stopped,
        }
    }

    pub(crate) fn book(&self) -> Songbook {
        Songbook::of(&self.words, &[self.records()], 0)
    }
}

pub(crate) fn june() -> Recipient {
    Recipient {
        id: "7".into(),
        handle: "june_okafor".to_owned(),
        name: Some("June Okafor".to_owned()),
        unknown: Unknown::new(),
    }
}

/// A hug for June in that state. It has everything that a record of any state can have.
pub(crate) fn hug(number: u64, status: Status) -> Hug {
    let evidence = Evidence {
        count_before: number - 1,
        count_after: number + 1,
        since: None,
        position: 1,
        passed_over: 1,
        certainty: Certainty::Certain,
        arrivals: None,
        note: Some("a note for the creator".to_owned()),
        unknown: Unknown::new(),
    };
    let mut hug = Hug::owed(
        "x:amber".parse().unwrap(),
        "44196397".into(),
        Milestone::from_number(number).unwrap(),
        "Amber Lane".to_owned(),
        Some(june()),
        evidence,
        days_ago(100),
    );
    hug.status = status;
    hug.reason = Some("the network said no".to_owned());
    hug.news = Some("news for the creator".to_owned());
    hug.topic = Some(Topic {
        text: "the bird that my grandfather feeds".to_owned(),
        verdict: Verdict::Clean,
        by: TopicSource::Follower,
        doubt: None,
        at: days_ago(90),
        unknown: Unknown::new(),
    });
    hug.posted = Some(Song {
        video: VideoId::from_id("AAAAAAAAAA-").unwrap(),
        title: Some("The Heron on the Canal".to_owned()),
        by: SongSource::Creator,
        at: days_ago(80),
        unknown: Unknown::new(),
    });
    hug
}

/// The same without a song.
pub(crate) fn unsung(number: u64, status: Status) -> Hug {
    Hug {
        posted: None,
        ..hug(number, status)
    }
}
