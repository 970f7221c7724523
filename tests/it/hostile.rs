//! What strange, broken and hostile clients get: a table of bytes in and what comes back.
//!
//! Two laws hold in every row. What follows a request whose end is in doubt is never taken for
//! another request: the connection ends. And whatever one client does, the next one is served.

use crate::harness::{BEFORE, Client, Quell, callback, eventually, message};

/// What happens after the last reply.
#[derive(Clone, Copy, PartialEq, Debug)]
enum After {
    /// The connection stays and the next callback is answered.
    Open,
    /// The server closes it.
    Closed,
}
use After::{Closed, Open};

/// A hostile request: what it is, its bytes, the statuses that come back, and then.
type Case = (&'static str, Vec<u8>, &'static [u16], After);

/// A callback with these header lines and exactly this after the head.
fn raw(headers: &str, rest: &str) -> Vec<u8> {
    format!("POST /callback?CallbackCommand={BEFORE} HTTP/1.1\r\nhost: q\r\n{headers}\r\n{rest}")
        .into_bytes()
}

/// A whole callback that would be refused, hidden behind the end of another.
fn hidden() -> String {
    String::from_utf8(callback(BEFORE, &message("badword"))).unwrap()
}

fn lengths() -> Vec<Case> {
    let body = message("hello");
    let length = body.len();
    let chunked = format!("{length:x}\r\n{body}\r\n0\r\n\r\n");
    let te = "transfer-encoding: chunked\r\n";
    vec![
        (
            "length, then chunked",
            raw(&format!("content-length: 4\r\n{te}"), &(chunked.clone() + hidden().as_str())),
            &[200],
            Closed,
        ),
        (
            "chunked, then length",
            raw(&format!("{te}content-length: 4\r\n"), &(chunked.clone() + hidden().as_str())),
            &[200],
            Closed,
        ),
        (
            "two lengths that differ",
            raw(&format!("content-length: {length}\r\ncontent-length: 4\r\n"), &body),
            &[400],
            Closed,
        ),
        (
            "two lengths that agree",
            raw(&format!("content-length: {length}\r\ncontent-length: {length}\r\n"), &body),
            &[200],
            Open,
        ),
        (
            "a list of lengths",
            raw(&format!("content-length: {length}, {length}\r\n"), &body),
            &[400],
            Closed,
        ),
        (
            "a length with a sign",
            raw(&format!("content-length: +{length}\r\n"), &body),
            &[400],
            Closed,
        ),
        ("a negative length", raw("content-length: -1\r\n", &body), &[400], Closed),
        (
            "a length beyond 64 bits",
            raw("content-length: 18446744073709551616\r\n", &body),
            &[400],
            Closed,
        ),
        ("a length in hexadecimal", raw("content-length: 0x10\r\n", &body), &[400], Closed),
    ]
}

fn codings() -> Vec<Case> {
    let body = message("hello");
    let length = body.len();
    let chunked = format!("{length:x}\r\n{body}\r\n0\r\n\r\n");
    let te = "transfer-encoding: chunked\r\n";
    vec![
        ("an unknown coding", raw("transfer-encoding: xchunked\r\n", &chunked), &[400], Closed),
        (
            "chunked that is not last",
            raw("transfer-encoding: chunked, identity\r\n", &chunked),
            &[400],
            Closed,
        ),
        ("chunked twice", raw(&format!("{te}{te}"), &chunked), &[200], Closed),
        (
            "chunked after gzip",
            raw("transfer-encoding: gzip, chunked\r\n", &chunked),
            &[200],
            Closed,
        ),
        ("chunked with capitals", raw("Transfer-Encoding: CHUNKED\r\n", &chunked), &[200], Open),
        (
            "chunked under HTTP/1.0",
            [b"POST /callback HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n", chunked.as_bytes()]
                .concat(),
            &[400],
            Closed,
        ),
        (
            "a space before the colon",
            raw("transfer-encoding : chunked\r\n", &chunked),
            &[400],
            Closed,
        ),
        ("a folded header", raw("transfer-encoding:\r\n chunked\r\n", &chunked), &[400], Closed),
        ("neither length nor coding", raw("", &hidden()), &[200, 200], Open),
    ]
}

fn chunks() -> Vec<Case> {
    let body = message("hello");
    let length = body.len();
    let te = "transfer-encoding: chunked\r\n";
    let chunk = |text: &str| raw(te, text);
    let next = hidden();
    vec![
        (
            "a chunk with an extension",
            chunk(&format!("{length:x};a=b\r\n{body}\r\n0\r\n\r\n")),
            &[200],
            Open,
        ),
        (
            "chunks with trailers",
            chunk(&format!("{length:x}\r\n{body}\r\n0\r\nx: y\r\n\r\n")),
            &[200],
            Open,
        ),
        ("a chunk size that is no number", chunk(&format!("zz\r\n{next}")), &[200], Closed),
        ("a chunk size with a sign", chunk(&format!("-1\r\n{next}")), &[200], Closed),
        (
            "a chunk size beyond 64 bits",
            chunk(&format!("fffffffffffffffff\r\n{next}")),
            &[200],
            Closed,
        ),
        (
            "a chunk size of 2^64 - 1",
            chunk(&format!("ffffffffffffffff\r\n{next}{}", "x".repeat(2 << 20))),
            &[200],
            Closed,
        ),
        (
            "a chunk longer than its size",
            chunk(&format!("2\r\n{{}}{{}}\r\n0\r\n\r\n{next}")),
            &[200],
            Closed,
        ),
        (
            "an extension without end",
            chunk(&format!("1;{}\r\n", "x".repeat(64 << 10))),
            &[200],
            Closed,
        ),
        (
            "trailers without end",
            chunk(&format!("2\r\n{{}}\r\n0\r\n{}", "x: y\r\n".repeat(20_000))),
            &[200],
            Closed,
        ),
        (
            "bare line feeds between chunks",
            chunk(&format!("{length:x}\n{body}\n0\n\n{next}")),
            &[200],
            Closed,
        ),
    ]
}

fn versions() -> Vec<Case> {
    let body = message("hello");
    let length = body.len();
    let good = format!("content-length: {length}\r\n");
    let line = |line: &str| format!("{line}\r\nhost: q\r\n{good}\r\n{body}").into_bytes();
    let path = format!("/callback?CallbackCommand={BEFORE}");
    vec![
        ("garbage", b"what is this\r\n\r\n".to_vec(), &[400], Closed),
        (
            "a TLS hello",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n".to_vec(),
            &[400],
            Closed,
        ),
        ("the preface of HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), &[], Closed),
        ("a request of HTTP/0.9", b"GET /callback\r\n\r\n".to_vec(), &[400], Closed),
        ("a version yet to come", line(&format!("POST {path} HTTP/1.2")), &[400], Closed),
        (
            "HTTP/1.0",
            format!("POST {path} HTTP/1.0\r\n{good}\r\n{body}").into_bytes(),
            &[200],
            Closed,
        ),
        (
            "HTTP/1.0 that wants to stay",
            format!("POST {path} HTTP/1.0\r\nconnection: keep-alive\r\n{good}\r\n{body}")
                .into_bytes(),
            &[200],
            Open,
        ),
        (
            "lines ended by bare line feeds",
            format!("POST {path} HTTP/1.1\nhost: q\ncontent-length: {length}\n\n{body}")
                .into_bytes(),
            &[200],
            Open,
        ),
        (
            "empty lines before the request",
            [b"\r\n\r\n", raw(&good, &body).as_slice()].concat(),
            &[200],
            Open,
        ),
        ("no host", format!("POST {path} HTTP/1.1\r\n{good}\r\n{body}").into_bytes(), &[200], Open),
        ("a header without a name", raw(&format!(": y\r\n{good}"), &body), &[400], Closed),
        ("a zero byte in a header", raw(&format!("x: a\0b\r\n{good}"), &body), &[400], Closed),
        (
            "a bare carriage return in a header",
            raw(&format!("x: a\rb\r\n{good}"), &body),
            &[400],
            Closed,
        ),
    ]
}

fn heads() -> Vec<Case> {
    let body = message("hello");
    let length = body.len();
    let good = format!("content-length: {length}\r\n");
    let line = |line: &str| format!("{line}\r\nhost: q\r\n{good}\r\n{body}").into_bytes();
    let path = format!("/callback?CallbackCommand={BEFORE}");
    vec![
        (
            "a hundred headers too many",
            raw(&("x: y\r\n".repeat(200) + good.as_str()), &body),
            &[431],
            Closed,
        ),
        (
            "a header of 20 KiB",
            raw(&format!("x: {}\r\n{good}", "y".repeat(20 << 10)), &body),
            &[431],
            Closed,
        ),
        (
            "a target of 70 KiB",
            line(&format!("POST {path}&x={} HTTP/1.1", "y".repeat(70 << 10))),
            &[431],
            Closed,
        ),
        ("a target with a host", line(&format!("POST http://q{path} HTTP/1.1")), &[200], Open),
        (
            "a target with a line feed in disguise",
            line(&format!("POST {path}%0d%0ax HTTP/1.1")),
            &[200],
            Open,
        ),
        ("a method in small letters", line(&format!("post {path} HTTP/1.1")), &[405], Closed),
        ("CONNECT", b"CONNECT q:443 HTTP/1.1\r\nhost: q\r\n\r\n".to_vec(), &[404], Closed),
        ("OPTIONS *", b"OPTIONS * HTTP/1.1\r\nhost: q\r\n\r\n".to_vec(), &[404], Closed),
        (
            "an upgrade to HTTP/2",
            raw(
                &format!(
                    "connection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAAP__\r\n{good}"
                ),
                &body,
            ),
            &[200],
            Open,
        ),
        (
            "an upgrade to a web socket",
            raw(&format!("connection: upgrade\r\nupgrade: websocket\r\n{good}"), &body),
            &[200],
            Open,
        ),
        (
            "an expectation",
            raw(&format!("expect: 100-continue\r\n{good}"), &body),
            &[100, 200],
            Open,
        ),
        (
            "an expectation nobody knows",
            raw(&format!("expect: 200-ok\r\n{good}"), &body),
            &[200],
            Open,
        ),
    ]
}

/// Reads so many replies, then asks for one more: the statuses, and whether the connection is open.
fn outcome(client: &mut Client, replies: usize) -> (Vec<u16>, After) {
    let statuses: Vec<u16> =
        (0..replies).map_while(|_| client.next_reply()).map(|reply| reply.status).collect();
    let probe = callback(BEFORE, &message("hello"));
    let answered = client.try_send(&probe).then(|| client.next_reply()).flatten();
    (statuses, if answered.is_some() { Open } else { Closed })
}

#[test]
fn hostile_requests_get_what_the_table_says() {
    let quell = Quell::start(&[("limits.body_timeout", "300ms")]);
    let mut wrong = Vec::new();
    for (what, bytes, statuses, after) in
        [lengths(), codings(), chunks(), versions(), heads()].concat()
    {
        let mut client = quell.connect();
        // The server may have answered and closed before it has taken all of it.
        client.try_send(&bytes);
        let seen = outcome(&mut client, statuses.len());
        if seen != (statuses.to_vec(), after) {
            wrong.push(format!("{what}: {seen:?}, not {:?}", (statuses, after)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(quell.code("hello"), 0);
    // Of all that was hidden behind something, only the honest second request was judged.
    assert_eq!(quell.metric("quell_verdicts_total{verdict=\"deny\"}"), 1);
}

#[test]
fn a_client_that_has_sent_all_and_closed_its_side_is_answered() {
    let quell = Quell::start(&[]);
    let mut client = quell.connect();
    client.send(&callback(BEFORE, &message("badword")));
    client.end();
    assert_eq!(client.reply().json()["ErrorCode"].as_u64(), Some(1));
    client.wait_closed();
}

#[test]
fn clients_that_drip_are_cut() {
    let quell =
        Quell::start(&[("limits.header_timeout", "100ms"), ("limits.body_timeout", "100ms")]);
    let head = raw(&format!("x: {}\r\n", "y".repeat(7000)), "");
    let body = "x".repeat(100_000).into_bytes();
    for (at_once, dripping) in [(Vec::new(), head), (raw("content-length: 100000\r\n", ""), body)] {
        let mut client = quell.connect();
        client.send(&at_once);
        let mut drops = dripping.iter();
        // Ends only because the server closes: dripping all of it would take minutes.
        eventually("it is cut", || !client.try_send(&[*drops.next().unwrap()]));
    }
    let late = "quell_connection_timeouts_total{listener=\"callbacks\",waiting_for=\"head\"}";
    assert_eq!(quell.metric(late), 1);
    assert_eq!(quell.metric("quell_faults_total{stage=\"body\"}"), 1);
}

#[test]
fn a_client_that_takes_no_replies_is_cut() {
    let quell = Quell::start(&[("limits.body_timeout", "100ms")]);
    let mut client = quell.connect();
    let many = callback(BEFORE, &message("hello")).repeat(100);
    // Blocks when both sides' buffers are full, and ends when the server closes.
    while client.try_send(&many) {}
    let late = "quell_connection_timeouts_total{listener=\"callbacks\",waiting_for=\"reply\"}";
    assert_eq!(quell.metric(late), 1);
}

#[test]
fn silent_and_half_sent_connections_keep_nobody_waiting() {
    let quell = Quell::start(&[("limits.header_timeout", "200ms")]);
    let crowd: Vec<Client> = (0..200)
        .map(|turn| {
            let mut client = quell.connect();
            client.send(if turn % 2 == 0 { b"" } else { b"POST /callback HTTP/1.1\r\nhost" });
            client
        })
        .collect();
    assert_eq!(quell.code("badword"), 1);
    for mut client in crowd {
        client.wait_closed();
    }
}

#[test]
fn connections_that_come_and_go_leave_nothing_behind() {
    let quell = Quell::start(&[]);
    for turn in 0..300 {
        let mut client = quell.connect();
        match turn % 4 {
            0 => assert_eq!(client.ask(&callback(BEFORE, &message("hello"))).status, 200),
            1 => client.send(&callback(BEFORE, &message("hello"))),
            2 => client.send(b"POST /callback HTTP/1.1\r\ncontent-length: 9\r\n\r\n{"),
            _ => {}
        }
    }
    eventually("all have left", || {
        quell.metric("quell_connections_open{listener=\"callbacks\"}") == 0
    });
}
