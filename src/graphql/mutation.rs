//! What a successful mutation purges: by its answer, by its fields' names, or everything.

use super::analysis::Analysis;
use super::answer::type_name;
use super::ast::OperationKind;
use super::entity::{Knowledge, id_text, spellings};
use super::schema::{FieldInfo, TypeId, TypeKind};
use super::shape::Shape;
use crate::config::{Config, MutationPolicy};
use crate::tag::{Tag, TagSet};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// What a mutation purges.
#[derive(Debug, Clone, PartialEq)]
pub enum MutationPurge {
    /// These tags; there may be none.
    Tags(TagSet),
    /// Everything of the service.
    Everything {
        /// The mutation's field for which nothing narrower is certain; none where no single field
        /// is the cause.
        field: Option<String>,
    },
}

impl MutationPurge {
    /// A purge of everything, and the mutation's field that caused it.
    pub fn everything<'a>(field: impl Into<Option<&'a str>>) -> Self {
        Self::Everything { field: field.into().map(str::to_owned) }
    }
}

/// A mutation that the origin has answered.
#[derive(Debug, Clone, Copy)]
pub struct Mutated<'a> {
    /// The mutation.
    pub analysis: &'a Analysis,
    /// Its variables.
    pub variables: Option<&'a Map<String, Value>>,
    /// The answer's data; none where it could not be read.
    pub data: Option<&'a Map<String, Value>>,
}

/// GraphQL types that are known to exist, by their names in lower case without underscores.
pub type KnownTypes = BTreeMap<String, BTreeSet<String>>;

/// What a mutation purges. `known` says which GraphQL types a name can mean, as a schema and
/// answers have shown them.
pub fn purge_of(
    config: &Config,
    mutated: Mutated<'_>,
    knowledge: &Knowledge<'_>,
    known: &KnownTypes,
) -> MutationPurge {
    let shape = &mutated.analysis.shape;
    // Which field a key is must be certain, for every field may have its own rule.
    if shape.is_ambiguous() {
        return MutationPurge::everything(None);
    }
    let policy = config.mutations.policy;
    let root = knowledge.schema.and_then(|schema| schema.root(OperationKind::Mutation));
    let mut tags = TagSet::new();
    let mut by_names = TagSet::new();
    for field in shape.names().into_iter().filter(|name| *name != "__typename") {
        if let Some(rule) = config.mutation_rule(field) {
            tags.extend(rule.tags.iter().cloned());
            continue;
        }
        if policy == MutationPolicy::All {
            return MutationPurge::everything(field);
        }
        let mut named = Named { entities: BTreeMap::new(), untyped: false, knowledge };
        for (key, value) in mutated.data.into_iter().flatten() {
            match shape.field(key) {
                Some(of) if of.name.as_deref() == Some(field) => {
                    if let Some(inner) = &of.shape {
                        named.under_mutation(value, inner, named.field_of(root, field));
                    }
                }
                _ => {}
            }
        }
        let meant = types_meant_by(field, known);
        let unsure = named.entities.is_empty() || named.untyped;
        if unsure && !meant.any_known {
            return MutationPurge::everything(field);
        }
        // A field's name adds to what its answer names, unless the answer names that very type.
        let told = !unsure && named.entities.keys().any(|name| meant.names.contains(name));
        let by_name = meant.names.into_iter().map(|name| {
            let ids = argument_ids(&mutated, field, &name, knowledge);
            (name, ids)
        });
        let by_name = by_name.filter(|(_, ids)| !told || !ids.is_empty());
        for (name, ids) in by_name {
            by_names.extend(tags_of(policy, &name, &ids, speaks_of_many(field)));
        }
        for (name, ids) in named.entities {
            tags.extend(tags_of(policy, &name, &ids, speaks_of_many(field)));
        }
    }
    knowledge.reach(&mut tags);
    tags.extend(by_names);
    MutationPurge::Tags(tags)
}

/// The ids of a type's objects that the arguments of a field name: `deleteProduct(id: 42)`,
/// `deleteProducts(ids: $ids)`, `updateProduct(input: { productId: 42 })`. Empty where any of the
/// calls of that field names none.
fn argument_ids(
    mutated: &Mutated<'_>,
    field: &str,
    type_name: &str,
    knowledge: &Knowledge<'_>,
) -> BTreeSet<Option<String>> {
    // What is made anew has an id that no argument names.
    if words(field).iter().any(|word| MAKING.contains(&word.as_str())) {
        return BTreeSet::new();
    }
    let analysis = mutated.analysis;
    let is_this_field =
        |key: &str| analysis.shape.field(key).is_some_and(|of| of.name.as_deref() == Some(field));
    let mut all = BTreeSet::new();
    for (_, arguments) in analysis.arguments.iter().filter(|(key, _)| is_this_field(key)) {
        let mut ids = BTreeSet::new();
        for (name, value) in arguments {
            let Some(value) = analysis.input(value, mutated.variables) else { continue };
            match &value {
                Value::Object(fields) => {
                    for (name, value) in fields {
                        add_ids(&mut ids, type_name, name, value, knowledge);
                    }
                }
                value => add_ids(&mut ids, type_name, name, value, knowledge),
            }
        }
        if ids.is_empty() {
            return BTreeSet::new();
        }
        all.extend(ids.into_iter().map(Some));
    }
    all
}

fn add_ids(
    ids: &mut BTreeSet<String>,
    type_name: &str,
    argument: &str,
    value: &Value,
    knowledge: &Knowledge<'_>,
) {
    if !knowledge.is_id_argument(type_name, argument) {
        return;
    }
    let items = match value {
        Value::Array(items) => items.as_slice(),
        one => std::slice::from_ref(one),
    };
    ids.extend(items.iter().filter_map(id_text).flat_map(|id| spellings(&id)));
}

/// The tags for one type that a mutation touched, and the entities of it that it named.
fn tags_of(
    policy: MutationPolicy,
    type_name: &str,
    ids: &BTreeSet<Option<String>>,
    many: bool,
) -> TagSet {
    let mut tags = TagSet::new();
    let whole = ids.is_empty() || many || ids.contains(&None) || policy == MutationPolicy::Type;
    if whole {
        tags.insert(Tag::of("", type_name));
    }
    if policy != MutationPolicy::Type {
        let ids = ids.iter().flatten();
        tags.extend(ids.map(|id| Tag::of(&format!("{type_name}:"), id)));
    }
    if policy == MutationPolicy::List {
        tags.insert(Tag::of("list:", type_name));
    }
    tags
}

/// The entities that a mutation's answer names, by type; an entity without an id as none.
struct Named<'k> {
    entities: BTreeMap<String, BTreeSet<Option<String>>>,
    untyped: bool,
    knowledge: &'k Knowledge<'k>,
}

impl Named<'_> {
    /// What the schema says of a field on a type.
    fn field_of(&self, parent: Option<TypeId>, field: &str) -> Option<FieldInfo> {
        self.knowledge.schema?.field(parent?, field)
    }

    /// An object without an id right under the mutation only wraps the answer.
    fn under_mutation(&mut self, value: &Value, shape: &Shape, info: Option<FieldInfo>) {
        match value {
            Value::Object(object) if !self.knowledge.shows_any_id(object, shape) => {
                let type_name = self.type_of(object, shape, info);
                self.fields(object, shape, type_name.as_deref(), info);
            }
            Value::Array(items) => {
                items.iter().for_each(|item| self.under_mutation(item, shape, info));
            }
            other => self.value(other, shape, info),
        }
    }

    fn value(&mut self, value: &Value, shape: &Shape, info: Option<FieldInfo>) {
        match value {
            Value::Object(object) => {
                let type_name = self.type_of(object, shape, info);
                match &type_name {
                    Some(name) => {
                        let ids = self.knowledge.ids(name, object, shape, false);
                        let entity = self.entities.entry(name.clone()).or_default();
                        if !ids.complete {
                            entity.insert(None);
                        }
                        entity.extend(ids.all.into_iter().map(Some));
                    }
                    None => self.untyped = true,
                }
                self.fields(object, shape, type_name.as_deref(), info);
            }
            Value::Array(items) => items.iter().for_each(|item| self.value(item, shape, info)),
            _ => {}
        }
    }

    /// The object's type, as it says itself or else as the schema does.
    fn type_of(
        &self,
        object: &Map<String, Value>,
        shape: &Shape,
        info: Option<FieldInfo>,
    ) -> Option<String> {
        let of_schema = || {
            let (schema, info) = self.knowledge.schema.zip(info)?;
            (schema.kind(info.of) == TypeKind::Object).then(|| schema.name(info.of))
        };
        type_name(object, shape).or_else(of_schema).map(str::to_owned)
    }

    fn fields(
        &mut self,
        object: &Map<String, Value>,
        shape: &Shape,
        type_name: Option<&str>,
        info: Option<FieldInfo>,
    ) {
        let named = type_name.and_then(|name| self.knowledge.schema?.type_named(name));
        let parent = named.or(info.map(|info| info.of));
        for (key, value) in object {
            let Some(field) = shape.field(key) else { continue };
            if let (Some(inner), name) = (&field.shape, field.name.as_deref()) {
                let info = name.and_then(|name| self.field_of(parent, name));
                self.value(value, inner, info);
            }
        }
    }
}

/// Words in a mutation's name that say what is done, and not to what.
const VERBS: [&str; 46] = [
    "create",
    "add",
    "insert",
    "new",
    "make",
    "register",
    "import",
    "update",
    "edit",
    "modify",
    "change",
    "set",
    "patch",
    "save",
    "upsert",
    "put",
    "replace",
    "delete",
    "remove",
    "destroy",
    "archive",
    "unarchive",
    "restore",
    "publish",
    "unpublish",
    "activate",
    "deactivate",
    "enable",
    "disable",
    "approve",
    "reject",
    "cancel",
    "bulk",
    "batch",
    "many",
    "multiple",
    "mass",
    "all",
    "one",
    "by",
    "pk",
    "id",
    "ids",
    "mutation",
    "do",
    "reorder",
];

/// Words that say that something new is made.
const MAKING: [&str; 11] = [
    "create",
    "add",
    "insert",
    "new",
    "make",
    "register",
    "import",
    "copy",
    "clone",
    "duplicate",
    "upsert",
];

/// Words that say that many are meant.
const MANY: [&str; 6] = ["bulk", "batch", "many", "multiple", "mass", "all"];

/// What a type's name may end with beside the thing itself.
const SUFFIXES: [&str; 3] = ["", "Type", "Node"];

/// The types that a mutation's name may mean.
#[derive(Debug, PartialEq)]
pub struct Meant {
    /// Every way to spell them, those that are known among them.
    pub names: BTreeSet<String>,
    /// Whether any of them is known.
    pub any_known: bool,
}

/// The types that a mutation's name may mean: `createProduct`, `update_product`,
/// `bulkDeleteProducts` and `ProductCreate` all mean `Product`.
///
/// To purge a type that does not exist costs nothing, so every spelling counts, whatever this
/// isolate has seen. Whether any is known decides only if a name says enough by itself.
pub fn types_meant_by(field: &str, known: &KnownTypes) -> Meant {
    let words = words(field);
    let is_verb = |word: &String| VERBS.contains(&word.as_str());
    let start = words.iter().position(|word| !is_verb(word)).unwrap_or(words.len());
    let end = words.iter().rposition(|word| !is_verb(word)).map_or(start, |last| last + 1);
    let mut meant = Meant { names: BTreeSet::new(), any_known: false };
    let Some([first @ .., last]) = words.get(start..end) else { return meant };
    for last in singulars(last) {
        let spelled: Vec<&str> = first.iter().map(String::as_str).chain([last.as_str()]).collect();
        let pascal: String = spelled.iter().map(|word| capitalised(word)).collect();
        meant.names.insert(spelled.join("_"));
        for suffix in SUFFIXES {
            let name = format!("{pascal}{suffix}");
            if let Some(names) = known.get(&name.to_lowercase()) {
                meant.any_known = true;
                meant.names.extend(names.iter().cloned());
            }
            meant.names.insert(name);
        }
    }
    meant
}

fn speaks_of_many(field: &str) -> bool {
    let words = words(field);
    words.iter().any(|word| MANY.contains(&word.as_str()))
        || words.iter().any(|word| !VERBS.contains(&word.as_str()) && singulars(word).len() > 1)
}

/// A name's words in lower case: `bulkDeleteProducts`, `bulk_delete_products`, `HTTPServer`.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let letters: Vec<char> = name.chars().collect();
    for (at, letter) in letters.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|i| letters.get(i)).copied().unwrap_or('_');
        let after = letters.get(at + 1).copied().unwrap_or('_');
        let begins = letter.is_uppercase() && (!before.is_uppercase() || after.is_lowercase());
        if *letter == '_' || begins {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| *letter != '_') {
            word.extend(letter.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// The word itself, and what it is the plural of.
fn singulars(word: &str) -> Vec<String> {
    let mut forms = vec![word.to_owned()];
    if let Some(stem) = word.strip_suffix("ies") {
        forms.push(format!("{stem}y"));
    }
    if let Some(stem) = word.strip_suffix("es") {
        forms.push(stem.to_owned());
    }
    if let Some(stem) = word.strip_suffix('s').filter(|stem| !stem.ends_with('s')) {
        forms.push(stem.to_owned());
    }
    match word {
        "people" => forms.push("person".into()),
        "children" => forms.push("child".into()),
        _ => {}
    }
    forms
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
#[path = "mutation_tests.rs"]
mod tests;
