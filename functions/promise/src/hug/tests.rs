use super::{delivery::STREAM_PATIENCE, *};
use crate::{
    evidence::{Certainty, tests::evidence},
    letter::{Wait, WaitCause},
};

const T0: Timestamp = Timestamp::UNIX_EPOCH;

fn fan() -> Recipient {
    Recipient {
        id: "7".into(),
        handle: "fan".to_owned(),
        name: None,
        unknown: Unknown::new(),
    }
}

pub(crate) fn reached() -> Hug {
    Hug::owed(
        "x:amber".parse().unwrap(),
        "44196397".into(),
        Milestone::from_number(600).unwrap(),
        "Amber".to_owned(),
        Some(fan()),
        evidence(Certainty::Likely),
        T0,
    )
}

fn announcement() -> Words {
    Words {
        channel: Channel::Announce,
        text: "600!".to_owned(),
        prepared_at: T0,
        tried_again_at: None,
    }
}

fn receipt(reference: &str) -> Receipt {
    Receipt {
        reference: reference.to_owned(),
        url: None,
        reply_key: None,
    }
}

fn claimed() -> Hug {
    reached().claim(T0).unwrap()
}

/// A hug whose announcement went out at the beginning of time.
pub(crate) fn invited() -> Hug {
    let prepared = claimed().prepare(announcement(), T0);
    prepared.delivered(receipt("1"), T0)
}

fn wait(minutes: i64, cause: WaitCause) -> Wait {
    Wait {
        until: T0 + SignedDuration::from_mins(minutes),
        cause,
    }
}

fn waits(minutes: i64, cause: WaitCause) -> Hug {
    claimed().postponed(wait(minutes, cause), "no".to_owned(), T0)
}

fn to_send() -> Hug {
    let draft = Words {
        channel: Channel::Draft,
        ..announcement()
    };
    let refused = claimed().refused(Channel::Announce, "no".to_owned(), T0);
    refused.to_send(draft, T0)
}

#[test]
fn a_claim_keeps_others_away_until_its_lease_runs_out() {
    let until = T0 + LEASE;
    assert_eq!(claimed().claim(T0), Err(NotNow::InProgress { until }));
    assert_eq!(claimed().claim(until).unwrap().invitation.attempts, 2);
}

#[test]
fn a_hug_that_is_settled_held_or_unknown_cannot_be_claimed() {
    let invited = claimed().delivered(receipt("17"), T0);
    assert_eq!(invited.claim(T0), Err(NotNow::Settled(Status::Invited)));
    assert_eq!(to_send().claim(T0), Err(NotNow::Settled(Status::ToSend)));
    let held = reached().held(HoldCause::MostADay, "four".to_owned());
    assert_eq!(held.claim(T0), Err(NotNow::Held));
    let mut newer = reached();
    newer.status = Status::Unknown("sung".to_owned());
    assert_eq!(newer.claim(T0), Err(NotNow::Settled(newer.status.clone())));
    assert!(newer.status.has_ended() && newer.cancel(T0).is_err());
}

#[test]
fn a_status_that_is_not_known_is_kept() {
    let status: Status = serde_json::from_str("\"sung\"").unwrap();
    assert_eq!(status.to_string(), "sung");
    assert_eq!(serde_json::to_string(&status).unwrap(), "\"sung\"");
    let known: Status = serde_json::from_str("\"to_send\"").unwrap();
    assert_eq!(known, Status::ToSend);
}

#[test]
fn a_field_that_is_not_known_is_kept_in_the_hug_and_in_its_letters() {
    let mut record = serde_json::to_value(reached()).unwrap();
    record["mood"] = "glad".into();
    record["invitation"]["font"] = "round".into();
    record["evidence"]["dice"] = 6.into();
    record["follower"]["pronoun"] = "they".into();
    let hug: Hug = serde_json::from_value(record).unwrap();
    let written = serde_json::to_value(hug.claim(T0).unwrap()).unwrap();
    assert_eq!(written["mood"], "glad");
    assert_eq!(written["invitation"]["font"], "round");
    assert_eq!(written["evidence"]["dice"], 6);
    assert_eq!(written["follower"]["pronoun"], "they");
}

#[test]
fn only_one_write_carries_the_news() {
    let with_news = claimed().with_news("600 goes to fan");
    assert!(with_news.news.is_some());
    assert_eq!(with_news.prepare(announcement(), T0).news, None);
    let record = serde_json::to_value(reached()).unwrap();
    assert!(
        record.get("news").is_none(),
        "the filter of the stream tests whether the field exists"
    );
}

#[test]
fn words_stay_after_an_unknown_outcome_and_go_when_nothing_was_sent() {
    let prepared = claimed().prepare(announcement(), T0);
    let doubt = prepared.in_doubt("timed out".to_owned(), T0);
    assert!(doubt.invitation.words.is_some());
    let trouble = wait(0, WaitCause::Trouble);
    let postponed = prepared.postponed(trouble, "503".to_owned(), T0);
    assert!(postponed.invitation.words.is_none());
    let waits = prepared.in_doubt_and_waits(trouble, "429".to_owned(), T0);
    assert!(waits.invitation.words.is_some());
}

#[test]
fn no_send_begins_at_the_end_of_a_lease() {
    assert!(claimed().time_to_send(T0));
    assert!(!claimed().time_to_send(T0 + LEASE - SignedDuration::from_secs(44)));
}

#[test]
fn a_retry_lifts_every_wait_but_a_rate_limit_and_never_a_claim() {
    let until = T0 + LEASE;
    assert_eq!(claimed().retry(T0), Err(NotNow::InProgress { until }));
    for cause in [WaitCause::Blocked, WaitCause::Trouble] {
        let retried = waits(60, cause).retry(T0).unwrap();
        assert_eq!(retried.status, Status::Reached);
        assert_eq!(retried.invitation.wait, None);
    }
    let limit = wait(60, WaitCause::RateLimit);
    let limited = waits(60, WaitCause::RateLimit);
    assert_eq!(limited.retry(T0), Err(NotNow::Waiting { wait: limit }));
    assert!(limited.retry(limit.until).is_ok());
}

#[test]
fn a_retry_of_a_hug_to_send_tries_every_channel_again() {
    let mut waiting = to_send();
    waiting.invitation.rearmed = 9;
    let retried = waiting.retry(T0).unwrap();
    assert_eq!(retried.status, Status::Reached);
    let LetterState {
        words,
        refusals,
        rearmed,
        ..
    } = &retried.invitation;
    assert_eq!((words, refusals.len(), *rearmed), (&None, 0, 0));
}

#[test]
fn a_retry_keeps_words_that_may_have_arrived_and_refuses_hugs_that_are_settled_or_held() {
    let prepared = claimed().prepare(announcement(), T0);
    let doubt = prepared.in_doubt_and_waits(wait(5, WaitCause::Trouble), "?".to_owned(), T0);
    assert!(doubt.retry(T0).unwrap().invitation.words.is_some());
    let invited = doubt.delivered(receipt("1"), T0);
    assert_eq!(invited.retry(T0), Err(NotNow::Settled(Status::Invited)));
    let held = reached().held(HoldCause::MostADay, "four".to_owned());
    assert_eq!(held.retry(T0), Err(NotNow::Held));
}

#[test]
fn a_hug_to_send_counts_as_sent_only_after_the_creator_says_so() {
    assert_eq!(to_send().invitation.sent_at, None);
    let sent = to_send().sent_by_hand(Some(receipt("9")), T0).unwrap();
    assert_eq!(sent.status, Status::Invited);
    assert_eq!(sent.invitation.sent_at, Some(T0));
    assert_eq!(sent.invitation.receipt, Some(receipt("9")));
    let again = sent.sent_by_hand(None, T0);
    assert_eq!(again, Err(NotNow::Settled(Status::Invited)));
    assert!(claimed().sent_by_hand(None, T0).is_err());
    let blocked = waits(60, WaitCause::Blocked);
    assert!(blocked.sent_by_hand(None, T0).is_ok());
}

#[test]
fn an_approved_hug_goes_to_its_follower_or_to_another_whom_the_creator_chooses() {
    let held = reached().held(HoldCause::MostADay, "four".to_owned());
    let approved = held.approve(None, T0).unwrap();
    assert_eq!(approved.status, Status::Reached);
    assert_eq!(approved.follower, Some(fan()));
    let other = held.approve(Some("cleo".to_owned()), T0).unwrap();
    assert_eq!(other.chosen.as_deref(), Some("cleo"));
    let again = other.claim(T0).unwrap();
    let again = again.not_chosen("nobody has that handle".to_owned(), T0);
    assert_eq!(
        (&again.status, &again.follower, &again.chosen),
        (&Status::Held, &Some(fan()), &None)
    );

    let unnamed = claimed().nobody("nobody has that handle".to_owned(), T0);
    assert_eq!(unnamed.approve(None, T0), Err(NotNow::Nobody));
    assert!(unnamed.approve(Some("cleo".to_owned()), T0).is_ok());
    let settled = Err(NotNow::Settled(Status::Reached));
    assert_eq!(reached().approve(None, T0), settled);
}

#[test]
fn the_creator_can_end_a_hug_unless_it_is_under_way_or_has_ended() {
    for hug in [reached(), to_send(), claimed().delivered(receipt("1"), T0)] {
        assert_eq!(hug.cancel(T0).unwrap().status, Status::Cancelled);
    }
    assert!(claimed().cancel(T0).is_err());
    assert_eq!(
        claimed().cancel(T0 + LEASE).unwrap().status,
        Status::Cancelled
    );
    let cancelled = reached().cancel(T0).unwrap();
    assert!(cancelled.cancel(T0).is_err() && cancelled.claim(T0).is_err());
}

#[test]
fn a_hug_that_is_held_to_send_or_blocked_needs_the_creator() {
    let held = reached().held(HoldCause::MostADay, "four".to_owned());
    for hug in [held, to_send(), waits(0, WaitCause::Blocked)] {
        assert!(hug.needs_creator(), "{}", hug.status);
    }
    let rearmed = waits(0, WaitCause::Blocked).rearm(T0).unwrap();
    assert!(rearmed.needs_creator(), "the cause is still there");
    let mended = rearmed.claim(T0).unwrap().delivered(receipt("1"), T0);
    for hug in [reached(), waits(0, WaitCause::Trouble), mended] {
        assert!(!hug.needs_creator(), "{}", hug.status);
    }
}

#[test]
fn a_hug_whose_stream_record_was_lost_is_put_back_to_work() {
    assert_eq!(reached().rearm(T0 + SignedDuration::from_mins(4)), None);
    let again = reached().rearm(T0 + SignedDuration::from_mins(5)).unwrap();
    assert_eq!(
        (again.status, again.invitation.rearmed),
        (Status::Reached, 1)
    );
}

#[test]
fn a_claim_whose_holder_died_is_put_back_to_work_with_its_words() {
    let died = claimed().prepare(announcement(), T0);
    assert_eq!(died.rearm(T0 + SignedDuration::from_secs(89)), None);
    let again = died.rearm(T0 + LEASE).unwrap();
    assert_eq!(again.status, Status::Reached);
    assert!(again.invitation.words.is_some());
}

#[test]
fn a_hug_that_waits_for_the_creators_hand_is_never_rearmed() {
    let held = reached().held(HoldCause::Nobody, "the list ended".to_owned());
    for hug in [held, to_send()] {
        let later = T0 + SignedDuration::from_hours(24 * 90);
        assert_eq!((hug.rearm(later), hug.next_try(later)), (None, None));
        assert!(!hug.is_settled(later), "each check reports it");
    }
}

#[test]
fn a_hug_is_rearmed_exactly_at_the_time_of_its_next_try() {
    let mut hug = waits(20, WaitCause::RateLimit);
    let mut now = T0;
    for _ in 0..20 {
        let next = hug.next_try(now).unwrap();
        assert_eq!(hug.rearm(next - SignedDuration::from_secs(1)), None);
        assert_eq!(hug.next_try(next + LEASE), Some(next + LEASE), "it is due");
        let again = hug.rearm(next).unwrap();
        let later = again.next_try(next).unwrap();
        assert!(later >= next + STREAM_PATIENCE);
        now = next;
        let down = Wait {
            until: now,
            cause: WaitCause::Trouble,
        };
        hug = again
            .claim(now)
            .unwrap()
            .postponed(down, "down".to_owned(), now);
    }
}

#[test]
fn pauses_between_rearms_grow_to_six_hours_and_rearms_never_end() {
    let mut hug = waits(0, WaitCause::Trouble);
    let mut rearmed_at = vec![T0];
    for minute in (0..60 * 24 * 7).step_by(5) {
        let now = T0 + SignedDuration::from_mins(minute);
        let Some(again) = hug.rearm(now) else {
            continue;
        };
        rearmed_at.push(now);
        let down = Wait {
            until: now,
            cause: WaitCause::Trouble,
        };
        hug = again
            .claim(now)
            .unwrap()
            .postponed(down, "X is down".to_owned(), now);
    }
    let pauses: Vec<i64> = rearmed_at
        .windows(2)
        .map(|pair| pair[1].duration_since(pair[0]).as_mins())
        .collect();
    assert_eq!(pauses[..4], [0, 5, 10, 20]);
    assert_eq!(pauses.last(), Some(&360));
    assert!(pauses.len() > 30, "{}", pauses.len());
}
