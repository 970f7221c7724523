//! Who is calling: limits for each address, and what proxies say about it.

use std::net::{IpAddr, SocketAddr, TcpStream};
use std::sync::Arc;

use rustls::ALL_VERSIONS;
use socket2::{Domain, Socket, Type};

use crate::authority::{Authority, Kind, secure_over};
use crate::harness::{BEFORE, Client, Quell, callback, eventually, message, patient};

/// Loopback is a caller like any other.
const NOBODY_TRUSTED: (&str, &str) = ("listen.trusted_proxies", "");
const TRUSTED: (&str, &str) = ("listen.trusted_proxies", "127.0.0.1");

/// A connection from this address of our own.
fn from(address: &str, to: SocketAddr) -> Client {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let address: IpAddr = address.parse().unwrap();
    socket.bind(&SocketAddr::new(address, 0).into()).unwrap();
    socket.connect(&to.into()).unwrap();
    Client::over(patient(TcpStream::from(socket)))
}

fn connections(quell: &Quell, outcome: &str) -> u64 {
    let series = "quell_connections_total{listener=\"callbacks\",outcome=";
    quell.metric(&format!("{series}\"{outcome}\"}}"))
}

fn hello() -> Vec<u8> {
    callback(BEFORE, &message("hello"))
}

fn forwarded(chain: &str) -> Vec<u8> {
    let request = String::from_utf8(hello()).unwrap();
    let header = format!("host: q\r\nx-forwarded-for: {chain}\r\n");
    request.replacen("host: q\r\n", &header, 1).into_bytes()
}

/// A PROXY header for a caller at this address.
fn proxy(source: &str) -> Vec<u8> {
    let (family, addresses) = match source.parse().unwrap() {
        IpAddr::V4(source) => (0x11, [&source.octets()[..], &[0; 8]].concat()),
        IpAddr::V6(source) => (0x21, [&source.octets()[..], &[0; 20]].concat()),
    };
    proxy_with(0x21, family, &addresses)
}

fn proxy_with(what: u8, family: u8, rest: &[u8]) -> Vec<u8> {
    let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
    [b"\r\n\r\n\0\r\nQUIT\n", &[what, family][..], &length, rest].concat()
}

#[test]
fn an_address_has_its_own_cap() {
    // Said, and the half of all that is the default.
    for limit in ["limits.connections_per_address_max", "limits.connections_max"] {
        let number = if limit == "limits.connections_max" { "4" } else { "2" };
        let quell = Quell::start(&[NOBODY_TRUSTED, (limit, number)]);
        let to = quell.node().callbacks();
        let mut first = from("127.0.0.2", to);
        let mut second = from("127.0.0.2", to);
        for client in [&mut first, &mut second] {
            assert_eq!(client.ask(&hello()).status, 200);
        }
        from("127.0.0.2", to).wait_closed();
        assert_eq!(from("127.0.0.3", to).ask(&hello()).status, 200);
        assert_eq!(connections(&quell, "over_address_cap"), 1);
        drop(second);
        eventually("there is room again", || from("127.0.0.2", to).asks(&hello()));
        assert_eq!(first.ask(&hello()).status, 200);
    }
}

#[test]
fn a_trusted_proxy_has_no_cap_of_its_own() {
    let settings = [TRUSTED, ("limits.connections_per_address_max", "1")];
    let quell = Quell::start(&settings);
    let mut clients: Vec<_> = (0..3).map(|_| quell.connect()).collect();
    for client in &mut clients {
        assert_eq!(client.ask(&hello()).status, 200);
    }
}

#[test]
fn an_address_has_its_own_rate() {
    let quell = Quell::start(&[NOBODY_TRUSTED, ("limits.requests_per_address_max", "1")]);
    let mut client = quell.connect();
    assert_eq!(client.ask(&hello()).status, 200);
    eventually("it is too many", || {
        let reply = client.ask(&hello());
        assert!(!reply.closes());
        reply.status == 429
    });
    // Another connection is no way around it, another address another matter.
    eventually("it is too many here, too", || quell.connect().ask(&hello()).status == 429);
    assert_eq!(from("127.0.0.2", quell.node().callbacks()).ask(&hello()).status, 200);
    eventually("it is not too many any more", || client.ask(&hello()).status == 200);
    // What no trusted proxy wrote is not believed.
    let mut number = 0;
    eventually("a header is no way around it", || {
        number += 1;
        client.ask(&forwarded(&format!("192.0.2.{number}"))).status == 429
    });
    let over = quell.metric("quell_requests_over_limit_total{listener=\"callbacks\"}");
    assert!(over >= 3, "{over}");
}

#[test]
fn a_trusted_proxy_says_whose_request_it_is() {
    let quell = Quell::start(&[TRUSTED, ("limits.requests_per_address_max", "1")]);
    let mut proxy = quell.connect();
    for number in 1..50 {
        assert_eq!(proxy.ask(&forwarded(&format!("192.0.2.{number}"))).status, 200);
        assert_eq!(proxy.ask(&hello()).status, 200, "for itself, a proxy may ask any time");
    }
    let mut invented = 0;
    eventually("what the caller invents changes nothing", || {
        invented += 1;
        let chain = format!("203.0.113.{}, 192.0.2.77, 127.0.0.1", invented % 250);
        proxy.ask(&forwarded(&chain)).status == 429
    });
}

#[test]
fn a_header_says_for_whom_a_connection_is() {
    let settings = [
        TRUSTED,
        ("listen.proxy_protocol", "v2"),
        ("limits.connections_per_address_max", "1"),
        ("limits.requests_per_address_max", "1"),
    ];
    let quell = Quell::start(&settings);
    let open = |header: &[u8]| {
        let mut client = quell.connect();
        client.try_send(header);
        client
    };
    let more = [&[192, 0, 2, 9][..], &[0; 8], &[4, 0, 1, 0]].concat();
    let headers = [
        proxy("192.0.2.1"),
        proxy("192.0.2.2"),
        proxy("2001:db8::1"),
        proxy_with(0x21, 0x11, &more),
    ];
    let mut clients: Vec<_> = headers.iter().map(|header| open(header)).collect();
    for client in &mut clients {
        assert_eq!(client.ask(&hello()).status, 200);
    }
    // The same addresses again, and one in the same /64.
    for header in headers.iter().chain([&proxy("2001:db8::2")]) {
        open(header).wait_closed();
    }
    assert_eq!(connections(&quell, "over_address_cap"), 5);
    eventually("their rate is their own, too", || clients[0].ask(&hello()).status == 429);
    // The proxy itself, and whoever it says nothing about, have no limits.
    for header in [proxy_with(0x20, 0, &[]), proxy_with(0x21, 0, &[]), proxy("127.0.0.1")] {
        let mut clients = [open(&header), open(&header)];
        for _ in 0..2 {
            for client in &mut clients {
                assert_eq!(client.ask(&hello()).status, 200);
            }
        }
    }
    // In one piece with the request, and in the smallest.
    let bytes = [proxy("192.0.2.3"), hello()].concat();
    assert_eq!(open(&bytes).reply().status, 200);
    let bytes = [proxy("192.0.2.4"), hello()].concat();
    let mut client = quell.connect();
    for byte in bytes {
        client.send(&[byte]);
    }
    assert_eq!(client.reply().status, 200);
}

#[test]
fn without_the_header_nobody_gets_in() {
    let settings =
        [TRUSTED, ("listen.proxy_protocol", "v2"), ("limits.handshake_timeout", "100ms")];
    let quell = Quell::start(&settings);
    for header in [
        hello(),
        b"PROXY TCP4 192.0.2.7 127.0.0.1 1 2\r\n".to_vec(),
        proxy_with(0x21, 0x12, &[0; 12]),
        proxy_with(0x21, 0x11, &[0; 5000]),
    ] {
        let mut client = quell.connect();
        client.try_send(&header);
        client.wait_closed();
    }
    assert_eq!(connections(&quell, "no_proxy_header"), 4);
    let mut silent = quell.connect();
    let mut half = quell.connect();
    half.send(&proxy("192.0.2.1")[..20]);
    silent.wait_closed();
    half.wait_closed();
    let late = "quell_connection_timeouts_total{listener=\"callbacks\",waiting_for=\"handshake\"}";
    assert_eq!(quell.metric(late), 2);
    // Somebody else is not believed, whatever he sends.
    let mut stranger = from("127.0.0.2", quell.node().callbacks());
    stranger.try_send(&[proxy("192.0.2.1"), hello()].concat());
    stranger.wait_closed();
    assert_eq!(connections(&quell, "untrusted"), 1);
    assert_eq!(quell.metric("quell_request_seconds_count"), 0);
    assert_eq!(quell.get("/ready").status, 200, "the operator API has none of this");
}

#[test]
fn the_header_comes_before_tls() {
    let (folder, ca) = (tempfile::tempdir().unwrap(), Authority::new("one"));
    let (certificate, key) = ca.issue(Kind::Server).write(folder.path());
    let quell = Quell::start(&[
        TRUSTED,
        ("listen.proxy_protocol", "v2"),
        ("listen.tls.certificate", certificate.to_str().unwrap()),
        ("listen.tls.key", key.to_str().unwrap()),
        ("limits.connections_per_address_max", "1"),
    ]);
    let config = Arc::new(ca.client(ALL_VERSIONS, None));
    let open = || {
        let mut client = quell.connect();
        client.send(&proxy("192.0.2.1"));
        client.into_stream()
    };
    let mut client = secure_over(open(), &config);
    assert_eq!(client.ask(&hello()).status, 200);
    Client::over(open()).wait_closed();
    assert_eq!(client.ask(&hello()).status, 200);
    assert_eq!(connections(&quell, "over_address_cap"), 1);
}
