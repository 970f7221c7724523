//! What answering one callback costs, from bytes to bytes: query, signature, decoding, judging
//! and the reply, without sockets. 10,000 entries and 20 rules.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::corpus;
use arc_swap::ArcSwap;
use criterion::{Criterion, Throughput};
use hyper::Method;
use quell::gate::{Fallback, Gate, Loaded, Options, Request, Worker};
use quell::metrics::{Metrics, Mode};
use quell::platform::tencent::{App, Command, Secret, Settings};
use quell::verdict::Verdict;
use serde_json::json;
use sha2::{Digest, Sha256};

pub(crate) const TOKEN: &str = "bench-token";

/// A signed query.
pub(crate) fn query(now: u64) -> String {
    let sign: String =
        Sha256::digest(format!("{TOKEN}{now}")).iter().fold(String::new(), |mut hex, byte| {
            use std::fmt::Write as _;
            write!(hex, "{byte:02x}").expect("a string takes everything");
            hex
        });
    format!(
        "SdkAppid=1400000001&CallbackCommand=Group.CallbackBeforeSendMsg&contenttype=json\
         &ClientIP=203.0.113.9&OptPlatform=iOS&Sign={sign}&RequestTime={now}"
    )
}

pub(crate) fn body(text: &str) -> String {
    json!({
        "CallbackCommand": "Group.CallbackBeforeSendMsg",
        "GroupId": "@TGS#2PUB4KXQ",
        "Type": "Public",
        "From_Account": "user_000123",
        "Operator_Account": "user_000123",
        "Random": 2_837_546,
        "MsgId": "144115200000000001-1760000000-3120045511",
        "OnlineOnlyFlag": 0,
        "MsgBody": [{"MsgType": "TIMTextElem", "MsgContent": {"Text": text}}],
        "CloudCustomData": "lvl=3",
        "EventTime": 1_760_000_000_123_u64,
    })
    .to_string()
}

pub(crate) fn gate(c: &mut Criterion) {
    let names: Vec<_> =
        std::iter::once("unknown").chain(Command::all().map(Command::name)).collect();
    let metrics = Arc::new(Metrics::new(1, &names).expect("names differ"));
    let rulebook = corpus::rulebook(10_000, 20, "plain");
    let rules = rulebook.rules();
    let meters = metrics.rules(rules.iter().map(|rule| (&rule.id, Mode::Enforce)));
    let current = Arc::new(ArcSwap::from_pointee(Loaded { meters, rulebook }));
    let gate = Gate::new(Options {
        path: "/callback".to_owned(),
        apps: vec![App { sdk_app_id: 1_400_000_001, tokens: vec![Secret::new(TOKEN)] }],
        signature_age_max_s: 86_400,
        fallback: Fallback {
            message: Verdict::Allow,
            gift: Verdict::Deny,
            admission: Verdict::Allow,
        },
        tencent: Settings::default(),
    });
    let mut worker = Worker::new(0, metrics.shards(), &current);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs());
    let query = query(now);
    let bodies: Vec<String> = corpus::messages(true)
        .iter()
        .chain(corpus::messages(false))
        .map(|text| body(text))
        .collect();
    let mut group = c.benchmark_group("gate");
    group.warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(3));
    group.throughput(Throughput::Elements(1));
    group.bench_function("10000 entries, 20 rules, signed", |b| {
        let mut bodies = bodies.iter().cycle();
        b.iter(|| {
            let body = bodies.next().map_or("", String::as_str);
            let request = Request {
                method: &Method::POST,
                path: "/callback",
                query: &query,
                body: Ok(body.as_bytes()),
                begun: Instant::now(),
            };
            black_box(gate.handle(&mut worker, black_box(request)))
        });
    });
    group.finish();
}
