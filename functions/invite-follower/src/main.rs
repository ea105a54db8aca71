//! The program that Lambda runs: it makes settings and clients once, then handles one event at a time.

use aws_lambda_events::dynamodb::Event;
use have_a_hug::{deps::Deps, log, start};
use lambda_runtime::{Error, LambdaEvent, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    log::to_standard_output();
    let deps: &Deps = &start::from_environment()
        .await
        .inspect_err(|error| tracing::error!(%error, "cannot start"))?;
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Event>| async move {
        invite_follower::handle(event, deps).await
    }))
    .await
}
