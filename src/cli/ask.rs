//! Asking a running node: one request to its operator API.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use anyhow::bail;
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper::header::{AUTHORIZATION, HOST};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

use super::{FAILURE, Failure};
use crate::config::Config;

/// A node that takes longer to answer is taken for dead.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Its answer may be so long, in bytes.
const BYTES_MAX: usize = 16 << 20;

/// Asks the node that the configuration describes. What it answers with anything but success is
/// an error.
pub(super) fn ask(
    config: &Config,
    method: Method,
    path: &str,
    body: Option<&Value>,
) -> anyhow::Result<String> {
    let address = reachable(config.listen.operator);
    let (status, text) = exchange(config, method, path, body)?;
    if status.is_success() {
        return Ok(text);
    }
    let status = status.as_u16();
    let said: Option<Value> = serde_json::from_str(&text).ok();
    let why =
        said.as_ref().and_then(|said| said.get("error")?.as_str()).unwrap_or("no reason given");
    Err(Failure::new(FAILURE, format!("the node at {address} says {status}: {why}")).into())
}

/// Asks it and returns what it answers, whatever that is.
pub(super) fn exchange(
    config: &Config,
    method: Method,
    path: &str,
    body: Option<&Value>,
) -> anyhow::Result<(StatusCode, String)> {
    let address = reachable(config.listen.operator);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let asked = runtime.block_on(async {
        tokio::time::timeout(TIMEOUT, send(config, address, method, path, body)).await
    });
    // In words only: a broken connection must not pass for a reader of standard output that left.
    asked.map_err(anyhow::Error::from).flatten().map_err(|error| {
        let what = format!("no node answers at {address}, `listen.operator`: {error:#}");
        Failure::new(FAILURE, what).into()
    })
}

async fn send(
    config: &Config,
    address: SocketAddr,
    method: Method,
    path: &str,
    body: Option<&Value>,
) -> anyhow::Result<(StatusCode, String)> {
    let stream = TcpStream::connect(address).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    // A GET needs no token, and something else may have taken the node's port.
    let token = config.listen.operator_token.as_ref().filter(|_| method != Method::GET);
    let mut request = Request::builder().method(method).uri(path).header(HOST, address.to_string());
    if let Some(token) = token {
        request = request.header(AUTHORIZATION, format!("Bearer {}", token.expose()));
    }
    let body = body.map(Value::to_string).unwrap_or_default();
    let request = request.body(Full::new(Bytes::from(body)))?;
    let answer = async move {
        let reply = sender.send_request(request).await?;
        let status = reply.status();
        match Limited::new(reply.into_body(), BYTES_MAX).collect().await {
            Ok(body) => Ok((status, String::from_utf8_lossy(&body.to_bytes()).into_owned())),
            Err(error) => bail!("{error}"),
        }
    };
    // What breaks the connection shows where its answer is waited for.
    let (answer, _) = tokio::join!(answer, connection);
    answer
}

/// Where to connect to reach a node that listens there.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}
