//! Where the ledger is: in a folder on this computer, or in a table on AWS.

use std::path::{Path, PathBuf};

use aws_config::BehaviorVersion;
use have_a_hug::{aws::OverReqwest, http, ledger::Ledger};

use crate::{
    Error,
    table::{self, Table},
};

/// Where the ledger is.
#[derive(Clone, Debug)]
pub enum Place {
    /// In this folder.
    Folder(PathBuf),
    /// In the table of that name on AWS.
    Aws(String),
}

/// A ledger to read, and to retry hugs in.
pub struct Opened {
    /// The ledger.
    pub ledger: Ledger,
    /// Serves a ledger in a folder as long as it is needed.
    _table: Option<Table>,
}

impl Place {
    /// Opens the ledger; `None` where nothing has been recorded yet.
    ///
    /// # Errors
    ///
    /// A folder that cannot be used, or no region or credentials for AWS.
    pub async fn open(&self) -> Result<Option<Opened>, Error> {
        match self {
            Self::Folder(folder) => open_folder(folder).await,
            Self::Aws(table) => Ok(Some(open_on_aws(table).await?)),
        }
    }
}

async fn open_folder(folder: &Path) -> Result<Option<Opened>, Error> {
    if !table::exists(folder) {
        return Ok(None);
    }
    let table = Table::read(folder, &http::client()?).await?;
    Ok(Some(Opened {
        ledger: Ledger::new(table.client().clone(), table::NAME),
        _table: Some(table),
    }))
}

/// Opens the table of that name on AWS.
///
/// Region and credentials come from the environment or from a profile (`AWS_PROFILE`), as every tool of AWS
/// takes them. A profile of `aws sso login` is not read.
///
/// # Errors
///
/// Where no region is chosen. What AWS answers shows in the first read.
pub async fn open_on_aws(table: &str) -> Result<Opened, Error> {
    let loader = aws_config::defaults(BehaviorVersion::latest());
    let config = loader
        .http_client(OverReqwest(http::client()?))
        .load()
        .await;
    if config.region().is_none() {
        return Err(
            "no region is chosen; say where the table is: export AWS_REGION=eu-central-1".into(),
        );
    }
    Ok(Opened {
        ledger: Ledger::new(aws_sdk_dynamodb::Client::new(&config), table),
        _table: None,
    })
}
