//! `quell doctor`: a healthy home, and one thing broken at a time.

use std::fs::{self, Permissions};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

use crate::authority::{Authority, Kind};
use crate::harness::{BEFORE, Quell, SIGNED, message, rule, signature, signed_callback, unix_s};
use crate::process::{home, quell};

const FREE: [&str; 4] = ["--listen", "127.0.0.1:0", "--operator", "127.0.0.1:0"];
const BROKEN: &str = "[[rule]]\nid = 'a.b'\nthenn = 1\n";

/// What the doctor says in JSON, and its exit code.
struct Visit {
    code: i32,
    report: Value,
}

impl Visit {
    fn of(output: &Output) -> Self {
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.is_empty(), "{said}");
        let report = serde_json::from_slice(&output.stdout).unwrap();
        Self { code: output.status.code().unwrap(), report }
    }

    fn check(&self, name: &str) -> &Value {
        let mut checks = self.report["checks"].as_array().unwrap().iter();
        checks.find(|check| check["name"] == name).unwrap()
    }

    /// The names of the checks with this status.
    fn are(&self, status: &str) -> Vec<&str> {
        let checks = self.report["checks"].as_array().unwrap().iter();
        let found = checks.filter(|check| check["status"] == status);
        found.map(|check| check["name"].as_str().unwrap()).collect()
    }

    /// Did this check end so, with these words?
    #[track_caller]
    fn says(&self, name: &str, status: &str, words: &[&str]) {
        let check = self.check(name);
        assert_eq!(check["status"], status, "{check}");
        assert_eq!(check["mend"].is_string(), status != "ok", "{check}");
        for word in words {
            assert!(check.to_string().contains(word), "no `{word}` in: {check}");
        }
        let broken = !self.are("problem").is_empty();
        assert_eq!((self.code, &self.report["ok"]), (i32::from(broken), &(!broken).into()));
    }
}

fn doctor(home: &Path, arguments: &[&str]) -> Command {
    quell(home, &[&["doctor"], arguments].concat())
}

fn visit(home: &Path, arguments: &[&str]) -> Visit {
    Visit::of(&doctor(home, &[arguments, &["--json"]].concat()).output().unwrap())
}

/// One app with a token that its owner alone can read.
fn signed_home() -> TempDir {
    let home = home("badword");
    let mut rules = rule("badword");
    for (text, verdict) in [("a badword", "deny"), ("a word", "allow")] {
        rules += &*format!("[[rule.example]]\ntext = '{text}'\nverdict = '{verdict}'\n");
    }
    fs::write(home.path().join("rules/bad.toml"), rules).unwrap();
    let file = "[[app]]\nsdk_app_id = 7\ntoken_files = ['token']\n";
    fs::write(home.path().join("quell.toml"), file).unwrap();
    fs::write(home.path().join("token"), "hush").unwrap();
    mode(&home.path().join("token"), 0o600);
    home
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// An address that nobody listens on: the other tests have 127.0.0.1.
fn free() -> String {
    TcpListener::bind("127.0.0.77:0").unwrap().local_addr().unwrap().to_string()
}

/// At a node that runs.
fn visit_node(node: &Quell, more: &[&str]) -> Visit {
    let (callbacks, operator) =
        (node.node().callbacks().to_string(), node.node().operator().to_string());
    let addresses = ["--listen", &callbacks, "--operator", &operator];
    visit(node.home(), &[&addresses, more].concat())
}

#[test]
fn a_healthy_home_has_nothing_to_mend() {
    let home = signed_home();
    let found = visit(home.path(), &FREE);
    assert_eq!((found.code, found.are("problem")), (0, vec![]), "{}", found.report);
    for (name, words) in [
        ("configuration", "quell.toml: callbacks of 1 app, signed"),
        ("secrets", "1 file"),
        ("rules", "1 rule, revision"),
        ("node", "none runs at 127.0.0.1:0"),
        ("listen.callbacks", "free"),
        ("listen.operator", "free"),
        ("certificate", "plain HTTP"),
        ("clock", "unknown"),
    ] {
        found.says(name, "ok", &[words]);
    }
    let output = doctor(home.path(), &FREE).env("QUELL_LIMITS__CONNECTIONS_MAX", "1").output();
    let said = String::from_utf8(output.unwrap().stdout).unwrap();
    assert!(said.ends_with("\n\nnothing to mend\n") && !said.contains('\u{1b}'), "{said}");
    assert_eq!(said.lines().filter(|line| line.starts_with("✓ ")).count(), 9, "{said}");
}

#[test]
fn without_a_configuration_there_is_only_its_error() {
    let home = home("badword");
    let output = doctor(home.path(), &["--config", "none.toml"]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), &*output.stdout), (Some(64), &b""[..]));
    assert!(said.contains("none.toml"), "{said}");
    let found = visit(home.path(), &["--config", "none.toml"]);
    assert_eq!((found.code, &found.report["ok"]), (64, &false.into()));
    assert_eq!(found.are("problem"), ["configuration"]);
    assert!(found.check("configuration")["said"].as_str().unwrap().contains("none.toml"));
}

#[test]
fn what_is_unsafe_is_warned_of() {
    let home = signed_home();
    mode(&home.path().join("token"), 0o644);
    let found = visit(home.path(), &FREE);
    found.says("secrets", "warning", &["everyone", "chmod o= token"]);
    assert_eq!(found.code, 0);
    let output = doctor(home.path(), &FREE).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("\n! secrets") && said.contains("→ `chmod o= token`"), "{said}");
    // A file with a token in it is one to hide, too.
    let file = home.path().join("quell.toml");
    fs::write(&file, "[[app]]\nsdk_app_id = 7\ntokens = ['hush']\n").unwrap();
    mode(&file, 0o604);
    visit(home.path(), &FREE).says("secrets", "warning", &["chmod o= quell.toml"]);
    fs::write(&file, "[log]\nlevel = 'loud'\n").unwrap();
    visit(home.path(), &FREE).says("configuration", "problem", &["`loud`", "log.level"]);
    fs::remove_file(&file).unwrap();
    let words = ["no file", "unsigned", "127.0.0.1:0", "sdk_app_id"];
    visit(home.path(), &FREE).says("configuration", "warning", &words);
}

#[test]
fn rules_are_judged_as_check_judges_them() {
    let home = signed_home();
    let unused = home.path().join("rules/unused.txt");
    fs::write(&unused, "word\n").unwrap();
    let words = ["1 warning", "unused.txt:1:1: warning: no rule uses", "quell check rules"];
    visit(home.path(), &FREE).says("rules", "warning", &words);
    fs::write(home.path().join("rules/worse.toml"), BROKEN).unwrap();
    let found = visit(home.path(), &FREE);
    found.says("rules", "problem", &["worse.toml:1:1: error", "quell check rules"]);
    assert_eq!(found.are("problem"), ["rules"]);
    fs::write(home.path().join("rules/worse.toml"), "").unwrap();
    let output = doctor(home.path(), &[&FREE[..], &["--json"]].concat())
        .env("QUELL_LIMITS__RULE_FILES_MAX", "1")
        .output();
    Visit::of(&output.unwrap()).says("rules", "problem", &["limits.rule_files_max"]);
    let nowhere = [&FREE[..], &["--rules", "nowhere"]].concat();
    visit(home.path(), &nowhere).says("rules", "problem", &["cannot read nowhere", "--rules"]);
}

#[test]
fn addresses_that_cannot_be_had_are_named() {
    let home = signed_home();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let found = visit(home.path(), &["--listen", &address.to_string(), "--operator", FREE[3]]);
    let port = format!("sport = :{}", address.port());
    found.says("listen.callbacks", "problem", &[&address.to_string(), "taken", &port]);
    assert_eq!(found.are("problem"), ["listen.callbacks"]);
    // For documentation: nobody's.
    let found = visit(home.path(), &["--listen", "192.0.2.1:8080", "--operator", FREE[3]]);
    found.says("listen.callbacks", "problem", &["192.0.2.1", "no address of this machine"]);
    let address = free();
    let found = visit(home.path(), &["--listen", &address, "--operator", &address]);
    found.says("listen.operator", "problem", &["address of `listen.callbacks`"]);
    // It answers, but not as a node at its operator address does.
    let other = Quell::start(&[]);
    let address = other.node().callbacks().to_string();
    let found = visit(home.path(), &["--listen", FREE[1], "--operator", &address]);
    found.says("listen.operator", "problem", &[&address, "no node answers"]);
}

#[test]
fn a_node_that_runs_is_asked() {
    let node = Quell::start(&[]);
    let found = visit_node(&node, &[]);
    assert_eq!(found.are("problem"), [""; 0], "{}", found.report);
    let status = node.get("/status").json();
    let revision = status["revision"].as_str().unwrap();
    found.says("node", "ok", &["ready at", "1 rule,", revision]);
    found.says("listen.callbacks", "ok", &["in use by the node"]);
    assert!(found.check("descriptors")["said"].as_str().unwrap().contains("for the node"));
    let operator = node.node().operator().to_string();
    let found = visit(node.home(), &["--listen", &free(), "--operator", &operator]);
    found.says("listen.callbacks", "warning", &["nothing listens", "another configuration"]);
    // Taken is not enough for it to be the node's.
    let other = TcpListener::bind("127.0.0.77:0").unwrap();
    let taken = other.local_addr().unwrap().to_string();
    let found = visit(node.home(), &["--listen", &taken, "--operator", &operator]);
    let own = node.node().callbacks().to_string();
    found.says("listen.callbacks", "problem", &[&taken, "taken", &own, "sport = :", "anew"]);
}

#[test]
fn a_token_that_is_not_the_nodes_is_found_out() {
    let node = Quell::start(&[("listen.operator_token", "hush")]);
    let operator = node.node().operator().to_string();
    let visit = |token: &[(&str, &str)]| {
        let arguments = ["--listen", FREE[1], "--operator", &operator, "--json"];
        Visit::of(&doctor(node.home(), &arguments).envs(token.iter().copied()).output().unwrap())
    };
    let token = "QUELL_LISTEN__OPERATOR_TOKEN";
    visit(&[(token, "hush")]).says("listen.operator", "ok", &["in use by the node"]);
    let words = ["another operator token", "operator_token_file"];
    visit(&[(token, "other")]).says("listen.operator", "problem", &words);
    visit(&[]).says("listen.operator", "problem", &["none is configured"]);
}

#[test]
fn a_node_that_is_not_up_to_date_is_found_out() {
    let node = Quell::start(&[]);
    let other = home("otherword");
    let other = other.path().join("rules");
    let found = visit_node(&node, &["--rules", other.to_str().unwrap()]);
    found.says("node", "warning", &["not taken", "/rules/reload"]);
    fs::write(node.rules().join("worse.toml"), BROKEN).unwrap();
    assert_eq!(node.post("/rules/reload", None, "").status, 422);
    let found = visit_node(&node, &[]);
    found.says("node", "problem", &["rejected", "worse.toml:1", "quell check rules"]);
    assert_eq!(found.are("problem"), ["rules", "node"]);
    node.node().begin_stop();
    fs::remove_file(node.rules().join("worse.toml")).unwrap();
    node.post("/rules/reload", None, "");
    visit_node(&node, &[]).says("node", "warning", &["stopping"]);
}

#[test]
fn a_clock_that_differs_from_the_platforms_is_found_out() {
    let node = Quell::start(&SIGNED);
    visit_node(&node, &[]).says("clock", "ok", &["unknown", "RequestTime"]);
    for (off, status, words) in [
        (50, "problem", &["behind", "signature_age_max", "NTP"][..]),
        (-20, "warning", &["ahead of"]),
        (25, "warning", &["behind"]),
        // The clock was set right: no worker still says otherwise.
        (0, "ok", &[" s ahead of"]),
    ] {
        let time = unix_s().checked_add_signed(off).unwrap();
        let callback = signed_callback(BEFORE, &signature(time), &message("hello"));
        assert_eq!(node.connect().ask(&callback).status, 200);
        visit_node(&node, &[]).says("clock", status, words);
    }
}

#[test]
fn certificates_are_read_and_their_days_counted() {
    let home = signed_home();
    let ca = Authority::new("one");
    let file = "[[app]]\nsdk_app_id = 7\ntoken_files = ['token']\n\n\
                [listen.tls]\ncertificate = 'server.pem'\nkey = 'server.key'\n";
    fs::write(home.path().join("quell.toml"), file).unwrap();
    for (kind, status, words) in [
        (Kind::Days(0, 30), "ok", &["server.pem", "in 30 days"][..]),
        (Kind::Days(0, 10), "warning", &["in 10 days", "takes them up"]),
        (Kind::Days(1, 30), "problem", &["not valid before", "clock"]),
        (Kind::Expired(2021), "problem", &["expired on 2021-01-01", "takes them up"]),
    ] {
        let (_, key) = ca.issue(kind).write(home.path());
        mode(&key, 0o600);
        visit(home.path(), &FREE).says("certificate", status, words);
    }
    fs::write(home.path().join("server.key"), ca.issue(Kind::Server).key).unwrap();
    mode(&home.path().join("server.key"), 0o666);
    let found = visit(home.path(), &FREE);
    found.says("certificate", "problem", &["server.key", "issued for"]);
    found.says("secrets", "warning", &["chmod o= server.key"]);
}

#[test]
fn too_few_file_descriptors_are_found_out() {
    let home = signed_home();
    let limited = |files: u32, command: &str| {
        let program = env!("CARGO_BIN_EXE_quell");
        let script = format!("ulimit -n {files}; exec {program} {command} {}", FREE.join(" "));
        let mut command = Command::new("sh");
        command.args(["-c", &script]).current_dir(home.path()).env_clear();
        command.env("QUELL_LIMITS__CONNECTIONS_MAX", "4096").env("QUELL_LISTEN__WORKERS", "2");
        command.output().unwrap()
    };
    let words = ["300 open files", "4096 connections", "too few", "LimitNOFILE"];
    Visit::of(&limited(300, "doctor --json")).says("descriptors", "warning", &words);
    // Fewer than it takes to start at all.
    let words = ["20 open files", "too few for it to start", "needs 40", "LimitNOFILE"];
    Visit::of(&limited(20, "doctor --json")).says("descriptors", "problem", &words);
    let refused = limited(20, "serve");
    let said = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert!(said.contains("20 open files") && said.contains("LimitNOFILE="), "{said}");
    assert!(!said.contains("serving"), "{said}");
}
