//! A change of what is known of a handle, as an update of its item.

use aws_sdk_dynamodb::types::{Update, builders::UpdateBuilder};
use jiff::Timestamp;
use promise::{account::AccountName, record::HandleRecord};

use super::keys::{HANDLE, VERSION, handle_key, number, text};

/// A change of what is known of a handle. Checks and deliveries write to the same item side by side, so each
/// writes only what it has learned.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HandleChange {
    /// Fields that are not `None` are written.
    pub set: HandleRecord,
    /// Whether the last failure is over, so that nothing is said of it any more.
    pub clears_failure: bool,
    /// Whether the login works, after a failure.
    pub login_works: bool,
    /// Whether the account is served from this ledger again.
    pub resumed: bool,
}

impl HandleChange {
    /// No reading before that time.
    pub fn read_limit(until: Timestamp) -> Self {
        Self::from(HandleRecord {
            retry_at: Some(until),
            ..HandleRecord::default()
        })
    }

    /// No sending before that time.
    pub fn send_limit(until: Timestamp) -> Self {
        Self::from(HandleRecord {
            send_retry_at: Some(until),
            ..HandleRecord::default()
        })
    }

    /// An update of the fields that change; `None` where none does. The rest stays as it is.
    pub(super) fn update(&self, table: &str, name: &AccountName) -> Option<UpdateBuilder> {
        let HandleRecord {
            id,
            retry_at,
            send_retry_at,
            failing_since,
            last_error,
            login_tried_at,
            login_error,
            paused_at,
        } = &self.set;
        let time = |time: &Option<Timestamp>| time.map(|time| time.to_string());
        let fields = [
            ("id", id.as_ref().map(ToString::to_string)),
            ("retry_at", time(retry_at)),
            ("send_retry_at", time(send_retry_at)),
            ("failing_since", time(failing_since)),
            ("last_error", last_error.clone()),
            ("login_tried_at", time(login_tried_at)),
            ("login_error", login_error.clone()),
            ("paused_at", time(paused_at)),
        ];
        let mut update = Update::builder()
            .table_name(table)
            .key("pk", text(handle_key(name)))
            .key("sk", text(HANDLE));
        let mut sets = Vec::new();
        for (field, value) in fields {
            if let Some(value) = value {
                // `failing_since` is the time of the first failure.
                sets.push(match field {
                    "failing_since" => format!("{field} = if_not_exists({field}, :{field})"),
                    _ => format!("{field} = :{field}"),
                });
                update = update.expression_attribute_values(format!(":{field}"), text(value));
            }
        }
        let mut removes = Vec::new();
        if self.clears_failure {
            removes.extend(["failing_since", "last_error"]);
        }
        if self.login_works {
            removes.push("login_error");
        }
        if self.resumed {
            removes.push("paused_at");
        }
        if sets.is_empty() && removes.is_empty() {
            return None;
        }
        sets.push("version = if_not_exists(version, :version)".to_owned());
        update = update.expression_attribute_values(":version", number(VERSION));
        let mut expression = format!("SET {}", sets.join(", "));
        if !removes.is_empty() {
            expression += &format!(" REMOVE {}", removes.join(", "));
        }
        Some(update.update_expression(expression))
    }
}

impl From<HandleRecord> for HandleChange {
    fn from(set: HandleRecord) -> Self {
        Self {
            set,
            ..Self::default()
        }
    }
}
