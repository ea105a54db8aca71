//! The ledger's table without AWS: dynoxide in this process, which AWS's own SDK reaches over loopback.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
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
use have_a_hug::aws::OverReqwest;
use tokio::{net::TcpListener, task::JoinHandle};

use crate::Error;

/// What the table is called here.
pub const NAME: &str = "have-a-hug";

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

/// The database in that file, with or without the table in it.
///
/// # Errors
///
/// Where it cannot be opened or made.
pub fn database_in(state: &Path) -> Result<Database, Error> {
    let file = file_in(state);
    let opened = Database::new(&file.to_string_lossy());
    opened.map_err(|error| format!("opening {} failed: {error}", file.display()).into())
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

/// A running table. It ends when this is dropped; what was written stays in its file.
pub struct Table {
    database: Database,
    endpoint: String,
    client: Client,
    server: JoinHandle<()>,
    lock: Option<File>,
}

impl Table {
    /// Opens the table under `state`, making it if need be, for this process alone.
    ///
    /// # Errors
    ///
    /// Where another process is at work on it, or the folder cannot be written.
    pub async fn open(state: &Path, http: &reqwest::Client) -> Result<Self, Error> {
        let lock = lock(state)?;
        let mut table = Self::read(state, http).await?;
        table.sweep()?;
        table.lock = Some(lock);
        Ok(table)
    }

    /// Opens the table under `state` beside a process that may be at work on it: to look, not to
    /// write.
    ///
    /// # Errors
    ///
    /// Where the folder cannot be written.
    pub async fn read(state: &Path, http: &reqwest::Client) -> Result<Self, Error> {
        fs::create_dir_all(state).map_err(|error| in_folder(state, &error))?;
        Self::serve(database_in(state)?, http).await
    }

    /// A table in memory; it ends with the process.
    ///
    /// # Errors
    ///
    /// Where no port on loopback is free.
    pub async fn in_memory(http: &reqwest::Client) -> Result<Self, Error> {
        Self::serve(Database::memory().map_err(|error| error.to_string())?, http).await
    }

    /// Where it is served, for `AWS_ENDPOINT_URL`.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// A client of AWS's SDK for this table.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The database itself, for its stream.
    pub fn database(&self) -> &Database {
        &self.database
    }

    async fn serve(database: Database, http: &reqwest::Client) -> Result<Self, Error> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let endpoint = format!("http://{}", listener.local_addr()?);
        let server = tokio::spawn(dynoxide::server::serve_on(listener, database.clone()));
        let config = aws_sdk_dynamodb::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::from_static("local"))
            .endpoint_url(&endpoint)
            // Not a secret: dynoxide takes any, but the SDK signs with some.
            .credentials_provider(Credentials::new("local", "local", None, None, "local"))
            .http_client(OverReqwest(http.clone()))
            .build();
        let table = Self {
            client: Client::from_conf(config),
            database,
            endpoint,
            server,
            lock: None,
        };
        create(&table.client).await?;
        Ok(table)
    }

    /// Removes what has expired.
    fn sweep(&self) -> Result<(), Error> {
        self.database
            .sweep_ttl()
            .map_err(|error| error.to_string())?;
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

impl Drop for Table {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// Holds the folder for this process; the system lets go of it when the process ends, however it ends.
fn lock(state: &Path) -> Result<File, Error> {
    fs::create_dir_all(state).map_err(|error| in_folder(state, &error))?;
    let opened = OpenOptions::new()
        .create(true)
        .write(true)
        // Its holder has written its name there.
        .truncate(false)
        .open(state.join(LOCK));
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
        Err(TryLockError::WouldBlock) => {
            let who = fs::read_to_string(state.join(LOCK)).unwrap_or_default();
            Err(format!(
                "another hug is at work on {} ({who}); end it first: two at work for one account would invite twice",
                state.display()
            )
            .into())
        }
        Err(TryLockError::Error(error)) => Err(in_folder(state, &error)),
    }
}

fn in_folder(state: &Path, error: &io::Error) -> Error {
    format!(
        "keeping state in {} failed: {error}; choose another folder with --state",
        state.display()
    )
    .into()
}
