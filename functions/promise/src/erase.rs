//! What stays when a follower is erased from the records. It stays known that the milestone has its hug. The stable
//! id stays too, so that a person who asked to be forgotten is not written to again.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::{
    account::UserId,
    answer::Answers,
    channel::Channel,
    evidence::PassedOver,
    follower::Recipient,
    hug::{Hug, NotNow, Status},
    letter::LetterState,
    record::{AccountRecord, Remembered},
    unknown::Unknown,
};

/// A follower whom the records are to forget.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Person {
    /// The stable ids on one network, or on one server of it.
    pub ids: BTreeSet<UserId>,
    /// The handles, in lower case.
    pub handles: BTreeSet<String>,
}

impl Person {
    /// Whether a record with this id and this handle is about this person.
    pub fn is(&self, id: &UserId, handle: &str) -> bool {
        self.ids.contains(id) || self.handles.contains(&handle.to_lowercase())
    }

    /// Whether a hug is for this person and contains more about them than the id.
    pub fn is_named_by(&self, hug: &Hug) -> bool {
        let chosen = hug.chosen.as_ref();
        let chosen = chosen.is_some_and(|handle| self.handles.contains(&handle.to_lowercase()));
        let passed = hug.passed.as_ref().map(|passed| &passed.follower);
        let mut named = hug.follower.iter().chain(passed);
        chosen || named.any(|one| !is_erased(one) && self.is(&one.id, &one.handle))
    }

    /// Whether a hug is or was for this person and contains only their id.
    pub fn is_erased_in(&self, hug: &Hug) -> bool {
        let passed = hug.passed.as_ref().map(|passed| &passed.follower);
        let mut named = hug.follower.iter().chain(passed);
        named.any(|one| is_erased(one) && self.ids.contains(&one.id))
    }

    /// Whether a hug is for this person. One that was passed on is for the next follower.
    fn has(&self, hug: &Hug) -> bool {
        let chosen = hug.chosen.as_ref();
        let follower = hug.follower.as_ref();
        chosen.is_some_and(|handle| self.handles.contains(&handle.to_lowercase()))
            || follower.is_some_and(|one| self.is(&one.id, &one.handle))
    }

    /// Whether the newest followers that an account remembers include this person.
    pub fn is_remembered_by(&self, account: &AccountRecord) -> bool {
        remembered(account).any(|known| known.newest.iter().any(|id| self.ids.contains(id)))
    }

    /// The next revision of the account, without this person among the followers that it remembers.
    pub fn erase_from_account(&self, account: &AccountRecord) -> AccountRecord {
        let mut next = account.clone();
        next.revision += 1;
        // Who was there before the newest came is known, but not at what time, which a network's notifications are
        // compared with. So after the newest was erased the next check remembers nobody.
        let newest = next
            .remembered
            .as_ref()
            .and_then(|known| known.newest.first());
        if newest.is_some_and(|id| self.ids.contains(id)) {
            next.remembered = None;
        }
        let judged = next
            .pending
            .as_mut()
            .and_then(|pending| pending.judged.as_mut());
        for known in next.remembered.iter_mut().chain(judged) {
            self.erase_from_remembered(known);
        }
        next
    }

    /// A later check would take whoever is erased for somebody new if it still remembered followers below them. So only
    /// those above them stay remembered. If nobody is above them, the list becomes the one before they came.
    fn erase_from_remembered(&self, known: &mut Remembered) {
        while let Some(place) = known.newest.iter().position(|id| self.ids.contains(id)) {
            if place == 0 {
                known.newest.remove(0);
                known.followers = known.followers.saturating_sub(1);
            } else {
                known.newest.truncate(place);
            }
        }
    }

    /// The list of followers who were passed over, without this person; `None` if the list does not contain them.
    pub fn erase_from_passed_over(&self, passed_over: &PassedOver) -> Option<PassedOver> {
        let mut next = passed_over.clone();
        next.followers.retain(|one| !self.is(&one.id, &one.handle));
        (next.followers.len() < passed_over.followers.len()).then_some(next)
    }
}

/// Whether only the id of a follower is left.
pub fn is_erased(follower: &Recipient) -> bool {
    follower.handle.is_empty()
}

/// The hug without the handle, the name and the words for this person. It stays the hug of its milestone.
///
/// If it is for this person, nothing more is sent for it: its status becomes `declined`, unless the hug has ended already
/// or a later version wrote its status. If it was for them and was passed on, it goes on for the next follower. The stable
/// id stays, because it keeps the person from being invited again; with `entirely` the id goes too.
///
/// Fields that only a later version knows are removed too, because this version cannot say whom they name.
///
/// # Errors
///
/// [`NotNow::InProgress`] while a worker's claim holds.
pub fn erase_hug(
    hug: &Hug,
    person: &Person,
    entirely: bool,
    now: Timestamp,
) -> Result<Hug, NotNow> {
    let letters = [&hug.invitation, &hug.song];
    if let Some(until) = letters.iter().find_map(|letter| letter.claimed_until(now)) {
        return Err(NotNow::InProgress { until });
    }
    let mut next = hug.clone();
    if let Some(passed) = &mut next.passed {
        let is_theirs = person.is(&passed.follower.id, &passed.follower.handle);
        if is_theirs || person.has(hug) {
            passed.follower = id_only(&passed.follower, entirely && is_theirs);
            passed.receipt = None;
            passed.unknown = Unknown::new();
        }
    }
    next.news = None;
    next.due = false;
    next.unknown = Unknown::new();
    next.evidence.unknown = Unknown::new();
    next.updated_at = now;
    next.revision += 1;
    if !person.has(hug) {
        return Ok(next);
    }
    let follower = hug.follower.as_ref().filter(|_| !entirely);
    next.follower = follower.map(|follower| id_only(follower, false));
    next.topic = None;
    next.answers = Answers::default();
    next.candidates.clear();
    next.chosen = None;
    next.reason = None;
    next.invitation = without_words(&hug.invitation);
    next.song = without_words(&hug.song);
    if !hug.status.has_ended() {
        next.status = Status::Declined;
    }
    Ok(next)
}

/// A follower of whom the id is left; with `entirely` not even that.
fn id_only(follower: &Recipient, entirely: bool) -> Recipient {
    let id = Some(follower.id.clone()).filter(|_| !entirely);
    Recipient {
        id: id.unwrap_or_else(|| "".into()),
        ..Recipient::default()
    }
}

/// A letter without its words. The address of a public post stays, because the post is the creator's own. The
/// address of a private message goes, because it can contain the ids of both people.
fn without_words(letter: &LetterState) -> LetterState {
    let mut next = letter.clone();
    let channel = letter.words.as_ref().map(|words| words.channel);
    let is_public = matches!(
        channel,
        Some(Channel::Announce | Channel::Mention | Channel::Reply)
    );
    if !is_public {
        next.receipt = None;
    }
    if let Some(receipt) = &mut next.receipt {
        receipt.reply_key = None;
    }
    match &mut next.words {
        Some(words) if letter.sent_at.is_some() => words.text.clear(),
        _ => next.words = None,
    }
    for refusal in &mut next.refusals {
        "what the network said is erased".clone_into(&mut refusal.reason);
    }
    next.lease_until = None;
    next.wait = None;
    next.unknown = Unknown::new();
    next
}

fn remembered(account: &AccountRecord) -> impl Iterator<Item = &Remembered> {
    let judged = account.pending.as_ref();
    let judged = judged.and_then(|pending| pending.judged.as_ref());
    account.remembered.iter().chain(judged)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        hug::tests::reached,
        letter::{Receipt, Refusal, Words},
    };

    const T0: Timestamp = Timestamp::UNIX_EPOCH;

    /// Whoever the hug is for.
    fn fan() -> Person {
        let fan = reached().follower.unwrap();
        Person {
            ids: [fan.id].into(),
            handles: [fan.handle].into(),
        }
    }

    fn invited(channel: Channel) -> Hug {
        let mut hug = reached().prepare(
            Words {
                channel,
                text: "600! @fan".to_owned(),
                prepared_at: T0,
                tried_again_at: None,
            },
            T0,
        );
        hug.invitation.refusals.push(Refusal {
            channel: Channel::Message,
            reason: "@fan takes no messages".to_owned(),
        });
        let receipt = Receipt {
            reference: "77".to_owned(),
            url: Some("https://x.com/amber/status/77".to_owned()),
            reply_key: Some("7-44196397".to_owned()),
        };
        hug.delivered(receipt, T0)
    }

    #[test]
    fn an_erased_hug_keeps_its_milestone_the_post_and_the_id_and_nothing_else_of_its_follower() {
        let hug = invited(Channel::Mention);
        let follower = hug.follower.clone().unwrap();
        let erased = erase_hug(&hug, &fan(), false, T0).unwrap();
        assert_eq!(erased.key(), hug.key());
        assert_eq!(erased.status, Status::Declined);
        assert_eq!(erased.follower.as_ref().unwrap().id, follower.id);
        let receipt = erased.invitation.receipt.clone().unwrap();
        assert_eq!(receipt.url.unwrap(), "https://x.com/amber/status/77");
        let written = serde_json::to_string(&erased).unwrap();
        assert!(!written.contains(&follower.handle), "{written}");
        assert!(!written.contains("7-44196397"), "{written}");
        assert_eq!(erased.revision, hug.revision + 1);
        let entirely = erase_hug(&hug, &fan(), true, T0).unwrap();
        assert_eq!(entirely.follower, None);
    }

    #[test]
    fn the_address_of_a_private_message_is_erased_because_it_contains_ids() {
        let erased = erase_hug(&invited(Channel::Message), &fan(), false, T0).unwrap();
        assert_eq!(erased.invitation.receipt, None);
    }

    #[test]
    fn a_hug_that_has_ended_keeps_its_status_and_one_that_was_not_sent_is_never_sent() {
        let mut hugged = invited(Channel::Announce);
        hugged.status = Status::Hugged;
        assert_eq!(
            erase_hug(&hugged, &fan(), false, T0).unwrap().status,
            Status::Hugged
        );
        let erased = erase_hug(&reached(), &fan(), false, T0).unwrap();
        assert_eq!(erased.status, Status::Declined);
        assert!(erased.claim(T0).is_err());
    }

    #[test]
    fn below_an_erased_follower_nobody_stays_remembered_and_above_them_everybody_does() {
        let without = |id: &str| {
            let mut known = Remembered {
                followers: 640,
                newest: ["c", "b", "a"].map(UserId::from).to_vec(),
                at: T0,
            };
            let person = Person {
                ids: [UserId::from(id)].into(),
                ..Person::default()
            };
            person.erase_from_remembered(&mut known);
            let ids: Vec<String> = known.newest.iter().map(ToString::to_string).collect();
            (known.followers, ids.concat())
        };
        assert_eq!(without("a"), (640, "cb".to_owned()));
        assert_eq!(without("b"), (640, "c".to_owned()));
        assert_eq!(without("c"), (639, "ba".to_owned()));
        assert_eq!(without("d"), (640, "cba".to_owned()));
    }

    #[test]
    fn a_hug_under_a_claim_is_not_erased() {
        let claimed = reached().claim(T0).unwrap();
        assert!(matches!(
            erase_hug(&claimed, &fan(), false, T0),
            Err(NotNow::InProgress { .. })
        ));
    }

    #[test]
    fn a_person_is_known_by_id_or_by_handle_in_any_case() {
        let hug = reached();
        let follower = hug.follower.clone().unwrap();
        let mut person = Person::default();
        assert!(!person.is_named_by(&hug));
        person.handles.insert(follower.handle.to_lowercase());
        assert!(person.is(&"other".into(), &follower.handle.to_uppercase()));
        assert!(person.is_named_by(&hug));
        person.ids.insert(follower.id);
        let erased = erase_hug(&hug, &fan(), false, T0).unwrap();
        assert!(!person.is_named_by(&erased) && person.is_erased_in(&erased));
    }

    #[test]
    fn a_hug_that_was_passed_on_goes_on_where_the_first_follower_is_erased() {
        let first = fan();
        let second = Recipient {
            id: "second".into(),
            handle: "second".to_owned(),
            ..Recipient::default()
        };
        let passed = invited(Channel::Announce).pass(T0).unwrap();
        let next = passed.passed_on_to(second.clone(), passed.evidence.clone(), T0);
        for hug in [passed, next] {
            let erased = erase_hug(&hug, &first, false, T0).unwrap();
            assert_eq!(
                (&erased.status, &erased.follower),
                (&hug.status, &hug.follower)
            );
            // The id keeps them from being invited again.
            assert!(first.is_erased_in(&erased) && !first.is_named_by(&erased));
            let written = serde_json::to_string(&erased).unwrap();
            assert!(!written.contains("\"fan\""), "{written}");
            let entirely = erase_hug(&erased, &first, true, T0).unwrap();
            // Still the second invitation.
            assert!(entirely.passed.is_some() && !first.is_erased_in(&entirely));
        }
    }

    #[test]
    fn whoever_had_a_hug_before_it_was_passed_on_stays_known_where_the_next_is_erased() {
        let second = Recipient {
            id: "second".into(),
            handle: "second".to_owned(),
            ..Recipient::default()
        };
        let person = Person {
            ids: ["second".into()].into(),
            handles: BTreeSet::new(),
        };
        let passed = invited(Channel::Announce).pass(T0).unwrap();
        let hug = passed.passed_on_to(second, passed.evidence.clone(), T0);
        let erased = erase_hug(&hug, &person, false, T0).unwrap();
        assert_eq!(erased.status, Status::Declined);
        assert!(person.is_erased_in(&erased) && fan().is_erased_in(&erased));
    }
}
