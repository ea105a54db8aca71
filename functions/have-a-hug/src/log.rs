//! The log of a function: lines on standard output, which Lambda carries to CloudWatch.
//!
//! `lambda_runtime` has such a log, too, but with filters for each module. Those need a regular expression engine, which
//! nothing else in the functions uses.

use std::env;

use tracing_subscriber::filter::LevelFilter;

/// Writes the log to standard output from now on.
///
/// The least serious level that is written is the one in `AWS_LAMBDA_LOG_LEVEL`, or else in `RUST_LOG`: `error`, `warn`,
/// `info`, `debug` or `off`, in capital or small letters. It is `info` where neither is set, or where the value is
/// another one. Each line is a JSON object if `AWS_LAMBDA_LOG_FORMAT` is `JSON`.
///
/// # Panics
///
/// If this process has a log already.
pub fn to_standard_output() {
    let level = env::var("AWS_LAMBDA_LOG_LEVEL").or_else(|_| env::var("RUST_LOG"));
    let level = level.ok().and_then(|level| level.parse().ok());
    // Lambda adds the time, and the target is always one of this program's modules or of its libraries'.
    let log = tracing_subscriber::fmt()
        .with_target(false)
        .without_time()
        .with_max_level(level.unwrap_or(LevelFilter::INFO));
    if env::var("AWS_LAMBDA_LOG_FORMAT").is_ok_and(|it| it.eq_ignore_ascii_case("json")) {
        log.json().init();
    } else {
        log.init();
    }
}
