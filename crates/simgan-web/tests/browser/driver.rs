//! A real headless Chromium, driven by the W3C WebDriver protocol: JSON over HTTP to chromedriver.
//!
//! A client crate would be fewer lines here, but those that exist enable features of `syn` or `serde`: after
//! `cargo run`, `cargo test` would build every dependency a second time.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine;
use serde_json::{Value, json};

/// The key under which WebDriver passes a reference to an element.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// How the browser shows pages.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) is_dark: bool,
}

impl Look {
    pub(crate) const DESKTOP: Self = Self { width: 1280, height: 900, is_dark: false };
    pub(crate) const PHONE: Self = Self { width: 390, height: 844, is_dark: false };

    pub(crate) const fn dark(self) -> Self {
        Self { is_dark: true, ..self }
    }
}

/// One browser with a profile of its own. Both programs end with this value.
pub(crate) struct Browser {
    driver: Child,
    agent: ureq::Agent,
    /// Address of the session, without a slash at the end.
    session: String,
    _profile: tempfile::TempDir,
}

/// An element of the page, valid until the page changes.
pub(crate) struct Element<'a> {
    browser: &'a Browser,
    id: String,
}

impl Browser {
    pub(crate) fn start(look: Look) -> Self {
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver starts");
        let port = port(&mut driver);
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(60)))
            .build();
        let (agent, profile) = (ureq::Agent::new_with_config(config), tempfile::tempdir().unwrap());
        let mut browser =
            Self { driver, agent, session: format!("http://127.0.0.1:{port}"), _profile: profile };
        let created = browser.post("/session", &capabilities(look, browser._profile.path()));
        browser.session.push_str(&format!("/session/{}", created["sessionId"].as_str().unwrap()));
        browser.look(look);
        browser
    }

    /// Runs a command of the DevTools protocol.
    pub(crate) fn devtools(&self, command: &str, parameters: &Value) -> Value {
        self.post("/goog/cdp/execute", &json!({"cmd": command, "params": parameters}))
    }

    /// Shows pages in another size or in other colours from now on.
    pub(crate) fn look(&self, look: Look) {
        let scheme = if look.is_dark { "dark" } else { "light" };
        let features = json!([{"name": "prefers-color-scheme", "value": scheme}]);
        self.devtools("Emulation.setEmulatedMedia", &json!({"features": features}));
        self.devtools("Emulation.setScrollbarsHidden", &json!({"hidden": true}));
        let metrics = json!({"width": look.width, "height": look.height, "deviceScaleFactor": 1,
            "mobile": look.width < 600});
        self.devtools("Emulation.setDeviceMetricsOverride", &metrics);
    }

    pub(crate) fn go(&self, address: &str) {
        self.post("/url", &json!({"url": address}));
    }

    pub(crate) fn reload(&self) {
        self.post("/refresh", &json!({}));
    }

    /// Runs the body of a function in the page and returns its result.
    pub(crate) fn run(&self, script: &str, arguments: &Value) -> Value {
        self.post("/execute/sync", &json!({"script": script, "args": arguments}))
    }

    /// As [`Browser::run`], for a body that calls its last argument with the result.
    pub(crate) fn run_async(&self, script: &str, arguments: &Value) -> Value {
        self.post("/execute/async", &json!({"script": script, "args": arguments}))
    }

    /// Finds the first element of a CSS selector; waits for it.
    pub(crate) fn find(&self, selector: &str) -> Element<'_> {
        let found = self.wait_for(selector, || self.all(selector).pop());
        Element { browser: self, id: found }
    }

    /// The text of the first element of a CSS selector now, also while the page replaces it; empty without one.
    pub(crate) fn text(&self, selector: &str) -> String {
        let script = "return document.querySelector(arguments[0])?.innerText ?? ''";
        self.run(script, &json!([selector])).as_str().unwrap().to_owned()
    }

    /// The number of elements that fit a CSS selector now.
    pub(crate) fn count(&self, selector: &str) -> usize {
        self.all(selector).len()
    }

    /// The references of all fitting elements, the first one last.
    fn all(&self, selector: &str) -> Vec<String> {
        let found = self.post("/elements", &json!({"using": "css selector", "value": selector}));
        let elements = found.as_array().unwrap().iter().rev();
        elements.map(|element| element[ELEMENT].as_str().unwrap().to_owned()).collect()
    }

    /// Repeats a question until it has an answer.
    pub(crate) fn wait_for<T>(&self, what: &str, mut question: impl FnMut() -> Option<T>) -> T {
        let start = Instant::now();
        loop {
            if let Some(answer) = question() {
                return answer;
            }
            assert!(start.elapsed() < Duration::from_secs(30), "waited in vain for {what}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Types into whatever has the focus. WebDriver's code points stand for keys, such as `\u{e014}` for the
    /// right arrow.
    pub(crate) fn press(&self, keys: &str) {
        let key =
            |key: char| [json!({"type": "keyDown", "value": key}), json!({"type": "keyUp", "value": key})];
        let presses: Vec<Value> = keys.chars().flat_map(key).collect();
        self.post("/actions", &json!({"actions": [{"type": "key", "id": "keys", "actions": presses}]}));
    }

    /// The whole page as PNG.
    pub(crate) fn screenshot(&self) -> Vec<u8> {
        self.capture(&json!({"captureBeyondViewport": true}))
    }

    /// The upper part of the page as PNG, in this size.
    pub(crate) fn upper_part(&self, [width, height]: [u32; 2]) -> Vec<u8> {
        let clip = json!({"x": 0, "y": 0, "width": width, "height": height, "scale": 1});
        self.capture(&json!({"captureBeyondViewport": true, "clip": clip}))
    }

    fn capture(&self, parameters: &Value) -> Vec<u8> {
        let taken = self.devtools("Page.captureScreenshot", parameters);
        base64::engine::general_purpose::STANDARD.decode(taken["data"].as_str().unwrap()).unwrap()
    }

    /// What the console got since the last call.
    pub(crate) fn console(&self) -> Vec<String> {
        let lines = self.post("/se/log", &json!({"type": "browser"}));
        lines.as_array().unwrap().iter().map(|line| line["message"].as_str().unwrap().to_owned()).collect()
    }

    fn get(&self, path: &str) -> Value {
        let answer = self.agent.get(format!("{}{path}", self.session)).call();
        value(path, answer.unwrap())
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        let request = self.agent.post(format!("{}{path}", self.session));
        let answer = request.header("content-type", "application/json").send(body.to_string());
        value(path, answer.unwrap())
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Ends Chromium; a browser that has crashed already cannot answer.
        let _ = self.agent.delete(&self.session).call();
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

impl Element<'_> {
    pub(crate) fn click(&self) {
        self.post("click", &json!({}));
    }

    /// Types into the element; into a file input, the path of a file.
    pub(crate) fn type_in(&self, text: &str) {
        self.post("value", &json!({"text": text}));
    }

    pub(crate) fn property(&self, name: &str) -> Value {
        self.get(&format!("property/{name}"))
    }

    fn get(&self, what: &str) -> Value {
        self.browser.get(&format!("/element/{}/{what}", self.id))
    }

    fn post(&self, what: &str, body: &Value) {
        self.browser.post(&format!("/element/{}/{what}", self.id), body);
    }
}

/// Reads the port that chromedriver chose from what it prints. A thread reads on, so that it never blocks.
fn port(driver: &mut Child) -> u16 {
    let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
    let told = |line: &str| {
        let (_, rest) = line.split_once("started successfully on port ")?;
        rest.trim_end_matches('.').parse().ok()
    };
    let port = lines.by_ref().map_while(Result::ok).find_map(|line| told(&line)).expect("a port");
    std::thread::spawn(move || lines.for_each(drop));
    port
}

fn capabilities(look: Look, profile: &Path) -> Value {
    let arguments = [
        "--headless=new".to_owned(),
        "--no-sandbox".to_owned(), // root, as in a container, may not use it
        "--disable-dev-shm-usage".to_owned(),
        format!("--user-data-dir={}", profile.display()),
        format!("--window-size={},{}", look.width, look.height),
    ];
    json!({"capabilities": {"alwaysMatch": {
        "browserName": "chrome",
        "goog:chromeOptions": {"args": arguments},
        "goog:loggingPrefs": {"browser": "ALL"},
    }}})
}

fn value(path: &str, mut answer: ureq::http::Response<ureq::Body>) -> Value {
    let text = answer.body_mut().with_config().limit(64 << 20).read_to_string().unwrap();
    let mut answer: Value = serde_json::from_str(&text).unwrap();
    assert!(answer["value"]["error"].is_null(), "{path}: {}", answer["value"]);
    answer["value"].take()
}
