//! By which ids an object of an answer is known, and so purged.

use crate::config::KeyFields;
use crate::graphql::schema::{Schema, TypeId, TypeKind};
use crate::tag::{BY_SCHEMA, Tag, TagSet, graphql_type_of};

/// Fields that identify an entity where nothing says otherwise, the best known first.
pub(crate) const ID_FIELDS: [&str; 5] = ["id", "_id", "uuid", "databaseId", "documentId"];

/// What is known of types and their keys.
#[derive(Debug, Clone, Copy)]
pub struct TypeKnowledge<'a> {
    /// The schema, if there is one.
    pub schema: Option<&'a Schema>,
    /// The configured key fields.
    pub keys: &'a KeyFields,
}

impl TypeKnowledge<'_> {
    /// Adds what a purge of these tags must reach beside them: where the schema does not have a
    /// type that they may name, what is known by the schema alone could be of that type.
    pub fn extend_reach(&self, tags: &mut TagSet) {
        let is_known = |tag: &Tag| {
            let Some(name) = graphql_type_of(tag) else { return true };
            self.schema.is_some_and(|schema| schema.type_named(name).is_some())
        };
        if tags.iter().any(|tag| !is_known(tag)) {
            tags.insert(Tag::of("", BY_SCHEMA));
        }
    }

    /// The fields by which purges name objects of a type.
    pub(crate) fn key_fields(&self, type_name: &str) -> Vec<&str> {
        if let Some(fields) = self.keys.get(type_name) {
            return fields.iter().map(String::as_str).collect();
        }
        let Some(schema) = self.schema else { return vec!["id"] };
        let Some(of) = schema.type_named(type_name) else { return vec!["id"] };
        ID_FIELDS.into_iter().filter(|field| schema.field(of, field).is_some()).take(1).collect()
    }

    /// Whether objects of a type are surely entities, shown with an id or not: the configuration
    /// names its key, or the schema has a field for it.
    pub(crate) fn is_entity_type(&self, type_name: &str) -> bool {
        let in_schema = || self.schema.and_then(|schema| schema.type_named(type_name)).is_some();
        self.keys.contains_key(type_name) || (in_schema() && !self.key_fields(type_name).is_empty())
    }

    /// The fields that are to be added to selections on a type, so that its objects show their
    /// ids: leaves without arguments that have to be given.
    pub(crate) fn fields_to_add(&self, of: TypeId) -> Vec<&str> {
        let Some(schema) = self.schema else { return Vec::new() };
        let can_be_added = |field: &&str| {
            schema.field(of, field).is_some_and(|info| {
                schema.kind(info.type_id) == TypeKind::Leaf && !info.list && !info.needs_arguments
            })
        };
        self.key_fields(schema.name(of)).into_iter().filter(can_be_added).collect()
    }

    /// Whether an argument of that name says which object of a type is meant, by an id that every
    /// entry shows which shows ids at all.
    pub(crate) fn is_id_argument(&self, type_name: &str, argument: &str) -> bool {
        let plain = |name: &str| name.to_lowercase().replace('_', "");
        let argument = plain(argument);
        let mut fields = self.key_fields(type_name);
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

#[cfg(test)]
mod tests {
    use super::*;

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
