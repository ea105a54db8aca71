//! Secrets that no output may contain, and networks whose answers try to make a program print them.

use have_a_hug::clock::Clock;
use stand_ins::{Fault, Person, bluesky, x};

use crate::{body, settings};

/// The secrets, by the names of their environment variables. They contain characters that every encoding writes in
/// its own way.
pub const SECRETS: [(&str, &str); 7] = [
    ("X_API_KEY", "k3y+of/the=app&Kq7"),
    ("X_API_SECRET", "s3cret+of/the=app&Wm2"),
    ("X_ACCESS_TOKEN", "44196397-t0ken+of/her=Zr9"),
    ("X_ACCESS_SECRET", "s3cret+of/her=t0ken&Hd4"),
    ("BLUESKY_APP_PASSWORD", "p4ss+word/of=her&Tn6"),
    ("AWS_SECRET_ACCESS_KEY", "aws+s3cret/key=Yb8"),
    ("AWS_SESSION_TOKEN", "aws+session/t0ken=Gf5"),
];

/// One of the [`SECRETS`].
///
/// # Panics
///
/// If none has that name.
pub fn secret(name: &str) -> String {
    let (_, value) = SECRETS.iter().find(|(known, _)| *known == name).unwrap();
    (*value).to_owned()
}

/// Everything that would reveal a secret: each secret as it is, as a URL or a header writes it, and in base64; what is
/// computed from them for one request; and the tokens in the answer to a login.
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

/// Checks that the output of a program contains no trace of a secret.
///
/// # Panics
///
/// At the first trace, with the text around it; and where there is no output at all.
pub fn assert_contains_no_secret(output: &[u8], by: &str) {
    assert!(!output.is_empty(), "{by} printed nothing");
    for trace in traces() {
        let found = output
            .windows(trace.len())
            .position(|part| part == trace.as_bytes());
        if let Some(at) = found {
            let around = &output[at.saturating_sub(300)..(at + 100).min(output.len())];
            panic!(
                "{by} reveals {trace}: …{}…",
                String::from_utf8_lossy(around)
            );
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

/// X and Bluesky, with settings under which every follower is a milestone.
pub struct Networks {
    /// X.
    pub x: x::X,
    /// Bluesky.
    pub bluesky: bluesky::Bluesky,
    /// A hug.toml with an account on each.
    pub settings: String,
    fans: u64,
}

impl Networks {
    /// Starts both; so many people follow the creator.
    pub async fn with_followers(n: u64) -> Self {
        let x = x::X::start(Clock::system()).await.unwrap();
        x.add_account(amber_on_x());
        let bluesky = bluesky::Bluesky::start(Clock::system()).await.unwrap();
        bluesky.add_account(amber_on_bluesky());
        let more = format!(
            "\n[[account]]\nnetwork = \"bluesky\"\nhandle = \"amber.bsky.social\"\nserver = \"{0}\"\nappview = \"{0}\"",
            bluesky.url()
        );
        let settings = settings("x", "amber", x.url(), &more).replace(
            "first = 600\nstep = 100",
            "first = 2\nstep = 1\nmost_a_day = 100",
        );
        let mut networks = Self {
            x,
            bluesky,
            settings,
            fans: 0,
        };
        networks.fans(n);
        networks
    }

    /// So many more people follow.
    pub fn fans(&mut self, n: u64) {
        for _ in 0..n {
            self.fans += 1;
            let fan = Person::fan(self.fans, Clock::system().now());
            self.x.follow(fan.clone());
            self.bluesky.follow(fan);
        }
    }

    /// The next requests get every kind of bad answer. Some quote the secrets of the request, as the debugging page of a
    /// gateway does.
    pub fn answer_badly(&self) {
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

    /// The next reads get such answers too.
    pub fn refuse_reads(&self) {
        let quoted = format!("{} {}", secret("X_API_KEY"), secret("X_ACCESS_TOKEN"));
        let problem = format!(r#"{{"title":"Bad","detail":"{quoted}"}}"#);
        self.x
            .fail_next("GET /2/users", body(400, "application/json", &problem));
        self.bluesky.fail_next("getProfile", Fault::Status(401));
    }
}
