//! How a function starts: from its environment to what it works with.

use std::{env, path::PathBuf};

use crate::{Deps, aws, clock::Clock, http, ledger::Ledger, settings::Settings};

/// Something at the start of a function went wrong.
type Error = Box<dyn std::error::Error + Send + Sync>;

/// Reads `HUG_TABLE` (the ledger's name) and `HUG_SETTINGS` (the path of `hug.toml`), the secrets
/// and AWS's own variables, and makes the clients.
///
/// # Errors
///
/// A variable that is missing, or a mistake in the settings.
pub async fn from_environment() -> Result<Deps, Error> {
    let table = variable("HUG_TABLE", "the name of the ledger's table")?;
    let path = PathBuf::from(variable("HUG_SETTINGS", "the path of hug.toml")?);
    let settings = Settings::load(&path, &|name| env::var(name).ok())?;
    let http = http::client()?;
    let ledger = Ledger::new(aws::dynamodb(&http).await, table);
    Ok(Deps::new(settings, ledger, &http, Clock::system()))
}

fn variable(name: &str, what: &str) -> Result<String, Error> {
    env::var(name)
        .map_err(|_| format!("the environment variable {name} is not set; it is {what}").into())
}
