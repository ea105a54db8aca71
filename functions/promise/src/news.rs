//! The texts for the creator when something happens to a hug. Each text fits one mail or one notification.

use crate::{channel::Channel, evidence::Certainty, follower::Recipient, hug::Hug, rules::Rules};

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

/// A milestone was crossed by someone.
pub fn reached(hug: &Hug, site: &Site) -> String {
    let sure = match &hug.evidence.certainty {
        Certainty::Certain => "certainly",
        _ => {
            "probably: there was no check just before, or the count and the list of followers differ by a few"
        }
    };
    format!(
        "{}: number {} is {} ({sure}). The invitation is next.",
        hug.account,
        hug.milestone,
        site.whom(hug)
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
        "{}: number {} was crossed, and nobody can be named: {}. Say who gets the hug: `hug approve {} \
         --account {} --for HANDLE`; or end the hug: {}. If more hugs are held before you decide, you get no \
         message for them: `hug status` lists them.",
        hug.account,
        hug.milestone,
        hug.reason.as_deref().unwrap_or_default(),
        hug.milestone,
        hug.account,
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

/// The invitation was sent. An announcement names nobody, so this text also says which follower the hug is for, and
/// has a link with `draft`: the words that the creator can send to that follower.
pub fn invited(hug: &Hug, site: &Site, draft: &str) -> String {
    let Hug {
        account, milestone, ..
    } = hug;
    let whom = site.whom(hug);
    let channel = hug.invitation.words.as_ref().map(|words| words.channel);
    let url = hug.invitation.receipt.as_ref();
    let url = url.map_or("", |receipt| {
        receipt.url.as_deref().unwrap_or(&receipt.reference)
    });
    if channel == Some(Channel::Announce) {
        let link = site.link(hug.follower.as_ref(), draft);
        return format!(
            "{account}: the post for number {milestone} is out: {url}\nIt names nobody. Only {whom} counts. If \
             they do not answer, write to them by hand: {link}"
        );
    }
    format!("{account}: number {milestone} is invited: {whom}. The invitation: {url}")
}

/// How the creator sends words by hand: whom the words are for, the link that opens them, and the words.
pub fn by_hand(hug: &Hug, site: &Site) -> String {
    let words = hug.invitation.words.as_ref();
    let words = words.map_or("", |words| words.text.as_str());
    let link = site.link(hug.follower.as_ref(), words);
    format!("send it to {}: {link}\nThe words: {words}", site.whom(hug))
}

/// No channel is left for a program.
pub fn to_send(hug: &Hug, site: &Site) -> String {
    let refusals = &hug.invitation.refusals;
    let refused = refusals
        .iter()
        .map(|refusal| format!("\n({} was refused: {})", refusal.channel, refusal.reason));
    let refused: String = refused.collect();
    format!(
        "{}: the invitation for number {} waits for you. Please {}{refused}\nThen say so: {}.",
        hug.account,
        hug.milestone,
        by_hand(hug, site),
        command("sent", hug),
    )
}

/// The account cannot send before a person removes the cause.
pub fn blocked(hug: &Hug) -> String {
    format!(
        "{}: the invitation for number {} cannot be sent: {}. Remove the cause, then {}. Without that command, \
         the next try is later, by itself.",
        hug.account,
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
