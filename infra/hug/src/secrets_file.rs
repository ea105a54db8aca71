//! The secrets of networks: from the environment, else from a file beside hug.toml that only its owner can read.
//!
//! `hug.toml` has its secrets in `hug.secrets`, a line for each: `X_API_KEY=…`. Empty lines and those that begin with `#`
//! are remarks. `make secrets` reads the same file.

use std::{
    collections::HashMap,
    fs,
    io::{self, ErrorKind, Write},
    path::{Path, PathBuf},
};

use have_a_hug::settings::environment;
use tempfile::NamedTempFile;

use crate::{Error, private};

/// The file with the secrets for these settings.
pub fn beside(settings: &Path) -> PathBuf {
    settings.with_extension("secrets")
}

/// The secrets for these settings, by name: those that are set in the environment, and then those in the file. Where the
/// environment has everything, no file is needed.
///
/// # Errors
///
/// Where the file is there and cannot be read, where others can read it too, or where a line of it is not a secret.
pub fn secrets(settings: &Path) -> Result<impl Fn(&str) -> Option<String> + use<>, Error> {
    let environment = environment();
    let file = beside(settings);
    let kept: HashMap<String, String> = entries(&file, &read(&file)?)?;
    Ok(move |name: &str| match environment(name) {
        Some(value) if !value.trim().is_empty() => Some(value),
        // An empty variable is not a secret, but a doctor reports it if nothing else is there.
        empty => kept.get(name).cloned().or(empty),
    })
}

/// Writes a secret into the file, in place of the one with the same name. All other lines stay. The file is replaced
/// whole, so that a crash leaves the old one or the new one.
///
/// # Errors
///
/// As [`secrets`], and where the folder cannot be written.
pub fn keep(settings: &Path, name: &str, value: &str) -> Result<(), Error> {
    let file = beside(settings);
    // A link stays a link: the file that it leads to is replaced.
    let file = fs::canonicalize(&file).unwrap_or(file);
    let mut text = read(&file)?;
    entries(&file, &text)?;
    if text.is_empty() {
        text.push_str("# The secrets of your accounts: only you can read this file.\n");
    }
    let is_other = |line: &&str| entry(line).is_none_or(|(of, _)| of != name);
    let mut lines: Vec<&str> = text.lines().filter(is_other).collect();
    let new = format!("{name}={value}");
    lines.push(&new);
    let written = replace(&file, &(lines.join("\n") + "\n"));
    written.map_err(|error| format!("writing {} failed: {error}", file.display()).into())
}

fn replace(file: &Path, text: &str) -> io::Result<()> {
    let folder = file
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    // It is made with mode 0600, and removed where a step fails.
    let mut new = NamedTempFile::new_in(folder.unwrap_or_else(|| Path::new(".")))?;
    new.write_all(text.as_bytes())?;
    new.as_file().sync_all()?;
    new.persist(file)?;
    Ok(())
}

/// The text of the file; empty where there is none.
fn read(file: &Path) -> Result<String, Error> {
    let shown = file.display();
    let read = match fs::read_to_string(file) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(String::new()),
        read => read.map_err(|error| format!("reading {shown} failed: {error}"))?,
    };
    if private::is_open_to_others(file) {
        return Err(format!(
            "others on this computer can read {shown}, so it is not used: close it with `chmod 600 {shown}`, and make new secrets if somebody may have read it"
        )
        .into());
    }
    Ok(read)
}

/// The secrets in the text of the file, by their names.
fn entries(file: &Path, text: &str) -> Result<HashMap<String, String>, Error> {
    let is_entry = |line: &str| !line.trim().is_empty() && !line.trim().starts_with('#');
    let lines = text.lines().enumerate();
    let entries = lines.filter(|(_, line)| is_entry(line));
    let one = |(index, line)| match entry(line) {
        Some((name, value)) => Ok((name.to_owned(), value.to_owned())),
        // The line is not shown: it may be a secret.
        None => Err(format!(
            "line {} of {} is not a secret; write NAME=value, such as X_API_KEY=…",
            index + 1,
            file.display()
        )
        .into()),
    };
    entries.map(one).collect()
}

/// The name and the value in a line; `None` for every other line.
fn entry(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.split_once('=')?;
    let name = name.trim();
    let belongs = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    (!name.is_empty() && name.chars().all(belongs)).then_some((name, value.trim()))
}
