//! The ledger's table without AWS: dynoxide in this process, under AWS's own SDK.

use std::{
    fs::{self, File, TryLockError},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use aws_credential_types::Credentials;
use aws_sdk_dynamodb::{
    Client,
    config::{BehaviorVersion, Region},
    error::SdkError,
    types::{
        AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
        StreamSpecification, StreamViewType, TimeToLiveSpecification,
    },
};
use dynoxide::Database;
use thiserror::Error as ThisError;

use crate::{Error, dynamodb::InProcess, private};

/// What the table is called here.
pub const NAME: &str = "have-a-hug";

/// The folder of the ledger, beside hug.toml.
pub const FOLDER: &str = ".hug";

/// The file with the position in the table's stream up to which all is delivered.
pub const POSITION: &str = "stream-position";

/// The file of the stream's records that were given up, a line each.
pub const FAILED: &str = "failed.jsonl";

const FILE: &str = "ledger.sqlite";

const LOCK: &str = "lock";

/// Whether anything has been written under `state` yet.
pub fn exists(state: &Path) -> bool {
    file_in(state).exists()
}

/// The file that holds the table.
pub fn file_in(state: &Path) -> PathBuf {
    state.join(FILE)
}

/// The database in that file, with or without the table in it, for its owner alone.
///
/// # Errors
///
/// Where it cannot be opened or made.
pub fn database_in(state: &Path) -> Result<Database, Error> {
    let file = file_in(state);
    // SQLite gives the files beside it the same permissions. One that is there is not opened here: to close it
    // would end the locks that SQLite has on it in this process.
    if !file.exists() {
        let made = private::to_write().open(&file);
        made.map_err(|error| in_folder(state, &error))?;
    }
    close_to_others(state).map_err(|error| {
        format!("{error}: keep hug.toml and {FOLDER} in a folder that only you can write, and move this one away")
    })?;
    let opened = Database::new(&file.to_string_lossy());
    opened.map_err(|error| format!("opening {} failed: {error}", file.display()).into())
}

/// Closes what an earlier version made with other permissions. A folder is closed only under its usual name:
/// another one can hold more than the ledger, and be meant for others.
fn close_to_others(state: &Path) -> io::Result<()> {
    if state.file_name().is_some_and(|name| name == FOLDER) {
        private::close_to_others(state)?;
    }
    let beside = ["ledger.sqlite-wal", "ledger.sqlite-shm"];
    for file in [FILE, LOCK, POSITION, FAILED].iter().chain(&beside) {
        private::close_to_others(&state.join(file))?;
    }
    Ok(())
}

/// Which process is at work on `state`; `None` where none is.
///
/// # Errors
///
/// Where the lock cannot be read.
pub fn at_work(state: &Path) -> io::Result<Option<String>> {
    let mut file = match File::open(state.join(LOCK)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    match file.try_lock_shared() {
        Ok(()) => Ok(None),
        Err(TryLockError::WouldBlock) => {
            let mut who = String::new();
            file.read_to_string(&mut who)?;
            Ok(Some(who))
        }
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Another process is at work on the folder.
#[derive(Debug, ThisError)]
#[error(
    "another hug is at work on {} ({who}); end it first: two processes for one account would invite twice. `hug status`, `hug doctor` and the commands on a hug work beside it",
    state.display()
)]
pub struct Taken {
    state: PathBuf,
    /// Which process: its number and its command line.
    pub who: String,
}

/// An open table. What was written stays in its file.
pub struct Table {
    database: Database,
    client: Client,
    /// The lock of the process that uses the folder.
    _lock: Option<File>,
}

impl Table {
    /// Opens the table under `state`, making it if need be, for the one process that is at work on it.
    ///
    /// # Errors
    ///
    /// [`Taken`] where another process is at work on it, or where the folder cannot be written.
    pub async fn open(state: &Path) -> Result<Self, Error> {
        let lock = lock(state)?;
        let table = Self::over(database_in(state)?, Some(lock)).await?;
        table.sweep()?;
        Ok(table)
    }

    /// Opens the table under `state` beside the process that may be at work on it: to look, or to write.
    ///
    /// A write is safe if it has a condition, as all of the ledger's do: `SQLite` lets one process write at a
    /// time, and one that has to wait tries again for seconds.
    ///
    /// # Errors
    ///
    /// Where the folder cannot be written.
    pub async fn beside(state: &Path) -> Result<Self, Error> {
        private::make_folder(state).map_err(|error| in_folder(state, &error))?;
        Self::over(database_in(state)?, None).await
    }

    /// A table in memory; it ends with the process.
    ///
    /// # Errors
    ///
    /// Where the table cannot be made.
    pub async fn in_memory() -> Result<Self, Error> {
        Self::over(Database::memory()?, None).await
    }

    /// A client of AWS's SDK for this table.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The database itself, for its stream.
    pub fn database(&self) -> &Database {
        &self.database
    }

    async fn over(database: Database, lock: Option<File>) -> Result<Self, Error> {
        let config = aws_sdk_dynamodb::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::from_static("local"))
            // The SDK wants an address and credentials; nothing is sent there, and they are not verified.
            .endpoint_url("http://localhost")
            .credentials_provider(Credentials::new("local", "local", None, None, "local"))
            .http_client(InProcess(database.clone()))
            .build();
        let client = Client::from_conf(config);
        create(&client).await?;
        Ok(Self {
            client,
            database,
            _lock: lock,
        })
    }

    /// Removes what has expired: DynamoDB does so by itself, dynoxide when it is asked.
    ///
    /// # Errors
    ///
    /// Where the table cannot be written.
    pub fn sweep(&self) -> Result<(), Error> {
        self.database.sweep_ttl()?;
        Ok(())
    }
}

/// Makes the same table as infra/template.yaml makes on AWS, unless it is there.
///
/// # Errors
///
/// Where DynamoDB, or its local replacement, refuses.
pub async fn create(client: &Client) -> Result<(), Error> {
    let exists = client
        .describe_table()
        .table_name(NAME)
        .send()
        .await
        .is_ok();
    if exists {
        return Ok(());
    }
    let mut request = client
        .create_table()
        .table_name(NAME)
        .billing_mode(BillingMode::PayPerRequest);
    for (name, kind) in [("pk", KeyType::Hash), ("sk", KeyType::Range)] {
        request = request
            .key_schema(
                KeySchemaElement::builder()
                    .attribute_name(name)
                    .key_type(kind)
                    .build()?,
            )
            .attribute_definitions(
                AttributeDefinition::builder()
                    .attribute_name(name)
                    .attribute_type(ScalarAttributeType::S)
                    .build()?,
            );
    }
    let stream = StreamSpecification::builder()
        .stream_enabled(true)
        .stream_view_type(StreamViewType::NewImage);
    let created = request.stream_specification(stream.build()?).send().await;
    match created.map_err(SdkError::into_service_error) {
        // Another process has made it meanwhile.
        Err(error) if error.is_resource_in_use_exception() => return Ok(()),
        created => created?,
    };
    let expiry = TimeToLiveSpecification::builder()
        .attribute_name("expires_at")
        .enabled(true)
        .build()?;
    client
        .update_time_to_live()
        .table_name(NAME)
        .time_to_live_specification(expiry)
        .send()
        .await
        .map_err(SdkError::into_service_error)?;
    Ok(())
}

/// Holds the folder for this process; the system lets go of it when the process ends, however it ends.
fn lock(state: &Path) -> Result<File, Error> {
    private::make_folder(state).map_err(|error| in_folder(state, &error))?;
    // What is in the file stays: its holder has written its name there.
    let opened = private::to_write().open(state.join(LOCK));
    let mut file = opened.map_err(|error| in_folder(state, &error))?;
    match file.try_lock() {
        Ok(()) => {
            let command: Vec<String> = std::env::args().collect();
            let who = format!("process {}: {}", std::process::id(), command.join(" "));
            file.set_len(0)
                .and_then(|()| file.write_all(who.as_bytes()))
                .map_err(|error| in_folder(state, &error))?;
            Ok(file)
        }
        Err(TryLockError::WouldBlock) => Err(Box::new(Taken {
            state: state.to_owned(),
            who: fs::read_to_string(state.join(LOCK)).unwrap_or_default(),
        })),
        Err(TryLockError::Error(error)) => Err(in_folder(state, &error)),
    }
}

/// Another folder is suggested only if this one contains no ledger, because it would start a second one.
fn in_folder(state: &Path, error: &io::Error) -> Error {
    let help = if exists(state) {
        "see its permissions, and whether the disk is full"
    } else {
        "choose another folder with --state"
    };
    let folder = state.display();
    format!("keeping state in {folder} failed: {error}; {help}").into()
}
