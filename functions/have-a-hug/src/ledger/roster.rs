//! The roster: one small item for each account, so that a round of checks reads all of them with one query a page.
//!
//! An item has what the account's count is compared with ([`Glance`](promise::glance::Glance)); where that is missing, the
//! account is checked. It can be deleted at any time: the next check writes it anew. Rate limits lie in the same
//! partition, before all accounts.

use std::collections::HashMap;

use aws_sdk_dynamodb::{operation::query::builders::QueryFluentBuilder, types::AttributeValue};
use jiff::{SignedDuration, Timestamp};
use promise::account::{AccountId, AccountName};

use super::{
    Ledger,
    error::{Call, LedgerError},
    growth::{Growth, hour},
    item::item,
    keys::{LIMIT, ROSTER, VERSION, growth_sort_key, handle_key, number, text},
    row::{GlanceChange, Limit, Row, limit_of, projection, row_of},
    stored::StoredItem,
};

/// A part of the roster.
#[derive(Clone, Debug, Default)]
pub struct RosterPage {
    /// The accounts.
    pub rows: Vec<Row>,
    /// The rate limits, in force or not.
    pub limits: Vec<Limit>,
    /// Where the next page begins; `None` after the last.
    pub next: Option<RosterPlace>,
}

/// A place in the roster: behind the account of this key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RosterPlace(String);

impl RosterPlace {
    /// The place of an account.
    pub fn of(name: &AccountName) -> Self {
        Self(handle_key(name))
    }

    /// The place right before an account: no handle has a `~`, which is sorted behind what handles have.
    pub fn before(name: &AccountName) -> Self {
        let mut key = handle_key(name);
        let last = key.pop().and_then(|last| char::from_u32(last as u32 - 1));
        key.extend(last.into_iter().chain(['~']));
        Self(key)
    }
}

impl Ledger {
    /// One page of the roster: about 1 MB, which is some thousand accounts. It may be a second old, because that costs
    /// half; every write of a check has a condition of its own.
    ///
    /// # Errors
    ///
    /// Where DynamoDB fails. An item that is not as this program writes it is an account to be checked.
    pub async fn roster(&self, after: Option<RosterPlace>) -> Result<RosterPage, LedgerError> {
        let call = Call {
            attempted: "reading the roster",
            about: self.table.clone(),
        };
        let start = after.map(|RosterPlace(sk)| {
            HashMap::from([("pk".to_owned(), text(ROSTER)), ("sk".to_owned(), text(sk))])
        });
        let page = self
            .query_roster("pk = :pk")
            .set_exclusive_start_key(start)
            .send()
            .await
            .map_err(|error| call.sdk(&error))?;
        let mut read = RosterPage {
            next: page.last_evaluated_key.and_then(|key| {
                let sk = key.get("sk")?.as_s().ok()?;
                Some(RosterPlace(sk.clone()))
            }),
            ..RosterPage::default()
        };
        for item in page.items.unwrap_or_default() {
            match row_of(&item) {
                Some(row) => read.rows.push(row),
                None => read.limits.extend(limit_of(&item)),
            }
        }
        Ok(read)
    }

    fn query_roster(&self, condition: &str) -> QueryFluentBuilder {
        self.client
            .query()
            .table_name(&self.table)
            .key_condition_expression(condition)
            .expression_attribute_values(":pk", text(ROSTER))
            .projection_expression(projection())
            .expression_attribute_names("#until", "until")
    }

    /// The rate limits, in force or not.
    ///
    /// # Errors
    ///
    /// Where DynamoDB fails.
    pub async fn limits(&self) -> Result<Vec<Limit>, LedgerError> {
        let call = Call {
            attempted: "reading the rate limits",
            about: self.table.clone(),
        };
        let page = self
            .query_roster("pk = :pk AND begins_with(sk, :limit)")
            .expression_attribute_values(":limit", text(LIMIT))
            .send()
            .await
            .map_err(|error| call.sdk(&error))?;
        let items = page.items.unwrap_or_default();
        Ok(items.iter().filter_map(limit_of).collect())
    }

    /// Lets the next round check an account, whatever its count is.
    ///
    /// # Errors
    ///
    /// Where DynamoDB fails.
    pub async fn look_again(&self, name: &AccountName) -> Result<(), LedgerError> {
        let call = Call {
            attempted: "writing the roster",
            about: name.to_string(),
        };
        let Some(update) = GlanceChange::Remove.update(&self.table, name) else {
            return Ok(());
        };
        let update = update.build().map_err(|error| call.bug(error))?;
        self.client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(update.key))
            .update_expression(update.update_expression)
            .set_expression_attribute_values(update.expression_attribute_values)
            .send()
            .await
            .map_err(|error| call.sdk(&error))?;
        Ok(())
    }

    /// Records a rate limit for every account that it is for.
    ///
    /// # Errors
    ///
    /// Where DynamoDB fails.
    pub async fn record_limit(&self, limit: &Limit) -> Result<(), LedgerError> {
        let call = Call {
            attempted: "writing a rate limit",
            about: limit.of.clone(),
        };
        // It is kept a day longer, so that one that follows shows since when nothing could be read.
        let expires = limit.until.checked_add(SignedDuration::from_hours(24));
        let expires = expires.unwrap_or(limit.until).as_second();
        self.client
            .put_item()
            .table_name(&self.table)
            .item("pk", text(ROSTER))
            .item("sk", text(format!("{LIMIT}{}", limit.of)))
            .item("until", text(limit.until))
            .item("since", text(limit.since))
            .item("expires_at", AttributeValue::N(expires.to_string()))
            .item("version", number(VERSION))
            .send()
            .await
            .map_err(|error| call.sdk(&error))?;
        Ok(())
    }

    /// Records the hour's count of accounts at which nothing happened, many in one request. The newest of them tells when
    /// an account was last looked at.
    ///
    /// # Errors
    ///
    /// Where DynamoDB fails. Then some may be recorded.
    pub async fn record_counts(
        &self,
        counts: &[(AccountId, u64)],
        now: Timestamp,
    ) -> Result<(), LedgerError> {
        let call = Call {
            attempted: "writing the hour's counts",
            about: format!("{} accounts", counts.len()),
        };
        let sk = growth_sort_key(&hour(now));
        let items: Result<Vec<StoredItem>, LedgerError> = counts
            .iter()
            .map(|(id, followers)| {
                let growth = Growth::at(now, *followers);
                Ok(StoredItem::from_item(item(
                    &call,
                    &growth,
                    &id.to_string(),
                    &sk,
                )?))
            })
            .collect();
        self.put_all(&items?).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_between_an_account_and_the_place_before_it() {
        let name = |text: &str| -> AccountName { text.parse().unwrap() };
        let before = RosterPlace::before(&name("x:creator164"));
        for earlier in [
            "x:creator163",
            "x:creator1639",
            "x:creator16",
            "mastodon:z@z",
        ] {
            assert!(RosterPlace::of(&name(earlier)) < before, "{earlier}");
        }
        assert!(before < RosterPlace::of(&name("x:creator164")));
    }
}
