//! Certificate files: what is refused, and in which words.

use std::fs;
use std::path::Path;

use quell::server::{Identity, TlsError, TlsFiles};
use rcgen::KeyPair;

use crate::authority::{Authority, Kind};
use crate::process::{home, quell};

fn identity(
    folder: &Path,
    certificate: &str,
    key: &str,
    client_ca: &str,
) -> Result<Identity, TlsError> {
    let files = TlsFiles {
        certificate: folder.join(certificate),
        key: folder.join(key),
        client_ca: (!client_ca.is_empty()).then(|| folder.join(client_ca)),
    };
    files.read().and_then(|contents| files.identity(&contents))
}

#[test]
fn what_is_wrong_with_the_files_is_said_with_the_remedy() {
    let home = tempfile::tempdir().unwrap();
    let ca = Authority::new("one");
    let (own, other) = (ca.issue(Kind::Server), ca.issue(Kind::Server));
    let chain = format!("{}{}", own.certificate, ca.pem());
    let backwards = format!("{}{}", ca.pem(), own.certificate);
    let both = format!("{}{}", own.key, own.certificate);
    for (name, content) in [
        ("own.pem", own.certificate.as_bytes()),
        ("own.der", &own.der()),
        ("own.key", own.key.as_bytes()),
        ("other.key", other.key.as_bytes()),
        ("chain.pem", chain.as_bytes()),
        ("backwards.pem", backwards.as_bytes()),
        ("both.pem", both.as_bytes()),
        ("ca.pem", ca.pem().as_bytes()),
        ("empty.pem", b""),
        ("torn.pem", &own.certificate.as_bytes()[..own.certificate.len() / 2]),
        ("hollow.pem", b"-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n"),
        (
            "locked.key",
            b"-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAA=\n-----END ENCRYPTED PRIVATE KEY-----\n",
        ),
        ("odd.key", b"-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n"),
        ("huge.pem", &vec![b'x'; (1 << 20) + 1]),
    ] {
        fs::write(home.path().join(name), content).unwrap();
    }
    for (certificate, key, client_ca) in [
        ("own.pem", "own.key", ""),
        ("chain.pem", "own.key", "ca.pem"),
        ("both.pem", "both.pem", "backwards.pem"),
    ] {
        let identity = identity(home.path(), certificate, key, client_ca).unwrap();
        assert_eq!(identity.validity, Some((1_577_836_800, 3_786_912_000)));
    }
    for (certificate, key, client_ca, words) in [
        ("none.pem", "own.key", "", &["none.pem", "`listen.tls.certificate`", "No such file"][..]),
        ("own.pem", "none.key", "", &["none.key", "`listen.tls.key`"]),
        ("own.pem", "own.key", "none.pem", &["none.pem", "`listen.tls.client_ca`"]),
        ("own.der", "own.key", "", &["no certificate in", "own.der", "openssl x509 -inform der"]),
        ("empty.pem", "own.key", "", &["no certificate in", "empty.pem"]),
        ("torn.pem", "own.key", "", &["torn.pem", "broken"]),
        ("hollow.pem", "own.key", "", &["certificate 1 in", "hollow.pem", "cannot be used"]),
        ("huge.pem", "own.key", "", &["huge.pem", "1 MiB"]),
        ("own.pem", "own.pem", "", &["no private key in", "own.pem", "openssl pkey"]),
        ("own.pem", "locked.key", "", &["no private key in", "locked.key", "not encrypted"]),
        ("own.pem", "odd.key", "", &["odd.key", "cannot be used", "P-256"]),
        ("own.pem", "other.key", "", &["other.key", "own.pem", "issued for"]),
        ("backwards.pem", "own.key", "", &["own.key", "backwards.pem", "first"]),
        ("own.pem", "own.key", "empty.pem", &["no certificate in", "empty.pem", "client_ca"]),
        ("own.pem", "own.key", "hollow.pem", &["certificate 1 in", "hollow.pem", "client_ca"]),
    ] {
        let said = identity(home.path(), certificate, key, client_ca).unwrap_err().to_string();
        for word in words {
            assert!(said.contains(word), "no `{word}` in: {said}");
        }
    }
}

#[test]
fn nothing_of_a_key_is_shown() {
    let home = tempfile::tempdir().unwrap();
    let own = Authority::new("one").issue(Kind::Server);
    let (certificate, key) = own.write(home.path());
    let files = TlsFiles { certificate, key, client_ca: None };
    let contents = files.read().unwrap();
    let shown = format!("{contents:?}{:?}", files.identity(&contents).unwrap());
    let key = KeyPair::from_pem(&own.key).unwrap();
    let bytes = key.serialized_der().iter().map(u8::to_string).collect::<Vec<_>>().join(", ");
    assert!(!shown.contains(&bytes) && !shown.contains(own.key.lines().nth(1).unwrap()));
}

/// `quell serve` ends and says why.
#[test]
fn a_certificate_without_its_key_is_no_start() {
    let home = home("badword");
    let ca = Authority::new("one");
    ca.issue(Kind::Server).write(home.path());
    fs::write(home.path().join("server.key"), ca.issue(Kind::Server).key).unwrap();
    let output =
        quell(home.path(), &["serve", "--listen", "127.0.0.1:0", "--operator", "127.0.0.1:0"])
            .env("QUELL_LISTEN__TLS__CERTIFICATE", "server.pem")
            .env("QUELL_LISTEN__TLS__KEY", "server.key")
            .output()
            .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("server.key") && said.contains("issued for"), "{said}");
}
