//! A function that answers with its event, and does nothing else.

use lambda_runtime::{Error, LambdaEvent, service_fn, tracing};
use serde_json::Value;

#[tokio::main]
async fn main() -> Result<(), Error> {
    tracing::init_default_subscriber();
    let echo = |event: LambdaEvent<Value>| async move { Ok::<_, Error>(event.payload) };
    lambda_runtime::run(service_fn(echo)).await
}
