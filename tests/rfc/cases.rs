//! The cases as text, and as values. `README.md` next to this file describes the form.

use evergraph::http::{Headers, Method, Request, Url};
use std::time::{Duration, UNIX_EPOCH};

/// Second 0 of every case: Mon, 21 Nov 2022 04:00:00 GMT.
pub const START: u64 = 1_669_003_200;

/// One case: one clause of a standard.
pub struct Case {
    pub name: String,
    pub config: serde_json::Value,
    /// Whether what it stores stays in the memory of one isolate: what can only be validated.
    pub in_memory: bool,
    pub steps: Vec<Step>,
}

/// A request, the origin's responses if it is asked, and what the client must get.
#[derive(Clone)]
pub struct Step {
    /// The request as it is written in the case.
    pub line: String,
    /// The second at which the request comes.
    pub second: u64,
    pub request: Request,
    pub origin: Vec<OriginReply>,
    pub expected: Expected,
}

/// One response of the origin.
#[derive(Clone, Default)]
pub struct OriginReply {
    /// What the request to the origin must have.
    pub request_fields: Fields,
    /// `None` if the origin does not respond.
    pub status: Option<u16>,
    pub headers: Headers,
    pub body: String,
    /// Seconds from the request to the response.
    pub delay: u64,
}

/// What the client must get.
#[derive(Clone, Default)]
pub struct Expected {
    pub source: String,
    pub status: u16,
    pub body: String,
    pub fields: Fields,
}

/// Fields with their values. A field whose value is `None` must be absent.
pub type Fields = Vec<(String, Option<String>)>;

/// Reads the cases of one file.
pub fn parse(text: &str) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    let mut request_fields = Fields::new();
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("## ") {
            let (name, config) = (name.trim().to_owned(), serde_json::json!({}));
            cases.push(Case { name, config, in_memory: false, steps: Vec::new() });
            continue;
        }
        let Some(case) = cases.last_mut() else { continue };
        let line = expanded(line);
        if let Some(config) = line.strip_prefix("config ") {
            case.config = serde_json::from_str(config).unwrap();
        } else if line == "in memory" {
            case.in_memory = true;
        } else if line.starts_with(|first: char| first.is_ascii_digit()) {
            case.steps.push(step(&line));
        } else if let Some(fields) = line.strip_prefix("  ? ") {
            request_fields = fields.split(" | ").map(field).collect();
        } else if let Some(reply) = line.strip_prefix("  < ") {
            let request_fields = std::mem::take(&mut request_fields);
            let reply = OriginReply { request_fields, ..origin_reply(reply) };
            case.steps.last_mut().unwrap().origin.push(reply);
        } else if let Some(text) = line.strip_prefix("  = ") {
            case.steps.last_mut().unwrap().expected = expected(text);
        }
    }
    cases
}

fn step(line: &str) -> Step {
    let mut parts = line.split(" | ");
    let head: Vec<&str> = parts.next().unwrap().split(' ').collect();
    let [second, method, target] = head[..] else { panic!("{line}: <second> <METHOD> <path>") };
    let url = if target.contains("://") { target.to_owned() } else { format!("http://h{target}") };
    let headers = parts.map(field).map(|(name, value)| (name, value.unwrap()));
    let request = Request {
        method: Method::parse(method),
        url: Url::parse(&url).unwrap(),
        headers: headers.collect(),
    };
    let (second, expected) = (second.parse().unwrap(), Expected::default());
    Step { line: line.to_owned(), second, request, origin: Vec::new(), expected }
}

fn origin_reply(text: &str) -> OriginReply {
    let mut parts = text.split(" | ");
    let (status, body) = status_and_body(parts.next().unwrap());
    let mut reply = OriginReply { status, body, ..OriginReply::default() };
    for (name, value) in parts.map(field) {
        match name.as_str() {
            "~delay" => reply.delay = value.unwrap().parse().unwrap(),
            _ => reply.headers.append(&name, value.unwrap()),
        }
    }
    reply
}

fn expected(text: &str) -> Expected {
    let mut parts = text.split(" | ");
    let (source, rest) = parts.next().unwrap().split_once(' ').unwrap();
    let (status, body) = status_and_body(rest);
    let status = status.unwrap();
    Expected { source: source.to_owned(), status, body, fields: parts.map(field).collect() }
}

fn status_and_body(text: &str) -> (Option<u16>, String) {
    let (status, body) = text.split_once(' ').unwrap_or((text, ""));
    (status.parse().ok(), body.to_owned())
}

/// `name: value`, or `!name` for a field that must be absent.
fn field(text: &str) -> (String, Option<String>) {
    let text = text.trim();
    match (text.strip_prefix('!'), text.split_once(':')) {
        (Some(absent), _) => (absent.to_owned(), None),
        (None, Some((name, value))) => (name.to_owned(), Some(value.trim().to_owned())),
        _ => panic!("{text:?} is no field"),
    }
}

/// A line with `{date <second>}` as a date and `{<text>*<times>}` repeated.
fn expanded(line: &str) -> String {
    let Some((before, rest)) = line.split_once('{') else { return line.to_owned() };
    let Some((inside, after)) = rest.split_once('}') else { return line.to_owned() };
    let filled = match (inside.strip_prefix("date "), inside.split_once('*')) {
        (Some(second), _) => {
            let second = START.checked_add_signed(second.parse().unwrap()).unwrap();
            httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(second))
        }
        (None, Some((text, times))) if times.parse::<usize>().is_ok() => {
            text.repeat(times.parse().unwrap())
        }
        _ => format!("{{{inside}}}"),
    };
    format!("{before}{filled}{}", expanded(after))
}
