//! What an answer holds: its types, entities and lists, and what of it is not known.

use super::inject::TYPENAME_KEY;
use super::injected::RESERVED_PREFIX;
use super::shape::{Shape, ShapeField};
use crate::limits;
use crate::tag::{Tag, TagSet, UNTYPED};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// Fields that identify an entity.
pub(super) const ID_FIELDS: [&str; 4] = ["id", "_id", "uuid", "databaseId"];

/// What a JSON body says happened (GraphQL §7.1).
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Outcome<'a> {
    /// Data and no errors.
    Data(&'a Map<String, Value>),
    /// Data and errors, or data that is null: something ran.
    Partial(Option<&'a Map<String, Value>>),
    /// Errors and no `data` at all: nothing ran.
    NothingRan,
    /// No GraphQL answer.
    Unknown,
}

/// Reads what happened off a body.
pub fn outcome(body: &Value) -> Outcome<'_> {
    let Value::Object(answer) = body else { return Outcome::Unknown };
    let has_errors = answer.get("errors").is_some_and(|errors| !errors.is_null());
    match answer.get("data") {
        Some(Value::Object(data)) if !has_errors && !answer.contains_key("hasNext") => {
            Outcome::Data(data)
        }
        Some(Value::Object(data)) => Outcome::Partial(Some(data)),
        Some(_) => Outcome::Partial(None),
        None if has_errors => Outcome::NothingRan,
        None => Outcome::Unknown,
    }
}

/// What an answer holds.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AnswerFacts {
    /// The names of the GraphQL types in it.
    pub types: BTreeSet<String>,
    /// Its tags.
    pub tags: TagSet,
    /// Whether all of its types are known.
    pub untyped: bool,
}

/// Walks the answer's data beside the selections that made it. `extensions.cacheTags` count too.
/// With `added`, the answer is that to the document with what was added to it.
pub fn facts(body: &Value, data: &Map<String, Value>, shape: &Shape, added: bool) -> AnswerFacts {
    let mut walk = Walk { facts: AnswerFacts::default(), added };
    walk.root(data, shape);
    let mut facts = walk.facts;
    let hints = body.get("extensions").and_then(|extensions| extensions.get("cacheTags"));
    if let Some(Value::Array(hints)) = hints {
        let hints = hints.iter().filter_map(Value::as_str);
        facts.tags.extend(hints.filter_map(|hint| Tag::parse(hint).ok()));
    }
    if facts.untyped {
        facts.tags.insert(Tag::of("", UNTYPED));
    }
    facts.coarsen();
    facts
}

struct Walk {
    facts: AnswerFacts,
    added: bool,
}

impl Walk {
    fn root(&mut self, data: &Map<String, Value>, shape: &Shape) {
        for (key, value) in data {
            match shape.field(key) {
                Some(ShapeField { shape: Some(inner), .. }) => self.value(value, inner, false),
                // A leaf of the query itself depends on something that has no name.
                Some(ShapeField { name: Some(name), .. }) if name == "__typename" => {}
                _ => self.facts.untyped = true,
            }
        }
    }

    fn value(&mut self, value: &Value, shape: &Shape, in_list: bool) {
        match value {
            Value::Object(object) => self.object(object, shape, in_list),
            Value::Array(items) if !items.is_empty() => {
                for item in items {
                    self.value(item, shape, true);
                }
            }
            // Null, an empty list, or a scalar where an object should be: of what type?
            _ => self.facts.untyped = true,
        }
    }

    fn object(&mut self, object: &Map<String, Value>, shape: &Shape, in_list: bool) {
        let added = object.get(TYPENAME_KEY).filter(|_| self.added).and_then(Value::as_str);
        match added.or_else(|| type_name(object, shape)) {
            Some(name) => self.entity(name, object, shape, in_list),
            None => self.facts.untyped = true,
        }
        for (key, value) in object {
            match shape.field(key) {
                Some(ShapeField { shape: Some(inner), .. }) => self.value(value, inner, false),
                Some(_) => {}
                None if self.added && key.starts_with(RESERVED_PREFIX) => {}
                None => self.facts.untyped = true,
            }
        }
    }

    fn entity(&mut self, name: &str, object: &Map<String, Value>, shape: &Shape, in_list: bool) {
        let AnswerFacts { types, tags, .. } = &mut self.facts;
        types.insert(name.to_owned());
        tags.insert(Tag::of("", name));
        if in_list {
            tags.insert(Tag::of("list:", name));
        }
        let ids = ids(object, shape);
        // A purge may name it by an id that it does not show.
        if !shows_id(object, shape) {
            tags.insert(Tag::of(&format!("{name}:"), "?"));
        }
        tags.extend(ids.iter().map(|id| Tag::of(&format!("{name}:"), id)));
    }
}

impl AnswerFacts {
    /// Beyond the limit only the coarse tags stay, and every type counts as one whose ids are
    /// not shown: that purges more, never less.
    fn coarsen(&mut self) {
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

/// The object's type, where a key that is surely `__typename` says it.
pub(super) fn type_name<'a>(object: &'a Map<String, Value>, shape: &Shape) -> Option<&'a str> {
    keys_of(object, shape, &["__typename"]).find_map(|value| value.as_str())
}

/// The object's ids, where keys that are surely ids say them.
pub(super) fn ids(object: &Map<String, Value>, shape: &Shape) -> Vec<String> {
    keys_of(object, shape, &ID_FIELDS)
        .filter_map(|value| match value {
            Value::String(id) if !id.is_empty() => Some(id.clone()),
            Value::Number(id) => Some(id.to_string()),
            _ => None,
        })
        .collect()
}

/// Whether the id by which purges name the object is among those that it shows.
pub(super) fn shows_id(object: &Map<String, Value>, shape: &Shape) -> bool {
    keys_of(object, shape, &["id"]).any(|value| value.is_string() || value.is_number())
}

fn keys_of<'a>(
    object: &'a Map<String, Value>,
    shape: &Shape,
    fields: &[&str],
) -> impl Iterator<Item = &'a Value> {
    object.iter().filter_map(move |(key, value)| {
        let name = shape.field(key)?.name.as_deref()?;
        fields.contains(&name).then_some(value)
    })
}

#[cfg(test)]
#[path = "answer_tests.rs"]
mod tests;
