//! A port on this computer through which other programs use the table: the functions' binaries under `cargo lambda`,
//! and tests.

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

/// An open port on 127.0.0.1. The port closes when this value is dropped.
///
/// Every program and every web page on this computer can reach the port, and dynoxide does not verify signatures. So a
/// request must contain the access key of this port and must not come from a web page. Responses have no CORS headers.
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
    /// Where no port is free, or where the system has no random numbers.
    pub async fn open(database: &Database) -> Result<Self, Error> {
        let mut random = [0; 16];
        getrandom::fill(&mut random)
            .map_err(|error| format!("making the access key failed: {error}"))?;
        let key = format!("{:032X}", u128::from_le_bytes(random));
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let door = Arc::new(Door {
            database: database.clone(),
            key: key.clone(),
        });
        let router = Router::new().fallback(serve).with_state(door);
        let server = tokio::spawn(async move {
            // The server runs until the task is aborted. A failure before that shows as an error in the clients.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { url, key, server })
    }

    /// The address of the port, for `AWS_ENDPOINT_URL`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The only access key that the port accepts, for `AWS_ACCESS_KEY_ID`. It accepts any secret access key.
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

/// Why the request is refused; `None` if it is accepted.
fn refusal(headers: &HeaderMap, key: &str) -> Option<&'static str> {
    if headers.contains_key(ORIGIN) {
        return Some(
            "this ledger does not answer web pages, and the request has the header Origin",
        );
    }
    // AWS4-HMAC-SHA256 Credential=KEY/20261122/local/dynamodb/aws4_request, SignedHeaders=…
    let authorization = headers.get(AUTHORIZATION).and_then(|it| it.to_str().ok());
    let credential = authorization.and_then(|it| it.split_once("Credential=")?.1.split('/').next());
    if credential == Some(key) {
        None
    } else {
        Some(
            "this ledger accepts only the access key of its own run; use the AWS_ACCESS_KEY_ID that `hug sandbox` prints",
        )
    }
}
