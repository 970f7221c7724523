//! What one callback costs a serving thread, sockets and kernel included: the CPU time of a whole
//! node with the shipped rules and signed callbacks, beside that of a bare hyper server that reads
//! the body and answers a constant. The ratio is what Quell costs; either number alone says as
//! much about the machine. Linux only: the times are the scheduler's own.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use criterion::{Criterion, Throughput};
use http_body_util::{BodyExt, Full};
use hyper::server::conn::http1::Builder;
use hyper::service::service_fn;
use hyper::{Request, Response, body::Incoming};
use hyper_util::rt::TokioIo;
use quell::config::{Config, Input};
use quell::node::Running;

use crate::corpus;
use crate::gate::{TOKEN, body, query};

const CONNECTIONS: usize = 16;

/// The CPU time so far of this process's threads whose name begins so.
fn cpu(name: &str) -> Duration {
    let tasks = fs::read_dir("/proc/self/task").expect("Linux");
    let ns = tasks.filter_map(|task| {
        let task = task.ok()?.path();
        let comm = fs::read_to_string(task.join("comm")).ok()?;
        let stat = fs::read_to_string(task.join("schedstat")).ok()?;
        comm.starts_with(name).then(|| stat.split(' ').next()?.parse::<u64>().ok())?
    });
    Duration::from_nanos(ns.sum())
}

async fn constant(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    drop(request.into_body().collect().await);
    let reply = r#"{"ActionStatus":"OK","ErrorInfo":"","ErrorCode":0}"#;
    Ok(Response::new(Full::new(Bytes::from_static(reply.as_bytes()))))
}

/// Serves until the process ends.
fn bare() -> SocketAddr {
    let listener = quell::server::bind(([127, 0, 0, 1], 0).into()).expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    let serve = async move {
        let listener = tokio::net::TcpListener::from_std(listener).expect("it listens");
        loop {
            let (stream, _) = listener.accept().await.expect("a connection");
            stream.set_nodelay(true).expect("a socket");
            let connection = Builder::new()
                .half_close(false)
                .writev(false)
                .serve_connection(TokioIo::new(stream), service_fn(constant));
            tokio::task::spawn_local(connection);
        }
    };
    let body = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        tokio::task::LocalSet::new().block_on(&runtime.expect("a runtime"), serve)
    };
    std::thread::Builder::new().name("bare".to_owned()).spawn(body).expect("a thread");
    address
}

fn node() -> Running {
    let rules = concat!(env!("CARGO_MANIFEST_DIR"), "/rules");
    let settings = [
        ("QUELL_RULES", rules),
        ("QUELL_LISTEN__CALLBACKS", "127.0.0.1:0"),
        ("QUELL_LISTEN__OPERATOR", "127.0.0.1:0"),
        ("QUELL_LISTEN__WORKERS", "1"),
        ("QUELL_APP__SDK_APP_ID", "1400000001"),
        ("QUELL_APP__TOKENS", TOKEN),
        ("QUELL_LIMITS__SIGNATURE_AGE_MAX", "24h"),
    ];
    let environment: BTreeMap<String, String> =
        settings.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
    let config = Config::resolve(&Input {
        file: None,
        environment: &environment,
        flags: Vec::new(),
        cores: 1,
        read: &|path| fs::read_to_string(path),
    });
    Running::start(&config.expect("good settings")).expect("good rules")
}

/// Sends a request on each connection, then reads the replies.
fn round(connections: &mut [TcpStream], requests: &mut dyn Iterator<Item = &Vec<u8>>) {
    for (connection, request) in connections.iter_mut().zip(requests) {
        connection.write_all(request).expect("it is taken");
    }
    let mut reply = [0; 2048];
    for connection in connections {
        // A reply is one small write.
        let length = connection.read(&mut reply).expect("a reply");
        assert!(reply[..length].starts_with(b"HTTP/1.1 200"), "{:?}", &reply[..length]);
    }
}

pub(crate) fn wire(c: &mut Criterion) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs());
    let query = query(now);
    let requests: Vec<Vec<u8>> = corpus::messages(true)
        .iter()
        .chain(corpus::messages(false))
        .map(|text| {
            let body = body(text);
            let length = body.len();
            format!("POST /callback?{query} HTTP/1.1\r\nhost: q\r\ncontent-length: {length}\r\n\r\n{body}")
                .into_bytes()
        })
        .collect();
    let node = node();
    let mut group = c.benchmark_group("wire");
    group.throughput(Throughput::Elements(1));
    for (name, thread, address) in
        [("bare hyper", "bare", bare()), ("quell", "quell-worker", node.callbacks())]
    {
        group.bench_function(name, |b| {
            let mut connections: Vec<_> = (0..CONNECTIONS)
                .map(|_| TcpStream::connect(address).expect("a connection"))
                .collect();
            let mut requests = requests.iter().cycle();
            b.iter_custom(|count| {
                let rounds = count.div_ceil(16);
                let begun = cpu(thread);
                for _ in 0..rounds {
                    round(&mut connections, &mut requests);
                }
                let spent = cpu(thread).saturating_sub(begun).as_secs_f64();
                let asked = f64::from(u32::try_from(rounds).unwrap_or(u32::MAX)) * 16.0;
                let wanted = f64::from(u32::try_from(count).unwrap_or(u32::MAX));
                Duration::from_secs_f64(spent * wanted / asked)
            });
        });
    }
    group.finish();
    node.stop();
}
