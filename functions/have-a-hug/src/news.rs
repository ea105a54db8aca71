//! News for the creator: a sentence about a hug, sent to where she reads it.

use std::{collections::HashSet, sync::Mutex};

use aws_sdk_sns::{Client, error::ProvideErrorMetadata};

use crate::http;

/// A subject of SNS has [fewer than 100 characters], all of them printable ASCII.
///
/// [fewer than 100 characters]: https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
const MAX_SUBJECT: usize = 99;

/// Where the news go: nowhere, unless a function on AWS says otherwise.
#[derive(Default)]
pub struct News {
    to: To,
    /// What this process has published, because the stream may deliver a record again.
    published: Mutex<HashSet<String>>,
}

#[derive(Default)]
enum To {
    #[default]
    Nowhere,
    /// A topic of SNS, by its ARN.
    Topic { client: Client, arn: String },
}

/// News that could not be published.
#[derive(Debug, thiserror::Error)]
#[error(
    "publishing the news to {topic} failed: {why}; the function's role needs sns:Publish on that topic"
)]
pub struct NewsError {
    topic: String,
    why: String,
}

impl News {
    /// News that go to a topic of SNS, which mails them to whoever has subscribed to it.
    pub fn to_topic(client: Client, arn: String) -> Self {
        let published = Mutex::default();
        let to = To::Topic { client, arn };
        Self { to, published }
    }

    /// Publishes a text under a subject, unless this process has published what `id` names before.
    ///
    /// # Errors
    ///
    /// Where SNS refuses or cannot be reached.
    pub async fn publish(&self, id: &str, subject: &str, text: &str) -> Result<(), NewsError> {
        let To::Topic { client, arn } = &self.to else {
            return Ok(());
        };
        if self.published().contains(id) {
            return Ok(());
        }
        let message = client.publish().topic_arn(arn).message(text);
        let sent = message.subject(as_subject(subject)).send().await;
        sent.map_err(|error| NewsError {
            topic: arn.clone(),
            why: match (error.code(), error.message()) {
                (Some(code), Some(message)) => format!("{code}: {message}"),
                _ => http::error_chain(&error),
            },
        })?;
        self.published().insert(id.to_owned());
        Ok(())
    }

    fn published(&self) -> std::sync::MutexGuard<'_, HashSet<String>> {
        // The set is whole whatever happened to the thread that held the lock: an insert is one step.
        self.published
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// What SNS takes for a subject: one line of printable ASCII, and not too long.
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
    async fn news_that_go_nowhere_are_not_an_error() {
        let news = News::default();
        news.publish("1", "subject", "text").await.unwrap();
    }
}
