//! Certificate files: what they must hold, and the configuration made of them.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ServerSessionMemoryCache, WebPkiClientVerifier};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{InconsistentKeys, RootCertStore, ServerConfig};
use sha2::{Digest as _, Sha256};
use x509_cert::der::Decode;

/// No certificate or key is longer; a CA bundle of everything a system trusts is a quarter.
const FILE_MAX: u64 = 1 << 20;
/// Sessions kept for clients that resume by session id; the rest bring a ticket.
const SESSIONS_MAX: usize = 1024;

const CERTIFICATE: &str = "listen.tls.certificate";
const KEY: &str = "listen.tls.key";
const CLIENT_CA: &str = "listen.tls.client_ca";

/// Where certificate, key and client CA are, in PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The server's certificate and those that lead to its CA, in this order.
    pub certificate: PathBuf,
    /// The certificate's private key.
    pub key: PathBuf,
    /// Those that client certificates must lead to; none: clients need no certificate.
    pub client_ca: Option<PathBuf>,
}

/// What the files held when they were read.
pub struct TlsContents {
    certificate: Vec<u8>,
    key: Vec<u8>,
    client_ca: Option<Vec<u8>>,
}

/// Certificate and key, found to belong together.
#[derive(Debug)]
pub struct Identity {
    pub(super) config: Arc<ServerConfig>,
    /// When the server's certificate begins and ceases to be valid, in seconds of Unix time;
    /// `None` where it does not say so in a readable way.
    pub validity: Option<(u64, u64)>,
}

/// Why files make no identity.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("cannot read {}, `{setting}`: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The setting that names it.
        setting: &'static str,
        /// Why.
        source: io::Error,
    },
    /// A file's PEM is broken.
    #[error("{}, `{setting}`, is broken: {source}", path.display())]
    Pem {
        /// The file.
        path: PathBuf,
        /// The setting that names it.
        setting: &'static str,
        /// What is wrong.
        source: pem::Error,
    },
    /// A file holds no certificate.
    #[error(
        "there is no certificate in {}, `{setting}`: it must be PEM, with `-----BEGIN \
         CERTIFICATE-----`; `openssl x509 -inform der` makes PEM of DER",
        path.display()
    )]
    NoCertificate {
        /// The file.
        path: PathBuf,
        /// The setting that names it.
        setting: &'static str,
    },
    /// A file holds no private key.
    #[error(
        "there is no private key in {}, `listen.tls.key`: it must be PEM and not encrypted; \
         `openssl pkey -in OLD -out NEW` takes a pass phrase off",
        path.display()
    )]
    NoKey {
        /// The file.
        path: PathBuf,
    },
    /// A private key is of no known kind.
    #[error(
        "the private key in {}, `listen.tls.key`, cannot be used: {source}; RSA of 2048 bits or \
         more, ECDSA on P-256 or P-384 and Ed25519 can",
        path.display()
    )]
    Key {
        /// The file.
        path: PathBuf,
        /// Why.
        source: rustls::Error,
    },
    /// A certificate cannot be used.
    #[error("certificate {number} in {}, `{setting}`, cannot be used: {source}", path.display())]
    Certificate {
        /// The file.
        path: PathBuf,
        /// The setting that names it.
        setting: &'static str,
        /// Which of its certificates.
        number: usize,
        /// Why.
        source: rustls::Error,
    },
    /// Certificate and key do not belong together.
    #[error(
        "the key in {} is not that of the first certificate in {}: give the key that the \
         certificate was issued for, and put the server's own certificate first",
        key.display(),
        certificate.display()
    )]
    Mismatch {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
    },
    /// The parts do not go together in another way.
    #[error("TLS cannot be set up: {0}")]
    Setup(#[from] rustls::Error),
}

impl TlsFiles {
    /// Reads the files.
    pub fn read(&self) -> Result<TlsContents, TlsError> {
        Ok(TlsContents {
            certificate: read(&self.certificate, CERTIFICATE)?,
            key: read(&self.key, KEY)?,
            client_ca: match &self.client_ca {
                Some(path) => Some(read(path, CLIENT_CA)?),
                None => None,
            },
        })
    }

    /// The folders to watch.
    pub fn folders(&self) -> Vec<&Path> {
        let files = [Some(&self.certificate), Some(&self.key), self.client_ca.as_ref()];
        let here = Path::new(".");
        let mut folders: Vec<&Path> = files
            .into_iter()
            .flatten()
            .map(|file| file.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(here))
            .collect();
        folders.sort_unstable();
        folders.dedup();
        folders
    }

    /// Makes an identity of what these files held.
    pub fn identity(&self, contents: &TlsContents) -> Result<Identity, TlsError> {
        let chain = certificates(&contents.certificate, &self.certificate, CERTIFICATE)?;
        let validity = chain.first().and_then(|leaf| validity(leaf));
        let provider = Arc::new(ring::default_provider());
        let key = self.key(contents, chain, &provider)?;
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(rustls::ALL_VERSIONS)?;
        let builder = match (&self.client_ca, &contents.client_ca) {
            (Some(path), Some(pem)) => {
                let roots = Arc::new(roots(pem, path)?);
                let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider)
                    .build()
                    .map_err(|error| rustls::Error::General(error.to_string()))?;
                builder.with_client_cert_verifier(verifier)
            }
            _ => builder.with_no_client_auth(),
        };
        let mut config = builder.with_cert_resolver(Arc::new(SingleCertAndKey::from(key)));
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        config.ticketer = ring::Ticketer::new()?;
        config.session_storage = ServerSessionMemoryCache::new(SESSIONS_MAX);
        Ok(Identity { config: Arc::new(config), validity })
    }

    fn key(
        &self,
        contents: &TlsContents,
        chain: Vec<CertificateDer<'static>>,
        provider: &CryptoProvider,
    ) -> Result<CertifiedKey, TlsError> {
        let path = || self.key.clone();
        let key = PrivateKeyDer::from_pem_slice(&contents.key).map_err(|source| match source {
            pem::Error::NoItemsFound => TlsError::NoKey { path: path() },
            source => TlsError::Pem { path: path(), setting: KEY, source },
        })?;
        let key = provider.key_provider.load_private_key(key);
        let key = key.map_err(|source| TlsError::Key { path: path(), source })?;
        let pair = CertifiedKey::new(chain, key);
        match pair.keys_match() {
            Ok(()) | Err(rustls::Error::InconsistentKeys(InconsistentKeys::Unknown)) => Ok(pair),
            Err(rustls::Error::InconsistentKeys(_)) => {
                Err(TlsError::Mismatch { certificate: self.certificate.clone(), key: path() })
            }
            Err(source) => {
                let (path, setting) = (self.certificate.clone(), CERTIFICATE);
                Err(TlsError::Certificate { path, setting, number: 1, source })
            }
        }
    }
}

impl TlsContents {
    /// Tells these contents from others.
    pub fn digest(&self) -> [u8; 32] {
        let mut hasher = Sha256::new();
        let client_ca = self.client_ca.as_deref().unwrap_or_default();
        for part in [&self.certificate, &self.key, client_ca] {
            hasher.update(Sha256::digest(part));
        }
        hasher.finalize().into()
    }
}

impl fmt::Debug for TlsContents {
    /// Without what is in them: a private key is.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsContents").finish_non_exhaustive()
    }
}

fn read(path: &Path, setting: &'static str) -> Result<Vec<u8>, TlsError> {
    let mut bytes = Vec::new();
    let read = File::open(path)
        .and_then(|file| file.take(FILE_MAX.saturating_add(1)).read_to_end(&mut bytes));
    let read = read.and_then(|length| match u64::try_from(length) {
        Ok(length) if length <= FILE_MAX => Ok(()),
        _ => Err(io::Error::other("it is longer than 1 MiB")),
    });
    read.map_err(|source| TlsError::Read { path: path.to_owned(), setting, source })?;
    Ok(bytes)
}

fn certificates(
    pem: &[u8],
    path: &Path,
    setting: &'static str,
) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let path = || path.to_owned();
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match all {
        Ok(all) if all.is_empty() => Err(TlsError::NoCertificate { path: path(), setting }),
        Ok(all) => Ok(all),
        Err(source) => Err(TlsError::Pem { path: path(), setting, source }),
    }
}

fn roots(pem: &[u8], path: &Path) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for (index, certificate) in certificates(pem, path, CLIENT_CA)?.into_iter().enumerate() {
        roots.add(certificate).map_err(|source| TlsError::Certificate {
            path: path.to_owned(),
            setting: CLIENT_CA,
            number: index.saturating_add(1),
            source,
        })?;
    }
    Ok(roots)
}

/// A certificate that this cannot read may still be one that clients take.
fn validity(certificate: &CertificateDer<'_>) -> Option<(u64, u64)> {
    let certificate = x509_cert::Certificate::from_der(certificate).ok()?;
    let validity = certificate.tbs_certificate.validity;
    let unix = |time: x509_cert::time::Time| time.to_unix_duration().as_secs();
    Some((unix(validity.not_before), unix(validity.not_after)))
}
