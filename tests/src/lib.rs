//! What several test programs of this workspace share: those of the functions, of the `hug` command, and of the whole
//! stack (`tests/stack`).
//!
//! Each module uses only those before it.
//!
//! - [`proxy`]: passes requests on, except where a test says what goes wrong.
//! - [`secrets`]: secrets that no output may contain, and networks whose answers try to make a program print them.
//! - [`kms`]: a stand-in for AWS KMS, which seals logins.
//! - [`function`]: the binary of a function, with AWS around it.

#![allow(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "a test ends at the first surprise"
)]

pub mod function;
pub mod kms;
pub mod proxy;
pub mod secrets;

use stand_ins::Fault;

/// A hug.toml with one account. `more` are further lines for it.
pub fn settings(network: &str, handle: &str, server: &str, more: &str) -> String {
    format!(
        "[plan]\nfirst = 600\nstep = 100\n\n[[account]]\nnetwork = \"{network}\"\nhandle = \"{handle}\"\nserver = \"{server}\"\n{more}\n"
    )
}

/// The next answer of a stand-in is exactly this.
pub fn body(status: u16, content_type: &str, body: &str) -> Fault {
    Fault::Body {
        status,
        content_type: content_type.into(),
        headers: Vec::new(),
        body: body.into(),
    }
}

/// A fault with which X refuses the next letter, for a reason that is about the letter.
pub fn refused_by_x() -> Fault {
    let problem = r#"{"detail":"Your Tweet text is too long.","type":"about:blank","title":"Forbidden","status":403}"#;
    body(403, "application/json", problem)
}
