use proptest::prelude::*;

use super::*;

/// The topics under the heading of that name.
fn topics(group: &str) -> Vec<&'static str> {
    let lines = include_str!("topics.txt").lines();
    let after = lines.skip_while(move |line| line.strip_prefix("# ") != Some(group));
    let group = after.skip(1).take_while(|line| !line.starts_with('#'));
    group.filter(|line| !line.is_empty()).collect()
}

fn is_marked(topic: &str) -> bool {
    objection(topic, &[]).is_some()
}

/// A newer filter may mark other topics; then the table in `clean.rs` changes with these numbers.
#[test]
fn of_the_hard_topics_the_filter_marks_as_many_as_its_table_says() {
    let mut marked = Vec::new();
    for group in [
        "everyday",
        "clean",
        "dirty, English",
        "dirty, other languages",
    ] {
        let topics = topics(group);
        let (yes, no): (Vec<&str>, Vec<&str>) = topics.iter().partition(|topic| is_marked(topic));
        let (what, wrong) = match group {
            "everyday" | "clean" => ("marked", &yes),
            _ => ("missed", &no),
        };
        println!("{group}: {what} {}", wrong.join(" | "));
        marked.push((group, topics.len(), yes.len()));
    }
    assert_eq!(
        marked,
        [
            ("everyday", 30, 0),
            ("clean", 60, 28),
            ("dirty, English", 38, 38),
            ("dirty, other languages", 22, 16),
        ]
    );
}

#[test]
fn what_the_creator_is_told_never_repeats_the_word() {
    for topic in topics("dirty, English") {
        let told = objection(topic, &[]).map(|objection| objection.to_string());
        assert!(told.is_none_or(|told| told == "it may contain bad language"));
    }
    let own = ["spiders".to_owned()];
    let told = objection("Spiders!", &own).unwrap().to_string();
    assert_eq!(told, "it has a word from your list");
}

#[test]
fn a_creators_own_word_is_found_as_a_whole_word_however_it_is_written() {
    let own = ["Crème", "bad idea", "rust", "蜘蛛", "🕷", " "].map(str::to_owned);
    for topic in [
        "creme",
        "a CRÈME cake",
        "cre\u{301}me",
        "ｃｒｅｍｅ",
        "c.r.e.m.e",
        "C R È M E brulee",
        "cr\u{200b}eme",
        "a bad-idea",
        "Bad  idea!",
        "r_u_s_t",
        "#rust",
        "大蜘蛛的歌",
        "my pet 🕷\u{fe0f}",
    ] {
        assert_eq!(objection(topic, &own), Some(Objection::OwnWord), "{topic}");
    }
    for topic in ["cremes", "idea bad", "bad ideas", "trust", "蜘", "spiders"] {
        assert_eq!(objection(topic, &own), None, "{topic}");
    }
    assert_eq!(objection("", &own), None);
}

proptest! {
    #[test]
    fn no_text_and_no_own_word_makes_the_filter_panic(
        text in any::<String>(), near in "[a-z4301$@*._ \u{200b}\u{301}🍆ſ-]{0,60}", own in any::<String>(),
    ) {
        for text in [&text, &near] {
            objection(text, &[]);
            objection(text, std::slice::from_ref(&own));
        }
    }

    #[test]
    fn an_own_word_is_found_between_any_others(
        own in "[a-z]{2,9}", before in "([a-z]{1,9}[ .!]){0,3}", after in "([ ,?][a-z]{2,9}){0,3}",
    ) {
        let topic = format!("{before}{}{after}", own.to_uppercase());
        prop_assert_eq!(objection(&topic, &[own]), Some(Objection::OwnWord));
    }
}
