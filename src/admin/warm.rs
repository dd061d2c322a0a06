//! The bodies of `POST warm`.

use super::members::{BodyError, bad, brief, json as read_json, number, only_known, text};
use crate::http::{Headers, Method, Request, Url};
use crate::order;
use serde::Serialize;
use serde_json::{Map, Value, json};

/// How many requests a body may have.
const MOST_REQUESTS: usize = 1_000;
/// How many popular requests can be asked for.
const MOST_TOP: u64 = 200;
/// How many requests run at once at most, and unless the body says otherwise.
const MOST_AT_ONCE: u64 = 6;
const AT_ONCE: usize = 2;
/// The highest budget.
const MOST_BUDGET: u64 = 1_000_000;

/// What is to be warmed.
#[derive(Debug, Clone)]
pub struct WarmCommand {
    /// Which requests.
    pub requests: WarmRequests,
    /// How many run at once.
    pub at_once: usize,
    /// How much may be spent.
    pub budget: WarmBudget,
}

/// Which requests are to be warmed.
#[derive(Debug, Clone)]
pub enum WarmRequests {
    /// These.
    Listed(Vec<WarmRequest>),
    /// The most popular ones.
    Top(usize),
}

/// What warming may spend. `None`: any number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WarmBudget {
    /// Requests to the origin.
    pub requests: Option<u64>,
    /// Writes to KV.
    pub kv_writes: Option<u64>,
}

/// A request to be warmed.
#[derive(Debug, Clone)]
pub struct WarmRequest {
    /// The request, as a client sends it.
    pub request: Request,
    /// Its body; empty if it has none.
    pub body: Vec<u8>,
    /// The same as it stood in the body of `POST warm`.
    pub json: Value,
}

/// What is to be warmed.
#[cfg(not(target_arch = "wasm32"))]
#[derive(schemars::JsonSchema)]
#[serde(untagged)]
#[allow(dead_code, reason = "it describes the body; `read_warm` reads it")]
pub enum WarmBody {
    /// The requests, as clients send them.
    Listed(#[schemars(length(max = 1_000))] Vec<WarmRequestBody>),
    /// What is to be warmed, and how.
    Members(WarmMembers),
}

/// What is to be warmed, and how: `requests` or `top`.
#[cfg(not(target_arch = "wasm32"))]
#[derive(schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "it describes the body; `read_warm` reads it")]
pub struct WarmMembers {
    /// The requests, as clients send them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1_000), with = "Vec<WarmRequestBody>")]
    requests: Option<Vec<WarmRequestBody>>,
    /// How many of the most popular requests, by the statistics.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 200), with = "u64")]
    top: Option<u64>,
    /// How many requests run at once. 2 by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 6), with = "u64")]
    concurrency: Option<u64>,
    /// How much may be spent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "WarmBudgetBody")]
    budget: Option<WarmBudgetBody>,
}

/// A request as a client sends it.
#[cfg(not(target_arch = "wasm32"))]
#[derive(schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "it describes the body; `read_warm` reads it")]
pub struct WarmRequestBody {
    /// `GET` or `POST`. Without it: `POST` with a body, else `GET`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["GET", "POST"]), with = "String")]
    method: Option<String>,
    /// Path and query, or a whole URL of the Worker's own host.
    url: String,
    /// Headers by name, each one text or several.
    #[serde(default)]
    headers: Map<String, Value>,
    /// The body: a text, or JSON.
    #[serde(default)]
    body: Value,
}

/// How much warming may spend.
#[cfg(not(target_arch = "wasm32"))]
#[derive(schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "it describes the body; `read_warm` reads it")]
pub struct WarmBudgetBody {
    /// Requests to the origin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1_000_000), with = "u64")]
    requests: Option<u64>,
    /// Writes to KV.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1_000_000), with = "u64")]
    kv_writes: Option<u64>,
}

/// What one call has warmed, and what is left.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct WarmReport {
    /// How many responses were fetched and stored.
    pub warmed: usize,
    /// How many were stored and fresh already.
    pub already_fresh: usize,
    /// How many are not looked up, or may not be stored.
    pub skipped: usize,
    /// How many the origin failed at.
    pub failed: usize,
    /// How many were written to KV.
    pub kv_writes: u64,
    /// Each request of this call.
    pub results: Vec<WarmResult>,
    /// The body of the next call. Null: everything was done, or the budget is used up.
    pub remaining: Option<Value>,
    /// What to do if there was nothing to warm.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<&'static str>,
    /// Why warming should not go on: `origin-failing` or `budget`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stopped: Option<WarmStop>,
}

/// Why warming stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum WarmStop {
    /// The origin failed several times in a row. `remaining` is for later.
    OriginFailing,
    /// `budget.requests` is used up.
    Budget,
}

/// What became of one request.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct WarmResult {
    /// Its URL, as it stood in the body.
    pub url: String,
    /// The operation's name, if it is GraphQL and has one.
    pub operation: Option<String>,
    /// What became of it.
    pub outcome: WarmOutcome,
    /// Why it was skipped or failed: the word that `Cache-Status` would have as its `detail`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How long it took.
    pub ms: u64,
}

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum WarmOutcome {
    /// It was fetched and stored.
    Warmed,
    /// It was stored and fresh already.
    AlreadyFresh,
    /// It is not looked up, or its response may not be stored.
    Skipped,
    /// The origin failed.
    Failed,
}

/// Reads a body that was sent to `host`, the Worker's own URL: a list of requests, or an object.
pub fn read_warm(host: &Url, body: &[u8]) -> Result<WarmCommand, BodyError> {
    match read_json(body)? {
        Value::Array(items) => {
            let requests = WarmRequests::Listed(read_requests(host, "", &items)?);
            Ok(WarmCommand { requests, at_once: AT_ONCE, budget: WarmBudget::default() })
        }
        Value::Object(members) => read_members(host, &members),
        other => {
            let found = brief(&other);
            Err(bad("", format!("expected a list of requests, or an object, found {found}")))
        }
    }
}

fn read_members(host: &Url, members: &Map<String, Value>) -> Result<WarmCommand, BodyError> {
    only_known("", members, &["requests", "top", "concurrency", "budget"])?;
    let at_once = number("concurrency", members.get("concurrency"), (1, MOST_AT_ONCE))?;
    let at_once = at_once.and_then(|count| usize::try_from(count).ok()).unwrap_or(AT_ONCE);
    let budget = read_budget(members.get("budget"))?;
    let top = number("top", members.get("top"), (1, MOST_TOP))?;
    let top = top.and_then(|count| usize::try_from(count).ok());
    let requests = match (members.get("requests"), top) {
        (Some(Value::Array(items)), None) => {
            WarmRequests::Listed(read_requests(host, "requests", items)?)
        }
        (Some(other), None) => {
            let message = format!("expected a list of requests, found {}", brief(other));
            return Err(bad("requests", message));
        }
        (None, Some(count)) => WarmRequests::Top(count),
        (None, None) => return Err(bad("", "name requests, or top".to_owned())),
        (Some(_), Some(_)) => return Err(bad("top", "name requests or top, not both".to_owned())),
    };
    Ok(WarmCommand { requests, at_once, budget })
}

/// The body of a call for what is left.
pub fn warm_body(requests: Vec<Value>, at_once: usize, budget: WarmBudget) -> Value {
    let mut body = json!({ "requests": requests, "concurrency": at_once });
    let limits = [("requests", budget.requests), ("kv_writes", budget.kv_writes)];
    let limits = order::object_of(
        limits.into_iter().filter_map(|(name, most)| Some((name.to_owned(), most?.into()))),
    );
    if let Some(body) = body.as_object_mut().filter(|_| !limits.is_empty()) {
        body.insert("budget".to_owned(), Value::Object(limits));
    }
    body
}

fn read_budget(value: Option<&Value>) -> Result<WarmBudget, BodyError> {
    let Some(value) = value else { return Ok(WarmBudget::default()) };
    let Value::Object(budget) = value else {
        return Err(bad("budget", format!("expected an object, found {}", brief(value))));
    };
    only_known("budget.", budget, &["requests", "kv_writes"])?;
    let limit = |path: &str, name: &str| number(path, budget.get(name), (0, MOST_BUDGET));
    let requests = limit("budget.requests", "requests")?;
    Ok(WarmBudget { requests, kv_writes: limit("budget.kv_writes", "kv_writes")? })
}

/// Reads a list of requests. `path` is where it stands; empty if it is the whole body.
fn read_requests(host: &Url, path: &str, items: &[Value]) -> Result<Vec<WarmRequest>, BodyError> {
    if items.len() > MOST_REQUESTS {
        return Err(bad(path, format!("at most {MOST_REQUESTS} at once")));
    }
    let read = |(index, item)| read_request(host, &format!("{path}[{index}]"), item);
    items.iter().enumerate().map(read).collect()
}

/// Reads one request. `path` is where it stands.
fn read_request(host: &Url, path: &str, value: &Value) -> Result<WarmRequest, BodyError> {
    let Value::Object(item) = value else {
        return Err(bad(path, format!("expected an object, found {}", brief(value))));
    };
    let dotted = [path, "."].concat();
    only_known(&dotted, item, &["method", "url", "headers", "body"])?;
    let at = |name: &str| [&dotted, name].concat();
    let body = match item.get("body") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::String(text)) => text.clone().into_bytes(),
        Some(json) => serde_json::to_vec(json).unwrap_or_default(),
    };
    let method = match item.get("method") {
        None if body.is_empty() => "GET",
        None => "POST",
        Some(method) => text(&at("method"), method)?,
    };
    if !["GET", "POST"].contains(&method) {
        return Err(bad(&at("method"), "expected GET or POST".to_owned()));
    }
    let Some(url) = item.get("url") else { return Err(bad(&at("url"), "missing".to_owned())) };
    let url = read_url(host, &at("url"), text(&at("url"), url)?)?;
    let mut headers = read_headers(&at("headers"), item.get("headers"))?;
    // What every client sends.
    if !headers.contains("accept") {
        headers.set("accept", "*/*");
    }
    if method == "POST" && !headers.contains("content-type") {
        headers.set("content-type", "application/json");
    }
    let request = Request { method: Method::parse(method), url, headers };
    Ok(WarmRequest { request, body, json: value.clone() })
}

/// A request that is known by its parts: path and query, the headers by name, and the body. `None` if it is no
/// request that can be warmed.
pub fn warm_request(
    host: &Url,
    (method, url): (&str, &str),
    headers: &[(String, String)],
    body: Option<&str>,
) -> Option<WarmRequest> {
    let mut by_name = Map::new();
    for (name, value) in headers {
        let values = by_name.entry(name.as_str()).or_insert_with(|| Value::Array(Vec::new()));
        values.as_array_mut()?.push(value.as_str().into());
    }
    let mut item = json!({ "method": method, "url": url, "headers": by_name });
    if let (Some(item), Some(body)) = (item.as_object_mut(), body) {
        item.insert("body".to_owned(), body.into());
    }
    read_request(host, "", &item).ok()
}

fn read_url(host: &Url, path: &str, text: &str) -> Result<Url, BodyError> {
    let origin = host.origin();
    let absolute = match text.strip_prefix('/') {
        // Two slashes begin another host.
        Some(rest) if rest.starts_with('/') => return Err(bad(path, other_host(host))),
        Some(_) => [&origin, text].concat(),
        None => text.to_owned(),
    };
    match Url::parse(&absolute) {
        Some(url) if url.origin() == origin => Ok(url),
        Some(_) => Err(bad(path, other_host(host))),
        None => Err(bad(path, "expected a path that begins with \"/\", or a URL".to_owned())),
    }
}

fn other_host(host: &Url) -> String {
    ["expected a URL of ", &host.host, ", the host of this call"].concat()
}

fn read_headers(path: &str, value: Option<&Value>) -> Result<Headers, BodyError> {
    let mut headers = Headers::new();
    let entries = match value {
        None | Some(Value::Null) => return Ok(headers),
        Some(Value::Object(entries)) => entries,
        Some(other) => {
            return Err(bad(path, format!("expected an object, found {}", brief(other))));
        }
    };
    for (name, value) in entries {
        let place = format!("{path}.{name}");
        let name = name.to_ascii_lowercase();
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':') {
            return Err(bad(&place, "expected the name of a header".to_owned()));
        }
        let values = match value {
            Value::Array(values) => values.iter().collect(),
            one => vec![one],
        };
        for value in values {
            let value = text(&place, value)?;
            if value.bytes().any(|byte| byte < b' ' || byte == 0x7F) {
                return Err(bad(&place, "expected no control characters".to_owned()));
            }
            if is_sent(&name) {
                headers.append(&name, value);
            }
        }
    }
    Ok(headers)
}

/// Whether a header of a listed request counts. Conditions, ranges and cache directives do not: what is
/// stored is to be whole and fresh.
fn is_sent(name: &str) -> bool {
    const LEFT_OUT: [&str; 5] = ["cache-control", "pragma", "range", "host", "content-length"];
    !LEFT_OUT.contains(&name) && !name.starts_with("if-") && !name.starts_with("evergraph-")
}

#[cfg(test)]
mod tests;
