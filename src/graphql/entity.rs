//! By which ids an object of an answer is known, and so purged.

use super::schema::{Schema, TypeId, TypeKind};
use super::shape::Shape;
use crate::config::KeyFields;
use crate::http::from_base64url;
use crate::tag::{BY_SCHEMA, Tag, TagSet, graphql_type_of};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// Fields that identify an entity where nothing says otherwise, the best known first.
const ID_FIELDS: [&str; 5] = ["id", "_id", "uuid", "databaseId", "documentId"];

/// What an added key field's response key begins with; its name and its type follow.
pub(super) const KEY_PREFIX: &str = "evergraph__key_";

/// What is known of types and their keys.
#[derive(Debug, Clone, Copy)]
pub struct TypeKnowledge<'a> {
    /// The schema, if there is one.
    pub schema: Option<&'a Schema>,
    /// The configured key fields.
    pub keys: &'a KeyFields,
}

/// Under which ids an object shows itself.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Ids {
    /// Each way to write them.
    pub all: BTreeSet<String>,
    /// Whether those are among them by which purges name such objects.
    pub complete: bool,
}

impl TypeKnowledge<'_> {
    /// Adds what a purge of these tags must reach beside them: where the schema does not have a
    /// type that they may name, what is known by the schema alone could be of that type.
    pub fn reach(&self, tags: &mut TagSet) {
        let is_known = |tag: &Tag| {
            let Some(name) = graphql_type_of(tag) else { return true };
            self.schema.is_some_and(|schema| schema.type_named(name).is_some())
        };
        if tags.iter().any(|tag| !is_known(tag)) {
            tags.insert(Tag::of("", BY_SCHEMA));
        }
    }

    /// The fields by which purges name objects of a type.
    fn naming_fields(&self, type_name: &str) -> Vec<&str> {
        if let Some(fields) = self.keys.get(type_name) {
            return fields.iter().map(String::as_str).collect();
        }
        let Some(schema) = self.schema else { return vec!["id"] };
        let Some(of) = schema.type_named(type_name) else { return vec!["id"] };
        ID_FIELDS.into_iter().filter(|field| schema.field(of, field).is_some()).take(1).collect()
    }

    /// Whether objects of a type are surely entities, shown with an id or not: the configuration
    /// names its key, or the schema has a field for it.
    pub(super) fn is_entity_type(&self, type_name: &str) -> bool {
        let in_schema = || self.schema.and_then(|schema| schema.type_named(type_name)).is_some();
        self.keys.contains_key(type_name)
            || (in_schema() && !self.naming_fields(type_name).is_empty())
    }

    /// The fields that are to be added to selections on a type, so that its objects show their
    /// ids: leaves without arguments that have to be given.
    pub(super) fn fields_to_add(&self, of: TypeId) -> Vec<&str> {
        let Some(schema) = self.schema else { return Vec::new() };
        let can_be_added = |field: &&str| {
            schema.field(of, field).is_some_and(|info| {
                schema.kind(info.of) == TypeKind::Leaf && !info.list && !info.needs_arguments
            })
        };
        self.naming_fields(schema.name(of)).into_iter().filter(can_be_added).collect()
    }

    /// The ids of an object of an answer. Where fields were added, they count too.
    pub(super) fn ids(
        &self,
        type_name: &str,
        object: &Map<String, Value>,
        shape: &Shape,
        added: bool,
    ) -> Ids {
        let naming = self.naming_fields(type_name);
        let shown = |fields: &[&str]| -> Vec<(String, String)> {
            let of_field = |(key, value): (&String, &Value)| {
                let field = field_of(key, shape, fields, added)?;
                Some((field, id_text(value)?))
            };
            object.iter().filter_map(of_field).collect()
        };
        let named = shown(&naming);
        let complete = !naming.is_empty()
            && naming.iter().all(|field| named.iter().any(|(shown, _)| shown == field));
        let others = match self.keys.contains_key(type_name) {
            true => Vec::new(),
            false => shown(&ID_FIELDS),
        };
        let all = named.into_iter().chain(others).flat_map(|(_, id)| spellings(&id)).collect();
        Ids { all, complete }
    }

    /// Whether an object shows any id, whatever its type.
    pub(super) fn shows_any_id(&self, object: &Map<String, Value>, shape: &Shape) -> bool {
        let fields: Vec<&str> =
            ID_FIELDS.into_iter().chain(self.keys.values().flatten().map(String::as_str)).collect();
        object.iter().any(|(key, value)| {
            field_of(key, shape, &fields, false).is_some() && id_text(value).is_some()
        })
    }

    /// Whether an argument of that name says which object of a type is meant, by an id that every
    /// entry shows which shows ids at all.
    pub(super) fn is_id_argument(&self, type_name: &str, argument: &str) -> bool {
        let plain = |name: &str| name.to_lowercase().replace('_', "");
        let argument = plain(argument);
        let mut fields = self.naming_fields(type_name);
        if !self.keys.contains_key(type_name) && !fields.contains(&"id") {
            // It has no field of that name, so by `id` its one id is meant.
            fields.push("id");
        }
        // `ProductType` and `ProductNode` are how some frameworks name the type of a product.
        let thing = ["Type", "Node"].iter().find_map(|suffix| type_name.strip_suffix(suffix));
        let whose = ["", type_name, thing.unwrap_or_default()].map(plain);
        fields.into_iter().any(|field| {
            let mut names = whose.iter().map(|whose| format!("{whose}{}", plain(field)));
            names.any(|name| argument == name || argument == format!("{name}s"))
        })
    }
}

/// The response key of an added key field.
pub(super) fn key_of_added(field: &str, type_name: &str) -> String {
    format!("{KEY_PREFIX}{field}__{type_name}")
}

/// Which of these fields a response key surely is.
fn field_of(key: &str, shape: &Shape, fields: &[&str], added: bool) -> Option<String> {
    let found = match key.strip_prefix(KEY_PREFIX).filter(|_| added) {
        Some(rest) => fields
            .iter()
            .find(|field| rest.strip_prefix(**field).is_some_and(|rest| rest.starts_with("__"))),
        None => {
            // With arguments it may be written in another way.
            let of = shape.field(key).filter(|of| of.plain)?;
            let name = of.name.as_deref()?;
            fields.iter().find(|field| **field == name)
        }
    };
    found.map(|field| (*field).to_owned())
}

/// An id's text; none for what is no id.
pub(super) fn id_text(value: &Value) -> Option<String> {
    match value {
        Value::String(id) if !id.is_empty() => Some(id.clone()),
        Value::Number(id) => Some(id.to_string()),
        _ => None,
    }
}

/// The ways to write an id: as it stands, and what a global id holds: Relay's base64 of
/// `Product:42`, or `gid://shop/Product/42`. Who knows an entity by its row knows only the latter.
pub(super) fn spellings(id: &str) -> BTreeSet<String> {
    let mut spellings = BTreeSet::from([id.to_owned()]);
    let decoded = from_base64(id);
    let local = match id.strip_prefix("gid://") {
        Some(rest) => rest.rsplit('/').next(),
        None => decoded.as_deref().and_then(|text| {
            let (type_name, local) = text.split_once(':')?;
            let is_name = |byte: u8| byte == b'_' || byte.is_ascii_alphanumeric();
            (!type_name.is_empty() && type_name.bytes().all(is_name)).then_some(local)
        }),
    };
    spellings.extend(local.filter(|local| !local.is_empty()).map(str::to_owned));
    spellings
}

/// Base64 in either alphabet (RFC 4648 §4, §5), padded or not, of printable ASCII.
fn from_base64(text: &str) -> Option<String> {
    const ID_BYTES: usize = 500;
    let digits = text.trim_end_matches('=');
    if text.len() - digits.len() > 2 || digits.len() < 4 || digits.len() > ID_BYTES {
        return None;
    }
    let decoded = from_base64url(&digits.replace('+', "-").replace('/', "_"))?;
    let printable = decoded.iter().all(|byte| (b' '..=b'~').contains(byte));
    printable.then(|| String::from_utf8(decoded).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_global_id_is_known_by_its_row_too() {
        for (id, local) in [
            ("UHJvZHVjdDo0Mg==", Some("42")),
            ("UHJvZHVjdDo0Mg", Some("42")),
            ("UHJvZHVjdFR5cGU6YS1iLWM=", Some("a-b-c")),
            ("gid://shopify/Product/42", Some("42")),
            ("42", None),
            ("product", None),
            ("c2lsbHk=", None),
            ("OjQy", None),
            ("UHJvZHVjdDo=", None),
            ("////", None),
        ] {
            let expected: BTreeSet<String> =
                [Some(id), local].into_iter().flatten().map(str::to_owned).collect();
            assert_eq!(spellings(id), expected, "{id}");
        }
    }

    #[test]
    fn an_argument_says_which_object_is_meant() {
        let keys = KeyFields::from([("Product".to_owned(), vec!["sku".to_owned()])]);
        let knowledge = TypeKnowledge { schema: None, keys: &keys };
        let is = |of: &str, name: &str| knowledge.is_id_argument(of, name);
        for name in ["id", "ids", "_id", "userId", "user_id", "userIds"] {
            assert!(is("User", name) && is("UserType", name), "{name}");
        }
        for name in ["sku", "skus", "productSku", "product_sku"] {
            assert!(is("Product", name), "{name}");
        }
        // An entry that shows the id by which purges name it has no tag for another.
        for (of, name) in
            [("User", "uuid"), ("User", "sku"), ("Product", "id"), ("Product", "sku2")]
        {
            assert!(!is(of, name), "{of} {name}");
        }
        for name in ["productId", "name", "idea", "clientMutationId"] {
            assert!(!is("User", name), "{name}");
        }
    }

    #[test]
    fn with_a_schema_the_argument_is_the_field_that_the_type_has() {
        let schema = Schema::from_sdl(
            "type Query { a: A } type A { uuid: ID } type B { name: Int } \
             type C { id: ID, uuid: ID }",
        )
        .unwrap();
        let keys = KeyFields::new();
        let knowledge = TypeKnowledge { schema: Some(&schema), keys: &keys };
        for (of, name, expected) in [
            ("A", "uuid", true),
            ("A", "id", true),
            ("A", "databaseId", false),
            ("B", "id", true),
            ("C", "cId", true),
            ("C", "uuid", false),
        ] {
            assert_eq!(knowledge.is_id_argument(of, name), expected, "{of} {name}");
        }
    }
}
