//! Single requests of a recording, for `explain` and `warm`.

use super::entry::RawEntry;
use super::har::read_har;
use super::ndjson::read_ndjson;
use super::reader::{HostFilter, opened};
use crate::cli::request_spec::RequestSpec;
use crate::http::Url;
use std::collections::BTreeSet;
use std::path::Path;

/// Headers that say who asks, how the connection was made, or which part is wanted.
const PERSONAL: [&str; 11] = [
    "authorization",
    "cookie",
    "connection",
    "content-length",
    "host",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "proxy-authorization",
    "range",
    "te",
];

/// The request of an entry, counted from 1.
pub(crate) fn entry_of(path: &Path, number: u64) -> Result<RequestSpec, String> {
    let (mut count, mut found) = (0, None);
    let read = each_entry(path, &mut |entry| {
        count += 1;
        if count == number {
            found = Some(entry);
        }
    });
    match (found, read) {
        (Some(entry), _) => Ok(spec_of(entry, &[])),
        (None, Err(fault)) => Err(fault),
        (None, Ok(())) => {
            Err(format!("{}: there is no entry {number}; it has {count}", path.display()))
        }
    }
}

/// The reads of a file, each once, by path and query, and without what says who asks. What is neither a GET
/// nor a GraphQL query by POST is left out.
pub(crate) fn reads_of(path: &Path, hosts: &[String]) -> Result<Vec<RequestSpec>, String> {
    let mut hosts = HostFilter::new(hosts);
    let (mut seen, mut reads) = (BTreeSet::new(), Vec::new());
    each_entry(path, &mut |entry| {
        let is_read = matches!(entry.method(), "GET" | "POST") && entry.is_read();
        let wanted = entry.unsuitable_scheme().is_none()
            && entry.host().is_some_and(|host| hosts.wants(&host));
        let target = Url::parse(&entry.url).map(|url| url.target());
        let spec = target.filter(|_| is_read && wanted);
        let spec = spec.map(|url| RequestSpec { url, ..spec_of(entry, &PERSONAL) });
        if let Some(spec) = spec
            && seen.insert((spec.url.clone(), spec.body.clone()))
        {
            reads.push(spec);
        }
    })?;
    Ok(reads)
}

fn each_entry(path: &Path, each: &mut dyn FnMut(RawEntry)) -> Result<(), String> {
    let name = path.display();
    let (file, is_har) = opened(path, &|_| ()).map_err(|fault| fault.message)?;
    match is_har {
        true => read_har(file, each).map_err(|error| format!("{name}: {error}")),
        false => read_ndjson(file, each).map_err(|(line, what)| format!("{name}:{line}: {what}")),
    }
}

fn spec_of(entry: RawEntry, without: &[&str]) -> RequestSpec {
    let is_kept = |name: &str| {
        let name = name.to_ascii_lowercase();
        !name.starts_with(':') && !without.contains(&name.as_str())
    };
    RequestSpec {
        method: entry.method().to_owned(),
        url: entry.url,
        headers: entry.headers.into_iter().filter(|(name, _)| is_kept(name)).collect(),
        body: entry.body.map(|body| String::from_utf8_lossy(&body).into_owned()),
    }
}
