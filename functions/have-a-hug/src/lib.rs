//! What talks for the promise: the networks, the ledger, the settings, and the procedures that use them.
//!
//! The rules themselves, and the words, are in the crate [`promise`].
//!
//! # Layout
//!
//! Start with [`check`](mod@check), one look at one account, and [`deliver`](mod@deliver), one letter;
//! everything else serves these two. Each layer uses only those before it:
//!
//! 1. [`clock`], [`http`], [`secret`], [`aws`], [`log`]: the time, requests, secrets, AWS's SDK over the same client, lines.
//!    [`signed`]: calls of other services of AWS, without their SDKs. [`bucket`], [`seal`]: a file in S3, and logins sealed by
//!    KMS.
//! 2. [`network`]: what a network can do, and what its failures mean; `network::client`: requests of one
//!    account. [`networks`]: every network there is, each in a folder of its own.
//! 3. [`youtube`]: the videos of the songs. [`ledger`]: the DynamoDB table. [`settings`]: what a creator decided.
//!    [`metrics`]: numbers for CloudWatch. [`news`]: sentences for the creator.
//!    [`songbook`](mod@songbook): what the page of the songs shows. [`publish`]: the page, put into a bucket.
//!    [`looks`]: when this process last looked at each account.
//!    [`enrolled`]: accounts whose settings are in the ledger and not in hug.toml.
//! 4. [`deps`]: what the procedures work with. [`check`](mod@check), [`deliver`](mod@deliver),
//!    [`by_hand`](mod@by_hand): what a person does to a hug. [`pause`], [`whole`], [`forget`], [`transfer`]: an account that
//!    is erased, or moves to another ledger.
//! 5. [`start`]: how a function gets from its environment to [`deps`].
//!
//! The functions around this crate translate events; they hold no rule of their own.

pub mod aws;
pub mod bucket;
pub mod by_hand;
pub mod check;
pub mod clock;
pub mod deliver;
pub mod deps;
pub mod enrolled;
pub mod forget;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
#[allow(clippy::unwrap_used, missing_docs, reason = "it is there to fail")]
pub mod fuzzing;
pub mod http;
pub mod ledger;
pub mod log;
pub mod looks;
pub mod metrics;
pub mod network;
pub mod networks;
pub mod news;
pub mod pause;
pub mod publish;
pub mod seal;
pub mod secret;
pub mod settings;
pub mod signed;
pub mod songbook;
pub mod start;
pub mod transfer;
pub mod whole;
pub mod youtube;
