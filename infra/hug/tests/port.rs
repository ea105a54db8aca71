//! Who can reach the ledger: nobody through `hug watch`; through the port of `hug sandbox` only its own program.

#[cfg(unix)]
use std::process::Stdio;

use have_a_hug::http;
use hug::{
    port::Port,
    table::{self, Table},
};
use reqwest::{RequestBuilder, Response, StatusCode, header::ORIGIN};
use serde_json::Value;

#[cfg(unix)]
use crate::command_line::hug;

#[cfg(target_os = "linux")]
mod watch {
    use std::{collections::HashSet, fs};

    use crate::command_line::{CommandLine, Watch, eventually};

    /// The inode numbers of the sockets on which a process listens.
    fn listening(process: u32) -> HashSet<String> {
        let own: HashSet<String> = fs::read_dir(format!("/proc/{process}/fd"))
            .unwrap()
            .filter_map(|file| fs::read_link(file.unwrap().path()).ok())
            .filter_map(|file| Some(file.to_str()?.strip_prefix("socket:[")?.replace(']', "")))
            .collect();
        let mut listening = HashSet::new();
        for sockets in ["tcp", "tcp6"] {
            let sockets = fs::read_to_string(format!("/proc/{process}/net/{sockets}")).unwrap();
            for socket in sockets.lines().skip(1) {
                let columns: Vec<&str> = socket.split_whitespace().collect();
                // 0A is the state LISTEN.
                if columns[3] == "0A" {
                    listening.insert(columns[9].to_owned());
                }
            }
        }
        &own & &listening
    }

    #[tokio::test]
    async fn a_watch_listens_on_no_socket() {
        // The stand-in in this process listens on one, which shows that the test can find sockets.
        let cli = CommandLine::with_followers(598).await;
        assert!(!listening(std::process::id()).is_empty());
        let watch = Watch::start(&cli);
        eventually(|| watch.has_printed("counted from here on")).await;
        assert_eq!(listening(watch.id()), HashSet::new());
    }
}

/// A request to read the whole ledger with this access key. The signature is not verified.
fn scan(url: &str, key: &str) -> RequestBuilder {
    let credential = format!("Credential={key}/20261122/local/dynamodb/aws4_request");
    http::client()
        .unwrap()
        .post(url)
        .header("content-type", "application/x-amz-json-1.0")
        .header("x-amz-target", "DynamoDB_20120810.Scan")
        .header("x-amz-date", "20261122T140000Z")
        .header(
            "authorization",
            format!("AWS4-HMAC-SHA256 {credential}, SignedHeaders=host, Signature=0"),
        )
        .body(format!(r#"{{"TableName":"{}"}}"#, table::NAME))
}

/// Asserts that the request was refused for a reason with these words, and that no web page may read the response.
async fn assert_refused(response: Response, words: &str) {
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
    let headers = response.headers().keys().map(ToString::to_string);
    for name in headers {
        assert!(!name.starts_with("access-control-"), "{name}");
    }
    let body: Value = serde_json::from_str(&response.text().await.unwrap()).unwrap();
    let message = body["message"].as_str().unwrap();
    assert!(message.contains(words), "{message}");
}

#[tokio::test]
async fn a_port_accepts_only_its_own_access_key_and_no_request_from_a_web_page() {
    let table = Table::in_memory().await.unwrap();
    let port = Port::open(table.database()).await.unwrap();
    let other = Port::open(table.database()).await.unwrap();

    let own = scan(port.url(), port.key()).send().await.unwrap();
    assert_eq!(own.status(), StatusCode::OK);
    let body: Value = serde_json::from_str(&own.text().await.unwrap()).unwrap();
    assert_eq!(body["Count"], 0);

    for key in ["local", "", other.key(), &port.key()[1..]] {
        let response = scan(port.url(), key).send().await.unwrap();
        assert_refused(response, "only the access key of its own run").await;
    }
    let nobody = http::client().unwrap().post(port.url()).body("{}");
    assert_refused(nobody.send().await.unwrap(), "only the access key").await;

    let page = "https://page.example";
    let from_page = scan(port.url(), port.key()).header(ORIGIN, page);
    assert_refused(from_page.send().await.unwrap(), "web pages").await;
    let client = http::client().unwrap();
    let preflight = client
        .request(reqwest::Method::OPTIONS, port.url())
        .header(ORIGIN, page)
        .header("access-control-request-method", "POST");
    assert_refused(preflight.send().await.unwrap(), "web pages").await;
}

#[cfg(unix)]
#[tokio::test]
async fn a_sandbox_passes_its_access_key_to_its_program() {
    let folder = tempfile::TempDir::new().unwrap();
    let print = "echo key $AWS_ACCESS_KEY_ID";
    let run = || {
        let mut command = hug();
        let command = command
            .args(["sandbox", "--", "/bin/sh", "-c", print])
            .current_dir(folder.path());
        let ended = command.stderr(Stdio::inherit()).output().unwrap();
        assert!(ended.status.success());
        let output = String::from_utf8(ended.stdout).unwrap();
        let key = output.lines().find_map(|line| line.strip_prefix("key "));
        key.unwrap().to_owned()
    };
    let (first, second) = (run(), run());
    assert_eq!(first.len(), 32);
    assert_ne!(first, second, "each run has its own");
}
