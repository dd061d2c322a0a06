//! The walk over a response, and what its extensions add.

use super::state::Walk;
use crate::graphql::document::shape::Shape;
use crate::graphql::response::facts::{ResponseFacts, answer_hint};
use crate::graphql::response::response_json::ResponseJson;
use crate::graphql::types::knowledge::TypeKnowledge;
use crate::tag::{BY_SCHEMA, Tag, UNTYPED};
use serde_json::{Map, Value};

/// Walks the answer's data beside the selections that made it. `extensions` count too.
pub fn facts(
    shown: ResponseJson<'_>,
    data: &Map<String, Value>,
    shape: &Shape,
    knowledge: &TypeKnowledge<'_>,
) -> ResponseFacts {
    let mut walk = Walk::new(shown.has_additions, knowledge);
    walk.root(data, shape);
    let mut facts = walk.facts;
    let extensions = shown.json.get("extensions");
    let of_extension = |name| extensions.and_then(|extensions| extensions.get(name));
    if let Some(Value::Array(tags)) = of_extension("cacheTags") {
        let tags = tags.iter().filter_map(Value::as_str);
        facts.tags.extend(tags.filter_map(|tag| Tag::parse(tag).ok()));
    }
    let shown_type = of_extension("cacheControl").map(answer_hint).unwrap_or_default();
    facts.hint.private |= shown_type.private;
    facts.hint.max_age = facts.hint.max_age.into_iter().chain(shown_type.max_age).min();
    if facts.by_schema {
        facts.tags.insert(Tag::of("", BY_SCHEMA));
    }
    if facts.untyped {
        facts.tags.insert(Tag::of("", UNTYPED));
    }
    facts.coarsen();
    facts
}
