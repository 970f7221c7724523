//! A real node on free ports over a directory of its own, and a plain HTTP client.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use quell::config::{Config, ConfigError, Input};
use quell::node::Running;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

/// Waiting longer than this is failing.
const PATIENCE: Duration = Duration::from_secs(20);
/// How a connection ends that was cut.
const GONE: [io::ErrorKind; 2] = [io::ErrorKind::ConnectionReset, io::ErrorKind::UnexpectedEof];
pub(crate) const BEFORE: &str = "Group.CallbackBeforeSendMsg";
const TOKEN: &str = "hush";
/// Settings with which callbacks must bear a [`signature`].
pub(crate) const SIGNED: [(&str, &str); 2] =
    [("app.sdk_app_id", "1400000001"), ("app.tokens", TOKEN)];

/// A running node. Stops when dropped.
pub(crate) struct Quell {
    node: Option<Running>,
    home: TempDir,
}

/// A configuration from settings, as variables would give them.
pub(crate) fn config(settings: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let environment: BTreeMap<String, String> = settings
        .iter()
        .map(|(key, value)| {
            let key = key.replace('.', "__").to_uppercase();
            (format!("QUELL_{key}"), (*value).to_owned())
        })
        .collect();
    Config::resolve(&Input {
        file: None,
        environment: &environment,
        flags: Vec::new(),
        cores: 2,
        read: &|path| fs::read_to_string(path),
    })
}

impl Quell {
    /// Refuses messages with `badword` in them.
    pub(crate) fn start(settings: &[(&str, &str)]) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), settings)
    }

    pub(crate) fn start_in(home: TempDir, settings: &[(&str, &str)]) -> Self {
        let rules = home.path().join("rules");
        if !rules.exists() {
            fs::create_dir(&rules).unwrap();
            fs::write(rules.join("bad.toml"), rule("badword")).unwrap();
        }
        let own = [
            ("rules", rules.to_str().unwrap()),
            ("listen.callbacks", "127.0.0.1:0"),
            ("listen.operator", "127.0.0.1:0"),
            ("limits.drain_timeout", "2s"),
        ];
        let config = config(&[&own, settings].concat()).unwrap();
        let node = Running::start(&config).unwrap();
        Self { node: Some(node), home }
    }

    pub(crate) fn node(&self) -> &Running {
        self.node.as_ref().unwrap()
    }

    pub(crate) fn rules(&self) -> PathBuf {
        self.home.path().join("rules")
    }

    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    /// A new connection for callbacks.
    pub(crate) fn connect(&self) -> Client {
        Client::open(self.node().callbacks())
    }

    /// The reply's `ErrorCode` to a group message, over a connection of its own.
    pub(crate) fn code(&self, text: &str) -> u64 {
        let reply = self.connect().ask(&callback(BEFORE, &message(text)));
        assert_eq!(reply.status, 200, "{reply:?}");
        reply.json()["ErrorCode"].as_u64().unwrap()
    }

    pub(crate) fn get(&self, path: &str) -> Reply {
        let request = format!("GET {path} HTTP/1.1\r\nhost: q\r\n\r\n");
        Client::open(self.node().operator()).ask(request.as_bytes())
    }

    pub(crate) fn post(&self, path: &str, token: Option<&str>, body: &str) -> Reply {
        let token = token.map_or_else(String::new, |t| format!("authorization: Bearer {t}\r\n"));
        let length = body.len();
        let request = format!(
            "POST {path} HTTP/1.1\r\nhost: q\r\n{token}content-length: {length}\r\n\r\n{body}"
        );
        Client::open(self.node().operator()).ask(request.as_bytes())
    }

    /// The value of the series that begins with `series`, 0 if there is none.
    pub(crate) fn metric(&self, series: &str) -> u64 {
        let text = self.get("/metrics").body;
        let line = text.lines().find(|line| {
            line.strip_prefix(series).is_some_and(|rest| rest.starts_with([' ', '{']))
        });
        line.map_or(0, |line| line.rsplit(' ').next().unwrap().parse().unwrap())
    }

    /// Stops and waits. True if no thread had panicked.
    pub(crate) fn stop(&mut self) -> bool {
        self.node.take().unwrap().stop()
    }
}

impl Drop for Quell {
    fn drop(&mut self) {
        if let Some(node) = self.node.take() {
            node.stop();
        }
    }
}

/// A rule file that refuses messages with this word in them.
pub(crate) fn rule(word: &str) -> String {
    format!(
        "[[rule]]\nid = \"test.{word}\"\ntitle = \"Says {word}\"\n\
         when.regex = ['{word}']\nthen.verdict = \"deny\"\n"
    )
}

/// The body of a callback about a group message.
pub(crate) fn message(text: &str) -> String {
    serde_json::json!({
        "CallbackCommand": BEFORE,
        "GroupId": "@TGS#A",
        "Type": "Public",
        "From_Account": "alice",
        "Operator_Account": "alice",
        "MsgBody": [{ "MsgType": "TIMTextElem", "MsgContent": { "Text": text } }],
    })
    .to_string()
}

/// A request as the platform makes it.
pub(crate) fn callback(command: &str, body: &str) -> Vec<u8> {
    signed_callback(command, "", body)
}

/// What the platform adds to the query at that time.
pub(crate) fn signature(unix_s: u64) -> String {
    let mut query = format!("&RequestTime={unix_s}&Sign=");
    for byte in Sha256::digest(format!("{TOKEN}{unix_s}")) {
        write!(query, "{byte:02x}").unwrap();
    }
    query
}

/// The wall clock.
pub(crate) fn unix_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// A request with more in its query.
pub(crate) fn signed_callback(command: &str, more: &str, body: &str) -> Vec<u8> {
    let query = format!("SdkAppid=1400000001&CallbackCommand={command}&contenttype=json{more}");
    let length = body.len();
    format!("POST /callback?{query} HTTP/1.1\r\nhost: q\r\ncontent-length: {length}\r\n\r\n{body}")
        .into_bytes()
}

/// One connection.
pub(crate) struct Client<S = TcpStream> {
    stream: S,
    buffer: Vec<u8>,
}

/// A reply.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Reply {
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// Does the server say that it closes the connection?
    pub(crate) fn closes(&self) -> bool {
        self.head.to_ascii_lowercase().contains("connection: close")
    }
}

/// A plain connection.
pub(crate) fn open(address: SocketAddr) -> TcpStream {
    patient(TcpStream::connect(address).unwrap())
}

/// Waiting on it longer than patience lasts is failing.
pub(crate) fn patient(stream: TcpStream) -> TcpStream {
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

impl Client {
    pub(crate) fn open(address: SocketAddr) -> Self {
        Self::over(open(address))
    }

    /// Closes this side: nothing more will be sent.
    pub(crate) fn end(&self) {
        self.stream.shutdown(Shutdown::Write).unwrap();
    }
}

impl<S: Read + Write> Client<S> {
    pub(crate) fn over(stream: S) -> Self {
        Self { stream, buffer: Vec::new() }
    }

    pub(crate) fn into_stream(self) -> S {
        self.stream
    }

    /// Is this answered at all?
    pub(crate) fn asks(&mut self, request: &[u8]) -> bool {
        self.try_send(request) && self.next_reply().is_some()
    }

    pub(crate) fn stream(&mut self) -> &mut S {
        &mut self.stream
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    pub(crate) fn ask(&mut self, request: &[u8]) -> Reply {
        self.send(request);
        self.reply()
    }

    /// True if the server takes all of it.
    pub(crate) fn try_send(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).is_ok()
    }

    pub(crate) fn reply(&mut self) -> Reply {
        self.next_reply().unwrap()
    }

    /// The next reply; `None` if the server closes instead.
    pub(crate) fn next_reply(&mut self) -> Option<Reply> {
        let head_end = loop {
            if let Some(at) = self.buffer.windows(4).position(|window| window == b"\r\n\r\n") {
                break at + 4;
            }
            if self.more() == 0 {
                assert!(self.buffer.is_empty(), "closed in the middle of a reply's head");
                return None;
            }
        };
        let head = String::from_utf8(self.buffer.drain(..head_end).collect()).unwrap();
        let length: usize = head
            .lines()
            .find_map(|line| {
                line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok()
            })
            .unwrap_or(0);
        while self.buffer.len() < length {
            assert!(self.more() > 0, "closed in the middle of a reply's body");
        }
        let body = String::from_utf8(self.buffer.drain(..length).collect()).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Some(Reply { status, head, body })
    }

    /// Waits for the server to close the connection.
    pub(crate) fn wait_closed(&mut self) {
        assert_eq!(self.more(), 0, "expected the end, not {:?}", self.buffer);
    }

    fn more(&mut self) -> usize {
        let mut chunk = [0; 4096];
        match self.stream.read(&mut chunk) {
            Ok(read) => {
                self.buffer.extend_from_slice(&chunk[..read]);
                read
            }
            Err(error) if GONE.contains(&error.kind()) => 0,
            Err(error) => panic!("{error}"),
        }
    }
}

/// Waits until something holds.
#[track_caller]
pub(crate) fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < PATIENCE, "never happened: {what}");
        thread::park_timeout(Duration::from_millis(10));
    }
}
