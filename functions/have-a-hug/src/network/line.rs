//! One account's line to its network: requests go out over it, and what becomes of them is told in
//! terms of what comes next.

use jiff::{SignedDuration, Timestamp};
use reqwest::{Client, RequestBuilder};
use serde::de::DeserializeOwned;

use super::{Failure, NetworkError};
use crate::{
    account::AccountName,
    clock::Clock,
    http::{self, Answer, Lost},
};

pub(super) struct Line {
    pub account: AccountName,
    pub http: Client,
    pub clock: Clock,
}

impl Line {
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// When a used-up rate limit opens again: the time that the network told, if it lies ahead, else
    /// after the network's `usual` window. A day at the most: no limit of theirs is longer, and a
    /// wrong clock over there must not silence an account for good.
    pub fn until(&self, told: Option<Timestamp>, usual: SignedDuration) -> Timestamp {
        let now = self.now();
        let told = told.filter(|time| *time > now);
        let longest = now + SignedDuration::from_hours(24);
        told.unwrap_or(now + usual).min(longest)
    }

    /// Asks for something: whatever is lost on the way can be asked again.
    pub async fn read(
        &self,
        attempted: &'static str,
        request: RequestBuilder,
    ) -> Result<Answer, NetworkError> {
        http::ask(request).await.map_err(|lost| match lost {
            Lost::NeverLeft(why) | Lost::NoAnswer(why) => {
                self.error(attempted, Failure::TryAgain, why)
            }
        })
    }

    /// Asks for something to be done: without an answer it may have been.
    pub async fn write(
        &self,
        attempted: &'static str,
        request: RequestBuilder,
    ) -> Result<Answer, NetworkError> {
        http::ask(request).await.map_err(|lost| match lost {
            Lost::NeverLeft(why) => self.error(attempted, Failure::TryAgain, why),
            Lost::NoAnswer(why) => self.error(attempted, Failure::OutcomeUnknown, why),
        })
    }

    /// What was asked for.
    pub fn parse<T: DeserializeOwned>(
        &self,
        attempted: &'static str,
        answer: &Answer,
    ) -> Result<T, NetworkError> {
        answer
            .json()
            .map_err(|why| self.error(attempted, Failure::TryAgain, why))
    }

    /// The reference to what was done. It was accepted, so an unreadable one is no failure to send.
    pub fn parse_sent<T: DeserializeOwned>(
        &self,
        attempted: &'static str,
        answer: &Answer,
    ) -> Result<T, NetworkError> {
        answer
            .json()
            .map_err(|why| self.error(attempted, Failure::OutcomeUnknown, why))
    }

    pub fn error(
        &self,
        attempted: &'static str,
        failure: Failure,
        why: impl Into<String>,
    ) -> NetworkError {
        NetworkError {
            failure,
            account: self.account.clone(),
            attempted,
            why: why.into(),
        }
    }
}
