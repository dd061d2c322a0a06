//! Collects the facts on a response, from its data and its extensions.

use super::state::Walk;
use crate::graphql::document::shape::Shape;
use crate::graphql::response::facts::{ResponseFacts, response_hint};
use crate::graphql::response::response_json::ResponseJson;
use crate::graphql::types::knowledge::TypeKnowledge;
use crate::json::{Object, Value};
use crate::tag::{BY_SCHEMA, Tag, UNTYPED};

/// Walks the response's data along its selections, and adds what `extensions` say.
pub fn facts(
    response: ResponseJson<'_>,
    data: Object<'_>,
    shape: &Shape,
    knowledge: &TypeKnowledge<'_>,
) -> ResponseFacts {
    let mut walk = Walk::new(response.has_additions, knowledge);
    walk.root(data, shape);
    let mut facts = walk.facts;
    let extensions = response.json.get("extensions");
    let of_extension = |name| extensions.and_then(|extensions| extensions.get(name));
    if let Some(Value::Array(tags)) = of_extension("cacheTags") {
        let tags = tags.iter().filter_map(Value::as_str);
        facts.tags.extend(tags.filter_map(|tag| Tag::parse(tag).ok()));
    }
    let hint = of_extension("cacheControl").map(response_hint).unwrap_or_default();
    facts.hint.private |= hint.private;
    facts.hint.max_age = facts.hint.max_age.into_iter().chain(hint.max_age).min();
    if facts.by_schema {
        facts.tags.insert(Tag::of("", BY_SCHEMA));
    }
    if facts.untyped {
        facts.tags.insert(Tag::of("", UNTYPED));
    }
    facts.coarsen();
    facts
}
