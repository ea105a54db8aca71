use std::collections::HashMap;

use aws_sdk_dynamodb::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
    operation::transact_write_items::TransactWriteItemsError,
    types::{AttributeValue, Put, TransactWriteItem, Update},
};
use jiff::Timestamp;
use serde::{Serialize, de::DeserializeOwned};
use serde_dynamo::aws_sdk_dynamodb_1::{from_item, to_item};

use super::{Everything, Growth, Kind, LedgerError};
use crate::{
    account::{Account, AccountId, AccountName, Signpost},
    aws::story,
    hug::{Hug, HugKey},
    milestone::Milestone,
};

type Item = HashMap<String, AttributeValue>;

const ACCOUNT: &str = "account";
const SIGNPOST: &str = "signpost";
const MILESTONE: &str = "milestone#";

/// The table, on DynamoDB or anything that speaks its API.
#[derive(Clone, Debug)]
pub struct Ledger {
    client: Client,
    table: String,
}

impl Ledger {
    /// A ledger in the table of that name.
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self {
            client,
            table: table.into(),
        }
    }

    /// Where a handle points; `None` before the first check got that far.
    pub async fn signpost(&self, name: &AccountName) -> Result<Option<Signpost>, LedgerError> {
        self.get("reading the signpost", signpost_key(name), SIGNPOST)
            .await
    }

    /// What was written at an account's last check; `None` before its first.
    pub async fn account(&self, id: &AccountId) -> Result<Option<Account>, LedgerError> {
        self.get("reading the account", id.to_string(), ACCOUNT)
            .await
    }

    /// One hug.
    pub async fn hug(&self, key: &HugKey) -> Result<Option<Hug>, LedgerError> {
        self.get("reading the hug", key.id.to_string(), &hug_sort_key(key))
            .await
    }

    /// Every hug of an account, smallest milestone first.
    pub async fn hugs(&self, id: &AccountId) -> Result<Vec<Hug>, LedgerError> {
        let failed = Failed {
            attempted: "reading the hugs",
            about: id.to_string(),
        };
        let mut pages = self
            .client
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .key_condition_expression("pk = :pk AND begins_with(sk, :milestone)")
            .expression_attribute_values(":pk", text(id))
            .expression_attribute_values(":milestone", text(MILESTONE))
            .into_paginator()
            .items()
            .send();
        let mut hugs = Vec::new();
        while let Some(item) = pages.next().await {
            hugs.push(failed.parse(item.map_err(|error| failed.sdk(&error))?)?);
        }
        Ok(hugs)
    }

    /// Ends a check: the account with its new mark, the hugs that it now owes, the hour's count and
    /// what was learned of the handle, all or nothing.
    ///
    /// # Errors
    ///
    /// [`Kind::LostRace`] where another check wrote the account, or one of the hugs, meanwhile.
    pub async fn record_check(
        &self,
        before: Option<&Account>,
        account: &Account,
        hugs: &[Hug],
        signpost: Option<&Signpost>,
    ) -> Result<(), LedgerError> {
        let failed = Failed {
            attempted: "writing the check",
            about: account.account.to_string(),
        };
        let key = account.key().to_string();
        let mut writes = vec![self.put_if_unchanged(
            failed.item(account, &key, ACCOUNT)?,
            before.map(|account| account.revision),
        )];
        for hug in hugs {
            let item = failed.item(hug, &key, &hug_sort_key(&hug.key()))?;
            writes.push(self.put_if_unchanged(item, None));
        }
        let hour = Growth::hour(account.checked_at);
        if before.is_none_or(|before| Growth::hour(before.checked_at) != hour) {
            let growth = Growth::at(account.checked_at, account.followers);
            writes.push(Put::builder().set_item(Some(failed.item(
                &growth,
                &key,
                &format!("count#{hour}"),
            )?)));
        }
        let mut transaction = self.client.transact_write_items();
        for put in writes {
            let put = put
                .table_name(&self.table)
                .build()
                .map_err(|error| failed.bug(error))?;
            transaction = transaction.transact_items(TransactWriteItem::builder().put(put).build());
        }
        if let Some(signpost) = signpost {
            let update = self
                .point(&account.account, signpost)
                .build()
                .map_err(|error| failed.bug(error))?;
            transaction =
                transaction.transact_items(TransactWriteItem::builder().update(update).build());
        }
        match transaction.send().await {
            Ok(_) => Ok(()),
            Err(error) => Err(failed.transaction(&error)),
        }
    }

    /// Writes a hug, if it is still as it was when `next` was made of it.
    ///
    /// # Errors
    ///
    /// [`Kind::LostRace`] where someone else wrote it meanwhile.
    pub async fn replace_hug(&self, next: &Hug) -> Result<(), LedgerError> {
        let failed = Failed {
            attempted: "writing the hug",
            about: format!("{} for {}", next.milestone, next.account),
        };
        let key = next.key();
        let item = failed.item(next, &key.id.to_string(), &hug_sort_key(&key))?;
        self.client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item))
            .condition_expression("revision = :seen")
            .expression_attribute_values(":seen", number(next.revision - 1))
            .send()
            .await
            .map_err(|error| failed.sdk(&error))?;
        Ok(())
    }

    /// Remembers until when a network asked not to be read, or not to be sent to.
    pub async fn remember(
        &self,
        name: &AccountName,
        signpost: &Signpost,
    ) -> Result<(), LedgerError> {
        let failed = Failed {
            attempted: "writing the rate limit",
            about: name.to_string(),
        };
        let update = self
            .point(name, signpost)
            .build()
            .map_err(|error| failed.bug(error))?;
        self.client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(update.key))
            .update_expression(update.update_expression)
            .set_expression_attribute_values(update.expression_attribute_values)
            .send()
            .await
            .map_err(|error| failed.sdk(&error))?;
        Ok(())
    }

    /// Reads the whole table, item by item.
    pub async fn everything(&self) -> Result<Everything, LedgerError> {
        let failed = Failed {
            attempted: "reading everything",
            about: self.table.clone(),
        };
        let mut pages = self
            .client
            .scan()
            .table_name(&self.table)
            .consistent_read(true)
            .into_paginator()
            .items()
            .send();
        let mut all = Everything::default();
        while let Some(item) = pages.next().await {
            let item = item.map_err(|error| failed.sdk(&error))?;
            let key = |name: &str| {
                item.get(name)
                    .and_then(|value| value.as_s().ok())
                    .cloned()
                    .unwrap_or_default()
            };
            match key("sk").as_str() {
                ACCOUNT => all.accounts.push(failed.parse(item)?),
                SIGNPOST => all.signposts.push((key("pk"), failed.parse(item)?)),
                sk if sk.starts_with(MILESTONE) => all.hugs.push(failed.parse(item)?),
                _ => {}
            }
        }
        all.accounts.sort_by(|a, b| a.account.cmp(&b.account));
        all.hugs
            .sort_by(|a, b| (&a.account, a.milestone).cmp(&(&b.account, b.milestone)));
        Ok(all)
    }

    async fn get<T: DeserializeOwned>(
        &self,
        attempted: &'static str,
        pk: String,
        sk: &str,
    ) -> Result<Option<T>, LedgerError> {
        let failed = Failed {
            attempted,
            about: pk.clone(),
        };
        let answer = self
            .client
            .get_item()
            .table_name(&self.table)
            .key("pk", text(pk))
            .key("sk", text(sk))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| failed.sdk(&error))?;
        answer.item.map(|item| failed.parse(item)).transpose()
    }

    /// A put on the condition that the item is still at that revision, or, for `None`, not there.
    fn put_if_unchanged(
        &self,
        item: Item,
        revision: Option<u64>,
    ) -> aws_sdk_dynamodb::types::builders::PutBuilder {
        let put = Put::builder().set_item(Some(item));
        match revision {
            None => put.condition_expression("attribute_not_exists(pk)"),
            Some(revision) => put
                .condition_expression("revision = :seen")
                .expression_attribute_values(":seen", number(revision)),
        }
    }

    /// An update of what is known in `signpost`, leaving the rest as it is: checks and invitations
    /// write to it side by side.
    fn point(
        &self,
        name: &AccountName,
        signpost: &Signpost,
    ) -> aws_sdk_dynamodb::types::builders::UpdateBuilder {
        let mut update = Update::builder()
            .table_name(&self.table)
            .key("pk", text(signpost_key(name)))
            .key("sk", text(SIGNPOST));
        let mut sets = Vec::new();
        let known = [
            ("id", signpost.id.clone()),
            (
                "retry_at",
                signpost.retry_at.map(|time: Timestamp| time.to_string()),
            ),
            (
                "send_retry_at",
                signpost.send_retry_at.map(|time| time.to_string()),
            ),
        ];
        for (field, value) in known {
            if let Some(value) = value {
                sets.push(format!("{field} = :{field}"));
                update = update.expression_attribute_values(format!(":{field}"), text(value));
            }
        }
        update.update_expression(format!("SET {}", sets.join(", ")))
    }
}

fn signpost_key(name: &AccountName) -> String {
    format!("{}@{}", name.network, name.handle)
}

/// Reads a hug's key back from an item's keys: `x#44196397`, `milestone#0000000600`.
///
/// # Errors
///
/// What is not as this program writes it.
pub fn hug_key(pk: &str, sk: &str) -> Result<HugKey, String> {
    let milestone = sk
        .strip_prefix(MILESTONE)
        .and_then(|number| number.parse().ok())
        .and_then(Milestone::from_number)
        .ok_or_else(|| format!("\"{sk}\" is no hug's sort key"))?;
    Ok(HugKey {
        id: pk.parse()?,
        milestone,
    })
}

fn hug_sort_key(key: &HugKey) -> String {
    format!("{MILESTONE}{:010}", key.milestone.number())
}

fn text(value: impl ToString) -> AttributeValue {
    AttributeValue::S(value.to_string())
}

fn number(value: u64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

/// What to say when a call fails.
struct Failed {
    attempted: &'static str,
    about: String,
}

impl Failed {
    fn item(&self, record: &impl Serialize, pk: &str, sk: &str) -> Result<Item, LedgerError> {
        let mut item: Item = to_item(record).map_err(|error| self.bug(error))?;
        item.insert("pk".into(), text(pk));
        item.insert("sk".into(), text(sk));
        Ok(item)
    }

    fn parse<T: DeserializeOwned>(&self, item: Item) -> Result<T, LedgerError> {
        from_item(item)
            .map_err(|error| self.bug(format!("it is not as this program writes it: {error}")))
    }

    fn bug(&self, why: impl ToString) -> LedgerError {
        self.error(Kind::Final, why.to_string())
    }

    fn error(&self, kind: Kind, why: String) -> LedgerError {
        LedgerError {
            kind,
            attempted: self.attempted,
            about: self.about.clone(),
            why,
        }
    }

    fn transaction(&self, error: &SdkError<TransactWriteItemsError>) -> LedgerError {
        let reasons = match error.as_service_error() {
            Some(TransactWriteItemsError::TransactionCanceledException(canceled)) => {
                canceled.cancellation_reasons()
            }
            _ => return self.sdk(error),
        };
        let codes = || reasons.iter().filter_map(|reason| reason.code());
        let lost = |code: &str| code == "ConditionalCheckFailed" || code == "TransactionConflict";
        let kind = if codes().any(lost) {
            Kind::LostRace
        } else if codes().any(|code| code == "ValidationError") {
            Kind::Final
        } else {
            Kind::TryAgain
        };
        let named: Vec<&str> = codes().filter(|code| *code != "None").collect();
        self.error(
            kind,
            format!("the transaction was cancelled: {}", named.join(", ")),
        )
    }

    fn sdk<E: ProvideErrorMetadata + std::error::Error + 'static>(
        &self,
        error: &SdkError<E>,
    ) -> LedgerError {
        let Some(service) = error.as_service_error() else {
            return self.error(Kind::TryAgain, story(error));
        };
        let code = service.code().unwrap_or("an error without a code");
        let kind = match code {
            "ConditionalCheckFailedException" => Kind::LostRace,
            "ValidationException"
            | "ResourceNotFoundException"
            | "AccessDeniedException"
            | "UnrecognizedClientException"
            | "InvalidSignatureException"
            | "MissingAuthenticationTokenException"
            | "ItemCollectionSizeLimitExceededException" => Kind::Final,
            _ => Kind::TryAgain,
        };
        let hint = if code == "ResourceNotFoundException" {
            " (is HUG_TABLE the name of a table in this region?)"
        } else {
            ""
        };
        let message = service.message().unwrap_or("no reason given");
        self.error(kind, format!("{code}: {message}{hint}"))
    }
}
