//! The rows of the roster as items of the table.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, Update, builders::UpdateBuilder};
use jiff::Timestamp;
use promise::{account::AccountName, glance::Glance};

use super::{
    item::Item,
    keys::{LIMIT, ROSTER, VERSION, handle_key, name_of_handle, number, text},
};

/// The account of one row of the roster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// What its creator calls it.
    pub name: AccountName,
    /// What its count is compared with; `None` where it is to be checked.
    pub glance: Option<Glance>,
    /// How it is read, where its settings are in the table and not in hug.toml.
    pub enrolled: Option<Enrolled>,
}

/// How the count of an account is read whose settings are in the table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Enrolled {
    /// The server of its API, where that is not the network's default.
    pub server: Option<String>,
    /// Where it is read, where that is not the network's default.
    pub appview: Option<String>,
    /// Whether it is checked and served.
    pub active: bool,
}

/// A rate limit of an app or of a server. Every account that is read there obeys it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limit {
    /// Whose it is: [`crate::network::Network::limit`].
    pub of: String,
    /// Nothing is read there before this time.
    pub until: Timestamp,
    /// Since when nothing could be read there.
    pub since: Timestamp,
}

/// The field that only accounts have whose settings are in the table.
pub(super) const ENROLLED: &str = "enrolled";

/// The fields of a glance.
const FIELDS: [&str; 6] = [
    "id",
    "followers",
    "promised_up_to",
    "login_due_at",
    "hugs_due_at",
    "settings",
];

/// The fields that are read of accounts and limits. Without the two that are the same in every item, a round of idle
/// accounts takes an eighth less CPU time. `#until` stands for `until`, a word that DynamoDB reserves.
pub(super) fn projection() -> String {
    format!("sk, {ENROLLED}, since, #until, {}", FIELDS.join(", "))
}

/// What becomes of an account's glance when the account is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GlanceChange<'a> {
    /// It stays as it is.
    Keep,
    /// It is removed, if it is there: the next round checks the account.
    Remove,
    /// The next round looks at the account's hugs, whatever the count is.
    LookAtHugs,
    /// The next round compares the count with this.
    Set(&'a Glance),
}

impl GlanceChange<'_> {
    /// The update of the account's row; `None` where nothing changes.
    pub(super) fn update(self, table: &str, name: &AccountName) -> Option<UpdateBuilder> {
        let update = Update::builder()
            .table_name(table)
            .key("pk", text(ROSTER))
            .key("sk", text(handle_key(name)));
        match self {
            Self::Keep => None,
            Self::Remove => Some(update.update_expression(format!("REMOVE {}", FIELDS.join(", ")))),
            Self::LookAtHugs => Some(
                update
                    .update_expression(
                        "SET version = if_not_exists(version, :version), hugs_due_at = :hugs_due_at",
                    )
                    .expression_attribute_values(":version", number(VERSION))
                    .expression_attribute_values(":hugs_due_at", text(Glance::AT_EACH_CHECK)),
            ),
            Self::Set(glance) => Some(set(update, glance)),
        }
    }
}

fn set(update: UpdateBuilder, glance: &Glance) -> UpdateBuilder {
    let mut sets = vec!["version = if_not_exists(version, :version)".to_owned()];
    for field in ["id", "followers", "settings", "promised_up_to"] {
        sets.push(format!("{field} = :{field}"));
    }
    let mut update = update
        .expression_attribute_values(":version", number(VERSION))
        .expression_attribute_values(":id", text(&glance.id))
        .expression_attribute_values(":followers", number(glance.followers))
        .expression_attribute_values(":settings", text(&glance.settings))
        .expression_attribute_values(":promised_up_to", number(glance.promised_up_to));
    let mut removes = Vec::new();
    for (field, due) in [
        ("login_due_at", glance.login_due_at),
        ("hugs_due_at", glance.hugs_due_at),
    ] {
        if let Some(due) = due {
            sets.push(format!("{field} = :{field}"));
            update = update.expression_attribute_values(format!(":{field}"), text(due));
        } else {
            removes.push(field);
        }
    }
    let mut expression = format!("SET {}", sets.join(", "));
    if !removes.is_empty() {
        expression = format!("{expression} REMOVE {}", removes.join(", "));
    }
    update.update_expression(expression)
}

/// The update of an account's row when its settings are put into the table. The next round checks the account.
pub(super) fn enrolled_update(table: &str, name: &AccountName, row: &Enrolled) -> UpdateBuilder {
    let texts = [("server", &row.server), ("appview", &row.appview)];
    let texts = texts
        .into_iter()
        .filter_map(|(field, value)| Some((field.to_owned(), text(value.as_ref()?))));
    let active = ("active".to_owned(), AttributeValue::Bool(row.active));
    let sets = format!("version = if_not_exists(version, :version), {ENROLLED} = :{ENROLLED}");
    Update::builder()
        .table_name(table)
        .key("pk", text(ROSTER))
        .key("sk", text(handle_key(name)))
        .update_expression(format!("SET {sets} REMOVE {}", FIELDS.join(", ")))
        .expression_attribute_values(":version", number(VERSION))
        .expression_attribute_values(
            format!(":{ENROLLED}"),
            AttributeValue::M(texts.chain([active]).collect()),
        )
}

/// The account of an item; `None` where it is not one.
pub(super) fn row_of(item: &Item) -> Option<Row> {
    let name = name_of_handle(text_of(item, "sk")?).ok()?;
    let due_at = |field| {
        let due = text_of(item, field).map(str::parse::<Timestamp>);
        due.transpose().ok()
    };
    let glance = || {
        Some(Glance {
            id: text_of(item, "id")?.into(),
            followers: number_of(item, "followers")?,
            promised_up_to: number_of(item, "promised_up_to")?,
            login_due_at: due_at("login_due_at")?,
            hugs_due_at: due_at("hugs_due_at")?,
            settings: text_of(item, "settings")?.to_owned(),
        })
    };
    Some(Row {
        glance: glance(),
        enrolled: item
            .get(ENROLLED)
            .and_then(|value| value.as_m().ok())
            .map(enrolled_of),
        name,
    })
}

fn enrolled_of(fields: &HashMap<String, AttributeValue>) -> Enrolled {
    let text = |name| text_of(fields, name).map(str::to_owned);
    Enrolled {
        server: text("server"),
        appview: text("appview"),
        active: fields.get("active") != Some(&AttributeValue::Bool(false)),
    }
}

pub(super) fn limit_of(item: &Item) -> Option<Limit> {
    let time = |name| text_of(item, name)?.parse().ok();
    Some(Limit {
        of: text_of(item, "sk")?.strip_prefix(LIMIT)?.to_owned(),
        until: time("until")?,
        since: time("since")?,
    })
}

fn text_of<'a>(item: &'a Item, name: &str) -> Option<&'a str> {
    Some(item.get(name)?.as_s().ok()?.as_str())
}

fn number_of(item: &Item, name: &str) -> Option<u64> {
    item.get(name)?.as_n().ok()?.parse().ok()
}
