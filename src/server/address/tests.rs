use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::atomic::Ordering;

use super::{BURST_NS, ENTRIES, Entry, Table};

#[test]
fn requests_are_paid_for_in_time() {
    let entry = Entry::default();
    let (begin, interval) = (5 * BURST_NS, BURST_NS / 4);
    let paid = |times: usize, now: u64| (0..times).filter(|_| entry.pay(now, interval)).count();
    assert_eq!(paid(10, begin), 4, "a second's worth at once");
    assert_eq!(paid(10, begin + interval - 1), 0, "not a moment too early");
    assert_eq!(paid(10, begin + interval), 1, "then one after another");
    assert_eq!(paid(10, begin + 3 * interval), 2);
    assert_eq!(paid(10, begin + 100 * BURST_NS), 4, "nothing is saved up beyond a second's worth");
    let slow = Entry::default();
    assert!(slow.pay(0, BURST_NS) && !slow.pay(0, BURST_NS), "one a second is one");
}

#[test]
fn an_address_is_what_one_subscriber_has() {
    let mut table = Table { sweep_at: ENTRIES, ..Table::default() };
    for (address, seen) in [
        ("192.0.2.1", 1),
        ("192.0.2.1", 1),
        ("192.0.2.2", 2),
        ("2001:db8:0:1::1", 3),
        ("2001:db8:0:1:ffff::9", 3),
        ("2001:db8:0:2::1", 4),
    ] {
        table.entry(address.parse().unwrap(), 0);
        assert_eq!(table.entries.len(), seen, "{address}");
    }
}

#[test]
fn a_crowd_is_bounded_and_connections_stay_counted() {
    let mut table = Table { sweep_at: ENTRIES, ..Table::default() };
    let address = |number: u32| IpAddr::V4(Ipv4Addr::from_bits(number));
    let connected = table.entry(address(0), 0);
    connected.connections.fetch_add(1, Ordering::Relaxed);
    let owing = table.entry(address(1), 0);
    owing.due_ns.store(1_000, Ordering::Relaxed);
    for number in 0..100_000 {
        // At rest.
        table.entry(address(number), 999);
        assert!(table.entries.len() <= ENTRIES);
    }
    assert_eq!(table.entry(address(0), 999).connections.load(Ordering::Relaxed), 1);
    assert_eq!(table.entry(address(1), 999).due_ns.load(Ordering::Relaxed), 1_000);
    for number in 0..100_000_u128 {
        // Each owing something.
        let entry = table.entry(Ipv6Addr::from_bits(number << 64).into(), 999);
        entry.due_ns.store(1_000, Ordering::Relaxed);
        assert!(table.entries.len() <= ENTRIES);
    }
    assert_eq!(table.entry(address(0), 999).connections.load(Ordering::Relaxed), 1);
}
