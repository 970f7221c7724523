//! The platform simulated, against real nodes and against what is not one.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::num::NonZeroU32;
use std::path::Path;
use std::thread;
use std::time::Duration;

use quell::platform::tencent::Secret;
use quell::simulate::{self, Failed, Options, Report};

use crate::harness::Quell;

fn options(target: SocketAddr, token: Option<&str>) -> Options {
    let number = |n| NonZeroU32::new(n).unwrap();
    Options {
        target: format!("http://{target}/callback").parse().unwrap(),
        app: 1_400_000_001,
        token: token.map(Secret::new),
        rate: number(600),
        duration: Duration::from_secs(1),
        rooms: number(4),
        senders: number(50),
        abuse_percent: 40,
        connections: number(4),
        seed: 7,
    }
}

fn run(target: SocketAddr, token: Option<&str>) -> Report {
    simulate::run(&options(target, token), &mut |_| {}).unwrap()
}

/// A node with the rules that are shipped.
fn shipped(settings: &[(&str, &str)]) -> Quell {
    fn copy(from: &Path, to: &Path) {
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
            let to = to.join(entry.file_name());
            if entry.path().is_dir() {
                copy(&entry.path(), &to);
            } else {
                fs::copy(entry.path(), to).unwrap();
            }
        }
    }
    let home = tempfile::tempdir().unwrap();
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("rules"), &home.path().join("rules"));
    Quell::start_in(home, settings)
}

#[test]
fn every_reply_is_valid_and_most_abuse_is_stopped() {
    let token = [("app.sdk_app_id", "1400000001"), ("app.tokens", "hush")];
    let quell = shipped(&token);
    let report = run(quell.node().callbacks(), Some("hush"));
    assert!(report.sound(), "{report}");
    assert_eq!((report.requests, report.replies.all), (600, 600));
    assert!(report.all.recall.unwrap() > 0.6 && report.all.precision.unwrap() > 0.9, "{report}");
    for kind in ["contact", "number", "link", "gambling", "loan", "scam", "rude", "forged-gift"] {
        let row = report.kinds.iter().find(|row| row.name == kind).unwrap();
        assert!(row.recall.unwrap() > 0.5, "{kind}\n{report}");
    }
    // What was delivered was told, and nothing else.
    let told = quell.metric(
        "quell_callbacks_total{command=\"Group.CallbackAfterSendMsg\",outcome=\"observed\"}",
    );
    let delivered = report.replies.allow + report.replies.mask;
    assert!(told > 0 && told <= delivered && delivered <= told + 40, "{told} {report}");
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!((&json["invalid"], &json["all"]["name"]), (&0.into(), &"all".into()));
    for words in ["p99", "recall", "contact", "zero-width"] {
        assert!(report.to_string().contains(words), "{report}");
    }
}

#[test]
fn refusals_are_not_replies() {
    let token = [("app.sdk_app_id", "1400000001"), ("app.tokens", "hush")];
    let quell = Quell::start(&token);
    let report = run(quell.node().callbacks(), Some("wrong"));
    assert_eq!((report.sound(), report.invalid), (false, 600));
    assert_eq!(report.reasons.get("HTTP status 403 in place of 200"), Some(&600));
}

#[test]
fn lost_connections_are_counted_and_replaced() {
    let quell = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = quell.local_addr().unwrap();
    // Takes each connection for one request and answers nothing.
    thread::spawn(move || {
        for stream in quell.incoming() {
            let mut stream = stream.unwrap();
            // The end of the first is that nobody only looked whether somebody is here.
            if stream.read(&mut [0; 16]).unwrap_or(0) > 0 {
                stream.write_all(b"HTTP/1.1 200").unwrap_or_default();
            }
        }
    });
    let report = run(address, None);
    assert_eq!((report.sound(), report.unanswered, report.replies.all), (false, 600, 0));
    assert!(report.reconnects > 500, "{report}");
}

#[test]
fn where_nobody_listens_that_is_said() {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let failed = simulate::run(&options(address, None), &mut |_| {}).unwrap_err();
    assert!(matches!(failed, Failed::Unreachable { .. }), "{failed}");
    let https =
        Options { target: "https://127.0.0.1/callback".parse().unwrap(), ..options(address, None) };
    let failed = simulate::run(&https, &mut |_| {}).unwrap_err();
    assert!(matches!(failed, Failed::Target), "{failed}");
}
