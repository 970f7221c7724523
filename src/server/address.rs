//! How much one address may ask for: connections at a time and requests a second.
//!
//! A connection holds on to the entry of its address, so a request touches no table and no lock.
//! Only where a proxy hands on many callers' requests over one connection is the table looked at
//! for each. IPv6 is counted by /64, which is what one subscriber has.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use hyper::header::HeaderMap;
use ipnet::IpNet;

use crate::metrics::ListenerMeters;

use super::{Options, ProxyProtocol, proxy};

/// So many addresses are remembered before those that are at rest are forgotten: about 2 MB.
const ENTRIES: usize = 1 << 14;
/// A second's worth of requests may come at once.
const BURST_NS: u64 = 1_000_000_000;
const NETWORK: u128 = u128::MAX << 64;

/// Every address that has something to be counted.
#[derive(Debug)]
pub(super) struct Addresses {
    trusted: Vec<IpNet>,
    protocol: ProxyProtocol,
    /// 0: any number.
    connections_max: usize,
    /// Between two requests, in the long run; 0: nothing.
    interval_ns: u64,
    begun: Instant,
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    entries: HashMap<IpAddr, Arc<Entry>>,
    sweep_at: usize,
}

/// What one address has.
#[derive(Debug, Default)]
struct Entry {
    connections: AtomicUsize,
    /// When its requests so far will have been paid for, in nanoseconds since the table began.
    due_ns: AtomicU64,
}

/// Who is at the other end of a connection.
#[derive(Debug)]
pub(super) enum Caller {
    /// A trusted proxy, which has still to say for whom it calls.
    Announced,
    /// A trusted proxy: each request says for whom it is, if anything does.
    Proxy,
    /// An address with limits.
    Counted(Held),
    /// An address without.
    Uncounted,
}

/// A connection on an address's account.
#[derive(Debug)]
pub(super) struct Held(Arc<Entry>);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.connections.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Why a connection is not wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unwanted {
    /// Its address has too many.
    TooMany,
    /// Only trusted proxies may connect.
    Untrusted,
}

impl Unwanted {
    pub(super) fn count(self, meters: &ListenerMeters) {
        match self {
            Self::TooMany => meters.over_address_cap.inc(),
            Self::Untrusted => meters.untrusted.inc(),
        }
    }
}

impl Addresses {
    pub(super) fn new(options: &Options) -> Arc<Self> {
        let rate = u64::from(options.requests_per_address_max);
        Arc::new(Self {
            trusted: options.trusted_proxies.clone(),
            protocol: options.proxy_protocol,
            connections_max: options.connections_per_address_max,
            interval_ns: BURST_NS.checked_div(rate).unwrap_or_default(),
            begun: Instant::now(),
            table: Mutex::new(Table { entries: HashMap::new(), sweep_at: ENTRIES }),
        })
    }

    /// Takes a connection from `peer` on its account.
    pub(super) fn admit(&self, peer: IpAddr) -> Result<Caller, Unwanted> {
        let peer = peer.to_canonical();
        match (self.protocol, self.trusts(peer)) {
            (ProxyProtocol::V2, true) => Ok(Caller::Announced),
            (ProxyProtocol::V2, false) => Err(Unwanted::Untrusted),
            (ProxyProtocol::Off, true) => Ok(Caller::Proxy),
            (ProxyProtocol::Off, false) => self.count(peer),
        }
    }

    /// Takes a connection that a proxy has announced on the account of whom it is for.
    pub(super) fn announced(&self, source: Option<IpAddr>) -> Result<Caller, Unwanted> {
        match source {
            Some(source) if !self.trusts(source) => self.count(source),
            _ => Ok(Caller::Proxy),
        }
    }

    fn count(&self, address: IpAddr) -> Result<Caller, Unwanted> {
        if self.connections_max == 0 && self.interval_ns == 0 {
            return Ok(Caller::Uncounted);
        }
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = table.entry(address, self.now_ns());
        // Only added to under the lock: two cannot both take the last place.
        let before = entry.connections.fetch_add(1, Ordering::Relaxed);
        let held = Held(entry);
        if self.connections_max > 0 && before >= self.connections_max {
            return Err(Unwanted::TooMany);
        }
        Ok(Caller::Counted(held))
    }

    /// May `caller` make a request with these headers now?
    pub(super) fn may_ask(&self, caller: &Caller, headers: &HeaderMap) -> bool {
        if self.interval_ns == 0 {
            return true;
        }
        let now_ns = self.now_ns();
        match caller {
            Caller::Counted(held) => held.0.pay(now_ns, self.interval_ns),
            Caller::Proxy => match proxy::forwarded_for(headers, |it| self.trusts(it)) {
                Some(address) => {
                    let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
                    table.entry(address, now_ns).pay(now_ns, self.interval_ns)
                }
                None => true,
            },
            Caller::Announced | Caller::Uncounted => true,
        }
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.trusted.iter().any(|network| network.contains(&address))
    }

    fn now_ns(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

impl Table {
    fn entry(&mut self, address: IpAddr, now_ns: u64) -> Arc<Entry> {
        let key = match address {
            IpAddr::V4(_) => address,
            IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & NETWORK).into(),
        };
        if self.entries.len() >= self.sweep_at {
            self.sweep(now_ns);
        }
        Arc::clone(self.entries.entry(key).or_default())
    }

    /// Forgets who is at rest; and if these are few, everybody without a connection: a crowd of
    /// that size is beyond counting by address.
    fn sweep(&mut self, now_ns: u64) {
        let connected = |entry: &Entry| entry.connections.load(Ordering::Relaxed) > 0;
        let owes = |entry: &Entry| entry.due_ns.load(Ordering::Relaxed) > now_ns;
        self.entries.retain(|_, entry| connected(entry) || owes(entry));
        if self.entries.len() > ENTRIES / 2 {
            self.entries.retain(|_, entry| connected(entry));
        }
        self.sweep_at = self.entries.len().saturating_mul(2).max(ENTRIES);
    }
}

impl Entry {
    /// Pays for one request at `now_ns`, if a second's worth is not owed yet.
    fn pay(&self, now_ns: u64, interval_ns: u64) -> bool {
        let latest = now_ns.saturating_add(BURST_NS);
        let pay = |due: u64| {
            let due = due.max(now_ns).saturating_add(interval_ns);
            (due <= latest).then_some(due)
        };
        self.due_ns.fetch_update(Ordering::Relaxed, Ordering::Relaxed, pay).is_ok()
    }
}
