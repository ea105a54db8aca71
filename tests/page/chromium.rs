//! Chromium, driven by WebDriver, which is JSON over HTTP.

use std::{
    env,
    fmt::Display,
    fs,
    io::{self, BufRead, BufReader, Lines, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    sync::{Mutex, Once},
    time::Duration,
};

use have_a_hug::http;
use reqwest::{Client, Method};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

/// How many browsers run at once: one for each core of a small machine.
static FREE: Semaphore = Semaphore::const_new(2);

/// Browsers that a test has left, because a start takes longer than most tests.
static IDLE: Mutex<Vec<Chromium>> = Mutex::new(Vec::new());

/// How long one command may take. On a busy machine Chromium starts slowly.
const MAX_DURATION: Duration = Duration::from_mins(1);

/// Runs chromedriver until the standard input ends, which it does with this process, however that ends; then deletes the
/// folder, again and again, because Chromium writes to it for a moment longer.
const DRIVER: &str = r#"
chromedriver --port=0 & exec >&-; read -r line; kill $!; wait
for try in $(seq 20); do rm -rf "$1"; sleep 0.1; done
"#;

const FLAGS: [&str; 10] = [
    "--headless",
    // Chromium does not start with its sandbox as root, and no other page is opened here.
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    // The browser ends with chromedriver, because its end of the pipe is closed then.
    "--remote-debugging-pipe",
];

/// How a page is looked at.
#[derive(Clone, Copy)]
pub(crate) struct View {
    /// The width of the window, in CSS pixels.
    pub(crate) width: u32,
    /// Its height.
    pub(crate) height: u32,
    /// The scheme that the reader prefers, `light` or `dark`.
    pub(crate) scheme: &'static str,
    /// Whether the reader's system replaces the colours of pages.
    pub(crate) forced_colors: bool,
    /// The size of plain text, in CSS pixels. It is 16 where the reader chose nothing.
    pub(crate) text: u32,
}

impl View {
    /// What a reader sees who chose nothing but the scheme.
    pub(crate) const fn of(width: u32, scheme: &'static str) -> Self {
        Self {
            width,
            height: 844,
            scheme,
            forced_colors: false,
            text: 16,
        }
    }
}

impl Display for View {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} px, {}", self.width, self.scheme)?;
        if self.forced_colors {
            f.write_str(", forced colours")?;
        }
        if self.text != 16 {
            write!(f, ", text of {} px", self.text)?;
        }
        Ok(())
    }
}

/// A browser with one tab.
pub(crate) struct Chromium {
    // Its standard input ends with it.
    _driver: Child,
    // Open to the end, so that chromedriver can always print.
    _printed: Lines<BufReader<ChildStdout>>,
    http: Client,
    /// The address of the session.
    session: String,
    /// The profile, and the page.
    folder: PathBuf,
}

/// Runs a test in a browser that no other test uses at the time. If the browser or axe-core is not installed, nothing is
/// tested, and one line says so; it fails instead if `PAGE_TESTS=required`.
pub(crate) async fn with_chromium(test: impl AsyncFnOnce(&Chromium)) {
    let _free = FREE.acquire().await.unwrap();
    let idle = IDLE.lock().unwrap().pop();
    let started = match idle {
        Some(chromium) => Ok(chromium),
        None => Chromium::start().await,
    };
    let mut chromium = match started {
        Ok(chromium) => chromium,
        Err(missing) => return skip(&missing),
    };
    // A connection belongs to the runtime of one test.
    chromium.http = http::client().unwrap();
    test(&chromium).await;
    // After a test that fails the browser is not used again.
    IDLE.lock().unwrap().push(chromium);
}

/// Written past the test harness, which shows nothing of what a passing test prints.
fn skip(missing: &str) {
    static SAID: Once = Once::new();
    let said = format!("NOT TESTED: the songbook's page in a browser, because {missing}");
    assert!(
        env::var("PAGE_TESTS").as_deref() != Ok("required"),
        "{said}"
    );
    SAID.call_once(|| {
        let line = format!("{said}\n");
        io::stderr().write_all(line.as_bytes()).unwrap();
    });
}

impl Chromium {
    /// The error says what is not installed, and what helps.
    #[expect(
        clippy::zombie_processes,
        reason = "it ends after this process, when nobody is left to wait for it"
    )]
    async fn start() -> Result<Self, String> {
        let axe = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../.tools/axe/node_modules/axe-core/axe.min.js");
        let axe = fs::read_to_string(axe)
            .map_err(|_| "axe-core is missing: install npm, then `make .tools/axe/ready`")?;
        let missing = "Chromium is missing: install it with its chromedriver (on Debian: apt-get install chromium \
                       chromium-driver)";
        let mut folder = tempfile::Builder::new();
        let folder = folder.prefix("songbook-page-").tempdir().unwrap().keep();
        let mut driver = Command::new("sh")
            .args(["-c", DRIVER, "sh"])
            .arg(&folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut printed = BufReader::new(driver.stdout.take().unwrap()).lines();
        // An earlier line says that it will start on port 0.
        let port = loop {
            let Some(line) = printed.next() else {
                return Err(missing.into());
            };
            let line = line.unwrap();
            if let Some((_, port)) = line.split_once("successfully on port ") {
                break port.trim_end_matches('.').to_owned();
            }
        };
        let mut chromium = Self {
            _driver: driver,
            _printed: printed,
            http: http::client().unwrap(),
            session: format!("http://127.0.0.1:{port}/session"),
            folder,
        };
        let profile = chromium.folder.join("profile");
        let profile = format!("--user-data-dir={}", profile.display());
        let args = [&FLAGS[..], &[profile.as_str()]].concat();
        let capabilities = json!({ "capabilities": { "alwaysMatch": {
            "goog:chromeOptions": { "args": args },
            "goog:loggingPrefs": { "browser": "ALL", "performance": "ALL" },
        } } });
        match chromium.send(Method::POST, "", capabilities).await {
            Ok(started) => {
                let id = started["sessionId"].as_str().unwrap();
                chromium.session.push_str(&format!("/{id}"));
                // No policy of a page holds for what the driver puts beside it.
                let scripts = json!({ "source": axe + "\n" + include_str!("checks.js") });
                chromium
                    .devtools("Page.addScriptToEvaluateOnNewDocument", scripts)
                    .await;
                Ok(chromium)
            }
            Err(error) if error.contains("cannot find Chrome binary") => Err(missing.into()),
            Err(error) => panic!("Chromium does not start: {error}"),
        }
    }

    /// The error is WebDriver's own word and message.
    async fn send(&self, method: Method, path: &str, body: Value) -> Result<Value, String> {
        let request = self
            .http
            .request(method, format!("{}{path}", self.session))
            .timeout(MAX_DURATION)
            .body(body.to_string());
        let response = request.send().await.unwrap();
        let ok = response.status().is_success();
        let mut answer: Value = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap();
        let value = answer["value"].take();
        if ok {
            Ok(value)
        } else {
            Err(format!("{}: {}", value["error"], value["message"]))
        }
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        self.send(Method::POST, path, body).await.unwrap()
    }

    /// A command of the protocol of Chromium's developer tools.
    async fn devtools(&self, command: &str, parameters: Value) -> Value {
        let body = json!({ "cmd": command, "params": parameters });
        self.post("/goog/cdp/execute", body).await
    }

    /// Opens a page from a file.
    pub(crate) async fn open(&self, html: &str) {
        let file = self.folder.join("songbook.html");
        fs::write(&file, html).unwrap();
        self.visit(&format!("file://{}", file.display())).await;
    }

    /// Opens the page at that address, with axe-core and `checks.js` beside it.
    pub(crate) async fn visit(&self, url: &str) {
        // What was logged before belongs to another page.
        self.logged("performance").await;
        self.logged("browser").await;
        self.post("/url", json!({ "url": url })).await;
    }

    /// Runs the body of a function in the page. The result is what it returns, or what the promise becomes that it
    /// returns.
    pub(crate) async fn run(&self, body: &str) -> Value {
        self.post("/execute/sync", json!({ "script": body, "args": [] }))
            .await
    }

    /// What a function of `checks.js` finds, as sentences.
    pub(crate) async fn check(&self, call: &str) -> Vec<String> {
        let found = self.run(&format!("return checks.{call}")).await;
        serde_json::from_value(found).unwrap()
    }

    /// Looks at the page that way from now on.
    pub(crate) async fn view(&self, view: View) {
        let window = json!({ "width": view.width, "height": view.height, "deviceScaleFactor": 1, "mobile": false });
        self.devtools("Emulation.setDeviceMetricsOverride", window)
            .await;
        let forced = if view.forced_colors { "active" } else { "none" };
        let media = json!({ "features": [
            { "name": "prefers-color-scheme", "value": view.scheme },
            { "name": "forced-colors", "value": forced },
        ] });
        self.devtools("Emulation.setEmulatedMedia", media).await;
        let sizes = json!({ "fontSizes": { "standard": view.text, "fixed": view.text * 13 / 16 } });
        self.devtools("Page.setFontSizes", sizes).await;
    }

    /// Presses a key and lets it go, by its code point in WebDriver.
    pub(crate) async fn press(&self, key: char) {
        let actions = json!([
            { "type": "keyDown", "value": key },
            { "type": "keyUp", "value": key },
        ]);
        let keyboard = json!({ "type": "key", "id": "keyboard", "actions": actions });
        self.post("/actions", json!({ "actions": [keyboard] }))
            .await;
    }

    /// A picture of a part of the page, as PNG in base64, so equal pictures are equal texts. `clip` has `x`, `y`, `width`,
    /// `height` and `scale`.
    pub(crate) async fn picture(&self, clip: Value) -> String {
        let parameters = json!({ "format": "png", "captureBeyondViewport": true, "clip": clip });
        self.capture(parameters).await
    }

    /// A picture of what is in the window, with so many tenths of a dot for each pixel of the page. Only this one keeps the size of
    /// text that the reader chose, because Chromium forgets it when it draws beyond the window.
    pub(crate) async fn picture_of(&self, view: View, tenths: u32) -> String {
        self.view(view).await;
        let clip = json!({ "x": 0, "y": 0, "width": view.width, "height": view.height, "scale": f64::from(tenths) / 10.0 });
        self.capture(json!({ "format": "png", "clip": clip })).await
    }

    async fn capture(&self, parameters: Value) -> String {
        let taken = self.devtools("Page.captureScreenshot", parameters).await;
        taken["data"].as_str().unwrap().to_owned()
    }

    /// What Chromium printed on the page's console since it was opened.
    pub(crate) async fn console(&self) -> Vec<String> {
        let lines = self.logged("browser").await;
        lines
            .iter()
            .map(|line| format!("the console says: {}", line["message"]))
            .collect()
    }

    /// What the page asked servers for since it was opened, whether they answered or not.
    pub(crate) async fn requests(&self) -> Vec<String> {
        let lines = self.logged("performance").await;
        let events = lines.iter().map(|line| {
            let event: Value = serde_json::from_str(line["message"].as_str().unwrap()).unwrap();
            event["message"].clone()
        });
        let requests = events.filter(|event| event["method"] == "Network.requestWillBeSent");
        requests
            .map(|event| {
                event["params"]["request"]["url"]
                    .as_str()
                    .unwrap()
                    .to_owned()
            })
            .filter(|url| url.starts_with("http") || url.starts_with("ws"))
            .map(|url| format!("the page asks for {url}"))
            .collect()
    }

    /// The lines of a log since it was read last.
    async fn logged(&self, log: &str) -> Vec<Value> {
        let lines = self.post("/se/log", json!({ "type": log })).await;
        serde_json::from_value(lines).unwrap()
    }
}

/// The folder into which pictures are written, if someone wants them.
pub(crate) fn pictures() -> Option<PathBuf> {
    let folder = PathBuf::from(env::var_os("PICTURES").filter(|folder| !folder.is_empty())?);
    fs::create_dir_all(&folder).unwrap();
    Some(folder)
}
