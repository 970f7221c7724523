//! What only sockets show: keep-alive, limits, refusals, and the end.

use std::fmt::Write;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hyper::StatusCode;
use quell::metrics::Metrics;
use quell::server::{Handler, Options, ProxyProtocol, Reply, Request, Server, bind};
use sha2::{Digest, Sha256};

use crate::harness::{BEFORE, Client, Quell, callback, eventually, message, signed_callback};

#[test]
fn a_connection_serves_many_callbacks() {
    let quell = Quell::start(&[]);
    let mut client = quell.connect();
    for (text, code) in [("hello", 0), ("a badword here", 1), ("hello", 0)] {
        let reply = client.ask(&callback(BEFORE, &message(text)));
        assert_eq!((reply.status, reply.json()["ErrorCode"].as_u64()), (200, Some(code)));
        assert!(!reply.closes());
    }
    assert_eq!(quell.metric("quell_verdicts_total{verdict=\"deny\"}"), 1);
    assert_eq!(quell.metric("quell_rule_hits_total{rule=\"test.badword\",mode=\"enforce\"}"), 1);
    let allowed = format!("quell_callbacks_total{{command=\"{BEFORE}\",outcome=\"allow\"}}");
    assert_eq!(quell.metric(&allowed), 2);
    assert_eq!(quell.metric("quell_request_seconds_count"), 3);
}

#[test]
fn pipelined_callbacks_are_answered_in_order() {
    let quell = Quell::start(&[]);
    let mut client = quell.connect();
    let texts = ["one", "badword", "three"];
    let requests: Vec<u8> =
        texts.iter().flat_map(|text| callback(BEFORE, &message(text))).collect();
    client.send(&requests);
    let codes: Vec<u64> =
        texts.iter().map(|_| client.reply().json()["ErrorCode"].as_u64().unwrap()).collect();
    assert_eq!(codes, [0, 1, 0]);
}

#[test]
fn connections_are_spread_over_the_workers() {
    let quell = Quell::start(&[("listen.workers", "3")]);
    let mut clients: Vec<_> = (0..9).map(|_| quell.connect()).collect();
    for client in &mut clients {
        assert_eq!(client.ask(&callback(BEFORE, &message("hello"))).status, 200);
    }
    assert_eq!(quell.metric("quell_connections_open{listener=\"callbacks\"}"), 9);
    drop(clients);
    eventually("all have left", || {
        quell.metric("quell_connections_open{listener=\"callbacks\"}") == 0
    });
}

#[test]
fn a_slow_head_is_cut_and_a_waiting_connection_is_not() {
    let quell = Quell::start(&[("limits.header_timeout", "100ms")]);
    let mut waiting = quell.connect();
    assert_eq!(waiting.ask(&callback(BEFORE, &message("hello"))).status, 200);
    let mut silent = quell.connect();
    let mut slow = quell.connect();
    slow.send(b"POST /callback HTTP/1.1\r\nhost:");
    slow.wait_closed();
    silent.wait_closed();
    let cut = "quell_connection_timeouts_total{listener=\"callbacks\",waiting_for=\"head\"}";
    assert_eq!(quell.metric(cut), 2);
    assert_eq!(waiting.ask(&callback(BEFORE, &message("hello"))).status, 200);
}

#[test]
fn a_connection_that_waits_too_long_is_closed() {
    let quell = Quell::start(&[("limits.idle_timeout", "100ms")]);
    let mut client = quell.connect();
    assert_eq!(client.ask(&callback(BEFORE, &message("hello"))).status, 200);
    client.wait_closed();
    let cut = "quell_connection_timeouts_total{listener=\"callbacks\",waiting_for=\"idle\"}";
    assert_eq!(quell.metric(cut), 1);
}

#[test]
fn a_body_that_is_too_large_gets_the_fallback() {
    let quell = Quell::start(&[("limits.body_max", "4KiB")]);
    let gift = "Live.CallbackBeforeSendGift";
    for (command, code) in [(BEFORE, 0), (gift, 1)] {
        let mut client = quell.connect();
        let reply = client.ask(&callback(command, &message(&"x".repeat(8 << 10))));
        assert_eq!(reply.status, 200);
        let refused = reply.json()["ErrorCode"].as_u64().unwrap() > 0;
        assert_eq!(refused, code > 0, "{reply:?}");
        assert!(reply.closes());
        client.wait_closed();
    }
    // Announced as far beyond the limit: not even read.
    let mut client = quell.connect();
    let head = format!(
        "POST /callback?CallbackCommand={BEFORE} HTTP/1.1\r\nhost: q\r\n\
         content-length: 1000000000\r\n\r\n"
    );
    assert_eq!(client.ask(head.as_bytes()).status, 200);
    client.wait_closed();
    // Of a length nobody announced.
    let mut client = quell.connect();
    let body = "x".repeat(0x1400);
    let chunked = format!(
        "POST /callback?CallbackCommand={BEFORE} HTTP/1.1\r\nhost: q\r\n\
         transfer-encoding: chunked\r\n\r\n1400\r\n{body}\r\n0\r\n\r\n"
    );
    assert_eq!(client.ask(chunked.as_bytes()).status, 200);
    assert_eq!(quell.metric("quell_faults_total{stage=\"body\"}"), 4);
    assert_eq!(quell.metric("quell_fallbacks_total{class=\"gift\"}"), 1);
}

#[test]
fn a_body_that_does_not_come_gets_the_fallback() {
    let quell = Quell::start(&[("limits.body_timeout", "100ms")]);
    let mut client = quell.connect();
    let request = callback(BEFORE, &message("hello"));
    let reply = client.ask(&request[..request.len() - 1]);
    assert_eq!((reply.status, reply.json()["ErrorCode"].as_u64()), (200, Some(0)));
    assert!(reply.closes());
    assert_eq!(quell.metric("quell_faults_total{stage=\"body\"}"), 1);
}

#[test]
fn a_body_in_pieces_is_put_together() {
    let quell = Quell::start(&[]);
    let mut client = quell.connect();
    let body = message("a badword in pieces");
    let (first, second) = body.split_at(body.len() / 2);
    client.send(
        format!(
            "POST /callback?CallbackCommand={BEFORE} HTTP/1.1\r\nhost: q\r\n\
             transfer-encoding: chunked\r\n\r\n{:x}\r\n{first}\r\n",
            first.len()
        )
        .as_bytes(),
    );
    client.send(format!("{:x}\r\n{second}\r\n0\r\n\r\n", second.len()).as_bytes());
    assert_eq!(client.reply().json()["ErrorCode"].as_u64(), Some(1));
}

#[test]
fn what_is_no_callback_gets_the_fallback() {
    let quell = Quell::start(&[("fallback.message", "deny")]);
    for body in ["", "[]", "no JSON"] {
        let reply = quell.connect().ask(&callback(BEFORE, body));
        assert_eq!((reply.status, reply.json()["ErrorCode"].as_u64()), (200, Some(1)), "{body}");
    }
    assert_eq!(quell.metric("quell_faults_total{stage=\"decode\"}"), 3);
}

#[test]
fn connections_over_the_cap_are_closed_at_once() {
    let quell = Quell::start(&[("limits.connections_max", "2")]);
    let mut first = quell.connect();
    let mut second = quell.connect();
    for client in [&mut first, &mut second] {
        assert_eq!(client.ask(&callback(BEFORE, &message("hello"))).status, 200);
    }
    quell.connect().wait_closed();
    assert_eq!(first.ask(&callback(BEFORE, &message("hello"))).status, 200);
    let over = "quell_connections_total{listener=\"callbacks\",outcome=\"over_cap\"}";
    assert_eq!(quell.metric(over), 1);
    drop(second);
    eventually("there is room again", || {
        quell.metric("quell_connections_open{listener=\"callbacks\"}") == 1
    });
    assert_eq!(quell.code("hello"), 0);
}

#[test]
fn other_paths_and_methods_are_refused() {
    let quell = Quell::start(&[("listen.path", "/im/callback")]);
    // Both are closed: only those who may ask can keep a connection waiting.
    let mut client = quell.connect();
    assert_eq!(client.ask(&callback(BEFORE, "{}")).status, 404);
    client.wait_closed();
    let mut client = quell.connect();
    let reply = client.ask(b"GET /im/callback HTTP/1.1\r\nhost: q\r\n\r\n");
    assert_eq!(reply.status, 405);
    assert!(reply.head.to_ascii_lowercase().contains("allow: post"));
    client.wait_closed();
    let mut client = quell.connect();
    let query = format!("/im/callback?CallbackCommand={BEFORE}");
    let request = format!("POST {query} HTTP/1.1\r\nhost: q\r\ncontent-length: 2\r\n\r\n{{}}");
    assert_eq!(client.ask(request.as_bytes()).status, 200);
    assert_eq!(quell.metric("quell_refused_total{reason=\"path\"}"), 1);
    assert_eq!(quell.metric("quell_refused_total{reason=\"method\"}"), 1);
}

#[test]
fn a_head_beyond_reading_is_refused() {
    let quell = Quell::start(&[]);
    let mut client = quell.connect();
    assert_eq!(client.ask(b"what is this\r\n\r\n").status, 400);
    let mut client = quell.connect();
    let long = "x".repeat(20 << 10);
    client.send(format!("POST /callback HTTP/1.1\r\nhost: q\r\nx: {long}\r\n\r\n").as_bytes());
    assert_eq!(client.reply().status, 431);
    assert_eq!(quell.code("hello"), 0);
}

fn signature(token: &str, time: u64) -> String {
    let digest = Sha256::digest(format!("{token}{time}").as_bytes());
    let mut query = "&Sign=".to_owned();
    for byte in digest {
        write!(query, "{byte:02x}").unwrap();
    }
    write!(query, "&RequestTime={time}").unwrap();
    query
}

#[test]
fn callbacks_must_be_signed_where_a_token_is_set() {
    let settings = [("app.sdk_app_id", "1400000001"), ("app.tokens", "old, new")];
    let quell = Quell::start(&settings);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let status =
        |more: &str| quell.connect().ask(&signed_callback(BEFORE, more, &message("hello"))).status;
    assert_eq!(status(&signature("old", now)), 200);
    assert_eq!(status(&signature("new", now - 30)), 200);
    assert_eq!(status(""), 403);
    assert_eq!(status(&signature("other", now)), 403);
    assert_eq!(status(&signature("new", now - 90)), 403);
    let other_app = format!(
        "POST /callback?SdkAppid=7&CallbackCommand={BEFORE}{} HTTP/1.1\r\nhost: q\r\n\
         content-length: 2\r\n\r\n{{}}",
        signature("new", now)
    );
    assert_eq!(quell.connect().ask(other_app.as_bytes()).status, 403);
    for reason in ["unsigned", "forged", "stale", "app"] {
        assert_eq!(quell.metric(&format!("quell_refused_total{{reason=\"{reason}\"}}")), 1);
    }
}

#[test]
fn a_body_is_not_waited_for_if_its_head_is_refused() {
    let settings =
        [("app.sdk_app_id", "1400000001"), ("app.tokens", "secret"), ("limits.body_timeout", "1h")];
    let quell = Quell::start(&settings);
    let mut client = quell.connect();
    let forged = signed_callback(BEFORE, &signature("other", 0), &message("hello"));
    let reply = client.ask(&forged[..forged.len() - 1]);
    assert_eq!((reply.status, reply.closes()), (403, true));
    assert_eq!(quell.metric("quell_refused_total{reason=\"forged\"}"), 1);
}

#[test]
fn a_node_finds_out_how_many_connections_it_can_bear() {
    let quell = Quell::start(&[("limits.answer_deadline", "1ms")]);
    // So short a deadline leaves room for the fewest only.
    let mut crowd: Vec<_> = (0..64).map(|_| quell.connect()).collect();
    for client in &mut crowd {
        assert_eq!(client.ask(&callback(BEFORE, &message("hello"))).status, 200);
    }
    quell.connect().wait_closed();
}

/// Holds its thread until it is let go.
struct Stuck(Arc<Mutex<()>>);

impl Handler for Stuck {
    async fn handle(&self, _: &Request) -> Reply {
        drop(self.0.lock());
        Reply::json(StatusCode::OK, "{}")
    }
}

#[test]
fn a_stuck_worker_is_noticed() {
    let lock = Arc::new(Mutex::new(()));
    let listener = bind(([127, 0, 0, 1], 0).into()).unwrap();
    let address = listener.local_addr().unwrap();
    let meters = Metrics::new(1, &["unknown"]).unwrap().listener("test");
    let (stop, stopping) = tokio::sync::watch::channel(false);
    let second = Duration::from_secs(1);
    let options = Options {
        connections_per_address_max: 0,
        requests_per_address_max: 0,
        trusted_proxies: Vec::new(),
        proxy_protocol: ProxyProtocol::Off,
        tls: None,
        handshake_timeout: Duration::from_secs(5),
        workers: 2,
        connections_max: 4,
        header_timeout: second,
        body_timeout: second,
        idle_timeout: second,
        head_max: 16 << 10,
        body_max: 1 << 10,
        drain_timeout: second,
    };
    let handler = { Arc::clone(&lock) };
    let server = Server::start(listener, "test", &options, &meters, &stopping, move |_| {
        Stuck(Arc::clone(&handler))
    })
    .unwrap();
    let beats = server.beats();
    let held = lock.lock().unwrap();
    let mut client = Client::open(address);
    client.send(b"GET / HTTP/1.1\r\nhost: q\r\n\r\n");
    eventually("it is seen that one is stuck", || beats.stalled() > second);
    drop(held);
    assert_eq!(client.reply().status, 200);
    eventually("both are at work again", || beats.stalled() < second);
    stop.send_replace(true);
    assert!(server.join());
}

#[test]
fn stopping_lets_callbacks_in_flight_end() {
    let mut quell = Quell::start(&[]);
    let mut half_sent = quell.connect();
    let request = callback(BEFORE, &message("badword"));
    let (first, rest) = request.split_at(request.len() - 5);
    half_sent.send(first);
    let mut waiting = quell.connect();
    assert_eq!(waiting.ask(&callback(BEFORE, &message("hello"))).status, 200);
    quell.node().begin_stop();
    assert_eq!(quell.get("/ready").status, 503);
    // A connection may still bring one more, and is told to close.
    let reply = waiting.ask(&callback(BEFORE, &message("badword")));
    assert_eq!((reply.json()["ErrorCode"].as_u64(), reply.closes()), (Some(1), true));
    half_sent.send(rest);
    let reply = half_sent.reply();
    assert_eq!((reply.json()["ErrorCode"].as_u64(), reply.closes()), (Some(1), true));
    assert!(quell.stop());
    half_sent.wait_closed();
}

#[test]
fn stopping_does_not_wait_for_ever() {
    let mut quell =
        Quell::start(&[("limits.drain_timeout", "200ms"), ("limits.body_timeout", "1h")]);
    let mut never_sent = quell.connect();
    let request = callback(BEFORE, &message("hello"));
    never_sent.send(&request[..request.len() - 1]);
    let mut idle = quell.connect();
    assert_eq!(idle.ask(&request).status, 200);
    assert!(quell.stop());
    never_sent.wait_closed();
    idle.wait_closed();
}

#[test]
fn callbacks_from_many_connections_are_all_answered() {
    let quell = Quell::start(&[]);
    let address = quell.node().callbacks();
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let mut client = Client::open(address);
                for turn in 0..50 {
                    let (text, code) = if turn % 2 == 0 { ("hello", 0) } else { ("badword", 1) };
                    let reply = client.ask(&callback(BEFORE, &message(text)));
                    assert_eq!(reply.json()["ErrorCode"].as_u64(), Some(code));
                }
            });
        }
    });
    assert_eq!(quell.metric("quell_verdicts_total{verdict=\"deny\"}"), 200);
    assert_eq!(quell.metric("quell_rule_hits_total{rule=\"test.badword\",mode=\"enforce\"}"), 200);
}
