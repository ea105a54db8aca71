//! The rules of the promise: *follower number 600 gets a song, and so does every hundredth after that.*
//!
//! Every rule is a value or a pure function. Nothing here asks a network, a table, a file or a clock: what a
//! rule needs to know is handed to it.
//!
//! # Layout
//!
//! Each module uses only modules above it.
//!
//! - [`unknown`]: fields of a record that only a later version knows. [`mistake`]: what is wrong with a text that a
//!   person wrote. [`untrusted`]: text that others wrote, made safe to keep, log and print.
//! - [`clean`]: whether a topic may contain words that a creator does not want to sing. [`topic`]: what a follower's
//!   answer means. [`video`]: a video at YouTube, found in a link.
//! - [`milestone`]: which numbers are milestones, and which of them a check owes. [`count`]: which counts are
//!   believed.
//! - [`account`]: what an account is called by its creator and by its network.
//! - [`song_mark`]: the mark that tells for which hug a video is.
//! - [`follower`]: who follows, and whom a hug is for. [`screening`]: who counts as genuine.
//! - [`channel`]: how a letter travels. [`song`]: the video of a hug's song. [`letter`]: one message of a hug to the
//!   follower. [`answer`]: what the follower answered. [`rules`]: what a network allows, as data. [`template`]: the
//!   words of a letter, filled so that they fit a network.
//! - [`record`]: what the ledger keeps of an account between two checks. [`glance`]: what a count is compared with, where
//!   nothing else is to be done. [`arrivals`]: who came between two
//!   readings of the list of followers. [`evidence`]: why this follower.
//! - [`status`]: the states of a hug. [`hug`]: a hug and its life, step by step. [`brake`]: how many hugs go out in a
//!   day. [`earlier`]: hugs that earlier versions of this program wrote. [`listening`]: for which hugs a check asks for
//!   answers. [`upload`]: which of a channel's videos is the song of a hug. [`news`]: the texts for the creator about a
//!   hug. [`erase`]: what stays when a follower is erased from the records. [`naming`]: who may be named in public.
//!
//! # Words
//!
//! | word | meaning |
//! | --- | --- |
//! | network | X, Bluesky, Mastodon: a place with followers |
//! | account | a creator's account on one network, known by its stable id there |
//! | handle | what an account is called on its network; it can change |
//! | follower | someone who follows an account |
//! | plan | which numbers are milestones: `first`, then every `step` |
//! | milestone | a number in the plan that an account has crossed |
//! | mark | the number up to which every milestone of an account has its hug, or was behind at the first check; it never goes down |
//! | hug | the whole gift owed for one milestone: who gets it, its state, what was sent |
//! | letter | one message of a hug on its way to the follower |
//! | channel | how a letter travels: `announce`, `mention`, `message`, `reply` or `draft` |
//! | answer | a post of the follower under their invitation |
//! | topic | what the follower asked for, in their words |
//! | passed on | given to the next newer follower, because the first one did not answer |
//! | ledger | the DynamoDB table of accounts and hugs |
//! | check | what is done for one account every few minutes: read, decide, record |
//! | glance | the part of a check that is enough where the count is the same and nothing else is due |
//! | position | where a follower is in the list, newest first, from 0 |
//! | remembered | the newest followers shortly before a milestone, kept to find who came since |
//! | arrival | a follower who came since the list was remembered |
//! | evidence | the counts, the position and who was passed over: why this follower |
//! | claim, lease | a worker's right to deliver a hug, and how long it lasts |
//! | held | a hug that goes out only when the creator approves |
//! | news | one sentence for the creator when something happened to a hug |
//! | settled | a hug for which nothing is left to send, to hear or to decide, so no check touches it |
//! | rearm | the program asks the stream once more to deliver a stuck hug |
//! | retry | a person asks the stream once more to deliver a hug |

pub mod account;
pub mod answer;
pub mod arrivals;
pub mod brake;
pub mod channel;
pub mod clean;
pub mod count;
pub mod earlier;
pub mod erase;
pub mod evidence;
pub mod follower;
pub mod glance;
pub mod hug;
pub mod letter;
pub mod listening;
pub mod milestone;
pub mod mistake;
pub mod naming;
pub mod news;
pub mod record;
pub mod rules;
pub mod screening;
pub mod song;
pub mod song_mark;
pub mod status;
pub mod template;
pub mod topic;
pub mod unknown;
pub mod untrusted;
pub mod upload;
pub mod video;
