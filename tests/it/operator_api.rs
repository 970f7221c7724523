//! The operator API.

use std::fs;

use quell::config::ConfigError;

use crate::harness::{
    BEFORE, Client, Quell, SIGNED, config, message, rule, signature, signed_callback,
};

#[test]
fn what_is_in_use_can_be_seen() {
    let quell = Quell::start(&[]);
    for path in ["/live", "/ready"] {
        assert_eq!(quell.get(path).status, 200, "{path}");
    }
    let status = quell.get("/status").json();
    assert_eq!((&status["ready"], &status["rules"]), (&true.into(), &1.into()));
    assert_eq!(status["callbacks"], quell.node().callbacks().to_string());
    let rules = quell.get("/rules").json();
    assert_eq!(rules["revision"], status["revision"]);
    assert_eq!(rules["rules"][0]["id"], "test.badword");
    assert_eq!(rules["rules"][0]["verdict"], "deny");
    assert!(quell.get("/metrics").head.contains("text/plain; version=0.0.4"));
}

#[test]
fn a_message_can_be_tried() {
    let quell = Quell::start(&[]);
    let verdict = |body: &str| {
        let reply = quell.post("/judge", None, body);
        assert_eq!(reply.status, 200, "{reply:?}");
        reply.json()["messages"][0]["verdict"].clone()
    };
    assert_eq!(verdict(r#"{"text":"a badword"}"#), "deny");
    assert_eq!(verdict(r#"{"text":"hello"}"#), "allow");
    assert_eq!(verdict(&message("badword")), "deny");
    let unnamed = r#"{"MsgBody":[{"MsgType":"TIMTextElem","MsgContent":{"Text":"badword"}}]}"#;
    assert_eq!(verdict(unnamed), "deny");
    for nothing in ["what", r#"{"CallbackCommand":"State.StateChange"}"#] {
        let reply = quell.post("/judge", None, nothing);
        assert_eq!(reply.status, 400, "{nothing}");
        assert!(reply.json()["error"].is_string());
    }
    // Trying is not counted as happening.
    assert_eq!(quell.metric("quell_verdicts_total{verdict=\"deny\"}"), 0);
}

#[test]
fn an_edit_can_be_checked_without_being_used() {
    // Only a request looks at this directory in time: nothing in it is noticed.
    let quell = Quell::start(&[]);
    let before = quell.get("/status").json()["revision"].clone();
    let reply = quell.post("/rules/check", None, "");
    assert_eq!((reply.status, &reply.json()["ok"]), (200, &true.into()));
    fs::write(quell.rules().join("broken.toml"), "[[rule]").unwrap();
    let reply = quell.post("/rules/check", None, "");
    assert_eq!((reply.status, &reply.json()["ok"]), (422, &false.into()));
    let found = reply.json()["diagnostics"].as_array().unwrap().clone();
    assert!(found.iter().any(|one| one["file"] == "broken.toml" && one["severity"] == "error"));
    let reply = quell.post("/rules/reload", None, "");
    assert_eq!((reply.status, &reply.json()["outcome"]), (422, &"rejected".into()));
    assert_eq!(quell.get("/status").json()["revision"], before);
    fs::remove_file(quell.rules().join("broken.toml")).unwrap();
    fs::write(quell.rules().join("bad.toml"), rule("otherword")).unwrap();
    assert_eq!(quell.post("/rules/reload", None, "").status, 200);
    assert_eq!(quell.code("otherword"), 1);
}

#[test]
fn a_post_needs_the_token_where_one_is_set() {
    let quell = Quell::start(&[("listen.operator_token", "hush")]);
    for path in ["/judge", "/rules/check", "/rules/reload"] {
        for token in [None, Some("wrong"), Some("hushhush"), Some("")] {
            assert_eq!(quell.post(path, token, r#"{"text":"x"}"#).status, 401, "{path} {token:?}");
        }
        assert_eq!(quell.post(path, Some("hush"), r#"{"text":"x"}"#).status, 200, "{path}");
    }
    assert_eq!(quell.get("/metrics").status, 200);
    let request = b"PUT /log-level HTTP/1.1\r\nhost: q\r\ncontent-length: 2\r\n\r\n{}";
    assert_eq!(Client::open(quell.node().operator()).ask(request).status, 401);
    assert_eq!(quell.post("/log-level", Some("hush"), "").status, 405);
    let request = b"PUT /log-level HTTP/1.1\r\nhost: q\r\nauthorization: Bearer hush\r\n\
                    content-length: 36\r\n\r\n{\"level\": \"debug\", \"for_seconds\": 0}";
    let reply = Client::open(quell.node().operator()).ask(request);
    assert_eq!(reply.status, 400);
    assert!(reply.body.contains("`for_seconds`"), "{reply:?}");
    // Logging begins with the process, and this one is a test's.
    assert_eq!(quell.get("/log-level").status, 503);
}

#[test]
fn how_far_the_clocks_are_apart_is_told() {
    let quell = Quell::start(&SIGNED);
    let skew = || quell.get("/status").json()["signature_skew_seconds"].as_i64();
    assert_eq!(skew(), None);
    assert!(!quell.get("/metrics").body.contains("quell_signature_skew_seconds"));
    let ask = |more: &str| {
        let request = signed_callback(BEFORE, more, &message("hello"));
        assert_eq!(quell.connect().ask(&request).status, 403);
    };
    let long_ago = signature(1_669_872_112);
    // A forged one says nothing about clocks.
    ask(&long_ago.replace("RequestTime=1669872112", "RequestTime=1669872113"));
    assert_eq!(skew(), None);
    // Signed rightly, and long ago: refused, and the clocks are compared.
    ask(&long_ago);
    assert!(skew().unwrap() > 100_000_000);
    assert!(quell.metric("quell_signature_skew_seconds") > 100_000_000);
}

#[test]
fn unsigned_callbacks_say_nothing_about_clocks() {
    let quell = Quell::start(&[]);
    let request = signed_callback(BEFORE, &signature(1_669_872_112), &message("hello"));
    assert_eq!(quell.connect().ask(&request).status, 200);
    assert!(quell.get("/status").json()["signature_skew_seconds"].is_null());
}

#[test]
fn mistakes_are_answered_in_json() {
    let quell = Quell::start(&[("limits.body_max", "1KiB")]);
    let reply = quell.get("/nowhere");
    assert_eq!(reply.status, 404);
    assert!(reply.json()["error"].is_string());
    let reply = quell.get("/judge");
    assert_eq!(reply.status, 405);
    assert!(reply.head.contains("allow: POST"));
    let reply = quell.post("/metrics", None, "");
    assert_eq!(reply.status, 405);
    assert!(reply.head.contains("allow: GET"));
    let reply = quell.post("/judge", None, &"x".repeat(2 << 10));
    assert_eq!((reply.status, reply.closes()), (400, true));
}

#[test]
fn unsafe_addresses_are_refused() {
    let refused =
        |settings: &[(&str, &str)]| matches!(config(settings), Err(ConfigError::Refused(_)));
    assert!(refused(&[("listen.callbacks", "0.0.0.0:8080")]));
    assert!(refused(&[("listen.callbacks", "0.0.0.0:8080"), ("app.sdk_app_id", "1")]));
    assert!(!refused(&[
        ("listen.callbacks", "0.0.0.0:8080"),
        ("app.sdk_app_id", "1"),
        ("app.tokens", "t")
    ]));
    assert!(!refused(&[("listen.callbacks", "0.0.0.0:8080"), ("insecure", "true")]));
    assert!(refused(&[("listen.operator", "0.0.0.0:9090")]));
    assert!(!refused(&[("listen.operator", "0.0.0.0:9090"), ("listen.operator_token", "t")]));
}
