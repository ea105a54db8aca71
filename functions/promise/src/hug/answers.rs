//! What answers, and their absence, do to a hug.

use jiff::Timestamp;

use super::{Hug, Status};
use crate::{
    answer::{Answer, Asking, MAX_JUDGED, SILENCE, Topic, TopicSource, Verdict},
    channel::Channel,
    follower::Recipient,
    letter::Receipt,
    topic::{Doubt, Meaning},
    unknown::Unknown,
};

impl Hug {
    /// How a check asks for answers to this hug. Only posts are read, and only those under a letter that the network
    /// knows and that names a person in the record.
    pub fn asking(&self, now: Timestamp) -> Asking {
        let letter = &self.invitation;
        let channel = letter.words.as_ref().map(|words| words.channel);
        let is_post = channel.is_some_and(|channel| channel != Channel::Message);
        let receipt = letter.receipt.as_ref();
        // If the creator gave an address that does not contain the id, the receipt has the address as reference.
        let is_known = receipt.is_some_and(|one| one.url.as_ref() != Some(&one.reference));
        if !self.may_answer() || !is_post || !is_known {
            return Asking::Never;
        }
        let latest = self.answers.latest_at.max(letter.sent_at);
        latest.map_or(Asking::Never, |at| Asking::after(now.duration_since(at)))
    }

    /// Whether an answer of the follower changes something: it was invited, and does not have the song yet.
    fn may_answer(&self) -> bool {
        let waits = matches!(
            self.status,
            Status::Invited | Status::TopicChosen | Status::SongPosted
        );
        let song_waits = self.status == Status::ToSend && self.song_is_posted();
        self.follower.is_some() && (waits || song_waits)
    }

    /// Whether this is an answer of the follower that was not judged yet.
    pub fn is_unheard(&self, answer: &Answer) -> bool {
        let follower = self.follower.as_ref();
        let invitation = self.invitation.reference();
        follower.is_some_and(|follower| follower.id == answer.author)
            && invitation == Some(answer.to.as_str())
            && !self.answers.judged.contains(&answer.version)
            && self.answers.judged.len() < MAX_JUDGED
    }

    /// The hug after these answers of its follower, oldest first, each with what it means. `None` where there are
    /// none, or while the song is being sent: then the next check hears them.
    pub fn heard(&self, answers: &[(Answer, Meaning)], now: Timestamp) -> Option<Self> {
        if answers.is_empty() || self.is_free(now).is_err() {
            return None;
        }
        let mut next = self.next(now);
        for (answer, meaning) in answers {
            next.answers.judged.push(answer.version.clone());
            next.answers.latest_at = next.answers.latest_at.max(Some(answer.at));
            match meaning {
                Meaning::Nothing => {}
                Meaning::Stop => return Some(next.declined()),
                Meaning::Topic(_) if next.keeps_topic(answer, Doubt::MayBeTopic) => {
                    next.reply_to(answer);
                }
                Meaning::Topic(text) => next.hear(answer, text, answer.mark.clone()),
                Meaning::Doubtful { doubt, .. } if next.keeps_topic(answer, *doubt) => {}
                Meaning::Doubtful { topic, why, .. } => {
                    let mark = answer.mark.as_ref();
                    let why = mark.map_or_else(|| why.clone(), |mark| format!("{why}; {mark}"));
                    next.hear(answer, topic, Some(why));
                }
            }
        }
        Some(next)
    }

    /// Whether such an answer leaves the topic as it is.
    fn keeps_topic(&self, answer: &Answer, doubt: Doubt) -> bool {
        let topic = self.topic.as_ref();
        // Quotes are read seldom, so an older answer can be found after a newer one. It counts if that was refused: nobody
        // has judged this one yet.
        let is_older = |topic: &Topic| answer.at < topic.at && topic.verdict != Verdict::Refused;
        if doubt != Doubt::MayBeStop && topic.is_some_and(is_older) {
            return true;
        }
        let verdict = topic.map(|topic| &topic.verdict);
        match doubt {
            Doubt::MayBeStop => self.song_is_posted(),
            Doubt::MayBeNoTopic => verdict.is_some_and(|verdict| *verdict != Verdict::Refused),
            Doubt::MayBeTopic => self.song_is_posted() || verdict == Some(&Verdict::Accepted),
        }
    }

    /// Takes over the post to which the song replies, unless the network lets a program reply only to an earlier one.
    fn reply_to(&mut self, answer: &Answer) {
        if answer.invites_reply || !self.answers.invites_reply {
            self.answers.reply_to = Some(answer.post.clone());
            self.answers.invites_reply = answer.invites_reply;
        }
    }

    /// Takes over a topic, and the post that names it.
    fn hear(&mut self, answer: &Answer, text: &str, doubt: Option<String>) {
        self.reply_to(answer);
        let verdict = match doubt {
            Some(_) => Verdict::Doubtful,
            None => Verdict::Clean,
        };
        self.status = match verdict {
            Verdict::Clean => Status::TopicChosen,
            _ => Status::Invited,
        };
        self.topic = Some(Topic {
            text: text.to_owned(),
            verdict,
            by: TopicSource::Follower,
            doubt,
            at: answer.at,
            unknown: Unknown::new(),
        });
    }

    /// The follower said stop. What they asked for before is not kept.
    fn declined(mut self) -> Self {
        self.status = Status::Declined;
        self.reason = None;
        self.topic = None;
        self.candidates.clear();
        self.answers.reply_to = None;
        for letter in [&mut self.invitation, &mut self.song] {
            letter.lease_until = None;
            letter.wait = None;
        }
        self
    }

    /// The letter of the follower from whom the hug was passed on, while it is asked whether they say stop.
    pub fn passed_letter(&self, now: Timestamp) -> Option<(&Receipt, &Recipient)> {
        let passed = self.passed.as_ref()?;
        let is_asked = !passed.said_stop && self.asking(now) != Asking::Never;
        let receipt = passed.receipt.as_ref().filter(|_| is_asked)?;
        Some((receipt, &passed.follower))
    }

    /// Whether this is an answer of the follower from whom the hug was passed on. It changes nothing unless it says
    /// stop.
    pub fn is_of_passed(&self, answer: &Answer) -> bool {
        let passed = self.passed.as_ref();
        passed.is_some_and(|passed| {
            let to = passed.receipt.as_ref().map(|receipt| &receipt.reference);
            !passed.said_stop && passed.follower.id == answer.author && to == Some(&answer.to)
        })
    }

    /// The hug after the follower from whom it was passed on said stop. It goes on for the next one.
    pub fn passed_said_stop(&self, now: Timestamp) -> Self {
        let mut next = self.next(now);
        if let Some(passed) = &mut next.passed {
            passed.said_stop = true;
        }
        next
    }

    /// `→ declined`, because the follower said stop to another hug of this ledger. `None` where this one has ended.
    ///
    /// The claim of the worker that found it out stays no longer.
    pub fn declined_elsewhere(&self, now: Timestamp) -> Option<Self> {
        (!self.status.has_ended()).then(|| self.next(now).declined())
    }

    /// The hug with the note that the creator knows of the silence. `None` where the follower has named a topic that was
    /// not refused, or is not silent for long enough.
    pub fn silent(&self, now: Timestamp) -> Option<Self> {
        let is_told = self.answers.silence_told_at.is_some();
        let latest = self.answers.latest_at.max(self.invitation.sent_at)?;
        let topic = self.topic.as_ref();
        let is_silent = self.status == Status::Invited
            && topic.is_none_or(|topic| topic.verdict == Verdict::Refused)
            && now.duration_since(latest) >= SILENCE;
        if !is_silent || is_told {
            return None;
        }
        let mut silent = self.next(now);
        silent.answers.silence_told_at = Some(now);
        Some(silent)
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::{
        hug::tests::invited,
        song::{Song, SongSource},
    };

    const T0: Timestamp = Timestamp::UNIX_EPOCH;

    fn after(hours: i64) -> Timestamp {
        T0 + SignedDuration::from_hours(hours)
    }

    fn answer(version: &str) -> Answer {
        Answer {
            author: "7".into(),
            to: "1".to_owned(),
            post: Receipt {
                reference: version.to_owned(),
                url: None,
                reply_key: None,
            },
            version: version.to_owned(),
            text: String::new(),
            at: after(1),
            mark: None,
            invites_reply: true,
        }
    }

    fn topic(text: &str) -> Meaning {
        Meaning::Topic(text.to_owned())
    }

    fn doubtful(text: &str) -> Meaning {
        Meaning::Doubtful {
            topic: text.to_owned(),
            why: "it may contain bad language".to_owned(),
            doubt: Doubt::MayBeTopic,
        }
    }

    fn hears(hug: &Hug, version: &str, meaning: Meaning) -> Hug {
        hug.heard(&[(answer(version), meaning)], after(1)).unwrap()
    }

    fn text(hug: &Hug) -> Option<&str> {
        hug.topic.as_ref().map(|topic| topic.text.as_str())
    }

    fn song() -> Song {
        Song {
            video: "dQw4w9WgXcQ".parse().unwrap(),
            title: None,
            by: SongSource::Creator,
            at: T0,
            unknown: Unknown::new(),
        }
    }

    #[test]
    fn only_an_answer_of_the_follower_to_this_invitation_is_heard_and_only_once() {
        let hug = invited();
        assert!(hug.is_unheard(&answer("a")));
        let other = Answer {
            author: "8".into(),
            ..answer("a")
        };
        let elsewhere = Answer {
            to: "2".to_owned(),
            ..answer("a")
        };
        assert!(!hug.is_unheard(&other) && !hug.is_unheard(&elsewhere));
        let refused = hears(&hug, "a", doubtful("…")).refuse(after(2)).unwrap();
        assert!(!refused.is_unheard(&answer("a")));
        assert!(refused.is_unheard(&answer("b")));
        let mut many = hug;
        many.answers.judged = (0..MAX_JUDGED).map(|n| n.to_string()).collect();
        assert!(!many.is_unheard(&answer("a")));
    }

    #[test]
    fn a_clean_topic_is_chosen_and_a_doubtful_one_waits_beside_the_invitation() {
        let clean = hears(&invited(), "a", topic("rain"));
        assert_eq!(clean.status, Status::TopicChosen);
        assert!(!clean.needs_creator());
        let doubt = hears(&invited(), "a", doubtful("…"));
        assert_eq!(doubt.status, Status::Invited);
        assert!(doubt.needs_creator());
        let marked = Answer {
            mark: Some("marked as sensitive".to_owned()),
            ..answer("a")
        };
        let marked = invited()
            .heard(&[(marked, topic("rain"))], after(1))
            .unwrap();
        assert!(marked.topic_is_doubtful());
    }

    #[test]
    fn a_later_answer_replaces_an_earlier_one_until_the_creator_accepts_or_the_song_is_posted() {
        let rain = hears(&invited(), "a", topic("rain"));
        let snow = hears(&rain, "b", topic("snow"));
        assert_eq!(text(&snow), Some("snow"));
        let doubt = hears(&snow, "c", doubtful("…"));
        assert_eq!(
            (doubt.status.clone(), text(&doubt)),
            (Status::Invited, Some("…"))
        );
        let accepted = doubt.accept(after(2)).unwrap();
        let later = hears(&accepted, "d", topic("hail"));
        assert_eq!(
            (later.status.clone(), text(&later)),
            (Status::TopicChosen, Some("…"))
        );
        let posted = rain.song_posted(song(), after(2)).unwrap();
        assert_eq!(text(&hears(&posted, "e", topic("hail"))), Some("rain"));
    }

    #[test]
    fn an_older_answer_that_is_found_late_replaces_no_newer_topic() {
        let rain = hears(&invited(), "b", topic("rain"));
        let older = Answer {
            at: T0,
            ..answer("a")
        };
        let late = rain.heard(&[(older, topic("snow"))], after(2)).unwrap();
        assert_eq!(text(&late), Some("rain"));
    }

    #[test]
    fn thanks_change_no_topic_and_what_may_be_a_stop_is_read_even_after_an_accepted_one() {
        let doubt = |doubt| Meaning::Doubtful {
            topic: "thank you".to_owned(),
            why: "it may be no topic yet".to_owned(),
            doubt,
        };
        let rain = hears(&invited(), "a", topic("rain"));
        let thanked = hears(&rain, "b", doubt(Doubt::MayBeNoTopic));
        assert_eq!(
            (&thanked.status, text(&thanked)),
            (&Status::TopicChosen, Some("rain"))
        );
        assert!(hears(&invited(), "b", doubt(Doubt::MayBeNoTopic)).topic_is_doubtful());
        let accepted = rain.accept(after(2)).unwrap();
        assert!(!hears(&accepted, "c", doubt(Doubt::MayBeTopic)).topic_is_doubtful());
        assert!(hears(&accepted, "c", doubt(Doubt::MayBeStop)).needs_creator());
    }

    #[test]
    fn the_song_replies_to_the_latest_answer_that_invites_a_reply() {
        let reply_to = |hug: &Hug| hug.answers.reply_to.clone().unwrap().reference;
        let rain = hears(&invited(), "a", topic("rain"));
        let uninvited = Answer {
            invites_reply: false,
            ..answer("b")
        };
        let next = rain
            .heard(&[(uninvited.clone(), topic("snow"))], after(2))
            .unwrap();
        assert_eq!(
            (text(&next), reply_to(&next)),
            (Some("snow"), "a".to_owned())
        );
        let first = invited()
            .heard(&[(uninvited, topic("snow"))], after(2))
            .unwrap();
        assert_eq!(reply_to(&first), "b", "it is better than none");
        assert_eq!(reply_to(&hears(&first, "c", topic("hail"))), "c");
    }

    #[test]
    fn stop_ends_the_hug_whenever_it_comes_before_the_song() {
        let rain = hears(&invited(), "a", topic("rain"));
        let posted = rain.song_posted(song(), after(2)).unwrap();
        for hug in [invited(), rain, posted.clone()] {
            let stopped = hears(&hug, "s", Meaning::Stop);
            assert_eq!((&stopped.status, text(&stopped)), (&Status::Declined, None));
            assert!(stopped.claim(after(3)).is_err() && stopped.is_settled(after(3)));
        }
        let claimed = posted.claim(after(1)).unwrap();
        let heard = claimed.heard(&[(answer("s"), Meaning::Stop)], after(1));
        assert_eq!(heard, None, "the next check hears it");
    }

    #[test]
    fn an_older_answer_that_is_found_late_counts_if_the_newer_topic_was_refused() {
        let by_hand = invited().topic_by_hand("snow".to_owned(), after(2));
        let by_hand = by_hand.unwrap();
        let kept = hears(&by_hand, "a", topic("rain"));
        assert_eq!(kept.topic.unwrap().text, "snow");
        let refused = by_hand.refuse(after(3)).unwrap();
        let heard = hears(&refused, "a", topic("rain"));
        assert_eq!(heard.status, Status::TopicChosen);
        assert_eq!(heard.topic.unwrap().text, "rain");
    }

    #[test]
    fn answers_are_asked_for_at_each_check_then_hourly_and_not_after_ninety_days() {
        let hug = invited();
        assert_eq!(hug.asking(after(23)), Asking::Always);
        assert_eq!(hug.asking(after(24)), Asking::Hourly);
        assert_eq!(hug.asking(after(90 * 24)), Asking::Never);
        let heard = hears(&hug, "a", topic("rain"));
        assert_eq!(heard.asking(after(24)), Asking::Always, "the topic is new");
        let mut by_message = hug.clone();
        by_message.invitation.words.as_mut().unwrap().channel = Channel::Message;
        assert_eq!(by_message.asking(T0), Asking::Never);
        let mut by_hand = hug;
        by_hand.invitation.receipt = None;
        assert_eq!(by_hand.asking(T0), Asking::Never);
    }

    #[test]
    fn the_creator_is_told_once_of_two_weeks_of_silence() {
        let hug = invited();
        assert_eq!(hug.silent(after(14 * 24 - 1)), None);
        let silent = hug.silent(after(14 * 24)).unwrap();
        assert_eq!(silent.silent(after(15 * 24)), None);
        assert_eq!(hears(&hug, "a", topic("rain")).silent(after(15 * 24)), None);
        assert!(!silent.is_settled(after(89 * 24)) && silent.is_settled(after(90 * 24)));
    }
}
