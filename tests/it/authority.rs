//! Certificates for tests: a CA made on the spot, what it issues, and clients that trust it.

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, date_time_ymd,
};
use rustls::client::Resumption;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned, SupportedProtocolVersion,
};

use crate::harness::{Client, open};

pub(crate) type Secure = StreamOwned<ClientConnection, TcpStream>;

/// What a certificate is for and how long it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Server,
    /// The server's name, and the year in which it expired.
    Expired(i32),
    /// The server's name, valid from and to so many days from now, and half a day more each way.
    Days(u32, u32),
    Client,
    ExpiredClient,
    /// Valid, but not for saying who a client is.
    NoClient,
}

/// A CA.
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// A certificate and its key.
pub(crate) struct Issued {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

impl Issued {
    pub(crate) fn der(&self) -> CertificateDer<'static> {
        CertificateDer::from_pem_slice(self.certificate.as_bytes()).unwrap()
    }

    /// Writes certificate and key into the folder, each by renaming.
    pub(crate) fn write(&self, folder: &Path) -> (PathBuf, PathBuf) {
        (replace(folder, "server.pem", &self.certificate), replace(folder, "server.key", &self.key))
    }
}

/// Puts a file in the place of another, whole.
pub(crate) fn replace(folder: &Path, name: &str, content: &str) -> PathBuf {
    let (fresh, path) = (folder.join(".fresh"), folder.join(name));
    fs::write(&fresh, content).unwrap();
    fs::rename(&fresh, &path).unwrap();
    path
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        Self { issuer: CertifiedIssuer::self_signed(params, key).unwrap() }
    }

    pub(crate) fn pem(&self) -> String {
        self.issuer.pem()
    }

    pub(crate) fn issue(&self, kind: Kind) -> Issued {
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = match kind {
            Kind::Expired(year) => date_time_ymd(year, 1, 1),
            Kind::ExpiredClient => date_time_ymd(2021, 1, 1),
            _ => date_time_ymd(2090, 1, 1),
        };
        if let Kind::Days(from, to) = kind {
            let day = Duration::from_hours(24);
            let now = SystemTime::now();
            params.not_before = (now + day * from - day / 2).into();
            params.not_after = (now + day * to + day / 2).into();
        }
        params.extended_key_usages = vec![match kind {
            Kind::Client | Kind::ExpiredClient => ExtendedKeyUsagePurpose::ClientAuth,
            _ => ExtendedKeyUsagePurpose::ServerAuth,
        }];
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Issued { certificate: certificate.pem(), key: key.serialize_pem() }
    }

    /// A client that trusts this CA.
    pub(crate) fn client(
        &self,
        versions: &[&'static SupportedProtocolVersion],
        own: Option<&Issued>,
    ) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots.add(self.issuer.der().clone()).unwrap();
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots);
        let mut config = match own {
            None => builder.with_no_client_auth(),
            Some(own) => {
                let key = PrivateKeyDer::from_pem_slice(own.key.as_bytes()).unwrap();
                builder.with_client_auth_cert(vec![own.der()], key).unwrap()
            }
        };
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        config.resumption = Resumption::in_memory_sessions(8);
        config
    }
}

/// The first bytes that such a client sends.
pub(crate) fn hello(config: &Arc<ClientConfig>) -> Vec<u8> {
    let mut bytes = Vec::new();
    session(config).write_tls(&mut bytes).unwrap();
    bytes
}

fn session(config: &Arc<ClientConfig>) -> ClientConnection {
    let name = ServerName::try_from("localhost").unwrap();
    ClientConnection::new(Arc::clone(config), name).unwrap()
}

/// A connection whose handshake happens with the first bytes sent or read.
pub(crate) fn secure(address: SocketAddr, config: &Arc<ClientConfig>) -> Client<Secure> {
    secure_over(open(address), config)
}

/// The same over a connection that is there already.
pub(crate) fn secure_over(stream: TcpStream, config: &Arc<ClientConfig>) -> Client<Secure> {
    Client::over(StreamOwned::new(session(config), stream))
}
