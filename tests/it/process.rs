//! The program itself: signals and exit codes.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use crate::harness::{BEFORE, Client, callback, message, rule};

fn quell(home: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_quell"));
    command.args(arguments).current_dir(home).env_clear();
    command
}

fn home(word: &str) -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    fs::create_dir(home.path().join("rules")).unwrap();
    fs::write(home.path().join("rules/bad.toml"), rule(word)).unwrap();
    home
}

/// Starts serving on free ports and waits for the line that says where.
fn serve(home: &Path) -> (Child, serde_json::Value, impl BufRead + use<>) {
    let ports = ["serve", "--listen", "127.0.0.1:0", "--operator", "127.0.0.1:0"];
    let mut child = quell(home, &ports).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    loop {
        line.clear();
        assert!(lines.read_line(&mut line).unwrap() > 0, "ended before it served");
        let event: serde_json::Value = serde_json::from_str(&line).unwrap();
        if event["message"] == "serving" {
            return (child, event, lines);
        }
    }
}

fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args(["-s", name, &child.id().to_string()]).status();
    assert!(sent.unwrap().success());
}

#[test]
fn terminating_ends_with_success_and_the_log_tells_no_text() {
    let home = home("badword");
    let (mut child, event, mut log) = serve(home.path());
    assert_eq!((&event["rules"], &event["signed"]), (&1.into(), &false.into()));
    let mut client = Client::open(event["callbacks"].as_str().unwrap().parse().unwrap());
    for body in [message("a badword among my secrets"), "my secrets".to_owned()] {
        assert_eq!(client.ask(&callback(BEFORE, &body)).status, 200);
    }
    signal(&child, "TERM");
    assert!(child.wait().unwrap().success());
    let mut rest = String::new();
    log.read_to_string(&mut rest).unwrap();
    assert!(rest.contains("\"stopped\"") && rest.contains("fallback answered"), "{rest}");
    assert!(!rest.contains("secrets"), "{rest}");
}

#[test]
fn hanging_up_reloads() {
    let home = home("badword");
    let (mut child, event, mut log) = serve(home.path());
    fs::write(home.path().join("rules/bad.toml"), rule("otherword")).unwrap();
    signal(&child, "HUP");
    let mut line = String::new();
    while !line.contains("rules reloaded") {
        line.clear();
        assert!(log.read_line(&mut line).unwrap() > 0, "ended before it reloaded");
    }
    let mut client = Client::open(event["callbacks"].as_str().unwrap().parse().unwrap());
    let reply = client.ask(&callback(BEFORE, &message("otherword")));
    assert_eq!(reply.json()["ErrorCode"].as_u64(), Some(1));
    signal(&child, "INT");
    assert!(child.wait().unwrap().success());
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
}

#[test]
fn a_taken_address_is_named() {
    let home = home("badword");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let arguments = ["serve", "--listen", &address, "--operator", "127.0.0.1:0"];
    fails(&quell(home.path(), &arguments).output().unwrap(), 1, &[&address, "listen.callbacks"]);
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
