//! DynamoDB's API over dynoxide in this process, without a port.

use std::fmt;

use aws_sdk_dynamodb::config::RuntimeComponents;
use aws_smithy_runtime_api::client::{
    http::{
        HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
    },
    orchestrator::{HttpRequest, HttpResponse},
    result::ConnectorError,
};
use dynoxide::{Database, DynoxideError};
use serde::{Serialize, de::DeserializeOwned};

/// The media type of DynamoDB's requests and answers.
pub const MEDIA_TYPE: &str = "application/x-amz-json-1.0";

/// An answer of DynamoDB: its HTTP status, and its body, which is JSON.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: String,
}

/// Carries out a request: the operation, such as `GetItem`, which is the last part of the header
/// `x-amz-target`, and the body.
///
/// dynoxide's own server does the same with private functions. Here are the operations that
/// this program and its tests use; every other one is refused.
pub fn answer(database: &Database, operation: &str, body: &[u8]) -> Answer {
    let done = match operation {
        "BatchGetItem" => run(body, |it| database.batch_get_item(it)),
        "BatchWriteItem" => run(body, |it| database.batch_write_item(it)),
        "CreateTable" => run(body, |it| database.create_table(it)),
        "DeleteItem" => run(body, |it| database.delete_item(it)),
        "DescribeTable" => run(body, |it| database.describe_table(it)),
        "GetItem" => run(body, |it| database.get_item(it)),
        "PutItem" => run(body, |it| database.put_item(it)),
        "Query" => run(body, |it| database.query(it)),
        "Scan" => run(body, |it| database.scan(it)),
        "TransactGetItems" => run(body, |it| database.transact_get_items(it)),
        "TransactWriteItems" => run(body, |it| database.transact_write_items(it)),
        "UpdateItem" => run(body, |it| database.update_item(it)),
        "UpdateTable" => run(body, |it| database.update_table(it)),
        "UpdateTimeToLive" => run(body, |it| database.update_time_to_live(it)),
        other => Err(DynoxideError::UnsupportedCapability(other.to_owned())),
    };
    match done {
        Ok(body) => Answer { status: 200, body },
        Err(error) => Answer {
            status: error.status_code(),
            body: error.to_json(),
        },
    }
}

fn run<Q: DeserializeOwned, A: Serialize>(
    body: &[u8],
    act: impl FnOnce(Q) -> dynoxide::Result<A>,
) -> dynoxide::Result<String> {
    let request = serde_json::from_slice(body)
        .map_err(|error| DynoxideError::SerializationException(error.to_string()))?;
    serde_json::to_string(&act(request)?)
        .map_err(|error| DynoxideError::InternalServerError(error.to_string()))
}

/// The database, used as the HTTP client of AWS's SDK.
#[derive(Clone)]
pub struct InProcess(pub Database);

impl fmt::Debug for InProcess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InProcess")
    }
}

impl HttpClient for InProcess {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for InProcess {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let Self(database) = self.clone();
        HttpConnectorFuture::new(async move {
            let target = request.headers().get("x-amz-target").unwrap_or_default();
            let operation = target.rsplit('.').next().unwrap_or_default();
            let body = request.body().bytes();
            let body = body.ok_or_else(|| {
                ConnectorError::user("a request to DynamoDB cannot have a streamed body".into())
            })?;
            let Answer { status, body } = answer(&database, operation, body);
            let status = status
                .try_into()
                .map_err(|error| ConnectorError::other(Box::new(error), None))?;
            let mut response = HttpResponse::new(status, body.into());
            response.headers_mut().insert("content-type", MEDIA_TYPE);
            Ok(response)
        })
    }
}
