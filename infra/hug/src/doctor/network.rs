//! One account and its network: whether it answers, and what the account's secrets allow.

use have_a_hug::{
    http,
    ledger::Snapshot,
    network::{Failure, Network, NetworkError, Permissions, Profile},
    settings::Account,
};
use jiff::{SignedDuration, Timestamp};
use promise::{
    account::{AccountName, UserId},
    channel::Channel,
};

use super::finding::Finding;
use crate::words::words_for;

/// A clock that is wrong by more than this spoils X's signatures and the claims on hugs.
const MAX_CLOCK_ERROR: SignedDuration = SignedDuration::from_secs(60);

/// What findings call this computer's clock.
pub(super) const CLOCK: &str = "this computer's clock";

/// An account to look at.
pub(super) struct OneAccount<'a> {
    pub account: &'a Account,
    pub network: &'a dyn Network,
    pub http: &'a reqwest::Client,
    pub now: Timestamp,
}

impl OneAccount<'_> {
    /// Looks at the account, unless the ledger says that its rate limit is used up. Returns what was found, and the
    /// addresses whose clock agrees with this computer's.
    pub(super) async fn look(&self, ledger: &Snapshot) -> (Vec<Finding>, Vec<String>) {
        let name = &self.account.name;
        let (mut findings, mut agreeing) = (self.look_at_channels(), Vec::new());
        if let Some(until) = wait_until(ledger, name).filter(|until| *until > self.now) {
            let found = format!("not asked: its rate limit is used up until {until}");
            findings.push(Finding::unsure(name, found, "look again then"));
            return (findings, agreeing);
        }
        let mut reached = true;
        for address in self.network.addresses() {
            let clock = http::time_at(self.http, &address).await;
            reached &= clock.is_ok();
            match self.look_at_clock(&address, clock) {
                Some(finding) => findings.push(finding),
                None => agreeing.push(address),
            }
        }
        if reached {
            findings.extend(self.look_at_profile().await);
        }
        (findings, agreeing)
    }

    fn look_at_channels(&self) -> Vec<Finding> {
        let rules = self.account.rules();
        let contact = self.account.contact.iter();
        let unasked = contact.filter(|channel| !rules.allows(**channel));
        let warn = |channel: &Channel| {
            let found = format!(
                "`{channel}` is among its channels, which {}'s rules do not allow a program unasked",
                rules.title
            );
            let help = format!("keep it only if {} has allowed it to you", rules.title);
            Finding::unsure(&self.account.name, found, help)
        };
        unasked.map(warn).collect()
    }

    /// Compares this computer's clock with the network's. `None` where they agree.
    fn look_at_clock(
        &self,
        address: &str,
        clock: Result<Option<Timestamp>, String>,
    ) -> Option<Finding> {
        let there = match clock {
            Ok(there) => there,
            Err(why) => {
                let found = format!("{address} cannot be reached: {why}");
                let help = "see whether this computer is online, and `server` in the settings";
                return Some(Finding::wrong(&self.account.name, found, help));
            }
        };
        match there.map(|there| self.now.duration_since(there)) {
            Some(ahead) if ahead.abs() > MAX_CLOCK_ERROR => {
                let seconds = ahead.abs().as_secs();
                let side = if ahead.is_positive() {
                    "ahead of"
                } else {
                    "behind"
                };
                let found = format!("it is {seconds} s {side} what {address} says");
                let help = "set it; X refuses signatures of another time, and what was sent is looked for by its time";
                Some(Finding::wrong(CLOCK, found, help))
            }
            Some(_) => None,
            None => {
                let found = format!("{address} does not say what time it is");
                Some(Finding::unsure(CLOCK, found, "see whether it is set right"))
            }
        }
    }

    async fn look_at_profile(&self) -> Vec<Finding> {
        let name = &self.account.name;
        let profile = match self.network.profile(None).await {
            Ok(profile) => profile,
            Err(error) => return vec![failed(name, &error)],
        };
        let (count, id) = (profile.followers, &profile.id);
        let site = self.account.site();
        let page = (site.rules.profile_url)(&site.server, &name.handle);
        let mut findings = vec![Finding::ok(name, format!("{count} followers, {page}"))];
        let blocked = self.network.blocked_until();
        if let Some(until) = blocked.filter(|until| *until > self.now) {
            let found = "its rate limit is used up now, so the rest was not asked";
            let help = format!("look again at {until}");
            findings.push(Finding::unsure(name, found, help));
            return findings;
        }
        findings.push(match self.network.followers(id, 1, None).await {
            Ok(page) if page.followers.is_empty() && count > 0 => {
                let found = "the list of followers is empty: the network hides it from these secrets, or hides the newest followers";
                Finding::unsure(name, found, "invitations will name nobody while it is empty")
            }
            Ok(_) => Finding::ok(name, "its list of followers can be read"),
            Err(error) => failed(name, &error),
        });
        findings.extend(self.look_at_permissions(id).await);
        findings.extend(self.look_at_words(&profile));
        let price = self.account.rules().price_of_a_look;
        findings.extend(price.map(|price| Finding::ok(name, price)));
        findings
    }

    /// Shows the words of the next milestone.
    fn look_at_words(&self, profile: &Profile) -> Option<Finding> {
        let next = self.account.plan.next_after(profile.followers)?;
        let words = self.account.next_words(next, &profile.name, self.now)?;
        let text = words.text.replace('\n', " ");
        Some(Finding::ok(
            &self.account.name,
            format!("{}: {text}", words_for(&words)),
        ))
    }

    async fn look_at_permissions(&self, id: &UserId) -> Vec<Finding> {
        let name = &self.account.name;
        if !self.account.sends() {
            let found = "it sends nothing by itself (contact = [\"draft\"])";
            return vec![Finding::ok(name, found)];
        }
        let Permissions {
            owner,
            post,
            message,
        } = match self.network.permissions(id).await {
            Ok(permissions) => permissions,
            Err(error) => return vec![failed(name, &error)],
        };
        let mut findings = Vec::new();
        match owner {
            Some(owner) if owner != *id => {
                let found = format!("its keys belong to the account {owner}, not to {id}");
                let help = "make new ones while logged in as the account of the settings";
                return vec![Finding::wrong(name, found, help)];
            }
            Some(_) => findings.push(Finding::ok(name, "its keys are its own")),
            None => {}
        }
        let (contact, rules) = (&self.account.contact, self.account.rules());
        let posts = [Channel::Announce, Channel::Mention];
        let posts = contact.iter().any(|channel| posts.contains(channel));
        let messages = contact.contains(&Channel::Message);
        for (what, needed, may, help) in [
            ("post", posts, post, rules.help_to_post),
            ("message", messages, message, rules.help_to_message),
        ] {
            if !needed {
                continue;
            }
            findings.push(match may {
                Some(true) => Finding::ok(name, format!("its keys may {what}")),
                Some(false) => Finding::wrong(name, format!("its keys may not {what}"), help),
                None => {
                    let found = format!("the network does not say whether its keys may {what}");
                    Finding::unsure(name, found, help)
                }
            });
        }
        findings
    }
}

/// What it means that a network did not answer as it should.
fn failed(name: &AccountName, error: &NetworkError) -> Finding {
    let found = format!("{} failed: {}", error.attempted, error.why);
    let help = match error.failure {
        Failure::WaitUntil(until) => {
            return Finding::unsure(name, found, format!("look again at {until}"));
        }
        Failure::TryAgain | Failure::OutcomeUnknown | Failure::SentBefore => {
            "look again in a while; this passes by itself"
        }
        Failure::Blocked { .. } | Failure::Refused => {
            "see what it says, and whether the account's secrets, `handle` and `server` in the settings are right"
        }
    };
    Finding::wrong(name, found, help)
}

fn wait_until(ledger: &Snapshot, name: &AccountName) -> Option<Timestamp> {
    let (_, handle) = ledger.handles.iter().find(|(of, _)| of == name)?;
    handle.retry_at
}
