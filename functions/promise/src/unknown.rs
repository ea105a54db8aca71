//! Fields of a record that this version of the program does not know.

use std::collections::BTreeMap;

/// The fields of a record that this version does not know. They are read and written back with the record, so that
/// an older function does not delete the fields of a newer one while both run.
pub type Unknown = BTreeMap<String, serde_json::Value>;
