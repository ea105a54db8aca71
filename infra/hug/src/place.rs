//! Where the ledger is: in a folder on this computer, or in a table on AWS.

use std::path::PathBuf;

use aws_config::{BehaviorVersion, SdkConfig};
use have_a_hug::{aws::OverReqwest, http, ledger::Ledger};

use crate::{
    Error,
    table::{self, Table, Taken},
};

/// Where the ledger is.
#[derive(Clone, Debug)]
pub enum Place {
    /// In this folder.
    Folder(PathBuf),
    /// In the table of that name on AWS.
    Aws(String),
}

/// A ledger to change, and which process delivers hugs after the change.
pub struct ToWrite {
    /// The ledger.
    pub ledger: Ledger,
    /// Which process delivers.
    pub deliverer: Deliverer,
}

/// Which process delivers hugs after a change of the ledger.
pub enum Deliverer {
    /// This process, because no other uses the folder. With the table and the folder.
    Here(Table, PathBuf),
    /// Another process that uses the folder, such as `hug watch`.
    Other(Taken),
    /// `invite-follower` on AWS.
    Aws,
}

impl Place {
    /// Opens the ledger to read it, while other processes may use it. `None` where the folder contains no ledger yet.
    ///
    /// # Errors
    ///
    /// A folder that cannot be used, or no region or credentials for AWS.
    pub async fn open(&self) -> Result<Option<Ledger>, Error> {
        match self {
            Self::Folder(folder) if !table::exists(folder) => Ok(None),
            Self::Folder(folder) => Ok(Some(ledger_of(&Table::beside(folder).await?))),
            Self::Aws(table) => Ok(Some(open_on_aws(table).await?)),
        }
    }

    /// Opens the ledger to change it: for this process alone if no other process uses the folder; else beside the other
    /// process.
    ///
    /// # Errors
    ///
    /// As [`Place::open`].
    pub async fn open_to_write(&self) -> Result<ToWrite, Error> {
        let folder = match self {
            Self::Folder(folder) => folder,
            Self::Aws(table) => {
                return Ok(ToWrite {
                    ledger: open_on_aws(table).await?,
                    deliverer: Deliverer::Aws,
                });
            }
        };
        match Table::open(folder).await {
            Ok(table) => Ok(ToWrite {
                ledger: ledger_of(&table),
                deliverer: Deliverer::Here(table, folder.clone()),
            }),
            Err(error) => Ok(ToWrite {
                deliverer: Deliverer::Other(*error.downcast::<Taken>()?),
                ledger: ledger_of(&Table::beside(folder).await?),
            }),
        }
    }
}

/// The ledger in a table. The client keeps the database open, even after the table is dropped.
fn ledger_of(table: &Table) -> Ledger {
    Ledger::new(table.client().clone(), table::NAME)
}

/// Opens the table of that name on AWS.
///
/// Region and credentials come from the environment or from a profile (`AWS_PROFILE`), as every tool of AWS
/// takes them. A profile of `aws sso login` is not read.
///
/// # Errors
///
/// Where no region is chosen. What AWS answers shows in the first read.
async fn open_on_aws(table: &str) -> Result<Ledger, Error> {
    let config = aws().await?;
    Ok(Ledger::new(aws_sdk_dynamodb::Client::new(&config), table))
}

/// AWS, as every tool of it is told where and as whom: by the environment or a profile.
///
/// # Errors
///
/// Where no region is chosen.
pub(crate) async fn aws() -> Result<SdkConfig, Error> {
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
    Ok(config)
}
