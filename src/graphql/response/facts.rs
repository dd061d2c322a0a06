//! What a response depends on: its types and tags, what is unknown about them, and its cache hints.

use crate::json::Value;
use crate::limits;
use crate::tag::{Tag, TagSet};
use std::collections::BTreeSet;

/// What a response depends on.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ResponseFacts {
    /// The names of the GraphQL types it depends on.
    pub types: BTreeSet<String>,
    /// Its tags.
    pub tags: TagSet,
    /// `true` if it depends on something whose type is not known.
    pub untyped: bool,
    /// `true` if something that it shows or counts has an unknown type.
    pub types_unknown: bool,
    /// `true` if any of its types is known from the schema alone.
    pub by_schema: bool,
    /// `true` if it proves that the schema is not the one of this API.
    pub contradicts_schema: bool,
    /// Its cache hints.
    pub hint: ResponseHint,
}

/// The hints in `extensions.cacheControl`, as Apollo Server writes them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ResponseHint {
    /// The smallest `maxAge`, in seconds.
    pub max_age: Option<u64>,
    /// `true` if any scope is `PRIVATE`.
    pub private: bool,
}

/// The strictest of the hints for the whole response and for its parts.
pub(super) fn response_hint(extension: Value<'_>) -> ResponseHint {
    let parts = extension.get("hints").and_then(Value::as_array).into_iter();
    let parts = parts.flat_map(|parts| parts.iter());
    let mut hint = ResponseHint::default();
    for one in std::iter::once(extension).chain(parts) {
        let max_age = one.get("maxAge").map(|age| match age {
            Value::Number(age) => {
                age.parse().ok().filter(|age: &f64| age.is_finite()).unwrap_or(0.0)
            }
            _ => 0.0,
        });
        let max_age = max_age.map(|age| age.max(0.0) as u64);
        hint.max_age = hint.max_age.into_iter().chain(max_age).min();
        hint.private |= one
            .get("scope")
            .and_then(Value::as_str)
            .is_some_and(|scope| scope.eq_ignore_ascii_case("private"));
    }
    hint
}

impl ResponseFacts {
    /// Drops the tags of single entities if there are more tags than the limit. Their types then
    /// count as types whose ids are not shown (`Product:?`), which purges more, never less.
    pub(super) fn coarsen(&mut self) {
        if self.tags.len() <= limits::ENTRY_TAGS {
            return;
        }
        let types = std::mem::take(&mut self.types);
        self.tags.retain(|tag| {
            // Tags of entities are dropped, and those of their types stay. The origin's own tags
            // stay too.
            let of = tag.as_str().split_once(':').map(|(of, _)| of);
            !of.is_some_and(|of| types.contains(of))
        });
        self.tags.extend(types.iter().map(|name| Tag::of(&format!("{name}:"), "?")));
        self.types = types;
    }
}

#[cfg(test)]
mod tests;
