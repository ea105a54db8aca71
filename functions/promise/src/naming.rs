//! Who may be named where everybody can read it.

use std::collections::HashSet;

use crate::{
    account::UserId,
    answer::{Topic, TopicSource, Verdict},
    erase::is_erased,
    follower::Recipient,
    hug::{Hug, Status},
};

/// What everybody may know of the follower of a hug.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Naming<'a> {
    /// The follower asked for a song, so they may be named together with their topic.
    Named {
        /// The follower.
        follower: &'a Recipient,
        /// What they asked for.
        topic: &'a Topic,
    },
    /// The follower said stop or was erased.
    Unnamed,
    /// The follower has not asked for it: no answer of theirs was heard, or the creator has not accepted their topic. A
    /// topic that the creator wrote down alone names nobody.
    Silent,
}

impl<'a> Naming<'a> {
    /// Whether the follower of a hug may be named, where `stopped` has said stop to an account on the same network.
    pub fn of(hug: &'a Hug, stopped: &HashSet<UserId>) -> Self {
        let wants_no_name =
            |follower: &&Recipient| is_erased(follower) || stopped.contains(&follower.id);
        let follower = hug.follower.as_ref();
        let follower = follower.filter(|follower| !wants_no_name(follower));
        let (Some(follower), false) = (follower, hug.status == Status::Declined) else {
            return Self::Unnamed;
        };
        let counts = |topic: &&Topic| matches!(topic.verdict, Verdict::Clean | Verdict::Accepted);
        let is_chosen = matches!(
            hug.status,
            Status::TopicChosen | Status::SongPosted | Status::Hugged
        ) || hug.posted.is_some();
        let has_answered =
            |topic: &&Topic| topic.by == TopicSource::Follower || hug.answers.reply_to.is_some();
        match hug.topic.as_ref().filter(counts).filter(has_answered) {
            Some(topic) if is_chosen => Self::Named { follower, topic },
            _ => Self::Silent,
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::{
        hug::tests::invited, song::Song, song::SongSource, unknown::Unknown, video::VideoId,
    };

    const T0: Timestamp = Timestamp::UNIX_EPOCH;

    fn asked(status: Status, verdict: Verdict) -> Hug {
        let topic = Topic {
            text: "the last bus home".to_owned(),
            verdict,
            by: TopicSource::Follower,
            doubt: None,
            at: T0,
            unknown: Unknown::new(),
        };
        Hug {
            status,
            topic: Some(topic),
            ..invited()
        }
    }

    fn with_song(hug: Hug) -> Hug {
        let song = Song {
            video: VideoId::from_id("lastBusHome").unwrap(),
            title: None,
            by: SongSource::Creator,
            at: T0,
            unknown: Unknown::new(),
        };
        Hug {
            posted: Some(song),
            ..hug
        }
    }

    fn is_named(hug: &Hug, stopped: &[&str]) -> bool {
        let stopped = stopped.iter().map(|id| UserId::from(*id)).collect();
        matches!(Naming::of(hug, &stopped), Naming::Named { .. })
    }

    #[test]
    fn a_follower_is_named_from_their_topic_on_and_not_before() {
        for status in [Status::TopicChosen, Status::SongPosted, Status::Hugged] {
            assert!(is_named(&asked(status, Verdict::Clean), &[]));
        }
        for status in [
            Status::Reached,
            Status::Held,
            Status::Inviting,
            Status::Invited,
            Status::ToSend,
        ] {
            let hug = asked(status.clone(), Verdict::Clean);
            assert!(!is_named(&hug, &[]), "{status}");
        }
        let to_send = with_song(asked(Status::ToSend, Verdict::Accepted));
        assert!(is_named(&to_send, &[]), "the song waits for the creator");
    }

    #[test]
    fn a_topic_that_the_creator_has_not_accepted_names_nobody() {
        for verdict in [
            Verdict::Doubtful,
            Verdict::Refused,
            Verdict::Other("later".to_owned()),
        ] {
            let hug = with_song(asked(Status::Hugged, verdict));
            assert_eq!(Naming::of(&hug, &HashSet::new()), Naming::Silent);
        }
    }

    #[test]
    fn a_topic_that_the_creator_wrote_down_names_only_a_follower_who_has_answered() {
        let mut hug = asked(Status::TopicChosen, Verdict::Accepted);
        hug.topic.as_mut().unwrap().by = TopicSource::Creator;
        assert_eq!(Naming::of(&hug, &HashSet::new()), Naming::Silent);
        hug.answers.reply_to = invited().invitation.receipt;
        assert!(is_named(&hug, &[]));
    }

    #[test]
    fn a_follower_who_said_stop_or_was_erased_is_not_named_also_with_a_song() {
        let mut hug = with_song(asked(Status::Hugged, Verdict::Clean));
        let unnamed = |hug: &Hug, stopped: &HashSet<UserId>| {
            assert_eq!(Naming::of(hug, stopped), Naming::Unnamed);
        };
        unnamed(&hug, &["7".into()].into());
        assert!(is_named(&hug, &["8"]), "somebody else said stop");
        hug.status = Status::Declined;
        unnamed(&hug, &HashSet::new());
        hug.status = Status::Hugged;
        hug.follower.as_mut().unwrap().handle.clear();
        unnamed(&hug, &HashSet::new());
        hug.follower = None;
        unnamed(&hug, &HashSet::new());
    }
}
