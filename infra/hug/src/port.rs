//! The table behind a port of this computer, for programs that cannot have it in their own process: the
//! functions' binaries under `cargo lambda`, and tests.

use std::sync::Arc;

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{
        HeaderMap, StatusCode,
        header::{AUTHORIZATION, CONTENT_TYPE, ORIGIN},
    },
    response::{IntoResponse, Response},
};
use dynoxide::Database;
use serde_json::json;
use tokio::{net::TcpListener, task::JoinHandle};

use crate::{
    Error,
    dynamodb::{Answer, MEDIA_TYPE, answer},
};

/// An open port on 127.0.0.1. It closes when this is dropped.
///
/// Any program and any web page on this computer can reach it, and dynoxide verifies no signature. So a request
/// must name the access key of this very port, and come from no web page. Answers have no CORS headers.
pub struct Port {
    url: String,
    key: String,
    server: JoinHandle<()>,
}

struct Door {
    database: Database,
    key: String,
}

impl Port {
    /// Opens a port in front of the database.
    ///
    /// # Errors
    ///
    /// Where no port is free, or the system gives no random number.
    pub async fn open(database: &Database) -> Result<Self, Error> {
        let mut random = [0; 16];
        getrandom::fill(&mut random)
            .map_err(|error| format!("the system gave no random number: {error}"))?;
        let key = format!("{:032X}", u128::from_le_bytes(random));
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let door = Arc::new(Door {
            database: database.clone(),
            key: key.clone(),
        });
        let router = Router::new().fallback(serve).with_state(door);
        let server = tokio::spawn(async move {
            // It serves until it is dropped; what fails before that shows at its clients.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { url, key, server })
    }

    /// Its address, for `AWS_ENDPOINT_URL`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The access key that it takes, for `AWS_ACCESS_KEY_ID`. The secret access key can be any.
    pub fn key(&self) -> &str {
        &self.key
    }
}

impl Drop for Port {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn serve(State(door): State<Arc<Door>>, headers: HeaderMap, body: Bytes) -> Response {
    let Answer { status, body } = if let Some(why) = refusal(&headers, &door.key) {
        let body = json!({
            "__type": "com.amazon.coral.service#AccessDeniedException",
            "message": why,
        });
        Answer {
            status: 403,
            body: body.to_string(),
        }
    } else {
        let target = headers.get("x-amz-target").map(|it| it.to_str());
        let target = target.and_then(Result::ok).unwrap_or_default();
        let operation = target.rsplit('.').next().unwrap_or_default();
        answer(&door.database, operation, &body)
    };
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, [(CONTENT_TYPE, MEDIA_TYPE)], body).into_response()
}

/// Why the request is refused; `None` where it is not.
fn refusal(headers: &HeaderMap, key: &str) -> Option<&'static str> {
    if headers.contains_key(ORIGIN) {
        return Some("this ledger answers no web page, and the request has the header Origin");
    }
    // AWS4-HMAC-SHA256 Credential=KEY/20261122/local/dynamodb/aws4_request, SignedHeaders=…
    let authorization = headers.get(AUTHORIZATION).and_then(|it| it.to_str().ok());
    let credential = authorization.and_then(|it| it.split_once("Credential=")?.1.split('/').next());
    if credential == Some(key) {
        None
    } else {
        Some(
            "this ledger takes only the access key of its own run; use the AWS_ACCESS_KEY_ID that `hug sandbox` prints",
        )
    }
}
