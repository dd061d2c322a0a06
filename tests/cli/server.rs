//! A server on loopback with a Worker's answers.

use super::answers;
use super::program::TOKEN;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// A request that arrived.
#[derive(Clone)]
pub struct Request {
    /// As in `GET stats?window=60`.
    pub target: String,
    pub authorization: Option<String>,
    pub body: String,
}

/// The server. Its thread ends with the test.
pub struct Server {
    pub url: String,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests: Arc<Mutex<Vec<Request>>> = Arc::default();
        let seen = requests.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // One at a time: the program sends one request after the other.
                let _ = serve(stream, &seen);
            }
        });
        Self { url, requests }
    }

    /// What has arrived so far.
    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

fn serve(stream: TcpStream, seen: &Mutex<Vec<Request>>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut words = line.split_whitespace();
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let (method, path) = (method.to_owned(), path.to_owned());
    let (mut authorization, mut length) = (None, 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        match name.to_ascii_lowercase().as_str() {
            "authorization" => authorization = Some(value.to_owned()),
            "content-length" => length = value.parse().unwrap(),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let body = String::from_utf8(body).unwrap();
    let (state, target) = path.split_once("/__evergraph/").unwrap_or(("", ""));
    let (route, _) = target.split_once('?').unwrap_or((target, ""));
    let (status, answer) = match authorization.as_deref() {
        _ if state == "/BROKEN" => (500, json!({ "error": "it broke" })),
        _ if state == "/DOWN" => (503, answers::with("health", &json!({ "state": "DOWN" }))),
        _ if state == "/DEGRADED" => {
            (200, answers::with("health", &json!({ "state": "DEGRADED" })))
        }
        _ if state == "/FIRING" => {
            let (_, mut health) = answers::named("health");
            health["alerts"][0]["state"] = json!("firing");
            (200, health)
        }
        _ if state == "/PAUSED" => {
            let mut health = answers::with("health", &json!({ "paused": { "until": null } }));
            health["deployment"]["unusable_admin_tokens"] = json!([2, 5]);
            (200, health)
        }
        _ if state == "/FIRST" => (200, answers::with("schema", &json!({ "changed": null }))),
        _ if state == "/UNBOUND" => of_one_isolate(&json!({})),
        _ if state == "/SILENT" => of_one_isolate(&json!({ "fault": "no answer in 1000 ms" })),
        _ if state == "/HTML403" => (403, Value::Null),
        _ if state == "/HTML502" => (502, Value::Null),
        _ if state == "/MOVED" => (301, Value::Null),
        _ if state == "/OLD" => (404, json!({ "error": "no such route" })),
        Some(sent) if sent == format!("Bearer {TOKEN}") => answered(&method, route, target, &body),
        Some("Bearer reader") => (403, json!({ "error": "the role read may not do this" })),
        Some("Bearer often") => (429, Value::Null),
        _ if route == "health" => answered(&method, route, target, &body),
        _ => (401, json!({ "error": "unauthorized" })),
    };
    let target = format!("{method} {target}");
    let is_html = state.starts_with("/HTML");
    let answer = match stored_body(&target) {
        Some(body) if status == 200 => body.to_vec(),
        _ if is_html => b"<html>".to_vec(),
        _ => answer.to_string().into_bytes(),
    };
    seen.lock().unwrap().push(Request { target, authorization, body });
    let status = if state == "/HTML" { 200 } else { status };
    // The location is this server, by another name.
    let port = stream.local_addr()?.port();
    let length = answer.len() + if state == "/CUT" { 100 } else { 0 };
    let mut stream = stream;
    write!(
        stream,
        "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\nlocation: http://localhost:{port}/OTHER\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n",
    )?;
    stream.write_all(&answer)
}

/// The bodies of some entries. None of them is JSON as this server writes it.
fn stored_body(target: &str) -> Option<&'static [u8]> {
    match target.strip_prefix("GET entries?key=")? {
        "text&body=1" => Some(b"Hello\r\n"),
        "json&body=1" => Some(b"{ \"b\": 1.0,  \"a\": 2 }"),
        "binary&body=1" => Some(b"\x89PNG\r\n\x1a\n\0\xff\xfe"),
        "empty&body=1" => Some(b""),
        _ => None,
    }
}

/// Statistics without those of other isolates.
fn of_one_isolate(members: &Value) -> (u16, Value) {
    let mut stats = answers::with("stats", members);
    stats["counted_by"] = json!("isolate");
    stats["entries"] = Value::Null;
    (200, stats)
}

fn answered(method: &str, route: &str, target: &str, body: &str) -> (u16, Value) {
    if let Some(page) = answers::page_of_entries(target) {
        return (200, page);
    }
    if target.starts_with("stats?window=7&") {
        return (200, answers::evil_stats());
    }
    answers::answer(method, route, body).unwrap_or((404, json!({ "error": "no such route" })))
}
