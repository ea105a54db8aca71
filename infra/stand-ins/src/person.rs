//! People who follow an account: made up, and always the same for the same number.

use jiff::{SignedDuration, Timestamp};

/// Someone on a network who may follow an account.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct Person {
    /// The stable id: digits, or a DID. On Bluesky digits become a DID ([`bluesky::did`](crate::bluesky::did)).
    pub id: String,
    /// The handle, without an `@` before it. Bluesky adds `.bsky.social` if it has no dot; on Mastodon a
    /// handle with a server in it (`cleo@other.example`) belongs to that server.
    pub handle: String,
    /// The display name; empty if none was set.
    pub name: String,
    /// What they wrote about themselves; empty if nothing.
    pub bio: String,
    /// Whether they have set a profile picture.
    pub picture: bool,
    /// When their account was created.
    pub created_at: Timestamp,
    /// How many follow them.
    pub followers: u64,
    /// How many they follow.
    pub following: u64,
    /// How many posts they have made.
    pub posts: u64,
    /// Whether they have labelled their account as a bot. X has no such label.
    pub bot: bool,
    /// Whether they accept no private messages.
    pub messages_closed: bool,
    /// Whether the account is suspended or deactivated: it stays in the count and leaves the list.
    pub hidden: bool,
}

const FIRST_NAMES: [&str; 23] = [
    "Maya", "Jonas", "Zoë", "Kwame", "Olena", "Søren", "Priya", "Mateo", "Aoife", "Haruka", "Léa",
    "Tomasz", "Noor", "Grace", "Iñigo", "Thandi", "Ben", "Ximena", "Yusuf", "Hanna", "Dmytro",
    "美咲", "Rosa",
];
const LAST_NAMES: [&str; 19] = [
    "Okafor",
    "Lindqvist",
    "Martínez",
    "O'Neil",
    "Kowalska",
    "Tanaka",
    "de Vries",
    "Sharma",
    "Haddad",
    "Novák",
    "Brown",
    "Ó Briain",
    "Mbeki",
    "Schäfer",
    "Rossi",
    "Ivanova",
    "Nguyen",
    "Da Silva",
    "Smith-Jones",
];
const BIOS: [&str; 7] = [
    "I listen to songs on the bus 🚌",
    "",
    "nurse, night shifts, headphones",
    "Dad of two. Guitar, badly & loudly.",
    "she/her · vinyl <3 · cats > dogs",
    "writing a thesis, please send music",
    "Опера і чай",
];

impl Person {
    /// The `n`th genuine fan: always the same for the same `n`, except that the account's creation is
    /// so many days before `now`.
    pub fn fan(n: u64, now: Timestamp) -> Self {
        Self {
            id: (2_000_000_000 + n).to_string(),
            handle: format!("fan{n:04}"),
            name: format!("{} {}", pick(&FIRST_NAMES, n), pick(&LAST_NAMES, n)),
            bio: pick(&BIOS, n).to_owned(),
            picture: true,
            created_at: days_before(now, 500 + n * 37 % 3_000),
            followers: 20 + n * 13 % 400,
            following: 50 + n * 17 % 700,
            posts: 30 + n * 29 % 2_500,
            bot: false,
            messages_closed: false,
            hidden: false,
        }
    }

    /// The `n`th spam bot: one day old, without a picture, follows thousands. It is not labelled as a bot.
    pub fn bot(n: u64, now: Timestamp) -> Self {
        Self {
            id: (1_900_000_000_000_000_000 + n).to_string(),
            handle: format!("hotchat{n:05}"),
            name: format!("{} 💋", pick(&FIRST_NAMES, n)),
            bio: "Hot singles chat right now 👉 link in profile".to_owned(),
            picture: false,
            created_at: days_before(now, 1),
            followers: n % 7,
            following: 4_000 + n * 31 % 3_000,
            posts: 0,
            bot: false,
            messages_closed: false,
            hidden: false,
        }
    }
}

fn pick<'a>(values: &[&'a str], n: u64) -> &'a str {
    let n = usize::try_from(n).unwrap_or_default();
    values.get(n % values.len()).copied().unwrap_or_default()
}

fn days_before(now: Timestamp, days: u64) -> Timestamp {
    let hours = i64::try_from(days * 24).unwrap_or_default();
    now.checked_sub(SignedDuration::from_hours(hours))
        .unwrap_or(Timestamp::MIN)
}
