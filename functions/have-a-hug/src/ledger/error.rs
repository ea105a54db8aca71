//! How a call to the ledger can fail, and what that means.

use std::{collections::HashMap, error::Error};

use aws_sdk_dynamodb::{
    error::{ProvideErrorMetadata, SdkError},
    operation::transact_write_items::TransactWriteItemsError,
    types::AttributeValue,
};
use serde::de::DeserializeOwned;
use serde_dynamo::aws_sdk_dynamodb_1::from_item;

use super::keys::{VERSION, number};
use crate::http::error_chain;

/// What a failure of the ledger means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LedgerFailure {
    /// Someone else wrote first: read again and decide again.
    LostRace,
    /// DynamoDB is busy or out of reach; the same call can work later.
    TryAgain,
    /// No retry helps: a person has to act.
    Final,
}

impl LedgerFailure {
    fn what_helps(self) -> &'static str {
        match self {
            Self::LostRace => "it is read again and decided again",
            Self::TryAgain => "the next try can work",
            Self::Final => "this does not mend itself",
        }
    }
}

/// A call to the ledger that failed.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{attempted} of {about} in the ledger failed: {why}; {}", failure.what_helps())]
pub struct LedgerError {
    /// What it means.
    pub failure: LedgerFailure,
    /// What was being attempted.
    pub attempted: &'static str,
    /// The account or item it was about.
    pub about: String,
    /// What DynamoDB or the connection answered.
    pub why: String,
}

/// A call to the ledger: what its errors say.
pub(super) struct Call {
    pub attempted: &'static str,
    pub about: String,
}

impl Call {
    pub(super) fn parse<T: DeserializeOwned>(
        &self,
        mut item: HashMap<String, AttributeValue>,
    ) -> Result<T, LedgerError> {
        // The keys are not fields of the record; what is left and not known is kept with it.
        item.remove("pk");
        item.remove("sk");
        if item.get("version") == Some(&number(VERSION)) {
            item.remove("version");
        }
        from_item(item)
            .map_err(|error| self.bug(format!("it is not as this program writes it: {error}")))
    }

    pub(super) fn bug(&self, why: impl ToString) -> LedgerError {
        self.error(LedgerFailure::Final, why.to_string())
    }

    pub(super) fn busy(&self, why: String) -> LedgerError {
        self.error(LedgerFailure::TryAgain, why)
    }

    fn error(&self, failure: LedgerFailure, why: String) -> LedgerError {
        LedgerError {
            failure,
            attempted: self.attempted,
            about: self.about.clone(),
            why,
        }
    }

    pub(super) fn transaction(&self, error: &SdkError<TransactWriteItemsError>) -> LedgerError {
        let reasons = match error.as_service_error() {
            Some(TransactWriteItemsError::TransactionCanceledException(canceled)) => {
                canceled.cancellation_reasons()
            }
            _ => return self.sdk(error),
        };
        let codes = || reasons.iter().filter_map(|reason| reason.code());
        let lost = |code: &str| code == "ConditionalCheckFailed" || code == "TransactionConflict";
        let failure = if codes().any(lost) {
            LedgerFailure::LostRace
        } else if codes().any(|code| code == "ValidationError") {
            LedgerFailure::Final
        } else {
            LedgerFailure::TryAgain
        };
        let named: Vec<&str> = codes().filter(|code| *code != "None").collect();
        self.error(
            failure,
            format!("the transaction was cancelled: {}", named.join(", ")),
        )
    }

    pub(super) fn sdk<E: ProvideErrorMetadata + Error + 'static>(
        &self,
        error: &SdkError<E>,
    ) -> LedgerError {
        let Some(service) = error.as_service_error() else {
            return self.error(LedgerFailure::TryAgain, error_chain(error));
        };
        let code = service.code().unwrap_or("an error without a code");
        let failure = match code {
            "ConditionalCheckFailedException" => LedgerFailure::LostRace,
            "ValidationException"
            | "ResourceNotFoundException"
            | "AccessDeniedException"
            | "UnrecognizedClientException"
            | "InvalidSignatureException"
            | "MissingAuthenticationTokenException"
            | "ItemCollectionSizeLimitExceededException" => LedgerFailure::Final,
            _ => LedgerFailure::TryAgain,
        };
        let hint = if code == "ResourceNotFoundException" {
            " (see the table's name, in HUG_TABLE or after --table, and the region)"
        } else {
            ""
        };
        let message = service.message().unwrap_or("no reason given");
        self.error(failure, format!("{code}: {message}{hint}"))
    }
}
