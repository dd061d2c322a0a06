//! A request in the body of an admin request: `{"method":"POST","url":"/graphql","headers":{…},"body":…}`.

use crate::http::{Headers, Method, Request, Url, is_token};
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::fmt;

/// A request that is described, and not sent.
#[derive(Debug, Clone)]
pub struct ExplainRequest {
    /// Its head.
    pub request: Request,
    /// Its body; empty if it has none.
    pub body: Vec<u8>,
}

/// The header that is there if it is not named.
const ACCEPT: &str = "accept";

/// What is wrong with a description.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestFault {
    /// The path of the faulty member, such as `headers.accept[1]`; empty for the whole body.
    pub path: String,
    /// What is wrong, and what is expected.
    pub message: String,
}

/// The form of a description, for the description of the admin routes. [`read_explain_request`] reads it
/// by hand, so that each fault has its path and the body stays as it is, byte for byte.
#[cfg(not(target_arch = "wasm32"))]
#[derive(schemars::JsonSchema)]
#[schemars(rename = "ExplainRequest", deny_unknown_fields)]
#[allow(dead_code, reason = "only its schema is used")]
pub struct ExplainRequestForm {
    /// The method. Absent: `POST` if there is a body, else `GET`.
    #[schemars(default)]
    method: Option<String>,
    /// A path with its query, as in `/graphql`, or an absolute URL. A path is one of the host that this
    /// request is sent to.
    url: String,
    /// The headers by their names: a text, or several in a list. `accept` is `*/*` if it is not named.
    #[schemars(default)]
    headers: BTreeMap<String, HeaderForm>,
    /// The body: a text, or any other JSON, which is sent as it is written here.
    #[schemars(default)]
    body: serde_json::Value,
}

/// One value, or several.
#[cfg(not(target_arch = "wasm32"))]
#[derive(schemars::JsonSchema)]
#[schemars(untagged)]
#[allow(dead_code, reason = "only its schema is used")]
pub enum HeaderForm {
    /// One value.
    One(String),
    /// Several.
    Several(Vec<String>),
}

/// The members of an object, each as it is written.
struct Members<'a>(BTreeMap<String, &'a RawValue>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        json.deserialize_map(MembersVisitor).map(Self)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = BTreeMap<String, &'de RawValue>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an object")
    }

    /// A member that is there twice is a fault: which of them counts would be a guess.
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = BTreeMap::new();
        while let Some((name, json)) = map.next_entry::<String, &RawValue>()? {
            if members.insert(name, json).is_some() {
                return Err(A::Error::custom("a member is there twice; send each once"));
            }
        }
        Ok(members)
    }
}

/// Reads a description. `own` is the URL of the admin request, whose host a path is of.
pub fn read_explain_request(own: &Url, json: &[u8]) -> Result<ExplainRequest, RequestFault> {
    let Members(members) = serde_json::from_slice(json)
        .map_err(|error| fault("", format!("expected an object in JSON: {error}")))?;
    const KNOWN: [&str; 4] = ["method", "url", "headers", "body"];
    if let Some(unknown) = members.keys().find(|name| !KNOWN.contains(&name.as_str())) {
        return Err(fault(unknown, format!("unknown; known are {}", KNOWN.join(", "))));
    }
    let Some(url) = members.get("url") else {
        return Err(fault("url", "send a path such as /graphql, or a whole URL"));
    };
    let url = url_of(own, &text(url, "url")?)?;
    let mut headers = match members.get("headers").filter(|json| json.get() != "null") {
        Some(json) => headers_of(json)?,
        None => default_headers(),
    };
    let body = members.get("body").map(|body| body.get()).filter(|body| *body != "null");
    let method = match members.get("method").filter(|json| json.get() != "null") {
        Some(json) => method_of(&text(json, "method")?)?,
        None if body.is_some() => Method::Post,
        None => Method::Get,
    };
    let body = match body {
        None => Vec::new(),
        Some(json) if json.starts_with('"') => {
            serde_json::from_slice::<String>(json.as_bytes()).unwrap_or_default().into_bytes()
        }
        Some(json) => {
            if !headers.contains("content-type") {
                headers.set("content-type", "application/json");
            }
            json.as_bytes().to_vec()
        }
    };
    Ok(ExplainRequest { request: Request { method, url, headers }, body })
}

fn url_of(own: &Url, text: &str) -> Result<Url, RequestFault> {
    let expected =
        || fault("url", "expected a path that begins with \"/\", or an http or https URL");
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(fault("url", "percent-encode spaces and characters that are not ASCII"));
    }
    let is_path = text.starts_with('/') && !text.starts_with("//");
    let is_whole = ["http://", "https://"].iter().any(|scheme| text.starts_with(scheme));
    if !is_path && !is_whole {
        return Err(expected());
    }
    let whole = if is_path { format!("{}{text}", own.origin()) } else { text.to_owned() };
    let url = Url::parse(&whole).ok_or_else(expected)?;
    // The runtime resolves dot segments of the path, as every client does.
    let path = Url { query: None, ..url.clone() }.joined(&url.path).unwrap_or_else(|| url.clone());
    Ok(Url { path: path.path, host: url.host.to_ascii_lowercase(), ..url })
}

fn method_of(text: &str) -> Result<Method, RequestFault> {
    // Fetch (https://fetch.spec.whatwg.org/#concept-method-normalize) writes these in upper case.
    const NORMALIZED: [&str; 6] = ["DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT"];
    if !is_token(text) {
        return Err(fault("method", "expected a method such as GET or POST"));
    }
    let upper = text.to_ascii_uppercase();
    Ok(Method::parse(if NORMALIZED.contains(&upper.as_str()) { &upper } else { text }))
}

/// Clients send `Accept: */*` unless they are told otherwise, and it is part of GraphQL keys. An empty
/// list of values stands for no such header.
fn default_headers() -> Headers {
    [(ACCEPT, "*/*")].into_iter().collect()
}

fn headers_of(json: &RawValue) -> Result<Headers, RequestFault> {
    let expected = "expected an object with each header once, and several values of it in a list";
    let Members(members) =
        serde_json::from_slice(json.get().as_bytes()).map_err(|_| fault("headers", expected))?;
    let mut headers = default_headers();
    for (name, json) in members {
        let path = format!("headers.{name}");
        if !is_token(&name) {
            return Err(fault(&path, "expected the name of a header"));
        }
        let name = name.to_ascii_lowercase();
        if name == ACCEPT {
            headers.remove(ACCEPT);
        }
        match serde_json::from_slice::<Vec<&RawValue>>(json.get().as_bytes()) {
            Ok(values) => {
                for (index, json) in values.into_iter().enumerate() {
                    let path = format!("{path}[{index}]");
                    headers.append(&name, header_value(json, &path)?);
                }
            }
            Err(_) => headers.append(&name, header_value(json, &path)?),
        }
    }
    Ok(headers)
}

fn header_value(json: &RawValue, path: &str) -> Result<String, RequestFault> {
    let value = text(json, path)?;
    match value.chars().any(|c| matches!(c, '\0' | '\r' | '\n')) {
        true => Err(fault(path, "a header's value has no line breaks")),
        false => Ok(value.trim_matches([' ', '\t']).to_owned()),
    }
}

fn text(json: &RawValue, path: &str) -> Result<String, RequestFault> {
    serde_json::from_slice(json.get().as_bytes()).map_err(|_| fault(path, "expected a text"))
}

fn fault(path: &str, message: impl Into<String>) -> RequestFault {
    RequestFault { path: path.to_owned(), message: message.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<ExplainRequest, RequestFault> {
        let own = Url::parse("https://shop.example/__evergraph/explain").unwrap();
        read_explain_request(&own, json.as_bytes())
    }

    #[test]
    fn a_request_is_read_as_a_runtime_would_give_it() {
        let read = |json| read(json).unwrap();
        let one = read(r#"{"url":"/a/./b/../c?x=1&y=..#top"}"#);
        assert_eq!(one.request.method, Method::Get);
        assert_eq!(one.request.url, Url::parse("https://shop.example/a/c?x=1&y=..").unwrap());
        assert!(one.body.is_empty());
        let whole =
            read(r#"{"method":"put","url":"http://API.example:81/A","headers":null,"body":null}"#);
        assert_eq!(whole.request.method, Method::Other("PUT".to_owned()));
        assert_eq!(whole.request.url, Url::parse("http://api.example:81/A").unwrap());
        let query = read(r#"{"url":"/graphql","body":{ "query" : "{a}", "n": 1.0, "n": 2 }}"#);
        assert_eq!(query.request.method, Method::Post);
        assert_eq!(query.request.headers.get("content-type"), Some("application/json"));
        assert_eq!(query.body, br#"{ "query" : "{a}", "n": 1.0, "n": 2 }"#);
        let text =
            read(r#"{"url":"/","body":"a\nb","headers":{"X-A":" 1 ","Cookie":["a=1","b=2"]}}"#);
        assert_eq!(text.body, b"a\nb");
        let headers: Vec<_> = text.request.headers.iter().collect();
        let cookies = [("cookie", "a=1"), ("cookie", "b=2")];
        assert_eq!(headers, [&[("accept", "*/*")], &cookies[..], &[("x-a", "1")]].concat());
        let accept = |json| {
            let headers = read(json).request.headers;
            headers.get_all("accept").map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(accept(r#"{"url":"/","headers":{"Accept":["a/b","c/d"]}}"#), ["a/b", "c/d"]);
        assert_eq!(accept(r#"{"url":"/","headers":{"accept":[]}}"#), [""; 0]);
        // Whether a body is too deep is up to the explanation.
        let (open, close) = ("[".repeat(9_000), "]".repeat(9_000));
        let deep = format!("{{\"url\":\"/\",\"body\":{open}1{close}}}");
        assert_eq!(read(&deep).body.len(), 18_001);
        let empty = read(r#"{"url":"/","body":""}"#);
        assert_eq!((empty.request.method, empty.body.len()), (Method::Post, 0));
    }

    #[test]
    fn faults_have_a_path_and_say_what_to_do() {
        for (json, path) in [
            ("", ""),
            ("nonsense", ""),
            ("[]", ""),
            ("7", ""),
            (r#"{"url":"/""#, ""),
            (r#"{"url":"/","url":"/b"}"#, ""),
            ("{}", "url"),
            (r#"{"url":1}"#, "url"),
            (r#"{"url":null}"#, "url"),
            (r#"{"url":""}"#, "url"),
            (r#"{"url":"graphql"}"#, "url"),
            (r#"{"url":"//other/"}"#, "url"),
            (r#"{"url":"ftp://a/b"}"#, "url"),
            (r#"{"url":"https://"}"#, "url"),
            (r#"{"url":"/a b"}"#, "url"),
            (r#"{"url":"/ä"}"#, "url"),
            (r#"{"url":"/","method":""}"#, "method"),
            (r#"{"url":"/","method":"G T"}"#, "method"),
            (r#"{"url":"/","method":["GET"]}"#, "method"),
            (r#"{"url":"/","headers":[]}"#, "headers"),
            (r#"{"url":"/","headers":{"a":"1","a":"2"}}"#, "headers"),
            (r#"{"url":"/","headers":{"a b":"1"}}"#, "headers.a b"),
            (r#"{"url":"/","headers":{"a":1}}"#, "headers.a"),
            (r#"{"url":"/","headers":{"a":["1",null]}}"#, "headers.a[1]"),
            (r#"{"url":"/","headers":{"a":"1\r\nb: 2"}}"#, "headers.a"),
            (r#"{"url":"/","query":"{a}"}"#, "query"),
        ] {
            let fault = read(json).err().unwrap_or_else(|| panic!("{json} is read"));
            assert_eq!(fault.path, path, "{json}: {}", fault.message);
            assert!(!fault.message.is_empty());
        }
    }
}
