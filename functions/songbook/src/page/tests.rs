use promise::{
    answer::Verdict,
    hug::{Hug, Status},
    milestone::{MAX_MILESTONE, Milestone},
    record::Pending,
    untrusted::one_line,
};

use super::*;
use crate::{
    Words,
    samples::{NOW, Sample, days_ago, hug, now, unsung},
};

fn page(sample: &Sample) -> String {
    render(&sample.book(), now())
}

/// The letters of a page between its tags.
fn text(page: &str) -> String {
    let body = page.split_once("<body>").unwrap().1;
    let mut text = String::new();
    let mut is_tag = false;
    for c in body.chars() {
        match c {
            '<' => is_tag = true,
            '>' => is_tag = false,
            c if !is_tag => text.push(c),
            _ => {}
        }
    }
    text
}

#[test]
fn the_policy_has_the_hash_of_the_style_as_it_stands_in_the_page() {
    let page = page(&Sample::counted(743));
    let (_, style) = page.split_once("<style>").unwrap();
    let (style, _) = style.split_once("</style>").unwrap();
    let hash = STANDARD.encode(Sha256::digest(style));
    assert!(policy().contains(&format!("style-src 'sha256-{hash}';")));
    assert!(page.contains(&format!(
        "<meta http-equiv=\"Content-Security-Policy\" content=\"{}\">",
        policy()
    )));
    assert!(!page.contains(" style="), "the policy blocks it");
    // The policy stops only what comes after it.
    assert!(page.find("Content-Security").unwrap() < page.find("<title>").unwrap());
}

#[test]
fn a_server_sends_a_policy_that_allows_no_script_no_frame_and_nothing_from_elsewhere() {
    let header = |name: &str| HEADERS.iter().find(|(of, _)| *of == name).unwrap().1;
    let policy = header("Content-Security-Policy");
    for part in [
        "default-src 'none'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    ] {
        assert!(policy.contains(part), "{part}");
    }
    assert!(!policy.contains("script") && !policy.contains("http"));
    assert_eq!(header("X-Content-Type-Options"), "nosniff");
}

#[test]
fn nothing_is_loaded_from_elsewhere_and_every_link_leads_to_the_network_or_to_youtube() {
    let page = page(&every_state());
    for loads in [
        "src=", "<script", "<iframe", "<img", "@import", "url(", "<form", "<base",
    ] {
        assert!(!page.contains(loads), "{loads}");
    }
    for href in page.split("href=\"").skip(1) {
        let href = href.split('"').next().unwrap();
        let known = [
            "#",
            "data:image/svg+xml,",
            "https://x.example/",
            "https://www.youtube.com/watch?v=",
        ];
        assert!(known.iter().any(|known| href.starts_with(known)), "{href}");
    }
}

/// One hug in each state, a number that waits, and hugs that nobody is named for.
fn every_state() -> Sample {
    let mut sample = Sample::counted(1_743).since(120, 1, 431);
    let states = [
        Status::Hugged,
        Status::SongPosted,
        Status::TopicChosen,
        Status::Invited,
        Status::Reached,
        Status::Held,
        Status::Inviting,
        Status::Declined,
        Status::Cancelled,
        Status::ToSend,
    ];
    for (status, number) in states.into_iter().zip(6..) {
        let sung = matches!(status, Status::Hugged | Status::SongPosted);
        let one = if sung {
            hug(100 * number, status)
        } else {
            unsung(100 * number, status)
        };
        sample = sample.with(one);
    }
    let account = sample.account.as_mut().unwrap();
    account.pending = Some(Pending {
        milestone: Milestone::from_number(1_700).unwrap(),
        since: days_ago(2),
        judged: None,
        certain: true,
        passed_over: 2,
    });
    sample
}

#[test]
fn each_state_of_a_hug_is_told_in_its_own_words() {
    let text = text(&page(&every_state()));
    for sentence in [
        "For June Okafor, @june_okafor, who asked for “the bird that my grandfather feeds”. Sung on 3 September 2026.",
        "The Heron on the Canal",
        "Listen on YouTube",
        "A song is being written",
        "Waiting for a topicInvited on 14 August 2026. This page says whose number it is when they have answered.",
        "Reached on 20 November 2026. Two accounts were passed over, so the next genuine follower gets this song.",
        "Without a songReached on 14 August 2026. Nothing more comes for this number.",
        "On 14 August 2026 at 14:15 UTC the count went from 599 to 601, so number 600 stood second in the list of followers, newest first. One account was passed over, because it did not count as genuine or could not get this song. Count and list agree: certain.",
        "57 to go",
        "Number 1800 gets the next song, and 1743 are here.",
        "Written on 22 November 2026 at 14:15 UTC; its days are those of UTC.",
    ] {
        assert!(text.contains(sentence), "{sentence}\n{text}");
    }
}

#[test]
fn a_song_without_a_name_says_so_and_one_without_a_title_has_its_number() {
    let mut sample = Sample::counted(743).with(hug(600, Status::Hugged));
    sample.stopped.insert("7".into());
    let said = text(&page(&sample));
    assert!(
        said.contains("For someone who would rather not be named. Sung on"),
        "{said}"
    );
    let mut silent = hug(600, Status::Hugged);
    silent.topic = None;
    silent.posted.as_mut().unwrap().title = Some("  ".to_owned());
    let said = text(&page(&Sample::counted(743).with(silent)));
    assert!(
        said.contains("Song number 600For follower number 600. Sung on"),
        "{said}"
    );
}

const NASTY: [&str; 9] = [
    "<script>alert(1)</script>",
    "</style><style>*{display:none}</style>",
    "<img src=x onerror=alert(1)>",
    "\" onclick=\"alert(1)",
    "' style='position:fixed",
    "javascript:alert(1)",
    "&lt;script&gt;",
    "\u{202e}drawkcab\u{2066}",
    "אבג <b>",
];

fn hug_of(handle: &str, name: &str, topic: &str, title: &str) -> Hug {
    let mut hug = hug(600, Status::Hugged);
    let follower = hug.follower.as_mut().unwrap();
    follower.handle = handle.to_owned();
    follower.name = Some(name.to_owned());
    hug.topic.as_mut().unwrap().text = topic.to_owned();
    hug.topic.as_mut().unwrap().verdict = Verdict::Accepted;
    hug.posted.as_mut().unwrap().title = Some(title.to_owned());
    hug
}

#[test]
fn markup_in_a_name_a_handle_a_topic_a_title_or_the_creators_words_stays_text() {
    let plain = tags(&page(
        &Sample::counted(743).with(hug_of("a", "b", "c", "d")),
    ));
    for nasty in NASTY {
        let handle = format!("{nasty}7");
        let mut sample = Sample::counted(743).with(hug_of(&handle, nasty, nasty, nasty));
        sample.words = Words {
            title: Some(nasty.to_owned()),
            promise: Some(nasty.to_owned()),
            ..Words::default()
        };
        let mut records = sample.records();
        records.creator = Some(nasty);
        let page = render(&Songbook::of(&sample.words, &[records], 0), now());
        assert_eq!(tags(&page), plain, "{nasty}");
        let shown = one_line(nasty, 100);
        let shown = shown.replace('&', "&amp;").replace('<', "&lt;");
        let shown = shown.replace('>', "&gt;").replace('"', "&quot;");
        let isolated = format!("<bdi>{shown}</bdi>");
        // The creator twice, the title, the name and the topic.
        assert_eq!(page.matches(&isolated).count(), 5, "{nasty}: {page}");
        assert!(page.contains(&format!("<bdi>@{shown}7</bdi>")), "{nasty}");
    }
}

/// Every tag and every attribute of a page, without the values.
fn tags(page: &str) -> Vec<String> {
    let mut tags = Vec::new();
    for tag in page.split('<').skip(1) {
        let (tag, _) = tag.split_once('>').unwrap();
        // A value in quotes contains no quote.
        let names: Vec<&str> = tag.split('"').step_by(2).collect();
        tags.push(names.join("…"));
    }
    tags
}

#[test]
fn a_handle_of_253_letters_and_letters_from_right_to_left_are_shown_whole_and_isolated() {
    let long = "w".repeat(253);
    let page = page(&Sample::counted(743).with(hug_of(&long, "אבג", "שיר", "כותרת")));
    assert!(page.contains(&format!("<bdi>@{long}</bdi>")));
    for isolated in ["<bdi>אבג</bdi>", "<bdi>שיר</bdi>", "<bdi>כותרת</bdi>"] {
        assert!(page.contains(isolated), "{isolated}");
    }
}

#[test]
fn search_engines_are_kept_out_unless_the_creator_wants_them() {
    let mut sample = Sample::counted(743);
    let robots = "<meta name=\"robots\" content=\"noindex\">";
    assert!(page(&sample).contains(robots));
    assert!(!page(&sample).contains("og:url"));
    sample.words.listed = true;
    sample.words.url = Some("https://amber.example/songs".to_owned());
    let page = page(&sample);
    assert!(!page.contains("noindex"));
    assert!(page.contains("<meta property=\"og:url\" content=\"https://amber.example/songs\">"));
    assert!(page.contains(
        "<meta property=\"og:description\" content=\"Every hundredth follower gets a song. 57 to go until number 800.\">"
    ));
}

#[test]
fn the_page_says_when_it_was_written() {
    let sample = Sample::counted(743);
    assert_ne!(page(&sample), render(&sample.book(), days_ago(1)));
    assert!(page(&sample).contains("14:15 UTC"), "{NOW}");
}

#[test]
fn before_the_first_check_there_is_no_chart_and_a_sentence_says_so() {
    let mut sample = Sample::counted(743);
    sample.account = None;
    let page = page(&sample);
    let said = text(&page);
    assert!(said.contains("The followers have not been counted yet. The first check comes soon."));
    assert!(said.contains("No song yet. The first one is for number 600: perhaps that is you."));
    assert!(!page.contains("<figure>") && !page.contains("<progress"));
}

#[test]
fn one_count_is_a_dot_without_a_curve() {
    let page = page(&Sample::counted(412));
    assert!(
        text(&page)
            .contains("Counted for the first time on 22 November 2026. The curve begins here.")
    );
    assert!(!page.contains("class=\"curve\"") && page.contains("class=\"now\""));
}

#[test]
fn after_the_last_number_every_song_is_promised() {
    let mut sample = Sample::counted(743).since(30, 1, 431);
    sample.account.as_mut().unwrap().promised_up_to = MAX_MILESTONE;
    let page = page(&sample);
    assert!(text(&page).contains("743 are here, and every song of the plan is promised."));
    assert!(!page.contains("to-come\"") && !page.contains("dotted heart"));
}

#[test]
fn a_count_that_fell_below_a_number_has_an_empty_bar_and_the_next_number_is_dashed() {
    let mut sample = Sample::counted(690).since(30, 1, 690);
    sample.account.as_mut().unwrap().promised_up_to = 703;
    let page = page(&sample);
    assert!(text(&page).contains("110 to go"));
    assert!(
        page.contains(
            "<progress max=\"100\" value=\"0\" aria-label=\"On the way from 700 to 800\">"
        )
    );
    assert!(page.contains("class=\"stave soon\""));
}

#[test]
fn where_the_next_number_is_close_its_heart_stands_for_the_dot() {
    let far = page(&Sample::counted(743).since(30, 1, 431));
    let close = page(&Sample::counted(785).since(30, 1, 431));
    assert!(far.contains("class=\"now\"") && !close.contains("class=\"now\""));
}

#[test]
fn many_hugs_have_smaller_hearts_then_dots_and_all_but_twenty_are_folded() {
    let with = |hugs: u64| {
        let mut sample = Sample::counted(600 + 100 * hugs).since(120, 1, 431);
        for at in 0..hugs {
            sample = sample.with(hug(600 + 100 * at, Status::Hugged));
        }
        page(&sample)
    };
    let stems = |page: &str| page.matches("class=\"stem\"").count();
    let (few, some, many) = (with(8), with(9), with(25));
    assert_eq!(stems(&few), 9, "with that of the heading");
    assert_eq!(stems(&some), 1);
    assert_eq!(some.matches("scale(.6)").count(), 9);
    assert_eq!(many.matches("class=\"head dot\"").count(), 25);
    assert!(text(&many).contains("each dot a hug") && text(&few).contains("each heart a hug"));
    assert!(text(&many).contains("5 earlier numbers") && !some.contains("earlier numbers"));
    let everyone = many.matches("<bdi>@june_okafor</bdi>").count();
    assert_eq!(everyone, 25, "those who are folded, too");
}

#[test]
fn a_hug_before_the_first_count_is_in_the_book_and_not_on_the_curve() {
    let mut old = hug(600, Status::Hugged);
    old.reached_at = days_ago(500);
    let page = page(&Sample::counted(743).since(400, 24, 650).with(old));
    assert!(text(&page).contains("The Heron on the Canal"));
    assert!(!page.contains("class=\"hug\"") && !text(&page).contains("each heart a hug"));
}

#[test]
fn where_nobody_counted_the_curve_is_dotted_and_words_say_so() {
    let mut sample = Sample::counted(743).since(60, 1, 431);
    let (from, to) = (days_ago(40), days_ago(30));
    sample
        .counts
        .retain(|count| count.at < from || count.at > to);
    let page = page(&sample);
    assert!(page.contains("class=\"curve gap\""));
    let said = text(&page);
    assert!(said.contains("Where the curve is dotted, nobody counted."));
    assert!(
        said.contains("Nobody counted from 13 October to 23 October."),
        "{said}"
    );
}

#[test]
fn every_picture_and_the_bar_have_a_name_for_those_who_do_not_see_them() {
    let page = page(&every_state());
    for svg in page.split("<svg").skip(1) {
        let tag = svg.split('>').next().unwrap();
        let is_named = tag.contains("role=\"img\"") && tag.contains("aria-labelledby=\"t1 d1\"");
        let is_part = !tag.contains("class=\"plot") && !tag.contains("viewBox=\"-9");
        assert!(
            is_named || is_part || tag.contains("aria-hidden=\"true\""),
            "{tag}"
        );
    }
    assert!(page.contains("<title id=\"t1\">Followers since July</title>"));
    assert!(page.contains("aria-label=\"On the way from 1700 to 1800\""));
}
