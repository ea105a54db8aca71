//! The songbook: the page that shows the promise and its songs.
//!
//! Everything here is pure: the records are handed in, and so is the time at which the page is written.
//!
//! - [`book`]: from the records to a [`Songbook`], which has no place for what must not be shown.
//! - [`curve`]: how an account grew, in as many points as a reader can see.
//! - [`page`]: from a [`Songbook`] to one file of HTML that needs nothing else.
//!
//! # Every state of the page
//!
//! A test makes a [`Songbook`] with [`Songbook::of`] from records, as the program does:
//!
//! | state | from which records |
//! | --- | --- |
//! | nothing is counted yet | [`Records::account`] is `None` |
//! | one count | an account, and no [`Count`] |
//! | no song yet | no hugs |
//! | nobody counted for days | [`Count`]s each hour, and none for three days between them |
//! | the count fell below a number | an account whose `promised_up_to` is greater than its `followers` |
//! | the next number is close | an account that is a few followers below it |
//! | every song is promised | a mark at [`MAX_MILESTONE`](promise::milestone::MAX_MILESTONE) |
//! | hearts without stems; dots | more than 8 hugs; more than 24 |
//! | millions | an account with millions of followers |
//! | waits for a genuine follower | `pending` of the account |
//! | waits for the invitation, a topic, a song | a hug that is `reached`, `invited`, `topic_chosen` |
//! | sung, with a name | a hug that is `hugged` and has a topic that counts |
//! | sung, without a name | the same hug after [`erase_hug`](promise::erase::erase_hug), or with its follower in `stopped` |
//! | without a song | a hug that is `declined` or `cancelled` |
//! | several accounts | several [`Records`] |

#[cfg(test)]
extern crate self as songbook;

pub mod book;
pub mod curve;
mod english;
pub mod page;
#[cfg(test)]
mod samples;

pub use book::{Records, Songbook, Words};
pub use curve::Count;
