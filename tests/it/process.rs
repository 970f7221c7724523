//! The program itself: signals and exit codes.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Output, Stdio};

use crate::harness::{BEFORE, Client, callback, eventually, message, patient, rule};

pub(crate) fn quell(home: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_quell"));
    command.args(arguments).current_dir(home).env_clear();
    command
}

pub(crate) fn home(word: &str) -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    fs::create_dir(home.path().join("rules")).unwrap();
    fs::write(home.path().join("rules/bad.toml"), rule(word)).unwrap();
    home
}

/// A serving process. Killed when dropped, if it is still there.
pub(crate) struct Serving {
    child: Child,
    log: BufReader<ChildStderr>,
    /// The log line that says where it serves.
    event: serde_json::Value,
}

impl Serving {
    /// Starts on free ports and waits until it serves.
    fn start(home: &Path) -> Self {
        Self::run(quell(home, &["serve", "--listen", "127.0.0.1:0", "--operator", "127.0.0.1:0"]))
    }

    /// Starts this and waits until it serves.
    pub(crate) fn run(mut command: Command) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let log = BufReader::new(child.stderr.take().unwrap());
        let mut serving = Self { child, log, event: serde_json::Value::Null };
        serving.event = serde_json::from_str(&serving.wait_for("\"serving\"")).unwrap();
        serving
    }

    /// Reads the log up to a line with these words in it, which is returned.
    pub(crate) fn wait_for(&mut self, words: &str) -> String {
        self.read_to(words).lines().next_back().unwrap().to_owned()
    }

    /// Reads the log up to a line with these words in it, and returns all of it.
    fn read_to(&mut self, words: &str) -> String {
        let mut log = String::new();
        while !log.lines().next_back().is_some_and(|line| line.contains(words)) {
            assert!(self.log.read_line(&mut log).unwrap() > 0, "ended without {words}");
        }
        log
    }

    /// The address for callbacks.
    pub(crate) fn callbacks(&self) -> String {
        self.event["callbacks"].as_str().unwrap().to_owned()
    }

    pub(crate) fn connect(&self) -> Client {
        Client::open(self.callbacks().parse().unwrap())
    }

    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status();
        assert!(sent.unwrap().success());
    }

    pub(crate) fn ends_with_success(&mut self) -> bool {
        self.child.wait().unwrap().success()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.child.kill().unwrap_or_default();
        self.child.wait().unwrap();
    }
}

#[test]
fn terminating_ends_with_success_and_the_log_tells_no_text() {
    let home = home("badword");
    let mut serving = Serving::start(home.path());
    let event = &serving.event;
    assert_eq!((&event["rules"], &event["signed"]), (&1.into(), &false.into()));
    let mut client = serving.connect();
    for body in [message("a badword among my secrets"), "my secrets".to_owned()] {
        assert_eq!(client.ask(&callback(BEFORE, &body)).status, 200);
    }
    serving.signal("TERM");
    assert!(serving.ends_with_success());
    let mut rest = String::new();
    serving.log.read_to_string(&mut rest).unwrap();
    assert!(rest.contains("\"stopped\""), "{rest}");
    let fault = rest.lines().find(|line| line.contains("fallback answered")).unwrap();
    assert!(serde_json::from_str::<serde_json::Value>(fault).unwrap()["request"].is_string());
    assert!(!rest.contains("secrets"), "{rest}");
}

/// What libraries say through `log` is nobody's business, and holds paths of where they were built.
#[test]
fn libraries_are_not_heard() {
    let home = home("badword");
    let serve = ["serve", "--listen", "127.0.0.1:0", "--operator", "127.0.0.1:0"];
    let mut command = quell(home.path(), &serve);
    command.env("QUELL_LOG__LEVEL", "trace");
    let mut serving = Serving::run(command);
    // notify has seen this once it is reloaded.
    fs::write(home.path().join("rules/bad.toml"), rule("otherword")).unwrap();
    let mut log = serving.read_to("rules reloaded");
    serving.signal("TERM");
    assert!(serving.ends_with_success());
    serving.log.read_to_string(&mut log).unwrap();
    assert!(!log.contains("log.target") && !log.contains("inotify"), "{log}");
}

#[test]
fn hanging_up_reloads() {
    let home = home("badword");
    let mut serving = Serving::start(home.path());
    fs::write(home.path().join("rules/bad.toml"), rule("otherword")).unwrap();
    serving.signal("HUP");
    serving.wait_for("rules reloaded");
    let reply = serving.connect().ask(&callback(BEFORE, &message("otherword")));
    assert_eq!(reply.json()["ErrorCode"].as_u64(), Some(1));
    serving.signal("INT");
    assert!(serving.ends_with_success());
}

/// Ready, stopped, and not a node of ours.
#[test]
fn health_is_told_by_the_exit_code() {
    let home = home("badword");
    let mut serving = Serving::start(home.path());
    let address = serving.event["operator"].as_str().unwrap().to_owned();
    let health = |address: &str| quell(home.path(), &["health", "--operator", address]).output();
    let output = health(&address).unwrap();
    assert_eq!((output.status.code(), &*output.stdout), (Some(0), &b"ready\n"[..]));
    // Where it listens on every address, loopback is asked.
    let port = address.rsplit(':').next().unwrap();
    assert_eq!(health(&format!("0.0.0.0:{port}")).unwrap().status.code(), Some(0));
    fails(&health(&serving.callbacks()).unwrap(), 1, &["the node at", "says 4"]);
    serving.signal("TERM");
    assert!(serving.ends_with_success());
    fails(&health(&address).unwrap(), 1, &["no node answers", "listen.operator"]);
    fails(&health("nowhere").unwrap(), 64, &["--operator"]);
}

#[track_caller]
fn fails(output: &Output, code: i32, words: &[&str]) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{said}");
    for word in words {
        assert!(said.contains(word), "no `{word}` in: {said}");
    }
}

#[test]
fn wrong_usage_ends_with_64_and_says_what_to_do() {
    let home = home("badword");
    let run = |arguments: &[&str]| quell(home.path(), arguments).output().unwrap();
    fails(&run(&["serve", "--nonsense"]), 64, &["--nonsense"]);
    fails(&run(&["serve", "--listen", "nowhere"]), 64, &["--listen", "invalid socket address"]);
    fails(&run(&["serve", "--listen", "0.0.0.0:0"]), 64, &["unsigned", "tokens", "--insecure"]);
    for command in ["serve", "doctor", "config"] {
        fails(&run(&[command, "--operator", "0.0.0.0:0"]), 64, &["operator_token_file"]);
    }
    fails(&run(&["serve", "--config", "none.toml"]), 64, &["none.toml"]);
    fs::write(home.path().join("quell.toml"), "[limits]\nbody_maxx = 1\n").unwrap();
    fails(&run(&["serve"]), 64, &["quell.toml", "line 2", "body_maxx", "body_max"]);
    fs::remove_file(home.path().join("quell.toml")).unwrap();
    let output = quell(home.path(), &["serve"]).env("QUELL_LIMITS__BODY_MAX", "lots").output();
    fails(&output.unwrap(), 64, &["QUELL_LIMITS__BODY_MAX", "`lots`", "256KiB"]);
}

#[test]
fn wrong_rules_end_with_65_and_say_where() {
    let home = home("badword");
    fs::write(home.path().join("rules/worse.toml"), "[[rule]]\nid = 'a.b'\nthenn = 1\n").unwrap();
    let ports = ["serve", "--listen", "127.0.0.1:0", "--operator", "127.0.0.1:0"];
    fails(&quell(home.path(), &ports).output().unwrap(), 65, &["worse.toml:3", "thenn"]);
    fs::remove_dir_all(home.path().join("rules")).unwrap();
    fails(&quell(home.path(), &ports).output().unwrap(), 65, &["cannot read rules", "--rules"]);
    let check = quell(home.path(), &["check"]).output().unwrap();
    fails(&check, 65, &["cannot read rules"]);
}

#[test]
fn a_taken_address_is_named() {
    let home = home("badword");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let arguments = ["serve", "--listen", &address, "--operator", "127.0.0.1:0"];
    fails(&quell(home.path(), &arguments).output().unwrap(), 1, &[&address, "listen.callbacks"]);
}

#[test]
fn what_holds_no_message_is_not_taken_for_an_allowed_one() {
    let home = home("badword");
    let judge = |body: &str| {
        fs::write(home.path().join("body.json"), body).unwrap();
        quell(home.path(), &["judge", "body.json"]).output().unwrap()
    };
    let body = r#"{"MsgBody":[{"MsgType":"TIMTextElem","MsgContent":{"Text":"badword"}}]}"#;
    let output = judge(body);
    assert!(output.status.success() && output.stdout.starts_with(b"deny"), "{output:?}");
    fails(&judge(r#"{"CallbackCommand":"State.StateChange"}"#), 1, &["nothing to judge"]);
    fails(&judge(r#"{"txt":"badword"}"#), 1, &["unknown field `txt`", "`text`"]);
    let long = format!(r#"{{"text":"{}badword"}}"#, "a ".repeat(1 << 19));
    fails(&judge(&long), 1, &["longer than 1048576 bytes", "--jsonl"]);
    fs::write(home.path().join("body.json"), r#"{"MsgBody":[]}"#).unwrap();
    let output = quell(home.path(), &["judge", "--json", "body.json"]).output().unwrap();
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["not_fired"][0]["why"], "the message has no elements");
}

/// `quell … | head -1`: nobody is told of a broken pipe, and what was found out still counts.
#[test]
fn a_reader_who_has_seen_enough_is_no_failure() {
    let home = home("badword");
    fs::write(home.path().join("many.txt"), "x\n".repeat(50)).unwrap();
    fs::write(home.path().join("fine.txt"), "free coins\n").unwrap();
    fs::write(home.path().join("lines.jsonl"), "{\"text\":\"hi\"}\n".repeat(5_000)).unwrap();
    for (arguments, code) in [
        (&["judge", "--jsonl", "lines.jsonl"][..], 0),
        (&["judge", "--text", "hi", "--json"], 0),
        (&["judge", "--text", "hi"], 0),
        (&["list", "lint", "many.txt"], 65),
        (&["list", "import", "fine.txt", "--out", "new"], 0),
        (&["check"], 0),
        (&["check", "none"], 65),
        (&["schema"], 0),
        (&["--help"], 0),
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = quell(home.path(), arguments).stdout(writer).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
        assert_eq!(said.is_empty(), arguments != ["check", "none"], "{arguments:?}: {said}");
    }
}

#[test]
fn the_configuration_can_be_seen_without_its_secrets() {
    let home = home("badword");
    let file =
        "[[app]]\nsdk_app_id = 7\ntokens = ['hush', 'hush']\n\n[limits]\nbody_max = '1MiB'\n";
    fs::write(home.path().join("quell.toml"), file).unwrap();
    let output = quell(home.path(), &["config", "--listen", "127.0.0.1:8181"])
        .env("QUELL_LOG__LEVEL", "debug")
        .env("QUELL_LISTEN__OPERATOR_TOKEN", "hush")
        .output()
        .unwrap();
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && !shown.contains("hush"), "{shown}");
    for (line, origin) in [
        ("callbacks = \"127.0.0.1:8181\"", "--listen"),
        ("level = \"debug\"", "QUELL_LOG__LEVEL"),
        ("body_max = \"1MiB\"", "file"),
        ("header_timeout = \"5s\"", "default"),
        ("tokens = [\"[redacted]\", \"[redacted]\"]", "file"),
    ] {
        let found = shown.lines().find(|shown| shown.starts_with(line)).expect(line);
        assert!(found.ends_with(&format!("# {origin}")), "{found}");
    }
    shown.parse::<toml::Table>().unwrap();
}

#[test]
fn what_init_writes_is_fit_to_go_live_and_never_overwrites() {
    let home = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| quell(home.path(), arguments).output().unwrap();
    let output = run(&["init", "moderation"]);
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && said.contains("quell serve"), "{said}");
    assert!(run(&["check", "moderation/rules", "--strict"]).status.success());
    let file = fs::read(home.path().join("moderation/quell.toml")).unwrap();
    fails(&run(&["init", "moderation"]), 1, &["moderation/quell.toml", "nothing was written"]);
    assert_eq!(fs::read(home.path().join("moderation/quell.toml")).unwrap(), file);
    let mut serving = Serving::start(&home.path().join("moderation"));
    let reply = serving.connect().ask(&callback(BEFORE, &message("想看更多加薇信哦")));
    assert_eq!(reply.json()["ErrorCode"].as_u64(), Some(10110));
    serving.signal("TERM");
    assert!(serving.ends_with_success());
    // One file in the way is enough for none to be written.
    fs::create_dir_all(home.path().join("other/rules")).unwrap();
    fs::write(home.path().join("other/rules/ads.toml"), "mine").unwrap();
    fails(&run(&["init", "other"]), 1, &["other/rules/ads.toml"]);
    assert!(!home.path().join("other/quell.toml").exists());
}

#[test]
fn the_log_level_can_be_changed_while_serving() {
    let home = home("badword");
    let mut serving = Serving::start(home.path());
    let operator = serving.event["operator"].as_str().unwrap().to_owned();
    let run = |arguments: &[&str]| {
        let all = [&["log-level", "--operator", &operator], arguments].concat();
        let output = quell(home.path(), &all).output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let said = |level: &str| (Some(0), format!("{level}\n"));
    assert_eq!(run(&[]), said("info"));
    assert_eq!(run(&["debug"]), said("debug"));
    serving.connect().ask(&callback(BEFORE, &message("hello")));
    serving.wait_for("\"answered\"");
    for wrong in ["loud", "", " "] {
        assert_eq!(run(&[wrong]), (Some(1), String::new()), "{wrong:?}");
    }
    assert_eq!(run(&["quell=trace,warn", "--for", "1h"]), said("quell=trace,warn"));
    assert_eq!(run(&[]), said("quell=trace,warn"));
    for wrong in ["0s", "500ms"] {
        let all = ["log-level", "debug", "--operator", &operator, "--for", wrong];
        fails(&quell(home.path(), &all).output().unwrap(), 64, &["--for", wrong, "`1s`"]);
    }
    // Silence is told, and so is its end.
    assert_eq!(run(&["off"]), said("off"));
    let told = serving.wait_for("\"now\":\"off\"");
    assert!(told.contains("\"before\":\"quell=trace,warn\""), "{told}");
    assert_eq!(run(&["info"]), said("info"));
    serving.wait_for("\"now\":\"info\"");
    assert_eq!(run(&["off", "--for", "1s"]), said("off"));
    serving.wait_for("\"for_seconds\":1");
    let told = serving.wait_for("again what it was");
    assert!(told.contains("\"now\":\"info\""), "{told}");
    let nobody = quell(home.path(), &["log-level", "--operator", "127.0.0.1:1"]).output().unwrap();
    fails(&nobody, 1, &["no node answers", "127.0.0.1:1"]);
    for wrong in ["loud", ""] {
        let output = quell(home.path(), &["serve"]).env("QUELL_LOG__LEVEL", wrong).output();
        fails(&output.unwrap(), 64, &["log.level", &format!("`{wrong}`"), "debug"]);
    }
}

#[test]
fn the_operators_token_is_shown_only_where_it_is_needed() {
    let home = home("badword");
    let anybody = TcpListener::bind("127.0.0.1:0").unwrap();
    anybody.set_nonblocking(true).unwrap();
    let operator = anybody.local_addr().unwrap().to_string();
    for (arguments, shown) in
        [(&["health"][..], false), (&["log-level"], false), (&["log-level", "debug"], true)]
    {
        let mut command = quell(home.path(), &[arguments, &["--operator", &operator]].concat());
        command.env("QUELL_LISTEN__OPERATOR_TOKEN", "hush");
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let mut caller = None;
        eventually("it asks", || {
            caller = anybody.accept().ok();
            caller.is_some()
        });
        let head = BufReader::new(patient(caller.unwrap().0)).lines().map(Result::unwrap);
        let head: Vec<String> = head.take_while(|line| !line.is_empty()).collect();
        assert_eq!(head.iter().any(|line| line.contains("hush")), shown, "{head:?}");
        child.wait().unwrap();
    }
}
