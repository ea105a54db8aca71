//! No secret leaves the program but to the one server it is for: not into a log at its most talkative,
//! not onto a terminal, not into the ledger, whatever a network answers.

use std::{fs, path::Path, process::Stdio, time::Duration};

use have_a_hug::clock::Clock;
use hug::table::{self, Table};
use serde_json::{Value, json};
use stand_ins::{Fault, Person, bluesky, x};
use tempfile::TempDir;
use tokio::io::AsyncReadExt;

use crate::{
    command::binary,
    promise::body,
    proxy::{Proxy, Trouble, answer},
    world::{AMBER, settings},
};

/// With characters in them that every encoding writes in its own way.
const SECRETS: [(&str, &str); 7] = [
    ("X_API_KEY", "k3y+of/the=app&Kq7"),
    ("X_API_SECRET", "s3cret+of/the=app&Wm2"),
    ("X_ACCESS_TOKEN", "44196397-t0ken+of/her=Zr9"),
    ("X_ACCESS_SECRET", "s3cret+of/her=t0ken&Hd4"),
    ("BLUESKY_APP_PASSWORD", "p4ss+word/of=her&Tn6"),
    ("AWS_SECRET_ACCESS_KEY", "aws+s3cret/key=Yb8"),
    ("AWS_SESSION_TOKEN", "aws+session/t0ken=Gf5"),
];

fn secret(name: &str) -> String {
    let (_, value) = SECRETS.iter().find(|(known, _)| *known == name).unwrap();
    (*value).to_owned()
}

/// Everything that would give a secret away: each as it is, as a URL or a header writes it, and in
/// base64; what is made of them for one request; and the tokens that a login answers.
fn traces() -> Vec<String> {
    let percent = |text: &str| -> String {
        text.bytes()
            .map(|byte| match byte {
                b'+' | b'/' | b'=' | b'&' => format!("%{byte:02X}"),
                _ => char::from(byte).to_string(),
            })
            .collect()
    };
    let mut traces: Vec<String> = [
        "oauth_signature",
        "oauth_consumer_key",
        "eyJ",
        "Bearer ey",
        "Signature=",
    ]
    .map(str::to_owned)
    .to_vec();
    for (_, value) in SECRETS {
        traces.push(value.to_owned());
        traces.push(percent(value));
        traces.push(percent(&percent(value)));
        traces.push(value.replace('&', "\\u0026"));
        traces.push(base64(value));
    }
    traces
}

/// Without its last characters, which depend on what follows.
fn base64(text: &str) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let three = |three: &[u8]| {
        let bits = three
            .iter()
            .fold(0usize, |bits, byte| bits << 8 | usize::from(*byte));
        [18, 12, 6, 0].map(|place| char::from(LETTERS[bits >> place & 63]))
    };
    text.as_bytes().chunks_exact(3).flat_map(three).collect()
}

/// Fails on the first trace of a secret, and shows what stands around it.
fn assert_keeps_secrets(told: &[u8], by: &str) {
    assert!(!told.is_empty(), "{by} told nothing");
    for trace in traces() {
        let found = told
            .windows(trace.len())
            .position(|part| part == trace.as_bytes());
        if let Some(at) = found {
            let around = &told[at.saturating_sub(300)..(at + 100).min(told.len())];
            panic!("{by} tells {trace}: …{}…", String::from_utf8_lossy(around));
        }
    }
}

fn amber_on_x() -> x::Account {
    x::Account {
        keys: Some(x::Keys {
            api_key: secret("X_API_KEY"),
            api_secret: secret("X_API_SECRET"),
            access_token: secret("X_ACCESS_TOKEN"),
            access_secret: secret("X_ACCESS_SECRET"),
        }),
        ..x::Account::amber()
    }
}

fn amber_on_bluesky() -> bluesky::Account {
    bluesky::Account {
        app_password: secret("BLUESKY_APP_PASSWORD"),
        ..bluesky::Account::amber()
    }
}

/// Both networks, and settings under which every follower is a milestone.
struct Networks {
    x: x::X,
    bluesky: bluesky::Bluesky,
    settings: String,
    fans: u64,
}

impl Networks {
    async fn with_followers(n: u64) -> Self {
        let x = x::X::start(Clock::system()).await.unwrap();
        x.add_account(amber_on_x());
        let bluesky = bluesky::Bluesky::start(Clock::system()).await.unwrap();
        bluesky.add_account(amber_on_bluesky());
        let more = format!(
            "\n[[account]]\nnetwork = \"bluesky\"\nhandle = \"amber.bsky.social\"\nserver = \"{0}\"\nappview = \"{0}\"",
            bluesky.url()
        );
        let settings = settings("x", "amber", x.url(), &more)
            .replace("first = 600\nstep = 100", "first = 2\nstep = 1");
        let mut networks = Self {
            x,
            bluesky,
            settings,
            fans: 0,
        };
        networks.fans(n);
        networks
    }

    fn fans(&mut self, n: u64) {
        for _ in 0..n {
            self.fans += 1;
            let fan = Person::fan(self.fans, Clock::system().now());
            self.x.follow(fan.clone());
            self.bluesky.follow(fan);
        }
    }

    /// The next requests meet all that a network can answer; some of it quotes the request's own
    /// secrets, as a debugging page of a gateway does.
    fn turn_foolish(&self) {
        let all: Vec<&str> = SECRETS.iter().map(|(_, value)| *value).collect();
        let quoted = format!(
            "the request had {}, Authorization: OAuth oauth_consumer_key=\\\"k3y%2Bof%2Fthe%3Dapp%26Kq7\\\", oauth_signature=\\\"abc\\\", and Bearer eyJhbGciOi.eyJzdWIi.c2ln",
            all.join(" ")
        );
        let problem = format!(r#"{{"title":"Bad","detail":"{quoted}","type":"about:blank"}}"#);
        let xrpc = |error: &str| format!(r#"{{"error":"{error}","message":"{quoted}"}}"#);
        let html = format!("<html>{quoted}</html>");
        let json = "application/json";
        for fault in [
            Fault::Status(401),
            Fault::Status(500),
            Fault::Hangup,
            Fault::AnswerLost,
            Fault::Truncated,
            body(400, json, &problem),
            body(403, json, &problem),
            body(200, json, &format!("\"{quoted}\"")),
            body(200, "text/html", &html),
            body(500, "text/html", &html),
        ] {
            self.x.fail_next("POST /2/tweets", fault);
        }
        for fault in [
            body(400, json, &xrpc("ExpiredToken")),
            body(401, json, &xrpc("AuthMissing")),
            body(400, json, &xrpc("InvalidRequest")),
            body(500, json, &xrpc("InternalServerError")),
            body(200, json, &format!("\"{quoted}\"")),
            Fault::AnswerLost,
        ] {
            self.bluesky.fail_next("putRecord", fault);
        }
        self.bluesky.fail_next(
            "createSession",
            body(401, json, &xrpc("AuthenticationRequired")),
        );
        self.bluesky
            .fail_next("createSession", body(200, json, &format!("\"{quoted}\"")));
        self.bluesky
            .fail_next("refreshSession", body(400, json, &xrpc("ExpiredToken")));
    }

    /// The next reads meet the same.
    fn refuse_reads(&self) {
        let quoted = format!("{} {}", secret("X_API_KEY"), secret("X_ACCESS_TOKEN"));
        let problem = format!(r#"{{"title":"Bad","detail":"{quoted}"}}"#);
        self.x
            .fail_next("GET /2/users", body(400, "application/json", &problem));
        self.bluesky.fail_next("getProfile", Fault::Status(401));
    }
}

/// Every file under a folder, read to its end.
fn bytes_under(folder: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        bytes.extend(match path.is_dir() {
            true => bytes_under(&path),
            false => fs::read(path).unwrap(),
        });
    }
    bytes
}

#[tokio::test]
async fn the_hug_command_at_its_most_talkative_tells_no_secret() {
    let mut networks = Networks::with_followers(1).await;
    let desk = TempDir::new().unwrap();
    fs::write(desk.path().join("hug.toml"), &networks.settings).unwrap();
    let run = async |arguments: &[&str], with_secrets: &dyn Fn(&str) -> String| {
        let mut command = binary("hug");
        command
            .current_dir(desk.path())
            .args(arguments)
            .env("RUST_LOG", "trace")
            .env("NO_COLOR", "1");
        for (name, _) in SECRETS {
            command.env(name, with_secrets(name));
        }
        let output = tokio::task::spawn_blocking(move || command.output().unwrap())
            .await
            .unwrap();
        let told = [output.stdout, output.stderr].concat();
        assert_keeps_secrets(&told, &format!("hug {}", arguments.join(" ")));
        String::from_utf8_lossy(&told).into_owned()
    };
    run(&["check"], &secret).await;
    networks.fans(4);
    networks.refuse_reads();
    run(&["check"], &secret).await;
    networks.turn_foolish();
    let told = run(&["check"], &secret).await;
    assert!(
        told.contains("checked account=x:amber"),
        "it is as talkative as can be: {told}"
    );
    for _ in 0..2 {
        networks.fans(3);
        run(&["check"], &secret).await;
    }
    // A secret that is mistaken for another is a secret all the same.
    networks.fans(1);
    let mixed_up = |name: &str| match name {
        "X_API_KEY" => secret("X_API_SECRET"),
        "X_API_SECRET" => secret("X_API_KEY"),
        "BLUESKY_APP_PASSWORD" => secret("X_ACCESS_SECRET"),
        name => secret(name),
    };
    run(&["check"], &mixed_up).await;
    run(&["status"], &secret).await;
    let status = run(&["status", "--json"], &secret).await;
    assert!(
        status.contains("\"invited\"") && status.contains("\"reason\""),
        "{status}"
    );
    assert_keeps_secrets(&bytes_under(&desk.path().join(".hug")), "the state");
}

/// AWS around a function: its parameters, its table and the API that hands it one event.
struct Aws {
    endpoint: Proxy,
    table: Table,
}

impl Aws {
    async fn with(settings: &str) -> Self {
        let mut parameters = vec![
            json!({ "Name": "/have-a-hug/settings", "Type": "SecureString", "Value": settings }),
        ];
        for (name, value) in SECRETS {
            let name = format!("/have-a-hug/secrets/{name}");
            parameters.push(json!({ "Name": name, "Type": "SecureString", "Value": value }));
        }
        let body = json!({ "Parameters": parameters }).to_string();
        let parameters = answer(
            "200 OK",
            "content-type: application/x-amz-json-1.1\r\n",
            body,
        );
        let table = Table::in_memory(&have_a_hug::http::client().unwrap())
            .await
            .unwrap();
        let endpoint = Proxy::before(table.endpoint(), move |_, head| {
            match head.contains("AmazonSSM.GetParametersByPath") {
                true => Trouble::Instead(parameters.clone()),
                false => Trouble::None,
            }
        })
        .await;
        Self { endpoint, table }
    }

    /// Runs a function's own binary, hands it the event, and answers all that it tells until it has
    /// answered in its turn.
    async fn invoke(&self, function: &str, event: &Value) -> String {
        let first = answer(
            "200 OK",
            "content-type: application/json\r\nlambda-runtime-aws-request-id: 1\r\nlambda-runtime-deadline-ms: 99999999999999\r\nlambda-runtime-invoked-function-arn: arn:aws:lambda:local:0:function:f\r\n",
            event.to_string(),
        );
        let runtime = Proxy::before("http://127.0.0.1:9", move |number, head| {
            match (number, head.contains("/invocation/next")) {
                (0, true) => Trouble::Instead(first.clone()),
                (_, true) => Trouble::Endless("", "", Duration::from_secs(1)),
                _ => Trouble::Instead(answer("202 Accepted", "", "")),
            }
        })
        .await;
        let mut command = binary(function);
        for (name, value) in SECRETS.iter().filter(|(name, _)| name.starts_with("AWS_")) {
            command.env(name, value);
        }
        let mut child = tokio::process::Command::from(command)
            .env("RUST_LOG", "trace")
            .env("NO_COLOR", "1")
            .env("HUG_TABLE", table::NAME)
            .env("HUG_PARAMETERS", "/have-a-hug")
            .env("AWS_ENDPOINT_URL", &self.endpoint.url)
            .env("AWS_REGION", "local")
            .env("AWS_ACCESS_KEY_ID", "local")
            .env(
                "AWS_LAMBDA_RUNTIME_API",
                runtime.url.trim_start_matches("http://"),
            )
            .env("AWS_LAMBDA_FUNCTION_NAME", function)
            .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
            .env("AWS_LAMBDA_LOG_GROUP_NAME", "log")
            .env("AWS_LAMBDA_LOG_STREAM_NAME", "log")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let (mut out, mut err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let (mut told, mut complained) = (Vec::new(), Vec::new());
        let answered = async {
            while !runtime.seen().iter().any(|head| head.starts_with("POST")) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            child.kill().await.unwrap();
        };
        let all = async {
            tokio::join!(
                out.read_to_end(&mut told),
                err.read_to_end(&mut complained),
                answered
            )
        };
        let (read, complaints, ()) = tokio::time::timeout(Duration::from_secs(30), all)
            .await
            .unwrap();
        read.unwrap();
        complaints.unwrap();
        let told = [told, complained].concat();
        assert_keeps_secrets(&told, function);
        String::from_utf8_lossy(&told).into_owned()
    }
}

fn reached(milestones: std::ops::RangeInclusive<u64>) -> Value {
    let record = |id: &str, milestone: u64| {
        let image = json!({
            "pk": { "S": id }, "sk": { "S": format!("milestone#{milestone:010}") },
            "status": { "S": "reached" },
        });
        json!({
            "eventID": "1", "eventName": "INSERT", "eventSource": "aws:dynamodb", "awsRegion": "local",
            "dynamodb": {
                "SequenceNumber": milestone.to_string(), "StreamViewType": "NEW_IMAGE",
                "SizeBytes": 1, "ApproximateCreationDateTime": 1_795_000_000, "NewImage": image,
                "Keys": { "pk": { "S": id }, "sk": image["sk"] },
            },
        })
    };
    let on_bluesky = format!("bluesky#{}", bluesky::did(AMBER));
    let records: Vec<Value> = milestones
        .flat_map(|milestone| {
            [
                record(&format!("x#{AMBER}"), milestone),
                record(&on_bluesky, milestone),
            ]
        })
        .collect();
    json!({ "Records": records })
}

#[tokio::test]
async fn the_functions_at_their_most_talkative_tell_no_secret() {
    let mut networks = Networks::with_followers(1).await;
    let aws = Aws::with(&networks.settings).await;
    aws.invoke("check-followers", &json!({})).await;
    networks.fans(8);
    networks.refuse_reads();
    aws.invoke("check-followers", &json!({})).await;
    let told = aws.invoke("check-followers", &json!({})).await;
    assert!(told.contains("milestone reached"), "{told}");
    networks.turn_foolish();
    let mut told = String::new();
    for _ in 0..4 {
        told += &aws.invoke("invite-follower", &reached(2..=9)).await;
    }
    for said in [
        "DEBUG",
        "may have been invited",
        "a person has to act",
        ": invited",
    ] {
        assert!(told.contains(said), "{said}: {told}");
    }
    assert!(!networks.x.posts().is_empty() && !networks.bluesky.posts().is_empty());
    let everything = aws
        .table
        .client()
        .scan()
        .table_name(table::NAME)
        .send()
        .await;
    let items = format!("{:?}", everything.unwrap().items());
    assert_keeps_secrets(items.as_bytes(), "the ledger");
}
