//! What the creator does to a hug.

use jiff::Timestamp;

use super::{Hug, NotNow, Passed, Status};
use crate::{
    answer::{Answers, Topic, TopicSource, Verdict},
    channel::Channel,
    letter::{LetterKind, LetterState, Receipt, WaitCause, Words},
    song::Song,
    unknown::Unknown,
    video::VideoId,
};

impl Hug {
    /// Asks the stream to deliver an undelivered hug, for a person who has removed the cause: an invitation goes back to
    /// `reached`. One that waits for the creator's hand tries every channel again.
    ///
    /// # Errors
    ///
    /// While a claim holds or a rate limit lasts, while it is held, or if nothing is left to send.
    pub fn retry(&self, now: Timestamp) -> Result<Self, NotNow> {
        self.is_free(now)?;
        let mut retried = self.next(now);
        let letter = retried.letter_state_mut();
        match (&self.status, self.letter_state().waits(now)) {
            (_, Some(wait)) if wait.cause == WaitCause::RateLimit => {
                return Err(NotNow::Waiting { wait });
            }
            (Status::Reached | Status::Inviting | Status::SongPosted, _) => {}
            (Status::ToSend, _) => {
                letter.refusals.clear();
                letter.words = None;
            }
            (Status::Held, _) => return Err(NotNow::Held),
            (settled, _) => return Err(NotNow::Settled(settled.clone())),
        }
        letter.lease_until = None;
        letter.wait = None;
        letter.rearmed = 0;
        Ok(retried.asking_the_stream())
    }

    /// `held → reached`: the creator approves it for the follower that it names, or for the one with the
    /// handle `chosen`.
    ///
    /// # Errors
    ///
    /// Where it is not held, or would be for nobody.
    pub fn approve(&self, chosen: Option<String>, now: Timestamp) -> Result<Self, NotNow> {
        if self.status != Status::Held {
            return Err(NotNow::Settled(self.status.clone()));
        }
        if chosen.is_none() && self.follower.is_none() {
            return Err(NotNow::Nobody);
        }
        let mut approved = self.next(now);
        approved.status = Status::Reached;
        approved.reason = None;
        approved.chosen = chosen;
        Ok(approved)
    }

    /// Ends it for the creator, wherever it is in its life.
    ///
    /// # Errors
    ///
    /// While a claim holds, or where it has ended.
    pub fn cancel(&self, now: Timestamp) -> Result<Self, NotNow> {
        self.is_free(now)?;
        if self.status.has_ended() {
            return Err(NotNow::Settled(self.status.clone()));
        }
        Ok(self.settled_as(Status::Cancelled, now))
    }

    /// `→ invited`, `→ hugged`: the creator has sent the letter by hand; `receipt` says where it is, if they said so.
    ///
    /// # Errors
    ///
    /// While a claim holds, while it is held, where the letter was sent, or where it was passed on and nobody is chosen
    /// yet.
    pub fn sent_by_hand(&self, receipt: Option<Receipt>, now: Timestamp) -> Result<Self, NotNow> {
        self.is_free(now)?;
        match &self.status {
            _ if self.is_passed_on() => return Err(NotNow::PassedOn),
            Status::ToSend | Status::Reached | Status::Inviting | Status::SongPosted => {}
            Status::Held => return Err(NotNow::Held),
            settled => return Err(NotNow::Settled(settled.clone())),
        }
        let mut sent = self.settled_as(self.status_after_letter(), now);
        let letter = sent.letter_state_mut();
        let words = letter.words.get_or_insert(Words {
            channel: Channel::Draft,
            text: String::new(),
            prepared_at: now,
            tried_again_at: None,
        });
        words.channel = Channel::Draft;
        letter.sent_at = Some(now);
        letter.receipt = receipt;
        Ok(sent)
    }

    /// `invited → reached`: the hug goes to the next newer follower, whom the next check chooses. It happens once.
    ///
    /// # Errors
    ///
    /// Where the follower is not invited, has a topic, or the hug was passed on before.
    pub fn pass(&self, now: Timestamp) -> Result<Self, NotNow> {
        if self.status != Status::Invited {
            return Err(self.not_yet_or_settled());
        }
        let follower = self.follower.clone().ok_or(NotNow::Nobody)?;
        if self.passed.is_some() {
            return Err(NotNow::PassedBefore);
        }
        let mut passed = self.next(now);
        passed.status = Status::Reached;
        passed.passed = Some(Passed {
            follower,
            receipt: self.invitation.receipt.clone(),
            sent_at: self.invitation.sent_at,
            said_stop: false,
            at: now,
            unknown: Unknown::new(),
        });
        passed.follower = None;
        passed.reason = None;
        passed.topic = None;
        passed.candidates.clear();
        passed.answers = Answers::default();
        passed.invitation = LetterState::default();
        Ok(passed)
    }

    /// `→ topic_chosen`: the creator writes the topic down. It counts as the follower's answer, and no answer replaces
    /// it.
    ///
    /// # Errors
    ///
    /// Where the follower is not invited yet, or the song is posted.
    pub fn topic_by_hand(&self, text: String, now: Timestamp) -> Result<Self, NotNow> {
        self.check_waits_for_song()?;
        let mut next = self.next(now);
        next.status = Status::TopicChosen;
        next.topic = Some(Topic {
            text,
            verdict: Verdict::Accepted,
            by: TopicSource::Creator,
            doubt: None,
            at: now,
            unknown: Unknown::new(),
        });
        Ok(next)
    }

    /// `→ topic_chosen`: the creator accepts the follower's topic, and no later answer replaces it.
    ///
    /// # Errors
    ///
    /// Where there is no topic to accept, or the song is posted.
    pub fn accept(&self, now: Timestamp) -> Result<Self, NotNow> {
        self.check_waits_for_song()?;
        let mut next = self.next(now);
        let topic = next.topic.as_mut().ok_or(NotNow::NoTopic)?;
        topic.verdict = Verdict::Accepted;
        topic.doubt = None;
        next.status = Status::TopicChosen;
        Ok(next)
    }

    /// `→ invited`: the creator refuses the follower's topic; only another answer counts.
    ///
    /// # Errors
    ///
    /// Where there is no topic to refuse, or the song is posted.
    pub fn refuse(&self, now: Timestamp) -> Result<Self, NotNow> {
        self.check_waits_for_song()?;
        let mut next = self.next(now);
        let topic = next.topic.as_mut().ok_or(NotNow::NoTopic)?;
        if topic.verdict == Verdict::Refused {
            return Err(NotNow::NoTopic);
        }
        topic.verdict = Verdict::Refused;
        next.candidates.clear();
        next.status = Status::Invited;
        Ok(next)
    }

    /// `→ song_posted`: the song is up. Another video takes the place of one that was not sent.
    ///
    /// # Errors
    ///
    /// Where the follower is not invited yet, while the song is being sent or may have arrived, or where the hug has
    /// ended.
    pub fn song_posted(&self, song: Song, now: Timestamp) -> Result<Self, NotNow> {
        match &self.status {
            Status::Invited | Status::TopicChosen => {}
            Status::SongPosted | Status::ToSend if self.song_is_posted() => {
                self.is_free(now)?;
                if self.song.may_be_out() {
                    return Err(NotNow::MayBeOut);
                }
            }
            _ => return Err(self.not_yet_or_settled()),
        }
        let mut next = self.next(now);
        next.posted = Some(song);
        next.candidates.clear();
        // A channel that was refused stays refused: the follower may have a letter that the network does not show.
        next.song = LetterState {
            refusals: self.song.refusals.clone(),
            ..LetterState::default()
        };
        next.reason = None;
        Ok(next.asking_the_stream())
    }

    /// The same hug, with the videos of which the creator has to choose the song; `None` where it names them already,
    /// or does not wait for a song.
    pub fn song_to_choose(&self, candidates: Vec<VideoId>, now: Timestamp) -> Option<Self> {
        if self.status != Status::TopicChosen || self.candidates == candidates {
            return None;
        }
        let mut next = self.next(now);
        next.candidates = candidates;
        Some(next)
    }

    fn check_waits_for_song(&self) -> Result<(), NotNow> {
        match &self.status {
            Status::Invited | Status::TopicChosen => Ok(()),
            _ => Err(self.not_yet_or_settled()),
        }
    }

    /// Why a step that follows the invitation is not possible: the invitation is not sent yet, or the hug is further.
    fn not_yet_or_settled(&self) -> NotNow {
        let invitation_waits = self.letter_kind() == LetterKind::Invitation;
        match &self.status {
            Status::Reached | Status::Inviting | Status::Held => {
                NotNow::NotInvited(self.status.clone())
            }
            Status::ToSend if invitation_waits => NotNow::NotInvited(self.status.clone()),
            later => NotNow::Settled(later.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        hug::{LEASE, tests::invited, tests::reached},
        rules::{Rules, tests::SAMPLE},
        song::SongSource,
    };

    const T0: Timestamp = Timestamp::UNIX_EPOCH;

    fn song(id: &str) -> Song {
        Song {
            video: id.parse().unwrap(),
            title: None,
            by: SongSource::Creator,
            at: T0,
            unknown: Unknown::new(),
        }
    }

    fn one() -> Song {
        song("dQw4w9WgXcQ")
    }

    fn answered() -> Hug {
        let mut hug = invited().topic_by_hand("rain".to_owned(), T0).unwrap();
        hug.answers.reply_to = Some(receipt());
        hug
    }

    fn receipt() -> Receipt {
        Receipt {
            reference: "9".to_owned(),
            url: None,
            reply_key: None,
        }
    }

    fn words(channel: Channel) -> Words {
        Words {
            channel,
            text: "the song".to_owned(),
            prepared_at: T0,
            tried_again_at: None,
        }
    }

    #[test]
    fn a_song_is_claimed_sent_and_completed_like_an_invitation() {
        let posted = answered().song_posted(one(), T0).unwrap();
        assert_eq!((&posted.status, posted.due), (&Status::SongPosted, true));
        let claimed = posted.claim(T0).unwrap();
        assert!(!claimed.due && claimed.status == Status::SongPosted);
        assert!(claimed.claim(T0).is_err());
        assert_eq!(claimed.claim(T0 + LEASE).unwrap().song.attempts, 2);
        let sent = claimed.prepare(words(Channel::Reply), T0);
        let hugged = sent.delivered(receipt(), T0);
        assert_eq!(hugged.status, Status::Hugged);
        assert_eq!(hugged.song.receipt, Some(receipt()));
        assert_ne!(hugged.invitation.receipt, Some(receipt()));
        assert!(hugged.is_settled(T0));
    }

    #[test]
    fn a_stuck_song_is_put_back_to_work_and_only_that_write_asks_for_it() {
        let claimed = answered()
            .song_posted(one(), T0)
            .unwrap()
            .claim(T0)
            .unwrap();
        assert_eq!(claimed.rearm(T0), None);
        let again = claimed.rearm(T0 + LEASE).unwrap();
        assert_eq!((&again.status, again.due), (&Status::SongPosted, true));
        assert!(again.claim(T0 + LEASE).is_ok_and(|claimed| !claimed.due));
    }

    #[test]
    fn a_song_replies_to_the_answer_or_goes_where_the_invitation_was_private() {
        let channels = |answer: Option<Receipt>, invited_by, rules: &Rules| {
            let mut hug = answered().song_posted(one(), T0).unwrap();
            hug.answers.reply_to = answer;
            hug.invitation.words = Some(words(invited_by));
            hug.channels(&[Channel::Announce], rules)
        };
        let answer = || Some(receipt());
        let (reply, draft) = (Channel::Reply, Channel::Draft);
        assert_eq!(
            channels(answer(), Channel::Announce, &SAMPLE),
            [reply, draft]
        );
        assert_eq!(channels(None, Channel::Announce, &SAMPLE), [draft]);
        assert_eq!(channels(None, Channel::Mention, &SAMPLE), [draft]);
        let message = Channel::Message;
        assert_eq!(channels(None, message, &SAMPLE), [message, draft]);
        let private = Rules {
            mention_is_private: true,
            ..SAMPLE
        };
        let by_hand = answered().song_posted(one(), T0).unwrap();
        assert_eq!(by_hand.channels(&[draft], &SAMPLE), [draft]);
        let mention = Channel::Mention;
        assert_eq!(
            channels(answer(), mention, &private),
            [reply, mention, draft]
        );
    }

    #[test]
    fn another_video_takes_the_place_of_one_that_cannot_be_out() {
        let posted = answered().song_posted(one(), T0).unwrap();
        let other = posted.song_posted(song("kXYiU_JCYtU"), T0).unwrap();
        assert_eq!(other.posted.unwrap().video, song("kXYiU_JCYtU").video);
        let claimed = posted.claim(T0).unwrap();
        assert!(matches!(
            claimed.song_posted(one(), T0),
            Err(NotNow::InProgress { .. })
        ));
        let in_doubt = claimed.prepare(words(Channel::Reply), T0);
        let later = T0 + LEASE;
        assert_eq!(in_doubt.song_posted(one(), later), Err(NotNow::MayBeOut));
        let by_hand = claimed.to_send(words(Channel::Draft), T0);
        assert!(by_hand.song_posted(one(), T0).is_ok());
        let refused = claimed.refused(Channel::Reply, "it is there and not shown".to_owned(), T0);
        let waiting = refused.to_send(words(Channel::Draft), T0);
        let again = waiting.song_posted(one(), T0).unwrap();
        let channels = again.channels(&[Channel::Announce], &SAMPLE);
        let next = again.letter_state().next_channel(&channels);
        assert_eq!(
            next,
            Some(Channel::Draft),
            "the program does not reply again"
        );
        let hugged = claimed.delivered(receipt(), T0);
        let settled = Err(NotNow::Settled(Status::Hugged));
        assert_eq!(hugged.song_posted(one(), T0), settled);
    }

    #[test]
    fn no_topic_and_no_song_comes_before_the_invitation() {
        let not_yet = NotNow::NotInvited(Status::Reached);
        assert_eq!(reached().song_posted(one(), T0), Err(not_yet.clone()));
        assert_eq!(reached().accept(T0), Err(not_yet.clone()));
        assert_eq!(reached().pass(T0), Err(not_yet));
        assert_eq!(invited().accept(T0), Err(NotNow::NoTopic));
        assert_eq!(invited().refuse(T0), Err(NotNow::NoTopic));
    }

    #[test]
    fn a_song_that_the_creator_sent_by_hand_is_a_hug() {
        let waiting = answered().song_posted(one(), T0).unwrap();
        let waiting = waiting
            .claim(T0)
            .unwrap()
            .to_send(words(Channel::Draft), T0);
        assert!(waiting.needs_creator() && waiting.song.sent_at.is_none());
        let retried = waiting.retry(T0).unwrap();
        assert_eq!((&retried.status, retried.due), (&Status::SongPosted, true));
        let hugged = waiting.sent_by_hand(None, T0).unwrap();
        assert_eq!(
            (&hugged.status, hugged.song.sent_at),
            (&Status::Hugged, Some(T0))
        );
    }

    #[test]
    fn a_hug_is_passed_on_once_and_waits_for_the_check_to_choose() {
        let passed = invited().pass(T0).unwrap();
        assert!(passed.is_passed_on() && passed.follower.is_none());
        assert_eq!(passed.claim(T0), Err(NotNow::PassedOn));
        // There is nobody to whom the creator can have sent it.
        assert_eq!(passed.sent_by_hand(None, T0), Err(NotNow::PassedOn));
        assert_eq!(passed.rearm(T0 + LEASE * 100), None);
        let to = invited().follower.unwrap();
        let again = passed.passed_on_to(to, passed.evidence.clone(), T0);
        let again = again.claim(T0).unwrap().delivered(receipt(), T0);
        assert_eq!(again.pass(T0), Err(NotNow::PassedBefore));
        let second = words(Channel::Announce);
        assert_ne!(
            again.letter(&second).number,
            invited().letter(&second).number
        );
    }
}
