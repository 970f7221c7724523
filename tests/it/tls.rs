//! TLS with real handshakes: versions, resumption, client certificates, another certificate under
//! load, and peers that do not speak it.

use std::io::{self, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use rustls::client::{Resumption, Tls12Resumption};
use rustls::version::{TLS12, TLS13};
use rustls::{ALL_VERSIONS, ClientConfig, HandshakeKind, ProtocolVersion};
use tempfile::TempDir;

use crate::authority::{Authority, Issued, Kind, hello, replace, secure};
use crate::harness::{BEFORE, Client, Quell, callback, eventually, message, open};

const HANDSHAKES: &str = "quell_tls_handshakes_total";
const RELOADS: &str = "quell_tls_reloads_total";
const EXPIRY: &str = "quell_tls_certificate_expiry_timestamp_seconds";

/// A node with a certificate in a folder that goes with it, and the settings given.
fn start(
    server: &Issued,
    client_ca: Option<&Authority>,
    more: &[(&str, &str)],
) -> (Quell, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = server.write(folder.path());
    let mut settings = vec![
        ("listen.tls.certificate", certificate.to_str().unwrap()),
        ("listen.tls.key", key.to_str().unwrap()),
    ];
    let ca = client_ca.map(|ca| replace(folder.path(), "ca.pem", &ca.pem()));
    if let Some(ca) = &ca {
        settings.push(("listen.tls.client_ca", ca.to_str().unwrap()));
    }
    settings.extend(more);
    (Quell::start(&settings), folder)
}

fn handshakes(quell: &Quell, outcome: &str) -> u64 {
    quell.metric(&format!("{HANDSHAKES}{{outcome=\"{outcome}\"}}"))
}

fn reloads(quell: &Quell, outcome: &str) -> u64 {
    quell.metric(&format!("{RELOADS}{{outcome=\"{outcome}\"}}"))
}

/// The status of one callback over a new connection, and the handshake's kind.
fn ask(quell: &Quell, config: &Arc<ClientConfig>) -> io::Result<(u16, HandshakeKind)> {
    let mut client = secure(quell.node().callbacks(), config);
    // Refused after its own last word, a TLS 1.3 client hears of it only here.
    client.stream().write_all(&callback(BEFORE, &message("hello")))?;
    let mut first = [0];
    client.stream().read_exact(&mut first)?;
    let kind = client.stream().conn.handshake_kind().unwrap();
    let mut rest = [0; 12];
    client.stream().read_exact(&mut rest)?;
    assert_eq!((first[0], &rest[..8]), (b'H', &b"TTP/1.1 "[..]));
    Ok((std::str::from_utf8(&rest[8..11]).unwrap().parse().unwrap(), kind))
}

#[test]
fn callbacks_are_answered_over_either_version() {
    let ca = Authority::new("one");
    let (quell, _folder) = start(&ca.issue(Kind::Server), None, &[]);
    for (version, name) in [(&TLS12, ProtocolVersion::TLSv1_2), (&TLS13, ProtocolVersion::TLSv1_3)]
    {
        let mut client = secure(quell.node().callbacks(), &Arc::new(ca.client(&[version], None)));
        for (text, code) in [("hello", 0), ("a badword here", 1), (&*"long ".repeat(2_000), 0)] {
            let reply = client.ask(&callback(BEFORE, &message(text)));
            assert_eq!((reply.status, reply.json()["ErrorCode"].as_u64()), (200, Some(code)));
        }
        let session = &client.stream().conn;
        assert_eq!(session.protocol_version(), Some(name));
        assert_eq!(session.alpn_protocol(), Some(&b"http/1.1"[..]));
    }
    assert_eq!(handshakes(&quell, "full"), 2);
    assert_eq!(quell.metric(EXPIRY), 3_786_912_000);
}

#[test]
fn sessions_are_resumed() {
    let ca = Authority::new("one");
    let (quell, _folder) = start(&ca.issue(Kind::Server), None, &[]);
    let mut by_session_id = ca.client(&[&TLS12], None);
    by_session_id.resumption =
        Resumption::in_memory_sessions(8).tls12_resumption(Tls12Resumption::SessionIdOnly);
    let clients = [ca.client(&[&TLS13], None), ca.client(&[&TLS12], None), by_session_id];
    for client in clients {
        let client = Arc::new(client);
        let kinds: Vec<_> = (0..3).map(|_| ask(&quell, &client).unwrap().1).collect();
        let expected = [HandshakeKind::Full, HandshakeKind::Resumed, HandshakeKind::Resumed];
        assert_eq!(kinds, expected, "{client:?}");
    }
    assert_eq!((handshakes(&quell, "full"), handshakes(&quell, "resumed")), (3, 6));
}

#[test]
fn only_clients_with_a_good_certificate_get_in() {
    let (ca, other) = (Authority::new("one"), Authority::new("other"));
    let (quell, _folder) = start(&ca.issue(Kind::Server), Some(&ca), &[]);
    let refused = [
        ("none", None),
        ("of another CA", Some(other.issue(Kind::Client))),
        ("expired", Some(ca.issue(Kind::ExpiredClient))),
        ("for another purpose", Some(ca.issue(Kind::NoClient))),
    ];
    for version in ALL_VERSIONS {
        for (what, own) in &refused {
            let config = Arc::new(ca.client(&[version], own.as_ref()));
            assert!(ask(&quell, &config).is_err(), "a client certificate {what} was let in");
        }
        let config = Arc::new(ca.client(&[version], Some(&ca.issue(Kind::Client))));
        assert_eq!(ask(&quell, &config).unwrap(), (200, HandshakeKind::Full));
        assert_eq!(ask(&quell, &config).unwrap(), (200, HandshakeKind::Resumed));
    }
    eventually("all are counted", || handshakes(&quell, "bad_client_certificate") == 8);
    assert_eq!(quell.metric("quell_request_seconds_count"), 4);
}

#[test]
fn a_client_that_does_not_trust_us_is_counted() {
    let (ca, other) = (Authority::new("one"), Authority::new("other"));
    let (quell, _folder) = start(&ca.issue(Kind::Expired(2022)), None, &[]);
    for stranger in [&ca, &other] {
        assert!(ask(&quell, &Arc::new(stranger.client(ALL_VERSIONS, None))).is_err());
    }
    eventually("both are counted", || handshakes(&quell, "rejected_by_client") == 2);
    assert_eq!(quell.metric(EXPIRY), 1_640_995_200);
}

/// Says stop when dropped.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// New connections and old ones ask without pause while the certificate is swapped again and
/// again: none fails.
#[test]
fn a_certificate_is_swapped_under_load() {
    let ca = Authority::new("one");
    let (quell, folder) = start(&ca.issue(Kind::Server), None, &[]);
    let (stop, asked) = (AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| {
        // However this ends: the askers would go on for ever.
        let _stop = Stop(&stop);
        for _ in 0..2 {
            scope.spawn(|| {
                let fresh = Arc::new(ca.client(ALL_VERSIONS, None));
                let mut kept = secure(quell.node().callbacks(), &fresh);
                while !stop.load(Ordering::Relaxed) {
                    assert_eq!(kept.ask(&callback(BEFORE, &message("hello"))).status, 200);
                    assert_eq!(ask(&quell, &fresh).unwrap().0, 200);
                    asked.fetch_add(2, Ordering::Relaxed);
                }
            });
        }
        for round in 1..=5 {
            let next = ca.issue(Kind::Server);
            next.write(folder.path());
            eventually("the new certificate is shown", || {
                let mut client =
                    secure(quell.node().callbacks(), &Arc::new(ca.client(ALL_VERSIONS, None)));
                assert_eq!(client.ask(&callback(BEFORE, &message("hello"))).status, 200);
                client.stream().conn.peer_certificates().unwrap()[0] == next.der()
            });
            assert!(reloads(&quell, "applied") >= round);
        }
    });
    assert!(asked.load(Ordering::Relaxed) > 0);
    assert_eq!((handshakes(&quell, "broken"), handshakes(&quell, "rejected_by_client")), (0, 0));
}

#[test]
fn files_that_do_not_go_together_replace_nothing() {
    let ca = Authority::new("one");
    let first = ca.issue(Kind::Server);
    let (quell, folder) = start(&first, None, &[]);
    let client = Arc::new(ca.client(ALL_VERSIONS, None));
    let strange = ca.issue(Kind::Server);
    replace(folder.path(), "server.key", &strange.key);
    eventually("the wrong key is rejected", || reloads(&quell, "rejected") == 1);
    assert_eq!(ask(&quell, &client).unwrap().0, 200);
    std::fs::remove_file(folder.path().join("server.pem")).unwrap();
    eventually("the missing certificate is rejected", || reloads(&quell, "rejected") == 2);
    assert_eq!(ask(&quell, &client).unwrap().0, 200);
    // Looked at again without being asked, the same is not reported again; asked, it is.
    quell.node().reload_certificates();
    eventually("rejected, as asked", || reloads(&quell, "rejected") == 3);
    first.write(folder.path());
    quell.node().reload_certificates();
    eventually("nothing is left to do", || reloads(&quell, "unchanged") == 1);
    ca.issue(Kind::Expired(2022)).write(folder.path());
    eventually("an expired one is put in use", || quell.metric(EXPIRY) == 1_640_995_200);
    assert_eq!(reloads(&quell, "applied"), 1);
}

/// A session begun under one client CA must not be a way around the next.
#[test]
fn another_client_ca_ends_the_sessions_of_the_one_before() {
    let (ca, other) = (Authority::new("one"), Authority::new("other"));
    let (quell, folder) = start(&ca.issue(Kind::Server), Some(&ca), &[]);
    let clients: Vec<_> = ALL_VERSIONS
        .iter()
        .map(|version| Arc::new(ca.client(&[version], Some(&ca.issue(Kind::Client)))))
        .collect();
    for client in &clients {
        assert_eq!(ask(&quell, client).unwrap(), (200, HandshakeKind::Full));
        assert_eq!(ask(&quell, client).unwrap(), (200, HandshakeKind::Resumed));
    }
    replace(folder.path(), "ca.pem", &other.pem());
    eventually("the other CA is in use", || reloads(&quell, "applied") == 1);
    for client in &clients {
        assert!(ask(&quell, client).is_err());
    }
    let welcome = Arc::new(ca.client(ALL_VERSIONS, Some(&other.issue(Kind::Client))));
    assert_eq!(ask(&quell, &welcome).unwrap().0, 200);
}

#[test]
fn peers_that_do_not_speak_tls_are_cut() {
    let ca = Authority::new("one");
    let (quell, _folder) =
        start(&ca.issue(Kind::Server), None, &[("limits.handshake_timeout", "200ms")]);
    let address = quell.node().callbacks();
    let hello = hello(&Arc::new(ca.client(ALL_VERSIONS, None)));
    let oversized = [&[22, 3, 1, 0xff, 0xff][..], &vec![1; 0xffff]].concat();
    let garbage: [&[u8]; 4] =
        [&callback(BEFORE, &message("hello")), b"\x16\x03\x01\x00\x05hello", &oversized, &[0; 64]];
    for bytes in garbage {
        let mut client = Client::open(address);
        client.try_send(bytes);
        let mut said = Vec::new();
        // An alert at most, then the end, perhaps a reset.
        open_end(client.stream(), &mut said);
        assert!(said.len() <= 16, "{said:?}");
    }
    eventually("all are counted", || handshakes(&quell, "broken") == 4);
    let mut silent = Client::open(address);
    let mut half = Client::open(address);
    half.send(&hello[..hello.len() / 2]);
    let mut stuck = Client::open(address);
    stuck.send(&hello);
    silent.wait_closed();
    half.wait_closed();
    open_end(stuck.stream(), &mut Vec::new());
    eventually("all are counted", || handshakes(&quell, "late") == 3);
    let late = "quell_connection_timeouts_total{listener=\"callbacks\",waiting_for=\"handshake\"}";
    assert_eq!(quell.metric(late), 3);
    drop(open(address));
    eventually("one only knocked", || handshakes(&quell, "gone") == 1);
    eventually("all are gone", || {
        quell.metric("quell_connections_open{listener=\"callbacks\"}") == 0
    });
    let client = Arc::new(ca.client(ALL_VERSIONS, None));
    assert_eq!(ask(&quell, &client).unwrap().0, 200);
}

fn open_end(stream: &mut impl Read, said: &mut Vec<u8>) {
    match stream.read_to_end(said) {
        Ok(_) => {}
        Err(error) => assert_eq!(error.kind(), io::ErrorKind::ConnectionReset, "{error}"),
    }
}

#[test]
fn the_limits_of_plain_connections_hold() {
    let ca = Authority::new("one");
    let limits = [("limits.header_timeout", "100ms"), ("limits.body_timeout", "100ms")];
    let (quell, _folder) = start(&ca.issue(Kind::Server), None, &limits);
    let config = Arc::new(ca.client(ALL_VERSIONS, None));
    let address = quell.node().callbacks();
    let mut waiting = secure(address, &config);
    assert_eq!(waiting.ask(&callback(BEFORE, &message("hello"))).status, 200);
    let mut slow = secure(address, &config);
    slow.send(b"POST /callback HTTP/1.1\r\nhost:");
    slow.wait_closed();
    let mut deaf = secure(address, &config);
    let many = callback(BEFORE, &message("hello")).repeat(100);
    while deaf.try_send(&many) {}
    for what in ["head", "reply"] {
        let cut = format!(
            "quell_connection_timeouts_total{{listener=\"callbacks\",waiting_for=\"{what}\"}}"
        );
        assert_eq!(quell.metric(&cut), 1, "{what}");
    }
    assert_eq!(waiting.ask(&callback(BEFORE, &message("hello"))).status, 200);
}

/// In flight when the node stops: answered, with the announcement that the connection ends.
#[test]
fn stopping_lets_requests_in_flight_end() {
    let ca = Authority::new("one");
    let (mut quell, _folder) = start(&ca.issue(Kind::Server), None, &[]);
    let config = Arc::new(ca.client(ALL_VERSIONS, None));
    let mut client = secure(quell.node().callbacks(), &config);
    let mut idle = secure(quell.node().callbacks(), &config);
    for client in [&mut client, &mut idle] {
        assert_eq!(client.ask(&callback(BEFORE, &message("hello"))).status, 200);
    }
    let request = callback(BEFORE, &message("hello"));
    let (begun, rest) = request.split_at(request.len() - 4);
    client.send(begun);
    quell.node().begin_stop();
    client.send(rest);
    let reply = client.reply();
    assert!(reply.status == 200 && reply.closes(), "{reply:?}");
    client.wait_closed();
    assert!(quell.stop());
    idle.wait_closed();
}
