//! TLS for a listener.
//!
//! The whole configuration is swapped, not only the certificate: with it go the client CA and all
//! sessions, so that nobody resumes a session that another CA has let in. Connections that stand
//! keep what they began with.

use std::io::{self, ErrorKind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use rustls::{AlertDescription, Error, HandshakeKind, ServerConfig};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::certificate::Identity;
use crate::metrics::TlsMeters;

/// One log line in so long about callers that do not get in; the counter tells each time.
const COMPLAIN_EVERY: Duration = Duration::from_mins(1);

/// How a handshake ends whose client went away.
const GONE: [ErrorKind; 4] = [
    ErrorKind::UnexpectedEof,
    ErrorKind::ConnectionReset,
    ErrorKind::BrokenPipe,
    ErrorKind::TimedOut,
];

/// The TLS of one listener.
#[derive(Debug)]
pub struct Tls {
    config: ArcSwap<ServerConfig>,
    meters: Arc<TlsMeters>,
    complained: Mutex<Option<Instant>>,
}

impl Tls {
    /// Speaks TLS as `identity` says.
    pub fn new(identity: Identity, meters: Arc<TlsMeters>) -> Self {
        meters.note_expiry(identity.validity.map(|(_, end)| end));
        Self { config: ArcSwap::new(identity.config), meters, complained: Mutex::default() }
    }

    /// Has new connections see another identity.
    pub fn swap(&self, identity: Identity) {
        self.meters.note_expiry(identity.validity.map(|(_, end)| end));
        self.config.store(identity.config);
    }

    /// Shakes hands. `None` if that failed; then it is counted.
    pub(super) async fn greet(&self, stream: TcpStream) -> Option<TlsStream<TcpStream>> {
        match TlsAcceptor::from(self.config.load_full()).accept(stream).await {
            Ok(stream) => {
                let (_, session) = stream.get_ref();
                match session.handshake_kind() {
                    Some(HandshakeKind::Resumed) => self.meters.resumed.inc(),
                    _ => self.meters.full.inc(),
                }
                Some(stream)
            }
            Err(error) => {
                self.note_failure(&error);
                None
            }
        }
    }

    /// A handshake that its time ran out on.
    pub(super) fn note_late(&self) {
        self.meters.late.inc();
    }

    fn note_failure(&self, error: &io::Error) {
        let cause = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
        // What scanners send is noise; who has or expects another certificate may be the platform.
        let (counter, what) = match cause {
            Some(Error::NoCertificatesPresented | Error::InvalidCertificate(_)) => {
                (&self.meters.bad_client, Some("a client was refused for its certificate"))
            }
            Some(Error::AlertReceived(alert)) if *alert != AlertDescription::CloseNotify => {
                (&self.meters.rejected, Some("a client refused our certificate or our TLS"))
            }
            None if GONE.contains(&error.kind()) => (&self.meters.gone, None),
            _ => (&self.meters.broken, None),
        };
        counter.inc();
        if let Some(what) = what.filter(|_| self.may_complain()) {
            tracing::warn!(%error, "{what}; there is one such line a minute");
        } else {
            tracing::debug!(%error, "a TLS handshake failed");
        }
    }

    fn may_complain(&self) -> bool {
        let mut last = self.complained.lock().unwrap_or_else(PoisonError::into_inner);
        let may = last.is_none_or(|last| last.elapsed() > COMPLAIN_EVERY);
        if may {
            *last = Some(Instant::now());
        }
        may
    }
}
