//! What ends a command.

/// What goes wrong here ends the command, with its message.
pub type Error = Box<dyn std::error::Error + Send + Sync>;
