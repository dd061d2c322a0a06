//! What an answer holds: its types, entities and lists, and what of it is not known.

use super::ast::OperationKind;
use super::entity::Knowledge;
use super::inject::TYPENAME_KEY;
use super::injected::RESERVED_PREFIX;
use super::schema::{FieldInfo, TypeId, TypeKind};
use super::shape::{Shape, ShapeField};
use crate::limits;
use crate::tag::{BY_SCHEMA, Tag, TagSet, UNTYPED};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// What a JSON body says happened (GraphQL §7.1).
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Outcome<'a> {
    /// Data and no errors.
    Data(&'a Map<String, Value>),
    /// Data and errors, data that is null, or an error with a `path`: something ran.
    Partial(Option<&'a Map<String, Value>>),
    /// Errors of which none has a `path`, and no data: nothing ran.
    NothingRan,
    /// No GraphQL answer.
    Unknown,
}

/// Reads what happened off a body. Data that is null says nothing by itself: some servers write it
/// where they refuse a request, and some leave it out where all that ran has failed.
pub fn outcome(body: &Value) -> Outcome<'_> {
    let Value::Object(answer) = body else { return Outcome::Unknown };
    let errors = answer.get("errors").filter(|errors| !errors.is_null());
    let is_one_of_several = answer.contains_key("hasNext");
    match answer.get("data") {
        Some(Value::Object(data)) if errors.is_none() && !is_one_of_several => Outcome::Data(data),
        Some(Value::Object(data)) => Outcome::Partial(Some(data)),
        Some(Value::Null) | None
            if errors.is_some_and(are_of_the_request) && !is_one_of_several =>
        {
            Outcome::NothingRan
        }
        Some(_) => Outcome::Partial(None),
        None if errors.is_some() => Outcome::Partial(None),
        None => Outcome::Unknown,
    }
}

/// Whether errors were raised before anything ran (GraphQL §7.1.2, request errors): a list of which
/// none has a `path`.
fn are_of_the_request(errors: &Value) -> bool {
    let has_path = |error: &Value| error.get("path").is_some_and(|path| !path.is_null());
    errors.as_array().is_some_and(|errors| !errors.is_empty() && !errors.iter().any(has_path))
}

/// What an answer holds.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AnswerFacts {
    /// The names of the GraphQL types in it.
    pub types: BTreeSet<String>,
    /// Its tags.
    pub tags: TagSet,
    /// Whether something in it has a type that is not known.
    pub untyped: bool,
    /// Whether a type in it is known by the schema alone.
    pub by_schema: bool,
    /// Whether it shows that the schema is not that of this API.
    pub contradicts_schema: bool,
    /// What it says of its own caching.
    pub hint: AnswerHint,
}

/// What `extensions.cacheControl` says of an answer, as Apollo Server writes it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AnswerHint {
    /// For how many seconds it may be stored.
    pub max_age: Option<u64>,
    /// Whether it is one person's.
    pub private: bool,
}

/// An answer and what was asked.
#[derive(Debug, Clone, Copy)]
pub struct Shown<'a> {
    /// The answer, before anything was taken out of it.
    pub json: &'a Value,
    /// Whether it is that to the document with what was added to it.
    pub added: bool,
}

/// The types that a null or an empty list of an interface or a union may stand for: with more it
/// counts as untyped.
const POSSIBLE_TYPES: usize = 20;

/// Walks the answer's data beside the selections that made it. `extensions` count too.
pub fn facts(
    shown: Shown<'_>,
    data: &Map<String, Value>,
    shape: &Shape,
    knowledge: &Knowledge<'_>,
) -> AnswerFacts {
    let mut walk = Walk { facts: AnswerFacts::default(), added: shown.added, things: 0, knowledge };
    walk.root(data, shape);
    let mut facts = walk.facts;
    let extensions = shown.json.get("extensions");
    let of_extension = |name| extensions.and_then(|extensions| extensions.get(name));
    if let Some(Value::Array(tags)) = of_extension("cacheTags") {
        let tags = tags.iter().filter_map(Value::as_str);
        facts.tags.extend(tags.filter_map(|tag| Tag::parse(tag).ok()));
    }
    let told = of_extension("cacheControl").map(answer_hint).unwrap_or_default();
    facts.hint.private |= told.private;
    facts.hint.max_age = facts.hint.max_age.into_iter().chain(told.max_age).min();
    if facts.by_schema {
        facts.tags.insert(Tag::of("", BY_SCHEMA));
    }
    if facts.untyped {
        facts.tags.insert(Tag::of("", UNTYPED));
    }
    facts.coarsen();
    facts
}

/// The hint for the whole answer, and the strictest of those for its parts.
fn answer_hint(extension: &Value) -> AnswerHint {
    let parts = extension.get("hints").and_then(Value::as_array).into_iter().flatten();
    let mut hint = AnswerHint::default();
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

struct Walk<'k> {
    facts: AnswerFacts,
    added: bool,
    /// Objects so far that are more than a wrapper of others.
    things: usize,
    knowledge: &'k Knowledge<'k>,
}

impl Walk<'_> {
    fn root(&mut self, data: &Map<String, Value>, shape: &Shape) {
        let root = self.knowledge.schema.and_then(|schema| schema.root(OperationKind::Query));
        for (key, value) in data {
            match shape.field(key) {
                Some(field @ ShapeField { shape: Some(inner), .. }) => {
                    self.value(value, inner, self.field_of(root, field), false);
                }
                // A leaf of the query itself depends on something that has no name.
                Some(ShapeField { name: Some(name), .. }) if name == "__typename" => {}
                _ => self.facts.untyped = true,
            }
        }
    }

    /// What the schema says of a field on a type.
    fn field_of(&self, parent: Option<TypeId>, field: &ShapeField) -> Option<FieldInfo> {
        self.knowledge.schema?.field(parent?, field.name.as_deref()?)
    }

    fn value(&mut self, value: &Value, shape: &Shape, info: Option<FieldInfo>, in_list: bool) {
        match value {
            Value::Object(object) => self.object(object, shape, info, in_list),
            Value::Array(items) if !items.is_empty() => {
                for item in items {
                    self.value(item, shape, info, true);
                }
            }
            Value::Null => self.nothing(shape, info, in_list),
            Value::Array(_) => self.nothing(shape, info, true),
            // A scalar where an object should be: of what type?
            _ => self.facts.untyped = true,
        }
    }

    /// Null or an empty list. What would fill it has types that only a schema knows: its own, and
    /// those of all that was asked below it.
    fn nothing(&mut self, shape: &Shape, info: Option<FieldInfo>, in_list: bool) {
        let Some((schema, info)) = self.knowledge.schema.zip(info) else {
            self.facts.untyped = true;
            return;
        };
        let possible: Vec<TypeId> = schema.possible(info.of).take(POSSIBLE_TYPES + 1).collect();
        if possible.is_empty() || possible.len() > POSSIBLE_TYPES {
            self.facts.untyped = true;
            return;
        }
        // It rests on the schema alone.
        self.facts.by_schema = true;
        let in_list = in_list || info.list;
        for of in &possible {
            let name = schema.name(*of);
            self.type_tags(name, in_list);
            self.facts.tags.insert(Tag::of(&format!("{name}:"), "?"));
        }
        for field in shape.fields() {
            let Some(below) = &field.shape else { continue };
            let Some(name) = field.name.as_deref() else {
                self.facts.untyped = true;
                continue;
            };
            let mut known = false;
            for of in &possible {
                if let Some(info) = schema.field(*of, name) {
                    known = true;
                    self.nothing(below, Some(info), in_list);
                }
            }
            self.facts.untyped |= !known;
        }
    }

    fn object(
        &mut self,
        object: &Map<String, Value>,
        shape: &Shape,
        info: Option<FieldInfo>,
        in_list: bool,
    ) {
        let added = object.get(TYPENAME_KEY).filter(|_| self.added).and_then(Value::as_str);
        let told = added.or_else(|| type_name(object, shape));
        let schema = self.knowledge.schema;
        let expected = schema.zip(info).map(|(schema, info)| (schema, info.of));
        if let (Some(name), Some((schema, of))) = (told, expected)
            && schema.kind(of).is_composite()
            && !schema.is_possible(of, name)
        {
            self.facts.contradicts_schema = true;
        }
        let foreseen = expected
            .filter(|(schema, of)| schema.kind(*of) == TypeKind::Object)
            .map(|(schema, of)| schema.name(of));
        self.facts.by_schema |= told.is_none() && foreseen.is_some();
        let is_entity = match told.or(foreseen) {
            Some(name) => {
                self.hint_of_type(name, info);
                self.entity(name, object, shape, in_list)
            }
            None => {
                self.facts.untyped = true;
                false
            }
        };
        let things_before = self.things;
        let parent =
            told.and_then(|name| schema?.type_named(name)).or_else(|| info.map(|info| info.of));
        for (key, value) in object {
            match shape.field(key) {
                Some(field @ ShapeField { shape: Some(inner), .. }) => {
                    // What only wraps a thing stands in the list for it.
                    let in_list = in_list && !is_entity;
                    self.value(value, inner, self.field_of(parent, field), in_list);
                }
                Some(_) => {}
                None if self.added && key.starts_with(RESERVED_PREFIX) => {}
                None => self.facts.untyped = true,
            }
        }
        match told.or(foreseen) {
            Some(PAGE_INFO) => {}
            // A count of things that it does not show.
            Some(name) if is_wrapper(name) && !is_entity => {
                self.facts.untyped |= self.things == things_before;
            }
            _ => self.things += 1,
        }
    }

    /// Heeds what the schema says of caching a type, where the field that led to it could not tell
    /// that it would.
    fn hint_of_type(&mut self, name: &str, info: Option<FieldInfo>) {
        let Some(schema) = self.knowledge.schema else { return };
        let Some(of) = schema.type_named(name).filter(|of| info.map(|info| info.of) != Some(*of))
        else {
            return;
        };
        let hint = schema.hint(of);
        self.facts.hint.private |= hint.private;
        let max_age = hint.max_age.filter(|_| !hint.inherit).map(u64::from);
        self.facts.hint.max_age = self.facts.hint.max_age.into_iter().chain(max_age).min();
    }

    /// Tags an object of a type; true where it shows an id.
    fn entity(
        &mut self,
        name: &str,
        object: &Map<String, Value>,
        shape: &Shape,
        in_list: bool,
    ) -> bool {
        self.type_tags(name, in_list);
        let ids = self.knowledge.ids(name, object, shape, self.added);
        let tags = &mut self.facts.tags;
        // A purge may name it by an id that it does not show.
        if !ids.complete {
            tags.insert(Tag::of(&format!("{name}:"), "?"));
        }
        tags.extend(ids.all.iter().map(|id| Tag::of(&format!("{name}:"), id)));
        !ids.all.is_empty()
    }

    fn type_tags(&mut self, name: &str, in_list: bool) {
        self.facts.types.insert(name.to_owned());
        self.facts.tags.insert(Tag::of("", name));
        if in_list {
            self.facts.tags.insert(Tag::of("list:", name));
        }
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

/// What a type's name ends with where it only wraps what it is about, as lists with pages do.
const WRAPPERS: [&str; 13] = [
    "Connection",
    "Edge",
    "Page",
    "List",
    "Collection",
    "Results",
    "Payload",
    "Response",
    "Aggregate",
    "Aggregation",
    "_aggregate",
    "_aggregate_fields",
    "Count",
];

/// Whether a type, by its name, only wraps what it is about.
fn is_wrapper(type_name: &str) -> bool {
    WRAPPERS.iter().any(|suffix| type_name.len() > suffix.len() && type_name.ends_with(suffix))
}

/// Where Relay's connections say whether there is more: it is of the things beside it.
const PAGE_INFO: &str = "PageInfo";

/// The object's type, where a key that is surely `__typename` says it.
pub(super) fn type_name<'a>(object: &'a Map<String, Value>, shape: &Shape) -> Option<&'a str> {
    keys_of(object, shape, &["__typename"]).find_map(|value| value.as_str())
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
