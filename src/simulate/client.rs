//! Making the callbacks: by the clock, over a bounded number of long connections.
//!
//! One thread tells when a request is due; tasks, one for each connection, take what is due in
//! turn. Where all of them wait for replies, what is due waits, and that counts as latency; after
//! so long that the platform would have given up, it is not sent any more.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::fmt::Write;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::Request;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::HOST;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::{JoinSet, LocalSet};

use super::reply::check;
use super::report::Report;
use super::tally::{Second, Tally};
use super::traffic::{Shot, Traffic};
use super::{Failed, Options, PATIENCE};
use crate::platform::tencent::{Command, Secret};
use crate::verdict::Verdict;

/// How long to wait for a reply, that late ones can be told from none.
const REPLY_TIMEOUT: Duration = Duration::from_secs(5);
/// How long to wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// A reply may be so long, in bytes.
const REPLY_BYTES_MAX: usize = 1 << 20;

type Connection = SendRequest<Full<Bytes>>;

/// Simulates until the time is over or an interrupt comes, and tells each second how it goes.
pub fn run(options: &Options, live: &mut dyn FnMut(&Second)) -> Result<Report, Failed> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(Failed::Start)?;
    LocalSet::new().block_on(&runtime, drive(options, live))
}

async fn drive(options: &Options, live: &mut dyn FnMut(&Second)) -> Result<Report, Failed> {
    let (host, address) = resolve(options).await?;
    // Where nobody listens at all there is nothing to count.
    let reached = TcpStream::connect(address).await;
    drop(reached.map_err(|source| Failed::Unreachable { address, source })?);

    let due = Arc::new(Semaphore::new(0));
    let stop = Arc::new(AtomicBool::new(false));
    let end = Arc::new(AtomicU64::new(0));
    let begun = Instant::now();
    let schedule = Schedule::new(options, begun);
    let pacer = {
        let (due, stop, end) = (Arc::clone(&due), Arc::clone(&stop), Arc::clone(&end));
        thread::Builder::new().name("quell-pacer".to_owned()).spawn(move || {
            pace(&schedule, &due, &stop, &end);
        })
    }
    .map_err(Failed::Start)?;
    let shared = Rc::new(Shared {
        address,
        host,
        path: options.target.path().to_owned(),
        signer: RefCell::new(Signer::new(options)),
        schedule,
        due,
        end,
        taken: Cell::new(0),
        traffic: RefCell::new(Traffic::new(options)),
        delivered: RefCell::default(),
        tally: RefCell::default(),
    });
    let mut tasks = JoinSet::new();
    for _ in 0..options.connections.get() {
        tasks.spawn_local(take(Rc::clone(&shared)));
    }
    // Asked to end: what was found so far is still of use.
    tokio::task::spawn_local(async move {
        drop(tokio::signal::ctrl_c().await);
        stop.store(true, Ordering::Relaxed);
    });
    let mut seconds = tokio::time::interval(Duration::from_secs(1));
    seconds.tick().await;
    loop {
        tokio::select! {
            ended = tasks.join_next() => if ended.is_none() { break },
            _ = seconds.tick() => live(&shared.tally.borrow_mut().second(begun.elapsed())),
        }
    }
    // The tasks have ended because it has.
    drop(pacer.join());
    let tally = shared.tally.take();
    Ok(tally.report(begun.elapsed(), options.connections.get()))
}

async fn resolve(options: &Options) -> Result<(String, SocketAddr), Failed> {
    let uri = &options.target;
    let (Some("http"), Some(host)) = (uri.scheme_str(), uri.host()) else {
        return Err(Failed::Target);
    };
    let port = uri.port_u16().unwrap_or(80);
    let unknown = |source| Failed::Host { host: host.to_owned(), source };
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let mut found = tokio::net::lookup_host((bare, port)).await.map_err(unknown)?;
    let address = found.next().ok_or_else(|| unknown(io::ErrorKind::NotFound.into()))?;
    Ok((format!("{host}:{port}"), address))
}

/// When each request is due.
#[derive(Debug, Clone, Copy)]
struct Schedule {
    begun: Instant,
    rate: u64,
    total: u64,
}

impl Schedule {
    fn new(options: &Options, begun: Instant) -> Self {
        let rate = u64::from(options.rate.get());
        let total = options.duration.as_nanos() * u128::from(rate) / 1_000_000_000;
        Self { begun, rate, total: u64::try_from(total).unwrap_or(u64::MAX).max(1) }
    }

    /// When request number `number` is due, counted from 0.
    fn due(&self, number: u64) -> Instant {
        let after = u128::from(number) * 1_000_000_000 / u128::from(self.rate);
        self.begun + Duration::from_nanos(u64::try_from(after).unwrap_or(u64::MAX))
    }

    /// How many are due by `now`.
    fn by(&self, now: Instant) -> u64 {
        let elapsed = now.saturating_duration_since(self.begun).as_nanos();
        let due = elapsed * u128::from(self.rate) / 1_000_000_000 + 1;
        u64::try_from(due).unwrap_or(u64::MAX).min(self.total)
    }
}

/// Gives a permit for each request when it is due, and says in the end how many there were. A thread of its own, since a runtime's timers are only good to a millisecond.
fn pace(schedule: &Schedule, due: &Semaphore, stop: &AtomicBool, end: &AtomicU64) {
    let mut given = 0;
    while given < schedule.total && !stop.load(Ordering::Relaxed) {
        let now = Instant::now();
        let by = schedule.by(now);
        due.add_permits(usize::try_from(by - given).unwrap_or(0));
        given = by;
        thread::park_timeout(schedule.due(given).saturating_duration_since(now));
    }
    end.store(given, Ordering::Release);
    due.close();
}

/// What the tasks share. They all run on one thread.
struct Shared {
    address: SocketAddr,
    host: String,
    path: String,
    signer: RefCell<Signer>,
    schedule: Schedule,
    due: Arc<Semaphore>,
    /// How many were due in all, once that is known.
    end: Arc<AtomicU64>,
    taken: Cell<u64>,
    traffic: RefCell<Traffic>,
    /// What the platform has still to tell about messages that went through.
    delivered: RefCell<VecDeque<Shot>>,
    tally: RefCell<Tally>,
}

/// One connection's life: takes what is due, asks, counts.
async fn take(shared: Rc<Shared>) {
    let mut connection = None;
    while shared.wait().await {
        let number = shared.taken.get();
        shared.taken.set(number + 1);
        let due = shared.schedule.due(number);
        let shot = shared.shot();
        shared.tally.borrow_mut().asked();
        if due.elapsed() > PATIENCE {
            shared.tally.borrow_mut().unanswered("every connection was busy for two seconds");
            continue;
        }
        match shared.ask(&mut connection, &shot).await {
            Ok((status, body)) => shared.answered(&shot, due.elapsed(), status, &body),
            Err(why) => {
                connection = None;
                shared.tally.borrow_mut().unanswered(why);
            }
        }
    }
}

impl Shared {
    /// Waits until a request is due. False when no more will be.
    async fn wait(&self) -> bool {
        if let Ok(permit) = self.due.acquire().await {
            permit.forget();
            return true;
        }
        // Closed with permits in it.
        self.taken.get() < self.end.load(Ordering::Acquire)
    }

    fn shot(&self) -> Shot {
        let delivered = self.delivered.borrow_mut().pop_front();
        delivered.unwrap_or_else(|| self.traffic.borrow_mut().next())
    }

    fn answered(&self, shot: &Shot, took: Duration, status: u16, body: &[u8]) {
        let answer = check(Command::from_name(shot.command), status, body);
        self.tally.borrow_mut().answered(shot, took, answer.as_ref().map_err(Clone::clone));
        if let Ok(answer) = answer
            && shot.command == "Group.CallbackBeforeSendMsg"
            && matches!(answer.verdict, Verdict::Allow | Verdict::Mask)
        {
            let after = self.traffic.borrow_mut().delivered(shot, answer.rewritten);
            self.delivered.borrow_mut().push_back(after);
        }
    }

    async fn ask(
        &self,
        connection: &mut Option<Connection>,
        shot: &Shot,
    ) -> Result<(u16, Bytes), &'static str> {
        let mut ready = match connection.take() {
            Some(mut open) => open.ready().await.is_ok().then_some(open),
            None => None,
        };
        if ready.is_none() {
            let opened = tokio::time::timeout(CONNECT_TIMEOUT, open(self.address)).await;
            ready = opened.ok().and_then(Result::ok);
            self.tally.borrow_mut().connected();
        }
        let Some(mut ready) = ready else { return Err("no connection could be made") };
        let request = self.request(shot).map_err(|_| "the request cannot be written")?;
        let exchange = async {
            let reply = ready.send_request(request).await?;
            let status = reply.status().as_u16();
            let body = Limited::new(reply.into_body(), REPLY_BYTES_MAX).collect().await?;
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>((status, body.to_bytes()))
        };
        match tokio::time::timeout(REPLY_TIMEOUT, exchange).await {
            Ok(Ok(reply)) => {
                *connection = Some(ready);
                Ok(reply)
            }
            Ok(Err(_)) => Err("the connection broke off"),
            Err(_) => Err("nothing came for five seconds"),
        }
    }

    fn request(&self, shot: &Shot) -> hyper::http::Result<Request<Full<Bytes>>> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let mut signer = self.signer.borrow_mut();
        let query = signer.query(now.as_secs());
        let (path, Shot { command, platform, .. }) = (&self.path, shot);
        let uri = format!(
            "{path}?SdkAppid={}&CallbackCommand={command}&contenttype=json\
             &ClientIP=203.0.113.7&OptPlatform={platform}{query}",
            signer.app
        );
        let mut body = shot.body.clone();
        let event_time = u64::try_from(now.as_millis()).unwrap_or(0);
        body.insert("EventTime".to_owned(), event_time.into());
        if body.contains_key("MsgSeq") {
            body.insert("MsgTime".to_owned(), now.as_secs().into());
        }
        let body = Full::new(Bytes::from(Value::Object(body).to_string()));
        Request::post(uri).header(HOST, &self.host).body(body)
    }
}

async fn open(address: SocketAddr) -> Result<Connection, Box<dyn std::error::Error>> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    // What goes wrong on it shows where a reply is waited for.
    tokio::task::spawn_local(async move { drop(connection.await) });
    Ok(sender)
}

/// Signs as the platform does: token and time, nothing else.
struct Signer {
    app: u64,
    token: Option<Secret>,
    second: u64,
    query: String,
}

impl Signer {
    fn new(options: &Options) -> Self {
        Self { app: options.app, token: options.token.clone(), second: 0, query: String::new() }
    }

    /// What is appended to the URL in this second.
    fn query(&mut self, second: u64) -> String {
        if let Some(token) = &self.token
            && self.second != second
        {
            self.second = second;
            let digest = Sha256::digest(format!("{}{second}", token.expose()));
            self.query = format!("&RequestTime={second}&Sign=");
            for byte in digest {
                let _ = write!(self.query, "{byte:02x}");
            }
        }
        self.query.clone()
    }
}
