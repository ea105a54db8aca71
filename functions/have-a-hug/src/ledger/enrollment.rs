//! The settings and the login of an account that hug.toml does not name. They are one item beside what is known of the
//! handle; the roster's row of the account says that they are there.

use aws_sdk_dynamodb::types::Put;
use promise::account::AccountName;
use serde::{Deserialize, Serialize};

use super::{
    Ledger,
    error::{Call, LedgerError},
    item::item,
    keys::{ROSTER, SETTINGS, handle_key, text},
    row::{Enrolled, enrolled_update},
};

/// What the table has of an account that hug.toml does not name.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct EnrolledSettings {
    /// A hug.toml with a plan and this account alone.
    pub settings: String,
    /// Its sealed login, as [`crate::seal::Seal`] returns it; `None` where nothing is sent for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub login: Option<String>,
}

impl Ledger {
    /// Puts the settings and the login of an account into the table, in place of those that are there, and lets the next
    /// round check it. Its mark and its hugs stay as they are.
    ///
    /// # Errors
    ///
    /// Where DynamoDB fails. Then nothing is written.
    pub async fn enroll(
        &self,
        name: &AccountName,
        settings: &EnrolledSettings,
        row: &Enrolled,
    ) -> Result<(), LedgerError> {
        let call = call("writing the settings", name);
        let item = item(&call, settings, &handle_key(name), SETTINGS)?;
        let put = Put::builder().set_item(Some(item));
        let row = enrolled_update(&self.table, name, row);
        self.transact(&call, vec![put], vec![row]).await
    }

    /// Erases the row of an account from the roster, and then what [`Ledger::enroll`] has written. If only the first is
    /// done, the same call does the rest.
    ///
    /// # Errors
    ///
    /// Where DynamoDB fails.
    pub async fn unenroll(&self, name: &AccountName) -> Result<(), LedgerError> {
        let call = call("erasing the settings", name);
        let handle = handle_key(name);
        for (pk, sk) in [(ROSTER, handle.as_str()), (handle.as_str(), SETTINGS)] {
            let delete = self.client.delete_item().table_name(&self.table);
            let delete = delete.key("pk", text(pk)).key("sk", text(sk));
            delete.send().await.map_err(|error| call.sdk(&error))?;
        }
        Ok(())
    }

    /// What [`Ledger::enroll`] has written; `None` where that was not done.
    ///
    /// # Errors
    ///
    /// See [`Ledger::handle`].
    pub async fn enrolled(
        &self,
        name: &AccountName,
    ) -> Result<Option<EnrolledSettings>, LedgerError> {
        self.get("reading the settings", handle_key(name), SETTINGS)
            .await
    }
}

fn call(attempted: &'static str, name: &AccountName) -> Call {
    Call {
        attempted,
        about: name.to_string(),
    }
}
