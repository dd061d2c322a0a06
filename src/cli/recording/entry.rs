//! From an entry of a recording to a request that can be replayed.

use super::known_bodies::KnownBodies;
use super::response_dates::in_the_clients_time;
use super::skip::Skip;
use crate::admin;
use crate::http::{Headers, Method, Request, Url};
use crate::offline::{Recorded, RecordedResponse};
use crate::time::Timestamp;

/// Headers that describe how the body was transferred. The recording has the decoded body.
const TRANSFER_HEADERS: [&str; 5] =
    ["content-encoding", "content-length", "transfer-encoding", "connection", "keep-alive"];
/// The client's conditions. Without them the answer is a whole response, which can be compared.
const CONDITIONS: [&str; 2] = ["if-none-match", "if-modified-since"];
/// The longest response. A longer one is a stream, or a mistake of the clock.
const MOST_MILLIS: u64 = 3_600_000;

/// An entry as the file has it.
#[derive(Debug, Default)]
pub(crate) struct RawEntry {
    pub at: Option<Timestamp>,
    pub millis: u64,
    pub method: String,
    pub url: String,
    pub headers: Vec<(String, String)>,
    pub body: Option<Vec<u8>>,
    pub status: i64,
    pub response_headers: Vec<(String, String)>,
    pub response_body: Option<Vec<u8>>,
    /// Whether the browser answered without the network.
    pub is_from_browser: bool,
    /// Whether the response was broken off, so that its body is not whole.
    pub is_broken_off: bool,
}

impl RawEntry {
    /// The host that the request went to.
    pub fn host(&self) -> Option<String> {
        self.parsed_url().map(|url| url.host)
    }

    /// The request alone, without a look at the response.
    pub fn request(&self) -> Result<Request, Skip> {
        let url = self.parsed_url().ok_or(Skip::NoUrl)?;
        let real = self.headers.iter().filter(|(name, _)| !name.starts_with(':'));
        let headers = real.map(|(name, value)| (name, value.clone())).collect();
        Ok(Request { method: Method::parse(self.method()), url, headers })
    }

    /// The method; `GET` if the recording does not say.
    pub fn method(&self) -> &str {
        if self.method.is_empty() { "GET" } else { &self.method }
    }

    /// Whether the request reads: a safe method, or a GraphQL query by POST.
    pub fn is_read(&self) -> bool {
        let method = Method::parse(self.method());
        let is_query = || self.body.as_deref().is_some_and(is_graphql_query);
        method.is_safe() || (method == Method::Post && is_query())
    }

    /// Why the entry cannot be replayed, as far as its URL says.
    pub fn unsuitable_scheme(&self) -> Option<Skip> {
        let (scheme, rest) = self.url.split_once(':')?;
        match scheme.to_ascii_lowercase().as_str() {
            "http" | "https" => None,
            "ws" | "wss" => Some(Skip::WebSocket),
            _ if rest.is_empty() => None,
            _ => Some(Skip::OtherScheme),
        }
    }

    /// The recorded request with its response.
    pub fn recorded(self, known: &mut KnownBodies) -> Result<Recorded, Skip> {
        let is_read = self.is_read();
        let mut request = self.request()?;
        if admin::is_admin_path(&request.url.comparable_path()) {
            return Err(Skip::AdminRoute);
        }
        let at = self.at.ok_or(Skip::NoTime)?;
        if self.is_from_browser {
            return Err(Skip::BrowserCache);
        }
        let status = u16::try_from(self.status).ok().filter(|status| *status >= 100);
        let status = status.ok_or(Skip::NoResponse)?;
        if status == 101 {
            return Err(Skip::WebSocket);
        }
        if is_read && self.is_broken_off {
            return Err(Skip::NoResponse);
        }
        let asked_for = request.headers.joined("if-none-match");
        if request.method.is_safe() {
            request.headers.retain(|name| !CONDITIONS.contains(&name));
        }
        let mut headers: Headers = self.response_headers.into_iter().collect();
        headers.retain(|name| !name.starts_with(':') && !TRANSFER_HEADERS.contains(&name));
        let body = self.response_body.map(Into::into);
        let mut response = match status {
            304 => known.find(&request, asked_for.as_deref(), headers).ok_or(Skip::UnknownBody)?,
            _ => RecordedResponse { status, headers, body },
        };
        if response.body.is_none() && is_read && request.method != Method::Head {
            return Err(Skip::NoBody);
        }
        let millis = self.millis.min(MOST_MILLIS);
        let received = Timestamp::from_millis(at.as_millis().saturating_add(millis));
        in_the_clients_time(&mut response.headers, received);
        if response.status == 200 && request.method == Method::Get {
            known.learn(&request, &response);
        }
        let body = self.body.unwrap_or_default().into();
        Ok(Recorded { at, millis, request, body, response })
    }

    fn parsed_url(&self) -> Option<Url> {
        let mut url = Url::parse(&self.url)?;
        url.scheme.make_ascii_lowercase();
        url.host.make_ascii_lowercase();
        Some(url)
    }
}

/// Whether a body is a GraphQL query. One that may hold a mutation is none.
fn is_graphql_query(body: &[u8]) -> bool {
    let text = String::from_utf8_lossy(body);
    text.contains("\"query\"") && !text.contains("mutation")
}
