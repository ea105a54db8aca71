//! The texts for the creator when something happens to a hug. Each text fits one mail or one notification.

use crate::{
    answer::Verdict,
    channel::Channel,
    follower::Recipient,
    hug::{Hug, Status},
    letter::LetterKind,
    rules::Rules,
    video::VideoId,
};

/// Where a network shows an account's people and posts.
#[derive(Clone, Debug)]
pub struct Site {
    /// The network's rules.
    pub rules: &'static Rules,
    /// The server of the account.
    pub server: String,
}

impl Site {
    /// A follower by handle and name, with the page to open: `@fan (Fan), https://x.com/fan`.
    pub fn who(&self, follower: &Recipient) -> String {
        let Recipient { handle, name, .. } = follower;
        let page = (self.rules.profile_url)(&self.server, handle);
        match name {
            Some(name) if name != handle => format!("@{handle} ({name}), {page}"),
            _ => format!("@{handle}, {page}"),
        }
    }

    /// A link with which the creator sends `text` to the follower by hand.
    pub fn link(&self, follower: Option<&Recipient>, text: &str) -> String {
        self.rules.draft_link(&self.server, follower, text)
    }

    /// A link with which the creator sends `text` for this hug: as a reply to the follower's answer, if it is the song
    /// and the network has a link for that.
    pub fn link_by_hand(&self, hug: &Hug, text: &str) -> String {
        let is_song = hug.letter_kind() == LetterKind::Song;
        let answer = hug.answers.reply_to.as_ref().filter(|_| is_song);
        answer
            .and_then(|answer| (self.rules.reply_link)(&self.server, answer, text))
            .unwrap_or_else(|| self.link(hug.follower.as_ref(), text))
    }

    /// Whether the link with which the creator sends this hug's words by hand opens something that only reaches the
    /// follower: a reply to their answer, or a private message.
    pub fn opens_for_one(&self, hug: &Hug) -> bool {
        let post = (self.rules.post_link)(&self.server, "");
        self.link_by_hand(hug, "") != post
    }

    /// Where the creator answers the follower by hand: below the follower's answer, if it is known.
    pub fn link_to_answer(&self, hug: &Hug) -> String {
        let answer = hug.answers.reply_to.as_ref();
        let reply = answer.and_then(|answer| (self.rules.reply_link)(&self.server, answer, ""));
        let page = || answer.and_then(|answer| answer.url.clone());
        reply
            .or_else(page)
            .unwrap_or_else(|| self.link(hug.follower.as_ref(), ""))
    }

    fn whom(&self, hug: &Hug) -> String {
        match (&hug.follower, &hug.chosen) {
            (_, Some(handle)) => format!("@{handle}"),
            (Some(follower), None) => self.who(follower),
            (None, None) => "a follower whose name is not known".to_owned(),
        }
    }
}

/// A command of `hug` for this hug: `hug approve 600 --account x:amber`.
pub fn command(verb: &str, hug: &Hug) -> String {
    format!("`hug {verb} {} --account {}`", hug.milestone, hug.account)
}

/// A command of `hug` for this hug with more behind it: `hug topic 600 --account x:amber --accept`.
pub fn command_with(verb: &str, hug: &Hug, more: &str) -> String {
    format!(
        "`hug {verb} {} --account {} {more}`",
        hug.milestone, hug.account
    )
}

/// A milestone was crossed by someone.
pub fn reached(hug: &Hug, site: &Site) -> String {
    format!(
        "{}: number {} is {}: {}. The invitation is next.",
        hug.account,
        hug.milestone,
        site.whom(hug),
        hug.evidence.how_sure(hug.milestone),
    )
}

/// A milestone was crossed, and its hug is held, because the account has more hugs today than its plan allows. Only
/// the first of them has a message.
pub fn held(hug: &Hug, site: &Site) -> String {
    format!(
        "{}: number {} is {}, and the hug is held, because these are {}. {} sends the invitation, {} ends the \
         hug. If more hugs are held before you decide, you get no message for them: `hug status` lists them.",
        hug.account,
        hug.milestone,
        site.whom(hug),
        hug.reason.as_deref().unwrap_or_default(),
        command("approve", hug),
        command("cancel", hug),
    )
}

/// A milestone was crossed, and nobody can be named.
pub fn nobody(hug: &Hug) -> String {
    format!(
        "{}: number {} was crossed, and nobody can be named: {}. Say who gets the hug: {}; or end the hug: {}. \
         If more hugs are held before you decide, you get no message for them: `hug status` lists them.",
        hug.account,
        hug.milestone,
        hug.reason.as_deref().unwrap_or_default(),
        command_with("approve", hug, "--for HANDLE"),
        command("cancel", hug),
    )
}

/// Nobody who can get the hug has the handle that the creator chose.
pub fn not_chosen(hug: &Hug) -> String {
    let Hug {
        account, milestone, ..
    } = hug;
    let reason = hug.reason.as_deref().unwrap_or_default();
    format!(
        "{account}: the hug for number {milestone} is held again: {reason}. Choose someone else: `hug approve \
         {milestone} --account {account} --for HANDLE`; or end the hug: {}.",
        command("cancel", hug),
    )
}

/// The letter was sent. An announcement names nobody, so this text also says which follower the hug is for, and
/// has a link with `draft`: the words that the creator can send to that follower.
pub fn delivered(hug: &Hug, site: &Site, draft: &str) -> String {
    let Hug {
        account, milestone, ..
    } = hug;
    let whom = site.whom(hug);
    let letter = hug.letter_state();
    let channel = letter.words.as_ref().map(|words| words.channel);
    let url = letter
        .receipt
        .as_ref()
        .and_then(|receipt| receipt.url.as_deref());
    if hug.letter_kind() == LetterKind::Song {
        let at = url.map_or_else(String::new, |url| format!(" {url}"));
        return format!("{account}: number {milestone} has the song, and a hug: {whom}.{at}");
    }
    if channel == Some(Channel::Announce) {
        let link = site.link(hug.follower.as_ref(), draft);
        let at = url.map_or_else(String::new, |url| format!(": {url}"));
        return format!(
            "{account}: the post for number {milestone} is out{at}\nThe post names nobody. The hug is only for {whom}. If \
             they do not answer, write to them by hand: {link}"
        );
    }
    let at = url.map_or_else(String::new, |url| format!(" The invitation: {url}"));
    format!("{account}: number {milestone} is invited: {whom}.{at}")
}

/// What the creator is to know of a hug after its follower's answers; `None` where that is nothing. `mark` is what the
/// creator writes into the description of the video, if a channel is read.
pub fn heard(before: &Hug, after: &Hug, site: &Site, mark: Option<&str>) -> Option<String> {
    if after.status == Status::Declined {
        return Some(declined(before, site));
    }
    let verdict = after.topic.as_ref().map(|topic| &topic.verdict);
    match verdict {
        _ if after.topic == before.topic => None,
        Some(Verdict::Doubtful) => Some(topic_doubtful(after, site)),
        _ => Some(topic_chosen(after, site, mark)),
    }
}

/// The follower has named a topic, and the program has no objection to it.
fn topic_chosen(hug: &Hug, site: &Site, mark: Option<&str>) -> String {
    let mark = mark.map_or_else(String::new, |mark| {
        format!(" Or write {mark} into the title or the description of the video: the program finds it then.")
    });
    format!(
        "{}: number {}, {}, wishes for a song about: {}\nWhen the video is up: `hug song {} --account {} URL`.{mark} \
         If you would rather not sing about that: {}.",
        hug.account,
        hug.milestone,
        site.whom(hug),
        topic_of(hug),
        hug.milestone,
        hug.account,
        command_with("topic", hug, "--refuse"),
    )
}

/// The follower has named a topic, and the creator has to decide about it.
fn topic_doubtful(hug: &Hug, site: &Site) -> String {
    let doubt = hug.topic.as_ref().and_then(|topic| topic.doubt.as_deref());
    format!(
        "{}: number {}, {}, has answered, and you decide ({}): {}\n{} makes it the topic; {} does not.{}",
        hug.account,
        hug.milestone,
        site.whom(hug),
        doubt.unwrap_or_default(),
        topic_of(hug),
        command_with("topic", hug, "--accept"),
        command_with("topic", hug, "--refuse"),
        answer_at(hug),
    )
}

/// The follower said stop.
pub fn declined(hug: &Hug, site: &Site) -> String {
    format!(
        "{}: number {}, {}, said stop. The hug has ended. The program never writes to them again.",
        hug.account,
        hug.milestone,
        site.whom(hug),
    )
}

/// The follower has not answered for two weeks. `reminder` are words that the creator can send to them.
pub fn silent(hug: &Hug, site: &Site, reminder: &str) -> String {
    let or = match &hug.passed {
        None => format!(
            "Or give the hug to the next follower: {}.",
            command("pass", hug)
        ),
        Some(_) => format!("Or end the hug: {}.", command("cancel", hug)),
    };
    format!(
        "{}: number {}, {}, has not answered for two weeks. You can write to them by hand: {}\n{or}",
        hug.account,
        hug.milestone,
        site.whom(hug),
        site.link(hug.follower.as_ref(), reminder),
    )
}

/// More than one video can be the song.
pub fn song_to_choose(hug: &Hug) -> String {
    format!(
        "{}: {} Say which video is the song for number {}: {}.",
        hug.account,
        unclear_videos(hug),
        hug.milestone,
        command_with("song", hug, "URL"),
    )
}

/// Why the creator has to name the song, and the videos that can be it.
pub fn unclear_videos(hug: &Hug) -> String {
    let videos = hug.candidates.iter().map(VideoId::watch_url);
    let videos: Vec<String> = videos.collect();
    match videos.as_slice() {
        [one] => format!(
            "the mark of the video {one} fits the hug for {} and another hug.",
            hug.milestone
        ),
        several => format!(
            "the marks of several videos fit the hug for {}: {}.",
            hug.milestone,
            several.join(", ")
        ),
    }
}

/// The follower to whom the hug was passed on.
pub fn passed_on(hug: &Hug, site: &Site) -> String {
    format!(
        "{}: the hug for number {} goes to {} now. The invitation is next.",
        hug.account,
        hug.milestone,
        site.whom(hug),
    )
}

fn topic_of(hug: &Hug) -> &str {
    hug.topic.as_ref().map_or("", |topic| topic.text.as_str())
}

fn answer_at(hug: &Hug) -> String {
    let answer = hug.answers.reply_to.as_ref();
    let url = answer.and_then(|answer| answer.url.as_ref());
    url.map_or_else(String::new, |url| format!(" The answer: {url}"))
}

/// How the creator sends words by hand: whom the words are for, the link that opens them, and the words. The song is a
/// reply to the follower's answer where the network has a link for that.
pub fn by_hand(hug: &Hug, site: &Site) -> String {
    let words = hug.letter_state().words.as_ref();
    let words = words.map_or("", |words| words.text.as_str());
    let link = site.link_by_hand(hug, words);
    let under = match hug.letter_kind() {
        LetterKind::Song => answer_at(hug),
        LetterKind::Invitation => String::new(),
    };
    format!(
        "send it to {}: {link}{under}\nThe words: {words}",
        site.whom(hug)
    )
}

/// No channel is left for a program.
pub fn to_send(hug: &Hug, site: &Site) -> String {
    let refusals = &hug.letter_state().refusals;
    let refused = refusals
        .iter()
        .map(|refusal| format!("\n({} was refused: {})", refusal.channel, refusal.reason));
    let refused: String = refused.collect();
    format!(
        "{}: the {} for number {} waits for you. Please {}{refused}\nThen say so: {}.",
        hug.account,
        hug.letter_kind().word(),
        hug.milestone,
        by_hand(hug, site),
        command("sent", hug),
    )
}

/// The account cannot send before a person removes the cause.
pub fn blocked(hug: &Hug) -> String {
    format!(
        "{}: the {} for number {} cannot be sent: {}. Remove the cause, then {}. Without that command, \
         the next try is later, by itself.",
        hug.account,
        hug.letter_kind().word(),
        hug.milestone,
        hug.reason.as_deref().unwrap_or_default(),
        command("retry", hug),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{hug::tests::reached as hug, rules::tests::SAMPLE};

    fn site() -> Site {
        Site {
            rules: &SAMPLE,
            server: "https://sample.example".to_owned(),
        }
    }

    #[test]
    fn a_follower_is_shown_by_handle_name_and_page() {
        let mut follower = hug().follower.unwrap();
        let page = "https://sample.example/fan";
        assert_eq!(site().who(&follower), format!("@fan, {page}"));
        follower.name = Some("Fan Fry".to_owned());
        assert_eq!(site().who(&follower), format!("@fan (Fan Fry), {page}"));
    }

    #[test]
    fn each_text_says_which_account_which_number_and_what_to_do() {
        let mut hug = hug();
        hug.reason = Some("more than 3 hugs in 24 hours".to_owned());
        for (text, help) in [
            (reached(&hug, &site()), "is next"),
            (held(&hug, &site()), "`hug approve 600 --account x:amber`"),
            (nobody(&hug), "--for HANDLE"),
            (to_send(&hug, &site()), "`hug sent 600 --account x:amber`"),
            (blocked(&hug), "`hug retry 600 --account x:amber`"),
        ] {
            assert!(text.starts_with("x:amber: "), "{text}");
            assert!(text.contains("600") && text.contains(help), "{text}");
        }
    }
}
