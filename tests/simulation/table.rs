//! The real AWS SDK over dynoxide in this process, without a socket, so that a history takes the
//! same course each time.

use aws_credential_types::Credentials;
use aws_sdk_dynamodb::{
    Client, Config,
    config::{
        AsyncSleep, BehaviorVersion, Region, RuntimeComponents, SharedAsyncSleep, Sleep,
        retry::{RetryConfig, RetryPartition, TokenBucket},
    },
};
use aws_smithy_runtime_api::client::{
    http::{
        HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
    },
    orchestrator::{HttpRequest, HttpResponse},
    result::ConnectorError,
};
use dynoxide::Database;
use hug::dynamodb::{Answer, answer};
use serde_json::{Value, json};

use super::{history::Fault, process::Scheduler};

/// A client whose calls the scheduler controls; without one, none fails.
pub fn client(database: &Database, scheduler: Option<Scheduler>) -> Client {
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static("local"))
        .endpoint_url("http://localhost")
        .credentials_provider(Credentials::new("local", "local", None, None, "local"))
        .http_client(InProcess {
            database: database.clone(),
            scheduler,
        })
        // As on AWS (functions/have-a-hug/src/aws.rs), but what other histories used up is not
        // missing here, and the pauses take no time.
        .retry_config(RetryConfig::standard().with_max_attempts(4))
        .retry_partition(
            RetryPartition::custom("simulation")
                .token_bucket(TokenBucket::unlimited())
                .build(),
        )
        .sleep_impl(SharedAsyncSleep::new(NoSleep))
        .build();
    Client::from_conf(config)
}

#[derive(Debug)]
struct NoSleep;

impl AsyncSleep for NoSleep {
    fn sleep(&self, _: std::time::Duration) -> Sleep {
        Sleep::new(std::future::ready(()))
    }
}

#[derive(Clone)]
struct InProcess {
    database: Database,
    scheduler: Option<Scheduler>,
}

impl std::fmt::Debug for InProcess {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
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
        let Self {
            database,
            scheduler,
        } = self.clone();
        HttpConnectorFuture::new(async move {
            let target = request.headers().get("x-amz-target").unwrap_or_default();
            let operation = target.rsplit('.').next().unwrap().to_owned();
            let body = request.body().bytes().unwrap().to_vec();
            let Some(scheduler) = scheduler else {
                return Ok(carried_out(&database, &operation, &body));
            };
            let act = || {
                let is_read = matches!(operation.as_str(), "BatchGetItem" | "GetItem" | "Query");
                scheduler.shared().changed |= !is_read;
                Ok(carried_out(&database, &operation, &body))
            };
            let story = format!("{operation} {}", about(&operation, &body));
            scheduler
                .call(story, act, |fault| failure(fault, &operation))
                .await
        })
    }
}

fn carried_out(database: &Database, operation: &str, body: &[u8]) -> HttpResponse {
    let Answer { status, body } = answer(database, operation, body);
    response(status, body)
}

fn response(status: u16, body: String) -> HttpResponse {
    let mut response = HttpResponse::new(status.try_into().unwrap(), body.into());
    response
        .headers_mut()
        .insert("content-type", "application/x-amz-json-1.0");
    response
}

fn failure(fault: Fault, operation: &str) -> Result<HttpResponse, ConnectorError> {
    let refused = |code: &str, more: Value| {
        let mut body = json!({ "__type": format!("com.amazonaws.dynamodb.v20120810#{code}"), "message": code });
        body.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        Ok(response(400, body.to_string()))
    };
    match fault {
        Fault::Refuse if operation == "TransactWriteItems" => refused(
            "TransactionCanceledException",
            json!({ "CancellationReasons": [{ "Code": "TransactionConflict" }, { "Code": "None" }] }),
        ),
        Fault::Busy | Fault::Refuse => refused("ThrottlingException", json!({})),
        _ => Err(ConnectorError::io("the connection was cut".into())),
    }
}

/// The key and what it would become, for the story.
fn about(operation: &str, body: &[u8]) -> String {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let item = |item: &Value| {
        let text = |name: &str| item[name]["S"].as_str().unwrap_or_default().to_owned();
        let (sk, status) = (text("sk"), text("status"));
        match (status.as_str(), item["promised_up_to"]["N"].as_str()) {
            ("", Some(mark)) => format!("{sk} with the mark at {mark}"),
            ("", None) => sk,
            _ => {
                let follower = item["follower"]["M"]["handle"]["S"]
                    .as_str()
                    .unwrap_or("nobody");
                format!("{sk} as {status} for {follower}")
            }
        }
    };
    match operation {
        "TransactWriteItems" => {
            let writes = body["TransactItems"]
                .as_array()
                .cloned()
                .unwrap_or_default();
            let each: Vec<String> = writes
                .iter()
                .map(|write| match &write["Put"]["Item"] {
                    Value::Null => item(&write["Update"]["Key"]),
                    put => item(put),
                })
                .collect();
            each.join(", ")
        }
        "PutItem" => item(&body["Item"]),
        _ => item(&body["Key"]),
    }
}
