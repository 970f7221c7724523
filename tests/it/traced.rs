//! Spans: a collector gets those it should, and a node without its collector answers as ever.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use serde_json::Value;

use crate::harness::{BEFORE, Quell, callback, config, message};

/// Takes batches of spans, and hands on their JSON.
fn collector() -> (String, Receiver<Value>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}/v1/traces", listener.local_addr().unwrap());
    let (send, receive) = channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(body) = batch(&mut stream.unwrap()) else { continue };
            if send.send(body).is_err() {
                return;
            }
        }
    });
    (endpoint, receive)
}

fn batch(stream: &mut TcpStream) -> std::io::Result<Value> {
    let mut request = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&request);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let head = head.to_ascii_lowercase();
            assert!(head.starts_with("post /v1/traces "), "{head}");
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if body.len() == length.unwrap().parse::<usize>().unwrap() {
                stream.write_all(
                    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\
                      content-length: 2\r\nconnection: close\r\n\r\n{}",
                )?;
                return Ok(serde_json::from_str(body).unwrap());
            }
        }
        let read = stream.read(&mut buffer)?;
        if read == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        request.extend_from_slice(&buffer[..read]);
    }
}

/// A callback whose caller has begun a trace, and says whether it is wanted.
fn traced(trace: &str, wanted: bool, text: &str) -> Vec<u8> {
    let head =
        format!("host: q\r\ntraceparent: 00-{trace}-00f067aa0ba902b7-0{}\r\n", u8::from(wanted));
    let request = String::from_utf8(callback(BEFORE, &message(text))).unwrap();
    request.replacen("host: q\r\n", &head, 1).into_bytes()
}

#[test]
fn a_request_is_traced_for_whoever_may_ask() {
    let (endpoint, batches) = collector();
    let mut quell = Quell::start(&[("trace.endpoint", &endpoint), ("trace.percent", "0")]);
    let mut client = quell.connect();
    let (wanted, unwanted) =
        ("4bf92f3577b34da6a3ce929d0e0e4736", "4bf92f3577b34da6a3ce929d0e0e4737");
    for request in [
        traced(wanted, true, "badword"),
        traced(unwanted, false, "badword"),
        callback(BEFORE, &message("badword")),
        traced("no trace at all", true, "badword"),
    ] {
        assert_eq!(client.ask(&request).status, 200);
    }
    let stranger = String::from_utf8(traced(wanted, true, "badword")).unwrap();
    let stranger = stranger.replacen("/callback?", "/elsewhere?", 1);
    assert_eq!(client.ask(stranger.as_bytes()).status, 404);
    drop(client);
    assert!(quell.stop());
    let batch = batches.recv().unwrap();
    let spans = batch["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().unwrap();
    assert_eq!(spans.len(), 1, "{batch}");
    assert_eq!(spans[0]["traceId"], wanted);
    assert_eq!(spans[0]["parentSpanId"], "00f067aa0ba902b7");
    assert_eq!(spans[0]["name"], BEFORE);
    let text = batch.to_string();
    assert!(text.contains("quell.outcome") && text.contains("deny"), "{text}");
    for private in ["badword", "@TGS", "1400000001"] {
        assert!(!text.contains(private), "{text}");
    }
}

#[test]
fn without_a_collector_the_answer_is_the_same() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let endpoint = format!("http://{closed}/v1/traces");
    let mut quell = Quell::start(&[("trace.endpoint", &endpoint), ("trace.percent", "100")]);
    let mut client = quell.connect();
    for _ in 0..100 {
        let reply = client.ask(&callback(BEFORE, &message("badword")));
        assert_eq!(reply.json()["ErrorCode"], 1);
    }
    drop(client);
    assert!(quell.stop());
}

#[test]
fn an_endpoint_that_spans_would_not_reach_is_refused() {
    for endpoint in ["https://collector.example/v1/traces", "127.0.0.1:4318"] {
        let said = config(&[("trace.endpoint", endpoint)]).unwrap_err().to_string();
        assert!(said.contains("`trace.endpoint`") && said.contains("without TLS"), "{said}");
    }
}
