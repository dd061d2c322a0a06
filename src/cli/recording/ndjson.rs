//! Logs with one exchange a line, as JSON. docs/replay.md describes the members.

use super::base64::base64_decoded;
use super::date::parse_date;
use super::entry::RawEntry;
use crate::time::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::io::{BufRead, Read as _};

/// The longest line.
const LINE_BYTES: u64 = 64 << 20;

/// Calls `each` with every line that is not empty. The error has the number of the line.
pub(super) fn read_ndjson(
    mut file: impl BufRead,
    each: &mut dyn FnMut(RawEntry),
) -> Result<(), (u64, String)> {
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        let read = file.by_ref().take(LINE_BYTES).read_until(b'\n', &mut line);
        match read.map_err(|error| (number, error.to_string()))? {
            0 => return Ok(()),
            _ if line.trim_ascii().is_empty() => continue,
            _ => {}
        }
        let read = serde_json::from_slice::<Line>(&line);
        let line = read.map_err(|error| (number, without_line(&error.to_string())))?;
        each(line.into());
    }
    Ok(())
}

/// serde counts the lines of one line.
fn without_line(message: &str) -> String {
    message.replace(" at line 1 column ", " at column ").replace(" at line 2 column 0", "")
}

#[derive(Deserialize)]
struct Line {
    at: Option<Value>,
    ms: Option<f64>,
    method: Option<String>,
    url: String,
    #[serde(default)]
    headers: Map<String, Value>,
    body: Option<Value>,
    body_base64: Option<String>,
    response: Response,
}

#[derive(Deserialize)]
struct Response {
    status: i64,
    #[serde(default)]
    headers: Map<String, Value>,
    body: Option<Value>,
    body_base64: Option<String>,
}

impl From<Line> for RawEntry {
    fn from(line: Line) -> Self {
        let Response { status, headers, body, body_base64 } = line.response;
        Self {
            at: line.at.as_ref().and_then(time),
            millis: line.ms.filter(|millis| *millis >= 0.0).unwrap_or(0.0).round() as u64,
            method: line.method.unwrap_or_default(),
            url: line.url,
            headers: pairs(line.headers),
            body: bytes(line.body, line.body_base64),
            status,
            response_headers: pairs(headers),
            response_body: bytes(body, body_base64),
            is_from_browser: false,
            is_broken_off: false,
        }
    }
}

fn time(value: &Value) -> Option<Timestamp> {
    match value {
        Value::String(text) => parse_date(text),
        Value::Number(number) => {
            let millis = number.as_f64().filter(|millis| *millis >= 0.0)?;
            Some(Timestamp::from_millis(millis as u64))
        }
        _ => None,
    }
}

/// A value is a text, or a list of texts for a header that is repeated.
fn pairs(headers: Map<String, Value>) -> Vec<(String, String)> {
    let pairs = headers.into_iter().flat_map(|(name, value)| {
        let values = match value {
            Value::Array(values) => values,
            one => vec![one],
        };
        values.into_iter().map(move |value| (name.clone(), text(value)))
    });
    pairs.collect()
}

/// Text is a body as it is; any other JSON value is the body itself.
fn text(value: Value) -> String {
    match value {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

fn bytes(body: Option<Value>, base64: Option<String>) -> Option<Vec<u8>> {
    match base64 {
        Some(base64) => base64_decoded(&base64),
        None => body.map(|body| text(body).into_bytes()),
    }
}
