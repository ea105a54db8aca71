//! The network as the functions reach it: each request is a call of a process, which can fail.

use std::sync::Mutex;

use async_trait::async_trait;
use have_a_hug::network::{
    Answered, Asked, Cursor, Failure, Follow, Network, NetworkError, Page, Permissions, Profile,
};
use jiff::{SignedDuration, Timestamp};
use promise::{
    account::{AccountName, NetworkName, UserId},
    follower::Follower,
    letter::{Letter, Receipt},
};

use super::{history::Fault, process::Scheduler, truth::Truth};

/// The account's id.
pub const ID: &str = "1";

/// The id of a second account at which nothing ever happens. Its count is read together with the first one's.
const QUIET: &str = "2";
const FOLLOWERS_OF_QUIET: u64 = 5;

/// The network as one process reaches it.
pub struct SimulatedNetwork {
    pub scheduler: Scheduler,
    pub account: AccountName,
    /// Whether it is the account at which nothing ever happens.
    pub is_quiet: bool,
    /// Whether it notifies the account of follows.
    pub tells_follows: bool,
    /// Until when it asked this process not to be read.
    pub blocked_until: Mutex<Option<Timestamp>>,
}

impl SimulatedNetwork {
    async fn ask<T>(
        &self,
        attempted: &'static str,
        act: impl FnOnce(&mut Truth) -> T,
        lost: Failure,
    ) -> Result<T, NetworkError> {
        let act = || {
            let mut shared = self.scheduler.shared();
            let asked = shared.truth.letters.asked.len();
            let answer = act(&mut shared.truth);
            shared.changed |= shared.truth.letters.asked.len() > asked;
            Ok(answer)
        };
        let failed = |fault| {
            let failure = match fault {
                Fault::AnswerLost => lost,
                Fault::Busy => {
                    let until = self.scheduler.now() + SignedDuration::from_mins(15);
                    self.scheduler.shared().truth.limited_until = Some(until);
                    *self.blocked_until.lock().unwrap() = Some(until);
                    Failure::WaitUntil(until)
                }
                // Only the sending of a letter is refused, and only it can be lost.
                Fault::Refuse if lost == Failure::OutcomeUnknown => Failure::Refused,
                Fault::Refuse => Failure::Blocked { until: None },
                _ => Failure::TryAgain,
            };
            Err(self.error(attempted, failure, "the simulation says so"))
        };
        let now = self.scheduler.now();
        self.scheduler.shared().truth.asked_at.push(now);
        self.scheduler.call(attempted.to_owned(), act, failed).await
    }

    fn error(&self, attempted: &'static str, failure: Failure, why: &str) -> NetworkError {
        NetworkError {
            failure,
            account: self.account.clone(),
            attempted,
            why: why.to_owned(),
        }
    }
}

#[async_trait]
impl Network for SimulatedNetwork {
    async fn profile(&self, _: Option<&UserId>) -> Result<Profile, NetworkError> {
        let attempted = "reading the follower count";
        let is_quiet = self.is_quiet;
        let read = |truth: &mut Truth| {
            if is_quiet {
                profile_of_quiet()
            } else {
                profile(truth)
            }
        };
        self.ask(attempted, read, Failure::TryAgain).await
    }

    async fn counts(&self, ids: &[UserId]) -> Result<Vec<Profile>, NetworkError> {
        let attempted = "reading the follower counts";
        let read = |truth: &mut Truth| {
            let one = |id: &UserId| match id.as_str() {
                ID => profile(truth),
                _ => profile_of_quiet(),
            };
            ids.iter().map(one).collect()
        };
        self.ask(attempted, read, Failure::TryAgain).await
    }

    fn limit(&self) -> String {
        self.account.network.to_string()
    }

    async fn followers(
        &self,
        _: &UserId,
        _: u64,
        cursor: Option<&Cursor>,
    ) -> Result<Page, NetworkError> {
        let attempted = "reading the newest followers";
        let list = |truth: &mut Truth| truth.list(cursor);
        let mut page = self.ask(attempted, list, Failure::TryAgain).await?;
        // Bluesky's list does not say who is a bot; its profiles do.
        if self.account.network == NetworkName::Bluesky {
            for follower in &mut page.followers {
                follower.marked_as_bot = false;
            }
        }
        Ok(page)
    }

    async fn profiles(&self, ids: &[UserId]) -> Result<Vec<Follower>, NetworkError> {
        let attempted = "reading the profiles";
        let profiles = |truth: &mut Truth| truth.profiles(ids);
        self.ask(attempted, profiles, Failure::TryAgain).await
    }

    async fn user(&self, handle: &str) -> Result<Option<Follower>, NetworkError> {
        let attempted = "asking who has the handle";
        let user = |truth: &mut Truth| truth.profiles(&[handle.into()]).pop();
        self.ask(attempted, user, Failure::TryAgain).await
    }

    fn lists_in_order_of_arrival(&self) -> bool {
        self.account.network != NetworkName::Bluesky
    }

    async fn follows_since(
        &self,
        _: &UserId,
        since: Timestamp,
    ) -> Result<Option<Vec<Follow>>, NetworkError> {
        if !self.tells_follows {
            return Ok(None);
        }
        let attempted = "reading the notifications";
        let follows = |truth: &mut Truth| Some(truth.notifications(since));
        self.ask(attempted, follows, Failure::TryAgain).await
    }

    async fn send(&self, letter: &Letter<'_>) -> Result<Receipt, NetworkError> {
        let attempted = letter.kind.sending();
        let send = |truth: &mut Truth| truth.send(letter);
        let sent = self.ask(attempted, send, Failure::OutcomeUnknown).await;
        let sent = sent.and_then(|sent| {
            let sent = sent.map(receipt);
            sent.map_err(|(failure, why)| self.error(attempted, failure, why))
        });
        if let Err(error) = &sent
            && matches!(error.failure, Failure::Refused | Failure::SentBefore)
        {
            self.scheduler.shared().truth.letters.refuse(letter);
        }
        sent
    }

    async fn find(&self, letter: &Letter<'_>) -> Result<Option<Receipt>, NetworkError> {
        let attempted = letter.kind.looking_up();
        let found = self
            .ask(attempted, |truth| truth.find(letter), Failure::TryAgain)
            .await?;
        Ok(found.map(receipt))
    }

    async fn answers(&self, _: &UserId, asked: &Asked<'_>) -> Result<Answered, NetworkError> {
        let attempted = "reading the answers";
        let answers = |truth: &mut Truth| truth.answers(asked);
        self.ask(attempted, answers, Failure::TryAgain).await
    }

    async fn permissions(&self, _: &UserId) -> Result<Permissions, NetworkError> {
        Ok(Permissions::default())
    }

    fn blocked_until(&self) -> Option<Timestamp> {
        *self.blocked_until.lock().unwrap()
    }

    fn addresses(&self) -> Vec<String> {
        Vec::new()
    }
}

fn profile(truth: &mut Truth) -> Profile {
    Profile {
        id: ID.into(),
        name: "Amber".to_owned(),
        followers: truth.read_count(),
    }
}

fn profile_of_quiet() -> Profile {
    Profile {
        id: QUIET.into(),
        name: "Quiet".to_owned(),
        followers: FOLLOWERS_OF_QUIET,
    }
}

fn receipt(reference: String) -> Receipt {
    Receipt {
        reference,
        url: None,
        reply_key: None,
    }
}
