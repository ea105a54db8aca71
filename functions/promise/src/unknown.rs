//! Fields of a record that this version of the program does not know.

use std::collections::BTreeMap;

/// What a later version wrote beside the fields that this one knows. It is read with the record and written
/// back with it, so that an older function loses nothing of a newer one while both run.
pub type Unknown = BTreeMap<String, serde_json::Value>;
