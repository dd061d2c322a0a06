//! The most frequent public reads, so that they can be fetched again before anybody asks (`POST warm`).
//!
//! A request is listed only if it says nothing about who is asking: no credentials, no cookies, no header
//! that is a signal or that may be a credential, and no scope. Of its headers only those are kept on which the key depends.

use super::names::most_first;
use crate::record::{Read, Reader, members};
use serde::Serialize;

/// How many requests are listed.
const MOST: usize = 200;
/// How many bytes all of them have together.
const MOST_BYTES: usize = 512 << 10;
/// How long the URL and the body of a request may be, in bytes.
const REQUEST_BYTES: usize = 8 << 10;

/// A frequent public read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(default)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct PopularRequest {
    /// The method.
    pub method: String,
    /// Path and query.
    pub url: String,
    /// The headers on which the key depends.
    pub headers: Vec<(String, String)>,
    /// The body of a GraphQL POST.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// The operation's name, if it is GraphQL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// About how many requests there were.
    pub count: u64,
    /// How many of these were misses.
    pub misses: u64,
    /// The milliseconds that the misses took.
    pub ms: u64,
}

members!(PopularRequest { method, url, headers, body, operation, count, misses, ms });

impl PopularRequest {
    /// Whether it is short enough to be listed.
    pub fn is_short(&self) -> bool {
        self.bytes() <= REQUEST_BYTES
    }

    fn bytes(&self) -> usize {
        let headers: usize =
            self.headers.iter().map(|(name, value)| name.len() + value.len()).sum();
        self.url.len() + self.body.as_ref().map_or(0, String::len) + headers
    }

    fn is_same(&self, other: &Self) -> bool {
        self.method == other.method
            && self.url == other.url
            && self.body == other.body
            && self.headers == other.headers
    }
}

/// A bounded list of frequent requests.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct PopularRequests(Vec<PopularRequest>);

impl Read for PopularRequests {
    fn read(from: &mut Reader<'_>) -> Option<Self> {
        Read::read(from).map(Self)
    }
}

impl PopularRequests {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds to the counts of a request. If the list is full, a new one replaces the rarest.
    pub fn count(&mut self, request: PopularRequest) {
        if !request.is_short() {
            return;
        }
        if let Some(known) = self.0.iter_mut().find(|known| known.is_same(&request)) {
            known.count += request.count;
            known.misses += request.misses;
            known.ms += request.ms;
            return;
        }
        let mut bytes = request.bytes() + self.0.iter().map(PopularRequest::bytes).sum::<usize>();
        while self.0.len() >= MOST || bytes > MOST_BYTES {
            let rarest = (0..).zip(&self.0).min_by_key(|(_, known)| known.count);
            let Some((place, known)) = rarest else { break };
            bytes -= known.bytes();
            self.0.swap_remove(place);
        }
        self.0.push(request);
    }

    /// Adds other lists.
    pub fn add(&mut self, other: &Self) {
        other.0.iter().for_each(|request| self.count(request.clone()));
    }

    /// The `most` most frequent requests.
    pub fn top(&self, most: usize) -> Vec<PopularRequest> {
        let places = most_first(self.0.iter().map(|request| request.count)).into_iter();
        places.take(most).filter_map(|place| self.0.get(place).cloned()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(url: &str) -> PopularRequest {
        PopularRequest { url: url.to_owned(), count: 1, misses: 1, ms: 5, ..Default::default() }
    }

    #[test]
    fn the_most_frequent_stay_and_the_list_is_bounded() {
        let mut popular = PopularRequests::default();
        for n in 0..1_000 {
            popular.count(read("/often"));
            popular.count(read(&format!("/{n}/{}", "x".repeat(4_000))));
        }
        popular.count(read(&"x".repeat(REQUEST_BYTES + 1)));
        let top = popular.top(1);
        assert_eq!((top[0].url.as_str(), top[0].count, top[0].ms), ("/often", 1_000, 5_000));
        assert!(popular.0.len() <= MOST);
        assert!(popular.0.iter().map(PopularRequest::bytes).sum::<usize>() <= MOST_BYTES);
    }
}
