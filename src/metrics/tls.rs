//! What is counted about TLS. Registered only where TLS is spoken: an expiry of nothing would
//! raise an alarm.

use prometheus::{IntCounter, IntGauge, Registry};

use super::{Reloads, counters, gauge};

/// The counters of one listener's TLS.
#[derive(Debug)]
pub struct TlsMeters {
    /// Handshakes from the beginning.
    pub full: IntCounter,
    /// Handshakes that went on from an earlier session.
    pub resumed: IntCounter,
    /// Clients refused for want of a good certificate.
    pub bad_client: IntCounter,
    /// Clients that would not have our certificate or our TLS.
    pub rejected: IntCounter,
    /// Clients that did not speak TLS, or none that we know.
    pub broken: IntCounter,
    /// Clients that went away, such as those that only look whether the port is open.
    pub gone: IntCounter,
    /// Clients that took too long.
    pub late: IntCounter,
    /// Attempts to put changed certificate files in use.
    pub reloads: Reloads,
    expiry: IntGauge,
}

impl TlsMeters {
    pub(super) fn new(registry: &Registry) -> prometheus::Result<Self> {
        let handshakes = counters(
            registry,
            "quell_tls_handshakes_total",
            "TLS handshakes with callers, by how they ended.",
            &["outcome"],
        )?;
        let of = |outcome| handshakes.with_label_values(&[outcome]);
        Ok(Self {
            full: of("full"),
            resumed: of("resumed"),
            bad_client: of("bad_client_certificate"),
            rejected: of("rejected_by_client"),
            broken: of("broken"),
            gone: of("gone"),
            late: of("late"),
            reloads: Reloads::new(
                registry,
                (
                    "quell_tls_reloads_total",
                    "Attempts to put changed certificate files in use, by outcome.",
                ),
                (
                    "quell_tls_files_rejected",
                    "1 while the certificate files cannot be used and those from before are, else 0.",
                ),
            )?,
            expiry: gauge(
                registry,
                "quell_tls_certificate_expiry_timestamp_seconds",
                "When the certificate in use expires, in seconds of Unix time.",
            )?,
        })
    }

    /// Notes when the certificate in use expires. Not known: 0, which asks for a look.
    pub fn note_expiry(&self, unix_s: Option<u64>) {
        self.expiry.set(unix_s.and_then(|end| i64::try_from(end).ok()).unwrap_or_default());
    }
}
