use std::io::{Error, ErrorKind};

use super::Status;
use super::node::address;

/// What a test on a machine of any kind cannot bring about.
#[test]
fn why_an_address_cannot_be_had_is_told_apart() {
    for (kind, word) in [
        (ErrorKind::PermissionDenied, "CAP_NET_BIND_SERVICE"),
        (ErrorKind::AddrInUse, "sport = :443"),
        (ErrorKind::AddrNotAvailable, "ip address"),
        (ErrorKind::Unsupported, "change `listen.callbacks`"),
    ] {
        let at = ([127, 0, 0, 1], 443).into();
        let found = address("listen.callbacks", at, Err(Error::from(kind)));
        assert_eq!((found.name, found.status), ("listen.callbacks", Status::Problem));
        assert!(found.mend.unwrap().contains(word));
    }
}
