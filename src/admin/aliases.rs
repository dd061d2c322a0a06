//! Purges in the form of other caches: Souin, Varnish, Fastly and Apollo Router.
//!
//! Each function reads what such a client sends, and returns the same [`PurgeCommand`] as the body of
//! `POST purge`. In scope: tags in headers, paths, and Apollo Router's list. Not in scope: routes and
//! responses (`service/admin/aliases.rs`).

use super::members::{BodyError, bad, members, texts};
use super::purge::PurgeCommand;
use crate::config::Config;
use crate::http::{Headers, Request};
use crate::key::{Pattern, name_segment};
use crate::limits;
use crate::tag::{Tag, TagSet};
use serde::Deserialize;

/// The request headers that name tags, separated by commas or spaces.
const TAG_HEADERS: [&str; 3] = ["surrogate-key", "xkey", "cache-tag"];

/// One element of the list that Apollo Router's invalidation endpoint takes.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub enum RouterInvalidation {
    /// Everything of a subgraph. Evergraph stands in front of one API, so it purges everything.
    Subgraph {
        /// The name of the subgraph.
        subgraph: String,
    },
    /// Entries that hold a GraphQL type.
    Type {
        /// The name of the subgraph. It is ignored.
        subgraph: String,
        /// The GraphQL type.
        r#type: String,
    },
    /// Entries with a tag.
    CacheTag {
        /// The names of subgraphs. They are ignored.
        #[serde(default)]
        subgraphs: Vec<String>,
        /// The same, under the name that later versions use.
        #[serde(default)]
        sources: Vec<String>,
        /// The tag.
        cache_tag: String,
    },
}

/// The response to Apollo Router's invalidation.
#[derive(Debug, serde::Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct RouterInvalidated {
    /// How many names were purged; not how many entries.
    pub count: usize,
}

/// The body of Fastly's purge by several keys.
#[cfg(not(target_arch = "wasm32"))]
#[derive(schemars::JsonSchema)]
#[schemars(deny_unknown_fields)]
#[allow(dead_code, reason = "it describes the body; `purge_of_keys` reads it")]
pub struct FastlyKeys {
    /// The tags.
    surrogate_keys: Vec<String>,
}

/// The response to Fastly's purges of one key and of everything.
#[derive(Debug, serde::Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct FastlyPurged {
    /// `ok`
    pub status: &'static str,
    /// The sequence number of the purge. Absent for a purge of everything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
}

/// Tags in the headers `Surrogate-Key`, `xkey` and `Cache-Tag` of a request. `None` if it has none of
/// them.
pub fn purge_by_headers(headers: &Headers) -> Option<Result<PurgeCommand, BodyError>> {
    let present = TAG_HEADERS.into_iter().find(|name| headers.contains(name))?;
    let values = TAG_HEADERS.into_iter().flat_map(|name| headers.get_all(name));
    let texts =
        values.flat_map(|value| value.split([',', ' ', '\t'])).filter(|text| !text.is_empty());
    Some(purge_of_tags(present, texts, is_soft(headers)))
}

/// A single tag, from the path of a Fastly request.
pub fn purge_of_key(key: &str, headers: &Headers) -> Result<PurgeCommand, BodyError> {
    purge_of_tags("key", std::iter::once(key), is_soft(headers))
}

/// Everything. Fastly knows no soft purge of everything.
pub fn purge_of_everything() -> PurgeCommand {
    PurgeCommand { all: true, ..PurgeCommand::default() }
}

/// The body of Fastly's purge by several keys: `{"surrogate_keys":["a","b"]}`.
pub fn purge_of_keys(body: &[u8], headers: &Headers) -> Result<PurgeCommand, BodyError> {
    let members =
        members(body, &["surrogate_keys"]).map_err(|error| match error.path.as_str() {
            "" => bad("", ["name tags in the header Surrogate-Key; or ", &error.message].concat()),
            _ => error,
        })?;
    let keys = texts(&members, "surrogate_keys")?;
    purge_of_tags("surrogate_keys", keys.into_iter(), is_soft(headers))
}

/// The body of Apollo Router's invalidation endpoint, such as
/// `[{"kind":"type","subgraph":"products","type":"Product"}]`.
pub fn purge_of_invalidations(body: &[u8]) -> Result<PurgeCommand, BodyError> {
    let invalidations: Vec<RouterInvalidation> = serde_json::from_slice(body)
        .map_err(|error| bad("", format!("expected a list of invalidations: {error}")))?;
    check_count("", invalidations.len())?;
    let mut command = PurgeCommand::default();
    for (index, invalidation) in invalidations.into_iter().enumerate() {
        match invalidation {
            RouterInvalidation::Subgraph { .. } => command.all = true,
            RouterInvalidation::Type { r#type: tag, .. }
            | RouterInvalidation::CacheTag { cache_tag: tag, .. } => {
                command.tags.insert(tag_at(&format!("[{index}]"), &tag)?);
            }
        }
    }
    Ok(command)
}

/// Varnish's `PURGE` of a request's own path, with every query string.
pub fn purge_of_path(config: &Config, request: &Request) -> PurgeCommand {
    let path = config.tagged_path(&request.url.comparable_path());
    let tags = TagSet::from_iter([Tag::of("path:", &path)]);
    PurgeCommand { tags, soft: is_soft(&request.headers), ..PurgeCommand::default() }
}

/// Varnish's `BAN` of a request's own path and of every path below it.
pub fn ban_of_path(config: &Config, request: &Request) -> Result<PurgeCommand, BodyError> {
    let path = request.url.comparable_path();
    let below = match path.trim_end_matches('/') {
        "" => "rest/**".to_owned(),
        path => format!("rest/*/{}*/**", name_segment(&format!("{path}/"))),
    };
    let pattern = Pattern::parse(&below).map_err(|message| bad("", message))?;
    Ok(PurgeCommand { patterns: vec![pattern], ..purge_of_path(config, request) })
}

/// Whether the purge is soft: `Fastly-Soft-Purge: 1`.
fn is_soft(headers: &Headers) -> bool {
    headers.get("fastly-soft-purge") == Some("1")
}

fn purge_of_tags<'a>(
    place: &str,
    texts: impl Iterator<Item = &'a str>,
    soft: bool,
) -> Result<PurgeCommand, BodyError> {
    let mut tags = TagSet::new();
    for (index, text) in texts.enumerate() {
        check_count(place, index + 1)?;
        tags.insert(tag_at(place, text)?);
    }
    if tags.is_empty() {
        return Err(bad(place, "nothing to purge; name at least one tag".to_owned()));
    }
    Ok(PurgeCommand { tags, soft, ..PurgeCommand::default() })
}

fn tag_at(place: &str, text: &str) -> Result<Tag, BodyError> {
    Tag::parse(text).map_err(|error| bad(place, error.to_owned()))
}

fn check_count(place: &str, count: usize) -> Result<(), BodyError> {
    match count {
        0 => Err(bad(place, "nothing to purge; the list is empty".to_owned())),
        count if count > limits::PURGE_ITEMS => {
            Err(bad(place, format!("at most {} at once", limits::PURGE_ITEMS)))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
