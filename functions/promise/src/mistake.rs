//! What is wrong with a text that a person wrote.

/// One sentence that says what is wrong with a text, and what would be right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Mistake(String);

impl Mistake {
    /// A mistake in these words.
    pub fn new(words: impl Into<String>) -> Self {
        Self(words.into())
    }
}
