//! Both functions over one table, in one process: what AWS does between the schedule and the stream.

use std::path::Path;

use have_a_hug::{
    clock::Clock,
    deliver::Delivery,
    deps::Deps,
    http,
    ledger::Ledger,
    news::{News, NewsError},
    settings::{Secrets, Settings},
};
use lambda_runtime::{Context, LambdaEvent};
use serde_json::Value;

use crate::{
    Error,
    event_source_mapping::EventSourceMapping,
    news_command::NewsCommand,
    secrets_file,
    table::{self, Table},
};

/// The stack, ready for rounds.
pub struct Stack {
    /// What the functions work with.
    pub deps: Deps,
    /// The table that they share.
    pub table: Table,
    /// What hands its stream to the second function.
    pub mapping: EventSourceMapping,
}

impl Stack {
    /// The stack with its state under `state`, for the settings in a file, with the
    /// secrets in the environment and in the file beside it.
    ///
    /// # Errors
    ///
    /// A mistake in the settings, or a folder that is taken or cannot be written.
    pub async fn open(settings: &Path, state: &Path) -> Result<Self, Error> {
        let settings = Settings::load(settings, &secrets_file::secrets(settings)?)?;
        Self::open_with(settings, state, Clock::system()).await
    }

    /// The stack with its state under `state`, with the settings and the clock handed in.
    ///
    /// # Errors
    ///
    /// A folder that is taken or cannot be written.
    pub async fn open_with(settings: Settings, state: &Path, clock: Clock) -> Result<Self, Error> {
        Self::over_table(settings, Table::open(state).await?, state, clock)
    }

    /// The stack with the table under `state`, which is open already.
    ///
    /// # Errors
    ///
    /// Where the HTTP client cannot be made.
    pub fn over_table(
        settings: Settings,
        table: Table,
        state: &Path,
        clock: Clock,
    ) -> Result<Self, Error> {
        let mapping = EventSourceMapping::open(table.database(), state);
        Ok(Self::over(
            settings,
            table,
            mapping,
            &http::client()?,
            clock,
        ))
    }

    /// The stack for a dry run, which writes nothing. Other processes may use the folder. If the folder contains no
    /// ledger yet, the ledger is in memory, and no folder is made.
    ///
    /// # Errors
    ///
    /// A mistake in the settings, or a folder that cannot be read.
    pub async fn open_to_look(settings: &Path, state: &Path) -> Result<Self, Error> {
        let settings = Settings::load(settings, &secrets_file::secrets(settings)?)?;
        if !table::exists(state) {
            return Self::with_nothing(settings, Clock::system()).await;
        }
        Self::over_table(
            settings,
            Table::beside(state).await?,
            state,
            Clock::system(),
        )
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
        let table = Table::in_memory().await?;
        let mapping = EventSourceMapping::in_memory(table.database());
        Ok(Self::over(settings, table, mapping, &http, clock))
    }

    fn over(
        settings: Settings,
        table: Table,
        mapping: EventSourceMapping,
        http: &reqwest::Client,
        clock: Clock,
    ) -> Self {
        let ledger = Ledger::new(table.client().clone(), table::NAME);
        let news = NewsCommand::of(&settings).map_or_else(News::default, News::to);
        let mut deps = Deps::new(settings, ledger, http, clock);
        deps.news = news;
        Self {
            deps,
            table,
            mapping,
        }
    }

    /// One round: `check-followers` with that event, then `invite-follower` with what it wrote.
    ///
    /// # Errors
    ///
    /// An event that is refused, or a stream that cannot be read. Failing accounts are in the summary.
    pub async fn round(&mut self, event: Value) -> Result<Round, Error> {
        let event = LambdaEvent::new(event, Context::default());
        let summary = check_followers::handle(event, &self.deps).await?;
        let delivered = if summary.dry_run {
            Round::default()
        } else {
            self.deliver_only().await?
        };
        Ok(Round {
            summary,
            ..delivered
        })
    }

    /// A round without checks: `invite-follower` with what is in the stream.
    ///
    /// # Errors
    ///
    /// A stream that cannot be read, or a position in it that cannot be kept.
    pub async fn deliver_only(&mut self) -> Result<Round, Error> {
        let (deps, mut round) = (&self.deps, Round::default());
        let handler = async |event| {
            let batch = invite_follower::handle_batch(event, deps).await;
            round.deliveries.extend(batch.deliveries);
            round.unpublished.extend(batch.unpublished);
            batch.response
        };
        self.mapping.run(handler).await?;
        Ok(round)
    }

    /// Like [`Stack::deliver_only`], and returns only the deliveries.
    ///
    /// # Errors
    ///
    /// See [`Stack::deliver_only`].
    pub async fn deliver(&mut self) -> Result<Vec<Delivery>, Error> {
        Ok(self.deliver_only().await?.deliveries)
    }
}

/// The result of one round.
#[derive(Debug, Default)]
pub struct Round {
    /// What the checks found.
    pub summary: check_followers::Summary,
    /// The results of the deliveries.
    pub deliveries: Vec<Delivery>,
    /// The news that could not be published.
    pub unpublished: Vec<NewsError>,
}
