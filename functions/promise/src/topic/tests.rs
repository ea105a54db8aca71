use proptest::{prelude::*, sample::select};

use super::*;

fn meaning(text: &str) -> Meaning {
    read(text, &[])
}

/// Why the answer is doubtful; empty where it is not.
fn why(text: &str) -> String {
    match meaning(text) {
        Meaning::Doubtful { why, .. } => why,
        _ => String::new(),
    }
}

fn topic(text: &str) -> Meaning {
    Meaning::Topic(text.to_owned())
}

#[test]
fn a_topic_is_kept_as_it_was_written() {
    for text in [
        "my cat",
        "The day my dog learned to swim 🐕\u{fe0f}",
        "Zoë und der Nebel über Köln",
        "我的猫",
        "1984",
        "1\u{fe0f}\u{20e3} hit wonders",
        "family 👨\u{200d}👩\u{200d}👧",
        "#rain",
        "surprise me!",
        "tell @lea that I am sorry",
        "a song about @lea",
        "Love. Me. Tender.",
        "9 a.m./5 p.m.",
    ] {
        assert_eq!(meaning(text), topic(text), "{text}");
    }
}

#[test]
fn an_everyday_topic_raises_no_doubt() {
    let lines = include_str!("../clean/topics.txt").lines();
    let everyday = lines.skip_while(|line| *line != "# everyday").skip(1);
    for text in everyday.take_while(|line| !line.is_empty()) {
        assert_eq!(meaning(text), topic(text), "{text}");
    }
}

#[test]
fn mentions_around_a_topic_and_what_cannot_be_seen_are_no_part_of_it() {
    for text in [
        "@amber my cat",
        "@amber, my cat",
        "@amber.bsky.social: my cat",
        "@amber@mastodon.social @bob my cat",
        "＠amber my cat",
        "﹫amber my cat ＠bob",
        "my cat @amber",
        "@amber my\r\n\tcat @bob @carol!",
        "my \u{202e}c\u{200b}a\u{2066}t\u{feff}",
        "my c\u{200d}a\u{fe0f}t\u{200d}",
        "\u{2800}my\u{a0}\u{3000}cat\u{2800}",
        "my \u{7}cat",
    ] {
        assert_eq!(meaning(text), topic("my cat"), "{text}");
    }
    assert_eq!(meaning("my \u{1b}[31mcat"), topic("my [31mcat"));
    let parted = format!("my ca{}t", "\u{301}\u{301}\u{200d}".repeat(100));
    assert_eq!(
        meaning(&parted),
        topic("my ca\u{301}\u{301}\u{301}t"),
        "no letter carries a hundred accents"
    );
}

#[test]
fn a_long_topic_is_cut_after_280_characters_as_a_reader_counts_them() {
    let long = "ab ".repeat(200);
    let Meaning::Topic(kept) = meaning(&long) else {
        panic!("it is a topic");
    };
    assert_eq!(kept.graphemes(true).count(), MAX_TOPIC + 1);
    assert!(kept.ends_with("a…"), "{kept}");
    let exact = "é".repeat(MAX_TOPIC);
    assert_eq!(meaning(&exact), topic(&exact));
    let family = format!("a {}", "👨\u{200d}👩\u{200d}👧".repeat(MAX_TOPIC - 2));
    assert_eq!(meaning(&family), topic(&family));
    let endless = format!("a {}", "👨\u{200d}".repeat(100_000));
    let Meaning::Topic(kept) = meaning(&endless) else {
        panic!("it is a topic");
    };
    assert_eq!(kept, "a…", "one character that has no end is no character");
}

#[test]
fn an_answer_without_words_is_nothing_and_one_of_emoji_alone_is_doubtful() {
    for text in [
        "",
        " \n",
        "@amber",
        "@amber @bob!",
        "...",
        "?!",
        "\u{200b}\u{202e}",
        "@",
        "—",
    ] {
        assert_eq!(meaning(text), Meaning::Nothing, "{text}");
    }
    for text in ["❤\u{fe0f}", "@amber 🎉🎉", "🛑", "🇩🇪", "👍🏽!", "🅰"] {
        assert_eq!(why(text), "it has no words", "{text}");
    }
}

#[test]
fn an_answer_that_is_nothing_but_an_opt_out_is_one() {
    for text in [
        "stop",
        "STOP",
        "Stop.",
        "stop!!! 🛑",
        "@amber stop",
        "Stop @amber",
        "stop, thanks",
        "Stop. Thank you",
        "please stop",
        "Please, just stop now.",
        "ok stop",
        "stop stop STOP",
        "s t o p",
        "S.T.O.P.",
        "thank u, I opt out",
        "st\u{200b}op",
        "ｓｔｏｐ",
        "stooooop",
        "#stop",
        "\"Stop\"",
        "stopall",
        "stop all",
        "unsubscribe",
        "Unsubscribe me please",
        "end",
        "quit",
        "cancel",
        "revoke",
        "opt out",
        "opt-out",
        "OPTOUT",
        "stop messaging me",
        "Stop @amber messaging me",
        "leave me alone",
        "Leave me alone!!",
        "don't contact me",
        "Don’t contact me again",
        "do not message me anymore, thank you",
        "stopp",
        "Stopp bitte",
        "hör auf",
        "Ho\u{308}r auf!",
        "Lass mich in Ruhe",
        "arrête",
        "Arretez, s'il vous plaît",
        "basta",
        "déjame en paz",
        "стоп",
        "停止",
        "やめてください。",
    ] {
        assert_eq!(meaning(text), Meaning::Stop, "{text}");
    }
}

#[test]
fn a_topic_with_such_a_word_in_it_is_a_topic() {
    for text in [
        "Don't stop believing",
        "don’t stop",
        "please don't stop",
        "Never stop dreaming",
        "non-stop",
        "We have got to STOP this bill",
        "stop and smell the roses",
        "the bus that did not stop for me",
        "the end of the world as we know it",
        "the weekend",
        "how I quit my job in spring",
        "a stopwatch",
        "una canción para mi madre",
        "para mamá",
        "no rain",
        "the opera I cannot stop humming",
        "leave me a light on",
        "contact with other planets",
    ] {
        assert_eq!(meaning(text), topic(text), "{text}");
    }
}

#[test]
fn what_may_be_an_opt_out_is_for_the_creator_to_read() {
    for text in [
        "stop it",
        "stop this nonsense",
        "Stop and smell roses",
        "bus stop",
        "why don't you stop",
        "no thanks",
        "No, thank you!",
        "no",
        "nein danke",
        "the end",
        "cancel it",
        "alto",
        "para",
        "please stop, I never asked for any of this",
        "Stop. I never asked for this and I do not know you",
        "I do not know who you are\nstop\nreally",
        "I really want you to leave me alone from now on",
        "could you kindly not write and do not contact me ever again about it",
        "I asked you not to message me about these songs of yours",
        "stop sending me this stuff every single day of the week",
        "how do I unsubscribe from this kind of thing",
        "请停止发消息",
        "I am not interested in any of your songs",
        "I want you to stop",
        "please don't",
        "don't @ me",
        "no more, thanks",
        "Hör bitte auf",
        "who are you?",
        "a scam?",
    ] {
        assert_eq!(why(text), "it may ask you to stop", "{text}");
    }
    let late = format!("{} leave me alone", "la ".repeat(300));
    assert_eq!(why(&late), "it may ask you to stop", "after what is kept");
}

#[test]
fn thanks_without_a_topic_are_no_topic() {
    for text in [
        "thanks!",
        "@amber wow, thank you so much!!! 🎉",
        "Yes please",
        "ok",
        "Omg really? For me?",
        "danke",
    ] {
        assert_eq!(why(text), "it may be no topic yet", "{text}");
    }
    for text in [
        "thank you for the music",
        "Yes please, cats",
        "saying thanks to my mum",
    ] {
        assert_eq!(meaning(text), topic(text), "{text}");
    }
}

#[test]
fn a_topic_with_a_link_is_for_the_creator_to_read() {
    for text in [
        "https://example.com",
        "like this one: HTTPS://example.com/song",
        "listen to www.example.museum",
        "go to example.com.",
        "go to (example.com)",
        "bit.ly/abc",
        "example.museum/page",
        "ｅｘａｍｐｌｅ.com",
    ] {
        assert_eq!(why(text), "it contains a link", "{text}");
    }
    for text in [
        "Dr. No",
        "and/or",
        "e.g./i.e. and so on",
        "3.14",
        "@bob and amber@amber.social too",
    ] {
        assert_eq!(why(text), "", "{text}");
    }
}

#[test]
fn a_doubt_names_each_reason_and_never_the_words() {
    assert_eq!(why("my fucking cat"), "it may contain bad language");
    assert_eq!(
        why("damn good coffee at example.com"),
        "it may contain bad language, and it contains a link"
    );
    assert_eq!(
        why("stop this shit"),
        "it may ask you to stop, and it may contain bad language"
    );
    let own = ["spiders".to_owned()];
    assert_eq!(
        read("the Spiders from Mars", &own),
        Meaning::Doubtful {
            topic: "the Spiders from Mars".to_owned(),
            doubt: Doubt::MayBeTopic,
            why: "it has a word from your list".to_owned(),
        }
    );
}

#[test]
fn each_phrase_in_the_lists_can_be_found() {
    for phrase in OPT_OUTS {
        assert_eq!(meaning(phrase), Meaning::Stop, "{phrase}");
    }
    for phrase in PERHAPS
        .iter()
        .chain(&PERHAPS_IN_TWO)
        .chain(&PERHAPS_ALONE)
        .chain(&PERHAPS_ANYWHERE)
    {
        let found = meaning(phrase);
        let is_topic = matches!(found, Meaning::Topic(_) | Meaning::Nothing);
        assert!(!is_topic, "{phrase}: {found:?}");
    }
    for phrase in POLITE {
        let with_stop = format!("stop, {phrase}");
        assert_eq!(meaning(&with_stop), Meaning::Stop, "{phrase}");
        assert_ne!(meaning(phrase), Meaning::Stop, "{phrase}");
    }
}

/// Whatever it means, what is kept of it is safe to show.
fn check(text: &str, own_words: &[String]) -> Result<(), TestCaseError> {
    let (Meaning::Topic(topic) | Meaning::Doubtful { topic, .. }) = read(text, own_words) else {
        return Ok(());
    };
    prop_assert!(topic.graphemes(true).count() <= MAX_TOPIC + 1);
    prop_assert!(topic.chars().count() <= MAX_CODE_POINTS + 1);
    prop_assert!(!topic.is_empty() && topic.trim() == topic && !topic.contains("  "));
    let unsafe_one = |c: char| {
        c.is_control() || (c.is_whitespace() && c != ' ') || plain(&c.to_string()).next().is_none()
    };
    prop_assert!(!topic.contains(unsafe_one), "{topic:?}");
    prop_assert_eq!(
        &visible(topic.trim_end_matches('…')),
        topic.trim_end_matches('…')
    );
    Ok(())
}

proptest! {
    #[test]
    fn whatever_is_answered_its_topic_is_one_safe_line(
        text in any::<String>(),
        near in "((stop|please|@am|don't|leave me alone|a\\.com|\u{200d}|\u{fe0f}|👩|🏽|\u{301}|\u{202e}|1|\n|f\\.u)[ .!]?){0,200}",
        own in any::<String>(),
    ) {
        check(&text, &[])?;
        check(&near, &[])?;
        check(&format!("{near}{text}"), &[own])?;
    }

    #[test]
    fn an_opt_out_is_one_in_any_case_with_any_punctuation_emoji_and_mention(
        phrase in select(&OPT_OUTS[..]), shouted in any::<bool>(), polite in select(&POLITE[..]),
        before in "(@[a-z]{1,9}[,:]? )?[\"(!]{0,2}", after in "[.!?…🛑🙏 )]{0,5}( @[a-z]{1,9})?",
    ) {
        let phrase = if shouted { phrase.to_uppercase() } else { phrase.to_owned() };
        prop_assert_eq!(meaning(&format!("{before}{phrase}{after}")), Meaning::Stop);
        prop_assert_eq!(meaning(&format!("{before}{polite}, {phrase}{after}")), Meaning::Stop);
    }

    #[test]
    fn no_opt_out_is_taken_for_one_in_a_song_of_other_words(
        phrase in select(&OPT_OUTS[..]), words in "(my|cat|rain|summer|house)( (my|cat|rain|summer|house)){0,6}",
    ) {
        prop_assert_ne!(meaning(&format!("{phrase} {words}")), Meaning::Stop);
        prop_assert_ne!(meaning(&format!("{words} {phrase}")), Meaning::Stop);
    }
}
