//! What a job works on, and how it is carried out by the real functions and the creator's real commands.

use aws_lambda_events::streams::DynamoDbEventResponse;
use check_followers::Summary;
use have_a_hug::{
    by_hand::{ByHandError, Step, by_hand},
    deps::Deps,
    forget::{ForgetError, Who, find_follower, forget_follower},
};
use lambda_runtime::{Context, LambdaEvent};
use promise::hug::{Hug, HugKey};
use serde_json::{Value, json};

/// What a job works on.
#[derive(Clone)]
pub enum Task {
    Check,
    /// Records of the stream.
    Deliver(Vec<Value>),
    /// Erasing that follower, and the numbers of the hugs that name them then.
    Forget(Option<(String, Vec<u64>)>),
    /// The creator's step with a hug; `None` where there is none that she could mean.
    ByHand(Option<(HugKey, Step)>),
}

pub enum Answer {
    Checked(Summary),
    Delivered(DynamoDbEventResponse),
    Stepped(Option<Result<Box<Hug>, ByHandError>>),
    Forgot(Result<(), ForgetError>),
}

/// Carries it out.
pub async fn act(task: Task, deps: Deps) -> Answer {
    match task {
        Task::Check => {
            let event = LambdaEvent::new(json!({}), Context::default());
            Answer::Checked(check_followers::handle(event, &deps).await.unwrap())
        }
        Task::Deliver(records) => {
            let event = serde_json::from_value(json!({ "Records": records })).unwrap();
            let event = LambdaEvent::new(event, Context::default());
            Answer::Delivered(invite_follower::handle(event, &deps).await.unwrap())
        }
        Task::Forget(None) | Task::ByHand(None) => Answer::Stepped(None),
        Task::Forget(Some((id, _))) => Answer::Forgot(forget(&deps, id).await),
        Task::ByHand(Some((key, step))) => {
            let Deps {
                ledger, settings, ..
            } = &deps;
            let stepped = by_hand(ledger, settings, &key, &step, deps.clock.now()).await;
            Answer::Stepped(Some(stepped.map(Box::new)))
        }
    }
}

async fn forget(deps: &Deps, id: String) -> Result<(), ForgetError> {
    let who = Who::Handle(id);
    for found in find_follower(&deps.ledger, &who, None, false).await? {
        forget_follower(&deps.ledger, &found, false, deps.clock.now()).await?;
    }
    Ok(())
}
