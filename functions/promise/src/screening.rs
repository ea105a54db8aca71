//! Who counts as genuine: signals and their weights, and the creator's exceptions.

use jiff::{SignedDuration, Timestamp};

use crate::follower::Follower;

/// What speaks against a follower being genuine, and how much.
struct Signal {
    name: &'static str,
    weight: u32,
    holds: fn(&Follower, Timestamp) -> bool,
}

/// From this sum of weights on, a follower does not count as genuine.
///
/// Two rules give the weights. The network's own mark, or an advertisement for "hot singles", is enough
/// alone. The three weaker signals of a shy newcomer (no picture, no posts, a new account) together stay
/// just below.
const MIN_WEIGHT_AGAINST: u32 = 100;

const SIGNALS: [Signal; 8] = [
    Signal {
        name: "marked as a bot by the network",
        weight: 100,
        holds: |who, _| who.marked_as_bot,
    },
    Signal {
        name: "limited or suspended by the network",
        weight: 100,
        holds: |who, _| who.restricted,
    },
    Signal {
        name: "has moved to another account, or is kept in memory",
        weight: 100,
        holds: |who, _| who.left,
    },
    Signal {
        name: "name or bio advertises like a bot",
        weight: 100,
        holds: |who, _| {
            [&who.name, &who.bio]
                .into_iter()
                .flatten()
                .any(|text| advertises(text))
        },
    },
    Signal {
        name: "follows thousands, followed by few",
        weight: 60,
        holds: |who, _| {
            matches!((who.following, who.followers), (Some(following), Some(followers))
                if following >= 2_000 && followers < following / 50)
        },
    },
    Signal {
        name: "account younger than three days",
        weight: 40,
        holds: |who, now| {
            who.created_at
                .is_some_and(|created| now.duration_since(created) < SignedDuration::from_hours(72))
        },
    },
    Signal {
        name: "no picture",
        weight: 30,
        holds: |who, _| who.has_picture == Some(false),
    },
    Signal {
        name: "no posts",
        weight: 25,
        holds: |who, _| who.posts == Some(0),
    },
];

/// Phrases that bots use in a name or bio and people do not. Case, punctuation and emoji are ignored.
const ADVERTISEMENTS: [&str; 14] = [
    "hot singles",
    "singles in your area",
    "chat right now",
    "chat with me now",
    "sexy chat",
    "adult chat",
    "dating in my bio",
    "nudes in bio",
    "onlyfans free",
    "sugar daddy",
    "sugar mommy",
    "free followers",
    "buy followers",
    "crypto signals",
];

fn advertises(text: &str) -> bool {
    let words: Vec<String> = text
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect();
    let plain = format!(" {} ", words.join(" "));
    ADVERTISEMENTS
        .iter()
        .any(|phrase| plain.contains(&format!(" {phrase} ")))
}

/// Why someone on [`Screening::never`] is passed over.
const ON_THE_NEVER_LIST: &str = "on the creator's never list";

/// How followers are judged for one account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Screening {
    /// Whether followers are judged at all; `false` takes everyone as genuine.
    pub screen: bool,
    /// Handles, in lower case, that count as genuine in spite of all signals.
    pub always: Vec<String>,
    /// Handles, in lower case, that never get a hug, even where screening is off.
    pub never: Vec<String>,
}

impl Screening {
    /// Whether the follower is on the creator's list `never`.
    pub fn forbids(&self, who: &Follower) -> bool {
        lists(&self.never, who)
    }

    /// Whether the signals decide about `who`: not where screening is off or the creator made an exception.
    pub fn judges(&self, who: &Follower) -> bool {
        self.screen && !lists(&self.always, who) && !lists(&self.never, who)
    }

    /// Why `who` does not count as genuine; empty for a genuine follower.
    ///
    /// The reason is the creator's list `never`, if it contains the follower. Else the reasons are the names of all
    /// signals that hold, if the sum of their weights reaches 100.
    pub fn reasons_against(&self, who: &Follower, now: Timestamp) -> Vec<String> {
        if self.forbids(who) {
            return vec![ON_THE_NEVER_LIST.to_owned()];
        }
        if !self.judges(who) {
            return Vec::new();
        }
        let holding = || SIGNALS.iter().filter(|signal| (signal.holds)(who, now));
        if holding().map(|signal| signal.weight).sum::<u32>() < MIN_WEIGHT_AGAINST {
            return Vec::new();
        }
        holding().map(|signal| signal.name.to_owned()).collect()
    }
}

fn lists(handles: &[String], who: &Follower) -> bool {
    !handles.is_empty() && handles.contains(&who.handle.to_lowercase())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;
    const SCREENED: Screening = Screening {
        screen: true,
        always: Vec::new(),
        never: Vec::new(),
    };

    fn days_old(days: i64) -> Option<Timestamp> {
        Some(NOW - SignedDuration::from_hours(24 * days))
    }

    fn fan() -> Follower {
        Follower {
            handle: "fan".into(),
            bio: Some("Singles and albums, mostly vinyl. Chat about music!".into()),
            has_picture: Some(true),
            posts: Some(80),
            followers: Some(90),
            following: Some(300),
            created_at: days_old(900),
            ..Follower::default()
        }
    }

    #[test]
    fn a_fan_is_genuine() {
        assert!(SCREENED.reasons_against(&fan(), NOW).is_empty());
    }

    #[test]
    fn a_shy_newcomer_is_genuine() {
        let newcomer = Follower {
            has_picture: Some(false),
            posts: Some(0),
            created_at: days_old(0),
            ..fan()
        };
        assert!(SCREENED.reasons_against(&newcomer, NOW).is_empty());
    }

    #[test]
    fn the_networks_own_mark_is_enough() {
        let bot = Follower {
            marked_as_bot: true,
            ..fan()
        };
        let silenced = Follower {
            restricted: true,
            ..fan()
        };
        let moved = Follower {
            left: true,
            ..fan()
        };
        for (who, reason) in [
            (bot, "marked as a bot by the network"),
            (silenced, "limited or suspended by the network"),
            (moved, "has moved to another account, or is kept in memory"),
        ] {
            assert_eq!(SCREENED.reasons_against(&who, NOW), [reason]);
        }
    }

    #[test]
    fn an_advertisement_is_enough_however_it_is_dressed() {
        for bio in ["🔥HOT   Singles🔥 near you", "Chat... right... NOW!"] {
            let bot = Follower {
                bio: Some(bio.into()),
                ..fan()
            };
            assert_eq!(SCREENED.reasons_against(&bot, NOW).len(), 1, "{bio}");
        }
    }

    #[test]
    fn a_new_empty_account_that_follows_thousands_is_not_genuine_and_every_reason_is_told() {
        let bot = Follower {
            has_picture: Some(false),
            posts: Some(0),
            followers: Some(3),
            following: Some(4_000),
            created_at: days_old(1),
            ..fan()
        };
        assert_eq!(SCREENED.reasons_against(&bot, NOW).len(), 4);
    }

    #[test]
    fn an_old_account_that_follows_thousands_is_genuine() {
        let collector = Follower {
            followers: Some(3),
            following: Some(4_000),
            ..fan()
        };
        assert!(SCREENED.reasons_against(&collector, NOW).is_empty());
    }

    #[test]
    fn the_creator_has_the_last_word() {
        let bot = Follower {
            marked_as_bot: true,
            handle: "MyBot".into(),
            ..fan()
        };
        let always = Screening {
            screen: true,
            always: vec!["mybot".into()],
            never: vec![],
        };
        assert!(always.reasons_against(&bot, NOW).is_empty());
        assert!(Screening::default().reasons_against(&bot, NOW).is_empty());
    }

    #[test]
    fn someone_on_the_never_list_is_passed_over_even_where_nobody_else_is_judged() {
        let rival = Follower {
            handle: "Rival".into(),
            ..fan()
        };
        for screen in [true, false] {
            let never = Screening {
                screen,
                always: vec![],
                never: vec!["rival".into()],
            };
            let reasons = never.reasons_against(&rival, NOW);
            assert_eq!(reasons, ["on the creator's never list"]);
            assert!(never.reasons_against(&fan(), NOW).is_empty());
            assert!(!never.judges(&rival), "no more is asked about them");
        }
    }

    #[test]
    fn what_the_network_does_not_tell_speaks_against_nobody() {
        assert!(
            SCREENED
                .reasons_against(&Follower::default(), NOW)
                .is_empty()
        );
    }

    proptest! {
        #[test]
        fn any_text_can_be_judged(name in "\\PC*", bio in ".*") {
            let who = Follower { name: Some(name), bio: Some(bio), ..fan() };
            SCREENED.reasons_against(&who, NOW);
        }
    }
}
