//! Where the ledger is: in a folder on this computer, or in a table on AWS.

use std::path::PathBuf;

use aws_config::BehaviorVersion;
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

/// A ledger to change, and who delivers what the change puts to work.
pub struct ToWrite {
    /// The ledger.
    pub ledger: Ledger,
    /// Who delivers.
    pub deliverer: Deliverer,
}

/// Who delivers what a change puts to work.
pub enum Deliverer {
    /// This process, which has the folder to itself: the table, and the folder.
    Here(Table, PathBuf),
    /// The process that is at work on the folder, such as `hug watch`.
    Other(Taken),
    /// `invite-follower` on AWS.
    Aws,
}

impl Place {
    /// Opens the ledger to look at it, beside whatever is at work on it; `None` where nothing has been recorded
    /// yet.
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

    /// Opens the ledger to change it: for this process alone where no other is at work on the folder, else
    /// beside that one.
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

/// The client holds the database, so the ledger stays open without the table.
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
    Ok(Ledger::new(aws_sdk_dynamodb::Client::new(&config), table))
}
