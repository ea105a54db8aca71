//! News for the creator: texts about a hug, published where the creator reads them.

use std::{
    collections::HashSet,
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;

use crate::{clock::Clock, http::percent_encoded, signed::Service};

/// Most characters in a subject of SNS, which has [fewer than 100 characters], all of them printable ASCII.
///
/// [fewer than 100 characters]: https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
const MAX_SUBJECT: usize = 99;

/// Where news are published for the creator.
#[async_trait]
pub trait Outlet: Send + Sync {
    /// Publishes a text under a subject, once for each call.
    async fn publish(&self, subject: &str, text: &str) -> Result<(), NewsError>;
}

/// Publishes news for the creator; by default, publishes nothing.
#[derive(Default)]
pub struct News {
    to: Option<Box<dyn Outlet>>,
    /// The ids of the news that this process has published: the stream may deliver a record again.
    published: Mutex<HashSet<String>>,
}

/// Why news could not be published: what was attempted, why it failed, and what helps.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct NewsError(pub String);

impl News {
    /// Publishes news to `outlet`.
    pub fn to(outlet: impl Outlet + 'static) -> Self {
        Self {
            to: Some(Box::new(outlet)),
            published: Mutex::default(),
        }
    }

    /// Publishes news to a topic of SNS, which sends them to its subscribers by mail.
    pub fn to_topic(sns: Service, arn: String, clock: Clock) -> Self {
        Self::to(Topic { sns, arn, clock })
    }

    /// Publishes a text under a subject, unless this process has already published news with this `id`.
    ///
    /// # Errors
    ///
    /// Where the text cannot be published; the next call with this `id` tries again.
    pub async fn publish(&self, id: &str, subject: &str, text: &str) -> Result<(), NewsError> {
        let Some(outlet) = &self.to else {
            return Ok(());
        };
        if self.published().contains(id) {
            return Ok(());
        }
        outlet.publish(subject, text).await?;
        self.published().insert(id.to_owned());
        Ok(())
    }

    fn published(&self) -> MutexGuard<'_, HashSet<String>> {
        // A panic of another thread cannot leave the set half changed, because an insert is one step.
        self.published
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// A topic of SNS, by its ARN.
struct Topic {
    sns: Service,
    arn: String,
    clock: Clock,
}

#[async_trait]
impl Outlet for Topic {
    async fn publish(&self, subject: &str, text: &str) -> Result<(), NewsError> {
        // SNS takes a form and answers XML, of which nothing is needed.
        let fields = [
            ("Action", "Publish"),
            ("Version", "2010-03-31"),
            ("TopicArn", &self.arn),
            ("Subject", &as_subject(subject)),
            ("Message", text),
        ];
        let form = fields
            .map(|(name, value)| format!("{name}={}", percent_encoded(value)))
            .join("&");
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        let sent = self.sns.post(&headers, &form, self.clock.now()).await;
        sent.map(drop).map_err(|why| {
            NewsError(format!(
                "publishing the news to {} failed: {why}; the function's role needs sns:Publish on that topic",
                self.arn
            ))
        })
    }
}

/// The text as SNS accepts it for a subject: at most [`MAX_SUBJECT`] characters of printable ASCII, in one line.
fn as_subject(text: &str) -> String {
    let plain = text.chars().map(|character| match character {
        ' '..='~' => character,
        _ => '?',
    });
    plain.take(MAX_SUBJECT).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_one_short_line_of_plain_characters() {
        assert_eq!(
            as_subject("Have a Hug: x:amber 600"),
            "Have a Hug: x:amber 600"
        );
        assert_eq!(as_subject("a\r\nBcc: ☀\u{7f}"), "a??Bcc: ??");
        assert_eq!(as_subject(&"é".repeat(300)).len(), 99);
    }

    #[tokio::test]
    async fn news_without_an_outlet_are_not_an_error() {
        let news = News::default();
        news.publish("1", "subject", "text").await.unwrap();
    }
}
