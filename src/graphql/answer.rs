//! What an answer holds: its types, entities and lists, and what of it is not known.

use super::entity::TypeKnowledge;
use super::inject::TYPENAME_KEY;
use super::shape::Shape;
use super::walk::Walk;
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
    /// Whether it depends on something whose type is not known.
    pub untyped: bool,
    /// Whether something that it shows, or counts, has a type that is not known.
    pub types_unknown: bool,
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

/// Walks the answer's data beside the selections that made it. `extensions` count too.
pub fn facts(
    shown: Shown<'_>,
    data: &Map<String, Value>,
    shape: &Shape,
    knowledge: &TypeKnowledge<'_>,
) -> AnswerFacts {
    let mut walk = Walk::new(shown.added, knowledge);
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

/// The object's type as the answer shows it, by what was added to the document or by what the client
/// asked for.
pub(super) fn object_type<'a>(
    object: &'a Map<String, Value>,
    shape: &Shape,
    added: bool,
) -> Option<&'a str> {
    let by_addition = object.get(TYPENAME_KEY).filter(|_| added).and_then(Value::as_str);
    by_addition.or_else(|| type_name(object, shape))
}

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
mod tests;
