//! Both functions over one table: what AWS does between the schedule and the stream, in one process.

use std::{env, path::Path};

use have_a_hug::{
    Deps,
    clock::Clock,
    http,
    ledger::Ledger,
    settings::{Secrets, Settings},
};
use lambda_runtime::{Context, LambdaEvent};
use serde_json::Value;

use crate::{
    Error,
    pump::Pump,
    table::{self, Table},
};

/// The stack, ready for rounds.
pub struct Stack {
    /// What the functions work with.
    pub deps: Deps,
    /// The table that they share.
    pub table: Table,
    /// What carries its stream to the second function.
    pub pump: Pump,
}

impl Stack {
    /// The stack with its state under `state`, for the settings in a file and the secrets in the
    /// environment.
    ///
    /// # Errors
    ///
    /// A mistake in the settings, or a folder that is taken or cannot be written.
    pub async fn open(settings: &Path, state: &Path) -> Result<Self, Error> {
        let settings = Settings::load(settings, &|name| env::var(name).ok())?;
        let http = http::client()?;
        let table = Table::open(state, &http).await?;
        let pump = Pump::open(table.database(), state);
        Ok(Self::over(settings, table, pump, &http, Clock::system()))
    }

    /// The same for a look that writes nothing: where nothing is kept yet, nothing is begun.
    ///
    /// # Errors
    ///
    /// See [`Stack::open`].
    pub async fn open_to_look(settings: &Path, state: &Path) -> Result<Self, Error> {
        if table::exists(state) {
            return Self::open(settings, state).await;
        }
        let settings = Settings::load(settings, &|name| env::var(name).ok())?;
        Self::with_nothing(settings, Clock::system()).await
    }

    /// The stack in memory, with everything handed in.
    ///
    /// # Errors
    ///
    /// A mistake in the settings.
    pub async fn in_memory(
        settings: &str,
        secrets: Secrets<'_>,
        clock: Clock,
    ) -> Result<Self, Error> {
        let settings = Settings::parse(settings, "hug.toml", secrets)?;
        Self::with_nothing(settings, clock).await
    }

    async fn with_nothing(settings: Settings, clock: Clock) -> Result<Self, Error> {
        let http = http::client()?;
        let table = Table::in_memory(&http).await?;
        let pump = Pump::in_memory(table.database());
        Ok(Self::over(settings, table, pump, &http, clock))
    }

    fn over(
        settings: Settings,
        table: Table,
        pump: Pump,
        http: &reqwest::Client,
        clock: Clock,
    ) -> Self {
        let ledger = Ledger::new(table.client().clone(), table::NAME);
        Self {
            deps: Deps::new(settings, ledger, http, clock),
            table,
            pump,
        }
    }

    /// One round: `check-followers` with that event, then `invite-follower` with what it wrote.
    ///
    /// # Errors
    ///
    /// An event that is refused, or a stream that cannot be read. Failing accounts are in the
    /// summary.
    pub async fn round(&mut self, event: Value) -> Result<check_followers::Summary, Error> {
        let event = LambdaEvent::new(event, Context::default());
        let summary = check_followers::handle(event, &self.deps).await?;
        if !summary.dry_run {
            self.deliver().await?;
        }
        Ok(summary)
    }

    /// Hands the stream's new records to `invite-follower`.
    ///
    /// # Errors
    ///
    /// A stream that cannot be read, or a place in it that cannot be kept.
    pub async fn deliver(&mut self) -> Result<usize, Error> {
        let deps = &self.deps;
        self.pump
            .run(async |event| invite_follower::handle(event, deps).await)
            .await
    }
}
