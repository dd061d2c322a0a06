//! What an answer holds: its types, entities and lists, and what of it is not known.

use crate::limits;
use crate::tag::{Tag, TagSet};
use serde_json::Value;
use std::collections::BTreeSet;

/// What an answer holds.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ResponseFacts {
    /// The names of the GraphQL types in it.
    pub types: BTreeSet<String>,
    /// Its tags.
    pub tags: TagSet,
    /// Whether it depends on something whose type is not known.
    pub untyped: bool,
    /// Whether something that it shows, or counts, has a type that is not known.
    pub types_unknown: bool,
    /// Whether a type in it is known by the schema alone.
    pub by_schema: bool,
    /// Whether it shows that the schema is not that of this API.
    pub contradicts_schema: bool,
    /// What it says of its own caching.
    pub hint: ResponseHint,
}

/// What `extensions.cacheControl` says of an answer, as Apollo Server writes it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ResponseHint {
    /// For how many seconds it may be stored.
    pub max_age: Option<u64>,
    /// Whether it is one person's.
    pub private: bool,
}

/// The hint for the whole answer, and the strictest of those for its parts.
pub(super) fn answer_hint(extension: &Value) -> ResponseHint {
    let parts = extension.get("hints").and_then(Value::as_array).into_iter().flatten();
    let mut hint = ResponseHint::default();
    for one in std::iter::once(extension).chain(parts) {
        let max_age =
            one.get("maxAge").map(|age| age.as_f64().map_or(0, |age| age.max(0.0) as u64));
        hint.max_age = hint.max_age.into_iter().chain(max_age).min();
        hint.private |= one
            .get("scope")
            .and_then(Value::as_str)
            .is_some_and(|scope| scope.eq_ignore_ascii_case("private"));
    }
    hint
}

impl ResponseFacts {
    /// Beyond the limit only the coarse tags stay, and every type counts as one whose ids are
    /// not shown: that purges more, never less.
    pub(super) fn coarsen(&mut self) {
        if self.tags.len() <= limits::ENTRY_TAGS {
            return;
        }
        let types = std::mem::take(&mut self.types);
        self.tags.retain(|tag| {
            // Entities go, and their types stand for them; the origin's own tags stay.
            let of = tag.as_str().split_once(':').map(|(of, _)| of);
            !of.is_some_and(|of| types.contains(of))
        });
        self.tags.extend(types.iter().map(|name| Tag::of(&format!("{name}:"), "?")));
        self.types = types;
    }
}

#[cfg(test)]
mod tests;
