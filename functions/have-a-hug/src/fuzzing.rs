//! Fuzz entry points: each takes raw bytes, as a network, a table or a creator could send them, and panics if
//! an invariant of this crate breaks. The property tests and `make fuzz` use them; no other build has them.

use std::sync::OnceLock;

use jiff::Timestamp;
use promise::{
    account::{AccountId, AccountName, NetworkName},
    channel::Channel,
    follower::{Follower, Recipient},
    milestone::Milestone,
    song_mark::marks,
    template::{Facts, Template},
    topic::{self, MAX_TOPIC, Meaning},
    video::VideoId,
};

use crate::{
    clock::Clock,
    http::{self, Response},
    ledger::hug_key,
    network::client::Connection,
    networks::{
        bluesky::Bluesky,
        mastodon::{Mastodon, code},
        rules,
        x::{X, pin},
    },
    settings::Settings,
    youtube::YouTube,
};

const SETTINGS: &str = r#"
[plan]
first = 600
step = 100

[[account]]
network = "x"
handle = "amber"

[[account]]
network = "bluesky"
handle = "amber.bsky.social"

[[account]]
network = "mastodon"
handle = "amber@amber.example"
"#;

/// What takes a response in, and panics if an invariant breaks.
type TakeIn = Box<dyn Fn(&Response) + Send + Sync>;

/// A response of X, written as HTTP is: the status on the first line, then headers, a blank line and
/// the body.
pub fn x_answer(data: &[u8]) {
    static X: OnceLock<X> = OnceLock::new();
    static PIN: OnceLock<TakeIn> = OnceLock::new();
    let response = Response::read(data);
    let x = X.get_or_init(|| connect(NetworkName::X, X::new));
    x.take_in(&response);
    let pin = PIN.get_or_init(|| connect(NetworkName::X, |to| Box::new(pin::taking_in(to))));
    pin(&response);
}

/// A response of Bluesky, written likewise.
pub fn bluesky_answer(data: &[u8]) {
    static BLUESKY: OnceLock<Bluesky> = OnceLock::new();
    let bluesky = BLUESKY.get_or_init(|| connect(NetworkName::Bluesky, Bluesky::new));
    bluesky.take_in(&Response::read(data));
}

/// A response of a Mastodon server, written likewise.
pub fn mastodon_answer(data: &[u8]) {
    static MASTODON: OnceLock<Mastodon> = OnceLock::new();
    static CODE: OnceLock<TakeIn> = OnceLock::new();
    let response = Response::read(data);
    let mastodon = MASTODON.get_or_init(|| connect(NetworkName::Mastodon, Mastodon::new));
    mastodon.take_in(&response);
    let code =
        CODE.get_or_init(|| connect(NetworkName::Mastodon, |to| Box::new(code::taking_in(to))));
    code(&response);
}

fn connect<N>(network: NetworkName, new: impl FnOnce(&Connection<'_>) -> N) -> N {
    let settings = Settings::parse(SETTINGS, "hug.toml", &|_| Some("a-secret".into())).unwrap();
    let mut accounts = settings.accounts.iter();
    let account = accounts.find(|account| account.name.network == network);
    let account = account.unwrap();
    new(&Connection {
        account: &account.name,
        server: None,
        appview: None,
        credentials: account.credentials.as_ref().unwrap(),
        http: &http::client().unwrap(),
        clock: &Clock::by_hand("2026-11-22T14:00:00Z".parse().unwrap()),
    })
}

/// A `hug.toml`, and its accounts' names.
pub fn settings(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    match Settings::parse(&text, "hug.toml", &|_| Some("a-secret".into())) {
        Ok(settings) => {
            for account in &settings.accounts {
                let name: AccountName = account.name.to_string().parse().unwrap();
                assert_eq!(name, account.name);
                assert_eq!(account.contact.last(), Some(&Channel::Draft));
                for channel in Channel::OF_INVITATIONS {
                    words(&account.text(channel), &text);
                }
            }
        }
        Err(error) => assert!(!error.mistakes.is_empty()),
    }
}

/// Words of an invitation, addressed to and signed with the text after their last line.
pub fn template(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (template, name) = text.rsplit_once('\n').unwrap_or((&text, &text));
    if let Ok(template) = template.parse::<Template>() {
        words(&template, name);
    }
}

fn words(template: &Template, name: &str) {
    let milestone = Milestone::from_number(600).unwrap();
    for rules in NetworkName::ALL.map(rules) {
        // Where a handle names its server it is not cut short; a text that is too long for one is not sent.
        let max = if rules.handle.names_its_server {
            rules.handle.max_address
        } else {
            usize::MAX
        };
        let recipient = Recipient::from(&Follower {
            handle: name.chars().take(max).collect(),
            name: Some(name.to_owned()),
            ..Follower::default()
        });
        let facts = Facts {
            milestone,
            recipient: &recipient,
            creator: name,
            since: None,
            reached_at: Timestamp::MAX,
            is_next: false,
            link: "",
        };
        for channel in Channel::OF_INVITATIONS {
            let text = template.compose(rules, channel, &facts);
            if template.check(rules, channel).is_ok() {
                assert_eq!(rules.excess(channel, &text), 0, "{text}");
                let mentions = channel != Channel::Announce || !text.contains(['@', '＠']);
                assert!(mentions, "{text}");
            }
        }
    }
}

/// A follower's answer; the creator's own words are its last line. The same text is read as the link and the title of
/// a video.
pub fn topic(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (answer, own) = text.rsplit_once('\n').unwrap_or((&text, ""));
    let own: Vec<String> = own.split(',').map(str::to_owned).collect();
    if let Meaning::Topic(topic) | Meaning::Doubtful { topic, .. } = topic::read(answer, &own) {
        assert!(!topic.is_empty() && topic.chars().count() <= 8 * MAX_TOPIC + 1);
        assert!(!topic.contains(char::is_control), "{topic:?}");
    }
    if let Ok(video) = VideoId::from_url(&text) {
        assert!(text.contains(video.as_str()));
    }
    let milestone = Milestone::from_number(600).unwrap();
    if marks(&text, answer, NetworkName::X, milestone).is_some() {
        assert!(text.contains(['6', '６']));
    }
}

/// What YouTube answered.
pub fn youtube_answer(data: &[u8]) {
    YouTube::take_in(&Response::read(data));
}

/// The two keys of an item, with a line between them.
pub fn key(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (pk, sk) = text.split_once('\n').unwrap_or((&text, &text));
    if let Ok(key) = hug_key(pk, sk) {
        let again: AccountId = key.id.to_string().parse().unwrap();
        assert_eq!(again, key.id);
    }
    let _ = pk.parse::<AccountName>();
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, option, prelude::*, sample::select};
    use serde_json::{Map, Value, json};

    use super::*;

    /// The fields of the networks' answers.
    const FIELDS: &str = "data meta errors title detail type message id username name description \
        created_at profile_image_url public_metrics followers_count following_count \
        tweet_count post_count next_token text sender_id dm_event_id followers cursor \
        did handle displayName avatar createdAt followersCount followsCount postsCount \
        labels val accessJwt refreshJwt didDoc uri error convo acct display_name note \
        moved suspended statuses_count account content mentions configuration \
        max_characters error_description reset_date parameters profiles cid url dm_conversation_id \
        items snippet contentDetails videoId videoPublishedAt status privacyStatus liveBroadcastContent reason errors \
        author_id conversation_id referenced_tweets referenced_posts entities display_text_range \
        possibly_sensitive start end urls expanded_url display_url thread replies post posts record \
        reply root facets index features indexedAt threadgate hiddenReplies author descendants \
        in_reply_to_id edited_at sensitive spoiler_text visibility client_id client_secret access_token scope";

    fn field() -> impl Strategy<Value = &'static str> {
        select(FIELDS.split_whitespace().collect::<Vec<_>>())
    }

    fn invalid() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
            select(vec![
                "44196397",
                "did:plc:amber",
                "at://did:plc:amber/app.bsky.feed.post/3k",
                "2026-11-22T14:00:00Z",
                "duplicate content",
                "ExpiredToken"
            ])
            .prop_map(Value::from),
        ];
        leaf.prop_recursive(5, 60, 6, |inner| {
            prop_oneof![
                vec(inner.clone(), 0..5).prop_map(Value::from),
                vec((field(), inner), 0..8).prop_map(|fields| {
                    Value::from(
                        fields
                            .into_iter()
                            .map(|(name, value)| (name.to_owned(), value))
                            .collect::<Map<_, _>>(),
                    )
                }),
            ]
        })
    }

    /// A person as the networks write one, with one field that has an invalid value.
    fn almost_right() -> impl Strategy<Value = Value> {
        (field(), invalid(), option::of(select(vec!["data", "followers", ""]))).prop_map(
            |(field, value, list)| {
                let mut person = json!({
                    "id": "7", "username": "cleo", "name": "Cleo", "created_at": "2020-01-01T00:00:00Z",
                    "public_metrics": { "followers_count": 5, "following_count": 5 },
                    "did": "did:plc:cleo", "handle": "cleo.test", "displayName": "Cleo",
                    "createdAt": "2020-01-01T00:00:00Z", "followersCount": 5, "labels": [{ "val": "bot" }],
                    "acct": "cleo@far.example", "display_name": "Cleo", "content": "<p>Hi &amp; hello</p>",
                });
                person[field] = value;
                match list {
                    Some("") => json!([person]),
                    Some(list) => json!({ list: [person], "meta": {} }),
                    None => json!({ "data": person.clone(), "did": person["did"], "handle": person["handle"], "id": person["id"], "username": person["username"], "acct": person["acct"] }),
                }
            },
        )
    }

    /// A post as the networks write one that answers a letter, with one field that has an invalid value, on a page of
    /// such posts.
    fn almost_right_answer() -> impl Strategy<Value = Value> {
        (field(), invalid(), any::<String>(), (0usize..40, 0usize..40)).prop_map(
            |(field, value, text, (start, end))| {
                let uri = "at://did:plc:amber/app.bsky.feed.post/3k";
                let mut post = json!({
                    "id": "7", "author_id": "44196397", "conversation_id": "44196397", "text": text,
                    "created_at": "2026-11-22T14:00:00Z", "display_text_range": [start, end],
                    "referenced_posts": [{ "type": "quoted", "id": "44196397" }],
                    "entities": {
                        "mentions": [{ "start": start, "end": end, "username": "amber", "id": "7" }],
                        "urls": [{ "start": start, "end": end, "url": text, "expanded_url": text }],
                    },
                    "uri": uri, "cid": "bafy", "indexedAt": "2026-11-22T14:00:00Z",
                    "author": { "did": "did:plc:amber" }, "labels": [{ "val": text }],
                    "record": {
                        "text": text, "reply": { "root": { "uri": uri, "cid": "bafy" } },
                        "facets": [{
                            "index": { "byteStart": start, "byteEnd": end },
                            "features": [{ "$type": "app.bsky.richtext.facet#mention" }],
                        }],
                    },
                    "account": { "id": "7" }, "content": text, "visibility": "direct",
                    "mentions": [{ "username": "amber" }], "spoiler_text": text,
                });
                post[field] = value;
                json!({
                    "data": [post], "meta": {}, "posts": [post], "descendants": [post],
                    "thread": { "post": {}, "replies": [{ "post": post }] },
                })
            },
        )
    }

    /// The answers to the steps of a login, with one field that has an invalid value.
    fn almost_right_login() -> impl Strategy<Value = Vec<u8>> {
        let form = (
            select(vec![
                "oauth_token",
                "oauth_token_secret",
                "user_id",
                "screen_name",
                "more",
            ]),
            prop_oneof![any::<String>(), "[a-zA-Z0-9%&=#-]{0,250}"],
        );
        let form = form.prop_map(|(field, value)| {
            let rest = "oauth_token=7-aBcDeF&oauth_token_secret=gHiJkLmN&oauth_callback_confirmed=true&user_id=7&screen_name=amber";
            let field = format!("{field}=");
            rest.replacen(&field, &format!("{field}{value}"), 1).into_bytes()
        });
        let json = (field(), invalid()).prop_map(|(field, value)| {
            let mut login = json!({
                "client_id": "aBcDeFgHiJ", "client_secret": "kLmNoPqRsT",
                "access_token": "uVwXyZaBcD", "scope": "read write",
            });
            login[field] = value;
            login.to_string().into_bytes()
        });
        prop_oneof![form, json]
    }

    fn answers() -> impl Strategy<Value = Vec<u8>> {
        let status = prop_oneof![
            Just(200u16),
            select(vec![400, 401, 402, 403, 404, 408, 429, 500, 503]),
            100u16..1000
        ];
        let header = select(vec![
            "x-rate-limit-reset",
            "x-rate-limit-remaining",
            "ratelimit-reset",
            "retry-after",
            "link",
            "location",
            "content-type",
        ]);
        let number = prop_oneof![any::<String>(), any::<i64>().prop_map(|n| n.to_string())];
        let body = prop_oneof![
            vec(any::<u8>(), 0..300),
            invalid().prop_map(|value| value.to_string().into_bytes()),
            almost_right().prop_map(|value| value.to_string().into_bytes()),
            almost_right_answer().prop_map(|value| value.to_string().into_bytes()),
            almost_right_login(),
        ];
        (status, vec((header, number), 0..4), body).prop_map(|(status, headers, body)| {
            let mut bytes = format!("{status}\n").into_bytes();
            for (name, value) in headers {
                bytes.extend(format!("{name}: {}\n", value.replace('\n', " ")).into_bytes());
            }
            bytes.push(b'\n');
            bytes.extend(body);
            bytes
        })
    }

    proptest! {
        #[test]
        fn no_answer_makes_x_panic_or_tell_too_much(answer in answers()) {
            x_answer(&answer);
        }

        #[test]
        fn no_answer_makes_bluesky_panic_or_tell_too_much(answer in answers()) {
            bluesky_answer(&answer);
        }

        #[test]
        fn no_answer_makes_mastodon_panic_or_tell_too_much(answer in answers()) {
            mastodon_answer(&answer);
        }

        #[test]
        fn no_answer_makes_youtube_panic_or_tell_too_much(answer in answers()) {
            youtube_answer(&answer);
        }

        #[test]
        fn no_hug_toml_makes_the_settings_panic(
            text in any::<String>(), line in select(SETTINGS.lines().collect::<Vec<_>>()), with in "[\\PC]{0,40}",
        ) {
            settings(text.as_bytes());
            settings(SETTINGS.replacen(line, &with, 1).as_bytes());
            settings(format!("{SETTINGS}\n{with}").as_bytes());
            settings(format!("{SETTINGS}\n[texts]\nannounce = \"\"\"{with}\"\"\"").as_bytes());
        }

        #[test]
        fn no_words_and_no_key_are_more_than_they_say(
            words in "[{}a-z@ ]{0,50}|\\{(follower|milestone|creator)\\}", name in any::<String>(),
            pk in "(x|bluesky|y)?#?[0-9a-z:]{0,20}", sk in "(milestone#)?[0-9-]{0,25}",
        ) {
            template(format!("{words}\n{name}").as_bytes());
            key(format!("{pk}\n{sk}").as_bytes());
            key(name.as_bytes());
        }

        #[test]
        fn no_answer_makes_a_topic_that_is_not_one_safe_line(
            answer in any::<String>(), near in "(stop|please|@amber|#hug|follower |600|youtu\\.be/|\u{200d}|\u{301}|👩|[ .\n,]){0,60}",
        ) {
            topic(answer.as_bytes());
            topic(near.as_bytes());
            topic(format!("{near}{answer}").as_bytes());
        }
    }
}
