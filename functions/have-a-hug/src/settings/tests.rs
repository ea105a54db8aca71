//! What hug.toml may say, and what is answered to its mistakes.

use promise::{account::NetworkName, channel::Channel};
use proptest::prelude::*;

use super::{Settings, SettingsError};

const GOOD: &str =
    "[plan]\nfirst = 600\nstep = 100\n\n[[account]]\nnetwork = \"x\"\nhandle = \"@Amber\"\n";

const MASTODON: &str = "[plan]\nfirst = 600\nstep = 100\n\n[[account]]\nnetwork = \"mastodon\"\nhandle = \"@Amber@mastodon.social\"\n";

fn all_secrets(name: &str) -> Option<String> {
    Some(format!("secret-{name}"))
}

fn parse(text: &str) -> Result<Settings, SettingsError> {
    Settings::parse(text, "hug.toml", &all_secrets)
}

fn mistake(text: &str) -> String {
    parse(text).unwrap_err().to_string()
}

#[test]
fn the_shortest_settings_get_what_the_networks_rules_allow() {
    let settings = parse(GOOD).unwrap();
    let account = &settings.accounts[0];
    assert_eq!(account.name.to_string(), "x:amber");
    assert_eq!(account.contact, [Channel::Announce, Channel::Draft]);
    assert!(account.screening.screen);
}

#[test]
fn a_mastodon_account_is_known_by_its_server_and_mentions_by_default() {
    let account = |text: &str| parse(text).unwrap().accounts.remove(0);
    let whole = account(MASTODON);
    assert_eq!(whole.name.to_string(), "mastodon:amber@mastodon.social");
    assert_eq!(whole.contact, [Channel::Mention, Channel::Draft]);
    assert_eq!(whole.server, None, "it follows from the handle");
    let apart = MASTODON.replace("@mastodon.social", "");
    let apart = account(&format!("{apart}server = \"https://Mastodon.social/\""));
    assert_eq!(apart.name, whole.name);
    let elsewhere = account(&format!("{MASTODON}server = \"https://web.example\""));
    assert_eq!(
        elsewhere.name, whole.name,
        "its handle may have another name"
    );
}

#[test]
fn a_mastodon_account_needs_its_token_unless_it_only_drafts() {
    let none = |_: &str| None;
    let message = Settings::parse(MASTODON, "hug.toml", &none)
        .unwrap_err()
        .to_string();
    assert!(
        message.contains("missing: MASTODON_ACCESS_TOKEN; set them"),
        "{message}"
    );
    let drafts = format!("{MASTODON}contact = [\"draft\"]\n");
    assert!(Settings::parse(&drafts, "hug.toml", &none).is_ok());
    let two =
        format!("{MASTODON}\n[[account]]\nnetwork = \"mastodon\"\nhandle = \"bea@b.example\"\n");
    assert_eq!(
        parse(&two).unwrap().needs,
        [
            "MASTODON_AMBER_MASTODON_SOCIAL_ACCESS_TOKEN",
            "MASTODON_BEA_B_EXAMPLE_ACCESS_TOKEN"
        ]
    );
}

#[test]
fn the_example_is_right_as_it_stands_and_with_every_remark_made_a_setting() {
    let example = include_str!("../../../../hug.example.toml");
    assert_eq!(parse(example).unwrap().accounts.len(), 1);
    let is_setting = |line: &str| {
        line.starts_with('[')
            || line
                .split_once(" = ")
                .is_some_and(|(key, _)| !key.contains(' '))
    };
    let uncommented: Vec<&str> = example
        .lines()
        .map(|line| {
            line.strip_prefix("# ")
                .filter(|rest| is_setting(rest))
                .unwrap_or(line)
        })
        .collect();
    let text = uncommented
        .join("\n")
        .replace("https://…", "https://appview.example");
    let settings = parse(&text).unwrap();
    let networks: Vec<NetworkName> = settings
        .accounts
        .iter()
        .map(|account| account.name.network)
        .collect();
    assert_eq!(networks, NetworkName::ALL);
    assert_eq!(settings.texts.len(), 2);
    assert!(settings.accounts[1].appview.is_some());
    assert!(settings.accounts[2].server.is_some());
}

#[test]
fn draft_is_always_the_last_channel() {
    let settings = parse(&format!("{GOOD}contact = [\"message\"]\n")).unwrap();
    assert_eq!(
        settings.accounts[0].contact,
        [Channel::Message, Channel::Draft]
    );
    let text = mistake(&format!("{GOOD}contact = [\"draft\", \"message\"]\n"));
    assert!(
        text.contains("line 8, account.contact") && text.contains("put it last"),
        "{text}"
    );
}

#[test]
#[expect(clippy::too_many_lines, reason = "it is a table")]
fn a_mistake_is_told_with_its_line_its_field_and_what_would_be_right() {
    let cases = [
        (
            GOOD.replace("600", "0"),
            "line 2, plan.first: 0 is not a number of followers; write 1 to",
        ),
        (
            GOOD.replace("600", "\"600\""),
            "line 2, first: invalid type: string \"600\", expected a whole number; write the number, without quotes",
        ),
        (
            GOOD.replace("step", "stpe"),
            "line 3, stpe: unknown field `stpe`, expected `first` or `step`",
        ),
        (
            GOOD.replace("\"x\"", "\"y\""),
            "line 6, account.network: \"y\" is not a network that this program knows; write \"x\" or \"bluesky\"",
        ),
        (
            GOOD.replace("@Amber", "am ber"),
            "line 7, account.handle: \"am ber\" is not a valid handle on X",
        ),
        (
            format!("{GOOD}contact = [\"dm\"]"),
            "line 8, account.contact: \"dm\" is not a channel; write \"announce\"",
        ),
        (
            format!("{GOOD}server = \"http://example.com\""),
            "line 8, account.server: write an address such as https",
        ),
        (
            format!("{GOOD}appview = \"https://a.example\""),
            "line 8, account.appview: X has none; leave it out",
        ),
        (
            MASTODON.replace("@mastodon.social", ""),
            "line 7, account.handle: \"amber\" does not say on which server; write it like \"amber@mastodon.social\", or add server = ",
        ),
        (
            MASTODON.replace("Amber@", "am ber@"),
            "line 7, account.handle: \"am ber@mastodon.social\" is not a valid handle on Mastodon; one looks like \"amber@mastodon.social\"",
        ),
        (
            MASTODON.replace("@mastodon.social", "@a@b"),
            "line 7, account.handle: \"amber@a@b\" is not a valid handle on Mastodon",
        ),
        (
            format!("{MASTODON}contact = [\"message\"]"),
            "line 8, account.contact: Mastodon's private messages are mentions that only the mentioned can read; write \"mention\"",
        ),
        (
            format!("{GOOD}[texts]\nannounce = \"{{nmae}}\""),
            "line 9, texts.announce: {nmae} is not a placeholder",
        ),
        (
            format!("{GOOD}[texts]\nannounce = \"\""),
            "line 9, texts.announce: it is empty; write the words",
        ),
        (
            format!("{GOOD}\n[[account]]\nnetwork = \"x\"\nhandle = \"amber\""),
            "x:amber is here a second time",
        ),
        (
            format!(
                "{MASTODON}server = \"https://m.example\"\n\n[[account]]\nnetwork = \"mastodon\"\nhandle = \"amber\"\nserver = \"https://m.example/\""
            ),
            "line 10, account: mastodon:amber@m.example is here a second time",
        ),
        (GOOD.replace("[plan]", "[plan"), "line 1"),
        (
            GOOD.replace("[[account]]", "[account]"),
            "line 5: invalid type: map, expected a sequence; begin each account with [[account]]",
        ),
        (
            format!("{GOOD}contact = \"draft\""),
            "line 8, contact: invalid type: string \"draft\", expected a sequence; write a list in brackets: [\"announce\"]",
        ),
        (
            format!("{GOOD}creator = \" \""),
            "line 8, account.creator: it is empty; write the name",
        ),
        (
            format!("{GOOD}contact = []"),
            "line 8, account.contact: name at least one channel",
        ),
        (
            format!("{GOOD}screen = \"no\""),
            "expected a boolean; write true or false",
        ),
        (
            GOOD.replace("@Amber", "7").replace("\"7\"", "7"),
            "line 7, handle: invalid type: integer `7`, expected a string; write it in quotes",
        ),
        (GOOD.replace("\"x\"", "“x”"), "; write straight quotes"),
        (
            "[plan]\nfirst = 1\nstep = 1".into(),
            "no account is named; add [[account]]",
        ),
    ];
    for (text, expected) in cases {
        let message = mistake(&text);
        assert!(
            message.contains(expected),
            "expected: {expected}\ntold: {message}"
        );
    }
}

#[test]
fn all_mistakes_are_told_at_once() {
    let text = GOOD
        .replace("600", "0")
        .replace("100", "-1")
        .replace("\"x\"", "\"y\"");
    assert_eq!(parse(&text).unwrap_err().mistakes.len(), 3);
}

#[test]
fn missing_secrets_are_named() {
    let some = |name: &str| (name == "X_API_KEY").then(|| "k".to_owned());
    let message = Settings::parse(GOOD, "hug.toml", &some)
        .unwrap_err()
        .to_string();
    assert!(
        message.contains("missing: X_API_SECRET, X_ACCESS_TOKEN, X_ACCESS_SECRET;"),
        "{message}"
    );
}

#[test]
fn a_bearer_token_is_enough_to_read_but_not_to_announce() {
    let bearer = |name: &str| (name == "X_BEARER_TOKEN").then(|| "b".to_owned());
    let drafts = format!("{GOOD}contact = [\"draft\"]\n");
    let settings = Settings::parse(&drafts, "hug.toml", &bearer).unwrap();
    let credentials = &settings.accounts[0].credentials;
    assert!(credentials.get("BEARER_TOKEN").is_some() && credentials.get("API_KEY").is_none());
    assert!(Settings::parse(GOOD, "hug.toml", &bearer).is_err());
}

#[test]
fn the_secrets_that_are_needed_are_told_by_name_and_with_them_nothing_is_missing() {
    let needs = |text: &str| parse(text).unwrap().needs;
    assert_eq!(
        needs(GOOD),
        [
            "X_API_KEY",
            "X_API_SECRET",
            "X_ACCESS_TOKEN",
            "X_ACCESS_SECRET"
        ]
    );
    assert_eq!(
        needs(&format!("{GOOD}contact = [\"draft\"]\n")),
        ["X_BEARER_TOKEN"]
    );
    let many = format!(
        "{GOOD}\n[[account]]\nnetwork = \"x\"\nhandle = \"bea\"\n\n[[account]]\nnetwork = \"bluesky\"\nhandle = \"cleo.test\"\n"
    );
    let names = needs(&many);
    assert_eq!(
        names,
        [
            "X_API_KEY",
            "X_API_SECRET",
            "X_AMBER_ACCESS_TOKEN",
            "X_AMBER_ACCESS_SECRET",
            "X_BEA_ACCESS_TOKEN",
            "X_BEA_ACCESS_SECRET",
            "BLUESKY_APP_PASSWORD"
        ]
    );
    for left_out in &names {
        let all_but_one = |name: &str| {
            (names.iter().any(|known| known == name) && name != left_out).then(|| "s".to_owned())
        };
        let message = Settings::parse(&many, "hug.toml", &all_but_one)
            .unwrap_err()
            .to_string();
        assert!(message.contains(left_out), "{left_out}: {message}");
    }
}

#[test]
fn of_two_accounts_none_may_write_with_the_others_token() {
    let two = format!("{GOOD}\n[[account]]\nnetwork = \"x\"\nhandle = \"bea\"\n");
    let shared =
        |name: &str| (!name.contains("AMBER") && !name.contains("BEA_")).then(|| "s".to_owned());
    let message = Settings::parse(&two, "hug.toml", &shared)
        .unwrap_err()
        .to_string();
    assert!(
        message.contains("X_AMBER_ACCESS_TOKEN, X_AMBER_ACCESS_SECRET;"),
        "{message}"
    );
    assert!(
        !message.contains("API_KEY,"),
        "the app's keys are shared: {message}"
    );
}

#[test]
fn no_secret_is_ever_shown() {
    let settings = parse(GOOD).unwrap();
    assert!(!format!("{settings:?}").contains("secret-"));
    let odd = |_: &str| Some("se cret".to_owned());
    let message = Settings::parse(GOOD, "hug.toml", &odd)
        .unwrap_err()
        .to_string();
    assert!(
        message.contains("X_AMBER_API_KEY has a space") && !message.contains("se cret"),
        "{message}"
    );
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "\\PC*", number in any::<i64>()) {
        let _ = parse(&text);
        let _ = parse(&GOOD.replace("600", &number.to_string()));
        let _ = parse(&format!("{GOOD}creator = \"{}\"", text.escape_default()));
    }
}
