use promise::{
    answer::Verdict,
    erase::{Person, erase_hug},
    hug::Status,
    milestone::MAX_MILESTONE,
    record::Pending,
};

use super::*;
use crate::samples::{Sample, days_ago, hug, june, now, unsung};

const ALL: [Status; 10] = [
    Status::Reached,
    Status::Held,
    Status::Inviting,
    Status::ToSend,
    Status::Invited,
    Status::TopicChosen,
    Status::SongPosted,
    Status::Hugged,
    Status::Declined,
    Status::Cancelled,
];

fn later() -> Status {
    Status::Unknown("of_a_later_version".to_owned())
}

fn state(hug: Hug) -> State {
    let book = Sample::counted(743).with(hug).book();
    book.shelves[0].entries[0].state.clone()
}

fn whom(state: &State) -> Option<&Whom> {
    match state {
        State::Asked { by } | State::Sung { by, .. } => Some(by),
        _ => None,
    }
}

fn names_someone(state: &State) -> bool {
    matches!(whom(state), Some(Whom::Asker(_)))
}

#[test]
fn a_person_is_in_the_book_from_their_answer_on_and_never_before_nor_when_it_ended() {
    let named = [Status::TopicChosen, Status::SongPosted, Status::Hugged];
    for status in ALL.into_iter().chain([later()]) {
        let is_named = named.contains(&status);
        let state = state(unsung(600, status.clone()));
        assert_eq!(names_someone(&state), is_named, "{status}");
        let written = format!("{state:?}");
        assert_eq!(written.contains("june"), is_named, "{status}: {written}");
        assert_eq!(written.contains("grandfather"), is_named, "{status}");
    }
}

#[test]
fn a_song_can_be_heard_once_it_is_posted_also_where_the_creator_sends_it_and_not_if_they_ended_it()
{
    let sung = [
        Status::SongPosted,
        Status::Hugged,
        Status::ToSend,
        Status::Declined,
    ];
    for status in ALL {
        // A song belongs only to states from the song on.
        if matches!(
            status,
            Status::Reached | Status::Held | Status::Inviting | Status::Invited
        ) {
            continue;
        }
        let state = state(hug(600, status.clone()));
        let is_sung = matches!(state, State::Sung { .. });
        assert_eq!(is_sung, sung.contains(&status), "{status}");
    }
}

#[test]
fn who_said_stop_or_was_erased_is_not_named_and_their_song_stays() {
    for status in [Status::TopicChosen, Status::SongPosted, Status::Hugged] {
        let mut sample = Sample::counted(743).with(hug(600, status.clone()));
        sample.stopped.insert("7".into());
        let book = sample.book();
        assert_eq!(
            whom(&book.shelves[0].entries[0].state),
            Some(&Whom::Unnamed)
        );
        let written = format!("{book:?}");
        assert!(
            !written.contains("june") && !written.contains("grandfather"),
            "{written}"
        );
    }
    let person = Person {
        ids: [june().id].into(),
        ..Person::default()
    };
    for entirely in [false, true] {
        for status in [Status::SongPosted, Status::Hugged, Status::ToSend] {
            let erased = erase_hug(&hug(600, status), &person, entirely, now()).unwrap();
            let state = state(erased);
            assert_eq!(whom(&state), Some(&Whom::Unnamed));
            assert!(matches!(state, State::Sung { .. }));
            assert!(!format!("{state:?}").contains("June"));
        }
    }
    let erased = erase_hug(&unsung(600, Status::TopicChosen), &person, false, now());
    assert_eq!(state(erased.unwrap()), State::Ended);
    let declined = state(hug(600, Status::Declined));
    assert_eq!(whom(&declined), Some(&Whom::Unnamed));
}

#[test]
fn who_never_asked_for_a_topic_that_counts_is_not_named() {
    let mut silent = hug(600, Status::Hugged);
    silent.topic = None;
    assert_eq!(whom(&state(silent)), Some(&Whom::Silent));
    for verdict in [
        Verdict::Doubtful,
        Verdict::Refused,
        Verdict::Other("later".to_owned()),
    ] {
        let mut doubtful = hug(600, Status::SongPosted);
        doubtful.topic.as_mut().unwrap().verdict = verdict;
        let state = state(doubtful);
        assert_eq!(whom(&state), Some(&Whom::Silent));
        assert!(!format!("{state:?}").contains("grandfather"));
    }
}

#[test]
fn the_place_in_the_list_is_told_only_of_someone_who_is_named() {
    let position = |state: &State| match state {
        State::Invited { found, .. } => found.as_ref().and_then(|found| found.position),
        State::Asked {
            by: Whom::Asker(asker),
        } => asker.found.as_ref().and_then(|found| found.position),
        other => panic!("{other:?}"),
    };
    assert_eq!(position(&state(unsung(600, Status::Invited))), None);
    assert_eq!(position(&state(unsung(600, Status::TopicChosen))), Some(1));
}

#[test]
fn how_someone_was_found_is_not_told_where_the_creator_chose_or_passed_the_hug_on() {
    let found = |hug: Hug| match state(hug) {
        State::Invited { found, .. } => found,
        other => panic!("{other:?}"),
    };
    let invited = unsung(600, Status::Invited);
    assert!(found(invited.clone()).is_some());
    let mut chosen = invited.clone();
    chosen.evidence.certainty = Certainty::Unknown;
    assert_eq!(found(chosen), None);
    let mut passed = invited.pass(now()).unwrap();
    passed.status = Status::Invited;
    assert_eq!(found(passed), None);
}

#[test]
fn nothing_of_the_book_is_meant_for_the_creator_alone() {
    let mut all = Sample::counted(2_000);
    for (status, number) in ALL.into_iter().zip(6..) {
        let mut hug = hug(100 * number, status);
        hug.passed = unsung(600, Status::Invited).pass(now()).unwrap().passed;
        hug.passed.as_mut().unwrap().follower.handle = "who_was_silent".to_owned();
        hug.candidates
            .push(VideoId::from_id("CCCCCCCCCCC").unwrap());
        all = all.with(hug);
    }
    let written = format!("{:?}", all.book());
    for not_shown in [
        "network said no",
        "news for the creator",
        "a note",
        "who_was_silent",
        "CCCCCCCCCCC",
        "44196397",
    ] {
        assert!(!written.contains(not_shown), "{not_shown}: {written}");
    }
}

#[test]
fn the_next_number_is_the_one_after_all_that_are_behind_or_wait() {
    let next = |sample: &Sample| {
        let shelf = &sample.book().shelves[0];
        (shelf.next.map(Milestone::number), shelf.before_next)
    };
    assert_eq!(next(&Sample::counted(412)), (Some(600), 0));
    assert_eq!(next(&Sample::counted(743)), (Some(800), 700));
    let mut waits = Sample::counted(702);
    let account = waits.account.as_mut().unwrap();
    account.promised_up_to = 699;
    account.pending = Some(Pending {
        milestone: Milestone::from_number(700).unwrap(),
        since: days_ago(1),
        judged: None,
        certain: true,
        passed_over: 2,
    });
    assert_eq!(next(&waits), (Some(800), 700));
    let entry = &waits.book().shelves[0].entries[0];
    assert_eq!(entry.state, State::Crossed { passed_over: 2 });
    let mut fell = Sample::counted(790);
    fell.account.as_mut().unwrap().promised_up_to = 803;
    assert_eq!(next(&fell), (Some(900), 800));
    let mut all = Sample::counted(743);
    all.account.as_mut().unwrap().promised_up_to = MAX_MILESTONE;
    assert_eq!(next(&all), (None, 0));
    let mut never = Sample::counted(743);
    never.account = None;
    assert_eq!(next(&never), (Some(600), 0));
}

#[test]
fn the_words_are_the_creators_own_and_else_those_of_the_plan() {
    let mut sample = Sample::counted(743);
    assert_eq!(sample.book().title, "Every hundredth follower gets a song.");
    assert_eq!(
        sample.book().promise,
        "Number 600 gets a song on a topic of their choosing, and so does every hundredth follower after that."
    );
    sample.words.title = Some(" Songs for\n you ".to_owned());
    assert_eq!(sample.book().title, "Songs for  you");
    sample.words.title = Some(" ".to_owned());
    assert_eq!(sample.book().title, "Every hundredth follower gets a song.");
    let mut other = Sample::counted(50);
    other.plan = Plan::new(10, 10).unwrap();
    let both = [sample.records(), other.records()];
    let book = Songbook::of(&Words::default(), &both, 3);
    assert_eq!(book.title, "My followers get songs.");
    assert_eq!(book.left_out, 3);
}

#[test]
fn the_creator_is_called_as_in_the_settings_else_as_the_last_hug_signs_else_by_the_handle() {
    let sample = Sample::counted(743).with(hug(600, Status::Hugged));
    let named = |creator, hugs| {
        let records = Records {
            creator,
            hugs,
            ..sample.records()
        };
        Songbook::of(&Words::default(), &[records], 0).creator
    };
    assert_eq!(named(Some("Amber"), &sample.hugs), "Amber");
    assert_eq!(named(None, &sample.hugs), "Amber Lane");
    assert_eq!(named(None, &[]), "@amber");
}

#[test]
fn two_books_have_the_same_hugs_if_only_counts_differ() {
    let one = Sample::counted(743).with(hug(600, Status::Hugged)).book();
    let mut later = Sample::counted(744).with(hug(600, Status::Hugged));
    assert_ne!(one, later.book());
    assert!(one.has_the_hugs_of(&later.book()));
    later.stopped.insert("7".into());
    assert!(!one.has_the_hugs_of(&later.book()));
    let next = Sample::counted(743).with(hug(600, Status::Declined)).book();
    assert!(!one.has_the_hugs_of(&next));
}
