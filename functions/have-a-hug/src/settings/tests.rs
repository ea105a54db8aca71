//! What hug.toml may say, and what is answered to its mistakes.

use promise::{account::NetworkName, channel::Channel, milestone::Plan, template::Template};
use proptest::prelude::*;
use secrecy::ExposeSecret;

use super::{NotServed, Settings, SettingsError};

const GOOD: &str =
    "[plan]\nfirst = 600\nstep = 100\n\n[[account]]\nnetwork = \"x\"\nhandle = \"@Amber\"\n";

const PLAN: &str = "[plan]\nfirst = 600\nstep = 100\n";

const MASTODON: &str = "[plan]\nfirst = 600\nstep = 100\n\n[[account]]\nnetwork = \"mastodon\"\nhandle = \"@Amber@mastodon.social\"\n";

fn all_secrets(name: &str) -> Option<String> {
    Some(format!("secret-{name}"))
}

fn parse(text: &str) -> Result<Settings, SettingsError> {
    Settings::parse(text, "hug.toml", &all_secrets)
}

/// Only the secrets with these names are there.
fn parse_with(text: &str, names: &[&str]) -> Settings {
    let secrets = |name: &str| names.contains(&name).then(|| format!("secret-{name}"));
    Settings::parse(text, "hug.toml", &secrets).unwrap()
}

/// Why accounts are not served, in lines.
fn not_served(settings: &Settings) -> String {
    let lines: Vec<String> = settings.not_served().map(ToString::to_string).collect();
    lines.join("\n")
}

/// One more account for a hug.toml, with further lines.
fn and(network: &str, handle: &str, more: &str) -> String {
    format!("\n[[account]]\nnetwork = \"{network}\"\nhandle = \"{handle}\"\n{more}\n")
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
    let why = not_served(&parse_with(MASTODON, &[]));
    assert!(
        why.contains("a secret is missing for mastodon:amber@mastodon.social: MASTODON_ACCESS_TOKEN; set what is missing"),
        "{why}"
    );
    let drafts = format!("{MASTODON}contact = [\"draft\"]\n");
    assert_eq!(not_served(&parse_with(&drafts, &[])), "");
    let two = format!("{MASTODON}{}", and("mastodon", "bea@b.example", ""));
    assert_eq!(
        parse_with(&two, &[]).needs,
        [
            "MASTODON_ACCESS_TOKEN",
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
    let own = |channel| {
        settings.accounts[0].text(channel)
            != Template::default_for(settings.accounts[0].rules(), channel)
    };
    assert!(own(Channel::Announce) && own(Channel::Message) && !own(Channel::Draft));
    assert_eq!(settings.accounts[0].plan.most_a_day(), 3);
    assert_eq!(settings.accounts[2].plan.first(), 1_000);
    assert!(settings.news.is_some());
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
            "line 3, stpe: unknown field `stpe`, expected one of `first`, `step`, `most_a_day`",
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
            "line 5: write [[account]], with two brackets on each side",
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
            GOOD.replace("step = 100", ""),
            "line 5, plan: write step = 100 under [plan] for all accounts, or under [account.plan]",
        ),
        (
            GOOD.replace("step = 100", "step = 100\nmost_a_day = 101"),
            "line 4, plan.most_a_day: 101 is not a number of hugs; write 1 to 100",
        ),
        (
            format!("{GOOD}[account.plan]\nfirst = 0"),
            "line 9, account.plan.first: 0 is not a number of followers",
        ),
        (
            format!("{GOOD}[account.plan]\nfirst = 1\nnever = [\"rival\"]"),
            "; a line of the account itself must be above [account.plan]",
        ),
        (
            format!("{GOOD}[account.texts]\nannounce = \"Hello!\""),
            "line 9, account.texts.announce: it must say which follower it is for",
        ),
        (
            format!("{GOOD}always = [\"cleo\"]\nnever = [\"bea\", \"@Cleo\"]"),
            "line 9, account.never: \"cleo\" is in `always` too; leave one out",
        ),
        (
            format!("{GOOD}secrets = \"am ber\""),
            "line 8, account.secrets: \"am ber\" cannot be a part of a secret's name; write letters",
        ),
        (
            format!("{GOOD}[news]\ncommand = \" \""),
            "line 9, news.command: it is empty; write the command",
        ),
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
    let none = |_: &str| None;
    let wrong = GOOD.replace("600", "0");
    let error = Settings::parse(&wrong, "hug.toml", &none).unwrap_err();
    assert_eq!(error.mistakes.len(), 1, "a missing secret is not a mistake");
    assert_eq!(error.not_served.len(), 1, "but it is known");
}

#[test]
fn a_number_that_an_accounts_plan_leaves_out_comes_from_the_common_plan() {
    let text = format!(
        "{}{}{}",
        GOOD.replace("step = 100", "step = 100\nmost_a_day = 5"),
        and("x", "bea", "[account.plan]\nfirst = 1000"),
        and("x", "cleo", "[account.plan]\nstep = 50\nmost_a_day = 1"),
    );
    let settings = parse(&text).unwrap();
    let plan = |first, step, most| Plan::new(first, step)?.with_most_a_day(most);
    let plans: Vec<_> = settings.accounts.iter().map(|one| Some(one.plan)).collect();
    assert_eq!(
        plans,
        [plan(600, 100, 5), plan(1_000, 100, 5), plan(600, 50, 1)]
    );
}

#[test]
fn a_common_plan_is_not_needed_where_every_account_has_its_own() {
    let own = "[account.plan]\nfirst = 10\nstep = 5";
    let all = format!("{}{}", and("x", "amber", own), and("x", "bea", own));
    assert_eq!(
        parse(&all).unwrap().accounts[1].plan,
        Plan::new(10, 5).unwrap()
    );
    let mistakes = parse(&format!(
        "{all}{}{}",
        and("x", "cleo", ""),
        and("x", "dora", "")
    ));
    let mistakes = mistakes.unwrap_err().mistakes;
    assert_eq!(
        mistakes.len(),
        2,
        "reported once, not for each account: {mistakes:?}"
    );
    assert!(
        mistakes[0].contains("line 16, plan: write first = 600"),
        "{mistakes:?}"
    );
}

#[test]
fn texts_that_an_account_leaves_out_come_from_the_common_texts() {
    let text = format!(
        "{GOOD}{}\n[texts]\nannounce = \"All of you: {{follower}}!\"\ndraft = \"For {{follower}}\"",
        and(
            "x",
            "bea",
            "[account.texts]\nannounce = \"Nummer {milestone}!\""
        ),
    );
    let settings = parse(&text).unwrap();
    let words = |account: usize, channel| settings.accounts[account].text(channel);
    let template = |text: &str| text.parse::<Template>().unwrap();
    assert_eq!(
        words(0, Channel::Announce),
        template("All of you: {follower}!")
    );
    assert_eq!(words(1, Channel::Announce), template("Nummer {milestone}!"));
    assert_eq!(words(1, Channel::Draft), template("For {follower}"));
    assert_eq!(
        words(1, Channel::Mention),
        Template::default_for(settings.accounts[1].rules(), Channel::Mention)
    );
}

#[test]
fn an_account_that_is_not_active_is_known_and_needs_no_secret() {
    let text = format!("{GOOD}active = false\n{}", and("x", "bea", ""));
    let settings = parse_with(&text, &["X_ACCESS_TOKEN"]);
    let amber = &settings.accounts[0];
    assert!(!amber.is_active() && matches!(amber.credentials, Err(NotServed::Inactive(_))));
    assert!(settings.accounts[1].is_active());
    assert!(settings.needs.iter().all(|name| !name.contains("AMBER")));
    assert!(
        settings.needs.contains(&"X_BEA_ACCESS_TOKEN".to_owned()),
        "the plain name stays Amber's"
    );
    assert!(
        !not_served(&settings).contains("amber"),
        "the creator has switched her account off"
    );
}

#[test]
fn handles_in_always_and_never_are_compared_without_case_at_sign_and_the_accounts_own_server() {
    let lists =
        "always = [\" @Cleo \"]\nnever = [\"@RIVAL@mastodon.social\", \"rival@b.example\"]\n";
    let settings = parse(&format!("{MASTODON}{lists}")).unwrap();
    let screening = &settings.accounts[0].screening;
    assert_eq!(screening.always, ["cleo"]);
    assert_eq!(screening.never, ["rival", "rival@b.example"]);
}

#[test]
fn the_command_for_news_is_kept_as_it_is_written() {
    assert_eq!(parse(GOOD).unwrap().news, None);
    let text = format!("{GOOD}[news]\ncommand = \"notify-send \\\"$HUG_NEWS\\\"\"");
    assert_eq!(
        parse(&text).unwrap().news.unwrap(),
        "notify-send \"$HUG_NEWS\""
    );
}

#[test]
fn missing_secrets_are_named_and_the_other_accounts_are_served() {
    let two = format!("{GOOD}{}", and("bluesky", "bea.test", ""));
    let settings = parse_with(&two, &["X_API_KEY", "BLUESKY_APP_PASSWORD"]);
    let why = settings.accounts[0]
        .credentials
        .as_ref()
        .unwrap_err()
        .to_string();
    assert!(
        why.contains(
            "secrets are missing for x:amber: X_API_SECRET, X_ACCESS_TOKEN, X_ACCESS_SECRET;"
        ),
        "{why}"
    );
    assert!(settings.accounts[1].credentials.is_ok());
}

#[test]
fn a_bearer_token_is_enough_to_read_but_not_to_announce() {
    let drafts = format!("{GOOD}contact = [\"draft\"]\n");
    let settings = parse_with(&drafts, &["X_BEARER_TOKEN"]);
    let credentials = settings.accounts[0].credentials.as_ref().unwrap();
    assert!(credentials.get("BEARER_TOKEN").is_some() && credentials.get("API_KEY").is_none());
    let why = not_served(&parse_with(GOOD, &["X_BEARER_TOKEN"]));
    assert!(
        why.contains("X_BEARER_TOKEN is there, but it can only read"),
        "{why}"
    );
    let why = not_served(&parse_with(&drafts, &[]));
    assert!(
        why.contains("a secret is missing for x:amber: X_BEARER_TOKEN;"),
        "{why}"
    );
}

#[test]
fn the_secrets_that_are_needed_are_told_by_name_and_with_them_nothing_is_missing() {
    let needs = |text: &str| parse_with(text, &[]).needs;
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
        "{GOOD}{}{}",
        and("x", "bea", ""),
        and("bluesky", "cleo.test", "")
    );
    let needed = needs(&many);
    let names: Vec<&str> = needed.iter().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "X_API_KEY",
            "X_API_SECRET",
            "X_ACCESS_TOKEN",
            "X_ACCESS_SECRET",
            "X_BEA_ACCESS_TOKEN",
            "X_BEA_ACCESS_SECRET",
            "BLUESKY_APP_PASSWORD"
        ]
    );
    assert_eq!(not_served(&parse_with(&many, &names)), "");
    for left_out in &names {
        let others: Vec<&str> = names
            .iter()
            .copied()
            .filter(|name| name != left_out)
            .collect();
        let why = not_served(&parse_with(&many, &others));
        assert!(why.contains(left_out), "{left_out}: {why}");
    }
}

#[test]
fn a_second_account_on_a_network_renames_no_secret_of_the_first() {
    let plain = [
        "X_API_KEY",
        "X_API_SECRET",
        "X_ACCESS_TOKEN",
        "X_ACCESS_SECRET",
    ];
    let two = format!("{GOOD}{}", and("x", "bea", ""));
    let settings = parse_with(&two, &plain);
    assert!(settings.accounts[0].credentials.is_ok());
    let why = not_served(&settings);
    assert!(
        why.contains("missing for x:bea: X_BEA_ACCESS_TOKEN, X_BEA_ACCESS_SECRET;"),
        "she may not write with Amber's token, though the app's keys are shared: {why}"
    );
}

#[test]
fn the_first_account_may_use_its_own_names_and_they_win_over_the_plain_ones_with_a_warning() {
    let long = [
        "X_AMBER_API_KEY",
        "X_AMBER_API_SECRET",
        "X_AMBER_ACCESS_TOKEN",
        "X_AMBER_ACCESS_SECRET",
    ];
    let settings = parse_with(GOOD, &long);
    assert_eq!(
        (settings.needs.as_slice(), settings.warnings.len()),
        (long.map(String::from).as_slice(), 0)
    );
    let both = [long.as_slice(), &["X_ACCESS_TOKEN"]].concat();
    let settings = parse_with(GOOD, &both);
    let warning = "X_AMBER_ACCESS_TOKEN and X_ACCESS_TOKEN are both set, and x:amber uses the first; remove the other";
    assert_eq!(settings.warnings, [warning]);
    let credentials = settings.accounts[0].credentials.as_ref().unwrap();
    let token = credentials.get("ACCESS_TOKEN").unwrap().expose_secret();
    assert_eq!(token, "secret-X_AMBER_ACCESS_TOKEN");
}

#[test]
fn two_accounts_whose_secrets_have_the_same_names_are_a_mistake_until_one_has_another_word() {
    let two = |more| {
        format!(
            "{}{}{}",
            PLAN,
            and("bluesky", "a-b.bsky.social", ""),
            and("bluesky", "a.b.bsky.social", more)
        )
    };
    let message = mistake(&two(""));
    for words in [
        "line 10, account: the secrets of bluesky:a.b.bsky.social and bluesky:a-b.bsky.social have the same names",
        "(BLUESKY_A_B_BSKY_SOCIAL_APP_PASSWORD)",
        "secrets = \"A_B_BSKY_SOCIAL_2\"",
    ] {
        assert!(message.contains(words), "{message}");
    }
    let needs = parse_with(&two("secrets = \"dots\""), &[]).needs;
    assert_eq!(needs, ["BLUESKY_APP_PASSWORD", "BLUESKY_DOTS_APP_PASSWORD"]);
    let other_network = format!(
        "{GOOD}{}",
        and("bluesky", "bea.test", "secrets = \"AMBER\"")
    );
    assert!(parse(&other_network).is_ok());
}

#[test]
fn no_secret_is_ever_shown() {
    let settings = parse(GOOD).unwrap();
    assert!(!format!("{settings:?}").contains("secret-"));
}

#[test]
fn a_secret_of_an_odd_shape_is_warned_of_without_showing_it_and_is_not_refused() {
    let odd = |name: &str| (!name.contains("AMBER")).then(|| " se cret\n".to_owned());
    let settings = Settings::parse(GOOD, "hug.toml", &odd).unwrap();
    let credentials = settings.accounts[0].credentials.as_ref().unwrap();
    assert_eq!(
        credentials.get("API_KEY").unwrap().expose_secret(),
        "se cret"
    );
    let warnings = settings.warnings.join("\n");
    assert!(
        warnings.contains("X_API_KEY contains a space") && !warnings.contains("se cret"),
        "{warnings}"
    );
}

#[test]
fn thousands_of_accounts_are_read_at_once() {
    const ACCOUNTS: usize = 5_000;
    let mut text = PLAN.to_owned();
    for number in 0..ACCOUNTS {
        text += &and("bluesky", &format!("creator{number}.test"), "");
    }
    // The number of look-ups for one account must not depend on the number of accounts.
    let looked_up = std::cell::Cell::new(0);
    let secrets = |name: &str| {
        looked_up.set(looked_up.get() + 1);
        all_secrets(name)
    };
    let settings = Settings::parse(&text, "hug.toml", &secrets).unwrap();
    assert_eq!(
        (settings.accounts.len(), settings.needs.len()),
        (ACCOUNTS, ACCOUNTS)
    );
    assert!(looked_up.get() <= 4 * ACCOUNTS, "{}", looked_up.get());
    let unknown = settings
        .account(&"x:amber".parse().unwrap())
        .unwrap_err()
        .to_string();
    assert!(
        unknown.ends_with("bluesky:creator9.test and 4990 more"),
        "{unknown}"
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

#[test]
fn the_page_says_what_the_creator_wrote_on_one_line_and_search_engines_are_kept_out_unless_wanted()
{
    let none = parse(GOOD).unwrap().songbook;
    assert_eq!(none, songbook::Words::default());
    let own = "[songbook]\ntitle = \"Songs\"\npromise = \"\"\"\n Number 600\n gets one. \"\"\"\nlisted = true\nurl = \"https://amber.example/songs/\"\n";
    let own = parse(&format!("{own}{GOOD}")).unwrap().songbook;
    assert_eq!(own.title.as_deref(), Some("Songs"));
    assert_eq!(own.promise.as_deref(), Some("Number 600 gets one."));
    assert_eq!(own.url.as_deref(), Some("https://amber.example/songs"));
    assert!(own.listed);
    for (line, answer) in [
        ("title = \" \"", "line 2, songbook.title: it is empty"),
        (
            "url = \"amber.example\"",
            "line 2, songbook.url: write an address such as https://example.com",
        ),
        (
            "url = \"javascript:alert(1)\"",
            "songbook.url: write an address",
        ),
        ("listed = \"yes\"", "write true or false, without quotes"),
        ("colour = \"red\"", "unknown field `colour`"),
    ] {
        let answered = mistake(&format!("[songbook]\n{line}\n{GOOD}"));
        assert!(answered.contains(answer), "{answered}");
    }
    let long = "w".repeat(101);
    let answered = mistake(&format!("[songbook]\ntitle = \"{long}\"\n{GOOD}"));
    let answer = "line 2, songbook.title: it has 101 characters; 100 have room";
    assert!(answered.contains(answer), "{answered}");
}
