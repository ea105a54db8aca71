//! The program that Lambda runs: it makes settings and clients once, then handles one event at a time.

use have_a_hug::{deps::Deps, start};
use lambda_runtime::{Error, LambdaEvent, service_fn, tracing};
use serde_json::Value;

#[tokio::main]
async fn main() -> Result<(), Error> {
    tracing::init_default_subscriber();
    let deps: &Deps = &start::from_environment()
        .await
        .inspect_err(|error| tracing::error!(%error, "cannot start"))?;
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Value>| async move {
        check_followers::handle(event, deps).await
    }))
    .await
}
