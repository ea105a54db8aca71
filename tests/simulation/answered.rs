//! What must hold of answers: whose count, what becomes of each, and what their absence does.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use promise::{
    answer::{Topic, TopicSource, Verdict},
    hug::{Hug, Status},
};

use super::{
    history::{Deed, Says},
    observer::Change,
    posts::{Post, Text},
    said::Commands,
    truth::Truth,
};

/// How long the follower may be silent before the creator is told.
const SILENCE: SignedDuration = SignedDuration::from_hours(14 * 24);

/// Answers are heard at every check for a day after the letter or the last answer, then within an hour, for 90 days.
const FIRST_DAY: SignedDuration = SignedDuration::from_hours(24);
const ANSWERS_FOR: SignedDuration = SignedDuration::from_hours(90 * 24);

/// By how much the clocks of two processes differ at most.
pub const CLOCKS: SignedDuration = SignedDuration::from_secs(21);

#[derive(Default)]
pub struct Answered {
    /// The topics that the creator refused.
    refused: BTreeMap<u64, BTreeSet<String>>,
}

/// Whether an answer gave the hug a topic in this write.
pub fn has_new_topic(change: &Change) -> bool {
    let before = change.before.as_ref().and_then(|hug| hug.topic.as_ref());
    let after = change.after.topic.as_ref();
    let open = |topic: &Topic| {
        topic.by == TopicSource::Follower
            && matches!(topic.verdict, Verdict::Clean | Verdict::Doubtful)
    };
    before != after && after.is_some_and(open)
}

/// Whether the creator is told in this write that the follower is silent.
pub fn is_told_of_silence(change: &Change) -> bool {
    let told = |hug: &Hug| hug.answers.silence_told_at.is_some();
    !change.before.as_ref().is_some_and(told) && told(&change.after)
}

impl Answered {
    /// Looks at one write in which the hug was neither erased nor passed on.
    pub fn look_at(
        &mut self,
        change: &Change,
        said: &Commands,
        truth: &Truth,
    ) -> Result<(), String> {
        let Change { before, after } = change;
        let number = after.milestone.number();
        let Some(before) = before else {
            let is_new = after.answers.judged.is_empty() && after.topic.is_none();
            return is_new
                .then_some(())
                .ok_or_else(|| format!("{number} is answered from the beginning"));
        };
        let (known, judged) = (&before.answers.judged, &after.answers.judged);
        if !judged.starts_with(known) {
            return Err(format!(
                "of the answers for {number}, some are not judged any more"
            ));
        }
        let new = &judged[known.len()..];
        let new: Vec<&Text> = new
            .iter()
            .map(|version| Self::counted(version, known, before, truth))
            .collect::<Result<_, _>>()?;
        let stops = new.iter().any(|text| text.says == Says::Stop);
        if stops && after.status != Status::Declined {
            return Err(format!(
                "someone said stop to {number}, and it is {}",
                after.status
            ));
        }
        if after.status != Status::Declined {
            self.topic(before, after, &new, said)?;
            Self::status(before, after)?;
        }
        if is_told_of_silence(change) {
            Self::silence(after)?;
        }
        Ok(())
    }

    /// The text with that version, if it counts for that hug.
    fn counted<'a>(
        version: &String,
        known: &[String],
        hug: &Hug,
        truth: &'a Truth,
    ) -> Result<&'a Text, String> {
        let number = hug.milestone;
        let found = truth.posts.with_version(version);
        let (post, text) =
            found.ok_or_else(|| format!("nobody wrote {version}, which is judged for {number}"))?;
        if known.contains(version) {
            return Err(format!("{version} is judged a second time for {number}"));
        }
        let named = hug.follower.as_ref().map(|to| to.id.as_str());
        if named != Some(post.author.as_str()) {
            return Err(format!(
                "an answer of {} is heard for {number}, which is for {}",
                post.author,
                named.unwrap_or("nobody")
            ));
        }
        if hug.invitation.reference() != Some(post.to.as_str()) {
            return Err(format!("an answer to another letter is heard for {number}"));
        }
        Ok(text)
    }

    /// A topic is what the follower said last, until the creator accepts one or the song is posted; or what she wrote.
    fn topic(
        &mut self,
        before: &Hug,
        after: &Hug,
        new: &[&Text],
        said: &Commands,
    ) -> Result<(), String> {
        let number = after.milestone.number();
        let is_topic = |says: Says| matches!(says, Says::Clean | Says::Dirty | Says::Marked);
        let old = before.topic.as_ref();
        let is_decided = old.is_some_and(|topic| topic.verdict == Verdict::Accepted);
        let is_open = !is_decided && before.posted.is_none();
        let since = old
            .filter(|topic| topic.verdict != Verdict::Refused)
            .map(|topic| topic.at);
        let heard = new
            .iter()
            .filter(|text| is_open && is_topic(text.says) && Some(text.at) >= since)
            .max_by_key(|text| text.at)
            .map(|text| text.at);
        // Of two that were written in the same second either can be the last.
        let mut last = new
            .iter()
            .filter(|text| is_topic(text.says) && Some(text.at) == heard)
            .peekable();
        let topic = after.topic.as_ref();
        if last.peek().is_some() {
            let fits = |text: &&Text| {
                let verdict = match text.says {
                    Says::Clean => Verdict::Clean,
                    _ => Verdict::Doubtful,
                };
                topic.is_some_and(|topic| {
                    (&topic.text, &topic.verdict, topic.at) == (&text.words, &verdict, text.at)
                })
            };
            return last
                .any(fits)
                .then_some(())
                .ok_or_else(|| format!("the last answer for {number} is not its topic"));
        }
        if topic == old {
            return Ok(());
        }
        let Some(topic) = topic else {
            return Err(format!("the topic of {number} is gone"));
        };
        let is_same = old.is_some_and(|old| old.text == topic.text && old.at == topic.at);
        let allowed = match (&topic.by, &topic.verdict) {
            (TopicSource::Creator, Verdict::Accepted) => {
                said.has_written(number, &topic.text)
                    || (is_same && said.has_said(number, |deed| deed == Deed::Accept))
            }
            (TopicSource::Follower, Verdict::Accepted) => {
                is_same && said.has_said(number, |deed| deed == Deed::Accept)
            }
            (_, Verdict::Refused) => {
                let refused = self.refused.entry(number).or_default();
                refused.insert(topic.text.clone());
                is_same && said.has_said(number, |deed| deed == Deed::Refuse)
            }
            _ => false,
        };
        allowed
            .then_some(())
            .ok_or_else(|| format!("the topic of {number} is suddenly {:?}", topic.text))
    }

    /// Before the song, the state says whether there is a topic to sing about.
    fn status(before: &Hug, after: &Hug) -> Result<(), String> {
        let verdict = after.topic.as_ref().map(|topic| &topic.verdict);
        let sings = matches!(verdict, Some(Verdict::Clean | Verdict::Accepted));
        let fits = match after.status {
            Status::Invited => !sings,
            Status::TopicChosen => sings,
            _ => true,
        };
        let is_changed = before.status != after.status || before.topic != after.topic;
        if is_changed && !fits {
            return Err(format!(
                "{} is {}, and its topic is {verdict:?}",
                after.milestone, after.status
            ));
        }
        Ok(())
    }

    fn silence(hug: &Hug) -> Result<(), String> {
        // A refused topic is as good as none, and the time begins anew with each answer.
        let sent = hug.answers.latest_at.max(hug.invitation.sent_at);
        let topic = hug.topic.as_ref();
        let is_silent = hug.status == Status::Invited
            && topic.is_none_or(|topic| topic.verdict == Verdict::Refused);
        let is_time = sent
            .zip(hug.answers.silence_told_at)
            .is_some_and(|(sent, told)| told.duration_since(sent) >= SILENCE - CLOCKS);
        if !is_silent || !is_time {
            return Err(format!(
                "the follower of {} is said to be silent",
                hug.milestone
            ));
        }
        Ok(())
    }

    /// Looks after a check in which nothing failed and beside which nothing ran: what had to be heard is heard, and long
    /// silence is told. `thorough` is whether an hour has passed since another check.
    pub fn look_when_checked(
        hugs: &[Hug],
        truth: &Truth,
        began: Timestamp,
        thorough: bool,
    ) -> Result<(), String> {
        for hug in hugs {
            let number = hug.milestone;
            if let Some(text) = Self::unheard(hug, truth, began, thorough) {
                return Err(format!("{:?}, for {number}, is not heard", text.words));
            }
            let since = hug.answers.latest_at.max(hug.invitation.sent_at);
            let silent = since.is_some_and(|sent| began.duration_since(sent) >= SILENCE + CLOCKS);
            if silent
                && hug.status == Status::Invited
                && hug.topic.is_none()
                && hug.answers.silence_told_at.is_none()
            {
                return Err(format!(
                    "the follower of {number} is silent, and nobody says so"
                ));
            }
        }
        Ok(())
    }

    /// An answer that had to be heard.
    fn unheard<'a>(
        hug: &Hug,
        truth: &'a Truth,
        began: Timestamp,
        thorough: bool,
    ) -> Option<&'a Text> {
        let is_open = matches!(hug.status, Status::Invited | Status::TopicChosen);
        let named = hug.follower.as_ref()?.id.as_str();
        let reference = hug.invitation.reference()?;
        let latest = hug.answers.latest_at.max(hug.invitation.sent_at)?;
        let within = if thorough { ANSWERS_FOR } else { FIRST_DAY };
        if !is_open || began.duration_since(latest) >= within - CLOCKS {
            return None;
        }
        let theirs = |post: &&Post| post.author == named && post.to == reference;
        let theirs = truth.posts.all.iter().filter(theirs);
        theirs
            .filter_map(Post::shown)
            .find(|text| !hug.answers.judged.contains(&text.version))
    }

    /// Whether the creator refused that topic, and it is there again.
    pub fn is_back(&self, before: Option<&Hug>, after: &Hug) -> bool {
        let Some(topic) = &after.topic else {
            return false;
        };
        let was = before.and_then(|before| before.topic.as_ref());
        let refused = self.refused.get(&after.milestone.number());
        matches!(topic.verdict, Verdict::Clean | Verdict::Doubtful)
            && was.is_none_or(|was| was.text != topic.text || was.verdict == Verdict::Refused)
            && refused.is_some_and(|refused| refused.contains(&topic.text))
    }
}
