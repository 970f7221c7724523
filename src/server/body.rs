//! Reading a request's body whole, within its limits.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};

use super::BodyFault;

/// So many times the limit is read and thrown away before giving up on a body that is too large:
/// a socket closed with bytes unread resets the connection, and the reply could be lost with it.
const DISCARD_FACTOR: u64 = 4;

/// Reads `body`, asking whether it is wanted before it waits. No timer is armed for a body that is
/// already there.
pub(super) async fn read(
    body: Incoming,
    bytes_max: usize,
    timeout: Duration,
    wanted: impl FnOnce() -> bool,
) -> Result<Bytes, BodyFault> {
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    let mut whole = pin!(collect(body, bytes_max));
    match poll_fn(|cx| Poll::Ready(whole.as_mut().poll(cx))).await {
        Poll::Ready(done) => done,
        Poll::Pending if !wanted() => Err(BodyFault::Unwanted),
        Poll::Pending => tokio::time::timeout(timeout, whole).await.unwrap_or(Err(BodyFault::Late)),
    }
}

async fn collect(mut body: Incoming, bytes_max: usize) -> Result<Bytes, BodyFault> {
    let limit = u64::try_from(bytes_max).unwrap_or(u64::MAX);
    if body.size_hint().lower() > limit.saturating_mul(DISCARD_FACTOR) {
        return Err(BodyFault::TooLarge);
    }
    let mut first = Bytes::new();
    let mut joined = BytesMut::new();
    let mut total = 0_u64;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| BodyFault::Broken)?.into_data() else { continue };
        total = total.saturating_add(u64::try_from(data.len()).unwrap_or(u64::MAX));
        if total > limit {
            joined = BytesMut::new();
            first = Bytes::new();
            if total > limit.saturating_mul(DISCARD_FACTOR) {
                return Err(BodyFault::TooLarge);
            }
        } else if first.is_empty() {
            first = data;
        } else {
            if joined.is_empty() {
                joined.extend_from_slice(&first);
            }
            joined.extend_from_slice(&data);
        }
        if body.is_end_stream() {
            break;
        }
    }
    if total > limit {
        return Err(BodyFault::TooLarge);
    }
    Ok(if joined.is_empty() { first } else { joined.freeze() })
}
