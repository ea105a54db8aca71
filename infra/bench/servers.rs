//! The other side of `make bench`, on loopback: Bluesky, and AWS with the ledger's table and Parameter Store.
//!
//! `bench-servers 1000` puts a thousand people on Bluesky, beside Amber and her followers, and prints a line of JSON
//! that says where everything is. It has one thread, so that the function that is measured has a core of its own.

use std::{
    collections::BTreeMap,
    env,
    io::{Write, stdout},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use have_a_hug::{
    clock::Clock,
    ledger::{Enrolled, EnrolledSettings, Ledger},
};
use hug::{
    Error,
    dynamodb::{Answer, answer},
    table::Table,
};
use promise::account::{AccountName, NetworkName};
use serde_json::{Value, json};
use stand_ins::{
    Person,
    bluesky::{Account, Bluesky},
};
use tokio::net::TcpListener;

/// How many follow Amber at first.
const FOLLOWERS: u64 = 598;

struct Servers {
    table: Table,
    bluesky: Bluesky,
    /// The answer to the request for all parameters.
    parameters: String,
    aws: Mutex<Aws>,
}

/// What is counted of AWS, and how far away it is.
#[derive(Default)]
struct Aws {
    requests: BTreeMap<String, u64>,
    /// How long the table has worked.
    busy: Duration,
    delay: Duration,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let people = env::args().nth(1).map_or(Ok(0), |text| text.parse())?;
    let clock = Clock::system();
    let bluesky = Bluesky::start(clock.clone()).await?;
    bluesky.add_account(Account::amber());
    let fan = |n| Person::fan(n, clock.now());
    (0..FOLLOWERS).for_each(|n| bluesky.follow(fan(n)));
    (0..people).for_each(|n| bluesky.join(fan(1_000_000 + n)));
    let account = (bluesky.facts().settings)(bluesky.url());
    let settings =
        format!("[plan]\nfirst = 1\nstep = 1\nmost_a_day = 100\n\n[[account]]\n{account}");
    let mut parameters = vec![json!({ "Name": "/have-a-hug/settings", "Value": settings })];
    for (name, value) in (bluesky.facts().secrets)() {
        let name = format!("/have-a-hug/secrets/{name}");
        parameters.push(json!({ "Name": name, "Value": value }));
    }
    let servers = Arc::new(Servers {
        table: table().await?,
        parameters: json!({ "Parameters": parameters }).to_string(),
        aws: Mutex::default(),
        bluesky,
    });
    let handle = |n| (servers.bluesky.facts().handle_of)(&fan(1_000_000 + n));
    let handles: Vec<String> = (0..people).map(handle).collect();
    enroll(&servers.table, servers.bluesky.url(), &handles).await?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let aws = format!("http://{}", listener.local_addr()?);
    let description = json!({ "aws": aws, "bluesky": servers.bluesky.url() });
    writeln!(stdout(), "{description}")?;
    let router = Router::new()
        .route("/counts", get(counts))
        .route("/delay/{network}/{ledger}", post(delay))
        .fallback(serve)
        .with_state(servers);
    Ok(axum::serve(listener, router).await?)
}

/// The ledger's table, without its stream: nobody reads it here, so each write would make it longer.
async fn table() -> Result<Table, Error> {
    let table = Table::in_memory().await?;
    let off =
        json!({ "TableName": hug::table::NAME, "StreamSpecification": { "StreamEnabled": false } });
    let answer = answer(table.database(), "UpdateTable", off.to_string().as_bytes());
    if answer.status != 200 {
        return Err(answer.body.into());
    }
    Ok(table)
}

/// Enrols the people, so that check-followers checks them as accounts of the roster.
async fn enroll(table: &Table, url: &str, handles: &[String]) -> Result<(), Error> {
    let ledger = Ledger::new(table.client().clone(), hug::table::NAME);
    let row = Enrolled {
        server: Some(url.to_owned()),
        appview: Some(url.to_owned()),
        active: true,
    };
    for handle in handles {
        let settings = format!(
            "[plan]\nfirst = 600\nstep = 100\n[[account]]\nnetwork = \"bluesky\"\nhandle = \"{handle}\"\nserver = \"{url}\"\nappview = \"{url}\"\ncontact = [\"draft\"]\n"
        );
        let settings = EnrolledSettings {
            settings,
            login: None,
        };
        let name = AccountName {
            network: NetworkName::Bluesky,
            handle: handle.clone(),
        };
        ledger.enroll(&name, &settings, &row).await?;
    }
    Ok(())
}

impl Servers {
    fn with_aws<R>(&self, act: impl FnOnce(&mut Aws) -> R) -> R {
        act(&mut self.aws.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The request without its token, which tells DynamoDB that a transaction was sent before. The table keeps each token for ten
/// minutes and looks through all of them at each transaction: with 50,000 accounts that was two thirds of its time. Here no
/// answer is lost, so no transaction is sent again.
fn without_token(body: Bytes) -> Bytes {
    let Ok(Value::Object(mut request)) = serde_json::from_slice(&body) else {
        return body;
    };
    request.remove("ClientRequestToken");
    Value::Object(request).to_string().into()
}

async fn serve(State(servers): State<Arc<Servers>>, headers: HeaderMap, body: Bytes) -> Response {
    let target = headers.get("x-amz-target").map(|it| it.to_str());
    let target = target.and_then(Result::ok).unwrap_or_default();
    let operation = target.rsplit('.').next().unwrap_or_default().to_owned();
    let began = Instant::now();
    let database = servers.table.database();
    let Answer { status, body } = match operation.as_str() {
        "GetParametersByPath" => Answer {
            status: 200,
            body: servers.parameters.clone(),
        },
        "TransactWriteItems" => answer(database, &operation, &without_token(body)),
        _ => answer(database, &operation, &body),
    };
    let delay = servers.with_aws(|aws| {
        aws.busy += began.elapsed();
        *aws.requests.entry(operation).or_default() += 1;
        aws.delay
    });
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let media_type = [("content-type", hug::dynamodb::MEDIA_TYPE)];
    (status, media_type, body).into_response()
}

/// What was asked since the last call of this, by operation, and how long the table worked for it.
async fn counts(State(servers): State<Arc<Servers>>) -> Json<Value> {
    let network = servers.bluesky.requests().len();
    servers.bluesky.clear_requests();
    let (requests, busy) = servers.with_aws(|aws| {
        let delay = aws.delay;
        let Aws { requests, busy, .. } = std::mem::replace(
            aws,
            Aws {
                delay,
                ..Aws::default()
            },
        );
        (requests, busy)
    });
    Json(json!({ "network": network, "aws": requests, "busy": busy.as_secs_f64() }))
}

/// How far away the network and the ledger are from now on, in milliseconds.
async fn delay(State(servers): State<Arc<Servers>>, Path((network, ledger)): Path<(u64, u64)>) {
    servers.bluesky.slow_down(Duration::from_millis(network));
    servers.with_aws(|aws| aws.delay = Duration::from_millis(ledger));
}
