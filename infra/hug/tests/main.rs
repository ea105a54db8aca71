//! The `hug` command as its user runs it: a process, a folder, what it prints and its exit code. `command_line.rs` runs
//! it; each other file is about one command or one idea.

#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]
#![allow(unreachable_pub, reason = "nothing uses a test program")]

mod beside;
mod bluesky;
mod by_hand;
mod certificates;
mod check;
mod command_line;
mod connect;
mod doctor;
mod doctor_network;
mod enrolled;
mod findings;
mod folder;
mod forget;
mod kill;
mod ledgers;
#[cfg(unix)]
mod news;
mod on_aws;
mod port;
mod refusals;
mod retry;
mod screens;
mod secrets;
mod settings;
mod situations;
mod songbook;
mod songs;
mod stand_ins;
mod status;
mod transfer;
mod watch;
mod who;
mod year;
