use std::net::IpAddr;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use hyper::header::{HeaderMap, HeaderValue};
use proptest::prelude::*;

use super::{SIGNATURE, forwarded_for, read};

/// What `read` makes of these bytes, and how many it leaves.
fn outcome(mut bytes: &[u8]) -> (Result<Option<IpAddr>, ()>, usize) {
    let outcome = match pin!(read(&mut bytes)).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(outcome) => outcome.map_err(|_| ()),
        Poll::Pending => panic!("a slice is always ready"),
    };
    (outcome, bytes.len())
}

fn header(what: u8, family: u8, rest: &[u8]) -> Vec<u8> {
    let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
    [&SIGNATURE[..], &[what, family], &length, rest].concat()
}

fn v6(address: &str) -> Vec<u8> {
    let source: std::net::Ipv6Addr = address.parse().unwrap();
    [&source.octets()[..], &[0; 20]].concat()
}

#[test]
fn headers_say_who_calls() {
    let v4 = [192, 0, 2, 7, 127, 0, 0, 1, 0x30, 0x39, 0x1f, 0x90];
    let more = [&v4[..], &[0x04, 0x00, 0x02, 1, 2]].concat();
    for (bytes, expected) in [
        (header(0x21, 0x11, &v4), Some("192.0.2.7")),
        (header(0x21, 0x11, &more), Some("192.0.2.7")),
        (header(0x21, 0x21, &v6("2001:db8::7")), Some("2001:db8::7")),
        (header(0x21, 0x21, &v6("::ffff:192.0.2.7")), Some("192.0.2.7")),
        (header(0x21, 0x00, &[]), None),
        (header(0x21, 0x31, &[0; 216]), None),
        (header(0x20, 0x00, &[]), None),
        (header(0x20, 0x11, &v4), None),
    ] {
        let expected = expected.map(|address| address.parse().unwrap());
        let followed = [&bytes[..], b"POST /"].concat();
        assert_eq!(outcome(&followed), (Ok(expected), 6), "{bytes:?}");
    }
    for (what, bytes) in [
        ("version 1", b"PROXY TCP4 192.0.2.7 127.0.0.1 1 2\r\n".to_vec()),
        ("no header", b"POST /callback HTTP/1.1\r\nhost: q\r\n\r\n".to_vec()),
        ("version 3", header(0x31, 0x11, &v4)),
        ("an unknown command", header(0x22, 0x11, &v4)),
        ("UDP", header(0x21, 0x12, &v4)),
        ("an unknown family", header(0x21, 0x41, &v4)),
        ("addresses cut short", header(0x21, 0x11, &v4[..11])),
        ("addresses of the other family", header(0x21, 0x21, &v4)),
        ("too much of it", header(0x21, 0x11, &[0; 4097])),
        ("half of it", header(0x21, 0x11, &v4)[..20].to_vec()),
        ("nothing", Vec::new()),
    ] {
        assert_eq!(outcome(&bytes).0, Err(()), "{what}");
    }
}

proptest! {
    #[test]
    fn no_header_is_read_wrong(
        junk in prop::collection::vec(any::<u8>(), 0..64),
        rest in prop::collection::vec(any::<u8>(), 0..64),
        what in any::<u8>(),
        family in any::<u8>(),
        after in prop::collection::vec(any::<u8>(), 0..16),
    ) {
        let unsigned = outcome(&junk).0.is_err();
        prop_assert!(unsigned || junk.starts_with(&SIGNATURE));
        let bytes = [header(what, family, &rest), after.clone()].concat();
        if let (Ok(source), left) = outcome(&bytes) {
            prop_assert_eq!(left, after.len());
            prop_assert!(source.is_none() || rest.len() >= 12);
        }
    }
}

#[test]
fn the_last_address_that_is_not_trusted_counts() {
    let trusts = |address: IpAddr| address.to_string().starts_with("10.");
    for (values, expected) in [
        (&[][..], None),
        (&["192.0.2.1"], Some("192.0.2.1")),
        (&["192.0.2.9, 192.0.2.1"], Some("192.0.2.1")),
        (&["192.0.2.9,192.0.2.1 , 10.0.0.2,10.0.0.1"], Some("192.0.2.1")),
        (&["192.0.2.9", "192.0.2.1, 10.0.0.2"], Some("192.0.2.1")),
        (&["192.0.2.1", "10.0.0.2"], Some("192.0.2.1")),
        (&["10.0.0.3, 10.0.0.2"], None),
        (&["192.0.2.1:4711"], Some("192.0.2.1")),
        (&["2001:db8::1"], Some("2001:db8::1")),
        (&["[2001:db8::1]"], Some("2001:db8::1")),
        (&["[2001:db8::1]:4711"], Some("2001:db8::1")),
        (&["::ffff:192.0.2.1"], Some("192.0.2.1")),
        (&["garbage, 192.0.2.1"], Some("192.0.2.1")),
        // Whoever wrote this is trusted, but did not say who calls.
        (&["192.0.2.1, unknown"], None),
        (&["192.0.2.1, "], None),
        (&["192.0.2.1, \u{e9}"], None),
    ] {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append("x-forwarded-for", HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        let expected = expected.map(|address| address.parse().unwrap());
        assert_eq!(forwarded_for(&headers, trusts), expected, "{values:?}");
    }
}
